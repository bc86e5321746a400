#include "base/names.h"

#include <stdlib.h>

int names_init(struct names *names, uint32_t max)
{
    struct siphash_key random;
    uint32_t slots = 2;
    while (slots < 2 * max)
        slots *= 2;
    *names = (struct names){.mask = slots - 1};
    names->slots = calloc(slots, sizeof *names->slots);
    if (!names->slots || siphash_key_random(&random) < 0) {
        names_free(names);
        return -1;
    }
    nh_key_make(&names->key, &random);
    return 0;
}

void names_free(struct names *names)
{
    free(names->slots);
    names->slots = NULL;
}

void names_clear(struct names *names)
{
    for (uint32_t i = 0; i <= names->mask; i++)
        atomic_store_explicit(&names->slots[i], 0, memory_order_relaxed);
}

void names_add(struct names *names, const struct names_walk *walk, uint32_t number)
{
    atomic_store_explicit(&names->slots[walk->place], walk->tag | number, memory_order_release);
}
