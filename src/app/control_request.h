/*
 * A request on the control socket:
 *
 *     METHOD TARGET
 *     Content-Length: N
 *
 *     N bytes of body
 *
 * The second line is there when there is a body. Lines end with a line feed.
 */
#ifndef SPILE_APP_CONTROL_REQUEST_H
#define SPILE_APP_CONTROL_REQUEST_H

#include <stddef.h>

#include "base/error.h"
#include "base/span.h"

enum { CONTROL_HEAD_MAX = 16 << 10 }; /* bytes before the body */

/* Views of what it was read from. */
struct control_request {
    char *method; /* terminated, as the path is */
    char *path;
    char *query; /* what stands behind "?", to be read in its place */
    size_t query_len;
    struct span body; /* absent: there is none */
};

enum control_progress { CONTROL_WHOLE, CONTROL_MORE, CONTROL_WRONG };

/* Reads what has come so far. CONTROL_WHOLE: here it is, and the text has been cut into it.
 * CONTROL_MORE: it is not whole yet, and the text as it was. CONTROL_WRONG: err. */
enum control_progress control_request_read(struct control_request *request, char *text, size_t len,
                                           struct error *err);

#endif
