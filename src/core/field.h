/*
 * Fields: every named value that an event has, one row each. Names are dotted and those of the
 * protocol that defines the value; `key` is the name in Spile's JSON and YAML. Formats, --fields,
 * `spile fields`, the manual, and later filters and columns all read this table.
 */
#ifndef SPILE_CORE_FIELD_H
#define SPILE_CORE_FIELD_H

#include "base/buf.h"
#include "core/event.h"

enum field_kind {
    FIELD_WORD,    /* text of letters, digits, - _ . : only: a mnemonic; needs no escaping */
    FIELD_TEXT,    /* any bytes, perhaps not UTF-8: escaped by the format */
    FIELD_NAME,    /* struct dns_name */
    FIELD_ADDRESS, /* 4 or 16 bytes */
    FIELD_UINT,
    FIELD_BOOL,
    FIELD_TIME,    /* seconds and nanoseconds */
    FIELD_LATENCY, /* signed nanoseconds */
    FIELD_JSON,    /* a structure (list or mapping): `put` writes it as JSON */
};

struct field_value {
    union {
        struct span text;      /* WORD, TEXT, ADDRESS */
        struct dns_name name;
        uint64_t number;       /* UINT, BOOL */
        int64_t latency_ns;
        struct {
            uint64_t sec;
            uint32_t nsec;
        } time;
    };
    char space[16]; /* for a WORD made up on the spot, such as TYPE65400 */
};

struct field {
    const char *name; /* "dns.qname" */
    const char *key;  /* "qname" */
    enum field_kind kind;
    uint32_t needs; /* facets */
    /* The value; false when the event has none. */
    bool (*get)(struct event *ev, struct field_value *value);
    /* Of FIELD_JSON instead of get: appends the structure as JSON; false when the event has none. */
    bool (*put)(struct event *ev, struct buf *out);
    const char *doc;
};

/* All fields, in the order in which JSON prints them; ends with a row whose name is NULL. */
extern const struct field fields[];

/* By name or by key; NULL when unknown, *hint then the nearest name or NULL. */
const struct field *field_find(struct span name, const char **hint);

#endif
