/*
 * Nanoseconds for what the statistics do: with events of captures (a sample read, counted, a shard
 * filled, its entries merged into the tables), and the sketches by themselves, on keys made up.
 *
 *     bench-stats FILE.fstrm...
 *
 * The best of some rounds, CPU time of this thread, everything in memory.
 */
#include <time.h>

#include "../support/messages.h"
#include "../support/random.h"
#include "stats/hll.h"
#include "stats/quantile.h"
#include "stats/shard.h"
#include "stats/stats_state.h"
#include "stats/tables.h"

enum { ROUNDS = 7, FRAMES_MAX = 200000, STREAMS = 8, TABLE_MEMORY = 32 << 20 };

static uint64_t checksum; /* printed, so that no work can be left out */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

/* One pass; returns how many things it did. `before` undoes what the last one left. */
typedef size_t pass(void);

static void measure(const char *what, void (*before)(void), pass *run)
{
    double best = 1e99;
    size_t done = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (before)
            before();
        double start = now_ns();
        done = run();
        double took = now_ns() - start;
        best = took < best ? took : best;
    }
    if (done)
        printf("  %-40s %9.1f ns   (%zu)\n", what, best / (double)done, done);
}

/* ---- Events ---- */

static struct span frames[FRAMES_MAX];
static size_t frame_count;
static struct stats_sample *samples;
static uint8_t (*names)[SAMPLE_NAME_MAX + 1];
static struct stats_counters counters, more_counters;
static struct pool pool;
static struct shard shard;
static struct shard_batch batch;
static struct table_set tables;
static const struct siphash_key key = {{0x0123456789abcdef, 0xfedcba9876543210}};
static const struct origin origin = {.peer = "bench", .id = 1};

/* The file's frames, which stay in memory. */
static void load(const char *path)
{
    struct buf file = messages_load(path);
    struct span left = buf_span(&file);
    struct fstrm_rx rx;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), FSTRM_FRAME_MAX, false);
    size_t count = 1, used = 1;
    for (frame_count = 0; left.len > 0 && used > 0; frame_count += count) {
        size_t room = FRAMES_MAX - frame_count;
        if (fstrm_rx_feed(&rx, left, frames + frame_count, room, &count, &used) != FSTRM_OK)
            used = 0;
        left = span_of(left.ptr + used, left.len - used);
    }
}

static bool take_sample(size_t i, struct event *ev)
{
    event_init(ev, frames[i], &origin);
    ev->key = &key;
    event_need(ev, stats_native_reader.needs & ~(uint32_t)FACETS_OF_STAGES);
    return !(ev->bad & FACET_DNSTAP);
}

static size_t decode(void)
{
    struct event ev;
    for (size_t i = 0; i < frame_count; i++)
        checksum += take_sample(i, &ev);
    return frame_count;
}

static size_t read_samples(void)
{
    struct event ev;
    for (size_t i = 0; i < frame_count; i++)
        if (!take_sample(i, &ev) || !stats_native_reader.read(&ev, names[i], &samples[i]))
            samples[i] = (struct stats_sample){0};
    return frame_count;
}

static size_t count_samples(void)
{
    for (size_t i = 0; i < frame_count; i++)
        stats_counters_sample(&counters, &samples[i]);
    return frame_count;
}

static void clear_shard(void)
{
    shard_clear(&shard);
}

static size_t fill_shard(void)
{
    struct event events[OBSERVER_EVENTS];
    for (size_t i = 0, n; i < frame_count; i += n) {
        for (n = 0; n < OBSERVER_EVENTS && i + n < frame_count; n++)
            take_sample(i + n, &events[n]);
        shard_events(&shard, &batch, events, n);
    }
    shard_settle(&shard);
    checksum += shard.unlisted;
    return frame_count;
}

static void clear_tables(void)
{
    table_set_clear(&tables);
}

