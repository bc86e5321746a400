/* The open connections, for the replies that show them. */
#ifndef SPILE_HTTP_API_CONNECTIONS_H
#define SPILE_HTTP_API_CONNECTIONS_H

#include "core/roster.h"
#include "http/api.h"

enum { API_CONNECTIONS_MAX = 10000 };

struct api_connections {
    const struct pipeline *pipeline;
    struct roster_entry *entries; /* in ascending order of their ids */
    size_t count;
    size_t all; /* there are, API_CONNECTIONS_MAX of which are looked at */
};

/* -1: no memory, and the reply says so. */
int api_connections_read(struct api_connections *connections, struct pipeline *pipeline,
                         struct http_reply *reply);
void api_connections_free(struct api_connections *connections);

/* The open connection of that id, or NULL. */
const struct roster_entry *api_connection(const struct api_connections *connections, uint32_t id);
/* One shape Connection. */
void api_put_connection(struct json *j, const struct api_connections *connections,
                        const struct roster_entry *entry);

#endif
