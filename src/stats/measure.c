#include "stats/measure.h"

const struct stats_measure_info stats_measures[STATS_MEASURES] = {
    [MEASURE_QUERIES] = {"queries", "events", "Queries."},
    [MEASURE_RESPONSES] = {"responses", "events", "Responses."},
    [MEASURE_QUERY_BYTES] = {"query-bytes", "bytes", "The DNS messages of the queries."},
    [MEASURE_RESPONSE_BYTES] = {"response-bytes", "bytes", "The DNS messages of the responses."},
    [MEASURE_NXDOMAIN] = {"nxdomain", "events", "Responses that say NXDOMAIN."},
    [MEASURE_FAILED] = {"failed", "events",
                        "Responses with SERVFAIL, REFUSED, FORMERR or any other rcode but NOERROR "
                        "and NXDOMAIN."},
    [MEASURE_TIMED] = {"timed", "events", "Responses whose latency is known."},
    [MEASURE_LATENCY] = {"latency-sum", "microseconds", "The sum of the known latencies."},
    [MEASURE_SLOWEST] = {"slowest", "microseconds", "The longest of the known latencies."},
};

const char *stats_measure_name(enum stats_measure measure)
{
    return measure < STATS_MEASURES ? stats_measures[measure].name : NULL;
}

enum stats_measure stats_measure_parse(struct span name)
{
    enum stats_measure measure = 0;
    while (measure < STATS_MEASURES && !span_equal(span_str(stats_measures[measure].name), name))
        measure++;
    return measure;
}
