#include "io/frame_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "wire/dnstap.h"

int frame_reader_open(struct frame_reader *reader, const char *path, size_t buffer,
                      uint32_t frame_max, struct error *err)
{
    struct frame_reader opened = {.source = source_open(path, err), .cap = buffer};
    if (!opened.source)
        return -1;
    opened.buf = malloc(buffer);
    opened.path = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    if (!opened.buf || !opened.path) {
        frame_reader_close(&opened);
        return error_set(err, "%s: no memory", path);
    }
    fstrm_rx_init(&opened.rx, span_str(FSTRM_DNSTAP_TYPE), frame_max, false);
    *reader = opened;
    return 0;
}

void frame_reader_close(struct frame_reader *reader)
{
    source_close(reader->source);
    free(reader->buf);
    free(reader->path);
    *reader = (struct frame_reader){0};
}

static struct span unread(const struct frame_reader *reader)
{
    return span_of(reader->buf + reader->start, reader->len - reader->start);
}

/* --- the way back into a file --------------------------------------------------------------- */

/* Where the next START behind `start` begins; `len` when none is in the buffer. Each byte is
 * searched once. */
static size_t next_start(struct frame_reader *reader)
{
    if (reader->mark > reader->start)
        return reader->mark;
    size_t from = reader->sought > reader->start ? reader->sought : reader->start + 1;
    if (from >= reader->len)
        return reader->len;
    size_t at = from + fstrm_find_start(span_of(reader->buf + from, reader->len - from));
    bool found = at < reader->len;
    size_t searched =
        reader->len - from < FSTRM_START_BYTES ? from : reader->len - FSTRM_START_BYTES;
    reader->mark = found ? at : 0;
    reader->sought = found ? at + 1 : searched + 1 > from ? searched + 1 : from;
    return at;
}

/* True when `in`, which goes on to the end of what has been read, may follow a frame. */
static bool may_follow(const struct frame_reader *reader, struct span in)
{
    struct fstrm_control control;
    struct dnstap tap;
    if (in.len < FRAME_WORD)
        return true;
    uint32_t len = load_be32(in.ptr);
    uint64_t need = fstrm_rx_need(&reader->rx, in);
    if (len > reader->rx.frame_max)
        return false;
    if (need == 0 || need > in.len) /* the file ends there, or the frame would be whole */
        return true;
    struct span body = span_of(in.ptr + FRAME_WORD, need - FRAME_WORD);
    if (len > 0)
        return dnstap_decode(body, &tap) == 0;
    return fstrm_control_decode(span_of(body.ptr + 4, body.len - 4), &control) == 0;
}

enum unit { UNIT_WHOLE, UNIT_CUT, UNIT_UNKNOWN /* until more has been read */ };

/* How many bytes may be looked at in vain: so many, and some for each that was read. */
enum { DOUBT_BYTES = 16 << 20, DOUBT_PART = 4 };

/* Frames that reach over many STARTs, each with the head of a large frame behind it, would be
 * decoded once for each: a file of a few MB could keep us busy for minutes. False: enough has been
 * doubted, and lengths are believed. */
static bool may_doubt(struct frame_reader *reader, uint64_t need)
{
    if (reader->doubted > DOUBT_BYTES + DOUBT_PART * reader->bytes)
        return false;
    reader->doubted += need;
    return true;
}

/* Judges the unit at `start`, which reaches over the beginning of a START. */
static enum unit judge_unit(struct frame_reader *reader)
{
    struct span in = unread(reader);
    struct dnstap tap;
    uint64_t need = fstrm_rx_need(&reader->rx, in);
    if (load_be32(in.ptr) == 0 || load_be32(in.ptr) > reader->rx.frame_max)
        return UNIT_CUT;
    if (need > in.len)
        return reader->ended ? UNIT_CUT : UNIT_UNKNOWN;
    if (!may_doubt(reader, need))
        return UNIT_WHOLE;
    if (dnstap_decode(span_of(in.ptr + FRAME_WORD, need - FRAME_WORD), &tap) != 0)
        return UNIT_CUT;
    struct span behind = span_of(in.ptr + need, in.len - need);
    if (!may_follow(reader, behind))
        return UNIT_CUT;
    uint64_t more = fstrm_rx_need(&reader->rx, behind);
    bool told = reader->ended || reader->follow || (more > 0 && more <= behind.len);
    return told ? UNIT_WHOLE : UNIT_UNKNOWN;
}

