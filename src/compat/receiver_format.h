/* What the three compatible formats share: they have no choice of fields; each is one function that
 * writes a record. */
#ifndef SPILE_COMPAT_RECEIVER_FORMAT_H
#define SPILE_COMPAT_RECEIVER_FORMAT_H

#include "compat/receiver_record.h"
#include "core/format.h"

/* Owner: one worker. */
struct receiver_format {
    struct receiver_record record;
    bool terminal; /* no control byte may pass */
    bool raw;      /* if it is no terminal, all may pass, ends of lines too */
    size_t max;    /* bytes of a record */
};

/* Bytes that one of a stranger's may become, and what may stand around such a text. */
enum { RECEIVER_BYTE_MAX = 6, RECEIVER_TEXT_MAX = 64 };

/* Reads the event and has `put` write it, at `p` where there is room. A record that would be longer
 * than it may has "-" for its identity or its name, the longer one first: there are no others that
 * can be long. As format_hooks.event. */
int receiver_format_event(struct receiver_format *format, struct event *ev, struct buf *out,
                          char *(*put)(char *p, const struct receiver_format *format));

int receiver_format_open(const struct format_spec *spec, void **state, uint32_t *needs,
                         struct error *err);
void receiver_format_close(void *state);

/* A port as text, `absent` when it is 0. */
char *receiver_put_port(char *p, uint32_t port, const char *absent);

#endif
