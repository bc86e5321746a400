"""The lab: a small Internet on the loopback device of a namespace, and the DNS servers in it."""
import itertools
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from harness import ROOT, Bench, Skip, equal, limit, readable, wait_for

LAB = pathlib.Path(__file__).resolve().parent / "lab"
AUTHORITY = 1
TYPES = [1, 28, 16, 15, 33]  # what the wildcards of lab.zone have: A, AAAA, TXT, MX, SRV


def v4(number):
    return f"198.51.100.{number}"


def v6(number):
    return f"2001:db8:53::{number}"


# number: address of the server. template: in lab/, with @SNIPPET@ where README's goes. more: further
# templates. snippet: its title in README, and what is another here: the lab asks for more than README's
# reader, and has servers try again sooner. command: how it starts. queries, responses: the dnstap types that one query of a client must give, one each; upstream: types
# of which there must be at least one. tries: see check_exact.
SERVERS = {
    "authority": {"number": AUTHORITY, "template": "authority.conf", "command": ["knotd", "-c", "@CONF@"]},
    "unbound": {"number": 11, "template": "unbound.conf", "snippet": ["unbound"], "command": ["unbound", "-d", "-c", "@CONF@"],
                "queries": "CLIENT_QUERY", "responses": "CLIENT_RESPONSE", "upstream": ["RESOLVER_QUERY"]},
    "named": {"number": 14, "template": "named.conf",
              "snippet": ["BIND", ("options {\n", ""), ("{ client; auth; }", "{ all; }"), ("\n};\n", "\n")], "command": ["named", "-g", "-n", "2", "-c", "@CONF@"],
              "queries": "CLIENT_QUERY", "responses": "CLIENT_RESPONSE", "upstream": ["RESOLVER_QUERY"]},
    "knotd": {"number": 15, "template": "knot.conf", "snippet": ["Knot DNS"], "command": ["knotd", "-c", "@CONF@"],
              "queries": "AUTH_QUERY", "responses": "AUTH_RESPONSE"},
    "nsd": {"number": 16, "template": "nsd.conf", "snippet": ["NSD"], "command": ["nsd", "-d", "-c", "@CONF@"],
            "queries": "AUTH_QUERY", "responses": "AUTH_RESPONSE"},
    "dnsdist": {"number": 17, "template": "dnsdist.conf",
                "snippet": ["dnsdist", ('dnstap.sock")', 'dnstap.sock", {flushTimeout=1, reopenInterval=1})')],
                "command": ["dnsdist", "--supervised", "--disable-syslog", "-C", "@CONF@"],
                "queries": "CLIENT_QUERY", "responses": "CLIENT_RESPONSE"},
    "pdns_recursor": {"number": 19, "template": "recursor.conf", "more": ["recursor.lua"],
                      "snippet": ["PowerDNS Recursor", ("logResponses=true", "logResponses=true, reopenInterval=1")],
                      "command": ["pdns_recursor", "--config-dir=@DIR@"],
                      "queries": "RESOLVER_QUERY", "responses": "RESOLVER_RESPONSE", "tries": 4},
    "kresd": {"number": 20, "template": "kresd.conf", "snippet": ["Knot Resolver"], "command": ["kresd", "-n", "-c", "@CONF@", "@DIR@"],
              "queries": "CLIENT_QUERY", "responses": "CLIENT_RESPONSE"},
}


def prepare():
    """Addresses of servers and of their clients, on lo."""
    commands = ["link set lo up"]
    commands += [f"addr add {v4(n)}/32 dev lo" for n in range(1, 31)]
    commands += [f"addr add 192.0.2.{n}/32 dev lo" for n in range(10, 20)]
    commands += [f"-6 addr add {v6(n)}/128 dev lo nodad" for n in range(1, 31)]
    for command in commands:
        subprocess.run(["ip", *command.split()], check=False, capture_output=True)


def snippet(title, *changes):
    """The lines for a server's configuration that README gives, changed by pairs of text and text instead."""
    found = re.search(rf"^\*\*{re.escape(title)}\*\*.*?\n```\w*\n(.*?)^```$", (ROOT / "README.md").read_text(),
                      re.MULTILINE | re.DOTALL)
    assert found, f"README has no snippet for {title}"
    text = found[1]
    for old, new in changes:
        equal(text.count(old), 1, f"how often {old!r} is in README's snippet for {title}")
        text = text.replace(old, new)
    return text.rstrip("\n")


def named_and_placed(text):
    """README's path and name are those of the test."""
    return text.replace("/run/spile/dnstap.sock", "@TAP@").replace("ns1", "@NAME@")


