/* From what is known (view) and wanted (state) to a canvas: pure functions, no terminal. */
#ifndef SPILE_TOP_LAYOUT_H
#define SPILE_TOP_LAYOUT_H

#include "top/canvas.h"
#include "top/state.h"

enum { TOP_TREND_MAX = 256 };

/* What help says of the rates called 1m and 15m. */
#define TOP_WINDOWS_DOC "rates over all there is, if that is less"
/* And of columns called q+a. */
#define TOP_BOTH_DOC "of queries and answers together"

/* The queries a second of the last views, as a ring. Zeroed is empty. */
struct top_trend {
    double rates[TOP_TREND_MAX];
    size_t count; /* ever added */
};
void top_trend_add(struct top_trend *trend, double rate);

/* What else is on the screen. */
struct top_frame {
    const char *target;  /* what is watched, as the user named it */
    const char *problem; /* why there is nothing newer; NULL: all is well */
    const char *note;    /* the program's last message; NULL: none */
    const struct top_trend *trend;
    double now; /* in seconds of clock_ns() */
    bool ended; /* nothing newer will come: the file has ended */
};

/* The whole screen, into a blank canvas of any size. Remembers the page's length in the state. */
void top_layout(struct canvas *canvas, const struct top_view *view, struct top_state *state,
                const struct top_frame *frame);
/* What must be known to draw that on a screen of this size. */
void top_layout_wish(int width, int height, const struct top_state *state, struct top_wish *wish);

/* A report: the summary and all tables, `rows` of each at most, one below the other. The canvas is
 * made here, and has just the lines that were needed. -1: no memory. */
int top_layout_report(struct canvas *canvas, int width, int rows, const struct top_view *view,
                      const struct top_state *state, const struct top_frame *frame);

#endif
