"""Frames that a server drops before it sends them: known ones are left out here, and counted there."""
import struct
import time

import fstrm
from harness import equal, samples, test, wait_for
from test_stats import Web

CONFIG = """
latency-window: %(window)s
%(top)s
inputs:
  - unix: {path: @DIR@/tap.sock}
outputs:
  - "null": {}
web: {listen: "127.0.0.1:0", header-timeout: 1m}
"""
START = 1_700_000_000
EVERY_NS = 10_000_000
TOOK_NS = 2_500_000
COUNT = 2000
NEVER = "1000s"  # no window is over while the test runs


def half(number, kind, identity, both_times=False):
    """A query (5) or a response (6) of the n-th exchange."""
    asked, answered = (divmod(START * 10 ** 9 + number * EVERY_NS + more, 10 ** 9) for more in (0, TOOK_NS))
    dns = struct.pack("!HHHHHH", number & 0xffff, 0x8180 if kind == 6 else 0x0100, 1, 0, 0, 0) + b"\1n\4test\0\0\1\0\1"
    who = {"identity": identity, "query_port": 1024 + number}
    if kind == 5:
        return fstrm.message(dns, 5, *asked, **who)
    return fstrm.answer(dns, 6, *answered, *(asked if both_times else ()), **who)


def send(t, identity, halves, both_times=False):
    client = fstrm.Sender(t.path("tap.sock"))
    client.send(*[half(number, kind, identity, both_times) for number, kind in halves])
    client.finish()


def all_but(lost_queries, lost_responses, count=COUNT):
    for number in range(count):
        if number not in lost_queries:
            yield number, 5
        if number not in lost_responses:
            yield number, 6


def losses(web):
    return {s["name"]: s["loss"] for s in web.json("/api/v1/streams")["streams"]}


def by_stream(page, name):
    """{stream: value} of the samples of that name, whose only label it is."""
    return {labels.split('"')[1]: value for labels, value in page.items() if labels.startswith(name + "{")}


@test()
def dropped_frames_are_counted(t):
    """By stream, on the API, the page for Prometheus and in history; with one and with both times."""
    web = Web(t.listen(CONFIG % {"window": "1s", "top": "threads: 2"}))
    lost_queries = set(range(230, COUNT, 97))
    lost_responses = set(range(10, COUNT - 1, 50)) - lost_queries
    for name, both_times in ((b"one", False), (b"both", True)):
        send(t, name, all_but(lost_queries, lost_responses), both_times)
    send(t, b"asks", [(number, 5) for number in range(COUNT)])
    send(t, b"answers", [(number, 6) for number in range(COUNT)], True)
    send(t, b"whole", all_but(set(), set()))
    wanted = {"unanswered": len(lost_responses), "unasked": len(lost_queries)}

    def found():
        now = {name: loss["unanswered"] for name, loss in losses(web).items()}
        return now == {"one": len(lost_responses), "both": len(lost_responses), "asks": 0, "answers": 0, "whole": 0}
    wait_for("the last window is over", found, every=0.2)
    got = losses(web)
    frames = 2 * COUNT - len(lost_queries) - len(lost_responses)
    for name in ("one", "both"):
        equal({key: got[name][key] for key in wanted}, wanted, name)
        share = got[name]["source-loss"]
        assert abs(share - (len(lost_queries) + len(lost_responses)) / (2 * COUNT)) < 1e-6, f"{name}: {share} of {frames}"
    for name in ("asks", "answers"):
        equal(got[name], {"unanswered": 0, "unasked": 0, "source-loss": None, "malformed": 0}, name)
    equal(got["whole"], {"unanswered": 0, "unasked": 0, "source-loss": 0, "malformed": 0}, "nothing is lost")
    zeros = {"asks": 0, "answers": 0, "whole": 0}
    page = samples(web.get("/metrics").decode())
    equal(by_stream(page, "spile_queries_unanswered_total"), {"one": len(lost_responses), "both": len(lost_responses), **zeros},
          "unanswered, for Prometheus")
    equal(by_stream(page, "spile_responses_unasked_total"), {"one": len(lost_queries), "both": len(lost_queries), **zeros},
          "unasked, for Prometheus")
    equal(by_stream(page, "spile_stream_source_loss_ratio").keys(), {"one", "both", "whole"}, "ratios")


@test()
def what_nobody_could_hear_is_no_loss(t):
    """Queries of before the connection, entries that are few, and what is still on its way."""
    web = Web(t.listen(CONFIG % {"window": NEVER, "top": "latency-entries: 64"}))
    send(t, b"early", [(number, 6) for number in range(300)])
    for first in range(300, 1800, 300):
        send(t, b"early", [(number, kind) for kind in (5, 6) for number in range(first, first + 300)])
    send(t, b"early", [(number, 5) for number in range(1800, 1860)])
    wait_for("all is counted", lambda: web.statistics()["statistics"]["queries"]["events"] == 1560)
    loss = losses(web)["early"]
    equal([loss["unanswered"], loss["unasked"]], [0, 0], "loss")


@test()
def slow_times_are_waited_for(t):
    """A capture that is sent slowly: by the clock a window is over three times before the responses come, but not by the
    times of the messages. What never comes is counted when these say so."""
    window = 2
    web = Web(t.listen(CONFIG % {"window": f"{window}s", "top": "threads: 1"}))
    lost = set(range(0, 50, 5))
    client = fstrm.Sender(t.path("tap.sock"))
    client.send(*[half(number, 5, b"slow") for number in range(50)])
    end = time.monotonic() + 3 * window
    while time.monotonic() < end:
        client.send(*[half(50, kind, b"slow") for kind in (5, 6)])
        time.sleep(0.1)
    client.send(*[half(number, 6, b"slow") for number in range(50) if number not in lost])
    equal(losses(web)["slow"]["unanswered"], 0, "unanswered, while they may come")
    client.send(*[half(number, kind, b"slow") for number in (1000, 1001) for kind in (5, 6)])
    wait_for("their windows are over", lambda: losses(web)["slow"]["unanswered"] == len(lost))
    equal(losses(web)["slow"]["unasked"], 0, "responses that found no query")
    client.finish()
