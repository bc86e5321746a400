#include "base/account.h"

#include "base/address.h"

const struct account_rule account_rules[ACCOUNT_KINDS] = {
    [ACCOUNT_LOOPBACK] = {.share = 0, .mishap = 0},
    [ACCOUNT_IPV4] = {.share = 1, .mishap = 5}, /* a restart on either side makes a few */
    [ACCOUNT_IPV6_64] = {.share = 1, .mishap = 5},
    [ACCOUNT_IPV6_56] = {.share = 2, .mishap = 20},
    [ACCOUNT_IPV6_48] = {.share = 4, .mishap = 80},
    [ACCOUNT_PROCESS] = {.share = 0, .mishap = 5},
    [ACCOUNT_USER] = {.share = 1, .mishap = 0}, /* his other processes may be honest senders */
};

/* The upper half of an IPv6 address without all that is behind `bits`. */
static struct account ipv6_prefix(const uint8_t *address, unsigned bits, enum account_kind kind)
{
    uint8_t kept[8] = {0};
    struct account account = {.kind = kind};
    memcpy(kept, address, bits / 8);
    memcpy(&account.words[0], kept, sizeof kept);
    return account;
}

struct accounts accounts_of_address(const uint8_t *address)
{
    struct accounts accounts = {.count = 1};
    if (address_is_loopback(address)) {
        accounts.at[0].kind = ACCOUNT_LOOPBACK;
    } else if (address_is_v4(address)) {
        accounts.at[0].kind = ACCOUNT_IPV4;
        memcpy(&accounts.at[0].words[0], address + ADDRESS_V4_AT, ADDRESS_BYTES - ADDRESS_V4_AT);
    } else {
        accounts.at[0] = ipv6_prefix(address, 64, ACCOUNT_IPV6_64);
        accounts.at[1] = ipv6_prefix(address, 56, ACCOUNT_IPV6_56);
        accounts.at[2] = ipv6_prefix(address, 48, ACCOUNT_IPV6_48);
        accounts.count = 3;
    }
    return accounts;
}

struct accounts accounts_of_process(uid_t user, pid_t process, uint64_t start)
{
    return (struct accounts){
        .at = {{.kind = ACCOUNT_PROCESS,
                .words = {(uint64_t)(uint32_t)process << 32 | (uint32_t)user, start}},
               {.kind = ACCOUNT_USER, .words = {user, 0}}},
        .count = 2,
    };
}

const struct account *accounts_limited(const struct accounts *accounts)
{
    for (unsigned i = 0; i < accounts->count; i++) {
        if (account_rules[accounts->at[i].kind].share != 0)
            return &accounts->at[i];
    }
    return NULL;
}
