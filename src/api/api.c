#include "api/api.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "base/address.h"
#include "base/nearest.h"
#include "base/number.h"
#include "base/put.h"
#include "conf/option.h"

enum { NAMES_TEXT_MAX = 768 };

const char *const api_directions[] = {[STATS_QUERY] = "query", [STATS_RESPONSE] = "response", NULL};

void api_refuse(const struct api_request *request, struct api_reply *reply, const char *name,
                const char *wanted)
{
    api_fail(reply, 400, "parameter '%s': '%s' is not %s", name,
             option_show(api_parameter(request, name)).text, wanted);
}

void api_refuse_item(struct api_reply *reply, const char *parameter, struct span item,
                     const char *(*name)(const void *ctx, size_t i))
{
    char names[NAMES_TEXT_MAX];
    size_t count = 0;
    while (name(NULL, count))
        count++;
    const char *near = nearest_name(item, name, NULL, count);
    api_fail(reply, 400, "parameter '%s': there is no '%s'%s%s%s%s", parameter,
             option_show(item).text, near ? " (did you mean '" : "", near ? near : "",
             near ? "'?)" : "", option_list_names(name, NULL, names, sizeof names));
}

bool api_number(const struct api_request *request, struct api_reply *reply, const char *name,
                uint64_t least, uint64_t most, uint64_t *value)
{
    struct span text = api_parameter(request, name);
    uint64_t number;
    if (!text.ptr)
        return true;
    if (number_parse(text, most, &number) && number >= least) {
        *value = number;
        return true;
    }
    char wanted[80];
    snprintf(wanted, sizeof wanted, "a number from %llu to %llu", (unsigned long long)least,
             (unsigned long long)most);
    api_refuse(request, reply, name, wanted);
    return false;
}

bool api_word(const struct api_request *request, struct api_reply *reply, const char *name,
              const char *const *words, unsigned *index)
{
    struct span text = api_parameter(request, name);
    if (!text.ptr)
        return true;
    char wanted[320] = "one of";
    for (unsigned i = 0; words[i]; i++) {
        if (span_equal(text, span_str(words[i]))) {
            *index = i;
            return true;
        }
        size_t len = strlen(wanted);
        snprintf(wanted + len, sizeof wanted - len, "%s %s", i ? "," : "", words[i]);
    }
    api_refuse(request, reply, name, wanted);
    return false;
}

bool api_direction(const struct api_request *request, struct api_reply *reply, const char *name,
                   int *direction)
{
    unsigned index = (unsigned)*direction;
    bool known = api_word(request, reply, name, api_directions, &index);
    *direction = (int)index;
    return known;
}

/* --- codes ---------------------------------------------------------------------------------- */

struct api_code api_rcode_name(unsigned code)
{
    struct api_code name = {"-"};
    if (code != STATS_NO_RCODE)
        *field_rcode(name.text, code) = '\0';
    return name;
}

struct api_code api_type_name(unsigned code)
{
    struct api_code name = {"-"};
    if (code != STATS_NO_QTYPE)
        *dns_type_put(name.text, (uint16_t)code) = '\0';
    return name;
}

/* Compares with each code's name, so whatever is shown is understood, too. */
static int find_rcode(struct span text)
{
    for (unsigned code = 0; code <= STATS_NO_RCODE; code++) {
        struct api_code name = api_rcode_name(code);
        if (strlen(name.text) == text.len &&
            strncasecmp(name.text, (const char *)text.ptr, text.len) == 0)
            return (int)code;
    }
    return -1;
}

static int find_type(struct span text)
{
    return span_equal(text, span_str("-")) ? STATS_NO_QTYPE : dns_type_parse(text);
}

static bool code_of(const struct api_request *request, struct api_reply *reply, const char *name,
                    int (*find)(struct span), unsigned limit, const char *wanted, int *code)
{
    struct span text = api_parameter(request, name);
    uint64_t number;
    if (!text.ptr)
        return true;
    int found =
        number_parse(text, UINT64_MAX, &number) ? (number < limit ? (int)number : -1) : find(text);
    if (found >= 0)
        *code = found;
    else
        api_refuse(request, reply, name, wanted);
    return found >= 0;
}

bool api_rcode(const struct api_request *request, struct api_reply *reply, const char *name,
               int *code)
{
    return code_of(request, reply, name, find_rcode, STATS_NO_RCODE,
                   "a response code, by name or number", code);
}

