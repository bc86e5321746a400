/*
 * When the program ends at the latest, whatever its threads wait for. A write or a sync that a
 * disk, or a server of files, does not answer is interrupted by no signal, so whoever waits for its
 * thread would wait with it for ever.
 */
#ifndef SPILE_BASE_CURFEW_H
#define SPILE_BASE_CURFEW_H

#include <stdint.h>

/* What all have to end in once the time is up that they were given: enough for a busy machine to be
 * no reason. */
enum { CURFEW_MS = 8000 };

/* At that moment (clock_ns) the program says that it is stuck, and ends with status 1. The last
 * call counts; UINT64_MAX: it goes on. Any thread. */
void curfew_set(uint64_t at_ns);

#endif
