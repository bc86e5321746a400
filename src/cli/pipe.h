/* What the commands that run an engine share: flags to configuration, and the engine's end to
 * an exit status. */
#ifndef SPILE_CLI_PIPE_H
#define SPILE_CLI_PIPE_H

#include "app/service.h"
#include "cli/command.h"
#include "conf/config.h"

/* One option of an item that a flag stands for; a NULL value is passed over. A table ends with a
 * row whose option is NULL. */
struct pipe_setting {
    const char *option;
    const char *value;
};

/* The flags of a command that listens on a unix socket; `holder` has the strings mode and group. */
#define PIPE_SOCKET_ROWS(holder)                                                                   \
    {.name = "mode",                                                                               \
     .type = OPTION_STRING,                                                                        \
     .value = "MODE",                                                                              \
     .offset = offsetof(holder, mode),                                                             \
     .doc = "mode of the unix socket; 0666 lets DNS servers of every user connect (else 0660)"},   \
    {                                                                                              \
        .name = "group", .type = OPTION_STRING, .value = "NAME",                                   \
        .offset = offsetof(holder, group),                                                         \
        .doc = "group of the unix socket: that of the DNS server's user, say bind"                 \
    }

/* Adds an item and sets its options. -1: err. */
int pipe_add(struct config *config, enum module_kind kind, const char *module,
             const struct pipe_setting *settings, struct error *err);
/* Adds the input that listens where SOURCE says: unix:PATH or tcp:HOST:PORT. `mode` and `group`, or
 * NULL, are those of a unix socket's file, and an error elsewhere. -1: err. */
int pipe_add_source(struct config *config, const char *source, const char *mode, const char *group,
                    struct error *err);
/* Sets options of an item. -1: err. */
int pipe_set(struct config_item *item, const struct pipe_setting *settings, struct error *err);
/* Sets an option and makes `other` absent, for two options of which only one may be set. */
int pipe_set_instead(struct config_item *item, const char *option, const char *value,
                     const char *other, struct error *err);
/* Applies the environment to a configuration: SPILE_API_KEY replaces the API key of `web`. -1: err.
 */
int pipe_environment(struct config *config, struct error *err);
/* Sets one of the settings at the top. A NULL value is passed over. */
int pipe_setting(struct config *config, const char *name, const char *value, struct error *err);

/* For commands that must not lose events because an output is slow: has all outputs whose when-full
 * is `block`, the default, wait without limit. */
void pipe_block_for_ever(struct config *config);

/* Validates. COMMAND_OK; else what is wrong has been said, the config is freed, and the status is
 * that of a wrong configuration, or that of a wrong command line when a flag is to blame. */
int pipe_validate(struct config *config);
/* Validates, runs, frees the config, and says what was wrong. Returns an enum command_status. */
int pipe_run(struct config *config, const struct service_options *options);
/* Says the error in one line, frees the config, and returns `status`. */
int pipe_fail(struct config *config, const struct error *err, int status);

#endif
