/* base/nearest: which name a mistyped one is near to, and that most are near to none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/nearest.h"

static const char *listed(const void *names, size_t i)
{
    return ((const char *const *)names)[i];
}

/* A short word is near to many: only what is swapped, cut short or in capitals is meant. */
static void test_near_names(void **state)
{
    static const char *const names[] = {"aa",   "qr",        "tc",       "qname",
                                        "type", "dns.qname", "dns.rcode"};
    static const struct {
        const char *wrong, *near; /* NULL: none */
    } cases[] = {
        {"a", NULL},
        {"b", NULL},
        {"AA", "aa"},
        {"rq", "qr"},
        {"qn", "qname"},
        {"q", NULL},
        {"tx", NULL},
        {"ty", "type"},
        {"ca", NULL},
        {"nope", NULL},
        {"tpye", "type"},
        {"typ", "type"},
        {"dns.nope", NULL},
        {"dns.a", NULL},
        {"dns.qnme", "dns.qname"},
        {"rcode", "dns.rcode"},
        {"dns.", "dns.qname"},
        {"dsn.rcode", "dns.rcode"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near =
            nearest_name(span_str(cases[i].wrong), listed, names, sizeof names / sizeof *names);
        if (near != cases[i].near && (!near || !cases[i].near || strcmp(near, cases[i].near) != 0))
            fail_msg("%s: %s", cases[i].wrong, near ? near : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_near_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
