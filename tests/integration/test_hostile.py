"""Peers that mean harm, and ends that do not come: floods, hoarders, silent pipes, impatient users."""
import contextlib
import fcntl
import os
import pathlib
import signal
import subprocess
import sys
import termios
import time

import fstrm
from fstrm import Sender
from harness import UNIX_JSON, equal, free_port, real_capture, test, wait_for
from lab import question
from trial import Trial

FLOOD = pathlib.Path(__file__).with_name("flood.py")
BIG = 900_000  # bytes of a large frame
BUDGET = 16 << 20
BRIEF = UNIX_JSON.replace("mode: 0666", "mode: 0666, handshake-timeout: WINDOW")


def one(name):
    return fstrm.message(question(f"{name}.hostile.lab.", 1, 1))


def resident(process):
    """Bytes."""
    for line in open(f"/proc/{process.child.pid}/status", encoding="ascii"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def adds_up(ledger):
    equal(ledger["received"], ledger["delivered"] + ledger["filtered"] + ledger["dropped"], f"ledger {ledger}")


def outlast_a_handshake(t):
    """Until the time for a handshake has passed: somebody silent, who came now, is closed."""
    silent = Sender(t.path("tap.sock"), handshake=False)
    assert silent.closed_by_peer(), "a silent client is closed"


def await_full(reader):
    """Until a pipe that nobody reads takes no more. (A write that does not fit may leave some room.)"""
    room = fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ)
    wait_for("the pipe is full", lambda: room - int.from_bytes(
        fcntl.ioctl(reader, termios.FIONREAD, b"\0" * 4), sys.byteorder) < 4096)


@test(plain=True)  # it outruns a sanitized program, whose backlog is full then
def flood_of_connections(t):
    """Places are for everybody: those who do not wait to be slowed down are refused, nobody else."""
    spile = t.listen(UNIX_JSON.replace("mode: 0666", "mode: 0666, max-connections: 200"))
    begin = time.monotonic()
    flood = t.start([sys.executable, FLOOD, t.path("tap.sock")], name="flood", stdin=subprocess.PIPE)
    wait_for("the flood has begun", lambda: flood.out)
    honest = 40
    for _ in range(honest):
        client = Sender(t.path("tap.sock"))
        client.send(one("honest"))
        client.finish()
    flood.child.stdin.close()
    equal(flood.wait(), 0, "status of the flood")
    equal(spile.stop(), 0, "exit status")
    equal(len(spile.events()), honest, "events of honest clients")
    # Two lines a second of those refused, one that counts the others, and some of beginning and end.
    assert spile.err.count("\n") < 20 + 4 * (time.monotonic() - begin), "the flood does not flood the log"


@test()
def silence_after_stop(t):
    """Who has said STOP begins anew in time, or is closed; in between it has no claim to the idle time."""
    spile = t.listen(BRIEF.replace("WINDOW", t.window(1000)))
    client = Sender(t.path("tap.sock"))
    outlast_a_handshake(t)
    client.send(one("first"))
    client.sock.sendall(fstrm.control(fstrm.STOP))
    equal(client.read_control(), fstrm.control(fstrm.FINISH), "answer to STOP")
    client.sock.sendall(fstrm.control(fstrm.START, fstrm.DNSTAP) + fstrm.data(one("second")))
    outlast_a_handshake(t)
    assert client.is_open(), "it began anew: it may be silent"
    client.sock.sendall(fstrm.control(fstrm.STOP))
    assert client.closed_by_peer(), "it said STOP and stayed: it is closed"
    equal(spile.stop(), 0, "exit status")
    equal(len(spile.events()), 2, "events")


@test()
def large_frames_leave_no_memory_behind(t):
    """A connection that once brought a large frame holds no more than any other, and is not the one
    that has to go when cut frames use up the budget."""
    spile = t.listen(f"partial-max: {BUDGET}\n{UNIX_JSON}")
    large = fstrm.message(question("large.hostile.lab.", 1, 1) + b"x" * BIG)
    clients = [Sender(t.path("tap.sock")) for _ in range(40)]
    for done, client in enumerate(clients, 1):
        client.send(large)
        wait_for("its event", lambda done=done: len(spile.events()) >= done)
    held = resident(spile)
    if not t.sanitized:
        assert held < BUDGET, f"{held >> 20} MiB are held"
    for client in clients:
        client.send(one("behind"))
        client.finish()
    equal(spile.stop(), 0, "exit status")
    equal(len(spile.events()), 2 * len(clients), "events")


