/* Stages in an engine: which of them run and in what order, who sees what they drop and change,
 * and that it is accounted for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/frame.h"
#include "../support/hold.h"
#include "../support/parts.h"
#include "base/log.h"
#include "core/stages.h"

enum { FRAMES = 40, JUNK = 3, ALL = FRAMES + JUNK };

/* --- the bench ------------------------------------------------------------------------------ */

/* What an observer saw. */
struct seen {
    unsigned events, junk, calls, changed, marked;
    uint64_t client_hash; /* of the last event that was changed, or else of the last one */
};

static void look_at(struct seen *seen, const struct event *ev)
{
    bool junk = ev->bad & FACET_DNSTAP;
    seen->events++;
    seen->junk += junk;
    seen->marked += !junk && ev->has_latency;
    if (!junk && ev->changed >= (seen->changed > 0))
        seen->client_hash = ev->client_hash;
    seen->changed += ev->changed;
}

static void see_one(void *state, unsigned worker, struct event *ev)
{
    struct seen *seen = state;
    (void)worker;
    seen->calls++;
    look_at(seen, ev);
}

static void see_some(void *state, unsigned worker, struct event *events, size_t count)
{
    struct seen *seen = state;
    (void)worker;
    seen->calls++;
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || events[i].nth == events[i - 1].nth + 1);
        look_at(seen, &events[i]);
    }
}

struct bench {
    struct config config;
    struct engine_options options;
    struct engine *engine;
    struct seen early, late, late_one;
    struct observer observers[3];
};

static int bench_new(void **state)
{
    static struct bench bench;
    struct error err;
    bench = (struct bench){.engine = NULL};
    bench.observers[0] = (struct observer){
        .state = &bench.early, .early = true, .events = see_some, .needs = FACET_HASHES};
    bench.observers[1] =
        (struct observer){.state = &bench.late, .events = see_some, .needs = FACET_LATENCY};
    bench.observers[2] = (struct observer){.state = &bench.late_one, .event = see_one};
    bench.options.observers = bench.observers;
    bench.options.observer_count = 3;
    parts_init();
    assert_int_equal(config_init(&bench.config, &err), 0);
    bench.config.settings.threads = 1;
    log_set_level(LOG_ERROR);
    *state = &bench;
    return 0;
}

static int bench_free(void **state)
{
    struct bench *b = *state;
    engine_free(b->engine);
    config_free(&b->config);
    return 0;
}

/* As a file would configure it. */
static void start(struct bench *b, const char *stages)
{
    char text[512];
    struct error err;
    snprintf(
        text, sizeof text,
        "inputs: [listens]\nstages: %s\noutputs: [writing: {number: 0}, counting: {number: 1}, "
        "writing: {number: 2, format: any}]\n",
        stages);
    if (config_parse(&b->config, text, strlen(text), "a file", &err) < 0 ||
        !(b->engine = engine_new(&b->config, &b->options, &err)))
        fail_msg("%s", err.text);
}

/* Hands over so many messages and, in between, frames that are none: at once. Then the end. */
static void run(struct bench *b)
{
    static const struct origin origin = {.peer = "test"};
    struct dnstap tap = frame_query();
    struct buf message = {0};
    struct span frames[ALL];
    dnstap_encode(&tap, &message);
    for (unsigned i = 0; i < ALL; i++)
        frames[i] = i % 16 == 5 ? span_str("\xff\xff no dnstap") : buf_span(&message);
    struct hold *hold = hold_worker(engine_pick_worker(b->engine));
    worker_frames(hold->worker, &origin, &seeds[0].input->counters, frames, ALL);
    hold_release(hold);
    engine_abort(b->engine);
    buf_free(&message);
}

static void assert_output(const struct bench *b, size_t i, uint64_t received, uint64_t filtered)
{
    struct engine_output view;
    engine_output(b->engine, i, &view);
    assert_int_equal(counter_get(&view.ledger.received), received);
    assert_int_equal(counter_get(&view.ledger.filtered), filtered);
    assert_int_equal(counter_get(&view.ledger.delivered), received - filtered);
    assert_int_equal(ledger_dropped(&view.ledger), 0);
}

static void assert_stage(const struct bench *b, size_t i, const char *name, uint64_t passed,
                         uint64_t dropped, uint64_t changed)
{
    struct stage_view view;
    engine_stage(b->engine, i, &view);
    assert_string_equal(view.name, name);
    assert_int_equal(view.passed, passed);
    assert_int_equal(view.dropped, dropped);
    assert_int_equal(view.changed, changed);
}

/* --- what becomes of events ----------------------------------------------------------------- */

/* Neither outputs nor observers behind it; all outputs count it as filtered. What is no dnstap does
 * not come to it. */
static void dropped_events_reach_nobody_behind(void **state)
{
    struct bench *b = *state;
    start(b, "[sieve: {every: 3}]");
    run(b);
    const unsigned dropped = FRAMES / 3;
    for (size_t i = 0; i < 3; i++)
        assert_output(b, i, i == 2 ? ALL : FRAMES, dropped);
    assert_int_equal(holes[0].records, FRAMES - dropped);
    assert_int_equal(holes[1].calls, FRAMES - dropped);
    assert_int_equal(holes[2].records, ALL - dropped);
    assert_int_equal(b->early.events, ALL);
    assert_int_equal(b->late.events, ALL - dropped);
    assert_int_equal(b->late_one.events, ALL - dropped);
    assert_int_equal(b->early.junk, JUNK);
    assert_int_equal(b->late.junk, JUNK);
    assert_int_equal(b->early.calls, (ALL + EVENT_BATCH - 1) / EVENT_BATCH);
}

