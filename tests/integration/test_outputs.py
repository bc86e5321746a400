"""Outputs under pressure, and signals."""
import json
import os
import signal
import threading
import time

import fstrm
from fstrm import Sender
from harness import UNIX_JSON, equal, limit, test, wait_for
from lab import question
from test_api import CONFIG, Api

FILE_TOO = UNIX_JSON + "  - file: {path: @DIR@/out.json, format: json}\n"


def payload(i, tag="f"):
    return fstrm.message(question(f"{tag}{i}.load.lab.", 1, i & 0xffff))


def listen(t, config, name="spile", **options):
    """Like t.listen, with another standard output."""
    path = t.path(name + ".yaml")
    path.write_text(config.replace("@DIR@", str(t.folder)))
    process = t.spile("run", "-c", path, name=name, **options)
    t.wait_listening(process)
    return process


class Stall:
    """A pipe that nobody reads."""

    def __enter__(self):
        self.read, self.write = os.pipe()
        return self

    def __exit__(self, *_):
        os.close(self.read)
        os.close(self.write)


def keep_sending(t, stop):
    """A client that sends without end; returns how many frames it got rid of."""
    client, count = Sender(t.path("tap.sock")), 0
    block = [payload(i) for i in range(500)]
    while not stop.is_set():
        client.send(*block)
        count += len(block)
        time.sleep(0.005)
    client.finish()
    return count


@test()
def stalled_reader_stops_a_file_for_a_second_at_most(t):
    with Stall() as pipe:
        spile = listen(t, "shutdown-time: 1s\n" + FILE_TOO, stdout=pipe.write)
        stop, sent = threading.Event(), []
        thread = threading.Thread(target=lambda: sent.append(keep_sending(t, stop)))
        thread.start()
        file = t.path("out.json")

        def size():
            return file.stat().st_size if file.exists() else 0
        # Each step is less than what the pipe's queue holds, so that the file stands still in one of them.
        for step in range(1, 30):
            begin = time.monotonic()
            wait_for("the file grows", lambda wanted=step << 20: size() > wanted, 5)
            t.soon(begin, 3, "the file stood still")
        stop.set()
        thread.join()
        wait_for("the file holds everything", lambda: file.read_bytes().count(b"\n") == sent[0], 10)
        spile.send(signal.SIGTERM)
        equal(spile.wait(15), 0, "exit status")
    ledger, of_file = spile.ledger("stdout"), spile.ledger("file")
    equal(of_file["delivered"], sent[0], "ledger: file")
    equal(ledger["received"], sent[0], "ledger: stdout received")
    assert ledger["dropped"] > 0, f"ledger: stdout {ledger}"
    equal(ledger["received"], ledger["delivered"] + ledger["filtered"] + ledger["dropped"], f"ledger adds up: {ledger}")


@test()
def unlimited_block_loses_nothing(t):
    """With block-max off a slow reader holds everything up, and gets everything."""
    read, write = os.pipe()
    spile = listen(t, "shutdown-time: 1m\n" + UNIX_JSON.replace("format: json", "format: json, block-max: off"),
                   stdout=write)
    os.close(write)
    client = Sender(t.path("tap.sock"))
    client.sock.settimeout(limit(30))
    total, got = 40000, []

    def slow_reader():
        with os.fdopen(read, "rb") as pipe:
            time.sleep(1.5)
            got.append(sum(1 for _ in pipe))
    thread = threading.Thread(target=slow_reader)
    thread.start()
    for begin in range(0, total, 1000):
        client.send(*[payload(i) for i in range(begin, begin + 1000)])
    client.finish()
    equal(spile.stop(seconds=20), 0, "exit status")
    thread.join()
    equal(got[0], total, "lines read")


def hold_up(client):
    """Sends until nothing is taken any more: the worker waits for an output."""
    client.sock.setblocking(False)
    frame = fstrm.data(payload(1, "flood"))

    def sent():
        count = 0
        try:
            while True:
                count += client.sock.send(frame)
        except BlockingIOError:
            return count
    wait_for("nothing is taken", lambda: time.sleep(0.2) or not sent())


