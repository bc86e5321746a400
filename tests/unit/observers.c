/* A pipeline takes as many observers as a worker can keep in mind, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "core/pipeline.h"

extern const struct module output_null;
const struct module *const registry[] = {&output_null, NULL};

static atomic_uint collected;

static void collect(void *state, unsigned worker)
{
    (void)state, (void)worker;
    collected++;
}

static void see(void *state, unsigned worker, struct event *ev)
{
    (void)state, (void)worker, (void)ev;
}

/* What pipeline_new says; NULL when it makes one, which then lives and ends. */
static const char *make(size_t count, struct error *err)
{
    static const struct observer one = {.event = see, .collect = collect};
    struct observer observers[OBSERVERS_MAX + 1];
    struct config config;
    for (size_t i = 0; i <= OBSERVERS_MAX; i++)
        observers[i] = one;
    assert_int_equal(config_init(&config, err), 0);
    struct pipeline_options options = {.observers = observers, .observer_count = count};
    struct pipeline *pipeline = pipeline_new(&config, &options, err);
    bool made = pipeline != NULL;
    if (made)
        pipeline_abort(pipeline);
    pipeline_free(pipeline);
    config_free(&config);
    return made ? NULL : err->text;
}

static void test_most(void **state)
{
    struct error err = {0};
    (void)state;
    collected = 0;
    assert_null(make(OBSERVERS_MAX, &err));
    assert_int_equal(collected % OBSERVERS_MAX, 0); /* once for each worker, at its end */
    assert_true(collected > 0);
    assert_string_equal(make(OBSERVERS_MAX + 1, &err), "more than 32 observers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_most)};
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
