/* The counters of one stream, and of all. Plain numbers: who holds them says who may touch them. */
#ifndef SPILE_STATS_COUNTERS_H
#define SPILE_STATS_COUNTERS_H

#include "stats/measure.h"
#include "stats/quantile.h"
#include "stats/sample.h"

enum {
    COUNTERS_RCODES = 32,  /* 0 to 30 by number; the last: all above (IANA has 24 today) */
    COUNTERS_QTYPES = 268, /* 0 to 267 by number: all that are assigned in a row */
    COUNTERS_RARE = 32,    /* larger types, in order of appearance; the last slot: all others */
    COUNTERS_FLAGS = 8,    /* stats_flag_names: qr aa tc rd ra z ad cd */
    COUNTERS_SIZES = 10,   /* stats_size_bounds, and one for what is longer */
    COUNTERS_MESSAGES = DNSTAP_UPDATE_RESPONSE + 1,
    COUNTERS_TRANSPORTS = DNSTAP_DOQ + 1,
    COUNTERS_STEPPED = COUNTERS_TRANSPORTS - 1, /* those that are known */
    COUNTERS_FAMILIES = DNSTAP_INET6 + 1,
    COUNTERS_LEFT_OUT = SAMPLE_CONTEXT - SAMPLE_LEFT_OUT, /* stats_left_out_names */
    COUNTERS_UDP_SIZES = 6,                               /* stats_udp_sizes, and all others */
    COUNTERS_EDNS_VERSIONS = 2,                           /* 0, and all others: there is none yet */
    COUNTERS_BUCKETS = 6, /* dnstap-receiver's: up to 1, 10, 50, 100, 1000 ms, and slower */
};

/* Of one direction, queries or responses. */
struct stats_direction_counters {
    uint64_t events;
    uint64_t bytes;
    uint64_t transport[COUNTERS_TRANSPORTS]; /* by enum dnstap_protocol; 0: unknown */
    uint64_t family[COUNTERS_FAMILIES];      /* 0: unknown, 1: INET, 2: INET6 */
    uint64_t opcode[16];
    uint64_t flags[COUNTERS_FLAGS];
    uint64_t rcode[COUNTERS_RCODES];
    uint64_t qtype[COUNTERS_QTYPES];
    uint64_t rare_qtype[COUNTERS_RARE];
    uint64_t no_qtype; /* without a question */
    uint64_t no_header;
    uint64_t marks[SAMPLE_MARKS];
    uint64_t size[COUNTERS_SIZES];         /* a histogram, not cumulative */
    uint64_t udp_size[COUNTERS_UDP_SIZES]; /* by what EDNS says the sender can take */
    uint64_t edns_version[COUNTERS_EDNS_VERSIONS];
    uint64_t bucket[COUNTERS_BUCKETS];
    uint64_t timed;          /* events whose latency is known */
    uint64_t latency_sum_us; /* their sum; each adds at most UINT32_MAX, and a negative one, which
                                only --compat has, nothing */
};

/* Exchanges that came by half, as stage/loss.h judges. */
enum stats_loss {
    LOSS_UNANSWERED, /* queries without a response; upstream that is no loss, but a time-out */
    LOSS_UNASKED,    /* responses without a query */
    STATS_LOSSES
};

struct stats_counters {
    struct stats_direction_counters direction[STATS_DIRECTIONS];
    uint64_t loss[STATS_LOSSES];
    uint64_t message[COUNTERS_MESSAGES]; /* by enum dnstap_message_type; 0: unknown */
    /* Of responses whose latency is known, by transport; the sums are as in a direction. */
    uint64_t transport_timed[COUNTERS_TRANSPORTS];
    uint64_t transport_latency_us[COUNTERS_TRANSPORTS];
    uint64_t steps[COUNTERS_STEPPED][QUANTILE_STEPS]; /* by enum dnstap_protocol, less 1 */
    uint64_t latency[QUANTILE_BUCKETS];               /* of responses; quantile.h */
    uint16_t rare_type[COUNTERS_RARE];                /* which types rare_qtype counts; 0: free */
};

extern const uint32_t stats_size_bounds[COUNTERS_SIZES - 1]; /* bytes, inclusive */
/* UDP payload sizes that servers and operators choose: the first stands for all up to it, since
 * less means as much (RFC 6891, 6.2.3); the others for themselves alone. */
extern const uint16_t stats_udp_sizes[COUNTERS_UDP_SIZES - 1];
extern const char *const stats_udp_size_names[COUNTERS_UDP_SIZES];
extern const char *const stats_edns_version_names[COUNTERS_EDNS_VERSIONS];
extern const int64_t stats_bucket_bounds_ns[COUNTERS_BUCKETS - 1]; /* inclusive */
extern const char *const stats_flag_names[COUNTERS_FLAGS];
extern const char
    *const stats_left_out_names[COUNTERS_LEFT_OUT]; /* of marks, from SAMPLE_LEFT_OUT */
extern const uint16_t stats_flag_bits[COUNTERS_FLAGS];

/* The latencies over one transport, QUANTILE_STEPS of them; NULL: of those that are not known there
 * are none. */
static inline const uint64_t *stats_steps(const struct stats_counters *counters, unsigned transport)
{
    return transport > 0 ? counters->steps[transport - 1] : NULL;
}

/* Adds `from` to `into`. The sum is exactly what one set of counters would hold that saw both, as
 * long as both together saw fewer than COUNTERS_RARE rare types; with more, which types have slots
 * of their own depends on the order of adding. */
void stats_counters_add(struct stats_counters *into, const struct stats_counters *from);
/* What a sample adds to a row of a table. */
void stats_values_of_sample(struct stats_values *values, const struct stats_sample *sample);
/* Counts the sample, whose fields may have any values: what follows from its kind, and what is its
 * own. Of many samples of one kind the first is the same, so it may be done once for all. */
void stats_counters_sample(struct stats_counters *counters, const struct stats_sample *sample);
void stats_counters_kind(struct stats_counters *counters, const struct sample_kind *kind,
                         uint64_t hits);
void stats_counters_own(struct stats_counters *counters, const struct stats_sample *sample);

#endif
