/* Sinks: one configured output at work, from its opening to its last count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "../support/chunks.h"
#include "../support/sinks.h"
#include "base/clock.h"
#include "failmalloc.h"

/* An output that does as it is told, and notes what was asked of it. Its own thread writes to it
 * between sink_open and sink_finish, but for the atomics. */
struct kept {
    bool refuses; /* to be opened */
    bool terminal, seen;
    enum output_status status; /* of the first write; OUTPUT_RETRY of each; those behind go well */
    uint32_t writes;           /* records of the first write at most; 0: all, with OUTPUT_OK */
    atomic_bool held;          /* a write waits */
    char order[64]; /* of the calls: terminal, open, seen, write (once), reopen, event, close */
    uint64_t written;
    atomic_uint calls, closed;
    pthread_t reopener;
};

static struct kept *kept_of(const struct output *out)
{
    return *(struct kept *const *)out->options;
}

static void note(struct kept *kept, char what)
{
    size_t len = strlen(kept->order);
    if (len + 1 < sizeof kept->order && (what != 'w' || !strchr(kept->order, 'w')))
        kept->order[len] = what;
}

static bool kept_terminal(const struct output *out)
{
    note(kept_of(out), 't');
    return kept_of(out)->terminal;
}

static int kept_open(struct output *out, struct error *err)
{
    struct kept *kept = kept_of(out);
    note(kept, 'o');
    return kept->refuses ? error_set(err, "no such place") : 0;
}

static bool kept_seen(const struct output *out)
{
    note(kept_of(out), 's');
    return kept_of(out)->seen;
}

static enum output_status kept_write(struct output *out, const struct chunk *chunk, uint32_t first,
                                     uint32_t *done)
{
    struct kept *kept = kept_of(out);
    uint32_t left = chunk->records - first;
    note(kept, 'w');
    unsigned before = atomic_fetch_add(&kept->calls, 1);
    while (atomic_load(&kept->held) && !atomic_load(&out->interrupted))
        sched_yield();
    bool plays = kept->status != OUTPUT_OK && (before == 0 || kept->status == OUTPUT_RETRY);
    uint32_t records = plays && kept->writes < left ? kept->writes : left;
    kept->written += records;
    *done = first + records;
    return plays ? kept->status : OUTPUT_OK;
}

static void kept_reopen(struct output *out)
{
    struct kept *kept = kept_of(out);
    note(kept, 'r');
    kept->reopener = pthread_self();
}

static void kept_close(struct output *out)
{
    note(kept_of(out), 'c');
}

static int kept_event(struct output *out, unsigned worker, struct event *ev)
{
    (void)worker, (void)ev;
    note(kept_of(out), 'e');
    return FORMAT_WRITTEN;
}

static const struct output_hooks queued_hooks = {
    .terminal = kept_terminal,
    .open = kept_open,
    .seen = kept_seen,
    .write = kept_write,
    .reopen = kept_reopen,
    .close = kept_close,
};
static const struct output_hooks inline_hooks = {
    .open = kept_open, .reopen = kept_reopen, .close = kept_close, .event = kept_event};
static const struct output_hooks bare_hooks = {.event = kept_event};
static const struct module queued = {
    .name = "queued", .kind = MODULE_OUTPUT, .hooks = &queued_hooks};
static const struct module direct = {
    .name = "direct", .kind = MODULE_OUTPUT, .hooks = &inline_hooks};
static const struct module bare = {.name = "bare", .kind = MODULE_OUTPUT, .hooks = &bare_hooks};

/* One output and its sink. Static in each test: one that fails leaves a thread at work on it. */
struct bench {
    struct kept kept;
    struct config config;
    struct kept *at; /* the outputs' options */
    struct output_common common;
    struct config_item item;
    struct sink sink;
    struct error err;
    const char *compat;
    const char *name;
};

enum { WORKERS = 3, QUEUE = 256 * 1024 };

static char echo_name[] = "echo";

