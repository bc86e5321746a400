#include "out/appender.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "io/folder.h"
#include "out/emit.h"

void appender_init(struct appender *a, const struct output *out, const char *path, mode_t mode)
{
    *a = (struct appender){
        .out = out, .path = path, .mode = mode, .rotated.path = path, .fd = -1, .anew = out->anew};
    if (out->format->begin)
        out->format->begin(&a->begin);
    if (out->format->end)
        out->format->end(&a->end);
}

void appender_close(struct appender *a)
{
    if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
    a->torn = 0;
}

void appender_free(struct appender *a)
{
    appender_close(a);
    buf_free(&a->begin);
    buf_free(&a->end);
}

static int fail(struct appender *a, const char *failed)
{
    a->failed = failed;
    return -1;
}

/* Takes the last `len` bytes off the file, by its real size: somebody may have cut it meanwhile. */
static int take_back(struct appender *a, size_t len)
{
    struct stat st;
    if (!a->regular || fstat(a->fd, &st))
        return -1;
    return ftruncate(a->fd, st.st_size > (off_t)len ? st.st_size - (off_t)len : 0);
}

/* Appends all of the bytes or none. */
static int put(struct appender *a, const void *bytes, size_t len)
{
    size_t at = 0;
    if (emit(a->out, a->fd, bytes, len, &at) == OUTPUT_OK) {
        a->size += len;
        return 0;
    }
    int error = errno;
    take_back(a, at);
    errno = error;
    return fail(a, "write");
}

