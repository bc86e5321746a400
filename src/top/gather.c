#include "top/gather.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "top/reply.h"

/* One request being made. */
struct gathering {
    const struct top_origin *origin;
    const struct top_wish *wish;
    struct top_view *view;
};

/* What a request says besides its path. */
enum {
    SAYS_STREAM = 1,
    SAYS_SIDE = 2,
    SAYS_WINDOW = 4,
    SAYS_ROWS = 8,
    SAYS_SCOPE = SAYS_STREAM | SAYS_SIDE | SAYS_WINDOW,
};
enum { ROWS_MOST = 100 /* of a search, and of what is explained */ };

static const struct {
    const char *path;
    unsigned says;
    int rows; /* at most; 0: as many as are wished */
} requests[TOP_DOCUMENTS] = {
    [DOCUMENT_INDEX] = {"/api/v1", 0, 0},
    [DOCUMENT_STREAMS] = {"/api/v1/streams", SAYS_SIDE | SAYS_WINDOW, 0},
    [DOCUMENT_STATISTICS] = {"/api/v1/statistics", SAYS_SCOPE, 0},
    [DOCUMENT_UPSTREAM] = {"/api/v1/upstream", SAYS_STREAM | SAYS_WINDOW | SAYS_ROWS, 1},
    [DOCUMENT_OUTPUTS] = {"/api/v1/outputs", 0, 0},
    [DOCUMENT_INPUTS] = {"/api/v1/inputs", 0, 0},
    [DOCUMENT_STATUS] = {"/api/v1/status", 0, 0},
    [DOCUMENT_NEW] = {"/api/v1/new", SAYS_STREAM | SAYS_SIDE | SAYS_ROWS, 0},
    [DOCUMENT_SEARCH] = {"/api/v1/search", SAYS_SCOPE | SAYS_ROWS, ROWS_MOST},
    [DOCUMENT_EXPLAIN] = {"/api/v1/explain", SAYS_SIDE | SAYS_WINDOW | SAYS_ROWS, ROWS_MOST},
    [DOCUMENT_TABLES] = {"/api/v1/tables", SAYS_SCOPE | SAYS_ROWS, 0},
};

/* One more parameter, unless its value is NULL. */
static void add(struct top_parameter *parameters, const char *name, const char *value)
{
    while (parameters->name)
        parameters++;
    if (value)
        *parameters = (struct top_parameter){name, span_str(value)};
}

/* What the document is of: a stream, a side and a window, as far as it has them; and the subject.
 */
static void add_scope(struct top_parameter *parameters, const struct gathering *g,
                      enum top_document document)
{
    static const char *const subjects[] = {
        [SUBJECT_SEARCH] = "text", [SUBJECT_NAME] = "name", [SUBJECT_CLIENT] = "client"};
    unsigned says = requests[document].says;
    if (says & SAYS_STREAM)
        add(parameters, "stream", g->view->stream);
    if (says & SAYS_SIDE)
        add(parameters, "side", stats_side_name(g->view->side));
    if (says & SAYS_WINDOW)
        add(parameters, "window", stats_window_name(g->view->window));
    if (document == DOCUMENT_SEARCH || document == DOCUMENT_EXPLAIN)
        add(parameters, subjects[g->wish->subject.kind], g->wish->subject.text);
}

static int get(struct gathering *g, enum top_document document, enum top_list_id list,
               struct error *err)
{
    struct top_parameter parameters[TOP_PARAMETERS_MAX] = {{NULL, {0}}};
    int most = requests[document].rows, wished = g->wish->rows;
    char rows[16];
    struct buf body = {0};
    snprintf(rows, sizeof rows, "%d", most > 0 && most < wished ? most : wished);
    add_scope(parameters, g, document);
    if (document == DOCUMENT_TABLES) {
        add(parameters, "table", top_tables[list].name);
        add(parameters, "by", top_tables[list].columns[g->wish->by[list]].by);
    }
    if (requests[document].says & SAYS_ROWS)
        add(parameters, "n", rows);
    int result = g->origin->get(g->origin->state, requests[document].path, parameters, &body, err);
    if (result == 0)
        result = top_reply_read(g->view, document, list, g->wish, buf_span(&body), err);
    buf_free(&body);
    return result;
}

/* Takes the stream that the user wants; all streams if it is gone. */
static int choose_stream(struct gathering *g, struct error *err)
{
    if (!g->wish->stream[0] || !top_reply_has_stream(g->view, g->wish->stream))
        return 0;
    g->view->stream = strdup(g->wish->stream);
    return g->view->stream ? 0 : error_set(err, "no memory");
}

/* Whether a view of this scene has the document; tables come one by one. */
static bool is_wanted(const struct gathering *g, enum top_document document)
{
    enum top_subject_kind kind = g->wish->subject.kind;
    switch (document) {
    case DOCUMENT_UPSTREAM:
        return g->wish->side == STATS_UPSTREAM;
    case DOCUMENT_NEW:
        return g->wish->tables[LIST_NEW];
    case DOCUMENT_SEARCH:
        return kind == SUBJECT_SEARCH && g->wish->subject.text[0];
    case DOCUMENT_EXPLAIN:
        return kind == SUBJECT_NAME || kind == SUBJECT_CLIENT;
    case DOCUMENT_TABLES:
        return false;
    default:
        return true;
    }
}

static int gather(struct gathering *g, struct error *err)
{
    for (int i = 0; i < TOP_DOCUMENTS; i++) {
        if (is_wanted(g, (enum top_document)i) && get(g, (enum top_document)i, 0, err) < 0)
            return -1;
        if (i == DOCUMENT_STREAMS && choose_stream(g, err) < 0)
            return -1;
    }
    for (int i = 0; i < TOP_TABLES; i++) {
        bool asked = g->wish->tables[i] && top_tables[i].kind == KIND_TABLE;
        if (asked && get(g, DOCUMENT_TABLES, (enum top_list_id)i, err) < 0)
            return -1;
    }
    return 0;
}

int top_gather(const struct top_origin *origin, const struct top_wish *wish, struct top_view *view,
               struct error *err)
{
    struct gathering g = {.origin = origin, .wish = wish, .view = view};
    top_reply_begin(view);
    view->side = wish->side;
    view->window = wish->window;
    view->subject = wish->subject;
    if (gather(&g, err) < 0) {
        top_view_free(view);
        return -1;
    }
    if (origin->amend)
        origin->amend(origin->state, view);
    view->taken = (double)clock_ns() / 1e9;
    return 0;
}
