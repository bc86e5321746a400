#include "core/writer.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"

/* Interrupts a write(2) that blocks. A realtime signal that nothing else here uses; its handler
 * does nothing, and without SA_RESTART the system call returns with what it has done so far. */
#define INTERRUPT_SIGNAL (SIGRTMIN + 4)

#define TICK_NS CLOCK_SECOND_NS
#define BACKOFF_MIN_NS (10 * CLOCK_MS_NS)
#define BACKOFF_MAX_NS (5 * CLOCK_SECOND_NS)
/* A signal that comes between a look at `interrupted` and the system call is lost: so repeat it. */
#define INTERRUPT_EVERY_NS (10 * CLOCK_MS_NS)

static void on_interrupt(int signal)
{
    (void)signal;
}

static void count_drop(struct writer *w, enum drop_reason reason, uint64_t records)
{
    /* Shared: writer_abandon counts on another thread. */
    counter_add_shared(&w->ledger->dropped[reason], records);
}

/* Tick, reopen and rotate, when they are due. */
static void housekeep(struct writer *w)
{
    const struct output_hooks *hooks = w->out->hooks;
    if (hooks->tick)
        hooks->tick(w->out);
    w->next_tick_ns = clock_after(TICK_NS);
    if (atomic_exchange(&w->reopen, false) && hooks->reopen)
        hooks->reopen(w->out);
    if (atomic_exchange(&w->rotate, false) && hooks->rotate)
        hooks->rotate(w->out);
}

static bool is_paused(struct writer *w)
{
    return atomic_load(&w->paused) && !atomic_load(&w->ending);
}

/* The next chunk, or NULL at the end of the queue. */
static struct chunk *next_chunk(struct writer *w)
{
    for (;;) {
        struct chunk *chunk;
        uint64_t now = clock_ns();
        uint64_t left = w->next_tick_ns > now ? w->next_tick_ns - now : 0;
        if (is_paused(w)) {
            queue_sleep(w->queue, left);
            housekeep(w);
            continue;
        }
        switch (queue_pop(w->queue, left, &chunk)) {
        case QUEUE_CHUNK:
            return chunk;
        case QUEUE_END:
            return NULL;
        case QUEUE_NOTHING:
            housekeep(w);
        }
    }
}

/* Doubles from 10 ms to 5 s; the wait is a random half to whole of it, lest outputs go in step. */
static void back_off(struct writer *w)
{
    atomic_store(&w->stuck, true);
    uint64_t wait = w->backoff_ns ? w->backoff_ns * 2 : BACKOFF_MIN_NS;
    w->backoff_ns = wait < BACKOFF_MAX_NS ? wait : BACKOFF_MAX_NS;
    w->random = w->random * 1664525 + 1013904223;
    uint64_t jitter = (w->backoff_ns / 2) * (w->random >> 16) / 65536;
    queue_sleep(w->queue, w->backoff_ns / 2 + jitter);
}

/* Counters must not go down, so what turned out to be lost is made up for by what comes next. */
static void count_delivered(struct writer *w, const struct chunk *chunk, uint32_t first,
                            uint32_t end)
{
    uint64_t records = end - first, lost = w->out->lost < records ? w->out->lost : records;
    if (lost) {
        w->out->lost -= lost;
        count_drop(w, DROP_WRITE, lost);
    }
    counter_add(&w->ledger->delivered, records - lost);
    counter_add(&w->ledger->bytes, chunk_start(chunk, end) - chunk_start(chunk, first));
}

/* What became of records that a call of `write` is through with. */
static void count_done(struct writer *w, enum output_status status, const struct chunk *chunk,
                       uint32_t first, uint32_t end)
{
    if (status == OUTPUT_FILTERED)
        counter_add(&w->ledger->filtered, end - first);
    else
        count_delivered(w, chunk, first, end);
}

/* Nothing comes any more. */
static void settle_lost(struct writer *w)
{
    counter_set(&w->ledger->delivered, counter_get(&w->ledger->delivered) - w->out->lost);
    count_drop(w, DROP_WRITE, w->out->lost);
    w->out->lost = 0;
}

static void output_closed(struct writer *w)
{
    count_drop(w, DROP_WRITE, queue_abandon(w->queue, DROP_WRITE));
    if (w->on_closed)
        w->on_closed(w->arg);
}

/* Calls the hook until all records of a chunk are written, or cannot be. Returns why it ended, with
 * the first record that was not written in *at. */
