"""The native API's numbers: statistics and tables are those of the events that `spile read` shows of the same
frames; the ledger and the history agree with them."""
import bisect
import collections
import json
import math
import queue
import threading

import fstrm
from harness import CAPTURES, equal, test, wait_for
from mix import SIDES, Mix, check_read, is_nodata, side_of, udp_size
from test_api import CONFIG, FLAGS, Api, captures, read

DIRECTIONS = {"query": "queries", "response": "responses"}
ENDS = {"client": "query-ip", "upstream": "response-ip"}  # the other end than the server itself
SIZES = [32, 64, 128, 256, 512, 1232, 2048, 4096, 16384, None]
BUCKETS = [0.001, 0.01, 0.05, 0.1, 1, None]
MICRO = 1.001e-6  # a latency in JSON is rounded to microseconds


# --- what must be --------------------------------------------------------------------------------

def direction_of(events):
    """The shape Direction of some events."""
    def counts(values):
        return dict(collections.Counter(values))
    return {
        "events": len(events), "bytes": sum(e["length"] for e in events),
        "transports": counts(e["protocol"] or "unknown" for e in events),
        "families": counts(e["family"] or "unknown" for e in events),
        "flags": {flag: sum(e[flag] for e in events) for flag in FLAGS},
        "marks": {"edns": sum(e["edns-rcode"] is not None for e in events), "do": sum(bool(e["edns-do"]) for e in events),
                  "nodata": sum(map(is_nodata, events)), "no-dns": 0, "bad-question": 0, "bad-records": 0},
        "udp-sizes": counts(udp_size(e["edns-udp-size"]) for e in events if e["edns-udp-size"] is not None),
        "edns-versions": counts("other" if e["edns-version"] else "0" for e in events if e["edns-version"] is not None),
        "opcodes": counts(e["opcode"] for e in events), "rcodes": counts(e["rcode"] for e in events),
        "qtypes": counts(e["rrtype"] or "-" for e in events),
        "sizes": bins(SIZES, [e["length"] for e in events]),
    }


def bins(bounds, values):
    counts = [0] * len(bounds)
    for value in values:
        counts[next(i for i, bound in enumerate(bounds) if bound is None or value <= bound)] += 1
    return [{"le": bound, "count": count} for bound, count in zip(bounds, counts)]


def without_zeros(counts):
    return {k: v for k, v in counts.items() if v}


def check_direction(got, wanted, what):
    equal(got.keys(), wanted.keys(), what)
    for key, value in wanted.items():
        mine = without_zeros(got[key]) if isinstance(value, dict) else got[key]
        equal(mine, without_zeros(value) if isinstance(value, dict) else value, f"{what} {key}")


def check_quantile(got, q, latencies, what, within=0.01):
    """At least a share q of all is not longer, and at least a share 1 - q not shorter. The latencies are sorted."""
    not_longer = bisect.bisect_right(latencies, got * (1 + within) + MICRO)
    shorter = bisect.bisect_left(latencies, got * (1 - within) - MICRO)
    assert shorter <= q * len(latencies) <= not_longer + 1, f"{what}: {got} has {shorter}..{not_longer}"


def latencies_of(events):
    """Of the responses that have one, sorted."""
    return sorted(e["latency"] for e in events if e["type"] == "response" and e["latency"] is not None)


def check_latency(got, events, what):
    latencies = latencies_of(events)
    equal(got["count"], len(latencies), f"{what} latencies")
    if not latencies:
        equal([got["mean"], got["p50"], got["p999"]], [None] * 3, what)
        return
    assert abs(got["mean"] - sum(latencies) / len(latencies)) <= MICRO, f"{what}: mean {got['mean']}"
    near = sum(bisect.bisect_right(latencies, le + MICRO) - bisect.bisect_left(latencies, le - MICRO) for le in BUCKETS if le)
    for mine, bound in zip(got["buckets"], bins(BUCKETS, latencies)):
        equal(mine["le"], bound["le"], f"{what} bucket")
        assert abs(mine["count"] - bound["count"]) <= near, f"{what} {mine} {bound}"
    latencies = latencies_of([e for e in events if e["identity"] not in got["apart"]])
    for key, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)):
        check_quantile(got[key], q, latencies, f"{what} {key}")
    equal(sum(got["fine"].values()), len(latencies), f"{what} fine")
    equal(sum(b["count"] for b in got["histogram"]), len(latencies), f"{what} histogram")
    rising = [b["le"] or float("inf") for b in got["histogram"]]
    equal(rising, sorted(set(rising)), f"{what} bounds")
    for bound in rising:
        below = sum(b["count"] for b in got["histogram"] if (b["le"] or float("inf")) <= bound)
        least, most = bisect.bisect_left(latencies, bound - MICRO), bisect.bisect_right(latencies, bound + MICRO)
        assert least <= below <= most, f"{what}: {below} up to {bound}"


