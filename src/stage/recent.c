#include "stage/recent.h"

#include <assert.h>

enum { CACHE_LINE = 64, PLACES = 2 };
static_assert(sizeof(struct recent_line) == CACHE_LINE, "a look-up touches one line");

static uint32_t lines_for(uint32_t entries)
{
    uint32_t lines = 1;
    while (lines * PLACES < entries)
        lines *= 2;
    return lines;
}

size_t recent_bytes(uint32_t entries)
{
    return (size_t)lines_for(entries) * sizeof(struct recent_line);
}

uint8_t *recent_open(struct recent *recent, uint32_t entries, int64_t window_ns, uint8_t *base)
{
    uint32_t lines = lines_for(entries);
    *recent = (struct recent){
        .lines = (struct recent_line *)base, .mask = lines - 1, .window_ns = window_ns};
    return (uint8_t *)(recent->lines + lines);
}

/* NULL: it is not there. */
static struct recent_entry *find(const struct recent *recent, uint64_t hash)
{
    struct recent_entry *entries = recent->lines[recent_part(recent, hash)].entries;
    for (int i = 0; i < PLACES; i++) {
        if (entries[i].hash == hash)
            return &entries[i];
    }
    return NULL;
}

/* A place for one that is not there: the first of the line, whose others move on. Whatever times
 * events say, the last to go is what came last. */
static struct recent_entry *place(const struct recent *recent, uint64_t hash)
{
    struct recent_entry *entries = recent->lines[recent_part(recent, hash)].entries;
    for (int i = PLACES - 1; i > 0 && entries[0].hash != 0; i--)
        entries[i] = entries[i - 1];
    entries[0] = (struct recent_entry){.hash = hash, .ended_ns = INT64_MIN};
    return &entries[0];
}

static bool is_pending(const struct recent_entry *entry)
{
    return entry->ended_ns < entry->begun_ns;
}

/* Begun at that time or within the window before it. */
static bool is_within(const struct recent *recent, const struct recent_entry *entry,
                      int64_t time_ns)
{
    return entry->begun_ns <= time_ns && time_ns - entry->begun_ns <= recent->window_ns;
}

bool recent_asked(struct recent *recent, uint64_t hash, int64_t time_ns)
{
    struct recent_entry *entry = find(recent, hash);
    bool again = entry && is_pending(entry) && is_within(recent, entry, time_ns);
    if (!entry)
        entry = place(recent, hash);
    entry->begun_ns = time_ns;
    return again;
}

void recent_answered(struct recent *recent, uint64_t hash, int64_t asked_ns, int64_t time_ns)
{
    struct recent_entry *entry = find(recent, hash);
    if (!entry) {
        entry = place(recent, hash);
        entry->begun_ns = asked_ns;
    }
    entry->ended_ns = time_ns;
}

bool recent_awaited(const struct recent *recent, uint64_t hash, int64_t from_ns, int64_t to_ns)
{
    const struct recent_entry *entry = find(recent, hash);
    if (!entry || !is_within(recent, entry, to_ns))
        return false;
    return entry->begun_ns >= from_ns || is_pending(entry) || entry->ended_ns > from_ns;
}

void recent_truncated(struct recent *recent, uint64_t hash, int64_t time_ns)
{
    struct recent_entry *entry = find(recent, hash);
    if (!entry)
        entry = place(recent, hash);
    entry->begun_ns = time_ns;
}

bool recent_follows(struct recent *recent, uint64_t hash, int64_t time_ns)
{
    struct recent_entry *entry = find(recent, hash);
    if (!entry || !is_within(recent, entry, time_ns))
        return false;
    entry->hash = 0;
    return true;
}
