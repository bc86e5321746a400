/*
 * Rotated files: PATH.20261121T085042.992Z.000017, with .gz or .zst behind it once compressed.
 *
 * The stamp is the moment of the rotation (UTC), for people: a clock may be wrong. The number says
 * the order: the first run begins with 1, each one goes on behind the newest that it finds, and
 * behind the last number comes 1 again. So no number is far ahead of all: the newest of those that
 * are found is the one with the widest gap behind it, and what turns up later with a number that
 * this run has not come to is older than all that it has. Names without a number, as earlier
 * versions gave them, are older than those that have one.
 *
 * In a folder where others may make files, those that are not this user's, or have another name,
 * too, are nobody's: they neither count nor go.
 */
#ifndef SPILE_OUT_ROTATED_H
#define SPILE_OUT_ROTATED_H

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>

#include "out/compress.h"

enum {
    ROTATED_STAMP = 27,  /* "20261121T085042.992Z"; years have a sign and ten digits at most */
    ROTATED_DIGITS = 15, /* of the number, at most */
    ROTATED_EXTRA = 1 + ROTATED_STAMP + 1 + ROTATED_DIGITS + 8, /* with dots, and ".zst.tmp" */
};

/* The rotated files of one path. Owner: one output; its thread rotates, its janitor tidies. */
struct rotated {
    const char *path;
    uint64_t shifts; /* not 0: dnstap-receiver's names, PATH.1 (the newest) to PATH.`shifts`, which
                        need no tidying */
    _Atomic uint64_t newest; /* the last number that was given out, by this run or, at its
                                beginning, another; 0: not known yet */
};

/* What could not be done: the first thing, and how many more. */
struct rotated_failure {
    const char *action; /* "remove", ... */
    char name[PATH_MAX];
    int error; /* errno */
    unsigned more;
};

/* Looks which numbers are taken, unless that is known: rotated_aside, too, does it first. 0, or -1
 * with errno. */
int rotated_begin(struct rotated *rotated);

/* Renames the path to the next name, which goes to `to`. Returns 0, or -1 with errno. */
int rotated_aside(struct rotated *rotated, char to[PATH_MAX]);

/*
 * Tidies up behind rotations: removes all but the newest `keep` rotated files (0: keeps all) and
 * what a crash left half compressed, then compresses those that are not yet. Can be called at any
 * time, and again, on one thread beside the one that rotates; gives up when *stop is set. A file
 * that cannot be removed or compressed is left, and the others are seen to. Returns 0, or -1 with
 * *failure.
 */
int rotated_tidy(const struct rotated *rotated, uint64_t keep, enum compression how,
                 const atomic_bool *stop, struct rotated_failure *failure);

#endif
