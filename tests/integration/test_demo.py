"""`make run`, as a stranger types it."""
import json
import os
import pathlib
import pty
import re
import select
import signal
import time
import urllib.request

import fstrm
from harness import ROOT, Skip, equal, test, wait_for

SOCKET = "/tmp/spile/dnstap.sock"


def free():
    """The demo's socket is the same for all users of a machine."""
    for row in pathlib.Path("/proc/net/unix").read_text().splitlines():
        if row.endswith(SOCKET):
            raise Skip(f"{SOCKET} is in use by another program")


def build_folder(t):
    path = pathlib.Path(t.spile_path)
    if path.name != "spile" or not (path.parent / "build.ninja").exists():
        raise Skip("the program is in no build folder")
    return path.parent


def check_dashboard(url):
    """The page is there, and the replayed capture shows at once."""
    with urllib.request.urlopen(url, timeout=10) as page:
        assert b"<html" in page.read(), "a page"
    with urllib.request.urlopen(url + "api/v1/streams", timeout=10) as reply:
        equal([s["name"] for s in json.load(reply)["streams"]], ["unbound-test"], "streams")


@test(alone=True, plain=True)
def make_run_on_a_terminal(t):
    """Lines of the bundled capture, three lines of advice, a client's own lines, Ctrl-C, status 0."""
    free()
    folder = build_folder(t)
    try:
        child, terminal = pty.fork()
    except OSError as error:
        raise Skip(f"no pseudo-terminal: {error}") from None
    if child == 0:
        os.chdir(ROOT)
        os.execvp("make", ["make", "--no-print-directory", "run", f"BUILD={folder}"])
    seen = bytearray()

    def more():
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                seen.extend(os.read(terminal, 65536))
            except OSError:
                pass
        return seen
    try:
        wait_for("500 lines", lambda: more().count(b"\n") > 500, 60)
        wait_for("the advice", lambda: b"dnsdist:" in more(), 20)
        assert b"unbound:" in seen and b"BIND:" in seen, "advice for three servers"
        wait_for("the dashboard's address", lambda: re.search(rb"dashboard: (http://[0-9.:]+/)", more()), 5)
        check_dashboard(re.search(rb"dashboard: (http://[0-9.:]+/)", seen)[1].decode())
        client = fstrm.Sender(SOCKET)
        client.send(fstrm.message(b"\0\1\1\0\0\1\0\0\0\0\0\0\4mine\3lab\0\0\1\0\1"))
        wait_for("a client's own line", lambda: b"mine.lab." in more(), 10)
        os.write(terminal, b"\x03")
        end = time.monotonic() + 15 * t.patience
        status = None
        while status is None and time.monotonic() < end:
            more()
            done, status = os.waitpid(child, os.WNOHANG)
            status = status if done else None
        assert status is not None, "make ended after Ctrl-C"
        equal(status, 0, f"make's status; the end of its output: {bytes(seen[-500:])!r}")
        assert b"Error" not in seen[-300:] and b"Interrupt" not in seen[-300:], bytes(seen[-300:])
    finally:
        try:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except OSError:
            pass
        os.close(terminal)


@test(alone=True, net=True, plain=True)
def port_is_taken(t):
    """The demo says so and goes on with the rest."""
    free()
    holder = t.spile("run", name="holder")
    t.wait_listening(holder)
    demo = t.start([ROOT / "tools/demo", t.spile_path], name="demo")
    wait_for("500 lines", lambda: demo.out.count(b"\n") > 500, 20)
    assert "6000" in demo.err, f"it names the port: {demo.err}"
    equal(demo.stop(signal.SIGINT), 0, "exit status")
