#!/usr/bin/env python3
"""The compatible formats and the latency cache against Python's own float, round, UTF-8 decoder,
json, datetime, inet_ntop, PyYAML and cachetools, over random and hostile values.

usage: compat.py HELPER [SEED]     HELPER is the program made of compat.c

Python is slow: a check tries a quarter of all that is random, or less (tests/support/share.h).
"""

import datetime
import json
import pathlib
import random
import socket
import struct
import subprocess
import sys

import yaml

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True
import share  # noqa: E402  (found through sys.path)

sys.path.append("/usr/lib/python3/dist-packages")  # where Debian puts it, for a python3 of another make
try:
    import cachetools
except ImportError:
    cachetools = None

HELPER = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
RNG = random.Random(SEED)
PARTS = share.parts(slow=4)


def ask(arguments, lines):
    """The helper's answers, one a line."""
    done = subprocess.run([HELPER, *arguments], input="\n".join(lines) + "\n", text=True,
                          stdout=subprocess.PIPE, check=True)
    answers = done.stdout.split("\n")[:-1]
    assert len(answers) == len(lines), (arguments, len(answers), len(lines))
    return answers


def compare(what, asked, answers, expected):
    for question, answer, wanted in zip(asked, answers, expected):
        if answer != wanted:
            sys.exit(f"{what}: for {question!r}\n  Python says {wanted!r}\n  ours says   {answer!r}")
    print(f"{what}: {len(asked)} agree")


# Values.