static struct bench bench_of(const struct module *module)
{
    return (struct bench){
        .common = {.format = echo_name, .when_full = WHEN_FULL_BLOCK, .queue_bytes = QUEUE},
        .item = {.module = module},
        .name = module->name,
    };
}

static void on_closed(void *arg)
{
    atomic_fetch_add(&((struct kept *)arg)->closed, 1);
}

static int start(struct bench *bench)
{
    bench->item.options = &bench->at;
    bench->at = &bench->kept;
    bench->item.common = &bench->common;
    bench->config.settings.compat = bench->compat ? 1 : 0;
    return sink_open(&bench->sink, &bench->config, &bench->item, bench->name, WORKERS, on_closed,
                     &bench->kept, &bench->err);
}

/* As a lane of worker 1 does it. */
static void push(struct bench *bench, unsigned records, size_t len)
{
    struct chunk *chunk = chunks_make(0, 0, records, len);
    struct ledger *own = &bench->sink.shards[1].ledger;
    counter_add(&own->received, records);
    struct queue_loss loss = queue_push(&bench->sink.queue, chunk);
    counter_add(&own->dropped[loss.reason], loss.records);
    chunk_release(chunk);
}

static struct ledger ledger_of(const struct bench *bench)
{
    struct ledger sum;
    sink_ledger(&bench->sink, &sum);
    return sum;
}

static uint64_t later(void)
{
    return clock_after(60 * CLOCK_SECOND_NS);
}

static void await(atomic_uint *number, unsigned least)
{
    while (atomic_load(number) < least)
        sched_yield();
}

/* Finishes, and returns what has been counted: all that was received. */
static struct ledger finish(struct bench *bench, uint64_t deadline_ns)
{
    sink_drain(&bench->sink);
    sink_finish(&bench->sink, deadline_ns);
    struct ledger sum = ledger_of(bench);
    assert_int_equal(ledger_waiting(&sum), 0);
    sink_free(&bench->sink);
    chunk_pool_free();
    return sum;
}

/* --- opening -------------------------------------------------------------------------------- */

/* What the caller has set stays, options are the item's, and all else begins anew. */
static void takes_what_it_is_given(void **state)
{
    static struct stats *const stats = (struct stats *)&stats;
    static struct bench bench;
    (void)state;
    bench = bench_of(&queued);
    bench.sink.out.stats = stats;
    bench.sink.out.gives_up = true;
    bench.sink.out.old = OUTPUT_REPLACES;
    bench.sink.out.lost = 77;
    bench.name = "mine";
    bench.sink.events_only = true;
    assert_int_equal(start(&bench), 0);
    const struct output *out = &bench.sink.out;
    assert_ptr_equal(out->stats, stats);
    assert_ptr_equal(out->settings, &bench.config.settings);
    assert_ptr_equal(out->options, &bench.at);
    assert_ptr_equal(out->module, &queued);
    assert_true(out->gives_up);
    assert_int_equal(out->old, OUTPUT_REPLACES);
    assert_int_equal(out->common.queue_bytes, QUEUE);
    assert_int_equal(out->lost, 0);
    assert_string_equal(out->name, "mine");
    assert_false(bench.sink.events_only);
    assert_false(atomic_load(&out->begun));
    finish(&bench, later());
}

/* The format of that name, as the program that is to be compatible has it; and what lanes compare.
 */
static void asks_for_its_format(void **state)
{
    char fields[] = "number";
    (void)state;
    for (int i = 0; i < 2; i++) {
        static struct bench bench;
        bench = bench_of(&queued);
        bench.compat = i ? "dnstap-receiver" : NULL;
        bench.kept.terminal = i;
        bench.config.settings.compat_control = i ? CONTROL_RAW : CONTROL_ESCAPE;
        bench.common.fields = i ? fields : NULL;
        bench.common.record_max = i ? 4096 : 0;
        assert_int_equal(start(&bench), 0);
        const struct format_spec *spec = &bench.sink.out.spec;
        assert_ptr_equal(spec->module, i ? &format_echo_compat : &format_echo);
        assert_ptr_equal(bench.sink.out.format, &echo_hooks);
        assert_int_equal(spec->terminal, i);
        assert_int_equal(spec->raw_lines, i);
        assert_int_equal(spec->record_max, i ? 4096 : 0);
        assert_ptr_equal(spec->fields, i ? fields : NULL);
        finish(&bench, later());
    }
}

