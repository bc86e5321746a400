/*
 * The configuration from YAML. libyaml makes a tree of nodes; the option tables say what each must
 * be, so YAML's own types (and tags) play no part. Every complaint names the node's line and
 * column.
 *
 * The text is hostile: a first pass over libyaml's events bounds nesting and anchors, for which its
 * tree builder takes quadratic time; an alias stands for the node it names (nodes are shared, never
 * copied), and one that contains itself ends as a node of the wrong kind, since what is read here
 * has a fixed depth.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "conf/config.h"
#include "conf/syntax.h"

enum {
    TEXT_MAX = 256 << 10, /* bytes of a configuration */
    DEPTH_MAX = 16,       /* nesting; 5 is what can be valid */
    ANCHORS_MAX = 100,
};

/* Owner: the stack of config_parse. */
struct reader {
    yaml_document_t document;
    struct span text;
    struct config *config;
    struct error *err;
};

static int error_mark(struct error *err, const struct config *config, yaml_mark_t mark)
{
    return error_at(err, config->path, (unsigned)mark.line + 1, (unsigned)mark.column + 1);
}

static struct config_mark mark_of(const yaml_node_t *node)
{
    return (struct config_mark){(unsigned)node->start_mark.line + 1,
                                (unsigned)node->start_mark.column + 1};
}

/* Sets the error and its place: `fail_at(r, node, "...")`. */
__attribute__((format(printf, 3, 4))) static int fail_at(struct reader *r, const yaml_node_t *node,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->err->text, sizeof r->err->text, format, args);
    va_end(args);
    return error_mark(r->err, r->config, node->start_mark);
}

static yaml_node_t *node_at(struct reader *r, int index)
{
    return yaml_document_get_node(&r->document, index);
}

static struct span scalar_text(const yaml_node_t *node)
{
    return span_of(node->data.scalar.value, node->data.scalar.length);
}

static struct option_shown shown(const yaml_node_t *node)
{
    return option_show(scalar_text(node));
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
static int expect_kind(struct reader *r, const yaml_node_t *node, yaml_node_type_t type,
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
static int expect(struct reader *r, const yaml_node_t *node, yaml_node_type_t type,
                  const char *what)
{
    if (!is_null(node) || is_tagged(node))
        return expect_kind(r, node, type, what);
    struct span rest = config_rest_of_line(r->text, node->start_mark);
    while (rest.len && rest.ptr[0] == ' ')
        rest = span_of(rest.ptr + 1, rest.len - 1);
    if (config_special(rest, r->err))
        return error_mark(r->err, r->config, node->start_mark);
    return fail_at(r, node, "%s has no value", what);
}

static bool holds(struct span text, char c)
{
    return text.len && memchr(text.ptr, c, text.len);
}

/* A word where "name: value" or "- item" should stand: what the slip is likely to be. */
static int fail_word(struct reader *r, const yaml_node_t *node)
{
    struct span text = scalar_text(node), word = text;
    const uint8_t *space = text.len ? memchr(text.ptr, ' ', text.len) : NULL;
    if (space)
        word.len = (size_t)(space - text.ptr);
    struct option_shown first = option_show(word);
    if (text.len && text.ptr[0] == '-')
        return fail_at(r, node, "a space is missing behind the '-' of '%s'", first.text);
    if (holds(word, '=') || (space && space[1] == '='))
        return fail_at(r, node, "'%s' has a '=': write a ':' and a space", shown(node).text);
    if (holds(word, ':'))
        return fail_at(r, node, "a space is missing behind the ':' of '%s'", first.text);
    return fail_at(r, node, "a ':' and a space are missing behind '%s'", first.text);
}

/* The key of a pair, which must be a word that the mapping has not had before. */
static int check_key(struct reader *r, const yaml_node_t *mapping, const yaml_node_pair_t *pair)
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
                           mark_of(other).line);
    }
    return 0;
}

