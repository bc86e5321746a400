/*
 * A sample: what statistics take of one event. The reader of events (stats/reader.c; for
 * dnstap-receiver's view of them compat/receiver_reader.c) fills it on the worker's thread.
 *
 * Names are opaque keys of at most SAMPLE_NAME_MAX bytes here: the native reader takes the wire
 * form in lower case, the compatible one text. `struct stats_reader` brings along how a key is
 * shown.
 */
#ifndef SPILE_STATS_SAMPLE_H
#define SPILE_STATS_SAMPLE_H

#include <assert.h>

#include "event/event.h"

enum stats_direction { STATS_QUERY, STATS_RESPONSE, STATS_DIRECTIONS };

/* What the sender of dnstap was asked, and what it asked others, are counted apart. A message of a
 * type that is not known has a direction, and so counts: with what was asked. */
enum stats_side {
    STATS_CLIENT = DNSTAP_SIDE_CLIENT,
    STATS_UPSTREAM = DNSTAP_SIDE_UPSTREAM,
    STATS_SIDES
};

/* A stream on one side: what numbers and rows are kept by. */
static inline uint16_t stats_group(unsigned stream, unsigned side)
{
    return (uint16_t)(stream * STATS_SIDES + side);
}

enum { SAMPLE_NAME_MAX = 255, SAMPLE_TEXT_MAX = DNS_NAME_TEXT_MAX };

/* Marks of a sample; each is also a counter (stats_counters.marks). Numbers in databases: never
 * changed. */
enum sample_mark {
    SAMPLE_EDNS,         /* carries an OPT record */
    SAMPLE_DO,           /* with its DO flag */
    SAMPLE_NODATA,       /* a response: the name is there, but nothing of that type (RFC 2308) */
    SAMPLE_NO_DNS,       /* no DNS header in it */
    SAMPLE_BAD_QUESTION, /* the question cannot be read */
    SAMPLE_BAD_RECORDS, /* a record before OPT cannot be read; those behind OPT are not looked at */
    /* The latency is left out: in the order of enum event_left_out. */
    SAMPLE_LEFT_OUT,
    SAMPLE_NEGATIVE = SAMPLE_LEFT_OUT,
    SAMPLE_BEYOND,
    SAMPLE_CONTEXT, /* in the order of enum event_context */
    SAMPLE_AGAIN = SAMPLE_CONTEXT,
    SAMPLE_AFTER_TRUNCATED,
    SAMPLE_CACHED,
    SAMPLE_FETCHED,
    SAMPLE_TRUNCATED, /* a response over UDP with TC */
    SAMPLE_MARKS
};

/* What many samples have in common: what there is to count of it is the same for all of them. No
 * byte of it is padding, so that two are compared by their bytes. */
struct sample_kind {
    uint16_t flags;    /* of the DNS header; with has_header, as is the next; else 0 */
    uint16_t rcode;    /* with its extended bits, but under --compat */
    uint16_t marks;    /* bits, 1 << enum sample_mark */
    uint16_t udp_size; /* with SAMPLE_EDNS, as is the next; else 0 */
    uint8_t edns_version;
    uint8_t direction;    /* enum stats_direction */
    uint8_t side;         /* enum stats_side: where it counts */
    uint8_t message_type; /* 0: unknown */
    uint8_t transport;    /* enum dnstap_protocol; 0: unknown */
    uint8_t family;       /* DNSTAP_INET, DNSTAP_INET6; 0: unknown */
    bool has_header;
    bool has_qtype;
};
static_assert(sizeof(struct sample_kind) == 16, "no padding");

struct stats_sample {
    struct span identity; /* empty: the stream "-" */
    struct span client;   /* query address: 0, 4 or 16 bytes; never NULL */
    struct span server;   /* response address */
    struct span name;     /* the key; empty: no question */
    uint64_t name_hash;   /* siphash_bytes of it, by the event's key; with a name */
    uint64_t client_hash; /* the same of the client */
    uint32_t length;      /* of the DNS message, bytes */
    int64_t latency_ns;   /* with has_latency */
    uint64_t time_ns;     /* when the event was, Unix time; 0: not known */
    uint32_t origin;      /* id of the connection */
    struct sample_kind kind;
    uint16_t qtype; /* with has_qtype */
    bool has_latency;
    bool ticks; /* its times tell how finely the server's clock ticks */
};

/* How events become samples, and keys become text. Constant. */
struct stats_reader {
    uint32_t needs; /* facets */
    /* Fills the sample, whose name may live in `space` (SAMPLE_NAME_MAX + 1 bytes), or, as all
     * other spans of it, in the event. False: the event counts as malformed, and nothing else of it
     * counts. */
    bool (*read)(struct event *ev, uint8_t *space, struct stats_sample *sample);
    /* All counts on the client side, with clients and servers. Else the client side has no servers
     * and the upstream side no clients: that would be the sender itself. */
    bool one_side;
    bool wire_keys; /* keys are names in wire form; else text with a final dot */
    /* The key as text, UTF-8, not escaped for any format; at most SAMPLE_TEXT_MAX bytes at `p`,
     * returns the byte behind the last. */
    char *(*put_name)(char *p, struct span key);
    /* Optional; of text keys: the label that counts as TLD, or absent. Without it: the last one. */
    struct span (*tld)(struct span text);
};

extern const struct stats_reader stats_native_reader;
/* Fills the sample as its `read` does, but for the name and the hashes, for any event whose dnstap
 * message was decoded. Other readers call this first and then change what they see otherwise. */
void stats_native_fill(struct event *ev, struct stats_sample *sample);

#endif
