#include "top/state.h"

#include <stdio.h>
#include <string.h>

void top_state_init(struct top_state *state, unsigned interval_ms)
{
    state->interval_ms = interval_ms;
    for (int i = 0; i < TOP_TABLES; i++)
        state->by[i] = top_first_by((enum top_list_id)i);
}

/* --- streams -------------------------------------------------------------------------------- */

/* The stream with the `number`-th name by alphabet, from 1: an order that stays, however the list
 * is sorted. NULL: there is none. */
static const char *stream_name(const struct top_list *streams, int number)
{
    for (size_t i = 0; i < streams->count; i++) {
        int place = 1;
        for (size_t k = 0; k < streams->count; k++)
            place += strcmp(streams->rows[k].name, streams->rows[i].name) < 0;
        if (place == number)
            return streams->rows[i].name;
    }
    return NULL;
}

int top_stream_number(const struct top_view *view, const char *name)
{
    const struct top_list *streams = &view->lists[LIST_STREAMS];
    int place = 1;
    bool found = false;
    for (size_t i = 0; i < streams->count; i++) {
        int order = strcmp(streams->rows[i].name, name);
        place += order < 0;
        found |= order == 0;
    }
    return found ? place : 0;
}

/* Steps from all streams to each one in turn, and back to all. */
static void step_stream(struct top_state *state, const struct top_view *view, int step)
{
    int count = (int)view->lists[LIST_STREAMS].count;
    int number = (top_stream_number(view, state->stream) + step + count + 1) % (count + 1);
    const char *name = number > 0 ? stream_name(&view->lists[LIST_STREAMS], number) : NULL;
    snprintf(state->stream, sizeof state->stream, "%s", name ? name : "");
    state->scroll = 0;
}

static void next_stream(struct top_state *state, const struct top_view *view, int code)
{
    (void)code;
    step_stream(state, view, 1);
}

static void previous_stream(struct top_state *state, const struct top_view *view, int code)
{
    (void)code;
    step_stream(state, view, -1);
}

/* --- tables --------------------------------------------------------------------------------- */

/* `place`: among those of the side. */
static void show_table(struct top_state *state, int place)
{
    state->table = top_table_at(state->side, place);
    state->scroll = 0;
}

static int place(const struct top_state *state)
{
    return top_table_place(state->side, (enum top_list_id)state->table);
}

static void next_table(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    show_table(state, place(state) + 1);
}

static void previous_table(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    show_table(state, place(state) - 1);
}

/* 1 is the first table, 0 the tenth. */
static void pick_table(struct top_state *state, const struct top_view *view, int code)
{
    (void)view;
    show_table(state, code == '0' ? 9 : code - '1');
}

static void next_order(struct top_state *state, const struct top_view *view, int code)
{
    int count = top_column_count((enum top_list_id)state->table);
    (void)view, (void)code;
    state->by[state->table] = (state->by[state->table] + 1) % count;
    state->scroll = 0;
}

/* --- scrolling ------------------------------------------------------------------------------ */

static void scroll(struct top_state *state, const struct top_view *view, int code)
{
    int rows = state->found, page = state->page > 1 ? state->page : 1;
    int steps[] = {
        [TOP_KEY_UP - TOP_KEY_UP] = -1,         [TOP_KEY_DOWN - TOP_KEY_UP] = 1,
        [TOP_KEY_PAGE_UP - TOP_KEY_UP] = -page, [TOP_KEY_PAGE_DOWN - TOP_KEY_UP] = page,
        [TOP_KEY_HOME - TOP_KEY_UP] = -rows,    [TOP_KEY_END - TOP_KEY_UP] = rows,
    };
    (void)view;
    state->scroll += steps[code - TOP_KEY_UP];
    if (state->scroll > rows - page)
        state->scroll = rows - page;
    if (state->scroll < 0)
        state->scroll = 0;
}

/* --- whose numbers, and of what time -------------------------------------------------------- */

static void next_window(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    state->window = (state->window + 1) % STATS_WINDOWS;
}

static void previous_window(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    state->window = (state->window + STATS_WINDOWS - 1) % STATS_WINDOWS;
}

/* The table stays where it is among the others: servers stand where clients do. */
static void other_side(struct top_state *state, const struct top_view *view, int code)
{
    int was = place(state);
    (void)view, (void)code;
    state->side = state->side == STATS_CLIENT ? STATS_UPSTREAM : STATS_CLIENT;
    show_table(state, was);
}

/* The next key says whether it is meant. A recording's numbers are all there will be. */
static void ask_reset(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    state->asking = !state->recording;
}

