/* The API's replies become a view; hostile and partial ones become a smaller one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "top/gather.h"
#include "top/reply.h"
#include "top/state.h"

static struct top_wish plain_wish(void)
{
    struct top_state state = {0};
    struct top_wish wish = {.rows = 10};
    top_state_init(&state, 1000);
    memcpy(wish.by, state.by, sizeof wish.by);
    return wish;
}

static int read_text(struct top_view *view, enum top_document document, enum top_list_id list,
                     const char *text)
{
    struct top_wish wish = plain_wish();
    struct error err = {0};
    return top_reply_read(view, document, list, &wish, span_str(text), &err);
}

static const char statistics[] =
    "{\"time\":2000,\"exact\":true,\"malformed\":3,\"statistics\":{"
    "\"distinct\":{\"clients\":12},\"rates\":{\"queries\":{\"second\":1.5}},"
    "\"queries\":{\"events\":100,\"bytes\":5000,\"rcodes\":{\"NOERROR\":100},"
    "\"qtypes\":{\"A\":60,\"AAAA\":30,\"TYPE999\":10},"
    "\"udp-sizes\":{\"512\":0,\"1232\":7,\"4096\":0}},"
    "\"responses\":{\"events\":90,\"udp-sizes\":{\"512\":0,\"1232\":0,\"4096\":8},"
    "\"rcodes\":{\"NXDOMAIN\":20,\"NOERROR\":70}},"
    "\"latency\":{\"p50\":0.002,\"p99\":null}}}";

static void numbers_are_found_by_their_paths(void **state)
{
    struct top_view view;
    (void)state;
    top_reply_begin(&view);
    assert_int_equal(read_text(&view, DOCUMENT_STATISTICS, 0, statistics), 0);
    assert_true(view.numbers[NUMBER_QUERIES] == 100);
    assert_true(view.numbers[NUMBER_RESPONSES] == 90);
    assert_true(view.numbers[NUMBER_QUERY_RATE] == 1.5);
    assert_true(view.numbers[NUMBER_EXACT] == 1);
    assert_true(view.numbers[NUMBER_CLIENTS] == 12);
    assert_true(view.numbers[NUMBER_LATENCY_P50] == 0.002);
    assert_true(isnan(view.numbers[NUMBER_LATENCY_P99]));
    assert_true(isnan(view.numbers[NUMBER_DOMAINS]));
    assert_true(isnan(view.numbers[NUMBER_STARTED]));
    top_view_free(&view);
}

static void two_directions_become_one_list(void **state)
{
    struct top_view view;
    (void)state;
    top_reply_begin(&view);
    read_text(&view, DOCUMENT_STATISTICS, 0, statistics);
    const struct top_list *rcodes = &view.lists[LIST_RCODES];
    assert_true(rcodes->known);
    assert_int_equal(rcodes->count, 2);
    assert_string_equal(rcodes->rows[0].name, "NOERROR"); /* the most answers */
    assert_true(rcodes->rows[0].values[0] == 70);
    assert_string_equal(rcodes->rows[1].name, "NXDOMAIN");
    assert_true(rcodes->rows[1].values[0] == 20);
    assert_int_equal(top_column_count(LIST_RCODES), 1); /* queries have none that means something */
    const struct top_list *types = &view.lists[LIST_TYPES];
    assert_int_equal(types->count, 3);
    assert_string_equal(types->rows[0].name, "A");
    assert_string_equal(types->rows[2].name, "TYPE999");
    const struct top_list *sizes = &view.lists[LIST_UDP_SIZES];
    assert_int_equal(sizes->count, 2); /* what came in one direction at least */
    assert_string_equal(sizes->rows[0].name, "1232");
    assert_true(sizes->rows[0].values[0] == 7 && sizes->rows[0].values[1] == 0);
    assert_string_equal(sizes->rows[1].name, "4096");
    assert_true(sizes->rows[1].values[0] == 0 && sizes->rows[1].values[1] == 8);
    assert_true(sizes->keys == 2);
    assert_false(view.lists[LIST_TRANSPORTS].known);
    top_view_free(&view);
}

