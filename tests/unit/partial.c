/* The budget for cut frames: who has to give back when it is used up. Peers and the worker are
 * fakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/peers.h"
#include "core/partial.h"
#include "core/worker_state.h"

enum { KB = 1024, BUDGET = 1024 * KB };

static struct worker worker;

static struct accounts user(uid_t uid, pid_t pid)
{
    return accounts_of_process(uid, pid, 1);
}

static void join(struct partial *p, struct partial_pool *pool, struct accounts peer)
{
    partial_init(p, pool, &worker, &peer);
}

/* Many small ones of one peer are more than a large one of another. */
static void the_peer_that_holds_most_goes(void **state)
{
    struct partial_pool pool;
    struct partial honest, hostile[16];
    unsigned evicted = 0;
    (void)state;
    assert_int_equal(partial_pool_init(&pool, BUDGET), 0);
    join(&honest, &pool, user(1, 1));
    assert_int_equal(partial_reserve(&honest, 256 * KB), 0);
    for (unsigned i = 0; i < 16; i++) { /* one process each */
        join(&hostile[i], &pool, user(2, (pid_t)(100 + i)));
        evicted += partial_reserve(&hostile[i], 64 * KB) < 0;
        assert_false(atomic_load(&honest.evicted));
    }
    for (unsigned i = 0; i < 16; i++)
        evicted += atomic_load(&hostile[i].evicted);
    assert_true(evicted >= 4);
    assert_true(atomic_load(&pool.total) <= BUDGET);
    for (unsigned i = 0; i < 16; i++)
        partial_destroy(&hostile[i]);
    partial_destroy(&honest);
    assert_int_equal(atomic_load(&pool.total), 0);
    partial_pool_destroy(&pool);
}

/* Of one peer's the largest; and of files, which are nobody's, too. */
static void of_one_peer_the_largest_goes(void **state)
{
    (void)state;
    for (int files = 0; files < 2; files++) {
        struct accounts peer = files ? (struct accounts){.count = 0} : user(2, 7);
        struct partial_pool pool;
        struct partial p[4];
        static const size_t sizes[] = {64 * KB, 512 * KB, 256 * KB, 256 * KB};
        assert_int_equal(partial_pool_init(&pool, BUDGET), 0);
        for (unsigned i = 0; i < 4; i++) {
            join(&p[i], &pool, peer);
            assert_int_equal(partial_reserve(&p[i], sizes[i]), 0);
            assert_int_equal(atomic_load(&p[1 % (i + 1)].evicted), i == 3);
        }
        assert_false(atomic_load(&p[0].evicted) || atomic_load(&p[2].evicted));
        for (unsigned i = 0; i < 4; i++)
            partial_destroy(&p[i]);
        partial_pool_destroy(&pool);
    }
}

/* Behind loopback there are programs without number, and each holds what it holds itself: not they
 * give something back, but a peer that holds more than any of them. */
static void programs_of_loopback_are_not_one(void **state)
{
    struct partial_pool pool;
    struct partial programs[7], remote[6];
    (void)state;
    assert_int_equal(partial_pool_init(&pool, 6 * BUDGET), 0);
    for (unsigned i = 0; i < 7; i++) {
        join(&programs[i], &pool, v4(0x7f000001 + i));
        assert_int_equal(partial_reserve(&programs[i], 512 * KB), 0);
    }
    for (unsigned i = 0; i < 6; i++) {
        join(&remote[i], &pool, v4(0xc0000201));
        (void)partial_reserve(&remote[i], 512 * KB);
    }
    for (unsigned i = 0; i < 7; i++) {
        assert_false(atomic_load(&programs[i].evicted));
        partial_destroy(&programs[i]);
    }
    for (unsigned i = 0; i < 6; i++)
        partial_destroy(&remote[i]);
    partial_pool_destroy(&pool);
}

static void do_nothing(uv_async_t *wake)
{
    (void)wake;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_peer_that_holds_most_goes),
        cmocka_unit_test(of_one_peer_the_largest_goes),
        cmocka_unit_test(programs_of_loopback_are_not_one),
    };
    uv_loop_init(&worker.loop);
    uv_async_init(&worker.loop, &worker.wake, do_nothing);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    uv_close((uv_handle_t *)&worker.wake, NULL);
    uv_run(&worker.loop, UV_RUN_DEFAULT);
    uv_loop_close(&worker.loop);
    return failed;
}
