/* A connection: whatever a peer sends, leaves out or does, its whole frames come through, it ends
 * in time, what it was is counted, and its place is free again. Peers are sockets of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/engines.h"
#include "base/clock.h"
#include "in/connection.h"

enum { PLACES = 4, SOON_MS = 30, HOUR_MS = 3600 * 1000, KB = 1024 };

/* A listener without a socket: connections come from the test. */
struct bench {
    struct site site;
    struct gate gate;
    struct input_counters counters;
    struct connection_rules rules;
};

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void bench_init(struct bench *b)
{
    site_init(&b->site);
    b->gate = (struct gate){0};
    b->counters = (struct input_counters){0};
    b->rules = (struct connection_rules){
        .listener = "test",
        .handshake_timeout_ns = HOUR_MS * CLOCK_MS_NS,
        .counters = &b->counters,
        .gate = &b->gate,
    };
}

static void bench_open(struct bench *b)
{
    struct error err;
    const struct places_limits limits = {.all = PLACES, .peer = PLACES};
    site_open(&b->site);
    assert_int_equal(gate_init(&b->gate, &limits, &err), 0);
}

static void bench_new(struct bench *b)
{
    bench_init(b);
    bench_open(b);
}

/* How connections ended that did not just leave. */
struct ends {
    uint64_t errors, cuts;
    enum input_cut cut; /* the reason of all that were cut */
};

/* All places can be taken once more. */
static void assert_places_free(struct bench *b)
{
    struct worker *worker = engine_pick_worker(b->site.engine);
    for (uint8_t i = 0; i < PLACES; i++) {
        uint8_t address[16] = {0x20, 1, 0x0d, 0xb9, i};
        struct peer peer = peer_of_address(address, 1);
        struct newcomer newcomer = {.peer = &peer.accounts, .worker = worker, .now_ms = now_ms()};
        struct place *place;
        assert_int_equal(places_take(&b->gate.places, &newcomer, &place), PLACES_TAKEN);
    }
}

/* The engine has ended: what was counted is that, and nothing of any connection is left. */
static void bench_free(struct bench *b, struct ends wanted)
{
    size_t seats;
    assert_int_equal(counter_get(&b->counters.errors), wanted.errors);
    assert_int_equal(counter_sum(b->counters.cut, INPUT_CUTS), wanted.cuts);
    assert_int_equal(counter_get(&b->counters.cut[wanted.cut]), wanted.cuts);
    assert_int_equal(counter_get(&b->counters.silent), 0);
    assert_int_equal(atomic_load(&engine_partials(b->site.engine)->total), 0);
    roster_list(engine_roster(b->site.engine), NULL, 0, &seats);
    assert_int_equal(seats, 0);
    assert_places_free(b);
    gate_free(&b->gate);
    site_free(&b->site);
}

static void bench_end(struct bench *b, struct ends wanted)
{
    site_end(&b->site);
    bench_free(b, wanted);
}

/* --- peers ---------------------------------------------------------------------------------- */

/* Who has sent what `first` says, and then connects; served after `delay_ms`. Returns his socket.
 */
static int connect_late(struct bench *b, uint8_t who, uint64_t delay_ms, struct span first)
{
    int pair[2];
    const uint8_t address[16] = {0x20, 1, 0x0d, 0xb8, who};
    struct peer peer = peer_of_address(address, 5300);
    struct connection_ticket ticket = {.peer = &peer, .input = 7};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    if (first.len > 0)
        assert_int_equal(write(pair[1], first.ptr, first.len), first.len);
    ticket.fd = pair[0];
    struct worker *worker = engine_pick_worker(b->site.engine);
    assert_int_equal(gate_admit(&b->gate, &peer.accounts, worker, &ticket.place, &ticket.delay_ms),
                     -1);
    ticket.delay_ms = delay_ms;
    assert_int_equal(connection_start(&b->rules, worker, &ticket), 0);
    return pair[1];
}

static int connect_with(struct bench *b, struct span first)
{
    return connect_late(b, 1, 0, first);
}

