#include "api/watch.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/put.h"
#include "stats/table.h"

enum {
    TABLE_BYTES = 128 << 10, /* of one list of one worker */
    MEAN_KEY = 24,
};

/* What a worker counts of one subject. */
struct watch_lane {
    pthread_mutex_t lock; /* taken by the worker only if it is free */
    counter unseen;       /* the worker's */
    /* Under the lock. */
    bool watched;
    enum stats_side side;
    int name_len, client_len; /* -1: not this */
    uint8_t name[DNS_NAME_MAX], client[16];
    struct stats_counters counters;
    struct stats_table tables[WATCH_LISTS];
};

/* A client that has asked for a watch. */
struct claim {
    struct account client;
    uint64_t asked_ns; /* 0: it is nobody's */
};

/* Under the lock of all. */
struct watch {
    struct watch_lane *lanes; /* by worker; made when it is first used, for good */
    int64_t from_ms;
    uint64_t from_ns;
    uint64_t unseen;              /* of the lanes, when it began */
    struct claim claims[WATCHES]; /* whose it is; of more the last that have asked */
};

struct watches {
    unsigned workers;
    struct siphash_key key;    /* of servers; names and clients have been hashed by another */
    atomic_uint open;          /* a bit for each watch, set when its lanes are ready */
    _Atomic uint64_t until_ns; /* when the last of them ends */
    pthread_mutex_t lock;      /* never taken by workers */
    struct watch watches[WATCHES];
    uint8_t (*names)[SAMPLE_NAME_MAX + 1]; /* by worker: room for the name of an event */
};

/* --- workers -------------------------------------------------------------------------------- */

static bool is_subject(const struct watch_lane *lane, const struct stats_sample *s)
{
    if (!lane->watched || lane->side != s->kind.side)
        return false;
    if (lane->name_len < 0)
        return span_equal(s->client, span_of(lane->client, (size_t)lane->client_len));
    return dns_name_is_under(s->name, span_of(lane->name, (size_t)lane->name_len));
}

static void add_key(struct stats_table *table, uint64_t hash, struct span key,
                    const struct stats_values *values)
{
    bool fresh;
    stats_row_add(table, stats_table_row(table, hash, 0, key, &fresh), values);
}

static void count(const struct watches *watches, struct watch_lane *lane,
                  const struct stats_sample *s)
{
    struct stats_values values;
    struct stats_table *names = &lane->tables[WATCH_NAMES], *ends = &lane->tables[WATCH_ENDS];
    stats_values_of_sample(&values, s);
    stats_counters_sample(&lane->counters, s);
    if (s->name.len > 0)
        add_key(names, s->name_hash, s->name, &values);
    if (s->kind.side == STATS_CLIENT)
        add_key(ends, s->client_hash, s->client, &values);
    else
        add_key(ends, siphash_bytes(&watches->key, s->server), s->server, &values);
}

static void observe(void *state, unsigned worker, struct event *ev)
{
    struct watches *watches = state;
    struct stats_sample sample;
    event_need(ev, stats_native_reader.needs);
    if (ev->bad & FACET_DNSTAP || !stats_native_reader.read(ev, watches->names[worker], &sample))
        return;
    unsigned open = atomic_load_explicit(&watches->open, memory_order_acquire);
    for (; open; open &= open - 1) {
        struct watch_lane *lane = &watches->watches[__builtin_ctz(open)].lanes[worker];
        if (pthread_mutex_trylock(&lane->lock) != 0) {
            counter_add(&lane->unseen, 1);
            continue;
        }
        if (is_subject(lane, &sample))
            count(watches, lane, &sample);
        pthread_mutex_unlock(&lane->lock);
    }
}

static bool active(void *state)
{
    const struct watches *watches = state;
    return atomic_load_explicit(&watches->open, memory_order_relaxed) != 0 &&
           clock_ns() < atomic_load_explicit(&watches->until_ns, memory_order_relaxed);
}

