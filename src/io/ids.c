#include "io/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* --- giving --------------------------------------------------------------------------------- */

static int refuse(struct error *why, const char *what, const char *who)
{
    int error = errno;
    error_set(why, "its %s cannot be set: %s%s", what, strerror(error), error == EPERM ? who : "");
    errno = error;
    return -1;
}

/* The group first: who has given a file away has no say over it. */
int ids_give(int folder, const char *name, uid_t uid, gid_t gid, struct error *why)
{
    const int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
    if (gid != (gid_t)-1 && fchownat(folder, name, (uid_t)-1, gid, flags))
        return refuse(why, "group", " (who is not root can only give it a group that he is in)");
    if (uid != (uid_t)-1 && fchownat(folder, name, uid, (gid_t)-1, flags))
        return refuse(why, "owner", " (only root can give it to another user)");
    return 0;
}

/* The kernel is asked, by a file without a name: it alone knows what this process's capabilities
 * and its user namespace allow. */
int ids_may_give(uid_t uid, gid_t gid, struct error *why)
{
    if (uid == (uid_t)-1 && gid == (gid_t)-1)
        return 0;
    int fd = memfd_create("spile", MFD_CLOEXEC);
    if (fd < 0) /* what will be is not known */
        return 0;
    int status = ids_give(fd, "", uid, gid, why);
    close(fd);
    return status;
}
