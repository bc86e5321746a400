/* The queue in front of an output: its bounds, its policies, its threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>

#include "../support/chunks.h"
#include "base/clock.h"
#include "core/queue.h"

enum {
    HALF = CHUNK_BYTES / 2 / 128, /* records of 128 bytes in a half-full chunk */
    COST = sizeof(struct chunk) + CHUNK_BYTES + CHUNK_HEADROOM,
    MAKERS_MAX = 16,
};

static struct queue queue_of(enum when_full when_full, uint64_t block_max_ns, size_t limit)
{
    struct queue queue;
    struct output_common common = {
        .when_full = when_full, .block_max_ns = block_max_ns, .queue_bytes = limit};
    assert_int_equal(queue_init(&queue, &common), 0);
    return queue;
}

static struct queue_loss push_new(struct queue *queue, unsigned serial, unsigned records)
{
    struct chunk *chunk = chunks_make(0, serial, records, 128);
    struct queue_loss loss = queue_push(queue, chunk);
    chunk_release(chunk);
    return loss;
}

/* Takes a chunk that must be there; returns its records and the first one's serial. */
static unsigned pop_one(struct queue *queue, unsigned *serial)
{
    struct chunk *chunk;
    unsigned maker;
    assert_int_equal(queue_pop(queue, 0, &chunk), QUEUE_CHUNK);
    chunks_read(chunk, 0, &maker, serial);
    unsigned records = chunk->records;
    chunk_release(chunk);
    return records;
}

static void pool_recycles(void **state)
{
    (void)state;
    struct chunk *first = chunks_make(0, 0, 3, 100);
    uint8_t *bytes = first->bytes.data;
    chunk_release(first);
    struct chunk *again = chunk_new();
    assert_ptr_equal(again, first);
    assert_ptr_equal(again->bytes.data, bytes);
    assert_int_equal(again->records, 0);
    assert_int_equal(again->bytes.len, 0);
    chunk_release(again);
    chunk_pool_free();
}

static void pool_drops_large_buffers(void **state)
{
    (void)state;
    struct chunk *chunk = chunk_new();
    assert_non_null(buf_reserve(&chunk->bytes, 8 * CHUNK_BYTES));
    chunk_release(chunk);
    chunk = chunk_new();
    assert_int_equal(chunk->bytes.cap, CHUNK_BYTES + CHUNK_HEADROOM);
    chunk_release(chunk);
}

static void keeps_order(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_BLOCK, 0, 4 * COST);
    unsigned serial;
    struct chunk *chunk;
    assert_int_equal(queue_pop(&queue, 0, &chunk), QUEUE_NOTHING);
    for (unsigned round = 0; round < 5; round++) { /* past the end of the ring, too */
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(push_new(&queue, i * HALF, HALF).records, 0);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(pop_one(&queue, &serial), HALF);
            assert_int_equal(serial, i * HALF);
        }
    }
    assert_int_equal(queue.bytes, 0);
    queue_free(&queue);
}

static void empty_chunk_is_nothing(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_BLOCK, 0, 4 * COST);
    struct chunk *chunk;
    push_new(&queue, 0, 0);
    assert_int_equal(queue_pop(&queue, 0, &chunk), QUEUE_NOTHING);
    queue_free(&queue);
}

static void drop_newest_drops_the_pushed(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_DROP_NEWEST, 0, 2 * COST);
    unsigned serial;
    push_new(&queue, 0, HALF);
    push_new(&queue, HALF, HALF);
    struct queue_loss loss = push_new(&queue, 2 * HALF, HALF);
    assert_int_equal(loss.records, HALF);
    assert_int_equal(loss.reason, DROP_FULL);
    pop_one(&queue, &serial);
    assert_int_equal(serial, 0);
    assert_int_equal(push_new(&queue, 3 * HALF, HALF).records, 0);
    pop_one(&queue, &serial);
    assert_int_equal(serial, HALF);
    pop_one(&queue, &serial);
    assert_int_equal(serial, 3 * HALF);
    queue_free(&queue);
}

