#include "http/clients.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/thread.h"
#include "http/client.h"
#include "http/guard.h"
#include "io/taken.h"

enum {
    REPLY_SECONDS = 60,            /* a reply may take this long, */
    REPLY_BYTES_SECOND = 16 << 10, /* and a second more for each so many bytes of it */
    SLOW_MS = 250,                 /* after so long a client that takes nothing is slow */
    PATIENCE_MS = 2000,            /* in so long one has shown who it is, or taken its reply */
};

enum peer_state {
    PEER_FREE,
    PEER_WAITING, /* for (the rest of) a request */
    PEER_BUSY,    /* with a reply */
    PEER_STREAMS, /* with one without end */
    PEER_CUT,     /* shut down; the library has not noticed yet */
};

/* How many connections of an account there are, but for those that are cut. */
struct share {
    size_t all, streams;
};

/* Owner: the peers. */
struct peer {
    struct peers *owner;
    enum peer_state state;
    bool admitted;
    int fd;
    struct account account; /* by which places are shared out */
    struct share *share;    /* its account's; NULL: free or cut */
    uint64_t since;         /* it has been in this state, ns */
    uint64_t deadline;
    /* Of a stream: what its client has taken, and when it last did, or there was nothing to take.
     */
    uint64_t taken, taken_ns;
};

struct peers {
    struct peers_limits limits;
    struct peers_counts counts;
    pthread_mutex_t lock;
    pthread_cond_t news; /* the first connection, or the end */
    bool ending;
    size_t count; /* not free */
    size_t places, streams;
    struct share *shares; /* one a place */
    struct peer table[];
};

struct peers *peers_new(const struct peers_limits *limits, struct error *err)
{
    size_t places = 2 * limits->all; /* cut ones stay until the library notices */
    struct peers *peers = calloc(1, sizeof *peers + places * sizeof *peers->table);
    if (!peers) {
        error_set(err, "out of memory");
        return NULL;
    }
    peers->shares = calloc(places, sizeof *peers->shares);
    if (!peers->shares) {
        free(peers);
        error_set(err, "out of memory");
        return NULL;
    }
    peers->limits = *limits;
    peers->places = places;
    for (size_t i = 0; i < places; i++)
        peers->table[i].owner = peers;
    thread_cond_init(&peers->news);
    pthread_mutex_init(&peers->lock, NULL);
    return peers;
}

void peers_free(struct peers *peers)
{
    if (!peers)
        return;
    pthread_mutex_destroy(&peers->lock);
    pthread_cond_destroy(&peers->news);
    free(peers->shares);
    free(peers);
}

/* It counts no longer. */
static void leave(struct peer *peer)
{
    if (!peer->share)
        return;
    peer->share->all--;
    if (peer->state == PEER_STREAMS) {
        peer->share->streams--;
        peer->owner->streams--;
    }
    peer->share = NULL;
}

static void cut(struct peer *peer, counter *why)
{
    if (peer->state != PEER_CUT)
        counter_add(why, 1);
    leave(peer);
    peer->state = PEER_CUT;
    shutdown(peer->fd, SHUT_RDWR);
}

/* Who makes room ------------------------------------------------------------------------------- */

static uint64_t age_ns(const struct peer *peer, uint64_t now)
{
    return now > peer->since ? now - peer->since : 0;
}

/* Its client has something to take, and has been at it for a while. */
static bool is_slow(const struct peer *peer, uint64_t now)
{
    return peer->state == PEER_BUSY && age_ns(peer, now) >= SLOW_MS * CLOCK_MS_NS &&
           taken_lacks(peer->fd);
}

/* The one that goes first: NULL counts as none. */
static struct peer *worse(struct peer *a, struct peer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (a->share->all != b->share->all)
        return a->share->all > b->share->all ? a : b;
    return a->since <= b->since ? a : b;
}

/* What one look at the table says about those who might make room. */
struct census {
    size_t all, strangers;
    struct peer *stranger, *waiting, *slow; /* the worst of each kind */
};

static void count(struct census *census, struct peer *peer, uint64_t now)
{
    census->all++;
    if (!peer->admitted) {
        census->strangers++;
        census->stranger = worse(peer, census->stranger);
    } else if (peer->state == PEER_WAITING) {
        census->waiting = worse(peer, census->waiting);
    } else if (is_slow(peer, now)) {
        census->slow = worse(peer, census->slow);
    }
}

/* Of all connections, or of those of one share. */
static struct census look(struct peers *peers, const struct share *share, uint64_t now)
{
    struct census census = {0};
    for (struct peer *peer = peers->table; peer < peers->table + peers->places; peer++) {
        if (peer->share && (!share || peer->share == share))
            count(&census, peer, now);
    }
    return census;
}

static bool had_time(const struct peer *peer, uint64_t now)
{
    return peer && age_ns(peer, now) >= PATIENCE_MS * CLOCK_MS_NS;
}

/* Strangers go first where they are many or have had their time; but one that has just come must
 * not always be pushed out by the next, while others rest. */
