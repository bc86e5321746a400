#include "history/ask.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

enum { GRACE_MS = 200 /* for an answer that has noticed itself that it comes too late */ };

static const char no_answer[] = "history does not answer in time: its disk is slow, or stuck";

/* A question on its way. Owner: the thread that answers, or whoever asks once it is done. */
struct asking {
    struct ask ask;
    ask_answer *answer;
    struct buf text; /* what the question's spans point to */
    struct buf out;
    struct error err;
    int rc;
    bool done, left; /* nobody waits any more; both under `reading` */
};

static void free_asking(struct asking *asking)
{
    buf_free(&asking->text);
    buf_free(&asking->out);
    free(asking);
}

/* --- readers -------------------------------------------------------------------------------- */

/* True when every reader should have been given back by now. */
static bool all_are_late(const struct history *history)
{
    for (int i = 0; i < HISTORY_READERS; i++) {
        if (clock_ns() < history->readers[i].until_ns)
            return false;
    }
    return true;
}

/* Waits for a connection that nobody else uses. NULL: err. */
static struct history_reader *take_reader(struct history *history, uint64_t until_ns,
                                          struct error *err)
{
    struct timespec until = clock_timespec(until_ns);
    struct history_reader *found = NULL;
    bool late = false;
    int rc = 0;
    pthread_mutex_lock(&history->reading);
    while (!found && !late && rc == 0) {
        for (int i = 0; i < HISTORY_READERS && !found; i++)
            found = history->readers[i].busy ? NULL : &history->readers[i];
        late = !found && all_are_late(history);
        if (!found && !late)
            rc = pthread_cond_timedwait(&history->answered, &history->reading, &until);
    }
    if (found) {
        found->busy = true;
        found->until_ns = until_ns;
    }
    pthread_mutex_unlock(&history->reading);
    if (!found)
        error_set(err, "%s", late ? no_answer : "too many ask for history at once");
    return found;
}

/* --- threads -------------------------------------------------------------------------------- */

static void *work(void *arg)
{
    struct asking *asking = arg;
    struct history *history = asking->ask.history;
    thread_begin("history-ask", 0);
    asking->rc = asking->answer(&asking->ask, &asking->out, &asking->err);
    pthread_mutex_lock(&history->reading);
    bool left = asking->left;
    asking->done = true;
    asking->ask.reader->busy = false;
    history->threads--;
    /* Whoever waits, for this answer or for a reader, is woken before the history may be gone. */
    pthread_cond_broadcast(&history->answered);
    pthread_mutex_unlock(&history->reading);
    if (left)
        free_asking(asking);
    return NULL;
}

/* A thread that is on its own when it is late. False: there is none to be had. */
static bool begin(struct asking *asking)
{
    struct history *history = asking->ask.history;
    pthread_attr_t detached;
    pthread_t thread;
    pthread_mutex_lock(&history->reading);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    bool begun = pthread_create(&thread, &detached, work, asking) == 0;
    pthread_attr_destroy(&detached);
    history->threads += begun;
    asking->ask.reader->busy = begun;
    if (!begun)
        pthread_cond_broadcast(&history->answered);
    pthread_mutex_unlock(&history->reading);
    return begun;
}

/* Returns whether the answer is there in time. */
static bool await(struct asking *asking)
{
    struct history *history = asking->ask.history;
    struct timespec until = clock_timespec(asking->ask.until_ns + GRACE_MS * CLOCK_MS_NS);
    int rc = 0;
    pthread_mutex_lock(&history->reading);
    while (!asking->done && rc == 0)
        rc = pthread_cond_timedwait(&history->answered, &history->reading, &until);
    bool done = asking->done;
    asking->left = !done;
    pthread_mutex_unlock(&history->reading);
    return done;
}

/* The thread may outlive what the question's words lie in. */
static void copy_question(struct asking *asking, const struct history_question *question)
{
    const struct span words[] = {question->stream, question->series, question->table, question->by};
    struct history_question *copy = &asking->ask.question;
    struct span *copies[] = {&copy->stream, &copy->series, &copy->table, &copy->by};
    *copy = *question;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        buf_put(&asking->text, words[i].ptr, words[i].len);
    size_t at = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words && !asking->text.failed; i++) {
        *copies[i] = span_of(asking->text.data + at, words[i].len);
        at += words[i].len;
    }
}

static int ask_thread(struct asking *asking, struct buf *out, struct error *err)
{
    asking->ask.reader = take_reader(asking->ask.history, asking->ask.until_ns, err);
    if (!asking->ask.reader || !begin(asking)) {
        if (asking->ask.reader)
            error_set(err, "no thread to read the history");
        free_asking(asking);
        return -1;
    }
    if (!await(asking))
        return error_set(err, "%s", no_answer);
    int rc = asking->rc;
    if (rc < 0)
        *err = asking->err;
    else
        buf_put(out, asking->out.data, asking->out.len);
    if (rc == 0 && out->failed)
        rc = error_set(err, "no memory for so much history");
    free_asking(asking);
    return rc;
}

int ask_question(struct history *history, const struct history_question *question, size_t n,
                 ask_answer *answer, struct buf *out, struct error *err)
{
    struct ask plain = {.history = history,
                        .question = *question,
                        .n = n,
                        .until_ns = clock_after(history->answer_ns)};
    if (!history->settings.path)
        return answer(&plain, out, err);
    struct asking *asking = calloc(1, sizeof *asking);
    if (!asking)
        return error_set(err, "no memory for so much history");
    asking->ask = plain;
    asking->answer = answer;
    copy_question(asking, question);
    if (asking->text.failed) {
        free_asking(asking);
        return error_set(err, "no memory for so much history");
    }
    return ask_thread(asking, out, err);
}

void ask_end(struct history *history)
{
    pthread_mutex_lock(&history->reading);
    while (history->threads > 0)
        pthread_cond_wait(&history->answered, &history->reading);
    pthread_mutex_unlock(&history->reading);
}
