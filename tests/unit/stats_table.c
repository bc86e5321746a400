/* The table of frequent keys: rows, cells, what evicting leaves. Bounds: tests/property/stats.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failmalloc.h"

#include "../support/random.h"
#include "stats/known.h"
#include "stats/table.h"

/* A hash as a keyed one would be: any number, always the same for the same key. */
static uint64_t hash_of(uint64_t key)
{
    struct random random = {key * 2 + 1};
    random_u64(&random);
    return random_u64(&random);
}

static struct stats_row *hit(struct stats_table *table, uint64_t key, uint64_t hits)
{
    char text[32];
    bool fresh;
    size_t len = (size_t)snprintf(text, sizeof text, "key %llu", (unsigned long long)key);
    struct stats_row *row = stats_table_row(table, hash_of(key), 0, span_of(text, len), &fresh);
    stats_row_add(table, row, &(struct stats_values){.of = {[MEASURE_QUERIES] = hits}});
    return row;
}

static uint64_t queries(const struct stats_table *table, const struct stats_row *row)
{
    struct stats_values values;
    stats_row_values(table, row, &values);
    return values.of[MEASURE_QUERIES];
}

static struct stats_table made(size_t memory, unsigned mean_key, bool cells)
{
    struct stats_table table;
    assert_int_equal(stats_table_init(&table, memory, mean_key, cells), 0);
    return table;
}

static void assert_key(const struct stats_table *table, const struct stats_row *row, uint64_t key)
{
    char text[32];
    size_t len = (size_t)snprintf(text, sizeof text, "key %llu", (unsigned long long)key);
    assert_non_null(row);
    assert_true(span_equal(stats_row_key(table, row), span_of(text, len)));
}

static void fold(struct stats_table *table, struct stats_table *later)
{
    stats_table_fold_begin(table, later);
    while (!stats_table_fold_some(table, later, 1))
        ;
}

static void a_row_is_made_once(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 16, 20, false);
    bool fresh;
    assert_null(stats_table_find(&table, 77, 0));
    struct stats_row *row = stats_table_row(&table, 77, 0, span_str("one"), &fresh);
    assert_true(fresh);
    assert_ptr_equal(stats_table_row(&table, 77, 0, span_str("one"), &fresh), row);
    assert_false(fresh);
    assert_ptr_equal(stats_table_find(&table, 77, 0), row);
    assert_true(span_equal(stats_row_key(&table, row), span_str("one")));
    /* Another stream: another row; so is an empty key. */
    assert_ptr_equal(stats_table_row(&table, 77, 1, span_str("one"), &fresh), row + 1);
    assert_true(fresh);
    assert_ptr_equal(stats_table_row(&table, 78, 0, span_of(NULL, 0), &fresh), row + 2);
    assert_null(stats_table_find(&table, 78, 1));
    stats_table_free(&table);
}

/* All rows that there are can be had, whatever the hashes have in common. */
static void full_tables_find_all(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 16, 8, false);
    for (int shape = 0; shape < 3; shape++) {
        stats_table_clear(&table);
        bool fresh;
        for (uint64_t i = 0; i < table.row_max; i++) {
            const uint64_t hashes[] = {hash_of(i), i << 32, i};
            stats_table_row(&table, hashes[shape], 3, span_of(&i, sizeof i), &fresh);
            assert_true(fresh);
        }
        for (uint64_t i = 0; i < table.row_max; i++) {
            const uint64_t hashes[] = {hash_of(i), i << 32, i};
            const struct stats_row *row = stats_table_find(&table, hashes[shape], 3);
            assert_ptr_equal(row, table.rows + i);
            assert_true(span_equal(stats_row_key(&table, row), span_of(&i, sizeof i)));
            assert_null(stats_table_find(&table, hashes[shape], 4));
        }
        assert_int_equal(table.floor, 0);
        assert_int_equal(table.evicted, 0);
    }
    stats_table_free(&table);
}

