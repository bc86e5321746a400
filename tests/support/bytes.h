/* Byte strings for tests. */
#ifndef SPILE_TESTS_BYTES_H
#define SPILE_TESTS_BYTES_H

#include "base/span.h"

/* A byte string's span; its length counts embedded zeros. */
#define BYTES_INIT(literal)                                                                        \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }
#define BYTES(literal) ((struct span)BYTES_INIT(literal))

#endif
