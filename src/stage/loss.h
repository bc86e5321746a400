/*
 * Frames that a server dropped before it sent them: nobody can count them, but what is left of
 * their exchanges tells of them. A query whose response never comes, a response whose query never
 * came. Here is what is known of each stream that judging them takes, and how many there were.
 *
 * Queries without responses come about otherwise, too: a server may not answer. And what is missing
 * is not always lost. So neither is counted unless the other half should have been seen:
 *
 *   - only what the server was asked: what it asks others often has no answer;
 *   - only types of messages of which some have met their other half: servers may be told to log
 *     queries alone, or responses alone;
 *   - only when it would have come by the stream's newest connection: what was asked before that
 * one began was heard by nobody;
 *   - only within the latency-window, and when the query did not have to make room for others
 * early;
 *   - a query only when others of its type were answered as late as it was asked.
 */
#ifndef SPILE_STAGE_LOSS_H
#define SPILE_STAGE_LOSS_H

#include <pthread.h>

#include "base/counter.h"
#include "core/event.h"
#include "core/stage.h"

enum {
    LOSS_STREAMS = 256, /* of more nothing is judged */
    LOSS_NAME_MAX = 127,
    LOSS_TYPES = DNSTAP_UPDATE_RESPONSE + 1,
};

/* Times are those of events, nanoseconds since 1970, and always those of the last one: one that is
 * wrong is soon followed by one that is right. Any worker sets them. */
struct loss_stream {
    uint8_t name[LOSS_NAME_MAX];
    uint8_t name_len;
    _Atomic uint32_t newest;      /* id of the newest connection */
    _Atomic int64_t since_ns;     /* the earliest query since that came; INT64_MAX: none */
    _Atomic int64_t clock_ns;     /* the last event */
    _Atomic int64_t forgotten_ns; /* the last query that had to make room early */
    /* The last response that met its query, by the types of both; 0: none ever did. */
    _Atomic int64_t matched_ns[LOSS_TYPES];
    counter unanswered, unasked; /* struct stage_loss */
};

/* Owner: the latency stage; used by all workers. */
struct losses {
    _Atomic uint32_t count;      /* of streams; they only get more */
    _Atomic uint16_t recent[64]; /* streams by a cheap hash of their names: number + 1 */
    struct loss_stream streams[LOSS_STREAMS]; /* number 0 is nobody */
    pthread_mutex_t lock;                     /* of adding one */
};

/* Whether messages of that type are judged. */
static inline bool loss_judges(uint32_t message_type)
{
    const uint32_t asked = 1 << DNSTAP_CLIENT_QUERY | 1 << DNSTAP_CLIENT_RESPONSE |
                           1 << DNSTAP_AUTH_QUERY | 1 << DNSTAP_AUTH_RESPONSE |
                           1 << DNSTAP_UPDATE_QUERY | 1 << DNSTAP_UPDATE_RESPONSE;
    return message_type < LOSS_TYPES && (asked >> message_type & 1);
}

void losses_init(struct losses *losses);
void losses_destroy(struct losses *losses);

/* The stream's number; `make`: it is added when it is not there. 0: it is not there, or there are
 * too many. */
unsigned losses_find(struct losses *losses, struct span identity, bool make);

/* An event of the stream has come. */
void loss_heard(struct loss_stream *stream, const struct event *ev, int64_t time_ns);
/* A response has met its query. */
void loss_matched(struct loss_stream *stream, unsigned query_type, unsigned response_type,
                  int64_t time_ns);
/* What is to be thought of one that has not. `asked_ns`: when it says that it was asked; INT64_MIN:
 * it does not. */
enum loss_hope {
    LOSS_NO_QUERY,    /* its query will not come */
    LOSS_MAYBE_QUERY, /* it may, or was asked before anybody listened */
    LOSS_QUERY,       /* it should */
};
enum loss_hope loss_hope(const struct loss_stream *stream, unsigned type, int64_t time_ns,
                         int64_t asked_ns, int64_t window_ns);
/* One whose query should have come, and has not when the window is over. */
void loss_unasked(struct loss_stream *stream);
/* A query's window is over, and it may be counted. */
void loss_unanswered(struct loss_stream *stream, unsigned type, int64_t time_ns);
/* A query leaves early. */
void loss_forgotten(struct loss_stream *stream, int64_t time_ns);

static inline int64_t loss_time(const _Atomic int64_t *time)
{
    return atomic_load_explicit(time, memory_order_relaxed);
}

void losses_each(const struct losses *losses,
                 void (*take)(void *ctx, const struct stage_loss *loss), void *ctx);

#endif
