/* A history in a folder of its own, the time it lives through, and its answers. */
#ifndef SPILE_TESTS_PLACE_H
#define SPILE_TESTS_PLACE_H

#include <glob.h>
#include <unistd.h>

#include "disk.h"
#include "history/history_state.h"
#include "json_check.h"
#include "snapshots.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
static const int64_t morning = 20000 * DAY; /* a midnight */

enum { NXDOMAIN = 3 };

struct place {
    char folder[64], path[96];
    struct history_settings settings;
    struct siphash_key key;
    struct history *history;
    struct story keeper; /* of the clocks, where nobody lives: place_clean */
};

static inline void place_open(struct place *place)
{
    struct error err;
    place->history = history_open(&place->settings, &place->key, &err);
    assert_non_null(place->history);
    place->history->answer_ns = UINT64_C(3600000000000); /* on a machine that is busy, too */
}

static inline void place_begin(struct place *place)
{
    disk_use();
    *place = (struct place){.folder = "/tmp/spile-history-XXXXXX"};
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/history.db", place->folder);
    place->settings = (struct history_settings){
        .path = place->path,
        .keep_ns = {2 * DAY * 1000000, 60 * DAY * 1000000, 1830 * DAY * 1000000},
        .top = 10,
        .write_every_ns = 60 * UINT64_C(1000000000),
    };
    place_open(place);
}

/* Writes what waits, as the writer's thread does. */
static inline void place_write(struct place *place)
{
    place->history->followed = true;
    history_write(place->history);
}

/* Goes on to that time by both clocks, and cleans up, as the writer does every minute. */
static inline void place_clean(struct place *place, int64_t ms)
{
    struct story *keeper = &place->keeper;
    if (keeper->ms == 0)
        *keeper = story_begin(ms);
    story_wait(keeper, ms - keeper->ms);
    history_see(place->history, story_snapshot(keeper));
    history_seal(place->history);
    place->history->writer.trimmed_ns = 0;
    place_write(place);
}

/* The end of the program, or of one before its time: what is open is written, or not. */
static inline void place_close(struct place *place, bool orderly)
{
    if (orderly) {
        history_seal(place->history);
        place_write(place);
    }
    history_close(place->history);
    place->history = NULL;
}

static inline void place_end(struct place *place)
{
    glob_t files;
    char pattern[96];
    if (place->history)
        place_close(place, false);
    snprintf(pattern, sizeof pattern, "%s/*", place->folder);
    if (glob(pattern, 0, NULL, &files) == 0) {
        for (size_t i = 0; i < files.gl_pathc; i++)
            unlink(files.gl_pathv[i]);
        globfree(&files);
    }
    rmdir(place->folder);
}

/* Some traffic for so many seconds, seen every `step` of them. Returns how many queries. */
static inline uint64_t live_by(struct place *place, struct story *story, int64_t seconds,
                               int64_t step)
{
    uint64_t queries = 0;
    for (int64_t i = 0; i < seconds; i += step) {
        uint64_t n = 1 + (uint64_t)(story->ms / SECOND) % 7;
        story_count(story, 0, n, n, 0, (int64_t)(n * 1000000));
        story_count(story, 1, 2, 1, NXDOMAIN, 20000000);
        story_wait(story, step * SECOND);
        history_see(place->history, story_snapshot(story));
        queries += n + 2;
    }
    return queries;
}

static inline uint64_t live(struct place *place, struct story *story, int64_t seconds)
{
    return live_by(place, story, seconds, 1);
}

/* --- looking at answers ---------------------------------------------------------------------- */

/* What the history said: members, as the text of an object that is checked to be JSON. */
static inline char *answer_text(int rc, struct buf *out, const struct error *err)
{
    if (rc < 0)
        print_message("%s\n", err->text);
    assert_int_equal(rc, 0);
    struct buf text = {0};
    buf_byte(&text, '{');
    buf_put(&text, out->data, out->len);
    buf_byte(&text, '}');
    buf_free(out);
    assert_true(json_check((const char *)text.data, text.len));
    buf_byte(&text, '\0');
    return (char *)text.data;
}

static inline char *ask(struct place *place, struct history_question question)
{
    struct buf out = {0};
    struct error err = {0};
    int rc = history_series_json(place->history, &question, &out, &err);
    return answer_text(rc, &out, &err);
}

/* The sum of a series; nulls are nothing. *known: values that are not null. */
static inline uint64_t sum_of(const char *answer, const char *name, size_t *known)
{
    char key[80];
    uint64_t sum = 0;
    snprintf(key, sizeof key, "\"%s\":[", name);
    const char *p = strstr(answer, key);
    *known = 0;
    if (!p)
        return 0;
    for (p += strlen(key); *p != ']'; p += *p == ',') {
        char *end;
        uint64_t value = strtoull(p, &end, 10);
        *known += end > p;
        sum += value;
        p = end > p ? end : p + strlen("null");
        p += strcspn(p, ",]"); /* a fraction */
    }
    return sum;
}

static enum stats_side asked_side; /* what `total` asks about */

static inline uint64_t total(struct place *place, const char *stream, const char *name,
                             int64_t from, int64_t to, int64_t step)
{
    size_t known;
    char *answer = ask(place, (struct history_question){
                                  .stream = stream ? span_str(stream) : (struct span){0},
                                  .side = asked_side,
                                  .from_ms = from,
                                  .to_ms = to,
                                  .step_ms = (uint64_t)step,
                                  .series = span_str(name),
                              });
    uint64_t sum = sum_of(answer, name, &known);
    free(answer);
    return sum;
}

static const int64_t lengths[] = {MINUTE, 5 * MINUTE, HOUR, DAY};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

/* At every length of steps there are as many queries. */
static inline void assert_queries(struct place *place, int64_t from, int64_t to, uint64_t queries)
{
    for (int i = 0; i < LENGTHS; i++)
        assert_int_equal(total(place, NULL, "queries", from, to, lengths[i]), queries);
}

#endif
