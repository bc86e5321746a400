#include "http/server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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
};

struct http_server {
    struct exchanges exchanges;
    const struct http_settings *settings;
    int fd; /* listens; the daemon's once there is one */
    struct MHD_Daemon *daemon;
    char url[300];
    struct tls tls;
    pthread_t sweeper;
    bool sweeping;
};

/* The socket -----------------------------------------------------------------------------------
 */

static int open_socket(const struct addrinfo *ai)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* A listening socket, or -1 and err. Of a name's addresses the first that can be had. */
static int listen_on(const struct option_hostport *where, struct error *err)
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
        fd = open_socket(ai);
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

/* Refuses what would let strangers in, and warns of what would let them listen. */
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
    if (!loopback && !server->tls.cert)
        log_warning("web: credentials and statistics travel in plain text to %s; tls-cert and "
                    "tls-key would encrypt them",
                    server->url);
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
        uint64_t accepted = counter_get(&clients_counts(exchanges->clients)->accepted);
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

/* Everything but the threads. */
static int prepare(struct http_server *server, struct error *err)
{
    const struct http_settings *settings = server->settings;
    const struct clients_limits limits = {.all = places_of(server) / 2,
                                          .address = settings->connections_address,
                                          .streams = LIVE_VIEWERS,
                                          .header_ns = settings->header_timeout_ns,
                                          .idle_ns = settings->idle_timeout_ns};
    if (guard_init(&server->exchanges.guard, settings, err))
        return -1;
    server->exchanges.clients = clients_new(&limits, err);
    server->exchanges.failures = failures_new(err);
    if (!server->exchanges.clients || !server->exchanges.failures ||
        tls_read(&server->tls, settings, err))
        return -1;
    server->fd = listen_on(&settings->listen, err);
    return server->fd < 0 ? -1 : check_place(server, settings, server->fd, err);
}

static int failed(const struct error *why, struct error *err)
{
    return error_set(err, "web: %s", why->text);
}

struct http_server *http_server_open(const struct http_settings *settings,
                                     const struct api_context *context, struct error *err)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server) {
        error_set(err, "out of memory");
        return NULL;
    }
    server->settings = settings;
    server->exchanges.context = context;
    server->fd = -1;
    stream_replies_init(&server->exchanges.streams);
    pauses_init(&server->exchanges.pauses);
    waits_init(&server->exchanges.waits);
    struct error why;
    if (prepare(server, &why) == 0)
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
    log_info("web: %s", server->url);
    return 0;
}

const char *http_server_url(const struct http_server *server)
{
    return server->url;
}

struct http_server_counts http_server_counts(const struct http_server *server)
{
    const struct clients_counts *counts = clients_counts(server->exchanges.clients);
    return (struct http_server_counts){
        .open = clients_open(server->exchanges.clients),
        .accepted = counter_get(&counts->accepted),
        .refused = counter_get(&counts->refused),
        .displaced = counter_get(&counts->displaced),
        .late = counter_get(&counts->late),
        .wrong_credentials = failures_count(server->exchanges.failures),
    };
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
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    else if (server->fd >= 0)
        close(server->fd);
    stream_replies_destroy(&server->exchanges.streams);
    pauses_destroy(&server->exchanges.pauses);
    waits_destroy(&server->exchanges.waits);
    failures_free(server->exchanges.failures);
    clients_free(server->exchanges.clients);
    guard_free(&server->exchanges.guard);
    tls_free(&server->tls);
    free(server);
}
