/* Web clients as peers: to whose accounts (base/account.h) is charged what they do. */
#ifndef SPILE_HTTP_CLIENT_H
#define SPILE_HTTP_CLIENT_H

#include <sys/socket.h>

#include "base/account.h"

/* Its address in the form of base/address.h; all zeros for one that has neither IPv4 nor IPv6. */
void client_address(const struct sockaddr *from, uint8_t *address);
/* As for any peer, but that an address of loopback has an account of its own, too, within that of
 * loopback: so a browser, a proxy and a scraper of this machine may be told apart, and who takes
 * one address of 127.0.0.0/8 after the other gains little. At least one. */
struct accounts client_accounts(const struct sockaddr *from);

#endif
