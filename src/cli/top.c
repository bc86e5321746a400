/* spile top: the statistics of a daemon, a file or a socket, on a terminal or as a report. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "cli/pipe.h"
#include "cli/top_operand.h"
#include "io/endpoint.h"
#include "top/feed.h"
#include "top/layout.h"
#include "top/local.h"
#include "top/remote.h"
#include "top/screen.h"

enum { REPORT_WIDTH = 100, KEY_MAX = 1024 };

static char default_url[] = "http://127.0.0.1:8080/";

struct top {
    char *api_key;
    char *api_key_file;
    char *bearer_token;
    char *bearer_token_file;
    char *ca_cert;
    char *stream;
    char *mode;
    char *group;
    int side;   /* enum stats_side */
    int window; /* one more than enum stats_window_id; 0: what is usual */
    uint64_t interval_ns;
    uint64_t rows;
    bool once;
};

static const struct option top_options[] = {
    {.name = "once",
     .type = OPTION_BOOL,
     .offset = offsetof(struct top, once),
     .doc = "print one report and end; so it is, too, when standard output is no terminal"},
    {.name = "rows",
     .letter = 'n',
     .type = OPTION_UINT,
     .value = "ROWS",
     .fallback = "10",
     .min = 1,
     .max = 50,
     .offset = offsetof(struct top, rows),
     .doc = "rows of each table in a report"},
    {.name = "interval",
     .letter = 'i',
     .type = OPTION_DURATION,
     .fallback = "1s",
     .min = TOP_INTERVAL_MIN_MS * CLOCK_MS_NS,
     .max = TOP_INTERVAL_MAX_MS * CLOCK_MS_NS,
     .offset = offsetof(struct top, interval_ns),
     .doc = "time between two looks; + and - change it"},
    PIPE_SOCKET_ROWS(struct top),
    {.name = "stream",
     .letter = 's',
     .type = OPTION_STRING,
     .value = "NAME",
     .min = 1,
     .max = 1000,
     .offset = offsetof(struct top, stream),
     .doc = "begin with this stream (the identity of a DNS server) instead of all"},
    {.name = "side",
     .type = OPTION_ENUM,
     .choices = (const char *const[]){"client", "upstream", NULL},
     .fallback = "client",
     .value = "SIDE",
     .offset = offsetof(struct top, side),
     .doc = "begin with what servers are asked (client), or with what they ask others (upstream)"},
    {.name = "window",
     .type = OPTION_ENUM,
     .choices = (const char *const[]){"auto", "all", "1m", "5m", "1h", "1d", NULL},
     .fallback = "auto",
     .value = "WINDOW",
     .offset = offsetof(struct top, window),
     .doc =
         "begin with the numbers of the last minute, 5 minutes, hour or day, or of all since the "
         "start; auto is 1m, but all in a report; of a FILE there is nothing but all"},
    {.name = "api-key",
     .type = OPTION_STRING,
     .value = "KEY",
     .secret = true,
     .min = 1,
     .max = KEY_MAX,
     .offset = offsetof(struct top, api_key),
     .doc = "the daemon's API key; SPILE_API_KEY in the environment is one, too"},
    {.name = "api-key-file",
     .type = OPTION_PATH,
     .value = "FILE",
     .offset = offsetof(struct top, api_key_file),
     .doc = "the same, from the first line of a file"},
    {.name = "bearer-token",
     .type = OPTION_STRING,
     .value = "TOKEN",
     .secret = true,
     .min = 1,
     .max = KEY_MAX,
     .offset = offsetof(struct top, bearer_token),
     .doc = "the daemon's bearer token, where it has no API key; SPILE_BEARER_TOKEN in the "
            "environment is one, too"},
    {.name = "bearer-token-file",
     .type = OPTION_PATH,
     .value = "FILE",
     .offset = offsetof(struct top, bearer_token_file),
     .doc = "the same, from the first line of a file"},
    {.name = "cacert",
     .type = OPTION_PATH,
     .value = "FILE",
     .offset = offsetof(struct top, ca_cert),
     .doc = "trust the certificates in this PEM file, instead of the system's, for https"},
    {0},
};

static const struct command_example top_examples[] = {
    {"spile top", "watch the daemon on this machine (spile run --web 127.0.0.1:8080)"},
    {"spile top --api-key-file key https://dns1.example:8443/", "watch another one"},
    {"spile top unix:/tmp/dnstap.sock", "without a daemon: listen, and show what comes"},
    {"spile top --once dns.fstrm.xz", "a report on a file"},
    {0},
};

