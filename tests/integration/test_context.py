"""What exchanges say of others: answers from the cache, questions that are asked again or time out, and queries over
TCP that follow truncated answers. Scenes of known kinds, and captures that are counted a second time here."""
import bisect
import collections
import time

import fstrm
from harness import equal, samples, test, wait_for
from mix import SIDES, Exchange, side_of
from test_api import CONFIG, Api, captures, read

TIMED = CONFIG.replace('web:', 'latency-window: 1s\nweb:')
ROOMY = CONFIG.replace('web:', 'latency-entries: 4000000\nweb:')  # as good as nothing is forgotten
SCENES, MS = 200, 10**6
RESOLVER = "192.0.2.53"


class Scenes:
    """Scenes of five kinds, each about a name of its own; the last is two seconds before now."""

    def __init__(self):
        self.exchanges, self.number = [], 0
        self.begin_ns = int(time.time() - 2) * 10**9 - SCENES * 20 * MS
        for i in range(SCENES):
            (self.fetched, self.cached, self.slow, self.cut, self.failed)[i % 5](i, self.begin_ns + i * 20 * MS)

    def add(self, i, upstream, asked_ns, latency_ms, **of):
        self.number += 1
        ends = {"client": RESOLVER, "server": f"203.0.113.{1 + i % 7}"} if upstream else \
            {"client": f"198.51.100.{1 + i % 50}", "server": RESOLVER}
        latency = None if latency_ms is None else latency_ms * MS
        self.exchanges.append(Exchange(self.number, upstream, **{
            "identity": b"scenes", "name": f"scene{i}.example.", "type": "A", "do": False, "protocol": "UDP",
            "asked_ns": asked_ns, "latency_ns": latency, **ends, **of}))

    def fetched(self, i, ns):
        """Asked for, and every other time truncated first."""
        self.add(i, False, ns, 9)
        self.add(i, True, ns + 1 * MS, 2, tc=i % 10 == 0)
        if i % 10 == 0:
            self.add(i, True, ns + 4 * MS, 3, protocol="TCP")

    def cached(self, i, ns):
        """Nobody is asked; but for another type."""
        self.add(i, False, ns, 1)
        self.add(i, True, ns, 5, type="AAAA")

    def slow(self, i, ns):
        """The first server does not answer, the second does; another client waits with the first."""
        self.add(i, False, ns, 15)
        self.add(i, True, ns + 1 * MS, None)
        self.add(i, True, ns + 8 * MS, 6, server="203.0.113.99")
        self.add(i, False, ns + 10 * MS, 5, client="198.51.100.77")

    def cut(self, i, ns):
        """Truncated, and asked again over TCP; somebody else does so, too, of himself."""
        self.add(i, False, ns, 1, tc=True)
        self.add(i, False, ns + 2 * MS, 1, protocol="TCP")
        self.add(i, False, ns + 4 * MS, 1, protocol="TCP", client="198.51.100.77")

    def failed(self, i, ns):
        """Nobody answers."""
        self.add(i, False, ns, 18, code="SERVFAIL")
        self.add(i, True, ns + 1 * MS, None)
        self.add(i, True, ns + 8 * MS, None)

    def frames(self):
        parts = [(e, response) for e in self.exchanges for response in (False, True)
                 if not response or e.latency_ns is not None]
        parts.sort(key=lambda p: p[0].asked_ns + (p[0].latency_ns if p[1] else 0))
        return [e.frame(response) for e, response in parts]


PART = SCENES // 5
KNOWN = {
    "client": {"truncated": PART, "after-truncated": PART, "retries": 0, "cached": 4 * PART, "fetched": 4 * PART, "unanswered": 0},
    "upstream": {"truncated": PART // 2, "after-truncated": PART // 2, "retries": 2 * PART, "cached": 0, "fetched": 0,
                 "unanswered": 3 * PART},
}
FAMILIES = {
    "spile_responses_truncated_udp_total": "truncated", "spile_queries_after_truncation_total": "after-truncated",
    "spile_queries_unanswered_total": "unanswered",
}


