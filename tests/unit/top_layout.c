/* Views become lines, whatever the size; keys do what the help says; nothing unprintable passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "top/layout.h"
#include "top/reply.h"

static const char statistics[] =
    "{\"time\":753000,\"statistics\":{\"distinct\":{\"clients\":12,\"domains\":34,\"servers\":5},"
    "\"rates\":{\"queries\":{\"second\":20,\"minute\":12.5,\"quarter\":3},"
    "\"responses\":{\"second\":19}},"
    "\"queries\":{\"events\":1234,\"bytes\":56789,\"transports\":{\"UDP\":75,\"TCP\":25}},"
    "\"responses\":{\"events\":1200,\"rcodes\":{\"NOERROR\":900,\"NXDOMAIN\":300}},"
    "\"latency\":{\"p50\":0.0004,\"p90\":0.012,\"p99\":1.5}},\"malformed\":2}";
static const char streams[] = "{\"started\":0,\"streams\":[{\"name\":\"ns2\",\"queries\":7},"
                              "{\"name\":\"ns1\",\"queries\":5},{\"name\":\"-\",\"queries\":1}]}";

/* A fixture of one view: `rows` domains of falling counts in every table. */
struct bench {
    struct top_view view;
    struct top_state state;
    struct top_frame frame;
    struct top_trend trend;
    struct canvas canvas;
    char *text; /* the canvas, line by line */
};

static void read_text(struct bench *b, enum top_document document, enum top_list_id list,
                      const char *text)
{
    struct top_wish wish = {0};
    struct error err = {0};
    memcpy(wish.by, b->state.by, sizeof wish.by);
    assert_int_equal(top_reply_read(&b->view, document, list, &wish, span_str(text), &err), 0);
}

static void read_tables(struct bench *b, int rows, const char *name)
{
    struct buf text = {0};
    buf_printf(&text, "{\"tables\":[{\"keys\":%d,\"rows\":[", 10 * rows);
    for (int i = 0; i < rows; i++)
        buf_printf(&text, "%s{\"name\":\"%s%d.test.\",\"queries\":%d,\"value\":%d}", i ? "," : "",
                   name, i, 1000 - i, 1000 - i);
    buf_str(&text, "]}]}");
    buf_byte(&text, '\0');
    for (int i = 0; i < TOP_TABLES; i++) {
        if (top_tables[i].kind == KIND_TABLE)
            read_text(b, DOCUMENT_TABLES, (enum top_list_id)i, (const char *)text.data);
    }
    buf_free(&text);
}

/* A fresh view, in the state's orders. */
static void fill(struct bench *b, int rows, const char *name)
{
    top_view_free(&b->view);
    top_reply_begin(&b->view);
    read_text(b, DOCUMENT_INDEX, 0, streams);
    read_text(b, DOCUMENT_STREAMS, 0, streams);
    read_text(b, DOCUMENT_STATISTICS, 0, statistics);
    read_text(b, DOCUMENT_WHOLE, 0, statistics);
    read_tables(b, rows, name);
    b->view.taken = 1000;
}

static struct bench make(int rows, const char *name)
{
    struct bench b = {.frame = {.target = "http://h/", .now = 1000}};
    top_state_init(&b.state, 1000);
    fill(&b, rows, name);
    return b;
}

static void take_text(struct bench *b)
{
    char line[CANVAS_SIDE_MAX + 1];
    struct buf text = {0};
    for (int y = 0; y < b->canvas.height; y++)
        buf_printf(&text, "%s\n", canvas_line(&b->canvas, y, line));
    buf_byte(&text, '\0');
    free(b->text);
    b->text = (char *)text.data;
}

static void draw(struct bench *b, int width, int height)
{
    canvas_free(&b->canvas);
    assert_int_equal(canvas_init(&b->canvas, width, height), 0);
    top_layout(&b->canvas, &b->view, &b->state, &b->frame);
    take_text(b);
}

static void end(struct bench *b)
{
    top_view_free(&b->view);
    canvas_free(&b->canvas);
    free(b->text);
}

static void assert_shows(const struct bench *b, const char *text)
{
    if (!strstr(b->text, text))
        fail_msg("'%s' is not in:\n%s", text, b->text);
}

