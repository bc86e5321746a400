/* The formats and the latency of dnstap-receiver, case by case: lines that 4.7.0 was seen to print,
 * and frames that it did not survive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../support/stages.h"
#include "compat/receiver_cache.h"
#include "core/format.h"

/* A client's query for www.example.com, or its response with NXDOMAIN, over UDP. */
static const uint8_t query[] = "\x12\x34\x01\x00\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1";
static const uint8_t response[] = "\x12\x34\x81\x83\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1";

static struct dnstap client_query(void)
{
    return (struct dnstap){
        .has = DNSTAP_HAS_IDENTITY | DNSTAP_HAS_MESSAGE | DNSTAP_HAS_TYPE |
               DNSTAP_HAS_MESSAGE_TYPE | DNSTAP_HAS_FAMILY | DNSTAP_HAS_PROTOCOL |
               DNSTAP_HAS_QUERY_ADDRESS | DNSTAP_HAS_RESPONSE_ADDRESS | DNSTAP_HAS_QUERY_PORT |
               DNSTAP_HAS_RESPONSE_PORT | DNSTAP_HAS_QUERY_SEC | DNSTAP_HAS_QUERY_NSEC |
               DNSTAP_HAS_QUERY_MESSAGE | DNSTAP_HAS_RESPONSE_SEC | DNSTAP_HAS_RESPONSE_NSEC |
               DNSTAP_HAS_RESPONSE_MESSAGE,
        .type = 1,
        .message_type = DNSTAP_CLIENT_QUERY,
        .family = DNSTAP_INET,
        .protocol = DNSTAP_UDP,
        .identity = span_str("id1"),
        .query_address = span_of("\x0a\0\0\1", 4),
        .response_address = span_of("\x0a\0\0\2", 4),
        .query_port = 40000,
        .response_port = 53,
        .query_sec = 1700000000,
        .query_nsec = 123456789,
        .query_message = span_of(query, sizeof query - 1),
        .response_sec = 1700000000,
        .response_nsec = 173456789,
        .response_message = span_of(response, sizeof response - 1),
    };
}

static struct dnstap client_response(void)
{
    struct dnstap tap = client_query();
    tap.message_type = DNSTAP_CLIENT_RESPONSE;
    return tap;
}

static const struct stage_hooks *stage;
static void *stage_state;

/* Every test begins with nothing remembered. */
static int set_up(void **state)
{
    static const struct settings settings;
    struct error err;
    (void)state;
    stage = module_find(MODULE_STAGE, span_str("latency"), "dnstap-receiver")->hooks;
    return stage_open_alone(stage, &stage_state, &settings, 1, &err);
}

static int tear_down(void **state)
{
    (void)state;
    stage->close(stage_state);
    return 0;
}

static bool raw_lines;      /* as with compat-control: raw */
static uint64_t record_max; /* 0: no limit */

/* What the stage and a format ("text", "json", "yaml", or "terminal" for text onto one) make of a
 * frame; "drop REASON" when nothing, "cut: " before it when there is a part missing. Good until the
 * next call. */
static const char *print_frame(struct span frame, const char *name)
{
    static char text[4096];
    static const struct origin origin = {.peer = "unit"};
    struct format_spec spec = {.terminal = strcmp(name, "terminal") == 0,
                               .raw_lines = raw_lines,
                               .record_max = record_max};
    spec.module =
        module_find(MODULE_FORMAT, span_str(spec.terminal ? "text" : name), "dnstap-receiver");
    const struct format_hooks *hooks = spec.module->hooks;
    struct buf out = {0};
    struct event ev;
    struct error err;
    void *state;
    uint32_t needs;
    assert_int_equal(hooks->open(&spec, &state, &needs, &err), 0);
    event_init(&ev, frame, &origin);
    event_need(&ev, stage_alone_needs);
    stage->event(stage_state, 0, &ev);
    int result = hooks->event(state, &ev, &out);
    if (result <= 0)
        snprintf(text, sizeof text, "%s%.*s", result == FORMAT_CUT ? "cut: " : "", (int)out.len,
                 (const char *)out.data);
    else
        snprintf(text, sizeof text, "drop %s", drop_reason_name((enum drop_reason)result));
    hooks->close(state);
    buf_free(&out);
    return text;
}

