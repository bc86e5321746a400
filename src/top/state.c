#include "top/state.h"

#include <stdio.h>
#include <string.h>

void top_state_init(struct top_state *state, unsigned interval_ms)
{
    state->interval_ms = interval_ms;
    for (int i = 0; i < TOP_TABLES; i++)
        state->by[i] = top_first_by((enum top_list_id)i);
}

const struct top_subject *top_subject_of(const struct top_state *state)
{
    static const struct top_subject all = {.kind = SUBJECT_ALL};
    return state->step_count > 0 ? &state->steps[state->step_count - 1].subject : &all;
}

struct top_scene top_scene_of(const struct top_state *state)
{
    return (struct top_scene){.subject = top_subject_of(state)->kind, .side = state->side};
}

/* The place of a name among the list's rows that match; -1: it is not there. */
static int place_of(const struct top_list *list, const struct top_subject *subject,
                    const char *name)
{
    int place = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!top_row_matches(&list->rows[i], subject))
            continue;
        if (strcmp(list->rows[i].name, name) == 0)
            return place;
        place++;
    }
    return -1;
}

/* The row at that place; NULL: there is none. Counts all. */
static const struct top_row *row_at(const struct top_list *list, const struct top_subject *subject,
                                    int place, int *count)
{
    const struct top_row *found = NULL;
    *count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!top_row_matches(&list->rows[i], subject))
            continue;
        if (*count <= place)
            found = &list->rows[i];
        ++*count;
    }
    return found;
}

void top_state_settle(struct top_state *state, const struct top_view *view)
{
    const struct top_list *list = &view->lists[state->table];
    const struct top_subject *subject = top_subject_of(state);
    state->found = 0;
    if (!list->known || !top_view_is_of(view, subject)) {
        state->name[0] = '\0';
        return;
    }
    int place = state->moved || state->row == 0 ? -1 : place_of(list, subject, state->name);
    if (place >= 0)
        state->row = place;
    const struct top_row *row = row_at(list, subject, state->row, &state->found);
    if (state->row >= state->found)
        state->row = state->found > 0 ? state->found - 1 : 0;
    snprintf(state->name, sizeof state->name, "%s", row ? row->name : "");
    state->moved = false;
}

static void choose_row(struct top_state *state, int row)
{
    state->row = row;
    state->moved = true;
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
    choose_row(state, 0);
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
    state->table = top_table_at(top_scene_of(state), place);
    choose_row(state, 0);
}

