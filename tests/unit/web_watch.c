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
#include "base/clock.h"
#include "http/watch.h"

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

static struct watch_report *look(struct watches *watches, const struct watch_subject *subject)
{
    struct error err;
    struct watch_report *report = malloc(sizeof *report);
    assert_non_null(report);
    assert_int_equal(watch_read(watches, subject, EVENT_NAMES, report, &err), 0);
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
    struct observer o = watches_observer(watches);
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

/* When all places are taken, the one that was not asked for longest makes room; none does that is
 * asked for. */
static void places_are_few(void **state)
{
    (void)state;
    struct watches *watches = watches_new(1, NULL);
    struct observer o = watches_observer(watches);
    struct watch_subject clients[WATCHES + 1];
    uint8_t addresses[WATCHES + 1][4];
    struct watch_report *report = malloc(sizeof *report);
    struct error err;
    for (int i = 0; i <= WATCHES; i++) {
        memcpy(addresses[i], (uint8_t[]){198, 51, 100, (uint8_t)i}, 4);
        clients[i] = (struct watch_subject){.client = span_of(addresses[i], 4)};
    }
    for (int i = 0; i < WATCHES; i++) {
        assert_int_equal(queries(watches, &clients[i]), 0);
        ask_name(&o, 0, 1, (unsigned)i);
    }
    pass_s(WATCH_YIELDS_S - 1);
    assert_int_equal(watch_read(watches, &clients[WATCHES], 1, report, &err), -1);
    assert_string_equal(err.text, "8 names and clients are being looked at already");
    assert_int_equal(queries(watches, &clients[0]), 1);
    pass_s(1);
    assert_int_equal(queries(watches, &clients[WATCHES]), 0);
    for (int i = 0; i < WATCHES; i++) {
        if (i != 1)
            assert_int_equal(queries(watches, &clients[i]), 1);
    }
    /* The second had to go, and finds no place now. */
    assert_int_equal(watch_read(watches, &clients[1], 1, report, &err), -1);
    free(report);
    watches_free(watches);
}

/* Far more names than there is room for, on two workers: rows and floor promise what is true. */
static void bounds_are_true(void **state)
{
    (void)state;
    const unsigned events = (unsigned)share_of(60000);
    struct random random = {20261130};
    struct watches *watches = watches_new(2, NULL);
    struct observer o = watches_observer(watches);
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
    struct crew crew = {.observer = watches_observer(watches), .left = threads};
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
        cmocka_unit_test(places_are_few),
        cmocka_unit_test(bounds_are_true),
        cmocka_unit_test(workers_beside_readers),
    };
    return cmocka_run_group_tests_name("web_watch", tests, NULL, NULL);
}
