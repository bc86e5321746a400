/* A view of `spile top` for tests: numbers, streams and tables as the API would send them, drawn as
 * text. */
#ifndef SPILE_TESTS_TOP_BENCH_H
#define SPILE_TESTS_TOP_BENCH_H

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

static const char bench_statistics[] =
    "{\"time\":753000,\"statistics\":{\"distinct\":{\"clients\":12,\"domains\":34,\"servers\":5},"
    "\"rates\":{\"queries\":{\"second\":20,\"minute\":12.5,\"quarter\":3},"
    "\"responses\":{\"second\":19}},"
    "\"queries\":{\"events\":1234,\"bytes\":56789,\"transports\":{\"UDP\":75,\"TCP\":25}},"
    "\"responses\":{\"events\":1200,\"rcodes\":{\"NOERROR\":900,\"NXDOMAIN\":300}},"
    "\"latency\":{\"p50\":0.0004,\"p90\":0.012,\"p99\":1.5}},\"malformed\":2}";
static const char bench_streams[] =
    "{\"started\":0,\"streams\":[{\"name\":\"ns2\",\"queries\":7},"
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

static inline void bench_read(struct bench *b, enum top_document document, enum top_list_id list,
                              const char *text)
{
    struct top_wish wish = {0};
    struct error err = {0};
    memcpy(wish.by, b->state.by, sizeof wish.by);
    assert_int_equal(top_reply_read(&b->view, document, list, &wish, span_str(text), &err), 0);
}

static inline void bench_read_tables(struct bench *b, int rows, const char *name)
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
            bench_read(b, DOCUMENT_TABLES, (enum top_list_id)i, (const char *)text.data);
    }
    buf_free(&text);
}

/* A fresh view, in the state's orders. */
static inline void bench_fill(struct bench *b, int rows, const char *name)
{
    top_view_free(&b->view);
    top_reply_begin(&b->view);
    bench_read(b, DOCUMENT_INDEX, 0, bench_streams);
    bench_read(b, DOCUMENT_STREAMS, 0, bench_streams);
    bench_read(b, DOCUMENT_STATISTICS, 0, bench_statistics);
    bench_read(b, DOCUMENT_INPUTS, 0, "{\"inputs\":[{\"frames\":1300}]}");
    bench_read_tables(b, rows, name);
    b->view.taken = 1000;
}

static inline struct bench bench_make(int rows, const char *name)
{
    struct bench b = {.frame = {.target = "http://h/", .now = 1000}};
    top_state_init(&b.state, 1000);
    bench_fill(&b, rows, name);
    return b;
}

static inline void bench_take_text(struct bench *b)
{
    char line[CANVAS_SIDE_MAX + 1];
    struct buf text = {0};
    for (int y = 0; y < b->canvas.height; y++)
        buf_printf(&text, "%s\n", canvas_line(&b->canvas, y, line));
    buf_byte(&text, '\0');
    free(b->text);
    b->text = (char *)text.data;
}

static inline void bench_draw(struct bench *b, int width, int height)
{
    canvas_free(&b->canvas);
    assert_int_equal(canvas_init(&b->canvas, width, height), 0);
    top_layout(&b->canvas, &b->view, &b->state, &b->frame);
    bench_take_text(b);
}

static inline void bench_end(struct bench *b)
{
    top_view_free(&b->view);
    canvas_free(&b->canvas);
    free(b->text);
}

static inline void assert_shows(const struct bench *b, const char *text)
{
    if (!strstr(b->text, text))
        fail_msg("'%s' is not in:\n%s", text, b->text);
}

static inline void assert_lacks(const struct bench *b, const char *text)
{
    if (strstr(b->text, text))
        fail_msg("'%s' is in:\n%s", text, b->text);
}

static inline int count(const struct bench *b, const char *text)
{
    int found = 0;
    for (const char *p = b->text; (p = strstr(p, text)); p++)
        found++;
    return found;
}

static inline void bench_press(struct bench *b, const int *codes)
{
    for (; *codes; codes++)
        assert_true(top_key(&b->state, &b->view, *codes));
}

#endif
