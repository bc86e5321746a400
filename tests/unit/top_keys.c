/* Keys do what the help says: what is chosen, searched for and explained. */
#include "../support/top_bench.h"

static void streams_are_stepped_through(void **state)
{
    struct bench b = bench_make(1, "n");
    (void)state;
    static const char *const names[] = {"-", "ns1", "ns2", ""};
    for (int i = 0; i < 8; i++) {
        bench_press(&b, (const int[]){i % 2 ? 's' : TOP_KEY_RIGHT, 0});
        assert_string_equal(b.state.stream, names[i % 4]);
    }
    bench_press(&b, (const int[]){'S', TOP_KEY_LEFT, 0});
    assert_string_equal(b.state.stream, "ns1");
    strcpy(b.state.stream, "gone");
    bench_press(&b, (const int[]){'s', 0});
    assert_string_equal(b.state.stream, "-");
    bench_end(&b);
}

static void tables_are_chosen(void **state)
{
    struct bench b = bench_make(50, "n");
    (void)state;
    bench_press(&b, (const int[]){'\t', 't', 0});
    assert_int_equal(b.state.table, 2);
    bench_press(&b, (const int[]){'T', TOP_KEY_BACK_TAB, 'T', 0});
    assert_int_equal(b.state.table, LIST_OUTPUTS);
    for (int i = 0; i < top_table_count((struct top_scene){0}); i++) {
        bench_press(&b, (const int[]){'t', 0});
        assert_int_not_equal(top_tables[b.state.table].only, TOP_UPSTREAM);
        assert_int_equal(top_tables[b.state.table].page, PAGE_ALL);
    }
    assert_int_equal(b.state.table, LIST_OUTPUTS);
    bench_press(&b, (const int[]){'t', 0});
    assert_int_equal(b.state.table, 0);
    bench_press(&b, (const int[]){'7', 0});
    assert_int_equal(b.state.table, LIST_TLDS);
    bench_press(&b, (const int[]){'0', 0});
    assert_int_equal(b.state.table, 9);
    bench_end(&b);
}

/* Whose numbers and of what time: both are in the title, as the view has them. */
static void windows_and_sides_are_chosen(void **state)
{
    static const char *const windows[] = {"1m", "5m", "1h", "1d", "all", "1m"};
    struct bench b = bench_make(1, "n");
    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        char title[32];
        struct top_wish wish;
        bench_press(&b, (const int[]){'w', 0});
        top_layout_wish(80, 24, &b.state, &wish);
        assert_string_equal(stats_window_name(wish.window), windows[i]);
        b.view.window = wish.window;
        bench_draw(&b, 80, 24);
        snprintf(title, sizeof title, "  clients, %s  stream all", windows[i]);
        assert_shows(&b, title);
    }
    bench_press(&b, (const int[]){'W', 'W', 0});
    assert_int_equal(b.state.window, WINDOW_1D);
    bench_end(&b);
}

/* Each side has tables of its own at the same places. */
static void upstream_has_servers(void **state)
{
    struct bench b = bench_make(5, "n");
    struct top_wish wish;
    (void)state;
    bench_press(&b, (const int[]){'8', 'u', 0});
    assert_int_equal(b.state.table, LIST_SERVERS);
    b.view.side = STATS_UPSTREAM;
    bench_draw(&b, 120, 24);
    assert_shows(&b, "  upstream, all  stream all");
    assert_shows(&b, "servers 5    domains 34");
    assert_lacks(&b, "clients ");
    assert_shows(&b, " 8 servers  1-5/50 ");
    assert_shows(&b, ">queries  share  unanswered  p50  p99  retries");
    assert_shows(&b, " 1000  81.0%");
    bench_read(&b, DOCUMENT_UPSTREAM, 0,
               "{\"unanswered\":34,\"cache\":{\"efficiency\":0.75,\"answers\":400}}");
    bench_draw(&b, 120, 24);
    assert_shows(&b, " upstream   unanswered 34  cache 75.0%  of 400 answers to clients\n");
    bench_read(&b, DOCUMENT_UPSTREAM, 0,
               "{\"unanswered\":34,\"timeouts\":30,\"retries\":4,\"cache\":{\"efficiency\":0.75}}");
    bench_draw(&b, 120, 24);
    assert_shows(&b, " upstream   unanswered 34  time-outs 30 retries 4    cache 75.0%  ");
    top_layout_wish(400, 200, &b.state, &wish);
    assert_int_equal(wish.side, STATS_UPSTREAM);
    assert_true(wish.tables[LIST_SERVERS] && !wish.tables[LIST_CLIENTS]);
    bench_press(&b, (const int[]){'u', 0});
    assert_int_equal(b.state.table, LIST_CLIENTS);
    bench_end(&b);
}

