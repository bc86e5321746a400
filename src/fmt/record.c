#include "fmt/record.h"

#include <stdlib.h>

#include "core/option.h"

enum {
    RECORD_FIELDS_MAX = 128,
    RECORD_LEAD_MAX = 32, /* copied whole: a copy of known length is two instructions */
    RECORD_WORDS = 128,   /* codes of each registry whose mnemonics are kept ready */
    RECORD_STRING_MAX = 8,
    RECORD_ROUND_KEY = 6, /* quotes, colon and so on around a key */
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
    enum field_kind kind;
    bool (*get)(const struct field *self, const struct event *ev, struct field_value *value);
    const struct field *field;
    const struct record_word *words; /* of WORD: RECORD_WORDS of them */
};

/* Owner: one worker. */
struct record {
    enum scalar_style style;
    const struct record_step *end; /* of the steps */
    struct record_string absent, close;
    struct record_word *words;
    size_t room; /* bytes that a whole record may take, but for texts and structures */
    struct put_time_cache cache;
    struct record_step steps[];
};

/* The fields that were asked for, or the style's own choice. */
struct choice {
    const struct field *fields[RECORD_FIELDS_MAX];
    size_t count;
};

static void choose_default(const struct record_style *style, struct choice *choice)
{
    for (const struct field *field = fields; field->name; field++) {
        if (style->columns && field->column) {
            choice->fields[field->column - 1] = field;
            choice->count++;
        } else if (!style->columns && !field->part) {
            choice->fields[choice->count++] = field;
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
        p = put_str(p, step->kind == FIELD_TREE ? style->behind_tree_key : style->behind_key);
    }
    step->lead_len = (uint8_t)(p - step->lead);
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

static void compile(struct record *r, const struct record_style *style, const struct choice *choice,
                    uint32_t *needs)
{
    const struct field_value empty = {0};
    struct record_word *words = r->words;
    *needs = FACET_DNSTAP;
    for (size_t i = 0; i < choice->count; i++) {
        const struct field *field = choice->fields[i];
        struct record_step *step = &r->steps[i];
        *step = (struct record_step){.kind = field->kind, .get = field->get, .field = field};
        compile_lead(step, style, i == 0);
        *needs |= field->needs;
        /* What a field of kind DATA turns out to be is never longer than a name. */
        r->room += RECORD_LEAD_MAX +
                   field_value_max(field->kind == FIELD_DATA ? FIELD_NAME : field->kind, &empty);
        if (field->kind == FIELD_WORD) {
            compile_words(words, field, style->scalar);
            step->words = words;
            words += RECORD_WORDS;
        }
    }
    r->room += RECORD_LEAD_MAX; /* what copies of whole leads, words and strings write too much */
    r->end = r->steps + choice->count;
    r->style = style->scalar;
    compile_string(&r->absent, style->absent);
    compile_string(&r->close, style->close);
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
        registries += choice.fields[i]->kind == FIELD_WORD;
    struct record *r = calloc(1, sizeof *r + choice.count * sizeof *r->steps);
    struct record_word *words = calloc(registries * RECORD_WORDS + 1, sizeof *words);
    if (!r || !words) {
        free(r);
        free(words);
        return error_set(err, "out of memory");
    }
    r->words = words;
    compile(r, style, &choice, needs);
    *state = r;
    return 0;
}

void record_close(void *state)
{
    struct record *r = state;
    if (!r)
        return;
    free(r->words);
    free(r);
}

/* A structure, of any length, and room for what follows it. NULL: no memory. */
static char *put_structure(struct record *r, const struct field *field, struct event *ev,
                           struct buf *out, char *p)
{
    struct tree tree;
    buf_commit(out, p);
    tree_begin(&tree, out, r->style);
    if (!field->put(field, ev, &tree))
        tree_null(&tree);
    tree_end(&tree);
    return out->failed ? NULL : buf_reserve(out, r->room);
}

/* A text, of any length, and room for what follows it. NULL: no memory. */
static char *put_text(struct record *r, struct span text, struct buf *out, char *p)
{
    buf_commit(out, p);
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
static inline char *put_value(struct record *r, const struct record_step *step, struct event *ev,
                              struct buf *out, char *p)
{
    struct field_value value;
    enum field_kind kind = step->kind;
    if (kind == FIELD_TREE)
        return put_structure(r, step->field, ev, out, p);
    if (!step->get(step->field, ev, &value))
        return put_string(p, &r->absent);
    if (kind == FIELD_WORD)
        return put_word(p, step, &value, r->style);
    if (kind == FIELD_TEXT || (kind == FIELD_DATA && value.as == FIELD_TEXT))
        return put_text(r, value.text, out, p);
    return field_value_put(p, step->field, &value, r->style, &r->cache);
}

int record_event(void *state, struct event *ev, struct buf *out)
{
    struct record *r = state;
    if (ev->bad & FACET_DNSTAP)
        return DROP_MALFORMED;
    char *p = buf_reserve(out, r->room);
    for (const struct record_step *step = r->steps; step < r->end && p; step++) {
        memcpy(p, step->lead, sizeof step->lead);
        p = put_value(r, step, ev, out, p + step->lead_len);
    }
    if (!p)
        return DROP_MEMORY;
    buf_commit(out, put_string(p, &r->close));
    return FORMAT_WRITTEN;
}
