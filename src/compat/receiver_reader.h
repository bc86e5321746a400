/* Which events count for --compat dnstap-receiver, and as what. */
#ifndef SPILE_COMPAT_RECEIVER_READER_H
#define SPILE_COMPAT_RECEIVER_READER_H

#include "stats/sample.h"

/* Names longer than SAMPLE_NAME_MAX are cut there; no DNS name is. */
extern const struct stats_reader receiver_stats_reader;

/* True when the label, in lower case and without dots, is a top-level domain of IANA's list. */
bool receiver_is_tld(struct span label);

#endif
