#include "core/input.h"

static const struct option input_options[] = {CONFIG_NAME_ROW(input_common, "resolvers"), {0}};

const struct option_group input_common = {
    .size = sizeof(struct input_common),
    .options = input_options,
};
