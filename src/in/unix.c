/* Input `unix`: Frame Streams over a unix stream socket. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "in/listener.h"
#include "in/reach.h"
#include "io/place.h"

struct unix_input {
    struct listener_options common;
    char *path;
    mode_t mode;
    char *owner;
    char *group;
    struct listener *listener;
    ino_t inode; /* of the socket file that is ours */
};

static const struct option unix_options[] = {
    {.name = "path",
     .type = OPTION_PATH,
     .offset = offsetof(struct unix_input, path),
     .required = true,
     .exclusive = true,
     .max = sizeof((struct sockaddr_un){0}.sun_path) - 1,
     .example = "/run/spile/dnstap.sock",
     .doc = "path of the socket; one that nobody listens on any more is replaced"},
    {.name = "mode",
     .type = OPTION_MODE,
     .offset = offsetof(struct unix_input, mode),
     .fallback = "0660",
     .doc = "mode of the socket file; who may write to it may send, so DNS servers that drop their "
            "privileges need their group here, or 0666"},
    {.name = "owner",
     .type = OPTION_STRING,
     .offset = offsetof(struct unix_input, owner),
     .example = "unbound",
     .doc = "user that owns the socket file: a name or a number"},
    {.name = "group",
     .type = OPTION_STRING,
     .offset = offsetof(struct unix_input, group),
     .example = "bind",
     .doc = "group of the socket file: a name or a number"},
    LISTENER_OPTION_ROWS(struct unix_input, common),
    {0},
};

static bool admit(struct listener *l, int fd, const struct sockaddr_storage *address,
                  struct peer *peer)
{
    struct ucred cred = {0};
    socklen_t len = sizeof cred;
    (void)l;
    (void)address;
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
    snprintf(peer->text, sizeof peer->text, "unix:pid=%d", (int)cred.pid);
    peer->host_len = (uint8_t)strlen(peer->text);
    /* Processes of other containers all have the number 0 here: tell at least their users apart. */
    peer->penalty_key = (uint64_t)cred.pid << 32 | cred.uid;
    return true;
}

/* False when nobody can be behind the path any more: connecting is refused. Any other answer (a
 * full backlog, no permission, a datagram socket) means that somebody may be. */
static bool is_served(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    int result = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool served = result == 0 || errno != ECONNREFUSED;
    close(fd);
    return served;
}

/* Removes a socket that was left behind; anything else at the path is an error. */
static int clear_path(const struct sockaddr_un *address, struct error *err)
{
    struct stat st;
    const char *path = address->sun_path;
    if (lstat(path, &st) < 0)
        return errno == ENOENT
                   ? 0
                   : error_set(err, "cannot listen on unix %s: %s", path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, "cannot listen on unix %s: a file that is no socket is there", path);
    if (is_served(address))
        return error_set(err, "cannot listen on unix %s: another program uses it", path);
    if (unlink(path) < 0)
        return error_set(err, "cannot replace unix %s: %s", path, strerror(errno));
    return 0;
}

/* A number that can be an id; -1 as an unsigned number is chown's "unchanged". */
static bool is_id(const char *text, unsigned *id)
{
    uint64_t value = 0;
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 10 || text[len])
        return false;
    for (; *text; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    *id = (unsigned)value;
    return value < UINT32_MAX;
}

/* *id gets the id of a name or number, or -1, which chown takes for "unchanged", when `name` is
 * NULL. -1: err. */
static int user_id(const char *name, uid_t *id, struct error *err)
{
    *id = (uid_t)-1;
    const struct passwd *pw = name ? getpwnam(name) : NULL;
    if (pw)
        *id = pw->pw_uid;
    if (!name || pw || is_id(name, id))
        return 0;
    return error_set(err, "no user is called %.64s (owner)", name);
}

static int group_id(const char *name, gid_t *id, struct error *err)
{
    *id = (gid_t)-1;
    const struct group *gr = name ? getgrnam(name) : NULL;
    if (gr)
        *id = gr->gr_gid;
    if (!name || gr || is_id(name, id))
        return 0;
    return error_set(err, "no group is called %.64s (group)", name);
}

