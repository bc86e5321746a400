#include "out/appender.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "io/frame_reader.h"
#include "out/emit.h"

void appender_init(struct appender *a, const struct output *out, const char *path, mode_t mode)
{
    *a = (struct appender){.out = out,
                           .path = path,
                           .mode = mode,
                           .rotated.path = path,
                           .old = out->old,
                           .folder.fd = -1,
                           .lock = -1,
                           .fd = -1};
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
    folder_unlock(&a->folder, a->lock);
    folder_close(&a->folder);
    a->lock = -1;
    buf_free(&a->begin);
    buf_free(&a->end);
}

/* By errno. */
static int fail(struct appender *a, const char *failed)
{
    int error = errno;
    a->failed = failed;
    error_set(&a->why, "%s", strerror(error));
    errno = error;
    return -1;
}

/* With a reason of its own, or that of a folder's. */
static int fail_for(struct appender *a, const char *failed, const char *why)
{
    int error = errno;
    a->failed = failed;
    if (why)
        error_set(&a->why, "%s", why);
    errno = error;
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
    int fd = folder_read(&a->folder);
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
        return fail_for(a, "put aside", folder_rename_fault(errno));
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

/* --- opening -------------------------------------------------------------------------------- */

/* The folder of the path may be another one by now; the lock is kept while it is good there. */
static int enter(struct appender *a)
{
    struct folder folder;
    if (folder_open(&folder, a->path, &a->why))
        return fail_for(a, "open", NULL);
    if (!folder_locked(&folder, a->lock)) {
        folder_unlock(&a->folder, a->lock);
        a->lock = -1;
    }
    folder_close(&a->folder);
    a->folder = folder;
    if (fstat(folder.fd, &a->home))
        a->home = (struct stat){0};
    return 0;
}

/* Two that append to, and rotate, one file would ruin it. Where our folder takes no files there is
 * no lock: nothing can be rotated there either. */
static int take_lock(struct appender *a)
{
    if (a->lock < 0)
        a->lock = folder_lock(&a->folder, &a->why);
    return a->lock >= 0 || errno == EROFS ? 0 : fail_for(a, "lock", NULL);
}

/* Opens, and takes note of what there is. A FIFO without a reader is refused rather than waited
 * for.
 */
static int open_descriptor(struct appender *a)
{
    struct stat st;
    a->fd = folder_append(&a->folder, a->mode, true, &a->why);
    if (a->fd < 0)
        return fail_for(a, "open", NULL);
    if (fcntl(a->fd, F_SETFL, O_APPEND) || fstat(a->fd, &st))
        return fail(a, "open");
    a->regular = S_ISREG(st.st_mode);
    a->size = a->regular ? (uint64_t)st.st_size : 0;
    a->modified = st.st_mtim;
    a->device = st.st_dev;
    a->inode = st.st_ino;
    a->since = 0;
    return 0;
}

/* Reads what is there up to the end, or, unless it is to be read `through`, up to its beginning.
 * True: that is of a Frame Streams file of dnstap. *rest: bytes behind its last whole frame;
 * *compressed. */
static bool read_streams(const struct appender *a, bool through, bool *compressed, size_t *rest)
{
    char path[FOLDER_PATH_MAX];
    struct frame_reader reader;
    struct error err;
    folder_path(&a->folder, path);
    if (frame_reader_open(&reader, path, 65536, FSTRM_FRAME_MAX, &err))
        return false;
    while ((through || !reader.rx.started) &&
           frame_reader_fill(&reader, &err) == FRAME_READER_MORE) {
        while (frame_reader_scan(&reader))
            ;
    }
    bool started = reader.rx.started;
    *compressed = source_compressed(reader.source);
    *rest = reader.len - reader.start;
    frame_reader_close(&reader);
    return started;
}

/* What the file holds is to stay before a new stream. Where it does not end with STOP, as after a
 * crash, it is to get one, in the place of what was cut. */
static int look_at_stream(struct appender *a)
{
    bool compressed;
    size_t rest;
    if (!read_streams(a, false, &compressed, &rest))
        return fail_for(a, "append to", "what it holds is no Frame Streams file of dnstap");
    a->before = 0;
    if (compressed || same_bytes(a, a->size - a->end.len, buf_span(&a->end)))
        return 0;
    if (!read_streams(a, true, &compressed, &rest))
        return fail_for(a, "read", NULL);
    a->before = a->size;
    a->cut = a->size - (rest < a->size ? rest : 0);
    return 0;
}

/* Refuses what `old` says may not be there. */
static int look_at_old(struct appender *a, const struct stat *there)
{
    a->size = (uint64_t)there->st_size;
    if (a->size == 0 || a->old == OUTPUT_CONTINUES)
        return 0;
    if (folder_probe(a->path, false, &a->why))
        return fail_for(a, "open", NULL);
    if (a->old == OUTPUT_ADDS)
        return look_at_stream(a);
    errno = EEXIST;
    return a->old == OUTPUT_REPLACES
               ? 0
               : fail_for(a, "write",
                          "it holds something already: --force replaces that, --append adds a "
                          "stream behind it");
}

int appender_claim(struct appender *a)
{
    struct stat there;
    if (enter(a))
        return -1;
    bool found = folder_stat(&a->folder, &there) == 0;
    if (found && !S_ISREG(there.st_mode))
        return appender_open(a);
    return take_lock(a) || (found && look_at_old(a, &there)) ? -1 : 0;
}

static int replace(struct appender *a)
{
    if (ftruncate(a->fd, 0))
        return fail(a, "empty");
    a->size = 0;
    return 0;
}

/* Ends the stream that a crash has cut. */
static int end_old(struct appender *a)
{
    uint64_t rest = a->before - a->cut;
    if (take_back(a, rest))
        return fail(a, "shorten");
    a->size -= rest;
    log_warning("%s: %s was not ended, as after a crash: it is now, %llu bytes of a cut frame are "
                "taken off, and a new stream follows",
                a->out->name, a->path, (unsigned long long)rest);
    return put(a, a->end.data, a->end.len);
}

static int begin_file(struct appender *a)
{
    enum output_old old = a->size > 0 ? a->old : OUTPUT_REPLACES;
    if (old == OUTPUT_CONTINUES)
        return adopt(a);
    if (old == OUTPUT_KEEPS) {
        errno = EEXIST; /* somebody has put it there meanwhile */
        return fail(a, "write");
    }
    if (old == OUTPUT_REPLACES && a->size > 0 && replace(a))
        return -1;
    if (old == OUTPUT_ADDS && a->before == a->size && end_old(a))
        return -1;
    a->old = OUTPUT_CONTINUES;
    return put(a, a->begin.data, a->begin.len);
}

int appender_open(struct appender *a)
{
    struct stat there;
    a->has_records = false;
    int rc = enter(a);
    if (rc == 0 && (folder_stat(&a->folder, &there) || S_ISREG(there.st_mode)))
        rc = take_lock(a);
    if (rc == 0)
        rc = open_descriptor(a) || begin_file(a) ? -1 : 0;
    if (rc) {
        int error = errno;
        appender_close(a);
        errno = error;
    }
    a->seen_size = a->size;
    return rc;
}

int appender_finish(struct appender *a)
{
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
    if (a->fd < 0)
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
    if (!S_ISDIR(a->home.st_mode) || folder_open(&above, path, &why))
        return;
    bool ours = !above.foreign && !above.shared;
    int fd = ours && mkdirat(above.fd, above.name, 0700) == 0
                 ? openat(above.fd, above.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                 : -1;
    if (fd >= 0) {
        int ignored = fchown(fd, a->home.st_uid, a->home.st_gid);
        ignored += fchmod(fd, a->home.st_mode & 07777);
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