struct observer watches_observer(struct watches *watches, bool early)
{
    return (struct observer){.state = watches,
                             .needs = FACET_LATENCY,
                             .early = early,
                             .active = active,
                             .event = observe};
}

/* --- beginning and ending ------------------------------------------------------------------- */

static int init_lane(struct watch_lane *lane)
{
    int failed = 0;
    pthread_mutex_init(&lane->lock, NULL);
    for (int i = 0; i < WATCH_LISTS; i++)
        failed |= stats_table_init(&lane->tables[i], TABLE_BYTES, MEAN_KEY, false);
    return failed;
}

static void free_lanes(struct watch_lane *lanes, unsigned workers)
{
    for (unsigned w = 0; lanes && w < workers; w++) {
        for (int i = 0; i < WATCH_LISTS; i++)
            stats_table_free(&lanes[w].tables[i]);
        pthread_mutex_destroy(&lanes[w].lock);
    }
    free(lanes);
}

static struct watch_lane *new_lanes(unsigned workers)
{
    struct watch_lane *lanes = calloc(workers, sizeof *lanes);
    int failed = lanes ? 0 : -1;
    for (unsigned w = 0; lanes && w < workers; w++)
        failed |= init_lane(&lanes[w]);
    if (!failed)
        return lanes;
    free_lanes(lanes, workers);
    return NULL;
}

static int keep(uint8_t *space, struct span bytes)
{
    if (bytes.len > 0)
        memcpy(space, bytes.ptr, bytes.len);
    return bytes.ptr ? (int)bytes.len : -1;
}

/* Empties the lane, and has it watch the subject; NULL: nothing. */
static void set_lane(struct watch_lane *lane, const struct watch_subject *subject)
{
    pthread_mutex_lock(&lane->lock);
    lane->watched = subject;
    if (subject) {
        lane->side = subject->side;
        lane->name_len = keep(lane->name, subject->name);
        lane->client_len = keep(lane->client, subject->client);
    }
    memset(&lane->counters, 0, sizeof lane->counters);
    for (int i = 0; i < WATCH_LISTS; i++)
        stats_table_clear(&lane->tables[i]);
    pthread_mutex_unlock(&lane->lock);
}

static bool is_open(const struct watches *watches, int place)
{
    return atomic_load_explicit(&watches->open, memory_order_relaxed) >> place & 1;
}

static uint64_t unseen_of(const struct watches *watches, const struct watch *watch)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w < watches->workers; w++)
        sum += counter_get(&watch->lanes[w].unseen);
    return sum;
}

static void end_watch(struct watches *watches, int place)
{
    struct watch *watch = &watches->watches[place];
    atomic_fetch_and_explicit(&watches->open, ~(1u << place), memory_order_relaxed);
    memset(watch->claims, 0, sizeof watch->claims);
    for (unsigned w = 0; w < watches->workers; w++)
        set_lane(&watch->lanes[w], NULL);
}

/* -1: no memory. */
static int begin_watch(struct watches *watches, int place, const struct watch_subject *subject)
{
    struct watch *watch = &watches->watches[place];
    if (!watch->lanes)
        watch->lanes = new_lanes(watches->workers);
    if (!watch->lanes)
        return -1;
    watch->unseen = unseen_of(watches, watch);
    watch->from_ms = clock_wall_ms();
    watch->from_ns = clock_ns();
    for (unsigned w = 0; w < watches->workers; w++)
        set_lane(&watch->lanes[w], subject);
    atomic_fetch_or_explicit(&watches->open, 1u << place, memory_order_release);
    return 0;
}

static bool is_watched(const struct watch *watch, const struct watch_subject *subject)
{
    const struct watch_lane *lane = &watch->lanes[0]; /* only changed under the lock of all */
    bool name = subject->name.ptr;
    int len = name ? lane->name_len : lane->client_len;
    return lane->side == subject->side && (lane->name_len >= 0) == name &&
           span_equal(span_of(name ? lane->name : lane->client, (size_t)len),
                      name ? subject->name : subject->client);
}

