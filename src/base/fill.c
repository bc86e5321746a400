#include "base/fill.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static void put_spaces(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

/* Begins a line: the prefix, of which `column` columns are there already. */
static size_t begin_line(FILE *out, const char *prefix, size_t column)
{
    size_t width = strlen(prefix);
    if (column == 0)
        fputs(prefix, out);
    else if (column < width)
        put_spaces(out, width - column);
    return column > width ? column : width;
}

/* The blank line between paragraphs: the prefix without the spaces at its end. */
static void put_blank_line(FILE *out, const char *prefix)
{
    size_t len = strlen(prefix);
    while (len && prefix[len - 1] == ' ')
        len--;
    fprintf(out, "%.*s\n", (int)len, prefix);
}

void fill_text(FILE *out, const char *text, const char *prefix, size_t column)
{
    size_t at = begin_line(out, prefix, column);
    for (bool first = true;; first = false) {
        size_t gap = strspn(text, " \n");
        size_t len = strcspn(text + gap, " \n");
        if (len == 0)
            break;
        bool paragraph = !first && strncmp(text, "\n\n", 2) == 0;
        if (!first && (paragraph || at + 1 + len > FILL_WIDTH)) {
            fputc('\n', out);
            if (paragraph)
                put_blank_line(out, prefix);
            at = begin_line(out, prefix, 0);
        } else if (!first) {
            fputc(' ', out);
            at++;
        }
        fwrite(text + gap, 1, len, out);
        at += len;
        text += gap + len;
    }
    fputc('\n', out);
}

const char *fill_sentence(const char *phrase, char *out, size_t size)
{
    snprintf(out, size, "%s%s", phrase, strchr(".?!:", phrase[strlen(phrase) - 1]) ? "" : ".");
    out[0] = (char)toupper((unsigned char)out[0]);
    return out;
}