static void send_span(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes = span_of(bytes.ptr + sent, bytes.len - (size_t)sent);
    }
}

static void send_buf(int fd, struct buf *bytes)
{
    send_span(fd, buf_span(bytes));
    buf_free(bytes);
}

/* Reads just these bytes. */
static void expect_bytes(int fd, struct buf *wanted)
{
    uint8_t got[600];
    size_t len = 0;
    while (len < wanted->len) {
        ssize_t n = read(fd, got + len, wanted->len - len);
        assert_true(n > 0);
        len += (size_t)n;
    }
    assert_memory_equal(got, wanted->data, len);
    buf_free(wanted);
}

static void expect_control(int fd, uint32_t type, const char *content_type)
{
    struct buf wanted = {0};
    put_control(&wanted, type, content_type);
    expect_bytes(fd, &wanted);
}

/* Waits until the other end is closed, and has sent nothing. What it left unread resets. */
static void expect_closed(int fd)
{
    uint8_t byte;
    ssize_t got = read(fd, &byte, 1);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
    close(fd);
}

static void send_control(int fd, uint32_t type, const char *content_type)
{
    struct buf bytes = {0};
    put_control(&bytes, type, content_type);
    send_buf(fd, &bytes);
}

static void send_frames(int fd, unsigned first, unsigned count)
{
    struct buf bytes = {0};
    put_frames(&bytes, first, count);
    send_buf(fd, &bytes);
}

/* A peer whose stream has begun, with so many frames, which have come through. */
static int stream_of(struct bench *b, uint8_t who, unsigned frames)
{
    struct buf first = {0};
    size_t before = count_through();
    put_start(&first);
    put_frames(&first, 0, frames);
    int fd = connect_late(b, who, 0, buf_span(&first));
    buf_free(&first);
    await_through(before + frames);
    return fd;
}

/* A frame that is no dnstap. */
static void put_garbage(struct buf *out)
{
    assert_int_equal(fstrm_data_encode(span_str("\xff\xff no dnstap"), out), 0);
}

/* A peer whose stream has begun and been heard, with nothing of use in it. */
static int useless_stream_of(struct bench *b, uint8_t who)
{
    uint64_t before = counter_get(&b->counters.malformed);
    struct buf first = {0};
    put_start(&first);
    put_garbage(&first);
    int fd = connect_late(b, who, 0, buf_span(&first));
    buf_free(&first);
    while (counter_get(&b->counters.malformed) == before)
        sched_yield();
    return fd;
}

static void assert_numbers(unsigned first, unsigned count)
{
    struct buf frames = {0};
    put_frames(&frames, first, count);
    assert_through(buf_span(&frames));
    buf_free(&frames);
}

/* --- handshakes ----------------------------------------------------------------------------- */

static void both_ways(void **state)
{
    struct bench b;
    (void)state;
    bench_new(&b);
    int fd = connect_with(&b, (struct span){0});
    for (unsigned i = 0; i < 2; i++) { /* a second stream may follow */
        send_control(fd, FSTRM_READY, FSTRM_DNSTAP_TYPE);
        expect_control(fd, FSTRM_ACCEPT, FSTRM_DNSTAP_TYPE);
        send_control(fd, FSTRM_START, FSTRM_DNSTAP_TYPE);
        send_frames(fd, i * 100, 100);
        send_control(fd, FSTRM_STOP, NULL);
        expect_control(fd, FSTRM_FINISH, NULL);
        assert_numbers(i * 100, 100); /* FINISH says that all has been taken */
    }
    shutdown(fd, SHUT_WR);
    expect_closed(fd);
    assert_int_equal(counter_get(&b.counters.frames), 200);
    bench_end(&b, (struct ends){0});
}

static void one_way(void **state)
{
    struct bench b;
    (void)state;
    bench_new(&b);
    int fd = stream_of(&b, 1, 100);
    send_control(fd, FSTRM_STOP, NULL);
    shutdown(fd, SHUT_WR);
    expect_closed(fd);
    assert_numbers(0, 100);
    bench_end(&b, (struct ends){0});
}

