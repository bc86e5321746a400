"""`spile ctl` and the control socket: each verb, as text and as JSON; who may ask; many at once; none at all."""
import contextlib
import json
import os
import re
import socket
import threading
import urllib.error
import urllib.request

import fstrm
from fstrm import Sender
from harness import Skip, equal, limit, readable, test, wait_for
from lab import question

CONFIG = """inputs:
- unix: {path: @DIR@/tap.sock, mode: 0666}
outputs:
- file: {name: kept, path: @DIR@/kept.txt, fields: [qname]}
"""
WEB = "web: {listen: '127.0.0.1:0', api-key: right}\n"
NOBODY, GROUP = 65534, 4711


class Controlled:
    """A program that is commanded, and `spile ctl` for it."""

    def __init__(self, t, config=CONFIG, name="spile", sockets=2, spile=None):
        self.t, self.spile = t, spile or t.listen(config, count=sockets, name=name)
        self.socket = t.runtime / name / "control.sock"

    def ctl(self, *words, status=0):
        done = self.t.run("ctl", "--socket", self.socket, *words, status=status)
        return (done.stderr if status else done.stdout).decode()

    def json(self, *words):
        return json.loads(self.ctl("--json", *words))

    def rows(self, *words):
        """The table that is printed: a dictionary a row."""
        lines = self.ctl(*words).splitlines()
        heads = re.findall(r"\S+", lines[0])
        rows = [re.split(r" {2,}", line.strip()) for line in lines[1:]]
        assert all(len(row) == len(heads) for row in rows), lines
        return [dict(zip(heads, row)) for row in rows]

    def delivered(self):
        return self.json("ledger")["outputs"][0]["delivered"]

    def write(self, config):
        self.t.path("spile.yaml").write_text(config.replace("@DIR@", str(self.t.folder)))


def frames(count, tag="a"):
    return [fstrm.message(question(f"{tag}{i}.lab.", 1, i)) for i in range(count)]


def version(t):
    return t.run("--version").stdout.decode().split()[1]


@test()
def what_there_is_is_shown(t):
    it = Controlled(t)
    client = Sender(t.path("tap.sock"))
    client.send(*frames(100))
    wait_for("all are written", lambda: it.delivered() == 100)
    equal(it.json("status")["status"], "ready", "status")
    status = it.json("status")
    equal((status["version"], status["inputs"], status["connections"], status["outputs"], status["events"]),
          (version(t), {"all": 1, "open": 1}, 1, {"all": 1, "open": 1, "paused": 0},
           {"received": 100, "malformed": 0, "dropped": 0, "rate": None}), "how it stands")
    assert 0 <= status["configured"] - status["started"] < status["uptime"] * 1000 + 60000, status
    assert re.fullmatch("ready\n"
                        r"VERSION        \S+\n"
                        rf"PID            {it.spile.child.pid}\n"
                        r"UP             (\d+m )?\d+s\n"
                        rf"CONFIGURATION  {t.path('spile.yaml')}\n"
                        r"CONFIGURED     \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n"
                        r"LOG-LEVEL      info\n"
                        r"INPUTS         all 1, open 1\n"
                        r"CONNECTIONS    1\n"
                        r"OUTPUTS        all 1, open 1, paused 0\n"
                        r"EVENTS         received 100, malformed 0, dropped 0\n", it.ctl("status")), it.ctl("status")
    equal((status["pid"], status["config"], status["log-level"]),
          (it.spile.child.pid, str(t.path("spile.yaml")), "info"), "what it is")
    equal(it.spile.err.count(f"spile: control: {it.socket}\n"), 1, "the socket in the log")
    shown, told = it.rows("inputs")[0], it.json("inputs")["inputs"][0]
    equal((shown["NAME"], shown["STATE"], shown["FRAMES"], shown["PLACE"]),
          ("unix", "open", "100", f"unix:{t.path('tap.sock')}"), "the input")
    equal((told["name"], told["open"], told["frames"]), ("unix", True, 100), "the input as JSON")
    equal((shown["CONNECTIONS"], shown["ACCEPTED"], told["connected"]), ("1", "1", 1), "its connections")
    shown, told = it.rows("connections")[0], it.json("connections")["connections"][0]
    equal((shown["ID"], shown["FRAMES"]), (str(told["id"]), "100"), "the connection")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", shown["SINCE"]), shown
    shown, told = it.rows("outputs")[0], it.json("outputs")["outputs"][0]
    equal((shown["NAME"], shown["STATE"], shown["DELIVERED"], shown["PLACE"]),
          ("kept", "-", "100", str(t.path("kept.txt"))), "the output")
    equal((told["name"], told["paused"], told["ledger"]["delivered"]), ("kept", False, 100), "the output as JSON")
    shown, told = it.rows("ledger")[0], it.json("ledger")["outputs"][0]
    equal((shown["OUTPUT"], shown["RECEIVED"], shown["IN-FLIGHT"]), ("kept", "100", "0"), "the ledger")
    equal((told["output"], told["received"]), ("kept", 100), "the ledger as JSON")
    equal(it.spile.stop(), 0, "exit status")
    assert not it.socket.exists(), "the socket goes with the program"


