/*
 * A chunk: formatted records on their way to outputs. Filled by one worker, then published: from
 * there immutable, shared by every output that asked for the same format, released by count.
 */
#ifndef SPILE_CORE_CHUNK_H
#define SPILE_CORE_CHUNK_H

#include <stdatomic.h>

#include "base/buf.h"

enum {
    CHUNK_BYTES = 64 * 1024,   /* nominal size: stays in the second-level cache */
    CHUNK_HEADROOM = 8 * 1024, /* room behind it, so that the last record seldom makes it grow */
    CHUNK_RECORDS = 2048,      /* records of one chunk at most */
};

struct chunk {
    atomic_uint references;
    uint32_t records;
    uint32_t ends[CHUNK_RECORDS]; /* offset behind each record */
    struct buf bytes;
    struct chunk *next; /* of the free list */
};

/* A chunk from the process-wide free list, or a new one; empty, with one reference. NULL: no
 * memory. */
struct chunk *chunk_new(void);
void chunk_hold(struct chunk *chunk);
void chunk_release(struct chunk *chunk);
/* Frees what the free list holds: at exit. */
void chunk_pool_free(void);

/* Ends a record: what was appended since the last one is now its bytes. */
static inline void chunk_mark(struct chunk *chunk)
{
    chunk->ends[chunk->records++] = (uint32_t)chunk->bytes.len;
}

/* True when no further record should be appended. */
static inline bool chunk_full(const struct chunk *chunk)
{
    return chunk->bytes.len >= CHUNK_BYTES || chunk->records == CHUNK_RECORDS;
}

/* Offset of the first byte of a record; for `record` == records, the end of the last one. */
static inline size_t chunk_start(const struct chunk *chunk, uint32_t record)
{
    return record ? chunk->ends[record - 1] : 0;
}

/* Bytes of all whole records. */
static inline size_t chunk_len(const struct chunk *chunk)
{
    return chunk_start(chunk, chunk->records);
}

#endif
