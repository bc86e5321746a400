/* Stage `latency`: what exchanges say of others, and questions to others that have no answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/latency_stage.h"

#define MS (SECOND / 1000)
#define AT(ms) (100 * SECOND + (ms)*MS)

/* What the stage says of the event. */
static unsigned context(void *stage, struct event ev)
{
    static const struct origin connection = {.id = 1};
    ev.origin = &connection;
    hooks()->event(stage, 0, &ev);
    return ev.context;
}

/* A message of another exchange; each has its own. */
static struct event fresh(enum dnstap_message_type type, int64_t ns)
{
    static unsigned number;
    return numbered(message(type, ns), number++);
}

static unsigned ask(void *stage, int64_t ns)
{
    return context(stage, fresh(DNSTAP_RESOLVER_QUERY, ns));
}

static unsigned get_answer(void *stage, int64_t ns)
{
    return context(stage, fresh(DNSTAP_RESOLVER_RESPONSE, ns));
}

/* A client's response that says when it was asked, with a change. */
static unsigned respond_with(void *stage, int64_t asked_ns, int64_t ns,
                             void (*change)(struct event *ev))
{
    struct event ev = fresh(DNSTAP_CLIENT_RESPONSE, ns);
    ev.tap.has |= DNSTAP_HAS_QUERY_SEC;
    ev.tap.query_sec = (uint64_t)(asked_ns / SECOND);
    ev.tap.query_nsec = (uint32_t)(asked_ns % SECOND);
    if (change)
        change(&ev);
    return context(stage, ev);
}

static unsigned respond(void *stage, int64_t asked_ns, int64_t ns)
{
    return respond_with(stage, asked_ns, ns, NULL);
}

static const uint8_t another_name[] = "\7another\3com";
static void rename_it(struct event *ev)
{
    ev->question.name = (struct dns_name){another_name, sizeof another_name};
}
static void retype(struct event *ev)
{
    ev->question.type = 28;
}
static void move_it(struct event *ev)
{
    ev->tap.identity = span_str("resolver-2");
}

static struct event changed(struct event ev, void (*change)(struct event *ev))
{
    change(&ev);
    return ev;
}

/* --- answers from the cache ----------------------------------------------------------------- */

static void nobody_knows_of_who_asks_nobody(void **state)
{
    (void)state;
    void *stage = open_stage(1024, 1);
    context(stage, fresh(DNSTAP_CLIENT_QUERY, AT(0)));
    assert_int_equal(respond(stage, AT(0), AT(5)), 0);
    ask(stage, AT(10)); /* now it is known that this is logged */
    assert_int_equal(respond_with(stage, AT(20), AT(21), rename_it), CONTEXT_CACHED);
    context(stage, changed(fresh(DNSTAP_CLIENT_QUERY, AT(20)), move_it));
    assert_int_equal(respond_with(stage, AT(20), AT(21), move_it), 0);
    /* Not how long the client has waited. */
    assert_int_equal(context(stage, fresh(DNSTAP_CLIENT_RESPONSE, AT(22))), 0);
    hooks()->close(stage);
}

static void an_answer_is_fetched_or_cached(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int asked, answered; /* upstream; -1: never */
        int query, response; /* the client's */
        unsigned context;
    } cases[] = {
        {"asked for it", 10, 20, 9, 21, CONTEXT_FETCHED},
        {"at the same tick of a clock", 10, 20, 10, 20, CONTEXT_FETCHED},
        {"it waited for what another had asked for", 10, 20, 15, 21, CONTEXT_FETCHED},
        {"answered before the client asked", 10, 20, 20, 21, CONTEXT_CACHED},
        {"long since", 10, 20, 5000, 5001, CONTEXT_CACHED},
        {"asked for when the client had its answer", 10, 20, 5, 9, CONTEXT_CACHED},
        {"no answer came, and the client got none", 10, -1, 9, 5000, CONTEXT_FETCHED},
        {"no answer will come any more", 10, -1, 10011, 10012, CONTEXT_CACHED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *stage = open_stage(1024, 1);
        context(stage, fresh(DNSTAP_CLIENT_QUERY, AT(0)));
        ask(stage, AT(cases[i].asked));
        if (cases[i].answered >= 0)
            get_answer(stage, AT(cases[i].answered));
        assert_int_equal(respond_with(stage, AT(10), AT(20), rename_it), CONTEXT_CACHED);
        assert_int_equal(respond_with(stage, AT(10), AT(20), retype), CONTEXT_CACHED);
        if (respond(stage, AT(cases[i].query), AT(cases[i].response)) != cases[i].context)
            fail_msg("%s", cases[i].what);
        hooks()->close(stage);
    }
}