/* What does not come may be of another time or the other side, which a small screen says whole. */
static void nothing_says_where_there_may_be_more(void **state)
{
    struct bench b = bench_make(1, "n");
    (void)state;
    for (enum stats_side side = 0; side < STATS_SIDES; side++) {
        b.view.numbers[NUMBER_QUERIES] = b.view.numbers[NUMBER_RESPONSES] = 0;
        b.view.lists[LIST_ASKED].count = 0;
        b.view.side = b.state.side = side;
        b.view.window = WINDOW_5M;
        bench_draw(&b, 80, 24);
        assert_shows(&b, side == STATS_CLIENT
                             ? " no client asked in 5m (w: another time); upstream: u or --side "
                               "upstream\n"
                             : " nothing asked upstream in 5m (w: another time); clients: u or "
                               "--side client\n");
        b.view.window = WINDOW_ALL;
        bench_draw(&b, 80, 24);
        assert_lacks(&b, "another time");
    }
    bench_end(&b);
}

/* --- what is found, and what is known of one ------------------------------------------------ */

static const char found[] =
    "{\"tables\":[{\"table\":\"domains\",\"searched\":5000,\"whole\":false,\"found\":41,\"rows\":["
    "{\"name\":\"zone4.test.\",\"queries\":70,\"responses\":60},"
    "{\"name\":\"a4.zone4.test.\",\"queries\":9,\"responses\":9}]},"
    "{\"table\":\"clients\",\"searched\":3,\"whole\":true,\"found\":0,\"rows\":[]},"
    "{\"table\":\"servers\",\"searched\":2,\"whole\":true,\"found\":1,\"rows\":["
    "{\"name\":\"192.0.2.4\",\"queries\":5,\"responses\":4}]}]}";

/* A view of what is asked about now. */
static void answer(struct bench *b, enum top_document document, const char *text)
{
    bench_fill(b, 50, "name");
    b->view.side = b->state.side;
    b->view.subject = *top_subject_of(&b->state);
    bench_read(b, document, 0, text);
}

/* Letters go into the text while it is typed, and it is asked for at once; what is there already is
 * narrowed meanwhile. */
static void names_are_searched_for(void **state)
{
    struct bench b = bench_make(50, "name");
    struct top_wish wish;
    (void)state;
    bench_press(&b, (const int[]){'t', '/', 0});
    bench_draw(&b, 80, 24);
    assert_shows(&b, "\n /_ a part of a name or an address\n");
    bench_press(&b, (const int[]){'q', TOP_KEY_BACKSPACE, 'E', '4', 0});
    assert_false(b.state.quit);
    bench_draw(&b, 80, 24);
    assert_shows(&b, "\n /E4_\n");
    assert_shows(&b, " 1 domains found ");
    assert_shows(&b, "not known"); /* yet */
    top_layout_wish(80, 24, &b.state, &wish);
    assert_int_equal(wish.subject.kind, SUBJECT_SEARCH);
    assert_string_equal(wish.subject.text, "E4");
    answer(&b, DOCUMENT_SEARCH, found);
    bench_draw(&b, 160, 24);
    assert_shows(&b, " 1 domains found  1-2/41 in the heaviest 5000 ");
    assert_shows(&b, "   1 zone4.test. ");
    assert_shows(&b, " 2 clients found ");
    assert_shows(&b, "none");
    bench_press(&b, (const int[]){'.', 'z', 0});
    bench_draw(&b, 80, 24);
    assert_lacks(&b, "  1 zone4.test.");
    assert_lacks(&b, "a4.zone4");
    bench_press(&b, (const int[]){TOP_KEY_BACKSPACE, TOP_KEY_BACKSPACE, TOP_ENTER, 'o', 0});
    bench_draw(&b, 80, 24);
    assert_shows(&b, "  stream all (0/3)  /E4");
    assert_shows(&b, "\n q quit ");
    bench_press(&b, (const int[]){'u', 't', 0});
    bench_draw(&b, 80, 24);
    assert_shows(&b, " 2 servers found ");
    bench_press(&b, (const int[]){'u', TOP_ESCAPE, 0});
    bench_draw(&b, 80, 24);
    assert_shows(&b, " 2 domains answered ");
    bench_press(&b, (const int[]){'/', 'x', TOP_ESCAPE, '/', TOP_ENTER, 0});
    assert_false(b.state.typing);
    assert_int_equal(b.state.step_count, 0);
    bench_press(&b, (const int[]){'/', 0});
    for (int i = 0; i < 1000; i++)
        bench_press(&b, (const int[]){'y', 0});
    for (int width = 1; width < 90; width++)
        bench_draw(&b, width, 24);
    bench_end(&b);
}