static size_t merge_shard(void)
{
    size_t done = 0;
    for (int id = 0; id < SHARD_TABLES; id++) {
        const struct shard_entry *entries = shard.tables[id].entries;
        for (uint32_t i = 0, count; i < shard.tables[id].count; i += count) {
            struct table_item items[TABLE_BATCH];
            struct table_news news[TABLE_NEWS];
            for (count = 0; count < TABLE_BATCH && i + count < shard.tables[id].count; count++) {
                const struct shard_entry *e = &entries[i + count];
                items[count] = (struct table_item){
                    .entry = e,
                    .key = span_of(shard.keys + e->key_at, e->key_len),
                    .group = e->group,
                };
            }
            checksum += table_set_add(&tables, &shard, id, items, count, news);
            done += count;
        }
    }
    return done;
}

static void fill_again(void)
{
    fill_shard();
}

static size_t clear_full_shard(void)
{
    clear_shard();
    return 1;
}

static void measure_events(const char *path)
{
    load(path);
    printf("%s: %zu frames\n", path, frame_count);
    measure("decoded", NULL, decode);
    measure("and read as samples", NULL, read_samples);
    measure("samples counted", NULL, count_samples);
    measure("decoded, read, counted into a shard", clear_shard, fill_shard);
    measure("an entry of it merged, keys new", clear_tables, merge_shard);
    measure("an entry of it merged, keys known", NULL, merge_shard);
    measure("the shard cleared", fill_again, clear_full_shard);
}

/* ---- Sketches ---- */

enum { KNOWN = 100000, NEW = 1000000 };

static struct stats_table table;
static struct hll hlls[2];
static uint64_t buckets[QUANTILE_BUCKETS];
static struct random numbers = {1};
static double longest;

static struct stats_row *touch(uint64_t hash)
{
    static const char name[] = "\7example\3com";
    bool fresh;
    struct stats_row *row = stats_table_row(&table, hash, 0, span_of(name, sizeof name), &fresh);
    stats_row_add(&table, row, &(struct stats_values){.of = {[MEASURE_QUERIES] = 1}});
    return row;
}

static void fill_table(void)
{
    stats_table_clear(&table);
    numbers.state = 1;
    for (int i = 0; i < KNOWN; i++)
        touch(random_u64(&numbers));
}

static size_t find_known(void)
{
    numbers.state = 1;
    for (int i = 0; i < KNOWN; i++)
        touch(random_u64(&numbers));
    return KNOWN;
}

static size_t insert_new(void)
{
    for (int i = 0; i < NEW; i++)
        touch(random_u64(&numbers));
    return NEW;
}

static size_t insert_new_with_cells(void)
{
    for (int i = 0; i < NEW; i++) {
        struct stats_row *row = touch(random_u64(&numbers));
        stats_table_cell(&table, &row, STATS_QUERY, 1, 0, 1);
        stats_table_cell(&table, &row, STATS_RESPONSE, 1, 3, 1);
    }
    return NEW;
}

/* The longest time that one key took: that of evicting. */
static size_t insert_slowest(void)
{
    longest = 0;
    for (int i = 0; i < NEW / 4; i++) {
        bool full = table.row_count == table.row_max;
        double start = full ? now_ns() : 0;
        touch(random_u64(&numbers));
        double took = full ? now_ns() - start : 0;
        longest = took > longest ? took : longest;
    }
    return 0;
}

static size_t hll_adds(void)
{
    for (int i = 0; i < NEW; i++)
        hll_add(&hlls[0], random_u64(&numbers));
    return NEW;
}

static size_t hll_merges(void)
{
    for (int i = 0; i < 1000; i++)
        hll_merge(&hlls[1], &hlls[0]);
    return 1000;
}

static size_t hll_estimates(void)
{
    for (int i = 0; i < 100; i++)
        checksum += (uint64_t)hll_estimate(&hlls[0]);
    return 100;
}

static size_t quantile_adds(void)
{
    for (int i = 0; i < NEW; i++)
        buckets[quantile_bucket((int64_t)(random_u64(&numbers) >> 36))]++;
    return NEW;
}

