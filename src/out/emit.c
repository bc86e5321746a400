#include "out/emit.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* What an error of write(2) means; those not named are OUTPUT_FAILED. */
static const struct {
    int error;
    enum output_status status;
} meanings[] = {
    {EPIPE, OUTPUT_CLOSED}, {ENOSPC, OUTPUT_RETRY}, {EDQUOT, OUTPUT_RETRY},
    {EFBIG, OUTPUT_RETRY},  {ENOMEM, OUTPUT_RETRY}, {ENOBUFS, OUTPUT_RETRY},
};

static enum output_status meaning(int error)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].error == error)
            return meanings[i].status;
    }
    return OUTPUT_FAILED;
}

enum output_status emit(const struct output *out, int fd, const uint8_t *bytes, size_t len,
                        size_t *at)
{
    while (*at < len) {
        ssize_t wrote = write(fd, bytes + *at, len - *at);
        if (wrote >= 0)
            *at += (size_t)wrote;
        else if (errno == EAGAIN)
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        else if (errno != EINTR)
            return meaning(errno);
        /* Only after an attempt: a file takes even the last bytes at once. */
        if (*at < len && atomic_load(&out->interrupted)) {
            errno = EINTR;
            return OUTPUT_RETRY;
        }
    }
    return OUTPUT_OK;
}

uint32_t emit_records(const struct chunk *chunk, uint32_t first, size_t at)
{
    while (first < chunk->records && chunk->ends[first] <= at)
        first++;
    return first;
}
