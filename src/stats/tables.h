/* The tables of names, suffixes and addresses together: how a shard's entry gets into them. */
#ifndef SPILE_STATS_TABLES_H
#define SPILE_STATS_TABLES_H

#include "stats/distinct.h"
#include "stats/known.h"
#include "stats/leaders.h"
#include "stats/shard.h"
#include "stats/stats.h"
#include "stats/suffix.h"
#include "stats/table.h"

/* By table: the distinct number that counts its keys. */
extern const enum stats_distinct_id table_distinct[STATS_TABLES];
/* The table whose rows a distinct number counts. */
enum stats_table_id table_of(enum stats_distinct_id id);

enum { SUFFIX_HASH_BITS = 8 };
struct suffix_hash {
    uint64_t hash;
    uint8_t len; /* 0: none */
    uint8_t key[39];
};

/* The rows of a table by their groups. */
struct group_rows {
    uint32_t *rows; /* numbers of rows; NULL: they are not known */
    uint32_t *ends; /* by group, where its rows end among these */
};

/* Owner: the statistics' thread, or who has the window. */
struct table_set {
    struct stats_table tables[STATS_TABLES];
    struct group_rows by_group[STATS_TABLES]; /* of a set that does not change any more */
    const struct stats_reader *reader;
    const struct siphash_key *key;
    const struct suffix_list *suffixes;
    unsigned stream_max;   /* number of the last stream: all those past the limit */
    unsigned stream_count; /* streams that have come, by number; the last one not counted */
    bool rest;             /* the last one has come */
    struct suffix_hash suffix_hashes[1 << SUFFIX_HASH_BITS];
    uint64_t mark_ns[STATS_MARKS]; /* clock_ns of the tables' marks */
};

/* The caller has set reader, key, suffixes and stream_max. Takes about `memory` bytes. -1: no
 * memory. */
int table_set_init(struct table_set *set, size_t memory);
void table_set_free(struct table_set *set);
void table_set_clear(struct table_set *set);
/* stats_table_limit, of all together. */
void table_set_limit(struct table_set *set, size_t memory);
/* stats_table_follow, stats_table_succeed and stats_table_seal. */
void table_set_follow(struct table_set *set, enum stats_table_id id, const struct table_set *elder);
void table_set_succeed(struct table_set *set, const struct table_set *before);
void table_set_seal(struct table_set *set);

/* Marks a moment (clock_ns), but for one that comes so soon after the last that these would not
 * reach back an hour: see stats_table_mark. */
void table_set_mark(struct table_set *set, uint64_t now_ns);

/* True when more than one stream has rows. */
static inline bool table_set_several(const struct table_set *set)
{
    return set->stream_count + set->rest > 1;
}

/* A key that a table had not seen in its group: bits, 1 << enum stats_distinct_id, of what it is
 * new for. */
struct table_news {
    uint64_t hash;
    uint16_t group; /* stats_group */
    uint8_t table;  /* enum stats_table_id */
    uint8_t bits;
};

/* A shard's entry on its way into the tables. */
struct table_item {
    const struct shard_entry *entry;
    struct span key;
    uint16_t group; /* stats_group of the stream's number */
};

/* Adds some entries of the shard at once, at most TABLE_BATCH: while one is added, what the tables
 * have of the others comes from memory. Returns how many `news` they brought, at most TABLE_NEWS.
 */
enum { TABLE_BATCH = 16, TABLE_NEWS = 3 * TABLE_BATCH };
size_t table_set_add(struct table_set *set, const struct shard *shard, enum shard_table_id id,
                     const struct table_item *items, size_t count, struct table_news *news);
/* Adds to a server's tally, in the group; but not without a row. */
void table_set_tally(struct table_set *set, const struct shard_tally *tally, uint16_t group);
/* Which distinct numbers a row counts for, as bits; and the key's row, 0: there is none. */
uint8_t table_set_row_bits(const struct table_set *set, enum stats_table_id id,
                           const struct stats_row *row);
uint8_t table_set_bits(const struct table_set *set, enum stats_table_id id, uint64_t hash,
                       uint16_t group);
