/* How far the peer of a socket has come with taking what was sent to it. */
#ifndef SPILE_IO_TAKEN_H
#define SPILE_IO_TAKEN_H

#include <stdbool.h>
#include <stdint.h>

/* True when something that was sent has not arrived yet: of TCP, has not been acknowledged, which
 * it is not while the peer's buffer is full. */
bool taken_lacks(int fd);
/* Bytes that the peer has acknowledged ever; 0 where that cannot be known. TCP. */
uint64_t taken_bytes(int fd);

#endif
