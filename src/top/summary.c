#include "top/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LABEL_WIDTH = 11, /* of a line */
    ITEM_WIDTH = 13,
    ITEMS = 6,
    GAP = 2,         /* between the items of a line */
    NAME_LEAST = 24, /* columns of a name that is longer */
};

/* A number in a line: "p50 0.42ms", "12/s". */
struct item {
    const char *before; /* NULL: no item */
    enum top_number number;
    const char *after;
    bool bad;  /* it should be zero */
    bool told; /* it stands there only when it is known: daemons of some versions do not tell */
    enum top_only only;
    enum top_number exact; /* 0 there: it is marked as an estimate; NUMBER_STARTED: it never is */
    enum top_number late;  /* it stands there only of one stream, and where that is more than 0 */
};

/* What a line has: items, the shares of a list, the messages' times; or of what is explained, what
 * that is, the items of its row, if there is one, and how the rest was counted. */
enum line_kind { LINE_ITEMS, LINE_SHARES, LINE_TIMES, LINE_SUBJECT, LINE_ROW, LINE_LIVE };

/* The first lines are the most important. */
struct line {
    const char *label;
    enum line_kind kind;
    struct item items[ITEMS];
    enum top_list_id list;
    enum top_only only;
    bool explains; /* it is of what is explained, and stands where that is */
    bool spare;    /* it is for tall screens alone; it has none behind it that is not */
};

#define SHARES(LIST) LINE_SHARES, .list = LIST

static const struct line lines[] = {
    {"queries",
     LINE_ITEMS,
     {{"", NUMBER_QUERIES, ""},
      {"", NUMBER_QUERY_RATE, "/s"},
      {"1m ", NUMBER_QUERY_RATE_1M, "/s"},
      {"15m ", NUMBER_QUERY_RATE_15M, "/s"},
      {"", NUMBER_QUERY_BYTES, " bytes"}}},
    {"answers",
     LINE_ITEMS,
     {{"", NUMBER_RESPONSES, ""},
      {"", NUMBER_RESPONSE_RATE, "/s"},
      {"1m ", NUMBER_RESPONSE_RATE_1M, "/s"},
      {"15m ", NUMBER_RESPONSE_RATE_15M, "/s"},
      {"", NUMBER_RESPONSE_BYTES, " bytes"}}},
    {"upstream",
     LINE_ITEMS,
     {{"unanswered ", NUMBER_UNANSWERED, ""},
      {"time-outs ", NUMBER_TIMEOUTS, "", .told = true},
      {"retries ", NUMBER_RETRIES, "", .told = true},
      {"cache ", NUMBER_CACHE, ""},
      {"of ", NUMBER_CACHE_ANSWERS, " answers to clients"}},
     .only = TOP_UPSTREAM},
    {"events of", LINE_TIMES},
    {"latency",
     LINE_ITEMS,
     {{"p50 ", NUMBER_LATENCY_P50, ""},
      {"p90 ", NUMBER_LATENCY_P90, ""},
      {"p99 ", NUMBER_LATENCY_P99, ""},
      {"p99.9 ", NUMBER_LATENCY_P999, ""},
      {"mean ", NUMBER_LATENCY_MEAN, ""}}},
    {"distinct",
     LINE_ITEMS,
     {{"from ", NUMBER_KEYS_FROM, "", .late = NUMBER_KEYS_LATE},
      {"clients ", NUMBER_CLIENTS, "", .only = TOP_CLIENT, .exact = NUMBER_CLIENTS_EXACT},
      {"servers ", NUMBER_SERVERS, "", .only = TOP_UPSTREAM, .exact = NUMBER_SERVERS_EXACT},
      {"domains ", NUMBER_DOMAINS, "", .exact = NUMBER_DOMAINS_EXACT},
      {"asked ", NUMBER_ASKED, "", .exact = NUMBER_ASKED_EXACT},
      {"answered ", NUMBER_ANSWERED, "", .exact = NUMBER_ANSWERED_EXACT}}},
    {"loss",
     LINE_ITEMS,
     {{"malformed ", NUMBER_MALFORMED, "", .bad = true},
      {"dropped ", NUMBER_DROPPED, " since the start", .bad = true},
      {"unlisted ", NUMBER_UNLISTED, "", .bad = true},
      {"other streams ", NUMBER_OTHER_STREAMS, ""}}},
    {"rcodes", SHARES(LIST_RCODES)},
    {"types", SHARES(LIST_TYPES)},
    {"transports", SHARES(LIST_TRANSPORTS)},
    {"families", SHARES(LIST_FAMILIES)},
    {"of answers",
     LINE_ITEMS,
     {{"NODATA ", NUMBER_NODATA, ""}, {"TC ", NUMBER_TRUNCATED, ""}},
     .spare = true},
    {"of queries",
     LINE_ITEMS,
     {{"EDNS ", NUMBER_EDNS, ""},
      {"DO ", NUMBER_DO, ""},
      {"over TCP after TC ", NUMBER_AFTER_TRUNCATED, ""}},
     .spare = true},
    {"about", LINE_SUBJECT, .explains = true},
    {"itself",
     LINE_ROW,
     {{"in the window ", NUMBER_ROW_QUERIES, " queries"},
      {"", NUMBER_ROW_RESPONSES, " answers"},
      {"NXDOMAIN ", NUMBER_ROW_NXDOMAIN, ""},
      {"failed ", NUMBER_ROW_FAILED, ""},
      {"mean ", NUMBER_ROW_MEAN, ""}},
     .explains = true},
    {"live", LINE_LIVE, .explains = true},
    {"queries",
     LINE_ITEMS,
     {{"", NUMBER_LIVE_QUERIES, ""}, {"", NUMBER_LIVE_QUERY_BYTES, " bytes"}},
     .explains = true},
    {"answers",
     LINE_ITEMS,
     {{"", NUMBER_LIVE_RESPONSES, ""}, {"", NUMBER_LIVE_RESPONSE_BYTES, " bytes"}},
     .explains = true},
    {"latency",
     LINE_ITEMS,
     {{"p50 ", NUMBER_LIVE_P50, ""},
      {"p90 ", NUMBER_LIVE_P90, ""},
      {"p99 ", NUMBER_LIVE_P99, ""},
      {"mean ", NUMBER_LIVE_MEAN, ""}},
     .explains = true},
    {"rcodes", SHARES(LIST_ITS_RCODES), .explains = true},
    {"types", SHARES(LIST_ITS_TYPES), .explains = true},
    {"transports", SHARES(LIST_ITS_TRANSPORTS), .explains = true},
};
enum { LINES = sizeof lines / sizeof *lines };

