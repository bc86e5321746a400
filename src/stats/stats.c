/*
 * The statistics' life. Once a second the thread asks the workers for what they have counted (a
 * round of collecting), merges that, and publishes a snapshot. Each second it is the counters of
 * streams; whole shards, with their tables, come when they are nearly full, when somebody asks
 * about what tables tell, and every ten seconds at the latest: most keys come again within such a
 * time, and are merged once instead of ten times.
 *
 * A worker has two shards. It gives the full one away only when the other has come back clean, so
 * neither ever waits for the other: the pointers of worker_shards are all there is between them.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "core/engine.h"
#include "stats/stats_state.h"

enum { WAIT_NS = 200000, SHARD_MIN = 160 << 10 /* bytes, with the least memory, too */ };
enum {
    ANSWER_MS = 100,  /* what workers have to answer; one that is busy longer comes next time */
    LATE_MS = 500,    /* what they have when somebody waits for tables that are behind counters */
    PAUSE_MS = 10,    /* between snapshots that somebody wants now: many who ask share one */
    FRESH_MS = 1000,  /* who wants a snapshot now gets the last one when it takes longer */
    OLD_MS = 1100,    /* what is of tables may be so old: a second, and what collecting takes */
    LOOKED_MS = 3000, /* who has asked about tables may soon ask again: they come each second */
    WHOLE_MS = 15000, /* they come so often if nobody asks, not even the history */
};

/* --- workers -------------------------------------------------------------------------------- */

static void wake_thread(struct stats *stats, bool hurry)
{
    pthread_mutex_lock(&stats->lock);
    stats->hurry |= hurry;
    pthread_cond_signal(&stats->wake);
    pthread_mutex_unlock(&stats->lock);
}

/* True when the worker now counts into a clean shard. One in which streams that are listed by now
 * have no places is handed over even if it is empty: there is no room for them when many come. */
static bool hand_over(const struct stats *stats, struct worker_shards *w)
{
    if (w->active->events == 0 && !listing_is_stale(stats, w->active))
        return false;
    struct shard *spare = atomic_exchange_explicit(&w->spare, NULL, memory_order_acquire);
    if (!spare)
        return false;
    shard_settle(w->active);
    atomic_store_explicit(&w->full, w->active, memory_order_release);
    w->active = spare;
    return true;
}

/* Files can wait until the other shard has been merged; for a second, lest they wait for ever. */
static bool wait_for_spare(const struct stats *stats, struct worker_shards *w)
{
    bool handed = false;
    for (uint64_t i = 0; i < CLOCK_SECOND_NS / WAIT_NS && !handed; i++) {
        nanosleep(&(struct timespec){.tv_nsec = WAIT_NS}, NULL);
        handed = hand_over(stats, w);
    }
    return handed;
}

static void observe_events(void *state, unsigned worker, struct event *events, size_t count)
{
    struct stats *stats = state;
    struct worker_shards *w = &stats->workers[worker];
    shard_events(w->active, &w->batch, events, count);
}

static void observe_flush(void *state, unsigned worker)
{
    struct stats *stats = state;
    struct worker_shards *w = &stats->workers[worker];
    if (!shard_is_full(w->active))
        return;
    if (hand_over(stats, w) || (stats->patient && wait_for_spare(stats, w)))
        wake_thread(stats, true);
}

/* False: the blocks before them have not come back, or they are not all that is to be told. */
static bool hand_over_blocks(struct worker_shards *w)
{
    if (!w->own)
        w->own = atomic_exchange_explicit(&w->blocks_back, NULL, memory_order_acquire);
    if (!w->own || !shard_take_blocks(w->active, w->own))
        return false;
    atomic_store_explicit(&w->blocks, w->own, memory_order_release);
    w->own = NULL;
    return true;
}

static void observe_collect(void *state, unsigned worker)
{
    struct stats *stats = state;
    struct worker_shards *w = &stats->workers[worker];
    unsigned round = atomic_load(&stats->round);
    bool whole = round & 1 || listing_is_stale(stats, w->active);
    bool handed = whole && hand_over(stats, w);
    if (!handed && !(round & 1) && !hand_over_blocks(w))
        hand_over(stats, w);
    atomic_store_explicit(&w->answered, round, memory_order_release);
    wake_thread(stats, false);
}