/* The question itself need not be logged. */
static void an_answer_alone_tells_when_it_was_asked_for(void **state)
{
    (void)state;
    void *stage = open_stage(1024, 1);
    struct event ev = fresh(DNSTAP_RESOLVER_RESPONSE, AT(20));
    ev.tap.has |= DNSTAP_HAS_QUERY_SEC;
    ev.tap.query_sec = 100;
    ev.tap.query_nsec = 10 * MS;
    context(stage, fresh(DNSTAP_CLIENT_QUERY, AT(0)));
    context(stage, ev);
    assert_int_equal(respond(stage, AT(5), AT(21)), CONTEXT_FETCHED);
    assert_int_equal(respond(stage, AT(22), AT(23)), CONTEXT_CACHED);
    assert_int_equal(respond(stage, AT(1), AT(9)), CONTEXT_CACHED);
    hooks()->close(stage);
}

/* --- asked again ---------------------------------------------------------------------------- */

static void a_question_is_asked_again_until_it_is_answered(void **state)
{
    (void)state;
    void *stage = open_stage(1024, 1);
    assert_int_equal(ask(stage, AT(0)), 0);
    assert_int_equal(context(stage, changed(fresh(DNSTAP_RESOLVER_QUERY, AT(1)), rename_it)), 0);
    assert_int_equal(context(stage, changed(fresh(DNSTAP_RESOLVER_QUERY, AT(1)), retype)), 0);
    assert_int_equal(context(stage, changed(fresh(DNSTAP_RESOLVER_QUERY, AT(1)), move_it)), 0);
    assert_int_equal(ask(stage, AT(400)), CONTEXT_AGAIN);
    struct event other = fresh(DNSTAP_FORWARDER_QUERY, AT(800));
    other.response_address = span_of(client, 4);
    assert_int_equal(context(stage, other), CONTEXT_AGAIN);
    get_answer(stage, AT(900));
    assert_int_equal(ask(stage, AT(1000)), 0);
    assert_int_equal(ask(stage, AT(1000) + WINDOW), CONTEXT_AGAIN);
    assert_int_equal(ask(stage, AT(1001) + 2 * WINDOW), 0);
    /* What clients ask again is another matter. */
    assert_int_equal(context(stage, fresh(DNSTAP_CLIENT_QUERY, AT(1))), 0);
    assert_int_equal(context(stage, fresh(DNSTAP_CLIENT_QUERY, AT(2))), 0);
    hooks()->close(stage);
}

/* --- truncated answers ---------------------------------------------------------------------- */

static struct event truncated(enum dnstap_message_type type, int64_t ns)
{
    struct event ev = fresh(type, ns);
    ev.header.flags = DNS_FLAG_QR | DNS_FLAG_TC;
    return ev;
}

static struct event by_tcp(enum dnstap_message_type type, int64_t ns)
{
    struct event ev = fresh(type, ns);
    ev.tap.protocol = DNSTAP_TCP;
    return ev;
}

static void other_client(struct event *ev)
{
    ev->query_address = span_of(server, 4);
}
static void other_server(struct event *ev)
{
    ev->response_address = span_of(client, 4);
}

static void a_query_by_tcp_follows_a_truncated_answer(void **state)
{
    (void)state;
    for (int upstream = 0; upstream < 2; upstream++) {
        enum dnstap_message_type asks = upstream ? DNSTAP_RESOLVER_QUERY : DNSTAP_CLIENT_QUERY,
                                 answers = asks + 1;
        /* Who matters is who asked, or who was asked. */
        void (*other)(struct event * ev) = upstream ? other_server : other_client;
        void (*same)(struct event * ev) = upstream ? other_client : other_server;
        void *stage = open_stage(1024, 1);
        context(stage, fresh(asks, AT(0)));
        assert_int_equal(context(stage, by_tcp(asks, AT(0))) & CONTEXT_TRUNCATED, 0);
        context(stage, truncated(answers, AT(1)));
        unsigned all = 0;
        all |= context(stage, fresh(asks, AT(2))); /* by UDP again */
        all |= context(stage, changed(by_tcp(asks, AT(2)), other));
        all |= context(stage, changed(by_tcp(asks, AT(2)), rename_it));
        all |= context(stage, changed(by_tcp(asks, AT(2)), retype));
        all |= context(stage, changed(by_tcp(asks, AT(2)), move_it));
        all |= context(stage, by_tcp(asks, AT(0))); /* before it */
        assert_int_equal(all & CONTEXT_TRUNCATED, 0);
        struct event follows = changed(by_tcp(asks, AT(3)), same);
        assert_true(context(stage, follows) & CONTEXT_TRUNCATED);
        assert_false(context(stage, by_tcp(asks, AT(4))) & CONTEXT_TRUNCATED); /* it is used up */
        context(stage, truncated(answers, AT(5)));
        assert_false(context(stage, by_tcp(asks, AT(6) + WINDOW)) & CONTEXT_TRUNCATED);
        struct event cut = truncated(answers, AT(7) + WINDOW); /* it cannot be, but is */
        cut.tap.protocol = DNSTAP_TCP;
        context(stage, cut);
        assert_false(context(stage, by_tcp(asks, AT(8) + WINDOW)) & CONTEXT_TRUNCATED);
        hooks()->close(stage);
    }
}

/* --- bounds --------------------------------------------------------------------------------- */

