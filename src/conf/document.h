/* The YAML of a configuration as a tree of nodes. */
#ifndef SPILE_CONF_DOCUMENT_H
#define SPILE_CONF_DOCUMENT_H

#include <yaml.h>

#include "base/error.h"
#include "base/span.h"

/* Parses the text, which `file` is called in errors. To be freed with yaml_document_delete unless
 * it failed. */
int config_document(yaml_document_t *document, struct span text, const char *file,
                    struct error *err);

/* Puts a mark of libyaml, which counts from 0, into `err`; returns -1. */
int config_error_mark(struct error *err, const char *file, yaml_mark_t mark);

#endif
