/* A feed: however bytes come, frames come through whole, once and in their order; and what cannot
 * be one ends the stream, with what came before it handed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/engines.h"
#include "in/feed.h"

/* The worker's read buffer is smaller than the longest frame, and larger than a half of it. */
enum { KB = 1024, FRAME_LIMIT = 1024 * KB, ALL = 0 };

/* A feed and what it answers. */
struct line {
    struct feed feed; /* first */
    struct buf replies;
    bool deaf; /* the peer takes no answer */
    struct input_counters counters;
};

static int take_reply(struct feed *feed, struct span bytes)
{
    struct line *line = (struct line *)feed;
    if (line->deaf)
        return -1;
    buf_put(&line->replies, bytes.ptr, bytes.len);
    return 0;
}

static void begin_for(struct line *line, struct worker *worker, const struct accounts *peer)
{
    *line = (struct line){.deaf = false};
    feed_init(&line->feed, worker, &line->counters, peer);
    handover_list(&line->feed.to);
    line->feed.reply = take_reply;
}

static void begin(struct line *line, struct worker *worker)
{
    const struct accounts nobody = {.count = 0};
    begin_for(line, worker, &nobody);
}

static void end(struct line *line)
{
    feed_destroy(&line->feed);
    buf_free(&line->replies);
}

/* What it gives to read into does not reach beyond the worker's buffer, if it is there. */
static void assert_within(const struct line *line, const uint8_t *space, size_t size)
{
    size_t whole;
    const uint8_t *buffer = worker_buffer(line->feed.to.worker, &whole);
    if (space >= buffer && space < buffer + whole)
        assert_true(size <= (size_t)(buffer + whole - space));
}

/* Has the feed read so many bytes at a time; ALL: as many as it has room for. Ends with the first
 * that it says against that; a feed without room for more has no memory. */
static int pass(struct line *line, struct span bytes, size_t piece)
{
    int status = FSTRM_OK;
    while (bytes.len > 0 && status >= 0 && !line->feed.to.enough) {
        size_t size;
        uint8_t *space = feed_space(&line->feed, &size);
        if (!space)
            return FEED_NO_MEMORY;
        assert_true(size > 0);
        assert_within(line, space, size);
        size_t len = bytes.len < size ? bytes.len : size;
        if (piece != ALL && len > piece)
            len = piece;
        memcpy(space, bytes.ptr, len);
        bytes = span_of(bytes.ptr + len, bytes.len - len);
        status = feed_bytes(&line->feed, len);
    }
    return status;
}

static size_t cut_bytes(struct worker *worker)
{
    return atomic_load(&engine_partials(worker_engine(worker))->total);
}

/* What a test is about: run with a worker, and an engine with these limits (0: none) around it. */
struct trial {
    void (*run)(struct worker *worker);
    uint64_t partial_max, total;
};

static void run_trial(struct trial trial)
{
    struct site site;
    site_init(&site);
    site.config.settings.frame_max = FRAME_LIMIT;
    if (trial.partial_max)
        site.config.settings.partial_max = trial.partial_max;
    site.options.total = trial.total;
    site_open(&site);
    struct hold *hold = hold_worker(engine_pick_worker(site.engine));
    trial.run(hold->worker);
    hold_release(hold);
    site_end(&site);
    site_free(&site);
}

/* --- frames --------------------------------------------------------------------------------- */

static void put_some_of_all_sizes(struct buf *frames)
{
    static const size_t extras[] = {0, 1, 300, 2000, 7};
    for (unsigned i = 0; i < 100; i++)
        put_frame(frames, i, extras[i % 5]);
}

static void pass_in_pieces(struct worker *worker)
{
    static const size_t pieces[] = {1, 2, 3, 5, 11, 64, 1000, 4096, 50000, ALL};
    struct buf frames = {0}, stream = {0}, answers = {0};
    put_some_of_all_sizes(&frames);
    put_control(&stream, FSTRM_READY, FSTRM_DNSTAP_TYPE);
    put_start(&stream);
    buf_put(&stream, frames.data, frames.len);
    put_control(&stream, FSTRM_STOP, NULL);
    put_control(&answers, FSTRM_ACCEPT, FSTRM_DNSTAP_TYPE);
    put_control(&answers, FSTRM_FINISH, NULL);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct line line;
        begin(&line, worker);
        assert_true(pass(&line, buf_span(&stream), pieces[i]) >= 0);
        assert_int_equal(feed_end(&line.feed), FSTRM_STOPPED);
        assert_through(buf_span(&frames));
        assert_int_equal(line.feed.to.frames, 100);
        assert_int_equal(counter_get(&line.counters.frames), 100);
        assert_int_equal(counter_get(&line.counters.bytes), stream.len);
        assert_int_equal(line.replies.len, answers.len);
        assert_memory_equal(line.replies.data, answers.data, answers.len);
        end(&line);
    }
    buf_free(&frames);
    buf_free(&stream);
    buf_free(&answers);
}