static void answer_reset(struct top_state *state, int code)
{
    state->asking = false;
    state->resets += code == 'y';
}

/* --- searching ------------------------------------------------------------------------------ */

static void begin_search(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    state->search[0] = '\0';
    state->typing = true;
    state->scroll = 0;
}

static void end_search(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    state->search[0] = '\0';
    state->typing = false;
    state->scroll = 0;
}

/* One more letter, one less, or the end; false: the key is none of these. */
static bool type(struct top_state *state, int code)
{
    size_t len = strlen(state->search);
    if (code == TOP_ENTER)
        state->typing = false;
    else if (code == TOP_KEY_BACKSPACE && len > 0)
        state->search[len - 1] = '\0';
    else if (code >= ' ' && code < 0x7f && len + 1 < sizeof state->search)
        memcpy(state->search + len, (const char[]){(char)code, '\0'}, 2);
    else
        return code < TOP_KEY_LEFT && code != TOP_ESCAPE;
    state->scroll = 0;
    return true;
}

/* -------------------------------------------------------------------------------------------- */

static void toggle_pause(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    state->paused = !state->paused;
}

static void toggle_help(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    state->help = !state->help;
}

/* 0.1, 0.2, 0.5, 1, 2, 5, ... seconds: the next one up or down. */
static void change_interval(struct top_state *state, const struct top_view *view, int code)
{
    static const unsigned steps[] = {
        TOP_INTERVAL_MIN_MS, 200, 500, 1000, 2000, 5000, 10000, 20000, 30000, TOP_INTERVAL_MAX_MS};
    enum { STEPS = sizeof steps / sizeof *steps };
    int i = 0;
    (void)view;
    if (code == '-') {
        for (i = STEPS - 1; i > 0 && steps[i] >= state->interval_ms;)
            i--;
    } else {
        while (i < STEPS - 1 && steps[i] <= state->interval_ms)
            i++;
    }
    state->interval_ms = steps[i];
}

static void quit(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    state->quit = true;
}

const struct top_key top_keys[] = {
    {"qQ", 0, "q", "quit", "quit", quit},
    {"s", TOP_KEY_RIGHT, "right, s", "the next stream; all of them come first", "stream",
     next_stream},
    {"S", TOP_KEY_LEFT, "left, S", "the previous stream", NULL, previous_stream},
    {"w", 0, "w", "the next window: all, 1m, 5m, 1h, 1d", "window", next_window},
    {"W", 0, "W", "the previous window", NULL, previous_window},
    {"u", 0, "u", "upstream's numbers, and clients' again", "side", other_side},
    {"t\t", 0, "tab, t", "the next table", "table", next_table},
    {"T", TOP_KEY_BACK_TAB, "shift-tab, T", "the previous table", NULL, previous_table},
    {"1234567890", 0, "1 to 9, 0", "the first table to the tenth", NULL, pick_table},
    {"o", 0, "o", "sort the table by its next column", "order", next_order},
    {"", TOP_KEY_UP, "up, down", "scroll the table by a row", NULL, scroll},
    {"", TOP_KEY_DOWN, NULL, NULL, NULL, scroll},
    {"", TOP_KEY_PAGE_UP, "page up, page down", "scroll by a page", NULL, scroll},
    {"", TOP_KEY_PAGE_DOWN, NULL, NULL, NULL, scroll},
    {"", TOP_KEY_HOME, "home, end", "to the table's begin or end", NULL, scroll},
    {"", TOP_KEY_END, NULL, NULL, NULL, scroll},
    {"/", 0, "/", "only rows with a text in them; esc: all", "search", begin_search},
    {"\x1b", 0, NULL, NULL, NULL, end_search},
    {"R", 0, "R", "begin the window anew, for all who look", NULL, ask_reset},
    {"p", 0, "p", "pause, and go on", NULL, toggle_pause},
    {"+=", 0, "+", "look less often", NULL, change_interval},
    {"-", 0, "-", "look more often", NULL, change_interval},
    {"h?", 0, "h, ?", "this help", "help", toggle_help},
    {NULL, 0, NULL, NULL, NULL, NULL},
};

static bool means(const struct top_key *key, int code)
{
    if (code >= TOP_KEY_LEFT)
        return key->code == code;
    return code > 0 && code < 0x80 && strchr(key->characters, code);
}

bool top_key(struct top_state *state, const struct top_view *view, int code)
{
    if (state->typing && type(state, code))
        return true;
    if (state->asking) {
        answer_reset(state, code);
        return true;
    }
    for (const struct top_key *key = top_keys; key->act; key++) {
        if (means(key, code)) {
            key->act(state, view, code);
            return true;
        }
    }
    return false;
}
