/*
 * The configuration: YAML, typed by the option tables. Lists `inputs`, `stages` and `outputs`, each
 * item one key (the module) with its options; sections, each a module of that kind with its
 * options, switched on by being there; everything else at the top is a row of settings_options.
 *
 *     threads: 2
 *     inputs:
 *       - tcp: {listen: 127.0.0.1:6000}
 *     outputs:
 *       - stdout: {format: text}
 *     web: {listen: 127.0.0.1:8080}
 *
 * Unknown keys, wrong types and values out of range are errors with line, column and a hint.
 */
#ifndef SPILE_CONF_CONFIG_H
#define SPILE_CONF_CONFIG_H

#include <stdatomic.h>
#include <stdio.h>

#include "conf/mark.h"
#include "conf/module.h"
#include "conf/settings.h"

enum {
    CONFIG_NAME_MAX = OPTION_NAME_MAX,
    CONFIG_TEXT_MAX = 256 << 10, /* bytes of each of the texts that it is read from */
};

/* The row `name` of a group that inputs, stages or outputs have in common: its struct has a member
 * `name`.
 */
#define CONFIG_NAME_ROW(holder, shown)                                                             \
    {                                                                                              \
        .name = "name", .type = OPTION_NAME, .offset = offsetof(struct holder, name),              \
        .names = true, .example = (shown),                                                         \
        .doc = "what it is called in messages, ledger, metrics, API and page, if not by its "      \
               "module: at most 63 letters, digits, '-', '_' and '.'; no other may be called so"   \
    }

/* One input, stage, output or section as configured. Owner: the config. */
struct config_item {
    const struct module *module;
    void *options;         /* module->options_size bytes, options set */
    void *common;          /* module->common->size bytes, likewise; NULL: it has none */
    struct config_mark at; /* the module's name */
    struct config_marks options_at, common_at;
    bool carried; /* from a configuration before, in whose text it stood: see config_carry */
    char called[CONFIG_NAME_MAX + 1]; /* without a name of its own: see config_call; "": by its
                                         place, see config_name */
};

struct config {
    atomic_uint holders; /* see config_hold */
    bool on_heap;
    char *path;   /* for messages; NULL when made by flags alone */
    char **files; /* what texts are called that places are in */
    size_t file_count;
    struct settings settings;
    struct config_marks settings_at;
    /* Of the lists; inputs and outputs that are absent get config_defaults. */
    struct config_mark inputs_at, stages_at, outputs_at;
    struct config_item *inputs;
    size_t input_count;
    struct config_item *stages; /* in the order in which events pass them */
    size_t stage_count;
    struct config_item *outputs;
    size_t output_count;
    struct config_item *sections; /* those that are there */
    size_t section_count;
};

/* Makes an empty configuration with default settings. -1: err. Free it with config_free in any
 * case. */
int config_init(struct config *config, struct error *err);
void config_free(struct config *config);

/* A configuration that several hold, constant from then on: the last one to release it frees it.
 * One that was not made by config_new is its owner's, who frees it when nobody holds it any more.
 * Any thread. */
struct config *config_new(struct error *err);
struct config *config_hold(struct config *config);
void config_release(struct config *config);

/* Reads a file ("-": standard input) or text on top of config_init. A list that is absent
 * stays empty. Every problem is an error; `err` holds file, line and column of the first.
 * After an error the config holds what came before it, and can only be freed. Whether options fit
 * together is for config_validate to judge, once flags have been applied, too. */
int config_load(struct config *config, const char *path, struct error *err);
int config_parse(struct config *config, const char *text, size_t len, const char *path,
                 struct error *err);
/* Fills a list that nobody wrote and no flag filled: with the input tcp at its default, with text
 * on standard output. A list that was written empty stays empty. */
int config_defaults(struct config *config, struct error *err);

/* Looks for what can never be right, without asking the system: required options that are absent,
 * formats that do not exist or do not take their field lists, two items at one place, and what
 * modules object to (module.check). `err` has the place of the option that is to blame; none when a
 * flag is. */
int config_validate(const struct config *config, struct error *err);
/* Looks for what starting would find at this moment (module.probe), but opens nothing. -1: starting
 * would fail, err says why. `warn` is called with what starting would only warn of, `note` with the
 * places that a Spile which is running already has. */
int config_probe(const struct config *config, void (*warn)(const struct error *warning),
                 void (*note)(const struct error *notice), struct error *err);
