#include "io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lzma.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum {
    MAGIC_MAX = 8,
    INPUT_BYTES = 64 * 1024,    /* of compressed data, read at a time */
    ZSTD_WINDOW_LOG_MAX = 27,   /* 128 MiB: what the zstd tool itself grants */
    XZ_MEMORY_MAX = 192 << 20,  /* xz -9 wants 65 MiB */
    GZIP_WINDOW_BITS = 15 + 16, /* zlib: largest window, gzip header demanded */
    DAMAGE_BYTES = 64 << 20,    /* that source_damaged decompresses at most */
};

/* Compressed bytes on their way to a decompressor; or plain ones that were read with them. */
struct intake {
    uint8_t *bytes; /* NULL until needed */
    size_t cap;
    size_t pos;
    size_t len;
};

struct source {
    char *path;
    int fd;
    bool owns_fd;
    bool regular;
    bool ended;   /* read(2) returned 0, for a compressed file */
    bool between; /* a member is through: another one may follow, or the end */
    bool full;    /* the decompressor filled the last buffer, so it may hold more though nothing is
                     left to read */
    enum source_failure failure;
    int saved_errno; /* of SOURCE_FAILED */
    uint64_t taken;
    uint64_t size;
    uint64_t member_at;        /* where in the file the present member begins */
    bool follow;               /* the end of the file is not that of its data */
    const struct codec *codec; /* NULL until the first bytes were seen */
    uint8_t magic[MAGIC_MAX];
    size_t magic_len;
    struct intake feed;
    union {
        z_stream gzip;
        ZSTD_DCtx *zstd;
        lzma_stream xz;
    };
};

/*
 * One row a compression. `step` decompresses one member: it moves bytes from the feed to
 * out[0..cap), sets source->between, and returns how many it wrote, or -1 with source->failure set.
 * What comes before damage counts: a library that has found some says so again when next called.
 */
struct codec {
    uint8_t magic[MAGIC_MAX];
    uint8_t magic_len;
    uint8_t first_mask; /* of the first magic byte */
    int (*open)(struct source *s);
    ssize_t (*step)(struct source *s, uint8_t *out, size_t cap);
    void (*close)(struct source *s);
};

static ssize_t fail(struct source *s, enum source_failure failure)
{
    s->failure = failure;
    return SOURCE_ERROR;
}

/* read(2), counted. */
static ssize_t take(struct source *s, uint8_t *buf, size_t cap)
{
    ssize_t n = read(s->fd, buf, cap);
    if (n >= 0) {
        s->taken += (size_t)n;
        return n;
    }
    if (errno == EAGAIN || errno == EINTR)
        return SOURCE_AGAIN;
    s->saved_errno = errno;
    return fail(s, SOURCE_FAILED);
}

static int gzip_open(struct source *s)
{
    return inflateInit2(&s->gzip, GZIP_WINDOW_BITS) == Z_OK ? 0 : -1;
}

static ssize_t gzip_step(struct source *s, uint8_t *out, size_t cap)
{
    z_stream *z = &s->gzip;
    z->next_in = s->feed.bytes + s->feed.pos;
    z->avail_in = (uInt)(s->feed.len - s->feed.pos);
    z->next_out = out;
    z->avail_out = (uInt)(cap < UINT32_MAX ? cap : UINT32_MAX);
    int status = inflate(z, Z_NO_FLUSH);
    s->feed.pos = s->feed.len - z->avail_in;
    s->between = status == Z_STREAM_END;
    if (status == Z_MEM_ERROR)
        return fail(s, SOURCE_NO_MEMORY);
    bool sound = status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
    if (!sound && z->next_out == out)
        return fail(s, SOURCE_CORRUPT);
    return z->next_out - out;
}

static void gzip_close(struct source *s)
{
    inflateEnd(&s->gzip);
}

static int zstd_open(struct source *s)
{
    s->zstd = ZSTD_createDCtx();
    if (!s->zstd)
        return -1;
    ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    return 0;
}

static ssize_t zstd_step(struct source *s, uint8_t *out, size_t cap)
{
    ZSTD_inBuffer from = {.src = s->feed.bytes, .size = s->feed.len, .pos = s->feed.pos};
    ZSTD_outBuffer to = {.dst = out, .size = cap};
    size_t hint = ZSTD_decompressStream(s->zstd, &to, &from);
    s->feed.pos = from.pos;
    s->between = hint == 0;
    if (!ZSTD_isError(hint))
        return (ssize_t)to.pos;
    /* The stable part of zstd's API has no error numbers; its texts are constants. */
    const char *text = ZSTD_getErrorName(hint);
    if (strstr(text, "too much memory"))
        return fail(s, SOURCE_GREEDY);
    return fail(s, strstr(text, "Allocation") ? SOURCE_NO_MEMORY : SOURCE_CORRUPT);
}