static void drop_oldest_drops_the_first(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_DROP_OLDEST, 0, 2 * COST);
    unsigned serial;
    push_new(&queue, 0, HALF);
    push_new(&queue, HALF, HALF + 1);
    struct queue_loss loss = push_new(&queue, 3 * HALF, HALF);
    assert_int_equal(loss.records, HALF);
    assert_int_equal(loss.reason, DROP_OLDEST);
    assert_int_equal(pop_one(&queue, &serial), HALF + 1);
    assert_int_equal(serial, HALF);
    pop_one(&queue, &serial);
    assert_int_equal(serial, 3 * HALF);
    queue_free(&queue);
}

/* A record larger than the whole limit passes through an empty queue, and through no other. */
static void oversized_passes_when_empty(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_DROP_NEWEST, 0, 2 * COST);
    struct chunk *large = chunk_new();
    memset(buf_reserve(&large->bytes, 4 * COST), 'x', 4 * COST);
    large->bytes.len = 4 * COST;
    chunk_mark(large);
    unsigned serial;
    assert_int_equal(queue_push(&queue, large).records, 0);
    assert_int_equal(push_new(&queue, 0, HALF).reason, DROP_FULL);
    pop_one(&queue, &serial);
    push_new(&queue, 0, HALF);
    assert_int_equal(queue_push(&queue, large).records, 1);
    queue.when_full = WHEN_FULL_DROP_OLDEST;
    assert_int_equal(queue_push(&queue, large).records, HALF);
    assert_int_equal(queue.count, 1);
    chunk_release(large);
    queue_free(&queue);
}

/* A thousand chunks of one record each need no more room than their bytes. */
static void small_chunks_share(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_DROP_NEWEST, 0, 4 * COST);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(push_new(&queue, i, 1).records, 0);
    assert_true(queue.count <= 4);
    assert_true(queue.bytes <= queue.limit);
    struct chunk *chunk;
    unsigned seen = 0, maker, serial;
    while (queue_pop(&queue, 0, &chunk) == QUEUE_CHUNK) {
        for (uint32_t i = 0; i < chunk->records; i++, seen++) {
            chunks_read(chunk, i, &maker, &serial);
            assert_int_equal(serial, seen);
            assert_int_equal(chunk->ends[i] - chunk_start(chunk, i), 128);
        }
        chunk_release(chunk);
    }
    assert_int_equal(seen, 1000);
    queue_free(&queue);
}

/* What is shared with another output's queue is never written to. */
static void shared_chunk_stays_as_it_is(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_DROP_NEWEST, 0, 4 * COST);
    struct chunk *shared = chunks_make(0, 0, 2, 128);
    queue_push(&queue, shared);
    push_new(&queue, 2, 1);
    push_new(&queue, 3, 1);
    assert_int_equal(shared->records, 2);
    assert_int_equal(chunk_len(shared), 256);
    unsigned serial;
    assert_int_equal(pop_one(&queue, &serial), 2);
    assert_int_equal(pop_one(&queue, &serial), 2);
    assert_int_equal(serial, 2);
    /* The queue's own chunk is gone: the next small one must not be appended to it. */
    push_new(&queue, 4, 1);
    assert_int_equal(pop_one(&queue, &serial), 1);
    chunk_release(shared);
    queue_free(&queue);
}

static void block_waits_once_then_drops(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_BLOCK, 1000000, COST);
    unsigned serial;
    push_new(&queue, 0, HALF);
    struct queue_loss loss = push_new(&queue, HALF, HALF);
    assert_int_equal(loss.records, HALF);
    assert_int_equal(loss.reason, DROP_FULL);
    queue.block_max_ns = 0; /* would wait for ever, were the queue not stuck */
    assert_int_equal(push_new(&queue, 2 * HALF, HALF).records, HALF);
    pop_one(&queue, &serial);
    assert_false(queue.stuck);
    assert_int_equal(push_new(&queue, 3 * HALF, HALF).records, 0);
    queue_free(&queue);
}

static void close_drains_then_ends(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_BLOCK, 0, 4 * COST);
    struct chunk *chunk;
    unsigned serial;
    push_new(&queue, 0, HALF);
    queue_close(&queue);
    pop_one(&queue, &serial);
    assert_int_equal(queue_pop(&queue, UINT64_MAX, &chunk), QUEUE_END);
    queue_free(&queue);
}