def check_transports(got, events, what):
    """The latencies of each transport: how many and their mean, exactly; the others within 15 %."""
    by = collections.defaultdict(list)
    for e in events:
        if e["type"] == "response" and e["latency"] is not None:
            by[e["protocol"] or "unknown"].append(e["latency"])
    equal(got.keys(), by.keys(), f"{what} transports")
    for transport, latencies in by.items():
        mine, latencies = got[transport], sorted(latencies)
        equal(mine["count"], len(latencies), f"{what} {transport}")
        assert abs(mine["mean"] - sum(latencies) / len(latencies)) <= MICRO, f"{what} {transport}: mean {mine['mean']}"
        for key, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("slowest", 1)):
            if transport == "unknown":
                equal(mine[key], None, f"{what} {transport} {key}")
                continue
            wanted = min(max(latencies[math.ceil(q * len(latencies)) - 1], 8.192e-6), 2**33 / 1e9)
            assert abs(mine[key] - wanted) <= wanted * 0.15 + MICRO, f"{what} {transport} {key}: {mine[key]}, wanted {wanted}"


def check_statistics(got, truth, what):
    for key, wanted in truth.directions.items():
        check_direction(got[key], wanted, f"{what} {key}")
    events = truth.events
    equal(got["messages"], dict(collections.Counter(e["message"] for e in events)), f"{what} messages")
    asked, answered = ({e["qname"].lower() for e in events if e["qname"] and e["type"] == direction} for direction in DIRECTIONS)
    ends = {side: {e[end] for e in events if side_of(e) == side} for side, end in ENDS.items()}
    equal(got["distinct"], {"clients": len(ends["client"]), "domains": len(asked | answered), "asked": len(asked),
                            "answered": len(answered), "servers": len(ends["upstream"])}, f"{what} distinct")
    check_latency(got["latency"], events, what)
    check_transports(got["latency"]["transports"], events, what)


def measures(events):
    """The measures of a row of a table."""
    answers = [e for e in events if e["type"] == "response"]
    asked = [e for e in events if e["type"] == "query"]
    codes = collections.Counter(e["rcode"] for e in answers)
    timed = [max(e["latency"], 0) for e in answers if e["latency"] is not None]
    return {"queries": len(asked), "responses": len(answers), "query-bytes": sum(e["length"] for e in asked),
            "response-bytes": sum(e["length"] for e in answers), "nxdomain": codes["NXDOMAIN"],
            "failed": len(answers) - codes["NXDOMAIN"] - codes["NOERROR"], "timed": len(timed),
            "latency-sum": sum(timed), "slowest": max(timed, default=0), "servfail": codes["SERVFAIL"],
            "refused": codes["REFUSED"], "nodata": sum(map(is_nodata, answers))}


def table_of(events, key):
    """Rows by name, as measures."""
    rows = collections.defaultdict(list)
    for event in events:
        if key(event) is not None:
            rows[key(event)].append(event)
    return rows


def name_key(event):
    return event["qname"].lower() if event["qname"] else None


def tld_key(event):
    labels = (event["qname"] or ".").lower().rstrip(".").split(".")
    return labels[-1] or None


def end_key(side):
    return lambda e: e[ENDS[side]] if side_of(e) == side else None


ENDS_LISTED = {"client": "clients", "upstream": "servers"}
KEYS = {"domains": name_key, "tlds": tld_key, "clients": end_key("client"), "servers": end_key("upstream")}


