"""dnstap-receiver's HTTP API under --compat dnstap-receiver: what 4.7.0 was recorded to reply, what its
description says of other traffic, what its dashboard asks for, and what its own tests assert."""
import base64
import collections
import http.client
import json
import lzma
import random
import struct
import time

import fstrm
from harness import CAPTURES, ROOT, Skip, equal, free_port, limit, samples, test, wait_for
from lab import question
from receiver_model import LIST, PROTOCOLS, RATES, TYPES, Model, fields

GOLDEN = ROOT / "tests/data/golden/api"
ALWAYS = ["clients", "domains", "query", "response", "qps", "response/noerror", "response/nxdomain"]
TABLES = {"tlds": ["hit/query", "hit/response"], "domains": ["noerror/query", "nxdomain/response"],
          "clients": ["hit/ip", "length/ip"], "rcodes": ["hit/query", "hit/response"],
          "rrtypes": ["hit/query", "hit/response"]}
CONFIG = """
compat: dnstap-receiver
inputs:
  - unix: {{path: @DIR@/tap.sock}}
outputs:
  - "null": {{}}
web: {{listen: "127.0.0.1:{port}", header-timeout: 1m{more}}}
"""


class Api:
    """spile run with a web server, and the events of a model."""

    def __init__(self, t, more="", config=CONFIG, headers=()):
        if not LIST.exists():
            raise Skip("publicsuffix is not installed")
        self.t, self.port, self.model, self.headers = t, free_port(), Model(), headers
        self.spile = t.listen(config.format(port=self.port, more=more), count=2)

    def send(self, frames):
        """Over a connection of its own; the model sees the same."""
        sender = fstrm.Sender(self.t.path("tap.sock"))
        for at in range(0, len(frames), 200):
            sender.send(*frames[at:at + 200])
        sender.finish()
        for frame in frames:
            self.model.frame(frame)

    def ask(self, path, method="GET", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit(20))
        connection.request(method, path, headers=dict(self.headers if headers is None else headers))
        reply = connection.getresponse()
        body = reply.read()
        connection.close()
        return reply, body

    def get(self, path, **options):
        reply, body = self.ask(path, **options)
        equal(reply.status, 200, path)
        equal(reply.getheader("Content-Type"), "application/json; charset=utf-8", f"content type of {path}")
        # The text is that of Python, separators and escapes included.
        equal(body.decode(), json.dumps(json.loads(body)), f"text of {path}")
        return json.loads(body)

    def settle(self, side="client"):
        """Waits until all that was sent is counted and the last second was quiet."""
        wanted = self.model.counters()

        def counters():
            return self.get(f"/counters?more=rps&side={side}")["counters"]

        def counted():
            got = counters()
            return (got["query"], got["response"]) == (wanted["query"], wanted["response"])

        def quiet():
            return all(counters()[key] == 0 for key in ("qps", "rps"))
        wait_for("all is counted", counted)
        # The second in which they came is told when it is over, and for one second: who is too slow for that sees none.
        told = time.monotonic() + 3
        wait_for("the last second is that of the last", lambda: not quiet() or time.monotonic() > told)
        wait_for("the last second was quiet", quiet)


def frames_of(name):
    return fstrm.split(lzma.decompress((CAPTURES / f"{name}.fstrm.xz").read_bytes()))


def recorded():
    return sorted(folder.name for folder in GOLDEN.iterdir())


def same_list(got, wanted, n, what):
    """The n largest of {name: count}, descending; ties in any order."""
    equal([count for _, count in got], sorted(wanted.values(), reverse=True)[:n], f"counts of {what}")
    equal({name: count for name, count in got}, {name: wanted.get(name) for name, _ in got}, f"names of {what}")
    equal(len({name for name, _ in got}), len(got), f"names of {what}, each once")


def same_tables(got, model, n, stream=None, flags=TABLES):
    equal(list(got), list(flags), "the tables' order")
    for table, lists in got.items():
        equal(list(lists), flags[table], f"the order of {table}")
        for flag, rows in lists.items():
            same_list(rows, model.table(table, flag, stream), n, f"{table} {flag} of {stream}")


