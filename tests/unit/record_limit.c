/* Records that are not whole: however much an event would say, a record keeps to its limit, is well
 * formed, and tells what it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "../support/bomb.h"
#include "../support/frame.h"
#include "../support/json_check.h"
#include "../support/share.h"
#include "conf/config.h"
#include "core/format.h"
#include "event/field.h"

extern const struct module fmt_text, fmt_json, fmt_yaml, fmt_fstrm, output_file;
const struct module *const registry[] = {&output_file, &fmt_text,  &fmt_json,
                                         &fmt_yaml,    &fmt_fstrm, NULL};

enum { RP = 17, MINFO = 14 };

static const struct module *const all_formats[] = {&fmt_text, &fmt_json, &fmt_yaml};

/* Prints the frame into `out`, which ends with a NUL then. Returns what the format says. */
static int print(const struct module *module, const char *list, size_t max, struct span frame,
                 struct buf *out)
{
    static const struct origin origin = {.peer = "unix"};
    const struct format_spec spec = {.module = module, .fields = list, .record_max = max};
    const struct format_hooks *hooks = module->hooks;
    struct event ev;
    struct error err;
    void *state;
    uint32_t needs;
    assert_int_equal(hooks->open(&spec, &state, &needs, &err), 0);
    event_init(&ev, frame, &origin);
    event_need(&ev, needs);
    buf_str(out, "before it\n"); /* a limit is one of the record, not of what it goes into */
    size_t before = out->len;
    int result = hooks->event(state, &ev, out);
    assert_int_equal(ev.cut, CUT_NOT); /* for the next format */
    hooks->close(state);
    memmove(out->data, out->data + before, out->len - before);
    out->len -= before;
    buf_byte(out, '\0');
    out->len--;
    return result;
}

static void check_form(const struct module *module, const struct buf *out)
{
    const char *text = (const char *)out->data;
    if (module == &fmt_json)
        assert_true(json_check(text, out->len - 1));
    if (module == &fmt_yaml)
        assert_string_equal(text + out->len - 5, "\n---\n");
    else
        assert_ptr_equal(strchr(text, '\n'), text + out->len - 1);
}

static char *list_of_all_fields(void)
{
    static char list[4096];
    list[0] = '\0';
    const struct field *field;
    for (size_t i = 0; (field = field_at(i)); i++) {
        strcat(list, list[0] ? "," : "");
        strcat(list, field->name);
    }
    return list;
}

/* Limits from the least to one that is no hindrance, and more of them the nearer they are to it. */
static void sweep(const struct module *module, const char *list, struct span frame)
{
    struct buf whole = {0}, out = {0};
    size_t steps = (size_t)share_of(20);
    assert_int_equal(print(module, list, 0, frame, &whole), FORMAT_WRITTEN);
    check_form(module, &whole);
    for (size_t max = 4096; max <= whole.len; max += 1 + (whole.len - max) / steps) {
        out.len = 0;
        int result = print(module, list, max, frame, &out);
        check_form(module, &out);
        assert_true(out.len <= max);
        assert_int_equal(result, max < whole.len ? FORMAT_CUT : FORMAT_WRITTEN);
        if (result == FORMAT_WRITTEN)
            assert_string_equal((char *)out.data, (char *)whole.data);
        else if (module != &fmt_text)
            assert_non_null(strstr((char *)out.data, "truncated"));
    }
    buf_free(&whole);
    buf_free(&out);
}

/* A response whose parts are all long: texts, records, options, what is unknown. */
static struct buf long_frame(void)
{
    static uint8_t identity[700], options[1200];
    struct buf frame = {0}, message = bomb_new(40, RP);
    struct dnstap tap = frame_response();
    memset(identity, 'i', sizeof identity);
    for (size_t i = 0; i + 12 <= sizeof options; i += 12)
        memcpy(options + i,
               "\x00\x0a\x00\x08"
               "12345678",
               12);
    store_be16(message.data + 10, 1);
    struct span opt = BYTES("\0\0\x29\x04\xd0\0\0\0\0\x04\xb0");
    buf_put(&message, opt.ptr, opt.len);
    buf_put(&message, options, sizeof options);
    tap.identity = tap.version = span_of(identity, sizeof identity);
    tap.extra = span_of(identity, sizeof identity);
    tap.has |= DNSTAP_HAS_EXTRA;
    tap.response_message = buf_span(&message);
    dnstap_encode(&tap, &frame);
    for (int i = 0; i < 60; i++) { /* field 99 of the outermost message */
        struct span unknown = BYTES("\x9a\x06\x04good");
        buf_put(&frame, unknown.ptr, unknown.len);
    }
    buf_free(&message);
    return frame;
}