static void unknown_format_opens_nothing(void **state)
{
    static struct bench bench;
    char name[] = "txt";
    (void)state;
    bench = bench_of(&queued);
    bench.common.format = name;
    bench.name = "queued#2";
    assert_int_equal(start(&bench), -1);
    assert_string_equal(bench.err.text, "queued#2: there is no format called txt");
    sink_free(&bench.sink);
    assert_string_equal(bench.kept.order, "");
}

static void refusal_is_passed_on(void **state)
{
    static const struct module *const modules[] = {&queued, &direct};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        static struct bench bench;
        bench = bench_of(modules[i]);
        bench.kept.refuses = true;
        assert_int_equal(start(&bench), -1);
        assert_string_equal(bench.err.text, "no such place");
        sink_free(&bench.sink);
        assert_string_equal(bench.kept.order, i ? "o" : "to");
    }
}

/* Whichever call fails: what was opened is closed again, once. */
static void without_memory_nothing_is_open(void **state)
{
    static const struct module *const modules[] = {&queued, &direct};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (unsigned n = 1;; n++) {
            static struct bench bench;
            bench = bench_of(modules[i]);
            failmalloc_start(n);
            int status = start(&bench);
            bool failed = failmalloc_stop();
            assert_int_equal(status, failed ? -1 : 0);
            if (!failed) {
                assert_true(n > 1);
                finish(&bench, later());
                break;
            }
            assert_non_null(strstr(bench.err.text, modules[i]->name));
            assert_non_null(strstr(bench.err.text, "memory"));
            sink_free(&bench.sink);
            assert_int_equal(!strchr(bench.kept.order, 'o'), !strchr(bench.kept.order, 'c'));
        }
    }
}

/* Its terminal before it is opened, who may look before its thread writes. */
static void is_asked_in_order(void **state)
{
    (void)state;
    for (int seen = 0; seen < 2; seen++) {
        static struct bench bench;
        bench = bench_of(&queued);
        bench.kept.seen = seen;
        assert_int_equal(start(&bench), 0);
        assert_int_equal(bench.sink.seen, seen);
        push(&bench, 10, 128);
        finish(&bench, later());
        assert_string_equal(bench.kept.order, "toswc");
    }
}

/* Without a format, a queue or a thread; of its hooks only one must be there. */
static void inline_output_is_the_workers(void **state)
{
    static struct bench bench;
    char name[] = "whatever";
    (void)state;
    bench = bench_of(&direct);
    bench.common.format = name;
    assert_int_equal(start(&bench), 0);
    assert_true(sink_is_inline(&bench.sink));
    assert_null(bench.sink.out.format);
    assert_false(bench.sink.seen);
    sink_reopen(&bench.sink);
    assert_true(pthread_equal(bench.kept.reopener, pthread_self()));
    counter_add(&bench.sink.shards[0].ledger.received, 3);
    counter_add(&bench.sink.shards[0].ledger.delivered, 3);
    struct ledger sum = finish(&bench, later());
    assert_int_equal(counter_get(&sum.delivered), 3);
    assert_string_equal(bench.kept.order, "orc");

    bench = bench_of(&bare);
    assert_int_equal(start(&bench), 0);
    sink_reopen(&bench.sink);
    finish(&bench, later());
    assert_string_equal(bench.kept.order, "");
}

