"""The commands on files and pipes: exit statuses, compressed files, broken files, gen and send."""
import bz2
import gzip
import lzma
import os
import pty
import shutil
import signal
import socket
import subprocess

import fstrm
from harness import ROOT, Skip, equal, free_port, limit, real_capture, test, unix_listener, wait_for
from lab import question


def frames(count, tag="f"):
    return [fstrm.message(question(f"{tag}{i}.load.lab.", 1, i)) for i in range(count)]


def file_of(t, name, body, start=True, stop=True):
    path = t.path(name)
    path.write_bytes((fstrm.control(fstrm.START, fstrm.DNSTAP) if start else b"") + body +
                     (fstrm.control(fstrm.STOP) if stop else b""))
    return path


def body_of(count):
    return b"".join(map(fstrm.data, frames(count)))


def lines(done):
    return done.stdout.count(b"\n")


# name: what the file holds, exit status, lines of text, a word that standard error must have.
FILES = {
    "whole": (body_of(5), True, True, 0, 5, None),
    "without STOP": (body_of(5), True, False, 0, 5, "STOP"),
    "empty stream": (b"", True, True, 0, 0, None),
    "cut in a frame": (body_of(5)[:-3], True, False, 1, 4, "truncated"),
    "cut in a length": (body_of(5) + b"\0\0", True, False, 1, 5, "truncated"),
    "oversized frame": (body_of(2) + b"\x7f\xff\xff\xff", True, False, 1, 2, None),
    "length that wraps": (body_of(2) + b"\xff\xff\xff\xfc" + b"x" * 64, True, False, 1, 2, None),
    "bad message": (body_of(2) + fstrm.data(b"\xff\xff") + body_of(1), True, True, 0, None, None),
    "not Frame Streams": (b"hello, world, this is some text\n", False, False, 1, 0, None),
    "nothing at all": (b"", False, False, 1, 0, None),
}


@test()
def exit_status_of_read(t):
    for name, (body, start, stop, status, count, word) in FILES.items():
        path = file_of(t, "x.fstrm", body, start, stop)
        done = t.run("read", path, status=None)
        equal(done.returncode, status, f"status for a file {name}: {done.stderr.decode()}")
        if count is not None:
            equal(lines(done), count, f"lines for a file {name}")
        if word:
            assert word.lower() in done.stderr.decode().lower(), f"{name}: {done.stderr.decode()}"
    t.run("read", t.path("absent.fstrm"), status=1)
    t.run("read", status=2)
    t.run("read", "--no-such-flag", path, status=2)
    t.run("nonsense", status=2)


@test()
def compressed_files(t):
    """Told by their first bytes, not by their names; from a pipe, too."""
    plain = real_capture(t).read_bytes()
    wanted = len(fstrm.split(plain))
    packers = {"gz": gzip.compress, "xz": lzma.compress}
    if shutil.which("zstd"):
        packers["zst"] = lambda data: subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout
    for name, pack in packers.items():
        path = t.path("packed")
        path.write_bytes(pack(plain))
        equal(lines(t.run("read", path)), wanted, f"lines from {name}")
        equal(lines(t.run("read", "-", input=path.read_bytes())), wanted, f"lines from {name} through a pipe")
        path.write_bytes(pack(plain)[:-50])
        t.run("read", path, status=1)
    equal(lines(t.run("read", "-", input=plain)), wanted, "lines through a pipe")
    path.write_bytes(bz2.compress(plain))
    t.run("read", path, status=1)


@test()
def several_files_and_a_total(t):
    path = file_of(t, "ten.fstrm", body_of(10))
    equal(lines(t.run("read", path, path, path)), 30, "lines of three files")
    equal(lines(t.run("read", "-n", "13", path, path)), 13, "lines with -n 13")


