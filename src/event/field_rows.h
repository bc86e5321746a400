/* The rows of field.c, for the functions that know all fields: field_find.c. */
#ifndef SPILE_EVENT_FIELD_ROWS_H
#define SPILE_EVENT_FIELD_ROWS_H

#include "event/field.h"

extern const struct field own_fields[];
extern const size_t own_field_count;

#endif
