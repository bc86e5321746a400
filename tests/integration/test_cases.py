"""The small inputs of tests/data/cases: what the whole program must say about each.

A row of READ is one run of `spile read` over a file. What takes more than one run (statistics, `send`,
`top`) is a test of its own below, on case(NAME).
"""
import collections
import json
import re
import struct

import fstrm
from harness import ROOT, equal, samples, test
from test_api import Api, Tail

CASES = ROOT / "tests/data/cases"


def case(name):
    return CASES / f"{name}.fstrm"


# File; fields; what JSON says for each event: the field's value or, of several fields, a tuple of values
# in their order. Of a mapping only the keys are compared that the row names. Fourth, where text differs
# from what follows from JSON by itself: the lines of the text format, of the same fields.
READ = [
    ("01-extended-rcode", "rcode,edns-rcode", [("BADCOOKIE", "BADCOOKIE"), ("BADVERS", "BADVERS")],
     ["BADCOOKIE BADCOOKIE", "BADVERS BADVERS"]),
    ("02-inet-sixteen-bytes", "query-ip,response-ip,family,malformed",
     [("192.0.2.1", "2001:db8::53", "INET", None), ("2001:db8::53", "192.0.2.1", "INET6", None)],
     ["192.0.2.1 2001:db8::53 INET -", "2001:db8::53 192.0.2.1 INET6 -"]),
    ("03-mapped-in-statistics", "query-ip,family", [("192.0.2.1", "INET")] * 2),
    ("04-latency-auth-client", "message,latency", [("AUTH_QUERY", None), ("CLIENT_RESPONSE", 0.001)],
     ["AUTH_QUERY -", "CLIENT_RESPONSE 0.001000"]),
    ("04-latency-bind-9.18", "message,latency",
     [("AUTH_QUERY", None), ("AUTH_QUERY", None), ("CLIENT_RESPONSE", 0), ("AUTH_RESPONSE", 0)]),
    ("05-two-streams", "qname", [f"q{i}.example." for i in range(6)], [f"q{i}.example." for i in range(6)]),
    ("06-start-without-stop", "qname", [f"q{i}.example." for i in range(6)]),
    ("07-empty-last-field", "dns.answer", [[{"rdata": '0 issue ""'}], [{"rdata": r"\# 4 000a0001"}],
                                           [{"rdata": r"\# 16 01121613800000008000000000989680"}]]),
    ("07-empty-last-field", "malformed", [None, "records", None]),  # a URI may not be empty, RFC 7553 4.4
    ("08-svcb-alpn-list", "dns.answer", [[{"rdata": r"16 foo.example.org. alpn=f\\\\oo\\,bar,h2"}]]),
    ("09-opt-twice", "malformed,edns,additional", [("edns", {"udp-size": 1232, "options": [{"name": "COOKIE"}]}, [])]),
    ("10-ede-text", "edns.options", [[{"name": "EDE", "data": "24 (Invalid Data): Zone has expired"}],
                                     [{"name": "EDE", "data": "15 (Blocked): gesperrt: über Liste"}]],
     [r'[{"code":15,"name":"EDE","data":"24\u0020(Invalid\u0020Data):\u0020Zone\u0020has\u0020expired"}]',
      r'[{"code":15,"name":"EDE","data":"15\u0020(Blocked):\u0020gesperrt:\u0020\u00fcber\u0020Liste"}]']),
    ("12-class-of-data", "dns.answer", [[{"type": "A", "class": "CH", "rdata": "example.com. 404"}]]),
    ("13-cut-reply", "ancount,answers,additional,edns,malformed", [
        (8, [{"rdata": '"' + f"t{i}" * 20 + '"'} for i in range(5)], [], None, "records"),
        (0, [], [], None, None),
        (1, [{"rdata": "198.51.100.1"}], [], None, "records"),  # 227 authority records promised
        (5, [{"rdata": f"192.0.2.{i}"} for i in range(5)], [], {"options": [{"name": "EDE"}]}, "records"),
        (3, [{"rdata": "198.51.100.1"}] * 2 + [{"rdata": "\\# 2 c0ff"}], [], None, "records"),
        (3, [{"rdata": "198.51.100.1"}] * 2, [], {"options": [{"name": "EDE"}]}, "records"),
    ]),
    ("15-query-time-1970", "latency", [None] + [0.002] * 99, ["-"] + ["0.002000"] * 99),
]


