/* Watches: what is counted of a name or a client, within the bounds that rows tell, and beside
 * workers that never wait. The clock is the tests' own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/chunks.h"
#include "../support/frame.h"
#include "../support/random.h"
#include "../support/share.h"
#include "api/watch.h"
#include "base/clock.h"

static atomic_ullong time_ns = 1000 * CLOCK_SECOND_NS;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = clock_timespec(atomic_load(&time_ns));
    return 0;
}

static void pass_s(unsigned seconds)
{
    atomic_fetch_add(&time_ns, seconds * CLOCK_SECOND_NS);
}

/* --- helpers -------------------------------------------------------------------------------- */

enum { EVENT_NAMES = 5000 };

/* One client asks for the n-th name below `watched.test.`, as a worker sees it. */
static void ask_name(const struct observer *o, unsigned worker, unsigned n, unsigned client)
{
    static const struct origin origin = {.id = 1};
    static const struct siphash_key key = {{1, 2}};
    uint8_t message[64] = {0, 1, 1, 0, 0, 1}, address[4] = {198, 51, 100, (uint8_t)client};
    char name[32];
    struct event ev;
    struct buf frame = {0};
    snprintf(name, sizeof name, "n%u.watched.test.", n);
    size_t len = dns_name_parse(span_str(name), message + 12);
    message[12 + len + 1] = message[12 + len + 3] = 1;
    struct dnstap query = frame_query();
    query.query_message = span_of(message, 12 + len + 4);
    query.query_address = span_of(address, sizeof address);
    dnstap_encode(&query, &frame);
    event_init(&ev, buf_span(&frame), &origin);
    ev.key = &key;
    event_need(&ev, o->needs);
    if (o->active(o->state))
        o->event(o->state, worker, &ev);
    buf_free(&frame);
}

static const struct watch_subject under = {.name = BYTES("\7watched\4test\0"),
                                           .side = STATS_CLIENT};

static const struct account here;

static struct watch_report *look(struct watches *watches, const struct watch_subject *subject)
{
    struct error err;
    struct watch_report *report = malloc(sizeof *report);
    assert_non_null(report);
    assert_int_equal(watch_read(watches, &here, subject, EVENT_NAMES, report, &err), 0);
    return report;
}

static void forget(struct watch_report *report)
{
    watch_report_free(report);
    free(report);
}

static uint64_t queries(struct watches *watches, const struct watch_subject *subject)
{
    struct watch_report *report = look(watches, subject);
    uint64_t events = report->counters.direction[STATS_QUERY].events;
    forget(report);
    return events;
}

/* --- tests ---------------------------------------------------------------------------------- */

/* While nobody asks nothing is done, and what is asked for again after that begins anew. */
static void ends_when_nobody_asks(void **state)
{
    (void)state;
    struct watches *watches = watches_new(2, NULL);
    struct observer o = watches_observer(watches, false);
    assert_false(o.active(o.state));
    ask_name(&o, 0, 1, 1);
    assert_int_equal(queries(watches, &under), 0);
    for (unsigned i = 0; i < 5; i++) {
        ask_name(&o, i % 2, i, 1);
        pass_s(WATCH_IDLE_S - 1);
        assert_true(o.active(o.state));
        struct watch_report *report = look(watches, &under);
        assert_int_equal(report->counters.direction[STATS_QUERY].events, i + 1);
        assert_int_equal(report->to_ms - report->from_ms, (i + 1) * (WATCH_IDLE_S - 1) * 1000);
        forget(report);
    }
    pass_s(WATCH_IDLE_S);
    assert_false(o.active(o.state));
    assert_int_equal(queries(watches, &under), 0);
    watches_free(watches);
}

/* The asker asks about the n-th DNS client. True when it has a place, and *seen is what was counted
 * of that since its watch began. */
