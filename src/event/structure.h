/* The fields that are lists or mappings: each function is the `put` of a row, but for those below.
 */
#ifndef SPILE_EVENT_STRUCTURE_H
#define SPILE_EVENT_STRUCTURE_H

#include "event/field.h"

/* The `put` of every LIST. */
bool structure_list(const struct field *self, struct event *ev, struct tree *t);
bool structure_answers(const struct field *self, struct event *ev, struct tree *t);
bool structure_authority(const struct field *self, struct event *ev, struct tree *t);
bool structure_additional(const struct field *self, struct event *ev, struct tree *t);
bool structure_edns(const struct field *self, struct event *ev, struct tree *t);
bool structure_edns_options(const struct field *self, struct event *ev, struct tree *t);
bool structure_client_subnet(const struct field *self, struct event *ev, struct tree *t);
bool structure_policy(const struct field *self, struct event *ev, struct tree *t);
bool structure_unknown(const struct field *self, struct event *ev, struct tree *t);

/* The word for a flag of EDNS: one bit, as "do" or "0x2000"; else none. */
char *structure_edns_flag(char *p, uint64_t bit);
/* The first client subnet option (RFC 7871); false: there is none. */
bool structure_find_subnet(const struct event *ev, struct dns_edns_option *option);

#endif
