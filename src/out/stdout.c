/*
 * Output `stdout`: whole chunks onto standard output. A reader that goes away (a pipe into head)
 * closes the output quietly. A descriptor that another program set to non-blocking is waited for.
 *
 * A terminal may have a limit of records a second: a screen that is read by people. What is over it
 * is left out, counted as filtered, and said.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/output.h"
#include "out/emit.h"
#include "out/trouble.h"

enum { SAY_AGAIN_S = 60 };

/* How much of a terminal's second is used up. The second begins with its first record. */
struct allowance {
    uint64_t second_ends_ns;
    uint64_t records;     /* written in it */
    uint64_t left_out;    /* since the program said so last */
    uint64_t say_next_ns; /* not before */
};

struct stdout_options {
    uint64_t terminal_rate; /* 0: no limit */
};

struct standard_output {
    uint64_t rate; /* of a terminal: terminal_rate */
    struct allowance allowance;
    bool terminal;
    bool begun;      /* what begins the format's streams is out */
    size_t torn;     /* bytes of the next record that are already out */
    struct buf edge; /* what begins or ends the stream, and how much of it is out */
    size_t edge_at;
    struct trouble trouble;
};

static const struct option stdout_rows[] = {
    {.name = "terminal-rate",
     .type = OPTION_UINT,
     .offset = offsetof(struct stdout_options, terminal_rate),
     .fallback = "0",
     .max = 1000000,
     .doc = "on a terminal: so many records a second at the most, for people who read along; what "
            "is more is left out and counted as filtered; 0 is no limit"},
    {0},
};

static bool stdout_terminal(const struct output *out)
{
    (void)out;
    return isatty(STDOUT_FILENO);
}

static bool stdout_seen(const struct output *out)
{
    (void)out;
    return emit_is_seen(STDOUT_FILENO);
}

static bool stdout_prints(const struct output *out)
{
    (void)out;
    return true;
}

static int stdout_open(struct output *out, struct error *err)
{
    struct standard_output *std = out->state;
    const struct stdout_options *options = out->options;
    std->rate = options->terminal_rate;
    std->terminal = stdout_terminal(out);
    if (std->terminal && out->format->begin) /* what has a beginning of its own is no text */
        return error_set(err, "this format is not for a terminal: redirect standard output");
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
        return error_set(err, "standard output is not open");
    return 0;
}

/* Says what went wrong. A terminal that hung up is a reader that went away. */
static enum output_status judge(struct output *out, enum output_status status)
{
    struct standard_output *std = out->state;
    if (status == OUTPUT_OK)
        trouble_over(&std->trouble, out->name);
    else if (status != OUTPUT_CLOSED && errno == EIO && std->terminal)
        status = OUTPUT_CLOSED;
    else if (status != OUTPUT_CLOSED && errno != EINTR)
        trouble_say(&std->trouble, out, "write to", "standard output", strerror(errno));
    return status;
}

/* Writes what `fill` puts. That may take several calls; it is done when one returns OUTPUT_OK. */
static enum output_status write_edge(struct output *out, void (*fill)(struct buf *))
{
    struct standard_output *std = out->state;
    if (!fill)
        return OUTPUT_OK;
    if (std->edge.len == 0)
        fill(&std->edge);
    enum output_status status =
        emit(out, STDOUT_FILENO, std->edge.data, std->edge.len, &std->edge_at);
    if (status == OUTPUT_OK)
        std->edge.len = std->edge_at = 0;
    return status;
}

static enum output_status begin(struct output *out)
{
    struct standard_output *std = out->state;
    enum output_status status = std->begun ? OUTPUT_OK : write_edge(out, out->format->begin);
    std->begun = status == OUTPUT_OK;
    return status;
}

/* How many of `wanted` records this second still takes. */
static uint32_t allowed(struct standard_output *std, uint32_t wanted)
{
    struct allowance *a = &std->allowance;
    if (!std->terminal || std->rate == 0)
        return wanted;
    if (clock_ns() >= a->second_ends_ns) {
        a->second_ends_ns = clock_after(CLOCK_SECOND_NS);
        a->records = 0;
    }
    uint64_t left = std->rate > a->records ? std->rate - a->records : 0;
    return left < wanted ? (uint32_t)left : wanted;
}

/* Leaves records out, and says so now and then. */
static enum output_status leave_out(struct output *out, uint32_t records)
{
    struct standard_output *std = out->state;
    struct allowance *a = &std->allowance;
    a->left_out += records;
    if (clock_ns() >= a->say_next_ns) {
        log_info("%s: left out %llu records: more than %llu a second (terminal-rate)", out->name,
                 (unsigned long long)a->left_out, (unsigned long long)std->rate);
        a->say_next_ns = clock_after(SAY_AGAIN_S * CLOCK_SECOND_NS);
        a->left_out = 0;
    }
    return OUTPUT_FILTERED;
}

static enum output_status stdout_write(struct output *out, const struct chunk *chunk,
                                       uint32_t first, uint32_t *done)
{
    struct standard_output *std = out->state;
    enum output_status status = begin(out);
    size_t at = chunk_start(chunk, first) + std->torn;
    uint32_t wanted = chunk->records - first, count = allowed(std, wanted);
    if (count == 0 && std->torn)
        count = 1; /* what has begun is written to its end */
    if (status == OUTPUT_OK && count == 0) {
        *done = chunk->records;
        return leave_out(out, wanted);
    }
    if (status == OUTPUT_OK)
        status = emit(out, STDOUT_FILENO, chunk->bytes.data, chunk->ends[first + count - 1], &at);
    *done = emit_records(chunk, first, at);
    std->allowance.records += *done - first;
    /* After a failure the record is given up, and the next one is not its continuation. */
    std->torn = status == OUTPUT_FAILED ? 0 : at - chunk_start(chunk, *done);
    return judge(out, status);
}

/* A stream without records begins and ends, too; one that ends inside a record cannot be ended. */
static void end_stream(struct output *out)
{
    const struct standard_output *std = out->state;
    enum output_status status = begin(out);
    if (status == OUTPUT_OK && std->torn == 0)
        status = write_edge(out, out->format->end);
    if (status != OUTPUT_OK)
        out->unended = judge(out, status) != OUTPUT_CLOSED;
}

/* Where the start has failed, nothing is written. */
static void stdout_close(struct output *out)
{
    struct standard_output *std = out->state;
    if (std->begun || atomic_load(&out->begun))
        end_stream(out);
    buf_free(&std->edge);
}

static const struct output_hooks stdout_hooks = {
    .terminal = stdout_terminal,
    .prints = stdout_prints,
    .open = stdout_open,
    .seen = stdout_seen,
    .write = stdout_write,
    .close = stdout_close,
};

const struct module output_stdout = {
    .name = "stdout",
    .kind = MODULE_OUTPUT,
    .doc =
        "Writes records to standard output. When its reader goes away, the program ends quietly.",
    .options_size = sizeof(struct stdout_options),
    .options = stdout_rows,
    .state_size = sizeof(struct standard_output),
    .common = &output_queued,
    .hooks = &stdout_hooks,
};