@test()
def what_keeps_servers_away_is_told_once(t):
    """The hint names the socket; an input that is called otherwise is named before that."""
    spile = t.spile("run", "--unix", t.path("tap.sock"))
    t.wait_listening(spile, 2)
    it = Controlled(t, spile=spile)
    text = it.ctl("status")
    assert f"\nhint: unix {t.path('tap.sock')}: mode 0660 lets" in text, text
    assert "\nCONFIGURATION  flags alone\n" in text, text
    equal(it.json("status")["config"], None, "the configuration as JSON")
    equal(spile.stop(), 0, "exit status")
    named = Controlled(t, CONFIG.replace("mode: 0666", "mode: 0660, name: taps"), name="named")
    text = named.ctl("status")
    assert f"\nhint: taps: unix {t.path('tap.sock')}: mode 0660 lets" in text, text
    equal(named.spile.stop(), 0, "exit status")


@test()
def options_stand_before_or_behind(t):
    it = Controlled(t)
    for words in (["--json", "status"], ["status", "--json"], ["-j", "status"]):
        equal(json.loads(it.ctl(*words))["status"], "ready", words)
    by_environment = t.run("ctl", "status", env={**os.environ, "RUNTIME_DIRECTORY": str(it.socket.parent)})
    assert by_environment.stdout.startswith(b"ready\n"), by_environment
    for words, what in {("statsu",): "did you mean 'status'?", ("outputs", "pause"): "NAME is missing",
                        ("log",): "LEVEL is missing", ("status", "now"): "unexpected argument 'now'",
                        ("outputs", "sing", "kept"): "outputs: there is no 'sing', only pause, resume, drain, rotate",
                        ("connections", "clos", "3"): "connections: there is no 'clos', only close; did you mean 'close'?",
                        ("outputs", "rotat"): "did you mean 'rotate'?",
                        ("outputs", "pause", "kept", "now"): "'now'", (): "is missing",
                        ("status", "--dry-run"): "--dry-run is for reload",
                        ("status", "-o", "json"): "--format is for tail"}.items():
        said = it.ctl(*words, status=2)
        assert what in said and said.count("\n") == 1, (words, said)
    equal(it.spile.stop(), 0, "exit status")


