/*
 * Output `stdout`: whole chunks onto standard output. A reader that goes away (a pipe into head)
 * closes the output quietly. A descriptor that another program set to non-blocking is waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "core/output.h"
#include "out/emit.h"

struct standard_output {
    bool terminal;
    bool begun;      /* what begins the format's streams is out */
    size_t torn;     /* bytes of the next record that are already out */
    struct buf edge; /* what begins or ends the stream, and how much of it is out */
    size_t edge_at;
    struct log_limit limit;
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
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
        return error_set(err, "standard output is not open");
    return 0;
}

/* Says what went wrong, once a second; a terminal that hung up is a reader that went away. */
static enum output_status judge(struct standard_output *std, enum output_status status)
{
    unsigned held;
    if (status == OUTPUT_OK || status == OUTPUT_CLOSED || errno == EINTR)
        return status;
    if (errno == EIO && std->terminal)
        return OUTPUT_CLOSED;
    if (log_limit_pass(&std->limit, 1, &held))
        log_warning("stdout: cannot write: %s", strerror(errno));
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
    return judge(std, status);
}

/* A stream without records begins and ends, too; one that ends inside a record cannot be ended. */
static void stdout_close(struct output *out)
{
    struct standard_output *std = out->priv;
    enum output_status status = begin(out);
    if (status == OUTPUT_OK && std->torn == 0)
        status = write_edge(out, out->format->end);
    judge(std, status);
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
