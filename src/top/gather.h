/* Where views come from: an origin answers the API's requests, be it a daemon far away (remote.c)
 * or statistics in this process (local.c); top_gather asks it for all that is to be shown. */
#ifndef SPILE_TOP_GATHER_H
#define SPILE_TOP_GATHER_H

#include "base/buf.h"
#include "base/error.h"
#include "top/view.h"

enum { TOP_PARAMETERS_MAX = 8 };

/* Of a request; a list ends with one whose name is NULL. */
struct top_parameter {
    const char *name;
    struct span value;
};

/* The request that resets. */
#define TOP_RESET_PATH "/api/v1/statistics"
#define TOP_RESET_PARAMETER(WINDOW)                                                                \
    {                                                                                              \
        "window", span_str(stats_window_name(WINDOW))                                              \
    }

/* Owner: one thread at a time. */
struct top_origin {
    void *state;
    /* GET of a path, "/api/v1/...": the reply's body behind what is in `body`. -1: err says why,
     * with bytes that may be anybody's. */
    int (*get)(void *state, const char *path, const struct top_parameter *parameters,
               struct buf *body, struct error *err);
    /* Forgets all numbers of a window, WINDOW_ALL of every one: for whoever looks. -1: err. NULL:
     * it cannot be done. */
    int (*reset)(void *state, enum stats_window_id window, struct error *err);
    /* Of a recording alone: puts its own times into a view that has been filled. */
    void (*amend)(void *state, struct top_view *view);
    /* Any thread: has a `get` that waits for somebody fail soon, and all later ones. NULL: none
     * ever waits. */
    void (*cancel)(void *state);
};

/* A fresh view of what is wished; one of all streams when there is no such stream. -1: err, and no
 * view. */
int top_gather(const struct top_origin *origin, const struct top_wish *wish, struct top_view *view,
               struct error *err);

#endif