@test()
def a_reload_says_what_it_does(t):
    it = Controlled(t)
    equal(it.ctl("reload", "--dry-run"), "nothing would change\n", "with nothing changed")
    equal(it.ctl("reload"), "nothing changes\n", "the reload itself")
    before = it.json("status")
    it.write("threads: 7\n" + CONFIG.replace("kept.txt", "other.txt") + "- 'null': {name: nothing}\n")
    said = it.ctl("reload", "--dry-run")
    equal(said, f"would change: ~ output kept (file): path: {t.path('kept.txt')} -> {t.path('other.txt')}\n"
                "would change: + output nothing (null)\nwould change at the next start: threads\n", "the dry run")
    equal([row["name"] for row in it.json("outputs")["outputs"]], ["kept"], "outputs after a dry run")
    equal(it.json("reload", "--dry-run")["dry-run"], True, "the same as JSON")
    told = it.json("reload")
    equal((told["dry-run"], told["later"]), (False, ["threads"]), "what the reload says")
    assert any("nothing" in line for line in told["changes"]), told
    equal([row["name"] for row in it.json("outputs")["outputs"]], ["kept", "nothing"], "outputs once it has answered")
    after = it.json("status")
    assert after["configured"] > before["configured"], "it is in force since then"
    equal((after["started"], after["outputs"]["all"]), (before["started"], 2), "the same program")
    it.write("outputs: [\n")
    said = it.ctl("reload", status=1)
    assert re.fullmatch(r"spile: error: \S*spile\.yaml:\d+:\d+: .*; the configuration stays as it was\n", said), said
    assert "stays as it was" not in it.ctl("reload", "--dry-run", status=1), "a dry run would change nothing anyway"
    it.write(CONFIG.replace("kept.txt", "nowhere/at/all.txt"))
    said = it.ctl("reload", status=1)
    assert re.search(r"spile\.yaml:4:28: file: .*nowhere/at/: No such", said), said
    equal([row["name"] for row in it.json("outputs")["outputs"]], ["kept", "nothing"], "outputs as they were")
    equal(it.spile.stop(), 0, "exit status")


@test()
def an_output_pauses_and_goes_on(t):
    it = Controlled(t)
    client = Sender(t.path("tap.sock"))
    equal(it.ctl("outputs", "pause", "kept"), "kept paused\n", "pause")
    client.send(*frames(500))
    wait_for("all have come", lambda: it.json("ledger")["outputs"][0]["received"] == 500)
    row = it.rows("outputs")[0]
    equal((row["STATE"], row["QUEUED-RECORDS"], row["DELIVERED"]), ("paused", "500", "0"), "while it is paused")
    equal((int(row["QUEUED-BYTES"]), int(row["LIMIT-BYTES"])),
          tuple(it.json("outputs")["outputs"][0]["queue"][key] for key in ("bytes", "limit")), "its queue")
    assert "paused" in it.ctl("outputs", "drain", "kept", status=1)
    equal(it.json("outputs", "resume", "kept"), {"output": "kept", "done": "resumed"}, "resume")
    equal(it.ctl("outputs", "drain", "kept"), "kept drained\n", "drain")
    equal(t.path("kept.txt").read_bytes().count(b"\n"), 500, "lines once it is drained")
    it.ctl("outputs", "pause", "kept")
    client.send(*frames(70))
    wait_for("those have come", lambda: it.json("ledger")["outputs"][0]["received"] == 570)
    client.finish()
    equal(it.spile.stop(), 0, "exit status: the end ends the pause")
    equal(t.path("kept.txt").read_bytes().count(b"\n"), 570, "lines at the end")


@test()
def an_output_that_is_not_open_is_shown_as_down(t):
    """It prints, and the one before it still does: that is stuck, for nobody reads."""
    def config(limit):
        return "shutdown-time: 10m\n" + CONFIG.replace("@DIR@", str(t.folder)) + f"- stdout: {{queue-size: {limit}}}\n"
    ours, theirs = os.pipe()
    t.path("spile.yaml").write_text(config("8M"))
    spile = t.spile("run", "-c", t.path("spile.yaml"), stdout=theirs)
    os.close(theirs)
    t.wait_listening(spile, 2)
    it = Controlled(t, spile=spile)
    client = Sender(t.path("tap.sock"))
    client.send(*frames(5000))
    wait_for("more has come than a pipe holds", lambda: it.delivered() == 5000)
    it.write(config("9M"))
    reload = t.spile("ctl", "--socket", it.socket, "reload", name="reload")
    wait_for("the next one waits for it", lambda: it.rows("outputs")[1]["STATE"] == "down")
    equal([row["open"] for row in it.json("outputs")["outputs"]], [True, False], "the same as JSON")
    equal(it.ctl("outputs", "pause", "stdout", status=1), "spile: error: output 'stdout' is not open yet\n", "a pause")
    equal(it.ctl("outputs", "rotate", "stdout", status=1), "spile: error: output 'stdout' has no file to rotate\n", "rotate")
    with os.fdopen(ours, "rb", buffering=0) as pipe:
        read = threading.Thread(target=pipe.readall)
        read.start()
        equal((reload.wait(), reload.out), (0, b"~ output stdout: queue-size: 8M -> 9M\n"), "the reload")
        equal([row["STATE"] for row in it.rows("outputs")], ["-", "-"], "when it is open")
        client.finish()
        equal(it.spile.stop(), 0, "exit status")
        read.join()