/* Servers leave without STOP; and some do not wait for what is answered. */
static void who_has_left_is_heard(void **state)
{
    struct bench b;
    struct buf sent = {0};
    (void)state;
    bench_new(&b);
    put_control(&sent, FSTRM_READY, FSTRM_DNSTAP_TYPE);
    put_start(&sent);
    put_frames(&sent, 0, 50);
    struct hold *hold = hold_worker(engine_pick_worker(b.site.engine));
    close(connect_with(&b, buf_span(&sent)));
    hold_release(hold);
    await_through(50);
    assert_numbers(0, 50);
    put_control(&sent, FSTRM_STOP, NULL); /* its answer is not taken, either */
    hold = hold_worker(engine_pick_worker(b.site.engine));
    close(connect_with(&b, buf_span(&sent)));
    hold_release(hold);
    await_through(50);
    buf_free(&sent);
    forget_through();
    uint8_t byte;
    int fd = connect_with(&b, (struct span){0});
    send_control(fd, FSTRM_READY, FSTRM_DNSTAP_TYPE);
    assert_int_equal(recv(fd, &byte, 1, MSG_PEEK), 1); /* it is answered, and does not read that */
    send_control(fd, FSTRM_START, FSTRM_DNSTAP_TYPE);
    send_frames(fd, 0, 50);
    close(fd);
    await_through(50);
    bench_end(&b, (struct ends){0});
}

/* --- frames --------------------------------------------------------------------------------- */

static void a_frame_may_come_in_parts(void **state)
{
    struct bench b;
    struct buf frame = {0};
    (void)state;
    bench_new(&b);
    put_frame(&frame, 1, 20000);
    int slow = stream_of(&b, 1, 1), quick = stream_of(&b, 2, 1);
    forget_through();
    for (size_t at = 0, next, i = 0; at < frame.len; at = next, i++) {
        next = at + 2000 < frame.len ? at + 2000 : frame.len;
        send_span(slow, span_of(frame.data + at, next - at));
        if (next == frame.len)
            break;
        send_frames(quick, 0, 200); /* through the same buffer */
        await_through(200);
        assert_numbers(0, 200);
    }
    await_through(1);
    assert_through(buf_span(&frame));
    close(slow);
    close(quick);
    buf_free(&frame);
    bench_end(&b, (struct ends){0});
}

static void half_a_frame_is_an_error(void **state)
{
    struct bench b;
    struct buf frame = {0};
    (void)state;
    bench_new(&b);
    put_frame(&frame, 1, 300);
    for (size_t half = 1; half < frame.len; half += 100) {
        int fd = stream_of(&b, 1, 3);
        send_span(fd, span_of(frame.data, half));
        shutdown(fd, SHUT_WR);
        expect_closed(fd);
        assert_numbers(0, 3);
    }
    uint64_t ends = (frame.len + 98) / 100;
    buf_free(&frame);
    bench_end(&b, (struct ends){.errors = ends});
}

/* What is out of order closes the connection that sent it, and no other. What stands before it
 * counts, and nothing behind it. */
static void bad_control_frames_close(void **state)
{
    static const struct span bad[] = {
        BYTES_INIT("\0\0\0\0\0\0\0\4\0\0\0\4"), /* READY, START, ACCEPT in the middle */
        BYTES_INIT("\0\0\0\0\0\0\0\4\0\0\0\2"), BYTES_INIT("\0\0\0\0\0\0\0\4\0\0\0\1"),
        BYTES_INIT("\0\0\0\0\0\0\2\1"),       /* longer than a control frame may be */
        BYTES_INIT("\0\0\0\0\0\0\0\3\0\0\0"), /* without a type */
    };
    struct bench b;
    (void)state;
    bench_new(&b);
    int good = stream_of(&b, 2, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf bytes = {0};
        int fd = stream_of(&b, 1, 5);
        forget_through();
        put_frames(&bytes, 0, 5);
        buf_put(&bytes, bad[i].ptr, bad[i].len);
        put_frames(&bytes, 5, 5);
        send_buf(fd, &bytes);
        expect_closed(fd);
        assert_numbers(0, 5);
    }
    send_frames(good, 0, 10);
    await_through(10);
    close(good);
    bench_end(&b, (struct ends){.errors = sizeof bad / sizeof *bad});
}