static int fail(const struct error *err, int status)
{
    char line[1024];
    log_error("%s", error_line(err, line, sizeof line));
    return status;
}

/* --- a screen or a report ------------------------------------------------------------------- */

static bool wants_report(const struct top *top)
{
    return top->once || !isatty(STDOUT_FILENO);
}

static int report_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return REPORT_WIDTH;
}

static void print_canvas(const struct canvas *canvas)
{
    char line[CANVAS_SIDE_MAX + 1];
    for (int y = 0; y < canvas->height; y++)
        puts(canvas_line(canvas, y, line));
}

static void begin_state(struct top_state *state, const struct top *top,
                        const struct top_origin *origin)
{
    *state = (struct top_state){0};
    top_state_init(state, (unsigned)(top->interval_ns / CLOCK_MS_NS));
    state->recording = origin->amend != NULL;
    state->side = (enum stats_side)top->side;
    state->window = top->window > 0 ? (enum stats_window_id)(top->window - 1)
                    : wants_report(top) || state->recording ? WINDOW_ALL
                                                            : WINDOW_1M;
    if (top->stream)
        snprintf(state->stream, sizeof state->stream, "%s", top->stream);
}

static int print_view(const struct top *top, const struct top_view *view,
                      const struct top_state *state, const struct top_frame *frame,
                      struct error *err)
{
    struct canvas canvas;
    if (top_layout_report(&canvas, report_width(), (int)top->rows, view, state, frame) < 0)
        return error_set(err, "no memory");
    print_canvas(&canvas);
    canvas_free(&canvas);
    return 0;
}

static int report(const struct top *top, const struct top_origin *origin, const char *target,
                  bool ended, struct error *err)
{
    struct top_state state;
    struct top_view view;
    begin_state(&state, top, origin);
    struct top_wish wish = {.side = state.side, .window = state.window, .rows = (int)top->rows};
    memcpy(wish.stream, state.stream, sizeof wish.stream);
    memcpy(wish.by, state.by, sizeof wish.by);
    memset(wish.tables, true, sizeof wish.tables);
    if (top_gather(origin, &wish, &view, err) < 0)
        return -1;
    struct top_frame frame = {.target = target, .now = view.taken, .ended = ended};
    int result = top->stream && !view.stream
                     ? error_set(err, "there is no stream '%s'", top->stream)
                     : print_view(top, &view, &state, &frame, err);
    top_view_free(&view);
    return result;
}

/* Ends the stash. */
static int show(const struct top *top, const struct top_origin *origin, const char *target,
                const atomic_bool *ended, struct stash *stash, struct error *err)
{
    struct top_screen screen = {.target = target, .stash = stash};
    begin_state(&screen.state, top, origin);
    struct top_feed *feed = top_feed_start(origin, ended, err);
    int result = feed ? top_screen_run(&screen, feed, err) : -1;
    top_feed_stop(feed);
    stash_end(stash);
    return result;
}

/* --- a daemon ------------------------------------------------------------------------------- */

/* The file's first line. */
static int read_key(const char *path, char *key, struct error *err)
{
    FILE *file = fopen(path, "re");
    bool good = file && fgets(key, KEY_MAX + 1, file);
    if (!good)
        error_set(err, "%s: %s", path,
                  file && !ferror(file) ? "the first line has no key" : strerror(errno));
    else
        key[strcspn(key, "\r\n")] = '\0';
    if (file)
        fclose(file);
    return good ? 0 : -1;
}

/* NULL where there is none, or an empty one. */
static const char *not_empty(const char *key)
{
    return key && *key ? key : NULL;
}

/* What was said goes before the environment, of which one is sent: servers refuse who brings one
 * that is wrong beside one that is right. `key` is room for one from a file. */
static int find_credentials(const struct top *top, const char *url, char key[KEY_MAX + 1],
                            struct top_remote_options *options, struct error *err)
{
    const char *file = top->api_key_file ? top->api_key_file : top->bearer_token_file;
    if (file && read_key(file, key, err) < 0)
        return -1;
    options->api_key = not_empty(top->api_key_file ? key : top->api_key);
    options->bearer_token = not_empty(top->bearer_token_file ? key : top->bearer_token);
    if (file || options->api_key || options->bearer_token || top_remote_login(url).len > 0)
        return 0;
    options->api_key = not_empty(getenv("SPILE_API_KEY"));
    if (!options->api_key)
        options->bearer_token = not_empty(getenv("SPILE_BEARER_TOKEN"));
    return 0;
}

