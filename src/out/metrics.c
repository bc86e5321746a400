/*
 * Output `metrics`: every so often one line that sums up the statistics, to standard output or to a
 * file. The line is that of dnstap-receiver.
 *
 * It is an inline output that takes nothing of the events; a thread of its own writes the lines.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/put.h"
#include "base/thread.h"
#include "core/output.h"
#include "out/emit.h"
#include "out/numbered.h"
#include "out/trouble.h"
#include "stats/stats.h"

/* How soon an end is heard while a new snapshot is awaited. */
#define PATIENCE_NS (50 * CLOCK_MS_NS)

/* The columns of a line; places in struct stats_stream. */
#define QUERY(member) offsetof(struct stats_stream, counters.side[STATS_QUERY].member)
#define RESPONSE(member) offsetof(struct stats_stream, counters.side[STATS_RESPONSE].member)
static const struct {
    const char *name;
    size_t offset;
    bool rate; /* a double, of the moment */
} columns[] = {
    {"QUERIES", QUERY(events)},
    {"QPS", offsetof(struct stats_stream, rates[STATS_QUERY].last), .rate = true},
    {"DOMAINS", offsetof(struct stats_stream, distinct.domains)},
    {"CLIENTS", offsetof(struct stats_stream, distinct.clients)},
    {"INET", QUERY(family[DNSTAP_INET])},
    {"INET6", QUERY(family[DNSTAP_INET6])},
    {"UDP", QUERY(transport[DNSTAP_UDP])},
    {"TCP", QUERY(transport[DNSTAP_TCP])},
    {"NOERROR", RESPONSE(rcode[DNS_RCODE_NOERROR])},
    {"NXDOMAINS", RESPONSE(rcode[DNS_RCODE_NXDOMAIN])},
    {"A", QUERY(qtype[1])},
    {"AAAA", QUERY(qtype[28])},
};

enum { COLUMNS = sizeof columns / sizeof *columns, LINE_MAX_BYTES = 64 + COLUMNS * 32 };

struct metrics {
    uint64_t interval_ns;
    bool cumulative;
    char *path;
    uint64_t rotate_size;
    uint64_t keep;

    struct output *out;
    struct numbered file;
    struct trouble trouble;
    uint64_t generation;    /* of the snapshot that the last line showed */
    uint64_t base[COLUMNS]; /* what the last line showed; of what is not cumulative */
    atomic_bool reopen;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; /* under the lock */
};

static const struct option metrics_options[] = {
    {.name = "interval",
     .type = OPTION_DURATION,
     .offset = offsetof(struct metrics, interval_ns),
     .fallback = "5m",
     .min = CLOCK_SECOND_NS,
     .doc = "how often; the first line comes after one interval, the last one at the end"},
    {.name = "cumulative",
     .type = OPTION_BOOL,
     .offset = offsetof(struct metrics, cumulative),
     .fallback = "true",
     .doc = "count from the start; false: what has come since the line before (of domains and "
            "clients those that are new), without a reset of the statistics"},
    {.name = "file",
     .type = OPTION_PATH,
     .offset = offsetof(struct metrics, path),
     .max = PATH_MAX - 8,
     .doc = "append lines to this file instead of standard output",
     .example = "/var/log/spile/metrics.log"},
    {.name = "rotate-size",
     .type = OPTION_SIZE,
     .offset = offsetof(struct metrics, rotate_size),
     .fallback = "10M",
     .doc = "before the file reaches this it becomes FILE.1, that FILE.2, and so on; off: never"},
    {.name = "keep",
     .type = OPTION_UINT,
     .offset = offsetof(struct metrics, keep),
     .fallback = "10",
     .max = 1000,
     .doc = "rotated files to keep; 0: the file is never rotated"},
    {0},
};

/* --- a line --------------------------------------------------------------------------------- */

/* 2026-11-21 08:54:49,587 in local time, as Python's logging writes it. */
static char *put_now(char *p)
{
    struct timespec now;
    struct tm local;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    p += strftime(p, 32, "%Y-%m-%d %H:%M:%S,", &local);
    return put_digits(p, (uint64_t)now.tv_nsec / CLOCK_MS_NS, 3);
}

static uint64_t value_of(const struct stats_stream *stream, size_t column)
{
    const void *at = (const char *)stream + columns[column].offset;
    return columns[column].rate ? (uint64_t)llround(*(const double *)at) : *(const uint64_t *)at;
}

/* What the line shows: all, or what has been added; after a reset all is new. */
static uint64_t shown(struct metrics *m, const struct stats_stream *total, size_t column)
{
    uint64_t value = value_of(total, column), base = m->base[column];
    if (!m->cumulative && !columns[column].rate)
        m->base[column] = value;
    return value >= base ? value - base : value;
}

