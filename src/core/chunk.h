/*
 * A chunk: formatted records on their way to outputs. Filled by one worker, then published: from
 * there immutable, shared by every output that asked for the same format, released by count.
 */
#ifndef SPILE_CORE_CHUNK_H
#define SPILE_CORE_CHUNK_H

#include <stdatomic.h>

#include "base/buf.h"

enum {
    CHUNK_BYTES = 64 * 1024, /* nominal size: stays in the second-level cache */
    CHUNK_RECORDS = 2048,    /* records of one chunk at most */
};

struct chunk {
    atomic_uint references;
    uint32_t records;
    uint32_t ends[CHUNK_RECORDS]; /* offset behind each record */
    struct buf bytes;
    struct chunk *next; /* of the free list */
};

/* A chunk from the process-wide free list, or a new one; one reference. NULL: no memory. */
struct chunk *chunk_new(void);
void chunk_hold(struct chunk *chunk);
void chunk_release(struct chunk *chunk);
/* Frees what the free list holds: at exit. */
void chunk_pool_free(void);

#endif
