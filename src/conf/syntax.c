/*
 * Errors of YAML for people. libyaml says what its grammar expected, and where it noticed; who
 * wrote the text wants to know what is wrong with the line, and what to do. Rules look at libyaml's
 * words and at the text around the place; the first that fits speaks. What no rule knows is said in
 * libyaml's words.
 */
#include "conf/syntax.h"

#include <stdio.h>

/* A failed parse. */
struct slip {
    const yaml_parser_t *parser;
    struct span text;
    struct span line;   /* that of the problem */
    struct span before; /* what stands in it before the problem */
    struct span rest;   /* and from the problem on */
    yaml_mark_t at;     /* the place to tell: of the problem, unless a rule knows better */
};

/* --- the text ------------------------------------------------------------------------------- */

/* How many bytes of a line's end stand at the front: YAML 1.1 knows \n, \r, both, NEL, LS and PS.
 */
static size_t break_len(struct span text)
{
    static const char *const breaks[] = {"\r\n",     "\n",           "\r",
                                         "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        size_t len = strlen(breaks[i]);
        if (text.len >= len && memcmp(text.ptr, breaks[i], len) == 0)
            return len;
    }
    return 0;
}

/* Takes the first line, without its end, off the text. */
static struct span next_line(struct span *text)
{
    size_t len = 0, end = 0;
    while (len < text->len && !(end = break_len(span_of(text->ptr + len, text->len - len))))
        len++;
    struct span line = span_of(text->ptr, len);
    *text = span_of(text->ptr + len + end, text->len - len - end);
    return line;
}

/* The n-th line, from 0; empty behind the last. */
static struct span line_of(struct span text, size_t n)
{
    while (n-- > 0 && text.len > 0)
        next_line(&text);
    return next_line(&text);
}

/* How many bytes the first `columns` characters take; libyaml counts characters. */
static size_t bytes_of(struct span line, size_t columns)
{
    size_t at = 0;
    for (; at < line.len; at++) {
        bool begins = (line.ptr[at] & 0xc0) != 0x80;
        if (begins && columns-- == 0)
            break;
    }
    return at;
}

struct span config_rest_of_line(struct span text, yaml_mark_t at)
{
    struct span line = line_of(text, at.line);
    size_t used = bytes_of(line, at.column);
    return used ? span_of(line.ptr + used, line.len - used) : line;
}

static char first(struct span text)
{
    return text.len ? (char)text.ptr[0] : '\0';
}

/* How many blanks a line begins with. */
static size_t indent_of(struct span line)
{
    size_t n = 0;
    while (n < line.len && (line.ptr[n] == ' ' || line.ptr[n] == '\t'))
        n++;
    return n;
}

static bool has(struct span text, const char *what)
{
    return text.len && memmem(text.ptr, text.len, what, strlen(what));
}

/* --- what libyaml says ---------------------------------------------------------------------- */

static bool says(const struct slip *s, const char *words)
{
    return strstr(s->parser->problem, words);
}

static bool while_in(const struct slip *s, const char *words)
{
    return s->parser->context && strstr(s->parser->context, words);
}

/* The line that libyaml was in when the construct began, from there on. */
static struct span context_rest(const struct slip *s)
{
    return config_rest_of_line(s->text, s->parser->context_mark);
}

/* --- rules ---------------------------------------------------------------------------------- */

static bool tab(struct slip *s, struct error *err)
{
    size_t indent = indent_of(s->line);
    const uint8_t *stands = indent ? memchr(s->line.ptr, '\t', indent) : NULL;
    if (!stands && first(s->rest) != '\t')
        return false;
    if (stands)
        s->at.column = (size_t)(stands - s->line.ptr);
    error_set(err, "a tab stands here, which YAML does not take: indent with spaces");
    return true;
}

static bool reader(struct slip *s, struct error *err)
{
    if (s->parser->error != YAML_READER_ERROR)
        return false;
    if (says(s, "control characters"))
        error_set(err, "control characters are not allowed");
    else
        error_set(err, "this is not UTF-8; save the file as UTF-8, or take the character away");
    return true;
}

static bool open_quote(struct slip *s, struct error *err)
{
    if (!while_in(s, "quoted scalar") ||
        !(says(s, "end of stream") || says(s, "document indicator")))
        return false;
    s->at = s->parser->context_mark;
    error_set(err, "the quote that begins here has no end: put a %c behind the value",
              first(context_rest(s)));
    return true;
}

