"""`make run`, as a stranger types it."""
import datetime
import errno
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
import urllib.request

import fstrm
from harness import ROOT, Skip, equal, limit, readable, test, wait_for
from terminal import CONTROLLED, pyte

SOCKET = "/tmp/spile/dnstap.sock"


def free():
    """The demo's socket is the same for all users of a machine."""
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(SOCKET) not in (errno.ENOENT, errno.ECONNREFUSED):
            raise Skip(f"{SOCKET} is in use by another program")


def build_folder(t):
    path = pathlib.Path(t.spile_path)
    if path.name != "spile" or not (path.parent / "build.ninja").exists():
        raise Skip("the program is in no build folder")
    return path.parent


FRAMES = 8263  # of the bundled capture
ROWS, COLUMNS = 30, 100


def get(url):
    with urllib.request.urlopen(url, timeout=limit(10)) as reply:
        return reply.read()


def check_dashboard(url):
    """The page is there, and the replayed capture shows at once."""
    assert b"<html" in get(url), "a page"
    streams = json.loads(get(url + "api/v1/streams"))["streams"]
    equal([s["name"] for s in streams], ["unbound-test"], "streams")


def frames(url):
    return json.loads(get(url + "api/v1/inputs"))["inputs"][0]["frames"]


def is_now(line):
    """Whether the line's time is that of the last minutes. The capture's own are of another day."""
    stamp = re.match(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{9}Z unbound-test ", line)
    if not stamp:
        return False
    then = datetime.datetime.fromisoformat(stamp[1].decode()).replace(tzinfo=datetime.timezone.utc)
    return abs(time.time() - then.timestamp()) < 600


def last_rows(seen):
    """What stands in the last rows of the terminal, as one text."""
    screen = pyte.Screen(COLUMNS, ROWS)
    pyte.ByteStream(screen).feed(bytes(seen))
    return "".join(screen.display[-10:])


def check_advice(seen):
    """It stays where it is while lines come and go, and when all is over."""
    if pyte:
        shown = last_rows(seen)
        for word in ("unbound:", "BIND:", "dnsdist:", "dashboard: http://"):
            assert word in shown, f"{word} is not in the last rows: {shown}"


@test(alone=True, plain=True)
def make_run_on_a_terminal(t):
    """Lines of the bundled capture, then the same as of now, at most a hundred a second; advice below them
    that stays; a client's own lines on the dashboard; Ctrl-C, status 0."""
    free()
    folder = build_folder(t)
    begin = time.monotonic()
    try:
        terminal, slave = os.openpty()
    except OSError as error:
        raise Skip(f"no pseudo-terminal: {error}") from None
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    words = {key: value for key, value in os.environ.items() if key != "DEMO"}
    child = subprocess.Popen(
        [*CONTROLLED, os.ttyname(slave), "make", "--no-print-directory", "run", f"BUILD={folder}"], cwd=ROOT,
        env={**words, "TERM": "xterm"}, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    seen = bytearray()

    def read():
        if readable([terminal], 0.05):
            try:
                seen.extend(os.read(terminal, 65536))
            except OSError:
                pass

    def more():
        read()
        assert child.poll() is None, f"make ended, with {child.returncode}: {bytes(seen[-2000:]).decode()}"
        return seen

    def has_ended():
        ended = child.poll() is not None  # asked before the last of its output is read
        before = len(seen)
        read()
        return ended and len(seen) == before

    def ends_with_now():
        return any(is_now(line) for line in more().split(b"\n")[-20:])
    try:
        wait_for("500 lines", lambda: more().count(b"\n") > 500, 60)
        url = wait_for("the dashboard", lambda: re.search(rb"dashboard: (http://[0-9.:]+/)", more()))[1].decode()
        check_dashboard(url)
        check_advice(seen)
        assert f"{folder}/spile top {url} ".encode() in seen, "how to have the numbers on a terminal"
        wait_for("the capture comes again", lambda: more() and frames(url) > FRAMES + 1000, 30)
        wait_for("lines with the time of now", ends_with_now, 10)
        assert b"terminal-rate" in seen, "it says that lines are left out"
        lines, seconds = seen.count(b" unbound-test "), time.monotonic() - begin
        assert lines <= 100 * (seconds + 1), f"{lines} lines in {seconds:.1f} s"
        client = fstrm.Sender(SOCKET)
        client.send(fstrm.message(b"\0\1\1\0\0\1\0\0\0\0\0\0\4mine\3lab\0\0\1\0\1"))
        wait_for("a client's own stream", lambda: more() and b'"test"' in get(url + "api/v1/streams"), 10)
        os.write(terminal, b"\x03")
        wait_for("make ends after Ctrl-C", has_ended, 15)
        equal(child.returncode, 0, f"make's status; the end of its output: {bytes(seen[-500:])!r}")
        assert b"\nledger: stdout" in seen, f"the ledger has a line of its own: {bytes(seen[-500:])!r}"
        assert termios.tcgetattr(terminal)[3] & termios.ECHO, "what is typed shows again"
        for word in (b"Error", b"Interrupt", b"Terminated"):
            assert word not in seen[-300:], bytes(seen[-300:])
        check_advice(seen)
    finally:
        child.kill()
        child.wait()
        os.close(terminal)


@test(alone=True, plain=True)
def standard_output_is_for_events(t):
    """What make says of its building is not for who reads the demo's lines through a pipe."""
    done = t.tool(["make", "--no-print-directory", "build", f"BUILD={build_folder(t)}"], seconds=300, cwd=ROOT)
    equal(done.stdout, b"", "standard output")


def small_clone(t, name):
    """A clone with a program of which meson finds the sources as it does Spile's, set up in `build`."""
    clone = t.path(name)
    (clone / "tools").mkdir(parents=True)
    (clone / "src/room").mkdir(parents=True)
    shutil.copy(ROOT / "tools/refresh", clone / "tools")
    (clone / "src/room/main.c").write_text("int main(void) { return 0; }\n")
    (clone / "meson.build").write_text("project('x', 'c')\n"
                                       "found = run_command('sh', '-c', 'ls src/room/*.c', check: true)\n"
                                       "executable('x', files(found.stdout().split()))\n")
    t.tool(["meson", "setup", "build"], cwd=clone)
    t.tool(["ninja", "-C", "build"], cwd=clone)
    return clone


def refresh(t, clone):
    return t.tool(["tools/refresh", "build", "build-none"], cwd=clone).stderr.decode()


@test(needs=["meson", "ninja"], plain=True)
def a_clone_may_move(t):
    """A build folder that came along with a clone to another place is set up anew, one at home is left alone."""
    clone, moved = small_clone(t, "clone"), t.path("moved")
    (clone / "build/history.db").write_text("kept")
    ninja = clone / "build/build.ninja"
    made = ninja.stat().st_mtime_ns
    equal((refresh(t, clone), ninja.stat().st_mtime_ns), ("", made), "at home")
    clone.rename(moved)
    assert "set up anew" in refresh(t, moved) and not (moved / "build/build.ninja").exists(), "in another place"
    t.tool(["meson", "setup", "build"], cwd=moved)
    t.tool(["ninja", "-C", "build"], cwd=moved)
    equal((moved / "build/history.db").read_text(), "kept", "what is not meson's")


@test(needs=["meson", "ninja"], plain=True)
def sources_may_come_and_go(t):
    """As by `git pull`: what was set up before builds with a new source, and without one that is gone."""
    clone = small_clone(t, "clone")
    room = clone / "src/room"
    (room / "other.c").write_text("int other(void) { return 0; }\n")
    (room / "main.c").write_text("int other(void);\nint main(void) { return other(); }\n")
    equal(refresh(t, clone), "", "what it says")
    t.tool(["ninja", "-C", "build"], cwd=clone)
    (room / "other.c").unlink()
    (room / "main.c").write_text("int main(void) { return 0; }\n")
    equal(refresh(t, clone), "", "what it says")
    t.tool(["ninja", "-C", "build"], cwd=clone)


def start_demo(t, **words):
    environment = {key: value for key, value in os.environ.items() if key != "DEMO"}
    return t.start([ROOT / "tools/demo", t.spile_path], name="demo", env={**environment, **words})


@test(alone=True, net=True, plain=True)
def port_is_taken(t):
    """The demo says so and goes on with the rest. Into a pipe goes every line, those of now, too."""
    free()
    holder = t.spile("run", name="holder")
    t.wait_listening(holder)
    demo = start_demo(t)
    wait_for("more lines than the capture has", lambda: demo.out.count(b"\n") > FRAMES + 1000, 30)
    assert "6000" in demo.err, f"it names the port: {demo.err}"
    assert is_now(demo.out.split(b"\n")[-2]), "the last line is of now"
    equal(demo.stop(signal.SIGINT), 0, "exit status")


@test(alone=True, plain=True)
def once(t):
    """DEMO=once: the capture's lines, and then nothing but what others send. Another word is refused."""
    free()
    demo = start_demo(t, DEMO="once")
    wait_for("the advice", lambda: "dashboard:" in demo.err, 30)
    wait_for("the capture's lines", lambda: demo.out.count(b"\n") >= FRAMES)
    equal(demo.out.count(b"\n"), FRAMES, "lines")
    client = fstrm.Sender(SOCKET)
    client.send(fstrm.message(b"\0\1\1\0\0\1\0\0\0\0\0\0\4mine\3lab\0\0\1\0\1"))
    wait_for("a client's own line", lambda: b"mine.lab." in demo.out, 10)
    equal(demo.out.count(b"\n"), FRAMES + 1, "lines")
    equal(demo.stop(signal.SIGINT), 0, "exit status")
    refused = start_demo(t, DEMO="twice")
    equal(refused.wait(), 2, "exit status")
    assert "DEMO=once" in refused.err, refused.err
