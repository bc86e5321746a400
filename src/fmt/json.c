/* JSON: one object an event, one line an object. */
#include "fmt/record.h"

static const struct record_style style = {
    .scalar = SCALAR_JSON,
    .open = "{",
    .between = ", ",
    .close = "}\n",
    .before_key = "\"",
    .behind_key = "\": ",
    .behind_tree_key = "\": ",
    .absent = "null",
};

static int json_open(const struct format_spec *spec, void **state, uint32_t *needs,
                     struct error *err)
{
    return record_open(&style, spec, state, needs, err);
}

static const struct format_hooks hooks = {
    .open = json_open,
    .event = record_event,
    .close = record_close,
};

const struct module fmt_json = {
    .name = "json",
    .kind = MODULE_FORMAT,
    .doc =
        "One JSON object an event, on a line of its own, in UTF-8. A value that an event does "
        "not have is null. Names and texts are in the presentation form of RFC 1035: \\DDD, in "
        "decimal, is a byte that is not valid UTF-8 (in names, any outside 0x21 to 0x7e; in record "
        "data, any outside 0x20 to 0x7e), and a backslash is doubled; JSON's own escapes come on "
        "top. Record data is as a zone file has it: where no words of its type and class would "
        "be read back as the same bytes, it is \\# LENGTH HEX (RFC 3597).",
    .hooks = &hooks,
};
