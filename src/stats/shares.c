/*
 * How the memory for statistics is shared out. What the history keeps of windows has its part.
 * Streams get not quite half of all at the most: how many may be listed follows from that. But few
 * servers have so many, so the tables have what those take that are not there: when one more is
 * listed, they have less.
 *
 * What a stream costs is counted as if everything that may be kept of it was touched, and two
 * snapshots have it, the one that readers hold and the next one.
 */
#include "stats/stats_state.h"

enum {
    WINDOWS_PART = 16,  /* of all one such part is for what windows keep */
    STREAMS_SHARE = 48, /* at the most; in hundredths of all */
    SHARDS_SHARE = 39,  /* of what all streams would leave */
    TABLES_SHARE = 44,  /* of what is left then; windows have the rest */
    WINDOWS = 172,   /* the one that runs, and the rows and keys of the last one; in hundredths */
    KNOWN_PART = 30, /* of tables and a window at their largest: 1 / KNOWN_PART */
    PLACES_MIN = 2,
    NEW_BLOCKS = 2,                     /* one for so many places */
    NEW_BLOCKS_MIN = SHARD_RESERVE / 2, /* of two at once one is for others than who brings most */
};

static size_t stream_bytes(void)
{
    const size_t unused = 2; /* sketches of a side: domains, and clients or servers */
    return sizeof(struct stream_state) +
           STATS_SIDES * (sizeof(struct distinct_counts) - unused * sizeof(struct hll)) +
           RATE_TICKS * sizeof(struct past) + 2 * STATS_SIDES * sizeof(struct stats_stream);
}

/* Of the pool: beyond those that listed streams have a claim to, some are for new ones. */
static uint32_t blocks_for(unsigned places)
{
    unsigned new = places / NEW_BLOCKS;
    return 2 * places + (new > NEW_BLOCKS_MIN ? new : NEW_BLOCKS_MIN);
}

/* What so many streams take that are there, of which the rest may be one; and the total. New ones
 * are listed at once while there are places. */
static size_t bytes_for(unsigned streams, unsigned places)
{
    size_t blocks = streams > places ? blocks_for(places) : 2 * streams;
    return (streams + 1) * stream_bytes() + blocks * sizeof(struct block);
}

static size_t for_windows(const struct stats_settings *settings)
{
    return settings->memory / WINDOWS_PART;
}

size_t stats_windows_memory(const struct stats *stats)
{
    return for_windows(&stats->settings);
}

static size_t bytes_for_all(unsigned places)
{
    return bytes_for(places + 1, places);
}

static size_t left_of(size_t all, size_t taken)
{
    return all > taken ? all - taken : 0;
}

/* The tables' share of `memory`, and the window's. */
static void share_tables(struct shares *shares, size_t memory)
{
    shares->tables = memory / 100 * TABLES_SHARE;
    shares->window = (memory - shares->tables) / WINDOWS * 100;
}

struct shares stats_shares(const struct stats_settings *settings, size_t streams)
{
    size_t memory = settings->memory - for_windows(settings);
    size_t most = settings->memory / 100 * STREAMS_SHARE;
    struct shares shares = {.places = (unsigned)settings->streams};
    while (shares.places > PLACES_MIN && bytes_for_all(shares.places) > most)
        shares.places--;
    shares.blocks = blocks_for(shares.places);
    shares.shards = left_of(memory, bytes_for_all(shares.places)) / 100 * SHARDS_SHARE;
    share_tables(&shares, left_of(memory, bytes_for(1, shares.places) + shares.shards));
    shares.known = (shares.tables + shares.window) / KNOWN_PART;
    shares.streams = bytes_for(streams > 1 ? (unsigned)streams : 1, shares.places);
    share_tables(&shares, left_of(memory, shares.streams + shares.shards + shares.known));
    return shares;
}

void stats_fit(struct stats *stats)
{
    size_t streams = stats->stream_count + stats->rest_used;
    if (streams <= stats->fitted)
        return;
    struct shares shares = stats_shares(&stats->settings, streams);
    table_set_limit(&stats->tables, shares.tables);
    table_set_limit(&stats->window->tables, shares.window);
    stats->fitted = streams;
}

bool stats_short(const struct stats_settings *settings, struct error *err)
{
    const size_t mebi = 1 << 20;
    unsigned places = stats_shares(settings, 0).places;
    if (places >= settings->streams)
        return false;
    size_t all = bytes_for_all((unsigned)settings->streams) / STREAMS_SHARE * 100;
    error_set(err,
              "memory %zuM is for %u streams of %u: only the busiest have statistics of their own; "
              "%zuM would be for all",
              (size_t)settings->memory / mebi, places, (unsigned)settings->streams, all / mebi + 1);
    return true;
}
