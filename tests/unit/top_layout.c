/* Views become lines, whatever the size; nothing unprintable passes. */
#include "../support/top_bench.h"

/* --- sizes ---------------------------------------------------------------------------------- */

/* A recording's own times stand where a daemon's age does. */
static void a_recording_has_a_span(void **state)
{
    struct bench b = bench_make(50, "name");
    (void)state;
    b.state.recording = true;
    b.view.numbers[NUMBER_FROM] = 1700000000e3;
    b.view.numbers[NUMBER_TO] = 1700000100.5e3;
    bench_draw(&b, 80, 24);
    assert_shows(&b,
                 "http://h/  2023-11-14T22:13:20Z - 22:15:00Z  clients, all  stream all (0/3)\n");
    assert_lacks(&b, " up ");
    b.view.numbers[NUMBER_TO] = 1700086400e3;
    bench_draw(&b, 120, 24);
    assert_shows(&b,
                 "  2023-11-14T22:13:20Z - 2023-11-15T22:13:20Z  clients, all  stream all (0/3)\n");
    b.view.numbers[NUMBER_FROM] = b.view.numbers[NUMBER_TO] = NAN;
    bench_draw(&b, 80, 24);
    assert_shows(&b, "http://h/  -  clients, all  stream all (0/3)\n");
    bench_end(&b);
}

/* What does not fit is left out whole, the least important first: nothing runs into another. */
static void titles_lose_whole_parts(void **state)
{
    static const struct {
        int width;
        const char *title;
    } titles[] = {
        {105, " spile top  unbound.fstrm.xz  2023-11-14T22:13:20Z - 22:15:00Z  clients, all  "
              "stream all (0/3)      ended\n"},
        {90, " unbound.fstrm.xz  2023-11-14T22:13:20Z - 22:15:00Z  clients, all  stream all (0/3)  "
             "ended\n"},
        {73, " spile top  unbound.fstrm.xz  clients, all  stream all (0/3)        ended\n"},
        {60, " unbound.fstrm.xz  clients, all  stream all (0/3)      ended\n"},
        {40, " clients, all  stream all (0/3)    ended\n"},
        {24, " clients, all      ended\n"},
        {12, "       ended\n"},
    };
    struct bench b = bench_make(50, "name");
    (void)state;
    b.state.recording = true;
    b.frame.target = "unbound.fstrm.xz";
    b.frame.ended = true;
    b.view.numbers[NUMBER_FROM] = 1700000000e3;
    b.view.numbers[NUMBER_TO] = 1700000100.5e3;
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        bench_draw(&b, titles[i].width, 24);
        assert_memory_equal(b.text, titles[i].title, strlen(titles[i].title));
    }
    b.frame.target = "/var/lib/spile/unbound.fstrm.xz";
    bench_draw(&b, 94, 24);
    assert_shows(&b, " ..e/unbound.fstrm.xz  2023-11-14T22:13:20Z - 22:15:00Z  clients, all  "
                     "stream all (0/3)  ended\n");
    bench_draw(&b, 74, 24);
    assert_shows(&b,
                 " spile top  ..pile/unbound.fstrm.xz  clients, all  stream all (0/3)  ended\n");
    bench_end(&b);
}

static void rows_lose_whole_numbers(void **state)
{
    struct bench b = bench_make(50, "name");
    (void)state;
    bench_draw(&b, 60, 24);
    assert_shows(&b, " queries    1234         20/s         1m 12.5/s    15m 3/s\n");
    assert_shows(&b, "p50 400us    p90 12.0ms   p99 1.50s    p99.9 -\n");
    assert_shows(&b, " 1 domains asked  1-11/500");
    bench_draw(&b, 57, 24);
    assert_shows(&b, " queries    1234         20/s         1m 12.5/s\n");
    b.frame.note = "a message that is longer than the terminal is wide";
    bench_draw(&b, 40, 24);
    assert_shows(&b, " 1 domains asked  1-11/500");
    assert_shows(&b, " a message that is longer than the ter..\n");
    b.frame.note = NULL;
    bench_draw(&b, 16, 24);
    assert_shows(&b, " q quit  h help\n");
    bench_end(&b);
}

