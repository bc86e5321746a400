/* The configuration from any bytes: it is read or refused, never worse; what was refused has a
 * reason, and what is valid is so again. */
#include <stdlib.h>

#include "../support/modules.h"
#include "conf/show.h"
#include "fuzz.h"

/* What is shown is the same configuration, and is shown the same; unless secrets are missing in it,
 * or aliases have made it longer than a text may be. */
static void check_shown(const struct config *config)
{
    struct config again;
    struct error err = {0};
    struct buf first = {0}, second = {0}, changes = {0};
    config_show(config, &first);
    if (config_init(&again, &err))
        abort();
    bool read = config_parse(&again, (const char *)first.data, first.len, "shown", &err) == 0;
    bool whole = first.len <= CONFIG_TEXT_MAX && !strstr(err.text, "in the place of a secret");
    if (whole && (!read || config_validate(&again, &err)))
        abort();
    if (whole)
        config_show(&again, &second);
    if (whole && (!span_equal(buf_span(&first), buf_span(&second)) ||
                  config_diff(config, &again, &changes) > 0))
        abort();
    buf_free(&first);
    buf_free(&second);
    buf_free(&changes);
    config_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct config config;
    struct error err = {0};
    if (config_init(&config, &err))
        abort();
    if (config_parse(&config, (const char *)bytes, len, "fuzz", &err)) {
        if (err.text[0] == '\0')
            abort();
    } else {
        int valid = config_validate(&config, &err);
        if (valid < 0 && err.text[0] == '\0')
            abort();
        if (config_validate(&config, &err) != valid)
            abort();
        if (valid == 0 && config_defaults(&config, &err) == 0)
            check_shown(&config);
    }
    config_free(&config);
    return 0;
}
