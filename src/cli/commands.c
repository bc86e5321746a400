/* The one place that sees every command. Adding a command: declare its descriptor, add its line. */
#include "cli/command.h"

extern const struct command command_help;

const struct command *const commands[] = {
    &command_help,
    NULL,
};
