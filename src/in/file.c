/* Input `file`: Frame Streams files, plain or compressed, and standard input, one after the other.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "core/gather.h"
#include "core/input.h"
#include "in/handover.h"
#include "io/frame_reader.h"
#include "io/place.h"

enum { FOLLOW_MS = 100, READ_BYTES = 256 * 1024 };

struct file_input_options {
    struct option_strings paths;
    bool follow;
};

static const struct option file_rows[] = {
    {.name = "path",
     .type = OPTION_STRINGS,
     .offset = offsetof(struct file_input_options, paths),
     .required = true,
     .reads = true,
     .example = "/var/log/dnstap.fstrm.zst",
     .doc = "files to read, in this order; - is standard input; compression (gzip, zstd, xz) is "
            "told by the first bytes"},
    {.name = "follow",
     .type = OPTION_BOOL,
     .offset = offsetof(struct file_input_options, follow),
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
struct file_reader {
    struct worker_item item;
    struct handover to;
    struct frame_reader frames; /* of the present file; all zero: none is open */
    struct input *input;
    const struct file_input_options *options;
    size_t next;       /* index of the next file */
    uv_idle_t idle;    /* for files: one read a round of the loop */
    struct pipe *pipe; /* for what may keep us waiting; NULL for files */
    uv_timer_t timer;  /* for follow */
    unsigned handles;  /* of libuv, not closed yet; the pipe's is its own */
    bool ending;
    bool failed;
};

static void read_some(struct file_reader *r);
static void next_file(struct file_reader *r);

static struct file_reader *of_item(struct worker_item *item)
{
    return (struct file_reader *)((char *)item - offsetof(struct file_reader, item));
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
    struct file_reader *r = handle->data;
    if (--r->handles > 0)
        return;
    struct engine *engine = r->input->engine;
    bool failed = r->failed;
    counter_add_shared(&r->input->counters.open, (uint64_t)-1);
    frame_reader_close(&r->frames);
    handover_end(&r->to);
    worker_detach(r->to.worker, &r->item);
    free(r);
    engine_input_ended(engine, failed);
}

static void pipe_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_pipe(struct file_reader *r)
{
    struct pipe *pipe = r->pipe;
    r->pipe = NULL;
    if (!pipe)
        return;
    fcntl(pipe->fd, F_SETFL, pipe->flags);
    pipe->poll.data = pipe;
    uv_close((uv_handle_t *)&pipe->poll, pipe_closed);
}

static void end(struct file_reader *r)
{
    if (r->ending)
        return;
    r->ending = true;
    close_pipe(r);
    uv_close((uv_handle_t *)&r->idle, handle_closed);
    uv_close((uv_handle_t *)&r->timer, handle_closed);
}

/* There is nothing to read now: a pipe is polled, a file that grows is looked at again later. */
static void wait_for_more(struct file_reader *r)
{
    if (r->pipe) {
        uv_idle_stop(&r->idle);
    } else if (r->frames.follow) {
        uv_idle_stop(&r->idle);
        uv_timer_start(&r->timer, timer_fired, FOLLOW_MS, 0);
    }
}

/* Ends with the present file. `why` says why it cannot be read on; NULL: it has been read to its
 * end. */
static void file_ended(struct file_reader *r, const char *why)
{
    struct error note;
    if (frame_reader_note(&r->frames, &note))
        log_warning("%s", note.text);
    if (why) {
        counter_add_shared(&r->input->counters.errors, 1);
        log_error("%s", why);
        r->failed = true;
    }
    next_file(r);
}

/* All whole frames that have been read. */
static void hand_over(struct file_reader *r)
{
    /* Where a file is read nobody rests for connections beside it. */
    gather_turn(worker_gather(r->to.worker), 0, 0, true);
    while (frame_reader_scan(&r->frames) && !r->to.enough)
        handover_frames(&r->to, r->frames.frames, r->frames.count);
    if (r->to.enough)
        end(r);
    else if (!r->pipe || source_compressed(r->frames.source)) /* a decompressor may hold more */
        uv_idle_start(&r->idle, idle_fired);
}

static void read_some(struct file_reader *r)
{
    struct error err;
    uint64_t before = r->frames.bytes;
    enum frame_reader_status status = frame_reader_fill(&r->frames, &err);
    handover_bytes(&r->to, r->frames.bytes - before);
    counter_set(&r->input->counters.taken, source_taken(r->frames.source));
    switch (status) {
    case FRAME_READER_MORE:
        hand_over(r);
        break;
    case FRAME_READER_AGAIN:
        wait_for_more(r);
        break;
    case FRAME_READER_END:
        file_ended(r, NULL);
        break;
    case FRAME_READER_FAILED:
        file_ended(r, err.text);
        break;
    }
}

