/* The web server as a whole, with routes of the test's own: what handlers are given and what
 * becomes of their replies; streams that must miss no wake-up, whose clients leave, and that the
 * server's end finds asleep; replies that nobody takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/config.h"
#include "http/server.h"

enum { PATIENCE_MS = 120000, LARGE = 40 << 20 };

extern const struct module web_section;
const struct module *const registry[] = {&web_section, NULL};

/* Routes ---------------------------------------------------------------------------------------
 */

/* Shows a parameter between bars, and a header. */
static void handle_echo(const struct api_request *request, struct api_reply *reply)
{
    struct span n = api_parameter(request, "n"), x = api_header(request, "x-test");
    reply->content_type = "text/plain";
    buf_printf(&reply->body, "%s %s |", (const char *)request->path.ptr, n.ptr ? "n" : "-");
    buf_put(&reply->body, n.ptr, n.len);
    buf_byte(&reply->body, '|');
    buf_put(&reply->body, x.ptr, x.len);
}

/* Shows how long the body is, its sum, and a parameter. */
static void handle_body(const struct api_request *request, struct api_reply *reply)
{
    struct span n = api_parameter(request, "n");
    unsigned sum = 0;
    for (size_t i = 0; i < request->body.len; i++)
        sum += request->body.ptr[i];
    buf_printf(&reply->body, "%s %zu %u n=%.*s", request->body.ptr ? "body" : "none",
               request->body.len, sum, (int)n.len, (const char *)n.ptr);
}

static void handle_large(const struct api_request *request, struct api_reply *reply)
{
    (void)request;
    char *p = buf_reserve(&reply->body, LARGE);
    if (p) {
        memset(p, 'x', LARGE);
        buf_commit(&reply->body, p + LARGE);
    }
}

static void handle_failed(const struct api_request *request, struct api_reply *reply)
{
    (void)request;
    buf_str(&reply->body, "half a reply");
    reply->body.failed = true;
}

static void handle_error(const struct api_request *request, struct api_reply *reply)
{
    buf_str(&reply->body, "half a reply");
    api_fail(reply, 422, "'%s' is \"odd\"", (const char *)request->path.ptr);
}

/* A stream of numbered lines; put_line says that there is one more. */
struct lines {
    struct api_endless stream;
    atomic_uint put;
    unsigned read;
};

static _Atomic(struct lines *) newest; /* the stream opened last, until it is closed */
static atomic_int opened, closed;
static pthread_mutex_t newest_lock = PTHREAD_MUTEX_INITIALIZER; /* nobody puts into a closed one */

static long read_lines(struct api_endless *stream, char *out, size_t size)
{
    struct lines *lines = (struct lines *)stream;
    if (lines->read == atomic_load_explicit(&lines->put, memory_order_relaxed))
        return 0;
    return snprintf(out, size, "line %u\n", lines->read++);
}

static void close_lines(struct api_endless *stream)
{
    pthread_mutex_lock(&newest_lock);
    if (newest == (struct lines *)stream)
        newest = NULL;
    pthread_mutex_unlock(&newest_lock);
    free(stream);
    closed++;
}

static void handle_lines(const struct api_request *request, struct api_reply *reply)
{
    struct lines *lines = calloc(1, sizeof *lines);
    (void)request;
    if (!lines)
        return;
    lines->stream = (struct api_endless){.read = read_lines, .close = close_lines};
    reply->stream = &lines->stream;
    newest = lines;
    opened++;
}

static void put_line(void)
{
    pthread_mutex_lock(&newest_lock);
    struct lines *lines = newest;
    if (lines) {
        atomic_fetch_add_explicit(&lines->put, 1, memory_order_relaxed);
        api_endless_wake(&lines->stream);
    }
    pthread_mutex_unlock(&newest_lock);
}

#define ROUTE(name, where)                                                                         \
    static const struct api_route route_##name = {                                                 \
        .plain = true, .path = (where), .handle = handle_##name}
static const struct api_route route_echo = {
    .plain = true, .path = "/echo", .ignores_unknown = true, .handle = handle_echo};
static const struct api_route route_strict = {
    .plain = true,
    .path = "/strict",
    .parameters = (const struct api_parameter[]){{.name = "n"}, {.name = "series"}, {0}},
    .handle = handle_echo};