# --- what was recorded


@test()
def recorded_replies(t):
    for name in recorded():
        api, golden = Api(t), GOLDEN / name
        api.send(frames_of(name))
        api.settle()
        equal(api.ask("/streams")[1], (golden / "streams.json").read_bytes(), f"{name}: streams")
        wanted = json.loads((golden / "counters.json").read_text())
        more = [key for key in wanted["counters"] if key not in ALWAYS]
        equal(api.ask("/counters?more=" + ",".join(more))[1], (golden / "counters.json").read_bytes(),
              f"{name}: counters")
        wanted, got = json.loads((golden / "tables.json").read_text()), api.get("/tables?n=5")
        equal(got["stream"], None, "stream")
        same_tables(got["tables"], api.model, 5)
        for table, lists in wanted["tables"].items():
            for flag, rows in lists.items():
                if table != "tlds":
                    same_list(rows, api.model.table(table, flag), 5, f"what was recorded of {name}: {table} {flag}")
        got, wanted = samples(api.ask("/metrics")[1].decode()), samples((golden / "metrics.txt").read_text())
        rates = [f"dnstap_{rate}" for rate in RATES]
        equal({key: got.get(key) for key in wanted if key.split("{")[0] not in rates},
              {key: value for key, value in wanted.items() if key.split("{")[0] not in rates}, f"{name}: metrics")
        equal([rate for rate in rates if rate not in got], [], "rates")
        equal(api.spile.stop(), 0, "exit status")


# --- other traffic


LABELS = [b"www", b"WWW", b"mail", b"a", b"Example", b"x" * 63, b"sp ace", "bücher".encode(), "BÜCHER".encode(),
          b"q\"uote", b"back\\slash", b"new\nline", b"\x80bad", b"dot.ted", b"\x7f", "日本".encode(), b"museum",
          b"com"]
ENDS = [[b"com"], [b"COM"], [b"arpa"], [b"mx"], [b"dot"], [b"lan"], [b"md"], [b"example"], [b"xn--p1ai"],
        [b"museum", b"lan"], [b"co", b"uk"], [b"ck"], []]


def odd_dns(rng, response):
    """A message with a name of all kinds, or none, or cut."""
    header = struct.pack("!HHHHHH", rng.randrange(50), (0x8000 if response else 0) | rng.randrange(16),
                         rng.random() < 0.95, 0, 0, 0)
    labels = rng.choices(LABELS, k=rng.randrange(3)) + rng.choice(ENDS)
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    rrtype = rng.choice([*TYPES, *TYPES, 31, 66, 1000, 1001, 40000, 65535])
    return (header + name + struct.pack("!HH", rrtype, 1))[:rng.choice([400] * 9 + [11, 12, 13, 30])]


def odd_frames(seed, count):
    """Events of several identities, most of them unusual in some way."""
    rng = random.Random(seed)
    for number in range(count):
        mtype = rng.choice([1, 2, 5, 6, 5, 6, 13, 14, 99])
        response = 1 <= mtype <= 14 and mtype % 2 == 0
        family = rng.choice([1, 1, 2, 2, 7])
        client = rng.choice([b"", bytes([10, 0, 0, rng.randrange(9)]), b"\0" * 10 + b"\xff\xff\x0a\0\0\1"]) \
            if family != 2 else rng.choice([b"", b"\x20\x01" + b"\0" * 13 + bytes([rng.randrange(5)])])
        at = 1700000000 + number // 100
        body = fstrm.field(1, mtype) + fstrm.field(2, family) + fstrm.field(3, rng.choice([*range(1, 8), 77])) + \
            fstrm.field(4, client) + fstrm.field(6, rng.choice([0, 4000, 4001])) + \
            fstrm.field(12 if response else 8, at) + \
            fstrm.varint((13 if response else 9) << 3 | 5) + struct.pack("<I", rng.randrange(10 ** 9)) + \
            fstrm.field(14 if response else 10, odd_dns(rng, response))
        identity = rng.choice([b"", b"one", "zwölf".encode(), b'q"uo\\te', b"two"])
        yield (fstrm.field(1, identity) if identity else b"") + fstrm.field(14, body) + fstrm.field(15, 1)


