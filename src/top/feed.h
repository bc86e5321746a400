/* A thread that gathers views again and again, so that the screen never waits for an answer. */
#ifndef SPILE_TOP_FEED_H
#define SPILE_TOP_FEED_H

#include <stdatomic.h>

#include "top/gather.h"

struct top_feed;

/* `ended` (may be NULL) becomes true when the origin will know nothing newer. Both must outlive the
 * feed. NULL: err. */
struct top_feed *top_feed_start(const struct top_origin *origin, const atomic_bool *ended,
                                struct error *err);
/* Cancels the request that is under way, joins the thread and frees the feed. The origin's later
 * requests fail. */
void top_feed_stop(struct top_feed *feed);

/* Says what to gather every `interval_ms`, and at once when the wish is another one than before.
 * With interval 0 it is gathered only when the wish changes. */
void top_feed_wish(struct top_feed *feed, const struct top_wish *wish, unsigned interval_ms);
/* Readable when there is news; top_feed_take makes it quiet. */
int top_feed_fd(const struct top_feed *feed);

enum top_news { TOP_NOTHING, TOP_VIEW, TOP_LAST_VIEW, TOP_PROBLEM };
/* Takes the latest news. A view replaces what was in *view, which is freed; it is then the
 * caller's. TOP_PROBLEM: *problem says why there is no view. */
enum top_news top_feed_take(struct top_feed *feed, struct top_view *view, struct error *problem);

#endif
