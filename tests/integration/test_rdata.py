"""Record data as text that BIND's zone parser reads back as the same bytes: random and odd data of every
type that BIND has words for. (ldns reads ours back in tests/differential/dns_ldns.c.)"""
import concurrent.futures
import json
import random
import struct

import fstrm
from harness import equal, test

# By type the fields of its data, in the letters of FIELDS. Not here: what no zone holds (OPT, TSIG, TKEY,
# types of questions), and what is younger than BIND 9.18 (CLA, IPN).
TYPES = {
    "A": "4", "NS": "n", "MD": "n", "MF": "n", "CNAME": "n", "MB": "n", "MG": "n", "MR": "n", "NULL": "B",
    "WKS": "4W", "PTR": "n", "HINFO": "ss", "MINFO": "nn", "MX": "hn", "TXT": "ss", "RP": "nn", "AFSDB": "hn",
    "X25": "s", "ISDN": "ss", "RT": "hn", "NSAP": "B", "NSAP-PTR": "n", "SIG": "ybbwtthnB", "KEY": "hbbB", "PX": "hnn",
    "GPOS": "sss", "AAAA": "6", "LOC": "L", "NXT": "nX", "EID": "B", "NIMLOC": "B", "SRV": "hhhn", "ATMA": "B",
    "NAPTR": "hhsssn", "KX": "hn", "CERT": "hhbB", "A6": "B", "DNAME": "n", "SINK": "bbbB", "APL": "P", "DS": "hbbB",
    "SSHFP": "bbB", "IPSECKEY": "G", "RRSIG": "ybbwtthnB", "NSEC": "nT", "DNSKEY": "hbbB", "DHCID": "B",
    "NSEC3": "bbhsOT", "NSEC3PARAM": "bbhs", "TLSA": "bbbB", "SMIMEA": "bbbB", "HIP": "I", "NINFO": "ss", "RKEY": "hbbB",
    "TALINK": "nn", "CDS": "hbbB", "CDNSKEY": "hbbB", "OPENPGPKEY": "B", "CSYNC": "whT", "ZONEMD": "wbbB", "SVCB": "hnV",
    "HTTPS": "hnV", "SPF": "ss", "NID": "h8", "L32": "h4", "L64": "h8", "LP": "hn", "EUI48": "E", "EUI64": "8",
    "URI": "hhB", "CAA": "bCB", "AVC": "ss", "DOA": "wwbsB", "AMTRELAY": "R", "TA": "hbbB", "DLV": "hbbB"}
NUMBERS = {"SINK": 40, "TA": 32768, "DLV": 32769}
for position, word in enumerate(
        "A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAP-PTR SIG KEY PX "
        "GPOS AAAA LOC NXT EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME SINK OPT APL DS SSHFP IPSECKEY RRSIG NSEC DNSKEY "
        "DHCID NSEC3 NSEC3PARAM TLSA SMIMEA - HIP NINFO RKEY TALINK CDS CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB HTTPS"
        .split(), 1):
    NUMBERS[word] = position
for first, words in ((99, "SPF"), (104, "NID L32 L64 LP EUI48 EUI64"), (256, "URI CAA AVC DOA AMTRELAY")):
    NUMBERS.update((word, first + i) for i, word in enumerate(words.split()))
ROUNDS = 6  # for each type, and some cut or lengthened


class Odd(random.Random):
    """Bytes and fields that parsers trip over."""

    def bytes(self, *lengths):
        return bytes(self.choice((0, 255, 9, *b' ";,()\\@$a9')) if self.random() < .5 else self.randrange(256)
                     for _ in range(self.choice(lengths)))

    def number(self, size):
        return self.choice((bytes(size), b"\xff" * size, b"\x01".rjust(size, b"\0"), self.randbytes(size)))

    def counted(self, *lengths):
        text = self.bytes(*lengths)
        return bytes([len(text)]) + text

    def name(self):
        return b"".join(self.counted(1, 2, 5, 63) for _ in range(self.choice((0, 1, 1, 3)))) + b"\0"

    def wks(self):
        return self.choice(b"\x06\x11\x01\xff").to_bytes(1, "big") + self.bytes(0, 1, 4)

    def gateway(self, kind):
        return {0: b"", 1: self.bytes(4), 2: self.bytes(16), 3: self.name()}.get(kind, b"")

    def ipseckey(self):
        kind = self.randrange(5)
        return self.number(1) + bytes([kind]) + self.number(1) + self.gateway(kind) + self.bytes(0, 3)

    def amtrelay(self):
        kind = self.randrange(5)
        return self.number(1) + bytes([kind | self.choice((0, 128))]) + self.gateway(kind)

    def loc(self):
        sizes = bytes(self.choice((0x12, 0x16, 0x00, 0x05, 0x90, 0x99, 0x11)) for _ in range(3))
        places = ((1 << 31) + self.choice((0, 1, -1, way, -way, way + 1, self.randrange(-way, way)))
                  for way in (90 * 3600000, 180 * 3600000))
        return bytes([self.choice((0, 0, 0, 1))]) + sizes + struct.pack("!3I", *places, self.choice(
            (0, 10000000, 9999950, 0xffffffff, self.randrange(1 << 32))))

    def bitmap(self):
        """Windows of types that every BIND knows the names of, or that nobody has names for."""
        out = b""
        for window in self.choice(((), (0,), (0,), (0, 3), (0, 255), (3, 0), (3, 3))):
            bits = self.bytes(0, 1, 6) + self.choice((b"", b"\0", b"\1", b"\1", b"\x40"))
            out += bytes([window, len(bits)]) + bits
        return out

    def prefixes(self):
        out = b""
        for _ in range(self.choice((0, 1, 2))):
            family, size = self.choice(((1, 4), (2, 16), (3, 2)))
            address = self.bytes(*range(size + 1))
            out += struct.pack("!HBB", family, self.randrange(size * 8 + 2), len(address) | self.choice((0, 128))) + address
        return out

    def hip(self):
        tag, key = self.bytes(0, 4, 4, 4), self.bytes(0, 3, 3, 3)
        return struct.pack("!BBH", len(tag), 2, len(key)) + tag + key + self.choice((b"", self.name()))

    def parameters(self):
        keys = self.sample((0, 1, 2, 3, 4, 5, 6, 7, 667), self.choice((0, 1, 2, 3)))
        if self.random() < .9:
            keys.sort()
        out = b""
        for key in keys:
            value = {0: lambda: b"".join(struct.pack("!H", k) for k in keys if k),
                     1: lambda: b"".join(self.counted(0, 1, 2, 9) for _ in range(self.choice((0, 1, 3)))),
                     2: lambda: b"", 3: lambda: self.number(2), 4: lambda: self.bytes(0, 4, 8), 5: lambda: self.bytes(0, 5),
                     6: lambda: self.bytes(0, 16, 32), 7: lambda: b"/" + self.choice((b"", b'; "(')) + b"{?dns}",
                     667: lambda: self.bytes(0, 1, 5, 300)}[key]()
            out += struct.pack("!HH", key, len(value)) + value
        return out


