#include "stats/counters.h"

#include <assert.h>

const uint32_t stats_size_bounds[COUNTERS_SIZES - 1] = {32,   64,   128,  256,  512,
                                                        1232, 2048, 4096, 16384};
const uint16_t stats_udp_sizes[COUNTERS_UDP_SIZES - 1] = {512, 1232, 1400, 1452, 4096};
const char *const stats_udp_size_names[COUNTERS_UDP_SIZES] = {"512",  "1232", "1400",
                                                              "1452", "4096", "other"};
const char *const stats_edns_version_names[COUNTERS_EDNS_VERSIONS] = {"0", "other"};
const int64_t stats_bucket_bounds_ns[COUNTERS_BUCKETS - 1] = {1000000, 10000000, 50000000,
                                                              100000000, 1000000000};
const char *const stats_flag_names[COUNTERS_FLAGS] = {"qr", "aa", "tc", "rd",
                                                      "ra", "z",  "ad", "cd"};
const char *const stats_left_out_names[COUNTERS_LEFT_OUT] = {"negative", "beyond-window"};
const uint16_t stats_flag_bits[COUNTERS_FLAGS] = {1 << 15, 1 << 10, 1 << 9, 1 << 8,
                                                  1 << 7,  1 << 6,  1 << 5, 1 << 4};

/* The slot that counts a type which has no counter by its number: its own, a free one, or else the
 * last, which all others share. */
static unsigned rare_slot(struct stats_counters *counters, uint16_t type)
{
    unsigned slot = 0;
    while (slot < COUNTERS_RARE - 1 && counters->rare_type[slot] != type) {
        if (counters->rare_type[slot] == 0)
            counters->rare_type[slot] = type;
        else
            slot++;
    }
    return slot;
}

static inline unsigned at_most(unsigned value, unsigned limit)
{
    return value < limit ? value : limit;
}

/* The index; 0, which stands for unknown, when there is no such index. */
static inline unsigned known(unsigned value, unsigned count)
{
    return value < count ? value : 0;
}

/* Without branches, which lengths would mislead. */
static inline unsigned size_class(uint32_t length)
{
    unsigned class = 0;
    for (int i = 0; i < COUNTERS_SIZES - 1; i++)
        class += length > stats_size_bounds[i];
    return class;
}

static inline unsigned udp_size_class(uint16_t size)
{
    unsigned class = 0;
    if (size <= stats_udp_sizes[0])
        return 0;
    while (class < COUNTERS_UDP_SIZES - 1 && size != stats_udp_sizes[class])
        class ++;
    return class;
}

static inline unsigned latency_class(int64_t ns)
{
    unsigned class = 0;
    for (int i = 0; i < COUNTERS_BUCKETS - 1; i++)
        class += ns > stats_bucket_bounds_ns[i];
    return class;
}

static void count_header(struct stats_direction_counters *direction, const struct sample_kind *kind,
                         uint64_t hits)
{
    direction->opcode[kind->flags >> 11 & 15] += hits;
    direction->rcode[at_most(kind->rcode, COUNTERS_RCODES - 1)] += hits;
    for (int i = 0; i < COUNTERS_FLAGS; i++)
        direction->flags[i] += kind->flags & stats_flag_bits[i] ? hits : 0;
}

static inline struct stats_direction_counters *direction_of(struct stats_counters *counters,
                                                            const struct sample_kind *kind)
{
    return &counters->direction[kind->direction == STATS_RESPONSE];
}

static inline void count_latency(struct stats_counters *counters,
                                 struct stats_direction_counters *direction,
                                 const struct stats_sample *sample)
{
    int64_t ns = sample->latency_ns;
    uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
    /* Times that make no sense must not make the sum overflow; rows of tables count as much. */
    us = us < UINT32_MAX ? us : UINT32_MAX;
    direction->timed++;
    direction->latency_sum_us += us;
    direction->bucket[latency_class(ns)]++;
    if (sample->kind.direction != STATS_RESPONSE)
        return;
    unsigned bucket = quantile_bucket(ns);
    unsigned transport = known(sample->kind.transport, COUNTERS_TRANSPORTS);
    counters->latency[bucket]++;
    counters->transport_timed[transport]++;
    counters->transport_latency_us[transport] += us;
    if (transport > 0)
        counters->steps[transport - 1][quantile_step(bucket)]++;
}

