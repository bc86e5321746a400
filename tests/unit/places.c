/* Places: limits by peer and for all, who makes room, and who never does. Peers and workers are
 * fakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "../support/peers.h"
#include "core/worker_state.h"
#include "in/gate.h"

enum { NOW_MS = 1000000, CROWD = 4096 };

static struct worker worker;
static struct gate gate;
static uint64_t clock_ms;

static void open_gate(size_t all, size_t peer)
{
    struct error err;
    gate_free(&gate);
    assert_int_equal(gate_init(&gate, &(struct places_limits){.all = all, .peer = peer}, &err), 0);
    clock_ms = NOW_MS;
}

static enum places_answer try(struct accounts peer, struct place **place)
{
    struct newcomer newcomer = {.peer = &peer, .worker = &worker, .now_ms = clock_ms++};
    return places_take(&gate.places, &newcomer, place);
}

static struct place *come(struct accounts peer)
{
    struct place *place = NULL;
    assert_int_equal(try(peer, &place), PLACES_TAKEN);
    return place;
}

/* `count` newcomers of one peer, who stay silent. */
static void crowd(struct accounts peer, struct place **places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        places[i] = come(peer);
}

/* Until all who are there have had the time of their handshake, and nobody is still refused. */
static void settle(void)
{
    clock_ms += PLACES_GRACE_MS;
}

static void speak(struct place *place)
{
    place_active(place, clock_ms);
}

/* How many were told to leave; those do so. */
static size_t leavers(struct place **places, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (!places[i] || place_wanted(places[i]) < 0)
            continue;
        places_leave(&gate.places, places[i]);
        places[i] = NULL;
        left++;
    }
    return left;
}

/* A place for whoever comes, though one peer holds all it can get, in silence. */
static void a_silent_crowd_locks_nobody_out(void **state)
{
    static struct place *places[2048];
    (void)state;
    open_gate(2048, 4096);
    crowd(v4(1), places, 1920); /* the last sixteenth is for others */
    struct place *honest = come(v4(2));
    settle();
    assert_int_equal(leavers(places, 1920), 0);
    for (unsigned i = 0; i < 4096; i++) {
        struct place *more;
        assert_int_equal(try(v4(1), &more), PLACES_TAKEN);
        assert_int_equal(leavers(places, 1920), 1);
        for (size_t k = 0; more && k < 1920; k++) {
            if (!places[k]) {
                places[k] = more;
                more = NULL;
            }
        }
    }
    assert_int_equal(place_wanted(honest), -1);
    size_t left = 0;
    for (uint32_t i = 0; i < 128 + 1000; i++) {
        assert_int_equal(place_wanted(come(v4(1000 + i))), -1);
        left += leavers(places, 1920);
    }
    assert_true(left >= 1000);
    assert_int_equal(place_wanted(honest), -1);
}

/* With a limit of its own, a peer makes room for itself, and nobody else has to. */
static void a_peer_makes_room_for_itself(void **state)
{
    struct place *own[4], *others[4];
    (void)state;
    open_gate(2048, 4);
    crowd(v4(2), others, 4);
    crowd(v4(1), own, 4);
    settle();
    come(v4(1));
    assert_int_equal(place_wanted(own[0]), CUT_PEER_FULL); /* the longest silence */
    assert_int_equal(leavers(own, 4), 1);
    assert_int_equal(leavers(others, 4), 0);
}

static void who_is_active_stays(void **state)
{
    struct place *own[4], *none;
    (void)state;
    open_gate(8, 4);
    crowd(v4(1), own, 4);
    for (size_t i = 0; i < 4; i++)
        speak(own[i]);
    assert_int_equal(try(v4(1), &none), PLACES_PEER_FULL);
    struct place *rest[4];
    crowd(v4(2), rest, 4);
    for (size_t i = 0; i < 4; i++)
        speak(rest[i]);
    assert_int_equal(try(v4(3), &none), PLACES_FULL);
    speak(own[1]);
    clock_ms += PLACES_QUIET_MS - 2; /* by now all but that one and the second peer's are quiet */
    for (size_t i = 0; i < 4; i++)
        speak(rest[i]);
    clock_ms += 2;
    come(v4(3));
    assert_int_equal(leavers(rest, 4), 0);
    assert_int_equal(leavers(own, 4), 1);
}

/* Whoever never sent leaves before who did, and of the peer that has most. */
static void who_has_most_leaves_first(void **state)
{
    struct place *few[2], *many[6];
    (void)state;
    open_gate(8, 8);
    crowd(v4(1), few, 2);
    crowd(v4(2), many, 6);
    for (size_t i = 0; i < 5; i++)
        speak(many[i]);
    clock_ms += 2 * PLACES_QUIET_MS;
    come(v4(3));
    assert_int_equal(place_wanted(many[5]), CUT_FULL);
    assert_int_equal(leavers(few, 2) + leavers(many, 6), 1);
}

