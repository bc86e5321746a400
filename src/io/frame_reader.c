#include "io/frame_reader.h"

#include <stdlib.h>

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

bool frame_reader_scan(struct frame_reader *reader)
{
    size_t used = 0;
    reader->next = reader->count = 0;
    if (reader->status != FSTRM_OK)
        return false;
    struct span in = span_of(reader->buf + reader->start, reader->len - reader->start);
    /* Unknown control frames may fill a whole round without a data frame. */
    do {
        reader->status = fstrm_rx_feed(&reader->rx, in, reader->frames, FRAME_READER_BATCH,
                                       &reader->count, &used);
        reader->start += used;
        in = span_of(in.ptr + used, in.len - used);
    } while (reader->count == 0 && used > 0 && reader->status == FSTRM_OK);
    return reader->count > 0;
}

/* Moves the cut frame to the front and sees to it that there is room behind it. */
static int make_room(struct frame_reader *reader)
{
    struct span left = span_of(reader->buf + reader->start, reader->len - reader->start);
    uint64_t need = fstrm_rx_need(&reader->rx, left);
    if (need > reader->cap) {
        uint8_t *grown = malloc(need);
        if (!grown)
            return -1;
        memcpy(grown, left.ptr, left.len);
        free(reader->buf);
        reader->buf = grown;
        reader->cap = need;
    } else if (reader->start > 0 && left.len > 0) {
        memmove(reader->buf, left.ptr, left.len);
    }
    reader->start = 0;
    reader->len = left.len;
    return 0;
}

/* What the stream's status means to the caller, with the reason for a failure. */
static enum frame_reader_status verdict(const struct frame_reader *reader, struct error *err)
{
    switch (reader->status) {
    case FSTRM_OK:
        return FRAME_READER_MORE;
    case FSTRM_STOPPED:
    case FSTRM_ERR_NO_STOP:
        return FRAME_READER_END;
    default:
        error_set(err, "%s: %s", reader->path, fstrm_status_text(reader->status));
        return FRAME_READER_FAILED;
    }
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
    ssize_t n = source_read(reader->source, reader->buf + reader->len, reader->cap - reader->len);
    if (n == SOURCE_AGAIN)
        return FRAME_READER_AGAIN;
    if (n < 0) {
        source_error(reader->source, err);
        return FRAME_READER_FAILED;
    }
    reader->len += (size_t)n;
    if (n > 0)
        return FRAME_READER_MORE;
    reader->status = fstrm_rx_end(&reader->rx, reader->len - reader->start);
    return verdict(reader, err);
}