class Server:
    """One DNS server: configured from its template, started, asked, killed, started again."""

    def __init__(self, bench, kind, tap="", number=None, changes=(), ready=0, **words):
        """changes: of README's snippet, besides those of the table. ready: the response code by which
        it shows that it is there."""
        self.ready = ready
        self.bench, self.kind, self.row = bench, kind, SERVERS[kind]
        self.number = number or self.row["number"]
        self.folder = bench.path(f"{kind}-{self.number}")
        self.folder.mkdir()
        self.words = {"DIR": self.folder, "LAB": LAB, "V4": v4(self.number), "V6": v6(self.number), "TAP": tap,
                      "NAME": f"{kind}-{self.number}", "CONF": self.folder / self.row["template"],
                      "SERVER": f"{v4(AUTHORITY)}:53", **words}
        if "snippet" in self.row:
            title, *own = self.row["snippet"]
            self.words = {"SNIPPET": named_and_placed(snippet(title, *changes, *own)), **self.words}
        for template in [self.row["template"], *self.row.get("more", [])]:
            (self.folder / template).write_text(self.fill((LAB / template).read_text()))
        self.start()

    def fill(self, text):
        for key, value in self.words.items():
            text = text.replace(f"@{key}@", str(value))
        return text

    def start(self):
        command = [self.fill(word) for word in self.row["command"]]
        self.process = self.bench.start(command, name=f"{self.kind}-{self.number}")
        wait_for(f"{self.kind} answers", self.answers, 20)

    def answers(self):
        assert self.process.running(), f"{self.kind} ended: {self.process.err[-1500:]}"
        reply = reply_to(self.number, "ns.lab.", seconds=0.3)
        return reply and (reply[3] & 15 == self.ready)

    def restart(self, number=signal.SIGKILL):
        if number == signal.SIGKILL:
            self.process.kill()
        else:
            self.process.stop(number)
        self.start()


# One authority serves all tests of a run: the first to need it starts it, the runner ends it.
_authority_lock = threading.Lock()
_authority = []


def authority():
    with _authority_lock:
        if not _authority:
            if not shutil.which("knotd"):
                raise Skip("knotd not installed (the lab's authority)")
            bench = Bench("authority")
            _authority.append(bench)
            Server(bench, "authority")
    assert _authority[0].processes[0].running(), "the lab's authority is not running"


def close():
    """Not every way into a namespace ends its processes."""
    for bench in _authority:
        bench.close()


def question(name, qtype, ident, edns=True):
    """The bytes of a query."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0) if edns else b""
    return struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 1 if edns else 0) + labels + b"\0" + \
        struct.pack("!HH", qtype, 1) + opt


def reply_to(number, name, seconds=1.0, qtype=1):
    """One query over UDP; the bytes of its answer, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(seconds)
        sock.connect((v4(number), 53))
        try:
            sock.send(question(name, qtype, 4711))
            reply = sock.recv(4096)
        except OSError:
            return None
    return reply if reply[:2] == b"\x12\x67" else None


def ask(number, name, seconds=1.0, qtype=1):
    """One query over UDP; True when an answer with an address came."""
    reply = reply_to(number, name, seconds, qtype)
    return bool(reply) and reply[3] & 15 == 0 and reply[7] > 0


def rcode(number, name, seconds=1.0):
    """One query over UDP; the response code of its answer, or None."""
    reply = reply_to(number, name, seconds)
    return reply[3] & 15 if reply else None


def ask_tcp(number, names):
    """Queries over one TCP connection; how many were answered."""
    answered = 0
    with socket.create_connection((v4(number), 53), timeout=limit(5)) as sock:
        stream = sock.makefile("rb")
        for ident, name in enumerate(names):
            wire = question(name, TYPES[ident % len(TYPES)], ident)
            sock.sendall(struct.pack("!H", len(wire)) + wire)
            size = stream.read(2)
            answered += len(stream.read(int.from_bytes(size, "big"))) > 12
    return answered


class Unanswered(AssertionError):
    """A server that had no room for a query over UDP, which nobody sends again."""


