/*
 * Options as tables. A module describes its options in rows; from a row follow parsing, default,
 * range, `spile config check`, the example configuration, the manual, and every error message. The
 * flags of a command are rows of the same kind (cli/command.h), with a letter where they have one.
 *
 * Values live in the module's private struct, at the row's offset. Text forms are those of the
 * configuration file, whatever the YAML type: the row decides what a value is.
 */
#ifndef SPILE_CONF_OPTION_H
#define SPILE_CONF_OPTION_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/prefix.h"
#include "base/span.h"

enum option_type {
    OPTION_BOOL,     /* bool: true or false */
    OPTION_UINT,     /* uint64_t, min to max */
    OPTION_SIZE,     /* uint64_t bytes: 4096, 64K, 100M, 2G (powers of 1024); "off" is 0 */
    OPTION_DURATION, /* uint64_t nanoseconds: 100us, 5ms, 2s, 1m, 1h, 1d; "off" is 0 */
    OPTION_STRING,   /* char *, NULL when absent; min to max bytes */
    OPTION_PATH,     /* char *, NULL when absent; not empty; max bytes (0: PATH_MAX) */
    OPTION_ENUM,     /* int: index into choices */
    OPTION_MODE,     /* mode_t: octal, as chmod takes it */
    OPTION_HOSTPORT, /* struct option_hostport: host:port, [v6]:port; min is the least port */
    OPTION_PREFIXES, /* struct option_prefixes: list of addresses and prefixes */
    OPTION_STRINGS,  /* struct option_strings: list of strings */
    OPTION_NAME,     /* char *, NULL when absent: letters, digits, '-', '_' and '.' */
    OPTION_GROUP,    /* a struct of the module's own: names with values, by the rows of `rows` */
    OPTION_LIST_OF,  /* struct option_list: list of such structs */
    OPTION_TYPES
};

enum { OPTION_NAME_MAX = 63 /* bytes of a name */ };

struct option_hostport {
    char *host;
    uint16_t port;
};

struct option_prefixes {
    struct prefix *items;
    size_t count;
};

struct option_strings {
    char **items;
    size_t count;
};

/* Of LIST_OF: `count` structs of row->size bytes, one behind the other. */
struct option_list {
    void *items;
    size_t count;
};

/* One row. A table ends with a row whose name is NULL. */
struct option {
    const char *name; /* lower case with hyphens */
    enum option_type type;
    size_t offset;        /* in the module's private struct */
    const char *fallback; /* default, in text form (a list's items between commas); NULL: absent */
    bool required;
    bool secret;       /* a STRING that is never printed: no message shows its value */
    bool seconds;      /* of DURATION: a number without a unit is fine, and means seconds */
    bool off;          /* of SIZE and DURATION: zero ("off") is allowed though it is below min */
    bool fixed;        /* a change takes effect at the next start, not at a reload; of sections: as
                          long as what they are for is at work */
    bool commas;       /* of STRING: has parts between commas; may be written as a list, too */
    bool exclusive;    /* of PATH and HOSTPORT: no two items may have the same place */
    bool reads;        /* of STRINGS: files that are read, "-" is standard input: it is read once,
                          and nothing that is read is another item's exclusive place */
    uint64_t min, max; /* of the types that say so; max 0 is no limit */
    const char *const *choices; /* of ENUM; ends with NULL */
    const char *doc;            /* one sentence; begins in lower case and has no full stop */
    const char *example;        /* value shown in the example where there is no default */
    const char *value; /* what help calls the value: "FORMAT"; NULL: as the type is called */
    char letter;       /* of commands: the short form, 'o' for -o; 0: none */
    bool names;        /* of NAME: what the item that has this option is called */
    const struct option *rows; /* of GROUP and LIST_OF: the options of the struct. A group has its
                                  defaults where nobody writes it; what is required in it is so
                                  where somebody does. No list of structs stands in another one */
    size_t size;               /* of GROUP and LIST_OF: of the struct; max is the most items */
};

/* Sets every option of `table` in `base` to its default. `base` is zeroed memory. -1: no memory, or
 * a default that its own row refuses; whatever was set is freed again. */
int options_init(const struct option *table, void *base, struct error *err);
/* Frees what the options hold. A NULL table or base is fine. */
void options_free(const struct option *table, void *base);
/* Copies every option of `table` into `base`, which is zeroed memory. -1: no memory; nothing is
 * left in `base` then. */
int options_copy(const struct option *table, void *base, const void *from, struct error *err);
/* True when all options have the same values, be they written or defaults. */
bool options_equal(const struct option *table, const void *a, const void *b);

/* Parses one scalar, or one more item of a list, from text into its place. The old scalar is freed;
 * on an error it stays. The error does not name the option: the caller knows the name that users
 * know it by. */
int option_parse(const struct option *row, void *base, struct span text, struct error *err);
/* Frees one value and makes it absent (zero): before the first item that replaces a default list.
 */
void option_clear(const struct option *row, void *base);
/* True when the option has no value; false for types that always have one, such as numbers. */
bool option_is_absent(const struct option *row, const void *base);
/* True when the option takes many values. */
bool option_is_list(const struct option *row);
/* True when a value's text is one of JSON as it stands: of numbers without a unit, true and false.
 */
bool option_is_bare(const struct option *row);
/* How many bytes of the struct the value takes. */
size_t option_size(const struct option *row);
bool option_equal(const struct option *row, const void *a, const void *b);
/* How many values there are: of a list its items, else 1; 0 when the option is absent. */
size_t option_count(const struct option *row, const void *base);
/* Appends the i-th value in text form, as option_parse takes it, without quotes. Not of GROUP and
 * LIST_OF. Secrets are for who asks to mask. */
void option_print(const struct option *row, const void *base, size_t i, struct buf *out);
/* Of GROUP and LIST_OF: the i-th struct. */
void *option_nested(const struct option *row, const void *base, size_t i);
/* Of LIST_OF: one more item, with its defaults; NULL: err. Those before it may move. */
void *option_push(const struct option *row, void *base, struct error *err);

/* What is shown in the place of a secret: "***". No secret is that. */
extern const char option_masked[];

/* A text of the user's as a message shows it: of bounded length, no control characters. */
struct option_shown {
    char text[72];
};
struct option_shown option_show(struct span text);

/* What a value looks like, for help and manual: "a size such as 64K, at least 256K". */
const char *option_describe(const struct option *row, char *out, size_t size);
/* The row's limits alone: "at least 256K", "one of a, b"; empty when there are none to tell. */
const char *option_limits(const struct option *row, char *out, size_t size);
/* A number in the type's own notation, in the largest unit that divides it: "64K", "5s". */
const char *option_number(enum option_type type, uint64_t value, char *out, size_t size);
/* What help calls the value: "FORMAT", "SIZE"; NULL for a BOOL. */
const char *option_value_name(const struct option *row);

/* The row of that name, or NULL; *hint (may be NULL) then gets the nearest name or NULL. */
const struct option *option_find(const struct option *table, struct span name, const char **hint);

/* "; there are: a, b, c" for a getter that ends with NULL, as far as it fits. */
const char *option_list_names(const char *(*name)(const void *ctx, size_t i), const void *ctx,
                              char *out, size_t size);

/* True when `address` (16 bytes, v4 mapped) lies in any prefix. An empty list holds everything. */
bool option_prefixes_hold(const struct option_prefixes *list, const uint8_t *address);

#endif
