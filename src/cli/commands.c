/* The one place that sees every command. Adding a command: declare its descriptor, add its line. */
#include "cli/command.h"

extern const struct command command_run;
extern const struct command command_read;
extern const struct command command_capture;
extern const struct command command_help;

const struct command *const commands[] = {
    &command_run,
    &command_read,
    &command_capture,
    &command_help,
    NULL,
};
