/* Which process holds a listening socket or the reading end of a FIFO. As far as the system lets us
 * know: of another user's processes it tells root alone. */
#ifndef SPILE_IO_HOLDER_H
#define SPILE_IO_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

struct holder {
    int pid; /* 0: unknown */
    char name[16];
};

/* True when a program listens on the unix socket at this path: as it was bound, or as the file is
 * now. Asked of the kernel, since a connection would be noticed by who listens. */
bool holder_listens(const char *path);
/* Who does. */
struct holder holder_of_socket(const char *path);
/* Who listens on this port of TCP, at whichever address. */
struct holder holder_of_port(uint16_t port);
/* True when some process, as far as can be seen, has the FIFO open to read from it. One that waits
 * for a writer in open(2) cannot be seen. */
bool holder_reads(const char *fifo);
/* True when it is Spile. */
bool holder_is_spile(const struct holder *holder);

#endif