struct observer stats_observer(struct stats *stats)
{
    return (struct observer){
        .state = stats,
        .needs = stats->reader->needs,
        .early = stats->settings.before_stages,
        .key = &stats->key,
        .events = observe_events,
        .flush = observe_flush,
        .collect = observe_collect,
    };
}

/* --- the thread ----------------------------------------------------------------------------- */

/* From here on, until there is a snapshot of what comes now, tables and snapshots differ. */
static void begin_change(struct stats *stats)
{
    atomic_store(&stats->version, atomic_load(&stats->version) | 1);
}

static void merge_blocks(struct stats *stats, struct worker_shards *w, struct shard_blocks *blocks)
{
    if (blocks->count > 0)
        w->owes = true;
    stats_merge_blocks(stats, blocks);
    atomic_store_explicit(&w->blocks_back, blocks, memory_order_release);
}

static void merge_shard(struct stats *stats, struct worker_shards *w, struct shard *shard)
{
    stats_merge(stats, shard);
    listing_clear_shard(stats, shard);
    atomic_store_explicit(&w->spare, shard, memory_order_release);
}

void stats_merge_handed(struct stats *stats)
{
    for (unsigned i = 0; i < stats->worker_count; i++) {
        struct worker_shards *w = &stats->workers[i];
        struct shard *shard = atomic_exchange_explicit(&w->full, NULL, memory_order_acquire);
        struct shard_blocks *blocks =
            atomic_exchange_explicit(&w->blocks, NULL, memory_order_acquire);
        bool before = blocks && blocks->shard == shard; /* else they are of the one after it */
        if ((shard && shard->events > 0) ||
            (blocks && (blocks->count > 0 || blocks->malformed > 0)))
            begin_change(stats);
        if (shard && !before)
            w->owes = false;
        if (blocks)
            merge_blocks(stats, w, blocks);
        if (shard && before)
            w->owes = false;
        if (shard)
            merge_shard(stats, w, shard);
    }
}

/* Nobody counts any more. */
static bool is_quiet(const struct stats *stats)
{
    return atomic_load(&stats->left) || engine_quiet(stats->engine);
}

static bool all_answered(const struct stats *stats, unsigned round)
{
    for (unsigned i = 0; i < stats->worker_count; i++) {
        if (atomic_load_explicit(&stats->workers[i].answered, memory_order_acquire) != round)
            return false;
    }
    return true;
}

/* Sleeps until `deadline_ns`, or until something is up. With the lock. */
static void sleep_until(struct stats *stats, uint64_t deadline_ns)
{
    struct timespec until = clock_timespec(deadline_ns);
    pthread_cond_timedwait(&stats->wake, &stats->lock, &until);
}

/* Merges the shards that the workers were counting into when they ended. */
static void merge_active(struct stats *stats)
{
    for (unsigned i = 0; i < stats->worker_count; i++) {
        struct worker_shards *w = &stats->workers[i];
        if (w->active->events > 0)
            begin_change(stats);
        shard_settle(w->active);
        stats_merge(stats, w->active);
        listing_clear_shard(stats, w->active);
        w->owes = false;
    }
}

/* Waits until all workers have answered the round, and merges meanwhile what is full. */
static void await_answers(struct stats *stats, unsigned round, uint64_t deadline_ns)
{
    pthread_mutex_lock(&stats->lock);
    while (!all_answered(stats, round) && !is_quiet(stats) && clock_ns() < deadline_ns) {
        bool hurry = stats->hurry;
        stats->hurry = false;
        if (!hurry) {
            sleep_until(stats, deadline_ns);
            continue;
        }
        pthread_mutex_unlock(&stats->lock);
        stats_merge_handed(stats);
        pthread_mutex_lock(&stats->lock);
    }
    pthread_mutex_unlock(&stats->lock);
}

/* Merges all that the workers have counted so far, if they answer in time; of tables with `whole`,
 * for which somebody waits if they are `wanted`. */
static void collect(struct stats *stats, bool whole, bool wanted)
{
    stats_merge_handed(stats); /* so that a worker whose spare is out can answer */
    unsigned round = (atomic_load(&stats->round) | 1) + 1 + whole;
    atomic_store(&stats->round, round);
    uint64_t wait_ms = wanted && stats_owes(stats) ? LATE_MS : ANSWER_MS;
    uint64_t deadline_ns = clock_after(wait_ms * CLOCK_MS_NS);
    engine_collect(stats->engine);
    await_answers(stats, round, deadline_ns);
    stats_merge_handed(stats);
    if (is_quiet(stats))
        merge_active(stats);
    stats_merge_losses(stats);
}