/* Of far more names at once than there is room for, what came last is mostly known, and nothing is
 * said of the others that is not so. */
static void what_is_pushed_out_is_forgotten(void **state)
{
    (void)state;
    enum { NAMES = 100000, LAST = 4096 };
    void *stage = open_stage(65536, 1);
    uint8_t wire[NUMBERED_NAME];
    unsigned known = 0;
    for (unsigned i = 0; i < NAMES; i++)
        assert_int_equal(context(stage, about(fresh(DNSTAP_RESOLVER_QUERY, AT(0) + i), wire, i)),
                         0);
    for (unsigned i = NAMES - LAST; i < NAMES; i++)
        known += context(stage, about(fresh(DNSTAP_RESOLVER_QUERY, AT(1)), wire, i)) != 0;
    assert_in_range(known, LAST - LAST / 6, LAST); /* a tenth is gone, give or take: hashes vary */
    hooks()->close(stage);
}

/* --- time-outs ------------------------------------------------------------------------------ */

static void take_loss(void *ctx, const struct stage_loss *loss)
{
    struct stage_loss *sum = ctx;
    sum->timeouts += loss->timeouts;
    sum->unanswered += loss->unanswered;
    sum->unasked += loss->unasked;
    sum->judged |= loss->judged;
}

static struct stage_loss losses_at_end(void *stage)
{
    struct stage_loss sum = {0};
    hooks()->tick(stage, 0, true);
    hooks()->losses(stage, take_loss, &sum);
    return sum;
}

/* One exchange with others a second, of which some have no answer; from `silent` on none has. Some
 * answers come before their questions. `times`: they carry both. */
static uint64_t exchange_all(void *stage, unsigned count, unsigned silent, bool times)
{
    uint64_t timeouts = 0;
    for (unsigned i = 0; i < count; i++) {
        int64_t ns = (100 + i) * SECOND;
        bool lost = i % 7 == 3 || i >= silent, early = i % 11 == 5;
        struct event asked = numbered(message(DNSTAP_RESOLVER_QUERY, ns), i),
                     answer = numbered(message(DNSTAP_RESOLVER_RESPONSE, ns + MS), i);
        if (times) {
            answer.tap.has |= DNSTAP_HAS_QUERY_SEC;
            answer.tap.query_sec = asked.tap.query_sec;
        }
        timeouts += lost && ns < (100 + (int64_t)count - 1) * SECOND - WINDOW;
        if (!lost && early)
            context(stage, answer);
        context(stage, asked);
        if (!lost && !early)
            context(stage, answer);
    }
    return timeouts;
}

static void questions_without_an_answer_time_out(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        void *stage = open_stage(4096, 1);
        uint64_t timeouts = exchange_all(stage, 1000, i / 2 ? 500 : UINT32_MAX, i % 2);
        struct stage_loss loss = losses_at_end(stage);
        assert_int_equal(loss.timeouts, timeouts);
        assert_int_equal(loss.unanswered + loss.unasked, 0); /* no loss */
        assert_false(loss.judged);
        hooks()->close(stage);
    }
}

/* Who logs no answers tells of no time-outs. */
static void questions_alone_do_not_time_out(void **state)
{
    (void)state;
    void *stage = open_stage(4096, 1);
    exchange_all(stage, 200, 0, false);
    assert_int_equal(losses_at_end(stage).timeouts, 0);
    hooks()->close(stage);
}

/* Who says that it is the year 2200 keeps no place from those who come later. */
static void times_to_come_take_no_places(void **state)
{
    (void)state;
    enum { NAMES = 60000, LATER = 2000 };
    void *stage = open_stage(65536, 1);
    uint8_t wire[NUMBERED_NAME];
    unsigned known = 0;
    for (unsigned i = 0; i < NAMES; i++)
        context(stage,
                about(fresh(DNSTAP_RESOLVER_QUERY, INT64_C(7258118400) * SECOND + i), wire, i));
    for (int64_t round = 0; round < 2; round++) {
        for (unsigned i = NAMES; i < NAMES + LATER; i++)
            known += context(stage, about(fresh(DNSTAP_RESOLVER_QUERY, AT(round)), wire, i)) != 0;
    }
    assert_in_range(known, LATER - LATER / 10, LATER);
    hooks()->close(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_knows_of_who_asks_nobody),
        cmocka_unit_test(an_answer_is_fetched_or_cached),
        cmocka_unit_test(an_answer_alone_tells_when_it_was_asked_for),
        cmocka_unit_test(a_question_is_asked_again_until_it_is_answered),
        cmocka_unit_test(a_query_by_tcp_follows_a_truncated_answer),
        cmocka_unit_test(what_is_pushed_out_is_forgotten),
        cmocka_unit_test(times_to_come_take_no_places),
        cmocka_unit_test(questions_without_an_answer_time_out),
        cmocka_unit_test(questions_alone_do_not_time_out),
    };
    return cmocka_run_group_tests_name("latency_context", tests, NULL, NULL);
}
