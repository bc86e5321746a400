#include "event/tree.h"

/* Room for `need` more bytes behind what is committed, unless it is over. */
static void reserve(struct tree *t, size_t need)
{
    t->p = t->over ? NULL : buf_reserve(t->out, need + TREE_ROOM);
    t->end = t->p ? t->p + need + TREE_ROOM : NULL;
}

bool tree_grow(struct tree *t, size_t need)
{
    if (!t->p)
        return false;
    buf_commit(t->out, t->p);
    t->over = t->out->len > t->limit;
    reserve(t, need);
    return t->p;
}

void tree_begin(struct tree *t, struct buf *out, enum scalar_style style)
{
    *t = (struct tree){
        .out = out, .style = style, .gap = style == SCALAR_JSON, .first = true, .limit = SIZE_MAX};
    reserve(t, 0);
}

static size_t filled(const struct tree *t)
{
    return t->p ? (size_t)((const uint8_t *)t->p - t->out->data) : t->out->len;
}

void tree_note(struct tree *t)
{
    t->before.at = filled(t);
    t->before.depth = t->depth;
    t->before.first = t->first;
}

bool tree_keep_within(struct tree *t)
{
    if (t->p && filled(t) <= t->limit)
        return true;
    if (t->out->failed)
        return false;
    t->out->len = t->before.at;
    t->depth = t->before.depth;
    t->first = t->before.first;
    t->in_line = false; /* lists are in no list */
    t->over = false;
    t->limit += TREE_CLOSING;
    reserve(t, 0);
    return false;
}

void tree_end(struct tree *t)
{
    if (t->p)
        buf_commit(t->out, t->p);
}

/* A new line at the depth of the innermost list or mapping. */
static char *put_indent(char *p, unsigned depth)
{
    *p++ = '\n';
    for (unsigned i = 0; i < depth && i < TREE_DEPTH_MAX; i++)
        p = PUT_LIT(p, "  ");
    return p;
}

static void tree_open(struct tree *t, char bracket)
{
    t->depth++;
    t->first = true;
    if (t->style != SCALAR_YAML && tree_room(t, 1))
        *t->p++ = bracket;
}

static void tree_close(struct tree *t, const char brackets[3])
{
    t->depth--;
    if (t->style != SCALAR_YAML) {
        if (tree_room(t, 1))
            *t->p++ = brackets[1];
    } else if (t->first && tree_scalar(t, 2)) {
        t->p = put_bytes(t->p, brackets, 2);
    }
    t->first = false;
}

void tree_open_list(struct tree *t)
{
    tree_open(t, '[');
}

void tree_close_list(struct tree *t)
{
    tree_close(t, "[]");
}

void tree_open_map(struct tree *t)
{
    tree_open(t, '{');
}

void tree_close_map(struct tree *t)
{
    tree_close(t, "{}");
}

void tree_item_line(struct tree *t)
{
    if (!tree_room(t, TREE_LEAD))
        return;
    t->p = PUT_LIT(put_indent(t->p, t->depth), "- ");
    t->in_line = true;
    t->first = false;
}

void tree_key_line(struct tree *t, const char *name)
{
    if (!tree_room(t, TREE_LEAD + TREE_KEY_MAX))
        return;
    char *p = t->in_line ? t->p : put_indent(t->p, t->depth);
    t->p = put_char(put_str(p, name), ':');
    t->first = false;
    t->in_line = false;
}

void tree_scalar_line(struct tree *t)
{
    if (!t->in_line)
        *t->p++ = ' ';
    t->in_line = false;
}

void tree_null(struct tree *t)
{
    if (tree_scalar(t, 4))
        t->p = tree_style(t) == SCALAR_BARE ? put_char(t->p, '-') : PUT_LIT(t->p, "null");
}

void tree_uint(struct tree *t, uint64_t value)
{
    if (tree_scalar(t, PUT_U64_MAX))
        t->p = put_u64(t->p, value);
}

void tree_bool(struct tree *t, bool value)
{
    if (tree_scalar(t, 5))
        t->p = scalar_bool(t->p, value);
}

void tree_word(struct tree *t, struct span word)
{
    if (tree_scalar(t, word.len + SCALAR_QUOTES))
        t->p = scalar_word(t->p, word, tree_style(t));
}

void tree_name(struct tree *t, struct dns_name name)
{
    if (name.len == 0)
        tree_null(t);
    else if (tree_scalar(t, SCALAR_NAME_MAX))
        t->p = scalar_name(t->p, name, tree_style(t));
}

void tree_hex(struct tree *t, struct span bytes)
{
    if (!tree_scalar(t, bytes.len * 2 + SCALAR_QUOTES))
        return;
    t->p = scalar_quote(t->p, tree_style(t));
    t->p = put_hex(t->p, bytes.ptr, bytes.len);
    t->p = scalar_quote(t->p, tree_style(t));
}

/*
 * Ends a string whose last `len` bytes are in presentation form. They seldom need escapes, so they
 * are written in place first; if they do, they move out of the way by as much as escapes may take.
 */
static void escape_tail(struct tree *t, size_t len)
{
    enum scalar_style style = tree_style(t);
    bool plain = style == SCALAR_JSON || style == SCALAR_YAML;
    if (plain && escape_json_plain(span_of(t->p - len, len)) == len)
        return;
    size_t gap = (ESCAPE_JSON_MAX - 1) * len;
    if (!tree_room(t, gap + SCALAR_QUOTES))
        return;
    char *start = t->p - len;
    struct span text = span_of(memmove(start + gap, start, len), len);
    if (style != SCALAR_BARE)
        t->p = escape_json(start, text, ESCAPE_PRESENTED | scalar_escape(style));
    else
        t->p = len > 0 ? escape_text(start, text, ESCAPE_PRESENTED) : put_char(start, '-');
}

/* A function of wire/ that appends presentation text to a buffer. */
struct wire_text {
    int (*put)(struct buf *out, const struct wire_text *self);
    struct span msg;
    const void *arg;
};

static void tree_append(struct tree *t, const struct wire_text *from)
{
    if (!tree_scalar(t, SCALAR_QUOTES))
        return;
    t->p = scalar_quote(t->p, tree_style(t));
    buf_commit(t->out, t->p);
    size_t start = t->out->len;
    bool failed = from->put(t->out, from) < 0;
    t->p = t->end = failed ? NULL : buf_reserve(t->out, 0);
    if (!tree_grow(t, 1))
        return;
    escape_tail(t, t->out->len - start);
    if (t->p)
        t->p = scalar_quote(t->p, tree_style(t));
}

static int append_rdata(struct buf *out, const struct wire_text *self)
{
    return dns_rdata_put(out, self->msg, self->arg);
}

static int append_option(struct buf *out, const struct wire_text *self)
{
    return dns_edns_option_put(out, self->arg);
}

void tree_rdata(struct tree *t, struct span msg, const struct dns_rr *rr)
{
    tree_append(t, &(struct wire_text){.put = append_rdata, .msg = msg, .arg = rr});
}

void tree_edns_option(struct tree *t, const struct dns_edns_option *option)
{
    tree_append(t, &(struct wire_text){.put = append_option, .arg = option});
}
