/*
 * Modules of all kinds that do as a test tells them, and count what is done with them. They are the
 * whole registry of a program that includes this, with the input `file`.
 */
#ifndef SPILE_TESTS_PARTS_H
#define SPILE_TESTS_PARTS_H

#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "core/input.h"
#include "core/stage.h"

enum { INPUTS = 4, OUTPUTS = 4 };

/* --- inputs --------------------------------------------------------------------------------- */

/* By their indices; with more of them they begin again. */
static struct seed {
    bool fails; /* to open */
    bool absent;
    bool hints;
    uint64_t spare; /* what `relieve` says */
    struct input *input;
    unsigned opened, stopped, closed, told;
} seeds[INPUTS];

static int seed_open(struct input *in, struct error *err)
{
    struct seed *seed = &seeds[in->index % INPUTS];
    seed->input = in;
    seed->opened++;
    in->absent = seed->absent;
    return seed->fails ? error_set(err, "no luck") : 0;
}

static void seed_stop(struct input *in)
{
    seeds[in->index % INPUTS].stopped++;
}

static void seed_close(struct input *in)
{
    seeds[in->index % INPUTS].closed++;
}

static void seed_place(const struct input *in, char *text)
{
    snprintf(text, INPUT_PLACE_MAX, "seed:%u", in->index);
}

static bool seed_hint(const struct input *in, char *text)
{
    snprintf(text, INPUT_HINT_MAX, "look at %u", in->index);
    return seeds[in->index % INPUTS].hints;
}

static uint64_t seed_relieve(struct input *in, bool tell)
{
    seeds[in->index % INPUTS].told += tell;
    return seeds[in->index % INPUTS].spare;
}

static enum module_verdict ends_probed; /* what `probe` says */

static enum module_verdict ends_probe(const void *options, const void **wrong, struct error *err)
{
    (void)options, (void)wrong;
    return ends_probed == MODULE_FINE ? MODULE_FINE : (error_set(err, "no end"), ends_probed);
}

#define SEED_HOOKS                                                                                 \
    .open = seed_open, .stop = seed_stop, .close = seed_close, .place = seed_place,                \
    .hint = seed_hint, .relieve = seed_relieve

static const struct input_hooks listens_hooks = {SEED_HOOKS};
static const struct input_hooks ends_hooks = {.finite = true, SEED_HOOKS};
static const struct module input_listens = {.name = "listens",
                                            .kind = MODULE_INPUT,
                                            .doc = "Goes on.",
                                            .common = &input_common,
                                            .hooks = &listens_hooks};
static const struct module input_ends = {.name = "ends",
                                         .kind = MODULE_INPUT,
                                         .doc = "Ends when told.",
                                         .common = &input_common,
                                         .hooks = &ends_hooks,
                                         .probe = ends_probe};
extern const struct module input_file;

/* --- formats -------------------------------------------------------------------------------- */

static atomic_uint formatted;

static int format_open(const struct format_spec *spec, void **state, uint32_t *needs,
                       struct error *err)
{
    if (spec->fields)
        return error_set(err, "it has no fields");
    *state = NULL;
    *needs = FACET_DNSTAP;
    return 0;
}

static void format_close(void *state)
{
    (void)state;
}

static int format_event(void *state, struct event *ev, struct buf *out)
{
    (void)state;
    atomic_fetch_add(&formatted, 1);
    buf_put(out, ev->frame.ptr, ev->frame.len);
    return FORMAT_WRITTEN;
}

static const struct format_hooks text_hooks = {
    .open = format_open, .close = format_close, .event = format_event};
static const struct format_hooks any_hooks = {.event = format_event};
static const struct module format_text = {
    .name = "text", .kind = MODULE_FORMAT, .doc = "Messages.", .hooks = &text_hooks};
static const struct module format_any = {
    .name = "any", .kind = MODULE_FORMAT, .doc = "Any frame.", .hooks = &any_hooks};

/* --- outputs -------------------------------------------------------------------------------- */

enum { TAKES = 10 }; /* records of an output that then gets stuck */

