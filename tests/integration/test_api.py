"""The native API: replies have the shapes that its OpenAPI text promises, connections are told apart, live
events pass their filters, and secrets stay secret. (Whether its numbers are right: test_api_numbers.)"""
import collections
import http.client
import itertools
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.parse

import fstrm
from harness import CAPTURES, ROOT, Skip, equal, free_port, limit, test, wait_for
import share
from mix import SIDES, Mix, is_nodata, side_of

CONFIG = """
inputs:
  - unix: {path: @DIR@/tap.sock}
outputs:
  - "null": {}
web: {listen: "127.0.0.1:0", header-timeout: 1m}
"""
FLAGS = ["qr", "aa", "tc", "rd", "ra", "z", "ad", "cd"]
FIELDS = ["identity", "qname", "rrtype", "query-ip", "response-ip", "latency", "message", "family", "protocol",
          "length", "type", "rcode", "edns-rcode", "edns-do", "edns-udp-size", "edns-version", "opcode", "malformed",
          "timestamp", "qdcount", "ancount", "nscount", *FLAGS]


class Api:
    """A `spile run` and its web server."""
    source = None  # the address to ask from

    def __init__(self, t, config=CONFIG, headers=(), sockets=2, name="spile"):
        self.t, self.headers = t, dict(headers)
        self.spile = t.listen(config, count=sockets, name=name)
        self.address = self.spile.web()

    def ask(self, path, method="GET", **parameters):
        """Status and body."""
        query = urllib.parse.urlencode(parameters)
        connection = http.client.HTTPConnection(self.address, timeout=limit(30), source_address=self.source and (self.source, 0))
        connection.request(method, path + ("?" + query if query else ""), headers=self.headers)
        reply = connection.getresponse()
        endless = reply.getheader("Content-Type") == "text/event-stream"
        body = b"a stream" if endless else reply.read()
        connection.close()
        return reply.status, body

    def get(self, what, status=200, **parameters):
        """The JSON at /api/v1/`what`."""
        got, body = self.ask("/api/v1" + ("/" + what if what else ""), **parameters)
        equal(got, status, f"status of {what} {parameters}: {body[:300]}")
        return json.loads(body)

    def send(self, *paths):
        for path in paths:
            self.t.run("send", path, f"unix:{self.t.path('tap.sock')}", seconds=60)

    def wait_events(self, count, **parameters):
        """On both sides together."""
        def events_of(side):
            directions = self.get("statistics", side=side, **parameters)["statistics"]
            return directions["queries"]["events"] + directions["responses"]["events"]
        wait_for(f"{count} events are counted", lambda: events_of("client") + events_of("upstream") >= count, 20)


class Tail:
    """A viewer of /api/v1/events."""

    def __init__(self, api, **parameters):
        self.lost, self.events, self.text = 0, [], b""
        self.connection = http.client.HTTPConnection(api.address, timeout=limit(60))
        self.connection.request("GET", "/api/v1/events?" + urllib.parse.urlencode(parameters), headers=api.headers)
        self.sock = self.connection.sock
        self.reply = self.connection.getresponse()
        equal(self.reply.status, 200, f"status of events {parameters}")
        equal(self.reply.getheader("Content-Type"), "text/event-stream", "content type of events")
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        wait_for("the greeting", lambda: self.text or self.events)

    def read(self):
        try:
            for line in self.reply:
                self.take(line)
        except ConnectionError:
            pass  # the daemon ends before its viewers

    def take(self, line):
        self.text += line
        if line.startswith(b"data: {\"time\""):
            self.events.append(json.loads(line[6:]))
        elif line.startswith(b"data: {\"lost\""):
            self.lost += json.loads(line[6:])["lost"]

    def leave(self):
        self.sock.shutdown(socket.SHUT_RDWR)

    def wait(self, count):
        wait_for(f"{count} events, shown or lost", lambda: len(self.events) + self.lost >= count, 20)
        equal(len(self.events) + self.lost, count, "events shown or lost")


def captures():
    found = sorted(CAPTURES.glob("*.fstrm.xz"))
    assert found
    return found


def read(t, *paths):
    """The events of captures, as `spile read` has them."""
    out = []
    for path in paths:
        lines = t.run("read", "-o", "json", "--fields", ",".join(FIELDS), path, seconds=60).stdout
        out += [json.loads(line) for line in lines.splitlines()]
    return out


