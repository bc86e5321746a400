/* Options that are a text: strings, paths, names, host and port. */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>

#include "base/hostport.h"
#include "conf/option_type.h"

char *option_copy_text(struct span text, struct error *err)
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

int option_check_text(const struct option *row, struct span text, uint64_t least, uint64_t most,
                      struct error *err)
{
    struct option_shown shown = option_show(row->secret ? span_str(option_masked) : text);
    if (text.len && memchr(text.ptr, 0, text.len))
        return error_set(err, "a NUL byte is not allowed in '%s'", shown.text);
    if (row->secret && span_equal(text, span_str(option_masked)))
        return error_set(err,
                         "'%s' is what is shown in the place of a secret, as by `spile config "
                         "show`: write the secret itself, or {file: PATH} or {env: NAME}",
                         option_masked);
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
    char *copy = option_copy_text(text, err);
    if (!copy)
        return -1;
    char **held = place;
    free(*held);
    *held = copy;
    return 0;
}

static int parse_string(const struct option *row, void *place, struct span text, struct error *err)
{
    if (option_check_text(row, text, row->min, row->max ? row->max : OPTION_STRING_MAX, err))
        return -1;
    return store_text(place, text, err);
}

static int parse_path(const struct option *row, void *place, struct span text, struct error *err)
{
    if (option_check_text(row, text, 1, row->max ? row->max : PATH_MAX - 1, err))
        return -1;
    return store_text(place, text, err);
}

static int parse_name(const struct option *row, void *place, struct span text, struct error *err)
{
    if (option_check_text(row, text, 1, OPTION_NAME_MAX, err))
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 0x80 || (!isalnum(text.ptr[i]) && !strchr("-_.", text.ptr[i])))
            return option_refuse(row, text, err);
    }
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
        return option_refuse(row, text, err);
    struct option_hostport *held = place;
    if (store_text(&held->host, there.host, err))
        return -1;
    held->port = there.port;
    return 0;
}

static void clear_text(const struct option *row, void *place)
{
    (void)row;
    free(*(char **)place);
    *(char **)place = NULL;
}

static size_t count_text(const struct option *row, const void *place)
{
    (void)row;
    return *(char *const *)place != NULL;
}

static int copy_text(const struct option *row, void *place, const void *from, struct error *err)
{
    const char *text = *(char *const *)from;
    (void)row;
    return text ? store_text(place, span_str(text), err) : 0;
}

static bool equal_text(const struct option *row, const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    (void)row;
    return x && y ? strcmp(x, y) == 0 : x == y;
}

static void print_text(const struct option *row, const void *place, size_t i, struct buf *out)
{
    (void)row;
    (void)i;
    buf_str(out, *(char *const *)place);
}

_Static_assert(offsetof(struct option_hostport, host) == 0, "it begins with a text");

static int copy_hostport(const struct option *row, void *place, const void *from, struct error *err)
{
    ((struct option_hostport *)place)->port = ((const struct option_hostport *)from)->port;
    return copy_text(row, place, from, err);
}

static bool equal_hostport(const struct option *row, const void *a, const void *b)
{
    const struct option_hostport *x = a, *y = b;
    return x->port == y->port && equal_text(row, a, b);
}

static void clear_hostport(const struct option *row, void *place)
{
    clear_text(row, place);
    ((struct option_hostport *)place)->port = 0;
}

static void print_hostport(const struct option *row, const void *place, size_t i, struct buf *out)
{
    const struct option_hostport *there = place;
    char text[HOSTPORT_TEXT_MAX];
    (void)row;
    (void)i;
    buf_str(out, hostport_text(text, there->host, there->port));
}

#define TEXT_OPS                                                                                   \
    .size = sizeof(char *), .clear = clear_text, .count = count_text, .copy = copy_text,           \
    .equal = equal_text, .print = print_text

const struct option_ops option_string = {TEXT_OPS, .value = "TEXT", .words = "a text",
                                         .parse = parse_string};
const struct option_ops option_path = {TEXT_OPS, .value = "PATH", .words = "a path",
                                       .parse = parse_path};
const struct option_ops option_name = {TEXT_OPS, .value = "NAME",
                                       .words = "a name made of letters, digits, '-', '_' and '.'",
                                       .parse = parse_name};
const struct option_ops option_hostport = {
    .size = sizeof(struct option_hostport),
    .value = "HOST:PORT",
    .words = "an address and port as in 127.0.0.1:6000 or [::1]:6000",
    .parse = parse_hostport,
    .clear = clear_hostport,
    .count = count_text,
    .copy = copy_hostport,
    .equal = equal_hostport,
    .print = print_hostport};
