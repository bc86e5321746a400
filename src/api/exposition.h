/*
 * What Prometheus reads: its text format 0.0.4, and OpenMetrics 1.0. A family is a constant; its
 * head (HELP, TYPE, UNIT) is written before its first sample, and not at all when it has none.
 *
 *     exposition_family(&page, &family);
 *     size_t outer = exposition_label(&page, "stream", name);
 *     exposition_sample(&page, count);
 *     exposition_unlabel(&page, outer);
 *
 * Labels nest like the loops that write them, and are escaped once however many samples share
 * them. Values are whole numbers or decimals: no floating point, no locale.
 */
#ifndef SPILE_API_EXPOSITION_H
#define SPILE_API_EXPOSITION_H

#include "base/buf.h"

enum metric_type {
    METRIC_COUNTER,   /* samples end in _total */
    METRIC_GAUGE,     /**/
    METRIC_HISTOGRAM, /* exposition_histogram */
    METRIC_UNTYPED,   /* named by others, against the rules */
};

struct metric_family {
    const char
        *name; /* without the _total of a counter; _seconds and _bytes at its end are units */
    enum metric_type type;
    const char *help; /* a sentence without backslashes and quotes */
};

/* Owner: the stack. */
struct exposition {
    struct buf *out;
    bool openmetrics;
    const struct metric_family *family;
    bool headed;       /* the head of the family is written */
    struct buf labels; /* a="b",c="d" */
};

void exposition_begin(struct exposition *page, struct buf *out, bool openmetrics);
/* Frees what the page holds, but not `out`; when memory was short, out->failed says so. */
void exposition_end(struct exposition *page);

/* The samples that follow are of this family, which outlives the page. No family comes twice. */
void exposition_family(struct exposition *page, const struct metric_family *family);

/* Samples that follow have this label, too; bytes of strangers in the presentation form of
 * base/escape.h, so two values never look the same. Returns what exposition_unlabel takes. */
size_t exposition_label(struct exposition *page, const char *name, struct span value);
/* A value in presentation form, or one of ours. */
size_t exposition_text_label(struct exposition *page, const char *name, struct span value);
void exposition_unlabel(struct exposition *page, size_t outer);

void exposition_sample(struct exposition *page, uint64_t value);
/* value / 10^decimals; at most 9 decimals. */
void exposition_decimal(struct exposition *page, uint64_t value, unsigned decimals);
void exposition_signed(struct exposition *page, int64_t value, unsigned decimals);

/* One bucket of a histogram: `le` is its bound as a canonical decimal ("0.5", "64.0"). */
struct metric_bucket {
    const char *le;
    uint64_t count; /* of this bucket alone */
};
/* `above` counts what is above all bounds; the sum is sum / 10^decimals. */
void exposition_histogram(struct exposition *page, const struct metric_bucket *buckets,
                          size_t count, uint64_t above, uint64_t sum, unsigned decimals);

/* True when a client with this Accept header (may be absent) would rather have OpenMetrics 1.0. */
bool exposition_wants_openmetrics(struct span accept);
extern const char exposition_text_type[];        /* the content types of both */
extern const char exposition_openmetrics_type[]; /**/

#endif