@test()
def a_file_is_not_read_and_written_at_once(t):
    """Standard output that is a file to be read is refused, as by cat(1), and the file stays as it is."""
    path, other = file_of(t, "own.fstrm", body_of(3)), file_of(t, "other.fstrm", body_of(2))
    os.link(path, t.path("link.fstrm"))
    before = path.read_bytes()
    config = t.path("own.yaml")

    def into_own(*words, status):
        return t.tool(["bash", "-c", '"$0" "$@" < own.fstrm >> own.fstrm', t.spile_path, *words], status)

    inputs = f"inputs: [file: {{path: [{other}, {path}]}}]\n"
    config.write_text(inputs + "outputs: [stdout: {format: fstrm}]\n")
    for words, name in ((("read", "-o", "fstrm", path), path), (("read", other, path), path), (("read", "-"), "-"),
                        (("read", t.path("link.fstrm")), t.path("link.fstrm")), (("run", "-c", config), path)):
        told = into_own(*words, status=1).stderr.decode()
        assert told.endswith(f"{name}: is both input and output\n"), (words, told)
        equal(path.read_bytes(), before, f"the file after {words}")
    config.write_text(inputs + f"outputs: [file: {{path: {t.path('copy')}, format: fstrm}}]\n")
    into_own("run", "-c", config, status=0)
    equal(path.read_bytes(), before, "the file when nothing is printed")


@test()
def follow(t):
    """--follow goes on when more is appended, until STOP."""
    path = file_of(t, "grow.fstrm", body_of(3), stop=False)
    reader = t.spile("read", "--follow", path, name="follow")
    wait_for("the first lines", lambda: reader.out.count(b"\n") == 3)
    with open(path, "ab") as file:
        file.write(body_of(4))
    wait_for("the lines that were appended", lambda: reader.out.count(b"\n") == 7)
    with open(path, "ab") as file:
        file.write(fstrm.control(fstrm.STOP))
    equal(reader.wait(), 0, "exit status at STOP")


@test()
def closed_pipe_is_quiet(t):
    file = real_capture(t)
    done = t.tool(["bash", "-c", f"set -o pipefail; '{t.spile_path}' read '{file}' 2>err | head -n 1"])
    equal(lines(done), 1, "lines of head")
    assert "pipe" not in t.path("err").read_text().lower(), t.path("err").read_text()


@test()
def output_that_cannot_be_written_fails(t):
    file = real_capture(t)
    done = t.tool(["bash", "-c", f"'{t.spile_path}' read '{file}' >&- 2>err; echo $? >status"])
    equal(done.returncode, 0, "status of the shell")
    equal(t.path("status").read_text().strip(), "1", "exit status of read")
    assert "write=" in t.path("err").read_text(), "the ledger says why"


@test()
def frames_are_not_for_a_terminal(t):
    commands = (("read", "-o", "fstrm", real_capture(t)), ("run", "-u", t.path("socket"), "-o", "fstrm"),
                ("capture", f"unix:{t.path('socket')}", "-w", "-"), ("gen", "-w", "-"))
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    try:
        for number, command in enumerate(commands):
            refused = t.spile(*command, name=f"refused{number}", stdout=slave)
            assert refused.wait(10) in (1, 2), command
            assert "terminal" in refused.err or "no text" in refused.err, refused.err
        try:
            equal(os.read(master, 4096), b"", "bytes on the terminal")
        except BlockingIOError:
            pass
    finally:
        os.close(master)
        os.close(slave)


@test()
def gen_is_the_same_every_time(t):
    first = t.run("gen", "--seed", "7", "--count", "2000", "-w", "-").stdout
    t.run("gen", "--seed", "7", "--count", "2000", "-w", t.path("second.fstrm"))
    other = t.run("gen", "--seed", "8", "--count", "2000", "-w", "-").stdout
    equal(t.path("second.fstrm").read_bytes(), first, "the bytes of seed 7")
    assert other != first, "another seed gives other bytes"
    payloads = fstrm.split(first)
    equal(len(payloads), 2000, "frames")
    for i in (0, 1, 1999):
        assert b"seq=%d" % i in payloads[i], f"extra of frame {i}"
    equal(lines(t.run("read", t.path("second.fstrm"))), 2000, "lines")
    equal(lines(t.run("read", "-o", "json", t.path("second.fstrm"))), 2000, "lines of JSON")


