/* Compression of whole files, for rotated ones. */
#ifndef SPILE_OUT_COMPRESS_H
#define SPILE_OUT_COMPRESS_H

#include <stdatomic.h>

enum compression { COMPRESS_NONE, COMPRESS_GZIP, COMPRESS_ZSTD, COMPRESSIONS };

/* Names for options, ending with NULL; and what each puts behind a file's name. */
extern const char *const compress_names[];
extern const char *const compress_suffixes[];

/*
 * Copies all of `from` to `to`, compressed. Gives up, between two blocks, when *stop is set.
 * Returns 0, or -1 with errno (ECANCELED when it gave up); `to` then holds something useless.
 */
int compress_copy(enum compression how, int from, int to, const atomic_bool *stop);

#endif
