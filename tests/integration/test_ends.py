"""Wrong ends: standard output that is full, closed, or without a reader; disks that are full; and ledgers, which
must add up at any moment."""
import contextlib
import ctypes
import itertools
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import urllib.request

import fstrm
from fstrm import Sender
from harness import ROOT, Skip, equal, free_port, limit, samples, test, wait_for
from test_cases import case
from test_recordings import frames, payload, stream

LINE = re.compile(r"ledger: (\S+) received=(\d+) delivered=(\d+) filtered=(\d+) dropped=(\d+)(?: \(([^)]*)\))? in-flight=(\d+)$")


def recording(t, count=60000):
    path = t.path("long.fstrm")
    if not path.exists():
        t.run("gen", "--count", count, "-w", path)
    return path


def printing_commands(t):
    """Every command that prints data by itself."""
    good = t.path("good.yaml")
    file = recording(t)
    good.write_text(f"inputs: [file: {{path: [{file}]}}]\n")
    return [
        ["read", file], ["read", "-o", "json", file], ["read", "-o", "fstrm", file], ["read", "-o", "yaml", file],
        ["read", "-o", "fstrm", case("05-two-streams")], ["gen", "--count", "50000", "-w", "-"],
        ["top", "--once", case("05-two-streams")], ["fields"], ["config", "example"], ["config", "check", good],
        ["completion", "bash"], ["completion", "zsh"], ["completion", "fish"], ["help"], ["help", "read"], ["read", "--help"],
        ["--version"], ["--help"], ["manual", ROOT / "man/spile.1.in"],
    ]


def said(done):
    return [line for line in done.stderr.decode().splitlines() if not line.startswith("ledger: ")]


def run_onto(t, stdout, command):
    return subprocess.run([t.spile_path, *map(str, command)], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                          timeout=limit(30), check=False, cwd=t.folder)


@test()
def full_device_fails_at_once(t):
    for command in printing_commands(t):
        with open("/dev/full", "wb") as full:
            done = run_onto(t, full, command)
        equal(done.returncode, 1, f"{command}: exit status")
        lines = said(done)
        equal(len(lines), 1, f"{command}: lines: {lines}")
        assert lines[0].startswith("spile: error: ") and "No space left on device" in lines[0], f"{command}: {lines}"


@test()
def closed_stdout_fails_at_once(t):
    for command in printing_commands(t):
        words = " ".join(f"'{word}'" for word in [t.spile_path, *command])
        done = t.tool(["sh", "-c", f"{words} >&-"], status=1)
        lines = said(done)
        equal(len(lines), 1, f"{command}: lines: {lines}")
        assert lines[0].startswith("spile: error: "), f"{command}: {lines}"


@test()
def reader_that_left_is_no_failure(t):
    for command in printing_commands(t):
        reader, writer = os.pipe()
        os.close(reader)
        done = run_onto(t, writer, command)
        os.close(writer)
        equal(done.returncode, 0, f"{command}: exit status: {done.stderr}")
        equal(said(done), [], f"{command}: lines")
        assert command[0] != "read" or done.stderr == b"", f"{command}: {done.stderr}"


@test()
def capture_ends_when_the_disk_is_full(t):
    """A file that may not grow, as on a full disk: what is there are whole frames."""
    out, sock = t.path("out.fstrm"), t.path("tap.sock")
    capture = t.spile("capture", f"unix:{sock}", "-w", out)
    resource.prlimit(capture.child.pid, resource.RLIMIT_FSIZE, (100000, resource.RLIM_INFINITY))
    t.wait_listening(capture)
    t.run("send", recording(t), f"unix:{sock}", status=None)
    equal(capture.wait(), 1, "exit status")
    errors = [line for line in capture.err.splitlines() if "error" in line]
    equal(len(errors), 1, f"errors: {errors}")
    assert f"cannot write {out}: File too large" in errors[0], errors
    kept = fstrm.split(out.read_bytes())
    equal(kept, fstrm.split(recording(t).read_bytes())[:len(kept)], "frames that were kept")
    assert len(kept) > 100 and len(out.read_bytes()) > 90000, f"{len(kept)} frames"
    equal(t.run("read", out).stdout.count(b"\n"), len(kept), "what read finds")


@test()
def run_that_ends_with_a_full_disk_fails(t):
    """`run` waits for room as long as it runs; what found none when it ends is a failure."""
    config = t.path("full.yaml")
    config.write_text(f"shutdown-time: 1s\ninputs: [file: {{path: [{recording(t)}]}}]\n"
                      "outputs: [stdout: {block-max: 10ms}]\n")
    with open("/dev/full", "wb") as full:
        done = run_onto(t, full, ["run", "-c", config])
    equal(done.returncode, 1, f"exit status: {done.stderr}")


