/* Families about the program itself: inputs, stages, outputs, statistics, the process. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/metrics.h"
#include "core/roster.h"
#include "core/stages.h"

/* --- inputs --- */

/* The thing is a struct input_counters. */
static void each_input(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric)
{
    struct engine *engine = view->context->engine;
    struct engine_input input;
    for (size_t i = 0; engine && engine_input(engine, i, &input); i++) {
        size_t outer = exposition_text_label(page, "input", span_str(input.name));
        metric->one(page, view, metric, &input.counters);
        exposition_unlabel(page, outer);
    }
}

static void one_counter(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric, const void *thing)
{
    (void)view;
    exposition_sample(page, counter_get((const counter *)((const char *)thing + metric->at)));
}

static void each_reason(struct exposition *page, const counter *counts, size_t count,
                        const char *(*name)(size_t))
{
    for (size_t i = 0; i < count; i++)
        metrics_labelled(page, "reason", name(i), counter_get(&counts[i]));
}

static void one_refused(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric, const void *thing)
{
    const struct input_counters *counters = thing;
    (void)view, (void)metric;
    each_reason(page, counters->refused, INPUT_REFUSALS, input_refusal_name);
}

static void one_cut(struct exposition *page, const struct metrics_view *view,
                    const struct metric *metric, const void *thing)
{
    const struct input_counters *counters = thing;
    (void)view, (void)metric;
    each_reason(page, counters->cut, INPUT_CUTS, input_cut_name);
}

static void one_connections(struct exposition *page, const struct metrics_view *view,
                            const struct metric *metric, const void *thing)
{
    size_t all;
    (void)metric, (void)thing;
    if (!view->context->engine)
        return;
    roster_list(engine_roster(view->context->engine), NULL, 0, &all);
    exposition_sample(page, all);
}

#define INPUT(member) .at = offsetof(struct input_counters, member)

static const struct metric inputs[] = {
    GAUGE("spile_connections", "Connections and files that are open now.", metrics_once,
          one_connections),
    GAUGE("spile_input_open", "Sockets that listen, and files that are read.", each_input,
          one_counter, INPUT(open)),
    COUNTER("spile_input_connections", "Connections accepted, and files opened.", each_input,
            one_counter, INPUT(connections)),
    COUNTER("spile_input_refused",
            "Connections refused, by reason: the option that says so, or one in a loop.",
            each_input, one_refused),
    COUNTER("spile_input_cut",
            "Connections closed though they had not ended or broken their streams, by reason.",
            each_input, one_cut),
    COUNTER("spile_input_frames", "Data frames received.", each_input, one_counter, INPUT(frames)),
    COUNTER("spile_input_bytes", "Bytes of these frames.", each_input, one_counter, INPUT(bytes)),
    COUNTER("spile_input_malformed", "Frames that are no dnstap messages.", each_input, one_counter,
            INPUT(malformed)),
    COUNTER("spile_input_errors", "Connections and files that ended in an error.", each_input,
            one_counter, INPUT(errors)),
    {.each = NULL},
};

/* --- stages --- */

/* The thing is a struct stage_view. */
static void each_stage(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric)
{
    struct engine *engine = view->context->engine;
    struct stage_view stage;
    for (size_t i = 0; engine && engine_stage(engine, i, &stage); i++) {
        size_t outer = exposition_text_label(page, "stage", span_str(stage.name));
        metric->one(page, view, metric, &stage);
        exposition_unlabel(page, outer);
    }
}

#define STAGE(member) .at = offsetof(struct stage_view, member)

static const struct metric stages[] = {
    COUNTER("spile_stage_passed", "Events that a stage let pass, changed ones, too.", each_stage,
            metrics_one_number, STAGE(passed)),
    COUNTER("spile_stage_dropped", "Events that it dropped; outputs count them as filtered.",
            each_stage, metrics_one_number, STAGE(dropped)),
    COUNTER("spile_stage_changed", "Events that it changed.", each_stage, metrics_one_number,
            STAGE(changed)),
    {.each = NULL},
};

/* --- outputs --- */

