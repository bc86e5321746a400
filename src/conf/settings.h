/* Settings of the whole program: the scalars at the top of the configuration, one row each. */
#ifndef SPILE_CONF_SETTINGS_H
#define SPILE_CONF_SETTINGS_H

#include "conf/option.h"

struct settings {
    uint64_t threads;           /* workers; 0: as many as there are cores */
    uint64_t frame_max;         /* bytes of one data frame */
    uint64_t partial_max;       /* bytes of cut frames over all connections */
    uint64_t gather_ns;         /* the longest rest between two looks at the sockets */
    uint64_t latency_entries;   /* queries remembered while their responses are awaited */
    uint64_t latency_window_ns; /* how long */
    uint64_t shutdown_ns;       /* how long outputs may take to drain at the end */
    int log_time;               /* enum log_time */
    int compat;                 /* index into compat_names */
    int compat_control;         /* enum compat_control */
};

/* "none", "dnstap-receiver"; ends with NULL. */
extern const char *const compat_names[];

enum compat_control { CONTROL_ESCAPE, CONTROL_RAW };
/* "escape", "raw"; ends with NULL. */
extern const char *const compat_controls[];

extern const struct option settings_options[];

/* As the `check` of a module: settings that exclude each other. -1: err, and *wrong points
 * to the one that is to blame. */
int settings_check(const struct settings *settings, const void **wrong, struct error *err);
/* True when latencies are found in the same way by both. */
bool settings_same_latency(const struct settings *a, const struct settings *b);
/* NULL for none, else the name: what module_find takes. */
const char *settings_compat(const struct settings *settings);

#endif