@test()
def a_reader_that_leaves_excuses_its_own_output_alone(t):
    """What standard output loses when its reader goes away is no failure; what another output loses is."""
    for other, status in (('"null": {}', 0), ("file: {path: /dev/full}", 1)):
        config = t.path("left.yaml")
        config.write_text(f"shutdown-time: 1s\ninputs: [file: {{path: [{recording(t)}]}}]\n"
                          f"outputs: [{other}, stdout: {{}}]\n")
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as left:
            done = run_onto(t, left, ["run", "-c", config])
        equal(done.returncode, status, f"exit status with {other}: {done.stderr}")


def ledgers(text):
    """All ledger lines: name, numbers and reasons; each must add up."""
    found = []
    for line in text.splitlines():
        if not line.startswith("ledger: "):
            continue
        match = LINE.match(line)
        assert match, f"a ledger line: {line}"
        received, delivered, filtered, dropped, flying = (int(match[i]) for i in (2, 3, 4, 5, 7))
        reasons = {key: int(n) for key, n in (word.split("=") for word in (match[6] or "").split())}
        equal(sum(reasons.values()), dropped, f"reasons of: {line}")
        equal(delivered + filtered + dropped + flying, received, f"sum of: {line}")
        found.append((match[1], {"received": received, "delivered": delivered, "dropped": dropped, "in-flight": flying,
                                 "reasons": reasons}))
    return found


MANY = """
threads: 2
inputs:
  - unix: {path: @DIR@/tap.sock, mode: 0666}
outputs:
  - stdout: {format: json, when-full: drop-oldest, queue-size: 256K}
  - file: {path: @DIR@/all.fstrm, format: fstrm, when-full: drop-newest, queue-size: 256K}
  - file: {path: /dev/full, when-full: drop-newest, queue-size: 256K}
  - file: {path: /dev/full, when-full: drop-oldest, queue-size: 256K}
  - "null": {decode: all}
"""


@test()
def every_snapshot_adds_up(t):
    """SIGUSR1 again and again while frames rush in, some of which are none, and two outputs are stuck."""
    spile = t.listen(MANY)
    flood = t.spile("gen", "--count", "3000000", f"unix:{t.path('tap.sock')}", name="flood")
    odd = Sender(t.path("tap.sock"))

    def flying():
        """How many lines had something in flight: on a machine that is busy that may be few."""
        return sum(numbers["in-flight"] > 0 for _, numbers in ledgers(spile.err))
    for n in itertools.count(1):
        odd.send(payload(n), b"\xff\xff")
        spile.send(signal.SIGUSR1)
        wait_for("the ledger", lambda: spile.err.count("ledger: null") == n)
        if n >= 40 and (flying() > 10 or not flood.running()):
            break
    odd.finish()
    flood.kill()
    spile.stop()
    found = ledgers(spile.err)
    assert flying() > 10, f"{flying()} of {len(found)} lines had something in flight"
    last = dict(found[-6:])
    equal(sorted(last), ["file", "file#2", "file#3", "input", "null", "stdout"], "the last lines")
    equal(last["input"]["reasons"], {"malformed": n}, "malformed frames, counted once")
    equal({name for name, numbers in found if "malformed" in numbers["reasons"]}, {"input"}, "who counts them")
    equal(last["file"]["received"], last["input"]["received"], "an output of frames gets all of them")
    equal(last["null"]["received"], last["input"]["delivered"], "an output of events gets events")
    equal(last["stdout"]["received"], last["input"]["delivered"], "one with a queue, too")
    equal({numbers["in-flight"] for numbers in last.values()}, {0}, "in flight at the end")


@test()
def malformed_frames_count_once_everywhere(t):
    """JSON at the end, API and metrics while it runs: one frame, one count."""
    port = free_port()
    config = f"web: {{listen: 127.0.0.1:{port}}}\n" + MANY
    path = t.path("web.yaml")
    path.write_text(config.replace("@DIR@", str(t.folder)))
    spile = t.spile("run", "-c", path, "--ledger", t.path("ledger.json"))
    t.wait_listening(spile, 2)
    sender = Sender(t.path("tap.sock"))
    sender.send(payload(1), b"\xff", payload(2))
    sender.finish()
    def get(what):
        return urllib.request.urlopen(f"http://127.0.0.1:{port}{what}", timeout=limit(10)).read().decode()
    outputs = wait_for("three frames", lambda: [o for o in json.loads(get("/api/v1/ledger"))["outputs"]
                                                if o["output"] == "file" and o["received"] == 3]
                       and json.loads(get("/api/v1/ledger"))["outputs"])
    equal([o["reasons"]["malformed"] for o in outputs], [0] * 5, "API: reasons of outputs")
    for o in outputs:
        equal(o["delivered"] + o["filtered"] + o["dropped"] + o["in-flight"], o["received"], f"API: {o}")
    counted = samples(get("/metrics"))
    equal(sorted({name.split("{")[0] for name, value in counted.items() if "malformed" in name and value > 0}),
          ["spile_input_malformed_total", "spile_malformed_frames_total"], "metrics")
    spile.stop()
    written = {o["output"]: o for o in json.loads(t.path("ledger.json").read_text())}
    equal(written["input"]["dropped"]["malformed"], 1, "JSON: the input's")
    equal(sum(o["dropped"]["malformed"] for o in written.values()), 1, "JSON: all")
    for o in written.values():
        equal(o["delivered"] + o["filtered"] + sum(o["dropped"].values()) + o["in-flight"], o["received"], f"JSON: {o}")


