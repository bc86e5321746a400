/*
 * A shard: what one worker has counted since it last handed a shard over. It holds counters for
 * each stream, and tables of the names, clients and servers that came by.
 *
 * Some events at a time are counted, in steps: while the tables' lines for one of them come from
 * memory, the others are looked at.
 */
#ifndef SPILE_STATS_SHARD_H
#define SPILE_STATS_SHARD_H

#include "base/names.h"
#include "base/siphash.h"
#include "core/observer.h"
#include "stats/distinct.h"
#include "stats/pool.h"
#include "stats/snapshot.h"

enum shard_table_id { SHARD_NAMES, SHARD_CLIENTS, SHARD_SERVERS, SHARD_TABLES };

/* The number of a name's messages of one type and rcode. */
struct shard_cell {
    uint16_t qtype; /* STATS_NO_QTYPE: none */
    uint16_t code;  /* direction in the highest bit; in the lower ones the rcode, STATS_NO_RCODE:
                       none */
    uint32_t hits;
};
enum {
    SHARD_DIRECTION_BIT = 15,
    SHARD_REST_BIT = 14,   /* of all further types and rcodes: see SHARD_MORE_CELLS */
    SHARD_NODATA_BIT = 13, /* SAMPLE_NODATA */
    SHARD_RCODE_MASK = 0x0fff,
    SHARD_TALLY_CODE = 1 << SHARD_REST_BIT | 0x0e00, /* a server's tally, by what it counts */
    SHARD_NEAR_CELLS = 6,
};

/* What is told apart of the messages of an address. */
enum shard_outcome {
    OUTCOME_QUERY,
    OUTCOME_NOERROR, /* a response with that rcode, or without any */
    OUTCOME_NODATA,
    OUTCOME_NXDOMAIN,
    OUTCOME_SERVFAIL,
    OUTCOME_REFUSED,
    OUTCOME_OTHER,
    SHARD_OUTCOMES
};

/*
 * One key in one stream: a cache line. Sums have 32 bits; what is carried beyond them, and a name's
 * cells for which there is no place here, are in the shard's `more`. Since whoever asks can choose
 * types and rcodes, a name has at most SHARD_MORE_CELLS there: what comes then is counted without
 * them, as in a full row of the tables.
 */
struct shard_entry {
    uint64_t hash;   /* of the key alone */
    uint32_t key_at; /* in the shard's keys */
    uint16_t group;  /* stats_group */
    uint8_t key_len;
    uint8_t more_count : 7; /* a name's cells in the shard's `more` */
    uint8_t carried : 1;
    uint32_t bytes[STATS_DIRECTIONS];
    uint32_t latency_us; /* the sum of those timed */
    uint32_t timed;
    uint32_t slowest_us;
    union {
        uint32_t outcomes[SHARD_OUTCOMES];   /* of an address */
        struct {                             /* of a name */
            uint32_t near[SHARD_NEAR_CELLS]; /* cells of frequent kinds: see shard_keys.c */
            uint32_t more;                   /* the last of its further cells: place + 1; 0: none */
        };
    };
};
enum { SHARD_MORE_CELLS = 96 };

/* A cell that is not in its entry. */
struct shard_more {
    uint32_t owner; /* the entry, by shard_owner; 0: free */
    uint32_t next;  /* the name's cell before it: place + 1; 0: none */
    struct shard_cell cell;
};

/* All of them, by entry, type and code: open addressing. */
struct shard_cells {
    struct shard_more *slots;
    uint32_t count, max;
    unsigned bits; /* 1 << bits slots */
    bool tallied;  /* some are servers' tallies */
};

struct shard_table {
    struct shard_entry *entries;
    uint32_t count, max;
    uint32_t *index; /* tag in the upper bits, entry + 1 in the lower ones; 0: free */
    uint32_t mask;
};

/*
 * The shard's own numbering of streams. First come those that the statistics list, whom nobody can
 * keep out; behind them are places for new ones, of which one peer gets all but SHARD_RESERVE, and
 * of these no more than it leaves. The last one takes the events of those that find no place.
 */
struct shard_stream {
    char name[STREAM_NAME_MAX];
    uint8_t name_len;
    uint64_t peer;       /* who brings it (roster_peer) */
    struct block *block; /* NULL: it has sent nothing, or nothing since shard_take_blocks */
    bool sent;           /* something since the shard was empty */
};
enum { SHARD_RESERVE = 8 };

/* How many samples there were of one kind in one stream. Few kinds are frequent, so that nearly
 * always one is counted by one sum; the stream's counters get it when another kind needs the place,
 * or by shard_settle. */
struct shard_kind {
    struct sample_kind kind;
    uint64_t hits;
    uint16_t stream;
    uint16_t code;        /* what tells cells of a name apart, but for the type */
    uint8_t outcome;      /* enum shard_outcome */
    uint8_t near_outcome; /* the same + 1 where that is all that the code says; else 0 */
};
enum { SHARD_KIND_BITS = 10, SHARD_LAST_BITS = 4 };

