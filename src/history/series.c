#include "history/series.h"

#include "base/put.h"
#include "stats/stats.h"
#include "wire/dns.h"
#include "wire/dnstap.h"

static char *put_name_or_number(char *p, const char *name, const char *prefix, unsigned number)
{
    return name ? put_str(p, name) : put_u64(put_str(p, prefix), number);
}

static char *rcode_label(char *p, unsigned member)
{
    return member == COUNTERS_RCODES - 1
               ? put_str(p, "OTHER")
               : put_name_or_number(p, dns_rcode_name(member), "RCODE", member);
}

static char *type_label(char *p, unsigned member)
{
    return member == SERIES_MEMBER_OTHER ? put_str(p, "OTHER") : dns_type_put(p, (uint16_t)member);
}

static char *opcode_label(char *p, unsigned member)
{
    return put_name_or_number(p, dns_opcode_name(member), "OPCODE", member);
}

static char *flag_label(char *p, unsigned member)
{
    return put_str(p, stats_flag_names[member]);
}

static char *transport_label(char *p, unsigned member)
{
    return put_name_or_number(p, member ? dnstap_protocol_name(member) : "UNKNOWN", "", member);
}

static char *family_label(char *p, unsigned member)
{
    return put_name_or_number(p, member ? dnstap_family_name(member) : "UNKNOWN", "", member);
}

static char *message_label(char *p, unsigned member)
{
    return put_name_or_number(p, member ? dnstap_message_type_name(member) : "UNKNOWN", "", member);
}

static char *size_label(char *p, unsigned member)
{
    return member == COUNTERS_SIZES - 1 ? put_str(p, "more")
                                        : put_u64(p, stats_size_bounds[member]);
}

static char *udp_size_label(char *p, unsigned member)
{
    return put_str(p, stats_udp_size_names[member]);
}

static char *edns_version_label(char *p, unsigned member)
{
    return put_str(p, stats_edns_version_names[member]);
}

static char *number_label(char *p, unsigned member)
{
    return put_u64(p, member);
}

enum {
    NUMBER_OBSERVED = 1,
    NUMBER_QUERIES = 2,
    NUMBER_RESPONSES = 3,
    NUMBER_TIMED = 20,
    NUMBER_LATENCY_SUM = 21,
    NUMBER_LATENCY = 22
};

#define SNAPSHOT(member) .from = SERIES_SNAPSHOT, .offset = offsetof(struct stats_snapshot, member)
#define STREAM(member) .from = SERIES_STREAM, .offset = offsetof(struct stats_counters, member)
#define DIRECTION(direction, member)                                                               \
    .from = SERIES_##direction, .offset = offsetof(struct stats_direction_counters, member)

