/* Outputs `stdout` and `null`. Standard output is a pipe here, and put back behind each test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "../support/outputs.h"
#include "base/clock.h"
#include "out/emit.h"

extern const struct module output_stdout, output_null;

/* The wall clock is so far ahead of the kernel's. */
static _Atomic int64_t ahead_s;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __real_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int rc = __real_clock_gettime(clock, now);
    now->tv_sec += clock == CLOCK_REALTIME ? atomic_load(&ahead_s) : 0;
    return rc;
}

enum { LEN = 100, TEXT_MAX = 1 << 20 };

static const char *const no_settings[] = {NULL};

/* One output onto a pipe. */
struct engine_end {
    int saved, reader;
    struct output out;
    char text[TEXT_MAX];
    size_t len;
};

static int redirect(void **state)
{
    struct engine_end *end = calloc(1, sizeof *end);
    int ends[2];
    fflush(stdout);
    signal(SIGPIPE, SIG_IGN); /* the writer thread blocks it */
    end->saved = dup(STDOUT_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    end->reader = ends[0];
    *state = end;
    return 0;
}

static int restore(void **state)
{
    struct engine_end *end = *state;
    dup2(end->saved, STDOUT_FILENO);
    close(end->saved);
    if (end->reader >= 0)
        close(end->reader);
    free(end);
    chunk_pool_free();
    return 0;
}

static void open_output(struct engine_end *end, const struct format_hooks *format)
{
    struct error err;
    assert_int_equal(outputs_open(&end->out, &output_stdout, format, no_settings, &err), 0);
    atomic_store(&end->out.begun, true);
}

/* Reads what is there up to the end of the file; the write end must be closed. */
static void *drain(void *arg)
{
    struct engine_end *end = arg;
    ssize_t got;
    while ((got = read(end->reader, end->text + end->len, TEXT_MAX - 1 - end->len)) > 0)
        end->len += (size_t)got;
    return NULL;
}

static void close_and_drain(struct engine_end *end)
{
    outputs_close(&end->out);
    dup2(end->saved, STDOUT_FILENO);
    drain(end);
}

static void expect_text(const struct engine_end *end, const char *before, unsigned records,
                        const char *after)
{
    static char expected[TEXT_MAX];
    char *p = stpcpy(expected, before);
    for (unsigned i = 0; i < records; i++, p += LEN)
        chunks_line(p, 0, i, LEN);
    strcpy(p, after);
    assert_string_equal(end->text, expected);
}

static void writes_whole_chunks(void **state)
{
    struct engine_end *end = *state;
    uint32_t done;
    open_output(end, &outputs_lines);
    assert_false(end->out.hooks->terminal(&end->out));
    assert_int_equal(outputs_write(&end->out, 0, 20, LEN, &done), OUTPUT_OK);
    assert_int_equal(done, 20);
    close_and_drain(end);
    expect_text(end, "", 20, "");
}

static void begins_and_ends_the_stream(void **state)
{
    struct engine_end *end = *state;
    uint32_t done;
    open_output(end, &outputs_framed);
    outputs_write(&end->out, 0, 2, LEN, &done);
    outputs_write(&end->out, 2, 1, LEN, &done);
    close_and_drain(end);
    expect_text(end, "<begin>\n", 3, "<end>\n");
}

static void empty_stream_begins_and_ends(void **state)
{
    struct engine_end *end = *state;
    open_output(end, &outputs_framed);
    close_and_drain(end);
    expect_text(end, "<begin>\n", 0, "<end>\n");
}

static void a_start_that_fails_writes_nothing(void **state)
{
    struct engine_end *end = *state;
    open_output(end, &outputs_framed);
    atomic_store(&end->out.begun, false);
    close_and_drain(end);
    expect_text(end, "", 0, "");
}

static void no_signal(int number)
{
    (void)number;
}

/* Writes as the core does at the deadline: interrupted again and again, for one signal may come
 * before the system call. */
static enum output_status write_interrupted(struct output *out, const struct chunk *chunk,
                                            uint32_t first, uint32_t *done)
{
    struct sigaction action = {.sa_handler = no_signal};
    struct itimerval every = {{.tv_usec = 10000}, {.tv_usec = 10000}}, never = {{0}, {0}};
    sigaction(SIGALRM, &action, NULL);
    atomic_store(&out->interrupted, true);
    setitimer(ITIMER_REAL, &every, NULL);
    enum output_status status = out->hooks->write(out, chunk, first, done);
    setitimer(ITIMER_REAL, &never, NULL);
    atomic_store(&out->interrupted, false);
    return status;
}

/* Another program's O_NONBLOCK on the same pipe, and far more bytes than it holds. */
static void waits_where_writes_do_not_block(void **state)
{
    struct engine_end *end = *state;
    pthread_t reader;
    uint32_t done;
    open_output(end, &outputs_lines);
    fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
    pthread_create(&reader, NULL, drain, end);
    assert_int_equal(outputs_write(&end->out, 0, 2000, LEN, &done), OUTPUT_OK);
    assert_int_equal(done, 2000);
    outputs_close(&end->out);
    dup2(end->saved, STDOUT_FILENO);
    pthread_join(reader, NULL);
    expect_text(end, "", 2000, "");
}

/* A full pipe that does not block is waited for, until the deadline. */
static void full_pipe_is_no_failure(void **state)
{
    struct engine_end *end = *state;
    uint32_t filled = 0, done = 0;
    open_output(end, &outputs_lines);
    fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
    struct chunk *chunk = chunks_make(0, 0, 2000, LEN);
    assert_int_equal(write_interrupted(&end->out, chunk, 0, &filled), OUTPUT_RETRY);
    assert_int_equal(write_interrupted(&end->out, chunk, filled, &done), OUTPUT_RETRY);
    assert_int_equal(done, filled);
    chunk_release(chunk);
    outputs_close(&end->out);
}

static void *write_until_stopped(void *arg)
{
    struct engine_end *end = arg;
    uint32_t done;
    outputs_write(&end->out, 0, 2000, LEN, &done);
    return NULL;
}

/* Standard output is another's, whose reader sleeps: a line gives up in a second, by whatever the
 * wall clock has done. */
static void line_waits_a_second_at_most(void **state)
{
    struct engine_end *end = *state;
    pthread_t writer;
    int queued = 0;
    open_output(end, &outputs_lines);
    pthread_create(&writer, NULL, write_until_stopped, end);
    while (ioctl(end->reader, FIONREAD, &queued) == 0 && queued < 4096)
        sched_yield(); /* until it has standard output for itself */
    atomic_store(&ahead_s, INT64_C(100) * 365 * 86400);
    assert_int_equal(emit_line(STDOUT_FILENO, "line\n", 5), -1);
    assert_int_equal(errno, ETIMEDOUT);
    atomic_store(&ahead_s, 0);
    pthread_t reader;
    pthread_create(&reader, NULL, drain, end);
    pthread_join(writer, NULL);
    outputs_close(&end->out);
    dup2(end->saved, STDOUT_FILENO);
    pthread_join(reader, NULL);
    expect_text(end, "", 2000, "");
}

static void reader_that_left_closes(void **state)
{
    struct engine_end *end = *state;
    uint32_t done;
    open_output(end, &outputs_framed);
    outputs_write(&end->out, 0, 1, LEN, &done);
    close(end->reader);
    end->reader = -1;
    assert_int_equal(outputs_write(&end->out, 1, 5, LEN, &done), OUTPUT_CLOSED);
    assert_int_equal(done, 0);
    outputs_close(&end->out);
}

/* The deadline comes while a full pipe blocks: whole records are counted, the cut one is not, and
 * it goes on where it was cut should there be another call. */
static void interrupted_write_counts_whole_records(void **state)
{
    struct engine_end *end = *state;
    uint32_t done = 0;
    open_output(end, &outputs_framed);
    struct chunk *chunk = chunks_make(0, 0, 2000, LEN);
    assert_int_equal(write_interrupted(&end->out, chunk, 0, &done), OUTPUT_RETRY);
    assert_true(done > 0 && done < 2000);
    uint32_t first = done;
    /* Somebody reads: the rest goes out, first of all the rest of the record. */
    pthread_t reader;
    pthread_create(&reader, NULL, drain, end);
    assert_int_equal(end->out.hooks->write(&end->out, chunk, first, &done), OUTPUT_OK);
    chunk_release(chunk);
    outputs_close(&end->out);
    dup2(end->saved, STDOUT_FILENO);
    pthread_join(reader, NULL);
    expect_text(end, "<begin>\n", 2000, "<end>\n");
}

static void closed_descriptor_is_an_error(void **state)
{
    struct engine_end *end = *state;
    struct error err;
    close(STDOUT_FILENO);
    assert_int_equal(outputs_open(&end->out, &output_stdout, &outputs_lines, no_settings, &err),
                     -1);
    outputs_free(&end->out);
}

/* Writes `records` as the writer thread does: until all are through. How many were written. */
static unsigned write_through(struct output *out, unsigned records)
{
    struct chunk *chunk = chunks_make(0, 0, records, LEN);
    uint32_t at = 0, done = 0;
    unsigned written = 0;
    while (at < records) {
        enum output_status status = out->hooks->write(out, chunk, at, &done);
        assert_true(done > at);
        assert_true(status == OUTPUT_OK || status == OUTPUT_FILTERED);
        written += status == OUTPUT_OK ? done - at : 0;
        at = done;
    }
    chunk_release(chunk);
    return written;
}

/* Puts a terminal where standard output is; its other side, which has room for a few lines only,
 * is read by `drain`. */
static void onto_terminal(struct engine_end *end)
{
    int ours = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(ours >= 0 && grantpt(ours) == 0 && unlockpt(ours) == 0);
    int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY);
    assert_true(theirs >= 0);
    dup2(theirs, STDOUT_FILENO);
    close(theirs);
    close(end->reader);
    end->reader = ours;
}

