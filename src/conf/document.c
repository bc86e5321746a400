/*
 * YAML to a tree of nodes. The text is hostile: a first pass over libyaml's events bounds nesting
 * and anchors, for which its tree builder takes quadratic time.
 */
#include "conf/document.h"

#include "conf/syntax.h"

enum {
    DEPTH_MAX = 16, /* nesting; 8 is what can be valid */
    ANCHORS_MAX = 100,
};

int config_error_mark(struct error *err, const char *file, yaml_mark_t mark)
{
    return error_at(err, file, (unsigned)mark.line + 1, (unsigned)mark.column + 1);
}

static int syntax_error(const yaml_parser_t *parser, struct span text, const char *file,
                        struct error *err)
{
    yaml_mark_t at;
    config_syntax(parser, text, err, &at);
    return parser->problem ? config_error_mark(err, file, at) : -1;
}

/* What the first pass counts. */
struct yaml_census {
    unsigned depth;
    unsigned anchors;
    unsigned documents;
};

/* NULL, or what is too much with this event. */
static const char *count_event(struct yaml_census *census, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        census->documents++;
        break;
    case YAML_SCALAR_EVENT:
        census->anchors += event->data.scalar.anchor != NULL;
        break;
    case YAML_SEQUENCE_START_EVENT:
        census->anchors += event->data.sequence_start.anchor != NULL;
        census->depth++;
        break;
    case YAML_MAPPING_START_EVENT:
        census->anchors += event->data.mapping_start.anchor != NULL;
        census->depth++;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        census->depth--;
        break;
    default:
        break;
    }
    if (census->documents > 1)
        return "a configuration is one document; a second one begins here";
    if (census->depth > DEPTH_MAX)
        return "nested too deeply";
    return census->anchors > ANCHORS_MAX ? "too many anchors" : NULL;
}

/* One libyaml parser over the text; the caller deletes it. */
static int parser_open(yaml_parser_t *parser, struct span text, struct error *err)
{
    if (!yaml_parser_initialize(parser))
        return error_set(err, "out of memory");
    yaml_parser_set_input_string(parser, text.ptr, text.len);
    return 0;
}

/* The first pass: syntax and limits. */
static int check_text(struct span text, const char *file, struct error *err)
{
    yaml_parser_t parser;
    struct yaml_census census = {0};
    if (parser_open(&parser, text, err))
        return -1;
    int status = 0;
    for (bool ended = false; !ended && status == 0;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            status = syntax_error(&parser, text, file, err);
            break;
        }
        const char *problem = count_event(&census, &event);
        if (problem) {
            error_set(err, "%s", problem);
            status = config_error_mark(err, file, event.start_mark);
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

/* The second pass: the tree. */
static int build(yaml_document_t *document, struct span text, const char *file, struct error *err)
{
    yaml_parser_t parser;
    if (parser_open(&parser, text, err))
        return -1;
    int status = 0;
    if (!yaml_parser_load(&parser, document))
        status = syntax_error(&parser, text, file, err);
    yaml_parser_delete(&parser);
    return status;
}

int config_document(yaml_document_t *document, struct span text, const char *file,
                    struct error *err)
{
    return check_text(text, file, err) ? -1 : build(document, text, file, err);
}
