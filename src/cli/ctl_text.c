#include "cli/ctl_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/stamp.h"

enum { COLUMNS_MAX = 16, VALUE_MAX = 1024 };

static json_t *value_of(const json_t *row, const char *key)
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

/* "3d 4h", "4h 5m", "5m 6s", "6s". */
static void put_age(char *text, uint64_t seconds)
{
    static const struct {
        uint64_t seconds;
        char name;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t u = 0;
    while (u < 3 && seconds < units[u].seconds)
        u++;
    int len = snprintf(text, VALUE_MAX, "%llu%c", (unsigned long long)(seconds / units[u].seconds),
                       units[u].name);
    if (u < 3)
        snprintf(text + len, (size_t)(VALUE_MAX - len), " %llu%c",
                 (unsigned long long)(seconds % units[u].seconds / units[u + 1].seconds),
                 units[u + 1].name);
}

/* Numbers by their keys; one that is not known is left out. */
static void put_numbers(char *text, json_t *numbers)
{
    const char *key;
    json_t *value;
    int len = 0;
    json_object_foreach(numbers, key, value)
    {
        if (json_is_number(value) && len < VALUE_MAX)
            len += snprintf(text + len, (size_t)(VALUE_MAX - len), "%s%s %.*f", len ? ", " : "",
                            key, json_is_real(value) ? 1 : 0, json_number_value(value));
    }
}

static void put_value(const struct ctl_column *column, json_t *value, char text[VALUE_MAX])
{
    if (json_is_true(value))
        snprintf(text, VALUE_MAX, "%s", column->yes);
    else if (json_is_string(value))
        snprintf(text, VALUE_MAX, "%s", json_string_value(value));
    else if (column->kind == CTL_TIME && json_is_integer(value))
        put_time(text, value);
    else if (column->kind == CTL_SECONDS && json_is_number(value))
        snprintf(text, VALUE_MAX, "%.3fms", json_number_value(value) * 1e3);
    else if (column->kind == CTL_AGE && json_is_integer(value))
        put_age(text, (uint64_t)json_integer_value(value));
    else if (json_is_object(value))
        put_numbers(text, value);
    else if (json_is_integer(value))
        snprintf(text, VALUE_MAX, "%lld", (long long)json_integer_value(value));
}

/* The value as it is shown, into `text`. What peers have called themselves cannot reach the
 * terminal but as text. */
static const char *show(const struct ctl_column *column, const json_t *row, char text[VALUE_MAX])
{
    if (column->kind == CTL_WORD)
        return column->head;
    json_t *value = value_of(row, column->key);
    if (column->other && !json_is_true(value))
        return show(column->other, row, text);
    snprintf(text, VALUE_MAX, "%s", column->no ? column->no : "-");
    put_value(column, value, text);
    text[escape_mask(text, strlen(text))] = '\0';
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

void ctl_put_lines(const struct ctl_column *columns, const json_t *row)
{
    char text[VALUE_MAX];
    int width = 0;
    for (size_t c = 0; columns[c].head; c++)
        width = width_of(columns[c].head) > width ? width_of(columns[c].head) : width;
    for (size_t c = 0; columns[c].head; c++)
        printf("%-*s  %s\n", width, columns[c].head, show(&columns[c], row, text));
}

void ctl_put_strings(const json_t *list, const char *prefix)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        char *text = strdup(json_string_value(json_array_get(list, i)));
        if (!text)
            return;
        text[escape_mask(text, strlen(text))] = '\0';
        printf("%s%s\n", prefix, text);
        free(text);
    }
}
