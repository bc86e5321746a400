/* Names found beside a file that is rotated: the input's lines, behind the file's name. Whatever
 * lies there, what this run rotates stays, and so does what is no rotated file. */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "out/rotated.h"

enum { FILES = 12, NAME_LEN_MAX = 60, KEEP = 2 };

static char folder[] = "/tmp/spile-fuzz-rotated-XXXXXX";

static void remove_folder(void)
{
    rmdir(folder);
}

static void make(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert(fd >= 0 && write(fd, "x", 1) == 1);
    close(fd);
}

/* Names are bytes but for the two that no name has. */
static void make_found(const uint8_t *bytes, size_t len)
{
    char name[NAME_LEN_MAX + 8];
    for (unsigned files = 0; len > 0 && files < FILES; files++) {
        const uint8_t *end = memchr(bytes, '\n', len);
        size_t line = end ? (size_t)(end - bytes) : len;
        if (line > 0 && line <= NAME_LEN_MAX && !memchr(bytes, '/', line) &&
            !memchr(bytes, 0, line)) {
            snprintf(name, sizeof name, "f.%.*s", (int)line, (const char *)bytes);
            make(name);
        }
        size_t used = line + (end != NULL);
        bytes += used;
        len -= used;
    }
}

/* Counts what is there; with `empty`, removes it. `others`: what has no `T` and `Z` is none of
 * ours, and is not rotated. */
static unsigned count(unsigned *others, int empty)
{
    unsigned files = 0;
    DIR *dir = opendir(folder);
    assert(dir);
    *others = 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] != 'f')
            continue;
        files++;
        *others += !strchr(entry->d_name, 'T') || !strchr(entry->d_name, 'Z');
        if (empty)
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
    return files;
}

static void rotate(const char *path, char to[PATH_MAX])
{
    static const atomic_bool stop;
    struct rotated rotated = {.path = path};
    struct rotated_failure failure;
    struct stat st;
    unsigned others, left;
    assert(rotated_aside(&rotated, to) == 0 && stat(to, &st) == 0);
    count(&others, 0);
    assert(rotated_tidy(&rotated, KEEP, COMPRESS_NONE, &stop, &failure) == 0);
    count(&left, 0);
    assert(left == others && stat(to, &st) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static char path[PATH_MAX];
    char to[PATH_MAX];
    unsigned others;
    if (!path[0]) {
        assert(mkdtemp(folder));
        atexit(remove_folder);
        snprintf(path, sizeof path, "%s/f", folder);
    }
    make_found(bytes, len);
    make("f");
    rotate(path, to);
    count(&others, 1);
    return 0;
}
