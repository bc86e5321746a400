/* The frame reader: the same frames whatever is read at a time, in their wire form where they lie;
 * and how files end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "io/frame_reader.h"
#include "wire/dnstap.h"

enum { FRAMES = 2000, FRAME_MAX = 70000 };

static char path[64];

static int make_path(void **state)
{
    (void)state;
    strcpy(path, "/tmp/spile-reader-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void put_control(struct buf *out, uint32_t type)
{
    struct fstrm_control control = {.type = type, .type_count = type == FSTRM_START};
    control.types[0] = span_str(FSTRM_DNSTAP_TYPE);
    assert_int_equal(fstrm_control_encode(&control, out), 0);
}

/* Mostly small frames, some larger than any buffer tried; frame N is filled with N's low byte. */
static size_t length_of(unsigned n)
{
    return n % 500 == 499 ? FRAME_MAX - n % 3 : 1 + n * 7919 % 301;
}

static void put_frame(struct buf *out, unsigned n)
{
    static uint8_t payload[FRAME_MAX];
    memset(payload, (int)(n & 0xff), length_of(n));
    assert_int_equal(fstrm_data_encode(span_of(payload, length_of(n)), out), 0);
}

static void write_file(const struct buf *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes->data, len), len);
    close(fd);
}

/* Reads the file; every frame must be the next one, behind its own length word. */
static enum frame_reader_status read_all(size_t buffer, unsigned *count, enum fstrm_status *end)
{
    struct frame_reader reader;
    struct error err = {0};
    struct span frame;
    enum frame_reader_status status;
    assert_int_equal(frame_reader_open(&reader, path, buffer, FRAME_MAX, &err), 0);
    *count = 0;
    while ((status = frame_reader_fill(&reader, &err)) > 0) {
        while (frame_reader_next(&reader, &frame)) {
            assert_int_equal(frame.len, length_of(*count));
            assert_int_equal(frame.ptr[0], *count & 0xff);
            assert_int_equal(frame.ptr[frame.len - 1], *count & 0xff);
            assert_int_equal(load_be32(frame.ptr - FRAME_WORD), frame.len);
            ++*count;
        }
    }
    assert_true(status != FRAME_READER_FAILED || strstr(err.text, path));
    assert_int_equal(frame_reader_fill(&reader, &err), status); /* the end stays the end */
    *end = reader.status;
    frame_reader_close(&reader);
    return status;
}

static void any_buffer(void **state)
{
    static const size_t sizes[] = {64, 65, 1000, 4096, 65536, 1 << 20};
    (void)state;
    struct buf file = {0};
    put_control(&file, FSTRM_START);
    for (unsigned n = 0; n < FRAMES; n++) {
        put_frame(&file, n);
        for (unsigned unknown = 0; n % 700 == 0 && unknown < 3; unknown++)
            put_control(&file, 4711); /* to be passed over */
    }
    put_control(&file, FSTRM_STOP);
    write_file(&file, file.len);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned count;
        enum fstrm_status end;
        assert_int_equal(read_all(sizes[i], &count, &end), FRAME_READER_END);
        assert_int_equal(count, FRAMES);
        assert_int_equal(end, FSTRM_STOPPED);
    }
    buf_free(&file);
}

/* Cut at every byte: the whole frames come, and the end is told by its kind. */
static void cut_anywhere(void **state)
{
    (void)state;
    struct buf file = {0};
    size_t ends[8];
    put_control(&file, FSTRM_START);
    ends[0] = file.len;
    for (unsigned n = 0; n < 7; n++) {
        put_frame(&file, n);
        ends[n + 1] = file.len;
    }
    for (size_t cut = 0; cut <= file.len; cut++) {
        unsigned count, whole = 0;
        enum fstrm_status end;
        while (whole < 7 && ends[whole + 1] <= cut)
            whole++;
        write_file(&file, cut);
        bool between = cut == ends[whole] && cut >= ends[0];
        assert_int_equal(read_all(100, &count, &end),
                         between ? FRAME_READER_END : FRAME_READER_FAILED);
        assert_int_equal(count, whole);
        if (between)
            assert_int_equal(end, FSTRM_ERR_NO_STOP);
        else if (cut > ends[0])
            assert_int_equal(end, FSTRM_ERR_TRUNCATED);
    }
    buf_free(&file);
}

