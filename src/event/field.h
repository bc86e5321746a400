/*
 * Fields: every named value that an event has, one row each. A name is dotted and begins with the
 * protocol that defines the value; `key` is the name in Spile's JSON and YAML. Formats, --fields,
 * `spile fields` and the manual all follow from this table.
 */
#ifndef SPILE_EVENT_FIELD_H
#define SPILE_EVENT_FIELD_H

#include "event/event.h"
#include "event/tree.h"

enum field_kind {
    FIELD_WORD,    /* a code and its mnemonic: letters, digits, - _ only */
    FIELD_TEXT,    /* any bytes, perhaps not UTF-8: escaped by the format */
    FIELD_NAME,    /* a domain name */
    FIELD_ADDRESS, /* 4 or 16 bytes */
    FIELD_UINT,
    FIELD_LENGTH, /* a count of bytes: text puts a b behind it */
    FIELD_BOOL,
    FIELD_TIME,    /* seconds and nanoseconds, as a date */
    FIELD_EPOCH,   /* the same as a number of seconds with nine decimals */
    FIELD_LATENCY, /* signed nanoseconds, as seconds with six decimals */
    FIELD_DATA,    /* differs from event to event: the getter sets `as` to TEXT, NAME or ADDRESS */
    FIELD_TREE,    /* a structure: `put` writes it */
    FIELD_KINDS
};

struct field_value {
    union {
        struct span text;     /* TEXT, ADDRESS */
        struct dns_name name; /* NAME */
        uint64_t number;      /* WORD (the code), UINT, LENGTH, BOOL */
        int64_t latency_ns;
        struct {
            uint64_t sec;
            uint32_t nsec; /* below 1,000,000,000 */
        } time;            /* TIME, EPOCH */
    };
    enum field_kind as; /* of DATA */
};

enum {
    FIELD_WORD_MAX = 20, /* bytes of a mnemonic */
    FIELD_KEY_MAX = 24,  /* bytes of a key */
};

struct field {
    const char *name; /* "dns.qname" */
    const char *key;  /* "qname" */
    enum field_kind kind;
    uint32_t needs; /* facets */
    /* Gets the value; false when the event has none. It is called when the facets have been decoded
     * or found bad; which of the two, the getter looks up in ev->bad. NULL for TREE. */
    bool (*get)(const struct field *self, const struct event *ev, struct field_value *value);
    uint32_t at;  /* for `get`: where in struct event the value lies */
    uint32_t has; /* for `get`: the bits of a `has` mask, or of flags, that the field is about */
    /* Of WORD: the code's mnemonic, or what stands for an unknown code; at most FIELD_WORD_MAX
     * bytes. */
    char *(*word)(char *p, uint64_t code);
    /* Of TREE: writes the structure; false, and nothing written, when the event has none. */
    bool (*put)(const struct field *self, struct event *ev, struct tree *tree);
    uint8_t column; /* its place in a line of text, from 1; 0: only where it is asked for */
    bool part;      /* JSON and YAML have it as a key of its own only where it is asked for: because
                       the structure in a row above contains it, or because it is seldom of use */
    const char *doc;
};

/* The field that says that a record is not whole: records that are have no key for it. */
#define FIELD_TRUNCATED "dnstap.truncated"

/* All fields, in the order in which JSON prints them; ends with a row whose name is NULL. */
extern const struct field fields[];

/* The mnemonic of a response code, or RCODE and its number. */
char *field_rcode(char *p, uint64_t code);

/* By name or by key; NULL when unknown, *hint (may be NULL) then the nearest name or NULL. */
const struct field *field_find(struct span name, const char **hint);

/* Decodes what the field needs and gets its value; false when the event has none. Not for TREE. */
static inline bool field_get(const struct field *field, struct event *ev, struct field_value *value)
{
    event_need(ev, field->needs);
    return field->get(field, ev, value);
}

/* The most bytes that field_value_put writes for a value. `kind` is not TREE; for a field of kind
 * DATA it is value->as. */
size_t field_value_max(enum field_kind kind, const struct field_value *value);
/* The word for a code. Formats have those of usual codes at hand, and come here with others. */
char *field_code_put(char *p, const struct field *field, uint64_t code, enum scalar_style style);

static inline char *field_length_put(char *p, uint64_t number, enum scalar_style style)
{
    p = put_u64(p, number);
    return style == SCALAR_BARE ? put_char(p, 'b') : p;
}

/* The value as text. `cache` belongs to the thread. Inline: formats do this for most columns. */
static inline char *field_value_put(char *p, const struct field *field,
                                    const struct field_value *value, enum scalar_style style,
                                    struct put_time_cache *cache)
{
    enum field_kind kind = field->kind == FIELD_DATA ? value->as : field->kind;
    switch (kind) {
    case FIELD_WORD:
        return field_code_put(p, field, value->number, style);
    case FIELD_TEXT:
        return scalar_text(p, value->text, style);
    case FIELD_NAME:
        return scalar_name(p, value->name, style);
    case FIELD_ADDRESS:
        return scalar_address(p, value->text, style);
    case FIELD_UINT:
        return put_u64(p, value->number);
    case FIELD_LENGTH:
        return field_length_put(p, value->number, style);
    case FIELD_BOOL:
        return scalar_bool(p, value->number);
    case FIELD_TIME:
        return scalar_time(p, value->time.sec, value->time.nsec, cache, style);
    case FIELD_EPOCH:
        return scalar_epoch(p, value->time.sec, value->time.nsec);
    case FIELD_LATENCY:
        return scalar_latency(p, value->latency_ns);
    case FIELD_DATA:
    case FIELD_TREE:
    case FIELD_KINDS:
        break;
    }
    return p;
}

/* Any field's value, TREE or not, into a tree: null when the event has none. */
void field_put(const struct field *field, struct event *ev, struct tree *tree);

#endif
