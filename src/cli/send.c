/*
 * spile send: Frame Streams files to a collector. Frames of a file that is not compressed go from
 * the read buffer to the socket as they stand, a run of them at a time; the files' own START and
 * STOP are left out.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/pacer.h"
#include "cli/retime.h"
#include "io/frame_reader.h"
#include "io/interrupt.h"
#include "io/sender.h"

enum { READ_BYTES = 256 * 1024 };

struct send {
    uint64_t rate;
    bool pace;
    uint64_t max_gap_ns;
    bool now;
    uint64_t loop;
    uint64_t write_size;
    bool unidirectional;
    uint64_t retry_s;
};

static const struct option send_options[] = {
    {.name = "rate",
     .type = OPTION_UINT,
     .offset = offsetof(struct send, rate),
     .value = "N",
     .min = 1,
     .max = 1000000000,
     .doc = "send N frames a second, evenly"},
    {.name = "pace",
     .type = OPTION_BOOL,
     .offset = offsetof(struct send, pace),
     .doc = "send the frames as far apart as their own times are"},
    {.name = "max-gap",
     .type = OPTION_DURATION,
     .offset = offsetof(struct send, max_gap_ns),
     .fallback = "60s",
     .seconds = true,
     .off = true,
     .min = 1000000,
     .max = 365 * 86400 * 1000000000ull,
     .doc =
         "with --pace: cut longer gaps between two times to this; off: wait as long as they say"},
    {.name = "now",
     .type = OPTION_BOOL,
     .offset = offsetof(struct send, now),
     .doc = "move the times in the messages so that each file begins now; latencies stay as they "
            "are"},
    {.name = "loop",
     .type = OPTION_UINT,
     .offset = offsetof(struct send, loop),
     .value = "N",
     .fallback = "1",
     .doc = "send all files N times; 0 is for ever"},
    {.name = "write-size",
     .type = OPTION_SIZE,
     .offset = offsetof(struct send, write_size),
     .value = "BYTES",
     .fallback = "64K",
     .min = 1,
     .max = 16 << 20,
     .doc = "write about BYTES at a time, always whole frames; 1 is a frame a write"},
    {.name = "unidirectional",
     .type = OPTION_BOOL,
     .offset = offsetof(struct send, unidirectional),
     .doc =
         "begin with START and expect no answers, as unbound does with dnstap-bidirectional: no"},
    {.name = "retry",
     .type = OPTION_UINT,
     .offset = offsetof(struct send, retry_s),
     .value = "SECONDS",
     .min = 1,
     .max = 3600,
     .doc =
         "keep trying to connect, and connect again when the connection breaks, with pauses that "
         "grow up to SECONDS"},
    {0},
};

static const struct command_example send_examples[] = {
    {"spile send capture.fstrm unix:/tmp/dnstap.sock", "replay a capture as fast as it goes"},
    {"spile send --rate 1000 --loop 0 capture.fstrm.zst tcp:127.0.0.1:6000",
     "a steady load until Ctrl-C"},
    {"spile send --pace --retry 5 capture.fstrm tcp:[::1]:6000",
     "at the pace of the recording, through restarts of the collector"},
    {"spile send --pace --now --loop 0 capture.fstrm unix:/tmp/dnstap.sock",
     "a recording as if it happened now, again and again"},
    {0},
};

/* How a step ended; what is below zero ends the sending. */
enum { GO_ON = 0, FAILED = -1, INTERRUPTED = -2 };

/* One run of the command. */
struct shipment {
    const struct send *options;
    struct sender sender;
    struct pacer pacer;
    uint64_t now_ns; /* of the last look at the clock */
    uint64_t started_ns;
    uint64_t shown_ns; /* when progress was shown last */
    struct span run;   /* whole frames that wait to be written together */
    uint64_t run_frames;
    struct retime retime;
    uint64_t began_ns;  /* when `retime` did */
    bool jumped;        /* that has been said */
    struct buf moved;   /* of --now: the frame whose times were moved last, with its length word */
    struct buf pending; /* of --now: what `run` points at */
    bool flawed;        /* an input was unreadable, cut or oversized */
    bool terminal;      /* standard error is one: show progress */
};

