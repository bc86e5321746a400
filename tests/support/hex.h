/* Bytes written as hexadecimal in tests. */
#ifndef SPILE_TESTS_HEX_H
#define SPILE_TESTS_HEX_H

#include <stdio.h>
#include <stdlib.h>

#include "base/span.h"

/* Memory of exactly the right size, so that sanitizers see an overrun; free it by hex_free. Blanks
 * are passed over. */
static inline struct span hex_new(const char *text)
{
    uint8_t *bytes = malloc(strlen(text) / 2 + 1);
    size_t len = 0;
    unsigned byte;
    for (int used; sscanf(text, " %2x%n", &byte, &used) == 1; text += used)
        bytes[len++] = (uint8_t)byte;
    return span_of(realloc(bytes, len ? len : 1), len);
}

static inline void hex_free(struct span bytes)
{
    free((void *)bytes.ptr);
}

#endif
