#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(struct error *err, const char *format, ...)
{
    struct error fresh = {0}; /* an argument may be a text of the old error */
    va_list args;
    va_start(args, format);
    vsnprintf(fresh.text, sizeof fresh.text, format, args);
    va_end(args);
    *err = fresh;
    return -1;
}

int error_at(struct error *err, const char *file, unsigned line, unsigned column)
{
    if (err->file[0] == '\0' && file)
        snprintf(err->file, sizeof err->file, "%s", file);
    if (err->line == 0) {
        err->line = line;
        err->column = column;
    }
    return -1;
}

const char *error_line(const struct error *err, char *out, size_t size)
{
    if (err->file[0] == '\0')
        snprintf(out, size, "%s", err->text);
    else if (err->line == 0)
        snprintf(out, size, "%s: %s", err->file, err->text);
    else
        snprintf(out, size, "%s:%u:%u: %s", err->file, err->line, err->column, err->text);
    return out;
}