@test()
def read_prints_a_ledger_where_something_was_lost(t):
    good, bad = t.path("good.fstrm"), t.path("bad.fstrm")
    good.write_bytes(stream(0, 3))
    bad.write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + frames(0, 3) + fstrm.data(b"\xff") + fstrm.control(fstrm.STOP))
    equal(t.run("read", good).stderr, b"", "of a good file")
    lines = ledgers(t.run("read", "-v", good).stderr.decode())
    equal([(name, n["received"], n["delivered"]) for name, n in lines], [("stdout", 3, 3)], "with -v")
    lines = ledgers(t.run("read", bad).stderr.decode())
    equal([(name, n["received"], n["delivered"]) for name, n in lines], [("stdout", 3, 3), ("input", 4, 3)], "of a bad file")


@test()
def ledger_that_cannot_be_written_fails(t):
    path = t.path("two.fstrm")
    path.write_bytes(stream(0, 2))
    for ledger, lines in (("/dev/full", 2), (t.path("no/such/folder"), 0)):
        done = t.run("read", "--ledger", ledger, path, status=1)
        equal(done.stdout.count(b"\n"), lines, "lines")
        equal(len(said(done)), 1, f"errors: {said(done)}")


SEIZE, INTERRUPT = 0x4206, 0x4207  # of ptrace(2)
WALL = 0x40000000  # of waitpid(2): threads, too


class Stuck:
    """A thread of the program that does not go on, as when its disk does not answer."""

    def __init__(self, libc, thread):
        self.thread = thread
        if libc.ptrace(SEIZE, thread, 0, 0) or libc.ptrace(INTERRUPT, thread, 0, 0):
            raise Skip("this system does not let its parent trace a program")
        os.waitpid(thread, WALL)
        self.gone = False

    def is_gone(self):
        """Whoever traces a thread sees its end first."""
        self.gone = self.gone or os.waitpid(self.thread, WALL | os.WNOHANG)[0] != 0
        return self.gone

    def bury(self, process):
        """Whatever has become of the test: as long as nobody has seen the thread's end its program cannot be waited for."""
        if not self.is_gone():
            process.send(signal.SIGKILL)
            wait_for("the end of a thread that is killed", self.is_gone)


def threads_beside_main(process):
    """In the order of their beginning. ThreadSanitizer has one of its own, before all others."""
    proc = pathlib.Path(f"/proc/{process.child.pid}")
    foreign = "libtsan" in (proc / "maps").read_text()
    return sorted(int(path.name) for path in (proc / "task").iterdir())[1 + foreign:]


@test()
def no_stuck_thread_delays_the_end(t):
    """Whichever thread waits for ever, the program ends by itself, soon behind shutdown-time, and says so."""
    libc = ctypes.CDLL(None, use_errno=True)
    config = """shutdown-time: 100ms
inputs: [tcp: {listen: 127.0.0.1:0}]
outputs:
- file: {path: @DIR@/NAME/out.json, format: json, rotate-size: 1K, compress: gzip}
history: {path: @DIR@/NAME/history.db}
"""
    stuck, number, threads = [], 0, 1
    with contextlib.ExitStack() as graves:
        while number < threads:
            t.path(f"stuck-{number}").mkdir()
            spile = t.listen(config.replace("NAME", f"stuck-{number}"), name=f"stuck-{number}")
            others = threads_beside_main(spile)
            threads = len(others)
            stuck.append((spile, Stuck(libc, others[number])))
            graves.callback(stuck[-1][1].bury, spile)
            number += 1
        assert threads >= 5, f"{threads} threads: of workers, outputs, statistics, history"
        for spile, _ in stuck:
            spile.send(signal.SIGTERM)
        for spile, thread in stuck:
            wait_for("the end of the stuck thread", thread.is_gone)
            equal(spile.wait(), 1, "status")
            assert re.search("ledger: file received=0|threads that do not end", spile.err), spile.err


@test()
def no_signal_kills_at_the_very_end(t):
    """What a signal asks for cannot be done any more: that is no reason to die of it."""
    config = "inputs: [tcp: {listen: 127.0.0.1:0}]\nhistory: {path: @DIR@/history.db}\n"  # which takes a while to close
    for number in (signal.SIGHUP, signal.SIGUSR1):
        for i in range(10):
            spile = t.listen(config, name=f"{number.name}-{i}")
            spile.send(signal.SIGTERM)
            while spile.running():
                spile.send(number)
            equal(spile.wait(), 0, f"status with {number.name}")
