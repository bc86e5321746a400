/* Streams of which losses are counted: who is one, and what it costs to find that out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "../support/names.h"
#include "stage/loss.h"

enum { INVENTED = 5000 };

static struct span numbered(const char *format, unsigned number, char text[32])
{
    snprintf(text, 32, format, number);
    return span_str(text);
}

/* A peer may invent identities without end. Past the limit they are nobody, known ones stay what
 * they were, and neither are looked for long. */
static void invented_identities_cost_little(void **state)
{
    (void)state;
    static struct losses losses;
    struct names_cost known = {0}, invented = {0}, known_after = {0};
    char text[32];
    assert_int_equal(losses_init(&losses), 0);
    for (unsigned i = 1; i < LOSS_STREAMS; i++) {
        struct span identity = numbered("ns%03u.example.net", i, text);
        assert_int_equal(losses_find(&losses, identity, false), 0);
        assert_int_equal(losses_find(&losses, identity, true), i);
    }
    for (unsigned i = 1; i < LOSS_STREAMS; i++)
        names_cost_add(&known, &losses.names, numbered("ns%03u.example.net", i, text));
    for (unsigned i = 0; i < INVENTED; i++) {
        struct span identity = numbered("x%04u.example.net", i, text);
        assert_int_equal(losses_find(&losses, identity, true), 0);
        names_cost_add(&invented, &losses.names, identity);
    }
    for (unsigned i = 1; i < LOSS_STREAMS; i++) {
        struct span identity = numbered("ns%03u.example.net", i, text);
        assert_int_equal(losses_find(&losses, identity, false), i);
        names_cost_add(&known_after, &losses.names, identity);
    }
    assert_memory_equal(&known, &known_after, sizeof known);
    assert_in_range(known.compared, LOSS_STREAMS - 1, LOSS_STREAMS + 8);
    assert_in_range(known.steps, LOSS_STREAMS - 1, 10 * LOSS_STREAMS);
    assert_in_range(invented.compared, 0, INVENTED / 50);
    assert_in_range(invented.steps, INVENTED, 8 * INVENTED);
    losses_destroy(&losses);
}

/* The identity may be missing, or long: then it is cut, as everywhere. */
static void any_identity_is_a_stream(void **state)
{
    (void)state;
    static struct losses losses;
    static uint8_t longest[LOSS_NAME_MAX + 100];
    assert_int_equal(losses_init(&losses), 0);
    assert_int_equal(losses_find(&losses, span_of(NULL, 0), true), 1);
    assert_int_equal(losses_find(&losses, span_of(longest, sizeof longest), true), 2);
    longest[LOSS_NAME_MAX] = 'x';
    assert_int_equal(losses_find(&losses, span_of(longest, LOSS_NAME_MAX + 1), true), 2);
    longest[LOSS_NAME_MAX - 1] = 'x';
    assert_int_equal(losses_find(&losses, span_of(longest, LOSS_NAME_MAX + 1), false), 0);
    assert_int_equal(losses_find(&losses, span_of(NULL, 0), false), 1);
    losses_destroy(&losses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invented_identities_cost_little),
        cmocka_unit_test(any_identity_is_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
