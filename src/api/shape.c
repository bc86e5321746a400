#include "api/shape.h"

#include <ctype.h>
#include <stdio.h>

enum { MEMBERS_MAX = 48, DEPTH_MAX = 8 };

/* What is left of a shape, and where its schema goes. */
struct shape_reader {
    const char *pos;
    unsigned depth;
    struct json *j;
};

static bool take(struct shape_reader *r, char c)
{
    r->pos += strspn(r->pos, " \n");
    if (*r->pos != c)
        return false;
    r->pos++;
    return true;
}

/* Letters, digits and -; empty when there are none. */
static struct span take_word(struct shape_reader *r)
{
    r->pos += strspn(r->pos, " \n");
    const char *start = r->pos;
    while (isalnum((unsigned char)*r->pos) || *r->pos == '-')
        r->pos++;
    return span_of(start, (size_t)(r->pos - start));
}

static int put_shape(struct shape_reader *r);

/* Behind the shape stands whether it may be null. Members of a JSON object come in any order, so
 * what is known only here is written here. */
static void put_end(struct shape_reader *r, const char *type)
{
    json_key(r->j, "type");
    if (take(r, '?')) {
        json_array(r->j);
        json_str(r->j, type);
        json_str(r->j, "null");
        json_array_end(r->j);
    } else {
        json_str(r->j, type);
    }
}

static int put_array(struct shape_reader *r)
{
    json_key(r->j, "items");
    if (put_shape(r) < 0 || !take(r, ']'))
        return -1;
    put_end(r, "array");
    return 0;
}

static int put_map(struct shape_reader *r)
{
    json_key(r->j, "additionalProperties");
    if (put_shape(r) < 0 || !take(r, '}'))
        return -1;
    put_end(r, "object");
    return 0;
}

static void put_required(struct json *j, const struct span *names, size_t count)
{
    json_key(j, "required");
    json_array(j);
    for (size_t i = 0; i < count; i++)
        json_text(j, names[i]);
    json_array_end(j);
}

static int put_members(struct shape_reader *r)
{
    struct span required[MEMBERS_MAX];
    size_t count = 0;
    json_key(r->j, "properties");
    json_object(r->j);
    do {
        struct span key = take_word(r);
        bool optional = take(r, '?');
        if (key.len == 0 || !take(r, ':') || count == MEMBERS_MAX)
            return -1;
        if (!optional)
            required[count++] = key;
        json_text_key(r->j, key);
        if (put_shape(r) < 0)
            return -1;
    } while (take(r, ','));
    json_object_end(r->j);
    put_required(r->j, required, count);
    if (!take(r, '}'))
        return -1;
    put_end(r, "object");
    return 0;
}

static bool is_shape(struct span name)
{
    for (const struct api_shape *shape = api_shapes; shape->name; shape++)
        if (span_equal(name, span_str(shape->name)))
            return true;
    return false;
}

static void put_reference(struct json *j, struct span name)
{
    char path[96];
    snprintf(path, sizeof path, "#/components/schemas/%.*s", (int)name.len, (const char *)name.ptr);
    json_put_str(j, "$ref", path);
}

static int put_named(struct shape_reader *r, struct span name)
{
    if (!is_shape(name))
        return -1;
    if (!take(r, '?')) {
        put_reference(r->j, name);
        return 0;
    }
    json_key(r->j, "anyOf");
    json_array(r->j);
    json_object(r->j);
    put_reference(r->j, name);
    json_object_end(r->j);
    json_object(r->j);
    json_put_str(r->j, "type", "null");
    json_object_end(r->j);
    json_array_end(r->j);
    return 0;
}

static int put_word(struct shape_reader *r)
{
    static const struct {
        const char *word, *type, *format;
        bool counts;
    } scalars[] = {
        {"int", "integer", NULL, true},
        {"num", "number", NULL, false},
        {"text", "string", NULL, false},
        {"bool", "boolean", NULL, false},
        {"time", "integer", "unix-time-ms", true},
    };
    struct span word = take_word(r);
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        if (!span_equal(word, span_str(scalars[i].word)))
            continue;
        if (scalars[i].counts)
            json_put_u64(r->j, "minimum", 0);
        if (scalars[i].format)
            json_put_str(r->j, "format", scalars[i].format);
        put_end(r, scalars[i].type);
        return 0;
    }
    return span_equal(word, span_str("any")) ? 0 : put_named(r, word);
}

static int put_body(struct shape_reader *r)
{
    if (take(r, '['))
        return put_array(r);
    if (!take(r, '{'))
        return put_word(r);
    return take(r, '*') ? put_map(r) : put_members(r);
}

static int put_shape(struct shape_reader *r)
{
    if (++r->depth > DEPTH_MAX)
        return -1;
    json_object(r->j);
    if (put_body(r) < 0)
        return -1;
    if (take(r, '(')) {
        size_t len = strcspn(r->pos, ")");
        json_put_text(r->j, "description", span_of(r->pos, len));
        r->pos += len;
        if (!take(r, ')'))
            return -1;
    }
    json_object_end(r->j);
    r->depth--;
    return 0;
}

int shape_schema(struct json *j, const char *shape)
{
    struct shape_reader r = {.pos = shape, .j = j};
    if (put_shape(&r) < 0)
        return -1;
    r.pos += strspn(r.pos, " \n");
    return *r.pos == '\0' ? 0 : -1;
}