static void all_may_be_dropped(void **state)
{
    struct bench *b = *state;
    start(b, "[sieve, sieve: {does: change}]");
    run(b);
    assert_output(b, 0, FRAMES, FRAMES);
    assert_int_equal(b->late.events, JUNK);
    assert_int_equal(sieves[0].seen, 0); /* the second one, which is opened first */
    assert_int_equal(sieves[1].seen, FRAMES);
}

/* In the list's order; each counts what came to it. */
static void each_stage_counts_what_it_does(void **state)
{
    struct bench *b = *state;
    start(b, "[sieve: {every: 2}, sieve: {every: 4, does: change}, sieve: {every: 5}]");
    struct stage_view none;
    assert_false(engine_stage(b->engine, 4, &none));
    run(b);
    assert_stage(b, 0, "marks", 40, 0, 0); /* they need what it provides */
    assert_stage(b, 1, "sieve", 20, 20, 0);
    assert_stage(b, 2, "sieve#2", 20, 0, 5);
    assert_stage(b, 3, "sieve#3", 16, 4, 0);
    assert_output(b, 1, FRAMES, 24);
}

/* Their hashes are those of what they are now. */
static void changed_events_are_marked(void **state)
{
    struct bench *b = *state;
    start(b, "[sieve: {every: 2, does: change}]");
    run(b);
    assert_output(b, 0, FRAMES, 0);
    assert_int_equal(b->early.changed, 0);
    assert_int_equal(b->late.changed, FRAMES / 2);
    assert_int_not_equal(b->late.client_hash, b->early.client_hash);
}

/* --- which of them run ---------------------------------------------------------------------- */

/* Who is in the list has what such a stage knows. */
static void stages_that_are_needed_stand_before_the_list(void **state)
{
    struct bench *b = *state;
    start(b, "[sieve: {every: 2}]");
    run(b);
    assert_int_equal(marks.events, FRAMES);
    assert_int_equal(sieves[0].marked, FRAMES);
    assert_int_equal(b->early.marked, FRAMES);
    assert_int_equal(b->late.marked, FRAMES / 2);
}

/* Where it is in the list, it knows of what comes to it there. */
static void a_needed_stage_may_be_in_the_list(void **state)
{
    struct bench *b = *state;
    start(b, "[sieve: {every: 2}, marks]");
    run(b);
    assert_int_equal(marks.opened, 1);
    assert_int_equal(marks.events, FRAMES / 2);
    assert_int_equal(sieves[0].marked, 0);
    assert_int_equal(b->early.marked, 0);
    assert_int_equal(b->late.marked, FRAMES / 2);
    assert_stage(b, 1, "marks", FRAMES / 2, 0, 0);
}

/* Others of its module count without it. */
static void a_stage_is_called_as_it_was_named(void **state)
{
    struct bench *b = *state;
    start(b, "[sieve: {every: 2, name: half}, sieve: {every: 1000}, sieve: {every: 1000}]");
    run(b);
    assert_stage(b, 1, "half", FRAMES / 2, FRAMES / 2, 0);
    assert_stage(b, 2, "sieve", FRAMES / 2, 0, 0);
    assert_stage(b, 3, "sieve#2", FRAMES / 2, 0, 0);
}

static void names_of_stages_are_each_had_by_one(void **state)
{
    static const struct {
        const char *stages, *says;
    } cases[] = {
        {"[sieve: {name: a}, sieve: {name: a}]",
         "a file:2:42: sieve: name: the sieve in line 2 is called a already; each needs a name of "
         "its own"},
        {"[sieve: {name: marks}]",
         "a file:2:24: name: no other stage may be called marks: that one runs by itself"},
        {"[marks: {name: marks}, sieve: {name: any}]", ""},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        struct error err = {0};
        char text[256], line[sizeof err];
        snprintf(text, sizeof text, "inputs: [listens]\nstages: %s\noutputs: []\n",
                 cases[i].stages);
        assert_int_equal(config_init(&config, &err), 0);
        assert_int_equal(config_parse(&config, text, strlen(text), "a file", &err), 0);
        assert_int_equal(config_validate(&config, &err), cases[i].says[0] ? -1 : 0);
        assert_string_equal(error_line(&err, line, sizeof line), cases[i].says);
        config_free(&config);
    }
    start(b, "[]");
    engine_abort(b->engine);
}

/* The place of the stage is told; whatever was open is closed. */
static void a_stage_that_fails_to_open_is_told(void **state)
{
    static const char text[] = "inputs: [listens]\n"
                               "stages:\n"
                               "  - sieve: {every: 99}\n"
                               "  - sieve\n"
                               "outputs: []\n";
    struct bench *b = *state;
    struct error err;
    char line[sizeof(struct error)];
    assert_int_equal(config_parse(&b->config, text, sizeof text - 1, "a file", &err), 0);
    assert_null(engine_new(&b->config, &b->options, &err));
    assert_string_equal(error_line(&err, line, sizeof line), "a file:3:5: no sieve");
    assert_int_equal(sieves_opened, 1);
    assert_int_equal(sieves_closed, 1);
}

#define BENCH(test) cmocka_unit_test_setup_teardown(test, bench_new, bench_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(dropped_events_reach_nobody_behind),
        BENCH(all_may_be_dropped),
        BENCH(each_stage_counts_what_it_does),
        BENCH(changed_events_are_marked),
        BENCH(stages_that_are_needed_stand_before_the_list),
        BENCH(a_needed_stage_may_be_in_the_list),
        BENCH(a_stage_is_called_as_it_was_named),
        BENCH(names_of_stages_are_each_had_by_one),
        BENCH(a_stage_that_fails_to_open_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