@test()
def a_file_is_rotated_when_asked(t):
    it = Controlled(t, CONFIG + "- 'null': {name: nothing}\n- 'null': {name: %s}\n" % ("n" * 63))
    client = Sender(t.path("tap.sock"))
    for turn in (1, 2):
        client.send(*frames(10))
        wait_for("all are written", lambda turn=turn: it.delivered() == 10 * turn)
        equal(it.ctl("outputs", "rotate", "kept"), "kept rotated\n", "rotate")
        wait_for("a rotated file", lambda turn=turn: len(list(t.folder.glob("kept.txt.*"))) == turn)
    equal(sorted(path.read_bytes().count(b"\n") for path in t.folder.glob("kept.txt*")), [0, 10, 10], "lines")
    for act, why in {"rotate": "has no file to rotate", "pause": "has no queue in which events could wait"}.items():
        equal(it.ctl("outputs", act, "nothing", status=1), f"spile: error: output 'nothing' {why}\n", act)
    for name in "kep", "n" * 64:
        assert f"there is no output '{name}" in it.ctl("outputs", "pause", name, status=1), name
    equal(it.spile.stop(), 0, "exit status")


@test()
def a_connection_is_closed_when_asked(t):
    it = Controlled(t)
    going, staying = Sender(t.path("tap.sock")), Sender(t.path("tap.sock"))
    wait_for("both", lambda: len(it.json("connections")["connections"]) == 2)
    first = it.json("connections")["connections"][0]["id"]
    equal(it.ctl("connections", "close", first), f"connection {first} closed\n", "close")
    assert going.closed_by_peer(20), "it was asked to go"
    assert staying.is_open()
    wait_for("one is left", lambda: len(it.json("connections")["connections"]) == 1)
    wait_for("one is open", lambda: it.json("inputs")["inputs"][0]["connected"] == 1)
    shown = it.rows("inputs")[0]
    equal((shown["CONNECTIONS"], shown["ACCEPTED"]), ("1", "2"), "of those that were accepted one is open")
    equal(it.json("inputs")["inputs"][0]["cuts"]["asked"], 1, "connections cut for that")
    assert f"there is no connection {first}" in it.ctl("connections", "close", first, status=1)
    assert "'x' is not a number" in it.ctl("connections", "close", "x", status=1)
    equal(it.spile.stop(), 0, "exit status")


@test()
def events_are_followed(t):
    it = Controlled(t)
    client = Sender(t.path("tap.sock"))
    tails = {name: t.spile("ctl", "--socket", it.socket, "tail", *words, name=name)
             for name, words in {"text": [], "json": ["-o", "json"]}.items()}

    def seen():
        client.send(*frames(1))
        return all(tail.out for tail in tails.values())
    wait_for("both see events", seen)
    equal(json.loads(tails["json"].out.splitlines()[0])["qname"], "a0.lab.", "the name")
    words = tails["text"].out.splitlines()[0].split()
    equal((len(words), words[6]), (10, b"a0.lab."), f"a line: {words}")
    equal(it.spile.stop(), 0, "exit status")
    equal({name: tail.wait() for name, tail in tails.items()}, {"text": 0, "json": 0}, "at the end of the program")


