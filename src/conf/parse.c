/*
 * The configuration from YAML. libyaml makes a tree of nodes; the option tables say what each must
 * be, so YAML's own types (and tags) play no part. Every complaint names the node's line and
 * column.
 *
 * The text is hostile: an alias stands for the node it names (nodes are shared, never copied), and
 * one that contains itself ends as a node of the wrong kind, since what is read here has a fixed
 * depth.
 */
#include "conf/parse.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "conf/expand.h"
#include "conf/syntax.h"

#define INCLUDE "include" /* the key at the top */

/* Owner: the stack of config_read. */
struct config_reader {
    yaml_document_t *document;
    struct span text;
    const char *file; /* what the text is called; the configuration's */
    struct config *config;
    struct error *err;
    struct config_options options; /* what is read now: the struct, with its marks */
    struct config_marks *marks;
};

static struct config_mark mark_of(const struct config_reader *r, const yaml_node_t *node)
{
    return (struct config_mark){.file = r->file,
                                .line = (unsigned)node->start_mark.line + 1,
                                .column = (unsigned)node->start_mark.column + 1};
}

/* Sets the error and its place: `fail_at(r, node, "...")`. */
__attribute__((format(printf, 3, 4))) static int fail_at(struct config_reader *r,
                                                         const yaml_node_t *node,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->err->text, sizeof r->err->text, format, args);
    va_end(args);
    return config_error_mark(r->err, r->file, node->start_mark);
}

static yaml_node_t *node_at(struct config_reader *r, int index)
{
    return yaml_document_get_node(r->document, index);
}

static struct span scalar_text(const yaml_node_t *node)
{
    return span_of(node->data.scalar.value, node->data.scalar.length);
}

/* What stands at the front of a text that should be a name, with a ':' or '=' behind it that does
 * not belong there. A message shows no more of it: what follows may be a secret. */
static struct span name_in(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ':' || text.ptr[i] == '=')
            return span_of(text.ptr, i + 1);
    }
    return text;
}

static char last_of(struct span text)
{
    return text.len ? (char)text.ptr[text.len - 1] : '\0';
}

static struct option_shown shown(const yaml_node_t *node)
{
    return option_show(name_in(scalar_text(node)));
}

/* An unquoted nothing: "key:", "key: ~" or "key: null". */
static bool is_null(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    struct span text = scalar_text(node);
    return text.len == 0 || span_equal(text, span_str("~")) || span_equal(text, span_str("null"));
}

/* Tags would say what a value is; here the option does. libyaml gives untagged nodes these. */
static bool is_tagged(const yaml_node_t *node)
{
    static const char *const plain[] = {
        [YAML_SCALAR_NODE] = YAML_DEFAULT_SCALAR_TAG,
        [YAML_SEQUENCE_NODE] = YAML_DEFAULT_SEQUENCE_TAG,
        [YAML_MAPPING_NODE] = YAML_DEFAULT_MAPPING_TAG,
    };
    return node->tag && strcmp((const char *)node->tag, plain[node->type]) != 0;
}

/* Checks that a node is of the kind wanted; `what` begins the complaint: "'inputs'". */
static int expect_kind(struct config_reader *r, const yaml_node_t *node, yaml_node_type_t type,
                       const char *what)
{
    static const char *const kinds[] = {
        [YAML_SCALAR_NODE] = "is one value",
        [YAML_SEQUENCE_NODE] = "is a list, of which each item begins with '- '",
        [YAML_MAPPING_NODE] = "has names with values (name: value)",
    };
    static const char *const instead[] = {
        [YAML_NO_NODE] = "",
        [YAML_SCALAR_NODE] = ", not a single value",
        [YAML_SEQUENCE_NODE] = ", not a list: take away the brackets, or the '-'",
        [YAML_MAPPING_NODE] = ", not names with values (name: value)",
    };
    if (is_tagged(node))
        return fail_at(r, node, "tags such as '%s' are not supported",
                       option_show(span_str((const char *)node->tag)).text);
    if (node->type == type)
        return 0;
    return fail_at(r, node, "%s %s%s", what, kinds[type], instead[node->type]);
}

