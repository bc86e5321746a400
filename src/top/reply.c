#include "top/reply.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* --- values --------------------------------------------------------------------------------- */

static double number(const json_t *value)
{
    if (json_is_boolean(value))
        return json_is_true(value);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The member that a path such as "rates.queries.second" leads to; NULL when there is none. */
static json_t *member(json_t *object, struct span path)
{
    while (object && path.len > 0) {
        const uint8_t *dot = memchr(path.ptr, '.', path.len);
        size_t len = dot ? (size_t)(dot - path.ptr) : path.len;
        object = json_object_getn(object, (const char *)path.ptr, len);
        size_t used = len + (dot != NULL);
        path = span_of(path.ptr + used, path.len - used);
    }
    return object;
}

static double sum(json_t *object, const char *path);

static double sum_of(json_t *array, const char *path)
{
    double total = json_is_array(array) ? 0 : NAN;
    for (size_t i = 0; i < json_array_size(array); i++)
        total += sum(json_array_get(array, i), path);
    return total;
}

/* "path", "path+path", "path less path", which is 0 at least, or "array[].path": of all its items.
 */
static double sum(json_t *object, const char *path)
{
    static const char word[] = " less ";
    const char *plus = strchr(path, '+'), *each = strstr(path, "[]."), *less = strstr(path, word);
    if (each)
        return sum_of(member(object, span_of(path, (size_t)(each - path))), each + 3);
    if (less) {
        double left = number(member(object, span_of(path, (size_t)(less - path)))) -
                      sum(object, less + sizeof word - 1);
        return left < 0 ? 0 : left;
    }
    if (!plus)
        return number(member(object, span_str(path)));
    return number(member(object, span_of(path, (size_t)(plus - path)))) + sum(object, plus + 1);
}

/* --- lists ---------------------------------------------------------------------------------- */

static size_t bounded(size_t count)
{
    return count < TOP_ROWS_MAX ? count : TOP_ROWS_MAX;
}

/* An empty list for up to `count` rows in place of the one that is there. */
static int begin_list(struct top_list *list, size_t count, int by)
{
    struct top_row *rows = calloc(count + 1, sizeof *rows);
    if (!rows)
        return -1;
    free(list->rows);
    *list = (struct top_list){.known = true, .by = by, .keys = (double)count, .rows = rows};
    return 0;
}

static void add_row(struct top_list *list, const struct top_table *table, const char *name,
                    json_t *from)
{
    if (!name)
        return;
    struct top_row *row = &list->rows[list->count++];
    row->name = name;
    bool timed = number(json_object_get(from, "timed")) != 0; /* or it does not say */
    for (int i = 0; table->columns[i].title; i++) {
        bool known = timed || table->columns[i].form != FORM_TIME;
        row->values[i] = known ? sum(from, table->columns[i].path) : NAN;
    }
}

static int read_rows(struct top_list *list, const struct top_table *table, int by, json_t *array)
{
    size_t count = bounded(json_array_size(array));
    const char *label = table->label ? table->label : "name";
    if (!json_is_array(array))
        return 0;
    if (begin_list(list, count, by) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        json_t *from = json_array_get(array, i);
        add_row(list, table, json_string_value(json_object_get(from, label)), from);
    }
    return 0;
}

static int read_members(struct top_list *list, const struct top_table *table, int by,
                        json_t *object)
{
    size_t count = bounded(json_object_size(object));
    const char *name;
    json_t *from;
    if (!json_is_object(object))
        return 0;
    if (begin_list(list, count, by) < 0)
        return -1;
    json_object_foreach(object, name, from)
    {
        if (list->count < count)
            add_row(list, table, name, from);
    }
    return 0;
}

static struct top_row *row_of(struct top_list *list, const char *name, size_t room)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->rows[i].name, name) == 0)
            return &list->rows[i];
    if (list->count == room)
        return NULL;
    struct top_row *row = &list->rows[list->count++];
    *row = (struct top_row){.name = name, .values = {0, 0}};
    return row;
}

/* An honest reply has a few hundred names (types), so a look at each is quick enough. */
enum { PAIR_MAX = 1024 };

