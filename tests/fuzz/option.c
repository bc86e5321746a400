/* Option values from any bytes: the first byte chooses the row, the rest is the text. A value that
 * is taken lies within its row's limits; the hint for a wrong name is a name. */
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "fuzz.h"

static const char *const choices[] = {"block", "drop-newest", "drop-oldest", NULL};

/* One row a type; each has a zeroed place of its own. */
static const struct option rows[] = {
    {.name = "bool", .type = OPTION_BOOL},
    {.name = "uint", .type = OPTION_UINT, .min = 1, .max = 256},
    {.name = "size", .type = OPTION_SIZE, .min = 512, .max = 1ull << 40},
    {.name = "duration", .type = OPTION_DURATION, .min = 1, .max = 1ull << 60},
    {.name = "string", .type = OPTION_STRING, .min = 1, .max = 100},
    {.name = "path", .type = OPTION_PATH},
    {.name = "enum", .type = OPTION_ENUM, .choices = choices},
    {.name = "mode", .type = OPTION_MODE},
    {.name = "hostport", .type = OPTION_HOSTPORT, .min = 1},
    {.name = "prefixes", .type = OPTION_PREFIXES},
    {.name = "strings", .type = OPTION_STRINGS},
    {.name = "name", .type = OPTION_NAME},
    {0},
};
enum { ROWS = sizeof rows / sizeof *rows - 1 };

union place {
    uint64_t number;
    int choice;
    mode_t mode;
    char *text;
    struct option_hostport hostport;
    struct option_prefixes prefixes;
    struct option_strings strings;
};

static bool is_sound(const struct option *row, const union place *place)
{
    switch (row->type) {
    case OPTION_UINT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        return place->number >= row->min && place->number <= row->max;
    case OPTION_STRING:
        return strlen(place->text) >= row->min && strlen(place->text) <= row->max;
    case OPTION_PATH:
    case OPTION_NAME:
        return place->text[0] != '\0';
    case OPTION_ENUM:
        return place->choice >= 0 && place->choice < 3;
    case OPTION_MODE:
        return place->mode <= 07777;
    case OPTION_HOSTPORT:
        return place->hostport.host[0] && place->hostport.port >= row->min;
    case OPTION_PREFIXES:
        return place->prefixes.count == 1 && place->prefixes.items[0].bits <= 128 &&
               option_prefixes_hold(&place->prefixes, place->prefixes.items[0].address);
    case OPTION_STRINGS:
        return place->strings.count == 1;
    default:
        return true;
    }
}

/* Its text, parsed again, is the same value; so is a copy. */
static bool is_the_same_again(const struct option *row, const union place *place)
{
    const struct option table[] = {*row, {0}};
    union place again, copy;
    struct error err;
    struct buf text = {0};
    memset(&again, 0, sizeof again);
    memset(&copy, 0, sizeof copy);
    option_print(row, place, 0, &text);
    bool same = option_parse(row, &again, buf_span(&text), &err) == 0 &&
                options_copy(table, &copy, place, &err) == 0 &&
                options_equal(table, &again, place) && options_equal(table, &copy, place);
    buf_free(&text);
    option_clear(row, &again);
    option_clear(row, &copy);
    return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;
    const struct option *row = &rows[bytes[0] % ROWS];
    struct span text = span_of(bytes + 1, len - 1);
    union place place;
    memset(&place, 0, sizeof place);
    struct error err = {0};
    if (option_parse(row, &place, text, &err) == 0) {
        if (!is_sound(row, &place) || !is_the_same_again(row, &place))
            abort();
    } else if (err.text[0] == '\0') {
        abort();
    }
    option_clear(row, &place);
    const char *hint = NULL;
    if (!option_find(rows, text, &hint) && hint && !option_find(rows, span_str(hint), NULL))
        abort();
    return 0;
}
