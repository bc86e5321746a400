"""Statistics under an attack with random subdomains: what is counted is held to what was sent."""
import http.client
import json
import pathlib
import re
import statistics
import threading
import time

from harness import ROOT, equal, limit, test, wait_for

STORM = ROOT / "tests/support/storm.c"
CONFIG = """
inputs:
  - unix: {path: @DIR@/tap.sock}
outputs:
  - "null": {}
web: {listen: "127.0.0.1:0"}
"""
DISTINCT_PERCENT = 3  # three times the standard error that is promised, 1 %
TOP = 100
MEMORY_MB = 128
ANSWER_MS = 10


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
            sides = [page["statistics"][side]["events"] for side in ("queries", "responses")]
            return page if sum(sides) == messages else None
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
    assert recall >= wanted_recall, f"recall {recall}"
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
    asker = Asker(spile, ["/metrics", f"/tables?n={TOP}", f"/api/v1/tables?n={TOP}&table=domains&by=queries"])
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
    print(check(Web(spile), Truth(texts.pop().decode(), len(senders)), 0.95))
    equal(spile.stop(), 0, "exit status")
