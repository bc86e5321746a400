#include "top/layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "top/box.h"
#include "top/summary.h"

enum {
    PART_WIDTH = 76,   /* of a box or a line of the summary; twice as wide a screen has two */
    BOX_HEIGHT = 12,   /* the least of a box that is not alone */
    ROWS_LEAST = 6,    /* a table's, heading included; the summary is cut for them */
    GAP = 2,           /* between the parts of a line */
    TARGET_LEAST = 16, /* columns of a target that is longer */
    STREAM_MOST = 40,
    HINT_HEIGHT = 4,   /* lines, at most */
    HINT_SECONDS = 5,  /* each is shown so long, where there are several */
    TALL_HEIGHT = 30,  /* of a screen that has lines to spare, one of them for the trend */
    ROWS_WISHED = 250, /* of a table */
    HELP_WIDTH = 60,
};

/* --- the trend ------------------------------------------------------------------------------ */

void top_trend_add(struct top_trend *trend, double rate)
{
    trend->rates[trend->count++ % TOP_TREND_MAX] = rate;
}

/* The last views as bars, the newest on the right. */
static void put_trend(struct canvas *canvas, const struct top_trend *trend, int x, int y, int width)
{
    size_t kept = trend->count < TOP_TREND_MAX ? trend->count : TOP_TREND_MAX;
    int bars = (int)kept < width ? (int)kept : width;
    double most = 0;
    for (int i = 1; i <= bars; i++)
        most = fmax(most, trend->rates[(trend->count - (size_t)i) % TOP_TREND_MAX]);
    for (int i = 1; i <= bars && most > 0; i++) {
        double rate = trend->rates[(trend->count - (size_t)i) % TOP_TREND_MAX];
        canvas_bar(canvas, x + bars - i, y, STYLE_GOOD,
                   (int)ceil(CANVAS_BARS * fmax(rate, 0) / most));
    }
}

/* --- where things are ----------------------------------------------------------------------- */

struct layout_places {
    int parts;   /* columns of boxes and of the summary */
    int summary; /* its lines on the screen */
    int trend;   /* the line of bars; 0: there is none */
    int body;    /* the first line of the boxes */
    int rows;    /* of boxes */
    int boxes_height;
};

static int at_least(int value, int least)
{
    return value > least ? value : least;
}

/* Divides the screen into title, summary, boxes and last line. On a small one the summary loses its
 * end first. */
static struct layout_places arrange(int width, int height, struct top_scene scene)
{
    struct layout_places places = {.parts = at_least(width / PART_WIDTH, 1)};
    bool tall = height >= TALL_HEIGHT;
    int wanted = (top_summary_lines(scene, tall) + places.parts - 1) / places.parts;
    int room = at_least(height - 2 - ROWS_LEAST, 0);
    if (tall && wanted < room)
        places.trend = ++wanted;
    places.summary = wanted < room ? wanted : room;
    places.body = 1 + places.summary;
    places.boxes_height = at_least(height - places.body - (height > 3), 0);
    places.rows = at_least(places.boxes_height / BOX_HEIGHT, 1);
    return places;
}

static int box_count(const struct top_state *state, const struct layout_places *places)
{
    int count = places->parts * places->rows, all = top_table_count(top_scene_of(state));
    return count < all ? count : all;
}

/* The place of a box's table among those of the scene: the one that keys act on, and those behind.
 */
static int box_place(const struct top_state *state, int box)
{
    struct top_scene scene = top_scene_of(state);
    return (top_table_place(scene, (enum top_list_id)state->table) + box) % top_table_count(scene);
}

void top_layout_wish(int width, int height, const struct top_state *state, struct top_wish *wish)
{
    struct top_scene scene = top_scene_of(state);
    struct layout_places places = arrange(width, height, scene);
    *wish = (struct top_wish){.side = state->side,
                              .window = state->window,
                              .subject = *top_subject_of(state),
                              .resets = state->resets,
                              .rows = ROWS_WISHED};
    snprintf(wish->stream, sizeof wish->stream, "%s", state->stream);
    memcpy(wish->by, state->by, sizeof wish->by);
    for (int i = 0; i < box_count(state, &places); i++)
        wish->tables[top_table_at(scene, box_place(state, i))] = true;
}

