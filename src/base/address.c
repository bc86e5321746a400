#include "base/address.h"

#include <arpa/inet.h>
#include <assert.h>

static_assert((int)ADDRESS_TEXT_BYTES == (int)INET6_ADDRSTRLEN, "the system's own");

bool address_parse(uint8_t *address, struct span text)
{
    char terminated[ADDRESS_TEXT_BYTES];
    uint8_t v4[4], v6[ADDRESS_BYTES];
    if (text.len == 0 || text.len >= sizeof terminated || memchr(text.ptr, 0, text.len))
        return false;
    memcpy(terminated, text.ptr, text.len);
    terminated[text.len] = '\0';
    if (inet_pton(AF_INET, terminated, v4) == 1)
        address_set_v4(address, v4);
    else if (inet_pton(AF_INET6, terminated, v6) == 1)
        memcpy(address, v6, sizeof v6);
    else
        return false;
    return true;
}

char *address_text(char *text, const uint8_t *address)
{
    bool v4 = address_is_v4(address);
    inet_ntop(v4 ? AF_INET : AF_INET6, address + (v4 ? ADDRESS_V4_AT : 0), text,
              ADDRESS_TEXT_BYTES);
    return text;
}