/* True where the stream cannot go on, but another one may begin further behind. A file that is
 * still being written is not searched: whoever follows it is to hear of the fault at once. */
static bool lost(const struct frame_reader *reader)
{
    return (reader->status == FSTRM_ERR_CONTROL || reader->status == FSTRM_ERR_SEQUENCE) &&
           reader->rx.started && !reader->follow;
}

/* The reader is lost: looks for a START from which it can. False: it needs more bytes, or
 * there is none. */
static bool find_way(struct frame_reader *reader)
{
    size_t start = next_start(reader);
    if (start == reader->len) {
        if (reader->sought > reader->start)
            reader->start = reader->sought - 1; /* what has been searched is not kept */
        return false;
    }
    reader->start = start;
    fstrm_rx_resume(&reader->rx);
    reader->status = FSTRM_OK;
    return true;
}

/* --- frames --------------------------------------------------------------------------------- */

/* A file may go on with compressed data. */
static bool goes_on_compressed(struct frame_reader *reader)
{
    bool bad = reader->status == FSTRM_ERR_SEQUENCE || reader->status == FSTRM_ERR_FRAME_SIZE;
    if (!bad || !reader->rx.started || !source_reopen(reader->source, unread(reader)))
        return false;
    reader->len = reader->sought = reader->start;
    reader->mark = 0;
    reader->status = FSTRM_OK;
    fstrm_rx_resume(&reader->rx);
    return true;
}

/* Takes frames of buf[start..end). False: there is not even one that is whole. */
static bool take(struct frame_reader *reader, size_t end, size_t cap)
{
    struct span in = span_of(reader->buf + reader->start, end - reader->start);
    size_t used;
    reader->status = fstrm_rx_feed(&reader->rx, in, reader->frames, cap, &reader->count, &used);
    reader->start += used;
    if (reader->status > 0)
        reader->status = FSTRM_OK; /* another stream may follow */
    if (goes_on_compressed(reader))
        return true;
    if (lost(reader))
        reader->damage = reader->status;
    return used > 0 || reader->status != FSTRM_OK;
}

/* One step forward; false: that takes more bytes. */
static bool step(struct frame_reader *reader)
{
    if (reader->status != FSTRM_OK)
        return lost(reader) && find_way(reader);
    size_t start = next_start(reader);
    if (take(reader, start, FRAME_READER_BATCH))
        return true;
    if (start == reader->len)
        return false;
    switch (judge_unit(reader)) {
    case UNIT_WHOLE:
        return take(reader, reader->len, 1);
    case UNIT_CUT:
        reader->cut_bytes += start - reader->start;
        reader->start = start;
        return true;
    case UNIT_UNKNOWN:
        break;
    }
    return false;
}

bool frame_reader_scan(struct frame_reader *reader)
{
    reader->passed += reader->count;
    reader->next = reader->count = 0;
    while (reader->count == 0 && step(reader))
        ;
    return reader->count > 0;
}

/* Moves what is left to the front and sees to it that there is room behind it. */
static int make_room(struct frame_reader *reader)
{
    struct span left = unread(reader);
    size_t most = 2 * (FRAME_WORD + (size_t)reader->rx.frame_max) + FSTRM_START_BYTES;
    if (left.len == reader->cap) {
        size_t cap = reader->cap < most / 2 ? 2 * reader->cap : most;
        uint8_t *grown = cap > reader->cap ? realloc(reader->buf, cap) : NULL;
        if (!grown)
            return -1;
        reader->buf = grown;
        reader->cap = cap;
    } else if (reader->start > 0 && left.len > 0) {
        memmove(reader->buf, left.ptr, left.len);
    }
    reader->mark = reader->mark > reader->start ? reader->mark - reader->start : 0;
    reader->sought = reader->sought > reader->start ? reader->sought - reader->start : 0;
    reader->start = 0;
    reader->len = left.len;
    return 0;
}