/* The rows that are to be shown, in a list whose rows the caller frees; none without memory. */
static struct top_list matching(const struct top_view *view, enum top_list_id list,
                                const struct top_subject *subject)
{
    struct top_list found = view->lists[list];
    if (!top_view_is_of(view, subject))
        found = (struct top_list){.by = found.by};
    size_t count = found.count;
    const struct top_row *rows = found.rows;
    found.count = 0;
    found.rows = calloc(count + 1, sizeof *found.rows);
    for (size_t i = 0; found.rows && i < count; i++) {
        if (top_row_matches(&rows[i], subject))
            found.rows[found.count++] = rows[i];
    }
    return found;
}

static int between(int least, int value, int most)
{
    return at_least(value < most ? value : most, least);
}

/* The chosen row is shown, and the end of the list not above that of the box. */
static void scroll(struct top_state *state, int page)
{
    state->page = at_least(page, 1);
    int last = at_least(state->found - state->page, 0);
    state->scroll = between(state->row - state->page + 1, state->scroll, state->row);
    state->scroll = between(0, state->scroll, last);
}

/* One box of the screen; the first is that of the table which keys act on. */
static void put_box(struct canvas *canvas, struct top_box *box, const struct top_view *view,
                    struct top_state *state)
{
    struct top_list shown = matching(view, box->list, top_subject_of(state));
    if (box->focus) {
        top_state_settle(state, view);
        scroll(state, box->height - 1);
        box->from = state->scroll;
        box->chosen = state->row;
    }
    top_box_draw(canvas, box, &shown);
    free(shown.rows);
}

static void put_boxes(struct canvas *canvas, const struct top_view *view, struct top_state *state,
                      const struct layout_places *places)
{
    int width = canvas->width / places->parts, height = places->boxes_height / places->rows;
    for (int i = 0; i < box_count(state, places); i++) {
        int place = box_place(state, i);
        enum top_list_id list = top_table_at(top_scene_of(state), place);
        int column = i % places->parts, row = i / places->parts;
        struct top_box box = {
            .x = column * width,
            .y = places->body + row * height,
            .width = width - (column < places->parts - 1),
            .height = height,
            .list = list,
            .side = state->side,
            .number = place < 10 ? place + 1 : -1,
            .focus = i == 0,
            .chosen = -1,
        };
        put_box(canvas, &box, view, state);
    }
}

/* A name, which loses its front where there is too little room. */
static void put_shortened(struct canvas *canvas, int x, int y, int room, enum canvas_style style,
                          struct span name)
{
    int width = (int)canvas_width(name);
    canvas_name(canvas, x, y, width < room ? width : room, style, name);
}

/* "waiting for a DNS server on unix:/run/spile/dnstap.sock", in the first box, as long as nothing
 * has come: `height` lines at most, a place each. */
static void put_waiting(struct canvas *canvas, const struct top_view *view,
                        const struct top_frame *frame, int y, int height)
{
    const struct top_list *places = &view->lists[LIST_PLACES];
    bool waiting = top_view_is_empty(view) && !frame->ended;
    for (size_t i = 0; waiting && i < places->count && (int)i < height; i++) {
        const char *words = i ? "or on " : "waiting for a DNS server on ";
        struct span name = span_str(places->rows[i].name);
        int x = TOP_BOX_RANK, room = canvas->width - x - (int)strlen(words);
        if (room >= TARGET_LEAST || room >= (int)canvas_width(name))
            x = canvas_str(canvas, x, y + (int)i, STYLE_VALUE, words);
        put_shortened(canvas, x, y + (int)i, canvas->width - x, STYLE_VALUE, name);
    }
}