static void blocks_for_ever_if_told(void **state)
{
    static const struct {
        const struct module *module;
        enum when_full when_full;
        uint64_t block_max_ns;
        bool blocks;
    } cases[] = {
        {&queued, WHEN_FULL_BLOCK, 0, true},        {&queued, WHEN_FULL_BLOCK, 1, false},
        {&queued, WHEN_FULL_DROP_NEWEST, 0, false}, {&queued, WHEN_FULL_DROP_OLDEST, 0, false},
        {&direct, WHEN_FULL_BLOCK, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct bench bench;
        bench = bench_of(cases[i].module);
        bench.common.when_full = (int)cases[i].when_full;
        bench.common.block_max_ns = cases[i].block_max_ns;
        assert_int_equal(start(&bench), 0);
        assert_int_equal(sink_blocks_for_ever(&bench.sink), cases[i].blocks);
        finish(&bench, later());
    }
}

/* --- what becomes of records ---------------------------------------------------------------- */

static void all_is_written_and_counted(void **state)
{
    static struct bench bench;
    (void)state;
    bench = bench_of(&queued);
    assert_int_equal(start(&bench), 0);
    for (int i = 0; i < 50; i++)
        push(&bench, 200, 128);
    struct ledger sum = finish(&bench, later());
    assert_int_equal(counter_get(&sum.received), 10000);
    assert_int_equal(counter_get(&sum.delivered), 10000);
    assert_int_equal(counter_get(&sum.bytes), 10000 * 128);
    assert_int_equal(bench.kept.written, 10000);
    assert_int_equal(atomic_load(&bench.kept.closed), 0);
}

/* All workers' counts, and the writer's behind them; and what is delivered has been received,
 * whoever says so first. */
static void ledger_is_of_all_shards(void **state)
{
    static struct bench bench;
    (void)state;
    bench = bench_of(&queued);
    assert_int_equal(start(&bench), 0);
    for (unsigned worker = 0; worker < WORKERS; worker++) {
        struct ledger *own = &bench.sink.shards[worker].ledger;
        counter_add(&own->received, 100 << (8 * worker));
        counter_add(&own->dropped[DROP_SHORT], 1 + worker);
        counter_add(&own->truncated, 10 + worker);
    }
    struct ledger sum = ledger_of(&bench);
    assert_int_equal(counter_get(&sum.received), 0x646464);
    assert_int_equal(counter_get(&sum.dropped[DROP_SHORT]), 6);
    assert_int_equal(counter_get(&sum.truncated), 33);
    assert_int_equal(ledger_waiting(&sum), 0x646464 - 6);
    sink_drain(&bench.sink);
    sink_finish(&bench.sink, later());
    sink_free(&bench.sink);
    sum = ledger_of(&bench); /* of one that is not open: nothing */
    assert_int_equal(counter_get(&sum.received), 0);

    bench = bench_of(&queued);
    assert_int_equal(start(&bench), 0);
    struct chunk *chunk = chunks_make(0, 0, 7, 128);
    queue_push(&bench.sink.queue, chunk);
    chunk_release(chunk);
    do
        sum = ledger_of(&bench);
    while (counter_get(&sum.delivered) < 7);
    assert_int_equal(counter_get(&bench.sink.shards[WORKERS].ledger.delivered), 7);
    assert_int_equal(counter_get(&sum.received), 7);
    finish(&bench, later());
}

/* The reader has gone: the rest, what is queued and what still comes is lost, and who asked is told
 * once. */
static void reader_that_leaves_is_told_of(void **state)
{
    static struct bench bench;
    (void)state;
    bench = bench_of(&queued);
    bench.kept.status = OUTPUT_CLOSED;
    bench.kept.writes = 5;
    bench.kept.held = true;
    assert_int_equal(start(&bench), 0);
    push(&bench, 200, 128);
    await(&bench.kept.calls, 1);
    push(&bench, 300, 128);
    assert_int_equal(atomic_load(&bench.kept.closed), 0);
    atomic_store(&bench.kept.held, false);
    await(&bench.kept.closed, 1);
    push(&bench, 400, 128);
    struct ledger sum = finish(&bench, later());
    assert_int_equal(counter_get(&sum.received), 900);
    assert_int_equal(counter_get(&sum.delivered), 5);
    assert_int_equal(counter_get(&sum.dropped[DROP_WRITE]), 895);
    assert_int_equal(atomic_load(&bench.kept.closed), 1);
    assert_string_equal(bench.kept.order, "toswc");
}

/* A failure costs the chunk; or where nobody would mend it, all. */
static void failure_costs_the_chunk_or_all(void **state)
{
    (void)state;
    for (int gives_up = 0; gives_up < 2; gives_up++) {
        static struct bench bench;
        bench = bench_of(&queued);
        bench.sink.out.gives_up = gives_up;
        bench.kept.status = OUTPUT_FAILED;
        bench.kept.writes = 5;
        assert_int_equal(start(&bench), 0);
        push(&bench, 200, 128);
        await(gives_up ? &bench.kept.closed : &bench.kept.calls, 1);
        push(&bench, 300, 128);
        struct ledger sum = finish(&bench, later());
        assert_int_equal(counter_get(&sum.delivered), gives_up ? 5 : 305);
        assert_int_equal(counter_get(&sum.dropped[DROP_WRITE]), gives_up ? 495 : 195);
        assert_int_equal(atomic_load(&bench.kept.closed), gives_up);
    }
}

/* Its queue is as large as the item says, and full when its writer is held up. */
static void full_queue_does_as_the_item_says(void **state)
{
    static const enum when_full policies[] = {WHEN_FULL_DROP_NEWEST, WHEN_FULL_DROP_OLDEST,
                                              WHEN_FULL_BLOCK};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        static struct bench bench;
        bench = bench_of(&queued);
        bench.common.when_full = (int)policies[i];
        bench.common.block_max_ns = CLOCK_MS_NS;
        bench.kept.held = true;
        assert_int_equal(start(&bench), 0);
        push(&bench, 400, 128);
        await(&bench.kept.calls, 1); /* that one is in its hand */
        for (int k = 0; k < 6; k++)
            push(&bench, 400, 128);
        assert_in_range(queue_bytes(&bench.sink.queue), QUEUE / 2, QUEUE);
        struct ledger sum = ledger_of(&bench);
        enum drop_reason reason = policies[i] == WHEN_FULL_DROP_OLDEST ? DROP_OLDEST : DROP_FULL;
        assert_in_range(counter_get(&sum.dropped[reason]), 3 * 400, 4 * 400);
        assert_int_equal(ledger_dropped(&sum), counter_get(&sum.dropped[reason]));
        atomic_store(&bench.kept.held, false);
        sum = finish(&bench, later());
        assert_int_equal(counter_get(&sum.received), 7 * 400);
        assert_int_equal(counter_get(&sum.delivered), bench.kept.written);
    }
}

