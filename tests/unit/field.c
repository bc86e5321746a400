/* The field table: its rows are in order, and every field says what it should of plain, absent and
 * hostile values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "../support/frame.h"
#include "core/format.h"
#include "event/field.h"

extern const struct module fmt_text, fmt_json;

/* --- the table itself ----------------------------------------------------------------------- */

static void test_rows(void **state)
{
    (void)state;
    const struct field *field;
    unsigned columns = 0;
    for (size_t i = 0; (field = field_at(i)); i++) {
        assert_non_null(field->key);
        assert_non_null(field->doc);
        assert_true(strlen(field->key) <= FIELD_KEY_MAX);
        bool list = field->type == FIELD_LIST;
        enum field_type one = list ? field->of : field->type;
        assert_true((list || field->type == FIELD_TREE) == (field->put != NULL));
        assert_true((field->type != FIELD_TREE) == (field->get != NULL));
        assert_true(list == (field->next != NULL));
        assert_true((one == FIELD_WORD) == (field->word != NULL));
        assert_ptr_equal(field_find(span_str(field->name), NULL), field);
        assert_ptr_equal(field_find(span_str(field->key), NULL), field);
        if (field->column) {
            assert_int_equal(columns & 1u << field->column, 0);
            columns |= 1u << field->column;
        }
    }
    assert_int_equal(columns, 0x1ffe); /* columns 1 to 12, each once */
}

/* No code makes a word that is too long, empty, or more than letters, digits and - _. */
static void test_words(void **state)
{
    (void)state;
    const struct field *field;
    for (size_t i = 0; (field = field_at(i)); i++) {
        if (field->type != FIELD_WORD || strcmp(field->key, "malformed") == 0 ||
            strcmp(field->name, FIELD_TRUNCATED) == 0)
            continue;
        for (uint64_t code = 0; code < 70000; code++) {
            char word[64];
            size_t len = (size_t)(field->word(word, code < 65536 ? code : UINT32_MAX) - word);
            assert_true(len > 0 && len <= FIELD_WORD_MAX);
            word[len] = '\0';
            assert_int_equal(strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                          "0123456789-_"),
                             len);
        }
    }
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *wrong, *hint;
    } cases[] = {{"qnam", "qname"},
                 {"dns.qnmae", "dns.qname"},
                 {"query_ip", "query-ip"},
                 {"dns.flags.xx", NULL},
                 {"latencyy", "latency"},
                 {"", NULL},
                 {"dnstap.identiy", "dnstap.identity"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *hint = NULL;
        assert_null(field_find(span_str(cases[i].wrong), &hint));
        if (cases[i].hint)
            assert_string_equal(hint, cases[i].hint);
    }
    assert_null(field_find(span_of("qname\0", 6), NULL));
}

/* --- values --------------------------------------------------------------------------------- */

static const struct origin origin = {.peer = "192.0.2.99:4711"};

/* One field of an event in one format, without what stands around it. */
static void print(const struct module *module, const char *name, const struct dnstap *tap,
                  struct buf *out)
{
    const struct format_hooks *hooks = module->hooks;
    const struct format_spec spec = {.module = module, .fields = name};
    struct buf frame = {0};
    struct event ev;
    struct error err;
    void *state;
    uint32_t needs;
    assert_int_equal(hooks->open(&spec, &state, &needs, &err), 0);
    dnstap_encode(tap, &frame);
    event_init(&ev, buf_span(&frame), &origin);
    event_need(&ev, needs);
    assert_int_equal(hooks->event(state, &ev, out), FORMAT_WRITTEN);
    hooks->close(state);
    buf_free(&frame);
}

static void check(const char *name, const struct dnstap *tap, const char *json, const char *text)
{
    struct buf out = {0};
    const struct field *field = field_find(span_str(name), NULL);
    assert_non_null(field);
    print(&fmt_json, name, tap, &out);
    size_t lead = strlen("{\"\": ") + strlen(field->key);
    struct span value = span_of(out.data + lead, out.len - lead - 2);
    if (!span_equal(value, span_str(json)))
        fail_msg("%s in JSON: %.*s, not %s", name, (int)value.len, (const char *)value.ptr, json);
    out.len = 0;
    print(&fmt_text, name, tap, &out);
    value = span_of(out.data, out.len - 1);
    if (!span_equal(value, span_str(text)))
        fail_msg("%s in text: %.*s, not %s", name, (int)value.len, (const char *)value.ptr, text);
    buf_free(&out);
}

/* A row of a table: a field, and what it is in JSON and in text. */
struct row {
    const char *name, *json, *text;
};

