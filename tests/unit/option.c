/* Option values from text: every type at and past its limits, and what stays after a bad value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "conf/option.h"

struct part {
    char *name;
    uint64_t weight;
};

struct lid {
    char *colour;
    bool open;
};

struct values {
    bool yes;
    uint64_t number, size, time;
    char *text, *path;
    int choice;
    mode_t mode;
    struct option_hostport listen;
    struct option_prefixes allow, few;
    struct option_strings names;
    char *called;
    struct lid lid;
    struct option_list parts;
};

static const char *const choices[] = {"block", "drop-newest", "drop-oldest", NULL};

#define AT(member) .offset = offsetof(struct values, member)

#define PART(member) .offset = offsetof(struct part, member)
#define LID(member) .offset = offsetof(struct lid, member)

static const struct option part_rows[] = {
    {.name = "name", .type = OPTION_STRING, PART(name), .required = true},
    {.name = "weight", .type = OPTION_SIZE, PART(weight), .fallback = "2K"},
    {0},
};

static const struct option lid_rows[] = {
    {.name = "colour", .type = OPTION_STRING, LID(colour), .required = true},
    {.name = "open", .type = OPTION_BOOL, LID(open), .fallback = "true"},
    {0},
};

static const struct option table[] = {
    {.name = "yes", .type = OPTION_BOOL, AT(yes), .fallback = "true"},
    {.name = "number", .type = OPTION_UINT, AT(number), .fallback = "7", .min = 1, .max = 256},
    {.name = "count", .type = OPTION_UINT, AT(number)},
    {.name = "size", .type = OPTION_SIZE, AT(size), .min = 512, .max = 1ull << 40},
    {.name = "bytes", .type = OPTION_SIZE, AT(size)},
    {.name = "time", .type = OPTION_DURATION, AT(time), .fallback = "1s"},
    {.name = "pause", .type = OPTION_DURATION, AT(time), .min = 1000000},
    {.name = "text", .type = OPTION_STRING, AT(text), .fallback = "old"},
    {.name = "short", .type = OPTION_STRING, AT(text), .min = 2, .max = 4},
    {.name = "path", .type = OPTION_PATH, AT(path)},
    {.name = "socket", .type = OPTION_PATH, AT(path), .max = 107},
    {.name = "when-full", .type = OPTION_ENUM, AT(choice), .choices = choices},
    {.name = "mode", .type = OPTION_MODE, AT(mode)},
    {.name = "listen", .type = OPTION_HOSTPORT, AT(listen)},
    {.name = "connect", .type = OPTION_HOSTPORT, AT(listen), .min = 1},
    {.name = "allow", .type = OPTION_PREFIXES, AT(allow), .fallback = "127.0.0.0/8,::1"},
    {.name = "few", .type = OPTION_PREFIXES, AT(few), .max = 3},
    {.name = "names", .type = OPTION_STRINGS, AT(names)},
    {.name = "dns.qtype", .type = OPTION_BOOL, AT(yes)},
    {.name = "called", .type = OPTION_NAME, AT(called)},
    {.name = "lid", .type = OPTION_GROUP, AT(lid), .rows = lid_rows, .size = sizeof(struct lid)},
    {.name = "parts",
     .type = OPTION_LIST_OF,
     AT(parts),
     .rows = part_rows,
     .size = sizeof(struct part),
     .max = 3},
    {0},
};

static struct values values;

static int set_up(void **state)
{
    (void)state;
    struct error err = {0};
    values = (struct values){0};
    return options_init(table, &values, &err);
}

/* Rows that share a member would free it twice, were it not NULL after the first time. */
static int tear_down(void **state)
{
    (void)state;
    options_free(table, &values);
    return 0;
}

static int parse(const char *name, struct span text, struct error *err)
{
    return option_parse(option_find(table, span_str(name), NULL), &values, text, err);
}

static void accept(const char *name, const char *text)
{
    struct error err = {0};
    if (parse(name, span_str(text), &err))
        fail_msg("%s: %s: %s", name, text, err.text);
}