/* By their options. */
static struct hole {
    bool fails;      /* to open, */
    const char *why; /* for this reason; NULL: for the usual one */
    bool stuck;
    enum module_verdict probed;
    _Atomic enum output_status says;
    unsigned opened, closed;
    bool begun; /* at its end */
    atomic_uint calls, marked;
    uint64_t records;
    sem_t never;
} holes[OUTPUTS];

struct hole_options {
    uint64_t number;
    char *place; /* one hole at a time */
};

static const struct option hole_options[] = {
    {.name = "number",
     .type = OPTION_UINT,
     .offset = offsetof(struct hole_options, number),
     .fallback = "0",
     .max = OUTPUTS - 1,
     .doc = "which it is"},
    {.name = "place",
     .type = OPTION_STRING,
     .offset = offsetof(struct hole_options, place),
     .exclusive = true,
     .min = 1,
     .max = 64,
     .doc = "where it is"},
    {0},
};

static struct hole *hole_of(const struct output *out)
{
    return &holes[((const struct hole_options *)out->options)->number];
}

static int hole_open(struct output *out, struct error *err)
{
    struct hole *hole = hole_of(out);
    if (hole->fails)
        return error_set(err, "%s", hole->why ? hole->why : "no hole");
    hole->opened++;
    return 0;
}

static void hole_close(struct output *out)
{
    struct hole *hole = hole_of(out);
    hole->closed++;
    hole->begun = atomic_load(&out->begun);
}

static enum output_status hole_write(struct output *out, const struct chunk *chunk, uint32_t first,
                                     uint32_t *done)
{
    struct hole *hole = hole_of(out);
    enum output_status says = hole->says;
    uint32_t takes = says == OUTPUT_OK ? chunk->records - first : 0;
    if (hole->stuck && takes > TAKES)
        takes = TAKES;
    *done = first + takes;
    hole->records += takes;
    atomic_fetch_add(&hole->calls, 1);
    while (hole->stuck && !atomic_load(&out->interrupted))
        sem_wait(&hole->never); /* until a signal */
    return hole->stuck ? OUTPUT_RETRY : says;
}

static enum module_verdict hole_probe(const void *options, const void **wrong, struct error *err)
{
    const struct hole_options *hole = options;
    *wrong = &hole->number;
    error_set(err, "no ground");
    return holes[hole->number].probed;
}

static uint32_t hole_needs(const struct output *out)
{
    (void)out;
    return FACET_DNSTAP;
}

static int hole_event(struct output *out, unsigned worker, struct event *ev)
{
    struct hole *hole = hole_of(out);
    (void)worker;
    atomic_fetch_add(&hole->calls, 1);
    atomic_fetch_add(&hole->marked, ev->has_latency);
    return FORMAT_WRITTEN;
}

static const struct output_hooks writing_hooks = {
    .open = hole_open, .close = hole_close, .write = hole_write};
static const struct output_hooks counting_hooks = {
    .open = hole_open, .close = hole_close, .needs = hole_needs, .event = hole_event};
#define HOLE                                                                                       \
    .kind = MODULE_OUTPUT, .options_size = sizeof(struct hole_options), .options = hole_options,   \
    .probe = hole_probe
static const struct module output_writing = {HOLE, .name = "writing", .doc = "Has a thread.",
                                             .common = &output_queued, .hooks = &writing_hooks};
static const struct module output_counting = {HOLE, .name = "counting", .doc = "Has none.",
                                              .common = &output_inline, .hooks = &counting_hooks};

/* --- stages --------------------------------------------------------------------------------- */

static struct {
    bool fails;
    unsigned opened, closed;
    atomic_uint events, ended;
} marks;

static int marks_open(void **state, const struct stage_options *options, uint32_t *needs,
                      struct error *err)
{
    *needs = FACET_DNSTAP;
    if (marks.fails)
        return error_set(err, "no stage");
    assert_true(options->wanted & FACET_LATENCY);
    *state = &marks;
    marks.opened++;
    return 0;
}

static enum stage_verdict marks_event(void *state, unsigned worker, struct event *ev)
{
    assert_ptr_equal(state, &marks);
    (void)worker;
    atomic_fetch_add(&marks.events, 1);
    ev->has_latency = true;
    return STAGE_PASS;
}

