"""Steady traffic, a frame a write, and none at all: how often the program is woken for it."""
import pathlib
import re
import time

from fstrm import Sender
from harness import ROOT, UNIX_JSON, equal, test, wait_for

GATHER_S = 0.002   # gather-time as it is without being set
TOLD_S = 1.0       # statistics, outputs and history have something to do once a second
WITH_WEB = UNIX_JSON.replace("mode: 0666", "mode: 0666, hint-after: 50ms") + 'web: {listen: "127.0.0.1:0"}\n'


def wakes(process):
    """How often its threads have gone to sleep so far, by thread."""
    counts = {}
    for path in pathlib.Path(f"/proc/{process.child.pid}/task").glob("*/status"):
        name, count = re.search(r"Name:\s+(.*)\n(?s:.*)\nvoluntary_ctxt_switches:\s+(\d+)", path.read_text()).groups()
        counts[f"{name} {path.parent.name}"] = int(count)
    return counts


def since(before, now):
    return {thread: count - before.get(thread, 0) for thread, count in now.items()}


def steady(t, rate, connections, seconds):
    t.tool(["cc", "-O2", "-D_GNU_SOURCE", "-o", t.path("steady"), ROOT / "tests/support/steady.c"])
    sender = t.start([t.path("steady"), t.path("tap.sock"), rate, connections, seconds], name="steady")
    wait_for("all streams have begun", lambda: "begun" in sender.out.decode())
    return sender


@test(needs=["cc"], plain=True)
def a_wake_up_brings_many(t):
    """Five thousand events a second wake a worker at most once in gather-time, be they of one connection or of
    many; and an output some times more seldom. A machine that is slow wakes it less often."""
    for number, connections in enumerate((1, 200)):
        spile = t.listen("threads: 1\n" + UNIX_JSON, name=f"spile{number}")
        sender = steady(t, 5000, connections, 2)
        begin, before = time.monotonic(), wakes(spile)
        equal(sender.wait(), 0, "status of steady")
        seconds = time.monotonic() - begin
        found = since(before, wakes(spile))
        most = 1.5 * seconds / GATHER_S + 4 * connections  # each connection's end wakes it, too
        assert all(count < most for count in found.values()), f"{found} in {seconds:.1f} s, of {connections}"
        equal(spile.stop(), 0, "exit status")
        equal(spile.ledger()["delivered"], 10000, "events")


@test(needs=["cc"], plain=True)
def gathering_can_be_left_out(t):
    spile = t.listen("threads: 1\ngather-time: 0\n" + UNIX_JSON)
    equal(steady(t, 2000, 1, 1).wait(), 0, "status of steady")
    equal(spile.stop(), 0, "exit status")
    equal(spile.ledger()["delivered"], 2000, "events")


@test(plain=True)
def nothing_comes_and_nobody_wakes(t):
    """A hundred servers that say nothing: each thread has something to do once a second or never. (Of each
    connection it is noticed once that it brings nothing, and that wakes a worker: it has to be over.)"""
    spile = t.listen(WITH_WEB, count=2)
    clients = [Sender(t.path("tap.sock")) for _ in range(100)]
    wait_for("all are known to be silent", lambda: "100 connections have begun" in spile.hints().get("unix", ""))

    def settled():
        before = wakes(spile)
        time.sleep(TOLD_S)
        return max(since(before, wakes(spile)).values()) <= 6
    wait_for("it is quiet", settled)
    begin, before = time.monotonic(), wakes(spile)
    wait_for("some seconds", lambda: time.monotonic() > begin + 3 * TOLD_S)
    seconds, found = time.monotonic() - begin, since(before, wakes(spile))
    assert all(count <= 6 * (seconds + 1) for count in found.values()), f"{found} in {seconds:.1f} s"
    assert sum(count > 0 for count in found.values()) <= 8, f"threads that were woken: {found}"
    for client in clients:
        client.finish()
    equal(spile.stop(), 0, "exit status")