static void assert_lacks(const struct bench *b, const char *text)
{
    if (strstr(b->text, text))
        fail_msg("'%s' is in:\n%s", text, b->text);
}

static int count(const struct bench *b, const char *text)
{
    int found = 0;
    for (const char *p = b->text; (p = strstr(p, text)); p++)
        found++;
    return found;
}

/* --- sizes ---------------------------------------------------------------------------------- */

/* A recording's own times stand where a daemon's age does. */
static void a_recording_has_a_span(void **state)
{
    struct bench b = make(50, "name");
    (void)state;
    b.state.recording = true;
    b.view.numbers[NUMBER_FROM] = 1700000000e3;
    b.view.numbers[NUMBER_TO] = 1700000100.5e3;
    draw(&b, 80, 24);
    assert_shows(&b,
                 "http://h/  2023-11-14T22:13:20Z - 22:15:00Z  clients, all  stream all (0/3)\n");
    assert_lacks(&b, " up ");
    b.view.numbers[NUMBER_TO] = 1700086400e3;
    draw(&b, 120, 24);
    assert_shows(&b,
                 "  2023-11-14T22:13:20Z - 2023-11-15T22:13:20Z  clients, all  stream all (0/3)\n");
    b.view.numbers[NUMBER_FROM] = b.view.numbers[NUMBER_TO] = NAN;
    draw(&b, 80, 24);
    assert_shows(&b, "http://h/  -  clients, all  stream all (0/3)\n");
    end(&b);
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
    struct bench b = make(50, "name");
    (void)state;
    b.state.recording = true;
    b.frame.target = "unbound.fstrm.xz";
    b.frame.ended = true;
    b.view.numbers[NUMBER_FROM] = 1700000000e3;
    b.view.numbers[NUMBER_TO] = 1700000100.5e3;
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        draw(&b, titles[i].width, 24);
        assert_memory_equal(b.text, titles[i].title, strlen(titles[i].title));
    }
    b.frame.target = "/var/lib/spile/unbound.fstrm.xz";
    draw(&b, 94, 24);
    assert_shows(&b, " ..e/unbound.fstrm.xz  2023-11-14T22:13:20Z - 22:15:00Z  clients, all  "
                     "stream all (0/3)  ended\n");
    draw(&b, 74, 24);
    assert_shows(&b,
                 " spile top  ..pile/unbound.fstrm.xz  clients, all  stream all (0/3)  ended\n");
    end(&b);
}

static void rows_lose_whole_numbers(void **state)
{
    struct bench b = make(50, "name");
    (void)state;
    draw(&b, 60, 24);
    assert_shows(&b, " queries    1234         20/s         1m 12.5/s    15m 3/s\n");
    assert_shows(&b, "p50 400us    p90 12.0ms   p99 1.50s    p99.9 -\n");
    assert_shows(&b, " 1 domains asked  1-11/500");
    draw(&b, 57, 24);
    assert_shows(&b, " queries    1234         20/s         1m 12.5/s\n");
    b.frame.note = "a message that is longer than the terminal is wide";
    draw(&b, 40, 24);
    assert_shows(&b, " 1 domains asked  1-11/500");
    assert_shows(&b, " a message that is longer than the ter..\n");
    b.frame.note = NULL;
    draw(&b, 16, 24);
    assert_shows(&b, " q quit\n");
    end(&b);
}

/* A daemon counts by arrival: what is of another time is told, on the narrowest screen, too. */
static void a_daemon_says_what_time_its_events_are_of(void **state)
{
    struct bench b = make(50, "name");
    (void)state;
    b.view.numbers[NUMBER_FROM] = 1700000000e3;
    b.view.numbers[NUMBER_TO] = 1700086400e3;
    draw(&b, 80, 24);
    assert_shows(&b, " events of  2023-11-14T22:13:20Z - 2023-11-15T22:13:20Z\n");
    b.view.numbers[NUMBER_ELSEWHEN] = 1;
    draw(&b, 80, 24);
    assert_shows(&b,
                 " events of  2023-11-14T22:13:20Z - 2023-11-15T22:13:20Z; rates: of arrival\n");
    draw(&b, 152, 40);
    assert_shows(&b, "2023-11-15T22:13:20Z; rates: of arrival");
    assert_shows(&b, " up ");
    end(&b);
}