static void marks_tick(void *state, unsigned worker, bool ended)
{
    (void)state;
    (void)worker;
    atomic_fetch_add(&marks.ended, ended);
}

static void marks_losses(void *state, void (*take)(void *ctx, const struct stage_loss *loss),
                         void *ctx)
{
    const struct stage_loss loss = {.unanswered = 42};
    assert_ptr_equal(state, &marks);
    take(ctx, &loss);
}

static void marks_close(void *state)
{
    assert_ptr_equal(state, &marks);
    marks.closed++;
}

static const struct stage_hooks marks_hooks = {
    .provides = FACET_LATENCY,
    .open = marks_open,
    .event = marks_event,
    .tick = marks_tick,
    .losses = marks_losses,
    .close = marks_close,
};
static const struct module stage_marks = {.name = "marks",
                                          .kind = MODULE_STAGE,
                                          .doc = "Marks events.",
                                          .common = &stage_common,
                                          .hooks = &marks_hooks};

/* One that is in the configuration alone: what it does with every so manieth event. */
struct sieve_options {
    uint64_t every;
    int does; /* enum stage_verdict */
};

/* Owner: the engine. For one worker. */
struct sieve {
    const struct sieve_options *options;
    uint64_t seen, marked; /* events; those that had been marked */
};

static struct sieve sieves[4]; /* in the order in which they were opened: from the last on */
static unsigned sieves_opened, sieves_closed;

static const char *const sieve_verdicts[] = {"pass", "drop", "change", NULL};
static const struct option sieve_options[] = {
    {.name = "every",
     .type = OPTION_UINT,
     .offset = offsetof(struct sieve_options, every),
     .fallback = "1",
     .min = 1,
     .doc = "the how manieth"},
    {.name = "does",
     .type = OPTION_ENUM,
     .offset = offsetof(struct sieve_options, does),
     .choices = sieve_verdicts,
     .fallback = "drop",
     .doc = "what becomes of it"},
    {0},
};

static int sieve_open(void **state, const struct stage_options *options, uint32_t *needs,
                      struct error *err)
{
    struct sieve *sieve = &sieves[sieves_opened];
    const struct sieve_options *own = options->options;
    if (own->every == 99)
        return error_set(err, "no sieve");
    *sieve = (struct sieve){.options = own};
    *needs = FACET_LATENCY | FACET_DNSTAP;
    *state = sieve;
    sieves_opened++;
    return 0;
}

static enum stage_verdict sieve_event(void *state, unsigned worker, struct event *ev)
{
    static const uint8_t address[] = {192, 0, 2, 77};
    struct sieve *sieve = state;
    (void)worker;
    sieve->marked += ev->has_latency;
    if (++sieve->seen % sieve->options->every)
        return STAGE_PASS;
    if (sieve->options->does == STAGE_CHANGED)
        event_set_query_address(ev, span_of(address, sizeof address));
    return (enum stage_verdict)sieve->options->does;
}

static void sieve_close(void *state)
{
    (void)state;
    sieves_closed++;
}

static const struct stage_hooks sieve_hooks = {
    .open = sieve_open, .event = sieve_event, .close = sieve_close};
static const struct module stage_sieve = {.name = "sieve",
                                          .kind = MODULE_STAGE,
                                          .doc = "Lets events through, or not.",
                                          .options_size = sizeof(struct sieve_options),
                                          .options = sieve_options,
                                          .common = &stage_common,
                                          .hooks = &sieve_hooks};

const struct module *const registry[] = {
    &input_listens, &input_ends, &input_file,     &stage_marks,     &stage_sieve,
    &format_text,   &format_any, &output_writing, &output_counting, NULL,
};

/* All are as nobody has told or called them yet. */
static inline void parts_init(void)
{
    memset(seeds, 0, sizeof seeds);
    memset(holes, 0, sizeof holes);
    memset(&marks, 0, sizeof marks);
    memset(sieves, 0, sizeof sieves);
    sieves_opened = sieves_closed = 0;
    ends_probed = MODULE_FINE;
    for (unsigned i = 0; i < OUTPUTS; i++)
        sem_init(&holes[i].never, 0, 0);
    formatted = 0;
}

#endif