static const size_t buffers[] = {4096, 9999, 1 << 20};

/* Reads the file with any buffer: so many frames, and that end; a note if `noted`. */
static void expect(unsigned frames, enum frame_reader_status wanted, const char *noted)
{
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        struct frame_reader reader;
        struct error err = {0}, note = {0};
        struct span frame;
        enum frame_reader_status status;
        unsigned count = 0;
        assert_int_equal(frame_reader_open(&reader, path, buffers[i], FRAME_MAX, &err), 0);
        while ((status = frame_reader_fill(&reader, &err)) > 0) {
            for (; frame_reader_next(&reader, &frame); count++)
                assert_int_equal(load_be32(frame.ptr - FRAME_WORD), frame.len);
        }
        assert_int_equal(count, frames);
        assert_int_equal(status, wanted);
        assert_int_equal(frame_reader_note(&reader, &note), noted != NULL);
        assert_true(!noted || (strstr(note.text, path) && strstr(note.text, noted)));
        frame_reader_close(&reader);
    }
}

static void put_stream(struct buf *out, unsigned first, unsigned end, bool stop)
{
    put_control(out, FSTRM_START);
    for (unsigned n = first; n < end; n++)
        put_frame(out, n);
    if (stop)
        put_control(out, FSTRM_STOP);
}

/* One behind the other: all are read, whatever stands between them. */
static void many_streams(void **state)
{
    (void)state;
    struct buf file = {0};
    put_stream(&file, 0, 3, true);
    put_stream(&file, 3, 3, true);
    put_control(&file, FSTRM_FINISH);
    put_control(&file, FSTRM_READY);
    put_stream(&file, 3, 9, true);
    write_file(&file, file.len);
    expect(9, FRAME_READER_END, NULL);
    put_stream(&file, 9, 10, false);
    write_file(&file, file.len);
    expect(10, FRAME_READER_END, "ends without STOP");
    put_stream(&file, 10, 12, true);
    write_file(&file, file.len);
    expect(12, FRAME_READER_END, "new START");
    buf_free(&file);
}

/* A writer that crashed at any byte, and one that appended to what it left: all whole frames come,
 * those that the cut one seems to reach over, too. */
static void crash_anywhere(void **state)
{
    (void)state;
    struct buf first = {0}, second = {0};
    put_stream(&first, 0, 4, true);
    put_stream(&second, 4, 9, true);
    for (size_t cut = 0; cut < first.len; cut++) {
        struct buf file = {0};
        buf_put(&file, first.data, cut);
        size_t whole = FSTRM_START_BYTES;
        unsigned frames = 0;
        for (; frames < 4 && whole + FRAME_WORD + length_of(frames) <= cut; frames++)
            whole += FRAME_WORD + length_of(frames);
        buf_put(&file, second.data, second.len);
        write_file(&file, file.len);
        expect(frames + 5, FRAME_READER_END, cut == 0 ? NULL : "new START");
        buf_free(&file);
    }
    buf_free(&first);
    buf_free(&second);
}

/* A dnstap message that carries the bytes of a START, as anybody could send them in a query: it is
 * whole as long as what follows it may follow it. */