# --- shapes --------------------------------------------------------------------------------------

def strict(schema):
    """The schema, and nothing may be there that it does not name."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items()}
    if "properties" in out and "required" in out:
        out.setdefault("additionalProperties", False)
    return out


class Shapes:
    """The OpenAPI text: a judge of replies."""

    def __init__(self, api):
        try:
            import jsonschema
        except ImportError:
            raise Skip("python3-jsonschema is not installed") from None
        self.judge = jsonschema.Draft202012Validator
        self.document = api.get("openapi.json")
        equal(self.document["openapi"], "3.1.0", "version of OpenAPI")
        self.components, self.judges = strict(self.document["components"]), {}

    def operation(self, path, method="get"):
        return self.document["paths"][path][method]

    def judge_of(self, *what):
        """What judges replies of that path, method and status: made once, which takes longer than to judge."""
        if what not in self.judges:
            path, method, status = what
            schema = self.operation(path, method)["responses"][status]["content"]["application/json"]["schema"]
            schema = {**strict(schema), "components": self.components}
            self.judge.check_schema(schema)
            self.judges[what] = self.judge(schema)
        return self.judges[what]

    def check(self, path, reply, method="get", status="200"):
        judge = self.judge_of(path, method, status)
        problems = [f"{list(e.absolute_path)}: {e.message[:300]}" for e in judge.iter_errors(reply)]
        assert not problems, f"{path}: {problems[:5]}"


# Each route with parameters that make its replies differ.
ASKED = {
    "statistics": [{}, {"stream": "unbound-test"}, {"side": "upstream"}, {"window": "5m"}],
    "streams": [{}, {"side": "upstream", "window": "1h", "by": "load"}],
    "tables": [{}, {"n": 3}, {"under": "example", "contains": "e"}, {"table": "clients", "by": "mean"}, {"list": "tlds,types,rcodes"},
               {"table": "domains", "by": "rcode", "code": "nxdomain", "stream": "unbound-test"},
               {"table": "domains", "by": "type", "code": "AAAA", "direction": "query"},
               {"table": "types", "by": "responses"}, {"table": "rcodes"}, {"table": "servers", "side": "upstream", "window": "1m"}],
    "series": [{}, {"stream": "unbound-test", "series": "queries,rcode,latency.p99,heat,fine"}, {"step": 1000},
               {"side": "upstream", "window": "5m"}, {"window": "all"}],
    "history/tops": [{}, {"table": "clients", "by": "slowest", "n": 2}, {"side": "upstream", "window": "1h"}],
    "connections": [{}, {"n": 1}],
    "upstream": [{}, {"window": "1m", "stream": "unbound-test", "n": 2}],
    "search": [{"text": "corp"}, {"text": ".", "side": "upstream", "n": 3, "window": "1h", "stream": "unbound-test"}],
    "new": [{}, {"table": "clients", "window": "1m", "stream": "unbound-test"}, {"side": "upstream", "n": 3, "window": "5m"}],
    "explain": [{"name": "example"}, {"client": "198.51.100.1", "window": "5m", "n": 3}, {"name": "test", "side": "upstream"}],
    "events": [],
}


def check_shapes(t, config):
    api = Api(t, config)
    shapes = Shapes(api)
    sender = fstrm.Sender(t.path("tap.sock"))
    frame = fstrm.message(b"no dns", identity="\u00e4\"\\\n".encode() + b"\xff")
    sender.send(frame, b"no dnstap \xff\xff", frame)
    api.send(CAPTURES / "unbound.fstrm.xz")
    api.wait_events(8263)
    paths = [p for p in shapes.document["paths"] if p.startswith("/api/v1")]
    assert len(paths) >= 16, paths
    for path in paths:
        if "get" not in shapes.document["paths"][path]:
            continue
        for parameters in ASKED.get(path.removeprefix("/api/v1/"), [{}]):
            shapes.check(path, api.get(path.removeprefix("/api/v1").removeprefix("/"), **parameters))
        named = {p["name"] for p in shapes.operation(path).get("parameters", [])}
        used = {name for p in ASKED.get(path.removeprefix("/api/v1/"), []) for name in p}
        assert used <= named, f"{path}: {used - named} is not documented"
    index = {route["path"] for route in api.get("")["routes"]}
    assert set(shapes.document["paths"]) <= index, "the index has all that is documented"
    tail = Tail(api)
    sender.send(fstrm.message(b"no dns", identity=b""))
    wait_for("an event", lambda: tail.events)
    event = {"$ref": "#/components/schemas/Event", "components": shapes.components}
    assert shapes.judge(event).is_valid(tail.events[0]), tail.events[0]
    status, body = api.ask("/api/v1/statistics", "DELETE")
    equal(status, 200, "status of the reset")
    shapes.check("/api/v1/statistics", json.loads(body), "delete")
    equal(api.get("statistics")["statistics"]["queries"]["events"], 0, "queries after the reset")
    shapes.check("/api/v1/streams", api.get("streams"))
    shapes.check("/api/v1/tables", api.get("tables", n=0, status=400), status="400")
    shapes.check("/api/v1/tables", api.get("tables", stream="nobody", status=404), status="404")
    for path in paths:
        for method, operation in shapes.document["paths"][path].items():
            guarded = {"401", "403"} if "security" not in operation else set()
            refused = {status for status in operation["responses"] if status[0] == "4"}
            told = {"409"} if method == "post" else set()
            equal(refused, {"400", "404", "405", "413", "414"} | guarded | told, f"refusals of {method} {path}")
            for status in ("405", "413", "414"):
                shapes.check(path, {"error": "any"}, method, status)


@test()
def every_reply_has_its_shape(t):
    check_shapes(t, CONFIG)


@test()
def every_reply_has_its_shape_under_compat(t):
    check_shapes(t, "compat: dnstap-receiver\n" + CONFIG)


@test()
def the_manual_has_the_api(t):
    """Every path, method and parameter that the program answers to, each below its own head."""
    api = Api(t)
    parts = t.run("manual", ROOT / "man/spile-api.7.in").stdout.decode().split("\n.Ss ")
    told = {part.split("\n")[0]: part for part in parts}
    for path, operations in api.get("openapi.json")["paths"].items():
        for method, operation in operations.items():
            part = told[f"{method.upper()} {path}"]
            for parameter in operation["parameters"]:
                line = f".It Cm {parameter['name']} = Ns Ar {parameter['schema']['type']}\n"
                assert line in part, (path, parameter, part)
                equal(parameter.get("required", False), "It must be given." in parameter["description"], f"{path}: {parameter}")


@test()
def what_must_be_given_says_so(t):
    """Without parameters every route answers, or says which of them it needs."""
    api = Api(t)
    for path, operations in api.get("openapi.json")["paths"].items():
        if "get" not in operations or path in ("/api/v1/events", "/api/v1/ready"):  # these go on, and come and go
            continue
        needs = [p["name"] for p in operations["get"]["parameters"] if "must be given" in p["description"]]
        status, body = api.ask(path)
        equal(status, 400 if needs else 200, f"status of {path}")
        assert not needs or f"'{needs[0]}'" in json.loads(body)["error"], f"{path}: {body}"


@test()
def unknown_parameters_are_refused(t):
    """By every route of the API; files and what dnstap-receiver's pages ask take them."""
    api = Api(t, CONFIG.replace("web: {", "web: {api-key: right, "), headers={"X-API-Key": "right"})
    paths = api.get("openapi.json")["paths"]
    native = {path: operations for path, operations in paths.items() if path.startswith("/api/v1")}
    assert len(native) >= 16, native.keys()
    for path, operations in native.items():
        for method in operations:
            status, body = api.ask(path, method.upper(), rnage="1h")
            equal(status, 400, f"status of {method} {path}")
            assert "unknown parameter 'rnage'" in json.loads(body)["error"], body
    error = api.get("series", 400, range="1h")["error"]
    equal(error, "unknown parameter 'range'; there are: from, to, window, side, stream, step, series", "of a series")
    equal(api.get("tables", 400, lists="tlds")["error"], "unknown parameter 'lists'; did you mean 'list'?", "near")
    status, body = api.ask("/api/v1/tables?n=1&n=2")
    equal([status, json.loads(body)["error"]], [400, "parameter 'n' is given more than once"], "twice")
    for path in ("/", "/web/app.js", "/metrics", "/streams", "/counters", "/tables"):
        equal(api.ask(path, _="1764433000")[0], 200, f"status of {path} with a number against caches")
    equal(api.ask("/reset?_=1&_=2", "DELETE")[0], 204, "status of the reset with one, twice")


