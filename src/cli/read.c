/* spile read: files to lines. */
#include <unistd.h>

#include "cli/pipe.h"

struct read {
    char *format;
    char *fields;
    char *compat, *compat_control;
    char *ledger;
    uint64_t total;
    bool follow;
    bool verbose;
};

static const struct option read_options[] = {
    {.name = "format",
     .letter = 'o',
     .type = OPTION_STRING,
     .value = "FORMAT",
     .fallback = "text",
     .offset = offsetof(struct read, format),
     .doc = "how events are printed: text, json, yaml or fstrm"},
    {.name = "fields",
     .type = OPTION_STRING,
     .value = "LIST",
     .offset = offsetof(struct read, fields),
     .doc = "the fields to print, between commas; `spile fields` lists them all"},
    {.name = "total",
     .letter = 'n',
     .type = OPTION_UINT,
     .value = "TOTAL",
     .min = 1,
     .max = INT64_MAX,
     .offset = offsetof(struct read, total),
     .doc = "stop after so many events"},
    {.name = "compat",
     .type = OPTION_STRING,
     .value = "NAME",
     .offset = offsetof(struct read, compat),
     .doc = "print as an older program does, byte for byte: dnstap-receiver"},
    {.name = "compat-control",
     .type = OPTION_STRING,
     .value = "HOW",
     .offset = offsetof(struct read, compat_control),
     .doc = "with --compat: raw lets ends of lines in identities and names pass, as the older "
            "program does"},
    {.name = "follow",
     .type = OPTION_BOOL,
     .offset = offsetof(struct read, follow),
     .doc = "at the end of the last file, wait for more until STOP comes"},
    {.name = "ledger",
     .type = OPTION_PATH,
     .value = "FILE",
     .offset = offsetof(struct read, ledger),
     .doc = "write the ledger as JSON at the end"},
    {.name = "verbose",
     .letter = 'v',
     .type = OPTION_BOOL,
     .offset = offsetof(struct read, verbose),
     .doc = "print the ledger at the end, even if nothing was lost"},
    {0},
};

static const struct command_example read_examples[] = {
    {"spile read dns.fstrm", "one line an event"},
    {"spile read -o json dns.fstrm.zst | jq .qname", "JSON, from a compressed file"},
    {"spile read --fields datetime,qname,rcode -n 10 dns.fstrm", "three columns of ten events"},
    {"fstrm_capture ... -w - | spile read -", "from a pipe"},
    {0},
};

static int configure(struct config *config, const struct command_call *call, struct error *err)
{
    const struct read *read = call->options;
    struct pipe_setting input[] = {{"follow", read->follow ? "true" : NULL}, {0}};
    struct pipe_setting output[] = {{"format", read->format}, {"fields", read->fields}, {0}};
    if (pipe_setting(config, "compat", read->compat, err) < 0 ||
        pipe_setting(config, "compat-control", read->compat_control, err) < 0 ||
        pipe_setting(config, "threads", "1", err) < 0 ||
        pipe_add(config, MODULE_INPUT, "file", input, err) < 0 ||
        pipe_add(config, MODULE_OUTPUT, "stdout", output, err) < 0)
        return -1;
    for (int i = 0; i < call->operand_count; i++) {
        if (config_set(&config->inputs[0], "path", call->operands[i], err) < 0)
            return -1;
    }
    pipe_block_for_ever(config);
    return 0;
}

static int read_run(struct command_call *call)
{
    const struct read *read = call->options;
    struct config config;
    struct error err = {0};
    if (config_init(&config, &err) < 0 || configure(&config, call, &err) < 0)
        return pipe_fail(&config, &err, COMMAND_USAGE);
    struct service_options options = {
        .host = {.ledger_path = read->ledger,
                 .tells = read->verbose ? TELLS_ALWAYS : TELLS_IF_CUT,
                 .progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO)},
        .total = read->total,
        .gives_up = true,
    };
    return pipe_run(&config, &options);
}

const struct command command_read = {
    .name = "read",
    .summary = "print the events of Frame Streams files",
    .doc =
        "Decodes dnstap files, plain or compressed (gzip, zstd, xz: told by the first bytes), one "
        "after the other, and prints an event a line on standard output.\n\n"
        "A file may hold several streams, one behind the other, each compressed in its own way. "
        "Where its writer crashed and another one appended to it, all whole frames are read, with "
        "a warning; so is a missing STOP at the end.\n\n"
        "A message that is no dnstap is counted and passed over; a truncated, damaged or oversized "
        "file, or an output that cannot be written, makes the exit status 1.",
    .operands = "FILE|-...",
    .operand_files = true,
    .operand_min = 1,
    .operand_max = COMMAND_MANY,
    .size = sizeof(struct read),
    .options = read_options,
    .examples = read_examples,
    .run = read_run,
};
