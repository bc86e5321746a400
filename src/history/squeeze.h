/* Bytes compressed (zstd) for the database, and back. */
#ifndef SPILE_HISTORY_SQUEEZE_H
#define SPILE_HISTORY_SQUEEZE_H

#include "base/buf.h"

/* Appends them compressed; `out->failed` when memory is short. */
void squeeze(struct buf *out, struct span bytes);
/* Appends what squeeze was given, at most `max` bytes. 0; READ_DAMAGED (history/counts.h): it is
 * damaged or too long; READ_NO_MEMORY. */
int unsqueeze(struct buf *out, struct span bytes, size_t max);

#endif
