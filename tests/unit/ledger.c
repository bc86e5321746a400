/* The ledger's sums, line and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/ledger.h"

static struct ledger sample(void)
{
    struct ledger ledger = {0};
    counter_add(&ledger.received, 100);
    counter_add(&ledger.delivered, 90);
    counter_add(&ledger.filtered, 3);
    counter_add(&ledger.truncated, 4);
    counter_add(&ledger.bytes, 12345);
    counter_add(&ledger.dropped[DROP_FULL], 5);
    counter_add(&ledger.dropped[DROP_SHUTDOWN], 2);
    return ledger;
}

static void line_names_reasons(void **state)
{
    (void)state;
    struct ledger ledger = sample();
    char line[LEDGER_LINE_MAX];
    assert_string_equal(ledger_line("file#2", &ledger, line, sizeof line),
                        "ledger: file#2 received=100 delivered=90 filtered=3 dropped=7 "
                        "(full=5 shutdown=2) in-flight=0 truncated=4");
}

static void line_without_drops_has_no_list(void **state)
{
    (void)state;
    struct ledger ledger = {0};
    char line[LEDGER_LINE_MAX];
    assert_string_equal(ledger_line("null", &ledger, line, sizeof line),
                        "ledger: null received=0 delivered=0 filtered=0 dropped=0 in-flight=0");
}

static void longest_line_fits(void **state)
{
    (void)state;
    struct ledger ledger;
    memset(&ledger, 0xff, sizeof ledger); /* twenty digits each */
    char name[64], line[LEDGER_LINE_MAX], small[20];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ledger_line(name, &ledger, line, sizeof line);
    assert_non_null(strstr(line, " truncated=18446744073709551615"));
    ledger_line(name, &ledger, small, sizeof small);
    assert_int_equal(strlen(small), sizeof small - 1);
}

/* A cache line has 64 bytes on the machines that this is for. */
static void shards_share_no_cache_line(void **state)
{
    (void)state;
    struct ledger_shard *shards = ledger_shards_new(3);
    assert_non_null(shards);
    for (int i = 0; i < 3; i++) {
        assert_int_equal((uintptr_t)&shards[i].ledger % 64, 0);
        assert_int_equal(counter_get(&shards[i].ledger.received), 0);
    }
    free(shards);
}

static void add_sums_everything(void **state)
{
    (void)state;
    struct ledger sum = sample(), more = sample();
    ledger_add(&sum, &more);
    assert_int_equal(counter_get(&sum.received), 200);
    assert_int_equal(counter_get(&sum.delivered), 180);
    assert_int_equal(counter_get(&sum.filtered), 6);
    assert_int_equal(counter_get(&sum.truncated), 8);
    assert_int_equal(counter_get(&sum.bytes), 24690);
    assert_int_equal(counter_get(&sum.dropped[DROP_FULL]), 10);
    assert_int_equal(ledger_dropped(&sum), 14);
}

static void json_has_every_reason(void **state)
{
    (void)state;
    struct ledger ledger = sample();
    struct buf out = {0};
    struct json j = {.out = &out, .spaced = true};
    ledger_json(&j, "stdout", &ledger);
    buf_byte(&out, '\0');
    assert_string_equal(out.data,
                        "{\"output\": \"stdout\", \"received\": 100, \"delivered\": 90, "
                        "\"filtered\": 3, \"in-flight\": 0, \"bytes\": 12345, \"truncated\": 4, "
                        "\"dropped\": {\"malformed\": 0, "
                        "\"short\": 0, \"memory\": 0, \"full\": 5, \"oldest\": 0, "
                        "\"write\": 0, \"shutdown\": 2}}");
    buf_free(&out);
}

/* What is neither delivered, filtered nor dropped is on its way; counters that were read one after
 * the other are made to agree. */
static void every_moment_adds_up(void **state)
{
    (void)state;
    struct ledger ledger = sample();
    char line[LEDGER_LINE_MAX];
    counter_add(&ledger.received, 11);
    assert_int_equal(ledger_waiting(&ledger), 11);
    assert_non_null(strstr(ledger_line("x", &ledger, line, sizeof line), ") in-flight=11"));
    counter_add(&ledger.delivered, 20);
    ledger_agree(&ledger);
    assert_int_equal(counter_get(&ledger.received), 120);
    assert_int_equal(ledger_waiting(&ledger), 0);
    counter_add(&ledger.received, 5);
    ledger_settle(&ledger);
    assert_int_equal(counter_get(&ledger.dropped[DROP_SHUTDOWN]), 7);
    assert_int_equal(ledger_waiting(&ledger), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_names_reasons),   cmocka_unit_test(line_without_drops_has_no_list),
        cmocka_unit_test(longest_line_fits),    cmocka_unit_test(shards_share_no_cache_line),
        cmocka_unit_test(add_sums_everything),  cmocka_unit_test(json_has_every_reason),
        cmocka_unit_test(every_moment_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
