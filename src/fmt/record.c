#include "fmt/record.h"

#include <stdlib.h>

#include "conf/option.h"

enum {
    RECORD_FIELDS_MAX = 128,
    RECORD_LEAD_MAX = 32,  /* copied whole: a copy of known length is two instructions */
    RECORD_LEAD_SHORT = 8, /* but of those that are no longer, as all of text, so much alone */
    RECORD_WORDS = 128,    /* codes of each registry whose mnemonics are kept ready */
    RECORD_STRING_MAX = 8,
    RECORD_ROUND_KEY = 6, /* quotes, colon and so on around a key */
    RECORD_TREE_GAP = 1,  /* what a structure that is absent writes more */
};

_Static_assert(RECORD_LEAD_MAX >= FIELD_KEY_MAX + RECORD_ROUND_KEY, "a key fits into a lead");

/* A mnemonic as this style writes it. */
struct record_word {
    char text[FIELD_WORD_MAX + SCALAR_QUOTES + 1];
    uint8_t len;
};

/* A string of the style, copied whole, too. */
struct record_string {
    char text[RECORD_STRING_MAX];
    uint8_t len;
};

struct record_step {
    char lead[RECORD_LEAD_MAX]; /* what stands between the value before and this one */
    uint8_t lead_len;
    uint8_t form; /* field_form */
    bool (*get)(const struct field *self, const struct event *ev, struct field_value *value);
    const struct field *field;
    const struct record_word *words; /* of WORD: RECORD_WORDS of them */
    size_t rest;                     /* bytes that what is behind it needs at least */
};

/* Owner: one worker. */
struct record_writer {
    enum scalar_style style;
    const struct record_step *end; /* of the steps */
    size_t extras; /* behind them: steps that only events have which have their values */
    struct record_string absent, close;
    struct record_word *words;
    size_t room;   /* bytes that a whole record may take, but for texts and structures */
    size_t least;  /* bytes that any record needs */
    size_t max;    /* bytes that a record may have; SIZE_MAX / 2: any number */
    size_t limit;  /* of the buffer that is written to: where the present record has so many */
    bool over;     /* the present record would have more */
    uint8_t flaws; /* of events, that are told by its records */
    bool tells;    /* behind all of these there is another for records that are not whole */
    struct put_time_cache cache;
    struct record_step steps[];
};

/* The fields that were asked for, or the style's own choice. */
struct choice {
    const struct field *fields[RECORD_FIELDS_MAX];
    size_t count;
    size_t extras; /* of them, the last */
};

static void choose_default(const struct record_style *style, struct choice *choice)
{
    const struct field *field;
    for (size_t i = 0; (field = field_at(i)); i++) {
        if (style->columns && field->column) {
            choice->fields[field->column - 1] = field;
            choice->count++;
        } else if (!style->columns && !field->part) {
            choice->fields[choice->count++] = field;
            choice->extras += field_is_contributed(field);
        }
    }
}

static int choose(struct choice *choice, struct span name, struct error *err)
{
    const char *hint = NULL;
    const struct field *field = field_find(name, &hint);
    if (!field && hint)
        return error_set(err, "unknown field '%s'; did you mean '%s'? (see: spile fields)",
                         option_show(name).text, hint);
    if (!field)
        return error_set(err, "unknown field '%s' (see: spile fields)", option_show(name).text);
    for (size_t i = 0; i < choice->count; i++)
        if (choice->fields[i] == field)
            return error_set(err, "the field '%s' is named twice", field->name);
    choice->fields[choice->count++] = field; /* twice is an error, so there is room for all */
    return 0;
}

static int choose_listed(const char *list, struct choice *choice, struct error *err)
{
    for (const char *name = list;; name++) {
        name += strspn(name, " ");
        size_t len = strcspn(name, ",");
        const char *next = name + len;
        while (len > 0 && name[len - 1] == ' ')
            len--;
        if (choose(choice, span_of(name, len), err) < 0)
            return -1;
        if (*next == '\0')
            return 0;
        name = next;
    }
}

static void compile_lead(struct record_step *step, const struct record_style *style, bool first)
{
    char *p = put_str(step->lead, first ? style->open : style->between);
    if (style->before_key) {
        p = put_str(put_str(p, style->before_key), step->field->key);
        p = put_str(p, step->form == FIELD_TREE ? style->behind_tree_key : style->behind_key);
    }
    step->lead_len = (uint8_t)(p - step->lead);
}

