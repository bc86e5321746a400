"""spile top: on a terminal and as a report; from a daemon, a file and a socket."""
import datetime
import http.client
import itertools
import os
import json
import re
import signal
import socket
import threading
import time
import urllib.parse
import urllib.request

import fstrm
from harness import CAPTURES, equal, free_port, limit, real_capture, test, wait_for
from lab import question
from mix import SIDES, side_of
from terminal import DOWN, LEFT, RIGHT, Terminal

CONFIG = """
inputs:
  - unix: {{path: @DIR@/tap.sock}}
outputs:
  - "null": {{}}
web: {{listen: "127.0.0.1:{port}", header-timeout: 1m{more}}}
"""
A, NOERROR, NXDOMAIN, SERVFAIL = 1, 0, 3, 2
TABLES = ["domains asked", "domains answered", "domains NXDOMAIN", "domains SERVFAIL", "domains slowest",
          "registrable domains", "top-level domains", "clients", "clients by bytes", "NXDOMAIN sources",
          "new domains of the last hour", "response codes", "query types", "latency by transport", "UDP sizes by EDNS", "EDNS versions", "streams", "outputs since the start"]


def dns(labels, rcode=None):
    """A query, or its response."""
    flags = 0x0100 if rcode is None else 0x8180 | rcode
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return b"\x12\x34" + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0\0\0" + name + b"\0\1\0\1"


def answered(identity, labels, rcode=NOERROR):
    """A client's query and the response to it: two frames. The response is in another field (14)."""
    query = fstrm.message(dns(labels), mtype=5, identity=identity)
    body = fstrm.field(1, 6) + fstrm.field(2, 1) + fstrm.field(3, 1) + fstrm.field(4, b"\xc0\0\2\1") + \
        fstrm.field(5, b"\xc0\0\2\2") + fstrm.field(6, 5353) + fstrm.field(7, 53) + \
        fstrm.field(14, dns(labels, rcode))
    return [query, fstrm.field(1, identity) + fstrm.field(14, body) + fstrm.field(15, 1)]


class Daemon:
    """A collector with the API."""

    def __init__(self, t, more="", port=None, headers=()):
        self.t, self.port, self.headers = t, port or free_port(), dict(headers)
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process = t.listen(CONFIG.format(port=self.port, more=more), count=2)

    def get(self, path, **parameters):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit(20))
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        connection.request("GET", "/api/v1/" + path + query, headers=self.headers)
        reply = connection.getresponse()
        body = json.loads(reply.read())
        connection.close()
        equal(reply.status, 200, path)
        return body

    def send(self, frames):
        """Sends them, and waits until they are counted and the last second was quiet."""
        before = self.events()
        sender = fstrm.Sender(self.t.path("tap.sock"))
        for at in range(0, len(frames), 200):
            sender.send(*frames[at:at + 200])
        sender.finish()
        wait_for("all is counted", lambda: self.events() == before + len(frames) and self.quiet())

    def statistics(self, **parameters):
        return self.get("statistics", **parameters)["statistics"]

    def events(self):
        return sum(self.statistics(side=side)[direction]["events"] for side in SIDES
                   for direction in ("queries", "responses"))

    def quiet(self):
        rates = [self.statistics(side=side)["rates"] for side in SIDES]
        return all(rate["queries"]["second"] == rate["responses"]["second"] == 0 for rate in rates)

    def table(self, table, by, n=50, **more):
        return self.get("tables", table=table, by=by, n=n, **more)["tables"][0]["rows"]


def summary(lines, label):
    """The words of a line of the summary, behind its label."""
    for line in lines:
        if line.startswith(f" {label} "):
            return line[1 + len(label):].split()
    raise AssertionError(f"no line {label} in:\n" + "\n".join(lines))


def table_of(lines, title):
    """The rows of a table, by the titles of its columns; the first is called name."""
    at = next((i for i, line in enumerate(lines) if re.match(rf" (\d )?{title}( |$)", line)), None)
    assert at is not None, f"no table {title} in:\n" + "\n".join(lines)
    head = re.sub(r"^ (\d )?" + title + r"(  [\d-]+/\d+)?(  \+\d+)?", "", lines[at]).split()
    rows = []
    for line in lines[at + 1:]:
        if not re.match(r" *\d+ \S", line):
            break
        words = line.split()
        rows.append(dict(zip(["name", *(word.lstrip(">") for word in head)], words[1:])))
    return rows


def report(t, *args, **options):
    return t.run("top", "--once", *args, **options).stdout.decode().splitlines()


# --- reports --------------------------------------------------------------------------------------