class Truth:
    """Some events, and the rows that they make, counted once for all answers about them."""

    def __init__(self, events):
        self.events, self.tables = events, {}
        self.directions = {key: direction_of([e for e in events if e["type"] == direction])
                           for direction, key in DIRECTIONS.items()}

    def rows(self, table):
        """Events and measures by name."""
        if table not in self.tables:
            self.tables[table] = {name: (row, measures(row)) for name, row in table_of(self.events, KEYS[table]).items()}
        return self.tables[table]


def value_of(table, row, m):
    """What a table is by, of a row's events and measures."""
    by = table["by"]
    if by in ("rcode", "type"):
        code = lambda e: e["rcode"] if by == "rcode" else e["rrtype"] or "-"
        return sum(e["type"] == table["direction"] and code(e) == table["code"] for e in row)
    sums = {"hits": m["queries"] + m["responses"], "bytes": m["query-bytes"] + m["response-bytes"],
            "mean": m["latency-sum"] / m["timed"] if m["timed"] else 0}
    return sums.get(by, m.get(by))


def close(a, b, n=1):
    return abs(a - b) <= MICRO * max(n, 1)


def check_table(table, truth, what):
    """All rows, their values and measures."""
    wanted = truth.rows(table["table"])
    equal(table["keys-exact"], True, f"{what}: nothing was left out")
    if not table["under"] and not table["contains"]:
        equal(table["keys"], len(wanted), f"{what}: different keys")
    equal(table["floor"], 0, f"{what} floor")
    seconds = table["unit"] == "seconds"
    values = {name: value_of(table, *of) for name, of in wanted.items()}
    got = {row["name"]: row for row in table["rows"]}
    equal(len(got), len(table["rows"]), f"{what}: each once")
    must = {name for name, value in values.items() if value > (MICRO if seconds else 0)}
    assert must <= got.keys() <= values.keys(), f"{what}: {must ^ got.keys()}"
    for name, row in got.items():
        m = wanted[name][1]
        good = close(row["value"], values[name], m["timed"]) if seconds else row["value"] == values[name]
        assert good and row["error"] == 0, f"{what} {name}: {row['value']}, wanted {values[name]}"
        for key, value in m.items():
            good = close(row[key], value, m["timed"]) if key in ("latency-sum", "slowest") else row[key] == value
            assert good, f"{what} {name} {key}: {row[key]}, wanted {value}"
    order = [row["value"] for row in table["rows"]]
    equal(order, sorted(order, reverse=True), f"{what}: order")

# --- numbers -------------------------------------------------------------------------------------

@test()
def statistics_are_what_read_shows(t):
    api = Api(t)
    events = read(t, *captures())
    api.send(*captures())
    api.wait_events(len(events))
    wait_for("all have left", lambda: api.get("connections")["open"] == 0)
    for side in SIDES:
        reply = api.get("statistics", side=side)
        equal([reply["exact"], reply["malformed"], reply["unlisted"], reply["other-streams"]], [True, 0, 0, 0], "snapshot")
        equal([reply["side"], reply["window"], reply["from"], reply["to"]], [side, "all", reply["since"], reply["time"]], "scope")
        check_statistics(reply["statistics"], Truth(of_side(events, side)), f"all {side}")
        check_streams(api, of_side(events, side), side, {e["identity"] or "-" for e in events})
    equal(api.get("statistics")["statistics"]["latency"]["apart"], ["named-test"], "streams with coarse clocks")


def of_side(events, side):
    return [e for e in events if side_of(e) == side]