static enum frame_reader_status failed(const struct frame_reader *reader, enum fstrm_status why,
                                       struct error *err)
{
    if (source_damaged(reader->source))
        source_error(reader->source, err);
    else if (why == FSTRM_ERR_FRAME_SIZE)
        error_set(err,
                  "%s: frame %" PRIu64 " has %" PRIu64
                  " bytes, more than frame-max allows (%" PRIu32 ")",
                  reader->path, reader->passed + reader->count + 1, reader->rx.failed_length,
                  reader->rx.frame_max);
    else
        error_set(err, "%s: %s", reader->path, fstrm_status_text(why));
    return FRAME_READER_FAILED;
}

/* Whether bytes are wanted, or why not. */
static enum frame_reader_status verdict(struct frame_reader *reader, struct error *err)
{
    if (reader->ended && reader->status == FSTRM_OK)
        reader->status = fstrm_rx_end(&reader->rx, reader->len - reader->start);
    if (reader->status == FSTRM_OK || (lost(reader) && !reader->ended))
        return FRAME_READER_MORE;
    if (reader->status != FSTRM_STOPPED && reader->status != FSTRM_ERR_NO_STOP)
        return failed(reader, reader->status, err);
    return reader->damage != FSTRM_OK ? failed(reader, reader->damage, err) : FRAME_READER_END;
}

/* The source has no more bytes, for now or for good. In the latter case `ended` is set, and what is
 * left is scanned once more, for it may now be judged otherwise. */
static enum frame_reader_status at_end(struct frame_reader *reader, struct error *err)
{
    if (reader->follow && source_shrunk(reader->source)) {
        error_set(err, "%s: was cut while it was followed", reader->path);
        return FRAME_READER_FAILED;
    }
    if (reader->follow && source_regular(reader->source) &&
        fstrm_rx_end(&reader->rx, reader->len - reader->start) != FSTRM_STOPPED)
        return FRAME_READER_AGAIN;
    reader->ended = true;
    return FRAME_READER_MORE;
}

enum frame_reader_status frame_reader_fill(struct frame_reader *reader, struct error *err)
{
    enum frame_reader_status status = verdict(reader, err);
    if (status != FRAME_READER_MORE)
        return status;
    if (make_room(reader) != 0) {
        error_set(err, "%s: no memory", reader->path);
        return FRAME_READER_FAILED;
    }
    source_follow(reader->source, reader->follow);
    ssize_t n = source_read(reader->source, reader->buf + reader->len, reader->cap - reader->len);
    if (n == SOURCE_AGAIN)
        return FRAME_READER_AGAIN;
    if (n < 0) {
        source_error(reader->source, err);
        return FRAME_READER_FAILED;
    }
    reader->len += (size_t)n;
    reader->bytes += (size_t)n;
    return n > 0 ? FRAME_READER_MORE : at_end(reader, err);
}

bool frame_reader_note(const struct frame_reader *reader, struct error *note)
{
    char cut[80] = "";
    bool open = reader->status == FSTRM_ERR_NO_STOP,
         anew = reader->rx.restarts || reader->cut_bytes;
    if (reader->cut_bytes)
        snprintf(cut, sizeof cut, "; %" PRIu64 " bytes of cut frames were passed over",
                 reader->cut_bytes);
    if (anew)
        error_set(note, "%s: goes on with a new START where its writer was cut off%s%s",
                  reader->path, cut, open ? "; ends without STOP, too" : "");
    else if (open)
        error_set(note, "%s: ends without STOP: its writer was cut off, or still writes",
                  reader->path);
    return anew || open;
}
