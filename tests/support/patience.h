/* By how much this machine may be slower than a plain one: limits of time are stretched by it. */
#ifndef SPILE_TESTS_PATIENCE_H
#define SPILE_TESTS_PATIENCE_H

#include <stdlib.h>

static inline double patience(void)
{
    const char *set = getenv("SPILE_TEST_PATIENCE");
    double factor = set ? strtod(set, NULL) : 1;
    return factor > 1 ? factor : 1;
}

#endif
