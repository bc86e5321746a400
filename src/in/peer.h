/* Peers: who is at the other end of a connection, for people and for accounts. */
#ifndef SPILE_IN_PEER_H
#define SPILE_IN_PEER_H

#include "base/account.h"

struct peer {
    char text[64];    /* for people, and the field `peer` */
    uint8_t host_len; /* how much of it names the machine or the process: all but the port */
    struct accounts accounts;
};

/* An address in the form of base/address.h, and a port. */
struct peer peer_of_address(const uint8_t *address, uint16_t port);
/* Who has connected to a unix socket: a process and its user. */
struct peer peer_of_process(int fd);

#endif