/* Notes for what a key counts on its side, in whatever stream, and returns what was noted before.
 * `known`: one for each table. */
uint8_t table_know(struct known *known, const struct table_news *news);
/* Notes that for all keys of a set. */
void table_set_learn(const struct table_set *set, struct known *known);
/* Adds what came later some rows at a time, and empties nothing: stats_table_fold_begin of all
 * tables, and stats_table_fold_some of one. */
void table_set_fold_begin(struct table_set *set, struct table_set *later);
bool table_set_fold_some(struct table_set *set, struct table_set *later, enum stats_table_id id,
                         uint32_t count);
/* Some streams are no longer told apart from those past the limit. `homes`: as stats_table_move has
 * them. */
void table_set_move(struct table_set *set, const uint16_t *homes);
/* Counts the keys of the last stream that it has in one set or the other, by side. */
void table_set_count_rest(const struct table_set *set, const struct table_set *later,
                          struct distinct_counts *distinct);
/* Finds the rows of each group, so that nobody has to look for them; the set does not change from
 * then on. Without memory for it they are looked for. */
void table_set_sort(struct table_set *set);
/* The rows of one group in a table, one after the other; NULL behind the last. */
struct group_walk {
    const struct stats_table *table;
    const uint32_t *rows; /* numbers; NULL: all are looked at */
    uint32_t at, end;
    uint16_t group;
};
struct group_walk table_set_walk(const struct table_set *set, enum stats_table_id id,
                                 uint16_t group);
const struct stats_row *table_set_next(struct group_walk *walk);
/* Whether a scope (of a stream by its number) has any rows; and their keys of one kind, into a
 * sketch, false when there are none. */
bool table_set_has(const struct table_set *set, const struct stats_scope *scope);
bool table_set_sketch(const struct table_set *set, const struct stats_scope *scope,
                      enum stats_distinct_id which, struct hll *sketch);
/* Bits by enum stats_table_id: those that have evicted nothing. */
unsigned table_set_exact(const struct table_set *set);

/* Sets that are added up, each of what came after the one before, and nobody changes them
 * meanwhile. One between the first and the last is being folded into the first: of it counts what
 * is left. */
enum { TABLE_SETS_MAX = 3 };
struct table_sets {
    const struct table_set *of[TABLE_SETS_MAX];
    unsigned count;
};
/* What stats_top promises. `stream`: a number, or STATS_ALL. */
int table_set_top(const struct table_sets *sets, const struct stats_scope *scope,
                  const struct stats_question *questions, size_t count, size_t n,
                  struct stats_answer *answers);
/* What a key has in a scope, of a stream by its number. */
struct key_sums {
    struct stats_values values;
    uint64_t error;            /* it may have so many more hits */
    uint64_t cells;            /* where the question is by type or rcode: hits that it counts */
    struct stats_tally *tally; /* optional, of a table that has them: they are added to it */
};
/* Adds what it has in one set, as far as that is in no other yet. */
void table_set_sum(const struct table_set *set, const struct stats_question *question,
                   uint64_t hash, const struct stats_scope *scope, struct key_sums *sums);
/* What a key that has no row in the set may have at most, as far as that is in no other yet. */
uint64_t table_set_floor(const struct table_set *set, enum stats_table_id id,
                         const struct stats_scope *scope);
/* What stats_news promises; the last set began at that moment. */
int table_set_news(const struct table_sets *sets, uint64_t last_ns, const struct stats_scope *scope,
                   enum stats_table_id table, uint64_t since_ns, size_t n, struct stats_news *news);
/* What stats_window_leaders promises, in the same way. */
int table_set_leaders(struct leaders *leaders, const struct table_set *set,
                      const struct stats_scope *scope, enum stats_table_id table,
                      const struct stats_ranks *ranks, uint64_t *floors,
                      const struct stats_taker *taker);
/* A key as text, terminated; returns its length. */
size_t table_set_put_key(const struct table_set *set, enum stats_table_id id, struct span key,
                         char text[SAMPLE_TEXT_MAX + 1]);

#endif
