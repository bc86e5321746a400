/* Portions: adding them up, and what they imply of single streams. */
#include <stdlib.h>

#include "history/counts.h"
#include "history/record.h"

static unsigned side_of(const struct record *record)
{
    return record->what / RECORD_SIDE % STATS_SIDES;
}

static bool is_counts(const struct record *record)
{
    return record_kind(record->what) == RECORD_COUNTS;
}

/* --- single streams ------------------------------------------------------------------------- */

/* How many streams have sent something on each side, and whether there is more of them than their
 * counts. */
struct streams_seen {
    size_t streams;
    bool apart;
};

static void look(const struct portion *portion, struct streams_seen known[STATS_SIDES])
{
    struct cursor c = cursor_of(buf_span(&portion->records));
    for (struct record record; portion_next(&c, &record);) {
        struct streams_seen *its = &known[side_of(&record)];
        if (record.stream.len == 0)
            continue;
        its->apart |= !is_counts(&record);
        its->streams += is_counts(&record);
    }
}

/* Of a list of several streams only that is known of one which no key of it can exceed. */
static void put_bounds(struct span bytes, struct buf *out)
{
    struct tops list = {0}, bounds = {0};
    out->failed |= tops_decode(&list, bytes) == READ_NO_MEMORY;
    for (int r = 0; r < TOPS_BOUNDED; r++) {
        bounds.floor[r] = list.floor[r];
        for (uint32_t i = 0; i < list.len; i++) {
            const struct tops_row *row = &list.rows[i];
            uint64_t most = tops_value(&row->values, (enum tops_rank)r) + row->error[r];
            bounds.floor[r] = most > bounds.floor[r] ? most : bounds.floor[r];
        }
    }
    tops_encode(&bounds, out);
    tops_free(&list);
}

/* What a record of all streams says of each of `count` that sent. */
static void imply(const struct portion *portion, const struct record *all, size_t count,
                  struct portion *implied)
{
    struct buf bounds = {0};
    struct cursor c = cursor_of(buf_span(&portion->records));
    bool list = record_kind(all->what) >= RECORD_TOPS;
    if (count > 1 && list)
        put_bounds(all->bytes, &bounds);
    for (struct record record; (count == 1 || list) && portion_next(&c, &record);) {
        if (record.stream.len > 0 && is_counts(&record) && side_of(&record) == side_of(all))
            portion_put(implied, all->what, record.stream,
                        count == 1 ? all->bytes : buf_span(&bounds));
    }
    implied->records.failed |= bounds.failed;
    buf_free(&bounds);
}

void portion_imply(const struct portion *portion, unsigned sides, struct portion *implied)
{
    struct streams_seen known[STATS_SIDES] = {0};
    struct cursor c = cursor_of(buf_span(&portion->records));
    look(portion, known);
    for (struct record record; portion_next(&c, &record);) {
        const struct streams_seen *its = &known[side_of(&record)];
        if (record.stream.len == 0 && !is_counts(&record) && !its->apart &&
            sides >> side_of(&record) & 1)
            imply(portion, &record, its->streams, implied);
    }
}

/* What portion_find looks for, and what it has seen on the way. */
struct look_up {
    unsigned what;
    struct span stream, all; /* the record of all streams */
    struct streams_seen its; /* on that side */
    bool sent;               /* the stream has */
};

/* True when the record is what was looked for. */
static bool look_at(struct look_up *l, const struct record *record)
{
    if (record->what == l->what && span_equal(record->stream, l->stream))
        return true;
    if (record->stream.len == 0 && record->what == l->what)
        l->all = record->bytes;
    if (record->stream.len == 0 || record->what / RECORD_SIDE != l->what / RECORD_SIDE)
        return false;
    l->its.apart |= !is_counts(record);
    l->its.streams += is_counts(record);
    l->sent |= is_counts(record) && span_equal(record->stream, l->stream);
    return false;
}

bool portion_find(const struct portion *portion, unsigned what, struct span stream,
                  struct buf *made, struct span *bytes)
{
    struct look_up l = {.what = what, .stream = stream};
    struct cursor c = cursor_of(buf_span(&portion->records));
    for (struct record record; portion_next(&c, &record);) {
        if (look_at(&l, &record)) {
            *bytes = record.bytes;
            return true;
        }
    }
    *bytes = l.all;
    if (stream.len == 0 || l.its.apart || !l.sent || !l.all.ptr)
        return false;
    if (l.its.streams == 1)
        return true;
    put_bounds(l.all, made);
    *bytes = buf_span(made);
    return !made->failed;
}

/* The stream that alone has counts on that side. */
static struct span only_stream(const struct portion *portion, unsigned side)
{
    struct cursor c = cursor_of(buf_span(&portion->records));
    for (struct record record; portion_next(&c, &record);) {
        if (record.stream.len > 0 && side_of(&record) == side)
            return record.stream;
    }
    return (struct span){0};
}

void portion_sketches(const struct portion *portion,
                      void (*take)(void *ctx, const struct record *record), void *ctx)
{
    struct streams_seen known[STATS_SIDES] = {0};
    struct cursor c = cursor_of(buf_span(&portion->records));
    look(portion, known);
    for (struct record record; portion_next(&c, &record);) {
        const struct streams_seen *its = &known[side_of(&record)];
        unsigned kind = record_kind(record.what);
        if (kind < RECORD_DISTINCT || kind >= RECORD_TOPS)
            continue;
        take(ctx, &record);
        if (record.stream.len > 0 || its->apart || its->streams != 1)
            continue;
        record.stream = only_stream(portion, side_of(&record));
        take(ctx, &record);
    }
}