@test()
def send_options(t):
    """Loop, writes of any size, rate, START first: all frames, in order, as they were."""
    path = file_of(t, "hundred.fstrm", body_of(100))
    wanted = fstrm.split(path.read_bytes())
    for options, count in [(["--write-size", "1"], 100), (["--write-size", "8192"], 100), (["--loop", "3"], 300),
                           (["--unidirectional"], 100), (["--rate", "500"], 100)]:
        out, where = t.path("got.fstrm"), f"unix:{t.path('s.sock')}"
        out.unlink(missing_ok=True)
        capture = t.spile("capture", where, "-w", out, name="capture")
        t.wait_listening(capture)
        t.run("send", *options, path, where)
        wait_for("all frames are written", lambda: len(fstrm.written(out)) >= count)
        equal(capture.stop(signal.SIGINT), 0, "exit status of capture")
        equal(fstrm.split(out.read_bytes()), wanted * (count // 100), f"frames with {options}")


@test()
def send_without_finish_fails(t):
    """A receiver that takes everything and closes without FINISH: status 1."""
    path = file_of(t, "hundred.fstrm", body_of(100))
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server:
        sender = t.spile("send", path, f"tcp:127.0.0.1:{port}", name="send")
        peer, _ = server.accept()
        peer.settimeout(limit(5))
        peer.recv(4096)
        peer.sendall(fstrm.control(fstrm.ACCEPT, fstrm.DNSTAP))
        got = b""
        while not got.endswith(fstrm.control(fstrm.STOP)):
            got += peer.recv(65536)
        peer.close()
        equal(len(fstrm.split(got)), 100, "frames")
        equal(sender.wait(), 1, "exit status")
    t.run("send", path, f"tcp:127.0.0.1:{port}", status=1)
    t.run("send", path, "nonsense", status=2)


@test()
def bind_failures(t):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        done = t.run("run", "-p", port, status=1)
        assert str(port) in done.stderr.decode(), "the message names the port"
    path = t.path("taken.sock")
    with unix_listener(path):
        done = t.run("run", "-u", path, status=1)
        assert "taken.sock" in done.stderr.decode(), "the message names the socket"
    # The server is gone and its socket file is left: that is replaced.
    spile = t.spile("run", "-u", path)
    t.wait_listening(spile)
    equal(spile.stop(), 0, "exit status")
    file = t.path("precious")
    file.write_text("data")
    t.run("run", "-u", file, status=1)
    equal(file.read_text(), "data", "a file that is no socket stays")


@test()
def default_listener(t):
    """Bare `spile run` listens on 127.0.0.1:6000 and prints text."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 6000)) == 0:
            raise Skip("port 6000 is taken on this machine")
    spile = t.spile("run", name="bare")
    t.wait_listening(spile)
    client = fstrm.Sender(("127.0.0.1", 6000))
    client.send(*frames(3))
    client.finish()
    wait_for("three lines", lambda: spile.out.count(b"\n") == 3)
    columns = spile.out.splitlines()[0].split(b" ")
    equal(len(columns), 12, f"columns of {columns}")
    equal(spile.stop(signal.SIGINT), 0, "exit status")


@test()
def example_configuration_is_valid(t):
    example = t.run("config", "example").stdout
    path = t.path("example.yaml")
    path.write_bytes(example)
    t.run("config", "check", path)
    for shipped in sorted((ROOT / "dist").glob("*.yaml")):
        t.run("config", "check", shipped)
    readme = (ROOT / "README.md").read_text().split("```yaml\n")[1].split("```")[0]
    path.write_text(readme)
    t.run("config", "check", path)
    path.write_bytes(b"inputs:\n  - tcp: {listne: 127.0.0.1:6000}\n")
    done = t.run("config", "check", path, status=None)
    assert done.returncode != 0, "an unknown key is an error"
    text = done.stderr.decode()
    assert "listen" in text and ":2:" in text, f"line, and the nearest name: {text}"
