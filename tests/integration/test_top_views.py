"""spile top: whose numbers, of what time, and what is found and known of one name."""
import collections
import itertools
import time

import fstrm
from harness import CAPTURES, equal, test
from mix import SIDES, Mix
import share
from terminal import DOWN, Terminal
from test_top import NXDOMAIN, SERVFAIL, Daemon, answered, report, summary, table_of


@test()
def a_side_and_a_window_are_chosen_by_flags(t):
    """Every number of a report is of the side and the window that its title says."""
    daemon, mix = Daemon(t), Mix()
    daemon.send(mix.frames())
    # The last minute first: it is soon over. Nothing said is all.
    for window, side in share.some(list(itertools.product(("1m", "5m", "1h", "1d", None), SIDES))):
        lines = report(t, "-n", "50", "--side", side, *(["--window", window] if window else []), daemon.url)
        title = f"  {'clients' if side == 'client' else side}, {window or 'all'}  stream all (0/1)"
        assert title in lines[0], lines[0]
        events = mix.events(side)
        for label, direction in (("queries", "query"), ("answers", "response")):
            equal(summary(lines, label)[0], str(sum(e["type"] == direction for e in events)), f"{label}, {side}, {window}")
        asked = collections.Counter(e["qname"] for e in events if e["type"] == "query")
        rows = table_of(lines, "domains asked")
        equal([int(row["queries"]) for row in rows], sorted(asked.values(), reverse=True)[:50], f"names, {side}, {window}")
        assert all(asked[row["name"]] == int(row["queries"]) for row in rows), rows
        key, table = ("query-ip", "clients") if side == "client" else ("response-ip", "servers")
        others = collections.Counter(e[key] for e in events if e["type"] == "query")
        rows = table_of(lines, table)
        equal({row["name"]: int(row["queries"]) for row in rows}, dict(others), f"{table}, {window}")
        if side == "upstream":
            part = 100 * others[rows[0]["name"]] / sum(others.values())
            equal(rows[0]["share"], f"{part:.1f}%", "the share of the busiest server")
    t.run("top", "--window", "2h", daemon.url, status=2)
    t.run("top", "--side", "server", daemon.url, status=2)


@test()
def a_side_and_a_window_are_chosen_by_keys(t):
    daemon, mix = Daemon(t), Mix()
    daemon.send(mix.frames())
    queries = {side: str(sum(e["type"] == "query" for e in mix.events(side))) for side in SIDES}
    screen = Terminal(t, "top", "-i", "200ms", daemon.url)
    for window in ("1m", "5m", "1h", "1d", "all"):
        lines = screen.wait(f"clients, {window} ", "host1.mix.example.")
        equal(summary(lines, "queries")[0], queries["client"], f"queries, {window}")
        screen.press("w")
    screen.wait("clients, 1m ")
    screen.press("W8")
    screen.wait("clients, all ", " 8 clients  1-")
    screen.press("u")
    lines = screen.wait("upstream, all ", " 8 servers  1-", ">queries  share")
    equal(summary(lines, "queries")[0], queries["upstream"], "queries of upstream")
    equal(summary(lines, "distinct")[:2], ["servers", str(len({e["response-ip"] for e in mix.events("upstream")}))], "servers")
    screen.press("h")
    screen.wait("the next window", "upstream's numbers", "names and addresses with a text", "what is known of")
    equal(screen.quit(), 0, "status")
    screen = Terminal(t, "top", "--side", "upstream", "--window", "1h", daemon.url)
    screen.wait("upstream, 1h ", "zone0.mix.test.")
    equal(screen.quit(), 0, "status")


@test()
def a_window_is_begun_anew_by_a_key(t):
    """That one alone, and with all the whole; who asks by a key is asked back."""
    daemon = Daemon(t)
    daemon.send(answered(b"ns1", [b"one", b"test"]) * 5)
    screen = Terminal(t, "top", "-i", "200ms", "--window", "5m", daemon.url)
    screen.wait("clients, 5m ", "one.test.")
    screen.press("Rn")
    screen.press("R")
    screen.wait("begin 5m anew, for all who look? y or n")
    equal(daemon.statistics(window="5m")["queries"]["events"], 5, "nothing is forgotten yet")
    screen.press("y")
    screen.wait_gone("one.test.")
    equal(daemon.statistics(window="5m")["queries"]["events"], 0, "queries of the window")
    equal(daemon.statistics()["queries"]["events"], 5, "all queries")
    screen.press("WW")
    screen.wait("clients, all ", "one.test.")
    screen.press("Ry")
    screen.wait_gone("one.test.")
    equal(daemon.statistics()["queries"]["events"], 0, "all queries")
    equal(screen.quit(), 0, "status")


