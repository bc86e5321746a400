/* Connections of the web server: deadlines, limits in all and by address, who makes room. The clock
 * is the tests' own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/clients.h"

enum { LINKS_MAX = 64 };

/* A connection: the server's end of a socket pair and the far one, which sees the shutdown. */
struct link {
    int server, far;
    struct client *client;
};

static struct clients *clients;
static struct clients_counts counts;
static struct link links[LINKS_MAX];
static size_t link_count;

static uint64_t time_ns = 1000 * CLOCK_SECOND_NS;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = clock_timespec(time_ns);
    return 0;
}

static void pass_ms(uint64_t ms)
{
    time_ns += ms * CLOCK_MS_NS;
}

static const struct clients_limits limits = {.all = 4,
                                             .address = 2,
                                             .streams = 3,
                                             .header_ns = 5 * CLOCK_SECOND_NS,
                                             .idle_ns = 75 * CLOCK_SECOND_NS};

static int set_up(void **state)
{
    struct error err;
    (void)state;
    link_count = 0;
    memset(&counts, 0, sizeof counts);
    clients = clients_new(&limits, &counts, &err);
    return clients ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    while (link_count > 0) {
        struct link *link = &links[--link_count];
        if (link->client)
            client_remove(link->client);
        close(link->server);
        close(link->far);
    }
    assert_int_equal(clients_sweep(clients, 0), 0);
    clients_free(clients);
    clients_free(NULL);
    return 0;
}

