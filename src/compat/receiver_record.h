/*
 * An event as dnstap-receiver 4.7.0 sees it: what its decoder makes of a frame, quirks included.
 * Shared by the compatible formats and the compatible latency stage.
 *
 * Its decoder knows nothing of Spile's facets beyond the protobuf: which half of a message counts,
 * how a name is read, and what is an error are all matters of its own.
 */
#ifndef SPILE_COMPAT_RECEIVER_RECORD_H
#define SPILE_COMPAT_RECEIVER_RECORD_H

#include "base/buf.h"
#include "base/put.h"
#include "compat/receiver_words.h"
#include "event/event.h"

/* The head of a record: what is checked before a message is taken at all. Borrows the frame. */
struct receiver_head {
    uint32_t message_type; /* 1 to 14 */
    uint32_t family;
    uint32_t protocol;
    bool query;
    struct span dns;           /* of the message's own direction; at least 12 bytes */
    struct span identity;      /* UTF-8; never empty: absent is "-" */
    struct span query_address; /* 0, 4 or 16 bytes */
    struct span response_address;
    double timestamp; /* seconds */
};

/* An address as text; "-" when absent. */
struct receiver_address {
    uint8_t len;
    char text[PUT_IPV6_MAX];
};

/* Owner: one format instance, which reads event after event into it. */
struct receiver_record {
    struct receiver_head head;
    const struct receiver_word *message;
    const struct receiver_word *family;
    const struct receiver_word *protocol;
    const struct receiver_word *rcode;
    const struct receiver_word *rrtype;
    struct receiver_address query_ip;
    struct receiver_address response_ip;
    uint32_t query_port; /* 0: absent */
    uint32_t response_port;
    uint16_t id;
    struct span qname; /* UTF-8, unescaped; "-" without a question */
    bool has_latency;
    double latency;    /* seconds, rounded to three decimals */
    char datetime[32]; /* 2026-11-21T09:13:40.000064+00:00 */
    uint8_t datetime_len;
    struct buf name_space;        /* what qname lives in */
    struct put_time_cache second; /* the second of `datetime` */
};

/* Room that the words, numbers, addresses and times of a record need at most, besides the identity
 * and the name. */
enum { RECEIVER_FIXED_MAX = 1024 };

/* FORMAT_WRITTEN when 4.7.0 would take the event, else the drop_reason. What would have ended
 * the connection in 4.7.0 counts as malformed here. */
int receiver_head_read(struct receiver_head *head, struct event *ev);

/* *question gets what follows the DNS header; false when the header announces no question. */
bool receiver_question(const struct receiver_head *head, struct span *question);
/* The first question's name as text, UTF-8, with final dot, in at most `size` bytes (1 at least);
 * returns its length. The type is 0 when it is not there whole. */
size_t receiver_put_qname(char *text, size_t size, struct span question, uint16_t *type);

/* The whole record; returns as receiver_head_read, or DROP_MEMORY. */
int receiver_record_read(struct receiver_record *record, struct event *ev);
void receiver_record_free(struct receiver_record *record);

static inline char *receiver_put_address(char *p, const struct receiver_address *address)
{
    memcpy(p, address->text, sizeof address->text);
    return p + address->len;
}

#endif
