/* The DNS messages of a capture, one by one. For tests. */
#ifndef SPILE_TESTS_MESSAGES_H
#define SPILE_TESTS_MESSAGES_H

#include <stdio.h>
#include <stdlib.h>

#include "wire/dnstap.h"
#include "wire/fstrm.h"

typedef void message_each(struct span msg, void *context);

/* Each message in memory of exactly its size, so that sanitizers see an overrun. */
static inline void message_hand_over(struct span msg, message_each *each, void *context)
{
    if (!msg.ptr)
        return;
    uint8_t *copy = malloc(msg.len ? msg.len : 1);
    memcpy(copy, msg.ptr, msg.len);
    each(span_of(copy, msg.len), context);
    free(copy);
}

static inline struct buf messages_load(const char *path)
{
    struct buf file = {0};
    FILE *in = fopen(path, "rb");
    char block[1 << 16];
    for (size_t n; in && (n = fread(block, 1, sizeof block, in)) > 0;)
        buf_put(&file, block, n);
    if (in)
        fclose(in);
    return file;
}

/* Query and response messages of every frame of a Frame Streams file. Returns how many frames there
 * were, or -1 when the file is not to be read to its end. */
static inline long messages_each(const char *path, message_each *each, void *context)
{
    struct buf file = messages_load(path);
    struct span left = buf_span(&file);
    struct fstrm_rx rx;
    enum fstrm_status status = FSTRM_OK;
    long frames = 0;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), FSTRM_FRAME_MAX, false);
    while (status == FSTRM_OK && left.len > 0) {
        struct span found[64];
        size_t count, used;
        status = fstrm_rx_feed(&rx, left, found, 64, &count, &used);
        for (size_t i = 0; i < count; i++, frames++) {
            struct dnstap tap;
            if (dnstap_decode(found[i], &tap) < 0)
                continue;
            message_hand_over(tap.query_message, each, context);
            message_hand_over(tap.response_message, each, context);
        }
        left = span_of(left.ptr + used, left.len - used);
    }
    buf_free(&file);
    return status == FSTRM_STOPPED ? frames : -1;
}

#endif
