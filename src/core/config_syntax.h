/* What is wrong with a YAML text, in words for who wrote it. */
#ifndef SPILE_CORE_CONFIG_SYNTAX_H
#define SPILE_CORE_CONFIG_SYNTAX_H

#include <stdbool.h>
#include <yaml.h>

#include "base/error.h"
#include "base/span.h"

/* Sets the error that a failed parser stands for, and its place, from 0 as libyaml counts, in *at.
 * `text` is what was parsed. Returns -1. */
int config_syntax(const yaml_parser_t *parser, struct span text, struct error *err,
                  yaml_mark_t *at);
/* Says why a value that begins so without quotes is none: a comment, an anchor. False: it is one.
 */
bool config_special(struct span value, struct error *err);
/* The line that the mark is in from its column on, without the line's end. */
struct span config_rest_of_line(struct span text, yaml_mark_t at);

#endif
