/* app/host: what it looks at before anything starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/host.h"

static void a_ledger_that_could_not_be_written_is_told_before(void **state)
{
    (void)state;
    static struct host host;
    struct engine_host hooks;
    struct error err;
    const struct host_options options = {.ledger_path = "/nowhere/ledger.json"};
    assert_int_equal(host_init(&host, &options, &hooks, &err), -1);
    assert_non_null(strstr(err.text, "/nowhere/ledger.json"));
    assert_int_equal(host_init(&host, &(struct host_options){0}, &hooks, &err), 0);
    assert_ptr_equal(hooks.arg, &host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ledger_that_could_not_be_written_is_told_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