/* Networks without end in one /48: the whole of it has to make room, not the lone server. */
static void prefixes_do_not_hide_a_crowd(void **state)
{
    static struct place *places[64];
    char text[64];
    (void)state;
    open_gate(64, 8);
    struct place *lone[2] = {come(v4(1)), come(v4(1))};
    for (unsigned i = 0; i < 32; i++) { /* four times what one peer may have */
        snprintf(text, sizeof text, "2001:db8:1:%x00::1", i);
        places[i] = come(v6(text));
    }
    settle();
    assert_int_equal(leavers(places, 32), 0);
    come(v6("2001:db8:1:ff00::1"));
    assert_int_equal(leavers(places, 32), 1);
    assert_int_equal(leavers(lone, 2), 0);
}

static void users_are_peers(void **state)
{
    struct place *hostile[8];
    (void)state;
    open_gate(64, 8);
    struct place *honest = come(accounts_of_process(0, 1, 1));
    for (unsigned i = 0; i < 8; i++)
        hostile[i] = come(accounts_of_process(1000, (pid_t)(100 + i), i));
    settle();
    come(accounts_of_process(1000, 99, 9));
    assert_int_equal(leavers(hostile, 8), 1);
    assert_int_equal(place_wanted(honest), -1);
}

/* The programs of this machine share an account that has no limit but that of all. */
static void loopback_has_no_limit(void **state)
{
    static struct place *places[40];
    (void)state;
    open_gate(32, 2);
    crowd(v4(0x7f000001), places, 30);
    settle();
    assert_int_equal(leavers(places, 30), 0);
    places[30] = come(v4(0x7f000002));
    assert_int_equal(leavers(places, 31), 1);
}

/* One that begins to send just as it is told to leave may stay, if another leaves in its stead; but
 * never does it stay beyond the limit. */
static void who_speaks_up_stays(void **state)
{
    struct place *own[3], *none;
    (void)state;
    open_gate(64, 3);
    crowd(v4(1), own, 3);
    settle();
    struct place *fourth = come(v4(1));
    assert_int_equal(place_wanted(own[0]), CUT_PEER_FULL);
    speak(own[0]);
    speak(own[1]);
    speak(fourth);
    assert_true(places_keep(&gate.places, own[0], clock_ms));
    assert_int_equal(place_wanted(own[0]), -1);
    assert_int_equal(place_wanted(own[2]), CUT_PEER_FULL);
    speak(own[2]);
    assert_false(places_keep(&gate.places, own[2], clock_ms));
    assert_int_equal(leavers(own, 3), 1);
    assert_int_equal(try(v4(1), &none), PLACES_PEER_FULL);
}

/* Those that were told and have not left are bounded, too: a worker may be held up. */
static void leavers_are_bounded(void **state)
{
    static struct place *places[CROWD];
    size_t come_in = 0;
    (void)state;
    open_gate(64, 128);
    while (come_in < CROWD && try(v4(1), &places[come_in]) == PLACES_TAKEN)
        come_in++;
    assert_int_equal(come_in, places_size(64) - 4); /* which are for others */
    assert_true(gate_crowded(&gate));               /* who comes now had better wait */
    assert_true(leavers(places, come_in) > 0);
    assert_false(gate_crowded(&gate));
    assert_int_equal(try(v4(1), &places[0]), PLACES_TAKEN);
}

/* Two strangers who know the rule: each newcomer of theirs has one leave that then has something to
 * say. Whoever has none yet finds the reserve as it was. */
static void the_reserve_is_kept(void **state)
{
    static struct place *places[CROWD];
    size_t count = 0;
    (void)state;
    open_gate(64, 32);
    for (unsigned round = 0; round < 200 && count < CROWD; round++) {
        count += try(v4(1 + round % 2), &places[count]) == PLACES_TAKEN;
        for (size_t i = 0; i < count; i++) {
            bool told = places[i] && place_wanted(places[i]) >= 0;
            if (told)
                speak(places[i]);
            if (told && !places_keep(&gate.places, places[i], clock_ms)) {
                places_leave(&gate.places, places[i]);
                places[i] = NULL;
            }
        }
        clock_ms += round % 10 == 0 ? PLACES_GRACE_MS : 0;
    }
    assert_int_equal(gate.places.used, 60);
    for (uint32_t i = 0; i < 4; i++)
        come(v4(100 + i));
    assert_int_equal(leavers(places, count), 0);
}

