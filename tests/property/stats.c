/*
 * Properties of the statistics' sketches, over random streams whose exact counts are known: the
 * table keeps its bounds at any time, sketches that merge are what one would be that saw all, and
 * estimates are as near as they promise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "../support/random.h"
#include "stats/counters.h"
#include "stats/hll.h"
#include "stats/quantile.h"
#include "stats/stats_state.h"

static void *zeros(size_t count, size_t size)
{
    void *made = calloc(count, size);
    assert_non_null(made);
    return made;
}

/* 0 to 1, both never. */
static double random_part(struct random *random)
{
    return ((double)(random_u64(random) >> 11) + 0.5) / 9007199254740992.0;
}

/* ---- The table ---- */

enum { KEYS = 40000, EVENTS = 150000, CHECKS = 10 };

/* A stream of keys, 0 to KEYS - 1: the next of them. */
struct keys {
    struct random random;
    uint32_t new; /* how many keys came that came once */
};

static uint32_t skewed_key(struct keys *keys)
{
    return (uint32_t)pow(KEYS, random_part(&keys->random)) - 1; /* density 1 / key: Zipf */
}

static uint32_t even_key(struct keys *keys)
{
    return (uint32_t)random_below(&keys->random, KEYS);
}

/* Nearly all keys are new ones, as under an attack with random names. */
static uint32_t attacking_key(struct keys *keys)
{
    return random_below(&keys->random, 8) ? keys->new ++ % KEYS : skewed_key(keys);
}

/* Always that which has been away for longest: the worst for a table that evicts. */
static uint32_t round_robin_key(struct keys *keys)
{
    return keys->new ++ % (KEYS / 10);
}

/* Some keys for a while, then others. */
static uint32_t drifting_key(struct keys *keys)
{
    return (keys->new ++ / 16 + (uint32_t)random_below(&keys->random, 500)) % KEYS;
}

static uint32_t (*const streams[])(struct keys *) = {
    skewed_key, even_key, attacking_key, round_robin_key, drifting_key,
};

struct trial {
    struct stats_table table;
    uint64_t *truth; /* hits by key */
    uint64_t total;  /* all hits */
    uint32_t *came;  /* by key: which row it was, from 1 on */
    uint32_t rows;
    uint32_t least;     /* rows of the table when it was full with the fewest */
    uint64_t mean_hits; /* 1: every event has one */
    bool cells;
    bool gated;     /* keys have to pass the gate, as in the statistics; else all get rows */
    uint32_t stood; /* how often one has not passed it */
    uint32_t marks[STATS_MARKS], mark_count; /* what `rows` was */
};

