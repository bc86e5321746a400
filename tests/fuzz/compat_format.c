/*
 * A frame of any bytes through the latency stage and the formats of dnstap-receiver. All three
 * agree on whether it is shown; text is UTF-8, and onto a terminal one line without control
 * characters; JSON is one line of well-formed ASCII; YAML reads back, by libyaml, as seventeen keys
 * with the very identity and name. The statistics count it as it is shown.
 */
#include <assert.h>
#include <math.h>
#include <string.h>
#include <yaml.h>

#include "../support/json_check.h"
#include "../support/stages.h"
#include "compat/pyutf8.h"
#include "compat/receiver_reader.h"
#include "compat/receiver_record.h"
#include "compat/receiver_words.h"
#include "core/format.h"
#include "fuzz.h"

extern const struct module receiver_text, receiver_json, receiver_yaml, receiver_latency;

enum { TEXT, TERMINAL, JSON, YAML, INSTANCES };

static struct instance {
    const struct module *module;
    bool terminal;
    void *state;
} instances[] = {
    [TEXT] = {.module = &receiver_text},
    [TERMINAL] = {.module = &receiver_text, .terminal = true},
    [JSON] = {.module = &receiver_json},
    [YAML] = {.module = &receiver_yaml},
};

static const struct stage_hooks *stage;
static void *stage_state;

static void open_all(void)
{
    static const struct settings settings;
    struct error err;
    uint32_t needs;
    stage = receiver_latency.hooks;
    int opened = stage_open_alone(stage, &stage_state, &settings, 1, &err);
    assert(opened == 0);
    for (int i = 0; i < INSTANCES; i++) {
        struct instance *in = &instances[i];
        const struct format_hooks *hooks = in->module->hooks;
        const struct format_spec spec = {.module = in->module, .terminal = in->terminal};
        opened = hooks->open(&spec, &in->state, &needs, &err);
        assert(opened == 0 && needs == (FACET_DNSTAP | FACET_LATENCY));
    }
}

static void check_terminal(struct span record)
{
    const uint8_t *p = record.ptr, *end = p + record.len - 1;
    while (p < end) {
        unsigned len = pyutf8_sequence(p, end);
        uint32_t code = pyutf8_code(p, len);
        assert(len > 0 && code >= 0x20 && (code < 0x7f || code >= 0xa0));
        p += len;
    }
}

/* Nobody writes lines of his own. */
static void check_line(struct span record)
{
    assert(memchr(record.ptr, '\n', record.len) == record.ptr + record.len - 1);
    assert(!memchr(record.ptr, '\r', record.len));
}

static void check_json(struct span record)
{
    for (size_t i = 0; i + 1 < record.len; i++)
        assert(record.ptr[i] >= 0x20 && record.ptr[i] <= 0x7e);
    assert(json_check((const char *)record.ptr, record.len - 1));
}

/* The next event's scalar, which has to be there. */
static void expect_scalar(yaml_parser_t *parser, struct span *text, yaml_event_t *event)
{
    int parsed = yaml_parser_parse(parser, event);
    assert(parsed && event->type == YAML_SCALAR_EVENT);
    *text = span_of(event->data.scalar.value, event->data.scalar.length);
}

static void skip(yaml_parser_t *parser, yaml_event_type_t type)
{
    yaml_event_t event;
    int parsed = yaml_parser_parse(parser, &event);
    assert(parsed && event.type == type);
    yaml_event_delete(&event);
}

static void check_yaml(struct span record, const struct receiver_record *shown)
{
    yaml_parser_t parser;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, record.ptr, record.len);
    skip(&parser, YAML_STREAM_START_EVENT);
    skip(&parser, YAML_DOCUMENT_START_EVENT);
    skip(&parser, YAML_MAPPING_START_EVENT);
    for (int i = 0; i < 17; i++) {
        yaml_event_t key_event, value_event;
        struct span key, value;
        expect_scalar(&parser, &key, &key_event);
        expect_scalar(&parser, &value, &value_event);
        if (span_equal(key, span_str("identity")))
            assert(span_equal(value, shown->head.identity));
        if (span_equal(key, span_str("qname")))
            assert(span_equal(value, shown->qname));
        yaml_event_delete(&key_event);
        yaml_event_delete(&value_event);
    }
    skip(&parser, YAML_MAPPING_END_EVENT);
    skip(&parser, YAML_DOCUMENT_END_EVENT);
    skip(&parser, YAML_STREAM_END_EVENT);
    yaml_parser_delete(&parser);
}

