/*
 * The table of the most frequent keys: exact while all keys fit, and Space-Saving (Metwally and
 * others, 2005) from then on, evicting in batches. Memory is fixed when it is made.
 *
 * A full table drops the lightest part of its rows at once; `floor` is the largest weight ever
 * dropped. From then on a key that comes (again) gets a row when it has come often enough, of which
 * the gate keeps count (stats/gate.h); so it may have been counted before, up to `floor` times: its
 * row says how often at most in `error`, and weighs its count plus the error when the lightest are
 * sought, as Space-Saving demands. So for every row
 *
 *     count <= true count <= count + error,    and of a key without a row: true count <= floor.
 *
 * Here the count is that of hits, queries and responses. When a third of R rows goes, the others
 * all weigh as much as the floor rises to, and no hit makes a row weigh more above the floor than
 * by one: of all N hits so far, every rise by one has used up 2/3 R. Therefore floor <= N / (2/3
 * R), with R the least number of rows that was ever full.
 *
 * By weight alone a key that has just come weighs more than one that has half as many hits as the
 * floor: under an attack with random names the frequent ones would be dropped beside those that
 * come once. So of the rows that would go those stay that have the most hits, an eighth of all at
 * most: as many are as heavy as the floor all the same, and fewer go at a time.
 *
 * Keys are known by their keyed 64-bit hashes; the bytes are kept for showing them. A row belongs
 * to a group, a stream on one side: the same key in two groups has two rows.
 */
#ifndef SPILE_STATS_TABLE_H
#define SPILE_STATS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "stats/gate.h"
#include "stats/measure.h"
#include "stats/tally.h"

/* A count of responses or queries by type and rcode, of a row whose table has cells. Rows are many,
 * so it is small: what it cannot hold is in a second cell of the same kind, which carries. */
struct stats_cell {
    uint32_t hits;       /* 0: there is no cell here; else as stats_cell_hits has it */
    uint16_t qtype;      /* STATS_NO_QTYPE: the message had none */
    uint16_t rcode : 12; /* STATS_NO_RCODE: it had no header */
    uint16_t direction : 1;
    uint16_t carries : 1;
};
enum {
    STATS_NO_QTYPE = 0xffff,
    STATS_BLOCK_CELLS = 5,
    STATS_ROW_BLOCKS = 50, /* of one row; its hits by any more types and rcodes are in no cell */
    STATS_CARRY_BITS = 31,
};

static inline uint64_t stats_cell_hits(const struct stats_cell *cell)
{
    return (uint64_t)cell->hits << (cell->carries ? STATS_CARRY_BITS : 0);
}

/* What cells the rows of a table have. */
enum stats_cells {
    STATS_NO_CELLS,
    STATS_CELLS,   /* a hit is in one: where there is no room for it others make room */
    STATS_TALLIED, /* instead of types and rcodes they count a row's tally, as far as there is room;
                      stats_table_seal keeps them */
};

/* Private: cells of one row, which fill from the front. */
struct stats_block {
    struct stats_cell cells[STATS_BLOCK_CELLS];
    uint32_t next; /* number of the row's next block; 0: none */
};

/* The measures that count events, and those that are sums of what may be large. */
enum stats_count {
    COUNT_QUERIES,
    COUNT_RESPONSES,
    COUNT_NXDOMAIN,
    COUNT_FAILED,
    COUNT_TIMED,
    COUNT_SERVFAIL,
    COUNT_REFUSED,
    COUNT_NODATA,
    STATS_COUNTS
};
enum stats_sum { SUM_QUERY_BYTES, SUM_RESPONSE_BYTES, SUM_LATENCY, STATS_SUMS };
/* Which these are: enum stats_measure. */
extern const uint8_t stats_count_measures[STATS_COUNTS], stats_sum_measures[STATS_SUMS];

/* Rows stand in the order in which they came. Memory says how many there are, so they are small:
 * counts have 32 bits each, and the row that needs more has a `wide`. */
struct stats_row {
    uint64_t hash; /* of the key alone; with the group behind it, for both are compared */
    uint16_t group;
    uint8_t key_len;
    uint8_t tag; /* the user's own */
    uint32_t key_at;
    uint64_t error; /* see above */
    /* Private: stats_row_values. */
    uint64_t sums[STATS_SUMS];
    uint32_t counts[STATS_COUNTS];
    uint32_t slowest_us;
    uint32_t wide; /* its number + 1; 0: none */
};

/* Of the last moments that were marked so many are known. */
enum { STATS_MARKS = 452 };

/* Private: the upper halves of a row's counts. A row has one once it has counted 2^32 of something,
 * so however long the program runs these are few. */
struct stats_wide {
    uint32_t of[STATS_COUNTS];
};

