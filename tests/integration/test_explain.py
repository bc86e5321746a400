"""What belongs to a name or a client (/api/v1/explain), what is found by a part of its name (/api/v1/search), and what
came first lately (/api/v1/new): the truth of a known mix."""
import collections
import copy

import fstrm
from harness import equal, test, wait_for
from lab import question
from mix import SIDES, Mix, side_of
from test_api import Api, Shapes
from test_api_numbers import DIRECTIONS, ENDS, check_direction, check_quantile, direction_of, latencies_of, measures, table_of


WATCHES = 8  # as src/api/watch.h has them


def send(t, mix):
    client = fstrm.Sender(t.path("tap.sock"))
    client.send(*mix.frames())
    client.finish()


def check_list(got, events, key, n, what):
    """The heaviest rows, each with its measures."""
    wanted = {name: measures(row) for name, row in table_of(events, key).items()}
    equal([got["keys"], got["keys-exact"], got["floor"]], [len(wanted), True, 0], what)
    rows = got["rows"]
    hits = {name: m["queries"] + m["responses"] for name, m in wanted.items()}
    equal([row["value"] for row in rows], sorted(hits.values(), reverse=True)[:n], f"{what}: hits")
    for row in rows:
        m = wanted[row["name"]]
        equal([row["error"]] + [row[k] for k in m if k not in ("latency-sum", "slowest")],
              [0] + [m[k] for k in m if k not in ("latency-sum", "slowest")], f"{what} {row['name']}")


def check_live(live, events, side, n, what):
    for direction, key in DIRECTIONS.items():
        check_direction(live[key], direction_of([e for e in events if e["type"] == direction]), f"{what} {key}")
    latencies = latencies_of(events)
    equal(live["latency"]["count"], len(latencies), f"{what} latencies")
    for key, q in (("p50", 0.5), ("p99", 0.99)):
        check_quantile(live["latency"][key], q, latencies, f"{what} {key}")
    check_list(live["names"], events, lambda e: e["qname"], n, f"{what} names")
    end = {"client": "clients", "upstream": "servers"}[side]
    check_list(live[end], events, lambda e: e[ENDS[side]], n, f"{what} {end}")
    equal([live["unseen"], live["from"] <= live["to"]], [0, True], what)


def check_own(reply, events, what):
    """The row of the name itself, without what is below it, or of the client; nothing is hidden where all have rows."""
    row = reply["row"]
    equal(reply["row-floor"], 0, what)
    if not events:
        equal(row, None, what)
        return
    m = measures(events)
    equal([row["queries"], row["responses"], row["nxdomain"], row["error"]],
          [m["queries"], m["responses"], m["nxdomain"], 0], what)


@test()
def names_and_clients_are_explained(t):
    """Counted from the first question on; what belongs to another side, name or client is not in it."""
    api, mix = Api(t), Mix()
    shapes = Shapes(api)
    asked = [({"name": "Mix.Example"}, "client", lambda e: True), ({"name": "none3.mix.example."}, "client", None),
             ({"name": "."}, "client", lambda e: True),
             ({"client": "198.51.100.7"}, "client", lambda e: e["query-ip"] == "198.51.100.7"),
             ({"name": "mix.test", "side": "upstream"}, "upstream", lambda e: True),
             ({"name": "ix.example"}, "client", lambda e: False)]
    for subject, side, _ in asked:
        reply = api.get("explain", **subject)
        shapes.check("/api/v1/explain", reply)
        equal([reply["side"], reply["live"]["queries"]["events"]], [side, 0], f"nothing yet of {subject}")
    send(t, mix)
    for window in ("all", "1h"):
        api.wait_events(len(mix.events()), window=window)
    for subject, side, belongs in asked:
        belongs = belongs or (lambda e, name=subject["name"]: e["qname"] == name)
        events = list(filter(belongs, mix.events(side)))
        reply = api.get("explain", n=20, **subject)
        shapes.check("/api/v1/explain", reply)
        if events:
            check_live(reply["live"], events, side, 20, str(subject))
        else:
            equal(reply["live"]["names"]["rows"], [], str(subject))
        own = "client" not in subject and subject["name"].lower().rstrip(".") + "."
        check_own(reply, [e for e in events if not own or e["qname"] == own], f"the row of {subject}")
        if "name" in subject:
            check_list(reply["under"], events, lambda e: e["qname"], 20, f"under {subject}")
            window = api.get("explain", n=2, window="1h", **subject)["under"]
            check_list(window, events, lambda e: e["qname"], 2, f"under {subject}, in a window")
        else:
            equal([reply["under"], reply["client"]], [None, "198.51.100.7"], "of a client")
    send(t, mix)  # once more: what is watched goes on
    wait_for("twice as many", lambda: api.get("explain", name="mix.example")["live"]["queries"]["events"] == 2000)


