/* core/change: what stays when a configuration follows another, what begins and ends, what is
 * counted, and that an error changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "../support/changing.h"
#include "core/stages.h"
#include "failmalloc.h"

/* --- what becomes of outputs ---------------------------------------------------------------- */

static void what_stays_goes_on(void **state)
{
    (void)state;
    struct bench b;
    start(&b, HEAD "- writing: {number: 0}\n- counting: {number: 1}\n");
    bring(&b, 100);
    reload(&b, HEAD "- writing: {number: 2, name: new}\n- writing: {number: 0}\n");
    assert_int_equal(holes[1].closed, 1);
    assert_int_equal(holes[0].opened, 1);
    assert_int_equal(holes[0].closed, 0);
    assert_int_equal(seeds[0].opened, 1);
    assert_int_equal(seeds[0].stopped, 0);
    bring(&b, 10);
    assert_int_equal(received_by(&b, "writing", false), 110);
    assert_int_equal(received_by(&b, "new", false), 10);
    assert_int_equal(received_by(&b, "counting", true), 100);
    assert_int_equal(atomic_load(&holes[1].calls), 100);
    end(&b);
    assert_int_equal(holes[0].records, 110);
    assert_int_equal(holes[2].records, 10);
    assert_true(holes[2].begun);
}

/* One of the same name counts on where the other has ended, also one that comes back. */
static void names_keep_their_ledgers(void **state)
{
    (void)state;
    struct bench b;
    start(&b, HEAD "- writing: {number: 0}\n");
    for (unsigned i = 0; i < 6; i++) {
        bring(&b, 10);
        assert_int_equal(received_by(&b, "writing", i % 3 == 2), i < 2   ? 10 * (i + 1)
                                                                 : i < 5 ? 20 + 10 * (i - 2)
                                                                         : 40);
        reload(&b, i % 3 == 0   ? HEAD "- writing: {number: 1}\n"
                   : i % 3 == 1 ? HEAD "- counting: {number: 2}\n"
                                : HEAD "- writing: {number: 0}\n");
    }
    end(&b);
    assert_int_equal(holes[0].records + holes[1].records, 40);
    assert_int_equal(atomic_load(&holes[2].calls), 20);
}

/* A few of the names are at work at a time, each with an event. */
static void names_that_are_too_many_are_others(void **state)
{
    (void)state;
    enum { TURN = 100, NAMES = BYGONES_MAX + 2 * TURN };
    struct bench b;
    struct engine_output view;
    struct buf text = {0};
    uint64_t sum = 0;
    start(&b, HEAD "- counting: {name: first}\n");
    for (unsigned i = 0; i < NAMES; i++) {
        buf_printf(&text, "%s- counting: {name: n%u}\n", i % TURN ? "" : HEAD, i);
        if (i % TURN < TURN - 1)
            continue;
        buf_put(&text, "", 1);
        reload(&b, (const char *)text.data);
        bring(&b, 1);
        text.len = 0;
    }
    for (size_t i = 0; engine_output(b.engine, i, &view); i++) {
        bool others = strcmp(view.name, BYGONES_OTHERS) == 0;
        uint64_t received = counter_get(&view.ledger.received);
        assert_int_equal(view.gone, i >= TURN);
        assert_string_equal(view.module, others ? BYGONES_OTHERS : "counting");
        assert_int_equal(received, others ? TURN + 1 : strcmp(view.name, "first") != 0);
        sum += received;
    }
    assert_int_equal(sum, NAMES);
    buf_free(&text);
    end(&b);
}

/* --- and of inputs -------------------------------------------------------------------------- */

