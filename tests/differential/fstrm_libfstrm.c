/*
 * Our Frame Streams against libfstrm 0.6, which is opened at run time (its names are ours, too):
 * control frames, random and damaged, decoded and encoded; and whole streams, the captures and
 * random ones, as its reader takes them: the same frames, the same end. Where they differ, and why:
 *
 *   unknown control types   libfstrm refuses them; its own description says to pass over them
 *   an oversized frame      libfstrm says "success" once, with the frame before; ours is an error
 *   a cut behind a length   libfstrm takes the end of the input right behind a length word for an
 * end between frames; ours says that it is cut a second stream         behind STOP, or FINISH for
 * STOP: libfstrm's reader ends there
 *
 *     differential-fstrm_libfstrm FILE...
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/messages.h"
#include "../support/random.h"
#include "base/cursor.h"

enum { SKIPPED = 77, RES_SUCCESS = 0, RES_FAILURE = 1, RES_STOP = 4, FRAME_MAX = 600, FRAMES = 64 };

/* libfstrm's functions, by the names behind the prefix; its types are opaque here. */
static struct {
    void *(*control_init)(void);
    void (*control_destroy)(void **);
    int (*control_decode)(void *, const void *, size_t, uint32_t flags);
    int (*control_get_type)(const void *, int *);
    int (*control_get_num_field_content_type)(const void *, size_t *);
    int (*control_get_field_content_type)(const void *, size_t, const uint8_t **, size_t *);
    int (*control_set_type)(void *, int);
    int (*control_add_field_content_type)(void *, const uint8_t *, size_t);
    int (*control_encode)(void *, void *, size_t *, uint32_t flags);
    void *(*rdwr_init)(void *);
    void (*rdwr_set_open)(void *, int (*)(void *));
    void (*rdwr_set_close)(void *, int (*)(void *));
    void (*rdwr_set_read)(void *, int (*)(void *, void *, size_t));
    void *(*reader_options_init)(void);
    void (*reader_options_destroy)(void **);
    int (*reader_options_add_content_type)(void *, const void *, size_t);
    int (*reader_options_set_max_frame_size)(void *, size_t);
    void *(*reader_init)(const void *, void **);
    int (*reader_destroy)(void **);
    int (*reader_open)(void *);
    int (*reader_read)(void *, const uint8_t **, size_t *);
} lib;

static bool load_library(void)
{
    static const struct {
        const char *name;
        void *place;
    } symbols[] = {
#define SYMBOL(name) {"fstrm_" #name, &lib.name}
        SYMBOL(control_init),
        SYMBOL(control_destroy),
        SYMBOL(control_decode),
        SYMBOL(control_get_type),
        SYMBOL(control_get_num_field_content_type),
        SYMBOL(control_get_field_content_type),
        SYMBOL(control_set_type),
        SYMBOL(control_add_field_content_type),
        SYMBOL(control_encode),
        SYMBOL(rdwr_init),
        SYMBOL(rdwr_set_open),
        SYMBOL(rdwr_set_close),
        SYMBOL(rdwr_set_read),
        SYMBOL(reader_options_init),
        SYMBOL(reader_options_destroy),
        SYMBOL(reader_options_add_content_type),
        SYMBOL(reader_options_set_max_frame_size),
        SYMBOL(reader_init),
        SYMBOL(reader_destroy),
        SYMBOL(reader_open),
        SYMBOL(reader_read),
#undef SYMBOL
    };
    void *handle = dlopen("libfstrm.so.0", RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *found = handle ? dlsym(handle, symbols[i].name) : NULL;
        if (!found)
            return false;
        memcpy(symbols[i].place, &found, sizeof found);
    }
    return true;
}

static struct {
    unsigned long controls, accepted, streams, frames, stopped, differ;
} tally;

static void report(struct span bytes, const char *what)
{
    if (tally.differ++ >= 10)
        return;
    printf("differ: %s:", what);
    for (size_t i = 0; i < bytes.len && i < 200; i++)
        printf(" %02x", bytes.ptr[i]);
    printf("\n");
}

/* --- control frames ------------------------------------------------------------------------- */

static bool same_control(const void *theirs, const struct fstrm_control *ours)
{
    int type;
    size_t count;
    if (lib.control_get_type(theirs, &type) != RES_SUCCESS || (uint32_t)type != ours->type ||
        lib.control_get_num_field_content_type(theirs, &count) != RES_SUCCESS ||
        count != ours->type_count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *bytes;
        size_t len;
        if (lib.control_get_field_content_type(theirs, i, &bytes, &len) != RES_SUCCESS ||
            !span_equal(span_of(bytes, len), ours->types[i]))
            return false;
    }
    return true;
}

