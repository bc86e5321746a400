/* The database's files as a whole: setting a broken database aside, and its size. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "history/store.h"
#include "io/folder.h"

static const char *const suffixes[] = {"", "-wal", "-shm"};
enum { SUFFIXES = sizeof suffixes / sizeof *suffixes, NAME_BYTES = PATH_MAX + 64 };

static int rename_all(const struct folder *folder, const char *to, struct error *err)
{
    for (int i = 0; i < SUFFIXES; i++) {
        char from[NAME_BYTES], aside[NAME_BYTES];
        snprintf(from, sizeof from, "%s%s", folder->name, suffixes[i]);
        snprintf(aside, sizeof aside, "%s%s", to, suffixes[i]);
        if (renameat(folder->fd, from, folder->fd, aside) < 0 && (i == 0 || errno != ENOENT))
            return error_set(err, "cannot rename %.200s: %s", from, folder_rename_fault(errno));
    }
    return 0;
}

/* PATH.broken-TIME, with a number behind it where a second has brought several. */
static int aside_name(const struct folder *folder, const char *path, char *to, size_t size)
{
    enum { MOST = 100 };
    char when[32];
    time_t now = time(NULL);
    struct tm tm;
    struct stat there;
    const char *name = to + (strlen(path) - strlen(folder->name));
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    int len = snprintf(to, size, "%s.broken-%s", path, when);
    for (int n = 2; n <= MOST; n++) {
        if (len < 0 || (size_t)len + sizeof ".100" > size)
            return -1;
        if (fstatat(folder->fd, name, &there, AT_SYMLINK_NOFOLLOW) < 0)
            return 0;
        snprintf(to + len, size - (size_t)len, ".%d", n);
    }
    return -1;
}

int store_set_aside(const char *path, char *to, size_t size, struct error *err)
{
    struct folder folder;
    struct error why;
    if (folder_open(&folder, path, &why))
        return error_set(err, "cannot rename %.200s: %s", path, why.text);
    int rc = aside_name(&folder, path, to, size) < 0
                 ? error_set(err, "cannot rename %.200s: no name is left for it", path)
                 : rename_all(&folder, to + (strlen(path) - strlen(folder.name)), err);
    folder_close(&folder);
    return rc;
}

uint64_t store_size(const char *path)
{
    uint64_t size = 0;
    for (int i = 0; i < SUFFIXES; i++) {
        char name[NAME_BYTES];
        struct stat file;
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        size += stat(name, &file) == 0 ? (uint64_t)file.st_size : 0;
    }
    return size;
}