void stats_counters_kind(struct stats_counters *counters, const struct sample_kind *kind,
                         uint64_t hits)
{
    struct stats_direction_counters *direction = direction_of(counters, kind);
    direction->events += hits;
    direction->transport[known(kind->transport, COUNTERS_TRANSPORTS)] += hits;
    direction->family[known(kind->family, COUNTERS_FAMILIES)] += hits;
    counters->message[known(kind->message_type, COUNTERS_MESSAGES)] += hits;
    if (kind->marks >> SAMPLE_EDNS & 1) {
        direction->udp_size[udp_size_class(kind->udp_size)] += hits;
        direction->edns_version[kind->edns_version != 0] += hits;
    }
    unsigned marks = kind->marks & ((1u << SAMPLE_MARKS) - 1);
    for (; marks; marks &= marks - 1)
        direction->marks[__builtin_ctz(marks)] += hits;
    if (kind->has_header)
        count_header(direction, kind, hits);
    else
        direction->no_header += hits;
    if (!kind->has_qtype)
        direction->no_qtype += hits;
}

void stats_counters_own(struct stats_counters *counters, const struct stats_sample *sample)
{
    struct stats_direction_counters *direction = direction_of(counters, &sample->kind);
    direction->bytes += sample->length;
    direction->size[size_class(sample->length)]++;
    if (sample->kind.has_qtype) {
        if (sample->qtype < COUNTERS_QTYPES)
            direction->qtype[sample->qtype]++;
        else
            direction->rare_qtype[rare_slot(counters, sample->qtype)]++;
    }
    if (sample->has_latency)
        count_latency(counters, direction, sample);
}

void stats_counters_sample(struct stats_counters *counters, const struct stats_sample *sample)
{
    stats_counters_kind(counters, &sample->kind, 1);
    stats_counters_own(counters, sample);
}

static void add_all(uint64_t *into, const uint64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] += from[i];
}

/* A direction is nothing but numbers, of which rare_qtype alone must not be added slot by slot. */
static_assert(sizeof(struct stats_direction_counters) % sizeof(uint64_t) == 0, "only uint64_t");

void stats_counters_add(struct stats_counters *into, const struct stats_counters *from)
{
    enum {
        BEFORE = offsetof(struct stats_direction_counters, rare_qtype) / sizeof(uint64_t),
        BEHIND = BEFORE + COUNTERS_RARE,
        ALL = sizeof(struct stats_direction_counters) / sizeof(uint64_t)
    };
    for (int s = 0; s < STATS_DIRECTIONS; s++) {
        uint64_t *to = (uint64_t *)&into->direction[s];
        const uint64_t *add = (const uint64_t *)&from->direction[s];
        add_all(to, add, BEFORE);
        add_all(to + BEHIND, add + BEHIND, ALL - BEHIND);
    }
    for (unsigned i = 0; i < COUNTERS_RARE; i++) {
        unsigned slot =
            from->rare_type[i] ? rare_slot(into, from->rare_type[i]) : COUNTERS_RARE - 1;
        for (int s = 0; s < STATS_DIRECTIONS; s++)
            into->direction[s].rare_qtype[slot] += from->direction[s].rare_qtype[i];
    }
    add_all(into->loss, from->loss, STATS_LOSSES);
    add_all(into->message, from->message, COUNTERS_MESSAGES);
    add_all(into->transport_timed, from->transport_timed, COUNTERS_TRANSPORTS);
    add_all(into->transport_latency_us, from->transport_latency_us, COUNTERS_TRANSPORTS);
    add_all(into->steps[0], from->steps[0], COUNTERS_STEPPED * QUANTILE_STEPS);
    add_all(into->latency, from->latency, QUANTILE_BUCKETS);
}

void stats_values_of_sample(struct stats_values *values, const struct stats_sample *sample)
{
    uint64_t us =
        sample->has_latency && sample->latency_ns > 0 ? (uint64_t)sample->latency_ns / 1000 : 0;
    bool response = sample->kind.direction == STATS_RESPONSE;
    us = us < UINT32_MAX ? us : UINT32_MAX;
    *values = (struct stats_values){0};
    values->of[response ? MEASURE_RESPONSES : MEASURE_QUERIES] = 1;
    values->of[response ? MEASURE_RESPONSE_BYTES : MEASURE_QUERY_BYTES] = sample->length;
    values->of[MEASURE_TIMED] = sample->has_latency;
    values->of[MEASURE_LATENCY] = values->of[MEASURE_SLOWEST] = us;
    if (!response)
        return;
    values->of[MEASURE_NODATA] = sample->kind.marks >> SAMPLE_NODATA & 1;
    if (sample->kind.has_header)
        stats_values_rcode(values, sample->kind.rcode, 1);
}