@test()
def scenes_of_known_kinds_are_told(t):
    """In the API, since the start and of windows, of all and of the stream, to Prometheus and over time."""
    api = Api(t, TIMED)
    client = fstrm.Sender(t.path("tap.sock"))
    client.send(*Scenes().frames())

    def told(side, **asked):
        return api.get("statistics", side=side, **asked)["statistics"]["context"]
    for asked in ({}, {"window": "1m"}, {"window": "1h"}, {"stream": "scenes"}, {"stream": "scenes", "window": "5m"}):
        for side in SIDES:
            wait_for(f"{side} {asked}", lambda side=side, asked=asked: told(side, **asked) == KNOWN[side], 20)
    up = api.get("upstream", window="5m")
    equal([up[k] for k in ("timeouts", "retries", "truncated", "after-truncated")],
          [KNOWN["upstream"][k] for k in ("unanswered", "retries", "truncated", "after-truncated")], "upstream")
    equal(up["cache"], {"answers": 8 * PART, "cached": 4 * PART, "fetched": 4 * PART, "questions": up["queries"], "efficiency": 0.5},
          "cache")
    equal(up["unanswered"], up["timeouts"], "as many are without an answer")
    found = samples(api.ask("/metrics")[1].decode())
    for side in SIDES:
        of = f'{{stream="scenes",side="{side}"'
        equal({name: found[f"{name}{of}}}"] for name in FAMILIES}, {name: KNOWN[side][key] for name, key in FAMILIES.items()}, side)
    equal(found['spile_queries_retried_total{stream="scenes",side="upstream"}'], 2 * PART, "retries")
    for word in ("hit", "miss"):
        equal(found[f'spile_responses_by_cache_total{{stream="scenes",side="client",cache="{word}"}}'], 4 * PART, word)
    for side in SIDES:
        series = wait_for("history", lambda side=side: over_time(api, side), 20)
        equal(series, KNOWN[side], f"{side} over time")
    client.finish()


def over_time(api, side):
    """When it has all, what history has."""
    series = api.get("series", side=side, window="5m", series=",".join(KNOWN[side]))["series"]
    sums = {name: sum(n or 0 for n in values) for name, values in series.items()}
    return sums == KNOWN[side] and sums


def expected(events):
    """What is to be told of a stream's events, which come in this order: by looking at all that came before."""
    told = collections.Counter()
    asked, answered, cut = (collections.defaultdict(list) for _ in range(3))
    asks = False
    for e in events:
        if not e["qname"]:
            continue
        key = e["qname"].lower(), e["rrtype"]
        at, side = e["timestamp"], side_of(e)
        end = e["query-ip" if side == "client" else "response-ip"], side, *key
        if e["type"] == "query" and e["protocol"] == "TCP" and cut[end] and 0 <= at - cut[end][-1] <= 10:
            told[side, "after-truncated"] += 1
            cut[end].clear()
        if e["type"] == "response" and e["protocol"] == "UDP" and e["tc"]:
            told[side, "truncated"] += 1
            cut[end].append(at)
        if side == "upstream":
            asks = True
            pending = asked[key] and (not answered[key] or answered[key][-1] < asked[key][-1])
            if e["type"] == "query":
                told[side, "retries"] += bool(pending and 0 <= at - asked[key][-1] <= 10)
                asked[key].append(at)
            else:
                if not asked[key]:
                    asked[key].append(at - (e["latency"] or 0))
                answered[key].append(at)
        elif asks and e["type"] == "response" and e["latency"] is not None:
            told[side, "fetched" if awaited(asked[key], answered[key], at - e["latency"], at) else "cached"] += 1
    return told


def awaited(asked, answered, begin, end):
    """Whether a question was asked from one time to the other, or was without an answer then."""
    close = 2e-6  # what is shown is rounded
    at = bisect.bisect_right(asked, end) - 1
    if at < 0 or end - asked[at] > 10:
        return False
    return asked[at] >= begin - close or not answered or answered[-1] < asked[at] or answered[-1] > begin + close


@test()
def captures_are_told_as_they_are_counted_here(t):
    """Real servers' exchanges, of each stream."""
    api = Api(t, ROOMY)
    events = read(t, *captures())
    api.send(*captures())
    api.wait_events(len(events))
    streams = collections.defaultdict(list)
    for event in events:
        streams[event["identity"] or "-"].append(event)
    some = collections.Counter()
    for name, own in streams.items():
        wanted = expected(own)
        some += wanted
        for side in SIDES:
            got = api.get("statistics", stream=name, side=side)["statistics"]["context"]
            for key in ("truncated", "after-truncated", "retries"):
                equal(got[key], wanted[side, key], f"{name} {side} {key}")
            equal(got["cached"] + got["fetched"], wanted[side, "cached"] + wanted[side, "fetched"], f"{name} {side} judged")
            # Coarse clocks, and times that are rounded: some are on the edge.
            assert abs(got["fetched"] - wanted[side, "fetched"]) <= wanted[side, "fetched"] // 50, f"{name} {got} {wanted}"
    assert min(some["client", "cached"], some["client", "fetched"], some["upstream", "retries"]) > 20, some