static void abandon_counts_what_is_left(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_BLOCK, 0, 4 * COST);
    struct chunk *chunk;
    push_new(&queue, 0, HALF);
    push_new(&queue, HALF, 1);
    assert_int_equal(queue_abandon(&queue, DROP_WRITE), HALF + 1);
    assert_int_equal(queue_abandon(&queue, DROP_SHUTDOWN), 0);
    struct queue_loss loss = push_new(&queue, 0, 7);
    assert_int_equal(loss.records, 7);
    assert_int_equal(loss.reason, DROP_WRITE);
    assert_int_equal(queue_pop(&queue, UINT64_MAX, &chunk), QUEUE_END);
    queue_sleep(&queue, UINT64_MAX); /* returns at once */
    queue_free(&queue);
}

static void nudge_ends_one_wait(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_BLOCK, 0, 4 * COST);
    struct chunk *chunk;
    queue_nudge(&queue);
    assert_int_equal(queue_pop(&queue, UINT64_MAX, &chunk), QUEUE_NOTHING);
    queue_nudge(&queue);
    queue_sleep(&queue, UINT64_MAX);
    assert_false(queue.nudged);
    queue_free(&queue);
}

/* Threads. Nothing is asserted off the main thread: they bring home what they saw. */

struct maker {
    pthread_t thread;
    struct queue *queue;
    unsigned id, chunks, records; /* what it pushes */
    uint64_t lost[DROP_REASONS];
};

static void *make(void *arg)
{
    struct maker *maker = arg;
    for (unsigned i = 0; i < maker->chunks; i++) {
        /* Every third is small, so that the queue's own chunks meet those of others. */
        unsigned records = i % 3 ? maker->records : 1;
        struct chunk *chunk = chunks_make(maker->id, i * maker->records, records, 128);
        struct queue_loss loss = queue_push(maker->queue, chunk);
        maker->lost[loss.reason] += loss.records;
        chunk_release(chunk);
    }
    return NULL;
}

static void start_makers(struct maker *makers, unsigned count, struct queue *queue)
{
    for (unsigned i = 0; i < count; i++) {
        makers[i] = (struct maker){.queue = queue, .id = i, .chunks = 300, .records = HALF};
        pthread_create(&makers[i].thread, NULL, make, &makers[i]);
    }
}

static uint64_t made(unsigned makers)
{
    return makers * (100 + 200 * (uint64_t)HALF);
}

struct tally {
    uint64_t records;
    uint64_t disorder; /* records that came before an earlier one of the same maker */
};

static void *consume(void *arg)
{
    static _Thread_local unsigned next[MAKERS_MAX];
    struct queue *queue = arg;
    struct tally *tally = calloc(1, sizeof *tally);
    struct chunk *chunk;
    enum queue_state state;
    memset(next, 0, sizeof next);
    while ((state = queue_pop(queue, 1000000, &chunk)) != QUEUE_END) {
        for (uint32_t i = 0; state == QUEUE_CHUNK && i < chunk->records; i++) {
            unsigned maker, serial;
            chunks_read(chunk, i, &maker, &serial);
            tally->disorder += serial < next[maker];
            next[maker] = serial + 1;
            tally->records++;
        }
        if (state == QUEUE_CHUNK)
            chunk_release(chunk);
    }
    return tally;
}

/* Runs makers against a consumer; returns what came out, *lost what the pushes reported. */
static struct tally run_threads(struct queue *queue, uint64_t *lost, unsigned makers)
{
    struct maker maker[MAKERS_MAX];
    pthread_t consumer;
    void *result;
    start_makers(maker, makers, queue);
    pthread_create(&consumer, NULL, consume, queue);
    *lost = 0;
    for (unsigned i = 0; i < makers; i++) {
        pthread_join(maker[i].thread, NULL);
        for (int reason = 0; reason < DROP_REASONS; reason++)
            *lost += maker[i].lost[reason];
    }
    queue_close(queue);
    pthread_join(consumer, &result);
    struct tally tally = *(struct tally *)result;
    free(result);
    return tally;
}

static void threads_lose_nothing_when_blocking(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_BLOCK, 0, 3 * COST);
    unsigned makers = chunks_threads();
    uint64_t lost;
    struct tally tally = run_threads(&queue, &lost, makers);
    assert_int_equal(lost, 0);
    assert_int_equal(tally.records, made(makers));
    assert_int_equal(tally.disorder, 0);
    queue_free(&queue);
}

