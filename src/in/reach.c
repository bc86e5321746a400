#include "in/reach.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_MAX = 16384 /* bytes of a group with its members; a larger one has some */ };

static bool is_own_name(const char *name)
{
    char space[4096];
    struct passwd pw, *found = NULL;
    return getpwuid_r(geteuid(), &pw, space, sizeof space, &found) == 0 && found &&
           strcmp(found->pw_name, name) == 0;
}

/* Whether being in the group lets in others than this process. */
static bool group_has_others(gid_t gid)
{
    char space[NAMES_MAX];
    struct group gr, *found = NULL;
    if (gid != getegid())
        return true;
    if (getgrgid_r(gid, &gr, space, sizeof space, &found) != 0)
        return true;
    for (char **member = found ? found->gr_mem : NULL; member && *member; member++) {
        if (!is_own_name(*member))
            return true;
    }
    return false;
}

/* How others get into the socket's group: "usermod -aG GROUP USER for each, " where it may be
 * written to by that group; empty where it is root's, which nobody should be in. */
static void put_group_advice(const struct stat *st, char *advice, size_t size)
{
    char space[NAMES_MAX];
    struct group gr, *found = NULL;
    advice[0] = '\0';
    if (st->st_gid != 0 && st->st_mode & S_IWGRP &&
        getgrgid_r(st->st_gid, &gr, space, sizeof space, &found) == 0 && found)
        snprintf(advice, size, "usermod -aG %s USER for each, or ", found->gr_name);
}

/* Whether the bit for others, or the one for a group that has some, is set. */
static bool lets_in(const struct stat *st, mode_t others, mode_t group)
{
    return st->st_mode & others || (st->st_mode & group && group_has_others(st->st_gid));
}

static unsigned permissions(const struct stat *st)
{
    return st->st_mode & 07777;
}

bool reach_trouble(const char *path, char *text, size_t size)
{
    char way[PATH_MAX];
    char advice[128];
    struct stat st;
    if (stat(path, &st) < 0 || !realpath(path, way))
        return false;
    if (!lets_in(&st, S_IWOTH, S_IWGRP)) {
        put_group_advice(&st, advice, sizeof advice);
        snprintf(text, size,
                 "unix %s: mode %04o lets no other user connect, and DNS servers have users of "
                 "their own: %s--mode 0666 or --group NAME (mode: and group: in a configuration)",
                 path, permissions(&st), advice);
        return true;
    }
    for (char *slash = strrchr(way, '/'); slash && slash > way; slash = strrchr(way, '/')) {
        *slash = '\0';
        if (stat(way, &st) < 0 || lets_in(&st, S_IXOTH, S_IXGRP))
            continue;
        snprintf(text, size,
                 "unix %s: no other user gets there, since the folder %s has mode %04o: "
                 "chmod o+x, or another folder",
                 path, way, permissions(&st));
        return true;
    }
    return false;
}
