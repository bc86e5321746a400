"""Statistics under an attack with random subdomains: what is counted is held to what was sent."""
import http.client
import json
import os
import pathlib
import re
import select
import statistics
import sys
import threading
import time

import fstrm
from harness import ROOT, equal, limit, test, wait_for
from lab import question

HERE = pathlib.Path(__file__).resolve().parent
STORM = ROOT / "tests/support/storm.c"
CONFIG = """
inputs:
  - unix: {path: @DIR@/tap.sock}
outputs:
  - "null": {}
web: {listen: "127.0.0.1:0", header-timeout: 1m}
"""
DISTINCT_PERCENT = 3  # three times the standard error that is promised, 1 %
TOP = 100
MEMORY_MB = 128
ANSWER_MS = 10


# Sends in turn for each identity, from a process of its own (one peer is one process on a unix socket), until there is
# that file; prints how often, again and again.
SENDER = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import fstrm, lab
client, sent = fstrm.Sender(sys.argv[2]), 0
while not os.path.exists(sys.argv[3]):
    for name in sys.argv[4:]:
        client.send(*[fstrm.message(lab.question("honest.identities.lab.", 1, 1), identity=name.encode())] * 5)
    sent += 5
    print(sent, flush=True)
    time.sleep(0.1)
client.finish()
"""


class Web:
    """What the web server of a `spile run` answers, over one connection that stays."""

    def __init__(self, spile):
        found = wait_for("the address", lambda: re.search(r"http://([^/]+)/", spile.err))
        self.address = found.group(1)
        self.connection = http.client.HTTPConnection(self.address, timeout=limit(30))

    def get(self, path):
        self.connection.request("GET", path)
        reply = self.connection.getresponse()
        body = reply.read()
        equal(reply.status, 200, f"status of {path}: {body[:200]}")
        return body

    def json(self, path):
        return json.loads(self.get(path))

    def statistics(self):
        return self.json("/api/v1/statistics")

    def table(self, table, by):
        return self.json(f"/api/v1/tables?table={table}&by={by}&n={TOP}")["tables"][0]

    def settled(self, messages):
        """The statistics once they have all messages: a snapshot is made every second."""
        def there():
            page = self.statistics()
            directions = [page["statistics"][direction]["events"] for direction in ("queries", "responses")]
            return page if sum(directions) == messages else None
        return wait_for(f"{messages} messages are counted", there, every=0.2)


class Truth:
    """What storm says that it has sent, by so many of it that all said the same."""

    def __init__(self, text, storms=1):
        facts = {name: int(number) for name, number in (line.split() for line in text.splitlines())}
        self.messages = facts.pop("messages") * storms
        self.names, self.clients = facts.pop("names"), facts.pop("clients")
        self.asked = {name: number * storms for name, number in facts.items()}
        self.storms = storms

    def of(self, name):
        """How often the name was asked for; each name of the attack once."""
        return self.asked.get(name, self.storms)

    def recall(self, names):
        """How many of the names belong to the top, where all that are equal to the last of it do."""
        least = sorted(self.asked.values(), reverse=True)[TOP - 1]
        return sum(self.of(name) >= least for name in set(names)) / TOP


def build_storm(t):
    t.tool(["cc", "-O2", "-o", t.path("storm"), STORM, "-lm"])


def storm(t, attacks, exchanges, rate=0, name="storm"):
    return t.start([t.path("storm"), t.path("tap.sock"), attacks, exchanges, rate], name=name)


def near(got, wanted, what):
    """Even when there was no room for some keys in the tables."""
    assert abs(got - wanted) <= wanted * DISTINCT_PERCENT / 100, f"{what}: {got}, in truth {wanted}"


def bounds_hold(table, truth, missed):
    """Each row says the truth, within the error that it admits."""
    for row in table["rows"]:
        wanted = truth.of(row["name"])
        assert row["value"] <= wanted <= row["value"] + row["error"] + missed, \
            f"{row['name']}: {row['value']} and up to {row['error']} more, in truth {wanted}, {missed} unlisted"


def check(web, truth, wanted_recall):
    """Everything there is to say about the numbers; returns a line about them."""
    page = web.settled(truth.messages)
    found, missed = page["statistics"], page["unlisted"]
    equal(found["queries"]["events"], truth.messages // 2, "queries")
    equal(found["responses"]["events"], truth.messages // 2, "responses")
    equal(page["malformed"], 0, "malformed")
    equal(page["exact"], False, "exact: more came than fits")
    table = web.table("domains", "queries")
    recall = truth.recall(row["name"] for row in table["rows"])
    assert recall >= wanted_recall, f"recall {recall}, floor {table['floor']}, unlisted {missed}"
    bounds_hold(table, truth, missed)
    near(found["distinct"]["domains"], truth.names, "distinct names")
    near(found["distinct"]["clients"], truth.clients, "distinct clients")
    # Two domains above all these names: every message counts for one of them.
    hits = sum(row["value"] for row in web.table("registrable", "hits")["rows"])
    assert truth.messages - missed <= hits <= truth.messages, f"{hits} hits of registrable domains"
    off = {key: found["distinct"][key] / wanted - 1 for key, wanted in
           (("domains", truth.names), ("clients", truth.clients))}
    return f"recall {recall:.0%}, floor {table['floor']}, unlisted {missed}, " \
        f"domains {off['domains']:+.2%}, clients {off['clients']:+.2%}"


def peak_mb(process):
    status = pathlib.Path(f"/proc/{process.child.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024


class Asker(threading.Thread):
    """Asks for pages, one after the other, until it is told to stop; how long each took in ms."""

    def __init__(self, spile, paths):
        super().__init__()
        self.web, self.took, self.stop = Web(spile), {path: [] for path in paths}, threading.Event()

    def run(self):
        while not self.stop.wait(0.02):
            for path, took in self.took.items():
                begin = time.monotonic()
                self.web.get(path)
                took.append((time.monotonic() - begin) * 1000)


@test(needs=["cc"], alone=True, plain=True)
def attack(t):
    """Five million names that come once, a million messages a second: memory stays what it is, the
    names that matter are found, counts of distinct keys are near, and pages come at once."""
    build_storm(t)
    spile = t.listen(CONFIG, count=2)
    asker = Asker(spile, ["/metrics", f"/tables?n={TOP}", f"/api/v1/tables?n={TOP}&table=domains&by=queries", "/api/v1/new?n=100"])
    asker.start()
    try:
        sender = storm(t, 5_000_000, 1_000_000, 1_000_000)
        begin = time.monotonic()
        equal(sender.wait(120), 0, "status of storm")
        seconds = time.monotonic() - begin
    finally:
        asker.stop.set()
        asker.join()
    truth = Truth(sender.out.decode())
    print(f"{truth.messages / seconds / 1e6:.2f} million messages a second; {check(Web(spile), truth, 0.99)}")
    print(f"peak memory {peak_mb(spile):.0f} MB")
    assert peak_mb(spile) < MEMORY_MB, "peak memory"
    for path, took in asker.took.items():
        took.sort()
        median = statistics.median(took)
        print(f"{path}: median {median:.1f} ms, p99 {took[len(took) * 99 // 100]:.1f} ms, {len(took)} times")
        assert median < 1000 * limit(ANSWER_MS / 1000), f"{path} takes {median:.1f} ms"
    equal(spile.stop(), 0, "exit status")
    ledger = spile.ledger("null")
    equal((ledger["received"], ledger["delivered"]), (truth.messages, truth.messages), "ledger")


@test(needs=["cc"])
def attack_on_little_memory(t):
    """Four senders at once, several workers, the least memory that there is: nothing is counted twice
    or lost, and tables stay within their error."""
    build_storm(t)
    spile = t.listen("threads: 4\nstatistics: {memory: 4M}\n" + CONFIG, count=2)
    senders = [storm(t, 30_000, 20_000, 100_000, name=f"storm{i}") for i in range(4)]
    for sender in senders:
        equal(sender.wait(60), 0, "status of storm")
    texts = {sender.out for sender in senders}
    equal(len(texts), 1, "storms that said something else than the others")
    # A sanitized program is slow: it lists no more than half of the events.
    print(check(Web(spile), Truth(texts.pop().decode(), len(senders)), 0.8 if t.sanitized else 0.95))
    equal(spile.stop(), 0, "exit status")


STALLED = """
threads: 2
inputs:
  - unix: {path: @DIR@/tap.sock}
