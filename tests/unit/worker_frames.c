/* What a worker does with frames: through stages, observers and formats to outputs, in order, and
 * each counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/frame.h"
#include "../support/patience.h"
#include "../support/workers.h"
#include "base/clock.h"
#include "core/roster.h"

/* However many come at once: all, in order, and each once. At the end nothing is left in a chunk.
 */
static void frames_are_through_in_order(void **state)
{
    static const size_t counts[] = {0, 1, 15, 16, 17, 32, 100};
    static struct bench bench;
    struct outlet outlet;
    struct numbers numbers;
    (void)state;
    fill(&numbers);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct gate gate;
        open_outlet(&outlet, &bench, NULL, SINKS_QUEUE);
        struct guest guest = guest_with(&outlet, numbers.frames, counts[i]);
        start(&bench, 1);
        shut(&gate, &bench);
        invite(&bench, 0, &guest);
        worker_stop(&bench.workers[0]); /* before any timer of its loop */
        atomic_store(&gate.shut, false);
        worker_join(&bench.workers[0]);
        assert_true(guest.all);
        assert_int_equal(counter_get(&outlet.counters.frames), counts[i]);
        assert_int_equal(counter_get(&outlet.counters.malformed), 0);
        for (size_t s = 0; s < SINKS; s++) {
            uint32_t records;
            struct ledger sum;
            expect_numbers(sinks_text(&outlet.sinks[s], &records), 0, (unsigned)counts[i]);
            sink_ledger(&outlet.sinks[s], &sum);
            assert_int_equal(counter_get(&sum.received), counts[i]);
            assert_int_equal(ledger_dropped(&sum), 0);
        }
        close_outlet(&outlet, &bench);
    }
}

/* They come out though nothing else wakes the worker. */
static void records_do_not_wait_for_others(void **state)
{
    static struct bench bench;
    struct outlet outlet;
    struct buf text = {0};
    const struct span frames[] = {BYTES_INIT("one"), BYTES_INIT("two")};
    (void)state;
    open_outlet(&outlet, &bench, NULL, SINKS_QUEUE);
    start(&bench, 1);
    for (int i = 0; i < 2; i++) {
        struct guest guest = guest_with(&outlet, frames, 2);
        guest.stays = true;
        guest.leaves_poked = true;
        guest.item.poke = poke;
        invite(&bench, 0, &guest);
        for (size_t s = 0; s < SINKS; s++) {
            text.len = 0;
            assert_int_equal(
                sinks_take(&outlet.sinks[s], (uint64_t)(20 * patience()) * CLOCK_SECOND_NS, &text),
                2);
            assert_memory_equal(text.data, "one\ntwo\n", 8);
        }
        worker_poke(&bench.workers[0]);
        while (load_of(&bench.workers[0]) > 0)
            sched_yield();
    }
    buf_free(&text);
    close_outlet(&outlet, &bench);
}

/* Of a total, whichever workers bring them: so many, and no more; who brings more is told. */
static void no_more_than_the_total(void **state)
{
    static struct bench bench;
    struct outlet outlet;
    struct numbers numbers;
    struct guest guests[SINKS_WORKERS];
    unsigned workers = chunks_threads(), all = 0;
    struct ledger sum;
    (void)state;
    fill(&numbers);
    open_outlet(&outlet, &bench, NULL, SINKS_QUEUE);
    bench.shared.limited = true;
    atomic_store(&bench.shared.left, 100 * (int64_t)workers - 30);
    start(&bench, workers);
    for (unsigned i = 0; i < workers; i++) {
        guests[i] = guest_with(&outlet, numbers.frames, 100);
        invite(&bench, i, &guests[i]);
    }
    join(&bench);
    for (unsigned i = 0; i < workers; i++)
        all += guests[i].all;
    assert_int_equal(all, workers - 1);
    assert_int_equal(counter_get(&outlet.counters.frames), 100 * workers - 30);
    assert_true(atomic_load(&bench.engine.limits) > 0);
    for (size_t i = 0; i < SINKS; i++) {
        uint32_t records;
        sink_ledger(&outlet.sinks[i], &sum);
        sinks_text(&outlet.sinks[i], &records);
        assert_int_equal(records, 100 * workers - 30);
        assert_int_equal(counter_get(&sum.received), 100 * workers - 30);
    }
    close_outlet(&outlet, &bench);
}

