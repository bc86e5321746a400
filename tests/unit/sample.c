/* The stage `sample`: how much passes, that the choice is made by the seed alone, and that clients
 * and names are kept whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/frame.h"
#include "conf/config.h"
#include "core/stage.h"
#include "event/field.h"

extern const struct module stage_sample;

enum { EVENTS = 100000, CLIENTS = 20000, NAMES = 20000 };

/* --- the bench ------------------------------------------------------------------------------ */

struct bench {
    struct config config;
    void *stage;
    uint32_t needs;
};

static const struct stage_hooks *hooks(void)
{
    return stage_sample.hooks;
}

/* The `number`-th sample of a list, with these options (as YAML has them). */
static void open_sample(struct bench *b, const char *options, unsigned number)
{
    char text[128];
    struct error err;
    int len = snprintf(text, sizeof text, "stages: [sample: %s]", options);
    *b = (struct bench){.needs = 0};
    assert_int_equal(config_init(&b->config, &err), 0);
    if (config_parse(&b->config, text, (size_t)len, "a file", &err) < 0)
        fail_msg("%s", err.text);
    const struct stage_options given = {.options = b->config.stages[0].options,
                                        .settings = &b->config.settings,
                                        .number = number,
                                        .workers = 1};
    assert_int_equal(hooks()->open(&b->stage, &given, &b->needs, &err), 0);
}

static void close_sample(struct bench *b)
{
    hooks()->close(b->stage);
    config_free(&b->config);
}

/* The n-th event of some client, about some name: what tells events apart is in their frames. */
struct sampled {
    uint8_t frame[8];
    uint8_t client[4];
    uint8_t name[8];
    struct event ev;
};

static void make(struct sampled *s, uint32_t n, uint32_t client, uint32_t name)
{
    *s = (struct sampled){.frame = {0}};
    memcpy(s->frame, &n, sizeof n);
    memcpy(s->frame + 4, "abcd", 4);
    memcpy(s->client, &client, sizeof client);
    s->name[0] = 6;
    for (unsigned i = 0; i < 6; i++, name /= 10)
        s->name[1 + i] = (uint8_t)('a' + name % 10);
    event_init(&s->ev, span_of(s->frame, sizeof s->frame), NULL);
    s->ev.have = FACET_DNSTAP | FACET_HEADER | FACET_QUESTION;
    s->ev.query_address = span_of(s->client, sizeof s->client);
    s->ev.question.name = (struct dns_name){s->name, sizeof s->name};
}

static bool passes(struct bench *b, struct sampled *s)
{
    enum stage_verdict verdict = hooks()->event(b->stage, 0, &s->ev);
    assert_int_not_equal(verdict, STAGE_CHANGED);
    return verdict == STAGE_PASS;
}

/* So many of `all` passed, where one in `rate` should: within six times its standard deviation,
 * which chance exceeds once in five hundred million runs. */
static void assert_share(unsigned passed, unsigned all, double rate)
{
    double p = 1 / rate, off = fabs(passed - all * p), deviation = sqrt(all * p * (1 - p));
    if (off > 6 * deviation)
        fail_msg("%u of %u passed, not one in %g", passed, all, rate);
}

/* --- the tests ------------------------------------------------------------------------------ */

static void one_in_so_many_passes(void **state)
{
    static const unsigned rates[] = {2, 3, 10, 100, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        char options[64];
        struct bench b;
        struct sampled s;
        unsigned passed = 0;
        snprintf(options, sizeof options, "{rate: %u}", rates[i]); /* with a random seed */
        open_sample(&b, options, 1);
        for (unsigned n = 0; n < EVENTS; n++) {
            make(&s, n, 1, 1);
            passed += passes(&b, &s);
        }
        assert_share(passed, EVENTS, rates[i]);
        close_sample(&b);
    }
}

static void a_rate_of_one_passes_all(void **state)
{
    struct bench b;
    struct sampled s;
    (void)state;
    open_sample(&b, "{rate: 1}", 1);
    for (unsigned n = 0; n < EVENTS; n++) {
        make(&s, n, n, n);
        assert_true(passes(&b, &s));
    }
    close_sample(&b);
}

/* How many of the events both of two samples let pass. */
static unsigned both_pass(const char *one, unsigned first, const char *other, unsigned second)
{
    struct bench a, b;
    struct sampled s;
    unsigned both = 0;
    open_sample(&a, one, first);
    open_sample(&b, other, second);
    for (unsigned n = 0; n < EVENTS; n++) {
        make(&s, n, n % CLIENTS, n);
        bool passed = passes(&a, &s);
        make(&s, n, n % CLIENTS, n);
        both += passed & passes(&b, &s);
    }
    close_sample(&a);
    close_sample(&b);
    return both;
}

/* And known for ever: the first that pass for this seed, by a SipHash-1-3 of other hands. */
static void the_same_seed_chooses_the_same(void **state)
{
    static const unsigned known[] = {43, 152, 200, 231, 439, 563, 697, 708};
    struct bench b;
    struct sampled s;
    (void)state;
    assert_share(both_pass("{rate: 10, seed: a}", 1, "{rate: 10, seed: a}", 1), EVENTS, 10);
    assert_share(both_pass("{rate: 10, seed: a}", 1, "{rate: 10, seed: b}", 1), EVENTS, 100);
    assert_share(both_pass("{rate: 10}", 1, "{rate: 10}", 1), EVENTS, 100);
    open_sample(&b, "{rate: 100, seed: spile}", 1);
    unsigned found = 0;
    for (unsigned n = 0; found < sizeof known / sizeof *known; n++) {
        make(&s, n, 1, 1);
        if (passes(&b, &s))
            assert_int_equal(n, known[found++]);
    }
    close_sample(&b);
}