/* So many lines a second on a terminal, however many come; all of them where the limit is off, and
 * into a pipe. */
static void terminal_rate_limits_a_terminal(void **state)
{
    static const char *const limit[] = {"terminal-rate=10", NULL};
    static const struct {
        bool terminal;
        const char *const *settings;
        bool limited;
    } rows[] = {{false, limit, false}, {true, no_settings, false}, {true, limit, true}};
    struct engine_end *end = *state;
    for (int i = 0; i < 3; i++) {
        struct error err;
        pthread_t reader;
        if (rows[i].terminal)
            onto_terminal(end);
        assert_int_equal(
            outputs_open(&end->out, &output_stdout, &outputs_lines, rows[i].settings, &err), 0);
        end->len = 0;
        pthread_create(&reader, NULL, drain, end);
        uint64_t start = clock_ns();
        unsigned written = 0;
        for (int n = 0; n < 20; n++)
            written += write_through(&end->out, 100);
        uint64_t seconds = (clock_ns() - start) / CLOCK_SECOND_NS;
        outputs_close(&end->out);
        dup2(end->saved, STDOUT_FILENO);
        pthread_join(reader, NULL);
        unsigned lines = 0;
        for (size_t at = 0; at < end->len; at++)
            lines += end->text[at] == '\n';
        assert_int_equal(lines, written);
        assert_true(written >= 10);
        assert_true(rows[i].limited ? written <= 10 * (seconds + 1) : written == 2000);
    }
}