static void the_lightest_go(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 16, 20, false);
    const uint64_t max = table.row_max, gone = (max + 2) / 3;
    for (uint64_t i = 0; i < max; i++) /* weights 1 to max, mixed */
        hit(&table, i, 1 + i * 7919 % max);
    struct stats_row *next = hit(&table, max, 1);
    assert_int_equal(table.evicted, gone);
    assert_int_equal(table.floor, gone);
    assert_int_equal(table.row_count, max - gone + 1);
    assert_int_equal(next->error, gone);
    assert_ptr_equal(next, table.rows + table.row_count - 1);
    for (uint64_t i = 0, place = 0; i < max; i++) {
        const struct stats_row *row = stats_table_find(&table, hash_of(i), 0);
        if (1 + i * 7919 % max <= gone) {
            assert_null(row);
            continue;
        }
        assert_key(&table, row, i);
        assert_int_equal(queries(&table, row), 1 + i * 7919 % max);
        assert_int_equal(row->error, 0);
        assert_ptr_equal(row, table.rows + place++); /* still in their order */
    }
    stats_table_free(&table);
}

/* The key's row, if it gets one with so many hits. */
static const struct stats_row *pass(struct stats_table *table, uint64_t key, uint64_t hits)
{
    bool fresh;
    struct stats_row *row = stats_table_admit(table, hash_of(key), 0, span_str("k"), hits, &fresh);
    if (row)
        stats_row_add(table, row, &(struct stats_values){.of = {[MEASURE_QUERIES] = hits}});
    return row;
}

/* A table that has just dropped some of its keys, all of 5 hits. */
static struct stats_table full_of_fives(void)
{
    struct stats_table table = made(1 << 16, 20, false);
    for (uint64_t i = 0; i <= table.row_max; i++)
        assert_non_null(pass(&table, i, 5)); /* while all fit everybody passes */
    assert_int_equal(table.floor, 5);
    return table;
}

/* A key gets a row of a full table with its first hit beyond the floor, in however many parts these
 * come; and what came before is what it may have had, even if all of that was its own. */
static void a_full_table_has_a_gate(void **state)
{
    (void)state;
    struct stats_table table = full_of_fives();
    const uint64_t many = 1000000;
    uint32_t rows = table.row_count, in = 0, late = 0;
    for (uint64_t i = many; i < many + 100; i++) {
        uint64_t hits = 0;
        const struct stats_row *row = NULL;
        while (!row && hits < 6) {
            hits++;
            row = pass(&table, i, 1);
            uint64_t missed = stats_table_missed(&table, hash_of(i), 0);
            assert_in_range(missed, row ? 0 : hits, 5);
        }
        assert_non_null(row);
        assert_in_range(hits, queries(&table, row), queries(&table, row) + row->error);
        in += hits == 1;
        late += hits == 6 && row->error == 5;
    }
    assert_int_equal(table.row_count, rows + 100);
    assert_in_range(late, 60, 99); /* in most slots there was nobody else ... */
    assert_in_range(in, 1, 30);    /* ... but in some there were those that had been dropped */
    assert_non_null(pass(&table, many + 100, 6));
    stats_table_clear(&table);
    assert_non_null(pass(&table, many, 1));
    assert_int_equal(table.rows[0].error, 0);
    stats_table_free(&table);
}

/* Those that weigh most in the elder table have nothing to wait for; when others do, it is their
 * turn no more. */
static void the_gate_is_open_for_the_heaviest(void **state)
{
    (void)state;
    struct stats_table elder = made(1 << 16, 20, false), table = full_of_fives();
    const uint64_t many = 1000000, max = elder.row_max, heavy = many + max - max / 8;
    for (uint64_t i = 0; i < max; i++)
        hit(&elder, many + i, i + 1);
    stats_table_follow(&table, &elder);
    struct stats_table next = made(1 << 16, 20, false);
    stats_table_succeed(&next, &table);
    for (uint64_t i = 0; i <= next.row_max; i++)
        pass(&next, i, 5);
    for (uint64_t i = heavy; i < heavy + 20; i++) {
        assert_non_null(pass(&table, i, 1));
        assert_non_null(pass(&next, i, 1));
    }
    stats_table_clear(&elder);
    stats_table_follow(&table, &elder);
    unsigned out = 0;
    for (uint64_t i = heavy + 20; i < heavy + 40; i++)
        out += stats_table_missed(&table, hash_of(i), 0) == 5;
    assert_int_equal(out, 20); /* what came while a slot was open is not known */
    stats_table_free(&next);
    stats_table_free(&table);
    stats_table_free(&elder);
}