def rounds(count):
    return range(count // PARTS)


def random_double():
    kind = RNG.randrange(9)
    if kind == 0:  # any bits
        while True:
            value = struct.unpack("<d", RNG.randbytes(8))[0]
            if value == value and abs(value) != float("inf"):
                return value
    if kind == 1:
        return RNG.choice((1, -1)) * 2.0 ** RNG.randrange(-80, 80)
    if kind == 2:
        return RNG.randrange(2 ** 32) + RNG.randrange(10 ** 9) * 1e-9
    if kind == 3:
        return 1700000000 + RNG.randrange(10 ** 9) * 1e-9
    if kind == 4:
        return RNG.randrange(-10 ** 6, 10 ** 6) / 1000
    if kind == 5:  # ties and their neighbours
        return RNG.randrange(2 ** 50) + RNG.randrange(64) / 64
    if kind == 7:
        return RNG.choice((RNG.randrange(10 ** 9) * 1e-9, RNG.random(), RNG.randrange(10 ** 9) / 1e9))
    if kind == 6:
        return RNG.randrange(10 ** 18) / 10 ** RNG.randrange(0, 25)
    return RNG.randrange(2 ** 64) * 1.0


def bits_of(value):
    return struct.pack(">d", value).hex()


def random_bytes(longest):
    kind = RNG.randrange(6)
    size = RNG.randrange(1, longest)
    if kind == 0:
        return RNG.randbytes(size)
    if kind == 1:
        return "".join(chr(RNG.choice((RNG.randrange(0x80), RNG.randrange(0x800),
                                       RNG.randrange(0xe000, 0x10000),
                                       RNG.randrange(0x10000, 0x110000))))
                       for _ in range(size)).encode()
    alphabet = RNG.choice((
        b"ab \n", b"a: #-?'\"", b"0123456789", b"01579:._-+eExTZ", b"\xe0\xed\xf0\xf4\x80\x9f\xa0\xbf\xc2a",
        b"abcdefghijklmnopqrstuvwxyz0123456789-", b" \\\"'\x1b\x7f\t", b"aaaaaaaaaaaaa b", b"\xc2\x85\xa0 a",
        b"\xe2\x80\xa8\xa9 \n", b"\xef\xbb\xbf\xbe a"))
    return bytes(RNG.choice(alphabet) for _ in range(size))


WORDS = """yes Yes YES yEs no NO on On off OFF true True fALSE false null Null NULL nULL ~ = << < y n - -- --- ---a
... ...a .. . .. ? ?a : :a a: a:b 1 12 0 00 017 018 0b1 0b2 0b 0x 0x1F 0xg 1_000 _1 +1 -1 + 1. 1.5 1.5e3 1.5e+3
1.e-3 .5 +.5 .5e+1 .5e1 . .inf +.inf -.Inf .INF .iNf .nan .NaN .Nan .NAN -.nan 1:20 1:60 1:5:59 01:20 01:20.5
1:20.5_ 1:2:3:4:5:6:7:8 2023-01-01 2023-1-1 2023-01-1 2023-1-1t1:02:03 2023-01-01T01:02:03.45Z
2023-01-01T01:02:03+1 2023-01-01T01:02:03-01:00 2023-01-01T01:02:03+001 20230101 1e3 1e16 ::1 :: 2001:db8::
it's "q" 'q' !x &x *x #x a#b %x @x `x [x ]x {x }x |x >x ,x a,b /x \\x $x (x ;x ^x""".split() + [
    "2023-01-01 01:02:03", "2023-01-01  1:02:03 +1:00", "2023-01-01 1:02:03 ", "2023-01-01 01:02", "a: b",
    "a #b", "# a", " a", "a ", "- a", "? a", ": a", "\n", "a\n", "\na", "a\n\nb", "a \nb", "a\n b", "yes\n"]


def random_text(longest):
    if RNG.randrange(3) == 0:
        return RNG.choice(WORDS)
    return random_bytes(longest).decode(errors="ignore") or "x"


# Pieces.

def check_floats():
    values = [0.0, -0.0, 1e16, 1e15, 9999999999999998.0, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308,
              2.0 ** -44, 562949953421312.25, 0.1, 0.001, 0.9999]
    values += [random_double() for _ in rounds(60000)]
    asked = [bits_of(value) for value in values]
    compare("repr(float)", asked, ask(["float"], asked), [repr(value) for value in values])
    values = [value for value in values if abs(value) < 1e300]
    values += [RNG.randrange(-10 ** 7, 10 ** 7) / 10000 for _ in rounds(20000)]
    values += [RNG.randrange(-10 ** 7, 10 ** 7) / 16 / 1000 * 1000 / 125 for _ in rounds(20000)]
    asked = [bits_of(value) for value in values]
    compare("round(x, 3)", asked, ask(["round3"], asked), [bits_of(round(value, 3)) for value in values])


def decodes(text):
    try:
        text.decode()
    except UnicodeDecodeError:
        return 0
    return 1


def check_utf8():
    values = [random_bytes(24) for _ in rounds(40000)]
    values += [bytes((a, b, c, 0x80)) for a in range(0x7e, 256) for b in (0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0)
               for c in (0x41, 0x80, 0xff)]
    asked = [value.hex() for value in values]
    expected = [f"{value.decode(errors='ignore').encode().hex()} {decodes(value)}" for value in values]
    compare("bytes.decode", asked, ask(["utf8"], asked), expected)


def check_yaml():
    key = "k" * 9
    values = WORDS + [random_text(RNG.choice((8, 40, 200, 400))) for _ in rounds(12000)]
    asked = [f"{value.encode().hex()} {len(key) + 1}" for value in values]
    expected = [yaml.dump({key: value})[len(key) + 1:-1].encode().hex() for value in values]
    compare("yaml.dump", asked, ask(["scalar"], asked), expected)


def check_cache():
    if cachetools is None:
        print("cachetools is not installed: its cache was not compared")
        return
    for capacity, lifetime in ((1, 5), (3, 20), (50, 100), (50, 10000), (1000, 400)):
        now = 0
        cache = cachetools.TTLCache(capacity, lifetime, timer=lambda: now)
        asked, expected = [], []
        for i in rounds(20000):
            now += RNG.choice((0, 0, 1, 2, RNG.randrange(40)))
            key = RNG.randrange(capacity * 2 + 2)
            if RNG.randrange(2):
                cache[key] = i
                asked.append(f"set {key} {i} {now}")
                expected.append("")
            else:
                asked.append(f"get {key} {now}")
                expected.append(str(cache[key]) if key in cache else "-")
        compare(f"TTLCache({capacity}, {lifetime})", asked,
                ask(["cache", str(capacity), str(lifetime)], asked), expected)


# Frames.

def varint(value):
    out = b""
    while value > 0x7f:
        out += bytes((value & 0x7f | 0x80,))
        value >>= 7
    return out + bytes((value,))


def encode(fields):
    """Protobuf of (number, kind, value) rows; kind is the wire type."""
    out = b""
    for number, kind, value in fields:
        out += varint(number << 3 | kind)
        if kind == 0:
            out += varint(value)
        elif kind == 5:
            out += struct.pack("<I", value)
        else:
            out += varint(len(value)) + value
    return out


def wire_name():
    kind = RNG.randrange(6)
    if kind == 0:
        return RNG.randbytes(RNG.randrange(12))
    if kind == 1:
        text = RNG.choice(WORDS).encode()
        return bytes((len(text),)) + text + b"\0"
    labels = [random_bytes(RNG.choice((4, 20, 63, 250)))[:255] for _ in range(RNG.randrange(7))]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def payload(ident):
    if RNG.randrange(30) == 0:
        return RNG.randbytes(RNG.randrange(14))
    rrtype = RNG.choice((RNG.randrange(66), RNG.randrange(300), RNG.randrange(32766, 32772), RNG.randrange(65536)))
    question = wire_name() + struct.pack(">HH", rrtype, 1)
    cut = RNG.randrange(len(question) + 1) if RNG.randrange(8) == 0 else len(question)
    flags = RNG.randrange(65536)
    return struct.pack(">HHHHHH", ident, flags, RNG.choice((0, 1, 1, 1, 1, 2, 256)), 0, 0, 0) + question[:cut] + \
        (RNG.randbytes(RNG.randrange(40)) if cut == len(question) else b"")


def address(family):
    size = 4 if family == 1 else 16
    value = RNG.choice((RNG.randbytes(size), bytes(size), bytes(size - 1) + b"\1", bytes(size - 2) + b"\2\1",
                        (bytes(10) + b"\xff\xff" + RNG.randbytes(4))[-size:], (bytes(12) + RNG.randbytes(4))[-size:],
                        bytes(RNG.choice((0, 0, 1)) * RNG.randrange(256) for _ in range(size))))
    if family == 1 and RNG.randrange(5) == 0:
        value = RNG.randbytes(12) + value
    return value if RNG.randrange(60) else RNG.randbytes(RNG.randrange(20))


class Message:
    """A random message: what is on the wire, None being absent."""

    def __init__(self):
        def maybe(value, share=20):
            return None if RNG.randrange(share) == 0 else value
        self.identity = maybe(RNG.choice((b"dns1", b"ns-1.example", random_bytes(30), random_text(100).encode())), 4)
        self.kind = maybe(RNG.choice((RNG.randrange(1, 15), RNG.randrange(1, 15), RNG.randrange(20), 5, 6, 5, 6)))
        self.family = maybe(RNG.choice((1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 0, 3)))
        self.protocol = maybe(RNG.randrange(10))
        family = 2 if self.family == 2 else 1
        peers = ((b"\x0a\0\0\1", b"\x0a\0\0\2"), (bytes(15) + b"\1", b"\x20\1\x0d\xb8" + bytes(11) + b"\1"))
        self.query_address = maybe(RNG.choice((*peers[family - 1], address(family))))
        self.response_address = maybe(address(family))
        self.query_port = maybe(RNG.choice((53, 40000, 40001, 0, RNG.randrange(1 << 32))))
        self.response_port = maybe(RNG.choice((53, 853, 0, RNG.randrange(65536))))
        self.times = [maybe(self.time(part)) for part in "snsn"]
        ident = RNG.choice((1, 2, RNG.randrange(65536)))
        self.query = maybe(payload(ident), 4)
        self.response = maybe(payload(ident), 4)

    @staticmethod
    def time(part):
        if part == "n":
            return RNG.choice((0, RNG.randrange(10 ** 9), RNG.randrange(10 ** 6) * 1000, RNG.randrange(1 << 32)))
        return RNG.choice((0, 1700000000, 1700000000 + RNG.randrange(200), RNG.randrange(1 << 38),
                           RNG.choice((253402300799, 253402300800, 1 << 63, (1 << 64) - 1))))

    def frame(self):
        rows = [(1, 0, self.kind), (2, 0, self.family), (3, 0, self.protocol), (4, 2, self.query_address),
                (5, 2, self.response_address), (6, 0, self.query_port), (7, 0, self.response_port),
                (8, 0, self.times[0]), (9, 5, self.times[1]), (10, 2, self.query), (12, 0, self.times[2]),
                (13, 5, self.times[3]), (14, 2, self.response)]
        inner = encode(row for row in rows if row[2] is not None)
        outer = [(1, 2, self.identity), (14, 2, inner), (15, 0, 1)]
        return encode(row for row in outer if row[2] is not None)


# What dnstap-receiver prints, said in Python's own terms.

TYPES = """AUTH_QUERY AUTH_RESPONSE RESOLVER_QUERY RESOLVER_RESPONSE CLIENT_QUERY CLIENT_RESPONSE FORWARDER_QUERY
FORWARDER_RESPONSE STUB_QUERY STUB_RESPONSE TOOL_QUERY TOOL_RESPONSE UPDATE_QUERY UPDATE_RESPONSE""".split()
FAMILIES = ["INET", "INET6"]
PROTOCOLS = "UDP TCP DOT DOH DNSCryptUDP DNSCryptTCP DOQ".split()
RCODES = """NOERROR FORMERR SERVFAIL NXDOMAIN NOIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE DSOTYPENI
- - - -""".split()
RRTYPES = dict(enumerate("""NONE A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP
NSAP_PTR SIG KEY PX GPOS AAAA LOC NXT""".split()))
RRTYPES.update({33: "SRV", 35: "NAPTR", 36: "KX", 37: "CERT", 38: "A6", 39: "DNAME", 41: "OPT", 42: "APL", 43: "DS",
                44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 49: "DHCID", 50: "NSEC3",
                51: "NSEC3PARAM", 52: "TSLA", 53: "SMIMEA", 55: "HIP", 56: "NINFO", 59: "CDS", 60: "CDNSKEY",
                61: "OPENPGPKEY", 62: "CSYNC", 64: "SVCB", 65: "HTTPS", 99: "SPF", 103: "UNSPEC", 108: "EUI48",
                109: "EUI64", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 254: "MAILA",
                255: "ANY", 256: "URI", 257: "CAA", 258: "AVC", 259: "AMTRELAY", 32768: "TA", 32769: "DLV"})


class Dropped(Exception):
    pass


def first_if_unknown(names, number):
    return names[number - 1] if number and number <= len(names) else names[0]


def address_text(value, family):
    if not value:
        return "-"
    if family == "INET" and len(value) == 16:
        value = value[-4:]
    try:
        return socket.inet_ntop(socket.AF_INET if family == "INET" else socket.AF_INET6, value)
    except ValueError:
        raise Dropped("malformed") from None


def question(message):
    """Labels by their length bytes alone, and the type behind them."""
    labels, at = [], 12
    while at < len(message) and message[at]:
        labels.append(message[at + 1:at + 1 + message[at]])
        at = min(at + 1 + message[at], len(message))
    name = b".".join(labels) + b"."
    rrtype = int.from_bytes(message[at + 1:at + 3], "big") if len(message) - at >= 5 else 0
    return name.decode(errors="ignore"), RRTYPES.get(rrtype, "-")


def record_of(message, asked):
    """The dictionary, its keys in order; `asked` remembers the times of queries."""
    try:
        identity = message.identity.decode() if message.identity else "-"
    except UnicodeDecodeError:
        raise Dropped("malformed") from None
    kind = first_if_unknown(TYPES, message.kind)
    family = first_if_unknown(FAMILIES, message.family)
    query = kind.endswith("QUERY")
    data = (message.query if query else message.response) or b""
    record = {"identity": identity, "qname": "-", "rrtype": "-"}
    record["query-ip"] = address_text(message.query_address, family)
    record["query-port"] = message.query_port or "-"
    record["response-ip"] = address_text(message.response_address, family)
    record["response-port"] = message.response_port or "-"
    record["latency"] = "-"
    if len(data) < 12:
        raise Dropped("short")
    record.update({"message": kind, "family": family, "protocol": first_if_unknown(PROTOCOLS, message.protocol),
                   "length": len(data)})
    sec, nsec = message.times[0:2] if query else message.times[2:4]
    record["timestamp"] = (sec or 0) + (nsec or 0) * 1e-9
    record["type"] = "query" if query else "response"
    ident, flags, count = struct.unpack(">HHH", data[:6])
    key = (message.query_address, message.query_port, ident)
    if message.query_address and message.query_port:
        if query:
            asked[key] = record["timestamp"]
        elif key in asked:
            record["latency"] = round(record["timestamp"] - asked[key], 3)
    if count:
        record["qname"], record["rrtype"] = question(data)
    record["rcode"] = RCODES[flags & 15]
    record["id"] = ident
    try:
        moment = datetime.datetime.fromtimestamp(record["timestamp"], tz=datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise Dropped("malformed") from None
    record["datetime"] = moment.isoformat()
    return record


def as_text(record):
    columns = ("datetime", "identity", "message", "rcode", "query-ip", "query-port", "family", "protocol", "length",
               "qname", "rrtype", "latency")
    return " ".join(str(record[name]) + ("b" if name == "length" else "") for name in columns)


def as_terminal_text(record):
    text = as_text(record)
    return "".join(c if " " <= c <= "~" or c >= "\xa0" else "".join(f"\\{b:03}" for b in c.encode()) for c in text)


FORMATS = {"text": as_text, "text-terminal": as_terminal_text, "json": json.dumps, "json-terminal": json.dumps,
           "yaml": yaml.dump}


def check_frames():
    for name, convert in FORMATS.items():
        messages = [Message() for _ in rounds(4000 if name == "yaml" else 10000)]
        expected, asked, printed, matched = [], {}, 0, 0
        for message in messages:
            try:
                record = record_of(message, asked)
                expected.append((convert(record) + "\n").encode().hex())
                printed += 1
                matched += record["latency"] != "-"
            except Dropped as reason:
                expected.append(f"drop {reason}")
        frames = [message.frame().hex() for message in messages]
        compare(f"{name} ({printed} printed, {matched} with latency)", frames, ask([name], frames), expected)
        assert printed > len(messages) / 3 and matched > len(messages) / 50


def main():
    print(f"seed {SEED}, one of {PARTS} parts")
    check_floats()
    check_utf8()
    check_yaml()
    check_cache()
    check_frames()


main()
