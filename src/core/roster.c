#include "core/roster.h"

#include <time.h>

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

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
    *seat = (struct roster_seat){.origin = origin, .since_ms = wall_ms()};
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

void roster_identify(struct roster *roster, struct roster_seat *seat, struct span identity)
{
    if (identity.len > ROSTER_IDENTITY_MAX)
        identity.len = ROSTER_IDENTITY_MAX;
    if (span_equal(identity, span_of(seat->identity, seat->identity_len)) ||
        pthread_mutex_trylock(&roster->lock) != 0)
        return;
    if (identity.len > 0)
        memcpy(seat->identity, identity.ptr, identity.len);
    seat->identity_len = (uint8_t)identity.len;
    pthread_mutex_unlock(&roster->lock);
}

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