/* One call after the other: before the total, just up to it, which ends it, and beyond. */
static void total_is_exact(void **state)
{
    static const struct {
        size_t count;
        bool all;
        unsigned limits;
        uint64_t frames;
    } steps[] = {{60, true, 0, 60}, {40, true, 1, 100}, {1, false, 2, 100}, {50, false, 3, 100}};
    static struct bench bench;
    struct outlet outlet;
    struct numbers numbers;
    (void)state;
    fill(&numbers);
    open_outlet(&outlet, &bench, NULL, SINKS_QUEUE);
    bench.shared.limited = true;
    atomic_store(&bench.shared.left, 100);
    start(&bench, 1);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct guest guest = guest_with(&outlet, numbers.frames, steps[i].count);
        invite(&bench, 0, &guest);
        while (load_of(&bench.workers[0]) > 0)
            sched_yield();
        assert_int_equal(guest.all, steps[i].all);
        assert_int_equal(atomic_load(&bench.engine.limits), steps[i].limits);
        assert_int_equal(counter_get(&outlet.counters.frames), steps[i].frames);
    }
    close_outlet(&outlet, &bench);
}

/* --- counts of several workers -------------------------------------------------------------- */

/* Each counts in its own shard, its lanes do, too. */
static void workers_have_shards_of_their_own(void **state)
{
    static const struct span frames[] = {BYTES_INIT("!2"), BYTES_INIT("!2"), BYTES_INIT("!2")};
    static struct bench bench;
    struct outlet outlet;
    struct guest guests[3];
    (void)state;
    open_outlet(&outlet, &bench, NULL, SINKS_QUEUE);
    start(&bench, 3);
    for (unsigned i = 0; i < 3; i++) {
        guests[i] = guest_with(&outlet, frames, 1 + i);
        invite(&bench, i, &guests[i]);
    }
    join(&bench);
    for (unsigned i = 0; i < 3 * SINKS; i++) {
        const struct ledger *own = &outlet.sinks[i / 3].shards[i % 3].ledger;
        assert_int_equal(counter_get(&own->received), 1 + i % 3);
        assert_int_equal(counter_get(&own->dropped[DROP_SHORT]), 1 + i % 3);
    }
    close_outlet(&outlet, &bench);
}

/* All count what an input has brought, and none of it is lost. */
static void workers_share_an_inputs_counters(void **state)
{
    enum { TIMES = 20000 };
    static struct bench bench;
    const struct span junk = BYTES_INIT("junk");
    struct outlet outlet = {.origin = {.peer = "unix"}};
    struct guest guests[SINKS_WORKERS];
    unsigned workers = chunks_threads();
    (void)state;
    bench.plan.needs = event_closure(FACET_DNSTAP);
    start(&bench, workers);
    for (unsigned i = 0; i < workers; i++) {
        guests[i] = guest_with(&outlet, &junk, 1);
        guests[i].again = TIMES - 1;
        invite(&bench, i, &guests[i]);
    }
    end(&bench);
    assert_int_equal(counter_get(&outlet.counters.frames), workers * TIMES);
    assert_int_equal(counter_get(&outlet.counters.malformed), workers * TIMES);
}

/* --- what is no dnstap ---------------------------------------------------------------------- */

/* A query of a server of that name. */
static struct span dnstap_of(const char *identity, struct buf *frame)
{
    struct dnstap tap = frame_query();
    tap.identity = span_str(identity);
    dnstap_encode(&tap, frame);
    return buf_span(frame);
}

enum { MIXED = 20 };

/* Whoever needs frames decoded: every third is none. */
struct mixed {
    struct buf bytes[MIXED];
    struct span frames[MIXED];
    unsigned bad;
};

static void mix(struct mixed *mixed)
{
    *mixed = (struct mixed){.bad = 0};
    for (unsigned i = 0; i < MIXED; i++) {
        char name[8];
        snprintf(name, sizeof name, "%u", i);
        mixed->frames[i] = i % 3 == 2 ? BYTES("junk") : dnstap_of(name, &mixed->bytes[i]);
        mixed->bad += i % 3 == 2;
    }
}

static void unmix(struct mixed *mixed)
{
    for (unsigned i = 0; i < MIXED; i++)
        buf_free(&mixed->bytes[i]);
}