/* A daemon counts by arrival: what is of another time is told, on the narrowest screen, too. */
static void a_daemon_says_what_time_its_events_are_of(void **state)
{
    struct bench b = bench_make(50, "name");
    (void)state;
    b.view.numbers[NUMBER_FROM] = 1700000000e3;
    b.view.numbers[NUMBER_TO] = 1700086400e3;
    bench_draw(&b, 80, 24);
    assert_shows(&b, " events of  2023-11-14T22:13:20Z - 2023-11-15T22:13:20Z\n");
    b.view.numbers[NUMBER_ELSEWHEN] = 1;
    bench_draw(&b, 80, 24);
    assert_shows(&b,
                 " events of  2023-11-14T22:13:20Z - 2023-11-15T22:13:20Z; rates: of arrival\n");
    bench_draw(&b, 152, 40);
    assert_shows(&b, "2023-11-15T22:13:20Z; rates: of arrival");
    assert_shows(&b, " up ");
    bench_end(&b);
}

/* Times are of all that came, whatever the window: that is told as far as there is room. */
static void times_beside_a_window_say_that_they_are_of_all(void **state)
{
    struct bench b = bench_make(50, "name");
    (void)state;
    b.view.numbers[NUMBER_FROM] = 1700000000e3;
    b.view.numbers[NUMBER_TO] = 1700000060e3;
    b.view.window = b.state.window = WINDOW_1M;
    bench_draw(&b, 80, 24);
    assert_shows(&b, " events of  2023-11-14T22:13:20Z - 22:14:20Z since the start\n");
    b.view.numbers[NUMBER_ELSEWHEN] = 1;
    bench_draw(&b, 80, 24);
    assert_shows(&b, "Z - 22:14:20Z; rates: of arrival since the start\n");
    bench_draw(&b, 70, 24);
    assert_shows(&b, "Z - 22:14:20Z; rates: of arrival\n");
    bench_end(&b);
}

/* Streams have clients on one side and servers on the other; both need no room. */
static void streams_have_the_columns_of_their_side(void **state)
{
    struct bench b = bench_make(50, "name");
    (void)state;
    b.state.table = LIST_STREAMS;
    bench_draw(&b, 120, 24);
    assert_shows(&b, "  clients  p99");
    bench_press(&b, (const int[]){'u', 0});
    bench_draw(&b, 120, 24);
    assert_shows(&b, "  servers  p99");
    for (int i = 0; i < top_column_count(LIST_STREAMS); i++) {
        bench_press(&b, (const int[]){'o', 0});
        int by = b.state.by[LIST_STREAMS];
        assert_string_not_equal(top_tables[LIST_STREAMS].columns[by].title, "clients");
    }
    bench_end(&b);
}

static void a_small_terminal_is_enough(void **state)
{
    struct bench b = bench_make(50, "name");
    (void)state;
    bench_draw(&b, 80, 24);
    assert_shows(&b, "http://h/  clients, all  stream all (0/3)  up 12m 33s  every 1s\n");
    assert_shows(&b,
                 " queries    1234         20/s         1m 12.5/s    15m 3/s      56789 bytes\n");
    assert_shows(&b, " answers    1200         19/s         1m -/s ");
    assert_shows(&b, "p50 400us    p90 12.0ms   p99 1.50s    p99.9 -");
    assert_shows(&b, "clients 12   domains 34 ");
    assert_shows(&b, " rcodes     NOERROR 75.0 %  NXDOMAIN 25.0 %\n");
    assert_shows(&b, " transports UDP 75.0 %  TCP 25.0 %\n");
    assert_shows(&b, "1 domains asked  1-11/500");
    assert_shows(&b, ">queries");
    assert_shows(&b, "   1 name0.test. ");
    assert_shows(&b, "  11 name10.test. ");
    assert_lacks(&b, "name12.test.");
    assert_shows(&b, " q quit ");
    bench_end(&b);
}

/* While nothing has come it is said where servers are waited for; not once something has. */
static void an_empty_one_says_what_it_waits_for(void **state)
{
    static const char inputs[] =
        "{\"inputs\":[{\"name\":\"unix\",\"place\":\"unix:/run/"
        "\\u001b.sock\",\"connections\":0,\"frames\":0},"
        "{\"name\":\"file\",\"place\":null,\"connections\":0},"
        "{\"name\":\"tcp\",\"place\":\"tcp:[::]:6000\",\"connections\":0}]}";
    struct bench b = bench_make(0, "name");
    (void)state;
    bench_read(&b, DOCUMENT_INPUTS, 0, inputs);
    bench_draw(&b, 80, 24);
    assert_lacks(&b, "waiting for a DNS server");
    b.view.numbers[NUMBER_QUERIES] = b.view.numbers[NUMBER_RESPONSES] = 0;
    b.view.numbers[NUMBER_MALFORMED] = 0;
    bench_draw(&b, 80, 24);
    assert_lacks(&b, "waiting for a DNS server"); /* nothing in this window, or on this side */
    b.view.lists[LIST_STREAMS].count = 0;
    b.view.numbers[NUMBER_FRAMES] = 1;
    bench_draw(&b, 80, 24);
    assert_lacks(&b, "waiting for a DNS server"); /* what came is no dnstap */
    b.view.numbers[NUMBER_FRAMES] = 0;
    bench_draw(&b, 80, 24);
    assert_shows(
        &b, "     waiting for a DNS server on tcp:[::]:6000\n     or on unix:/run/\\027.sock\n");
    bench_draw(&b, 30, 10);
    assert_shows(&b, "     or on unix:/run/\\027.sock\n"); /* whole, as is the first */
    assert_shows(&b, "     tcp:[::]:6000\n");
    bench_end(&b);
}

