#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "api/live.h"
#include "base/clock.h"
#include "base/hostport.h"
#include "base/log.h"
#include "base/thread.h"
#include "http/exchange.h"
#include "http/tls.h"

enum {
    THREADS = 4,       /* a handler may wait for a moment; others go on */
    MEMORY = 64 << 10, /* of a connection: the head of a request has room in it */
    SWEEP_MS = 100,    /* how late a deadline may be noticed */
    SETTLE_MS = 10000, /* what answers may take when another server has taken over ... */
    FIRST_MS = 2000,   /* ... and those who have come, but not asked yet, */
    SETTLE_LOOK_MS = 5,
    QUIET_MS = 250, /* nobody is left who asks, if nobody has for so long */
};

struct http_record {
    struct clients_counts counts;
    struct failures *failures;
    atomic_uint servers; /* that serve */
};

struct http_server {
    struct exchanges exchanges;
    const struct http_settings *settings;
    struct http_record *record;
    int fd; /* listens; the daemon's from its start until it leaves */
    struct MHD_Daemon *daemon;
    char url[300];
    struct tls tls;
    pthread_t sweeper;
    bool sweeping;
    bool plain;  /* others may listen */
    bool serves; /* it is counted among those that do */
    bool left;   /* its threads accept nobody any more, and the socket is ours again */
};

/* The socket -----------------------------------------------------------------------------------
 */

static void share_port(int fd, bool on)
{
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){on}, sizeof(int));
}

static int bind_and_listen(int fd, const struct addrinfo *ai)
{
    return bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, SOMAXCONN) ? -1 : 0;
}

/* `beside`: a socket of ours that listens, or -1. It may be the one that is in the way, as that of
 * one address is for that of all; for this moment it lets the other in. */
static int open_socket(const struct addrinfo *ai, int beside)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    int status = bind_and_listen(fd, ai);
    if (status && errno == EADDRINUSE && beside >= 0) {
        share_port(beside, true);
        share_port(fd, true);
        status = bind_and_listen(fd, ai);
    }
    int error = errno;
    if (beside >= 0)
        share_port(beside, false);
    share_port(fd, false);
    if (status == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

/* A listening socket, or -1 and err. Of a name's addresses the first that can be had. */
static int listen_on(const struct option_hostport *where, int beside, struct error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list;
    char port[8];
    snprintf(port, sizeof port, "%u", where->port);
    int status = getaddrinfo(where->host, port, &hints, &list);
    if (status)
        return error_set(err, "cannot find %s: %s", where->host, gai_strerror(status));
    int fd = -1;
    for (const struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
        fd = open_socket(ai, beside);
    int error = errno;
    freeaddrinfo(list);
    if (fd < 0)
        return error_set(err, "cannot listen on %s port %u: %s", where->host, where->port,
                         strerror(error));
    return fd;
}

static bool bound_to_loopback(int fd, uint16_t *port)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &len);
    *port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                : ((struct sockaddr_in *)&address)->sin_port);
    return guard_is_loopback((struct sockaddr *)&address);
}

int http_refuse_open(const struct option_hostport *where, struct error *err)
{
    return error_set(err,
                     "listening on %s lets others in, so it needs credentials: set api-key, "
                     "api-key-file, login and password, or bearer-token; or listen on 127.0.0.1",
                     where->host);
}

/* Refuses what would let strangers in, and knows what would let them listen. */
static int check_place(struct http_server *server, const struct http_settings *settings, int fd,
                       struct error *err)
{
    uint16_t port;
    bool loopback = bound_to_loopback(fd, &port);
    char there[HOSTPORT_TEXT_MAX];
    snprintf(server->url, sizeof server->url, "%s://%s/", server->tls.cert ? "https" : "http",
             hostport_text(there, settings->listen.host, port));
    if (!loopback && !guard_has_credentials(&server->exchanges.guard))
        return http_refuse_open(&settings->listen, err);
    server->plain = !loopback && !server->tls.cert;
    return 0;
}

/* Life -----------------------------------------------------------------------------------------
 */

__attribute__((format(printf, 2, 0))) static void log_library(void *cls, const char *format,
                                                              va_list args)
{
    char text[512];
    (void)cls;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\r\n")] = '\0';
    log_debug("web: %s", text);
}