static const char *print(const struct dnstap *tap, const char *name)
{
    struct buf frame = {0};
    dnstap_encode(tap, &frame);
    const char *text = print_frame(buf_span(&frame), name);
    buf_free(&frame);
    return text;
}

/* Text of a query whose question section is this. */
static const char *print_question(const char *question, size_t len, const char *name)
{
    uint8_t message[512];
    struct dnstap tap = client_query();
    memcpy(message, query, 12);
    memcpy(message + 12, question, len);
    tap.query_message = span_of(message, 12 + len);
    return print(&tap, name);
}

#define PRINT_QUESTION(literal, name) print_question("" literal, sizeof(literal) - 1, name)

static void pair_prints_as_recorded(void **state)
{
    struct dnstap asked = client_query(), answered = client_response();
    (void)state;
    assert_string_equal(print(&asked, "text"),
                        "2023-11-14T22:13:20.123457+00:00 id1 CLIENT_QUERY NOERROR 10.0.0.1 40000 "
                        "INET UDP 33b www.example.com. A -\n");
    assert_string_equal(print(&answered, "text"),
                        "2023-11-14T22:13:20.173457+00:00 id1 CLIENT_RESPONSE NXDOMAIN 10.0.0.1 "
                        "40000 INET UDP 33b www.example.com. A 0.05\n");
    assert_string_equal(
        print(&answered, "json"),
        "{\"identity\": \"id1\", \"qname\": \"www.example.com.\", \"rrtype\": \"A\", "
        "\"query-ip\": \"10.0.0.1\", \"query-port\": 40000, \"response-ip\": \"10.0.0.2\", "
        "\"response-port\": 53, \"latency\": 0.05, \"message\": \"CLIENT_RESPONSE\", "
        "\"family\": \"INET\", \"protocol\": \"UDP\", \"length\": 33, "
        "\"timestamp\": 1700000000.173457, \"type\": \"response\", \"rcode\": \"NXDOMAIN\", "
        "\"id\": 4660, \"datetime\": \"2023-11-14T22:13:20.173457+00:00\"}\n");
    assert_string_equal(print(&asked, "yaml"),
                        "datetime: '2023-11-14T22:13:20.123457+00:00'\nfamily: INET\nid: 4660\n"
                        "identity: id1\nlatency: '-'\nlength: 33\nmessage: CLIENT_QUERY\n"
                        "protocol: UDP\nqname: www.example.com.\nquery-ip: 10.0.0.1\n"
                        "query-port: 40000\nrcode: NOERROR\nresponse-ip: 10.0.0.2\n"
                        "response-port: 53\nrrtype: A\ntimestamp: 1700000000.1234567\n"
                        "type: query\n\n");
}

static void absent_values_have_their_defaults(void **state)
{
    struct dnstap tap = {
        .has = DNSTAP_HAS_MESSAGE | DNSTAP_HAS_QUERY_MESSAGE,
        .query_message = span_of("\0\7\x01\x04\0\0\0\0\0\0\0\0", 12),
    };
    (void)state;
    assert_string_equal(print(&tap, "text"),
                        "1970-01-01T00:00:00+00:00 - AUTH_QUERY NOIMP - - INET UDP 12b - - -\n");
    assert_non_null(strstr(print(&tap, "json"), "\"query-port\": \"-\", \"response-ip\": \"-\", "
                                                "\"response-port\": \"-\", \"latency\": \"-\""));
    assert_non_null(strstr(print(&tap, "json"), "\"timestamp\": 0.0, "));
    assert_non_null(strstr(print(&tap, "yaml"), "query-port: '-'\nrcode: NOIMP\n"
                                                "response-ip: '-'\n"));
}

static void unknown_numbers_become_the_first(void **state)
{
    struct dnstap tap = client_response();
    (void)state;
    tap.message_type = 99;
    tap.protocol = 99;
    tap.family = 7;
    assert_non_null(strstr(print(&tap, "text"), " AUTH_QUERY NOERROR 10.0.0.1 40000 INET UDP "));
    tap.message_type = 16; /* even, and yet a query */
    assert_non_null(strstr(print(&tap, "json"), "\"type\": \"query\""));
}

