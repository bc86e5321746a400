/* Frame Streams, both roles: what peers do, and each defect that other implementations had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../support/hex.h"
#include "wire/fstrm.h"

enum { FRAMES = 16 };

/* Control frames, escape and length word included. */
#define DNSTAP "00000001 00000016 70726f746f6275663a646e737461702e446e73746170 "
#define READY "00000000 00000022 00000004 " DNSTAP
#define ACCEPT "00000000 00000022 00000001 " DNSTAP
#define START "00000000 00000022 00000002 " DNSTAP
#define STOP "00000000 00000004 00000003 "
#define FINISH "00000000 00000004 00000005 "
#define ONE "00000001 00000003 6f6e65 " /* content type "one" */

/* What one feed of bytes (as hexadecimal) gave. */
struct fed {
    enum fstrm_status status;
    size_t count;
    size_t used;
    size_t len;
    size_t frame_len[FRAMES];
};

static struct fed feed(struct fstrm_rx *rx, const char *hex)
{
    struct fed fed;
    struct span frames[FRAMES], bytes = hex_new(hex);
    fed.len = bytes.len;
    fed.status = fstrm_rx_feed(rx, bytes, frames, FRAMES, &fed.count, &fed.used);
    for (size_t i = 0; i < fed.count; i++)
        fed.frame_len[i] = frames[i].len;
    assert_true(fed.used <= fed.len);
    hex_free(bytes);
    return fed;
}

static struct fstrm_rx receiver(bool answers)
{
    struct fstrm_rx rx;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), FSTRM_FRAME_MAX, answers);
    return rx;
}

/* A fresh receiver that answers, fed all at once. */
static struct fed feed_fresh(const char *hex)
{
    struct fstrm_rx rx = receiver(true);
    return feed(&rx, hex);
}

static struct fstrm_rx started(void)
{
    struct fstrm_rx rx = receiver(true);
    assert_int_equal(feed(&rx, START).status, FSTRM_OK);
    return rx;
}

static void assert_reply(const struct fstrm_rx *rx, const char *hex)
{
    struct span expected = hex_new(hex);
    assert_true(span_equal(span_of(rx->reply, rx->reply_len), expected));
    hex_free(expected);
}

static void bidirectional(void **state)
{
    struct fstrm_rx rx = receiver(true);
    assert_int_equal(feed(&rx, READY).status, FSTRM_REPLY);
    assert_reply(&rx, ACCEPT);
    struct fed fed = feed(&rx, START "00000003 616263 00000001 64");
    assert_int_equal(fed.status, FSTRM_OK);
    assert_int_equal(fed.count, 2);
    assert_int_equal(fed.frame_len[0], 3);
    assert_int_equal(fed.frame_len[1], 1);
    assert_int_equal(fed.used, fed.len);
    assert_int_equal(rx.reply_len, 0);
    assert_true(rx.bidirectional);
    assert_int_equal(feed(&rx, STOP).status, FSTRM_STOPPED);
    assert_reply(&rx, FINISH);
    assert_int_equal(fstrm_rx_end(&rx, 0), FSTRM_STOPPED);
    (void)state;
}

/* unbound with dnstap-bidirectional: no begins with START; fstrm_capture refuses that. */
static void start_first(void **state)
{
    struct fstrm_rx rx = receiver(true);
    struct fed fed = feed(&rx, START "00000001 61" STOP);
    assert_int_equal(fed.status, FSTRM_STOPPED);
    assert_int_equal(fed.count, 1);
    assert_int_equal(rx.reply_len, 0); /* nobody waits for FINISH */
    assert_false(rx.bidirectional);
    (void)state;
}

/* A stream may follow another on the same connection; no reply of the first must be left over. */
static void again_behind_stop(void **state)
{
    struct fstrm_rx rx = receiver(true);
    assert_int_equal(feed(&rx, READY).status, FSTRM_REPLY);
    assert_int_equal(feed(&rx, START STOP).status, FSTRM_STOPPED);
    assert_reply(&rx, FINISH);
    assert_int_equal(feed(&rx, READY).status, FSTRM_REPLY);
    assert_reply(&rx, ACCEPT);
    assert_int_equal(feed(&rx, START STOP).status, FSTRM_STOPPED);
    assert_int_equal(feed(&rx, START STOP).status, FSTRM_STOPPED);
    assert_int_equal(rx.reply_len, 0);
    (void)state;
}

