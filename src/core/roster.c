#include "core/roster.h"

#include "base/clock.h"
#include "conf/option.h"

void roster_init(struct roster *roster)
{
    *roster = (struct roster){0};
    pthread_mutex_init(&roster->lock, NULL);
}

void roster_destroy(struct roster *roster)
{
    pthread_mutex_destroy(&roster->lock);
}

void roster_join(struct roster *roster, struct roster_seat *seat, struct origin *origin)
{
    bool dismissible = seat->dismissible;
    *seat = (struct roster_seat){
        .origin = origin, .since_ms = clock_wall_ms(), .dismissible = dismissible};
    origin->seat = seat;
    pthread_mutex_lock(&roster->lock);
    origin->id = ++roster->last_id;
    seat->prev = roster->last;
    if (roster->last)
        roster->last->next = seat;
    else
        roster->first = seat;
    roster->last = seat;
    roster->count++;
    pthread_mutex_unlock(&roster->lock);
}

bool roster_dismiss(struct roster *roster, uint32_t id)
{
    pthread_mutex_lock(&roster->lock);
    struct roster_seat *seat = roster->first;
    while (seat && seat->origin->id != id)
        seat = seat->next;
    bool found = seat && seat->dismissible;
    if (found)
        atomic_store(&seat->dismissed, true);
    pthread_mutex_unlock(&roster->lock);
    return found;
}

void roster_leave(struct roster *roster, struct roster_seat *seat)
{
    if (!seat->origin)
        return;
    pthread_mutex_lock(&roster->lock);
    if (seat->prev)
        seat->prev->next = seat->next;
    else
        roster->first = seat->next;
    if (seat->next)
        seat->next->prev = seat->prev;
    else
        roster->last = seat->prev;
    roster->count--;
    pthread_mutex_unlock(&roster->lock);
    seat->origin = NULL;
}

/* --- identities ----------------------------------------------------------------------------- */

static struct span identity_of(const struct roster_seat *seat)
{
    return span_of(seat->identity, seat->identity_len);
}

/* Another host that uses the same identity, or NULL. */
static const struct roster_seat *find_sharer(const struct roster *roster,
                                             const struct roster_seat *seat)
{
    struct span host = roster_host(seat->origin);
    for (const struct roster_seat *other = roster->first; host.ptr && other; other = other->next) {
        struct span another = roster_host(other->origin);
        if (other->identified && another.ptr && !span_equal(another, host) &&
            span_equal(identity_of(other), identity_of(seat)))
            return other;
    }
    return NULL;
}

/* FNV-1a: names that collide just share a warning. */
static uint64_t hash_of(struct span text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.ptr[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static bool is_known(const struct roster *roster, uint64_t hash)
{
    for (unsigned i = 0; i < ROSTER_SHARED_MAX && i < roster->shared_count; i++) {
        if (roster->shared[i] == hash)
            return true;
    }
    return false;
}

/* The seat to warn of; NULL: there is none, or there was a warning just now, so that this one has
 * to wait. */
static const struct roster_seat *compare(struct roster *roster, struct roster_seat *seat)
{
    uint64_t hash = hash_of(identity_of(seat));
    const struct roster_seat *sharer = find_sharer(roster, seat);
    unsigned held;
    seat->compared = true;
    if (!sharer || is_known(roster, hash))
        return NULL;
    seat->compared = log_limit_pass(&roster->warnings, 1, &held);
    if (!seat->compared)
        return NULL;
    roster->shared[roster->shared_count++ % ROSTER_SHARED_MAX] = hash;
    return sharer;
}

static void warn(const struct roster_seat *seat, const struct origin *other)
{
    log_warning("%s and %s both send %s%s%s: " ROSTER_ADVICE, other->peer, seat->origin->peer,
                seat->identity_len ? "the identity '" : "no identity",
                option_show(identity_of(seat)).text, seat->identity_len ? "'" : "");
}

void roster_identify(struct roster *roster, struct roster_seat *seat, struct span identity)
{
    struct origin other = {0};
    if (identity.len > ROSTER_IDENTITY_MAX)
        identity.len = ROSTER_IDENTITY_MAX;
    bool known = seat->identified && span_equal(identity, identity_of(seat));
    if (known && (seat->compared || pthread_mutex_trylock(&roster->lock) != 0))
        return; /* a warning can wait for the next frame; to tell the name there may be no other */
    if (!known)
        pthread_mutex_lock(&roster->lock);
    if (identity.len > 0)
        memcpy(seat->identity, identity.ptr, identity.len);
    seat->identity_len = (uint8_t)identity.len;
    seat->identified = true;
    const struct roster_seat *sharer = compare(roster, seat);
    if (sharer)
        other = *sharer->origin;
    pthread_mutex_unlock(&roster->lock);
    if (sharer)
        warn(seat, &other);
}

/* --- listing -------------------------------------------------------------------------------- */

static void copy_entry(struct roster_entry *entry, const struct roster_seat *seat)
{
    entry->origin = *seat->origin;
    entry->origin.seat = NULL;
    entry->since_ms = seat->since_ms;
    entry->frames = counter_get(&seat->frames);
    entry->bytes = counter_get(&seat->bytes);
    entry->malformed = counter_get(&seat->malformed);
    memcpy(entry->identity, seat->identity, sizeof entry->identity);
    entry->identity_len = seat->identity_len;
    entry->identified = seat->identified;
}

size_t roster_list(struct roster *roster, struct roster_entry *entries, size_t max, size_t *all)
{
    size_t count = 0;
    pthread_mutex_lock(&roster->lock);
    for (const struct roster_seat *seat = roster->first; seat && count < max; seat = seat->next)
        copy_entry(&entries[count++], seat);
    *all = roster->count;
    pthread_mutex_unlock(&roster->lock);
    return count;
}
