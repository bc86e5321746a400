#include "history/windows.h"

#include "base/clock.h"
#include "base/thread.h"

enum { SUMS_PART = 3 /* one of so many parts of the memory is for sums */ };

void windows_limit(struct windows *windows, size_t bytes)
{
    pthread_rwlock_wrlock(&windows->lock);
    wheel_limit(&windows->wheel, bytes - bytes / SUMS_PART);
    windows->sums.bytes_max = bytes / SUMS_PART;
    pthread_rwlock_unlock(&windows->lock);
}

void windows_init(struct windows *windows, const struct siphash_key *key, size_t bytes)
{
    *windows = (struct windows){0};
    thread_rwlock_init(&windows->lock);
    pthread_mutex_init(&windows->making, NULL);
    sums_init(&windows->sums, &windows->wheel, key);
    wheel_init(&windows->wheel, bytes);
    windows_limit(windows, bytes);
}

void windows_tidy(struct windows *windows, uint64_t generation)
{
    if (pthread_mutex_trylock(&windows->making) != 0)
        return; /* somebody asks just now */
    for (int w = 0; w < WHEEL_WINDOWS; w++) {
        const struct stats_snapshot *made = windows->made[w].snapshot;
        if (!made || made->generation >= generation)
            continue;
        stats_release(made);
        windows->made[w].snapshot = NULL;
    }
    pthread_mutex_unlock(&windows->making);
}

void windows_free(struct windows *windows)
{
    windows_tidy(windows, UINT64_MAX);
    sums_free(&windows->sums);
    wheel_free(&windows->wheel);
    stats_window_free(windows->closing.window);
    buf_free(&windows->closing.counts.records);
    pthread_rwlock_destroy(&windows->lock);
    pthread_mutex_destroy(&windows->making);
}

void windows_start(struct windows *windows, const struct stats_snapshot *snapshot)
{
    int64_t elapsed_ns = (int64_t)(snapshot->made_ns - snapshot->since_ns);
    if (windows->started)
        return;
    windows->started = true;
    windows->offset_ns = snapshot->made_ms * (int64_t)CLOCK_MS_NS - (int64_t)snapshot->made_ns;
    windows->open_ns = windows_now(windows, snapshot) - (elapsed_ns > 0 ? elapsed_ns : 0);
}

int64_t windows_now(const struct windows *windows, const struct stats_snapshot *snapshot)
{
    return (int64_t)snapshot->made_ns + windows->offset_ns;
}

bool windows_is_due(const struct windows *windows, const struct stats_snapshot *snapshot)
{
    int64_t part_ns = wheel_spans[WHEEL_MINUTE].part_ns;
    return windows_now(windows, snapshot) / part_ns > windows->open_ns / part_ns;
}

struct wheel_part windows_close(struct windows *windows, const struct stats_snapshot *snapshot)
{
    struct wheel_part part = {.from_ns = windows->open_ns, .to_ns = windows_now(windows, snapshot)};
    windows->closing.any = true;
    windows->closing.from_ns = part.from_ns;
    windows->open_ns = part.to_ns;
    return part;
}

void windows_prepare(struct windows *windows, struct wheel_part *part)
{
    wheel_prepare(&windows->wheel, part, &windows->lock);
}

void windows_put(struct windows *windows, struct wheel_part *part)
{
    wheel_put(&windows->wheel, part);
    buf_free(&windows->closing.counts.records);
    windows->closing.counts = (struct portion){0};
    windows->closing.window = NULL;
    windows->closing.any = false;
    sums_forget(&windows->sums);
}

void windows_add_up(struct windows *windows)
{
    pthread_rwlock_rdlock(&windows->lock);
    sums_make_again(&windows->sums, windows->open_ns);
    pthread_rwlock_unlock(&windows->lock);
}

void windows_restore(struct windows *windows, enum wheel_window length, struct wheel_part *part)
{
    wheel_restore(&windows->wheel, length, part);
    sums_forget(&windows->sums);
}

void windows_restore_begun(struct windows *windows, enum wheel_window window, int64_t begin_ns)
{
    wheel_begin(&windows->wheel, window, begin_ns);
}

void windows_begin(struct windows *windows, unsigned which, const struct stats_snapshot *snapshot)
{
    int64_t since_ns = (int64_t)snapshot->since_ns + windows->offset_ns;
    windows->open_ns = since_ns > windows->open_ns ? since_ns : windows->open_ns;
    for (int w = 0; w < WHEEL_WINDOWS; w++) {
        if (which >> w & 1)
            wheel_begin(&windows->wheel, (enum wheel_window)w, windows->open_ns);
    }
    windows->begun++;
    sums_forget(&windows->sums);
}