/* The value is refused in words that hold `words`, and the old value stays. */
static void refuse(const char *name, const char *text, const char *words)
{
    struct error err = {0};
    struct values before = values;
    assert_int_equal(parse(name, span_str(text), &err), -1);
    assert_memory_equal(&before, &values, sizeof values);
    if (!strstr(err.text, words))
        fail_msg("%s: '%s': '%s' lacks '%s'", name, text, err.text, words);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_true(values.yes);
    assert_int_equal(values.number, 7);
    assert_int_equal(values.time, 1000000000);
    assert_string_equal(values.text, "old");
    assert_null(values.path);
    assert_int_equal(values.allow.count, 2);
    assert_int_equal(values.allow.items[0].bits, 96 + 8);
    assert_int_equal(values.allow.items[1].bits, 128);
}

static void test_bool(void **state)
{
    (void)state;
    accept("yes", "false");
    assert_false(values.yes);
    accept("yes", "true");
    assert_true(values.yes);
    refuse("yes", "yes", "'yes' is not true or false");
    refuse("yes", "", "true or false");
    refuse("yes", "TRUE", "true or false");
}

static void test_uint(void **state)
{
    (void)state;
    accept("number", "1");
    assert_int_equal(values.number, 1);
    accept("number", "256");
    assert_int_equal(values.number, 256);
    accept("number", "0000000000000000000000000000017");
    assert_int_equal(values.number, 17);
    refuse("number", "0", "'0' is out of range: from 1 to 256");
    refuse("number", "257", "'257' is out of range: from 1 to 256");
    refuse("number", "18446744073709551617", "is not a number"); /* 2^64 + 1 */
    refuse("number", "-1", "'-1' is not a number, from 1 to 256");
    refuse("number", "+1", "is not a number");
    refuse("number", " 1", "is not a number");
    refuse("number", "1 ", "is not a number");
    refuse("number", "0x10", "is not a number");
    refuse("number", "1.5", "is not a number");
    refuse("number", "1K", "is not a number");
    refuse("number", "", "is not a number");
    accept("count", "18446744073709551615");
    assert_true(values.number == UINT64_MAX);
    accept("count", "0");
    assert_int_equal(values.number, 0);
}

static void test_size(void **state)
{
    (void)state;
    accept("bytes", "1");
    assert_int_equal(values.size, 1);
    accept("bytes", "64K");
    assert_int_equal(values.size, 65536);
    accept("bytes", "100M");
    assert_int_equal(values.size, 104857600);
    accept("bytes", "3G");
    assert_true(values.size == 3221225472);
    accept("bytes", "16777215T");
    assert_true(values.size == 16777215ull << 40);
    refuse("bytes", "16777216T", "is not a size"); /* 2^64 */
    refuse("bytes", "18446744073709551616", "is not a size");
    refuse("bytes", "64k", "is not a size");
    refuse("bytes", "64KB", "is not a size");
    refuse("bytes", "K", "is not a size");
    refuse("bytes", "-1K", "is not a size");
    accept("bytes", "off");
    assert_int_equal(values.size, 0);
    accept("size", "512");
    accept("size", "1T");
    refuse("size", "511", "'511' is out of range: from 512 to 1T");
    refuse("size", "1099511627777", "out of range");
    refuse("size", "off", "out of range");
}

static void test_duration(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } rows[] = {
        {"1ns", 1},
        {"100us", 100000},
        {"5ms", 5000000},
        {"2s", 2000000000},
        {"1m", 60000000000},
        {"1h", 3600000000000},
        {"1d", 86400000000000},
        {"213503d", 213503 * 86400000000000ull},
        {"0", 0},
        {"off", 0},
        {"0s", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        accept("time", rows[i].text);
        assert_true(values.time == rows[i].ns);
    }
    accept("time", "1s");
    refuse("time", "213504d", "is not a time"); /* past 2^64 ns */
    refuse("time", "5", "'5' is not a time with its unit");
    refuse("time", "5 s", "is not a time");
    refuse("time", "5S", "is not a time");
    refuse("time", "1.5s", "is not a time");
    refuse("time", "s", "is not a time");
    refuse("time", "-1s", "is not a time");
    accept("pause", "1ms");
    refuse("pause", "999us", "'999us' is out of range: at least 1ms");
    refuse("pause", "off", "out of range");
}

