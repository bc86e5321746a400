/* The head of a request, in what the library lets pass and RFC 9112 does not. */
#ifndef SPILE_HTTP_HEAD_H
#define SPILE_HTTP_HEAD_H

#include <microhttpd.h>
#include <stdbool.h>

/*
 * False: the request is to be answered with 400. It names its host twice (RFC 9112, 3.2), or by
 * what is no host; or a NUL stands in a header, at which the library ends the value, so that it
 * would mean one thing to a proxy and another to us. `method` is as the access handler was given
 * it: it lies where the head begins.
 */
bool head_is_sound(struct MHD_Connection *connection, const char *method);

#endif
