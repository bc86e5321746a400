/*
 * Fields: every named value that an event has, one row each. A name is dotted and begins with the
 * protocol that defines the value; `key` is the name in Spile's JSON and YAML. Formats, --fields,
 * `spile fields` and the manual all follow from this table.
 *
 * Modules may contribute rows (module.fields), whose values lie in slots of the event that a stage
 * fills. JSON and YAML have keys for those only of events that have them, or where they are asked
 * for.
 */
#ifndef SPILE_EVENT_FIELD_H
#define SPILE_EVENT_FIELD_H

#include "base/prefix.h"
#include "event/event.h"
#include "event/tree.h"

/* What a value is: what it can be compared with, and what a table's column must hold. */
enum field_type {
    FIELD_WORD,    /* a code and its mnemonic: letters, digits, - _ only */
    FIELD_TEXT,    /* any bytes, perhaps not UTF-8: escaped by the format */
    FIELD_NAME,    /* a domain name */
    FIELD_ADDRESS, /* 4 or 16 bytes */
    FIELD_PREFIX,
    FIELD_UINT,
    FIELD_BOOL,
    FIELD_TIME,     /* seconds and nanoseconds */
    FIELD_DURATION, /* signed nanoseconds */
    FIELD_DATA,     /* differs from event to event: the getter sets `as` to TEXT, NAME or ADDRESS */
    FIELD_LIST,     /* of values that are all of the type `of` */
    FIELD_TREE,     /* a structure: `put` writes it */
    FIELD_TYPES
};

/* How formats write a value, where it is not the usual way for its type. */
enum field_shown {
    SHOWN_AS_TYPE,              /* times as dates, durations as seconds with six decimals */
    SHOWN_LENGTH = FIELD_TYPES, /* of UINT, a count of bytes: text puts a b behind it */
    SHOWN_EPOCH,                /* of TIME: a number of seconds with nine decimals */
    FIELD_FORMS
};

struct field_value {
    union {
        struct span text;     /* TEXT, ADDRESS */
        struct dns_name name; /* NAME */
        struct prefix prefix;
        uint64_t number;     /* WORD (the code), UINT, BOOL */
        int64_t duration_ns; /* DURATION */
        struct {
            uint64_t sec;
            uint32_t nsec; /* below 1,000,000,000 */
        } time;            /* TIME */
    };
    enum field_type as; /* of DATA */
};

enum {
    FIELD_WORD_MAX = 20, /* bytes of a mnemonic */
    FIELD_KEY_MAX = 24,  /* bytes of a key */
};

/* Where a walk over a list is. Zeroed: at its beginning. */
struct field_walk {
    uint32_t at;
    struct dns_walk records;
};

struct field {
    const char *name; /* "dns.qname" */
    const char *key;  /* "qname" */
    enum field_type type;
    uint32_t needs; /* facets */
    /* Gets the value; false when the event has none. It is called when the facets have been decoded
     * or found bad; which of the two, the getter looks up in ev->bad. NULL for TREE; of a LIST, it
     * says whether there is one. */
    bool (*get)(const struct field *self, const struct event *ev, struct field_value *value);
    uint32_t at;  /* for `get`: where in struct event the value lies */
    uint32_t has; /* for `get`: the bits of a `has` mask, or of flags, that the field is about */
    /* Of WORD, and of lists of such: the code's mnemonic, or what stands for an unknown code; at
     * most FIELD_WORD_MAX bytes. */
    char *(*word)(char *p, uint64_t code);
    enum field_shown shown_as;
    enum field_type of; /* of LIST */
    /* Of LIST, which the event has: the next value; false behind the last. */
    bool (*next)(const struct field *self, const struct event *ev, struct field_walk *walk,
                 struct field_value *value);
    /* Of TREE: writes the structure; false, and nothing written, when the event has none. Of LIST:
     * structure_list. */
    bool (*put)(const struct field *self, struct event *ev, struct tree *tree);
    uint8_t column; /* its place in a line of text, from 1; 0: only where it is asked for */
    bool part;      /* JSON and YAML have it as a key of its own only where it is asked for: because
                       the structure in a row above contains it, or because it is seldom of use */
    const char *doc;
};