/* Where seconds are meant they need not be named. */
static void test_bare_seconds(void **state)
{
    struct option bare = {.type = OPTION_DURATION, .seconds = true, .off = true, .min = 1000000};
    struct error err;
    uint64_t value = 7;
    (void)state;
    assert_int_equal(option_parse(&bare, &value, span_str("60"), &err), 0);
    assert_int_equal(value, 60000000000);
    assert_int_equal(option_parse(&bare, &value, span_str("50ms"), &err), 0);
    assert_int_equal(value, 50000000);
    assert_int_equal(option_parse(&bare, &value, span_str("off"), &err), 0);
    assert_int_equal(value, 0);
    assert_int_equal(option_parse(&bare, &value, span_str("99999999999999"), &err), -1);
    assert_int_equal(option_parse(&bare, &value, span_str("1 s"), &err), -1);
    bare.seconds = false;
    assert_int_equal(option_parse(&bare, &value, span_str("60"), &err), -1);
}

static void test_string(void **state)
{
    (void)state;
    struct error err = {0};
    char *long_text = calloc(1, 65538);
    assert_non_null(long_text);
    memset(long_text, 'a', 65537);
    refuse("text", long_text, "longer than 65536 bytes");
    long_text[65536] = '\0';
    accept("text", long_text);
    assert_string_equal(values.text, long_text);
    free(long_text);
    accept("text", "");
    assert_string_equal(values.text, "");
    assert_int_equal(parse("text", span_of("a\0b", 3), &err), -1);
    assert_non_null(strstr(err.text, "a NUL byte is not allowed in 'a?b'"));
    accept("text", "caf\xc3\xa9 \xff\n");
    assert_string_equal(values.text, "caf\xc3\xa9 \xff\n");
    accept("short", "ab");
    accept("short", "abcd");
    refuse("short", "a", "shorter than 2 bytes");
    refuse("short", "abcde", "longer than 4 bytes");
    refuse("short", "", "must not be empty");
}

static void test_path(void **state)
{
    (void)state;
    char path[4097];
    memset(path, 'p', sizeof path - 1);
    path[4096] = '\0';
    refuse("path", path, "longer than 4095 bytes");
    path[4095] = '\0';
    accept("path", path);
    refuse("path", "", "must not be empty");
    path[108] = '\0';
    refuse("socket", path, "longer than 107 bytes");
    path[107] = '\0';
    accept("socket", path);
    assert_int_equal(strlen(values.path), 107);
}

static void test_enum(void **state)
{
    (void)state;
    accept("when-full", "drop-oldest");
    assert_int_equal(values.choice, 2);
    accept("when-full", "block");
    assert_int_equal(values.choice, 0);
    refuse("when-full", "drop_newest", "unknown value 'drop_newest'; did you mean 'drop-newest'?");
    refuse("when-full", "Block", "did you mean 'block'?");
    refuse("when-full", "spool", "'spool' is not one of block, drop-newest, drop-oldest");
    refuse("when-full", "", "is not one of");
}

static void test_mode(void **state)
{
    (void)state;
    accept("mode", "0660");
    assert_int_equal(values.mode, 0660);
    accept("mode", "7777");
    assert_int_equal(values.mode, 07777);
    accept("mode", "0");
    assert_int_equal(values.mode, 0);
    refuse("mode", "10000", "is not an octal mode");
    refuse("mode", "0668", "is not an octal mode");
    refuse("mode", "-1", "is not an octal mode");
    refuse("mode", "", "is not an octal mode");
    refuse("mode", "07777777777777777777777777", "is not an octal mode");
}

static void expect_hostport(const char *text, const char *host, unsigned port)
{
    accept("listen", text);
    assert_string_equal(values.listen.host, host);
    assert_int_equal(values.listen.port, port);
}