static void a_small_terminal_is_enough(void **state)
{
    struct bench b = make(50, "name");
    (void)state;
    draw(&b, 80, 24);
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
    end(&b);
}

/* While nothing has come it is said where servers are waited for; not once something has. */
static void an_empty_one_says_what_it_waits_for(void **state)
{
    static const char inputs[] =
        "{\"inputs\":[{\"name\":\"unix\",\"place\":\"unix:/run/\\u001b.sock\",\"connections\":0},"
        "{\"name\":\"file\",\"place\":null,\"connections\":0},"
        "{\"name\":\"tcp\",\"place\":\"tcp:[::]:6000\",\"connections\":0}]}";
    struct bench b = make(0, "name");
    (void)state;
    read_text(&b, DOCUMENT_INPUTS, 0, inputs);
    draw(&b, 80, 24);
    assert_lacks(&b, "waiting for a DNS server");
    b.view.numbers[NUMBER_QUERIES] = b.view.numbers[NUMBER_RESPONSES] = 0;
    b.view.numbers[NUMBER_MALFORMED] = 0;
    draw(&b, 80, 24);
    assert_lacks(&b, "waiting for a DNS server"); /* nothing in this window, or on this side */
    b.view.lists[LIST_STREAMS].count = 0;
    draw(&b, 80, 24);
    assert_shows(
        &b, "     waiting for a DNS server on tcp:[::]:6000\n     or on unix:/run/\\027.sock\n");
    draw(&b, 30, 10);
    assert_shows(&b, "     or on unix:/run/\\027.sock\n"); /* whole, as is the first */
    assert_shows(&b, "     tcp:[::]:6000\n");
    end(&b);
}

/* Hints have lines of their own, whole words and none of the keys' line; each has its turn. */
static void hints_are_above_the_keys(void **state)
{
    static const char status[] =
        "{\"hints\":[{\"input\":\"tcp\",\"stream\":\"ns1\",\"hint\":\"2 hosts send the identity "
        "'ns1': "
        "servers of one name are counted as one; give each an identity of its own\"},"
        "{\"input\":\"unix\",\"hint\":\"of no stream, and events have come\"},"
        "{\"input\":\"unix\",\"stream\":\"-\",\"hint\":\"a \\u001b one\"}]}";
    static const char first[] =
        " hint: 2 hosts send the identity 'ns1': servers of one name are counted as one;\n"
        " give each an identity of its own\n";
    struct bench b = make(50, "name");
    (void)state;
    read_text(&b, DOCUMENT_STATUS, 0, status);
    draw(&b, 80, 24);
    assert_shows(&b, first);
    assert_shows(&b, "\n q quit ");
    assert_shows(&b, " 1 domains asked  1-9/500");
    assert_lacks(&b, "one\n q quit");
    b.frame.now = b.view.taken = 1005;
    draw(&b, 80, 24);
    assert_shows(&b, "\n hint: a \\027 one\n q quit ");
    draw(&b, 80, 10);
    assert_lacks(&b, "hint:");
    canvas_free(&b.canvas);
    assert_int_equal(top_layout_report(&b.canvas, 80, 3, &b.view, &b.state, &b.frame), 0);
    take_text(&b);
    assert_shows(&b, first);
    assert_shows(&b, "\n hint: a \\027 one\n");
    end(&b);
}

static void a_wide_one_has_more_tables(void **state)
{
    static const struct {
        int width, height, tables;
    } sizes[] = {{80, 24, 1},  {151, 24, 1},  {152, 24, 2},
                 {160, 50, 6}, {240, 60, 12}, {400, 200, 14}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bench b = make(50, "name");
        struct top_wish wish;
        int wished = 0;
        draw(&b, sizes[i].width, sizes[i].height);
        top_layout_wish(sizes[i].width, sizes[i].height, &b.state, &wish);
        for (int k = 0; k < TOP_TABLES; k++) {
            wished += wish.tables[k];
            assert_false(wish.tables[k] && top_tables[k].only == TOP_UPSTREAM);
        }
        assert_int_equal(wished, sizes[i].tables);
        /* Each has a column that it goes by. */
        assert_int_equal(count(&b, ">"), sizes[i].tables);
        end(&b);
    }
}

/* Every size from nothing on: nothing is written outside (sanitizers watch), and what little room
 * there is goes to the table rather than to the summary's end. */