static bool escape(struct slip *s, struct error *err)
{
    if (!says(s, "escape character") && !says(s, "hexdecimal number"))
        return false;
    error_set(err, "between double quotes a \\ begins an escape, and this one is unknown: write "
                   "\\\\, or put the value between single quotes");
    return true;
}

/* What an unquoted value must not begin with, since YAML does something else with it. */
static const struct {
    char c;
    const char *use;
} specials[] = {
    {'*', "takes it for an alias of what has that name with &"},
    {'&', "takes it for an anchor's name"},
    {'!', "takes it for a tag"},
    {'>', "takes it for the head of a text of many lines"},
    {'|', "takes it for the head of a text of many lines"},
    {'@', "has reserved it"},
    {'`', "has reserved it"},
    {'%', "takes it for a directive"},
};

/* The row of a character, or NULL. */
static const char *use_of(char c)
{
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        if (specials[i].c == c)
            return specials[i].use;
    }
    return NULL;
}

bool config_special(struct span value, struct error *err)
{
    const char *use = use_of(first(value));
    if (first(value) == '#')
        error_set(err, "what stands behind a # is a comment: put quotes around the value");
    else if (use)
        error_set(err, "put quotes around a value that begins with %c: YAML %s", first(value), use);
    return use || first(value) == '#';
}

static bool special(struct slip *s, struct error *err)
{
    bool in_context = while_in(s, "alias") || while_in(s, "anchor") || while_in(s, "tag") ||
                      while_in(s, "block scalar") || while_in(s, "directive");
    if (!in_context && !says(s, "cannot start any token") && !says(s, "undefined alias"))
        return false;
    yaml_mark_t at = in_context ? s->parser->context_mark : s->at;
    struct span value = config_rest_of_line(s->text, at);
    if (!use_of(first(value)))
        return false;
    s->at = at;
    return config_special(value, err);
}

/* [::1]:6000 begins a list. */
static bool mark_first(struct slip *s, struct error *err)
{
    char c = first(s->rest);
    if ((c != ':' && c != ',') || !says(s, "node content"))
        return false;
    if (c == ':')
        error_set(err, "put quotes around what begins with ':' or '[', as in '[::1]:6000'");
    else
        error_set(err, "put quotes around a value that begins with a ','");
    return true;
}

static bool behind_quotes(struct slip *s, struct error *err)
{
    char last = s->before.len ? (char)s->before.ptr[s->before.len - 1] : '\0';
    if (!says(s, "did not find expected") || (last != '\'' && last != '"') || s->rest.len == 0)
        return false;
    error_set(err,
              "the quotes end before this; inside of single quotes a ' is written twice, inside "
              "of double ones a \" as \\\"");
    return true;
}

static bool closed_too_often(struct slip *s, struct error *err)
{
    char c = first(s->rest);
    if ((c != ']' && c != '}') || while_in(s, "flow"))
        return false;
    error_set(err,
              "this '%c' closes nothing: take it away, or put the %c where the list or the "
              "options begin",
              c, c == ']' ? '[' : '{');
    return true;
}

/* Of ${NAME} between braces YAML takes the { for its own. */
static bool bare_variable(struct slip *s, struct error *err)
{
    char last = s->before.len ? (char)s->before.ptr[s->before.len - 1] : '\0';
    if (!while_in(s, "flow") || last != '$' || first(s->rest) != '{')
        return false;
    s->at.column--;
    error_set(err, "between braces or brackets put quotes around a value that has ${NAME} in it, "
                   "as in \"${NAME}\"");
    return true;
}

/* A bracket that is still open where another line begins, or the text ends. */
static void say_open(struct slip *s, struct error *err)
{
    struct span begun = context_rest(s);
    const char *remark = has(begun, " #") ? " (what stands behind a # is a comment)" : "";
    s->at = s->parser->context_mark;
    if (first(begun) == '[' || first(begun) == '{')
        error_set(err, "the '%c' that stands here has no '%c'%s", first(begun),
                  first(begun) == '[' ? ']' : '}', remark);
    else
        error_set(err, "above this a '[' or '{' has no end; what stands behind a # is a comment");
}

static bool open_bracket(struct slip *s, struct error *err)
{
    bool sequence = while_in(s, "flow sequence"), flow = sequence || while_in(s, "flow mapping");
    if (!flow && !(while_in(s, "flow node") && s->rest.len == 0))
        return false;
    if (s->parser->context_mark.line != s->at.line || s->rest.len == 0)
        say_open(s, err);
    else
        error_set(err, "before this a ',' is missing, or the %s",
                  sequence ? "']' of the list" : "'}' of the options");
    return true;
}

