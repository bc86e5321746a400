#include "top/recording.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "top/reply.h"

void top_recording_init(struct top_recording *recording)
{
    *recording = (struct top_recording){0};
    pthread_mutex_init(&recording->lock, NULL);
}

void top_recording_free(struct top_recording *recording)
{
    pthread_mutex_destroy(&recording->lock);
}

static bool is_near(const struct recorded_stretch *stretch, uint64_t second)
{
    uint64_t newest = stretch->newest;
    uint64_t gap = second > newest ? second - newest : newest - second;
    return stretch->count > 0 && gap < RECORDING_SECONDS;
}

/* The stretch with the fewest messages, but never the one that took the last: that one is just
 * beginning, perhaps. */
static size_t least_stretch(const struct top_recording *recording)
{
    size_t least = (recording->last + 1) % RECORDING_STRETCHES;
    for (size_t i = 0; i < RECORDING_STRETCHES; i++) {
        if (i != recording->last &&
            recording->stretches[i].count < recording->stretches[least].count)
            least = i;
    }
    return least;
}

/* The stretch that a second is of. One that must go leaves its seconds where they are: they stay
 * true until others need their places. */
static struct recorded_stretch *stretch_of(struct top_recording *recording, uint64_t second)
{
    size_t at = recording->last;
    for (size_t i = 0; i < RECORDING_STRETCHES; i++, at = (at + 1) % RECORDING_STRETCHES) {
        if (is_near(&recording->stretches[at], second)) {
            recording->last = at;
            return &recording->stretches[at];
        }
    }
    recording->last = least_stretch(recording);
    recording->stretches[recording->last].count = 0;
    recording->stretches[recording->last].newest = second;
    return &recording->stretches[recording->last];
}

static void count_second(struct top_recording *recording, uint64_t number, enum stats_side side,
                         enum stats_direction direction)
{
    struct recorded_stretch *stretch = stretch_of(recording, number);
    struct recorded_second *second = &stretch->seconds[number % RECORDING_SECONDS];
    stretch->newest = number > stretch->newest ? number : stretch->newest;
    stretch->count++;
    if (second->second != number)
        *second = (struct recorded_second){.second = number};
    second->count[side][direction]++;
}

static void record(void *state, unsigned worker, struct event *ev)
{
    struct top_recording *recording = state;
    uint64_t ns = ev->bad & FACET_DNSTAP ? 0 : dnstap_time_ns(&ev->tap);
    (void)worker;
    if (ns == 0)
        return;
    pthread_mutex_lock(&recording->lock);
    times_add(&recording->times, ns);
    count_second(recording, ns / CLOCK_SECOND_NS,
                 ev->side == DNSTAP_SIDE_UPSTREAM ? STATS_UPSTREAM : STATS_CLIENT,
                 dnstap_is_query(&ev->tap) ? STATS_QUERY : STATS_RESPONSE);
    pthread_mutex_unlock(&recording->lock);
}

struct observer top_recording_observer(struct top_recording *recording)
{
    return (struct observer){.state = recording, .needs = FACET_DNSTAP, .event = record};
}

/* --- what is shown -------------------------------------------------------------------------- */

struct shown {
    double from, to; /* Unix seconds */
    double span;     /* seconds, one at least: what is shorter has no rate */
};

/* Rates over the last `seconds` of the recording, both directions of a side. */
static void show_window(const struct top_recording *recording, const struct shown *shown,
                        enum stats_side side, unsigned seconds, double *queries, double *responses)
{
    uint64_t last = (uint64_t)shown->to;
    double sums[2] = {0, 0}, window = shown->span < seconds ? shown->span : seconds;
    for (size_t i = 0; i < RECORDING_STRETCHES * RECORDING_SECONDS; i++) {
        const struct recorded_second *second =
            &recording->stretches[i / RECORDING_SECONDS].seconds[i % RECORDING_SECONDS];
        if (second->second > last || last - second->second >= seconds)
            continue;
        sums[0] += (double)second->count[side][STATS_QUERY];
        sums[1] += (double)second->count[side][STATS_RESPONSE];
    }
    *queries = sums[0] / window;
    *responses = sums[1] / window;
}

static int column(enum top_list_id list, const char *title)
{
    int at = 0;
    while (strcmp(top_tables[list].columns[at].title, title) != 0)
        at++;
    return at;
}

static void show_streams(const struct shown *shown, struct top_list *streams)
{
    static const char *const pairs[][2] = {{"queries", "q/s"}, {"answers", "a/s"}};
    int both = column(LIST_STREAMS, "q+a/s");
    for (size_t i = 0; i < streams->count; i++) {
        double *values = streams->rows[i].values;
        values[both] = 0;
        for (int direction = 0; direction < 2; direction++) {
            double rate = values[column(LIST_STREAMS, pairs[direction][0])] / shown->span;
            values[column(LIST_STREAMS, pairs[direction][1])] = rate;
            values[both] += rate;
        }
    }
    top_reply_sort(streams);
}

static void show_windows(const struct top_recording *recording, const struct shown *shown,
                         enum stats_side side, double *numbers)
{
    show_window(recording, shown, side, 60, &numbers[NUMBER_QUERY_RATE_1M],
                &numbers[NUMBER_RESPONSE_RATE_1M]);
    show_window(recording, shown, side, 900, &numbers[NUMBER_QUERY_RATE_15M],
                &numbers[NUMBER_RESPONSE_RATE_15M]);
}

/* The rates of the last minutes are known for all streams together, not for a single one. */
static void forget_windows(double *numbers)
{
    numbers[NUMBER_QUERY_RATE_1M] = numbers[NUMBER_RESPONSE_RATE_1M] = NAN;
    numbers[NUMBER_QUERY_RATE_15M] = numbers[NUMBER_RESPONSE_RATE_15M] = NAN;
}

void top_recording_show(struct top_recording *recording, struct top_view *view)
{
    double *numbers = view->numbers;
    uint64_t from = 0, to = 0;
    pthread_mutex_lock(&recording->lock);
    bool known = times_span(&recording->times, &from, &to);
    double length = (double)(to - from) / 1e9;
    struct shown shown = {
        .from = (double)from / 1e9, .to = (double)to / 1e9, .span = length > 1 ? length : 1};
    if (known && !view->stream)
        show_windows(recording, &shown, view->side, numbers);
    else
        forget_windows(numbers);
    pthread_mutex_unlock(&recording->lock);
    if (!known)
        shown = (struct shown){NAN, NAN, NAN};
    if (view->window != WINDOW_ALL)
        shown.span = NAN;
    numbers[NUMBER_FROM] = shown.from * 1e3;
    numbers[NUMBER_TO] = shown.to * 1e3;
    numbers[NUMBER_ELSEWHEN] = 0; /* its rates are those of its own time */
    numbers[NUMBER_QUERY_RATE] = numbers[NUMBER_QUERIES] / shown.span;
    numbers[NUMBER_RESPONSE_RATE] = numbers[NUMBER_RESPONSES] / shown.span;
    show_streams(&shown, &view->lists[LIST_STREAMS]);
}
