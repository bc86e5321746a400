#include "out/compress.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/span.h"

enum { BLOCK_BYTES = 128 * 1024 };

const char *const compress_names[] = {"none", "gzip", "zstd", NULL};
const char *const compress_suffixes[] = {"", ".gz", ".zst"};

/* One compressor at work. `put` takes a block; `end`, called in every case, finishes and frees. */
struct method {
    void *(*begin)(int to);
    int (*put)(void *state, struct span block);
    int (*end)(void *state);
};

static int gzip_put(void *state, struct span block)
{
    return gzwrite(state, block.ptr, (unsigned)block.len) == (int)block.len ? 0 : -1;
}

static int gzip_end(void *state)
{
    return gzclose(state) == Z_OK ? 0 : -1;
}

static void *gzip_begin(int to)
{
    int own = dup(to); /* gzclose closes it */
    gzFile file = own < 0 ? NULL : gzdopen(own, "wb");
    if (!file && own >= 0)
        close(own);
    return file;
}

struct zstd_state {
    ZSTD_CCtx *context;
    int to;
    uint8_t out[BLOCK_BYTES];
};

static void *zstd_begin(int to)
{
    struct zstd_state *state = malloc(sizeof *state);
    if (!state)
        return NULL;
    state->to = to;
    state->context = ZSTD_createCCtx();
    if (state->context) {
        ZSTD_CCtx_setParameter(state->context, ZSTD_c_checksumFlag, 1);
        return state;
    }
    free(state);
    return NULL;
}

static int write_all(int to, const uint8_t *bytes, size_t len)
{
    while (len) {
        ssize_t wrote = write(to, bytes, len);
        if (wrote < 0 && errno != EINTR)
            return -1;
        if (wrote > 0) {
            bytes += wrote;
            len -= (size_t)wrote;
        }
    }
    return 0;
}

static int zstd_run(struct zstd_state *state, struct span block, ZSTD_EndDirective directive)
{
    ZSTD_inBuffer in = {block.ptr, block.len, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {state->out, sizeof state->out, 0};
        left = ZSTD_compressStream2(state->context, &out, &in, directive);
        if (ZSTD_isError(left)) {
            errno = EIO;
            return -1;
        }
        if (write_all(state->to, state->out, out.pos))
            return -1;
    } while (in.pos < in.size || (directive == ZSTD_e_end && left));
    return 0;
}

static int zstd_put(void *state, struct span block)
{
    return zstd_run(state, block, ZSTD_e_continue);
}

static int zstd_end(void *state)
{
    int rc = zstd_run(state, (struct span){0}, ZSTD_e_end);
    ZSTD_freeCCtx(((struct zstd_state *)state)->context);
    free(state);
    return rc;
}

static const struct method methods[] = {
    [COMPRESS_GZIP] = {gzip_begin, gzip_put, gzip_end},
    [COMPRESS_ZSTD] = {zstd_begin, zstd_put, zstd_end},
};

/* Feeds blocks until the end of `from`. */
static int feed(const struct method *method, void *state, int from, const atomic_bool *stop)
{
    uint8_t *block = malloc(BLOCK_BYTES);
    ssize_t got = block ? 1 : -1;
    while (got > 0) {
        got = read(from, block, BLOCK_BYTES);
        if (got > 0 && method->put(state, span_of(block, (size_t)got)))
            got = -1;
        if (got > 0 && atomic_load(stop)) {
            errno = ECANCELED;
            got = -1;
        }
    }
    free(block);
    return got < 0 ? -1 : 0;
}

int compress_copy(enum compression how, int from, int to, const atomic_bool *stop)
{
    const struct method *method = &methods[how];
    void *state = method->begin(to);
    if (!state)
        return -1;
    int rc = feed(method, state, from, stop);
    int error = errno;
    int end_rc = method->end(state);
    if (rc)
        errno = error;
    return rc ? rc : end_rc;
}
