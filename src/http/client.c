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
    if (accounts.at[0].kind == ACCOUNT_LOOPBACK)
        memcpy(accounts.at[0].words, address, sizeof accounts.at[0].words);
    return accounts;
}
