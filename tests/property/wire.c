/*
 * Properties of Frame Streams and dnstap: however a stream is cut into reads, the same frames come
 * out, with the same answers and the same end; what is encoded decodes to itself, unknown fields
 * included; a damaged message is refused or read, never past its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../support/dnstap_random.h"
#include "../support/share.h"
#include "wire/dnstap.h"
#include "wire/fstrm.h"

enum { FRAME_MAX = 300, STREAMS = 3000, SPLITS = 8, MESSAGES = 20000 };

/* --- Frame Streams -------------------------------------------------------------------------- */

static void put_random_control(struct random *r, struct buf *out)
{
    struct fstrm_control control = {.type = (uint32_t)random_below(r, 8)};
    static const char *const types[] = {FSTRM_DNSTAP_TYPE, "one", ""};
    for (size_t n = random_below(r, 3); n > 0; n--)
        control.types[control.type_count++] = span_str(types[random_below(r, 3)]);
    fstrm_control_encode(&control, out);
}

static void put_control(uint32_t type, struct buf *out)
{
    struct fstrm_control control = {.type = type};
    if (type == FSTRM_START || type == FSTRM_READY)
        control.types[control.type_count++] = span_str(FSTRM_DNSTAP_TYPE);
    fstrm_control_encode(&control, out);
}

/* Whole conversations, then now and then something else, or damage. */
static void random_stream(struct random *r, struct buf *out)
{
    uint8_t bytes[FRAME_MAX + 2];
    random_bytes(r, bytes, sizeof bytes);
    for (size_t streams = 1 + random_below(r, 2); streams > 0; streams--) {
        if (random_below(r, 2))
            put_control(FSTRM_READY, out);
        put_control(FSTRM_START, out);
        for (size_t n = random_below(r, 20); n > 0; n--) {
            size_t len = random_below(r, 4) ? random_below(r, 20) : random_below(r, FRAME_MAX);
            fstrm_data_encode(span_of(bytes, len + 1 + (random_below(r, 200) == 0)), out);
            if (random_below(r, 30) == 0)
                put_random_control(r, out);
        }
        put_control(random_below(r, 10) ? FSTRM_STOP : FSTRM_FINISH, out);
    }
    if (random_below(r, 3) == 0)
        out->data[random_below(r, out->len)] ^= (uint8_t)(1 << random_below(r, 8));
    if (random_below(r, 3) == 0)
        out->len -= random_below(r, out->len);
}

/* What a receiver made of a stream: frames, replies and the last status, one behind the other. */
struct story {
    struct buf text;
    size_t frames;
};

/* One read: all that can be taken of `left`; returns how many bytes were. */
static size_t take(struct fstrm_rx *rx, struct span left, size_t cap, struct story *story,
                   enum fstrm_status *status)
{
    struct span frames[64];
    size_t done = 0, count, used;
    do {
        /* Memory of exactly that size, so that sanitizers see an overrun. */
        size_t len = left.len - done;
        uint8_t *exact = malloc(len ? len : 1);
        memcpy(exact, left.ptr + done, len);
        *status = fstrm_rx_feed(rx, span_of(exact, len), frames, cap, &count, &used);
        assert_true(used <= len && count <= cap);
        for (size_t i = 0; i < count; i++) {
            buf_printf(&story->text, "frame %zu ", frames[i].len);
            buf_put(&story->text, frames[i].ptr, frames[i].len);
        }
        story->frames += count;
        if (rx->reply_len > 0) {
            buf_str(&story->text, "reply ");
            buf_put(&story->text, rx->reply, rx->reply_len);
        }
        if (*status != FSTRM_OK && *status != FSTRM_REPLY)
            buf_printf(&story->text, "status %d\n", *status);
        free(exact);
        done += used;
    } while (*status >= 0 && used > 0);
    return done;
}

/* The story of a stream that comes in reads of at most `step` bytes (0: all at once). */
static struct story tell(struct random *r, struct span stream, size_t step, size_t cap)
{
    struct story story = {0};
    struct fstrm_rx rx;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), FRAME_MAX, true);
    enum fstrm_status status = FSTRM_OK;
    size_t start = 0, end = 0;
    while (end < stream.len && status >= 0) {
        size_t more = step ? 1 + random_below(r, step) : stream.len;
        end = more < stream.len - end ? end + more : stream.len;
        struct span left = span_of(stream.ptr + start, end - start);
        size_t used = take(&rx, left, cap, &story, &status);
        start += used;
        uint64_t need = fstrm_rx_need(&rx, span_of(stream.ptr + start, end - start));
        assert_true(need == 0 || status < 0 || need > end - start); /* else it had been taken */
        assert_true(need <= 4 + FRAME_MAX || need <= 8 + FSTRM_CONTROL_MAX);
    }
    if (status >= 0)
        buf_printf(&story.text, "end %d\n", fstrm_rx_end(&rx, stream.len - start));
    return story;
}

