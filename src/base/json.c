#include "base/json.h"

#include <math.h>
#include <stdio.h>

#include "base/escape.h"
#include "base/put.h"

/* 2^53: up to there a double holds every whole number. */
static const double whole_max = 9007199254740992.0;

/* What stands before a value or a key; a comma is due behind it. */
static void before(struct json *j)
{
    if (j->comma)
        buf_str(j->out, j->spaced ? ", " : ",");
    j->comma = true;
}

static void open(struct json *j, char bracket)
{
    before(j);
    buf_byte(j->out, (uint8_t)bracket);
    j->comma = false;
}

static void close(struct json *j, char bracket)
{
    buf_byte(j->out, (uint8_t)bracket);
    j->comma = true;
}

void json_object(struct json *j)
{
    open(j, '{');
}

void json_object_end(struct json *j)
{
    close(j, '}');
}

void json_array(struct json *j)
{
    open(j, '[');
}

void json_array_end(struct json *j)
{
    close(j, ']');
}

static void put_string(struct json *j, struct span text, unsigned flags)
{
    before(j);
    char *p = buf_reserve(j->out, text.len * ESCAPE_JSON_MAX + 2);
    if (!p)
        return;
    p = put_char(p, '"');
    if (text.len > 0)
        p = escape_json(p, text, flags);
    buf_commit(j->out, put_char(p, '"'));
}

static void behind_key(struct json *j)
{
    buf_str(j->out, j->spaced ? ": " : ":");
    j->comma = false;
}

void json_key(struct json *j, const char *key)
{
    before(j);
    buf_byte(j->out, '"');
    buf_str(j->out, key);
    buf_byte(j->out, '"');
    behind_key(j);
}

void json_text_key(struct json *j, struct span text)
{
    put_string(j, text, ESCAPE_PRESENTED);
    behind_key(j);
}

void json_text(struct json *j, struct span text)
{
    if (text.ptr)
        put_string(j, text, ESCAPE_PRESENTED);
    else
        json_null(j);
}

void json_str(struct json *j, const char *text)
{
    json_text(j, text ? span_str(text) : (struct span){0});
}

void json_bytes(struct json *j, struct span bytes)
{
    put_string(j, bytes, 0);
}

void json_u64(struct json *j, uint64_t value)
{
    before(j);
    char *p = buf_reserve(j->out, PUT_U64_MAX);
    if (p)
        buf_commit(j->out, put_u64(p, value));
}

void json_i64(struct json *j, int64_t value)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%lld", (long long)value);
    json_raw(j, span_of(text, (size_t)len));
}

void json_decimal(struct json *j, uint64_t value, unsigned decimals)
{
    char text[PUT_DECIMAL_MAX];
    json_raw(j, span_of(text, (size_t)(put_decimal(text, value, decimals) - text)));
}

void json_double(struct json *j, double value)
{
    char text[40];
    if (!isfinite(value)) {
        json_null(j);
        return;
    }
    bool whole = fabs(value) <= whole_max && value == trunc(value);
    int len = snprintf(text, sizeof text, whole ? "%.0f" : "%.9g", value == 0 ? 0 : value);
    json_raw(j, span_of(text, (size_t)len));
}

void json_bool(struct json *j, bool value)
{
    json_raw(j, span_str(value ? "true" : "false"));
}

void json_null(struct json *j)
{
    json_raw(j, span_str("null"));
}

void json_raw(struct json *j, struct span text)
{
    before(j);
    buf_put(j->out, text.ptr, text.len);
}

void json_put_str(struct json *j, const char *key, const char *text)
{
    json_key(j, key);
    json_str(j, text);
}

void json_put_text(struct json *j, const char *key, struct span text)
{
    json_key(j, key);
    json_text(j, text);
}

void json_put_u64(struct json *j, const char *key, uint64_t value)
{
    json_key(j, key);
    json_u64(j, value);
}

void json_put_i64(struct json *j, const char *key, int64_t value)
{
    json_key(j, key);
    json_i64(j, value);
}

void json_put_decimal(struct json *j, const char *key, uint64_t value, unsigned decimals)
{
    json_key(j, key);
    json_decimal(j, value, decimals);
}

void json_put_double(struct json *j, const char *key, double value)
{
    json_key(j, key);
    json_double(j, value);
}

void json_put_bool(struct json *j, const char *key, bool value)
{
    json_key(j, key);
    json_bool(j, value);
}

void json_put_null(struct json *j, const char *key)
{
    json_key(j, key);
    json_null(j);
}

void json_put_time(struct json *j, const char *key, int64_t ms)
{
    json_key(j, key);
    if (ms == 0)
        json_null(j);
    else
        json_i64(j, ms);
}
