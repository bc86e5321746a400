/* The database as files. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "history/store.h"

static const char *const suffixes[] = {"", "-wal", "-shm"};
enum { SUFFIXES = sizeof suffixes / sizeof *suffixes };

int store_set_aside(const char *path, struct error *err)
{
    char from[4200], to[4300], when[32];
    time_t now = time(NULL);
    struct tm tm;
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    for (int i = 0; i < SUFFIXES; i++) {
        snprintf(from, sizeof from, "%s%s", path, suffixes[i]);
        snprintf(to, sizeof to, "%s.broken-%s%s", path, when, suffixes[i]);
        if (rename(from, to) < 0 && (i == 0 || errno != ENOENT))
            return error_set(err, "cannot rename %.400s: %s", from, strerror(errno));
    }
    return 0;
}

uint64_t store_size(const char *path)
{
    uint64_t size = 0;
    for (int i = 0; i < SUFFIXES; i++) {
        char name[4200];
        struct stat file;
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        size += stat(name, &file) == 0 ? (uint64_t)file.st_size : 0;
    }
    return size;
}
