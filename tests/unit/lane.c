/* Lanes: one formatting for all outputs that ask for the same, and where each record is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "../support/chunks.h"
#include "../support/patience.h"
#include "../support/sinks.h"
#include "base/clock.h"
#include "core/lane.h"
#include "failmalloc.h"

static const struct format_spec plain = {.module = &format_echo};
static const struct origin origin = {.peer = "unix"};

/* --- plans ---------------------------------------------------------------------------------- */

/* Good until the next call. */
static struct sink *const *listed(struct sink *sinks, size_t count)
{
    static struct sink *list[64];
    assert_true(count <= sizeof list / sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = &sinks[i];
    return list;
}

/* Equal texts at different places are equal. */
static void equal_specs_share_a_plan(void **state)
{
    char a[] = "number", b[] = "number";
    struct format_spec specs[] = {plain, plain, plain, plain, plain};
    struct sink sinks[5];
    struct lane_plan *plans;
    (void)state;
    specs[1].fields = a;
    specs[3].fields = b;
    for (size_t i = 0; i < 5; i++)
        sinks_queued(&sinks[i], &specs[i], WHEN_FULL_BLOCK, SINKS_QUEUE);
    sinks[2].out.format = NULL; /* an inline one */
    assert_int_equal(lane_plans_make(listed(sinks, 5), 5, &plans), 2);
    assert_int_equal(plans[0].sink_count, 2);
    assert_ptr_equal(plans[0].sinks[0], &sinks[0]);
    assert_ptr_equal(plans[0].sinks[1], &sinks[4]);
    assert_null(plans[0].spec.fields);
    assert_int_equal(plans[1].sink_count, 2);
    assert_ptr_equal(plans[1].sinks[0], &sinks[1]);
    assert_ptr_equal(plans[1].sinks[1], &sinks[3]);
    assert_string_equal(plans[1].spec.fields, "number");
    lane_plans_free(plans, 2);
    for (size_t i = 0; i < 5; i++)
        sink_free(&sinks[i]);
}

static void what_differs_has_a_lane_of_its_own(void **state)
{
    static const struct format_spec specs[] = {
        {.module = &format_echo},
        {.module = &format_other},
        {.module = &format_echo, .fields = ""},
        {.module = &format_echo, .fields = "number"},
        {.module = &format_echo, .terminal = true},
        {.module = &format_echo, .raw_lines = true},
        {.module = &format_echo, .record_max = 4096},
    };
    enum { COUNT = sizeof specs / sizeof *specs };
    struct sink sinks[COUNT];
    struct lane_plan *plans;
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        sinks_queued(&sinks[i], &specs[i], WHEN_FULL_BLOCK, SINKS_QUEUE);
    assert_int_equal(lane_plans_make(listed(sinks, COUNT), COUNT, &plans), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(plans[i].sinks[0], &sinks[i]);
        assert_int_equal(plans[i].sink_count, 1);
        sink_free(&sinks[i]);
    }
    lane_plans_free(plans, COUNT);
}

static void no_outputs_need_no_plan(void **state)
{
    struct lane_plan *plans;
    (void)state;
    assert_int_equal(lane_plans_make(NULL, 0, &plans), 0);
    lane_plans_free(plans, 0);
}

static void plans_without_memory(void **state)
{
    static const struct format_spec other = {.module = &format_other};
    struct lane_plan none, *plans = &none;
    struct sink sinks[2];
    unsigned n;
    (void)state;
    sinks_queued(&sinks[0], &plain, WHEN_FULL_BLOCK, SINKS_QUEUE);
    sinks_queued(&sinks[1], &other, WHEN_FULL_BLOCK, SINKS_QUEUE);
    for (n = 1;; n++) {
        failmalloc_start(n);
        int count = lane_plans_make(listed(sinks, 2), 2, &plans);
        bool failed = failmalloc_stop();
        assert_int_equal(count, failed ? -1 : 2);
        if (!failed)
            break;
        assert_ptr_equal(plans, &none);
    }
    assert_true(n > 2);
    lane_plans_free(plans, 2);
    sink_free(&sinks[0]);
    sink_free(&sinks[1]);
}

/* --- one lane ------------------------------------------------------------------------------- */

enum { OUTPUTS = 2 };

/* A lane of worker 1 with two outputs. */
struct bench {
    struct sink sinks[OUTPUTS];
    struct lane_plan *plans;
    struct lane lane;
};

static void set_up(struct bench *bench, const struct format_spec *spec,
                   const enum when_full when_full[OUTPUTS], size_t queue_bytes)
{
    struct error err;
    atomic_store(&echo_instances, 0); /* whatever a test that failed has left */
    for (size_t i = 0; i < OUTPUTS; i++)
        sinks_queued(&bench->sinks[i], spec, when_full ? when_full[i] : WHEN_FULL_BLOCK,
                     queue_bytes);
    assert_int_equal(lane_plans_make(listed(bench->sinks, OUTPUTS), OUTPUTS, &bench->plans), 1);
    assert_int_equal(lane_init(&bench->lane, &bench->plans[0], 1, &err), 0);
}

static void tear_down(struct bench *bench)
{
    lane_free(&bench->lane);
    lane_plans_free(bench->plans, 1);
    for (size_t i = 0; i < OUTPUTS; i++)
        sink_free(&bench->sinks[i]);
    chunk_pool_free();
    assert_int_equal(atomic_load(&echo_instances), 0);
}

static void say_span(struct lane *lane, struct span frame)
{
    struct event ev;
    event_init(&ev, frame, &origin);
    event_need(&ev, lane->needs);
    lane_event(lane, &ev);
}

static void say(struct lane *lane, const char *frame)
{
    say_span(lane, span_str(frame));
}

/* Both outputs have got just that, and nothing was dropped or cut but what is said. */
static void expect(struct bench *bench, const char *text, uint32_t records)
{
    for (size_t i = 0; i < OUTPUTS; i++) {
        uint32_t got;
        assert_string_equal(sinks_text(&bench->sinks[i], &got), text);
        assert_int_equal(got, records);
    }
}

static uint64_t dropped(const struct bench *bench, size_t output)
{
    struct ledger sum;
    sink_ledger(&bench->sinks[output], &sum);
    return ledger_dropped(&sum);
}

static void records_wait_for_a_flush(void **state)
{
    struct bench bench;
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    lane_flush(&bench.lane); /* of nothing */
    say(&bench.lane, "one");
    say(&bench.lane, "two");
    expect(&bench, "", 0);
    lane_flush(&bench.lane);
    expect(&bench, "one\ntwo\n", 2);
    say(&bench.lane, "three");
    lane_flush(&bench.lane);
    lane_flush(&bench.lane);
    expect(&bench, "three\n", 1);
    assert_int_equal(dropped(&bench, 0) + dropped(&bench, 1), 0);
    tear_down(&bench);
}

/* What is large enough to be queued as it is is formatted, and held, once. */
static void outputs_share_one_formatting(void **state)
{
    static const struct format_spec numbered = {.module = &format_echo, .fields = "number"};
    static uint8_t bytes[CHUNK_BYTES / 2];
    struct bench bench;
    struct chunk *chunks[OUTPUTS];
    (void)state;
    set_up(&bench, &numbered, NULL, SINKS_QUEUE);
    say(&bench.lane, "one");
    say(&bench.lane, "two");
    lane_flush(&bench.lane);
    expect(&bench, "1 one\n2 two\n", 2);
    memset(bytes, 'x', sizeof bytes);
    say_span(&bench.lane, span_of(bytes, sizeof bytes));
    lane_flush(&bench.lane);
    for (size_t i = 0; i < OUTPUTS; i++)
        assert_int_equal(queue_pop(&bench.sinks[i].queue, 0, &chunks[i]), QUEUE_CHUNK);
    assert_ptr_equal(chunks[0], chunks[1]);
    chunk_release(chunks[0]);
    chunk_release(chunks[1]);
    tear_down(&bench);
}

/* A chunk is handed over when it is full, be it of bytes or of records; and what comes behind it is
 * in another one. */
static void full_chunk_needs_no_flush(void **state)
{
    static uint8_t bytes[CHUNK_BYTES / 4];
    struct bench bench;
    struct buf text = {0};
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    memset(bytes, 'x', sizeof bytes);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(sinks_take(&bench.sinks[0], 0, &text), 0);
        say_span(&bench.lane, span_of(bytes, sizeof bytes));
    }
    assert_int_equal(sinks_take(&bench.sinks[0], 0, &text), 4);
    assert_int_equal(text.len, 4 * (sizeof bytes + 1));
    for (int i = 0; i < CHUNK_RECORDS; i++) {
        assert_int_equal(sinks_take(&bench.sinks[0], 0, &text), 0);
        say(&bench.lane, "x");
    }
    assert_int_equal(sinks_take(&bench.sinks[0], 0, &text), CHUNK_RECORDS);
    say(&bench.lane, "y");
    lane_flush(&bench.lane);
    text.len = 0;
    assert_int_equal(sinks_take(&bench.sinks[0], 0, &text), 1);
    assert_memory_equal(text.data, "y\n", 2);
    buf_free(&text);
    tear_down(&bench);
}