/* Servers that have sent and are quiet stay, whoever fills all other places from some addresses, or
 * some networks of one customer. */
static void who_has_little_stays(void **state)
{
    static struct place *crowds[66];
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        struct place *honest[3], *none;
        size_t count = 0;
        open_gate(64, 32);
        for (uint32_t i = 0; i < 3; i++)
            speak(honest[i] = come(v4(10 + i)));
        clock_ms += PLACES_QUIET_MS;
        for (uint32_t i = 0; i < 66; i++) {
            char text[64];
            snprintf(text, sizeof text, "2001:db8:1:10%x::1", i % 3);
            count += try(v ? v6(text) : v4(100 + i % 3), &crowds[count]) == PLACES_TAKEN;
            if (count > 0) /* what it brings is no use, unless it is */
                speak(crowds[count - 1]);
        }
        assert_int_equal(count, v ? 32 : 57); /* a network has half of all */
        clock_ms += PLACES_REFUSED_MS;
        assert_int_not_equal(try(v ? v6("2001:db8:1:1000::2") : v4(100), &none), PLACES_TAKEN);
        assert_int_equal(leavers(honest, 3), 0);
        speak(come(v4(13))); /* and a fourth one is served */
        assert_int_equal(leavers(honest, 3), 0);
        clock_ms += PLACES_QUIET_MS;
        for (uint32_t i = 0; i < 16; i++) { /* all are silent now: who has most makes room */
            come(v4(10 + i % 2));
            assert_int_equal(leavers(honest, 3), 0);
            leavers(crowds, count);
        }
    }
}

/* A server's second connection does not close its first one, which has not said START yet. */
static void a_handshake_has_its_time(void **state)
{
    struct place *places[7], *first, *none;
    (void)state;
    open_gate(8, 8);
    for (uint32_t i = 0; i < 7; i++)
        speak(places[i] = come(v4(1 + i)));
    first = come(v4(20)); /* the last place */
    assert_int_equal(try(v4(20), &none), PLACES_FULL);
    assert_int_equal(place_wanted(first), -1);
    settle();
    come(v4(20));
    assert_int_equal(place_wanted(first), CUT_FULL);
    assert_int_equal(leavers(places, 7), 0);
}

/* A crowd whose connections are all new makes room all the same. */
static void who_is_always_new_makes_room(void **state)
{
    static struct place *places[240];
    (void)state;
    open_gate(256, 256);
    struct place *honest = come(v4(2));
    crowd(v4(1), places, 239);
    come(v4(2));
    come(v4(2));
    assert_int_equal(place_wanted(honest), -1);
    assert_int_equal(leavers(places, 239), 2);
    come(v4(1)); /* be it for its own kind, of which one may be honest */
    assert_int_equal(leavers(places, 239), 1);
}

/* Two users each have a crowd that comes without end, and one of them an idle server beside it,
 * whose handshake was over long ago. */
static void a_new_crowd_hides_behind_nobody(void **state)
{
    static struct place *places[120];
    (void)state;
    open_gate(128, 64);
    struct place *idle = come(accounts_of_process(0, 1, 1));
    settle();
    crowd(accounts_of_process(0, 2, 2), places, 60);
    crowd(accounts_of_process(1000, 3, 3), places + 60, 59);
    come(accounts_of_process(1000, 3, 3));
    assert_int_equal(place_wanted(idle), -1);
    assert_int_equal(leavers(places, 60), 1);
}

/* Nor do they where descriptors are short: who is taken is of the peer that has most, as ever. */
static void a_new_crowd_gives_descriptors(void **state)
{
    struct place *places[40];
    (void)state;
    open_gate(128, 64);
    struct place *idle = come(v4(1));
    clock_ms += PLACES_GRACE_MS;
    crowd(v4(2), places, 40);
    uint64_t load = places_make_room(&gate.places, CUT_DESCRIPTORS, clock_ms, false);
    assert_int_equal(load, 40 * ACCOUNT_SHARE);
    assert_int_equal(leavers(places, 40), 0);
    assert_true(places_make_room(&gate.places, CUT_DESCRIPTORS, clock_ms, true) > 0);
    assert_int_equal(place_wanted(idle), -1);
    assert_int_equal(leavers(places, 40), 1);
}