static struct link *connect_from(const char *text)
{
    int fds[2];
    struct link *link = &links[link_count++];
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
    assert_true(is_v4 || inet_pton(AF_INET6, text, &v6.sin6_addr) == 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    link->server = fds[0];
    link->far = fds[1];
    pass_ms(1); /* no two are of one age */
    link->client =
        clients_add(clients, link->server, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6);
    return link;
}

static bool is_cut(const struct link *link)
{
    struct pollfd pfd = {.fd = link->far, .events = POLLRDHUP};
    return poll(&pfd, 1, 0) == 1;
}

static void sweep_after(uint64_t seconds)
{
    clients_sweep(clients, clock_ns() + seconds * CLOCK_SECOND_NS);
}

static void test_deadlines(void **state)
{
    (void)state;
    struct link *silent = connect_from("127.0.0.1"), *busy = connect_from("127.0.0.1"),
                *resting = connect_from("127.0.0.1");
    client_answers(busy->client, 0);
    client_answers(resting->client, 0);
    client_rests(resting->client);
    sweep_after(4);
    assert_false(is_cut(silent));
    sweep_after(6);
    assert_true(is_cut(silent));
    assert_false(is_cut(busy));
    assert_false(is_cut(resting));
    sweep_after(59);
    assert_false(is_cut(busy));
    sweep_after(61);
    assert_true(is_cut(busy));
    assert_false(is_cut(resting));
    sweep_after(76);
    assert_true(is_cut(resting));
    client_rests(busy->client); /* what is cut stays so, and is not cut twice */
    sweep_after(1000);
}

/* What the server has not got round to read is not the client's fault; nor is how long it takes to
 * answer. */
static void test_slow_server(void **state)
{
    char head[10];
    (void)state;
    struct link *unread = connect_from("127.0.0.1"), *asked = connect_from("127.0.0.1");
    assert_int_equal(write(unread->far, "GET /", 5), 5);
    client_has_asked(asked->client);
    sweep_after(6);
    assert_false(is_cut(unread));
    assert_false(is_cut(asked));
    assert_int_equal(read(unread->server, head, sizeof head), 5);
    sweep_after(7);
    assert_true(is_cut(unread));
    assert_false(is_cut(asked));
}

/* A request that has begun on a kept connection has as much time as a first one, and no more by
 * beginning again. */
static void test_begun(void **state)
{
    (void)state;
    struct link *kept = connect_from("::1"), *fresh = connect_from("::1");
    client_answers(kept->client, 10);
    client_rests(kept->client);
    client_begins(kept->client);
    sweep_after(4);
    assert_false(is_cut(kept));
    client_begins(fresh->client);
    sweep_after(6);
    assert_true(is_cut(kept));
    assert_true(is_cut(fresh));
}

/* A large reply has a second more for each 16 KiB. */
static void test_sizes(void **state)
{
    (void)state;
    struct link *large = connect_from("127.0.0.1");
    client_answers(large->client, 1 << 20);
    sweep_after(60 + 63);
    assert_false(is_cut(large));
    sweep_after(60 + 65);
    assert_true(is_cut(large));
}

static void send_some(const struct link *link)
{
    assert_int_equal(write(link->server, "event", 5), 5);
}

static void take_all(const struct link *link)
{
    char text[64];
    assert_true(read(link->far, text, sizeof text) > 0);
}

/* A stream has all the time there is, as long as its client takes what comes. */
static void test_streams_end(void **state)
{
    (void)state;
    struct link *quiet = connect_from("127.0.0.1"), *reads = connect_from("127.0.0.1"),
                *deaf = connect_from("127.0.0.1");
    for (size_t i = 0; i < link_count; i++)
        client_streams(links[i].client);
    send_some(deaf);
    for (int seconds = 0; seconds < 1000; seconds++) {
        send_some(reads);
        pass_ms(1000);
        take_all(reads);
        sweep_after(0);
        assert_int_equal(is_cut(deaf), seconds >= 59);
    }
    assert_false(is_cut(quiet) || is_cut(reads));
}

/* Past the limit of streams the one goes whose client has taken nothing longest, else the oldest of
 * the network that has most: other networks' stay. */
static void test_streams_make_room(void **state)
{
    (void)state;
    struct link *first = connect_from("192.0.2.1"), *second = connect_from("192.0.2.2"),
                *third = connect_from("192.0.2.2");
    for (size_t i = 0; i < link_count; i++, pass_ms(1))
        client_streams(links[i].client);
    send_some(third);
    sweep_after(0);
    pass_ms(1000);
    client_streams(connect_from("192.0.2.3")->client);
    assert_true(is_cut(third));
    assert_false(is_cut(first) || is_cut(second));
    client_remove(third->client);
    third->client = NULL;
    client_streams(connect_from("192.0.2.2")->client);
    assert_true(is_cut(first)); /* all have one: the oldest */
    client_remove(first->client);
    first->client = NULL;
    client_streams(connect_from("192.0.2.4")->client);
    assert_true(is_cut(second)); /* its network has two */
    assert_int_equal(counter_get(&counts.displaced), 3);
}

/* Of one address more than its share: its own make room, nobody else's. */
static void test_addresses(void **state)
{
    (void)state;
    struct link *first = connect_from("2001:db8:0:1::1"), *other = connect_from("2001:db8:0:2::1"),
                *second = connect_from("2001:db8:0:1::2");
    assert_non_null(connect_from("2001:db8:0:1:ffff::3")->client); /* the same /64 */
    assert_true(is_cut(first));
    assert_non_null(connect_from("2001:db8:0:1::4")->client);
    assert_true(is_cut(second));
    assert_false(is_cut(other));
    assert_int_equal(counter_get(&counts.open), 5); /* two of them are as good as gone */
}

static void test_mapped(void **state)
{
    (void)state;
    struct link *first = connect_from("192.0.2.1"), *mapped = connect_from("::ffff:192.0.2.1");
    assert_non_null(connect_from("192.0.2.1")->client);
    assert_true(is_cut(first));
    assert_non_null(connect_from("::ffff:192.0.2.2")->client); /* not one /64 with the others */
    assert_false(is_cut(mapped));
}

/* Fills all places, each from a network of its own, with those who were let in. */
static void fill_admitted(bool waits)
{
    static const char *const from[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
    for (size_t i = 0; i < limits.all; i++) {
        struct client *client = connect_from(from[i])->client;
        client_admit(client, true);
        assert_true(client_is_admitted(client));
        client_answers(client, 0);
        if (waits)
            client_rests(client);
    }
}

/* Loopback has no limit of its own; past the limit in all, strangers make room whatever they do,
 * the oldest first. */
static void test_strangers_make_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < limits.all; i++)
        client_answers(connect_from("127.0.0.1")->client, 1 << 20);
    for (size_t i = 0; i < limits.all; i++) {
        assert_non_null(connect_from("127.0.0.1")->client);
        assert_true(is_cut(&links[i]));
        assert_false(is_cut(&links[i + 1]));
    }
    assert_int_equal(counter_get(&counts.displaced), limits.all);
}

