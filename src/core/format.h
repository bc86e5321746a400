/*
 * Formats: event to bytes. A format is compiled once for its field list; each worker then holds an
 * instance of its own, so that an instance may cache (the second of a timestamp) without locks.
 */
#ifndef SPILE_CORE_FORMAT_H
#define SPILE_CORE_FORMAT_H

#include "base/buf.h"
#include "conf/module.h"
#include "core/ledger.h"
#include "event/event.h"

/* What is asked of a format. Two outputs with equal specs share one formatting. */
struct format_spec {
    const struct module *module;
    const char *fields;  /* "a,b,c", or NULL for the format's own choice */
    bool terminal;       /* the bytes go onto a terminal: no control byte may pass */
    bool raw_lines;      /* of a compatible format: ends of lines that strangers send pass */
    uint64_t record_max; /* bytes of a record; 0: no limit */
};

/* What format_hooks.event says: written, whole or not, or else a drop_reason. */
enum { FORMAT_WRITTEN = 0, FORMAT_CUT = -1 };

struct format_hooks {
    bool whole; /* frames are kept as they came: there is no record_max */
    /* Optional: without it the state is NULL and no facet is needed. A new instance in *state, and
     * the facets it needs in *needs. -1: bad field list, err says. */
    int (*open)(const struct format_spec *spec, void **state, uint32_t *needs, struct error *err);
    void (*close)(void *state);
    /* Appends the event's record, with what separates it from the next. The core has called
     * event_need for the facets; the hook looks at event->bad itself. Returns FORMAT_WRITTEN;
     * FORMAT_CUT when a part was left out because the record would have been longer than
     * record_max, or because the event's records were not all read (FLAW_WORK); or a drop_reason
     * (then whatever was appended is taken back by the caller). */
    int (*event)(void *state, struct event *ev, struct buf *out);
    /* What every stream or file of this format begins and ends with; NULL: nothing. */
    void (*begin)(struct buf *out);
    void (*end)(struct buf *out);
};

#endif