@test()
def hoarders_share_a_budget(t):
    """Halves of large frames, far more than the budget: what is evicted is freed, too."""
    spile = t.listen(f"partial-max: {BUDGET}\n{UNIX_JSON}")
    before = resident(spile)
    half = fstrm.data(b"x" * (1 << 20))[:1 << 19]
    clients = [Sender(t.path("tap.sock")) for _ in range(100)]
    peak = 0
    for at in range(0, len(half), 32768):  # all of them grow together, so that memory is cut up
        for client in clients:
            try:
                client.sock.sendall(half[at:at + 32768])
            except OSError:
                pass  # closed on the way
        peak = max(peak, resident(spile) - before)
    if not t.sanitized:
        assert peak < 1.5 * BUDGET, f"{peak >> 20} MiB were held, of a budget of {BUDGET >> 20}"
    good = Sender(t.path("tap.sock"))
    good.send(one("good"))
    good.finish()
    equal(spile.stop(), 0, "exit status")
    equal(len(spile.events()), 1, "events")


# So many halves of that size, each on a connection of its own, from a process of its own: a peer is one.
HOARDER = """
import sys
sys.path.insert(0, sys.argv[1])
import fstrm
half = fstrm.data(b"x" * (1 << 20))[:int(sys.argv[3])]
held = [fstrm.Sender(sys.argv[2]) for _ in range(int(sys.argv[4]))]
for client in held:
    try:
        client.sock.sendall(half)
    except OSError:
        pass  # closed on the way
print("full", flush=True)
sys.stdin.read()
"""


@test()
def who_hoards_makes_room(t):
    """What is too much is taken from the peer that holds most in all, not from who sends the largest frame."""
    spile = t.listen(f"partial-max: {BUDGET}\n{UNIX_JSON}")
    frame = fstrm.data(one("honest") + fstrm.field(1000, bytes(BIG)))
    honest = Sender(t.path("tap.sock"))
    honest.sock.sendall(frame[:-1])
    hoarder = t.start([sys.executable, "-c", HOARDER, FLOOD.parent, t.path("tap.sock"), 1 << 18, 3 * BUDGET >> 18],
                      name="hoarder", stdin=subprocess.PIPE)
    wait_for("the hoarder has sent all", lambda: b"full" in hoarder.out)
    honest.sock.sendall(frame[-1:])
    honest.finish()
    wait_for("the honest one's event", lambda: spile.count("honest") == 1)
    equal(spile.stop(), 0, "exit status")


def stuck_and_interrupted(t):
    """`spile read`, which waits for its reader and has heard a first signal; and what it writes to. Some seconds
    later it would end by itself: where the test was too slow for that, it begins anew."""
    capture = real_capture(t)
    for _ in range(5):
        reader, writer = os.pipe()
        spile = t.spile("read", "-o", "json", *[capture] * 20, stdout=writer, name=f"spile{len(t.processes)}")
        os.close(writer)
        await_full(reader)
        begin = time.monotonic()
        spile.send(signal.SIGINT)
        with contextlib.suppress(AssertionError):
            spile.asked()
        if time.monotonic() < begin + 2:
            assert spile.running(), "it waits for its output"
            return spile, reader
        os.close(reader)
        spile.kill()
    raise AssertionError("no ledger soon after a signal")


@test()
def second_signal_adds_up(t):
    """Standard output is stuck. The second signal ends it at once, and its ledger is exact."""
    spile, reader = stuck_and_interrupted(t)
    begin = time.monotonic()
    equal(spile.insist(), 1, "exit status: events were lost")
    t.soon(begin, 2, "at once")
    with os.fdopen(reader, "rb") as pipe:
        lines = pipe.read().count(b"\n")
    adds_up(spile.ledger())
    equal(spile.ledger()["delivered"], lines, "delivered, as far as whole lines came out")


