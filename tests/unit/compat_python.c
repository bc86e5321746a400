/* The pieces of Python that the compatible formats rest on: floats, UTF-8, PyYAML's scalars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "compat/pyfloat.h"
#include "compat/pyjson.h"
#include "compat/pyutf8.h"
#include "compat/pyyaml.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void floats_are_shortest(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {0.05, "0.05"},
        {-0.1, "-0.1"},
        {0.001, "0.001"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {0.000123, "0.000123"},
        {2.5, "2.5"},
        {1700000000, "1700000000.0"},
        {1700000000.1234567, "1700000000.1234567"},
        {1795252420.0000641, "1795252420.0000641"},
        {2251799813685249.5, "2251799813685249.5"},
        {562949953421312.25, "562949953421312.2"}, /* a tie between .2 and .3 */
        {9007199254740993.0, "9007199254740992.0"},
        {1e16, "1e+16"},
        {1.5e300, "1.5e+300"},
        {0x1p-44, "5.684341886080802e-14"}, /* the nearest of 16 digits does not read back */
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[PYFLOAT_MAX + 1];
        *pyfloat_put(text, rows[i].value) = '\0';
        assert_string_equal(text, rows[i].text);
    }
}

static void rounding_is_of_the_exact_value(void **state)
{
    static const struct {
        double value, rounded;
    } rows[] = {
        {0.0625, 0.062},                                     /* exact ties go to even */
        {0.1875, 0.188}, {-0.0625, -0.062}, {2.6745, 2.675}, /* a little above the tie */
        {1.0005, 1.0},                                       /* a little below */
        {0.0005, 0.001}, {0.00049, 0.0},    {1e16, 1e16},    {-1e300, -1e300},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_true(pyfloat_round3(rows[i].value) == rows[i].rounded);
    assert_true(signbit(pyfloat_round3(-0.0001)));
    assert_false(signbit(pyfloat_round3(0.0001)));
}

static void times_split_half_to_even(void **state)
{
    static const struct {
        double seconds;
        uint64_t sec;
        uint32_t usec;
    } rows[] = {
        {0, 0, 0},         {1700000000.123457, 1700000000, 123457},
        {0.0000005, 0, 0}, {0.0000015, 0, 2},
        {0.9999996, 1, 0}, {253402300799.0, 253402300799, 0},
    };
    uint64_t sec;
    uint32_t usec;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(pyfloat_split(rows[i].seconds, &sec, &usec));
        assert_int_equal(sec, rows[i].sec);
        assert_int_equal(usec, rows[i].usec);
    }
    assert_false(pyfloat_split(253402300800.0, &sec, &usec));
    assert_false(pyfloat_split(253402300799.99999, &sec, &usec)); /* carries */
    assert_false(pyfloat_split(1e300, &sec, &usec));
}

static void broken_utf8_is_left_out(void **state)
{
    static const struct {
        const char *bytes, *left;
    } rows[] = {
        {"plain", "plain"},
        {"w\xa0w", "ww"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"a\xc3(", "a("},
        {"\xc0\xaf\xe0\x80\xafx", "x"},                 /* overlong */
        {"\xed\xa0\x80y\xed\x9f\xbf", "y\xed\x9f\xbf"}, /* a surrogate, and what comes before */
        {"\xf4\x90\x80\x80z\xf4\x8f\xbf\xbf", "z\xf4\x8f\xbf\xbf"}, /* past U+10FFFF */
        {"\xf0\x9f\x98", ""},
        {"\xe2\x82\xe2\x82\xac", "\xe2\x82\xac"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[32];
        size_t len = strlen(strcpy(text, rows[i].bytes));
        bool valid = strcmp(rows[i].bytes, rows[i].left) == 0;
        assert_int_equal(pyutf8_valid(span_str(text)), valid);
        text[pyutf8_ignore((uint8_t *)text, len)] = '\0';
        assert_string_equal(text, rows[i].left);
    }
}

static void lower_case_is_that_of_unicode(void **state)
{
    static const struct {
        const char *text, *lower;
    } rows[] = {
        {"", ""},
        {"@AZ[`az{", "@az[`az{"},
        {"B\xc3\x9c\x43HER", "b\xc3\xbc\x63her"},
        {"\xd0\xa0\xd0\xa4.", "\xd1\x80\xd1\x84."},
        {"\xce\xa9\xe2\x84\xa6", "\xcf\x89\xcf\x89"}, /* the ohm sign becomes shorter */
        {"X\xe2\x84\xaaY", "xky"},                    /* and the kelvin sign */
        {"X\xc8\xbaY", "x\xc8\xbay"},                 /* would become longer: stays */
        {"\xf0\x90\x90\x80", "\xf0\x90\x90\xa8"},
        {"\xe6\x97\xa5", "\xe6\x97\xa5"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[32];
        size_t len = strlen(strcpy(text, rows[i].text));
        text[pyutf8_lower((uint8_t *)text, len)] = '\0';
        assert_string_equal(text, rows[i].lower);
    }
}

static void json_is_ascii(void **state)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"", ""},
        {"a b/'", "a b/'"},
        {"\"\\", "\\\"\\\\"},
        {"\b\f\n\r\t\v\x1f\x7f", "\\b\\f\\n\\r\\t\\u000b\\u001f\\u007f"},
        {"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "\\u00fc\\u20ac\\ud83d\\ude00"},
        {"\xff-\xc3-\xe2\x82", "--"}, /* what is not UTF-8 is left out */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char json[128];
        *pyjson_put(json, span_str(rows[i].text)) = '\0';
        assert_string_equal(json, rows[i].json);
    }
}

