"""`spile send` and `spile gen` in detail: the promise of the seed, other people's readers, damaged
inputs, rate, pace, reconnects, interrupts."""
import gzip
import hashlib
import json
import signal
import socket
import struct
import time

import fstrm
from harness import equal, free_port, limit, test, wait_for
from test_cases import case

TYPE = "protobuf:dnstap.Dnstap"
DESCRIPTION = fstrm.control(fstrm.START, fstrm.DNSTAP)
STOP = fstrm.control(fstrm.STOP)


def made_up(t, count, seed=1, name="gen.fstrm"):
    path = t.path(name)
    t.run("gen", "--seed", seed, "--count", count, "-w", path)
    return path


def recording(t, name, payloads, start=DESCRIPTION, stop=STOP):
    path = t.path(name)
    path.write_bytes(start + b"".join(fstrm.data(p) for p in payloads) + stop)
    return path


class Receiver:
    """A collector written here: it answers READY, and notes when how much came."""

    def __init__(self, path):
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(str(path))
        self.server.listen(5)
        self.server.settimeout(limit(10))

    def accept(self, bidirectional=True):
        self.peer, _ = self.server.accept()
        self.peer.settimeout(limit(10))
        self.stream = self.peer.makefile("rb", 1 << 18)  # reads as much at a time as there is, to keep up
        if bidirectional:
            ready = fstrm.control(fstrm.READY, fstrm.DNSTAP)
            equal(self.read(len(ready)), ready, "READY")
            self.peer.sendall(fstrm.control(fstrm.ACCEPT, b"other", fstrm.DNSTAP))
        equal(self.read(len(DESCRIPTION)), DESCRIPTION, "START")
        return self

    def read(self, count):
        got = self.stream.read(count)
        assert len(got) == count, f"the sender closed after {len(got)} of {count} bytes"
        return got

    def frame(self):
        """The next payload; None at STOP."""
        length, = struct.unpack("!I", self.read(4))
        if length:
            return self.read(length)
        equal(self.read(8), STOP[4:], "STOP")
        return None

    def frames(self, finish=True):
        """All that is left, up to STOP, which is answered."""
        got = list(iter(self.frame, None))
        if finish:
            self.peer.sendall(fstrm.control(fstrm.FINISH))
            equal(self.stream.read(1), b"", "what comes behind STOP")
        self.close()
        return got

    def close(self):
        self.stream.close()
        self.peer.close()


@test()
def gen_keeps_its_promise(t):
    """These bytes are the same in every release."""
    stream = t.run("gen", "--seed", "1", "--count", "10000", "-w", "-").stdout
    equal(hashlib.sha256(stream).hexdigest(),
          "f713eb22593181737e5ec7f005fb232da229c745d4902e84db97cbfe7f608bc4",
          "SHA-256 of the first 10,000 frames of seed 1")


@test(needs=["dnstap-read"])
def dnstap_read_takes_every_frame_of_gen(t):
    done = t.tool(["dnstap-read", "-p", made_up(t, 10000)])
    equal(done.stderr, b"", "complaints")
    equal(done.stdout.count(b";; ->>HEADER<<-"), 10000, "messages printed whole")


@test(needs=["dnstap-ldns"])
def ldns_takes_every_frame_of_gen(t):
    lines = t.tool(["dnstap-ldns", "-q", "-r", made_up(t, 10000)]).stdout.splitlines()
    equal(len(lines), 10000, "lines")
    equal([line for line in lines if line.rstrip().endswith(b"b X")], [], "parse errors")


@test(needs=["dnstap"])
def golang_takes_every_frame_of_gen(t):
    out = t.tool(["dnstap", "-j", "-r", made_up(t, 10000)]).stdout
    equal(out.count(b"\n"), 10000, "lines")
    assert b"parse failed" not in out, "golang dnstap could not parse a message"


