/* spile capture: frames from a socket to a file, as they are. */
#include <string.h>
#include <unistd.h>

#include "cli/pipe.h"

struct capture {
    char *file;
    char *mode;
    char *group;
    char *ledger;
    bool force;
    bool append;
};

static const struct option capture_options[] = {
    {.name = "write",
     .letter = 'w',
     .type = OPTION_PATH,
     .value = "FILE|-",
     .required = true,
     .offset = offsetof(struct capture, file),
     .doc =
         "the Frame Streams file to write, which must not hold anything yet; - is standard output"},
    {.name = "force",
     .type = OPTION_BOOL,
     .offset = offsetof(struct capture, force),
     .doc = "replace a file that holds something, once all else stands"},
    {.name = "append",
     .type = OPTION_BOOL,
     .offset = offsetof(struct capture, append),
     .doc = "add a stream behind those that the file holds"},
    PIPE_SOCKET_ROWS(struct capture),
    {.name = "ledger",
     .type = OPTION_PATH,
     .value = "FILE",
     .offset = offsetof(struct capture, ledger),
     .doc = "write the ledger as JSON at the end"},
    {0},
};

static const struct command_example capture_examples[] = {
    {"spile capture --mode 0666 unix:/tmp/dnstap.sock -w dns.fstrm",
     "frames to a file until Ctrl-C"},
    {"spile capture tcp:127.0.0.1:6000 -w dns.fstrm --append", "some more into the same file"},
    {"spile capture tcp:127.0.0.1:6000 -w - | spile read -", "through a pipe"},
    {0},
};

static int add_file(struct config *config, const char *path, struct error *err)
{
    if (strcmp(path, "-") == 0) {
        struct pipe_setting settings[] = {{"format", "fstrm"}, {0}};
        return pipe_add(config, MODULE_OUTPUT, "stdout", settings, err);
    }
    struct pipe_setting settings[] = {{"format", "fstrm"}, {"path", path}, {0}};
    return pipe_add(config, MODULE_OUTPUT, "file", settings, err);
}

static int capture_run(struct command_call *call)
{
    const struct capture *capture = call->options;
    struct config config;
    struct error err = {0};
    bool standard = strcmp(capture->file, "-") == 0;
    if (capture->force && capture->append)
        return command_usage(call, "--force and --append exclude each other");
    if (standard && (capture->force || capture->append))
        return command_usage(call, "--force and --append are for a file");
    if (standard && isatty(STDOUT_FILENO))
        return command_usage(call, "frames are no text: redirect standard output, or name a file");
    if (config_init(&config, &err) < 0 ||
        pipe_add_source(&config, call->operands[0], capture->mode, capture->group, &err) < 0)
        return pipe_fail(&config, &err, COMMAND_USAGE);
    if (add_file(&config, capture->file, &err) < 0)
        return pipe_fail(&config, &err, COMMAND_FAILED);
    struct service_options options = {
        .host.ledger_path = capture->ledger,
        .old = capture->force    ? OUTPUT_REPLACES
               : capture->append ? OUTPUT_ADDS
                                 : OUTPUT_KEEPS,
        .gives_up = true,
    };
    return pipe_run(&config, &options);
}

const struct command command_capture = {
    .name = "capture",
    .summary = "record frames from a socket, undecoded",
    .doc = "Listens on SOURCE, unix:PATH or tcp:HOST:PORT, and writes the frames that DNS servers "
           "send to a Frame Streams file, as they are. Every dnstap tool can read it.\n\n"
           "A file that holds something stays as it is, unless --force or --append is given; a "
           "start that fails changes no file in any case. Spile reads files of several streams; "
           "other tools may read the first alone.",
    .operands = "SOURCE",
    .operand_choices = command_places,
    .operand_min = 1,
    .operand_max = 1,
    .size = sizeof(struct capture),
    .options = capture_options,
    .examples = capture_examples,
    .run = capture_run,
};
