"""What a receiver costs a real resolver. unbound answers from its memory and logs each query and
response of clients as README's lines for it say; dnsperf asks, first at an even rate, then as often as it is answered.

The receivers take turns, so that what else the machine does touches all alike. CPU is that of all of
a receiver's threads, from the first query until unbound has sent all. It sends two frames a query, and
drops those that it has no room for: the part that came is told.
"""
import contextlib
import random
import re
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass

from bench_programs import CAPTURE, Program, Row, Wrong, cpu_of, ended, ledger_of, median, print_lines, wait_for

import lab  # found by the path that bench_programs adds

NAME = "a real resolver"
RATE, RATE_S, MAXIMUM_S = 5_000, 10, 5
QUICK_S = 0.2
GATHERED_S = 1.1  # what unbound has gathered it sends within a second, and not when it ends

PEER = Row("fstrm_capture", [*CAPTURE, "-d"], "told", tool="fstrm_capture")  # -d: it says how many frames it had
NONE = Row("none: dnstap is off", [])
RECEIVERS = [  # goal: of the peer's CPU at most
    Row("spile run, text", ["{spile}", "run", "-v", "-u", "{sock}"], "told", goal=1.0),
    Row("spile run, JSON and page", ["{spile}", "run", "-v", "-u", "{sock}", "-o", "json", "--web", "127.0.0.1:0"],
        "told", goal=1.5),
    PEER,
    NONE,
]
GOAL = "<= {} x its CPU, >= its answers and frames"

# Title, figure (of class Round), the receiver whose figure it is divided by, and how it is printed.
COLUMNS = [
    ("CPU us", "cpu_us", None, "{:.1f}"),
    ("x fstrm_capture", "cpu_us", PEER, "{:.2f}"),
    ("frames", "came", None, "{:.1%}"),
    ("answers/s", "answers", None, "{:,.0f}"),
    ("x fstrm_capture", "answers", PEER, "{:.2f}"),
    ("x none", "answers", NONE, "{:.2f}"),
    ("frames", "came_at_most", None, "{:.1%}"),
]

HOSTS = 1000
QUESTIONS = ["host{}.lab.example A"] * 8 + ["host{}.lab.example AAAA", "missing{}.lab.example A"]
CONFIG = """
server:
  directory: "@DIR@"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  num-threads: 2
  interface: 127.0.0.1
  port: @PORT@
  do-tcp: no
  module-config: "iterator"
  local-zone: "lab.example." static
  local-data: "lab.example. SOA ns.lab.example. root.lab.example. 1 3600 600 86400 300"
@HOSTS@
remote-control:
  control-enable: no
@SNIPPET@
"""


@dataclass
class Round:
    """Of one receiver: at the even rate, then at the maximum. Without a receiver all but `answers` is None."""
    cpu_us: float        # a query
    came: float          # part of the frames
    answers: float       # a second, at the maximum
    came_at_most: float  # part of the frames, at the maximum