static void test_every_limit(void **state)
{
    (void)state;
    struct buf frame = long_frame();
    for (size_t i = 0; i < sizeof all_formats / sizeof *all_formats; i++) {
        if (all_formats[i] != &fmt_text)
            sweep(all_formats[i], NULL, buf_span(&frame));
        sweep(all_formats[i], list_of_all_fields(), buf_span(&frame));
        sweep(all_formats[i], "truncated,answers,version,edns,unknown", buf_span(&frame));
    }
    buf_free(&frame);
}

/* Lists of records that are empty are shorter than ones that are left out. What that saves is not
 * given to other lists, which have had their share. */
static void test_every_limit_of_lists(void **state)
{
    (void)state;
    struct buf frame = {0}, whole = {0}, out = {0};
    struct dnstap tap = frame_response();
    dnstap_encode(&tap, &frame);
    for (int i = 0; i < 20; i++) { /* as above, and longer */
        struct span unknown = BYTES("\x9a\x06\x21such that others are much shorter");
        buf_put(&frame, unknown.ptr, unknown.len);
    }
    assert_int_equal(print(&fmt_json, NULL, 0, buf_span(&frame), &whole), FORMAT_WRITTEN);
    for (size_t max = 2048; max < whole.len; max++) {
        out.len = 0;
        assert_int_equal(print(&fmt_json, NULL, max, buf_span(&frame), &out), FORMAT_CUT);
        assert_in_range(out.len, 1, max);
        check_form(&fmt_json, &out);
    }
    buf_free(&frame);
    buf_free(&whole);
    buf_free(&out);
}

/* What is short is there whatever had to be left out, and as many records as there is room for. */
static void test_what_is_left(void **state)
{
    (void)state;
    struct buf frame = {0}, message = bomb_new(40, MINFO), out = {0};
    struct dnstap tap = frame_response();
    tap.response_message = buf_span(&message);
    dnstap_encode(&tap, &frame);
    assert_int_equal(print(&fmt_json, NULL, 20000, buf_span(&frame), &out), FORMAT_CUT);
    const char *text = (const char *)out.data;
    size_t records = 0;
    for (const char *at = text; (at = strstr(at, "\"type\": \"MINFO\"")); at++)
        records++;
    assert_in_range(records, 4, 6); /* 1,300 bytes a name, three names a record */
    assert_true(out.len > 20000 - 4096);
    assert_non_null(strstr(text, "\"version\": \"server 1.0\""));
    assert_non_null(strstr(text, "\"peer\": \"unix\""));
    assert_non_null(strstr(text, "\"authority\": []"));
    assert_non_null(strstr(text, "\"malformed\": null, \"truncated\": \"record-max\"}\n"));
    out.len = 0;
    assert_int_equal(print(&fmt_yaml, NULL, 20000, buf_span(&frame), &out), FORMAT_CUT);
    assert_non_null(strstr((char *)out.data, "\nmalformed: null\ntruncated: record-max\n---\n"));
    out.len = 0;
    assert_int_equal(print(&fmt_text, "id,truncated", 4096, buf_span(&frame), &out),
                     FORMAT_WRITTEN);
    assert_string_equal((char *)out.data, "4660 -\n");
    out.len = 0;
    assert_int_equal(print(&fmt_text, "id,truncated,answers", 9000, buf_span(&frame), &out),
                     FORMAT_CUT);
    assert_memory_equal(out.data, "4660 record-max [{\"name\":", 24);
    buf_free(&frame);
    buf_free(&message);
    buf_free(&out);
}

/* Names that are longer by far than what stands for them: so many are read, and no more. */
static void test_work(void **state)
{
    (void)state;
    static const uint16_t types[] = {RP, MINFO};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct buf frame = {0}, message = bomb_new(4070, types[i]), out = {0};
        struct dnstap tap = frame_response();
        struct event ev;
        tap.response_message = buf_span(&message);
        dnstap_encode(&tap, &frame);
        event_init(&ev, buf_span(&frame), NULL);
        assert_int_equal(event_need(&ev, FACET_RECORDS | FACET_EDNS), 0);
        assert_int_equal(ev.flaws, FLAW_WORK);
        assert_in_range(2 * ev.records[DNS_ANSWER], 32 * message.len / 1024,
                        65 * (message.len / 1024 + 1));
        assert_int_equal(print(&fmt_json, NULL, 1 << 20, buf_span(&frame), &out), FORMAT_CUT);
        assert_true(out.len <= 1 << 20);
        check_form(&fmt_json, &out);
        out.len = 0;
        assert_int_equal(print(&fmt_json, NULL, 0, buf_span(&frame), &out), FORMAT_CUT);
        assert_non_null(strstr((char *)out.data, "\"truncated\": \"decoding\"}\n"));
        check_form(&fmt_json, &out);
        out.len = 0;
        assert_int_equal(print(&fmt_text, NULL, 0, buf_span(&frame), &out), FORMAT_WRITTEN);
        buf_free(&frame);
        buf_free(&message);
        buf_free(&out);
    }
}

