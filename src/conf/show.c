#include "conf/show.h"

#include <ctype.h>

#include "base/escape.h"

/* --- values --------------------------------------------------------------------------------- */

/* True for a scalar that YAML takes as it stands, in a list, too. */
static bool is_plain(struct span text)
{
    if (text.len == 0 || (!isalnum(text.ptr[0]) && text.ptr[0] != '/') ||
        span_equal(text, span_str("null")))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool colon = text.ptr[i] == ':' && i + 1 < text.len && isalnum(text.ptr[i + 1]);
        if (text.ptr[i] == '\0' ||
            (!isalnum(text.ptr[i]) && !strchr("/._-+", text.ptr[i]) && !colon))
            return false;
    }
    return true;
}

static bool is_printable(struct span text)
{
    bool printable = true;
    for (size_t i = 0; i < text.len; i++)
        printable &= text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f;
    return printable;
}

static void put_single_quoted(struct buf *out, struct span text)
{
    buf_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        buf_byte(out, text.ptr[i]);
        if (strchr("'$", text.ptr[i])) /* a dollar is written twice, as a quote is */
            buf_byte(out, text.ptr[i]);
    }
    buf_byte(out, '\'');
}

static void put_double_quoted(struct buf *out, struct span text)
{
    buf_byte(out, '"');
    while (text.len) {
        const uint8_t *dollar = memchr(text.ptr, '$', text.len);
        size_t len = dollar ? (size_t)(dollar - text.ptr) : text.len;
        char *room = buf_reserve(out, len * ESCAPE_JSON_MAX + 1);
        if (room)
            buf_commit(out,
                       escape_json(room, span_of(text.ptr, len), ESCAPE_PRESENTED | ESCAPE_YAML));
        if (dollar)
            buf_str(out, "$$");
        len += dollar != NULL;
        text = span_of(text.ptr + len, text.len - len);
    }
    buf_byte(out, '"');
}

void config_put_scalar(struct buf *out, struct span text)
{
    if (is_plain(text))
        buf_put(out, text.ptr, text.len);
    else if (is_printable(text))
        put_single_quoted(out, text);
    else
        put_double_quoted(out, text);
}

/* An empty list may be another than the default, so it is written. */
static bool is_shown(const struct option *row, const void *base)
{
    return !option_is_absent(row, base) || (option_is_list(row) && row->fallback);
}

static void put_nested(struct buf *out, const struct option *table, const void *base)
{
    const char *between = "";
    buf_byte(out, '{');
    for (const struct option *row = table; row->name; row++) {
        if (!is_shown(row, base))
            continue;
        buf_printf(out, "%s%s: ", between, row->name);
        config_put_value(out, row, base);
        between = ", ";
    }
    buf_byte(out, '}');
}

void config_put_one(struct buf *out, const struct option *row, const void *base, size_t i)
{
    struct buf text = {0};
    if (row->rows) {
        put_nested(out, row->rows, option_nested(row, base, i));
        return;
    }
    if (row->secret)
        buf_str(&text, option_masked);
    else
        option_print(row, base, i, &text);
    config_put_scalar(out, buf_span(&text));
    out->failed |= text.failed;
    buf_free(&text);
}

void config_put_value(struct buf *out, const struct option *row, const void *base)
{
    if (!option_is_list(row)) {
        config_put_one(out, row, base, 0);
        return;
    }
    buf_byte(out, '[');
    for (size_t i = 0; i < option_count(row, base); i++) {
        buf_str(out, i ? ", " : "");
        config_put_one(out, row, base, i);
    }
    buf_byte(out, ']');
}

/* --- the whole ------------------------------------------------------------------------------ */

/* Each option in a line of its own; returns how many there were. */
static size_t put_options(struct buf *out, int indent, const struct option *table, const void *base)
{
    size_t count = 0;
    for (const struct option *row = table; row && row->name; row++) {
        if (!is_shown(row, base))
            continue;
        buf_printf(out, "%*s%s: ", indent, "", row->name);
        config_put_value(out, row, base);
        buf_byte(out, '\n');
        count++;
    }
    return count;
}

static void put_item(struct buf *out, int indent, const struct config_item *item)
{
    struct buf lines = {0};
    size_t count = put_options(&lines, indent, item->module->options, item->options);
    count += put_options(&lines, indent, config_common_options(item->module), item->common);
    config_put_scalar(out, span_str(item->module->name));
    buf_str(out, count ? ":\n" : ": {}\n");
    buf_put(out, lines.data, lines.len);
    out->failed |= lines.failed;
    buf_free(&lines);
}

static void put_list(struct buf *out, const char *name, const struct config_item *items,
                     size_t count)
{
    buf_printf(out, "%s:%s\n", name, count ? "" : " []");
    for (size_t i = 0; i < count; i++) {
        buf_str(out, "  - ");
        put_item(out, 6, &items[i]);
    }
}

void config_show(const struct config *config, struct buf *out)
{
    put_options(out, 0, settings_options, &config->settings);
    put_list(out, "inputs", config->inputs, config->input_count);
    put_list(out, "stages", config->stages, config->stage_count);
    put_list(out, "outputs", config->outputs, config->output_count);
    for (size_t i = 0; i < config->section_count; i++)
        put_item(out, 2, &config->sections[i]);
}
