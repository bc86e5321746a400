/*
 * Live events: whoever asks gets the events that pass a filter, as JSON lines, as they happen. An
 * observer of the pipeline; nothing is decoded or formatted while nobody looks. Each viewer has a
 * bounded ring: what does not fit is left out and counted, and the data path never waits.
 */
#ifndef SPILE_HTTP_LIVE_H
#define SPILE_HTTP_LIVE_H

#include "base/error.h"
#include "core/observer.h"

struct live;
struct live_viewer;

/* What a viewer wants to see; absent spans and -1 ask for nothing. */
struct live_filter {
    struct span stream; /* identity */
    struct span under;  /* a domain: it and all below it */
    struct span client; /* query address, text */
    int rcode;
    int qtype;
    int side;                /* enum stats_side */
    unsigned max_per_second; /* 0: 200 */
};

struct live *live_new(unsigned workers, struct error *err);
void live_free(struct live *live);
/* `needs` is of what the JSON shows; it runs only while there are viewers. */
struct observer live_observer(struct live *live);

/* A stream of server-sent events for http_reply.stream; NULL: too many viewers, or no memory. The
 * filter's texts are copied. */
struct http_stream *live_open(struct live *live, const struct live_filter *filter);

#endif