#define HIDDEN(n, count) .number = (n), .members = (count), .label = number_label, .hidden = true
#define BY_DIRECTION(number, count, member)                                                        \
    {#member, HIDDEN(number, count), DIRECTION(QUERIES, member)},                                  \
    {                                                                                              \
#member, HIDDEN((number) + 1, count), DIRECTION(RESPONSES, member)                         \
    }

static const struct series table[] = {
    {"observed", "seconds", "how long Spile was watching", .decimals = 3, .number = NUMBER_OBSERVED,
     .from = SERIES_TIME},
    {"queries", "messages", "queries", .number = NUMBER_QUERIES, DIRECTION(QUERIES, events)},
    {"responses", "messages", "responses", .number = NUMBER_RESPONSES,
     DIRECTION(RESPONSES, events)},
    {"query-bytes", "bytes", "bytes of queries", .number = 4, DIRECTION(QUERIES, bytes)},
    {"response-bytes", "bytes", "bytes of responses", .number = 5, DIRECTION(RESPONSES, bytes)},
    {"edns", "messages", "messages with EDNS", .number = 6, DIRECTION(BOTH, marks[SAMPLE_EDNS])},
    {"do", "messages", "messages that want DNSSEC", .number = 7, DIRECTION(BOTH, marks[SAMPLE_DO])},
    {"no-dns", "messages", "messages without a DNS header", .number = 8,
     DIRECTION(BOTH, marks[SAMPLE_NO_DNS])},
    {"bad-question", "messages", "messages whose question cannot be read", .number = 9,
     DIRECTION(BOTH, marks[SAMPLE_BAD_QUESTION])},
    {"bad-records", "messages", "messages whose records cannot be read", .number = 10,
     DIRECTION(BOTH, marks[SAMPLE_BAD_RECORDS])},
    {"malformed", "frames", "frames that are no dnstap messages; of all streams alone",
     .number = 11, SNAPSHOT(malformed)},
    {"unanswered", "messages", "queries whose response should have come; upstream: time-outs",
     .number = 12, STREAM(loss[LOSS_UNANSWERED])},
    {"unasked", "messages", "responses whose query should have come", .number = 13,
     STREAM(loss[LOSS_UNASKED])},
    {"nodata", "messages", "responses with NOERROR, but without an answer or a referral",
     .number = 14, DIRECTION(BOTH, marks[SAMPLE_NODATA])},
    {"timed", "messages", "responses whose latency is known", .number = NUMBER_TIMED,
     DIRECTION(RESPONSES, timed)},
    {"latency-sum", "seconds", "the sum of these latencies", .decimals = 6,
     .number = NUMBER_LATENCY_SUM, DIRECTION(RESPONSES, latency_sum_us)},
    {"rcode", "messages", "responses by rcode", .number = 32, .members = COUNTERS_RCODES,
     .label = rcode_label, DIRECTION(RESPONSES, rcode)},
    {"qtype", "messages", "queries by type", .number = 33, .members = COUNTERS_QTYPES,
     .label = type_label, DIRECTION(QUERIES, qtype)},
    {"qtype", .number = 33, .members = COUNTERS_RARE, .hidden = true, .from = SERIES_RARE,
     .offset = STATS_QUERY},
    {"response-qtype", "messages", "responses by type", .number = 34, .members = COUNTERS_QTYPES,
     .label = type_label, DIRECTION(RESPONSES, qtype)},
    {"response-qtype", .number = 34, .members = COUNTERS_RARE, .hidden = true, .from = SERIES_RARE,
     .offset = STATS_RESPONSE},
    {"opcode", "messages", "queries and responses by opcode", .number = 35, .members = 16,
     .label = opcode_label, DIRECTION(BOTH, opcode)},
    {"query-flag", "messages", "queries by flag of the header", .number = 36,
     .members = COUNTERS_FLAGS, .label = flag_label, DIRECTION(QUERIES, flags)},
    {"response-flag", "messages", "responses by flag of the header; tc: truncated", .number = 37,
     .members = COUNTERS_FLAGS, .label = flag_label, DIRECTION(RESPONSES, flags)},
    {"transport", "messages", "queries and responses by transport", .number = 38,
     .members = COUNTERS_TRANSPORTS, .label = transport_label, DIRECTION(BOTH, transport)},
    {"family", "messages", "queries and responses by address family", .number = 39,
     .members = COUNTERS_FAMILIES, .label = family_label, DIRECTION(BOTH, family)},
    {"message", "messages", "queries and responses by dnstap's message type", .number = 40,
     .members = COUNTERS_MESSAGES, .label = message_label, STREAM(message)},
    {"query-size", "messages",
     "queries by size: up to so many bytes, and more than the size before", .number = 41,
     .members = COUNTERS_SIZES, .label = size_label, DIRECTION(QUERIES, size)},
    {"response-size", "messages",
     "responses by size: up to so many bytes, and more than the size before", .number = 42,
     .members = COUNTERS_SIZES, .label = size_label, DIRECTION(RESPONSES, size)},
    {"query-udp-size", "messages",
     "queries with EDNS by the UDP size that it says the sender can take; 512: as much or less",
     .number = 43, .members = COUNTERS_UDP_SIZES, .label = udp_size_label,
     DIRECTION(QUERIES, udp_size)},
    {"response-udp-size", "messages", "the same of responses", .number = 44,
     .members = COUNTERS_UDP_SIZES, .label = udp_size_label, DIRECTION(RESPONSES, udp_size)},
    {"query-edns-version", "messages", "queries with EDNS by its version", .number = 45,
     .members = COUNTERS_EDNS_VERSIONS, .label = edns_version_label,
     DIRECTION(QUERIES, edns_version)},
    {"response-edns-version", "messages", "responses with EDNS by its version", .number = 46,
     .members = COUNTERS_EDNS_VERSIONS, .label = edns_version_label,
     DIRECTION(RESPONSES, edns_version)},
    {"transport-timed", "messages", "responses whose latency is known, by transport", .number = 47,
     .members = COUNTERS_TRANSPORTS, .label = transport_label, STREAM(transport_timed)},
    {"transport-latency-sum", "seconds", "the sum of these latencies by transport", .decimals = 6,
     .number = 48, .members = COUNTERS_TRANSPORTS, .label = transport_label,
     STREAM(transport_latency_us)},
    {"truncated", "messages", "responses over UDP with TC", .number = 49,
     DIRECTION(BOTH, marks[SAMPLE_TRUNCATED])},
    {"after-truncated", "messages", "queries over TCP that follow such a response", .number = 50,
     DIRECTION(BOTH, marks[SAMPLE_AFTER_TRUNCATED])},
    {"retries", "messages", "questions to others that were asked again before an answer",
     .number = 51, DIRECTION(BOTH, marks[SAMPLE_AGAIN])},
    {"cached", "messages", "responses to clients for which nobody else was asked", .number = 52,
     DIRECTION(BOTH, marks[SAMPLE_CACHED])},
    {"fetched", "messages", "responses to clients for which others were asked", .number = 53,
     DIRECTION(BOTH, marks[SAMPLE_FETCHED])},
    {"latency", .number = NUMBER_LATENCY, .members = QUANTILE_BUCKETS, .label = number_label,
     .hidden = true, .from = SERIES_LATENCY},
    {"latency.mean", "seconds", "the mean latency", .from = SERIES_MEAN},
    {"latency.p50", "seconds", "half of all latencies are shorter", .from = SERIES_QUANTILE,
     .q = 0.5},
    {"latency.p90", "seconds", "nine tenths of all latencies are shorter", .from = SERIES_QUANTILE,
     .q = 0.9},
    {"latency.p99", "seconds", "99 % of all latencies are shorter", .from = SERIES_QUANTILE,
     .q = 0.99},
    {"latency.p999", "seconds", "99.9 % of all latencies are shorter", .from = SERIES_QUANTILE,
     .q = 0.999},
    /* The same by direction, and the rest of what is counted: windows are made of it. */
    BY_DIRECTION(64, COUNTERS_TRANSPORTS, transport),
    BY_DIRECTION(66, COUNTERS_FAMILIES, family),
    BY_DIRECTION(68, 16, opcode),
    BY_DIRECTION(70, SAMPLE_MARKS, marks),
    BY_DIRECTION(72, 0, no_qtype),
    BY_DIRECTION(74, 0, no_header),
    {"query-rcode", HIDDEN(76, COUNTERS_RCODES), DIRECTION(QUERIES, rcode)},
    {"bucket", HIDDEN(77, COUNTERS_BUCKETS), DIRECTION(RESPONSES, bucket)},
    {"unlisted", HIDDEN(78, 0), SNAPSHOT(unlisted)},
    {"transport-steps", HIDDEN(79, COUNTERS_STEPPED *QUANTILE_STEPS), STREAM(steps)},
    {"clients", "addresses",
     "distinct clients, estimated; of all streams and from a minute on alone",
     .from = SERIES_DISTINCT, .distinct = DISTINCT_CLIENTS},
    {"domains", "names",
     "distinct names asked or answered, estimated; of all streams and from a minute on alone",
     .from = SERIES_DISTINCT, .distinct = DISTINCT_DOMAINS},
};

enum { SERIES_ROWS = sizeof table / sizeof *table };

const struct series *series_at(size_t n)
{
    for (size_t i = 0; i < SERIES_ROWS; i++) {
        if (!table[i].hidden && n-- == 0)
            return &table[i];
    }
    return NULL;
}

const struct series *series_of(uint32_t id)
{
    for (size_t i = 0; i < SERIES_ROWS; i++) {
        if (table[i].number == id >> 16 && table[i].from != SERIES_RARE)
            return &table[i];
    }
    return NULL;
}

char *series_put_name(char *p, const struct series *series, unsigned member)
{
    p = put_str(p, series->name);
    return series->members ? series->label(put_char(p, '.'), member) : p;
}

/* The first counter of a row at a moment, of one direction; zeros when there is no such moment. */
static const uint64_t *counters_of(const struct series *series, const struct series_moment *moment,
                                   int direction)
{
    static const uint64_t zeros[QUANTILE_BUCKETS];
    if (!moment->stream)
        return zeros;
    if (series->from == SERIES_LATENCY)
        return stats_latency(moment->snapshot, moment->stream);
    const struct stats_counters *counters = &moment->stream->counters;
    const void *base = series->from == SERIES_SNAPSHOT ? (const void *)moment->snapshot
                       : series->from == SERIES_STREAM
                           ? (const void *)counters
                           : (const void *)&counters->direction[direction];
    return (const uint64_t *)(const void *)((const char *)base + series->offset);
}

static uint64_t risen(uint64_t before, uint64_t now)
{
    return now >= before ? now - before : now;
}

/* Counts by how much the row's counters have risen; `direction` says of which direction, where
 * there are two.
 */
static void put_row(struct counts *counts, const struct series *series,
                    const struct series_moment *before, const struct series_moment *now,
                    int direction)
{
    const uint64_t *a = counters_of(series, before, direction),
                   *b = counters_of(series, now, direction);
    for (unsigned i = 0; i < (series->members ? series->members : 1); i++) {
        if (a[i] < b[i] || (a[i] > b[i] && series->from != SERIES_LATENCY))
            counts_put(counts, series_id(series, i), risen(a[i], b[i]));
    }
}

static void put_rare(struct counts *counts, const struct series *series,
                     const struct series_moment *before, const struct series_moment *now)
{
    const struct stats_counters *after = &now->stream->counters;
    const uint64_t *b = after->direction[series->offset].rare_qtype;
    for (unsigned i = 0; i < COUNTERS_RARE; i++) {
        uint64_t a =
            before->stream ? before->stream->counters.direction[series->offset].rare_qtype[i] : 0;
        unsigned member = i == COUNTERS_RARE - 1 ? SERIES_MEMBER_OTHER : after->rare_type[i];
        counts_put(counts, series_id(series, member), risen(a, b[i]));
    }
}

static bool is_idle(const struct series_moment *before, const struct series_moment *now)
{
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++) {
        if (now->stream->counters.direction[direction].events !=
            (before->stream ? before->stream->counters.direction[direction].events : 0))
            return false;
    }
    /* Losses are judged later. */
    return !before->stream || memcmp(now->stream->counters.loss, before->stream->counters.loss,
                                     sizeof now->stream->counters.loss) == 0;
}