static void addresses_of_sixteen_bytes(void **state)
{
    struct dnstap tap = client_query();
    (void)state;
    tap.query_address = span_of("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
    assert_non_null(strstr(print(&tap, "text"), " 192.0.2.1 40000 INET "));
    tap.family = DNSTAP_INET6;
    tap.response_address = (struct span){0};
    assert_non_null(strstr(print(&tap, "text"), " ::ffff:192.0.2.1 40000 INET6 "));
}

static void what_ended_a_connection_is_dropped(void **state)
{
    struct dnstap tap = client_query();
    (void)state;
    tap.query_address = span_of("\x0a\0\0\1\2", 5);
    assert_string_equal(print(&tap, "text"), "drop malformed");
    tap = client_query();
    tap.response_address = span_of("\x0a\0\0", 3);
    assert_string_equal(print(&tap, "json"), "drop malformed");
    tap = client_query();
    tap.family = DNSTAP_INET6;
    assert_string_equal(print(&tap, "yaml"), "drop malformed");
    tap = client_query();
    tap.identity = span_str("caf\xe9");
    assert_string_equal(print(&tap, "text"), "drop malformed");
    tap = client_query();
    tap.has |= DNSTAP_HAS_POLICY;
    tap.policy = span_of("\x0a\xff", 2);
    assert_string_equal(print(&tap, "text"), "drop malformed");
    assert_string_equal(print_frame(span_of("\x72\xff", 2), "text"), "drop malformed");
}

static void years_past_9999_are_dropped(void **state)
{
    struct dnstap tap = client_query();
    (void)state;
    tap.query_sec = UINT64_C(253402300799);
    tap.query_nsec = 0;
    assert_non_null(strstr(print(&tap, "text"), "9999-12-31T23:59:59+00:00 "));
    tap.query_sec++;
    assert_string_equal(print(&tap, "text"), "drop malformed");
    tap.query_sec = UINT64_MAX;
    assert_string_equal(print(&tap, "json"), "drop malformed");
}

static void short_payloads_are_dropped(void **state)
{
    struct dnstap tap = client_query();
    (void)state;
    tap.query_message.len = 11;
    assert_string_equal(print(&tap, "text"), "drop short");
    tap.has &= ~(uint32_t)DNSTAP_HAS_QUERY_MESSAGE; /* the response's payload does not stand in */
    assert_string_equal(print(&tap, "text"), "drop short");
    assert_string_equal(print_frame(span_of("\x78\1", 2), "text"), "drop short");
}

static void names_come_by_length_bytes_alone(void **state)
{
    (void)state;
    assert_non_null(strstr(PRINT_QUESTION("\0\0\2\0\1", "text"), "17b . NS -\n"));
    assert_non_null(strstr(PRINT_QUESTION("", "text"), "12b . NONE -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\2no\0", "text"), "16b no. NONE -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\2no\0\0\1\0", "text"), "19b no. NONE -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\5ab", "text"), "15b ab. NONE -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\2ab\5", "text"), "16b ab.. NONE -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\xc0\x0c", "text"), "14b \x0c. NONE -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\3w\xa0w\0\0\1\0\1", "text"), " ww. A -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\5a b.\t\0\0\1\0\1", "text"), " a b.\t. A -\n"));
}

