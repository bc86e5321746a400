/* The roster: joining, leaving, listing, from many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../support/chunks.h"
#include "base/clock.h"
#include "core/roster.h"

static void lists_in_order_of_joining(void **state)
{
    (void)state;
    struct roster roster;
    struct roster_seat seats[3] = {0};
    struct origin origins[3] = {{.peer = "a"}, {.peer = "b"}, {.peer = "c"}};
    struct roster_entry entries[3];
    size_t all;
    roster_init(&roster);
    for (int i = 0; i < 3; i++)
        roster_join(&roster, &seats[i], &origins[i]);
    assert_int_equal(roster_list(&roster, entries, 3, &all), 3);
    assert_int_equal(all, 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(entries[i].origin.peer, origins[i].peer);
        assert_int_equal(entries[i].origin.id, i + 1);
        assert_true(entries[i].since_ms > 1700000000000);
    }
    assert_int_equal(roster_list(&roster, entries, 2, &all), 2);
    assert_int_equal(all, 3);
    roster_leave(&roster, &seats[1]);
    assert_int_equal(roster_list(&roster, entries, 3, &all), 2);
    assert_string_equal(entries[1].origin.peer, "c");
    roster_leave(&roster, &seats[1]); /* again: nothing */
    roster_leave(&roster, &seats[0]);
    roster_leave(&roster, &seats[2]);
    assert_int_equal(roster_list(&roster, entries, 3, &all), 0);
    roster_destroy(&roster);
}

/* A file has nobody who would look. */
static void who_can_is_dismissed(void **state)
{
    (void)state;
    struct roster roster;
    struct roster_seat connection = {.dismissible = true}, file = {0};
    struct origin origins[2] = {{.peer = "a"}, {.peer = "b"}};
    roster_init(&roster);
    roster_join(&roster, &connection, &origins[0]);
    roster_join(&roster, &file, &origins[1]);
    assert_false(roster_dismiss(&roster, origins[1].id));
    assert_false(roster_dismiss(&roster, origins[1].id + 1));
    assert_false(atomic_load(&connection.dismissed));
    assert_true(roster_dismiss(&roster, origins[0].id));
    assert_true(atomic_load(&connection.dismissed));
    roster_leave(&roster, &connection);
    assert_false(roster_dismiss(&roster, origins[0].id));
    roster_leave(&roster, &file);
    roster_destroy(&roster);
}

static void ids_are_never_used_twice(void **state)
{
    (void)state;
    struct roster roster;
    struct roster_seat seat = {0};
    struct origin origin = {0};
    roster_init(&roster);
    for (uint32_t id = 1; id <= 100; id++) {
        roster_join(&roster, &seat, &origin);
        assert_int_equal(origin.id, id);
        roster_leave(&roster, &seat);
    }
    roster_destroy(&roster);
}

static void shows_what_was_counted(void **state)
{
    (void)state;
    struct roster roster;
    struct roster_seat seat = {0};
    struct origin origin = {.input = 7};
    struct roster_entry entry;
    size_t all;
    char longest[ROSTER_IDENTITY_MAX + 50];
    memset(longest, 'x', sizeof longest);
    roster_init(&roster);
    roster_join(&roster, &seat, &origin);
    assert_ptr_equal(origin.seat, &seat);
    counter_add(&seat.frames, 3);
    counter_add(&seat.bytes, 300);
    counter_add(&seat.malformed, 1);
    roster_list(&roster, &entry, 1, &all);
    assert_int_equal(entry.identity_len, 0);
    roster_identify(&roster, &seat, span_str("ns1"));
    roster_list(&roster, &entry, 1, &all);
    assert_int_equal(entry.origin.input, 7);
    assert_int_equal(entry.frames, 3);
    assert_int_equal(entry.bytes, 300);
    assert_int_equal(entry.malformed, 1);
    assert_true(span_equal(span_of(entry.identity, entry.identity_len), span_str("ns1")));
    roster_identify(&roster, &seat, span_of(longest, sizeof longest));
    roster_list(&roster, &entry, 1, &all);
    assert_int_equal(entry.identity_len, ROSTER_IDENTITY_MAX);
    roster_leave(&roster, &seat);
    roster_destroy(&roster);
}