static void another_type_is_not_accepted(void **state)
{
    struct bench b;
    (void)state;
    bench_new(&b);
    int fd = connect_with(&b, (struct span){0});
    send_control(fd, FSTRM_READY, "protobuf:other.Other");
    expect_closed(fd);
    fd = connect_with(&b, (struct span){0});
    send_control(fd, FSTRM_START, "protobuf:other.Other");
    expect_closed(fd);
    fd = connect_with(&b, span_str("GET / HTTP/1.1\r\n\r\n"));
    expect_closed(fd);
    bench_end(&b, (struct ends){.errors = 3});
}

/* FINISH, which a server has no reason to say, ends the stream as STOP does, and is not answered.
 */
static void finish_ends_a_stream(void **state)
{
    struct bench b;
    struct buf bytes = {0};
    (void)state;
    bench_new(&b);
    int fd = connect_with(&b, (struct span){0});
    send_control(fd, FSTRM_READY, FSTRM_DNSTAP_TYPE);
    expect_control(fd, FSTRM_ACCEPT, FSTRM_DNSTAP_TYPE);
    put_start(&bytes);
    put_frames(&bytes, 0, 3);
    put_control(&bytes, FSTRM_FINISH, NULL);
    put_frames(&bytes, 3, 3);
    send_buf(fd, &bytes);
    expect_closed(fd); /* for the frames behind it */
    assert_numbers(0, 3);
    bench_end(&b, (struct ends){.errors = 1});
}

static void what_is_no_dnstap_is_counted_and_passed_over(void **state)
{
    struct bench b;
    struct buf bytes = {0};
    (void)state;
    bench_new(&b);
    put_start(&bytes);
    put_garbage(&bytes);
    put_frames(&bytes, 0, 3);
    int fd = connect_with(&b, buf_span(&bytes));
    buf_free(&bytes);
    await_through(3);
    assert_numbers(0, 3);
    assert_int_equal(counter_get(&b.counters.malformed), 1);
    close(fd);
    bench_end(&b, (struct ends){0});
}

/* --- limits of time ------------------------------------------------------------------------- */

/* Of two that are as old it is the one that says nothing. */
static void a_handshake_has_its_time(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b);
    b.rules.handshake_timeout_ns = SOON_MS * CLOCK_MS_NS;
    bench_open(&b);
    int begun = stream_of(&b, 1, 0), silent = connect_late(&b, 2, 0, (struct span){0});
    expect_closed(silent);
    send_frames(begun, 0, 3);
    await_through(3);
    close(begun);
    bench_end(&b, (struct ends){.errors = 1, .cuts = 1, .cut = CUT_HANDSHAKE});
}

static void half_a_handshake_is_none(void **state)
{
    struct bench b;
    struct buf ready = {0};
    (void)state;
    bench_init(&b);
    b.rules.handshake_timeout_ns = SOON_MS * CLOCK_MS_NS;
    bench_open(&b);
    put_control(&ready, FSTRM_READY, FSTRM_DNSTAP_TYPE);
    int fd = connect_with(&b, buf_span(&ready));
    expect_control(fd, FSTRM_ACCEPT, FSTRM_DNSTAP_TYPE);
    expect_closed(fd);
    buf_free(&ready);
    bench_end(&b, (struct ends){.errors = 1, .cuts = 1, .cut = CUT_HANDSHAKE});
}

/* Who has said STOP begins anew in that time, or is no longer wanted: that is no error. */
static void after_stop_there_is_a_handshake_s_time(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b);
    b.rules.handshake_timeout_ns = SOON_MS * CLOCK_MS_NS;
    bench_open(&b);
    int fd = stream_of(&b, 1, 3);
    send_control(fd, FSTRM_STOP, NULL);
    expect_closed(fd);
    bench_end(&b, (struct ends){0});
}