@test()
def no_name_of_a_peer_commands_the_terminal(t):
    """Identities are what peers say: neither lines, nor columns, nor the terminal's own commands may come of one."""
    it = Controlled(t)
    client = Sender(t.path("tap.sock"))
    hostile = "ns1\x1b]0;x\a\nroot \u202eok".encode()
    tail = t.spile("ctl", "--socket", it.socket, "tail", name="tail")
    wait_for("an event", lambda: client.send(fstrm.message(question("a.lab.", 1, 1), identity=hostile)) or tail.out)
    wait_for("it is known", lambda: it.json("connections")["connections"][0]["identity"])
    for what, text in {"tail": tail.out.decode(), "connections": it.ctl("connections")}.items():
        assert "ns1?]0;x??root ?ok" in text, f"{what}: {text!r}"
        assert not set(text) & set("\x1b\a\u202e"), f"{what}: {text!r}"
    equal(it.spile.stop(), 0, "exit status")
    equal(tail.wait(), 0, "at the end of the program")


@test()
def who_follows_may_leave(t):
    """Whoever reads what is followed has had enough: that is no failure, as it is none of other commands."""
    it = Controlled(t)
    client = Sender(t.path("tap.sock"))
    ours, theirs = os.pipe()
    tail = t.spile("ctl", "--socket", it.socket, "tail", name="tail", stdout=theirs)
    os.close(theirs)
    wait_for("an event", lambda: client.send(*frames(1)) or readable([ours], 0.05))
    os.close(ours)
    wait_for("it ends", lambda: client.send(*frames(1)) or not tail.running())
    equal((tail.wait(), tail.err), (0, ""), "exit status, and what it says")
    equal(it.spile.stop(), 0, "exit status")


@test()
def what_is_said_is_more_or_less(t):
    it = Controlled(t)
    assert "debug:" not in it.spile.err, it.spile.err
    equal(it.ctl("log", "debug"), "log level debug\n", "log")
    Sender(t.path("tap.sock"))
    wait_for("a line about the connection", lambda: "debug:" in it.spile.err)
    equal(it.json("status")["log-level"], "debug", "the level")
    equal(it.json("log", "error"), {"level": "error"}, "log as JSON")
    assert "one of error, warning, info, debug" in it.ctl("log", "loud", status=1)
    equal(it.ctl("stop"), "ending\n", "stop")
    equal(it.spile.wait(), 0, "exit status")
    said = it.ctl("status", status=1)
    assert re.fullmatch(r"spile: error: cannot ask a program at \S+: .*--socket.*\n", said), said


def status_for(path, user, group, groups):
    """What the socket answers to a process of that user and these groups: the status."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setgid(group)
            os.setuid(user)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                with contextlib.suppress(BrokenPipeError):
                    client.sendall(b"GET /api/v1/status\n\n")
                os.write(theirs, client.recv(3))
        finally:
            os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    with os.fdopen(ours) as answer:
        return answer.read()


@test()
def there_need_not_be_a_socket(t):
    """Not at the usual place, nor at one that is named."""
    for more in "", f", path: {t.path('c.sock')}":
        it = Controlled(t, "control: {enabled: false%s}\n" % more + CONFIG, sockets=1)
        said = it.ctl("status", status=1)
        assert "cannot ask a program" in said, said
        equal((it.socket.exists(), t.path("c.sock").exists()), (False, False), "sockets")
        Sender(t.path("tap.sock")).finish()
        equal(it.spile.stop(), 0, "exit status")
        assert "control" not in it.spile.err, it.spile.err


@test()
def strangers_are_refused(t):
    """Whatever the mode of the socket lets pass; members of the group are none."""
    if os.getuid() != 0:
        raise Skip("only root can be somebody else")
    it = Controlled(t, f"control: {{path: {t.path('c.sock')}, mode: 0666, group: {GROUP}}}\n" + CONFIG)

    def status(*who):
        return status_for(t.path("c.sock"), *who)
    equal((t.path("c.sock").stat().st_mode & 0o777, t.path("c.sock").stat().st_gid), (0o666, GROUP), "the socket")
    equal(status(NOBODY, NOBODY, []), "403", "a stranger")
    equal(status(NOBODY, NOBODY, [GROUP + 1]), "403", "a member of another group")
    equal(status(NOBODY, GROUP, []), "200", "one of the group")
    equal(status(NOBODY, NOBODY, [GROUP + 1, GROUP]), "200", "a member of the group")
    equal(status(0, 0, []), "200", "root")
    equal(it.spile.stop(), 0, "exit status")


def ask(it, text):
    """A request of any kind; the connection."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(limit(20))
    client.connect(str(it.socket))
    client.sendall(text)
    return client


