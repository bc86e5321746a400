/* Option tables: defaults, look-up with "did you mean", and words for what a value looks like. */
#include "conf/option.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/nearest.h"

enum { SHOWN_MAX = 64 /* bytes of a text that a message shows */ };

void option_clear(const struct option *row, void *base)
{
    void *place = (char *)base + row->offset;
    switch (row->type) {
    case OPTION_STRING:
    case OPTION_PATH:
        free(*(char **)place);
        *(char **)place = NULL;
        break;
    case OPTION_HOSTPORT:
        free(((struct option_hostport *)place)->host);
        *(struct option_hostport *)place = (struct option_hostport){0};
        break;
    case OPTION_PREFIXES:
        free(((struct option_prefixes *)place)->items);
        *(struct option_prefixes *)place = (struct option_prefixes){0};
        break;
    case OPTION_STRINGS:
        for (size_t i = 0; i < ((struct option_strings *)place)->count; i++)
            free(((struct option_strings *)place)->items[i]);
        free(((struct option_strings *)place)->items);
        *(struct option_strings *)place = (struct option_strings){0};
        break;
    default: /* plain values own nothing */
        break;
    }
}

bool option_is_list(const struct option *row)
{
    return row->type == OPTION_STRINGS || row->type == OPTION_PREFIXES;
}

bool option_is_absent(const struct option *row, const void *base)
{
    const void *place = (const char *)base + row->offset;
    switch (row->type) {
    case OPTION_STRING:
    case OPTION_PATH:
        return !*(char *const *)place;
    case OPTION_HOSTPORT:
        return !((const struct option_hostport *)place)->host;
    case OPTION_STRINGS:
        return ((const struct option_strings *)place)->count == 0;
    case OPTION_PREFIXES:
        return ((const struct option_prefixes *)place)->count == 0;
    default: /* plain values are never absent */
        return false;
    }
}

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
        if (row->fallback && set_fallback(row, base, err)) {
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

struct type_words {
    const char *value; /* what help calls it */
    const char *words; /* what it looks like */
};

static const struct type_words type_words[OPTION_TYPES] = {
    [OPTION_BOOL] = {NULL, "true or false"},
    [OPTION_UINT] = {"N", "a number"},
    [OPTION_SIZE] = {"SIZE", "a size in bytes, or with K, M, G or T as in 64K"},
    [OPTION_DURATION] = {"TIME", "a time with its unit (ns, us, ms, s, m, h, d) as in 5s"},
    [OPTION_STRING] = {"TEXT", "a text"},
    [OPTION_PATH] = {"PATH", "a path"},
    [OPTION_ENUM] = {"NAME", ""},
    [OPTION_MODE] = {"MODE", "an octal mode as in 0660"},
    [OPTION_HOSTPORT] = {"HOST:PORT", "an address and port as in 127.0.0.1:6000 or [::1]:6000"},
    [OPTION_PREFIXES] = {"PREFIX", "an address or prefix as in 192.0.2.0/24 or 2001:db8::/32"},
    [OPTION_STRINGS] = {"TEXT", "a text"},
};

const char *option_value_name(const struct option *row)
{
    return row->value ? row->value : type_words[row->type].value;
}

/* Units from the smallest, and how many of each make the next. */
struct unit_step {
    const char *name;
    unsigned next; /* 0: the last */
};

static const struct unit_step size_steps[] = {
    {"", 1024}, {"K", 1024}, {"M", 1024}, {"G", 1024}, {"T", 0},
};

static const struct unit_step duration_steps[] = {
    {"ns", 1000}, {"us", 1000}, {"ms", 1000}, {"s", 60}, {"m", 60}, {"h", 24}, {"d", 0},
};

static const struct unit_step no_steps[] = {{"", 0}};

const char *option_number(enum option_type type, uint64_t value, char *out, size_t size)
{
    const struct unit_step *unit = type == OPTION_SIZE       ? size_steps
                                   : type == OPTION_DURATION ? duration_steps
                                                             : no_steps;
    for (; value && unit->next && value % unit->next == 0; unit++)
        value /= unit->next;
    snprintf(out, size, "%llu%s", (unsigned long long)value, value ? unit->name : "");
    return out;
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

const char *option_describe(const struct option *row, char *out, size_t size)
{
    char limits[256];
    option_limits(row, limits, sizeof limits);
    const char *words = type_words[row->type].words;
    snprintf(out, size, "%s%s%s", words, words[0] && limits[0] ? ", " : "", limits);
    return out;
}
