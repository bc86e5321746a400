/* Files that a configuration is read from: itself, what it includes, secrets. */
#ifndef SPILE_CONF_FILES_H
#define SPILE_CONF_FILES_H

#include "base/buf.h"
#include "base/error.h"

/* What may be read: anything ("-": standard input), or files alone, so that nothing waits. */
enum config_readable { CONFIG_READS_ALL, CONFIG_READS_FILES };

/* Appends what the file holds, `most` bytes at most. -1: err says why, without the path. */
int config_file_read(const char *path, enum config_readable readable, size_t most, struct buf *out,
                     struct error *err);
/* Appends the path and a NUL: where it is relative it is so to the folder of `file`. -1: no memory.
 */
int config_path_beside(const char *file, struct span path, struct buf *out, struct error *err);

/* Paths of files, in order. */
struct config_paths {
    char **items;
    size_t count;
};
/* The files that the text means, relative to the folder of `file`: one, or all that fit where its
 * last part has *, ? or [. Of these there may be none. -1: err. To be freed in any case. */
int config_paths_find(struct config_paths *paths, const char *file, struct span text,
                      struct error *err);
void config_paths_free(struct config_paths *paths);

#endif