static void inputs_come_and_go(void **state)
{
    (void)state;
    struct bench b;
    struct engine_input view;
    start(&b, HEAD "- counting: {number: 0}\n");
    reload(
        &b,
        "threads: 2\ninputs: [listens, {listens: {name: b}}]\noutputs:\n- counting: {number: 0}\n");
    assert_int_equal(seeds[1].opened, 1);
    assert_int_equal(seeds[0].stopped, 0);
    bring_by(&b, &seeds[0].input->counters, 5);
    reload(&b, "threads: 2\ninputs: [{listens: {name: b}}]\noutputs:\n- counting: {number: 0}\n");
    assert_int_equal(seeds[0].stopped, 1);
    assert_int_equal(seeds[1].stopped, 0);
    assert_true(engine_input(b.engine, 0, &view));
    assert_string_equal(view.name, "b");
    assert_false(engine_input(b.engine, 1, &view));
    reload(&b, HEAD "- counting: {number: 0}\n"); /* what went before is forgotten now */
    assert_int_equal(seeds[0].closed, 1);
    assert_true(engine_input(b.engine, 0, &view));
    assert_string_equal(view.name, "listens");
    assert_int_equal(counter_get(&view.counters.frames), 5);
    end(&b);
    assert_int_equal(seeds[1].closed, 1);
    assert_int_equal(seeds[2].closed, 1);
}

/* What has been in its way may be gone by now. */
static void an_input_that_could_not_be_had_is_tried_again(void **state)
{
    static const char text[] =
        "threads: 2\ninputs: [{listens: {name: b}}]\noutputs:\n- counting: {number: 0}\n";
    struct bench b;
    struct engine_input view;
    (void)state;
    start(&b, HEAD "- counting: {number: 0}\n");
    seeds[1].absent = true;
    reload(&b, text);
    reload(&b, text);
    assert_int_equal(seeds[1].stopped, 1);
    assert_int_equal(seeds[2].opened, 1);
    reload(&b, text);
    assert_int_equal(seeds[2].stopped, 0);
    assert_int_equal(seeds[3].opened, 0);
    assert_true(engine_input(b.engine, 0, &view));
    assert_false(engine_input(b.engine, 1, &view));
    end(&b);
}

/* How many stages of that name there are, and the last of them. */
static unsigned stage_called(struct bench *b, const char *name, struct stage_view *view)
{
    struct stage_view at;
    unsigned found = 0;
    for (size_t i = 0; engine_stage(b->engine, i, &at); i++) {
        if (strcmp(at.name, name) != 0)
            continue;
        *view = at;
        found++;
    }
    return found;
}

#define SIEVED(every)                                                                              \
    "threads: 1\ninputs: [listens]\nstages:\n- sieve: {every: " every "}\noutputs:\n- counting\n"

/* Not even while a worker still has the one from before. */
static void a_stage_that_changes_goes_on_counting(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    struct stage_view view;
    start(&b, SIEVED("2"));
    bring(&b, 10);
    struct hold *hold = hold_worker(engine_pick_worker(b.engine));
    struct config *config = config_of(SIEVED("3"));
    b.changed = false;
    assert_int_equal(engine_reload(b.engine, config, &nobody, &err), 0);
    config_release(config);
    assert_int_equal(stage_called(&b, "sieve", &view), 1);
    assert_int_equal(view.passed, 5);
    assert_int_equal(view.dropped, 5);
    hold_release(hold);
    finish(&b);
    bring(&b, 9);
    assert_int_equal(stage_called(&b, "sieve", &view), 1);
    assert_int_equal(view.passed, 5 + 6);
    assert_int_equal(view.dropped, 5 + 3);
    end(&b);
}

#define PLACED(number)                                                                             \
    "threads: 2\ninputs: [listens]\nstages:\n- sieve: {every: 2}\noutputs:\n- counting: "          \
    "{number: " number ", place: there}\n"

/* One that waits for another's place has no part in what comes meanwhile: nor in what is dropped.
 */
static void what_has_to_wait_gets_nothing(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    struct engine_output view;
    start(&b, PLACED("0"));
    struct hold *hold = hold_worker(engine_pick_worker(b.engine));
    struct config *config = config_of(PLACED("1"));
    b.changed = false;
    assert_int_equal(engine_reload(b.engine, config, &nobody, &err), 0);
    config_release(config);
    bring(&b, 10); /* by the other worker, which has the plan already */
    assert_int_equal(holes[1].opened, 0);
    hold_release(hold);
    finish(&b);
    assert_int_equal(holes[0].closed, 1);
    assert_int_equal(holes[1].opened, 1);
    bring(&b, 4);
    assert_true(engine_output(b.engine, 0, &view));
    assert_int_equal(counter_get(&view.ledger.received), 4);
    assert_int_equal(counter_get(&view.ledger.filtered), 2);
    assert_int_equal(counter_get(&view.ledger.delivered), 2);
    end(&b);
}

