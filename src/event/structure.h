/* The fields that are lists or mappings: each function is the `put` of a row of fields[]. */
#ifndef SPILE_EVENT_STRUCTURE_H
#define SPILE_EVENT_STRUCTURE_H

#include "event/field.h"

bool structure_flags(const struct field *self, struct event *ev, struct tree *t);
bool structure_answers(const struct field *self, struct event *ev, struct tree *t);
bool structure_authority(const struct field *self, struct event *ev, struct tree *t);
bool structure_additional(const struct field *self, struct event *ev, struct tree *t);
bool structure_edns(const struct field *self, struct event *ev, struct tree *t);
bool structure_edns_flags(const struct field *self, struct event *ev, struct tree *t);
bool structure_edns_options(const struct field *self, struct event *ev, struct tree *t);
bool structure_client_subnet(const struct field *self, struct event *ev, struct tree *t);
bool structure_policy(const struct field *self, struct event *ev, struct tree *t);
bool structure_unknown(const struct field *self, struct event *ev, struct tree *t);

#endif
