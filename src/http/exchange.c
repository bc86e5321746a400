#include "http/exchange.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#include "api/serve.h"
#include "base/clock.h"
#include "base/number.h"
#include "http/head.h"
#include "http/refusal.h"
#include "http/target.h"

enum {
    HELD_MAX = 64 << 20, /* of replies that wait for slow clients; the rest may come again */
};

/* One for each connection, as its requests come one after the other. Owner: the connection. */
struct exchange {
    struct exchanges *owner;
    struct MHD_Connection *connection;
    struct client *client;
    const struct api_route *route; /* the first of that path; NULL: there is none */
    struct span host;              /* Host, or what stood in the target */
    char authority[256];           /* in the target: `host` points here */
    size_t held;                   /* bytes of the reply, of owner->held */
    bool native;                   /* its path is of /api/v1 */
    bool complete;                 /* the whole request has come */
    bool reading;                  /* its body is being read, or has been, */
    struct buf body;               /* into this */
    bool late;                     /* its answer is, as it comes from where guesses come from */
    bool judged;                   /* and there is a verdict, */
    enum guard_verdict verdict;    /* this one, */
    struct pause pause;            /* which may have to wait */
    struct wait wait;              /* as its answer may */
    bool wrong;                    /* its target names a host as none can be named */
    char *query;                   /* what stands behind the "?", in the library's buffer, */
    char query_first;              /* but for its first byte */
    size_t query_len;
    bool crowded; /* with more parameters than there may be */
};

/* What the headers say of a request's body. */
enum body {
    BODY_NONE,
    BODY_TOLD, /* so long, and no longer than one may be */
    BODY_ODD,
};

/* The request ----------------------------------------------------------------------------------
 */

static struct exchange *exchange_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static int fd_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static const struct sockaddr *address_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
}

/* NULL, and its socket shut down, where there is no place or no memory for another. */
static struct exchange *exchange_new(struct exchanges *owner, struct MHD_Connection *connection)
{
    int fd = fd_of(connection);
    struct client *client = clients_add(owner->clients, fd, address_of(connection));
    struct exchange *exchange = client ? calloc(1, sizeof *exchange) : NULL;
    if (exchange) {
        *exchange = (struct exchange){.owner = owner, .connection = connection, .client = client};
    } else if (client) {
        client_remove(client);
        shutdown(fd, SHUT_RDWR);
    }
    return exchange;
}

/* The client has taken the reply, or never will: its bytes are held no longer. */
static void release(struct exchange *exchange)
{
    atomic_fetch_sub(&exchange->owner->held, exchange->held);
    exchange->held = 0;
}

static void exchange_free(struct exchange *exchange)
{
    if (!exchange)
        return;
    release(exchange);
    client_remove(exchange->client);
    buf_free(&exchange->body);
    free(exchange);
}

void exchange_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                         enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *socket_context = exchange_new(cls, connection);
    else
        exchange_free(*socket_context);
}

static struct span lookup(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                          const char *name)
{
    const char *value;
    size_t len;
    if (MHD_lookup_connection_value_n(connection, kind, name, strlen(name), &value, &len) !=
        MHD_YES)
        return span_of(NULL, 0);
    return value ? span_of(value, len) : span_str("");
}

static struct span header(const struct api_request *request, const char *name)
{
    const struct exchange *exchange = request->priv;
    return lookup(exchange->connection, MHD_HEADER_KIND, name);
}

/* The query string. The library sees an empty one: of more parameters than it has room for it would
 * make no request at all, and close the connection without a word. Its first byte comes back when
 * the library has looked. */
static void take_query(struct exchange *exchange, char *uri)
{
    char *mark = strchr(uri, '?');
    exchange->query = mark ? mark + 1 : NULL;
    exchange->query_len = mark ? strlen(mark + 1) : 0;
    exchange->crowded = !parameters_fit(span_of(exchange->query, exchange->query_len));
    if (!mark)
        return;
    exchange->query_first = mark[1];
    mark[1] = '\0';
}

/* The target is looked at as it came: once the library has decoded it, "/metrics%00.html" could no
 * longer be told from "/metrics". It lies in the library's buffer until the exchange ends, and the
 * library itself is about to cut it into pieces there; so may we. */