static void tables_keep_their_order(void **state)
{
    struct top_view view;
    (void)state;
    top_reply_begin(&view);
    assert_int_equal(read_text(&view, DOCUMENT_TABLES, LIST_SERVFAIL,
                               "{\"tables\":[{\"keys\":70,\"rows\":["
                               "{\"name\":\"b.test.\",\"value\":9,\"servfail\":9,\"error\":2,"
                               "\"queries\":1,\"query-bytes\":30,"
                               "\"response-bytes\":12,\"mean\":0.5},"
                               "{\"name\":\"a.test.\",\"value\":7,\"queries\":40}]}]}"),
                     0);
    const struct top_list *list = &view.lists[LIST_SERVFAIL];
    assert_int_equal(list->count, 2);
    assert_true(list->keys == 70 && list->error == 2);
    assert_string_equal(list->rows[0].name, "b.test.");
    assert_string_equal(top_tables[LIST_SERVFAIL].columns[list->by].title, "SERVFAIL");
    assert_true(list->rows[0].values[list->by] == 9);
    assert_string_equal(top_tables[LIST_SERVFAIL].columns[9].title, "q+a-bytes");
    assert_true(list->rows[0].values[9] == 42);
    assert_true(isnan(list->rows[1].values[9]));
    top_view_free(&view);
}

/* What part of all queries a server was asked. */
static void shares_are_of_all_queries(void **state)
{
    struct top_view view;
    (void)state;
    for (int known = 0; known < 2; known++) {
        top_reply_begin(&view);
        if (known)
            read_text(&view, DOCUMENT_STATISTICS, 0, statistics);
        read_text(&view, DOCUMENT_TABLES, LIST_SERVERS,
                  "{\"tables\":[{\"rows\":[{\"name\":\"192.0.2.1\",\"queries\":25,"
                  "\"responses\":21,\"retries\":3,\"latency\":{\"p50\":0.25,\"p99\":null}}]}]}");
        const struct top_row *row = view.lists[LIST_SERVERS].rows;
        assert_string_equal(top_tables[LIST_SERVERS].columns[1].title, "share");
        assert_true(row->values[0] == 25 && row->rank == 1);
        assert_true(known ? row->values[1] == 0.25 : isnan(row->values[1]));
        assert_string_equal(top_tables[LIST_SERVERS].columns[2].title, "unanswered");
        assert_true(row->values[2] == 4);
        assert_string_equal(top_tables[LIST_SERVERS].columns[5].title, "retries");
        assert_true(row->values[3] == 0.25 && isnan(row->values[4]) && row->values[5] == 3);
        top_view_free(&view);
    }
}

/* The busiest stream of now comes first, whatever came since the start. */
static void streams_are_sorted_by_load(void **state)
{
    struct top_view view;
    (void)state;
    top_reply_begin(&view);
    read_text(&view, DOCUMENT_STREAMS, 0,
              "{\"streams\":["
              "{\"name\":\"old\",\"queries\":900,\"rates\":{\"queries\":{\"minute\":0},"
              "\"responses\":{\"minute\":1}}},"
              "{\"name\":\"new\",\"queries\":3,\"rates\":{\"queries\":{\"minute\":2},"
              "\"responses\":{\"minute\":3}}}]}");
    assert_string_equal(view.lists[LIST_STREAMS].rows[0].name, "new");
    assert_true(view.lists[LIST_STREAMS].rows[0].values[view.lists[LIST_STREAMS].by] == 5);
    top_view_free(&view);
}

/* Of transports each has quantiles of its own. */
static void members_are_rows(void **state)
{
    struct top_view view;
    (void)state;
    top_reply_begin(&view);
    read_text(&view, DOCUMENT_STATISTICS, 0,
              "{\"statistics\":{\"latency\":{\"transports\":{"
              "\"UDP\":{\"count\":7,\"p50\":0.5,\"slowest\":2},"
              "\"DOT\":{\"count\":9,\"p50\":0.25,\"slowest\":null},\"DOH\":5}}}}");
    const struct top_list *list = &view.lists[LIST_TRANSPORT_TIMES];
    assert_int_equal(list->count, 3);
    assert_string_equal(list->rows[0].name, "DOT");
    assert_true(list->rows[0].values[0] == 9 && list->rows[0].values[1] == 0.25);
    assert_true(isnan(list->rows[0].values[5]));
    assert_string_equal(list->rows[1].name, "UDP");
    assert_true(list->rows[1].values[5] == 2);
    assert_true(isnan(list->rows[2].values[0]));
    read_text(&view, DOCUMENT_STATISTICS, 0, "{\"statistics\":{\"latency\":{\"transports\":[]}}}");
    assert_int_equal(list->count, 3);
    top_view_free(&view);
}

