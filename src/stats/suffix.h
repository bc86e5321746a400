/*
 * The suffixes of a name that have tables of their own: its registrable domain (the public suffix
 * and one label more) and its TLD.
 */
#ifndef SPILE_STATS_SUFFIX_H
#define SPILE_STATS_SUFFIX_H

#include "stats/sample.h"
#include "stats/suffix_list.h"

/* How many labels the registrable domain of the key's name has; 0: it has none, for it is a public
 * suffix itself, or the root. It is what libpsl says of the name. */
unsigned suffix_registrable(const struct suffix_list *list, const struct stats_reader *reader,
                            struct span name);
/* The last `labels` labels of the key, which are a key, too; absent when it has fewer. */
struct span suffix_of(const struct stats_reader *reader, struct span key, unsigned labels);
/* The key of the name's TLD; absent when it has none. */
struct span suffix_tld(const struct stats_reader *reader, struct span key);

#endif