static void check_rows(const struct row *rows, const struct dnstap *tap)
{
    for (; rows->name; rows++)
        check(rows->name, tap, rows->json, rows->text);
}

/* What every field says of frame_response: as JSON, as text. */
static const struct row response_rows[] = {
    {"dnstap.identity", "\"ns1\"", "ns1"},
    {"dns.qname", "\"www.example.\"", "www.example."},
    {"dns.qtype", "\"A\"", "A"},
    {"dns.qclass", "\"IN\"", "IN"},
    {"query.address", "\"198.51.100.7\"", "198.51.100.7"},
    {"query.port", "40000", "40000"},
    {"response.address", "\"192.0.2.53\"", "192.0.2.53"},
    {"response.port", "53", "53"},
    {"dnstap.latency", "null", "-"},
    {"dnstap.type", "\"CLIENT_RESPONSE\"", "CLIENT_RESPONSE"},
    {"dnstap.direction", "\"response\"", "response"},
    {"dnstap.side", "\"client\"", "client"},
    {"dnstap.family", "\"INET\"", "INET"},
    {"dnstap.protocol", "\"UDP\"", "UDP"},
    {"dns.length", "112", "112b"},
    {"dnstap.timestamp", "1795251042.994144123", "1795251042.994144123"},
    {"dnstap.time", "\"2026-11-21T08:50:42.994144123Z\"", "2026-11-21T08:50:42.994144123Z"},
    {"dns.rcode", "\"NOERROR\"", "NOERROR"},
    {"dns.id", "4660", "4660"},
    {"dns.opcode", "\"QUERY\"", "QUERY"},
    {"dns.flags", "[\"qr\", \"aa\", \"rd\", \"ra\"]", "[\"qr\",\"aa\",\"rd\",\"ra\"]"},
    {"dns.flags.qr", "true", "true"},
    {"dns.flags.aa", "true", "true"},
    {"dns.flags.tc", "false", "false"},
    {"dns.flags.rd", "true", "true"},
    {"dns.flags.ra", "true", "true"},
    {"dns.flags.z", "false", "false"},
    {"dns.flags.ad", "false", "false"},
    {"dns.flags.cd", "false", "false"},
    {"dns.qdcount", "1", "1"},
    {"dns.ancount", "2", "2"},
    {"dns.nscount", "1", "1"},
    {"dns.arcount", "1", "1"},
    {"dns.answer",
     "[{\"name\": \"www.example.\", \"type\": \"A\", \"class\": \"IN\", \"ttl\": 300, "
     "\"rdata\": \"192.0.2.1\"}, {\"name\": \"www.example.\", \"type\": \"A\", \"class\": "
     "\"IN\", \"ttl\": 300, \"rdata\": \"192.0.2.2\"}]",
     "[{\"name\":\"www.example.\",\"type\":\"A\",\"class\":\"IN\",\"ttl\":300,"
     "\"rdata\":\"192.0.2.1\"},{\"name\":\"www.example.\",\"type\":\"A\",\"class\":\"IN\","
     "\"ttl\":300,\"rdata\":\"192.0.2.2\"}]"},
    {"dns.answer-addresses", "[\"192.0.2.1\", \"192.0.2.2\"]", "[\"192.0.2.1\",\"192.0.2.2\"]"},
    {"dns.authority",
     "[{\"name\": \"example.\", \"type\": \"NS\", \"class\": \"IN\", \"ttl\": 3600, "
     "\"rdata\": \"ns.example.\"}]",
     "[{\"name\":\"example.\",\"type\":\"NS\",\"class\":\"IN\",\"ttl\":3600,"
     "\"rdata\":\"ns.example.\"}]"},
    {"dns.additional", "[]", "[]"},
    {"edns.version", "0", "0"},
    {"edns.udp-size", "1232", "1232"},
    {"edns.do", "true", "true"},
    {"edns.flags", "[\"do\"]", "[\"do\"]"},
    {"edns.rcode", "\"NOERROR\"", "NOERROR"},
    {"edns.client-subnet", "\"198.51.100.0/24/0\"", "198.51.100.0/24/0"},
    {"edns.client-prefix", "\"198.51.100.0/24\"", "198.51.100.0/24"},
    {"edns.options",
     "[{\"code\": 8, \"name\": \"ECS\", \"data\": \"198.51.100.0/24/0\"}, {\"code\": 10, "
     "\"name\": \"COOKIE\", \"data\": \"0102030405060708\"}]",
     "[{\"code\":8,\"name\":\"ECS\",\"data\":\"198.51.100.0/24/0\"},{\"code\":10,"
     "\"name\":\"COOKIE\",\"data\":\"0102030405060708\"}]"},
    {"edns",
     "{\"version\": 0, \"udp-size\": 1232, \"do\": true, \"flags\": [\"do\"], \"rcode\": "
     "\"NOERROR\", "
     "\"client-subnet\": \"198.51.100.0/24/0\", \"options\": [{\"code\": 8, \"name\": \"ECS\", "
     "\"data\": \"198.51.100.0/24/0\"}, {\"code\": 10, \"name\": \"COOKIE\", \"data\": "
     "\"0102030405060708\"}]}",
     "{\"version\":0,\"udp-size\":1232,\"do\":true,\"flags\":[\"do\"],\"rcode\":\"NOERROR\","
     "\"client-subnet\":\"198.51.100.0/24/0\",\"options\":[{\"code\":8,\"name\":\"ECS\","
     "\"data\":\"198.51.100.0/24/0\"},{\"code\":10,\"name\":\"COOKIE\",\"data\":"
     "\"0102030405060708\"}]}"},
    {"dnstap.query-zone", "null", "-"},
    {"dnstap.http-protocol", "null", "-"},
    {"policy", "null", "-"},
    {"policy.action", "null", "-"},
    {"dnstap.version", "\"server 1.0\"", "server\\0321.0"},
    {"dnstap.extra", "null", "-"},
    {"input.peer", "\"192.0.2.99:4711\"", "192.0.2.99:4711"},
    {"dnstap.query-time", "\"2026-11-21T08:50:42.992910123Z\"", "2026-11-21T08:50:42.992910123Z"},
    {"dnstap.response-time", "\"2026-11-21T08:50:42.994144123Z\"",
     "2026-11-21T08:50:42.994144123Z"},
    {"dnstap.query-length", "null", "-"},
    {"dnstap.response-length", "112", "112b"},
    {"dnstap.unknown", "null", "-"},
    {"dnstap.content", "\"MESSAGE\"", "MESSAGE"},
    {"dnstap.malformed", "null", "-"},
    {0},
};

