/* The load of workers: what is served, or on its way, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "core/engine_state.h"
#include "failmalloc.h"
#include "in/connection.h"

static struct worker workers[2];
static struct engine engine = {.workers = workers, .worker_count = 2};

static void do_nothing(uv_async_t *wake)
{
    (void)wake;
}

static void looking_for_a_worker_is_no_load(void **state)
{
    (void)state;
    assert_ptr_equal(engine_pick_worker(&engine), &workers[0]);
    assert_ptr_equal(engine_pick_worker(&engine), &workers[0]);
    assert_int_equal(atomic_load(&workers[0].load), 0);
}

/* For want of memory: no load, no place and no descriptor stays behind. */
static void a_connection_that_fails_leaves_nothing_behind(void **state)
{
    struct error err;
    struct gate gate = {0};
    struct peer peer = peer_of_address((const uint8_t[16]){0x20, 1}, 1);
    struct connection_rules rules = {.gate = &gate};
    (void)state;
    assert_int_equal(gate_init(&gate, &(struct places_limits){.all = 8, .peer = 8}, &err), 0);
    int pair[2];
    char end;
    struct connection_ticket ticket = {.peer = &peer};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ticket.fd = pair[0];
    assert_int_equal(
        gate_admit(&gate, &peer.accounts, &workers[0], &ticket.place, &ticket.delay_ms), -1);
    failmalloc_start(1);
    assert_int_equal(connection_start(&rules, &workers[0], &ticket), -1);
    assert_true(failmalloc_stop());
    assert_int_equal(read(pair[1], &end, 1), 0);
    close(pair[1]);
    assert_int_equal(gate.places.used, 0);
    assert_int_equal(gate.places.book.sums, 0);
    assert_int_equal(atomic_load(&workers[0].load), 0);
    gate_free(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looking_for_a_worker_is_no_load),
        cmocka_unit_test(a_connection_that_fails_leaves_nothing_behind),
    };
    uv_loop_t *loop = &workers[0].loop;
    uv_loop_init(loop);
    uv_async_init(loop, &workers[0].wake, do_nothing);
    pthread_mutex_init(&workers[0].lock, NULL);
    workers[0].posts_tail = &workers[0].posts;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    uv_close((uv_handle_t *)&workers[0].wake, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return failed;
}
