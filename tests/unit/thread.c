/* base/thread: how long a thread has waited for a processor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"

static atomic_bool over;

static void *spin(void *arg)
{
    (void)arg;
    while (!atomic_load(&over))
        ;
    return NULL;
}

/* This thread, and those that it makes, have one processor between them. */
static void share_one_processor(void)
{
    cpu_set_t all, one;
    int first = 0;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
}

static void waiting_is_told(void **state)
{
    (void)state;
    const uint64_t wanted = 20 * CLOCK_MS_NS;
    pthread_t other;
    int fd = thread_waits_open();
    if (fd < 0) {
        print_message("skipped: the system does not tell (CONFIG_SCHED_INFO)\n");
        skip();
    }
    share_one_processor();
    assert_int_equal(pthread_create(&other, NULL, spin, NULL), 0);
    /* The clock is read first: whoever waits between the two readings has not waited longer than
     * has passed. The clock that the system counts by is another one. */
    uint64_t since = clock_ns(), begin = thread_waited(fd);
    while (thread_waited(fd) - begin < wanted)
        assert_true(clock_ns() - since < 100 * CLOCK_SECOND_NS);
    assert_true(clock_ns() - since >= wanted / 10 * 9);
    atomic_store(&over, true);
    pthread_join(other, NULL);
    close(fd);
}

static void nothing_is_told_of_nobody(void **state)
{
    (void)state;
    assert_int_equal(thread_waited(-1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_is_told),
        cmocka_unit_test(nothing_is_told_of_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