/* --- errors --------------------------------------------------------------------------------- */

static const char before_text[] = HEAD "- writing: {number: 0}\n- counting: {number: 1}\n";
static const char after_text[] =
    "threads: 2\ninputs: [{listens: {name: b}}]\n"
    "outputs:\n- writing: {number: 2, name: c}\n- counting: {number: 3, name: d}\n";

static void assert_as_before(struct bench *b, uint64_t received)
{
    struct engine_input view;
    assert_int_equal(received_by(b, "writing", false), received);
    assert_int_equal(received_by(b, "counting", false), received);
    assert_int_equal(holes[0].closed + holes[1].closed, 0);
    assert_int_equal(seeds[0].stopped, 0);
    assert_true(engine_input(b->engine, 0, &view));
    assert_string_equal(view.name, "listens");
    assert_false(engine_input(b->engine, 1, &view));
}

static void an_error_changes_nothing(void **state)
{
    (void)state;
    struct bench b;
    start(&b, before_text);
    bring(&b, 3);
    holes[3].fails = true;
    refuse(&b, after_text, "no hole");
    assert_as_before(&b, 3);
    assert_int_equal(holes[2].opened, holes[2].closed);
    holes[3].fails = false;
    seeds[1].fails = true;
    refuse(&b, after_text, "no luck");
    assert_as_before(&b, 3);
    assert_int_equal(holes[3].opened, holes[3].closed);
    bring(&b, 3);
    assert_as_before(&b, 6);
    reload(&b, after_text);
    bring(&b, 3);
    assert_int_equal(received_by(&b, "c", false), 3);
    end(&b);
    assert_int_equal(holes[2].opened, holes[2].closed);
}

