"""The output `metrics`: its line, when it comes, and the file that it is appended to."""
import datetime
import os
import re
import signal
import subprocess
import time

import fstrm
from harness import Skip, equal, limit, test, wait_for
from mix import Mix
from receiver_model import Model
from test_receiver_api import Api, frames_of

TIME = r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d,\d{3}|T\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d))"
LINE = re.compile(rf"({TIME}) (\d+) QUERIES, (\d+) QPS, (\d+) DOMAINS, (\d+) CLIENTS, "
                  r"(\d+) INET, (\d+) INET6, (\d+) UDP, (\d+) TCP, (\d+) NOERROR, (\d+) NXDOMAINS, (\d+) A, "
                  r"(\d+) AAAA\n")
KEYS = ["query", "qps", "domains", "clients", "query/inet", "query/inet6", "query/udp", "query/tcp",
        "response/noerror", "response/nxdomain", "query/a", "query/aaaa"]
CONFIG = """
compat: dnstap-receiver
inputs:
  - unix: {{path: @DIR@/tap.sock}}
outputs:
  - metrics: {{interval: 1s}}
  - metrics: {{interval: 1s, cumulative: false, file: @DIR@/metrics.log}}
web: {{listen: "127.0.0.1:{port}", header-timeout: 1m}}{more}
"""


def lines(text):
    """[(time, {key: value})]; every line is whole."""
    found = [(datetime.datetime.fromisoformat(m[1].replace(",", ".").replace("Z", "+00:00")), dict(zip(KEYS, map(int, m.groups()[1:]))))
             for m in LINE.finditer(text)]
    equal("".join(m[0] for m in LINE.finditer(text)), text, "nothing but lines")
    return found


def sums(model):
    counters = model.counters()
    return {key: counters[key] for key in KEYS if key != "qps"}


def without_rate(values):
    return {key: value for key, value in values.items() if key != "qps"}


@test()
def lines_sum_up_the_statistics(t):
    started = datetime.datetime.now()
    api = Api(t, config=CONFIG)
    log = t.path("metrics.log")
    wait_for("a first line", lambda: b"\n" in api.spile.out)
    first = lines(api.spile.out.decode())[0]
    assert 1 <= (first[0] - started).total_seconds() < limit(5), "a line after one interval, in local time"
    equal(set(first[1].values()), {0}, "a line of nothing")
    for name in ("dnsdist", "named"):
        api.send(frames_of(name))
        api.settle()
        wait_for("a line with all", lambda: without_rate(lines(api.spile.out.decode())[-1][1]) == sums(api.model))
        wait_for("the file's lines", lambda: sum_of(log, "query") == api.model.counters()["query"])
    added = [key for key in sums(api.model) if key not in ("domains", "clients")]
    equal({key: sum_of(log, key) for key in added}, {key: sums(api.model)[key] for key in added},
          "what was added, added up")
    equal(api.get("/counters")["counters"]["query"], api.model.counters()["query"], "nothing was reset")
    printed = lines(api.spile.out.decode())
    gaps = [(b[0] - a[0]).total_seconds() for a, b in zip(printed, printed[1:])]
    # The first may be late, and none behind it for that.
    assert len(gaps) - 1 < sum(gaps) < limit(2 * len(gaps)), f"a line a second: {gaps}"
    assert max(values["qps"] for _, values in printed) > 0, "a rate"
    api.ask("/reset", method="DELETE")
    wait_for("what a reset leaves", lambda: lines(api.spile.out.decode())[-1][1]["query"] == 0)
    api.model = Model()
    api.send(frames_of("knot"))
    equal(api.spile.stop(), 0, "exit status")
    equal(without_rate(lines(api.spile.out.decode())[-1][1]), sums(api.model), "the last line has all")


