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
    static const size_t buffers[] = {64, 65, 1000, 4096, 65536, 1 << 20};
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
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        unsigned count;
        enum fstrm_status end;
        assert_int_equal(read_all(buffers[i], &count, &end), FRAME_READER_END);
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
        cmocka_unit_test(oversized),
        cmocka_unit_test(not_frame_streams),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
