#include "top/stash.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int stash_begin(struct stash *stash)
{
    int ends[2];
    *stash = (struct stash){.real = -1, .fd = -1};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    stash->real = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (stash->real < 0 || dup2(ends[1], STDERR_FILENO) < 0) {
        close(stash->real);
        close(ends[0]);
        close(ends[1]);
        stash->real = -1;
        return -1;
    }
    close(ends[1]);
    stash->fd = ends[0];
    return 0;
}

/* Keeps the end, cut at a line's begin. */
static void keep(struct stash *stash, const char *bytes, size_t len)
{
    if (stash->len + len > sizeof stash->kept) {
        size_t drop = stash->len + len - sizeof stash->kept;
        const char *line =
            drop < stash->len ? memchr(stash->kept + drop, '\n', stash->len - drop) : NULL;
        drop = line ? (size_t)(line + 1 - stash->kept) : stash->len;
        stash->len -= drop;
        memmove(stash->kept, stash->kept + drop, stash->len);
    }
    memcpy(stash->kept + stash->len, bytes, len);
    stash->len += len;
}

static void find_last(struct stash *stash)
{
    size_t end = stash->len;
    while (end > 0 && stash->kept[end - 1] != '\n')
        end--;
    size_t from = end > 0 ? end - 1 : 0;
    while (from > 0 && stash->kept[from - 1] != '\n')
        from--;
    if (end > 0)
        snprintf(stash->last, sizeof stash->last, "%.*s", (int)(end - 1 - from),
                 stash->kept + from);
}

int stash_read(struct stash *stash)
{
    char bytes[2048];
    int some = 0;
    for (ssize_t len; (len = read(stash->fd, bytes, sizeof bytes)) > 0; some = 1)
        keep(stash, bytes, (size_t)len);
    if (some)
        find_last(stash);
    return some;
}

void stash_end(struct stash *stash)
{
    if (stash->real < 0)
        return;
    stash_read(stash);
    fflush(stderr);
    dup2(stash->real, STDERR_FILENO);
    close(stash->real);
    close(stash->fd);
    stash->real = -1;
    ssize_t written = write(STDERR_FILENO, stash->kept, stash->len);
    (void)written; /* there is nowhere left to say that this failed */
}