static void start_within_a_message(void **state)
{
    (void)state;
    struct buf file = {0}, frame = {0}, inner = {0};
    put_stream(&inner, 0, 2, true);
    struct dnstap tap = {
        .has = DNSTAP_HAS_TYPE | DNSTAP_HAS_MESSAGE | DNSTAP_HAS_MESSAGE_TYPE |
               DNSTAP_HAS_QUERY_MESSAGE,
        .type = 1,
        .message_type = DNSTAP_CLIENT_QUERY,
        .query_message = buf_span(&inner),
    };
    dnstap_encode(&tap, &frame);
    put_control(&file, FSTRM_START);
    for (int i = 0; i < 3; i++)
        fstrm_data_encode(buf_span(&frame), &file);
    write_file(&file, file.len);
    expect(3, FRAME_READER_END, "ends without STOP");
    put_control(&file, FSTRM_STOP);
    write_file(&file, file.len);
    expect(3, FRAME_READER_END, NULL);
    buf_free(&file);
    buf_free(&frame);
    buf_free(&inner);
}

/* Every frame seems to reach over a thousand STARTs and to be no dnstap: looking at each again and
 * again would never end, so from some point on lengths are believed, and frames come. */
static void doubt_has_an_end(void **state)
{
    enum { UNITS = 2000 };
    uint8_t word[FRAME_WORD];
    (void)state;
    struct buf file = {0};
    store_be32(word, FRAME_MAX);
    for (int i = 0; i < UNITS; i++) {
        put_control(&file, FSTRM_START);
        buf_put(&file, word, sizeof word);
        buf_put(&file, "\xa0\1\1\xa2\1\x2e", 6); /* fields that are unknown, up to the next word */
    }
    write_file(&file, file.len);
    struct frame_reader reader;
    struct error err = {0};
    struct span frame;
    unsigned count = 0;
    assert_int_equal(frame_reader_open(&reader, path, 4096, FRAME_MAX, &err), 0);
    while (frame_reader_fill(&reader, &err) > 0) {
        while (frame_reader_next(&reader, &frame))
            count++;
    }
    assert_true(count > 0);
    frame_reader_close(&reader);
    buf_free(&file);
}

/* What no crash explains is an error, but the streams behind it are read. */
static void damage_between_streams(void **state)
{
    static const char zeros[5000];
    (void)state;
    struct buf file = {0};
    put_stream(&file, 0, 3, true);
    buf_str(&file, "damaged bytes that are no frame");
    put_stream(&file, 3, 5, true);
    buf_put(&file, zeros, sizeof zeros);
    put_stream(&file, 5, 6, true);
    write_file(&file, file.len);
    expect(6, FRAME_READER_FAILED, NULL);
    buf_free(&file);
}

/* A length beyond the limit is refused without a byte of memory for it. */
static void oversized(void **state)
{
    static const uint32_t lengths[] = {FRAME_MAX + 1, 0x7fffffff, 0xfffffffc, 0xffffffff};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buf file = {0};
        uint8_t word[4];
        unsigned count;
        enum fstrm_status end;
        put_control(&file, FSTRM_START);
        put_frame(&file, 0);
        store_be32(word, lengths[i]);
        buf_put(&file, word, sizeof word);
        buf_put(&file, "some bytes of it", 16);
        write_file(&file, file.len);
        assert_int_equal(read_all(64, &count, &end), FRAME_READER_FAILED);
        assert_int_equal(end, FSTRM_ERR_FRAME_SIZE);
        assert_int_equal(count, 1);
        buf_free(&file);
    }
}

static void not_frame_streams(void **state)
{
    (void)state;
    struct buf file = {0};
    unsigned count;
    enum fstrm_status end;
    buf_str(&file, "a text that is no recording, but long enough");
    write_file(&file, file.len);
    assert_int_equal(read_all(4096, &count, &end), FRAME_READER_FAILED);
    assert_int_equal(end, FSTRM_ERR_NO_START);
    assert_int_equal(count, 0);
    buf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_buffer),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(many_streams),
        cmocka_unit_test(crash_anywhere),
        cmocka_unit_test(start_within_a_message),
        cmocka_unit_test(doubt_has_an_end),
        cmocka_unit_test(damage_between_streams),
        cmocka_unit_test(oversized),
        cmocka_unit_test(not_frame_streams),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
