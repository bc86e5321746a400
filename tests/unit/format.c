/* The formats as a whole: a record from end to end, the choice of fields, and what cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/frame.h"
#include "core/format.h"
#include "wire/fstrm.h"

extern const struct module fmt_text, fmt_json, fmt_yaml, fmt_fstrm;

struct output {
    const struct format_hooks *hooks;
    void *state;
    uint32_t needs;
    struct buf out;
};

static struct output open_format(const struct module *module, const char *list)
{
    struct output o = {.hooks = module->hooks};
    const struct format_spec spec = {.module = module, .fields = list};
    struct error err;
    assert_int_equal(o.hooks->open(&spec, &o.state, &o.needs, &err), 0);
    return o;
}

static int print(struct output *o, const struct dnstap *tap)
{
    static const struct origin origin = {.peer = "unix"};
    struct buf frame = {0};
    struct event ev;
    dnstap_encode(tap, &frame);
    event_init(&ev, buf_span(&frame), &origin);
    ev.latency_ns = 1234000;
    ev.has_latency = !dnstap_is_query(tap);
    event_need(&ev, o->needs);
    int result = o->hooks->event(o->state, &ev, &o->out);
    buf_free(&frame);
    return result;
}

static void close_format(struct output *o)
{
    if (o->hooks->close)
        o->hooks->close(o->state);
    buf_free(&o->out);
}

static void expect(const struct module *module, const char *list, const struct dnstap *tap,
                   const char *wanted)
{
    struct output o = open_format(module, list);
    assert_int_equal(print(&o, tap), FORMAT_WRITTEN);
    buf_byte(&o.out, '\0');
    assert_string_equal((const char *)o.out.data, wanted);
    close_format(&o);
}

static void test_text(void **state)
{
    (void)state;
    struct dnstap query = frame_query(), response = frame_response();
    expect(&fmt_text, NULL, &query,
           "2026-11-21T08:50:42.992910123Z ns1 CLIENT_QUERY NOERROR 198.51.100.7 40000 INET UDP "
           "29b www.example. A -\n");
    expect(&fmt_text, NULL, &response,
           "2026-11-21T08:50:42.994144123Z ns1 CLIENT_RESPONSE NOERROR 198.51.100.7 40000 INET UDP "
           "112b www.example. A 0.001234\n");
    expect(&fmt_text, "qname, dns.flags.aa ,rcode", &response, "www.example. true NOERROR\n");
    expect(&fmt_text, "id", &response, "4660\n");
    /* Nothing but a type. */
    const struct dnstap bare = {.has = DNSTAP_HAS_TYPE, .type = 1, .message_type = 1};
    expect(&fmt_text, NULL, &bare, "- - - - - - - - - - - -\n");
}

static void test_json(void **state)
{
    (void)state;
    struct dnstap query = frame_query(), response = frame_response();
    expect(&fmt_json, NULL, &query,
           "{\"identity\": \"ns1\", \"qname\": \"www.example.\", \"rrtype\": \"A\", "
           "\"query-ip\": \"198.51.100.7\", \"query-port\": 40000, \"response-ip\": "
           "\"192.0.2.53\", \"response-port\": 53, \"latency\": null, \"message\": "
           "\"CLIENT_QUERY\", \"family\": \"INET\", \"protocol\": \"UDP\", \"length\": 29, "
           "\"timestamp\": 1795251042.992910123, \"type\": \"query\", \"rcode\": \"NOERROR\", "
           "\"id\": 4660, \"datetime\": \"2026-11-21T08:50:42.992910123Z\", \"side\": "
           "\"client\", \"opcode\": \"QUERY\", \"class\": \"IN\", \"flags\": [\"rd\"], "
           "\"qdcount\": 1, \"ancount\": 0, "
           "\"nscount\": 0, \"arcount\": 0, \"answers\": [], \"authority\": [], \"additional\": "
           "[], \"edns\": null, \"query-zone\": null, \"http-protocol\": null, \"policy\": null, "
           "\"version\": \"server 1.0\", \"extra\": null, \"peer\": \"unix\", \"query-time\": "
           "\"2026-11-21T08:50:42.992910123Z\", \"response-time\": null, "
           "\"query-message-length\": 29, \"response-message-length\": null, \"unknown\": null, "
           "\"malformed\": null}\n");
    expect(&fmt_json, "latency,id,edns.client-subnet", &response,
           "{\"latency\": 0.001234, \"id\": 4660, \"edns-client-subnet\": "
           "\"198.51.100.0/24/0\"}\n");
}