/* The thing is a struct engine_output. */
static void each_output(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric)
{
    struct engine *engine = view->context->engine;
    struct engine_output output;
    for (size_t i = 0; engine && engine_output(engine, i, &output); i++) {
        size_t outer = exposition_text_label(page, "output", span_str(output.name));
        metric->one(page, view, metric, &output);
        exposition_unlabel(page, outer);
    }
}

static void one_dropped(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric, const void *thing)
{
    const struct engine_output *output = thing;
    (void)view, (void)metric;
    for (int i = DROP_FIRST; i < DROP_REASONS; i++)
        metrics_labelled(page, "reason", drop_reason_name((enum drop_reason)i),
                         counter_get(&output->ledger.dropped[i]));
}

static void one_of_queue(struct exposition *page, const struct metrics_view *view,
                         const struct metric *metric, const void *thing)
{
    const struct engine_output *output = thing;
    (void)view;
    if (output->queued)
        exposition_sample(page, metrics_number(thing, metric->at));
}

static void one_paused(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric, const void *thing)
{
    const struct engine_output *output = thing;
    (void)view, (void)metric;
    if (!output->gone)
        exposition_sample(page, output->paused);
}

static void one_output_info(struct exposition *page, const struct metrics_view *view,
                            const struct metric *metric, const void *thing)
{
    const struct engine_output *output = thing;
    (void)view, (void)metric;
    size_t outer = exposition_text_label(page, "module", span_str(output->module));
    metrics_labelled(page, "format", output->format ? output->format : "", 1);
    exposition_unlabel(page, outer);
}

#define LEDGER(member) .at = offsetof(struct engine_output, ledger.member)
#define QUEUE(member) .at = offsetof(struct engine_output, queue_##member)

static const struct metric outputs[] = {
    GAUGE("spile_output_info", "Module and format of an output; always 1.", each_output,
          one_output_info),
    COUNTER("spile_output_received", "Events that were to go to an output.", each_output,
            one_counter, LEDGER(received)),
    COUNTER("spile_output_delivered", "Events that it has written whole.", each_output, one_counter,
            LEDGER(delivered)),
    COUNTER("spile_output_filtered", "Events that its filters left out.", each_output, one_counter,
            LEDGER(filtered)),
    COUNTER("spile_output_dropped", "Events lost to it, by reason.", each_output, one_dropped),
    COUNTER("spile_output_truncated", "Events whose records do not show all of them (record-max).",
            each_output, one_counter, LEDGER(truncated)),
    COUNTER("spile_output_bytes", "Bytes that it has written.", each_output, one_counter,
            LEDGER(bytes)),
    GAUGE("spile_output_paused", "1 while somebody wants it to write nothing (ctl outputs pause).",
          each_output, one_paused),
    GAUGE("spile_output_queue_bytes", "Bytes that wait in its queue.", each_output, one_of_queue,
          QUEUE(bytes)),
    GAUGE("spile_output_queue_limit_bytes", "What its queue can hold.", each_output, one_of_queue,
          QUEUE(limit)),
    GAUGE("spile_output_queue_records", "Events that wait in its queue.", each_output, one_of_queue,
          QUEUE(records)),
    {.each = NULL},
};

/* --- the statistics --- */

/* The thing is the snapshot. */
static void of_snapshot(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric)
{
    metric->one(page, view, metric, view->snapshot);
}

/* What is of all streams in the window, by side. */
static void each_total(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric)
{
    for (enum stats_side side = 0; side < STATS_SIDES; side++) {
        if (!metrics_wants(view, metric, side))
            continue;
        size_t outer = metrics_side_label(page, side);
        metrics_window_label(page, view);
        metric->one(page, view, metric, &view->lately->total[side]);
        exposition_unlabel(page, outer);
    }
}

static void one_seconds(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric, const void *thing)
{
    double seconds = view->lately->seconds;
    (void)metric, (void)thing;
    size_t outer = metrics_window_label(page, view);
    exposition_decimal(page, seconds > 0 ? (uint64_t)llround(seconds * 1e3) : 0, 3);
    exposition_unlabel(page, outer);
}

static void one_exact(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric, const void *thing)
{
    (void)metric, (void)thing;
    exposition_sample(page, stats_is_exact(view->snapshot));
}

