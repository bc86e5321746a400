"""Recordings as they are found: several streams in one file, members of any compression, what crashes leave.
Whoever reads files must see the same."""
import gzip
import lzma
import os
import sys
import zlib

import fstrm
from fstrm import DNSTAP, FINISH, READY, START, STOP, control, data
from harness import equal, test, wait_for
from lab import question
from test_cases import case

BEGIN, END = control(START, DNSTAP), control(STOP)
ANEW, OPEN = "new START where its writer was cut off", "ends without STOP"


def payload(i):
    return fstrm.message(question(f"q{i}.recordings.lab.", 1, i & 0xffff))


def frames(first, end):
    return b"".join(data(payload(i)) for i in range(first, end))


def stream(first, end):
    return BEGIN + frames(first, end) + END


A, B = stream(0, 3), stream(3, 6)
CARRIER = data(fstrm.message(question("x.lab.", 1, 7) + stream(5, 6)))

# Name; the file; how many frames must come of it; what is said about it (None: nothing); exit status.
FILES = [
    ("two streams", A + B, 6, None, 0),
    ("two gzip members", gzip.compress(A) + gzip.compress(B), 6, None, 0),
    ("a stream over two members", gzip.compress(A[:200]) + gzip.compress(A[200:]), 3, None, 0),
    ("two xz streams", lzma.compress(A) + lzma.compress(B), 6, None, 0),
    ("gzip, then xz", gzip.compress(A) + lzma.compress(B), 6, None, 0),
    ("xz, padded, then gzip", lzma.compress(A) + bytes(512) + gzip.compress(B), 6, None, 0),
    ("gzip, then plain", gzip.compress(A) + B, 6, None, 0),
    ("plain, then gzip, then plain", A + gzip.compress(B) + stream(6, 9), 9, None, 0),
    ("a socket's both directions", control(READY, DNSTAP) + A + control(FINISH) + B, 6, None, 0),
    ("START for STOP", BEGIN + frames(0, 3) + B, 6, ANEW, 0),
    ("a frame that a crash cut", BEGIN + frames(0, 3) + frames(0, 1)[:50] + B, 6, ANEW, 0),
    ("a frame's length that a crash cut", BEGIN + frames(0, 3) + b"\0\0" + B, 6, ANEW, 0),
    ("a long frame that a crash cut", BEGIN + frames(0, 3) + b"\0\0\x10\0cut" + B, 6, ANEW, 0),
    ("a STOP that a crash cut", A[:-5] + B, 6, ANEW, 0),
    ("a frame that carries a stream", BEGIN + frames(0, 1) + CARRIER + frames(1, 2) + END, 3, None, 0),
    ("no STOP", BEGIN + frames(0, 3), 3, OPEN, 0),
    ("nothing but START", BEGIN, 0, OPEN, 0),
    ("zeros between streams", A + bytes(4096) + B, 6, "malformed control frame", 1),
    ("something behind STOP", A + b"something else", 3, "out of order", 1),
    ("another content type", A + control(START, b"other") + frames(3, 6) + END, 3, "content type", 1),
    ("cut at the end", A + BEGIN + frames(3, 6)[:-9], 5, "truncated", 1),
    ("nothing at all", b"", 0, "no START", 1),
]


def complaints(done):
    text = done.stderr.decode()
    return [line for line in text.splitlines() if line.startswith("spile: ") and not line.startswith("spile: control: ")]


def check(name, reader, done, got, row):
    _, _, wanted, said, status = row
    equal(got, wanted, f"{name}: frames that {reader} found")
    equal(done.returncode, status, f"{name}: exit status of {reader}: {done.stderr}")
    lines = complaints(done)
    equal(len(lines), 1 if said else 0, f"{name}: lines of {reader}: {lines}")
    assert not said or said in lines[0], f"{name}: {reader} says {lines}, wanted {said}"


