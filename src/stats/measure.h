/* What is counted for a row of a table: a name, a registrable domain, a TLD, a client, a server. */
#ifndef SPILE_STATS_MEASURE_H
#define SPILE_STATS_MEASURE_H

#include <stdint.h>

#include "base/span.h"

/* Names and docs: stats_measures in measure.c, one row each. Numbers in databases: never changed.
 */
enum stats_measure {
    MEASURE_QUERIES,
    MEASURE_RESPONSES,
    MEASURE_QUERY_BYTES,
    MEASURE_RESPONSE_BYTES,
    MEASURE_NXDOMAIN, /* responses with that rcode */
    MEASURE_FAILED,   /* responses with SERVFAIL, REFUSED, FORMERR or any other but NXDOMAIN */
    MEASURE_TIMED,    /* responses whose latency is known */
    MEASURE_LATENCY,  /* the sum of their latencies */
    MEASURE_SLOWEST,  /* the longest: merged by maximum, not by sum */
    MEASURE_SERVFAIL, /* of those that failed */
    MEASURE_REFUSED,
    MEASURE_NODATA, /* responses that say NOERROR and have nothing: SAMPLE_NODATA */
    STATS_MEASURES
};

struct stats_values {
    uint64_t of[STATS_MEASURES];
};

/* A kind of numbers: the unit that users see, and the part of it in which the numbers are counted.
 */
struct stats_unit {
    const char *name;  /* that users see: "events", "bytes", "seconds" */
    unsigned decimals; /* counted in 10^-decimals of the unit; see put_decimal */
};
extern const struct stats_unit stats_events, stats_bytes, stats_seconds;

/* A row: the name that users and the API know it by, its unit, and a sentence. */
struct stats_measure_info {
    const char *name;
    const struct stats_unit *unit;
    const char *doc;
};

extern const struct stats_measure_info stats_measures[STATS_MEASURES];

/* NULL behind the last. */
const char *stats_measure_name(enum stats_measure measure);
/* STATS_MEASURES when no measure has that name. */
enum stats_measure stats_measure_parse(struct span name);

enum { STATS_NO_RCODE = 0x0fff /* in the place of an rcode: the message had no header */ };

/* What counts responses with that rcode and no others; STATS_MEASURES: nothing. */
enum stats_measure stats_measure_of_rcode(unsigned rcode);
/* Counts responses with that rcode where they belong; not as responses, which they are as well. */
void stats_values_rcode(struct stats_values *values, unsigned rcode, uint64_t hits);

/* Latencies are what clocks say, however wrong: their sum stays at the largest number there is. */
static inline uint64_t stats_sum_up(uint64_t a, uint64_t b)
{
    return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

static inline void stats_values_add(struct stats_values *into, const struct stats_values *from)
{
    uint64_t mine = into->of[MEASURE_SLOWEST], other = from->of[MEASURE_SLOWEST];
    uint64_t latency = stats_sum_up(into->of[MEASURE_LATENCY], from->of[MEASURE_LATENCY]);
    for (int i = 0; i < STATS_MEASURES; i++)
        into->of[i] += from->of[i];
    into->of[MEASURE_SLOWEST] = mine > other ? mine : other;
    into->of[MEASURE_LATENCY] = latency;
}

#endif