def check_streams(api, events, side, names):
    streams = {name: [] for name in names}
    for event in events:
        streams[event["identity"] or "-"].append(event)
    assert len(streams) >= 5
    listed = {s["name"]: s for s in api.get("streams", side=side)["streams"]}
    equal(listed.keys(), streams.keys(), "streams")
    loads = [s["queries"] + s["responses"] for s in api.get("streams", side=side, window="1d", by="load")["streams"]]
    equal(loads, sorted(loads, reverse=True), "streams by load")
    # named reads Linux's coarse clock, unbound writes microseconds, the others nanoseconds.
    ticks = {name: (s["clock-tick"], s["clock-coarse"]) for name, s in listed.items()}
    equal([ticks[f"{name}-test"] for name in ("named", "unbound", "knot", "dnsdist")],
          [(0.004, True), (1e-6, False), (None, False), (None, False)], "ticks")
    for name, own in streams.items():
        reply = api.get("statistics", stream=name, side=side)["statistics"]
        equal(reply["stream"], name, "name of the stream")
        check_statistics(reply, Truth(own), name)
        stream, m = listed[name], measures(own)
        equal([stream["queries"], stream["responses"], stream["bytes"], stream["nxdomain"], stream["failed"]],
              [m["queries"], m["responses"], m["query-bytes"] + m["response-bytes"], m["nxdomain"], m["failed"]], name)
        # When the window is over, those that the recording ends before. (Known losses: test_losses.)
        directions = collections.Counter(e["type"] for e in own)
        assert 0 <= stream["loss"]["unanswered"] <= max(directions["query"] - directions["response"], 0), f"{name}: {stream['loss']}"
        equal([stream["loss"]["unasked"], stream["loss"]["malformed"]], [0, 0], f"{name} loss")
        equal(stream["connection"], None, f"{name} has left")


@test()
def tables_are_what_read_shows(t):
    api = Api(t)
    events = read(t, *captures())
    api.send(*captures())
    api.wait_events(len(events))
    for side in SIDES:
        check_tables(api, of_side(events, side), side)


def check_tables(api, events, side):
    streams = collections.defaultdict(list)
    for event in events:
        streams[event["identity"]].append(event)
    # One whose tables are shown whole, with many rows.
    names = {name: len(table_of(own, name_key)) for name, own in streams.items()}
    name = max((count, name) for name, count in names.items() if count <= 1000)[1]
    own, all_events = Truth(streams[name]), Truth(events)
    under = Truth([e for e in events if ("." + (e["qname"] or "").lower()).endswith(".corp.example.")])
    tables = {table["list"]: table for table in api.get("tables", side=side, n=1000)["tables"]}
    assert len(tables) >= 16, tables.keys()
    for title, table in tables.items():
        if table["table"] in KEYS and table["keys"] <= 1000:
            check_table(table, all_events, title)
    for table in api.get("tables", side=side, n=1000, stream=name)["tables"]:
        if table["table"] in KEYS and table["keys"] <= 1000:
            check_table(table, own, f"{name} {table['list']}")
    for table in api.get("tables", side=side, n=1000, under="Corp.Example", list="domains-asked,domains-nxdomain")["tables"]:
        equal(table["under"], "corp.example.", "the domain")
        check_table(table, under, f"under {table['list']}")
    check_parts(api, own.events, side, name)
    for asked in ({"by": "type", "code": "MX", "direction": "query"}, {"by": "rcode", "code": 2}, {"by": "slowest"},
                  {"by": "response-bytes"}):
        check_table(api.get("tables", side=side, table="domains", n=1000, stream=name, **asked)["tables"][0], own, str(asked))
    check_registrable(api, events, side)
    codes = collections.Counter(e["rcode"] for e in events if e["type"] == "response")
    equal({r["name"]: r["value"] for r in tables["rcodes"]["rows"]}, codes, "rcodes")
    types = collections.Counter(e["rrtype"] or "-" for e in events)
    equal({r["name"]: r["value"] for r in tables["types"]["rows"]}, types, "types")