/* One record that is larger than a chunk goes through whole, at once. */
static void large_record_is_whole(void **state)
{
    static uint8_t bytes[3 * CHUNK_BYTES];
    struct bench bench;
    struct buf text = {0};
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    memset(bytes, 'x', sizeof bytes);
    say(&bench.lane, "small");
    say_span(&bench.lane, span_of(bytes, sizeof bytes));
    assert_int_equal(sinks_take(&bench.sinks[1], 0, &text), 2);
    assert_int_equal(text.len, 6 + sizeof bytes + 1);
    buf_free(&text);
    tear_down(&bench);
}

/* --- what is not written -------------------------------------------------------------------- */

/* Nothing of it is in the chunk, and each output counts it. */
static void refused_record_leaves_no_trace(void **state)
{
    struct bench bench;
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    say(&bench.lane, "!1 first of all");
    say(&bench.lane, "one");
    say(&bench.lane, "!2 half");
    say(&bench.lane, "!2 half");
    say(&bench.lane, "two");
    say(&bench.lane, "!1 last");
    lane_flush(&bench.lane);
    expect(&bench, "one\ntwo\n", 2);
    say(&bench.lane, "!2 alone");
    lane_flush(&bench.lane);
    expect(&bench, "", 0);
    for (size_t i = 0; i < OUTPUTS; i++) {
        assert_int_equal(sinks_dropped(&bench.sinks[i], DROP_MALFORMED), 2);
        assert_int_equal(sinks_dropped(&bench.sinks[i], DROP_SHORT), 3);
        assert_int_equal(dropped(&bench, i), 5);
    }
    tear_down(&bench);
}

