/* write(2) as outputs need it: signals, full pipes and full disks told apart. */
#ifndef SPILE_OUT_EMIT_H
#define SPILE_OUT_EMIT_H

#include "core/output.h"

/*
 * Writes bytes[*at, len) onto `fd` and moves *at on by what was written. A descriptor that does not
 * block is waited for.
 *   OUTPUT_OK      all is written
 *   OUTPUT_RETRY   no room (disk, quota, file size), a disk that is read-only or gone for now, or
 * the shutdown's deadline has come OUTPUT_CLOSED  the reader of a pipe or socket is gone
 *   OUTPUT_FAILED  anything else
 * errno says why, unless it was the deadline: then it is EINTR.
 * Standard output is written to by one thread at a time.
 */
enum output_status emit(const struct output *out, int fd, const uint8_t *bytes, size_t len,
                        size_t *at);

/*
 * Writes a line of at most PIPE_BUF bytes: all of it or nothing, and not into the middle of what
 * emit() writes to standard output. Waits a second at most. -1 with errno.
 */
int emit_line(int fd, const char *line, size_t len);

/* True for a terminal and for what a program reads at once (a pipe, a socket); not for a file or
 * /dev/null. */
bool emit_is_seen(int fd);

/* The index behind the last record that ends at or before offset `at`, looking from `first` on. */
uint32_t emit_records(const struct chunk *chunk, uint32_t first, size_t at);

#endif
