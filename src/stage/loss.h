/*
 * An estimate of the frames that a server dropped before it sent them. Nobody can count these, but
 * their other halves tell of them: a query whose response never comes, a response whose query never
 * came. This keeps, for each stream, their numbers, and what it takes to judge which of them count.
 *
 * There are other reasons why a half may be missing: a server may not answer, or may not be told to
 * log both. So a half counts only if the other one should have been seen:
 *
 *   - only what the server was asked: what it asks others often has no answer;
 *   - only types of messages of which some have met their other half: servers may be told to log
 *     queries alone, or responses alone;
 *   - only if the other half would have come by the stream's newest connection: what was asked
 *     before that one began was heard by nobody;
 *   - only within the latency-window, and not if the query had to make room for others early;
 *   - a query only if some query of its type was answered after it was asked.
 *
 * Questions to others that had no answer are time-outs: no loss, but counted by the same rules,
 * save the last, for it may well be that nobody answers any more.
 *
 * Identities are what peers say, and anybody may invent some. So of the last LOSS_RESERVE places a
 * peer gets no more than it leaves; and where all are taken, streams that have been silent for long
 * give theirs up. These are taken out of a second index of the names, which is then put in place of
 * the first: workers look names up without a lock, and when each of them has ticked since, none can
 * know the old one any more. Until then neither it nor those places are used again.
 */
#ifndef SPILE_STAGE_LOSS_H
#define SPILE_STAGE_LOSS_H

#include <pthread.h>

#include "base/counter.h"
#include "base/names.h"
#include "core/stage.h"
#include "event/event.h"

enum {
    LOSS_STREAMS = 512, /* streams past that number are not judged */
    LOSS_RESERVE = 64,
    LOSS_NAME_MAX = 127,
    LOSS_TYPES = DNSTAP_UPDATE_RESPONSE + 1,
};

/* Times are those of events, in nanoseconds since 1970. Each is that of the last event, not the
 * latest time seen, so that a wrong one is soon replaced by a right one. Any worker sets them. */
struct loss_stream {
    uint8_t name[LOSS_NAME_MAX];
    uint8_t name_len;
    uint8_t silent; /* so many looks have found it so; the losses' own, as what follows */
    enum loss_place { LOSS_FREE, LOSS_USED, LOSS_LEAVING } place;
    uint32_t looked;              /* `heard` at the last look; the losses' own */
    _Atomic uint32_t heard;       /* number of the mark after which it was heard last */
    _Atomic uint32_t newest;      /* id of the newest connection */
    _Atomic int64_t since_ns;     /* the earliest query since that came; INT64_MAX: none */
    _Atomic int64_t clock_ns;     /* the last event */
    _Atomic int64_t forgotten_ns; /* the last query that had to make room early */
    /* When the last response met its query, for the types of both; 0: none ever did. */
    _Atomic int64_t matched_ns[LOSS_TYPES];
    counter unanswered, unasked, timeouts; /* struct stage_loss */
    _Atomic bool asks;                     /* it has asked others */
    _Atomic bool truncates;                /* it has sent or got truncated answers */
};

/* Owner: the latency stage; used by all workers. */
struct losses {
    struct names names[2];                    /* streams by their names */
    atomic_uint current;                      /* which of the two: its lowest bit; it only grows */
    struct loss_stream streams[LOSS_STREAMS]; /* number 0 is nobody */
    struct siphash_key key;
    _Atomic uint32_t used;        /* places that are not free, nobody's too */
    _Atomic bool wanted;          /* somebody has found no place since the last look */
    pthread_mutex_t lock;         /* of what follows, of adding, and of `place` */
    uint64_t peers[LOSS_STREAMS]; /* who brought each stream: roster_peer */
    bool leaving;                 /* some places are LOSS_LEAVING */
    uint64_t looked_ns;           /* listened time at the last look */
    struct stage_loss left;       /* of streams that have given up their places */
    unsigned workers;
    atomic_uint *ticked; /* by worker: `current` at its last tick */
};

