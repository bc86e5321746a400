/*
 * File descriptors: how many the process may have, what it needs to start, and what is left for
 * connections. Those that files, threads and the web need later are set apart from the beginning:
 * whoever connects cannot take the last one.
 */
#ifndef SPILE_CORE_DESCRIPTORS_H
#define SPILE_CORE_DESCRIPTORS_H

#include "conf/config.h"

/* So many connections of each input are among what is needed to start. */
enum { DESCRIPTORS_CONNECTIONS = 16 };

/* What a configuration takes, by an estimate that is never too small. */
struct descriptors {
    uint64_t allowed; /* by the system, for this process */
    uint64_t needed;  /* to start: what is open now, loops, files, sockets that listen */
};

/* Raises the soft limit as far as the system lets us, and counts what the configuration's inputs
 * and outputs take. */
struct descriptors descriptors_plan(const struct config *config, unsigned workers);
/* The same while all that runs: what may be open once more of it is among what is open now. */
struct descriptors descriptors_now(void);
/* -1: fewer are allowed than needed; err says how many are. */
int descriptors_check(const struct descriptors *plan, struct error *err);

#endif
