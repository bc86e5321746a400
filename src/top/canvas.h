/*
 * A canvas: the cells of a screen or a report, each a printable character and a style. All text of
 * `spile top` goes through it, and nothing but printable ASCII and the glyphs of canvas_glyphs can
 * be in a cell: a hostile name cannot reach the terminal, whoever forgot to escape it.
 */
#ifndef SPILE_TOP_CANVAS_H
#define SPILE_TOP_CANVAS_H

#include "base/span.h"

/* What a cell means; the painter knows how that looks (screen.c), a report leaves it out. */
enum canvas_style {
    STYLE_PLAIN,
    STYLE_TITLE,  /* the first line */
    STYLE_LABEL,  /* what a number is */
    STYLE_VALUE,  /* a number worth a look */
    STYLE_HEAD,   /* a table's heading */
    STYLE_FOCUS,  /* that of the table which keys act on */
    STYLE_CHOSEN, /* its row that is explained by a key */
    STYLE_SORTED, /* the column that a table goes by */
    STYLE_DIM,
    STYLE_GOOD,
    STYLE_BAD,
    STYLES
};

enum { CANVAS_BARS = 8, CANVAS_SIDE_MAX = 1000 };

struct canvas_cell {
    uint8_t glyph; /* 0x20 to 0x7e; or 1 to CANVAS_BARS: a bar of so many eighths */
    uint8_t style;
};

/* Owner: one thread. Writing outside of it does nothing. */
struct canvas {
    int width, height;
    struct canvas_cell *cells; /* row by row */
};

/* Makes a blank canvas. Sides below 1 or above CANVAS_SIDE_MAX are set to these. -1: no memory. */
int canvas_init(struct canvas *canvas, int width, int height);
void canvas_free(struct canvas *canvas);
void canvas_clear(struct canvas *canvas);

static inline struct canvas_cell *canvas_at(const struct canvas *canvas, int x, int y)
{
    return canvas->cells + (size_t)y * (size_t)canvas->width + x;
}

/*
 * Text from column x, at most `room` columns of it. Bytes that are no printable ASCII are written
 * \DDD. Returns the column behind the last written.
 */
int canvas_text(struct canvas *canvas, int x, int y, int room, enum canvas_style style,
                struct span text);
int canvas_str(struct canvas *canvas, int x, int y, enum canvas_style style, const char *text);
/* The columns that text takes. */
size_t canvas_width(struct span text);
/* A name in exactly `room` columns: what is too long loses its front (a name's end tells more), and
 * begins with "..". */
void canvas_name(struct canvas *canvas, int x, int y, int room, enum canvas_style style,
                 struct span text);
/* Text that ends before column `end`. */
void canvas_right(struct canvas *canvas, int end, int y, enum canvas_style style, const char *text);
void canvas_fill(struct canvas *canvas, int x, int y, int width, enum canvas_style style);
/* A bar of 0 to CANVAS_BARS eighths of a line's height. */
void canvas_bar(struct canvas *canvas, int x, int y, enum canvas_style style, int eighths);

/* The line as text without trailing blanks, terminated, into `out` of canvas->width + 1 bytes; bars
 * are '.', ':' and '|'. Returns out. */
const char *canvas_line(const struct canvas *canvas, int y, char *out);

#endif