@test()
def a_report_on_a_file_counts_what_is_in_it(t):
    """Against what `spile read` prints of the same file, counted here."""
    for name, side in itertools.product(("unbound", "knot", "dnsdist"), SIDES):
        path = CAPTURES / f"{name}.fstrm.xz"
        events = [json.loads(line) for line in
                  t.run("read", "-o", "json", "--fields", "message,qname,rrtype,rcode", path).stdout.splitlines()]
        events = [e for e in events if side_of(e) == side]
        directions = {"queries": [e for e in events if e["message"].endswith("_QUERY")],
                 "answers": [e for e in events if e["message"].endswith("_RESPONSE")]}
        lines = report(t, "-n", "50", "--side", side, path)
        for label, direction in directions.items():
            equal(summary(lines, label)[0], str(len(direction)), f"{label} of {name}")

        def counts(key, direction):
            values = [str(e[key]) for e in directions[direction]]
            return {value: values.count(value) for value in set(values)}
        for title, key, direction in (("response codes", "rcode", "answers"), ("query types", "rrtype", "queries")):
            shown = {row["name"]: int(row[direction]) for row in table_of(lines, title) if row[direction] != "0"}
            equal(shown, counts(key, direction), f"{title} of {name}")
        asked = counts("qname", "queries")
        lowered = {}
        for qname, count in asked.items():
            lowered[qname.lower()] = lowered.get(qname.lower(), 0) + count
        best = sorted(lowered.values(), reverse=True)[:50]
        equal([int(row["queries"]) for row in table_of(lines, "domains asked")], best, f"domains of {name}")


@test()
def a_recording_that_is_sent_says_its_times(t):
    """Rates are of arrival: API, metrics and top say of which time the events are, for each stream and for all."""
    path = CAPTURES / "unbound.fstrm.xz"
    events = [json.loads(line) for line in
              t.run("read", "-o", "json", "--fields", "timestamp,datetime", path).stdout.splitlines()]
    first, last = (pick(events, key=lambda e: e["datetime"]) for pick in (min, max))
    daemon = Daemon(t)
    t.run("send", path, f"unix:{t.path('tap.sock')}")
    wait_for("all is counted", lambda: daemon.events() == len(events))
    age = time.time() - last["timestamp"]
    for times in (daemon.statistics()["event-times"], daemon.statistics(stream="unbound-test")["event-times"],
                  daemon.get("streams")["streams"][0]["event-times"]):
        equal([times["first"], times["last"]], [int(e["timestamp"] * 1000) for e in (first, last)], "times")
        equal(times["elsewhen"], True, "that it is of another time")
        assert abs(times["age"] - age) < limit(60), f"{times}, not {age}"
    with urllib.request.urlopen(daemon.url + "metrics", timeout=limit(30)) as reply:
        sample = re.search(r'^spile_stream_event_age_seconds{stream="unbound-test"} (\S+)$', reply.read().decode(), re.M)
    assert abs(float(sample[1]) - age) < limit(60), sample[0]
    words = f" events of  {first['datetime'][:19]}Z - {last['datetime'][11:19]}Z"
    for what, wanted in ((daemon.url, words + "; rates: of arrival"), (path, words)):
        equal(next(line for line in report(t, what) if "events of" in line), wanted, f"top {what}")


@test()
def events_of_now_are_of_now(t):
    daemon = Daemon(t)
    daemon.send([fstrm.message(question("now.test", A, 1), seconds=int(time.time())) for _ in range(20)])
    times = daemon.statistics()["event-times"]
    equal(times["elsewhen"], False, f"{times}")
    assert abs(times["last"] / 1e3 - time.time()) < limit(60), times
    assert "rates: of arrival" not in "\n".join(report(t, daemon.url))


def check_how_it_came(lines, numbers):
    """EDNS, truncation, transports: each direction for itself."""
    asked, answers, context = numbers["queries"], numbers["responses"], numbers["context"]
    equal(summary(lines, "of answers"), ["NODATA", str(answers["marks"]["nodata"]), "TC", str(context["truncated"])], "of answers")
    equal(summary(lines, "of queries"), ["EDNS", str(asked["marks"]["edns"]), "DO", str(asked["marks"]["do"]), "over", "TCP",
                                         "after", "TC", str(context["after-truncated"])], "of queries")
    for title, key in (("UDP sizes by EDNS", "udp-sizes"), ("EDNS versions", "edns-versions")):
        shown = {row["name"]: (int(row["queries"]), int(row["answers"])) for row in table_of(lines, title)}
        came = {name: (count, answers[key][name]) for name, count in asked[key].items()}
        equal(shown, {name: both for name, both in came.items() if any(both)}, title)
    shown = {row["name"]: int(row["answers"]) for row in table_of(lines, "latency by transport")}
    equal(shown, {name: of["count"] for name, of in numbers["latency"]["transports"].items()}, "latency by transport")