static int flush(struct shipment *s, struct error *err)
{
    struct span run = s->run;
    uint64_t count = s->run_frames;
    s->run = (struct span){0};
    s->run_frames = 0;
    if (count > 0 && sender_write(&s->sender, run, count, err) != 0)
        return FAILED;
    return interrupt_seen() ? INTERRUPTED : GO_ON;
}

/* Tells once that the times of a file jump, since the user may see that only as a long wait. */
static void tell_jump(struct shipment *s)
{
    if (s->pacer.cut_ns == 0)
        return;
    if (!s->jumped)
        log_warning("the recording's times jump by %llu s: this gap, and all that are longer than "
                    "--max-gap, are cut to that",
                    (unsigned long long)(s->pacer.cut_ns / CLOCK_SECOND_NS));
    s->jumped = true;
    s->pacer.cut_ns = 0;
}

/* Waits until the frame is due; what came before it goes out first. */
static int hold(struct shipment *s, struct span frame, struct error *err)
{
    uint64_t due_ns = pacer_due(&s->pacer, frame, s->now_ns);
    tell_jump(s);
    if (due_ns <= s->now_ns || due_ns <= (s->now_ns = clock_ns()))
        return GO_ON;
    int status = flush(s, err);
    while (status == GO_ON && (s->now_ns = clock_ns()) < due_ns) {
        sender_wait(&s->sender, due_ns);
        status = interrupt_seen() ? INTERRUPTED : GO_ON;
    }
    return status;
}

/* The frame as it stands in the reader, behind its length word. */
static struct span on_wire(struct span frame)
{
    return span_of(frame.ptr - FRAME_WORD, frame.len + FRAME_WORD);
}

/* The frame with its times moved and its length word in front; the frame as it stands in the reader
 * where there is nothing to move. */
static struct span moved(struct shipment *s, struct span frame)
{
    static const uint8_t room[FRAME_WORD];
    struct retime retime = s->retime;
    if (s->pacer.kind == PACER_TIMES) {
        retime.start_ns += s->pacer.anchor.at_ns - s->began_ns;
        retime.first_ns = s->pacer.anchor.time_ns;
    } else {
        retime.start_ns += s->pacer.slipped_ns;
    }
    s->moved.len = 0;
    buf_put(&s->moved, room, sizeof room);
    bool changed = !s->moved.failed && retime_frame(&retime, frame, &s->moved);
    s->retime.first_ns = retime.first_ns;
    size_t len = s->moved.len - sizeof room;
    if (!changed || len > FSTRM_FRAME_MAX)
        return on_wire(frame);
    store_be32(s->moved.data, (uint32_t)len);
    return buf_span(&s->moved);
}

/* Adds a frame that stands in the reader's buffer to the run; writes the run first where the frame
 * does not fit or follow. */
static int add_as_it_is(struct shipment *s, struct span wire, struct error *err)
{
    int status = GO_ON;
    bool follows = s->run_frames > 0 && s->run.ptr + s->run.len == wire.ptr;
    if (!follows || s->run.len + wire.len > s->options->write_size)
        status = flush(s, err);
    if (s->run_frames++ == 0)
        s->run.ptr = wire.ptr;
    s->run.len += wire.len;
    return status;
}

/* Adds a frame to a run that is put together in memory of its own. */
static int add_copy(struct shipment *s, struct span wire, struct error *err)
{
    int status = GO_ON;
    if (s->run.len + wire.len > s->options->write_size)
        status = flush(s, err);
    if (s->run_frames == 0)
        s->pending.len = 0;
    buf_put(&s->pending, wire.ptr, wire.len);
    if (s->pending.failed) {
        error_set(err, "no memory");
        return FAILED;
    }
    s->run_frames++;
    s->run = buf_span(&s->pending);
    return status;
}