/* The same for values, of which there must be one. A name is taken as it is: `null` is a module. */
static int expect(struct config_reader *r, const yaml_node_t *node, yaml_node_type_t type,
                  const char *what)
{
    if (!is_null(node) || is_tagged(node))
        return expect_kind(r, node, type, what);
    struct span rest = config_rest_of_line(r->text, node->start_mark);
    while (rest.len && rest.ptr[0] == ' ')
        rest = span_of(rest.ptr + 1, rest.len - 1);
    if (config_special(rest, r->err))
        return config_error_mark(r->err, r->file, node->start_mark);
    return fail_at(r, node, "%s has no value", what);
}

static bool holds(struct span text, char c)
{
    return text.len && memchr(text.ptr, c, text.len);
}

/* A word where "name: value" or "- item" should stand: what the slip is likely to be. */
static int fail_word(struct config_reader *r, const yaml_node_t *node)
{
    struct span text = scalar_text(node), word = text;
    const uint8_t *space = text.len ? memchr(text.ptr, ' ', text.len) : NULL;
    if (space)
        word.len = (size_t)(space - text.ptr);
    struct span name = name_in(space && space[1] == '=' ? text : word);
    struct option_shown first = option_show(name);
    if (text.len && text.ptr[0] == '-')
        return fail_at(r, node, "a space is missing behind the '-' of '%s'", first.text);
    if (last_of(name) == '=')
        return fail_at(r, node, "'%s' has a '=': write a ':' and a space", first.text);
    if (last_of(name) == ':')
        return fail_at(r, node, "a space is missing behind the ':' of '%s'", first.text);
    return fail_at(r, node, "a ':' and a space are missing behind '%s'", first.text);
}

/* The key of a pair, which must be a word that the mapping has not had before. */
static int check_key(struct config_reader *r, const yaml_node_t *mapping,
                     const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = node_at(r, pair->key);
    if (expect_kind(r, key, YAML_SCALAR_NODE, "a name"))
        return -1;
    if (scalar_text(key).len > 1 && memcmp(scalar_text(key).ptr, "\xc2\xa0", 2) == 0)
        return fail_at(r, key, "a no-break space stands here: indent with plain spaces");
    const yaml_node_pair_t *earlier = mapping->data.mapping.pairs.start;
    for (; earlier < pair; earlier++) {
        const yaml_node_t *other = node_at(r, earlier->key);
        if (span_equal(scalar_text(key), scalar_text(other)))
            return fail_at(r, key, "'%s' is given twice, first in line %u", shown(key).text,
                           mark_of(r, other).line);
    }
    return 0;
}

/* Appends what a scalar says, with its variables replaced; `what` begins the complaint. */
static int take_scalar(struct config_reader *r, const yaml_node_t *node, const char *what,
                       struct buf *out)
{
    struct error why;
    if (expect(r, node, YAML_SCALAR_NODE, what))
        return -1;
    if (config_expand(scalar_text(node), out, &why))
        return fail_at(r, node, "%s", why.text);
    return 0;
}

/* One text into its option, which it stands for at `node`. */
static int store_text(struct config_reader *r, const struct option *row, void *base,
                      const yaml_node_t *node, struct span text)
{
    struct error why;
    if (option_parse(row, base, text, &why) == 0)
        return 0;
    return fail_at(r, node, "%s: %s%s", row->name, why.text,
                   option_is_list(row) && holds(text, ',')
                       ? "; several stand between brackets, as in [a, b]"
                       : "");
}

/* Ends what was read into `text`: its memory may have held a secret. */
static int end_text(const struct option *row, struct buf *text, int status)
{
    if (row->secret && text->data)
        explicit_bzero(text->data, text->len);
    buf_free(text);
    return status;
}

