/* YAML: one document an event, in block style. */
#include "fmt/record.h"

static const struct record_style style = {
    .scalar = SCALAR_YAML,
    .open = "",
    .between = "\n",
    .close = "\n---\n",
    .before_key = "",
    .behind_key = ": ",
    .behind_tree_key = ":",
    .absent = "null",
};

static int yaml_open(const struct format_spec *spec, void **state, uint32_t *needs,
                     struct error *err)
{
    return record_open(&style, spec, state, needs, err);
}

static const struct format_hooks hooks = {
    .open = yaml_open,
    .event = record_event,
    .close = record_close,
};

const struct module fmt_yaml = {
    .name = "yaml",
    .kind = MODULE_FORMAT,
    .doc = "One YAML document an event, with the keys and values of json, ended by a line ---. "
           "Mnemonics are plain, other strings stand in double quotes.",
    .hooks = &hooks,
};
