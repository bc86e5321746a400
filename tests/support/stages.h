/* Stages on their own, without an engine around them. */
#ifndef TESTS_SUPPORT_STAGES_H
#define TESTS_SUPPORT_STAGES_H

#include "core/stage.h"

/* Facets that the stage opened last needs of every event. */
static uint32_t stage_alone_needs;

/* Opens a stage that is to provide all that it can. 0 or -1, as its hook; err may say why. */
static inline int stage_open_alone(const struct stage_hooks *hooks, void **state,
                                   const struct settings *settings, unsigned workers,
                                   struct error *err)
{
    const struct stage_options options = {
        .settings = settings, .workers = workers, .wanted = hooks->provides};
    stage_alone_needs = 0;
    return hooks->open(state, &options, &stage_alone_needs, err);
}

#endif