static void test_hostport(void **state)
{
    (void)state;
    expect_hostport("127.0.0.1:6000", "127.0.0.1", 6000);
    expect_hostport("[::1]:65535", "::1", 65535);
    expect_hostport("[fe80::1%eth0]:53", "fe80::1%eth0", 53);
    expect_hostport("dns-1.example.net:0", "dns-1.example.net", 0);
    static const char *const bad[] = {
        "",         "127.0.0.1", "6000",        ":6000",     "::1:6000",
        "[::1]",    "[::1]6000", "[]:6000",     "[::1:6000", "[1.2.3.4]:6000",
        "a b:6000", "-a:6000",   "[::1%]:6000", "/a:1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse("listen", bad[i], "is not an address and port as in");
    refuse("listen", "h:65536", "'h:65536' has a bad port; it is a number from 0 to 65535");
    refuse("listen", "h:18446744073709551616", "bad port");
    refuse("listen", "h:", "bad port");
    refuse("listen", "h:-1", "bad port");
    refuse("listen", "h:1a", "bad port");
    refuse("connect", "h:0", "a number from 1 to 65535");
    char host[300];
    memset(host, 'h', sizeof host);
    snprintf(host + 256, sizeof host - 256, ":53");
    refuse("listen", host, "is not an address and port");
    accept("listen", host + 1);
    struct error err = {0};
    assert_int_equal(parse("listen", span_of("a\0b:53", 6), &err), -1);
    assert_int_equal(parse("listen", span_of("[::1\0]:53", 9), &err), -1);
}

static bool holds(const char *address)
{
    struct option_prefixes one = {0};
    struct option row = {.name = "one", .type = OPTION_PREFIXES};
    struct error err;
    assert_int_equal(option_parse(&row, &one, span_str(address), &err), 0);
    bool held = option_prefixes_hold(&values.allow, one.items[0].address);
    option_clear(&row, &one);
    return held;
}

static void test_prefixes(void **state)
{
    (void)state;
    assert_true(holds("127.255.255.255"));
    assert_true(holds("::ffff:127.0.0.1"));
    assert_true(holds("::1"));
    assert_false(holds("128.0.0.0"));
    assert_false(holds("::2"));
    option_clear(option_find(table, span_str("allow"), NULL), &values);
    assert_true(holds("203.0.113.9")); /* an empty list holds everything */
    accept("allow", "2001:db8::/33");
    assert_true(holds("2001:db8:7fff::1"));
    assert_false(holds("2001:db8:8000::1"));
    accept("allow", "10.0.0.0/31");
    assert_true(holds("10.0.0.1"));
    assert_false(holds("10.0.0.2"));
    accept("allow", "0.0.0.0/0");
    assert_true(holds("203.0.113.9"));
    assert_false(holds("2001:db9::"));
    for (int i = 0; i < 3; i++)
        accept("few", "::/0");
    refuse("few", "::/0", "more than 3 items");
    accept("allow", "::/0");
    assert_true(holds("2001:db9::"));
    static const char *const bad[] = {
        "",         "1.2.3",       "1.2.3.4/33", "::/129",
        "1.2.3.4/", "/8",          "1.2.3.4/-1", "1.2.3.4/8x",
        "host",     "1.2.3.4/8/8", "::1%lo",     "1.2.3.4/18446744073709551624"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse("allow", bad[i], "is not an address or prefix");
    refuse("allow", "10.0.0.1/8", "'10.0.0.1/8' has bits set behind its prefix length");
    refuse("allow", "2001:db8::1/127", "has bits set");
}

static void test_strings(void **state)
{
    (void)state;
    accept("names", "a");
    accept("names", "b,c");
    accept("names", "");
    assert_int_equal(values.names.count, 3);
    assert_string_equal(values.names.items[1], "b,c");
    for (int i = 3; i < 10000; i++)
        accept("names", "x");
    refuse("names", "x", "more than 10000 items");
}

static const struct option *row_of(const char *name)
{
    return option_find(table, span_str(name), NULL);
}

static void test_name(void **state)
{
    (void)state;
    accept("called", "a");
    accept("called", "The-2nd_one.of.7");
    assert_string_equal(values.called, "The-2nd_one.of.7");
    refuse("called", "", "must not be empty");
    refuse("called", "a b", "'a b' is not a name made of letters, digits, '-', '_' and '.'");
    refuse("called", "file#2", "is not a name");
    refuse("called", "\xc3\xa9", "is not a name");
    refuse("called", "a/b", "is not a name");
    char longest[65];
    memset(longest, 'n', sizeof longest);
    longest[63] = '\0';
    accept("called", longest);
    longest[63] = 'n';
    longest[64] = '\0';
    refuse("called", longest, "longer than 63 bytes");
}

/* Texts as the configuration takes them: what is printed is parsed to the same value. */
static void test_print(void **state)
{
    static const char *const texts[][2] = {{"yes", "false"},
                                           {"number", "12"},
                                           {"size", "64K"},
                                           {"bytes", "off"},
                                           {"bytes", "1025"},
                                           {"time", "90s"},
                                           {"time", "off"},
                                           {"time", "2h"},
                                           {"text", ""},
                                           {"path", "/a b"},
                                           {"when-full", "drop-newest"},
                                           {"mode", "0640"},
                                           {"listen", "[::1]:53"},
                                           {"listen", "host:6000"},
                                           {"called", "x.1"}};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf out = {0};
        accept(texts[i][0], texts[i][1]);
        assert_int_equal(option_count(row_of(texts[i][0]), &values), 1);
        option_print(row_of(texts[i][0]), &values, 0, &out);
        buf_byte(&out, 0);
        assert_string_equal((const char *)out.data, texts[i][1]);
        buf_free(&out);
    }
}

static void test_print_lists(void **state)
{
    struct buf out = {0};
    (void)state;
    accept("names", "one");
    accept("names", "two");
    assert_int_equal(option_count(row_of("names"), &values), 2);
    option_print(row_of("names"), &values, 1, &out);
    assert_int_equal(option_count(row_of("allow"), &values), 2);
    option_print(row_of("allow"), &values, 0, &out);
    option_print(row_of("allow"), &values, 1, &out);
    buf_byte(&out, 0);
    assert_string_equal((const char *)out.data, "two127.0.0.0/8::1/128");
    buf_free(&out);
}

static struct part *push_part(const char *name)
{
    struct error err = {0};
    struct part *part = option_push(row_of("parts"), &values, &err);
    if (part)
        assert_int_equal(option_parse(&part_rows[0], part, span_str(name), &err), 0);
    else
        assert_string_equal(err.text, "more than 3 items");
    return part;
}

static void test_nested(void **state)
{
    (void)state;
    refuse("lid", "red", "'red' is not names with values");
    refuse("parts", "a", "is not a list of names with values");
    assert_true(values.lid.open); /* defaults of a group are there, but it is not */
    assert_true(option_is_absent(row_of("lid"), &values));
    struct error err = {0};
    assert_int_equal(option_parse(&lid_rows[0], &values.lid, span_str("red"), &err), 0);
    assert_false(option_is_absent(row_of("lid"), &values));
    assert_ptr_equal(option_nested(row_of("lid"), &values, 0), &values.lid);
    assert_int_equal(push_part("a")->weight, 2048);
    push_part("b");
    push_part("c");
    assert_null(push_part("d"));
    assert_int_equal(option_count(row_of("parts"), &values), 3);
    assert_string_equal(((struct part *)option_nested(row_of("parts"), &values, 1))->name, "b");
    option_clear(row_of("parts"), &values);
    assert_true(option_is_absent(row_of("parts"), &values));
}

/* A copy is equal and has nothing in common with what it is of; one more change, and it differs. */
static void test_copies(void **state)
{
    static const char *const changes[][2] = {{"yes", "false"},
                                             {"number", "8"},
                                             {"time", "3s"},
                                             {"text", "new"},
                                             {"path", "/p"},
                                             {"mode", "0600"},
                                             {"when-full", "drop-oldest"},
                                             {"listen", "a:1"},
                                             {"listen", "a:2"},
                                             {"listen", "b:2"},
                                             {"allow", "10.0.0.0/8"},
                                             {"names", "x"},
                                             {"called", "name"},
                                             {"names", "y"}};
    struct error err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct values copy = {0};
        assert_int_equal(options_copy(table, &copy, &values, &err), 0);
        assert_true(options_equal(table, &copy, &values));
        accept(changes[i][0], changes[i][1]);
        assert_false(options_equal(table, &copy, &values));
        options_free(table, &copy);
    }
}