static void who_is_idle_is_cut(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b);
    b.rules.idle_timeout_ns = SOON_MS * CLOCK_MS_NS;
    bench_open(&b);
    uint64_t before = clock_ns();
    int fd = stream_of(&b, 1, 3);
    expect_closed(fd);
    assert_true(clock_ns() - before > (SOON_MS - 5) * CLOCK_MS_NS);
    assert_numbers(0, 3);
    fd = stream_of(&b, 1, 0); /* a stream that never brings anything */
    expect_closed(fd);
    bench_end(&b, (struct ends){.errors = 2, .cuts = 2, .cut = CUT_IDLE});
}

/* It is told of as long as nothing comes. */
static void who_brings_nothing_counts_as_silent(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b);
    b.rules.hint_after_ns = SOON_MS * CLOCK_MS_NS / 3;
    bench_open(&b);
    int busy = stream_of(&b, 1, 0);
    while (counter_get(&b.counters.bytes) < FSTRM_START_BYTES)
        sched_yield();
    send_frames(busy, 0, 1); /* a little later */
    int silent = stream_of(&b, 2, 0), gone = stream_of(&b, 3, 0);
    while (counter_get(&b.counters.silent) < 2)
        sched_yield();
    close(gone);
    send_frames(silent, 0, 1);
    while (counter_get(&b.counters.silent) > 0)
        sched_yield();
    close(busy);
    close(silent);
    bench_end(&b, (struct ends){0});
}

static void who_is_delayed_is_served_later(void **state)
{
    struct bench b;
    struct buf first = {0};
    (void)state;
    bench_init(&b);
    b.rules.handshake_timeout_ns = SOON_MS * CLOCK_MS_NS; /* from then on */
    bench_open(&b);
    put_start(&first);
    put_frames(&first, 0, 3);
    uint64_t before = clock_ns();
    int fd = connect_late(&b, 1, 2 * SOON_MS, buf_span(&first));
    await_through(3);
    assert_true(clock_ns() - before > (2 * SOON_MS - 5) * CLOCK_MS_NS);
    assert_numbers(0, 3);
    close(fd);
    buf_free(&first);
    bench_end(&b, (struct ends){0});
}

/* --- places and memory ---------------------------------------------------------------------- */

/* Has somebody leave as if all had been silent for a minute. */
static void want_room(struct bench *b)
{
    assert_true(places_make_room(&b->gate.places, CUT_DESCRIPTORS, now_ms() + 60000, true) > 0);
}

static void who_is_silent_makes_room(void **state)
{
    struct bench b;
    (void)state;
    bench_new(&b);
    int fd = useless_stream_of(&b, 1);
    want_room(&b);
    expect_closed(fd);
    bench_end(&b, (struct ends){.cuts = 1, .cut = CUT_DESCRIPTORS});
}

/* Frames in its socket are heard before it is judged. */
static void who_has_just_sent_stays(void **state)
{
    struct bench b;
    (void)state;
    bench_new(&b);
    int fd = useless_stream_of(&b, 1);
    struct hold *hold = hold_worker(engine_pick_worker(b.site.engine));
    send_frames(fd, 0, 3);
    want_room(&b);
    hold_release(hold);
    await_through(3);
    send_frames(fd, 3, 3);
    await_through(6);
    assert_numbers(0, 6);
    close(fd);
    bench_end(&b, (struct ends){0});
}

/* So is a handshake that we have kept waiting; that is an excuse once. */
static void who_was_kept_waiting_stays_once(void **state)
{
    struct bench b;
    (void)state;
    bench_new(&b);
    struct worker *worker = engine_pick_worker(b.site.engine);
    struct hold *hold = hold_worker(worker);
    int fd = stream_of(&b, 1, 0);
    want_room(&b);
    hold_release(hold);
    send_control(fd, FSTRM_STOP, NULL);
    send_control(fd, FSTRM_READY, FSTRM_DNSTAP_TYPE);
    expect_control(fd, FSTRM_ACCEPT, FSTRM_DNSTAP_TYPE); /* it is there still */
    hold = hold_worker(worker);
    send_control(fd, FSTRM_START, FSTRM_DNSTAP_TYPE);
    want_room(&b);
    hold_release(hold);
    expect_closed(fd);
    bench_end(&b, (struct ends){.cuts = 1, .cut = CUT_DESCRIPTORS});
}

