/*
 * The folder that a file of ours is in, opened once and then acted in by descriptor, so that nobody
 * who may write there, or on the way there, can have us act on something else than what we made.
 * Whatever this program makes in the file system, it makes here.
 *
 * Who is trusted: root and the user that this process runs as, and the groups that it is in. A
 * folder that all may write to is refused unless it is sticky, as /tmp is: there nobody moves what
 * is somebody else's. In the folder of another user (a DNS server's /run/...), or one that another
 * group may write to (a log daemon's /var/log), these can move and remove what we make, which
 * folder_note tells, but can gain nothing by it:
 *
 *   - no link is followed that could be his: on the way only those that are ours or root's, in a
 *     folder that is; at the end none, but for the descriptors of /dev/stdout and the like;
 *   - what is new is made under a name that was not there, closed to all others until it has its
 *     owner and mode, and renamed into place when it is whole;
 *   - what is there already must be the folder's owner's or ours, and have no other name.
 *
 * `why` of a failed call says all but what was tried, "cannot open PATH: ": a text of
 * strerror(errno), or what is wrong about the place and what to do. errno is set in either case:
 * EPERM for a place that is not trusted.
 */
#ifndef SPILE_IO_FOLDER_H
#define SPILE_IO_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"

/* Owner: one thread at a time. Zeroed with fd -1: closed. */
struct folder {
    int fd;                  /* O_PATH: for calls that end in "at" */
    char name[NAME_MAX + 1]; /* of the file in it: never ".", "..", or with a slash */
    uid_t owner;
    gid_t group;  /* that may write to it; -1: none may */
    bool foreign; /* the owner is neither root nor this process's user */
    bool strange; /* the group may, and this process is not in it */
    bool shared;  /* others may make files in it */
    bool sticky;
    bool proc; /* of /proc: its links are to what processes have open */
};

/* Opens the folder that the last part of `path` is in. -1: why; ENOENT where it is missing. */
int folder_open(struct folder *folder, const char *path, struct error *why);
void folder_close(struct folder *folder);
/* What a file is for. */
enum folder_use { FOLDER_APPENDS, FOLDER_REPLACES, FOLDER_ROTATES, FOLDER_DATABASE, FOLDER_USES };
/* True when something about the place is worth a line in the log: others could meddle, or the file
 * cannot be used so in all. `note` then has it. */
bool folder_note(const struct folder *folder, const char *path, enum folder_use use,
                 struct error *note);
/* The same of a folder that is not open. */
bool folder_note_at(const char *path, enum folder_use use, struct error *note);
/* True when the file is a mount point, as one that a container is given by itself: it cannot be
 * renamed, and nothing can take its place. (A kernel before 5.8 does not say so.) */
bool folder_fixed(const struct folder *folder);
/* Why a rename failed (errno), in words that help. */
const char *folder_rename_fault(int error);

/* What stands at the name, links not followed. -1 with errno. */
int folder_stat(const struct folder *folder, struct stat *st);
/* A path to the name that does not lead through any other name, for calls that know no descriptors.
 * Good while the folder is open. */
enum { FOLDER_PATH_MAX = NAME_MAX + 32 };
void folder_path(const struct folder *folder, char path[FOLDER_PATH_MAX]);

/* Opens what is there for writing at its end, or makes a regular file: with exactly that mode, or,
 * when not `exact`, with what the umask leaves of it. What is there may be a FIFO or a device, too;
 * nothing is waited for. Returns a descriptor, or -1: why. */
int folder_append(const struct folder *folder, mode_t mode, bool exact, struct error *why);
/* Makes a regular file, where nothing has the name yet, with exactly that mode. Returns a
 * descriptor, or -1: why, with EEXIST. */
int folder_make(const struct folder *folder, mode_t mode, struct error *why);
/* A path to the name with no link in it, as of now, for libraries that want one; they must not
 * follow links either. -1 with errno. */
int folder_real_path(const struct folder *folder, char path[PATH_MAX]);
/* Whether the file at the path could be appended to now, or, to `replace` it, draft_open would
 * succeed; nothing is made. -1: why. */
int folder_probe(const char *path, bool replace, struct error *why);
/* Opens the regular file that is there for reading. Returns a descriptor, or -1 with errno. */
int folder_read(const struct folder *folder);

/*
 * Keeps other programs that ask for it, too, from writing what has that name. The lock is a file of
 * ours beside it, ".NAME.lock", which only who may remove it may open: a lock on the file itself
 * could be taken by all who may read it. One that a killed program has left is taken. Returns a
 * descriptor for folder_unlock; or -1: why, with EBUSY when it is held, and EROFS where this
 * process can make no file in the folder.
 */
int folder_lock(const struct folder *folder, struct error *why);
/* True while the lock is the one that others would find. */
bool folder_locked(const struct folder *folder, int lock);
/* Removes and closes it; -1 is accepted. */
void folder_unlock(const struct folder *folder, int lock);

/* A file that is written whole and then takes the place of what had its name. Owner: one thread. */
struct draft {
    struct folder folder;
    int fd;                  /* write here ... */
    FILE *stream;            /* ... or here, after draft_stream */
    char name[NAME_MAX + 1]; /* its private one; empty: what is there is written in place, since it
                                is no regular file, or a mount point, or since the folder takes no
                                new ones; then it is not whole before draft_commit */
    bool first;              /* nothing had its name */
};

/* Begins a draft; what is at the path stays until draft_commit. A new file has the mode that the
 * umask leaves of 0666, one that replaces another has that one's. A FIFO's reader is not waited
 * for. -1: why; EEXIST where the file holds something and is not to be replaced. */
int draft_open(struct draft *draft, const char *path, bool replace, struct error *why);
/* The draft as a stream, the draft's own. NULL with errno. */
FILE *draft_stream(struct draft *draft);
/* Closes it, and renames it into place. -1: why; then it is gone, and the old file still there. */
int draft_commit(struct draft *draft, struct error *why);
/* Gives it up. */
void draft_drop(struct draft *draft);

/* What a socket's file is to be. */
struct folder_socket {
    mode_t mode;
    uid_t uid; /* -1: unchanged */
    gid_t gid; /* likewise */
    int backlog;
};

/* Binds the unix socket `fd` and has it listen, and puts its file, owner and mode as they are to
 * be, at the name; an old socket there that nobody serves is replaced. *placed is what stands there
 * then. -1: why, with EADDRINUSE when something else is there. */
int folder_bind(const struct folder *folder, int fd, const struct folder_socket *wanted,
                struct stat *placed, struct error *why);
/* The two steps of that, for who has a socket of his own at the name, which goes on being served
 * meanwhile. First the other one is made in a folder that nobody else can enter; -1: why. */
struct folder_chamber {
    struct folder folder; /* itself; its file has the name that it will have outside, as far as that
                             fits: whoever lists sockets sees it */
    char name[NAME_MAX + 1];
};
int folder_prepare(const struct folder *folder, int fd, const struct folder_socket *wanted,
                   struct folder_chamber *chamber, struct error *why);
/* Then it takes the place of *placed, which becomes what stands there. -1: why, with EADDRINUSE
 * when that is something else by now. The chamber is gone in either case. */
int folder_replace(const struct folder *folder, struct folder_chamber *chamber, struct stat *placed,
                   struct error *why);
/* Gives up what is in it. */
void folder_chamber_close(struct folder_chamber *chamber, const struct folder *outside);

/* True when the socket that was placed is there still. */
bool folder_is_bound(const struct folder *folder, const struct stat *placed);
/* Removes the name if it is still the socket that was placed. */
void folder_unbind(const struct folder *folder, const struct stat *placed);

#endif