/* What is to be opened only when another has gone is asked before that whether it could be. */
static void what_can_never_be_opened_is_refused(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    static const enum module_verdict bad[] = {MODULE_REFUSES, MODULE_LACKS};
    start(&b, PLACED("0"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct config *config = config_of(PLACED("1"));
        holes[1].probed = bad[i];
        assert_int_equal(engine_reload(b.engine, config, &nobody, &err), -1);
        assert_string_equal(err.text, "counting: no ground");
        assert_string_equal(err.file, "f");
        assert_int_equal(err.line, 6);
        assert_int_equal(err.column, 22);
        config_release(config);
        assert_int_equal(holes[0].closed, 0);
        ends_probed = bad[i];
        refuse(&b, "threads: 2\ninputs: [listens, ends]\noutputs: [counting: {number: 2}]\n",
               "no end");
    }
    holes[1].probed = MODULE_BUSY; /* by the one that is to go */
    reload(&b, PLACED("1"));
    assert_int_equal(holes[0].closed, 1);
    assert_int_equal(holes[1].opened, 1);
    end(&b);
}

/* --- what is said --------------------------------------------------------------------------- */

/* Standard error, while it is listened to. */
struct ear {
    int saved, file;
    char text[4096];
};

static void listen_in(struct ear *ear)
{
    ear->saved = dup(STDERR_FILENO);
    ear->file = memfd_create("ear", MFD_CLOEXEC);
    dup2(ear->file, STDERR_FILENO);
    log_set_level(LOG_INFO);
}

/* What has been said since it was asked last. */
static const char *heard(struct ear *ear)
{
    ssize_t len = pread(ear->file, ear->text, sizeof ear->text - 1, 0);
    ear->text[len > 0 ? len : 0] = '\0';
    assert_int_equal(ftruncate(ear->file, 0), 0);
    lseek(ear->file, 0, SEEK_SET);
    return ear->text;
}

static void listen_no_more(struct ear *ear)
{
    log_set_level(LOG_ERROR);
    dup2(ear->saved, STDERR_FILENO);
    close(ear->saved);
    close(ear->file);
}

static bool is_open(struct bench *b, size_t i)
{
    struct engine_output view;
    assert_true(engine_output(b->engine, i, &view));
    return view.open;
}

#define BOTH(one, other)                                                                           \
    HEAD "- counting: {number: " one ", place: here}\n- counting: {number: " other                 \
         ", place: there}\n"

/* Each once for each reason, and when it works at last. */
static void what_fails_late_is_told_for_itself(void **state)
{
    (void)state;
    struct bench b;
    struct ear ear;
    start(&b, BOTH("0", "1"));
    holes[2].fails = holes[3].fails = true;
    listen_in(&ear);
    reload(&b, BOTH("2", "3"));
    assert_string_equal(heard(&ear), "spile: error: counting: no hole; trying again\n"
                                     "spile: error: counting#2: no hole; trying again\n");
    engine_open_late(b.engine);
    assert_string_equal(heard(&ear), "");
    holes[3].why = "no spade";
    engine_open_late(b.engine);
    assert_string_equal(heard(&ear), "spile: error: counting#2: no spade; trying again\n");
    assert_false(is_open(&b, 0));
    holes[2].fails = false;
    engine_open_late(b.engine);
    assert_true(is_open(&b, 0));
    assert_false(is_open(&b, 1));
    assert_string_equal(heard(&ear), "spile: counting: opened, now that it can be\n");
    holes[3].fails = false;
    while (holes[3].opened == 0) /* by itself */
        uv_run(engine_loop(b.engine), UV_RUN_ONCE);
    assert_string_equal(heard(&ear), "spile: counting#2: opened, now that it can be\n");
    engine_open_late(b.engine);
    assert_int_equal(holes[2].opened + holes[3].opened, 2);
    listen_no_more(&ear);
    end(&b);
}

/* Whatever memory is not to be had. */
static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    unsigned n;
    bool failed = true;
    start(&b, before_text);
    for (n = 1; failed; n++) {
        struct config *config = config_of(after_text);
        bring(&b, 1);
        b.changed = false;
        failmalloc_start(n);
        int status = engine_reload(b.engine, config, &nobody, &err);
        failed = failmalloc_stop();
        config_release(config);
        assert_int_equal(status, failed ? -1 : 0);
        if (failed)
            assert_as_before(&b, n);
        else
            finish(&b);
        assert_int_equal(holes[2].opened - holes[2].closed, !failed);
    }
    assert_true(n > 15);
    assert_int_equal(received_by(&b, "writing", true), n - 1);
    end(&b);
}

/* One at a time, and none when all ends. */
static void changes_do_not_overlap(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    start(&b, before_text);
    struct config *config = config_of(after_text);
    assert_int_equal(engine_reload(b.engine, config, &nobody, &err), 0);
    refuse(&b, before_text, "under way");
    finish(&b);
    engine_stop(b.engine);
    refuse(&b, before_text, "about to end");
    config_release(config);
    end(&b);
}

/* --- inputs that end ------------------------------------------------------------------------ */

/* They end before all else is done, and however often the same one is listed. */
static void inputs_that_end_do_not_end_the_others(void **state)
{
    (void)state;
    struct bench b;
    start(&b, HEAD "- counting: {number: 0}\n");
    reload(&b, "threads: 2\ninputs:\n- listens\n- ends\n- ends\noutputs:\n- counting\n");
    assert_int_equal(seeds[1].opened, 1);
    assert_int_equal(seeds[2].opened, 1);
    engine_input_ended(b.engine, false);
    engine_input_ended(b.engine, false);
    assert_false(engine_draining(b.engine));
    reload(&b, "threads: 2\ninputs:\n- ends: {name: last}\noutputs:\n- counting\n");
    assert_false(engine_draining(b.engine));
    engine_input_ended(b.engine, false);
    assert_true(engine_draining(b.engine));
    end(&b);
}

/* Where a reload is refused they have not begun. */
static void what_is_refused_is_not_read(void **state)
{
    (void)state;
    struct bench b;
    start(&b, HEAD "- counting: {number: 0}\n");
    seeds[1].fails = true;
    refuse(&b, "threads: 2\ninputs: [ends, {listens: {name: b}}]\noutputs:\n- counting\n",
           "no luck");
    assert_int_equal(seeds[1].opened, 1); /* of those two, b */
    assert_int_equal(seeds[2].opened, 0);
    end(&b);
}