/* One scalar into its option; `name` is what the user calls the option. */
static int read_scalar(struct config_reader *r, const struct option *row, void *base,
                       yaml_node_t *node)
{
    char what[80];
    struct buf text = {0};
    snprintf(what, sizeof what, "'%s'", row->name);
    int status = take_scalar(r, node, what, &text);
    if (status == 0)
        status = store_text(r, row, base, node, buf_span(&text));
    return end_text(row, &text, status);
}

/* Reads a list in the place of a text with commas, which means the same. */
static int read_joined(struct config_reader *r, const struct option *row, void *base,
                       const yaml_node_t *node)
{
    struct buf text = {0};
    const yaml_node_item_t *first = node->data.sequence.items.start, *item = first;
    int status = 0;
    for (; status == 0 && item < node->data.sequence.items.top; item++) {
        if (item > first)
            buf_byte(&text, ',');
        status = take_scalar(r, node_at(r, *item), "an item of the list", &text);
    }
    if (status == 0 && text.failed)
        status = fail_at(r, node, "out of memory");
    else if (status == 0)
        status = store_text(r, row, base, node, buf_span(&text));
    return end_text(row, &text, status);
}

/* Appends the secret of the option that `where` names. */
static int take_secret(struct config_reader *r, const struct option *row, enum config_secret form,
                       const yaml_node_t *where, struct buf *out)
{
    char what[80];
    struct buf name = {0};
    struct error why;
    snprintf(what, sizeof what, "%s: '%s'", row->name, config_secrets[form]);
    int status = take_scalar(r, where, what, &name);
    buf_byte(&name, '\0');
    if (status == 0 && (name.failed || strlen((const char *)name.data) + 1 != name.len))
        status =
            fail_at(r, where, "%s", name.failed ? "out of memory" : "a NUL byte is not allowed");
    else if (status == 0 && config_secret(form, (const char *)name.data, r->file, out, &why))
        status = fail_at(r, where, "%s: %s", row->name, why.text);
    buf_free(&name);
    return status;
}

/* A secret that is somewhere else: {file: PATH}, {env: NAME}, {credential: NAME}. */
static int read_secret(struct config_reader *r, const struct option *row, void *base,
                       const yaml_node_t *node)
{
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    const yaml_node_t *key = pair < node->data.mapping.pairs.top ? node_at(r, pair->key) : NULL;
    int form = 0;
    while (key && key->type == YAML_SCALAR_NODE && form < CONFIG_SECRETS &&
           !span_equal(scalar_text(key), span_str(config_secrets[form])))
        form++;
    if (!key || key->type != YAML_SCALAR_NODE || form == CONFIG_SECRETS ||
        pair + 1 != node->data.mapping.pairs.top)
        return fail_at(r, key ? key : node,
                       "'%s' is a text, or one of {file: PATH}, {env: NAME} and {credential: NAME}",
                       row->name);
    struct buf text = {0};
    int status = take_secret(r, row, (enum config_secret)form, node_at(r, pair->value), &text);
    if (status == 0)
        status = store_text(r, row, base, node, buf_span(&text));
    return end_text(row, &text, status);
}

static int read_value(struct config_reader *r, const struct option *row, void *base,
                      yaml_node_t *node);

/* Whose options they are among which one is unknown. */
struct option_owner {
    const char *name;
    const char *near; /* what may be meant; NULL: nothing */
    const char *(*option)(const void *ctx, size_t i);
    const void *ctx;
};

/* The name before the pair, whose value may have been cut by a comma, so that the pair is the rest
 * of it; NULL: it is none. */
static const yaml_node_t *cut_before(struct config_reader *r, const yaml_node_t *options,
                                     const yaml_node_pair_t *pair)
{
    bool may_be = is_null(node_at(r, pair->value)) && pair > options->data.mapping.pairs.start &&
                  options->data.mapping.style == YAML_FLOW_MAPPING_STYLE;
    return may_be ? node_at(r, pair[-1].key) : NULL;
}

/* `pair` is one of `options`, and names none that there is. What it may be a part of is `secret`,
 * or not. */
