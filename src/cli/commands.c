/* The one place that sees every command. A new command: its line here, in the order of the help. */
#include "cli/command.h"

#define COMMANDS(X)                                                                                \
    X(run)                                                                                         \
    X(read)                                                                                        \
    X(top)                                                                                         \
    X(ctl)                                                                                         \
    X(capture)                                                                                     \
    X(send)                                                                                        \
    X(gen)                                                                                         \
    X(verify)                                                                                      \
    X(config_check)                                                                                \
    X(config_show)                                                                                 \
    X(config_diff)                                                                                 \
    X(config_example)                                                                              \
    X(fields)                                                                                      \
    X(help)                                                                                        \
    X(completion)                                                                                  \
    X(manual)

#define DECLARE(name) extern const struct command command_##name;
#define LIST(name) &command_##name,

COMMANDS(DECLARE)

const struct command *const commands[] = {COMMANDS(LIST) NULL};
