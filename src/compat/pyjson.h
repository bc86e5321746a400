/* Text inside a JSON string as Python's json.dumps writes it. */
#ifndef SPILE_COMPAT_PYJSON_H
#define SPILE_COMPAT_PYJSON_H

#include "base/span.h"

enum { PYJSON_MAX = 6 }; /* bytes written for one byte read, at most */

/* What is not ASCII goes as \uXXXX, what is not UTF-8 is left out. Without the quotes. Returns the
 * byte behind the last. */
char *pyjson_put(char *p, struct span text);

#endif