def every_counter(model, stream=None):
    """What `more` asks for to see them all, with some that are zero and some that nothing is called."""
    fixed = [f"{direction}/{word}" for direction in ("query", "response") for word in
             [*PROTOCOLS, "inet", "inet6", "bytes", "latency0_1", "latency_slow", "noerror", "badvers", "A", "zz", ""]]
    return sorted({*model.counters(stream), *fixed, "query/", "nonsense", "q/udp"} - {""})


def same_counters(api, stream=None):
    query = "" if stream is None else "&stream=" + "".join(f"%{byte:02x}" for byte in stream.encode())
    more = every_counter(api.model, stream)
    wanted, got = api.model.counters(stream), {}
    for at in range(0, len(more), 100):
        got |= api.get(f"/counters?more={','.join(more[at:at + 100])}{query}")["counters"]
    for rate in RATES:
        got.pop(rate, None)
    equal(got, {key: wanted[key] for key in got}, f"counters of {stream}")
    equal(sorted(set(more) - set(got)), [], "counters that are missing")


@test()
def several_streams(t):
    api = Api(t)
    api.send(list(odd_frames(1, 4000)))
    api.send(frames_of("named")[:2000])
    api.send(list(odd_frames(2, 2000)))
    api.send(frames_of("unbound")[:2000])
    api.settle()
    equal(api.get("/streams"), {"streams": list(api.model.streams)}, "streams")
    equal(len(api.model.streams), 7, "streams of the model")
    flags = ["noerror/query", "nxdomain/response", "hit/query", "hit/response", "length/query", "length/response",
             "mx/query", "-/query", "-/response", "aaaa/response", "tsla/query", "noimp/response", "foo/query"]
    for stream in [None, *api.model.streams]:
        query = "" if stream is None else "&stream=" + "".join(f"%{byte:02x}" for byte in stream.encode())
        same_counters(api, stream)
        for n in (3, 2000):
            got = api.get(f"/tables?n={n}&more={','.join(flags[2:])}{query}")
            equal(got["stream"], stream, "stream")
            same_tables(got["tables"], api.model, n, stream, TABLES | {"domains": flags})


def is_query(frame):
    """Of a frame of a capture."""
    return fields(fields(frame)[14])[1] % 2 == 1


@test()
def the_last_event_decides_what_domains_are(t):
    api, frames = Api(t), frames_of("dnsdist")
    turn = next(i for i in reversed(range(len(frames) - 1)) if not is_query(frames[i]) and is_query(frames[i + 1]))
    model = api.model
    for part in (frames[:turn + 1], frames[turn + 1:turn + 2]):
        api.send(part)
        api.settle()
        stream = model.streams["dnsdist-test"]
        got = api.get("/counters?stream=dnsdist-test")["counters"]["domains"]
        equal(got, len(stream.names[stream.last]), f"domains after a {stream.last}")
        equal(api.get("/counters")["counters"]["domains"], model.counters()["domains"], "domains of all")
    equal(stream.last, "query", "the last event")
    assert len({len(stream.names["query"]), len(stream.names["response"]), model.counters()["domains"]}) > 1, \
        "nothing told them apart"


@test()
def rates_are_of_the_last_second(t):
    """A burst is seen as what it was, unless it is cut by the end of a second: then the next one may do."""
    api = Api(t)
    frames = list(odd_frames(3, 600))
    burst = Model()
    for frame in frames:
        burst.frame(frame)
    wanted = {"qps": burst.counters()["query"], "rps": burst.counters()["response"]}

    def seen():
        top = {"qps": 0, "rps": 0}
        api.send(frames)
        total = api.model.counters()

        def over():
            counters = api.get("/counters?more=rps,pps")["counters"]
            page = samples(api.ask("/metrics")[1].decode())
            equal(counters["pps"], counters["qps"] + counters["rps"], "pps")
            for rate, value in top.items():
                top[rate] = max(value, counters[rate], page[f"dnstap_{rate}"])
            return max(top.values()) > 0 and counters["pps"] == 0 and counters["query"] == total["query"]
        wait_for("the burst is over", over)
        return all(abs(top[rate] - wanted[rate]) < 0.05 * wanted[rate] for rate in wanted)
    wait_for(f"a burst in a second of its own, with {wanted}", seen, 60)