/* Whether messages of that type are judged. */
static inline bool loss_judges(uint32_t message_type)
{
    const uint32_t asked = 1 << DNSTAP_CLIENT_QUERY | 1 << DNSTAP_CLIENT_RESPONSE |
                           1 << DNSTAP_AUTH_QUERY | 1 << DNSTAP_AUTH_RESPONSE |
                           1 << DNSTAP_UPDATE_QUERY | 1 << DNSTAP_UPDATE_RESPONSE;
    return message_type < LOSS_TYPES && (asked >> message_type & 1);
}

/* Whether the halves of messages of that type are looked for: those that are judged, and questions
 * to others. */
static inline bool loss_follows(uint32_t message_type)
{
    const uint32_t upstream = 1 << DNSTAP_RESOLVER_QUERY | 1 << DNSTAP_RESOLVER_RESPONSE |
                              1 << DNSTAP_FORWARDER_QUERY | 1 << DNSTAP_FORWARDER_RESPONSE |
                              1 << DNSTAP_STUB_QUERY | 1 << DNSTAP_STUB_RESPONSE |
                              1 << DNSTAP_TOOL_QUERY | 1 << DNSTAP_TOOL_RESPONSE;
    return loss_judges(message_type) ||
           (message_type < LOSS_TYPES && (upstream >> message_type & 1));
}

/* -1: no memory, or no randomness; to be destroyed all the same. */
int losses_init(struct losses *losses, unsigned workers);
void losses_destroy(struct losses *losses);

/* The stream's number, good until the worker's next tick. With `make` a stream that is not there is
 * added, which that connection brings. 0: it is not there, or there are too many. */
unsigned losses_find(struct losses *losses, struct span identity, const struct origin *make);
/* The worker knows none of the numbers that it has found before; `ended`: nor will it find any. */
void losses_tick(struct losses *losses, unsigned worker, bool ended);
/* To be called now and then, on one thread: has streams that have been silent give up their places,
 * if these are wanted. `heard_ns` is how long there has been listening; a stream is silent when it
 * brought nothing for so long that every entry of it has been judged. */
void losses_age(struct losses *losses, uint64_t heard_ns, uint64_t window_ns);

/* An event of the stream has come, after that mark: a number that grows with time. */
void loss_heard(struct loss_stream *stream, const struct event *ev, int64_t time_ns, uint32_t mark);
/* A response has met its query. */
void loss_matched(struct loss_stream *stream, unsigned query_type, unsigned response_type,
                  int64_t time_ns);
/* What to expect of a response that has found no query. `asked_ns` is the query time that it
 * carries; INT64_MIN: none. */
enum loss_hope {
    LOSS_NO_QUERY,    /* the query will not come, or the rules above forbid to judge */
    LOSS_MAYBE_QUERY, /* it may come, or it was asked before anybody listened, or is not logged */
    LOSS_QUERY,       /* it should come */
};
enum loss_hope loss_hope(const struct loss_stream *stream, unsigned type, int64_t time_ns,
                         int64_t asked_ns, int64_t window_ns);
/* Counts a response whose query should have come, and has not when the window is over. */
void loss_unasked(struct loss_stream *stream);
/* The window of a query is over: counts it as unanswered if the rules above let it. A question to
 * others has timed out, if some of its type was ever answered. */
void loss_unanswered(struct loss_stream *stream, unsigned type, int64_t time_ns);
/* A query had to make room for others before its window was over. */
void loss_forgotten(struct loss_stream *stream, int64_t time_ns);

/* Sets one of a stream's flags, whose line others read. */
static inline void loss_set(_Atomic bool *flag)
{
    if (!atomic_load_explicit(flag, memory_order_relaxed))
        atomic_store_explicit(flag, true, memory_order_relaxed);
}

static inline int64_t loss_time(const _Atomic int64_t *time)
{
    return atomic_load_explicit(time, memory_order_relaxed);
}

void losses_each(struct losses *losses, void (*take)(void *ctx, const struct stage_loss *loss),
                 void *ctx);

#endif
