/* An engine: how it starts, or fails to and leaves nothing behind; what ends it, and how it says
 * so; and that every event is accounted for at any moment, whatever its outputs do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "../support/frame.h"
#include "../support/hold.h"
#include "../support/parts.h"
#include "../support/patience.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/descriptors.h"

enum { CAPTURED = 8263 /* frames of unbound's capture */ };
static const char capture[] = "tests/data/captures/unbound.fstrm.xz";

/* --- the bench ------------------------------------------------------------------------------ */

struct bench {
    struct config config;
    struct engine_options options;
    struct engine *engine;
};

/* With one worker. */
static int bench_new(void **state)
{
    static struct bench bench;
    struct error err;
    bench = (struct bench){0};
    parts_init();
    assert_int_equal(config_init(&bench.config, &err), 0);
    bench.config.settings.threads = 1;
    log_set_level(LOG_ERROR);
    *state = &bench;
    return 0;
}

/* Where a test has failed its engine may be running still, and stays. */
static int bench_free(void **state)
{
    struct bench *b = *state;
    if (b->engine && !engine_quiet(b->engine))
        return 0;
    engine_free(b->engine);
    config_free(&b->config);
    return 0;
}

static struct config_item *add(struct bench *b, enum module_kind kind, const char *module,
                               const char *option, const char *value)
{
    struct error err;
    struct config_item *item = config_add(&b->config, kind, module, &err);
    assert_non_null(item);
    if (option && config_set(item, option, value, &err) < 0)
        fail_msg("%s", err.text);
    return item;
}

static void add_input(struct bench *b, const char *module)
{
    add(b, MODULE_INPUT, module, NULL, NULL);
}

static struct config_item *add_output(struct bench *b, const char *module, const char *number)
{
    return add(b, MODULE_OUTPUT, module, "number", number);
}

static void start(struct bench *b)
{
    struct error err;
    b->engine = engine_new(&b->config, &b->options, &err);
    if (!b->engine)
        fail_msg("%s", err.text);
}

/* Hands over so many frames, the same one each time, on the worker that has least to do. */
static void bring_frame(struct bench *b, struct span frame, unsigned count)
{
    static const struct origin origin = {.peer = "test"};
    struct hold *hold = hold_worker(engine_pick_worker(b->engine));
    for (; count > 0; count--)
        worker_frames(hold->worker, &origin, &seeds[0].input->counters, &frame, 1);
    hold_release(hold);
}

static void bring(struct bench *b, unsigned count)
{
    struct dnstap tap = frame_query();
    struct buf message = {0};
    dnstap_encode(&tap, &message);
    bring_frame(b, buf_span(&message), count);
    buf_free(&message);
}

static uint64_t dropped_by(const struct bench *b, size_t i)
{
    struct engine_output view;
    engine_output(b->engine, i, &view);
    return ledger_dropped(&view.ledger);
}

static struct engine_output output(const struct bench *b, size_t i)
{
    struct engine_output view;
    engine_output(b->engine, i, &view);
    return view;
}

/* What became of the events that an output received; all are accounted for. */
static void assert_ledger(const struct bench *b, size_t i, uint64_t delivered,
                          enum drop_reason reason, uint64_t dropped)
{
    struct engine_output view = output(b, i);
    assert_int_equal(counter_get(&view.ledger.delivered), delivered);
    assert_int_equal(counter_get(&view.ledger.dropped[reason]), dropped);
    assert_int_equal(ledger_dropped(&view.ledger), dropped);
    assert_int_equal(counter_get(&view.ledger.received), delivered + dropped);
    assert_int_equal(ledger_waiting(&view.ledger), 0);
}

/* --- what runs ------------------------------------------------------------------------------ */