static void check(int i, struct span record, const struct receiver_record *shown)
{
    assert(record.len > 1 && record.ptr[record.len - 1] == '\n');
    assert(pyutf8_valid(record));
    if (i == TEXT || i == TERMINAL)
        check_line(record);
    if (i == TERMINAL)
        check_terminal(record);
    else if (i == JSON)
        check_json(record);
    else if (i == YAML)
        check_yaml(record, shown);
}

/* The key is the name in lower case; a long one is cut, and ends with a dot all the same. */
static void check_key(struct span key, struct span qname)
{
    static struct buf lower;
    lower.len = 0;
    buf_put(&lower, qname.ptr, qname.len);
    lower.len = pyutf8_lower(lower.data, lower.len);
    assert(key.len > 0 && key.len <= SAMPLE_NAME_MAX && key.len <= lower.len);
    assert(memcmp(key.ptr, lower.data, key.len - 1) == 0);
    assert(key.ptr[key.len - 1] == lower.data[lower.len - 1]);
    struct span tld = receiver_stats_reader.tld(key);
    assert(!tld.ptr ||
           (tld.ptr >= key.ptr && tld.ptr + tld.len <= key.ptr + key.len && receiver_is_tld(tld)));
}

/* What is too late a date for a line is counted all the same. */
static void check_sample(struct event *ev, const struct receiver_record *shown, int expected)
{
    uint8_t space[SAMPLE_NAME_MAX + 1];
    struct stats_sample sample;
    struct receiver_head head;
    event_need(ev, receiver_stats_reader.needs);
    bool counted = receiver_stats_reader.read(ev, space, &sample);
    assert(counted == (receiver_head_read(&head, ev) == FORMAT_WRITTEN));
    if (!counted || expected != FORMAT_WRITTEN)
        return;
    check_key(sample.name, shown->qname);
    assert(span_equal(sample.identity, shown->head.identity));
    assert(receiver_rcode(sample.kind.rcode) == shown->rcode);
    assert((sample.kind.has_qtype ? receiver_rrtype(sample.qtype) : &receiver_absent) ==
           shown->rrtype);
    assert(sample.length == shown->head.dns.len);
}

/* The last bytes of the input are also a latency: it comes from two frames, which are not here. */
static void set_latency(struct event *ev, const uint8_t *bytes, size_t len)
{
    if (len < sizeof ev->latency_s)
        return;
    memcpy(&ev->latency_s, bytes + len - sizeof ev->latency_s, sizeof ev->latency_s);
    ev->has_latency = isfinite(ev->latency_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct buf out;
    static struct receiver_record shown;
    static const struct origin origin = {.peer = "fuzz"};
    static const struct siphash_key key = {{1, 2}};
    if (!stage)
        open_all();
    struct event ev;
    event_init(&ev, span_of(bytes, len), &origin);
    ev.key = &key;
    if (event_need(&ev, stage_alone_needs) == 0)
        stage->event(stage_state, 0, &ev);
    set_latency(&ev, bytes, len);
    int expected = receiver_record_read(&shown, &ev);
    for (int i = 0; i < INSTANCES; i++) {
        const struct format_hooks *hooks = instances[i].module->hooks;
        out.len = 0;
        int result = hooks->event(instances[i].state, &ev, &out);
        assert(result == expected);
        if (result == FORMAT_WRITTEN)
            check(i, buf_span(&out), &shown);
    }
    check_sample(&ev, &shown, expected);
    return 0;
}