@test()
def what_is_not_cumulative_begins_anew(t):
    """As after a reset, but without one: also of names and clients that had been seen before."""

    def is_over():
        """All that came has its lines: the last one is of nothing."""
        return not any(lines(log.read_text())[-1][1].values())
    api = Api(t, config=CONFIG)
    log = t.path("metrics.log")
    frames = frames_of("dnsdist")[:600]  # so few that a second can have them all
    once = Model()
    for frame in frames:
        once.frame(frame)

    def line_of_all():
        before, told = api.model.counters()["query"], len(lines(log.read_text()))
        api.send(frames)
        wait_for("the file's lines", lambda: sum_of(log, "query") == before + once.counters()["query"] and is_over())
        found = [values for _, values in lines(log.read_text())[told:] if any(without_rate(values).values())]  # rates come a second late
        return found[0] if len(found) == 1 else None
    for _ in range(2):
        # A second may end while the frames come: then the next one may have them all.
        equal(without_rate(wait_for("a line of all", line_of_all, 60)), sums(once), "a line")
    equal(api.get("/counters")["counters"]["query"], api.model.counters()["query"], "nothing was reset")


@test()
def lines_are_of_what_was_asked(t):
    """What a resolver asks others is in no line, whether lines count from the start or not."""
    mix = Mix()
    asked, answered = ([e for e in mix.events("client") if e["type"] == kind] for kind in ("query", "response"))
    wanted = {"query": 1000, "domains": len({e["qname"] for e in asked}), "clients": 50, "query/inet": 1000,
              "query/inet6": 0, "response/nxdomain": 300,
              "response/noerror": sum(e["rcode"] == "NOERROR" for e in answered),
              **{f"query/{p}": sum(e["protocol"] == p.upper() for e in asked) for p in ("udp", "tcp")},
              **{f"query/{kind}": sum(e["rrtype"] == kind.upper() for e in asked) for kind in ("a", "aaaa")}}
    spile = t.listen("""
inputs:
  - unix: {path: @DIR@/tap.sock}
outputs:
  - metrics: {interval: 1h}
  - metrics: {interval: 1h, cumulative: false, file: @DIR@/metrics.log}
""")
    client = fstrm.Sender(t.path("tap.sock"))
    client.send(*mix.frames())
    client.finish()
    equal(spile.stop(), 0, "exit status")
    for text in (spile.out.decode(), t.path("metrics.log").read_text()):
        (_, values), = lines(text)
        equal(without_rate(values), wanted, "the last line")


@test()
def the_rate_is_of_the_interval(t):
    """What the rates of lines two seconds apart add up to is what has come, also when it came at once."""
    spile = t.listen("""
inputs:
  - unix: {path: @DIR@/tap.sock}
outputs:
  - metrics: {interval: 2s}
  - metrics: {interval: 2s, cumulative: false, file: @DIR@/metrics.log}
""")
    log = t.path("metrics.log")
    wait_for("first lines", lambda: b"\n" in spile.out and log.exists() and log.read_text())
    model = Model()
    sender = fstrm.Sender(t.path("tap.sock"))
    for frame in frames_of("dnsdist"):
        model.frame(frame)
        sender.send(frame)
    sender.finish()
    queries = model.counters()["query"]
    wait_for("lines with all", lambda: sum_of(log, "query") == queries
             and lines(spile.out.decode())[-1][1]["query"] == queries)
    for name, text in (("cumulative", spile.out.decode()), ("since the line before", log.read_text())):
        found = lines(text)
        told = sum(values["qps"] * (time - before).total_seconds() for (before, _), (time, values) in zip(found, found[1:]))
        assert abs(told - queries) < queries / 10, f"{name}: {queries} queries, by their rates {told}: {text}"


@test()
def after_a_reset_all_is_new(t):
    """Also when more comes after it than the line before had shown."""
    api = Api(t, config=CONFIG)
    log = t.path("metrics.log")
    frames = frames_of("dnsdist")
    api.send(frames)
    once = api.model.counters()["query"]
    wait_for("the file's lines", lambda: sum_of(log, "query") == once)
    api.ask("/reset", method="DELETE")
    api.send(frames + frames)
    wait_for("the file's lines after the reset", lambda: sum_of(log, "query") == 3 * once)


def sum_of(log, key):
    return sum(values[key] for _, values in lines(log.read_text()))


def metrics_only(t, options, interval="1s", **more):
    return t.listen("inputs:\n  - unix: {path: @DIR@/tap.sock}\noutputs:\n  - metrics: {interval: " + interval + ", " + options +
                    "}\n", **more)


