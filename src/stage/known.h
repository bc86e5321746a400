/*
 * The identities that a worker has met lately, since one of few sends each event: what is known of
 * it is found without hashing it. Owner: one worker, on its own thread.
 */
#ifndef SPILE_STAGE_KNOWN_H
#define SPILE_STAGE_KNOWN_H

#include <string.h>

#include "base/brief.h"

enum {
    KNOWN_BITS = 4,
    KNOWN = 1 << KNOWN_BITS, /* identities that are kept in mind */
    KNOWN_MAX = 64,          /* bytes of one; longer ones, which nobody has, are not kept in mind */
};

struct known_identity {
    uint64_t hash;
    uint16_t stream; /* its number (stage/loss.h); 0: to be looked for */
    uint8_t len;
    uint8_t name[KNOWN_MAX];
};

/* Zeros: none. */
struct known_few {
    struct known_identity known[KNOWN];
    struct known_identity stranger; /* one that is not kept in mind */
};

static inline bool known_is(const struct known_identity *known, struct span identity)
{
    return known->len == identity.len && brief_equal(known->name, identity.ptr, identity.len);
}

/* Not inlined: it is seldom called. */
static __attribute__((noinline)) void known_meet(struct known_identity *known,
                                                 const struct siphash_key *key,
                                                 struct span identity)
{
    bool kept = identity.len <= KNOWN_MAX;
    known->hash = identity.len ? siphash_bytes(key, identity) : 0;
    known->stream = 0;
    known->len = kept ? (uint8_t)identity.len : 0;
    if (kept && identity.len)
        memcpy(known->name, identity.ptr, identity.len);
}

/* Where an identity is kept in mind; of those that fall together the last one is. */
static inline struct known_identity *known_place(struct known_few *few, struct span identity)
{
    return identity.len <= KNOWN_MAX ? &few->known[brief_place(identity, KNOWN_BITS)]
                                     : &few->stranger;
}

/* What is known of an identity: its hash by that key, and its stream if it has been looked for. */
static inline struct known_identity *known_of(struct known_few *few, const struct siphash_key *key,
                                              struct span identity)
{
    struct known_identity *known = known_place(few, identity);
    if (!known_is(known, identity))
        known_meet(known, key, identity);
    return known;
}

#endif
