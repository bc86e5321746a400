/* What the sources of io/folder.h share. */
#ifndef SPILE_IO_FOLDER_STATE_H
#define SPILE_IO_FOLDER_STATE_H

#include <errno.h>
#include <string.h>

#include "io/folder.h"

enum {
    FOLDER_AFFIX = 32, /* bytes that names of our own have more than the file's */
    FOLDER_USER_MAX = 64,
};

/* The user's name, or his number. */
const char *folder_user_name(uid_t uid, char text[FOLDER_USER_MAX]);

/* Returns -1, with `text` in *why and that errno. */
static inline int folder_refuse_as(struct error *why, int error, const char *text)
{
    error_set(why, "%s", text);
    errno = error;
    return -1;
}

/* Returns -1, with errno's own text in *why. */
static inline int folder_refuse(struct error *why, int error)
{
    return folder_refuse_as(why, error, strerror(error));
}

#endif
