#include "http/peers.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/address.h"
#include "base/clock.h"
#include "http/guard.h"
#include "io/place.h"

/* A reply may take this long, and a second more for each so many bytes of it. */
enum { REPLY_SECONDS = 60, REPLY_BYTES_SECOND = 16 << 10 };

enum peer_state {
    PEER_FREE,
    PEER_WAITING, /* for (the rest of) a request */
    PEER_BUSY,    /* with a reply */
    PEER_CUT,     /* shut down; the library has not noticed yet */
};

/* Owner: the peers. */
struct peer {
    struct peers *owner;
    enum peer_state state;
    int fd;
    uint8_t network[16]; /* IPv4 mapped; of IPv6 the upper half */
    uint64_t since;      /* it has been in this state, ns */
    uint64_t deadline;
};

struct peers {
    struct peers_limits limits;
    pthread_mutex_t lock;
    size_t count; /* not free */
    size_t places;
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
    peers->limits = *limits;
    peers->places = places;
    for (size_t i = 0; i < places; i++)
        peers->table[i].owner = peers;
    pthread_mutex_init(&peers->lock, NULL);
    return peers;
}

void peers_free(struct peers *peers)
{
    if (!peers)
        return;
    pthread_mutex_destroy(&peers->lock);
    free(peers);
}

static void network_of(const struct sockaddr *address, uint8_t network[16])
{
    enum { NETWORK_BYTES = 8 }; /* of IPv6: a client has the rest for itself */
    if (!place_address(address, network))
        memset(network, 0, ADDRESS_BYTES);
    else if (!address_is_v4(network))
        memset(network + NETWORK_BYTES, 0, ADDRESS_BYTES - NETWORK_BYTES);
}

static void cut(struct peer *peer)
{
    peer->state = PEER_CUT;
    shutdown(peer->fd, SHUT_RDWR);
}

/* What one look at the table says about a newcomer. */
struct census {
    struct peer *place;  /* a free one */
    struct peer *oldest; /* of those that wait */
    size_t all, network; /* that are not cut */
};

static struct census look(struct peers *peers, const uint8_t network[16])
{
    struct census census = {0};
    for (struct peer *peer = peers->table; peer < peers->table + peers->places; peer++) {
        if (peer->state == PEER_FREE) {
            census.place = peer;
        } else if (peer->state != PEER_CUT) {
            census.all++;
            census.network += memcmp(peer->network, network, 16) == 0;
            if (peer->state == PEER_WAITING &&
                (!census.oldest || peer->since < census.oldest->since))
                census.oldest = peer;
        }
    }
    return census;
}

/* The place for a newcomer, or NULL. */
static struct peer *find_place(struct peers *peers, const uint8_t network[16], bool loopback)
{
    struct census census = look(peers, network);
    if (!loopback && census.network >= peers->limits.address)
        return NULL;
    if (census.all >= peers->limits.all) {
        if (!census.oldest)
            return NULL;
        cut(census.oldest);
    }
    return census.place;
}

static void set_state(struct peer *peer, enum peer_state state, uint64_t limit_ns)
{
    peer->state = state;
    peer->since = clock_ns();
    peer->deadline = limit_ns < UINT64_MAX - peer->since ? peer->since + limit_ns : UINT64_MAX;
}

struct peer *peers_add(struct peers *peers, int fd, const struct sockaddr *address)
{
    uint8_t network[16];
    bool loopback = guard_is_loopback(address);
    network_of(address, network);
    pthread_mutex_lock(&peers->lock);
    struct peer *peer = find_place(peers, network, loopback);
    if (peer) {
        peer->fd = fd;
        memcpy(peer->network, network, sizeof network);
        set_state(peer, PEER_WAITING, peers->limits.header_ns);
        peers->count++;
    } else {
        shutdown(fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&peers->lock);
    return peer;
}

void peer_remove(struct peer *peer)
{
    pthread_mutex_lock(&peer->owner->lock);
    peer->state = PEER_FREE;
    peer->owner->count--;
    pthread_mutex_unlock(&peer->owner->lock);
}

/* Sets state and deadline; a connection that was cut stays cut. */
static void move_on(struct peer *peer, enum peer_state state, uint64_t limit_ns)
{
    pthread_mutex_lock(&peer->owner->lock);
    if (peer->state != PEER_CUT)
        set_state(peer, state, limit_ns);
    pthread_mutex_unlock(&peer->owner->lock);
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
    cut(peer);
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

void peer_streams(struct peer *peer)
{
    move_on(peer, PEER_BUSY, UINT64_MAX);
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
    return peer->state == PEER_BUSY;
}

size_t peers_sweep(struct peers *peers, uint64_t now)
{
    pthread_mutex_lock(&peers->lock);
    for (struct peer *peer = peers->table; peer < peers->table + peers->places; peer++) {
        if (is_late(peer, now))
            cut(peer);
    }
    size_t count = peers->count;
    pthread_mutex_unlock(&peers->lock);
    return count;
}
