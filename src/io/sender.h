/*
 * A sender: one Frame Streams connection to a collector, from connect to FINISH, with reconnects if
 * asked for.
 *
 * Delivery: a frame counts as sent once the kernel has taken all of it. When a connection breaks,
 * the frame that was cut is sent again, whole, over the next one, and all that come behind it; a
 * receiver cannot have counted the cut half, so nothing is repeated. Frames that the kernel had
 * taken but the receiver had not yet read are lost with the connection: Frame Streams has no
 * acknowledgement before FINISH.
 */
#ifndef SPILE_IO_SENDER_H
#define SPILE_IO_SENDER_H

#include "base/buf.h"
#include "io/endpoint.h"
#include "wire/fstrm.h"

enum {
    SENDER_TIMEOUT_MS = 5000, /* of connecting, of the handshake, of FINISH */
    SENDER_PAUSE_MIN_MS = 50, /* before the second attempt; doubles until frames get through */
};

/* Owner: one thread, which has called interrupt_open. */
struct sender {
    struct endpoint endpoint;
    bool bidirectional;
    bool prompt;       /* set by the caller: single frames must not wait in the kernel (Nagle) */
    uint64_t retry_ns; /* the longest pause between attempts; 0: never try again */
    uint64_t pause_ns; /* the next one */
    int fd;            /* -1: not connected */
    struct fstrm_tx tx;
    struct buf control; /* control frames on their way out */
    uint64_t frames;    /* sent */
    uint64_t bytes;     /* of them, length words included */
    uint64_t connections;
};

void sender_init(struct sender *sender, const struct endpoint *endpoint, bool bidirectional,
                 uint64_t retry_ns);
/* Connects and shakes hands. -1: err says why (an interrupt is a reason, too). */
int sender_open(struct sender *sender, struct error *err);
/* Sends `run`, which is `count` whole frames with their length words, in one write as far as the
 * socket lets it; reconnects if asked for. -1: err. */
int sender_write(struct sender *sender, struct span run, uint64_t count, struct error *err);
/* Waits until the monotonic clock passes `until_ns`, an interrupt comes, or the peer goes away. */
void sender_wait(struct sender *sender, uint64_t until_ns);
/* Sends STOP, on a bidirectional stream waits for FINISH, and closes in any case. -1: err. */
int sender_finish(struct sender *sender, struct error *err);
/* Closes without a word, if still open. */
void sender_close(struct sender *sender);

#endif
