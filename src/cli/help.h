/* Help texts, all of them made from the tables. */
#ifndef SPILE_CLI_HELP_H
#define SPILE_CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

void help_all(FILE *out);
void help_command(FILE *out, const struct command *command);
void help_version(FILE *out);

#endif