static int unknown_option(struct config_reader *r, const struct option_owner *owner,
                          const yaml_node_t *options, const yaml_node_pair_t *pair, bool secret)
{
    const yaml_node_t *key = node_at(r, pair->key);
    bool alone = is_null(node_at(r, pair->value));
    char hint[320], last = last_of(name_in(scalar_text(key)));
    if (owner->near && !secret)
        snprintf(hint, sizeof hint, "; did you mean '%s'?", owner->near);
    else if (alone && last == ':')
        snprintf(hint, sizeof hint, "; a space is missing behind its ':'");
    else if (alone && last == '=')
        snprintf(hint, sizeof hint, "; write a ':' and a space in the place of its '='");
    else if (cut_before(r, options, pair))
        snprintf(hint, sizeof hint,
                 "; where it belongs to the value before it, put quotes around "
                 "all of that, or brackets");
    else
        option_list_names(owner->option, owner->ctx, hint, sizeof hint);
    return fail_at(r, key, "%s has no option '%s'%s", owner->name,
                   secret ? option_masked : shown(key).text, hint);
}

static const char *nested_name(const void *rows, size_t i)
{
    return ((const struct option *)rows)[i].name;
}

/* One option of a struct that is nested in others, which row `owner` stands for. */
static int read_part(struct config_reader *r, const struct option *owner, void *base,
                     const yaml_node_t *options, const yaml_node_pair_t *pair)
{
    const char *near;
    const struct option *row = option_find(owner->rows, scalar_text(node_at(r, pair->key)), &near);
    if (row)
        return read_value(r, row, base, node_at(r, pair->value));
    const yaml_node_t *cut = cut_before(r, options, pair);
    const struct option *before = cut ? option_find(owner->rows, scalar_text(cut), NULL) : NULL;
    const struct option_owner among = {owner->name, near, nested_name, owner->rows};
    return unknown_option(r, &among, options, pair, before && before->secret);
}

static int read_nested(struct config_reader *r, const struct option *owner, void *base,
                       yaml_node_t *node)
{
    char what[80];
    snprintf(what, sizeof what, "'%s'", owner->name);
    if (expect(r, node, YAML_MAPPING_NODE, what))
        return -1;
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top; pair++) {
        if (check_key(r, node, pair) || read_part(r, owner, base, node, pair))
            return -1;
    }
    return 0;
}

/* One more struct of a list. */
static int read_struct(struct config_reader *r, const struct option *row, void *base,
                       yaml_node_t *node)
{
    struct error why;
    void *item = option_push(row, base, &why);
    if (!item)
        return fail_at(r, node, "%s: %s", row->name, why.text);
    if (config_marks_note_item(r->marks, &r->options, row, base, option_count(row, base) - 1,
                               mark_of(r, node), r->err))
        return -1;
    return read_nested(r, row, item, node);
}

/* Each item of a list, which may also be written as its single item. */
static int read_list(struct config_reader *r, const struct option *row, void *base,
                     yaml_node_t *node)
{
    int (*read)(struct config_reader * r, const struct option *row, void *base, yaml_node_t *node) =
        row->rows ? read_struct : read_scalar;
    option_clear(row, base);
    if (node->type != YAML_SEQUENCE_NODE || is_tagged(node))
        return read(r, row, base, node);
    const yaml_node_item_t *item = node->data.sequence.items.start;
    for (; item < node->data.sequence.items.top; item++) {
        if (read(r, row, base, node_at(r, *item)))
            return -1;
    }
    return 0;
}

/* The value of an option. */
static int read_value(struct config_reader *r, const struct option *row, void *base,
                      yaml_node_t *node)
{
    if (config_marks_note(r->marks, &r->options, row, base, mark_of(r, node), r->err))
        return -1;
    if (row->commas && node->type == YAML_SEQUENCE_NODE && !is_tagged(node))
        return read_joined(r, row, base, node);
    if (option_is_list(row))
        return read_list(r, row, base, node);
    if (row->secret && node->type == YAML_MAPPING_NODE && !is_tagged(node))
        return read_secret(r, row, base, node);
    return row->rows ? read_nested(r, row, option_nested(row, base, 0), node)
                     : read_scalar(r, row, base, node);
}

