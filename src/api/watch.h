/*
 * Watches: what belongs together, counted of the events that come while somebody asks for it: who
 * asks for a name, which names a client asks for, and by which types, rcodes and transports. The
 * statistics keep names and clients apart, for all pairs of both would have no bounds.
 *
 * A watch begins when its subject is asked about first, and ends when nobody has asked for a while.
 * It belongs to all who ask for it. There are few places: where none is free, who wants one takes
 * it from the client that has most, as long as that one keeps as many; or else gives up one of its
 * own, what it has not asked for longest. So whoever has none finds one, but where as many others
 * have one each and go on asking.
 *
 * An observer of the engine: nothing is done for events while nothing is watched.
 *
 * Each worker counts into tables of its own, of fixed size (stats/table.h: what has no room is told
 * by errors and floors). It never waits: an event that comes while the worker's tables are read is
 * left out and counted as unseen.
 */
#ifndef SPILE_API_WATCH_H
#define SPILE_API_WATCH_H

#include "base/account.h"
#include "core/observer.h"
#include "stats/stats.h"

struct watches;

enum {
    WATCHES = 8,         /* subjects at a time */
    WATCH_IDLE_S = 60,   /* a watch is its client's until it was not asked for so long ... */
    WATCH_YIELDS_S = 10, /* ... or, where who has none finds no other place, so long */
};
enum { WATCH_NAMES, WATCH_ENDS /* clients, or upstream servers */, WATCH_LISTS };

/* What is watched: a name and what is below it, or a client. Upstream there are no clients. */
struct watch_subject {
    struct span name;   /* in wire form and lower case; absent: a client is */
    struct span client; /* 4 or 16 bytes, or none for messages without an address */
    enum stats_side side;
};

/* What was seen of it. */
struct watch_report {
    int64_t from_ms, to_ms; /* Unix milliseconds */
    double seconds;
    uint64_t unseen; /* events that were not looked at; they may be of the subject or not */
    struct stats_counters counters;
    struct stats_answer lists[WATCH_LISTS]; /* by hits */
};

/* NULL: err. */
struct watches *watches_new(unsigned workers, struct error *err);
/* To be called when no worker runs any more. */
void watches_free(struct watches *watches);
/* `early` as the statistics' observer is: both tell of the same events. */
struct observer watches_observer(struct watches *watches, bool early);

/* What was seen of the subject since its watch began, which is now if it was not watched. At most n
 * rows of each list. `client` is who asks. -1: err, there is no place for it, or no memory. Any
 * thread. */
int watch_read(struct watches *watches, const struct account *client,
               const struct watch_subject *subject, size_t n, struct watch_report *report,
               struct error *err);
void watch_report_free(struct watch_report *report);

#endif
