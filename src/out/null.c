/*
 * Output `null`: decodes every event as far as it is told, and forgets it. For measuring, for
 * trying a server's connection, and as the model of an output: this is all that a module needs to
 * say.
 */
#include "core/output.h"

struct null_options {
    int decode; /* enum depth */
};

/* How far to decode; names and facets go in step. */
enum depth { DEPTH_NONE, DEPTH_HEADER, DEPTH_QUESTION, DEPTH_ALL };

static const char *const depth_names[] = {
    [DEPTH_NONE] = "none",
    [DEPTH_HEADER] = "header",
    [DEPTH_QUESTION] = "question",
    [DEPTH_ALL] = "all",
    NULL,
};

static const uint32_t depth_facets[] = {
    [DEPTH_NONE] = 0,
    [DEPTH_HEADER] = FACET_HEADER,
    [DEPTH_QUESTION] = FACET_QUESTION,
    [DEPTH_ALL] = FACET_QUESTION | FACET_RECORDS | FACET_POLICY | FACET_LATENCY,
};

static const struct option null_rows[] = {
    {.name = "decode",
     .type = OPTION_ENUM,
     .offset = offsetof(struct null_options, decode),
     .fallback = "none",
     .choices = depth_names,
     .doc = "how far each event is decoded before it is forgotten"},
    {0},
};

static uint32_t null_needs(const struct output *out)
{
    const struct null_options *null = out->options;
    return depth_facets[null->decode];
}

/* A DNS message that is malformed is still an event; what is no dnstap message is none. */
static int null_event(struct output *out, unsigned worker, struct event *ev)
{
    (void)out;
    (void)worker;
    return ev->bad & FACET_DNSTAP ? DROP_MALFORMED : FORMAT_WRITTEN;
}

static const struct output_hooks null_hooks = {
    .needs = null_needs,
    .event = null_event,
};

const struct module output_null = {
    .name = "null",
    .kind = MODULE_OUTPUT,
    .doc = "Decodes every event as far as it is told, and forgets it: for measuring and for trying "
           "things out.",
    .options_size = sizeof(struct null_options),
    .options = null_rows,
    .common = &output_inline,
    .hooks = &null_hooks,
};