@test()
def a_report_says_what_the_api_says(t):
    """Every table, of all streams and of one."""
    daemon = Daemon(t)
    frames = fstrm.split(real_capture(t).read_bytes())
    daemon.send(frames[:4000] + answered(b"ns 2", [b"one", b"test"]) * 7 + frames[4000:])
    for stream, side in itertools.product((None, "unbound-test", "ns 2"), SIDES):
        only = {"side": side, **({"stream": stream} if stream else {})}
        lines = report(t, daemon.url, "--side", side, *(["--stream", stream] if stream else []))
        numbers = daemon.statistics(**only)
        equal(summary(lines, "queries")[0], str(numbers["queries"]["events"]), "queries")
        equal(summary(lines, "queries")[-2:], [str(numbers["queries"]["bytes"]), "bytes"], "bytes of queries")
        equal(summary(lines, "answers")[0], str(numbers["responses"]["events"]), "answers")
        equal(summary(lines, "distinct"),
              [str(word) for key in ("clients" if side == "client" else "servers", "domains", "asked", "answered")
               for word in (key, numbers["distinct"][key])], "distinct")
        for title, table, by, column, more in (
                ("domains asked", "domains", "queries", "queries", {}),
                ("domains answered", "domains", "responses", "answers", {}),
                ("domains NXDOMAIN", "domains", "nxdomain", "NXDOMAIN", {}),
                ("domains SERVFAIL", "domains", "servfail", "SERVFAIL", {}),
                ("registrable domains", "registrable", "queries", "queries", {}),
                ("top-level domains", "tlds", "queries", "queries", {}),
                ("clients", "clients", "queries", "queries", {}),
                ("clients by bytes", "clients", "bytes", "q+a-bytes", {}),
                ("NXDOMAIN sources", "clients", "nxdomain", "NXDOMAIN", {}),
                ("servers", "servers", "queries", "queries", {}),
                ("failing servers", "servers", "failed", "failed", {})):
            if table == ("servers" if side == "client" else "clients"):
                assert not any(re.match(rf" {title}( |$)", line) for line in lines), f"{title} of {side}"
                continue
            rows = daemon.table(table, by, n=10, **more, **only)
            shown = [(row["name"][-20:], row[column]) for row in table_of(lines, title)]
            equal(shown, [(row["name"][-20:], str(row["value"])) for row in rows], f"{title} of {stream}, {side}")
        check_how_it_came(lines, numbers)
    streams = {row["name"]: int(row["queries"]) for row in table_of(report(t, daemon.url), "streams")}
    equal(streams.get("unbound-test"), daemon.statistics(stream="unbound-test")["queries"]["events"], "a stream")


@test()
def an_output_that_is_no_terminal_gets_a_report(t):
    for flags, side, queries in (([], "clients", "0"), (["--side", "upstream"], "upstream", "1")):
        done = t.run("top", *flags, CAPTURES / "kdig-tool.fstrm.xz")
        lines = done.stdout.decode().splitlines()
        assert f"  {side}, all  " in lines[0], lines[0]
        equal(summary(lines, "queries")[0], queries, "queries")
        told = any("no client asked; upstream: u or --side upstream" in line for line in lines)
        equal(told, side == "clients", f"where its messages are, of {side}")
        for title in [table for table in TABLES if "client" not in table and "NXDOMAIN s" not in table]:
            table_of(lines, title)
        assert b"\x1b" not in done.stdout


@test()
def what_cannot_be_shown_is_told_in_one_line(t):
    port = free_port()
    nobody = socket.create_server(("127.0.0.1", 0))
    answers = threading.Thread(target=speak_nonsense, args=(nobody,), daemon=True)
    answers.start()
    t.path("cut.fstrm").write_bytes(real_capture(t).read_bytes()[:5000])
    for args, text in (
            ([f"http://127.0.0.1:{port}/"], "connect"),
            ([f"http://127.0.0.1:{nobody.getsockname()[1]}/"], "is it Spile's web server?"),
            (["/no/such/file.fstrm"], "/no/such/file.fstrm"),
            (["unix:/no/such/folder/tap.sock"], "/no/such/folder/tap.sock"),
            (["--api-key-file", "/no/such/key", "http://127.0.0.1/"], "/no/such/key")):
        done = t.run("top", "--once", *args, status=1)
        equal(done.stdout, b"", f"standard output of {args}")
        lines = [line for line in done.stderr.splitlines() if not line.startswith(b"ledger: ")]
        equal(len(lines), 1, f"lines of {args}: {done.stderr}")
        assert text in done.stderr.decode(), (args, done.stderr)
    t.run("top", "--once", "--api-key", "a", "--api-key-file", "b", status=2)
    for operand in (real_capture(t), "-", "/no/such/file.fstrm"):
        equal(t.run("top", "--once", "--window", "1m", operand, status=2).stderr.decode(), "spile: error: top: --window is for a daemon or "
              "a socket: what is shown of a file is of all of it (see: spile help top)\n", "a window of a file")
    assert t.run("top", "--once", "--window", "all", real_capture(t)).stdout, "all of a file can be asked for"
    for url in ("http://127.0.0.1:99999/", "http://", "http:///x", "https://:8080/", "http://a b/", "http://" + 5000 * "x"):
        done = t.run("top", "--once", url, status=2)
        equal(done.stderr, b"spile: error: top: no URL: it should look like http://HOST:PORT/ (see: spile help top)\n", url)
    assert b"by its URL: http://HOST:PORT/" in t.run("top", "ftp://127.0.0.1/", status=2).stderr
    done = t.run("top", "--once", t.path("cut.fstrm"), status=1)
    assert int(summary(done.stdout.decode().splitlines(), "queries")[0]) > 0, "what was whole is shown"
    nobody.close()