static void frames_are_whole_however_they_are_cut(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_in_pieces});
}

/* All feeds of a worker read into one buffer. */
static void pass_by_turns(struct worker *worker)
{
    struct buf frames[2] = {{0}, {0}}, stream[2] = {{0}, {0}}, both = {0};
    struct line line[2];
    for (unsigned i = 0; i < 2; i++) {
        begin(&line[i], worker);
        put_frame(&frames[i], i, 100 * KB);
        put_start(&stream[i]);
        buf_put(&stream[i], frames[i].data, frames[i].len);
        buf_put(&both, frames[i].data, frames[i].len);
    }
    for (size_t at = 0; at < stream[0].len; at += 9000) {
        for (unsigned i = 0; i < 2; i++) {
            size_t left = stream[i].len - at;
            struct span some = span_of(stream[i].data + at, left < 9000 ? left : 9000);
            assert_int_equal(pass(&line[i], some, ALL), FSTRM_OK);
        }
    }
    assert_through(buf_span(&both));
    for (unsigned i = 0; i < 2; i++) {
        end(&line[i]);
        buf_free(&frames[i]);
        buf_free(&stream[i]);
    }
    buf_free(&both);
}

static void feeds_of_one_worker_do_not_mix(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_by_turns});
}

static void pass_streams(struct worker *worker)
{
    struct buf frames = {0}, stream = {0};
    struct line line;
    for (unsigned i = 0; i < 3; i++) {
        put_start(&stream);
        put_frame(&stream, i, 0);
        put_frame(&frames, i, 0);
        put_control(&stream, FSTRM_STOP, NULL);
    }
    begin(&line, worker);
    assert_true(pass(&line, buf_span(&stream), ALL) >= 0);
    assert_through(buf_span(&frames));
    assert_int_equal(line.replies.len, 0); /* it was not asked for any */
    end(&line);
    buf_free(&frames);
    buf_free(&stream);
}

static void streams_follow_one_another(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_streams});
}

/* --- large frames --------------------------------------------------------------------------- */

/* A frame of just so many bytes. */
static void put_large(struct buf *out, unsigned number, size_t size)
{
    struct buf probe = {0};
    put_frame(&probe, number, size - 1000);
    size_t missing = size + 4 - probe.len;
    buf_free(&probe);
    put_frame(out, number, size - 1000 + missing);
}

static void pass_large(struct worker *worker)
{
    static const size_t pieces[] = {10000, ALL};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct buf frames = {0}, stream = {0};
        struct line line;
        put_large(&frames, 1, FRAME_LIMIT);
        put_frames(&frames, 2, 3);
        put_large(&frames, 5, 300 * KB);
        put_large(&frames, 6, 130 * KB);
        put_start(&stream);
        buf_put(&stream, frames.data, frames.len);
        begin(&line, worker);
        assert_int_equal(pass(&line, buf_span(&stream), pieces[i]), FSTRM_OK);
        assert_int_equal(feed_end(&line.feed), FSTRM_ERR_NO_STOP);
        assert_through(buf_span(&frames));
        assert_true(cut_bytes(worker) <= 16 * KB); /* no longer what the large ones took */
        end(&line);
        assert_int_equal(cut_bytes(worker), 0);
        buf_free(&frames);
        buf_free(&stream);
    }
}

static void frames_may_be_larger_than_a_read(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_large});
}

/* A peer may claim any length: what that costs goes by what has come. */
static void pass_claims(struct worker *worker)
{
    struct buf stream = {0}, frame = {0};
    struct line line;
    put_start(&stream);
    put_large(&frame, 1, FRAME_LIMIT);
    begin(&line, worker);
    assert_int_equal(pass(&line, buf_span(&stream), ALL), FSTRM_OK);
    for (size_t come = 1000; come < FRAME_LIMIT; come += 20000) {
        size_t before = come > 1000 ? come - 20000 : 0;
        struct span some = span_of(frame.data + before, come - before);
        assert_int_equal(pass(&line, some, ALL), FSTRM_OK);
        assert_true(cut_bytes(worker) >= come);
        assert_true(cut_bytes(worker) <= 3 * come);
    }
    assert_int_equal(feed_end(&line.feed), FSTRM_ERR_TRUNCATED);
    end(&line);
    assert_int_equal(cut_bytes(worker), 0);
    buf_free(&stream);
    buf_free(&frame);
}

static void memory_follows_what_has_come(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_claims});
}

