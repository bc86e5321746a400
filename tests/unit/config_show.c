/* A configuration as it is shown, and how one differs from another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../support/configs.h"
#include "conf/show.h"

static struct config other;
static struct buf text;

static int set_up_both(void **state)
{
    text.len = 0;
    return config_init(&other, &err) || set_up(state);
}

static int tear_down_both(void **state)
{
    config_free(&other);
    buf_free(&text);
    text = (struct buf){0};
    return tear_down(state);
}

static const char *taken(void)
{
    buf_byte(&text, '\0');
    assert_false(text.failed);
    return (const char *)text.data;
}

/* --- scalars -------------------------------------------------------------------------------- */

/* Whatever text an option has: what is shown is read as that text. */
static void test_scalars(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"a", "a"},
        {"/a/b-c_d.e+f", "/a/b-c_d.e+f"},
        {"a:b", "a:b"},
        {"a:", "'a:'"},
        {"a: b", "'a: b'"},
        {"", "''"},
        {"null", "'null'"},
        {"~", "'~'"},
        {"- a", "'- a'"},
        {"it's", "'it''s'"},
        {"$", "'$$'"},
        {"${A}", "'$${A}'"},
        {"a#b", "'a#b'"},
        {"*a", "'*a'"},
        {"\"\\", "'\"\\'"},
        {" a ", "' a '"},
        {"a\nb", "\"a\\u000ab\""},
        {"\t$\\\"", "\"\\u0009$$\\\\\\\"\""},
        {"\xc3\xa9", "\"\xc3\xa9\""},
        {"\xe2\x80\xa8", "\"\\u2028\""},
        {"\xf3\xa0\x81\xa1", "\"\\U000e0061\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf yaml = {0};
        text.len = 0;
        config_put_scalar(&text, span_str(cases[i].text));
        assert_string_equal(taken(), cases[i].shown);
        buf_printf(&yaml, "inputs: [tcp: {names: [%s, %s]}]\n", taken(), taken());
        assert_int_equal(read_text((const char *)yaml.data, yaml.len), 0);
        buf_free(&yaml);
        assert_int_equal(wire_of(0)->names.count, 2);
        assert_string_equal(wire_of(0)->names.items[1], cases[i].text);
    }
}

/* A list that was emptied stays empty, in a struct within another one, too. */
static void test_empty_list(void **state)
{
    static const struct option words[] = {
        {.name = "words", .type = OPTION_STRINGS, .fallback = "a,b"}, {0}};
    static const struct option group = {
        .type = OPTION_GROUP, .rows = words, .size = sizeof(struct option_strings)};
    const struct option_strings none = {0};
    (void)state;
    config_put_value(&text, &group, &none);
    assert_string_equal(taken(), "{words: []}");
}

/* --- show ----------------------------------------------------------------------------------- */

static void test_show(void **state)
{
    static const char *const wanted[] = {
        "threads: 2\n",
        "shutdown-time: 5s\n", /* a default */
        "\ninputs:\n  - tcp:\n      listen: 127.0.0.1:6000\n      allow: []\n      names: [a, 'b "
        "c']\n"
        "      count: 3\n      size: 64K\n      time: off\n      loud: false\n      colour: green\n"
        "      tls: {cert: /c, key: '***', strict: true}\n"
        "      neighbours: [{address: b:1, distance: 1}, {address: '[::1]:2', distance: 0, "
        "seal: {cert: d, strict: true}}]\n"
        "      name: first\n  - unix:\n      path: /x\n      mode: 0660\n",
        "\nstages: []\noutputs:\n  - 'null':\n",
        "\ndoor:\n  key: '***'\n  locks: 1\n  open: false\n",
    };
    (void)state;
    accept_text(
        "threads: 2\ndoor: {key: secret}\noutputs: ['null': {}]\ninputs:\n"
        "- tcp: {allow: [], names: [a, b c], tls: {cert: /c, key: secret}, name: first, "
        "neighbours: [{address: 'b:1'}, {address: '[::1]:2', distance: 0, seal: {cert: d}}]}\n"
        "- unix: {path: /x}\n");
    config_show(&config, &text);
    const char *shown = taken();
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (!strstr(shown, wanted[i]))
            fail_msg("%s\nlacks\n%s", shown, wanted[i]);
    }
    assert_null(strstr(shown, "secret"));
    assert_int_equal(config_parse(&other, shown, strlen(shown), "f", &err), -1);
    assert_non_null(strstr(err.text, "in the place of a secret"));
    for (char *hidden; (hidden = strstr((char *)text.data, "'***'"));)
        memcpy(hidden, "again", 5);
    accept_text(shown);
}

