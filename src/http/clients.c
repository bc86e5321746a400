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

enum client_state {
    CLIENT_FREE,
    CLIENT_WAITING, /* for (the rest of) a request */
    CLIENT_BUSY,    /* with a reply */
    CLIENT_STREAMS, /* with one without end */
    CLIENT_CUT,     /* shut down; the library has not noticed yet */
};

/* How many connections of an account there are, but for those that are cut. */
struct share {
    size_t all, streams;
};

/* Owner: struct clients. */
struct client {
    struct clients *owner;
    enum client_state state;
    bool admitted;
    bool begun; /* a request has */
    bool known; /* it has asked before */
    int fd;
    struct account account; /* by which places are shared out */
    struct share *share;    /* its account's; NULL: free or cut */
    uint64_t since;         /* it has been in this state, ns */
    uint64_t deadline;
    /* Of a stream: what its client has taken, and when it last did, or there was nothing to take.
     */
    uint64_t taken, taken_ns;
};

struct clients {
    struct clients_limits limits;
    struct clients_counts *counts;
    uint64_t accepted;
    pthread_mutex_t lock;
    pthread_cond_t news; /* the first connection, or the end */
    bool ending;
    size_t count; /* not free */
    size_t places, streams;
    struct share *shares; /* one a place */
    struct client table[];
};

struct clients *clients_new(const struct clients_limits *limits, struct clients_counts *counts,
                            struct error *err)
{
    size_t places = 2 * limits->all; /* cut ones stay until the library notices */
    struct clients *clients = calloc(1, sizeof *clients + places * sizeof *clients->table);
    if (!clients) {
        error_set(err, "out of memory");
        return NULL;
    }
    clients->shares = calloc(places, sizeof *clients->shares);
    if (!clients->shares) {
        free(clients);
        error_set(err, "out of memory");
        return NULL;
    }
    clients->limits = *limits;
    clients->counts = counts;
    clients->places = places;
    for (size_t i = 0; i < places; i++)
        clients->table[i].owner = clients;
    thread_cond_init(&clients->news);
    pthread_mutex_init(&clients->lock, NULL);
    return clients;
}

void clients_free(struct clients *clients)
{
    if (!clients)
        return;
    pthread_mutex_destroy(&clients->lock);
    pthread_cond_destroy(&clients->news);
    free(clients->shares);
    free(clients);
}

/* It counts no longer. */
static void leave(struct client *client)
{
    if (!client->share)
        return;
    client->share->all--;
    if (client->state == CLIENT_STREAMS) {
        client->share->streams--;
        client->owner->streams--;
    }
    client->share = NULL;
}

static void cut(struct client *client, counter *why)
{
    if (client->state != CLIENT_CUT)
        counter_add_shared(why, 1);
    leave(client);
    client->state = CLIENT_CUT;
    shutdown(client->fd, SHUT_RDWR);
}

/* Who makes room ------------------------------------------------------------------------------- */

static uint64_t age_ns(const struct client *client, uint64_t now)
{
    return now > client->since ? now - client->since : 0;
}

/* Its client has something to take, and has been at it for a while. */
static bool is_slow(const struct client *client, uint64_t now)
{
    return client->state == CLIENT_BUSY && age_ns(client, now) >= SLOW_MS * CLOCK_MS_NS &&
           taken_lacks(client->fd);
}

/* The one that goes first: NULL counts as none. */
static struct client *worse(struct client *a, struct client *b)
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
    struct client *stranger, *waiting, *slow; /* the worst of each kind */
};

static void count(struct census *census, struct client *client, uint64_t now)
{
    census->all++;
    if (!client->admitted) {
        census->strangers++;
        census->stranger = worse(client, census->stranger);
    } else if (client->state == CLIENT_WAITING) {
        census->waiting = worse(client, census->waiting);
    } else if (is_slow(client, now)) {
        census->slow = worse(client, census->slow);
    }
}

/* Of all connections, or of those of one share. */
static struct census look(struct clients *clients, const struct share *share, uint64_t now)
{
    struct census census = {0};
    for (struct client *client = clients->table; client < clients->table + clients->places;
         client++) {
        if (client->share && (!share || client->share == share))
            count(&census, client, now);
    }
    return census;
}

static bool had_time(const struct client *client, uint64_t now)
{
    return client && age_ns(client, now) >= PATIENCE_MS * CLOCK_MS_NS;
}

/* Strangers go first where they are many or have had their time; but one that has just come must
 * not always be pushed out by the next, while others rest. */
static struct client *victim_of(const struct census *census, size_t limit, uint64_t now)
{
    if (2 * census->strangers >= limit || had_time(census->stranger, now))
        return census->stranger;
    if (had_time(census->slow, now))
        return census->slow;
    return census->waiting ? census->waiting : census->slow ? census->slow : census->stranger;
}

