/* Sources: every compression, whole, in members, cut, damaged, empty, greedy, by file and by pipe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <lzma.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "io/source.h"

enum { DATA_BYTES = 300000, PACKED_MAX = DATA_BYTES + 4096 };

static uint8_t data[DATA_BYTES];
static char path[64];

/* Half noise, half repetition: compressible, but not to nothing. */
static int make_data(void **state)
{
    uint32_t x = 1;
    (void)state;
    for (size_t i = 0; i < DATA_BYTES; i++) {
        x = x * 1664525 + 1013904223;
        data[i] = i / 64 % 2 ? (uint8_t)(x >> 24) : (uint8_t)(i / 1024);
    }
    data[0] = 0; /* as a Frame Streams file begins */
    strcpy(path, "/tmp/spile-source-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static size_t pack_gzip(const uint8_t *in, size_t len, uint8_t *out)
{
    z_stream z = {
        .next_in = (Bytef *)in, .avail_in = (uInt)len, .next_out = out, .avail_out = PACKED_MAX};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static size_t pack_zstd(const uint8_t *in, size_t len, uint8_t *out)
{
    size_t n = ZSTD_compress(out, PACKED_MAX, in, len, 3);
    assert_false(ZSTD_isError(n));
    return n;
}

static size_t pack_xz(const uint8_t *in, size_t len, uint8_t *out)
{
    size_t n = 0;
    assert_int_equal(
        lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, in, len, out, &n, PACKED_MAX), LZMA_OK);
    return n;
}

static const struct packing {
    const char *name;
    size_t (*pack)(const uint8_t *in, size_t len, uint8_t *out);
    size_t magic_len;
} packings[] = {{"gzip", pack_gzip, 2}, {"zstd", pack_zstd, 4}, {"xz", pack_xz, 6}};

enum { PACKINGS = sizeof packings / sizeof *packings };

static void write_file(const void *bytes, size_t len, int flags)
{
    int fd = open(path, O_WRONLY | flags);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

/* Reads all of a source, `cap` bytes at a time; returns how it ended: 0 or SOURCE_ERROR. */
static ssize_t drain(struct source *source, size_t cap, struct buf *out)
{
    for (;;) {
        uint8_t *to = (uint8_t *)buf_reserve(out, cap);
        ssize_t n = source_read(source, to, cap);
        if (n <= 0)
            return n;
        assert_true((size_t)n <= cap);
        out->len += (size_t)n;
    }
}

/* The file's content must be `len` bytes at `wanted`, whatever is read at a time. */
static void expect_content(const uint8_t *wanted, size_t len)
{
    static const size_t caps[] = {1, 7, 4096, 1 << 20};
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        struct error err;
        struct buf out = {0};
        struct source *source = source_open(path, &err);
        assert_non_null(source);
        assert_int_equal(drain(source, caps[i], &out), 0);
        assert_int_equal(source_failure(source), SOURCE_SOUND);
        assert_int_equal(out.len, len);
        if (len)
            assert_memory_equal(out.data, wanted, len);
        source_close(source);
        buf_free(&out);
    }
}

static enum source_failure failure_of_file(size_t *got)
{
    struct error err;
    struct buf out = {0};
    struct source *source = source_open(path, &err);
    ssize_t end = drain(source, 8192, &out);
    enum source_failure failure = source_failure(source);
    assert_int_equal(end, failure == SOURCE_SOUND ? 0 : SOURCE_ERROR);
    if (failure != SOURCE_SOUND) {
        assert_int_equal(source_error(source, &err), -1);
        assert_non_null(strstr(err.text, path));
        assert_int_equal(source_read(source, out.data, 1), SOURCE_ERROR); /* it stays so */
    }
    *got = out.len;
    source_close(source);
    buf_free(&out);
    return failure;
}

static void plain(void **state)
{
    (void)state;
    write_file(data, DATA_BYTES, O_TRUNC);
    expect_content(data, DATA_BYTES);
}

/* Any first bytes, of any length, that only begin like a compressed file's. */
static void plain_lookalikes(void **state)
{
    static const char *const texts[] = {"",
                                        "\x1f",
                                        "\x28\xb5",
                                        "\xfd"
                                        "7zX",
                                        "\x28\xb5\x2f\xfc more",
                                        "\xfd"
                                        "7zXY. and more",
                                        "\x1f\x8a"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(texts[i], strlen(texts[i]), O_TRUNC);
        expect_content((const uint8_t *)texts[i], strlen(texts[i]));
    }
}

static void compressed(void **state)
{
    (void)state;
    uint8_t *packed = malloc(PACKED_MAX);
    for (size_t i = 0; i < PACKINGS; i++) {
        write_file(packed, packings[i].pack(data, DATA_BYTES, packed), O_TRUNC);
        expect_content(data, DATA_BYTES);
    }
    free(packed);
}

/* Members of all sizes, an empty one among them, one behind the other. */
static void members(void **state)
{
    static const size_t cuts[] = {0, 1, 1, 70000, 70001, DATA_BYTES};
    (void)state;
    uint8_t *packed = malloc(PACKED_MAX);
    for (size_t i = 0; i < PACKINGS; i++) {
        write_file("", 0, O_TRUNC);
        for (size_t c = 0; c + 1 < sizeof cuts / sizeof *cuts; c++) {
            size_t n = packings[i].pack(data + cuts[c], cuts[c + 1] - cuts[c], packed);
            write_file(packed, n, O_APPEND);
        }
        expect_content(data, DATA_BYTES);
    }
    free(packed);
}

/* Each kind behind each other, and plain Frame Streams behind any, with zeros between them. */
static void mixed_members(void **state)
{
    static const uint8_t zeros[600], start[] = {0, 0, 0, 0, 0, 0, 0, 0x22, 0, 0, 0, 2, 'x'};
    (void)state;
    uint8_t *packed = malloc(PACKED_MAX);
    struct buf wanted = {0};
    write_file("", 0, O_TRUNC);
    for (size_t i = 0; i < 3 * PACKINGS; i++) {
        size_t at = i * 20000;
        write_file(packed, packings[i * i % PACKINGS].pack(data + at, 20000, packed), O_APPEND);
        write_file(zeros, i % 2 ? sizeof zeros : 0, O_APPEND);
        buf_put(&wanted, data + at, 20000);
    }
    write_file(packed, packings[2].pack(data, 5, packed), O_APPEND);
    write_file(start, sizeof start, O_APPEND);
    write_file(data, 100000, O_APPEND);
    buf_put(&wanted, data, 5);
    buf_put(&wanted, start, sizeof start);
    buf_put(&wanted, data, 100000);
    expect_content(wanted.data, wanted.len);
    buf_free(&wanted);
    free(packed);
}

/* Plain data that go on compressed: whoever reads them has to say where. */
static void reopened(void **state)
{
    uint8_t packed[4096], got[8192];
    (void)state;
    for (size_t i = 0; i < PACKINGS; i++) {
        struct error err;
        struct buf out = {0};
        size_t len = packings[i].pack(data, 1000, packed);
        write_file(data, 700, O_TRUNC);
        write_file(packed, len, O_APPEND);
        struct source *source = source_open(path, &err);
        assert_int_equal(source_read(source, got, 700 + len / 2), 700 + len / 2);
        assert_false(source_reopen(source, span_of(got + 650, 50 + len / 2)));
        assert_false(source_reopen(source, span_of(got + 700, 1))); /* too few to tell */
        assert_true(source_reopen(source, span_of(got + 700, len / 2)));
        assert_false(source_reopen(source, span_of(got + 700, len / 2))); /* not plain any more */
        assert_int_equal(drain(source, 300, &out), 0);
        assert_int_equal(out.len, 1000);
        assert_memory_equal(out.data, data, 1000);
        source_close(source);
        buf_free(&out);
    }
}

static void empty_member(void **state)
{
    (void)state;
    uint8_t packed[4096];
    for (size_t i = 0; i < PACKINGS; i++) {
        write_file(packed, packings[i].pack(data, 0, packed), O_TRUNC);
        expect_content(data, 0);
    }
}

/* Cut anywhere behind the magic, the end is told apart from a proper one, and what came before the
 * cut is as it was. */
static void truncated(void **state)
{
    (void)state;
    uint8_t *packed = malloc(PACKED_MAX);
    for (size_t i = 0; i < PACKINGS; i++) {
        size_t len = packings[i].pack(data, DATA_BYTES, packed);
        for (size_t cut = packings[i].magic_len; cut < len; cut += cut < 64 ? 1 : 9973) {
            size_t got;
            write_file(packed, cut, O_TRUNC);
            assert_int_equal(failure_of_file(&got), SOURCE_TRUNCATED);
            assert_true(got <= DATA_BYTES);
        }
        size_t got;
        write_file(packed, len - 1, O_TRUNC);
        assert_int_equal(failure_of_file(&got), SOURCE_TRUNCATED);
    }
    free(packed);
}

/* The second member's cut shows, too. */
static void second_member_truncated(void **state)
{
    (void)state;
    uint8_t *packed = malloc(PACKED_MAX);
    for (size_t i = 0; i < PACKINGS; i++) {
        size_t len = packings[i].pack(data, DATA_BYTES, packed);
        size_t got;
        write_file(packed, len, O_TRUNC);
        write_file(packed, len / 2, O_APPEND);
        assert_int_equal(failure_of_file(&got), SOURCE_TRUNCATED);
        assert_true(got >= DATA_BYTES);
    }
    free(packed);
}

static void damaged(void **state)
{
    (void)state;
    uint8_t *packed = malloc(PACKED_MAX);
    for (size_t i = 0; i < PACKINGS; i++) {
        size_t len = packings[i].pack(data, DATA_BYTES, packed);
        size_t got;
        memset(packed + len / 2, 0xff, 600);
        write_file(packed, len, O_TRUNC);
        enum source_failure failure = failure_of_file(&got);
        /* zstd's frames carry no check sum unless asked: there, wrong bytes are possible. */
        assert_true(failure == SOURCE_CORRUPT || packings[i].pack == pack_zstd);
        len = packings[i].pack(data, DATA_BYTES, packed);
        write_file(packed, len, O_TRUNC);
        write_file("garbage behind the end", 22, O_APPEND);
        assert_int_equal(failure_of_file(&got), SOURCE_CORRUPT);
    }
    free(packed);
}

static void gzip_padding(void **state)
{
    static const uint8_t zeros[100000];
    uint8_t packed[4096];
    (void)state;
    size_t len = pack_gzip(data, 1000, packed);
    write_file(packed, len, O_TRUNC);
    write_file(zeros, sizeof zeros, O_APPEND);
    expect_content(data, 1000);
}

/* A window of 2 GiB is asked for in the header alone. */
static void greedy_zstd(void **state)
{
    uint8_t packed[4096];
    size_t got;
    (void)state;
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    ZSTD_inBuffer in = {.src = data, .size = 1000};
    ZSTD_outBuffer out = {.dst = packed, .size = sizeof packed};
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, 1);
    assert_int_equal(ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_flush), 0);
    assert_int_equal(ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_end), 0);
    ZSTD_freeCCtx(ctx);
    assert_int_equal(packed[4] & 0x20, 0); /* not a single segment: byte 5 is the window */
    packed[5] = (31 - 10) << 3;
    write_file(packed, out.pos, O_TRUNC);
    assert_int_equal(failure_of_file(&got), SOURCE_GREEDY);
}

