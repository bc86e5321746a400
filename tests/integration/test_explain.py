"""What belongs to a name or a client (/api/v1/explain), and what is found by a part of its name (/api/v1/search): the
truth of a known mix."""
import fstrm
from harness import equal, test, wait_for
from mix import SIDES, Mix
from test_api import Api, Shapes
from test_api_numbers import ENDS, check_direction, check_quantile, measures, table_of


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
    for direction in ("query", "response"):
        key = {"query": "queries", "response": "responses"}[direction]
        check_direction(live[key], [e for e in events if e["type"] == direction], f"{what} {key}")
    latencies = [e["latency"] for e in events if e["latency"] is not None]
    equal(live["latency"]["count"], len(latencies), f"{what} latencies")
    for key, q in (("p50", 0.5), ("p99", 0.99)):
        check_quantile(live["latency"][key], q, latencies, f"{what} {key}")
    check_list(live["names"], events, lambda e: e["qname"], n, f"{what} names")
    end = {"client": "clients", "upstream": "servers"}[side]
    check_list(live[end], events, lambda e: e[ENDS[side]], n, f"{what} {end}")
    equal([live["unseen"], live["from"] <= live["to"]], [0, True], what)


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
    api.wait_events(len(mix.events()))
    for subject, side, belongs in asked:
        belongs = belongs or (lambda e, name=subject["name"]: e["qname"] == name)
        events = list(filter(belongs, mix.events(side)))
        reply = api.get("explain", n=20, **subject)
        shapes.check("/api/v1/explain", reply)
        if events:
            check_live(reply["live"], events, side, 20, str(subject))
        else:
            equal(reply["live"]["names"]["rows"], [], str(subject))
        if "name" in subject:
            check_list({**reply["under"], "keys": len({e["qname"] for e in events})}, events, lambda e: e["qname"], 20, f"under {subject}")
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
    for i in range(8):
        api.get("explain", name=f"name{i}.example")
    equal(api.get("explain", 503, name="one.more")["error"], "8 names and clients are being looked at already", "places")
    api.get("explain", name="NAME3.example.")
