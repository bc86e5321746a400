/* The writer thread: what becomes of every record, whatever the output says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "../support/chunks.h"
#include "base/clock.h"
#include "core/writer.h"

/* What the scripted output answers to one call of `write`. */
struct step {
    enum output_status status;
    uint32_t records; /* written, at most, by this call */
    uint64_t lost;    /* of those before */
};

/* An output that plays a script, then takes everything. Read by the main thread when the writer has
 * been joined, but for the atomics. */
struct script {
    const struct step *steps;
    unsigned count, at;
    uint64_t written;
    unsigned next_serial;
    unsigned disorder;
    unsigned ticks, closes, reopens;
    atomic_uint calls;
    atomic_uint closed_calls;
    atomic_uint rotations;
    int fd; /* of the pipe outputs */
};

static enum output_status script_write(struct output *out, const struct chunk *chunk,
                                       uint32_t first, uint32_t *done)
{
    struct script *script = out->state;
    struct step step = {OUTPUT_OK, UINT32_MAX};
    if (script->at < script->count)
        step = script->steps[script->at++];
    out->lost += step.lost;
    uint32_t left = chunk->records - first;
    uint32_t records = step.records < left ? step.records : left;
    for (uint32_t i = 0; i < records; i++) {
        unsigned maker, serial;
        chunks_read(chunk, first + i, &maker, &serial);
        script->disorder += serial != script->next_serial;
        script->next_serial = serial + 1;
    }
    script->written += records;
    *done = first + records;
    atomic_fetch_add(&script->calls, 1);
    return step.status;
}

static enum output_status always_retry(struct output *out, const struct chunk *chunk,
                                       uint32_t first, uint32_t *done)
{
    struct script *script = out->state;
    (void)chunk;
    *done = first;
    atomic_fetch_add(&script->calls, 1);
    return OUTPUT_RETRY;
}

/* Writes to a pipe that nobody reads: blocks for ever when it is full. */
static enum output_status pipe_write(struct output *out, const struct chunk *chunk, uint32_t first,
                                     uint32_t *done)
{
    struct script *script = out->state;
    size_t at = chunk_start(chunk, first), end = chunk_len(chunk);
    atomic_fetch_add(&script->calls, 1);
    while (at < end && !atomic_load(&out->interrupted)) {
        ssize_t wrote = write(script->fd, chunk->bytes.data + at, end - at);
        if (wrote > 0)
            at += (size_t)wrote;
        else if (errno != EINTR)
            return OUTPUT_FAILED;
    }
    while (first < chunk->records && chunk->ends[first] <= at)
        first++;
    *done = first;
    return first == chunk->records ? OUTPUT_OK : OUTPUT_RETRY;
}

static void script_tick(struct output *out)
{
    ((struct script *)out->state)->ticks++;
}

static void script_reopen(struct output *out)
{
    ((struct script *)out->state)->reopens++;
}

static void script_rotate(struct output *out)
{
    atomic_fetch_add(&((struct script *)out->state)->rotations, 1);
}

static void script_close(struct output *out)
{
    ((struct script *)out->state)->closes++;
}

static void on_closed(void *arg)
{
    atomic_fetch_add(&((struct script *)arg)->closed_calls, 1);
}

/* One writer over one scripted output. */
struct bench {
    struct script script;
    struct output_hooks hooks;
    struct output out;
    struct queue queue;
    struct ledger ledger;
    struct writer writer;
};

static void bench_start(struct bench *bench, const struct step *steps, unsigned count,
                        enum output_status (*write)(struct output *, const struct chunk *, uint32_t,
                                                    uint32_t *))
{
    struct output_common common = {.when_full = WHEN_FULL_BLOCK, .queue_bytes = 1 << 20};
    struct error err;
    *bench = (struct bench){
        .script = {.steps = steps, .count = count, .fd = -1},
        .hooks = {.write = write,
                  .tick = script_tick,
                  .reopen = script_reopen,
                  .rotate = script_rotate,
                  .close = script_close},
        .out = {.name = "test"},
    };
    bench->out.hooks = &bench->hooks;
    bench->out.state = &bench->script;
    assert_int_equal(queue_init(&bench->queue, &common), 0);
    assert_int_equal(writer_start(&bench->writer, &bench->out, &bench->queue, &bench->ledger,
                                  on_closed, &bench->script, &err),
                     0);
}

static void bench_push(struct bench *bench, unsigned serial, unsigned records)
{
    struct chunk *chunk = chunks_make(0, serial, records, 128);
    struct queue_loss loss = queue_push(&bench->queue, chunk);
    counter_add(&bench->ledger.received, records);
    counter_add_shared(&bench->ledger.dropped[loss.reason], loss.records);
    chunk_release(chunk);
}

/* Finishes, and checks that every record is accounted for and that the output was closed once. */
static void bench_end(struct bench *bench, uint64_t deadline_ns)
{
    writer_finish(&bench->writer, deadline_ns);
    writer_free(&bench->writer);
    queue_free(&bench->queue);
    chunk_pool_free();
    assert_int_equal(bench->script.closes, 1);
    assert_int_equal(counter_get(&bench->ledger.received),
                     counter_get(&bench->ledger.delivered) + counter_get(&bench->ledger.filtered) +
                         ledger_dropped(&bench->ledger));
}

