/* spile gen: made-up traffic, the same from the same seed, into a file or to a collector. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/gen_traffic.h"
#include "io/folder.h"
#include "io/interrupt.h"
#include "io/sender.h"

enum { BATCH_BYTES = 256 * 1024 };

struct gen {
    uint64_t seed;
    uint64_t count;
    char *path;
    bool force;
};

static const struct option gen_options[] = {
    {.name = "seed",
     .type = OPTION_UINT,
     .offset = offsetof(struct gen, seed),
     .value = "N",
     .fallback = "1",
     .doc = "what the traffic follows from: the same seed gives the same bytes"},
    {.name = "count",
     .type = OPTION_UINT,
     .offset = offsetof(struct gen, count),
     .value = "N",
     .fallback = "10000",
     .doc = "how many frames to make"},
    {.name = "write",
     .letter = 'w',
     .type = OPTION_PATH,
     .offset = offsetof(struct gen, path),
     .value = "FILE",
     .doc = "write a Frame Streams file; - is standard output"},
    {.name = "force",
     .type = OPTION_BOOL,
     .offset = offsetof(struct gen, force),
     .doc = "with -w: replace a file that holds something, once the new one is whole"},
    {0},
};

static const struct command_example gen_examples[] = {
    {"spile gen --seed 7 --count 1000000 -w big.fstrm", "a million frames in a file"},
    {"spile gen --count 1000 tcp:127.0.0.1:6000", "a thousand frames to a collector"},
    {0},
};

/* Where the frames go: one of the two is in use. */
struct outlet {
    const char *path;
    int fd;
    struct sender *sender;
    bool closed; /* the reader of standard output went away: no error, but the end */
};

static int write_file(struct outlet *outlet, struct span bytes, struct error *err)
{
    while (bytes.len > 0 && !outlet->closed) {
        ssize_t n = write(outlet->fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EPIPE && outlet->fd == STDOUT_FILENO)
            outlet->closed = true;
        else if (n < 0 && errno != EINTR)
            return error_set(err, "%s: %s", outlet->path, strerror(errno));
        if (n > 0)
            bytes = span_of(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return 0;
}

/* Writes the batch and empties it. */
static int put_out(struct outlet *outlet, struct buf *batch, uint64_t frames, struct error *err)
{
    struct span bytes = buf_span(batch);
    batch->len = 0;
    if (batch->failed)
        return error_set(err, "no memory");
    if (outlet->sender)
        return sender_write(outlet->sender, bytes, frames, err);
    return write_file(outlet, bytes, err);
}

static int make_frames(const struct gen *options, struct outlet *outlet, struct error *err)
{
    struct gen_traffic *traffic = malloc(sizeof *traffic);
    struct buf batch = {0};
    uint64_t batched = 0;
    int status = 0;
    if (!traffic)
        return error_set(err, "no memory");
    gen_traffic_init(traffic, options->seed);
    for (uint64_t i = 0; status == 0 && i < options->count; i++) {
        gen_traffic_next(traffic, &batch);
        batched++;
        if (batch.len < BATCH_BYTES && i + 1 < options->count)
            continue;
        status = put_out(outlet, &batch, batched, err);
        batched = 0;
        if (interrupt_seen() || outlet->closed)
            break;
    }
    gen_traffic_free(traffic);
    free(traffic);
    buf_free(&batch);
    return status;
}

static int put_control(struct outlet *outlet, enum fstrm_control_type type, struct error *err)
{
    struct buf bytes = {0};
    struct fstrm_control control = {.type = type, .type_count = type == FSTRM_START};
    control.types[0] = span_str(FSTRM_DNSTAP_TYPE);
    int status = fstrm_control_encode(&control, &bytes);
    status = status == 0 ? put_out(outlet, &bytes, 0, err) : error_set(err, "no memory");
    buf_free(&bytes);
    return status;
}

/* A whole stream. */
static int put_stream(const struct gen *options, struct outlet *outlet, struct error *err)
{
    int status = put_control(outlet, FSTRM_START, err);
    if (status == 0)
        status = make_frames(options, outlet, err);
    return status == 0 ? put_control(outlet, FSTRM_STOP, err) : status;
}

static int to_file(const struct gen *options, struct error *err)
{
    struct draft draft;
    struct error why;
    if (draft_open(&draft, options->path, options->force, &why)) {
        if (errno == EEXIST)
            error_set(&why, "it holds something already: --force replaces it");
        return error_set(err, "%.300s: %s", options->path, why.text);
    }
    if (folder_note(&draft.folder, options->path, FOLDER_REPLACES, &why))
        log_warning("%s", why.text);
    struct outlet outlet = {.path = options->path, .fd = draft.fd};
    if (put_stream(options, &outlet, err)) {
        draft_drop(&draft);
        return -1;
    }
    return draft_commit(&draft, &why) ? error_set(err, "%.300s: %s", options->path, why.text) : 0;
}

static int to_standard_output(const struct gen *options, struct error *err)
{
    struct outlet outlet = {.path = "standard output", .fd = STDOUT_FILENO};
    return put_stream(options, &outlet, err);
}

static int to_collector(const struct gen *options, const struct endpoint *endpoint,
                        struct error *err)
{
    struct sender sender;
    struct outlet outlet = {.sender = &sender};
    sender_init(&sender, endpoint, true, 0);
    int status = sender_open(&sender, err);
    if (status == 0)
        status = make_frames(options, &outlet, err);
    if (status == 0)
        status = sender_finish(&sender, err);
    sender_close(&sender);
    return status;
}

static int gen_run(struct command_call *call)
{
    const struct gen *options = call->options;
    struct endpoint endpoint;
    struct error err;
    if (!options->path == !call->operands[0])
        return command_usage(call, "name either a file with -w or a destination");
    bool standard = options->path && strcmp(options->path, "-") == 0;
    if (options->force && (!options->path || standard))
        return command_usage(call, "--force is for a file: name one with -w");
    if (standard && isatty(STDOUT_FILENO))
        return command_usage(call, "frames are not for a terminal: name a file");
    if (!options->path && endpoint_parse(&endpoint, call->operands[0], &err) != 0)
        return command_usage(call, "%s", err.text);
    if (interrupt_open() != 0) {
        log_error("cannot catch signals: %m");
        return COMMAND_FAILED;
    }
    int status = !options->path ? to_collector(options, &endpoint, &err)
                 : standard     ? to_standard_output(options, &err)
                                : to_file(options, &err);
    if (status == 0)
        return COMMAND_OK;
    log_error("%s", err.text);
    return COMMAND_FAILED;
}

const struct command command_gen = {
    .name = "gen",
    .summary = "make up DNS traffic for tests and measurements",
    .doc =
        "Writes dnstap frames that look like the traffic of a few busy DNS servers: all kinds of "
        "messages, IPv4 and IPv6, plain and encrypted transports, EDNS with client subnets and "
        "cookies, names by Zipf's law, answers, aliases, referrals and failures, 40 to 1400 bytes "
        "of DNS each. Frame N carries \"seq=N\" as its extra.\n\n"
        "The same seed gives the same bytes, times included, in every release. DEST is unix:PATH "
        "or tcp:HOST:PORT.",
    .operands = "[DEST]",
    .operand_choices = command_places,
    .operand_min = 0,
    .operand_max = 1,
    .size = sizeof(struct gen),
    .options = gen_options,
    .examples = gen_examples,
    .run = gen_run,
};
