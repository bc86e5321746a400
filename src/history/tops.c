#include "history/tops.h"

#include <assert.h>
#include <stdlib.h>

#include "history/counts.h"
#include "history/squeeze.h"
#include "wire/protobuf.h"

enum {
    TOPS_MAX = 1 << 17,      /* rows of a list that is read, and that merging may make */
    TOPS_BYTES_MAX = 1 << 26 /* of a list as bytes: a database may be damaged */
};

/* What a list as bytes begins with: its floors, and whether a tally is behind each row, which
 * servers have. Numbers in databases: never changed. */
enum { HEAD_TALLIES = 32, HEAD_NUMBERS };
static_assert((int)TOPS_BOUNDED <= (int)HEAD_TALLIES, "floors have the numbers before");
static_assert(STATS_TALLIES <= 64, "a mask has as many bits");

const struct tops_rank_row tops_ranks[TOPS_RANKS] = {
    [TOPS_HITS] = {"hits", "queries and responses", BY_HITS, 0, &stats_events, 1},
    [TOPS_NXDOMAIN] = {"nxdomain", "responses with NXDOMAIN", BY_MEASURE, MEASURE_NXDOMAIN,
                       &stats_events, 1},
    [TOPS_FAILED] = {"failed", "responses with another error", BY_MEASURE, MEASURE_FAILED,
                     &stats_events, 1},
    [TOPS_BYTES] = {"bytes", "bytes of queries and responses", BY_BYTES, 0, &stats_bytes,
                    UINT16_MAX},
    [TOPS_SERVFAIL] = {"servfail", "responses with SERVFAIL", BY_MEASURE, MEASURE_SERVFAIL,
                       &stats_events, 1},
    [TOPS_REFUSED] = {"refused", "responses with REFUSED", BY_MEASURE, MEASURE_REFUSED,
                      &stats_events, 1},
    [TOPS_NODATA] = {"nodata", "responses with NOERROR that have no answer and are no referral",
                     BY_MEASURE, MEASURE_NODATA, &stats_events, 1},
    [TOPS_SLOWEST] = {"slowest", "the longest latency", BY_MEASURE, MEASURE_SLOWEST, &stats_seconds,
                      0},
};

int tops_rank_find(struct span name)
{
    for (int rank = 0; rank < TOPS_RANKS; rank++) {
        if (span_equal(name, span_str(tops_ranks[rank].name)))
            return rank;
    }
    return -1;
}

uint64_t tops_value(const struct stats_values *values, enum tops_rank rank)
{
    switch (tops_ranks[rank].by) {
    case BY_HITS:
        return values->of[MEASURE_QUERIES] + values->of[MEASURE_RESPONSES];
    case BY_BYTES:
        return values->of[MEASURE_QUERY_BYTES] + values->of[MEASURE_RESPONSE_BYTES];
    default:
        return values->of[tops_ranks[rank].measure];
    }
}

void tops_free(struct tops *tops)
{
    free(tops->rows);
    buf_free(&tops->text);
    free(tops->tallies);
    *tops = (struct tops){0};
}

void tops_clear(struct tops *tops)
{
    tops->len = tops->tally_count = 0;
    tops->text.len = 0;
    tops->failed = tops->text.failed = false;
    memset(tops->floor, 0, sizeof tops->floor);
}

struct tops_row *tops_append(struct tops *tops, struct span text)
{
    if (tops->len == tops->max) {
        uint32_t max = tops->max * 2 + 64;
        struct tops_row *rows =
            tops->len < TOPS_MAX ? realloc(tops->rows, max * sizeof *rows) : NULL;
        if (!rows) {
            tops->failed = true;
            return NULL;
        }
        tops->rows = rows;
        tops->max = max;
    }
    struct tops_row *row = &tops->rows[tops->len];
    *row = (struct tops_row){.text_at = (uint32_t)tops->text.len, .text_len = (uint32_t)text.len};
    buf_put(&tops->text, text.ptr, text.len);
    if (tops->text.failed) { /* a row without its text could not even be compared */
        tops->failed = true;
        return NULL;
    }
    tops->len++;
    return row;
}

void tops_tally_add(struct tops *tops, struct tops_row *row, const struct stats_tally *tally)
{
    if (!tally)
        return;
    if (row->tally) {
        stats_tally_add(&tops->tallies[row->tally - 1], tally);
        return;
    }
    if (tops->tally_count == tops->tally_max) {
        uint32_t max = tops->tally_max * 2 + 64;
        struct stats_tally *tallies = realloc(tops->tallies, max * sizeof *tallies);
        tops->failed |= !tallies;
        if (!tallies)
            return;
        tops->tallies = tallies;
        tops->tally_max = max;
    }
    tops->tallies[tops->tally_count] = *tally;
    row->tally = ++tops->tally_count;
}