@test()
def the_file_is_rotated_by_numbers(t):
    path = t.path("m.log")
    path.write_text("what was there\n")
    for number in (1, 2, 3):
        t.path(f"m.log.{number}").write_text(f"old {number}\n")
    one = len("2026-11-21T08:54:49.587Z 0 QUERIES, 0 QPS, 0 DOMAINS, 0 CLIENTS, 0 INET, 0 INET6, 0 UDP, 0 TCP, "
              "0 NOERROR, 0 NXDOMAINS, 0 A, 0 AAAA\n")
    # A line and anything else reach the limit. The only line of the first two is that of their end.
    for number, there in enumerate((["what was there\n", "old 1\n"], ["a line", "what was there\n"])):
        spile = metrics_only(t, f"file: @DIR@/m.log, rotate-size: {one + 10}, keep: 2", interval="1h", name=f"brief{number}")
        equal(spile.stop(), 0, "exit status")
        equal((len(lines_of(path)), path.stat().st_size), (1, one), "lines and bytes of the file")
        equal(["a line" if len(old) == one and lines(old) else old for old in olds(t)], there, "what had been in it before")
    spile = metrics_only(t, f"file: @DIR@/m.log, rotate-size: {one + 10}, keep: 2")
    wait_for("a rotation while it runs", lambda: lines_of(t.path("m.log.2")))
    equal(spile.stop(), 0, "exit status")
    equal([len(lines(text)) for text in (path.read_text(), *olds(t))], [1, 1, 1], "lines of each file")
    equal(t.path("m.log.3").read_text(), "old 3\n", "a file beyond those to keep")
    equal(spile.out, b"", "standard output")


def olds(t):
    return [t.path(f"m.log.{number}").read_text() for number in (1, 2)]


@test()
def the_file_that_is_removed_is_made_anew(t):
    path = t.path("m.log")
    spile = metrics_only(t, "file: @DIR@/m.log")
    wait_for("a line", lambda: lines_of(path))
    path.unlink()
    wait_for("a line in a new file", lambda: lines_of(path))
    wait_for("it says so", lambda: f"{path} was replaced or removed" in spile.err)
    equal(spile.stop(), 0, "exit status")


def lines_of(path):
    """None while there is no such file, as in the middle of a rotation."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return []
    return lines(text) if "was there" not in text else []


@test()
def times_are_utc_unless_asked_for(t):
    """Of the line and of the log, in a zone that is no whole hours away; dnstap-receiver's line is in local time."""
    here = dict(os.environ, TZ="America/St_Johns")

    def one(name, more):
        path = t.path(f"{name}.yaml")
        path.write_text(more + config_of(t, "cumulative: true").read_text().replace("x.sock", f"{name}.sock"))
        process = t.spile("run", "-c", path, name=name, env=here)
        wait_for("a line", lambda: b"\n" in process.out)
        now = datetime.datetime.now(datetime.timezone.utc)
        log = process.err.splitlines()[0]
        process.stop()
        return re.match(TIME, process.out.decode())[0], log, now
    there = datetime.timezone(datetime.timedelta(seconds=zone_offset(here["TZ"])))
    cases = {"plain": ("", None), "utc": ("log-time: utc\n", "Z"), "local": ("log-time: local\n", "local"),
             "compat": ("compat: dnstap-receiver\n", None)}
    for name, (more, logged) in cases.items():
        text, log, now = one(name, more)
        local = name in ("local", "compat")
        wanted = now.astimezone(there if local else datetime.timezone.utc)
        stamp = datetime.datetime.fromisoformat(text.replace(",", ".").replace("Z", "+00:00"))
        stamp = stamp if stamp.tzinfo else stamp.replace(tzinfo=there)
        equal(stamp.utcoffset(), wanted.utcoffset(), f"{name}: offset of {text}")
        assert abs((stamp - wanted).total_seconds()) < 60 * t.patience, (name, text, wanted)
        equal([" " in text, text.endswith("Z")], [name == "compat", not local], f"{name}: form of {text}")
        found = re.match(rf"({TIME}) spile: listening on", log)
        equal(bool(found), logged is not None, f"{name}: a time in the log: {log}")
        if found:
            equal(found[1].endswith("Z"), logged == "Z", f"{name}: zone of {log}")
            assert abs((datetime.datetime.fromisoformat(found[1].replace("Z", "+00:00")) - now).total_seconds()) < 60 * t.patience


