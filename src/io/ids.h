/* Users and groups by name, as configurations have them. */
#ifndef SPILE_IO_IDS_H
#define SPILE_IO_IDS_H

#include <sys/types.h>

#include "base/error.h"

/* *id gets the id of a name or number, or -1, which chown takes for "unchanged", when `name` is
 * NULL. -1: err. Main thread. */
int ids_user(const char *name, uid_t *id, struct error *err);
int ids_group(const char *name, gid_t *id, struct error *err);

#endif
