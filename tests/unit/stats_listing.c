/*
 * Which identities have statistics of their own: not those that came first, and never more of one
 * peer than its share when others want places, too; and what that takes of memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/random.h"
#include "../support/statistics.h"
#include "base/address.h"
#include "core/roster.h"

enum { PLACES = 16, MEMORY = 32 << 20 };

/* The events that follow are of a connection of that address; of a process when it is none. */
static void connect_from(const char *host)
{
    static uint32_t last = 100;
    uint8_t address[ADDRESS_BYTES] = {0}, v4[4];
    struct accounts accounts = accounts_of_process((uid_t)strlen(host), 7, 9);
    if (inet_pton(AF_INET, host, v4) == 1)
        address_set_v4(address, v4);
    if (address_is_v4(address) || inet_pton(AF_INET6, host, address) == 1)
        accounts = accounts_of_address(address);
    const struct account *account = accounts_limited(&accounts);
    stats_test_origin = (struct origin){.id = ++last, .charged = account};
    if (account)
        stats_test_origin.account = *account;
}

static void ask(struct stats *stats, const char *stream, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        send_event(stats, 0, stream, "x.example.", 1, STATS_QUERY, 1, 0, -1, 40);
}

static void pass_second(struct stats *stats, uint64_t *now_ns)
{
    merge_all(stats);
    *now_ns += CLOCK_SECOND_NS;
    stats_remember(stats, *now_ns);
    listing_second(stats);
}

/* Events of the stream; UINT64_MAX: it is not listed. */
static uint64_t events_of(struct stats *stats, const char *name)
{
    struct stats_snapshot *snapshot = stats_photograph(stats);
    const struct stats_stream *stream = find_stream(snapshot, name);
    uint64_t events = stream ? stream->counters.direction[STATS_QUERY].events : UINT64_MAX;
    stats_release(snapshot);
    return events;
}

/* How many listed streams have names that begin so. */
static unsigned count_listed(struct stats *stats, const char *begin)
{
    struct stats_snapshot *snapshot = stats_photograph(stats);
    unsigned count = 0;
    for (size_t i = 0; i < snapshot->stream_count; i++)
        count += strncmp(snapshot->streams[i][STATS_CLIENT].name, begin, strlen(begin)) == 0;
    stats_release(snapshot);
    return count;
}

static void invent(struct stats *stats, unsigned first, unsigned count)
{
    char name[32];
    for (unsigned i = first; i < first + count; i++) {
        snprintf(name, sizeof name, "invented%u", i);
        ask(stats, name, 1);
    }
}

