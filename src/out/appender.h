/*
 * A file that whole records are appended to, between what its format begins and ends with.
 *
 * A record is never left in part: what a full disk cuts is taken back. A format with an end (Frame
 * Streams) has it in every file, so it is taken off before more is appended to an old file; and a
 * file that does not end so, as after a crash, is put aside under a rotated name. Of the other
 * formats, records are lines: a line cut by a crash is ended before the next one.
 */
#ifndef SPILE_OUT_APPENDER_H
#define SPILE_OUT_APPENDER_H

#include <sys/stat.h>
#include <time.h>

#include "core/output.h"
#include "io/folder.h"
#include "out/rotated.h"

/* Owner: one output. */
struct appender {
    const struct output *out; /* its name and `interrupted` */
    const char *path;
    mode_t mode;           /* of a file that is made */
    struct buf begin, end; /* of the format */
    struct rotated rotated;
    uint64_t
        before; /* of OUTPUT_ADDS, as appender_claim saw it: the size of a file that needs an end */
    uint64_t cut;        /* ... and where its whole frames end */
    enum output_old old; /* what becomes of what the file holds; once open, that is settled */

    struct folder folder; /* as of the last open; its fd is -1 before */
    int lock;             /* the file's in that folder, from the first open to the end; -1: none */
    int fd;               /* -1: closed */
    bool regular;
    bool has_records;
    bool put_aside;           /* the last open has put the old file aside */
    uint64_t size;            /* so far, without `end` */
    struct timespec modified; /* by the wall clock: the last change before the open */
    struct stat home;         /* the folder itself, then; zeroed when that is not known */
    dev_t device;             /* of the file that is open, as is the next */
    ino_t inode;
    uint64_t seen_size; /* `size` when appender_look last found all well ... */
    uint64_t since;     /* ... and how many records were written since */
    size_t torn;        /* bytes of the next record that were written and could not be taken back */
    const char *failed; /* what could not be done, when a function returned -1: "open", ... */
    struct error why;   /* and for what reason */
};

/* Makes a closed appender, and fetches what the output's format begins and ends with. */
void appender_init(struct appender *a, const struct output *out, const char *path, mode_t mode);
/* Closes without an end, and frees. */
void appender_free(struct appender *a);

/* Locks the file and looks whether what it holds is as `old` has it; opens what is no regular file,
 * but neither makes nor opens one that is. 0, or -1 with failed and why. */
int appender_claim(struct appender *a);
/* Opens or makes the file, ready for the next record. 0, or -1 with errno, failed and why. */
int appender_open(struct appender *a);
/* Writes the end and closes. -1 with errno, failed and why: there was no room for it; the file is
 * still open. */
int appender_finish(struct appender *a);
/* Closes as it is. */
void appender_close(struct appender *a);

/* What others have done to the file. */
enum appender_fate {
    APPENDER_UNTOUCHED,
    APPENDER_CUT,     /* it is shorter than what was written */
    APPENDER_MOVED,   /* the path is another file now, or none; what was written has another name */
    APPENDER_REMOVED, /* what was written has no name any more */
};
/* Looks at the file that is open, and at the path; costs two system calls. */
enum appender_fate appender_look(struct appender *a);
/* What was written since appender_look last found all well into a file that was then removed. */
struct appender_remains {
    int fd; /* of that file; the caller's to close */
    uint64_t from, to;
    uint64_t records;
};
/* Leaves the removed file: the appender is closed as by appender_close, but for its descriptor. */
struct appender_remains appender_leave(struct appender *a);
/* Makes the file's folder anew, as it was, unless others could meddle with it. Whether that went
 * well shows when the file is opened. */
void appender_restore_folder(const struct appender *a);
/* Appends the remains, all or nothing. 0, or -1 with errno. */
int appender_rescue(struct appender *a, const struct appender_remains *remains);

/* Appends the records [*done, end), and moves *done. Status and errno as those of emit(). */
enum output_status appender_write(struct appender *a, const struct chunk *chunk, uint32_t *done,
                                  uint32_t end);

#endif