/* Nothing was timed: a slowest time of zero says nothing. */
static void times_of_nothing_are_not_known(void **state)
{
    struct top_view view;
    (void)state;
    top_reply_begin(&view);
    read_text(&view, DOCUMENT_TABLES, LIST_ASKED,
              "{\"tables\":[{\"rows\":["
              "{\"name\":\"a\",\"queries\":5,\"timed\":0,\"slowest\":0,\"mean\":null},"
              "{\"name\":\"b\",\"queries\":4,\"timed\":1,\"slowest\":0,\"mean\":0}]}]}");
    const struct top_row *rows = view.lists[LIST_ASKED].rows;
    assert_string_equal(top_tables[LIST_ASKED].columns[5].title, "slowest");
    assert_true(isnan(rows[0].values[5]) && rows[0].values[0] == 5);
    assert_true(rows[1].values[5] == 0);
    top_view_free(&view);
}

static void drops_of_all_outputs_are_summed(void **state)
{
    struct top_view view;
    (void)state;
    top_reply_begin(&view);
    read_text(&view, DOCUMENT_OUTPUTS, 0,
              "{\"outputs\":[{\"name\":\"file\",\"ledger\":{\"received\":5,\"dropped\":2}},"
              "{\"name\":\"null\",\"ledger\":{\"received\":9,\"dropped\":1}}]}");
    assert_true(view.numbers[NUMBER_DROPPED] == 3);
    assert_string_equal(view.lists[LIST_OUTPUTS].rows[0].name, "null");
    assert_true(view.lists[LIST_OUTPUTS].rows[0].values[0] == 9);
    top_view_free(&view);
}

/* Whatever comes: no crash (sanitizers watch), and nothing that is not there. */
static void strange_replies_are_no_trouble(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"statistics\":null}",
        "{\"statistics\":[]}",
        "{\"statistics\":{\"queries\":7,\"responses\":{\"rcodes\":[1,2]}}}",
        "{\"statistics\":{\"queries\":{\"rcodes\":{\"A\":\"many\",\"B\":{},\"C\":-1e308}}}}",
        "{\"streams\":{}}",
        "{\"streams\":[1,null,\"x\",[],{},{\"name\":7},{\"name\":\"ok\",\"queries\":\"no\"}]}",
        "{\"outputs\":[{\"name\":\"x\",\"ledger\":[]}]}",
        "{\"tables\":{}}",
        "{\"tables\":[]}",
        "{\"tables\":[7]}",
        "{\"tables\":[{\"rows\":{}}]}",
        "{\"tables\":[{\"keys\":-5,\"rows\":[{\"name\":\"\",\"error\":-1}]}]}",
        "{\"tables\":[{\"keys\":\"all\",\"rows\":[{\"name\":\"a\\u0000b\\u001b[2J\"}]}]}",
        "{\"rows\":[{\"name\":\"x\",\"value\":1e999}]}",
        "{\"live\":[],\"under\":7,\"row\":\"x\"}",
        "{\"live\":{\"names\":{\"rows\":[3,{\"name\":[]}]},\"clients\":null,\"queries\":[]}}",
        "{\"tables\":[{\"table\":7},{\"table\":\"domains\",\"rows\":{},\"found\":\"x\"}]}",
        "{\"tables\":[{\"table\":\"clients\",\"rows\":[],\"found\":-3,\"searched\":-1}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct top_view view;
        top_reply_begin(&view);
        for (int document = 0; document < TOP_DOCUMENTS; document++)
            read_text(&view, (enum top_document)document, LIST_ASKED, texts[i]);
        for (int list = 0; list < TOP_LISTS; list++)
            assert_true(view.lists[list].error >= 0 && view.lists[list].keys >= 0);
        top_view_free(&view);
    }
}

static void only_objects_are_replies(void **state)
{
    static const char *const texts[] = {"",         "[]",         "null",    "\"x\"",
                                        "{\"a\":1", "{\"a\":1}}", "\x1b[2J", "{\"a\":\"\xff\"}",
                                        "<html>"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct top_view view;
        top_reply_begin(&view);
        assert_int_equal(read_text(&view, DOCUMENT_STREAMS, 0, texts[i]), -1);
        assert_int_equal(view.held.count, 0);
        top_view_free(&view);
    }
}