/* Owner: one thread at a time. */
struct stats_table {
    struct stats_row *rows;
    uint32_t row_count, row_max;
    uint32_t row_most; /* more there may not be now; see stats_table_limit */
    uint32_t *index;   /* open addressing: row + 1, and bits of the hash above it */
    uint32_t index_mask;
    uint8_t *keys; /* the bytes of all keys, in the order of the rows */
    uint32_t keys_len, keys_max, keys_most;
    unsigned mean_key;
    /* Each row's first block has the row's number, so that both are found at once; the others are
     * behind these. NULL: there are no cells. */
    struct stats_block *blocks;
    enum stats_cells cells;
    uint32_t block_count, block_max, block_free;
    struct stats_gate gate;
    void *pages; /* what all of them lie in */
    size_t pages_size;
    struct stats_wide *wides;
    uint32_t wide_count, wide_max;
    const struct stats_table *elder; /* stats_table_follow; NULL: there is none */
    uint64_t elder_limit;            /* rows of it that weigh more are spared here */
    /* How many of the rows had come at the moments that were marked, in ascending order. */
    uint32_t marks[STATS_MARKS], mark_count;
    uint64_t floor;   /* 0: nothing was ever dropped, the table is exact */
    uint64_t evicted; /* rows dropped so far */
    bool folding;     /* it is being folded into another, which has its floor already ... */
    uint32_t folded;  /* ... and so many rows, the first ones */
};

/* Private: the first place in the index where a row may stand, and its tag: the bits of an index
 * entry above row + 1 hold as many bits of the hash as fit, so that rows of other keys are seldom
 * looked at. */
static inline uint32_t stats_table_slot(const struct stats_table *table, uint64_t hash,
                                        uint16_t group)
{
    return ((uint32_t)hash + group * 0x9e3779b1u) & table->index_mask;
}

static inline uint32_t stats_table_tag(const struct stats_table *table, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~table->index_mask;
}

/* About `memory` bytes in all, and some KiB at least, of which pages never used cost nothing;
 * `mean_key` is what a key may have on average, in bytes; -1: no
 * memory. */
int stats_table_init(struct stats_table *table, size_t memory, unsigned mean_key,
                     enum stats_cells cells);
void stats_table_free(struct stats_table *table);
/* It takes about `memory` bytes from here on, no more than at first: of what is beyond that the
 * lightest rows are evicted, and its pages go back to the system. */
void stats_table_limit(struct stats_table *table, size_t memory);
/* For a table of what comes now beside one of what came before, into which it will be folded: the
 * keys of the elder's heaviest rows, an eighth as many as there may be rows here, are not dropped
 * here however little has come of them. What is known of them would else be less with each fold.
 * Bounds are as above, for as many other rows are as heavy as without. They get their rows at once,
 * too. To be called again when the elder has changed. */
void stats_table_follow(struct stats_table *table, const struct stats_table *elder);
/* The same for an empty table that takes another's place whose folding has begun: until the elder
 * has all of it, the heaviest are about those that they were. */
void stats_table_succeed(struct stats_table *table, const struct stats_table *before);
/* Rows, and their tallies, will be read from here on, one after another: gives back what finding
 * them and their cells took. */
void stats_table_seal(struct stats_table *table);
/* Forgets everything. */
void stats_table_clear(struct stats_table *table);

/* Marks this moment: from now on stats_table_marked tells which rows came before it and which
 * later, whatever is evicted, moved or folded in. The oldest mark goes where there are too many. A
 * key that comes again after it was evicted has come with that row, whose error says that it may
 * have come before. */
void stats_table_mark(struct stats_table *table);
/* The first row that came after one of the marks, by its number; of all marks kept 0 is the oldest.
 */
static inline uint32_t stats_table_marked(const struct stats_table *table, uint32_t mark)
{
    return table->marks[mark];
}

/* Prefetches the index where the key's row is looked for first, and its slot of the gate, for
 * callers who know early which keys will come. */
static inline void stats_table_prefetch(const struct stats_table *table, uint64_t hash,
                                        uint16_t group)
{
    __builtin_prefetch(&table->index[stats_table_slot(table, hash, group)]);
    if (table->floor > 0)
        stats_gate_prefetch(&table->gate, hash, group);
}

/* Prefetches the row itself, a while after stats_table_prefetch. */
static inline void stats_table_prefetch_row(const struct stats_table *table, uint64_t hash,
                                            uint16_t group)
{
    uint32_t mask = table->index_mask, tag = stats_table_tag(table, hash), entry;
    for (uint32_t slot = stats_table_slot(table, hash, group); (entry = table->index[slot]) != 0;
         slot = (slot + 1) & mask) {
        if ((entry & ~mask) != tag)
            continue;
        uint32_t number = (entry & mask) - 1;
        const char *row = (const char *)&table->rows[number];
        for (size_t at = 0; at < sizeof *table->rows; at += 64)
            __builtin_prefetch(row + at, 1);
        __builtin_prefetch(row + sizeof *table->rows - 1, 1);
        if (table->blocks) {
            __builtin_prefetch(&table->blocks[number], 1);
            __builtin_prefetch(&table->blocks[number].next, 1);
        }
        return;
    }
}

