"""What dnstap-receiver 4.7.0 counts, written from its description: so that the program is not its own
judge."""
import collections
import functools
import pathlib
import socket
import struct

LIST = pathlib.Path("/usr/share/publicsuffix/public_suffix_list.dat")
MESSAGES = 14
PROTOCOLS = ["udp", "tcp", "dot", "doh", "dnscryptudp", "dnscrypttcp", "doq"]
RCODES = ["noerror", "formerr", "servfail", "nxdomain", "noimp", "refused", "yxdomain", "yxrrset", "nxrrset",
          "notauth", "notzone", "dsotypeni", "-", "-", "-", "-"]
TYPES = dict(enumerate(
    "none a ns md mf cname soa mb mg mr null wks ptr hinfo minfo mx txt rp afsdb x25 isdn rt nsap nsap_ptr sig key "
    "px gpos aaaa loc nxt".split())) | {
    33: "srv", 35: "naptr", 36: "kx", 37: "cert", 38: "a6", 39: "dname", 41: "opt", 42: "apl", 43: "ds", 44: "sshfp",
    45: "ipseckey", 46: "rrsig", 47: "nsec", 48: "dnskey", 49: "dhcid", 50: "nsec3", 51: "nsec3param", 52: "tsla",
    53: "smimea", 55: "hip", 56: "ninfo", 59: "cds", 60: "cdnskey", 61: "openpgpkey", 62: "csync", 64: "svcb",
    65: "https", 99: "spf", 103: "unspec", 108: "eui48", 109: "eui64", 249: "tkey", 250: "tsig", 251: "ixfr",
    252: "axfr", 253: "mailb", 254: "maila", 255: "any", 256: "uri", 257: "caa", 258: "avc", 259: "amtrelay",
    32768: "ta", 32769: "dlv"}
LATENCIES = [(0.001, "latency0_1"), (0.010, "latency1_10"), (0.050, "latency10_50"), (0.100, "latency50_100"),
             (1.000, "latency100_1000"), (float("inf"), "latency_slow")]
RATES = ("qps", "rps", "pps")


@functools.cache
def tlds():
    """The top-level domains of the public suffix list."""
    found = set()
    for line in LIST.read_text(encoding="utf-8").split("===END ICANN DOMAINS===")[0].splitlines():
        rule = line.strip().removeprefix("!").removeprefix("*.")
        if rule and not rule.startswith("//") and "." not in rule:
            found.add(rule.encode("idna").decode())
    return found


def fields(message):
    """The fields of a protobuf message: {number: value}."""
    at, found = 0, {}

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            value = varint()
        elif key & 7 == 5:
            value = struct.unpack_from("<I", message, at)[0]
            at += 4
        elif key & 7 == 2:
            length = varint()
            value = message[at:at + length]
            at += length
        else:
            raise ValueError(f"wire type {key & 7}")
        found[key >> 3] = value
    return found


def first_of(value, last):
    return value if 1 <= value <= last else 1


def address(family, raw):
    if family == 1 and len(raw) == 16:
        raw = raw[12:]
    if not raw:
        return "-"
    return socket.inet_ntop(socket.AF_INET if family == 1 else socket.AF_INET6, raw)


def name_and_type(dns):
    """Of the first question, any length byte taken as one."""
    if dns[4:6] == b"\0\0":
        return "-", "-"
    at, labels = 12, []
    while at < len(dns) and dns[at]:
        labels.append(dns[at + 1:at + 1 + dns[at]])
        at += 1 + dns[at]
    name = b".".join(labels).decode("utf-8", "ignore") + "."
    rest = dns[at:]
    number = int.from_bytes(rest[1:3], "big") if len(rest) >= 5 else 0
    return name, TYPES.get(number, "-")


class Stream:
    """What is counted of one identity."""

    def __init__(self):
        self.counters = {kind: collections.Counter() for kind in
                         ("plain", "proto", "rcode", "rrtype", "tld")}
        self.names = {"query": {}, "response": {}}
        self.clients = {}
        self.last = "query"