static void ready_repeated(void **state)
{
    struct fstrm_rx rx = receiver(true);
    assert_int_equal(feed(&rx, READY READY).status, FSTRM_REPLY);
    struct fed fed = feed(&rx, READY);
    assert_int_equal(fed.status, FSTRM_REPLY);
    assert_reply(&rx, ACCEPT);
    assert_int_equal(feed(&rx, START).status, FSTRM_OK);
    assert_int_equal(feed(&rx, READY).status, FSTRM_ERR_SEQUENCE);
    (void)state;
}

/* elixir_dnstap ends with FINISH and does not wait. */
static void finish_for_stop(void **state)
{
    struct fstrm_rx rx = receiver(true);
    assert_int_equal(feed(&rx, READY).status, FSTRM_REPLY);
    assert_int_equal(feed(&rx, START "00000001 61" FINISH).status, FSTRM_STOPPED);
    assert_int_equal(rx.reply_len, 0);
    (void)state;
}

static void first_acceptable_type(void **state)
{
    struct fstrm_rx rx = receiver(true);
    assert_int_equal(feed(&rx, "00000000 0000002d 00000004 " ONE DNSTAP).status, FSTRM_REPLY);
    assert_reply(&rx, ACCEPT);
    rx = receiver(true);
    assert_int_equal(feed(&rx, "00000000 0000002d 00000004 " DNSTAP ONE).status, FSTRM_REPLY);
    assert_reply(&rx, ACCEPT);
    (void)state;
}

static void no_acceptable_type(void **state)
{
    assert_int_equal(feed_fresh("00000000 0000000f 00000004 " ONE).status, FSTRM_ERR_CONTENT_TYPE);
    assert_int_equal(feed_fresh("00000000 0000000f 00000002 " ONE).status, FSTRM_ERR_CONTENT_TYPE);
    assert_int_equal(feed_fresh("00000000 0000000c 00000002 00000001 00000000").status,
                     FSTRM_ERR_CONTENT_TYPE); /* an empty type is a type */
    (void)state;
}

/* A frame that names no type goes with any. */
static void no_type_at_all(void **state)
{
    struct fstrm_rx rx = receiver(true);
    assert_int_equal(feed(&rx, "00000000 00000004 00000004").status, FSTRM_REPLY);
    assert_reply(&rx, ACCEPT);
    assert_int_equal(feed(&rx, "00000000 00000004 00000002 00000001 61").count, 1);
    (void)state;
}

static void unknown_control_frames(void **state)
{
    static const char *const unknown[] = {
        "00000000 00000004 00000000", /* type 0 */
        "00000000 00000004 00000006", "00000000 00000004 ffffffff",
        "00000000 00000009 00000063 0102030405", /* with fields nobody knows */
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        struct fstrm_rx rx = receiver(true);
        assert_int_equal(feed(&rx, unknown[i]).status, FSTRM_OK);
        assert_int_equal(feed(&rx, START).status, FSTRM_OK);
        struct fed fed = feed(&rx, unknown[i]);
        assert_int_equal(fed.status, FSTRM_OK);
        assert_int_equal(fed.used, fed.len);
        assert_int_equal(feed(&rx, "00000001 61" STOP).status, FSTRM_STOPPED);
    }
    (void)state;
}

/* Lengths near 2^32 once made fstrm_capture loop for ever. */
static void huge_data_frames(void **state)
{
    static const char *const lengths[] = {"fffffffc", "fffffffd", "fffffffe", "ffffffff",
                                          "80000000", "7fffffff", "00100001"};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char hex[64];
        struct fstrm_rx rx = started();
        snprintf(hex, sizeof hex, "00000001 61 %s 6162636465", lengths[i]);
        struct fed fed = feed(&rx, hex);
        assert_int_equal(fed.status, FSTRM_ERR_FRAME_SIZE);
        assert_int_equal(fed.count, 1); /* what came before is delivered */
        assert_int_equal(fed.used, 5);
        assert_int_equal(rx.failed_length, strtoul(lengths[i], NULL, 16));
        assert_int_equal(feed(&rx, START).status, FSTRM_ERR_SEQUENCE); /* dead */
        assert_int_equal(feed(&rx, "00000001 61").status, FSTRM_ERR_SEQUENCE);
    }
    (void)state;
}

