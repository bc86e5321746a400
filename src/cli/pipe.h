/* What the commands that run a pipeline share: flags to configuration, and the pipeline's end to
 * an exit status. */
#ifndef SPILE_CLI_PIPE_H
#define SPILE_CLI_PIPE_H

#include "cli/command.h"
#include "core/config.h"
#include "core/pipeline.h"

/* One option of an item that a flag stands for; a NULL value is passed over. A table ends with a
 * row whose option is NULL. */
struct pipe_setting {
    const char *option;
    const char *value;
};

/* Adds an item and sets its options. -1: err. */
int pipe_add(struct config *config, enum module_kind kind, const char *module,
             const struct pipe_setting *settings, struct error *err);
/* Adds the input that listens where SOURCE says: unix:PATH or tcp:HOST:PORT. -1: err. */
int pipe_add_source(struct config *config, const char *source, struct error *err);
/* Sets options of an item that is there. */
int pipe_set(struct config_item *item, const struct pipe_setting *settings, struct error *err);
/* Sets one of the settings at the top. A NULL value is passed over. */
int pipe_setting(struct config *config, const char *name, const char *value, struct error *err);

/* An output of these commands must not lose events for want of patience: `block` without limit,
 * where the user chose nothing else. */
void pipe_block_for_ever(struct config *config);

/* Validates, runs, frees the config, and says what was wrong. Returns an enum command_status. */
int pipe_run(struct config *config, const struct pipeline_options *options);
/* Says the error in one line, frees the config, and returns `status`. */
int pipe_fail(struct config *config, const struct error *err, int status);

#endif
