/* spile run: the collector. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hostport.h"
#include "base/log.h"
#include "cli/pipe.h"

enum { LISTEN_MAX = HOSTPORT_TEXT_MAX - 1 /* bytes of --listen */ };

struct run {
    char *config;
    char *listen;
    char *path;
    char *mode;
    char *group;
    char *format;
    char *fields;
    char *compat, *compat_control;
    char *ledger;
    char *web;
    char *api_key;
    char *api_key_file;
    uint64_t port;
    bool verbose;
    bool flags_say_it; /* no option: the file named neither inputs nor outputs at the start */
};

static const struct option run_options[] = {
    {.name = "config",
     .letter = 'c',
     .type = OPTION_PATH,
     .value = "FILE",
     .offset = offsetof(struct run, config),
     .doc = "the configuration; `spile config example` prints one"},
    {.name = "listen",
     .letter = 'l',
     .type = OPTION_STRING,
     .value = "ADDR",
     .fallback = "127.0.0.1",
     .min = 1,
     .max = LISTEN_MAX,
     .offset = offsetof(struct run, listen),
     .doc = "listen for Frame Streams over TCP on this address; ADDR:PORT names the port, too"},
    {.name = "port",
     .letter = 'p',
     .type = OPTION_UINT,
     .value = "PORT",
     .fallback = "6000",
     .min = 1,
     .max = 65535,
     .offset = offsetof(struct run, port),
     .doc = "listen for Frame Streams over TCP on this port"},
    {.name = "unix",
     .letter = 'u',
     .type = OPTION_PATH,
     .value = "PATH",
     .offset = offsetof(struct run, path),
     .doc = "listen for Frame Streams on this unix socket"},
    PIPE_SOCKET_ROWS(struct run),
    {.name = "format",
     .letter = 'o',
     .type = OPTION_STRING,
     .value = "FORMAT",
     .offset = offsetof(struct run, format),
     .doc = "how standard output is printed: text, json, yaml or fstrm"},
    {.name = "fields",
     .type = OPTION_STRING,
     .value = "LIST",
     .offset = offsetof(struct run, fields),
     .doc = "the fields that standard output prints, between commas"},
    {.name = "compat",
     .type = OPTION_STRING,
     .value = "NAME",
     .offset = offsetof(struct run, compat),
     .doc = "print as an older program does, byte for byte: dnstap-receiver"},
    {.name = "compat-control",
     .type = OPTION_STRING,
     .value = "HOW",
     .offset = offsetof(struct run, compat_control),
     .doc = "with --compat: raw lets ends of lines in identities and names pass, as the older "
            "program does"},
    {.name = "ledger",
     .type = OPTION_PATH,
     .value = "FILE",
     .offset = offsetof(struct run, ledger),
     .doc = "write the ledger as JSON at the end"},
    {.name = "web",
     .type = OPTION_STRING,
     .value = "ADDR:PORT",
     .min = 1,
     .offset = offsetof(struct run, web),
     .doc = "serve the dashboard, the API and Prometheus metrics here"},
    {.name = "api-key",
     .type = OPTION_STRING,
     .value = "KEY",
     .secret = true,
     .min = 1,
     .max = 1024,
     .offset = offsetof(struct run, api_key),
     .doc = "let in who sends this key as X-API-Key, or, where web: has no login, as the password "
            "of spile"},
    {.name = "api-key-file",
     .type = OPTION_PATH,
     .value = "FILE",
     .offset = offsetof(struct run, api_key_file),
     .doc = "the same, with a key that others do not see in the list of processes"},
    {.name = "verbose",
     .letter = 'v',
     .type = OPTION_BOOL,
     .offset = offsetof(struct run, verbose),
     .doc = "say more on standard error: each connection"},
    {0},
};

static const struct command_example run_examples[] = {
    {"spile run", "listen on 127.0.0.1:6000 and print a line an event"},
    {"spile run -u /tmp/dnstap.sock --mode 0666 -o json",
     "a unix socket for servers of any user, JSON"},
    {"spile run --web 127.0.0.1:8080", "the same as bare, and a dashboard to look at"},
    {"spile run -c /etc/spile/spile.yaml", "everything from a configuration"},
    {0},
};

