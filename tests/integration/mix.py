#!/usr/bin/env python3
"""A mix of traffic whose every number is known: mix.py FILE

What one resolver is asked and what it asks others, as frames, and each of them as `spile read` shows it (the
keys of test_api.FIELDS), so that the truth can be counted from these without the program. The mix is the
operator's: 1,000 questions of 50 clients, of which 30 % get NXDOMAIN, and 300 look-ups upstream.
"""
import collections
import functools
import pathlib
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import fstrm  # noqa: E402  (found through sys.path)

QUESTIONS, LOOKUPS, CLIENTS, TIMEOUTS = 1000, 300, 50, 12
CODES = {"NOERROR": 0, "SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}
TYPES = {"A": 1, "MX": 15, "AAAA": 28}
PROTOCOLS = {"UDP": 1, "TCP": 2, "DOT": 3}
RESOLVER = "192.0.2.53"
FLAGS = {"qr": 0x8000, "aa": 0x400, "tc": 0x200, "rd": 0x100, "ra": 0x80, "z": 0x40, "ad": 0x20, "cd": 0x10}
SIDES = "client", "upstream"
UDP_SIZES = 1232, 512, 4096, 1232, 1400, 1452, 1232, 0, 4095, 1280


def side_of(event):
    """The side of an event that was read."""
    return SIDES[event["message"].startswith(("RESOLVER", "FORWARDER", "STUB", "TOOL"))]


def is_nodata(event):
    """A mix knows it; of captures it is told from referrals by the header."""
    if "nodata" in event:
        return event["nodata"]
    nothing = event["type"] == "response" and event["rcode"] == "NOERROR" and event["ancount"] == 0 and event["qdcount"]
    whole = nothing and event["qr"] and not event["tc"] and event["opcode"] == "QUERY"
    return bool(whole and (event["aa"] or event["ra"] or event["nscount"] == 0))


def udp_size(size):
    """The name of a size that EDNS allows."""
    return str(max(size, 512)) if max(size, 512) in (512, 1232, 1400, 1452, 4096) else "other"


def address(text):
    return bytes(map(int, text.split(".")))


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


def outcome(i, parts):
    """The i-th of outcomes that come in these parts of 100, spread evenly."""
    at = i * 37 % 100
    for word, part in parts.items():
        if at < part:
            return word
        at -= part
    raise AssertionError(parts)


class Exchange:
    """A question, and its answer where there is one."""

    def __init__(self, number, upstream, **of):
        self.number, self.upstream = number, upstream
        self.code, self.tc = "NOERROR", False
        self.__dict__.update(of)
        self.kind = "RESOLVER" if upstream else "CLIENT"
        self.udp_size, self.version = UDP_SIZES[number % 7 * number % 10], int(number % 50 == 49)

    def message(self, response):
        """The DNS message."""
        answers, referrals = int(response and self.code == "NOERROR"), int(response and self.code == "REFERRAL")
        flags = FLAGS["rd"] * (not self.upstream)
        if response:
            authority = FLAGS["aa"] * (self.code != "REFERRAL")
            flags |= FLAGS["qr"] | FLAGS["tc"] * self.tc | (authority if self.upstream else FLAGS["ra"]) | CODES.get(self.code, 0)
        question = wire_name(self.name) + struct.pack("!HH", TYPES[self.type], 1)
        data = {"A": b"\xc6\x12\0\1", "AAAA": b"\x20\1\x0d\xb8" + bytes(12), "MX": b"\0\x0a\xc0\x0c"}[self.type]
        record = b"\xc0\x0c" + struct.pack("!HHIH", TYPES[self.type], 1, 60, len(data)) + data
        option = b"\0" + struct.pack("!HHIH", 41, self.udp_size, self.version << 16 | (0x8000 if self.do else 0), 0)
        server = b"\xc0\x0c" + struct.pack("!HHIH", 2, 1, 60, 5) + b"\2ns\xc0\x0c"
        return struct.pack("!6H", self.number & 0xffff, flags, 1, answers, referrals, 1) + question + record * answers + \
            server * referrals + option

    def frame(self, response):
        types = {("CLIENT", False): 5, ("CLIENT", True): 6, ("RESOLVER", False): 3, ("RESOLVER", True): 4}
        of = {"mtype": types[self.kind, response], "identity": self.identity, "protocol": PROTOCOLS[self.protocol],
              "query_address": address(self.client), "response_address": address(self.server),
              "query_port": 1024 + self.number}
        asked, nanos = divmod(self.asked_ns, 10**9)
        if not response:
            return fstrm.message(self.message(False), seconds=asked, nanos=nanos, **of)
        answered, answered_nanos = divmod(self.asked_ns + self.latency_ns, 10**9)
        return fstrm.answer(self.message(True), seconds=answered, nanos=answered_nanos, asked=asked, asked_nanos=nanos, **of)

    def event(self, response):
        """As `spile read` shows it; "nodata" besides."""
        message = self.message(response)
        flags, questions, answers, authority = struct.unpack("!4H", message[2:10])
        shown = self.code if response and self.code in CODES else "NOERROR"
        return {"identity": self.identity.decode(), "qname": self.name, "rrtype": self.type, "query-ip": self.client,
                "response-ip": self.server, "latency": self.latency_ns / 1e9 if response else None,
                "message": f"{self.kind}_{'RESPONSE' if response else 'QUERY'}", "family": "INET",
                "protocol": self.protocol, "length": len(message), "type": "response" if response else "query",
                "rcode": shown, "edns-rcode": shown, "edns-do": self.do, "edns-udp-size": self.udp_size,
                "edns-version": self.version, "opcode": "QUERY", "malformed": None,
                "qdcount": questions, "ancount": answers, "nscount": authority,
                "nodata": response and self.code == "NODATA",
                **{name: bool(flags & bit) for name, bit in FLAGS.items()}}


class Mix:
    """The exchanges of one resolver, the first of them so many seconds ago."""

    def __init__(self, identity=b"mix", ago=20, questions=QUESTIONS, lookups=LOOKUPS, label="mix"):
        self.identity, self.label = identity, label
        self.begin_ns = int(time.time() - ago) * 10**9
        self.exchanges = [self.question(i) for i in range(questions)] + [self.lookup(i) for i in range(lookups)]

    def question(self, i):
        code = outcome(i, {"NXDOMAIN": 30, "NODATA": 8, "SERVFAIL": 5, "REFUSED": 2, "NOERROR": 55})
        kind = "none" if code == "NXDOMAIN" else "host"
        return Exchange(i, False, identity=self.identity, code=code, name=f"{kind}{i % 40}.{self.label}.example.",
                        type=("A", "AAAA", "A", "MX")[i // 2 % 4], client=f"198.51.100.{1 + i * i % CLIENTS}" if i % 3
                        else f"198.51.100.{1 + i // 3 % CLIENTS}", server=RESOLVER, do=i % 5 == 0,
                        protocol=("UDP", "UDP", "UDP", "TCP", "DOT")[i % 5],
                        asked_ns=self.begin_ns + i * 10**6, latency_ns=(300 + i * 7919 % 18000) * 1000)

    def lookup(self, i):
        code = outcome(i, {"NXDOMAIN": 20, "NODATA": 10, "SERVFAIL": 10, "REFERRAL": 10, "NOERROR": 50})
        latency = None if i % 25 == 24 else (2000 + i * 6007 % 56000) * 1000
        return Exchange(2000 + i, True, identity=self.identity, code=code, name=f"zone{i % 30}.{self.label}.test.",
                        type=("A", "AAAA")[i // 3 % 2], client=RESOLVER, server=f"203.0.113.{1 + min(i % 13, i % 7)}",
                        do=True, protocol="TCP" if i % 20 == 0 else "UDP",
                        asked_ns=self.begin_ns + i * 3 * 10**6, latency_ns=latency)

    @functools.cached_property
    def parts(self):
        """(exchange, response) in the order of their times."""
        all_parts = [(e, response) for e in self.exchanges for response in (False, True)
                     if not response or e.latency_ns is not None]
        return sorted(all_parts, key=lambda p: p[0].asked_ns + (p[0].latency_ns if p[1] else 0))

    def frames(self):
        return [exchange.frame(response) for exchange, response in self.parts]

    @functools.cached_property
    def _events(self):
        events = [exchange.event(response) for exchange, response in self.parts]
        return {None: events, **{side: [e for e in events if side_of(e) == side] for side in SIDES}}

    def events(self, side=None):
        """Made once, for the truth of every answer: not to be changed."""
        return self._events[side]

    def codes(self, side):
        """How many responses there are by outcome; NODATA and referrals are told from NOERROR."""
        return collections.Counter(e.code for e in self.exchanges
                                   if e.upstream == (side == "upstream") and e.latency_ns is not None)


def check_read(events, read):
    """Whether the mix is shown as it says."""
    def form(event):
        latency = event["latency"]
        return {key: event[key] for key in sorted(events[0].keys() - {"nodata", "latency"})} | {
            "latency": None if latency is None else round(latency, 6)}
    for mine, shown in zip(events, read, strict=True):
        assert form(mine) == form(shown), (mine, shown)


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + b"".join(
        fstrm.data(frame) for frame in Mix().frames()) + fstrm.control(fstrm.STOP))
