/* Records of a database that may be damaged: what is read is in order, writes itself down as it
 * was, and merges. The first byte chooses the kind; lists get their bytes compressed, as a database
 * has them, or the fuzzer would never see what is inside. */
#include <assert.h>

#include "fuzz.h"
#include "history/counts.h"
#include "history/record.h"
#include "history/squeeze.h"

enum { TOP = 3 };

static void try_counts(struct span bytes)
{
    struct counts counts = {0}, again = {0};
    struct buf written = {0};
    if (counts_decode(&counts, bytes) == 0) {
        for (uint32_t i = 1; i < counts.len; i++)
            assert(counts.items[i - 1].id < counts.items[i].id);
        counts_encode(&counts, &written);
        assert(counts_decode(&again, buf_span(&written)) == 0);
        assert(again.len == counts.len);
        counts_add(&again, &counts);
        assert(again.len == counts.len);
        for (uint32_t i = 0; i < counts.len; i++)
            assert(again.items[i].n / 2 == counts.items[i].n || again.items[i].n == UINT64_MAX);
    } else {
        assert(counts.len == 0);
    }
    counts_free(&counts);
    counts_free(&again);
    buf_free(&written);
}

static void assert_in_order(const struct tops *tops)
{
    for (uint32_t i = 1; i < tops->len; i++) {
        struct span a = tops_text(tops, &tops->rows[i - 1]), b = tops_text(tops, &tops->rows[i]);
        int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
        assert(order < 0 || (order == 0 && a.len < b.len));
    }
}

static void try_tops(struct span bytes)
{
    struct tops tops = {0}, again = {0};
    struct buf written = {0};
    if (tops_decode(&tops, bytes) == 0) {
        assert_in_order(&tops);
        tops_encode(&tops, &written);
        assert(tops_decode(&again, buf_span(&written)) == 0);
        assert(again.len == tops.len && again.tally_count == tops.tally_count);
        tops_merge(&again, &tops);
        assert(again.len == tops.len);
        tops_cut(&again, TOP);
        assert(again.len <= TOP * TOPS_RANKS);
        assert_in_order(&again);
    } else {
        assert(tops.len == 0 && !tops.rows);
    }
    tops_free(&tops);
    tops_free(&again);
    buf_free(&written);
}

static void try_sketch(struct span bytes)
{
    static struct sketch sketch;
    if (sketch_decode(&sketch, bytes) == 0)
        assert(hll_estimate(&sketch.hll) >= 0);
}

static void try_portion(struct span bytes)
{
    struct cursor c = cursor_of(bytes);
    struct record record;
    while (portion_next(&c, &record)) {
        struct buf sum = {0};
        int rc = record_merge(record.what, record.bytes, record.stream, TOP, &sum);
        assert(rc == 0 || rc == -1);
        buf_free(&sum);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static void (*const kinds[])(struct span bytes) = {try_counts, try_tops, try_tops, try_sketch,
                                                       try_portion};
    enum { KINDS = sizeof kinds / sizeof *kinds, SQUEEZED = 1 };
    struct buf squeezed = {0};
    if (len == 0)
        return 0;
    unsigned kind = bytes[0] % KINDS;
    struct span rest = span_of(bytes + 1, len - 1);
    squeeze(&squeezed, rest);
    kinds[kind](kind == SQUEEZED ? buf_span(&squeezed) : rest);
    buf_free(&squeezed);
    return 0;
}
