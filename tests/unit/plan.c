/* core/plan: what a plan makes, what goes over from one to the next, and what it leaves when it
 * cannot be made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/sinks.h"
#include "core/plan.h"

/* Of two formats the second does not open: the first one is closed again. */
static void format_may_not_open(void **state)
{
    (void)state;
    struct lane_plan lanes[] = {{.spec = {.module = &format_echo}},
                                {.spec = {.module = &format_echo, .fields = "bad"}}};
    struct plan plan = {.lanes = lanes, .lane_count = 2};
    struct error err;
    atomic_store(&echo_instances, 0);
    assert_int_equal(plan_open_lanes(&plan, 3, &err), -1);
    assert_string_equal(err.text, "unknown field 'bad'");
    plan_close_lanes(&plan);
    assert_int_equal(atomic_load(&echo_instances), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_may_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