/* Of what one has let pass, the next lets one in so many pass, though it has the same seed. */
static void samples_of_one_list_choose_independently(void **state)
{
    (void)state;
    assert_share(both_pass("{rate: 10, seed: a}", 1, "{rate: 10, seed: a}", 2), EVENTS, 100);
}

/* What is chosen is of `all` kinds, each of which comes some times; none of them in part. */
static void assert_whole(const char *options, bool by_client, unsigned all)
{
    enum { TIMES = 4 };
    struct bench b;
    struct sampled s;
    unsigned passed = 0;
    open_sample(&b, options, 1);
    for (unsigned who = 0; who < all; who++) {
        unsigned of_it = 0;
        for (unsigned n = 0; n < TIMES; n++) {
            unsigned other = who * TIMES + n;
            make(&s, other, by_client ? who : other, by_client ? other : who);
            of_it += passes(&b, &s);
        }
        assert_true(of_it == 0 || of_it == TIMES);
        passed += of_it > 0;
    }
    assert_share(passed, all, 10);
    close_sample(&b);
}

static void clients_are_kept_whole(void **state)
{
    (void)state;
    assert_whole("{rate: 10, by: client}", true, CLIENTS);
}

static void names_are_kept_whole(void **state)
{
    (void)state;
    assert_whole("{rate: 10, by: name}", false, NAMES);
}

/* Resolvers play with the case of letters. */
static void names_are_the_same_in_any_case(void **state)
{
    struct bench b;
    struct sampled s;
    (void)state;
    open_sample(&b, "{rate: 2, by: name}", 1);
    assert_true(b.needs & FACET_QUESTION);
    for (unsigned n = 0; n < 1000; n++) {
        make(&s, n, n, n);
        bool lower = passes(&b, &s);
        make(&s, n + EVENTS, n, n);
        for (unsigned i = 1; i < 7; i += 1 + n % 3)
            s.name[i] = (uint8_t)(s.name[i] - 'a' + 'A');
        assert_int_equal(passes(&b, &s), lower);
    }
    close_sample(&b);
}

/* They have no fate in common. */
static void what_has_no_client_or_name_is_chosen_one_by_one(void **state)
{
    static const char *const options[] = {"{rate: 10, by: client}", "{rate: 10, by: name}"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bench b;
        struct sampled s;
        unsigned passed = 0;
        open_sample(&b, options[i], 1);
        for (unsigned n = 0; n < EVENTS; n++) {
            make(&s, n, 1, 1);
            s.ev.query_address.len = 0;
            s.ev.question.name.len = n % 2 ? 0 : s.ev.question.name.len;
            s.ev.bad = n % 2 ? 0 : FACET_QUESTION;
            passed += passes(&b, &s);
        }
        assert_share(passed, EVENTS, 10);
        close_sample(&b);
    }
}

/* What passed says for how many it stands: behind a second sample for as many as both say. */
static void the_rate_is_a_field(void **state)
{
    const struct field *field = field_find(span_str("sample.rate"), NULL);
    struct field_value value;
    struct bench first, second;
    struct sampled s;
    unsigned passed = 0;
    (void)state;
    assert_non_null(field);
    open_sample(&first, "{rate: 4}", 1);
    open_sample(&second, "{rate: 3}", 2);
    for (unsigned n = 0; n < 1000; n++) {
        make(&s, n, 1, 1);
        assert_false(field_get(field, &s.ev, &value));
        if (!passes(&first, &s))
            continue;
        assert_true(field_get(field, &s.ev, &value));
        assert_int_equal(value.number, 4);
        if (!passes(&second, &s))
            continue;
        assert_true(field_get(field, &s.ev, &value));
        assert_int_equal(value.number, 12);
        passed++;
    }
    assert_true(passed > 0);
    close_sample(&first);
    close_sample(&second);
}

/* However many there are in a list, no number that an event stands for begins anew. */
static void the_rate_has_an_end(void **state)
{
    const struct field *field = field_find(span_str("sample.rate"), NULL);
    struct field_value value = {.number = 0};
    struct bench b;
    struct sampled s;
    (void)state;
    open_sample(&b, "{rate: 2}", 1);
    for (unsigned n = 0;; n++) {
        make(&s, n, 1, 1);
        field_slot(&s.ev, field)->number = UINT64_MAX / 2 + 1;
        if (!passes(&b, &s))
            continue;
        assert_true(field_get(field, &s.ev, &value));
        assert_true(value.number == UINT64_MAX);
        break;
    }
    close_sample(&b);
}

/* All fields that modules contribute have a slot. */
static void there_is_a_slot_for_each_field(void **state)
{
    const struct field *field;
    size_t contributed = 0;
    (void)state;
    for (size_t i = 0; (field = field_at(i)); i++)
        contributed += field_is_contributed(field);
    assert_in_range(contributed, 1, EVENT_SLOTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_in_so_many_passes),
        cmocka_unit_test(a_rate_of_one_passes_all),
        cmocka_unit_test(the_same_seed_chooses_the_same),
        cmocka_unit_test(samples_of_one_list_choose_independently),
        cmocka_unit_test(clients_are_kept_whole),
        cmocka_unit_test(names_are_kept_whole),
        cmocka_unit_test(names_are_the_same_in_any_case),
        cmocka_unit_test(what_has_no_client_or_name_is_chosen_one_by_one),
        cmocka_unit_test(the_rate_is_a_field),
        cmocka_unit_test(the_rate_has_an_end),
        cmocka_unit_test(there_is_a_slot_for_each_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