/* Keys that are among the heaviest of another table are not dropped, and all others as ever. */
static void what_was_heavy_before_stays(void **state)
{
    (void)state;
    struct stats_table elder = made(1 << 16, 20, false), table = made(1 << 16, 20, false);
    const uint64_t max = table.row_max, heavy = max - max / 8;
    for (uint64_t i = 0; i < max; i++)
        hit(&elder, i, i + 1);
    stats_table_follow(&table, &elder);
    for (uint64_t i = heavy - 50; i < max; i++)
        hit(&table, i, 1);
    for (uint64_t i = max; i < 4 * max; i++)
        hit(&table, i, 2 + i % 2);
    for (uint64_t i = heavy - 50; i < max; i++) {
        const struct stats_row *row = stats_table_find(&table, hash_of(i), 0);
        assert_int_equal(row != NULL, i >= heavy);
        if (row)
            assert_int_equal(queries(&table, row) + row->error, 1);
    }
    assert_in_range(table.floor, 1, (2 + 3) * 3 * max / 2 / (max * 2 / 3));
    stats_table_seal(&table);
    stats_table_free(&table);
    stats_table_free(&elder);
}

/* Where keys are long there are few rows, and all may be heavy there: room is made all the same. */
static void all_are_heavy(void **state)
{
    (void)state;
    struct stats_table elder = made(1 << 16, 20, false), table = made(1 << 16, 1, false);
    for (uint64_t i = 0; i < elder.row_max; i++)
        hit(&elder, i, 1);
    stats_table_follow(&table, &elder);
    table.elder_limit = 0;
    for (uint64_t i = 0; i < elder.row_max; i++)
        assert_int_equal(queries(&table, hit(&table, i, 1)), 1);
    assert_true(table.evicted > 0);
    stats_table_free(&table);
    stats_table_free(&elder);
}

/* Of equal rows those go that came first; and no more than a third of all. */
static void the_oldest_of_equals_go(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 16, 20, false);
    const uint64_t max = table.row_max, gone = (max + 2) / 3;
    for (uint64_t i = 0; i <= max; i++)
        hit(&table, i, 5);
    assert_int_equal(table.evicted, gone);
    for (uint64_t i = 0; i <= max; i++)
        assert_true((stats_table_find(&table, hash_of(i), 0) == NULL) == (i < gone));
    stats_table_free(&table);
}

/* Weights far apart, and beyond 32 bits: the lightest are found among them, too. */
static void weights_of_all_magnitudes(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 16, 20, false);
    struct random random = {4};
    for (int round = 0; round < 50; round++) {
        stats_table_clear(&table);
        const uint64_t max = table.row_max;
        for (uint64_t i = 0; i < max; i++)
            hit(&table, i, random_magnitude(&random) >> 4);
        hit(&table, max, 1);
        uint64_t lighter = 0;
        for (uint64_t i = 0; i + 1 < table.row_count; i++) {
            assert_true(stats_row_weight(&table, &table.rows[i]) >= table.floor);
            lighter += stats_row_weight(&table, &table.rows[i]) == table.floor;
        }
        assert_int_equal(table.row_count - 1, max - (max + 2) / 3);
        assert_in_range(lighter, 0, max / 3);
    }
    stats_table_free(&table);
}

/* The longest keys: their bytes run out long before the rows. */
static void keys_run_out(void **state)
{
    (void)state;
    static const unsigned means[] = {0, 1, 20, 255};
    for (size_t m = 0; m < sizeof means / sizeof *means; m++) {
        struct stats_table table = made(1 << 14, means[m], false);
        for (uint64_t i = 0; i < 1000; i++) {
            uint8_t key[255];
            bool fresh;
            memset(key, (int)i, sizeof key);
            struct stats_row *row =
                stats_table_row(&table, hash_of(i), 0, span_of(key, 255 - i % 3), &fresh);
            stats_row_add(&table, row, &(struct stats_values){.of = {[MEASURE_RESPONSES] = 1}});
            assert_true(span_equal(stats_row_key(&table, row), span_of(key, 255 - i % 3)));
        }
        assert_int_equal(table.evicted + table.row_count, 1000);
        for (uint32_t i = 0; i < table.row_count; i++) {
            struct span key = stats_row_key(&table, &table.rows[i]);
            uint64_t number = 1000 - table.row_count + i; /* the last ones are left */
            assert_int_equal(key.len, 255 - number % 3);
            for (size_t at = 0; at < key.len; at++)
                assert_int_equal(key.ptr[at], (uint8_t)number);
        }
        stats_table_free(&table);
    }
}

