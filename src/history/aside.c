/* The database's files as a whole: setting a broken database aside, and its size. */
#include <errno.h>
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
            return error_set(err, "cannot rename %.200s: %s", from, strerror(errno));
    }
    return 0;
}

int store_set_aside(const char *path, char *to, size_t size, struct error *err)
{
    char when[32];
    time_t now = time(NULL);
    struct tm tm;
    struct folder folder;
    struct error why;
    if (folder_open(&folder, path, &why))
        return error_set(err, "cannot rename %.200s: %s", path, why.text);
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    snprintf(to, size, "%s.broken-%s", path, when);
    int rc = rename_all(&folder, to + (strlen(path) - strlen(folder.name)), err);
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
