/*
 * spile verify: which of the frames that `spile gen` numbered are in a file. The number stands in
 * the message's extra: "seq=N".
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "base/pages.h"
#include "cli/command.h"
#include "io/frame_reader.h"
#include "wire/dnstap.h"

/* A bit for each number. Memory is taken only for those that come. */
enum { READ_BYTES = 256 * 1024, WORD_BITS = 64 };
static const uint64_t numbers_max = UINT64_C(1) << 32;

struct verify {
    uint64_t count; /* 0: as many as the highest number tells */
};

static const struct option verify_options[] = {
    {.name = "count",
     .type = OPTION_UINT,
     .offset = offsetof(struct verify, count),
     .value = "N",
     .min = 1,
     .max = UINT64_C(1) << 32,
     .doc = "frames 0 to N-1 are to be there; without it those up to the highest number that is "
            "there"},
    {0},
};

static const struct command_example verify_examples[] = {
    {"spile gen --count 1000000 tcp:127.0.0.1:6000", "a million numbered frames to a collector"},
    {"spile verify --count 1000000 out.fstrm", "whether its file has each of them, once"},
    {0},
};

/* What was seen. Owner: the command. */
struct tally {
    uint64_t *seen;
    uint64_t end;     /* the highest number + 1 */
    uint64_t present; /* numbers that came */
    uint64_t doubled; /* frames whose number had come before */
    uint64_t late;    /* numbers that came behind a higher one */
    uint64_t strange; /* frames without a number, or with one that is not among those wanted */
};

static bool number_of(struct span frame, uint64_t limit, uint64_t *number)
{
    static const char key[] = "seq=";
    const size_t len = sizeof key - 1;
    struct dnstap tap;
    if (dnstap_decode(frame, &tap) != 0 || tap.extra.len <= len ||
        memcmp(tap.extra.ptr, key, len) != 0)
        return false;
    return number_parse(span_of(tap.extra.ptr + len, tap.extra.len - len), limit - 1, number);
}

static void count_frame(struct tally *tally, struct span frame, uint64_t limit)
{
    uint64_t number;
    if (!number_of(frame, limit, &number)) {
        tally->strange++;
        return;
    }
    uint64_t bit = UINT64_C(1) << number % WORD_BITS, *word = &tally->seen[number / WORD_BITS];
    if (*word & bit) {
        tally->doubled++;
        return;
    }
    *word |= bit;
    tally->present++;
    tally->late += number < tally->end;
    tally->end = number < tally->end ? tally->end : number + 1;
}

/* False: the file could not be read to its end. */
static bool read_file(struct tally *tally, const char *path, uint64_t limit)
{
    struct frame_reader reader;
    struct error err;
    struct span frame;
    enum frame_reader_status status;
    if (frame_reader_open(&reader, path, READ_BYTES, FSTRM_FRAME_MAX, &err) < 0) {
        log_error("%s", err.text);
        return false;
    }
    while ((status = frame_reader_fill(&reader, &err)) > 0) {
        while (frame_reader_next(&reader, &frame))
            count_frame(tally, frame, limit);
    }
    if (status == FRAME_READER_FAILED)
        log_error("%s", err.text);
    else if (frame_reader_note(&reader, &err))
        log_warning("%s", err.text);
    frame_reader_close(&reader);
    return status != FRAME_READER_FAILED;
}

static bool tell(const struct tally *tally, uint64_t count)
{
    uint64_t all = count ? count : tally->end, missing = all - tally->present;
    printf("verify: present=%llu missing=%llu doubled=%llu late=%llu\n",
           (unsigned long long)tally->present, (unsigned long long)missing,
           (unsigned long long)tally->doubled, (unsigned long long)tally->late);
    if (tally->strange > 0)
        log_error("%llu frames have no number among those that are to be there",
                  (unsigned long long)tally->strange);
    return missing == 0 && tally->doubled == 0 && tally->strange == 0 && all > 0;
}

static int verify_run(struct command_call *call)
{
    const struct verify *verify = call->options;
    uint64_t limit = verify->count ? verify->count : numbers_max;
    size_t bytes = (size_t)(limit / WORD_BITS + 1) * sizeof(uint64_t);
    struct tally tally = {.seen = pages_alloc(bytes)};
    bool whole = true;
    if (!tally.seen) {
        log_error("no memory for %llu numbers; --count says how many there are",
                  (unsigned long long)limit);
        return COMMAND_FAILED;
    }
    pages_small(tally.seen, bytes);
    for (int i = 0; i < call->operand_count; i++)
        whole &= read_file(&tally, call->operands[i], limit);
    whole &= tell(&tally, verify->count);
    pages_free(tally.seen, bytes);
    return whole ? COMMAND_OK : COMMAND_FAILED;
}

const struct command command_verify = {
    .name = "verify",
    .summary = "look which numbered frames Frame Streams files have",
    .doc =
        "spile gen numbers its frames: \"seq=N\" is the extra of frame N. verify reads Frame "
        "Streams files (plain, gzip, zstd or xz; \"-\" is standard input), all together and in the "
        "order given, and says in one line how many of the numbers are there, how many are not, "
        "how many frames had a number that had come before, and how many numbers came behind a "
        "higher one, as they may where there are several connections.\n\n"
        "Exits with 0 when none is missing and none doubled, else with 1.",
    .operands = "FILE|-...",
    .operand_files = true,
    .operand_min = 1,
    .operand_max = COMMAND_MANY,
    .size = sizeof(struct verify),
    .options = verify_options,
    .examples = verify_examples,
    .run = verify_run,
};