/* Each worker counts in a shard of its own. */
static void counts_are_the_workers_own(void **state)
{
    struct bench bench;
    struct lane other;
    struct error err;
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    assert_int_equal(lane_init(&other, &bench.plans[0], 2, &err), 0);
    say(&bench.lane, "!2");
    say(&bench.lane, "~");
    for (int i = 0; i < 3; i++) {
        say(&other, "!2");
        say(&other, "~");
    }
    for (size_t i = 0; i < OUTPUTS; i++) {
        for (unsigned worker = 0; worker < 4; worker++) {
            const struct ledger *own = &bench.sinks[i].shards[worker].ledger;
            uint64_t wanted = worker == 1 ? 1 : worker == 2 ? 3 : 0;
            assert_int_equal(counter_get(&own->dropped[DROP_SHORT]), wanted);
            assert_int_equal(counter_get(&own->truncated), wanted);
        }
    }
    lane_free(&other);
    tear_down(&bench);
}

/* It is written, counts as no loss, and does not hold the memory that it had wanted. */
static void cut_record_is_written(void **state)
{
    struct bench bench;
    struct ledger sum;
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    say(&bench.lane, "one");
    say(&bench.lane, "~two");
    lane_flush(&bench.lane);
    assert_in_range(queue_bytes(&bench.sinks[0].queue), 1, 2 * CHUNK_BYTES);
    expect(&bench, "one\n~two\n", 2);
    for (size_t i = 0; i < OUTPUTS; i++) {
        sink_ledger(&bench.sinks[i], &sum);
        assert_int_equal(counter_get(&sum.truncated), 1);
        assert_int_equal(ledger_dropped(&sum), 0);
    }
    tear_down(&bench);
}

/* A frame that is no dnstap is the loss of its input alone; but under --compat, where outputs are
 * not for events only, it is theirs. Who takes any frame gets it. */