/* The key's row in the group, made when it is not there (which may evict others: rows found before
 * are then invalid). *fresh tells whether it was made. Never NULL. `key` has at most 255 bytes. */
struct stats_row *stats_table_row(struct stats_table *table, uint64_t hash, uint16_t group,
                                  struct span key, bool *fresh);
/* The same for a key that comes with so many hits; NULL: it has no row, and gets none yet. What it
 * has come with is then in no row, but was there for each key of the gate's slot. */
struct stats_row *stats_table_admit(struct stats_table *table, uint64_t hash, uint16_t group,
                                    struct span key, uint64_t hits, bool *fresh);
/* NULL when there is none. */
const struct stats_row *stats_table_find(const struct stats_table *table, uint64_t hash,
                                         uint16_t group);
/* Adds `hits` to the row's cell of that direction, type and rcode; cells stand in the order in
 * which they came first. When there is no room for a new cell the lightest rows are evicted as
 * above, but never this one; *row follows it when it moves. Only for tables with cells. */
void stats_table_cell(struct stats_table *table, struct stats_row **row, unsigned direction,
                      uint16_t qtype, uint16_t rcode, uint64_t hits);
/* The cells of a row: pass NULL first. NULL at the end. */
const struct stats_cell *stats_row_cell(const struct stats_table *table,
                                        const struct stats_row *row,
                                        const struct stats_cell *after);
/* Counts hits in the row's tally, if there is room; and adds the tally to another. Only for tables
 * that have them. */
void stats_table_tally(struct stats_table *table, struct stats_row *row, unsigned what,
                       uint64_t hits);
void stats_row_tally(const struct stats_table *table, const struct stats_row *row,
                     struct stats_tally *tally);
struct span stats_row_key(const struct stats_table *table, const struct stats_row *row);
/* The weight that stands at *rank (from 0) when all are sorted; *rank becomes the rank among those
 * that are equal. */
uint64_t stats_weight_at(const uint64_t *weights, uint32_t count, uint32_t *rank);

/* Gives the rows of each group to the group that `homes` has in its place, which may be the same:
 * there a key's rows become one. Bounds stay true; hits by types and rcodes for which there is no
 * room are in no cell. Rows found before are invalid then. */
void stats_table_move(struct stats_table *table, const uint16_t *homes);

/*
 * Adds another table, of what came later, whose keys are not cut (there is room for 255 bytes). For
 * every key the bounds add up; a key that one of them lacks may have had its floor there.
 *
 * That is done some rows at a time, and who adds up both tables between has the same sums as before
 * and after: of the later one those rows count that are left (stats_table_left), and of its floor
 * what stats_table_floor_left says. It does not change, and is whole for who reads it alone.
 */
void stats_table_fold_begin(struct stats_table *table, struct stats_table *later);
/* Adds `count` rows more, as far as there are any. True when there are no more. */
bool stats_table_fold_some(struct stats_table *table, struct stats_table *later, uint32_t count);

/* The key's row, if it is not in another table yet. NULL when there is none. */
static inline const struct stats_row *stats_table_left(const struct stats_table *table,
                                                       uint64_t hash, uint16_t group)
{
    const struct stats_row *row = stats_table_find(table, hash, group);
    return row && row >= table->rows + table->folded ? row : NULL;
}

/* What a key without a row may have had here, as far as that is not in another table yet; and the
 * error of a row that is left, which is less than nothing where the other says more than it has to
 * (modulo 2^64: sums are right). */
static inline uint64_t stats_table_floor_left(const struct stats_table *table)
{
    return table->folding ? 0 : table->floor;
}

static inline uint64_t stats_row_error_left(const struct stats_table *table,
                                            const struct stats_row *row)
{
    return row->error - (table->folding ? table->floor : 0);
}

/* One count of the row's; all its values; and adds to them, where sums stay at
 * the largest number there is. */
uint64_t stats_row_wide_count(const struct stats_table *table, const struct stats_row *row,
                              enum stats_count count);
static inline uint64_t stats_row_count(const struct stats_table *table, const struct stats_row *row,
                                       enum stats_count count)
{
    return row->wide ? stats_row_wide_count(table, row, count) : row->counts[count];
}
void stats_row_values(const struct stats_table *table, const struct stats_row *row,
                      struct stats_values *values);
void stats_row_add(struct stats_table *table, struct stats_row *row,
                   const struct stats_values *values);

static inline uint64_t stats_row_hits(const struct stats_table *table, const struct stats_row *row)
{
    return stats_row_count(table, row, COUNT_QUERIES) +
           stats_row_count(table, row, COUNT_RESPONSES);
}

/* The most that a key without a row may have. */
static inline uint64_t stats_table_missed(const struct stats_table *table, uint64_t hash,
                                          uint16_t group)
{
    return table->floor ? table->floor - stats_gate_room(&table->gate, hash, group) : 0;
}

/* What evicting goes by. */
static inline uint64_t stats_row_weight(const struct stats_table *table,
                                        const struct stats_row *row)
{
    return stats_row_hits(table, row) + row->error;
}

#endif
