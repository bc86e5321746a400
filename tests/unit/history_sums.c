/* Sums of windows: what somebody has asked for is made again when a part has closed, and only that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "history/sums.h"

static const struct siphash_key key = {{1, 2}};
static struct wheel wheel;
static struct sums sums;

static int begin(void **state)
{
    (void)state;
    wheel_init(&wheel, 1 << 20);
    sums_init(&sums, &wheel, &key);
    sums.bytes_max = 1 << 20;
    return 0;
}

static int end(void **state)
{
    (void)state;
    sums_free(&sums);
    wheel_free(&wheel);
    return 0;
}

/* A part closes. */
static void close_part(void)
{
    sums_forget(&sums);
    sums_make_again(&sums, 1);
}

static void counts_and_sketches_are_made_again(void **state)
{
    (void)state;
    sums_sketches(&sums, 1, 0);
    close_part();
    for (unsigned w = 0; w < WHEEL_WINDOWS; w++) {
        assert_int_equal(sums.sketches[w].made, w == 1);
        assert_int_equal(sums.counts[w].made, w == 1);
    }
    close_part(); /* nobody has asked since */
    assert_false(sums.sketches[1].made);
    assert_false(sums.counts[1].made);
}

static void ask_list(const char *stream)
{
    const struct list_key list = {
        .window = 1, .what = RECORD_TOPS, .stream = span_str(stream), .top = 10};
    sums_give(&sums, sums_take(&sums, &list, 0));
}

static unsigned lists_made(void)
{
    unsigned count = 0;
    for (const struct list_sum *sum = sums.first; sum; sum = sum->next) {
        assert_int_equal(sum->key.top, 10);
        assert_ptr_equal(sum->key.stream.ptr, sum->name);
        count++;
    }
    return count;
}

static void lists_are_made_again(void **state)
{
    (void)state;
    ask_list("ns1");
    ask_list("ns2");
    close_part();
    assert_int_equal(lists_made(), 2);
    ask_list("ns2");
    close_part();
    assert_int_equal(lists_made(), 1);
    assert_true(span_equal(sums.first->key.stream, span_str("ns2")));
    close_part();
    assert_int_equal(lists_made(), 0);
}

/* However many streams are asked about, to close a part does not take for ever. */
static void not_all_lists_of_a_crowd(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 500; i++)
        ask_list((const char[]){(char)('a' + i % 26), (char)('a' + i / 26), '\0'});
    assert_int_equal(lists_made(), 500);
    close_part();
    assert_in_range(lists_made(), 1, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_and_sketches_are_made_again, begin, end),
        cmocka_unit_test_setup_teardown(lists_are_made_again, begin, end),
        cmocka_unit_test_setup_teardown(not_all_lists_of_a_crowd, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
