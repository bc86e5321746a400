/* Options of fixed size: true or false, numbers, sizes, times, choices, modes. */
#include <stdio.h>

#include "base/nearest.h"
#include "base/number.h"
#include "conf/option_type.h"

struct number_unit {
    const char *name;
    uint64_t factor;
};

static const struct number_unit size_units[] = {
    {"", 1}, {"K", 1ull << 10}, {"M", 1ull << 20}, {"G", 1ull << 30}, {"T", 1ull << 40}, {NULL, 0},
};

static const struct number_unit duration_units[] = {
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

static bool in_range(const struct option *row, uint64_t value)
{
    return (row->off && value == 0) || (value >= row->min && (row->max == 0 || value <= row->max));
}

static int store_uint(const struct option *row, void *place, struct span text, bool valid,
                      uint64_t value, struct error *err)
{
    if (!valid)
        return option_refuse(row, text, err);
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
static bool scaled_number(struct span text, const struct number_unit *units, uint64_t *value)
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
        return option_refuse(row, text, err);
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
    return option_refuse(row, text, err);
}

static int parse_mode(const struct option *row, void *place, struct span text, struct error *err)
{
    mode_t mode = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '7' || mode > 0777)
            return option_refuse(row, text, err);
        mode = mode * 8 + (text.ptr[i] - '0');
    }
    if (text.len == 0)
        return option_refuse(row, text, err);
    *(mode_t *)place = mode;
    return 0;
}

/* --- as text --------------------------------------------------------------------------------- */

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

static void print_bool(const struct option *row, const void *place, size_t i, struct buf *out)
{
    (void)row;
    (void)i;
    buf_str(out, *(const bool *)place ? "true" : "false");
}

static void print_number(const struct option *row, const void *place, size_t i, struct buf *out)
{
    char text[40];
    (void)i;
    uint64_t value = *(const uint64_t *)place;
    bool off = value == 0 && row->type != OPTION_UINT && (row->off || row->min == 0);
    buf_str(out, off ? "off" : option_number(row->type, value, text, sizeof text));
}

static void print_enum(const struct option *row, const void *place, size_t i, struct buf *out)
{
    (void)i;
    buf_str(out, row->choices[*(const int *)place]);
}

static void print_mode(const struct option *row, const void *place, size_t i, struct buf *out)
{
    (void)row;
    (void)i;
    buf_printf(out, "%04o", (unsigned)*(const mode_t *)place);
}

const struct option_ops option_bool = {.size = sizeof(bool),
                                       .words = "true or false",
                                       .bare = true,
                                       .parse = parse_bool,
                                       .print = print_bool};
const struct option_ops option_uint = {.size = sizeof(uint64_t),
                                       .value = "N",
                                       .words = "a number",
                                       .bare = true,
                                       .parse = parse_uint,
                                       .print = print_number};
const struct option_ops option_bytes = {.size = sizeof(uint64_t),
                                        .value = "SIZE",
                                        .words = "a size in bytes, or with K, M, G or T as in 64K",
                                        .parse = parse_size,
                                        .print = print_number};
const struct option_ops option_duration = {
    .size = sizeof(uint64_t),
    .value = "TIME",
    .words = "a time with its unit (ns, us, ms, s, m, h, d) as in 5s",
    .parse = parse_duration,
    .print = print_number};
const struct option_ops option_enum = {
    .size = sizeof(int), .value = "NAME", .words = "", .parse = parse_enum, .print = print_enum};
const struct option_ops option_mode = {.size = sizeof(mode_t),
                                       .value = "MODE",
                                       .words = "an octal mode as in 0660",
                                       .parse = parse_mode,
                                       .print = print_mode};
