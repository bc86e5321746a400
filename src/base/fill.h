/* Prose for people: words filled into lines. For help, comments of the example, and the manual. */
#ifndef SPILE_BASE_FILL_H
#define SPILE_BASE_FILL_H

#include <stdio.h>

enum { FILL_WIDTH = 79 };

/* Writes `text` in lines of at most FILL_WIDTH columns, each of which begins with `prefix`; but
 * when `column` is not 0, the first line goes on behind so many columns that the caller has
 * written. An empty line in the text parts paragraphs. Ends with a newline. */
void fill_text(FILE *out, const char *text, const char *prefix, size_t column);

/* `phrase` as a sentence: first letter a capital, full stop at the end. Cut to fit `size`. */
const char *fill_sentence(const char *phrase, char *out, size_t size);

#endif