/* Of all cut frames the largest goes, when there is no memory for more. */
static void who_has_most_memory_is_cut(void **state)
{
    struct bench b;
    struct buf large = {0}, small = {0};
    (void)state;
    bench_init(&b);
    b.site.config.settings.partial_max = 64 * KB;
    bench_open(&b);
    put_frame(&large, 0, 500 * KB);
    put_frame(&small, 1, 20 * KB);
    int hoarder = stream_of(&b, 1, 1), modest = stream_of(&b, 2, 1);
    forget_through();
    send_span(hoarder, span_of(large.data, 50 * KB));
    while (atomic_load(&engine_partials(b.site.engine)->total) < 50 * KB)
        sched_yield();
    send_span(modest, span_of(small.data, 10 * KB));
    expect_closed(hoarder);
    send_span(modest, span_of(small.data + 10 * KB, small.len - 10 * KB));
    await_through(1);
    assert_through(buf_span(&small));
    close(modest);
    buf_free(&large);
    buf_free(&small);
    bench_end(&b, (struct ends){.errors = 1, .cuts = 1, .cut = CUT_PARTIAL});
}

/* How long the peer would have to wait after some visits with so many frames each. */
static uint64_t delay_after_visits(struct bench *b, unsigned frames)
{
    enum { VISITS = 6 }; /* one more than may be mishaps */
    const uint8_t address[16] = {0x20, 1, 0x0d, 0xb8, 1};
    struct peer peer = peer_of_address(address, 5300);
    struct worker *worker = engine_pick_worker(b->site.engine);
    struct place *place;
    uint64_t delay_ms;
    for (unsigned i = 0; i < VISITS; i++) {
        uint64_t ended = now_ms();
        while (now_ms() == ended) /* each comes after the last one has ended */
            sched_yield();
        int fd = stream_of(b, 1, frames);
        shutdown(fd, SHUT_WR);
        expect_closed(fd);
        hold_release(hold_worker(worker)); /* it is no more */
    }
    assert_int_equal(gate_admit(&b->gate, &peer.accounts, worker, &place, &delay_ms), -1);
    places_leave(&b->gate.places, place);
    return delay_ms;
}

static void who_brings_nothing_waits_the_next_time(void **state)
{
    struct bench b;
    (void)state;
    bench_new(&b);
    assert_int_equal(delay_after_visits(&b, 1), 0);
    int useful = stream_of(&b, 1, 1); /* while he has that he is welcome */
    assert_int_equal(delay_after_visits(&b, 0), 0);
    shutdown(useful, SHUT_WR);
    expect_closed(useful);
    assert_true(delay_after_visits(&b, 0) > 0);
    bench_end(&b, (struct ends){0});
}

/* --- the end of the engine ---------------------------------------------------------------- */

/* What the socket holds when the engine is to end is still taken, be it of one who waits. */
static void what_was_sent_before_the_end_is_heard(void **state)
{
    struct bench b;
    struct buf first = {0};
    (void)state;
    bench_new(&b);
    put_start(&first);
    put_frames(&first, 0, 300);
    int fd = connect_late(&b, 1, HOUR_MS, buf_span(&first));
    buf_free(&first);
    site_end(&b.site);
    assert_numbers(0, 300);
    assert_int_equal(counter_get(&b.counters.frames), 300);
    expect_closed(fd);
    bench_free(&b, (struct ends){0});
}