enum {
    ROW_CELLS = STATS_ROW_BLOCKS * STATS_BLOCK_CELLS, /* a row has no more ... */
    BLOCKS_MAX = STATS_ROW_BLOCKS + 10,               /* ... but for those that carry */
};

static uint64_t cell_hits(const struct stats_table *table, const struct stats_row *row,
                          size_t *count)
{
    uint64_t hits = 0;
    *count = 0;
    for (const struct stats_cell *cell = NULL; (cell = stats_row_cell(table, row, cell)); ++*count)
        hits += stats_cell_hits(cell);
    return hits;
}

static void cells_count(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 16, 20, true);
    struct stats_row *row = hit(&table, 1, 1), *other = hit(&table, 2, 1);
    static const struct {
        unsigned direction;
        uint16_t qtype, rcode;
    } cells[] = {{0, 1, 0}, {1, 1, 0}, {1, 1, 3}, {1, 28, 3}, {0, STATS_NO_QTYPE, STATS_NO_RCODE}};
    enum { CELLS = sizeof cells / sizeof *cells };
    assert_null(stats_row_cell(&table, row, NULL));
    for (unsigned n = 1; n <= 3; n++)
        for (size_t i = 0; i < CELLS; i++)
            stats_table_cell(&table, &row, cells[i].direction, cells[i].qtype, cells[i].rcode,
                             i + n);
    const struct stats_cell *cell = NULL;
    for (size_t i = 0; i < CELLS; i++) {
        cell = stats_row_cell(&table, row, cell);
        assert_true(cell->direction == cells[i].direction && cell->qtype == cells[i].qtype &&
                    cell->rcode == cells[i].rcode && cell->hits == 3 * i + 6);
    }
    assert_null(stats_row_cell(&table, row, cell));
    assert_null(stats_row_cell(&table, other, NULL));
    stats_table_free(&table);
}

/* No count is too large, whatever becomes of its row. */
static void counts_are_past_32_bits(void **state)
{
    (void)state;
    const uint64_t large = (UINT64_C(1) << 32) - 1, larger = UINT64_C(5) << 33;
    struct stats_table tables[] = {made(1 << 14, 20, true), made(1 << 14, 20, true)};
    struct stats_values wanted = {{0}}, values;
    struct stats_row *row = hit(&tables[0], 1, 0);
    for (int m = 0; m < STATS_MEASURES; m++) {
        uint64_t adds[] = {large, 1 + (uint64_t)m, larger};
        for (size_t i = 0; i < sizeof adds / sizeof *adds; i++) {
            struct stats_values add = {{0}};
            add.of[m] = m == MEASURE_SLOWEST ? large - i : adds[i];
            stats_values_add(&wanted, &add);
            stats_row_add(&tables[0], row, &add);
        }
    }
    stats_row_values(&tables[0], row, &values);
    assert_memory_equal(&values, &wanted, sizeof values);
    const uint64_t hits[] = {large, 1, larger, large, large};
    uint64_t sum = 0;
    size_t count;
    for (size_t i = 0; i < sizeof hits / sizeof *hits; sum += hits[i++])
        stats_table_cell(&tables[0], &row, 1, 28, 3, hits[i]);
    assert_int_equal(cell_hits(&tables[0], row, &count), sum);
    assert_int_equal(count, 2);
    /* Rows come and go beside it: it is the heaviest. */
    for (uint64_t i = 2; i < 1000; i++)
        hit(&tables[0], i, 1);
    assert_true(tables[0].evicted > 0);
    /* It is folded twice into another table, and its groups are joined there. */
    const uint16_t homes[] = {0, 0};
    fold(&tables[1], &tables[0]);
    tables[1].rows[0].group = 1;
    stats_table_move(&tables[1], (uint16_t[]){0, 1});
    fold(&tables[1], &tables[0]);
    stats_table_move(&tables[1], homes);
    const struct stats_row *both = stats_table_find(&tables[1], hash_of(1), 0);
    struct stats_values twice = wanted;
    stats_values_add(&twice, &wanted);
    stats_row_values(&tables[1], both, &values);
    assert_memory_equal(&values, &twice, sizeof values);
    assert_int_equal(cell_hits(&tables[1], both, &count), 2 * sum);
    assert_int_equal(both->error, 2 * tables[1].floor); /* it came and moved */
    for (int i = 0; i < 2; i++)
        stats_table_free(&tables[i]);
}