/* --- the budget ----------------------------------------------------------------------------- */

static struct accounts user(uid_t uid)
{
    return accounts_of_process(uid, (pid_t)uid, 1);
}

/* A stream that stops within a frame, `come` bytes of which have come, at once. */
static int pass_cut(struct line *line, size_t come)
{
    struct buf stream = {0};
    put_start(&stream);
    size_t start = stream.len;
    put_large(&stream, 1, FRAME_LIMIT);
    int status = pass(line, span_of(stream.data, start + come), ALL);
    buf_free(&stream);
    return status;
}

static void pass_too_much(struct worker *worker)
{
    struct buf start = {0}, rest = {0};
    struct line greedy, modest;
    const struct accounts peers[] = {user(1), user(2)};
    begin_for(&greedy, worker, &peers[0]);
    begin_for(&modest, worker, &peers[1]);
    put_start(&start);
    put_frame(&rest, 7, 500);
    assert_int_equal(pass(&modest, buf_span(&start), ALL), FSTRM_OK);
    assert_int_equal(pass(&modest, span_of(rest.data, 200), ALL), FSTRM_OK);
    assert_int_equal(pass_cut(&greedy, 200 * KB), FEED_NO_MEMORY);
    assert_int_equal(pass(&modest, span_of(rest.data + 200, rest.len - 200), ALL), FSTRM_OK);
    assert_through(buf_span(&rest));
    end(&greedy);
    end(&modest);
    buf_free(&start);
    buf_free(&rest);
}

static void who_takes_more_than_there_is_has_none(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_too_much, .partial_max = 64 * KB});
}

/* He hears of it with the next read. */
static void pass_until_another_wants_it(struct worker *worker)
{
    struct line first, second;
    const struct accounts peers[] = {user(1), user(2)};
    size_t size;
    begin_for(&first, worker, &peers[0]);
    begin_for(&second, worker, &peers[1]);
    assert_int_equal(pass_cut(&first, 40 * KB), FSTRM_OK);
    assert_non_null(feed_space(&first.feed, &size));
    assert_int_equal(pass_cut(&second, 20 * KB), FSTRM_OK);
    assert_null(feed_space(&first.feed, &size));
    assert_non_null(feed_space(&second.feed, &size));
    end(&first);
    end(&second);
    assert_int_equal(cut_bytes(worker), 0);
}

static void who_has_most_gives_it_up(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_until_another_wants_it, .partial_max = 64 * KB});
}

/* --- ends ----------------------------------------------------------------------------------- */

#define CONTROL_OF(len, type) "\0\0\0\0\0\0" len "\0\0\0" type

static const struct {
    struct span bytes; /* in the middle of a stream, behind some frames */
    int status;
} faults[] = {
    {BYTES_INIT("\x00\x10\x00\x01"), FSTRM_ERR_FRAME_SIZE}, /* one byte more than the limit */
    {BYTES_INIT("\xff\xff\xff\xff"), FSTRM_ERR_FRAME_SIZE},
    {BYTES_INIT("\0\0\0\0\0\0\2\1"), FSTRM_ERR_CONTROL}, /* 513 bytes of one */
    {BYTES_INIT(CONTROL_OF("\0\3", "")), FSTRM_ERR_CONTROL},
    {BYTES_INIT(CONTROL_OF("\0\4", "\4")), FSTRM_ERR_SEQUENCE}, /* READY, START, ACCEPT */
    {BYTES_INIT(CONTROL_OF("\0\4", "\2")), FSTRM_ERR_SEQUENCE},
    {BYTES_INIT(CONTROL_OF("\0\4", "\1")), FSTRM_ERR_SEQUENCE},
    {BYTES_INIT(CONTROL_OF("\0\4", "\3") CONTROL_OF("\0\4", "\3")), FSTRM_ERR_SEQUENCE},
};

static void pass_faults(struct worker *worker)
{
    static const size_t pieces[] = {1, ALL};
    for (size_t i = 0; i < 2 * sizeof faults / sizeof *faults; i++) {
        struct span fault = faults[i / 2].bytes;
        struct buf before = {0}, stream = {0};
        struct line line;
        put_frames(&before, 0, 70);
        put_start(&stream);
        buf_put(&stream, before.data, before.len);
        buf_put(&stream, fault.ptr, fault.len);
        put_frames(&stream, 70, 5);
        begin(&line, worker);
        assert_int_equal(pass(&line, buf_span(&stream), pieces[i % 2]), faults[i / 2].status);
        assert_string_equal(feed_status_text(faults[i / 2].status),
                            fstrm_status_text((enum fstrm_status)faults[i / 2].status));
        assert_through(buf_span(&before));
        end(&line);
        buf_free(&before);
        buf_free(&stream);
    }
}

