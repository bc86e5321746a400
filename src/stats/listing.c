/*
 * Which streams are listed, and so have statistics of their own. Identities are what peers say, and
 * anybody may invent some: so places are not for those that come first.
 *
 * While there is room every identity is listed. When there is none, a new one may take the place of
 * another: of the peer that has most places, if the new one's peer would still have fewer; or of
 * one that sends much less than it does, which those do soon that are silent. What was counted of
 * the stream that has to go is added to that of all others, "the rest": nothing is lost but its
 * name.
 *
 * Only some change places within a second, of which a peer gets half, and of the rest half again:
 * whoever wants to be listed sends on.
 */
#include <stdlib.h>

#include "stats/stats_state.h"

enum {
    CHANGES = 8,     /* within a second */
    CONTESTS = 32,   /* the same; looking for whom to displace takes a while, too */
    NEW_SECONDS = 5, /* what a new one brought in a second counts as if it took so long */
    CLAIM = 2,       /* so many times what the other sends it has to send */
};

/* One listed stream's peer. */
struct listing_peer {
    uint64_t peer;
    unsigned number;
    unsigned places; /* that the peer has */
};

/* Who has had a turn in this second; a peer gets no more than it leaves. */
struct contest_turns {
    uint64_t peers[CONTESTS];
    unsigned count;
};

static bool has_turn(const struct contest_turns *turns, unsigned most, uint64_t peer)
{
    unsigned held = 0;
    for (unsigned i = 0; i < turns->count; i++)
        held += turns->peers[i] == peer;
    return held + turns->count < most;
}

static void take_turn(struct contest_turns *turns, uint64_t peer)
{
    turns->peers[turns->count++] = peer;
}

/* Owner: the statistics' thread. */
struct listing {
    uint16_t *numbers; /* of a shard's streams */
    uint32_t known;    /* so many of these are set */
    struct listing_peer *peers;
    /* By group: that which has its rows, or is to have them of a stream that has given up its
     * place.
     */
    uint16_t *homes;
    bool any_moved;
    struct contest_turns changes, contests;
    _Atomic uint64_t version; /* counts changes of who is listed; workers read it */
};

/* Every group has its own rows. */
static void settle_homes(struct stats *stats)
{
    for (unsigned group = 0; group < (stats->places + 1) * STATS_SIDES; group++)
        stats->listing->homes[group] = (uint16_t)group;
    stats->listing->any_moved = false;
}

int listing_init(struct stats *stats)
{
    struct listing *listing = calloc(1, sizeof *listing);
    stats->listing = listing;
    if (!listing)
        return -1;
    *listing = (struct listing){
        .numbers = calloc(stats->places + SHARD_RESERVE + 1, sizeof *listing->numbers),
        .peers = calloc(stats->places, sizeof *listing->peers),
        .homes = calloc((stats->places + 1) * STATS_SIDES, sizeof *listing->homes),
    };
    listing_second(stats);
    if (!listing->numbers || !listing->peers || !listing->homes)
        return -1;
    settle_homes(stats);
    return 0;
}

void listing_free(struct stats *stats)
{
    if (!stats->listing)
        return;
    free(stats->listing->numbers);
    free(stats->listing->peers);
    free(stats->listing->homes);
    free(stats->listing);
}

void listing_second(struct stats *stats)
{
    stats->listing->changes.count = stats->listing->contests.count = 0;
}

/* --- names ---------------------------------------------------------------------------------- */

static struct span name_of(const struct stream_state *s)
{
    return span_of(s->name, s->name_len);
}

/* `walk` says where the name belongs when there is none. */
static struct stream_state *find(const struct stats *stats, struct span name,
                                 struct names_walk *walk)
{
    uint32_t number;
    *walk = names_begin(&stats->names, name);
    while ((number = names_next(&stats->names, walk)) != 0) {
        struct stream_state *s = &stats->streams[number - 1];
        if (span_equal(name_of(s), name))
            return s;
    }
    return NULL;
}

struct stream_state *listing_find(const struct stats *stats, struct span name)
{
    struct names_walk walk;
    return find(stats, name, &walk);
}

