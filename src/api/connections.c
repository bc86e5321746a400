#include "api/connections.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/option.h"

enum { MORE = 16 }; /* may come between counting and listing */

int api_connections_read(struct api_connections *c, struct engine *engine, struct api_reply *reply)
{
    struct roster *roster = engine_roster(engine);
    *c = (struct api_connections){.engine = engine};
    roster_list(roster, NULL, 0, &c->all);
    size_t room = c->all + MORE < API_CONNECTIONS_MAX ? c->all + MORE : API_CONNECTIONS_MAX;
    c->entries = calloc(room, sizeof *c->entries);
    if (!c->entries) {
        api_fail(reply, 503, "no memory for the answer");
        return -1;
    }
    c->count = roster_list(roster, c->entries, room, &c->all);
    return 0;
}

void api_connections_free(struct api_connections *c)
{
    free(c->entries);
    free(c->by_name);
    *c = (struct api_connections){0};
}

static int compare_id(const void *id, const void *entry)
{
    uint32_t a = *(const uint32_t *)id, b = ((const struct roster_entry *)entry)->origin.id;
    return (a > b) - (a < b);
}

const struct roster_entry *api_connection(const struct api_connections *c, uint32_t id)
{
    return bsearch(&id, c->entries, c->count, sizeof *c->entries, compare_id);
}

/* --- by the stream's name -------------------------------------------------------------------- */

/* What statistics call the stream: the identity, cut; "-" without. */
static struct span name_of(const struct roster_entry *entry)
{
    size_t len = entry->identity_len;
    if (len == 0)
        return span_str("-");
    return span_of(entry->identity, len < STREAM_NAME_MAX ? len : STREAM_NAME_MAX - 1);
}

static int compare_spans(struct span a, struct span b)
{
    int order = a.len && b.len ? memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* By name, and those of one host together. */
static int compare_names(const void *a, const void *b)
{
    const struct roster_entry *x = *(const struct roster_entry *const *)a;
    const struct roster_entry *y = *(const struct roster_entry *const *)b;
    int order = compare_spans(name_of(x), name_of(y));
    return order ? order : compare_spans(roster_host(&x->origin), roster_host(&y->origin));
}

int api_connections_sort(struct api_connections *c, struct api_reply *reply)
{
    c->by_name = calloc(c->count + 1, sizeof *c->by_name);
    if (!c->by_name) {
        api_fail(reply, 503, "no memory for the answer");
        return -1;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (c->entries[i].identified)
            c->by_name[c->named++] = &c->entries[i];
    }
    qsort(c->by_name, c->named, sizeof *c->by_name, compare_names);
    return 0;
}

/* The first that is not before the name. */
static size_t first_of(const struct api_connections *c, struct span name)
{
    size_t low = 0, high = c->named;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_spans(name_of(c->by_name[middle]), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct api_presence api_presence(const struct api_connections *c, struct span name)
{
    struct api_presence presence = {0};
    struct span last = {0};
    for (size_t i = first_of(c, name); i < c->named && span_equal(name_of(c->by_name[i]), name);
         i++) {
        struct span host = roster_host(&c->by_name[i]->origin);
        presence.connections++;
        presence.hosts += host.len > 0 && !span_equal(host, last);
        last = host;
    }
    return presence;
}

static void put_shared(struct json *j, const struct api_connections *c,
                       const struct roster_entry *entry, size_t hosts)
{
    struct engine_input input = {0};
    char text[256];
    struct span name = name_of(entry);
    bool named = entry->identity_len > 0;
    engine_input_by_index(c->engine, entry->origin.input, &input);
    snprintf(text, sizeof text, "%zu hosts send %s%s%s: " ROSTER_ADVICE, hosts,
             named ? "the identity '" : "no identity", named ? option_show(name).text : "",
             named ? "'" : "");
    json_object(j);
    json_put_str(j, "input", input.name);
    json_key(j, "stream");
    json_bytes(j, name);
    json_put_str(j, "hint", text);
    json_object_end(j);
}

void api_put_shared_names(struct json *j, const struct api_connections *c)
{
    for (size_t i = 0; i < c->named;) {
        struct api_presence presence = api_presence(c, name_of(c->by_name[i]));
        if (presence.hosts > 1)
            put_shared(j, c, c->by_name[i], presence.hosts);
        i += presence.connections;
    }
}

/* --- one, and the list ------------------------------------------------------------------------ */

void api_put_connection(struct json *j, const struct api_connections *c,
                        const struct roster_entry *entry)
{
    struct engine_input input = {0};
    struct span identity = {.len = entry->identity_len};
    engine_input_by_index(c->engine, entry->origin.input, &input);
    json_object(j);
    json_put_u64(j, "id", entry->origin.id);
    json_put_str(j, "input", input.name);
    json_key(j, "peer");
    json_bytes(j, span_str(entry->origin.peer));
    json_put_time(j, "since", entry->since_ms);
    json_put_u64(j, "frames", entry->frames);
    json_put_u64(j, "bytes", entry->bytes);
    json_put_u64(j, "malformed", entry->malformed);
    json_key(j, "identity");
    identity.ptr = entry->identity;
    if (identity.len > 0)
        json_bytes(j, identity);
    else
        json_null(j);
    json_object_end(j);
}

static void connections_handle(const struct api_request *request, struct api_reply *reply)
{
    struct api_connections c;
    uint64_t n = 1000;
    if (!api_number(request, reply, "n", 1, API_CONNECTIONS_MAX, &n) ||
        api_connections_read(&c, request->context->engine, reply) < 0)
        return;
    struct json j = api_begin(reply);
    json_put_u64(&j, "open", c.all);
    json_key(&j, "connections");
    json_array(&j);
    for (size_t i = 0; i < c.count && i < n; i++)
        api_put_connection(&j, &c, &c.entries[i]);
    json_array_end(&j);
    api_end(&j, reply);
    api_connections_free(&c);
}

const struct api_route api_connections = {
    .path = "/api/v1/connections",
    .plain = true,
    .doc = "Who is connected: open connections and files that are read, the oldest first.",
    .parameters =
        (const struct api_parameter[]){{"n", "integer", "How many, at most 10000; else 1000."},
                                       {0}},
    .schema = "{open: int (in all), connections: [Connection]}",
    .handle = connections_handle,
};