@test()
def without_compat_the_routes_show_our_own_statistics(t):
    """Of captures both agree on, where latency and the last event play no part; TLDs are last labels. Of each side
    alone: 4.7.0 knows none, so its model is shown one."""
    for name in recorded():
        api = Api(t, config=CONFIG.replace("compat: dnstap-receiver\n", ""))
        models = {"client": Model(), "upstream": Model()}
        api.send(frames_of(name))
        for frame in frames_of(name):
            models["upstream" if fields(fields(frame)[14])[1] in UPSTREAM else "client"].frame(frame)
        for side, api.model in models.items():
            if api.model.streams:
                api.settle(side)
                check_native(api, name, side)
        api.model = models["client"]
        equal(api.get("/counters")["counters"]["query"], api.model.counters()["query"], "without a side")
        equal(api.spile.stop(), 0, "exit status")


UPSTREAM = {3, 4, *range(7, 13)}  # dnstap's types of what servers ask others


def check_native(api, name, side):
    golden = json.loads((GOLDEN / name / "counters.json").read_text())["counters"]
    # In some of its messages unbound says nothing of the protocol, which 4.7.0 takes for UDP; and who asks
    # upstream is no client.
    keys = [key for key in golden if "latency" not in key and not (name == "unbound" and "/udp" in key) and
            (side == "client" or key != "clients")]
    counters = api.model.counters()
    wanted = {key: counters[key] for key in keys}
    got = api.get(f"/counters?side={side}&more=" + ",".join(keys))["counters"]
    equal({key: got[key] for key in keys}, wanted, f"{name} {side}: counters")
    stream = next(iter(api.model.streams))
    got = api.get(f"/counters?stream={stream}&side={side}")["counters"]
    equal(got["domains"], wanted["domains"], "domains of a stream are all of them")
    got = api.get(f"/tables?n=5&side={side}")["tables"]
    for table in ("domains", "rcodes", "rrtypes") + ("clients",) * (side == "client"):
        for flag, rows in got[table].items():
            same_list(rows, api.model.table(table, flag), 5, f"{name} {side}: {table} {flag}")
    labels = collections.Counter()
    for asked, row in api.model.streams[stream].names["query"].items():
        if asked != ".":
            labels["query/" + asked.split(".")[-2]] += row["hit"]
    same_list(got["tlds"]["hit/query"], labels, 5, f"{name} {side}: TLDs")


@test()
def windows_have_what_they_know(t):
    """Lists of names that windows know are those since the start; others are refused, and left out if nobody has asked
    for them."""
    api = Api(t, config=CONFIG.replace("compat: dnstap-receiver\n", ""))
    known = ["nxdomain/response", "servfail/response", "refused/response", "hit/query", "hit/response", "length/query"]
    client = fstrm.Sender(t.path("tap.sock"))
    for times, code in enumerate((0, 2, 3, 5), 1):
        asked = question(f"c{code}.window.lab.", 1, 1)
        answer = struct.pack(">2H", 7, 0x8180 | code) + asked[4:]
        client.send(*[fstrm.message(asked), fstrm.answer(answer)] * times)
    client.finish()
    wait_for("the window has them", lambda: api.get("/counters?window=5m")["counters"]["response"] == 10)
    want = "&more=" + ",".join(known)
    whole, window = (api.get(f"/tables?window={window}{want}")["tables"]["domains"] for window in ("all", "5m"))
    equal(sorted(window), sorted(known), "the lists")
    equal({flag: whole[flag] for flag in known}, window, "the same as since the start")
    equal([len(whole["noerror/query"]), window["servfail/response"]], [4, [["c2.window.lab.", 2]]], "lists")
    for flag in ("noerror/response", "a/query", "servfail/query", "formerr/response", "-/query"):
        reply, body = api.ask(f"/tables?window=5m&more={flag}")
        equal([reply.status, b"are known since the start alone: window=all" in body], [400, True], flag)


