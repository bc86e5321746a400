/* A configuration as text: what is in force, and how one differs from another. Secrets are masked.
 */
#ifndef SPILE_CONF_SHOW_H
#define SPILE_CONF_SHOW_H

#include "base/buf.h"
#include "conf/config.h"

/* Appends a text as a scalar of YAML that the configuration reads as that very text. */
void config_put_scalar(struct buf *out, struct span text);
/* Appends the value of an option, or the i-th of its values, in one line of YAML. */
void config_put_value(struct buf *out, const struct option *row, const void *base);
void config_put_one(struct buf *out, const struct option *row, const void *base, size_t i);

/* Appends the whole configuration as config_load takes it, but for secrets: what was included is in
 * it, variables are replaced, defaults are written out. */
void config_show(const struct config *config, struct buf *out);
/* Appends a line for each difference: settings by their names, items by theirs (config_name).
 * Returns how many lines that are; 0: nothing would change. */
size_t config_diff(const struct config *from, const struct config *to, struct buf *out);

#endif