/* True when there is a place, of all or of the share's, for one more. */
static bool make_room(struct clients *clients, const struct share *share, size_t limit)
{
    uint64_t now = clock_ns();
    struct census census = look(clients, share, now);
    if (census.all < limit)
        return true;
    struct client *victim = victim_of(&census, limit, now);
    if (victim)
        cut(victim, &clients->counts->displaced);
    return victim;
}

/* A newcomer ----------------------------------------------------------------------------------- */

/* The account's share; a new one is empty. There is one for each place. */
static struct share *share_of(struct clients *clients, const struct account *account)
{
    struct share *empty = clients->shares;
    for (struct client *client = clients->table; client < clients->table + clients->places;
         client++) {
        if (client->share && account_same(&client->account, account))
            return client->share;
    }
    while (empty->all)
        empty++;
    return empty;
}

static struct client *free_place(struct clients *clients)
{
    for (struct client *client = clients->table; client < clients->table + clients->places;
         client++) {
        if (client->state == CLIENT_FREE)
            return client;
    }
    return NULL;
}

/* The place for a newcomer, or NULL. */
static struct client *find_place(struct clients *clients, const struct share *share, bool loopback)
{
    struct client *place = free_place(clients);
    bool fits = place && (loopback || share->all < clients->limits.address ||
                          make_room(clients, share, clients->limits.address));
    return fits && make_room(clients, NULL, clients->limits.all) ? place : NULL;
}

static void set_state(struct client *client, enum client_state state, uint64_t limit_ns)
{
    client->state = state;
    client->since = clock_ns();
    client->deadline =
        limit_ns < UINT64_MAX - client->since ? client->since + limit_ns : UINT64_MAX;
}

