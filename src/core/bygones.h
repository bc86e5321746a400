/*
 * What outputs, inputs and stages counted that are no more, by kind and name, so that one of their
 * name goes on from there. So many names are remembered; what more there are of a kind are one,
 * that has a name which nobody can be given.
 */
#ifndef SPILE_CORE_BYGONES_H
#define SPILE_CORE_BYGONES_H

#include "base/names.h"
#include "conf/config.h"
#include "core/input_counters.h"
#include "core/ledger.h"

enum {
    BYGONES_MAX = 1000, /* names */
    BYGONES_KINDS = 3,  /* each has its others besides */
};
#define BYGONES_OTHERS "(others)"

struct bygone {
    char name[CONFIG_NAME_MAX + 1];
    enum module_kind kind;
    const char *module;              /* of the first of that name; of others as their name */
    bool followed;                   /* of an output: one of its name is at work, or about to end */
    struct ledger ledger;            /* of an output; */
    struct input_counters counters;  /* of an input; */
    uint64_t seen, dropped, changed; /* of a stage */
};

/* Zeroed: nothing is remembered. */
struct bygones {
    struct bygone *items;
    size_t count;
    size_t named; /* those that are not others */
    struct names names;
};

/* Room for so many more. -1: no memory. */
int bygones_reserve(struct bygones *bygones, size_t more);
void bygones_free(struct bygones *bygones);
/* That of the name, which is made where there is room for it, or else that of the others; there
 * must have been bygones_reserve. */
struct bygone *bygones_of(struct bygones *bygones, const struct module *module, const char *name);
/* That of just this name; NULL: none. */
struct bygone *bygones_find(const struct bygones *bygones, enum module_kind kind, const char *name);

#endif
