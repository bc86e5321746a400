/*
 * Sample: one event in so many passes, chosen by a keyed hash, so that the choice needs no memory
 * and is the same wherever the seed is the same. By client or name, all events of one share its
 * fate: what passes is whole, and few clients stand for all.
 *
 * What passed has the rate in a field: it stands for so many events. Behind another sample it
 * stands for as many as both together say.
 */
#include <stdlib.h>

#include "core/stage.h"
#include "event/field.h"

enum by { BY_EVENT, BY_CLIENT, BY_NAME };

static const char *const by_names[] = {"event", "client", "name", NULL};

struct sample_options {
    uint64_t rate;
    int by; /* enum by */
    char *seed;
};

/* Owner: the engine. Immutable. */
struct sample {
    uint64_t rate;
    enum by by;
    struct siphash_key key;
};

#define AT(member) .offset = offsetof(struct sample_options, member)

static const struct option sample_options[] = {
    {.name = "rate",
     .type = OPTION_UINT,
     AT(rate),
     .fallback = "100",
     .min = 1,
     .max = 1000000,
     .doc = "of so many events one passes"},
    {.name = "by",
     .type = OPTION_ENUM,
     AT(by),
     .fallback = "event",
     .choices = by_names,
     .doc = "what is chosen: each event by itself, or a client (the address that asked) or a name "
            "with all its events; events without an address or a name are chosen one by one"},
    {.name = "seed",
     .type = OPTION_STRING,
     AT(seed),
     .min = 1,
     .max = 64,
     .example = "any text",
     .doc = "the choice is the same wherever this is the same, and as many samples stand before it "
            "in the list; absent: another at each start"},
    {0},
};

static const struct field sample_fields[] = {
    {"sample.rate", "sample-rate", FIELD_UINT, .get = field_slot_get,
     .doc = "how many events this one stands for, where the stage 'sample' let it pass"},
    {0},
};

/* Two samples in one list choose independently, though they have the same seed. */
static struct siphash_key key_of(const char *seed, unsigned number)
{
    struct siphash_key key;
    for (unsigned i = 0; i < 2; i++) {
        const struct siphash_key part = {{number, i}};
        key.words[i] = siphash_bytes(&part, span_str(seed));
    }
    return key;
}

static int sample_open(void **state, const struct stage_options *options, uint32_t *needs,
                       struct error *err)
{
    const struct sample_options *own = options->options;
    struct sample *sample = calloc(1, sizeof *sample);
    if (!sample)
        return error_set(err, "no memory");
    sample->rate = own->rate;
    sample->by = (enum by)own->by;
    if (own->seed) {
        sample->key = key_of(own->seed, options->number);
    } else if (siphash_key_random(&sample->key) < 0) {
        free(sample);
        return error_set(err, "no randomness for a seed");
    }
    *needs = sample->by == BY_NAME ? FACET_QUESTION : FACET_DNSTAP;
    *state = sample;
    return 0;
}

static uint64_t hash_of(const struct sample *sample, const struct event *ev)
{
    uint8_t lower[DNS_NAME_MAX + 1];
    bool named = !(ev->bad & FACET_QUESTION) && ev->question.name.len > 0;
    if (sample->by == BY_CLIENT && ev->query_address.len > 0)
        return siphash_bytes(&sample->key, ev->query_address);
    if (sample->by == BY_NAME && named)
        return dns_name_hash(&sample->key, ev->question.name, lower);
    return siphash_bytes(&sample->key, ev->frame);
}

/* A hash is as good as a random number: its share of all numbers is what counts. */
static enum stage_verdict sample_event(void *state, unsigned worker, struct event *ev)
{
    const struct sample *sample = state;
    (void)worker;
    if (hash_of(sample, ev) > UINT64_MAX / sample->rate)
        return STAGE_DROP;
    struct event_slot *rate = field_slot(ev, sample_fields);
    if (__builtin_mul_overflow(rate->number ? rate->number : 1, sample->rate, &rate->number))
        rate->number = UINT64_MAX;
    return STAGE_PASS;
}

static const struct stage_hooks hooks = {
    .open = sample_open,
    .event = sample_event,
    .close = free,
};

const struct module stage_sample = {
    .name = "sample",
    .kind = MODULE_STAGE,
    .doc = "Lets one event in so many pass, and drops the rest. The rate is recorded in the field "
           "sample.rate. Latencies are measured before, so they are those of all events; a query "
           "and its response pass or are dropped together only by client or name.",
    .options_size = sizeof(struct sample_options),
    .options = sample_options,
    .common = &stage_common,
    .fields = sample_fields,
    .hooks = &hooks,
};