static void zstd_close(struct source *s)
{
    ZSTD_freeDCtx(s->zstd);
}

static int xz_open(struct source *s)
{
    s->xz = (lzma_stream)LZMA_STREAM_INIT;
    return lzma_stream_decoder(&s->xz, XZ_MEMORY_MAX, 0) == LZMA_OK ? 0 : -1;
}

static ssize_t xz_step(struct source *s, uint8_t *out, size_t cap)
{
    lzma_stream *z = &s->xz;
    z->next_in = s->feed.bytes + s->feed.pos;
    z->avail_in = s->feed.len - s->feed.pos;
    z->next_out = out;
    z->avail_out = cap;
    lzma_ret status = lzma_code(z, LZMA_RUN);
    s->feed.pos = s->feed.len - z->avail_in;
    s->between = status == LZMA_STREAM_END;
    if (status == LZMA_MEMLIMIT_ERROR)
        return fail(s, SOURCE_GREEDY);
    if (status == LZMA_MEM_ERROR)
        return fail(s, SOURCE_NO_MEMORY);
    bool sound = status == LZMA_OK || status == LZMA_STREAM_END || status == LZMA_BUF_ERROR;
    if (!sound && z->next_out == out)
        return fail(s, SOURCE_CORRUPT);
    return z->next_out - out;
}

static void xz_close(struct source *s)
{
    lzma_end(&s->xz);
}

static const struct codec plain = {.magic_len = 0};

/* How plain data begin that stand behind compressed ones: as Frame Streams do, with the escape and
 * the length of a START. */
static const uint8_t frame_streams[] = {0, 0, 0, 0, 0, 0, 0, 0x22};

static const struct codec codecs[] = {
    {{0x1f, 0x8b}, 2, 0xff, gzip_open, gzip_step, gzip_close},
    {{0x28, 0xb5, 0x2f, 0xfd}, 4, 0xff, zstd_open, zstd_step, zstd_close},
    /* A zstd file may begin with a skippable frame: 0x184D2A5? in little-endian order. */
    {{0x50, 0x2a, 0x4d, 0x18}, 4, 0xf0, zstd_open, zstd_step, zstd_close},
    {{0xfd, '7', 'z', 'X', 'Z', 0x00}, 6, 0xff, xz_open, xz_step, xz_close},
};

/* True when the bytes so far are the codec's magic, or may still become it. */
static bool magic_fits(const struct codec *codec, const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return true;
    if ((bytes[0] & codec->first_mask) != codec->magic[0])
        return false;
    size_t compared = len < codec->magic_len ? len : codec->magic_len;
    return memcmp(bytes + 1, codec->magic + 1, compared - 1) == 0;
}

/* The codec of the first bytes; NULL while more of them are needed to tell. */
static const struct codec *codec_of(const uint8_t *bytes, size_t len)
{
    bool undecided = false;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        if (!magic_fits(&codecs[i], bytes, len))
            continue;
        if (len >= codecs[i].magic_len)
            return &codecs[i];
        undecided = true;
    }
    return undecided ? NULL : &plain;
}

/* Room for `cap` bytes in all; keeps what is there. */
static int intake_reserve(struct intake *feed, size_t cap)
{
    if (cap <= feed->cap)
        return 0;
    uint8_t *grown = realloc(feed->bytes, cap);
    if (!grown)
        return -1;
    feed->bytes = grown;
    feed->cap = cap;
    return 0;
}

/* Goes on with that codec, from the intake's next byte. 0, or SOURCE_ERROR. */
static ssize_t use_codec(struct source *s, const struct codec *codec)
{
    if (s->codec && s->codec->close)
        s->codec->close(s);
    s->codec = &plain;
    s->between = s->full = false;
    if (codec->open && codec->open(s) != 0)
        return fail(s, SOURCE_NO_MEMORY);
    s->codec = codec;
    s->member_at = s->taken - (s->feed.len - s->feed.pos);
    return 0;
}

