#include "conf/settings.h"

const char *const compat_names[] = {"none", "dnstap-receiver", NULL};

const char *const compat_controls[] = {"escape", "raw", NULL};

static const char *const log_times[] = {"off", "utc", "local", NULL}; /* enum log_time */

/* One row: where it is stored follows from the member's name. */
#define AT(member) .offset = offsetof(struct settings, member)

const struct option settings_options[] = {
    {.name = "threads",
     .type = OPTION_UINT,
     AT(threads),
     .fixed = true,
     .fallback = "0",
     .max = 256,
     .doc = "how many workers decode and format; 0 takes one for each core, and with compat there "
            "is always one"},
    {.name = "frame-max",
     .type = OPTION_SIZE,
     AT(frame_max),
     .fallback = "1M",
     .min = 512,
     .max = 1ull << 30,
     .doc = "the longest data frame that is taken; a longer one ends its connection or file"},
    {.name = "partial-max",
     .type = OPTION_SIZE,
     AT(partial_max),
     .fixed = true,
     .fallback = "64M",
     .min = 64 << 10,
     .doc = "memory for frames that have come in part, over all connections; past it the largest "
            "of the peer that holds most is closed and counted"},
    {.name = "gather-time",
     .type = OPTION_DURATION,
     AT(gather_ns),
     .fallback = "2ms",
     .max = 20000000,
     .doc = "how long frames of connections may gather in their sockets before they are read, many "
            "at once; how long they really do follows from how fast they come, and the first ones "
            "after quiet never wait; where nobody looks at what comes out (no output is a "
            "terminal, a pipe or a socket, and no page shows live events) they may gather four "
            "times as long; 0: each is read when it comes"},
    {.name = "latency-entries",
     .type = OPTION_UINT,
     AT(latency_entries),
     .fixed = true,
     .fallback = "65536",
     .min = 1,
     .max = 1 << 24,
     .doc = "how many queries are remembered while their responses are awaited, for the latency of "
            "messages that do not carry both times, and of exchanges that come by half; the oldest "
            "make "
            "room; beside them a quarter as many names that servers ask others for"},
    {.name = "latency-window",
     .type = OPTION_DURATION,
     AT(latency_window_ns),
     .fixed = true,
     .fallback = "10s",
     .min = 1000000,
     .max = 3600 * 1000000000ull,
     .doc = "the longest latency: how long a query is remembered, and beyond which a response has "
            "none, though it carry both times, and is counted as left out"},
    {.name = "shutdown-time",
     .type = OPTION_DURATION,
     AT(shutdown_ns),
     .fallback = "5s",
     .max = 3600 * 1000000000ull,
     .doc =
         "how long outputs may take to write what is queued when the program ends; the rest is "
         "counted as dropped; a thread that is stuck, say for a disk, is waited for eight seconds "
         "longer"},
    {.name = "log-time",
     .type = OPTION_ENUM,
     AT(log_time),
     .fallback = "off",
     .choices = log_times,
     .doc =
         "begin the program's own lines on standard error with the time, and of which zone; off: "
         "with none, since a journal has its own. Lines of the output metrics are in local time "
         "with local, else in UTC, as all other times are"},
    {.name = "compat",
     .type = OPTION_ENUM,
     AT(compat),
     .fixed = true,
     .fallback = "none",
     .choices = compat_names,
     .doc = "print as this older program does, byte for byte"},
    {.name = "compat-control",
     .type = OPTION_ENUM,
     AT(compat_control),
     .fixed = true,
     .fallback = "escape",
     .choices = compat_controls,
     .doc =
         "with compat, what becomes of ends of lines in identities and names, by which who sends "
         "them could write lines of his own: \\010 and \\013; or raw, as the older program has "
         "them (not onto a terminal)"},
    {0},
};

int settings_check(const struct settings *settings, const void **wrong, struct error *err)
{
    const char *compat = settings_compat(settings);
    if (!compat || settings->threads <= 1)
        return 0;
    *wrong = &settings->threads;
    return error_set(err,
                     "threads: what is printed as %s does hangs on the order of arrival, so one "
                     "worker does it all: leave it out, or set 1",
                     compat);
}

const char *settings_compat(const struct settings *settings)
{
    return settings->compat ? compat_names[settings->compat] : NULL;
}

bool settings_same_latency(const struct settings *a, const struct settings *b)
{
    return a->latency_entries == b->latency_entries && a->latency_window_ns == b->latency_window_ns;
}