/* The dictionary size of LZMA2 lies in the block header, with a check sum behind it. */
static void greedy_xz(void **state)
{
    uint8_t packed[4096];
    size_t got;
    (void)state;
    size_t len = pack_xz(data, 1000, packed);
    uint8_t *block = packed + 12;
    size_t header = (block[0] + 1u) * 4;
    uint8_t *filter = memchr(block + 1, 0x21, header - 5);
    assert_non_null(filter);
    filter[2] = 40; /* 4 GiB - 1 */
    uint32_t sum = lzma_crc32(block, header - 4, 0);
    memcpy(block + header - 4, &sum, sizeof sum);
    write_file(packed, len, O_TRUNC);
    assert_int_equal(failure_of_file(&got), SOURCE_GREEDY);
}

/* What has been appended to a plain file since its end was seen comes with a later read. */
static void growing(void **state)
{
    struct error err;
    uint8_t got[64];
    (void)state;
    write_file("", 0, O_TRUNC);
    struct source *source = source_open(path, &err);
    assert_true(source_regular(source));
    assert_int_equal(source_read(source, got, sizeof got), 0);
    write_file(data, 10, O_APPEND);
    assert_int_equal(source_read(source, got, sizeof got), 10);
    assert_false(source_compressed(source));
    assert_int_equal(source_read(source, got, sizeof got), 0);
    write_file(data + 10, 20, O_APPEND);
    assert_int_equal(source_read(source, got, 5), 5);
    assert_int_equal(source_read(source, got + 5, sizeof got - 5), 15);
    assert_memory_equal(got, data + 10, 20);
    assert_int_equal(source_taken(source), 30);
    source_close(source);
}