/* Bytes that lie in memory become the intake's. */
static ssize_t take_in(struct source *s, const struct codec *codec, struct span bytes)
{
    if (intake_reserve(&s->feed, bytes.len > INPUT_BYTES ? bytes.len : INPUT_BYTES) != 0)
        return fail(s, SOURCE_NO_MEMORY);
    memcpy(s->feed.bytes, bytes.ptr, bytes.len);
    s->feed.pos = 0;
    s->feed.len = bytes.len;
    return use_codec(s, codec);
}

/*
 * Looks at the first bytes. 1: the codec is known; 0: an empty input so far; or SOURCE_... A
 * regular file is only peeked at, so that plain ones are read whole into the caller's buffers.
 */
static ssize_t sniff(struct source *s)
{
    const struct codec *codec;
    while (!(codec = codec_of(s->magic, s->magic_len))) {
        ssize_t n = take(s, s->magic + s->magic_len, MAGIC_MAX - s->magic_len);
        if (n == 0 && s->follow)
            return 0;
        if (n < 0 || (n == 0 && s->magic_len == 0))
            return n;
        if (n == 0) {
            codec = &plain;
            break;
        }
        s->magic_len += (size_t)n;
    }
    struct span seen = span_of(s->magic, s->magic_len);
    if (codec == &plain && s->regular && lseek(s->fd, -(off_t)seen.len, SEEK_CUR) >= 0) {
        s->taken -= seen.len;
        seen.len = 0;
    }
    ssize_t started = take_in(s, codec, seen);
    return started < 0 ? started : 1;
}

static ssize_t read_plain(struct source *s, uint8_t *buf, size_t cap)
{
    size_t seen = s->feed.len - s->feed.pos;
    if (seen == 0)
        return take(s, buf, cap);
    if (seen > cap)
        seen = cap;
    memcpy(buf, s->feed.bytes + s->feed.pos, seen);
    s->feed.pos += seen;
    return (ssize_t)seen;
}

/* More compressed bytes, behind those that are left: 0, or SOURCE_... */
static ssize_t feed_fill(struct source *s)
{
    struct intake *feed = &s->feed;
    feed->len -= feed->pos;
    memmove(feed->bytes, feed->bytes + feed->pos, feed->len);
    feed->pos = 0;
    ssize_t n = take(s, feed->bytes + feed->len, feed->cap - feed->len);
    if (n < 0)
        return n;
    feed->len += (size_t)n;
    s->ended = n == 0;
    return 0;
}

/* The file ends where its data do not. */
static ssize_t too_early(struct source *s)
{
    if (!s->follow || !s->regular)
        return fail(s, SOURCE_TRUNCATED);
    s->ended = false;
    return SOURCE_AGAIN;
}

/*
 * What comes behind a member: another one, of any compression or none, maybe behind zeros, with
 * which files are padded. 1: it is set up; 0: the end; or SOURCE_...
 */
static ssize_t next_member(struct source *s)
{
    for (;;) {
        size_t left = s->feed.len - s->feed.pos;
        const uint8_t *bytes = s->feed.bytes + s->feed.pos;
        if (left < MAGIC_MAX && !s->ended) {
            ssize_t filled = feed_fill(s);
            if (filled < 0)
                return filled;
            continue;
        }
        if (left == 0) {
            s->ended = false; /* the file may grow by another member */
            return 0;
        }
        bool begins =
            left >= sizeof frame_streams && !memcmp(bytes, frame_streams, sizeof frame_streams);
        const struct codec *codec = codec_of(bytes, left);
        if (begins || (codec && codec != &plain))
            return use_codec(s, codec) < 0 ? SOURCE_ERROR : 1;
        if (!codec)
            return too_early(s);
        if (*bytes != 0)
            return fail(s, SOURCE_CORRUPT);
        s->feed.pos++;
    }
}

/* One call of the decompressor: bytes written, 0: to be called again, or SOURCE_ERROR. */
static ssize_t step_member(struct source *s, uint8_t *buf, size_t cap)
{
    size_t before = s->feed.pos;
    bool drained = before == s->feed.len;
    ssize_t n = s->codec->step(s, buf, cap);
    s->full = n == (ssize_t)cap && !s->between;
    if (n != 0 || s->between || s->feed.pos != before)
        return n;
    if (s->ended)
        return too_early(s);
    return drained ? 0 : fail(s, SOURCE_CORRUPT);
}

