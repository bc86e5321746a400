#include "stats/suffix.h"

#include <libpsl.h>

enum {
    LABELS_MAX = 127,
    RULE_LABELS = 8, /* no rule of the list has more; today's longest have 5 */
    IS_SUFFIX = 0xff,
};

/* --- keys in wire form, and keys that are text ---------------------------------------------- */

static unsigned count_labels(const struct stats_reader *reader, struct span key)
{
    unsigned labels = 0;
    if (reader->wire_keys) {
        for (size_t at = 0; at < key.len && key.ptr[at] != 0; at += key.ptr[at] + 1u)
            labels++;
        return labels;
    }
    for (size_t i = 0; i < key.len; i++)
        labels += key.ptr[i] == '.';
    return key.len > 1 ? labels : 0; /* the root is a dot */
}

/* What is left of the key behind its first label. */
static struct span behind_first(const struct stats_reader *reader, struct span key)
{
    size_t skip = 0;
    if (reader->wire_keys) {
        skip = key.len ? key.ptr[0] + 1u : 0;
    } else {
        const uint8_t *dot = memchr(key.ptr, '.', key.len);
        skip = dot ? (size_t)(dot - key.ptr) + 1 : key.len;
    }
    return skip < key.len ? span_of(key.ptr + skip, key.len - skip) : span_of(key.ptr, 0);
}

struct span suffix_of(const struct stats_reader *reader, struct span key, unsigned labels)
{
    unsigned have = count_labels(reader, key);
    if (labels == 0 || have < labels)
        return span_of(NULL, 0);
    for (; have > labels; have--)
        key = behind_first(reader, key);
    return key;
}

struct span suffix_tld(const struct stats_reader *reader, struct span key)
{
    return reader->tld ? reader->tld(key) : suffix_of(reader, key, 1);
}

/* --- the public suffix list ----------------------------------------------------------------- */

/* The name as libpsl takes it: labels between dots, no final one. Bytes that no rule has become
 * underscores, so that labels stay what they are. */
static void plain_text(const struct stats_reader *reader, struct span key, char *out)
{
    size_t len = 0;
    size_t dot = reader->wire_keys && key.len ? key.ptr[0] : SIZE_MAX;
    for (size_t i = reader->wire_keys; i + 1 < key.len; i++) {
        uint8_t byte = key.ptr[i];
        bool ends = reader->wire_keys && i == dot + 1;
        if (ends)
            dot = i + byte;
        bool other = byte <= ' ' || byte > '~' || (reader->wire_keys && byte == '.');
        out[len++] = (char)(ends ? '.' : other ? '_' : byte);
    }
    out[len] = '\0';
}

enum { STATE_BITS = 0xff };

/* What is known of the key; 0: nothing. */
static uint8_t recall(const struct suffix_cache *cache, uint64_t hash)
{
    const uint64_t *bucket = cache->words[hash >> 32 & (SUFFIX_BUCKETS - 1)];
    for (int i = 0; i < SUFFIX_WAYS; i++) {
        if (((bucket[i] ^ hash) & ~(uint64_t)STATE_BITS) == 0 && bucket[i] != 0)
            return (uint8_t)bucket[i];
    }
    return 0;
}

static void keep(struct suffix_cache *cache, uint64_t hash, uint8_t state)
{
    size_t at = hash >> 32 & (SUFFIX_BUCKETS - 1);
    cache->words[at][cache->next[at]++ % SUFFIX_WAYS] = (hash & ~(uint64_t)STATE_BITS) | state;
}

/* What is kept of a name: how many labels its registrable domain has, or that the name is a public
 * suffix itself. */
static uint8_t state_of(struct suffix_cache *cache, const struct siphash_key *key,
                        const struct stats_reader *reader, struct span name, unsigned labels)
{
    if (labels < 2)
        return IS_SUFFIX;
    uint64_t hash = siphash_bytes(key, name);
    uint8_t state = recall(cache, hash);
    if (state != 0)
        return state;
    char text[SAMPLE_NAME_MAX + 1];
    plain_text(reader, name, text);
    state = IS_SUFFIX;
    if (!psl_is_public_suffix(psl_builtin(), text)) {
        state = state_of(cache, key, reader, behind_first(reader, name), labels - 1);
        if (state == IS_SUFFIX)
            state = (uint8_t)labels;
    }
    keep(cache, hash, state);
    return state;
}

/*
 * A name has its parent's registrable domain; or it is one itself, when the parent is a public
 * suffix. Asking the list about every name would cost more than all the rest, so only parents are
 * looked at, which are few even in a flood of random names. (A name that is a public suffix below a
 * registrable domain, like s3.amazonaws.com, thus counts for that one; names below it do not.)
 */
unsigned suffix_registrable(struct suffix_cache *cache, const struct siphash_key *key,
                            const struct stats_reader *reader, struct span name)
{
    unsigned labels = count_labels(reader, name);
    if (labels < 2 || labels > LABELS_MAX)
        return 0;
    /* No public suffix has so many labels, so a longer name has the registrable domain that its end
     * has. Without this somebody could send names of a hundred labels and have the list asked for
     * each. */
    for (; labels > RULE_LABELS + 1; labels--)
        name = behind_first(reader, name);
    uint8_t parent = state_of(cache, key, reader, behind_first(reader, name), labels - 1);
    if (parent != IS_SUFFIX)
        return parent;
    uint8_t own = state_of(cache, key, reader, name, labels);
    return own == IS_SUFFIX ? 0 : own;
}