/* Owner: the worker while it counts, the statistics' thread while it merges. */
struct shard {
    struct shard_table tables[SHARD_TABLES];
    struct shard_cells more;
    uint8_t *keys;
    uint32_t keys_len, keys_max;
    uint32_t stream_max; /* streams with a name: those listed, and SHARD_RESERVE */
    uint32_t stream_count, listed;
    uint64_t listing;                    /* of the statistics: which listing these are of */
    struct shard_stream *streams;        /* stream_max + 1 */
    struct names names;                  /* numbers of streams, + 1, by their names */
    uint16_t last[1 << SHARD_LAST_BITS]; /* streams that were found lately, by brief_place */
    struct shard_kind kinds[1 << SHARD_KIND_BITS];
    struct pool *pool; /* of the streams' blocks; the last one's is the shard's own */
    bool other_used;
    struct hll others; /* identities whose events the last one has taken; zeros without any */
    uint64_t events;
    uint64_t malformed;
    uint64_t unlisted;
    /* The keys of the unlisted events, for all streams together: distinct counts have these keys,
     * though the tables do not (but for distinct suffixes, which only the tables know). */
    struct hll missed[STATS_SIDES][STATS_DISTINCTS];
};

/* One sample on its way into the tables. */
struct shard_slot {
    struct stats_sample sample;
    uint64_t hash[SHARD_TABLES]; /* of the keys */
    uint32_t at[SHARD_TABLES];   /* places in the indexes, where the keys stand or may stand */
    uint32_t latency_us;
    uint16_t stream;
    uint16_t group; /* stats_group of the stream and the sample's side */
    uint16_t qtype;
    uint16_t code;
    uint8_t tables;  /* bits, 1 << enum shard_table_id: where it has a key */
    uint8_t near;    /* the kind of its cell, if that may be near; 0: it may not */
    uint8_t outcome; /* enum shard_outcome */
};

struct shard_server {
    uint64_t hash;
    uint8_t address[16];
    uint8_t len;
};

/* What a worker counts by. Owner: the worker. */
struct shard_batch {
    const struct siphash_key *key;
    const struct stats_reader *reader;
    struct shard_server servers[64]; /* the last ones: they come again and again */
    struct shard_slot slots[OBSERVER_EVENTS];
    uint8_t names[OBSERVER_EVENTS][SAMPLE_NAME_MAX + 1]; /* what readers make of them */
};

/* Room for `listed` streams that the statistics list, and for some more. About `memory` bytes for
 * the tables; blocks come from the pool, and shard_fixed_bytes on top. */
int shard_init(struct shard *shard, size_t memory, uint32_t listed, struct pool *pool);
void shard_free(struct shard *shard);
size_t shard_fixed_bytes(uint32_t listed);
/* Empties it. The streams stay that shard_list has named. */
void shard_clear(struct shard *shard);
/*
 * Counters are small and wanted each second; tables are large, and most of their keys come again.
 * So a worker keeps them for as long as they have room, and hands over the counters alone: the
 * blocks of the streams, which get others when they send on.
 */
struct shard_block {
    uint32_t stream;
    struct block *block;
};
struct shard_blocks {
    const struct shard *shard; /* whose streams these are; it is not emptied before them */
    uint32_t count;
    uint64_t malformed;
    struct shard_block items[]; /* by stream; room for stream_max */
};
/* False, and nothing is taken: there is something that only the whole shard can tell, as streams
 * that are not listed yet or events that are in no table. */
bool shard_take_blocks(struct shard *shard, struct shard_blocks *blocks);
/* Names the streams that have their places whatever comes, of a shard that is empty: first none,
 * then one after another. */
void shard_list_none(struct shard *shard);
void shard_list(struct shard *shard, struct span name, uint64_t peer);
/* What an entry adds to its key's row. */
void shard_values(const struct shard *shard, enum shard_table_id id, const struct shard_entry *e,
                  struct stats_values *values);
/* The cells of a name's entry, of which several may be alike. False at the end. */
struct shard_walk {
    const struct shard_entry *entry;
    uint32_t near, more;
};
struct shard_walk shard_cells_of(const struct shard_entry *e);
bool shard_next_cell(const struct shard *shard, struct shard_walk *walk, struct shard_cell *cell);
/* What a server's entry adds to its row's tally, from a place among the shard's cells on, but for
 * the latency of an entry that has only one: *at goes from 0 up. False at the end. */
struct shard_tally {
    const struct shard_entry *entry;
    unsigned what;
    uint32_t hits;
};
bool shard_next_tally(const struct shard *shard, uint32_t *at, struct shard_tally *tally);
/* True when it is time to hand the shard over, before it is so full that keys are left out. */
bool shard_is_full(const struct shard *shard);

/* Counts some events, OBSERVER_EVENTS at most. */
void shard_events(struct shard *shard, struct shard_batch *batch, struct event *events,
                  size_t count);
/* Puts into the blocks what they lack yet. To be called before somebody else looks. */
void shard_settle(struct shard *shard);
void shard_batch_init(struct shard_batch *batch, const struct stats_reader *reader,
                      const struct siphash_key *key);

#endif