SCOPED = ["statistics", "streams", "tables", "series", "history/tops"]  # what shows statistics, by side and window


@test()
def sides_and_windows_are_words(t):
    """Every route about statistics takes the same ones, says which they were, and refuses others."""
    api = Api(t)
    for what in SCOPED:
        for window, side in share.some(list(itertools.product(("1m", "5m", "1h", "1d", "all"), SIDES))):
            reply = api.get(what, side=side, window=window)
            equal([reply["side"], reply["window"]], [side, window], f"scope of {what}")
            assert reply["from"] <= reply["to"] and reply["seconds"] >= 0, f"{what}: {reply['from']}..{reply['to']}"
        equal(api.get(what)["side"], "client", f"side of {what}")
        for name, value, words in (("side", "server", "client, upstream"), ("side", "", "client, upstream"),
                                   ("window", "2m", "all, 1m, 5m, 1h, 1d"), ("window", "1M", "all, 1m, 5m, 1h, 1d")):
            equal(api.get(what, 400, **{name: value})["error"], f"parameter '{name}': '{value}' is not one of {words}",
                  f"{name}={value} of {what}")
    equal([api.get(what)["window"] for what in SCOPED], ["all"] * 3 + [None] * 2, "windows that nobody asked for")
    for what in ("series", "history/tops"):
        equal(api.get(what, 400, window="1h", **{"from": 0})["error"],
              "parameter 'window': says where the span begins, as 'from' does", what)
    for asked in ({"table": "domains", "by": "rcode", "code": "NOERROR"}, {"table": "domains", "by": "type", "code": "A"},
                  {"list": "domains-noerror"}):
        assert "known since the start alone" in api.get("tables", 400, window="1h", **asked)["error"], asked
        api.get("tables", **asked)
    assert "domains-noerror" not in [table["list"] for table in api.get("tables", window="1h")["tables"]]
    equal(api.get("events", 400, side="both")["error"], "parameter 'side': 'both' is not one of client, upstream", "events")
    for path in ("/metrics", "/counters", "/tables"):
        equal(api.ask(path, window="1h", side="upstream")[0], 200, path)
        for wrong in ({"window": "2h"}, {"side": "server"}):
            equal(api.ask(path, **wrong)[0], 400, f"{path} {wrong}")