/* Two files on two workers, and every event to each output; who asks for the same shares it. */
static void files_are_read_to_their_end(void **state)
{
    struct bench *b = *state;
    struct engine_input in;
    uint64_t bytes = 0;
    b->config.settings.threads = 2;
    add(b, MODULE_INPUT, "file", "path", capture);
    add(b, MODULE_INPUT, "file", "path", capture);
    add_output(b, "writing", "0");
    add_output(b, "counting", "1");
    add_output(b, "writing", "2");
    start(b);
    assert_int_equal(engine_run(b->engine), ENGINE_DONE);
    assert_false(engine_input(b->engine, 2, &in));
    for (size_t i = 0; i < 2; i++) {
        assert_true(engine_input(b->engine, i, &in));
        assert_string_equal(in.name, i == 0 ? "file" : "file#2");
        assert_string_equal(in.module, "file");
        assert_string_equal(in.place, "");
        assert_int_equal(counter_get(&in.counters.frames), CAPTURED);
        assert_int_equal(counter_get(&in.counters.malformed), 0);
        assert_int_equal(counter_get(&in.counters.open), 0);
        bytes += counter_get(&in.counters.bytes);
    }
    static const char *const names[] = {"writing", "counting", "writing#2"};
    struct engine_output none;
    assert_false(engine_output(b->engine, 3, &none));
    for (size_t i = 0; i < 3; i++) {
        struct engine_output view = output(b, i);
        bool queued = i != 1;
        assert_string_equal(view.name, names[i]);
        assert_ledger(b, i, 2 * CAPTURED, DROP_WRITE, 0);
        assert_int_equal(view.queued, queued);
        assert_int_equal(view.queue_records, 0);
        assert_int_equal(view.queue_bytes, 0);
        assert_string_equal(view.format ? view.format : "none", queued ? "text" : "none");
        assert_int_equal(queued ? holes[i].records : holes[i].calls, 2 * CAPTURED);
        assert_int_equal(holes[i].opened, 1);
        assert_int_equal(holes[i].closed, 1);
        assert_true(holes[i].begun);
    }
    struct engine_output first = output(b, 0), last = output(b, 2);
    assert_in_range(counter_get(&first.ledger.bytes), bytes / 2, bytes);
    assert_int_equal(counter_get(&first.ledger.bytes), counter_get(&last.ledger.bytes));
    assert_int_equal(formatted, 2 * CAPTURED);
    assert_true(engine_quiet(b->engine));
}

static void no_more_than_the_total_come_through(void **state)
{
    struct bench *b = *state;
    b->config.settings.threads = 2;
    b->options.total = 1000;
    add(b, MODULE_INPUT, "file", "path", capture);
    add(b, MODULE_INPUT, "file", "path", capture);
    add_input(b, "listens"); /* would go on */
    add_output(b, "writing", "0");
    add_output(b, "counting", "1");
    start(b);
    assert_int_equal(engine_run(b->engine), ENGINE_DONE);
    assert_ledger(b, 0, 1000, DROP_WRITE, 0);
    assert_ledger(b, 1, 1000, DROP_WRITE, 0);
}

/* A frame that is no dnstap is no event, but for a format that takes any frame. */
static void what_is_no_dnstap_counts_once(void **state)
{
    struct bench *b = *state;
    struct error err;
    add_input(b, "listens");
    add_output(b, "writing", "0");
    assert_int_equal(config_set(add_output(b, "writing", "1"), "format", "any", &err), 0);
    add_output(b, "counting", "2");
    start(b);
    bring(b, 100);
    bring_frame(b, span_str("\xff\xff no dnstap"), 7);
    engine_stop(b->engine);
    assert_int_equal(engine_run(b->engine), ENGINE_DONE);
    assert_ledger(b, 0, 100, DROP_WRITE, 0);
    assert_ledger(b, 1, 107, DROP_WRITE, 0);
    assert_ledger(b, 2, 100, DROP_WRITE, 0);
    assert_int_equal(counter_get(&seeds[0].input->counters.frames), 107);
    assert_int_equal(counter_get(&seeds[0].input->counters.malformed), 7);
}

/* --- how it ends ---------------------------------------------------------------------------- */

