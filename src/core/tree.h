/*
 * A tree: lists and mappings inside lists and mappings, written as it is walked. Who describes a
 * structure (the records of a section, EDNS) does so once; the style makes it JSON, block YAML, or
 * one column of text.
 *
 *     tree_open_map(t);
 *     tree_key(t, "ttl");
 *     tree_uint(t, 300);
 *     tree_close_map(t);
 */
#ifndef SPILE_CORE_TREE_H
#define SPILE_CORE_TREE_H

#include "base/buf.h"
#include "core/scalar.h"

enum { TREE_KEY_MAX = 32 };

/* Owner: the stack. When memory is short nothing more is written, and out->failed tells. */
struct tree {
    struct buf *out;
    char *p;   /* where the next byte goes; NULL after a failure */
    char *end; /* of the reserved bytes */
    enum scalar_style style;
    unsigned depth;
    bool first;   /* nothing stands in the innermost list or mapping yet */
    bool in_line; /* YAML: the next key or scalar follows "- " on its line */
};

/* BARE: JSON without any space, a scalar alone is bare. YAML: begins behind "key:" of a top-level
 * key; what is written brings its own space or new line. */
void tree_begin(struct tree *t, struct buf *out, enum scalar_style style);
/* Gives what was written to the buffer. */
void tree_end(struct tree *t);

void tree_open_list(struct tree *t);
void tree_close_list(struct tree *t);
void tree_open_map(struct tree *t);
void tree_close_map(struct tree *t);
/* Before each element of a list. */
void tree_item(struct tree *t);
/* Before each value of a mapping. The name needs no quotes and has at most TREE_KEY_MAX bytes. */
void tree_key(struct tree *t, const char *name);

/* Room for a scalar of at most `need` bytes at t->p, which the caller moves; false: no memory. */
bool tree_scalar(struct tree *t, size_t need);
/* The style of a scalar here. */
enum scalar_style tree_style(const struct tree *t);

void tree_null(struct tree *t);
void tree_uint(struct tree *t, uint64_t value);
void tree_word(struct tree *t, struct span word);
void tree_name(struct tree *t, struct dns_name name);
void tree_hex(struct tree *t, struct span bytes);
/* A record's data, an option's data: what the functions of wire/ say, as a string. */
void tree_rdata(struct tree *t, struct span msg, const struct dns_rr *rr);
void tree_edns_option(struct tree *t, const struct dns_edns_option *option);

#endif
