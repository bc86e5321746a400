/* Peers that connect in a loop wait longer and longer; the others do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "../support/peers.h"
#include "in/penalty.h"

enum { NOW_MS = 1000000, REFUSED = -1 };

#define PEER (&(struct accounts[]){v4(0x0a000007)}[0])
#define OTHER (&(struct accounts[]){v4(0x0a000008)}[0])

static struct penalty *fresh(void)
{
    static struct penalty p;
    assert_int_equal(penalty_init(&p), 0);
    return &p;
}

/* So many in a row, the last of which has just ended. */
static void note_useless(struct penalty *p, const struct accounts *peer, unsigned times,
                         uint64_t now_ms)
{
    for (unsigned i = 0; i < times; i++)
        penalty_note(p, peer, now_ms - times + i + 1, now_ms - times + i + 1);
}

/* How long the peer's next connection waits, or REFUSED. */
static int delay(struct penalty *p, const struct accounts *peer, uint64_t now_ms)
{
    uint64_t delay_ms;
    return penalty_admit(p, peer, now_ms, &delay_ms) ? (int)delay_ms : REFUSED;
}

static void a_few_are_free(void **state)
{
    struct penalty *p = fresh();
    (void)state;
    note_useless(p, PEER, 5, NOW_MS);
    assert_int_equal(delay(p, PEER, NOW_MS), 0);
}

static void a_loop_is_slowed_down(void **state)
{
    struct penalty *p = fresh();
    (void)state;
    note_useless(p, PEER, 8, NOW_MS);
    int early = delay(p, PEER, NOW_MS);
    note_useless(p, PEER, 1000, NOW_MS + 1000);
    assert_true(early > 0);
    assert_int_equal(delay(p, PEER, NOW_MS + 1000), PENALTY_MAX_MS);
    assert_int_equal(delay(p, OTHER, NOW_MS), 0);
}

static void one_waits_at_a_time(void **state)
{
    struct penalty *p = fresh();
    (void)state;
    note_useless(p, PEER, 1000, NOW_MS);
    assert_int_equal(delay(p, PEER, NOW_MS), PENALTY_MAX_MS);
    assert_int_equal(delay(p, PEER, NOW_MS), REFUSED);
    assert_int_equal(delay(p, PEER, NOW_MS + PENALTY_MAX_MS / 2), REFUSED);
    assert_int_equal(delay(p, PEER, NOW_MS + PENALTY_MAX_MS), PENALTY_MAX_MS);
}

/* More peers than the table has room for, each with as much as is free: nobody pays for another,
 * and who is being punished is not forgotten over them. */
static void nobody_pays_for_another(void **state)
{
    struct penalty *p = fresh();
    (void)state;
    note_useless(p, PEER, 1000, NOW_MS);
    for (uint32_t i = 0; i < 8 * PENALTY_SETS * PENALTY_WAYS; i++) {
        struct accounts other = v4(0x14000000 + i);
        assert_int_equal(delay(p, &other, NOW_MS), 0);
        note_useless(p, &other, 5, NOW_MS);
        assert_int_equal(delay(p, &other, NOW_MS), 0);
    }
    assert_int_equal(delay(p, PEER, NOW_MS), PENALTY_MAX_MS);
}

static void frames_clear_the_account(void **state)
{
    struct penalty *p = fresh();
    (void)state;
    note_useless(p, PEER, 50, NOW_MS);
    penalty_clear(p, PEER, NOW_MS);
    assert_int_equal(delay(p, PEER, NOW_MS), 0);
}

static void time_clears_it_too(void **state)
{
    struct penalty *p = fresh();
    (void)state;
    note_useless(p, PEER, 50, NOW_MS);
    assert_int_equal(delay(p, PEER, NOW_MS + 60000), 0);
    note_useless(p, PEER, 1, NOW_MS + 60000);
    assert_int_equal(delay(p, PEER, NOW_MS + 60000), 0);
}

/* A server that restarts ends many at once, and again, and has done it twice. Those that ended side
 * by side in a loop are one each round, no less. */
static void side_by_side_they_are_one(void **state)
{
    struct penalty *p = fresh();
    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 100; i++)
            penalty_note(p, PEER, NOW_MS + round * 1000 + i, NOW_MS + round * 1000 + 500 + i);
    }
    assert_int_equal(delay(p, PEER, NOW_MS + 5000), 0);
    for (unsigned i = 0; i < 100; i++)
        penalty_note(p, PEER, NOW_MS + 5000 + i, NOW_MS + 5500 + i);
    assert_true(delay(p, PEER, NOW_MS + 6000) > 0);
}

static void who_stays_a_while_is_in_no_loop(void **state)
{
    struct penalty *p = fresh();
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        penalty_note(p, PEER, NOW_MS + i * 10000, NOW_MS + (i + 1) * 10000);
    assert_int_equal(delay(p, PEER, NOW_MS + 1000000), 0);
}

/* Of IPv6 the upper half counts: one host is one peer whatever the rest of its address, and who has
 * the same lower half in another network is a stranger. */
static void ipv6_is_known_by_its_network(void **state)
{
    struct penalty *p = fresh();
    struct accounts peer = v6("2001:db8:1:1::7"), again = v6("2001:db8:1:1:ffff::8"),
                    stranger = v6("2001:db8:2:1::7");
    (void)state;
    note_useless(p, &peer, 1000, NOW_MS);
    assert_int_equal(delay(p, &stranger, NOW_MS), 0);
    assert_int_equal(delay(p, &again, NOW_MS), PENALTY_MAX_MS);
    assert_int_equal(delay(p, &peer, NOW_MS), REFUSED);
}