/* The largest limit there is: nothing overflows, the frame is waited for. */
static void largest_limit(void **state)
{
    struct fstrm_rx rx;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), UINT32_MAX, false);
    assert_int_equal(feed(&rx, START).status, FSTRM_OK);
    struct fed fed = feed(&rx, "fffffffc 6162");
    assert_int_equal(fed.status, FSTRM_OK);
    assert_int_equal(fed.used, 0);
    assert_int_equal(fstrm_rx_need(&rx, span_of("\xff\xff\xff\xff", 4)), UINT64_C(0x100000003));
    (void)state;
}

static void frame_of_exactly_the_limit(void **state)
{
    struct fstrm_rx rx;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), 3, true);
    assert_int_equal(feed(&rx, START "00000003 616263").count, 1);
    assert_int_equal(feed(&rx, "00000004 61626364").status, FSTRM_ERR_FRAME_SIZE);
    (void)state;
}

static void malformed_control_frames(void **state)
{
    static const char *const bad[] = {
        "00000000 00000201", /* 513 bytes: told before they come */
        "00000000 ffffffff",
        "00000000 fffffffc",
        "00000000 00000000", /* no room for a type */
        "00000000 00000003 000000",
        "00000000 00000005 00000002 00", /* half a field */
        "00000000 00000008 00000002 00000001",
        "00000000 0000000c 00000002 00000001 00000001", /* a type longer than the frame */
        "00000000 0000000c 00000002 00000001 ffffffff",
        "00000000 0000000c 00000002 00000002 00000000",   /* a field nobody knows */
        "00000000 00000041 00000002 " DNSTAP DNSTAP "00", /* cut in the third */
        "00000000 00000040 00000002 " DNSTAP DNSTAP,      /* START has one type at most */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(feed_fresh(bad[i]).status, FSTRM_ERR_CONTROL);
    struct fstrm_rx rx = started();
    assert_int_equal(feed(&rx, "00000000 00000022 00000003 " DNSTAP).status, FSTRM_ERR_CONTROL);
    (void)state;
}

static void out_of_order(void **state)
{
    assert_int_equal(feed_fresh(STOP).status, FSTRM_ERR_SEQUENCE);
    assert_int_equal(feed_fresh(FINISH).status, FSTRM_ERR_SEQUENCE);
    assert_int_equal(feed_fresh(ACCEPT).status, FSTRM_ERR_SEQUENCE);
    assert_int_equal(feed_fresh(START START).status, FSTRM_ERR_SEQUENCE);
    assert_int_equal(feed_fresh(START ACCEPT).status, FSTRM_ERR_SEQUENCE);
    struct fstrm_rx rx = receiver(true);
    feed(&rx, READY);
    assert_int_equal(feed(&rx, "00000001 61").status, FSTRM_ERR_SEQUENCE);
    rx = receiver(true);
    feed(&rx, START STOP);
    assert_int_equal(feed(&rx, "00000001 61").status, FSTRM_ERR_SEQUENCE);
    rx = receiver(false);
    assert_int_equal(feed(&rx, START READY).status, FSTRM_ERR_SEQUENCE);
    (void)state;
}

/* A file may hold what both sides of a socket said, and the streams of several lives of its writer.
 */
static void files_have_liberties(void **state)
{
    struct fstrm_rx rx = receiver(false);
    assert_int_equal(feed(&rx, READY ACCEPT).status, FSTRM_OK);
    assert_int_equal(rx.reply_len, 0);
    assert_int_equal(fstrm_rx_end(&rx, 0), FSTRM_ERR_NO_START);
    assert_int_equal(feed(&rx, START "00000001 61" STOP).status, FSTRM_STOPPED);
    assert_int_equal(feed(&rx, FINISH READY).status, FSTRM_OK);
    assert_int_equal(rx.restarts, 0);
    struct fed fed = feed(&rx, START "00000001 61" START "00000001 62" START);
    assert_int_equal(fed.status, FSTRM_OK);
    assert_int_equal(fed.count, 2);
    assert_int_equal(rx.restarts, 2);
    assert_int_equal(fstrm_rx_end(&rx, 0), FSTRM_ERR_NO_STOP);
    assert_int_equal(feed(&rx, "00000000 0000000f 00000002 " ONE).status, FSTRM_ERR_CONTENT_TYPE);
    (void)state;
}

static void start_is_found(void **state)
{
    struct span bytes = hex_new("00000000 0000 " START "00000001 61");
    (void)state;
    assert_int_equal(fstrm_find_start(bytes), 6);
    assert_int_equal(fstrm_find_start(span_of(bytes.ptr + 7, bytes.len - 7)), bytes.len - 7);
    assert_int_equal(fstrm_find_start(span_of(bytes.ptr, 6 + FSTRM_START_BYTES)), 6);
    assert_int_equal(fstrm_find_start(span_of(bytes.ptr, 5 + FSTRM_START_BYTES)),
                     5 + FSTRM_START_BYTES);
    assert_int_equal(fstrm_find_start((struct span){0}), 0);
    hex_free(bytes);
}

/* Not Frame Streams at all: told by the first four bytes. */
static void foreign_bytes(void **state)
{
    assert_int_equal(feed_fresh("47455420").status, FSTRM_ERR_HTTP); /* "GET " */
    assert_int_equal(feed_fresh("1603010200").status, FSTRM_ERR_TLS);
    assert_int_equal(feed_fresh("16040102").status, FSTRM_ERR_NO_START);
    assert_int_equal(feed_fresh("1f8b0808").status, FSTRM_ERR_NO_START);
    assert_int_equal(feed_fresh("00000001 61").status, FSTRM_ERR_NO_START);
    assert_int_equal(feed_fresh("").status, FSTRM_OK);
    assert_int_equal(feed_fresh("000000").status, FSTRM_OK);
    (void)state;
}

/* fstrm_dump takes a missing STOP and a cut frame for a clean end; here they differ. */
static void ends_are_told_apart(void **state)
{
    struct fstrm_rx rx = receiver(false);
    assert_int_equal(fstrm_rx_end(&rx, 0), FSTRM_ERR_NO_START);
    assert_int_equal(fstrm_rx_end(&rx, 11), FSTRM_ERR_TRUNCATED);
    feed(&rx, START "00000001 61");
    assert_int_equal(fstrm_rx_end(&rx, 0), FSTRM_ERR_NO_STOP);
    assert_int_equal(fstrm_rx_end(&rx, 2), FSTRM_ERR_TRUNCATED);
    struct fed fed = feed(&rx, "00000005 6162");
    assert_int_equal(fed.status, FSTRM_OK);
    assert_int_equal(fed.used, 0);
    assert_int_equal(feed(&rx, STOP).status, FSTRM_STOPPED);
    assert_int_equal(fstrm_rx_end(&rx, 0), FSTRM_STOPPED);
    assert_int_equal(fstrm_rx_end(&rx, 3), FSTRM_ERR_TRUNCATED);
    rx = receiver(true);
    feed(&rx, READY);
    assert_int_equal(fstrm_rx_end(&rx, 0), FSTRM_ERR_NO_START);
    (void)state;
}

static void full_array_of_frames(void **state)
{
    struct fstrm_rx rx = started();
    struct span two[2], bytes = hex_new("00000001 61 00000001 62 00000001 63" STOP);
    size_t count, used;
    assert_int_equal(fstrm_rx_feed(&rx, bytes, two, 2, &count, &used), FSTRM_OK);
    assert_int_equal(count, 2);
    assert_int_equal(used, 10);
    assert_ptr_equal(two[1].ptr, bytes.ptr + 9);
    struct span rest = span_of(bytes.ptr + used, bytes.len - used);
    assert_int_equal(fstrm_rx_feed(&rx, rest, two, 2, &count, &used), FSTRM_STOPPED);
    assert_int_equal(count, 1);
    assert_int_equal(used, rest.len);
    hex_free(bytes);
    (void)state;
}

static void need_is_bounded(void **state)
{
    struct fstrm_rx rx = started();
    assert_int_equal(fstrm_rx_need(&rx, span_of("\0\0\0", 3)), 0);
    assert_int_equal(fstrm_rx_need(&rx, span_of("\0\0\0\0\0\0\0", 7)), 0);
    assert_int_equal(fstrm_rx_need(&rx, span_of("\0\0\0\0\0\0\0\x22", 8)), 0x2a);
    assert_int_equal(fstrm_rx_need(&rx, span_of("\0\0\0\0\xff\xff\xff\xff", 8)), 8 + 512);
    assert_int_equal(fstrm_rx_need(&rx, span_of("\0\0\x12\x34", 4)), 0x1238);
    assert_int_equal(fstrm_rx_need(&rx, span_of("\xff\xff\xff\xfc", 4)), 4 + FSTRM_FRAME_MAX);
    (void)state;
}

static void texts_differ(void **state)
{
    for (int a = FSTRM_ERR_HTTP; a <= FSTRM_STOPPED; a++) {
        for (int b = FSTRM_ERR_HTTP; b < a; b++) {
            bool both_fine = a >= 0 && a <= FSTRM_REPLY && b >= 0;
            if (!both_fine)
                assert_string_not_equal(fstrm_status_text((enum fstrm_status)a),
                                        fstrm_status_text((enum fstrm_status)b));
        }
    }
    (void)state;
}

/* --- sending -------------------------------------------------------------------------------- */

static enum fstrm_tx_status answer(struct fstrm_tx *tx, const char *hex, size_t *used,
                                   struct buf *out)
{
    struct span bytes = hex_new(hex);
    enum fstrm_tx_status status = fstrm_tx_feed(tx, bytes, used, out);
    hex_free(bytes);
    return status;
}

static void assert_sent(struct buf *out, const char *hex)
{
    struct span expected = hex_new(hex);
    assert_true(span_equal(buf_span(out), expected));
    out->len = 0;
    hex_free(expected);
}

static struct fstrm_tx opened(bool with_ready, struct buf *out)
{
    struct fstrm_tx tx;
    fstrm_tx_init(&tx, span_str(FSTRM_DNSTAP_TYPE), with_ready);
    fstrm_tx_open(&tx, out);
    return tx;
}

static void sender_shakes_hands(void **state)
{
    struct buf out = {0};
    size_t used;
    struct fstrm_tx tx = opened(true, &out);
    assert_sent(&out, READY);
    assert_int_equal(answer(&tx, "00000000 000000", &used, &out), FSTRM_TX_MORE);
    assert_int_equal(used, 0);
    assert_int_equal(answer(&tx, "00000000 00000004 00000007 " ACCEPT, &used, &out), FSTRM_TX_OPEN);
    assert_int_equal(used, 12 + 42);
    assert_sent(&out, START);
    fstrm_tx_stop(&tx, &out);
    assert_sent(&out, STOP);
    assert_int_equal(answer(&tx, FINISH, &used, &out), FSTRM_TX_FINISHED);
    assert_int_equal(out.len, 0);
    buf_free(&out);
    (void)state;
}

static void sender_alone(void **state)
{
    struct buf out = {0};
    struct fstrm_tx tx = opened(false, &out);
    fstrm_tx_stop(&tx, &out);
    assert_sent(&out, START STOP);
    buf_free(&out);
    (void)state;
}

static void sender_is_answered_badly(void **state)
{
    static const struct {
        const char *hex;
        enum fstrm_tx_status status;
    } rows[] = {
        {"00000000 0000000f 00000001 " ONE, FSTRM_TX_REFUSED},
        {"00000000 0000002d 00000001 " ONE DNSTAP, FSTRM_TX_OPEN},
        {"00000000 00000004 00000001", FSTRM_TX_OPEN}, /* any type */
        {FINISH, FSTRM_TX_BROKEN},
        {READY, FSTRM_TX_BROKEN},
        {"00000001 61000000", FSTRM_TX_BROKEN}, /* data */
        {"00000000 00000201", FSTRM_TX_BROKEN},
        {"00000000 00000003 000001", FSTRM_TX_BROKEN},
        {"00000000 00000008 00000001 00000001", FSTRM_TX_BROKEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        size_t used;
        struct fstrm_tx tx = opened(true, &out);
        assert_int_equal(answer(&tx, rows[i].hex, &used, &out), rows[i].status);
        buf_free(&out);
    }
    (void)state;
}

/* --- encoding ------------------------------------------------------------------------------- */

static void control_frames_come_back(void **state)
{
    char name[FSTRM_CONTENT_TYPE_MAX + 1];
    memset(name, 'x', sizeof name);
    for (uint32_t count = 0; count <= FSTRM_TYPES_MAX; count++) {
        struct fstrm_control control = {.type = FSTRM_READY, .type_count = count}, decoded;
        struct buf out = {0};
        for (uint32_t i = 0; i < count; i++)
            control.types[i] = span_of(name, count == 1 ? FSTRM_CONTENT_TYPE_MAX : i % 2);
        bool fits = 4 + 8 * count + count / 2 <= FSTRM_CONTROL_MAX;
        assert_int_equal(fstrm_control_encode(&control, &out), fits ? 0 : -1);
        if (!fits) {
            assert_int_equal(out.len, 0);
            continue;
        }
        assert_int_equal(fstrm_control_decode(span_of(out.data + 8, out.len - 8), &decoded), 0);
        assert_int_equal(decoded.type, FSTRM_READY);
        assert_int_equal(decoded.type_count, count);
        for (uint32_t i = 0; i < count; i++)
            assert_true(span_equal(decoded.types[i], control.types[i]));
        buf_free(&out);
    }
    (void)state;
}

static void what_cannot_be_encoded(void **state)
{
    char name[FSTRM_CONTENT_TYPE_MAX + 1] = {0};
    struct buf out = {0};
    struct fstrm_control control = {.type = FSTRM_READY, .type_count = 1};
    control.types[0] = span_of(name, sizeof name);
    assert_int_equal(fstrm_control_encode(&control, &out), -1);
    control.types[0] = span_str("x");
    control.type = FSTRM_STOP;
    assert_int_equal(fstrm_control_encode(&control, &out), -1);
    control.type = FSTRM_START;
    control.type_count = 2;
    control.types[1] = span_str("y");
    assert_int_equal(fstrm_control_encode(&control, &out), -1);
    control.type_count = FSTRM_TYPES_MAX + 1;
    assert_int_equal(fstrm_control_encode(&control, &out), -1);
    assert_int_equal(fstrm_data_encode(span_str(""), &out), -1); /* would be an escape */
    assert_int_equal(fstrm_data_encode(span_of(name, (size_t)UINT32_MAX + 1), &out), -1);
    assert_int_equal(out.len, 0);
    assert_int_equal(fstrm_data_encode(span_str("ab"), &out), 0);
    assert_sent(&out, "00000002 6162");
    buf_free(&out);
    (void)state;
}

/* The out-parameter is untouched when decoding fails. */
static void failed_decode_changes_nothing(void **state)
{
    struct fstrm_control control = {.type = 77, .type_count = 5}, before = control;
    assert_int_equal(fstrm_control_decode(span_of("\0\0\0\x02\0\0\0\x01", 8), &control), -1);
    assert_memory_equal(&control, &before, sizeof control);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bidirectional),
        cmocka_unit_test(start_first),
        cmocka_unit_test(again_behind_stop),
        cmocka_unit_test(ready_repeated),
        cmocka_unit_test(finish_for_stop),
        cmocka_unit_test(first_acceptable_type),
        cmocka_unit_test(no_acceptable_type),
        cmocka_unit_test(no_type_at_all),
        cmocka_unit_test(unknown_control_frames),
        cmocka_unit_test(huge_data_frames),
        cmocka_unit_test(largest_limit),
        cmocka_unit_test(frame_of_exactly_the_limit),
        cmocka_unit_test(malformed_control_frames),
        cmocka_unit_test(out_of_order),
        cmocka_unit_test(files_have_liberties),
        cmocka_unit_test(start_is_found),
        cmocka_unit_test(foreign_bytes),
        cmocka_unit_test(ends_are_told_apart),
        cmocka_unit_test(full_array_of_frames),
        cmocka_unit_test(need_is_bounded),
        cmocka_unit_test(texts_differ),
        cmocka_unit_test(sender_shakes_hands),
        cmocka_unit_test(sender_alone),
        cmocka_unit_test(sender_is_answered_badly),
        cmocka_unit_test(control_frames_come_back),
        cmocka_unit_test(what_cannot_be_encoded),
        cmocka_unit_test(failed_decode_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
