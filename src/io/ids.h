/* Users and groups by name, as configurations have them, and giving files to them. */
#ifndef SPILE_IO_IDS_H
#define SPILE_IO_IDS_H

#include <sys/types.h>

#include "base/error.h"

/* *id gets the id of a name or number, or -1, which chown takes for "unchanged", when `name` is
 * NULL. -1: err. Main thread. */
int ids_user(const char *name, uid_t *id, struct error *err);
int ids_group(const char *name, gid_t *id, struct error *err);

/* Gives the file of that name in a folder (a descriptor; or that file itself, for the name "") to
 * user and group; -1 is "unchanged". -1: why, with errno. */
int ids_give(int folder, const char *name, uid_t uid, gid_t gid, struct error *why);
/* Whether this process may do so with a file that it has made. -1: why. */
int ids_may_give(uid_t uid, gid_t gid, struct error *why);

#endif
