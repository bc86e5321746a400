#include "api/parameters.h"

bool parameters_fit(struct span query)
{
    size_t count = 1;
    for (size_t i = 0; i < query.len; i++)
        count += query.ptr[i] == '&';
    return count <= PARAMETERS_MAX;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that an escape stands for; -1: it is none. */
static int escaped(const char *text, size_t len)
{
    int high = len > 2 ? digit_of(text[1]) : -1, low = len > 2 ? digit_of(text[2]) : -1;
    return text[0] == '%' && high >= 0 && low >= 0 ? high << 4 | low : -1;
}

static struct span decode(char *text, size_t len)
{
    size_t to = 0;
    for (size_t from = 0; from < len; to++) {
        int byte = escaped(text + from, len - from);
        char plain = text[from] == '+' ? ' ' : text[from];
        text[to] = byte < 0 ? plain : (char)byte;
        from += byte < 0 ? 1 : 3;
    }
    return span_of(text, to);
}

static struct parameter read_one(char *text, size_t len)
{
    char *equals = memchr(text, '=', len);
    size_t name = equals ? (size_t)(equals - text) : len;
    struct parameter parameter = {.name = decode(text, name)};
    if (equals)
        parameter.value = decode(equals + 1, len - name - 1);
    return parameter;
}

void parameters_read(struct parameters *parameters, char *query, size_t len)
{
    parameters->count = 0;
    for (size_t at = 0; at < len && parameters->count < PARAMETERS_MAX;) {
        const char *end = memchr(query + at, '&', len - at);
        size_t size = end ? (size_t)(end - query) - at : len - at;
        if (size > 0)
            parameters->at[parameters->count++] = read_one(query + at, size);
        at += size + 1;
    }
}

struct span parameters_find(const struct parameters *parameters, const char *name)
{
    for (size_t i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->at[i];
        if (span_equal(parameter->name, span_str(name)))
            return parameter->value.ptr ? parameter->value : span_str("");
    }
    return (struct span){0};
}
