/*
 * What the handlers of /api/v1 share: the parameters of a request, checked, and the beginning and
 * the end of a reply.
 *
 * The functions that read a parameter return false when its value is none that the route knows; the
 * reply is then a 400 that names the parameter, and the handler has nothing more to do.
 */
#ifndef SPILE_API_API_H
#define SPILE_API_API_H

#include "api/route.h"
#include "base/json.h"
#include "event/field.h"
#include "stats/table.h"

/* A number from `least` to `most`; `*value` stays as it is when the parameter is absent. */
bool api_number(const struct api_request *request, struct api_reply *reply, const char *name,
                uint64_t least, uint64_t most, uint64_t *value);
/* One of the words; *index stays as it is when the parameter is absent. NULL ends the words. */
bool api_word(const struct api_request *request, struct api_reply *reply, const char *name,
              const char *const *words, unsigned *index);
/* "query" or "response" to enum stats_direction; *direction stays as it is when the parameter is
 * absent. */
bool api_direction(const struct api_request *request, struct api_reply *reply, const char *name,
                   int *direction);
/* A response code or a type, by name or number, or - for STATS_NO_RCODE and STATS_NO_QTYPE. */
bool api_rcode(const struct api_request *request, struct api_reply *reply, const char *name,
               int *code);
bool api_type(const struct api_request *request, struct api_reply *reply, const char *name,
              int *code);
/* The parameter `stream`: an index into the snapshot's streams, or STATS_ALL when it is absent. A
 * stream that is not there is a 404. */
bool api_stream(const struct api_request *request, struct api_reply *reply,
                const struct stats_snapshot *snapshot, int *stream);

/* The same parameter as the bytes of an identity, which need not be there; absent when it is.
 * Replies show identities in presentation form (base/escape.h), so that is what may be asked for:
 * what is no escape stands for itself. */
struct api_identity {
    uint8_t bytes[STREAM_NAME_MAX - 1];
};
struct span api_identity(const struct api_request *request, struct api_identity *identity);

/* A domain in lower case: its text with the final dot, as statistics show names, and its wire form.
 */
struct api_domain {
    char text[DNS_NAME_TEXT_MAX];
    uint8_t wire[DNS_NAME_MAX];
    size_t text_len, wire_len;
};
/* The parameter as a domain; *domain is empty when it is absent. */
bool api_domain(const struct api_request *request, struct api_reply *reply, const char *name,
                struct api_domain *domain);

/* The parameter as a part of names or addresses, in lower case, as statistics show them; empty when
 * it is absent. */
struct api_part {
    char text[255];
    size_t len;
};
bool api_part(const struct api_request *request, struct api_reply *reply, const char *name,
              struct api_part *part);

/* "192.0.2.1" or "2001:db8::1" as 4 or 16 bytes in `space`, "-" (what lists call it) as none;
 * *address stays as it is when the parameter is absent. */
bool api_address(const struct api_request *request, struct api_reply *reply, const char *name,
                 uint8_t *space, struct span *address);
/* The other way round, into PUT_IPV6_MAX + 1 bytes, terminated. */
const char *api_put_address(char *text, struct span address);

/* Takes the first item off a list of items between commas; false when there is none left. */
bool api_item(struct span *list, struct span *item);

/* A 400: the parameter's list has an item that is none of those which the getter (it ends with
 * NULL) gives: names the item, what may be meant, and those that there are. */
void api_refuse_item(struct api_reply *reply, const char *parameter, struct span item,
                     const char *(*name)(const void *ctx, size_t i));

/* A 400: "parameter 'n': " and what it should be. */
void api_refuse(const struct api_request *request, struct api_reply *reply, const char *name,
                const char *wanted);

/* Begins the object that every reply is. */
struct json api_begin(struct api_reply *reply);
/* Ends it; a 503 when there was no memory for it. */
void api_end(struct json *j, struct api_reply *reply);

/* The names of enum stats_direction: "query", "response"; NULL behind them. */
extern const char *const api_directions[];
/* Mnemonics of counters and codes, terminated: "NXDOMAIN", "RCODE31", "-" for none. */
struct api_code {
    char text[FIELD_WORD_MAX + 1];
};
struct api_code api_rcode_name(unsigned code);
struct api_code api_type_name(unsigned code);

#endif
