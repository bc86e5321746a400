#include "http/api_connections.h"

#include <stdlib.h>

enum { MORE = 16 }; /* may come between counting and listing */

int api_connections_read(struct api_connections *c, struct pipeline *pipeline,
                         struct http_reply *reply)
{
    struct roster *roster = pipeline_roster(pipeline);
    *c = (struct api_connections){.pipeline = pipeline};
    roster_list(roster, NULL, 0, &c->all);
    size_t room = c->all + MORE < API_CONNECTIONS_MAX ? c->all + MORE : API_CONNECTIONS_MAX;
    c->entries = calloc(room, sizeof *c->entries);
    if (!c->entries) {
        http_fail(reply, 503, "no memory for the answer");
        return -1;
    }
    c->count = roster_list(roster, c->entries, room, &c->all);
    return 0;
}

void api_connections_free(struct api_connections *c)
{
    free(c->entries);
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

void api_put_connection(struct json *j, const struct api_connections *c,
                        const struct roster_entry *entry)
{
    struct pipeline_input input;
    struct span identity = {.len = entry->identity_len};
    pipeline_input(c->pipeline, entry->origin.input, &input);
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

static void connections_handle(const struct http_request *request, struct http_reply *reply)
{
    struct api_connections c;
    uint64_t n = 1000;
    if (!api_number(request, reply, "n", 1, API_CONNECTIONS_MAX, &n) ||
        api_connections_read(&c, request->context->pipeline, reply) < 0)
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

const struct http_route api_connections = {
    .path = "/api/v1/connections",
    .doc = "Who is connected: open connections and files that are read, the oldest first.",
    .parameters =
        (const struct http_parameter[]){{"n", "integer", "How many, at most 10000; else 1000."},
                                        {0}},
    .schema = "{open: int (in all), connections: [Connection]}",
    .handle = connections_handle,
};
