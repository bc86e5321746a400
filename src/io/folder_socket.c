/*
 * A unix socket's file. bind(2) makes it, by a path, open to whom the umask lets, so it is bound in
 * a folder of our own that nobody else can enter, and leaves that only when it is as it is to be.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/folder_state.h"
#include "io/ids.h"

enum { TRIES = 10, NAME_SHOWN = 64 /* bytes, so that its path is one of a socket */ };

/* --- the folder of our own ------------------------------------------------------------------ */

/* Whoever may write to the folder outside may have moved it, and put another one in its place: one
 * of ours that is closed to others is as good. */
static int enter(struct folder_chamber *chamber, const struct folder *outside, struct error *why)
{
    char path[32];
    struct stat st;
    const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(outside->fd, chamber->name, flags);
    if (fd < 0)
        return folder_refuse(why, errno);
    chamber->folder.fd = fd;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fstat(fd, &st))
        return folder_refuse(why, errno);
    if (st.st_uid != geteuid() || st.st_mode & 077)
        return folder_refuse(why, EPERM);
    if (chmod(path, 0700)) /* the umask may have taken from it */
        return errno == ENOENT ? error_set(why, "/proc is not mounted") : folder_refuse(why, errno);
    return 0;
}

void folder_chamber_close(struct folder_chamber *chamber, const struct folder *outside)
{
    int error = errno;
    if (chamber->folder.fd >= 0)
        unlinkat(chamber->folder.fd, chamber->folder.name, 0);
    folder_close(&chamber->folder);
    unlinkat(outside->fd, chamber->name, AT_REMOVEDIR);
    errno = error;
}

static int chamber_open(struct folder_chamber *chamber, const struct folder *outside,
                        struct error *why)
{
    uint64_t random;
    int made = -1;
    *chamber = (struct folder_chamber){.folder.fd = -1};
    snprintf(chamber->folder.name, sizeof chamber->folder.name, "%.*s", NAME_SHOWN, outside->name);
    for (int i = 0; i < TRIES && made; i++) {
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return folder_refuse(why, errno);
        snprintf(chamber->name, sizeof chamber->name, ".spile.%016" PRIx64, random);
        made = mkdirat(outside->fd, chamber->name, 0700);
        if (made && errno != EEXIST)
            break;
    }
    if (made)
        return folder_refuse(why, errno);
    if (enter(chamber, outside, why) == 0)
        return 0;
    folder_chamber_close(chamber, outside);
    return -1;
}

/* --- the socket ----------------------------------------------------------------------------- */

/* Nobody but this process can reach the file yet. */
static int dress(const struct folder *folder, int fd, const struct folder_socket *wanted,
                 struct error *why)
{
    char path[FOLDER_PATH_MAX];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    folder_path(folder, path);
    memcpy(address.sun_path, path, strlen(path));
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, wanted->backlog))
        return folder_refuse(why, errno);
    if (fchmodat(folder->fd, folder->name, wanted->mode, 0)) {
        error_set(why, "its mode cannot be set: %s", strerror(errno));
        return -1;
    }
    return ids_give(folder->fd, folder->name, wanted->uid, wanted->gid, why);
}

/* False when nobody can be behind the socket any more: connecting is refused. Any other answer (a
 * full backlog, no permission, a datagram socket) means that somebody may be. */
static bool is_served(int file)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", file);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    int result = connect(fd, (const struct sockaddr *)&address, sizeof address);
    bool served = result == 0 || errno != ECONNREFUSED;
    close(fd);
    return served;
}

/* 1 when a socket is there that can be replaced, 0 when nothing is, -1 with why. */
static int look(const struct folder *folder, struct stat *old, struct error *why)
{
    int fd = openat(folder->fd, folder->name, O_PATH | O_NOFOLLOW | O_CLOEXEC), found = 1;
    if (fd < 0)
        return errno == ENOENT ? 0 : folder_refuse(why, errno);
    if (fstat(fd, old) || !S_ISSOCK(old->st_mode))
        found = folder_refuse_as(why, EADDRINUSE, "a file that is no socket is there");
    else if (is_served(fd))
        found = folder_refuse_as(why, EADDRINUSE, "another program uses it");
    int error = errno;
    close(fd);
    errno = error;
    return found;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Puts what is in the chamber at the name, in exchange for the socket that was found there: another
 * Spile may have put its own there since. */
static int place(const struct folder *in, const struct folder *out, const struct stat *old,
                 struct error *why)
{
    const char *from = in->name, *to = out->name;
    struct stat got;
    if (renameat2(in->fd, from, out->fd, to, old ? RENAME_EXCHANGE : RENAME_NOREPLACE)) {
        if (errno == ENOENT && old) /* it has been removed */
            return place(in, out, NULL, why);
        if (errno == EEXIST)
            return folder_refuse_as(why, EADDRINUSE, "another program uses it");
        if (errno != EINVAL && errno != ENOSYS)
            return folder_refuse_as(why, errno, folder_rename_fault(errno));
        /* This file system can only rename. */
        return renameat(in->fd, from, out->fd, to) ? folder_refuse(why, errno) : 0;
    }
    if (!old || (folder_stat(in, &got) == 0 && same_file(&got, old)))
        return 0;
    renameat2(in->fd, from, out->fd, to, RENAME_EXCHANGE);
    return folder_refuse_as(why, EADDRINUSE, "another program uses it");
}

int folder_prepare(const struct folder *folder, int fd, const struct folder_socket *wanted,
                   struct folder_chamber *chamber, struct error *why)
{
    if (chamber_open(chamber, folder, why))
        return -1;
    if (dress(&chamber->folder, fd, wanted, why) == 0)
        return 0;
    folder_chamber_close(chamber, folder);
    return -1;
}

/* At the name, instead of `old` (NULL: of nothing). */
static int put_there(const struct folder *folder, struct folder_chamber *chamber,
                     const struct stat *old, struct stat *placed, struct error *why)
{
    struct stat st;
    int rc = folder_stat(&chamber->folder, &st) ? folder_refuse(why, errno) : 0;
    if (rc == 0)
        rc = place(&chamber->folder, folder, old, why);
    if (rc == 0)
        *placed = st;
    folder_chamber_close(chamber, folder);
    return rc;
}

int folder_replace(const struct folder *folder, struct folder_chamber *chamber, struct stat *placed,
                   struct error *why)
{
    const struct stat mine = *placed;
    return put_there(folder, chamber, &mine, placed, why);
}

int folder_bind(const struct folder *folder, int fd, const struct folder_socket *wanted,
                struct stat *placed, struct error *why)
{
    struct folder_chamber chamber;
    struct stat old;
    int there = look(folder, &old, why);
    if (there < 0 || folder_prepare(folder, fd, wanted, &chamber, why))
        return -1;
    return put_there(folder, &chamber, there ? &old : NULL, placed, why);
}

bool folder_is_bound(const struct folder *folder, const struct stat *placed)
{
    struct stat st;
    return folder_stat(folder, &st) == 0 && S_ISSOCK(st.st_mode) && same_file(&st, placed);
}

void folder_unbind(const struct folder *folder, const struct stat *placed)
{
    if (folder_is_bound(folder, placed))
        unlinkat(folder->fd, folder->name, 0);
}