@test()
def dnstap_receiver_knows_no_sides(t):
    """Under its name all is on one side, and its routes ignore parameters that it does not know."""
    api = Api(t, "compat: dnstap-receiver\n" + CONFIG)
    for path in ("/metrics", "/counters", "/tables"):
        equal(api.ask(path, window="2h", side="server")[0], 200, path)
    client = fstrm.Sender(t.path("tap.sock"))
    client.send(*Mix(lookups=30, questions=10).frames())
    client.finish()
    api.wait_events(79)
    equal(json.loads(api.ask("/counters", side="upstream")[1])["counters"]["query"], 40, "queries on both sides")


# --- connections ---------------------------------------------------------------------------------

@test()
def connections_are_told_apart(t):
    config = CONFIG.replace("outputs:", f"  - unix: {{path: {t.path('two.sock')}}}\noutputs:")
    api = Api(t, config, sockets=3)
    first, second = fstrm.Sender(t.path("tap.sock")), fstrm.Sender(t.path("two.sock"))
    query = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1"
    second.send(fstrm.message(query, identity=b"two"), b"\xff\xff", fstrm.message(query, identity=b"two"))
    wait_for("frames of the second, and a bad one", lambda: [
        [c["frames"], c["malformed"]] for c in api.get("connections")["connections"]][-1:] == [[3, 1]])
    reply = api.get("connections")
    equal(reply["open"], 2, "open connections")
    silent, busy = reply["connections"]
    equal([silent["input"], silent["frames"], silent["identity"]], ["unix", 0, None], "the first")
    equal([busy["input"], busy["frames"], busy["malformed"], busy["identity"]], ["unix#2", 3, 1, "two"], "the second")
    assert silent["peer"].startswith("unix:pid=") and silent["id"] < busy["id"] and busy["since"] >= silent["since"]
    assert busy["bytes"] > busy["frames"] * 4
    equal(len(api.get("connections", n=1)["connections"]), 1, "connections shown")
    stream = wait_for("the stream", lambda: api.get("streams")["streams"])[0]
    equal([stream["name"], stream["connection"]["id"], stream["loss"]["malformed"]], ["two", busy["id"], 1], "stream")
    equal(api.get("statistics")["malformed"], 1, "malformed frames")
    second.finish()
    wait_for("one has left", lambda: api.get("connections")["open"] == 1)
    equal(api.get("streams")["streams"][0]["connection"], None, "connection of a stream that has left")
    inputs = {i["name"]: i for i in api.get("inputs")["inputs"]}
    equal([inputs["unix#2"][k] for k in ("open", "connections", "frames", "malformed")], [True, 1, 3, 1], "input")
    first.finish()


