/* The terminal: views and keys in, canvases out, through ncurses. */
#ifndef SPILE_TOP_SCREEN_H
#define SPILE_TOP_SCREEN_H

#include "base/error.h"
#include "top/feed.h"
#include "top/stash.h"
#include "top/state.h"

struct top_screen {
    const char *target;     /* what is watched */
    struct top_state state; /* at first */
    struct stash *stash;    /* begun by the caller before anything starts that writes there */
};

/* Signals that end the screen or resize it are read by it, so they must be blocked in all threads:
 * call this before any is started. */
void top_screen_block_signals(void);
/* Shows what the feed brings until the user quits or a signal ends it. The last line that comes to
 * the stash is shown on the last row; the caller ends the stash. -1: err: there is no terminal that
 * could show it. */
int top_screen_run(const struct top_screen *screen, struct top_feed *feed, struct error *err);

#endif
