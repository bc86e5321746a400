/*
 * Places in the file system and on the network: whether this process could use them now. Nothing is
 * made, opened for writing, or connected to.
 *
 * place_append, place_socket and place_listen return 0 for yes. -1 is no. 1 is perhaps not now: a
 * FIFO has no reader; or yes, but with something that is worth a line (folder_note). PLACE_LACKS is
 * not now, but perhaps at a start: the folder is missing, which a service manager makes then. For
 * these err says why. PLACE_BUSY is in use, perhaps by the program that is to be restarted; err
 * names the place alone (io/holder.h knows who has it).
 */
#ifndef SPILE_IO_PLACE_H
#define SPILE_IO_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "io/folder.h"

struct sockaddr;

enum { PLACE_BUSY = 2, PLACE_LACKS = 3 };

/* A file that is appended to, or made where there is none. Of a FIFO nobody can say for sure
 * whether it has a reader, so it is 1 where none is seen. */
int place_append(const char *path, enum folder_use use, struct error *err);
/* A file that is read. 0, or -1 with err. */
int place_read(const char *path, struct error *err);
/* The socket file that a listener makes, or puts in the place of an old one. */
int place_socket(const char *path, struct error *err);
/* A path, and what is there. */
struct place_file {
    const char *path;
    bool there;
    struct stat stat;
};
struct place_file place_file(const char *path);
/* True when both paths are one file, whatever the way to it; devices and FIFOs are for many. */
bool place_same_file(const struct place_file *a, const struct place_file *b);

/* A socket's address without its port, in sixteen bytes (base/address.h). False: it has neither
 * IPv4 nor IPv6. */
bool place_address(const struct sockaddr *from, uint8_t *address);
/* Listening at the host's port. Looks the host's name up. */
int place_listen(const char *host, uint16_t port, struct error *err);
/* True when listeners at the same port of both would be in each other's way: one address, or one of
 * them is every address. Names are looked up when `resolve` says so, but for localhost. */
bool place_same_host(const char *a, const char *b, bool resolve);
/* 1: the host stands for this machine alone (loopback). 0: other machines can reach it. -1:
 * unknown, as it is a name that cannot be found, or that `resolve` does not allow to look up. */
int place_loopback(const char *host, bool resolve);

#endif