@test()
def who_speaks_in_time_stays(t):
    """While an output holds up its worker, nobody's time passes: what clients have sent by then counts."""
    window = t.window(1000)
    for option in ("handshake-timeout", "idle-timeout", "hint-after"):
        read, write = os.pipe()
        config = UNIX_JSON.replace("mode: 0666", f"mode: 0666, {option}: {window}").replace(
            "format: json", "format: json, block-max: off, queue-size: 256K")
        spile = listen(t, "threads: 1\n" + config, name=option, stdout=write)
        os.close(write)
        client, flood = Sender(t.path("tap.sock"), handshake=False), Sender(t.path("tap.sock"))
        client.sock.sendall(fstrm.control(fstrm.READY, fstrm.DNSTAP))
        equal(client.read_control(), fstrm.control(fstrm.ACCEPT, fstrm.DNSTAP), "it is served")
        if option != "handshake-timeout":
            client.sock.sendall(fstrm.control(fstrm.START, fstrm.DNSTAP))
            wait_for("its stream has begun", client.all_taken)
        begin = time.monotonic()
        hold_up(flood)
        if option == "handshake-timeout":
            client.sock.sendall(fstrm.control(fstrm.START, fstrm.DNSTAP))
        client.send(payload(2, "late"))
        wait_for("the time is up", lambda: time.monotonic() > begin + int(window[:-2]) / 1000 + 0.2, seconds=30)
        lines = []
        with os.fdopen(read, "rb") as pipe:
            reader = threading.Thread(target=lines.extend, args=(pipe,))
            reader.start()
            client.finish()
            flood.sock.close()
            equal(spile.stop(), 0, "exit status")
            reader.join()
        equal(sum(b"late2." in line for line in lines), 1, "its event")
        assert "no START" not in spile.err and "idle for" not in spile.err and "sends nothing" not in spile.err, spile.err


@test()
def interrupt_drains(t):
    """What has been taken in when SIGINT comes is still delivered."""
    spile = t.listen(UNIX_JSON)
    client = Sender(t.path("tap.sock"))
    client.send(*[payload(i) for i in range(20000)])
    equal(spile.stop(signal.SIGINT), 0, "exit status")
    ledger = spile.ledger()
    equal(ledger["received"], ledger["delivered"], f"ledger {ledger}")
    equal(len(spile.events()), ledger["delivered"], "lines")
    assert not t.path("tap.sock").exists(), "the socket file is removed at the end"


@test()
def second_interrupt_stops_at_once(t):
    with Stall() as pipe:
        spile = listen(t, "shutdown-time: 60s\n" + UNIX_JSON.replace("format: json", "format: json, block-max: off"),
                       stdout=pipe.write)
        client = Sender(t.path("tap.sock"))
        client.sock.setblocking(False)
        try:
            for i in range(50):
                client.send(*[payload(i) for i in range(1000)])
        except BlockingIOError:
            pass
        spile.send(signal.SIGINT)
        spile.asked()
        assert spile.running(), "after the first it waits for its reader"
        begin = time.monotonic()
        spile.insist()
        t.soon(begin, 2, "after the second it ends")


@test()
def shutdown_has_a_deadline(t):
    """A reader that never reads does not keep the program from ending."""
    with Stall() as pipe:
        spile = listen(t, "shutdown-time: 1s\n" + UNIX_JSON, stdout=pipe.write)
        client = Sender(t.path("tap.sock"))
        client.send(*[payload(i) for i in range(2000)])
        wait_for("all is received", lambda: spile.asked()["received"] == 2000, every=0.1)
        begin = time.monotonic()
        spile.send(signal.SIGTERM)
        equal(spile.wait(10), 0, "exit status")
        t.soon(begin, 3, "it ends soon after the deadline")
    ledger = spile.ledger()
    equal(ledger["received"], ledger["delivered"] + ledger["filtered"] + ledger["dropped"], f"ledger adds up: {ledger}")


