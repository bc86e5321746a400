/*
 * A frame of any bytes through every format. Text stays one line of printable columns; JSON is one
 * line of well-formed JSON in UTF-8; YAML holds no control byte; nothing in a name, an identity or
 * a record can change that.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/json_check.h"
#include "core/format.h"
#include "event/field.h"
#include "fuzz.h"

extern const struct module fmt_text, fmt_json, fmt_yaml, fmt_fstrm, stage_sample;

enum { SHORT = 4096 };

/* Every format with its own choice of fields, with all of them, and with short records. */
static struct instance {
    const struct module *module;
    bool all;
    uint64_t record_max;
    void *state;
    uint32_t needs;
} instances[] = {
    {.module = &fmt_text},
    {.module = &fmt_text, .all = true},
    {.module = &fmt_json},
    {.module = &fmt_json, .all = true},
    {.module = &fmt_yaml},
    {.module = &fmt_yaml, .all = true},
    {.module = &fmt_text, .all = true, .record_max = SHORT},
    {.module = &fmt_json, .record_max = SHORT},
    {.module = &fmt_json, .all = true, .record_max = SHORT},
    {.module = &fmt_yaml, .all = true, .record_max = SHORT},
    {.module = &fmt_fstrm},
};

enum { INSTANCES = sizeof instances / sizeof *instances };

static void open_all(void)
{
    char list[4096] = "";
    struct error err;
    const struct field *field;
    for (size_t i = 0; (field = field_at(i)); i++) {
        strcat(list, list[0] ? "," : "");
        strcat(list, field->name);
    }
    for (int i = 0; i < INSTANCES; i++) {
        struct instance *in = &instances[i];
        const struct format_hooks *hooks = in->module->hooks;
        const struct format_spec spec = {
            .module = in->module, .fields = in->all ? list : NULL, .record_max = in->record_max};
        int opened = hooks->open(&spec, &in->state, &in->needs, &err);
        assert(opened == 0);
    }
}

static size_t count_columns(const char *line, size_t len)
{
    size_t columns = 1;
    for (size_t i = 0; i < len; i++) {
        assert(line[i] >= 0x20 && line[i] <= 0x7e);
        if (line[i] != ' ')
            continue;
        assert(i > 0 && line[i - 1] != ' ' && i + 1 < len);
        columns++;
    }
    return columns;
}

static void check_text(const char *record, size_t len, bool all)
{
    size_t columns = 12;
    for (size_t i = 0; all && field_at(i); i++)
        columns = i + 1;
    assert(len > 1 && record[len - 1] == '\n');
    assert(count_columns(record, len - 1) == columns);
}

static void check_json(const char *record, size_t len)
{
    assert(len > 1 && record[len - 1] == '\n');
    for (size_t i = 0; i + 1 < len; i++)
        assert((unsigned char)record[i] >= 0x20 && record[i] != 0x7f);
    assert(json_check(record, len - 1));
}

static void check_yaml(const char *record, size_t len)
{
    static const char end[] = "\n---\n";
    assert(len > 5 && memcmp(record + len - 5, end, 5) == 0);
    for (size_t i = 0; i < len; i++)
        assert(((unsigned char)record[i] >= 0x20 && record[i] != 0x7f) || record[i] == '\n');
    assert(memmem(record, len - 5, end, 5) == NULL);
}

static void check(const struct instance *in, const char *record, size_t len, size_t frame)
{
    assert(!in->record_max || len <= in->record_max);
    if (in->module == &fmt_text)
        check_text(record, len, in->all);
    else if (in->module == &fmt_json)
        check_json(record, len);
    else if (in->module == &fmt_yaml)
        check_yaml(record, len);
    else
        assert(len == frame + 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct buf out;
    static const struct origin origin = {.peer = "a peer, \"quoted\"\x1b\n"};
    if (!instances[0].state)
        open_all();
    for (int i = 0; i < INSTANCES; i++) {
        const struct instance *in = &instances[i];
        const struct format_hooks *hooks = in->module->hooks;
        struct event ev;
        event_init(&ev, span_of(bytes, len), &origin);
        ev.latency_ns = (int64_t)len - 100;
        ev.has_latency = len % 2;
        if (len % 3 == 0)
            field_slot(&ev, stage_sample.fields)->number = UINT64_MAX;
        event_need(&ev, in->needs);
        out.len = 0;
        if (hooks->event(in->state, &ev, &out) <= 0)
            check(in, (const char *)out.data, out.len, len);
        else
            assert(len == 0 || ev.bad & FACET_DNSTAP);
    }
    return 0;
}
