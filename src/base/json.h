/*
 * A writer of JSON: the caller says what comes, commas come by themselves. It remembers nothing but
 * whether one is due, so nesting is the caller's to get right. Nothing is allocated but the buffer;
 * when that has failed what is written is lost, and buf.failed says so.
 *
 *     struct json j = json_begin(&reply->body);
 *     json_object(&j);
 *     json_key(&j, "rows"), json_array(&j);
 *     ...
 *     json_array_end(&j);
 *     json_object_end(&j);
 */
#ifndef SPILE_BASE_JSON_H
#define SPILE_BASE_JSON_H

#include "base/buf.h"

/* Owner: the stack. */
struct json {
    struct buf *out;
    bool comma;  /* the next value or key is not the first of its object or array */
    bool spaced; /* ", " and ": ", for lines that people read */
};

static inline struct json json_begin(struct buf *out)
{
    return (struct json){.out = out};
}

void json_object(struct json *j);
void json_object_end(struct json *j);
void json_array(struct json *j);
void json_array_end(struct json *j);

/* A constant key, plain ASCII without quotes and backslashes. */
void json_key(struct json *j, const char *key);
/* A key that is text of any kind, as json_text. */
void json_text_key(struct json *j, struct span text);

/* A string of ours, or a name in presentation form: backslashes are the text's own. Absent: null.
 * What is not valid UTF-8 becomes \DDD, so the result is valid JSON whatever comes. */
void json_text(struct json *j, struct span text);
void json_str(struct json *j, const char *text);
/* Bytes of a stranger, in the presentation form of base/escape.h: a backslash is doubled. */
void json_bytes(struct json *j, struct span bytes);

void json_u64(struct json *j, uint64_t value);
void json_i64(struct json *j, int64_t value);
/* What was counted in parts of a unit, in that unit and exactly: see put_decimal. */
void json_decimal(struct json *j, uint64_t value, unsigned decimals);
/* Nine significant digits; whole numbers up to 2^53 exactly; null for what is not a number. */
void json_double(struct json *j, double value);
void json_bool(struct json *j, bool value);
void json_null(struct json *j);
/* A value that is JSON already. */
void json_raw(struct json *j, struct span text);

/* Key and value together. */
void json_put_str(struct json *j, const char *key, const char *text);
void json_put_text(struct json *j, const char *key, struct span text);
void json_put_u64(struct json *j, const char *key, uint64_t value);
void json_put_i64(struct json *j, const char *key, int64_t value);
void json_put_decimal(struct json *j, const char *key, uint64_t value, unsigned decimals);
void json_put_double(struct json *j, const char *key, double value);
void json_put_bool(struct json *j, const char *key, bool value);
void json_put_null(struct json *j, const char *key);
/* Unix milliseconds; 0 is "never", and null. */
void json_put_time(struct json *j, const char *key, int64_t ms);

#endif