def by_send(t, path, number):
    """`send` to `capture`: what arrived, and how `send` ended."""
    out, sock = t.path(f"sent{number}"), t.path(f"{number}.sock")
    capture = t.spile("capture", f"unix:{sock}", "-w", out, name=f"capture{number}")
    t.wait_listening(capture)
    done = t.run("send", path, f"unix:{sock}", status=None)
    equal(capture.stop(), 0, "exit status of capture")
    return done, len(fstrm.split(out.read_bytes()))


@test()
def all_readers_agree(t):
    for number, row in enumerate(FILES):
        name, content = row[:2]
        path = t.path(f"file{number}")
        path.write_bytes(content)
        done = t.run("read", path, status=None)
        check(name, "read", done, done.stdout.count(b"\n"), row)
        done, got = by_send(t, path, number)
        check(name, "send", done, got, row)
        config = t.path("run.yaml")
        config.write_text(f"inputs: [file: {{path: [{path}]}}]\noutputs: [stdout: {{format: fstrm}}]\n")
        done = t.run("run", "-c", config, status=None)
        check(name, "run", done, len(fstrm.split(done.stdout)), row)
        done = t.run("top", "--once", path, status=None)
        counted = [line.split()[1] for line in done.stdout.decode().splitlines() if line.startswith(" queries ")]
        check(name, "top", done, int(counted[0]) if counted else 0, row)


@test()
def cases_are_sent_whole(t):
    for number, name in enumerate(["05-two-streams", "06-start-without-stop"]):
        done, got = by_send(t, case(name), number)
        equal(got, 6, f"{name}: frames")
        equal(done.returncode, 0, f"{name}: exit status")
        equal(len(complaints(done)), number, f"{name}: warnings")


@test(needs=["zstd"])
def zstd_frames_and_others(t):
    pack = lambda content: t.tool(["zstd", "-qc"], stdin=None, input=content).stdout
    path = t.path("mixed")
    path.write_bytes(pack(A) + gzip.compress(B) + pack(stream(6, 9)) + pack(stream(9, 12)))
    equal(t.run("read", path).stdout.count(b"\n"), 12, "lines")


@test()
def a_file_that_is_followed_goes_on_after_a_crash(t):
    path = t.path("grows")
    path.write_bytes(BEGIN + frames(0, 3) + frames(0, 1)[:40])
    reader = t.spile("read", "--follow", path, name="follow")
    with open(path, "ab") as file:
        file.write(B)
    equal(reader.wait(), 0, "exit status at STOP")
    equal(reader.out.count(b"\n"), 6, "lines")
    assert ANEW in reader.err, reader.err


