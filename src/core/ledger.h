/*
 * The ledger: the counters that account for every event, per output.
 *
 *     received = delivered + filtered + dropped{reason} + in flight
 *
 * A frame that is no dnstap message is no event: its input counts it, once, and only outputs that
 * take any frame (fstrm) ever see it.
 *
 * Workers count what they received and dropped in shards of their own; the output's thread counts
 * what it delivered.
 */
#ifndef SPILE_CORE_LEDGER_H
#define SPILE_CORE_LEDGER_H

#include "base/counter.h"
#include "base/json.h"

/* Why an event did not arrive. Names in ledger.c, one row each. 0 is none of them: that is what a
 * hook returns for an event that arrived. */
enum drop_reason {
    DROP_MALFORMED = 1, /* the frame is not a dnstap message (an input's loss, see below), or one
                           that dnstap-receiver's formats cannot print */
    DROP_SHORT,    /* no DNS header in it (dnstap-receiver's formats leave such messages out) */
    DROP_MEMORY,   /* no memory to format it */
    DROP_FULL,     /* the queue was full: drop-newest, or block past block-max */
    DROP_OLDEST,   /* pushed out of a full queue by newer ones: drop-oldest */
    DROP_WRITE,    /* the output failed for good */
    DROP_SHUTDOWN, /* still queued when the shutdown's time was up */
    DROP_REASONS,
    DROP_FIRST = DROP_MALFORMED
};

enum { LEDGER_LINE_MAX = 512 };

/* Zeroed is empty. */
struct ledger {
    counter received;
    counter delivered;
    counter filtered; /* left out because the output's options say so: no loss */
    counter dropped[DROP_REASONS];
    counter truncated; /* of those received: records that do not show all of their event; no loss */
    counter bytes;
};

/* Writers next to each other, each with its own: one's counting must not cost another his cache
 * line. */
struct ledger_shard {
    _Alignas(64) struct ledger ledger;
    bool counts; /* the output was ready as the batch at hand came, and has it as received */
};

/* So many of them, empty, for free(). NULL: no memory. */
struct ledger_shard *ledger_shards_new(size_t count);

const char *drop_reason_name(enum drop_reason reason);

/* Adds `from` to `into`, which nobody else writes. */
void ledger_add(struct ledger *into, const struct ledger *from);

/* Sum over all reasons. */
uint64_t ledger_dropped(const struct ledger *ledger);

/* Events on their way: received and neither delivered, filtered nor dropped. */
uint64_t ledger_waiting(const struct ledger *ledger);

/* For a copy whose counters were read one after the other while others still counted: raises
 * `received` to the sum of what became of events, so that the copy adds up. */
void ledger_agree(struct ledger *ledger);

/* For a program that stops with events on their way: counts them as dropped (shutdown). */
void ledger_settle(struct ledger *ledger);

/* "ledger: OUTPUT received=N delivered=N filtered=N dropped=N (reason=N ...) in-flight=N" into
 * `out`, without newline; reasons that are zero are left out. Always terminated; LEDGER_LINE_MAX
 * bytes suffice. Behind it stands " truncated=N" where there were such. */
const char *ledger_line(const char *output, const struct ledger *ledger, char *out, size_t size);

/* An object {"output": ..., "received": ..., ..., "truncated": ..., "dropped": {"reason": N, ...}},
 * with every reason. */
void ledger_json(struct json *j, const char *output, const struct ledger *ledger);

#endif