/* Names of options for a list: those of the module, then the common ones. */
static const char *item_option_name(const void *item, size_t i)
{
    const struct module *module = ((const struct config_item *)item)->module;
    for (const struct option *row = module->options; row && row->name; row++) {
        if (i-- == 0)
            return row->name;
    }
    for (const struct option *row = config_common_options(module); row && row->name; row++) {
        if (i-- == 0)
            return row->name;
    }
    return NULL;
}

static int read_option(struct config_reader *r, struct config_item *item,
                       const yaml_node_t *options, const yaml_node_pair_t *pair)
{
    const char *near, *other;
    void *base;
    const struct option *row =
        config_option(item, scalar_text(node_at(r, pair->key)), &base, &near);
    if (row) {
        r->marks = config_marks_of(item, (char *)base + row->offset, &r->options);
        return read_value(r, row, base, node_at(r, pair->value));
    }
    const yaml_node_t *cut = cut_before(r, options, pair);
    const struct option *before = cut ? config_option(item, scalar_text(cut), &base, &other) : NULL;
    const struct option_owner among = {item->module->name, near, item_option_name, item};
    return unknown_option(r, &among, options, pair, before && before->secret);
}

/* An option to show: one that is required, or else the format of outputs, or else the first. */
static const struct option *typical_option(const struct module *module)
{
    for (const struct option *row = module->options; row && row->name; row++) {
        if (row->required)
            return row;
    }
    const struct option *common = config_common_options(module);
    return common && !common->names ? common : module->options;
}

/* Refuses what stands in the place of options: a value in the line of the module's name, or a word
 * below it. */
static int refuse_options(struct config_reader *r, const struct config_item *item,
                          const yaml_node_t *node)
{
    const char *name = item->module->name;
    const struct option *row = typical_option(item->module);
    if (node->type == YAML_SCALAR_NODE && mark_of(r, node).line > item->at.line)
        return fail_word(r, node);
    if (node->type == YAML_SCALAR_NODE && row) {
        const char *value = row->fallback ? row->fallback : row->example;
        return fail_at(r, node, "behind '%s' stand options with their names, as in '%s: {%s: %s}'",
                       name, name, row->name, value ? value : "...");
    }
    char what[80];
    snprintf(what, sizeof what, "what follows '%s'", name);
    return expect_kind(r, node, YAML_MAPPING_NODE, what);
}

/* The options of one item: a mapping, or nothing. */
static int read_options(struct config_reader *r, struct config_item *item, yaml_node_t *node)
{
    if (is_null(node) && !is_tagged(node))
        return 0;
    if (node->type != YAML_MAPPING_NODE || is_tagged(node))
        return refuse_options(r, item, node);
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top; pair++) {
        if (check_key(r, node, pair) || read_option(r, item, node, pair))
            return -1;
    }
    return 0;
}

/* A new item of the module that the node names; NULL on error. */
static struct config_item *read_module(struct config_reader *r, enum module_kind kind,
                                       const yaml_node_t *name)
{
    struct span text = scalar_text(name);
    if (expect_kind(r, name, YAML_SCALAR_NODE, "a module's name"))
        return NULL;
    if (text.len == 0 || text.ptr[0] == '-') {
        text.len ? fail_word(r, name) : fail_at(r, name, "this item of the list is empty");
        return NULL;
    }
    struct config_item *item = config_add_named(r->config, kind, scalar_text(name), r->err);
    if (item)
        item->at = mark_of(r, name);
    else
        config_error_mark(r->err, r->file, name->start_mark);
    return item;
}

/* One of a list: "tcp: {...}", or just "tcp". */
static int read_item(struct config_reader *r, enum module_kind kind, yaml_node_t *node)
{
    if (node->type == YAML_SCALAR_NODE)
        return read_module(r, kind, node) ? 0 : -1;
    if (expect(r, node, YAML_MAPPING_NODE, "an item"))
        return -1;
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    if (node->data.mapping.pairs.top - pair != 1)
        return fail_at(r, node,
                       "an item has one key, the module; its options stand below that key, "
                       "further to the right");
    struct config_item *item = read_module(r, kind, node_at(r, pair->key));
    return item ? read_options(r, item, node_at(r, pair->value)) : -1;
}