/* Endless addresses in one /64, /64s in one /56, /56s in one /48: each width has its allowance. */
static void wider_networks_have_more(void **state)
{
    static const struct {
        const char *format, *neighbour;
        unsigned allowance;
    } widths[] = {
        {"2001:db8:1:1::%x", "2001:db8:1:2::1", 5},
        {"2001:db8:2:1%02x::1", "2001:db8:2:200::1", 20},
        {"2001:db8:3:%x00::1", "2001:db8:4:100::1", 80},
    };
    (void)state;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        struct penalty *p = fresh();
        char text[64];
        for (unsigned i = 0; i <= widths[w].allowance; i++) {
            snprintf(text, sizeof text, widths[w].format, i);
            struct accounts peer = v6(text);
            assert_int_equal(delay(p, &peer, NOW_MS), 0);
            note_useless(p, &peer, 1, NOW_MS + i);
        }
        snprintf(text, sizeof text, widths[w].format, 0xfe);
        struct accounts next = v6(text), neighbour = v6(widths[w].neighbour);
        assert_true(delay(p, &next, NOW_MS + 1000) > 0);
        assert_int_equal(delay(p, &neighbour, NOW_MS + 1000), 0);
    }
}

/* Behind loopback there are all programs of the machine: one that loops is no reason to keep out
 * another. */
static void loopback_is_no_peer(void **state)
{
    struct penalty *p = fresh();
    struct accounts four = v4(0x7f000001), six = v6("::1");
    (void)state;
    note_useless(p, &four, 1000, NOW_MS);
    note_useless(p, &six, 1000, NOW_MS);
    assert_int_equal(delay(p, &four, NOW_MS), 0);
    assert_int_equal(delay(p, &six, NOW_MS), 0);
}

/* A process is known by its user, its number and its start: not by that of a later one. */
static void processes_are_told_apart(void **state)
{
    struct penalty *p = fresh();
    struct accounts peer = accounts_of_process(1000, 77, 5),
                    later = accounts_of_process(1000, 77, 6),
                    sibling = accounts_of_process(1000, 78, 5),
                    user = accounts_of_process(1001, 77, 5);
    (void)state;
    note_useless(p, &peer, 1000, NOW_MS);
    assert_int_equal(delay(p, &peer, NOW_MS), PENALTY_MAX_MS);
    assert_int_equal(delay(p, &later, NOW_MS), 0);
    assert_int_equal(delay(p, &sibling, NOW_MS), 0);
    assert_int_equal(delay(p, &user, NOW_MS), 0);
}

/* Where it is not known which process it is, no other one of that user pays for it. */
static void unknown_processes_are_nobody(void **state)
{
    struct penalty *p = fresh();
    struct accounts unknown = accounts_of_process(1000, 0, 0);
    (void)state;
    note_useless(p, &unknown, 1000, NOW_MS);
    assert_int_equal(delay(p, &unknown, NOW_MS), 0);
}

/* Hosts of IPv4 behind a translator are as many peers as in front of it, whatever its prefix. */
static void translated_hosts_are_told_apart(void **state)
{
    static const char *const pairs[][2] = {
        {"64:ff9b::192.0.2.2", "64:ff9b::192.0.2.3"},               /* RFC 6052 */
        {"64:ff9b:1:fffe::192.0.2.2", "64:ff9b:1:fffe::192.0.2.3"}, /* RFC 8215, of 96 bits */
        {"64:ff9b:1:c000:2:200::", "64:ff9b:1:c000:2:300::"},       /* of 48 */
        {"64:ff9b:1:c0:0:202::", "64:ff9b:1:c0:0:203::"},           /* of 56 */
        {"64:ff9b:1:7:c0:2:200::", "64:ff9b:1:7:c0:2:300::"},       /* of 64 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct penalty *p = fresh();
        struct accounts loop = v6(pairs[i][0]), other = v6(pairs[i][1]);
        note_useless(p, &loop, 1000, NOW_MS);
        assert_true(delay(p, &loop, NOW_MS) > 0);
        assert_int_equal(delay(p, &other, NOW_MS), 0);
    }
    struct accounts in_front = v4(0xc0000202), behind = v6(pairs[0][0]), here = v6(pairs[1][0]);
    assert_true(account_same(&in_front.at[0], &behind.at[0]));
    assert_true(account_same(&in_front.at[0], &here.at[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_are_free),
        cmocka_unit_test(a_loop_is_slowed_down),
        cmocka_unit_test(one_waits_at_a_time),
        cmocka_unit_test(nobody_pays_for_another),
        cmocka_unit_test(frames_clear_the_account),
        cmocka_unit_test(time_clears_it_too),
        cmocka_unit_test(side_by_side_they_are_one),
        cmocka_unit_test(who_stays_a_while_is_in_no_loop),
        cmocka_unit_test(ipv6_is_known_by_its_network),
        cmocka_unit_test(wider_networks_have_more),
        cmocka_unit_test(loopback_is_no_peer),
        cmocka_unit_test(processes_are_told_apart),
        cmocka_unit_test(unknown_processes_are_nobody),
        cmocka_unit_test(translated_hosts_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