static void lists_are_bounded(void **state)
{
    struct buf text = {0};
    struct top_view view;
    (void)state;
    buf_str(&text, "{\"streams\":[");
    for (int i = 0; i < 2 * TOP_ROWS_MAX; i++)
        buf_printf(&text, "%s{\"name\":\"s%d\",\"queries\":%d}", i ? "," : "", i, i);
    buf_str(&text, "]}");
    buf_byte(&text, '\0');
    top_reply_begin(&view);
    assert_int_equal(read_text(&view, DOCUMENT_STREAMS, 0, (const char *)text.data), 0);
    assert_int_equal(view.lists[LIST_STREAMS].count, TOP_ROWS_MAX);
    top_view_free(&view);
    buf_free(&text);
}

/* --- gathering ------------------------------------------------------------------------------ */

/* An origin that writes down what it is asked, and knows two streams. */
struct script {
    struct buf asked;
    const char *broken; /* the path that fails */
};

static int answer(void *state, const char *path, const struct top_parameter *parameters,
                  struct buf *body, struct error *err)
{
    struct script *script = state;
    buf_str(&script->asked, path + strlen("/api/v1"));
    for (; parameters->name; parameters++)
        buf_printf(&script->asked, " %s=%.*s", parameters->name, (int)parameters->value.len,
                   (const char *)parameters->value.ptr);
    buf_byte(&script->asked, ';');
    if (script->broken && strcmp(script->broken, path) == 0)
        return error_set(err, "broken");
    buf_str(body, "{\"streams\":[{\"name\":\"ns1\"},{\"name\":\"a\\\\\\\\b\\\\007\"}]}");
    return 0;
}

static void assert_asked(struct script *script, const char *wanted)
{
    buf_byte(&script->asked, '\0');
    assert_string_equal((const char *)script->asked.data, wanted);
    buf_free(&script->asked);
}

#define CLIENT_STREAMS ";/streams side=client window=all;"
#define STATISTICS(STREAM) "/statistics" STREAM " side=client window=all;"
#define REST "/outputs;/inputs;/status;"

/* What is new, newest first; the hour is not the window's. */
static void new_names_say_when_they_came(void **state)
{
    struct script script = {.broken = NULL};
    struct top_origin origin = {.state = &script, .get = answer};
    struct top_wish wish = plain_wish();
    struct top_view view;
    struct error err = {0};
    char text[FORM_MAX];
    (void)state;
    wish.window = WINDOW_5M;
    wish.tables[LIST_NEW] = true;
    assert_int_equal(top_gather(&origin, &wish, &view, &err), 0);
    assert_asked(&script, ";/streams side=client window=5m;/statistics side=client window=5m;" REST
                          "/new side=client n=10;");
    read_text(&view, DOCUMENT_NEW, LIST_ASKED,
              "{\"tables\":[{\"table\":\"registrable\",\"found\":1,\"rows\":[]},"
              "{\"table\":\"domains\",\"found\":7,\"found-all\":true,\"rows\":["
              "{\"name\":\"b.\",\"queries\":2,\"responses\":1,\"first-seen\":1796038307153},"
              "{\"name\":\"a.\",\"queries\":5,\"responses\":5,\"first-seen\":1796038317153}]}]}");
    const struct top_list *list = &view.lists[LIST_NEW];
    assert_int_equal(list->count, 2);
    assert_true(list->keys == 7);
    assert_string_equal(list->rows[0].name, "a.");
    assert_true(list->rows[1].values[1] == 3);
    assert_string_equal(form_text(FORM_CLOCK, list->rows[0].values[0], text), "11:31:57Z");
    assert_string_equal(form_text(FORM_CLOCK, NAN, text), "-");
    top_view_free(&view);
}

