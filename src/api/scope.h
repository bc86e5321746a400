/*
 * What part of the statistics a request is about: its parameters `side` and `window`, and what
 * there is in that part. Routes that show statistics take both, and their replies say both.
 */
#ifndef SPILE_API_SCOPE_H
#define SPILE_API_SCOPE_H

#include "api/api.h"

struct api_scope {
    enum stats_side side;
    enum stats_window_id window;
    bool asked; /* the request names a window */
    bool torn;  /* struct api_reply */
};

#define API_SIDE_PARAMETER                                                                         \
    {                                                                                              \
        "side", "string",                                                                          \
            "client: what servers were asked; upstream: what they asked others; absent: client."   \
    }
#define API_WINDOW_PARAMETER                                                                       \
    {                                                                                              \
        "window", "string",                                                                        \
            "1m, 5m, 1h or 1d: what came in the last minute, and so on; all: since the start or "  \
            "the last reset; absent: all."                                                         \
    }

/* Members of a reply that tell its part. */
#define API_SCOPE_SHAPE                                                                            \
    "side: text (client or upstream), window: text (1m, 5m, 1h, 1d or all), "                      \
    "from: time, to: time, seconds: num (so much the window really covers)"

/* Reads both parameters; false: one of them has a value that it cannot have, and the reply is a
 * 400. */
bool api_scope(const struct api_request *request, struct api_reply *reply, struct api_scope *scope);
void api_put_words(struct json *j, const struct api_scope *scope); /* "side" and "window" */

/* The statistics of a window, with a reference for the caller (stats_release), which the reply, if
 * it is not NULL, shows. NULL: there are none, and the reply says why. */
const struct stats_snapshot *api_snapshot(const struct api_context *context,
                                          enum stats_window_id window, struct api_reply *reply);
/* The same, and in `now` what there is since the start of the same moment, with a reference, too.
 */
const struct stats_snapshot *api_moment(const struct api_context *context,
                                        enum stats_window_id window, struct api_reply *reply,
                                        const struct stats_snapshot **now);
/* As history_reset; without a history nothing but WINDOW_ALL is kept. */
bool api_reset_window(const struct api_context *context, enum stats_window_id window);
/* False: that question has an answer since the start alone, and the reply, if it is not NULL, says
 * so. */
bool api_knows(enum stats_window_id window, const struct stats_question *question,
               struct api_reply *reply);
/* As stats_top, of any window. */
int api_top(const struct api_context *context, const struct stats_scope *scope,
            const struct stats_question *questions, size_t count, size_t n,
            struct stats_answer *answers);

#endif