@test()
def a_crowd_harms_nobody(t):
    """A thousand connect and say nothing: those that find no place are told so, and those that have one are let go
    soon. Meanwhile frames flow; afterwards no descriptor is left."""
    it = Controlled(t)
    client = Sender(t.path("tap.sock"))
    before = len(os.listdir(f"/proc/{it.spile.child.pid}/fd"))
    crowd = []
    for _ in range(1000):
        crowd.append(socket.socket(socket.AF_UNIX))
        crowd[-1].connect(str(it.socket))
        crowd[-1].settimeout(limit(20))
    refused = wait_for("most are refused", lambda: len(readable(crowd, 0)) >= 1000 - 64 and readable(crowd, 0))
    assert refused[0].recv(100).startswith(b"503 application/json "), "they are told"
    client.send(*frames(300))
    wait_for("frames are written", lambda: t.path("kept.txt").read_bytes().count(b"\n") == 300)
    wait_for("the silent ones are let go", lambda: len(readable(crowd, 0)) == 1000, 20)
    wait_for("there is a place again", lambda: t.run("ctl", "--socket", it.socket, "status", status=None).returncode == 0)
    wait_for("no descriptor is left", lambda: len(os.listdir(f"/proc/{it.spile.child.pid}/fd")) <= before)
    for each in crowd:
        each.close()
    client.finish()
    equal(it.spile.stop(), 0, "exit status")


def waiting(it):
    """How many requests wait for something, by the threads that do it."""
    return it.spile.threads().count("api-wait")