def check_parts(api, events, side, stream):
    """Lists of what contains a part: of names and of addresses, escapes and bytes of labels' lengths among them."""
    names = sorted({e["qname"].lower() for e in events if e["qname"]})
    parts = {"E", ".", "0", "12", "m.", "no such thing", "\\", names[0][1:], names[-1][:-1], names[len(names) // 2][2:7]}
    for part in sorted(parts - {""}):
        for table, key in (("domains", name_key), (ENDS_LISTED[side], end_key(side))):
            got, = api.get("tables", side=side, n=1000, stream=stream, table=table, contains=part)["tables"]
            equal(got["contains"], part.lower(), "the part")
            check_table(got, Truth([e for e in events if key(e) and part.lower() in key(e)]), f"{side} {table} with {part}")


def check_registrable(api, events, side):
    """Whatever the list of public suffixes says, a row sums up the names in it, and holds two labels at least."""
    rows = api.get("tables", side=side, list="registrable", n=1000)["tables"][0]["rows"]
    assert len(rows) > 10
    names = collections.Counter("." + (event["qname"] or "").lower() for event in events)
    for row in rows:
        assert row["name"].count(".") >= 2, row["name"]
        inside = sum(count for name, count in names.items() if name.endswith("." + row["name"]))
        equal(row["value"], inside, f"registrable {row['name']}")


# --- a mix whose every number is known ------------------------------------------------------------

WINDOWS = "1m", "5m", "1h", "1d", "all"  # what is over the soonest is asked for first


def send_mix(t, api, **of):
    """Sends it whole; its truth."""
    mix = Mix(**of)
    client = fstrm.Sender(t.path("tap.sock"))
    client.send(*mix.frames())
    client.finish()
    for window in WINDOWS:  # which follow a moment later
        api.wait_events(len(mix.events()), window=window)
    return mix


@test()
def a_known_mix_is_told_by_side(t):
    """1,000 questions and 300 look-ups: what is said of either is the truth, and nothing of the other is in it."""
    api = Api(t)
    mix = send_mix(t, api)
    asked = [(side, window, ask_mix(api, side, window)) for window in WINDOWS for side in SIDES]
    t.path("mix.fstrm").write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + b"".join(map(fstrm.data, mix.frames())) +
                                    fstrm.control(fstrm.STOP))
    check_read(mix.events(), read(t, t.path("mix.fstrm")))
    truths = {side: Truth(mix.events(side)) for side in SIDES}
    for side, window, answers in asked:
        check_mix(answers, truths[side], side, window)
    got = api.get("statistics")["statistics"]
    equal([got["queries"]["events"], got["responses"]["rcodes"]["NXDOMAIN"], got["distinct"]["clients"]], [1000, 300, 50], "plainly")
    equal(got["responses"]["marks"]["nodata"], mix.codes("client")["NODATA"], "NODATA")
    for code in ("SERVFAIL", "NXDOMAIN", "REFUSED"):
        for window in ("all", "1h"):
            table, = api.get("tables", table="domains", by="rcode", code=code, n=1000, window=window)["tables"]
            equal(sum(row["value"] for row in table["rows"]), mix.codes("client")[code], f"{code} by name")
    got = api.get("statistics", side="upstream")["statistics"]
    equal([got["queries"]["events"], got["responses"]["events"], got["distinct"]["servers"]], [300, 288, 7], "upstream")


def ask_mix(api, side, window):
    """All that is said of a side and a window, to be judged when there is time: a minute is soon over."""
    scope = {"side": side, "window": window}
    return [api.get("statistics", **scope), api.get("statistics", stream="mix", **scope), api.get("tables", n=1000, **scope),
            api.get("streams", **scope)]


def check_mix(answers, truth, side, window):
    what = f"{side} {window}"
    whole, of_stream, tables, streams = answers
    equal([whole["side"], whole["window"]], [side, window], "scope")
    check_statistics(whole["statistics"], truth, what)
    check_statistics(of_stream["statistics"], truth, f"{what} of the stream")
    for table in tables["tables"]:
        if table["table"] in KEYS:
            check_table(table, truth, f"{what} {table['list']}")
    stream, = streams["streams"]
    m = measures(truth.events)
    equal([stream["queries"], stream["responses"], stream["nxdomain"], stream["failed"]],
          [m["queries"], m["responses"], m["nxdomain"], m["failed"]], f"{what} stream")


@test()
def what_is_asked_upstream_is_told(t):
    """Servers with their shares, rcodes, latencies and questions without an answer; and how much needed no question."""
    api = Api(t)
    mix = send_mix(t, api)
    events, m = mix.events("upstream"), measures(mix.events("upstream"))
    for asked in ({}, {"window": "5m"}, {"stream": "mix", "window": "1d"}):
        got = api.get("upstream", n=1000, **asked)
        equal([got["side"], got["window"]], ["upstream", asked.get("window", "all")], "scope")
        equal([got["queries"], got["responses"], got["unanswered"]], [300, 288, 12], "questions")
        equal(got["rcodes"], dict(collections.Counter(e["rcode"] for e in events if e["type"] == "response")), "rcodes")
        equal(got["nodata"], mix.codes("upstream")["NODATA"], "NODATA")
        equal(got["cache"], {"answers": 1000, "cached": 1000, "fetched": 0, "questions": 300, "efficiency": 1}, "cache")
        # Every thirtieth look-up is for the same name and type; ten of those that time out are not among the last thirty.
        equal([got["retries"], got["truncated"], got["after-truncated"]], [10, 0, 0], "retries")
        latencies = latencies_of(events)
        equal(got["latency"]["count"], len(latencies), "latencies")
        for key, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
            check_quantile(got["latency"][key], q, latencies, key)
        for name, key in (("servers", ENDS["upstream"]), ("names", "qname")):
            rows = {k: measures(row) for k, row in table_of(events, lambda e, key=key: e[key]).items()}
            equal({r["name"]: [r["value"], round(r["share"] * 300), r["unanswered"], r["servfail"], r["nodata"]] for r in got[name]["rows"]},
                  {k: [r["queries"], r["queries"], r["queries"] - r["responses"], r["servfail"], r["nodata"]]
                   for k, r in rows.items()}, name)
            values = [r["value"] for r in got[name]["rows"]]
            equal(values, sorted(values, reverse=True), f"order of {name}")
        check_servers(got["servers"]["rows"], events, f"servers of {asked}")
        table, = api.get("tables", table="servers", n=1000, side="upstream", **asked)["tables"]
        check_servers(table["rows"], events, f"table of servers of {asked}")
        equal(["retries" in got["names"]["rows"][0], "latency" in got["names"]["rows"][0]], [False, False], "names have none")
    assert m["servfail"] > 0 and m["nodata"] > 0


def check_servers(rows, events, what):
    """How fast each answers, and how many of the questions to it were retries."""
    equal([len(rows), sum(row["retries"] for row in rows)], [7, 10], what)
    for row in rows:
        latencies = latencies_of([e for e in events if e["response-ip"] == row["name"]])
        equal([row["latency"]["count"], row["timed"]], [len(latencies)] * 2, f"{what}: latencies of {row['name']}")
        for key, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)):
            check_quantile(row["latency"][key], q, latencies, f"{what}: {key} of {row['name']}", within=0.15)