/* Its input counts it, and the connection; of the outputs those alone that are for any frame. */
static void junk_is_counted_once(void **state)
{
    static struct bench bench;
    struct outlet outlet;
    struct roster_seat seat = {0};
    struct mixed mixed;
    struct ledger sum;
    (void)state;
    mix(&mixed);
    for (int seated = 0; seated < 2; seated++) {
        open_outlet(&outlet, &bench, "identity", SINKS_QUEUE);
        bench.plan.needs = event_closure(FACET_DNSTAP);
        outlet.origin.seat = seated ? &seat : NULL;
        for (size_t i = 0; i < SINKS; i++)
            outlet.sinks[i].events_only = !seated; /* as not with --compat */
        struct guest guest = guest_with(&outlet, mixed.frames, MIXED);
        start(&bench, 1);
        invite(&bench, 0, &guest);
        join(&bench);
        assert_true(guest.all);
        assert_int_equal(counter_get(&outlet.counters.frames), MIXED);
        assert_int_equal(counter_get(&outlet.counters.malformed), mixed.bad);
        assert_int_equal(counter_get(&seat.malformed), seated ? mixed.bad : 0);
        for (size_t i = 0; i < SINKS; i++) {
            uint32_t records;
            const char *text = sinks_text(&outlet.sinks[i], &records);
            assert_int_equal(records, MIXED - mixed.bad);
            assert_memory_equal(text, "0\n1\n3\n4\n6\n", 10);
            sink_ledger(&outlet.sinks[i], &sum);
            assert_int_equal(counter_get(&sum.received), seated ? MIXED : MIXED - mixed.bad);
            assert_int_equal(counter_get(&sum.dropped[DROP_MALFORMED]), seated ? mixed.bad : 0);
            assert_int_equal(ledger_dropped(&sum), seated ? mixed.bad : 0);
        }
        close_outlet(&outlet, &bench);
    }
    unmix(&mixed);
}

/* --- inline outputs ------------------------------------------------------------------------- */

/* How often the hook was called, by worker. */
static atomic_uint calls[SINKS_WORKERS];

/* Every frame that begins with '5' is short. */
static int take_event(struct output *out, unsigned worker, struct event *ev)
{
    (void)out;
    atomic_fetch_add(&calls[worker], 1);
    return ev->frame.ptr[0] == '5' ? (int)DROP_SHORT : FORMAT_WRITTEN;
}

/* Called by the worker that has the event, with what it says counted there; not with what is no
 * event, if they are for those only. */
static void inline_outputs_are_called(void **state)
{
    static const struct output_hooks hooks = {.event = take_event};
    static struct bench bench;
    struct sink sinks[3] = {{.workers = SINKS_WORKERS}, {.workers = SINKS_WORKERS}};
    struct outlet outlet = {.origin = {.peer = "unix"}};
    struct span frames[100];
    struct guest guests[SINKS_WORKERS];
    unsigned workers = chunks_threads();
    (void)state;
    for (int i = 0; i < 100; i++)
        frames[i] = i % 9 ? BYTES("junk") : BYTES("5unk");
    struct sink *list[] = {&sinks[0], &sinks[1], &sinks[2]};
    bench = (struct bench){.plan = {.sinks = list, .sink_count = 3, .inlined = true}};
    for (size_t i = 0; i < 2; i++) {
        sinks[i].out.hooks = &hooks;
        sinks[i].shards = ledger_shards_new(SINKS_WORKERS + 1);
        atomic_store(&sinks[i].ready, true);
    }
    sinks[1].events_only = true;
    sinks_queued(&sinks[2], &(struct format_spec){.module = &format_echo}, WHEN_FULL_BLOCK,
                 SINKS_QUEUE); /* one that is not called */
    bench.plan.needs = event_closure(FACET_DNSTAP);
    start(&bench, workers);
    for (unsigned i = 0; i < workers; i++) {
        guests[i] = guest_with(&outlet, frames, 90 + (i == 1));
        invite(&bench, i, &guests[i]);
    }
    join(&bench);
    for (unsigned i = 0; i < workers; i++) {
        const unsigned brought = 90 + (i == 1), refused = 10 + (i == 1);
        const struct ledger *own = &sinks[0].shards[i].ledger;
        assert_int_equal(atomic_load(&calls[i]), brought);
        assert_int_equal(counter_get(&own->received), brought);
        assert_int_equal(counter_get(&own->delivered), brought - refused);
        assert_int_equal(counter_get(&own->dropped[DROP_SHORT]), refused);
    }
    struct ledger sum;
    sink_ledger(&sinks[1], &sum);
    assert_int_equal(counter_get(&sum.received), 0);
    end(&bench);
    for (size_t i = 0; i < 3; i++)
        sink_free(&sinks[i]);
}

/* --- stages and observers ------------------------------------------------------------------- */