class Model:
    """Events one after the other, in the order of arrival."""

    def __init__(self):
        self.tlds = tlds()
        self.streams = {}
        self.asked = {}  # of the latency

    def frame(self, frame):
        """Counts a frame; what 4.7.0 would not have taken is left out."""
        tap = fields(frame)
        message = fields(tap.get(14, b""))
        number = first_of(message.get(1, 1), MESSAGES)
        direction = "query" if number % 2 else "response"
        family = first_of(message.get(2, 1), 2)
        identity = tap.get(1, b"").decode() or "-"
        client = address(family, message.get(4, b""))
        dns = message.get(10 if direction == "query" else 14, b"")
        if len(dns) < 12:
            return
        seconds, nanos = (8, 9) if direction == "query" else (12, 13)
        stamp = message.get(seconds, 0) + message.get(nanos, 0) * 1e-9
        latency = self.latency(message, dns, direction, stamp)
        stream = self.streams.setdefault(identity, Stream())
        protocol = PROTOCOLS[first_of(message.get(3, 1), len(PROTOCOLS)) - 1]
        self.count(stream, direction, dns, client, latency, [protocol, ["inet", "inet6"][family - 1]])

    def latency(self, message, dns, direction, stamp):
        key = (message.get(4, b""), message.get(6, 0), dns[:2])
        if not key[0] or not key[1]:
            return None
        if direction == "query":
            self.asked[key] = stamp
            return None
        return round(stamp - self.asked[key], 3) if key in self.asked else None

    def count(self, stream, direction, dns, client, latency, words):
        name, rrtype = name_and_type(dns)
        rcode, name, length = RCODES[dns[3] & 15], name.lower(), len(dns)
        tld = next((part for part in reversed(name.rsplit(".", 2)) if part in self.tlds), None)
        plain, proto = stream.counters["plain"], stream.counters["proto"]
        plain[direction] += 1
        plain[f"{direction}/bytes"] += length
        if latency is not None:
            plain[f"{direction}/{next(word for limit, word in LATENCIES if latency <= limit)}"] += 1
        for word in words:
            proto[f"{direction}/{word}"] += 1
        stream.counters["rcode"][f"{direction}/{rcode}"] += 1
        stream.counters["rrtype"][f"{direction}/{rrtype}"] += 1
        if tld:
            stream.counters["tld"][f"{direction}/{tld}"] += 1
        row = stream.names[direction].setdefault(name, collections.Counter())
        row.update({"hit": 1, "length": length})
        row.update({rcode: 1})
        row.update({rrtype: 1})
        stream.clients.setdefault(client, collections.Counter()).update({"hit": 1, "length": length})
        stream.last = direction

    def of(self, stream):
        """The streams that a request is about; all for None."""
        return list(self.streams.values()) if stream is None else [self.streams[stream]]

    def kind(self, kind, stream=None):
        return sum((s.counters[kind] for s in self.of(stream)), collections.Counter())

    def counters(self, stream=None):
        """Every counter that is not zero, but rates."""
        some = self.of(stream)
        all_of = sum((self.kind(kind, stream) for kind in ("plain", "proto", "rcode", "rrtype", "tld")),
                     collections.Counter())
        all_of["clients"] = len(set().union(*(s.clients for s in some)))
        if stream is None:
            all_of["domains"] = len(set().union(*(names for s in some for names in s.names.values())))
        else:
            all_of["domains"] = len(some[0].names[some[0].last])
        return all_of

    def table(self, table, flag, stream=None):
        """{name: count} of a list of /tables, whole."""
        by, direction = flag.split("/")
        if table == "clients":
            pairs = [(ip, row[by]) for s in self.of(stream) for ip, row in s.clients.items()]
        elif table == "domains":
            pairs = [(name, row[by]) for s in self.of(stream) for name, row in s.names[direction].items()]
        else:
            kind = {"tlds": "tld", "rcodes": "rcode", "rrtypes": "rrtype"}[table]
            pairs = [(key, count) for key, count in self.kind(kind, stream).items() if key.startswith(direction + "/")]
        sums = collections.Counter()
        for name, count in pairs:
            sums[name] += count
        return {name: count for name, count in sums.items() if count > 0}
