#include "conf/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOUND_MAX = 1000 /* files that a pattern may mean */ };

/* --- reading -------------------------------------------------------------------------------- */

/* A descriptor, or -1 with err. */
static int open_file(const char *path, enum config_readable readable, struct error *err)
{
    struct stat file;
    bool only_files = readable == CONFIG_READS_FILES;
    int flags = O_RDONLY | O_CLOEXEC | (only_files ? O_NONBLOCK | O_NOCTTY : 0);
    int fd = !only_files && strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                                   : open(path, flags);
    if (fd < 0)
        return error_set(err, "%s", strerror(errno));
    if (only_files && fstat(fd, &file) == 0 && !S_ISREG(file.st_mode) && !S_ISDIR(file.st_mode)) {
        close(fd);
        return error_set(err, "this is no file");
    }
    return fd;
}

/* Up to `size` bytes; -1 with errno. */
static ssize_t read_all(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t got;
    while ((got = read(fd, text + len, size - len)) != 0) {
        if (got > 0)
            len += (size_t)got;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)len;
}

int config_file_read(const char *path, enum config_readable readable, size_t most, struct buf *out,
                     struct error *err)
{
    char *room = buf_reserve(out, most + 1); /* one more, so that more is noticed */
    if (!room)
        return error_set(err, "out of memory");
    int fd = open_file(path, readable, err);
    if (fd < 0)
        return -1;
    ssize_t len = read_all(fd, room, most + 1);
    int reason = errno;
    close(fd);
    if (len < 0)
        return error_set(err, "%s", strerror(reason));
    if ((size_t)len > most)
        return error_set(err, "longer than %zu bytes", most);
    buf_commit(out, room + len);
    return 0;
}

/* --- names ---------------------------------------------------------------------------------- */

int config_path_beside(const char *file, struct span path, struct buf *out, struct error *err)
{
    const char *slash = strrchr(file, '/');
    if (slash && (path.len == 0 || path.ptr[0] != '/'))
        buf_put(out, file, (size_t)(slash - file) + 1);
    buf_put(out, path.ptr, path.len);
    buf_byte(out, '\0');
    return out->failed ? error_set(err, "out of memory") : 0;
}

void config_paths_free(struct config_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->items[i]);
    free(paths->items);
    *paths = (struct config_paths){0};
}

/* Adds folder and name together. */
static int add(struct config_paths *paths, struct span folder, const char *name, struct error *err)
{
    size_t len = strlen(name);
    if (paths->count >= FOUND_MAX)
        return error_set(err, "more than %d files", FOUND_MAX);
    char **grown = realloc(paths->items, (paths->count + 1) * sizeof *grown);
    char *path = malloc(folder.len + len + 1);
    if (grown)
        paths->items = grown;
    if (!grown || !path) {
        free(path);
        return error_set(err, "out of memory");
    }
    memcpy(path, folder.ptr, folder.len);
    memcpy(path + folder.len, name, len + 1);
    grown[paths->count++] = path;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All in the folder that fit, in the order of their bytes; hidden files are not meant. */
static int match(struct config_paths *paths, struct span folder, const char *pattern,
                 struct error *err)
{
    char *path = strndup(folder.len ? (const char *)folder.ptr : "./", folder.len ? folder.len : 2);
    DIR *listing = path ? opendir(path) : NULL;
    const struct dirent *entry;
    int status = 0;
    if (!path)
        status = error_set(err, "out of memory");
    else if (!listing)
        status = error_set(err, "%s: %s", path, strerror(errno));
    while (status == 0 && (entry = readdir(listing))) {
        if (fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0)
            status = add(paths, folder, entry->d_name, err);
    }
    if (listing)
        closedir(listing);
    free(path);
    if (paths->count)
        qsort(paths->items, paths->count, sizeof *paths->items, by_name);
    return status;
}

static bool is_pattern(struct span text)
{
    bool pattern = false;
    for (size_t i = 0; i < text.len; i++)
        pattern |= strchr("*?[", text.ptr[i]) && text.ptr[i];
    return pattern;
}

int config_paths_find(struct config_paths *paths, const char *file, struct span text,
                      struct error *err)
{
    struct buf path = {0};
    *paths = (struct config_paths){0};
    if (text.len == 0 || memchr(text.ptr, '\0', text.len))
        return error_set(err, "a path is missing");
    const uint8_t *slash = memrchr(text.ptr, '/', text.len);
    size_t before = slash ? (size_t)(slash - text.ptr) + 1 : 0;
    struct span name = span_of(text.ptr + before, text.len - before);
    if (is_pattern(span_of(text.ptr, before)))
        return error_set(err, "only the last part of a path may have *, ? or [");
    int status = config_path_beside(file, text, &path, err);
    if (status == 0) {
        size_t folder = path.len - 1 - name.len;
        const char *last = (const char *)path.data + folder;
        status = is_pattern(name) ? match(paths, span_of(path.data, folder), last, err)
                                  : add(paths, span_of(path.data, folder), last, err);
    }
    buf_free(&path);
    return status;
}