static int add(struct shipment *s, struct span frame, struct error *err)
{
    int status = s->pacer.kind == PACER_OFF ? GO_ON : hold(s, frame, err);
    if (status != GO_ON)
        return status;
    return s->options->now ? add_copy(s, moved(s, frame), err)
                           : add_as_it_is(s, on_wire(frame), err);
}

static void show_progress(struct shipment *s)
{
    s->now_ns = clock_ns();
    if (!s->terminal || s->now_ns - s->shown_ns < 500000000)
        return;
    s->shown_ns = s->now_ns;
    double seconds = (double)(s->now_ns - s->started_ns) / 1e9;
    fprintf(stderr, "\r\033[Ksent %llu frames, %.0f a second", (unsigned long long)s->sender.frames,
            seconds > 0 ? (double)s->sender.frames / seconds : 0.0);
}

/* Everything that is in the reader's buffer. */
static int send_buffered(struct shipment *s, struct frame_reader *reader, struct error *err)
{
    struct span frame;
    int status = GO_ON;
    while (status == GO_ON && frame_reader_next(reader, &frame))
        status = add(s, frame, err);
    if (status == GO_ON)
        status = flush(s, err);
    show_progress(s);
    return status;
}

/* Reads on. A pipe is waited for here, where an interrupt is noticed, rather than in read(2). */
static enum frame_reader_status fill(struct frame_reader *reader, struct error *err)
{
    const struct source *source = reader->source;
    if (!source_compressed(source) && !source_regular(source))
        interrupt_wait(source_fd(source), POLLIN, UINT64_MAX);
    return interrupt_seen() ? FRAME_READER_AGAIN : frame_reader_fill(reader, err);
}

/* One file. Its own faults are told and remembered; FAILED is for those of the connection. */
static int send_file(struct shipment *s, const char *path, struct error *err)
{
    struct frame_reader reader;
    struct error problem, note;
    size_t buffer = s->options->write_size > READ_BYTES ? s->options->write_size : READ_BYTES;
    if (frame_reader_open(&reader, path, buffer, FSTRM_FRAME_MAX, &problem) != 0) {
        log_error("%s", problem.text);
        s->flawed = true;
        return GO_ON;
    }
    s->began_ns = clock_ns();
    pacer_rewind(&s->pacer, s->began_ns);
    retime_begin(&s->retime, clock_wall_ns());
    int status = GO_ON;
    enum frame_reader_status filled = FRAME_READER_MORE;
    while (status == GO_ON && (filled = fill(&reader, &problem)) > 0)
        status = interrupt_seen() ? INTERRUPTED : send_buffered(s, &reader, err);
    if (frame_reader_note(&reader, &note))
        log_warning("%s", note.text);
    if (filled == FRAME_READER_FAILED) {
        log_error("%s", problem.text);
        s->flawed = true;
    }
    frame_reader_close(&reader);
    return status;
}

static int send_all(struct shipment *s, char **paths, int count, struct error *err)
{
    uint64_t rounds = s->options->loop;
    for (uint64_t round = 0; rounds == 0 || round < rounds; round++) {
        uint64_t before = s->sender.frames;
        for (int i = 0; i < count; i++) {
            int status = send_file(s, paths[i], err);
            if (status != GO_ON)
                return status;
        }
        if (s->sender.frames == before && rounds != 1) {
            log_warning("there is nothing to send: not trying it again");
            break;
        }
    }
    return GO_ON;
}

static void summarize(const struct shipment *s)
{
    if (s->sender.connections == 0)
        return;
    if (s->terminal)
        fprintf(stderr, "\r\033[K");
    fprintf(stderr, "sent %llu frames, %llu bytes in %.3f s\n",
            (unsigned long long)s->sender.frames, (unsigned long long)s->sender.bytes,
            (double)(clock_ns() - s->started_ns) / 1e9);
}

