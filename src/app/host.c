#include "app/host.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/curfew.h"
#include "base/escape.h"
#include "base/log.h"
#include "io/folder.h"
#include "io/notify.h"

enum {
    PROGRESS_MS = 250,
    ECHO_MS = 50, /* a signal so soon behind the first is the same: timeout(1) sends it twice */
};

/* --- the ledger ----------------------------------------------------------------------------- */

/* Calls `put`, unless it is NULL, for each ledger there is. Returns how many events and frames they
 * say were lost. */
static uint64_t each_ledger(struct engine *p,
                            void (*put)(void *to, const char *name, const struct ledger *ledger),
                            void *to)
{
    struct engine_output view;
    struct ledger sum;
    uint64_t lost = 0;
    for (size_t i = 0; engine_output(p, i, &view); i++) {
        lost += ledger_dropped(&view.ledger);
        if (put)
            put(to, view.name, &view.ledger);
    }
    if (!engine_input_ledger(p, &sum))
        return lost;
    if (put)
        put(to, OUTPUT_NAME_INPUTS, &sum);
    return lost + ledger_dropped(&sum);
}

static void put_line(void *to, const char *name, const struct ledger *ledger)
{
    char line[LEDGER_LINE_MAX];
    fprintf(to, "%s\n", ledger_line(name, ledger, line, sizeof line));
}

/* An object a line. */
static void put_json(void *to, const char *name, const struct ledger *ledger)
{
    struct buf *out = to;
    struct json j = {.out = out, .spaced = true};
    buf_str(out, out->len > 1 ? ",\n " : "\n ");
    ledger_json(&j, name, ledger);
}

/* Tells before the run, not at its end, that the ledger's file cannot be written. */
static int check_ledger_path(const char *path, struct error *err)
{
    struct error why;
    if (path && folder_probe(path, true, &why))
        return error_set(err, "cannot write %.300s: %s", path, why.text);
    if (path && folder_note_at(path, FOLDER_REPLACES, &why))
        log_warning("ledger: %s", why.text);
    return 0;
}

/* 0, or -1 with why. */
static int put_ledger(const struct host *host, struct error *why)
{
    struct draft draft;
    struct buf text = {0};
    if (draft_open(&draft, host->options.ledger_path, true, why))
        return -1;
    buf_str(&text, "[");
    each_ledger(host->engine, put_json, &text);
    buf_str(&text, "\n]\n");
    FILE *file = text.failed ? NULL : draft_stream(&draft);
    if (file)
        fwrite(text.data, 1, text.len, file);
    else
        draft_drop(&draft);
    buf_free(&text);
    return file ? draft_commit(&draft, why) : error_set(why, "no memory");
}

/* Writes the ledger to its file, if it has one. False: that failed, and the user has been told. */
static bool write_ledger(const struct host *host)
{
    struct error why;
    if (!host->options.ledger_path || put_ledger(host, &why) == 0)
        return true;
    log_error("cannot write %s: %s", host->options.ledger_path, why.text);
    return false;
}

/* True when the ledger is to be printed: perhaps only when it tells what the user cannot know. */
static bool wants_ledger(const struct host *host, enum engine_end end)
{
    enum host_tells tells = host->options.tells;
    if (tells == TELLS_ALWAYS || (tells == TELLS_IF_CUT && host->signal_ns != 0))
        return true;
    return end != ENGINE_CLOSED && each_ledger(host->engine, NULL, NULL) > 0;
}

/* --- what the engine says ----------------------------------------------------------------- */

static void draining(void *arg)
{
    const struct host *host = arg;
    if (host->told)
        notify_send(NOTIFY_STOPPING);
}

static void deadline(void *arg, uint64_t at_ns)
{
    (void)arg;
    curfew_set(at_ns + CURFEW_MS * CLOCK_MS_NS);
}

/* Ends the program without the threads that do not end. */
static void give_up(void *arg)
{
    const struct host *host = arg;
    each_ledger(host->engine, put_line, stderr);
    write_ledger(host);
    _exit(EXIT_FAILURE);
}

/* All is written, and signals say nothing any more. The library gives each its default, which is to
 * kill: one that comes while the rest is closed must not. */
static void closed(void *arg)
{
    struct host *host = arg;
    sigset_t all, before;
    uv_close((uv_handle_t *)&host->progress, NULL);
    uv_close((uv_handle_t *)&host->watchdog, NULL);
    errands_close(&host->errands);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < sizeof host->signals / sizeof *host->signals; i++) {
        int number = host->signals[i].signum;
        uv_close((uv_handle_t *)&host->signals[i], NULL);
        signal(number, SIG_IGN);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- signals -------------------------------------------------------------------------------- */

void host_end(struct host *host)
{
    if (host->signal_ns == 0)
        host->signal_ns = clock_ns();
    engine_hasten(host->engine);
}

/* A second one stops at once: the deadline is now, and what is queued counts as dropped. */
static void on_end(uv_signal_t *handle, int number)
{
    struct host *host = handle->data;
    (void)number;
    if (host->signal_ns == 0) {
        host_end(host);
    } else if (clock_ns() < host->signal_ns + ECHO_MS * CLOCK_MS_NS) {
        return;
    } else if (!host->hurried) {
        host->hurried = true;
        log_warning("stopped at once: what was not written yet is lost");
        engine_hurry(host->engine);
        curfew_set(clock_after(CURFEW_MS * CLOCK_MS_NS));
    } else {
        give_up(host);
    }
}

/* "stdout -, file /var/log/dns.json": the outputs that open files anew, as far as there is room. */
static void list_files(struct engine *p, char *text, size_t size)
{
    struct engine_output view;
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; len < size && engine_output(p, i, &view); i++) {
        if (view.place[0] && !view.gone)
            len += (size_t)snprintf(text + len, size - len, "%s%s %s", len ? ", " : "", view.name,
                                    view.place);
    }
}