static int set_owner_and_mode(struct unix_input *u, struct error *err)
{
    uid_t uid;
    gid_t gid;
    if (user_id(u->owner, &uid, err) < 0 || group_id(u->group, &gid, err) < 0)
        return -1;
    if ((uid != (uid_t)-1 || gid != (gid_t)-1) && chown(u->path, uid, gid) < 0)
        return error_set(
            err, "cannot set the owner of %s: %s%s", u->path, strerror(errno),
            errno == EPERM ? " (who is not root can only give it a group that he is in)" : "");
    if (chmod(u->path, u->mode) < 0)
        return error_set(err, "cannot set the mode of %s: %s", u->path, strerror(errno));
    return 0;
}

static int bound_socket(struct unix_input *u, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(u->path);
    memcpy(address.sun_path, u->path, len);
    if (clear_path(&address, err) < 0)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t old = umask(0177); /* nobody slips in before the mode is set */
    int bound = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&address, sizeof address);
    int error = errno;
    umask(old);
    if (bound == 0 && set_owner_and_mode(u, err) == 0)
        return fd;
    if (bound < 0)
        error_set(err, "cannot listen on unix %s: %s", u->path,
                  error == ENOENT ? "there is no such folder: make it first" : strerror(error));
    else
        unlink(u->path);
    if (fd >= 0)
        close(fd);
    return -1;
}

static int open_required(struct input *in, struct error *err)
{
    struct unix_input *u = in->priv;
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        return error_set(err, "no memory");
    snprintf(l->name, sizeof l->name, "unix %s", u->path);
    l->admit = admit;
    int fd = bound_socket(u, err);
    struct stat st;
    if (fd >= 0 && lstat(u->path, &st) == 0)
        u->inode = st.st_ino;
    if (fd < 0 || listener_start(l, in, &u->common, fd, err) < 0) {
        free(l);
        return -1;
    }
    u->listener = l;
    return 0;
}

static void unix_place(const struct input *in, char *text)
{
    const struct unix_input *u = in->priv;
    snprintf(text, INPUT_PLACE_MAX, "unix:%s", u->path);
}

static bool unix_hint(const struct input *in, char *text)
{
    const struct unix_input *u = in->priv;
    return listener_hint(u->listener, text) || reach_trouble(u->path, text, INPUT_HINT_MAX);
}

static int unix_open(struct input *in, struct error *err)
{
    struct unix_input *u = in->priv;
    char text[INPUT_HINT_MAX];
    if (open_required(in, err) == 0) {
        if (reach_trouble(u->path, text, sizeof text))
            log_info("hint: %s", text);
        return 0;
    }
    if (u->common.required)
        return -1;
    log_warning("%s; going on without it", err->text);
    err->text[0] = '\0';
    return 0;
}

static void unix_stop(struct input *in)
{
    struct unix_input *u = in->priv;
    struct stat st;
    if (!u->listener)
        return;
    listener_stop(u->listener);
    if (lstat(u->path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_ino == u->inode)
        unlink(u->path);
}

static void unix_close(struct input *in)
{
    struct unix_input *u = in->priv;
    free(u->listener);
    u->listener = NULL;
}

/* 0; -1 with err; 1 with err: it would fail now, but the folder may be there at start. */
static int try_options(const struct unix_input *u, const char **option, struct error *err)
{
    uid_t uid;
    gid_t gid;
    *option = "owner";
    if (user_id(u->owner, &uid, err) < 0)
        return -1;
    *option = "group";
    if (group_id(u->group, &gid, err) < 0)
        return -1;
    *option = "path";
    return place_socket(u->path, err);
}

/* Where the input is not required, starting would go on without it: that is only a warning. */
static enum module_verdict unix_probe(const void *priv, const char **option, struct error *err)
{
    const struct unix_input *u = priv;
    int status = try_options(u, option, err);
    return module_verdict_of(status < 0 && !u->common.required ? 1 : status);
}

static const struct input_hooks unix_hooks = {
    .open = unix_open,
    .stop = unix_stop,
    .close = unix_close,
    .place = unix_place,
    .hint = unix_hint,
};

const struct module input_unix = {
    .name = "unix",
    .kind = MODULE_INPUT,
    .doc = "Listens for Frame Streams on a unix socket. DNS servers on this machine connect and "
           "send dnstap.",
    .size = sizeof(struct unix_input),
    .options = unix_options,
    .hooks = &unix_hooks,
    .probe = unix_probe,
};
