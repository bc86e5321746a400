/* Texts of configurations: what they are called, and reading them from files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/parse.h"

enum { TEXT_MAX = 256 << 10 /* bytes of a configuration */ };

/* Remembers what the text is called, for messages now and later. */
static int set_path(struct config *config, const char *path, struct error *err)
{
    char *copy = strdup(path);
    if (!copy)
        return error_set(err, "out of memory");
    free(config->path);
    config->path = copy;
    return 0;
}

/* Keeps what a text is called for as long as the configuration lives; NULL: no memory. */
static const char *note_file(struct config *config, const char *path, struct error *err)
{
    char **grown = realloc(config->files, (config->file_count + 1) * sizeof *grown);
    if (grown)
        config->files = grown;
    char *copy = grown ? strdup(path) : NULL;
    if (copy)
        return grown[config->file_count++] = copy;
    error_set(err, "out of memory");
    return NULL;
}

static int read_text(struct config *config, struct span text, const char *file, struct error *err)
{
    yaml_document_t document;
    if (text.len > TEXT_MAX)
        return error_set(err, "longer than %d bytes", TEXT_MAX);
    if (config_document(&document, text, file, err))
        return -1;
    int status = config_read(config, &document, text, file, err);
    yaml_document_delete(&document);
    return status;
}

int config_parse(struct config *config, const char *text, size_t len, const char *path,
                 struct error *err)
{
    *err = (struct error){0};
    const char *file;
    if (set_path(config, path, err) || !(file = note_file(config, path, err)))
        return -1;
    if (read_text(config, span_of(text, len), file, err) == 0)
        return 0;
    return error_at(err, path, 0, 0);
}

/* Reads up to `size` bytes of the file; the number read, or -1 with errno. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t len = 0;
    ssize_t got;
    while ((got = read(fd, text + len, size - len)) != 0) {
        if (got > 0)
            len += (size_t)got;
        else if (errno != EINTR)
            break;
    }
    int reason = errno;
    if (!is_stdin)
        close(fd);
    errno = reason;
    return got < 0 ? -1 : (ssize_t)len;
}

int config_load(struct config *config, const char *path, struct error *err)
{
    *err = (struct error){0};
    char *text = malloc(TEXT_MAX + 1); /* one more than may be, so that more is noticed */
    if (!text)
        return error_set(err, "out of memory");
    ssize_t len = read_file(path, text, TEXT_MAX + 1);
    int status;
    if (len < 0) {
        error_set(err, "%s", strerror(errno));
        status = error_at(err, path, 0, 0);
    } else {
        status = config_parse(config, text, (size_t)len,
                              strcmp(path, "-") == 0 ? "standard input" : path, err);
    }
    free(text);
    return status;
}