@test()
def names_are_searched_for_and_explained(t):
    """By the whole window, of which a table shows the first rows; what is found is explained by the events that come
    then, and esc leads back the same way."""
    daemon = Daemon(t)
    daemon.send([frame for i in range(1500) for frame in answered(b"ns1", [b"host%d" % i, b"test"])] * 2 +
                answered(b"ns1", [b"www", b"needle", b"test"], NXDOMAIN) + answered(b"ns1", [b"needle", b"test"]))
    screen = Terminal(t, "top", "-i", "200ms", "--window", "all", daemon.url)
    screen.wait("domains asked  1-")
    screen.press("t")
    screen.wait("domains answered  1-")
    screen.press("/NEEDxy\x7f\x08L")
    lines = screen.wait("/NEEDL_", "domains found  1-2/2", " needle.test.", "www.needle.test.")
    equal([row["q+a"] for row in table_of(lines, "domains found")], ["2", "2"], "queries and answers")
    screen.press("\r")
    lines = screen.wait("  /NEEDL", " q quit ")
    chosen = table_of(lines, "domains found")[0]["name"]
    if chosen != "needle.test.":  # they are equal
        screen.press(DOWN)
    screen.press("\r")
    screen.wait("all streams", " about      needle.test. and what is below it", " itself     in the window 1 queries",
                " live       all streams' since 20")
    daemon.send(answered(b"ns1", [b"www", b"needle", b"test"], NXDOMAIN) * 3 + answered(b"ns1", [b"haystack", b"test"]) * 9)
    lines = screen.wait("live clients  1-1/1", " queries    3 ", " answers    3 ")
    equal(summary(lines, "rcodes"), ["NXDOMAIN", "100", "%"], "its rcodes")
    equal(table_of(lines, "live clients")[0]["name"], "192.0.2.1", "who asks")
    screen.press("3")
    lines = screen.wait("below it in the window  1-2/")
    equal({row["name"]: row["queries"] for row in table_of(lines, "below it in the window")},
          {"www.needle.test.": "4", "needle.test.": "1"}, "what is below")
    screen.press("1")
    screen.wait(" 1 live clients  1-1/1")
    screen.press("\r")
    screen.wait(" about      client 192.0.2.1", " 1 live domains", f" itself     in the window {3000 + 2 + 12} queries")
    daemon.send(answered(b"ns1", [b"after", b"test"]))
    lines = screen.wait("live domains  1-1/1", "after.test.")
    screen.press("\x1b")
    screen.wait(" about      needle.test. and what is below it", " 1 live clients")
    screen.press("\x1b")
    screen.wait("  /NEEDL", "domains found  1-2/2")
    screen.press("\x1b")
    screen.wait_gone("/NEEDL")
    screen.wait(" 2 domains answered  1-")
    screen.press("/q")
    screen.wait("/q_", "none")
    screen.press("\x1b")
    equal(screen.quit(), 0, "status")


@test()
def names_are_explained_without_a_daemon(t):
    """By the statistics in the same process; of a file that has ended nothing more comes."""
    path = t.path("tap.sock")
    screen = Terminal(t, "top", "-i", "200ms", f"unix:{path}")
    screen.wait("waiting for a DNS server")
    sender = fstrm.Sender(path)
    sender.send(*answered(b"ns1", [b"one", b"test"]) * 5)
    screen.wait("one.test.", " queries    5 ")
    screen.press("\r")
    screen.wait(" about      one.test. and what is below it", " itself     in the window 5 queries", " queries    0 ")
    sender.send(*answered(b"ns1", [b"one", b"test"], SERVFAIL) * 2)
    lines = screen.wait(" queries    2 ", " answers    2 ", "192.0.2.1")
    equal(summary(lines, "rcodes"), ["SERVFAIL", "100", "%"], "rcodes")
    sender.sock.close()
    equal(screen.quit(), 0, "status")
    screen = Terminal(t, "top", CAPTURES / "unbound.fstrm.xz")
    screen.wait("host1.corp.example.", "ended")
    screen.press("\r")
    screen.wait(" about      host1.corp.example. and what is below it", " queries    0 ", "ended")
    equal(screen.quit(), 0, "status")
