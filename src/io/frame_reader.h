/*
 * Cuts one Frame Streams file (through a source) into its data frames: the one piece of code that
 * does so, for all that read files. Frames come in batches, as spans into the reader's own buffer.
 * Those that follow each other in the file do so in the buffer too, each behind its length word: a
 * run of them is ready to be written elsewhere as it stands.
 *
 *     while ((status = frame_reader_fill(&reader, &err)) > 0)
 *         while (frame_reader_next(&reader, &frame))
 *             ...
 *
 * A file may hold many streams, one behind the other. Where a writer crashed and another one went
 * on appending, a START stands in the middle of a stream, or even of the frame that the crash cut:
 * the reader goes on with that START, and frame_reader_note says so at the end. Where bytes that
 * make no sense stand before a START it goes on, too, but the end is then FRAME_READER_FAILED. A
 * START is found by its bytes, and a DNS message may contain the same bytes. So a frame around them
 * counts as cut only if it is no dnstap message, or if what follows it is nothing that may follow a
 * frame.
 */
#ifndef SPILE_IO_FRAME_READER_H
#define SPILE_IO_FRAME_READER_H

#include "io/source.h"
#include "wire/fstrm.h"

enum frame_reader_status {
    FRAME_READER_MORE = 1,
    FRAME_READER_AGAIN = 2, /* as SOURCE_AGAIN; or, if `follow` is set, at the file's end */
    FRAME_READER_END = 0,
    FRAME_READER_FAILED = -1,
};

enum { FRAME_READER_BATCH = 256, FRAME_WORD = 4 /* bytes of a frame's length word */ };

/* Owner: one thread. */
struct frame_reader {
    struct source *source;
    char *path;  /* for messages */
    bool follow; /* the caller's: the end of a regular file is the end only behind STOP */
    bool ended;  /* the source has no more bytes */
    struct fstrm_rx rx;
    enum fstrm_status status; /* FSTRM_OK while frames may come */
    enum fstrm_status damage; /* what was wrong where bytes were passed over, up to a START */
    uint64_t cut_bytes;       /* of frames that a crash had cut, in the middle of the file */
    uint64_t bytes;           /* read so far, decompressed */
    uint64_t doubted;         /* bytes of frames that were looked at as to whether they are cut */
    uint64_t passed;          /* frames handed out in earlier batches */
    uint8_t *buf;
    size_t cap;
    size_t start, len; /* the bytes not yet scanned are buf[start..len) */
    size_t mark;       /* where the first START behind `start` begins; 0: none is known */
    size_t sought;     /* bytes before this have been searched for a START */
    struct span frames[FRAME_READER_BATCH];
    size_t next, count;
};

/* `buffer` is the bytes read at a time; it grows only for larger frames, up to two of the size
 * `frame_max`. */
int frame_reader_open(struct frame_reader *reader, const char *path, size_t buffer,
                      uint32_t frame_max, struct error *err);
/* Zeroed memory is accepted. */
void frame_reader_close(struct frame_reader *reader);

/* Reads more of the file; spans handed out before become invalid. FRAME_READER_FAILED: err says
 * why, with the path. */
enum frame_reader_status frame_reader_fill(struct frame_reader *reader, struct error *err);

/* After the end: true when something about the file is worth a warning (streams without STOP, cut
 * frames), and then `note` says what, with the path. */
bool frame_reader_note(const struct frame_reader *reader, struct error *note);

/* The next batch, frames[0..count), which may be handed on as it is; false: fill again. */
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