@test()
def what_cannot_be_explained_is_refused(t):
    api = Api(t)
    for asked, text in (({}, "one of 'name' and 'client' is needed"), ({"name": "a", "client": "::1"}, "one of 'name'"),
                        ({"client": "::1", "side": "upstream"}, "upstream the client is the server itself"),
                        ({"client": "here"}, "'here' is not an address"), ({"name": "a..b"}, "is not a domain name"),
                        ({"name": "a", "n": 101}, "a number from 1 to 100"), ({"name": "a", "window": "2h"}, "is not one of")):
        assert text in api.get("explain", 400, **asked)["error"], asked


@test()
def who_asks_for_much_leaves_room_for_others(t):
    """What one client asks for takes another's place as little as a machine's slowness: who asks for a ninth name gives
    up one of its own, and a client at another address has a place and keeps it."""
    many, mix = Api(t), Mix()
    one = copy.copy(many)
    one.source = "127.0.0.2"
    for number in range(WATCHES + 1):
        many.get("explain", name=f"name{number}.example")
    begin = one.get("explain", name="mix.example")["live"]["from"]
    send(t, mix)
    for number in range(3 * WATCHES):
        many.get("explain", name=f"NAME{number}.example")
    many.get("explain", client="198.51.100.7")
    wait_for("all events", lambda: one.get("explain", name="mix.example")["live"]["queries"]["events"] == 1000)
    equal(one.get("explain", name="mix.example")["live"]["from"], begin, "the watch goes on")
    equal(many.get("explain", name="MIX.example")["live"]["from"], begin, "in capital letters it is the same name")


@test()
def what_contains_a_text_is_found(t):
    """Names and addresses of one side and window, the heaviest first; how many there are, and whether that is all."""
    api, mix = Api(t), Mix()
    shapes = Shapes(api)
    send(t, mix)
    for window in ("all", "5m"):
        api.wait_events(len(mix.events()), window=window)
    hits = {(table, side): collections.Counter(e[key] for e in mix.events(side) if key == "qname" or key == ENDS[side])
            for table, key in (("domains", "qname"), ("clients", ENDS["client"]), ("servers", ENDS["upstream"]))
            for side in SIDES}
    for side in SIDES:
        for text in ("3", "NONE1", "mix.", ".1", "203.0.113.", "no such thing", "\\", "x" * 255):
            for window in ("all", "5m"):
                reply = api.get("search", text=text, side=side, window=window, n=5)
                shapes.check("/api/v1/search", reply)
                equal(reply["text"], text.lower(), "the text")
                for table in reply["tables"]:
                    rows = hits[table["table"], side]
                    found = {name: count for name, count in rows.items() if text.lower() in name}
                    what = f"{side} {window} {table['table']} with {text}"
                    equal([table["searched"], table["whole"], table["found"]], [len(rows), True, len(found)], what)
                    equal([r["value"] for r in table["rows"]], sorted(found.values(), reverse=True)[:5], what)
                    assert all(found[r["name"]] == r["value"] for r in table["rows"]), what
    equal(sum(t["found"] for t in api.get("search", text="example", stream="mix")["tables"]), 80, "names of the stream")
    for asked in ({}, {"text": ""}, {"text": "x" * 256}, {"text": "a", "n": 0}, {"text": "a", "window": "2h"}):
        api.get("search", 400, **asked)
    api.get("search", 404, text="a", stream="nobody")


@test()
def a_search_looks_through_all_rows(t):
    """Those of thousands are all looked through, and the number found is told as far as it is known."""
    api = Api(t)
    client = fstrm.Sender(t.path("tap.sock"))
    head = b"\0\1\1\0\0\1\0\0\0\0\0\0"
    name = [b"\6n%05d\7example\0\0\1\0\1" % i for i in range(6000)]
    for at in range(0, 6000, 500):
        client.send(*[fstrm.message(head + question) for question in name[at:at + 500]])
    client.send(*[fstrm.message(head + name[5999])] * 5)
    client.finish()
    api.wait_events(6005)
    domains, clients, _ = api.get("search", text="n0599", n=100)["tables"]
    equal([domains["searched"], domains["whole"], clients["whole"]], [6000, True, True], "how much was looked through")
    equal([(r["name"], r["value"]) for r in domains["rows"]][:1], [("n05999.example.", 6)], "the heaviest is found")
    # A name that is behind them may have as much as the last of them, and one below few others nothing.
    for asked, wanted in (("example", [None, 1]), ("n05999.example", [6, 0]), ("none.test", [None, 0])):
        reply = api.get("explain", name=asked)
        equal([reply["row"] and reply["row"]["value"], reply["row-floor"]], wanted, asked)
    equal([domains["found"], domains["found-all"], len(domains["rows"])], [10, True, 10], "and those beside it")
    many = api.get("search", text="example", n=3)["tables"][0]
    equal([many["found"] > 100, many["found-all"], len(many["rows"])], [True, False, 3], "more than are kept")


