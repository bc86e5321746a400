/*
 * The example configuration, from the tables. Everything in it is a comment but the two lists with
 * the first input and the first output; stages and sections are off. A line that begins with '#',
 * and not with '#' and a single space, becomes part of the configuration when the '#' is taken
 * away; so do all of them together.
 */
#include <ctype.h>

#include "base/fill.h"
#include "conf/show.h"

/* Where lines go: how deep they stand, and whether all of them are commented out. */
struct example_block {
    FILE *out;
    int indent;
    bool hidden;
};

static const char head[] =
    "# Spile's configuration, with every option at its default.\n"
    "#\n"
    "# To use an option or a module, take away the '#' at the very beginning of its lines.\n"
    "# Times have a unit (ns, us, ms, s, m, h, d); sizes are bytes or have one (K, M, G, T);\n"
    "# 'off' is a zero. 'spile config check FILE' says what is wrong with a file.\n"
    "# \"${NAME}\" in a value is the environment's variable; $$ is a dollar. A secret may be\n"
    "# {file: PATH}, {env: NAME}, or {credential: NAME}, which is one of systemd's.\n\n"
    "# Files that are read before this one, relative to its folder, such as\n"
    "# conf.d/*.yaml: their lists come first, and no setting may be given twice.\n"
    "#include: []\n\n";

static void put_prose(struct example_block block, const char *text)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%s%*s# ", block.hidden ? "#" : "", block.indent, "");
    fill_text(block.out, text, prefix, 0);
}

static void put_scalar(FILE *out, struct span text)
{
    struct buf scalar = {0};
    config_put_scalar(&scalar, text);
    fwrite(scalar.data, 1, scalar.len, out);
    buf_free(&scalar);
}

static void put_list(FILE *out, struct span items)
{
    fputc('[', out);
    while (items.len) {
        const uint8_t *comma = memchr(items.ptr, ',', items.len);
        size_t len = comma ? (size_t)(comma - items.ptr) : items.len;
        put_scalar(out, span_of(items.ptr, len));
        fputs(comma ? ", " : "", out);
        size_t used = comma ? len + 1 : len;
        items = span_of(items.ptr + used, items.len - used);
    }
    fputc(']', out);
}

static void put_doc(struct example_block block, const struct option *row)
{
    char text[1024], limits[256];
    fill_sentence(row->doc, text, sizeof text);
    if (option_limits(row, limits, sizeof limits)[0]) {
        size_t len = strlen(text);
        limits[0] = (char)toupper((unsigned char)limits[0]);
        snprintf(text + len, sizeof text - len, " %s.", limits);
    }
    put_prose(block, text);
}

static void put_options(struct example_block block, const struct option *row);

/* The options of a nested struct, one further to the right; of a list a single one is shown. */
static void put_nested(struct example_block block, const struct option *row)
{
    fputc('\n', block.out);
    block.indent += 2;
    if (option_is_list(row)) {
        fprintf(block.out, "%s%*s-\n", block.hidden ? "#" : "", block.indent, "");
        block.indent += 2;
    }
    put_options(block, row->rows);
}

static void put_option(struct example_block block, const struct option *row)
{
    put_doc(block, row);
    block.hidden |= !row->required;
    fprintf(block.out, "%s%*s%s:", block.hidden ? "#" : "", block.indent, "", row->name);
    if (row->rows) {
        put_nested(block, row);
        return;
    }
    const char *value = row->fallback ? row->fallback : row->example;
    fputc(' ', block.out);
    if (option_is_list(row))
        put_list(block.out, span_str(value ? value : ""));
    else
        put_scalar(block.out, span_str(value ? value : ""));
    fputc('\n', block.out);
}

static void put_options(struct example_block block, const struct option *row)
{
    for (; row && row->name; row++)
        put_option(block, row);
}

/* Names the options that the module has in common with one that stood before it. */
static void put_common(struct example_block block, const struct module *module,
                       const struct module *first)
{
    char text[512];
    size_t len = (size_t)snprintf(text, sizeof text, "And, as those of '%s' above", first->name);
    for (const struct option *row = module->common->options; row->name && len < sizeof text; row++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s",
                                row == module->common->options ? ": " : ", ", row->name);
    put_prose(block, text);
}

/* All modules of a kind, the first one live, if any is. What some have in common is told once. */
static void put_modules(FILE *out, enum module_kind kind, const char *section, bool live)
{
    const struct module *module;
    const struct module *first;
    if (!module_at(kind, 0))
        return;
    fprintf(out, "\n%s%s:\n", live ? "" : "#", section);
    for (size_t i = 0; (module = module_at(kind, i)); i++) {
        bool hidden = i > 0 || !live;
        struct example_block item = {out, 2, hidden}, options = {out, 6, hidden};
        for (size_t j = 0; (first = module_at(kind, j))->common != module->common;)
            j++;
        fputs(i ? "\n" : "", out);
        put_prose(item, module->doc);
        fprintf(out, "%s  - %s:\n", item.hidden ? "#" : "", module->name);
        put_options(options, module->options);
        if (module->common && first != module)
            put_common(options, module, first);
        else
            put_options(options, config_common_options(module));
    }
}

/* Sections are switched on by being there, so all of them stand behind a '#'. */
static void put_sections(FILE *out)
{
    const struct module *module;
    for (size_t i = 0; (module = module_at(MODULE_SECTION, i)); i++) {
        fputc('\n', out);
        put_prose((struct example_block){out, 0, false}, module->doc);
        fprintf(out, "#%s:\n", module->name);
        put_options((struct example_block){out, 2, true}, module->options);
    }
}

void config_example(FILE *out)
{
    fputs(head, out);
    put_options((struct example_block){out, 0, false}, settings_options);
    put_modules(out, MODULE_INPUT, "inputs", true);
    put_modules(out, MODULE_STAGE, "stages", false);
    put_modules(out, MODULE_OUTPUT, "outputs", true);
    put_sections(out);
}
