"""The sections of a running program's configuration change: web, statistics, history, control; nobody is turned away
meanwhile, and what cannot be had changes nothing."""
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import stat
import threading
import time

from fstrm import Sender
from harness import equal, free_port, limit, samples, test, wait_for
from test_ctl import CONFIG, Controlled, frames
from test_ctl import ask as ask_control
from test_web import ask, certificate, hear, say

STAGE = CONFIG.replace("outputs:", "stages:\n- sample: {rate: 1000000, seed: a}\noutputs:")  # of a few none passes


def threads(process):
    return set(process.threads())


def web(port, more="", host="127.0.0.1"):
    return f"web: {{listen: '{host}:{port}'{more}}}\n"


class Changing(Controlled):
    """A program that is commanded, and whose sections change."""

    def change(self, config, *words, status=0):
        self.write(config)
        return self.ctl("reload", *words, status=status)

    def heard(self, path="/api/v1/statistics"):
        """The status and the body that the control socket has for who asks for a path."""
        with ask_control(self, f"GET {path}\n\n".encode()) as client, client.makefile("rb") as reply:
            head, _, body = reply.read().partition(b"\n")
            return int(head.split()[0]), json.loads(body)


def get(port, path="/api/v1/statistics", **headers):
    return ask(port, path, **headers)[0]


def events(port, **headers):
    status, _, body = ask(port, "/api/v1/statistics", **headers)
    equal(status, 200, "status")
    return json.loads(body)["statistics"]["queries"]["events"]


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=limit(10)).close()
    except ConnectionRefusedError:
        return True
    return False


@test()
def a_web_server_comes_and_moves_and_goes(t):
    """Statistics come and go with it, and what has been counted stays for as long as they are wanted."""
    it, (first, second) = Changing(t), (free_port(), free_port())
    client = Sender(t.path("tap.sock"))
    assert "statistics" not in threads(it.spile) and refused(first)
    equal(it.change(CONFIG + web(first), "--dry-run"), "would change: + section web\n", "what would change")
    assert refused(first), "a dry run opens nothing"
    it.change(CONFIG + web(first))
    client.send(*frames(100))
    wait_for("all are counted", lambda: events(first) == 100)
    assert {"statistics", "history"} <= threads(it.spile), threads(it.spile)
    equal(it.heard()[1]["statistics"]["queries"]["events"], 100, "events by the control socket")
    it.change(CONFIG + web(second))
    assert refused(first)
    client.send(*frames(100))
    wait_for("all are counted", lambda: events(second) == 200)
    it.change(CONFIG)
    assert refused(second)
    wait_for("statistics end", lambda: not threads(it.spile) & {"statistics", "history", "retirer", "web-sweeper"})
    it.change(CONFIG + web(first))
    client.send(*frames(10))
    wait_for("they begin anew", lambda: events(first) == 10)
    client.finish()
    wait_for("nothing was lost", lambda: it.delivered() == 210)
    equal(it.spile.stop(), 0, "exit status")


@test()
def who_asks_for_its_end_hears_of_it(t):
    """A reload by POST to the very server that goes or changes is answered before that ends."""
    it, (first, second) = Changing(t), (free_port(), free_port())
    key = ", api-key: k"
    it.change(CONFIG + web(first, key))
    for port, config in ((first, CONFIG + web(second, key)), (second, CONFIG + web(second, ", api-key: k2")), (second, CONFIG)):
        it.write(config)
        status, headers, body = ask(port, "/api/v1/reload", "POST", X_API_Key="k" if config != CONFIG else "k2")
        equal(status, 200, body)
        assert json.loads(body)["changes"], body
        equal(headers["Connection"], "close", "who is answered is sent to the next one")
    assert refused(second)
    equal(it.spile.stop(), 0, "exit status")


@test()
def who_asks_what_goes_for_a_change_holds_up_none(t):
    """A server that goes waits for who has come; what he wants would have to wait until it has gone."""
    it, port = Changing(t), free_port()
    with ask_control(it, b"POST /api/v1/") as late:
        it.change(CONFIG + web(port))
        late.sendall(b"reload\n\n")
        with late.makefile("rb") as reply:
            said = reply.read()
        assert said.startswith(b"409 ") and b"the change before is still under way" in said, said
    it.change(CONFIG)
    assert refused(port)
    equal(it.spile.stop(), 0, "exit status")


