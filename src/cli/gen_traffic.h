/*
 * The generator: a stream of dnstap frames that looks like the traffic of a few busy DNS servers,
 * in order of time, as a function of a seed alone. Frame N carries "seq=N" as its `extra`.
 */
#ifndef SPILE_CLI_GEN_TRAFFIC_H
#define SPILE_CLI_GEN_TRAFFIC_H

#include "base/buf.h"
#include "cli/gen_message.h"

enum { GEN_PENDING = 8192 }; /* exchanges whose response is still to come, at most */

struct gen_pending {
    uint64_t response_ns;
    uint64_t query_ns;
    uint64_t seed;
};

/* Owner: one thread. */
struct gen_traffic {
    struct gen_random random;
    uint64_t clock_ns; /* of the next query, since 1970 */
    uint64_t sequence; /* of the next frame */
    size_t pending_count;
    struct gen_pending pending[GEN_PENDING]; /* a heap, the earliest response on top */
    struct gen_exchange x;
    struct gen_message query, response;
    struct buf policy;
};

void gen_traffic_init(struct gen_traffic *t, uint64_t seed);
void gen_traffic_free(struct gen_traffic *t);
/* Appends the next frame behind its length word. */
void gen_traffic_next(struct gen_traffic *t, struct buf *out);

#endif