static bool asks(struct watches *watches, uint64_t asker, unsigned n, uint64_t *seen)
{
    const struct account account = {.words = {asker}, .kind = ACCOUNT_IPV4};
    const uint8_t address[4] = {198, 51, 100, (uint8_t)n};
    const struct watch_subject subject = {.client = span_of(address, sizeof address)};
    struct watch_report *report = malloc(sizeof *report);
    struct error err = {0};
    assert_non_null(report);
    bool place = watch_read(watches, &account, &subject, 1, report, &err) == 0;
    if (place) {
        *seen = report->counters.direction[STATS_QUERY].events;
        watch_report_free(report);
    } else {
        assert_string_equal(err.text,
                            "8 names and clients are being looked at by others: ask again later");
    }
    free(report);
    return place;
}

/* It is watched, and has been since it was asked for first. Each is asked about once before, and
 * sends one event then. */
static void assert_kept(struct watches *watches, uint64_t asker, unsigned n)
{
    uint64_t seen = 0;
    assert_true(asks(watches, asker, n, &seen));
    assert_int_equal(seen, 1);
}

/* It had no place, and gets one. */
static void assert_new(struct watches *watches, uint64_t asker, unsigned n)
{
    uint64_t seen = 1;
    struct observer o = watches_observer(watches, false);
    assert_true(asks(watches, asker, n, &seen));
    assert_int_equal(seen, 0);
    ask_name(&o, 0, 1, n);
    pass_s(1);
}

/* One who asks for more than there are places gives up what it has not asked for longest, and all
 * else goes on. */
static void one_gives_up_its_own(void **state)
{
    (void)state;
    struct watches *watches = watches_new(1, NULL);
    for (unsigned n = 0; n < WATCHES; n++)
        assert_new(watches, 1, n);
    assert_kept(watches, 1, 0);
    assert_new(watches, 1, 100);
    for (unsigned n = 0; n < WATCHES; n++) {
        if (n != 1)
            assert_kept(watches, 1, n);
    }
    assert_new(watches, 1, 1);
    watches_free(watches);
}

/* Whatever one asks for, and however often, another has a place, and keeps it; those who ask for
 * much have as much as each other. */
static void one_leaves_room_for_others(void **state)
{
    (void)state;
    struct watches *watches = watches_new(1, NULL);
    uint64_t seen;
    for (unsigned n = 0; n < WATCHES; n++)
        assert_new(watches, 1, n);
    assert_new(watches, 2, 100);
    for (unsigned n = 0; n < 3 * WATCHES; n++) {
        assert_true(asks(watches, 1, n, &seen));
        assert_kept(watches, 2, 100);
    }
    for (unsigned n = 101; n < 110; n++)
        assert_new(watches, 2, n);
    for (unsigned n = 106; n < 110; n++)
        assert_kept(watches, 2, n);
    assert_new(watches, 3, 200);
    for (unsigned n = 2 * WATCHES + 5; n < 3 * WATCHES; n++)
        assert_true(asks(watches, 1, n, &seen));
    assert_kept(watches, 3, 200);
    watches_free(watches);
}

/* What two ask for is one watch, of both: the one cannot take it from the other, who may have no
 * more than that. */
static void shared_watches_stay(void **state)
{
    (void)state;
    struct watches *watches = watches_new(1, NULL);
    assert_new(watches, 1, 0);
    assert_kept(watches, 2, 0);
    for (unsigned n = 1; n < 3 * WATCHES; n++)
        assert_new(watches, 1, n);
    assert_kept(watches, 2, 0);
    assert_new(watches, 2, 100);
    assert_kept(watches, 2, 0);
    watches_free(watches);
}

/* Where as many others as there are places ask for one each, another waits until one does no more.
 */
static void places_are_few(void **state)
{
    (void)state;
    struct watches *watches = watches_new(1, NULL);
    uint64_t seen;
    for (unsigned n = 0; n < WATCHES; n++)
        assert_new(watches, 1 + n, n);
    pass_s(WATCH_YIELDS_S - WATCHES - 1);
    assert_false(asks(watches, 100, 100, &seen));
    assert_kept(watches, 1, 0);
    pass_s(1);
    for (unsigned n = 2; n < WATCHES; n++)
        assert_kept(watches, 1 + n, n);
    pass_s(1);
    assert_new(watches, 100, 100);
    for (unsigned n = 0; n < WATCHES; n++) {
        if (n != 1)
            assert_kept(watches, 1 + n, n);
    }
    /* The second had to go, and finds no place now. */
    assert_false(asks(watches, 2, 1, &seen));
    watches_free(watches);
}

