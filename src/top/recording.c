#include "top/recording.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

#define DAY_NS (86400 * CLOCK_SECOND_NS) /* clocks differ */

void top_recording_init(struct top_recording *recording)
{
    *recording = (struct top_recording){.latest_ns = clock_wall_ns() + DAY_NS};
    pthread_mutex_init(&recording->lock, NULL);
}

void top_recording_free(struct top_recording *recording)
{
    pthread_mutex_destroy(&recording->lock);
}

static void count_second(struct top_recording *recording, uint64_t number, bool query)
{
    struct recorded_second *second = &recording->seconds[number % RECORDING_SECONDS];
    if (second->second != number)
        *second = (struct recorded_second){.second = number};
    if (query)
        second->queries++;
    else
        second->responses++;
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
    if (times_plausible(ns, recording->latest_ns))
        count_second(recording, ns / CLOCK_SECOND_NS, dnstap_is_query(&ev->tap));
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

/* Rates over the last `seconds` of the recording, both sides. */
static void show_window(const struct top_recording *recording, const struct shown *shown,
                        unsigned seconds, double *queries, double *responses)
{
    uint64_t last = (uint64_t)shown->to;
    double sums[2] = {0, 0}, window = shown->span < seconds ? shown->span : seconds;
    for (size_t i = 0; i < RECORDING_SECONDS; i++) {
        const struct recorded_second *second = &recording->seconds[i];
        if (second->second > last || last - second->second >= seconds)
            continue;
        sums[0] += (double)second->queries;
        sums[1] += (double)second->responses;
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
    for (int side = 0; side < 2; side++) {
        int count = column(LIST_STREAMS, pairs[side][0]),
            rate = column(LIST_STREAMS, pairs[side][1]);
        for (size_t i = 0; i < streams->count; i++)
            streams->rows[i].values[rate] = streams->rows[i].values[count] / shown->span;
    }
}

static void show_windows(const struct top_recording *recording, const struct shown *shown,
                         double *numbers)
{
    show_window(recording, shown, 60, &numbers[NUMBER_QUERY_RATE_1M],
                &numbers[NUMBER_RESPONSE_RATE_1M]);
    show_window(recording, shown, 900, &numbers[NUMBER_QUERY_RATE_15M],
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
    bool known = times_span(&recording->times, recording->latest_ns, &from, &to);
    double length = (double)(to - from) / 1e9;
    struct shown shown = {
        .from = (double)from / 1e9, .to = (double)to / 1e9, .span = length > 1 ? length : 1};
    if (known && !view->stream)
        show_windows(recording, &shown, numbers);
    else
        forget_windows(numbers);
    pthread_mutex_unlock(&recording->lock);
    if (!known)
        shown = (struct shown){NAN, NAN, NAN};
    numbers[NUMBER_FROM] = shown.from;
    numbers[NUMBER_TO] = shown.to;
    numbers[NUMBER_QUERY_RATE] = numbers[NUMBER_QUERIES] / shown.span;
    numbers[NUMBER_RESPONSE_RATE] = numbers[NUMBER_RESPONSES] / shown.span;
    show_streams(&shown, &view->lists[LIST_STREAMS]);
}