@contextlib.contextmanager
def answering(bench, dnstap):
    """The port of an unbound, which has sent all behind the block, and is ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hosts = "\n".join(f'  local-data: "host{n}.lab.example. A 192.0.2.{n % 250}"' for n in range(HOSTS))
    words = {"SNIPPET": lab.named_and_placed(lab.snippet("unbound")) if dnstap else "", "DIR": bench.folder,
             "PORT": port, "HOSTS": hosts, "TAP": bench.sock, "NAME": "ns1"}
    text = CONFIG
    for key, value in words.items():
        text = text.replace(f"@{key}@", str(value))
    config = bench.folder / "unbound.conf"
    config.write_text(text)
    with ended(Program(["unbound", "-d", "-c", config])) as server:
        wait_for(server, "unbound to answer", lambda: "start of service" in server.stderr())
        yield port
        if dnstap:
            time.sleep(GATHERED_S)


def ask(bench, port, *options):
    """Queries that were sent, and how many a second were answered."""
    with tempfile.TemporaryFile("w+") as out:
        Program(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", bench.folder / "questions", "-c", "20", "-e",
                 *options], out).wait()
        out.seek(0)
        told = out.read()
    sent, rate = (re.search(rf"{what}: +([0-9.]+)", told) for what in ("Queries sent", "Queries per second"))
    if not sent or not rate or float(rate[1]) == 0:
        raise Wrong(f"dnsperf: nothing was answered: {told[-500:]}")
    return int(sent[1]), float(rate[1])


def frames_of(receiver, row):
    """How many frames a receiver that has ended says it had."""
    if row.tool is None:
        return ledger_of(receiver, row)
    told = re.search(r"\(wrote (\d+) frames", receiver.stderr())
    if not told:
        raise Wrong(f"{row.name}: does not count: {receiver.stderr()[-500:]}")
    return int(told[1]) - 2  # the file's START and STOP are among them


def run_once(bench, row, *options):
    """(CPU us a query of the receiver, part of the frames that came, queries a second that were answered)"""
    if row is NONE:
        with answering(bench, dnstap=False) as port:
            return None, None, ask(bench, port, *options)[1]
    with bench.receiving(row) as receiver:
        if "--web" in row.command:
            bench.web_address(receiver)  # then its start is over
        with answering(bench, dnstap=True) as port:
            begin = cpu_of(receiver.child.pid)
            sent, rate = ask(bench, port, *options)
        used = cpu_of(receiver.child.pid) - begin
    frames = frames_of(receiver, row)
    if not 0 < frames <= 2 * sent:
        raise Wrong(f"{row.name}: {frames} frames of {sent} queries")
    return used * 1e6 / sent, frames / (2 * sent), rate


def run_both(bench, row, quick):
    cpu, came = None, None
    if row is not NONE:
        cpu, came, _ = run_once(bench, row, "-Q", str(RATE), "-l", str(QUICK_S if quick else RATE_S))
    _, came_at_most, answers = run_once(bench, row, "-l", str(QUICK_S if quick else MAXIMUM_S))
    return Round(cpu, came, answers, came_at_most)


def why_not(bench):
    """Why unbound cannot be asked here; or nothing."""
    missing = [tool for tool in ("unbound", "dnsperf") if not shutil.which(tool)]
    if missing:
        return f"{' and '.join(missing)} not installed"
    try:
        with answering(bench, dnstap=True):
            return ""
    except Wrong as problem:  # it has no dnstap, or may not read our folder
        return str(problem)


def measure(bench, runs, quick):
    """(why nothing was measured, or nothing; the rounds of each receiver by its name)"""
    if reason := why_not(bench):
        return reason, {}
    chance = random.Random(1)
    (bench.folder / "questions").write_text(
        "".join(chance.choice(QUESTIONS).format(chance.randrange(HOSTS)) + "\n" for _ in range(10_000)))
    rounds = {row.name: [] for row in RECEIVERS if not row.tool or shutil.which(row.tool)}
    for _ in range(runs):
        for row in RECEIVERS:
            if row.name in rounds:
                rounds[row.name].append(run_both(bench, row, quick))
    return "", rounds


def figure(rounds, row, what, against=None):
    """The median over the rounds, of ratios where it is compared with another's; None where there is nothing to tell."""
    ours = [getattr(r, what) for r in rounds[row.name]]
    theirs = [getattr(r, what) for r in rounds.get(against.name, [])] if against else [1] * len(ours)
    return None if None in ours + theirs else median([mine / other for mine, other in zip(ours, theirs)])


def verdict(rounds, row):
    """By the ratios as they are printed; nothing where there is no peer."""
    ratios = {what: figure(rounds, row, what, PEER) for what in ("cpu_us", "came", "answers", "came_at_most")}
    if None in ratios.values():
        return ""
    cpu, *others = (round(value, 2) for value in ratios.values())
    return "PASS" if cpu <= row.goal and min(others) >= 1 else "miss"


def line_of(rounds, row, goals):
    if row.name not in rounds:
        return [row.name, "not installed", *[""] * (len(COLUMNS) - 1), *(["", ""] if goals else [])]
    line = [row.name]
    for _, what, against, form in COLUMNS:
        value = figure(rounds, row, what, against)
        line.append("" if value is None else form.format(value))
    if goals:
        line += [GOAL.format(row.goal), verdict(rounds, row)] if row.goal else ["", ""]
    return line


def show(measured, goals):
    reason, rounds = measured
    print(f"\n{NAME}: unbound with client logging, asked by dnsperf {RATE:,} times a second; then as often as it answers")
    if reason:
        print(f"not measured: {reason}")
        return
    head = ["", *(title for title, *_ in COLUMNS), *(["goal", "met"] if goals else [])]
    print_lines([head, *(line_of(rounds, row, goals) for row in RECEIVERS)])
