#include "http/parameters.h"

#include "base/nearest.h"
#include "conf/option.h"

enum { PARAMETERS_MAX = 256, NAMES_TEXT_MAX = 256 };

bool parameters_limit(char *uri)
{
    char *query = strchr(uri, '?');
    unsigned count = 0;
    for (const char *at = query; at && count <= PARAMETERS_MAX; at = strchr(at + 1, '&'))
        count++;
    if (count <= PARAMETERS_MAX)
        return true;
    query[1] = '\0';
    return false;
}

void parameters_refuse_many(struct http_reply *reply)
{
    http_fail(reply, 414, "more than %d parameters", PARAMETERS_MAX);
}

/* --- finding one ---------------------------------------------------------------------------- */

/* What parameters_find looks for; the library itself would take "N" for "n". */
struct wanted {
    struct span name, value;
};

static enum MHD_Result match(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len,
                             const char *value, size_t value_len)
{
    struct wanted *wanted = cls;
    (void)kind;
    if (!span_equal(wanted->name, span_of(key, key_len)))
        return MHD_YES;
    wanted->value = value ? span_of(value, value_len) : span_str("");
    return MHD_NO; /* the first counts */
}

struct span parameters_find(struct MHD_Connection *connection, const char *name)
{
    struct wanted wanted = {.name = span_str(name)};
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, match, &wanted);
    return wanted.value;
}

/* --- whether the route takes them ----------------------------------------------------------- */

/* A look at all of a request, until there is one that the route does not take. */
struct look {
    const struct http_route *route;
    struct http_reply *reply;
    uint64_t seen; /* a bit for each row of the route's parameters */
    bool refused;
};

static size_t count_rows(const struct http_parameter *rows)
{
    size_t count = 0;
    while (rows && rows[count].name)
        count++;
    return count;
}

static const char *row_name(const void *rows, size_t i)
{
    return ((const struct http_parameter *)rows)[i].name;
}

static void refuse_unknown(struct look *look, struct span name)
{
    const struct http_parameter *rows = look->route->parameters;
    struct option_shown shown = option_show(name);
    const char *near = nearest_name(name, row_name, rows, count_rows(rows));
    char names[NAMES_TEXT_MAX];
    if (!rows)
        http_fail(look->reply, 400, "unknown parameter '%s': %s takes none", shown.text,
                  look->route->path);
    else if (near)
        http_fail(look->reply, 400, "unknown parameter '%s'; did you mean '%s'?", shown.text, near);
    else
        http_fail(look->reply, 400, "unknown parameter '%s'%s", shown.text,
                  option_list_names(row_name, rows, names, sizeof names));
}

static enum MHD_Result look_at(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len,
                               const char *value, size_t value_len)
{
    struct look *look = cls;
    struct span name = span_of(key, key_len);
    const struct http_parameter *rows = look->route->parameters;
    size_t count = count_rows(rows), i = 0;
    (void)kind, (void)value_len;
    if (key_len == 0 && !value)
        return MHD_YES;
    while (i < count && !span_equal(name, span_str(rows[i].name)))
        i++;
    uint64_t bit = UINT64_C(1) << i;
    look->refused = i == count || look->seen & bit;
    if (i == count)
        refuse_unknown(look, name);
    else if (look->refused)
        http_fail(look->reply, 400, "parameter '%s' is given more than once", rows[i].name);
    look->seen |= bit;
    return look->refused ? MHD_NO : MHD_YES;
}

bool parameters_accept(struct MHD_Connection *connection, const struct http_route *route,
                       struct http_reply *reply)
{
    struct look look = {.route = route, .reply = reply};
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, look_at, &look);
    return !look.refused;
}
