#include "compat/receiver_format.h"

#include <stdlib.h>

int receiver_format_open(const struct format_spec *spec, void **state, uint32_t *needs,
                         struct error *err)
{
    if (spec->fields)
        return error_set(err, "the formats of dnstap-receiver have no choice of fields");
    struct receiver_format *format = calloc(1, sizeof *format);
    if (!format)
        return error_set(err, "no memory for a format");
    format->terminal = spec->terminal;
    format->raw = spec->raw_lines;
    format->max = spec->record_max > 0 ? spec->record_max : SIZE_MAX;
    *state = format;
    *needs = FACET_DNSTAP | FACET_LATENCY;
    return 0;
}

/* False: no memory. */
static bool put_record(struct receiver_format *format, struct buf *out,
                       char *(*put)(char *p, const struct receiver_format *format))
{
    const struct receiver_record *r = &format->record;
    size_t foreign = r->head.identity.len + r->qname.len;
    char *p =
        buf_reserve(out, RECEIVER_FIXED_MAX + 2 * RECEIVER_TEXT_MAX + RECEIVER_BYTE_MAX * foreign);
    if (p)
        buf_commit(out, put(p, format));
    return p;
}

/* Leaves the longer one of the two texts out. */
static void shorten(struct receiver_record *r)
{
    struct span *longer = r->head.identity.len > r->qname.len ? &r->head.identity : &r->qname;
    *longer = span_of("-", 1);
}

int receiver_format_event(struct receiver_format *format, struct event *ev, struct buf *out,
                          char *(*put)(char *p, const struct receiver_format *format))
{
    struct receiver_record *r = &format->record;
    size_t start = out->len;
    int result = receiver_record_read(r, ev);
    if (result != FORMAT_WRITTEN)
        return result;
    for (;; shorten(r), result = FORMAT_CUT) {
        out->len = start;
        if (r->head.identity.len > format->max || r->qname.len > format->max)
            continue;
        if (!put_record(format, out, put))
            return DROP_MEMORY;
        bool fits = out->len - start <= format->max;
        if (__builtin_expect(fits || r->head.identity.len + r->qname.len <= 2, 1))
            return result;
    }
}

void receiver_format_close(void *state)
{
    struct receiver_format *format = state;
    if (format)
        receiver_record_free(&format->record);
    free(format);
}

char *receiver_put_port(char *p, uint32_t port, const char *absent)
{
    return port ? put_u64(p, port) : put_str(p, absent);
}
