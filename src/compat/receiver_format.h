/* What the three compatible formats share: they have no options and no choice of fields; each is
 * one function that writes a record. */
#ifndef SPILE_COMPAT_RECEIVER_FORMAT_H
#define SPILE_COMPAT_RECEIVER_FORMAT_H

#include "compat/receiver_record.h"
#include "core/format.h"

/* Owner: one worker. */
struct receiver_format {
    struct receiver_record record;
    bool terminal; /* no control byte may pass */
};

int receiver_format_open(const struct format_spec *spec, void **state, uint32_t *needs,
                         struct error *err);
void receiver_format_close(void *state);

/* A port as text, `absent` when it is 0. */
char *receiver_put_port(char *p, uint32_t port, const char *absent);

#endif
