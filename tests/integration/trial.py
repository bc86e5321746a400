"""A hostile trial: one `spile run` with two outputs and a web server, a mob of everybody who means harm
(mob.py) at once, and honest senders and visitors beside it; and what is demanded of it in the end."""
import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from harness import Spile, free_port, wait_for

MOB = pathlib.Path(__file__).with_name("mob.py")
SENDERS, QUIET, VISITORS = 4, 2, 2
NOBODY = 65534  # every other one of the mob is another user than the honest ones, where we are root
WAIT_MS, MEMORY_MB = 50, 128
LATE_S = 60  # so long the slowest of the mob is waited for
IDLE_CORES, IDLE_MS = 0.5, 10  # waits are judged where so much is idle, and nobody waits longer for it
KEY = "the key of the trial"
MISCHIEF = ("silent", "silent", "reconnectors", "garbage", "huge", "bombs", "names", "inventors", "drippers",
            "pipeliners", "guessers", "viewers", "junk", "junk", "junk")
CONFIG = """
inputs:
  - unix: {path: @DIR@/tap.sock, mode: 0666}
  - tcp: {listen: "%s"}
outputs:
  - file: {path: @DIR@/events.json, format: json, rotate-size: 64M, keep: 6}
  - stdout: {format: fstrm}
web: {listen: "127.0.0.1:0", api-key: "%s"}
"""
REPORTS = re.compile(r"runtime error|(ERROR|WARNING): \w+Sanitizer|Assertion|stack smashing")


def percentile(values, part=0.99):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def figures(values):
    ms = [1000 * value for value in values]
    return f"median {percentile(ms, 0.5):.1f} ms, p99 {percentile(ms):.1f} ms, at most {max(ms, default=0):.0f} ms, {len(ms)} times"