/* Far more names than there is room for, on two workers: rows and floor promise what is true. */
static void bounds_are_true(void **state)
{
    (void)state;
    const unsigned events = (unsigned)share_of(60000);
    struct random random = {20261130};
    struct watches *watches = watches_new(2, NULL);
    struct observer o = watches_observer(watches, false);
    uint64_t *truth = calloc(EVENT_NAMES, sizeof *truth);
    assert_int_equal(queries(watches, &under), 0);
    for (unsigned i = 0; i < events; i++) {
        unsigned n = (unsigned)random_below(&random, 1 + random_below(&random, EVENT_NAMES));
        truth[n]++;
        ask_name(&o, i % 3 == 0, n, n % 7);
    }
    struct watch_report *report = look(watches, &under);
    const struct stats_answer *names = &report->lists[WATCH_NAMES];
    assert_int_equal(report->counters.direction[STATS_QUERY].events, events);
    assert_int_equal(report->unseen, 0);
    assert_false(names->keys_exact);
    assert_in_range(names->count, 100, EVENT_NAMES - 1);
    for (size_t i = 0; i < names->count; i++) {
        const struct stats_top *row = &names->rows[i];
        unsigned n = (unsigned)strtoul(row->text + 1, NULL, 10);
        assert_true(row->value <= truth[n] && truth[n] <= row->value + row->error);
        assert_true(i == 0 || row->value <= names->rows[i - 1].value);
        truth[n] = 0;
    }
    for (size_t n = 0; n < EVENT_NAMES; n++)
        assert_true(truth[n] <= names->floor);
    const struct stats_answer *clients = &report->lists[WATCH_ENDS];
    assert_true(clients->keys_exact && clients->count == 7 && clients->floor == 0);
    forget(report);
    free(truth);
    watches_free(watches);
}

struct crew {
    struct observer observer;
    atomic_uint next, left;
};

static unsigned events_a_worker(void)
{
    return (unsigned)share_of(20000);
}

static void *work(void *arg)
{
    struct crew *crew = arg;
    unsigned worker = atomic_fetch_add(&crew->next, 1);
    for (unsigned i = 0; i < events_a_worker(); i++)
        ask_name(&crew->observer, worker, i % 3000, worker);
    atomic_fetch_sub(&crew->left, 1);
    return NULL;
}

/* Whatever is read beside them, each event is counted or was not looked at. */
static void workers_beside_readers(void **state)
{
    (void)state;
    unsigned threads = chunks_threads();
    struct watches *watches = watches_new(threads, NULL);
    struct crew crew = {.observer = watches_observer(watches, false), .left = threads};
    pthread_t workers[16];
    assert_int_equal(queries(watches, &under), 0);
    for (unsigned i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, work, &crew), 0);
    const struct watch_subject other = {.client = BYTES("\xc6\x33\x64\x00")};
    while (atomic_load(&crew.left) > 0) {
        queries(watches, &under);
        queries(watches, &other);
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(workers[i], NULL);
    struct watch_report *report = look(watches, &under);
    uint64_t seen = report->counters.direction[STATS_QUERY].events;
    assert_int_equal(seen + report->unseen, threads * events_a_worker());
    assert_true(seen > 0);
    forget(report);
    watches_free(watches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_when_nobody_asks),
        cmocka_unit_test(one_gives_up_its_own),
        cmocka_unit_test(one_leaves_room_for_others),
        cmocka_unit_test(shared_watches_stay),
        cmocka_unit_test(places_are_few),
        cmocka_unit_test(bounds_are_true),
        cmocka_unit_test(workers_beside_readers),
    };
    return cmocka_run_group_tests_name("api_watch", tests, NULL, NULL);
}
