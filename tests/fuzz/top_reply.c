/* Replies of any bytes: the first two bytes choose the size of a screen, and what is explained or
 * searched for; the rest, cut at bytes of zero, are replies to all requests in turn. Whatever they
 * bring is drawn, and nothing but printable characters and bars is on the canvas. */
#include <assert.h>
#include <stdlib.h>

#include "fuzz.h"
#include "top/layout.h"
#include "top/reply.h"

/* Each document once, each table once: as many as a view can hold. */
static void read_all(struct top_view *view, const struct top_state *state, struct span rest)
{
    struct top_wish wish = {0};
    memcpy(wish.by, state->by, sizeof wish.by);
    for (int i = 0; i < DOCUMENT_TABLES + TOP_TABLES && rest.len > 0; i++) {
        bool table = i >= DOCUMENT_TABLES;
        if (table && top_tables[i - DOCUMENT_TABLES].kind != KIND_TABLE)
            continue;
        const uint8_t *zero = memchr(rest.ptr, 0, rest.len);
        size_t len = zero ? (size_t)(zero - rest.ptr) : rest.len;
        struct error err;
        top_reply_read(view, table ? DOCUMENT_TABLES : (enum top_document)i,
                       table ? (enum top_list_id)(i - DOCUMENT_TABLES) : LIST_ASKED, &wish,
                       span_of(rest.ptr, len), &err);
        size_t used = len + (zero != NULL);
        rest = span_of(rest.ptr + used, rest.len - used);
    }
}

static void check(const struct canvas *canvas)
{
    for (int i = 0; i < canvas->width * canvas->height; i++) {
        uint8_t glyph = canvas->cells[i].glyph;
        assert((glyph >= 1 && glyph <= CANVAS_BARS) || (glyph >= 0x20 && glyph <= 0x7e));
        assert(canvas->cells[i].style < STYLES);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    struct top_state state = {.table = bytes[0] % TOP_TABLES, .scroll = bytes[1] % 7};
    struct top_view view;
    struct canvas canvas;
    struct top_frame frame = {.target = "file", .now = 5};
    top_state_init(&state, 1000);
    top_reply_begin(&view);
    read_all(&view, &state, span_of(bytes + 2, len - 2));
    view.taken = 1;
    if (canvas_init(&canvas, bytes[0], bytes[1]) == 0) {
        top_layout(&canvas, &view, &state, &frame);
        check(&canvas);
        top_key(&state, &view, bytes[1] & 1 ? TOP_ENTER : '/');
        view.subject = *top_subject_of(&state);
        top_layout(&canvas, &view, &state, &frame);
        check(&canvas);
        top_key(&state, &view, 's');
        canvas_free(&canvas);
    }
    if (top_layout_report(&canvas, bytes[0], 3, &view, &state, &frame) == 0) {
        check(&canvas);
        canvas_free(&canvas);
    }
    top_view_free(&view);
    return 0;
}