/* The field that says that a record is not whole: records that are have no key for it. */
#define FIELD_TRUNCATED "dnstap.truncated"

/* The n-th of all fields, in the order in which JSON prints them: those of the protocols, then
 * those that modules contribute, in the registry's order. NULL behind the last. */
const struct field *field_at(size_t n);
/* True for a field that a module contributes. */
bool field_is_contributed(const struct field *field);

/* The `get` of a contributed field whose value lies in a slot. */
bool field_slot_get(const struct field *self, const struct event *ev, struct field_value *value);
/* The slot of the field in this event: the one it has, or a new one, all zero. There is one for
 * each of the fields that modules contribute. */
struct event_slot *field_slot(struct event *ev, const struct field *field);

/* The mnemonic of a response code, or RCODE and its number. */
char *field_rcode(char *p, uint64_t code);

/* By name or by key; NULL when unknown, *hint (may be NULL) then the nearest name or NULL. */
const struct field *field_find(struct span name, const char **hint);
/* Of WORD, and of lists of such: the code that the field's word stands for, in any case of letters,
 * or the number itself. False: there is none. It tries all words: not for every event. */
bool field_code(const struct field *field, struct span word, uint64_t *code);

/* Decodes what the field needs and gets its value; false when the event has none. Not for TREE. */
static inline bool field_get(const struct field *field, struct event *ev, struct field_value *value)
{
    event_need(ev, field->needs);
    return field->get(field, ev, value);
}

/* How the field's values are written: enum field_type, or else enum field_shown. Lists are TREE. */
static inline unsigned field_form(const struct field *field)
{
    if (field->type == FIELD_LIST)
        return FIELD_TREE;
    return field->shown_as ? (unsigned)field->shown_as : (unsigned)field->type;
}

/* The most bytes that field_value_put writes for a value. `form` is not TREE; for a field of type
 * DATA it is value->as. */
size_t field_value_max(unsigned form, const struct field_value *value);
/* The word for a code. Formats have those of usual codes at hand, and come here with others. */
char *field_code_put(char *p, const struct field *field, uint64_t code, enum scalar_style style);

static inline char *field_length_put(char *p, uint64_t number, enum scalar_style style)
{
    p = put_u64(p, number);
    return style == SCALAR_BARE ? put_char(p, 'b') : p;
}

/* A value of that form as text; `field` has the words. `cache` belongs to the thread. Inline:
 * formats do this for most columns. */
static inline char *field_form_put(char *p, unsigned form, const struct field *field,
                                   const struct field_value *value, enum scalar_style style,
                                   struct put_time_cache *cache)
{
    switch (form) {
    case FIELD_WORD:
        return field_code_put(p, field, value->number, style);
    case FIELD_TEXT:
        return scalar_text(p, value->text, style);
    case FIELD_NAME:
        return scalar_name(p, value->name, style);
    case FIELD_ADDRESS:
        return scalar_address(p, value->text, style);
    case FIELD_PREFIX:
        return scalar_prefix(p, &value->prefix, style);
    case FIELD_UINT:
        return put_u64(p, value->number);
    case SHOWN_LENGTH:
        return field_length_put(p, value->number, style);
    case FIELD_BOOL:
        return scalar_bool(p, value->number);
    case FIELD_TIME:
        return scalar_time(p, value->time.sec, value->time.nsec, cache, style);
    case SHOWN_EPOCH:
        return scalar_epoch(p, value->time.sec, value->time.nsec);
    case FIELD_DURATION:
        return scalar_latency(p, value->duration_ns);
    default:
        return p;
    }
}

/* The value as text: not of LIST and TREE. */
static inline char *field_value_put(char *p, const struct field *field,
                                    const struct field_value *value, enum scalar_style style,
                                    struct put_time_cache *cache)
{
    unsigned form = field->type == FIELD_DATA ? (unsigned)value->as : field_form(field);
    return field_form_put(p, form, field, value, style, cache);
}

/* Any field's value, LIST and TREE too, into a tree: null when the event has none. */
void field_put(const struct field *field, struct event *ev, struct tree *tree);

#endif