static struct peer *victim_of(const struct census *census, size_t limit, uint64_t now)
{
    if (2 * census->strangers >= limit || had_time(census->stranger, now))
        return census->stranger;
    if (had_time(census->slow, now))
        return census->slow;
    return census->waiting ? census->waiting : census->slow ? census->slow : census->stranger;
}

/* True when there is a place, of all or of the share's, for one more. */
static bool make_room(struct peers *peers, const struct share *share, size_t limit)
{
    uint64_t now = clock_ns();
    struct census census = look(peers, share, now);
    if (census.all < limit)
        return true;
    struct peer *victim = victim_of(&census, limit, now);
    if (victim)
        cut(victim, &peers->counts.displaced);
    return victim;
}

/* A newcomer ----------------------------------------------------------------------------------- */

/* The account's share; a new one is empty. There is one for each place. */
static struct share *share_of(struct peers *peers, const struct account *account)
{
    struct share *empty = peers->shares;
    for (struct peer *peer = peers->table; peer < peers->table + peers->places; peer++) {
        if (peer->share && account_same(&peer->account, account))
            return peer->share;
    }
    while (empty->all)
        empty++;
    return empty;
}

static struct peer *free_place(struct peers *peers)
{
    for (struct peer *peer = peers->table; peer < peers->table + peers->places; peer++) {
        if (peer->state == PEER_FREE)
            return peer;
    }
    return NULL;
}

/* The place for a newcomer, or NULL. */
static struct peer *find_place(struct peers *peers, const struct share *share, bool loopback)
{
    struct peer *place = free_place(peers);
    bool fits = place && (loopback || share->all < peers->limits.address ||
                          make_room(peers, share, peers->limits.address));
    return fits && make_room(peers, NULL, peers->limits.all) ? place : NULL;
}

static void set_state(struct peer *peer, enum peer_state state, uint64_t limit_ns)
{
    peer->state = state;
    peer->since = clock_ns();
    peer->deadline = limit_ns < UINT64_MAX - peer->since ? peer->since + limit_ns : UINT64_MAX;
}

