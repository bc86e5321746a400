/* Lines for people, on standard error: "spile: text". Thread-safe; one write a line. */
#ifndef SPILE_BASE_LOG_H
#define SPILE_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Sets the least important level that is shown; LOG_INFO until then. Any thread. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
extern const char *const log_level_names[]; /* of enum log_level; NULL behind them */

/* Whether lines begin with the time, and of which zone. */
enum log_time { LOG_TIME_OFF, LOG_TIME_UTC, LOG_TIME_LOCAL };
/* LOG_TIME_OFF until this is called. Any thread. */
void log_set_time(enum log_time time);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Lets through at most `burst` lines a second for one call site; the next line let through says how
 * many were held back. Owner: one thread. */
struct log_limit {
    long long second;
    unsigned shown;
    unsigned held;
};

/* True when the line may be printed; `*held` is how many were held back before it. */
int log_limit_pass(struct log_limit *limit, unsigned burst, unsigned *held);

#endif