static int place(const struct top_state *state)
{
    return top_table_place(top_scene_of(state), (enum top_list_id)state->table);
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

/* By what the side has. Whoever answers sorts tables, and not by what is reckoned here. */
static bool sorts(const struct top_state *state, int column)
{
    const struct top_table *table = &top_tables[state->table];
    return top_has(table->columns[column].only, state->side) &&
           (table->kind != KIND_TABLE || table->columns[column].by);
}

static void next_order(struct top_state *state, const struct top_view *view, int code)
{
    int count = top_column_count((enum top_list_id)state->table), *by = &state->by[state->table];
    (void)view, (void)code;
    do
        *by = (*by + 1) % count;
    while (!sorts(state, *by));
    choose_row(state, 0);
}

/* --- rows ----------------------------------------------------------------------------------- */

static void move(struct top_state *state, const struct top_view *view, int code)
{
    int rows = state->found, page = state->page > 1 ? state->page : 1;
    int steps[] = {
        [TOP_KEY_UP - TOP_KEY_UP] = -1,         [TOP_KEY_DOWN - TOP_KEY_UP] = 1,
        [TOP_KEY_PAGE_UP - TOP_KEY_UP] = -page, [TOP_KEY_PAGE_DOWN - TOP_KEY_UP] = page,
        [TOP_KEY_HOME - TOP_KEY_UP] = -rows,    [TOP_KEY_END - TOP_KEY_UP] = rows,
    };
    int row = state->row + steps[code - TOP_KEY_UP];
    (void)view;
    row = row < rows ? row : rows - 1;
    choose_row(state, row > 0 ? row : 0);
}

/* --- searching and explaining --------------------------------------------------------------- */

/* Of too many steps the first is forgotten. */
static void step_in(struct top_state *state, enum top_subject_kind kind, const char *text)
{
    struct top_step *steps = state->steps;
    if (state->step_count == TOP_STEPS) {
        struct top_step first = steps[0];
        memmove(steps, steps + 1, (TOP_STEPS - 1) * sizeof *steps);
        steps[0] = (struct top_step){steps[0].subject, first.table, first.row, first.scroll};
        state->step_count--;
    }
    struct top_step *step = &steps[state->step_count++];
    *step = (struct top_step){
        .subject.kind = kind, .table = state->table, .row = state->row, .scroll = state->scroll};
    snprintf(step->subject.text, sizeof step->subject.text, "%s", text);
    show_table(state, 0);
}

static void step_back(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    state->typing = false;
    if (state->step_count == 0)
        return;
    const struct top_step *step = &state->steps[--state->step_count];
    state->table = step->table;
    state->table = top_table_at(top_scene_of(state), place(state)); /* of the side that is now */
    state->scroll = step->scroll;
    choose_row(state, step->row);
}

/* What lies over everything else goes first. */
static void leave(struct top_state *state, const struct top_view *view, int code)
{
    if (state->help)
        state->help = false;
    else
        step_back(state, view, code);
}

/* One more time it is another search, from where the first began. */
static void begin_search(struct top_state *state, const struct top_view *view, int code)
{
    while (top_subject_of(state)->kind == SUBJECT_SEARCH)
        step_back(state, view, code);
    step_in(state, SUBJECT_SEARCH, "");
    state->typing = true;
}

/* One more letter, one less, or the end; false: the key is none of these. */
static bool type(struct top_state *state, const struct top_view *view, int code)
{
    char *text = state->steps[state->step_count - 1].subject.text;
    size_t len = strlen(text);
    if (code == TOP_ENTER && len == 0)
        step_back(state, view, code);
    else if (code == TOP_ENTER)
        state->typing = false;
    else if (code == TOP_KEY_BACKSPACE && len > 0)
        text[len - 1] = '\0';
    else if (code >= ' ' && code < 0x7f && len + 1 < TOP_SEARCH_MAX)
        memcpy(text + len, (const char[]){(char)code, '\0'}, 2);
    else
        return code < TOP_KEY_LEFT && code != TOP_ESCAPE;
    return true;
}

/* What is known of the chosen row; of a stream its numbers alone. */
static void explain(struct top_state *state, const struct top_view *view, int code)
{
    enum top_subject_kind kind = top_tables[state->table].rows;
    top_state_settle(state, view);
    if (kind == SUBJECT_ALL || !state->name[0])
        return;
    if (kind != SUBJECT_STREAM) {
        step_in(state, kind, state->name);
        return;
    }
    while (state->step_count > 0)
        step_back(state, view, code);
    snprintf(state->stream, sizeof state->stream, "%s", state->name);
    show_table(state, 0);
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

/* The table stays where it is among the others: servers stand where clients do. Upstream nothing is
 * known of a client. */
static void other_side(struct top_state *state, const struct top_view *view, int code)
{
    while (top_subject_of(state)->kind == SUBJECT_CLIENT)
        step_back(state, view, code);
    int was = place(state);
    state->side = state->side == STATS_CLIENT ? STATS_UPSTREAM : STATS_CLIENT;
    show_table(state, was);
}

/* The next key says whether it is meant. */
static void ask_reset(struct top_state *state, const struct top_view *view, int code)
{
    (void)view, (void)code;
    state->asking = true;
}

static void answer_reset(struct top_state *state, int code)
{
    state->asking = false;
    state->resets += code == 'y';
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
    {"qQ", 0, "q", "quit", "quit", false, quit},
    {"h?", 0, "h, ?", "this help", "help", false, toggle_help},
    {"/", 0, "/", "names and addresses with a text in them", "search", false, begin_search},
    {"\n", 0, "enter", "what is known of the name or client", "explain", false, explain},
    {"\x1b", 0, "esc", "back to what was shown before", NULL, false, leave},
    {"w", 0, "w", "the next window: all, 1m, 5m, 1h, 1d", "window", true, next_window},
    {"W", 0, "W", "the previous window", NULL, true, previous_window},
    {"u", 0, "u", "upstream's numbers, and clients' again", "side", false, other_side},
    {"t\t", 0, "tab, t", "the next table", "table", false, next_table},
    {"T", TOP_KEY_BACK_TAB, "shift-tab, T", "the previous table", NULL, false, previous_table},
    {"1234567890", 0, "1 to 9, 0", "the first table to the tenth", NULL, false, pick_table},
    {"o", 0, "o", "sort the table by its next column", "order", false, next_order},
    {"", TOP_KEY_UP, "up, down", "choose another row", NULL, false, move},
    {"", TOP_KEY_DOWN, NULL, NULL, NULL, false, move},
    {"", TOP_KEY_PAGE_UP, "page up, page down", "choose one a page away", NULL, false, move},
    {"", TOP_KEY_PAGE_DOWN, NULL, NULL, NULL, false, move},
    {"", TOP_KEY_HOME, "home, end", "choose the first or the last", NULL, false, move},
    {"", TOP_KEY_END, NULL, NULL, NULL, false, move},
    {"s", TOP_KEY_RIGHT, "right, s", "the next stream; all of them come first", "stream", false,
     next_stream},
    {"S", TOP_KEY_LEFT, "left, S", "the previous stream", NULL, false, previous_stream},
    {"R", 0, "R", "begin the window anew, for all who look", "reset", true, ask_reset},
    {"p", 0, "p", "pause, and go on", "pause", false, toggle_pause},
    {"+=", 0, "+, -", "look less often, more often", NULL, false, change_interval},
    {"-", 0, NULL, NULL, NULL, false, change_interval},
    {NULL, 0, NULL, NULL, NULL, false, NULL},
};

bool top_key_is_there(const struct top_key *key, const struct top_state *state)
{
    return !(key->live && state->recording);
}

static bool means(const struct top_key *key, int code)
{
    if (code >= TOP_KEY_LEFT)
        return key->code == code;
    return code > 0 && code < 0x80 && strchr(key->characters, code);
}

bool top_key(struct top_state *state, const struct top_view *view, int code)
{
    if (state->typing && type(state, view, code))
        return true;
    if (state->asking) {
        answer_reset(state, code);
        return true;
    }
    for (const struct top_key *key = top_keys; key->act; key++) {
        if (means(key, code) && top_key_is_there(key, state)) {
            key->act(state, view, code);
            return true;
        }
    }
    return false;
}
