/* Text: one line an event, its columns between single spaces. */
#include "fmt/record.h"

static const struct record_style style = {
    .scalar = SCALAR_BARE,
    .columns = true,
    .open = "",
    .between = " ",
    .close = "\n",
    .absent = "-",
};

static int text_open(const struct format_spec *spec, void **state, uint32_t *needs,
                     struct error *err)
{
    return record_open(&style, spec, state, needs, err);
}

static const struct format_hooks hooks = {
    .open = text_open,
    .event = record_event,
    .close = record_close,
};

const struct module fmt_text = {
    .name = "text",
    .kind = MODULE_FORMAT,
    .doc =
        "One line an event: time, identity, message type, response code, address and port of the "
        "querier, family, protocol, length, name and type of the question, and latency in "
        "seconds, between single spaces; a value that an event does not have is -. No column is "
        "empty or holds a space: bytes of names and texts outside 0x21 to 0x7e are \\DDD, in "
        "decimal, and a backslash is doubled. Structures, where asked for, are JSON without "
        "spaces.",
    .hooks = &hooks,
};