/* --- parts of lines ------------------------------------------------------------------------- */

static bool is_there(const struct item *item, const struct top_view *view)
{
    return top_has(item->only, view->side) && !(item->told && isnan(view->numbers[item->number])) &&
           !(item->late && !(view->stream && view->numbers[item->late] > 0));
}

/* "~" before what is an estimate; daemons of some versions tell of all numbers together alone. */
static const char *mark(const struct item *item, const struct top_view *view)
{
    double exact = view->numbers[item->exact];
    if (isnan(exact))
        exact = view->numbers[NUMBER_EXACT];
    return item->exact && exact == 0 ? "~" : "";
}

/* As many as end before column `end`. */
static void put_items(struct canvas *canvas, const struct top_view *view, const struct item *items,
                      int x, int y, int end)
{
    for (int i = 0; i < ITEMS && items[i].before; i++) {
        double value = view->numbers[items[i].number];
        char number[FORM_MAX], text[FORM_MAX + 1];
        int next = x + ITEM_WIDTH;
        if (!is_there(&items[i], view))
            continue;
        form_text(top_numbers[items[i].number].form, value, number);
        snprintf(text, sizeof text, "%s%s", mark(&items[i], view), number);
        if (x + (int)(strlen(items[i].before) + strlen(text) + strlen(items[i].after)) > end)
            return;
        x = canvas_str(canvas, x, y, STYLE_LABEL, items[i].before);
        x = canvas_str(canvas, x, y, items[i].bad && value > 0 ? STYLE_BAD : STYLE_VALUE, text);
        x = canvas_str(canvas, x, y, STYLE_LABEL, items[i].after);
        x = x < next ? next : x + GAP;
    }
}

/* "NOERROR 81.3 %  NXDOMAIN 12.0 %", as many as there is room for. */
static void put_shares(struct canvas *canvas, const struct top_list *list, int x, int y, int end)
{
    double whole = 0;
    for (size_t i = 0; i < list->count; i++)
        whole += list->rows[i].values[list->by] > 0 ? list->rows[i].values[list->by] : 0;
    for (size_t i = 0; i < list->count && list->rows[i].values[list->by] > 0; i++) {
        char share[FORM_MAX];
        struct span name = span_str(list->rows[i].name);
        form_share(list->rows[i].values[list->by], whole, share);
        if (x + (int)canvas_width(name) + 1 + (int)strlen(share) > end)
            return;
        x = canvas_text(canvas, x, y, end - x, STYLE_LABEL, name);
        x = canvas_str(canvas, x + 1, y, STYLE_VALUE, share) + GAP;
    }
}

void top_summary_times(const struct top_view *view, char *out, size_t size)
{
    enum { DATE = 11 /* characters up to the time */ };
    char from[FORM_MAX], to[FORM_MAX];
    form_text(FORM_DATE, view->numbers[NUMBER_FROM] / 1e3, from);
    form_text(FORM_DATE, view->numbers[NUMBER_TO] / 1e3, to);
    bool same_day = strlen(from) > DATE && strncmp(from, to, DATE) == 0;
    snprintf(out, size, strcmp(from, "-") ? "%s - %s" : "%s", from, to + (same_day ? DATE : 0));
}

