#!/usr/bin/env python3
"""mob.py KIND FACTS: one of those who mean harm, or who are honest, in a process of its own (one peer
is one process on a unix socket), until its standard input ends. Prints as JSON what it has seen, and on
standard error that it has begun; one of the mob also says when its first act is done.

FACTS is JSON: unix (a path), tcp and web (host and port), source (an address to come from, or null), user
(a number, or null), key (of the web server), number, slow (how many times as long the mob pauses between two
acts: it has no more of a slow machine than of a quick one). trial.py starts them all.
"""
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import resource
import socket
import struct
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests/support")]
import fstrm  # noqa: E402  (found through sys.path)
from lab import question  # noqa: E402

OVER, SLOW = threading.Event(), 1.0
RANDOM = random.Random(os.getpid())
PAUSE_S = 5  # whoever waits for what does not come gives up then, times SLOW

START = fstrm.control(fstrm.READY, fstrm.DNSTAP) + fstrm.control(fstrm.START, fstrm.DNSTAP)


class Facts:
    def __init__(self, text):
        self.__dict__.update(json.loads(text))
        self.tcp, self.web = tuple(self.tcp), tuple(self.web)

    def connect(self, tcp, small=False, seconds=PAUSE_S):
        """A connection to one of the inputs, without a word said."""
        sock = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(seconds * SLOW)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
        if tcp and self.source:
            sock.bind((self.source, 0))
        try:
            sock.connect(self.tcp if tcp else self.unix)
        except OSError:
            sock.close()
            raise
        return sock

    def ask(self, small=False):
        """A connection to the web server, not from where the honest visitors come: who shares an address with
        those who guess keys is answered late, too."""
        sock = socket.socket()
        sock.bind(("127.0.0.66", 0))
        sock.settimeout(PAUSE_S * SLOW)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            sock.connect(self.web)
        except OSError:
            sock.close()
            raise
        return sock


def pause(seconds):
    """Between two acts of the mob. True: it is over."""
    return OVER.wait(seconds * SLOW)


def say(text):
    print(text, file=sys.stderr, flush=True)


def go_on(act, counts, threads=1, rest=0.0):
    """Lets some threads act until it is over; refusals are a mob's daily bread."""
    def loop(number):
        while not pause(rest):
            try:
                act(number)
                counts["acts"] += 1
            except OSError:
                counts["refused"] += 1
                pause(0.01)
    running = [threading.Thread(target=loop, args=(i,), daemon=True) for i in range(threads)]
    for thread in running:
        thread.start()
    while not counts["acts"] and not OVER.wait(0.05):
        pass
    say("at work" if counts["acts"] else "over before anything was done")
    OVER.wait()
    for thread in running:
        thread.join(2 * PAUSE_S)


# --- at the inputs ----------------------------------------------------------------------------------

def silent(facts, counts):
    """Many connections that say START and then nothing; who is closed comes again."""
    held = []

    def act(_):
        held[:] = [sock for sock in held if not fstrm.is_closed(sock) or sock.close()]
        for _ in range(min(150, 1300 - len(held))):
            with contextlib.suppress(OSError):
                held.append(facts.connect(tcp=len(held) % 2))
                held[-1].sendall(START)
                counts["connections"] = counts.get("connections", 0) + 1
    go_on(act, counts, rest=0.1)


