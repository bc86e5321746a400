#include "cli/top_operand.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cli/command.h"

enum { PORT_DIGITS = 5 };

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= PORT_DIGITS && text[digits] == '\0';
}

/* The URL that was meant: by "HOST:PORT", "[V6]:PORT", ":PORT", "PORT", another kind of URL, or
 * "http:" with slashes missing. Empty when it looks like none of them. */
static void guess_url(const char *operand, char *url, size_t size)
{
    const char *colon = strrchr(operand, ':');
    bool scheme = strncasecmp(operand, "http:", 5) == 0 || strncasecmp(operand, "https:", 6) == 0 ||
                  strstr(operand, "://");
    *url = '\0';
    if (scheme)
        snprintf(url, size, "http://HOST:PORT/");
    else if (is_port(operand))
        snprintf(url, size, "http://127.0.0.1:%s/", operand);
    else if (colon == operand && is_port(colon + 1))
        snprintf(url, size, "http://127.0.0.1%s/", operand);
    else if (colon && is_port(colon + 1) && !strchr(operand, '/'))
        snprintf(url, size, "http://%s/", operand);
}

int top_operand_check(const char *operand, struct error *err)
{
    struct stat st;
    char url[320];
    bool found = stat(operand, &st) == 0;
    int error = found ? EISDIR : errno;
    if (strcmp(operand, "-") == 0 || (found && !S_ISDIR(st.st_mode)))
        return COMMAND_OK;
    guess_url(operand, url, sizeof url);
    if (!found && *url) {
        error_set(err, "there is no file '%.200s'; a daemon is asked by its URL: %s", operand, url);
        return COMMAND_USAGE;
    }
    error_set(err, "%.300s: %s (a daemon is asked by its URL, http://HOST:PORT/)", operand,
              strerror(error));
    return COMMAND_FAILED;
}
