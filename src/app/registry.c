/* The one place that sees every module. A new module: its line here, in the order of the manual. */
#include "conf/module.h"

#define MODULES(X)                                                                                 \
    X(input_tcp)                                                                                   \
    X(input_unix)                                                                                  \
    X(input_file)                                                                                  \
    X(output_stdout)                                                                               \
    X(output_file)                                                                                 \
    X(output_metrics)                                                                              \
    X(output_null)                                                                                 \
    X(fmt_text)                                                                                    \
    X(fmt_json)                                                                                    \
    X(fmt_yaml)                                                                                    \
    X(fmt_fstrm)                                                                                   \
    X(stage_latency)                                                                               \
    X(stage_sample)                                                                                \
    X(receiver_latency)                                                                            \
    X(receiver_text)                                                                               \
    X(receiver_json)                                                                               \
    X(receiver_yaml)                                                                               \
    X(statistics_section)                                                                          \
    X(web_section)                                                                                 \
    X(history_section)                                                                             \
    X(control_section)

#define DECLARE(name) extern const struct module name;
#define LIST(name) &name,

MODULES(DECLARE)

const struct module *const registry[] = {MODULES(LIST) NULL};