@test()
def a_compressed_file_that_grows_is_followed(t):
    """Half a member, its first byte, and half the magic of another are no damage while it is being written."""
    for name, pack in (("gzip", gzip.compress), ("xz", lzma.compress)):
        first, second = pack(BEGIN + frames(0, 2000)), pack(frames(2000, 2010) + END)
        path = t.path(name)
        path.write_bytes(first[:1])
        reader = t.spile("read", "--follow", path, name=f"follow-{name}")
        parts = [first[1:len(first) // 2], first[len(first) // 2:] + second[:3], second[3:-2], second[-2:]]
        for part, lines in zip(parts, (1, 2000, 2000, 2010)):
            assert reader.running(), reader.err
            with open(path, "ab") as file:
                file.write(part)
            wait_for(f"{lines} lines", lambda wanted=lines: reader.out.count(b"\n") >= wanted)
        equal(reader.wait(), 0, f"exit status at STOP: {reader.err}")
        equal(reader.out.count(b"\n"), 2010, "lines")


@test()
def a_gzip_member_that_is_cut_is_told(t):
    """What is made of the member behind it is not taken for frames that are too large. (Now and then it runs out, too,
    before anything is wrong.)"""
    whole, path = gzip.compress(stream(0, 3000)), t.path("cut.gz")
    seen = set()
    for keep in range(600, len(whole), len(whole) // 11):
        path.write_bytes(gzip.compress(A) + whole[:keep] + gzip.compress(B))
        done = t.run("read", path, status=1)
        told = f"the compressed data that begin at byte {len(gzip.compress(A))} "
        ends = [line.partition(told)[2] for line in complaints(done)]
        assert len(ends) == 1 and ends[0] in ("are damaged", "end too early"), f"{keep}: {complaints(done)}"
        seen.add(ends[0])
        before = fstrm.split(zlib.decompressobj(31).decompress(whole[:keep]))
        assert done.stdout.count(b"\n") >= 3 + len(before) - 2, f"{keep}: {done.stdout.count(bytes([10]))} of {len(before)}"
    assert "are damaged" in seen
    path.write_bytes(whole[:-20])
    assert complaints(t.run("read", path, status=1))[-1].endswith("begin at byte 0 end too early")


@test()
def a_file_that_is_cut_while_it_is_followed_ends_it(t):
    """As by a tool that rotates by copying: nothing more would ever come."""
    path = t.path("grows")
    path.write_bytes(BEGIN + frames(0, 3))
    reader = t.spile("read", "--follow", path, name="follow")
    wait_for("the lines", lambda: reader.out.count(b"\n") == 3)
    os.truncate(path, 10)
    equal(reader.wait(), 1, "exit status")
    assert "was cut while it was followed" in reader.err, reader.err


@test()
def on_a_socket_start_in_a_stream_closes(t):
    spile = t.listen("inputs:\n  - unix: {path: @DIR@/tap.sock, mode: 0666}\noutputs:\n  - stdout: {format: json}\n")
    sender = fstrm.Sender(t.path("tap.sock"))
    sender.send(payload(0))
    sender.sock.sendall(BEGIN + frames(1, 2))
    assert sender.closed_by_peer(10), "it goes on"
    equal(spile.stop(), 0, "exit status")
    equal(len(spile.events()), 1, "events")
    assert "out of order" in spile.err, spile.err


def capture(t, out, *flags, name="capture"):
    """One that listens."""
    process = t.spile("capture", f"unix:{t.path('tap.sock')}", "-w", out, *flags, name=name)
    t.wait_listening(process)
    return process


def send(t, first, last):
    sender = fstrm.Sender(t.path("tap.sock"))
    for number in range(first, last):
        sender.send(payload(number))
    sender.finish()


@test()
def capture_keeps_what_is_there(t):
    """A file that holds something is neither written to nor replaced unasked; one line says how to ask."""
    out = t.path("out.fstrm")
    for before in (A, b"a text"):
        out.write_bytes(before)
        os.utime(out, (1, 1))
        done = t.run("capture", f"unix:{t.path('tap.sock')}", "-w", out, status=1)
        equal(len(complaints(done)), 1, f"lines: {done.stderr}")
        for part in (str(out), "--force", "--append"):
            assert part in complaints(done)[0], complaints(done)
        equal((out.read_bytes(), out.stat().st_mtime), (before, 1), "the file")
        equal(sorted(os.listdir(t.folder)), ["out.fstrm"], "files")
    out.write_bytes(b"")
    equal(capture(t, out).stop(), 0, "exit status")
    equal(out.read_bytes(), BEGIN + END, "an empty file holds nothing")
    for flags in (("--force", "--append"),):
        t.run("capture", "tcp:127.0.0.1:0", "-w", out, *flags, status=2)
    for flag in ("--force", "--append"):
        t.run("capture", "tcp:127.0.0.1:0", "-w", "-", flag, status=2)


@test()
def capture_changes_files_only_once_it_runs(t):
    """What is in the file stays if the capture cannot begin, be it for the socket or for another capture; and
    where there is no file, none is made."""
    out, sock = t.path("out.fstrm"), t.path("tap.sock")
    for flags in ((), ("--force",), ("--append",)):
        for before in (None, A):
            if before:
                out.write_bytes(before)
            done = t.run("capture", f"unix:{t.path('no/such/folder')}", "-w", out, *flags, status=1)
            equal(len(complaints(done)), 1, f"lines: {done.stderr}")
            equal(out.read_bytes() if out.exists() else None, before, "the file, after a capture that could not listen")
            out.unlink(missing_ok=True)
            equal(os.listdir(t.folder), [], "files")
    out.write_bytes(A)
    first = capture(t, out, "--force")
    sender = fstrm.Sender(sock)
    sender.send(payload(7))
    wait_for("the frame replaces what was there", lambda: out.read_bytes() == BEGIN + frames(7, 8))
    for source in (f"unix:{sock}", f"unix:{t.path('other.sock')}"):
        for flags in ((), ("--force",), ("--append",)):
            done = t.run("capture", source, "-w", out, *flags, status=1)
            assert "another Spile writes to it" in complaints(done)[0], complaints(done)
            equal(out.read_bytes(), BEGIN + frames(7, 8), "the file, after a second capture into it")
    sender.send(payload(8))
    sender.finish()
    equal(first.stop(), 0, "exit status")
    equal(out.read_bytes(), BEGIN + frames(7, 9) + END, "the recording")


@test()
def capture_of_nothing_replaces_too(t):
    out = t.path("out.fstrm")
    for before in (A, b"a text, longer than an empty recording: " * 9):
        out.write_bytes(before)
        equal(capture(t, out, "--force").stop(), 0, "exit status")
        equal(out.read_bytes(), BEGIN + END, "an empty recording")


@test()
def capture_adds_streams(t):
    """Behind what is there, whole or as a crash left it: all whole frames are there to be read."""
    out = t.path("out.fstrm")
    whole = BEGIN + frames(0, 3)
    for before, count in ((None, 0), (b"", 0), (A, len(fstrm.split(A))), (whole + END, 3), (whole, 3),
                          *((whole[:-cut], 2) for cut in (1, 7, len(frames(2, 3)) - 1)), (whole + END[:5], 3),
                          (BEGIN, 0)):
        out.unlink(missing_ok=True)
        if before is not None:
            out.write_bytes(before)
        cut = bool(before) and not before.endswith(END)
        process = capture(t, out, "--append")
        send(t, 7, 9)
        equal(process.stop(), 0, "exit status")
        equal("was not ended, as after a crash" in process.err, cut, f"told that it was cut: {process.err}")
        kept = (BEGIN + frames(0, count) + END) if cut else (before or b"")
        equal(out.read_bytes(), kept + BEGIN + frames(7, 9) + END, "the file")
        done = t.run("read", out)
        equal(complaints(done), [], "lines")
        equal(done.stdout.count(b"\n"), count + 2, f"events that are read of {before!r} and two: {done.stderr}")
    out.write_bytes(gzip.compress(A))
    process = capture(t, out, "--append")
    send(t, 7, 9)
    equal(process.stop(), 0, "exit status")
    equal(t.run("read", out).stdout.count(b"\n"), len(fstrm.split(A)) + 2, "events behind a compressed stream")
    for text in (b"a text", BEGIN[:9]):
        out.write_bytes(text)
        done = t.run("capture", f"unix:{t.path('tap.sock')}", "-w", out, "--append", status=1)
        assert "no Frame Streams file" in complaints(done)[0], complaints(done)
        equal(out.read_bytes(), text, "what is no recording")


@test()
def gen_keeps_what_is_there(t):
    """What holds something is replaced only if asked for, and once the new file is whole."""
    out = t.path("out.fstrm")
    out.write_bytes(A)
    out.chmod(0o640)
    done = t.run("gen", "--count", "3", "-w", out, status=1)
    assert "--force" in complaints(done)[0] and len(complaints(done)) == 1, done.stderr
    equal(out.read_bytes(), A, "the file")
    limited = [sys.executable, "-c", "import os, resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
               "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); os.execv(sys.argv[1], sys.argv[1:])"]
    t.tool([*limited, t.spile_path, "gen", "--count", "3000", "--force", "-w", out], status=1)
    equal(out.read_bytes(), A, "the file, after one that could not be written")
    t.run("gen", "--count", "3", "--force", "-w", out)
    equal(len(fstrm.split(out.read_bytes())), 3, "frames")
    equal(out.stat().st_mode & 0o777, 0o640, "mode")
    equal(os.listdir(t.folder), ["out.fstrm"], "files")
    t.run("gen", "--force", "-w", "-", status=2)