/* The sides on which a portion has more of single streams than their counts, as bits. */
static unsigned apart_in(const struct portion *portion)
{
    struct streams_seen known[STATS_SIDES] = {0};
    unsigned sides = 0;
    look(portion, known);
    for (unsigned side = 0; side < STATS_SIDES; side++)
        sides |= (unsigned)known[side].apart << side;
    return sides;
}

/* --- less ----------------------------------------------------------------------------------- */

static void put_cut(struct portion *portion, const struct record *record, size_t top)
{
    struct tops list = {0};
    struct buf bytes = {0};
    int rc = tops_decode(&list, record->bytes);
    tops_cut(&list, top);
    tops_encode(&list, &bytes);
    portion->records.failed |= rc == READ_NO_MEMORY || list.failed || bytes.failed;
    portion_put(portion, record->what, record->stream, buf_span(&bytes));
    tops_free(&list);
    buf_free(&bytes);
}

int portion_cut(struct portion *portion, size_t top)
{
    struct portion cut = {0};
    struct cursor c = cursor_of(buf_span(&portion->records));
    for (struct record record; portion_next(&c, &record);) {
        if (record_kind(record.what) >= RECORD_TOPS)
            put_cut(&cut, &record, top);
        else
            portion_put(&cut, record.what, record.stream, record.bytes);
    }
    if (cut.records.failed) {
        buf_free(&cut.records);
        return -1;
    }
    buf_free(&portion->records);
    portion->records = cut.records;
    return 0;
}

/* --- sums ----------------------------------------------------------------------------------- */

enum { SOURCES = 4 }; /* two portions, and what they imply */

int record_compare(const struct record *x, const struct record *y)
{
    size_t len = x->stream.len < y->stream.len ? x->stream.len : y->stream.len;
    int order = len ? memcmp(x->stream.ptr, y->stream.ptr, len) : 0;
    if (order == 0)
        order = (x->stream.len > y->stream.len) - (x->stream.len < y->stream.len);
    return order ? order : (x->what > y->what) - (x->what < y->what);
}

static int compare(const void *a, const void *b)
{
    return record_compare(a, b);
}

/* The records of some portions, sorted, so that those to be merged lie side by side. NULL: no
 * memory. */
static struct record *sorted_records(const struct portion *const sources[SOURCES], size_t *count)
{
    struct record record, *records = NULL;
    for (int pass = 0; pass < 2; pass++) {
        *count = 0;
        for (int i = 0; i < SOURCES; i++) {
            struct cursor c = cursor_of(buf_span(&sources[i]->records));
            while (portion_next(&c, &record)) {
                if (records)
                    records[*count] = record;
                ++*count;
            }
        }
        if (pass == 0 && !(records = malloc((*count + 1) * sizeof *records)))
            return NULL;
    }
    qsort(records, *count, sizeof *records, compare);
    return records;
}

/* Appends the sum of the first records, which are of one kind and stream; returns how many those
 * are. */
static size_t put_sum(struct portion *sum, const struct record *records, size_t count, size_t top,
                      bool *whole)
{
    struct buf bytes = {0}, next = {0};
    size_t same = 1;
    buf_put(&bytes, records->bytes.ptr, records->bytes.len);
    for (; same < count && record_compare(records, records + same) == 0; same++) {
        next.len = 0;
        *whole &=
            record_merge(records->what, buf_span(&bytes), records[same].bytes, top, &next) == 0;
        struct buf swap = bytes;
        bytes = next;
        next = swap;
    }
    portion_put(sum, records->what, records->stream, buf_span(&bytes));
    *whole &= !bytes.failed;
    buf_free(&bytes);
    buf_free(&next);
    return same;
}

/* The sum of all records; false: something is missing. */
static bool sum_up(const struct portion *const sources[SOURCES], size_t top, struct buf *out)
{
    size_t count;
    bool whole = true;
    struct portion sum = {0};
    struct record *records = sorted_records(sources, &count);
    if (!records)
        return false;
    for (size_t i = 0; i < count;)
        i += put_sum(&sum, records + i, count - i, top, &whole);
    free(records);
    whole &= !sum.records.failed;
    sum.records.failed = false;
    *out = sum.records;
    return whole;
}

int portion_sum(const struct portion *a, const struct portion *b, size_t top, struct buf *out)
{
    struct portion of_a = {0}, of_b = {0};
    portion_imply(a, apart_in(b), &of_a);
    portion_imply(b, apart_in(a), &of_b);
    const struct portion *const sources[SOURCES] = {a, b, &of_a, &of_b};
    bool whole = sum_up(sources, top, out) && !of_a.records.failed && !of_b.records.failed;
    buf_free(&of_a.records);
    buf_free(&of_b.records);
    return whole ? 0 : -1;
}

int portion_merge(struct portion *portion, const struct portion *from, size_t top)
{
    struct buf sum = {0};
    int rc = portion_sum(portion, from, top, &sum);
    if (!sum.data)
        return rc;
    buf_free(&portion->records);
    portion->records = sum;
    return rc;
}
