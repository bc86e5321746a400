/* What every fuzz target defines: takes any bytes, returns 0, and stops the program (assert, or a
 * sanitizer) when something is wrong. */
#ifndef SPILE_TESTS_FUZZ_H
#define SPILE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
