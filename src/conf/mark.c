#include "conf/mark.h"

#include <stdio.h>
#include <stdlib.h>

const char *config_where(char *out, const struct config_mark *at, const struct config_mark *from)
{
    bool same = !at->file || (from->file && strcmp(at->file, from->file) == 0);
    snprintf(out, CONFIG_WHERE_MAX, " in line %u%s%.200s", at->line, same ? "" : " of ",
             same ? "" : at->file);
    return out;
}

enum { NO_LIST = -1 };

/* Where a value lies, told in a way that stays true when a list moves. */
struct spot {
    ptrdiff_t list; /* offset of the list in the struct; NO_LIST: it is in the struct itself */
    size_t index;   /* of the list's item */
    size_t offset;  /* in the struct, or in that item */
};

struct config_written {
    struct spot spot;
    size_t size; /* of the value */
    bool nested; /* it has options of its own */
    struct config_mark at;
};

void config_marks_free(struct config_marks *marks)
{
    free(marks->items);
    *marks = (struct config_marks){0};
}

static bool lies_in(const void *value, const void *base, size_t size)
{
    return (uintptr_t)value >= (uintptr_t)base && (uintptr_t)value - (uintptr_t)base < size;
}

/* Looks in the lists of the struct at `inside`, and in those of groups that it has. */
static bool find_in_lists(const struct config_options *options, const struct option *table,
                          const void *inside, const void *value, struct spot *spot)
{
    for (const struct option *row = table; row && row->name; row++) {
        const char *place = (const char *)inside + row->offset;
        if (row->type == OPTION_GROUP && find_in_lists(options, row->rows, place, value, spot))
            return true;
        const struct option_list *list = (const void *)place;
        if (row->type != OPTION_LIST_OF || !lies_in(value, list->items, list->count * row->size))
            continue;
        size_t at = (size_t)((const char *)value - (const char *)list->items);
        *spot = (struct spot){place - (const char *)options->base, at / row->size, at % row->size};
        return true;
    }
    return false;
}

static bool find_spot(const struct config_options *options, const void *value, struct spot *spot)
{
    if (!options->base || !value)
        return false;
    if (!lies_in(value, options->base, options->size))
        return find_in_lists(options, options->table, options->base, value, spot);
    *spot = (struct spot){NO_LIST, 0, (size_t)((const char *)value - (const char *)options->base)};
    return true;
}

bool config_options_hold(const struct config_options *options, const void *value)
{
    struct spot spot;
    return find_spot(options, value, &spot);
}

static bool same_struct(const struct spot *a, const struct spot *b)
{
    return a->list == b->list && a->index == b->index;
}

static int note(struct config_marks *marks, const struct config_written *written, struct error *err)
{
    /* A text says nothing twice, but a flag may set what it has said. */
    for (size_t i = 0; i < marks->count && written->at.flag; i++) {
        struct config_written *old = &marks->items[i];
        if (same_struct(&old->spot, &written->spot) && old->spot.offset == written->spot.offset &&
            old->nested == written->nested) {
            *old = *written;
            return 0;
        }
    }
    struct config_written *grown = realloc(marks->items, (marks->count + 1) * sizeof *grown);
    if (!grown)
        return error_set(err, "out of memory");
    marks->items = grown;
    grown[marks->count++] = *written;
    return 0;
}

int config_marks_note(struct config_marks *marks, const struct config_options *options,
                      const struct option *row, const void *inside, struct config_mark at,
                      struct error *err)
{
    struct config_written written = {.size = option_size(row), .nested = row->rows, .at = at};
    find_spot(options, (const char *)inside + row->offset, &written.spot);
    return note(marks, &written, err);
}

int config_marks_note_item(struct config_marks *marks, const struct config_options *options,
                           const struct option *row, const void *inside, size_t i,
                           struct config_mark at, struct error *err)
{
    struct config_written written = {.size = row->size, .nested = true, .at = at};
    find_spot(options, option_nested(row, inside, i), &written.spot);
    return note(marks, &written, err);
}

const struct config_mark *config_marks_find(const struct config_marks *marks,
                                            const struct config_options *options, const void *value)
{
    struct spot spot;
    const struct config_written *best = NULL;
    if (!find_spot(options, value, &spot))
        return NULL;
    for (size_t i = 0; i < marks->count; i++) {
        const struct config_written *each = &marks->items[i];
        bool around = same_struct(&each->spot, &spot) && each->spot.offset <= spot.offset &&
                      spot.offset - each->spot.offset < each->size;
        if (around && (!best || each->size < best->size || !each->nested))
            best = each;
    }
    return best ? &best->at : NULL;
}

bool config_marks_written(const struct config_marks *marks, const struct config_options *options,
                          const void *value, bool nested)
{
    struct spot spot;
    bool written = false;
    for (size_t i = 0; i < marks->count && find_spot(options, value, &spot); i++) {
        const struct config_written *each = &marks->items[i];
        written |= each->nested == nested && same_struct(&each->spot, &spot) &&
                   each->spot.offset == spot.offset;
    }
    return written;
}
