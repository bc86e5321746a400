#include "history/record.h"

#include <stdlib.h>

#include "history/counts.h"
#include "history/squeeze.h"
#include "wire/protobuf.h"

/* What came of reading both: true when one is good, and the other perhaps damaged. */
static bool is_of_use(int read_a, int read_b)
{
    return read_a + read_b >= READ_DAMAGED;
}

static int merge_counts(struct span a, struct span b, size_t top, struct buf *out)
{
    (void)top;
    struct counts sum = {0};
    bool good = is_of_use(counts_decode(&sum, a), counts_decode(&sum, b));
    counts_encode(&sum, out);
    counts_free(&sum);
    return good && !out->failed ? 0 : -1;
}

uint64_t sketch_mark(const struct siphash_key *key)
{
    return siphash_bytes(key, span_str("whose hashes these are"));
}

void sketch_encode(const struct sketch *sketch, struct buf *out)
{
    buf_put(out, &sketch->mark, sizeof sketch->mark);
    squeeze(out, span_of(sketch->hll.registers, sizeof sketch->hll.registers));
}

/* True when no register says more than a hash has zeros to begin with, and one. */
static bool is_sound(struct span registers)
{
    uint8_t most = 0;
    for (size_t i = 0; i < registers.len; i++)
        most = registers.ptr[i] > most ? registers.ptr[i] : most;
    return registers.len == HLL_REGISTERS && most <= 64 - HLL_BITS + 1;
}

int sketch_decode(struct sketch *sketch, struct span bytes)
{
    struct buf plain = {0};
    struct cursor c = cursor_of(bytes);
    struct span mark = cursor_take(&c, sizeof sketch->mark);
    int rc = c.failed ? READ_DAMAGED : unsqueeze(&plain, cursor_rest(&c), HLL_REGISTERS);
    if (rc == 0 && !is_sound(buf_span(&plain)))
        rc = READ_DAMAGED;
    if (rc == 0) {
        memcpy(&sketch->mark, mark.ptr, sizeof sketch->mark);
        memcpy(sketch->hll.registers, plain.data, HLL_REGISTERS);
    }
    buf_free(&plain);
    return rc;
}

void sketch_merge(struct sketch *into, const struct sketch *from)
{
    if (into->mark == from->mark)
        hll_merge(&into->hll, &from->hll);
    else if (hll_estimate(&from->hll) > hll_estimate(&into->hll))
        *into = *from;
}

static int merge_distinct(struct span a, struct span b, size_t top, struct buf *out)
{
    (void)top;
    struct sketch left, right;
    int bad_a = sketch_decode(&left, a), bad_b = sketch_decode(&right, b);
    if (!is_of_use(bad_a, bad_b))
        return -1;
    if (!bad_a && !bad_b)
        sketch_merge(&left, &right);
    sketch_encode(bad_a ? &right : &left, out);
    return out->failed ? -1 : 0;
}

static int merge_tops(struct span a, struct span b, size_t top, struct buf *out)
{
    struct tops left = {0}, right = {0};
    bool good = is_of_use(tops_decode(&left, a), tops_decode(&right, b));
    tops_merge(&left, &right);
    tops_cut(&left, top);
    tops_encode(&left, out);
    good &= !left.failed && !out->failed;
    tops_free(&left);
    tops_free(&right);
    return good ? 0 : -1;
}

int record_merge(unsigned what, struct span a, struct span b, size_t top, struct buf *out)
{
    unsigned kind = record_kind(what);
    if (kind >= RECORD_TOPS)
        return merge_tops(a, b, top, out);
    return kind >= RECORD_DISTINCT ? merge_distinct(a, b, top, out) : merge_counts(a, b, top, out);
}

void portion_put(struct portion *portion, unsigned what, struct span stream, struct span bytes)
{
    struct buf *out = &portion->records;
    pb_put_varint(out, what);
    pb_put_varint(out, stream.len);
    buf_put(out, stream.ptr, stream.len);
    pb_put_varint(out, bytes.len);
    buf_put(out, bytes.ptr, bytes.len);
}

/* Moves the records that it keeps to the front. */
static void drop_streams(struct portion *portion, enum portion_has has)
{
    struct buf *records = &portion->records;
    struct cursor c = cursor_of(buf_span(records));
    const uint8_t *start = c.pos;
    uint8_t *end = records->data;
    struct record record;
    for (; portion_next(&c, &record); start = c.pos) {
        size_t len = (size_t)(c.pos - start);
        bool counts = record_kind(record.what) == RECORD_COUNTS;
        if (record.stream.len > 0 && !(counts && has == PORTION_COUNTS)) {
            enum portion_has lacks = counts ? PORTION_TOTAL : PORTION_COUNTS;
            portion->lacks = lacks > portion->lacks ? lacks : portion->lacks;
            continue;
        }
        memmove(end, start, len);
        end += len;
    }
    portion->has = has;
    records->len = records->data ? (size_t)(end - records->data) : 0;
}

void portion_shrink(struct portion *portion, enum portion_has has)
{
    struct buf *records = &portion->records;
    if (has > portion->has)
        drop_streams(portion, has);
    uint8_t *smaller = records->len > 0 ? realloc(records->data, records->len) : NULL;
    if (smaller) {
        records->data = smaller;
        records->cap = records->len;
    }
}

bool portion_next(struct cursor *c, struct record *record)
{
    if (cursor_left(c) == 0)
        return false;
    record->what = (unsigned)pb_varint(c);
    record->stream = pb_bytes(c);
    record->bytes = pb_bytes(c);
    return !c->failed;
}