static size_t make_line(struct metrics *m, const struct stats_stream *total, char *line)
{
    char *p = put_now(line);
    for (size_t i = 0; i < COLUMNS; i++) {
        p = i ? PUT_LIT(p, ", ") : put_char(p, ' ');
        p = put_char(put_u64(p, shown(m, total, i)), ' ');
        p = put_str(p, columns[i].name);
    }
    return (size_t)(put_char(p, '\n') - line);
}

static void write_line(struct metrics *m, const struct stats_snapshot *snapshot)
{
    char line[LINE_MAX_BYTES];
    size_t len = make_line(m, &snapshot->total, line);
    m->generation = snapshot->generation;
    if (atomic_exchange(&m->reopen, false))
        numbered_close(&m->file);
    int failed =
        m->path ? numbered_write(&m->file, line, len) : emit_line(STDOUT_FILENO, line, len);
    if (failed)
        trouble_say(&m->trouble, m->out->name, m->path ? m->file.failed : "write to",
                    m->path ? m->path : "standard output", errno);
    else
        trouble_over(&m->trouble, m->out->name);
}

/* --- the thread ----------------------------------------------------------------------------- */

/* False: it is time to end. */
static bool sleep_until(struct metrics *m, uint64_t when_ns)
{
    struct timespec when = clock_timespec(when_ns);
    int waited = 0;
    pthread_mutex_lock(&m->lock);
    while (!m->stopping && waited == 0)
        waited = pthread_cond_timedwait(&m->wake, &m->lock, &when);
    bool go_on = !m->stopping;
    pthread_mutex_unlock(&m->lock);
    return go_on;
}

/* The first line comes when there are statistics of so long a time; later ones keep step. */
static void *follow(void *arg)
{
    struct metrics *m = arg;
    uint64_t next_ns = clock_after(m->interval_ns);
    thread_block_signals(0);
    while (sleep_until(m, next_ns)) {
        const struct stats_snapshot *snapshot =
            stats_wait(m->out->stats, m->generation, PATIENCE_NS);
        if (!snapshot)
            continue;
        write_line(m, snapshot);
        stats_release(snapshot);
        do
            next_ns += m->interval_ns;
        while (next_ns < clock_ns());
    }
    return NULL;
}

static int metrics_open(struct output *out, struct error *err)
{
    struct metrics *m = out->priv;
    pthread_condattr_t clock;
    m->out = out;
    m->file =
        (struct numbered){.path = m->path, .limit = m->rotate_size, .keep = m->keep, .fd = -1};
    if (m->path && numbered_open(&m->file))
        return error_set(err, "cannot open %s: %s", m->path, strerror(errno));
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->wake, &clock);
    pthread_condattr_destroy(&clock);
    if (pthread_create(&m->thread, NULL, follow, m) == 0)
        return 0;
    numbered_close(&m->file);
    return error_set(err, "cannot start a thread");
}

static void metrics_reopen(struct output *out)
{
    struct metrics *m = out->priv;
    atomic_store(&m->reopen, true);
}

/* The workers have ended: the last line shows all. */
static void metrics_close(struct output *out)
{
    struct metrics *m = out->priv;
    pthread_mutex_lock(&m->lock);
    m->stopping = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    const struct stats_snapshot *last = stats_fresh(out->stats);
    if (last)
        write_line(m, last);
    stats_release(last);
    numbered_close(&m->file);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
}

/* --- events --------------------------------------------------------------------------------- */

static uint32_t metrics_needs(const struct output *out)
{
    (void)out;
    return FACET_DNSTAP;
}

static int metrics_event(struct output *out, unsigned worker, struct event *ev)
{
    (void)out;
    (void)worker;
    return ev->bad & FACET_DNSTAP ? DROP_MALFORMED : FORMAT_WRITTEN;
}

static const struct output_hooks metrics_hooks = {
    .statistics = true,
    .open = metrics_open,
    .reopen = metrics_reopen,
    .close = metrics_close,
    .needs = metrics_needs,
    .event = metrics_event,
};

const struct module output_metrics = {
    .name = "metrics",
    .kind = MODULE_OUTPUT,
    .doc = "Sums up the statistics in one line every so often: queries, queries a second, names, "
           "clients, families, transports, rcodes and types, of all streams together. On SIGHUP "
           "the file is opened anew.",
    .size = sizeof(struct metrics),
    .options = metrics_options,
    .hooks = &metrics_hooks,
};