@test()
def closed_stdout_ends_quietly(t):
    """`spile run | head -n 5`"""
    read, write = os.pipe()
    spile = listen(t, UNIX_JSON, stdout=write)
    os.close(write)
    client = Sender(t.path("tap.sock"))
    with os.fdopen(read, "rb") as pipe:
        client.send(*[payload(i) for i in range(5)])
        for _ in range(5):
            pipe.readline()
    try:
        for _ in range(100):
            client.send(*[payload(i) for i in range(10)])
            time.sleep(0.02)
    except OSError:
        pass
    equal(spile.wait(10), 0, "exit status")
    assert "pipe" not in spile.err.lower(), spile.err


@test()
def hangup_reopens_the_file(t):
    spile = t.listen(FILE_TOO)
    client = Sender(t.path("tap.sock"))
    out, old = t.path("out.json"), t.path("old.json")
    client.send(*[payload(i) for i in range(10)])
    wait_for("ten lines", lambda: out.exists() and out.read_bytes().count(b"\n") == 10)
    out.rename(old)
    spile.send(signal.SIGHUP)
    wait_for("a new file", out.exists)
    client.send(*[payload(i) for i in range(7)])
    client.finish()
    wait_for("seven lines", lambda: out.read_bytes().count(b"\n") == 7)
    equal(old.read_bytes().count(b"\n"), 10, "lines of the old file")
    said = wait_for("a line", lambda: [line for line in spile.err.splitlines() if "anew" in line])
    equal(said, [f"spile: opening anew: file {out}"], "what it says of the signal")
    equal(spile.stop(), 0, "exit status")


@test()
def hangup_without_files(t):
    """Nothing to open, and nothing has changed: it says so, and stays."""
    spile = t.listen(UNIX_JSON)
    spile.send(signal.SIGHUP)
    wait_for("a line", lambda: "the configuration was read again: nothing changes" in spile.err)
    equal(spile.stop(), 0, "exit status")


@test()
def ledger_on_demand(t):
    """SIGUSR1, and --ledger FILE at the end."""
    config = t.path("spile.yaml")
    config.write_text(FILE_TOO.replace("@DIR@", str(t.folder)))
    spile = t.spile("run", "-c", config, "--ledger", t.path("ledger.json"))
    t.wait_listening(spile)
    client = Sender(t.path("tap.sock"))
    client.send(*[payload(i) for i in range(25)])
    client.finish()
    wait_for("25 events", lambda: len(spile.events()) == 25 and t.path("out.json").read_bytes().count(b"\n") == 25)
    assert "ledger:" not in spile.err, "nothing is said before it is asked"
    spile.send(signal.SIGUSR1)
    wait_for("two ledger lines", lambda: spile.err.count("ledger: ") == 2)
    for output in ("stdout", "file"):  # what is written is delivered a moment later
        wait_for(f"{output}, delivered so far", lambda output=output: spile.asked(output)["delivered"] == 25)
    equal(spile.stop(), 0, "exit status")
    json.loads(t.path("ledger.json").read_text())


@test()
def quiet_moments_flush(t):
    """A single event is on standard output soon, though that is a file."""
    spile = t.listen(UNIX_JSON)
    client = Sender(t.path("tap.sock"))
    for i in range(3):
        client.send(payload(i))
        begin = time.monotonic()
        wait_for("the line", lambda count=i + 1: spile.out.count(b"\n") == count, 3, every=0.005)
        t.soon(begin, 0.5, "the line is shown")


@test()
def outputs_of_one_kind_are_told_apart(t):
    """By the paths of their files, as inputs are by theirs; what writes none has no place."""
    files = [t.path("one.json"), t.path("two.log"), t.path("m.log")]
    api = Api(t, CONFIG.replace('"null": {}', f"""file: {{path: {files[0]}}}
  - "null": {{}}
  - file: {{path: {files[1]}}}
  - metrics: {{file: {files[2]}}}
  - metrics: {{}}
  - stdout: {{}}"""))
    wanted = {"file": str(files[0]), "null": None, "file#2": str(files[1]), "metrics": str(files[2]), "metrics#2": None,
              "stdout": None}
    outputs = api.get("outputs")["outputs"]
    equal({output["name"]: output["place"] for output in outputs}, wanted, "places of outputs")
    equal({ledger["output"]: ledger["place"] for ledger in api.get("ledger")["outputs"]}, wanted, "places in the ledger")