static void index_names(struct stats *stats)
{
    struct names_walk walk;
    names_clear(&stats->names);
    for (size_t i = 0; i < stats->stream_count; i++) {
        find(stats, name_of(&stats->streams[i]), &walk);
        names_add(&stats->names, &walk, (uint32_t)i + 1);
    }
}

/* --- places --------------------------------------------------------------------------------- */

static void occupy(struct stats *stats, struct stream_state *s, const struct shard_stream *stream)
{
    memcpy(s->name, stream->name, stream->name_len);
    s->name[stream->name_len] = '\0';
    s->name_len = stream->name_len;
    s->peer = stream->peer;
    s->listed = stats->ticks;
    atomic_fetch_add(&stats->listing->version, 1);
}

static void give_up_side(struct stats *stats, const struct stream_state *s, enum stats_side side)
{
    struct stream_state *rest = stats_rest(stats);
    const struct stats_counters *counters = &s->sides[side].counters;
    stats_counters_add(&rest->sides[side].counters, counters);
    rest->sides[side].counted = true;
    for (int d = 0; d < STATS_DISTINCTS; d++) {
        if (d != DISTINCT_DOMAINS)
            distinct_merge(&rest->distinct[side], (enum stats_distinct_id)d,
                           &s->distinct[side].sketch[d]);
    }
    for (unsigned b = 0; s->sides[side].apart && b < QUANTILE_BUCKETS; b++)
        stats->left_apart[side][b] += counters->latency[b];
}

/* What was counted of a stream becomes part of the rest. */
static void give_up(struct stats *stats, struct stream_state *s)
{
    struct stream_state *rest = stats_rest(stats);
    for (int side = 0; side < STATS_SIDES; side++) {
        if (s->sides[side].counted)
            give_up_side(stats, s, (enum stats_side)side);
    }
    for (int i = 0; i < ALL_LOSSES; i++)
        rest->losses_before[i] += s->losses_before[i];
    rest->judged |= s->judged;
    times_merge(&rest->times, &s->times);
    hll_add(&stats->others, siphash_bytes(&stats->key, name_of(s)));
    stats->rest_used = true;
    stats_forget_stream(s);
    memset(s->losses, 0, sizeof s->losses);
    memset(s->losses_before, 0, sizeof s->losses_before);
    s->id = (int)(((unsigned)s->id + STATS_STREAMS_MAX) & INT32_MAX);
    for (unsigned side = 0; side < STATS_SIDES; side++)
        stats->listing->homes[stats_group((unsigned)(s - stats->streams), side)] =
            stats_group(stats->places, side);
    stats->listing->any_moved = true;
}

static int by_peer(const void *a, const void *b)
{
    const struct listing_peer *x = a, *y = b;
    return x->peer != y->peer ? (x->peer < y->peer ? -1 : 1) : 0;
}

/* Notes how many places each listed stream's peer has; returns how many that peer has. */
static unsigned count_places(struct stats *stats, uint64_t peer)
{
    struct listing_peer *peers = stats->listing->peers;
    size_t count = stats->stream_count;
    unsigned its = 0;
    for (size_t i = 0; i < count; i++)
        peers[i] = (struct listing_peer){stats->streams[i].peer, (unsigned)i, 0};
    qsort(peers, count, sizeof *peers, by_peer);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && peers[end].peer == peers[i].peer; end++)
            ;
        for (size_t k = i; k < end; k++)
            peers[k].places = (unsigned)(end - i);
        if (peers[i].peer == peer)
            its = (unsigned)(end - i);
    }
    return its;
}

static uint64_t events_of(const struct block *block)
{
    uint64_t events = 0;
    for (int side = 0; side < STATS_SIDES; side++) {
        for (int direction = 0; direction < STATS_DIRECTIONS; direction++)
            events += block->counters[side].direction[direction].events;
    }
    return events;
}

