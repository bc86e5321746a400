/*
 * Memory on the data path. Once warm, reading costs no allocation an event: many times the events
 * take no more than a few calls. And a program that is short of memory, at whichever call, ends in
 * order: with an error, or with every event accounted for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/share.h"
#include "base/cursor.h"
#include "cli/command.h"
#include "cli/dispatch.h"

enum { EVENTS = 8263 /* in the capture */, TIMES = 20 };

/* ThreadSanitizer looks for races, which some of the failures show as well as all. */
#ifdef __SANITIZE_THREAD__
enum { STEP = 7 };
#else
enum { STEP = 1 };
#endif

/* --- counting and failing calls (the linker wraps them) ------------------------------------- */

static atomic_ulong calls;
static atomic_ulong fail_at; /* the call that fails, counted from 1; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int denied(void)
{
    unsigned long now = atomic_fetch_add(&calls, 1) + 1;
    return now == atomic_load(&fail_at);
}

void *__wrap_malloc(size_t size)
{
    return denied() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return denied() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return denied() ? NULL : __real_realloc(old, size);
}

/* --- files ---------------------------------------------------------------------------------- */

static char *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* The capture's first frames `times` times over, between its START and its STOP. */
static void write_times(const char *path, const char *bytes, size_t size, int frames, int times)
{
    enum { START = 42, STOP = 12 };
    FILE *file = fopen(path, "wb");
    size_t end = START;
    assert_non_null(file);
    for (int i = 0; i < frames; i++) {
        assert_true(end < size - STOP);
        end += 4 + load_be32((const uint8_t *)bytes + end);
    }
    fwrite(bytes, 1, START, file);
    for (int i = 0; i < times; i++)
        fwrite(bytes + START, 1, end - START, file);
    fwrite(bytes + size - STOP, 1, STOP, file);
    assert_int_equal(fclose(file), 0);
}

/* Runs `spile read` with standard output and error elsewhere; its status. */
static int read_file(const char *format, const char *path)
{
    const char *words[] = {"spile", "read", "-o", format, path, NULL};
    fflush(stdout);
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    atomic_store(&calls, 0);
    int status = command_main(5, (char **)words);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    close(null);
    return status;
}

static unsigned long calls_of(const char *format, const char *path)
{
    assert_int_equal(read_file(format, path), COMMAND_OK);
    return atomic_load(&calls);
}

/* --- tests ---------------------------------------------------------------------------------- */

struct files {
    char once[64], often[64];
};

static int make_files(void **state)
{
    static struct files files;
    size_t size;
    char *bytes = slurp(getenv("SPILE_TEST_CAPTURE"), &size);
    snprintf(files.once, sizeof files.once, "/tmp/spile-once-%d.fstrm", (int)getpid());
    snprintf(files.often, sizeof files.often, "/tmp/spile-often-%d.fstrm", (int)getpid());
    write_times(files.once, bytes, size, share_of(EVENTS), 1);
    write_times(files.often, bytes, size, share_of(EVENTS), share_of(TIMES));
    free(bytes);
    *state = &files;
    return 0;
}

static int remove_files(void **state)
{
    const struct files *files = *state;
    unlink(files->once);
    unlink(files->often);
    return 0;
}

/* Chunks in flight vary with how threads run: some dozens are the queue's depth, not the events'.
 */
static void events_allocate_nothing(void **state)
{
    static const char *const formats[] = {"text", "json", "yaml", "fstrm"};
    const struct files *files = *state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        unsigned long once = calls_of(formats[i], files->once);
        unsigned long often = calls_of(formats[i], files->often);
        print_message("%s: %lu calls for %d events, %lu for %d times as many\n", formats[i], once,
                      share_of(EVENTS), often, share_of(TIMES));
        assert_true(often < once + 300);
    }
}

static void any_call_may_fail(void **state)
{
    const struct files *files = *state;
    unsigned long all = calls_of("json", files->once);
    assert_true(all > 10);
    for (unsigned long n = 1; n <= all; n += STEP) {
        atomic_store(&fail_at, n);
        int status = read_file("json", files->once);
        atomic_store(&fail_at, 0);
        assert_in_range(status, COMMAND_OK, COMMAND_USAGE);
    }
    assert_int_equal(read_file("json", files->once), COMMAND_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_allocate_nothing),
        cmocka_unit_test(any_call_may_fail),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