struct peer *peers_add(struct peers *peers, int fd, const struct sockaddr *address)
{
    struct account account = client_accounts(address).at[0];
    pthread_mutex_lock(&peers->lock);
    struct share *share = share_of(peers, &account);
    struct peer *peer = find_place(peers, share, guard_is_loopback(address));
    if (peer) {
        *peer = (struct peer){.owner = peers, .fd = fd, .account = account, .share = share};
        set_state(peer, PEER_WAITING, peers->limits.header_ns);
        share->all++;
        if (peers->count++ == 0)
            pthread_cond_signal(&peers->news);
        counter_add(&peers->counts.accepted, 1);
    } else {
        counter_add(&peers->counts.refused, 1);
        shutdown(fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&peers->lock);
    return peer;
}

void peer_remove(struct peer *peer)
{
    pthread_mutex_lock(&peer->owner->lock);
    leave(peer);
    peer->state = PEER_FREE;
    peer->owner->count--;
    pthread_mutex_unlock(&peer->owner->lock);
}

const struct peers_counts *peers_counts(const struct peers *peers)
{
    return &peers->counts;
}

size_t peers_open(struct peers *peers)
{
    pthread_mutex_lock(&peers->lock);
    size_t count = peers->count;
    pthread_mutex_unlock(&peers->lock);
    return count;
}

void peers_relieve(struct peers *peers)
{
    uint64_t now = clock_ns();
    struct peer *slowest = NULL;
    pthread_mutex_lock(&peers->lock);
    for (struct peer *peer = peers->table; peer < peers->table + peers->places; peer++) {
        if (is_slow(peer, now))
            slowest = worse(peer, slowest);
    }
    if (slowest)
        cut(slowest, &peers->counts.displaced);
    pthread_mutex_unlock(&peers->lock);
}

/* What becomes of it ----------------------------------------------------------------------------
 */

/* Sets state and deadline; a connection that was cut stays cut. */
static void move_on(struct peer *peer, enum peer_state state, uint64_t limit_ns)
{
    pthread_mutex_lock(&peer->owner->lock);
    if (peer->state != PEER_CUT) {
        bool streamed = peer->state == PEER_STREAMS, streams = state == PEER_STREAMS;
        peer->share->streams += (size_t)streams - (size_t)streamed;
        peer->owner->streams += (size_t)streams - (size_t)streamed;
        set_state(peer, state, limit_ns);
    }
    pthread_mutex_unlock(&peer->owner->lock);
}

void peer_admit(struct peer *peer, bool admitted)
{
    pthread_mutex_lock(&peer->owner->lock);
    peer->admitted = admitted;
    pthread_mutex_unlock(&peer->owner->lock);
}

bool peer_is_admitted(struct peer *peer)
{
    pthread_mutex_lock(&peer->owner->lock);
    bool admitted = peer->admitted;
    pthread_mutex_unlock(&peer->owner->lock);
    return admitted;
}

struct account peer_account(const struct peer *peer)
{
    return peer->account;
}

/* The deadline may only come nearer: else a client could gain time by beginning a request. */
void peer_begins(struct peer *peer)
{
    uint64_t deadline = clock_after(peer->owner->limits.header_ns);
    pthread_mutex_lock(&peer->owner->lock);
    if (deadline < peer->deadline)
        peer->deadline = deadline;
    pthread_mutex_unlock(&peer->owner->lock);
}

void peer_cut(struct peer *peer)
{
    pthread_mutex_lock(&peer->owner->lock);
    cut(peer, &peer->owner->counts.refused);
    pthread_mutex_unlock(&peer->owner->lock);
}

void peer_has_asked(struct peer *peer)
{
    peer_answers(peer, 0);
}

void peer_answers(struct peer *peer, size_t size)
{
    move_on(peer, PEER_BUSY, (REPLY_SECONDS + size / REPLY_BYTES_SECOND) * CLOCK_SECOND_NS);
}

/* Looks whether the stream's client has taken more of it, or all. */
static void look_at_stream(struct peer *peer, uint64_t now)
{
    uint64_t taken = taken_bytes(peer->fd);
    if (taken != peer->taken || !taken_lacks(peer->fd))
        peer->taken_ns = now;
    peer->taken = taken;
    peer->deadline = peer->taken_ns + REPLY_SECONDS * CLOCK_SECOND_NS;
}

static bool stalls(const struct peer *peer, uint64_t now)
{
    return now > peer->taken_ns + SLOW_MS * CLOCK_MS_NS;
}

/* The stream that goes first. */
static struct peer *worse_stream(struct peer *a, struct peer *b, uint64_t now)
{
    if (!a || !b)
        return a ? a : b;
    if (stalls(a, now) || stalls(b, now))
        return a->taken_ns <= b->taken_ns ? a : b;
    if (a->share->streams != b->share->streams)
        return a->share->streams > b->share->streams ? a : b;
    return a->since <= b->since ? a : b;
}

/* Under the lock. */
static void make_room_for_stream(struct peers *peers)
{
    uint64_t now = clock_ns();
    struct peer *worst = NULL;
    for (struct peer *peer = peers->table; peer < peers->table + peers->places; peer++) {
        if (peer->state == PEER_STREAMS) {
            look_at_stream(peer, now);
            worst = worse_stream(peer, worst, now);
        }
    }
    if (worst)
        cut(worst, &peers->counts.displaced);
}

void peer_streams(struct peer *peer)
{
    struct peers *peers = peer->owner;
    pthread_mutex_lock(&peers->lock);
    if (peers->streams >= peers->limits.streams)
        make_room_for_stream(peers);
    peer->taken = 0;
    peer->taken_ns = clock_ns();
    pthread_mutex_unlock(&peers->lock);
    move_on(peer, PEER_STREAMS, REPLY_SECONDS * CLOCK_SECOND_NS);
}

void peer_rests(struct peer *peer)
{
    move_on(peer, PEER_WAITING, peer->owner->limits.idle_ns);
}

/* A server with much to do reads a long head in several turns: for what has come and lies unread,
 * the client is not to blame. It gains nothing by that, since the room for a head is bounded. */
static bool is_late(const struct peer *peer, uint64_t now)
{
    int unread = 0;
    if (peer->deadline > now)
        return false;
    if (peer->state == PEER_WAITING)
        return ioctl(peer->fd, FIONREAD, &unread) || unread == 0;
    return peer->state == PEER_BUSY || peer->state == PEER_STREAMS;
}

size_t peers_sweep(struct peers *peers, uint64_t now)
{
    pthread_mutex_lock(&peers->lock);
    for (struct peer *peer = peers->table; peer < peers->table + peers->places; peer++) {
        if (peer->state == PEER_STREAMS)
            look_at_stream(peer, now);
        if (is_late(peer, now))
            cut(peer, &peers->counts.late);
    }
    size_t count = peers->count;
    pthread_mutex_unlock(&peers->lock);
    return count;
}

bool peers_sleep(struct peers *peers, uint64_t until_ns, bool idle, uint64_t accepted)
{
    struct timespec until = clock_timespec(until_ns);
    int rc = 0;
    pthread_mutex_lock(&peers->lock);
    while (idle && !peers->ending && peers->count == 0 &&
           counter_get(&peers->counts.accepted) == accepted)
        pthread_cond_wait(&peers->news, &peers->lock);
    while (!idle && !peers->ending && rc == 0)
        rc = pthread_cond_timedwait(&peers->news, &peers->lock, &until);
    bool ended = peers->ending;
    pthread_mutex_unlock(&peers->lock);
    return ended;
}

void peers_end(struct peers *peers)
{
    pthread_mutex_lock(&peers->lock);
    peers->ending = true;
    pthread_cond_signal(&peers->news);
    pthread_mutex_unlock(&peers->lock);
}
