/* Stages on their own, without a pipeline around them. */
#ifndef TESTS_SUPPORT_STAGES_H
#define TESTS_SUPPORT_STAGES_H

#include "core/stage.h"

/* Opens a stage that is to provide all that it can. 0 or -1, as its hook; err may say why. */
static inline int stage_open_alone(const struct stage_hooks *hooks, void **state,
                                   const struct settings *settings, unsigned workers,
                                   struct error *err)
{
    const struct stage_options options = {
        .settings = settings, .workers = workers, .wanted = hooks->provides};
    return hooks->open(state, &options, err);
}

#endif
