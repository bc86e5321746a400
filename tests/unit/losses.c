/* Streams of which losses are counted: who is one, and what it costs to find that out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "../support/names.h"
#include "stage/loss.h"

enum { INVENTED = 5000, SECOND_NS = 1000000000 };

static const struct origin peer = {.id = 7000};

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
    assert_int_equal(losses_init(&losses, 2), 0);
    for (unsigned i = 1; i < LOSS_STREAMS; i++) {
        struct span identity = numbered("ns%03u.example.net", i, text);
        struct origin origin = {.id = i};
        assert_int_equal(losses_find(&losses, identity, NULL), 0);
        assert_int_equal(losses_find(&losses, identity, &origin), i);
    }
    for (unsigned i = 1; i < LOSS_STREAMS; i++)
        names_cost_add(&known, &losses.names[0], numbered("ns%03u.example.net", i, text));
    for (unsigned i = 0; i < INVENTED; i++) {
        struct span identity = numbered("x%04u.example.net", i, text);
        assert_int_equal(losses_find(&losses, identity, &peer), 0);
        names_cost_add(&invented, &losses.names[0], identity);
    }
    for (unsigned i = 1; i < LOSS_STREAMS; i++) {
        struct span identity = numbered("ns%03u.example.net", i, text);
        assert_int_equal(losses_find(&losses, identity, NULL), i);
        names_cost_add(&known_after, &losses.names[0], identity);
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
    assert_int_equal(losses_init(&losses, 2), 0);
    assert_int_equal(losses_find(&losses, span_of(NULL, 0), &peer), 1);
    assert_int_equal(losses_find(&losses, span_of(longest, sizeof longest), &peer), 2);
    longest[LOSS_NAME_MAX] = 'x';
    assert_int_equal(losses_find(&losses, span_of(longest, LOSS_NAME_MAX + 1), &peer), 2);
    longest[LOSS_NAME_MAX - 1] = 'x';
    assert_int_equal(losses_find(&losses, span_of(longest, LOSS_NAME_MAX + 1), NULL), 0);
    assert_int_equal(losses_find(&losses, span_of(NULL, 0), NULL), 1);
    losses_destroy(&losses);
}

static struct origin from(uint64_t host)
{
    return (struct origin){
        .id = 9000, .charged = true, .account = {.kind = ACCOUNT_IPV4, .words = {host}}};
}

/* One peer invents more than there are places for; others find some all the same. */
static void a_peer_has_its_share(void **state)
{
    (void)state;
    static struct losses losses;
    const struct origin mob = from(66);
    unsigned found = 0;
    char text[32];
    assert_int_equal(losses_init(&losses, 1), 0);
    for (unsigned i = 0; i < 2 * LOSS_STREAMS; i++)
        found += losses_find(&losses, numbered("x%u", i, text), &mob) != 0;
    assert_in_range(found, LOSS_STREAMS - LOSS_RESERVE - 1, LOSS_STREAMS - 2);
    for (unsigned i = 0; i < 5; i++) {
        const struct origin origin = from(i);
        assert_int_not_equal(losses_find(&losses, numbered("ns%u", i, text), &origin), 0);
    }
    losses_destroy(&losses);
}

static void add_up(void *ctx, const struct stage_loss *loss)
{
    uint64_t *sum = ctx;
    *sum += loss->unanswered;
}

static void hear(struct losses *losses, unsigned number, uint32_t mark)
{
    struct event ev = {.origin = &peer};
    loss_heard(&losses->streams[number], &ev, 1, mark);
}

/* Streams that have been silent for long give up their places when others want them, not before
 * every worker has ticked; what was counted of them stays counted, and those that are heard stay.
 */
static void silent_streams_make_room(void **state)
{
    (void)state;
    static struct losses losses;
    uint64_t heard_ns = 0, sum = 0;
    char text[32];
    assert_int_equal(losses_init(&losses, 2), 0);
    for (unsigned i = 1; i < LOSS_STREAMS; i++) {
        struct origin origin = {.id = i};
        assert_int_equal(losses_find(&losses, numbered("x%u", i, text), &origin), i);
    }
    loss_unasked(&losses.streams[7]);
    counter_add(&losses.streams[8].unanswered, 5);
    for (unsigned minutes = 0; minutes < 30; minutes += 5) {
        heard_ns += 301 * (uint64_t)SECOND_NS;
        hear(&losses, 3, minutes + 1);
        losses_age(&losses, heard_ns, 10 * (uint64_t)SECOND_NS);
        assert_int_not_equal(losses_find(&losses, span_str("x7"), NULL), 0); /* nobody wants it */
    }
    assert_int_equal(losses_find(&losses, span_str("ns1"), &peer), 0);
    heard_ns += 301 * (uint64_t)SECOND_NS;
    hear(&losses, 3, 31);
    losses_age(&losses, heard_ns, 10 * (uint64_t)SECOND_NS);
    assert_int_equal(losses_find(&losses, span_str("x7"), NULL), 0);
    assert_int_equal(losses_find(&losses, span_str("ns1"), &peer), 0);
    losses_tick(&losses, 0, false);
    losses_age(&losses, ++heard_ns, 10 * (uint64_t)SECOND_NS);
    assert_int_equal(losses_find(&losses, span_str("ns1"), &peer), 0);
    losses_tick(&losses, 1, false);
    losses_age(&losses, ++heard_ns, 10 * (uint64_t)SECOND_NS);
    assert_int_not_equal(losses_find(&losses, span_str("ns1"), &peer), 0);
    assert_int_equal(losses_find(&losses, span_str("x3"), NULL), 3);
    losses_each(&losses, add_up, &sum);
    assert_int_equal(sum, 5);
    losses_destroy(&losses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invented_identities_cost_little),
        cmocka_unit_test(any_identity_is_a_stream),
        cmocka_unit_test(a_peer_has_its_share),
        cmocka_unit_test(silent_streams_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