/* Watches over deadlines until the server stops. */
static void *sweep(void *arg)
{
    struct exchanges *exchanges = arg;
    bool ended = false;
    thread_name("web-sweeper");
    while (!ended) {
        uint64_t now = clock_ns();
        uint64_t accepted = clients_accepted(exchanges->clients);
        size_t count = clients_sweep(exchanges->clients, now);
        stream_replies_sweep(&exchanges->streams, now);
        pauses_sweep(&exchanges->pauses, now);
        bool untold = failures_sweep(exchanges->failures, now);
        ended = clients_sleep(exchanges->clients, now + SWEEP_MS * CLOCK_MS_NS,
                              count == 0 && !untold, accepted);
    }
    return NULL;
}

/* For each that is served one that is shut down: those are closed soon. */
size_t http_connection_descriptors(const struct http_settings *settings)
{
    return 2 * (size_t)settings->connections;
}

/* How many connections the library may have. */
static size_t places_of(const struct http_server *server)
{
    size_t wanted = http_connection_descriptors(server->settings);
    size_t allowed = server->exchanges.context->descriptors;
    return allowed > 0 && allowed < wanted ? allowed : wanted;
}

/* The library's threads. -1: err. The socket is the library's from here on, if all goes well. */
static int start_daemon(struct http_server *server, struct error *err)
{
    const struct http_settings *settings = server->settings;
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    unsigned timeout = (unsigned)(settings->idle_timeout_ns / CLOCK_SECOND_NS) + 1;
    unsigned places = (unsigned)places_of(server);
    server->daemon = MHD_start_daemon(
        flags | (server->tls.cert ? MHD_USE_TLS : 0), 0, NULL, NULL, exchange_answer,
        &server->exchanges, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_LISTEN_SOCKET,
        server->fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT,
        places, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
        timeout, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_NOTIFY_CONNECTION, exchange_connection, &server->exchanges,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, &server->exchanges,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_end, &server->exchanges, MHD_OPTION_ARRAY,
        server->tls.options, MHD_OPTION_END);
    if (server->daemon)
        return 0;
    return server->tls.cert ? tls_refuse(err) : error_set(err, "cannot start");
}

/* Threads of the server hear no signals. */
static int start_threads(struct http_server *server, struct error *err)
{
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    thread_block_signals(0); /* they inherit this */
    int status = start_daemon(server, err);
    if (status == 0 && pthread_create(&server->sweeper, NULL, sweep, &server->exchanges))
        status = error_set(err, "cannot start a thread");
    else
        server->sweeping = status == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* One of two has taken over the socket of the other; NULL is at no place. */
static bool same_place(const struct http_server *a, const struct http_server *b)
{
    const struct option_hostport *here = &a->settings->listen;
    const struct option_hostport *there = b ? &b->settings->listen : NULL;
    return there && here->port == there->port && strcmp(here->host, there->host) == 0;
}

static int take_socket(struct http_server *server, const struct http_server *before,
                       struct error *err)
{
    bool same = same_place(server, before);
    server->fd = same ? fcntl(before->fd, F_DUPFD_CLOEXEC, 0)
                      : listen_on(&server->settings->listen, before ? before->fd : -1, err);
    if (server->fd < 0 && same)
        error_set(err, "cannot take over the socket: %s", strerror(errno));
    return server->fd < 0 ? -1 : check_place(server, server->settings, server->fd, err);
}

/* Everything but the threads. */
static int prepare(struct http_server *server, const struct http_server *before, struct error *err)
{
    const struct http_settings *settings = server->settings;
    const struct clients_limits limits = {.all = places_of(server) / 2,
                                          .address = settings->connections_address,
                                          .streams = LIVE_VIEWERS,
                                          .header_ns = settings->header_timeout_ns,
                                          .idle_ns = settings->idle_timeout_ns};
    if (guard_init(&server->exchanges.guard, settings, err))
        return -1;
    server->exchanges.clients = clients_new(&limits, &server->record->counts, err);
    if (!server->exchanges.clients || tls_read(&server->tls, settings, err))
        return -1;
    return take_socket(server, before, err);
}

static int failed(const struct error *why, struct error *err)
{
    return error_set(err, "web: %s", why->text);
}

struct http_record *http_record_new(struct error *err)
{
    struct http_record *record = calloc(1, sizeof *record);
    struct failures *failures = record ? failures_new(err) : NULL;
    if (!record)
        error_set(err, "out of memory");
    if (!failures) {
        free(record);
        return NULL;
    }
    record->failures = failures;
    return record;
}

void http_record_free(struct http_record *record)
{
    if (!record)
        return;
    failures_free(record->failures);
    free(record);
}

bool http_counts(const struct http_record *record, struct http_counts *counts)
{
    const struct clients_counts *seen = &record->counts;
    *counts = (struct http_counts){
        .open = counter_get(&seen->open),
        .accepted = counter_get(&seen->accepted),
        .refused = counter_get(&seen->refused),
        .displaced = counter_get(&seen->displaced),
        .late = counter_get(&seen->late),
        .wrong_credentials = failures_count(record->failures),
    };
    return atomic_load(&record->servers) > 0;
}

struct http_server *http_server_open(const struct http_settings *settings,
                                     const struct api_context *context, struct http_record *record,
                                     struct http_server *before, struct error *err)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server) {
        error_set(err, "out of memory");
        return NULL;
    }
    server->settings = settings;
    server->record = record;
    server->exchanges.context = context;
    server->exchanges.failures = record->failures;
    server->fd = -1;
    stream_replies_init(&server->exchanges.streams);
    pauses_init(&server->exchanges.pauses);
    waits_init(&server->exchanges.waits);
    struct error why;
    if (prepare(server, before, &why) == 0)
        return server;
    failed(&why, err);
    http_server_stop(server);
    return NULL;
}