void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct exchange *exchange = exchange_of(connection);
    (void)cls;
    if (!exchange)
        return NULL;
    struct http_target target = target_split(span_str(uri));
    client_begins(exchange->client);
    exchange->complete = exchange->judged = exchange->reading = false;
    buf_free(&exchange->body);
    exchange->wrong = !target_is_authority(target.authority);
    exchange->native = api_path_is_native(target.path);
    exchange->route = api_route_find(target.path);
    exchange->host = span_of(NULL, 0);
    if (target.authority.ptr && target.authority.len < sizeof exchange->authority) {
        memcpy(exchange->authority, target.authority.ptr, target.authority.len);
        exchange->host = span_of(exchange->authority, target.authority.len);
    } else if (target.authority.ptr) {
        exchange->route = NULL; /* longer than any name */
    }
    take_query(exchange, (char *)(uintptr_t)uri);
    return exchange;
}

/* The reply ------------------------------------------------------------------------------------
 */

/* Makes the reply one of our own refusals. What dnstap-receiver answers to as well is refused as
 * there. */
static void refuse(const struct exchange *exchange, unsigned status, struct api_reply *reply)
{
    bool legacy = exchange->route && exchange->route->access == ACCESS_LEGACY;
    enum http_manner manner = exchange->native                             ? MANNER_JSON
                              : legacy || exchange->owner->context->compat ? MANNER_BARE
                                                                           : MANNER_LINE;
    http_refuse(reply, status, manner);
}

/* What all headers together say of a body. */
struct announced {
    unsigned lengths; /* headers that tell a length */
    uint64_t length;
    bool odd; /* it comes in pieces, say, or is too long */
};

/* A space before the colon (RFC 9112, 5.1) hides a header from some, and shows it to others. */
static enum MHD_Result note_body(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    struct announced *body = cls;
    (void)kind;
    if (strcasecmp(key, "Content-Length") == 0) {
        body->lengths++;
        body->odd |=
            !value ||
            (strcmp(value, "0") != 0 &&
             (!number_parse(span_str(value), API_BODY_MAX, &body->length) || body->length == 0));
    } else if (strcasecmp(key, "Transfer-Encoding") == 0 || strpbrk(key, " \t")) {
        body->odd = true;
    }
    return MHD_YES;
}

/* All headers are looked at: with two lengths a request would be one thing to a proxy and another
 * to us. */
static enum body body_of(struct MHD_Connection *connection)
{
    struct announced body = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, note_body, &body);
    if (!body.odd && body.length == 0)
        return BODY_NONE;
    return body.odd || body.lengths > 1 ? BODY_ODD : BODY_TOLD;
}

/* Judges the request by its credentials, once. */
static void judge(struct exchange *exchange, const struct api_route *route)
{
    struct MHD_Connection *connection = exchange->connection;
    const struct sockaddr *from = address_of(connection);
    if (!exchange->host.ptr)
        exchange->host = lookup(connection, MHD_HEADER_KIND, "Host");
    struct guard_request request = {
        .api_key = lookup(connection, MHD_HEADER_KIND, "X-API-Key"),
        .authorization = lookup(connection, MHD_HEADER_KIND, "Authorization"),
        .host = exchange->host,
        .origin = lookup(connection, MHD_HEADER_KIND, "Origin"),
        .site = lookup(connection, MHD_HEADER_KIND, "Sec-Fetch-Site"),
        .local = guard_is_loopback(from),
        .changes = route->method != API_GET,
        .commands = route->commands,
    };
    bool known = client_is_admitted(exchange->client);
    bool guess = guard_has_credentials(&exchange->owner->guard) &&
                 (request.api_key.ptr || request.authorization.ptr);
    exchange->late = guess && !known && failures_slow(exchange->owner->failures, from);
    exchange->verdict = guard_judge(&exchange->owner->guard, &request);
    exchange->judged = true;
    if (guess && exchange->verdict == GUARD_UNKNOWN)
        failures_note(exchange->owner->failures, from);
    client_admit(exchange->client, exchange->verdict == GUARD_PASS);
}

/* The route that takes the request; NULL: there is none, or not by that method. */
static const struct api_route *route_of(const struct exchange *exchange, const char *method)
{
    return exchange->route ? api_route_for(exchange->route->path, method) : NULL;
}

/* True when the answer must wait, and is asked for again then. Right or wrong, it waits as long. */
static bool must_wait(struct exchange *exchange, const char *method)
{
    const struct api_route *route = route_of(exchange, method);
    if (!route || route->access == ACCESS_OPEN || exchange->judged)
        return false;
    judge(exchange, route);
    return exchange->late &&
           pause_begin(&exchange->owner->pauses, &exchange->pause, exchange->connection,
                       fd_of(exchange->connection), FAILURES_DELAY_MS * CLOCK_MS_NS);
}

