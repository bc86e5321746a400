/* The section `statistics` of the configuration. */
#include "conf/module.h"
#include "core/engine.h"
#include "stats/stats.h"

static const struct option statistics_options[] = {
    {.name = "memory",
     .type = OPTION_SIZE,
     .offset = offsetof(struct stats_settings, memory),
     .fallback = "64M",
     .min = 4 << 20,
     .max = UINT64_C(64) << 30,
     .fixed = true,
     .doc =
         "memory for all of the statistics, whatever the traffic: numbers are exact while the "
         "names and addresses fit, then estimates with known error; each stream that comes takes "
         "440 KiB of it, and all together 47 % at most; while statistics are kept a change waits "
         "for the next start"},
    {.name = "streams",
     .type = OPTION_UINT,
     .offset = offsetof(struct stats_settings, streams),
     .fallback = "64",
     .min = 1,
     .max = STATS_STREAMS_MAX,
     .fixed = true,
     .doc =
         "dnstap identities that have statistics of their own, as far as the memory is for so "
         "many; when there are more, the busiest have them, no peer keeps out those of others, "
         "and the rest is in the total alone, and counted; a change waits as that of memory does"},
    {.name = "before-stages",
     .type = OPTION_BOOL,
     .offset = offsetof(struct stats_settings, before_stages),
     .fallback = "false",
     .doc = "count events before the stages of the list drop or change any; without it statistics "
            "are of what outputs get"},
    {0},
};

/* Whether the memory can be had shows only when it is asked for; none of it is touched. */
static enum module_verdict probe(const void *options, const void **wrong, struct error *err)
{
    const struct stats_settings *settings = options;
    const struct settings usual = {0}; /* a worker for each core */
    const struct stats_options made = {.settings = *settings,
                                       .reader = &stats_native_reader,
                                       .workers = engine_worker_count(&usual)};
    struct stats *stats = stats_new(&made, err);
    *wrong = &settings->memory;
    stats_free(stats);
    if (!stats)
        return MODULE_REFUSES;
    return stats_short(settings, err) ? MODULE_WARNS : MODULE_FINE;
}

const struct module statistics_section = {
    .name = "statistics",
    .kind = MODULE_SECTION,
    .doc = "What statistics may take. They are kept when something shows them: the web server, the "
           "history, the metrics output, or `spile top`.",
    .options_size = sizeof(struct stats_settings),
    .options = statistics_options,
    .probe = probe,
};
