/* What a scalar of a configuration stands for, where that is not its own text. */
#ifndef SPILE_CONF_EXPAND_H
#define SPILE_CONF_EXPAND_H

#include "base/buf.h"
#include "base/error.h"

/* Appends the text with ${NAME} replaced by the environment's variable of that name, ${NAME:-TEXT}
 * by TEXT where there is none or an empty one, and $$ by a dollar. Any other dollar is one. What a
 * variable has is not looked through again. -1: err, which shows nothing of the text but names of
 * variables. */
int config_expand(struct span text, struct buf *out, struct error *err);

/* The forms of a secret that is not in the configuration itself. */
enum config_secret { SECRET_FILE, SECRET_ENV, SECRET_CREDENTIAL, CONFIG_SECRETS };
/* "file", "env", "credential". */
extern const char *const config_secrets[];

/* Appends the secret that `where` names: a file's path, which is relative to the folder of `from`,
 * the text that names it; a variable; a systemd credential. One newline at its end is left out. -1:
 * err. */
int config_secret(enum config_secret form, const char *where, const char *from, struct buf *out,
                  struct error *err);

#endif