void series_between(struct counts *counts, const struct series_moment *before,
                    const struct series_moment *now, uint64_t elapsed_ms)
{
    /* The directions that a row adds up, as bits; the first bit for rows without directions. */
    static const uint8_t directions[] = {[SERIES_SNAPSHOT] = 1,
                                         [SERIES_STREAM] = 1,
                                         [SERIES_LATENCY] = 1,
                                         [SERIES_QUERIES] = 1 << STATS_QUERY,
                                         [SERIES_RESPONSES] = 1 << STATS_RESPONSE,
                                         [SERIES_BOTH] = 1 << STATS_QUERY | 1 << STATS_RESPONSE,
                                         [SERIES_DISTINCT] = 0};
    bool total = now->stream == &now->snapshot->total[now->stream->side];
    if (!total && is_idle(before, now))
        return;
    for (const struct series *series = table; series < table + SERIES_ROWS; series++) {
        if (series->from == SERIES_TIME && total)
            counts_put(counts, series_id(series, 0), elapsed_ms);
        else if (series->from == SERIES_RARE)
            put_rare(counts, series, before, now);
        for (int direction = 0; direction < STATS_DIRECTIONS; direction++) {
            if (directions[series->from] >> direction & 1 &&
                (total || series->from != SERIES_SNAPSHOT))
                put_row(counts, series, before, now, direction);
        }
    }
}

