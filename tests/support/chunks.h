/* Chunks for tests: records of a given length that say who made them and which they are. */
#ifndef SPILE_TESTS_CHUNKS_H
#define SPILE_TESTS_CHUNKS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/chunk.h"

enum { CHUNKS_LINE_MAX = 256 };

/* "MAKER SERIAL xxxx...\n", `len` bytes long. */
static inline void chunks_line(char *line, unsigned maker, unsigned serial, size_t len)
{
    memset(line, 'x', len);
    int used = snprintf(line, CHUNKS_LINE_MAX, "%u %u ", maker, serial);
    line[used] = 'x';
    line[len - 1] = '\n';
}

static inline void chunks_append(struct chunk *chunk, unsigned maker, unsigned serial, size_t len)
{
    char line[CHUNKS_LINE_MAX];
    chunks_line(line, maker, serial, len);
    buf_put(&chunk->bytes, line, len);
    chunk_mark(chunk);
}

/* A chunk of `records` records numbered from `serial`, each of `len` bytes. */
static inline struct chunk *chunks_make(unsigned maker, unsigned serial, unsigned records,
                                        size_t len)
{
    struct chunk *chunk = chunk_new();
    for (unsigned i = 0; i < records; i++)
        chunks_append(chunk, maker, serial + i, len);
    return chunk;
}

/* Maker and serial of a record. */
static inline void chunks_read(const struct chunk *chunk, uint32_t record, unsigned *maker,
                               unsigned *serial)
{
    char *rest;
    *maker =
        (unsigned)strtoul((const char *)chunk->bytes.data + chunk_start(chunk, record), &rest, 10);
    *serial = (unsigned)strtoul(rest, NULL, 10);
}

/* How many threads a threaded test runs: SPILE_TEST_THREADS, or 4. */
static inline unsigned chunks_threads(void)
{
    const char *value = getenv("SPILE_TEST_THREADS");
    unsigned count = value ? (unsigned)strtoul(value, NULL, 10) : 4;
    return count ? count : 1;
}

#endif
