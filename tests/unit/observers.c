/* An engine takes as many observers as a worker can keep in mind, and no more; one of them may say
 * by which key events are hashed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/log.h"
#include "core/engine.h"

extern const struct module input_file, output_null;
const struct module *const registry[] = {&input_file, &output_null, NULL};

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

/* What engine_new says; NULL when it makes one, which then lives and ends. */
static const char *make(size_t count, struct error *err)
{
    static const struct observer one = {.event = see, .collect = collect};
    struct observer observers[OBSERVERS_MAX + 1];
    struct config config;
    for (size_t i = 0; i <= OBSERVERS_MAX; i++)
        observers[i] = one;
    assert_int_equal(config_init(&config, err), 0);
    struct engine_options options = {.observers = observers, .observer_count = count};
    struct engine *engine = engine_new(&config, &options, err);
    bool made = engine != NULL;
    if (made)
        engine_abort(engine);
    engine_free(engine);
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

/* What an observer has seen. */
struct seen {
    struct siphash_key key;
    unsigned events, hashed;
};

static void see_key(void *state, unsigned worker, struct event *ev)
{
    struct seen *seen = state;
    (void)worker;
    assert_true(seen->events == 0 || memcmp(&seen->key, ev->key, sizeof seen->key) == 0);
    seen->key = *ev->key;
    seen->events++;
    seen->hashed += event_need(ev, FACET_HASHES) == 0;
}

/* Runs some events of a real server by observers, of which the second has that key or none. */
static struct seen run_with(const struct siphash_key *key)
{
    struct seen seen = {.events = 0};
    struct observer observers[] = {{.event = see}, {.state = &seen, .key = key, .event = see_key}};
    struct config config;
    struct error err;
    assert_int_equal(config_init(&config, &err), 0);
    config.settings.threads = 1;
    struct config_item *input = config_add(&config, MODULE_INPUT, "file", &err);
    assert_non_null(input);
    assert_int_equal(config_set(input, "path", "tests/data/captures/unbound.fstrm.xz", &err), 0);
    assert_non_null(config_add(&config, MODULE_OUTPUT, "null", &err));
    struct engine_options options = {.observers = observers, .observer_count = 2};
    struct engine *engine = engine_new(&config, &options, &err);
    assert_non_null(engine);
    assert_int_equal(engine_run(engine), ENGINE_DONE);
    engine_free(engine);
    config_free(&config);
    assert_true(seen.events > 0 && seen.hashed == seen.events);
    return seen;
}

static void test_key(void **state)
{
    (void)state;
    const struct siphash_key key = {{0x0123456789abcdef, 0xfedcba9876543210}};
    struct seen told = run_with(&key), once = run_with(NULL), again = run_with(NULL);
    assert_memory_equal(&told.key, &key, sizeof key);
    assert_memory_not_equal(&once.key, &again.key, sizeof key); /* nobody can know it */
    assert_int_equal(once.events, told.events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_most), cmocka_unit_test(test_key)};
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
