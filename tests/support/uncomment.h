/* The example configuration with every '#' taken away that it says can be. */
#ifndef TESTS_SUPPORT_UNCOMMENT_H
#define TESTS_SUPPORT_UNCOMMENT_H

#include <stdbool.h>
#include <stddef.h>

/* From the string `from` to `to`, which has as much room; returns the length, without a NUL. */
static size_t uncomment(const char *from, char *to)
{
    size_t len = 0;
    for (bool begins = true; *from; from++) {
        bool prose = from[0] == '#' && (from[1] == '\n' || (from[1] == ' ' && from[2] != ' '));
        if (!begins || *from != '#' || prose)
            to[len++] = *from;
        begins = *from == '\n';
    }
    return len;
}

#endif
