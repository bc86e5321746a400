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
#ifndef SPILE_EVENT_TREE_H
#define SPILE_EVENT_TREE_H

#include "base/buf.h"
#include "event/scalar.h"

enum {
    TREE_ROOM = 512,     /* reserved at a time */
    TREE_DEPTH_MAX = 16, /* deeper ones are not indented further */
    TREE_KEY_MAX = 32,
    TREE_LEAD = 2 * TREE_DEPTH_MAX + 8, /* what stands before an item or a key, at most */
    TREE_CLOSING = 2 * TREE_DEPTH_MAX,  /* all the brackets that end what is open, at most */
};

/* Owner: the stack. When memory is short nothing more is written, and out->failed tells. */
struct tree {
    struct buf *out;
    char *p;      /* where the next byte goes; NULL after a failure, and when it is over */
    char *end;    /* of the reserved bytes */
    size_t limit; /* bytes of `out` that it may fill, a little more or less: then it is over */
    bool over;    /* nothing more is written */
    bool cuts;    /* lists end before the item that would be over (tree_keep) */
    struct {
        size_t at;
        unsigned depth;
        bool first;
    } before; /* the item that is being written, with `cuts` */
    enum scalar_style style;
    uint8_t gap; /* spaces behind a comma or a colon */
    unsigned depth;
    bool first;   /* nothing stands in the innermost list or mapping yet */
    bool in_line; /* YAML: the next key or scalar follows "- " on its line */
};

/* With SCALAR_BARE, structures are JSON without any space, and a scalar alone is bare. With
 * SCALAR_YAML, the caller has just written "key:" of a top-level key, and the tree writes the space
 * or new line that must follow. */
void tree_begin(struct tree *t, struct buf *out, enum scalar_style style);
/* Commits what was written to the buffer. */
void tree_end(struct tree *t);

/* The style of a scalar here. */
static inline enum scalar_style tree_style(const struct tree *t)
{
    return t->style == SCALAR_BARE && t->depth > 0 ? SCALAR_COLUMN : t->style;
}

/* Commits what was written to the buffer and reserves room for `need` more bytes; false: no memory,
 * or it is over. */
bool tree_grow(struct tree *t, size_t need);

/* True when `need` (at least 1) bytes may be written at t->p. */
static inline bool tree_room(struct tree *t, size_t need)
{
    return __builtin_expect((size_t)(t->end - t->p) >= need, 1) || tree_grow(t, need);
}

void tree_open_list(struct tree *t);
void tree_close_list(struct tree *t);
void tree_open_map(struct tree *t);
void tree_close_map(struct tree *t);

/* YAML's forms of the two below. */
void tree_item_line(struct tree *t);
void tree_key_line(struct tree *t, const char *name);

/* Writes what parts an element from the one before, in styles other than YAML's lines. */
static inline char *tree_comma(char *p, struct tree *t)
{
    memcpy(p, ", ", 2);
    p += t->first ? 0 : 1 + t->gap;
    t->first = false;
    return p;
}

/* Before each element of a list. */
static inline void tree_item(struct tree *t)
{
    if (t->style == SCALAR_YAML)
        tree_item_line(t);
    else if (tree_room(t, TREE_LEAD))
        t->p = tree_comma(t->p, t);
}

/* What tree_item_kept and tree_keep do where lists may be cut. */
void tree_note(struct tree *t);
bool tree_keep_within(struct tree *t);

/* Before each element of a list that may be very long; tree_keep stands behind it then. */
static inline void tree_item_kept(struct tree *t)
{
    if (__builtin_expect(t->cuts, 0))
        tree_note(t);
    tree_item(t);
}

/* False: there can be no other element; the list is to be closed. If it was this one that would be
 * over, it has been taken back. */
static inline bool tree_keep(struct tree *t)
{
    return __builtin_expect(t->cuts, 0) ? tree_keep_within(t) : t->p != NULL;
}

/* Before each value of a mapping. The name needs no quotes and has at most TREE_KEY_MAX bytes; a
 * literal is copied by its known length. */
__attribute__((always_inline)) static inline void tree_key(struct tree *t, const char *name)
{
    if (t->style == SCALAR_YAML) {
        tree_key_line(t, name);
    } else if (tree_room(t, TREE_LEAD + TREE_KEY_MAX)) {
        char *p = put_char(tree_comma(t->p, t), '"');
        p = put_short(p, name, strlen(name));
        memcpy(p, "\": ", 3);
        t->p = p + 2 + t->gap;
    }
}

/* YAML's part of the one below. */
void tree_scalar_line(struct tree *t);

/* Makes room for a scalar of at most `need` bytes at t->p; the caller writes it and moves t->p
 * behind it. False: no memory. */
static inline bool tree_scalar(struct tree *t, size_t need)
{
    if (!tree_room(t, need + 1))
        return false;
    if (t->style == SCALAR_YAML)
        tree_scalar_line(t);
    return true;
}

void tree_null(struct tree *t);
void tree_uint(struct tree *t, uint64_t value);
void tree_bool(struct tree *t, bool value);
void tree_word(struct tree *t, struct span word);
/* Null when it is absent. */
void tree_name(struct tree *t, struct dns_name name);
void tree_hex(struct tree *t, struct span bytes);
/* A record's data, an option's data: what the functions of wire/ say, as a string. */
void tree_rdata(struct tree *t, struct span msg, const struct dns_rr *rr);
void tree_edns_option(struct tree *t, const struct dns_edns_option *option);

#endif
