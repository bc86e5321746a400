/*
 * What came lately, in exchanges that belong together though they are not one: the names and types
 * that servers asked others for, and when they were answered; and truncated answers, which are
 * followed by a query over TCP.
 *
 * Known by hashes, in a table of fixed size: lines of memory with places for two. Where both are
 * taken the one that came earlier goes, so of more names at once than there is room for some are
 * forgotten.
 *
 * All but recent_prefetch need the lock of the line: recent_part says which.
 */
#ifndef SPILE_STAGE_RECENT_H
#define SPILE_STAGE_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times are those of events, in nanoseconds since 1970. */
struct recent_entry {
    uint64_t hash;    /* 0: free */
    int64_t begun_ns; /* when it was asked last, or truncated */
    int64_t ended_ns; /* when it was answered last; before begun_ns: not yet */
};

struct recent_line {
    struct recent_entry entries[2];
    uint8_t padding[16];
};

struct recent {
    struct recent_line *lines;
    uint32_t mask;     /* lines: a power of two, less one */
    int64_t window_ns; /* what is older than that belongs to nothing that comes */
};

/* What a table for so many entries, and some more, takes, in whole cache lines. */
size_t recent_bytes(uint32_t entries);
/* Makes an empty table in recent_bytes(entries) zeroed bytes at `base`, which is the beginning of a
 * cache line; returns where they end. */
uint8_t *recent_open(struct recent *recent, uint32_t entries, int64_t window_ns, uint8_t *base);

/* The number of a hash's line. */
static inline uint32_t recent_part(const struct recent *recent, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & recent->mask;
}

static inline void recent_prefetch(const struct recent *recent, uint64_t hash)
{
    __builtin_prefetch(&recent->lines[recent_part(recent, hash)], 1);
}

/* Somebody else is asked. True when the same had been asked within the window, and has not been
 * answered since. */
bool recent_asked(struct recent *recent, uint64_t hash, int64_t time_ns);
/* The answer to what was asked at `asked_ns`, which need not have been seen. */
void recent_answered(struct recent *recent, uint64_t hash, int64_t asked_ns, int64_t time_ns);
/* True when somebody was asked, or his answer was awaited, at some time from `from_ns` to `to_ns`.
 */
bool recent_awaited(const struct recent *recent, uint64_t hash, int64_t from_ns, int64_t to_ns);

/* An answer was truncated. */
void recent_truncated(struct recent *recent, uint64_t hash, int64_t time_ns);
/* True when there was one within the window, which is used up. */
bool recent_follows(struct recent *recent, uint64_t hash, int64_t time_ns);

#endif
