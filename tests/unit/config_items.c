/* Items of a configuration: options of options, names, and when two are equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/configs.h"

static void test_nested(void **state)
{
    (void)state;
    accept_text("inputs:\n"
                "  - tcp:\n"
                "      tls: {cert: c, key: abc}\n"
                "      neighbours:\n"
                "        - {address: 'a:1', distance: 7}\n"
                "        - address: 'b:2'\n"
                "          seal: {cert: d, strict: false}\n"
                "  - tcp: {neighbours: {address: 'c:3'}}\n"
                "  - tcp: {neighbours: []}\n");
    assert_string_equal(wire_of(0)->tls.cert, "c");
    assert_string_equal(wire_of(0)->tls.key, "abc");
    assert_true(wire_of(0)->tls.strict);
    assert_int_equal(wire_of(0)->neighbours.count, 2);
    const struct neighbour *all = wire_of(0)->neighbours.items;
    assert_string_equal(all[0].address.host, "a");
    assert_int_equal(all[0].distance, 7);
    assert_null(all[0].seal.cert);
    assert_true(all[0].seal.strict);
    assert_int_equal(all[1].address.port, 2);
    assert_int_equal(all[1].distance, 1);
    assert_false(all[1].seal.strict);
    assert_int_equal(wire_of(1)->neighbours.count, 1);
    assert_int_equal(wire_of(2)->neighbours.count, 0);
    assert_true(config_is_written(&config.inputs[0], &wire_of(0)->tls.key));
    assert_false(config_is_written(&config.inputs[0], &wire_of(0)->tls.strict));
    assert_true(config_is_written(&config.inputs[0], &all[0].distance));
    assert_false(config_is_written(&config.inputs[0], &all[1].distance));
    assert_false(config_is_written(&config.inputs[1], &wire_of(1)->tls.cert));
}

/* Every mistake in a nested option is told where it stands. */
static void test_nested_mistakes(void **state)
{
    static const struct {
        const char *options, *error;
    } cases[] = {
        {"tls: x", "f:1:21: 'tls' has names with values (name: value), not a single value"},
        {"tls: [a]", "f:1:21: 'tls' has names with values (name: value), not a list: take away the "
                     "brackets, or the '-'"},
        {"tls: ", "f:1:21: 'tls' has no value"},
        {"tls: {}", "f:1:21: tls needs the option 'cert'"},
        {"tls: {key: abc}", "f:1:21: tls needs the option 'cert'"},
        {"tls: {cart: x}", "f:1:22: tls has no option 'cart'; did you mean 'cert'?"},
        {"tls: {elephant: x}",
         "f:1:22: tls has no option 'elephant'; there are: cert, key, strict"},
        {"tls: {cert: x, cert: y}", "f:1:31: 'cert' is given twice, first in line 1"},
        {"tls: {cert: x, strict: 1}", "f:1:39: strict: '1' is not true or false"},
        {"tls: {cert: [x]}", "f:1:28: 'cert' is one value, not a list: take away the brackets, or "
                             "the '-'"},
        {"tls: {cert: x, key: ab}", "f:1:36: key: '***' is shorter than 3 bytes"},
        {"tls: {cert: x, key: abc, strict: false}", "f:1:49: tcp: a key is for strict seals"},
        {"neighbours: a", "f:1:28: 'neighbours' has names with values (name: value), not a single "
                          "value"},
        {"neighbours: [a]", "f:1:29: 'neighbours' has names with values (name: value), not a "
                            "single value"},
        {"neighbours: [{}]", "f:1:29: neighbours needs the option 'address'"},
        {"neighbours: [{address: 'a:1'}, {distance: 1}]",
         "f:1:47: neighbours needs the option 'address'"},
        {"neighbours: [{address: 'a:0'}]",
         "f:1:39: address: 'a:0' has a bad port; it is a number from 1 to 65535"},
        {"neighbours: [{address: 'a:1', seal: {strict: true}}]",
         "f:1:52: seal needs the option 'cert'"},
        {"neighbours: [{address: 'a:1'}, {address: 'b:1', distance: 2}]",
         "f:1:74: tcp: it is too far away"},
        {"neighbours: [{address: 'a:1', distance: 0}, {address: 'b:1'}]",
         "f:1:60: tcp: it is too far away"}, /* a default: where its struct begins */
        {"neighbours: [{address: 'a:1', seal: {cert: x, key: abc, strict: false}}]",
         "f:1:80: tcp: a key is for strict seals"},
        {"neighbours: [{address: 'a:1'}, {address: 'a:1'}, {address: 'a:1'}, {address: 'a:1'}, {}]",
         "f:1:101: neighbours: more than 4 items"},
    };
    char text[256];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "inputs: [tcp: {%s}]", cases[i].options);
        refuse(text, cases[i].error);
    }
}

