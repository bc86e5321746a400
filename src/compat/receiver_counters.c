#include "compat/receiver_counters.h"

#include <assert.h>
#include <math.h>

const char *const receiver_direction_names[STATS_DIRECTIONS] = {
    [STATS_QUERY] = "query",
    [STATS_RESPONSE] = "response",
};

bool receiver_direction_cut(struct span *name, enum stats_direction *direction)
{
    const uint8_t *slash = name->len ? memchr(name->ptr, '/', name->len) : NULL;
    if (!slash)
        return false;
    struct span front = span_of(name->ptr, (size_t)(slash - name->ptr));
    for (int s = 0; s < STATS_DIRECTIONS; s++) {
        if (span_equal(front, span_str(receiver_direction_names[s]))) {
            *name = span_of(slash + 1, name->len - front.len - 1);
            *direction = (enum stats_direction)s;
            return true;
        }
    }
    return false;
}

static void tally(struct receiver_tally *tally, const struct receiver_word *word, uint64_t value)
{
    size_t i = 0;
    if (value == 0)
        return;
    while (i < tally->count && tally->counts[i].word != word)
        i++;
    if (i == tally->count) {
        assert(i < sizeof tally->counts / sizeof *tally->counts);
        tally->counts[tally->count++] = (struct receiver_count){.word = word};
    }
    tally->counts[i].value += value;
}

static void sort(struct receiver_tally *tally)
{
    for (size_t i = 1; i < tally->count; i++) {
        struct receiver_count count = tally->counts[i];
        size_t at = i;
        for (; at > 0 && tally->counts[at - 1].value < count.value; at--)
            tally->counts[at] = tally->counts[at - 1];
        tally->counts[at] = count;
    }
}

static void tally_rcodes(struct receiver_tally *into,
                         const struct stats_direction_counters *direction)
{
    for (unsigned i = 0; i < COUNTERS_RCODES; i++)
        tally(into, receiver_rcode(i), direction->rcode[i]);
}

/* A type that found no slot of its own among the rare ones very likely has no name in 4.7.0 either.
 */
static void tally_rrtypes(struct receiver_tally *into, const struct stats_counters *counters,
                          enum stats_direction s)
{
    const struct stats_direction_counters *direction = &counters->direction[s];
    for (unsigned i = 0; i < COUNTERS_QTYPES; i++)
        tally(into, receiver_rrtype((uint16_t)i), direction->qtype[i]);
    for (unsigned i = 0; i < COUNTERS_RARE - 1; i++)
        tally(into, receiver_rrtype(counters->rare_type[i]), direction->rare_qtype[i]);
    tally(into, &receiver_absent, direction->rare_qtype[COUNTERS_RARE - 1]);
    tally(into, &receiver_absent, direction->no_qtype);
}

static uint64_t domains_of(const struct stats_snapshot *snapshot, const struct stats_stream *stream,
                           bool last_direction)
{
    if (!last_direction || stream == &snapshot->total[STATS_CLIENT])
        return stream->distinct.domains;
    return stream->last_direction == STATS_QUERY ? stream->distinct.asked
                                                 : stream->distinct.answered;
}

void receiver_counters_read(struct receiver_counters *counters,
                            const struct stats_snapshot *snapshot,
                            const struct stats_stream *stream, bool last_direction)
{
    *counters = (struct receiver_counters){
        .stream = stream,
        .domains = domains_of(snapshot, stream, last_direction),
    };
    for (int s = 0; s < STATS_DIRECTIONS; s++) {
        tally_rcodes(&counters->rcodes[s], &stream->counters.direction[s]);
        tally_rrtypes(&counters->rrtypes[s], &stream->counters, (enum stats_direction)s);
        sort(&counters->rcodes[s]);
        sort(&counters->rrtypes[s]);
    }
}

static uint64_t of_tally(const struct receiver_tally *tally, struct span name)
{
    for (size_t i = 0; i < tally->count; i++) {
        if (receiver_word_is(tally->counts[i].word, name))
            return tally->counts[i].value;
    }
    return 0;
}

static uint64_t of_words(const struct receiver_word *words, unsigned last, const uint64_t *values,
                         struct span name)
{
    for (unsigned i = 1; i <= last; i++) {
        if (receiver_word_is(&words[i], name))
            return values[i];
    }
    return 0;
}

/* What has no word, behind `query/` or `response/`. */
static const struct {
    const char *name;
    size_t offset; /* in struct stats_direction_counters */
} direction_rows[] = {
    {"bytes", offsetof(struct stats_direction_counters, bytes)},
    {"latency0_1", offsetof(struct stats_direction_counters, bucket[0])},
    {"latency1_10", offsetof(struct stats_direction_counters, bucket[1])},
    {"latency10_50", offsetof(struct stats_direction_counters, bucket[2])},
    {"latency50_100", offsetof(struct stats_direction_counters, bucket[3])},
    {"latency100_1000", offsetof(struct stats_direction_counters, bucket[4])},
    {"latency_slow", offsetof(struct stats_direction_counters, bucket[5])},
};

static uint64_t of_direction(const struct receiver_counters *counters, enum stats_direction s,
                             struct span name)
{
    const struct stats_direction_counters *direction = &counters->stream->counters.direction[s];
    for (size_t i = 0; i < sizeof direction_rows / sizeof *direction_rows; i++) {
        if (span_equal(name, span_str(direction_rows[i].name)))
            return *(const uint64_t *)((const char *)direction + direction_rows[i].offset);
    }
    return of_words(receiver_protocols, RECEIVER_PROTOCOLS, direction->transport, name) +
           of_words(receiver_families, RECEIVER_FAMILIES, direction->family, name) +
           of_tally(&counters->rcodes[s], name) + of_tally(&counters->rrtypes[s], name);
}

/* Events of the last second: a whole number there. */
static uint64_t rate(const struct stats_stream *stream, enum stats_direction direction)
{
    return (uint64_t)llround(stream->rates[direction].last);
}

/* The counters that belong to a stream and not to one direction of it. */
static uint64_t of_stream(const struct receiver_counters *counters, struct span name)
{
    const struct stats_stream *stream = counters->stream;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"query", stream->counters.direction[STATS_QUERY].events},
        {"response", stream->counters.direction[STATS_RESPONSE].events},
        {"clients", stream->distinct.clients},
        {"domains", counters->domains},
        {"qps", rate(stream, STATS_QUERY)},
        {"rps", rate(stream, STATS_RESPONSE)},
        {"pps", rate(stream, STATS_QUERY) + rate(stream, STATS_RESPONSE)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (span_equal(name, span_str(rows[i].name)))
            return rows[i].value;
    }
    return 0;
}

uint64_t receiver_counters_get(const struct receiver_counters *counters, struct span name)
{
    enum stats_direction direction;
    return receiver_direction_cut(&name, &direction) ? of_direction(counters, direction, name)
                                                     : of_stream(counters, name);
}
