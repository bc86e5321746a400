#include "top/box.h"

#include <stdio.h>
#include <string.h>

enum {
    RANK_WIDTH = TOP_BOX_RANK,
    NAME_MIN = 24,
    NAME_USUAL = 48,
    NAME_WHOLE = 64,
    GAP = 2,
    FIRST_COLUMNS = 5
};

/* The columns that fit, of one table. */
struct grid {
    int width[TOP_COLUMNS_MAX]; /* 0: the column is left out */
    int names;                  /* room for them */
};

static size_t end_row(const struct top_box *box, const struct top_list *list)
{
    size_t end = (size_t)box->from + (size_t)(box->height > 1 ? box->height - 1 : 0);
    return end < list->count ? end : list->count;
}

static const struct top_column *column_of(const struct top_box *box, int column)
{
    return &top_tables[box->list].columns[column];
}

/* What the column needs for its title and the rows that will be seen. */
static int column_width(const struct top_box *box, const struct top_list *list, int column)
{
    char text[FORM_MAX];
    int width = (int)strlen(column_of(box, column)->title) + (column == list->by);
    for (size_t i = (size_t)box->from; i < end_row(box, list); i++) {
        form_text(column_of(box, column)->form, list->rows[i].values[column], text);
        if ((int)strlen(text) > width)
            width = (int)strlen(text);
    }
    return width + GAP;
}

/* The width of the longest name that is shown, but at least NAME_USUAL. */
static int longest_name(const struct top_box *box, const struct top_list *list)
{
    size_t longest = NAME_USUAL;
    for (size_t i = (size_t)box->from; i < end_row(box, list); i++) {
        size_t width = canvas_width(span_str(list->rows[i].name));
        longest = width > longest ? width : longest;
    }
    return longest < CANVAS_SIDE_MAX ? (int)longest : CANVAS_SIDE_MAX;
}

/* "1 domains asked  1-12/500  +4", or of a search "  1-3/3 in the heaviest 5000"; and where single
 * streams have less than the window "  from 14:02:11Z", of streams "  distinct from 14:12:11Z",
 * too.
 */
enum { TITLE_PARTS = 5 };
struct box_title {
    char parts[TITLE_PARTS][64];
};

static void write_begin(char *part, size_t size, const char *words, double from)
{
    char clock[FORM_MAX];
    if (from > 0)
        snprintf(part, size, "  %s %s", words, form_text(FORM_CLOCK, from, clock));
}

/* Tables have nothing but keys, rows of streams both. */
static void write_begins(struct box_title *title, const struct top_list *list, bool both)
{
    enum { SIZE = sizeof title->parts[0] };
    write_begin(title->parts[3], SIZE, "from", list->counts_from);
    write_begin(title->parts[4], SIZE, both ? "distinct from" : "from", list->keys_from);
}

/* Returns how wide it is. */
static int write_title(struct box_title *title, const struct top_box *box,
                       const struct top_list *list)
{
    enum { SIZE = sizeof title->parts[0] };
    char number[4] = "";
    size_t end = end_row(box, list);
    int width = 0;
    *title = (struct box_title){.parts = {""}};
    if (box->number >= 0)
        snprintf(number, sizeof number, "%d ", box->number % 10);
    snprintf(title->parts[0], SIZE, " %s%s", number, top_tables[box->list].title);
    if (end > 0)
        snprintf(title->parts[1], SIZE, "  %d-%zu/%s%.0f", box->from + 1, end,
                 list->estimated ? "~" : "", list->keys < 1e15 ? list->keys : 1e15);
    if (list->searched > 0)
        snprintf(title->parts[2], SIZE, " in the heaviest %.0f",
                 list->searched < 1e15 ? list->searched : 1e15);
    else if (list->error > 0)
        snprintf(title->parts[2], SIZE, "  +%.0f", list->error < 1e15 ? list->error : 1e15);
    write_begins(title, list, top_tables[box->list].kind == KIND_ROWS);
    for (int i = 0; i < TITLE_PARTS; i++)
        width += (int)strlen(title->parts[i]);
    return width;
}

/* First the column that the table goes by, then the others as long as names have room: beside those
 * of domains and addresses the first of them where there is little, the rest where most are whole.
 * The title has room in any case. */
