/* spile ctl: asks and commands a program that runs, by its control socket. */
#include <stdio.h>
#include <stdlib.h>

#include "app/control_path.h"
#include "base/log.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/ctl_ask.h"
#include "cli/ctl_text.h"

enum { TARGET_MAX = 1024, FORMAT_TEXT = 0, FORMAT_JSON };

struct ctl {
    char *socket;
    int format;
    bool json;
    bool dry_run;
};

static const char *const formats[] = {[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", NULL};

static const struct option ctl_options[] = {
    {.name = "socket",
     .letter = 's',
     .type = OPTION_PATH,
     .value = "PATH",
     .offset = offsetof(struct ctl, socket),
     .doc = "the control socket; else control.sock in $RUNTIME_DIRECTORY, or in /run/spile"},
    {.name = "json",
     .letter = 'j',
     .type = OPTION_BOOL,
     .offset = offsetof(struct ctl, json),
     .doc = "print what the API says, as JSON"},
    {.name = "dry-run",
     .type = OPTION_BOOL,
     .offset = offsetof(struct ctl, dry_run),
     .doc = "of reload: say what would change, and change nothing"},
    {.name = "format",
     .letter = 'o',
     .type = OPTION_ENUM,
     .value = "FORMAT",
     .fallback = "text",
     .choices = formats,
     .offset = offsetof(struct ctl, format),
     .doc = "of tail: a line of text, or of JSON as the API's live events have it; outputs have "
            "other fields"},
    {0},
};

static const struct ctl_column input_columns[] = {
    {"NAME", "name"},
    {"PLACE", "place"},
    {"STATE", "open", CTL_MARK, "open"},
    {"CONNECTIONS", "connections", CTL_NUMBER},
    {"REFUSED", "refused", CTL_NUMBER},
    {"CUT", "cut", CTL_NUMBER},
    {"FRAMES", "frames", CTL_NUMBER},
    {"BYTES", "bytes", CTL_NUMBER},
    {"MALFORMED", "malformed", CTL_NUMBER},
    {"ERRORS", "errors", CTL_NUMBER},
    {0},
};

static const struct ctl_column connection_columns[] = {
    {"ID", "id", CTL_NUMBER},
    {"INPUT", "input"},
    {"PEER", "peer"},
    {"IDENTITY", "identity"},
    {"SINCE", "since", CTL_TIME},
    {"FRAMES", "frames", CTL_NUMBER},
    {"BYTES", "bytes", CTL_NUMBER},
    {"MALFORMED", "malformed", CTL_NUMBER},
    {0},
};

static const struct ctl_column output_columns[] = {
    {"NAME", "name"},
    {"FORMAT", "format"},
    {"STATE", "paused", CTL_MARK, "paused"},
    {"QUEUED", "queue.records", CTL_NUMBER},
    {"QUEUE", "queue.bytes", CTL_NUMBER},
    {"LIMIT", "queue.limit", CTL_NUMBER},
    {"DELIVERED", "ledger.delivered", CTL_NUMBER},
    {"DROPPED", "ledger.dropped", CTL_NUMBER},
    {"PLACE", "place"},
    {0},
};

static const struct ctl_column ledger_columns[] = {
    {"OUTPUT", "output"},
    {"RECEIVED", "received", CTL_NUMBER},
    {"DELIVERED", "delivered", CTL_NUMBER},
    {"FILTERED", "filtered", CTL_NUMBER},
    {"DROPPED", "dropped", CTL_NUMBER},
    {"IN-FLIGHT", "in-flight", CTL_NUMBER},
    {"TRUNCATED", "truncated", CTL_NUMBER},
    {"BYTES", "bytes", CTL_NUMBER},
    {0},
};

static const struct ctl_column hint_columns[] = {{"INPUT", "input"}, {"HINT", "hint"}, {0}};
static const struct ctl_column closed_columns[] = {{"CLOSED", "closed"}, {0}};
static const struct ctl_column done_columns[] = {{"OUTPUT", "output"}, {"DONE", "done"}, {0}};
static const struct ctl_column level_columns[] = {{"LEVEL", "level"}, {0}};
static const struct ctl_column status_columns[] = {{"STATUS", "status"}, {0}};
static const struct ctl_column more_columns[] = {
    {"VERSION", "version"},
    {"UP", "uptime", CTL_AGE},
    {"CONFIGURED", "configured", CTL_TIME},
    {"INPUTS", "inputs"},
    {"CONNECTIONS", "connections", CTL_NUMBER},
    {"OUTPUTS", "outputs"},
    {"EVENTS", "events"},
    {0},
};

static const struct ctl_column event_columns[] = {
    {"TIME", "time", CTL_TIME},
    {"STREAM", "stream"},
    {"MESSAGE", "message"},
    {"CLIENT", "client"},
    {"SERVER", "server"},
    {"TRANSPORT", "transport"},
    {"QNAME", "qname"},
    {"QTYPE", "qtype"},
    {"RCODE", "rcode"},
    {"LATENCY", "latency", CTL_SECONDS},
    {0},
};

/* --- verbs ---------------------------------------------------------------------------------- */

/* What a verb asks, and how the answer is shown. */
struct verb {
    const char *name;
    const char *act;  /* the word behind it; NULL: none */
    const char *what; /* the word behind both, as usage calls it; NULL: none */
    const char *method, *path;
    const char *parameter; /* gets that word */
    const char *rows;      /* the key of the answer's array; NULL: one line of the answer itself */
    const struct ctl_column *columns;
    const struct ctl_column *more; /* lines behind that of the answer itself; NULL: none */
};

#define OUTPUT_VERB(act)                                                                           \
    {                                                                                              \
        "outputs", act, "NAME", "POST", "/api/v1/outputs/" act, "name", NULL, done_columns         \
    }

static const struct verb verbs[] = {
    {"status", NULL, NULL, "GET", "/api/v1/status", NULL, NULL, status_columns, more_columns},
    {"inputs", NULL, NULL, "GET", "/api/v1/inputs", NULL, "inputs", input_columns},
    {"connections", NULL, NULL, "GET", "/api/v1/connections?n=10000", NULL, "connections",
     connection_columns},
    {"connections", "close", "ID", "POST", "/api/v1/connections/close", "id", NULL, closed_columns},
    {"outputs", NULL, NULL, "GET", "/api/v1/outputs", NULL, "outputs", output_columns},
    OUTPUT_VERB("pause"),
    OUTPUT_VERB("resume"),
    OUTPUT_VERB("drain"),
    OUTPUT_VERB("rotate"),
    {"ledger", NULL, NULL, "GET", "/api/v1/ledger", NULL, "outputs", ledger_columns},
    {"reload", NULL, NULL, "POST", "/api/v1/reload", NULL, NULL, NULL},
    {"tail", NULL, NULL, "GET", "/api/v1/events?rate=10000", NULL, NULL, event_columns},
    {"log", NULL, "LEVEL", "POST", "/api/v1/log", "level", NULL, level_columns},
    {"stop", NULL, NULL, "POST", "/api/v1/stop", NULL, NULL, status_columns},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

/* For completion: the first word. */
static const char *const verb_names[] = {"status", "inputs", "connections", "outputs", "ledger",
                                         "reload", "tail",   "log",         "stop",    NULL};

static bool is_verb(const struct verb *verb, char **words)
{
    if (strcmp(verb->name, words[0]) != 0)
        return false;
    return verb->act ? words[1] && strcmp(verb->act, words[1]) == 0 : true;
}

static const char *verb_name(const void *ctx, size_t i)
{
    (void)ctx;
    return verb_names[i];
}

static int unknown(const struct command_call *call)
{
    const char *word = call->operands[0];
    size_t count = sizeof verb_names / sizeof *verb_names - 1;
    const char *near = nearest_name(span_str(word), verb_name, NULL, count);
    if (near)
        return command_usage(call, "there is no '%s'; did you mean '%s'?", word, near);
    return command_usage(call, "there is no '%s'", word);
}

/* The verb that is meant, the longest one, and in *what the word that it is about. NULL: the user
 * has been told. */
static const struct verb *find_verb(const struct command_call *call, const char **what)
{
    const struct verb *found = NULL;
    for (size_t i = 0; i < VERBS; i++) {
        if (is_verb(&verbs[i], call->operands) && (!found || verbs[i].act))
            found = &verbs[i];
    }
    if (!found) {
        unknown(call);
        return NULL;
    }
    int named = found->act ? 2 : 1, wanted = named + (found->what ? 1 : 0);
    *what = found->what ? call->operands[named] : NULL;
    if (call->operand_count < wanted)
        command_usage(call, "%s%s%s: %s is missing", found->name, found->act ? " " : "",
                      found->act ? found->act : "", found->what);
    else if (call->operand_count > wanted)
        command_usage(call, "unexpected argument '%s'", call->operands[wanted]);
    return call->operand_count == wanted ? found : NULL;
}

/* --- answers -------------------------------------------------------------------------------- */

static void put_reload(const json_t *answer)
{
    const json_t *changes = json_object_get(answer, "changes");
    const json_t *later = json_object_get(answer, "later");
    if (json_array_size(changes) + json_array_size(later) == 0)
        puts("nothing changes");
    ctl_put_strings(changes, "");
    ctl_put_strings(later, "at the next start: ");
}

static void put_answer(const struct verb *verb, const json_t *answer)
{
    const json_t *hints = json_object_get(answer, "hints");
    if (!verb->columns)
        put_reload(answer);
    else if (verb->rows)
        ctl_put_table(verb->columns, json_object_get(answer, verb->rows));
    else
        ctl_put_line(verb->columns, answer);
    if (verb->more)
        ctl_put_lines(verb->more, answer);
    for (size_t i = 0; i < json_array_size(hints); i++) {
        fputs("hint: ", stdout);
        ctl_put_line(hint_columns, json_array_get(hints, i));
    }
}

static int put_reply(const struct ctl *ctl, const struct verb *verb, const struct ctl_reply *reply)
{
    json_t *answer = json_loadb((const char *)reply->body.data, reply->body.len, 0, NULL);
    const char *problem = json_string_value(json_object_get(answer, "error"));
    int status = reply->status < 300 && answer ? COMMAND_OK : COMMAND_FAILED;
    if (status != COMMAND_OK)
        log_error("%s", problem ? problem : "the answer is none of the API's");
    else if (ctl->json)
        printf("%.*s\n", (int)reply->body.len, (const char *)reply->body.data);
    else
        put_answer(verb, answer);
    json_decref(answer);
    return status;
}

/* --- tail ----------------------------------------------------------------------------------- */

static void put_event(const struct verb *verb, const char *data, bool text)
{
    json_t *event = json_loads(data, 0, NULL);
    const json_t *lost = json_object_get(event, "lost");
    if (lost)
        log_info("%lld events were left out", (long long)json_integer_value(lost));
    else if (text && event)
        ctl_put_line(verb->columns, event);
    else if (event)
        puts(data);
    json_decref(event);
}

/* Server-sent events: what is data begins so. */
static int follow(const struct ctl *ctl, const struct verb *verb, struct ctl_reply *reply)
{
    static const char data[] = "data: ";
    const char *line;
    bool text = !ctl->json && ctl->format == FORMAT_TEXT;
    while ((line = ctl_next_line(reply))) {
        if (strncmp(line, data, sizeof data - 1) != 0)
            continue;
        put_event(verb, line + sizeof data - 1, text);
        if (fflush(stdout) != 0)
            break; /* the dispatcher says why */
    }
    return COMMAND_OK;
}

/* -------------------------------------------------------------------------------------------- */

static void put_target(char target[TARGET_MAX], const struct ctl *ctl, const struct verb *verb,
                       const char *what)
{
    size_t len =
        (size_t)snprintf(target, TARGET_MAX, "%s%s%s%s", verb->path, verb->parameter ? "?" : "",
                         verb->parameter ? verb->parameter : "", verb->parameter ? "=" : "");
    for (; what && *what && len + 4 < TARGET_MAX; what++)
        len += (size_t)snprintf(target + len, TARGET_MAX - len, "%%%02x", (uint8_t)*what);
    if (ctl->dry_run)
        snprintf(target + len, TARGET_MAX - len, "?dry-run=true");
}

static int ctl_run(struct command_call *call)
{
    const struct ctl *ctl = call->options;
    struct ctl_reply reply = {.fd = -1};
    struct error err = {0};
    char usual[CONTROL_PATH_MAX], target[TARGET_MAX];
    const char *what;
    const struct verb *verb = find_verb(call, &what);
    if (!verb)
        return COMMAND_USAGE;
    if (ctl->dry_run && strcmp(verb->name, "reload") != 0)
        return command_usage(call, "--dry-run is for reload");
    if (command_given(call, "format") && strcmp(verb->name, "tail") != 0)
        return command_usage(call, "--format is for tail");
    put_target(target, ctl, verb, what);
    int status = COMMAND_FAILED;
    if (ctl_ask(&reply, ctl->socket ? ctl->socket : control_path(usual), verb->method, target,
                &err) < 0)
        log_error("%s", err.text);
    else
        status = reply.endless ? follow(ctl, verb, &reply) : put_reply(ctl, verb, &reply);
    ctl_free(&reply);
    return status;
}

static const struct command_example ctl_examples[] = {
    {"spile ctl outputs", "see what the outputs have written, and what waits"},
    {"spile ctl reload --dry-run", "see what the changed configuration would change"},
    {"spile ctl reload", "go over to it, and lose nothing"},
    {"spile ctl connections --json | jq .", "who is connected, for programs"},
    {"spile ctl tail -o json", "watch events as they happen"},
    {0},
};

const struct command command_ctl = {
    .name = "ctl",
    .summary = "ask and command a collector that runs",
    .doc =
        "Speaks with `spile run` by its control socket, which root, the user that it runs as, and "
        "the members of control: {group} in its configuration may use.\n\n"
        "status, inputs, connections, outputs and ledger show how it stands; tail shows events as "
        "they happen, and how many it left out when there were too many. connections close ID "
        "closes a connection. outputs pause NAME has an output write nothing until outputs resume "
        "NAME, or until a reload that changes its options: what comes waits in its queue, and when "
        "that is full, when-full says what happens; outputs drain NAME waits until all that it has "
        "received by now is written; outputs rotate NAME begins a new file. reload reads the "
        "configuration again, as SIGHUP does, and ends when it is in force, or says what is wrong "
        "with it; then nothing has changed. With --dry-run it does not try files and addresses: a "
        "port that is in use comes to light at the reload itself, or with `spile config check`. "
        "log LEVEL says how much is told on standard error: error, "
        "warning, info or debug. stop has the program drain its outputs and end, and does not wait "
        "for that.\n\n"
        "All this is the API of spile-api(7), and --json prints its JSON. What cannot be done is "
        "told in one line, and the exit status is 1.",
    .operands = "VERB...",
    .operand_min = 1,
    .operand_max = 3,
    .operand_choices = verb_names,
    .size = sizeof(struct ctl),
    .options = ctl_options,
    .examples = ctl_examples,
    .run = ctl_run,
};