static void what_is_wrong_ends_the_stream_behind_what_was_right(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_faults});
}

static void pass_to_the_deaf(struct worker *worker)
{
    struct buf stream = {0}, frames = {0};
    struct line line;
    put_control(&stream, FSTRM_READY, FSTRM_DNSTAP_TYPE);
    size_t ready = stream.len;
    put_start(&stream);
    put_frame(&stream, 1, 0);
    put_frame(&frames, 1, 0);
    put_control(&stream, FSTRM_STOP, NULL);
    begin(&line, worker);
    line.deaf = true; /* from the beginning */
    assert_int_equal(pass(&line, buf_span(&stream), ALL), FEED_REPLY_FAILED);
    assert_through((struct span){0});
    end(&line);
    begin(&line, worker);
    assert_true(pass(&line, span_of(stream.data, ready), ALL) >= 0);
    line.deaf = true; /* when it is told FINISH */
    struct span rest = span_of(stream.data + ready, stream.len - ready);
    assert_int_equal(pass(&line, rest, ALL), FEED_REPLY_FAILED);
    assert_through(buf_span(&frames));
    end(&line);
    assert_string_not_equal(feed_status_text(FEED_REPLY_FAILED), feed_status_text(FEED_NO_MEMORY));
    buf_free(&stream);
    buf_free(&frames);
}

static void an_answer_that_is_not_taken_ends_the_stream(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_to_the_deaf});
}

static void pass_more_than_is_wanted(struct worker *worker)
{
    struct buf stream = {0}, wanted = {0};
    struct line line;
    put_start(&stream);
    put_frames(&stream, 0, 200);
    put_frames(&wanted, 0, 100);
    begin(&line, worker);
    assert_true(pass(&line, buf_span(&stream), ALL) >= 0);
    assert_true(line.feed.to.enough);
    assert_through(buf_span(&wanted));
    assert_int_equal(counter_get(&line.counters.frames), 100);
    end(&line);
    buf_free(&stream);
    buf_free(&wanted);
}

static void no_more_is_handed_over_than_is_wanted(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_more_than_is_wanted, .total = 100});
}

static void expect_end(struct line *line, struct span bytes, enum fstrm_status status)
{
    assert_true(pass(line, bytes, ALL) >= 0);
    assert_int_equal(feed_end(&line->feed), status);
}

static void pass_to_ends(struct worker *worker)
{
    struct buf ready = {0}, start = {0}, frame = {0}, stop = {0};
    struct line line;
    put_control(&ready, FSTRM_READY, FSTRM_DNSTAP_TYPE);
    put_start(&start);
    put_frame(&frame, 1, 0);
    put_control(&stop, FSTRM_STOP, NULL);
    begin(&line, worker);
    expect_end(&line, (struct span){0}, FSTRM_ERR_NO_START);
    expect_end(&line, span_of(ready.data, 5), FSTRM_ERR_TRUNCATED);
    expect_end(&line, span_of(ready.data + 5, ready.len - 5), FSTRM_ERR_NO_START);
    expect_end(&line, buf_span(&start), FSTRM_ERR_NO_STOP);
    expect_end(&line, span_of(frame.data, 3), FSTRM_ERR_TRUNCATED);
    expect_end(&line, span_of(frame.data + 3, frame.len - 4), FSTRM_ERR_TRUNCATED);
    expect_end(&line, span_of(frame.data + frame.len - 1, 1), FSTRM_ERR_NO_STOP);
    expect_end(&line, span_of(stop.data, 11), FSTRM_ERR_TRUNCATED);
    expect_end(&line, span_of(stop.data + 11, 1), FSTRM_STOPPED);
    end(&line);
    buf_free(&ready);
    buf_free(&start);
    buf_free(&frame);
    buf_free(&stop);
}

static void an_end_means_what_came_before_it(void **state)
{
    (void)state;
    run_trial((struct trial){.run = pass_to_ends});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_whole_however_they_are_cut),
        cmocka_unit_test(feeds_of_one_worker_do_not_mix),
        cmocka_unit_test(streams_follow_one_another),
        cmocka_unit_test(frames_may_be_larger_than_a_read),
        cmocka_unit_test(memory_follows_what_has_come),
        cmocka_unit_test(who_takes_more_than_there_is_has_none),
        cmocka_unit_test(who_has_most_gives_it_up),
        cmocka_unit_test(what_is_wrong_ends_the_stream_behind_what_was_right),
        cmocka_unit_test(an_answer_that_is_not_taken_ends_the_stream),
        cmocka_unit_test(no_more_is_handed_over_than_is_wanted),
        cmocka_unit_test(an_end_means_what_came_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