@test()
def of_several_streams_a_key_is_found_once(t):
    """What streams have of a name adds up, in a search and below a name; only those of a stream are its own."""
    api = Api(t)
    client = fstrm.Sender(t.path("tap.sock"))
    counts = {f"n{i}.{'even' if i % 2 == 0 else 'odd'}.example.": i % 5 + 1 for i in range(40)}
    for stream, times in (("one", 1), ("two", 2)):
        for name, count in counts.items():
            client.send(*[fstrm.message(question(name, 1, 1), identity=stream.encode())] * count * times)
    client.finish()
    api.wait_events(3 * sum(counts.values()))
    even = {name: 3 * count for name, count in counts.items() if "even" in name}
    for times, stream in ((3, {}), (1, {"stream": "one"}), (2, {"stream": "two"})):
        table = api.get("search", text=".EVEN.", n=100, **stream)["tables"][0]
        equal([table["searched"], table["whole"], table["found"]], [40, True, 20], f"search {stream}")
        equal({r["name"]: r["value"] * 3 // times for r in table["rows"]}, even, f"search {stream}")
    under = api.get("explain", name="even.example", n=5)["under"]
    equal([under["keys"], under["keys-exact"], len(under["rows"])], [20, True, 5], "under")
    equal([r["value"] for r in under["rows"]], sorted(even.values(), reverse=True)[:5], "under")


@test()
def what_is_new_is_told(t):
    """What came first lately, by side and stream, with what it has since; after a reset all is new again."""
    api = Api(t)
    shapes = Shapes(api)
    mixes = [Mix(label="one", identity=b"a"), Mix(label="two", identity=b"b"), Mix(label="one", identity=b"b")]
    begin = api.get("statistics")["since"]
    for mix in mixes:
        send(t, mix)
    events = [e for mix in mixes for e in mix.events()]
    api.wait_events(len(events))
    api.wait_events(len(events), window="1m")
    for side in SIDES:
        for stream in (None, "a", "b"):
            some = [e for e in events if side_of(e) == side and stream in (None, e["identity"])]
            check_new(api, shapes, some, begin, side=side, **{"stream": stream} if stream else {})
    newest = api.get("new", n=3, table="clients")["tables"]
    equal([[t["table"], len(t["rows"]), t["found"]] for t in newest], [["clients", 3, 50]], "some of a table")
    for asked in ({"window": "1d"}, {"window": "all"}, {"table": "types"}, {"n": 0}, {"n": 1001}, {"side": "query"}):
        error = api.get("new", 400, **asked)["error"]
        assert f"'{next(iter(asked))}'" in error, f"{asked}: {error}"
    api.get("new", 404, stream="nobody")
    equal(api.ask("/api/v1/statistics", "DELETE")[0], 200, "status of the reset")
    equal([t["found"] for t in api.get("new")["tables"]], [0, 0], "after a reset")
    send(t, mixes[0])
    api.wait_events(len(mixes[0].events()))
    reset = api.get("statistics")["since"]
    assert reset > begin, (reset, begin)
    check_new(api, shapes, [e for e in mixes[0].events() if side_of(e) == "client"], reset, side="client")


def check_new(api, shapes, events, begin, **asked):
    for window in ("1m", "5m", "1h"):
        got = api.get("new", window=window, n=1000, **asked)
        shapes.check("/api/v1/new", got)
        equal([got["side"], got["window"], got["since"]], [asked["side"], window, begin], "scope")
        for table, key in (("domains", lambda e: e["qname"]), ("registrable", lambda e: ".".join(e["qname"].split(".")[-3:]))):
            found, = (each for each in got["tables"] if each["table"] == table)
            wanted = {name: measures(row) for name, row in table_of(events, key).items()}
            what = f"new {table}, {asked}"
            equal([found["found"], found["found-all"], found["floor"]], [len(wanted), True, 0], what)
            equal({r["name"]: [r["queries"], r["responses"], r["nxdomain"], r["error"]] for r in found["rows"]},
                  {name: [m["queries"], m["responses"], m["nxdomain"], 0] for name, m in wanted.items()}, what)
            assert abs(found["from"] - begin) <= 20, (begin, found["from"])  # two clocks, which are not read at once
            seen = [r["first-seen"] for r in found["rows"]]
            equal(seen, sorted(seen, reverse=True), what)
            assert all(begin - 20 <= at <= got["time"] for at in seen), (begin, seen)
