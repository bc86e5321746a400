"""The file output under rotation, crashes and full disks; and latency across connections."""
import gzip
import os
import resource
import signal
import struct

import fstrm
from fstrm import DNSTAP, START, STOP, Sender, control, split
from harness import equal, real_capture, test, wait_for
from lab import question

BEGIN, END = control(START, DNSTAP), control(STOP)


def payload(i):
    return fstrm.message(question(f"q{i}.files.lab.", 1, i & 0xffff))


def answer(i, seconds, nanos):
    """A response to payload(i), that carries its own time alone."""
    message = question(f"q{i}.files.lab.", 1, i & 0xffff, edns=False)
    message = message[:2] + b"\x81\x80" + message[4:]
    body = fstrm.field(1, 6) + fstrm.field(2, 1) + fstrm.field(3, 1) + fstrm.field(4, b"\xc0\0\2\1") + \
        fstrm.field(5, b"\xc0\0\2\2") + fstrm.field(6, 5353) + fstrm.field(7, 53) + \
        fstrm.field(12, seconds) + fstrm.varint(13 << 3 | 5) + struct.pack("<I", nanos) + fstrm.field(14, message)
    return fstrm.field(1, b"test") + fstrm.field(14, body) + fstrm.field(15, 1)


def config(options, threads=None):
    return (f"threads: {threads}\n" if threads else "") + f"""
inputs:
  - unix: {{path: @DIR@/tap.sock, mode: 0666}}
outputs:
  - file: {{path: @DIR@/out, {options}}}
"""


def files(t):
    """Contents of the rotated files in order, then of the current one; uncompressed."""
    paths = sorted(t.folder.glob("out.2*")) + [t.path("out")]
    return [gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in paths]


def expect_whole(contents):
    for text in contents:
        assert text.startswith(BEGIN), f"no START: {text[:64]!r}"
        assert text.endswith(END), f"no STOP: {text[-32:]!r}"


def frames_of(contents):
    return [frame for text in contents for frame in split(text)]


@test()
def rotated_files_are_whole(t):
    """Each is a valid Frame Streams file, and together they hold every frame in order."""
    source = real_capture(t)
    path = t.path("rotate.yaml")
    path.write_text(f"""
inputs: [file: {{path: [{source}]}}]
outputs: [file: {{path: {t.folder}/out, format: fstrm, rotate-size: 64K, keep: 0, compress: gzip, block-max: off}}]
""")
    spile = t.spile("run", "-c", path)
    equal(spile.wait(30), 0, "exit status")
    contents = files(t)
    assert len(contents) > 5, f"{len(contents)} files"
    expect_whole(contents)
    assert max(map(len, contents)) <= 64 << 10, "a file is larger than it may be"
    assert all(p.suffix == ".gz" for p in t.folder.glob("out.2*")), "not all are compressed"
    equal(frames_of(contents), split(source.read_bytes()), "frames")


@test()
def crashed_file_is_kept_and_not_continued(t):
    spile = t.listen(config("format: fstrm"))
    client = Sender(t.path("tap.sock"))
    sent = [payload(i) for i in range(1000)]
    client.send(*sent)
    wait_for("frames in the file", lambda: t.path("out").read_bytes() == BEGIN + b"".join(map(fstrm.data, sent)))
    spile.kill()
    spile = t.listen(config("format: fstrm"), name="second")
    client = Sender(t.path("tap.sock"))
    client.send(*[payload(i) for i in range(1000, 1100)])
    client.finish()
    equal(spile.stop(), 0, "exit status")
    assert "was not ended" in spile.err, spile.err
    crashed, fresh = files(t)
    assert crashed.startswith(BEGIN) and not crashed.endswith(END)
    expect_whole([fresh])
    equal(split(fresh), [payload(i) for i in range(1000, 1100)], "frames of the new file")
    equal(split(crashed), sent, "frames of the old file")


@test()
def file_is_continued_behind_its_end(t):
    for run in range(3):
        spile = t.listen(config("format: fstrm"), name=f"run{run}")
        client = Sender(t.path("tap.sock"))
        client.send(*[payload(run * 10 + i) for i in range(10)])
        client.finish()
        equal(spile.stop(), 0, "exit status")
    expect_whole(files(t))
    equal(frames_of(files(t)), [payload(i) for i in range(30)], "frames")


@test()
def leftovers_of_the_future_make_room(t):
    """The clock was ahead once; `keep` counts by the numbers, and what this run wrote stays."""
    for name in ("20380101T000000.000Z", "99990101T000000.001Z.gz", "20990101T000000.000Z.000007",
                 "20990101T000000.000Z.999999999999999", "123450101T000000.000Z.000008.zst"):
        t.path("out." + name).write_bytes(b"left over")
    spile = t.listen(config("format: fstrm, rotate-size: 20K, keep: 3"))
    client = Sender(t.path("tap.sock"))
    sent = [payload(i) for i in range(3000)]
    client.send(*sent)
    client.finish()
    equal(spile.stop(), 0, "exit status")
    names = sorted(p.name for p in t.folder.glob("out.*"))
    equal(len(names), 3, f"rotated files: {names}")
    numbers = [int(name.rsplit(".", 1)[1]) for name in names]
    equal(numbers, list(range(numbers[0], numbers[0] + 3)), f"numbers of {names}")
    assert numbers[0] > 8, names
    expect_whole(files(t))
    kept = frames_of(files(t))
    assert len(kept) > 500, f"{len(kept)} frames in {names}"
    equal(kept, sent[-len(kept):], "frames")