/* Records that no chunk was full of, too. */
static void what_is_on_its_way_at_a_stop_is_written(void **state)
{
    struct bench *b = *state;
    add_input(b, "listens");
    add_output(b, "writing", "0");
    add_output(b, "counting", "1");
    start(b);
    bring(b, 5001);
    assert_false(engine_draining(b->engine));
    assert_false(engine_quiet(b->engine));
    assert_int_equal(engine_deadline(b->engine), 0);
    engine_stop(b->engine);
    assert_true(engine_draining(b->engine));
    uint64_t before = clock_ns();
    assert_int_equal(engine_run(b->engine), ENGINE_DONE);
    assert_in_range(engine_deadline(b->engine), before,
                    clock_after(b->config.settings.shutdown_ns));
    assert_ledger(b, 0, 5001, DROP_WRITE, 0);
    assert_ledger(b, 1, 5001, DROP_WRITE, 0);
    assert_int_equal(holes[0].records, 5001);
    assert_int_equal(seeds[0].stopped, 1);
    assert_int_equal(seeds[0].closed, 0); /* not before it is freed */
    engine_free(b->engine);
    b->engine = NULL;
    assert_int_equal(seeds[0].closed, 1);
}

/* An output that is stuck: its events are on their way until the time is up, and then lost. The
 * other one has all of them. */
static void what_is_not_written_in_time_is_counted(void **state)
{
    struct bench *b = *state;
    b->config.settings.shutdown_ns = 50 * CLOCK_MS_NS;
    holes[0].stuck = true;
    add_input(b, "listens");
    add_output(b, "writing", "0");
    add_output(b, "writing", "1");
    start(b);
    bring(b, 5000);
    while (atomic_load(&holes[0].calls) == 0)
        sched_yield();
    struct engine_output view = output(b, 0);
    assert_int_equal(counter_get(&view.ledger.received), 5000);
    assert_int_equal(ledger_waiting(&view.ledger), 5000);
    assert_int_equal(view.queue_records, 5000);
    assert_true(view.queue_bytes > 0 && view.queue_bytes <= view.queue_limit);
    engine_stop(b->engine);
    assert_int_equal(engine_run(b->engine), ENGINE_DONE);
    assert_int_equal(holes[0].records, TAKES);
    assert_ledger(b, 0, TAKES, DROP_SHUTDOWN, 5000 - TAKES);
    assert_ledger(b, 1, 5000, DROP_SHUTDOWN, 0);
    assert_int_equal(holes[0].closed, 1);
}

static void abort_writes_what_there_is(void **state)
{
    struct bench *b = *state;
    add_input(b, "listens");
    add_output(b, "writing", "0");
    start(b);
    bring(b, 100);
    engine_abort(b->engine);
    assert_ledger(b, 0, 100, DROP_WRITE, 0);
    assert_int_equal(holes[0].closed, 1);
    assert_int_equal(seeds[0].stopped, 1);
}

/* How an engine ends whose first output says that, if nobody stops it. The second one has all. */
static enum engine_end end_with(struct bench *b, enum output_status says, bool gives_up)
{
    holes[0].says = says;
    b->options.gives_up = gives_up;
    add_input(b, "listens");
    add_output(b, "writing", "0");
    add_output(b, "writing", "1");
    start(b);
    bring(b, 100);
    enum engine_end end = engine_run(b->engine);
    assert_ledger(b, 0, 0, DROP_WRITE, 100);
    assert_ledger(b, 1, 100, DROP_WRITE, 0);
    return end;
}

static void a_reader_that_leaves_ends_it(void **state)
{
    assert_int_equal(end_with(*state, OUTPUT_CLOSED, false), ENGINE_CLOSED);
}

static void an_output_that_gives_up_ends_it(void **state)
{
    assert_int_equal(end_with(*state, OUTPUT_RETRY, true), ENGINE_FAILED);
}

/* But where it need not be given up it goes on, and has failed in the end. */
static void an_output_that_fails_does_not_end_it(void **state)
{
    struct bench *b = *state;
    holes[0].says = OUTPUT_FAILED;
    add_input(b, "listens");
    add_output(b, "writing", "0");
    start(b);
    bring(b, 100);
    while (dropped_by(b, 0) < 100)
        sched_yield();
    assert_false(engine_draining(b->engine));
    holes[0].says = OUTPUT_OK;
    bring(b, 50);
    engine_stop(b->engine);
    assert_int_equal(engine_run(b->engine), ENGINE_FAILED);
    assert_ledger(b, 0, 50, DROP_WRITE, 100);
}