def only(got, wanted):
    """`got` without the keys that `wanted` does not name."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return {key: only(value, wanted[key]) for key, value in got.items() if key in wanted}
    if isinstance(wanted, (list, tuple)) and isinstance(got, (list, tuple)) and len(got) == len(wanted):
        return type(wanted)(only(g, w) for g, w in zip(got, wanted))
    return got


def read(t, file, fields, wanted, text=None):
    events = [json.loads(line) for line in t.run("read", "-o", "json", "--fields", fields, case(file)).stdout.splitlines()]
    got = [tuple(e.values()) if len(e) > 1 else next(iter(e.values())) for e in events]
    equal(only(got, wanted), wanted, f"{file}: {fields} in JSON")
    if text is not None:
        lines = t.run("read", "--fields", fields, case(file)).stdout.decode().splitlines()
        equal(lines, text, f"{file}: {fields} in text")


@test()
def each_reads_as_listed(t):
    failed = []
    for row in READ:
        try:
            read(t, *row)
        except AssertionError as error:
            failed.append(str(error))
    assert not failed, "\n".join(failed)


STATISTICS = ["01-extended-rcode", "03-mapped-in-statistics", "09-opt-twice", "13-cut-reply", "15-query-time-1970"]


@test()
def statistics_and_live_events_say_what_lines_say(t):
    api = Api(t)
    lines = [json.loads(line) for name in STATISTICS for line in t.run("read", "-o", "json", case(name)).stdout.splitlines()]
    tails = {"all": Tail(api), "client": Tail(api, client="192.0.2.1"), "mapped": Tail(api, client="::ffff:192.0.2.1"),
             "rcode": Tail(api, rcode="BADCOOKIE")}
    api.send(*map(case, STATISTICS))
    api.wait_events(len(lines))
    for tail in tails.values():
        tail.wait(1 if tail is tails["rcode"] else len(lines))
    for key in ("rcode", "malformed"):
        equal(collections.Counter(e[key] for e in tails["all"].events), collections.Counter(e[key] for e in lines), f"live {key}")
    statistics = api.get("statistics")["statistics"]
    equal(statistics["responses"]["rcodes"], {"NOERROR": 106, "BADVERS": 1, "BADCOOKIE": 1}, "response codes")
    equal(statistics["queries"]["families"], {"unknown": 0, "INET": 3, "INET6": 0}, "families")
    equal(statistics["distinct"]["clients"], 1, "distinct clients")
    table, = api.get("tables", table="clients", by="hits")["tables"]
    equal([(row["name"], row["queries"], row["responses"]) for row in table["rows"]], [("192.0.2.1", 3, 108)], "clients")
    stream, = api.get("streams")["streams"]
    equal(stream["failed"], 2, "failed")
    equal(stream["latency"]["left-out"], {"negative": 0, "beyond-window": 1}, "latencies left out")
    equal(statistics["latency"]["left-out"], stream["latency"]["left-out"], "the same in all statistics")
    equal((statistics["latency"]["count"], statistics["latency"]["mean"]), (99, 0.002), "latencies")
    report = t.run("top", "--once", case("03-mapped-in-statistics")).stdout.decode()
    assert re.search(r"distinct +clients 1 ", report) and re.search(r"1 192\.0\.2\.1 +2 ", report), report
    metrics = samples(api.ask("/metrics")[1].decode())
    for reason, count in (("negative", 0), ("beyond-window", 1)):
        equal(metrics[f'spile_latency_left_out_total{{stream="ns1",side="client",reason="{reason}"}}'], count, f"left out: {reason}")


@test()
def cut_replies_in_yaml_and_text(t):
    """As in JSON, which the table above has: five whole records, and the mark."""
    yaml = t.run("read", "-o", "yaml", "--fields", "answers,malformed", case("13-cut-reply")).stdout.decode().split("---\n")
    equal((yaml[0].count("rdata: "), "malformed: records\n" in yaml[0]), (5, True), "YAML")
    text = t.run("read", "--fields", "answers,malformed", case("13-cut-reply")).stdout.decode().splitlines()
    equal((text[0].count('"rdata":'), text[0].endswith(" records")), (5, True), "text")


@test()
def a_mapped_address_is_the_same_client(t):
    """A query in four bytes and its response in sixteen mapped ones meet."""
    mapped = bytes(10) + b"\xff\xff"
    frames = [fstrm.message(dns(1, 0x0100)),
              fstrm.answer(dns(1, 0x8180), nanos=2000000, family=2, query_address=mapped + b"\xc0\0\2\1",
                           response_address=mapped + b"\xc0\0\2\2")]
    path = recording(t, frames)
    lines = t.run("read", "--fields", "query-ip,response-ip,family,latency", path).stdout.decode().splitlines()
    equal(lines, ["192.0.2.1 192.0.2.2 INET -", "192.0.2.1 192.0.2.2 INET 0.002000"], "lines")


def recording(t, frames):
    """A file of those frames."""
    path = t.path("frames.fstrm")
    path.write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + b"".join(map(fstrm.data, frames)) + fstrm.control(fstrm.STOP))
    return path


def dns(number, flags):
    """A message of that id about a.example."""
    return struct.pack("!6H", number, flags, 1, 0, 0, 0) + b"\1a\7example\0\0\1\0\1"


# From query to response, seconds; what latency follows, with a latency-window of 10 s.
LATENCIES = {0: 0, 2: 2, 10: 10, 11: None, 3600: None, -1: None, -3600: None, -1700000000: None, 2**62: None, -2**63: None}


@test()
def one_rule_for_latencies_carried_and_matched(t):
    frames, wanted = [], []
    for number, (seconds, latency) in enumerate(LATENCIES.items()):
        asked, answered = max(0, -seconds, 1700000000), max(0, seconds, 1700000000 + seconds)
        frames.append(fstrm.answer(dns(number, 0x8180), asked=asked, seconds=answered))
        wanted.append(latency)
        if max(asked, answered) < 2**60:
            frames += [fstrm.message(dns(number, 0x0100), seconds=asked), fstrm.answer(dns(number, 0x8180), seconds=answered)]
            wanted += [None, latency]
    frames.append(fstrm.message(dns(0, 0x0100), mtype=None))
    path = recording(t, frames)
    lines = [json.loads(line) for line in t.run("read", "-o", "json", path).stdout.splitlines()]
    equal([line["latency"] for line in lines[:-1]], wanted, "latencies of lines")
    equal((lines[-1]["message"], lines[-1]["type"], lines[-1]["malformed"]), (None, None, "message"), "without a type")
    api = Api(t)
    api.send(path)
    api.wait_events(len(wanted))
    reply = api.get("statistics")
    queries = sum(line["type"] == "query" for line in lines)
    equal([reply["statistics"][direction]["events"] for direction in ("queries", "responses")],
          [queries, len(wanted) - queries], "what has no type is of neither direction")
    equal(reply["malformed"], 1, "but is counted")
    latency = reply["statistics"]["latency"]
    equal((latency["count"], latency["mean"]), (6, 4), "latencies")
    equal(latency["left-out"], {"negative": 7, "beyond-window": 5}, "latencies left out")


# What strangers may put where text belongs: UTF-8, and what is none; what obeys no screen, ends a string or
# a line, turns the direction, hides; escapes that were none.
HOSTILE = ["über €".encode() + "🍺".encode(), b"\xfc\xc3", b"x\x1b[2J\x1b]0;t\x07\x7f", b"a\nledger: b\r\t\0c", b"\xc2\x9b1m\xc2\x85",
           '"},{"qname": "\\195\\"'.encode(), "\u202eabc\u2066\u2028".encode(), b"\xed\xa0\x80\xf5\x80\x80\x80\xc0\xaf",
           "\ufeff\u00ad\u200b\U000e0041".encode(), b"- &a !!b *c # d: [e", b"\\", b"-"]


def presented(text):
    """RFC 1035 5.1 of bytes: a backslash is doubled, \\DDD is a byte that is no UTF-8."""
    return "".join(f"\\{ord(c) - 0xdc00:03}" if 0xdc80 <= ord(c) <= 0xdcff else c * 2 if c == "\\" else c
                   for c in text.decode("utf-8", "surrogateescape"))


def from_yaml(scalar):
    """What a string of Spile's YAML says: its escapes are JSON's but for those of eight digits."""
    return json.loads(re.sub(r"(\\\\)|\\U([0-9a-f]{8})", lambda m: m[1] or chr(int(m[2], 16)), scalar))


def stranger(text):
    """A response in which every text is that one."""
    options = b"".join(struct.pack("!HH", code, len(data)) + data
                       for code, data in ((3, text), (15, b"\0\x18" + text), (15, b"\0\x18" + text + b"\0"), (26946, text)))
    opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(options)) + options
    message = dns(1, 0x8180)
    policy = b"".join(fstrm.field(n, text) for n in (1, 2, 5))
    frame = fstrm.answer(message[:10] + b"\0\1" + message[12:] + opt, identity=text)
    body = fstrm.field(14, fstrm.field(15, policy))  # merged with the message in the frame
    return frame + fstrm.field(2, text) + fstrm.field(3, text) + body


@test()
def texts_of_strangers_follow_one_rule(t):
    fields = ["identity", "version", "extra", "policy-type", "policy-rule", "policy-value"]
    path = recording(t, [stranger(text) for text in HOSTILE])
    run = {form: t.run("read", "-o", form, "--fields", ",".join([*fields, "edns-options"]), path).stdout
           for form in ("json", "yaml", "text")}
    for form in run:
        shown = run[form].decode()  # UTF-8, or this raises
        bad = [c for c in shown if c != "\n" and (ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or c in "\u00ad\u200b\u202e\u2066\u2028\ufeff\U000e0041")]
        assert not bad, f"{form} has {bad!r}"
    documents = run["yaml"].decode().split("\n---\n")
    lines = run["text"].decode().split("\n")
    for text, line, document, columns in zip(HOSTILE, run["json"].splitlines(), documents, lines):
        event, wanted = json.loads(line), presented(text)
        equal([event[field] for field in fields], [wanted] * len(fields), f"texts of {text!r} in JSON")
        equal([option["data"] for option in event["edns-options"]],
              [f"{text.hex()} ({wanted})", *[f"24 (Invalid Data): {wanted}"] * 2, f"{text.hex()} ({wanted})"], "options in JSON")
        scalars = [from_yaml(value) for value in re.findall(r'(?:^|: )("(?:[^"\\]|\\.)*")$', document, re.M)]
        for value in wanted, f"24 (Invalid Data): {wanted}", f"{text.hex()} ({wanted})":
            assert value in scalars, f"{value!r} is not in YAML: {scalars}"
        bare = "".join(chr(b) * (2 if b == 0x5c else 1) if 0x21 <= b <= 0x7e else f"\\{b:03}" for b in text)
        equal(columns.split(" ")[:len(fields)], [bare] * len(fields), f"texts of {text!r} in columns")
        equal(json.loads(columns.split(" ", len(fields))[len(fields)]), event["edns-options"], "options in a column")
    equal(len(documents), len(HOSTILE) + 1, "documents")
