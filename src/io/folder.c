/* The way to a folder, and who may write there. */
#include "io/folder_state.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef STATX_ATTR_MOUNT_ROOT /* of Linux 5.8 */
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

enum { LINKS_MAX = 40, GROUPS_MAX = 1024 };

/* --- who ------------------------------------------------------------------------------------ */

static bool is_trusted_user(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

static bool is_trusted_group(gid_t gid)
{
    gid_t groups[GROUPS_MAX];
    int count = getgroups(GROUPS_MAX, groups);
    for (int i = 0; i < count; i++) {
        if (groups[i] == gid)
            return true;
    }
    return gid == 0 || gid == getegid();
}

static const char *name_or_number(const char *name, unsigned number, char text[FOLDER_USER_MAX])
{
    if (name)
        snprintf(text, FOLDER_USER_MAX, "%s", name);
    else
        snprintf(text, FOLDER_USER_MAX, "%u", number);
    return text;
}

const char *folder_user_name(uid_t uid, char text[FOLDER_USER_MAX])
{
    char space[4096];
    struct passwd pw, *found = NULL;
    bool known = getpwuid_r(uid, &pw, space, sizeof space, &found) == 0 && found;
    return name_or_number(known ? pw.pw_name : NULL, uid, text);
}

static const char *group_name(gid_t gid, char text[FOLDER_USER_MAX])
{
    char space[4096];
    struct group gr, *found = NULL;
    bool known = getgrgid_r(gid, &gr, space, sizeof space, &found) == 0 && found;
    return name_or_number(known ? gr.gr_name : NULL, gid, text);
}

static bool strangers_write(const struct stat *st)
{
    return st->st_mode & S_IWGRP && !is_trusted_group(st->st_gid);
}

static bool others_write(const struct stat *st)
{
    return st->st_mode & S_IWOTH || strangers_write(st);
}

/* True when others than its owner may move and remove what is in the folder. */
static bool others_move(const struct stat *st)
{
    return others_write(st) && !(st->st_mode & S_ISVTX);
}

/* --- the way -------------------------------------------------------------------------------- */

/* Owner: folder_open. */
struct folder_walk {
    int fd; /* the folder reached so far */
    struct stat st;
    char rest[PATH_MAX]; /* of the way */
    int links;           /* followed */
};

static int enter(struct folder_walk *walk, int fd, struct error *why)
{
    if (walk->fd >= 0 && walk->fd != fd)
        close(walk->fd);
    walk->fd = fd;
    return fd >= 0 && fstat(fd, &walk->st) == 0 ? 0 : folder_refuse(why, errno);
}

static int begin(struct folder_walk *walk, struct error *why)
{
    const char *from = walk->rest[0] == '/' ? "/" : ".";
    return enter(walk, open(from, O_PATH | O_DIRECTORY | O_CLOEXEC), why);
}

/* Takes the next part off the way. False: there is none. */
static bool next_part(struct folder_walk *walk, char part[NAME_MAX + 2])
{
    const char *from = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(from, "/");
    if (len == 0)
        return false;
    snprintf(part, NAME_MAX + 2, "%.*s", len > NAME_MAX ? NAME_MAX + 1 : (int)len, from);
    memmove(walk->rest, from + len, strlen(from + len) + 1);
    return true;
}

/* The links of /proc lead to what their process has open, which their text may not name. */
static bool on_proc(int fd)
{
    struct statfs system;
    return fstatfs(fd, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

/* Puts the link's text in front of the rest of the way. */
static int follow(struct folder_walk *walk, const char *part, const struct stat *link,
                  struct error *why)
{
    char to[PATH_MAX], way[2 * PATH_MAX];
    if (!is_trusted_user(link->st_uid) || !is_trusted_user(walk->st.st_uid) ||
        others_move(&walk->st)) {
        error_set(why,
                  "on the way there %.100s is a link that others could turn elsewhere: name the "
                  "folder that it leads to",
                  part);
        errno = EPERM;
        return -1;
    }
    if (++walk->links > LINKS_MAX)
        return folder_refuse(why, ELOOP);
    if (on_proc(walk->fd))
        return enter(walk, openat(walk->fd, part, O_PATH | O_DIRECTORY | O_CLOEXEC), why);
    ssize_t len = readlinkat(walk->fd, part, to, sizeof to - 1);
    if (len <= 0)
        return folder_refuse(why, len ? errno : ENOENT);
    to[len] = '\0';
    if (snprintf(way, sizeof way, "%s/%s", to, walk->rest) >= PATH_MAX)
        return folder_refuse(why, ENAMETOOLONG);
    memcpy(walk->rest, way, strlen(way) + 1);
    return to[0] == '/' ? begin(walk, why) : 0;
}

static int step(struct folder_walk *walk, const char *part, struct error *why)
{
    struct stat st;
    if (fstatat(walk->fd, part, &st, AT_SYMLINK_NOFOLLOW))
        return folder_refuse(why, errno);
    if (S_ISLNK(st.st_mode))
        return follow(walk, part, &st, why);
    const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(walk->fd, part, flags);
    return fd < 0 ? folder_refuse(why, errno) : enter(walk, fd, why);
}

static int walk_to(struct folder_walk *walk, struct error *why)
{
    char part[NAME_MAX + 2];
    int rc = begin(walk, why);
    while (rc == 0 && next_part(walk, part))
        rc = step(walk, part, why);
    return rc;
}

/* --- the folder ----------------------------------------------------------------------------- */

/* The folder's own part of the path, for people. */
static int folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == path ? 1 : slash ? (int)(slash - path) : 0;
}

static int check_folder(const struct stat *st, const char *path, struct error *why)
{
    int len = folder_len(path);
    if (!(st->st_mode & S_IWOTH) || st->st_mode & S_ISVTX)
        return 0;
    error_set(why,
              "others may write to the folder %.*s, and put something else in its place: name a "
              "folder of its own, or, unless other programs need this one as it is, make it sticky "
              "(chmod +t)",
              len ? (len > 200 ? 200 : len) : 1, len ? path : ".");
    errno = EPERM;
    return -1;
}

static int take_name(struct folder *folder, const char *path, struct error *why)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return folder_refuse(why, EISDIR);
    if (strlen(name) > NAME_MAX || strlen(path) >= PATH_MAX)
        return folder_refuse(why, ENAMETOOLONG);
    memcpy(folder->name, name, strlen(name) + 1);
    return 0;
}

int folder_open(struct folder *folder, const char *path, struct error *why)
{
    struct folder opened = {.fd = -1};
    struct folder_walk walk = {.fd = -1};
    if (take_name(&opened, path, why))
        return -1;
    snprintf(walk.rest, sizeof walk.rest, "%.*s", folder_len(path), path);
    if (walk_to(&walk, why) || check_folder(&walk.st, path, why)) {
        int error = errno;
        if (walk.fd >= 0)
            close(walk.fd);
        errno = error;
        return -1;
    }
    opened.fd = walk.fd;
    opened.owner = walk.st.st_uid;
    opened.group = walk.st.st_mode & S_IWGRP ? walk.st.st_gid : (gid_t)-1;
    opened.strange = strangers_write(&walk.st);
    opened.foreign = !is_trusted_user(walk.st.st_uid);
    opened.shared = opened.foreign || others_write(&walk.st);
    opened.sticky = walk.st.st_mode & S_ISVTX;
    opened.proc = on_proc(walk.fd);
    *folder = opened;
    return 0;
}

void folder_close(struct folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    folder->fd = -1;
}

bool folder_fixed(const struct folder *folder)
{
    struct statx st;
    return statx(folder->fd, folder->name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 &&
           st.stx_attributes & st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT;
}

const char *folder_rename_fault(int error)
{
    return error == EBUSY ? "it is a mount point, which cannot be renamed: mount its folder instead"
                          : strerror(error);
}

/* Who could meddle; false: nobody of whom that is not known. */
static bool note_others(const struct folder *folder, struct error *note)
{
    static const char can[] = "can remove what is made there, and put something else in its place";
    char user[FOLDER_USER_MAX], group[FOLDER_USER_MAX];
    bool foreign = folder->foreign && geteuid() == 0, strange = folder->strange && !folder->sticky;
    if (strange)
        group_name(folder->group, group);
    if (foreign)
        error_set(note, "the folder belongs to user %s, who %s%s%s",
                  folder_user_name(folder->owner, user), can, strange ? "; so can group " : "",
                  strange ? group : "");
    else if (strange)
        error_set(note, "group %s may write to the folder, and so %s; a folder of its own is safer",
                  group, can);
    return foreign || strange;
}

bool folder_note(const struct folder *folder, const char *path, enum folder_use use,
                 struct error *note)
{
    /* Of files that are mount points. */
    static const char *const notes[FOLDER_USES] = {
        [FOLDER_REPLACES] = "is written in place, and not whole before the end",
        [FOLDER_ROTATES] = "cannot be renamed, and is not rotated: mount its folder instead",
        [FOLDER_DATABASE] = "has its log beside it, elsewhere: mount its folder instead",
    };
    struct error others = {0};
    const char *fixed = notes[use] && folder_fixed(folder) ? notes[use] : NULL;
    bool noted = note_others(folder, &others);
    if (noted || fixed)
        error_set(note, "%.300s: %s%s%s%s", path, others.text, noted && fixed ? "; " : "",
                  fixed ? "a mount point, as a file that a container is given: it " : "",
                  fixed ? fixed : "");
    return noted || fixed;
}

bool folder_note_at(const char *path, enum folder_use use, struct error *note)
{
    struct folder folder;
    struct error ignored;
    if (folder_open(&folder, path, &ignored))
        return false;
    bool noted = folder_note(&folder, path, use, note);
    folder_close(&folder);
    return noted;
}

int folder_stat(const struct folder *folder, struct stat *st)
{
    return fstatat(folder->fd, folder->name, st, AT_SYMLINK_NOFOLLOW);
}

void folder_path(const struct folder *folder, char path[FOLDER_PATH_MAX])
{
    snprintf(path, FOLDER_PATH_MAX, "/proc/self/fd/%d/%s", folder->fd, folder->name);
}

int folder_real_path(const struct folder *folder, char path[PATH_MAX])
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder->fd);
    ssize_t len = readlink(link, path, PATH_MAX - 1);
    if (len < 0)
        return -1;
    size_t left = PATH_MAX - (size_t)len;
    if (snprintf(path + len, left, "/%s", folder->name) < (int)left)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}
