/* What dnstap-receiver counts: an event's sample, the TLD of a name, counters by their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/pyfloat.h"
#include "compat/receiver_counters.h"
#include "compat/receiver_reader.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A response with SERVFAIL, EDNS's extended rcode 1 on top of it, for Www.EXAMPLE.com TXT. */
static const uint8_t response[] =
    "\x12\x34\x81\x82\0\1\0\0\0\0\0\1\3Www\7EXAMPLE\3com\0\0\x10\0\1\0\0\x29\4\xd0\1\0\x80\0\0\0";

static struct dnstap client_response(void)
{
    return (struct dnstap){
        .has = DNSTAP_HAS_IDENTITY | DNSTAP_HAS_MESSAGE | DNSTAP_HAS_TYPE |
               DNSTAP_HAS_MESSAGE_TYPE | DNSTAP_HAS_FAMILY | DNSTAP_HAS_PROTOCOL |
               DNSTAP_HAS_QUERY_ADDRESS | DNSTAP_HAS_QUERY_PORT | DNSTAP_HAS_RESPONSE_MESSAGE,
        .type = 1,
        .message_type = DNSTAP_CLIENT_RESPONSE,
        .family = DNSTAP_INET,
        .protocol = DNSTAP_TCP,
        .identity = span_str("id1"),
        .query_address = span_of("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16),
        .query_port = 40000,
        .response_message = span_of(response, sizeof response - 1),
    };
}

/* The sample of an event, and what it borrows: good until the next call. */
struct reading {
    struct buf frame;
    struct event ev;
    uint8_t space[SAMPLE_NAME_MAX + 1];
    struct stats_sample sample;
};

static bool read_frame(struct reading *r, struct span frame, const double *latency)
{
    static const struct origin origin = {.peer = "unit", .id = 7};
    static const struct siphash_key key = {{1, 2}};
    event_init(&r->ev, frame, &origin);
    r->ev.key = &key;
    event_need(&r->ev, receiver_stats_reader.needs);
    r->ev.has_latency = latency != NULL;
    r->ev.latency_s = latency ? *latency : 0;
    memset(&r->sample, 0, sizeof r->sample);
    return receiver_stats_reader.read(&r->ev, r->space, &r->sample);
}

static bool read_tap(struct reading *r, const struct dnstap *tap)
{
    r->frame.len = 0;
    dnstap_encode(tap, &r->frame);
    return read_frame(r, buf_span(&r->frame), NULL);
}

static void end(struct reading *r)
{
    buf_free(&r->frame);
}

static void assert_text(struct span got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.ptr, wanted, got.len);
}

static void a_sample_is_what_the_formats_show(void **state)
{
    struct reading r = {0};
    struct dnstap tap = client_response();
    (void)state;
    assert_true(read_tap(&r, &tap));
    assert_text(r.sample.identity, "id1");
    assert_text(r.sample.name, "www.example.com.");
    assert_int_equal(r.sample.client.len, 4);
    assert_memory_equal(r.sample.client.ptr, "\x0a\0\0\1", 4);
    assert_int_equal(r.sample.server.len, 0);
    assert_int_equal(r.sample.length, sizeof response - 1);
    assert_int_equal(r.sample.origin, 7);
    assert_int_equal(r.sample.kind.rcode, 2); /* without EDNS's part */
    assert_int_equal(r.sample.kind.flags, 0x8182);
    assert_true(r.sample.kind.has_qtype);
    assert_int_equal(r.sample.qtype, 16);
    assert_int_equal(r.sample.kind.direction, STATS_RESPONSE);
    assert_int_equal(r.sample.kind.side, STATS_CLIENT);
    assert_int_equal(r.sample.kind.message_type, DNSTAP_CLIENT_RESPONSE);
    assert_int_equal(r.sample.kind.transport, DNSTAP_TCP);
    assert_int_equal(r.sample.kind.family, DNSTAP_INET);
    assert_int_equal(r.sample.kind.marks, 1 << SAMPLE_EDNS | 1 << SAMPLE_DO);
    assert_false(r.sample.has_latency);
    end(&r);
}

static void absent_values_have_their_defaults(void **state)
{
    struct reading r = {0};
    struct dnstap tap = {.has = DNSTAP_HAS_MESSAGE | DNSTAP_HAS_QUERY_MESSAGE,
                         .query_message = span_of(response, sizeof response - 1)};
    (void)state;
    assert_true(read_tap(&r, &tap));
    assert_text(r.sample.identity, "-");
    assert_int_equal(r.sample.client.len, 0);
    assert_int_equal(r.sample.kind.direction, STATS_QUERY);
    assert_int_equal(r.sample.kind.message_type, DNSTAP_AUTH_QUERY);
    assert_int_equal(r.sample.kind.transport, DNSTAP_UDP);
    assert_int_equal(r.sample.kind.family, DNSTAP_INET);
    end(&r);
}