@test()
def second_signal_and_a_reader_that_leaves(t):
    """What the second signal made it lose is lost, though the reader goes at the same moment. (One whose reader
    left before it has heard the signal ends quietly.)"""
    for _ in range(5):
        spile, reader = stuck_and_interrupted(t)
        asked = time.monotonic()
        wait_for("another signal is no echo", lambda: time.monotonic() > asked + 0.1)
        spile.send(signal.SIGSTOP)  # it finds both when it goes on
        spile.send(signal.SIGINT)
        os.close(reader)
        spile.send(signal.SIGCONT)
        status = spile.wait()
        equal(status, 1 if "stopped at once" in spile.err else 0, "exit status")
        adds_up(spile.ledger())


@test()
def slow_reader_gets_everything(t):
    """All of the file is read and queued; its reader takes longer than any shutdown (spile read | less)."""
    capture = real_capture(t)
    frames = min(len(fstrm.split(capture.read_bytes())), 1000)
    reader, writer = os.pipe()
    spile = t.spile("read", "-o", "json", "-n", str(frames), capture, stdout=writer)
    os.close(writer)
    time.sleep(6)
    assert spile.running(), "it waits for its reader"
    with os.fdopen(reader, "rb") as pipe:
        equal(pipe.read().count(b"\n"), frames, "lines")
    equal(spile.wait(), 0, "exit status")


@test()
def signal_sent_twice_is_one(t):
    """timeout(1) signals its child, and then the group that the child is in."""
    capture = real_capture(t)
    spile = t.listen(UNIX_JSON)
    t.run("send", capture, f"unix:{t.path('tap.sock')}")
    # Stopped meanwhile, it finds both at once, however slow this machine is.
    spile.send(signal.SIGSTOP)
    spile.send(signal.SIGINT)
    spile.send(signal.SIGTERM)
    spile.send(signal.SIGCONT)
    equal(spile.wait(), 0, "exit status")
    equal(len(spile.events()), len(fstrm.split(capture.read_bytes())), "events")


@test()
def fifo_without_writer(t):
    """Nobody opens its other end, now or ever: a signal ends the program all the same."""
    os.mkfifo(t.path("fifo"))
    spile = t.spile("read", t.path("fifo"))
    wait_for("it takes signals", lambda: spile.catches(signal.SIGINT))
    assert spile.running(), "it waits for a writer"
    equal(spile.stop(signal.SIGINT), 0, "exit status")


@test()
def fifo_with_writer(t):
    capture = real_capture(t)
    os.mkfifo(t.path("fifo"))
    spile = t.spile("read", "-o", "json", t.path("fifo"))
    t.path("fifo").write_bytes(capture.read_bytes())
    equal(spile.wait(), 0, "exit status")
    equal(len(spile.events()), len(fstrm.split(capture.read_bytes())), "events")


@test(needs=["zstd"])
def compressed_pipe_falls_silent(t):
    """What has come is printed, though the pipe stays open and its decompressor was given it all."""
    frames = 20000
    plain = t.path("plain.fstrm")
    plain.write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + fstrm.data(one("same")) * frames)
    packed = t.tool(["zstd", "-qc", plain]).stdout
    spile = t.spile("read", "-o", "json", "-", stdin=subprocess.PIPE)
    spile.child.stdin.write(packed)
    spile.child.stdin.flush()
    wait_for(f"{frames} events", lambda: len(spile.events()) >= frames)
    equal(spile.stop(signal.SIGINT), 0, "exit status")
    adds_up(spile.ledger())


@test()
def sender_that_has_left_is_heard_to_its_end(t):
    """Over TCP without FINISH a sender ends while much of what it said is still on its own side. (It is heard
    for a moment only, in which a busy machine may have no time: some tries.)"""
    file = real_capture(t)
    wanted, received = len(fstrm.split(file.read_bytes())), []
    while wanted not in received and len(received) < 5:
        port = free_port()
        spile = t.spile("run", "-p", port, "-o", "fstrm", name=f"heard{len(received)}")
        t.wait_listening(spile)
        t.run("send", "--unidirectional", file, f"tcp:127.0.0.1:{port}")
        equal(spile.stop(signal.SIGINT), 0, "exit status")
        received.append(spile.ledger("stdout")["received"])
    equal(received[-1], wanted, f"frames received, of {received}")


@test(alone=True)
def a_mob_of_all_kinds(t):
    """`make hostile` for some seconds. What comes out is what the honest ones sent, the ledger adds up,
    memory stays bounded, and it ends as if nothing had been. How long anybody waits is judged where there
    is time for it, by `make hostile` itself."""
    equal(Trial(t, waits=False).run(4), [], "what failed")
