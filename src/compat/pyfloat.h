/*
 * Floating point as CPython 3 does it: the text of a float (repr), round() to three decimals, and
 * the split of a POSIX time into seconds and microseconds that datetime.fromtimestamp makes.
 */
#ifndef SPILE_COMPAT_PYFLOAT_H
#define SPILE_COMPAT_PYFLOAT_H

#include <stdbool.h>
#include <stdint.h>

enum { PYFLOAT_MAX = 32 }; /* bytes that pyfloat_put writes at most */

/*
 * The shortest decimal that reads back as `value`, the nearest of those: 0.05, 1700000000.0, 1e+16,
 * -0.0. `value` is finite. Returns the byte behind the last.
 */
char *pyfloat_put(char *p, double value);

/* round(value, 3): the decimal of three places that is nearest to the exact binary value, ties to
 * even, as the double nearest to that decimal. */
double pyfloat_round3(double value);

/* sec + nsec * 1e-9, each step rounded to a double. */
double pyfloat_seconds(uint64_t sec, uint32_t nsec);

/* Splits a time that is not negative. The fraction is rounded half to even to microseconds, and may
 * carry into the seconds. False: past the year 9999, for which Python has no date. */
bool pyfloat_split(double seconds, uint64_t *sec, uint32_t *usec);

#endif