/* What another file has given already, in whose place `earlier` is. */
static int fail_twice(struct config_reader *r, const yaml_node_t *key,
                      const struct config_mark *earlier)
{
    char where[CONFIG_WHERE_MAX];
    const struct config_mark here = mark_of(r, key);
    return fail_at(r, key, "'%s' is given twice, first%s", shown(key).text,
                   config_where(where, earlier, &here));
}

/* A section is switched on by being there, even if nothing stands behind its name. */
static int read_section(struct config_reader *r, const yaml_node_t *key, yaml_node_t *value)
{
    for (size_t i = 0; i < r->config->section_count; i++) {
        const struct config_item *earlier = &r->config->sections[i];
        if (earlier->at.line && span_equal(scalar_text(key), span_str(earlier->module->name)))
            return fail_twice(r, key, &earlier->at);
    }
    struct config_item *item = read_module(r, MODULE_SECTION, key);
    return item ? read_options(r, item, value) : -1;
}

/* The first name of a mapping; NULL when it has none, or is none. */
static const yaml_node_t *first_key(struct config_reader *r, const yaml_node_t *node)
{
    if (node->type != YAML_MAPPING_NODE ||
        node->data.mapping.pairs.start == node->data.mapping.pairs.top)
        return NULL;
    return node_at(r, node->data.mapping.pairs.start->key);
}

/* The lists at the top; the other keys there are sections and settings. */
static const struct item_list {
    const char *name, *quoted;
    enum module_kind kind;
    size_t at; /* in struct config: where its mark goes */
} lists[] = {
    {"inputs", "'inputs'", MODULE_INPUT, offsetof(struct config, inputs_at)},
    {"stages", "'stages'", MODULE_STAGE, offsetof(struct config, stages_at)},
    {"outputs", "'outputs'", MODULE_OUTPUT, offsetof(struct config, outputs_at)},
};
enum { LISTS = sizeof lists / sizeof *lists };

static int read_items(struct config_reader *r, const struct item_list *list, yaml_node_t *node)
{
    *(struct config_mark *)((char *)r->config + list->at) = mark_of(r, node);
    if (node->type == YAML_SCALAR_NODE && !is_null(node)) /* its single item */
        return read_item(r, list->kind, node);
    const yaml_node_t *first = first_key(r, node);
    if (first && first->type == YAML_SCALAR_NODE && first->data.scalar.value[0] == '-')
        return fail_word(r, first);
    if (expect(r, node, YAML_SEQUENCE_NODE, list->quoted))
        return -1;
    const yaml_node_item_t *item = node->data.sequence.items.start;
    for (; item < node->data.sequence.items.top; item++) {
        if (read_item(r, list->kind, node_at(r, *item)))
            return -1;
    }
    return 0;
}

/* All keys that may stand at the top: lists, settings, sections; NULL behind the last. */
static const char *top_name(const void *ctx, size_t i)
{
    (void)ctx;
    if (i < LISTS)
        return lists[i].name;
    if (i == LISTS)
        return INCLUDE;
    size_t settings = 0;
    for (i -= LISTS + 1; settings_options[settings].name; settings++) {
        if (settings == i)
            return settings_options[i].name;
    }
    const struct module *section = module_at(MODULE_SECTION, i - settings);
    return section ? section->name : NULL;
}

