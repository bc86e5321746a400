/* The replies of the API (/api/v1) as a view. They are a stranger's: whatever comes, what cannot be
 * understood is left out (numbers NAN, lists not known), and everything is bounded. */
#ifndef SPILE_TOP_REPLY_H
#define SPILE_TOP_REPLY_H

#include "base/error.h"
#include "base/span.h"
#include "top/view.h"

enum { REPLY_MAX = 16 * 1024 * 1024 }; /* bytes of one reply */

/* An empty view, everything unknown. */
void top_reply_begin(struct top_view *view);
/* One reply: all numbers and lists that its document brings. For DOCUMENT_TABLES `list` says which
 * list it is, and `by` the column that it was asked by (for lists sorted here: wish->by). -1: it is
 * no JSON object, or there is no memory. */
int top_reply_read(struct top_view *view, enum top_document document, enum top_list_id list,
                   const struct top_wish *wish, struct span text, struct error *err);
/* Sorts a list by the column that it goes by: descending, what is not known last. */
void top_reply_sort(struct top_list *list);
/* True when the streams that were read have one of that name. */
bool top_reply_has_stream(const struct top_view *view, const char *name);

#endif