/* `tried`: the last tick had tables collected; who waits for the snapshot finds that said with it.
 */
static void publish(struct stats *stats, bool tried)
{
    struct stats_snapshot *snapshot = stats_photograph(stats);
    pthread_mutex_lock(&stats->lock);
    struct stats_snapshot *before = stats->snapshot;
    if (snapshot) {
        stats->snapshot = snapshot; /* for want of memory the old one stays */
        atomic_store(&stats->version, snapshot->version);
    } else {
        before = NULL;
    }
    stats->ahead = !snapshot;
    stats->tried = tried;
    pthread_cond_broadcast(&stats->news);
    pthread_mutex_unlock(&stats->lock);
    if (before)
        stats_release(before);
}

static bool is_past(uint64_t since_ns, uint64_t ms)
{
    return clock_ns() - since_ns >= ms * CLOCK_MS_NS;
}

/* Somebody has asked about tables lately. With the lock. */
static bool is_looked_at(const struct stats *stats)
{
    return !is_past(stats->asked_ns, LOOKED_MS);
}

/* Collects and publishes. `regular`: because a second has passed, not because somebody asked. */
static void tick(struct stats *stats, bool regular)
{
    pthread_mutex_lock(&stats->lock);
    unsigned wanted = stats->ticks_wanted;
    bool reset = stats->reset_wanted;
    bool whole =
        wanted != stats->ticks_done || is_looked_at(stats) || is_past(stats->whole_ns, WHOLE_MS);
    uint64_t begun_ns = clock_ns();
    stats->reset_wanted = false;
    pthread_mutex_unlock(&stats->lock);
    collect(stats, whole, wanted != stats->ticks_done);
    if (reset) {
        publish(stats, whole); /* for who adds up what came until now */
        begin_change(stats);
        stats_forget(stats);
    }
    if (regular || reset)
        stats_remember(stats, clock_ns());
    publish(stats, whole);
    if (regular || reset)
        listing_second(stats);
    pthread_mutex_lock(&stats->lock);
    stats->ticks_done = wanted;
    stats->whole_ns = whole ? begun_ns : stats->whole_ns;
    pthread_cond_broadcast(&stats->news);
    pthread_mutex_unlock(&stats->lock);
}

/* Between ticks: merges what is full, after which the tables are ahead of the snapshot. Who looks
 * at them gets another. */
static void relieve(struct stats *stats)
{
    stats_merge_handed(stats);
    if (!(atomic_load(&stats->version) & 1))
        return;
    pthread_mutex_lock(&stats->lock);
    bool looked = is_looked_at(stats);
    stats->ahead = !looked;
    pthread_cond_broadcast(&stats->news);
    pthread_mutex_unlock(&stats->lock);
    if (looked)
        publish(stats, stats->tried);
}

static void *follow(void *arg)
{
    struct stats *stats = arg;
    thread_begin("statistics", 0);
    uint64_t next_ns = clock_after(CLOCK_SECOND_NS), soon_ns = 0;
    pthread_mutex_lock(&stats->lock);
    while (!stats->stopping) {
        bool wanted = stats->ticks_wanted != stats->ticks_done;
        uint64_t due_ns = wanted && soon_ns < next_ns ? soon_ns : next_ns, now_ns = clock_ns();
        if (!stats->hurry && now_ns < due_ns) {
            sleep_until(stats, due_ns);
            continue;
        }
        stats->hurry = false;
        pthread_mutex_unlock(&stats->lock);
        if (now_ns >= due_ns) {
            tick(stats, now_ns >= next_ns);
            soon_ns = clock_after(PAUSE_MS * CLOCK_MS_NS);
        } else {
            relieve(stats);
        }
        if (now_ns >= next_ns)
            next_ns = stats_next_second(next_ns, clock_ns());
        pthread_mutex_lock(&stats->lock);
    }
    pthread_mutex_unlock(&stats->lock);
    if (is_quiet(stats))
        tick(stats, true);
    else if (atomic_load(&stats->version) & 1)
        publish(stats, stats->tried);
    pthread_mutex_lock(&stats->lock);
    stats->stopped = true;
    pthread_cond_broadcast(&stats->news);
    pthread_mutex_unlock(&stats->lock);
    return NULL;
}