/* What was called in which order, a letter each: on one worker's thread. */
struct diary {
    char text[512];
    size_t len;
    atomic_bool active;
    atomic_uint ticks;
    size_t most; /* events at once */
    bool same_key;
};

static void write_down(struct diary *diary, char what)
{
    if (diary->len + 1 < sizeof diary->text)
        diary->text[diary->len++] = what;
}

static void stage_prefetch(void *state, unsigned worker, struct event *ev)
{
    (void)worker, (void)ev;
    write_down(state, 'p');
}

static void stage_prefetch_more(void *state, const struct event *ev)
{
    (void)ev;
    write_down(state, 'm');
}

static enum stage_verdict stage_event(void *state, unsigned worker, struct event *ev)
{
    (void)worker, (void)ev;
    write_down(state, 's');
    return STAGE_PASS;
}

static void stage_tick(void *state, unsigned worker, bool ended)
{
    struct diary *diary = state;
    (void)worker;
    write_down(diary, ended ? 'E' : 't');
    atomic_fetch_add(&diary->ticks, 1);
}

static enum stage_verdict second_event(void *state, unsigned worker, struct event *ev)
{
    (void)worker, (void)ev;
    write_down(state, '2');
    return STAGE_PASS;
}

static bool is_active(void *state)
{
    return atomic_load(&((struct diary *)state)->active);
}

static void observe_one(void *state, unsigned worker, struct event *ev)
{
    struct diary *diary = state;
    (void)worker;
    write_down(diary, ev->bad & FACET_DNSTAP ? 'j' : 'o');
}

static void observe_some(void *state, unsigned worker, struct event *events, size_t count)
{
    struct diary *diary = state;
    (void)worker, (void)events;
    diary->most = count > diary->most ? count : diary->most;
    for (size_t i = 0; i < count; i++)
        write_down(diary, 'O');
}

static void observe_key(void *state, unsigned worker, struct event *ev)
{
    static const struct siphash_key wanted = {{7, 11}};
    (void)worker;
    ((struct diary *)state)->same_key = memcmp(ev->key, &wanted, sizeof wanted) == 0;
}

static void observer_flush(void *state, unsigned worker)
{
    (void)worker;
    write_down(state, 'f');
}

static void observer_collect(void *state, unsigned worker)
{
    (void)worker;
    write_down(state, 'c');
}

static int output_event(struct output *out, unsigned worker, struct event *ev)
{
    (void)worker, (void)ev;
    write_down(out->state, 'w');
    return FORMAT_WRITTEN;
}

/* A worker with stages, observers and an inline output that all write into one diary. */
struct watched {
    struct bench bench;
    struct diary diary;
    struct sink sink;
    struct sink *list[1];
    struct running_stage stages[2];
    struct stage_counts counts[2][SINKS_WORKERS];
    struct observer observers[3];
    struct outlet outlet; /* nothing of it but who sends */
};

static void watch(struct watched *w)
{
    static const struct output_hooks hooks = {.event = output_event};
    static const struct stage_hooks first = {.prefetch = stage_prefetch,
                                             .prefetch_more = stage_prefetch_more,
                                             .event = stage_event,
                                             .tick = stage_tick};
    static const struct stage_hooks second = {.event = second_event};
    *w = (struct watched){
        .sink = {.workers = SINKS_WORKERS, .out = {.hooks = &hooks, .state = &w->diary}},
        .stages = {{.hooks = &first, .state = &w->diary, .counts = w->counts[0]},
                   {.hooks = &second, .state = &w->diary, .counts = w->counts[1]}},
        .outlet = {.origin = {.peer = "unix"}},
    };
    w->sink.shards = ledger_shards_new(SINKS_WORKERS + 1);
    atomic_store(&w->sink.ready, true);
    w->list[0] = &w->sink;
    w->bench.plan = (struct plan){.sinks = w->list,
                                  .sink_count = 1,
                                  .inlined = true,
                                  .stages.items = w->stages,
                                  .observers = w->observers,
                                  .key = {{7, 11}}};
}

/* Has frames handed over, and waits until they are through. */
static void hand_over(struct watched *w, const struct span *frames, size_t count)
{
    struct guest guest = guest_with(&w->outlet, frames, count);
    invite(&w->bench, 0, &guest);
    while (load_of(&w->bench.workers[0]) > 0)
        sched_yield();
}

static void unwatch(struct watched *w)
{
    end(&w->bench);
    w->sink.out.state = NULL; /* ours */
    sink_free(&w->sink);
}

/* Stages look ahead for all of some events, then one after the other has them; then observers see
 * them, and then outputs. A frame that is no dnstap goes past the stages. */