/* Where a row's counters are in a snapshot's stream; NULL: they are made from others, or of both
 * directions. */
static uint64_t *counters_in(const struct series *series, struct stats_snapshot *snapshot,
                             struct stats_stream *stream)
{
    char *base = NULL;
    if (series->from == SERIES_SNAPSHOT)
        base = (char *)snapshot;
    else if (series->from == SERIES_STREAM)
        base = (char *)&stream->counters;
    else if (series->from == SERIES_QUERIES)
        base = (char *)&stream->counters.direction[STATS_QUERY];
    else if (series->from == SERIES_RESPONSES)
        base = (char *)&stream->counters.direction[STATS_RESPONSE];
    else if (series->from == SERIES_LATENCY)
        return stream->counters.latency;
    return base ? (uint64_t *)(void *)(base + series->offset) : NULL;
}

/* A type that has no counter of its own gets the next rare one, or the last with all others. */
static void fill_rare(struct stats_counters *counters, unsigned direction, unsigned type,
                      uint64_t n)
{
    unsigned slot = type == SERIES_MEMBER_OTHER ? COUNTERS_RARE - 1 : 0;
    while (slot < COUNTERS_RARE - 1 && counters->rare_type[slot] != type &&
           counters->rare_type[slot] != 0)
        slot++;
    if (slot < COUNTERS_RARE - 1)
        counters->rare_type[slot] = (uint16_t)type;
    counters->direction[direction].rare_qtype[slot] += n;
}