def speak_nonsense(listener):
    while True:
        try:
            peer = listener.accept()[0]
        except OSError:
            return
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 404 Nope\r\nContent-Length: 9\r\n\r\n\x1b[2J<html")
        peer.close()


@test()
def nothing_yet_says_where_servers_are_waited_for(t):
    daemon = Daemon(t)
    lines = report(t, daemon.url)
    at = next(i for i, line in enumerate(lines) if "waiting for" in line)
    equal(lines[at].strip(), f"waiting for a DNS server on unix:{t.path('tap.sock')}", "the line")
    assert "domains asked" in lines[at - 1], lines[at - 1]
    assert any(line.startswith(" hint: unix ") and "mode 0660" in line for line in lines), lines
    daemon.send([fstrm.message(b"no dns", identity=b"one")])
    wait_for("the line is gone", lambda: "waiting for a DNS" not in "\n".join(report(t, daemon.url)))


@test()
def one_identity_from_two_hosts_shows_while_events_come(t):
    """As a hint, on the screen and in the report, until one of both has left."""
    port, web = free_port(), free_port()
    t.listen(f'inputs: [tcp: {{listen: "127.0.0.1:{port}"}}]\noutputs: ["null": {{}}]\nweb: {{listen: "127.0.0.1:{web}", header-timeout: 1m}}\n', count=2)
    url = f"http://127.0.0.1:{web}/"
    senders = [fstrm.Sender(("127.0.0.1", port), source=source) for source in ("127.0.0.1", "127.0.0.2")]
    for sender in senders:
        sender.send(*answered(b"ns1", [b"a", b"test"]))
    hint = " hint: 2 hosts send the identity 'ns1'"
    lines = wait_for("both are counted", lambda: summary(lines := report(t, url), "queries")[0] == "2" and lines)
    assert any(line.startswith(hint) for line in lines), lines
    screen = Terminal(t, "top", "-i", "200ms", url)
    screen.wait(hint, "domains asked")
    senders[0].finish()
    screen.wait_gone("hint:")
    equal(screen.quit(), 0, "exit status")
    senders[1].finish()


@test()
def what_is_no_file_is_told_in_one_line(t):
    """With the URL that was likely meant."""
    meant = {"127.0.0.1:8080": "http://127.0.0.1:8080/", ":8080": "http://127.0.0.1:8080/", "8080": "http://127.0.0.1:8080/",
             "localhost:8080": "http://localhost:8080/", "[::1]:8080": "http://[::1]:8080/",
             "http:127.0.0.1": "http://HOST:PORT/"}
    for operand, url in meant.items():
        done = t.run("top", "--once", operand, status=2)
        equal(done.stderr.decode(), f"spile: error: there is no file '{operand}'; a daemon is asked by its URL: {url}\n", operand)
    for operand, why in {"no.fstrm": "No such file or directory", str(t.folder): "Is a directory"}.items():
        equal(t.run("top", operand, status=1).stderr.decode(),
              f"spile: error: {operand}: {why} (a daemon is asked by its URL, http://HOST:PORT/)\n", operand)
    url = f"http://127.0.0.1:{free_port()}/"
    equal(t.run("top", url, status=1).stderr.decode(), f"spile: error: {url}: cannot connect: nobody listens there\n",
          "a wrong port")
    t.path("127.0.0.1:1").write_bytes(real_capture(t).read_bytes())
    assert t.run("top", "--once", "127.0.0.1:1").stdout, "a file of that name is one"


@test()
def a_key_opens_the_door(t):
    daemon = Daemon(t, ', api-key: "right key"', headers={"X-API-Key": "right key"})
    t.path("key").write_text("right key\nsecond line\n")
    t.path("wrong").write_text("left key\n")
    for args, environment, status, text in (
            (["--api-key", "right key"], {}, 0, ""),
            (["--api-key-file", t.path("key")], {}, 0, ""),
            ([], {"SPILE_API_KEY": "right key"}, 0, ""),
            (["--api-key", "right key"], {"SPILE_API_KEY": "left key"}, 0, ""),
            ([], {}, 1, "wants credentials: --api-key, --bearer-token, or a login as in http://USER:PASSWORD@HOST/"),
            (["--api-key", "left key"], {}, 1, "wants another API key"),
            (["--api-key-file", t.path("wrong")], {}, 1, "wants another API key")):
        done = t.run("top", "--once", *args, daemon.url, status=status,
                     env={"PATH": "/usr/bin:/bin", **environment})
        assert text in done.stderr.decode(), (args, done.stderr)
        assert b"left" not in done.stderr and b"right" not in done.stderr, "keys are not shown"
    done = t.run("top", "--once", daemon.url.replace("//", "//spile:wrong@"), status=1)
    assert b"wrong" not in done.stderr, "passwords are not shown"
    screen = Terminal(t, "top", "--api-key", "left key", daemon.url)
    screen.wait("no answer", "wants another API key")
    words = open(f"/proc/{screen.process.child.pid}/cmdline", "rb").read()
    assert b"left" not in words, "the key does not stay in the list of processes"
    equal(screen.quit(), 0, "status")


@test()
def a_token_or_a_login_opens_it_too(t):
    """Of a server that has both, and no API key. What is said goes before the environment, of which one is sent."""
    daemon = Daemon(t, ', login: admin, password: "p:w d", bearer-token: tok-7', headers={"Authorization": "Bearer tok-7"})
    login, wrong = (daemon.url.replace("//", f"//{who}@") for who in ("admin:p%3aw%20d", "admin:left"))
    t.path("token").write_text("tok-7\nsecond line\n")
    for args, url, environment, told in (
            (["--bearer-token", "tok-7"], daemon.url, {}, ""),
            (["--bearer-token-file", t.path("token")], daemon.url, {"SPILE_API_KEY": "left"}, ""),
            ([], daemon.url, {"SPILE_BEARER_TOKEN": "tok-7"}, ""),
            ([], login, {"SPILE_API_KEY": "left", "SPILE_BEARER_TOKEN": "left"}, ""),
            ([], daemon.url, {"SPILE_API_KEY": "left", "SPILE_BEARER_TOKEN": "tok-7"}, "wants another API key"),
            ([], daemon.url, {"SPILE_BEARER_TOKEN": "left"}, "wants another bearer token: --api-key, --bearer-token"),
            ([], wrong, {}, "wants another login: --api-key, --bearer-token, or a login as in http://USER:PASSWORD@HOST/")):
        done = t.run("top", "--once", *args, url, status=1 if told else 0, env={"PATH": "/usr/bin:/bin", **environment})
        assert told in done.stderr.decode(), (args, done.stderr)
        assert b"left" not in done.stderr, "credentials are not shown"
    said = t.run("top", "--once", "--bearer-token", "tok-7", login, status=2).stderr.decode()
    assert "a bearer token and a login in the URL exclude each other" in said, said
    screen = Terminal(t, "top", login)
    screen.wait("stream all")
    words = open(f"/proc/{screen.process.child.pid}/cmdline", "rb").read()
    assert b"admin" not in words and b"@127.0.0.1" in words, f"the login does not stay in the list of processes: {words}"
    equal(screen.quit(), 0, "status")


# --- the screen -----------------------------------------------------------------------------------


@test()
def the_screen_shows_what_the_api_says(t):
    daemon = Daemon(t)
    daemon.send(fstrm.split(real_capture(t).read_bytes()))
    numbers = daemon.statistics()
    screen = Terminal(t, "top", "-i", "200ms", "--window", "all", daemon.url, width=100)
    lines = screen.wait("domains asked", "host1.corp.example.")
    equal(summary(lines, "queries")[0], str(numbers["queries"]["events"]), "queries")
    equal(summary(lines, "answers")[0], str(numbers["responses"]["events"]), "answers")
    assert daemon.url in lines[0] and "clients, all  stream all (0/1)" in lines[0], lines[0]
    rows = table_of(lines, "domains asked")
    equal(len(rows), 11, "rows of a small screen")
    wanted = daemon.table("domains", "queries", n=11)
    equal([(row["name"], row["queries"], row["answers"], row["failed"]) for row in rows],
          [(row["name"], str(row["queries"]), str(row["responses"]), str(row["failed"])) for row in wanted], "rows")
    # What comes while it looks is shown.
    daemon.send(answered(b"new", [b"late", b"test"]) * 400)
    lines = screen.wait("late.test.", "(0/2)")
    equal(table_of(lines, "domains asked")[0]["queries"], "400", "queries for the new name")
    equal(screen.quit(), 0, "status")
    assert b"\x1b[?1049l" in screen.raw, "the terminal is as it was"
    equal(screen.process.err, "", "standard error")


@test()
def keys_do_what_help_says(t):
    daemon = Daemon(t)
    daemon.send(fstrm.split(real_capture(t).read_bytes()) + answered(b"aaa", [b"one", b"test"], SERVFAIL) * 3)
    screen = Terminal(t, "top", "--window", "all", daemon.url)
    screen.wait("host1.corp.example.")
    for title in [*TABLES[1:], TABLES[0]]:
        screen.press("\t")
        screen.wait(f" {title}  1-")
    screen.press("T")
    rows = table_of(screen.wait(" outputs since the start  1-1/1"), "outputs since the start")
    equal((rows[0]["name"], rows[0]["received"]), ("null", str(daemon.get("outputs")["outputs"][0]["ledger"]["received"])),
          "the output")
    screen.press("8")
    rows = table_of(screen.wait(" 8 clients  1-"), "clients")
    equal(rows[0]["name"], daemon.table("clients", "queries", n=1)[0]["name"], "first client")
    screen.press("1")
    screen.wait(" 1 domains asked", ">queries")
    screen.press("o")
    screen.wait(" 1 domains asked", ">answers")
    screen.press(DOWN * 12)
    screen.wait(" domains asked  3-13/")
    screen.press(RIGHT)
    lines = screen.wait("stream aaa (1/2)", "one.test.", "domains asked  1-1/1")
    equal(summary(lines, "queries")[0], "3", "queries of the stream")
    equal(summary(lines, "rcodes"), ["SERVFAIL", "100", "%"], "rcodes of the stream")
    screen.press("s")
    lines = screen.wait("stream unbound-test (2/2)", "host1.corp.example.")
    equal(summary(lines, "queries")[0], str(daemon.statistics(stream="unbound-test")["queries"]["events"]), "queries")
    screen.press(LEFT + "S")
    screen.wait("stream all (0/2)")
    screen.press("h")
    screen.wait("the next stream", "this help")
    screen.press("?")
    screen.wait_gone("this help")
    screen.press("+")
    screen.wait("every 2s")
    screen.press("p")
    screen.wait("paused")
    daemon.send(answered(b"aaa", [b"paused", b"test"]) * 999)
    time.sleep(2.5)
    assert "paused.test." not in screen.text()
    screen.press("p")
    screen.wait("paused.test.")
    equal(screen.quit(), 0, "status")


@test()
def a_recording_shows_its_own_times(t):
    """From and to, and rates over that span, though some messages say that it is 1970, or 2100."""
    begin, count = 1700000000, 6000
    message = lambda i, seconds: fstrm.message(question(f"q{i}.top.lab.", 1, i & 0xffff), seconds=seconds,
                                               nanos=i % 10 * 100000000)
    frames = [message(i, begin + i // 10) for i in range(count)]
    for i, seconds in enumerate([5, 4102444800, (1 << 63), begin + 7200, begin - 86400]):
        frames.insert(1000 * i, message(i, seconds))
    path = t.path("recording.fstrm")
    path.write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + b"".join(map(fstrm.data, frames)) +
                     fstrm.control(fstrm.STOP))
    lines = t.run("top", "--once", path).stdout.decode().splitlines()
    assert " up " not in lines[0] and " every " not in lines[0], lines[0]
    assert "  2023-11-14T22:13:20Z - 22:23:19Z  clients, all  stream all (0/1)" in lines[0], lines[0]
    equal(lines[1].split()[:7], ["queries", str(count + 5), "10.0/s", "1m", "10/s", "15m", "10.0/s"], "rates")
    streams = next(i for i, line in enumerate(lines) if line.startswith(" streams "))
    equal(lines[streams + 1].split()[1:5], ["test", str(count + 5), "0", "10.0"], "the stream's rate")


@test()
def a_recording_of_any_year_has_its_rates(t):
    """A clock that is wrong, or a day ahead, is so for all messages: none of them is a stray."""
    for begin in (3600, 315532800, 946684800, 1325376000, int(time.time()) + 86399, 2145916800, 4102444800):
        frames = [fstrm.message(question(f"q{i}.top.lab.", 1, i), seconds=begin + i * 6 // 5000,
                                nanos=i * 1200000 % 1000000000) for i in range(1001)]
        path = t.path("year.fstrm")
        path.write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + b"".join(map(fstrm.data, frames)) +
                         fstrm.control(fstrm.STOP))
        equal(summary(report(t, path), "queries")[:6], ["1001", "834/s", "1m", "834/s", "15m", "834/s"], str(begin))


@test()
def the_screen_follows_the_terminals_size(t):
    screen = Terminal(t, "top", CAPTURES / "unbound.fstrm.xz")
    screen.wait("host1.corp.example.", "ended")
    screen.resize(160, 50)
    first = "host1.corp.example."
    screen.wait("2 domains answered", "6 registrable domains", "corp.example.")
    wait_for("two tables side by side", lambda: any(line.count(first) == 2 for line in screen.lines()))
    screen.resize(40, 10)
    screen.wait_gone("domains answered")
    screen.wait("host1.corp.example.")
    screen.resize(3, 2)
    screen.read(0.3)  # all that it draws there
    before = len(screen.raw)
    screen.set_size(65535, 65535)
    wait_for("as much as can be shown of it", lambda: screen.read(0.1) and len(screen.raw) > before)
    screen.resize(80, 24)
    lines = screen.wait("host1.corp.example.", "families")
    equal(len(table_of(lines, "domains asked")), 11, "rows")
    equal(screen.quit(), 0, "status")


@test()
def a_daemon_may_go_away_and_come_back(t):
    daemon = Daemon(t)
    daemon.send(answered(b"first", [b"before", b"test"]) * 5)
    screen = Terminal(t, "top", "-i", "200ms", "--stream", "first", daemon.url)
    screen.wait("before.test.", "stream first (1/1)")
    daemon.process.stop()
    lines = screen.wait("stale", "connect")
    equal(table_of(lines, "domains asked")[0]["queries"], "5", "the last that was known stays")
    again = Daemon(t, port=daemon.port)
    lines = screen.wait("stream all (0/0)", "waiting for a DNS server")
    screen.wait_gone("stale")
    equal(summary(screen.lines(), "queries")[0], "0", "queries of the new daemon")
    again.send(answered(b"first", [b"after", b"test"]) * 2)
    screen.wait("after.test.", "stream first (1/1)")
    equal(screen.quit(), 0, "status")


@test()
def a_socket_is_watched_without_a_daemon(t):
    path = t.path("tap.sock")
    for end in ("q", signal.SIGTERM, signal.SIGINT):
        screen = Terminal(t, "top", "-i", "200ms", f"unix:{path}")
        screen.wait("domains asked", "waiting for a DNS server")
        sender = fstrm.Sender(path)
        sender.send(*answered(b"ns1", [b"one", b"test"], NXDOMAIN) * 50)
        lines = screen.wait("one.test.", "(0/1)", " queries    50 ", " answers    50 ")
        equal(summary(lines, "rcodes"), ["NXDOMAIN", "100", "%"], "rcodes")
        sender.sock.close()
        if end == "q":
            screen.press("q")
        else:
            screen.process.send(end)
        equal(screen.end(), 0, f"status after {end}")
        assert not path.exists(), "the socket is removed"
        assert "ledger" not in screen.process.err, screen.process.err


@test()
def a_socket_gives_a_report_at_the_end(t):
    port = free_port()
    top = t.spile("top", "--once", f"tcp:127.0.0.1:{port}", name="top")
    t.wait_listening(top)
    sender = fstrm.Sender(("127.0.0.1", port))
    sender.send(*answered(b"ns1", [b"one", b"test"]) * 20)
    sender.finish()
    equal(top.stop(), 0, "status")
    equal(summary(top.out.decode().splitlines(), "queries")[0], "20", "queries")
    assert "ledger" not in top.err, top.err


@test()
def the_ledger_is_told_when_something_was_lost(t):
    """In a report and below the screen; if all is well the last row is that of the keys."""
    good = real_capture(t)
    bad = t.path("bad.fstrm")
    frames = fstrm.split(good.read_bytes())[:20] + [b"no dnstap"]
    bad.write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + b"".join(map(fstrm.data, frames)) +
                    fstrm.control(fstrm.STOP))
    for path, lost in ((good, False), (bad, True)):
        said = t.run("top", "--once", path).stderr.decode()
        equal("dropped=1 (malformed=1)" in said, lost, said)
        for height, width in ((24, 80), (10, 40)):
            screen = Terminal(t, "top", path, width=width, height=height, name=f"{path.name}{height}")
            lines = screen.wait("domains asked  1-", "ledger: " if lost else "q quit")
            if not lost:
                lines = screen.wait("ended" if width == 80 else "domains asked")
                assert lines[-1].startswith(" q quit  "), lines[-1]
            equal(screen.quit(), 0, "status")
            equal("dropped=1" in screen.process.err, lost, screen.process.err)
            assert lost or b"ledger" not in screen.raw, "no ledger on the screen"


