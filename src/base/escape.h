/*
 * Bytes of strangers as text that cannot forge anything: no line, no column, no string's end, no
 * terminal escape.
 *
 * Names, record data and free text share one presentation form, that of RFC 1035 5.1: a backslash
 * stands before itself, and \DDD is the byte of that decimal number. So nothing is lost: whoever
 * undoes the backslashes has the bytes again. In JSON and YAML that form is then a string like any
 * other.
 */
#ifndef SPILE_BASE_ESCAPE_H
#define SPILE_BASE_ESCAPE_H

#include "base/span.h"

/* Bytes written for one byte read, at most. */
enum { ESCAPE_TEXT_MAX = 4, ESCAPE_JSON_MAX = 6 };

/* What the bytes of a string are, and how it is to be written. */
enum escape_flag {
    ESCAPE_PRESENTED = 1, /* in presentation form already: its backslashes stay single */
    ESCAPE_COLUMN = 2,    /* into a column of text: spaces and all that is not ASCII are \uXXXX */
    ESCAPE_BYTES = 4, /* for escape_json: \DDD in place of \uXXXX, which the reader does not know */
    ESCAPE_YAML = 8,  /* for escape_json: \UXXXXXXXX in place of two \uXXXX, of which none is a
                         character to YAML */
};

/* A column of text: bytes 0x21 to 0x7e as they are but for the backslash, all others \DDD. */
char *escape_text(char *p, struct span bytes, unsigned flags);

/*
 * The inside of a JSON string, which is that of a double-quoted YAML scalar, too. Valid UTF-8
 * passes; bytes that are not become \DDD; controls, line separators and marks that reorder or hide
 * text are written \uXXXX.
 */
char *escape_json(char *p, struct span bytes, unsigned flags);

/* How many bytes at the front stand for themselves inside a JSON string. */
size_t escape_json_plain(struct span bytes);

/* For messages to people, in place: each control, line separator, mark that reorders or hides text,
 * and byte that is not UTF-8 becomes one question mark. Returns the length, which is never more. */
size_t escape_mask(char *text, size_t len);

#endif