/* A compressed file that somebody follows grows by whole members. */
static void growing_by_members(void **state)
{
    struct error err;
    (void)state;
    uint8_t packed[4096];
    for (size_t i = 0; i < PACKINGS; i++) {
        write_file(packed, packings[i].pack(data, 10, packed), O_TRUNC);
        struct source *source = source_open(path, &err);
        for (size_t round = 0; round < 3; round++) {
            struct buf out = {0};
            assert_int_equal(drain(source, 64, &out), 0);
            assert_int_equal(drain(source, 64, &out), 0);
            assert_int_equal(out.len, 10);
            assert_memory_equal(out.data, data + 10 * round, 10);
            buf_free(&out);
            write_file(packed, packings[i].pack(data + 10 * (round + 1), 10, packed), O_APPEND);
        }
        source_close(source);
    }
}

/* A plain file's first read fills the caller's buffer: no extra small read for the magic. */
static void first_read_is_full(void **state)
{
    struct error err;
    (void)state;
    uint8_t *got = malloc(DATA_BYTES);
    write_file(data, DATA_BYTES, O_TRUNC);
    struct source *source = source_open(path, &err);
    assert_int_equal(source_size(source), DATA_BYTES);
    assert_int_equal(source_read(source, got, DATA_BYTES), DATA_BYTES);
    assert_memory_equal(got, data, DATA_BYTES);
    source_close(source);
    free(got);
}

