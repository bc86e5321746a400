#include "http/client.h"

#include <string.h>

#include "base/address.h"
#include "io/place.h"

void client_address(const struct sockaddr *from, uint8_t *address)
{
    if (!place_address(from, address))
        memset(address, 0, ADDRESS_BYTES);
}

struct accounts client_accounts(const struct sockaddr *from)
{
    uint8_t address[ADDRESS_BYTES];
    client_address(from, address);
    struct accounts accounts = accounts_of_address(address);
    if (accounts.at[0].kind == ACCOUNT_LOOPBACK) {
        struct account own = {.kind = ACCOUNT_IPV4}; /* as for these: it stands for itself */
        memcpy(own.words, address, sizeof own.words);
        accounts = (struct accounts){.at = {own, accounts.at[0]}, .count = 2};
    }
    return accounts;
}
