/* The statistics' window, which runs or has been taken: tables of what came in a span of time. */
#include <stdlib.h>

#include "stats/stats_state.h"

enum {
    FOLD_AT_ONCE = 256,   /* rows: about a tenth of a millisecond */
    FOLD_REST_NS = 50000, /* between them */
};

/* --- making and unmaking -------------------------------------------------------------------- */

int stats_init_tables(struct table_set *set, const struct stats *stats, size_t memory)
{
    *set = (struct table_set){
        .reader = stats->reader,
        .key = &stats->key,
        .suffixes = &stats->suffixes,
        .stream_max = stats->places,
    };
    return table_set_init(set, memory);
}

void stats_window_free(struct stats_window *window)
{
    if (!window)
        return;
    table_set_free(&window->tables);
    free(window->ids);
    free(window);
}

struct stats_window *stats_window_new(struct stats *stats)
{
    struct stats_window *window = calloc(1, sizeof *window);
    if (!window)
        return NULL;
    window->running = stats;
    if (stats_init_tables(&window->tables, stats, stats_shares(&stats->settings, 0).window) == 0) {
        for (int i = 0; i < STATS_TABLES; i++)
            window->tables.tables[i].gate.used = true; /* counts for the limit from the start on */
        return window;
    }
    stats_window_free(window);
    return NULL;
}

/* --- taking ---------------------------------------------------------------------------------- */

bool stats_number_of(const struct stats *stats, int id, int *number)
{
    size_t place = (unsigned)id % STATS_STREAMS_MAX;
    *number = id == STATS_ALL ? id : (int)place;
    return id == STATS_ALL || (place < stats->stream_count && stats->streams[place].id == id);
}

/* From now on places may be given to other streams. */
static void keep_ids(struct stats *stats, struct stats_window *window)
{
    window->running = NULL;
    window->ids = calloc(stats->stream_count + 1, sizeof *window->ids);
    window->stream_count = window->ids ? stats->stream_count : 0;
    for (size_t i = 0; i < window->stream_count; i++)
        window->ids[i] = stats->streams[i].id;
}

/* With tables_lock, for writing. */
static struct stats_window *swap_windows(struct stats *stats, struct stats_window *next,
                                         uint64_t now_ns)
{
    struct stats_window *window = stats->window;
    table_set_limit(&next->tables, stats_shares(&stats->settings, stats->fitted).window);
    table_set_mark(&stats->tables, stats->window_ns);
    if (now_ns > stats->window_ns) /* all may have begun anew since */
        stats->window_ns = now_ns;
    table_set_fold_begin(&stats->tables, &window->tables);
    table_set_succeed(&next->tables, &window->tables);
    for (int n = 0; n < STATS_SIDES * STATS_DISTINCTS; n++)
        hll_merge(&stats_total(stats)->distinct[n / STATS_DISTINCTS].sketch[n % STATS_DISTINCTS],
                  &window->distinct[n / STATS_DISTINCTS][n % STATS_DISTINCTS]);
    keep_ids(stats, window);
    stats->folding = window;
    stats->window = next;
    return window;
}

struct stats_window *stats_window_take(struct stats *stats, const struct stats_snapshot *of)
{
    struct stats_window *next =
        !of || stats_is_now(stats, of->version) ? stats_window_new(stats) : NULL;
    if (!next)
        return NULL;
    pthread_rwlock_wrlock(&stats->tables_lock);
    bool now = !of || stats_is_now(stats, of->version);
    struct stats_window *window =
        now ? swap_windows(stats, next, of ? of->made_ns : clock_ns()) : NULL;
    pthread_rwlock_unlock(&stats->tables_lock);
    if (!window)
        stats_window_free(next);
    return window;
}

/* --- folding --------------------------------------------------------------------------------- */

/* Who waits for the lock gets it between: two that write, this and the statistics' thread, would
 * else give it to each other. */
static void let_others(void)
{
    nanosleep(&(struct timespec){.tv_nsec = FOLD_REST_NS}, NULL);
}

/* Adds some rows of one of the window's tables to what came before it. True when there is nothing
 * left to do: all is there, or it was reset meanwhile. */
static bool fold_some(struct stats *stats, struct stats_window *window, enum stats_table_id id)
{
    pthread_rwlock_wrlock(&stats->tables_lock);
    bool done = stats->folding != window ||
                table_set_fold_some(&stats->tables, &window->tables, id, FOLD_AT_ONCE);
    pthread_rwlock_unlock(&stats->tables_lock);
    return done;
}

/* The window that runs is told what weighs most now. */
static void follow_tables(struct stats *stats)
{
    for (enum stats_table_id id = 0; id < STATS_TABLES; id++) {
        pthread_rwlock_wrlock(&stats->tables_lock);
        table_set_follow(&stats->window->tables, id, &stats->tables);
        pthread_rwlock_unlock(&stats->tables_lock);
        let_others();
    }
}

void stats_window_fold(struct stats *stats, struct stats_window *window)
{
    for (enum stats_table_id id = 0; id < STATS_TABLES; id++) {
        while (!fold_some(stats, window, id))
            let_others();
    }
    pthread_rwlock_wrlock(&stats->tables_lock);
    stats->folding = NULL;
    pthread_rwlock_unlock(&stats->tables_lock);
    follow_tables(stats);
}

void stats_window_seal(struct stats_window *window)
{
    table_set_seal(&window->tables);
    table_set_sort(&window->tables);
}

/* --- looking at one --------------------------------------------------------------------------- */

const struct stats_window *stats_window_enter(struct stats *stats)
{
    pthread_rwlock_rdlock(&stats->tables_lock);
    return stats->window;
}

void stats_window_leave(struct stats *stats)
{
    pthread_rwlock_unlock(&stats->tables_lock);
}

/* The same scope by the stream's number. False: it had no place in the window, or has given it up.
 */
static bool numbered(const struct stats_window *window, const struct stats_scope *scope,
                     struct stats_scope *by_number)
{
    size_t place = (unsigned)scope->stream % STATS_STREAMS_MAX;
    *by_number = *scope;
    if (window->running)
        return stats_number_of(window->running, scope->stream, &by_number->stream);
    if (scope->stream == STATS_ALL)
        return true;
    by_number->stream = (int)place;
    return place < window->stream_count && window->ids[place] == scope->stream;
}

int stats_window_leaders(struct leaders *leaders, const struct stats_window *window,
                         const struct stats_scope *scope, enum stats_table_id table,
                         const struct stats_ranks *ranks, uint64_t *floors,
                         const struct stats_taker *taker)
{
    struct stats_scope by_number;
    memset(floors, 0, ranks->count * sizeof *floors);
    if (!numbered(window, scope, &by_number))
        return 0;
    return table_set_leaders(leaders, &window->tables, &by_number, table, ranks, floors, taker);
}

bool stats_window_sketch(const struct stats_window *window, const struct stats_scope *scope,
                         enum stats_distinct_id which, struct hll *sketch)
{
    struct stats_scope by_number;
    if (scope->stream == STATS_ALL)
        stats_window_all(window, scope->side, which, sketch);
    return scope->stream == STATS_ALL ||
           (numbered(window, scope, &by_number) &&
            table_set_sketch(&window->tables, &by_number, which, sketch));
}

unsigned stats_window_exact(const struct stats_window *window)
{
    return table_set_exact(&window->tables);
}

bool stats_window_has(const struct stats_window *window, const struct stats_scope *scope)
{
    struct stats_scope by_number;
    return numbered(window, scope, &by_number) && table_set_has(&window->tables, &by_number);
}