/* Hints have lines of their own, whole words and none of the keys' line; each has its turn. */
static void hints_are_above_the_keys(void **state)
{
    static const char status[] =
        "{\"hints\":[{\"input\":\"tcp\",\"stream\":\"ns1\",\"hint\":\"2 hosts send the identity "
        "'ns1': "
        "servers of one name are counted as one; give each an identity of its own\"},"
        "{\"input\":\"unix\",\"hint\":\"of no stream, and events have come\"},"
        "{\"stage\":\"sample\",\"hint\":\"half of it\"},"
        "{\"input\":\"unix\",\"stream\":\"-\",\"hint\":\"a \\u001b one\"}]}";
    static const char first[] =
        " hint: 2 hosts send the identity 'ns1': servers of one name are counted as one;\n"
        " give each an identity of its own\n";
    struct bench b = bench_make(50, "name");
    (void)state;
    bench_read(&b, DOCUMENT_STATUS, 0, status);
    b.frame.now = b.view.taken = 1005;
    bench_draw(&b, 80, 24);
    assert_shows(&b, first);
    assert_shows(&b, "\n q quit ");
    assert_shows(&b, " 1 domains asked  1-9/500");
    assert_lacks(&b, "one\n q quit");
    b.frame.now = b.view.taken = 1010;
    bench_draw(&b, 80, 24);
    assert_shows(&b, "\n hint: a \\027 one\n q quit ");
    b.frame.now = b.view.taken = 1015;
    bench_draw(&b, 80, 24);
    assert_shows(&b, "\n hint: half of it\n q quit ");
    bench_draw(&b, 80, 10);
    assert_lacks(&b, "hint:");
    canvas_free(&b.canvas);
    assert_int_equal(top_layout_report(&b.canvas, 80, 3, &b.view, &b.state, &b.frame), 0);
    bench_take_text(&b);
    assert_shows(&b, first);
    assert_shows(&b, "\n hint: half of it\n");
    assert_shows(&b, "\n hint: a \\027 one\n");
    bench_end(&b);
}

static void a_wide_one_has_more_tables(void **state)
{
    static const struct {
        int width, height, tables;
    } sizes[] = {{80, 24, 1},  {151, 24, 1},  {152, 24, 2},
                 {160, 50, 6}, {240, 60, 12}, {400, 200, 18}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bench b = bench_make(50, "name");
        struct top_wish wish;
        int wished = 0;
        bench_draw(&b, sizes[i].width, sizes[i].height);
        top_layout_wish(sizes[i].width, sizes[i].height, &b.state, &wish);
        for (int k = 0; k < TOP_TABLES; k++) {
            wished += wish.tables[k];
            assert_false(wish.tables[k] && top_tables[k].only == TOP_UPSTREAM);
        }
        assert_int_equal(wished, sizes[i].tables);
        /* Each has a column that it goes by. */
        assert_int_equal(count(&b, ">"), sizes[i].tables);
        bench_end(&b);
    }
}

/* Every size from nothing on: nothing is written outside (sanitizers watch), and what little room
 * there is goes to the table rather than to the summary's end. */
static void no_size_is_too_small(void **state)
{
    (void)state;
    for (int width = 1; width <= 90; width += 7) {
        for (int height = 1; height <= 30; height++) {
            struct bench b = bench_make(5, "name");
            b.state.help = height % 5 == 0;
            b.state.row = b.state.scroll = height % 3 * 100;
            bench_draw(&b, width, height);
            if (width > 70 && height >= 3 && !b.state.help)
                assert_shows(&b, "domains asked");
            if (width > 70 && height >= 8 && height % 3 == 0 && !b.state.help)
                assert_shows(&b, "name4.test.");
            bench_end(&b);
        }
    }
}

/* --- strangers ------------------------------------------------------------------------------ */

