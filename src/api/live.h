/*
 * Live events: whoever asks gets the events that pass a filter, as server-sent events, as they
 * happen. An observer of the engine; nothing is decoded or formatted while nobody looks.
 *
 * Each viewer has a ring for each worker, which one worker writes and one thread of the server
 * reads, so neither ever waits for the other; what does not fit is left out and counted. A thread
 * of our own wakes those who have something to read, every 50 ms at most.
 */
#ifndef SPILE_API_LIVE_H
#define SPILE_API_LIVE_H

#include "base/error.h"
#include "core/observer.h"

struct live;

/* So many may look at a time. Whoever lets them in sees to it; some more have room here, until
 * those who must go are gone. */
enum { LIVE_VIEWERS = 32 };

/* What a viewer wants to see; absent spans and -1 ask for nothing. */
struct live_filter {
    struct span stream;      /* identity */
    struct span under;       /* a domain, it and all below it: wire form in lower case */
    struct span client;      /* query address as dnstap_address has it; empty: events without one */
    int rcode;               /* STATS_NO_RCODE: no DNS header */
    int qtype;               /* STATS_NO_QTYPE: no question */
    int direction;           /* enum stats_direction */
    int side;                /* enum stats_side */
    unsigned max_per_second; /* 0: 200 */
};

struct live *live_new(unsigned workers, struct error *err);
/* To be called when no stream is open and no worker runs any more. */
void live_free(struct live *live);
/* The observer that feeds the viewers; it is active only while there are any. */
struct observer live_observer(struct live *live);

/* A stream of server-sent events for api_reply.stream; NULL: too many viewers, or no memory. The
 * filter's texts are copied. */
struct api_endless *live_open(struct live *live, const struct live_filter *filter);

#endif
