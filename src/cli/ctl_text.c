#include "cli/ctl_text.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/stamp.h"

enum { COLUMNS_MAX = 16, VALUE_MAX = 1024 };

static const json_t *value_of(const json_t *row, const char *key)
{
    const char *dot = strchr(key, '.');
    char first[64];
    if (!dot)
        return json_object_get(row, key);
    snprintf(first, sizeof first, "%.*s", (int)(dot - key), key);
    return value_of(json_object_get(row, first), dot + 1);
}

static void put_time(char *text, const json_t *value)
{
    int64_t ms = json_integer_value(value);
    *stamp_put(text, (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000},
               false) = '\0';
}

/* The value as it is shown, into `text`; "-" where there is none. */
static const char *show(const struct ctl_column *column, const json_t *row, char text[VALUE_MAX])
{
    const json_t *value = value_of(row, column->key);
    strcpy(text, "-");
    if (json_is_boolean(value))
        snprintf(text, VALUE_MAX, "%s", json_is_true(value) ? column->yes : "-");
    else if (json_is_string(value))
        snprintf(text, VALUE_MAX, "%s", json_string_value(value));
    else if (column->kind == CTL_TIME && json_is_integer(value))
        put_time(text, value);
    else if (column->kind == CTL_SECONDS && json_is_number(value))
        snprintf(text, VALUE_MAX, "%.3fms", json_number_value(value) * 1e3);
    else if (json_is_integer(value))
        snprintf(text, VALUE_MAX, "%lld", (long long)json_integer_value(value));
    return text;
}

/* Characters, of UTF-8. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

static bool is_right(const struct ctl_column *column)
{
    return column->kind == CTL_NUMBER;
}

static void put_cell(const struct ctl_column *column, const char *text, int width, bool last)
{
    int fill = width - width_of(text);
    if (is_right(column))
        printf("%*s%s", fill, "", text);
    else
        printf("%s%*s", text, last ? 0 : fill, "");
    fputs(last ? "\n" : "  ", stdout);
}

static void measure(const struct ctl_column *columns, const json_t *rows, int *widths)
{
    char text[VALUE_MAX];
    for (size_t c = 0; columns[c].head; c++) {
        widths[c] = width_of(columns[c].head);
        for (size_t i = 0; i < json_array_size(rows); i++) {
            int width = width_of(show(&columns[c], json_array_get(rows, i), text));
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
}

void ctl_put_table(const struct ctl_column *columns, const json_t *rows)
{
    int widths[COLUMNS_MAX];
    char text[VALUE_MAX];
    measure(columns, rows, widths);
    for (size_t c = 0; columns[c].head; c++)
        put_cell(&columns[c], columns[c].head, widths[c], !columns[c + 1].head);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        for (size_t c = 0; columns[c].head; c++)
            put_cell(&columns[c], show(&columns[c], row, text), widths[c], !columns[c + 1].head);
    }
}

void ctl_put_line(const struct ctl_column *columns, const json_t *row)
{
    char text[VALUE_MAX];
    for (size_t c = 0; columns[c].head; c++)
        printf("%s%s", show(&columns[c], row, text), columns[c + 1].head ? " " : "\n");
}