/* Whoever lists processes sees the URL: once it is known its login need not stand there. */
static void hide_login(char *url)
{
    struct span login = top_remote_login(url);
    memset(url + (login.ptr - (const uint8_t *)url), '*', login.len);
}

static int watch(const struct top *top, char *url, struct error *err)
{
    char key[KEY_MAX + 1];
    struct top_remote_options options = {.url = url, .ca_cert = top->ca_cert};
    if (find_credentials(top, url, key, &options, err) < 0)
        return -1;
    bool once = wants_report(top);
    if (!once)
        top_screen_block_signals();
    struct top_remote *remote = top_remote_new(&options, err);
    if (!remote)
        return -1;
    hide_login(url);
    struct top_origin origin = top_remote_origin(remote);
    const char *name = top_remote_name(remote);
    struct stash stash;
    if (!once)
        stash_begin(&stash);
    int result =
        once ? report(top, &origin, name, false, err) : show(top, &origin, name, NULL, &stash, err);
    top_remote_free(remote);
    return result;
}

/* --- a file or a socket --------------------------------------------------------------------- */

/* The engine beside the screen. */
struct background {
    struct service service;
    struct top_recording *recording; /* NULL: a socket */
    pthread_t thread;
    atomic_bool ended;
    enum engine_end end;
};

static void *run_service(void *arg)
{
    struct background *b = arg;
    thread_begin("service", 0);
    b->end = service_run(&b->service);
    atomic_store(&b->ended, true);
    return NULL;
}

static struct api_context context_of(const struct service *service)
{
    return parts_context(&service->parts, &service->frame, service->config);
}

static int show_service(const struct top *top, const char *target, struct background *b,
                        struct error *err)
{
    struct top_local local = {context_of(&b->service), b->recording};
    struct top_origin origin = top_local(&local);
    struct stash stash;
    stash_begin(
        &stash); /* a short file is at its end, and its ledger told, before there is a screen */
    errno = pthread_create(&b->thread, NULL, run_service, b);
    if (errno) {
        stash_end(&stash);
        engine_abort(b->service.engine);
        return error_set(err, "cannot start a thread: %s", strerror(errno));
    }
    int result = show(top, &origin, target, &b->ended, &stash, err);
    engine_stop(b->service.engine);
    pthread_join(b->thread, NULL);
    return result;
}

/* True when a file could not be read at all: the error has been told, and there is nothing to
 * report. */
static bool nothing_came(const struct background *b)
{
    struct engine_output output;
    engine_output(b->service.engine, 0, &output);
    return b->end == ENGINE_FAILED && counter_get(&output.ledger.received) == 0;
}

static int report_service(const struct top *top, const char *target, struct background *b,
                          struct error *err)
{
    struct top_local local = {context_of(&b->service), b->recording};
    struct top_origin origin = top_local(&local);
    b->end = service_run(&b->service);
    return nothing_came(b) ? 0 : report(top, &origin, target, true, err);
}

/* With `recording`, unless that is NULL, for the times in what is read. */
static int collect(const struct top *top, struct config *config, const char *target,
                   struct top_recording *recording, struct error *err)
{
    struct background b = {.recording = recording, .end = ENGINE_DONE};
    struct observer observer;
    struct service_options options = {.host.tells = TELLS_LOSS, .statistics = true};
    if (recording) {
        observer = top_recording_observer(recording);
        options.observer = &observer;
    }
    bool once = wants_report(top);
    if (!once)
        top_screen_block_signals();
    if (service_start(&b.service, config, &options, err) < 0)
        return -1;
    int result = once ? report_service(top, target, &b, err) : show_service(top, target, &b, err);
    service_stop(&b.service);
    return result == 0 && b.end == ENGINE_FAILED ? COMMAND_FAILED : result;
}

static int configure(const struct top *top, struct config *config, const char *operand,
                     struct error *err)
{
    struct pipe_setting path[] = {{"path", operand}, {0}};
    struct pipe_setting none[] = {{0}};
    int added = endpoint_looks_like(operand)
                    ? pipe_add_source(config, operand, top->mode, top->group, err)
                    : pipe_add(config, MODULE_INPUT, "file", path, err);
    return added < 0 ? -1 : pipe_add(config, MODULE_OUTPUT, "null", none, err);
}