static void test_nested_copies(void **state)
{
    struct values copy = {0};
    struct error err = {0};
    (void)state;
    assert_int_equal(option_parse(&lid_rows[0], &values.lid, span_str("red"), &err), 0);
    push_part("a");
    assert_int_equal(options_copy(table, &copy, &values, &err), 0);
    assert_true(options_equal(table, &copy, &values));
    ((struct part *)copy.parts.items)->weight = 7;
    assert_false(options_equal(table, &copy, &values));
    ((struct part *)copy.parts.items)->weight = 2048;
    assert_true(options_equal(table, &copy, &values));
    copy.lid.open = false;
    assert_false(options_equal(table, &copy, &values));
    copy.lid.open = true;
    push_part("b");
    assert_false(options_equal(table, &copy, &values));
    options_free(table, &copy);
}

static void test_bad_default(void **state)
{
    static const struct option bad[] = {
        {.name = "text", .type = OPTION_STRING, AT(text), .fallback = "kept?"},
        {.name = "number", .type = OPTION_UINT, AT(number), .fallback = "9", .max = 8},
        {0},
    };
    (void)state;
    struct values fresh = {0};
    struct error err = {0};
    assert_int_equal(options_init(bad, &fresh, &err), -1);
    assert_null(fresh.text);
    assert_int_equal(options_init(NULL, &fresh, &err), 0);
    options_free(NULL, &fresh);
    options_free(bad, NULL);
}

