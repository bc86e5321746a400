#include "stats/measure.h"

#include "wire/dns.h"

const struct stats_unit stats_events = {"events", 0};
const struct stats_unit stats_bytes = {"bytes", 0};
const struct stats_unit stats_seconds = {"seconds", 6};

const struct stats_measure_info stats_measures[STATS_MEASURES] = {
    [MEASURE_QUERIES] = {"queries", &stats_events, "Queries."},
    [MEASURE_RESPONSES] = {"responses", &stats_events, "Responses."},
    [MEASURE_QUERY_BYTES] = {"query-bytes", &stats_bytes, "The DNS messages of the queries."},
    [MEASURE_RESPONSE_BYTES] = {"response-bytes", &stats_bytes,
                                "The DNS messages of the responses."},
    [MEASURE_NXDOMAIN] = {"nxdomain", &stats_events, "Responses that say NXDOMAIN."},
    [MEASURE_FAILED] = {"failed", &stats_events,
                        "Responses with SERVFAIL, REFUSED, FORMERR or any other rcode but NOERROR "
                        "and NXDOMAIN."},
    [MEASURE_TIMED] = {"timed", &stats_events, "Responses whose latency is known."},
    [MEASURE_LATENCY] = {"latency-sum", &stats_seconds, "The sum of the known latencies."},
    [MEASURE_SLOWEST] = {"slowest", &stats_seconds, "The longest of the known latencies."},
    [MEASURE_SERVFAIL] = {"servfail", &stats_events, "Responses that say SERVFAIL."},
    [MEASURE_REFUSED] = {"refused", &stats_events, "Responses that say REFUSED."},
    [MEASURE_NODATA] = {"nodata", &stats_events,
                        "Responses that say NOERROR, but have no answer and are no referral."},
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

enum stats_measure stats_measure_of_rcode(unsigned rcode)
{
    switch (rcode) {
    case DNS_RCODE_NXDOMAIN:
        return MEASURE_NXDOMAIN;
    case DNS_RCODE_SERVFAIL:
        return MEASURE_SERVFAIL;
    case DNS_RCODE_REFUSED:
        return MEASURE_REFUSED;
    default:
        return STATS_MEASURES;
    }
}

void stats_values_rcode(struct stats_values *values, unsigned rcode, uint64_t hits)
{
    enum stats_measure measure = stats_measure_of_rcode(rcode);
    if (rcode == DNS_RCODE_NOERROR || rcode == STATS_NO_RCODE)
        return;
    if (measure != STATS_MEASURES)
        values->of[measure] += hits;
    if (measure != MEASURE_NXDOMAIN)
        values->of[MEASURE_FAILED] += hits;
}