/* Reads at an offset of the file as it is on disk; the descriptor for writing cannot. */
static bool same_bytes(const struct appender *a, uint64_t offset, struct span expected)
{
    uint8_t bytes[512];
    if (expected.len > sizeof bytes)
        return false;
    int fd = open(a->path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : pread(fd, bytes, expected.len, (off_t)offset);
    if (fd >= 0)
        close(fd);
    return got == (ssize_t)expected.len && memcmp(bytes, expected.ptr, expected.len) == 0;
}

static bool is_whole(const struct appender *a)
{
    return a->size >= a->begin.len + a->end.len && same_bytes(a, 0, buf_span(&a->begin)) &&
           same_bytes(a, a->size - a->end.len, buf_span(&a->end));
}

static int put_aside(struct appender *a)
{
    char to[PATH_MAX];
    if (rotated_aside(&a->rotated, to))
        return fail(a, "put aside");
    log_warning("%s: %s was not ended, as after a crash: kept as %s", a->out->name, a->path, to);
    a->put_aside = true;
    appender_close(a);
    return appender_open(a);
}

/* Makes an old file ready for more. */
static int adopt(struct appender *a)
{
    if (a->end.len == 0) {
        a->has_records = true;
        return same_bytes(a, a->size - 1, span_str("\n")) ? 0 : put(a, "\n", 1);
    }
    if (!is_whole(a))
        return put_aside(a);
    if (take_back(a, a->end.len))
        return fail(a, "shorten");
    a->size -= a->end.len;
    a->has_records = a->size > a->begin.len;
    return 0;
}

static void folder_of(const struct appender *a, char folder[PATH_MAX])
{
    const char *slash = strrchr(a->path, '/');
    int len = slash ? (int)(slash - a->path) : 0;
    snprintf(folder, PATH_MAX, "%.*s", slash ? (len ? len : 1) : 1, slash ? a->path : ".");
}

static void note_folder(struct appender *a)
{
    char folder[PATH_MAX];
    folder_of(a, folder);
    if (stat(folder, &a->folder))
        a->folder = (struct stat){0};
}

/* Descriptor and facts. A FIFO without a reader is refused rather than waited for. */
static int open_descriptor(struct appender *a)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    a->fd = open(a->path, flags | O_EXCL, a->mode);
    if (a->fd >= 0)
        fchmod(a->fd, a->mode); /* the mode is exact, whatever the umask */
    else if (errno == EEXIST)
        a->fd = open(a->path, flags, a->mode);
    struct stat st;
    if (a->fd < 0 || fcntl(a->fd, F_SETFL, O_APPEND) || fstat(a->fd, &st))
        return fail(a, "open");
    a->regular = S_ISREG(st.st_mode);
    a->size = a->regular ? (uint64_t)st.st_size : 0;
    a->modified = st.st_mtim;
    a->device = st.st_dev;
    a->inode = st.st_ino;
    a->since = 0;
    note_folder(a);
    if (a->regular && flock(a->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
        errno = EBUSY; /* two that append to, and rotate, one file would ruin it */
        return fail(a, "lock");
    }
    return 0;
}

int appender_open(struct appender *a)
{
    a->has_records = false;
    int rc = open_descriptor(a);
    a->anew &= a->size > 0;
    if (rc == 0 && !a->anew)
        rc = a->size ? adopt(a) : put(a, a->begin.data, a->begin.len);
    if (rc) {
        int error = errno;
        appender_close(a);
        errno = error;
    }
    a->seen_size = a->size;
    return rc;
}

int appender_begin(struct appender *a)
{
    if (!a->anew)
        return 0;
    if (ftruncate(a->fd, 0))
        return fail(a, "empty");
    a->size = 0;
    a->anew = false;
    int rc = put(a, a->begin.data, a->begin.len);
    a->seen_size = a->size;
    return rc;
}

int appender_finish(struct appender *a)
{
    if (appender_begin(a))
        return -1;
    if (a->torn == 0 && put(a, a->end.data, a->end.len))
        return -1;
    appender_close(a);
    return 0;
}

enum output_status appender_write(struct appender *a, const struct chunk *chunk, uint32_t *done,
                                  uint32_t end)
{
    size_t start = chunk_start(chunk, *done), at = start + a->torn;
    enum output_status status =
        emit(a->out, a->fd, chunk->bytes.data, chunk_start(chunk, end), &at);
    int error = errno;
    uint32_t first = *done;
    *done = emit_records(chunk, first, at);
    size_t whole = chunk_start(chunk, *done);
    a->size += whole - start;
    a->has_records |= *done > first;
    a->since += *done - first;
    a->torn = at - whole;
    if (a->torn && (take_back(a, a->torn) == 0 || status == OUTPUT_FAILED))
        a->torn = 0; /* a record that is given up is not continued by the next */
    errno = error;
    return status;
}

/* --- what others do to it ------------------------------------------------------------------- */

/* True when the path is no longer the file that is open. A FIFO is for its reader to make anew. */
static bool is_elsewhere(const struct appender *a)
{
    struct stat there;
    if (stat(a->path, &there) == 0)
        return there.st_dev != a->device || there.st_ino != a->inode;
    return a->regular && (errno == ENOENT || errno == ENOTDIR || errno == ESTALE);
}

enum appender_fate appender_look(struct appender *a)
{
    struct stat st;
    if (a->fd < 0 || a->anew)
        return APPENDER_UNTOUCHED;
    bool known = fstat(a->fd, &st) == 0;
    if (is_elsewhere(a))
        return a->regular && (!known || st.st_nlink == 0) ? APPENDER_REMOVED : APPENDER_MOVED;
    if (a->regular && known && (uint64_t)st.st_size < a->size)
        return APPENDER_CUT;
    if (a->regular && known) /* somebody else may have appended, too */
        a->size = (uint64_t)st.st_size - a->torn;
    a->seen_size = a->size;
    a->since = 0;
    return APPENDER_UNTOUCHED;
}

struct appender_remains appender_leave(struct appender *a)
{
    struct appender_remains remains = {
        .fd = a->fd, .from = a->seen_size, .to = a->size, .records = a->since};
    a->fd = -1;
    appender_close(a);
    return remains;
}

void appender_restore_folder(const struct appender *a)
{
    char path[PATH_MAX];
    struct folder above;
    struct error why;
    folder_of(a, path);
    if (!S_ISDIR(a->folder.st_mode) || folder_open(&above, path, &why))
        return;
    bool ours = !above.foreign && !above.shared;
    int fd = ours && mkdirat(above.fd, above.name, 0700) == 0
                 ? openat(above.fd, above.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                 : -1;
    if (fd >= 0) {
        int ignored = fchown(fd, a->folder.st_uid, a->folder.st_gid);
        ignored += fchmod(fd, a->folder.st_mode & 07777);
        (void)ignored;
        close(fd);
    }
    folder_close(&above);
}

static int copy(struct appender *a, int from, uint64_t offset, uint64_t end)
{
    uint8_t block[16384];
    while (offset < end) {
        size_t len = end - offset < sizeof block ? (size_t)(end - offset) : sizeof block, at = 0;
        ssize_t got = pread(from, block, len, (off_t)offset);
        if (got <= 0) {
            errno = got < 0 ? errno : ENODATA; /* it was cut before it was removed */
            return -1;
        }
        enum output_status status = emit(a->out, a->fd, block, (size_t)got, &at);
        a->size += at;
        offset += at;
        if (status != OUTPUT_OK)
            return -1;
    }
    return 0;
}

int appender_rescue(struct appender *a, const struct appender_remains *remains)
{
    char name[32];
    uint64_t before = a->size;
    snprintf(name, sizeof name, "/proc/self/fd/%d", remains->fd); /* that one was for writing */
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = copy(a, fd, remains->from, remains->to), error = errno;
    if (rc && take_back(a, a->size - before) == 0)
        a->size = before;
    close(fd);
    a->has_records |= a->size > before;
    errno = error;
    return rc;
}