def zone_offset(zone):
    """Seconds of that zone from UTC, now; by the system's own date."""
    text = subprocess.run(["date", "+%z"], env={"TZ": zone}, capture_output=True, check=True, text=True).stdout.strip()
    if text == "+0000":
        raise Skip("the system has no time zones (package tzdata)")
    sign = -1 if text[0] == "-" else 1
    return sign * (int(text[1:3]) * 3600 + int(text[3:5]) * 60)


@test()
def sighup_opens_the_file_anew(t):
    path, moved = t.path("m.log"), t.path("moved.log")
    spile = metrics_only(t, "file: @DIR@/m.log")
    wait_for("a line", lambda: lines_of(path))
    path.rename(moved)
    before = len(lines_of(moved))
    wait_for("a line in the moved file", lambda: len(lines_of(moved)) > before)
    spile.send(signal.SIGHUP)
    wait_for("a line in the new file", lambda: lines_of(path))
    wait_for("it says so", lambda: f"opening anew: metrics {path}" in spile.err)
    equal(spile.stop(), 0, "exit status")


@test()
def trouble_with_the_file_ends_nothing(t):
    path = t.path("logs/m.log")
    done = subprocess.run([t.spile_path, "run", "-c", config_of(t, "file: @DIR@/logs/m.log")], capture_output=True,
                          timeout=limit(20), check=False)
    equal(done.returncode, 1, "exit status without the directory")
    assert b"m.log" in done.stderr, done.stderr
    path.parent.mkdir()
    spile = metrics_only(t, "file: @DIR@/logs/m.log")
    path.parent.rename(t.path("away"))
    spile.send(signal.SIGHUP)
    wait_for("a complaint", lambda: "cannot open" in spile.err)
    t.path("away").rename(path.parent)
    wait_for("it is over", lambda: "writing again" in spile.err)
    wait_for("a line", lambda: lines_of(path))
    equal(spile.stop(), 0, "exit status")


def config_of(t, options):
    path = t.path("metrics.yaml")
    path.write_text("inputs:\n  - unix: {path: @DIR@/x.sock}\noutputs:\n  - metrics: {interval: 1s, ".replace(
        "@DIR@", str(t.folder)) + options.replace("@DIR@", str(t.folder)) + "}\n")
    return path


@test()
def a_reader_that_sleeps_holds_up_no_end(t):
    """Standard output that nobody reads: the line is given up, and the program ends in time."""
    read, write = os.pipe()
    try:
        os.set_blocking(write, False)
        try:
            while True:
                os.write(write, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(write, True)
        spile = t.spile("run", "-c", config_of(t, "cumulative: true"), stdout=write)
        wait_for("a complaint", lambda: "cannot write to standard output" in spile.err)
        started = time.monotonic()
        equal(spile.stop(), 0, "exit status")
        t.soon(started, 3, "the end takes no longer than a line may wait")
    finally:
        os.close(read)
        os.close(write)


@test()
def lines_come_between_records(t):
    """Two outputs on one pipe: no line inside a record."""
    spile = t.listen("inputs:\n  - unix: {path: @DIR@/tap.sock}\noutputs:\n  - stdout: {format: json}\n"
                     "  - metrics: {interval: 1s}\n")
    frames = frames_of("unbound")

    def summed_up():
        sender = fstrm.Sender(t.path("tap.sock"))
        sender.send(*frames[:3000])
        sender.finish()
        return sum(not line.startswith(b"{") for line in spile.out.splitlines()) >= 2
    wait_for("two lines of metrics", summed_up, every=0.05)
    equal(spile.stop(), 0, "exit status")
    text = spile.out.decode()
    summaries = [line for line in text.splitlines(keepends=True) if not line.startswith("{")]
    assert len(summaries) >= 2, "lines of metrics"
    lines("".join(summaries))
    for line in text.splitlines():
        assert line.endswith("}") or line.endswith("AAAA"), line