class Knocking(threading.Thread):
    """Asks again and again, each time on a connection of its own, while something changes: `ask_once` is the answer."""

    def __init__(self, ask_once):
        super().__init__(daemon=True)
        self.ask_once, self.stopping, self.seen, self.wrong = ask_once, threading.Event(), [], []

    def run(self):
        while not self.stopping.is_set():
            try:
                self.seen.append(self.ask_once())
            except (OSError, http.client.HTTPException) as problem:
                self.wrong.append(repr(problem))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()

    def check(self):
        equal(self.wrong, [], "requests without an answer")
        assert len(self.seen) > 20, self.seen


@test()
def nobody_is_turned_away_when_credentials_change(t):
    it, port = Changing(t), free_port()
    it.change(CONFIG + web(port, ", bearer-token: b, api-key: key-0"))

    def accepted():
        return samples(ask(port, "/metrics", Authorization="Bearer b")[2].decode())["spile_web_connections_total"]
    before = accepted()
    with Knocking(lambda: get(port, "/api/v1/streams", Authorization="Bearer b")) as knocking:
        for turn in range(1, 9):
            it.change(CONFIG + web(port, f", bearer-token: b, api-key: key-{turn}"))
            equal([get(port, X_API_Key=f"key-{i}") for i in (turn - 1, turn)], [401, 200], "by the old key and the new one")
    knocking.check()
    equal(set(knocking.seen), {200}, "answers to who has what stayed")
    assert accepted() >= before + len(knocking.seen) + 16, "connections that were counted"
    equal(it.spile.stop(), 0, "exit status")


@test()
def who_has_not_asked_yet_holds_up_no_end(t):
    """A server that goes waits for half a request: what is wanted next comes after it, but not the end of the program."""
    it, port = Changing(t), free_port()
    it.change(CONFIG + web(port))
    with say(port, b"GET /api/v1/streams HTTP/1.1\r\n") as slow:
        wait_for("it has come", lambda: samples(ask(port, "/metrics")[2].decode())["spile_web_open"] == 2)
        it.change(CONFIG + web(port, ", connections: 9"))
        it.spile.send(signal.SIGHUP)
        slow.sendall(b"Host: localhost\r\n\r\n")
        assert b"Connection: close" in hear(slow)
    wait_for("the signal was heeded", lambda: it.spile.err.count("was read again") == 3)
    with say(port, b"GET /api/v1/streams HTTP/1.1\r\n"):
        wait_for("it has come", lambda: samples(ask(port, "/metrics")[2].decode())["spile_web_open"] == 2)
        it.change(CONFIG + web(port, ", header-timeout: 1m"))
        begin = time.monotonic()
        equal(it.spile.stop(), 0, "exit status")
        t.soon(begin, 5, "the end")


def half_a_request(port, line, count):
    """One that the server waits for, which has `count` connections then but for that of who looks."""
    slow = say(port, line + b" HTTP/1.1\r\n")
    wait_for("it has come", lambda: samples(ask(port, "/metrics", X_API_Key="k")[2].decode())["spile_web_open"] == count + 1)
    return slow


@test()
def some_ask_for_the_next_change_at_once(t):
    """While a server that goes is kept busy they wait; then one has the next change, and the others are told of it."""
    it, port = Changing(t), free_port()
    it.change(CONFIG + web(port, ", api-key: k"))
    with half_a_request(port, b"GET /api/v1/health", 1) as slow:
        it.change(CONFIG + web(port, ", api-key: k, connections: 9"))
        asked = [ask_control(it, b"POST /api/v1/reload\n\n") for _ in range(4)]
        slow.sendall(b"Host: localhost\r\n\r\n")
        assert b"200 OK" in hear(slow)
        answers = set()
        for each in asked:
            with each, each.makefile("rb") as reply:
                answers.add(reply.readline().split()[0])
        assert b"200" in answers <= {b"200", b"409"}, answers
    equal(it.spile.stop(), 0, "exit status")


