#include "api/exposition.h"

#include <strings.h>

#include "base/escape.h"
#include "base/put.h"

const char exposition_text_type[] = "text/plain; version=0.0.4; charset=utf-8";
const char exposition_openmetrics_type[] =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

static const struct {
    const char *text, *openmetrics; /* what TYPE says */
} type_words[] = {
    [METRIC_COUNTER] = {"counter", "counter"},
    [METRIC_GAUGE] = {"gauge", "gauge"},
    [METRIC_HISTOGRAM] = {"histogram", "histogram"},
    [METRIC_UNTYPED] = {"untyped", "unknown"},
};

void exposition_begin(struct exposition *page, struct buf *out, bool openmetrics)
{
    *page = (struct exposition){.out = out, .openmetrics = openmetrics};
}

void exposition_end(struct exposition *page)
{
    if (page->openmetrics)
        buf_str(page->out, "# EOF\n");
    page->out->failed |= page->labels.failed;
    buf_free(&page->labels);
}

void exposition_family(struct exposition *page, const struct metric_family *family)
{
    page->family = family;
    page->headed = false;
}

static const char *counter_suffix(const struct metric_family *family)
{
    return family->type == METRIC_COUNTER ? "_total" : "";
}

static void head_line(struct exposition *page, const char *what, const char *text)
{
    const struct metric_family *family = page->family;
    buf_str(page->out, what);
    buf_str(page->out, family->name);
    if (!page->openmetrics) /* OpenMetrics names the family, the older format the samples */
        buf_str(page->out, counter_suffix(family));
    buf_byte(page->out, ' ');
    buf_str(page->out, text);
    buf_byte(page->out, '\n');
}

static const char *unit_of(const char *name)
{
    static const char *const units[] = {"seconds", "bytes"};
    const char *last = strrchr(name, '_');
    for (size_t i = 0; last && i < sizeof units / sizeof *units; i++)
        if (strcmp(last + 1, units[i]) == 0)
            return units[i];
    return NULL;
}

static void write_head(struct exposition *page)
{
    const struct metric_family *family = page->family;
    head_line(page, "# HELP ", family->help);
    head_line(page, "# TYPE ",
              page->openmetrics ? type_words[family->type].openmetrics
                                : type_words[family->type].text);
    const char *unit = page->openmetrics ? unit_of(family->name) : NULL;
    if (unit)
        head_line(page, "# UNIT ", unit);
    page->headed = true;
}

static size_t put_label(struct exposition *page, const char *name, struct span value,
                        unsigned flags)
{
    struct buf *labels = &page->labels;
    size_t outer = labels->len;
    char *p = buf_reserve(labels, strlen(name) + ESCAPE_JSON_MAX * value.len + sizeof ",=\"\"");
    if (!p)
        return outer;
    if (outer)
        p = put_char(p, ',');
    p = put_str(p, name);
    p = PUT_LIT(p, "=\"");
    p = escape_json(p, value, flags | ESCAPE_BYTES);
    buf_commit(labels, put_char(p, '"'));
    return outer;
}

size_t exposition_label(struct exposition *page, const char *name, struct span value)
{
    return put_label(page, name, value, 0);
}

size_t exposition_text_label(struct exposition *page, const char *name, struct span value)
{
    return put_label(page, name, value, ESCAPE_PRESENTED);
}

void exposition_unlabel(struct exposition *page, size_t outer)
{
    page->labels.len = outer;
}

static void put_number(struct exposition *page, const char *suffix, bool negative, uint64_t value,
                       unsigned decimals)
{
    if (!page->headed)
        write_head(page);
    struct span labels = buf_span(&page->labels);
    char *p = buf_reserve(page->out, strlen(page->family->name) + strlen(suffix) + labels.len +
                                         PUT_DECIMAL_MAX + 16);
    if (!p)
        return;
    p = put_str(put_str(p, page->family->name), suffix);
    if (labels.len) {
        p = put_char(p, '{');
        p = put_bytes(p, labels.ptr, labels.len);
        p = put_char(p, '}');
    }
    p = put_str(p, negative ? " -" : " ");
    p = put_decimal(p, value, decimals);
    buf_commit(page->out, put_char(p, '\n'));
}