static void no_size_is_too_small(void **state)
{
    (void)state;
    for (int width = 1; width <= 90; width += 7) {
        for (int height = 1; height <= 30; height++) {
            struct bench b = make(5, "name");
            b.state.help = height % 5 == 0;
            b.state.scroll = height % 3 * 100;
            draw(&b, width, height);
            if (width > 70 && height >= 3 && !b.state.help)
                assert_shows(&b, "domains asked");
            if (width > 70 && height >= 8 && height % 3 == 0 && !b.state.help)
                assert_shows(&b, "name4.test.");
            end(&b);
        }
    }
}

/* --- strangers ------------------------------------------------------------------------------ */

static void control_characters_stay_outside(void **state)
{
    struct bench b = make(3, "\\u001b[2J\\u0007\\u009b\\u202e\\n\\t\\u007f");
    char hostile[] = "http://h/\x1b]0;x\x07";
    char problem[] = "no\r\n\x1b[31m";
    (void)state;
    b.frame.target = hostile;
    b.frame.problem = problem;
    b.view.stream = strdup("\x1b[1m\xff");
    draw(&b, 150, 24);
    assert_shows(&b, "\\027[2J\\007\\194\\155\\226\\128\\174\\010\\009\\1270.test.");
    assert_shows(&b, "\\027]0;x\\007");
    assert_shows(&b, "no\\013\\010\\027[31m");
    assert_shows(&b, "stream \\027[1m\\255");
    for (int i = 0; i < b.canvas.width * b.canvas.height; i++)
        assert_in_range(b.canvas.cells[i].glyph, 0x20, 0x7e);
    end(&b);
}

static void long_names_keep_their_end(void **state)
{
    char name[300];
    (void)state;
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    struct bench b = make(1, name);
    draw(&b, 80, 24);
    assert_shows(&b, "   1 ..xxxx");
    assert_shows(&b, "x0.test. ");
    end(&b);
}

/* --- what is shown -------------------------------------------------------------------------- */

static void the_title_says_how_old_the_numbers_are(void **state)
{
    struct bench b = make(1, "n");
    (void)state;
    b.frame.now = 1002;
    draw(&b, 120, 24);
    assert_lacks(&b, "stale");
    b.frame.now = 1030;
    draw(&b, 120, 24);
    assert_shows(&b, "stale 30s\n");
    b.state.paused = true;
    draw(&b, 120, 24);
    assert_shows(&b, "paused\n");
    b.frame.ended = true;
    draw(&b, 120, 24);
    assert_shows(&b, "ended\n");
    b.frame.ended = false;
    b.state.paused = false;
    b.frame.now = 1001;
    b.frame.problem = "no route to host";
    draw(&b, 120, 24);
    assert_shows(&b, "stale 1s\n");
    assert_shows(&b, " no route to host\n");
    end(&b);
}

static void nothing_known_is_no_trouble(void **state)
{
    struct bench b = {.frame = {.target = "http://h/", .problem = "refused"}};
    (void)state;
    top_state_init(&b.state, 1000);
    top_reply_begin(&b.view);
    draw(&b, 80, 24);
    assert_shows(&b, "no answer\n");
    assert_shows(&b, " queries    -  ");
    assert_shows(&b, "not known");
    end(&b);
}

static void an_estimate_says_so(void **state)
{
    struct bench b = make(0, "n");
    (void)state;
    draw(&b, 80, 24);
    assert_shows(&b, "none");
    read_text(&b, DOCUMENT_TABLES, LIST_ASKED,
              "{\"tables\":[{\"keys\":9,\"rows\":[{\"name\":\"x\",\"queries\":5,\"error\":4}]}]}");
    draw(&b, 80, 24);
    assert_shows(&b, "1-1/9  +4");
    read_text(&b, DOCUMENT_TABLES, LIST_ASKED,
              "{\"tables\":[{\"keys\":9,\"keys-exact\":false,\"rows\":[{\"name\":\"x\",\"queries\":"
              "5}]}]}");
    draw(&b, 80, 24);
    assert_shows(&b, "1-1/~9");
    end(&b);
}