static void control_characters_stay_outside(void **state)
{
    struct bench b = bench_make(3, "\\u001b[2J\\u0007\\u009b\\u202e\\n\\t\\u007f");
    char hostile[] = "http://h/\x1b]0;x\x07";
    char problem[] = "no\r\n\x1b[31m";
    (void)state;
    b.frame.target = hostile;
    b.frame.problem = problem;
    b.view.stream = strdup("\x1b[1m\xff");
    bench_draw(&b, 150, 24);
    assert_shows(&b, "\\027[2J\\007\\194\\155\\226\\128\\174\\010\\009\\1270.test.");
    assert_shows(&b, "\\027]0;x\\007");
    assert_shows(&b, "no\\013\\010\\027[31m");
    assert_shows(&b, "stream \\027[1m\\255");
    for (int i = 0; i < b.canvas.width * b.canvas.height; i++)
        assert_in_range(b.canvas.cells[i].glyph, 0x20, 0x7e);
    bench_end(&b);
}

static void long_names_keep_their_end(void **state)
{
    char name[300];
    (void)state;
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    struct bench b = bench_make(1, name);
    bench_draw(&b, 80, 24);
    assert_shows(&b, "   1 ..xxxx");
    assert_shows(&b, "x0.test. ");
    bench_end(&b);
}

/* --- what is shown -------------------------------------------------------------------------- */

static void the_title_says_how_old_the_numbers_are(void **state)
{
    struct bench b = bench_make(1, "n");
    (void)state;
    b.frame.now = 1002;
    bench_draw(&b, 120, 24);
    assert_lacks(&b, "stale");
    b.frame.now = 1030;
    bench_draw(&b, 120, 24);
    assert_shows(&b, "stale 30s\n");
    b.state.paused = true;
    bench_draw(&b, 120, 24);
    assert_shows(&b, "paused\n");
    b.frame.ended = true;
    bench_draw(&b, 120, 24);
    assert_shows(&b, "ended\n");
    b.frame.ended = false;
    b.state.paused = false;
    b.frame.now = 1001;
    b.frame.problem = "no route to host";
    bench_draw(&b, 120, 24);
    assert_shows(&b, "stale 1s\n");
    assert_shows(&b, " no route to host\n");
    bench_end(&b);
}

static void nothing_known_is_no_trouble(void **state)
{
    struct bench b = {.frame = {.target = "http://h/", .problem = "refused"}};
    (void)state;
    top_state_init(&b.state, 1000);
    top_reply_begin(&b.view);
    bench_draw(&b, 80, 24);
    assert_shows(&b, "no answer\n");
    assert_shows(&b, " queries    -  ");
    assert_shows(&b, "not known");
    bench_end(&b);
}

static void an_estimate_says_so(void **state)
{
    struct bench b = bench_make(0, "n");
    (void)state;
    bench_draw(&b, 80, 24);
    assert_shows(&b, "none");
    bench_read(&b, DOCUMENT_TABLES, LIST_ASKED,
               "{\"tables\":[{\"keys\":9,\"rows\":[{\"name\":\"x\",\"queries\":5,\"error\":4}]}]}");
    bench_draw(&b, 80, 24);
    assert_shows(&b, "1-1/9  +4");
    bench_read(
        &b, DOCUMENT_TABLES, LIST_ASKED,
        "{\"tables\":[{\"keys\":9,\"keys-exact\":false,\"rows\":[{\"name\":\"x\",\"queries\":"
        "5}]}]}");
    bench_draw(&b, 80, 24);
    assert_shows(&b, "1-1/~9");
    bench_end(&b);
}

static void numbers_that_are_estimates_are_marked(void **state)
{
    struct bench b = bench_make(1, "n");
    (void)state;
    bench_draw(&b, 80, 24);
    assert_shows(&b, " distinct   clients 12 ");
    b.view.numbers[NUMBER_EXACT] = 0; /* all that older daemons say */
    bench_draw(&b, 80, 24);
    assert_shows(&b, " distinct   clients ~12 ");
    b.view.numbers[NUMBER_CLIENTS_EXACT] = 1;
    b.view.numbers[NUMBER_DOMAINS] = 34;
    b.view.numbers[NUMBER_DOMAINS_EXACT] = 0;
    bench_draw(&b, 80, 24);
    assert_shows(&b, " distinct   clients 12   domains ~34 ");
    bench_end(&b);
}