/* Bytes behind the length word. */
static void check_decode(struct span bytes)
{
    struct fstrm_control ours;
    void *theirs = lib.control_init();
    bool took = fstrm_control_decode(bytes, &ours) == 0;
    bool took_too = lib.control_decode(theirs, bytes.ptr, bytes.len, 0) == RES_SUCCESS;
    bool unknown = took && (ours.type < FSTRM_ACCEPT || ours.type > FSTRM_FINISH);
    tally.controls++;
    tally.accepted += took && took_too;
    if (took != took_too && !unknown)
        report(bytes, took ? "only we took it" : "only libfstrm took it");
    else if (took && took_too && !same_control(theirs, &ours))
        report(bytes, "control frame");
    lib.control_destroy(&theirs);
}

static void check_encode(const struct fstrm_control *control, struct span ours, bool encoded)
{
    uint8_t bytes[FSTRM_CONTROL_MAX * 4];
    size_t len = sizeof bytes;
    void *theirs = lib.control_init();
    bool fits = lib.control_set_type(theirs, (int)control->type) == RES_SUCCESS;
    for (uint32_t i = 0; fits && i < control->type_count; i++)
        fits = lib.control_add_field_content_type(theirs, control->types[i].ptr,
                                                  control->types[i].len) == RES_SUCCESS;
    fits = fits && lib.control_encode(theirs, bytes, &len, 1) == RES_SUCCESS;
    if (encoded && !fits)
        report(ours, "only we could encode it");
    else if (encoded && !span_equal(span_of(bytes, len), ours))
        report(ours, "encoded control frame");
    lib.control_destroy(&theirs);
}

static struct fstrm_control random_control(struct random *r)
{
    static const char names[300] = FSTRM_DNSTAP_TYPE;
    static const size_t lens[] = {22, 22, 22, 0, 1, 21, 23, 255, 256, 257};
    static const uint8_t counts[] = {0, 0, 1, 1, 1, 2, 3, 20};
    struct fstrm_control control = {.type = 1 + (uint32_t)random_below(r, 5)};
    control.type_count = counts[random_below(r, sizeof counts)];
    for (uint32_t i = 0; i < control.type_count; i++)
        control.types[i] = span_of(names, lens[random_below(r, sizeof lens / sizeof *lens)]);
    return control;
}

static void check_damaged(struct random *r, struct span bytes)
{
    uint8_t copy[FSTRM_CONTROL_MAX + 8];
    size_t len = bytes.len;
    memcpy(copy, bytes.ptr, len);
    for (size_t n = random_below(r, 3); n > 0 && len > 0; n--) {
        size_t at = random_below(r, len < 16 ? len : 16);
        copy[at] ^= (uint8_t)(1 << random_below(r, 8));
        if (random_below(r, 4) == 0)
            len = random_below(r, len + 1);
    }
    check_decode(span_of(copy, len));
}

static void check_controls(struct random *r, int times)
{
    for (int i = 0; i < times; i++) {
        struct fstrm_control control = random_control(r);
        struct buf out = {0};
        bool encoded = fstrm_control_encode(&control, &out) == 0;
        check_encode(&control, buf_span(&out), encoded);
        if (encoded) {
            struct span bytes = span_of(out.data + 8, out.len - 8);
            check_decode(bytes);
            check_damaged(r, bytes);
        }
        buf_free(&out);
    }
}

/* --- streams -------------------------------------------------------------------------------- */

static int source_open(void *source)
{
    (void)source;
    return RES_SUCCESS;
}

static int source_read(void *source, void *to, size_t len)
{
    struct cursor *c = source;
    if (cursor_left(c) == 0)
        return RES_STOP;
    struct span bytes = cursor_take(c, len);
    if (c->failed)
        return RES_FAILURE;
    memcpy(to, bytes.ptr, len);
    return RES_SUCCESS;
}

/* libfstrm's reader over `in`; *ready tells whether it took the beginning. */
static void *open_reader(struct cursor *in, size_t frame_max, bool *ready)
{
    void *options = lib.reader_options_init(), *source = lib.rdwr_init(in);
    lib.rdwr_set_open(source, source_open);
    lib.rdwr_set_close(source, source_open);
    lib.rdwr_set_read(source, source_read);
    lib.reader_options_add_content_type(options, FSTRM_DNSTAP_TYPE, strlen(FSTRM_DNSTAP_TYPE));
    lib.reader_options_set_max_frame_size(options, frame_max);
    void *reader = lib.reader_init(options, &source);
    lib.reader_options_destroy(&options);
    *ready = lib.reader_open(reader) == RES_SUCCESS;
    return reader;
}

