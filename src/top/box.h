/* A box: one table of a view on a part of a canvas. */
#ifndef SPILE_TOP_BOX_H
#define SPILE_TOP_BOX_H

#include "top/canvas.h"
#include "top/view.h"

enum { TOP_BOX_RANK = 5 /* columns before the names */ };
struct top_box {
    int x, y, width, height; /* the heading is one line of it */
    enum top_list_id list;
    enum stats_side side; /* columns are those of it */
    int number;           /* of the key that picks the table, shown before its title; -1: none */
    int from;             /* the row to begin with */
    int chosen;           /* the row that is marked; -1: none */
    bool focus;
};

void top_box_draw(struct canvas *canvas, const struct top_box *box, const struct top_list *list);

#endif