static void only_what_is_shown_is_asked_for(void **state)
{
    struct script script = {.broken = NULL};
    struct top_origin origin = {.state = &script, .get = answer};
    struct top_wish wish = plain_wish();
    struct top_view view;
    struct error err = {0};
    (void)state;
    wish.side = STATS_UPSTREAM;
    wish.window = WINDOW_5M;
    wish.tables[LIST_SERVFAIL] = wish.tables[LIST_CLIENT_BYTES] = wish.tables[LIST_STREAMS] = true;
    assert_int_equal(top_gather(&origin, &wish, &view, &err), 0);
    assert_null(view.stream);
    assert_true(view.taken > 0);
    assert_int_equal(view.side, STATS_UPSTREAM);
    assert_int_equal(view.window, WINDOW_5M);
    assert_asked(&script, ";/streams side=upstream window=5m;/statistics side=upstream window=5m;"
                          "/upstream window=5m n=1;" REST
                          "/tables side=upstream window=5m table=domains by=servfail n=10;"
                          "/tables side=upstream window=5m table=clients by=bytes n=10;");
    top_view_free(&view);
}

/* A stream is asked for as it is called; one that is gone is not asked for at all. */
static void streams_are_asked_for_by_name(void **state)
{
    struct script script = {.broken = NULL};
    struct top_origin origin = {.state = &script, .get = answer};
    struct top_wish wish = plain_wish();
    struct top_view view;
    struct error err = {0};
    (void)state;
    strcpy(wish.stream, "a\\\\b\\007");
    assert_int_equal(top_gather(&origin, &wish, &view, &err), 0);
    assert_string_equal(view.stream, "a\\\\b\\007");
    assert_asked(&script, CLIENT_STREAMS STATISTICS(" stream=a\\\\b\\007") REST);
    top_view_free(&view);
    strcpy(wish.stream, "gone");
    assert_int_equal(top_gather(&origin, &wish, &view, &err), 0);
    assert_null(view.stream);
    assert_asked(&script, CLIENT_STREAMS STATISTICS("") REST);
    top_view_free(&view);
}

/* What is explained or searched for; nothing is, before there is a text. */
static void a_subject_is_asked_about(void **state)
{
    static const struct {
        struct top_subject subject;
        const char *asked;
    } rows[] = {
        {{SUBJECT_NAME, "a.test."}, "/explain side=client window=all name=a.test. n=100;"},
        {{SUBJECT_CLIENT, "192.0.2.1"}, "/explain side=client window=all client=192.0.2.1 n=100;"},
        {{SUBJECT_SEARCH, "a&b"}, "/search side=client window=all text=a&b n=100;"},
        {{SUBJECT_SEARCH, ""}, ""},
    };
    struct script script = {.broken = NULL};
    struct top_origin origin = {.state = &script, .get = answer};
    struct top_view view;
    struct error err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct top_wish wish = plain_wish();
        char wanted[256];
        wish.rows = 250;
        wish.subject = rows[i].subject;
        assert_int_equal(top_gather(&origin, &wish, &view, &err), 0);
        snprintf(wanted, sizeof wanted, CLIENT_STREAMS STATISTICS("") REST "%s", rows[i].asked);
        assert_asked(&script, wanted);
        assert_true(top_view_is_of(&view, &rows[i].subject) == (rows[i].subject.text[0] != 0));
        top_view_free(&view);
    }
}

static void a_request_that_fails_gives_no_view(void **state)
{
    struct script script = {.broken = "/api/v1/outputs"};
    struct top_origin origin = {.state = &script, .get = answer};
    struct top_wish wish = plain_wish();
    struct top_view view;
    struct error err = {0};
    (void)state;
    assert_int_equal(top_gather(&origin, &wish, &view, &err), -1);
    assert_string_equal(err.text, "broken");
    buf_free(&script.asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_found_by_their_paths),
        cmocka_unit_test(two_directions_become_one_list),
        cmocka_unit_test(tables_keep_their_order),
        cmocka_unit_test(shares_are_of_all_queries),
        cmocka_unit_test(streams_are_sorted_by_load),
        cmocka_unit_test(members_are_rows),
        cmocka_unit_test(times_of_nothing_are_not_known),
        cmocka_unit_test(drops_of_all_outputs_are_summed),
        cmocka_unit_test(strange_replies_are_no_trouble),
        cmocka_unit_test(only_objects_are_replies),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(only_what_is_shown_is_asked_for),
        cmocka_unit_test(new_names_say_when_they_came),
        cmocka_unit_test(streams_are_asked_for_by_name),
        cmocka_unit_test(a_subject_is_asked_about),
        cmocka_unit_test(a_request_that_fails_gives_no_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