/* --- reopening and ending ------------------------------------------------------------------- */

/* On its own thread, before the next record. */
static void reopens_on_its_thread(void **state)
{
    static struct bench bench;
    (void)state;
    bench = bench_of(&queued);
    assert_int_equal(start(&bench), 0);
    sink_reopen(&bench.sink);
    push(&bench, 10, 128);
    finish(&bench, later());
    assert_string_equal(bench.kept.order, "tosrwc");
    assert_false(pthread_equal(bench.kept.reopener, pthread_self()));
}

/* While one is held up, others drain. */
static void draining_does_not_wait(void **state)
{
    static struct bench slow, fast;
    (void)state;
    slow = fast = bench_of(&queued);
    slow.kept.held = true;
    assert_int_equal(start(&slow), 0);
    assert_int_equal(start(&fast), 0);
    push(&slow, 200, 128);
    await(&slow.kept.calls, 1);
    push(&slow, 100, 128);
    push(&fast, 300, 128);
    sink_drain(&slow.sink);
    sink_drain(&fast.sink);
    sink_finish(&fast.sink, later());
    assert_int_equal(fast.kept.written, 300);
    assert_int_equal(atomic_load(&slow.kept.calls), 1);
    atomic_store(&slow.kept.held, false);
    sink_finish(&slow.sink, later());
    assert_int_equal(slow.kept.written, 300);
    sink_free(&slow.sink);
    sink_free(&fast.sink);
    chunk_pool_free();
}

/* A write that is held up, or one that is tried again and again: what is not written by then is
 * counted, and the output is closed. */