static uint32_t rows_since(const struct stats_table *table, uint32_t mark)
{
    return table->row_count - stats_table_marked(table, mark);
}

/* Which rows came before a mark and which later is known still when others were evicted, their
 * groups were joined, or more were folded in. */
static void marks_stay_between_their_rows(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 14, 20, false), later = made(1 << 14, 20, false);
    for (uint64_t i = 0; i < 3; i++) {
        stats_table_mark(&table); /* before none, one and two rows */
        hit(&table, 1 + i, 1000)->group = 0;
    }
    stats_table_mark(&table);
    assert_int_equal(rows_since(&table, 0), 3);
    assert_int_equal(rows_since(&table, 2), 1);
    for (uint64_t i = 10; i < 1000; i++)
        hit(&table, i, 1);
    assert_true(table.evicted > 0);
    for (uint32_t mark = 0; mark < 4; mark++)
        assert_int_equal(stats_table_marked(&table, mark), mark); /* the heavy ones are there */
    hit(&later, 2, 1);
    hit(&later, 5000, 1);
    stats_table_mark(&table);
    fold(&table, &later);
    assert_int_equal(rows_since(&table, 4), 1); /* the other one was known */
    /* The first one's key moves to where the second's is; and then there are as many less. */
    table.rows[1].hash = table.rows[0].hash;
    table.rows[1].group = 1;
    stats_table_move(&table, (uint16_t[]){0, 0});
    assert_int_equal(stats_table_marked(&table, 0), 0);
    assert_int_equal(stats_table_marked(&table, 1), 1);
    assert_int_equal(stats_table_marked(&table, 2), 1);
    assert_int_equal(stats_table_marked(&table, 3), 2);
    assert_int_equal(rows_since(&table, 4), 1);
    for (uint32_t mark = 5; mark < STATS_MARKS + 1; mark++)
        stats_table_mark(&table);
    assert_int_equal(table.mark_count, STATS_MARKS);
    assert_int_equal(stats_table_marked(&table, 0), 1); /* the oldest has gone */
    stats_table_clear(&table);
    assert_int_equal(table.mark_count, 0);
    stats_table_free(&table);
    stats_table_free(&later);
}

/* Sums of latencies stay where they cannot grow; and what has no memory for its upper half says how
 * far it may be wrong. */
static void sums_and_counts_have_an_end(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 14, 20, false);
    struct stats_row *row = hit(&table, 1, 1);
    struct stats_values values, most = {{0}};
    most.of[MEASURE_LATENCY] = UINT64_MAX - 1;
    stats_row_add(&table, row, &most);
    stats_row_add(&table, row, &most);
    stats_row_values(&table, row, &values);
    assert_true(values.of[MEASURE_LATENCY] == UINT64_MAX);
    stats_values_add(&values, &most);
    assert_true(values.of[MEASURE_LATENCY] == UINT64_MAX);
    failmalloc_start(1);
    hit(&table, 1, UINT64_C(3) << 32);
    assert_true(failmalloc_stop());
    assert_int_equal(queries(&table, row), 1);
    assert_true(row->error == UINT64_C(3) << 32);
    stats_table_free(&table);
}

/* A row keeps its first cells and gets no more than it may have. */
static void cells_of_a_row_are_limited(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 12, 20, true);
    struct stats_row *row = hit(&table, 1, 1);
    for (int round = 0; round < 2; round++)
        for (unsigned type = 0; type < 65536; type++)
            stats_table_cell(&table, &row, 0, (uint16_t)type, 0, 1);
    size_t count;
    assert_int_equal(cell_hits(&table, row, &count), 2 * ROW_CELLS);
    assert_int_equal(count, ROW_CELLS);
    assert_int_equal(table.evicted, 0);
    stats_table_free(&table);
}