static int compare_text(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_text(const void *a, const void *b, void *list)
{
    const struct tops *tops = list;
    const struct tops_row *left = a, *right = b;
    return compare_text(tops_text(tops, left), tops_text(tops, right));
}

/* Appends the sum of two rows of the same key, either of which may be missing. */
static bool append_sum(struct tops *sum, const struct tops *a, const struct tops_row *left,
                       const struct tops *b, const struct tops_row *right)
{
    struct tops_row *row = tops_append(sum, left ? tops_text(a, left) : tops_text(b, right));
    if (!row)
        return false;
    if (left)
        stats_values_add(&row->values, &left->values);
    if (right)
        stats_values_add(&row->values, &right->values);
    tops_tally_add(sum, row, left ? tops_tally(a, left) : NULL);
    tops_tally_add(sum, row, right ? tops_tally(b, right) : NULL);
    for (int r = 0; r < TOPS_BOUNDED; r++)
        row->error[r] =
            (left ? left->error[r] : a->floor[r]) + (right ? right->error[r] : b->floor[r]);
    return true;
}

void tops_merge(struct tops *into, const struct tops *from)
{
    struct tops sum = {.failed = into->failed || from->failed};
    uint32_t i = 0, j = 0;
    bool good = true;
    while (good && (i < into->len || j < from->len)) {
        const struct tops_row *left = i < into->len ? &into->rows[i] : NULL;
        const struct tops_row *right = j < from->len ? &from->rows[j] : NULL;
        int order = !right  ? -1
                    : !left ? 1
                            : compare_text(tops_text(into, left), tops_text(from, right));
        good = append_sum(&sum, into, order <= 0 ? left : NULL, from, order >= 0 ? right : NULL);
        i += order <= 0;
        j += order >= 0;
    }
    for (int r = 0; r < TOPS_BOUNDED; r++)
        sum.floor[r] = into->floor[r] + from->floor[r];
    tops_free(into);
    *into = sum;
}

void tops_keep(struct tops *tops, const struct tops_part *part)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tops->len; i++) {
        if (tops_is_in(tops_text(tops, &tops->rows[i]), part))
            tops->rows[kept++] = tops->rows[i];
    }
    tops->len = kept;
}

/* What to order rows by. */
struct tops_order {
    const struct tops *tops;
    enum tops_rank rank;
};

static int by_value(const void *a, const void *b, void *ctx)
{
    const struct tops_order *order = ctx;
    const struct tops_row *left = *(const struct tops_row *const *)a;
    const struct tops_row *right = *(const struct tops_row *const *)b;
    uint64_t x = tops_value(&left->values, order->rank),
             y = tops_value(&right->values, order->rank);
    return x != y ? (x < y) - (x > y) : (left > right) - (left < right);
}

const struct tops_row **tops_first(const struct tops *tops, enum tops_rank rank, size_t *n)
{
    const struct tops_row **rows = malloc((tops->len + 1) * sizeof(struct tops_row *));
    size_t count = 0;
    for (uint32_t i = 0; rows && i < tops->len; i++) {
        if (tops_value(&tops->rows[i].values, rank))
            rows[count++] = &tops->rows[i];
    }
    struct tops_order order = {tops, rank};
    if (count)
        qsort_r(rows, count, sizeof(struct tops_row *), by_value, &order);
    *n = count < *n ? count : *n;
    return rows;
}

/* The n-th largest of more than n numbers, byte by byte from the highest: in a time that no choice
 * of numbers makes longer. */
static uint64_t nth_largest(const uint64_t *numbers, size_t count, size_t n)
{
    uint64_t prefix = 0, mask = 0;
    for (int shift = 56; shift >= 0; shift -= 8) {
        size_t byte = UINT8_MAX, larger = 0, counts[UINT8_MAX + 1] = {0};
        for (size_t i = 0; i < count; i++)
            counts[numbers[i] >> shift & UINT8_MAX] += (numbers[i] & mask) == prefix;
        for (; larger + counts[byte] < n; byte--)
            larger += counts[byte];
        n -= larger;
        prefix |= (uint64_t)byte << shift;
        mask |= (uint64_t)UINT8_MAX << shift;
    }
    return prefix;
}

/* Marks the first n rows by a rank; `values` has room for one of each row. */
static void mark_first(const struct tops *tops, enum tops_rank rank, size_t n, bool *marks,
                       uint64_t *values)
{
    for (uint32_t i = 0; i < tops->len; i++)
        values[i] = tops_value(&tops->rows[i].values, rank);
    uint64_t least = n < tops->len ? nth_largest(values, tops->len, n) : 0;
    for (uint32_t i = 0; i < tops->len; i++)
        n -= values[i] > least;
    for (uint32_t i = 0; i < tops->len; i++) {
        bool tie = values[i] == least && least > 0 && n > 0;
        n -= tie;
        marks[i] |= values[i] > least || tie;
    }
}

/* Drops the rows that are not marked; floors rise to what they may have had. */
static void keep(struct tops *tops, const bool *marks)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tops->len; i++) {
        const struct tops_row *row = &tops->rows[i];
        if (marks[i]) {
            tops->rows[kept++] = *row;
            continue;
        }
        for (int r = 0; r < TOPS_BOUNDED; r++) {
            uint64_t most = tops_value(&row->values, (enum tops_rank)r) + row->error[r];
            if (most > tops->floor[r])
                tops->floor[r] = most;
        }
    }
    tops->len = kept;
}

