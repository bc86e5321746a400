#include "app/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/control_path.h"
#include "base/log.h"
#include "io/ids.h"

enum { BACKLOG = 128 };

/* Where it is the usual one, which may be missing. */
static void make_folder(const char *path)
{
    struct folder folder;
    struct error why;
    if (strcmp(path, CONTROL_USUAL) != 0 || folder_open(&folder, CONTROL_FOLDER, &why))
        return;
    mkdirat(folder.fd, folder.name, 0755);
    folder_close(&folder);
}

static mode_t mode_of(const struct control_settings *settings)
{
    return settings ? settings->mode : CONTROL_MODE;
}

static const char *path_of(const struct control_settings *settings, char usual[CONTROL_PATH_MAX])
{
    return settings && settings->path ? settings->path : control_path(usual);
}

static bool same_path(const struct control_socket *a, const struct control_socket *b)
{
    return strcmp(a->path, b->path) == 0;
}

static bool same_access(const struct control_socket *a, const struct control_socket *b)
{
    return a->mode == b->mode && a->group == b->group;
}

/* Somebody may have removed it. */
static bool has_its_name(const struct control_socket *s)
{
    return s->owned && folder_is_bound(&s->folder, &s->placed);
}

/* One that listens at a place of its own. 0 or -1 with why. */
static int bind_new(struct control_socket *s, const struct control_socket *before,
                    struct error *why)
{
    const struct folder_socket wanted = {
        .mode = s->mode, .uid = (uid_t)-1, .gid = s->group, .backlog = BACKLOG};
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return error_set(why, "%s", strerror(errno));
    if (before) {
        int rc = folder_prepare(&s->folder, s->fd, &wanted, &s->chamber, why);
        s->prepared = rc == 0;
        return rc;
    }
    int rc = folder_bind(&s->folder, s->fd, &wanted, &s->placed, why);
    s->owned = rc == 0;
    return rc;
}

static int listen_at(struct control_socket *s, const struct control_socket *before,
                     struct error *err)
{
    struct error why;
    if (folder_open(&s->folder, s->path, &why))
        return error_set(err, "cannot listen on unix %s: %s", s->path,
                         errno == ENOENT ? "there is no such folder" : why.text);
    if (before && !(same_path(s, before) && has_its_name(before)))
        before = NULL;
    if (before && same_access(s, before)) {
        s->fd = fcntl(before->fd, F_DUPFD_CLOEXEC, 0);
        s->shared = true;
        return s->fd < 0 ? error_set(err, "control: %s", strerror(errno)) : 0;
    }
    return bind_new(s, before, &why) == 0
               ? 0
               : error_set(err, "cannot listen on unix %s: %s", s->path, why.text);
}

int control_socket_open(struct control_socket *s, const struct control_settings *settings,
                        const struct control_socket *before, struct error *err)
{
    char usual[CONTROL_PATH_MAX];
    const char *path = path_of(settings, usual);
    *s = (struct control_socket){.fd = -1, .folder.fd = -1, .mode = mode_of(settings)};
    if (ids_group(settings ? settings->group : NULL, &s->group, err) < 0)
        return -1;
    s->path = strdup(path);
    if (!s->path)
        return error_set(err, "no memory");
    make_folder(path);
    if (listen_at(s, before, err) == 0) {
        if (s->owned) /* where none was */
            log_info("control: %s", s->path);
        return 0;
    }
    control_socket_close(s);
    return -1;
}

bool control_socket_is(const struct control_socket *s, const struct control_settings *settings)
{
    char usual[CONTROL_PATH_MAX];
    struct error why;
    gid_t group;
    return strcmp(s->path, path_of(settings, usual)) == 0 && s->mode == mode_of(settings) &&
           ids_group(settings ? settings->group : NULL, &group, &why) == 0 && s->group == group &&
           has_its_name(s);
}

void control_socket_follow(struct control_socket *s, struct control_socket *before)
{
    struct error why;
    if (s->owned) {
        control_socket_leave(before);
        return;
    }
    s->placed = before->placed;
    s->owned = before->owned;
    before->owned = false;
    before->shared = s->shared;
    s->shared = false;
    if (s->prepared && folder_replace(&s->folder, &s->chamber, &s->placed, &why))
        log_error("control: cannot listen on unix %s: %s", s->path, why.text);
    s->prepared = false;
}

void control_socket_leave(struct control_socket *s)
{
    if (s->owned)
        folder_unbind(&s->folder, &s->placed);
    s->owned = false;
}

void control_socket_close(struct control_socket *s)
{
    control_socket_leave(s);
    if (s->prepared)
        folder_chamber_close(&s->chamber, &s->folder);
    folder_close(&s->folder);
    if (s->fd >= 0)
        close(s->fd);
    free(s->path);
}
