#include "compat/receiver_format.h"

#include <stdlib.h>

int receiver_format_open(const struct format_spec *spec, void **state, uint32_t *needs,
                         struct error *err)
{
    if (spec->fields)
        return error_set(err, "the formats of dnstap-receiver have no choice of fields");
    struct receiver_format *format = calloc(1, sizeof *format);
    if (!format)
        return error_set(err, "no memory for a format");
    format->terminal = spec->terminal;
    *state = format;
    *needs = FACET_DNSTAP | FACET_LATENCY;
    return 0;
}

void receiver_format_close(void *state)
{
    struct receiver_format *format = state;
    if (format)
        receiver_record_free(&format->record);
    free(format);
}

char *receiver_put_port(char *p, uint32_t port, const char *absent)
{
    return port ? put_u64(p, port) : put_str(p, absent);
}
