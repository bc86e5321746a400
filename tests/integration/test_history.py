"""History: it survives restarts and sudden deaths, and a bad disk hurts nothing else."""
import http.client
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import time

from harness import Skip, equal, limit, real_capture, test, wait_for

CONFIG = """
inputs:
  - unix: {path: @DIR@/tap.sock}
outputs:
  - "null": {}
web: {listen: "127.0.0.1:0", header-timeout: 1m}
history: {path: "@PATH@", write-every: 1s}
"""
HOUR_MS = 3600 * 1000
RUNS, DEATHS = 3, 6
SERIES = ["queries", "responses"]


class Daemon:
    """A `spile run` with history."""

    def __init__(self, t, path, name="spile"):
        self.t = t
        self.process = t.listen(CONFIG.replace("@PATH@", str(path)), name=name, count=2)
        found = wait_for("the address", lambda: re.search(r"http://([^/]+)/", self.process.err))
        self.address = found.group(1)

    def get(self, path):
        connection = http.client.HTTPConnection(self.address, timeout=limit(30))
        connection.request("GET", path)
        reply = connection.getresponse()
        body = reply.read()
        equal(reply.status, 200, f"status of {path}: {body[:200]}")
        connection.close()
        return json.loads(body)

    def state(self):
        return self.get("/api/v1/history")

    def sums(self, step_s):
        """Queries and responses of the last day, by steps of that length."""
        now = int(time.time() * 1000)
        reply = self.get(f"/api/v1/series?step={step_s * 1000}&from={now - 24 * HOUR_MS}&to={now + 1000}")
        return [sum(n or 0 for n in reply["series"][name]) for name in SERIES]

    def settled(self, wanted):
        """Waits until the roll-ups of minutes have all; those of hours and days have as much."""
        wait_for(f"history has {wanted}", lambda: self.sums(300) == wanted, every=0.2)
        for step in (3600, 86400):
            equal(self.sums(step), wanted, f"steps of {step} s")

    def send(self, capture):
        self.t.run("send", capture, f"unix:{self.t.path('tap.sock')}")

    def stop(self):
        equal(self.process.stop(), 0, "exit status")


def messages(t, capture):
    """How many queries and responses of what clients ask a capture has: by its lines as JSON."""
    lines = t.run("read", "-o", "json", "--fields", "dnstap.direction,dnstap.side", capture).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    directions = [event["type"] for event in events if event["side"] == "client"]
    counts = [directions.count("query"), directions.count("response")]
    assert all(counts) and sum(counts) == len(directions), counts
    return counts


def times(counts, n):
    return [n * count for count in counts]


