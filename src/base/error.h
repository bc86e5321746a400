/* Errors of cold paths: a text for people, and where it happened. */
#ifndef SPILE_BASE_ERROR_H
#define SPILE_BASE_ERROR_H

#include <stddef.h>

/* Owner: the caller's stack. `line` and `column` count from 1; 0 is unknown. */
struct error {
    char text[512];
    char file[256];
    unsigned line;
    unsigned column;
};

/* Makes a new error of the text and forgets the old one, its place included. Returns -1, so that a
 * failing function ends in `return error_set(...)`. */
__attribute__((format(printf, 2, 3))) int error_set(struct error *err, const char *format, ...);

/* Sets the file, and line and column, where they are not set yet; `file` may be NULL. Returns -1.
 */
int error_at(struct error *err, const char *file, unsigned line, unsigned column);

/* "file:line:column: text" as far as known, into `out`, always terminated. */
const char *error_line(const struct error *err, char *out, size_t size);

#endif