static struct grid make_grid(const struct top_box *box, const struct top_list *list)
{
    struct grid grid = {.names = box->width - RANK_WIDTH};
    int count = top_column_count(box->list);
    bool keys = top_tables[box->list].kind == KIND_TABLE;
    struct box_title title;
    int titled = write_title(&title, box, list) - RANK_WIDTH;
    for (int i = -1; i < count; i++) {
        int column = i < 0 ? list->by : i;
        int least = keys && i >= FIRST_COLUMNS ? NAME_WHOLE : NAME_MIN;
        least = least < titled ? titled : least;
        bool there = i < 0 || top_has(column_of(box, column)->only, box->side);
        if (!there || grid.width[column] > 0)
            continue;
        int width = column_width(box, list, column);
        if (grid.names - width < least && i >= 0)
            break;
        grid.width[column] = width;
        grid.names -= width;
    }
    int longest = longest_name(box, list);
    longest = longest < titled ? titled : longest;
    if (grid.names > longest)
        grid.names = longest; /* numbers stay where the eye finds them */
    if (grid.names < 0)
        grid.names = 0;
    return grid;
}

/* What there is no room for is left out from the end. */
static void put_title(struct canvas *canvas, const struct top_box *box, const struct top_list *list,
                      enum canvas_style style, int room)
{
    struct box_title title;
    int x = box->x;
    write_title(&title, box, list);
    for (int i = 0; i < TITLE_PARTS; i++) {
        int left = box->x + room - x;
        if (i > 0 && (int)strlen(title.parts[i]) > left)
            return;
        x = canvas_text(canvas, x, box->y, left, style, span_str(title.parts[i]));
    }
}

static void put_heading(struct canvas *canvas, const struct top_box *box,
                        const struct top_list *list, const struct grid *grid)
{
    enum canvas_style style = box->focus ? STYLE_FOCUS : STYLE_HEAD;
    int x = box->x + RANK_WIDTH + grid->names;
    canvas_fill(canvas, box->x, box->y, box->width, style);
    put_title(canvas, box, list, style, RANK_WIDTH + grid->names);
    for (int i = 0; i < TOP_COLUMNS_MAX; i++) {
        char title[32];
        if (grid->width[i] == 0)
            continue;
        x += grid->width[i];
        snprintf(title, sizeof title, "%s%s", i == list->by ? ">" : "", column_of(box, i)->title);
        canvas_right(canvas, x, box->y, style, title);
    }
}

static void put_row(struct canvas *canvas, const struct top_box *box, const struct top_list *list,
                    const struct grid *grid, size_t i)
{
    const struct top_row *row = &list->rows[i];
    char text[24];
    int y = box->y + 1 + (int)i - box->from, x = box->x + RANK_WIDTH;
    bool chosen = (int)i == box->chosen;
    if (chosen)
        canvas_fill(canvas, box->x, y, box->width, STYLE_CHOSEN);
    snprintf(text, sizeof text, "%zu", row->rank);
    canvas_right(canvas, x - 1, y, chosen ? STYLE_CHOSEN : STYLE_DIM, text);
    canvas_name(canvas, x, y, grid->names, chosen ? STYLE_CHOSEN : STYLE_PLAIN,
                span_str(row->name));
    x += grid->names;
    for (int k = 0; k < TOP_COLUMNS_MAX; k++) {
        if (grid->width[k] == 0)
            continue;
        x += grid->width[k];
        canvas_right(canvas, x, y,
                     chosen          ? STYLE_CHOSEN
                     : k == list->by ? STYLE_SORTED
                                     : STYLE_PLAIN,
                     form_text(column_of(box, k)->form, row->values[k], text));
    }
}

void top_box_draw(struct canvas *canvas, const struct top_box *box, const struct top_list *list)
{
    struct grid grid = make_grid(box, list);
    put_heading(canvas, box, list, &grid);
    for (size_t i = (size_t)box->from; i < end_row(box, list); i++)
        put_row(canvas, box, list, &grid, i);
    if (list->count == 0 && box->height > 1)
        canvas_str(canvas, box->x + RANK_WIDTH, box->y + 1, STYLE_DIM,
                   list->known ? "none" : "not known");
}