static const char *hint_for(const char *wrong)
{
    const char *hint = "untouched";
    assert_null(option_find(table, span_str(wrong), &hint));
    return hint ? hint : "none";
}

static void test_hints(void **state)
{
    (void)state;
    assert_string_equal(hint_for("when-ful"), "when-full");
    assert_string_equal(hint_for("when_full"), "when-full");
    assert_string_equal(hint_for("WHEN-FULL"), "when-full");
    assert_string_equal(hint_for("nubmer"), "number");
    assert_string_equal(hint_for("lsiten"), "listen");
    assert_string_equal(hint_for("conn"), "connect");
    assert_string_equal(hint_for("tme"), "time");
    assert_string_equal(hint_for("qtype"), "dns.qtype");
    assert_string_equal(hint_for("elephant"), "none");
    assert_string_equal(hint_for("x"), "none");
    assert_string_equal(hint_for(""), "none");
    char endless[200];
    memset(endless, 'a', sizeof endless);
    endless[199] = '\0';
    assert_string_equal(hint_for(endless), "none");
}

static void test_show(void **state)
{
    (void)state;
    assert_string_equal(option_show(span_str("a\x1b[2Jb\nc")).text, "a?[2Jb?c");
    assert_string_equal(option_show(span_str("\xc2\x9b"
                                             "2J caf\xc3\xa9"))
                            .text,
                        "?2J caf\xc3\xa9");
    assert_string_equal(option_show(span_of(NULL, 0)).text, "");
    char endless[200];
    memset(endless, 'a', sizeof endless);
    assert_int_equal(strlen(option_show(span_of(endless, sizeof endless)).text), 67);
}

static void test_describe(void **state)
{
    (void)state;
    char out[256];
    assert_string_equal(option_limits(&table[1], out, sizeof out), "from 1 to 256");
    assert_string_equal(option_limits(&table[3], out, sizeof out), "from 512 to 1T");
    assert_string_equal(option_limits(&table[6], out, sizeof out), "at least 1ms");
    assert_string_equal(option_limits(&table[2], out, sizeof out), "");
    struct option day = {.type = OPTION_DURATION, .min = 90000000000, .max = 86400000000000};
    assert_string_equal(option_limits(&day, out, sizeof out), "from 90s to 1d");
    option_describe(&table[3], out, 20); /* is cut, not overrun */
    assert_int_equal(strlen(out), 19);
    option_describe(&table[11], out, 30);
    assert_int_equal(strlen(out), 29);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_defaults), CASE(test_name),     CASE(test_print),         CASE(test_print_lists),
        CASE(test_nested),   CASE(test_copies),   CASE(test_nested_copies), CASE(test_bool),
        CASE(test_uint),     CASE(test_size),     CASE(test_duration),      CASE(test_bare_seconds),
        CASE(test_string),   CASE(test_path),     CASE(test_enum),          CASE(test_mode),
        CASE(test_hostport), CASE(test_prefixes), CASE(test_strings),       CASE(test_bad_default),
        CASE(test_hints),    CASE(test_show),     CASE(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
