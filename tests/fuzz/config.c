/* The configuration from any bytes: it is read or refused, never worse; what was refused has a
 * reason, and what is valid is so again. */
#include <stdlib.h>

#include "../support/modules.h"
#include "conf/config.h"
#include "fuzz.h"

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
    }
    config_free(&config);
    return 0;
}