struct feeder {
    int fd;
    struct span bytes;
};

/* Writes in pieces of odd sizes, so that reads end anywhere. */
static void *feed_pipe(void *arg)
{
    struct feeder *feeder = arg;
    size_t piece = 1;
    for (size_t done = 0; done < feeder->bytes.len; done += piece, piece = piece * 3 % 10007 + 1) {
        if (piece > feeder->bytes.len - done)
            piece = feeder->bytes.len - done;
        if (write(feeder->fd, feeder->bytes.ptr + done, piece) != (ssize_t)piece)
            break;
    }
    close(feeder->fd);
    return NULL;
}

/* The same bytes through a pipe; `wanted` is data[0..len). */
static void expect_from_pipe(struct span packed, size_t len)
{
    int ends[2], saved = dup(STDIN_FILENO);
    pthread_t thread;
    struct error err;
    struct buf out = {0};
    assert_int_equal(pipe(ends), 0);
    struct feeder feeder = {ends[1], packed};
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    pthread_create(&thread, NULL, feed_pipe, &feeder);
    struct source *source = source_open("-", &err);
    assert_int_equal(source_fd(source), STDIN_FILENO);
    assert_false(source_regular(source));
    assert_int_equal(drain(source, 5000, &out), 0);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, data, len);
    pthread_join(thread, NULL);
    source_close(source);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* standard input is not ours to close */
    dup2(saved, STDIN_FILENO);
    close(saved);
    buf_free(&out);
}

static void pipes(void **state)
{
    (void)state;
    uint8_t *packed = malloc(PACKED_MAX);
    expect_from_pipe(span_of(data, DATA_BYTES), DATA_BYTES);
    for (size_t i = 0; i < PACKINGS; i++)
        expect_from_pipe(span_of(packed, packings[i].pack(data, DATA_BYTES, packed)), DATA_BYTES);
    free(packed);
}

/* A pipe that has nothing yet, and does not block, says so; before and behind the magic. */
static void nothing_yet(void **state)
{
    int ends[2], saved = dup(STDIN_FILENO);
    struct error err;
    uint8_t got[64];
    (void)state;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    dup2(ends[0], STDIN_FILENO);
    struct source *source = source_open("-", &err);
    assert_int_equal(source_read(source, got, sizeof got), SOURCE_AGAIN);
    uint8_t packed[4096];
    size_t len = pack_gzip(data, 40, packed);
    assert_int_equal(write(ends[1], packed, 1), 1);
    assert_int_equal(source_read(source, got, sizeof got), SOURCE_AGAIN);
    assert_int_equal(write(ends[1], packed + 1, 5), 5);
    assert_int_equal(source_read(source, got, sizeof got), SOURCE_AGAIN);
    assert_int_equal(write(ends[1], packed + 6, len - 6), len - 6);
    assert_int_equal(source_read(source, got, sizeof got), 40);
    assert_memory_equal(got, data, 40);
    assert_int_equal(source_read(source, got, sizeof got), SOURCE_AGAIN);
    close(ends[1]);
    assert_int_equal(source_read(source, got, sizeof got), 0);
    source_close(source);
    close(ends[0]);
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void unreadable(void **state)
{
    struct error err = {0};
    uint8_t got[16];
    (void)state;
    assert_null(source_open("/nonexistent/file", &err));
    assert_non_null(strstr(err.text, "/nonexistent/file"));
    struct source *folder = source_open("/tmp", &err);
    assert_int_equal(source_read(folder, got, sizeof got), SOURCE_ERROR);
    assert_int_equal(source_failure(folder), SOURCE_FAILED);
    source_close(folder);
    source_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(plain_lookalikes),
        cmocka_unit_test(compressed),
        cmocka_unit_test(members),
        cmocka_unit_test(mixed_members),
        cmocka_unit_test(reopened),
        cmocka_unit_test(empty_member),
        cmocka_unit_test(truncated),
        cmocka_unit_test(damaged),
        cmocka_unit_test(second_member_truncated),
        cmocka_unit_test(gzip_padding),
        cmocka_unit_test(greedy_zstd),
        cmocka_unit_test(greedy_xz),
        cmocka_unit_test(growing),
        cmocka_unit_test(growing_by_members),
        cmocka_unit_test(pipes),
        cmocka_unit_test(first_read_is_full),
        cmocka_unit_test(nothing_yet),
        cmocka_unit_test(unreadable),
    };
    return cmocka_run_group_tests(tests, make_data, remove_file);
}
