/*
 * Outputs: where events go. An output is one of two kinds.
 *
 * Queued: the workers format events into chunks; the output's own thread takes chunks off a bounded
 * queue and calls `write`. All hooks but `needs` and `event` run on that thread (open: before it
 * starts, on the main thread).
 *
 * Inline: `event` is called by the worker for each event; there is no format, queue or thread.
 */
#ifndef SPILE_CORE_OUTPUT_H
#define SPILE_CORE_OUTPUT_H

#include "conf/config.h"
#include "conf/settings.h"
#include "core/chunk.h"
#include "core/format.h"
#include "core/ledger.h"
#include "event/event.h"

#define OUTPUT_NAME_INPUTS "input" /* what lists of ledgers call that of the inputs */

enum when_full { WHEN_FULL_BLOCK, WHEN_FULL_DROP_NEWEST, WHEN_FULL_DROP_OLDEST };

/* Options that every output has, and must: `.common = &output_queued`, or `&output_inline` for one
 * that is called by workers and has none of them but its name. */
struct output_common {
    char *name;            /* NULL: none of its own */
    char *format;          /* name of a format */
    char *fields;          /* "a,b,c" or NULL */
    int when_full;         /* enum when_full */
    uint64_t block_max_ns; /* of block; 0: no limit */
    uint64_t queue_bytes;
    uint64_t record_max; /* bytes of a record; 0: no limit */
};
extern const struct option_group output_queued, output_inline;

/* What becomes of what a file holds that an output is to write. */
enum output_old {
    OUTPUT_CONTINUES, /* records are appended to it; what is no whole file of theirs is put aside */
    OUTPUT_KEEPS,     /* then it is not written to, and opening it fails */
    OUTPUT_REPLACES,  /* once all has begun */
    OUTPUT_ADDS,      /* a new stream is appended to it, likewise */
};

/* One configured output, as its hooks see it. Owner: the engine. */
struct output {
    const struct module *module;
    const struct output_hooks *hooks;
    const void *options;
    void *state; /* module->state_size bytes */
    struct output_common common;
    char name[CONFIG_NAME_MAX + 1]; /* for the ledger and log lines */
    struct format_spec spec;
    const struct format_hooks *format; /* NULL for inline outputs */
    bool gives_up; /* what cannot be written ends the program, which has then failed: nobody would
                      make room for it */
    atomic_bool interrupted; /* set at the shutdown's deadline: a write loop gives up */
    enum output_old old;
    atomic_bool begun;   /* all is open, nothing can fail any more: files may be changed */
    uint64_t lost;       /* the writer's thread: records that `write` has called written, and
                            that are gone: the writer has as many of the next ones, else of
                            those before, count as dropped (write) instead of delivered */
    bool unended;        /* set by `close`: the end of the stream could not be written */
    struct stats *stats; /* when hooks->statistics asked for them */
    const struct settings *settings; /* of the whole program */
};

enum output_status {
    OUTPUT_OK = 0,
    OUTPUT_RETRY = 1,    /* nothing more could be written now: the core waits (back-off) and calls
                            again with the records that are left; or, of an output that gives up,
                           takes it for OUTPUT_FAILED */
    OUTPUT_CLOSED = 2,   /* the reader went away for good (EPIPE on standard output): the rest is
                            counted as dropped, and the program ends quietly */
    OUTPUT_FILTERED = 3, /* the records from `first` up to *done were left out because the output's
                            options say so: they count as filtered */
    OUTPUT_FAILED = -1,  /* lost for good: the chunk's remaining records count as dropped (write) */
};

struct output_hooks {
    bool statistics; /* shows statistics: they are collected, and out->stats is there at `open` */
    /* Optional. True when the bytes will go onto a terminal; asked before `open`. */
    bool (*terminal)(const struct output *out);
    int (*open)(struct output *out, struct error *err);
    /* Optional. True when somebody may look at what is written, as it comes: asked once,
     * after `open`. */
    bool (*seen)(const struct output *out);
    /* Writes the records from index `first` on. *done gets the index behind the last record that
     * was written whole. A record must never be written in part and then left so. */
    enum output_status (*write)(struct output *out, const struct chunk *chunk, uint32_t first,
                                uint32_t *done);
    /* Optional. About once a second, and before each write: rotation by time. */
    void (*tick)(struct output *out);
    /* Optional. SIGHUP came: open the file anew. For inline outputs it runs on the main thread. */
    void (*reopen)(struct output *out);
    /* Optional. Somebody wants it rotated now. On its own thread. */
    void (*rotate)(struct output *out);
    /* With `reopen`. Any thread: the path of the file that it writes, and opens anew; NULL: it has
     * none. */
    const char *(*path)(const struct output *out);
    /* Optional. Any thread: true when it writes to standard output. */
    bool (*prints)(const struct output *out);
    void (*close)(struct output *out);

    /* Inline outputs. `needs` is asked once; `event` is called by any worker, `worker` numbering it
     * from 0, with those facets decoded. Returns FORMAT_WRITTEN for delivered, or a drop_reason. */
    uint32_t (*needs)(const struct output *out);
    int (*event)(struct output *out, unsigned worker, struct event *ev);
};

/* The path of the file that it writes; NULL: it writes none. Any thread. */
static inline const char *output_path(const struct output *out)
{
    return out->hooks->path ? out->hooks->path(out) : NULL;
}

/* Whether it writes to standard output. Any thread. */
static inline bool output_prints(const struct output *out)
{
    return out->hooks->prints && out->hooks->prints(out);
}

#endif
