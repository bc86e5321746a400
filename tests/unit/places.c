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
    return places_take(&gate.places, &peer, &worker, clock_ms++, place);
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
    assert_int_equal(leavers(places, 30), 0);
    places[30] = come(v4(0x7f000002));
    assert_int_equal(leavers(places, 31), 1);
}

/* One that begins to send just as it is told to leave may stay, and counts again. */
static void who_speaks_up_stays(void **state)
{
    struct place *own[2], *none;
    (void)state;
    open_gate(64, 2);
    crowd(v4(1), own, 2);
    struct place *third = come(v4(1));
    assert_int_equal(place_wanted(own[0]), CUT_PEER_FULL);
    for (size_t i = 0; i < 2; i++)
        speak(own[i]);
    speak(third);
    places_keep(&gate.places, own[0]);
    assert_int_equal(place_wanted(own[0]), -1);
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
    assert_int_equal(come_in, places_size(64));
    assert_true(gate_crowded(&gate)); /* who comes now had better wait */
    assert_true(leavers(places, come_in) > 0);
    assert_false(gate_crowded(&gate));
    assert_int_equal(try(v4(1), &places[0]), PLACES_TAKEN);
}

/* They had something to say, and stay; the next one waits until others have been told to leave, and
 * is refused only where all send. */
static void who_stays_is_asked_again(void **state)
{
    static struct place *places[CROWD];
    size_t come_in = 0;
    (void)state;
    open_gate(8, 128);
    while (come_in < CROWD && try(v4(1), &places[come_in]) == PLACES_TAKEN)
        come_in++;
    for (size_t i = 0; i < come_in; i++) {
        if (place_wanted(places[i]) >= 0)
            places_keep(&gate.places, places[i]);
    }
    assert_true(gate_crowded(&gate));
    assert_int_equal(leavers(places, come_in), 1);
    assert_false(gate_crowded(&gate));
    assert_int_equal(try(v4(1), &places[0]), PLACES_TAKEN);
}

/* Having made room is no reason for a penalty; having come and gone is. */
static void making_room_costs_nothing(void **state)
{
    struct accounts peer = v4(1);
    uint64_t delay_ms;
    (void)state;
    open_gate(8, 1);
    struct place *last = come(peer);
    for (unsigned i = 0; i < 20; i++) {
        struct place *next = come(peer);
        assert_int_equal(place_wanted(last), CUT_PEER_FULL);
        gate_leave(&gate, &peer, last, false);
        last = next;
    }
    assert_true(penalty_admit(&gate.penalty, &peer, uv_hrtime() / 1000000, &delay_ms));
    assert_int_equal(delay_ms, 0);
    gate_leave(&gate, &peer, last, false);
    for (unsigned i = 0; i < 20; i++)
        gate_leave(&gate, &peer, come(peer), false);
    assert_true(penalty_admit(&gate.penalty, &peer, uv_hrtime() / 1000000, &delay_ms));
    assert_true(delay_ms > 0);
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
        cmocka_unit_test(who_stays_is_asked_again),
        cmocka_unit_test(making_room_costs_nothing),
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