@test()
def names_cannot_touch_the_terminal(t):
    """Control characters of names and identities come as text, from a daemon and from a socket."""
    evil = [b"\x1b]0;title\x07", b"\x1b[2J\x9b31m\x7f\r\n\t", b"test"]
    identity = b"id\x1b[?25h\xff\x90\n"
    frames = answered(identity, evil) * 9
    daemon = Daemon(t)
    daemon.send(frames)
    for source in ("daemon", "socket"):
        path = t.path(f"{source}.sock")
        screen = Terminal(t, "top", "-i", "200ms", daemon.url if source == "daemon" else f"unix:{path}",
                          width=120, height=40, name=source)
        if source == "socket":
            screen.wait("waiting for a DNS server")
            sender = fstrm.Sender(path)
            sender.send(*frames)
            sender.finish()
        screen.wait("\\027]0\\;title\\007", "\\027[2j\\155", "stream all (0/1)")
        screen.press("s")
        screen.wait("stream id\\027[?25h\\255\\144\\010 (1/1)", " queries    9 ")
        for bad in (b"\x1b]0;title", b"\x1b[?25h\xff", b"\x9b", b"\x07"):
            # ncurses itself shows the cursor again at the end, but nothing follows it.
            assert bad not in screen.raw, (source, bad)
        equal(screen.quit(), 0, "status")
    for line in report(t, daemon.url):
        assert line.isprintable() and line.isascii(), line