@test()
def a_given_name_is_what_all_call_it(t):
    config = CONFIG.replace("tap.sock", "tap.sock, name: resolvers").replace(
        '"null": {}', f'"null": {{name: nothing}}\n  - file: {{name: archive, path: {t.path("a.log")}}}\n  - file: {{path: b.log}}')
    api = Api(t, config)
    sender = fstrm.Sender(t.path("tap.sock"))
    sender.send(fstrm.message(b"\x12\x34", identity=b"one"))
    wait_for("the frame", lambda: [c["input"] for c in api.get("connections")["connections"]] == ["resolvers"])
    names = ["nothing", "archive", "file"]
    equal([i["name"] for i in api.get("inputs")["inputs"]], ["resolvers"], "inputs")
    equal([o["name"] for o in api.get("outputs")["outputs"]], names, "outputs")
    equal([o["output"] for o in api.get("ledger")["outputs"]], names, "ledger of the API")
    metrics = api.ask("/metrics")[1].decode()
    assert 'input="resolvers"' in metrics and 'output="archive"' in metrics and 'output="nothing"' in metrics, metrics
    configured = api.get("config")
    equal([configured["inputs"][0]["unix"]["name"], configured["outputs"][0]["null"]["name"]], ["resolvers", "nothing"], "config")
    sender.finish()
    equal(api.spile.stop(), 0, "status")
    equal(re.findall("(?m)^ledger: (\\S+)", api.spile.err), names, "ledger on standard error")
    assert "listening on resolvers (unix " in api.spile.err, api.spile.err


@test()
def one_identity_from_two_hosts_is_told(t):
    """By the stream, and in the log, once; connections of one host are none of that."""
    config = CONFIG.replace("outputs:", '  - tcp: {listen: "127.0.0.1:@PORT@"}\noutputs:')
    port = free_port()
    api = Api(t, config.replace("@PORT@", str(port)), sockets=2)
    at = ("127.0.0.1", port)
    senders = [fstrm.Sender(at, source=source) for source in ("127.0.0.1", "127.0.0.1")]
    frame = fstrm.message(b"no dns", identity=b"ns1")

    def streams():
        return {s["name"]: (s["connections"], s["hosts"]) for s in api.get("streams")["streams"]}
    for sender in senders:
        sender.send(frame)
    wait_for("two connections", lambda: streams() == {"ns1": (2, 1)})
    assert "ns1" not in api.spile.err, api.spile.err
    senders.append(fstrm.Sender(at, source="127.0.0.2"))
    senders.append(fstrm.Sender(at, source="127.0.0.3"))
    for sender in senders[2:]:
        sender.send(frame)
    wait_for("three hosts", lambda: streams() == {"ns1": (4, 3)})
    text = wait_for("a warning", lambda: [line for line in api.spile.err.splitlines() if "ns1" in line])
    equal(len(text), 1, "warnings")
    assert re.fullmatch(r"spile: warning: 127\.0\.0\.1:\d+ and 127\.0\.0\.[23]:\d+ both send the identity 'ns1': .*", text[0]), text
    # Servers without a name are the worst: all of them are one stream. A socket's peers are processes.
    nameless = [fstrm.Sender(at, source="127.0.0.2"), fstrm.Sender(t.path("tap.sock"))]

    def warned():
        for sender in nameless:
            sender.send(fstrm.message(b"no dns", identity=b""))
        return "both send no identity" in api.spile.err
    wait_for("a second warning, once a second has passed", warned, every=0.2)
    wait_for("they, too", lambda: streams() == {"ns1": (4, 3), "-": (2, 2)})
    told = {hint.get("stream"): hint["hint"] for hint in api.get("status")["hints"]}
    for name, text in (("ns1", "3 hosts send the identity 'ns1'"), ("-", "2 hosts send no identity")):
        equal(told[name], text + ": servers of one name are counted as one; give each an identity of its own", "hint")
    for sender in senders[1:]:
        sender.finish()
    wait_for("they have left", lambda: streams()["ns1"] == (1, 1))
    assert not any(hint.get("stream") == "ns1" for hint in api.get("status")["hints"]), "no hint once they have left"
    places = [i["place"] for i in api.get("inputs")["inputs"]]
    equal(places, [f"unix:{t.path('tap.sock')}", f"tcp:127.0.0.1:{port}"], "where servers connect")