/* The thread finds `running` set however soon it looks, and so does who asks it for a snapshot. */
int stats_start(struct stats *stats, struct engine *engine, struct error *err)
{
    stats->engine = engine;
    pthread_mutex_lock(&stats->lock);
    stats->running = pthread_create(&stats->thread, NULL, follow, stats) == 0;
    bool running = stats->running;
    pthread_mutex_unlock(&stats->lock);
    return running ? 0 : error_set(err, "cannot start the statistics' thread");
}

void stats_leave(struct stats *stats)
{
    atomic_store(&stats->left, true);
}

void stats_stop(struct stats *stats)
{
    if (!stats || !stats->running)
        return;
    pthread_mutex_lock(&stats->lock);
    stats->stopping = true;
    pthread_cond_signal(&stats->wake);
    pthread_mutex_unlock(&stats->lock);
    pthread_join(stats->thread, NULL);
    pthread_mutex_lock(&stats->lock);
    stats->running = false;
    pthread_mutex_unlock(&stats->lock);
}

/* --- making and unmaking -------------------------------------------------------------------- */

static int init_workers(struct stats *stats, size_t memory)
{
    size_t each = memory / (2 * stats->worker_count), fixed = shard_fixed_bytes(stats->places);
    each = each > fixed + SHARD_MIN ? each - fixed : SHARD_MIN;
    stats->workers = calloc(stats->worker_count, sizeof *stats->workers);
    for (unsigned i = 0; stats->workers && i < stats->worker_count; i++) {
        struct worker_shards *w = &stats->workers[i];
        if (shard_init(&w->shards[0], each, stats->places, &stats->pool) < 0 ||
            shard_init(&w->shards[1], each, stats->places, &stats->pool) < 0)
            return -1;
        size_t items = w->shards[0].stream_max * sizeof(struct shard_block);
        w->own = malloc(sizeof *w->own + items);
        if (!w->own)
            return -1;
        shard_batch_init(&w->batch, stats->reader, &stats->key);
        w->active = &w->shards[0];
        atomic_init(&w->spare, &w->shards[1]);
    }
    return stats->workers ? 0 : -1;
}

static int init_streams(struct stats *stats)
{
    size_t all = stats_total_index(stats) + 1;
    stats->streams = calloc(all, sizeof *stats->streams);
    stats->distinct_counts = calloc(all * STATS_SIDES, sizeof *stats->distinct_counts);
    stats->past = calloc(all * RATE_TICKS, sizeof *stats->past);
    if (!stats->streams || !stats->distinct_counts || !stats->past ||
        names_init(&stats->names, stats->places) < 0 || listing_init(stats) < 0)
        return -1;
    for (size_t i = 0; i < all; i++) {
        stats->streams[i].id = i == stats_total_index(stats) ? STATS_ALL : (int)i;
        stats->streams[i].distinct = &stats->distinct_counts[i * STATS_SIDES];
        stats->streams[i].past = &stats->past[i * RATE_TICKS];
    }
    return 0;
}

/* The window is there already: there is room for all keys that may be in one set or the other. */
static int init_known(struct stats *stats)
{
    for (int i = 0; i < STATS_TABLES; i++) {
        size_t rows = stats->tables.tables[i].row_max,
               more = stats->window->tables.tables[i].row_max;
        if (known_init(&stats->known[i], rows + more) < 0)
            return -1;
    }
    return 0;
}

static void init_locks(struct stats *stats)
{
    pthread_mutex_init(&stats->lock, NULL);
    thread_cond_init(&stats->wake);
    thread_cond_init(&stats->news);
    thread_rwlock_init(&stats->tables_lock);
}

/* Outputs may look before the statistics' thread starts, so there is something to see from the
 * beginning. */
static int first_snapshot(struct stats *stats)
{
    stats_remember(stats, clock_ns());
    publish(stats, false);
    return stats->snapshot ? 0 : -1;
}