/* What did not come at all is no row. */
static void add_direction(struct top_list *list, json_t *counts, int column)
{
    const char *name;
    json_t *value;
    json_object_foreach(counts, name, value)
    {
        struct top_row *row = number(value) > 0 ? row_of(list, name, PAIR_MAX) : NULL;
        if (row)
            row->values[column] = number(value);
    }
}

/* The table's name: "statistics.rcodes" is "rcodes" of the queries and of the responses in
 * "statistics". */
static int read_pair(struct top_list *list, const struct top_table *table, int by, json_t *document)
{
    const char *name = strrchr(table->name, '.') + 1;
    json_t *in = member(document, span_of(table->name, (size_t)(name - 1 - table->name)));
    bool known = false;
    for (int i = 0; table->columns[i].title; i++) {
        json_t *counts = json_object_get(json_object_get(in, table->columns[i].path), name);
        if (!json_is_object(counts))
            continue;
        if (!known && begin_list(list, PAIR_MAX, by) < 0)
            return -1;
        known = true;
        add_direction(list, counts, i);
    }
    if (known)
        list->keys = (double)list->count;
    return 0;
}

/* Descending, what is not known last; 0: a tie. */
static int compare_values(double x, double y)
{
    return isnan(x) || isnan(y) ? isnan(x) - isnan(y) : (x < y) - (x > y);
}

/* Ties go by the first column, then by name. */
static int compare(const void *one, const void *other, void *by)
{
    const struct top_row *a = one, *b = other;
    int column = *(const int *)by, order = compare_values(a->values[column], b->values[column]);
    if (order == 0)
        order = compare_values(a->values[0], b->values[0]);
    return order ? order : strcmp(a->name, b->name);
}

static void number_rows(struct top_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        list->rows[i].rank = i + 1;
}

void top_reply_sort(struct top_list *list)
{
    if (list->count > 0)
        qsort_r(list->rows, list->count, sizeof *list->rows, compare, &list->by);
    number_rows(list);
}

/* What has been read as counts of queries is wanted as parts of all of them. */
static void make_shares(struct top_list *list, const struct top_table *table, double all)
{
    for (int i = 0; table->columns[i].title; i++) {
        for (size_t k = 0; table->columns[i].form == FORM_SHARE && k < list->count; k++)
            list->rows[k].values[i] /= all > 0 ? all : NAN;
    }
}

/* {"keys": N, "keys-exact": false, "rows": [...]}, or what a search has "found" of "searched". */
static int read_counted(struct top_list *list, const struct top_table *table, int by, json_t *from)
{
    json_t *rows = json_object_get(from, "rows");
    if (read_rows(list, table, by, rows) < 0)
        return -1;
    if (!list->known)
        return 0;
    bool found = table->kind == KIND_FOUND;
    double error = number(json_object_get(json_array_get(rows, 0), "error"));
    double keys = number(json_object_get(from, found ? "found" : "keys"));
    double searched = number(json_object_get(from, "searched"));
    list->error = error > 0 ? error : 0;
    list->keys = keys >= 0 ? keys : (double)list->count;
    list->estimated = json_is_false(json_object_get(from, "keys-exact"));
    if (json_is_false(json_object_get(from, "whole")) && searched > 0)
        list->searched = searched;
    number_rows(list);
    return 0;
}

/* The reply for one table is that, alone or as the only one of "tables". */
static int read_table(struct top_list *list, const struct top_table *table, int by,
                      json_t *document)
{
    json_t *tables = json_object_get(document, "tables");
    return read_counted(list, table, by, tables ? json_array_get(tables, 0) : document);
}

/* The one of "tables" that is of this table. */
static json_t *found_in(json_t *document, const char *table)
{
    json_t *tables = json_object_get(document, "tables");
    for (size_t i = 0; i < json_array_size(tables); i++) {
        json_t *from = json_array_get(tables, i);
        const char *name = json_string_value(json_object_get(from, "table"));
        if (name && strcmp(name, table) == 0)
            return from;
    }
    return NULL;
}

