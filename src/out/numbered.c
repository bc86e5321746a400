#include "out/numbered.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct numbered *file, const char *failed)
{
    file->failed = failed;
    return -1;
}

/* Without O_NONBLOCK a FIFO would wait for its reader. */
int numbered_open(struct numbered *file)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    if (file->fd < 0)
        file->fd = open(file->path, flags, 0644);
    return file->fd < 0 ? fail(file, "open") : 0;
}

static int number(const char *path, uint64_t n, char name[PATH_MAX])
{
    int len = snprintf(name, PATH_MAX, "%s.%llu", path, (unsigned long long)n);
    errno = ENAMETOOLONG;
    return len < PATH_MAX ? 0 : -1;
}

int numbered_shift(const char *path, uint64_t keep)
{
    char from[PATH_MAX], to[PATH_MAX];
    uint64_t last = 1;
    if (number(path, keep, to))
        return -1;
    for (number(path, last, to); last < keep && access(to, F_OK) == 0; number(path, ++last, to))
        ;
    for (; last > 1; last--) {
        number(path, last - 1, from);
        number(path, last, to);
        if (rename(from, to) && errno != ENOENT)
            return -1;
    }
    number(path, 1, to);
    return rename(path, to);
}

/* A file that cannot be renamed is continued. */
static int rotate(struct numbered *file)
{
    numbered_close(file);
    int shifted = numbered_shift(file->path, file->keep), error = errno;
    if (numbered_open(file))
        return -1;
    errno = error;
    return shifted ? fail(file, "rotate") : 0;
}

static bool is_due(const struct numbered *file, const struct stat *st, size_t len)
{
    return file->limit > 0 && file->keep > 0 && S_ISREG(st->st_mode) && st->st_size > 0 &&
           (uint64_t)st->st_size + len >= file->limit;
}

/* Somebody replaced or removed the file. One that was moved is continued until `reopen` comes, and
 * a FIFO is for its reader to make anew. */
static bool is_elsewhere(const struct numbered *file)
{
    struct stat st, there;
    if (file->fd < 0 || fstat(file->fd, &st))
        return false;
    if (stat(file->path, &there))
        return S_ISREG(st.st_mode) && st.st_nlink == 0;
    return st.st_dev != there.st_dev || st.st_ino != there.st_ino;
}

int numbered_write(struct numbered *file, const char *line, size_t len)
{
    struct stat st;
    file->followed = is_elsewhere(file);
    if (file->followed)
        numbered_close(file);
    if (numbered_open(file) || fstat(file->fd, &st))
        return -1;
    int rotated = is_due(file, &st, len) ? rotate(file) : 0, error = errno;
    if (file->fd < 0 || fstat(file->fd, &st))
        return -1;
    ssize_t wrote = write(file->fd, line, len);
    if (wrote == (ssize_t)len) {
        errno = error;
        return rotated;
    }
    if (wrote > 0 && (!S_ISREG(st.st_mode) || ftruncate(file->fd, st.st_size) == 0))
        errno = ENOSPC;
    return fail(file, "write");
}

void numbered_close(struct numbered *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}
