#include "top/form.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { EXACT_BELOW = 1000000000 };

/* 1.23G: three digits, and a letter for each power of `base`. */
static void put_scaled(double value, double base, char *out)
{
    static const char letters[] = "KMGTPE";
    int power = 0;
    for (value /= base; value >= 999.5 && letters[power + 1]; power++)
        value /= base;
    snprintf(out, FORM_MAX, "%.*f%c",
             value < 9.995   ? 2
             : value < 99.95 ? 1
                             : 0,
             value, letters[power]);
}

static void put_count(double value, double base, char *out)
{
    if (value < EXACT_BELOW)
        snprintf(out, FORM_MAX, "%.0f", value);
    else
        put_scaled(value, base, out);
}

static void put_rate(double value, char *out)
{
    if (value < EXACT_BELOW)
        snprintf(out, FORM_MAX, "%.*f", value == floor(value) || value >= 99.95 ? 0 : 1, value);
    else
        put_scaled(value, 1000, out);
}

static void put_time(double seconds, char *out)
{
    double us = seconds * 1e6;
    if (us < 999.5)
        snprintf(out, FORM_MAX, "%.0fus", us);
    else if (us < 999500)
        snprintf(out, FORM_MAX, "%.*fms", us < 9995 ? 2 : us < 99950 ? 1 : 0, us / 1e3);
    else
        snprintf(out, FORM_MAX, "%.*fs", us < 99.95e6 ? 2 : 0, seconds < 999999 ? seconds : 999999);
}

static void put_span(double seconds, char *out)
{
    static const struct {
        unsigned long long major, minor;
        const char *format;
    } units[] = {
        {86400, 3600, "%llud %02lluh"},
        {3600, 60, "%lluh %02llum"},
        {60, 1, "%llum %02llus"},
    };
    unsigned long long s =
        seconds < 86400.0 * 99999 ? (unsigned long long)seconds : 86400ULL * 99999;
    for (int i = 0; i < 3; i++) {
        if (s >= units[i].major) {
            snprintf(out, FORM_MAX, units[i].format, s / units[i].major,
                     s % units[i].major / units[i].minor);
            return;
        }
    }
    snprintf(out, FORM_MAX, "%llus", s);
}

static void put_date(double seconds, const char *format, char *out)
{
    struct tm when;
    time_t second = seconds < 2e11 ? (time_t)seconds : (time_t)2e11;
    gmtime_r(&second, &when);
    strftime(out, FORM_MAX, format, &when);
}

/* Without a blank: a row of a table is words. */
static void put_share(double part, char *out)
{
    form_share(part, 1, out);
    char *blank = strchr(out, ' ');
    if (blank)
        memmove(blank, blank + 1, strlen(blank));
}

const char *form_text(enum top_form form, double value, char *out)
{
    if (!(value >= 0)) /* NAN, and what no honest server says */
        snprintf(out, FORM_MAX, "-");
    else if (form == FORM_COUNT)
        put_count(value, 1000, out);
    else if (form == FORM_BYTES)
        put_count(value, 1024, out);
    else if (form == FORM_RATE)
        put_rate(value, out);
    else if (form == FORM_TIME)
        put_time(value, out);
    else if (form == FORM_DATE)
        put_date(value, "%Y-%m-%dT%H:%M:%SZ", out);
    else if (form == FORM_CLOCK)
        put_date(value / 1e3, "%H:%M:%SZ", out);
    else if (form == FORM_SHARE)
        put_share(value, out);
    else
        put_span(value, out);
    return out;
}

const char *form_share(double part, double whole, char *out)
{
    double percent = 100 * part / whole;
    if (!(part >= 0) || !(whole > 0) || percent > 999)
        snprintf(out, FORM_MAX, "-");
    else if (part > 0 && percent < 0.05)
        snprintf(out, FORM_MAX, "<0.1 %%");
    else
        snprintf(out, FORM_MAX, percent < 99.95 ? "%.1f %%" : "%.0f %%", percent);
    return out;
}