def junk(facts, counts):
    """Many connections that say START, and now and then bring a byte that is no dnstap; who is closed comes again.
    Over TCP where it has an address of its own: behind loopback nobody could be told from it."""
    held = []

    def act(_):
        held[:] = [sock for sock in held if not fstrm.is_closed(sock) or sock.close()]
        for _ in range(min(100, 400 - len(held))):
            with contextlib.suppress(OSError):
                held.append(facts.connect(tcp=facts.source and len(held) % 2))
                held[-1].sendall(START)
        for sock in RANDOM.sample(held, len(held) // 10):
            with contextlib.suppress(OSError):
                sock.sendall(fstrm.data(b"x"))
    go_on(act, counts, rest=0.1)


def reconnectors(facts, counts):
    """Come and go without bringing anything."""
    def act(number):
        facts.connect(tcp=number % 2).close()
    go_on(act, counts, 4, 0.005)


def garbage(facts, counts):
    """No Frame Streams at all, wrong control frames, frames that are no dnstap."""
    texts = [lambda: RANDOM.randbytes(4000), lambda: fstrm.control(fstrm.STOP) * 50,
             lambda: fstrm.control(fstrm.READY, b"another"), lambda: b"GET / HTTP/1.1\r\n\r\n",
             lambda: START + b"".join(fstrm.data(RANDOM.randbytes(RANDOM.randrange(1, 300))) for _ in range(20)),
             lambda: START + b"\0\0\0\0" + struct.pack(">I", 0xffffffff)]

    def act(number):
        with facts.connect(tcp=number % 2) as sock:
            sock.sendall(texts[RANDOM.randrange(len(texts))]())
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
    go_on(act, counts, 4, 0.02)


def huge(facts, counts):
    """Frames of nearly a megabyte, half of them never completed; and lengths that nobody may have."""
    frame = fstrm.data(fstrm.message(question("huge.hostile.lab.", 1, 1) + b"x" * 900_000, identity=b"huge"))

    def act(number):
        with facts.connect(tcp=number % 2) as sock:
            sock.sendall(START + (frame if RANDOM.random() < 0.5 else frame[:len(frame) // 2]))
            if RANDOM.random() < 0.2:
                sock.sendall(struct.pack(">I", 0x7fffffff) + b"x" * 1000)
            OVER.wait(RANDOM.random())
    go_on(act, counts, 8, 0.1)


def bomb():
    """A message whose records are two pointers each to one long name of control bytes."""
    name = b"".join(bytes([63]) + b"\x01" * 63 for _ in range(3)) + bytes([61]) + b"\x02" * 61 + b"\0"
    record = struct.pack(">HHHIHHH", 0xc00c, 17, 1, 60, 4, 0xc00c, 0xc00c)
    count = (65000 - 12 - len(name) - 4) // len(record)
    return struct.pack(">6H", 1, 0x8180, 1, count, 0, 0) + name + struct.pack(">HH", 17, 1) + record * count


def bombs(facts, counts):
    """Small messages that are large when they are written out, at a megabyte a second on two connections."""
    frame = fstrm.data(fstrm.answer(bomb(), identity=b"bomb"))

    def act(number):
        with facts.connect(tcp=number % 2) as sock:
            sock.sendall(START)
            while not pause(len(frame) / 1_000_000):
                sock.sendall(frame)
                counts["acts"] += 1
    go_on(act, counts, 2)


HOSTILE = [b"<script>alert(1)</script>", b"\x1b]0;title\x07\x1b[2J", b"\0" * 20, b"\xff\xfe" * 10, b"a\r\nb", b"'\";--",
           b"\"identity\":\"honest0\"", b"." * 30, b"%n%s%x", b"\xe2\x80\xae" * 5]


def names(facts, counts):
    """Names and identities that want to be more than text."""
    def act(number):
        with facts.connect(tcp=number % 2) as sock:
            sock.sendall(START)
            for _ in range(20):
                labels = [RANDOM.choice(HOSTILE) for _ in range(RANDOM.randrange(1, 5))] + [RANDOM.randbytes(RANDOM.randrange(1, 60))]
                wire = b"".join(bytes([len(part)]) + part for part in labels) + b"\0"
                query = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + wire + struct.pack(">HH", RANDOM.randrange(65536), 1)
                sock.sendall(fstrm.data(fstrm.message(query, identity=RANDOM.choice(HOSTILE) + b"%d" % RANDOM.randrange(9))))
                counts["acts"] += 1
                pause(0.01)
            sock.sendall(fstrm.control(fstrm.STOP))
            sock.recv(100)
    go_on(act, counts, 2)


def inventors(facts, counts):
    """An identity, a name and a client of its own for each event, 1,000 a second."""
    def act(number):
        with facts.connect(tcp=number % 2) as sock:
            sock.sendall(START)
            while not pause(0.1):
                sock.sendall(b"".join(fstrm.data(fstrm.message(
                    question(f"{RANDOM.randrange(1 << 40):x}.hostile.lab.", 1, 1), identity=b"invented%d" % RANDOM.randrange(1 << 40),
                    query_address=RANDOM.randbytes(4))) for _ in range(50)))
                counts["acts"] += 50
    go_on(act, counts, 2)


def drippers(facts, counts):
    """A byte now and then, at the inputs and at the web server."""
    words = [START, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 2000]

    def act(number):
        web = number % 2
        with facts.ask() if web else facts.connect(tcp=number % 4 == 0) as sock:
            for at in range(len(words[web])):
                sock.sendall(words[web][at:at + 1])
                counts["acts"] += 1
                if pause(0.2):
                    return
    go_on(act, counts, 20)


# --- at the web server ------------------------------------------------------------------------------

def request(path, key=None):
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{f'X-API-Key: {key}' if key else 'X-No: thing'}\r\n\r\n".encode()


def pipeliners(facts, counts):
    """Ask a hundred times without credentials and read nothing."""
    def act(number):
        with facts.ask(small=True) as sock:
            sock.sendall(request(("/metrics", "/nothing", "/api/v1/statistics")[number % 3]) * 100)
            counts["acts"] += 1
            while not fstrm.is_closed(sock) and not OVER.wait(0.5):
                pass
    go_on(act, counts, 60, 0.05)


def guessers(facts, counts):
    """Guess keys, many at once."""
    def act(_):
        with facts.ask() as sock:
            for _ in range(20):
                sock.sendall(b"".join(request("/metrics", f"{RANDOM.randrange(1 << 60):x}") for _ in range(20)))
                if not sock.recv(65536):
                    return
                counts["acts"] += 20
                if pause(0.05):
                    return
    go_on(act, counts, 4)


def viewers(facts, counts):
    """Look at live events and never read any."""
    def act(_):
        with facts.ask(small=True) as sock:
            sock.sendall(request("/api/v1/events", facts.key))
            counts["acts"] += 1
            while not OVER.wait(0.5):
                pass
    go_on(act, counts, 40, 0.1)


# --- the honest ones --------------------------------------------------------------------------------

EVERY_S = 0.05
FRAMES = 5


def begin(facts):
    """An honest connection whose stream has begun."""
    sock = facts.connect(tcp=facts.number % 2, small=True, seconds=60)
    sock.sendall(fstrm.control(fstrm.READY, fstrm.DNSTAP))
    assert sock.recv(512), "closed instead of ACCEPT"
    sock.sendall(fstrm.control(fstrm.START, fstrm.DNSTAP))
    return sock


def finish(sock):
    sock.sendall(fstrm.control(fstrm.STOP))
    assert sock.recv(512), "closed instead of FINISH"
    sock.close()


def frame_of(facts):
    return fstrm.data(fstrm.message(question(f"honest{facts.number}.lab.", 1, 1), identity=b"honest%d" % facts.number))


def quiet(facts, counts):
    """A server without queries: over TCP it had one in the beginning, and has one in the end."""
    sock = begin(facts)
    early = facts.number % 2
    sock.sendall(frame_of(facts) * early)
    OVER.wait()
    counts.update(sent=early, failed=[], acts=1)
    try:
        sock.sendall(frame_of(facts))
        finish(sock)
        counts["sent"] += 1
    except (OSError, AssertionError) as problem:
        counts["failed"].append(f"after a silence: {problem}")


def sender(facts, counts):
    """Sends at a fixed pace on one connection, with little room in its own buffers, so that a receiver that
    does not read is felt; and each second a whole session, from connecting to FINISH."""
    counts.update(sent=0, waits=[], sessions=[], failed=[])
    # Four bytes of its answer stay in the buffer of a unix socket: not less than the kernel takes.
    frame = frame_of(facts)

    def session():
        start = time.monotonic()
        try:
            sock = begin(facts)
            sock.sendall(frame)
            finish(sock)
            counts["sent"] += 1
        except (OSError, AssertionError) as problem:
            counts["failed"].append(f"session: {problem}")
        counts["sessions"].append(time.monotonic() - start)

    steady, due, number = begin(facts), time.monotonic(), 0
    while not OVER.wait(max(0, due - time.monotonic())):
        start = time.monotonic()
        try:
            steady.sendall(frame * FRAMES)
            counts["sent"] += FRAMES
        except OSError as problem:
            counts["failed"].append(f"send: {problem}")
            return
        counts["waits"].append(time.monotonic() - start)
        number += 1
        if number % round(1 / EVERY_S) == 0:
            session()
        due = max(due + EVERY_S, time.monotonic())
    try:
        finish(steady)
    except (OSError, AssertionError) as problem:
        counts["failed"].append(f"finish: {problem}")
    counts["acts"] = len(counts["waits"])


PATHS = ["/metrics", "/api/v1/statistics", "/api/v1/tables?n=10", "/api/v1/streams", "/", "/api/v1/health"]


def visitor(facts, counts):
    """Asks for pages in turn, on a connection of its own each time, or on one that stays."""
    counts.update(waits=[], failed=[])
    kept = None
    number = 0
    while not OVER.wait(0.1):
        path, number = PATHS[number % len(PATHS)], number + 1
        start = time.monotonic()
        try:
            connection = kept or http.client.HTTPConnection(*facts.web, timeout=60 * SLOW)
            connection.request("GET", path, headers={"X-API-Key": facts.key})
            reply = connection.getresponse()
            reply.read()
            if reply.status != 200:
                counts["failed"].append(f"{path}: status {reply.status}")
            kept = connection if facts.number % 2 else connection.close()
        except (OSError, http.client.HTTPException) as problem:
            counts["failed"].append(f"{path}: {problem!r}")
            kept = None
        counts["waits"].append(time.monotonic() - start)
    counts["acts"] = len(counts["waits"])


def clock(_, counts):
    """Sleeps, and says how late it woke: what any process here has to wait for a processor."""
    counts["waits"] = []
    while not OVER.is_set():
        start = time.monotonic()
        time.sleep(0.005)
        counts["waits"].append(time.monotonic() - start - 0.005)
    counts["acts"] = len(counts["waits"])


KINDS = {kind.__name__: kind for kind in
         (silent, junk, reconnectors, garbage, huge, bombs, names, inventors, drippers, pipeliners, guessers, viewers,
          sender, quiet, visitor, clock)}
HONEST = ("sender", "quiet", "visitor", "clock")


# --- what has come out ------------------------------------------------------------------------------

def frames(_, counts):
    """Counts the frames of each honest identity on standard input, which is a program's output."""
    pattern, rest = re.compile(rb"\x0a\x07(honest\d)"), b""
    os.set_blocking(0, True)
    while part := os.read(0, 1 << 20):
        rest += part
        at = 0
        while len(rest) - at >= 4:
            size = int.from_bytes(rest[at:at + 4], "big")
            head = 8 + int.from_bytes(rest[at + 4:at + 8], "big") if size == 0 else 4 + size
            if len(rest) - at < max(head, 8):
                break
            if size and (found := pattern.match(rest, at + 4)):
                name = found.group(1).decode()
                counts[name] = counts.get(name, 0) + 1
            counts["all"] = counts.get("all", 0) + (size > 0)
            at += head
        rest = rest[at:]
    counts["left"] = len(rest)


class Rotated:
    """The files of one output, one after the other. One that was read stays open while it is in the folder,
    so that no other has its number."""

    def __init__(self, path):
        self.path, self.read, self.waiting = path, [], []

    def look(self):
        held = {os.fstat(file.fileno()).st_ino for file in self.read + self.waiting}
        new = []
        for path in self.path.parent.glob(self.path.name + "*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino not in held:
                    new.append(open(path, "rb"))
        self.waiting += sorted(new, key=lambda file: os.fstat(file.fileno()).st_mtime_ns)
        self.read = [file for file in self.read if os.fstat(file.fileno()).st_nlink or file.close()]

    def blocks(self):
        """Everything, until it is over."""
        while True:
            over = OVER.is_set()  # asked before what is read then
            self.look()
            while self.waiting:
                while block := self.waiting[0].read(1 << 20):
                    self.look()
                    yield block
                if len(self.waiting) == 1 and not over:
                    break
                self.read.append(self.waiting.pop(0))
            if over:
                return
            time.sleep(0.02)


def lines(facts, counts):
    """Counts lines of honest identities, and all."""
    pattern, parts = re.compile(rb'"identity": ?"(honest\d)"'), []
    for block in Rotated(pathlib.Path(facts.file)).blocks():
        whole, newline, rest = block.rpartition(b"\n")
        parts.append(whole if newline else block)
        if not newline:
            continue
        text = b"".join(parts)
        parts = [rest]
        counts["all"] = counts.get("all", 0) + text.count(b"\n") + 1
        for name in pattern.findall(text):
            counts[name.decode()] = counts.get(name.decode(), 0) + 1
    counts["cut"] = len(b"".join(parts))


COUNTERS = {"frames": frames, "lines": lines}


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    global SLOW
    kind, facts = sys.argv[1], Facts(sys.argv[2])
    SLOW = facts.slow
    if facts.user:
        os.setgroups([])
        os.setgid(facts.user)
        os.setuid(facts.user)
    counts = {"acts": 0, "refused": 0}
    if kind != "frames":
        threading.Thread(target=lambda: (sys.stdin.read(), OVER.set()), daemon=True).start()
    say("begun")
    {**KINDS, **COUNTERS}[kind](facts, counts)
    print(json.dumps(counts))
    sys.stdout.flush()
    os._exit(0)  # threads that still wait for something are not waited for


main()
