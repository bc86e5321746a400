/* The control socket as a place: its path, who may connect, and how it passes from one control to
 * the next while it is asked. */
#ifndef SPILE_APP_CONTROL_SOCKET_H
#define SPILE_APP_CONTROL_SOCKET_H

#include "app/control.h"
#include "io/folder.h"

/* Owner: a control. */
struct control_socket {
    int fd; /* listens */
    char *path;
    mode_t mode;
    gid_t group; /* -1: none */
    struct folder folder;
    struct stat placed;
    bool owned;    /* the name is ours to remove */
    bool shared;   /* another one listens by the same socket, and is there longer */
    bool prepared; /* it is to take the place of the one before: */
    struct folder_chamber chamber;
};

/* Listens; `settings` may be NULL. Where the one `before` (NULL: none) is at the same path,
 * connecting goes on coming to that one, until control_socket_follow. -1: err. */
int control_socket_open(struct control_socket *socket, const struct control_settings *settings,
                        const struct control_socket *before, struct error *err);
/* True when the socket is just what the settings say, and at its place. */
bool control_socket_is(const struct control_socket *socket,
                       const struct control_settings *settings);
/* Who connects comes to the socket and not to `before` any more, whose name is the socket's now, or
 * gone. Tells the log where that fails. */
void control_socket_follow(struct control_socket *socket, struct control_socket *before);
/* Its name is gone, if it is its own. */
void control_socket_leave(struct control_socket *socket);
void control_socket_close(struct control_socket *socket);

#endif
