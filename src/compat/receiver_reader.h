/* Which events count for --compat dnstap-receiver, and as what. */
#ifndef SPILE_COMPAT_RECEIVER_READER_H
#define SPILE_COMPAT_RECEIVER_READER_H

#include "stats/sample.h"

/* Names longer than SAMPLE_NAME_MAX are cut there; no DNS name is. */
extern const struct stats_reader receiver_stats_reader;

/* A top-level domain in lower case, without dots, as IANA has them. */
bool receiver_is_tld(struct span label);

#endif