@test()
def an_answer_is_of_one_moment(t):
    """Events go on coming while somebody asks and parts of windows end: names, servers and how many there are go with
    the counters, for every name comes once. Where the program was too busy for that it says so."""
    api, client, more = Api(t), fstrm.Sender(t.path("tap.sock")), queue.Queue()
    seen = {True: 0, False: 0}

    def send():
        for label in iter(more.get, None):
            client.send(*Mix(questions=2, lookups=1, label=label).frames())
            api.get("connections")  # which takes a moment

    def together(what, reply, *numbers):
        seen[reply["one-moment"]] += 1
        for mine, wanted in numbers * reply["one-moment"]:
            equal(mine, wanted, what)
    sender = threading.Thread(target=send)
    sender.start()
    more.put("first")
    api.wait_events(1)  # there is such a stream
    for i in range(16):
        for k in range(20):
            more.put(f"m{i}.{k}")
        equal(api.ask("/api/v1/statistics", "DELETE", window="5m")[0], 200, "a reset")
        for window in ("5m", "1d", "all"):
            check_moment(api, together, window, {"stream": "mix"} if i % 2 else {})
    more.put(None)
    sender.join()
    client.finish()
    assert seen[True] > 3 * seen[False], f"{seen} answers are of one moment"


def check_moment(api, together, window, stream):
    for side in SIDES:
        reply = api.get("statistics", side=side, window=window, **stream)
        got = reply["statistics"]
        together(f"{side} {window}", reply, (got["distinct"]["asked"], got["queries"]["events"]),
                 (got["distinct"]["answered"], got["responses"]["events"]))
    reply = api.get("upstream", n=1000, window=window, **stream)
    sums = [sum(row["value"] for row in reply[of]["rows"]) for of in ("servers", "names")]
    together(f"upstream {window}", reply, (sums, [reply["queries"]] * 2),
             (round(sum(row["share"] for row in reply["servers"]["rows"]), 6), float(reply["queries"] > 0)))
    reply = api.get("tables", n=1000, window=window, list="clients,types", **stream)
    lists = {table["list"]: table["rows"] for table in reply["tables"]}
    together(f"tables {window}", reply, (sum(row["queries"] + row["responses"] for row in lists["clients"]),
                                         sum(row["value"] for row in lists["types"])))