/* --- whose they are ------------------------------------------------------------------------- */

/* The client's claim; NULL: it has none. */
static struct claim *claim_of(struct watch *watch, const struct account *client)
{
    for (int i = 0; i < WATCHES; i++) {
        struct claim *claim = &watch->claims[i];
        if (claim->asked_ns && account_same(&claim->client, client))
            return claim;
    }
    return NULL;
}

static uint64_t last_asked(const struct watch *watch)
{
    uint64_t last = 0;
    for (int i = 0; i < WATCHES; i++)
        last = watch->claims[i].asked_ns > last ? watch->claims[i].asked_ns : last;
    return last;
}

/* The client asks for it now. */
static void claim(struct watch *watch, const struct account *client)
{
    struct claim *claim = claim_of(watch, client);
    if (!claim) {
        claim = &watch->claims[0];
        for (int i = 1; i < WATCHES; i++)
            claim = watch->claims[i].asked_ns < claim->asked_ns ? &watch->claims[i] : claim;
    }
    *claim = (struct claim){.client = *client, .asked_ns = clock_ns()};
}

/* Claims that were not made again for too long are none any more, and who has none is not watched.
 */
static void expire(struct watches *watches)
{
    uint64_t now = clock_ns();
    for (int place = 0; place < WATCHES; place++) {
        struct watch *watch = &watches->watches[place];
        for (int i = 0; i < WATCHES; i++)
            if (now - watch->claims[i].asked_ns >= WATCH_IDLE_S * CLOCK_SECOND_NS)
                watch->claims[i] = (struct claim){0};
        if (is_open(watches, place) && last_asked(watch) == 0)
            end_watch(watches, place);
    }
}

static unsigned held_by(struct watches *watches, const struct account *client)
{
    unsigned held = 0;
    for (int i = 0; i < WATCHES; i++)
        held += claim_of(&watches->watches[i], client) != NULL;
    return held;
}

/* How many places the one has that has fewest of those whose watch it is. */
static unsigned least_held(struct watches *watches, struct watch *watch)
{
    unsigned least = UINT_MAX;
    for (int i = 0; i < WATCHES; i++) {
        unsigned held =
            watch->claims[i].asked_ns ? held_by(watches, &watch->claims[i].client) : least;
        least = held < least ? held : least;
    }
    return least;
}

static unsigned claims_on(const struct watch *watch)
{
    unsigned count = 0;
    for (int i = 0; i < WATCHES; i++)
        count += watch->claims[i].asked_ns != 0;
    return count;
}

/* Why a watch makes room, the best reason last: a client that has more places than the one that
 * wants it would have then comes before all. */
enum { STAYS, NOT_ASKED_FOR, SHARED_WITH_EQUALS, ITS_OWN, OF_WHO_HAS_MORE };

static unsigned yields(struct watches *watches, struct watch *watch, const struct account *client,
                       unsigned mine)
{
    unsigned held = least_held(watches, watch);
    if (held > mine + 1)
        return OF_WHO_HAS_MORE + held;
    if (claim_of(watch, client) && claims_on(watch) == 1)
        return ITS_OWN;
    if (claim_of(watch, client) && held == mine && mine > 1)
        return SHARED_WITH_EQUALS;
    bool idle = clock_ns() - last_asked(watch) >= WATCH_YIELDS_S * CLOCK_SECOND_NS;
    return idle ? NOT_ASKED_FOR : STAYS;
}

/* A place for what the client asks for; -1: there is none. */
static int find_place(struct watches *watches, const struct account *client)
{
    unsigned mine = held_by(watches, client), most = STAYS;
    int found = -1;
    for (int place = 0; place < WATCHES; place++) {
        struct watch *watch = &watches->watches[place];
        if (!is_open(watches, place))
            return place;
        unsigned how = yields(watches, watch, client, mine);
        if (how > most || (how != STAYS && how == most &&
                           last_asked(watch) < last_asked(&watches->watches[found]))) {
            most = how;
            found = place;
        }
    }
    return found;
}