static bool may_pass(const struct exchange *exchange, const struct api_route *route)
{
    return route->access == ACCESS_OPEN || exchange->verdict == GUARD_PASS;
}

static void turn_away(const struct exchange *exchange, enum guard_verdict verdict,
                      struct api_reply *reply)
{
    if (verdict == GUARD_UNKNOWN && exchange->route->access == ACCESS_LEGACY)
        *reply = (struct api_reply){.status = 401, .content_type = "application/octet-stream"};
    else
        refuse(exchange, verdict == GUARD_FOREIGN ? 403 : 401, reply);
}

/* Has the answer made on a thread of its own, which takes its time, and the connection sleep until
 * it is there; or refuses that. */
static void begin_wait(struct exchange *exchange, const struct api_request *request,
                       struct api_reply *reply)
{
    struct error err;
    if (wait_begin(&exchange->owner->waits, &exchange->wait, exchange->connection, request,
                   exchange->query, exchange->query_len, &err) < 0)
        api_fail(reply, 503, "%s", err.text);
}

/* Has the request answered, unless it waits then. Returns the route that did, or NULL when the
 * reply is an error of ours. */
static const struct api_route *dispatch(struct exchange *exchange, const char *method,
                                        struct api_reply *reply)
{
    const struct api_route *route = route_of(exchange, method);
    if (exchange->wait.begun) {
        *reply = wait_end(&exchange->wait);
        return route;
    }
    if (!route) {
        refuse(exchange, exchange->route ? 405 : 404, reply);
        return NULL;
    }
    if (!may_pass(exchange, route)) {
        turn_away(exchange, exchange->verdict, reply);
        return route;
    }
    struct api_request request = {.context = exchange->owner->context,
                                  .route = route,
                                  .header = header,
                                  .path = span_str(route->path),
                                  .body = buf_span(&exchange->body),
                                  .client = client_account(exchange->client),
                                  .priv = exchange};
    if (exchange->query_len)
        exchange->query[0] = exchange->query_first;
    if (route->waits)
        begin_wait(exchange, &request, reply);
    else
        api_serve(&request, exchange->query, exchange->query_len, reply);
    return route;
}

static void put_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value)
        MHD_add_response_header(response, name, value);
}

/* What all routes of a path take: "DELETE,GET,HEAD", in the order of the alphabet. */
static void put_allow(struct MHD_Response *response, const char *path)
{
    static const char *const methods[] = {"DELETE", "GET", "HEAD", "POST"};
    char list[64] = "";
    size_t len = 0;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (api_route_for(path, methods[i]))
            len +=
                (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? "," : "", methods[i]);
    }
    put_header(response, "Allow", list);
}

static void put_headers(struct exchange *exchange, const struct api_route *route,
                        struct MHD_Response *response, const struct api_reply *reply)
{
    const char *type = reply->content_type;
    if (!type && reply->stream)
        type = "text/event-stream";
    if (!type && (exchange->held || reply->fixed.len))
        type = "application/json; charset=utf-8";
    put_header(response, "Content-Type", type);
    put_header(response, "Connection", atomic_load(&exchange->owner->leaving) ? "close" : NULL);
    put_header(response, "Cache-Control", reply->cache ? reply->cache : "no-store");
    put_header(response, "Content-Security-Policy",
               reply->csp ? reply->csp : "default-src 'none'; frame-ancestors 'none'");
    put_header(response, "X-Content-Type-Options", "nosniff");
    put_header(response, "Referrer-Policy", "no-referrer");
    put_header(response, "ETag", reply->etag);
    put_header(response, "Content-Encoding", reply->encoding);
    put_header(response, "Vary", reply->encoding ? "Accept-Encoding" : NULL);
    if (reply->status == 401 && route->access != ACCESS_LEGACY)
        put_header(response, "WWW-Authenticate", "Basic realm=\"spile\", charset=\"UTF-8\"");
    if (reply->status == 405)
        put_allow(response, exchange->route->path);
}

/* True when the client has what it asks for already. */
static bool is_fresh(struct exchange *exchange, const struct api_reply *reply)
{
    if (!reply->etag || reply->status != 200)
        return false;
    struct span has = lookup(exchange->connection, MHD_HEADER_KIND, "If-None-Match");
    return has.len && memmem(has.ptr, has.len, reply->etag, strlen(reply->etag));
}