/* Connects, sends, finishes; an enum command_status. */
static int ship(struct shipment *s, char **paths, int count)
{
    struct error err = {0};
    int status = sender_open(&s->sender, &err);
    s->started_ns = s->shown_ns = s->now_ns = clock_ns();
    if (status == 0)
        status = send_all(s, paths, count, &err);
    if (status != FAILED && sender_finish(&s->sender, &err) != 0)
        status = FAILED;
    summarize(s);
    if (status == FAILED)
        log_error("%s", err.text);
    return status == FAILED || s->flawed ? COMMAND_FAILED : COMMAND_OK;
}

/* What the option table cannot say. COMMAND_OK, or what to exit with. */
static int check(struct command_call *call, int files)
{
    const struct send *options = call->options;
    int standard_inputs = 0;
    if (options->pace && options->rate)
        return command_usage(call, "--rate and --pace exclude each other");
    for (int i = 0; i < files; i++) {
        if (strcmp(call->operands[i], "-") == 0) {
            standard_inputs++;
        } else if (access(call->operands[i], R_OK) != 0) {
            log_error("%s: %m", call->operands[i]);
            return COMMAND_FAILED;
        }
    }
    if (standard_inputs > 1 || (standard_inputs == 1 && options->loop != 1))
        return command_usage(call, "standard input can be sent only once");
    return COMMAND_OK;
}

static int send_run(struct command_call *call)
{
    const struct send *options = call->options;
    int files = call->operand_count - 1;
    struct endpoint endpoint;
    struct error err;
    if (endpoint_parse(&endpoint, call->operands[files], &err) != 0)
        return command_usage(call, "%s", err.text);
    int status = check(call, files);
    if (status != COMMAND_OK)
        return status;
    if (interrupt_open() != 0) {
        log_error("cannot catch signals: %m");
        return COMMAND_FAILED;
    }
    struct shipment shipment = {.options = options, .terminal = isatty(STDERR_FILENO)};
    enum pacer_kind kind = options->pace ? PACER_TIMES : options->rate ? PACER_RATE : PACER_OFF;
    pacer_init(&shipment.pacer, kind, options->rate);
    shipment.pacer.max_gap_ns = options->max_gap_ns;
    sender_init(&shipment.sender, &endpoint, !options->unidirectional,
                options->retry_s * 1000000000);
    shipment.sender.prompt = kind != PACER_OFF;
    status = ship(&shipment, call->operands, files);
    sender_close(&shipment.sender);
    buf_free(&shipment.moved);
    buf_free(&shipment.pending);
    return status;
}

const struct command command_send = {
    .name = "send",
    .summary = "send Frame Streams files to a collector",
    .doc =
        "Reads Frame Streams files (plain, gzip, zstd or xz; \"-\" is standard input) and sends "
        "their frames over one connection. DEST is unix:PATH or tcp:HOST:PORT.\n\n"
        "With --retry a broken connection is made anew and the sending goes on with the first "
        "frame that had not been handed over whole. No frame is sent twice; frames that lay "
        "unread in the socket when it broke are lost.\n\n"
        "--pace goes by the messages' own times. Where they jump ahead by more than --max-gap, the "
        "wait is that long and a warning says so, once; a message whose time lies before that of "
        "an earlier one follows it at once.\n\n"
        "--now moves all times of a file by the same amount, so that its first message happens "
        "now. "
        "With --pace every message then has the time at which it is sent, also behind a gap that "
        "was cut. Messages that have no "
        "time, and what is no dnstap, go as they are.\n\n"
        "An interrupt ends the stream properly, with STOP. Exits with 1 when the receiver did not "
        "confirm the end by FINISH within five seconds, or a file was cut.",
    .operands = "FILE|-... DEST",
    .operand_choices = command_places,
    .operand_files = true,
    .operand_min = 2,
    .operand_max = COMMAND_MANY,
    .size = sizeof(struct send),
    .options = send_options,
    .examples = send_examples,
    .run = send_run,
};
