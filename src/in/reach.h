/*
 * Who can reach a unix socket: DNS servers run as users of their own, and where these may not
 * connect nothing is seen on either side but silence.
 */
#ifndef SPILE_IN_REACH_H
#define SPILE_IN_REACH_H

#include <stdbool.h>
#include <stddef.h>

/* True when the mode of the socket, or of a folder on the way to it, keeps out everybody but this
 * process's own user (and root): then `text` says so in one line, with what to do. A group counts
 * as a way in when it is another than this process's own, or has members besides. Any thread. */
bool reach_trouble(const char *path, char *text, size_t size);

#endif