/* A key without its colon shows only when the next line has come. */
static bool no_colon(struct slip *s, struct error *err)
{
    if (!says(s, "could not find expected ':'"))
        return false;
    s->at = s->parser->context_mark;
    struct span begun = context_rest(s);
    error_set(err, has(begun, ":") ? "a space is missing behind the ':'"
                                   : "a ':' and a space are missing behind the name");
    return true;
}

static bool second_colon(struct slip *s, struct error *err)
{
    if (!says(s, "mapping values are not allowed") || !has(s->before, ": "))
        return false;
    error_set(err,
              "put quotes around a value that has ': ' in it; options stand between { and }, or "
              "in lines below, further to the right");
    return true;
}

static bool dash_behind(struct slip *s, struct error *err)
{
    if (!says(s, "block sequence entries") || indent_of(s->before) == s->before.len)
        return false;
    error_set(err,
              "items of a list ('- ') stand in lines of their own below the name; a value that "
              "begins with '-' needs quotes");
    return true;
}

static bool too_far_right(struct slip *s, struct error *err)
{
    if (!says(s, "mapping values are not allowed") && !says(s, "sequence entries"))
        return false;
    s->at.column = indent_of(s->line);
    error_set(err, "wrong indentation: this line stands further to the right than the one above, "
                   "which has a value already; put both in the same column");
    return true;
}

/* The column, from 1, in which the last line before this one begins that is not empty. */
static size_t column_above(const struct slip *s)
{
    struct span text = s->text;
    size_t column = 1;
    for (size_t n = 0; n < s->at.line && text.len > 0; n++) {
        struct span line = next_line(&text);
        size_t indent = indent_of(line);
        if (indent < line.len && line.ptr[indent] != '#')
            column = indent + 1;
    }
    return column;
}

static bool no_name(struct slip *s, struct error *err)
{
    if (!while_in(s, "block") || first(s->rest) != ':')
        return false;
    error_set(err, "a name is missing in front of this ':'");
    return true;
}

static bool wrong_column(struct slip *s, struct error *err)
{
    char other[32] = "";
    bool list = while_in(s, "block collection"), block = list || while_in(s, "block mapping");
    if (!block || indent_of(s->before) < s->before.len)
        return false;
    size_t column = s->parser->context_mark.column + 1, above = column_above(s);
    if (list && column == s->at.column + 1) {
        error_set(err, "a '- ' is missing before this item of the list, or the line stands in the "
                       "wrong column");
        return true;
    }
    if (above != column)
        snprintf(other, sizeof other, " or %zu", above);
    error_set(err,
              "wrong indentation: this line begins in column %zu, but what it could belong to "
              "begins in column %zu%s",
              s->at.column + 1, column, other);
    return true;
}

static bool outside(struct slip *s, struct error *err)
{
    if (!says(s, "<document start>"))
        return false;
    error_set(err, "wrong indentation: this line stands further to the left than the first one, or "
                   "behind the end; all names at the top begin in the same column");
    return true;
}

static bool (*const rules[])(struct slip *s, struct error *err) = {
    reader,       tab,           open_quote,       escape,        special,
    mark_first,   behind_quotes, closed_too_often, bare_variable, open_bracket,
    no_colon,     second_colon,  dash_behind,      too_far_right, no_name,
    wrong_column, outside,
};

/* The place of a byte, for complaints of libyaml's reader, which knows no lines. */
static yaml_mark_t mark_of_byte(struct span text, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        mark.column = text.ptr[i] == '\n' ? 0 : mark.column + 1;
        mark.line += text.ptr[i] == '\n';
    }
    return mark;
}

int config_syntax(const yaml_parser_t *parser, struct span text, struct error *err, yaml_mark_t *at)
{
    *at = (yaml_mark_t){0};
    if (!parser->problem) /* libyaml does not always say YAML_MEMORY_ERROR */
        return error_set(err, "out of memory");
    struct slip slip = {.parser = parser, .text = text, .at = parser->problem_mark};
    if (parser->error == YAML_READER_ERROR)
        slip.at = mark_of_byte(text, parser->problem_offset);
    slip.line = line_of(text, slip.at.line);
    slip.rest = config_rest_of_line(text, slip.at);
    slip.before = span_of(slip.line.ptr, slip.line.len - slip.rest.len);
    size_t rule = 0, count = sizeof rules / sizeof *rules;
    while (rule < count && !rules[rule](&slip, err))
        rule++;
    if (rule == count)
        error_set(err, "%s", parser->problem);
    *at = slip.at;
    return -1;
}