@test()
def what_goes_changes_nothing_any_more(t):
    """Who asks a server that goes for a reload is told so: the next change waits for the end of that very server."""
    it, port = Changing(t), free_port()
    key = ", api-key: k"
    it.change(CONFIG + web(port, key))
    with half_a_request(port, b"POST /api/v1/reload", 1) as slow:
        it.change(CONFIG + web(port, key + ", connections: 9"))
        slow.sendall(b"Host: localhost\r\nX-API-Key: k\r\n\r\n")
        reply = hear(slow)
        assert b"409 Conflict" in reply and b"still under way" in reply, reply
    it.change(CONFIG + web(port, key))
    equal(it.spile.stop(), 0, "exit status")


@test()
def what_fails_behind_another_change_is_undone(t):
    """A signal that came while a server was on its way out is heeded then, and brings what cannot be had."""
    it, (port, other) = Changing(t), (free_port(), free_port())
    it.change(CONFIG + web(port))
    with half_a_request(port, b"GET /api/v1/health", 1) as slow:
        it.change(CONFIG + web(port, ", connections: 9"))
        it.write(CONFIG.replace("kept.txt", "no/where.txt") + web(other))
        it.spile.send(signal.SIGHUP)
        it.spile.asked("kept")
        slow.sendall(b"Host: localhost\r\n\r\n")
        hear(slow)
    wait_for("it has been tried", lambda: "stays as it was" in it.spile.err)
    wait_for("what was begun has ended", lambda: "retirer" not in threads(it.spile))
    assert refused(other)
    it.change(CONFIG)
    equal(it.spile.stop(), 0, "exit status")