/* Where memory is short a window has less of single streams than of all: which, and since when. */
static void what_is_short_says_since_when(void **state)
{
    static const char begins[] =
        "\"from\":1000,\"streams-from\":3723000,\"distinct-from\":7384000,";
    static const char row[] = "[{\"name\":\"x\",\"queries\":5}]";
    char table[256], streams[256], statistics[256];
    struct bench b = bench_make(1, "n");
    (void)state;
    snprintf(table, sizeof table, "{%s\"tables\":[{\"keys\":1,\"rows\":%s}]}", begins, row);
    snprintf(streams, sizeof streams, "{%s\"streams\":%s}", begins, row);
    snprintf(statistics, sizeof statistics, "{%s\"statistics\":{\"distinct\":{\"clients\":7}}}",
             begins);
    for (int single = 0; single < 2; single++) {
        b.view.stream = single ? strdup("x") : NULL;
        bench_read(&b, DOCUMENT_STREAMS, 0, streams);
        bench_read(&b, DOCUMENT_STATISTICS, 0, statistics);
        bench_read(&b, DOCUMENT_TABLES, LIST_ASKED, table);
        b.state.table = LIST_ASKED;
        bench_draw(&b, 80, 24);
        assert_shows(&b, single ? "all from 01:02:03Z  stream x" : "all  stream all");
        assert_shows(&b, single ? "distinct   from 02:03:04Z  clients 7" : "distinct   clients 7");
        assert_shows(&b, single ? "domains asked  1-1/1  from 02:03:04Z" : "domains asked  1-1/1 ");
        b.state.table = LIST_STREAMS;
        bench_draw(&b, 80, 24);
        assert_shows(&b, "streams  1-1/1  from 01:02:03Z  distinct from 02:03:04Z");
    }
    bench_end(&b);
}

static void the_column_of_the_order_is_always_there(void **state)
{
    (void)state;
    for (int column = 0; column < top_column_count(LIST_ASKED); column++) {
        struct bench b = bench_make(5, "n");
        char title[32];
        b.state.by[LIST_ASKED] = column;
        bench_fill(&b, 5, "n");
        bench_draw(&b, 60, 24);
        snprintf(title, sizeof title, ">%s", top_tables[LIST_ASKED].columns[column].title);
        assert_shows(&b, title);
        bench_end(&b);
    }
}

static void the_trend_has_bars(void **state)
{
    struct bench b = bench_make(1, "n");
    (void)state;
    for (int i = 0; i <= 2 * TOP_TREND_MAX + 8; i++)
        top_trend_add(&b.trend, i % 9);
    b.frame.trend = &b.trend;
    bench_draw(&b, 80, 40);
    int seen[CANVAS_BARS + 1] = {0};
    for (int i = 0; i < 80 * 40; i++)
        if (b.canvas.cells[i].glyph <= CANVAS_BARS)
            seen[b.canvas.cells[i].glyph]++;
    for (int i = 1; i <= CANVAS_BARS; i++)
        assert_in_range(seen[i], 8, 9);
    bench_end(&b);
}

static void a_report_has_everything(void **state)
{
    struct bench b = bench_make(50, "name");
    (void)state;
    assert_int_equal(top_layout_report(&b.canvas, 100, 3, &b.view, &b.state, &b.frame), 0);
    bench_take_text(&b);
    for (int i = 0; i < TOP_TABLES; i++) {
        if (top_tables[i].only != TOP_UPSTREAM && top_tables[i].page == PAGE_ALL)
            assert_shows(&b, top_tables[i].title);
    }
    assert_lacks(&b, "\n servers ");
    assert_shows(&b, "   3 name2.test. ");
    assert_lacks(&b, "name3.test.");
    assert_shows(&b, "   1 NOERROR ");
    assert_shows(&b, "   1 ns2 ");
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_has_a_span),
        cmocka_unit_test(titles_lose_whole_parts),
        cmocka_unit_test(rows_lose_whole_numbers),
        cmocka_unit_test(a_daemon_says_what_time_its_events_are_of),
        cmocka_unit_test(times_beside_a_window_say_that_they_are_of_all),
        cmocka_unit_test(streams_have_the_columns_of_their_side),
        cmocka_unit_test(a_small_terminal_is_enough),
        cmocka_unit_test(an_empty_one_says_what_it_waits_for),
        cmocka_unit_test(hints_are_above_the_keys),
        cmocka_unit_test(a_wide_one_has_more_tables),
        cmocka_unit_test(no_size_is_too_small),
        cmocka_unit_test(control_characters_stay_outside),
        cmocka_unit_test(long_names_keep_their_end),
        cmocka_unit_test(the_title_says_how_old_the_numbers_are),
        cmocka_unit_test(nothing_known_is_no_trouble),
        cmocka_unit_test(an_estimate_says_so),
        cmocka_unit_test(numbers_that_are_estimates_are_marked),
        cmocka_unit_test(what_is_short_says_since_when),
        cmocka_unit_test(the_column_of_the_order_is_always_there),
        cmocka_unit_test(the_trend_has_bars),
        cmocka_unit_test(a_report_has_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