/* What the step needs at least: with its value absent, unless it tells of that. */
static size_t least_of(const struct record_writer *r, const struct record_step *step)
{
    bool tells = step->field->word && strcmp(step->field->name, FIELD_TRUNCATED) == 0;
    return step->lead_len + (tells ? FIELD_WORD_MAX + SCALAR_QUOTES : r->absent.len) +
           RECORD_TREE_GAP;
}

/* Returns what the whole record needs at least. */
static size_t compile_rest(struct record_writer *r)
{
    size_t rest = r->close.len;
    const size_t whole = (size_t)(r->end - r->steps);
    for (size_t i = whole + r->extras + r->tells; i-- > 0;) {
        bool extra = i >= whole && i < whole + r->extras;
        r->steps[i].rest = rest;
        rest += extra ? 0 : least_of(r, &r->steps[i]);
    }
    return rest;
}

static void compile_words(struct record_word *words, const struct field *field,
                          enum scalar_style style)
{
    for (uint64_t code = 0; code < RECORD_WORDS; code++) {
        const struct field_value value = {.number = code};
        char *end = field_value_put(words[code].text, field, &value, style, NULL);
        words[code].len = (uint8_t)(end - words[code].text);
    }
}

static void compile_string(struct record_string *string, const char *text)
{
    string->len = (uint8_t)(put_str(string->text, text) - string->text);
}

static inline char *put_string(char *p, const struct record_string *string)
{
    memcpy(p, string->text, sizeof string->text);
    return p + string->len;
}

static void compile_step(struct record_step *step, const struct record_style *style,
                         const struct field *field, bool first)
{
    *step =
        (struct record_step){.form = (uint8_t)field_form(field), .get = field->get, .field = field};
    compile_lead(step, style, first);
}

static void compile(struct record_writer *r, const struct record_style *style,
                    const struct choice *choice, uint32_t *needs)
{
    const struct field_value empty = {0};
    struct record_word *words = r->words;
    *needs = FACET_DNSTAP;
    for (size_t i = 0; i < choice->count; i++) {
        const struct field *field = choice->fields[i];
        struct record_step *step = &r->steps[i];
        compile_step(step, style, field, i == 0);
        *needs |= field->needs;
        /* What a field of kind DATA turns out to be is never longer than a name. */
        r->room += RECORD_LEAD_MAX +
                   field_value_max(step->form == FIELD_DATA ? FIELD_NAME : step->form, &empty);
        if (step->form == FIELD_WORD) {
            compile_words(words, field, style->scalar);
            step->words = words;
            words += RECORD_WORDS;
        }
    }
    r->room += RECORD_LEAD_MAX; /* what copies of whole leads, words and strings write too much */
    r->extras = choice->extras;
    r->end = r->steps + choice->count - choice->extras;
    r->style = style->scalar;
    r->flaws = *needs & FACET_RECORDS ? FLAW_WORK : 0;
    compile_string(&r->absent, style->absent);
    compile_string(&r->close, style->close);
    if (r->tells)
        compile_step(r->steps + choice->count, style, field_find(span_str(FIELD_TRUNCATED), NULL),
                     false);
}

static int limit_record(struct record_writer *r, uint64_t max, struct error *err)
{
    r->least = compile_rest(r);
    r->max = max > 0 && max < SIZE_MAX / 2 ? max : SIZE_MAX / 2;
    if (r->max < r->least)
        return error_set(err, "record-max: a record of these fields has %zu bytes at least",
                         r->least);
    return 0;
}

int record_open(const struct record_style *style, const struct format_spec *spec, void **state,
                uint32_t *needs, struct error *err)
{
    struct choice choice = {0};
    if (!spec->fields)
        choose_default(style, &choice);
    else if (choose_listed(spec->fields, &choice, err) < 0)
        return -1;
    size_t registries = 0;
    for (size_t i = 0; i < choice.count; i++)
        registries += choice.fields[i]->type == FIELD_WORD;
    struct record_writer *r = calloc(1, sizeof *r + (choice.count + 1) * sizeof *r->steps);
    struct record_word *words = calloc(registries * RECORD_WORDS + 1, sizeof *words);
    if (!r || !words) {
        free(r);
        free(words);
        return error_set(err, "out of memory");
    }
    r->words = words;
    r->tells = style->before_key && !spec->fields;
    compile(r, style, &choice, needs);
    if (limit_record(r, spec->record_max, err) < 0) {
        record_close(r);
        return -1;
    }
    *state = r;
    return 0;
}