static void frames_that_are_no_dnstap(void **state)
{
    static const struct format_spec identity = {.module = &format_echo, .fields = "identity"};
    (void)state;
    for (int events_only = 0; events_only < 2; events_only++) {
        struct bench bench;
        set_up(&bench, &identity, NULL, SINKS_QUEUE);
        for (size_t i = 0; i < OUTPUTS; i++)
            bench.sinks[i].events_only = events_only;
        say(&bench.lane, "no dnstap");
        lane_flush(&bench.lane);
        expect(&bench, "", 0);
        for (size_t i = 0; i < OUTPUTS; i++) {
            assert_int_equal(sinks_dropped(&bench.sinks[i], DROP_MALFORMED), !events_only);
            assert_int_equal(dropped(&bench, i), !events_only);
        }
        tear_down(&bench);
    }
    struct bench bench;
    struct event ev;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    event_init(&ev, BYTES("no dnstap"), &origin);
    event_need(&ev, FACET_DNSTAP); /* somebody else needs it */
    assert_int_equal(ev.bad, FACET_DNSTAP);
    lane_event(&bench.lane, &ev);
    lane_flush(&bench.lane);
    expect(&bench, "no dnstap\n", 1);
    assert_int_equal(dropped(&bench, 0), 0);
    tear_down(&bench);
}

/* --- no memory ------------------------------------------------------------------------------ */

static void no_memory_for_a_chunk(void **state)
{
    struct bench bench;
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    for (unsigned n = 1; n <= 2; n++) {
        failmalloc_start(n);
        say(&bench.lane, "lost");
        assert_true(failmalloc_stop());
    }
    lane_flush(&bench.lane);
    expect(&bench, "", 0);
    say(&bench.lane, "kept");
    lane_flush(&bench.lane);
    expect(&bench, "kept\n", 1);
    for (size_t i = 0; i < OUTPUTS; i++) {
        assert_int_equal(sinks_dropped(&bench.sinks[i], DROP_MEMORY), 2);
        assert_int_equal(dropped(&bench, i), 2);
    }
    tear_down(&bench);
}

/* What stands in the chunk already is not lost, nor what comes after; and a record that its format
 * calls written, or cut, is dropped nonetheless when there was no room for all of it. */
static void no_memory_for_a_record(void **state)
{
    static uint8_t bytes[2 * CHUNK_BYTES];
    struct bench bench;
    struct ledger sum;
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    memset(bytes, 'x', sizeof bytes);
    say(&bench.lane, "one");
    for (int cut = 0; cut < 2; cut++) {
        bytes[0] = cut ? '~' : 'x';
        failmalloc_start(1);
        say_span(&bench.lane, span_of(bytes, sizeof bytes));
        assert_true(failmalloc_stop());
    }
    say(&bench.lane, "two");
    lane_flush(&bench.lane);
    expect(&bench, "one\ntwo\n", 2);
    for (size_t i = 0; i < OUTPUTS; i++) {
        sink_ledger(&bench.sinks[i], &sum);
        assert_int_equal(counter_get(&sum.dropped[DROP_MEMORY]), 2);
        assert_int_equal(ledger_dropped(&sum), 2);
        assert_int_equal(counter_get(&sum.truncated), 0);
    }
    tear_down(&bench);
}

/* --- full queues ---------------------------------------------------------------------------- */

/* A chunk that holds its record as it is. */
static void say_large(struct lane *lane, char first)
{
    static uint8_t bytes[CHUNK_BYTES];
    memset(bytes, first, sizeof bytes);
    say_span(lane, span_of(bytes, sizeof bytes));
}

static char take_large(struct sink *sink)
{
    struct buf text = {0};
    char first = sinks_take(sink, 0, &text) ? (char)text.data[0] : '-';
    buf_free(&text);
    return first;
}

/* What finds no room counts where it does not, and the other output gets it. */
static void full_queue_costs_its_own_output(void **state)
{
    static const enum when_full policies[] = {WHEN_FULL_DROP_NEWEST, WHEN_FULL_DROP_OLDEST};
    struct bench bench;
    (void)state;
    set_up(&bench, &plain, policies, 3 * CHUNK_BYTES);
    for (char first = 'a'; first <= 'd'; first++) {
        say_large(&bench.lane, first);
        if (first <= 'b')
            assert_int_equal(dropped(&bench, 0) + dropped(&bench, 1), 0);
    }
    assert_int_equal(take_large(&bench.sinks[0]), 'a');
    assert_int_equal(take_large(&bench.sinks[0]), 'b');
    assert_int_equal(take_large(&bench.sinks[0]), '-');
    assert_int_equal(take_large(&bench.sinks[1]), 'c');
    assert_int_equal(take_large(&bench.sinks[1]), 'd');
    assert_int_equal(take_large(&bench.sinks[1]), '-');
    assert_int_equal(sinks_dropped(&bench.sinks[0], DROP_FULL), 2);
    assert_int_equal(dropped(&bench, 0), 2);
    assert_int_equal(sinks_dropped(&bench.sinks[1], DROP_OLDEST), 2);
    assert_int_equal(dropped(&bench, 1), 2);
    tear_down(&bench);
}