# --- live events ---------------------------------------------------------------------------------

def shown(event):
    """What a live event must be, of one that `spile read` shows."""
    return {"time": int(event["timestamp"] * 1000), "stream": event["identity"] or "-", "message": event["message"],
            "side": side_of(event), "direction": event["type"], "rcode": event["rcode"], "nodata": is_nodata(event), "client": event["query-ip"],
            "server": event["response-ip"], "transport": event["protocol"], "length": event["length"],
            "qname": event["qname"] and event["qname"].lower(), "qtype": event["rrtype"],
            "malformed": event["malformed"]}


def same(live):
    return tuple(v for k, v in sorted(live.items()) if k not in ("latency", "time"))


@test()
def live_events_pass_their_filters(t):
    api = Api(t)
    events = read(t, CAPTURES / "unbound.fstrm.xz")
    client = collections.Counter(e["query-ip"] for e in events).most_common(20)[-1][0]
    cases = {
        "client": ({"client": client}, lambda e: e["query-ip"] == client),
        "no client": ({"client": "-"}, lambda e: not e["query-ip"]),
        "rcode": ({"rcode": "servfail"}, lambda e: e["rcode"] == "SERVFAIL"),
        "rcode by number": ({"rcode": 3}, lambda e: e["rcode"] == "NXDOMAIN"),
        "type": ({"type": "MX"}, lambda e: e["rrtype"] == "MX"),
        "under": ({"under": "Cloud.Test"}, lambda e: ("." + e["qname"].lower()).endswith(".cloud.test.")),
        "together": ({"under": "test", "direction": "response", "type": "AAAA", "stream": "unbound-test"},
                     lambda e: e["type"] == "response" and e["rrtype"] == "AAAA" and
                     e["qname"].lower().endswith(".test.")),
        "upstream": ({"side": "upstream"}, lambda e: side_of(e) == "upstream"),
        "no such stream": ({"stream": "another"}, lambda e: False),
        "all, as many as may be": ({"rate": 50}, lambda e: True),
    }
    tails = {name: Tail(api, **{"rate": 10000, **asked}) for name, (asked, _) in cases.items()}
    begin = time.monotonic()
    t.run("send", "--rate", "4000", CAPTURES / "unbound.fstrm.xz", f"unix:{t.path('tap.sock')}", seconds=60)
    api.wait_events(len(events))
    for name, (_, passes) in cases.items():
        tails[name].wait(sum(map(passes, events)))
        wanted = [shown(e) for e in events if passes(e)]
        if tails[name].lost == 0:
            equal(collections.Counter(map(same, tails[name].events)), collections.Counter(map(same, wanted)), name)
        else:
            assert not collections.Counter(map(same, tails[name].events)) - collections.Counter(map(same, wanted)), name
    most = 50 * (time.monotonic() - begin + 2)
    for name in ("client", "rcode", "type"):
        equal(tails[name].lost, 0, f"{name}: lost")
    equal(sorted(e["time"] for e in tails["rcode"].events),
          sorted(shown(e)["time"] for e in events if cases["rcode"][1](e)), "times")
    few = tails["all, as many as may be"]
    assert 50 <= len(few.events) <= most and few.lost > 0, f"{len(few.events)} shown, of {most:.0f}, {few.lost} lost"