/* The network that has most goes first, and not who has been there longest. */
static void test_crowds_make_room(void **state)
{
    (void)state;
    struct link *old = connect_from("192.0.2.1"), *crowd = connect_from("198.51.100.1");
    assert_non_null(connect_from("198.51.100.1")->client);
    assert_non_null(connect_from("192.0.2.2")->client);
    assert_non_null(connect_from("192.0.2.3")->client);
    assert_true(is_cut(crowd));
    assert_false(is_cut(old));
}

/* Who was let in and waits makes room, the oldest first, while strangers are few; then they push
 * out each other. */
static void test_strangers_have_half(void **state)
{
    (void)state;
    fill_admitted(true);
    struct link *stranger = connect_from("192.0.2.5");
    assert_true(is_cut(&links[0]));
    assert_false(is_cut(&links[1]));
    struct link *next = connect_from("192.0.2.6"); /* the first has hardly come */
    assert_false(is_cut(stranger));
    assert_true(is_cut(&links[1]));
    struct link *third = connect_from("192.0.2.7"), *last = connect_from("192.0.2.8");
    assert_true(is_cut(stranger) && is_cut(next));
    assert_false(is_cut(third) || is_cut(last) || is_cut(&links[2]) || is_cut(&links[3]));
}

/* A stranger that has had its time goes before anybody that was let in. */
static void test_strangers_have_their_time(void **state)
{
    (void)state;
    fill_admitted(true);
    struct link *stranger = connect_from("192.0.2.5");
    pass_ms(2500);
    assert_non_null(connect_from("192.0.2.6")->client);
    assert_true(is_cut(stranger));
    assert_false(is_cut(&links[1]));
}

/* Of those who were let in and are busy only one that is slow makes room: without any, nobody does.
 */
static void test_slow_make_room(void **state)
{
    (void)state;
    fill_admitted(false);
    struct link *refused = connect_from("127.0.0.1");
    assert_null(refused->client);
    assert_true(is_cut(refused));
    send_some(&links[1]);
    send_some(&links[2]);
    assert_null(connect_from("127.0.0.1")->client);
    pass_ms(1000);
    assert_non_null(connect_from("127.0.0.1")->client);
    assert_true(is_cut(&links[1]));
    assert_false(is_cut(&links[0]) || is_cut(&links[2]) || is_cut(&links[3]));
    assert_int_equal(counter_get(&counts.refused), 2);
    clients_relieve(clients);
    assert_true(is_cut(&links[2]));
    clients_relieve(clients);
    assert_false(is_cut(&links[0]) || is_cut(&links[3]));
}

/* However many are cut and not yet gone, the table ends. */
static void test_full(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * limits.all; i++)
        assert_non_null(connect_from("127.0.0.1")->client);
    struct link *late = connect_from("127.0.0.1");
    assert_null(late->client);
    assert_true(is_cut(late));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_deadlines),           CASE(test_begun),
        CASE(test_slow_server),         CASE(test_sizes),
        CASE(test_streams_end),         CASE(test_streams_make_room),
        CASE(test_addresses),           CASE(test_mapped),
        CASE(test_strangers_make_room), CASE(test_crowds_make_room),
        CASE(test_strangers_have_half), CASE(test_strangers_have_their_time),
        CASE(test_slow_make_room),      CASE(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
