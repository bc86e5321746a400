/* From the tree of a text to the configuration. */
#ifndef SPILE_CONF_PARSE_H
#define SPILE_CONF_PARSE_H

#include "conf/config.h"
#include "conf/document.h"

/* Reads what the document says on top of what the configuration has. `text` is what it was parsed
 * from; `file`, what that is called, lives as long as the configuration. */
int config_read(struct config *config, yaml_document_t *document, struct span text,
                const char *file, struct error *err);

#endif
