/* The text formats of Prometheus: heads, labels, numbers, histograms, and which one is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/bytes.h"
#include "api/exposition.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct metric_family events = {"x_events", METRIC_COUNTER, "Events."};
static const struct metric_family level = {"x_level_bytes", METRIC_GAUGE, "How full."};
static const struct metric_family odd = {"x_odd", METRIC_UNTYPED, "Odd."};
static const struct metric_family times = {"x_time_seconds", METRIC_HISTOGRAM, "How long."};
static const struct metric_family never = {"x_never", METRIC_GAUGE, "Has no sample."};

static void write_page(struct exposition *page)
{
    exposition_family(page, &events);
    size_t outer = exposition_label(page, "stream", span_str("ns1"));
    size_t inner = exposition_label(page, "direction", span_str("query"));
    exposition_sample(page, 7);
    exposition_unlabel(page, inner);
    exposition_sample(page, UINT64_MAX);
    exposition_unlabel(page, outer);
    exposition_family(page, &never);
    exposition_family(page, &level);
    exposition_decimal(page, 1500, 3);
    exposition_decimal(page, 5, 6);
    exposition_signed(page, -90005, 3);
    exposition_signed(page, 7, 3);
    exposition_signed(page, INT64_MIN, 0);
    exposition_family(page, &odd);
    exposition_sample(page, 0);
    exposition_family(page, &times);
    const struct metric_bucket buckets[] = {{"0.5", 2}, {"1.0", 0}, {"2.5", 3}};
    outer = exposition_label(page, "stream", span_str("ns1"));
    exposition_histogram(page, buckets, COUNT(buckets), 4, 12345678, 6);
    exposition_unlabel(page, outer);
}

static const char as_text[] = "# HELP x_events_total Events.\n"
                              "# TYPE x_events_total counter\n"
                              "x_events_total{stream=\"ns1\",direction=\"query\"} 7\n"
                              "x_events_total{stream=\"ns1\"} 18446744073709551615\n"
                              "# HELP x_level_bytes How full.\n"
                              "# TYPE x_level_bytes gauge\n"
                              "x_level_bytes 1.500\n"
                              "x_level_bytes 0.000005\n"
                              "x_level_bytes -90.005\n"
                              "x_level_bytes 0.007\n"
                              "x_level_bytes -9223372036854775808\n"
                              "# HELP x_odd Odd.\n"
                              "# TYPE x_odd untyped\n"
                              "x_odd 0\n"
                              "# HELP x_time_seconds How long.\n"
                              "# TYPE x_time_seconds histogram\n"
                              "x_time_seconds_bucket{stream=\"ns1\",le=\"0.5\"} 2\n"
                              "x_time_seconds_bucket{stream=\"ns1\",le=\"1.0\"} 2\n"
                              "x_time_seconds_bucket{stream=\"ns1\",le=\"2.5\"} 5\n"
                              "x_time_seconds_bucket{stream=\"ns1\",le=\"+Inf\"} 9\n"
                              "x_time_seconds_sum{stream=\"ns1\"} 12.345678\n"
                              "x_time_seconds_count{stream=\"ns1\"} 9\n";

static const char as_openmetrics[] = "# HELP x_events Events.\n"
                                     "# TYPE x_events counter\n"
                                     "x_events_total{stream=\"ns1\",direction=\"query\"} 7\n"
                                     "x_events_total{stream=\"ns1\"} 18446744073709551615\n"
                                     "# HELP x_level_bytes How full.\n"
                                     "# TYPE x_level_bytes gauge\n"
                                     "# UNIT x_level_bytes bytes\n"
                                     "x_level_bytes 1.500\n"
                                     "x_level_bytes 0.000005\n"
                                     "x_level_bytes -90.005\n"
                                     "x_level_bytes 0.007\n"
                                     "x_level_bytes -9223372036854775808\n"
                                     "# HELP x_odd Odd.\n"
                                     "# TYPE x_odd unknown\n"
                                     "x_odd 0\n"
                                     "# HELP x_time_seconds How long.\n"
                                     "# TYPE x_time_seconds histogram\n"
                                     "# UNIT x_time_seconds seconds\n"
                                     "x_time_seconds_bucket{stream=\"ns1\",le=\"0.5\"} 2\n"
                                     "x_time_seconds_bucket{stream=\"ns1\",le=\"1.0\"} 2\n"
                                     "x_time_seconds_bucket{stream=\"ns1\",le=\"2.5\"} 5\n"
                                     "x_time_seconds_bucket{stream=\"ns1\",le=\"+Inf\"} 9\n"
                                     "x_time_seconds_sum{stream=\"ns1\"} 12.345678\n"
                                     "x_time_seconds_count{stream=\"ns1\"} 9\n"
                                     "# EOF\n";

static void test_formats(void **state)
{
    (void)state;
    for (int openmetrics = 0; openmetrics < 2; openmetrics++) {
        struct buf out = {0};
        struct exposition page;
        exposition_begin(&page, &out, openmetrics);
        write_page(&page);
        exposition_end(&page);
        assert_false(out.failed);
        buf_byte(&out, 0);
        assert_string_equal((const char *)out.data, openmetrics ? as_openmetrics : as_text);
        buf_free(&out);
    }
}

/* Nothing ends the string or the line, or is not UTF-8; and what differs stays different. */
static void test_labels(void **state)
{
    (void)state;
    static const struct {
        struct span in;
        const char *strange, *presented;
    } samples[] = {
        {BYTES_INIT("ns1.example"), "ns1.example", "ns1.example"},
        {BYTES_INIT(""), "", ""},
        {BYTES_INIT("a\"b"), "a\\\"b", "a\\\"b"},
        {BYTES_INIT("a\\b"), "a\\\\\\\\b", "a\\\\b"},
        {BYTES_INIT("a\nb\0"), "a\\\\010b\\\\000", "a\\\\010b\\\\000"},
        {BYTES_INIT("caf\xc3\xa9"), "caf\xc3\xa9", "caf\xc3\xa9"},
        {BYTES_INIT("\xff"), "\\\\255", "\\\\255"},
        {BYTES_INIT("\\255"), "\\\\\\\\255", "\\\\255"},
        {BYTES_INIT("\xe2\x80\xae\x7f"), "\\\\226\\\\128\\\\174\\\\127",
         "\\\\226\\\\128\\\\174\\\\127"},
    };
    static const struct metric_family family = {"x", METRIC_GAUGE, "X."};
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct buf out = {0}, wanted = {0};
        struct exposition page;
        exposition_begin(&page, &out, false);
        exposition_family(&page, &family);
        exposition_unlabel(&page, exposition_label(&page, "a", samples[i].in));
        exposition_label(&page, "a", samples[i].in);
        exposition_text_label(&page, "b", samples[i].in);
        exposition_sample(&page, 1);
        exposition_end(&page);
        buf_printf(&wanted, "# HELP x X.\n# TYPE x gauge\nx{a=\"%s\",b=\"%s\"} 1\n",
                   samples[i].strange, samples[i].presented);
        assert_true(span_equal(buf_span(&out), buf_span(&wanted)));
        buf_free(&out);
        buf_free(&wanted);
    }
}

static void test_negotiation(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool openmetrics;
    } samples[] = {
        {"", false},
        {"*/*", false},
        {"text/html,application/xhtml+xml,*/*;q=0.8", false},
        {"text/plain", false},
        {"application/openmetrics-text", true},
        {"Application/OpenMetrics-Text ; Version=1.0.0 ; charset=utf-8", true},
        {"application/openmetrics-text; version=0.0.1", false},
        {"application/openmetrics-text;q=0", false},
        {"application/openmetrics-text;q=0.000,text/plain", false},
        {"application/openmetrics-text;q=0.5,text/plain;q=0.6", false},
        {"application/openmetrics-text;q=0.6,text/plain;q=0.5", true},
        /* Prometheus 2.42 */
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
         "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         true},
        /* and with its OpenMetrics turned off */
        {"text/plain;version=0.0.4;q=1,*/*;q=0.1", false},
        {",;=,;q=,q=x;q=9.9.9", false},
        {"application/openmetrics-text;q=nonsense", false},
    };
    for (size_t i = 0; i < COUNT(samples); i++)
        assert_int_equal(exposition_wants_openmetrics(span_str(samples[i].accept)),
                         samples[i].openmetrics);
    assert_false(exposition_wants_openmetrics((struct span){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_negotiation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