static void what_has_no_line_is_not_counted(void **state)
{
    struct reading r = {0};
    (void)state;
    struct dnstap tap = client_response();
    tap.response_message.len = DNS_HEADER_LEN - 1;
    assert_false(read_tap(&r, &tap));
    tap = client_response();
    tap.query_address.len = 5;
    assert_false(read_tap(&r, &tap));
    tap = client_response();
    tap.identity = span_str("\xff");
    assert_false(read_tap(&r, &tap));
    assert_false(read_frame(&r, span_str("\xff"), NULL));
    end(&r);
}

/* The name's key for a message with this behind the header. */
static struct span name_of(struct reading *r, const void *question, size_t len)
{
    uint8_t message[1024];
    struct dnstap tap = client_response();
    memcpy(message, response, DNS_HEADER_LEN);
    memcpy(message + DNS_HEADER_LEN, question, len);
    tap.response_message = span_of(message, DNS_HEADER_LEN + len);
    assert_true(read_tap(r, &tap));
    return r->sample.name;
}

#define NAME(r, literal) name_of(r, "" literal, sizeof(literal) - 1)

static void names_are_text_in_lower_case(void **state)
{
    struct reading r = {0};
    (void)state;
    assert_text(NAME(&r, "\0\0\1\0\1"), ".");
    assert_int_equal(r.sample.qtype, 1);
    assert_text(NAME(&r, "\5Az@[`\0\0\1\0\1"), "az@[`.");
    assert_text(NAME(&r, "\7B\xc3\x9c\x43HER\1X\0\0\1\0\1"), "b\xc3\xbc\x63her.x.");
    assert_text(NAME(&r, "\3a\xffZ\0\0\1\0\1"), "az.");
    assert_text(NAME(&r, "\3wWw\0\0\x10\0"), "www."); /* the question ends within the class */
    assert_true(r.sample.kind.has_qtype);
    assert_int_equal(r.sample.qtype, 0);
    assert_text(NAME(&r, "\77wW"), "ww.");
    struct dnstap tap = client_response();
    uint8_t message[sizeof response - 1];
    memcpy(message, response, sizeof message);
    message[5] = 0; /* no question */
    tap.response_message = span_of(message, sizeof message);
    assert_true(read_tap(&r, &tap));
    assert_text(r.sample.name, "-");
    assert_false(r.sample.kind.has_qtype);
    end(&r);
}

static void long_names_are_cut(void **state)
{
    struct reading r = {0};
    uint8_t question[5 * 200 + 5] = {0};
    (void)state;
    for (size_t at = 0; at < 5 * 200; at++)
        question[at] = at % 200 ? 'A' : 199;
    struct span name = name_of(&r, question, sizeof question);
    assert_int_equal(name.len, SAMPLE_NAME_MAX);
    for (size_t at = 0; at < name.len; at++)
        assert_int_equal(name.ptr[at], at == 199 || at == SAMPLE_NAME_MAX - 1 ? '.' : 'a');
    end(&r);
}

static void latencies_are_whole_milliseconds(void **state)
{
    struct reading r = {0};
    struct dnstap tap = client_response();
    (void)state;
    dnstap_encode(&tap, &r.frame);
    for (int ms = -1000; ms <= 5000; ms++) {
        double seconds = pyfloat_round3(1700000000.123456 + ms / 1e3 - 1700000000.123456);
        assert_true(read_frame(&r, buf_span(&r.frame), &seconds));
        assert_true(r.sample.has_latency);
        assert_int_equal(r.sample.latency_ns, (int64_t)ms * 1000000);
    }
    const double extremes[] = {1e300, -1e300, 1.8e19, 9e15};
    for (size_t i = 0; i < COUNT(extremes); i++) {
        read_frame(&r, buf_span(&r.frame), &extremes[i]);
        assert_int_equal(r.sample.latency_ns, extremes[i] > 0 ? INT64_MAX : INT64_MIN);
    }
    end(&r);
}