/* -------------------------------------------------------------------------------------------- */

/* A file or a socket: this program is the collector itself. */
static int watch_own(const struct top *top, const char *operand)
{
    bool file = !endpoint_looks_like(operand);
    struct error err = {0};
    struct config config;
    int result = file ? top_operand_check(operand, &err) : COMMAND_OK;
    if (result != COMMAND_OK)
        return fail(&err, result);
    if (config_init(&config, &err) < 0 || configure(top, &config, operand, &err) < 0)
        return pipe_fail(&config, &err, COMMAND_USAGE);
    result = pipe_validate(&config);
    if (result != COMMAND_OK)
        return result;
    struct top_recording recording;
    top_recording_init(&recording);
    result = collect(top, &config, operand, file ? &recording : NULL, &err);
    top_recording_free(&recording);
    if (result < 0)
        return pipe_fail(&config, &err, COMMAND_FAILED);
    config_free(&config);
    return result;
}

/* `url`: of a daemon, or NULL. COMMAND_OK, or what is wrong has been said. */
static int check_credentials(const struct command_call *call, const struct top *top,
                             const char *url)
{
    int keys = (top->api_key != NULL) + (top->api_key_file != NULL);
    int tokens = (top->bearer_token != NULL) + (top->bearer_token_file != NULL);
    if (keys + tokens > 1)
        return command_usage(call, "--api-key, --api-key-file, --bearer-token and "
                                   "--bearer-token-file exclude each other");
    if (tokens > 0 && url && top_remote_login(url).len > 0)
        return command_usage(call, "a bearer token and a login in the URL exclude each other");
    return COMMAND_OK;
}

static int top_run(struct command_call *call)
{
    const struct top *top = call->options;
    char *operand = call->operand_count > 0 ? call->operands[0] : default_url;
    bool remote = top_remote_looks_like(operand);
    struct error err = {0};
    if (check_credentials(call, top, remote ? operand : NULL) != COMMAND_OK)
        return COMMAND_USAGE;
    if ((top->mode || top->group) && strncmp(operand, "unix:", 5) != 0)
        return command_usage(call, "--mode and --group are for unix:PATH");
    if (remote && top_remote_check(operand, &err) < 0)
        return command_usage(call, "%s", err.text);
    if (top->window > 1 + WINDOW_ALL && !remote && !endpoint_looks_like(operand))
        return command_usage(call, "--window is for a daemon or a socket: what is shown of a file "
                                   "is of all of it");
    if (remote)
        return watch(top, operand, &err) < 0 ? fail(&err, COMMAND_FAILED) : COMMAND_OK;
    return watch_own(top, operand);
}

const struct command command_top = {
    .name = "top",
    .summary = "watch the statistics of a daemon, a file or a socket",
    .doc =
        "Shows rates, totals, response codes, latency and loss, and tables of domains, clients, "
        "servers, types, streams and outputs, on the whole terminal; h there lists the keys. "
        "It asks a running daemon by its API (URL, http://127.0.0.1:8080/ when nothing is said); "
        "or it collects by itself what is in FILE (- is standard input) or what DNS servers send "
        "to SOURCE, unix:PATH or tcp:HOST:PORT, where it then listens. A daemon that wants "
        "credentials is given an API key, a bearer token, or a login in the URL, as in "
        "http://USER:PASSWORD@HOST:PORT/.\n\n"
        "What is shown is of what clients ask, or with --side upstream of what servers ask others. "
        "On a screen it is of the last minute and in a report of all since the start, unless "
        "--window says otherwise.\n\n"
        "A FILE has its own times: above stands from when to when it is, and the first rate is "
        "over all of it, the others over its last minute and its last 15 minutes. Times that lie "
        "far from those of the other messages do not count for that. All else is of the whole "
        "file.\n\n"
        "With --once, or when standard output is no terminal, it prints one report: of a daemon "
        "at once, of a file when it is read, of a socket when a signal ends it.\n\n"
        "Where the terminal has colours they are used unless NO_COLOR is set. Names come from "
        "strangers: what is not printable ASCII is shown as \\DDD.",
    .operands = "[FILE|SOURCE|URL]",
    .operand_choices = command_places,
    .operand_files = true,
    .operand_max = 1,
    .size = sizeof(struct top),
    .options = top_options,
    .examples = top_examples,
    .run = top_run,
};
