/* What it costs to look a name up (base/names.h), in steps rather than in time. */
#ifndef TESTS_SUPPORT_NAMES_H
#define TESTS_SUPPORT_NAMES_H

#include "base/names.h"

struct names_cost {
    unsigned steps, most; /* in all, and of one name */
    unsigned compared;    /* names that the owner has to compare */
};

/* Adds what it costs to look for the name to the end, as if it were not there. */
static inline void names_cost_add(struct names_cost *cost, const struct names *names,
                                  struct span name)
{
    struct names_walk walk = names_begin(names, name);
    uint32_t first = walk.place;
    while (names_next(names, &walk) != 0)
        cost->compared++;
    unsigned steps = ((walk.place - first) & names->mask) + 1;
    cost->steps += steps;
    cost->most = steps > cost->most ? steps : cost->most;
}

#endif