struct client *clients_add(struct clients *clients, int fd, const struct sockaddr *address)
{
    struct account account = client_accounts(address).at[0];
    pthread_mutex_lock(&clients->lock);
    struct share *share = share_of(clients, &account);
    struct client *client = find_place(clients, share, guard_is_loopback(address));
    if (client) {
        *client = (struct client){.owner = clients, .fd = fd, .account = account, .share = share};
        set_state(client, CLIENT_WAITING, clients->limits.header_ns);
        share->all++;
        if (clients->count++ == 0)
            pthread_cond_signal(&clients->news);
        clients->accepted++;
        counter_add_shared(&clients->counts->accepted, 1);
        counter_add_shared(&clients->counts->open, 1);
    } else {
        counter_add_shared(&clients->counts->refused, 1);
        shutdown(fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&clients->lock);
    return client;
}

void client_remove(struct client *client)
{
    pthread_mutex_lock(&client->owner->lock);
    leave(client);
    client->state = CLIENT_FREE;
    client->owner->count--;
    atomic_fetch_sub_explicit(&client->owner->counts->open, 1, memory_order_relaxed);
    pthread_mutex_unlock(&client->owner->lock);
}

uint64_t clients_accepted(struct clients *clients)
{
    pthread_mutex_lock(&clients->lock);
    uint64_t accepted = clients->accepted;
    pthread_mutex_unlock(&clients->lock);
    return accepted;
}

static bool asks(const struct client *client, bool patient)
{
    return client->state == CLIENT_BUSY ||
           (client->state == CLIENT_WAITING && (client->begun || (patient && !client->known)));
}

bool clients_ask(struct clients *clients, bool patient)
{
    bool some = false;
    pthread_mutex_lock(&clients->lock);
    for (size_t i = 0; i < clients->places && !some; i++)
        some = asks(&clients->table[i], patient);
    pthread_mutex_unlock(&clients->lock);
    return some;
}

void clients_relieve(struct clients *clients)
{
    uint64_t now = clock_ns();
    struct client *slowest = NULL;
    pthread_mutex_lock(&clients->lock);
    for (struct client *client = clients->table; client < clients->table + clients->places;
         client++) {
        if (is_slow(client, now))
            slowest = worse(client, slowest);
    }
    if (slowest)
        cut(slowest, &clients->counts->displaced);
    pthread_mutex_unlock(&clients->lock);
}

/* What becomes of it ----------------------------------------------------------------------------
 */

/* Sets state and deadline; a connection that was cut stays cut. */
static void move_on(struct client *client, enum client_state state, uint64_t limit_ns)
{
    pthread_mutex_lock(&client->owner->lock);
    if (client->state != CLIENT_CUT) {
        bool streamed = client->state == CLIENT_STREAMS, streams = state == CLIENT_STREAMS;
        client->begun &= state != CLIENT_WAITING;
        client->share->streams += (size_t)streams - (size_t)streamed;
        client->owner->streams += (size_t)streams - (size_t)streamed;
        set_state(client, state, limit_ns);
    }
    pthread_mutex_unlock(&client->owner->lock);
}

void client_admit(struct client *client, bool admitted)
{
    pthread_mutex_lock(&client->owner->lock);
    client->admitted = admitted;
    pthread_mutex_unlock(&client->owner->lock);
}

bool client_is_admitted(struct client *client)
{
    pthread_mutex_lock(&client->owner->lock);
    bool admitted = client->admitted;
    pthread_mutex_unlock(&client->owner->lock);
    return admitted;
}

struct account client_account(const struct client *client)
{
    return client->account;
}

/* The deadline may only come nearer: else a client could gain time by beginning a request. */
void client_begins(struct client *client)
{
    uint64_t deadline = clock_after(client->owner->limits.header_ns);
    pthread_mutex_lock(&client->owner->lock);
    if (deadline < client->deadline)
        client->deadline = deadline;
    client->begun = client->known = true;
    pthread_mutex_unlock(&client->owner->lock);
}

void client_has_asked(struct client *client)
{
    client_answers(client, 0);
}

void client_answers(struct client *client, size_t size)
{
    move_on(client, CLIENT_BUSY, (REPLY_SECONDS + size / REPLY_BYTES_SECOND) * CLOCK_SECOND_NS);
}

/* Looks whether the stream's client has taken more of it, or all. */
static void look_at_stream(struct client *client, uint64_t now)
{
    uint64_t taken = taken_bytes(client->fd);
    if (taken != client->taken || !taken_lacks(client->fd))
        client->taken_ns = now;
    client->taken = taken;
    client->deadline = client->taken_ns + REPLY_SECONDS * CLOCK_SECOND_NS;
}

static bool stalls(const struct client *client, uint64_t now)
{
    return now > client->taken_ns + SLOW_MS * CLOCK_MS_NS;
}

/* The stream that goes first. */
static struct client *worse_stream(struct client *a, struct client *b, uint64_t now)
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
static void make_room_for_stream(struct clients *clients)
{
    uint64_t now = clock_ns();
    struct client *worst = NULL;
    for (struct client *client = clients->table; client < clients->table + clients->places;
         client++) {
        if (client->state == CLIENT_STREAMS) {
            look_at_stream(client, now);
            worst = worse_stream(client, worst, now);
        }
    }
    if (worst)
        cut(worst, &clients->counts->displaced);
}

void client_streams(struct client *client)
{
    struct clients *clients = client->owner;
    pthread_mutex_lock(&clients->lock);
    if (clients->streams >= clients->limits.streams)
        make_room_for_stream(clients);
    client->taken = 0;
    client->taken_ns = clock_ns();
    pthread_mutex_unlock(&clients->lock);
    move_on(client, CLIENT_STREAMS, REPLY_SECONDS * CLOCK_SECOND_NS);
}

void client_rests(struct client *client)
{
    move_on(client, CLIENT_WAITING, client->owner->limits.idle_ns);
}

/* A server with much to do reads a long head in several turns: for what has come and lies unread,
 * the client is not to blame. It gains nothing by that, since the room for a head is bounded. */
static bool is_late(const struct client *client, uint64_t now)
{
    int unread = 0;
    if (client->deadline > now)
        return false;
    if (client->state == CLIENT_WAITING)
        return ioctl(client->fd, FIONREAD, &unread) || unread == 0;
    return client->state == CLIENT_BUSY || client->state == CLIENT_STREAMS;
}

size_t clients_sweep(struct clients *clients, uint64_t now)
{
    pthread_mutex_lock(&clients->lock);
    for (struct client *client = clients->table; client < clients->table + clients->places;
         client++) {
        if (client->state == CLIENT_STREAMS)
            look_at_stream(client, now);
        if (is_late(client, now))
            cut(client, &clients->counts->late);
    }
    size_t count = clients->count;
    pthread_mutex_unlock(&clients->lock);
    return count;
}

bool clients_sleep(struct clients *clients, uint64_t until_ns, bool idle, uint64_t accepted)
{
    struct timespec until = clock_timespec(until_ns);
    int rc = 0;
    pthread_mutex_lock(&clients->lock);
    while (idle && !clients->ending && clients->count == 0 && clients->accepted == accepted)
        pthread_cond_wait(&clients->news, &clients->lock);
    while (!idle && !clients->ending && rc == 0)
        rc = pthread_cond_timedwait(&clients->news, &clients->lock, &until);
    bool ended = clients->ending;
    pthread_mutex_unlock(&clients->lock);
    return ended;
}

void clients_end(struct clients *clients)
{
    pthread_mutex_lock(&clients->lock);
    clients->ending = true;
    pthread_cond_signal(&clients->news);
    pthread_mutex_unlock(&clients->lock);
}