static void it_ends_with_the_last_finite_input(void **state)
{
    struct bench *b = *state;
    add_input(b, "ends");
    add_input(b, "ends");
    add_output(b, "counting", "0");
    start(b);
    engine_input_ended(b->engine, false);
    assert_false(engine_draining(b->engine));
    engine_input_ended(b->engine, false);
    assert_true(engine_draining(b->engine));
    assert_int_equal(engine_run(b->engine), ENGINE_DONE);
}

static void an_input_that_failed_is_told_at_the_end(void **state)
{
    struct bench *b = *state;
    add_input(b, "ends");
    add_input(b, "ends");
    add_output(b, "counting", "0");
    start(b);
    engine_input_ended(b->engine, true);
    assert_false(engine_draining(b->engine));
    bring(b, 10);
    engine_input_ended(b->engine, false);
    assert_int_equal(engine_run(b->engine), ENGINE_FAILED);
    assert_ledger(b, 0, 10, DROP_WRITE, 0);
}

static void it_does_not_end_while_one_listens(void **state)
{
    struct bench *b = *state;
    add_input(b, "listens");
    add_input(b, "ends");
    add_output(b, "counting", "0");
    start(b);
    engine_input_ended(b->engine, false);
    assert_false(engine_draining(b->engine));
    engine_stop(b->engine);
    assert_int_equal(engine_run(b->engine), ENGINE_DONE);
}

/* --- what does not start -------------------------------------------------------------------- */