@test()
def removed_file_is_made_anew(t):
    """Whatever came since the file was last seen in its place is in the new one; so is all that comes then."""
    spile = t.listen(config("format: fstrm"))
    out, client = t.path("out"), Sender(t.path("tap.sock"))
    sent = [payload(i) for i in range(900)]
    client.send(*sent[:300])
    wait_for("frames in the file", lambda: out.stat().st_size > 20000)
    out.unlink()
    client.send(*sent[300:600])
    wait_for("a file again", out.exists)
    assert f"{out} was removed" in spile.err, spile.err
    wait_for("frames in it", lambda: out.stat().st_size > 20000)
    moved = out.rename(t.path("moved"))
    client.send(*sent[600:])
    wait_for("another file", out.exists)
    assert f"{out} was moved" in spile.err, spile.err
    client.finish()
    equal(spile.stop(), 0, "exit status")
    contents = [moved.read_bytes(), out.read_bytes()]
    expect_whole(contents)
    found = frames_of(contents)
    assert len(found) >= 600, f"{len(found)} frames"
    equal(found, sent[-len(found):], "frames")
    equal(spile.ledger("file")["delivered"], len(sent), "ledger")


def removed_for_a_folder(t, name):
    """The program, ended, whose file became a folder for a while; and its exit status."""
    spile = t.listen(config("format: fstrm"), name=name)
    out, client = t.path("out"), Sender(t.path("tap.sock"))
    client.send(*[payload(i) for i in range(300)])
    wait_for("frames in the file", lambda: out.stat().st_size > 20000)
    out.unlink()
    out.mkdir()
    client.send(*[payload(i) for i in range(300, 600)])
    wait_for("the output says so", lambda: "was removed" in spile.err and "cannot open" in spile.err)
    out.rmdir()
    client.send(*[payload(i) for i in range(600, 900)])
    client.finish()
    return spile, spile.stop()


@test()
def removal_that_loses_events_is_counted(t):
    """A folder stands where the file was: what had been written into it is lost, and said to be. (Unless the program
    has looked after the file in between: then nothing is, and it is tried again.)"""
    for number in range(10):
        t.path("out").unlink(missing_ok=True)
        spile, status = removed_for_a_folder(t, f"spile{number}")
        if "are lost" in spile.err:
            break
        equal((status, spile.ledger("file")["delivered"]), (0, 900), "exit status and events, with none lost")
    equal(status, 1, "exit status, of lost events")
    found = frames_of([t.path("out").read_bytes()])
    ledger = spile.ledger("file")
    lost = sum(int(text.split(" events (")[0].rsplit(" ", 1)[1]) for text in spile.err.splitlines() if "are lost" in text)
    equal(ledger["received"], ledger["delivered"] + lost, f"ledger {ledger}")
    equal(ledger["dropped"], lost, "dropped")
    assert len(found) + lost <= 900 and 900 - len(found) - lost <= 300, f"{len(found)} there, {lost} lost"


@test()
def full_disk_stops_and_goes_on(t):
    """A file that may not grow, as on a full disk: nothing is cut, repeated or lost."""
    limit = 100000
    path = t.path("full.yaml")
    path.write_text(config("format: fstrm, block-max: off").replace("@DIR@", str(t.folder)))
    spile = t.spile("run", "-c", path)
    resource.prlimit(spile.child.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    t.wait_listening(spile)
    client = Sender(t.path("tap.sock"))
    sent = [payload(i) for i in range(3000)]
    client.send(*sent)
    wait_for("the output says so", lambda: "cannot write" in spile.err)
    stuck = t.path("out").read_bytes()
    assert limit - 200 < len(stuck) <= limit, f"{len(stuck)} bytes"
    equal(split(stuck), sent[:len(split(stuck))], "whole frames")
    equal(len(b"".join(map(fstrm.data, split(stuck)))) + len(BEGIN), len(stuck), "bytes of whole frames")
    resource.prlimit(spile.child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    client.finish()
    equal(spile.stop(), 0, "exit status")
    expect_whole(files(t))
    equal(frames_of(files(t)), sent, "frames")
    equal(spile.ledger("file")["delivered"], len(sent), "ledger")


@test()
def reopened_files_are_whole(t):
    spile = t.listen(config("format: fstrm"))
    client = Sender(t.path("tap.sock"))
    client.send(*[payload(i) for i in range(100)])
    wait_for("frames in the file", lambda: t.path("out").stat().st_size > 5000)
    os.rename(t.path("out"), t.path("out.2-moved"))
    spile.send(signal.SIGHUP)
    wait_for("a new file", t.path("out").exists)
    client.send(*[payload(i) for i in range(100, 200)])
    client.finish()
    equal(spile.stop(), 0, "exit status")
    expect_whole(files(t))
    equal(frames_of(files(t)), [payload(i) for i in range(200)], "frames")


@test()
def latency_across_connections(t):
    """A query and its response that come over different connections, so by different workers."""
    spile = t.listen("""
threads: 4
inputs:
  - unix: {path: @DIR@/tap.sock, mode: 0666}
outputs:
  - stdout: {format: json}
""")
    count = 2000
    askers = [Sender(t.path("tap.sock")) for _ in range(4)]
    for n, asker in enumerate(askers):
        asker.send(*[payload(i) for i in range(n, count, 4)])
    wait_for("all queries", lambda: len(spile.events()) == count)
    for n, asker in enumerate(askers):
        asker.send(*[answer(i, 1700000000, 1500000) for i in range((n + 1) % 4, count, 4)])
        asker.finish()
    equal(spile.stop(), 0, "exit status")
    responses = [e for e in spile.events() if e["message"] == "CLIENT_RESPONSE"]
    equal(len(responses), count, "responses")
    equal({e["latency"] for e in responses}, {0.0015}, "latencies")
