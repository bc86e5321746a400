/*
 * Reads the data frames of one Frame Streams file (through a source) in batches, as spans into the
 * reader's own buffer. Frames that follow each other in the file do so in the buffer too, each
 * behind its length word: a run of them is ready to be written elsewhere as it stands.
 *
 *     while ((status = frame_reader_fill(&reader, &err)) > 0)
 *         while (frame_reader_next(&reader, &frame))
 *             ...
 */
#ifndef SPILE_IO_FRAME_READER_H
#define SPILE_IO_FRAME_READER_H

#include "io/source.h"
#include "wire/fstrm.h"

enum frame_reader_status {
    FRAME_READER_MORE = 1,
    FRAME_READER_AGAIN = 2, /* as SOURCE_AGAIN */
    FRAME_READER_END = 0,
    FRAME_READER_FAILED = -1,
};

enum { FRAME_READER_BATCH = 256, FRAME_WORD = 4 /* bytes of a frame's length word */ };

/* Owner: one thread. */
struct frame_reader {
    struct source *source;
    char *path; /* for messages */
    struct fstrm_rx rx;
    enum fstrm_status status; /* after the end: FSTRM_ERR_NO_STOP is worth a warning */
    uint8_t *buf;
    size_t cap;
    size_t start, len; /* the bytes not yet scanned are buf[start..len) */
    struct span frames[FRAME_READER_BATCH];
    size_t next, count;
};

/* `buffer` is the bytes read at a time; it grows only for a larger frame, up to `frame_max`. */
int frame_reader_open(struct frame_reader *reader, const char *path, size_t buffer,
                      uint32_t frame_max, struct error *err);
void frame_reader_close(struct frame_reader *reader);

/* Reads on; the spans handed out so far are void. Failed: err says why, with the path. */
enum frame_reader_status frame_reader_fill(struct frame_reader *reader, struct error *err);

/* Cold side of frame_reader_next. */
bool frame_reader_scan(struct frame_reader *reader);

/* The next whole frame in the buffer (without its length word); false: fill again. */
static inline bool frame_reader_next(struct frame_reader *reader, struct span *frame)
{
    if (reader->next == reader->count && !frame_reader_scan(reader))
        return false;
    *frame = reader->frames[reader->next++];
    return true;
}

#endif