def varints(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0


def stored(path):
    """Queries and responses in the database, of each kind of roll-ups, by a reader of our own."""
    kinds = {0: [0, 0], 1: [0, 0], 2: [0, 0]}
    with sqlite3.connect(path) as db:
        equal(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity_check")
        for kind, data in db.execute("SELECT kind, data FROM record WHERE what = 0 AND stream = 0"):
            numbers, place = list(varints(data)), 0
            for gap, n in zip(numbers[::2], numbers[1::2]):
                place += gap
                if place in (2 << 16, 3 << 16):
                    kinds[kind][(place >> 16) - 2] += n
    db.close()
    equal(kinds[0], kinds[1], "minutes and hours")
    equal(kinds[0], kinds[2], "minutes and days")
    return kinds[0]


@test()
def a_restart_keeps_history(t):
    capture, path = real_capture(t), t.path("history.db")
    counts = messages(t, capture)
    for run in range(RUNS):
        daemon = Daemon(t, path, name=f"spile{run}")
        equal(daemon.sums(300), times(counts, run), "after the restart")
        daemon.send(capture)
        daemon.settled(times(counts, run + 1))
        tops = daemon.get("/api/v1/history/tops?n=1") if run else None
        daemon.stop()
        equal(stored(path), times(counts, run + 1), "in the database")
    equal(os.stat(path).st_mode & 0o777, 0o600, "mode of a file with a key in it")
    # The lists of two runs are one: more than one run can have brought.
    best = tops["clients"][0]
    assert best["value"] > 0 and tops["by"] == "hits", tops


@test()
def sketches_merge_across_restarts(t):
    capture, path = real_capture(t), t.path("history.db")
    seen = []
    for run in range(3):
        daemon = Daemon(t, path, name=f"spile{run}")
        now = int(time.time() * 1000)
        reply = daemon.get(f"/api/v1/series?step=86400000&from={now}&to={now + 1}")
        seen.append(reply["series"]["clients"][0])  # what has been written: sketches are no sooner than that
        if run < 2:
            daemon.send(capture)
            daemon.settled(times(messages(t, capture), run + 1))
        daemon.stop()
    # The same clients twice: with two keys there would be twice as many.
    assert seen[1] > 1, seen
    equal(seen[1], seen[2], "distinct clients of a day")


@test()
def kill_9_leaves_a_sound_database(t):
    capture, path = real_capture(t), t.path("history.db")
    counts = messages(t, capture)
    dice = random.Random(5)
    before = [0, 0]
    for death in range(DEATHS):
        daemon = Daemon(t, path, name=f"spile{death}")
        equal(daemon.sums(300), before, "what was written is there")
        daemon.send(capture)
        if death % 2:
            daemon.settled([a + b for a, b in zip(before, counts)])
            # What was on its way to the disk may lack the last events: the next portion has them.
            idle = wait_for("nothing waits", lambda: (lambda s: s if s["waiting"] == 0 else None)(daemon.state()), every=0.1)
            wait_for("it is written", lambda: daemon.state()["rows-written"] > idle["rows-written"], every=0.1)
        else:
            time.sleep(dice.uniform(0.5, 2.5))
        daemon.process.kill()
        os.unlink(t.path("tap.sock"))
        now = stored(path)
        wanted = [a + b for a, b in zip(before, counts)]
        assert now == wanted or (death % 2 == 0 and before <= now <= wanted), (before, now, wanted)
        before = now


@test()
def a_broken_file_is_set_aside(t):
    capture, path = real_capture(t), t.path("history.db")
    path.write_bytes(b"this was a database once\n" * 1000)
    daemon = Daemon(t, path)
    assert "set aside as" in daemon.process.err, daemon.process.err
    equal(len(list(t.folder.glob("history.db.broken-*Z"))), 1, "files set aside")
    daemon.send(capture)
    daemon.settled(messages(t, capture))
    daemon.stop()
    equal(stored(path), messages(t, capture), "in the new one")


@test()
def without_a_place_it_goes_on(t):
    """A path that cannot be: said, counted, and everything else works."""
    capture = real_capture(t)
    counts = messages(t, capture)
    daemon = Daemon(t, t.path("nowhere/history.db"))
    daemon.send(capture)
    daemon.settled(counts)  # from memory
    state = daemon.state()
    assert not state["healthy"] and "No such file" in state["problem"], state
    equal(daemon.process.err.count("No such file"), 1, "times it was said")
    t.path("nowhere").mkdir()
    wait_for("it is written", lambda: daemon.state()["healthy"], seconds=30, every=0.2)
    daemon.stop()
    equal(stored(t.path("nowhere/history.db")), counts, "in the database")


def small_disk(t):
    folder = t.path("disk")
    folder.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        raise Skip("a small disk needs root and mount")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)],
                          capture_output=True, check=False)
    if done.returncode:
        raise Skip(f"no small disk: {done.stderr.decode().strip()}")
    return folder


@test()
def a_full_disk_is_told_and_passes(t):
    capture, folder = real_capture(t), small_disk(t)
    counts = messages(t, capture)
    try:
        daemon = Daemon(t, folder / "history.db")
        daemon.send(capture)
        daemon.settled(counts)
        filler = folder / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        sent = 1

        def full():
            nonlocal sent
            daemon.send(capture)
            sent += 1
            return not daemon.state()["healthy"]
        wait_for("the disk is full", full, seconds=60, every=0.5)
        daemon.settled(times(counts, sent))
        state = daemon.state()
        assert "full" in state["problem"] and state["write-errors"] > 0, state
        assert "full" in daemon.process.err, daemon.process.err
        statistics = daemon.get("/api/v1/statistics")["statistics"]
        equal([statistics[name]["events"] for name in SERIES], times(counts, sent), "collected")
        errors = state["write-errors"]
        wait_for("it has failed again", lambda: daemon.state()["write-errors"] > errors, seconds=60, every=0.2)
        equal(daemon.process.err.count("full"), 1, "times it was said")
        filler.unlink()
        wait_for("it is written again", lambda: daemon.state()["healthy"], seconds=90, every=0.2)
        assert "written again" in daemon.process.err, daemon.process.err
        daemon.stop()
        equal(stored(folder / "history.db"), times(counts, sent), "in the database")
    finally:
        for process in t.processes:
            process.kill()
        subprocess.run(["umount", str(folder)], check=False)
