#include "base/account.h"

#include "base/address.h"

const struct account_rule account_rules[ACCOUNT_KINDS] = {
    [ACCOUNT_LOOPBACK] = {.share = ACCOUNT_SHARE, .limited = false, .mishap = 0},
    /* A restart on either side makes a few mishaps. */
    [ACCOUNT_IPV4] = {.share = 1, .limited = true, .mishap = 5},
    [ACCOUNT_IPV6_64] = {.share = 1, .limited = true, .mishap = 5},
    [ACCOUNT_IPV6_56] = {.share = 2, .limited = true, .mishap = 20},
    [ACCOUNT_IPV6_48] = {.share = 4, .limited = true, .mishap = 80},
    [ACCOUNT_PROCESS] = {.share = 1, .limited = false, .mishap = 5},
    /* His other processes may be honest senders. */
    [ACCOUNT_USER] = {.share = 1, .limited = true, .mishap = 0},
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

/*
 * The account of an IPv4 host that a translator gave an IPv6 address. That ends with the IPv4 one
 * under 64:ff9b::/96 (RFC 6052, section 2.1), and under 64:ff9b:1::/48 (RFC 8215), too, where the
 * translator's prefix has 96 bits. A shorter one has zeros behind the IPv4 address (RFC 6052,
 * section 2.2), whose place its length decides, which we do not know: the whole address is the
 * host's.
 */
static bool is_translated(const uint8_t *address, struct account *account)
{
    static const uint8_t well_known[ADDRESS_V4_AT] = {0, 0x64, 0xff, 0x9b};
    static const uint8_t local[] = {0, 0x64, 0xff, 0x9b, 0, 1}, suffix[3] = {0};
    bool is_local = memcmp(address, local, sizeof local) == 0;
    if (!is_local && memcmp(address, well_known, sizeof well_known) != 0)
        return false;
    *account = (struct account){.kind = ACCOUNT_IPV4};
    if (is_local && memcmp(address + ADDRESS_BYTES - sizeof suffix, suffix, sizeof suffix) == 0)
        memcpy(account->words, address, ADDRESS_BYTES);
    else
        memcpy(account->words, address + ADDRESS_V4_AT, ADDRESS_BYTES - ADDRESS_V4_AT);
    return true;
}

struct accounts accounts_of_address(const uint8_t *address)
{
    struct accounts accounts = {.count = 1};
    if (address_is_loopback(address)) {
        accounts.at[0].kind = ACCOUNT_LOOPBACK;
    } else if (address_is_v4(address)) {
        accounts.at[0].kind = ACCOUNT_IPV4;
        memcpy(accounts.at[0].words, address + ADDRESS_V4_AT, ADDRESS_BYTES - ADDRESS_V4_AT);
    } else if (!is_translated(address, &accounts.at[0])) {
        accounts.at[0] = ipv6_prefix(address, 64, ACCOUNT_IPV6_64);
        accounts.at[1] = ipv6_prefix(address, 56, ACCOUNT_IPV6_56);
        accounts.at[2] = ipv6_prefix(address, 48, ACCOUNT_IPV6_48);
        accounts.count = 3;
    }
    return accounts;
}

struct accounts accounts_of_process(uid_t user, pid_t process, uint64_t start)
{
    struct accounts accounts = {.count = 0};
    if (process != 0)
        accounts.at[accounts.count++] =
            (struct account){.kind = ACCOUNT_PROCESS,
                             .words = {(uint64_t)(uint32_t)process << 32 | (uint32_t)user, start}};
    accounts.at[accounts.count++] = (struct account){.kind = ACCOUNT_USER, .words = {user, 0}};
    return accounts;
}

const struct account *accounts_limited(const struct accounts *accounts)
{
    for (unsigned i = 0; i < accounts->count; i++) {
        if (account_rules[accounts->at[i].kind].limited)
            return &accounts->at[i];
    }
    return NULL;
}