/* A list that comes with others in one document. */
static int read_list(struct top_list *list, const struct top_table *table, int by, json_t *root)
{
    switch (table->kind) {
    case KIND_PAIR:
        return read_pair(list, table, by, root);
    case KIND_ROWS:
        return read_rows(list, table, by, json_object_get(root, table->name));
    case KIND_MEMBERS:
        return read_members(list, table, by, member(root, span_str(table->name)));
    case KIND_COUNTED:
        return read_counted(list, table, by, member(root, span_str(table->name)));
    case KIND_FOUND:
        return read_counted(list, table, by, found_in(root, table->name));
    case KIND_TABLE:
        break;
    }
    return 0;
}

/* Once events come, hints that are about a stream or a stage stay: its numbers are not what they
 * seem. Those on what keeps servers from being heard have had their time. */
static void drop_early_hints(json_t *hints)
{
    for (size_t i = json_array_size(hints); i-- > 0;) {
        const json_t *hint = json_array_get(hints, i);
        if (!json_object_get(hint, "stream") && !json_object_get(hint, "stage"))
            json_array_remove(hints, i);
    }
}

/* When that begins of single streams, if it is later than the window; else 0. */
static double later(json_t *root, const char *what)
{
    double from = number(json_object_get(root, what));
    return from > number(json_object_get(root, "from")) ? from : 0;
}

/* What a list is short of, which is of one stream, or of them all one by one. */
static void say_since(const struct top_view *view, enum top_document document, json_t *root,
                      struct top_list *list)
{
    bool all = document == DOCUMENT_STREAMS;
    if (!all && !view->stream)
        return;
    if (all || document == DOCUMENT_STATISTICS)
        list->counts_from = later(root, "streams-from");
    if (all || document == DOCUMENT_TABLES || document == DOCUMENT_SEARCH)
        list->keys_from = later(root, "distinct-from");
}

/* All lists but tables that this document brings. */
static int read_lists(struct top_view *view, enum top_document document,
                      const struct top_wish *wish, json_t *root)
{
    for (int i = 0; i < TOP_LISTS; i++) {
        const struct top_table *table = &top_tables[i];
        int by = i < TOP_TABLES ? wish->by[i] : top_first_by((enum top_list_id)i);
        struct top_list *list = &view->lists[i];
        if (table->document != document)
            continue;
        if (i == LIST_HINTS && !top_view_is_empty(view))
            drop_early_hints(json_object_get(root, table->name));
        if (read_list(list, table, by, root) < 0)
            return -1;
        top_reply_sort(list);
        say_since(view, document, root, list);
    }
    return 0;
}

/* -------------------------------------------------------------------------------------------- */

void top_reply_begin(struct top_view *view)
{
    *view = (struct top_view){0};
    for (int i = 0; i < TOP_NUMBERS; i++)
        view->numbers[i] = NAN;
}

static int read_document(struct top_view *view, enum top_document document, enum top_list_id list,
                         const struct top_wish *wish, json_t *root)
{
    if (document == DOCUMENT_TABLES) {
        int result = read_table(&view->lists[list], &top_tables[list], wish->by[list], root);
        make_shares(&view->lists[list], &top_tables[list], view->numbers[NUMBER_QUERIES]);
        say_since(view, document, root, &view->lists[list]);
        return result;
    }
    for (int i = 0; i < TOP_NUMBERS; i++) {
        if (top_numbers[i].document == document)
            view->numbers[i] = sum(root, top_numbers[i].path);
    }
    return read_lists(view, document, wish, root);
}

int top_reply_read(struct top_view *view, enum top_document document, enum top_list_id list,
                   const struct top_wish *wish, struct span text, struct error *err)
{
    json_error_t why;
    json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_ALLOW_NUL, &why);
    size_t room = sizeof view->held.items / sizeof *view->held.items;
    if (!json_is_object(root) || view->held.count == room) {
        json_decref(root);
        return error_set(err, "the reply is no JSON object");
    }
    view->held.items[view->held.count++] = root;
    if (read_document(view, document, list, wish, root) < 0)
        return error_set(err, "no memory");
    return 0;
}

bool top_reply_has_stream(const struct top_view *view, const char *name)
{
    const struct top_list *streams = &view->lists[LIST_STREAMS];
    for (size_t i = 0; i < streams->count; i++)
        if (strcmp(streams->rows[i].name, name) == 0)
            return true;
    return false;
}
