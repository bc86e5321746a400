/* Option values from text: one parser a type, and the table of them. A parser works on a copy and
 * stores only what is whole, so that a bad value leaves the old one in place. */
#include "conf/option.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hostport.h"
#include "base/nearest.h"
#include "base/number.h"

enum {
    STRING_MAX = 65536, /* bytes of a string whose row sets no limit */
    LIST_MAX = 10000,   /* items of a list whose row sets no limit */
};

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1}, {"K", 1ull << 10}, {"M", 1ull << 20}, {"G", 1ull << 30}, {"T", 1ull << 40}, {NULL, 0},
};

static const struct unit duration_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60 * 1000000000ull},
    {"h", 3600 * 1000000000ull},
    {"d", 86400 * 1000000000ull},
    {NULL, 0},
};

static bool is_word(struct span text, const char *word)
{
    return span_equal(text, span_str(word));
}

static int refuse(const struct option *row, struct span text, struct error *err)
{
    char wanted[160];
    option_describe(row, wanted, sizeof wanted);
    return error_set(err, "'%s' is not %s", option_show(text).text, wanted);
}

static bool in_range(const struct option *row, uint64_t value)
{
    return (row->off && value == 0) || (value >= row->min && (row->max == 0 || value <= row->max));
}

static int store_uint(const struct option *row, void *place, struct span text, bool valid,
                      uint64_t value, struct error *err)
{
    if (!valid)
        return refuse(row, text, err);
    if (!in_range(row, value)) {
        char limits[80];
        return error_set(err, "'%s' is out of range: %s", option_show(text).text,
                         option_limits(row, limits, sizeof limits));
    }
    *(uint64_t *)place = value;
    return 0;
}

static int parse_uint(const struct option *row, void *place, struct span text, struct error *err)
{
    uint64_t value = 0;
    struct span rest = text;
    bool valid = number_take(&rest, &value) && rest.len == 0;
    return store_uint(row, place, text, valid, value, err);
}

/* A number with a unit behind it. Zero needs none, nor does "off", which is zero. */
static bool scaled_number(struct span text, const struct unit *units, uint64_t *value)
{
    if (is_word(text, "off") || is_word(text, "0")) {
        *value = 0;
        return true;
    }
    if (!number_take(&text, value))
        return false;
    for (; units->name; units++) {
        if (is_word(text, units->name))
            return !__builtin_mul_overflow(*value, units->factor, value);
    }
    return false;
}

static int parse_size(const struct option *row, void *place, struct span text, struct error *err)
{
    uint64_t value = 0;
    bool valid = scaled_number(text, size_units, &value);
    return store_uint(row, place, text, valid, value, err);
}

static int parse_duration(const struct option *row, void *place, struct span text,
                          struct error *err)
{
    uint64_t value = 0;
    struct span rest = text;
    bool bare = row->seconds && number_take(&rest, &value) && rest.len == 0;
    bool valid = bare ? !__builtin_mul_overflow(value, 1000000000ull, &value)
                      : scaled_number(text, duration_units, &value);
    return store_uint(row, place, text, valid, value, err);
}

static int parse_bool(const struct option *row, void *place, struct span text, struct error *err)
{
    bool yes = is_word(text, "true");
    if (!yes && !is_word(text, "false"))
        return refuse(row, text, err);
    *(bool *)place = yes;
    return 0;
}

static const char *choice_name(const void *choices, size_t i)
{
    return ((const char *const *)choices)[i];
}

static int parse_enum(const struct option *row, void *place, struct span text, struct error *err)
{
    int count = 0;
    for (; row->choices[count]; count++) {
        if (is_word(text, row->choices[count])) {
            *(int *)place = count;
            return 0;
        }
    }
    const char *near = nearest_name(text, choice_name, row->choices, (size_t)count);
    if (near)
        return error_set(err, "unknown value '%s'; did you mean '%s'?", option_show(text).text,
                         near);
    return refuse(row, text, err);
}

static int parse_mode(const struct option *row, void *place, struct span text, struct error *err)
{
    mode_t mode = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '7' || mode > 0777)
            return refuse(row, text, err);
        mode = mode * 8 + (text.ptr[i] - '0');
    }
    if (text.len == 0)
        return refuse(row, text, err);
    *(mode_t *)place = mode;
    return 0;
}