/* The place where the subject is watched, or -1. */
static int find_subject(const struct watches *watches, const struct watch_subject *subject)
{
    for (int place = 0; place < WATCHES; place++)
        if (is_open(watches, place) && is_watched(&watches->watches[place], subject))
            return place;
    return -1;
}

/* -1: err. */
static int open_place(struct watches *watches, const struct account *client,
                      const struct watch_subject *subject, struct error *err)
{
    int place = find_place(watches, client);
    if (place < 0)
        return error_set(err, "%d names and clients are being looked at by others: ask again later",
                         WATCHES);
    if (is_open(watches, place))
        end_watch(watches, place);
    return begin_watch(watches, place, subject) < 0 ? error_set(err, "no memory for the answer")
                                                    : place;
}

static struct watch *take_watch(struct watches *watches, const struct account *client,
                                const struct watch_subject *subject, struct error *err)
{
    expire(watches);
    int place = find_subject(watches, subject);
    if (place < 0)
        place = open_place(watches, client, subject, err);
    if (place < 0)
        return NULL;
    claim(&watches->watches[place], client);
    atomic_store_explicit(&watches->until_ns, clock_ns() + WATCH_IDLE_S * CLOCK_SECOND_NS,
                          memory_order_relaxed);
    return &watches->watches[place];
}

/* --- reading -------------------------------------------------------------------------------- */

/* A row of some worker's. */
struct watched_row {
    uint64_t hash;
    struct stats_values values;
    uint64_t error, floor; /* floor: of the table that it is in */
    uint8_t key_len;
    uint8_t key[SAMPLE_NAME_MAX];
};

struct pile {
    struct watched_row *rows;
    size_t count, max;
    uint64_t floor; /* of all tables together */
    bool failed;
};

static void pile_table(struct pile *pile, const struct stats_table *table)
{
    size_t wanted = pile->count + table->row_count;
    if (wanted > pile->max) {
        struct watched_row *rows = realloc(pile->rows, wanted * sizeof *rows);
        pile->failed |= !rows;
        if (!rows)
            return;
        pile->rows = rows;
        pile->max = wanted;
    }
    for (uint32_t i = 0; i < table->row_count; i++) {
        const struct stats_row *row = &table->rows[i];
        struct span key = stats_row_key(table, row);
        struct watched_row *found = &pile->rows[pile->count++];
        *found = (struct watched_row){.hash = row->hash,
                                      .error = row->error,
                                      .floor = table->floor,
                                      .key_len = (uint8_t)key.len};
        stats_row_values(table, row, &found->values);
        memcpy(found->key, key.ptr, key.len);
    }
    pile->floor += table->floor;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const struct watched_row *)a)->hash, y = ((const struct watched_row *)b)->hash;
    return (x > y) - (x < y);
}

static uint64_t hits(const struct watched_row *found)
{
    return found->values.of[MEASURE_QUERIES] + found->values.of[MEASURE_RESPONSES];
}

static int by_hits(const void *a, const void *b)
{
    uint64_t x = hits(a), y = hits(b);
    return x == y ? by_hash(a, b) : x < y ? 1 : -1;
}

/* One row a key; where a worker has none it may have had as much as its floor. */
static void unite(struct pile *pile)
{
    size_t kept = 0;
    if (pile->count > 0)
        qsort(pile->rows, pile->count, sizeof *pile->rows, by_hash);
    for (size_t i = 0; i < pile->count; i++) {
        struct watched_row *row = &pile->rows[i];
        if (kept > 0 && pile->rows[kept - 1].hash == row->hash) {
            struct watched_row *same = &pile->rows[kept - 1];
            stats_values_add(&same->values, &row->values);
            same->error += row->error;
            same->floor += row->floor;
        } else {
            pile->rows[kept++] = *row;
        }
    }
    pile->count = kept;
    if (kept > 0)
        qsort(pile->rows, kept, sizeof *pile->rows, by_hits);
}

