"""What one event and one connection may cost: records have a limit, messages a budget of work."""
import json
import pathlib
import struct
import subprocess
import sys
import time
import urllib.request

import fstrm
from fstrm import Sender
from harness import UNIX_JSON, equal, free_port, limit, samples, test, wait_for
from lab import question

GREEDY = pathlib.Path(__file__).with_name("greedy.py")
RP, MINFO = 17, 14
RECORD_MAX = 1 << 20
COSTLY = """
threads: 1
shutdown-time: 1m
inputs:
  - unix: {path: @DIR@/tap.sock, mode: 0666}
outputs:
  - file: {path: @DIR@/out.json, format: json, rotate-size: 4M, keep: 1, when-full: drop-newest}
  - "null":
"""


def bomb(kind=RP, records=4000):
    """A response of 65 KB: records whose names point to a long one of control bytes."""
    name = (b"\x3f" + b"\x01" * 63) * 3 + b"\x3c" + b"\x01" * 60 + b"\0"
    head = struct.pack(">6H", 7, 0x8400, 1, records, 0, 0) + name + struct.pack(">2H", kind, 1)
    return head + (b"\xc0\x0c" + struct.pack(">2HIH", kind, 1, 1, 4) + b"\xc0\x0c" * 2) * records


def one(name):
    return fstrm.message(question(f"{name}.budget.lab.", 1, 1))


@test()
def a_bomb_is_cut_and_said(t):
    port = free_port()
    spile = t.listen(f"{UNIX_JSON}  - file: {{path: @DIR@/small.json, format: json, record-max: 64K}}\n"
                     f'web: {{listen: "127.0.0.1:{port}", header-timeout: 1m}}\n', count=2)

    def get(what):
        return urllib.request.urlopen(f"http://127.0.0.1:{port}{what}", timeout=limit(10)).read().decode()

    def outputs():
        return {o["name"]: o["ledger"] for o in json.loads(get("/api/v1/outputs"))["outputs"]}
    client = Sender(t.path("tap.sock"))
    client.send(one("before"), *(fstrm.answer(bomb(kind)) for kind in (RP, MINFO)), one("behind"))
    client.finish()
    wait_for("all is written", lambda: all(o["delivered"] == 4 for o in outputs().values()))
    equal({n: o["truncated"] for n, o in outputs().items()}, {"stdout": 2, "file": 2}, "the API's count")
    equal(samples(get("/metrics"))['spile_output_truncated_total{output="file"}'], 2, "the metrics' count")
    equal(spile.stop(), 0, "exit status")
    for ledger in (spile.ledger(), spile.ledger("file")):
        equal((ledger["received"], ledger["delivered"], ledger["truncated"]), (4, 4, 2), "ledger")
    for path, most in ((spile.out_path, RECORD_MAX), (t.path("small.json"), 65536)):
        lines = path.read_bytes().splitlines(keepends=True)
        records = [json.loads(line) for line in lines]
        equal([r.get("truncated", "whole") for r in records],
              ["whole", "record-max", "record-max", "whole"], f"which are cut in {path.name}")
        for line, record in zip(lines[1:3], records[1:3]):
            assert most - 8192 < len(line) <= most, f"{len(line)} bytes, of {most}"
            assert record["answers"] and record["ancount"] == 4000 and record["type"] == "response"


@test()
def a_bomb_is_read_so_far_and_no_further(t):
    """Without a limit of the record, all that is read of it is printed: what 64 names a kilobyte have."""
    t.listen(UNIX_JSON.replace("format: json", "format: json, record-max: off"))
    client = Sender(t.path("tap.sock"))
    client.send(fstrm.answer(bomb()))
    client.finish()
    event = wait_for("the event", lambda: t.processes[-1].events())[0]
    equal(event["truncated"], "decoding", "why it is cut")
    names = 2 * len(event["answers"])
    assert 1024 < names <= 64 * 66, f"{names} names were read"


