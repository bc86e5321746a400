#include "io/ids.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>

#include "base/number.h"

/* A number that can be an id; -1 as an unsigned number is chown's "unchanged". */
static bool is_id(const char *text, unsigned *id)
{
    uint64_t value;
    if (!number_parse(span_str(text), UINT32_MAX - 1, &value))
        return false;
    *id = (unsigned)value;
    return true;
}

int ids_user(const char *name, uid_t *id, struct error *err)
{
    *id = (uid_t)-1;
    const struct passwd *pw = name ? getpwnam(name) : NULL;
    if (pw)
        *id = pw->pw_uid;
    if (!name || pw || is_id(name, id))
        return 0;
    return error_set(err, "no user is called %.64s (owner)", name);
}

int ids_group(const char *name, gid_t *id, struct error *err)
{
    *id = (gid_t)-1;
    const struct group *gr = name ? getgrnam(name) : NULL;
    if (gr)
        *id = gr->gr_gid;
    if (!name || gr || is_id(name, id))
        return 0;
    return error_set(err, "no group is called %.64s (group)", name);
}
