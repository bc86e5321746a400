/*
 * A file of lines that is rotated by size into numbered ones: PATH becomes PATH.1, that PATH.2, and
 * so on; the oldest goes. For few short lines (summaries), at once on disk; records in quantity are
 * the appender's (out/appender.h).
 */
#ifndef SPILE_OUT_NUMBERED_H
#define SPILE_OUT_NUMBERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Owner: one thread at a time. */
struct numbered {
    const char *path;
    uint64_t limit; /* no file reaches this; 0: it is never rotated */
    uint64_t keep;  /* rotated files; 0: it is never rotated */
    int fd;         /* -1: closed; the next line opens it anew */
    const char *failed;
    struct error why;
    bool followed; /* the last line found it replaced or removed, and opened it anew */
};

/* PATH becomes PATH.1, that PATH.2, and so on up to the first number that is free, PATH.`keep` at
 * most, whose file goes. 0, or -1 with errno and why. */
int numbered_shift(const char *path, uint64_t keep, struct error *why);

/* Opens or makes the file if it is closed. 0, or -1 with what failed ("open", ...) and why. */
int numbered_open(struct numbered *file);
/* Appends the line, whole or not at all; never waits for a reader. 0, or -1 as above. A file that
 * cannot be rotated is continued: then the line is written, though -1 is returned. */
int numbered_write(struct numbered *file, const char *line, size_t len);
void numbered_close(struct numbered *file);

#endif