static void numbers_that_are_estimates_are_marked(void **state)
{
    struct bench b = make(1, "n");
    (void)state;
    draw(&b, 80, 24);
    assert_shows(&b, " distinct   clients 12 ");
    b.view.numbers[NUMBER_EXACT] = 0;
    draw(&b, 80, 24);
    assert_shows(&b, " distinct ~ clients 12 ");
    end(&b);
}

static void the_column_of_the_order_is_always_there(void **state)
{
    (void)state;
    for (int column = 0; column < top_column_count(LIST_ASKED); column++) {
        struct bench b = make(5, "n");
        char title[32];
        b.state.by[LIST_ASKED] = column;
        fill(&b, 5, "n");
        draw(&b, 60, 24);
        snprintf(title, sizeof title, ">%s", top_tables[LIST_ASKED].columns[column].title);
        assert_shows(&b, title);
        end(&b);
    }
}

static void the_trend_has_bars(void **state)
{
    struct bench b = make(1, "n");
    (void)state;
    for (int i = 0; i <= 2 * TOP_TREND_MAX + 8; i++)
        top_trend_add(&b.trend, i % 9);
    b.frame.trend = &b.trend;
    draw(&b, 80, 40);
    int seen[CANVAS_BARS + 1] = {0};
    for (int i = 0; i < 80 * 40; i++)
        if (b.canvas.cells[i].glyph <= CANVAS_BARS)
            seen[b.canvas.cells[i].glyph]++;
    for (int i = 1; i <= CANVAS_BARS; i++)
        assert_in_range(seen[i], 8, 9);
    end(&b);
}

static void a_report_has_everything(void **state)
{
    struct bench b = make(50, "name");
    (void)state;
    assert_int_equal(top_layout_report(&b.canvas, 100, 3, &b.view, &b.state, &b.frame), 0);
    take_text(&b);
    for (int i = 0; i < TOP_TABLES; i++) {
        if (top_tables[i].only != TOP_UPSTREAM)
            assert_shows(&b, top_tables[i].title);
    }
    assert_lacks(&b, "\n servers ");
    assert_shows(&b, "   3 name2.test. ");
    assert_lacks(&b, "name3.test.");
    assert_shows(&b, "   1 NOERROR ");
    assert_shows(&b, "   1 ns2 ");
    end(&b);
}

/* --- keys ----------------------------------------------------------------------------------- */

static void press(struct bench *b, const int *codes)
{
    for (; *codes; codes++)
        assert_true(top_key(&b->state, &b->view, *codes));
}

static void streams_are_stepped_through(void **state)
{
    struct bench b = make(1, "n");
    (void)state;
    static const char *const names[] = {"-", "ns1", "ns2", ""};
    for (int i = 0; i < 8; i++) {
        press(&b, (const int[]){i % 2 ? 's' : TOP_KEY_RIGHT, 0});
        assert_string_equal(b.state.stream, names[i % 4]);
    }
    press(&b, (const int[]){'S', TOP_KEY_LEFT, 0});
    assert_string_equal(b.state.stream, "ns1");
    strcpy(b.state.stream, "gone");
    press(&b, (const int[]){'s', 0});
    assert_string_equal(b.state.stream, "-");
    end(&b);
}

static void tables_are_chosen(void **state)
{
    struct bench b = make(50, "n");
    (void)state;
    press(&b, (const int[]){'\t', 't', 0});
    assert_int_equal(b.state.table, 2);
    press(&b, (const int[]){'T', TOP_KEY_BACK_TAB, 'T', 0});
    assert_int_equal(b.state.table, TOP_TABLES - 1);
    for (int i = 0; i < top_table_count(STATS_CLIENT); i++) {
        press(&b, (const int[]){'t', 0});
        assert_int_not_equal(top_tables[b.state.table].only, TOP_UPSTREAM);
    }
    assert_int_equal(b.state.table, TOP_TABLES - 1);
    press(&b, (const int[]){'t', 0});
    assert_int_equal(b.state.table, 0);
    press(&b, (const int[]){'7', 0});
    assert_int_equal(b.state.table, LIST_TLDS);
    press(&b, (const int[]){'0', 0});
    assert_int_equal(b.state.table, 9);
    end(&b);
}