/* What of that would keep a running program from going over to the configuration: faults of what is
 * not in `running`, or is made anew at each change, as sections are, and places that another
 * process has. -1: err says which. */
int config_probe_change(const struct config *config, const struct config *running,
                        struct error *err);
/* The same of one item that cannot be opened yet, because what has its place is about to go. -1: it
 * could not be opened then, err says why. */
int config_probe_item(const struct config_item *item, struct error *err);
/* True when the option has not just its default: it stands in the text or comes from a flag.
 * `value` points into the options of the item, or those that it has in common with others. */
bool config_is_written(const struct config_item *item, const void *value);
/* Puts the place of an item into `err`, or that of the value (as above; may be NULL) when it was
 * written; none when a flag made it. Returns -1. */
int config_error_at(const struct config_item *item, const void *value, struct error *err);

/* Adds an item with default options (for flags). NULL: err. The pointer is good until the next item
 * of its kind is added. Options are then set by their names; config_set adds one item to a list
 * option. */
struct config_item *config_add(struct config *config, enum module_kind kind, const char *module,
                               struct error *err);
struct config_item *config_add_named(struct config *config, enum module_kind kind,
                                     struct span module, struct error *err);
int config_set(struct config_item *item, const char *option, const char *value, struct error *err);
/* The row of that name among the item's own options and those that it has in common with others,
 * and in *base the struct that it belongs to. NULL: none; *hint then gets the nearest name or NULL.
 */
const struct option *config_option(const struct config_item *item, struct span name, void **base,
                                   const char **hint);
/* The struct of `item` that holds the value, and its marks: of its own options, else of the common
 * ones. */
struct config_marks *config_marks_of(struct config_item *item, const void *value,
                                     struct config_options *options);
/* True when both are of one module and all their options are equal, wherever they come from. */
bool config_item_equal(const struct config_item *a, const struct config_item *b);
/* What the item at `i` of a list is called, into out[0..CONFIG_NAME_MAX]; returns out. An item
 * without a name of its own is called like its module, and from the second such on "file#2". */
const char *config_name(const struct config_item *items, size_t i, char *out);
const char *config_number_name(const struct module *module, unsigned number, char *out);
/* The list follows another one, which is at work: an item without a name of its own that was there
 * before is called what it was called, so that what it has counted stays with it; others get what
 * is free. -1: err. */
int config_call(struct config_item *items, size_t count, const struct config_item *before,
                size_t before_count, struct error *err);
/* The name that the item was given; NULL: none. */
const char *config_given_name(const struct config_item *item);
/* -1: two items of the list would be called the same; err has the place. */
int config_check_names(const struct config_item *items, size_t count, struct error *err);

/* Makes a configuration that is to follow a running one like that in what cannot change meanwhile:
 * in settings that are `fixed`, and, where `sections` are held to theirs, in such options of these.
 * `tell` is called with the name of each that was to change: "threads", "history: path", and
 * "history" where the section was to go. -1: err; so it is, too, where what is new cannot stand
 * beside what stays (config_validate). */
int config_carry(struct config *config, const struct config *running, bool sections,
                 void (*tell)(void *ctx, const char *name), void *ctx, struct error *err);
/* Drops a section; there need be none. */
void config_drop_section(struct config *config, const char *name);
/* The places of some items, for whether others would be in their way: they would have the same one.
 * Names of hosts are not looked up. The items must outlive it. NULL: err, no memory. */
struct config_places;
struct config_places *config_places_of(const struct config_item *const *items, size_t count,
                                       struct error *err);
void config_places_free(struct config_places *places);
/* 1: the item would be in the way of one of them; 0: it would not. -1: err, no memory. */
int config_places_clash(const struct config_places *places, const struct config_item *item,
                        struct error *err);
/* The item's own options. */
struct config_options config_own(const struct config_item *item);
struct config_options config_settings(const struct config *config);
/* The rows that the module has in common with others; NULL: none. */
const struct option *config_common_options(const struct module *module);
/* The options of a section (a MODULE_SECTION of the registry), or NULL when the configuration does
 * not have it. */
void *config_section(const struct config *config, const char *name);
/* The same, but makes the section with its defaults when it is not there. NULL: err. Its options
 * are then set by config_set on config_section_item. */
void *config_section_add(struct config *config, const char *name, struct error *err);
struct config_item *config_section_item(const struct config *config, const char *name);
/* Drops all items of a kind. */
void config_clear(struct config *config, enum module_kind kind);

/* A commented example from the tables, which config_load accepts. */
void config_example(FILE *out);

#endif