# --- requests


@test()
def parameters(t):
    api = Api(t)
    api.send(frames_of("kdig-tool"))
    api.settle()
    stream = next(iter(api.model.streams))
    always = api.get("/counters")
    equal(list(always["counters"]), ALWAYS, "keys")
    got = api.get("/counters?more=response/udp,query,nonsense,query/udp,response/udp")
    equal(list(got["counters"]), [*ALWAYS, "response/udp", "nonsense", "query/udp"], "keys with more")
    equal(got["counters"]["nonsense"], 0, "an unknown counter")
    equal(api.get("/counters"), always, "what comes without more, afterwards")
    unknown = api.get("/counters?stream=nob%20ody")
    equal(unknown, {"stream": "nob ody", "counters": always["counters"]}, "counters of an unknown stream")

    default = api.get("/tables")
    for path, lists in (("/tables?more=x/y/z,hit/query", []), ("/tables?more=word,hit/query", []),
                        ("/tables?more=hit/query,hit/response/,hit/response", ["hit/query"]),
                        ("/tables?more=hit/query,foo/response,hit/query", ["hit/query", "foo/response"])):
        got = api.get(path)["tables"]["domains"]
        equal(list(got), [*TABLES["domains"], *lists], f"lists of {path}")
        equal(got.get("foo/response", []), [], "a list of nothing")
        equal(api.get("/tables"), default, f"what comes without more, after {path}")
    same_tables(default["tables"], api.model, 10)
    for n in ("0", "-1", "+0", "-99999999999999999999"):
        for lists in api.get(f"/tables?n={n}")["tables"].values():
            equal([row for rows in lists.values() for row in rows], [], f"rows for {n}")
    same_tables(api.get("/tables?n=99999999999999999999")["tables"], api.model, 1000)
    for n in ("", "x", "1.5", "5x", "0x10", "%00", "5%002", "9" * 40):
        reply, body = api.ask(f"/tables?n={n}")
        equal(reply.status, 400, f"n={n}")
        assert b"error" in body, body
    got = api.get("/tables?stream=nobody")
    equal(got["stream"], "nobody", "stream")
    equal({table: got["tables"][table] for table in ("tlds", "rcodes", "rrtypes")},
          {table: default["tables"][table] for table in ("tlds", "rcodes", "rrtypes")}, "those of all streams")
    equal([row for table in ("domains", "clients") for rows in got["tables"][table].values() for row in rows], [],
          "those of a stream")
    equal(api.get(f"/tables?stream={stream}") | {"stream": None}, default, "those of the only stream")
    equal(api.ask("/counters?more=" + ",".join(map(str, range(1000))))[0].status, 400, "a thousand names")
    equal(api.ask("/tables?more=" + ",".join(f"{i}/query" for i in range(100)))[0].status, 400, "a hundred lists")


@test()
def reset_forgets_all_but_the_streams(t):
    api = Api(t)
    api.send(list(odd_frames(4, 500)))
    api.settle()
    reply, body = api.ask("/reset", method="DELETE")
    equal((reply.status, body), (204, b""), "reply")
    document = json.loads(api.ask("/api/v1/openapi.json")[1])
    assert "204" in document["paths"]["/reset"]["delete"]["responses"], "as it is documented"
    equal(api.get("/streams"), {"streams": list(api.model.streams)}, "streams")
    for stream in ("", "?stream=one"):
        equal(set(api.get("/counters" + stream)["counters"].values()), {0}, "counters")
        for table, lists in api.get("/tables" + stream)["tables"].items():
            equal(list(lists.values()), [[], []], table)
    streams = list(api.model.streams)
    api.model.streams.clear()
    api.send(frames_of("kdig-tool"))
    assert set(api.model.streams) < set(streams), "a known stream"
    api.settle()
    equal(api.get("/streams"), {"streams": streams}, "streams of before, of which one has come again")
    same_counters(api)


