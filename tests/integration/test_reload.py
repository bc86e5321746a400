"""The configuration of a running program changes: nothing is lost, and nobody notices who need not."""
import json
import os
import re
import signal
import subprocess
import threading
import time

import fstrm
from fstrm import Sender
from harness import equal, free_port, samples, test, wait_for
from lab import question
from test_api import Api

WEB = "web: {listen: 127.0.0.1:0}\n"
DONE, REFUSED = "the configuration was read again, and is in force", "the configuration stays as it was"
UNCHANGED, NOTHING_ELSE = (f"the configuration was read again: {what} changes" for what in ("nothing", "nothing else"))
EMPTY = "# an editor is about to write the rest\n"
BROKEN = [
    EMPTY,
    "inputs: [",
    "outputs:\n- file: {name: kept}\n",
    "inputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- stdout: {format: jsonn}\n",
    "inputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {path: @DIR@/nowhere/at/all.json}\n",
    "inputs: []\noutputs: [stdout]\n",
]


class Running:
    """A program with the API on, and the file that it reads its configuration from."""

    def __init__(self, t, config, sockets=2):
        self.t, self.api = t, Api(t, config + WEB, sockets=sockets)
        self.spile, self.said = self.api.spile, {DONE: 0, REFUSED: 0, UNCHANGED: 0, NOTHING_ELSE: 0}

    def reload(self, config, says=DONE, web=WEB):
        """Has it read that configuration, and waits until it says how that went."""
        self.t.path("spile.yaml").write_text((config + web * (config != EMPTY)).replace("@DIR@", str(self.t.folder)))
        self.said[says] += 1
        self.spile.send(signal.SIGHUP)
        wait_for(f"'{says}' for the {self.said[says]}. time", lambda: self.spile.err.count(says) == self.said[says])

    def ledger(self):
        return {row["output"]: row for row in self.api.get("ledger")["outputs"]}


def name_of(sender, number):
    return f"{sender}-{number}.load.lab."


class Stream(threading.Thread):
    """Sends numbered frames, each name once, until it is told to stop; its connection has to stay."""

    def __init__(self, address, sender):
        super().__init__()
        self.sender, self.client, self.count = sender, Sender(address), 0
        self.stopping, self.failed = threading.Event(), None
        self.start()

    def run(self):
        try:
            while not self.stopping.wait(0.002):
                block = range(self.count, self.count + 50)
                self.client.send(*[fstrm.message(question(name_of(self.sender, i), 1, i & 0xffff)) for i in block])
                self.count += len(block)
            self.client.finish()
        except (OSError, AssertionError) as problem:
            self.failed = problem

    def end(self):
        self.stopping.set()
        self.join()
        assert not self.failed, f"{self.sender} after {self.count} frames: {self.failed}"
        return self.count


class Watch(threading.Thread):
    """Looks at counters again and again: none may go back."""

    def __init__(self, running):
        super().__init__()
        self.running, self.stopping, self.last, self.wrong = running, threading.Event(), {}, []
        self.start()

    def run(self):
        while not self.stopping.wait(0.01):
            now = {(name, key): row[key] for name, row in self.running.ledger().items()
                   for key in ("received", "delivered", "filtered", "dropped")}
            now["events"] = self.running.api.get("statistics")["statistics"]["queries"]["events"]
            self.wrong += [(key, self.last[key], value) for key, value in now.items() if value < self.last.get(key, 0)]
            self.last.update(now)

    def end(self):
        self.stopping.set()
        self.join()
        equal(self.wrong, [], "counters that went back")