@test()
def a_window_can_be_reset_alone(t):
    """It begins anew, the others and all since the start go on; a reset of all is one of every window."""
    api = Api(t)
    send_mix(t, api)

    def counts():
        return {w: [api.get("statistics", window=w, side=s)["statistics"]["queries"]["events"] for s in SIDES] +
                [len(api.get("tables", window=w, table="clients", n=100)["tables"][0]["rows"])] for w in WINDOWS}
    whole, none = [1000, 300, 50], [0, 0, 0]
    equal(counts(), dict.fromkeys(WINDOWS, whole), "all of them")

    def reset(status=200, **asked):
        got, body = api.ask("/api/v1/statistics", "DELETE", **asked)
        equal(got, status, f"status of a reset of {asked}")
        return json.loads(body)
    equal(reset(window="5m"), {"reset": True, "window": "5m"}, "the reply")
    equal(counts(), {**dict.fromkeys(WINDOWS, whole), "5m": none}, "five minutes begin anew")
    again = send_mix(t, api, label="again")
    wait_for("both", lambda: counts() == {**dict.fromkeys(WINDOWS, [2000, 600, 50]), "5m": whole})
    check_mix(ask_mix(api, "client", "5m"), Truth(again.events("client")), "client", "5m")
    assert "is not one of all, 1m" in reset(400, window="2h")["error"]
    equal(reset(), {"reset": True, "window": "all"}, "the reply")
    equal(counts(), dict.fromkeys(WINDOWS, none), "nothing")


@test()
def a_reset_outlasts_a_restart(t):
    """What a window had before it began anew it has not after a restart either; what the others had they have again."""
    config = CONFIG + f"history: {{path: {t.path('history.db')}, write-every: 1s}}\n"
    wanted, windows = {"1h": 1000, "1d": 1000}, ("5m", "1h", "1d")
    for run in range(3):
        api = Api(t, config, name=f"spile{run}")

        def counts():
            return {w: api.get("statistics", window=w)["statistics"]["queries"]["events"] for w in windows}
        if run == 0:
            send_mix(t, api)
            equal(api.ask("/api/v1/statistics", "DELETE", window="5m")[0], 200, "a reset of 5m")
        equal(counts(), {"5m": 0, **wanted}, f"run {run}")
        if run == 1:
            equal(api.ask("/api/v1/statistics", "DELETE")[0], 200, "a reset of all")
            wanted = {"1h": 0, "1d": 0}
            equal(counts(), {"5m": 0, **wanted}, "after a reset of all")
        api.spile.stop()


def family(sums, name):
    return {key.removeprefix(f"{name}."): n for key, n in sums.items() if key.startswith(f"{name}.")}


