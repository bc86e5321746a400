/* The words for sides and windows. */
#include "stats/stats.h"

static const char *const windows[STATS_WINDOWS] = {
    [WINDOW_ALL] = "all", [WINDOW_1M] = "1m", [WINDOW_5M] = "5m",
    [WINDOW_1H] = "1h",   [WINDOW_1D] = "1d",
};

const char *stats_side_name(enum stats_side side)
{
    return dnstap_side_name(side);
}

enum stats_side stats_side_parse(struct span name)
{
    enum stats_side side = 0;
    while (side < STATS_SIDES && !span_equal(span_str(stats_side_name(side)), name))
        side++;
    return side;
}

const char *stats_window_name(enum stats_window_id window)
{
    return window < STATS_WINDOWS ? windows[window] : NULL;
}

enum stats_window_id stats_window_parse(struct span name)
{
    enum stats_window_id window = 0;
    while (window < STATS_WINDOWS && !span_equal(span_str(windows[window]), name))
        window++;
    return window;
}