/* One peer fills all places. Others get theirs all the same, and keep them while it goes on. */
static void inventor_keeps_nobody_out(void **state)
{
    (void)state;
    static const char *const honest[] = {"ns1", "ns2", "ns3"};
    struct stats *stats = new_stats(MEMORY, PLACES);
    uint64_t now_ns = clock_ns();
    connect_from("192.0.2.66");
    invent(stats, 0, PLACES);
    pass_second(stats, &now_ns);
    assert_int_equal(count_listed(stats, "invented"), PLACES);
    for (unsigned second = 0; second < 50; second++) {
        connect_from("192.0.2.66");
        invent(stats, PLACES + 1000 * second, 1000);
        for (unsigned i = 0; i < 3; i++) {
            connect_from(i == 0 ? "192.0.2.1" : i == 1 ? "2001:db8::1" : "a process");
            ask(stats, honest[i], 2);
        }
        pass_second(stats, &now_ns);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(events_of(stats, honest[i]), 100);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    assert_int_equal(snapshot->stream_count, PLACES);
    assert_int_equal(snapshot->places, PLACES);
    assert_int_equal(snapshot->total[STATS_CLIENT].counters.direction[STATS_QUERY].events,
                     PLACES + 50000 + 300);
    uint64_t listed = 0;
    for (size_t i = 0; i < snapshot->stream_count; i++)
        listed += snapshot->streams[i][STATS_CLIENT].counters.direction[STATS_QUERY].events;
    assert_int_equal(snapshot->other_streams, PLACES + 50000 + 300 - listed);
    assert_in_range(snapshot->other_identities, 48500, 51500);
    stats_release(snapshot);
    stats_free(stats);
}

/* Looking for whom to displace is limited by the second. Who asks for it all the time leaves turns
 * to others. */
static void inventor_leaves_turns(void **state)
{
    (void)state;
    struct stats *stats = new_stats(MEMORY, PLACES);
    uint64_t now_ns = clock_ns();
    char name[32];
    connect_from("192.0.2.66");
    for (unsigned i = 0; i < PLACES; i++) {
        snprintf(name, sizeof name, "busy%u", i);
        ask(stats, name, 1000);
    }
    pass_second(stats, &now_ns);
    for (unsigned merges = 0; merges < 20; merges++) {
        connect_from("192.0.2.66");
        invent(stats, 20 * merges, 20);
        if (merges == 19) {
            connect_from("192.0.2.1");
            ask(stats, "ns1", 5);
        }
        merge_all(stats);
    }
    assert_int_equal(events_of(stats, "ns1"), 5);
    stats_free(stats);
}

/* Its network counts, not its address; a newcomer gets no more places than others have. */
static void networks_have_one_share(void **state)
{
    (void)state;
    struct stats *stats = new_stats(MEMORY, PLACES);
    uint64_t now_ns = clock_ns();
    char name[32], host[48];
    connect_from("192.0.2.1");
    for (unsigned i = 0; i < PLACES; i++) {
        snprintf(name, sizeof name, "ns%u", i);
        ask(stats, name, 1000);
    }
    pass_second(stats, &now_ns);
    for (unsigned second = 0; second < 30; second++) {
        for (unsigned i = 0; i < 40; i++) {
            snprintf(host, sizeof host, "2001:db8::%x", 1 + i);
            snprintf(name, sizeof name, "invented%u", i);
            connect_from(host);
            ask(stats, name, 1);
        }
        connect_from("192.0.2.1");
        for (unsigned i = 0; i < PLACES; i++) {
            snprintf(name, sizeof name, "ns%u", i);
            ask(stats, name, 1000);
        }
        pass_second(stats, &now_ns);
    }
    assert_in_range(count_listed(stats, "ns"), PLACES / 2, PLACES);
    stats_free(stats);
}

/* Of one peer the busiest are listed, and those that are silent give way. */
static void busiest_are_listed(void **state)
{
    (void)state;
    struct stats *stats = new_stats(MEMORY, PLACES);
    uint64_t now_ns = clock_ns();
    char name[32];
    connect_from("192.0.2.1");
    invent(stats, 0, PLACES);
    pass_second(stats, &now_ns);
    for (unsigned second = 0; second < 40; second++) {
        for (unsigned i = 0; i < PLACES / 2; i++) {
            snprintf(name, sizeof name, "ns%u", i);
            ask(stats, name, 50);
        }
        invent(stats, PLACES + 20 * second, 20);
        pass_second(stats, &now_ns);
    }
    assert_int_equal(count_listed(stats, "ns"), PLACES / 2);
    stats_free(stats);
}

/* What was counted of those that had to go is in the rest: tables over all streams, distinct
 * numbers and sums are what they would be if nobody had gone, and exact. */
static void rest_keeps_what_was_counted(void **state)
{
    (void)state;
    enum { STREAMS = 60, NAMES = 50 };
    struct stats *stats = new_stats(MEMORY, PLACES);
    uint64_t hits[NAMES] = {0}, now_ns = clock_ns(), events = 0;
    struct random random = {11};
    char stream[32], name[32], host[32];
    for (unsigned second = 0; second < 80; second++) {
        for (unsigned i = 0; i < 200; i++) {
            unsigned s = (unsigned)random_below(&random, 20) + second / 2,
                     n = (unsigned)random_below(&random, NAMES);
            snprintf(stream, sizeof stream, "s%u", s);
            snprintf(host, sizeof host, "198.51.100.%u", s);
            snprintf(name, sizeof name, "n%u.example%u.net.", n, n % 7);
            connect_from(host);
            send_event(stats, i % 2, stream, name, 1 + n % 5, STATS_RESPONSE,
                       (uint16_t)(1 + n % 30), n % 4, 1000000, 60);
            hits[n]++;
            events++;
        }
        pass_second(stats, &now_ns);
    }
    struct stats_snapshot *snapshot = stats_photograph(stats);
    assert_true(stats_is_exact(snapshot));
    assert_true(snapshot->other_streams > 0);
    assert_int_equal(snapshot->total[STATS_CLIENT].counters.direction[STATS_RESPONSE].events,
                     events);
    assert_int_equal(snapshot->total[STATS_CLIENT].distinct.domains, NAMES);
    assert_int_equal(snapshot->total[STATS_CLIENT].distinct.clients, 5);
    struct stats_question questions[] = {
        {.table = TABLE_DOMAINS, .by = BY_HITS},
        {.table = TABLE_REGISTRABLE, .by = BY_HITS},
        {.table = TABLE_DOMAINS, .by = BY_RCODE, .direction = STATS_RESPONSE, .code = 3}};
    struct stats_answer answers[3];
    assert_int_equal(stats_top(stats, &of_all, questions, 3, 1000, answers), 0);
    assert_int_equal(answers[0].count, NAMES);
    assert_int_equal(answers[0].keys, NAMES);
    assert_int_equal(answers[1].count, 7);
    for (size_t i = 0; i < answers[0].count; i++) {
        unsigned n = (unsigned)atoi(answers[0].rows[i].text + 1);
        assert_int_equal(answers[0].rows[i].value, hits[n]);
        assert_int_equal(answers[0].rows[i].error, 0);
    }
    for (size_t i = 0; i < answers[2].count; i++) {
        unsigned n = (unsigned)atoi(answers[2].rows[i].text + 1);
        assert_int_equal(n % 4, 3);
        assert_int_equal(answers[2].rows[i].value, hits[n]);
    }
    const struct distinct_counts *rest = stats_rest(stats)->distinct;
    assert_in_range(rest->exact[DISTINCT_DOMAINS], 1, NAMES);
    assert_int_equal(rest->exact[DISTINCT_TLDS], 1);
    stats_answers_free(answers, 3);
    stats_release(snapshot);
    stats_free(stats);
}

/* Who asks for a stream that has gone since gets nothing, not what another has counted. */
static void gone_streams_have_no_tables(void **state)
{
    (void)state;
    struct stats *stats = new_stats(MEMORY, 4);
    uint64_t now_ns = clock_ns();
    connect_from("192.0.2.1");
    invent(stats, 0, 4);
    pass_second(stats, &now_ns);
    struct stats_snapshot *before = stats_photograph(stats);
    struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    struct stats_answer answer;
    assert_int_equal(
        stats_top(stats, OF_STREAM(before->streams[0][STATS_CLIENT].id), &question, 1, 5, &answer),
        0);
    assert_int_equal(answer.count, 1);
    stats_answers_free(&answer, 1);
    connect_from("192.0.2.2");
    ask(stats, "ns1", 3);
    pass_second(stats, &now_ns);
    struct stats_snapshot *after = stats_photograph(stats);
    unsigned changed = 0;
    for (size_t i = 0; i < 4; i++) {
        bool same = before->streams[i][STATS_CLIENT].id == after->streams[i][STATS_CLIENT].id;
        changed += !same;
        assert_int_equal(stats_top(stats, OF_STREAM(before->streams[i][STATS_CLIENT].id), &question,
                                   1, 5, &answer),
                         0);
        assert_int_equal(answer.count, same);
        stats_answers_free(&answer, 1);
        assert_int_equal(stats_top(stats, OF_STREAM(after->streams[i][STATS_CLIENT].id), &question,
                                   1, 5, &answer),
                         0);
        assert_int_equal(answer.rows[0].value, same ? 1 : 3);
        stats_answers_free(&answer, 1);
    }
    assert_int_equal(changed, 1);
    stats_release(before);
    stats_release(after);
    stats_free(stats);
}

static void take_hits(void *ctx, const struct stats_leader *leader)
{
    *(uint64_t *)ctx += leader->values.of[MEASURE_QUERIES];
}

/* What the window has of the stream with that id. */
static uint64_t hits_in(const struct stats_window *window, int id)
{
    const struct stats_rank rank = {.question = {.by = BY_HITS}, .step = 1};
    const struct stats_ranks ranks = {&rank, 1, 10};
    uint64_t hits = 0, floor;
    const struct stats_taker taker = {take_hits, &hits};
    struct leaders leaders = {0};
    struct hll sketch = {0};
    assert_int_equal(stats_window_leaders(&leaders, window, OF_STREAM(id), TABLE_DOMAINS, &ranks,
                                          &floor, &taker),
                     0);
    assert_int_equal(stats_window_has(window, OF_STREAM(id)), hits > 0);
    assert_int_equal(stats_window_sketch(window, OF_STREAM(id), DISTINCT_DOMAINS, &sketch),
                     hits > 0);
    leaders_free(&leaders);
    return hits;
}

/* And in windows, while they run and when they have been taken: one that gave up its place before
 * the window was taken, and one that did so later. */
static void windows_know_whose_rows_they_have(void **state)
{
    (void)state;
    struct stats *stats = new_stats(MEMORY, 2);
    uint64_t now_ns = clock_ns();
    connect_from("192.0.2.1");
    invent(stats, 0, 2);
    pass_second(stats, &now_ns);
    struct stats_snapshot *before = stats_photograph(stats);
    connect_from("192.0.2.2");
    ask(stats, "ns1", 3);
    pass_second(stats, &now_ns);
    struct stats_snapshot *after = stats_photograph(stats);
    size_t i = before->streams[0][STATS_CLIENT].id == after->streams[0][STATS_CLIENT].id;
    int gone = before->streams[i][STATS_CLIENT].id, came = after->streams[i][STATS_CLIENT].id;
    assert_true(gone != came);
    for (int taken = 0; taken < 2; taken++) {
        struct stats_window *own = taken ? take_window(stats) : NULL;
        const struct stats_window *window = own ? own : stats_window_enter(stats);
        assert_int_equal(hits_in(window, gone), 0);
        assert_int_equal(hits_in(window, came), 3);
        assert_int_equal(hits_in(window, after->streams[!i][STATS_CLIENT].id), 1);
        if (!own)
            stats_window_leave(stats);
        stats_window_free(own);
    }
    stats_release(before);
    stats_release(after);
    stats_free(stats);
}

/* Nanoseconds of the processor for an event, and its part of what a second brings, of so many
 * identities in turn; the best of some tries. */
static uint64_t cost_ns(uint64_t streams, unsigned identities)
{
    enum { EVENTS = 20000, TRIES = 3 };
    struct stats *stats = new_stats(64 << 20, streams);
    uint64_t least = UINT64_MAX;
    for (int try = 0; try < TRIES; try++) {
        uint64_t begin = clock_thread_ns();
        for (unsigned i = 0; i < EVENTS; i++) {
            char stream[32], name[32];
            snprintf(stream, sizeof stream, "invented%u", i % identities);
            snprintf(name, sizeof name, "n%u.example.", i);
            send_event(stats, 0, stream, name, i, STATS_QUERY, 1, 0, -1, 40);
        }
        merge_all(stats);
        uint64_t took = clock_thread_ns() - begin;
        least = took < least ? took : least;
    }
    stats_free(stats);
    return least / EVENTS;
}

/* Whoever invents identities makes each event cost what memory costs that is far away, and nothing
 * in proportion to their number. */
static void many_identities_cost_little(void **state)
{
    (void)state;
    uint64_t few = cost_ns(64, 64), many = cost_ns(4096, 5000);
    print_message("%llu ns, with many %llu\n", (unsigned long long)few, (unsigned long long)many);
    assert_true(many < 3 * few);
}

static size_t bytes_of_table(const struct stats_table *t)
{
    size_t index = ((size_t)t->index_mask + 1) * sizeof *t->index, weights = 8 * t->row_max;
    size_t blocks = t->blocks ? t->row_most + t->block_max - t->row_max : 0;
    return t->row_most * sizeof *t->rows + (index > weights ? index : weights) + t->keys_most +
           blocks * sizeof *t->blocks;
}

/* All that is allocated, as if every page of it was touched; with the running window, what is kept
 * of the one before it, and two snapshots, while there are so many streams. What belongs to the
 * program whatever the settings are does not count. */
static size_t bytes_of(const struct stats *stats, size_t listed)
{
    size_t all = listed + 1, blocks = 2 * listed;
    size_t sum = stats_windows_memory(stats); /* what the history keeps of windows */
    for (int i = 0; i < STATS_TABLES; i++) {
        const struct stats_table *window = &stats->window->tables.tables[i];
        sum += bytes_of_table(&stats->tables.tables[i]) + bytes_of_table(window) +
               window->row_most * sizeof *window->rows + window->keys_most +
               stats->known[i].slot_count * sizeof *stats->known[i].slots;
    }
    sum += (listed > stats->places ? stats->pool.max : blocks) * sizeof *stats->pool.blocks;
    sum += all * (sizeof *stats->streams +
                  STATS_SIDES * (sizeof *stats->distinct_counts - 2 * sizeof(struct hll)) +
                  RATE_TICKS * sizeof *stats->past + 2 * sizeof(struct stats_stream[STATS_SIDES]));
    for (unsigned i = 0; i < 2 * stats->worker_count; i++) {
        const struct shard *shard = &stats->workers[i / 2].shards[i % 2];
        sum += sizeof *shard + shard->keys_max + sizeof(struct block) +
               (shard->stream_max + 1) * sizeof *shard->streams +
               (sizeof *shard->more.slots << shard->more.bits);
        for (int t = 0; t < SHARD_TABLES; t++)
            sum += shard->tables[t].max * sizeof(struct shard_entry) +
                   ((size_t)shard->tables[t].mask + 1) * sizeof(uint32_t);
    }
    return sum;
}

/* So many streams are listed, one after another. */
static void list_streams(struct stats *stats, size_t count)
{
    char name[32];
    for (size_t i = stats->stream_count; i < count; i++) {
        snprintf(name, sizeof name, "ns%zu", i);
        send_event(stats, 0, name, "a.example.", 1, STATS_QUERY, 1, 0, -1, 40);
        if (i % 8 == 7 || i + 1 == count)
            merge_all(stats);
    }
    assert_int_equal(stats->stream_count, count);
}

/* Where few streams have come the memory of the others is for keys. */
static void streams_take_what_they_need(void **state)
{
    (void)state;
    struct stats *stats = new_stats(64 << 20, 64);
    const struct stats_table *tables = stats->tables.tables;
    assert_in_range(tables[TABLE_DOMAINS].row_most, 66000, 100000);
    assert_in_range(tables[TABLE_CLIENTS].row_most, 23500, 40000);
    assert_in_range(tables[TABLE_SERVERS].row_most, 8200, 14000);
    uint32_t most = tables[TABLE_DOMAINS].row_most;
    for (size_t count = 1; count <= 64; count *= 2) {
        list_streams(stats, count);
        assert_in_range(bytes_of(stats, count), (64 << 20) * 0.95, (64 << 20) * 1.02);
        assert_true(tables[TABLE_DOMAINS].row_most <= most);
        most = tables[TABLE_DOMAINS].row_most;
        /* The next window has no more than this one. */
        uint32_t window = stats->window->tables.tables[TABLE_DOMAINS].row_most;
        stats_window_free(take_window(stats));
        assert_int_equal(stats->window->tables.tables[TABLE_DOMAINS].row_most, window);
    }
    send_event(stats, 0, "one more", "a.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
    assert_in_range(bytes_of(stats, 65), (64 << 20) * 0.95, (64 << 20) * 1.02);
    assert_in_range(tables[TABLE_DOMAINS].row_most, 22253, 66000);
    stats_free(stats);
}

/* Tables that one stream has filled make room for others: what goes is told, and what stays is
 * right. */
static void full_tables_make_room(void **state)
{
    (void)state;
    struct stats *stats = new_stats(8 << 20, 64);
    const struct stats_table *names = &stats->tables.tables[TABLE_DOMAINS];
    char name[32];
    uint32_t count = 0, most = names->row_most;
    while (count < most) {
        for (uint32_t stop = count + 500; count < stop && count < most; count++) {
            snprintf(name, sizeof name, "n%u.example.com.", count);
            for (unsigned hits = 0; hits <= count % 3; hits++)
                send_event(stats, 0, "ns0", name, 1, STATS_QUERY, 1, 0, -1, 40);
        }
        merge_all(stats);
        stats_window_free(take_window(stats));
    }
    assert_int_equal(names->row_count, count);
    assert_int_equal(names->floor, 0);
    list_streams(stats, stats->places);
    assert_true(names->row_count <= names->row_most && names->row_most < count);
    assert_true(names->floor > 0);
    struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    struct stats_answer answer;
    assert_int_equal(stats_top(stats, OF_STREAM(0), &question, 1, STATS_TOP_MAX, &answer), 0);
    assert_in_range(answer.count, names->row_most / 2, names->row_most);
    for (size_t i = 0; i < answer.count; i++) {
        unsigned number, hits = 1;
        if (sscanf(answer.rows[i].text, "n%u.", &number) == 1)
            hits = number % 3 + 1;
        assert_in_range(hits, answer.rows[i].value, answer.rows[i].value + answer.rows[i].error);
    }
    assert_in_range(answer.floor, 1, 3);
    assert_int_equal(answer.rows[0].value, 3);
    stats_answers_free(&answer, 1);
    stats_free(stats);
}

static void memory_is_for_all_streams(void **state)
{
    (void)state;
    static const uint64_t streams[] = {1, 64, 500, 4096};
    for (uint64_t memory = 16 << 20; memory <= UINT64_C(4) << 30; memory *= 4) {
        for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
            struct stats *stats = new_stats(memory, streams[i]);
            assert_in_range(bytes_of(stats, 1), memory / 2, memory + memory / 50);
            assert_in_range(stats->places, 1, streams[i]);
            stats_free(stats);
        }
    }
    struct stats *stats = new_stats(64 << 20, 64);
    assert_int_equal(stats->places, 64);
    stats_free(stats);
    stats = new_stats(4 << 20, 64);
    assert_in_range(stats->places, 2, 8);
    stats_free(stats);
}

/* Blocks come from one pool. When it has none for new streams, those that are listed still get
 * theirs. */
static void listed_streams_have_a_claim(void **state)
{
    (void)state;
    struct pool pool;
    struct block *blocks[10];
    assert_int_equal(pool_init(&pool, 10), 0);
    pool_claim(&pool, 3);
    assert_int_equal(pool_left(&pool), 4);
    for (int i = 0; i < 4; i++)
        assert_non_null(blocks[i] = pool_take(&pool, false));
    assert_null(pool_take(&pool, false));
    for (int i = 4; i < 10; i++)
        assert_non_null(blocks[i] = pool_take(&pool, true));
    assert_null(pool_take(&pool, true));
    blocks[0]->counters[STATS_UPSTREAM].message[1] = 5;
    blocks[0]->counted[STATS_UPSTREAM] = true;
    pool_give(&pool, blocks[0]);
    blocks[0] = pool_take(&pool, false);
    assert_int_equal(blocks[0]->counters[STATS_UPSTREAM].message[1], 0);
    for (int i = 0; i < 10; i++)
        pool_give(&pool, blocks[i]);
    pool_claim(&pool, 0);
    assert_int_equal(pool_left(&pool), 10);
    pool_destroy(&pool);
}

/* A worker that has been idle while streams were listed has places for them, too, when so many
 * others come first that none are left. */
static void idle_workers_know_who_is_listed(void **state)
{
    (void)state;
    enum { LISTED = 4, OTHERS = 40 };
    struct stats *stats = new_stats(MEMORY, LISTED);
    char name[32], host[32];
    for (unsigned worker = 0; worker < 2; worker++) {
        for (unsigned i = 0; i < LISTED + worker * OTHERS; i++) {
            unsigned number = worker ? LISTED + OTHERS - 1 - i : i;
            snprintf(name, sizeof name, "s%u", number);
            snprintf(host, sizeof host, "198.51.100.%u", number);
            connect_from(host);
            for (unsigned times = number < LISTED ? 10 : 1; times > 0; times--)
                send_event(stats, worker, name, "x.example.", 1, STATS_QUERY, 1, 0, -1, 40);
        }
        collect_round(stats, true);
        collect_round(stats, false); /* both shards of the idle one */
        collect_round(stats, worker);
    }
    for (unsigned i = 0; i < LISTED; i++) {
        snprintf(name, sizeof name, "s%u", i);
        assert_int_equal(events_of(stats, name), 20);
    }
    stats_free(stats);
}

static void peers_are_told_apart(void **state)
{
    (void)state;
    static const struct siphash_key key = {{1, 2}};
    static const struct {
        const char *one, *other;
        bool same;
    } pairs[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8::1", "2001:db8::ffff:1", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"one user", "one user", true},
        {"one user", "another user", false},
        {"127.0.0.1", "127.0.0.1", false},
        {"::1", "::1", false},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        connect_from(pairs[i].one);
        uint64_t one = roster_peer(&key, &stats_test_origin);
        connect_from(pairs[i].other);
        assert_int_equal(one == roster_peer(&key, &stats_test_origin), pairs[i].same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inventor_keeps_nobody_out),
        cmocka_unit_test(inventor_leaves_turns),
        cmocka_unit_test(networks_have_one_share),
        cmocka_unit_test(busiest_are_listed),
        cmocka_unit_test(rest_keeps_what_was_counted),
        cmocka_unit_test(gone_streams_have_no_tables),
        cmocka_unit_test(windows_know_whose_rows_they_have),
        cmocka_unit_test(many_identities_cost_little),
        cmocka_unit_test(memory_is_for_all_streams),
        cmocka_unit_test(streams_take_what_they_need),
        cmocka_unit_test(full_tables_make_room),
        cmocka_unit_test(listed_streams_have_a_claim),
        cmocka_unit_test(idle_workers_know_who_is_listed),
        cmocka_unit_test(peers_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
