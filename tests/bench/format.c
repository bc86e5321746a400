/*
 * How long decoding and formatting of one event takes, for each format, on one core.
 *
 *     bench-format FILE.fstrm... [ROUNDS]
 *
 * The frames of a file lie in memory and pass through in batches, as a worker's read buffer would
 * hold them. Prints nanoseconds and bytes of output for each event; the best round counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/chunk.h"
#include "core/format.h"
#include "wire/fstrm.h"

extern const struct module fmt_text, fmt_json, fmt_yaml, fmt_fstrm;

#define RECEIVER_KEYS                                                                              \
    "identity,qname,rrtype,query-ip,query-port,response-ip,response-port,latency,message,family,"  \
    "protocol,length,timestamp,type,rcode,id,datetime"

/* What is measured: a format, or decoding alone to some facets. */
static const struct bench {
    const char *name;
    const struct module *module;
    const char *fields;
    uint32_t facets;
} benches[] = {
    {"decode dnstap", .facets = FACET_DNSTAP},
    {"decode question", .facets = FACET_QUESTION},
    {"decode records", .facets = FACET_RECORDS},
    {"fstrm", &fmt_fstrm},
    {"text", &fmt_text},
    {"json, keys of dnstap-receiver", &fmt_json, RECEIVER_KEYS},
    {"json", &fmt_json},
    {"yaml", &fmt_yaml},
};

struct frames {
    struct span *items;
    size_t count;
    uint8_t *bytes;
};

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static struct span read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct buf all = {0};
    uint8_t part[65536];
    for (size_t n; file && (n = fread(part, 1, sizeof part, file)) > 0;)
        buf_put(&all, part, n);
    if (file)
        fclose(file);
    return buf_span(&all);
}

static struct frames load(const char *path)
{
    struct span file = read_file(path);
    struct frames frames = {.bytes = (uint8_t *)file.ptr,
                            .items = calloc(file.len / 4 + 1, sizeof(struct span))};
    struct fstrm_rx rx;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), FSTRM_FRAME_MAX, false);
    while (file.len > 0) {
        size_t count = 0, used = 0;
        enum fstrm_status status =
            fstrm_rx_feed(&rx, file, frames.items + frames.count, 1024, &count, &used);
        frames.count += count;
        file = span_of(file.ptr + used, file.len - used);
        if (status != FSTRM_OK || used == 0)
            break;
    }
    return frames;
}

/* One pass over all frames; returns the bytes of output. */
static size_t run(const struct bench *bench, const struct frames *frames, void *state,
                  uint32_t needs, struct buf *out)
{
    const struct format_hooks *hooks = bench->module ? bench->module->hooks : NULL;
    static const struct origin origin = {.peer = "192.0.2.1:4711"};
    size_t total = 0;
    struct event ev;
    for (size_t i = 0; i < frames->count; i++) {
        event_init(&ev, frames->items[i], &origin);
        event_need(&ev, needs);
        if (hooks && hooks->event(state, &ev, out) != FORMAT_WRITTEN)
            exit(1);
        if (out->len >= CHUNK_BYTES) {
            total += out->len;
            out->len = 0;
        }
    }
    total += out->len;
    out->len = 0;
    return total;
}

static void measure(const struct bench *bench, const struct frames *frames, unsigned rounds)
{
    const struct format_hooks *hooks = bench->module ? bench->module->hooks : NULL;
    struct format_spec spec = {.module = bench->module, .fields = bench->fields};
    struct error err;
    struct buf out = {0};
    void *state = NULL;
    uint32_t needs = bench->facets;
    if (hooks && hooks->open(&spec, &state, &needs, &err) < 0) {
        fprintf(stderr, "%s: %s\n", bench->name, err.text);
        exit(1);
    }
    int64_t best = INT64_MAX;
    size_t bytes = 0;
    for (unsigned i = 0; i < rounds; i++) {
        int64_t start = now_ns();
        bytes = run(bench, frames, state, needs, &out);
        int64_t took = now_ns() - start;
        best = took < best ? took : best;
    }
    printf("  %-30s %7.1f ns/event %7.1f bytes/event\n", bench->name,
           (double)best / (double)frames->count, (double)bytes / (double)frames->count);
    if (hooks && hooks->close)
        hooks->close(state);
    buf_free(&out);
}

int main(int argc, char **argv)
{
    unsigned rounds = 5;
    if (argc > 2 && argv[argc - 1][0] >= '0' && argv[argc - 1][0] <= '9')
        rounds = (unsigned)strtoul(argv[--argc], NULL, 10);
    for (int i = 1; i < argc; i++) {
        struct frames frames = load(argv[i]);
        if (frames.count == 0) {
            fprintf(stderr, "%s: no frames\n", argv[i]);
            return 1;
        }
        printf("%s: %zu frames\n", argv[i], frames.count);
        for (size_t b = 0; b < sizeof benches / sizeof *benches; b++)
            measure(&benches[b], &frames, rounds);
        free(frames.items);
        free(frames.bytes);
    }
    return 0;
}
