#include "history/kind.h"

#define DAY_MS INT64_C(86400000)

enum { MONDAY = 4 /* days from the first of January 1970, a Thursday, to a Monday */ };

const int64_t kind_ms[HISTORY_ALL_KINDS] = {
    [HISTORY_MINUTES] = 60000,    [HISTORY_HOURS] = 3600000,      [HISTORY_DAYS] = DAY_MS,
    [HISTORY_WEEKS] = 7 * DAY_MS, [HISTORY_MONTHS] = 28 * DAY_MS,
};

static int64_t floor_to(int64_t ms, int64_t length)
{
    int64_t into = ms % length;
    return ms - (into < 0 ? into + length : into);
}

/*
 * The calendar repeats every 400 years, and with years that begin in March the leap day is the last
 * of its year, so that months begin at fixed days of it (Hinnant, chrono-Compatible Low-Level Date
 * Algorithms, civil_from_days). Returns on which day of its month, from 0, a day since 1970 is.
 */
static int64_t day_of_month(int64_t day)
{
    int64_t of_era = floor_to(day + 719468, 146097);
    of_era = day + 719468 - of_era;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0: March */
    return of_year - (153 * month + 2) / 5;
}

int64_t kind_start(enum history_kind kind, int64_t ms)
{
    int64_t day = floor_to(ms, DAY_MS);
    switch (kind) {
    case HISTORY_WEEKS:
        return floor_to(ms - MONDAY * DAY_MS, kind_ms[kind]) + MONDAY * DAY_MS;
    case HISTORY_MONTHS:
        return day - day_of_month(day / DAY_MS) * DAY_MS;
    default:
        return floor_to(ms, kind_ms[kind]);
    }
}

int64_t kind_end(enum history_kind kind, int64_t ms)
{
    int64_t start = kind_start(kind, ms);
    if (kind != HISTORY_MONTHS)
        return start + kind_ms[kind];
    return kind_start(kind,
                      start + 31 * DAY_MS); /* this month has no more days, the next no less */
}