/* Who sends an end of a line cannot write lines of his own, unless the user wants the original. */
static void lines_cannot_be_forged(void **state)
{
    (void)state;
    struct dnstap tap = client_query();
    tap.identity = span_str("ns\r\n2026-11-21T00:00:00+00:00 forged\x07");
    const char *text = print(&tap, "text");
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_null(strchr(text, '\r'));
    assert_non_null(
        strstr(text, " ns\\013\\0102026-11-21T00:00:00+00:00 forged\x07 CLIENT_QUERY "));
    assert_non_null(strstr(print(&tap, "terminal"), " ns\\013\\0102026-11-21T00:00:00+00:00 forg"));
    assert_non_null(strstr(PRINT_QUESTION("\4a\nb\r\0\0\1\0\1", "text"), " a\\010b\\013. A -\n"));
    raw_lines = true;
    assert_non_null(strstr(print(&tap, "text"), " ns\r\n2026-11-21T00:00:00+00:00 forged\x07 "));
    assert_non_null(strstr(PRINT_QUESTION("\4a\nb\r\0\0\1\0\1", "text"), " a\nb\r. A -\n"));
    assert_non_null(strstr(print(&tap, "terminal"), " ns\\013\\0102026-11-21T00:00:00+00:00 forg"));
    raw_lines = false;
    /* In the others an end of a line never ends what it stands in. */
    assert_non_null(strstr(print(&tap, "json"), "\"identity\": \"ns\\r\\n2026"));
    assert_null(strstr(print(&tap, "yaml"), "\n2026"));
}

/* There is no key to say so, so a text that is too long is absent, and the record counts as cut. */
static void records_have_a_limit(void **state)
{
    (void)state;
    static char identity[3000];
    struct dnstap tap = client_query();
    memset(identity, '\x01', sizeof identity - 1);
    tap.identity = span_str(identity);
    record_max = 2048;
    assert_memory_equal(print(&tap, "json"), "cut: {\"identity\": \"-\", \"qname\": ", 32);
    assert_non_null(strstr(print(&tap, "yaml"), "\nidentity: '-'\n"));
    assert_non_null(strstr(print(&tap, "text"), " - CLIENT_QUERY NOERROR "));
    tap.identity.len = 400; /* six times as long in JSON */
    assert_memory_equal(print(&tap, "json"), "cut: {\"identity\": \"-\", \"qname\": ", 32);
    assert_memory_equal(print(&tap, "text"), "20", 2);
    tap.identity.len = 100;
    assert_memory_equal(print(&tap, "json"), "{\"identity\": \"\\u0001", 20);
    record_max = 0;
}

static void types_have_their_old_names(void **state)
{
    (void)state;
    assert_non_null(strstr(PRINT_QUESTION("\0\0\x34\0\1", "text"), " . TSLA -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\0\0\x17\0\1", "text"), " . NSAP_PTR -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\0\0\x1f\0\1", "text"), " . - -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\0\x80\1\0\1", "text"), " . DLV -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\0\x80\2\0\1", "text"), " . - -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\0\0\x0a\0\1", "yaml"), "\nrrtype: 'NULL'\n"));
}

static void terminals_get_no_control_byte(void **state)
{
    (void)state;
    assert_non_null(strstr(PRINT_QUESTION("\7\x1b[2J\x7f\r\n\0\0\1\0\1", "terminal"),
                           " \\027[2J\\127\\013\\010. A -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\6\xc2\x9bx\xc3\xa9 \0\0\1\0\1", "terminal"),
                           " \\194\\155x\xc3\xa9 . A -\n"));
    assert_non_null(strstr(PRINT_QUESTION("\6\x1b\"\\\xc3\xa9\x7f\0\0\1\0\1", "json"),
                           "\"qname\": \"\\u001b\\\"\\\\\\u00e9\\u007f.\""));
}

static void latency_is_that_of_the_last_query(void **state)
{
    struct dnstap asked = client_query(), answered = client_response();
    (void)state;
    assert_non_null(
        strstr(print(&answered, "text"), " A -\n")); /* its own query time plays no part */
    print(&asked, "text");
    assert_non_null(strstr(print(&answered, "text"), " A 0.05\n"));
    assert_non_null(strstr(print(&answered, "text"), " A 0.05\n")); /* and is still there */
    asked.query_sec += 3;
    print(&asked, "text");
    assert_non_null(strstr(print(&answered, "text"), " A -2.95\n"));
    answered.message_type = DNSTAP_UPDATE_RESPONSE;
    answered.identity = span_str("another");
    answered.response_sec = asked.query_sec;
    answered.response_nsec = asked.query_nsec - 400000;
    assert_non_null(strstr(print(&answered, "text"), " A -0.0\n"));
    answered.query_port++;
    assert_non_null(strstr(print(&answered, "text"), " A -\n"));
}