/* So with an output that takes nothing any more: the loss is of its reason. */
static void abandoned_output_costs_itself(void **state)
{
    struct bench bench;
    uint32_t records;
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    queue_abandon(&bench.sinks[0].queue, DROP_WRITE);
    for (int i = 0; i < 3; i++)
        say(&bench.lane, "x");
    lane_flush(&bench.lane);
    assert_string_equal(sinks_text(&bench.sinks[0], &records), "");
    assert_string_equal(sinks_text(&bench.sinks[1], &records), "x\nx\nx\n");
    assert_int_equal(sinks_dropped(&bench.sinks[0], DROP_WRITE), 3);
    assert_int_equal(dropped(&bench, 0), 3);
    assert_int_equal(dropped(&bench, 1), 0);
    tear_down(&bench);
}

/* --- the lane's own life -------------------------------------------------------------------- */

static void lane_that_does_not_begin(void **state)
{
    static const struct format_spec bad = {.module = &format_echo, .fields = "bad"};
    struct lane_plan plan = {.spec = bad};
    struct lane lane = {.worker = 77};
    struct error err;
    (void)state;
    assert_int_equal(lane_init(&lane, &plan, 1, &err), -1);
    assert_string_equal(err.text, "unknown field 'bad'");
    assert_int_equal(lane.worker, 77);
    plan.spec = plain;
    failmalloc_start(1);
    assert_int_equal(lane_init(&lane, &plan, 1, &err), -1);
    assert_true(failmalloc_stop());
    assert_string_equal(err.text, "no memory for a format");
    assert_int_equal(atomic_load(&echo_instances), 0);
    lane_free(&(struct lane){0}); /* one that never began */
}

/* Each lane has an instance of the format, and closes that alone. */
static void lanes_have_instances_of_their_own(void **state)
{
    static const struct format_spec numbered = {.module = &format_echo, .fields = "number"};
    struct bench bench;
    struct lane other;
    struct error err;
    (void)state;
    set_up(&bench, &numbered, NULL, SINKS_QUEUE);
    assert_int_equal(lane_init(&other, &bench.plans[0], 2, &err), 0);
    assert_int_equal(atomic_load(&echo_instances), 2);
    say(&bench.lane, "a");
    say(&bench.lane, "a");
    say(&other, "b");
    lane_flush(&bench.lane);
    lane_flush(&other);
    expect(&bench, "1 a\n2 a\n1 b\n", 3);
    lane_free(&other);
    assert_int_equal(atomic_load(&echo_instances), 1);
    tear_down(&bench);
}

/* A chunk is there that nobody holds. */
static void expect_free_chunk(void)
{
    failmalloc_start(0);
    chunk_release(chunk_new());
    assert_int_equal(failmalloc_count(), 0);
    failmalloc_stop();
}

/* What was handed over is its outputs' alone. A lane that is freed hands nothing over, and gives
 * its chunk back. */
static void lane_keeps_no_chunk(void **state)
{
    struct bench bench;
    struct error err;
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    say(&bench.lane, "x");
    lane_flush(&bench.lane);
    expect(&bench, "x\n", 1);
    expect_free_chunk();
    say(&bench.lane, "x");
    lane_free(&bench.lane);
    expect(&bench, "", 0);
    expect_free_chunk();
    assert_int_equal(lane_init(&bench.lane, &bench.plans[0], 1, &err), 0);
    tear_down(&bench);
}

/* --- threads -------------------------------------------------------------------------------- */

/* Nothing is asserted off the main thread. */
static void *consume(void *arg)
{
    struct buf text = {0};
    uint64_t *records = calloc(1, sizeof *records);
    *records = sinks_take(arg, (uint64_t)(20 * patience()) * CLOCK_SECOND_NS, &text);
    buf_free(&text);
    return records;
}

/* A full chunk may leave who sleeps asleep, a flush does not, be there something to flush or not.
 */
static void flush_wakes_the_outputs(void **state)
{
    struct bench bench;
    pthread_t consumers[OUTPUTS];
    (void)state;
    set_up(&bench, &plain, NULL, SINKS_QUEUE);
    for (size_t i = 0; i < OUTPUTS; i++)
        pthread_create(&consumers[i], NULL, consume, &bench.sinks[i]);
    while (!queue_hungry(&bench.sinks[0].queue) || !queue_hungry(&bench.sinks[1].queue))
        sched_yield();
    say_large(&bench.lane, 'x');
    lane_flush(&bench.lane);
    for (size_t i = 0; i < OUTPUTS; i++) {
        void *records;
        pthread_join(consumers[i], &records);
        assert_int_equal(*(uint64_t *)records, 1);
        free(records);
    }
    tear_down(&bench);
}

