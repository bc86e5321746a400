/* What goes wrong with an output is said at once, then at most once a minute; and when it is over.
 */
#ifndef SPILE_OUT_TROUBLE_H
#define SPILE_OUT_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/output.h"

/* Owner: one output's thread. Zeroed: all is well. */
struct trouble {
    uint64_t silent_until_ns;
    bool said; /* trouble has been told, but not yet that it is over */
};

/* "OUTPUT: cannot ACTION OBJECT: WHY". */
void trouble_say(struct trouble *trouble, const struct output *out, const char *action,
                 const char *object, const char *why);
/* All went well just now. */
void trouble_over(struct trouble *trouble, const char *output);

#endif