/* Rates of another time than that of the messages would be taken for theirs. */
static void put_times(struct canvas *canvas, const struct top_view *view, int x, int y, int end)
{
    static const char all[] = " since the start", arrival[] = "; rates: of arrival";
    char text[64];
    top_summary_times(view, text, sizeof text);
    int room = end - x - (int)strlen(text);
    if (room < 0)
        return;
    x = canvas_str(canvas, x, y, STYLE_VALUE, text);
    if (view->numbers[NUMBER_ELSEWHEN] == 1 && room >= (int)sizeof arrival - 1) {
        x = canvas_str(canvas, x, y, STYLE_BAD, arrival);
        room -= (int)sizeof arrival - 1;
    }
    if (view->window != WINDOW_ALL && room >= (int)sizeof all - 1)
        canvas_str(canvas, x, y, STYLE_LABEL, all);
}

/* A name that is too long loses its front. */
static void put_subject(struct canvas *canvas, const struct top_subject *subject, int x, int y,
                        int end)
{
    static const char below[] = " and what is below it";
    bool name = subject->kind == SUBJECT_NAME;
    struct span text = span_str(subject->text);
    int room = end - x - (name ? (int)sizeof below - 1 : 0);
    int width = (int)canvas_width(text);
    if (!name)
        x = canvas_str(canvas, x, y, STYLE_LABEL, "client ");
    if (room < width && room < NAME_LEAST)
        room = end - x;
    canvas_name(canvas, x, y, width < room ? width : room, STYLE_VALUE, text);
    if (name && x + width + (int)sizeof below - 1 <= end)
        canvas_str(canvas, x + width, y, STYLE_LABEL, below);
}

/* "in the window at most 28 queries and answers", where there is no row. */
static void put_no_row(struct canvas *canvas, double floor, int x, int y)
{
    char most[FORM_MAX];
    x = canvas_str(canvas, x, y, STYLE_LABEL,
                   floor > 0 ? "in the window at most " : "in the window ");
    x = canvas_str(canvas, x, y, STYLE_VALUE, form_text(FORM_COUNT, floor, most));
    canvas_str(canvas, x, y, STYLE_LABEL, " queries and answers");
}

/* "all streams' since 2026-11-30T08:00:00Z, 12s", and what was not seen. */
static void put_live(struct canvas *canvas, const struct top_view *view, int x, int y, int end)
{
    char since[FORM_MAX], seconds[FORM_MAX], unseen[FORM_MAX], text[128];
    const double *numbers = view->numbers;
    form_text(FORM_DATE, numbers[NUMBER_LIVE_FROM] / 1e3, since);
    form_text(FORM_SPAN, numbers[NUMBER_LIVE_SECONDS], seconds);
    form_text(FORM_COUNT, numbers[NUMBER_LIVE_UNSEEN], unseen);
    snprintf(text, sizeof text, "all streams' since %s, %s", since, seconds);
    x = canvas_text(canvas, x, y, end - x, STYLE_VALUE, span_str(text));
    snprintf(text, sizeof text, "; %s not looked at", unseen);
    if (numbers[NUMBER_LIVE_UNSEEN] > 0 && x + (int)strlen(text) <= end)
        canvas_str(canvas, x, y, STYLE_BAD, text);
}

/* -------------------------------------------------------------------------------------------- */

static bool has_line(struct top_scene scene, const struct line *line)
{
    return line->explains == (top_page_of(scene.subject) == PAGE_EXPLAINED) &&
           top_has(line->only, scene.side);
}

int top_summary_lines(struct top_scene scene, bool tall)
{
    int count = 0;
    for (int i = 0; i < LINES; i++)
        count += has_line(scene, &lines[i]) && (tall || !lines[i].spare);
    return count;
}

static const struct line *line_at(struct top_scene scene, int number)
{
    for (int i = 0; i < LINES; i++) {
        if (has_line(scene, &lines[i]) && number-- == 0)
            return &lines[i];
    }
    return NULL;
}

void top_summary_put(struct canvas *canvas, const struct top_view *view,
                     const struct top_state *state, int number, const struct top_place *at)
{
    const struct line *line = line_at(top_scene_of(state), number);
    int x = at->x + LABEL_WIDTH + 1, y = at->y, end = at->x + at->width;
    canvas_str(canvas, at->x + 1, y, STYLE_LABEL, line->label);
    if (line->kind == LINE_SUBJECT)
        put_subject(canvas, top_subject_of(state), x, y, end);
    else if (!top_view_is_of(view, top_subject_of(state)) && line->explains)
        canvas_str(canvas, x, y, STYLE_DIM, "-");
    else if (line->kind == LINE_ROW && isnan(view->numbers[NUMBER_ROW_QUERIES]))
        put_no_row(canvas, view->numbers[NUMBER_ROW_FLOOR], x, y);
    else if (line->kind == LINE_LIVE)
        put_live(canvas, view, x, y, end);
    else if (line->kind == LINE_TIMES)
        put_times(canvas, view, x, y, end);
    else if (line->kind == LINE_SHARES)
        put_shares(canvas, &view->lists[line->list], x, y, end);
    else
        put_items(canvas, view, line->items, x, y, end);
}
