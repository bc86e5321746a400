#include "out/trouble.h"

#include "base/clock.h"
#include "base/log.h"

void trouble_say(struct trouble *trouble, const struct output *out, const char *action,
                 const char *object, const char *why)
{
    if (clock_ns() < trouble->silent_until_ns)
        return;
    trouble->said = true;
    trouble->silent_until_ns = clock_after(60 * CLOCK_SECOND_NS);
    log_line(out->gives_up ? LOG_ERROR : LOG_WARNING, "%s: cannot %s %s: %s", out->name, action,
             object, why);
}

void trouble_over(struct trouble *trouble, const char *output)
{
    if (trouble->said)
        log_info("%s: writing again", output);
    trouble->said = false;
}