static void put_sample(struct exposition *page, const char *suffix, uint64_t value,
                       unsigned decimals)
{
    put_number(page, suffix, false, value, decimals);
}

void exposition_sample(struct exposition *page, uint64_t value)
{
    put_sample(page, counter_suffix(page->family), value, 0);
}

void exposition_decimal(struct exposition *page, uint64_t value, unsigned decimals)
{
    put_sample(page, counter_suffix(page->family), value, decimals);
}

void exposition_signed(struct exposition *page, int64_t value, unsigned decimals)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    put_number(page, counter_suffix(page->family), value < 0, magnitude, decimals);
}

void exposition_histogram(struct exposition *page, const struct metric_bucket *buckets,
                          size_t count, uint64_t above, uint64_t sum, unsigned decimals)
{
    uint64_t so_far = 0;
    for (size_t i = 0; i <= count; i++) {
        so_far += i < count ? buckets[i].count : above;
        size_t outer =
            exposition_text_label(page, "le", span_str(i < count ? buckets[i].le : "+Inf"));
        put_sample(page, "_bucket", so_far, 0);
        exposition_unlabel(page, outer);
    }
    put_sample(page, "_sum", sum, decimals);
    put_sample(page, "_count", so_far, 0);
}

/* --- content negotiation, RFC 9110 12.5.1 --- */

/* The bytes up to `end` or the last, trimmed; *rest gets what is behind. */
static struct span cut(struct span *rest, char end)
{
    const uint8_t *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
    struct span word = span_of(rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len);
    size_t used = word.len + (at != NULL);
    *rest = span_of(rest->ptr + used, rest->len - used);
    for (; word.len && (*word.ptr == ' ' || *word.ptr == '\t'); word.len--)
        word.ptr++;
    while (word.len && (word.ptr[word.len - 1] == ' ' || word.ptr[word.len - 1] == '\t'))
        word.len--;
    return word;
}

static bool is_word(struct span word, const char *literal)
{
    return word.len == strlen(literal) &&
           strncasecmp((const char *)word.ptr, literal, word.len) == 0;
}

/* A weight in thousandths: "1", "0.75". What is none counts as 0. */
static unsigned quality(struct span text)
{
    unsigned value = 0, scale = 1000;
    for (size_t i = 0; i < text.len && scale; i++) {
        uint8_t c = text.ptr[i];
        if (i == 1 && c == '.')
            continue;
        if (c < '0' || c > '9')
            return 0;
        value += (unsigned)(c - '0') * scale;
        scale /= 10;
    }
    return value;
}

/* One media range: its weight, and whether the version it asks for, if it does, is `version`. */
static unsigned range_quality(struct span parameters, const char *version)
{
    unsigned weight = 1000;
    while (parameters.len) {
        struct span value = cut(&parameters, ';');
        struct span name = cut(&value, '=');
        if (is_word(name, "q"))
            weight = quality(value);
        else if (is_word(name, "version") && !is_word(value, version))
            return 0;
    }
    return weight;
}

bool exposition_wants_openmetrics(struct span accept)
{
    unsigned openmetrics = 0, text = 0;
    while (accept.len) {
        struct span range = cut(&accept, ',');
        struct span type = cut(&range, ';');
        bool ours = is_word(type, "application/openmetrics-text");
        unsigned *best = ours ? &openmetrics : is_word(type, "text/plain") ? &text : NULL;
        unsigned weight = range_quality(range, ours ? "1.0.0" : "0.0.4");
        if (best && weight > *best)
            *best = weight;
    }
    return openmetrics && openmetrics >= text;
}