/* null: what it asks for, and what it takes. */
static void null_decodes_as_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t facets;
    } rows[] = {
        {"none", 0},
        {"header", FACET_HEADER},
        {"question", FACET_QUESTION},
        {"all", FACET_QUESTION | FACET_RECORDS | FACET_POLICY | FACET_LATENCY},
    };
    const struct output_hooks *hooks = output_null.hooks;
    struct error err;
    int decode = -1;
    void *options = calloc(1, output_null.options_size);
    struct output out = {.module = &output_null, .hooks = hooks, .options = options};
    assert_int_equal(options_init(output_null.options, options, &err), 0);
    const struct option *row = option_find(output_null.options, span_str("decode"), NULL);
    assert_int_equal(hooks->needs(&out), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(option_parse(row, options, span_str(rows[i].name), &err), 0);
        assert_int_equal(hooks->needs(&out), rows[i].facets);
        memcpy(&decode, (const char *)options + row->offset, sizeof decode);
        assert_int_equal(decode, i);
    }
    outputs_free(&out);
}

static void null_counts_malformed_frames(void **state)
{
    (void)state;
    const struct output_hooks *hooks = output_null.hooks;
    struct event ev;
    event_init(&ev, span_str("frame"), NULL);
    assert_int_equal(hooks->event(NULL, 0, &ev), FORMAT_WRITTEN);
    ev.bad = FACET_QUESTION; /* of the DNS message: still an event */
    assert_int_equal(hooks->event(NULL, 0, &ev), FORMAT_WRITTEN);
    ev.bad = FACET_DNSTAP;
    assert_int_equal(hooks->event(NULL, 0, &ev), DROP_MALFORMED);
}

#define ON_PIPE(test) cmocka_unit_test_setup_teardown(test, redirect, restore)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_PIPE(writes_whole_chunks),
        ON_PIPE(begins_and_ends_the_stream),
        ON_PIPE(empty_stream_begins_and_ends),
        ON_PIPE(a_start_that_fails_writes_nothing),
        ON_PIPE(waits_where_writes_do_not_block),
        ON_PIPE(full_pipe_is_no_failure),
        ON_PIPE(line_waits_a_second_at_most),
        ON_PIPE(reader_that_left_closes),
        ON_PIPE(interrupted_write_counts_whole_records),
        ON_PIPE(closed_descriptor_is_an_error),
        ON_PIPE(terminal_rate_limits_a_terminal),
        cmocka_unit_test(null_decodes_as_told),
        cmocka_unit_test(null_counts_malformed_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