/* One scalar into its option; `name` is what the user calls the option. */
static int read_scalar(struct reader *r, const struct option *row, void *base,
                       const yaml_node_t *node)
{
    char what[80];
    struct error why;
    snprintf(what, sizeof what, "'%s'", row->name);
    if (expect(r, node, YAML_SCALAR_NODE, what))
        return -1;
    if (option_parse(row, base, scalar_text(node), &why))
        return fail_at(r, node, "%s: %s%s", row->name, why.text,
                       option_is_list(row) && holds(scalar_text(node), ',')
                           ? "; several stand between brackets, as in [a, b]"
                           : "");
    return 0;
}

/* Reads a list in the place of a text with commas, which means the same. */
static int read_joined(struct reader *r, const struct option *row, void *base,
                       const yaml_node_t *node)
{
    struct buf text = {0};
    struct error why;
    const yaml_node_item_t *first = node->data.sequence.items.start, *item = first;
    int status = 0;
    for (; status == 0 && item < node->data.sequence.items.top; item++) {
        const yaml_node_t *part = node_at(r, *item);
        status = expect(r, part, YAML_SCALAR_NODE, "an item of the list");
        if (item > first)
            buf_byte(&text, ',');
        if (status == 0)
            buf_put(&text, scalar_text(part).ptr, scalar_text(part).len);
    }
    if (status == 0 && text.failed)
        status = fail_at(r, node, "out of memory");
    else if (status == 0 && option_parse(row, base, buf_span(&text), &why))
        status = fail_at(r, node, "%s: %s", row->name, why.text);
    buf_free(&text);
    return status;
}