struct stats *stats_new(const struct stats_options *options, struct error *err)
{
    struct stats *stats = calloc(1, sizeof *stats);
    if (!stats) {
        error_set(err, "no memory for statistics");
        return NULL;
    }
    init_locks(stats);
    atomic_init(&stats->version, 2);
    stats->settings = options->settings;
    stats->reader = options->reader;
    stats->patient = options->patient;
    stats->worker_count = options->workers;
    stats->since_ms = clock_wall_ms();
    stats->since_ns = stats->window_ns = clock_ns();
    struct shares shares = stats_shares(&options->settings, 0);
    stats->places = shares.places;
    int failed = pool_init(&stats->pool, shares.blocks);
    if (options->key)
        stats->key = *options->key;
    else
        failed |= siphash_key_random(&stats->key);
    suffix_list_init(&stats->suffixes, &stats->key);
    if (failed || init_streams(stats) < 0 ||
        stats_init_tables(&stats->tables, stats, shares.tables) < 0 ||
        !(stats->window = stats_window_new(stats)) || init_known(stats) < 0 ||
        init_workers(stats, shares.shards) < 0 || first_snapshot(stats) < 0) {
        stats_free(stats);
        error_set(err, "no memory for statistics; lower statistics: memory");
        return NULL;
    }
    return stats;
}

/* One of the three has them. */
static void free_blocks(struct worker_shards *w)
{
    free(w->own);
    free(atomic_load(&w->blocks));
    free(atomic_load(&w->blocks_back));
}

void stats_free(struct stats *stats)
{
    if (!stats)
        return;
    stats_stop(stats);
    for (unsigned i = 0; stats->workers && i < stats->worker_count; i++) {
        shard_free(&stats->workers[i].shards[0]);
        shard_free(&stats->workers[i].shards[1]);
        free_blocks(&stats->workers[i]);
    }
    pool_destroy(&stats->pool);
    table_set_free(&stats->tables);
    stats_window_free(stats->window);
    for (int i = 0; i < STATS_TABLES; i++)
        known_free(&stats->known[i]);
    suffix_list_free(&stats->suffixes);
    listing_free(stats);
    free(stats->workers);
    free(stats->streams);
    names_free(&stats->names);
    free(stats->distinct_counts);
    free(stats->past);
    if (stats->snapshot)
        stats_release(stats->snapshot);
    pthread_rwlock_destroy(&stats->tables_lock);
    pthread_cond_destroy(&stats->news);
    pthread_cond_destroy(&stats->wake);
    pthread_mutex_destroy(&stats->lock);
    free(stats);
}

/* --- readers -------------------------------------------------------------------------------- */

static const struct stats_snapshot *hold(struct stats_snapshot *snapshot)
{
    atomic_fetch_add(&snapshot->references, 1);
    return snapshot;
}

#define NEVER_NS (UINT64_MAX / 2)

/* Has the thread make a snapshot now, and waits for it, at most until `deadline_ns`. False: that
 * was too short. With the lock. */
static bool want_tick(struct stats *stats, uint64_t deadline_ns)
{
    struct timespec until = clock_timespec(deadline_ns);
    unsigned mine = ++stats->ticks_wanted;
    int waited = 0;
    pthread_cond_signal(&stats->wake);
    while ((int)(stats->ticks_done - mine) < 0 && !stats->stopped && stats->running && waited == 0)
        waited = pthread_cond_timedwait(&stats->news, &stats->lock, &until);
    return waited == 0;
}

/* The snapshot does not go with the tables, and nothing under way will change that: the last tick
 * left them with the workers, or what has been merged since has no snapshot. With the lock. */
static bool is_behind(const struct stats *stats)
{
    return is_past(stats->whole_ns, OLD_MS) || stats->ahead ||
           (!stats->snapshot->whole && !stats->tried);
}

/* Somebody asks for what tables tell: has them collected when they are not what the snapshot is,
 * and for a while each second. With the lock. */
static void look(struct stats *stats)
{
    uint64_t deadline_ns = clock_after(FRESH_MS * CLOCK_MS_NS);
    struct timespec until = clock_timespec(deadline_ns);
    bool in_time = true;
    stats->asked_ns = clock_ns();
    while (in_time && stats->running && !stats->stopped) {
        if (is_behind(stats))
            in_time = want_tick(stats, deadline_ns);
        else if (atomic_load(&stats->version) != stats->snapshot->version)
            in_time = pthread_cond_timedwait(&stats->news, &stats->lock, &until) == 0;
        else
            return;
    }
}

bool stats_is_now(struct stats *stats, uint64_t version)
{
    return atomic_load(&stats->version) == version;
}

const struct stats_snapshot *stats_take(struct stats *stats)
{
    pthread_mutex_lock(&stats->lock);
    look(stats);
    const struct stats_snapshot *snapshot = hold(stats->snapshot);
    pthread_mutex_unlock(&stats->lock);
    return snapshot;
}