/* Takes what the reply owns. */
static struct MHD_Response *make_response(struct exchange *exchange, struct api_reply *reply)
{
    if (reply->stream)
        return stream_reply_begin(&exchange->owner->streams, reply->stream, exchange->connection,
                                  fd_of(exchange->connection));
    if (reply->body.len == 0)
        return MHD_create_response_from_buffer(
            reply->fixed.len, (void *)(uintptr_t)reply->fixed.ptr, MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body.len, reply->body.data, MHD_RESPMEM_MUST_FREE);
    if (response)
        reply->body = (struct buf){0};
    return response;
}

/* Counts the bytes that wait for clients; too many become a reply that says so. */
static void hold(struct exchange *exchange, struct api_reply *reply)
{
    struct exchanges *owner = exchange->owner;
    size_t size = reply->body.len;
    if (size == 0 && !reply->body.failed)
        return; /* a stream, say, which must not be lost for what others hold at this moment */
    if (reply->body.failed || atomic_fetch_add(&owner->held, size) + size > HELD_MAX) {
        if (!reply->body.failed)
            atomic_fetch_sub(&owner->held, size);
        clients_relieve(owner->clients);
        buf_free(&reply->body);
        refuse(exchange, 503, reply);
        return;
    }
    exchange->held = size;
}

static enum MHD_Result send_reply(struct exchange *exchange, const struct api_route *route,
                                  struct api_reply *reply)
{
    hold(exchange, reply);
    if (reply->status == 0)
        reply->status = 200;
    if (is_fresh(exchange, reply))
        reply->status = 304;
    if (reply->stream)
        client_streams(exchange->client);
    else
        client_answers(exchange->client, exchange->held ? exchange->held : reply->fixed.len);
    struct MHD_Response *response = make_response(exchange, reply);
    if (!response)
        return MHD_NO;
    put_headers(exchange, route, response, reply);
    enum MHD_Result result = MHD_queue_response(exchange->connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* True when the head is none to answer; the reply says why. */
static bool refuse_head(struct exchange *exchange, const char *method, enum body body,
                        struct api_reply *reply)
{
    const struct api_route *route = route_of(exchange, method);
    bool readable = body == BODY_NONE || (body == BODY_TOLD && route && route->takes_body);
    if (exchange->wrong || !head_is_sound(exchange->connection, method))
        refuse(exchange, 400, reply);
    else if (!readable)
        refuse(exchange, 413, reply);
    else if (exchange->crowded)
        api_refuse_many(reply);
    else
        return false;
    return true;
}

/* True when the body is to be read now: nobody may bring one who may not ask. */
static bool begin_body(struct exchange *exchange, const char *method, enum body body)
{
    if (body == BODY_NONE || exchange->reading || !may_pass(exchange, route_of(exchange, method)))
        return false;
    exchange->reading = true;
    return true;
}

static void has_come(struct exchange *exchange)
{
    if (!exchange->complete)
        client_has_asked(exchange->client);
    exchange->complete = true;
}

enum MHD_Result exchange_answer(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **request_context)
{
    struct exchange *exchange = *request_context;
    struct api_reply reply = {0};
    const struct api_route *route = NULL;
    (void)cls, (void)url, (void)version;
    if (!exchange)
        return MHD_NO; /* no place, or no memory: the connection is closed */
    if (*upload_size > 0) {
        buf_put(&exchange->body, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    enum body body = body_of(connection);
    if (body == BODY_NONE && !exchange->complete) {
        has_come(exchange); /* the next call is behind the head: a reply to this one would close */
        return MHD_YES;     /* the connection */
    }
    if (exchange->reading)
        has_come(exchange);
    if (exchange->body.failed) {
        refuse(exchange, 503, &reply);
    } else if (exchange->reading || !refuse_head(exchange, method, body, &reply)) {
        if (must_wait(exchange, method) || begin_body(exchange, method, body))
            return MHD_YES;
        route = dispatch(exchange, method, &reply);
        if (exchange->wait.begun)
            return MHD_YES;
    }
    enum MHD_Result result = send_reply(exchange, route, &reply);
    buf_free(&reply.body);
    buf_free(&exchange->body);
    return result;
}

void exchange_end(void *cls, struct MHD_Connection *connection, void **request_context,
                  enum MHD_RequestTerminationCode how)
{
    struct exchange *exchange = *request_context;
    (void)cls, (void)connection, (void)how;
    if (!exchange)
        return;
    if (exchange->wait.begun) { /* the server stops */
        struct api_reply reply = wait_end(&exchange->wait);
        buf_free(&reply.body);
    }
    release(exchange);
    client_rests(exchange->client);
}