/* Polls the source; false when it cannot be polled, and so never keeps us waiting. */
static bool poll_pipe(struct file_reader *r)
{
    struct pipe *pipe = calloc(1, sizeof *pipe);
    if (!pipe)
        return false;
    pipe->fd = source_fd(r->frames.source);
    pipe->flags = fcntl(pipe->fd, F_GETFL);
    if (uv_poll_init(worker_loop(r->to.worker), &pipe->poll, pipe->fd) < 0) {
        free(pipe);
        return false;
    }
    r->pipe = pipe;
    pipe->poll.data = r;
    uv_poll_start(&pipe->poll, UV_READABLE, poll_fired);
    return true;
}

static void start_reading(struct file_reader *r)
{
    uv_idle_stop(&r->idle);
    if (source_regular(r->frames.source) || !poll_pipe(r))
        uv_idle_start(&r->idle, idle_fired);
}

/* Opens the next file that can be opened; false when there is none left. */
static bool open_next(struct file_reader *r)
{
    const struct settings *settings = worker_settings(r->to.worker);
    const struct option_strings *paths = &r->options->paths;
    struct error err = {0};
    while (r->next < paths->count) {
        const char *path = paths->items[r->next++];
        snprintf(r->to.origin.peer, sizeof r->to.origin.peer, "%s", path);
        if (frame_reader_open(&r->frames, path, READ_BYTES, (uint32_t)settings->frame_max, &err) ==
            0) {
            r->frames.follow = r->options->follow && r->next == paths->count;
            return true;
        }
        log_error("%s", err.text);
        r->failed = true;
    }
    return false;
}

static void next_file(struct file_reader *r)
{
    uv_timer_stop(&r->timer);
    close_pipe(r);
    handover_end(&r->to);
    frame_reader_close(&r->frames);
    handover_init(&r->to, r->to.worker, &r->input->counters);
    if (r->ending || !open_next(r)) {
        end(r);
        return;
    }
    r->to.origin.input = r->input->index;
    handover_list(&r->to);
    counter_set(&r->input->counters.size, source_size(r->frames.source));
    start_reading(r);
}

static void stop(struct worker_item *item)
{
    end(of_item(item));
}

/* On the worker's thread. */
static void begin(struct worker_item *item, struct worker *worker)
{
    struct file_reader *r = of_item(item);
    uv_idle_init(worker_loop(worker), &r->idle);
    uv_timer_init(worker_loop(worker), &r->timer);
    r->idle.data = r->timer.data = r;
    r->handles = 2;
    handover_init(&r->to, worker, &r->input->counters);
    next_file(r);
}

/* As cat(1) does, before anything is written. */
static int refuse_own_output(const struct input *in, struct error *err)
{
    const struct option_strings *paths = &((const struct file_input_options *)in->options)->paths;
    struct stat st;
    for (size_t i = 0; i < paths->count; i++) {
        const char *path = paths->items[i];
        int rc = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st);
        if (rc == 0 && engine_prints_into(in->engine, &st))
            return error_set(err, "%s: is both input and output", path);
    }
    return 0;
}

static int file_open(struct input *in, struct error *err)
{
    if (refuse_own_output(in, err) < 0)
        return -1;
    struct file_reader *r = calloc(1, sizeof *r);
    if (!r)
        return error_set(err, "no memory");
    r->item = (struct worker_item){.owner = &in->owner, .begin = begin, .stop = stop};
    r->input = in;
    r->options = in->options;
    counter_add_shared(&in->counters.open, 1);
    worker_begin(engine_pick_worker(in->engine), &r->item);
    return 0;
}

/* A file that cannot be read keeps nothing from starting, for reading passes it over. */
static enum module_verdict file_probe(const void *options, const void **wrong, struct error *err)
{
    const struct file_input_options *file = options;
    *wrong = &file->paths;
    for (size_t i = 0; i < file->paths.count; i++) {
        const char *path = file->paths.items[i];
        if (strcmp(path, "-") != 0 && place_read(path, err) < 0)
            return MODULE_LACKS;
    }
    return MODULE_FINE;
}

static const struct input_hooks file_hooks = {.finite = true, .open = file_open};

const struct module input_file = {
    .name = "file",
    .kind = MODULE_INPUT,
    .doc = "Reads Frame Streams files, as fstrm_capture and DNS servers write them.",
    .options_size = sizeof(struct file_input_options),
    .options = file_rows,
    .common = &input_common,
    .hooks = &file_hooks,
    .probe = file_probe,
};