@test()
def a_pipe_is_watched_while_keys_come_from_the_terminal(t):
    with open(real_capture(t), "rb") as file:
        screen = Terminal(t, "top", "-", stdin=file)
    screen.wait("host1.corp.example.", "ended")
    screen.press("t")
    screen.wait("domains answered")
    equal(screen.quit(), 0, "status")


@test()
def a_daemon_that_is_silent_holds_nobody_up(t):
    listener = socket.create_server(("127.0.0.1", 0))
    screen = Terminal(t, "top", f"http://127.0.0.1:{listener.getsockname()[1]}/")
    screen.wait("waiting", "domains asked")
    peer = listener.accept()[0]
    screen.press("t")
    screen.wait("domains answered")
    begin = time.monotonic()
    equal(screen.quit(), 0, "status")
    t.soon(begin, 4, "the end")
    peer.close()
    listener.close()


@test(needs=("openssl",))
def tls_is_checked(t):
    key, cert = t.path("key.pem"), t.path("cert.pem")
    t.tool(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
            "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert])
    port = free_port()
    t.listen(CONFIG.format(port=port, more=f", tls-cert: {cert}, tls-key: {key}, api-key: key"), count=2)
    url = f"https://127.0.0.1:{port}/"
    equal(summary(report(t, "--cacert", cert, "--api-key", "key", url), "queries")[0], "0", "queries")
    def refusal(*flags):
        """Of one that was in time: top waits three seconds for a connection, on a machine of any speed."""
        def answered():
            said = t.run("top", "--once", "--api-key", "key", *flags, status=1).stderr
            return said if b"timeout" not in said else None
        return wait_for("an answer in time", answered)
    assert b"certificate" in refusal(url)
    assert b"localhost" in refusal("--cacert", cert, url.replace("127.0.0.1", "localhost"))


@test()
def colours_are_for_those_who_want_them(t):
    path = CAPTURES / "kdig-tool.fstrm.xz"
    colour = re.compile(rb"\x1b\[[0-9;]*3[0-7]m")
    for environment, term, coloured in (({}, "screen-256color", True), ({"NO_COLOR": ""}, "screen-256color", True),
                                        ({"NO_COLOR": "1"}, "screen-256color", False), ({}, "vt100", False)):
        screen = Terminal(t, "top", path, environment=environment, term=term, name=f"{term}{environment}")
        screen.wait("domains asked", "ended")
        equal(bool(colour.search(screen.raw)), coloured, f"colours with {environment} on {term}")
        equal(screen.quit(), 0, "status")
    for term in ("nonesuch", "dumb"):
        screen = Terminal(t, "top", path, term=term, name=term)
        equal(screen.end(), 1, f"status on {term}")
        assert f"TERM={term}" in screen.process.err and "--once" in screen.process.err, screen.process.err


@test()
def a_terminal_that_is_gone_ends_it(t):
    screen = Terminal(t, "top", f"unix:{t.path('tap.sock')}")
    screen.wait("waiting for a DNS server")
    os.close(screen.master)
    screen.process.wait()
    assert not t.path("tap.sock").exists(), "the socket is removed"