static void any_split_tells_the_same(void **state)
{
    static const size_t steps[] = {1, 2, 5, 9, 30, 100, 400, 2000};
    static const size_t caps[] = {1, 2, 7, 64};
    struct random random = {1};
    size_t frames = 0;
    int streams = share_of(STREAMS);
    for (int i = 0; i < streams; i++) {
        struct buf stream = {0};
        random_stream(&random, &stream);
        struct story whole = tell(&random, buf_span(&stream), 0, 64);
        for (int split = 0; split < SPLITS; split++) {
            struct story part = tell(&random, buf_span(&stream), steps[split], caps[split % 4]);
            assert_true(span_equal(buf_span(&part.text), buf_span(&whole.text)));
            buf_free(&part.text);
        }
        frames += whole.frames;
        buf_free(&whole.text);
        buf_free(&stream);
    }
    assert_true(frames > (size_t)streams);
    (void)state;
}

/* --- dnstap --------------------------------------------------------------------------------- */

static void assert_same_span(struct span a, struct span b)
{
    assert_int_equal(a.ptr != NULL, b.ptr != NULL);
    assert_true(span_equal(a, b));
}

static void assert_same(const struct dnstap *a, const struct dnstap *b)
{
    const struct span *of_a[] = {&a->identity,      &a->version,          &a->extra,
                                 &a->query_address, &a->response_address, &a->query_message,
                                 &a->query_zone,    &a->response_message, &a->policy};
    const struct span *of_b[] = {&b->identity,      &b->version,          &b->extra,
                                 &b->query_address, &b->response_address, &b->query_message,
                                 &b->query_zone,    &b->response_message, &b->policy};
    for (size_t i = 0; i < sizeof of_a / sizeof *of_a; i++)
        assert_same_span(*of_a[i], *of_b[i]);
    assert_memory_equal(a, b, offsetof(struct dnstap, identity)); /* all that is not a span */
}

/* The unknown fields of a frame, one level behind the other. */
static void list_unknown(struct span frame, struct buf levels[2])
{
    struct dnstap_unknown walk = {0};
    while (dnstap_unknown_next(frame, &walk))
        buf_put(&levels[walk.in_message], walk.encoded.ptr, walk.encoded.len);
}

/* What was decoded, encoded and decoded again is the same, and its second encoding is its first. */
static void check_round(struct span frame)
{
    struct dnstap tap, again;
    struct buf first = {0}, second = {0}, unknown[2] = {{0}}, unknown_again[2] = {{0}};
    assert_int_equal(dnstap_decode(frame, &tap), 0);
    dnstap_encode_over(&tap, frame, &first);
    assert_int_equal(dnstap_decode(buf_span(&first), &again), 0);
    assert_same(&tap, &again);
    list_unknown(frame, unknown);
    list_unknown(buf_span(&first), unknown_again);
    for (int level = 0; level < 2; level++) {
        assert_true(span_equal(buf_span(&unknown[level]), buf_span(&unknown_again[level])));
        buf_free(&unknown[level]);
        buf_free(&unknown_again[level]);
    }
    dnstap_encode_over(&again, buf_span(&first), &second);
    assert_true(span_equal(buf_span(&first), buf_span(&second)));
    buf_free(&first);
    buf_free(&second);
}

static void messages_survive(void **state)
{
    struct random random = {2};
    int with_unknown = 0, messages = share_of(MESSAGES);
    for (int i = 0; i < messages; i++) {
        struct buf frame = {0};
        struct dnstap tap;
        dnstap_random_fields(&random, LEVEL_DNSTAP, &frame);
        check_round(buf_span(&frame));
        dnstap_decode(buf_span(&frame), &tap);
        with_unknown += (tap.has & DNSTAP_HAS_UNKNOWN) != 0;
        buf_free(&frame);
    }
    assert_true(with_unknown > messages / 10);
    (void)state;
}

/* Damaged ones are refused, or survive as the others do. */
static void damaged_messages_are_bounded(void **state)
{
    struct random random = {3};
    int taken = 0, refused = 0, messages = share_of(MESSAGES);
    for (int i = 0; i < messages; i++) {
        struct buf frame = {0};
        struct dnstap tap;
        dnstap_random_fields(&random, LEVEL_DNSTAP, &frame);
        uint8_t *copy = malloc(frame.len + 1);
        memcpy(copy, frame.data ? frame.data : (const uint8_t *)"", frame.len);
        struct span bytes = span_of(copy, random_damage(&random, copy, frame.len));
        if (dnstap_decode(bytes, &tap) == 0) {
            taken++;
            check_round(bytes);
        } else {
            struct dnstap_unknown walk = {0};
            refused++;
            for (size_t n = 0; dnstap_unknown_next(bytes, &walk); n++)
                assert_true(n < bytes.len);
        }
        free(copy);
        buf_free(&frame);
    }
    assert_true(taken > messages / 10 && refused > messages / 10);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_tells_the_same),
        cmocka_unit_test(messages_survive),
        cmocka_unit_test(damaged_messages_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