static size_t quantiles(void)
{
    for (int i = 0; i < 1000; i++)
        checksum += (uint64_t)quantile_of(buckets, (uint64_t)NEW * ROUNDS, 0.99);
    return 1000;
}

static size_t counters_adds(void)
{
    for (int i = 0; i < 1000; i++)
        stats_counters_add(&more_counters, &counters);
    return 1000;
}

static void measure_sketches(void)
{
    printf("sketches (a random number is in it)\n");
    measure("table, key known", fill_table, find_known);
    measure("table, key new, evicting", NULL, insert_new);
    measure("table, key new with two cells, evicting", NULL, insert_new_with_cells);
    measure(NULL, NULL, insert_slowest);
    printf("  %-40s %9.2f ms   (%u)\n", "table, evicting", longest / 1e6, (unsigned)table.row_max);
    measure("HyperLogLog, key", NULL, hll_adds);
    measure("HyperLogLog, merged", NULL, hll_merges);
    measure("HyperLogLog, estimated", NULL, hll_estimates);
    measure("latency into its bucket", NULL, quantile_adds);
    measure("a quantile", NULL, quantiles);
    measure("counters of a stream added", NULL, counters_adds);
}

/* ---- Identities ---- */

enum { IDENTITIES = 5000, ROUNDS_A_MERGE = 4 };

static struct stats *many;
static uint32_t client;

/* Two events of each identity in turn, each of a client of its own, and a merge after some rounds,
 * as a second brings it. */
static size_t count_identities(void)
{
    struct observer observer = stats_observer(many);
    struct worker_shards *w = &many->workers[0];
    size_t done = 0;
    for (int round = 0; round < ROUNDS_A_MERGE; round++) {
        for (unsigned i = 0; i < IDENTITIES; i++, done += 2) {
            char identity[32];
            int len = snprintf(identity, sizeof identity, "ns%04u.example.net", i);
            struct event ev;
            for (size_t twice = 0; twice < 2; twice++) {
                take_sample((i + twice) % frame_count, &ev);
                ev.tap.identity = span_of(identity, (size_t)len);
                ++client;
                ev.query_address = span_of((const uint8_t *)&client, sizeof client);
                observer.events(observer.state, 0, &ev, 1);
            }
            observer.flush(observer.state, 0);
        }
    }
    shard_settle(w->active);
    stats_merge(many, w->active);
    listing_clear_shard(many, w->active);
    return done;
}

static void measure_identities(uint64_t memory)
{
    struct error err;
    many = stats_new(&(struct stats_options){.settings = {.memory = memory, .streams = 4096},
                                             .reader = &stats_native_reader,
                                             .workers = 1},
                     &err);
    if (!many)
        return;
    printf("4096 streams, %d identities, %u MiB\n", IDENTITIES, (unsigned)(memory >> 20));
    measure("an event, with its part of the merge", NULL, count_identities);
    stats_free(many);
}

int main(int argc, char **argv)
{
    struct suffix_list suffixes;
    suffix_list_init(&suffixes, &key);
    tables = (struct table_set){.reader = &stats_native_reader,
                                .key = &key,
                                .suffixes = &suffixes,
                                .stream_max = STREAMS + SHARD_RESERVE};
    shard_batch_init(&batch, &stats_native_reader, &key);
    samples = calloc(FRAMES_MAX, sizeof *samples);
    names = calloc(FRAMES_MAX, sizeof *names);
    if (!samples || !names || pool_init(&pool, 4 * STREAMS) < 0 ||
        shard_init(&shard, TABLE_MEMORY, STREAMS, &pool) < 0 ||
        table_set_init(&tables, TABLE_MEMORY) < 0 ||
        stats_table_init(&table, TABLE_MEMORY, 28, true) < 0)
        return 1;
    for (int i = 1; i < argc; i++)
        measure_events(argv[i]);
    if (frame_count > 0) {
        measure_identities(UINT64_C(64) << 20);
        measure_identities(UINT64_C(2) << 30);
    }
    measure_sketches();
    printf("(%llu)\n", (unsigned long long)checksum);
    return 0;
}