void series_fill(const struct counts *counts, struct stats_snapshot *snapshot,
                 struct stats_stream *stream)
{
    for (uint32_t i = 0; i < counts->len; i++) {
        const struct count *count = &counts->items[i];
        const struct series *series = series_of(count->id);
        uint64_t *counters = series ? counters_in(series, snapshot, stream) : NULL;
        unsigned member = count->id & 0xffff;
        if (!counters)
            continue;
        if (member < (series->members ? series->members : 1))
            counters[member] += count->n;
        else
            fill_rare(&stream->counters, series->from == SERIES_RESPONSES, member, count->n);
    }
}

const struct count *series_latencies(const struct counts *counts, uint32_t *len)
{
    uint32_t first = counts_from(counts, NUMBER_LATENCY << 16);
    *len = counts_from(counts, (NUMBER_LATENCY << 16) + QUANTILE_BUCKETS) - first;
    return *len ? counts->items + first : NULL;
}

static double quantile_seconds(const struct counts *counts, double q)
{
    uint64_t buckets[QUANTILE_BUCKETS] = {0};
    uint32_t len;
    const struct count *latencies = series_latencies(counts, &len);
    for (uint32_t i = 0; i < len; i++)
        buckets[latencies[i].id & 0xffff] = latencies[i].n;
    uint64_t total = quantile_total(buckets);
    return total ? (double)quantile_of(buckets, total, q) / 1e9 : -1;
}

uint64_t series_observed(const struct counts *counts)
{
    return counts_get(counts, NUMBER_OBSERVED << 16);
}

uint64_t series_events(const struct counts *counts)
{
    return counts_get(counts, NUMBER_QUERIES << 16) + counts_get(counts, NUMBER_RESPONSES << 16);
}

double series_derived(const struct series *series, const struct counts *counts)
{
    if (series->from == SERIES_QUANTILE)
        return quantile_seconds(counts, series->q);
    uint64_t timed = counts_get(counts, NUMBER_TIMED << 16);
    return timed ? (double)counts_get(counts, NUMBER_LATENCY_SUM << 16) / 1e6 / (double)timed : -1;
}

void series_heat(const struct counts *counts, uint64_t heat[SERIES_HEAT])
{
    uint32_t len;
    const struct count *latencies = series_latencies(counts, &len);
    for (uint32_t i = 0; i < len; i++) {
        unsigned bucket = latencies[i].id & 0xffff;
        heat[bucket ? ((bucket - 1) >> QUANTILE_SUB_BITS) + 1 : 0] += latencies[i].n;
    }
}