KEY = {"X-API-Key": "changeme"}


def basic(login, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()}


@test()
def who_may_ask(t):
    """Upstream's own API tests, and what its description says of credentials."""
    api = Api(t, ', api-key: changeme, login: admin, password: "s3cret"')
    good = basic("admin", "s3cret")
    cases = [(KEY, 200), ({"X-API-Key": "wrong"}, 401), ({}, 401), ({"X-API-Key": "CHANGEME"}, 401), (good, 200),
             (basic("admin", "changeme"), 401), (KEY | good, 200), (KEY | basic("admin", "x"), 401),
             ({"X-API-Key": "wrong"} | good, 401), ({"Authorization": "Basic ???"}, 401),
             ({"Authorization": "Digest x"}, 401)]
    for path in ("/streams", "/counters", "/tables", "/metrics"):
        for headers, status in cases:
            reply, body = api.ask(path, headers=headers)
            equal(reply.status, status, f"{path} with {headers}")
            if status == 401:
                equal((body, reply.getheader("Content-Type"), reply.getheader("WWW-Authenticate")),
                      (b"", "application/octet-stream", None), f"401 of {path}")
        equal(api.ask(path, method="HEAD", headers=KEY)[0].status, 200, f"HEAD {path}")
        equal(api.ask(path, method="DELETE", headers=KEY)[0].status, 405, f"DELETE {path}")
    equal(api.ask("/tables?api-key=changeme")[0].status, 401, "a key in the query string")
    for path in ("/tables/", "/Streams", "/nothing"):
        reply, _ = api.ask(path)
        equal(reply.status, 404, path)
    equal(api.ask("/reset", method="DELETE")[0].status, 401, "reset by nobody")
    reply, _ = api.ask("/reset", headers=KEY)
    equal(reply.status, 405, "GET /reset")
    equal(reply.getheader("Allow").replace(" ", ""), "DELETE", "what /reset allows")
    equal(api.ask("/tables", method="POST", headers=KEY)[0].getheader("Allow").replace(" ", ""), "GET,HEAD",
          "what /tables allows")
    equal(api.ask("/reset", method="DELETE", headers=KEY)[0].status, 204, "reset with the key")


@test()
def what_the_dashboard_asks_for(t):
    """dnstap_dashboard's calls of one refresh, in its order; what it reads must be there."""
    api = Api(t, ", api-key: changeme", headers=KEY)
    api.send(list(odd_frames(5, 1000)))
    api.settle()
    more = [f"{direction}/{word}" for words in (("udp", "tcp"), ("inet", "inet6")) for direction in ("query", "response")
            for word in words]
    for _ in range(3):
        streams = api.get("/streams")["streams"]
        for query in ["", *(f"&stream={name}" for name in streams if name.isascii() and '"' not in name)]:
            started = time.monotonic()
            tables = api.get("/tables?n=20" + query)["tables"]
            boxes = [(table, tag) for table, tags in tables.items() for tag in tags]
            equal([box for box in boxes if box[0] != "tlds"],
                  [("domains", "noerror/query"), ("domains", "nxdomain/response"), ("clients", "hit/ip"),
                   ("clients", "length/ip"), ("rcodes", "hit/query"), ("rcodes", "hit/response"),
                   ("rrtypes", "hit/query"), ("rrtypes", "hit/response")], "boxes")
            for name, count in (row for table, tag in boxes for row in tables[table][tag]):
                assert isinstance(name, str) and isinstance(count, int), (name, count)
            reply = api.get("/counters?more=" + ",".join(more) + query)
            equal(reply["stream"], query.removeprefix("&stream=") or None, "stream")
            equal(list(reply["counters"]), ALWAYS + more, "counters")
            t.soon(started, 2, "the dashboard gives up after two seconds")