def storm_config(turn, port, spare):
    """One of many that differ in every kind of item, and in sections; `kept` and two inputs are the same in all."""
    lines = ["inputs:", "- unix: {path: @DIR@/tap.sock, mode: 0666}", f"- tcp: {{listen: '127.0.0.1:{port}'}}"]
    if turn % 2:
        lines.append(f"- unix: {{name: other, path: @DIR@/other.sock, idle-timeout: {turn % 3 + 1}h}}")
    if turn % 3:
        lines.append(f"- tcp: {{name: spare, listen: '127.0.0.1:{spare}', max-connections: {100 + turn}}}")
    if turn % 3 != 1:
        lines += ["stages:", f"- sample: {{rate: 1, seed: {turn % 4}}}"]
    lines += ["outputs:", "- file: {name: kept, path: @DIR@/kept.json, format: json, fields: [qname]}",
              f"- file: {{name: swinging, path: @DIR@/swinging.txt, fields: [{'qname' if turn % 2 else 'rcode'}]}}"]
    if turn % 4 < 2:
        lines.append(f"- file: {{name: guest, path: @DIR@/guest-{turn % 8}.fstrm, format: fstrm}}")
    if turn % 5 < 3:
        lines.append(f"- 'null': {{name: nothing, decode: {'question' if turn % 2 else 'all'}}}")
    if turn % 4 == 2:
        lines.append(f"- metrics: {{file: @DIR@/sums.txt, interval: {turn + 1}s}}")
    lines.append(f"gather-time: {turn % 3}ms")
    if turn % 3 == 1:
        lines.append(f"statistics: {{before-stages: {'true' if turn % 2 else 'false'}}}")
    lines.append(f"history: {{path: @DIR@/history.db, write-every: {turn % 5 + 1}s, keep-minutes: {turn + 1}d}}")
    if turn % 4 == 3:
        lines.append(f"control: {{path: @DIR@/control-{turn % 8}.sock, mode: 06{turn % 7}0}}")
    return "\n".join(lines) + "\n"