static void one_moment(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric, const void *thing)
{
    (void)metric, (void)thing;
    exposition_sample(page, view->snapshot->whole && !view->torn);
}

/* From when the window has what it is asked for. */
static void one_begin(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric, const void *thing)
{
    static const struct {
        const char *of;
        size_t at; /* in struct stats_snapshot */
    } begins[] = {
        {"all", offsetof(struct stats_snapshot, from_ms)},
        {"streams", offsetof(struct stats_snapshot, streams_ms)},
        {"distinct", offsetof(struct stats_snapshot, keys_ms)},
    };
    (void)metric, (void)thing;
    size_t outer = metrics_window_label(page, view);
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        size_t inner = exposition_label(page, "of", span_str(begins[i].of));
        exposition_decimal(page, metrics_number(view->lately, begins[i].at), 3);
        exposition_unlabel(page, inner);
    }
    exposition_unlabel(page, outer);
}

/* Of the window: which tables nothing was left out of. */
static void each_table(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric)
{
    for (enum stats_side side = 0; side < STATS_SIDES; side++) {
        if (!metrics_wants(view, metric, side))
            continue;
        size_t outer = metrics_side_label(page, side);
        metrics_window_label(page, view);
        for (enum stats_table_id table = 0; table < STATS_TABLES; table++)
            metrics_labelled(page, "table", stats_table_name(table),
                             view->lately->exact[side] >> table & 1);
        exposition_unlabel(page, outer);
    }
}

#define SNAPSHOT(member) .at = offsetof(struct stats_snapshot, member)
#define TOTAL(member) .at = offsetof(struct stats_stream, member)

static const struct metric statistics[] = {
    GAUGE("spile_clients", "Distinct clients of all streams in the window.", each_total,
          metrics_one_number, TOTAL(distinct.clients), .sides = METRICS_OF(STATS_CLIENT)),
    GAUGE("spile_servers", "Distinct servers that all streams have asked in the window.",
          each_total, metrics_one_number, TOTAL(distinct.servers),
          .sides = METRICS_OF(STATS_UPSTREAM)),
    GAUGE("spile_domains", "Distinct names in the messages of all streams in the window.",
          each_total, metrics_one_number, TOTAL(distinct.domains)),
    GAUGE("spile_window_seconds", "How much time the window really covers.", metrics_once,
          one_seconds),
    GAUGE("spile_window_begin_timestamp_seconds",
          "From when the numbers of the window are: of all streams together, of what single ones "
          "sent, and of how many different names and addresses these had. Where memory is short "
          "the last two are later than the first, and these numbers are of less than the window.",
          metrics_once, one_begin),
    GAUGE("spile_streams", "Identities that have been seen and have statistics of their own.",
          of_snapshot, metrics_one_number, SNAPSHOT(stream_count)),
    COUNTER("spile_malformed_frames", "Frames that are no dnstap messages, of no stream.",
            of_snapshot, metrics_one_number, SNAPSHOT(malformed)),
    COUNTER("spile_statistics_unlisted",
            "Events that are counted, but missing in tables: too many new keys at once.",
            of_snapshot, metrics_one_number, SNAPSHOT(unlisted)),
    COUNTER("spile_statistics_other_streams",
            "Events of identities without a place in the statistics: in the total alone.",
            of_snapshot, metrics_one_number, SNAPSHOT(other_streams)),
    GAUGE("spile_statistics_other_identities",
          "How many identities have had no place in the statistics, about.", of_snapshot,
          metrics_one_number, SNAPSHOT(other_identities)),
    GAUGE("spile_statistics_places", "Identities that can have statistics of their own.",
          of_snapshot, metrics_one_number, SNAPSHOT(places)),
    GAUGE("spile_statistics_exact",
          "1 while tables and distinct counts are exact, 0 since they are estimates.", of_snapshot,
          one_exact),
    GAUGE("spile_table_exact", "1 while nothing was left out of that table in the window, else 0.",
          each_table),
    GAUGE("spile_statistics_one_moment",
          "1 when all numbers of this page are of one moment; 0: a worker or the merging was too "
          "busy, and distinct numbers and top lists may lag or lead by a second.",
          of_snapshot, one_moment),
    COUNTER("spile_statistics_snapshots",
            "Snapshots made: one a second, and one for each reading of this page.", of_snapshot,
            metrics_one_number, SNAPSHOT(generation)),
    GAUGE("spile_statistics_snapshot_timestamp_seconds",
          "When the numbers of this page were taken.", of_snapshot, metrics_one_time,
          SNAPSHOT(made_ms)),
    GAUGE("spile_statistics_since_timestamp_seconds",
          "When counting began: the start, or the last reset.", of_snapshot, metrics_one_time,
          SNAPSHOT(since_ms)),
    {.each = NULL},
};