static unsigned count_entries(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

struct leavings {
    unsigned descriptors, threads;
};

static struct leavings leavings_now(void)
{
    return (struct leavings){count_entries("/proc/self/fd"), count_entries("/proc/self/task")};
}

/* What has been joined leaves the system's list a little later. */
static void assert_left_nothing(struct leavings before)
{
    uint64_t until = clock_after((uint64_t)(5 * patience()) * CLOCK_SECOND_NS);
    while (leavings_now().threads > before.threads && clock_ns() < until)
        sched_yield();
    assert_int_equal(leavings_now().threads, before.threads);
    assert_int_equal(leavings_now().descriptors, before.descriptors);
}

/* All kinds of modules, as a file has them. */
static const char all_kinds[] = "threads: 2\n"
                                "inputs:\n"
                                "  - listens: {}\n"
                                "  - listens: {}\n"
                                "  - ends: {}\n"
                                "outputs:\n"
                                "  - writing: {number: 0}\n"
                                "  - counting: {number: 1}\n"
                                "  - writing: {number: 2}\n";

static void see(void *state, unsigned worker, struct event *ev)
{
    (void)state;
    (void)worker;
    (void)ev;
}

/* What it opens is closed, once; and outputs that were never to begin are not told that they may
 * touch files. */
static void assert_closed(bool begun)
{
    for (unsigned i = 0; i < OUTPUTS; i++) {
        assert_int_equal(holes[i].closed, holes[i].opened);
        assert_int_equal(holes[i].begun, begun && holes[i].opened > 0);
        holes[i].begun = false;
    }
    for (unsigned i = 0; i < INPUTS; i++)
        assert_int_equal(seeds[i].closed, seeds[i].opened);
    assert_int_equal(marks.closed, marks.opened);
    assert_int_equal(sieves_closed, sieves_opened);
}

static void expect_no_start(struct bench *b, struct leavings before, const char *why)
{
    struct error err;
    char line[sizeof(struct error)];
    assert_null(engine_new(&b->config, &b->options, &err));
    assert_string_equal(error_line(&err, line, sizeof line), why);
    assert_closed(false);
    assert_left_nothing(before);
}

/* A failing start leaves nothing behind, whatever fails: the next one is as if it had not been. */
static void what_fails_to_start_leaves_nothing_behind(void **state)
{
    static const struct observer wants_marks = {.needs = FACET_LATENCY, .event = see};
    static const struct {
        bool *fails;
        const char *why;
        unsigned inputs, outputs; /* that were opened */
    } rows[] = {
        {&seeds[1].fails, "conf:4:5: no luck", 2, 3},
        {&marks.fails, "no stage", 0, 3},
        {&holes[1].fails, "conf:8:5: no hole", 0, 1},
        {&holes[0].fails, "conf:7:5: no hole", 0, 0},
    };
    struct bench *b = *state;
    struct error err;
    struct leavings before = {0};
    assert_int_equal(config_parse(&b->config, all_kinds, sizeof all_kinds - 1, "conf", &err), 0);
    b->options.observers = &wants_marks;
    b->options.observer_count = 1;
    for (size_t i = 0; i <= sizeof rows / sizeof *rows; i++) {
        start(b);
        engine_abort(b->engine);
        engine_free(b->engine);
        b->engine = NULL;
        assert_closed(true);
        if (i == 0) /* the first one in a process takes what that then keeps */
            before = leavings_now();
        if (i == sizeof rows / sizeof *rows)
            break;
        unsigned inputs = 0, outputs = 0;
        for (unsigned k = 0; k < INPUTS; k++)
            seeds[k].opened = seeds[k].closed = holes[k].opened = holes[k].closed = 0;
        *rows[i].fails = true;
        expect_no_start(b, before, rows[i].why);
        *rows[i].fails = false;
        for (unsigned k = 0; k < INPUTS; k++) {
            inputs += seeds[k].opened;
            outputs += holes[k].opened;
        }
        assert_int_equal(inputs, rows[i].inputs);
        assert_int_equal(outputs, rows[i].outputs);
    }
}

static void what_a_format_refuses_does_not_start(void **state)
{
    struct bench *b = *state;
    struct error err;
    add_input(b, "listens");
    add_output(b, "writing", "0");
    struct config_item *item = add_output(b, "writing", "1");
    start(b);
    engine_abort(b->engine);
    engine_free(b->engine);
    b->engine = NULL;
    assert_closed(true);
    struct leavings before = leavings_now();
    assert_int_equal(config_set(item, "fields", "qname", &err), 0);
    expect_no_start(b, before, "it has no fields");
    assert_int_equal(seeds[0].opened, 1);
}

/* --- who works in it ------------------------------------------------------------------------ */

static void workers_are_as_many_as_were_asked_for(void **state)
{
    (void)state;
    struct settings settings = {.threads = 3};
    assert_int_equal(engine_worker_count(&settings), 3);
    settings.compat = 1;
    assert_int_equal(engine_worker_count(&settings), 1);
    settings = (struct settings){.threads = 0};
    assert_true(engine_worker_count(&settings) >= 1);
}

static void who_has_least_to_do_is_picked(void **state)
{
    struct bench *b = *state;
    struct hold *holds[3];
    b->config.settings.threads = 3;
    start(b);
    for (unsigned i = 0; i < 3; i++) {
        holds[i] = hold_worker(engine_pick_worker(b->engine));
        for (unsigned k = 0; k < i; k++)
            assert_ptr_not_equal(holds[i]->worker, holds[k]->worker);
    }
    struct worker *second = holds[1]->worker;
    hold_release(holds[1]);
    assert_ptr_equal(engine_pick_worker(b->engine), second);
    hold_release(holds[0]);
    hold_release(holds[2]);
    engine_abort(b->engine);
}

static atomic_uint collected;

static void collect(void *state, unsigned worker)
{
    (void)state;
    (void)worker;
    atomic_fetch_add(&collected, 1);
}

/* On each worker, and for the last time when it ends. */
static void observers_collect_when_asked(void **state)
{
    static const struct observer observer = {.event = see, .collect = collect};
    struct bench *b = *state;
    collected = 0;
    b->config.settings.threads = 3;
    b->options.observers = &observer;
    b->options.observer_count = 1;
    start(b);
    for (unsigned i = 1; i <= 3; i++) {
        engine_collect(b->engine);
        while (atomic_load(&collected) < 3 * i)
            sched_yield();
        assert_int_equal(atomic_load(&collected), 3 * i);
    }
    engine_abort(b->engine);
    assert_true(engine_quiet(b->engine));
    assert_int_equal(atomic_load(&collected), 12);
    engine_collect(b->engine);
    assert_int_equal(atomic_load(&collected), 12);
}

static void take_loss(void *ctx, const struct stage_loss *loss)
{
    *(uint64_t *)ctx += loss->unanswered;
}

/* It comes before outputs and observers, and what is no dnstap does not come to it. */
static void a_stage_runs_where_somebody_wants_what_it_knows(void **state)
{
    static const struct observer observers[] = {{.needs = FACET_DNSTAP, .event = see},
                                                {.needs = FACET_LATENCY, .event = see}};
    struct bench *b = *state;
    b->options.observers = observers;
    add_input(b, "listens");
    add_output(b, "counting", "0");
    for (unsigned wanted = 0; wanted < 2; wanted++) {
        uint64_t lost = 0;
        b->options.observer_count = 1 + wanted;
        start(b);
        assert_int_equal(marks.opened, wanted);
        bring(b, 20);
        bring_frame(b, span_str("\xff\xff no dnstap"), 3);
        engine_losses(b->engine, take_loss, &lost);
        assert_int_equal(lost, 42 * wanted);
        engine_abort(b->engine);
        assert_int_equal(marks.events, 20 * wanted);
        assert_int_equal(holes[0].marked, 20 * wanted);
        assert_int_equal(marks.ended, wanted);
        engine_free(b->engine);
        b->engine = NULL;
        assert_int_equal(marks.closed, wanted);
    }
}

/* --- what inputs ask of it, and others of them ---------------------------------------------- */

static void who_could_spare_most_is_told(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < INPUTS; i++)
        add_input(b, "listens");
    start(b);
    engine_relieve(b->engine);
    for (unsigned i = 0; i < INPUTS; i++)
        assert_int_equal(seeds[i].told, 0); /* nobody has anything */
    seeds[1].spare = 3;
    seeds[2].spare = 7;
    seeds[3].spare = 5;
    engine_relieve(b->engine);
    for (unsigned i = 0; i < INPUTS; i++)
        assert_int_equal(seeds[i].told, i == 2);
    engine_abort(b->engine);
}