@test()
def viewers_are_limited_and_may_leave(t):
    api = Api(t, CONFIG.replace('web: {', 'web: {connections-address: 200, '))
    tails = [Tail(api) for _ in range(40)]
    for tail in tails[:8]:
        wait_for("the first ones make room", lambda: not tail.thread.is_alive())
    assert all(tail.thread.is_alive() for tail in tails[8:]), "and no others"
    for tail in tails[8:24]:
        tail.leave()
    late = [Tail(api) for _ in range(16)]
    assert all(tail.thread.is_alive() for tail in tails[24:] + late), "where there is room nobody makes any"
    equal(api.get("health"), {"status": "ok"}, "health")


# --- mistakes, secrets, readiness ----------------------------------------------------------------

@test()
def mistakes_name_the_parameter(t):
    api = Api(t)
    wrong = {
        "statistics": [],
        "tables": [{"side": "query"}, {"n": 0}, {"n": 1001}, {"n": "ten"}, {"n": "-1"}, {"n": "9" * 30}, {"by": "hits"}, {"list": "a"},
                   {"list": "tlds," * 20}, {"under": "a..b"}, {"under": ""}, {"under": "x" * 64 + ".example"}, {"contains": ""},
                   {"contains": "x" * 256}],
        "series": [{"from": "yesterday"}, {"to": "x"}, {"step": "1s"}, {"series": "nothing"}],
        "history/tops": [{"n": 0}, {"table": "types"}, {"by": "names"}],
        "connections": [{"n": 0}],
        "events": [{"client": "198.51.100.256"}, {"client": "x" * 100}, {"client": "192.0.2.1\0"},
                   {"rcode": "NOPE"}, {"rcode": 4096}, {"type": ""},
                   {"type": 65536}, {"direction": "both"}, {"side": "query"}, {"rate": 0}, {"under": "a b..c"}],
    }
    for what, cases in wrong.items():
        for parameters in cases:
            error = api.get(what, status=400, **parameters)["error"]
            assert f"'{next(iter(parameters))}'" in error, f"{what} {parameters}: {error}"
    for parameters, name in (({"table": "domain"}, "table"), ({"table": "tlds", "by": "rcode", "code": 0}, "by"),
                             ({"table": "domains", "by": "rcode"}, "code"), ({"table": "domains", "code": 0}, "code"),
                             ({"table": "clients", "under": "example"}, "under"), ({"table": "types", "contains": "a"}, "contains"),
                             ({"table": "types", "by": "mean"}, "by"), ({"from": 2, "to": 1}, "from")):
        what = "series" if "from" in parameters else "tables"
        error = api.get(what, status=400, **parameters)["error"]
        assert f"'{name}'" in error, f"{parameters}: {error}"
    for what in ("statistics", "tables"):
        error = api.get(what, status=404, stream="nobody \x1b[31m")["error"]
        assert "'stream'" in error and "\x1b" not in error, error
    lists = {("series", "series"): ("queries,nxdomian,responses", {n["name"] for n in api.get("history")["series"]} | {"heat", "fine"}),
             ("tables", "list"): ("tlds,nxdomian,types", {table["list"] for table in api.get("tables")["tables"]})}
    for (what, name), (names, known) in lists.items():
        error = api.get(what, status=400, **{name: names})["error"]
        told, _, there = error.partition("; there are: ")
        assert told.startswith(f"parameter '{name}': there is no 'nxdomian'"), error
        equal(set(there.split(", ")), known, f"those that there are: {error}")
    error = api.get("series", status=400, series="querys")["error"]
    assert "there is no 'querys' (did you mean 'queries'?); there are: " in error, error
    error = api.get("tables", status=400, list=",".join(["tlds"] * 99))["error"]
    assert "more lists than" in error, error


SECRETS = ["key-Zq3", "word-Xw9", "token-Yv7"]