static void deadline_ends_it(void **state)
{
    (void)state;
    for (int held = 0; held < 2; held++) {
        static struct bench bench;
        bench = bench_of(&queued);
        bench.kept.held = held;
        bench.kept.status = OUTPUT_RETRY;
        assert_int_equal(start(&bench), 0);
        push(&bench, 200, 128);
        await(&bench.kept.calls, 1);
        push(&bench, 300, 128);
        struct ledger sum = finish(&bench, clock_ns());
        assert_int_equal(counter_get(&sum.received), 500);
        assert_int_equal(counter_get(&sum.dropped[DROP_SHUTDOWN]), 500);
        assert_string_equal(bench.kept.order, "toswc");
        assert_int_equal(atomic_load(&bench.kept.closed), 0);
    }
}

static void zeroed_sink_is_freed(void **state)
{
    struct sink sink = {0};
    (void)state;
    sink_reopen(&sink);
    sink_drain(&sink);
    sink_finish(&sink, later());
    sink_free(&sink);
}

/* --- threads -------------------------------------------------------------------------------- */

struct pusher {
    pthread_t thread;
    struct sink *sink;
    unsigned worker;
};

enum { CHUNKS = 200 };

static void *push_many(void *arg)
{
    struct pusher *pusher = arg;
    struct ledger *own = &pusher->sink->shards[pusher->worker].ledger;
    for (unsigned i = 0; i < CHUNKS; i++) {
        struct chunk *chunk = chunks_make(pusher->worker, i * 100, 100, 128);
        counter_add(&own->received, 100);
        struct queue_loss loss = queue_push(&pusher->sink->queue, chunk);
        counter_add(&own->dropped[loss.reason], loss.records);
        chunk_release(chunk);
    }
    return NULL;
}

/* Who looks while workers and the writer count sees numbers that add up and never go back. */
static void ledger_adds_up_at_any_moment(void **state)
{
    static struct bench bench;
    struct pusher pushers[WORKERS];
    uint64_t received = 0, delivered = 0;
    unsigned workers = chunks_threads() < WORKERS ? chunks_threads() : WORKERS;
    (void)state;
    bench = bench_of(&queued);
    assert_int_equal(start(&bench), 0);
    for (unsigned i = 0; i < workers; i++) {
        pushers[i] = (struct pusher){.sink = &bench.sink, .worker = i};
        pthread_create(&pushers[i].thread, NULL, push_many, &pushers[i]);
    }
    while (delivered < (uint64_t)workers * CHUNKS * 100) {
        struct ledger sum = ledger_of(&bench);
        assert_true(counter_get(&sum.received) >= received);
        assert_true(counter_get(&sum.delivered) >= delivered);
        received = counter_get(&sum.received);
        delivered = counter_get(&sum.delivered);
        assert_true(received >= delivered + ledger_dropped(&sum));
        sched_yield();
    }
    for (unsigned i = 0; i < workers; i++)
        pthread_join(pushers[i].thread, NULL);
    struct ledger sum = finish(&bench, later());
    assert_int_equal(counter_get(&sum.received), delivered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_it_is_given),
        cmocka_unit_test(asks_for_its_format),
        cmocka_unit_test(unknown_format_opens_nothing),
        cmocka_unit_test(refusal_is_passed_on),
        cmocka_unit_test(without_memory_nothing_is_open),
        cmocka_unit_test(is_asked_in_order),
        cmocka_unit_test(inline_output_is_the_workers),
        cmocka_unit_test(blocks_for_ever_if_told),
        cmocka_unit_test(all_is_written_and_counted),
        cmocka_unit_test(ledger_is_of_all_shards),
        cmocka_unit_test(reader_that_leaves_is_told_of),
        cmocka_unit_test(failure_costs_the_chunk_or_all),
        cmocka_unit_test(full_queue_does_as_the_item_says),
        cmocka_unit_test(reopens_on_its_thread),
        cmocka_unit_test(draining_does_not_wait),
        cmocka_unit_test(deadline_ends_it),
        cmocka_unit_test(zeroed_sink_is_freed),
        cmocka_unit_test(ledger_adds_up_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
