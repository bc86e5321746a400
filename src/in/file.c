/* Input `file`: Frame Streams files, plain or compressed, and standard input, one after the other.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/input.h"
#include "in/feed.h"
#include "io/source.h"

enum { FOLLOW_MS = 100 };

struct file {
    struct option_strings paths;
    bool follow;
};

static const struct option file_options[] = {
    {.name = "path",
     .type = OPTION_STRINGS,
     .offset = offsetof(struct file, paths),
     .required = true,
     .example = "/var/log/dnstap.fstrm.zst",
     .doc = "files to read, in this order; - is standard input; compression (gzip, zstd, xz) is "
            "told by the first bytes"},
    {.name = "follow",
     .type = OPTION_BOOL,
     .offset = offsetof(struct file, follow),
     .fallback = "false",
     .doc = "at the end of the last file, wait for more until STOP comes"},
    {0},
};

/* A source that is polled: a pipe, a terminal. */
struct pipe {
    uv_poll_t poll;
    int fd;
    int flags; /* of the descriptor, before libuv made it non-blocking: others share it */
};

/* Reads the files, on one worker. */
struct reader {
    struct worker_item item;
    struct feed feed;
    struct input *input;
    const struct file *file;
    struct source *source;
    size_t next;       /* index of the next file */
    uv_idle_t idle;    /* for files: one read a round of the loop */
    struct pipe *pipe; /* for what may keep us waiting; NULL for files */
    uv_timer_t timer;  /* for follow */
    unsigned handles;  /* of libuv, not closed yet; the pipe's is its own */
    bool ending;
    bool failed;
};

static void read_some(struct reader *r);
static void next_file(struct reader *r);

static struct reader *of_item(struct worker_item *item)
{
    return (struct reader *)((char *)item - offsetof(struct reader, item));
}

static void idle_fired(uv_idle_t *idle)
{
    read_some(idle->data);
}

static void timer_fired(uv_timer_t *timer)
{
    read_some(timer->data);
}

static void poll_fired(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    read_some(poll->data);
}

static void handle_closed(uv_handle_t *handle)
{
    struct reader *r = handle->data;
    if (--r->handles > 0)
        return;
    struct pipeline *pipeline = r->input->pipeline;
    bool failed = r->failed;
    counter_add_shared(&r->input->counters.open, (uint64_t)-1);
    source_close(r->source);
    feed_destroy(&r->feed);
    worker_detach(r->feed.worker, &r->item);
    free(r);
    pipeline_input_ended(pipeline, failed);
}

static void pipe_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_pipe(struct reader *r)
{
    struct pipe *pipe = r->pipe;
    r->pipe = NULL;
    if (!pipe)
        return;
    fcntl(pipe->fd, F_SETFL, pipe->flags);
    pipe->poll.data = pipe;
    uv_close((uv_handle_t *)&pipe->poll, pipe_closed);
}

static void end(struct reader *r)
{
    if (r->ending)
        return;
    r->ending = true;
    close_pipe(r);
    uv_close((uv_handle_t *)&r->idle, handle_closed);
    uv_close((uv_handle_t *)&r->timer, handle_closed);
}