static void each_step_is_in_order(void **state)
{
    static struct watched w;
    struct buf one = {0}, two = {0};
    (void)state;
    watch(&w);
    w.bench.plan.needs = event_closure(FACET_DNSTAP);
    w.bench.plan.stages.count = 2;
    w.bench.plan.observer_count = 2;
    w.observers[0] = (struct observer){.state = &w.diary, .event = observe_one};
    w.observers[1] =
        (struct observer){.state = &w.diary, .events = observe_some, .flush = observer_flush};
    const struct span frames[] = {dnstap_of("a", &one), BYTES("junk"), dnstap_of("b", &two)};
    start(&w.bench, 1);
    hand_over(&w, frames, 3);
    join(&w.bench);
    /* prefetch_more may be called of the junk, too: it changes nothing */
    const char *rest = w.diary.text + 2 + strspn(w.diary.text + 2, "m");
    assert_memory_equal(w.diary.text, "ppmm", 4);
    assert_string_equal(rest, "ss22ojoOOOwwwfE");
    unwatch(&w);
    buf_free(&one);
    buf_free(&two);
}

/* At most so many at once as they are told. */
static void observers_get_some_at_once(void **state)
{
    static struct watched w;
    struct numbers numbers;
    (void)state;
    fill(&numbers);
    watch(&w);
    w.observers[0] = (struct observer){.state = &w.diary, .events = observe_some};
    w.observers[1] = (struct observer){.state = &w.diary, .event = observe_key};
    w.bench.plan.observer_count = 2;
    start(&w.bench, 1);
    hand_over(&w, numbers.frames, 50);
    join(&w.bench);
    assert_in_range(w.diary.most, 1, OBSERVER_EVENTS);
    assert_int_equal(strspn(w.diary.text, "Ow"), 100); /* all of them, and of the output */
    assert_true(w.diary.same_key);
    unwatch(&w);
}

/* Who is not active neither sees the frames nor the end of them. The others see them all the same.
 */
static void inactive_observers_see_nothing(void **state)
{
    static struct watched w;
    const struct span frame = BYTES_INIT("x");
    (void)state;
    watch(&w);
    w.observers[0] = (struct observer){
        .state = &w.diary, .active = is_active, .event = observe_one, .flush = observer_flush};
    w.observers[1] = (struct observer){.state = &w.diary, .events = observe_some};
    w.bench.plan.observer_count = 2;
    start(&w.bench, 1);
    for (int i = 0; i < 3; i++) {
        atomic_store(&w.diary.active, i == 1);
        hand_over(&w, &frame, 1);
    }
    join(&w.bench);
    assert_string_equal(w.diary.text, "OwoOwfOw"); /* each */
    unwatch(&w);
}

/* When it is asked for, and for the last time at the end, when who came last has gone; then never.
 */
static void collects_when_asked_and_at_the_end(void **state)
{
    static struct watched w;
    const struct span frame = BYTES_INIT("x");
    (void)state;
    watch(&w);
    w.bench.plan.stages.count = 1;
    w.bench.plan.observer_count = 3;
    for (size_t i = 0; i < 3; i++)
        w.observers[i] = (struct observer){.state = &w.diary,
                                           .event = observe_one,
                                           .active = i == 1 ? is_active : NULL,
                                           .collect = i == 2 ? NULL : observer_collect};
    start(&w.bench, 1);
    for (unsigned i = 0; i < 2; i++) {
        worker_collect(&w.bench.workers[0]);
        while (atomic_load(&w.diary.ticks) <= i)
            sched_yield();
    }
    struct guest guest = guest_with(&w.outlet, &frame, 1);
    invite(&w.bench, 0, &guest);
    join(&w.bench);
    worker_collect(&w.bench.workers[0]);
    assert_string_equal(w.diary.text, "tcctccpmsoowEcc");
    unwatch(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_through_in_order),
        cmocka_unit_test(records_do_not_wait_for_others),
        cmocka_unit_test(no_more_than_the_total),
        cmocka_unit_test(total_is_exact),
        cmocka_unit_test(workers_have_shards_of_their_own),
        cmocka_unit_test(workers_share_an_inputs_counters),
        cmocka_unit_test(junk_is_counted_once),
        cmocka_unit_test(inline_outputs_are_called),
        cmocka_unit_test(each_step_is_in_order),
        cmocka_unit_test(observers_get_some_at_once),
        cmocka_unit_test(inactive_observers_see_nothing),
        cmocka_unit_test(collects_when_asked_and_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
