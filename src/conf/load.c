/*
 * Texts of configurations, and those that they include. What a text includes is read before what it
 * says itself, so lists of included files come first, in the order of the includes.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "conf/files.h"
#include "conf/parse.h"

enum {
    DEPTH_MAX = 16,  /* files that include each other */
    FILES_MAX = 256, /* of a configuration */
};

/* A text that is being read. Owner: the stack. */
struct config_source {
    const char *file;                   /* what it is called; the configuration's */
    const struct config_source *parent; /* what includes it; NULL: nothing does */
    struct stat stat;                   /* st_ino 0: it is no file */
    unsigned depth;
};

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

/* Keeps what a text is called for as long as the configuration lives; NULL: err. */
static const char *note_file(struct config *config, const char *path, struct error *err)
{
    if (config->file_count >= FILES_MAX) {
        error_set(err, "more than %d files are included", FILES_MAX);
        return NULL;
    }
    char **grown = realloc(config->files, (config->file_count + 1) * sizeof *grown);
    if (grown)
        config->files = grown;
    char *copy = grown ? strdup(path) : NULL;
    if (copy)
        return grown[config->file_count++] = copy;
    error_set(err, "out of memory");
    return NULL;
}

static bool is_open(const struct config_source *source, const struct stat *file)
{
    for (; source; source = source->parent) {
        if (source->stat.st_ino && source->stat.st_ino == file->st_ino &&
            source->stat.st_dev == file->st_dev)
            return true;
    }
    return false;
}

static int read_text(struct config *config, const struct config_source *source, struct span bytes,
                     struct error *err);

/* Reads one file that `parent` includes. */
static int include_file(struct config *config, const struct config_source *parent, const char *path,
                        struct error *err)
{
    struct config_source source = {.parent = parent, .depth = parent->depth + 1};
    struct buf bytes = {0};
    struct error why = {0};
    if (source.depth > DEPTH_MAX)
        return error_set(err, "more than %d files include each other", DEPTH_MAX);
    if (stat(path, &source.stat) == 0 && is_open(parent, &source.stat))
        return error_set(err, "%s includes itself", path);
    source.file = note_file(config, path, err);
    if (!source.file)
        return -1;
    int status = config_file_read(path, CONFIG_READS_FILES, CONFIG_TEXT_MAX, &bytes, &why);
    if (status)
        error_set(err, "%s: %s", path, why.text);
    else
        status = read_text(config, &source, buf_span(&bytes), err);
    buf_free(&bytes);
    return status;
}

/* Reads what one path or pattern means. */
static int include(struct config *config, const struct config_source *source, struct span text,
                   struct error *err)
{
    struct config_paths paths;
    int status = config_paths_find(&paths, source->file, text, err);
    for (size_t i = 0; i < paths.count && status == 0; i++)
        status = include_file(config, source, paths.items[i], err);
    config_paths_free(&paths);
    return status;
}

static int read_includes(struct config *config, const struct config_source *source,
                         const struct config_text *text, struct error *err)
{
    int found = 1;
    for (size_t i = 0; found > 0; i++) {
        struct buf path = {0};
        struct config_mark at;
        found = config_read_include(text, i, &path, &at, err);
        if (found > 0 && include(config, source, buf_span(&path), err))
            found = error_at(err, at.file, at.line, at.column);
        buf_free(&path);
    }
    return found;
}

static int read_text(struct config *config, const struct config_source *source, struct span bytes,
                     struct error *err)
{
    yaml_document_t document;
    const struct config_text text = {&document, bytes, source->file};
    if (config_document(&document, bytes, source->file, err))
        return -1;
    int status = read_includes(config, source, &text, err);
    if (status == 0)
        status = config_read(config, &text, err);
    yaml_document_delete(&document);
    return status;
}

/* Reads the text at the top, which nothing includes. */
static int read_first(struct config *config, struct config_source *source, struct span bytes,
                      const char *path, struct error *err)
{
    if (set_path(config, path, err) || !(source->file = note_file(config, path, err)))
        return -1;
    if (bytes.len > CONFIG_TEXT_MAX)
        error_set(err, "longer than %d bytes", CONFIG_TEXT_MAX);
    else if (read_text(config, source, bytes, err) == 0)
        return 0;
    return error_at(err, path, 0, 0);
}

int config_parse(struct config *config, const char *text, size_t len, const char *path,
                 struct error *err)
{
    struct config_source source = {0};
    *err = (struct error){0};
    return read_first(config, &source, span_of(text, len), path, err);
}

int config_load(struct config *config, const char *path, struct error *err)
{
    struct config_source source = {0};
    struct buf bytes = {0};
    *err = (struct error){0};
    bool is_stdin = strcmp(path, "-") == 0;
    if (!is_stdin && stat(path, &source.stat))
        source.stat.st_ino = 0;
    int status = config_file_read(path, CONFIG_READS_ALL, CONFIG_TEXT_MAX, &bytes, err);
    if (status)
        error_at(err, path, 0, 0);
    else
        status =
            read_first(config, &source, buf_span(&bytes), is_stdin ? "standard input" : path, err);
    buf_free(&bytes);
    return status;
}