static void inputs_share_the_descriptors(void **state)
{
    static const struct descriptors plan = {.allowed = 1600, .needed = 600};
    struct bench *b = *state;
    b->options.descriptors = &plan;
    add_input(b, "listens");
    add_input(b, "ends"); /* has no connections */
    add_input(b, "listens");
    start(b);
    assert_int_equal(engine_connection_descriptors(b->engine), DESCRIPTORS_CONNECTIONS + 500);
    engine_abort(b->engine);
}

static void an_input_is_asked_for_hints_while_it_is_open(void **state)
{
    struct bench *b = *state;
    struct engine_input in;
    char hint[INPUT_HINT_MAX];
    add_input(b, "listens");
    add_input(b, "listens");
    start(b);
    engine_input(b->engine, 1, &in);
    assert_string_equal(in.name, "listens#2");
    assert_string_equal(in.place, "seed:1");
    assert_int_equal(counter_get(&in.counters.frames), 0);
    seeds[1].hints = true;
    assert_false(engine_input_hint(b->engine, 1, hint)); /* it does not listen yet */
    counter_add_shared(&seeds[1].input->counters.open, 1);
    assert_true(engine_input_hint(b->engine, 1, hint));
    assert_string_equal(hint, "look at 1");
    seeds[1].hints = false;
    assert_false(engine_input_hint(b->engine, 1, hint));
    engine_abort(b->engine);
}

#define BENCH(test) cmocka_unit_test_setup_teardown(test, bench_new, bench_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(files_are_read_to_their_end),
        BENCH(no_more_than_the_total_come_through),
        BENCH(what_is_no_dnstap_counts_once),
        BENCH(what_is_on_its_way_at_a_stop_is_written),
        BENCH(what_is_not_written_in_time_is_counted),
        BENCH(abort_writes_what_there_is),
        BENCH(a_reader_that_leaves_ends_it),
        BENCH(an_output_that_gives_up_ends_it),
        BENCH(an_output_that_fails_does_not_end_it),
        BENCH(it_ends_with_the_last_finite_input),
        BENCH(an_input_that_failed_is_told_at_the_end),
        BENCH(it_does_not_end_while_one_listens),
        BENCH(what_fails_to_start_leaves_nothing_behind),
        BENCH(what_a_format_refuses_does_not_start),
        BENCH(workers_are_as_many_as_were_asked_for),
        BENCH(who_has_least_to_do_is_picked),
        BENCH(observers_collect_when_asked),
        BENCH(a_stage_runs_where_somebody_wants_what_it_knows),
        BENCH(who_could_spare_most_is_told),
        BENCH(inputs_share_the_descriptors),
        BENCH(an_input_is_asked_for_hints_while_it_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
