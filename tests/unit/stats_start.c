/* How statistics start: all that other threads look at is there before these can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "../support/statistics.h"
#include "base/log.h"
#include "core/pipeline.h"

extern const struct module output_null;
const struct module *const registry[] = {&output_null, NULL};

/* Outputs look at the statistics from the moment when they are opened, and that is before the
 * statistics' thread starts and while it does (to be seen under ThreadSanitizer). */
struct early {
    struct stats *stats;
    atomic_bool looked; /* once, before the start */
    atomic_bool enough;
};

static void *look_early(void *arg)
{
    struct early *early = arg;
    while (!atomic_load(&early->enough)) {
        const struct stats_snapshot *latest = stats_take(early->stats);
        assert_true(latest->generation > 0);
        stats_release(latest);
        stats_release(stats_fresh(early->stats));
        assert_false(stats_stopped(early->stats));
        atomic_store(&early->looked, true);
    }
    return NULL;
}

static void test_looked_at_early(void **state)
{
    (void)state;
    struct config config;
    struct error err;
    assert_int_equal(config_init(&config, &err), 0);
    for (int i = 0; i < 20; i++) {
        struct early early = {.stats = new_stats(4 << 20, 2)};
        struct observer observer = stats_observer(early.stats);
        const struct pipeline_options options = {.observers = &observer, .observer_count = 1};
        pthread_t thread;
        assert_null(stats_fresh(early.stats)); /* nobody collects yet */
        assert_int_equal(pthread_create(&thread, NULL, look_early, &early), 0);
        while (!atomic_load(&early.looked))
            sched_yield();
        config.settings.threads = 2;
        struct pipeline *pipeline = pipeline_new(&config, &options, &err);
        assert_non_null(pipeline);
        assert_int_equal(stats_start(early.stats, pipeline, &err), 0);
        const struct stats_snapshot *fresh = stats_fresh(early.stats);
        assert_true(fresh->generation > 1);
        stats_release(fresh);
        atomic_store(&early.enough, true);
        pthread_join(thread, NULL);
        pipeline_abort(pipeline);
        stats_stop(early.stats);
        pipeline_free(pipeline);
        stats_free(early.stats);
    }
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_looked_at_early)};
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