static enum output_status write_records(struct writer *w, const struct chunk *chunk, uint32_t *at)
{
    for (;;) {
        uint32_t done = *at;
        housekeep(w);
        enum output_status status = w->out->hooks->write(w->out, chunk, *at, &done);
        bool progress = done > *at;
        if (progress) {
            count_done(w, status, chunk, *at, done);
            w->backoff_ns = 0;
            atomic_store(&w->stuck, false);
            *at = done;
        }
        if (done == chunk->records || status == OUTPUT_CLOSED || status == OUTPUT_FAILED)
            return status;
        if (atomic_load(&w->out->interrupted))
            return OUTPUT_RETRY;
        if (!progress && w->out->gives_up)
            return OUTPUT_FAILED;
        if (!progress)
            back_off(w);
    }
}

static void deliver(struct writer *w, const struct chunk *chunk)
{
    uint32_t at = 0;
    enum output_status status = write_records(w, chunk, &at);
    if (at < chunk->records)
        count_drop(w, status == OUTPUT_RETRY ? DROP_SHUTDOWN : DROP_WRITE, chunk->records - at);
    if (status == OUTPUT_FAILED && w->out->gives_up)
        atomic_store(&w->gave_up, true);
    if (status == OUTPUT_CLOSED)
        atomic_store(&w->closed, true);
    if (atomic_load(&w->closed) || atomic_load(&w->gave_up))
        output_closed(w);
}

static void *run(void *arg)
{
    struct writer *w = arg;
    struct chunk *chunk;
    thread_begin(w->out->name, INTERRUPT_SIGNAL);
    while ((chunk = next_chunk(w))) {
        deliver(w, chunk);
        chunk_release(chunk);
    }
    if (w->out->hooks->close)
        w->out->hooks->close(w->out);
    settle_lost(w);
    pthread_mutex_lock(&w->lock);
    w->ended = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int writer_start(struct writer *writer, struct output *out, struct queue *queue,
                 struct ledger *ledger, void (*on_closed)(void *arg), void *arg, struct error *err)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt};
    sigemptyset(&interrupt.sa_mask);
    sigaction(INTERRUPT_SIGNAL, &interrupt, NULL);
    *writer = (struct writer){
        .out = out,
        .queue = queue,
        .ledger = ledger,
        .on_closed = on_closed,
        .arg = arg,
        .next_tick_ns = clock_after(TICK_NS),
        .random = (uint32_t)clock_ns(),
    };
    pthread_mutex_init(&writer->lock, NULL);
    thread_cond_init(&writer->changed);
    int rc = pthread_create(&writer->thread, NULL, run, writer);
    if (rc == 0)
        return 0;
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    return error_set(err, "%s: cannot start a thread: %s", out->name, strerror(rc));
}

void writer_reopen(struct writer *writer)
{
    atomic_store(&writer->reopen, true);
    queue_nudge(writer->queue);
}

void writer_rotate(struct writer *writer)
{
    atomic_store(&writer->rotate, true);
    queue_nudge(writer->queue);
}

void writer_pause(struct writer *writer, bool paused)
{
    atomic_store(&writer->paused, paused);
    queue_nudge(writer->queue);
}

void writer_abandon(struct writer *writer)
{
    atomic_store(&writer->ending, true);
    atomic_store(&writer->out->interrupted, true);
    count_drop(writer, DROP_SHUTDOWN, queue_abandon(writer->queue, DROP_SHUTDOWN));
    pthread_mutex_lock(&writer->lock);
    writer->abandoned = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}

void writer_drain(struct writer *writer)
{
    atomic_store(&writer->ending, true);
    queue_close(writer->queue);
    queue_nudge(writer->queue); /* a back-off ends: there may be no later moment to try */
}

/* Waits until the thread has ended, or that moment, or for as long as it is not abandoned. */
static bool wait_drained(struct writer *w, uint64_t until_ns)
{
    struct timespec until = clock_timespec(until_ns);
    int rc = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->ended && !w->abandoned && rc == 0)
        rc = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    bool ended = w->ended;
    pthread_mutex_unlock(&w->lock);
    return ended;
}

/* Waits until the thread has ended, or that moment. */
static bool wait_ended(struct writer *w, uint64_t until_ns)
{
    struct timespec until = clock_timespec(until_ns);
    int rc = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->ended && rc == 0)
        rc = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    bool ended = w->ended;
    pthread_mutex_unlock(&w->lock);
    return ended;
}

void writer_finish(struct writer *writer, uint64_t deadline_ns)
{
    writer_drain(writer);
    if (!wait_drained(writer, deadline_ns)) {
        writer_abandon(writer);
        while (!wait_ended(writer, clock_after(INTERRUPT_EVERY_NS)))
            pthread_kill(writer->thread, INTERRUPT_SIGNAL);
    }
    pthread_join(writer->thread, NULL);
}

void writer_free(struct writer *writer)
{
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
}