def load(number, tag, count=300, rate=250):
    """Sends `count` queries for names of their own, each once, evenly paced: four of six over IPv4,
    one over IPv6, one over TCP. Returns how many were sent; all of them must be answered, or it
    raises Unanswered."""
    names = [f"q{i}-{tag}.load.lab." for i in range(count)]
    tcp_names = names[::6]
    udp_names = [n for i, n in enumerate(names) if i % 6]
    socks = []
    for family, source, target in [(socket.AF_INET, f"192.0.2.{10 + k}", v4(number)) for k in range(4)] + \
                                  [(socket.AF_INET6, v6(30), v6(number))]:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.bind((source, 0))
        sock.connect((target, 53))
        socks.append(sock)
    waiting = set()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(ask_tcp(number, tcp_names)))
    thread.start()
    begin = time.monotonic()
    for i, name in enumerate(udp_names):
        lane = i % len(socks)
        socks[lane].send(question(name, TYPES[i % len(TYPES)], i))
        waiting.add((lane, i))
        collect(socks, waiting, max(0.0, begin + (i + 1) / rate - time.monotonic()))
    end = time.monotonic() + limit(5)
    while waiting and time.monotonic() < end:
        collect(socks, waiting, 0.05)
    thread.join()
    for sock in socks:
        sock.close()
    if waiting or answers != [len(tcp_names)]:
        raise Unanswered(f"server {number} left {len(waiting)} of {len(udp_names)} unanswered over UDP; TCP {answers}")
    return count


def collect(socks, waiting, seconds):
    """Takes the answers that come within so long."""
    end = time.monotonic() + seconds
    while True:
        for sock in readable(socks, max(0.0, end - time.monotonic())):
            waiting.discard((socks.index(sock), int.from_bytes(sock.recv(4096)[:2], "big")))
        if time.monotonic() >= end:
            return


_tags = itertools.count()


def tag(word):
    """A label that no other query of this run carries."""
    return f"{word}{next(_tags)}x"


def await_flow(server, spile, seconds=30):
    """Asks until events come, then until a whole burst is seen: some servers hold a connection per
    thread, and all of these must be there before anything is counted."""
    queries = server.row["queries"]

    def flows():
        word = tag("probe")
        for i in range(12):
            ask(server.number, f"p{i}-{word}.load.lab.")
        end = time.monotonic() + 1.2 * Bench.patience
        while time.monotonic() < end:
            if spile.count(word, queries) >= 12:
                return True
            time.sleep(0.02)
        return False
    wait_for(f"events of {server.kind} arrive", flows, seconds)


def complete(server, spile, word, sent):
    """Every query and every response of a load was decoded."""
    wanted = [server.row["queries"], server.row["responses"], *server.row.get("upstream", [])]
    return all(spile.count(word, message) >= sent for message in wanted)


def check_identity(server, spile):
    """Its events bear the name that README's snippet gives it."""
    names = {event["identity"] for event in spile.events()}
    equal(names, {server.words["NAME"]}, f"identities of {server.kind}")


def check_exact(server, spile, word, count=300):
    """Paced load, then the decoded counts against what was sent."""
    row = server.row
    # Servers drop what their own buffers have no room for, which on a busy machine they do, be it queries or
    # events: each gets some tries, every one at half the pace. A server with a connection per thread learns of a collector's death
    # thread by thread, each with its next event, which is lost: such a one gets more.
    tries = row.get("tries", 3)
    for attempt in range(tries):
        name = f"{word}{attempt}y"
        try:
            sent = load(server.number, name, count, 250 / 2 ** min(attempt, 3))
        except Unanswered:
            if attempt + 1 == tries:
                raise
            continue
        end = time.monotonic() + 5 * Bench.patience  # then another try: what was lost does not come any more
        while not complete(server, spile, name, sent) and time.monotonic() < end:
            time.sleep(0.05)
        if complete(server, spile, name, sent):
            break
    for message in [row["queries"], row["responses"], *row.get("upstream", [])]:
        got = spile.count(name, message)
        exact = message.startswith(("CLIENT", "AUTH"))
        assert got == sent if exact else got >= sent, f"{message} of {server.kind}: {got}, sent {sent}"


def full_round(bench, server, spile, relisten):
    """What every server must do: connect, be counted exactly, survive the death of either side."""
    await_flow(server, spile)
    check_exact(server, spile, tag("first"))
    check_identity(server, spile)
    spile.kill()
    spile = relisten()
    await_flow(server, spile)
    check_exact(server, spile, tag("second"), 60)
    server.restart()
    await_flow(server, spile)
    check_exact(server, spile, tag("third"), 60)
    equal(spile.stop(), 0, "exit status of spile after SIGTERM")
    ledger = spile.ledger()
    equal(ledger["received"], ledger["delivered"], "ledger: everything received was delivered")
    equal(ledger["delivered"], len(spile.events()), "ledger: delivered against lines printed")
