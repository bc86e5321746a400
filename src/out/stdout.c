/*
 * Output `stdout`: whole chunks onto standard output. A reader that goes away (a pipe into head)
 * closes the output quietly. A descriptor that another program set to non-blocking is waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/output.h"
#include "out/emit.h"
#include "out/trouble.h"

struct standard_output {
    bool terminal;
    bool begun;      /* what begins the format's streams is out */
    size_t torn;     /* bytes of the next record that are already out */
    struct buf edge; /* what begins or ends the stream, and how much of it is out */
    size_t edge_at;
    struct trouble trouble;
};

static bool stdout_terminal(const struct output *out)
{
    (void)out;
    return isatty(STDOUT_FILENO);
}

static int stdout_open(struct output *out, struct error *err)
{
    struct standard_output *std = out->priv;
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
    struct standard_output *std = out->priv;
    if (status == OUTPUT_OK)
        trouble_over(&std->trouble, out->name);
    else if (status != OUTPUT_CLOSED && errno == EIO && std->terminal)
        status = OUTPUT_CLOSED;
    else if (status != OUTPUT_CLOSED && errno != EINTR)
        trouble_say(&std->trouble, out->name, "write to", "standard output", errno);
    return status;
}

/* Writes what `fill` puts: may take several calls, of which the first that returns OK is the last.
 */
static enum output_status write_edge(struct output *out, void (*fill)(struct buf *))
{
    struct standard_output *std = out->priv;
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
    struct standard_output *std = out->priv;
    enum output_status status = std->begun ? OUTPUT_OK : write_edge(out, out->format->begin);
    std->begun = status == OUTPUT_OK;
    return status;
}

static enum output_status stdout_write(struct output *out, const struct chunk *chunk,
                                       uint32_t first, uint32_t *done)
{
    struct standard_output *std = out->priv;
    enum output_status status = begin(out);
    size_t at = chunk_start(chunk, first) + std->torn;
    if (status == OUTPUT_OK)
        status = emit(out, STDOUT_FILENO, chunk->bytes.data, chunk_len(chunk), &at);
    *done = emit_records(chunk, first, at);
    /* After a failure the record is given up, and the next one is not its continuation. */
    std->torn = status == OUTPUT_FAILED ? 0 : at - chunk_start(chunk, *done);
    return judge(out, status);
}

/* A stream without records begins and ends, too; one that ends inside a record cannot be ended. */
static void stdout_close(struct output *out)
{
    struct standard_output *std = out->priv;
    enum output_status status = begin(out);
    if (status == OUTPUT_OK && std->torn == 0)
        status = write_edge(out, out->format->end);
    if (status != OUTPUT_OK)
        judge(out, status);
    buf_free(&std->edge);
}

static const struct output_hooks stdout_hooks = {
    .terminal = stdout_terminal,
    .open = stdout_open,
    .write = stdout_write,
    .close = stdout_close,
};

const struct module output_stdout = {
    .name = "stdout",
    .kind = MODULE_OUTPUT,
    .doc =
        "Writes records to standard output. When its reader goes away, the program ends quietly.",
    .size = sizeof(struct standard_output),
    .hooks = &stdout_hooks,
};