void tops_cut_by(struct tops *tops, size_t n, unsigned ranks)
{
    if (tops->len <= n)
        return;
    bool *marks = calloc(tops->len, 1);
    uint64_t *values = malloc(tops->len * sizeof *values);
    for (int rank = 0; marks && values && rank < TOPS_RANKS; rank++) {
        if (ranks >> rank & 1)
            mark_first(tops, (enum tops_rank)rank, n, marks, values);
    }
    if (marks && values)
        keep(tops, marks);
    else
        tops->failed = true;
    free(marks);
    free(values);
}

void tops_cut(struct tops *tops, size_t n)
{
    tops_cut_by(tops, n, TOPS_ALL_RANKS);
}

void tops_sort(struct tops *tops)
{
    uint32_t kept = 0;
    if (tops->len)
        qsort_r(tops->rows, tops->len, sizeof *tops->rows, by_text, tops);
    for (uint32_t i = 0; i < tops->len; i++) {
        const struct tops_row *row = &tops->rows[i];
        if (kept == 0 || !span_equal(tops_text(tops, &tops->rows[kept - 1]), tops_text(tops, row)))
            tops->rows[kept++] = *row;
    }
    tops->len = kept;
}

/* Numbers, many of them zero: a mask of the others, then these. */
static void put_numbers(struct buf *out, const uint64_t *numbers, unsigned count)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < count; i++)
        mask |= (uint64_t)(numbers[i] != 0) << i;
    pb_put_varint(out, mask);
    for (unsigned i = 0; i < count; i++) {
        if (numbers[i])
            pb_put_varint(out, numbers[i]);
    }
}

/* Numbers that this program does not know are passed over. */
static void read_numbers(struct cursor *c, uint64_t *numbers, unsigned count)
{
    uint64_t mask = pb_varint(c);
    for (unsigned i = 0; mask >> i && i < 64; i++) {
        uint64_t n = mask >> i & 1 ? pb_varint(c) : 0;
        if (i < count)
            numbers[i] = n;
        if (i == 63)
            break;
    }
}

void tops_encode(const struct tops *tops, struct buf *out)
{
    static const struct stats_tally none;
    struct buf plain = {0};
    uint64_t head[HEAD_NUMBERS] = {[HEAD_TALLIES] = tops->tally_count > 0};
    memcpy(head, tops->floor, sizeof tops->floor);
    put_numbers(&plain, head, HEAD_NUMBERS);
    for (uint32_t i = 0; i < tops->len; i++) {
        const struct tops_row *row = &tops->rows[i];
        struct span text = tops_text(tops, row);
        pb_put_varint(&plain, text.len);
        buf_put(&plain, text.ptr, text.len);
        put_numbers(&plain, row->values.of, STATS_MEASURES);
        put_numbers(&plain, row->error, TOPS_BOUNDED);
        if (head[HEAD_TALLIES])
            put_numbers(&plain, row->tally ? tops_tally(tops, row)->of : none.of, STATS_TALLIES);
    }
    out->failed |= plain.failed;
    squeeze(out, buf_span(&plain));
    buf_free(&plain);
}

static void read_tally(struct tops *tops, struct tops_row *row, struct cursor *c)
{
    struct stats_tally tally = {{0}};
    read_numbers(c, tally.of, STATS_TALLIES);
    for (int i = 0; i < STATS_TALLIES; i++) {
        if (tally.of[i] == 0)
            continue;
        tops_tally_add(tops, row, &tally);
        return;
    }
}

static void read_rows(struct tops *tops, struct cursor *c, bool tallies)
{
    while (cursor_left(c) > 0 && !tops->failed) {
        struct span text = pb_bytes(c);
        if (text.len == 0)
            cursor_fail(c);
        struct tops_row *row = c->failed ? NULL : tops_append(tops, text);
        if (!row)
            return;
        read_numbers(c, row->values.of, STATS_MEASURES);
        read_numbers(c, row->error, TOPS_BOUNDED);
        if (tallies)
            read_tally(tops, row, c);
        /* What is not in order would be listed twice after a merge. */
        if (tops->len > 1 && by_text(row - 1, row, tops) >= 0)
            cursor_fail(c);
    }
}

int tops_decode(struct tops *tops, struct span bytes)
{
    struct buf plain = {0};
    int rc = unsqueeze(&plain, bytes, TOPS_BYTES_MAX);
    struct cursor c = cursor_of(buf_span(&plain));
    if (rc == 0) {
        uint64_t head[HEAD_NUMBERS] = {0};
        read_numbers(&c, head, HEAD_NUMBERS);
        memcpy(tops->floor, head, sizeof tops->floor);
        read_rows(tops, &c, head[HEAD_TALLIES] > 0);
    }
    buf_free(&plain);
    if (rc == 0)
        rc = tops->failed ? READ_NO_MEMORY : c.failed ? READ_DAMAGED : 0;
    if (rc < 0)
        tops_free(tops);
    return rc;
}