static const char explained[] =
    "{\"row\":{\"queries\":31,\"responses\":30,\"nxdomain\":2,\"failed\":0,\"mean\":0.25},"
    "\"under\":{\"keys\":7,\"keys-exact\":true,\"rows\":[{\"name\":\"www.name3.test.\",\"queries\":"
    "20}]},"
    "\"live\":{\"from\":1700000000000,\"seconds\":65.2,\"unseen\":0,"
    "\"queries\":{\"events\":12,\"bytes\":340,\"qtypes\":{\"AAAA\":12},\"transports\":{\"TCP\":12}}"
    ","
    "\"responses\":{\"events\":11,\"bytes\":900,\"rcodes\":{\"NOERROR\":11}},"
    "\"latency\":{\"p50\":0.004,\"mean\":0.005},"
    "\"names\":{\"keys\":1,\"keys-exact\":true,\"rows\":[{\"name\":\"www.name3.test.\",\"queries\":"
    "12}]},"
    "\"clients\":{\"keys\":2,\"keys-exact\":true,\"rows\":[{\"name\":\"192.0.2.7\",\"queries\":11},"
    "{\"name\":\"192.0.2.8\",\"queries\":1}]}}}";

/* Enter tells of the chosen row, and says over what that was counted; numbers of another name are
 * never shown as its own. */
static void a_row_is_explained(void **state)
{
    struct bench b = bench_make(50, "name");
    struct top_wish wish;
    (void)state;
    bench_draw(&b, 80, 24);
    bench_press(&b, (const int[]){TOP_KEY_DOWN, TOP_KEY_DOWN, TOP_KEY_DOWN, TOP_ENTER, 0});
    top_layout_wish(80, 24, &b.state, &wish);
    assert_int_equal(wish.subject.kind, SUBJECT_NAME);
    assert_string_equal(wish.subject.text, "name3.test.");
    bench_draw(&b, 80, 24);
    assert_shows(&b, "  clients, all  all streams  ");
    assert_shows(&b, " about      name3.test. and what is below it\n");
    assert_shows(&b, " queries    -\n");
    assert_shows(&b, " 1 live clients ");
    assert_shows(&b, "not known");
    answer(&b, DOCUMENT_EXPLAIN, explained);
    bench_draw(&b, 80, 40);
    assert_shows(&b, " itself     in the window 31 queries  30 answers   NXDOMAIN 2 ");
    assert_shows(&b, " live       all streams' since 2023-11-14T22:13:20Z, 1m 05s\n");
    assert_shows(&b, " queries    12           340 bytes\n");
    assert_shows(&b, " latency    p50 4.00ms   p90 -        p99 -        mean 5.00ms\n");
    assert_shows(&b, " rcodes     NOERROR 100 %\n");
    assert_shows(&b, " types      AAAA 100 %\n");
    assert_shows(&b, " transports TCP 100 %\n");
    assert_shows(&b, " 1 live clients  1-2/2 ");
    assert_shows(&b, "   1 192.0.2.7 ");
    assert_shows(&b, " 2 live domains  1-1/1 ");
    bench_draw(&b, 80, 90);
    assert_shows(&b, " 3 below it in the window  1-1/7 ");
    assert_shows(&b, " 5 live query types  1-1/1 ");
    answer(&b, DOCUMENT_EXPLAIN, "{\"row\":null,\"row-floor\":28}");
    bench_draw(&b, 80, 24);
    assert_shows(&b, " itself     in the window at most 28 queries and answers\n");
    answer(&b, DOCUMENT_EXPLAIN, "{\"row\":null,\"row-floor\":0}");
    bench_draw(&b, 80, 24);
    assert_shows(&b, " itself     in the window 0 queries and answers\n");
    answer(&b, DOCUMENT_EXPLAIN, explained);
    b.view.numbers[NUMBER_LIVE_UNSEEN] = 3;
    bench_draw(&b, 80, 24);
    assert_shows(&b, ", 1m 05s; 3 not looked at\n");
    b.view.subject.text[0] = 'x';
    bench_draw(&b, 80, 40);
    assert_shows(&b, " live       -\n");
    assert_lacks(&b, "192.0.2.7");
    bench_end(&b);
}