static void *send_for_ever(void *arg)
{
    const int *fd = arg;
    struct buf bytes = {0};
    for (unsigned i = 0; i < 64; i++)
        put_garbage(&bytes);
    while (send(*fd, bytes.data, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len) {
    }
    buf_free(&bytes);
    return NULL;
}

/* A peer that goes on for ever is heard for a moment only, as is one that says nothing. */
static void nobody_holds_up_the_end(void **state)
{
    struct bench b;
    pthread_t sender;
    (void)state;
    bench_init(&b);
    b.site.config.settings.shutdown_ns = 20 * CLOCK_SECOND_NS;
    bench_open(&b);
    int busy = stream_of(&b, 1, 1), begun = stream_of(&b, 2, 1);
    int silent = connect_late(&b, 3, 0, (struct span){0});
    int waiting = connect_late(&b, 4, HOUR_MS, (struct span){0});
    assert_int_equal(pthread_create(&sender, NULL, send_for_ever, &busy), 0);
    site_end(&b.site);
    assert_true(clock_ns() < engine_deadline(b.site.engine)); /* nor did that end it */
    pthread_join(sender, NULL);
    close(busy);
    expect_closed(begun);
    expect_closed(silent);
    expect_closed(waiting);
    bench_free(&b, (struct ends){0});
}

static void who_is_connected_is_listed(void **state)
{
    struct bench b;
    struct roster_entry entries[2];
    size_t all;
    (void)state;
    bench_new(&b);
    int fd = stream_of(&b, 1, 5);
    assert_int_equal(roster_list(engine_roster(b.site.engine), entries, 2, &all), 1);
    assert_string_equal(entries[0].origin.peer, "[2001:db8:100::]:5300");
    assert_memory_equal(roster_host(&entries[0].origin).ptr, "[2001:db8:100::]", 16);
    assert_int_equal(roster_host(&entries[0].origin).len, 16);
    assert_int_equal(entries[0].origin.input, 7);
    assert_int_equal(entries[0].frames, 5);
    assert_memory_equal(entries[0].identity, "n0", 2);
    close(fd);
    bench_end(&b, (struct ends){0});
}

static void who_is_dismissed_leaves(void **state)
{
    struct bench b;
    struct roster_entry entry;
    size_t all;
    (void)state;
    bench_new(&b);
    int fd = stream_of(&b, 1, 5);
    assert_int_equal(roster_list(engine_roster(b.site.engine), &entry, 1, &all), 1);
    assert_false(engine_dismiss(b.site.engine, entry.origin.id + 1));
    assert_true(engine_dismiss(b.site.engine, entry.origin.id));
    expect_closed(fd);
    bench_end(&b, (struct ends){.cuts = 1, .cut = CUT_ASKED});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(one_way),
        cmocka_unit_test(who_has_left_is_heard),
        cmocka_unit_test(a_frame_may_come_in_parts),
        cmocka_unit_test(half_a_frame_is_an_error),
        cmocka_unit_test(bad_control_frames_close),
        cmocka_unit_test(another_type_is_not_accepted),
        cmocka_unit_test(finish_ends_a_stream),
        cmocka_unit_test(what_is_no_dnstap_is_counted_and_passed_over),
        cmocka_unit_test(a_handshake_has_its_time),
        cmocka_unit_test(half_a_handshake_is_none),
        cmocka_unit_test(after_stop_there_is_a_handshake_s_time),
        cmocka_unit_test(who_is_idle_is_cut),
        cmocka_unit_test(who_brings_nothing_counts_as_silent),
        cmocka_unit_test(who_is_delayed_is_served_later),
        cmocka_unit_test(who_is_silent_makes_room),
        cmocka_unit_test(who_has_just_sent_stays),
        cmocka_unit_test(who_was_kept_waiting_stays_once),
        cmocka_unit_test(who_has_most_memory_is_cut),
        cmocka_unit_test(who_brings_nothing_waits_the_next_time),
        cmocka_unit_test(what_was_sent_before_the_end_is_heard),
        cmocka_unit_test(nobody_holds_up_the_end),
        cmocka_unit_test(who_is_connected_is_listed),
        cmocka_unit_test(who_is_dismissed_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