int http_server_start(struct http_server *server, struct error *err)
{
    struct error why;
    if (start_threads(server, &why))
        return failed(&why, err);
    atomic_fetch_add(&server->record->servers, 1);
    server->serves = true;
    if (server->plain)
        log_warning("web: credentials and statistics travel in plain text to %s; tls-cert and "
                    "tls-key would encrypt them",
                    server->url);
    log_info("web: %s", server->url);
    return 0;
}

bool http_server_agree(const struct http_server *a, const struct http_server *b)
{
    return guard_equal(&a->exchanges.guard, &b->exchanges.guard) && tls_equal(&a->tls, &b->tls);
}

static void stop_serving(struct http_server *server)
{
    if (server->serves)
        atomic_fetch_sub(&server->record->servers, 1);
    server->serves = false;
}

/* Who has connected and waits to be accepted is not to find the door shut. */
static void let_in(struct http_server *server)
{
    for (;;) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        int fd = accept4(server->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        MHD_add_connection(server->daemon, fd, (struct sockaddr *)&from, len); /* or closes it */
    }
}

void http_server_leave(struct http_server *server, const struct http_server *stays)
{
    stop_serving(server);
    atomic_store(&server->exchanges.leaving, true);
    /* Threads of the library may still be about to accept: the descriptor stays theirs. */
    if (server->daemon)
        server->left = MHD_quiesce_daemon(server->daemon) != MHD_INVALID_SOCKET;
    if (same_place(server, stays))
        return;
    if (server->daemon)
        let_in(server);
    shutdown(server->fd, SHUT_RDWR);
}

/* The library tells of a connection a moment after it has accepted it, so quiet must last. */
void http_server_settle(struct http_server *server, const atomic_bool *hurry)
{
    const struct timespec rest = {.tv_nsec = SETTLE_LOOK_MS * (long)CLOCK_MS_NS};
    uint64_t begun = clock_ns(), now = begun, asked = begun;
    while (server->daemon && now - begun < SETTLE_MS * CLOCK_MS_NS &&
           now - asked < QUIET_MS * CLOCK_MS_NS && !atomic_load(hurry)) {
        nanosleep(&rest, NULL);
        now = clock_ns();
        if (clients_ask(server->exchanges.clients, now - begun < FIRST_MS * CLOCK_MS_NS))
            asked = now;
    }
}

const char *http_server_url(const struct http_server *server)
{
    return server->url;
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    if (server->sweeping) {
        clients_end(server->exchanges.clients);
        pthread_join(server->sweeper, NULL);
    }
    pauses_stop(&server->exchanges.pauses);
    waits_stop(&server->exchanges.waits);
    /* The library must not stop while connections sleep. */
    stream_replies_stop(&server->exchanges.streams);
    stop_serving(server);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    if (server->fd >= 0 && (!server->daemon || server->left))
        close(server->fd);
    stream_replies_destroy(&server->exchanges.streams);
    pauses_destroy(&server->exchanges.pauses);
    waits_destroy(&server->exchanges.waits);
    clients_free(server->exchanges.clients);
    guard_free(&server->exchanges.guard);
    tls_free(&server->tls);
    free(server);
}