/* Cells run out: others go, even heavier ones; the row in work stays, and all cells left are right.
 */
static void cells_run_out(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 14, 20, true);
    struct stats_row *row;
    for (uint64_t i = 0; i < 5000; i++) {
        row = hit(&table, i, i % 7 ? 1000 : 0);
        row->tag = (uint8_t)(i % 251);
        for (uint16_t n = 0; n < 40; n++) {
            stats_table_cell(&table, &row, n & 1, n, (uint16_t)(i % 4096), i + 1);
            assert_key(&table, row, i);
        }
    }
    assert_true(table.evicted > 4000 && table.row_count > 2);
    assert_in_range(table.block_count, table.row_max, table.block_max);
    for (uint32_t i = 0; i < table.row_count; i++) {
        size_t count;
        uint64_t hits = cell_hits(&table, &table.rows[i], &count);
        assert_int_equal(hits % 40, 0);
        assert_int_equal((hits / 40 - 1) % 251, table.rows[i].tag);
        assert_int_equal(count, 40);
    }
    stats_table_free(&table);
}

/* Two rows that have all blocks that one may have: the third one that wants some makes one go. */
static void the_last_other_row_goes(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 12, 20, true);
    assert_int_equal(table.block_max - table.row_max, 2 * BLOCKS_MAX);
    for (uint64_t i = 0; i < 3; i++) {
        struct stats_row *row = hit(&table, i, 100 - i);
        for (int round = 0; round < 2; round++)
            for (uint16_t n = 0; n < ROW_CELLS; n++)
                stats_table_cell(&table, &row, 0, n, 0, UINT32_MAX);
    }
    assert_int_equal(table.row_count, 2);
    assert_int_equal(table.evicted, 1);
    assert_key(&table, stats_table_find(&table, hash_of(0), 0), 0);
    assert_key(&table, stats_table_find(&table, hash_of(2), 0), 2);
    assert_int_equal(table.floor, 99);
    stats_table_free(&table);
}

static size_t bytes_of(const struct stats_table *table)
{
    return table->row_max * sizeof *table->rows +
           ((size_t)table->index_mask + 1) * sizeof *table->index + table->gate.mask + 1 +
           table->keys_max + table->block_max * sizeof *table->blocks;
}

static void memory_is_as_told(void **state)
{
    (void)state;
    for (size_t memory = 1 << 16; memory <= 1 << 28; memory += memory / 3)
        for (unsigned cells = 0; cells < 2; cells++)
            for (unsigned mean_key = 1; mean_key <= 64; mean_key *= 4) {
                struct stats_table table = made(memory, mean_key, cells);
                assert_in_range(bytes_of(&table), memory * 95 / 100, memory * 105 / 100);
                stats_table_free(&table);
            }
    struct stats_table table = made(0, 20, true);
    assert_in_range(bytes_of(&table), 0, 16384);
    for (uint64_t i = 0; i < 1000; i++)
        assert_key(&table, hit(&table, i, 1), i);
    stats_table_free(&table);
}

/* With less memory than it has, a table keeps the heaviest rows, their cells and bounds; what it
 * had beyond that goes back to the system, and it fills anew up to there. */
static void limits_come_down(void **state)
{
    (void)state;
    const size_t memory = 4 << 20;
    struct stats_table table = made(memory, 20, true);
    for (uint64_t i = 0; i < table.row_max; i++) {
        struct stats_row *row = hit(&table, i, i + 1);
        stats_table_cell(&table, &row, 0, 1, 0, i + 1);
    }
    stats_table_limit(&table, 2 * memory);
    assert_int_equal(table.row_most, table.row_max);
    assert_int_equal(table.row_count, table.row_max);
    stats_table_limit(&table, memory / 2);
    assert_in_range(table.row_most, table.row_max * 2 / 5, table.row_max / 2);
    assert_in_range(table.row_count, table.row_most / 2, table.row_most);
    assert_int_equal(table.floor, table.row_max - table.row_count);
    for (uint64_t i = 0; i < table.row_max; i++) {
        const struct stats_row *row = stats_table_find(&table, hash_of(i), 0);
        assert_true(!row == (i < table.floor));
        size_t count;
        if (row)
            assert_int_equal(cell_hits(&table, row, &count), i + 1);
    }
    uintptr_t last = (uintptr_t)&table.rows[table.row_max - 1];
    unsigned char there = 1;
    last -= last % (uintptr_t)sysconf(_SC_PAGESIZE);
    assert_int_equal(mincore((void *)(last - (1 << 16)), 1, &there), 0);
    assert_int_equal(there & 1, 0);
    uint64_t before = table.evicted;
    for (uint64_t i = 0; table.evicted == before; i++)
        hit(&table, table.row_max + i, 1);
    assert_in_range(table.row_count, 1, table.row_most);
    stats_table_limit(&table, 0);
    assert_in_range(table.row_count, 1, 4);
    stats_table_free(&table);
}

