#include "out/emit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* Several outputs may write to standard output; one at a time. Not a lock that is held meanwhile:
 * for one that is waited for by the monotonic clock ThreadSanitizer knows conditions alone. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    bool taken; /* under the lock */
} standard_output = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};

/* Waits until that moment (clock_ns) at most. 0, or an errno. */
static int take_standard_output(uint64_t deadline_ns)
{
    struct timespec deadline = clock_timespec(deadline_ns);
    int error = 0;
    pthread_mutex_lock(&standard_output.lock);
    while (standard_output.taken && error == 0)
        error = pthread_cond_clockwait(&standard_output.freed, &standard_output.lock,
                                       CLOCK_MONOTONIC, &deadline);
    if (!standard_output.taken)
        error = 0;
    if (error == 0)
        standard_output.taken = true;
    pthread_mutex_unlock(&standard_output.lock);
    return error;
}

static void give_standard_output(void)
{
    pthread_mutex_lock(&standard_output.lock);
    standard_output.taken = false;
    pthread_cond_signal(&standard_output.freed);
    pthread_mutex_unlock(&standard_output.lock);
}

/* What an error of write(2) means; those not named are OUTPUT_FAILED. */
static const struct {
    int error;
    enum output_status status;
} meanings[] = {
    {EPIPE, OUTPUT_CLOSED}, {ENOSPC, OUTPUT_RETRY},  {EDQUOT, OUTPUT_RETRY}, {EFBIG, OUTPUT_RETRY},
    {ENOMEM, OUTPUT_RETRY}, {ENOBUFS, OUTPUT_RETRY}, {EROFS, OUTPUT_RETRY},  {ESTALE, OUTPUT_RETRY},
};

static enum output_status meaning(int error)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].error == error)
            return meanings[i].status;
    }
    return OUTPUT_FAILED;
}

static enum output_status emit_all(const struct output *out, int fd, const uint8_t *bytes,
                                   size_t len, size_t *at)
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

enum output_status emit(const struct output *out, int fd, const uint8_t *bytes, size_t len,
                        size_t *at)
{
    if (fd == STDOUT_FILENO)
        take_standard_output(UINT64_MAX);
    enum output_status status = emit_all(out, fd, bytes, len, at);
    if (fd == STDOUT_FILENO)
        give_standard_output();
    return status;
}

/* A pipe that is ready takes PIPE_BUF bytes at once. */
static int write_line(int fd, const char *line, size_t len, uint64_t deadline_ns)
{
    uint64_t now = clock_ns();
    int left_ms = now < deadline_ns ? (int)((deadline_ns - now) / CLOCK_MS_NS) : 0;
    int ready = poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, left_ms);
    if (ready <= 0) {
        errno = ready == 0 ? EAGAIN : errno;
        return -1;
    }
    ssize_t wrote = write(fd, line, len);
    if (wrote >= 0 && wrote < (ssize_t)len)
        errno = ENOSPC;
    return wrote == (ssize_t)len ? 0 : -1;
}

int emit_line(int fd, const char *line, size_t len)
{
    uint64_t deadline_ns = clock_after(CLOCK_SECOND_NS);
    if (fd != STDOUT_FILENO)
        return write_line(fd, line, len, deadline_ns);
    int error = take_standard_output(deadline_ns);
    if (error) {
        errno = error;
        return -1;
    }
    int status = write_line(fd, line, len, deadline_ns);
    error = errno;
    give_standard_output();
    errno = error;
    return status;
}

bool emit_is_seen(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd));
}

uint32_t emit_records(const struct chunk *chunk, uint32_t first, size_t at)
{
    while (first < chunk->records && chunk->ends[first] <= at)
        first++;
    return first;
}