static const struct api_route route_body = {.plain = true,
                                            .path = "/body",
                                            .method = API_POST,
                                            .parameters =
                                                (const struct api_parameter[]){{.name = "n"}, {0}},
                                            .takes_body = true,
                                            .handle = handle_body};
static const struct api_route route_post = {
    .plain = true, .path = "/strict", .method = API_POST, .handle = handle_echo};
ROUTE(large, "/large");
ROUTE(failed, "/failed");
ROUTE(error, "/error");
ROUTE(lines, "/lines");
const struct api_route *const api_routes[] = {&route_echo,  &route_strict, &route_body,
                                              &route_post,  &route_large,  &route_failed,
                                              &route_error, &route_lines,  NULL};

/* A server and its clients ---------------------------------------------------------------------
 */

static struct config config;
static struct api_context context;
static struct http_record *record;
static struct http_server *server;

static int begin(const char *text)
{
    struct error err;
    if (config_init(&config, &err) || config_parse(&config, text, strlen(text), "test", &err))
        return -1;
    record = http_record_new(&err);
    server = record ? http_server_open(config_section(&config, "web"), &context, record, NULL, &err)
                    : NULL;
    return server && http_server_start(server, &err) == 0 ? 0 : -1;
}

static void end(void)
{
    http_server_stop(server);
    http_record_free(record);
    config_free(&config);
}

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    opened = closed = 0;
    return begin("web: {listen: '127.0.0.1:0'}");
}

/* The same server with other settings. */
static void begin_again(const char *text)
{
    end();
    assert_int_equal(begin(text), 0);
}

static int tear_down(void **state)
{
    (void)state;
    end();
    assert_int_equal(opened, closed);
    return 0;
}

/* A connection with a request sent. */
static int request(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned port = 0;
    assert_int_equal(sscanf(http_server_url(server), "http://127.0.0.1:%u/", &port), 1);
    address.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

/* Some more bytes, terminated; 0 at the end of the stream. */
static size_t receive(int fd, char *out, size_t size)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&pfd, 1, PATIENCE_MS), 1);
    ssize_t len = read(fd, out, size - 1);
    assert_true(len >= 0);
    out[len] = '\0';
    return (size_t)len;
}

/* Receives until `text` has come; what came before it stays in `got`. */
static void receive_until(int fd, char *got, size_t size, const char *text)
{
    size_t len = strlen(got);
    while (!strstr(got, text)) {
        size_t more = receive(fd, got + len, size - len);
        if (more == 0)
            fail_msg("no '%s' in: %s", text, got);
        len += more;
    }
}

static void wait_until(atomic_int *count, int value)
{
    for (int i = 0; i < PATIENCE_MS && *count < value; i++)
        usleep(1000);
    assert_int_equal(*count, value);
}

#define GET(target, more) "GET " target " HTTP/1.1\r\nHost: localhost\r\n" more "\r\n"
#define LAST "Connection: close\r\n"

static void expect(const char *sent, const char *begin, const char *end)
{
    char got[4096] = "";
    size_t len = 0, more;
    int fd = request(sent);
    while ((more = receive(fd, got + len, sizeof got - len)) > 0)
        len += more;
    close(fd);
    if (strncmp(got, begin, strlen(begin)) != 0 || len < strlen(end) ||
        strcmp(got + len - strlen(end), end) != 0)
        fail_msg("%s was answered: %s", sent, got);
}

/* Tests ----------------------------------------------------------------------------------------
 */