@test(needs=["fstrm_replay", "fstrm_capture"])
def fstrm_replays_gen(t):
    file, out, sock = made_up(t, 20000), t.path("out.fstrm"), t.path("cap.sock")
    tool = t.start(["fstrm_capture", "-t", TYPE, "-u", sock, "-w", out])
    wait_for("fstrm_capture listens", lambda: t.listeners(tool) > 0)
    t.tool(["fstrm_replay", "-t", TYPE, "-r", file, "-u", sock])
    t.run("gen", "--count", "20000", f"unix:{sock}")
    equal(tool.stop(signal.SIGINT), 0, "fstrm_capture's exit status")
    equal(fstrm.split(out.read_bytes()), 2 * fstrm.split(file.read_bytes()), "frames")


@test()
def several_inputs_are_one_stream(t):
    """Plain, compressed and piped, the files' own START and STOP left out; in order."""
    first, second = made_up(t, 300, 1, "a.fstrm"), made_up(t, 200, 2, "b.fstrm")
    packed = t.path("b.fstrm.gz")
    packed.write_bytes(gzip.compress(second.read_bytes()))
    receiver = Receiver(t.path("r.sock"))
    with open(first, "rb") as stdin:
        sender = t.spile("send", first, packed, "-", f"unix:{t.path('r.sock')}", name="send", stdin=stdin)
        got = receiver.accept().frames()
    equal(sender.wait(), 0, "exit status")
    one, two = (fstrm.split(p.read_bytes()) for p in (first, second))
    equal(got, one + two + one, "frames")
    assert "sent 800 frames, %d bytes in " % sum(len(p) + 4 for p in got) in sender.err, sender.err


@test()
def large_and_odd_frames(t):
    """Frames larger than the read buffer; a control frame nobody knows between two frames."""
    odd = struct.pack("!III", 0, 4, 4711)
    payloads = [b"a" * 700000, b"b", b"c" * (1 << 20), b"d" * 262140]
    body = b"".join(fstrm.data(p) + odd for p in payloads)
    path = t.path("odd.fstrm")
    path.write_bytes(DESCRIPTION + body + STOP)
    for size in ("1", "8K", "16M"):
        t.path("r.sock").unlink(missing_ok=True)
        receiver = Receiver(t.path("r.sock"))
        sender = t.spile("send", "--write-size", size, path, f"unix:{t.path('r.sock')}", name="send")
        equal(receiver.accept().frames() == payloads, True, f"the frames are as they were, by {size}")
        equal(sender.wait(), 0, "exit status")


@test()
def faults_of_inputs(t):
    """What is whole in a damaged file is sent, then the other files; the status tells."""
    good = [b"frame %d" % i for i in range(50)]
    cases = [
        ("cut.fstrm", recording(t, "cut.fstrm", good, stop=b"\0\0\0\x09frag"), 50, 1),
        ("oversized.fstrm", recording(t, "oversized.fstrm", good, stop=b"\xff\xff\xff\xfcmore"), 50, 1),
        ("no-stop.fstrm", recording(t, "no-stop.fstrm", good, stop=b""), 50, 0),
        ("garbage", recording(t, "garbage", [], start=b"not a recording", stop=b""), 0, 1),
        ("other.fstrm", recording(t, "other.fstrm", good, start=fstrm.control(fstrm.START, b"other")), 0, 1),
        ("empty", recording(t, "empty", [], start=b"", stop=b""), 0, 1),
    ]
    packed = t.path("packed.gz")
    packed.write_bytes(gzip.compress(cases[2][1].read_bytes())[:-9])
    cases.append(("packed.gz", packed, 50, 1))
    after = recording(t, "after.fstrm", [b"the last"])
    for name, path, whole, status in cases:
        t.path("r.sock").unlink(missing_ok=True)
        receiver = Receiver(t.path("r.sock"))
        sender = t.spile("send", path, after, f"unix:{t.path('r.sock')}", name=f"send-{name}")
        equal(receiver.accept().frames(), good[:whole] + [b"the last"], f"frames of {name}")
        equal(sender.wait(), status, f"exit status for {name}")
        assert name in sender.err, f"{name} is not named: {sender.err}"
    t.run("send", t.path("absent.fstrm"), f"unix:{t.path('r.sock')}", status=1)


