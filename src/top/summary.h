/* The lines of numbers above the tables: of everything, or of what is explained. */
#ifndef SPILE_TOP_SUMMARY_H
#define SPILE_TOP_SUMMARY_H

#include "top/canvas.h"
#include "top/state.h"

struct top_place {
    int x, y, width;
};

/* How many lines a scene has; tall screens show some more. */
int top_summary_lines(struct top_scene scene, bool tall);
/* One of them, the most important being the first. */
void top_summary_put(struct canvas *canvas, const struct top_view *view,
                     const struct top_state *state, int number, const struct top_place *at);
/* From when to when messages are: "2026-11-21T15:12:22Z - 15:14:40Z", the second date only where it
 * is another one; "-" without times. */
void top_summary_times(const struct top_view *view, char *out, size_t size);

#endif
