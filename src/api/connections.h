/* The open connections, for the replies that show them. */
#ifndef SPILE_API_CONNECTIONS_H
#define SPILE_API_CONNECTIONS_H

#include "api/api.h"
#include "core/roster.h"

enum { API_CONNECTIONS_MAX = 10000 };

struct api_connections {
    struct engine *engine;
    struct roster_entry *entries; /* in ascending order of their ids */
    size_t count;
    size_t all; /* how many there are; only API_CONNECTIONS_MAX are listed */
    const struct roster_entry **by_name; /* api_connections_sort: those whose stream is known */
    size_t named;
};

/* -1: no memory, and the reply says so. */
int api_connections_read(struct api_connections *connections, struct engine *engine,
                         struct api_reply *reply);
void api_connections_free(struct api_connections *connections);

/* The open connection of that id, or NULL. */
const struct roster_entry *api_connection(const struct api_connections *connections, uint32_t id);
/* How many connections are open under a stream's name, and from how many hosts: machines that send
 * by TCP, processes of this one (files are none). */
struct api_presence {
    size_t connections, hosts;
};
/* Must be called before api_presence. -1: no memory, and the reply says so. */
int api_connections_sort(struct api_connections *connections, struct api_reply *reply);
struct api_presence api_presence(const struct api_connections *connections, struct span name);
/* Writes a hint, in the array of them, for each name that several hosts use. After
 * api_connections_sort. */
void api_put_shared_names(struct json *j, const struct api_connections *connections);
/* Writes one object of the shape Connection. */
void api_put_connection(struct json *j, const struct api_connections *connections,
                        const struct roster_entry *entry);

#endif
