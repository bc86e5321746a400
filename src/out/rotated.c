#include "out/rotated.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define TEMPORARY ".tmp"

static void format_stamp(char stamp[ROTATED_STAMP + 1], uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t len = strftime(stamp, ROTATED_STAMP + 1, "%Y%m%dT%H%M%S", &utc);
    snprintf(stamp + len, ROTATED_STAMP + 1 - len, ".%03uZ", (unsigned)(ms % 1000));
}

static bool is_stamp(const char *text)
{
    static const char shape[] = "dddddddd"
                                "T"
                                "dddddd"
                                "."
                                "ddd"
                                "Z";
    for (int i = 0; i < ROTATED_STAMP; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !digit : text[i] != shape[i])
            return false;
    }
    return true;
}

/* True when there is a file of that name, compressed or not. */
static bool is_taken(const char *name)
{
    for (int i = 0; i < COMPRESSIONS; i++) {
        char variant[PATH_MAX];
        snprintf(variant, sizeof variant, "%s%s", name, compress_suffixes[i]);
        if (access(variant, F_OK) == 0)
            return true;
    }
    return false;
}

int rotated_aside(const char *path, uint64_t *last_ms, char to[PATH_MAX])
{
    uint64_t ms = (uint64_t)clock_wall_ms();
    if (ms <= *last_ms)
        ms = *last_ms + 1;
    char stamp[ROTATED_STAMP + 1];
    for (;; ms++) {
        format_stamp(stamp, ms);
        if (snprintf(to, PATH_MAX, "%s.%s", path, stamp) + ROTATED_EXTRA >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        if (!is_taken(to))
            break;
    }
    *last_ms = ms;
    return rename(path, to);
}

/* One rotated file as found in the directory. */
struct found {
    char stamp[ROTATED_STAMP + 1];
    enum compression compressed;
    bool temporary;
};

/* The rotated files beside `path`. */
struct scan {
    int dir;
    const char *base; /* of path */
    struct found *found;
    size_t count, cap;
};

/* Takes "STAMP", "STAMP.gz", "STAMP.gz.tmp", ... apart; false for anything else. */
static bool parse_name(const char *text, struct found *found)
{
    if (!is_stamp(text)) /* stops at the end of a shorter text, as no shape has a NUL */
        return false;
    memcpy(found->stamp, text, ROTATED_STAMP);
    found->stamp[ROTATED_STAMP] = '\0';
    text += ROTATED_STAMP;
    for (int i = 0; i < COMPRESSIONS; i++) {
        size_t len = strlen(compress_suffixes[i]);
        if (strncmp(text, compress_suffixes[i], len))
            continue;
        found->compressed = (enum compression)i;
        found->temporary = strcmp(text + len, TEMPORARY) == 0;
        if (found->temporary || text[len] == '\0')
            return true;
    }
    return false;
}

static void name_of(const struct scan *scan, const struct found *found, char name[PATH_MAX])
{
    snprintf(name, PATH_MAX, "%s.%s%s%s", scan->base, found->stamp,
             compress_suffixes[found->compressed], found->temporary ? TEMPORARY : "");
}

static int add_found(struct scan *scan, const struct found *found)
{
    if (scan->count == scan->cap) {
        size_t cap = scan->cap ? scan->cap * 2 : 16;
        struct found *more = reallocarray(scan->found, cap, sizeof *more);
        if (!more)
            return -1;
        scan->found = more;
        scan->cap = cap;
    }
    scan->found[scan->count++] = *found;
    return 0;
}

static int newest_first(const void *a, const void *b)
{
    return strcmp(((const struct found *)b)->stamp, ((const struct found *)a)->stamp);
}

static int read_directory(struct scan *scan, DIR *dir)
{
    size_t len = strlen(scan->base);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        struct found found;
        const char *name = entry->d_name;
        if (!strncmp(name, scan->base, len) && name[len] == '.' &&
            parse_name(name + len + 1, &found) && add_found(scan, &found))
            return -1;
    }
    if (scan->count)
        qsort(scan->found, scan->count, sizeof *scan->found, newest_first);
    return 0;
}