/* From a name to its client and on; back the same way, to the rows that were chosen. */
static void steps_lead_back(void **state)
{
    struct bench b = bench_make(50, "name");
    (void)state;
    bench_draw(&b, 80, 24);
    bench_press(&b, (const int[]){TOP_KEY_DOWN, TOP_ENTER, 0});
    answer(&b, DOCUMENT_EXPLAIN, explained);
    bench_press(&b, (const int[]){TOP_ENTER, 0});
    assert_int_equal(top_subject_of(&b.state)->kind, SUBJECT_CLIENT);
    assert_string_equal(top_subject_of(&b.state)->text, "192.0.2.7");
    bench_draw(&b, 80, 24);
    assert_shows(&b, " about      client 192.0.2.7\n");
    assert_shows(&b, " 1 live domains ");
    answer(&b, DOCUMENT_EXPLAIN, explained);
    bench_draw(&b, 160, 90);
    assert_lacks(&b, "live clients");
    assert_lacks(&b, "below it");
    bench_press(&b, (const int[]){TOP_ESCAPE, 0});
    assert_string_equal(top_subject_of(&b.state)->text, "name1.test.");
    assert_int_equal(b.state.table, LIST_ITS_CLIENTS);
    bench_press(&b, (const int[]){TOP_ESCAPE, TOP_ESCAPE, 0});
    bench_fill(&b, 50, "name");
    bench_draw(&b, 80, 24);
    assert_int_equal(b.state.table, LIST_ASKED);
    assert_int_equal(b.state.row, 1);
    assert_string_equal(b.state.name, "name1.test.");
    /* Upstream nothing is known of a client, and of a server there is nothing more to be known. */
    bench_press(&b, (const int[]){'8', TOP_ENTER, 'u', 0});
    assert_int_equal(b.state.step_count, 0);
    assert_int_equal(b.state.table, LIST_SERVERS);
    bench_press(&b, (const int[]){TOP_ENTER, 0});
    assert_int_equal(b.state.step_count, 0);
    /* However many steps: the last ones lead back, and then to everything. */
    bench_press(&b, (const int[]){'u', '1', 0});
    for (int i = 0; i < 3 * TOP_STEPS; i++) {
        answer(&b, DOCUMENT_EXPLAIN, explained);
        bench_press(&b, (const int[]){i % 2 ? '2' : '1', TOP_ENTER, 0});
    }
    for (int i = 0; i < TOP_STEPS; i++)
        bench_press(&b, (const int[]){TOP_ESCAPE, 0});
    assert_int_equal(b.state.step_count, 0);
    assert_int_equal(b.state.table, LIST_ASKED);
    bench_end(&b);
}

static void a_stream_is_chosen_from_its_table(void **state)
{
    struct bench b = bench_make(5, "name");
    (void)state;
    b.state.table = LIST_STREAMS;
    bench_draw(&b, 80, 24);
    bench_press(&b, (const int[]){TOP_KEY_DOWN, TOP_ENTER, 0});
    assert_string_equal(b.state.stream, b.view.lists[LIST_STREAMS].rows[1].name);
    assert_int_equal(b.state.step_count, 0);
    bench_end(&b);
}

