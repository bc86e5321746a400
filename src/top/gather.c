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

static const char *const paths[TOP_DOCUMENTS] = {
    [DOCUMENT_INDEX] = "/api/v1",
    [DOCUMENT_STREAMS] = "/api/v1/streams",
    [DOCUMENT_STATISTICS] = "/api/v1/statistics",
    [DOCUMENT_WHOLE] = "/api/v1/statistics",
    [DOCUMENT_OUTPUTS] = "/api/v1/outputs",
    [DOCUMENT_INPUTS] = "/api/v1/inputs",
    [DOCUMENT_STATUS] = "/api/v1/status",
    [DOCUMENT_TABLES] = "/api/v1/tables",
};

/* One more parameter, unless its value is NULL. */
static void add(struct top_parameter *parameters, const char *name, const char *value)
{
    while (parameters->name)
        parameters++;
    if (value)
        *parameters = (struct top_parameter){name, span_str(value)};
}

/* What the document is of: a stream, a side and a window, as far as it has them. */
static void add_scope(struct top_parameter *parameters, const struct gathering *g,
                      enum top_document document)
{
    bool tables = document == DOCUMENT_TABLES, whole = document == DOCUMENT_WHOLE;
    if (!tables && !whole && document != DOCUMENT_STATISTICS && document != DOCUMENT_STREAMS)
        return;
    if (document != DOCUMENT_STREAMS)
        add(parameters, "stream", g->view->stream);
    add(parameters, "side", stats_side_name(g->view->side));
    add(parameters, "window", stats_window_name(whole ? WINDOW_ALL : g->view->window));
}

static int get(struct gathering *g, enum top_document document, enum top_list_id list,
               struct error *err)
{
    struct top_parameter parameters[TOP_PARAMETERS_MAX] = {{NULL, {0}}};
    char rows[16];
    struct buf body = {0};
    snprintf(rows, sizeof rows, "%d", g->wish->rows);
    add_scope(parameters, g, document);
    if (document == DOCUMENT_TABLES) {
        add(parameters, "table", top_tables[list].name);
        add(parameters, "by", top_tables[list].columns[g->wish->by[list]].by);
        add(parameters, "n", rows);
    }
    int result = g->origin->get(g->origin->state, paths[document], parameters, &body, err);
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

static int gather(struct gathering *g, struct error *err)
{
    if (get(g, DOCUMENT_INDEX, 0, err) < 0 || get(g, DOCUMENT_STREAMS, 0, err) < 0 ||
        choose_stream(g, err) < 0 || get(g, DOCUMENT_STATISTICS, 0, err) < 0 ||
        get(g, DOCUMENT_WHOLE, 0, err) < 0 || get(g, DOCUMENT_OUTPUTS, 0, err) < 0 ||
        get(g, DOCUMENT_STATUS, 0, err) < 0)
        return -1;
    if (top_view_is_empty(g->view) && get(g, DOCUMENT_INPUTS, 0, err) < 0)
        return -1;
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
    if (gather(&g, err) < 0) {
        top_view_free(view);
        return -1;
    }
    if (origin->amend)
        origin->amend(origin->state, view);
    view->taken = (double)clock_ns() / 1e9;
    return 0;
}