static void test_yaml(void **state)
{
    (void)state;
    struct dnstap response = frame_response();
    expect(&fmt_yaml, "identity,rrtype,query-ip,latency,flags,dns.additional,answers,policy,edns",
           &response,
           "identity: \"ns1\"\n"
           "rrtype: A\n"
           "query-ip: \"198.51.100.7\"\n"
           "latency: 0.001234\n"
           "flags:\n"
           "  - qr\n"
           "  - aa\n"
           "  - rd\n"
           "  - ra\n"
           "additional: []\n"
           "answers:\n"
           "  - name: \"www.example.\"\n"
           "    type: A\n"
           "    class: IN\n"
           "    ttl: 300\n"
           "    rdata: \"192.0.2.1\"\n"
           "  - name: \"www.example.\"\n"
           "    type: A\n"
           "    class: IN\n"
           "    ttl: 300\n"
           "    rdata: \"192.0.2.2\"\n"
           "policy: null\n"
           "edns:\n"
           "  version: 0\n"
           "  udp-size: 1232\n"
           "  do: true\n"
           "  flags:\n"
           "    - do\n"
           "  rcode: NOERROR\n"
           "  client-subnet: \"198.51.100.0/24/0\"\n"
           "  options:\n"
           "    - code: 8\n"
           "      name: ECS\n"
           "      data: \"198.51.100.0/24/0\"\n"
           "    - code: 10\n"
           "      name: COOKIE\n"
           "      data: \"0102030405060708\"\n"
           "---\n");
    /* The type NULL is a word, not YAML's null. */
    response.response_message = BYTES("\x12\x34\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                      "\x00\x00\x0a\x00\x01");
    expect(&fmt_yaml, "rrtype,qname", &response, "rrtype: \"NULL\"\nqname: \".\"\n---\n");
    /* Surrogates are no characters to YAML. */
    response.identity = BYTES("ns\xf3\xa0\x81\xa1");
    expect(&fmt_yaml, "identity", &response, "identity: \"ns\\U000e0061\"\n---\n");
    expect(&fmt_json, "identity", &response, "{\"identity\": \"ns\\udb40\\udc61\"}\n");
}

/* Latencies of all signs and sizes. */
static void test_latency(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0.000000\n"},
        {1, "0.000000\n"},
        {-1, "0.000000\n"},
        {499, "0.000000\n"},
        {500, "0.000001\n"},
        {-500, "-0.000001\n"},
        {1234000, "0.001234\n"},
        {999999500, "1.000000\n"},
        {-2500000000, "-2.500000\n"},
        {INT64_MAX, "9223372036.854776\n"},
        {INT64_MIN, "-9223372036.854776\n"},
    };
    struct output o = open_format(&fmt_text, "latency");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct event ev;
        event_init(&ev, BYTES("\x78\x01"), NULL);
        ev.has_latency = true;
        ev.latency_ns = cases[i].ns;
        event_need(&ev, o.needs);
        o.out.len = 0;
        assert_int_equal(o.hooks->event(o.state, &ev, &o.out), FORMAT_WRITTEN);
        assert_true(span_equal(buf_span(&o.out), span_str(cases[i].text)));
    }
    close_format(&o);
}