/* Questions are names, too, and OPT is found behind whatever else there is. */
static void test_work_of_questions(void **state)
{
    (void)state;
    struct buf message = {0}, frame = {0};
    struct dnstap tap = frame_response();
    struct event ev;
    struct buf bomb = bomb_new(0, RP);
    buf_put(&message, bomb.data, bomb.len);
    while (message.len + 6 <= BOMB_MAX)
        buf_put(&message, "\xc0\x0c\0\1\0\1", 6);
    store_be16(message.data + 4, (uint16_t)((message.len - bomb.len) / 6 + 1));
    tap.response_message = buf_span(&message);
    dnstap_encode(&tap, &frame);
    event_init(&ev, buf_span(&frame), NULL);
    assert_int_equal(event_need(&ev, FACET_QUESTION | FACET_RECORDS), FACET_RECORDS);
    assert_true(ev.flaws & FLAW_WORK);
    buf_free(&frame);
    buf_free(&message);
    message = bomb_new(4070, RP);
    store_be16(message.data + 10, 1);
    struct span opt = BYTES("\0\0\x29\x04\xd0\0\0\x80\0\0\0");
    buf_put(&message, opt.ptr, opt.len);
    tap.response_message = buf_span(&message);
    dnstap_encode(&tap, &frame);
    event_init(&ev, buf_span(&frame), NULL);
    assert_int_equal(event_need(&ev, FACET_RECORDS | FACET_EDNS), 0);
    assert_true(ev.flaws & FLAW_WORK && ev.edns.present);
    assert_int_equal(ev.edns.udp_size, 0x4d0);
    buf_free(&frame);
    buf_free(&message);
    buf_free(&bomb);
}

/* The densest records that servers send have no more work than is given: those of a zone of long
 * names, each once as an owner and once as data. */
static void test_honest_work(void **state)
{
    (void)state;
    struct buf message = {0}, frame = {0};
    struct dnstap tap = frame_response();
    struct event ev;
    struct span head = BYTES("\x12\x34\x84\0\0\1\0\0\0\0\0\0"
                             "\x20"
                             "a-rather-long-label-of-some-zone"
                             "\x14"
                             "of-another-long-name\3org\0\0\2\0\1");
    unsigned count = 0;
    buf_put(&message, head.ptr, head.len);
    for (; message.len + 18 <= BOMB_MAX; count++)
        buf_put(&message, "\1a\xc0\x0c\0\2\0\1\0\0\0\1\0\4\1b\xc0\x0c", 18);
    store_be16(message.data + 6, (uint16_t)count);
    tap.response_message = buf_span(&message);
    dnstap_encode(&tap, &frame);
    event_init(&ev, buf_span(&frame), NULL);
    assert_int_equal(event_need(&ev, FACET_RECORDS), 0);
    assert_int_equal(ev.flaws, 0);
    assert_int_equal(ev.records[DNS_ANSWER], count);
    buf_free(&frame);
    buf_free(&message);
}

static void expect_error(const char *options, const char *wanted)
{
    struct config config;
    struct error err = {0};
    char text[256], line[512];
    snprintf(text, sizeof text, "outputs:\n  - file:\n      path: /tmp/out\n%s", options);
    assert_int_equal(config_init(&config, &err), 0);
    int result = config_parse(&config, text, strlen(text), "f", &err);
    if (result == 0)
        result = config_validate(&config, &err);
    assert_string_equal(result ? error_line(&err, line, sizeof line) : "", wanted);
    config_free(&config);
}

static void test_option(void **state)
{
    (void)state;
    expect_error("      format: json\n      record-max: 64K\n", "");
    expect_error("      format: json\n      record-max: off\n", "");
    expect_error("      format: fstrm\n", "");
    expect_error("      format: fstrm\n      record-max: 64K\n",
                 "f:5:19: frames are kept whole: the format fstrm has no record-max");
    expect_error("      record-max: 2047\n",
                 "f:4:19: record-max: '2047' is out of range: off, or from 2K to 1G");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_limit),
        cmocka_unit_test(test_every_limit_of_lists),
        cmocka_unit_test(test_what_is_left),
        cmocka_unit_test(test_work),
        cmocka_unit_test(test_work_of_questions),
        cmocka_unit_test(test_honest_work),
        cmocka_unit_test(test_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
