/*
 * The configuration: YAML, typed by the option tables. Lists `inputs` and `outputs`, each item one
 * key (the module) with its options; everything else at the top is a row of settings_options.
 *
 *     threads: 2
 *     inputs:
 *       - tcp: {listen: 127.0.0.1:6000}
 *     outputs:
 *       - stdout: {format: text}
 *
 * Unknown keys, wrong types and values out of range are errors with line, column and a hint.
 */
#ifndef SPILE_CORE_CONFIG_H
#define SPILE_CORE_CONFIG_H

#include <stdio.h>

#include "core/module.h"
#include "core/output.h"
#include "core/settings.h"

/* One input or output as configured. Owner: the config. */
struct config_item {
    const struct module *module;
    void *priv;                  /* module->size bytes, options set */
    struct output_common common; /* of outputs */
    bool when_full_set;          /* the user chose when-full: no command's default replaces it */
    unsigned line, column;       /* 0 when made by flags */
};

struct config {
    char *path; /* for messages; NULL when made by flags alone */
    struct settings settings;
    struct config_item *inputs;
    size_t input_count;
    struct config_item *outputs;
    size_t output_count;
};

/* An empty configuration with default settings. */
int config_init(struct config *config, struct error *err);
void config_free(struct config *config);

/* Reads a file ("-": standard input) or text on top of config_init. An input or output list that is
 * absent stays empty. Every problem is an error; `err` holds file, line and column of the first. */
int config_load(struct config *config, const char *path, struct error *err);
int config_parse(struct config *config, const char *text, size_t len, const char *path,
                 struct error *err);
/* What tables cannot check alone: formats and field lists exist, an output per item opens with its
 * options, ... Called by config_load; call it again after flags changed the items. */
int config_validate(struct config *config, struct error *err);

/* Adds an item with default options (for flags); NULL on error. Then set options by their names. */
struct config_item *config_add(struct config *config, enum module_kind kind, const char *module,
                               struct error *err);
int config_set(struct config_item *item, const char *option, const char *value, struct error *err);
/* Drops all items of a kind. */
void config_clear(struct config *config, enum module_kind kind);

/* A commented example from the tables, which config_load accepts. */
void config_example(FILE *out);

#endif
