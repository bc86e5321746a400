/* What `spile top` is asked to watch, before anything is opened. */
#ifndef SPILE_CLI_TOP_OPERAND_H
#define SPILE_CLI_TOP_OPERAND_H

#include "base/error.h"

/* Looks at an operand that is neither a URL nor a SOURCE, so it names a file. 0, or the exit status
 * when there is none: err says so, with the URL that was meant (COMMAND_USAGE) where it looks like
 * the address of a daemon. */
int top_operand_check(const char *operand, struct error *err);

#endif