enum { EACH = 20000 };

struct speaker {
    pthread_t thread;
    const struct lane_plan *plan;
    unsigned worker;
    int status;
};

/* As a worker does it; every tenth event is refused. */
static void *speak(void *arg)
{
    struct speaker *speaker = arg;
    struct lane lane;
    struct error err;
    speaker->status = lane_init(&lane, speaker->plan, speaker->worker, &err);
    if (speaker->status < 0)
        return NULL;
    for (unsigned i = 0; i < EACH; i++) {
        say(&lane, i % 10 ? "some words of a record" : "!2");
        if (i % 500 == 0)
            lane_flush(&lane);
    }
    lane_flush(&lane);
    lane_free(&lane);
    return NULL;
}

static void *count_all(void *arg)
{
    struct sink *sink = arg;
    uint64_t *records = calloc(1, sizeof *records);
    struct chunk *chunk;
    enum queue_state state;
    while ((state = queue_pop(&sink->queue, CLOCK_SECOND_NS, &chunk)) != QUEUE_END) {
        if (state != QUEUE_CHUNK)
            continue;
        *records += chunk->records;
        chunk_release(chunk);
    }
    return records;
}

static void run_speakers(const struct lane_plan *plan, unsigned count)
{
    struct speaker speakers[SINKS_WORKERS];
    for (unsigned i = 0; i < count; i++) {
        speakers[i] = (struct speaker){.plan = plan, .worker = i};
        pthread_create(&speakers[i].thread, NULL, speak, &speakers[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(speakers[i].thread, NULL);
        assert_int_equal(speakers[i].status, 0);
    }
}

/* Lanes of all workers at once, one output that waits and one that drops: every record is read, or
 * counted as dropped, at each. */
static void workers_lose_no_count(void **state)
{
    static const enum when_full policies[] = {WHEN_FULL_BLOCK, WHEN_FULL_DROP_OLDEST};
    struct bench bench;
    pthread_t consumers[OUTPUTS];
    unsigned workers = chunks_threads();
    (void)state;
    set_up(&bench, &plain, policies, 3 * CHUNK_BYTES);
    for (size_t i = 0; i < OUTPUTS; i++)
        pthread_create(&consumers[i], NULL, count_all, &bench.sinks[i]);
    run_speakers(&bench.plans[0], workers);
    for (size_t i = 0; i < OUTPUTS; i++) {
        void *records;
        queue_close(&bench.sinks[i].queue);
        pthread_join(consumers[i], &records);
        assert_int_equal(*(uint64_t *)records + dropped(&bench, i), workers * EACH);
        assert_int_equal(sinks_dropped(&bench.sinks[i], DROP_SHORT), workers * EACH / 10);
        free(records);
    }
    assert_int_equal(dropped(&bench, 0), workers * EACH / 10);
    tear_down(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_specs_share_a_plan),
        cmocka_unit_test(what_differs_has_a_lane_of_its_own),
        cmocka_unit_test(no_outputs_need_no_plan),
        cmocka_unit_test(plans_without_memory),
        cmocka_unit_test(records_wait_for_a_flush),
        cmocka_unit_test(outputs_share_one_formatting),
        cmocka_unit_test(full_chunk_needs_no_flush),
        cmocka_unit_test(large_record_is_whole),
        cmocka_unit_test(refused_record_leaves_no_trace),
        cmocka_unit_test(counts_are_the_workers_own),
        cmocka_unit_test(cut_record_is_written),
        cmocka_unit_test(frames_that_are_no_dnstap),
        cmocka_unit_test(no_memory_for_a_chunk),
        cmocka_unit_test(no_memory_for_a_record),
        cmocka_unit_test(full_queue_costs_its_own_output),
        cmocka_unit_test(abandoned_output_costs_itself),
        cmocka_unit_test(lane_that_does_not_begin),
        cmocka_unit_test(lanes_have_instances_of_their_own),
        cmocka_unit_test(lane_keeps_no_chunk),
        cmocka_unit_test(flush_wakes_the_outputs),
        cmocka_unit_test(workers_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