static void scalars_are_quoted_as_pyyaml_does(void **state)
{
    static const struct {
        const char *text, *scalar;
    } rows[] = {
        {"www.example.com.", " www.example.com."},
        {"-", " '-'"},
        {"-x.", " -x."},
        {"", " ''"},
        {"12345", " '12345'"},
        {"0x1F", " '0x1F'"},
        {"017", " '017'"},
        {"018", " 018"},
        {"1:20", " '1:20'"},
        {"1:60", " 1:60"},
        {"1:2:3:4:5:6:7:8", " '1:2:3:4:5:6:7:8'"},
        {"1.", " '1.'"},
        {"1e3", " 1e3"},
        {"1.e+3", " '1.e+3'"},
        {".5", " '.5'"},
        {"+.5", " +.5"},
        {"-.Inf", " '-.Inf'"},
        {".NaN", " '.NaN'"},
        {".Nan", " .Nan"},
        {"yes", " 'yes'"},
        {"yEs", " yEs"},
        {"y", " y"},
        {"NULL", " 'NULL'"},
        {"~", " '~'"},
        {"<<", " '<<'"},
        {"=", " '='"},
        {"2023-01-01", " '2023-01-01'"},
        {"2023-1-1", " 2023-1-1"},
        {"2023-1-1 1:02:03 +1", " '2023-1-1 1:02:03 +1'"},
        {"*.x.", " '*.x.'"},
        {"---x", " '---x'"},
        {"it's", " it's"},
        {"\"q\"", " '\"q\"'"},
        {"'", " ''''"},
        {"a: b", " 'a: b'"},
        {"a:b", " a:b"},
        {"a #b", " 'a #b'"},
        {"a#b", " a#b"},
        {"2001:db8::", " '2001:db8::'"},
        {"::1", " ::1"},
        {" a", " ' a'"},
        {"a\nb", " 'a\n\n  b'"},
        {"a\n b", " \"a\\n b\""},
        {"\t\a\x1b\x7f", " \"\\t\\a\\e\\x7F\""},
        {"\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", " \"\\xE9\\u65E5\\U0001F600\""},
        {"\xc2\x85\xc2\xa0\xe2\x80\xa8\xe2\x80\xa9", " \"\\N\\_\\L\\P\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[128];
        *pyyaml_put(out, span_str(rows[i].text), 6) = '\0';
        assert_string_equal(out, rows[i].scalar);
    }
}

/* Seventy-two characters, then what may be folded; what PyYAML 6.0 made of it. */
#define LONG "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"

static void long_scalars_fold(void **state)
{
    static const struct {
        const char *text, *scalar;
    } rows[] = {
        {LONG "xxxxxxx y", " " LONG "xxxxxxx\n  y"},
        {LONG "xxxxxxx  y", " " LONG "xxxxxxx  y"},
        {"#" LONG "xxxxxx y", " '#" LONG "xxxxxx\n  y'"},
        {LONG "xxxxxxxxxxxxxxxx.", " " LONG "xxxxxxxxxxxxxxxx."},
        {LONG "\t\t\t\t\txx", " \"" LONG "\\t\\\n  \\t\\t\\t\\txx\""},
        {LONG "\txxxxx yyy", " \"" LONG "\\t\\\n  xxxxx yyy\""},
        {"\t" LONG "x yyy", " \"\\t" LONG "x\\\n  \\ yyy\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[PYYAML_MAX(128)];
        *pyyaml_put(out, span_str(rows[i].text), 6) = '\0';
        assert_string_equal(out, rows[i].scalar);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_shortest),
        cmocka_unit_test(rounding_is_of_the_exact_value),
        cmocka_unit_test(times_split_half_to_even),
        cmocka_unit_test(broken_utf8_is_left_out),
        cmocka_unit_test(lower_case_is_that_of_unicode),
        cmocka_unit_test(json_is_ascii),
        cmocka_unit_test(scalars_are_quoted_as_pyyaml_does),
        cmocka_unit_test(long_scalars_fold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
