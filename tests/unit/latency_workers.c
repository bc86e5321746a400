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

static void workers_share_what_they_heard(void **state)
{
    (void)state;
    struct worker workers[16];
    unsigned count = chunks_threads(), each = (unsigned)share_of(20000);
    pthread_barrier_t asked;
    /* Twice as many entries, lest a shard that gets more than its share has to forget. */
    void *stage = open_stage((uint64_t)count * each * 2 + 65536, count);
    pthread_barrier_init(&asked, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){
            .stage = stage, .asked = &asked, .index = i, .count = count, .each = each};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    unsigned matches = 0;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        matches += workers[i].matches;
    }
    assert_int_equal(matches, count * each);
    pthread_barrier_destroy(&asked);
    hooks()->close(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(workers_share_what_they_heard)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