static void threads_count_every_loss(void **state)
{
    (void)state;
    static const enum when_full policies[] = {WHEN_FULL_DROP_NEWEST, WHEN_FULL_DROP_OLDEST};
    unsigned makers = chunks_threads();
    for (int i = 0; i < 2; i++) {
        struct queue queue = queue_of(policies[i], 0, 3 * COST);
        uint64_t lost;
        struct tally tally = run_threads(&queue, &lost, makers);
        assert_int_equal(tally.records + lost, made(makers));
        assert_int_equal(tally.disorder, 0);
        queue_free(&queue);
    }
}

static unsigned waiting(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    unsigned count = queue->waiting;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

static void abandon_wakes_producers(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_BLOCK, 0, COST);
    unsigned makers = chunks_threads();
    struct maker maker[MAKERS_MAX];
    uint64_t lost = 0;
    start_makers(maker, makers, &queue);
    while (waiting(&queue) < makers)
        sched_yield();
    uint64_t left = queue_abandon(&queue, DROP_SHUTDOWN);
    for (unsigned i = 0; i < makers; i++) {
        pthread_join(maker[i].thread, NULL);
        lost += maker[i].lost[DROP_SHUTDOWN];
    }
    assert_true(left > 0);
    assert_int_equal(lost + left, made(makers));
    queue_free(&queue);
}

static void *pop_for_ever(void *arg)
{
    struct chunk *chunk = NULL;
    queue_pop(arg, UINT64_MAX, &chunk);
    return chunk;
}

static void sleeping_consumer_is_hungry_and_woken(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_BLOCK, 0, COST);
    pthread_t consumer;
    void *chunk;
    assert_false(queue_hungry(&queue));
    pthread_create(&consumer, NULL, pop_for_ever, &queue);
    while (!queue_hungry(&queue))
        sched_yield();
    push_new(&queue, 0, 1);
    pthread_join(consumer, &chunk);
    assert_non_null(chunk);
    assert_false(queue_hungry(&queue));
    chunk_release(chunk);
    queue_free(&queue);
}

/* A full chunk alone does not wake the consumer. A large one behind it, which finds no room, must:
 * else it would wait for, or be dropped before, a consumer that has all the time in the world. */
static void full_queue_wakes_its_consumer(void **state)
{
    (void)state;
    struct queue queue = queue_of(WHEN_FULL_BLOCK, 5 * CLOCK_SECOND_NS, 2 * COST);
    pthread_t consumer;
    void *chunk;
    pthread_create(&consumer, NULL, pop_for_ever, &queue);
    while (!queue_hungry(&queue))
        sched_yield();
    push_new(&queue, 0, 2 * HALF);
    assert_int_equal(push_new(&queue, 2 * HALF, 8 * HALF).records, 0);
    pthread_join(consumer, &chunk);
    chunk_release(chunk);
    queue_free(&queue);
}

static int free_pool(void **state)
{
    (void)state;
    chunk_pool_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_recycles),
        cmocka_unit_test(pool_drops_large_buffers),
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(empty_chunk_is_nothing),
        cmocka_unit_test(drop_newest_drops_the_pushed),
        cmocka_unit_test(drop_oldest_drops_the_first),
        cmocka_unit_test(oversized_passes_when_empty),
        cmocka_unit_test(small_chunks_share),
        cmocka_unit_test(shared_chunk_stays_as_it_is),
        cmocka_unit_test(block_waits_once_then_drops),
        cmocka_unit_test(close_drains_then_ends),
        cmocka_unit_test(abandon_counts_what_is_left),
        cmocka_unit_test(nudge_ends_one_wait),
        cmocka_unit_test(threads_lose_nothing_when_blocking),
        cmocka_unit_test(threads_count_every_loss),
        cmocka_unit_test(abandon_wakes_producers),
        cmocka_unit_test(sleeping_consumer_is_hungry_and_woken),
        cmocka_unit_test(full_queue_wakes_its_consumer),
    };
    return cmocka_run_group_tests(tests, NULL, free_pool);
}