static const char *path_of(const struct reader *r)
{
    const char *path = r->file->paths.items[r->next - 1];
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static void broken(struct reader *r, const char *why)
{
    counter_add_shared(&r->input->counters.errors, 1);
    log_error("%s: %s", path_of(r), why);
    r->failed = true;
    next_file(r);
}

/* The stream cannot go on. */
static void broken_status(struct reader *r, int status)
{
    char why[160];
    if (status == FSTRM_ERR_FRAME_SIZE) {
        snprintf(why, sizeof why, "frame %llu has %llu bytes, more than frame-max allows (%llu)",
                 (unsigned long long)r->feed.frames + 1,
                 (unsigned long long)r->feed.rx.failed_length,
                 (unsigned long long)r->feed.rx.frame_max);
        broken(r, why);
        return;
    }
    broken(r, feed_status_text(status));
}

/* The source has no more bytes. */
static void at_end(struct reader *r)
{
    int status = feed_end(&r->feed);
    bool last = r->next == r->file->paths.count;
    if (r->file->follow && last && status != FSTRM_STOPPED && source_regular(r->source)) {
        uv_idle_stop(&r->idle);
        uv_timer_start(&r->timer, timer_fired, FOLLOW_MS, 0);
        return;
    }
    if (status == FSTRM_ERR_NO_STOP)
        log_warning("%s: ends without STOP: its writer was cut off, or still writes", path_of(r));
    else if (status < 0) {
        broken_status(r, status);
        return;
    }
    next_file(r);
}

static void source_broken(struct reader *r)
{
    struct error err = {0};
    source_error(r->source, &err);
    counter_add_shared(&r->input->counters.errors, 1);
    log_error("%s", err.text);
    r->failed = true;
    next_file(r);
}

static void read_some(struct reader *r)
{
    size_t size;
    uint8_t *space = feed_space(&r->feed, &size);
    if (!space) {
        broken_status(r, FEED_NO_MEMORY);
        return;
    }
    ssize_t got = source_read(r->source, space, size);
    if (got == SOURCE_AGAIN) {
        if (r->pipe)
            uv_idle_stop(&r->idle);
        return;
    }
    if (got == SOURCE_ERROR) {
        source_broken(r);
        return;
    }
    if (got == 0) {
        at_end(r);
        return;
    }
    counter_set(&r->input->counters.taken, source_taken(r->source));
    int status = feed_bytes(&r->feed, (size_t)got);
    if (r->feed.enough)
        end(r);
    else if (status < 0)
        broken_status(r, status);
    else if (!r->pipe || source_compressed(r->source)) /* a decompressor may hold more */
        uv_idle_start(&r->idle, idle_fired);
}

/* Polls the source; false when it cannot be polled, and so never keeps us waiting. */
static bool poll_pipe(struct reader *r)
{
    struct pipe *pipe = calloc(1, sizeof *pipe);
    if (!pipe)
        return false;
    pipe->fd = source_fd(r->source);
    pipe->flags = fcntl(pipe->fd, F_GETFL);
    if (uv_poll_init(worker_loop(r->feed.worker), &pipe->poll, pipe->fd) < 0) {
        free(pipe);
        return false;
    }
    r->pipe = pipe;
    pipe->poll.data = r;
    uv_poll_start(&pipe->poll, UV_READABLE, poll_fired);
    return true;
}

static void start_reading(struct reader *r)
{
    uv_idle_stop(&r->idle);
    if (source_regular(r->source) || !poll_pipe(r))
        uv_idle_start(&r->idle, idle_fired);
}

/* Opens the next file that can be opened; false when there is none left. */
static bool open_next(struct reader *r)
{
    struct error err = {0};
    while (!r->source && r->next < r->file->paths.count) {
        const char *path = r->file->paths.items[r->next++];
        snprintf(r->feed.origin.peer, sizeof r->feed.origin.peer, "%s", path);
        r->source = source_open(path, &err);
        if (!r->source) {
            log_error("%s", err.text);
            r->failed = true;
        }
    }
    return r->source;
}

static void next_file(struct reader *r)
{
    uv_timer_stop(&r->timer);
    close_pipe(r);
    feed_destroy(&r->feed);
    source_close(r->source);
    r->source = NULL;
    feed_init(&r->feed, r->feed.worker, &r->input->counters, false);
    if (r->ending || !open_next(r)) {
        end(r);
        return;
    }
    r->feed.origin.input = r->input->index;
    feed_list(&r->feed);
    counter_set(&r->input->counters.size, source_size(r->source));
    start_reading(r);
}

static void stop(struct worker_item *item)
{
    end(of_item(item));
}

/* On the worker's thread. */
static void begin(struct worker *worker, void *arg)
{
    struct reader *r = arg;
    uv_idle_init(worker_loop(worker), &r->idle);
    uv_timer_init(worker_loop(worker), &r->timer);
    r->idle.data = r->timer.data = r;
    r->handles = 2;
    feed_init(&r->feed, worker, &r->input->counters, false);
    worker_attach(worker, &r->item);
    next_file(r);
}

static int file_open(struct input *in, struct error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return error_set(err, "no memory");
    r->item.stop = stop;
    r->input = in;
    r->file = in->priv;
    counter_add_shared(&in->counters.open, 1);
    if (worker_post(pipeline_pick_worker(in->pipeline), begin, r) == 0)
        return 0;
    counter_add_shared(&in->counters.open, (uint64_t)-1);
    free(r);
    return error_set(err, "no memory");
}

static const struct input_hooks file_hooks = {.finite = true, .open = file_open};

const struct module input_file = {
    .name = "file",
    .kind = MODULE_INPUT,
    .doc = "Reads Frame Streams files, as fstrm_capture and DNS servers write them.",
    .size = sizeof(struct file),
    .options = file_options,
    .hooks = &file_hooks,
};
