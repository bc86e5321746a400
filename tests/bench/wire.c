/*
 * Nanoseconds a frame for the walk over Frame Streams and for the decoder of dnstap, over captures:
 *
 *     bench-wire [-r ROUNDS] FILE...
 *
 * The bytes are copied to a buffer of 256 KiB first, as read() leaves them, so the figures are
 * those of frames in a cache; the copy is not counted. The best of five turns is shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/dnstap.h"
#include "wire/fstrm.h"

enum { WINDOW = 256 * 1024, BATCH = 512, TURNS = 5 };

static struct buf load(const char *path)
{
    struct buf bytes = {0};
    FILE *file = fopen(path, "rb");
    size_t got = 0;
    do {
        char *p = buf_reserve(&bytes, WINDOW);
        if (!file || !p) {
            perror(path);
            exit(1);
        }
        got = fread(p, 1, WINDOW, file);
        bytes.len += got;
    } while (got > 0);
    fclose(file);
    return bytes;
}

/* What a turn has seen; `sum` keeps the compiler from leaving work out. */
struct tally {
    uint64_t frames;
    uint64_t bad;
    uint64_t sum;
    uint64_t ns;
};

typedef void bench_work(const struct span *frames, size_t count, struct tally *tally);

static void only_frames(const struct span *frames, size_t count, struct tally *tally)
{
    if (count > 0)
        tally->sum += frames[count - 1].len;
}

static void decode(const struct span *frames, size_t count, struct tally *tally)
{
    for (size_t i = 0; i < count; i++) {
        struct dnstap tap;
        if (dnstap_decode(frames[i], &tap) < 0) {
            tally->bad++;
            continue;
        }
        tally->sum += tap.query_port + tap.query_message.len + tap.response_message.len;
    }
}

/* Feeds what is in the window; returns how much of it was used. */
static size_t feed(struct fstrm_rx *rx, struct span window, bench_work *work, struct tally *tally)
{
    struct span frames[BATCH];
    size_t done = 0, count, used;
    do {
        enum fstrm_status status = fstrm_rx_feed(rx, span_of(window.ptr + done, window.len - done),
                                                 frames, BATCH, &count, &used);
        if (status < 0) {
            fprintf(stderr, "%s\n", fstrm_status_text(status));
            exit(1);
        }
        work(frames, count, tally);
        tally->frames += count;
        done += used;
    } while (used > 0);
    return done;
}

static void turn(struct span file, bench_work *work, struct tally *tally)
{
    static uint8_t window[WINDOW];
    struct fstrm_rx rx;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), FSTRM_FRAME_MAX, false);
    for (size_t at = 0; at < file.len;) {
        size_t len = file.len - at < WINDOW ? file.len - at : WINDOW;
        memcpy(window, file.ptr + at, len);
        uint64_t begin = clock_ns();
        size_t used = feed(&rx, span_of(window, len), work, tally);
        tally->ns += clock_ns() - begin;
        at += used;
        if (used == 0)
            break;
    }
}

static double best(struct span file, int rounds, bench_work *work, struct tally *last)
{
    double ns = 0;
    for (int i = 0; i < TURNS; i++) {
        *last = (struct tally){0};
        for (int round = 0; round < rounds; round++)
            turn(file, work, last);
        double now = (double)last->ns / (double)(last->frames ? last->frames : 1);
        ns = i == 0 || now < ns ? now : ns;
    }
    return ns;
}

int main(int argc, char **argv)
{
    int rounds = 3;
    for (int option; (option = getopt(argc, argv, "r:")) >= 0;) {
        if (option != 'r')
            return 2;
        rounds = atoi(optarg);
    }
    printf("%-24s %10s %8s %12s %12s\n", "capture", "frames", "bad", "framing ns", "dnstap ns");
    for (; optind < argc; optind++) {
        struct buf file = load(argv[optind]);
        struct tally walked, decoded;
        double framing = best(buf_span(&file), rounds, only_frames, &walked);
        double both = best(buf_span(&file), rounds, decode, &decoded);
        const char *name = strrchr(argv[optind], '/');
        printf("%-24s %10llu %8llu %12.1f %12.1f\n", name ? name + 1 : argv[optind],
               (unsigned long long)decoded.frames / (unsigned)rounds,
               (unsigned long long)decoded.bad / (unsigned)rounds, framing, both - framing);
        buf_free(&file);
    }
    return 0;
}