/* "2 inputs, 1 output"; before that what kept the last reload from it, if anything did. */
static bool tell_ready(const struct host *host, const char *trouble)
{
    struct config *config = engine_config(host->engine);
    char what[1024] = "", state[1280];
    if (trouble) {
        snprintf(what, sizeof what, "%.*s", (int)strcspn(trouble, "\n"), trouble);
        what[escape_mask(what, strlen(what))] = '\0';
    }
    snprintf(state, sizeof state,
             NOTIFY_READY "\nSTATUS=%s%s%s%zu input%s, %zu stage%s, %zu output%s",
             trouble ? "reload failed: " : "", what, trouble ? "; " : "", config->input_count,
             config->input_count == 1 ? "" : "s", config->stage_count,
             config->stage_count == 1 ? "" : "s", config->output_count,
             config->output_count == 1 ? "" : "s");
    config_release(config);
    return notify_send(state);
}

void host_reloaded(struct host *host, const char *trouble)
{
    char files[768];
    list_files(host->engine, files, sizeof files);
    engine_reopen(host->engine);
    if (files[0])
        log_info("opening anew: %s", files);
    else if (!host->options.reload)
        log_info("SIGHUP: no output has a file to open anew");
    if (host->told)
        tell_ready(host, trouble);
}

void host_reloading(const struct host *host)
{
    if (host->told)
        notify_reloading();
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct host *host = handle->data;
    (void)number;
    host_reloading(host);
    if (host->options.reload)
        host->options.reload(host->options.arg);
    else
        host_reloaded(host, NULL);
}

static void on_usr1(uv_signal_t *handle, int number)
{
    const struct host *host = handle->data;
    (void)number;
    each_ledger(host->engine, put_line, stderr);
}

static void say_alive(uv_timer_t *timer)
{
    (void)timer;
    notify_send(NOTIFY_ALIVE);
}

static void show_progress(uv_timer_t *timer)
{
    const struct host *host = timer->data;
    struct engine_input view;
    if (!engine_input(host->engine, 0, &view))
        return;
    uint64_t frames = counter_get(&view.counters.frames);
    uint64_t size = counter_get(&view.counters.size), taken = counter_get(&view.counters.taken);
    if (size > 0)
        fprintf(stderr, "\r%llu frames, %llu %%\033[K", (unsigned long long)frames,
                (unsigned long long)(100 * taken / size));
    else
        fprintf(stderr, "\r%llu frames\033[K", (unsigned long long)frames);
}

static void mask_requests(int how)
{
    sigset_t requests;
    sigemptyset(&requests);
    sigaddset(&requests, SIGHUP);
    sigaddset(&requests, SIGUSR1);
    pthread_sigmask(how, &requests, NULL);
}

void host_hold_requests(void)
{
    mask_requests(SIG_BLOCK);
}

/* Signals are watched before anything is open: one that comes meanwhile drains what is there. */
static void begin(void *arg, struct engine *engine)
{
    struct host *host = arg;
    static const struct {
        int number;
        uv_signal_cb call;
    } watched[] = {
        {SIGINT, on_end},
        {SIGTERM, on_end},
        {SIGHUP, on_hangup},
        {SIGUSR1, on_usr1},
    };
    host->engine = engine;
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        uv_signal_init(engine_loop(engine), &host->signals[i]);
        host->signals[i].data = host;
        uv_signal_start(&host->signals[i], watched[i].call, watched[i].number);
    }
    mask_requests(SIG_UNBLOCK);
    uv_timer_init(engine_loop(engine), &host->progress);
    host->progress.data = host;
    uv_timer_init(engine_loop(engine), &host->watchdog);
    errands_open(&host->errands, engine_loop(engine));
}

/* -------------------------------------------------------------------------------------------- */

/* Cut frames come and go by the megabyte: each then has pages of its own, which go back to the
 * system with it. By default the C library soon keeps them, in heaps that fall to pieces. */
static void return_large_memory(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}

int host_init(struct host *host, const struct host_options *options, struct engine_host *hooks,
              struct error *err)
{
    *host = (struct host){.options = *options};
    *hooks = (struct engine_host){
        .arg = host,
        .begin = begin,
        .draining = draining,
        .deadline = deadline,
        .stuck = give_up,
        .closed = closed,
    };
    signal(SIGPIPE, SIG_IGN);
    return_large_memory();
    return check_ledger_path(options->ledger_path, err);
}

void host_ready(struct host *host)
{
    if (host->options.progress)
        uv_timer_start(&host->progress, show_progress, PROGRESS_MS, PROGRESS_MS);
    host->told = host->options.managed && tell_ready(host, NULL);
    uint64_t every_ms = host->told ? notify_watchdog_ns() / 2 / CLOCK_MS_NS : 0;
    if (every_ms > 0)
        uv_timer_start(&host->watchdog, say_alive, every_ms, every_ms);
}

enum engine_end host_finish(struct host *host, enum engine_end end)
{
    if (host->options.progress)
        fputs("\r\033[K", stderr);
    if (wants_ledger(host, end))
        each_ledger(host->engine, put_line, stderr);
    bool written = write_ledger(host);
    curfew_set(UINT64_MAX); /* what follows may take its time */
    return written ? end : ENGINE_FAILED;
}