/* What is known of an identity, and who else uses it: hosts, not their ports, and no files. */
static void identities_that_are_shared(void **state)
{
    (void)state;
    struct roster roster;
    struct roster_seat seats[4] = {0};
    struct origin origins[4] = {{.peer = "192.0.2.1:1", .host_len = 9},
                                {.peer = "192.0.2.1:2", .host_len = 9},
                                {.peer = "a file"},
                                {.peer = "192.0.2.2:1", .host_len = 9}};
    struct roster_entry entries[4];
    size_t all;
    roster_init(&roster);
    for (int i = 0; i < 4; i++)
        roster_join(&roster, &seats[i], &origins[i]);
    assert_false(seats[0].identified);
    for (int i = 0; i < 3; i++)
        roster_identify(&roster, &seats[i], (struct span){0});
    roster_list(&roster, entries, 4, &all);
    assert_true(entries[0].identified && entries[0].identity_len == 0 && !entries[3].identified);
    assert_true(span_equal(roster_host(&entries[0].origin), span_str("192.0.2.1")));
    assert_null(roster_host(&entries[2].origin).ptr);
    assert_int_equal(roster.shared_count, 0);
    roster_identify(&roster, &seats[3], span_str(""));
    assert_int_equal(roster.shared_count, 1);
    roster_leave(&roster, &seats[3]);
    roster_join(&roster, &seats[3], &origins[3]);
    roster_identify(&roster, &seats[3], span_str("")); /* again: that is known */
    assert_int_equal(roster.shared_count, 1);
    for (int i = 0; i < 4; i++)
        roster_leave(&roster, &seats[i]);
    roster_destroy(&roster);
}

/* --- threads -------------------------------------------------------------------------------- */

struct naming {
    struct roster *roster;
    struct roster_seat *seat;
};

static void *name_once(void *arg)
{
    struct naming *naming = arg;
    roster_identify(naming->roster, naming->seat, span_str("ns1"));
    return NULL;
}

/* A server that sends one frame and no more is known by its name, though somebody was reading the
 * list just then. */
static void a_name_is_noted_beside_a_reader(void **state)
{
    (void)state;
    struct roster roster;
    struct roster_seat seat = {0};
    struct origin origin = {.peer = "a"};
    struct roster_entry entry;
    struct naming naming = {&roster, &seat};
    pthread_t thread;
    size_t all;
    roster_init(&roster);
    roster_join(&roster, &seat, &origin);
    pthread_mutex_lock(&roster.lock);
    assert_int_equal(pthread_create(&thread, NULL, name_once, &naming), 0);
    struct timespec soon = clock_timespec(clock_wall_ns() + 20 * CLOCK_MS_NS);
    bool gave_up = pthread_timedjoin_np(thread, NULL, &soon) == 0;
    pthread_mutex_unlock(&roster.lock);
    if (!gave_up)
        pthread_join(thread, NULL);
    assert_int_equal(roster_list(&roster, &entry, 1, &all), 1);
    assert_true(entry.identified);
    assert_memory_equal(entry.identity, "ns1", 3);
    roster_leave(&roster, &seat);
    roster_destroy(&roster);
}

enum { JOININGS = 2000 };

static struct roster shared;

/* A worker: joins, counts, tells its identity, leaves. */
static void *come_and_go(void *arg)
{
    (void)arg;
    struct roster_seat seat = {0};
    struct origin origin = {0};
    for (unsigned i = 0; i < JOININGS; i++) {
        char identity[16];
        roster_join(&shared, &seat, &origin);
        snprintf(identity, sizeof identity, "id%u", origin.id);
        counter_add(&seat.frames, origin.id);
        roster_identify(&shared, &seat, span_str(identity));
        roster_leave(&shared, &seat);
    }
    return NULL;
}

static void listing_beside_workers(void **state)
{
    (void)state;
    unsigned threads = chunks_threads();
    pthread_t workers[16];
    struct roster_entry entries[16];
    size_t all;
    roster_init(&shared);
    for (unsigned i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, come_and_go, NULL), 0);
    for (int round = 0; round < 2000; round++) {
        size_t count = roster_list(&shared, entries, 16, &all);
        assert_true(count <= threads && all == count);
        for (size_t i = 0; i < count; i++) {
            char identity[16];
            snprintf(identity, sizeof identity, "id%u", entries[i].origin.id);
            assert_true(i == 0 || entries[i].origin.id > entries[i - 1].origin.id);
            assert_true(entries[i].frames == 0 || entries[i].frames == entries[i].origin.id);
            assert_true(entries[i].identity_len == 0 ||
                        span_equal(span_of(entries[i].identity, entries[i].identity_len),
                                   span_str(identity)));
        }
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(workers[i], NULL);
    assert_int_equal(shared.last_id, threads * JOININGS);
    assert_int_equal(roster_list(&shared, entries, 16, &all), 0);
    roster_destroy(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_in_order_of_joining),
        cmocka_unit_test(who_can_is_dismissed),
        cmocka_unit_test(ids_are_never_used_twice),
        cmocka_unit_test(shows_what_was_counted),
        cmocka_unit_test(identities_that_are_shared),
        cmocka_unit_test(a_name_is_noted_beside_a_reader),
        cmocka_unit_test(listing_beside_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
