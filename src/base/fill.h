/* Prose for people: words filled into lines. For help, comments of the example, and the manual. */
#ifndef SPILE_BASE_FILL_H
#define SPILE_BASE_FILL_H

#include <stdio.h>

enum { FILL_WIDTH = 79 };

/* Writes `text` in lines of at most FILL_WIDTH columns that begin with `prefix` (put there now
 * unless `column` says that so many columns of the first line are written already). An empty line
 * in the text parts paragraphs. Ends with a newline. */
void fill_text(FILE *out, const char *text, const char *prefix, size_t column);

/* `phrase` as a sentence: first letter a capital, full stop at the end. Cut to fit `size`. */
const char *fill_sentence(const char *phrase, char *out, size_t size);

#endif
