/*
 * Places in the text of a configuration. Where a value was written is found by the address that the
 * value has in the struct of its options: `&options->listen`. So who finds fault with a value says
 * which by pointing to it, and no name has to be repeated.
 */
#ifndef SPILE_CONF_MARK_H
#define SPILE_CONF_MARK_H

#include "conf/option.h"

/* A place in a text, counted from 1; 0: what stands there was not written in one. */
struct config_mark {
    const char *file; /* whose text it is; the configuration's */
    unsigned line, column;
    bool flag; /* it comes from a flag of the command line, so an error about it has no place */
};

enum { CONFIG_WHERE_MAX = 300 };
/* " in line 3", or " in line 3 of FILE" where that is another file than `from` is in; returns out,
 * of CONFIG_WHERE_MAX bytes. */
const char *config_where(char *out, const struct config_mark *at, const struct config_mark *from);

struct config_written;

/* Where the values of one struct of options were written. Zeroed: nowhere. */
struct config_marks {
    struct config_written *items;
    size_t count;
};

/* A struct of options with its marks. */
struct config_options {
    const struct option *table;
    const void *base; /* NULL: there is none */
    size_t size;      /* of the struct */
};

void config_marks_free(struct config_marks *marks);
/* Notes where the value was written; `inside` is the struct that `row` belongs to: that of
 * `options`, or one nested in it. -1: no memory. */
int config_marks_note(struct config_marks *marks, const struct config_options *options,
                      const struct option *row, const void *inside, struct config_mark at,
                      struct error *err);
/* The same for the i-th struct of a LIST_OF. */
int config_marks_note_item(struct config_marks *marks, const struct config_options *options,
                           const struct option *row, const void *inside, size_t i,
                           struct config_mark at, struct error *err);
/* True when the value lies in the struct, or in a list that one of its options is. */
bool config_options_hold(const struct config_options *options, const void *value);
/* The place of the value or, where that was not written, of the narrowest group or item around it
 * that was; NULL: none was. */
const struct config_mark *config_marks_find(const struct config_marks *marks,
                                            const struct config_options *options,
                                            const void *value);
/* True when the value itself stands in the text, or comes from a flag. `nested`: it is a group, not
 * its first option. */
bool config_marks_written(const struct config_marks *marks, const struct config_options *options,
                          const void *value, bool nested);

#endif
