/* Regular files in a folder: opened, made, and replaced as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "io/folder_state.h"

enum {
    TRIES = 10, /* what is made and removed by others meanwhile is looked at again */
    WRITE = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW,
};

static const char link_text[] = "it is a link: name the file that it leads to";

static int close_failed(int fd)
{
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* --- what is there -------------------------------------------------------------------------- */

/* Where others can make files, what has the name may be one that they had ready for us. */
static int check_old(const struct folder *folder, const struct stat *st, struct error *why)
{
    if (!folder->shared || st->st_uid == 0 || st->st_uid == geteuid()) {
        if (folder->shared && S_ISREG(st->st_mode) && st->st_nlink > 1)
            return folder_refuse_as(why, EPERM,
                                    "it has another name, too (a hard link), in a folder where "
                                    "others may make links: name another file");
        return 0;
    }
    if (st->st_uid == folder->owner && !folder->sticky && st->st_nlink == 1)
        return 0;
    return folder_refuse_as(why, EPERM,
                            "it belongs to another user, in a folder where others may make files: "
                            "name another file");
}

/* True for a link to what this process has open, as /dev/stdout is, that nobody else can have made.
 */
static bool is_own_descriptor(const struct folder *folder)
{
    static const char own[] = "/proc/self/fd/";
    char to[sizeof own];
    ssize_t len = readlinkat(folder->fd, folder->name, to, sizeof to);
    bool leads_there = len == sizeof to && memcmp(to, own, sizeof own - 1) == 0;
    return folder->proc || (leads_there && !folder->shared);
}

/* A link at the name. */
static int open_link(const struct folder *folder, int flags, struct error *why)
{
    if (!is_own_descriptor(folder))
        return folder_refuse_as(why, EPERM, link_text);
    int fd = openat(folder->fd, folder->name, flags & ~O_NOFOLLOW);
    return fd < 0 ? folder_refuse(why, errno) : fd;
}

/* Of what is there and cannot be opened, in words that help. */
static int refuse_old(const struct folder *folder, struct error *why)
{
    struct stat st;
    int error = errno;
    if (error != ENXIO || folder_stat(folder, &st) || !S_ISFIFO(st.st_mode))
        return folder_refuse(why, error);
    error_set(why, "it is a FIFO that no process reads");
    errno = error;
    return -1;
}

static int open_old(const struct folder *folder, int flags, struct error *why)
{
    struct stat st;
    int fd = openat(folder->fd, folder->name, flags);
    if (fd < 0)
        return errno == ELOOP ? open_link(folder, flags, why) : refuse_old(folder, why);
    if (fstat(fd, &st))
        folder_refuse(why, errno);
    else if (check_old(folder, &st, why) == 0)
        return fd;
    return close_failed(fd);
}

static int make(const struct folder *folder, mode_t mode, bool exact)
{
    const int flags = WRITE | O_APPEND | O_CREAT | O_EXCL;
    int fd = openat(folder->fd, folder->name, flags, exact ? 0600 : mode);
    if (fd >= 0 && exact)
        fchmod(fd, mode); /* whatever the umask; some file systems have no modes */
    return fd;
}

int folder_make(const struct folder *folder, mode_t mode, struct error *why)
{
    int fd = make(folder, mode, true);
    return fd < 0 ? folder_refuse(why, errno) : fd;
}

int folder_append(const struct folder *folder, mode_t mode, bool exact, struct error *why)
{
    for (int i = 0; i < TRIES; i++) {
        int fd = make(folder, mode, exact);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            return folder_refuse(why, errno);
        fd = open_old(folder, WRITE | O_APPEND | O_NONBLOCK, why);
        if (fd >= 0 || errno != ENOENT)
            return fd;
    }
    return folder_refuse(why, EBUSY);
}

static int may(int folder, const char *name, int how, struct error *why)
{
    return faccessat(folder, name, how, AT_EACCESS) ? folder_refuse(why, errno) : 0;
}

static int probe(const struct folder *folder, bool replace, struct error *why)
{
    struct stat old;
    if (folder_stat(folder, &old))
        return errno == ENOENT ? may(folder->fd, ".", W_OK | X_OK, why) : folder_refuse(why, errno);
    if (S_ISLNK(old.st_mode) && !is_own_descriptor(folder))
        return folder_refuse_as(why, EPERM, link_text);
    if (S_ISDIR(old.st_mode) || S_ISSOCK(old.st_mode))
        return folder_refuse(why, S_ISDIR(old.st_mode) ? EISDIR : ENXIO);
    if (!S_ISLNK(old.st_mode) && check_old(folder, &old, why))
        return -1;
    if (replace && S_ISREG(old.st_mode) && !folder_fixed(folder) &&
        may(folder->fd, ".", W_OK | X_OK, why) == 0)
        return 0;
    return may(folder->fd, folder->name, W_OK, why);
}

int folder_probe(const char *path, bool replace, struct error *why)
{
    struct folder folder;
    if (folder_open(&folder, path, why))
        return -1;
    int rc = probe(&folder, replace, why), error = errno;
    folder_close(&folder);
    errno = error;
    return rc;
}

int folder_read(const struct folder *folder)
{
    struct stat st;
    int fd = openat(folder->fd, folder->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* --- drafts --------------------------------------------------------------------------------- */

static bool takes_no_files(int error)
{
    return error == EACCES || error == EPERM || error == EROFS;
}

/* A file of its own for the draft. -1 with errno. */
static int make_private(struct draft *draft)
{
    uint64_t random;
    for (int i = 0; i < TRIES; i++) {
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return -1;
        snprintf(draft->name, sizeof draft->name, ".%.*s.%016" PRIx64, NAME_MAX - FOLDER_AFFIX,
                 draft->folder.name, random);
        draft->fd = openat(draft->folder.fd, draft->name, WRITE | O_CREAT | O_EXCL, 0666);
        if (draft->fd >= 0 || errno != EEXIST)
            break;
    }
    if (draft->fd < 0)
        draft->name[0] = '\0';
    return draft->fd;
}

/* Writes into what is there, which is opened without waiting for a FIFO's reader, and blocks only
 * once it is known to be ours to write to. */
static int open_in_place(struct draft *draft, struct error *why)
{
    draft->fd = open_old(&draft->folder, WRITE | O_NONBLOCK, why);
    if (draft->fd < 0)
        return -1;
    if (fcntl(draft->fd, F_SETFL, 0))
        return folder_refuse(why, errno);
    struct stat st;
    if (fstat(draft->fd, &st) == 0 && S_ISREG(st.st_mode) && ftruncate(draft->fd, 0))
        return folder_refuse(why, errno);
    return 0;
}

/* The new file is for whom the old one is for. Best effort: only root may give files away. */
static void take_after(int fd, const struct stat *old)
{
    int ignored = fchmod(fd, old->st_mode & 0777);
    ignored += fchown(fd, old->st_uid, old->st_gid);
    (void)ignored;
}

static int fill_draft(struct draft *draft, bool replace, struct error *why)
{
    struct stat old;
    bool there = folder_stat(&draft->folder, &old) == 0;
    draft->first = !there;
    if (there && !S_ISREG(old.st_mode))
        return open_in_place(draft, why);
    if (there && check_old(&draft->folder, &old, why))
        return -1;
    if (there && old.st_size > 0 && !replace)
        return folder_refuse(why, EEXIST);
    if (there && folder_fixed(&draft->folder))
        return open_in_place(draft, why);
    if (make_private(draft) < 0)
        return there && takes_no_files(errno) ? open_in_place(draft, why)
                                              : folder_refuse(why, errno);
    if (there)
        take_after(draft->fd, &old);
    return 0;
}

int draft_open(struct draft *draft, const char *path, bool replace, struct error *why)
{
    struct draft opened = {.folder.fd = -1, .fd = -1};
    if (folder_open(&opened.folder, path, why))
        return -1;
    if (fill_draft(&opened, replace, why)) {
        int error = errno;
        draft_drop(&opened);
        errno = error;
        return -1;
    }
    *draft = opened;
    return 0;
}

FILE *draft_stream(struct draft *draft)
{
    if (!draft->stream)
        draft->stream = fdopen(draft->fd, "w");
    return draft->stream;
}

/* Closes what is written to. -1 with errno when not all has come through. */
static int close_draft(struct draft *draft)
{
    bool failed = draft->stream && ferror(draft->stream);
    int rc = draft->stream ? fclose(draft->stream) : draft->fd >= 0 ? close(draft->fd) : 0;
    draft->stream = NULL;
    draft->fd = -1;
    if (rc == 0 && failed)
        errno = EIO; /* the stream does not remember why */
    return rc == 0 && !failed ? 0 : -1;
}

/* Where nothing had the name, nothing must have got it meanwhile. */
static int put_in_place(const struct draft *draft)
{
    const int folder = draft->folder.fd;
    const char *from = draft->name, *to = draft->folder.name;
    if (draft->first && renameat2(folder, from, folder, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (draft->first && errno != EINVAL && errno != ENOSYS)
        return -1;
    return renameat(folder, from, folder, to);
}

int draft_commit(struct draft *draft, struct error *why)
{
    int rc = close_draft(draft);
    if (rc == 0 && draft->name[0])
        rc = put_in_place(draft);
    int error = errno;
    if (rc == 0)
        draft->name[0] = '\0';
    draft_drop(draft);
    errno = error;
    return rc ? folder_refuse_as(why, error, folder_rename_fault(error)) : 0;
}

void draft_drop(struct draft *draft)
{
    close_draft(draft);
    if (draft->name[0])
        unlinkat(draft->folder.fd, draft->name, 0);
    draft->name[0] = '\0';
    folder_close(&draft->folder);
}
