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
#include "base/number.h"
#include "io/folder.h"
#include "out/numbered.h"

#define TEMPORARY ".tmp"
#define NUMBER_MAX UINT64_C(999999999999999) /* ROTATED_DIGITS nines */

enum { NUMBER_DIGITS = 6 }; /* at least, with zeros in front */

/* --- names ---------------------------------------------------------------------------------- */

/* Years have four digits or, before 0 and behind 9999, a sign or more digits. */
static void format_stamp(char stamp[ROTATED_STAMP + 1], struct timespec at)
{
    struct tm utc;
    if (!gmtime_r(&at.tv_sec, &utc)) /* a year that no int holds */
        utc = (struct tm){.tm_year = -1900, .tm_mday = 1};
    long year = 1900L + utc.tm_year;
    int len = snprintf(stamp, ROTATED_STAMP + 1, "%s%04ld", year < 0 ? "-" : "", labs(year));
    size_t end =
        (size_t)len + strftime(stamp + len, ROTATED_STAMP + 1 - (size_t)len, "%m%dT%H%M%S", &utc);
    snprintf(stamp + end, ROTATED_STAMP + 1 - end, ".%03uZ", (unsigned)(at.tv_nsec / 1000000));
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* How long the stamp is that the text begins with; 0: none. */
static size_t stamp_len(const char *text)
{
    size_t sign = *text == '-', day = digits(text + sign);
    const char *time = text + sign + day;
    if (day < 8 || day > 14 || *time != 'T' || digits(time + 1) != 6 || time[7] != '.' ||
        digits(time + 8) != 3 || time[11] != 'Z')
        return 0;
    return sign + day + 12;
}

/* One rotated file as found in the directory. */
struct found {
    char stamp[ROTATED_STAMP + 1];
    uint64_t number; /* 0: it has none */
    uint64_t age;    /* how many numbers the newest one is ahead */
    enum compression compressed;
    bool temporary;
};

/* Takes ".000017" off the text, if it begins so. */
static const char *take_number(const char *text, uint64_t *number)
{
    size_t len = *text == '.' ? digits(text + 1) : 0;
    bool padded = len > NUMBER_DIGITS && text[1] == '0';
    if (len < NUMBER_DIGITS || len > ROTATED_DIGITS || padded)
        return text;
    uint64_t value;
    if (!number_parse(span_of(text + 1, len), NUMBER_MAX, &value) || value == 0)
        return text;
    *number = value;
    return text + 1 + len;
}

/* Takes "STAMP.NUMBER", "STAMP.NUMBER.gz", "STAMP.gz.tmp", ... apart; false for anything else. */
static bool parse_name(const char *text, struct found *found)
{
    size_t stamp = stamp_len(text);
    if (stamp == 0)
        return false;
    *found = (struct found){0};
    memcpy(found->stamp, text, stamp);
    text = take_number(text + stamp, &found->number);
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

/* The part of a name behind the path. */
static void format_suffix(char suffix[ROTATED_EXTRA + 1], const struct found *found)
{
    char number[24] = "";
    if (found->number)
        snprintf(number, sizeof number, ".%0*llu", NUMBER_DIGITS,
                 (unsigned long long)found->number);
    snprintf(suffix, ROTATED_EXTRA + 1, ".%s%s%s%s", found->stamp, number,
             compress_suffixes[found->compressed], found->temporary ? TEMPORARY : "");
}

/* --- finding them --------------------------------------------------------------------------- */

/* The rotated files beside a path. */
struct scan {
    int dir;
    bool shared;      /* with others, who may make files there */
    const char *base; /* of the path */
    struct found *found;
    size_t count, cap;
};

static void name_of(const struct scan *scan, const struct found *found, char name[PATH_MAX])
{
    char suffix[ROTATED_EXTRA + 1];
    format_suffix(suffix, found);
    snprintf(name, PATH_MAX, "%s%s", scan->base, suffix);
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

/* -1: a is the older one. Of those that have no number, the stamp is all there is. */
static int compare(const struct found *a, const struct found *b)
{
    if (a->age != b->age)
        return a->age > b->age ? -1 : 1;
    return strcmp(a->stamp, b->stamp);
}

static int newest_first(const void *a, const void *b)
{
    return compare(b, a);
}

static int lowest_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Whoever may make files in the folder may give them, or a second name of ours, any number. */
static bool is_ours(const struct scan *scan, const char *name)
{
    struct stat st;
    return !scan->shared || (fstatat(scan->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                             S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1);
}

static int read_directory(struct scan *scan, DIR *dir)
{
    size_t len = strlen(scan->base);
    for (const struct dirent *entry; errno = 0, (entry = readdir(dir));) {
        struct found found;
        const char *name = entry->d_name;
        if (!strncmp(name, scan->base, len) && name[len] == '.' &&
            parse_name(name + len + 1, &found) && is_ours(scan, name) && add_found(scan, &found))
            return -1;
    }
    return errno ? -1 : 0;
}

static void scan_close(struct scan *scan)
{
    int error = errno;
    free(scan->found);
    if (scan->dir >= 0)
        close(scan->dir);
    errno = error;
}

/* Finds the files; the caller calls scan_close in any case. */
static int scan_open(struct scan *scan, const char *path)
{
    struct folder folder;
    struct error why;
    const char *slash = strrchr(path, '/');
    *scan = (struct scan){.dir = -1, .base = slash ? slash + 1 : path};
    if (folder_open(&folder, path, &why))
        return -1;
    scan->shared = folder.shared;
    scan->dir = openat(folder.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    folder_close(&folder);
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
    int error = errno;
    closedir(dir);
    errno = error;
    return rc;
}

/* --- their order ----------------------------------------------------------------------------- */

static uint64_t next_of(uint64_t number)
{
    return number < NUMBER_MAX ? number + 1 : 1;
}

/* How many numbers lie between two, on the way round. */
static uint64_t distance(uint64_t from, uint64_t to)
{
    return (to + NUMBER_MAX - from) % NUMBER_MAX;
}

/* The number that has the widest gap behind it: what one run gives out after the other is close
 * together. Without any, the one before the first. */
static uint64_t find_newest(struct scan *scan)
{
    uint64_t newest = NUMBER_MAX, widest = 0;
    size_t first = 0;
    if (scan->count)
        qsort(scan->found, scan->count, sizeof *scan->found, lowest_first);
    while (first < scan->count && scan->found[first].number == 0)
        first++;
    for (size_t i = first; i < scan->count; i++) {
        const struct found *behind = &scan->found[i + 1 < scan->count ? i + 1 : first];
        uint64_t gap = distance(scan->found[i].number, behind->number);
        if (gap < widest)
            continue;
        widest = gap;
        newest = scan->found[i].number;
    }
    return newest;
}

/* Newest first. A number is given out before it is in a name, so whatever the directory showed has
 * been given out by now, or is a stranger's. */
static void sort(struct scan *scan, const struct rotated *rotated)
{
    uint64_t given = atomic_load(&rotated->newest), newest = given ? given : find_newest(scan);
    for (size_t i = 0; i < scan->count; i++) {
        struct found *found = &scan->found[i];
        found->age = found->number ? distance(found->number, newest) : NUMBER_MAX;
    }
    if (scan->count)
        qsort(scan->found, scan->count, sizeof *scan->found, newest_first);
}

/* --- rotating ------------------------------------------------------------------------------- */

int rotated_begin(struct rotated *rotated)
{
    struct scan scan;
    if (atomic_load(&rotated->newest))
        return 0;
    int rc = scan_open(&scan, rotated->path), error = errno;
    uint64_t newest = find_newest(&scan);
    scan_close(&scan);
    errno = error;
    if (rc && errno != EACCES) /* a folder that may be written to, but not listed */
        return -1;
    atomic_store(&rotated->newest, newest);
    return 0;
}

/* rename(2), but never over a file; where the file system knows no such thing, as well as may be.
 */
static int rename_free(const struct folder *folder, const char *to)
{
    const int fd = folder->fd;
    if (renameat2(fd, folder->name, fd, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (faccessat(fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(fd, folder->name, fd, to);
}

/* The next free name, whole into `to`. */
static int rename_aside(struct rotated *rotated, const struct folder *folder, char to[PATH_MAX])
{
    struct found found = {0};
    char suffix[ROTATED_EXTRA + 1];
    size_t base = strlen(rotated->path) - strlen(folder->name);
    format_stamp(found.stamp, clock_wall());
    do {
        found.number = next_of(atomic_load(&rotated->newest));
        atomic_store(&rotated->newest, found.number);
        format_suffix(suffix, &found);
        if (snprintf(to, PATH_MAX, "%s%s", rotated->path, suffix) >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        if (rename_free(folder, to + base) == 0)
            return 0;
    } while (errno == EEXIST);
    return -1;
}

int rotated_aside(struct rotated *rotated, char to[PATH_MAX])
{
    struct folder folder;
    struct error why;
    if (rotated->shifts) {
        snprintf(to, PATH_MAX, "%s.1", rotated->path);
        return numbered_shift(rotated->path, rotated->shifts, &why);
    }
    if (rotated_begin(rotated) || folder_open(&folder, rotated->path, &why))
        return -1;
    int rc = rename_aside(rotated, &folder, to), error = errno;
    folder_close(&folder);
    errno = error;
    return rc;
}

/* --- tidying up ----------------------------------------------------------------------------- */

/* Notes that `action` failed for that file (errno). */
static void note(struct rotated_failure *failure, const char *action, const char *name)
{
    if (failure->action) {
        failure->more++;
        return;
    }
    failure->action = action;
    failure->error = errno;
    snprintf(failure->name, sizeof failure->name, "%s", name);
}

/* Makes `to` as readable, and as old, as `from`. Best effort: only root may give files away. */
static void copy_attributes(int from, int to)
{
    struct stat st;
    if (fstat(from, &st))
        return;
    int ignored = fchown(to, st.st_uid, st.st_gid);
    ignored += fchmod(to, st.st_mode & 0777);
    ignored += futimens(to, (struct timespec[]){st.st_atim, st.st_mtim});
    (void)ignored;
}

/* What was rotated is a plain file; anything else of such a name is somebody else's. */
static int open_plain(const struct scan *scan, const char *name)
{
    struct stat st;
    int fd = openat(scan->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) || S_ISREG(st.st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
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
    int from = open_plain(scan, source);
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

/* True when more than `keep` rotations are newer than this file's, or it is half of a compression.
 */
static bool is_superfluous(const struct found *found, size_t newer, uint64_t keep)
{
    return found->temporary || (keep && newer >= keep);
}

/* Removes what is superfluous, and takes it off the list, even where it cannot be removed. */
static void prune(struct scan *scan, uint64_t keep, struct rotated_failure *failure)
{
    char name[PATH_MAX];
    size_t newer = 0, kept = 0;
    struct found before = {0};
    for (size_t i = 0; i < scan->count; i++) {
        const struct found found = scan->found[i];
        /* A plain file and its compressed form are of one rotation. */
        newer += i > 0 && compare(&found, &before) != 0;
        before = found;
        if (!is_superfluous(&found, newer, keep)) {
            scan->found[kept++] = found;
            continue;
        }
        name_of(scan, &found, name);
        if (unlinkat(scan->dir, name, 0) && errno != ENOENT)
            note(failure, "remove", name);
    }
    scan->count = kept;
}

/* Compresses what is plain, from the oldest on. On a full disk the others would fail, too, after
 * much work. */
static void compress_all(const struct scan *scan, enum compression how, const atomic_bool *stop,
                         struct rotated_failure *failure)
{
    char name[PATH_MAX];
    for (size_t i = scan->count; i-- > 0;) {
        if (scan->found[i].compressed != COMPRESS_NONE ||
            compress_one(scan, &scan->found[i], how, stop) == 0)
            continue;
        if (errno == ECANCELED)
            return;
        int error = errno;
        name_of(scan, &scan->found[i], name);
        note(failure, "compress", name);
        if (error == ENOSPC || error == EDQUOT)
            return;
    }
}

int rotated_tidy(const struct rotated *rotated, uint64_t keep, enum compression how,
                 const atomic_bool *stop, struct rotated_failure *failure)
{
    struct scan scan;
    *failure = (struct rotated_failure){0};
    if (scan_open(&scan, rotated->path)) {
        note(failure, "list the files rotated from", rotated->path);
    } else {
        sort(&scan, rotated);
        prune(&scan, keep, failure);
        if (how != COMPRESS_NONE)
            compress_all(&scan, how, stop, failure);
    }
    scan_close(&scan);
    return failure->action ? -1 : 0;
}