static uint64_t later(void)
{
    return clock_after(60 * CLOCK_SECOND_NS);
}

static void await_calls(struct bench *bench, unsigned calls)
{
    while (atomic_load(&bench->script.calls) < calls)
        sched_yield();
}

static void delivers_and_counts(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, NULL, 0, script_write);
    for (unsigned i = 0; i < 50; i++)
        bench_push(&bench, i * 200, 200);
    bench_end(&bench, later());
    assert_int_equal(counter_get(&bench.ledger.delivered), 10000);
    assert_int_equal(counter_get(&bench.ledger.bytes), 10000 * 128);
    assert_int_equal(bench.script.written, 10000);
    assert_int_equal(bench.script.disorder, 0);
    assert_true(bench.script.ticks >= 1);
}

/* Parts written before and between retries are neither lost nor repeated. */
static void retries_where_it_stopped(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {OUTPUT_RETRY, 0}, {OUTPUT_RETRY, 7}, {OUTPUT_RETRY, 0}, {OUTPUT_OK, 3}, {OUTPUT_RETRY, 1},
    };
    struct bench bench;
    bench_start(&bench, steps, 5, script_write);
    bench_push(&bench, 0, 200);
    bench_end(&bench, later());
    assert_int_equal(counter_get(&bench.ledger.delivered), 200);
    assert_int_equal(counter_get(&bench.ledger.bytes), 200 * 128);
    assert_int_equal(bench.script.disorder, 0);
    assert_int_equal(bench.script.calls, 6);
}

/* What the output leaves out is no loss, and no byte of it counts. */
static void left_out_is_filtered(void **state)
{
    (void)state;
    static const struct step steps[] = {{OUTPUT_OK, 30}, {OUTPUT_FILTERED, 100}};
    struct bench bench;
    bench_start(&bench, steps, 2, script_write);
    bench_push(&bench, 0, 200);
    bench_end(&bench, later());
    assert_int_equal(counter_get(&bench.ledger.delivered), 100);
    assert_int_equal(counter_get(&bench.ledger.filtered), 100);
    assert_int_equal(counter_get(&bench.ledger.bytes), 100 * 128);
    assert_int_equal(ledger_dropped(&bench.ledger), 0);
}

static void failure_costs_the_rest_of_the_chunk(void **state)
{
    (void)state;
    static const struct step steps[] = {{OUTPUT_FAILED, 5}};
    struct bench bench;
    bench_start(&bench, steps, 1, script_write);
    bench_push(&bench, 0, 200);
    await_calls(&bench, 1);
    bench_push(&bench, 200, 200);
    bench_end(&bench, later());
    assert_int_equal(counter_get(&bench.ledger.delivered), 205);
    assert_int_equal(counter_get(&bench.ledger.dropped[DROP_WRITE]), 195);
}

/* What was delivered and turns out to be gone is taken off what comes next, or of the sum. */
static void lost_records_are_dropped(void **state)
{
    (void)state;
    static const struct step steps[] = {{OUTPUT_OK, 100}, {OUTPUT_OK, 10, 30}, {OUTPUT_OK, 5, 50}};
    struct bench bench;
    bench_start(&bench, steps, 3, script_write);
    bench_push(&bench, 0, 100);
    bench_push(&bench, 100, 10);
    await_calls(&bench, 2);
    bench_push(&bench, 110, 5);
    bench_end(&bench, later());
    assert_int_equal(bench.script.written, 115);
    assert_int_equal(counter_get(&bench.ledger.delivered), 35);
    assert_int_equal(counter_get(&bench.ledger.dropped[DROP_WRITE]), 80);
}

static void closed_output_takes_nothing_more(void **state)
{
    (void)state;
    static const struct step steps[] = {{OUTPUT_CLOSED, 5}};
    struct bench bench;
    bench_start(&bench, steps, 1, script_write);
    bench_push(&bench, 0, 200);
    while (!atomic_load(&bench.script.closed_calls))
        sched_yield();
    bench_push(&bench, 200, 200);
    bench_end(&bench, later());
    assert_int_equal(counter_get(&bench.ledger.delivered), 5);
    assert_int_equal(counter_get(&bench.ledger.dropped[DROP_WRITE]), 395);
    assert_int_equal(bench.script.closed_calls, 1);
}