static void test_names(void **state)
{
    static const char *const wanted[] = {"stdout", "a",      "file",  "null",
                                         "file#2", "file#3", "B-1_x."};
    char name[CONFIG_NAME_MAX + 1];
    (void)state;
    accept_text(
        "inputs: [unix: {path: x, name: a}, tcp]\n"
        "outputs: [stdout, file: {path: a, name: a}, file: {path: b}, 'null', file: {path: c},\n"
        "          file: {path: d}, 'null': {name: B-1_x.}]\n");
    for (size_t i = 0; i < config.output_count; i++)
        assert_string_equal(config_name(config.outputs, i, name), wanted[i]);
    assert_string_equal(config_name(config.inputs, 0, name), "a");
    assert_string_equal(config_name(config.inputs, 1, name), "tcp");
    assert_string_equal(config_given_name(&config.inputs[0]), "a");
    assert_null(config_given_name(&config.inputs[1]));
}

static void test_bad_names(void **state)
{
    (void)state;
    refuse(
        "outputs:\n- stdout: {name: a}\n- stdout:\n    name: a\n",
        "f:4:11: stdout: name: the stdout in line 2 is called a already; each needs a name of its "
        "own");
    refuse(
        "inputs:\n- tcp: {name: a}\n- unix: {path: x, name: a}\n",
        "f:3:25: unix: name: the tcp in line 2 is called a already; each needs a name of its own");
    refuse("outputs:\n- stdout: {name: file}\n- file: {path: x}\n",
           "f:2:18: stdout: name: the file in line 3 is called file, as it has no name of its own; "
           "each needs a name of its own");
    refuse(
        "outputs:\n- file: {path: x}\n- 'null': {name: file}\n",
        "f:3:18: null: name: the file in line 2 is called file, as it has no name of its own; each "
        "needs a name of its own");
    refuse(
        "outputs: [stdout: {name: input}]",
        "f:1:26: name: no output may be called input: so the ledger calls what the inputs count");
    refuse(
        "outputs: ['null': {name: input}]",
        "f:1:26: name: no output may be called input: so the ledger calls what the inputs count");
    refuse("inputs: [tcp: {name: 'a b'}]",
           "f:1:22: name: 'a b' is not a name made of letters, digits, '-', '_' and '.'");
    refuse("inputs: [tcp: {name: ''}]", "f:1:22: name: must not be empty");
}

/* Items are equal by what they mean, not by how it was written. */
static void test_equal(void **state)
{
    (void)state;
    const char *text =
        "outputs: [file: {path: a, queue-size: 4M}, file: {mode: 0660, path: a}, file: {path: b},\n"
        "  file: {path: a, queue-size: 5M}, stdout, stdout, 'null', 'null': {names: [a]}]\n";
    assert_int_equal(read_text(text, strlen(text)), 0);
    const struct config_item *items = config.outputs;
    assert_true(config_item_equal(&items[0], &items[1]));
    assert_false(config_item_equal(&items[0], &items[2]));
    assert_false(config_item_equal(&items[0], &items[3]));
    assert_true(config_item_equal(&items[4], &items[5]));
    assert_false(config_item_equal(&items[5], &items[6]));
    assert_false(config_item_equal(&items[6], &items[7]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_nested),    CASE(test_nested_mistakes), CASE(test_names),
        CASE(test_bad_names), CASE(test_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
