/* Decimal numbers from text: the one parser of them, which neither wraps nor takes signs, blanks
 * or an empty text. */
#ifndef SPILE_BASE_NUMBER_H
#define SPILE_BASE_NUMBER_H

#include <stdbool.h>

#include "base/span.h"

/* A run of digits at the front, which is taken off the text. False: there is none, or it does not
 * fit 64 bits; nothing is taken then. */
bool number_take(struct span *text, uint64_t *value);
/* The whole text, at most `max`. */
bool number_parse(struct span text, uint64_t max, uint64_t *value);

#endif