void record_close(void *state)
{
    struct record_writer *r = state;
    if (!r)
        return;
    free(r->words);
    free(r);
}

/* A structure, of any length, and room for what follows it. NULL: no memory, or the record would be
 * longer than it may. */
static char *put_structure(struct record_writer *r, const struct field *field, struct event *ev,
                           struct buf *out, char *p)
{
    struct tree tree;
    buf_commit(out, p);
    tree_begin(&tree, out, r->style);
    tree.limit = r->limit;
    if (!field->put(field, ev, &tree))
        tree_null(&tree);
    tree_end(&tree);
    if (__builtin_expect(tree.p == NULL, 0)) {
        r->over = tree.over;
        return NULL;
    }
    return buf_reserve(out, r->room);
}

/* A text, of any length, and room for what follows it. NULL: as above. */
static char *put_text(struct record_writer *r, struct span text, struct buf *out, char *p)
{
    buf_commit(out, p);
    if (__builtin_expect(text.len > r->max, 0)) {
        r->over = true;
        return NULL;
    }
    p = buf_reserve(out, r->room + text.len * SCALAR_TEXT_MAX);
    return p ? scalar_text(p, text, r->style) : NULL;
}

static inline char *put_word(char *p, const struct record_step *step,
                             const struct field_value *value, enum scalar_style style)
{
    if (__builtin_expect(value->number >= RECORD_WORDS, 0))
        return field_value_put(p, step->field, value, style, NULL);
    const struct record_word *word = &step->words[value->number];
    memcpy(p, word->text, sizeof word->text);
    return p + word->len;
}

/* The value of one step at `p`, which has room for all but texts and structures. */
static inline char *put_value(struct record_writer *r, const struct record_step *step,
                              struct event *ev, struct buf *out, char *p)
{
    struct field_value value;
    unsigned form = step->form;
    if (form == FIELD_TREE)
        return put_structure(r, step->field, ev, out, p);
    if (!step->get(step->field, ev, &value))
        return put_string(p, &r->absent);
    if (form == FIELD_WORD)
        return put_word(p, step, &value, r->style);
    if (form == FIELD_DATA)
        form = value.as;
    if (form == FIELD_TEXT)
        return put_text(r, value.text, out, p);
    return field_form_put(p, form, step->field, &value, r->style, &r->cache);
}

/* --- records that are not whole ------------------------------------------------------------- */

/* Such a record is written anew, within its limit: fields one by one, each as it is or absent, but
 * of lists as many items as there is room for. The records of the message, of which there may be
 * very many, take what all the rest leaves: so the rest is written once without them first. */
struct cut {
    struct record_writer *r;
    struct event *ev;
    struct buf *out;
    size_t start;   /* of the record in `out` */
    size_t room;    /* for the message's records */
    size_t records; /* bytes of them so far, beyond those of lists that are left out; an empty one
                       has fewer, so these may be below zero, modulo 2^64 as all else */
    size_t extras;  /* bytes of the values that not all events have */
};

static void put_absent(const struct cut *c, const struct record_step *step)
{
    struct tree tree;
    if (step->form == FIELD_TREE) {
        tree_begin(&tree, c->out, c->r->style);
        tree_null(&tree);
        tree_end(&tree);
    } else {
        buf_put(c->out, c->r->absent.text, c->r->absent.len);
    }
}

static void put_within(const struct cut *c, const struct record_step *step, size_t limit)
{
    struct record_writer *r = c->r;
    struct field_value value;
    if (step->form == FIELD_TREE) {
        struct tree tree;
        tree_begin(&tree, c->out, r->style);
        tree.limit = limit > TREE_CLOSING ? limit - TREE_CLOSING : 0;
        tree.cuts = true;
        if (!step->field->put(step->field, c->ev, &tree))
            tree_null(&tree);
        tree_end(&tree);
        r->over = tree.over;
        return;
    }
    bool has = step->get(step->field, c->ev, &value);
    unsigned form = step->form == FIELD_DATA && has ? (unsigned)value.as : step->form;
    r->over = !has || (form == FIELD_TEXT && value.text.len > r->max);
    char *p = r->over ? NULL : buf_reserve(c->out, field_value_max(form, &value));
    if (p)
        buf_commit(c->out, field_form_put(p, form, step->field, &value, r->style, &r->cache));
}

/* One value, or that it is absent where it would fill the buffer beyond the limit. */
static void put_if_fits(const struct cut *c, const struct record_step *step, size_t limit)
{
    size_t before = c->out->len;
    put_within(c, step, limit);
    if (!c->r->over && c->out->len <= limit)
        return;
    c->out->len = before;
    put_absent(c, step);
}

