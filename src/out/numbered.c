#include "out/numbered.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/folder.h"

/* By errno. */
static int fail(struct numbered *file, const char *failed)
{
    file->failed = failed;
    return error_set(&file->why, "%s", strerror(errno));
}

int numbered_open(struct numbered *file)
{
    struct folder folder;
    if (file->fd >= 0)
        return 0;
    file->failed = "open";
    if (folder_open(&folder, file->path, &file->why))
        return -1;
    file->fd = folder_append(&folder, 0644, false, &file->why);
    folder_close(&folder);
    return file->fd < 0 ? -1 : 0;
}

static int number(const struct folder *folder, uint64_t n, char name[PATH_MAX])
{
    int len = snprintf(name, PATH_MAX, "%s.%llu", folder->name, (unsigned long long)n);
    errno = ENAMETOOLONG;
    return len <= NAME_MAX ? 0 : -1;
}

/* NAME.k to NAME.(k+1). */
static int shift(const struct folder *folder, uint64_t keep)
{
    const int fd = folder->fd;
    char from[PATH_MAX], to[PATH_MAX];
    uint64_t last = 1;
    if (number(folder, keep, to))
        return -1;
    for (number(folder, last, to); last < keep && faccessat(fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
         number(folder, ++last, to))
        ;
    for (; last > 1; last--) {
        number(folder, last - 1, from);
        number(folder, last, to);
        if (renameat(fd, from, fd, to) && errno != ENOENT)
            return -1;
    }
    number(folder, 1, to);
    return renameat(fd, folder->name, fd, to);
}

int numbered_shift(const char *path, uint64_t keep, struct error *why)
{
    struct folder folder;
    if (folder_open(&folder, path, why))
        return -1;
    int rc = shift(&folder, keep), error = errno;
    if (rc)
        error_set(why, "%s", folder_rename_fault(error));
    folder_close(&folder);
    errno = error;
    return rc;
}

/* A file that cannot be renamed is continued. */
static int rotate(struct numbered *file)
{
    numbered_close(file);
    struct error why;
    int rc = numbered_shift(file->path, file->keep, &why);
    if (numbered_open(file))
        return -1;
    if (rc) {
        file->failed = "rotate";
        file->why = why;
    }
    return rc;
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
    if (numbered_open(file))
        return -1;
    if (fstat(file->fd, &st))
        return fail(file, "write");
    int rotated = is_due(file, &st, len) ? rotate(file) : 0;
    if (file->fd < 0)
        return -1;
    if (fstat(file->fd, &st))
        return fail(file, "write");
    ssize_t wrote = write(file->fd, line, len);
    if (wrote == (ssize_t)len)
        return rotated;
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
