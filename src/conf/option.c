/* Option tables: defaults, copies, look-up with "did you mean", and words for what a value looks
 * like. What a value is, its type knows (conf/option_type.h). */
#include "conf/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/nearest.h"
#include "conf/option_type.h"

enum { SHOWN_MAX = 64 /* bytes of a text that a message shows */ };

const char option_masked[] = "***";

static const struct option_ops *const types[OPTION_TYPES] = {
    [OPTION_BOOL] = &option_bool,         [OPTION_UINT] = &option_uint,
    [OPTION_SIZE] = &option_bytes,        [OPTION_DURATION] = &option_duration,
    [OPTION_STRING] = &option_string,     [OPTION_PATH] = &option_path,
    [OPTION_ENUM] = &option_enum,         [OPTION_MODE] = &option_mode,
    [OPTION_HOSTPORT] = &option_hostport, [OPTION_PREFIXES] = &option_prefixes,
    [OPTION_STRINGS] = &option_strings,   [OPTION_NAME] = &option_name,
    [OPTION_GROUP] = &option_group_of,    [OPTION_LIST_OF] = &option_list_of,
};

/* --- one value ------------------------------------------------------------------------------ */

static void *place_in(const struct option *row, const void *base)
{
    return (char *)base + row->offset;
}

int option_parse(const struct option *row, void *base, struct span text, struct error *err)
{
    return types[row->type]->parse(row, place_in(row, base), text, err);
}

void option_clear(const struct option *row, void *base)
{
    if (types[row->type]->clear)
        types[row->type]->clear(row, place_in(row, base));
}

bool option_is_list(const struct option *row)
{
    return types[row->type]->list;
}

bool option_is_bare(const struct option *row)
{
    return types[row->type]->bare;
}

size_t option_size(const struct option *row)
{
    return types[row->type]->size ? types[row->type]->size : row->size;
}

size_t option_count(const struct option *row, const void *base)
{
    const struct option_ops *type = types[row->type];
    return type->count ? type->count(row, place_in(row, base)) : 1;
}

bool option_is_absent(const struct option *row, const void *base)
{
    return option_count(row, base) == 0;
}

bool option_equal(const struct option *row, const void *a, const void *b)
{
    const struct option_ops *type = types[row->type];
    const void *x = place_in(row, a), *y = place_in(row, b);
    return type->equal ? type->equal(row, x, y) : memcmp(x, y, type->size) == 0;
}

static int copy(const struct option *row, void *base, const void *from, struct error *err)
{
    const struct option_ops *type = types[row->type];
    if (type->copy)
        return type->copy(row, place_in(row, base), place_in(row, from), err);
    memcpy(place_in(row, base), place_in(row, from), type->size);
    return 0;
}

void option_print(const struct option *row, const void *base, size_t i, struct buf *out)
{
    types[row->type]->print(row, place_in(row, base), i, out);
}

/* --- tables --------------------------------------------------------------------------------- */

/* Parses a default: one value, or a list's items between commas. */
static int set_fallback(const struct option *row, void *base, struct error *err)
{
    struct span rest = span_str(row->fallback);
    if (!option_is_list(row))
        return option_parse(row, base, rest, err);
    while (rest.len) {
        const uint8_t *comma = memchr(rest.ptr, ',', rest.len);
        size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;
        if (option_parse(row, base, span_of(rest.ptr, len), err))
            return -1;
        size_t used = comma ? len + 1 : len;
        rest = span_of(rest.ptr + used, rest.len - used);
    }
    return 0;
}

int options_init(const struct option *table, void *base, struct error *err)
{
    for (const struct option *row = table; row && row->name; row++) {
        int status = 0;
        if (row->type == OPTION_GROUP)
            status = options_init(row->rows, place_in(row, base), err);
        else if (row->fallback)
            status = set_fallback(row, base, err);
        if (status) {
            options_free(table, base);
            return -1;
        }
    }
    return 0;
}

void options_free(const struct option *table, void *base)
{
    for (const struct option *row = table; base && row && row->name; row++)
        option_clear(row, base);
}

int options_copy(const struct option *table, void *base, const void *from, struct error *err)
{
    for (const struct option *row = table; row && row->name; row++) {
        if (copy(row, base, from, err)) {
            options_free(table, base);
            return -1;
        }
    }
    return 0;
}

bool options_equal(const struct option *table, const void *a, const void *b)
{
    for (const struct option *row = table; row && row->name; row++) {
        if (!option_equal(row, a, b))
            return false;
    }
    return true;
}

static const char *row_name(const void *table, size_t i)
{
    return ((const struct option *)table)[i].name;
}

const struct option *option_find(const struct option *table, struct span name, const char **hint)
{
    size_t count = 0;
    for (const struct option *row = table; row && row->name; row++, count++) {
        if (span_equal(name, span_str(row->name)))
            return row;
    }
    if (hint)
        *hint = nearest_name(name, row_name, table, count);
    return NULL;
}

const char *option_list_names(const char *(*name)(const void *ctx, size_t i), const void *ctx,
                              char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "; there are");
    const char *each;
    for (size_t i = 0; len < size && (each = name(ctx, i)); i++)
        len += (size_t)snprintf(out + len, size - len, "%s %s", i ? "," : ":", each);
    return out;
}

struct option_shown option_show(struct span text)
{
    struct option_shown out;
    size_t used = text.len > SHOWN_MAX ? SHOWN_MAX : text.len;
    if (used)
        memcpy(out.text, text.ptr, used);
    used = escape_mask(out.text, used);
    snprintf(out.text + used, sizeof out.text - used, "%s", text.len > SHOWN_MAX ? "..." : "");
    return out;
}

const char *option_value_name(const struct option *row)
{
    return row->value ? row->value : types[row->type]->value;
}

static const char *choices_text(const struct option *row, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "one of");
    for (size_t i = 0; row->choices[i] && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s", i ? ", " : " ", row->choices[i]);
    return out;
}

const char *option_limits(const struct option *row, char *out, size_t size)
{
    char low[32], high[32];
    bool range =
        row->type == OPTION_UINT || row->type == OPTION_SIZE || row->type == OPTION_DURATION;
    if (row->type == OPTION_ENUM)
        return choices_text(row, out, size);
    const char *off = row->off ? "off, or " : "";
    option_number(row->type, row->min, low, sizeof low);
    option_number(row->type, row->max, high, sizeof high);
    if (range && row->max)
        snprintf(out, size, "%sfrom %s to %s", off, low, high);
    else if (range && row->min)
        snprintf(out, size, "%sat least %s", off, low);
    else
        snprintf(out, size, "%s", "");
    return out;
}

int option_refuse(const struct option *row, struct span text, struct error *err)
{
    char wanted[320];
    option_describe(row, wanted, sizeof wanted);
    return error_set(err, "'%s' is not %s",
                     option_show(row->secret ? span_str(option_masked) : text).text, wanted);
}

const char *option_describe(const struct option *row, char *out, size_t size)
{
    char limits[256];
    option_limits(row, limits, sizeof limits);
    const char *words = types[row->type]->words;
    snprintf(out, size, "%s%s%s", words, words[0] && limits[0] ? ", " : "", limits);
    return out;
}