/* What --listen and --port say together, as the input's option has it: `space` is of
 * HOSTPORT_TEXT_MAX bytes. What is no address is left for the option to refuse. NULL: err. */
static const char *tcp_address(const struct command_call *call, char *space, struct error *err)
{
    const struct run *run = call->options;
    struct hostport there;
    enum hostport_fault fault = hostport_parse(&there, span_str(run->listen));
    if (fault == HOSTPORT_NO_PORT || fault == HOSTPORT_NO_BRACKETS) {
        char host[LISTEN_MAX + 1];
        snprintf(host, sizeof host, "%.*s", (int)there.host.len, (const char *)there.host.ptr);
        return hostport_text(space, host, (uint16_t)run->port);
    }
    if (fault == HOSTPORT_BAD_HOST || !command_given(call, "port"))
        return run->listen;
    error_set(err, "--listen has a port already: leave out --port");
    return NULL;
}

/* Flags that name an input replace the configuration's. */
static int configure_inputs(struct config *config, const struct command_call *call,
                            struct error *err)
{
    const struct run *run = call->options;
    bool tcp = command_given(call, "listen") || command_given(call, "port");
    if ((run->mode || run->group) && !run->path)
        return error_set(err, "--mode and --group are for the socket of --unix");
    if (tcp || run->path)
        config_clear(config, MODULE_INPUT);
    if (tcp) {
        char space[HOSTPORT_TEXT_MAX];
        const char *address = tcp_address(call, space, err);
        struct pipe_setting settings[] = {{"listen", address}, {0}};
        if (!address || pipe_add(config, MODULE_INPUT, "tcp", settings, err) < 0)
            return -1;
    }
    struct pipe_setting settings[] = {
        {"path", run->path}, {"mode", run->mode}, {"group", run->group}, {0}};
    return run->path ? pipe_add(config, MODULE_INPUT, "unix", settings, err) : 0;
}

static struct config_item *standard_output(struct config *config)
{
    for (size_t i = 0; i < config->output_count; i++) {
        if (config->outputs[i].module == module_find(MODULE_OUTPUT, span_str("stdout"), NULL))
            return &config->outputs[i];
    }
    return NULL;
}

/* -o and --fields are standard output's: it joins the configuration's outputs for them. */
static int configure_outputs(struct config *config, const struct run *run, struct error *err)
{
    struct pipe_setting settings[] = {{"format", run->format}, {"fields", run->fields}, {0}};
    struct config_item *item = standard_output(config);
    if (item)
        return pipe_set(item, settings, err);
    if (!run->format && !run->fields)
        return 0;
    return pipe_add(config, MODULE_OUTPUT, "stdout", settings, err);
}

/* A key from the command line goes before one from the environment. */
static int configure_key(struct config_item *web, const struct run *run, struct error *err)
{
    if (run->api_key_file)
        return pipe_set_instead(web, "api-key-file", run->api_key_file, "api-key", err);
    if (run->api_key)
        return pipe_set_instead(web, "api-key", run->api_key, "api-key-file", err);
    return 0;
}

/* The web server is on when asked for: by --web, or by the configuration. */
static int configure_web(struct config *config, const struct run *run, struct error *err)
{
    if (run->api_key && run->api_key_file)
        return error_set(err, "--api-key and --api-key-file exclude each other");
    if (run->web && !config_section_add(config, "web", err))
        return -1;
    struct config_item *web = config_section_item(config, "web");
    if (!web && (run->api_key || run->api_key_file))
        return error_set(err, "an API key needs --web ADDR:PORT, or web: in the configuration");
    struct pipe_setting settings[] = {{"listen", run->web}, {0}};
    if (!web)
        return 0;
    if (pipe_set(web, settings, err) < 0 || pipe_environment(config, err) < 0)
        return -1;
    return configure_key(web, run, err);
}