/* Whose numbers and of what time: both are in the title, as the view has them. */
static void windows_and_sides_are_chosen(void **state)
{
    static const char *const windows[] = {"1m", "5m", "1h", "1d", "all", "1m"};
    struct bench b = make(1, "n");
    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        char title[32];
        struct top_wish wish;
        press(&b, (const int[]){'w', 0});
        top_layout_wish(80, 24, &b.state, &wish);
        assert_string_equal(stats_window_name(wish.window), windows[i]);
        b.view.window = wish.window;
        draw(&b, 80, 24);
        snprintf(title, sizeof title, "  clients, %s  stream all", windows[i]);
        assert_shows(&b, title);
    }
    press(&b, (const int[]){'W', 'W', 0});
    assert_int_equal(b.state.window, WINDOW_1D);
    end(&b);
}

/* Each side has tables of its own at the same places. */
static void upstream_has_servers(void **state)
{
    struct bench b = make(5, "n");
    struct top_wish wish;
    (void)state;
    press(&b, (const int[]){'8', 'u', 0});
    assert_int_equal(b.state.table, LIST_SERVERS);
    b.view.side = STATS_UPSTREAM;
    draw(&b, 120, 24);
    assert_shows(&b, "  upstream, all  stream all");
    assert_shows(&b, "servers 5    domains 34");
    assert_lacks(&b, "clients");
    assert_shows(&b, " 8 servers  1-5/50 ");
    assert_shows(&b, ">queries  share  answers");
    assert_shows(&b, " 1000  81.0%");
    top_layout_wish(400, 200, &b.state, &wish);
    assert_int_equal(wish.side, STATS_UPSTREAM);
    assert_true(wish.tables[LIST_SERVERS] && !wish.tables[LIST_CLIENTS]);
    press(&b, (const int[]){'u', 0});
    assert_int_equal(b.state.table, LIST_CLIENTS);
    end(&b);
}

/* Letters go into the text while it is typed; rows keep their ranks; esc ends it. */
static void rows_are_searched_for(void **state)
{
    struct bench b = make(50, "name");
    struct top_wish wish;
    (void)state;
    press(&b, (const int[]){'/', 'q', TOP_KEY_BACKSPACE, 'E', '4', 0});
    assert_false(b.state.quit);
    draw(&b, 80, 24);
    assert_shows(&b, "\n /E4_\n");
    assert_shows(&b, " domains asked  1-11/500");
    assert_shows(&b, "   5 name4.test. ");
    assert_shows(&b, "  41 name40.test. ");
    assert_lacks(&b, "name5.test.");
    press(&b, (const int[]){TOP_KEY_DOWN, TOP_KEY_DOWN, 0});
    assert_int_equal(b.state.scroll, 0); /* all that is found is there */
    press(&b, (const int[]){TOP_ENTER, 'o', 0});
    draw(&b, 80, 24);
    assert_shows(&b, "  stream all (0/3)  /E4");
    assert_shows(&b, "\n q quit ");
    top_layout_wish(80, 24, &b.state, &wish);
    assert_int_equal(wish.rows, 1000);
    press(&b, (const int[]){TOP_ESCAPE, 0});
    draw(&b, 80, 24);
    assert_shows(&b, "name5.test.");
    press(&b, (const int[]){'/', 'x', TOP_ESCAPE, 0});
    assert_false(b.state.typing);
    press(&b, (const int[]){'/', 0});
    for (int i = 0; i < 1000; i++)
        press(&b, (const int[]){'y', 0});
    for (int width = 1; width < 90; width++)
        draw(&b, width, 24);
    assert_shows(&b, "none");
    end(&b);
}

/* What others look at is forgotten only by who says so twice. */
static void a_reset_is_asked_for_twice(void **state)
{
    struct bench b = make(1, "n");
    struct top_wish wish;
    (void)state;
    b.state.window = WINDOW_5M;
    press(&b, (const int[]){'R', 0});
    draw(&b, 80, 24);
    assert_shows(&b, "\n begin 5m anew, for all who look? y or n\n");
    press(&b, (const int[]){'q', 'R', TOP_ESCAPE, 0});
    assert_false(b.state.quit);
    assert_int_equal(b.state.resets, 0);
    press(&b, (const int[]){'R', 'y', 0});
    top_layout_wish(80, 24, &b.state, &wish);
    assert_int_equal(wish.resets, 1);
    draw(&b, 80, 24);
    assert_lacks(&b, "anew");
    b.state.recording = true;
    press(&b, (const int[]){'R', 'q', 0});
    assert_true(b.state.quit);
    end(&b);
}

