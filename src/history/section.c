/* The section `history` of the configuration. */
#include "conf/module.h"
#include "history/history.h"
#include "io/place.h"

#define DAY_NS (24 * 3600 * UINT64_C(1000000000))

#define HISTORY(member) .offset = offsetof(struct history_settings, member)

static const struct option history_options[] = {
    {.name = "path",
     .type = OPTION_PATH,
     HISTORY(path),
     .exclusive = true,
     .fixed = true,
     .example = "/var/lib/spile/history.db",
     .doc = "the database, made when it is not there; without it only the last quarter of an hour "
            "is kept, in memory; while statistics are kept another path waits for the next start, "
            "since a database knows the key of the hashes in it"},
    {.name = "keep-minutes",
     .type = OPTION_DURATION,
     HISTORY(keep_ns[HISTORY_MINUTES]),
     .fallback = "2d",
     .min = DAY_NS / 24,
     .max = 20000 * DAY_NS,
     .doc = "how long roll-ups of a minute are kept"},
    {.name = "keep-hours",
     .type = OPTION_DURATION,
     HISTORY(keep_ns[HISTORY_HOURS]),
     .fallback = "60d",
     .min = DAY_NS,
     .max = 20000 * DAY_NS,
     .doc = "how long roll-ups of an hour are kept"},
    {.name = "keep-days",
     .type = OPTION_DURATION,
     HISTORY(keep_ns[HISTORY_DAYS]),
     .fallback = "1830d",
     .min = DAY_NS,
     .max = 20000 * DAY_NS,
     .doc = "how long roll-ups of a day are kept, and the top lists of weeks and months that are "
            "made of them"},
    {.name = "top",
     .type = OPTION_UINT,
     HISTORY(top),
     .fallback = "100",
     .min = 1,
     .max = 1000,
     .doc = "how many names, clients and servers a roll-up of a minute lists, by each measure; "
            "those of longer spans have four times as many"},
    {.name = "write-every",
     .type = OPTION_DURATION,
     HISTORY(write_every_ns),
     .fallback = "1m",
     .min = UINT64_C(1000000000),
     .max = 60 * UINT64_C(1000000000),
     .doc = "how often what has come is added to the database: a crash loses as much"},
    {.name = "size-max",
     .type = OPTION_SIZE,
     HISTORY(size_max),
     .fallback = "1G",
     .min = 1 << 20,
     .doc = "the database stays below this size: past it, of every kind of roll-ups the oldest go "
            "before their time, minutes, hours and days in proportion"},
    {0},
};

/* A database that cannot be had at start is tried again later. */
static enum module_verdict probe(const void *options, const void **wrong, struct error *err)
{
    const struct history_settings *history = options;
    *wrong = &history->path;
    return history->path && place_append(history->path, FOLDER_DATABASE, err) != 0 ? MODULE_WARNS
                                                                                   : MODULE_FINE;
}

const struct module history_section = {
    .name = "history",
    .kind = MODULE_SECTION,
    .doc = "Statistics over time: counters, latencies, distinct counts and top lists of every "
           "minute, hour and day (UTC), kept in an SQLite database that survives restarts. A disk "
           "that is full or broken is reported and tried again, and never holds up anything else.",
    .options_size = sizeof(struct history_settings),
    .options = history_options,
    .probe = probe,
};
