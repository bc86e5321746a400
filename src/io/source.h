/*
 * A source: a file or a pipe of bytes, plain or compressed (gzip, zstd, xz), told by its first
 * bytes. All files that Spile reads come through here.
 *
 * A plain file is read(2) straight into the caller's buffer. Compressed files may hold several
 * members one behind the other, each compressed in its own way, and plain Frame Streams behind them
 * (and before them, see source_reopen); a decompressor's memory is limited, whatever the file asks
 * for.
 */
#ifndef SPILE_IO_SOURCE_H
#define SPILE_IO_SOURCE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/span.h"

enum {
    SOURCE_ERROR = -1, /* see source_failure */
    SOURCE_AGAIN = -2, /* nothing now: the descriptor does not block, or a signal came */
};

/* Why source_read said SOURCE_ERROR. The state stays: the source is dead. */
enum source_failure {
    SOURCE_SOUND = 0,
    SOURCE_FAILED,    /* read(2) failed */
    SOURCE_TRUNCATED, /* the compressed data end too early */
    SOURCE_CORRUPT,   /* they are not what their first bytes promised */
    SOURCE_GREEDY,    /* they want more memory than is granted */
    SOURCE_NO_MEMORY,
};

/* Owner: one thread. */
struct source;

/* Opens a path, or standard input for "-". NULL: err says why. Reads nothing yet, so that a silent
 * pipe does not block here. */
struct source *source_open(const char *path, struct error *err);
void source_close(struct source *source);

/*
 * Up to `cap` (at least 1) bytes into `buf`: their count, 0 at the end, SOURCE_AGAIN, SOURCE_ERROR.
 * A short count says nothing about the end. Behind the end of a plain file a later call returns
 * what has been appended since.
 */
ssize_t source_read(struct source *source, uint8_t *buf, size_t cap);

/* Whether a regular file is still being written: then compressed data that end too early are no
 * failure. source_read says SOURCE_AGAIN there, and goes on when more has come. */
void source_follow(struct source *source, bool follow);

/* True when the compressed data in which the source stands turn out to be damaged, or end too
 * early: what was made of them before that was known may be anything. Reads on to where they end,
 * but no more than some megabytes, so it is for those who give up. */
bool source_damaged(struct source *source);

enum source_failure source_failure(const struct source *source);
/* "PATH: the compressed data that begin at byte 512 end too early" and the like into err; returns
 * -1. */
int source_error(const struct source *source, struct error *err);

/*
 * For a plain source, when `bytes`, the last that were read, do not make sense behind those before
 * them. If they begin as compressed data do, source_read returns them once more, decompressed, and
 * then what follows. False: they do not, and nothing has changed.
 */
bool source_reopen(struct source *source, struct span bytes);

/* True when a regular file is shorter than what has been read of it: somebody has cut it, and
 * nothing more will come from where this source stands. */
bool source_shrunk(const struct source *source);

/* For poll; still the source's. */
int source_fd(const struct source *source);
/* True for a regular file: it never blocks, and may grow. */
bool source_regular(const struct source *source);
/* True for compressed data, which is known once source_read has returned any. */
bool source_compressed(const struct source *source);
/* For showing progress: bytes taken from the file so far, compressed as they are, and the file's
 * size when it was opened, 0 where that is not known. */
uint64_t source_taken(const struct source *source);
uint64_t source_size(const struct source *source);

#endif
