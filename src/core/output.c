#include "core/output.h"

enum { RECORD_MAX = 1 << 20 };

static const char *const when_full_names[] = {
    [WHEN_FULL_BLOCK] = "block",
    [WHEN_FULL_DROP_NEWEST] = "drop-newest",
    [WHEN_FULL_DROP_OLDEST] = "drop-oldest",
    NULL,
};

/* One row: where it is stored follows from the member's name. */
#define AT(member) .offset = offsetof(struct output_common, member)

static const struct option output_options[] = {
    {.name = "format",
     .type = OPTION_STRING,
     AT(format),
     .fallback = "text",
     .min = 1,
     .max = 64,
     .doc = "how an event is written: the name of a format",
     .value = "FORMAT"},
    {.name = "fields",
     .type = OPTION_STRING,
     AT(fields),
     .min = 1,
     .commas = true,
     .doc = "the fields that are written, in this order, with commas between them; absent: the "
            "format's own choice. 'spile fields' lists them",
     .example = "datetime,identity,qname,rrtype,rcode",
     .value = "LIST"},
    {.name = "when-full",
     .type = OPTION_ENUM,
     AT(when_full),
     .fallback = "block",
     .choices = when_full_names,
     .doc =
         "what happens to events while the queue of a slow output is full: wait for it, for at "
         "most block-max, and then drop new ones until it moves again; drop new ones at once; or "
         "make room by dropping the oldest"},
    {.name = "block-max",
     .type = OPTION_DURATION,
     AT(block_max_ns),
     .fallback = "1s",
     .max = 86400 * 1000000000ull,
     .doc =
         "how long 'block' waits before it drops; off: for ever, and then this output can hold up "
         "all others"},
    {.name = "queue-size",
     .type = OPTION_SIZE,
     AT(queue_bytes),
     .fallback = "4M",
     .min = 256 << 10,
     .max = 1ull << 40,
     .doc = "memory of the queue before the output"},
    {.name = "record-max",
     .type = OPTION_SIZE,
     AT(record_max),
     .fallback = "1M", /* RECORD_MAX */
     .min = 2 << 10,
     .max = 1 << 30,
     .off = true,
     .doc =
         "the longest record; where an event would need more, only those of the message's records "
         "and of the other fields are written that fit, and the field 'truncated' says so. Not "
         "with the format fstrm, which keeps frames whole; off: no limit"},
    CONFIG_NAME_ROW(output_common, "records"),
    {0},
};

static const struct option inline_options[] = {CONFIG_NAME_ROW(output_common, "sums"), {0}};

/* Where ledgers are listed, that of the inputs stands among those of the outputs. */
static int check_name(const struct config *config, const struct config_item *item,
                      const void **wrong, struct error *err)
{
    const struct output_common *common = item->common;
    (void)config;
    *wrong = &common->name;
    return common->name && strcmp(common->name, OUTPUT_NAME_INPUTS) == 0
               ? error_set(err,
                           "name: no output may be called %s: so the ledger calls what the "
                           "inputs count",
                           OUTPUT_NAME_INPUTS)
               : 0;
}

/* Opens the item's format for a moment: it alone knows which field lists it takes. */
static int try_format(const struct format_spec *spec, struct error *err)
{
    const struct format_hooks *hooks = spec->module->hooks;
    void *state = NULL;
    uint32_t needs = 0;
    if (hooks->open && hooks->open(spec, &state, &needs, err))
        return -1;
    if (hooks->close)
        hooks->close(state);
    return 0;
}

/* The option that keeps the format from opening: the limit where it would open without one. */
static const void *wrong_option(const struct output_common *common, struct format_spec spec)
{
    struct error ignored;
    spec.record_max = 0;
    if (common->record_max && try_format(&spec, &ignored) == 0)
        return &common->record_max;
    return common->fields ? &common->fields : &common->format;
}

static int check_queued(const struct config *config, const struct config_item *item,
                        const void **wrong, struct error *err)
{
    const struct output_common *common = item->common;
    if (check_name(config, item, wrong, err))
        return -1;
    struct span name = span_str(common->format);
    const struct module *format =
        module_find(MODULE_FORMAT, name, settings_compat(&config->settings));
    *wrong = &common->format;
    if (!format)
        return module_unknown(MODULE_FORMAT, name, err);
    const struct format_hooks *hooks = format->hooks;
    const struct format_spec spec = {
        .module = format, .fields = common->fields, .record_max = common->record_max};
    if (hooks->whole && common->record_max != RECORD_MAX &&
        config_is_written(item, &common->record_max)) {
        *wrong = &common->record_max;
        return error_set(err, "frames are kept whole: the format %s has no record-max",
                         format->name);
    }
    if (try_format(&spec, err) == 0)
        return 0;
    *wrong = wrong_option(common, spec);
    return -1;
}

const struct option_group output_queued = {
    .size = sizeof(struct output_common),
    .options = output_options,
    .check = check_queued,
};

const struct option_group output_inline = {
    .size = sizeof(struct output_common),
    .options = inline_options,
    .check = check_name,
};
