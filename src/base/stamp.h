/* Times of the wall clock for people: RFC 3339 with milliseconds, in UTC unless local time was
 * asked for. */
#ifndef SPILE_BASE_STAMP_H
#define SPILE_BASE_STAMP_H

#include <stdbool.h>
#include <time.h>

enum { STAMP_MAX = 48 };

/* "2026-11-21T08:54:49.587Z"; in local time "2026-11-21T05:24:49.587-03:30". Writes at most
 * STAMP_MAX bytes, unterminated, and returns the byte behind the last. */
char *stamp_put(char *p, struct timespec at, bool local);
/* The same for this moment. */
char *stamp_now(char *p, bool local);

#endif