/* Whose place the new stream gets; NULL: nobody's. */
static struct stream_state *find_weaker(struct stats *stats, const struct shard_stream *stream,
                                        const struct block *block)
{
    const struct listing *listing = stats->listing;
    unsigned its = count_places(stats, stream->peer), most = 0;
    double claim = (double)events_of(block) / NEW_SECONDS / CLAIM;
    struct stream_state *weakest = NULL;
    double least = 0;
    for (size_t i = 0; i < stats->stream_count; i++)
        most = listing->peers[i].places > most ? listing->peers[i].places : most;
    bool fewer = most > its + 1;
    for (size_t i = 0; i < stats->stream_count; i++) {
        const struct listing_peer *p = &listing->peers[i];
        if (fewer ? p->places < most : p->peer != stream->peer && p->places <= its)
            continue;
        struct stream_state *s = &stats->streams[p->number];
        double busy = stats_busy(stats, s);
        if (weakest && busy >= least)
            continue;
        weakest = s;
        least = busy;
    }
    return weakest && (fewer || least < claim) ? weakest : NULL;
}

static struct stream_state *contest(struct stats *stats, const struct shard_stream *stream,
                                    const struct block *block)
{
    struct listing *listing = stats->listing;
    if (stats->folding) /* for moments; its rows go where they have their groups */
        return NULL;
    if (!has_turn(&listing->changes, CHANGES, stream->peer) ||
        !has_turn(&listing->contests, CONTESTS, stream->peer))
        return NULL;
    take_turn(&listing->contests, stream->peer);
    struct stream_state *weaker = find_weaker(stats, stream, block);
    if (!weaker)
        return NULL;
    take_turn(&listing->changes, stream->peer);
    give_up(stats, weaker);
    /* It may be one of the same shard, whose rows are still to come. */
    for (uint32_t i = 0; i < listing->known; i++) {
        if (listing->numbers[i] == weaker - stats->streams)
            listing->numbers[i] = (uint16_t)stats->places;
    }
    return weaker;
}

/* The number of a shard's stream, or that of the rest. */
static unsigned number_of(struct stats *stats, const struct shard_stream *stream,
                          const struct block *block)
{
    struct names_walk walk;
    struct span name = span_of(stream->name, stream->name_len);
    struct stream_state *s = find(stats, name, &walk);
    if (s)
        return (unsigned)(s - stats->streams);
    bool room = stats->stream_count < stats->places;
    if (block)
        s = room ? &stats->streams[stats->stream_count] : contest(stats, stream, block);
    if (!s) {
        hll_add(&stats->others, siphash_bytes(&stats->key, name));
        stats->rest_used = true;
        return stats->places;
    }
    occupy(stats, s, stream);
    if (room)
        names_add(&stats->names, &walk, (uint32_t)++stats->stream_count);
    else
        index_names(stats);
    return (unsigned)(s - stats->streams);
}

unsigned listing_number(struct stats *stats, const struct shard *shard, uint32_t at,
                        const struct block *block)
{
    struct listing *listing = stats->listing;
    listing->known = at;
    listing->numbers[at] = at < shard->stream_max
                               ? (uint16_t)number_of(stats, &shard->streams[at], block)
                               : (uint16_t)stats->places;
    return listing->numbers[at];
}

const uint16_t *listing_settle(struct stats *stats)
{
    struct listing *listing = stats->listing;
    pool_claim(&stats->pool, (uint32_t)stats->stream_count);
    stats_fit(stats);
    if (!listing->any_moved)
        return listing->numbers;
    table_set_move(&stats->tables, listing->homes);
    table_set_move(&stats->window->tables, listing->homes);
    table_set_count_rest(&stats->tables, &stats->window->tables, stats_rest(stats)->distinct);
    settle_homes(stats);
    return listing->numbers;
}

bool listing_is_stale(const struct stats *stats, const struct shard *shard)
{
    return shard->listing != atomic_load(&stats->listing->version);
}

void listing_clear_shard(struct stats *stats, struct shard *shard)
{
    shard_clear(shard);
    if (!listing_is_stale(stats, shard))
        return;
    shard->listing = atomic_load(&stats->listing->version);
    shard_list_none(shard);
    for (size_t i = 0; i < stats->stream_count; i++)
        shard_list(shard, name_of(&stats->streams[i]), stats->streams[i].peer);
}