@test()
def refusals(t):
    """A receiver of another content type, one that answers nonsense, one that hangs up."""
    path, sock = recording(t, "some.fstrm", [b"x"]), t.path("r.sock")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(sock))
    server.listen()
    for answer, reason in [(fstrm.control(fstrm.ACCEPT, b"other"), TYPE), (fstrm.control(fstrm.FINISH), "speak"),
                           (b"HTTP/1.1 400 Bad Request\r\n\r\n", "speak"), (b"", "closed")]:
        sender = t.spile("send", path, f"unix:{sock}", name="send")
        peer, _ = server.accept()
        peer.recv(100)
        peer.sendall(answer)
        peer.close()
        equal(sender.wait(), 1, "exit status")
        assert reason in sender.err, f"{reason!r} is not in {sender.err!r}"


@test()
def start_first(t):
    path = recording(t, "some.fstrm", [b"x", b"y"])
    receiver = Receiver(t.path("r.sock"))
    sender = t.spile("send", "--unidirectional", path, f"unix:{t.path('r.sock')}", name="send")
    equal(receiver.accept(bidirectional=False).frames(finish=False), [b"x", b"y"], "frames")
    equal(sender.wait(), 0, "exit status: no FINISH is due")


@test()
def rate_is_even(t):
    """200 frames at 200 a second: a second, and no burst in it."""
    path = recording(t, "some.fstrm", [b"%d" % i for i in range(200)])
    receiver = Receiver(t.path("r.sock"))
    sender = t.spile("send", "--rate", "200", path, f"unix:{t.path('r.sock')}", name="send")
    begin, times = time.monotonic(), []
    receiver.accept()
    while receiver.frame() is not None:
        times.append(time.monotonic() - begin)
    receiver.peer.sendall(fstrm.control(fstrm.FINISH))
    equal(sender.wait(), 0, "exit status")
    equal(len(times), 200, "frames")
    # Late may be the machine's fault; early is ours.
    early = [(i, at) for i, at in enumerate(times) if at < i * 0.005 - 0.01]
    assert not early, f"frames that came too early: {early[:5]}"
    t.soon(begin + 1, 3, "the last frame")