/* Every key that is said to fit does; the next one does not, and says so. */
static void known_keys_have_an_end(void **state)
{
    (void)state;
    for (size_t keys = 0; keys < 3000; keys = 3 * keys + 1) {
        struct known known;
        assert_int_equal(known_init(&known, keys), 0);
        for (int round = 0; round < 2; round++) {
            for (uint64_t i = 0; i < keys; i++) {
                uint8_t bits = (uint8_t)(1 + i % 127);
                assert_int_equal(known_note(&known, hash_of(i), 1), 0);
                assert_int_equal(known_note(&known, hash_of(i), bits), 1);
                assert_int_equal(known_note(&known, hash_of(i), 1), 1 | bits);
            }
            assert_false(known.full);
            assert_int_equal(known_note(&known, hash_of(keys), 1), 0);
            assert_int_equal(known_note(&known, hash_of(keys), 1), 0);
            assert_true(known.full);
            known_clear(&known);
            assert_false(known.full);
        }
        known_free(&known);
    }
}

static void clearing_forgets(void **state)
{
    (void)state;
    struct stats_table table = made(1 << 14, 20, true);
    for (uint64_t i = 0; i < 1000; i++) {
        struct stats_row *row = hit(&table, i, i);
        stats_table_cell(&table, &row, 0, 1, 0, 1);
    }
    assert_true(table.floor > 0);
    stats_table_clear(&table);
    assert_true(table.floor == 0 && table.evicted == 0 && table.row_count == 0);
    for (uint64_t i = 0; i < 1000; i++)
        assert_null(stats_table_find(&table, hash_of(i), 0));
    struct stats_row *row = hit(&table, 5, 1);
    assert_ptr_equal(row, table.rows);
    assert_null(stats_row_cell(&table, row, NULL));
    stats_table_free(&table);
    stats_table_free(&table); /* again, and of nothing */
    stats_table_free(NULL);
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    struct stats_table table = {.floor = 4711};
    for (unsigned n = 1;; n++) {
        failmalloc_start(n);
        int status = stats_table_init(&table, 1 << 14, 20, true);
        if (!failmalloc_stop()) {
            assert_int_equal(n, 2); /* one was tried */
            break;
        }
        assert_int_equal(status, -1);
        assert_true(table.floor == 4711 && !table.rows);
    }
    stats_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_made_once),
        cmocka_unit_test(full_tables_find_all),
        cmocka_unit_test(the_lightest_go),
        cmocka_unit_test(a_full_table_has_a_gate),
        cmocka_unit_test(the_gate_is_open_for_the_heaviest),
        cmocka_unit_test(what_was_heavy_before_stays),
        cmocka_unit_test(all_are_heavy),
        cmocka_unit_test(the_oldest_of_equals_go),
        cmocka_unit_test(weights_of_all_magnitudes),
        cmocka_unit_test(keys_run_out),
        cmocka_unit_test(cells_count),
        cmocka_unit_test(counts_are_past_32_bits),
        cmocka_unit_test(marks_stay_between_their_rows),
        cmocka_unit_test(sums_and_counts_have_an_end),
        cmocka_unit_test(cells_of_a_row_are_limited),
        cmocka_unit_test(cells_run_out),
        cmocka_unit_test(the_last_other_row_goes),
        cmocka_unit_test(memory_is_as_told),
        cmocka_unit_test(limits_come_down),
        cmocka_unit_test(known_keys_have_an_end),
        cmocka_unit_test(clearing_forgets),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
