#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/stamp.h"

static atomic_int shown_level = LOG_INFO;
static _Atomic enum log_time shown_time = LOG_TIME_OFF; /* a reload may change it */

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&shown_level, (int)level, memory_order_relaxed);
}

void log_set_time(enum log_time time)
{
    shown_time = time;
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&shown_level, memory_order_relaxed);
}

const char *const log_level_names[] = {[LOG_ERROR] = "error",
                                       [LOG_WARNING] = "warning",
                                       [LOG_INFO] = "info",
                                       [LOG_DEBUG] = "debug",
                                       NULL};

static int put_time(char *line)
{
    enum log_time time = shown_time;
    if (time == LOG_TIME_OFF)
        return 0;
    char *end = stamp_now(line, time == LOG_TIME_LOCAL);
    *end = ' ';
    return (int)(end + 1 - line);
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const prefix[] = {
        [LOG_ERROR] = "spile: error: ",
        [LOG_WARNING] = "spile: warning: ",
        [LOG_INFO] = "spile: ",
        [LOG_DEBUG] = "spile: debug: ",
    };
    if ((int)level > atomic_load_explicit(&shown_level, memory_order_relaxed))
        return;
    char line[1024];
    int len = put_time(line);
    len += snprintf(line + len, sizeof line - (size_t)len, "%s", prefix[level]);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + len, sizeof line - (size_t)len - 1, format, args);
    va_end(args);
    len += more < 0 ? 0 : more;
    if (len > (int)sizeof line - 2)
        len = (int)sizeof line - 2;
    /* A peer's bytes may be in the text: no byte of them may forge a line or move the cursor. */
    len = (int)escape_mask(line, (size_t)len);
    line[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, (size_t)len);
    (void)written; /* there is nowhere left to say that this failed */
}

int log_limit_pass(struct log_limit *limit, unsigned burst, unsigned *held)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (now.tv_sec != limit->second) {
        limit->second = now.tv_sec;
        limit->shown = 0;
    }
    if (limit->shown >= burst) {
        limit->held++;
        return 0;
    }
    limit->shown++;
    *held = limit->held;
    limit->held = 0;
    return 1;
}
