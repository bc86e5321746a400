/* Input `unix`: Frame Streams over a unix stream socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "in/listener.h"
#include "in/reach.h"
#include "io/folder.h"
#include "io/ids.h"
#include "io/place.h"

struct unix_options {
    struct listener_options common;
    char *path;
    mode_t mode;
    char *owner;
    char *group;
};

struct unix_input {
    const struct unix_options *options;
    struct listener *listener;
    struct gate gate;
    struct folder folder; /* while it listens: where its file is */
    struct stat placed;   /* that file */
};

static const struct option unix_rows[] = {
    {.name = "path",
     .type = OPTION_PATH,
     .offset = offsetof(struct unix_options, path),
     .required = true,
     .exclusive = true,
     .max = sizeof((struct sockaddr_un){0}.sun_path) - 1,
     .example = "/run/spile/dnstap.sock",
     .doc = "path of the socket; one that nobody listens on any more is replaced"},
    {.name = "mode",
     .type = OPTION_MODE,
     .offset = offsetof(struct unix_options, mode),
     .fallback = "0660",
     .doc = "mode of the socket file; who may write to it may send, so DNS servers that drop their "
            "privileges need their group here, or 0666"},
    {.name = "owner",
     .type = OPTION_STRING,
     .offset = offsetof(struct unix_options, owner),
     .example = "unbound",
     .doc = "user that owns the socket file: a name or a number"},
    {.name = "group",
     .type = OPTION_STRING,
     .offset = offsetof(struct unix_options, group),
     .example = "bind",
     .doc = "group of the socket file: a name or a number"},
    LISTENER_OPTION_ROWS(struct unix_options, common),
    {0},
};

static bool admit(struct listener *l, int fd, const struct sockaddr_storage *address,
                  struct peer *peer)
{
    (void)l;
    (void)address;
    *peer = peer_of_process(fd);
    return true;
}

static int who_owns(const struct unix_options *u, struct folder_socket *wanted, struct error *err)
{
    *wanted = (struct folder_socket){.mode = u->mode, .backlog = (int)u->common.backlog};
    return ids_user(u->owner, &wanted->uid, err) < 0 || ids_group(u->group, &wanted->gid, err) < 0
               ? -1
               : 0;
}

/* A socket that listens at the path, or -1 with err. */
static int bound_socket(struct unix_input *u, struct error *err)
{
    struct folder_socket wanted;
    struct error why;
    if (who_owns(u->options, &wanted, err) < 0)
        return -1;
    if (folder_open(&u->folder, u->options->path, &why))
        return error_set(err, "cannot listen on unix %s: %s", u->options->path,
                         errno == ENOENT ? "there is no such folder: make it first" : why.text);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        error_set(&why, "%s", strerror(errno));
    else if (folder_bind(&u->folder, fd, &wanted, &u->placed, &why) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    folder_close(&u->folder);
    return error_set(err, "cannot listen on unix %s: %s", u->options->path, why.text);
}

static void leave_folder(struct unix_input *u)
{
    folder_unbind(&u->folder, &u->placed);
    folder_close(&u->folder);
}

static int open_required(struct input *in, struct error *err)
{
    struct unix_input *u = in->state;
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        return error_set(err, "no memory");
    snprintf(l->name, sizeof l->name, "unix %s", u->options->path);
    l->admit = admit;
    int fd = listener_gate(&u->gate, in, &u->options->common, err) < 0 ? -1 : bound_socket(u, err);
    if (fd < 0 || listener_start(l, in, &u->gate, &u->options->common, fd, err) < 0) {
        if (fd >= 0)
            leave_folder(u);
        free(l);
        return -1;
    }
    u->listener = l;
    return 0;
}

static void unix_place(const struct input *in, char *text)
{
    const struct unix_options *options = in->options;
    snprintf(text, INPUT_PLACE_MAX, "unix:%s", options->path);
}

static bool unix_hint(const struct input *in, char *text)
{
    const struct unix_input *u = in->state;
    return listener_hint(u->listener, text) ||
           reach_trouble(u->options->path, text, INPUT_HINT_MAX);
}

static int unix_open(struct input *in, struct error *err)
{
    struct unix_input *u = in->state;
    char text[INPUT_HINT_MAX];
    struct error note;
    u->options = in->options;
    if (open_required(in, err) == 0) {
        if (folder_note(&u->folder, u->options->path, FOLDER_APPENDS, &note))
            log_warning("%s", note.text);
        if (reach_trouble(u->options->path, text, sizeof text))
            log_info("hint: %s", text);
        return 0;
    }
    return listener_spare(in, &u->options->common, err);
}

/* Somebody may have removed the socket's name. */
static bool unix_lost(const struct input *in)
{
    const struct unix_input *u = in->state;
    return !folder_is_bound(&u->folder, &u->placed);
}

static uint64_t unix_relieve(struct input *in, bool tell)
{
    struct unix_input *u = in->state;
    return gate_relieve(&u->gate, tell);
}

static void unix_stop(struct input *in)
{
    struct unix_input *u = in->state;
    if (!u->listener)
        return;
    listener_stop(u->listener);
    leave_folder(u);
}

static void unix_close(struct input *in)
{
    struct unix_input *u = in->state;
    free(u->listener);
    u->listener = NULL;
    gate_free(&u->gate);
}

/* As place_socket. */
static int try_options(const struct unix_options *u, const void **wrong, struct error *err)
{
    uid_t uid;
    gid_t gid;
    *wrong = &u->owner;
    if (ids_user(u->owner, &uid, err) < 0 || ids_may_give(uid, (gid_t)-1, err) < 0)
        return -1;
    *wrong = &u->group;
    if (ids_group(u->group, &gid, err) < 0 || ids_may_give((uid_t)-1, gid, err) < 0)
        return -1;
    *wrong = &u->path;
    return place_socket(u->path, err);
}

static enum module_verdict unix_probe(const void *options, const void **wrong, struct error *err)
{
    const struct unix_options *u = options;
    return listener_verdict(&u->common, try_options(u, wrong, err));
}

static const struct input_hooks unix_hooks = {
    .open = unix_open,
    .stop = unix_stop,
    .close = unix_close,
    .place = unix_place,
    .hint = unix_hint,
    .lost = unix_lost,
    .relieve = unix_relieve,
};

const struct module input_unix = {
    .name = "unix",
    .kind = MODULE_INPUT,
    .doc = "Listens for Frame Streams on a unix socket. DNS servers on this machine connect and "
           "send dnstap.",
    .options_size = sizeof(struct unix_options),
    .options = unix_rows,
    .state_size = sizeof(struct unix_input),
    .common = &input_common,
    .hooks = &unix_hooks,
    .probe = unix_probe,
};
