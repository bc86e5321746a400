/* Telling a service manager how the program stands: the protocol of sd_notify(3), without its
 * library. */
#ifndef SPILE_IO_NOTIFY_H
#define SPILE_IO_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#define NOTIFY_READY "READY=1"
#define NOTIFY_STOPPING "STOPPING=1"
#define NOTIFY_ALIVE "WATCHDOG=1"

/* Sends the state, lines of NAME=VALUE, as one datagram to the socket that NOTIFY_SOCKET names: a
 * path, or "@" and an abstract name. False: nobody wants to know, or he could not be told, which is
 * no reason to stop. Waits at most a second for a manager that does not read. */
bool notify_send(const char *state);
/* The state of a reload that begins now; NOTIFY_READY is to follow. */
bool notify_reloading(void);
/* Within how long the manager wants to hear NOTIFY_ALIVE, again and again, from this process; 0: he
 * does not. */
uint64_t notify_watchdog_ns(void);

#endif
