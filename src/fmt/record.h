/*
 * Records: the engine under text, JSON and YAML. Opening one compiles its fields into an array of
 * steps: the bytes in front of each value, how to get it, and its usual mnemonics ready to be
 * copied. A format is then a style: the few strings that stand around the values.
 */
#ifndef SPILE_FMT_RECORD_H
#define SPILE_FMT_RECORD_H

#include "core/format.h"
#include "event/field.h"

/* The strings that stand around values, each of at most 8 bytes. */
struct record_style {
    enum scalar_style scalar;
    bool columns;     /* values only, by default those that have a column; else keys and values, by
                         default all that are not a part of another, and what modules contribute
                         where an event has it */
    const char *open; /* of a record */
    const char *between; /* two of its values */
    const char *close;
    const char *before_key, *behind_key; /* NULL: no keys */
    const char *behind_tree_key;         /* of a structure, which brings its own space */
    const char *absent;
};

/* As the hooks of struct format_hooks; the style outlives the state. */
int record_open(const struct record_style *style, const struct format_spec *spec, void **state,
                uint32_t *needs, struct error *err);
int record_event(void *state, struct event *ev, struct buf *out);
void record_close(void *state);

#endif