/* Compares frames from where the stream stands; returns whether libfstrm is still on its feet. */
static bool same_frames(void *reader, const struct span *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = NULL;
        size_t len = 0;
        if (lib.reader_read(reader, &bytes, &len) != RES_SUCCESS ||
            !span_equal(span_of(bytes, len), frames[i]))
            return false;
        tally.frames++;
    }
    return true;
}

static void check_end(struct span bytes, void *reader, enum fstrm_status status)
{
    const uint8_t *data = NULL;
    size_t len = 0;
    int theirs = lib.reader_read(reader, &data, &len);
    tally.stopped += status == FSTRM_STOPPED;
    if (status == FSTRM_ERR_FRAME_SIZE && theirs == RES_SUCCESS) {
        if (data) /* the known defect: "success" without a frame */
            report(bytes, "an oversized frame was delivered");
        return;
    }
    if (status == FSTRM_ERR_TRUNCATED && theirs == RES_STOP)
        return;
    /* An end without STOP is an end to libfstrm when its source says so. */
    bool ended = status == FSTRM_STOPPED || status == FSTRM_ERR_NO_STOP;
    if (ended != (theirs == RES_STOP))
        report(bytes, fstrm_status_text(status));
}

static void check_stream(struct span bytes, size_t frame_max)
{
    struct cursor source = cursor_of(bytes);
    bool ready, same = true;
    void *reader = open_reader(&source, frame_max, &ready);
    struct fstrm_rx rx;
    struct span left = bytes, frames[FRAMES];
    enum fstrm_status status;
    size_t count, used;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), (uint32_t)frame_max, false);
    tally.streams++;
    do {
        status = fstrm_rx_feed(&rx, left, frames, FRAMES, &count, &used);
        left = span_of(left.ptr + used, left.len - used);
        same = same && (count == 0 || (ready && same_frames(reader, frames, count)));
    } while (status == FSTRM_OK && used > 0);
    if (status == FSTRM_OK)
        status = fstrm_rx_end(&rx, left.len);
    if (!same)
        report(bytes, "frames");
    else if (ready)
        check_end(bytes, reader, status);
    else if (status >= 0 || status == FSTRM_ERR_NO_STOP)
        report(bytes, "libfstrm refused the beginning");
    lib.reader_destroy(&reader);
}

/* START, frames of all sizes up to past the limit, then nothing, a cut, STOP, or something else. */
static void random_stream(struct random *r, struct buf *out)
{
    static const uint8_t noise[FRAME_MAX + 2];
    struct fstrm_control control = random_control(r);
    static const struct fstrm_control stop = {.type = FSTRM_STOP};
    if (random_below(r, 4)) {
        control = (struct fstrm_control){.type = FSTRM_START, .type_count = 1};
        control.types[0] = span_str(FSTRM_DNSTAP_TYPE);
    }
    if (control.type == FSTRM_FINISH || fstrm_control_encode(&control, out) < 0)
        return;
    for (size_t n = random_below(r, 12); n > 0; n--) {
        size_t len = random_below(r, 4) ? random_below(r, 40) : random_below(r, FRAME_MAX + 2);
        fstrm_data_encode(span_of(noise, len ? len : 1), out);
    }
    if (random_below(r, 4))
        fstrm_control_encode(&stop, out);
    if (random_below(r, 4) == 0)
        out->len -= random_below(r, out->len < 20 ? out->len : 20);
}

static void check_streams(struct random *r, int times)
{
    struct buf out = {0};
    for (int i = 0; i < times; i++) {
        out.len = 0;
        random_stream(r, &out);
        if (out.len > 0)
            check_stream(buf_span(&out), FRAME_MAX);
    }
    buf_free(&out);
}

int main(int argc, char **argv)
{
    struct random r = {1};
    if (!load_library()) {
        printf("skip: libfstrm.so.0 is not installed\n");
        return SKIPPED;
    }
    for (int i = 1; i < argc; i++) {
        struct buf file = messages_load(argv[i]);
        check_stream(buf_span(&file), FSTRM_FRAME_MAX);
        for (int n = 0; n < 50; n++) /* cut anywhere */
            check_stream(span_of(file.data, random_below(&r, file.len)), FSTRM_FRAME_MAX);
        buf_free(&file);
    }
    check_controls(&r, 100000);
    check_streams(&r, 20000);
    printf("%lu control frames (%lu taken), %lu streams (%lu with STOP, %lu frames), %lu differ\n",
           tally.controls, tally.accepted, tally.streams, tally.stopped, tally.frames,
           tally.differ);
    return tally.differ > 0 || tally.accepted < 10000 || tally.stopped < 1000;
}