static void latency_needs_address_and_port(void **state)
{
    struct dnstap asked = client_query(), answered = client_response();
    (void)state;
    asked.query_port = answered.query_port = 0;
    print(&asked, "text");
    assert_non_null(strstr(print(&answered, "text"), " A -\n"));
    asked = client_query();
    answered = client_response();
    asked.query_address = answered.query_address = (struct span){0};
    print(&asked, "text");
    assert_non_null(strstr(print(&answered, "text"), " A -\n"));
}

static void dropped_queries_are_not_remembered(void **state)
{
    struct dnstap asked = client_query(), answered = client_response();
    (void)state;
    asked.identity = span_str("\xff");
    print(&asked, "text");
    assert_non_null(strstr(print(&answered, "text"), " A -\n"));
    asked.identity = span_str("id1");
    asked.query_sec = UINT64_C(1) << 60; /* no date for it, but remembered all the same */
    print(&asked, "text");
    assert_non_null(strstr(print(&answered, "json"), "\"latency\": -1.152921502906847e+18, "));
    assert_non_null(strstr(print(&answered, "yaml"), "\nlatency: -1.152921502906847e+18\n"));
    asked.query_sec = UINT64_C(10000001700000000);
    asked.query_nsec = 0;
    print(&asked, "text");
    answered.response_nsec = 0;
    assert_non_null(strstr(print(&answered, "text"), " -1e+16\n"));
    assert_non_null(strstr(print(&answered, "yaml"), "\nlatency: -1.0e+16\n"));
}

static void field_lists_are_refused(void **state)
{
    struct format_spec spec = {.fields = "qname"};
    struct error err;
    void *format;
    uint32_t needs;
    (void)state;
    spec.module = module_find(MODULE_FORMAT, span_str("text"), "dnstap-receiver");
    const struct format_hooks *hooks = spec.module->hooks;
    assert_int_equal(hooks->open(&spec, &format, &needs, &err), -1);
    assert_non_null(strstr(err.text, "fields"));
}

static bool cached(struct receiver_cache *cache, uint32_t port, uint64_t now_ns)
{
    double value = -1;
    const struct receiver_key key = {.port = port};
    bool found = receiver_cache_get(cache, &key, now_ns, &value);
    assert_true(!found || value == port);
    return found;
}

static void cache_set(struct receiver_cache *cache, uint32_t port, uint64_t now_ns)
{
    const struct receiver_key key = {.port = port};
    receiver_cache_set(cache, &key, port, now_ns);
}

static void cache_forgets_the_old_and_the_unused(void **state)
{
    struct receiver_cache *cache = receiver_cache_new(2, 10);
    (void)state;
    assert_non_null(cache);
    cache_set(cache, 1, 0);
    cache_set(cache, 2, 1);
    assert_true(cached(cache, 1, 2)); /* now 2 is the one that was not used for longest */
    cache_set(cache, 3, 3);
    assert_false(cached(cache, 2, 3));
    assert_true(cached(cache, 1, 9));
    assert_false(cached(cache, 1, 10)); /* use does not lengthen life */
    assert_true(cached(cache, 3, 12));
    cache_set(cache, 3, 12);
    assert_true(cached(cache, 3, 21)); /* setting does */
    assert_false(cached(cache, 3, 22));
    receiver_cache_free(cache);
    receiver_cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pair_prints_as_recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absent_values_have_their_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_numbers_become_the_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(addresses_of_sixteen_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_ended_a_connection_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(years_past_9999_are_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_payloads_are_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_come_by_length_bytes_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_cannot_be_forged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_have_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(types_have_their_old_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(terminals_get_no_control_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(latency_is_that_of_the_last_query, set_up, tear_down),
        cmocka_unit_test_setup_teardown(latency_needs_address_and_port, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dropped_queries_are_not_remembered, set_up, tear_down),
        cmocka_unit_test(field_lists_are_refused),
        cmocka_unit_test(cache_forgets_the_old_and_the_unused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
