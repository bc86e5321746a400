/* What items without a name of their own are called when a configuration follows another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/configs.h"

static struct config *read_outputs(const char *outputs)
{
    char text[512];
    struct config *made = config_new(&err);
    assert_non_null(made);
    snprintf(text, sizeof text, "outputs: [%s]\n", outputs);
    assert_int_equal(config_parse(made, text, strlen(text), "f", &err), 0);
    return made;
}

/* Has one list follow the other, and tells the names: a space behind each. */
static const char *names_after(const char *before, const char *after)
{
    static char said[512];
    char name[CONFIG_NAME_MAX + 1];
    struct config *was = read_outputs(before), *is = read_outputs(after);
    said[0] = '\0';
    assert_int_equal(
        config_call(is->outputs, is->output_count, was->outputs, was->output_count, &err), 0);
    assert_int_equal(config_check_names(is->outputs, is->output_count, &err), 0);
    for (size_t i = 0; i < is->output_count; i++) {
        strcat(said, config_name(is->outputs, i, name));
        strcat(said, " ");
    }
    config_release(was);
    config_release(is);
    return said;
}

#define A "file: {path: a}"
#define B "file: {path: b}"
#define C "file: {path: c}"

static const struct {
    const char *before, *after, *names;
} cases[] = {
    {A, A, "file "},
    {A, B, "file "},
    {A "," B, A "," B, "file file#2 "},
    {A "," B, B "," A, "file#2 file "},
    {A "," B, B, "file#2 "},
    {A "," B, B "," C, "file#2 file "},
    {A "," B, C "," B, "file file#2 "},
    {A "," B, C "," A "," B, "file#3 file file#2 "},
    {B, A "," B "," C, "file#2 file file#3 "},
    {"'null', 'null'", "'null', 'null', 'null'", "null null#2 null#3 "},
    {"'null', 'null'", "stdout, 'null'", "stdout null "},
    {"", A "," B, "file file#2 "},
    {A "," B, "file: {path: c, name: file}", "file "},
    /* A given name goes before one that was carried over. */
    {A "," B, A ", file: {path: c, name: x}," B, "file x file#2 "},
    {"file: {path: a, name: x}", A, "file "},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(names_after(cases[i].before, cases[i].after), cases[i].names);
}

/* What was called so at one change is called so at the next, too. */
static void test_again(void **state)
{
    char name[CONFIG_NAME_MAX + 1];
    const char *const lists[] = {A "," B "," C, B "," C, C, A "," C};
    struct config *running = read_outputs(lists[0]);
    (void)state;
    for (size_t i = 1; i < sizeof lists / sizeof *lists; i++) {
        struct config *next = read_outputs(lists[i]);
        assert_int_equal(config_call(next->outputs, next->output_count, running->outputs,
                                     running->output_count, &err),
                         0);
        config_release(running);
        running = next;
    }
    assert_string_equal(config_name(running->outputs, 0, name), "file");
    assert_string_equal(config_name(running->outputs, 1, name), "file#3");
    config_release(running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_names), CASE(test_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