/* --- the process, under the names that all programs use --- */

static uint64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void one_cpu(struct exposition *page, const struct metrics_view *view,
                    const struct metric *metric, const void *thing)
{
    (void)view, (void)metric, (void)thing;
    exposition_decimal(page, clock_us(CLOCK_PROCESS_CPUTIME_ID), 6);
}

/* Two fields of /proc/self/statm, in pages: all, and what is in memory. metric->at is which. */
static void one_memory(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric, const void *thing)
{
    unsigned long pages[2];
    (void)view, (void)thing;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm)
        return;
    if (fscanf(statm, "%lu %lu", &pages[0], &pages[1]) == 2)
        exposition_sample(page, (uint64_t)pages[metric->at] * (uint64_t)sysconf(_SC_PAGESIZE));
    fclose(statm);
}

static void one_open_fds(struct exposition *page, const struct metrics_view *view,
                         const struct metric *metric, const void *thing)
{
    uint64_t count = 0;
    (void)view, (void)metric, (void)thing;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    exposition_sample(page, count - 1); /* the folder itself */
}

static void one_limit(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric, const void *thing)
{
    struct rlimit limit;
    (void)view, (void)metric, (void)thing;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        exposition_sample(page, limit.rlim_cur);
}

static void one_start(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric, const void *thing)
{
    (void)metric, (void)thing;
    exposition_decimal(page, (uint64_t)view->context->started_ms, 3);
}

/* The running one counts as read successfully: else there would have been no start. */
static void one_reload(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric, const void *thing)
{
    const struct api_configured *configured = view->context->configured;
    (void)metric, (void)thing;
    if (configured)
        exposition_sample(page, !atomic_load(&configured->refused));
}

static void one_configured(struct exposition *page, const struct metrics_view *view,
                           const struct metric *metric, const void *thing)
{
    (void)metric, (void)thing;
    if (view->context->engine)
        exposition_decimal(page, (uint64_t)engine_configured_ms(view->context->engine), 3);
}

static void one_build(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric, const void *thing)
{
    (void)view, (void)metric, (void)thing;
    metrics_labelled(page, "version", SPILE_VERSION, 1);
}

static const struct metric process[] = {
    GAUGE("spile_build_info", "The version that runs; always 1.", metrics_once, one_build),
    GAUGE("spile_config_last_reload_successful",
          "1 when the configuration was right when it was last read, at the start or by a reload; "
          "0: it was refused, and the one before is in force.",
          metrics_once, one_reload),
    GAUGE("spile_config_last_reload_success_timestamp_seconds",
          "Since when the configuration is in force, Unix time.", metrics_once, one_configured),
    COUNTER("process_cpu_seconds", "CPU time, user and system.", metrics_once, one_cpu),
    GAUGE("process_virtual_memory_bytes", "Address space.", metrics_once, one_memory, .at = 0),
    GAUGE("process_resident_memory_bytes", "Memory in use.", metrics_once, one_memory, .at = 1),
    GAUGE("process_open_fds", "Open file descriptors.", metrics_once, one_open_fds),
    GAUGE("process_max_fds", "How many may be open.", metrics_once, one_limit),
    GAUGE("process_start_time_seconds", "When the process began, Unix time.", metrics_once,
          one_start),
    {.each = NULL},
};

const struct metric_source metrics_inputs = {.table = inputs};
const struct metric_source metrics_stages = {.table = stages};
const struct metric_source metrics_outputs = {.table = outputs};
const struct metric_source metrics_statistics = {.table = statistics};
const struct metric_source metrics_process = {.table = process};