/* The value of an option. A list may also be written as its single item. */
static int read_value(struct reader *r, const struct option *row, void *base, yaml_node_t *node)
{
    if (row->commas && node->type == YAML_SEQUENCE_NODE && !is_tagged(node))
        return read_joined(r, row, base, node);
    if (!option_is_list(row))
        return read_scalar(r, row, base, node);
    option_clear(row, base);
    if (node->type != YAML_SEQUENCE_NODE || is_tagged(node))
        return read_scalar(r, row, base, node);
    const yaml_node_item_t *item = node->data.sequence.items.start;
    for (; item < node->data.sequence.items.top; item++) {
        if (read_scalar(r, row, base, node_at(r, *item)))
            return -1;
    }
    return 0;
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

/* `pair` is one of `options`, and names no option of the item. */
static int unknown_option(struct reader *r, const struct config_item *item, const char *near,
                          const yaml_node_t *options, const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = node_at(r, pair->key);
    char hint[320];
    if (near)
        snprintf(hint, sizeof hint, "; did you mean '%s'?", near);
    else if (is_null(node_at(r, pair->value)) && holds(scalar_text(key), ':'))
        snprintf(hint, sizeof hint, "; a space is missing behind its ':'");
    else if (is_null(node_at(r, pair->value)) && pair > options->data.mapping.pairs.start &&
             options->data.mapping.style == YAML_FLOW_MAPPING_STYLE)
        snprintf(hint, sizeof hint,
                 "; where it belongs to the value before it, put quotes around "
                 "all of that, or brackets");
    else
        option_list_names(item_option_name, item, hint, sizeof hint);
    return fail_at(r, key, "%s has no option '%s'%s", item->module->name, shown(key).text, hint);
}

static int read_option(struct reader *r, struct config_item *item, const yaml_node_t *options,
                       const yaml_node_pair_t *pair)
{
    const char *near;
    void *base;
    yaml_node_t *value = node_at(r, pair->value);
    const struct option *row =
        config_option(item, scalar_text(node_at(r, pair->key)), &base, &near);
    if (!row)
        return unknown_option(r, item, near, options, pair);
    config_note_place(item, row, mark_of(value));
    return read_value(r, row, base, value);
}

/* An option to show: one that is required, or else the format of outputs, or else the first. */
static const struct option *typical_option(const struct module *module)
{
    for (const struct option *row = module->options; row && row->name; row++) {
        if (row->required)
            return row;
    }
    const struct option *common = config_common_options(module);
    return common ? common : module->options;
}

/* Refuses what stands in the place of options: a value in the line of the module's name, or a word
 * below it. */
static int refuse_options(struct reader *r, const struct config_item *item, const yaml_node_t *node)
{
    const char *name = item->module->name;
    const struct option *row = typical_option(item->module);
    if (node->type == YAML_SCALAR_NODE && mark_of(node).line > item->at.line)
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
static int read_options(struct reader *r, struct config_item *item, yaml_node_t *node)
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
static struct config_item *read_module(struct reader *r, enum module_kind kind,
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
        item->at = mark_of(name);
    else
        error_mark(r->err, r->config, name->start_mark);
    return item;
}

/* One of a list: "tcp: {...}", or just "tcp". */
static int read_item(struct reader *r, enum module_kind kind, yaml_node_t *node)
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

/* A section is switched on by being there, even if nothing stands behind its name. */
static int read_section(struct reader *r, const yaml_node_t *key, yaml_node_t *value)
{
    struct config_item *item = read_module(r, MODULE_SECTION, key);
    return item ? read_options(r, item, value) : -1;
}

/* The first name of a mapping; NULL when it has none, or is none. */
static const yaml_node_t *first_key(struct reader *r, const yaml_node_t *node)
{
    if (node->type != YAML_MAPPING_NODE ||
        node->data.mapping.pairs.start == node->data.mapping.pairs.top)
        return NULL;
    return node_at(r, node->data.mapping.pairs.start->key);
}

/* The lists at the top; the other keys there are sections and settings. */
static const struct list {
    const char *name, *quoted;
    enum module_kind kind;
    size_t at; /* in struct config: where its mark goes */
} lists[] = {
    {"inputs", "'inputs'", MODULE_INPUT, offsetof(struct config, inputs_at)},
    {"stages", "'stages'", MODULE_STAGE, offsetof(struct config, stages_at)},
    {"outputs", "'outputs'", MODULE_OUTPUT, offsetof(struct config, outputs_at)},
};
enum { LISTS = sizeof lists / sizeof *lists };

static int read_items(struct reader *r, const struct list *list, yaml_node_t *node)
{
    *(struct config_mark *)((char *)r->config + list->at) = mark_of(node);
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
    size_t settings = 0;
    for (i -= LISTS; settings_options[settings].name; settings++) {
        if (settings == i)
            return settings_options[i].name;
    }
    const struct module *section = module_at(MODULE_SECTION, i - settings);
    return section ? section->name : NULL;
}

static int unknown_key(struct reader *r, const yaml_node_t *key)
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

static int read_top(struct reader *r, const yaml_node_t *key, yaml_node_t *value)
{
    for (size_t i = 0; i < LISTS; i++) {
        if (span_equal(scalar_text(key), span_str(lists[i].name)))
            return read_items(r, &lists[i], value);
    }
    if (module_find(MODULE_SECTION, scalar_text(key), NULL))
        return read_section(r, key, value);
    const struct option *row = option_find(settings_options, scalar_text(key), NULL);
    if (!row)
        return unknown_key(r, key);
    r->config->setting_places[row - settings_options] = mark_of(value);
    return read_value(r, row, &r->config->settings, value);
}

/* The whole document. An empty text is a configuration, too, with everything at its default. */
static int read_document(struct reader *r)
{
    yaml_node_t *root = yaml_document_get_root_node(&r->document);
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

static int syntax_error(const yaml_parser_t *parser, const struct config *config, const char *text,
                        size_t len, struct error *err)
{
    yaml_mark_t at;
    config_syntax(parser, span_of(text, len), err, &at);
    return parser->problem ? error_mark(err, config, at) : -1;
}

/* What the first pass counts. */
struct census {
    unsigned depth;
    unsigned anchors;
    unsigned documents;
};

/* NULL, or what is too much with this event. */
static const char *count_event(struct census *census, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        census->documents++;
        break;
    case YAML_SCALAR_EVENT:
        census->anchors += event->data.scalar.anchor != NULL;
        break;
    case YAML_SEQUENCE_START_EVENT:
        census->anchors += event->data.sequence_start.anchor != NULL;
        census->depth++;
        break;
    case YAML_MAPPING_START_EVENT:
        census->anchors += event->data.mapping_start.anchor != NULL;
        census->depth++;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        census->depth--;
        break;
    default:
        break;
    }
    if (census->documents > 1)
        return "a configuration is one document; a second one begins here";
    if (census->depth > DEPTH_MAX)
        return "nested too deeply";
    return census->anchors > ANCHORS_MAX ? "too many anchors" : NULL;
}

/* One libyaml parser over the text; the caller deletes it. */
static int parser_open(yaml_parser_t *parser, const char *text, size_t len, struct error *err)
{
    if (!yaml_parser_initialize(parser))
        return error_set(err, "out of memory");
    yaml_parser_set_input_string(parser, (const unsigned char *)text, len);
    return 0;
}

/* The first pass: syntax and limits. */
static int check_text(const struct config *config, const char *text, size_t len, struct error *err)
{
    yaml_parser_t parser;
    struct census census = {0};
    if (parser_open(&parser, text, len, err))
        return -1;
    int status = 0;
    for (bool ended = false; !ended && status == 0;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            status = syntax_error(&parser, config, text, len, err);
            break;
        }
        const char *problem = count_event(&census, &event);
        if (problem) {
            error_set(err, "%s", problem);
            status = error_mark(err, config, event.start_mark);
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

/* The second pass: the tree, and from it the configuration. */
static int read_text(struct config *config, const char *text, size_t len, struct error *err)
{
    yaml_parser_t parser;
    struct reader reader = {.text = span_of(text, len), .config = config, .err = err};
    if (parser_open(&parser, text, len, err))
        return -1;
    int status;
    if (!yaml_parser_load(&parser, &reader.document)) {
        status = syntax_error(&parser, config, text, len, err);
    } else {
        status = read_document(&reader);
        yaml_document_delete(&reader.document);
    }
    yaml_parser_delete(&parser);
    return status;
}

/* Remembers what the text is called, for messages now and later. */
static int set_path(struct config *config, const char *path, struct error *err)
{
    char *copy = strdup(path);
    if (!copy)
        return error_set(err, "out of memory");
    free(config->path);
    config->path = copy;
    return 0;
}

int config_parse(struct config *config, const char *text, size_t len, const char *path,
                 struct error *err)
{
    *err = (struct error){0};
    if (set_path(config, path, err))
        return -1;
    if (len > TEXT_MAX)
        error_set(err, "longer than %d bytes", TEXT_MAX);
    else if (check_text(config, text, len, err) == 0 && read_text(config, text, len, err) == 0)
        return 0;
    return error_at(err, path, 0, 0);
}

/* Reads up to `size` bytes of the file; the number read, or -1 with errno. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t len = 0;
    ssize_t got;
    while ((got = read(fd, text + len, size - len)) != 0) {
        if (got > 0)
            len += (size_t)got;
        else if (errno != EINTR)
            break;
    }
    int reason = errno;
    if (!is_stdin)
        close(fd);
    errno = reason;
    return got < 0 ? -1 : (ssize_t)len;
}

int config_load(struct config *config, const char *path, struct error *err)
{
    *err = (struct error){0};
    char *text = malloc(TEXT_MAX + 1); /* one more than may be, so that more is noticed */
    if (!text)
        return error_set(err, "out of memory");
    ssize_t len = read_file(path, text, TEXT_MAX + 1);
    int status;
    if (len < 0) {
        error_set(err, "%s", strerror(errno));
        status = error_at(err, path, 0, 0);
    } else {
        status = config_parse(config, text, (size_t)len,
                              strcmp(path, "-") == 0 ? "standard input" : path, err);
    }
    free(text);
    return status;
}
