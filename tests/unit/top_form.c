/* Numbers as people read them: short, bounded, and nothing for what is not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "top/form.h"

static void numbers_are_short(void **state)
{
    static const struct {
        enum top_form form;
        double value;
        const char *text;
    } cases[] = {
        {FORM_COUNT, 0, "0"},
        {FORM_COUNT, 999999999, "999999999"},
        {FORM_COUNT, 1e9, "1.00G"},
        {FORM_COUNT, 123.4e9, "123G"},
        {FORM_COUNT, NAN, "-"},
        {FORM_COUNT, -3, "-"},
        {FORM_BYTES, 4096, "4096"},
        {FORM_BYTES, 3.0 * (1 << 30), "3.00G"},
        {FORM_RATE, 0.25, "0.2"},
        {FORM_RATE, 12, "12"},
        {FORM_RATE, 12.34, "12.3"},
        {FORM_RATE, 1234.5, "1234"},
        {FORM_TIME, 0, "0us"},
        {FORM_TIME, 0.000420, "420us"},
        {FORM_TIME, 0.0421, "42.1ms"},
        {FORM_TIME, 0.9999, "1.00s"},
        {FORM_TIME, 3600, "3600s"},
        {FORM_SPAN, 45.9, "45s"},
        {FORM_SPAN, 753, "12m 33s"},
        {FORM_SPAN, 10920, "3h 02m"},
        {FORM_SPAN, 457200, "5d 07h"},
        {FORM_SPAN, 1e300, "99999d 00h"},
        {FORM_SHARE, 0.981, "98.1%"},
        {FORM_SHARE, 1, "100%"},
        {FORM_SHARE, 1e-6, "<0.1%"},
        {FORM_SHARE, NAN, "-"},
        {FORM_DATE, 0, "1970-01-01T00:00:00Z"},
        {FORM_DATE, 1700000000.9, "2023-11-14T22:13:20Z"},
    };
    char out[FORM_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(form_text(cases[i].form, cases[i].value, out), cases[i].text);
    for (int form = FORM_COUNT; form <= FORM_DATE; form++) {
        for (double value = 1e-9; value < 1e308; value *= 1.7)
            assert_in_range(strlen(form_text((enum top_form)form, value, out)), 1, FORM_MAX - 1);
    }
    assert_string_equal(form_share(1, 3, out), "33.3 %");
    assert_string_equal(form_share(3, 3, out), "100 %");
    assert_string_equal(form_share(1, 1e6, out), "<0.1 %");
    assert_string_equal(form_share(0, 0, out), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_are_short)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