static void the_order_goes_round(void **state)
{
    struct bench b = make(1, "n");
    int first = b.state.by[0];
    (void)state;
    for (int i = 0; i < top_column_count(LIST_ASKED); i++)
        press(&b, (const int[]){'o', 0});
    assert_int_equal(b.state.by[0], first);
    press(&b, (const int[]){'o', 0});
    assert_int_equal(b.state.by[0], first + 1);
    end(&b);
}

static void scrolling_stays_within_the_rows(void **state)
{
    struct bench b = make(50, "name");
    (void)state;
    draw(&b, 80, 24);
    press(&b, (const int[]){TOP_KEY_UP, 0});
    assert_int_equal(b.state.scroll, 0);
    press(&b, (const int[]){TOP_KEY_DOWN, TOP_KEY_PAGE_DOWN, 0});
    draw(&b, 80, 24);
    assert_shows(&b, "domains asked  13-23/500");
    assert_shows(&b, "  13 name12.test. ");
    press(&b, (const int[]){TOP_KEY_END, TOP_KEY_DOWN, 0});
    draw(&b, 80, 24);
    assert_shows(&b, "  50 name49.test. ");
    assert_shows(&b, "40-50/500");
    press(&b, (const int[]){TOP_KEY_PAGE_UP, TOP_KEY_HOME, 0});
    assert_int_equal(b.state.scroll, 0);
    end(&b);
}

static void the_interval_has_limits(void **state)
{
    struct bench b = make(1, "n");
    (void)state;
    press(&b, (const int[]){'+', 0});
    assert_int_equal(b.state.interval_ms, 2000);
    press(&b, (const int[]){'-', '-', 0});
    assert_int_equal(b.state.interval_ms, 500);
    for (int i = 0; i < 20; i++)
        press(&b, (const int[]){'-', 0});
    assert_int_equal(b.state.interval_ms, TOP_INTERVAL_MIN_MS);
    for (int i = 0; i < 20; i++)
        press(&b, (const int[]){'+', 0});
    assert_int_equal(b.state.interval_ms, TOP_INTERVAL_MAX_MS);
    b.state.interval_ms = 700;
    press(&b, (const int[]){'-', 0});
    assert_int_equal(b.state.interval_ms, 500);
    end(&b);
}

static void help_shows_every_key(void **state)
{
    struct bench b = make(1, "n");
    (void)state;
    press(&b, (const int[]){'?', 0});
    draw(&b, 80, 24);
    for (const struct top_key *key = top_keys; key->act; key++) {
        if (key->name) {
            assert_shows(&b, key->name);
            assert_shows(&b, key->doc);
        }
    }
    draw(&b, 60, 24);
    assert_shows(&b, " 1m, 15m            " TOP_WINDOWS_DOC "\n");
    assert_shows(&b, " right, s           the next stream; all of them come first\n");
    press(&b, (const int[]){'h', 'q', 0});
    assert_false(b.state.help);
    assert_true(b.state.quit);
    assert_false(top_key(&b.state, &b.view, 'z'));
    assert_false(top_key(&b.state, &b.view, 0));
    end(&b);
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
        cmocka_unit_test(a_recording_has_a_span),
        cmocka_unit_test(titles_lose_whole_parts),
        cmocka_unit_test(rows_lose_whole_numbers),
        cmocka_unit_test(a_daemon_says_what_time_its_events_are_of),
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
        cmocka_unit_test(the_column_of_the_order_is_always_there),
        cmocka_unit_test(the_trend_has_bars),
        cmocka_unit_test(a_report_has_everything),
        cmocka_unit_test(streams_are_stepped_through),
        cmocka_unit_test(tables_are_chosen),
        cmocka_unit_test(windows_and_sides_are_chosen),
        cmocka_unit_test(upstream_has_servers),
        cmocka_unit_test(rows_are_searched_for),
        cmocka_unit_test(a_reset_is_asked_for_twice),
        cmocka_unit_test(the_order_goes_round),
        cmocka_unit_test(scrolling_stays_within_the_rows),
        cmocka_unit_test(the_interval_has_limits),
        cmocka_unit_test(help_shows_every_key),
        cmocka_unit_test(keys_mean_one_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