@test()
def a_known_mix_over_time_is_told_by_side(t):
    api = Api(t)
    mix = send_mix(t, api)
    for side in SIDES:
        events, m = mix.events(side), measures(mix.events(side))

        def followed():
            reply = api.get("series", side=side, window="5m")
            return sum(n or 0 for n in reply["series"].get("responses", [])) == m["responses"] and reply
        reply = wait_for("history has all", followed, 20)
        sums = {key: sum(n or 0 for n in values) for key, values in reply["series"].items()}
        equal([sums["queries"], sums["timed"]], [m["queries"], m["timed"]], f"{side} sums")
        assert close(sums["latency-sum"], m["latency-sum"], m["timed"]), side
        equal(sums["nodata"], mix.codes(side)["NODATA"], f"{side} NODATA")
        codes = collections.Counter(e["rcode"] for e in events if e["type"] == "response")
        equal(family(sums, "rcode"), dict(codes), f"{side} rcodes")
        for direction in DIRECTIONS:
            own = [e for e in events if e["type"] == direction]
            equal(family(sums, f"{direction}-udp-size"), dict(collections.Counter(udp_size(e["edns-udp-size"]) for e in own)), side)
            equal(family(sums, f"{direction}-edns-version"),
                  dict(collections.Counter("other" if e["edns-version"] else "0" for e in own)), side)
        timed = [e for e in events if e["type"] == "response"]
        equal(family(sums, "transport-timed"), dict(collections.Counter(e["protocol"] for e in timed)), side)
        for transport, total in family(sums, "transport-latency-sum").items():
            wanted = sum(e["latency"] for e in timed if e["protocol"] == transport)
            assert close(total, wanted, len(timed)), f"{side} {transport}: {total}, wanted {wanted}"
        assert 0 < reply["seconds"] <= (reply["to"] - reply["from"]) / 1000, reply


# --- ledger, history ------------------------------------------------------------------------------
# Spans that nobody bounds: what came may be told of the second before (recorder.h), which may be before the start.

@test()
def ledger_and_history_agree(t):
    config = CONFIG.replace('"null": {}', '"null": {}\n  - file: {path: @DIR@/out.log}')
    api = Api(t, config)
    api.send(CAPTURES / "named.fstrm.xz")
    api.wait_events(6926)

    def written():
        return [o for o in api.get("ledger")["outputs"] if o["received"] == 6926 and o["in-flight"] == 0]
    ledgers = wait_for("all is written", lambda: len(written()) == 2 and written())
    equal({o["output"]: (o["received"], o["delivered"], o["dropped"]) for o in ledgers},
          {"null": (6926, 6926, 0), "file": (6926, 6926, 0)}, "ledger")
    outputs = {o["name"]: o for o in api.get("outputs")["outputs"]}
    equal([outputs["file"]["format"], outputs["null"]["queue"]], ["text", None], "outputs")
    equal(outputs["file"]["ledger"]["bytes"], t.path("out.log").stat().st_size, "bytes written")

    def followed():
        series = api.get("series", series="queries,responses,rcode", step=1000)["series"]
        return sum(n or 0 for key in ("queries", "responses") for n in series[key]) == len(events) and series
    events = of_side(read(t, CAPTURES / "named.fstrm.xz"), "client")
    series = wait_for("history has all", followed, 20)
    codes = collections.Counter(e["rcode"] for e in events if e["type"] == "response")
    equal({k.removeprefix("rcode."): sum(n or 0 for n in v) for k, v in series.items() if k.startswith("rcode.")},
          dict(codes), "rcodes over time")


@test()
def latencies_are_in_seconds_everywhere(t):
    api = Api(t)
    api.send(CAPTURES / "unbound.fstrm.xz")
    api.wait_events(8263)
    statistics = api.get("statistics")["statistics"]["latency"]

    def followed():
        reply = api.get("series", series="timed,latency-sum,latency", step=1000)
        return sum(n or 0 for n in reply["series"]["timed"]) == statistics["count"] and reply["series"]
    series = wait_for("history has all", followed, 20)
    total = sum(n or 0 for n in series["latency-sum"])
    assert abs(total / statistics["count"] - statistics["mean"]) < 1e-8, (total, statistics)
    means = [n for n in series["latency.mean"] if n is not None]
    assert min(means) <= statistics["mean"] * 1.000001 and statistics["mean"] <= max(means) * 1.000001, means
    p99 = [n for n in series["latency.p99"] if n is not None]
    assert min(p99) * 0.98 <= statistics["p99"] <= max(p99) * 1.02, (p99, statistics["p99"])
    units = {row["name"]: row["unit"] for row in api.get("history")["series"]}
    equal({units[n] for n in units if n.startswith("latency")} | {units["observed"]}, {"seconds"}, "units")
