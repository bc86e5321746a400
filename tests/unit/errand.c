/* app/errand: what other threads have the main thread do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "app/errand.h"
#include "base/clock.h"

enum { PATIENCE_S = 60 };

/* A main thread that does errands, and another that has one. */
struct bench {
    uv_loop_t loop;
    struct errands errands;
    struct errand errand;
    unsigned calls;
    bool pends; /* `settle` is needed */
    uint64_t until_ns;
    int status;
    struct error err;
};

static struct bench *of(struct errand *errand)
{
    return (struct bench *)((char *)errand - offsetof(struct bench, errand));
}

static bool call(struct errand *errand)
{
    struct bench *b = of(errand);
    b->calls++;
    return !b->pends;
}

static void ask(void *arg)
{
    struct bench *b = arg;
    b->status = errands_do(&b->errands, &b->errand, b->until_ns, &b->err);
}

static void begin(struct bench *b, bool pends, uint64_t until_ns)
{
    *b = (struct bench){.errand.call = call, .pends = pends, .until_ns = until_ns, .status = 1};
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

/* Another thread asks: which one, once the main thread has been called for it. */
static uv_thread_t ask_elsewhere(struct bench *b)
{
    uv_thread_t thread;
    assert_int_equal(uv_thread_create(&thread, ask, b), 0);
    while (b->calls == 0)
        uv_run(&b->loop, UV_RUN_ONCE);
    return thread;
}

static void is_done_by_the_main_thread(void **state)
{
    struct bench b;
    (void)state;
    begin(&b, false, patient());
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
    begin(&b, true, patient());
    uv_thread_t thread = ask_elsewhere(&b);
    errands_settle(&b.errands);
    uv_thread_join(&thread);
    assert_int_equal(b.status, 0);
    errands_settle(&b.errands); /* there is none any more */
    errands_close(&b.errands);
    end(&b);
}

/* It could not be done yet, and is called once more. */
static void is_called_again(void **state)
{
    struct bench b;
    (void)state;
    begin(&b, true, patient());
    uv_thread_t thread = ask_elsewhere(&b);
    b.pends = false;
    errands_again(&b.errands);
    while (b.calls < 2)
        uv_run(&b.loop, UV_RUN_ONCE);
    uv_thread_join(&thread);
    assert_int_equal(b.status, 0);
    errands_again(&b.errands); /* there is none any more */
    uv_run(&b.loop, UV_RUN_NOWAIT);
    assert_int_equal(b.calls, 2);
    errands_close(&b.errands);
    end(&b);
}

static void waits_no_longer_than_it_may(void **state)
{
    struct bench b;
    (void)state;
    begin(&b, false, 0);
    ask(&b);
    assert_int_equal(b.status, -1);
    assert_non_null(strstr(b.err.text, "busy"));
    uv_run(&b.loop, UV_RUN_NOWAIT);
    assert_int_equal(b.calls, 0); /* it is forgotten */
    errands_close(&b.errands);
    end(&b);
}

/* Only what has begun goes on when nobody waits for it any more. */
static void is_told_whether_it_goes_on(void **state)
{
    (void)state;
    for (int begun = 0; begun <= 1; begun++) {
        struct bench b;
        begin(&b, true, 0);
        b.errand.begun = begun;
        ask(&b);
        assert_int_equal(b.status, -1);
        assert_non_null(strstr(b.err.text, begun ? "goes on" : "has not begun"));
        errands_close(&b.errands);
        end(&b);
    }
}

/* Nobody waits for it, and it may be posted again. */
static void may_be_posted(void **state)
{
    struct bench b;
    (void)state;
    begin(&b, false, 0);
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
    begin(&b, true, patient());
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
        cmocka_unit_test(is_called_again),
        cmocka_unit_test(waits_no_longer_than_it_may),
        cmocka_unit_test(is_told_whether_it_goes_on),
        cmocka_unit_test(may_be_posted),
        cmocka_unit_test(an_end_lets_go_who_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