FIELDS = {
    "b": lambda r: r.number(1), "h": lambda r: r.number(2), "w": lambda r: r.number(4), "t": lambda r: r.number(4),
    "y": lambda r: r.choice((b"\0\1", b"\0\x2f", b"\xff\0")), "n": Odd.name, "4": lambda r: r.bytes(4),
    "6": lambda r: r.bytes(16), "8": lambda r: r.bytes(8), "E": lambda r: r.bytes(6), "s": lambda r: r.counted(0, 1, 9, 255),
    "B": lambda r: r.bytes(0, 1, 2, 3, 20, 300), "C": lambda r: r.choice((b"\5issue", b"\1A", b"\0", b"\2a-")),
    "O": lambda r: r.counted(0, 3, 20, 20, 20), "W": Odd.wks, "G": Odd.ipseckey, "R": Odd.amtrelay, "L": Odd.loc,
    "X": lambda r: r.bytes(0, 1, 4), "T": Odd.bitmap, "P": Odd.prefixes, "I": Odd.hip, "V": Odd.parameters}


def samples(seed):
    """(type, data) of many records, none without data."""
    odd = Odd(seed)
    for word, fields in TYPES.items():
        for _ in range(ROUNDS):
            data = b"".join(FIELDS[letter](odd) for letter in fields)
            yield word, data or b"\0"
        yield word, data[:odd.randrange(len(data) + 1)] or b"\0"
        yield word, data + odd.bytes(1)


def texts(t, records):
    """What Spile prints for each record's data."""
    def answer(word, data):
        return b"\xc0\x0c" + struct.pack("!HHIH", NUMBERS[word], 1, 300, len(data)) + data
    frames = []
    for i in range(0, len(records), 20):
        part = [answer(*record) for record in records[i:i + 20]]
        head = struct.pack("!6H", 1, 0x8180, 1, len(part), 0, 0) + b"\1x\0\0\1\0\1"
        frames.append(fstrm.data(fstrm.message(head + b"".join(part))))
    t.path("odd.fstrm").write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + b"".join(frames) + fstrm.control(fstrm.STOP))
    lines = t.run("read", "-o", "json", "--fields", "dns.answer", t.path("odd.fstrm")).stdout.splitlines()
    return [record["rdata"] for line in lines for record in json.loads(line)["answers"]]


def read_back(t, word, text):
    """The data that BIND reads from a record's text, None where it refuses it."""
    done = t.tool(["named-rrchecker", "-u"], status=None, input=f"IN {word} {text}\n".encode())
    words = done.stdout.decode().split()  # CLASS1 TYPE2 \# 3 016100, the data in one piece or several
    return bytes.fromhex("".join(words[4:])) if done.returncode == 0 else None


def judge(t, record, text):
    """What is wrong with the text of a record, if anything."""
    word, data = record
    got = read_back(t, word, text)
    if got is None and not text.startswith("\\#"):
        generic = read_back(t, word, rf"\# {len(data)} {data.hex()}")
        return "" if generic is None else f"{word} {data.hex()}: {text} is refused"
    return "" if got in (None, data) else f"{word} {data.hex()}: {text} is read as {got.hex()}"


@test(needs=("named-rrchecker",))
def named_reads_it_back(t):
    """Our text gives the same bytes; what BIND refuses of it, it refuses in the form of RFC 3597, too, for
    the record is none by its rules."""
    records = list(samples(8))
    ours = texts(t, records)
    equal(len(ours), len(records), "records")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = [fault for fault in pool.map(lambda i: judge(t, records[i], ours[i]), range(len(records))) if fault]
    assert not wrong, f"{len(wrong)} records are not read back:\n" + "\n".join(wrong[:5])
    in_words = {word for (word, _), text in zip(records, ours) if not text.startswith("\\#")}
    equal(set(TYPES) - in_words, {"NULL", "A6", "ATMA"}, "types that are never in words")