/* In the first box, too: nothing came of this side in this time, and where there may be more. All
 * of it has room in 80 columns. */
static void put_nothing(struct canvas *canvas, const struct top_view *view, int y)
{
    static const char *const words[] = {
        [STATS_CLIENT] = "no client asked",
        [STATS_UPSTREAM] = "nothing asked upstream",
    };
    static const char *const others[] = {
        [STATS_CLIENT] = "upstream: u or --side upstream",
        [STATS_UPSTREAM] = "clients: u or --side client",
    };
    char text[128], time[32] = "";
    if (view->lists[LIST_STREAMS].count == 0 ||
        view->numbers[NUMBER_QUERIES] + view->numbers[NUMBER_RESPONSES] != 0)
        return;
    if (view->window != WINDOW_ALL)
        snprintf(time, sizeof time, " in %s (w: another time)", stats_window_name(view->window));
    snprintf(text, sizeof text, "%s%s; %s", words[view->side], time, others[view->side]);
    canvas_str(canvas, TOP_BOX_RANK, y, STYLE_VALUE, text);
}

/* --- frame ---------------------------------------------------------------------------------- */

/* "paused", "stale 12s": what the numbers are; empty while they are fresh. */
static void condition(const struct top_view *view, const struct top_state *state,
                      const struct top_frame *frame, char *out, size_t size)
{
    char age[FORM_MAX];
    double seconds = frame->now - view->taken;
    const char *word = view->taken == 0 ? (frame->problem ? "no answer" : "waiting")
                       : frame->ended   ? "ended"
                       : state->paused  ? "paused"
                                        : "";
    if (*word || (!frame->problem && seconds < 3 + 3 * state->interval_ms / 1e3))
        snprintf(out, size, "%s", word);
    else
        snprintf(out, size, "stale %s", form_text(FORM_SPAN, seconds, age));
}

/* The parts of the title, from left to right. */
enum title_part {
    TITLE_PROGRAM,
    TITLE_TARGET,
    TITLE_RECORDED,
    TITLE_SCOPE,
    TITLE_STREAM,
    TITLE_SEARCH,
    TITLE_UP,
    TITLE_EVERY,
    TITLE_CONDITION,
    TITLE_PARTS
};

struct title {
    char text[TITLE_PARTS][128]; /* but for the target */
    int width[TITLE_PARTS];      /* 0: the part is left out */
    int used;                    /* columns of those that are not */
};

static void write_title(struct title *title, const struct top_view *view,
                        const struct top_state *state, const struct top_frame *frame)
{
    enum { SIZE = sizeof title->text[0] };
    static const char *const sides[] = {[STATS_CLIENT] = "clients", [STATS_UPSTREAM] = "upstream"};
    const char *name = view->stream ? view->stream : "all";
    double up = (view->numbers[NUMBER_TIME] - view->numbers[NUMBER_STARTED]) / 1e3;
    char span[FORM_MAX];
    int len = (int)strnlen(name, STREAM_MOST);
    while (canvas_width(span_of(name, (size_t)len)) > STREAM_MOST)
        len--;
    *title = (struct title){.text[TITLE_PROGRAM] = "spile top"};
    bool late = view->stream && view->numbers[NUMBER_COUNTS_LATE] > 0;
    form_text(FORM_CLOCK, view->numbers[NUMBER_COUNTS_FROM], span);
    snprintf(title->text[TITLE_SCOPE], SIZE, "%s, %s%s%s", sides[view->side],
             stats_window_name(view->window), late ? " from " : "", late ? span : "");
    const struct top_subject *subject = top_subject_of(state);
    if (subject->kind == SUBJECT_SEARCH && !state->typing)
        snprintf(title->text[TITLE_SEARCH], SIZE, "/%.*s", TOP_SEARCH_MAX, subject->text);
    snprintf(title->text[TITLE_STREAM], SIZE, "stream %.*s (%d/%d)", len, name,
             view->stream ? top_stream_number(view, name) : 0,
             (int)view->lists[LIST_STREAMS].count);
    if (top_page_of(subject->kind) == PAGE_EXPLAINED)
        snprintf(title->text[TITLE_STREAM], SIZE, "all streams");
    if (state->recording) {
        top_summary_times(view, title->text[TITLE_RECORDED], SIZE);
    } else {
        snprintf(title->text[TITLE_UP], SIZE, "up %s", form_text(FORM_SPAN, up, span));
        snprintf(title->text[TITLE_EVERY], SIZE, "every %gs", state->interval_ms / 1e3);
    }
    condition(view, state, frame, title->text[TITLE_CONDITION], SIZE);
}