/* A C string of the text, or NULL and err. */
static char *copy_text(struct span text, struct error *err)
{
    char *copy = malloc(text.len + 1);
    if (!copy) {
        error_set(err, "out of memory");
        return NULL;
    }
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

/* What every text must be: no NUL byte in it (C would stop there), and of a length in its range. */
static int check_text(const struct option *row, struct span text, uint64_t least, uint64_t most,
                      struct error *err)
{
    struct option_shown shown = option_show(row->secret ? span_str("***") : text);
    if (text.len && memchr(text.ptr, 0, text.len))
        return error_set(err, "a NUL byte is not allowed in '%s'", shown.text);
    if (text.len == 0 && least > 0)
        return error_set(err, "must not be empty");
    if (text.len < least)
        return error_set(err, "'%s' is shorter than %llu bytes", shown.text,
                         (unsigned long long)least);
    if (text.len > most)
        return error_set(err, "'%s' is longer than %llu bytes", shown.text,
                         (unsigned long long)most);
    return 0;
}

static int store_text(void *place, struct span text, struct error *err)
{
    char *copy = copy_text(text, err);
    if (!copy)
        return -1;
    char **held = place;
    free(*held);
    *held = copy;
    return 0;
}

static int parse_string(const struct option *row, void *place, struct span text, struct error *err)
{
    if (check_text(row, text, row->min, row->max ? row->max : STRING_MAX, err))
        return -1;
    return store_text(place, text, err);
}

static int parse_path(const struct option *row, void *place, struct span text, struct error *err)
{
    if (check_text(row, text, 1, row->max ? row->max : PATH_MAX - 1, err))
        return -1;
    return store_text(place, text, err);
}

static int parse_hostport(const struct option *row, void *place, struct span text,
                          struct error *err)
{
    struct hostport there = {0};
    enum hostport_fault fault = hostport_parse(&there, text);
    if (fault == HOSTPORT_BAD_PORT || (fault == HOSTPORT_FINE && there.port < row->min))
        return error_set(err, "'%s' has a bad port; it is a number from %u to 65535",
                         option_show(text).text, (unsigned)row->min);
    if (fault != HOSTPORT_FINE)
        return refuse(row, text, err);
    struct option_hostport *held = place;
    if (store_text(&held->host, there.host, err))
        return -1;
    held->port = there.port;
    return 0;
}

/* Room for one more item behind `count` of `size` bytes; NULL and err when there is none. */
static void *list_grow(const struct option *row, void *items, size_t count, size_t size,
                       struct error *err)
{
    uint64_t most = row->type == OPTION_PREFIXES && row->max ? row->max : LIST_MAX;
    if (count >= most) {
        error_set(err, "more than %llu items", (unsigned long long)most);
        return NULL;
    }
    void *grown = realloc(items, (count + 1) * size);
    if (!grown)
        error_set(err, "out of memory");
    return grown;
}

static int parse_strings(const struct option *row, void *place, struct span text, struct error *err)
{
    if (check_text(row, text, row->min, row->max ? row->max : STRING_MAX, err))
        return -1;
    struct option_strings *list = place;
    char **items = list_grow(row, list->items, list->count, sizeof *items, err);
    if (!items)
        return -1;
    list->items = items;
    items[list->count] = copy_text(text, err);
    if (!items[list->count])
        return -1;
    list->count++;
    return 0;
}

static int parse_prefixes(const struct option *row, void *place, struct span text,
                          struct error *err)
{
    struct prefix prefix;
    enum prefix_fault fault = prefix_parse(&prefix, text);
    if (fault == PREFIX_LONG)
        return error_set(err, "'%s' has bits set behind its prefix length", option_show(text).text);
    if (fault != PREFIX_FINE)
        return refuse(row, text, err);
    struct option_prefixes *list = place;
    struct prefix *items = list_grow(row, list->items, list->count, sizeof *items, err);
    if (!items)
        return -1;
    list->items = items;
    items[list->count++] = prefix;
    return 0;
}

static int (*const parsers[OPTION_TYPES])(const struct option *row, void *place, struct span text,
                                          struct error *err) = {
    [OPTION_BOOL] = parse_bool,         [OPTION_UINT] = parse_uint,
    [OPTION_SIZE] = parse_size,         [OPTION_DURATION] = parse_duration,
    [OPTION_STRING] = parse_string,     [OPTION_PATH] = parse_path,
    [OPTION_ENUM] = parse_enum,         [OPTION_MODE] = parse_mode,
    [OPTION_HOSTPORT] = parse_hostport, [OPTION_PREFIXES] = parse_prefixes,
    [OPTION_STRINGS] = parse_strings,
};

int option_parse(const struct option *row, void *base, struct span text, struct error *err)
{
    return parsers[row->type](row, (char *)base + row->offset, text, err);
}

bool option_prefixes_hold(const struct option_prefixes *list, const uint8_t *address)
{
    for (size_t i = 0; i < list->count; i++) {
        if (prefix_holds(&list->items[i], address))
            return true;
    }
    return list->count == 0;
}
