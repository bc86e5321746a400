/* Peers by their addresses, as accounts. */
#ifndef SPILE_TESTS_PEERS_H
#define SPILE_TESTS_PEERS_H

#include <arpa/inet.h>

#include "base/account.h"
#include "base/address.h"

/* Of an IPv4 address as a number, 0x0a000007 for 10.0.0.7. */
static inline struct accounts v4(uint32_t number)
{
    uint8_t address[ADDRESS_BYTES];
    number = htonl(number);
    address_set_v4(address, &number);
    return accounts_of_address(address);
}

static inline struct accounts v6(const char *text)
{
    uint8_t address[ADDRESS_BYTES];
    assert_int_equal(inet_pton(AF_INET6, text, address), 1);
    return accounts_of_address(address);
}

#endif