static bool says_nothing(const struct config *config)
{
    return !config->inputs_at.line && !config->outputs_at.line && config->stage_count == 0 &&
           config->section_count == 0;
}

/* What flags and file say together, into an empty configuration. A file that is read `again` and
 * says nothing, though it did, is being written at this moment. Returns a COMMAND_*; unless that is
 * COMMAND_OK, err says why. */
static int configure(struct config *config, const struct command_call *call, bool again,
                     struct error *err)
{
    struct run *run = call->options;
    if (run->config && config_load(config, run->config, err) < 0)
        return COMMAND_FAILED;
    if (!again)
        run->flags_say_it = says_nothing(config);
    if (run->config && !run->flags_say_it && says_nothing(config)) {
        error_set(err, "%s names neither inputs nor outputs: that is nothing to go over to",
                  run->config);
        return COMMAND_FAILED;
    }
    if (pipe_setting(config, "compat", run->compat, err) < 0 ||
        pipe_setting(config, "compat-control", run->compat_control, err) < 0 ||
        configure_inputs(config, call, err) < 0 || configure_outputs(config, run, err) < 0 ||
        configure_web(config, run, err) < 0 || config_defaults(config, err) < 0)
        return COMMAND_USAGE;
    return COMMAND_OK;
}

/* A pipe holds nothing any more, or would keep us waiting. */
static bool can_read_again(const char *path)
{
    struct stat st;
    return strcmp(path, "-") != 0 && (stat(path, &st) != 0 || S_ISREG(st.st_mode));
}

static struct config *configure_again(void *arg, struct error *err)
{
    const struct command_call *call = arg;
    const struct run *run = call->options;
    if (run->config && !can_read_again(run->config)) {
        bool standard = strcmp(run->config, "-") == 0;
        error_set(err, "%.300s is no file that can be read again",
                  standard ? "standard input" : run->config);
        return NULL;
    }
    struct config *config = config_new(err);
    if (config && configure(config, call, true, err) == COMMAND_OK &&
        config_validate(config, err) == 0)
        return config;
    config_release(config);
    return NULL;
}

static int run_run(struct command_call *call)
{
    const struct run *run = call->options;
    struct config config;
    struct error err = {0};
    host_hold_requests();
    log_set_level(run->verbose ? LOG_DEBUG : LOG_INFO);
    if (config_init(&config, &err) < 0)
        return pipe_fail(&config, &err, COMMAND_FAILED);
    int status = configure(&config, call, false, &err);
    if (status != COMMAND_OK)
        return pipe_fail(&config, &err, status);
    const struct service_options options = {
        .host = {.ledger_path = run->ledger, .managed = true},
        .control = true,
        .configure = configure_again,
        .configure_arg = call,
        .path = run->config,
    };
    return pipe_run(&config, &options);
}

const struct command command_run = {
    .name = "run",
    .summary = "collect dnstap from DNS servers",
    .doc =
        "Listens for Frame Streams, decodes the dnstap that DNS servers send, and gives it to the "
        "configured outputs. Without a configuration it listens on 127.0.0.1:6000 and prints a "
        "line an event. -u alone opens only that socket; -l or -p add TCP; these replace the "
        "configuration's inputs.\n\n"
        "The web server is off unless --web or the configuration asks for it. Its API key is that "
        "of --api-key or --api-key-file, else that of SPILE_API_KEY in the environment, else the "
        "configuration's; without any credentials only this machine is served.\n\n"
        "SIGINT and SIGTERM drain and end the program, a second one ends it at once; SIGHUP reads "
        "the configuration again and goes over to it while frames flow, and opens output files "
        "anew; SIGUSR1 prints the ledger. "
        "A service manager (NOTIFY_SOCKET, as systemd sets it for Type=notify) is told once all "
        "inputs and the web server listen, and when the end begins.",
    .size = sizeof(struct run),
    .options = run_options,
    .examples = run_examples,
    .run = run_run,
};
