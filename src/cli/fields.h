#ifndef SPILE_CLI_FIELDS_H
#define SPILE_CLI_FIELDS_H

#include "event/field.h"

/* What people call the kind of a field's value: "word", "number". */
const char *fields_kind(const struct field *field);

#endif