static int unknown_key(struct config_reader *r, const yaml_node_t *key)
{
    size_t count = 0;
    while (top_name(NULL, count))
        count++;
    struct span text = scalar_text(key), word = text;
    const uint8_t *space = text.len ? memchr(text.ptr, ' ', text.len) : NULL;
    if (space)
        word.len = (size_t)(space - text.ptr);
    for (size_t i = 0; space && i < count; i++) {
        if (span_equal(word, span_str(top_name(NULL, i))))
            return fail_word(r, key);
    }
    const char *near = nearest_name(text, top_name, NULL, count);
    if (near)
        return fail_at(r, key, "unknown key '%s'; did you mean '%s'?", shown(key).text, near);
    for (size_t i = 0; i < LISTS; i++) {
        if (module_find(lists[i].kind, scalar_text(key), NULL))
            return fail_at(r, key, "'%s' is one of the %s: it stands below '%s:', as '- %s:'",
                           shown(key).text, lists[i].name, lists[i].name, shown(key).text);
    }
    char known[320];
    return fail_at(r, key, "unknown key '%s'%s", shown(key).text,
                   option_list_names(top_name, NULL, known, sizeof known));
}

static int read_top(struct config_reader *r, const yaml_node_t *key, yaml_node_t *value)
{
    for (size_t i = 0; i < LISTS; i++) {
        if (span_equal(scalar_text(key), span_str(lists[i].name)))
            return read_items(r, &lists[i], value);
    }
    if (span_equal(scalar_text(key), span_str(INCLUDE)))
        return 0; /* it was read before all else */
    if (module_find(MODULE_SECTION, scalar_text(key), NULL))
        return read_section(r, key, value);
    const struct option *row = option_find(settings_options, scalar_text(key), NULL);
    if (!row)
        return unknown_key(r, key);
    r->marks = &r->config->settings_at;
    r->options = config_settings(r->config);
    const struct config_mark *earlier =
        config_marks_find(r->marks, &r->options, (const char *)&r->config->settings + row->offset);
    if (earlier && earlier->line)
        return fail_twice(r, key, earlier);
    return read_value(r, row, &r->config->settings, value);
}

/* What stands behind `include` at the top; NULL: nothing does. */
static const yaml_node_t *find_include(struct config_reader *r)
{
    const yaml_node_t *root = yaml_document_get_root_node(r->document);
    if (!root || root->type != YAML_MAPPING_NODE)
        return NULL;
    const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
    for (; pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(r, pair->key);
        if (key->type == YAML_SCALAR_NODE && span_equal(scalar_text(key), span_str(INCLUDE)))
            return node_at(r, pair->value);
    }
    return NULL;
}

static struct config_reader reader_of(const struct config_text *text, struct config *config,
                                      struct error *err)
{
    return (struct config_reader){.document = text->document,
                                  .text = text->bytes,
                                  .file = text->file,
                                  .config = config,
                                  .err = err};
}

int config_read_include(const struct config_text *text, size_t i, struct buf *path,
                        struct config_mark *at, struct error *err)
{
    struct config_reader reader = reader_of(text, NULL, err);
    const yaml_node_t *node = find_include(&reader);
    if (!node)
        return 0;
    if (node->type == YAML_SEQUENCE_NODE && !is_tagged(node)) {
        const yaml_node_item_t *item = node->data.sequence.items.start + i;
        if (item >= node->data.sequence.items.top)
            return 0;
        node = node_at(&reader, *item);
    } else if (i > 0) {
        return 0;
    }
    *at = mark_of(&reader, node);
    return take_scalar(&reader, node, "'" INCLUDE "'", path) ? -1 : 1;
}

/* An empty text is a configuration, too, with everything at its default. */
int config_read(struct config *config, const struct config_text *text, struct error *err)
{
    struct config_reader reader = reader_of(text, config, err);
    struct config_reader *r = &reader;
    yaml_node_t *root = yaml_document_get_root_node(text->document);
    if (!root || is_null(root))
        return 0;
    if (root->type == YAML_SCALAR_NODE && !is_tagged(root))
        return fail_word(r, root);
    if (expect(r, root, YAML_MAPPING_NODE, "the configuration"))
        return -1;
    const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
    for (; pair < root->data.mapping.pairs.top; pair++) {
        if (check_key(r, root, pair) || read_top(r, node_at(r, pair->key), node_at(r, pair->value)))
            return -1;
    }
    return 0;
}
