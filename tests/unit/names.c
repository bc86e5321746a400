/* Names by number: all are found, and few steps lead to each, and to the end where there is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "../support/names.h"

enum { COUNT = 4096, STRANGERS = 5000, SECRETS = 20, SIZE = 256 };

/* Names of a kind differ in a few bytes, as those of servers do. */
static const char *const kinds[] = {
    "ns%05u.example.net", "ns%u.example.net", "example.net-%u", "%x", "%016u", "%0250u",
};

static struct span name_of(const char *kind, unsigned number, char text[SIZE])
{
    int len = snprintf(text, SIZE, kind, number);
    return span_of((const uint8_t *)text, (size_t)len);
}

static bool is_found(const struct names *names, struct span name, uint32_t number)
{
    struct names_walk walk = names_begin(names, name);
    uint32_t found;
    while ((found = names_next(names, &walk)) != 0 && found != number)
        ;
    return found == number;
}

static void fill(struct names *names, const char *kind)
{
    char text[SIZE];
    for (uint32_t i = 0; i < COUNT; i++) {
        struct names_walk walk = names_begin(names, name_of(kind, i, text));
        while (names_next(names, &walk) != 0)
            ;
        names_add(names, &walk, i + 1);
    }
}

static void all_are_found(void **state)
{
    (void)state;
    struct names names;
    char text[SIZE];
    assert_int_equal(names_init(&names, COUNT), 0);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        fill(&names, kinds[k]);
        for (uint32_t i = 0; i < COUNT; i++)
            assert_true(is_found(&names, name_of(kinds[k], i, text), i + 1));
        names_clear(&names);
        assert_false(is_found(&names, name_of(kinds[k], 0, text), 1));
    }
    names_free(&names);
}

/* Of a table half full: two steps and a half on average for a stranger, as if hashes were drawn
 * by lot, whatever the secret. */
static void looking_costs_few_steps(void **state)
{
    (void)state;
    char text[SIZE];
    for (size_t k = 0; k < SECRETS * sizeof kinds / sizeof *kinds; k++) {
        const char *kind = kinds[k / SECRETS];
        struct names_cost known = {0}, strange = {0};
        struct names names;
        assert_int_equal(names_init(&names, COUNT), 0);
        fill(&names, kind);
        for (unsigned i = 0; i < COUNT; i++)
            names_cost_add(&known, &names, name_of(kind, i, text));
        for (unsigned i = 0; i < STRANGERS; i++)
            names_cost_add(&strange, &names, name_of(kind, COUNT + i, text));
        assert_in_range(known.steps, COUNT, 6 * COUNT);
        assert_in_range(strange.steps, STRANGERS, 4 * STRANGERS);
        assert_in_range(known.most, 2, 200);
        assert_in_range(strange.most, 1, 200);
        assert_in_range(known.compared, COUNT, COUNT + 20);
        assert_in_range(strange.compared, 0, 20);
        names_free(&names);
    }
}

/* The empty name, and the longest. */
static void any_length_is_a_name(void **state)
{
    (void)state;
    static const uint8_t zeros[NAMES_LEN_MAX];
    struct names names;
    assert_int_equal(names_init(&names, NAMES_LEN_MAX + 1), 0);
    for (uint32_t len = 0; len <= NAMES_LEN_MAX; len++) {
        struct span name = span_of(len ? zeros : NULL, len);
        struct names_walk walk = names_begin(&names, name);
        while (names_next(&names, &walk) != 0)
            ;
        names_add(&names, &walk, len + 1);
        assert_true(is_found(&names, name, len + 1));
    }
    struct names_cost cost = {0};
    for (uint32_t len = 0; len <= NAMES_LEN_MAX; len++)
        names_cost_add(&cost, &names, span_of(zeros, len));
    assert_in_range(cost.compared, NAMES_LEN_MAX + 1, NAMES_LEN_MAX + 20);
    names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_found),
        cmocka_unit_test(looking_costs_few_steps),
        cmocka_unit_test(any_length_is_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