static uint64_t hash_of(uint32_t key)
{
    uint64_t x = (key + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* A key's bytes: of many lengths, but always the same ones. */
static struct span bytes_of(uint32_t key, uint8_t *space)
{
    size_t len = 4 + hash_of(key) % (key % 64 ? 20 : 252);
    memset(space, (int)key, len);
    memcpy(space, &key, sizeof key);
    return span_of(space, len);
}

static void hit(struct trial *trial, uint32_t key, uint64_t hits, unsigned kind)
{
    struct stats_table *table = &trial->table;
    uint8_t space[256];
    bool fresh;
    uint32_t before = table->row_count;
    uint64_t evicted = table->evicted;
    struct span bytes = bytes_of(key, space);
    uint16_t group = (uint16_t)(key % 3);
    struct stats_row *row = trial->gated
                                ? stats_table_admit(table, hash_of(key), group, bytes, hits, &fresh)
                                : stats_table_row(table, hash_of(key), group, bytes, &fresh);
    trial->truth[key] += hits;
    trial->total += hits;
    trial->stood += row == NULL;
    if (!row)
        return;
    struct stats_values values = {{0}};
    values.of[kind & 1 ? MEASURE_RESPONSES : MEASURE_QUERIES] = hits;
    stats_row_add(table, row, &values);
    trial->came[key] = fresh ? ++trial->rows : trial->came[key];
    if (trial->cells)
        stats_table_cell(table, &row, kind & 1, kind % 5 ? 1 : (uint16_t)kind, kind % 7 ? 0 : 3,
                         hits);
    if (table->evicted != evicted && before < trial->least)
        trial->least = before;
}

static uint64_t hits_of(const struct stats_table *table, const struct stats_row *row)
{
    struct stats_values values;
    stats_row_values(table, row, &values);
    return values.of[MEASURE_QUERIES] + values.of[MEASURE_RESPONSES];
}

static void check_row(const struct trial *trial, uint32_t key)
{
    const struct stats_table *table = &trial->table;
    const struct stats_row *row = stats_table_find(table, hash_of(key), (uint16_t)(key % 3));
    uint64_t truth = trial->truth[key];
    if (!row) { /* what comes rarely has a row before it has come more often than that */
        uint64_t missed = stats_table_missed(table, hash_of(key), (uint16_t)(key % 3));
        assert_true(truth <= missed && missed <= table->floor);
        return;
    }
    uint8_t space[256];
    uint64_t in_cells = 0;
    uint64_t count = hits_of(table, row);
    assert_true(count <= truth && truth <= count + row->error && row->error <= table->floor);
    assert_true(span_equal(stats_row_key(table, row), bytes_of(key, space)));
    for (const struct stats_cell *cell = NULL; (cell = stats_row_cell(table, row, cell));)
        in_cells += stats_cell_hits(cell);
    assert_true(in_cells == (trial->cells ? count : 0));
}

/* Marks the moment, now and then. */
static void mark(struct trial *trial, struct random *random)
{
    if (random_below(random, EVENTS / STATS_MARKS / 2) > 0)
        return;
    if (trial->mark_count == STATS_MARKS)
        memmove(trial->marks, trial->marks + 1, --trial->mark_count * sizeof *trial->marks);
    trial->marks[trial->mark_count++] = trial->rows;
    stats_table_mark(&trial->table);
}

/* Of every row it is known between which marks it came; `came` is of the row with that number. */
static void check_marks(const struct trial *trial, uint32_t number, uint32_t came)
{
    const struct stats_table *table = &trial->table;
    for (uint32_t m = 0; m < trial->mark_count; m++)
        assert_true((number >= stats_table_marked(table, m)) == (came > trial->marks[m]));
}

static void check_table(const struct trial *trial)
{
    const struct stats_table *table = &trial->table;
    for (uint32_t key = 0; key < KEYS; key++)
        check_row(trial, key);
    for (uint32_t i = 0, before = 0; i < table->row_count; i++) {
        uint32_t key;
        memcpy(&key, stats_row_key(table, &table->rows[i]).ptr, sizeof key);
        assert_true(trial->came[key] > before); /* they stand as they came */
        before = trial->came[key];
        check_marks(trial, i, before);
    }
    assert_int_equal(table->mark_count, trial->mark_count);
    assert_true((table->floor > 0) == (table->evicted > 0));
    assert_true((double)table->floor <= (double)trial->total / (trial->least * 2 / 3.0 - 2));
}

static void run_trial(struct trial *trial, uint32_t (*next)(struct keys *), uint64_t seed)
{
    struct keys keys = {.random = {seed}};
    struct random marks = {seed};
    for (int i = 0; i < EVENTS; i++) {
        mark(trial, &marks);
        uint64_t hits = trial->mean_hits == 1 || random_below(&keys.random, 10)
                            ? 1
                            : random_below(&keys.random, 20 * trial->mean_hits);
        /* Kinds are few for most keys, and many for some: then cells run out first. */
        uint32_t key = next(&keys);
        unsigned kind = (unsigned)random_below(&keys.random, key % 100 ? 6 : 200);
        hit(trial, key, hits, kind);
        if (i % (EVENTS / CHECKS) == 0)
            check_table(trial);
    }
    check_table(trial);
}

static void the_table_keeps_its_bounds(void **state)
{
    (void)state;
    static const size_t memories[] = {1 << 14, 1 << 17, 1 << 20, 1 << 24};
    static const uint64_t mean_hits[] = {1, 100, 1, UINT32_MAX}; /* some are past 32 bits */
    enum { MEMORIES = sizeof memories / sizeof *memories };
    unsigned exact = 0, trials = 0;
    for (size_t s = 0; s < sizeof streams / sizeof *streams; s++)
        for (unsigned shape = 0; shape < 2 * MEMORIES; shape++) {
            struct trial trial = {.truth = zeros(KEYS, sizeof(uint64_t)),
                                  .came = zeros(KEYS, sizeof(uint32_t)),
                                  .least = UINT32_MAX,
                                  .mean_hits = mean_hits[shape % 4],
                                  .gated = shape != 0 && shape != 5,
                                  .cells = shape % 3 != 0};
            unsigned mean_key = shape % 4 ? 24 : 8;
            assert_int_equal(
                stats_table_init(&trial.table, memories[shape / 2], mean_key, trial.cells), 0);
            run_trial(&trial, streams[s], 1 + shape);
            assert_true((trial.stood > 0) == (trial.gated && trial.table.evicted > 0));
            exact += trial.table.evicted == 0;
            trials++;
            stats_table_free(&trial.table);
            free(trial.truth);
            free(trial.came);
        }
    /* Some streams fit, and then all was exact; most did not, or nothing was tried here. */
    assert_in_range(exact, trials / 10, trials / 2);
}

/* Tables of what came before, of what is being added to it, and of what came later. */
struct folds {
    struct trial trial; /* the table of what came later is its own */
    struct stats_table before, between;
};

/* What all say of a key together is true, however often one was folded into another, and however
 * much of one is there already. Nothing is there twice: where no row was dropped it is just right.
 */
static void check_folds(const struct folds *folds)
{
    const struct trial *trial = &folds->trial;
    const struct stats_table *const tables[] = {&folds->before, &folds->between, &trial->table};
    for (uint32_t key = 0; key < KEYS; key++) {
        uint64_t least = 0, error = 0, truth = trial->truth[key];
        for (size_t i = 0; i < 3; i++) {
            const struct stats_table *table = tables[i];
            const struct stats_row *row =
                stats_table_left(table, hash_of(key), (uint16_t)(key % 3));
            assert_true(!row || row->error <= table->floor);
            least += row ? hits_of(table, row) : 0;
            error += row ? stats_row_error_left(table, row) : stats_table_floor_left(table);
        }
        assert_in_range(truth, least, least + error);
    }
}

/* The later table ends, and an empty one takes its place. */
static void begin_fold(struct folds *folds)
{
    struct stats_table empty = folds->between;
    folds->between = folds->trial.table;
    folds->trial.table = empty;
    stats_table_clear(&folds->trial.table);
    stats_table_fold_begin(&folds->before, &folds->between);
    stats_table_succeed(&folds->trial.table, &folds->between);
    check_folds(folds);
}

static void fold_on(struct folds *folds, struct random *random)
{
    struct stats_table *table = &folds->trial.table;
    if (!folds->between.folding || !stats_table_fold_some(&folds->before, &folds->between,
                                                          1 + (uint32_t)random_below(random, 30)))
        return;
    stats_table_clear(&folds->between);
    stats_table_follow(table, &folds->before);
}

static void run_folds(struct folds *folds, uint32_t (*next)(struct keys *), uint64_t seed)
{
    struct keys keys = {.random = {seed}};
    for (int i = 0; i < EVENTS / 4; i++) {
        hit(&folds->trial, next(&keys), 1 + random_below(&keys.random, 3),
            (unsigned)random_below(&keys.random, 6));
        fold_on(folds, &keys.random);
        if (!folds->between.folding && random_below(&keys.random, EVENTS / 40) == 0)
            begin_fold(folds);
        if (i % (EVENTS / CHECKS) == 0)
            check_folds(folds);
    }
    check_folds(folds);
}

static void tables_fold_within_their_bounds(void **state)
{
    (void)state;
    static const size_t memories[] = {1 << 14, 1 << 17, 1 << 20};
    unsigned exact = 0, trials = 0;
    for (size_t s = 0; s < sizeof streams / sizeof *streams; s++) {
        for (unsigned shape = 0; shape < 9; shape++, trials++) {
            struct folds f = {.trial = {.truth = zeros(KEYS, sizeof(uint64_t)),
                                        .came = zeros(KEYS, sizeof(uint32_t)),
                                        .gated = s != 1,
                                        .cells = shape % 2}};
            struct stats_table *const tables[] = {&f.before, &f.between, &f.trial.table};
            for (int i = 0; i < 3; i++)
                assert_int_equal(
                    stats_table_init(tables[i], memories[i ? shape % 3 : shape / 3], 24, shape % 2),
                    0);
            run_folds(&f, streams[s], 1 + shape);
            exact += f.before.evicted + f.trial.table.evicted == 0;
            for (int i = 0; i < 3; i++)
                stats_table_free(tables[i]);
            free(f.trial.truth);
            free(f.trial.came);
        }
    }
    assert_in_range(exact, 1, trials / 2);
}

/* ---- The heaviest under an attack ---- */

enum { USUAL = 20000, TOP = 100 };

/* What comes: exchanges of usual names, by Zipf's law, and names that come once. */
struct attack {
    uint64_t memory; /* of all statistics */
    uint32_t attacks, usual;
    double recall; /* of the top, at least */
};

/* The tables of names as the statistics have them, with so much memory. */
struct siege {
    struct table_set sets[3];
    struct stats_table *before, *between, *now;
    struct random random;
    uint32_t attacks, truth[USUAL];
    uint64_t evicted; /* by `now`, when it was looked at last */
};

static struct stats_table *names_for(struct table_set *set, size_t memory)
{
    assert_int_equal(table_set_init(set, memory), 0);
    return &set->tables[TABLE_DOMAINS];
}

/* A question and its answer. */
static void exchange(struct stats_table *table, uint32_t key)
{
    static const uint8_t zeros[30];
    bool fresh;
    struct stats_row *row =
        stats_table_admit(table, hash_of(key), 0, span_of(zeros, sizeof zeros), 2, &fresh);
    struct stats_values values = {{0}};
    if (!row)
        return;
    values.of[MEASURE_QUERIES] = values.of[MEASURE_RESPONSES] = 1;
    stats_row_add(table, row, &values);
    for (unsigned direction = 0; direction < 2; direction++)
        stats_table_cell(table, &row, direction, 1, 0, 1);
}

static void send_exchange(struct siege *siege, const struct attack *attack)
{
    uint64_t all = (uint64_t)attack->attacks + attack->usual;
    if (random_below(&siege->random, all) < attack->attacks) {
        exchange(siege->now, USUAL + siege->attacks++);
        return;
    }
    uint32_t key = (uint32_t)pow(USUAL, random_part(&siege->random)) - 1;
    siege->truth[key]++;
    exchange(siege->now, key);
}

/* When a window ends, as the exchanges of the siege are sent, `part` of 1 so far. */
typedef bool when_to_end(struct siege *siege, double part);

static bool never(struct siege *siege, double part)
{
    (void)siege, (void)part;
    return false;
}

static bool at_random(struct siege *siege, double part)
{
    (void)part;
    return random_below(&siege->random, 20000) == 0;
}

/* When it has just dropped a third of its rows. */
static bool after_it_dropped(struct siege *siege, double part)
{
    bool dropped = siege->now->evicted != siege->evicted && part > 0.2;
    siege->evicted = siege->now->evicted;
    return dropped && random_below(&siege->random, 3) == 0;
}

static bool when_it_is_full(struct siege *siege, double part)
{
    return part > 0.3 && siege->now->row_count == siege->now->row_most &&
           random_below(&siege->random, 3) == 0;
}

/* Once, in the middle of it all. */
static bool half_way(struct siege *siege, double part)
{
    return part > 0.5 && siege->before->row_count == 0;
}

static void end_window(struct siege *siege)
{
    struct stats_table *empty = siege->between;
    stats_table_clear(empty);
    siege->between = siege->now;
    siege->now = empty;
    siege->evicted = 0;
    stats_table_fold_begin(siege->before, siege->between);
    stats_table_succeed(siege->now, siege->between);
}

/* How many of the first ones the tables hold for that. */
static double recall_of(const struct siege *siege)
{
    uint64_t counted[USUAL], truths[USUAL];
    const struct stats_table *const tables[] = {siege->before, siege->between, siege->now};
    for (uint32_t key = 0; key < USUAL; key++) {
        counted[key] = 0;
        for (size_t i = 0; i < 3; i++) {
            const struct stats_row *row = stats_table_left(tables[i], hash_of(key), 0);
            counted[key] += row ? hits_of(tables[i], row) : 0;
        }
        assert_in_range(counted[key], 0, 2 * siege->truth[key]);
        truths[key] = siege->truth[key];
    }
    uint32_t rank = USUAL - TOP, same = USUAL - TOP, missed = 0;
    uint64_t least = stats_weight_at(truths, USUAL, &rank);
    uint64_t shown = stats_weight_at(counted, USUAL, &same);
    for (uint32_t key = 0; key < USUAL; key++)
        missed += truths[key] > least && counted[key] < shown;
    return 1 - (double)missed / TOP;
}

static double besiege(const struct attack *attack, when_to_end *ends, uint64_t seed)
{
    const struct stats_settings settings = {.memory = attack->memory, .streams = 64};
    struct shares shares = stats_shares(&settings, 1);
    struct siege *siege = zeros(1, sizeof *siege);
    siege->random = (struct random){seed};
    siege->before = names_for(&siege->sets[0], shares.tables);
    siege->between = names_for(&siege->sets[1], shares.window);
    siege->now = names_for(&siege->sets[2], shares.window);
    const uint32_t all = attack->attacks + attack->usual;
    for (uint32_t i = 0; i < all; i++) {
        send_exchange(siege, attack);
        if (siege->between->folding) {
            if (!stats_table_fold_some(siege->before, siege->between, 20))
                continue;
            stats_table_clear(siege->between);
            stats_table_follow(siege->now, siege->before);
        } else if (ends(siege, (double)i / all)) {
            end_window(siege);
        }
    }
    assert_true(siege->before->evicted + siege->now->evicted > 0);
    double recall = recall_of(siege);
    for (int i = 0; i < 3; i++)
        table_set_free(&siege->sets[i]);
    free(siege);
    return recall;
}

/* Whenever windows end in the middle of it: with the usual memory, and with the least, where no
 * bound is so near. */
static void the_heaviest_are_found_under_attack(void **state)
{
    (void)state;
    static const struct attack attacks[] = {
        {64 << 20, 1000000, 200000, 0.99},
        {4 << 20, 120000, 80000, 0.97},
    };
    static when_to_end *const ends[] = {never, at_random, after_it_dropped, when_it_is_full,
                                        half_way};
    for (size_t a = 0; a < sizeof attacks / sizeof *attacks; a++) {
        for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
            double recall = besiege(&attacks[a], ends[e], 17 + e);
            if (recall < attacks[a].recall)
                fail_msg("with %d MB, windows ending as in %zu: recall %.2f",
                         (int)(attacks[a].memory >> 20), e, recall);
        }
    }
}

/* ---- HyperLogLog ---- */

enum { SEEDS = 64, STEPS = 14 };
#define HLL_ERROR (1.04 / sqrt(HLL_REGISTERS)) /* of the paper: 0.81 % */

static void distinct_counts_are_near(void **state)
{
    (void)state;
    struct hll *hll = zeros(SEEDS, sizeof *hll);
    struct random random = {11};
    uint64_t n = 0, steps[STEPS];
    unsigned far = 0;
    for (int step = 0; step < STEPS; step++) /* 1, 3, 10 ... to 3162277 */
        steps[step] = (uint64_t)pow(10, step / 2.0);
    for (int step = 0; step < STEPS; step++) {
        double squares = 0, errors = 0;
        for (int i = 0; i < SEEDS; i++) {
            for (uint64_t more = n; more < steps[step]; more++)
                hll_add(&hll[i], random_u64(&random));
            double error = hll_estimate(&hll[i]) / (double)steps[step] - 1;
            far += fabs(error) > 3 * HLL_ERROR;
            /* Of ten keys two may well fall into one register: one too few is 10 %. */
            assert_true(fabs(error) < 5 * HLL_ERROR + 1 / (double)steps[step]);
            squares += error * error;
            errors += error;
        }
        n = steps[step];
        assert_true(sqrt(squares / SEEDS) < 0.01);
        assert_true(fabs(errors / SEEDS) < 3 * HLL_ERROR / sqrt(SEEDS)); /* no bias */
    }
    assert_in_range(far, 0,
                    SEEDS * STEPS / 100); /* 0.3 % if errors are as the normal law has them */
    free(hll);
}

/* More keys than anybody can add: registers as n keys would leave them, drawn from the law of the
 * highest rank, until most of them can grow no more. */
static void huge_counts_are_near(void **state)
{
    (void)state;
    struct hll *hll = zeros(1, sizeof *hll);
    struct random random = {15};
    for (double n = 1 << 20; n <= ldexp(1, 64); n *= 2) {
        for (int i = 0; i < HLL_REGISTERS; i++) {
            double part = random_part(&random);
            uint8_t rank = 0;
            while (rank < HLL_RANKS - 1 &&
                   (rank ? exp(n / HLL_REGISTERS * log1p(-ldexp(1, -rank))) : 0) < part)
                rank++;
            hll->registers[i] = rank;
        }
        assert_true(fabs(hll_estimate(hll) / n - 1) < 3 * HLL_ERROR);
    }
    free(hll);
}

static void distinct_counts_merge_exactly(void **state)
{
    (void)state;
    enum { PARTS = 5 };
    struct random random = {12};
    for (uint64_t n = 1; n < 1000000; n = n * 7 + 1) {
        struct hll *parts = zeros(PARTS + 2, sizeof *parts);
        struct hll *whole = &parts[PARTS], *merged = &parts[PARTS + 1];
        for (uint64_t i = 0; i < n; i++) {
            uint64_t hash = random_u64(&random);
            hll_add(whole, hash);
            for (size_t seen = 1 + random_below(&random, 3); seen > 0; seen--)
                hll_add(&parts[random_below(&random, PARTS)], hash);
        }
        for (int i = PARTS - 1; i >= 0; i--)
            hll_merge(merged, &parts[i]);
        assert_memory_equal(merged, whole, sizeof *whole);
        free(parts);
    }
}

/* ---- Quantiles ---- */

static double even(struct random *random)
{
    return 1e4 + 1e9 * random_part(random);
}

static double exponential(struct random *random)
{
    return 2e3 - 5e6 * log(random_part(random));
}

/* Without end: some are beyond all buckets but the last. */
static double pareto(struct random *random)
{
    return 2e3 / pow(random_part(random), 0.8);
}

static double normal(struct random *random)
{
    return sqrt(-2 * log(random_part(random))) * cos(2 * M_PI * random_part(random));
}

static double log_normal(struct random *random)
{
    return 3e6 * exp(normal(random));
}

/* Answers from a cache, and those that had to be sought. */
static double two_peaks(struct random *random)
{
    return random_below(random, 3) ? 2e4 + 1e3 * fabs(normal(random))
                                   : 3e7 * exp(0.3 * normal(random));
}

static double constant(struct random *random)
{
    (void)random;
    return 123456789;
}

static double (*const distributions[])(struct random *) = {even,       exponential, pareto,
                                                           log_normal, two_peaks,   constant};

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void check_quantiles(double (*draw)(struct random *), size_t n, struct random *random)
{
    static const double qs[] = {0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    uint64_t *buckets = zeros(QUANTILE_BUCKETS, sizeof *buckets);
    int64_t *values = zeros(n, sizeof *values);
    for (size_t i = 0; i < n; i++) {
        values[i] = (int64_t)fmin(draw(random), 4e12);
        buckets[quantile_bucket(values[i])]++;
    }
    qsort(values, n, sizeof *values, compare);
    for (size_t i = 0; i < sizeof qs / sizeof *qs; i++) {
        size_t rank = (size_t)fmax(ceil(qs[i] * (double)n), 1);
        double truth = (double)values[rank - 1];
        assert_true(fabs((double)quantile_of(buckets, n, qs[i]) - truth) <= 0.01 * truth);
    }
    free(buckets);
    free(values);
}

static void quantiles_are_near(void **state)
{
    (void)state;
    struct random random = {13};
    for (size_t d = 0; d < sizeof distributions / sizeof *distributions; d++)
        for (size_t n = 1; n < 300000; n = n * 5 + 1)
            check_quantiles(distributions[d], n, &random);
}

/* ---- Counters ---- */

/* Any sample; of types there are `rare` that have no counter by their number. */
static struct stats_sample random_sample(struct random *random, size_t rare)
{
    uint64_t bits = random_u64(random);
    struct stats_sample sample = {
        .kind.direction = bits & 1,
        .kind.has_header = bits >> 1 & 7,
        .kind.has_qtype = bits >> 4 & 7,
        .has_latency = bits >> 7 & 1,
        .kind.marks = (uint8_t)(bits >> 8),
        .kind.flags = (uint16_t)(bits >> 16),
        .kind.message_type = (uint8_t)(bits >> 32) % 20,
        .kind.transport = (uint8_t)(bits >> 40) % 10,
        .kind.family = (uint8_t)(bits >> 48) % 4,
        .kind.rcode = (uint16_t)(random_magnitude(random) & 0xfff),
        .length = (uint32_t)random_magnitude(random) & 0xffff,
        .latency_ns = (int64_t)random_magnitude(random) >> random_below(random, 30),
        .qtype = (uint16_t)random_below(random, COUNTERS_QTYPES),
    };
    if (rare && random_below(random, 4) == 0)
        sample.qtype = (uint16_t)(COUNTERS_QTYPES + 1999 * random_below(random, rare));
    return sample;
}

static uint64_t rare_hits(const struct stats_counters *counters, int direction, uint16_t type)
{
    uint64_t hits = 0;
    for (int i = 0; i < COUNTERS_RARE; i++)
        hits += counters->rare_type[i] == type ? counters->direction[direction].rare_qtype[i] : 0;
    return hits;
}

/* Equal, wherever rare types have their slots; beyond so many types only their sum is. */
static void assert_counters_equal(struct stats_counters *a, struct stats_counters *b, size_t rare)
{
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++) {
        uint64_t sums[2] = {0};
        for (size_t type = 0; type < rare && rare < COUNTERS_RARE; type++) {
            uint16_t number = (uint16_t)(COUNTERS_QTYPES + 1999 * type);
            assert_int_equal(rare_hits(a, direction, number), rare_hits(b, direction, number));
        }
        for (int i = 0; i < COUNTERS_RARE; i++) {
            sums[0] += a->direction[direction].rare_qtype[i];
            sums[1] += b->direction[direction].rare_qtype[i];
            a->direction[direction].rare_qtype[i] = b->direction[direction].rare_qtype[i] = 0;
        }
        assert_int_equal(sums[0], sums[1]);
    }
    assert_memory_equal(a, b, offsetof(struct stats_counters, rare_type));
}

static void counters_merge_exactly(void **state)
{
    (void)state;
    enum { PARTS = 4 };
    struct random random = {14};
    for (size_t rare = 0; rare < 33; rare++) { /* the highest such type is 64288 */
        struct stats_counters *parts = zeros(PARTS + 2, sizeof *parts);
        struct stats_counters *whole = &parts[PARTS], *merged = &parts[PARTS + 1];
        for (int i = 0; i < 5000; i++) {
            struct stats_sample sample = random_sample(&random, rare);
            stats_counters_sample(whole, &sample);
            stats_counters_sample(&parts[random_below(&random, PARTS)], &sample);
        }
        for (int i = 0; i < PARTS; i++)
            stats_counters_add(merged, &parts[i]);
        assert_counters_equal(merged, whole, rare);
        free(parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_keeps_its_bounds),
        cmocka_unit_test(tables_fold_within_their_bounds),
        cmocka_unit_test(the_heaviest_are_found_under_attack),
        cmocka_unit_test(distinct_counts_are_near),
        cmocka_unit_test(huge_counts_are_near),
        cmocka_unit_test(distinct_counts_merge_exactly),
        cmocka_unit_test(quantiles_are_near),
        cmocka_unit_test(counters_merge_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
