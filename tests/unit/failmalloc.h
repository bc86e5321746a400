/*
 * An allocator that fails when told, for tests of what happens without memory. Link failmalloc.c
 * and failmalloc_link_args (meson.build): the linker sends the program's own calls here. Calls
 * inside shared libraries (libc, libyaml, libuv) are not seen.
 *
 *     for (unsigned n = 1;; n++) {
 *         failmalloc_start(n);
 *         int status = thing_under_test();
 *         if (!failmalloc_stop())
 *             break;
 *         assert_int_equal(status, -1);
 *     }
 */
#ifndef TESTS_UNIT_FAILMALLOC_H
#define TESTS_UNIT_FAILMALLOC_H

#include <stdbool.h>

/* From now on the n-th allocation of any thread fails, the first being 1; 0: none. */
void failmalloc_start(unsigned nth);

/* Allocations work again; true when one has failed since the start. */
bool failmalloc_stop(void);

/* Allocations since the start. */
unsigned failmalloc_count(void);

#endif