/* It has then ended, and so has all when it was the last. */
static void an_input_that_ends_and_cannot_be_read_has_ended(void **state)
{
    (void)state;
    struct bench b;
    struct ear ear;
    start(&b, HEAD "- counting: {number: 0}\n");
    seeds[1].fails = seeds[2].fails = true;
    listen_in(&ear);
    reload(&b, "threads: 2\ninputs: [listens, ends]\noutputs:\n- counting\n");
    assert_string_equal(heard(&ear), "spile: error: ends: no luck; going on without it\n");
    engine_open_late(b.engine);
    assert_string_equal(heard(&ear), "");
    assert_int_equal(seeds[1].opened, 1);
    assert_false(engine_draining(b.engine));
    reload(&b, "threads: 2\ninputs: [ends: {name: last}]\noutputs:\n- counting\n");
    assert_true(engine_draining(b.engine));
    listen_no_more(&ear);
    assert_int_equal(engine_run(b.engine), ENGINE_FAILED);
    engine_free(b.engine);
}

/* --- observers ------------------------------------------------------------------------------ */

struct watcher {
    atomic_uint events, collected;
};

static void watch(void *state, unsigned worker, struct event *ev)
{
    (void)worker, (void)ev;
    atomic_fetch_add(&((struct watcher *)state)->events, 1);
}

static void collect(void *state, unsigned worker)
{
    (void)worker;
    atomic_fetch_add(&((struct watcher *)state)->collected, 1);
}

static struct observer observer_of(struct watcher *watcher)
{
    return (struct observer){.state = watcher, .event = watch, .collect = collect};
}

static void assert_seen(const struct watcher *watcher, unsigned events, unsigned collected)
{
    assert_int_equal(atomic_load(&watcher->events), events);
    assert_int_equal(atomic_load(&watcher->collected), collected);
}

/* Each sees what comes while a plan has it; each worker has it collect when it goes. */
static void observers_come_and_go(void **state)
{
    static const char text[] = HEAD "- counting: {number: 0}\n";
    struct watcher first = {0}, second = {0};
    struct observer list[] = {observer_of(&first), observer_of(&second)};
    struct bench b;
    (void)state;
    start(&b, text);
    bring(&b, 10);
    reload_for(&b, text, &(struct engine_observers){.list = list, .count = 1});
    bring(&b, 100);
    assert_seen(&first, 100, 0);
    list[0].early = true; /* it is the same one */
    reload_for(&b, text, &(struct engine_observers){.list = list, .count = 2});
    bring(&b, 100);
    assert_seen(&first, 200, 0);
    assert_seen(&second, 100, 0);
    reload_for(&b, text, &(struct engine_observers){.list = list + 1, .count = 1});
    list[1] = (struct observer){0}; /* plans have copies */
    bring(&b, 100);
    assert_seen(&first, 200, 2);
    reload(&b, text);
    bring(&b, 100);
    assert_seen(&second, 200, 2);
    end(&b);
    assert_seen(&first, 200, 2);
    assert_seen(&second, 200, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stays_goes_on),
        cmocka_unit_test(names_keep_their_ledgers),
        cmocka_unit_test(names_that_are_too_many_are_others),
        cmocka_unit_test(inputs_come_and_go),
        cmocka_unit_test(an_input_that_could_not_be_had_is_tried_again),
        cmocka_unit_test(a_stage_that_changes_goes_on_counting),
        cmocka_unit_test(what_has_to_wait_gets_nothing),
        cmocka_unit_test(an_error_changes_nothing),
        cmocka_unit_test(what_can_never_be_opened_is_refused),
        cmocka_unit_test(what_fails_late_is_told_for_itself),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(changes_do_not_overlap),
        cmocka_unit_test(inputs_that_end_do_not_end_the_others),
        cmocka_unit_test(what_is_refused_is_not_read),
        cmocka_unit_test(observers_come_and_go),
        cmocka_unit_test(an_input_that_ends_and_cannot_be_read_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