static void test_response(void **state)
{
    (void)state;
    struct dnstap tap = frame_response();
    check_rows(response_rows, &tap);
}

/* A message that says next to nothing: every field is absent but what the frame itself tells. */
static void test_nothing_there(void **state)
{
    (void)state;
    const struct dnstap tap = {.has = DNSTAP_HAS_MESSAGE};
    const struct field *field;
    for (size_t i = 0; (field = field_at(i)); i++)
        if (strcmp(field->name, "input.peer") != 0 && strcmp(field->key, "malformed") != 0)
            check(field->name, &tap, "null", "-");
    check("malformed", &tap, "\"message\"", "message");
}

static void test_policy(void **state)
{
    (void)state;
    static const struct {
        struct dnstap_policy policy;
        const char *json;
    } cases[] = {
        {{.has = 31,
          .action = 1,
          .match = 1,
          .type = BYTES_INIT("RPZ"),
          .rule = BYTES_INIT("\x03"
                             "bad\x03rpz\x00"),
          .value = BYTES_INIT("\x03"
                              "bad\x00")},
         "{\"type\": \"RPZ\", \"rule\": \"bad.rpz.\", \"action\": \"NXDOMAIN\", \"match\": "
         "\"QNAME\", \"value\": \"bad.\"}"},
        {{.has = 31,
          .action = 99,
          .match = 3,
          .type = BYTES_INIT(""),
          .rule = BYTES_INIT("block list\n"),
          .value = BYTES_INIT("\xc0\x00\x02\x01")},
         "{\"type\": \"\", \"rule\": \"block list\\u000a\", \"action\": \"99\", \"match\": "
         "\"RESPONSE_IP\", \"value\": \"192.0.2.1\"}"},
        {{.has = DNSTAP_POLICY_HAS_VALUE | DNSTAP_POLICY_HAS_MATCH,
          .match = 2,
          .value = BYTES_INIT("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1")},
         "{\"type\": null, \"rule\": null, \"action\": null, \"match\": \"CLIENT_IP\", \"value\": "
         "\"192.0.2.1\"}"},
        {{.has = DNSTAP_POLICY_HAS_VALUE, .value = BYTES_INIT("\xc0\x00\x02\x01")},
         "{\"type\": null, \"rule\": null, \"action\": null, \"match\": null, \"value\": "
         "\"\\\\192\\u0000\\u0002\\u0001\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dnstap tap = frame_query();
        struct buf policy = {0}, out = {0};
        dnstap_policy_encode(&cases[i].policy, &policy);
        tap.has |= DNSTAP_HAS_POLICY;
        tap.policy = buf_span(&policy);
        print(&fmt_json, "policy", &tap, &out);
        struct span value = span_of(out.data + 11, out.len - 13);
        if (!span_equal(value, span_str(cases[i].json)))
            fail_msg("%.*s\nis not\n%s", (int)value.len, (const char *)value.ptr, cases[i].json);
        buf_free(&policy);
        buf_free(&out);
    }
}

/* By name and by key, of queries and responses; of a message without a type, or of one that nobody
 * knows, there is none. */
static void test_side(void **state)
{
    (void)state;
    struct dnstap tap = frame_response();
    tap.message_type = DNSTAP_RESOLVER_RESPONSE;
    check("dnstap.side", &tap, "\"upstream\"", "upstream");
    tap.message_type = DNSTAP_UPDATE_QUERY;
    check("side", &tap, "\"client\"", "client");
    tap.message_type = DNSTAP_UPDATE_RESPONSE + 1;
    check("side", &tap, "null", "-");
    tap.message_type = DNSTAP_CLIENT_QUERY;
    tap.has &= ~(uint32_t)DNSTAP_HAS_MESSAGE_TYPE;
    check("side", &tap, "null", "-");
}

/* What this version does not know: fields by number with their bytes, kinds by number. */
static void test_unknown(void **state)
{
    (void)state;
    struct dnstap tap = frame_query();
    tap.has |= DNSTAP_HAS_POLICY;
    tap.policy = BYTES("\x48\x05\x0a\x01x\x0d\x01\x02\x03\x04");
    check("unknown", &tap,
          "[{\"in\": \"policy\", \"field\": 9, \"hex\": \"4805\"}, "
          "{\"in\": \"policy\", \"field\": 1, \"hex\": \"0d01020304\"}]",
          "[{\"in\":\"policy\",\"field\":9,\"hex\":\"4805\"},"
          "{\"in\":\"policy\",\"field\":1,\"hex\":\"0d01020304\"}]");
    check("policy.type", &tap, "\"x\"", "x");
    tap.policy = BYTES("\x48\x05\x0a"); /* malformed: nothing of it is told */
    check("unknown", &tap, "null", "-");
    check("malformed", &tap, "\"policy\"", "policy");
    tap.type = 4711;
    check("content", &tap, "\"4711\"", "4711");
}

/* --- hostile values ------------------------------------------------------------------------- */

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        uint32_t family;
        struct span bytes;
        const char *json, *text;
    } cases[] = {
        {DNSTAP_INET, BYTES_INIT("\x0a\x00\x00\x01"), "\"10.0.0.1\"", "10.0.0.1"},
        /* Sixteen bytes: only mapped ones are IPv4, whatever the family says. */
        {DNSTAP_INET, BYTES_INIT("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1"), "\"10.0.0.1\"",
         "10.0.0.1"},
        {DNSTAP_INET, BYTES_INIT("\0\0\0\0\0\0\0\0\0\0\0\0\x0a\0\0\2"), "\"::10.0.0.2\"",
         "::10.0.0.2"},
        {DNSTAP_INET, BYTES_INIT("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x53"), "\"2001:db8::53\"",
         "2001:db8::53"},
        {DNSTAP_INET, BYTES_INIT("\0\0\0\0\0\0\0\0\xff\xff\0\0\x0a\0\0\1"), "\"::ffff:0:a00:1\"",
         "::ffff:0:a00:1"},
        {DNSTAP_INET6, BYTES_INIT("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), "\"2001:db8::1\"",
         "2001:db8::1"},
        {DNSTAP_INET6, BYTES_INIT("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1"), "\"10.0.0.1\"",
         "10.0.0.1"},
        {DNSTAP_INET6, BYTES_INIT("\x0a\x00\x00\x01"), "\"10.0.0.1\"", "10.0.0.1"},
        {DNSTAP_INET, BYTES_INIT("12345"), "null", "-"},
        {DNSTAP_INET6, BYTES_INIT("123456789012345"), "null", "-"},
        {DNSTAP_INET, BYTES_INIT(""), "null", "-"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dnstap tap = frame_query();
        tap.family = cases[i].family;
        tap.query_address = cases[i].bytes;
        check("query.address", &tap, cases[i].json, cases[i].text);
        bool odd = cases[i].bytes.len % 4 != 0;
        check("malformed", &tap, odd ? "\"address\"" : "null", odd ? "address" : "-");
        tap.query_address = (struct span){0};
        tap.response_address = cases[i].bytes;
        check("response.address", &tap, cases[i].json, cases[i].text);
        check("malformed", &tap, odd ? "\"address\"" : "null", odd ? "address" : "-");
    }
}

/* The family is that of the addresses, the query's before the response's; a number that is neither
 * INET nor INET6 stays, and so does what is said of no address. */
static void test_family(void **state)
{
    (void)state;
    static const struct span four = BYTES_INIT("\x0a\0\0\1"),
                             mapped = BYTES_INIT("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1"),
                             six = BYTES_INIT("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x53");
    const struct {
        uint32_t said;
        struct span query, response;
        const char *text;
    } cases[] = {
        {DNSTAP_INET, four, four, "INET"},   {DNSTAP_INET6, four, four, "INET"},
        {DNSTAP_INET6, mapped, six, "INET"}, {DNSTAP_INET6, six, six, "INET6"},
        {DNSTAP_INET, six, four, "INET6"},   {DNSTAP_INET, BYTES_INIT("odd"), six, "INET6"},
        {DNSTAP_INET, {0}, six, "INET6"},    {DNSTAP_INET6, {0}, {0}, "INET6"},
        {DNSTAP_INET, {0}, {0}, "INET"},     {7, four, six, "7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dnstap tap = frame_query();
        char json[16];
        tap.family = cases[i].said;
        tap.query_address = cases[i].query;
        tap.response_address = cases[i].response;
        snprintf(json, sizeof json, "\"%s\"", cases[i].text);
        check("dnstap.family", &tap, json, cases[i].text);
    }
}

/* All twelve bits of the response code, wherever in the additional section the OPT record is. */
static void test_rcode(void **state)
{
    (void)state;
#define HEAD "\x12\x34\x81\x87\0\1\0"
#define QUESTION "\3foo\0\0\1\0\1"
#define A "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
#define OPT "\0\0\x29\4\xd0\1\0\0\0\0\0"
    static const struct {
        struct span payload;
        const char *text;
    } cases[] = {
        {BYTES_INIT(HEAD "\0\0\0\0\0" QUESTION), "YXRRSET"},
        {BYTES_INIT(HEAD "\0\0\0\0\1" QUESTION OPT), "BADCOOKIE"},
        {BYTES_INIT(HEAD "\1\0\1\0\3" QUESTION A A A OPT A), "BADCOOKIE"},
        {BYTES_INIT(HEAD "\1\0\0\0\1" QUESTION A A), "YXRRSET"},     /* no OPT */
        {BYTES_INIT(HEAD "\1\0\0\0\0" QUESTION OPT), "YXRRSET"},     /* an answer is no OPT */
        {BYTES_INIT(HEAD "\0\0\0\0\3" QUESTION OPT A), "BADCOOKIE"}, /* breaks behind it */
        {BYTES_INIT(HEAD "\2\0\0\0\1" QUESTION A OPT), "YXRRSET"},   /* and before */
        {BYTES_INIT(HEAD "\0\0\0\0\1" QUESTION "\0\0\x29\4\xd0\1\0\0\0\0\1"), "YXRRSET"},
        {BYTES_INIT(HEAD "\0\0\0\0\2" QUESTION OPT "\0\0\x29\4\xd0\2\0\0\0\0\0"), "BADCOOKIE"},
        {BYTES_INIT(HEAD "\0\0\0\0\1\x3f" OPT), "YXRRSET"}, /* the question is bad */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dnstap tap = frame_response();
        struct buf all = {0};
        char json[16], expected[64];
        tap.response_message = cases[i].payload;
        snprintf(json, sizeof json, "\"%s\"", cases[i].text);
        check("dns.rcode", &tap, json, cases[i].text);
        /* And the same though all records are walked for another field first. */
        print(&fmt_json, "ancount,answers,edns,malformed,rcode", &tap, &all);
        int len = snprintf(expected, sizeof expected, ", \"rcode\": %s}\n", json);
        assert_memory_equal(all.data + all.len - (size_t)len, expected, (size_t)len);
        buf_free(&all);
    }
}

/* What is in the message and in no list is told: by the part that it belongs to. */
#define AT_ROOT(type, class, len) "\0\0" type "\0" class "\0\0\0\1\0" len
#define TSIG "\0\0\xfa\0\xff\0\0\0\0\0\x11" ZEROS_16 "\0"
#define SIG0 "\0\0\x18\0\xff\0\0\0\0\0\x13\0\0" ZEROS_16 "\0"
#define ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SIG5                                                                                       \
    "\0\0\x18\0\xff\0\0\0\0\0\x13\0\5"                                                             \
    "0123456789abcdef"                                                                             \
    "\0"
#define SIG5_CUT "\0\0\x18\0\xff\0\0\0\0\0\2\0\5"
#define ANSWER HEAD "\1\0\0\0\0" QUESTION
static const struct {
    struct span payload;
    const char *text;
} flaws[] = {
    {BYTES_INIT(HEAD "\1\0\1\0\1" QUESTION A A OPT), "-"},
    {BYTES_INIT(HEAD "\0\0\0\0\2" QUESTION OPT OPT), "edns"},
    {BYTES_INIT(HEAD "\0\0\0\0\3" QUESTION OPT A OPT), "edns"},
    {BYTES_INIT(HEAD "\1\0\0\0\0" QUESTION OPT), "edns"},
    {BYTES_INIT(HEAD "\0\0\1\0\1" QUESTION OPT OPT), "edns"},
    {BYTES_INIT(HEAD "\0\0\0\0\1" QUESTION "\1x" OPT), "edns"}, /* not the root's */
    {BYTES_INIT(HEAD "\0\0\0\0\1" QUESTION "\xc0\x10"
                     "\0\x29\4\xd0\1\0\0\0\0\0"),
     "edns"},
    {BYTES_INIT(HEAD "\0\0\0\0\1" QUESTION OPT "x"), "records"}, /* one byte more */
    {BYTES_INIT(HEAD "\0\0\0\0\0" QUESTION A), "records"},       /* a record more */
    /* Data that does not fit its type. */
    {BYTES_INIT(ANSWER AT_ROOT("\5", "\1", "\2") "\xc0\xff"), "records"},
    {BYTES_INIT(ANSWER AT_ROOT("\5", "\1", "\3") "\xc0\x0c\0"), "records"},
    {BYTES_INIT(ANSWER AT_ROOT("\5", "\1", "\2") "\xc0\x0c"), "-"},
    {BYTES_INIT(ANSWER AT_ROOT("\5", "\xff", "\0")), "-"}, /* an update has none */
    {BYTES_INIT(ANSWER AT_ROOT("\x0f", "\1", "\1") "\0"), "records"},
    {BYTES_INIT(ANSWER AT_ROOT("\x0f", "\1", "\4") "\0\0\xc0\x0c"), "-"},
    {BYTES_INIT(ANSWER AT_ROOT("\1", "\1", "\5") "12345"), "records"},
    {BYTES_INIT(ANSWER AT_ROOT("\1", "\1", "\0")), "records"},          /* but no answer */
    {BYTES_INIT(ANSWER AT_ROOT("\1", "\3", "\4") "\xc0\x0c\0\1"), "-"}, /* CH */
    {BYTES_INIT(ANSWER AT_ROOT("\1", "\3", "\5") "\xc0\x0c\0\1x"), "records"},
    {BYTES_INIT(ANSWER AT_ROOT("\1", "\4", "\5") "12345"), "-"}, /* HS has no such type */
    {BYTES_INIT(ANSWER AT_ROOT("\x10", "\1", "\3") "\2xy"), "-"},
    {BYTES_INIT(ANSWER AT_ROOT("\x10", "\1", "\3") "\3xy"), "records"},
    {BYTES_INIT(ANSWER AT_ROOT("\x2b", "\1", "\4") "\0\1\10\2"), "-"}, /* no digest */
    {BYTES_INIT(ANSWER AT_ROOT("\x1c", "\1", "\4") "1234"), "records"},
    {BYTES_INIT(ANSWER AT_ROOT("\x2f", "\1", "\5") "\xc0\x0c\0\1\1"), "-"},
    {BYTES_INIT(ANSWER AT_ROOT("\x2f", "\1", "\3") "\xc0\x0c\0"), "records"},
    {BYTES_INIT(ANSWER AT_ROOT("\x2f", "\1", "\2") "\xc0\xff"), "records"},
    {BYTES_INIT("\x12\x34\x30\0\0\0\0\0\0\0\0\0\0\1\0\4\0\0\0\0"), "-"}, /* but DSO */
    {BYTES_INIT("\x12\x34\x81\x80\0\2\0\0\0\0\0\0" QUESTION QUESTION), "question"},
    {BYTES_INIT(HEAD "\0\0\0\0\2" QUESTION OPT TSIG), "-"},
    {BYTES_INIT(HEAD "\0\0\0\0\1" QUESTION AT_ROOT("\xfa", "\xff", "\1") "\0"), "records"},
    {BYTES_INIT(HEAD "\0\0\0\0\1" QUESTION AT_ROOT("\xfa", "\xff", "\0")), "records"},
    {BYTES_INIT(HEAD "\0\0\0\0\2" QUESTION TSIG OPT), "records"},
    {BYTES_INIT(HEAD "\0\0\0\0\2" QUESTION TSIG TSIG), "records"},
    {BYTES_INIT(HEAD "\1\0\0\0\0" QUESTION TSIG), "records"},
    {BYTES_INIT(HEAD "\0\0\0\0\3" QUESTION OPT SIG0 SIG0), "-"},
    {BYTES_INIT(HEAD "\0\0\0\0\2" QUESTION SIG0 OPT), "records"},
    {BYTES_INIT(HEAD "\1\0\0\0\1" QUESTION SIG5 OPT), "-"}, /* covers a type: a record */
    {BYTES_INIT(HEAD "\1\0\0\0\1" QUESTION SIG5_CUT OPT), "records"},
};

static void test_flaws(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++) {
        struct dnstap tap = frame_response();
        char json[16];
        tap.response_message = flaws[i].payload;
        bool none = flaws[i].text[0] == '-';
        snprintf(json, sizeof json, none ? "null" : "\"%s\"", flaws[i].text);
        check("malformed", &tap, json, flaws[i].text);
    }
}

/* Of a message that breaks off, wherever it does, the records before the break are there. */
static void test_cut(void **state)
{
    (void)state;
    static const struct span whole = BYTES_INIT(HEAD "\2\0\1\0\3" QUESTION A A A OPT A A);
    static const size_t ends[] = {16, 16, 16, 11, 16, 16};
    size_t end = 12 + 9;
    for (size_t records = 0; records < 6; records++) {
        for (size_t more = 0; more < ends[records]; more += 5) {
            struct dnstap tap = frame_response();
            struct buf out = {0};
            size_t found = 0;
            tap.response_message = span_of(whole.ptr, end + more);
            print(&fmt_json, "answers,authority,additional,edns,malformed", &tap, &out);
            buf_str(&out, "");
            for (size_t i = 0; i + 9 < out.len; i++)
                found += memcmp(out.data + i, "\"1.2.3.4\"", 9) == 0;
            assert_int_equal(found, records - (records > 3));
            const char *edns = records > 3 ? "\"edns\": {\"version\": 0" : "\"edns\": null";
            assert_non_null(memmem(out.data, out.len, edns, strlen(edns)));
            assert_non_null(memmem(out.data, out.len, "\"malformed\": \"records\"", 22));
            buf_free(&out);
        }
        end += ends[records];
    }
}

/* Numbers at their limits and codes that nobody knows. */
static const struct row number_rows[] = {
    {"query.port", "0", "0"},
    {"response.port", "4294967295", "4294967295"},
    {"dnstap.type", "\"99\"", "99"},
    {"dnstap.direction", "\"query\"", "query"},
    {"dnstap.side", "null", "-"},
    {"dnstap.family", "\"3\"", "3"},
    {"dnstap.protocol", "\"4294967295\"", "4294967295"},
    {"dnstap.http-protocol", "\"HTTP3\"", "HTTP3"},
    {"dns.rcode", "\"RCODE13\"", "RCODE13"},
    {"dns.opcode", "\"OPCODE15\"", "OPCODE15"},
    {"dns.qtype", "\"TYPE65400\"", "TYPE65400"},
    {"dns.qclass", "\"CLASS5\"", "CLASS5"},
    {"dns.flags", "[\"tc\", \"z\", \"ad\", \"cd\"]", "[\"tc\",\"z\",\"ad\",\"cd\"]"},
    /* The last second that RFC 3339 can write; the number itself is exact. */
    {"dnstap.time", "\"9999-12-31T23:59:59.294967295Z\"", "9999-12-31T23:59:59.294967295Z"},
    {"dnstap.timestamp", "18446744073709551615.294967295", "18446744073709551615.294967295"},
    {0},
};

static void test_numbers(void **state)
{
    (void)state;
    struct dnstap tap = frame_query();
    tap.has |= DNSTAP_HAS_HTTP_PROTOCOL;
    tap.query_port = 0;
    tap.response_port = UINT32_MAX;
    tap.message_type = 99;
    tap.family = 3;
    tap.protocol = UINT32_MAX;
    tap.http_protocol = DNSTAP_HTTP3;
    tap.query_sec = UINT64_MAX;
    tap.query_nsec = UINT32_MAX;
    tap.query_message = BYTES("\x00\x00\x7a\x7d\x00\x01\x00\x00\x00\x00\x00\x00\x00\xff\x78\x00"
                              "\x05");
    check_rows(number_rows, &tap);
    /* More than a second of nanoseconds carries over. */
    tap.query_sec = 1795251042;
    tap.query_nsec = 1000000001;
    check("dnstap.time", &tap, "\"2026-11-21T08:50:43.000000001Z\"",
          "2026-11-21T08:50:43.000000001Z");
    check("dnstap.timestamp", &tap, "1795251043.000000001", "1795251043.000000001");
}

static void test_names_and_texts(void **state)
{
    (void)state;
    struct dnstap tap = frame_query();
    tap.has |= DNSTAP_HAS_EXTRA | DNSTAP_HAS_QUERY_ZONE;
    tap.query_message = BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                              "\x0b"
                              "a\nb\x1b c\"\\.\xff\0\x03www\x00\x00\x1c\x00\x01");
    tap.identity = BYTES("evil\n2026 \x1b[2J\xff");
    tap.version = BYTES("");
    tap.extra = BYTES("-");
    tap.query_zone = BYTES("\x07"
                           "example\x00");
    static const struct row rows[] = {
        {"dns.qname", "\"a\\\\010b\\\\027\\\\032c\\\\\\\"\\\\\\\\\\\\.\\\\255\\\\000.www.\"",
         "a\\010b\\027\\032c\\\"\\\\\\.\\255\\000.www."},
        {"dnstap.identity", "\"evil\\u000a2026 \\u001b[2J\\\\255\"",
         "evil\\0102026\\032\\027[2J\\255"},
        {"dnstap.version", "\"\"", "-"},
        {"dnstap.extra", "\"-\"", "-"},
        {"dnstap.query-zone", "\"example.\"", "example."},
        {0},
    };
    check_rows(rows, &tap);
    tap.query_zone = BYTES("example");
    check("query-zone", &tap, "\"example\"", "example");
    tap.query_zone = BYTES("\xc0\x00");
    check("query-zone", &tap, "\"\\\\192\\u0000\"", "\\192\\000");
}

