/*
 * The compatible formats against what dnstap-receiver 4.7.0 printed when it was given the very
 * frames of a capture. Arguments: FORMAT CAPTURE RECORDED, any number of times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/stages.h"
#include "core/format.h"
#include "io/source.h"
#include "wire/fstrm.h"

static struct buf read_whole(const char *path)
{
    struct error err;
    struct buf out = {0};
    struct source *source = source_open(path, &err);
    ssize_t n = source ? 1 : -1;
    while (n > 0) {
        uint8_t *p = (uint8_t *)buf_reserve(&out, 1 << 16);
        n = source_read(source, p, 1 << 16);
        out.len += n > 0 ? (size_t)n : 0;
    }
    if (n < 0) {
        fprintf(stderr, "%s: %s\n", path, source ? "cannot be read" : err.text);
        exit(2);
    }
    source_close(source);
    return out;
}

/* All frames of the capture through the latency stage and the format. */
static struct buf print_all(const char *name, struct span capture)
{
    static const struct origin origin = {.peer = "golden"};
    static const struct settings settings;
    const struct format_spec spec = {
        .module = module_find(MODULE_FORMAT, span_str(name), "dnstap-receiver")};
    const struct format_hooks *format = spec.module->hooks;
    const struct stage_hooks *stage =
        module_find(MODULE_STAGE, span_str("latency"), "dnstap-receiver")->hooks;
    struct error err;
    struct buf out = {0};
    void *format_state, *stage_state;
    uint32_t needs;
    struct fstrm_rx rx;
    struct span frames[64];
    size_t count, used;
    if (stage_open_alone(stage, &stage_state, &settings, 1, &err) < 0 ||
        format->open(&spec, &format_state, &needs, &err) < 0)
        exit(2);
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), FSTRM_FRAME_MAX, false);
    do {
        if (fstrm_rx_feed(&rx, capture, frames, 64, &count, &used) < 0)
            exit(2);
        capture = span_of(capture.ptr + used, capture.len - used);
        for (size_t i = 0; i < count; i++) {
            struct event ev;
            event_init(&ev, frames[i], &origin);
            event_need(&ev, stage_alone_needs);
            stage->event(stage_state, 0, &ev);
            format->event(format_state, &ev, &out);
        }
    } while (used > 0);
    format->close(format_state);
    stage->close(stage_state);
    return out;
}

/* The first line that differs, from both sides. */
static void show(struct span ours, struct span recorded)
{
    size_t line = 0, at = 0, number = 1;
    while (at < ours.len && at < recorded.len && ours.ptr[at] == recorded.ptr[at]) {
        if (ours.ptr[at++] == '\n') {
            line = at;
            number++;
        }
    }
    printf("  line %zu\n", number);
    for (int i = 0; i < 2; i++) {
        struct span text = i ? recorded : ours;
        const uint8_t *end = memchr(text.ptr + line, '\n', text.len - line);
        size_t len = end ? (size_t)(end - text.ptr) - line : text.len - line;
        printf("  %s %.*s\n", i ? "recorded:" : "ours:    ", (int)len, text.ptr + line);
    }
}

int main(int argc, char **argv)
{
    int failed = argc < 4;
    for (int i = 1; i + 2 < argc; i += 3) {
        struct buf capture = read_whole(argv[i + 1]), recorded = read_whole(argv[i + 2]);
        struct buf ours = print_all(argv[i], buf_span(&capture));
        bool same = ours.len > 0 && span_equal(buf_span(&ours), buf_span(&recorded));
        printf("%s %s: %zu bytes\n", same ? "equal:" : "DIFFERS:", argv[i + 2], ours.len);
        if (!same) {
            show(buf_span(&ours), buf_span(&recorded));
            failed = 1;
        }
        buf_free(&capture);
        buf_free(&recorded);
        buf_free(&ours);
    }
    return failed;
}
