#include "top/canvas.h"

#include <stdlib.h>

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

int canvas_init(struct canvas *canvas, int width, int height)
{
    width = clamp(width, 1, CANVAS_SIDE_MAX);
    height = clamp(height, 1, CANVAS_SIDE_MAX);
    struct canvas_cell *cells = malloc((size_t)width * (size_t)height * sizeof *cells);
    if (!cells)
        return -1;
    *canvas = (struct canvas){.width = width, .height = height, .cells = cells};
    canvas_clear(canvas);
    return 0;
}

void canvas_free(struct canvas *canvas)
{
    free(canvas->cells);
    *canvas = (struct canvas){0};
}

void canvas_clear(struct canvas *canvas)
{
    for (int y = 0; y < canvas->height; y++)
        canvas_fill(canvas, 0, y, canvas->width, STYLE_PLAIN);
}

static void set(struct canvas *canvas, int x, int y, enum canvas_style style, uint8_t glyph)
{
    if (x >= 0 && x < canvas->width && y >= 0 && y < canvas->height)
        *canvas_at(canvas, x, y) = (struct canvas_cell){.glyph = glyph, .style = (uint8_t)style};
}

void canvas_fill(struct canvas *canvas, int x, int y, int width, enum canvas_style style)
{
    for (int i = 0; i < width; i++)
        set(canvas, x + i, y, style, ' ');
}

void canvas_bar(struct canvas *canvas, int x, int y, enum canvas_style style, int eighths)
{
    set(canvas, x, y, style, eighths > 0 ? (uint8_t)clamp(eighths, 1, CANVAS_BARS) : ' ');
}

static bool printable(uint8_t byte)
{
    return byte >= 0x20 && byte <= 0x7e;
}

/* The columns that a byte takes. */
static int width_of(uint8_t byte)
{
    return printable(byte) ? 1 : 4;
}

size_t canvas_width(struct span text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++)
        width += (size_t)width_of(text.ptr[i]);
    return width;
}

static void put(struct canvas *canvas, int x, int y, enum canvas_style style, uint8_t byte)
{
    if (printable(byte)) {
        set(canvas, x, y, style, byte);
        return;
    }
    set(canvas, x, y, style, '\\');
    set(canvas, x + 1, y, style, (uint8_t)('0' + byte / 100));
    set(canvas, x + 2, y, style, (uint8_t)('0' + byte / 10 % 10));
    set(canvas, x + 3, y, style, (uint8_t)('0' + byte % 10));
}

int canvas_text(struct canvas *canvas, int x, int y, int room, enum canvas_style style,
                struct span text)
{
    int end = x + room;
    for (size_t i = 0; i < text.len && x + width_of(text.ptr[i]) <= end; i++) {
        put(canvas, x, y, style, text.ptr[i]);
        x += width_of(text.ptr[i]);
    }
    return x;
}

int canvas_str(struct canvas *canvas, int x, int y, enum canvas_style style, const char *text)
{
    return canvas_text(canvas, x, y, canvas->width - x, style, span_str(text));
}

/* The bytes at the text's end that fit. */
static struct span tail(struct span text, int room)
{
    size_t from = text.len;
    while (from > 0 && room >= width_of(text.ptr[from - 1]))
        room -= width_of(text.ptr[--from]);
    return span_of(text.ptr + from, text.len - from);
}

void canvas_name(struct canvas *canvas, int x, int y, int room, enum canvas_style style,
                 struct span text)
{
    int end = x + room;
    canvas_fill(canvas, x, y, room, style);
    if (tail(text, room).len < text.len) {
        x = canvas_text(canvas, x, y, room, style, span_str(".."));
        text = tail(text, end - x);
    }
    canvas_text(canvas, x, y, end - x, style, text);
}

void canvas_right(struct canvas *canvas, int end, int y, enum canvas_style style, const char *text)
{
    int len = (int)strlen(text);
    canvas_text(canvas, end - len, y, len, style, span_str(text));
}

const char *canvas_line(const struct canvas *canvas, int y, char *out)
{
    static const char bars[CANVAS_BARS + 1] = " ...:::||";
    int len = 0;
    for (int x = 0; x < canvas->width; x++) {
        uint8_t glyph = canvas_at(canvas, x, y)->glyph;
        out[x] = glyph <= CANVAS_BARS ? bars[glyph] : (char)glyph;
        if (glyph != ' ')
            len = x + 1;
    }
    out[len] = '\0';
    return out;
}