static size_t put_key(char *text, int list, const struct watched_row *found)
{
    char *end = list == WATCH_NAMES
                    ? stats_native_reader.put_name(text, span_of(found->key, found->key_len))
                : found->key_len == 4  ? put_ipv4(text, found->key)
                : found->key_len == 16 ? put_ipv6(text, found->key)
                                       : put_char(text, '-');
    *end = '\0';
    return (size_t)(end - text);
}

static int answer(struct pile *pile, int list, size_t n, struct stats_answer *answer)
{
    unite(pile);
    *answer = (struct stats_answer){.rows = calloc(n + 1, sizeof *answer->rows),
                                    .count = pile->count < n ? pile->count : n,
                                    .keys = pile->count,
                                    .keys_exact = pile->floor == 0,
                                    .floor = pile->floor};
    if (!answer->rows || pile->failed)
        return -1;
    for (size_t i = 0; i < answer->count; i++) {
        const struct watched_row *found = &pile->rows[i];
        struct stats_top *top = &answer->rows[i];
        top->value = hits(found);
        top->error = found->error + pile->floor - found->floor;
        top->values = found->values;
        top->text_len = (uint16_t)put_key(top->text, list, found);
    }
    return 0;
}

static void read_lanes(const struct watches *watches, struct watch *watch, struct pile *piles,
                       struct watch_report *report)
{
    for (unsigned w = 0; w < watches->workers; w++) {
        struct watch_lane *lane = &watch->lanes[w];
        pthread_mutex_lock(&lane->lock);
        stats_counters_add(&report->counters, &lane->counters);
        for (int i = 0; i < WATCH_LISTS; i++)
            pile_table(&piles[i], &lane->tables[i]);
        pthread_mutex_unlock(&lane->lock);
    }
    report->from_ms = watch->from_ms;
    report->to_ms = clock_wall_ms();
    report->seconds = (double)(clock_ns() - watch->from_ns) / CLOCK_SECOND_NS;
    report->unseen = unseen_of(watches, watch) - watch->unseen;
}

int watch_read(struct watches *watches, const struct account *client,
               const struct watch_subject *subject, size_t n, struct watch_report *report,
               struct error *err)
{
    struct pile piles[WATCH_LISTS] = {0};
    int rc = 0;
    *report = (struct watch_report){0};
    pthread_mutex_lock(&watches->lock);
    struct watch *watch = take_watch(watches, client, subject, err);
    if (watch)
        read_lanes(watches, watch, piles, report);
    pthread_mutex_unlock(&watches->lock);
    for (int i = 0; i < WATCH_LISTS; i++) {
        if (watch && answer(&piles[i], i, n, &report->lists[i]) < 0)
            rc = error_set(err, "no memory for the answer");
        free(piles[i].rows);
    }
    if (rc < 0)
        watch_report_free(report);
    return watch ? rc : -1;
}

void watch_report_free(struct watch_report *report)
{
    stats_answers_free(report->lists, WATCH_LISTS);
}

/* --- all of them ---------------------------------------------------------------------------- */

struct watches *watches_new(unsigned workers, struct error *err)
{
    struct watches *watches = calloc(1, sizeof *watches);
    if (watches) {
        watches->workers = workers;
        watches->names = calloc(workers, sizeof *watches->names);
        pthread_mutex_init(&watches->lock, NULL);
    }
    if (watches && watches->names && siphash_key_random(&watches->key) == 0)
        return watches;
    watches_free(watches);
    error_set(err, "no memory for what is looked at closely");
    return NULL;
}

void watches_free(struct watches *watches)
{
    if (!watches)
        return;
    for (int i = 0; i < WATCHES; i++)
        free_lanes(watches->watches[i].lanes, watches->workers);
    pthread_mutex_destroy(&watches->lock);
    free(watches->names);
    free(watches);
}