static void a_tld_may_be_the_first_label_of_two(void **state)
{
    static const struct {
        const char *name, *tld;
    } rows[] = {
        {"www.example.com.", "com"},
        {"com.", "com"},
        {"a.b.co.uk.", "uk"},
        {"museum.lan.", "museum"},
        {"a.museum.lan.", NULL},
        {"co.uk.lan.", NULL},
        {"com.museum.", "museum"},
        {"www.example.ck.", "ck"},
        {"x.xn--p1ai.", "xn--p1ai"},
        {"x.\xd1\x80\xd1\x84.", NULL},
        {"1.in-addr.arpa.", "arpa"},
        {"x.lan.", NULL},
        {".", NULL},
        {"-", NULL},
        {"..", NULL},
        {"com..", "com"},
        {"com", "com"},
        {"x.zz.", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span tld = receiver_stats_reader.tld(span_str(rows[i].name));
        if (rows[i].tld)
            assert_text(tld, rows[i].tld);
        else
            assert_null(tld.ptr);
    }
    assert_false(receiver_is_tld(span_str("co.uk")));
    assert_false(receiver_is_tld(span_str("")));
    assert_false(receiver_is_tld(span_of("com\0m", 5)));
}

/* --- counters ------------------------------------------------------------------------------- */

static struct stats_snapshot *snapshot_of_one(void)
{
    struct stats_snapshot *snapshot = calloc(1, sizeof *snapshot + sizeof snapshot->streams[0]);
    assert_non_null(snapshot);
    snapshot->stream_count = 1;
    snapshot->total[STATS_CLIENT].distinct = (struct stats_distinct){3, 100, 60, 70};
    snapshot->streams[0][STATS_CLIENT].distinct = (struct stats_distinct){2, 90, 50, 65};
    return snapshot;
}

static uint64_t get(const struct receiver_counters *counters, const char *name)
{
    return receiver_counters_get(counters, span_str(name));
}

static void every_counter_has_its_name(void **state)
{
    static const struct {
        const char *name;
        size_t offset; /* in struct stats_direction_counters */
    } rows[] = {
#define ROW(name, member) {name, offsetof(struct stats_direction_counters, member)}
        ROW("bytes", bytes),
        ROW("udp", transport[1]),
        ROW("tcp", transport[2]),
        ROW("dot", transport[3]),
        ROW("doh", transport[4]),
        ROW("dnscryptudp", transport[5]),
        ROW("dnscrypttcp", transport[6]),
        ROW("doq", transport[7]),
        ROW("inet", family[1]),
        ROW("inet6", family[2]),
        ROW("latency0_1", bucket[0]),
        ROW("latency1_10", bucket[1]),
        ROW("latency10_50", bucket[2]),
        ROW("latency50_100", bucket[3]),
        ROW("latency100_1000", bucket[4]),
        ROW("latency_slow", bucket[5]),
        ROW("noerror", rcode[0]),
        ROW("noimp", rcode[4]),
        ROW("dsotypeni", rcode[11]),
        ROW("none", qtype[0]),
        ROW("a", qtype[1]),
        ROW("nsap_ptr", qtype[23]),
        ROW("tsla", qtype[52]),
        ROW("amtrelay", qtype[259]),
#undef ROW
    };
    struct stats_snapshot *snapshot = snapshot_of_one();
    struct receiver_counters counters;
    (void)state;
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++) {
        char *base = (char *)&snapshot->total[STATS_CLIENT].counters.direction[direction];
        for (size_t i = 0; i < COUNT(rows); i++)
            *(uint64_t *)(base + rows[i].offset) = 1000 * (unsigned)direction + i + 1;
    }
    receiver_counters_read(&counters, snapshot, &snapshot->total[STATS_CLIENT], true);
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++) {
        for (size_t i = 0; i < COUNT(rows); i++) {
            char name[64];
            snprintf(name, sizeof name, "%s/%s", direction ? "response" : "query", rows[i].name);
            assert_int_equal(get(&counters, name), 1000 * (unsigned)direction + i + 1);
            name[strlen(name) - 1] -= 'a' - 'A'; /* upper case is another name */
            assert_int_equal(get(&counters, name), 0);
        }
    }
    const char *nothing[] = {"", "/", "query/", "query/-", "noerror", "query/a/b", "clients/udp"};
    for (size_t i = 0; i < COUNT(nothing); i++)
        assert_int_equal(get(&counters, nothing[i]), 0);
    free(snapshot);
}

static void what_has_no_name_adds_up(void **state)
{
    struct stats_snapshot *snapshot = snapshot_of_one();
    struct stats_counters *c = &snapshot->total[STATS_CLIENT].counters;
    struct receiver_counters counters;
    (void)state;
    c->direction[STATS_QUERY].rcode[12] = 1;
    c->direction[STATS_QUERY].rcode[COUNTERS_RCODES - 1] = 2;
    c->direction[STATS_QUERY].qtype[31] = 4;
    c->direction[STATS_QUERY].no_qtype = 8;
    c->rare_type[0] = 32768;
    c->direction[STATS_QUERY].rare_qtype[0] = 16;
    c->rare_type[1] = 65280;
    c->direction[STATS_QUERY].rare_qtype[1] = 32;
    c->direction[STATS_QUERY].rare_qtype[COUNTERS_RARE - 1] = 64;
    receiver_counters_read(&counters, snapshot, &snapshot->total[STATS_CLIENT], true);
    assert_int_equal(get(&counters, "query/-"), 1 + 2 + 4 + 8 + 32 + 64);
    assert_int_equal(get(&counters, "query/ta"), 16);
    assert_int_equal(get(&counters, "response/-"), 0);
    /* The largest count first. */
    assert_int_equal(counters.rrtypes[STATS_QUERY].count, 2);
    assert_ptr_equal(counters.rrtypes[STATS_QUERY].counts[0].word, &receiver_absent);
    assert_int_equal(counters.rrtypes[STATS_QUERY].counts[0].value, 4 + 8 + 32 + 64);
    free(snapshot);
}