static void test_requests(void **state)
{
    static const struct {
        const char *sent, *end;
    } cases[] = {
        {GET("/echo", LAST), "\r\n\r\n/echo - ||"},
        {GET("/echo?", LAST), "/echo - ||"},
        {GET("/echo?n", LAST), "/echo n ||"},
        {GET("/echo?n=", LAST), "/echo n ||"},
        {GET("/echo?n=1&n=2", LAST), "/echo n |1|"},
        {GET("/echo?N=1", LAST), "/echo - ||"},
        {GET("/echo?m=n&x=&n=a%26b%3D+c%2B", LAST), "/echo n |a&b= c+|"},
        {GET("/echo?%6e=1", LAST), "/echo n |1|"},
        {GET("/echo?n=%zz%4", LAST), "/echo n |%zz%4|"},
        {GET("/echo", "X-Test: a value\r\n" LAST), "/echo - ||a value"},
        {GET("http://localhost/echo?n=1", LAST), "/echo n |1|"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(cases[i].sent, "HTTP/1.1 200 OK\r\n", cases[i].end);
}

/* What a route does not take is refused, by name. */
static void test_parameters(void **state)
{
    static const struct {
        const char *sent, *begin, *end;
    } cases[] = {
        {GET("/strict?n=1&series=2", LAST), "HTTP/1.1 200", "/strict n |1|"},
        {GET("/strict?&&n=1&", LAST), "HTTP/1.1 200", "/strict n |1|"},
        {GET("/strict?range=1h", LAST), "HTTP/1.1 400",
         "{\"error\":\"unknown parameter 'range'; there are: n, series\"}"},
        {GET("/strict?n=1&serie=2", LAST), "HTTP/1.1 400",
         "{\"error\":\"unknown parameter 'serie'; did you mean 'series'?\"}"},
        {GET("/strict?N=1", LAST), "HTTP/1.1 400",
         "{\"error\":\"unknown parameter 'N'; did you mean 'n'?\"}"},
        {GET("/strict?n=1&series=&n=1", LAST), "HTTP/1.1 400",
         "{\"error\":\"parameter 'n' is given more than once\"}"},
        {GET("/strict?=1", LAST), "HTTP/1.1 400",
         "{\"error\":\"unknown parameter ''; there are: n, series\"}"},
        {GET("/strict?%0a", LAST), "HTTP/1.1 400",
         "{\"error\":\"unknown parameter '?'; there are: n, series\"}"},
        {GET("/failed?x", LAST), "HTTP/1.1 400",
         "{\"error\":\"unknown parameter 'x': /failed takes none\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(cases[i].sent, cases[i].begin, cases[i].end);
}

#define POST(target, more) "POST " target " HTTP/1.1\r\nHost: localhost\r\n" more "\r\n"
#define LENGTH(n) "Content-Length: " n "\r\n"

/* A body is read where the route takes one, its length is told, and it is not too long. */
static void test_bodies(void **state)
{
    static const char taken[] = "HTTP/1.1 200", refused[] = "HTTP/1.1 413";
    (void)state;
    expect(POST("/body?n=1", LENGTH("5") LAST) "hello", taken, "body 5 532 n=1");
    expect(POST("/body", LENGTH("0") LAST), taken, "none 0 0 n=");
    expect(POST("/body", LAST), taken, "none 0 0 n=");
    expect(POST("/body", LENGTH("65537") LAST), refused, "Content Too Large\n");
    expect(POST("/body", LENGTH("5") LENGTH("5") LAST) "hello", refused, "Content Too Large\n");
    expect(POST("/body", LENGTH("0") LENGTH("5") LAST) "hello", refused, "Content Too Large\n");
    expect(POST("/body", "Transfer-Encoding: chunked\r\n" LAST) "0\r\n\r\n", refused,
           "Content Too Large\n");
    expect(POST("/strict", LENGTH("5") LAST) "hello", refused, "Content Too Large\n");
    expect(POST("/nothing", LENGTH("5") LAST) "hello", refused, "Content Too Large\n");
    expect(GET("/body", LENGTH("5") LAST) "hello", refused, "Content Too Large\n");
    expect(POST("/body?x", LENGTH("5") LAST) "hello", "HTTP/1.1 400",
           "unknown parameter 'x'; there are: n\"}");
}

/* As long as one may be, and in pieces; the connection goes on behind it. */
static void test_long_body(void **state)
{
    static char bytes[API_BODY_MAX + 1];
    char got[4096] = "", shown[64];
    (void)state;
    memset(bytes, 'x', API_BODY_MAX);
    snprintf(shown, sizeof shown, "body %d %d n=", API_BODY_MAX, API_BODY_MAX * 'x');
    int fd = request(POST("/body", LENGTH("65536") "Expect: 100-continue\r\n"));
    receive_until(fd, got, sizeof got, "HTTP/1.1 100 Continue\r\n\r\n");
    for (int at = 0; at < API_BODY_MAX; at += API_BODY_MAX / 4)
        assert_int_equal(write(fd, bytes + at, API_BODY_MAX / 4), API_BODY_MAX / 4);
    receive_until(fd, got, sizeof got, shown);
    static const char next[] = POST("/body", LENGTH("2")) "ab" GET("/echo?n=2", LAST);
    assert_int_equal(write(fd, next, sizeof next - 1), sizeof next - 1);
    receive_until(fd, got, sizeof got, "body 2 195 n=");
    receive_until(fd, got, sizeof got, "/echo n |2|");
    close(fd);
}

/* Who may not ask brings no body; and a body that does not come is waited for as the head is. */
static void test_bodies_of_strangers(void **state)
{
    char got[100];
    (void)state;
    begin_again("web: {listen: '127.0.0.1:0', api-key: key, header-timeout: 100ms}");
    expect(POST("/body", LENGTH("5")), "HTTP/1.1 401", "Unauthorized\n");
    expect(POST("/body", LENGTH("5") "X-API-Key: key\r\n" LAST) "hello", "HTTP/1.1 200",
           "body 5 532 n=");
    int fd = request(POST("/body", LENGTH("5") "X-API-Key: key\r\n") "hell");
    assert_int_equal(receive(fd, got, sizeof got), 0);
    close(fd);
}

static void test_failures(void **state)
{
    (void)state;
    expect(GET("/error", LAST), "HTTP/1.1 422 ", "\r\n\r\n{\"error\":\"'/error' is \\\"odd\\\"\"}");
    expect(GET("/failed", LAST), "HTTP/1.1 503 ", "\r\n\r\n503: Service Unavailable\n");
    expect(GET("/nothing", LAST), "HTTP/1.1 404 ", "\r\n\r\n404: Not Found\n");
    expect(GET("/api/v1/nothing", LAST), "HTTP/1.1 404 ",
           "\r\n\r\n{\"error\":\"there is no such path; /api/v1 lists those that there are\"}");
    expect(GET("/api/v10", LAST), "HTTP/1.1 404 ", "\r\n\r\n404: Not Found\n");
}

/* Replies that clients do not take are held, but not without end; when they have gone there is room
 * again. */
static void test_held(void **state)
{
    char got[4096] = "";
    (void)state;
    int first = request(GET("/large", ""));
    receive_until(first, got, sizeof got, "200 OK");
    expect(GET("/large", LAST), "HTTP/1.1 503 ", "Service Unavailable\n");
    expect(GET("/echo", LAST), "HTTP/1.1 200 ", "||"); /* what is small goes on */
    close(first);
    bool served = false;
    for (int i = 0; i < PATIENCE_MS / 10 && !served; i++) {
        usleep(10000);
        int again = request(GET("/large", ""));
        got[0] = '\0';
        receive_until(again, got, sizeof got, "HTTP/1.1 ");
        served = strstr(got, "200 OK") != NULL;
        close(again);
    }
    assert_true(served);
}

enum { LINES = 3000 };

static void *put_lines(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < LINES; i++) {
        put_line();
        if (i % 7 == 0)
            usleep(i % 90); /* so that it falls asleep now and then */
    }
    return NULL;
}

static void test_stream(void **state)
{
    static char got[LINES * 32];
    char last[32];
    pthread_t thread;
    (void)state;
    memset(got, 0, sizeof got);
    int fd = request(GET("/lines", ""));
    receive_until(fd, got, sizeof got, "\r\n\r\n");
    assert_non_null(strstr(got, "Content-Type: text/event-stream\r\n"));
    assert_int_equal(pthread_create(&thread, NULL, put_lines, NULL), 0);
    snprintf(last, sizeof last, "line %d\n", LINES - 1);
    receive_until(fd, got, sizeof got, last);
    pthread_join(thread, NULL);
    const char *at = got;
    for (unsigned i = 0; i < LINES; i++) {
        snprintf(last, sizeof last, "line %u\n", i);
        at = strstr(at, last);
        assert_non_null(at);
    }
    close(fd);
    wait_until(&closed, 1);
}

/* Nothing is ever put, so only the client's leaving can be noticed; either way of leaving. */
static void test_leaving(void **state)
{
    char got[1000];
    (void)state;
    for (int i = 0; i < 4; i++) {
        got[0] = '\0';
        int fd = request(GET("/lines", ""));
        receive_until(fd, got, sizeof got, "\r\n\r\n");
        if (i % 2)
            shutdown(fd, SHUT_WR);
        else
            close(fd);
        wait_until(&closed, i + 1);
        if (i % 2)
            close(fd);
    }
}

static atomic_bool putting;

static void *put_on(void *arg)
{
    (void)arg;
    while (putting)
        put_line();
    return NULL;
}

/* The server ends while streams sleep, and while one is being woken. */
static void test_end(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        pthread_t thread;
        int fds[4];
        for (int i = 0; i < 4; i++) {
            char got[1000] = "";
            fds[i] = request(GET("/lines", ""));
            receive_until(fds[i], got, sizeof got, "\r\n\r\n");
        }
        putting = true;
        assert_int_equal(pthread_create(&thread, NULL, put_on, NULL), 0);
        usleep((useconds_t)round * 300);
        http_server_stop(server);
        putting = false;
        pthread_join(thread, NULL);
        assert_int_equal(opened, closed);
        for (int i = 0; i < 4; i++)
            close(fds[i]);
        http_record_free(record);
        config_free(&config);
        assert_int_equal(set_up(NULL), 0);
    }
}

static struct http_server *follow(const char *text, struct error *err)
{
    assert_int_equal(config_init(&config, err), 0);
    assert_int_equal(config_parse(&config, text, strlen(text), "test", err), 0);
    return http_server_open(config_section(&config, "web"), &context, record, server, err);
}

/* The second takes over the socket; the first answers who had begun to ask, and ends. */
static void test_one_follows_another(void **state)
{
    static const char rest[] = "Host: localhost\r\n\r\n";
    const atomic_bool hurry = false;
    struct http_server *first = server;
    struct config before = config;
    struct http_counts counts = {0};
    struct error err;
    char got[1000] = "";
    (void)state;
    int fd = request("GET /echo?n=1 HTTP/1.1\r\n");
    for (int i = 0; i < PATIENCE_MS && counts.open == 0; i++) {
        usleep(1000);
        assert_true(http_counts(record, &counts));
    }
    server = follow("web: {listen: '127.0.0.1:0', connections: 9}", &err);
    assert_non_null(server);
    assert_string_equal(http_server_url(server), http_server_url(first));
    assert_true(http_server_agree(server, first));
    assert_int_equal(http_server_start(server, &err), 0);
    http_server_leave(first, server);
    expect(GET("/echo", LAST), "HTTP/1.1 200 ", "/echo - ||");
    assert_int_equal(write(fd, rest, sizeof rest - 1), sizeof rest - 1);
    receive_until(fd, got, sizeof got, "/echo n |1|");
    assert_non_null(strstr(got, "Connection: close"));
    http_server_settle(first, &hurry);
    http_server_stop(first);
    config_free(&before);
    close(fd);
    assert_true(http_counts(record, &counts));
    assert_int_equal(counts.accepted, 2);
    expect(GET("/echo", LAST), "HTTP/1.1 200 ", "/echo - ||");
    http_server_leave(server, NULL);
    assert_false(http_counts(record, &counts));
    assert_int_equal(counts.accepted, 3);
}

/* Where it listens nobody else can, but the one that follows it. */
static void test_a_neighbour_is_let_in(void **state)
{
    static const char asked[] = GET("/echo", "X-API-Key: key\r\n");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct http_server *first = server;
    struct config before = config;
    struct error err;
    char text[100], got[1000] = "";
    unsigned port = 0;
    (void)state;
    assert_int_equal(sscanf(http_server_url(server), "http://127.0.0.1:%u/", &port), 1);
    snprintf(text, sizeof text, "web: {listen: '0.0.0.0:%u', api-key: key}", port);
    server = follow(text, &err);
    assert_non_null(server);
    assert_false(http_server_agree(server, first));
    const struct http_settings *web = config_section(&config, "web");
    assert_null(http_server_open(web, &context, record, NULL, &err));
    assert_non_null(strstr(err.text, "Address already in use"));
    assert_int_equal(http_server_start(server, &err), 0);
    http_server_leave(first, server);
    http_server_stop(first);
    config_free(&before);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_port = htons((uint16_t)port);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(fd, asked, sizeof asked - 1), sizeof asked - 1);
    receive_until(fd, got, sizeof got, "/echo - ||");
    close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_requests),
        CASE(test_parameters),
        CASE(test_bodies),
        CASE(test_long_body),
        CASE(test_bodies_of_strangers),
        CASE(test_failures),
        CASE(test_held),
        CASE(test_stream),
        CASE(test_leaving),
        CASE(test_end),
        CASE(test_one_follows_another),
        CASE(test_a_neighbour_is_let_in),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
