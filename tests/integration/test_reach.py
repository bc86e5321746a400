"""Sockets that DNS servers cannot reach, and servers that connect and say nothing: what is said of it."""
import os
import pathlib
import stat
import subprocess
import sys

import fstrm
from harness import UNIX_JSON, Skip, equal, test, wait_for

QUERY = fstrm.message(b"\0\1\1\0\0\1\0\0\0\0\0\0\4mine\3lab\0\0\1\0\1")
OTHER = 65534  # a user and a group that the tests are not run by: nobody


def connects(path, group=OTHER):
    """Whether another user can."""
    if "deny" in pathlib.Path("/proc/self/setgroups").read_text():
        raise Skip("in a namespace of one user: there is no other to connect as")
    script = ("import os, socket, sys; os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(%d)\n"
              "try:\n"
              "    socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
              "except PermissionError:\n"
              "    print('refused')\n"
              "else:\n"
              "    print('connected')" % OTHER)
    done = subprocess.run([sys.executable, "-c", script, str(path), str(group)], capture_output=True, check=False)
    assert done.stdout in (b"refused\n", b"connected\n") and not done.stderr, done
    return done.stdout == b"connected\n"


@test()
def flags_open_the_socket(t):
    """--mode and --group of all that listen; others can connect where they say so, and where not the
    program says what to do."""
    if os.geteuid() != 0:
        raise Skip("not root: there is no other user to connect as")
    os.chmod(t.folder, 0o755)
    path = t.path("tap.sock")
    listeners = {"run": ["run", "-u", path],
                 "capture": ["capture", f"unix:{path}", "--force", "-w", t.path("out.fstrm")],
                 "top": ["top", "--once", f"unix:{path}"]}
    rows = [([], 0o660, 0, OTHER, False), (["--mode", "0666"], 0o666, 0, OTHER, True),
            (["--group", str(OTHER)], 0o660, OTHER, OTHER, True), (["--group", "7"], 0o660, 7, OTHER, False),
            (["--mode", "0600", "--group", str(OTHER)], 0o600, OTHER, OTHER, False)]
    for name, command in listeners.items():
        for flags, mode, owner, group, open_to_others in rows:
            spile = t.spile(*command, *flags, name="-".join([name, *flags]))
            t.wait_listening(spile)
            found = path.stat()
            equal((stat.S_IMODE(found.st_mode), found.st_gid), (mode, owner), f"mode and group for {flags}")
            equal(connects(path, group), open_to_others, f"whether others connect with {flags}")
            reachable = mode == 0o666 or (owner and mode == 0o660)
            if not reachable:
                wait_for(f"a hint for {flags}", lambda spile=spile: "hint:" in spile.err)
                assert f"mode {mode:04o}" in spile.err and "--mode 0666 or --group NAME" in spile.err, spile.err
            equal(spile.stop(), 0, "exit status")
            equal("hint:" in spile.err, not reachable, f"a hint for {flags}: {spile.err}")


@test()
def no_folder(t):
    """What to do is said."""
    done = t.run("run", "-u", t.path("none/tap.sock"), status=1)
    assert b"none/tap.sock: there is no such folder: make it first" in done.stderr, done.stderr
    equal(done.stderr.count(b"\n"), 1, "lines")


@test()
def folder_is_in_the_way(t):
    """The status follows what is there now."""
    os.chmod(t.folder, 0o700)
    spile = t.listen(UNIX_JSON + 'web: {listen: "127.0.0.1:0"}\n', count=2)
    there = spile.hints()["unix"]  # it answers once it has begun, and said what there was to say
    for said in (spile.err, there):
        assert f"the folder {t.folder} has mode 0700" in said, said
    os.chmod(t.folder, 0o755)
    equal(spile.hints(), {}, "hints when the way is free")
    os.chmod(t.path("tap.sock"), 0o600)
    assert "mode 0600" in spile.hints()["unix"], spile.hints()
    equal(spile.stop(), 0, "exit status")


SILENT = """
inputs:
  - unix: {path: @DIR@/tap.sock, mode: 0666, hint-after: 50ms, idle-timeout: 20m}
  - unix: {path: @DIR@/quiet.sock, mode: 0666, hint-after: off, idle-timeout: 20m}
outputs:
  - stdout: {format: json}
web: {listen: "127.0.0.1:0"}
"""


@test()
def connected_and_silent(t):
    """It is said once for many, and is over with the first frame, or with the connection."""
    os.chmod(t.folder, 0o755)
    spile = t.listen(SILENT, count=3)
    first, second = fstrm.Sender(t.path("tap.sock")), fstrm.Sender(t.path("tap.sock"))
    wait_for("a hint", lambda: "sends nothing" in spile.err)
    wait_for("both are counted", lambda: "2 connections have begun" in spile.hints().get("unix", ""))
    equal(list(spile.hints()), ["unix"], "inputs with a hint")
    said = [line for line in spile.err.splitlines() if "sends nothing" in line]
    equal(len(said), 1, f"lines: {said}")
    assert "dnstap-log-client-query-messages" in said[0], said
    first.send(QUERY)
    wait_for("one is left", lambda: "1 connection has begun" in spile.hints().get("unix", ""))
    second.finish()
    wait_for("none is left", lambda: spile.hints() == {})
    equal(spile.stop(), 0, "exit status")


@test()
def who_talks_gets_no_hint(t):
    """A stream that has brought something may be silent afterwards; and hint-after may be off."""
    os.chmod(t.folder, 0o755)
    spile = t.listen(SILENT, count=3)
    silent = fstrm.Sender(t.path("quiet.sock"))
    talker, other = fstrm.Sender(t.path("tap.sock")), fstrm.Sender(t.path("tap.sock"))
    talker.send(QUERY)
    wait_for("the talker is heard", lambda: b"mine.lab." in spile.out)  # until then a hint may be about it
    wait_for("a hint about the other", lambda: "1 connection has begun" in spile.hints().get("unix", ""))
    equal(list(spile.hints()), ["unix"], "inputs with a hint")
    for client in (silent, talker, other):
        client.finish()
    equal(spile.stop(), 0, "exit status")
