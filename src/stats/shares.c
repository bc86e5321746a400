/*
 * How the memory for statistics is shared out. The history's windows get a part for their wheel;
 * of what is left streams get what those that are asked for need, about half at the most: how many
 * may be listed follows from that. The rest is for tables.
 *
 * What a stream costs is counted as if everything that may be kept of it was touched, and two
 * snapshots have it, the one that readers hold and the next one.
 */
#include "stats/state.h"

enum {
    WHEEL_SHARE = 10, /* of the windows' parts; in hundredths of all ... */
    WHEEL_MOST = 6 << 20,
    STREAMS_SHARE = 53, /* ... at the most, of what is left */
    /* Of what is left, in parts of 92. */
    TABLES_PART = 22,
    SHARDS_PART = 36,
    WINDOW_PART = 34,
    ALL_PARTS = TABLES_PART + SHARDS_PART + WINDOW_PART,
    PLACES_MIN = 2,
    NEW_BLOCKS = 2, /* beyond those that listed streams have a claim to: one for so many places */
    NEW_BLOCKS_MIN = SHARD_RESERVE / 2, /* of two at once one is for others than who brings most */
};

static size_t stream_bytes(void)
{
    const size_t unused = 2; /* sketches of a side: domains, and clients or servers */
    return sizeof(struct stream_state) +
           STATS_SIDES * (sizeof(struct distinct_counts) - unused * sizeof(struct hll)) +
           RATE_SECONDS * sizeof(struct past) + 2 * STATS_SIDES * sizeof(struct stats_stream);
}

static uint32_t blocks_for(unsigned places)
{
    unsigned new = places / NEW_BLOCKS;
    return 2 * places + (new > NEW_BLOCKS_MIN ? new : NEW_BLOCKS_MIN);
}

/* With the two that are always there: the rest, and the total. */
static size_t bytes_for(unsigned places)
{
    return (places + 2) * stream_bytes() + blocks_for(places) * sizeof(struct block);
}

size_t stats_wheel_bytes(const struct stats_settings *settings)
{
    size_t share = settings->memory / 100 * WHEEL_SHARE;
    return share < WHEEL_MOST ? share : WHEEL_MOST;
}

/* How much memory there must be for so much without the wheel's. */
static size_t with_wheel(size_t bytes)
{
    size_t all = bytes / (100 - WHEEL_SHARE) * 100;
    return all < bytes + WHEEL_MOST ? all : bytes + WHEEL_MOST;
}

struct shares stats_shares(const struct stats_settings *settings)
{
    size_t memory = settings->memory - stats_wheel_bytes(settings);
    size_t most = memory / 100 * STREAMS_SHARE;
    unsigned places = (unsigned)settings->streams;
    while (places > PLACES_MIN && bytes_for(places) > most)
        places--;
    size_t streams = bytes_for(places);
    size_t part = (memory > streams ? memory - streams : 0) / ALL_PARTS;
    return (struct shares){
        .tables = part * TABLES_PART,
        .shards = part * SHARDS_PART,
        .window = part * WINDOW_PART,
        .streams = streams,
        .places = places,
        .blocks = blocks_for(places),
    };
}

bool stats_short(const struct stats_settings *settings, struct error *err)
{
    const size_t mebi = 1 << 20;
    unsigned places = stats_shares(settings).places;
    if (places >= settings->streams)
        return false;
    size_t all = with_wheel(bytes_for((unsigned)settings->streams) / STREAMS_SHARE * 100);
    error_set(err,
              "memory %zuM is for %u streams of %u: only the busiest have statistics of their own; "
              "%zuM would be for all",
              (size_t)settings->memory / mebi, places, (unsigned)settings->streams, all / mebi + 1);
    return true;
}
