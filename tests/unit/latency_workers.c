/* Stage `latency` with several workers: what one of them heard asked, another one hears answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "../support/chunks.h"
#include "../support/latency_stage.h"
#include "../support/share.h"

enum { ROOM = 64 };

struct worker {
    pthread_t thread;
    void *stage;
    pthread_barrier_t *asked;
    unsigned index, count, each;
    unsigned matches;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    for (unsigned i = 0; i < worker->each; i++)
        feed_by(worker->stage, worker->index,
                numbered(query(100 * SECOND), worker->index * worker->each + i));
    pthread_barrier_wait(worker->asked);
    unsigned neighbour = (worker->index + 1) % worker->count;
    for (unsigned i = 0; i < worker->each; i++)
        worker->matches +=
            feed_by(worker->stage, worker->index,
                    numbered(response(101 * SECOND), neighbour * worker->each + i)) == SECOND;
    return NULL;
}

/* How many matches there are for each that a worker does. */
static double share_work(void *(*start)(void *))
{
    struct worker workers[16];
    unsigned count = chunks_threads(), each = (unsigned)share_of(20000);
    pthread_barrier_t asked;
    /* More entries than are needed, lest a shard or a line that gets more than its share has to
     * forget. */
    void *stage = open_stage((uint64_t)count * each * ROOM + 65536, count);
    pthread_barrier_init(&asked, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){
            .stage = stage, .asked = &asked, .index = i, .count = count, .each = each};
        pthread_create(&workers[i].thread, NULL, start, &workers[i]);
    }
    unsigned matches = 0;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        matches += workers[i].matches;
    }
    pthread_barrier_destroy(&asked);
    hooks()->close(stage);
    return (double)matches / (count * each);
}

static void workers_share_what_they_heard(void **state)
{
    (void)state;
    assert_true(share_work(work) == 1);
}

static unsigned context_of(struct worker *worker, enum dnstap_message_type type, int64_t ns,
                           unsigned number)
{
    static const struct origin connection = {.id = 1};
    uint8_t wire[NUMBERED_NAME];
    struct event ev = about(message(type, ns), wire, number);
    ev.origin = &connection;
    if (type == DNSTAP_CLIENT_RESPONSE) {
        ev.tap.has |= DNSTAP_HAS_QUERY_SEC;
        ev.tap.query_sec = (uint64_t)(ns / SECOND - 1);
    }
    hooks()->event(worker->stage, worker->index, &ev);
    return ev.context;
}

static void *ask_others(void *arg)
{
    struct worker *worker = arg;
    unsigned first = worker->index * worker->each;
    context_of(worker, DNSTAP_CLIENT_QUERY, 100 * SECOND, 0);
    for (unsigned i = 0; i < worker->each; i++)
        context_of(worker, DNSTAP_RESOLVER_QUERY, 100 * SECOND, first + i);
    pthread_barrier_wait(worker->asked);
    first = (worker->index + 1) % worker->count * worker->each;
    for (unsigned i = 0; i < worker->each; i++) {
        worker->matches +=
            context_of(worker, DNSTAP_RESOLVER_QUERY, 101 * SECOND, first + i) == CONTEXT_AGAIN;
        context_of(worker, DNSTAP_RESOLVER_RESPONSE, 101 * SECOND, first + i);
        worker->matches +=
            context_of(worker, DNSTAP_CLIENT_RESPONSE, 101 * SECOND, first + i) == CONTEXT_FETCHED;
    }
    return NULL;
}

static void workers_share_whom_others_asked(void **state)
{
    (void)state;
    assert_true(share_work(ask_others) > 1.97); /* some names are pushed out, as hashes fall */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(workers_share_what_they_heard),
                                       cmocka_unit_test(workers_share_whom_others_asked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
