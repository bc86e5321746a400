/*
 * Output `metrics`: every so often one line that sums up the statistics, to standard output or to a
 * file. The line is that of dnstap-receiver, but for its time and its rate, which are so under
 * --compat alone.
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
#include "base/log.h"
#include "base/put.h"
#include "base/stamp.h"
#include "base/thread.h"
#include "core/output.h"
#include "io/folder.h"
#include "io/place.h"
#include "out/emit.h"
#include "out/numbered.h"
#include "out/seen.h"
#include "out/trouble.h"
#include "stats/stats.h"

/* The kinds of numbers in a line. */
enum number_kind {
    SUM,     /* grows: what has been added is a difference */
    NAMES,   /* different ones; those since the last line have to be counted here */
    CLIENTS, /* likewise */
    RATE,    /* likewise a sum, of which the line shows how fast it has grown */
};

/* The columns of a line; places in struct stats_stream. */
#define QUERY(member) offsetof(struct stats_stream, counters.direction[STATS_QUERY].member)
#define RESPONSE(member) offsetof(struct stats_stream, counters.direction[STATS_RESPONSE].member)
static const struct {
    const char *name;
    size_t offset;
    enum number_kind kind;
} columns[] = {
    {"QUERIES", QUERY(events)},
    {"QPS", QUERY(events), RATE},
    {"DOMAINS", offsetof(struct stats_stream, distinct.domains), NAMES},
    {"CLIENTS", offsetof(struct stats_stream, distinct.clients), CLIENTS},
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

struct metrics_options {
    uint64_t interval_ns;
    bool cumulative;
    char *path;
    uint64_t rotate_size;
    uint64_t keep;
};

struct metrics {
    const struct metrics_options *options;
    struct output *out;
    struct numbered file;
    struct trouble trouble;
    uint64_t base[COLUMNS]; /* where the last line left off; of sums, when not cumulative */
    uint64_t since_ns;      /* since when that was counted */
    uint64_t line_ns;       /* when the last line was made, or the output was opened */
    double passed_s;        /* what the line that is being made is about */
    struct seen seen[2];    /* names and clients since, likewise */
    atomic_bool reopen;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; /* under the lock */
};

static const struct option metrics_rows[] = {
    {.name = "interval",
     .type = OPTION_DURATION,
     .offset = offsetof(struct metrics_options, interval_ns),
     .fallback = "5m",
     .min = CLOCK_SECOND_NS,
     .doc = "how often; the first line comes after one interval, the last one at the end"},
    {.name = "cumulative",
     .type = OPTION_BOOL,
     .offset = offsetof(struct metrics_options, cumulative),
     .fallback = "true",
     .doc = "count from the start; false: what has come since the line before; the statistics of "
            "the API go on either way"},
    {.name = "file",
     .type = OPTION_PATH,
     .offset = offsetof(struct metrics_options, path),
     .exclusive = true,
     .max = PATH_MAX - 8,
     .doc = "append lines to this file instead of standard output",
     .example = "/var/log/spile/metrics.log"},
    {.name = "rotate-size",
     .type = OPTION_SIZE,
     .offset = offsetof(struct metrics_options, rotate_size),
     .fallback = "10M",
     .doc = "before the file reaches this it becomes FILE.1, that FILE.2, and so on; off: never"},
    {.name = "keep",
     .type = OPTION_UINT,
     .offset = offsetof(struct metrics_options, keep),
     .fallback = "10",
     .max = 1000,
     .doc = "rotated files to keep; 0: the file is never rotated"},
    {0},
};

/* --- a line --------------------------------------------------------------------------------- */

/* 2026-11-21 08:54:49,587 in local time, as Python's logging writes it: dnstap-receiver's. */
static char *put_python_now(char *p)
{
    struct timespec now = clock_wall();
    struct tm local;
    localtime_r(&now.tv_sec, &local);
    p += strftime(p, 32, "%Y-%m-%d %H:%M:%S,", &local);
    return put_digits(p, (uint64_t)now.tv_nsec / CLOCK_MS_NS, 3);
}

static char *put_now(char *p, const struct settings *settings)
{
    return settings_compat(settings) ? put_python_now(p)
                                     : stamp_now(p, settings->log_time == LOG_TIME_LOCAL);
}

static uint64_t value_of(const struct stats_stream *stream, size_t column)
{
    return *(const uint64_t *)((const char *)stream + columns[column].offset);
}

/* Where this line begins: at the last one, or at a reset since then, after which everything is
 * new. */
static void begin_line(struct metrics *m, const struct stats_snapshot *snapshot)
{
    bool reset = m->since_ns != snapshot->since_ns;
    uint64_t from_ns = reset && snapshot->since_ns > m->line_ns ? snapshot->since_ns : m->line_ns;
    if (reset)
        memset(m->base, 0, sizeof m->base);
    m->since_ns = snapshot->since_ns;
    m->passed_s = (double)(snapshot->made_ns - from_ns) / CLOCK_SECOND_NS;
    m->line_ns = snapshot->made_ns;
}

/* What has come since the last line. */
static uint64_t added(struct metrics *m, uint64_t value, size_t column)
{
    uint64_t base = m->base[column];
    m->base[column] = value;
    return value > base ? value - base : 0;
}

/* Over the time since the last line, be the line cumulative or not. dnstap-receiver shows the last
 * second's, whatever its interval. */
static uint64_t rate(struct metrics *m, const struct stats_stream *total, size_t column)
{
    uint64_t count = added(m, value_of(total, column), column);
    double a_second = m->passed_s > 0 ? (double)count / m->passed_s : 0;
    bool compat = settings_compat(m->out->settings);
    return (uint64_t)llround(compat ? total->rates[STATS_QUERY].last : a_second);
}

static uint64_t shown(struct metrics *m, const struct stats_stream *total, size_t column)
{
    enum number_kind kind = columns[column].kind;
    uint64_t value = value_of(total, column);
    if (kind == RATE)
        return rate(m, total, column);
    if (m->options->cumulative)
        return value;
    return kind == SUM ? added(m, value, column) : seen_take(&m->seen[kind == CLIENTS]);
}

static size_t make_line(struct metrics *m, const struct stats_stream *total, char *line)
{
    char *p = put_now(line, m->out->settings);
    for (size_t i = 0; i < COLUMNS; i++) {
        p = i ? PUT_LIT(p, ", ") : put_char(p, ' ');
        p = put_char(put_u64(p, shown(m, total, i)), ' ');
        p = put_str(p, columns[i].name);
    }
    return (size_t)(put_char(p, '\n') - line);
}

/* The statistics of this moment, so that all numbers are of one; none before they have begun. */
static void write_line(struct metrics *m)
{
    char line[LINE_MAX_BYTES];
    const struct stats_snapshot *snapshot = stats_fresh(m->out->stats);
    if (!snapshot)
        return;
    begin_line(m, snapshot);
    size_t len = make_line(m, &snapshot->total[STATS_CLIENT], line);
    stats_release(snapshot);
    if (atomic_exchange(&m->reopen, false))
        numbered_close(&m->file);
    int failed = m->options->path ? numbered_write(&m->file, line, len)
                                  : emit_line(STDOUT_FILENO, line, len);
    if (m->file.followed)
        log_info("%s: %s was replaced or removed by somebody: opened anew", m->out->name,
                 m->options->path);
    if (failed)
        trouble_say(&m->trouble, m->out, m->options->path ? m->file.failed : "write to",
                    m->options->path ? m->options->path : "standard output",
                    m->options->path ? m->file.why.text : strerror(errno));
    else
        trouble_over(&m->trouble, m->out->name);
}

/* --- the thread ----------------------------------------------------------------------------- */

/* Waits for the next line's moment. False: it is time to end. */
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

static void *follow(void *arg)
{
    struct metrics *m = arg;
    uint64_t next_ns = clock_after(m->options->interval_ns);
    thread_begin("metrics", 0);
    while (sleep_until(m, next_ns)) {
        write_line(m);
        do
            next_ns += m->options->interval_ns;
        while (next_ns < clock_ns());
    }
    return NULL;
}

static void begin(struct metrics *m)
{
    pthread_mutex_init(&m->lock, NULL);
    thread_cond_init(&m->wake);
    m->line_ns = clock_ns();
    for (int i = 0; i < 2 && !m->options->cumulative; i++)
        seen_init(&m->seen[i]);
}

static void end(struct metrics *m)
{
    for (int i = 0; i < 2 && !m->options->cumulative; i++)
        seen_free(&m->seen[i]);
    numbered_close(&m->file);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
}

static enum folder_use use_of(const struct metrics_options *m)
{
    return m->rotate_size && m->keep ? FOLDER_ROTATES : FOLDER_APPENDS;
}

static int metrics_open(struct output *out, struct error *err)
{
    struct metrics *m = out->state;
    m->options = out->options;
    m->out = out;
    m->file = (struct numbered){.path = m->options->path,
                                .limit = m->options->rotate_size,
                                .keep = m->options->keep,
                                .fd = -1};
    struct error note;
    if (m->options->path && numbered_open(&m->file))
        return error_set(err, "cannot open %.300s: %s", m->options->path, m->file.why.text);
    if (m->options->path && folder_note_at(m->options->path, use_of(m->options), &note))
        log_warning("%s: %s", out->name, note.text);
    begin(m);
    if (pthread_create(&m->thread, NULL, follow, m) == 0)
        return 0;
    end(m);
    return error_set(err, "cannot start a thread");
}

static void metrics_reopen(struct output *out)
{
    struct metrics *m = out->state;
    atomic_store(&m->reopen, true);
}

static const char *metrics_path(const struct output *out)
{
    return ((const struct metrics_options *)out->options)->path;
}

static bool metrics_prints(const struct output *out)
{
    return !metrics_path(out);
}

/* The workers have ended: the last line shows all. */
static void metrics_close(struct output *out)
{
    struct metrics *m = out->state;
    pthread_mutex_lock(&m->lock);
    m->stopping = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    write_line(m);
    end(m);
}

/* --- events --------------------------------------------------------------------------------- */

static uint32_t metrics_needs(const struct output *out)
{
    const struct metrics_options *m = out->options;
    return FACET_DNSTAP | (m->cumulative ? 0 : stats_get_reader(out->stats)->needs);
}

/* Notes the event's name and client: how many different ones came since the last line is known
 * nowhere else. */
static void see(struct metrics *m, struct event *ev)
{
    uint8_t space[SAMPLE_NAME_MAX + 1];
    struct stats_sample sample;
    if (!stats_get_reader(m->out->stats)->read(ev, space, &sample) ||
        sample.kind.side != STATS_CLIENT)
        return;
    if (sample.name.len > 0)
        seen_add(&m->seen[0], sample.name_hash);
    seen_add(&m->seen[1], sample.client_hash);
}

static int metrics_event(struct output *out, unsigned worker, struct event *ev)
{
    struct metrics *m = out->state;
    (void)worker;
    if (ev->bad & FACET_DNSTAP)
        return DROP_MALFORMED;
    if (!m->options->cumulative)
        see(m, ev);
    return FORMAT_WRITTEN;
}

static enum module_verdict metrics_probe(const void *options, const void **wrong, struct error *err)
{
    const struct metrics_options *m = options;
    *wrong = &m->path;
    return module_verdict_of(m->path ? place_append(m->path, use_of(m), err) : 0);
}

static const struct output_hooks metrics_hooks = {
    .statistics = true,
    .open = metrics_open,
    .reopen = metrics_reopen,
    .path = metrics_path,
    .prints = metrics_prints,
    .close = metrics_close,
    .needs = metrics_needs,
    .event = metrics_event,
};

const struct module output_metrics = {
    .name = "metrics",
    .kind = MODULE_OUTPUT,
    .doc =
        "Sums up the statistics in one line every so often: queries, queries a second (QPS: over "
        "the time since the line before, also in lines that count from the start; under "
        "compat: over the last second), names, clients, families, transports, rcodes and "
        "types, of all streams together and of what servers were asked (their client side; under "
        "compat: of all messages). On SIGHUP the file is opened anew.",
    .options_size = sizeof(struct metrics_options),
    .options = metrics_rows,
    .state_size = sizeof(struct metrics),
    .common = &output_inline,
    .hooks = &metrics_hooks,
    .probe = metrics_probe,
};