/* Who was refused is refused for a moment without a search; others are not. */
static void refusals_are_remembered(void **state)
{
    struct place *places[16], *none;
    (void)state;
    open_gate(16, 8);
    for (uint32_t i = 0; i < 16; i++)
        speak(places[i] = come(v4(1 + i)));
    clock_ms += PLACES_QUIET_MS - 50;
    for (uint32_t i = 1; i < 16; i++)
        speak(places[i]);
    assert_int_equal(try(v4(20), &none), PLACES_FULL);
    clock_ms += 50;
    assert_int_equal(try(v4(20), &none), PLACES_FULL);
    struct place *next = come(v4(21));
    assert_int_equal(leavers(places, 16), 1);
    places[0] = next;
    settle();
    come(v4(20));
    assert_int_equal(leavers(places, 16), 1);
}

/* A connection that comes by the gate; -1: refused. */
static int enter(struct accounts peer, struct place **place)
{
    uint64_t delay_ms;
    *place = NULL;
    return gate_admit(&gate, &peer, &worker, place, &delay_ms) < 0 ? (int)delay_ms : -1;
}

static void leave(struct accounts peer, struct place *place)
{
    gate_leave(&gate, &peer, place, true);
}

/* Loops without use until the peer has to wait. */
static void loop(struct accounts peer)
{
    struct place *place;
    uint64_t end = uv_hrtime() + UINT64_C(60000000000);
    while (enter(peer, &place) == 0 && uv_hrtime() < end)
        leave(peer, place);
    assert_non_null(place);
    leave(peer, place);
}

/* Having made room is no reason for a penalty; having come and gone is. */
static void making_room_costs_nothing(void **state)
{
    struct accounts peer = v4(1);
    struct place *last, *next;
    (void)state;
    open_gate(8, 1);
    assert_int_equal(enter(peer, &last), 0);
    for (unsigned i = 0; i < 20; i++) {
        assert_true(places_make_room(&gate.places, CUT_DESCRIPTORS, UINT64_MAX / 2, true));
        assert_int_equal(enter(peer, &next), 0);
        leave(peer, last);
        last = next;
    }
    leave(peer, last);
    loop(peer);
    assert_int_equal(enter(peer, &next), -1); /* one waits */
}

/* The first frame clears the peer, and as long as a connection is open that has brought some, no
 * other of the peer is delayed or refused. */
static void who_is_of_use_is_let_in(void **state)
{
    struct accounts peer = v4(1);
    struct place *useful, *more[8];
    (void)state;
    open_gate(64, 32);
    assert_int_equal(enter(peer, &useful), 0);
    loop(peer);
    assert_int_equal(enter(peer, &more[0]), -1);
    place_active(useful, NOW_MS);
    gate_note_use(&gate, &peer, useful);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(enter(peer, &more[i]), 0);
        for (unsigned i = 0; i < 8; i++)
            leave(peer, more[i]);
    }
    leave(peer, useful);
    assert_int_equal(enter(peer, &more[0]), 0);
}

/* Eight that have nothing to say are still let in after a restart. */
static void idle_servers_restart(void **state)
{
    struct accounts peer = v4(1);
    struct place *places[8];
    (void)state;
    open_gate(64, 32);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(enter(peer, &places[i]), 0);
        for (unsigned i = 0; i < 8; i++)
            leave(peer, places[i]);
    }
}

static void do_nothing(uv_async_t *wake)
{
    (void)wake;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_crowd_locks_nobody_out),
        cmocka_unit_test(a_peer_makes_room_for_itself),
        cmocka_unit_test(who_is_active_stays),
        cmocka_unit_test(who_has_most_leaves_first),
        cmocka_unit_test(prefixes_do_not_hide_a_crowd),
        cmocka_unit_test(users_are_peers),
        cmocka_unit_test(loopback_has_no_limit),
        cmocka_unit_test(who_speaks_up_stays),
        cmocka_unit_test(leavers_are_bounded),
        cmocka_unit_test(the_reserve_is_kept),
        cmocka_unit_test(who_has_little_stays),
        cmocka_unit_test(a_handshake_has_its_time),
        cmocka_unit_test(who_is_always_new_makes_room),
        cmocka_unit_test(a_new_crowd_hides_behind_nobody),
        cmocka_unit_test(a_new_crowd_gives_descriptors),
        cmocka_unit_test(refusals_are_remembered),
        cmocka_unit_test(making_room_costs_nothing),
        cmocka_unit_test(who_is_of_use_is_let_in),
        cmocka_unit_test(idle_servers_restart),
    };
    uv_loop_init(&worker.loop);
    uv_async_init(&worker.loop, &worker.wake, do_nothing);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    gate_free(&gate);
    uv_close((uv_handle_t *)&worker.wake, NULL);
    uv_run(&worker.loop, UV_RUN_DEFAULT);
    uv_loop_close(&worker.loop);
    return failed;
}