/* Chooses the parts that there is room for, from the most important. A long target is shortened
 * first, and has what the others leave. */
static void fit_title(struct title *title, int target, int width)
{
    static const enum title_part order[] = {TITLE_CONDITION, TITLE_SCOPE,  TITLE_SEARCH,
                                            TITLE_STREAM,    TITLE_TARGET, TITLE_RECORDED,
                                            TITLE_PROGRAM,   TITLE_EVERY,  TITLE_UP};
    title->used = 1;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        int columns = (int)canvas_width(span_str(title->text[order[i]]));
        if (order[i] == TITLE_TARGET)
            columns = target < TARGET_LEAST ? target : TARGET_LEAST;
        int gap = title->used > 1 ? GAP : 0;
        if (columns > 0 && title->used + gap + columns <= width) {
            title->width[order[i]] = columns;
            title->used += gap + columns;
        }
    }
    int more = target - title->width[TITLE_TARGET], room = width - title->used;
    if (title->width[TITLE_TARGET] > 0)
        title->width[TITLE_TARGET] += more < room ? more : room;
}

static void put_title(struct canvas *canvas, const struct top_view *view,
                      const struct top_state *state, const struct top_frame *frame)
{
    struct title title;
    struct span target = span_str(frame->target);
    int x = 1;
    write_title(&title, view, state, frame);
    fit_title(&title, (int)canvas_width(target), canvas->width);
    canvas_fill(canvas, 0, 0, canvas->width, STYLE_TITLE);
    for (int i = 0; i < TITLE_CONDITION; i++) {
        struct span text = i == TITLE_TARGET ? target : span_str(title.text[i]);
        if (title.width[i] == 0)
            continue;
        canvas_name(canvas, x, 0, title.width[i], STYLE_TITLE, text);
        x += title.width[i] + GAP;
    }
    if (title.width[TITLE_CONDITION] > 0)
        canvas_right(canvas, canvas->width, 0, STYLE_BAD, title.text[TITLE_CONDITION]);
}

/* The keys that everybody needs, as many as fit. */
static void put_keys(struct canvas *canvas, const struct top_state *state, int y)
{
    int x = 1;
    for (const struct top_key *key = top_keys; key->act; key++) {
        if (!key->hint || !top_key_is_there(key, state))
            continue;
        struct span name = span_of(key->name, strcspn(key->name, ","));
        if (x + (int)name.len + 1 + (int)strlen(key->hint) > canvas->width)
            return;
        x = canvas_text(canvas, x, y, canvas->width - x, STYLE_VALUE, name);
        x = canvas_str(canvas, x + 1, y, STYLE_LABEL, key->hint) + GAP;
    }
}

/* The text that is being typed, its end where there is no room for all. */
static void put_typed(struct canvas *canvas, const char *search, int y)
{
    int len = (int)strlen(search), room = at_least(canvas->width - 3, 0);
    int x = canvas_str(canvas, 1, y, STYLE_LABEL, "/");
    x = canvas_str(canvas, x, y, STYLE_VALUE, search + (len > room ? len - room : 0));
    canvas_str(canvas, x, y, STYLE_LABEL, len > 0 ? "_" : "_ a part of a name or an address");
}

