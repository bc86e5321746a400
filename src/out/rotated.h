/*
 * Rotated files: PATH.20261121T085042.992Z (the moment of the rotation, UTC), with .gz or .zst
 * behind it once compressed. Such names sort by time, and nothing is renamed twice.
 */
#ifndef SPILE_OUT_ROTATED_H
#define SPILE_OUT_ROTATED_H

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>

#include "out/compress.h"

enum {
    ROTATED_STAMP = 20,                     /* "20261121T085042.992Z" */
    ROTATED_EXTRA = 1 + ROTATED_STAMP + 10, /* with its dot, ".zst.tmp", and some */
};

/* Renames `path` to the next free name, which goes to `to`. *last_ms is the newest moment given
 * out, so that two never share one, whatever the clock does. Returns 0, or -1 with errno. */
int rotated_aside(const char *path, uint64_t *last_ms, char to[PATH_MAX]);

/*
 * Tidies up behind rotations: removes all but the newest `keep` rotated files (0: keeps all) and
 * what a crash left half compressed, then compresses those that are not yet. Can be called at any
 * time, and again; gives up when *stop is set. Returns 0, or -1 with errno and the name in
 * `failed`.
 */
int rotated_tidy(const char *path, uint64_t keep, enum compression how, const atomic_bool *stop,
                 char failed[PATH_MAX]);

#endif