@test()
def pace_follows_the_recording(t):
    """Three frames, 0.3 s and 0.6 s apart; out of order and without a time do not hold anything up."""
    offsets = [0, 300, 200, 900]
    path = recording(t, "paced.fstrm", [
        fstrm.message(b"", seconds=1700000000 + ms // 1000, nanos=ms % 1000 * 1000000) for ms in offsets])
    receiver = Receiver(t.path("r.sock"))
    sender = t.spile("send", "--pace", path, f"unix:{t.path('r.sock')}", name="send")
    begin, times = time.monotonic(), []
    receiver.accept()
    while receiver.frame() is not None:
        times.append(time.monotonic() - begin)
    receiver.peer.sendall(fstrm.control(fstrm.FINISH))
    equal(sender.wait(), 0, "exit status")
    for n, wanted in enumerate([0.0, 0.3, 0.3, 0.9]):
        late = times[n] - wanted
        assert -0.05 < late < limit(2), f"frame {n} came {late:.3f} s late"


@test()
def now_moves_the_times(t):
    """Two rounds of a recording: each begins now, all of it keeps its distances; what has no time or is no
    dnstap stays as it is. In one write and frame by frame."""
    def times(ms):
        return {"seconds": 1700000000 + ms // 1000, "nanos": ms % 1000 * 1000000}
    frames = [fstrm.message(b"first", **times(900)), b"no dnstap", fstrm.message(b"second", **times(1250)),
              fstrm.message(b"third", **times(500))]
    path = recording(t, "then.fstrm", frames)
    for size in ("1", "64K"):
        t.path("r.sock").unlink(missing_ok=True)
        receiver, begin = Receiver(t.path("r.sock")), time.time_ns()
        sender = t.spile("send", "--now", "--loop", "2", "--write-size", size, path, f"unix:{t.path('r.sock')}",
                         name=f"send-{size}")
        got, end = receiver.accept().frames(), time.time_ns()
        equal(sender.wait(), 0, "exit status")
        equal(len(got), 8, "frames")
        for part in (got[:4], got[4:]):
            equal(part[1], frames[1], "what is no dnstap")
            starts = set()
            for frame, query, ms in ((part[0], b"first", 0), (part[2], b"second", 350), (part[3], b"third", -400)):
                sent = fstrm.query_time(frame)
                seconds, nanos = divmod(sent, 10**9)
                equal(frame, fstrm.message(query, seconds=seconds, nanos=nanos), "all but the time")
                starts.add(sent - ms * 10**6)
            equal(len(starts), 1, "by how much the times of one round were moved")
            assert begin <= starts.pop() <= end, "it begins when it is sent"


@test()
def paced_times_are_those_of_sending(t):
    """With --pace and --now a frame's time is the moment at which it is sent."""
    path = recording(t, "then.fstrm", [fstrm.message(b"", seconds=1700000000, nanos=n * 10**8) for n in range(4)])
    receiver = Receiver(t.path("r.sock"))
    sender = t.spile("send", "--pace", "--now", path, f"unix:{t.path('r.sock')}", name="send")
    receiver.accept()
    for n in range(4):
        early = fstrm.query_time(receiver.frame()) - time.time_ns()
        assert -60 * 10**9 < early < 10**7, f"frame {n} came {early} ns before its time"
    equal(receiver.frames(), [], "more frames")
    equal(sender.wait(), 0, "exit status")


@test()
def a_jump_of_time_is_cut(t):
    """From 1970 to 2023, and on for decades: no longer than --max-gap each, and one warning."""
    out, sock = t.path("out.fstrm"), t.path("tap.sock")
    capture = t.spile("capture", f"unix:{sock}", "-w", out, name="capture")
    t.wait_listening(capture)
    times = [0, 1 << 33, 4, 1700000000, 1700000000, 3, (1 << 64) - 1, 1800000000]
    jumps = recording(t, "jumps.fstrm", [fstrm.message(b"", seconds=s, nanos=5) for s in times])
    done = t.run("send", "--pace", "--max-gap", "50ms", case("14-time-jump"), jumps, f"unix:{sock}")
    equal(capture.stop(), 0, "exit status of capture")
    equal(len(fstrm.split(out.read_bytes())), 3 + len(times), "frames")
    warnings = [line for line in done.stderr.decode().splitlines() if "warning" in line]
    equal(len(warnings), 1, f"warnings: {warnings}")
    assert "jump by 1700000000 s" in warnings[0] and "--max-gap" in warnings[0], warnings


@test()
def a_cut_gap_is_cut_from_moved_times_too(t):
    """--now --pace: behind a jump messages have the time at which they are sent."""
    out, sock = t.path("out.fstrm"), t.path("tap.sock")
    capture = t.spile("capture", f"unix:{sock}", "-w", out, name="capture")
    t.wait_listening(capture)
    began = time.time()
    t.run("send", "--pace", "--now", "--max-gap", "1", case("14-time-jump"), f"unix:{sock}")
    ended = time.time()
    equal(capture.stop(), 0, "exit status of capture")
    lines = t.run("read", "-o", "json", "--fields", "dnstap.timestamp", out).stdout.splitlines()
    equal(len(lines), 3, "events")
    got = [next(iter(json.loads(line).values())) for line in lines]
    assert all(began - 1 < at < ended + 1 for at in got), f"{got}, sent from {began} to {ended}"


@test()
def retry_waits_for_the_receiver(t):
    path, port = recording(t, "some.fstrm", [b"x"] * 10), free_port()
    sender = t.spile("send", "--retry", "1", path, f"tcp:127.0.0.1:{port}", name="send")
    wait_for("a failed attempt is told", lambda: "trying again" in sender.err)
    assert sender.running()
    out = t.path("out.fstrm")
    capture = t.spile("capture", f"tcp:127.0.0.1:{port}", "-w", out, name="capture")
    equal(sender.wait(), 0, "exit status")
    equal(capture.stop(signal.SIGINT), 0, "exit status of capture")
    equal(fstrm.split(out.read_bytes()), [b"x"] * 10, "frames")


@test()
def retry_resends_the_cut_frame(t):
    """The receiver goes away inside a frame: that frame comes again, whole; none twice, none in pieces."""
    payloads = [b"%d " % i + b"." * 40000 for i in range(100)]
    path = recording(t, "large.fstrm", payloads)
    receiver = Receiver(t.path("r.sock"))
    sender = t.spile("send", "--retry", "1", path, f"unix:{t.path('r.sock')}", name="send")
    receiver.accept()
    first = [receiver.frame() for _ in range(10)]
    receiver.read(20000)  # half of the eleventh; then the connection breaks
    receiver.close()
    second = receiver.accept().frames()
    equal(sender.wait(), 0, "exit status")
    numbers = [int(p.split()[0]) for p in first + second]
    assert all(len(p) > 40000 for p in first + second), "a frame came in pieces"
    equal(numbers, sorted(set(numbers)), "order, nothing twice")
    equal(numbers[-1], 99, "the last frame")
    lost = 100 - len(numbers)
    # What lay in the socket's buffer is gone: some 200 KiB on Linux, never more than its limit.
    assert lost < 60, f"{lost} frames were lost"
    assert "connection lost" in sender.err, sender.err


@test()
def without_retry_a_lost_connection_fails(t):
    path = recording(t, "large.fstrm", [b"." * 40000] * 100)
    receiver = Receiver(t.path("r.sock"))
    sender = t.spile("send", path, f"unix:{t.path('r.sock')}", name="send")
    receiver.accept().frame()
    receiver.close()
    equal(sender.wait(), 1, "exit status")


@test()
def interrupt_ends_properly(t):
    """Ctrl-C in an endless, paced and an unpaced sending: whole frames, STOP, status 0."""
    path = recording(t, "some.fstrm", [b"frame %d" % i for i in range(100)])
    for options in (["--rate", "300"], []):
        t.path("r.sock").unlink(missing_ok=True)
        receiver = Receiver(t.path("r.sock"))
        sender = t.spile("send", "--loop", "0", *options, path, f"unix:{t.path('r.sock')}", name="send")
        receiver.accept()
        for _ in range(50):
            assert receiver.frame()
        sender.send(signal.SIGINT)
        rest = receiver.frames()
        equal(sender.wait(), 0, "exit status")
        assert all(p.startswith(b"frame ") for p in rest)
        assert f"sent {50 + len(rest)} frames" in sender.err, sender.err


@test()
def interrupt_while_waiting(t):
    """For a receiver that is not there, and for standard input."""
    path = recording(t, "some.fstrm", [b"x"])
    waiting = t.spile("send", "--retry", "60", path, f"unix:{t.path('absent.sock')}", name="waiting")
    wait_for("a failed attempt is told", lambda: "trying again" in waiting.err)
    equal(waiting.stop(signal.SIGINT, 3), 1, "exit status")
    receiver = Receiver(t.path("r.sock"))
    silent, stdin = socket.socketpair()
    with silent, stdin:
        sender = t.spile("send", "-", f"unix:{t.path('r.sock')}", name="send", stdin=stdin)
        receiver.accept()
        sender.send(signal.SIGINT)
        equal(receiver.frames(), [], "frames")
        equal(sender.wait(), 0, "exit status")


@test()
def usage(t):
    path, sock = recording(t, "some.fstrm", [b"x"]), f"unix:{t.path('r.sock')}"
    for words in (["send"], ["send", path], ["send", path, "r.sock"], ["send", path, "tcp:host"],
                  ["send", "--rate", "0", path, sock], ["send", "--rate", "5", "--pace", path, sock],
                  ["send", "--loop", "2", "-", sock], ["send", "-", "-", sock], ["send", "--wrong", path, sock],
                  ["gen"], ["gen", "-w", "x", sock], ["gen", "--count", "many", "-w", "x"], ["gen", "x.fstrm"]):
        done = t.run(*words, status=2)
        equal(done.stdout, b"", f"standard output of {words}")
        assert done.stderr.startswith(b"spile: "), done.stderr