/* An option that is cut is told; those before it show. */
static void test_cut_options(void **state)
{
    (void)state;
    struct dnstap tap = frame_query();
    tap.query_message = BYTES(
        "\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01" /* OPT alone */
        "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0a\x00\x0c\x00\x00\x00\x0a\x00\x08\x01\x02");
    check("malformed", &tap, "\"edns\"", "edns");
    check("edns.udp-size", &tap, "1232", "1232");
    check("edns.options", &tap, "[{\"code\": 12, \"name\": \"PADDING\", \"data\": \"\"}]",
          "[{\"code\":12,\"name\":\"PADDING\",\"data\":\"\"}]");
}

/* Flags with a name, and others. */
static void test_edns_flags(void **state)
{
    (void)state;
    struct dnstap tap = frame_query();
    tap.query_message = BYTES("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01"
                              "\x00\x00\x29\x04\xd0\x00\x00\x60\x01\x00\x00");
    check("edns.flags", &tap, "[\"co\", \"0x2000\", \"0x0001\"]", "[\"co\",\"0x2000\",\"0x0001\"]");
    check("edns.do", &tap, "false", "false");
    tap.query_message = BYTES("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01"
                              "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00");
    check("edns.flags", &tap, "[]", "[]");
}

/* Which part is malformed, and that the rest still shows. */
static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        struct span payload;
        const char *part, *text, *qname, *id;
    } cases[] = {
        {{0}, "null", "-", "null", "null"},
        {BYTES_INIT("\x12\x34"), "\"header\"", "header", "null", "null"},
        {BYTES_INIT("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x3f"), "\"question\"",
         "question", "null", "4660"},
        {BYTES_INIT("\x12\x34\x01\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x01\x00\x01"),
         "\"records\"", "records", "\".\"", "4660"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dnstap tap = frame_query();
        tap.query_message = cases[i].payload;
        if (!tap.query_message.ptr)
            tap.has &= ~(uint32_t)DNSTAP_HAS_QUERY_MESSAGE;
        struct buf out = {0};
        check("malformed", &tap, cases[i].part, cases[i].text);
        print(&fmt_json, "qname", &tap, &out);
        assert_memory_equal(out.data + 10, cases[i].qname, strlen(cases[i].qname));
        out.len = 0;
        print(&fmt_json, "id", &tap, &out);
        assert_memory_equal(out.data + 7, cases[i].id, strlen(cases[i].id));
        bool walked = strcmp(cases[i].text, "records") == 0; /* up to where it breaks */
        check("dns.answer", &tap, walked ? "[]" : "null", walked ? "[]" : "-");
        check("edns", &tap, "null", "-");
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_response),
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_rcode),
        cmocka_unit_test(test_flaws),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_names_and_texts),
        cmocka_unit_test(test_side),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_cut_options),
        cmocka_unit_test(test_edns_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