@test(needs=("openssl",))
def no_file_keeps_it_waiting(t):
    """What was a file when it started is a FIFO, a folder, a device."""
    it, port = Changing(t), free_port()
    key, cert = certificate(t, "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    t.path("api-key").write_text("one\n")
    it.change(CONFIG + web(port, f", tls-cert: {cert}, tls-key: {key}, api-key-file: {t.path('api-key')}"))
    for option, path in (("tls-cert", cert), ("tls-key", key), ("api-key-file", t.path("api-key"))):
        path.rename(t.path("kept"))
        os.mkfifo(path)
        assert re.search(rf"spile.yaml:5:\d\d+: web: {option}: {path}: this is no file", it.ctl("reload", status=1))
        path.unlink()
        path.mkdir()
        assert f"{path}: Is a directory" in it.ctl("reload", status=1)
        path.rmdir()
        path.symlink_to("/dev/zero")
        assert f"{path}: this is no file" in it.ctl("reload", status=1)
        t.path("kept").rename(path)
    equal(get_ok(port), 401, "it goes on as it was")
    equal(it.spile.stop(), 0, "exit status")


@test()
def live_streams_begin_again(t):
    it, port = Changing(t), free_port()
    it.change(CONFIG + web(port))

    def read_until(viewer, words, said=b""):
        while words not in said:
            more = viewer.recv(10000)
            assert more, f"it ended, and has said: {said}"
            said += more
    asked = b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with say(port, asked) as viewer:
        read_until(viewer, b"retry: 2000")
        it.change(CONFIG + web(port, ", connections: 9"))
        hear(viewer)  # to its end
    with say(port, asked) as viewer:
        read_until(viewer, b"retry: 2000")
        client = Sender(t.path("tap.sock"))
        client.send(*frames(1))
        client.finish()
        read_until(viewer, b"a0.lab")
        equal(it.spile.stop(), 0, "exit status")


@test()
def it_moves_to_all_addresses_and_back(t):
    """One is in the way of the other, and both are there for a moment: no connection is refused."""
    it, port = Changing(t), free_port()
    key = ", api-key: k"
    it.change(CONFIG + web(port, key))
    with Knocking(lambda: get(port, "/api/v1/streams", X_API_Key="k")) as knocking:
        for host in ("0.0.0.0", "127.0.0.1", "0.0.0.0"):
            it.change(CONFIG + web(port, key, host))
            equal(get(port, X_API_Key="k"), 200, host)
    equal([each for each in knocking.wrong if "Refused" in each], [], "connections that were refused")
    equal(set(knocking.seen), {200}, "answers")
    again = t.spile("run", "--web", f"127.0.0.1:{port}", "-u", t.path("again.sock"), name="again")
    equal(again.wait(), 1, "status of another program at that port")
    equal(it.spile.stop(), 0, "exit status")


@test(needs=("openssl",))
def a_renewed_certificate_is_used(t):
    """And a new key from the same file; where nothing is new the server stays."""
    it, port = Changing(t), free_port()
    kind = "ec", "-pkeyopt", "ec_paramgen_curve:P-256"
    key, cert = certificate(t, *kind)
    t.path("api-key").write_text("one\n")
    config = CONFIG + web(port, f", tls-cert: {cert}, tls-key: {key}, api-key-file: {t.path('api-key')}")
    it.change(config)

    def shown():
        return ssl.get_server_certificate(("127.0.0.1", port), timeout=limit(10)).strip()

    def get_as(api_key):
        return ask(port, "/api/v1/streams", tls=ssl.create_default_context(cafile=cert), X_API_Key=api_key)[0]
    old = cert.read_text().strip()
    equal(shown(), old, "the first certificate")
    certificate(t, *kind)
    equal(shown(), old, "before it is told")
    it.spile.send(signal.SIGHUP)
    wait_for("the new one", lambda: shown() == cert.read_text().strip() != old)
    t.path("api-key").write_text("two\n")
    it.change(config)
    assert "nothing changes" not in it.spile.err, "though no option has another value"
    equal((get_as("one"), get_as("two")), (401, 200), "by the old key and the new one")
    said = it.spile.err.count("web: https://")
    it.change(config)
    equal(it.spile.err.count("web: https://"), said, "servers that were begun")
    assert "the configuration was read again: nothing changes" in it.spile.err, it.spile.err
    last = cert.read_text().strip()
    cert.write_text("nonsense")
    told = it.ctl("reload", status=1)
    assert f"spile.yaml:5:{len(web(port)) + 11}: web: tls-cert" in told, told
    equal(told.replace("; the configuration stays as it was", ""), it.ctl("reload", "--dry-run", status=1), "what a dry run says")
    equal((shown(), get_ok(port)), (last, 401), "it goes on as it was")
    equal(it.spile.stop(), 0, "exit status")


def get_ok(port):
    return ask(port, "/api/v1/streams", tls=ssl._create_unverified_context())[0]  # pylint: disable=protected-access


@test()
def what_cannot_be_had_changes_nothing(t):
    """Each is told with its place, by a dry run as by a real one: ports that are taken, and by whom, a key's file, a
    control socket, an output behind all of that."""
    it, port, other = Changing(t), free_port(), free_port()
    config = CONFIG + web(port, ", api-key: k")
    equal(it.heard()[0], 404, "statistics, which are off")
    bare = threads(it.spile)
    it.change(config)
    wait_for("what came before has ended", lambda: "retirer" not in threads(it.spile))
    before = it.heard("/api/v1/config")[1], threads(it.spile)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        tcp, by = taken.getsockname()[1], rf"in use by python\S* \(process {os.getpid()}\)[;\n]"
        tap = "- unix: {path: @DIR@/tap.sock, mode: 0666}\n"
        bad = {CONFIG + web(tcp): f"5:15: web: 127.0.0.1 port {tcp}: {by}",
               CONFIG.replace(tap, f"{tap}- tcp: {{listen: '127.0.0.1:{tcp}'}}\n"): f"3:17: tcp: 127.0.0.1 port {tcp}: {by}",
               CONFIG + web(port, f", api-key-file: {t.path('none')}"): r"5:\d\d: web: api-key-file: ",
               CONFIG + web(other) + "control: {path: @DIR@/no/such/folder}\n": "6:17: control: /.*/no/such/: No such file",
               CONFIG + web(other) + "control: {group: nosuchgroup}\n": "6:18: control: no group is called nosuchgroup",
               CONFIG.replace("kept.txt", "no/where.txt") + web(other): "4:28: file: /.*/no/: No such file",
               CONFIG + web(port, ", listen: 1"): r"5:\d\d: ", CONFIG + "web: {login: a}\n": "5:14: "}
        for text, words in bad.items():
            for dry in ["--dry-run"], []:
                said = it.change(text, *dry, status=1)
                assert re.search("spile.yaml:" + words, said), (text, dry, said)
                equal(get(port, X_API_Key="k"), 200, "the server that was there")
                assert refused(other)
        for text in (config.replace("api-key: k", "api-key: other"),
                     config.replace(tap, f"{tap}- tcp: {{listen: '127.0.0.1:{tcp}', required: false}}\n")):
            assert it.change(text, "--dry-run") != "nothing changes\n", "what would be changed, though a place is taken"
    wait_for("what was begun has ended", lambda: threads(it.spile) == before[1])
    equal(it.heard("/api/v1/config")[1], before[0], "the configuration in force")
    it.change(CONFIG)
    wait_for("what came with the server has ended", lambda: threads(it.spile) == bare)
    it.change(CONFIG.replace("kept.txt", "no/where.txt") + web(other), status=1)
    wait_for("statistics have ended that had begun", lambda: threads(it.spile) == bare)
    equal(it.heard()[0], 404, "statistics")
    it.change(config)
    equal(get(port, X_API_Key="k"), 200, "a good one")
    equal(it.spile.stop(), 0, "exit status")


@test()
def the_control_socket_moves(t):
    it = Changing(t)
    moved, usual = t.path("elsewhere.sock"), it.socket
    it.change(CONFIG + f"control: {{path: {moved}, mode: 0600}}\n")
    assert not usual.exists()
    it.socket = moved
    equal(stat.S_IMODE(moved.stat().st_mode), 0o600, "mode")
    inode = moved.stat().st_ino
    it.change(CONFIG + f"control: {{path: {moved}, mode: 0640}}\n")
    equal(stat.S_IMODE(moved.stat().st_mode), 0o640, "mode")
    assert moved.stat().st_ino != inode
    it.change(CONFIG + f"control: {{path: {moved}, mode: 0640}}\n" + web(free_port()))  # of which it has to tell, too
    equal(it.heard()[0], 200, "statistics, by the same socket")
    it.change(CONFIG)
    assert not moved.exists()
    it.socket = usual
    equal(it.json("status")["status"], "ready", "status")
    equal(sorted(path.name for path in t.folder.glob(".spile.*")), [], "folders that were left")
    it.change(CONFIG + "control: {enabled: false}\n")
    assert not usual.exists()
    wait_for("it has ended", lambda: not threads(it.spile) & {"control", "live"})
    it.write(CONFIG)
    it.spile.send(signal.SIGHUP)
    wait_for("it is there again", usual.exists)
    equal(it.json("status")["status"], "ready", "status")
    equal(it.spile.stop(), 0, "exit status")
    assert not usual.exists()


@test()
def a_control_socket_that_was_lost_comes_back(t):
    """Somebody removed it, or its folder, or put a file in its place, which stays: a reload makes it anew where it can."""
    it = Changing(t)

    def told(words):
        count = it.spile.err.count(words)
        it.spile.send(signal.SIGHUP)
        wait_for(words, lambda: it.spile.err.count(words) > count)

    it.socket.unlink()
    told("is in force")
    it.change(CONFIG + web(free_port()))
    it.socket.unlink()
    it.socket.write_text("mine")
    told("going on without control")
    equal(it.socket.read_text(), "mine", "the file")
    it.socket.unlink()
    told("is in force")
    it.ctl("reload")
    it.socket.unlink()
    it.socket.parent.rmdir()
    it.socket.parent.mkdir()
    told("is in force")
    assert it.ctl("status").startswith("ready\n")
    equal(it.spile.stop(), 0, "exit status")
    assert not it.socket.exists()


@test()
def nobody_is_turned_away_when_the_control_changes(t):
    it, port = Changing(t), free_port()
    with Knocking(lambda: it.heard("/api/v1/status")[0]) as knocking:
        for turn in range(20):
            it.change(CONFIG + f"control: {{mode: 06{turn % 2 * 4}0}}\n" + (web(port) if turn % 4 < 2 else ""))
    knocking.check()
    equal(set(knocking.seen), {200}, "answers")
    equal(it.spile.stop(), 0, "exit status")


@test()
def statistics_stay_and_count_elsewhere(t):
    """before-stages changes what they see from then on; memory and streams wait, by name."""
    it, port = Changing(t), free_port()
    it.change(STAGE + web(port))
    client = Sender(t.path("tap.sock"))
    client.send(*frames(100))
    wait_for("all have come", lambda: it.json("ledger")["outputs"][0]["received"] == 100)
    equal(events(port), 0, "what outputs get is counted")
    more = "statistics: {before-stages: true, memory: 80M, streams: 3}\n"
    said = it.change(STAGE + web(port) + more)
    equal(said.splitlines(), ["~ section statistics: before-stages: false -> true", "at the next start: statistics: memory",
                              "at the next start: statistics: streams"], "what changes")
    client.send(*frames(100))
    wait_for("all is counted", lambda: events(port) == 100)
    equal(it.heard("/api/v1/config")[1]["statistics"], {"memory": "64M", "streams": 64, "before-stages": True}, "in force")
    it.change(STAGE + web(port, ", connections: 100"))
    client.send(*frames(50))
    client.finish()
    wait_for("all are there", lambda: it.json("ledger")["outputs"][0]["received"] == 250)
    equal(events(port), 100, "events")
    it.change(STAGE)  # without statistics nothing waits
    it.change(STAGE + web(port) + more)
    equal(it.heard("/api/v1/config")[1]["statistics"]["memory"], "80M", "in force")
    equal(it.spile.stop(), 0, "exit status")


@test()
def an_output_that_shows_statistics_has_them_kept(t):
    it = Changing(t)
    client = Sender(t.path("tap.sock"))
    config = CONFIG + "- metrics: {file: @DIR@/sums.txt, interval: 1s}\n"
    it.change(config)
    client.send(*frames(100))
    client.finish()
    equal(len(it.json("outputs")["outputs"]), 2, "outputs")
    wait_for("they are counted", lambda: it.heard()[1]["statistics"]["queries"]["events"] == 100)
    it.change(CONFIG)
    equal(it.heard()[0], 404, "statistics, which are off")
    assert t.path("sums.txt").read_text().strip()
    equal(it.spile.stop(), 0, "exit status")


@test()
def the_history_goes_by_what_it_is_told(t):
    """How often it writes and what it keeps change at once; its database stays where it is while statistics are kept."""
    it, port = Changing(t), free_port()
    path, other = t.path("history.db"), t.path("other.db")

    def history(more, where=path):
        return CONFIG + web(port) + f"history: {{path: {where}{more}}}\n"

    it.change(history(""))
    said = it.change(history(", keep-minutes: 3d, write-every: 1s", other))
    equal(said.splitlines(), ["~ section history: keep-minutes: 2d -> 3d", "~ section history: write-every: 1m -> 1s",
                              "at the next start: history: path"], "what changes")
    client = Sender(t.path("tap.sock"))
    client.send(*frames(100))
    rows = "SELECT count(*) FROM record"
    wait_for("it writes each second", lambda: sqlite3.connect(path).execute(rows).fetchone()[0] > 0, 30)
    assert not other.exists()
    said = it.change(CONFIG + web(port))
    equal(said.splitlines(), ["at the next start: history"], "without the section")
    it.change(CONFIG)  # nobody wants statistics any more, so it ends
    wait_for("it has ended", lambda: not threads(it.spile) & {"statistics", "history", "history-writer"})
    it.change(CONFIG + f"history: {{path: {other}}}\n")
    assert other.exists()
    client.finish()
    equal(it.spile.stop(), 0, "exit status")