def idle_seconds():
    """How long each processor that may be used here has been idle, since the machine was started."""
    words = [line.split() for line in pathlib.Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")]
    idle = {f"{word[0]}": int(word[4]) / os.sysconf("SC_CLK_TCK") for word in words}
    return [idle[f"cpu{number}"] for number in os.sched_getaffinity(0) if f"cpu{number}" in idle]


class Member:
    """One of the mob, or of the honest, in a process of its own."""

    def __init__(self, t, kind, number, facts, **options):
        self.kind = kind
        self.process = t.start([sys.executable, MOB, kind, json.dumps({**facts, "number": number})],
                               name=f"{kind}{number}", **{"stdin": subprocess.PIPE, **options})

    def end(self):
        """What it has seen."""
        if self.process.child.stdin:
            self.process.child.stdin.close()
        status = self.process.wait(60)
        assert status == 0, f"{self.kind} ended with {status}: {self.process.err[-1500:]}"
        return json.loads(self.process.out)


class Trial:
    """Owner of everything that runs. `say` takes lines of progress."""

    def __init__(self, t, say=print, sources=(), waits=True):
        """sources: addresses to come from over TCP, the first of them the honest ones'; none: loopback.
        waits: how long the honest ones wait is judged, where some processor is idle."""
        self.t, self.say, self.waits, self.verdicts = t, say, waits, []
        self.spile = self.members = None
        host = sources[0] if sources else "127.0.0.1"
        self.sources = list(sources)
        self.tcp = (host, free_port(host))
        self.peak = self.idle = 0

    def judge(self, what, good, text, judged=True):
        self.verdicts.append((what, good or not judged))
        self.say(f"{'holds' if good else 'FAILS' if judged else 'not judged'}: {what}: {text}")

    def run(self, seconds):
        """Returns the names of what failed."""
        self.begin()
        self.last(seconds)
        self.end()
        return [what for what, good in self.verdicts if not good]

    # --- beginning ------------------------------------------------------------------------------

    def begin(self):
        t = self.t
        facts = {"unix": str(t.path("tap.sock")), "tcp": self.tcp, "web": ["127.0.0.1", 0], "source": None, "user": None,
                 "key": KEY, "slow": max(1.0, t.patience), "file": str(t.path("events.json"))}
        path = t.path("hostile.yaml")
        text = CONFIG % (f"{self.tcp[0]}:{self.tcp[1]}", KEY)
        path.write_text(text.replace("@DIR@", str(t.folder)) + ("" if self.waits else "shutdown-time: 1m\n"))
        reader, writer = os.pipe()
        self.frames = Member(t, "frames", 0, facts, stdin=reader)
        os.close(reader)
        self.spile = t.start([t.spile_path, "run", "-c", path], name="spile", kind=Spile, stdout=writer)
        os.close(writer)
        t.wait_listening(self.spile, 3)
        facts["web"] = ["127.0.0.1", self.spile.web_port()]
        self.lines = Member(t, "lines", 0, facts)
        self.honest = [Member(t, "sender", i, {**facts, "source": self.source(0)}) for i in range(SENDERS)]
        self.honest += [Member(t, "quiet", SENDERS + i, {**facts, "source": self.source(0)}) for i in range(QUIET)]
        self.honest += [Member(t, "visitor", i, facts) for i in range(VISITORS)]
        self.honest += [Member(t, "clock", 0, facts)]
        other = NOBODY if os.geteuid() == 0 else None
        self.mob = [Member(t, kind, i, {**facts, "source": self.source(1 + i), "user": other if i % 2 else None})
                    for i, kind in enumerate(MISCHIEF)]
        wait_for("all have begun", lambda: all("begun" in member.process.err for member in self.honest + self.mob), 60)

    def source(self, number):
        return self.sources[number % len(self.sources)] if self.sources else None

    # --- while it lasts -------------------------------------------------------------------------

    def status(self, word):
        text = pathlib.Path(f"/proc/{self.spile.child.pid}/status").read_text()
        return int(re.search(rf"{word}:\s+(\d+)", text).group(1))

    def last(self, seconds):
        """So many seconds, and longer where one of the mob has not come to its first act yet."""
        begin = told = time.monotonic()
        before = idle_seconds()
        while (now := time.monotonic() - begin) < seconds + LATE_S and self.spile.running():
            if now >= seconds and all("at work" in member.process.err for member in self.mob):
                break
            time.sleep(0.2)
            self.peak = max(self.peak, self.status("VmHWM") // 1024)
            if time.monotonic() - told < 10:
                continue
            told = time.monotonic()
            log = self.spile.err.count("\n")
            self.say(f"{told - begin:.0f} s of {seconds}: {self.status('VmRSS') // 1024} MB, at most {self.peak} MB; "
                     f"{len(os.listdir(f'/proc/{self.spile.child.pid}/fd'))} descriptors; {log} lines of log")
        # On average over the whole time, of all that it could have had.
        self.idle = sum(now - then for then, now in zip(before, idle_seconds(), strict=True)) / (time.monotonic() - begin)

    # --- the end --------------------------------------------------------------------------------

    def end(self):
        alive = self.spile.running()
        mob = [(member.kind, member.end()) for member in self.mob]
        seen = [(member.kind, member.end()) for member in self.honest]
        status = self.spile.stop(signal.SIGTERM, 60) if alive else self.spile.child.returncode
        self.outcome = {"stdout": self.frames.end(), "file": self.lines.end()}
        self.judge("exit status", alive and status == 0, f"{status}" + ("" if alive else ", before the end"))
        found = REPORTS.search(self.spile.err)
        self.judge("no report of a sanitizer", not found, found.group(0) if found else "none")
        idle = {kind: counts for kind, counts in mob if not counts["acts"]}
        acts = ", ".join(f"{kind} {counts['acts']}" for kind, counts in mob)
        self.judge("the mob was at work", not idle, acts)
        self.judge_losses([counts for kind, counts in seen if kind in ("sender", "quiet")])
        self.judge_ledgers()
        self.judge_waits(seen)
        self.judge("memory", self.peak < MEMORY_MB, f"at most {self.peak} MB resident", not self.t.sanitized)

    def judge_losses(self, senders):
        sent = {f"honest{i}": counts["sent"] for i, counts in enumerate(senders)}
        for output, counts in self.outcome.items():
            got = {name: counts.get(name, 0) for name in sent}
            self.judge(f"honest senders lost nothing, {output}", got == sent, f"sent {sent}, got {got}")
        failed = [text for counts in senders for text in counts["failed"]]
        self.judge("honest senders were served", not failed, f"{len(failed)} failures {failed[:3]}")
        if failed:  # the log's own words, without who it was
            reasons = collections.Counter(re.findall(r"(?:closed|refused) \S+ (.*)", self.spile.err))
            self.say(", ".join(f"{count} times {reason}" for reason, count in reasons.most_common(8)))

    def judge_ledgers(self):
        for output in self.outcome:
            ledger = self.spile.ledger(output)
            parts = ledger["delivered"] + ledger["filtered"] + ledger["dropped"]
            good = ledger["received"] == parts and ledger["delivered"] == self.outcome[output].get("all", 0)
            self.judge(f"the ledger adds up, {output}", good, f"{ledger}, {self.outcome[output]} came out")

    def judge_waits(self, seen):
        def all_of(kind, key):
            return [value for name, counts in seen if name == kind for value in counts[key]]
        late = all_of("clock", "waits")
        idle = 1000 * percentile(late) < IDLE_MS and self.idle >= IDLE_CORES
        self.say(f"{self.idle:.1f} processors were idle; any process here waits for one: {figures(late)}" +
                 ("" if idle else "; so waits are not judged"))
        for what, kind, key in (("sends", "sender", "waits"), ("sessions, from connecting to FINISH", "sender", "sessions"),
                                ("web requests", "visitor", "waits")):
            waits = all_of(kind, key)
            self.judge(f"honest {what} wait at most {WAIT_MS} ms at p99", waits and 1000 * percentile(waits) <= WAIT_MS,
                       figures(waits), self.waits and idle and not self.t.sanitized)
        failed = all_of("visitor", "failed")
        self.judge("honest visitors were served", not failed, f"{len(failed)} failures {failed[:3]}")

