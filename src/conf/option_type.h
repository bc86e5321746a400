/*
 * What a type of option can do: one constant each. Adding a type is one of these, a word in enum
 * option_type and a line in option.c. A place is where the value is in its struct.
 */
#ifndef SPILE_CONF_OPTION_TYPE_H
#define SPILE_CONF_OPTION_TYPE_H

#include "conf/option.h"

struct option_ops {
    size_t size;       /* of the value; 0: the row says it */
    const char *value; /* what help calls it; NULL: a flag has none */
    const char *words; /* what it looks like */
    bool list;         /* it takes many texts */
    bool bare;         /* a text of it is one of JSON */
    /* Works on a copy and stores only what is whole, so that a bad value leaves the old one. */
    int (*parse)(const struct option *row, void *place, struct span text, struct error *err);
    /* NULL: it owns nothing. */
    void (*clear)(const struct option *row, void *place);
    /* How many texts it has; NULL: always one. */
    size_t (*count)(const struct option *row, const void *place);
    /* Into zeroed memory. NULL: its bytes are all there is. */
    int (*copy)(const struct option *row, void *place, const void *from, struct error *err);
    bool (*equal)(const struct option *row, const void *a, const void *b);
    /* The i-th text. NULL: it has structs instead. */
    void (*print)(const struct option *row, const void *place, size_t i, struct buf *out);
};

extern const struct option_ops option_bool, option_uint, option_bytes, option_duration, option_enum,
    option_mode;
extern const struct option_ops option_string, option_path, option_name, option_hostport;
extern const struct option_ops option_prefixes, option_strings, option_group_of, option_list_of;

/* "'text' is not a number, from 1 to 256"; returns -1. */
int option_refuse(const struct option *row, struct span text, struct error *err);
/* A C string of the text, or NULL and err. */
char *option_copy_text(struct span text, struct error *err);
/* What every text must be: no NUL byte in it (C would stop there), and of a length in its range. */
int option_check_text(const struct option *row, struct span text, uint64_t least, uint64_t most,
                      struct error *err);

enum { OPTION_STRING_MAX = 65536 /* bytes of a string whose row sets no limit */ };

#endif