static void scan_close(struct scan *scan)
{
    free(scan->found);
    if (scan->dir >= 0)
        close(scan->dir);
}

/* Finds the files; the caller calls scan_close in any case. */
static int scan_open(struct scan *scan, const char *path)
{
    const char *slash = strrchr(path, '/');
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    *scan = (struct scan){.base = slash ? slash + 1 : path};
    scan->dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (scan->dir < 0)
        return -1;
    int own = fcntl(scan->dir, F_DUPFD_CLOEXEC, 0); /* closedir closes it */
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    if (!dir) {
        if (own >= 0)
            close(own);
        return -1;
    }
    int rc = read_directory(scan, dir);
    closedir(dir);
    return rc;
}

/* Makes `to` as readable, and as old, as `from`. Best effort: only root may give files away. */
static void copy_attributes(int from, int to)
{
    struct stat st;
    if (fstat(from, &st))
        return;
    int ignored = fchown(to, st.st_uid, st.st_gid);
    ignored += fchmod(to, st.st_mode & 07777);
    ignored += futimens(to, (struct timespec[]){st.st_atim, st.st_mtim});
    (void)ignored;
}

/* The compressed file has its name only once it is whole and on disk; then the plain one goes. */
static int compress_one(const struct scan *scan, const struct found *plain, enum compression how,
                        const atomic_bool *stop)
{
    struct found packed = *plain;
    packed.compressed = how;
    char source[PATH_MAX], target[PATH_MAX], temporary[PATH_MAX];
    name_of(scan, plain, source);
    name_of(scan, &packed, target);
    packed.temporary = true;
    name_of(scan, &packed, temporary);
    int from = openat(scan->dir, source, O_RDONLY | O_CLOEXEC);
    int to =
        from < 0 ? -1 : openat(scan->dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = to < 0 ? -1 : compress_copy(how, from, to, stop);
    if (rc == 0) {
        copy_attributes(from, to);
        rc = fsync(to) || renameat(scan->dir, temporary, scan->dir, target) ||
                     unlinkat(scan->dir, source, 0)
                 ? -1
                 : 0;
    }
    int error = errno;
    if (rc && to >= 0)
        unlinkat(scan->dir, temporary, 0);
    if (to >= 0)
        close(to);
    if (from >= 0)
        close(from);
    errno = error;
    return rc;
}

/* True when more than `keep` moments are newer than this file's, or it is half of a compression. */
static bool is_superfluous(const struct found *found, size_t newer, uint64_t keep)
{
    return found->temporary || (keep && newer >= keep);
}

/* Removes what is superfluous, and takes it off the list. */
static int prune(struct scan *scan, uint64_t keep, char failed[PATH_MAX])
{
    size_t newer = 0, kept = 0;
    for (size_t i = 0; i < scan->count; i++) {
        const struct found found = scan->found[i];
        /* A plain file and its compressed form share one moment. */
        if (i && strcmp(found.stamp, scan->found[i - 1].stamp))
            newer++;
        name_of(scan, &found, failed);
        if (!is_superfluous(&found, newer, keep))
            scan->found[kept++] = found;
        else if (unlinkat(scan->dir, failed, 0) && errno != ENOENT)
            return -1;
    }
    scan->count = kept;
    return 0;
}

int rotated_tidy(const char *path, uint64_t keep, enum compression how, const atomic_bool *stop,
                 char failed[PATH_MAX])
{
    struct scan scan;
    snprintf(failed, PATH_MAX, "%s", path);
    int rc = scan_open(&scan, path);
    if (rc == 0)
        rc = prune(&scan, keep, failed);
    for (size_t i = scan.count; rc == 0 && how != COMPRESS_NONE && i-- > 0;) {
        if (scan.found[i].compressed != COMPRESS_NONE)
            continue;
        name_of(&scan, &scan.found[i], failed);
        rc = compress_one(&scan, &scan.found[i], how, stop);
    }
    int error = errno;
    scan_close(&scan);
    errno = error;
    return rc;
}