def storm(t, turns, connections, frames=0):
    """Reloads while frames flow, so many at the least; with every fifth goes a broken one. Returns the program and how
    many each sender has sent."""
    port, spare = free_port(), free_port()
    running = Running(t, storm_config(0, port, spare), sockets=3)
    places = [t.path("tap.sock") if i % 2 else ("127.0.0.1", port) for i in range(connections)]
    streams = [Stream(place, f"s{i}") for i, place in enumerate(places)]
    watch = Watch(running)
    for turn in range(1, turns + 1):
        if turn % 5 == 0:
            running.reload(BROKEN[turn // 5 % len(BROKEN)], REFUSED)
        running.reload(storm_config(turn, port, spare), web=f"web: {{listen: 127.0.0.1:0, connections: {100 + turn // 3}}}\n")
        before = sum(stream.count for stream in streams)
        wait_for("more frames", lambda: sum(stream.count for stream in streams) > before + 500)
    wait_for("as many frames as wanted", lambda: sum(stream.count for stream in streams) >= frames, 300)
    counts = {stream.sender: stream.end() for stream in streams}
    sent = sum(counts.values())
    wait_for("all are written", lambda: running.ledger()["kept"]["delivered"] == sent)
    watch.end()
    wait_for("the statistics have all",
             lambda: running.api.get("statistics")["statistics"]["queries"]["events"] == sent)
    equal(sum(row["frames"] for row in running.api.get("inputs")["inputs"]), sent, "frames of the inputs")
    equal(sum(row["connections"] for row in running.api.get("inputs")["inputs"]), connections, "connections")
    equal(running.spile.stop(), 0, "exit status")
    return running, counts


def check_storm(t, running, counts):
    sent = sum(counts.values())
    names = [json.loads(line)["qname"] for line in t.path("kept.json").read_text().splitlines()]
    for sender, count in counts.items():
        mine = [name for name in names if name.startswith(sender + "-")]
        equal(mine, [name_of(sender, i).rstrip(".") if not names[0].endswith(".") else name_of(sender, i)
                     for i in range(count)], f"the names of {sender}, each once and in order")
    equal(t.path("swinging.txt").read_bytes().count(b"\n"), sent, "lines of the file that changed")
    ledgers = {m[1]: {k: int(v) for k, v in re.findall(r"(\S+)=(\d+)", m[2])}
               for m in re.finditer(r"^ledger: (\S+) (.*)$", running.spile.err, re.M)}
    assert {"kept", "swinging", "guest", "nothing", "metrics"} <= set(ledgers), ledgers
    for name, row in ledgers.items():
        equal(row["received"], row["delivered"], f"what {name} received and delivered")
        if name in ("kept", "swinging"):
            equal(row["received"], sent, f"what {name} received")
    assert 0 < ledgers["guest"]["received"] < sent, ledgers


@test()
def a_socket_that_was_lost_comes_back(t):
    """Somebody removed one; another one could not be had when the program started. What both have counted stays."""
    t.path("taken.sock").write_text("a file")
    config = ("inputs:\n- unix: {path: @DIR@/tap.sock}\n- unix: {path: @DIR@/taken.sock, required: false}\n"
              "outputs:\n- file: {name: kept, path: @DIR@/kept.txt, fields: [qname]}\n")
    it = Running(t, config)
    client = Sender(t.path("tap.sock"))
    client.send(*(fstrm.message(question(f"{i}.lab.", 1, i)) for i in range(10)))
    client.finish()
    t.path("tap.sock").unlink()
    t.path("taken.sock").unlink()
    it.reload(config, UNCHANGED)
    for path in ("tap.sock", "taken.sock"):
        wait_for("it is there", lambda path=path: t.path(path).is_socket())
        client = Sender(t.path(path))
        client.send(fstrm.message(question(path, 1, 1)))
        client.finish()
    wait_for("all are written", lambda: it.ledger()["kept"]["delivered"] == 12)
    inode = t.path("tap.sock").stat().st_ino
    it.reload(config, UNCHANGED)
    equal(t.path("tap.sock").stat().st_ino, inode, "what is at its place stays")
    equal(it.spile.stop(), 0, "exit status")


@test()
def nothing_is_lost_in_a_storm_of_reloads(t):
    check_storm(t, *storm(t, 24, 4))


@test()
def what_stays_keeps_its_connections(t):
    """And what goes closes those that it has, after it has taken what they had sent."""
    running = Running(t, "inputs:\n- unix: {path: @DIR@/tap.sock}\n- unix: {name: going, path: @DIR@/going.sock}\n"
                         "outputs:\n- file: {path: @DIR@/out.txt}\n", sockets=3)
    staying, going = Sender(t.path("tap.sock")), Sender(t.path("going.sock"))
    wait_for("both", lambda: len(running.api.get("connections")["connections"]) == 2)
    going.send(*[fstrm.message(question(f"g{i}.lab.", 1, i)) for i in range(500)])
    running.reload("inputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {path: @DIR@/out.txt}\n")
    assert going.closed_by_peer(20), "its input is no more"
    assert staying.is_open()
    assert not t.path("going.sock").exists(), "the socket went with its input"
    staying.send(*[fstrm.message(question(f"s{i}.lab.", 1, i)) for i in range(7)])
    staying.finish()
    wait_for("all lines", lambda: t.path("out.txt").read_bytes().count(b"\n") == 507)
    equal([row["name"] for row in running.api.get("inputs")["inputs"]], ["unix"], "inputs")
    equal(running.spile.stop(), 0, "exit status")


@test()
def what_was_done_without_is_tried_again(t):
    """An input that is not required, and could not be opened, though its options are as they were."""
    config = ("inputs:\n- unix: {path: @DIR@/tap.sock}\n- unix: {name: other, path: @DIR@/later/tap.sock, required: false}\n"
              "outputs:\n- file: {path: @DIR@/out.txt}\n")
    running = Running(t, config)
    for turn in range(2):
        equal(running.spile.err.count("going on without it"), turn + 1, "what is said")
        equal([row["open"] for row in running.api.get("inputs")["inputs"]], [True, False], "inputs that are open")
        if turn == 1:
            t.path("later").mkdir()
        running.reload(config, UNCHANGED)
    client = Sender(t.path("later/tap.sock"))
    running.reload(config, UNCHANGED)
    assert client.is_open(), "it stays"
    equal(running.spile.stop(), 0, "exit status")


@test()
def what_stays_is_called_as_before(t):
    """Outputs without names are numbered; one that stays keeps its number, and its counters, when one before it goes."""
    outputs = "inputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n" + "- file: {path: @DIR@/%s.txt}\n" * 2
    running = Running(t, outputs % ("a", "b"))
    client = Sender(t.path("tap.sock"))

    def send(count, seen):
        client.send(*[fstrm.message(question(f"n{i}.lab.", 1, i)) for i in range(count)])
        wait_for("all is written", lambda: running.ledger()["file#2"]["delivered"] == seen)
    send(5, 5)
    running.reload(outputs % ("b", "c"))
    send(3, 8)
    wait_for("the other has written all, too", lambda: running.ledger()["file"]["delivered"] == 8)
    equal(sorted(row["output"] for row in running.api.get("ledger")["outputs"]), ["file", "file#2"], "names")
    equal({row["name"]: row["place"] for row in running.api.get("outputs")["outputs"]},
          {"file": str(t.path("c.txt")), "file#2": str(t.path("b.txt"))}, "which is which")
    equal({name: t.path(name).read_bytes().count(b"\n") for name in ("a.txt", "b.txt", "c.txt")},
          {"a.txt": 5, "b.txt": 8, "c.txt": 3}, "lines")
    equal(running.spile.stop(), 0, "exit status")


@test()
def what_changes_is_logged(t):
    """A line each, as config diff has them, and no secret among them."""
    def said():
        return re.findall("spile: reload: (.*)", running.spile.err)
    config = "inputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {path: @DIR@/out.txt}\n"
    web = "web: {listen: 127.0.0.1:0, api-key: %s}\n"
    running = Running(t, config)
    running.reload("shutdown-time: 7s\n" + config + "- file: {path: @DIR@/more.txt}\n", web=web % "first")
    equal(said(), ["~ shutdown-time: 5s -> 7s", "+ output file#2 (file)", "~ section web: api-key: (absent) -> '***'"], "the first")
    running.reload("shutdown-time: 7s\n" + config, web=web % "second")
    equal(said()[3:], ["- output file#2 (file)", "~ section web: api-key: '***' -> '***'"], "the second")
    running.reload("shutdown-time: 7s\n" + config, UNCHANGED, web=web % "second")
    running.reload(BROKEN[1], REFUSED)
    equal(len(said()), 5, "lines when nothing changes, and when it is refused")
    equal(running.spile.stop(), 0, "exit status")


@test()
def prometheus_hears_how_a_reload_went(t):
    def page():
        return samples(running.api.ask("/metrics")[1].decode())

    def known():
        found = page()
        return tuple(found[f"spile_config_last_reload_{name}"] for name in ("successful", "success_timestamp_seconds"))

    def since():
        return running.api.get("status")["configured"] / 1000
    config = "inputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {path: @DIR@/out.txt}\n"
    running = Running(t, config)
    start = since()
    equal(known(), (1, start), "at the start")
    running.reload(BROKEN[1], REFUSED)
    equal(known(), (0, start), "after one that was refused")
    running.reload("shutdown-time: 7s\n" + config)
    equal(known(), (1, since()), "after the next")
    assert since() > start, "it is in force for less long"
    paused = []
    for act in ("pause", "resume"):
        t.run("ctl", "--socket", t.runtime / "spile/control.sock", "outputs", act, "file")
        paused.append(page()['spile_output_paused{output="file"}'])
    equal(paused, [1, 0], "an output that is paused, and goes on")
    equal(running.spile.stop(), 0, "exit status")


@test()
def flags_alone_are_no_file(t):
    spile = t.spile("run", "--unix", t.path("tap.sock"))
    wait_for("it listens", lambda: "listening on" in spile.err)
    spile.send(signal.SIGHUP)
    wait_for("its word", lambda: "there is no configuration to read again, so flags were heeded again: nothing changes" in spile.err)
    equal(spile.stop(), 0, "exit status")
    assert "was read again" not in spile.err, spile.err


@test()
def what_cannot_change_is_named(t):
    config = "inputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {path: @DIR@/out.txt}\n"
    running = Running(t, "threads: 1\n" + config)
    running.reload("threads: 2\n" + config.replace("out.txt", "no/such/folder.txt"), REFUSED)
    assert "takes effect" not in running.spile.err, running.spile.err
    running.reload("threads: 2\nlatency-window: 3s\nstatistics: {memory: 80M}\n" + config, NOTHING_ELSE)
    for name in ("threads", "latency-window", "statistics: memory"):
        assert f"warning: {name}: changed, which takes effect at the next start" in running.spile.err, running.spile.err
    shown = running.api.get("config")
    equal((shown["threads"], shown["latency-window"]), (1, "10s"), "what is in force")
    assert "reload: " not in running.spile.err, running.spile.err
    equal(running.spile.stop(), 0, "exit status")


@test()
def an_output_that_another_is_in_the_way_of_waits(t):
    """Two files change places: each begins where the other has ended."""
    def config(a, b):
        return ("inputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n"
                f"- file: {{name: first, path: @DIR@/{a}.txt}}\n- file: {{name: second, path: @DIR@/{b}.txt}}\n")
    running = Running(t, config("a", "b"))
    client = Sender(t.path("tap.sock"))
    for turn in range(6):
        client.send(*[fstrm.message(question(f"t{turn}-{i}.lab.", 1, i)) for i in range(100)])
        running.reload(config(*("ba" if turn % 2 == 0 else "ab")))
    client.finish()
    wait_for("all", lambda: all(running.ledger()[name]["delivered"] == 600 for name in ("first", "second")))
    equal(running.spile.stop(), 0, "exit status")
    equal([t.path(f"{name}.txt").read_bytes().count(b"\n") for name in "ab"], [600, 600], "lines")


@test()
def an_output_that_holds_all_up_can_be_taken_away(t):
    """A worker waits for its room, without a limit; a reload without it frees the worker within shutdown-time."""
    config = "shutdown-time: 1s\ninputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {name: kept, path: @DIR@/out.txt}\n"
    os.mkfifo(t.path("pipe"))
    with open(t.path("pipe"), "r+b", buffering=0):  # which nobody reads
        running = Running(t, config + "- file: {name: stuck, path: @DIR@/pipe, block-max: off, queue-size: 256K}\n")
        client = Sender(t.path("tap.sock"))
        client.sock.setblocking(False)
        block = b"".join(fstrm.data(fstrm.message(question(f"n{i}.lab.", 1, i))) for i in range(500))
        rest = b""  # what a socket that was full left of a block, or the stream would go on amid a frame

        def is_held_up():
            nonlocal rest
            try:
                rest = rest or block
                rest = rest[client.sock.send(rest):]
                return False
            except BlockingIOError:
                time.sleep(0.3)
                return not client.all_taken()
        wait_for("nothing is taken any more", is_held_up, every=0)
        running.reload(config)
    wait_for("the rest is taken", client.all_taken)
    ledger = running.ledger()
    equal(ledger["stuck"]["received"], ledger["stuck"]["delivered"] + ledger["stuck"]["dropped"], "its ledger")
    lost = ledger["stuck"]["reasons"]["shutdown"]
    assert lost > 0, ledger
    equal(re.findall("warning: (.*)", running.spile.err),
          ["output stuck, which the reload has taken away, has not written all within shutdown-time: "
           f"{lost} records are dropped (shutdown)"], "warnings")
    wait_for("the other has all", lambda: running.ledger()["kept"]["in-flight"] == 0)
    equal(running.ledger()["kept"]["dropped"], 0, "the other's losses")
    client.sock.close()
    equal(running.spile.stop(), 0, "exit status")


@test()
def what_a_changed_output_could_not_write_is_told(t):
    """It goes on with other options, and what it had in its queue is lost."""
    def config(size):
        return ("shutdown-time: 1s\ninputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {name: kept, path: @DIR@/out.txt}\n"
                f"- file: {{name: stuck, path: @DIR@/pipe, queue-size: {size}}}\n")
    os.mkfifo(t.path("pipe"))
    with open(t.path("pipe"), "r+b", buffering=0):
        running = Running(t, config("8M"))
        client = Sender(t.path("tap.sock"))
        client.send(*[fstrm.message(question(f"n{i}.lab.", 1, i)) for i in range(3000)])
        client.finish()
        wait_for("all are there", lambda: running.ledger()["kept"]["delivered"] == 3000)
        running.reload(config("9M"))
        lost = running.ledger()["stuck"]["reasons"]["shutdown"]
        equal(re.findall("warning: (.*)", running.spile.err),
              ["output stuck, which the reload has changed, has not written all within shutdown-time: "
               f"{lost} records are dropped (shutdown)"], "warnings")
        running.reload("shutdown-time: 1s\ninputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {name: kept, path: @DIR@/out.txt}\n")
        equal(running.spile.err.count("warning: "), 1, "warnings when the next one went with nothing to write")
        equal(running.spile.stop(), 0, "exit status")


@test()
def an_end_during_a_change_is_an_end(t):
    """The output that is to go does not end by itself: the signal does not wait for it longer than shutdown-time."""
    config = "shutdown-time: 1s\ninputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {name: kept, path: @DIR@/out.txt}\n"
    os.mkfifo(t.path("pipe"))
    with open(t.path("pipe"), "r+b", buffering=0):
        running = Running(t, config + "- file: {name: stuck, path: @DIR@/pipe, queue-size: 256K}\n")
        client = Sender(t.path("tap.sock"))
        client.send(*[fstrm.message(question(f"n{i}.lab.", 1, i)) for i in range(3000)])
        client.finish()
        wait_for("all are there", lambda: running.ledger()["kept"]["delivered"] == 3000)
        t.path("spile.yaml").write_text((config + WEB).replace("@DIR@", str(t.folder)))
        running.spile.send(signal.SIGHUP)
        running.spile.send(signal.SIGTERM)
        equal(running.spile.wait(), 0, "exit status")
    assert "ledger: stuck received=3000" in running.spile.err, running.spile.err


@test()
def what_cannot_be_read_again_stays(t):
    """A pipe is empty by now: that is no configuration. And a FIFO must keep nobody waiting."""
    config = "inputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {path: @DIR@/out.txt}\n".replace("@DIR@", str(t.folder))
    for number, path in enumerate(("-", "/dev/stdin")):
        spile = t.spile("run", "-c", path, name=f"piped-{number}", stdin=subprocess.PIPE)
        spile.child.stdin.write(config.encode())
        spile.child.stdin.close()
        t.wait_listening(spile)
        spile.send(signal.SIGHUP)
        wait_for("its word", lambda: "is no file that can be read again" in spile.err and "opening anew" in spile.err)
        equal(spile.stop(), 0, "exit status")
    running = Running(t, config)
    t.path("spile.yaml").unlink()
    os.mkfifo(t.path("spile.yaml"))
    running.spile.send(signal.SIGHUP)
    wait_for("its word", lambda: "is no file that can be read again" in running.spile.err)
    equal(running.spile.stop(), 0, "exit status")


@test()
def a_request_during_the_start_waits_for_its_end(t):
    """Whoever asks for a reload or the ledger so soon that nothing is read yet ends nothing by it."""
    path, ends = t.path("fifo.yaml"), []

    def is_read():
        try:
            ends.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # nobody reads it yet
            return False
        return True
    os.mkfifo(path)
    spile = t.spile("run", "-c", path, name="early")
    wait_for("the configuration is being read", is_read)
    spile.send(signal.SIGHUP)
    spile.send(signal.SIGUSR1)
    os.write(ends[0], f"inputs:\n- unix: {{path: {t.folder}/tap.sock}}\noutputs:\n- file: {{name: kept, path: {t.folder}/out.txt}}\n".encode())
    os.close(ends[0])
    t.wait_listening(spile)
    wait_for("the answers", lambda: "is no file that can be read again" in spile.err and "ledger: kept" in spile.err)
    equal(spile.stop(), 0, "exit status")


@test()
def servers_do_not_wait_for_outputs(t):
    """An input that changed listens again, while an output that is no more still drains."""
    def config(mode, more=""):
        return (f"shutdown-time: {t.window(20000)}\ninputs:\n- unix: {{path: @DIR@/tap.sock, mode: {mode}}}\noutputs:\n"
                f"- file: {{name: kept, path: @DIR@/out.txt}}\n{more}")
    os.mkfifo(t.path("fifo"))
    reader = os.open(t.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
    running = Running(t, config("0600", "- file: {name: going, path: @DIR@/fifo}\n"))
    client = Sender(t.path("tap.sock"))
    client.send(*[fstrm.message(question(f"n{i}.lab.", 1, i)) for i in range(5000)])
    client.finish()
    wait_for("more than a FIFO holds", lambda: running.ledger()["kept"]["delivered"] == 5000)
    t.path("spile.yaml").write_text((config("0666") + WEB).replace("@DIR@", str(t.folder)))
    running.spile.send(signal.SIGHUP)
    wait_for("it listens again", lambda: t.path("tap.sock").exists() and t.path("tap.sock").stat().st_mode & 0o777 == 0o666)
    assert running.ledger()["going"]["in-flight"] > 0 and DONE not in running.spile.err, running.spile.err
    client = Sender(t.path("tap.sock"))
    client.send(fstrm.message(question("last.lab.", 1, 1)))
    client.finish()
    wait_for("what it brings is written", lambda: running.ledger()["kept"]["delivered"] == 5001)
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        equal(pipe.readall().count(b"\n"), 5000, "what the other has written")
    wait_for("all is done", lambda: DONE in running.spile.err)
    equal(running.spile.stop(), 0, "exit status")


@test()
def a_change_that_is_asked_for_during_another_follows_it(t):
    """The first one takes its time: what it removes is stuck. Nobody has to ask again."""
    def config(path, *more):
        return "\n".join(["shutdown-time: 1s", "inputs:", "- unix: {path: @DIR@/tap.sock}", "outputs:",
                          f"- file: {{name: kept, path: @DIR@/{path}.txt}}", *more]) + "\n"
    os.mkfifo(t.path("fifo"))
    reader = os.open(t.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
    running = Running(t, config("a", "- file: {name: stuck, path: @DIR@/fifo}"))
    client = Sender(t.path("tap.sock"))
    client.send(*[fstrm.message(question(name_of("s", i), 1, i & 0xffff)) for i in range(5000)])
    wait_for("more than a FIFO holds", lambda: running.ledger()["stuck"]["received"] == 5000)
    for path in "bc":
        t.path("spile.yaml").write_text((config(path) + WEB).replace("@DIR@", str(t.folder)))
        running.spile.send(signal.SIGHUP)
        wait_for("the first has begun", t.path("b.txt").exists)
    wait_for("both are done", lambda: running.spile.err.count(DONE) == 2)
    assert REFUSED not in running.spile.err, running.spile.err
    assert t.path("c.txt").exists()
    lost = running.ledger()["stuck"]["dropped"]
    assert lost > 0, "what was left of it is counted"
    assert f"taken away, has not written all within shutdown-time: {lost} records" in running.spile.err, running.spile.err
    client.finish()
    equal(running.spile.stop(), 0, "exit status")
    os.close(reader)


@test()
def what_could_never_be_opened_is_refused(t):
    """Though it cannot be tried yet: an output whose place the one before it still has, and files to be read."""
    def config(mode="0644", more=""):
        return (f"inputs:\n- unix: {{path: @DIR@/tap.sock}}\n{more}outputs:\n- file:\n    name: kept\n    mode: {mode}\n"
                "    path: @DIR@/there/out.txt\n")

    def refused(text, where, why):
        running.reload(text, REFUSED)
        last = [line for line in running.spile.err.splitlines() if REFUSED in line][-1]
        assert re.search(rf"spile\.yaml:{where}: .*{why}", last), last
    t.path("there").mkdir()
    running = Running(t, config())
    client = Sender(t.path("tap.sock"))
    t.path("there/out.txt").rename(t.path("there/aside.txt"))
    t.path("there/out.txt").mkdir()
    refused(config("0600"), "7:11", "there/out.txt: Is a directory")
    t.path("there/out.txt").rmdir()
    t.path("there").rename(t.path("elsewhere"))
    refused(config("0600"), "7:11", "No such file or directory")
    t.path("elsewhere").rename(t.path("there"))
    refused(config(more="- file: {path: @DIR@/nowhere.fstrm}\n"), "3:16", "nowhere.fstrm: No such file")
    client.send(*[fstrm.message(question(f"n{i}.lab.", 1, i)) for i in range(30)])
    client.finish()
    wait_for("all is written by the one that stayed", lambda: running.ledger()["kept"]["delivered"] == 30)
    running.reload(config("0600"))
    assert "trying again" not in running.spile.err, running.spile.err
    equal(running.spile.stop(), 0, "exit status")


@test()
def what_an_output_has_lost_is_told_at_the_end(t):
    """By the exit status, as of one that stays, though it was taken away."""
    config = "shutdown-time: 1s\ninputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {name: kept, path: @DIR@/out.txt}\n"
    running = Running(t, config + "- file: {name: full, path: /dev/full}\n")
    client = Sender(t.path("tap.sock"))
    client.send(*[fstrm.message(question(f"n{i}.lab.", 1, i)) for i in range(100)])
    client.finish()
    wait_for("it cannot be written", lambda: "No space left" in running.spile.err)
    running.reload(config)
    equal(running.ledger()["full"]["dropped"], 100, "what it lost")
    equal(running.spile.stop(), 1, "exit status")


@test()
def files_that_can_not_be_read_after_all_have_ended(t):
    """What standard output is written to, which shows only when that is open: it is told once, and ends with the rest."""
    config = "inputs:\n- unix: {path: @DIR@/tap.sock}\noutputs:\n- file: {path: @DIR@/out.txt}\n"
    running = Running(t, config)
    running.reload("inputs:\n- file: {path: @DIR@/spile.out}\noutputs:\n- stdout\n")
    equal(running.spile.wait(), 1, "exit status: there is no other input")
    equal(re.findall(r"error: (.*)", running.spile.err),
          [f"file: {t.path('spile.out')}: is both input and output; going on without it"], "errors")


@test()
def a_file_of_settings_alone_can_be_changed(t):
    """Where flags say what is read, a file that names no inputs is none that is being written."""
    path = t.path("settings.yaml")
    path.write_text("shutdown-time: 7s\n")
    spile = t.spile("run", "--config", path, "--unix", t.path("tap.sock"))
    wait_for("it listens", lambda: "listening on" in spile.err)
    for turn, text in enumerate(["shutdown-time: 8s\n", "", "log-time: utc\n"], 1):
        path.write_text(text)
        spile.send(signal.SIGHUP)
        wait_for("it has gone over", lambda turn=turn: spile.err.count(DONE) == turn or REFUSED in spile.err)
    assert REFUSED not in spile.err, spile.err
    equal(spile.stop(), 0, "exit status")