bool api_type(const struct api_request *request, struct api_reply *reply, const char *name,
              int *code)
{
    return code_of(request, reply, name, find_type, STATS_NO_QTYPE, "a type, by name or number",
                   code);
}

/* --- streams and domains -------------------------------------------------------------------- */

/* How many bytes of the text make its first byte; that is in *byte. */
static size_t presented_byte(struct span text, uint8_t *byte)
{
    const uint8_t *p = text.ptr;
    *byte = p[0];
    if (p[0] != '\\' || text.len < 2)
        return 1;
    if (p[1] == '\\')
        return 2;
    if (text.len < 4 || !isdigit(p[1]) || !isdigit(p[2]) || !isdigit(p[3]))
        return 1;
    int number = (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0');
    if (number > UINT8_MAX)
        return 1;
    *byte = (uint8_t)number;
    return 4;
}

struct span api_identity(const struct api_request *request, struct api_identity *identity)
{
    struct span text = api_parameter(request, "stream");
    size_t len = 0;
    if (!text.ptr)
        return text;
    while (text.len > 0 && len < sizeof identity->bytes) {
        size_t used = presented_byte(text, &identity->bytes[len++]);
        text = span_of(text.ptr + used, text.len - used);
    }
    return span_of(identity->bytes, len);
}

bool api_stream(const struct api_request *request, struct api_reply *reply,
                const struct stats_snapshot *snapshot, int *stream)
{
    struct api_identity identity;
    struct span name = api_identity(request, &identity);
    *stream = STATS_ALL;
    if (!name.ptr)
        return true;
    *stream = stats_snapshot_find(snapshot, name);
    if (*stream == STATS_ALL)
        api_fail(reply, 404, "parameter 'stream': there is no stream '%s'", option_show(name).text);
    return *stream != STATS_ALL;
}

bool api_domain(const struct api_request *request, struct api_reply *reply, const char *name,
                struct api_domain *domain)
{
    struct span text = api_parameter(request, name);
    domain->text_len = domain->wire_len = 0;
    if (!text.ptr)
        return true;
    size_t len = dns_name_parse(text, domain->wire);
    if (len == 0) {
        api_refuse(request, reply, name, "a domain name");
        return false;
    }
    struct dns_name wire = {.wire = domain->wire, .len = (uint8_t)len};
    domain->wire_len = len;
    domain->text_len = (size_t)(dns_name_put(domain->text, wire) - domain->text);
    return true;
}

bool api_part(const struct api_request *request, struct api_reply *reply, const char *name,
              struct api_part *part)
{
    struct span text = api_parameter(request, name);
    part->len = 0;
    if (!text.ptr)
        return true;
    if (text.len == 0 || text.len > sizeof part->text) {
        api_fail(reply, 400, "parameter '%s': 1 to %zu bytes of a name or an address", name,
                 sizeof part->text);
        return false;
    }
    for (; part->len < text.len; part->len++)
        part->text[part->len] = (char)tolower(text.ptr[part->len]);
    return true;
}

bool api_address(const struct api_request *request, struct api_reply *reply, const char *name,
                 uint8_t *space, struct span *address)
{
    struct span text = api_parameter(request, name);
    if (!text.ptr)
        return true;
    if (span_equal(text, span_str("-"))) {
        *address = span_of(space, 0);
        return true;
    }
    if (!address_parse(space, text)) {
        api_refuse(request, reply, name, "an address");
        return false;
    }
    *address = dnstap_address(span_of(space, ADDRESS_BYTES)); /* ::ffff:192.0.2.1 is IPv4 here */
    return true;
}

const char *api_put_address(char *text, struct span address)
{
    char *end = address.len == 4    ? put_ipv4(text, address.ptr)
                : address.len == 16 ? put_ipv6(text, address.ptr)
                                    : put_char(text, '-');
    *end = '\0';
    return text;
}

bool api_item(struct span *list, struct span *item)
{
    if (!list->ptr)
        return false;
    const uint8_t *comma = memchr(list->ptr, ',', list->len);
    *item = span_of(list->ptr, comma ? (size_t)(comma - list->ptr) : list->len);
    *list = comma ? span_of(comma + 1, list->len - item->len - 1) : (struct span){0};
    return true;
}

/* --- replies -------------------------------------------------------------------------------- */

struct json api_begin(struct api_reply *reply)
{
    struct json j = json_begin(&reply->body);
    json_object(&j);
    return j;
}

void api_end(struct json *j, struct api_reply *reply)
{
    json_object_end(j);
    if (reply->body.failed)
        api_fail(reply, 503, "no memory for the answer");
}
