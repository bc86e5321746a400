/* What is wrong with a YAML text, in words for who wrote it. */
#ifndef SPILE_CONF_SYNTAX_H
#define SPILE_CONF_SYNTAX_H

#include <stdbool.h>
#include <yaml.h>

#include "base/error.h"
#include "base/span.h"

/* Sets err to why the parser has failed, and *at to the place, counted from 0 as libyaml counts.
 * `text` is what was parsed. Returns -1. */
int config_syntax(const yaml_parser_t *parser, struct span text, struct error *err,
                  yaml_mark_t *at);
/* True when YAML takes what begins as `value` does, without quotes, for something else than a
 * value, such as a comment or an anchor; err then says so. */
bool config_special(struct span value, struct error *err);
/* The rest of the line that the mark is in, from its column on, without the line's end. */
struct span config_rest_of_line(struct span text, yaml_mark_t at);

#endif
