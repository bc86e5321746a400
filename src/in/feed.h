/*
 * A feed: bytes of one connection's Frame Streams on their way to the engine. The reader asks
 * where to read to, reads, and says how much came; frames that are whole go to the engine
 * straight from the read buffer, and only a cut one is copied.
 */
#ifndef SPILE_IN_FEED_H
#define SPILE_IN_FEED_H

#include "core/partial.h"
#include "in/handover.h"
#include "wire/fstrm.h"

/* Owner: one connection, on its worker's thread. */
struct feed {
    struct fstrm_rx rx;
    struct partial partial;
    struct handover to;
    bool reading_partial; /* the reader was sent into the partial itself: a large frame */
    /* Sends bytes to the peer: ACCEPT or FINISH. 0 or -1. */
    int (*reply)(struct feed *feed, struct span bytes);
};

/* `peer`: whom the memory of cut frames is charged to. */
void feed_init(struct feed *feed, struct worker *worker, struct input_counters *counters,
               const struct accounts *peer);
void feed_destroy(struct feed *feed);

/* Where the next read goes, at most *size bytes. NULL: no memory, or the budget for cut frames
 * took this stream's share. */
uint8_t *feed_space(struct feed *feed, size_t *size);

/* `len` bytes were read to where feed_space said: hands over the frames that are whole now. Returns
 * an enum fstrm_status; negative, or one of these: the stream is at its end. */
enum { FEED_NO_MEMORY = -100, FEED_REPLY_FAILED = -101 };
int feed_bytes(struct feed *feed, size_t len);

/* The input ended here: what that means, as fstrm_rx_end. */
enum fstrm_status feed_end(const struct feed *feed);

/* The reason for a negative status of feed_bytes or feed_end: a constant. */
const char *feed_status_text(int status);

#endif