@test()
def lines_cannot_be_forged_under_compat(t):
    identity = b"ns1\n2026-11-21T00:00:00+00:00 forged\r"
    frame = fstrm.message(question("lines.budget.lab.", 1, 1), identity=identity)
    stream = fstrm.control(fstrm.START, fstrm.DNSTAP) + fstrm.data(frame) + fstrm.control(fstrm.STOP)
    t.path("one.fstrm").write_bytes(stream)

    def read(*flags):
        return t.run("read", "--compat", "dnstap-receiver", *flags, t.path("one.fstrm")).stdout
    escaped = identity.replace(b"\n", b"\\010").replace(b"\r", b"\\013")
    equal(read().count(b"\n"), 1, "lines")
    assert b" " + escaped + b" CLIENT_QUERY " in read(), read()
    assert b" " + identity + b" CLIENT_QUERY " in read("--compat-control", "raw")
    equal(json.loads(read("-o", "json"))["identity"].encode(), identity, "identity in JSON")
    refused = t.run("read", "--compat-control", "rough", t.path("one.fstrm"), status=2).stderr
    assert b"--compat-control" in refused, refused
    config = f"compat: dnstap-receiver\ncompat-control: raw\n{UNIX_JSON}".replace("format: json", "format: text")
    spile = t.listen(config)
    client = Sender(t.path("tap.sock"))
    client.send(frame)
    client.finish()
    equal(spile.stop(), 0, "exit status")
    assert b" " + identity + b" CLIENT_QUERY " in spile.out_path.read_bytes(), "raw, by the configuration"


def time_of_worker(process):
    """A function: the seconds of a processor that its only worker has had (the kernel's Documentation/scheduler/sched-stats)."""
    tasks = pathlib.Path(f"/proc/{process.child.pid}/task").iterdir()
    statistics = next(task / "schedstat" for task in tasks if (task / "comm").read_text() == "worker-0\n")
    return lambda: int(statistics.read_text().split()[0]) / 1e9


def honest_beside(t, greedy_count):
    """Sends of honest servers that found their socket full, beside so many connections which send the most
    costly messages as fast as they are taken. Their pace is 20 in 2 ms of the worker's own time: while others have
    its processor it holds up nobody."""
    t.path("frame").write_bytes(fstrm.answer(bomb()))
    spile = t.listen(COSTLY)
    greedy = t.start([sys.executable, GREEDY, t.path("tap.sock"), t.path("frame"), greedy_count], name="greedy",
                     stdin=subprocess.PIPE)
    honest = [Sender(t.path("tap.sock")) for _ in range(5)]
    wait_for("they have begun", lambda: greedy.out, seconds=20)
    begun, worked = spile.asked("file")["truncated"], time_of_worker(spile)
    blocked = sent = 0
    for client in honest:
        client.sock.setblocking(False)
    while sent < 8000:
        begin = worked()
        for client in honest * 4:
            try:
                client.sock.send(fstrm.data(one("honest")))
                sent += 1
            except BlockingIOError:
                blocked += 1
        time.sleep(0.002)
        wait_for("it is at work, or has nothing to do", lambda begin=begin: worked() >= begin + 0.002 or
                 all(client.all_taken() for client in honest), every=0.001)
    wait_for("the greedy are heard, too", lambda: spile.asked("file")["truncated"] > begun + greedy_count)
    greedy.child.stdin.close()
    equal(greedy.wait(), 0, "status of the greedy")
    wait_for("all is taken", lambda: all(client.all_taken() for client in honest))
    equal(spile.stop(), 0, "exit status")
    equal(spile.ledger("null")["delivered"], sent + spile.ledger("file")["truncated"], "events of all")
    return blocked


@test(plain=True)  # what turns take under a sanitizer tells nothing
def who_takes_all_the_time_holds_up_nobody(t):
    equal(honest_beside(t, 2), 0, "sends that found no room")


@test(plain=True)
def nor_do_many_of_them(t):
    equal(honest_beside(t, 64), 0, "sends that found no room")
