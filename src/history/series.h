/*
 * Series: what can be followed over time. One table (series.c); from a row follow how a counter is
 * read from the statistics, the ids in the database, the names in the API and the documentation.
 *
 * A row with several members is a family: "rcode" has the series "rcode.NOERROR", "rcode.NXDOMAIN",
 * and so on.
 */
#ifndef SPILE_HISTORY_SERIES_H
#define SPILE_HISTORY_SERIES_H

#include "history/counts.h"
#include "stats/snapshot.h"

enum series_from {
    SERIES_TIME,      /* how long somebody was watching */
    SERIES_SNAPSHOT,  /* of all streams alone: `offset` in struct stats_snapshot, whatever the side
                       */
    SERIES_STREAM,    /* `offset` in struct stats_counters */
    SERIES_LATENCY,   /* stats_latency; when it shrinks, nothing has come */
    SERIES_QUERIES,   /* `offset` in struct stats_direction_counters of that direction */
    SERIES_RESPONSES, /* the same */
    SERIES_BOTH,      /* the sum of the two directions */
    SERIES_RARE,      /* not public: the rare types of the family of the same number */
    SERIES_MEAN,      /* not stored, but made from others: the mean latency */
    SERIES_QUANTILE,  /* the same: the `q`-quantile of latencies */
    SERIES_DISTINCT,  /* the same: the sketch of `distinct`; of all streams alone */
};

struct series {
    const char *name, *unit, *doc; /* doc: one sentence, begins in lower case, has no full stop */
    unsigned decimals;             /* counted is 10^-decimals of the unit; see put_decimal */
    enum series_from from;
    uint16_t number;  /* in databases: never changed, and never used for anything else */
    uint16_t members; /* 0: one series, not a family */
    size_t offset;
    char *(*label)(char *p, unsigned member); /* of families; at most SERIES_LABEL_MAX bytes */
    double q;
    int distinct; /* enum stats_distinct_id */
    bool hidden;  /* what others are made from */
};

enum { SERIES_NAME_MAX = 64, SERIES_LABEL_MAX = 32, SERIES_MEMBER_OTHER = 0xffff };

/* The n-th row for users; NULL behind the last. */
const struct series *series_at(size_t n);
/* The row that an id of counts belongs to; NULL: unknown (a newer program has written it). */
const struct series *series_of(uint32_t id);
static inline uint32_t series_id(const struct series *series, unsigned member)
{
    return (uint32_t)series->number << 16 | member;
}
/* "queries", "rcode.NXDOMAIN": at most SERIES_NAME_MAX bytes; the byte behind the last. */
char *series_put_name(char *p, const struct series *series, unsigned member);

/* One stream, or all, in a snapshot. */
struct series_moment {
    const struct stats_snapshot *snapshot;
    const struct stats_stream *stream; /* a total of the snapshot, or one of its streams */
};

/* Puts into `counts` (empty) what came between two moments, `elapsed_ms` apart. Without `before`
 * (a NULL stream) that is all there is: the start, a new stream, or the first after a reset. A
 * counter that went back counts anew from zero. */
void series_between(struct counts *counts, const struct series_moment *before,
                    const struct series_moment *now, uint64_t elapsed_ms);

/* The other way round: adds counts to a stream's counters, and, where they are of all streams, to
 * those of its snapshot. */
void series_fill(const struct counts *counts, struct stats_snapshot *snapshot,
                 struct stats_stream *stream);

/* How long somebody was watching, in milliseconds. */
uint64_t series_observed(const struct counts *counts);
/* Queries and responses. */
uint64_t series_events(const struct counts *counts);
/* The value of a MEAN or QUANTILE, in seconds; negative: nothing was timed. */
double series_derived(const struct series *series, const struct counts *counts);

/* The first of the latencies among the counts, and in *len how many there are (0: NULL); the lower
 * 16 bits of an id are the bucket (stats/quantile.h). */
const struct count *series_latencies(const struct counts *counts, uint32_t *len);
/* Counts latencies by powers of two, for heat maps: heat[i] has those of at most
 * 2^(QUANTILE_MIN_BITS + i) ns that are above the bound before; the last has no bound. */
enum { SERIES_HEAT = QUANTILE_MAX_BITS - QUANTILE_MIN_BITS + 2 };
void series_heat(const struct counts *counts, uint64_t heat[SERIES_HEAT]);

#endif
