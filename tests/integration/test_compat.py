"""--compat dnstap-receiver: what 4.7.0 printed, whichever way the frames come."""
import lzma
import os
import pty

import fstrm
from harness import CAPTURES, ROOT, Skip, equal, test, wait_for
from lab import question

COMPAT = ("--compat", "dnstap-receiver")
GOLDEN = ROOT / "tests/data/golden"


def recorded():
    """(capture, format, what was printed)"""
    found = [(capture, form) for capture in sorted(CAPTURES.glob("*.fstrm.xz")) for form in ("text", "json", "yaml")
             if (GOLDEN / capture.name.replace("fstrm", form)).exists()]
    if not found:
        raise Skip("no recorded output")
    for capture, form in found:
        yield capture, form, lzma.decompress((GOLDEN / capture.name.replace("fstrm", form)).read_bytes())


def same(printed, wanted, what):
    if printed == wanted:
        return
    for number, (ours, theirs) in enumerate(zip(printed.split(b"\n"), wanted.split(b"\n")), 1):
        equal(ours, theirs, f"{what}, line {number}")
    equal(len(printed), len(wanted), f"{what}, length")


@test()
def read_prints_what_was_recorded(t):
    for capture, form, wanted in recorded():
        done = t.run("read", *COMPAT, "-o", form, capture)
        same(done.stdout, wanted, f"{capture.name} as {form}")


@test()
def run_prints_what_was_recorded(t):
    for capture, form, wanted in recorded():
        if form != "text":
            continue
        where = t.path(capture.name + ".sock")
        spile = t.spile("run", *COMPAT, "-o", form, "-u", where, name=capture.name)
        wait_for("the socket is there", where.exists)
        t.run("send", capture, f"unix:{where}")
        lines = wanted.count(b"\n")
        wait_for("all lines are printed", lambda: spile.out_path.read_bytes().count(b"\n") >= lines, 20)
        equal(spile.stop(), 0, "exit status")
        same(spile.out_path.read_bytes(), wanted, f"{capture.name} over a socket")


def file_of(t, *frames):
    path = t.path("odd.fstrm")
    path.write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + b"".join(map(fstrm.data, frames)) +
                     fstrm.control(fstrm.STOP))
    return path


@test()
def what_it_cannot_show_is_counted(t):
    query = question("x.example.", 1, 1)
    file = file_of(t, fstrm.message(query), fstrm.message(query[:11]), fstrm.message(query, identity=b"\xff"),
                   fstrm.message(query, query_address=b"\1\2\3\4\5"), fstrm.message(query, seconds=1 << 60), b"\xff",
                   fstrm.message(query))
    spile = t.spile("read", *COMPAT, file)
    equal(spile.wait(10), 0, "exit status")
    equal(spile.out_path.read_bytes().count(b" x.example. A -\n"), 2, "lines")
    ledger = spile.ledger()
    equal([ledger[key] for key in ("received", "delivered", "dropped", "malformed", "short")], [7, 2, 5, 4, 1],
          "ledger")


@test()
def control_bytes_reach_files_but_no_terminal(t):
    name = question("x.", 1, 1, edns=False).replace(b"\1x\0", b"\5\x1b[2Jx\0")
    file = file_of(t, fstrm.message(name))
    raw = t.run("read", *COMPAT, file).stdout
    assert b" \x1b[2Jx. A -\n" in raw, raw
    master, slave = pty.openpty()
    try:
        spile = t.spile("read", *COMPAT, file, name="terminal", stdout=slave)
        shown = b""
        while b"\n" not in shown:
            shown += os.read(master, 4096)
        equal(spile.wait(10), 0, "exit status")
    finally:
        os.close(master)
        os.close(slave)
    assert b" \\027[2Jx. A -" in shown, shown
