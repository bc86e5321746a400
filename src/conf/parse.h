/* From the tree of a text to the configuration. */
#ifndef SPILE_CONF_PARSE_H
#define SPILE_CONF_PARSE_H

#include "conf/config.h"
#include "conf/document.h"

/* A text and its tree. */
struct config_text {
    yaml_document_t *document;
    struct span bytes; /* that it was made of */
    const char *file;  /* what it is called; lives as long as the configuration */
};

/* Reads what the text says on top of what the configuration has; but for what it includes, which is
 * for the caller to read before. */
int config_read(struct config *config, const struct config_text *text, struct error *err);
/* Appends the i-th path that the text includes, and says where it stands. 1; 0: there are no more;
 * -1: err. */
int config_read_include(const struct config_text *text, size_t i, struct buf *path,
                        struct config_mark *at, struct error *err);

#endif
