#include "base/stamp.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/put.h"

/* "-03:30". Offsets have been whole minutes since 1972; older ones are rounded towards zero. */
static char *put_offset(char *p, long seconds)
{
    uint32_t minutes = (uint32_t)(labs(seconds) / 60);
    p = put_char(p, seconds < 0 ? '-' : '+');
    p = put_2digits(p, minutes / 60 % 100);
    return put_2digits(put_char(p, ':'), minutes % 60);
}

char *stamp_put(char *p, struct timespec at, bool local)
{
    struct tm tm;
    if (!(local ? localtime_r(&at.tv_sec, &tm) : gmtime_r(&at.tv_sec, &tm)))
        return p; /* a year that no int holds */
    p += strftime(p, STAMP_MAX - 10, "%Y-%m-%dT%H:%M:%S.", &tm);
    p = put_digits(p, (uint64_t)at.tv_nsec / 1000000, 3);
    return local ? put_offset(p, tm.tm_gmtoff) : put_char(p, 'Z');
}

char *stamp_now(char *p, bool local)
{
    return stamp_put(p, clock_wall(), local);
}