/* The text that is typed, the keys, or what is wrong. */
static void put_last_line(struct canvas *canvas, const struct top_state *state,
                          const struct top_frame *frame)
{
    int y = canvas->height - 1;
    canvas_fill(canvas, 0, y, canvas->width, STYLE_PLAIN);
    if (state->typing) {
        put_typed(canvas, top_subject_of(state)->text, y);
        return;
    }
    char question[64];
    snprintf(question, sizeof question, "begin %s anew, for all who look? y or n",
             state->window == WINDOW_ALL ? "all numbers" : stats_window_name(state->window));
    const char *message = state->asking ? question : frame->problem ? frame->problem : frame->note;
    if (!message) {
        put_keys(canvas, state, y);
        return;
    }
    enum canvas_style style = frame->problem ? STYLE_BAD : STYLE_VALUE;
    canvas_str(canvas, 1, y, style, message);
    if ((int)canvas_width(span_str(message)) > canvas->width - 1)
        canvas_right(canvas, canvas->width, y, style, "..");
}

/* The text that fits into `room` columns, up to a blank if there is one. */
static size_t line_length(struct span text, int room)
{
    size_t len = text.len < (size_t)room ? text.len : (size_t)room;
    while (len > 0 && canvas_width(span_of(text.ptr, len)) > (size_t)room)
        len--;
    const uint8_t *blank = len < text.len ? memrchr(text.ptr, ' ', len + 1) : NULL;
    return blank && blank > text.ptr ? (size_t)(blank - text.ptr) : len;
}

/* Writes "hint: ..." in as many lines as it takes, but at most HINT_HEIGHT, and returns how many
 * that are. Below the canvas it is only measured. */
static int put_hint(struct canvas *canvas, const char *hint, int y)
{
    char text[1024];
    snprintf(text, sizeof text, "hint: %s", hint);
    struct span rest = span_str(text);
    int height = 0;
    for (; rest.len > 0 && height < HINT_HEIGHT; height++) {
        size_t len = line_length(rest, canvas->width - 1);
        if (len == 0)
            break;
        canvas_fill(canvas, 0, y + height, canvas->width, STYLE_PLAIN);
        canvas_text(canvas, 1, y + height, canvas->width - 1, STYLE_VALUE, span_of(rest.ptr, len));
        len += len < rest.len && rest.ptr[len] == ' ';
        rest = span_of(rest.ptr + len, rest.len - len);
    }
    return height;
}

/* Above the last line, at the cost of the boxes: one of the hints, each in turn. */
static void put_hints(struct canvas *canvas, const struct top_view *view,
                      const struct top_frame *frame, struct layout_places *places)
{
    const struct top_list *hints = &view->lists[LIST_HINTS];
    if (hints->count == 0 || frame->ended)
        return;
    const char *hint =
        hints->rows[(uint64_t)fmax(frame->now, 0) / HINT_SECONDS % hints->count].name;
    int height = put_hint(canvas, hint, canvas->height);
    if (places->boxes_height - height < ROWS_LEAST)
        return;
    places->boxes_height -= height;
    put_hint(canvas, hint, places->body + places->boxes_height);
}

static bool is_helped(const struct top_key *key, const struct top_state *state)
{
    return key->name && top_key_is_there(key, state);
}

static void put_help_line(struct canvas *canvas, int x, int y, enum canvas_style style,
                          const char *name, const char *doc)
{
    enum { NAME = 20 };
    canvas_fill(canvas, x, y, HELP_WIDTH, style == STYLE_FOCUS ? style : STYLE_PLAIN);
    canvas_str(canvas, x + 1, y, style, name);
    canvas_str(canvas, x + NAME, y, style == STYLE_FOCUS ? style : STYLE_PLAIN, doc);
}