static ssize_t read_compressed(struct source *s, uint8_t *buf, size_t cap)
{
    for (;;) {
        if (s->between) {
            ssize_t next = next_member(s);
            if (next <= 0)
                return next;
            if (!s->codec->step)
                return read_plain(s, buf, cap);
        }
        if (s->feed.pos == s->feed.len && !s->ended && !s->full) {
            ssize_t filled = feed_fill(s);
            if (filled < 0)
                return filled;
        }
        ssize_t n = step_member(s, buf, cap);
        if (n != 0)
            return n;
    }
}

ssize_t source_read(struct source *s, uint8_t *buf, size_t cap)
{
    if (s->failure)
        return SOURCE_ERROR;
    if (!s->codec) {
        ssize_t known = sniff(s);
        if (known <= 0)
            return known;
    }
    return s->codec->step ? read_compressed(s, buf, cap) : read_plain(s, buf, cap);
}

void source_follow(struct source *s, bool follow)
{
    s->follow = follow;
}

bool source_damaged(struct source *s)
{
    uint8_t lost[4096];
    uint64_t member = s->member_at;
    ssize_t n = 1;
    for (size_t sum = 0; n > 0 && source_compressed(s) && s->member_at == member && s->regular &&
                         sum < DAMAGE_BYTES;
         sum += (size_t)n)
        n = source_read(s, lost, sizeof lost);
    return source_compressed(s) && s->member_at == member &&
           (s->failure == SOURCE_CORRUPT || s->failure == SOURCE_TRUNCATED);
}

bool source_reopen(struct source *s, struct span bytes)
{
    const struct codec *codec = codec_of(bytes.ptr, bytes.len);
    if (s->failure || s->codec != &plain || !codec || codec == &plain)
        return false;
    /* What was read ahead in an earlier change is still behind these. */
    return s->feed.pos == s->feed.len && take_in(s, codec, bytes) == 0;
}

struct source *source_open(const char *path, struct error *err)
{
    bool standard = strcmp(path, "-") == 0;
    struct source *s = calloc(1, sizeof *s);
    char *name = strdup(standard ? "standard input" : path);
    if (!s || !name) {
        free(s);
        free(name);
        error_set(err, "%s: no memory", path);
        return NULL;
    }
    s->path = name;
    /* Non-blocking, for a fifo's open would wait for its writer, out of reach of any signal. */
    s->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    s->owns_fd = s->fd >= 0 && !standard;
    struct stat st;
    if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        error_set(err, "%s: %s", path, strerror(errno));
        source_close(s);
        return NULL;
    }
    if (s->owns_fd)
        fcntl(s->fd, F_SETFL, 0);
    s->regular = S_ISREG(st.st_mode);
    s->size = s->regular ? (uint64_t)st.st_size : 0;
    return s;
}

void source_close(struct source *s)
{
    if (!s)
        return;
    if (s->codec && s->codec->close)
        s->codec->close(s);
    if (s->owns_fd)
        close(s->fd);
    free(s->feed.bytes);
    free(s->path);
    free(s);
}

enum source_failure source_failure(const struct source *s)
{
    return s->failure;
}

int source_error(const struct source *s, struct error *err)
{
    static const char *const texts[] = {
        [SOURCE_SOUND] = "no error",      [SOURCE_TRUNCATED] = "end too early",
        [SOURCE_CORRUPT] = "are damaged", [SOURCE_GREEDY] = "need more memory than is granted",
        [SOURCE_NO_MEMORY] = NULL,
    };
    if (s->failure == SOURCE_FAILED || !texts[s->failure])
        return error_set(err, "%s: %s", s->path,
                         s->failure == SOURCE_FAILED ? strerror(s->saved_errno)
                                                     : "no memory to decompress");
    return error_set(err, "%s: the compressed data that begin at byte %" PRIu64 " %s", s->path,
                     s->member_at, texts[s->failure]);
}

bool source_shrunk(const struct source *s)
{
    struct stat st;
    return s->regular && fstat(s->fd, &st) == 0 && st.st_size < lseek(s->fd, 0, SEEK_CUR);
}

int source_fd(const struct source *s)
{
    return s->fd;
}

bool source_regular(const struct source *s)
{
    return s->regular;
}

bool source_compressed(const struct source *s)
{
    return s->codec && s->codec != &plain;
}

uint64_t source_taken(const struct source *s)
{
    return s->taken;
}

uint64_t source_size(const struct source *s)
{
    return s->size;
}
