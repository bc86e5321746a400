/* Which command is meant, and what is said to who calls it wrongly. */
#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/nearest.h"

const char *const command_places[] = {"unix:", "tcp:", NULL};

int command_usage(const struct command_call *call, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_error("%s: %s (see: spile help %s)", call->command->name, text, call->command->name);
    return COMMAND_USAGE;
}

/* How many words of the command's name the given words begin with, all of them or none: 0, 1 or 2.
 */
static int words_matched(const struct command *command, char **words)
{
    struct span name = span_str(command->name);
    const char *space = strchr(command->name, ' ');
    if (!space)
        return span_equal(span_str(words[0]), name) ? 1 : 0;
    size_t first = (size_t)(space - command->name);
    if (!span_equal(span_str(words[0]), span_of(name.ptr, first)) || !words[1])
        return 0;
    return strcmp(words[1], space + 1) == 0 ? 2 : 0;
}

/* Names for "did you mean": those of listed commands. */
static const char *listed_name(const void *ctx, size_t i)
{
    (void)ctx;
    return commands[i]->hidden ? "" : commands[i]->name;
}

static size_t command_count(void)
{
    size_t count = 0;
    while (commands[count])
        count++;
    return count;
}

/* The first command whose name is of two words and begins with this one. */
static const struct command *group_of(const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; commands[i]; i++) {
        if (strncmp(commands[i]->name, word, len) == 0 && commands[i]->name[len] == ' ')
            return commands[i];
    }
    return NULL;
}

const struct command *command_find(char **words, int *used, struct error *err)
{
    for (size_t i = 0; commands[i]; i++) {
        int matched = words_matched(commands[i], words);
        if (matched) {
            *used = matched;
            return commands[i];
        }
    }
    /* A second word takes part only where the first is half of a command's name. */
    const struct command *group = group_of(words[0]);
    char shown[80];
    snprintf(shown, sizeof shown, group && words[1] ? "%.32s %.32s" : "%.64s", words[0], words[1]);
    const char *near = nearest_name(span_str(shown), listed_name, NULL, command_count());
    if (!near && group)
        near = group->name;
    if (near)
        error_set(err, "unknown command '%s'; did you mean '%s'?", shown, near);
    else
        error_set(err, "unknown command '%s' (see: spile help)", shown);
    return NULL;
}