/* The help over everything else. */
static void put_help(struct canvas *canvas, const struct top_state *state)
{
    int height = 3; /* with its head and its foot */
    for (const struct top_key *key = top_keys; key->act; key++)
        height += is_helped(key, state);
    int x = at_least((canvas->width - HELP_WIDTH) / 2, 0);
    int y = between(0, canvas->height - 1 - height, 2);
    put_help_line(canvas, x, y++, STYLE_FOCUS, "keys", "");
    for (const struct top_key *key = top_keys; key->act; key++) {
        if (is_helped(key, state))
            put_help_line(canvas, x, y++, STYLE_VALUE, key->name, key->doc);
    }
    put_help_line(canvas, x, y++, STYLE_FOCUS, "1m, 15m", TOP_WINDOWS_DOC);
    put_help_line(canvas, x, y, STYLE_FOCUS, "q+a", TOP_BOTH_DOC);
}

static void put_summary(struct canvas *canvas, const struct top_view *view,
                        const struct top_state *state, const struct layout_places *places)
{
    int width = canvas->width / places->parts, count = top_summary_lines(top_scene_of(state), true);
    for (int i = 0; i < count && i / places->parts < places->summary; i++) {
        struct top_place at = {i % places->parts * width, 1 + i / places->parts, width};
        top_summary_put(canvas, view, state, i, &at);
    }
}

void top_layout(struct canvas *canvas, const struct top_view *view, struct top_state *state,
                const struct top_frame *frame)
{
    struct top_scene scene = top_scene_of(state);
    struct layout_places places = arrange(canvas->width, canvas->height, scene);
    put_title(canvas, view, state, frame);
    put_summary(canvas, view, state, &places);
    if (places.trend > 0 && frame->trend)
        put_trend(canvas, frame->trend, 1, places.trend, canvas->width - 2);
    put_hints(canvas, view, frame, &places);
    if (places.boxes_height > 0)
        put_boxes(canvas, view, state, &places);
    put_waiting(canvas, view, frame, places.body + 1, places.boxes_height - 1);
    if (places.boxes_height > 1 && scene.subject == SUBJECT_ALL)
        put_nothing(canvas, view, places.body + 1);
    if (state->help)
        put_help(canvas, state);
    if (canvas->height > 3)
        put_last_line(canvas, state, frame);
}

/* --- the report ----------------------------------------------------------------------------- */

static int report_height(const struct top_list *list, int rows)
{
    return 2 + at_least(list->count < (size_t)rows ? (int)list->count : rows, 1);
}

int top_layout_report(struct canvas *canvas, int width, int rows, const struct top_view *view,
                      const struct top_state *state, const struct top_frame *frame)
{
    struct top_scene scene = top_scene_of(state);
    int lines = top_summary_lines(scene, true), height = 1 + lines, y = 1 + lines;
    for (int i = 0; i < top_table_count(scene); i++)
        height += report_height(&view->lists[top_table_at(scene, i)], rows);
    const struct top_list *hints = &view->lists[LIST_HINTS];
    struct canvas nothing = {.width = width};
    for (size_t i = 0; i < hints->count; i++)
        height += put_hint(&nothing, hints->rows[i].name, 0);
    if (canvas_init(canvas, width, height) < 0)
        return -1;
    put_title(canvas, view, state, frame);
    put_summary(canvas, view, state, &(struct layout_places){.parts = 1, .summary = lines});
    for (int i = 0; i < top_table_count(scene); i++) {
        enum top_list_id list = top_table_at(scene, i);
        int box_height = report_height(&view->lists[list], rows);
        struct top_box box = {
            .y = y + 1,
            .width = canvas->width,
            .height = box_height - 1,
            .list = list,
            .side = state->side,
            .number = -1,
            .chosen = -1,
        };
        top_box_draw(canvas, &box, &view->lists[list]);
        y += box_height;
    }
    put_waiting(canvas, view, frame, lines + 3, 1);
    put_nothing(canvas, view, lines + 3);
    for (size_t i = 0; i < hints->count; i++)
        y += put_hint(canvas, hints->rows[i].name, y);
    return 0;
}
