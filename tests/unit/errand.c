/* app/errand: what other threads have the main thread do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>

#include "app/errand.h"
#include "base/clock.h"

enum { PATIENCE_S = 60 };

/* A main thread that does errands, and another that has one. */
struct bench {
    uv_loop_t loop;
    struct errands errands;
    struct errands *asked; /* those, or another bench's */
    struct errand errand;
    unsigned calls;
    enum errand_state says;
    uint64_t until_ns;
    atomic_bool answered;
    int status;
    struct error err;
};

static struct bench *of(struct errand *errand)
{
    return (struct bench *)((char *)errand - offsetof(struct bench, errand));
}

static enum errand_state call(struct errand *errand)
{
    struct bench *b = of(errand);
    b->calls++;
    return b->says;
}

static void ask(void *arg)
{
    struct bench *b = arg;
    b->status = errands_do(b->asked, &b->errand, b->until_ns, &b->err);
    atomic_store(&b->answered, true);
}

static void begin(struct bench *b, enum errand_state says, uint64_t until_ns)
{
    *b = (struct bench){
        .asked = &b->errands, .errand.call = call, .says = says, .until_ns = until_ns, .status = 1};
    assert_int_equal(uv_loop_init(&b->loop), 0);
    errands_open(&b->errands, &b->loop);
}

static void end(struct bench *b)
{
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    errands_free(&b->errands);
}

static uint64_t patient(void)
{
    return clock_after(PATIENCE_S * CLOCK_SECOND_NS);
}

/* Has the main thread of `b` go on until the errand has been called so often. */
static void await_calls(struct bench *b, const struct bench *whose, unsigned calls)
{
    while (whose->calls < calls)
        uv_run(&b->loop, UV_RUN_ONCE);
}

/* Another thread asks: which one, once the main thread has been called for it. */
static uv_thread_t ask_elsewhere(struct bench *b)
{
    uv_thread_t thread;
    assert_int_equal(uv_thread_create(&thread, ask, b), 0);
    await_calls(b, b, 1);
    return thread;
}

static void is_done_by_the_main_thread(void **state)
{
    struct bench b;
    (void)state;
    begin(&b, ERRAND_DONE, patient());
    uv_thread_t thread = ask_elsewhere(&b);
    uv_thread_join(&thread);
    assert_int_equal(b.status, 0);
    assert_int_equal(b.calls, 1);
    errands_close(&b.errands);
    end(&b);
}

static void may_pend_until_it_is_settled(void **state)
{
    struct bench b;
    (void)state;
    begin(&b, ERRAND_PENDS, patient());
    uv_thread_t thread = ask_elsewhere(&b);
    errands_settle(&b.errands);
    uv_thread_join(&thread);
    assert_int_equal(b.status, 0);
    errands_settle(&b.errands); /* there is none any more */
    errands_close(&b.errands);
    end(&b);
}

/* They could not be done yet, and are called once more, each of them. */
static void all_that_wait_are_called_again(void **state)
{
    struct bench b, other;
    uv_thread_t threads[2];
    (void)state;
    begin(&b, ERRAND_WAITS, patient());
    other = (struct bench){
        .asked = &b.errands, .errand.call = call, .says = ERRAND_WAITS, .until_ns = patient()};
    threads[0] = ask_elsewhere(&b);
    assert_int_equal(uv_thread_create(&threads[1], ask, &other), 0);
    await_calls(&b, &other, 1);
    errands_settle(&b.errands); /* of these none has begun */
    b.says = ERRAND_PENDS;
    other.says = ERRAND_DONE;
    errands_again(&b.errands);
    await_calls(&b, &b, 2);
    await_calls(&b, &other, 2);
    uv_thread_join(&threads[1]);
    errands_settle(&b.errands);
    uv_thread_join(&threads[0]);
    assert_int_equal(b.status, 0);
    assert_int_equal(other.status, 0);
    errands_again(&b.errands); /* there is none any more */
    uv_run(&b.loop, UV_RUN_NOWAIT);
    assert_int_equal(b.calls + other.calls, 4);
    errands_close(&b.errands);
    end(&b);
}

/* Has an errand waited for in vain, for so long. False: that was too short for it to be called. */
static bool wait_in_vain(struct bench *b, enum errand_state says, uint64_t ns)
{
    uv_thread_t thread;
    begin(b, says, clock_after(ns));
    assert_int_equal(uv_thread_create(&thread, ask, b), 0);
    while (!atomic_load(&b->answered))
        uv_run(&b->loop, UV_RUN_NOWAIT);
    uv_thread_join(&thread);
    assert_int_equal(b->status, -1);
    errands_again(&b->errands);
    errands_settle(&b->errands); /* nobody knows it any more */
    uv_run(&b->loop, UV_RUN_NOWAIT);
    assert_true(b->calls < 2);
    errands_close(&b->errands);
    end(b);
    return b->calls == 1;
}

/* He is told whether it goes on without him. */
static void who_waits_in_vain_is_told_how_it_stands(void **state)
{
    struct bench b;
    uint64_t ns = CLOCK_SECOND_NS / 20;
    (void)state;
    while (!wait_in_vain(&b, ERRAND_WAITS, ns))
        ns *= 2;
    assert_non_null(strstr(b.err.text, "has not begun"));
    while (!wait_in_vain(&b, ERRAND_PENDS, ns))
        ns *= 2;
    assert_non_null(strstr(b.err.text, "goes on"));
}

static void waits_no_longer_than_it_may(void **state)
{
    struct bench b;
    (void)state;
    begin(&b, ERRAND_DONE, 0);
    ask(&b);
    assert_int_equal(b.status, -1);
    assert_non_null(strstr(b.err.text, "busy"));
    uv_run(&b.loop, UV_RUN_NOWAIT);
    assert_int_equal(b.calls, 0); /* it is forgotten */
    errands_close(&b.errands);
    end(&b);
}

/* Nobody waits for it, and it may be posted again. */
static void may_be_posted(void **state)
{
    struct bench b;
    (void)state;
    begin(&b, ERRAND_DONE, 0);
    errands_post(&b.errands, &b.errand);
    while (b.calls == 0)
        uv_run(&b.loop, UV_RUN_ONCE);
    errands_post(&b.errands, &b.errand);
    while (b.calls == 1)
        uv_run(&b.loop, UV_RUN_ONCE);
    errands_close(&b.errands);
    end(&b);
}

static void an_end_lets_go_who_waits(void **state)
{
    struct bench b;
    (void)state;
    begin(&b, ERRAND_PENDS, patient());
    uv_thread_t thread = ask_elsewhere(&b);
    errands_close(&b.errands);
    uv_thread_join(&thread);
    assert_int_equal(b.status, -1);
    ask(&b); /* who comes later, too */
    assert_int_equal(b.status, -1);
    assert_non_null(strstr(b.err.text, "about to end"));
    assert_int_equal(b.calls, 1);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_done_by_the_main_thread),
        cmocka_unit_test(may_pend_until_it_is_settled),
        cmocka_unit_test(all_that_wait_are_called_again),
        cmocka_unit_test(who_waits_in_vain_is_told_how_it_stands),
        cmocka_unit_test(waits_no_longer_than_it_may),
        cmocka_unit_test(may_be_posted),
        cmocka_unit_test(an_end_lets_go_who_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
