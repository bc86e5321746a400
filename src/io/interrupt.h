/*
 * SIGINT and SIGTERM for commands without an event loop: the first one asks to end (a flag, and a
 * descriptor for poll), a second one of the same kind kills as usual. System calls end in EINTR.
 */
#ifndef SPILE_IO_INTERRUPT_H
#define SPILE_IO_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* Once, before the work begins. -1: no descriptor could be had; errno says why. */
int interrupt_open(void);
bool interrupt_seen(void);

/*
 * Waits until `fd` shows one of `events` (of poll), the monotonic clock passes `until_ns`
 * (UINT64_MAX: no limit), or an interrupt came. Returns the events shown, 0 for the other two.
 * `fd` may be -1.
 */
int interrupt_wait(int fd, short events, uint64_t until_ns);

#endif
