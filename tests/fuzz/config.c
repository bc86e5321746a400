/* The configuration from any bytes: it is read or refused, never worse; what was refused has a
 * reason, and what is valid is so again. */
#include <stdlib.h>

#include "../support/modules.h"
#include "conf/show.h"
#include "fuzz.h"

/* What is shown is a configuration that differs in secrets alone, and is shown the same; unless
 * aliases have made it longer than a text may be. */
static void check_shown(const struct config *config)
{
    struct config again;
    struct error err = {0};
    struct buf first = {0}, second = {0}, changes = {0};
    config_show(config, &first);
    if (first.len > CONFIG_TEXT_MAX) {
        buf_free(&first);
        return;
    }
    if (config_init(&again, &err) ||
        config_parse(&again, (const char *)first.data, first.len, "shown", &err) ||
        config_validate(&again, &err))
        abort();
    config_show(&again, &second);
    if (!span_equal(buf_span(&first), buf_span(&second)))
        abort();
    size_t lines = config_diff(config, &again, &changes);
    if (lines > 0 && !memmem(changes.data, changes.len, "'***' -> '***'", 14))
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