/* --- diff ----------------------------------------------------------------------------------- */

static void diff(const char *from, const char *to, const char *wanted)
{
    struct error why;
    size_t lines = 0;
    accept_text(from);
    config_free(&other);
    assert_int_equal(config_init(&other, &why), 0);
    assert_int_equal(config_parse(&other, to, strlen(to), "g", &why), 0);
    text.len = 0;
    size_t counted = config_diff(&config, &other, &text);
    assert_string_equal(taken(), wanted);
    for (const char *at = wanted; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(counted, lines);
}

static void test_diff(void **state)
{
    (void)state;
    diff("threads: 0\noutputs: [stdout]\n", "outputs: [stdout: {queue-size: 4M}]\n", "");
    diff("threads: 1\n", "compat: none\nshutdown-time: 7s\n",
         "~ threads: 1 -> 0\n~ shutdown-time: 5s -> 7s\n");
    diff("inputs: [tcp, unix: {path: /a}]\n", "inputs: [unix: {path: /b}]\n",
         "- input tcp\n~ input unix: path: /a -> /b\n");
    diff("outputs: [file: {path: /a, name: x}]\n",
         "outputs: [stdout, file: {path: /a}, "
         "'null': {name: x}]\n",
         "- output x (file)\n+ output stdout\n+ output file\n+ output x (null)\n");
    diff("outputs: [file: {path: /a}, file: {path: /b}]\n",
         "outputs: [file: {path: /a}, file: {path: /c, fields: a}]\n",
         "~ output file#2 (file): path: /b -> /c\n~ output file#2 (file): fields: (absent) -> a\n");
    diff("outputs: [file: {path: /a, name: x}, file: {path: /b, name: y}]\n",
         "outputs: [file: {path: /b, name: y}, file: {path: /a, name: x}]\n", "");
    diff("door: {key: abc}\n", "door: {key: abd}\nattic: {path: /x}\n",
         "~ section door: key: '***' -> '***'\n+ section attic\n");
    diff("door:\n", "door: {key: abd}\n", "~ section door: key: (absent) -> '***'\n");
    diff("inputs: [tcp: {allow: [10.0.0.0/8]}]\n", "inputs: [tcp: {allow: []}]\n",
         "~ input tcp: allow: [10.0.0.0/8] -> (absent)\n");
}

static void test_diff_nested(void **state)
{
    (void)state;
    diff("inputs: [tcp: {tls: {cert: a}, neighbours: [{address: 'a:1'}, {address: 'b:1'}]}]\n",
         "inputs: [tcp: {tls: {cert: b}, neighbours: [{address: 'a:1', seal: {cert: c}}]}]\n",
         "~ input tcp: tls.cert: a -> b\n"
         "~ input tcp: neighbours[1].seal: (absent) -> {cert: c, strict: true}\n"
         "~ input tcp: neighbours[2]: {address: b:1, distance: 1} -> (absent)\n");
    diff("inputs: [tcp: {tls: {cert: a, key: abc}}]\n",
         "inputs: [tcp: {tls: {cert: a, key: abd}}]\n", "~ input tcp: tls.key: '***' -> '***'\n");
}

/* Stages are told apart by order, too. */
static void test_diff_order(void **state)
{
    (void)state;
    diff("stages: [sieve: {path: /a}, sieve: {path: /b}]\n",
         "stages: [sieve: {path: /b}, sieve: {path: /a}]\n",
         "~ stage sieve: path: /a -> /b\n~ stage sieve#2 (sieve): path: /b -> /a\n");
    diff("stages: [mill, sieve: {path: /a}]\n", "stages: [sieve: {path: /a}, mill]\n",
         "~ stage sieve: comes earlier\n");
    diff("stages: [mill, sieve: {path: /a}]\n", "stages: [sieve: {path: /a}]\n", "- stage mill\n");
    diff("stages: [mill, mill]\n", "stages: [mill, sieve: {path: /a}, mill]\n", "+ stage sieve\n");
}

#define BOTH(name) cmocka_unit_test_setup_teardown(name, set_up_both, tear_down_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_scalars), BOTH(test_empty_list),  BOTH(test_show),
        BOTH(test_diff),    BOTH(test_diff_nested), BOTH(test_diff_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
