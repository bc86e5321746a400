/* What the API says, as text for people: rows of JSON as columns that stand one below the other. */
#ifndef SPILE_CLI_CTL_TEXT_H
#define SPILE_CLI_CTL_TEXT_H

#include <jansson.h>

enum ctl_kind {
    CTL_TEXT, /* or numbers that belong together, by their keys: "all 2, open 1" */
    CTL_NUMBER,
    CTL_TIME,
    CTL_MARK,
    CTL_SECONDS,
    CTL_AGE,  /* seconds: "3d 4h" */
    CTL_WORD, /* its head, whatever the row is */
};

/* A column. A table ends with a row whose head is NULL. */
struct ctl_column {
    const char *head;
    const char *key; /* of a row's value: "name", or "queue.records" of an object in it */
    enum ctl_kind kind;
    const char *yes;                /* of CTL_MARK: what true is; false is nothing */
    const char *no;                 /* what stands where there is nothing; NULL: "-" */
    const struct ctl_column *other; /* is shown where that of CTL_MARK is not true */
};

/* Prints the rows of an array below the heads of their columns. */
void ctl_put_table(const struct ctl_column *columns, const json_t *rows);
/* One row as a line: its values, a space between them. */
void ctl_put_line(const struct ctl_column *columns, const json_t *row);
/* One row as lines: a head and its value on each. */
void ctl_put_lines(const struct ctl_column *columns, const json_t *row);
/* Each text of an array, as a line with that before it. */
void ctl_put_strings(const json_t *list, const char *prefix);

#endif
