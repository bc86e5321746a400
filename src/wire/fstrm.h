/*
 * Frame Streams, both roles, without I/O.
 *
 * On the wire a frame is a 32-bit big-endian length and that many bytes; length 0 is the escape in
 * front of a control frame: a 32-bit length (at most 512), a 32-bit type, then fields. A receiver
 * either answers (READY -> ACCEPT, START, data, STOP -> FINISH) or only listens (START, data, STOP:
 * files, and senders such as unbound with dnstap-bidirectional: no).
 *
 * Source: fstrm 0.6.1's protocol description; limits as there. All length arithmetic is 64-bit.
 */
#ifndef SPILE_WIRE_FSTRM_H
#define SPILE_WIRE_FSTRM_H

#include "base/buf.h"
#include "base/span.h"

#define FSTRM_DNSTAP_TYPE "protobuf:dnstap.Dnstap"

enum {
    FSTRM_CONTROL_MAX = 512,      /* bytes of a control frame behind its length word */
    FSTRM_CONTENT_TYPE_MAX = 256, /* bytes of one content type */
    FSTRM_FRAME_MAX = 1 << 20,    /* default limit of a data frame */
    FSTRM_TYPES_MAX = 63,         /* content types of one control frame: more do not fit in 512 */
};

enum fstrm_control_type {
    FSTRM_ACCEPT = 1,
    FSTRM_START = 2,
    FSTRM_STOP = 3,
    FSTRM_READY = 4,
    FSTRM_FINISH = 5,
};

/* A decoded control frame. Borrows the bytes it was decoded from. */
struct fstrm_control {
    uint32_t type; /* enum fstrm_control_type, or an unknown number */
    uint32_t type_count;
    struct span types[FSTRM_TYPES_MAX];
};

/* What is wrong with a stream, or how it stands. Negative values end the stream. */
enum fstrm_status {
    FSTRM_OK = 0,                /* go on feeding */
    FSTRM_REPLY = 1,             /* send `reply` to the peer, then go on feeding */
    FSTRM_STOPPED = 2,           /* STOP came (with `reply` FINISH in the bidirectional case) */
    FSTRM_ERR_FRAME_SIZE = -1,   /* data frame longer than the limit */
    FSTRM_ERR_CONTROL = -2,      /* malformed or oversized control frame */
    FSTRM_ERR_CONTENT_TYPE = -3, /* no acceptable content type offered */
    FSTRM_ERR_SEQUENCE = -4,     /* a known control frame, or data, out of order */
    FSTRM_ERR_TRUNCATED = -5,    /* the end came inside a frame */
    FSTRM_ERR_NO_STOP = -6,      /* the end came between frames, without STOP */
    FSTRM_ERR_NO_START = -7,     /* the first bytes are not a control frame: not Frame Streams */
    FSTRM_ERR_TLS = -8,          /* likewise: they are those of a TLS handshake */
    FSTRM_ERR_HTTP = -9,         /* likewise: they are those of an HTTP request */
};

/* Receiving side of one stream. Owner: one connection or file. Small: no buffer of its own. */
struct fstrm_rx {
    uint32_t frame_max;
    struct span content_type; /* the one that is accepted */
    uint8_t state;
    bool bidirectional; /* the peer began with READY */
    bool started;       /* START has come */
    bool answers;       /* a socket; false: a file, see fstrm_rx_init */
    uint32_t restarts;  /* of files: times that START came where STOP was due */
    uint8_t reply_len;
    uint8_t reply[12 + 8 + 32]; /* ACCEPT or FINISH: to be sent before the next fstrm_rx_feed */
    uint64_t failed_length;     /* the length word of FSTRM_ERR_FRAME_SIZE, for messages */
};

/*
 * `answers`: true for sockets, false for files. What stands in a file may come from several lives
 * of its writer, and from a socket's both directions: a START in the middle of a stream begins the
 * next one (the writer crashed, and appended), and READY, ACCEPT and FINISH between streams say
 * nothing. On a socket all of that is out of order. `content_type` is borrowed, 32 bytes at most.
 */
void fstrm_rx_init(struct fstrm_rx *rx, struct span content_type, uint32_t frame_max, bool answers);

/*
 * Takes whole frames off the front of `in`; `cap` is at least 1. Data frames go to
 * frames[0..*count), at most `cap`, as spans into `in`, without their length word. Returns a
 * status; *used says how many bytes were taken. Stops early when `frames` is full, or behind a
 * control frame that changes the status. Bytes that were not used (a cut frame) must be fed again,
 * with more behind them. Unknown control types are passed over. After a negative status the stream
 * is dead.
 */
enum fstrm_status fstrm_rx_feed(struct fstrm_rx *rx, struct span in, struct span *frames,
                                size_t cap, size_t *count, size_t *used);

/* How many bytes the unit at the front of `in` needs in all; 0 while that cannot be told yet. A
 * unit that fstrm_rx_feed would refuse is never reported as needing more than 4 + frame_max. */
uint64_t fstrm_rx_need(const struct fstrm_rx *rx, struct span in);

/* What the end of the input means, with `left` bytes unused: FSTRM_STOPPED, or ERR_TRUNCATED,
 * ERR_NO_STOP, ERR_NO_START (no START was seen). */
enum fstrm_status fstrm_rx_end(const struct fstrm_rx *rx, size_t left);

/* After an error in a file: makes the stream accept the next START. */
void fstrm_rx_resume(struct fstrm_rx *rx);

/* The offset in `in` of the first whole START frame that names the dnstap type, at which a reader
 * that has lost its way through a file may begin anew; in.len when there is none. */
size_t fstrm_find_start(struct span in);
enum { FSTRM_START_BYTES = 42 }; /* of that frame */

/* What the status means, as a constant text: "data frame longer than the limit". */
const char *fstrm_status_text(enum fstrm_status status);

/* Sending side of one stream. Owner: one connection or file. */
struct fstrm_tx {
    struct span content_type;
    uint8_t state;
    bool bidirectional;
};

enum fstrm_tx_status {
    FSTRM_TX_OPEN = 0,     /* ACCEPT came; START is to be sent, then data */
    FSTRM_TX_MORE = 1,     /* feed more bytes */
    FSTRM_TX_FINISHED = 2, /* FINISH came */
    FSTRM_TX_REFUSED = -1, /* ACCEPT without our content type */
    FSTRM_TX_BROKEN = -2,  /* the peer sent something else than was due */
};

void fstrm_tx_init(struct fstrm_tx *tx, struct span content_type, bool bidirectional);
/* Appends what opens the stream: READY, or START when unidirectional. */
void fstrm_tx_open(struct fstrm_tx *tx, struct buf *out);
/* Takes the peer's control frames off `in`; *used says how many bytes were taken. When it returns
 * FSTRM_TX_OPEN, START has been appended to `out`. */
enum fstrm_tx_status fstrm_tx_feed(struct fstrm_tx *tx, struct span in, size_t *used,
                                   struct buf *out);
/* Appends STOP. A bidirectional stream then waits for FINISH. */
void fstrm_tx_stop(struct fstrm_tx *tx, struct buf *out);

/* Encodes a control frame with its escape and length word. Returns 0; -1 when its content types are
 * too many or too long, or memory is short. */
int fstrm_control_encode(const struct fstrm_control *control, struct buf *out);
/* Decodes a control frame's bytes behind its length word; 0 or -1. */
int fstrm_control_decode(struct span in, struct fstrm_control *control);

/* Appends one data frame; an empty one is refused with -1 (it would be read as an escape). */
int fstrm_data_encode(struct span frame, struct buf *out);

#endif
