/* Connections of the web server: deadlines, limits in all and by address, who makes room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/peers.h"

enum { LINKS_MAX = 16 };

/* A connection: the server's end of a socket pair and the client's, which sees the shutdown. */
struct link {
    int server, client;
    struct peer *peer;
};

static struct peers *peers;
static struct link links[LINKS_MAX];
static size_t link_count;

static const struct peers_limits limits = {
    .all = 4, .address = 2, .header_ns = 5 * CLOCK_SECOND_NS, .idle_ns = 75 * CLOCK_SECOND_NS};

static int set_up(void **state)
{
    struct error err;
    (void)state;
    link_count = 0;
    peers = peers_new(&limits, &err);
    return peers ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    while (link_count > 0) {
        struct link *link = &links[--link_count];
        if (link->peer)
            peer_remove(link->peer);
        close(link->server);
        close(link->client);
    }
    assert_int_equal(peers_sweep(peers, 0), 0);
    peers_free(peers);
    peers_free(NULL);
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
    link->client = fds[1];
    link->peer =
        peers_add(peers, link->server, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6);
    return link;
}

static bool is_cut(const struct link *link)
{
    struct pollfd pfd = {.fd = link->client, .events = POLLRDHUP};
    return poll(&pfd, 1, 0) == 1;
}

static void sweep_after(uint64_t seconds)
{
    peers_sweep(peers, clock_ns() + seconds * CLOCK_SECOND_NS);
}

static void test_deadlines(void **state)
{
    (void)state;
    struct link *silent = connect_from("127.0.0.1"), *busy = connect_from("127.0.0.1"),
                *resting = connect_from("127.0.0.1");
    peer_answers(busy->peer, 0);
    peer_answers(resting->peer, 0);
    peer_rests(resting->peer);
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
    peer_rests(busy->peer); /* what is cut stays so, and is not cut twice */
    sweep_after(1000);
}

/* What the server has not got round to read is not the client's fault; nor is how long it takes to
 * answer. */
static void test_slow_server(void **state)
{
    char head[10];
    (void)state;
    struct link *unread = connect_from("127.0.0.1"), *asked = connect_from("127.0.0.1");
    assert_int_equal(write(unread->client, "GET /", 5), 5);
    peer_has_asked(asked->peer);
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
    peer_answers(kept->peer, 10);
    peer_rests(kept->peer);
    peer_begins(kept->peer);
    sweep_after(4);
    assert_false(is_cut(kept));
    peer_begins(fresh->peer);
    sweep_after(6);
    assert_true(is_cut(kept));
    assert_true(is_cut(fresh));
}

/* A large reply has a second more for each 16 KiB; a stream all the time there is. */
static void test_sizes(void **state)
{
    (void)state;
    struct link *large = connect_from("127.0.0.1"), *stream = connect_from("127.0.0.1");
    peer_answers(large->peer, 1 << 20);
    peer_streams(stream->peer);
    sweep_after(60 + 63);
    assert_false(is_cut(large));
    sweep_after(60 + 65);
    assert_true(is_cut(large));
    sweep_after(1000000);
    assert_false(is_cut(stream));
}

static void test_addresses(void **state)
{
    (void)state;
    assert_non_null(connect_from("2001:db8:0:1::1")->peer);
    assert_non_null(connect_from("2001:db8:0:1::2")->peer);
    struct link *third = connect_from("2001:db8:0:1:ffff::3"); /* the same /64 */
    assert_null(third->peer);
    assert_true(is_cut(third));
    assert_non_null(connect_from("2001:db8:0:2::1")->peer);
    peer_remove(links[0].peer);
    links[0].peer = NULL;
    assert_non_null(connect_from("2001:db8:0:1::4")->peer);
}

static void test_mapped(void **state)
{
    (void)state;
    assert_non_null(connect_from("192.0.2.1")->peer);
    assert_non_null(connect_from("::ffff:192.0.2.1")->peer);
    assert_null(connect_from("192.0.2.1")->peer);
    assert_non_null(connect_from("::ffff:192.0.2.2")->peer); /* not one /64 with the first */
}

/* Loopback has no limit of its own; past the limit in all, whoever has waited longest makes room,
 * and nobody who gets a reply. */
static void test_room(void **state)
{
    (void)state;
    struct link *busy = connect_from("127.0.0.1"), *first = connect_from("127.0.0.1"),
                *second = connect_from("127.0.0.1"), *third = connect_from("127.0.0.1");
    peer_answers(busy->peer, 0);
    peer_rests(first->peer); /* waits anew: the second has waited longer */
    assert_non_null(connect_from("127.0.0.1")->peer);
    assert_false(is_cut(busy));
    assert_false(is_cut(first));
    assert_true(is_cut(second));
    assert_non_null(connect_from("192.0.2.1")->peer);
    assert_true(is_cut(third));
    for (size_t i = 0; i < link_count; i++)
        peer_answers(links[i].peer, 0);
    struct link *late = connect_from("127.0.0.1");
    assert_null(late->peer); /* all are busy */
    assert_true(is_cut(late));
    assert_false(is_cut(first));
}

static void test_cut(void **state)
{
    (void)state;
    struct link *link = connect_from("127.0.0.1");
    peer_streams(link->peer);
    peer_cut(link->peer);
    assert_true(is_cut(link));
    peer_rests(link->peer);
    assert_int_equal(peers_sweep(peers, 0), 1);
}

/* However many are cut and not yet gone, the table ends. */
static void test_full(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * limits.all; i++)
        assert_non_null(connect_from("127.0.0.1")->peer);
    struct link *late = connect_from("127.0.0.1");
    assert_null(late->peer);
    assert_true(is_cut(late));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_deadlines), CASE(test_begun),     CASE(test_slow_server),
        CASE(test_sizes),     CASE(test_addresses), CASE(test_mapped),
        CASE(test_room),      CASE(test_full),      CASE(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