outputs:
  - stdout: {format: json, when-full: block, block-max: 1h, queue-size: 256K}
web: {listen: "127.0.0.1:0", header-timeout: 1m}
"""
STALLED_PAGES = ["/metrics", "/metrics?window=1m", "/api/v1/statistics", "/api/v1/statistics?window=1m",
                 "/api/v1/streams", "/api/v1/tables?table=domains&by=queries", "/api/v1/tables?table=domains&window=5m"]


class Drain(threading.Thread):
    """Reads a pipe to its end."""

    def __init__(self, reader):
        super().__init__()
        self.reader = reader

    def run(self):
        while os.read(self.reader, 1 << 20):
            pass


def fill(sock, frames):
    """Sends the frames again and again until nobody takes more for a second; how often, and what is left of the
    last time."""
    rest, times = b"", 0
    sock.setblocking(False)
    while select.select([], [sock], [], 1)[1]:
        if not rest:
            rest, times = frames, times + 1
        try:
            rest = rest[sock.send(rest):]
        except BlockingIOError:
            pass
    sock.setblocking(True)
    return times, rest


@test()
def a_stalled_worker_stops_no_page(t):
    """An output that is never read holds up the worker that fills it. Pages come as soon as ever, with what was
    counted before; and when it is read all is counted."""
    path = t.path("stalled.yaml")
    path.write_text(STALLED.replace("@DIR@", str(t.folder)))
    reader, writer = os.pipe()
    spile = t.spile("run", "-c", path, stdout=writer)
    os.close(writer)
    t.wait_listening(spile, 2)
    web, sender = Web(spile), fstrm.Sender(t.path("tap.sock"))
    sender.send(*[fstrm.message(question("before.stall.lab.", 1, 1))] * 10)
    web.settled(10)
    frames = fstrm.data(fstrm.message(question("flood.stall.lab.", 1, 1))) * 500
    times, rest = fill(sender.sock, frames)
    took = {}
    for page in STALLED_PAGES * 3:
        begin = time.monotonic()
        web.get(page)
        took[page] = max(took.get(page, 0), time.monotonic() - begin)
    assert max(took.values()) < limit(1.5), f"a page took long: {took}"
    rows = {row["name"]: row["value"] for row in web.table("domains", "queries")["rows"]}
    equal(rows.get("before.stall.lab."), 10, "what had been counted before")
    drain = Drain(reader)
    drain.start()
    sender.sock.sendall(rest)
    web.settled(10 + times * 500)
    rows = {row["name"]: row["value"] for row in web.table("domains", "queries")["rows"]}
    equal(rows, {"before.stall.lab.": 10, "flood.stall.lab.": times * 500}, "names at the end")
    sender.finish()
    equal(spile.stop(), 0, "exit status")
    drain.join()
    os.close(reader)
    print(f"{times * 500} frames, slowest page {max(took.values()) * 1000:.0f} ms")


def of_identities(names, qname=question("same.identities.lab.", 1, 1)):
    return b"".join(fstrm.data(fstrm.message(qname, identity=name.encode())) for name in names)


def done(sender):
    """How many events of each identity SENDER has sent."""
    lines = sender.out.decode().split("\n")[:-1]
    return int(lines[-1]) if lines else 0


def listed_streams(web):
    return {s["name"]: s["queries"] for s in web.json("/api/v1/streams")["streams"]}


@test()
def identities_without_end(t):
    """One peer invents 4,000 identities again and again. Memory is what was asked for; those of others
    are listed with all that they send; what is not listed is in the sums and told."""
    spile = t.listen("statistics: {memory: 64M, streams: 4096}\n" + CONFIG, count=2)
    assert "memory 64M is for" in spile.err, "it says at start for how many streams there is room"
    web, rounds, most, invented, honest = Web(spile), 6, 60, 4000, ["ns1.identities.lab", "ns2.identities.lab"]
    before = peak_mb(spile)
    mob = fstrm.Sender(t.path("tap.sock"))
    mob.sock.sendall(of_identities(f"invented{i}" for i in range(invented)))
    wait_for("they fill all places", lambda: web.statistics()["statistics"]["queries"]["events"] == invented, every=0.1)
    good = t.start([sys.executable, "-c", SENDER, HERE, t.path("tap.sock"), t.path("enough"), *honest], name="honest")
    sent, early = 0, 0  # early: so many events of each may have come before the place was theirs
    while sent < rounds - 1 or not early or done(good) < 2 * early + 100:
        assert sent < most, f"after {sent} rounds, in which the others sent {done(good)} each: {early} until they were listed"
        sent += 1
        mob.sock.sendall(of_identities(f"invented{sent}.{n}" for n in range(invented)))
        generation = web.statistics()["generation"]
        wait_for("a second passes", lambda generation=generation: web.statistics()["generation"] > generation, every=0.1)
        # Who is not heard for seconds, as on a slow machine, may lose it again.
        early = (early or done(good) + 5) if all(name in listed_streams(web) for name in honest) else 0
    t.path("enough").touch()
    equal(good.wait(), 0, "status of the honest sender")
    count = done(good)
    page = web.settled((sent + 1) * invented + count * len(honest))
    listed = listed_streams(web)
    for name in honest:
        assert listed.get(name, 0) >= count - early, f"{name}: {listed.get(name)} of {count} events, {early} of them early"
    assert 16 <= page["places"] < 4096 and len(listed) == page["places"], f"{page['places']} places"
    equal(page["other-streams"], (sent + 1) * invented + count * len(honest) - sum(listed.values()), "other streams")
    wanted = (sent + 1) * invented - len(listed) + len(honest)
    assert abs(page["other-identities"] - wanted) < wanted * 0.05, f"{page['other-identities']} of {wanted} identities"
    samples = dict(line.rsplit(" ", 1) for line in web.get("/metrics").decode().splitlines() if line[:1] != "#")
    equal(samples["spile_statistics_places"], str(page["places"]), "places, on /metrics")
    assert float(samples["spile_statistics_other_identities"]) > invented, "identities, on /metrics"
    print(f"{page['places']} places, {peak_mb(spile):.0f} MB, {before:.0f} MB before")
    if not t.sanitized:
        assert peak_mb(spile) < 96, f"{peak_mb(spile):.0f} MB"
    equal(spile.stop(), 0, "exit status")
