#include "stats/suffix.h"

#include <libpsl.h>

/* --- keys in wire form, and keys that are text ---------------------------------------------- */

static struct span last_of_wire(struct span key, unsigned labels)
{
    unsigned have = 0;
    size_t at = 0;
    for (size_t i = 0; i < key.len && key.ptr[i] != 0; i += key.ptr[i] + 1u)
        have++;
    for (; have > labels; have--)
        at += key.ptr[at] + 1u;
    return have < labels ? span_of(NULL, 0) : span_of(key.ptr + at, key.len - at);
}

/* Where the label begins that ends before `end`. */
static size_t label_of_text(struct span key, size_t end)
{
    const uint8_t *dot = end ? memrchr(key.ptr, '.', end) : NULL;
    return dot ? (size_t)(dot - key.ptr) + 1 : 0;
}

/* Names end with a dot, and what is behind the last one is no label. The root is a dot. */
static struct span last_of_text(struct span key, unsigned labels)
{
    size_t at = key.len > 1 ? label_of_text(key, key.len) : 0;
    for (; labels > 0; labels--) {
        if (at == 0)
            return span_of(NULL, 0);
        at = label_of_text(key, at - 1);
    }
    return span_of(key.ptr + at, key.len - at);
}

struct span suffix_of(const struct stats_reader *reader, struct span key, unsigned labels)
{
    if (labels == 0)
        return span_of(NULL, 0);
    return reader->wire_keys ? last_of_wire(key, labels) : last_of_text(key, labels);
}

struct span suffix_tld(const struct stats_reader *reader, struct span key)
{
    return reader->tld ? reader->tld(key) : suffix_of(reader, key, 1);
}

/* --- the public suffix list ----------------------------------------------------------------- */

/* A name in wire form, which does not end with the root. Owner: the stack. */
struct wire {
    const uint8_t *bytes;            /* the key's own, or `space` */
    uint8_t at[SAMPLE_NAME_MAX + 1]; /* where each label begins, with its length; then the end */
    unsigned labels;
    bool gap; /* some are empty: of text alone, where a label of the name had dots in it */
    uint8_t space[SAMPLE_NAME_MAX];
};

static void take_wire(struct wire *wire, struct span key)
{
    unsigned labels = 0;
    size_t at = 0;
    for (size_t len; at < key.len && (len = key.ptr[at]) != 0 && len < key.len - at; at += len + 1)
        wire->at[labels++] = (uint8_t)at;
    wire->at[labels] = (uint8_t)at;
    wire->labels = labels;
    wire->bytes = key.ptr;
}

/* A label takes as many bytes with its length before it as with a dot behind it. */
static void take_text(struct wire *wire, struct span key)
{
    size_t at = 0;
    wire->bytes = wire->space;
    for (const uint8_t *dot; (dot = memchr(key.ptr + at, '.', key.len - at));) {
        size_t len = (size_t)(dot - key.ptr) - at;
        wire->at[wire->labels++] = (uint8_t)at;
        wire->gap |= len == 0;
        wire->space[at] = (uint8_t)len;
        memcpy(wire->space + at + 1, key.ptr + at, len);
        at += len + 1;
    }
    wire->at[wire->labels] = (uint8_t)at;
}

/* The last labels. */
static struct span last(const struct wire *wire, unsigned labels)
{
    unsigned at = wire->at[wire->labels - labels];
    return span_of(wire->bytes + at, wire->at[wire->labels] - at);
}

/* The name as libpsl takes it, terminated. Bytes that no rule has become underscores, so that
 * labels stay what they are. */
static void plain_text(const struct wire *wire, char *out)
{
    for (unsigned i = 0; i < wire->labels; i++) {
        for (unsigned at = wire->at[i] + 1u; at < wire->at[i + 1]; at++) {
            uint8_t byte = wire->bytes[at];
            *out++ = (char)(byte <= ' ' || byte > '~' || byte == '.' ? '_' : byte);
        }
        *out++ = '.';
    }
    out[-1] = '\0';
}

/* What libpsl says. Of a name of a hundred labels it looks at the last nine. */
static __attribute__((noinline)) unsigned ask(const struct suffix_list *list,
                                              const struct wire *wire)
{
    char text[SAMPLE_NAME_MAX + 1];
    plain_text(wire, text);
    const char *domain = psl_registrable_domain(list->psl ? list->psl : psl_builtin(), text);
    unsigned labels = domain != NULL;
    while (domain && (domain = strchr(domain, '.'))) {
        domain++;
        labels++;
    }
    return labels;
}

/*
 * How many labels the name's public suffix has: that of the longest rule, from the TLD on down,
 * which is always one. Nothing is known of most names below that, and it takes one look to see it.
 */
static unsigned public_suffix(const struct suffix_list *list, const struct wire *wire)
{
    struct span tld = last(wire, 1);
    unsigned above = suffix_list_wild(list, tld) ? suffix_list_marks(list, tld) : 0;
    unsigned length = 1;
    for (unsigned labels = 2; labels <= wire->labels; labels++) {
        unsigned marks = suffix_list_marks(list, last(wire, labels));
        if (marks & SUFFIX_RULE ? !(marks & SUFFIX_EXCEPTION) : above & SUFFIX_WILDCARD)
            length = labels;
        if (!(marks & (SUFFIX_DEEPER | SUFFIX_WILDCARD)))
            break;
        above = marks;
    }
    return length;
}

unsigned suffix_registrable(const struct suffix_list *list, const struct stats_reader *reader,
                            struct span name)
{
    struct wire wire;
    wire.labels = 0;
    wire.gap = false;
    if (name.len < 2 || name.len > SAMPLE_NAME_MAX) /* the root, or no name */
        return 0;
    if (reader->wire_keys)
        take_wire(&wire, name);
    else
        take_text(&wire, name);
    if (wire.labels < 2)
        return 0;
    if (!list->words || wire.gap)
        return ask(list, &wire);
    unsigned length = public_suffix(list, &wire);
    return length < wire.labels ? length + 1 : 0;
}
