/* A configuration that is read from texts, and refused with an error: for tests of it, which have
 * the modules of modules.h as their registry. cmocka's headers stand before this. */
#ifndef TESTS_SUPPORT_CONFIGS_H
#define TESTS_SUPPORT_CONFIGS_H

#include <stdio.h>

#include "conf/config.h"
#include "core/output.h"
#include "modules.h"

static struct config config;
static struct error err;

static int set_up(void **state)
{
    (void)state;
    err = (struct error){0};
    return config_init(&config, &err);
}

static int tear_down(void **state)
{
    (void)state;
    config_free(&config);
    config_free(&config); /* a second time does nothing */
    config_free(NULL);
    return 0;
}

static inline const struct output_common *common_of(size_t output)
{
    return config.outputs[output].common;
}

static int read_text(const char *text, size_t len)
{
    config_free(&config);
    assert_int_equal(config_init(&config, &err), 0);
    return config_parse(&config, text, len, "f", &err);
}

static int parse(const char *text, size_t len)
{
    return read_text(text, len) || config_validate(&config, &err) ? -1 : 0;
}

static inline void accept_text(const char *text)
{
    char line[1024];
    if (parse(text, strlen(text)))
        fail_msg("%s\n%s", text, error_line(&err, line, sizeof line));
}

static inline void refuse_bytes(const char *text, size_t len, const char *expected)
{
    char line[1024];
    assert_int_equal(parse(text, len), -1);
    assert_string_equal(error_line(&err, line, sizeof line), expected);
}

static inline void refuse(const char *text, const char *expected)
{
    refuse_bytes(text, strlen(text), expected);
}

static inline const struct wire *wire_of(size_t input)
{
    return config.inputs[input].options;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