@test()
def configuration_without_secrets(t):
    config = """
inputs:
  - unix: {path: @DIR@/tap.sock, mode: 0666, handshake-timeout: 2500ms}
  - tcp: {listen: "[::1]:0", allow: [192.0.2.0/24, "::/0"], required: false}
outputs:
  - file: {path: @DIR@/out.log, format: json, fields: "qname,rcode", rotate-size: 10M, queue-size: 512K}
  - "null": {}
web: {listen: "127.0.0.1:0", header-timeout: 1m, api-key: key-Zq3, login: me, password: word-Xw9, bearer-token: token-Yv7}
statistics: {memory: 32M}
"""
    api = Api(t, config, headers={"X-API-Key": SECRETS[0]}, sockets=2)
    reply = api.get("config")
    equal(reply["inputs"][0]["unix"]["handshake-timeout"], "2500ms", "a duration")
    equal(reply["inputs"][0]["unix"]["mode"], "0666", "a mode")
    equal(reply["inputs"][1]["tcp"]["allow"], ["192.0.2.0/24", "::/0"], "prefixes")
    equal(reply["inputs"][1]["tcp"]["listen"], "[::1]:0", "an address")
    equal([reply["outputs"][0]["file"][k] for k in ("rotate-size", "rotate-every", "queue-size", "fields")],
          ["10M", "off", "512K", "qname,rcode"], "sizes")
    equal(reply["statistics"]["memory"], "32M", "a section")
    equal([reply["web"][k] for k in ("api-key", "password", "bearer-token")], ["***"] * 3, "secrets")
    path = t.path("again.yaml")
    path.write_text(json.dumps({**reply, "web": {**reply["web"], "api-key": "a", "password": "b", "bearer-token": "c"}}))
    t.run("config", "check", path)
    for route in api.get("")["routes"]:
        if route["method"] == "GET" and route["path"] != "/api/v1/events":
            _, body = api.ask(route["path"])
            for secret in SECRETS:
                assert secret.encode() not in body, f"{route['path']} shows {secret}"


@test()
def open_routes_and_closed_ones(t):
    api = Api(t, CONFIG.replace("web: {", "web: {api-key: key-Zq3, "))
    equal(api.ask("/api/v1/health"), (200, b'{"status":"ok"}'), "health without a key")
    equal(api.ask("/api/v1/ready"), (200, b'{"status":"ready"}'), "readiness without a key")
    for route in json.loads(Api.ask(with_key(api), "/api/v1")[1])["routes"]:
        if route["path"].startswith("/api/v1") and route["path"] not in ("/api/v1/health", "/api/v1/ready"):
            equal(api.ask(route["path"], route["method"])[0], 401, f"{route['path']} without a key")


def with_key(api):
    other = object.__new__(Api)
    other.__dict__.update(api.__dict__, headers={"X-API-Key": "key-Zq3"})
    return other


@test()
def not_ready_without_an_open_input(t):
    api = Api(t, CONFIG.replace("path: @DIR@/tap.sock", "path: /nowhere/tap.sock, required: false"), sockets=1)
    equal(api.get("ready", status=503), {"status": "no input is open"}, "readiness")
    equal(api.get("health"), {"status": "ok"}, "health")
    equal(api.get("inputs")["inputs"][0]["open"], False, "the input")


@test()
def not_ready_at_the_end(t):
    """An output that hangs lets the end take its time."""
    os.mkfifo(t.path("fifo"))
    reader = os.open(t.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(t.path("fifo"), os.O_WRONLY)
    config = "shutdown-time: 20s\n" + CONFIG.replace('"null": {}', "stdout: {format: text}")
    path = t.path("spile.yaml")
    path.write_text(config.replace("@DIR@", str(t.folder)))
    api = object.__new__(Api)
    api.t, api.headers = t, {}
    api.spile = t.spile("run", "-c", path, stdout=writer)
    t.wait_listening(api.spile, 2)
    api.address = api.spile.web()
    api.send(CAPTURES / "unbound.fstrm.xz")
    api.wait_events(8263)
    equal(api.get("ready"), {"status": "ready"}, "readiness")
    api.spile.send(signal.SIGTERM)
    wait_for("the end has begun", lambda: api.ask("/api/v1/ready")[0] == 503)
    equal(api.get("ready", status=503), {"status": "ending"}, "readiness")
    equal(api.get("health"), {"status": "ok"}, "health")
    os.close(writer)
    os.set_blocking(reader, True)
    while api.spile.running():
        os.read(reader, 1 << 16)
    os.close(reader)