/* `extras` are bytes that are still to be kept for these. */
static void put_step(struct cut *c, const struct record_step *step, size_t extras)
{
    struct buf *out = c->out;
    buf_put(out, step->lead, step->lead_len);
    if (step->form != FIELD_TREE || !(step->field->needs & FACET_RECORDS)) {
        put_if_fits(c, step, c->start + c->records + c->r->max - step->rest - extras);
        return;
    }
    size_t before = out->len;
    put_absent(c, step);
    size_t least = out->len - before, left = c->room - c->records;
    if (left == 0)
        return;
    out->len = before;
    put_if_fits(c, step, before + least + left);
    c->records += out->len - before - least;
}

/* The values that not all events have, each where this one has it. They are whole, or left out;
 * r->over says that one was. */
static void put_extras_within(const struct cut *c)
{
    struct record_writer *r = c->r;
    struct field_value value;
    bool over = false;
    for (const struct record_step *step = r->end; step < r->end + r->extras; step++) {
        size_t before = c->out->len;
        if (!step->get(step->field, c->ev, &value))
            continue;
        buf_put(c->out, step->lead, step->lead_len);
        put_within(c, step, SIZE_MAX);
        if (!r->over)
            continue;
        c->out->len = before;
        over = true;
    }
    r->over = over;
}

/* How many bytes they take; 0: they would take them from what each record has. */
static size_t measure_extras(const struct cut *c)
{
    size_t before = c->out->len;
    put_extras_within(c);
    size_t size = c->out->len - before;
    c->out->len = before;
    return c->r->least + size <= c->r->max ? size : 0;
}

/* Returns the record's length. */
static size_t put_cut(struct cut *c, size_t room)
{
    c->room = room;
    c->records = 0;
    c->out->len = c->start;
    for (const struct record_step *step = c->r->steps; step < c->r->end; step++)
        put_step(c, step, c->extras);
    if (c->extras > 0)
        put_extras_within(c);
    if (c->r->tells)
        put_step(c, c->r->end + c->r->extras, 0);
    buf_put(c->out, c->r->close.text, c->r->close.len);
    return c->out->len - c->start;
}

__attribute__((noinline)) static int record_cut(struct record_writer *r, struct event *ev,
                                                struct buf *out, size_t start)
{
    struct cut c = {.r = r, .ev = ev, .out = out, .start = start};
    ev->cut = r->over || out->len > r->limit ? CUT_RECORD_MAX : CUT_DECODING;
    c.extras = r->extras ? measure_extras(&c) : 0;
    size_t without = put_cut(&c, 0);
    put_cut(&c, r->max - without);
    ev->cut = CUT_NOT;
    return out->failed ? DROP_MEMORY : FORMAT_CUT;
}

/* --- records -------------------------------------------------------------------------------- */

/* Not inlined: few events have any. */
__attribute__((noinline)) static char *put_extras(struct record_writer *r, struct event *ev,
                                                  struct buf *out, char *p)
{
    const struct cut c = {.r = r, .ev = ev, .out = out};
    buf_commit(out, p);
    put_extras_within(&c);
    return r->over ? NULL : buf_reserve(out, r->room);
}

int record_event(void *state, struct event *ev, struct buf *out)
{
    struct record_writer *r = state;
    if (ev->bad & FACET_DNSTAP)
        return DROP_MALFORMED;
    size_t start = out->len;
    char *p = buf_reserve(out, r->room);
    r->over = false;
    r->limit = start + r->max;
    for (const struct record_step *step = r->steps; step < r->end && p; step++) {
        memcpy(p, step->lead, RECORD_LEAD_SHORT);
        if (step->lead_len > RECORD_LEAD_SHORT)
            memcpy(p + RECORD_LEAD_SHORT, step->lead + RECORD_LEAD_SHORT,
                   RECORD_LEAD_MAX - RECORD_LEAD_SHORT);
        p = put_value(r, step, ev, out, p + step->lead_len);
    }
    if (r->extras && p)
        p = put_extras(r, ev, out, p);
    if (!p && !r->over)
        return DROP_MEMORY;
    if (p)
        buf_commit(out, put_string(p, &r->close));
    if (__builtin_expect(r->over || out->len > r->limit || ev->flaws & r->flaws, 0))
        return record_cut(r, ev, out, start);
    return FORMAT_WRITTEN;
}