/* Of a command that does not wait for room on a disk. */
static void gives_up(void **state)
{
    static const struct step full[] = {{OUTPUT_RETRY, 5}, {OUTPUT_RETRY, 0}, {OUTPUT_OK, 100}};
    static const struct step broken[] = {{OUTPUT_FAILED, 5}, {OUTPUT_OK, 100}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bench bench;
        bench_start(&bench, i ? broken : full, i ? 2 : 3, script_write);
        bench.out.gives_up = true;
        bench_push(&bench, 0, 200);
        while (!atomic_load(&bench.script.closed_calls))
            sched_yield();
        assert_true(bench.writer.gave_up);
        bench_push(&bench, 200, 200);
        bench_end(&bench, later());
        assert_int_equal(counter_get(&bench.ledger.delivered), 5);
        assert_int_equal(counter_get(&bench.ledger.dropped[DROP_WRITE]), 395);
        assert_int_equal(bench.script.closed_calls, 1);
    }
}

static void reopens_on_request(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, NULL, 0, script_write);
    writer_reopen(&bench.writer);
    bench_push(&bench, 0, 10); /* a write asks for what is due first: so it is due by then */
    bench_end(&bench, later());
    assert_int_equal(bench.script.reopens, 1);
    assert_int_equal(counter_get(&bench.ledger.delivered), 10);
}

/* Has it rotate, and waits until it has: by then it has seen what was asked of it before. */
static void rotate(struct bench *bench)
{
    unsigned before = atomic_load(&bench->script.rotations);
    writer_rotate(&bench->writer);
    while (atomic_load(&bench->script.rotations) == before)
        sched_yield();
}

static void pauses_and_goes_on(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, NULL, 0, script_write);
    writer_pause(&bench.writer, true);
    rotate(&bench);
    bench_push(&bench, 0, 10);
    queue_wake(&bench.queue);
    rotate(&bench);
    assert_int_equal(atomic_load(&bench.script.calls), 0);
    writer_pause(&bench.writer, false);
    await_calls(&bench, 1);
    bench_end(&bench, later());
    assert_int_equal(counter_get(&bench.ledger.delivered), 10);
}

static void the_end_ends_a_pause(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, NULL, 0, script_write);
    writer_pause(&bench.writer, true);
    rotate(&bench);
    bench_push(&bench, 0, 10);
    writer_drain(&bench.writer);
    writer_pause(&bench.writer, true); /* which comes too late */
    bench_end(&bench, later());
    assert_int_equal(counter_get(&bench.ledger.delivered), 10);
}

static void deadline_ends_a_back_off(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, NULL, 0, always_retry);
    bench_push(&bench, 0, 200);
    bench_push(&bench, 200, 200);
    await_calls(&bench, 2);
    bench_end(&bench, clock_ns());
    assert_int_equal(counter_get(&bench.ledger.dropped[DROP_SHUTDOWN]), 400);
}

/* Reads what is left in a pipe: whole lines are records that arrived. */
static unsigned count_lines(int fd)
{
    char bytes[4096];
    unsigned lines = 0;
    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;)
        for (ssize_t i = 0; i < got; i++)
            lines += bytes[i] == '\n';
    return lines;
}

static void deadline_interrupts_a_blocking_write(void **state)
{
    (void)state;
    struct bench bench;
    int ends[2];
    bench_start(&bench, NULL, 0, pipe_write);
    assert_int_equal(pipe(ends), 0);
    bench.script.fd = ends[1];
    for (unsigned i = 0; i < 5; i++)
        bench_push(&bench, i * 500, 500); /* more than any pipe holds by default */
    await_calls(&bench, 1);
    bench_end(&bench, clock_ns());
    close(ends[1]);
    uint64_t delivered = counter_get(&bench.ledger.delivered);
    assert_int_equal(count_lines(ends[0]), delivered);
    assert_true(delivered < 2500);
    assert_int_equal(counter_get(&bench.ledger.dropped[DROP_SHUTDOWN]), 2500 - delivered);
    close(ends[0]);
}

static void *push_many(void *arg)
{
    struct bench *bench = arg;
    for (unsigned i = 0; i < 100; i++)
        bench_push(bench, i * 500, 500); /* a queue of 1 MiB blocks on the way */
    return NULL;
}

static void abandon_frees_blocked_workers(void **state)
{
    (void)state;
    struct bench bench;
    pthread_t worker;
    bench_start(&bench, NULL, 0, always_retry);
    pthread_create(&worker, NULL, push_many, &bench);
    await_calls(&bench, 1);
    writer_abandon(&bench.writer);
    pthread_join(worker, NULL);
    bench_end(&bench, later());
    assert_int_equal(counter_get(&bench.ledger.dropped[DROP_SHUTDOWN]), 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_and_counts),
        cmocka_unit_test(retries_where_it_stopped),
        cmocka_unit_test(left_out_is_filtered),
        cmocka_unit_test(failure_costs_the_rest_of_the_chunk),
        cmocka_unit_test(lost_records_are_dropped),
        cmocka_unit_test(closed_output_takes_nothing_more),
        cmocka_unit_test(gives_up),
        cmocka_unit_test(reopens_on_request),
        cmocka_unit_test(pauses_and_goes_on),
        cmocka_unit_test(the_end_ends_a_pause),
        cmocka_unit_test(deadline_ends_a_back_off),
        cmocka_unit_test(deadline_interrupts_a_blocking_write),
        cmocka_unit_test(abandon_frees_blocked_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