static void gauges(void **state)
{
    struct stats_snapshot *snapshot = snapshot_of_one();
    struct stats_stream *stream = &snapshot->streams[0][STATS_CLIENT];
    struct receiver_counters counters;
    (void)state;
    stream->counters.direction[STATS_QUERY].events = 11;
    stream->counters.direction[STATS_RESPONSE].events = 12;
    stream->rates[STATS_QUERY].last = 6.6;
    stream->rates[STATS_RESPONSE].last = 2.4;
    stream->last_direction = STATS_RESPONSE;
    receiver_counters_read(&counters, snapshot, stream, true);
    assert_int_equal(get(&counters, "query"), 11);
    assert_int_equal(get(&counters, "response"), 12);
    assert_int_equal(get(&counters, "qps"), 7);
    assert_int_equal(get(&counters, "rps"), 2);
    assert_int_equal(get(&counters, "pps"), 9);
    assert_int_equal(get(&counters, "clients"), 2);
    assert_int_equal(get(&counters, "domains"), 65);
    stream->last_direction = STATS_QUERY;
    receiver_counters_read(&counters, snapshot, stream, true);
    assert_int_equal(get(&counters, "domains"), 50);
    receiver_counters_read(&counters, snapshot, stream, false);
    assert_int_equal(get(&counters, "domains"), 90);
    receiver_counters_read(&counters, snapshot, &snapshot->total[STATS_CLIENT], true);
    assert_int_equal(get(&counters, "domains"), 100);
    free(snapshot);
}

/* All words at once fit, and each comes back to its number. */
static void words_and_numbers_agree(void **state)
{
    struct stats_snapshot *snapshot = snapshot_of_one();
    struct stats_direction_counters *direction =
        &snapshot->total[STATS_CLIENT].counters.direction[STATS_RESPONSE];
    struct receiver_counters counters;
    (void)state;
    for (unsigned i = 0; i < COUNTERS_QTYPES; i++)
        direction->qtype[i] = i + 1;
    for (unsigned i = 0; i < COUNTERS_RARE - 1; i++) {
        snapshot->total[STATS_CLIENT].counters.rare_type[i] = (uint16_t)(32768 + i);
        direction->rare_qtype[i] = 1;
    }
    receiver_counters_read(&counters, snapshot, &snapshot->total[STATS_CLIENT], false);
    uint64_t sum = 0;
    for (size_t i = 0; i < counters.rrtypes[STATS_RESPONSE].count; i++)
        sum += counters.rrtypes[STATS_RESPONSE].counts[i].value;
    assert_int_equal(sum, COUNTERS_QTYPES * (COUNTERS_QTYPES + 1) / 2 + COUNTERS_RARE - 1);
    for (uint32_t type = 0; type <= UINT16_MAX; type++) {
        char text[RECEIVER_WORD_MAX];
        const struct receiver_word *word = receiver_rrtype((uint16_t)type);
        if (word != &receiver_absent)
            assert_int_equal(receiver_rrtype_number(receiver_word_lower(word, text)), type);
    }
    assert_int_equal(receiver_rrtype_number(span_str("-")), -1);
    assert_int_equal(receiver_rrtype_number(span_str("")), -1);
    assert_int_equal(receiver_rrtype_number(span_str("AAAA")), -1);
    assert_int_equal(receiver_rcode_number(span_str("nxdomain")), 3);
    assert_int_equal(receiver_rcode_number(span_str("-")), -1);
    free(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_is_what_the_formats_show),
        cmocka_unit_test(absent_values_have_their_defaults),
        cmocka_unit_test(what_has_no_line_is_not_counted),
        cmocka_unit_test(names_are_text_in_lower_case),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(latencies_are_whole_milliseconds),
        cmocka_unit_test(a_tld_may_be_the_first_label_of_two),
        cmocka_unit_test(every_counter_has_its_name),
        cmocka_unit_test(what_has_no_name_adds_up),
        cmocka_unit_test(gauges),
        cmocka_unit_test(words_and_numbers_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