/* Rows change their places while somebody looks: it is the name that was chosen. */
static void the_chosen_name_is_followed(void **state)
{
    struct bench b = bench_make(50, "name");
    (void)state;
    bench_draw(&b, 80, 24);
    bench_press(&b, (const int[]){TOP_KEY_DOWN, TOP_KEY_DOWN, 0});
    bench_draw(&b, 80, 24);
    assert_string_equal(b.state.name, "name2.test.");
    struct top_row *rows = b.view.lists[LIST_ASKED].rows, second = rows[2];
    rows[2] = rows[30];
    rows[30] = second;
    bench_draw(&b, 80, 24);
    assert_int_equal(b.state.row, 30);
    assert_shows(&b, "name2.test. ");
    for (int x = 0; x < 80; x++)
        assert_int_equal(canvas_at(&b.canvas, x, 11 + b.state.row - b.state.scroll + 1)->style,
                         STYLE_CHOSEN);
    b.view.lists[LIST_ASKED].count = 30;
    bench_draw(&b, 80, 24);
    assert_int_equal(b.state.row, 29);
    bench_end(&b);
}

/* What others look at is forgotten only by who says so twice. */
static void a_reset_is_asked_for_twice(void **state)
{
    struct bench b = bench_make(1, "n");
    struct top_wish wish;
    (void)state;
    b.state.window = WINDOW_5M;
    bench_press(&b, (const int[]){'R', 0});
    bench_draw(&b, 80, 24);
    assert_shows(&b, "\n begin 5m anew, for all who look? y or n\n");
    bench_press(&b, (const int[]){'q', 'R', TOP_ESCAPE, 0});
    assert_false(b.state.quit);
    assert_int_equal(b.state.resets, 0);
    bench_press(&b, (const int[]){'R', 'y', 0});
    top_layout_wish(80, 24, &b.state, &wish);
    assert_int_equal(wish.resets, 1);
    bench_draw(&b, 80, 24);
    assert_lacks(&b, "anew");
    bench_end(&b);
}

static void the_order_goes_round(void **state)
{
    struct bench b = bench_make(1, "n");
    int first = b.state.by[0];
    (void)state;
    for (int i = 0; i < top_column_count(LIST_ASKED); i++)
        bench_press(&b, (const int[]){'o', 0});
    assert_int_equal(b.state.by[0], first);
    bench_press(&b, (const int[]){'o', 0});
    assert_int_equal(b.state.by[0], first + 1);
    bench_end(&b);
}

static void the_chosen_row_is_within_the_rows(void **state)
{
    struct bench b = bench_make(50, "name");
    (void)state;
    bench_draw(&b, 80, 24);
    bench_press(&b, (const int[]){TOP_KEY_UP, 0});
    bench_draw(&b, 80, 24);
    assert_int_equal(b.state.row, 0);
    assert_int_equal(b.state.scroll, 0);
    bench_press(&b, (const int[]){TOP_KEY_DOWN, TOP_KEY_PAGE_DOWN, 0});
    bench_draw(&b, 80, 24);
    assert_shows(&b, "domains asked  3-13/500");
    assert_string_equal(b.state.name, "name12.test.");
    bench_press(&b, (const int[]){TOP_KEY_END, TOP_KEY_DOWN, 0});
    bench_draw(&b, 80, 24);
    assert_shows(&b, "  50 name49.test. ");
    assert_shows(&b, "40-50/500");
    bench_press(&b, (const int[]){TOP_KEY_PAGE_UP, TOP_KEY_HOME, 0});
    bench_draw(&b, 80, 24);
    assert_int_equal(b.state.row, 0);
    assert_int_equal(b.state.scroll, 0);
    bench_end(&b);
}