static void test_field_lists(void **state)
{
    (void)state;
    static const struct {
        const struct module *module;
        const char *list, *error;
    } cases[] = {
        {&fmt_text, "qnam", "unknown field 'qnam'; did you mean 'qname'? (see: spile fields)"},
        {&fmt_json, "qname,dns.rcod",
         "unknown field 'dns.rcod'; did you mean 'dns.rcode'? (see: spile fields)"},
        {&fmt_json, "a,b", "unknown field 'a' (see: spile fields)"},
        {&fmt_text, "datetime,nope", "unknown field 'nope' (see: spile fields)"},
        {&fmt_yaml, "qname,,rcode", "unknown field '' (see: spile fields)"},
        {&fmt_yaml, "", "unknown field '' (see: spile fields)"},
        {&fmt_json, "qname,", "unknown field '' (see: spile fields)"},
        {&fmt_json, "qname,dns.qname", "the field 'dns.qname' is named twice"},
        {&fmt_fstrm, "qname", "frames are kept whole: the format fstrm has no fields to choose"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct format_hooks *hooks = cases[i].module->hooks;
        const struct format_spec spec = {.module = cases[i].module, .fields = cases[i].list};
        static int untouched;
        void *instance = &untouched;
        uint32_t needs = 4711;
        struct error err;
        assert_int_equal(hooks->open(&spec, &instance, &needs, &err), -1);
        assert_string_equal(err.text, cases[i].error);
        assert_ptr_equal(instance, &untouched); /* out-parameters untouched */
        assert_int_equal(needs, 4711);
    }
}

/* Only what is needed is decoded. */
static void test_needs(void **state)
{
    (void)state;
    static const struct {
        const struct module *module;
        const char *list;
        uint32_t needs;
    } cases[] = {
        {&fmt_fstrm, NULL, 0},
        {&fmt_text, "identity", FACET_DNSTAP},
        {&fmt_text, "id,opcode", FACET_DNSTAP | FACET_HEADER},
        {&fmt_text, NULL, FACET_DNSTAP | FACET_RCODE | FACET_QUESTION | FACET_LATENCY},
        {&fmt_json, "edns.do", FACET_DNSTAP | FACET_EDNS},
        {&fmt_json, "policy.action", FACET_DNSTAP | FACET_POLICY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct output o = open_format(cases[i].module, cases[i].list);
        assert_int_equal(o.needs, cases[i].needs);
        close_format(&o);
    }
}

static void test_not_dnstap(void **state)
{
    (void)state;
    static const struct module *const modules[] = {&fmt_text, &fmt_json, &fmt_yaml};
    for (size_t i = 0; i < 3; i++) {
        struct output o = open_format(modules[i], NULL);
        struct event ev;
        event_init(&ev, BYTES("GET / HTTP/1.1"), NULL);
        event_need(&ev, o.needs);
        assert_int_equal(o.hooks->event(o.state, &ev, &o.out), DROP_MALFORMED);
        close_format(&o);
    }
}

/* The file that fstrm writes is read again by the codec, frame for frame. */
static void test_fstrm(void **state)
{
    (void)state;
    struct output o = open_format(&fmt_fstrm, NULL);
    struct dnstap query = frame_query(), response = frame_response();
    struct span frames[4];
    size_t count, used;
    struct fstrm_rx rx;
    o.hooks->begin(&o.out);
    assert_int_equal(print(&o, &query), FORMAT_WRITTEN);
    assert_int_equal(print(&o, &response), FORMAT_WRITTEN);
    struct event ev;
    event_init(&ev, BYTES("anything"), NULL);
    assert_int_equal(o.hooks->event(o.state, &ev, &o.out), FORMAT_WRITTEN);
    event_init(&ev, BYTES(""), NULL);
    assert_int_equal(o.hooks->event(o.state, &ev, &o.out), DROP_MALFORMED);
    o.hooks->end(&o.out);
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), FSTRM_FRAME_MAX, false);
    assert_int_equal(fstrm_rx_feed(&rx, buf_span(&o.out), frames, 4, &count, &used), FSTRM_STOPPED);
    assert_int_equal(count, 3);
    assert_int_equal(used, o.out.len);
    struct dnstap tap;
    assert_int_equal(dnstap_decode(frames[1], &tap), 0);
    assert_int_equal(tap.message_type, DNSTAP_CLIENT_RESPONSE);
    assert_true(span_equal(frames[2], BYTES("anything")));
    close_format(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),        cmocka_unit_test(test_json),
        cmocka_unit_test(test_yaml),        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_field_lists), cmocka_unit_test(test_needs),
        cmocka_unit_test(test_not_dnstap),  cmocka_unit_test(test_fstrm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
