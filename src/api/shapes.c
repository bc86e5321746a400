/* Shapes that occur in more than one reply of the API. */
#include "api/shape.h"

const struct api_shape api_shapes[] = {
    {"Error", "{error: text (what was wrong, for people)}"},
    {"Bin",
     "{le: num? (upper bound, inclusive; null: there is none), count: int (not cumulative)}"},
    {"Rates", "{second: num (events in the last second), "
              "minute: num (events a second over the last minute; while the collector has run "
              "for less, since its start), "
              "quarter: num (the same over 15 minutes)} (of now, whatever the window)"},
    {"DirectionRates", "{queries: Rates, responses: Rates}"},
    {"Distinct",
     "{clients: int (of the client side), domains: int (names asked or answered), asked: int, "
     "answered: int, servers: int (of upstream)} (estimates within 1 % where they are not "
     "counted)"},
    {"DistinctExact",
     "{clients: bool, domains: bool, asked: bool, answered: bool, servers: bool} (true: counted "
     "exactly, false: estimated)"},
    {"Exact",
     "{domains: bool, registrable: bool, tlds: bool, clients: bool, servers: bool} (tables of all "
     "streams on this side; true: nothing that came was left out of it)"},
    {"Direction",
     "{events: int, bytes: int (of DNS messages), transports: {*int}, families: {*int}, "
     "flags: {*int}, marks: {*int} (edns, do, nodata; and what could not be read: no-dns, "
     "bad-question, bad-records up to OPT), "
     "udp-sizes: {*int} (messages with EDNS, over any transport, by the UDP payload size that it "
     "says the sender can take: 512 for as much or less, 1232, 1400, 1452, 4096; other), "
     "edns-versions: {*int} (0; other), opcodes: {*int} (only those that occurred), "
     "rcodes: {*int} (only those that occurred), qtypes: {*int} (only those that occurred; - "
     "stands for no question), sizes: [Bin] (in bytes)}"},
    {"LeftOut",
     "{negative: int (the response came before its query), beyond-window: int (later than "
     "latency-window)} (responses whose latency would make no sense, and is none)"},
    {"Latency",
     "{count: int (responses whose latency is known), mean: num?, p50: num?, p90: num?, "
     "p99: num?, p999: num?, left-out: LeftOut, buckets: [Bin] (those of dnstap-receiver), "
     "histogram: [Bin] (four to each power of two; those that are not empty), "
     "fine: {*int} (64 to each power of two, those that are not empty, by number: 0 is "
     "below 1024 ns; number 64 k + s + 1, with s below 64, begins at 64 + s times 2 to "
     "the k + 4 ns), transports: {*TransportLatency} (those that occurred; of all streams, those "
     "of "
     "apart too), apart: [text] (of all streams: those whose clocks are coarse; quantiles, "
     "histogram and fine are without them)} (seconds; from a server's receipt of the query to its "
     "answer, so queues of its sockets are not in it; quantiles are within 1 %)"},
    {"TransportLatency",
     "{count: int, mean: num, p50: num?, p90: num?, p99: num?, p999: num?, slowest: num?} "
     "(seconds; "
     "count and mean are exact, the others within 15 % from 8 microseconds to 8.6 seconds, "
     "which stand for what is beyond; of unknown transports they are not known)"},
    {"EventTimes",
     "{first: time?, last: time? (of events since the start or the last reset, "
     "whatever the window, by what they say themselves; strays left out), "
     "age: num? (seconds by which the newest event of those that came last arrived after its "
     "time, of all streams that of the one nearest to 0; negative: before it), elsewhen: bool (by "
     "more than a minute: a recording, or a server "
     "whose clock is wrong; rates are those of arrival)}"},
    {"Context",
     "{truncated: int (responses over UDP with TC), after-truncated: int (queries over TCP after "
     "such "
     "a response to the same client, or of the same server, about the same name and type, within "
     "latency-window; each response has one at most), retries: int (of upstream: questions for a "
     "name and type that had been asked for within latency-window, of whichever server, and had no "
     "answer yet), cached: int (responses to clients: while the query waited, nobody was asked for "
     "its name and type), fetched: int (somebody was asked meanwhile, or his answer was awaited; "
     "counted are responses whose latency is known, of streams that have asked others), "
     "unanswered: int (queries whose response should have come within latency-window and has not; "
     "upstream these are time-outs)} (by the servers' own times; a quarter of latency-entries "
     "names "
     "and types are remembered, more at once push others out)"},
    {"Statistics",
     "{stream: text? (null: all), first-seen: time?, last-seen: time? (when events "
     "arrived first and last, whatever the window), event-times: EventTimes, "
     "distinct: Distinct, distinct-exact: DistinctExact, rates: DirectionRates, queries: "
     "Direction, "
     "responses: Direction, "
     "messages: {*int} (only those that occurred), context: Context, latency: Latency, "
     "clock-tick: num? (seconds, estimated from the times that came; null: not known "
     "yet, or too fine to be seen), clock-coarse: bool (half of its latencies or "
     "more are shorter than a tick)}"},
    {"Connection", "{id: int, input: text, peer: text, since: time, frames: int, bytes: int, "
                   "malformed: int (frames that are no dnstap messages), "
                   "identity: text? (seen last, looked at once a second)}"},
    {"Stream",
     "{name: text, first-seen: time?, last-seen: time?, event-times: EventTimes, "
     "queries: int, responses: int, "
     "bytes: int (of both), nxdomain: int, failed: int (any other rcode but NOERROR), "
     "rates: DirectionRates, distinct: Distinct, distinct-exact: DistinctExact, "
     "latency: {p50: num?, p99: num?, left-out: "
     "LeftOut}, "
     "clock-tick: num?, clock-coarse: bool (both as in Statistics), "
     "loss: {unanswered: int (queries whose response should have come within "
     "latency-window; upstream that is no loss, but a time-out), unasked: int (responses whose "
     "query should have come), "
     "source-loss: num? (the part of its frames that the server has probably dropped "
     "before it sent them: an estimate from these two, to which exchanges that are lost "
     "whole come; null where not both queries and responses of what it was asked come), "
     "malformed: int (frames on its connection that are no dnstap messages)}, "
     "connections: int (open now under this identity), "
     "hosts: int (machines, or processes of this one, that these come from: more than one "
     "may be servers that share a name), "
     "connection: Connection? (that it came by last; null: it has gone)}"},
    {"Row", "{name: text, value: num (what the table is by), error: num (so much more it may be), "
            "queries: int, responses: int, query-bytes?: int, response-bytes?: int, "
            "nxdomain?: int, failed?: int, timed?: int (responses whose latency is known), "
            "latency-sum?: num (seconds), slowest?: num (seconds), servfail?: int, refused?: int, "
            "nodata?: int (NOERROR without an answer or a referral), mean?: num? (seconds), "
            "share?: num? (of all questions), unanswered?: int (questions that had no answer, or "
            "have none yet), first-seen?: time (or within some seconds behind it, mostly ten), "
            "retries?: int (of servers: questions to them that are retries as in Context, whoever "
            "was asked before), latency?: ServerLatency (of servers)}"},
    {"ServerLatency",
     "{count: int (latencies that quantiles are made of: all that are timed, unless so many "
     "servers "
     "are asked that there is no room for all), p50: num?, p90: num?, p99: num?, p999: num?} "
     "(seconds; within 15 % from 8 microseconds to 8.6 seconds, which stand for what is beyond; "
     "the mean is the row's, and exact)"},
    {"Table", "{list: text? (its name among the usual lists), title: text, table: text, by: text "
              "(hits and bytes are of queries and responses together), direction: text?, code: "
              "text?, under: text?, contains: text?, unit: text (events, "
              "bytes or seconds), "
              "keys: int (different ones that have come), keys-exact: bool (else estimated, with a "
              "standard error of 0.8 %), "
              "floor: int (what has no row has at most so many hits), "
              "rows: [Row]}"},
    {"Quantiles",
     "{count: int (responses whose latency is known), mean: num?, p50: num?, p90: num?, p99: num?, "
     "p999: num?} (seconds)"},
    {"Counted",
     "{keys: int (that something is known of), keys-exact: bool (else there may be more), "
     "floor: int (what has no row has at most so many hits), rows: [Row]}"},
    {"Live",
     "{from: time (when counting began), to: time, seconds: num, unseen: int (events that passed "
     "while it was read, and are not in it if they belong to it), queries: Direction, "
     "responses: Direction, latency: Quantiles, names: Counted, clients?: Counted (of the client "
     "side), servers?: Counted (of upstream)} (rows are by hits)"},
    {"HistoryRow",
     "{name: text, value: num (what the list is by), error?: int (so much more it "
     "may be), queries: int, "
     "responses: int, query-bytes: int, response-bytes: int, nxdomain: int, "
     "failed: int, timed: int (responses whose latency is known), "
     "latency-sum: num (seconds), slowest: num (seconds), servfail: int, refused: int, "
     "nodata: int, retries?: int, latency?: ServerLatency (both of servers of which a latency or a "
     "retry came)}"},
    {"Ledger", "{output: text, place: text? (the path of its file), received: int, delivered: int, "
               "filtered: int, dropped: int, "
               "in-flight: int, truncated: int (of those received: records that do not show all of "
               "their event), bytes: int (written), reasons: {*int} (of drops)}"},
    {"Event", "{time: time?, stream: text?, message: text (CLIENT_QUERY, ...), "
              "side: text? (client or upstream), direction: text, "
              "rcode: text?, nodata: bool (NOERROR without an answer or a referral), client: "
              "text?, server: text?, transport: text?, length: int, qname: text?, "
              "qtype: text?, latency: num? (seconds), "
              "malformed: text? (the first part that is wrong)}"},
    {0},
};