static void the_interval_has_limits(void **state)
{
    struct bench b = bench_make(1, "n");
    (void)state;
    bench_press(&b, (const int[]){'+', 0});
    assert_int_equal(b.state.interval_ms, 2000);
    bench_press(&b, (const int[]){'-', '-', 0});
    assert_int_equal(b.state.interval_ms, 500);
    for (int i = 0; i < 20; i++)
        bench_press(&b, (const int[]){'-', 0});
    assert_int_equal(b.state.interval_ms, TOP_INTERVAL_MIN_MS);
    for (int i = 0; i < 20; i++)
        bench_press(&b, (const int[]){'+', 0});
    assert_int_equal(b.state.interval_ms, TOP_INTERVAL_MAX_MS);
    b.state.interval_ms = 700;
    bench_press(&b, (const int[]){'-', 0});
    assert_int_equal(b.state.interval_ms, 500);
    bench_end(&b);
}

static void help_shows_every_key(void **state)
{
    struct bench b = bench_make(1, "n");
    (void)state;
    bench_press(&b, (const int[]){'?', 0});
    bench_draw(&b, 80, 24);
    for (const struct top_key *key = top_keys; key->act; key++) {
        if (key->name) {
            assert_shows(&b, key->name);
            assert_shows(&b, key->doc);
        }
    }
    bench_draw(&b, 60, 24);
    assert_shows(&b, " 1m, 15m            " TOP_WINDOWS_DOC "\n");
    assert_shows(&b, " q+a                " TOP_BOTH_DOC "\n");
    assert_shows(&b, " right, s           the next stream; all of them come first\n");
    bench_press(&b, (const int[]){'/', 'x', TOP_ENTER, TOP_ESCAPE, 0});
    assert_false(b.state.help); /* it lay over what was searched for */
    assert_int_equal(b.state.step_count, 1);
    bench_press(&b, (const int[]){'h', 'h', 'q', 0});
    assert_false(b.state.help);
    assert_true(b.state.quit);
    assert_false(top_key(&b.state, &b.view, 'z'));
    assert_false(top_key(&b.state, &b.view, 0));
    bench_end(&b);
}

/* A recording's numbers are of all of it: keys for a window of now, and for a reset, do nothing,
 * and nothing tells of them. */
static void a_recording_has_no_windows(void **state)
{
    struct bench b = bench_make(1, "n");
    (void)state;
    b.state.recording = true;
    for (const char *key = "wWR"; *key; key++)
        assert_false(top_key(&b.state, &b.view, *key));
    assert_int_equal(b.state.window, WINDOW_ALL);
    assert_false(b.state.asking);
    assert_int_equal(b.state.resets, 0);
    bench_draw(&b, 200, 24);
    assert_lacks(&b, "w window");
    assert_lacks(&b, "R reset");
    assert_shows(&b, "u side");
    bench_press(&b, (const int[]){'h', 0});
    bench_draw(&b, 80, 24);
    assert_lacks(&b, "window");
    bench_end(&b);
}

/* No character stands in two rows. */
static void keys_mean_one_thing(void **state)
{
    (void)state;
    for (int code = 1; code < TOP_KEY_BACK_TAB + 1; code++) {
        int meanings = 0;
        for (const struct top_key *key = top_keys; key->act; key++)
            meanings += code < 0x80 ? strchr(key->characters, code) != NULL : key->code == code;
        assert_in_range(meanings, 0, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_stepped_through),
        cmocka_unit_test(tables_are_chosen),
        cmocka_unit_test(windows_and_sides_are_chosen),
        cmocka_unit_test(upstream_has_servers),
        cmocka_unit_test(nothing_says_where_there_may_be_more),
        cmocka_unit_test(names_are_searched_for),
        cmocka_unit_test(a_row_is_explained),
        cmocka_unit_test(steps_lead_back),
        cmocka_unit_test(a_stream_is_chosen_from_its_table),
        cmocka_unit_test(the_chosen_name_is_followed),
        cmocka_unit_test(a_reset_is_asked_for_twice),
        cmocka_unit_test(the_order_goes_round),
        cmocka_unit_test(the_chosen_row_is_within_the_rows),
        cmocka_unit_test(the_interval_has_limits),
        cmocka_unit_test(help_shows_every_key),
        cmocka_unit_test(a_recording_has_no_windows),
        cmocka_unit_test(keys_mean_one_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
