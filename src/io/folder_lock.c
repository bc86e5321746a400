/*
 * The lock of a file: a file of ours beside it. Whoever may remove it anyway may open it: the
 * folder's owner, and where its group may write to it, that. So flock(2) alone says whether one
 * that is there is held, or was left behind by a Spile that was killed, of another user, too. In a
 * sticky folder nobody but its user may remove it, or open it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "io/folder_state.h"

enum {
    TRIES = 10, /* what is made and removed by others meanwhile is looked at again */
    OPEN = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
};

static void lock_name(const struct folder *folder, char name[NAME_MAX + 1])
{
    snprintf(name, NAME_MAX + 1, ".%.*s.lock", NAME_MAX - FOLDER_AFFIX, folder->name);
}

/* For whom a new one is. Best effort: only root may give files away. */
static void dress(const struct folder *folder, int fd)
{
    bool grouped = folder->group != (gid_t)-1 && !folder->sticky;
    uid_t owner = geteuid() == 0 && !folder->sticky ? folder->owner : (uid_t)-1;
    int ignored = fchmod(fd, 0600);
    grouped = grouped && fchown(fd, (uid_t)-1, folder->group) == 0;
    ignored += fchmod(fd, grouped ? 0660 : 0600);
    ignored += fchown(fd, owner, (gid_t)-1);
    (void)ignored;
}

static bool takes_no_files(int error)
{
    return error == EACCES || error == EPERM || error == EROFS;
}

/* Of what is there and cannot be the lock. */
static int refuse_old(const struct folder *folder, const char *name, struct error *why)
{
    char user[FOLDER_USER_MAX];
    struct stat st;
    if (fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
        error_set(why,
                  "its lock %.200s belongs to user %s: remove it, unless a program of that user "
                  "writes to the file",
                  name, folder_user_name(st.st_uid, user));
    else
        error_set(why, "%.200s is no lock of a Spile: remove it", name);
    errno = EPERM;
    return -1;
}

/* The lock's file, made where there is none. -1: why; ENOENT: it has just gone. */
static int open_lock(const struct folder *folder, const char *name, struct error *why)
{
    struct stat st;
    int fd = openat(folder->fd, name, OPEN | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) {
        dress(folder, fd);
        return fd;
    }
    if (errno != EEXIST)
        return folder_refuse(why, takes_no_files(errno) ? EROFS : errno);
    fd = openat(folder->fd, name, OPEN);
    if (fd < 0 && (errno == ENOENT || errno == EROFS))
        return folder_refuse(why, errno);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    if (fd >= 0)
        close(fd);
    return refuse_old(folder, name, why);
}

static bool is_at(const struct folder *folder, const char *name, int fd)
{
    struct stat here, there;
    return fstat(fd, &here) == 0 && fstatat(folder->fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* In a sticky folder anybody may have made it, to hold it when it suits him. */
static bool is_strange(const struct folder *folder, int fd)
{
    struct stat st;
    return folder->sticky && (fstat(fd, &st) || st.st_uid != geteuid() || st.st_nlink != 1);
}

/* Locks what open_lock has opened. 1: it is the lock; 0: it was not, or is not any more; -1: why.
 */
static int hold(const struct folder *folder, const char *name, int fd, struct error *why)
{
    bool strange = is_strange(folder, fd);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK)
            return folder_refuse(why, errno);
        return strange ? refuse_old(folder, name, why)
                       : folder_refuse_as(why, EBUSY, "another Spile writes to it");
    }
    if (!is_at(folder, name, fd)) /* its owner has just removed it */
        return 0;
    if (!strange)
        return 1;
    return unlinkat(folder->fd, name, 0) ? refuse_old(folder, name, why) : 0;
}

int folder_lock(const struct folder *folder, struct error *why)
{
    char name[NAME_MAX + 1];
    lock_name(folder, name);
    for (int i = 0; i < TRIES; i++) {
        int fd = open_lock(folder, name, why);
        if (fd < 0 && errno == ENOENT)
            continue;
        int held = fd < 0 ? -1 : hold(folder, name, fd, why), error = errno;
        if (held > 0)
            return fd;
        if (fd >= 0)
            close(fd);
        errno = error;
        if (held < 0)
            return -1;
    }
    return folder_refuse_as(why, EBUSY, "another Spile writes to it");
}

bool folder_locked(const struct folder *folder, int lock)
{
    char name[NAME_MAX + 1];
    lock_name(folder, name);
    return lock >= 0 && is_at(folder, name, lock);
}

void folder_unlock(const struct folder *folder, int lock)
{
    char name[NAME_MAX + 1];
    lock_name(folder, name);
    if (folder_locked(folder, lock))
        unlinkat(folder->fd, name, 0);
    if (lock >= 0)
        close(lock);
}