/* The same, of tables: takes the lock. */
static void look_at_tables(struct stats *stats)
{
    pthread_mutex_lock(&stats->lock);
    look(stats);
    pthread_mutex_unlock(&stats->lock);
}

const struct stats_snapshot *stats_fresh(struct stats *stats)
{
    pthread_mutex_lock(&stats->lock);
    want_tick(stats, clock_after(FRESH_MS * CLOCK_MS_NS));
    bool begun = stats->running || stats->stopped;
    const struct stats_snapshot *snapshot = begun ? hold(stats->snapshot) : NULL;
    pthread_mutex_unlock(&stats->lock);
    return snapshot;
}

void stats_release(const struct stats_snapshot *snapshot)
{
    struct stats_snapshot *counted = (struct stats_snapshot *)snapshot;
    if (counted && atomic_fetch_sub(&counted->references, 1) == 1)
        free(counted);
}

const struct stats_snapshot *stats_wait(struct stats *stats, uint64_t generation,
                                        uint64_t timeout_ns)
{
    struct timespec until = clock_timespec(clock_after(timeout_ns));
    const struct stats_snapshot *snapshot = NULL;
    int waited = 0;
    pthread_mutex_lock(&stats->lock);
    while (stats->snapshot->generation <= generation && !stats->stopped && waited == 0)
        waited = pthread_cond_timedwait(&stats->news, &stats->lock, &until);
    if (stats->snapshot->generation > generation)
        snapshot = hold(stats->snapshot);
    pthread_mutex_unlock(&stats->lock);
    return snapshot;
}

bool stats_stopped(struct stats *stats)
{
    pthread_mutex_lock(&stats->lock);
    bool stopped = stats->stopped;
    pthread_mutex_unlock(&stats->lock);
    return stopped;
}

void stats_reset(struct stats *stats)
{
    pthread_mutex_lock(&stats->lock);
    stats->reset_wanted = true;
    want_tick(stats, NEVER_NS);
    pthread_mutex_unlock(&stats->lock);
}

struct siphash_key stats_key(const struct stats *stats)
{
    return stats->key;
}

const struct stats_reader *stats_get_reader(const struct stats *stats)
{
    return stats->reader;
}

/* The caller holds the lock on the tables. */
static void count_keys(const struct stats *stats, const struct stats_scope *scope,
                       enum stats_table_id table, struct stats_answer *answer)
{
    const struct stream_state *s =
        scope->stream == STATS_ALL ? stats_total(stats) : &stats->streams[scope->stream];
    answer->keys = stats_count_distinct(stats, s, scope->side, table_distinct[table]);
    answer->keys_exact = stats_counts_all(stats, table);
}

int stats_top(struct stats *stats, const struct stats_scope *scope,
              const struct stats_question *questions, size_t count, size_t n,
              struct stats_answer *answers)
{
    struct stats_scope numbered = *scope;
    memset(answers, 0, count * sizeof *answers);
    look_at_tables(stats);
    pthread_rwlock_rdlock(&stats->tables_lock);
    if (!stats_number_of(stats, scope->stream, &numbered.stream)) {
        pthread_rwlock_unlock(&stats->tables_lock);
        return 0;
    }
    const struct table_sets sets = stats_sets(stats);
    int failed = table_set_top(&sets, &numbered, questions, count, n, answers);
    for (size_t i = 0; !failed && i < count; i++)
        count_keys(stats, &numbered, questions[i].table, &answers[i]);
    pthread_rwlock_unlock(&stats->tables_lock);
    return failed;
}

int stats_news(struct stats *stats, const struct stats_scope *scope, enum stats_table_id table,
               uint64_t since_ns, size_t n, struct stats_news *news)
{
    struct stats_scope numbered = *scope;
    int failed = 0;
    *news = (struct stats_news){.from_ns = since_ns, .found_all = true};
    look_at_tables(stats);
    pthread_rwlock_rdlock(&stats->tables_lock);
    const struct table_sets sets = stats_sets(stats);
    if (stats_number_of(stats, scope->stream, &numbered.stream))
        failed = table_set_news(&sets, stats->window_ns, &numbered, table, since_ns, n, news);
    pthread_rwlock_unlock(&stats->tables_lock);
    return failed;
}