def with_a_stuck_output(t, before="", after="", sockets=2):
    """A program, one of whose outputs has more than the FIFO holds that it writes to; and who could read that."""
    os.mkfifo(t.path("pipe"))
    reader = os.open(t.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
    it = Controlled(t, before + CONFIG + "- file: {name: stuck, path: @DIR@/pipe}\n" + after, sockets=sockets)
    client = Sender(t.path("tap.sock"))
    client.send(*frames(5000))
    client.finish()
    wait_for("all has come", lambda: it.delivered() == 5000)
    return it, reader


@test()
def who_waits_holds_nobody_up(t):
    """An output is stuck: who drains it waits, and others have their answers; some can wait at a time, and no more."""
    it, reader = with_a_stuck_output(t)
    drain = t.spile("ctl", "--socket", it.socket, "outputs", "drain", "stuck", name="drain")
    wait_for("it waits", lambda: waiting(it) == 1)
    assert it.ctl("status").startswith("ready\n")
    assert it.json("ledger")["outputs"][1]["in-flight"] > 0
    equal(waiting(it), 1, "who waits still")
    target = b"POST /api/v1/outputs/drain?name=stuck\n\n"
    others = [ask(it, target) for _ in range(7)]
    wait_for("all wait that can", lambda: waiting(it) == 8)
    others[0].close()  # who goes away meanwhile changes nothing
    with ask(it, target) as more, more.makefile("rb") as reply:
        equal(reply.readline().split()[0], b"503", "the answer to one more")
        assert b"too many wait already" in reply.read()
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        read = threading.Thread(target=pipe.readall)
        read.start()
        equal((drain.wait(), drain.out), (0, b"stuck drained\n"), "how the drain ends")
        for each in others[1:]:
            with each, each.makefile("rb") as reply:
                equal(reply.readline().split()[0], b"200", "the answer to one of them")
        wait_for("nobody waits", lambda: waiting(it) == 0)
        equal(it.spile.stop(), 0, "exit status")
        read.join()


def web_ask(it, target, method="POST"):
    """A request over HTTP; the connection."""
    host, _, port = it.spile.web().rpartition(":")
    client = socket.create_connection((host, int(port)), timeout=limit(20))
    client.sendall(f"{method} /api/v1/{target} HTTP/1.1\r\nHost: {host}\r\nX-API-Key: right\r\nConnection: close\r\n\r\n".encode())
    return client


def web_status(client):
    with client, client.makefile("rb") as reply:
        return int(reply.readline().split()[1])


@test()
def who_waits_holds_nobody_up_over_http(t):
    """Though more wait than the web server has threads; who has gone by then changes nothing."""
    it, reader = with_a_stuck_output(t, after=WEB, sockets=3)
    drains = [web_ask(it, "outputs/drain?name=stuck") for _ in range(8)]
    wait_for("all wait", lambda: waiting(it) == 8)
    equal(web_status(web_ask(it, "outputs/drain?name=stuck")), 503, "the answer to one more")
    for _ in range(8):
        equal(web_status(web_ask(it, "status", "GET")), 200, "the answer to another")
    equal(waiting(it), 8, "who waits still")
    drains.pop().close()
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        read = threading.Thread(target=pipe.readall)
        read.start()
        equal([web_status(each) for each in drains], [200] * 7, "the answers to those that waited")
        wait_for("nobody waits", lambda: waiting(it) == 0)
        equal(it.spile.stop(), 0, "exit status")
        read.join()


@test()
def an_end_ends_all_waiting(t):
    it, reader = with_a_stuck_output(t, before="shutdown-time: 1s\n", after=WEB, sockets=3)
    target = "outputs/drain?name=stuck"
    with web_ask(it, target), ask(it, f"POST /api/v1/{target}\n\n".encode()):
        wait_for("both wait", lambda: waiting(it) == 2)
        equal(it.spile.stop(), 0, "exit status")
    os.close(reader)


@test()
def an_end_is_heard_where_all_wait(t):
    """By the control socket and over HTTP: however many wait already."""
    for number, wants_end in enumerate((lambda it: it.ctl("stop"), lambda it: equal(web_status(web_ask(it, "stop")), 200, "the answer"))):
        os.mkfifo(t.path(f"pipe{number}"))
        reader = os.open(t.path(f"pipe{number}"), os.O_RDONLY | os.O_NONBLOCK)
        it = Controlled(t, "shutdown-time: 1s\n" + CONFIG + f"- file: {{name: stuck, path: @DIR@/pipe{number}}}\n"
                        "web: {listen: '127.0.0.1:0', api-key: right}\n", sockets=3, name=f"spile{number}")
        client = Sender(t.path("tap.sock"))
        client.send(*frames(5000))
        client.finish()
        wait_for("more has come than a FIFO holds", lambda it=it: it.delivered() == 5000)
        target = "outputs/drain?name=stuck"
        drains = [ask(it, f"POST /api/v1/{target}\n\n".encode()) for _ in range(8)] + [web_ask(it, target) for _ in range(8)]
        wait_for("all wait", lambda it=it: waiting(it) == 16)
        wants_end(it)
        equal(it.spile.wait(), 0, "exit status")
        for each in drains:
            each.close()
        os.close(reader)


@test()
def what_is_no_request_is_told_so(t):
    it = Controlled(t)
    for text, status in {b"nonsense\n\n": b"400", b"GET /\x00\n\n": b"400", b"x" * 20000: b"400",
                         b"GET /nowhere\n\n": b"404", b"POST /api/v1/status\n\n": b"405", b"GET /api/v1/stop\n\n": b"405",
                         b"POST /api/v1/stop\nContent-Length: 1\n\nx": b"413", b"GET /api/v1/status?x=y\n\n": b"400",
                         b"GET /api/v1/statistics\n\n": b"404", b"POST /api/v1/log\n\n": b"400",
                         b"POST /api/v1/outputs/pause?name=kept%00x\n\n": b"404"}.items():
        with ask(it, text) as client, client.makefile("rb") as reply:
            head = reply.readline().split()
            equal(head[:2], [status, b"application/json"], f"the answer to {text[:40]!r}")
            assert json.loads(reply.read(int(head[2])))["error"], head
    with ask(it, b"GET /api/v1/sta") as client:
        client.shutdown(socket.SHUT_WR)
        equal(client.recv(10), b"", "the answer to half of a request")
    equal(it.spile.stop(), 0, "exit status")


@test()
def who_has_said_all_has_all_of_the_answer(t):
    """Though he has closed his half of the connection, as netcat does, and it is more than the socket holds."""
    it = Controlled(t, CONFIG + "".join(f"- 'null': {{name: n{i}}}\n" for i in range(999)))
    with ask(it, b"GET /api/v1/outputs\n\n") as client, client.makefile("rb") as reply:
        client.shutdown(socket.SHUT_WR)
        wait_for("a part is there", lambda: readable([client], 0.05))
        it.ctl("status")  # so it has been looked at since
        length = int(reply.readline().split()[2])
        assert length > 300000, length
        equal(len(json.loads(reply.read(length))["outputs"]), 1000, "outputs")
    equal(it.spile.stop(), 0, "exit status")


@test()
def a_place_that_is_taken(t):
    """By another Spile: the usual place is done without, one that was asked for is not."""
    first = Controlled(t)
    here = {**os.environ, "RUNTIME_DIRECTORY": str(first.socket.parent)}
    config = t.path("second.yaml")
    config.write_text(CONFIG.replace("@DIR@/", f"{t.folder}/second-"))
    second = t.spile("run", "-c", config, name="second", env=here)
    wait_for("a warning", lambda: "another program uses it; going on without control" in second.err)
    equal(second.err.count("warning: "), 1, f"warnings: {second.err}")
    config.write_text(f"control: {{path: {first.socket}}}\n" + config.read_text().replace("second-", "third-"))
    done = t.run("run", "-c", config, status=1)
    assert re.search(r"second\.yaml:1:\d+: control: cannot listen on unix .*another program uses it", done.stderr.decode()), done
    assert first.ctl("status").startswith("ready\n")
    equal([each.stop() for each in (first.spile, second)], [0, 0], "exit statuses")


@test()
def over_http_it_takes_credentials(t):
    """Also on this machine, where statistics may be reset without."""
    paths = ["reload", "reload?dry-run=true", "connections/close?id=1", "log?level=info", "stop",
             *(f"outputs/{act}?name=kept" for act in ("pause", "resume", "drain", "rotate"))]
    for key, wanted in ((None, 403), ("wrong", 401)):
        name = f"web{wanted}"
        secret = ", api-key: right" if key else ""
        it = Controlled(t, CONFIG.replace("@DIR@/", f"@DIR@/{name}-") + f"web: {{listen: '127.0.0.1:0'{secret}}}\n", name=name, sockets=3)
        for path in paths:
            request = urllib.request.Request(f"http://{it.spile.web()}/api/v1/{path}", method="POST",
                                             headers={"X-API-Key": key} if key else {})
            try:
                with urllib.request.urlopen(request, timeout=limit(20)) as reply:
                    raise AssertionError(f"{path} with {key}: {reply.status}")
            except urllib.error.HTTPError as refusal:
                equal(refusal.code, wanted, f"{path} with {key}")
        equal(it.json("outputs")["outputs"][0]["paused"], False, "nothing has happened")
    request = urllib.request.Request(f"http://{it.spile.web()}/api/v1/stop", method="POST", headers={"X-API-Key": "right"})
    with urllib.request.urlopen(request, timeout=limit(20)) as reply:
        equal(json.load(reply), {"status": "ending"}, "stop with the key")
    equal(it.spile.wait(), 0, "exit status")
