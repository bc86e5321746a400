"""Peers that take places: crowds of silent connections, loops, and who is served all the same."""
import itertools
import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import fstrm
from fstrm import Sender
from harness import UNIX_JSON, Skip, Spile, equal, free_port, samples, test, wait_for
from lab import prepare, question

CROWD = pathlib.Path(__file__).with_name("crowd.py")
MANY = 2300  # more than max-connections, and what may be leaving
TCP_JSON = """
inputs:
  - tcp: {listen: "ADDRESS"}
outputs:
  - stdout: {format: json}
"""


def crowd(t, *words, user="-"):
    """A crowd that is there: all its connections are open, or have been."""
    process = t.start([sys.executable, CROWD, user, *words], name=f"crowd{len(t.processes)}", stdin=subprocess.PIPE)
    wait_for("the crowd is there", lambda: b"full" in process.out or not process.running(), 60)
    assert process.running(), process.err
    return process


def served(t, spile, address, tag, count=3, **options):
    """Somebody who sends is served at once."""
    begin = time.monotonic()
    client = Sender(address, **options)
    client.send(*[fstrm.message(question(f"f{i}-{tag}.load.lab.", 1, i)) for i in range(count)])
    client.finish()
    wait_for(f"events of {tag}", lambda: spile.count(tag) >= count)
    t.soon(begin, 2, f"{tag} had to wait")


def needs_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * MANY:
        raise Skip(f"ulimit -Hn is {hard}")


def with_web(config):
    port = free_port()
    return f"{config}web: {{listen: 127.0.0.1:{port}}}\n", f"http://127.0.0.1:{port}"


def page(url):
    with urllib.request.urlopen(url, timeout=60) as reply:
        return reply.read().decode()


def count_of(url, what):
    """What the API says of the first input, after it was found to agree with the metrics."""
    entry = json.loads(page(url + "/api/v1/inputs"))["inputs"][0]
    names = {"refusals": ("refused", "spile_input_refused_total"), "cuts": ("cut", "spile_input_cut_total")}
    total, family = names[what]
    equal(sum(entry[what].values()), entry[total], f"the sum of {what}")
    listed = samples(page(url + "/metrics"))
    for reason, count in entry[what].items():
        name = f'{family}{{input="{entry["name"]}",reason="{reason}"}}'
        assert listed[name] >= count, f"{name} is {listed[name]}, {count} by the API"
    return entry[what]


@test(alone=True, plain=True)
def silent_crowd_on_a_unix_socket(t):
    """One user takes all the places he can get, and says nothing: he has to make room for himself, and
    others find a place, be they of the same user."""
    needs_descriptors()
    config, url = with_web(UNIX_JSON)
    spile = t.listen(config, count=2)
    begin = time.monotonic()
    crowd(t, t.path("tap.sock"), MANY, "silent", user="65534" if os.geteuid() == 0 else "-")
    served(t, spile, t.path("tap.sock"), "honest")
    cuts = count_of(url, "cuts")
    assert cuts["max-connections-peer"] >= MANY - 1024, cuts
    equal(cuts["max-connections"], 0, "nobody else had to make room")
    equal(sum(count_of(url, "refusals").values()), 0, "and nobody was refused")
    assert spile.err.count("closed unix:") < 60 + 4 * (time.monotonic() - begin), "cuts do not flood the log"
    equal(spile.stop(), 0, "exit status")


@test(alone=True, plain=True)
def crowds_on_loopback(t):
    """Behind loopback there is no telling who is who: who is silent makes room for who is not. It does
    not help to have sent something once."""
    needs_descriptors()
    address = f"127.0.0.1:{free_port()}"
    config, url = with_web(TCP_JSON.replace("ADDRESS", address))
    spile = t.listen(config, count=2)
    place = (address.split(":")[0], int(address.split(":")[1]))
    for manner in ("mute", "silent"):
        held = crowd(t, address, MANY, manner)
        served(t, spile, place, manner)
        held.kill()
    assert count_of(url, "cuts")["max-connections"] > MANY - 2048, count_of(url, "cuts")
    equal(spile.stop(), 0, "exit status")


@test(alone=True, net=True, plain=True)
def crowd_from_one_network(t):
    """Addresses without end in one /64, or some of IPv4: their own kind makes room, nobody else."""
    prepare()
    needs_descriptors()
    t.tool(["ip", "-6", "route", "replace", "local", "2001:db8:77::/48", "dev", "lo"])
    port = free_port()
    config, url = with_web(TCP_JSON.replace("ADDRESS", f"[::]:{port}"))
    spile = t.listen(config, count=2)
    idle = Sender(("198.51.100.1", port), source="198.51.100.9")  # a server without queries, which came first
    crowd(t, f"[2001:db8:53::1]:{port}", MANY, "silent", "2001:db8:77:1::{}")
    crowd(t, f"[2001:db8:53::1]:{port}", MANY, "silent", "2001:db8:77:{}::1")
    crowd(t, f"198.51.100.1:{port}", MANY, "silent", "192.0.2.10")
    served(t, spile, ("198.51.100.1", port), "neighbour", source="198.51.100.8")
    served(t, spile, ("198.51.100.1", port), "same", source="192.0.2.10")
    assert idle.is_open(), "the one that had been there is still there"
    idle.send(fstrm.message(question("f0-idle.load.lab.", 1, 1)))
    wait_for("its event", lambda: spile.count("idle"))
    cuts = count_of(url, "cuts")
    assert cuts["max-connections-peer"] >= MANY - 1024 and cuts["max-connections"] > 0, cuts
    equal(spile.stop(), 0, "exit status")


def limits(config, all_of_them, of_one):
    return config.replace('"}', f'", max-connections: {all_of_them}, max-connections-peer: {of_one}}}')


@test(net=True)
def who_has_little_is_not_closed(t):
    """Three servers have nothing to say. Strangers of some addresses, or of some networks of one customer, take
    all places there are, and keep them with a byte that is no dnstap: they make room for each other, and for others."""
    prepare()
    t.tool(["ip", "-6", "route", "replace", "local", "2001:db8:77::/48", "dev", "lo"])
    for number, (place, sources) in enumerate((("198.51.100.1", ["192.0.2.10", "192.0.2.11", "192.0.2.12"]),
                                               ("[2001:db8:53::1]", ["2001:db8:77:1::1", "2001:db8:77:2::1", "2001:db8:77:3::1"]))):
        port = free_port()
        config, url = with_web(limits(TCP_JSON.replace("ADDRESS", f"[::]:{port}"), 64, 32))
        spile = t.listen(config, count=2, name=f"spile{number}")
        idle = [Sender(("198.51.100.1", port), source=f"192.0.2.{n}") for n in (14, 15, 16)]
        crowd(t, f"{place}:{port}", 66, "junk", *sources)

        def pressed(port=port, url=url, place=place, sources=sources):
            crowd(t, f"{place}:{port}", 3, "junk", *sources)
            cuts = count_of(url, "cuts")
            return cuts["max-connections"] + cuts["max-connections-peer"] > 3
        wait_for("they make room", pressed)
        served(t, spile, ("198.51.100.1", port), "neighbour", source="198.51.100.8")
        for client in idle:
            assert client.is_open(), "a server with one connection was closed"
            client.send(fstrm.message(question("f0-idle.load.lab.", 1, 1)))
        wait_for("their events", lambda spile=spile: spile.count("idle") == 3)
        equal(spile.stop(), 0, "exit status")


@test(net=True)
def the_reserve_is_for_newcomers(t):
    """Two strangers take all places they can get, without a pause, and send at once."""
    prepare()
    port = free_port()
    spile = t.listen(limits(TCP_JSON.replace("ADDRESS", f"198.51.100.1:{port}"), 64, 32))
    for _ in range(3):
        crowd(t, f"198.51.100.1:{port}", 64, "frame", "192.0.2.10", "192.0.2.11")
    for i in range(4):
        served(t, spile, ("198.51.100.1", port), f"new{i}x", source=f"192.0.2.{12 + i}")
    equal(spile.stop(), 0, "exit status")


def at_once(t, count):
    """Connections of this process that say START, none waiting for another."""
    clients = [Sender(t.path("tap.sock"), handshake=False) for _ in range(count)]
    for client in clients:
        client.sock.sendall(fstrm.control(fstrm.START, fstrm.DNSTAP))
    return clients


def open_now(url):
    return json.loads(page(url + "/api/v1/connections"))["open"]


@test()
def idle_servers_that_restart_are_served(t):
    """Eight connections of one process that has nothing to say end together, and come again."""
    config, url = with_web(UNIX_JSON)
    spile = t.listen(config, count=2)
    for _ in range(3):
        clients = at_once(t, 8)
        wait_for("all are there", lambda: open_now(url) == 8)
        for client in clients:
            client.sock.close()
        wait_for("all have left", lambda: open_now(url) == 0)
    clients = at_once(t, 8)
    for i, client in enumerate(clients):
        client.send(fstrm.message(question(f"f{i}-again.load.lab.", 1, i)))
    wait_for("they are heard", lambda: spile.count("again") == 8)
    equal(sum(count_of(url, "refusals").values()), 0, "nobody was refused")
    equal(spile.stop(), 0, "exit status")


@test()
def who_is_of_use_may_come_again(t):
    """As long as a process has a connection that has sent something, its others come and go as they like."""
    config, url = with_web(UNIX_JSON)
    spile = t.listen(config, count=2)
    useful = Sender(t.path("tap.sock"))
    useful.send(fstrm.message(question("f0-useful.load.lab.", 1, 1)))
    wait_for("its event", lambda: spile.count("useful"))
    for _ in range(20):
        for client in at_once(t, 3):
            client.sock.close()
        wait_for("they have left", lambda: open_now(url) == 1)
    equal(sum(count_of(url, "refusals").values()), 0, "nobody was refused")
    assert useful.is_open()
    equal(spile.stop(), 0, "exit status")


@test(net=True)
def processes_of_other_containers_are_told_apart(t):
    """To a program in a container all processes outside have the number 0: one that loops keeps out no other."""
    if os.geteuid() != 0:
        raise Skip("not root: no process namespace")
    t.path("c.yaml").write_text(UNIX_JSON.replace("@DIR@", str(t.folder)))
    spile = t.start(["unshare", "--pid", "--fork", "--kill-child", t.spile_path, "run", "-c", t.path("c.yaml")],
                    name="spile", kind=Spile)
    wait_for("it listens", lambda: "listening on" in spile.err)
    loop = Loop(t.path("tap.sock"))
    wait_for("it is well under way", lambda: len(loop.rounds) > 20)
    for i in range(30):
        served(t, spile, t.path("tap.sock"), f"real{i}x", 1)
    loop.end()


@test(net=True)
def hosts_behind_a_translator_are_told_apart(t):
    """NAT64 has IPv4 hosts come from one /64: a loop of one of them is not the others'."""
    prepare()
    t.tool(["ip", "-6", "route", "replace", "local", "64:ff9b::/96", "dev", "lo"])
    port = free_port()
    address = ("2001:db8:53::1", port)
    spile = t.listen(TCP_JSON.replace("ADDRESS", f"[2001:db8:53::1]:{port}"))
    wait_for("the loop is refused", lambda: "refused [64:ff9b:" in spile.err or
             Six(address, "64:ff9b::192.0.2.2").sock.close())
    for i in range(15):
        Six(address, "64:ff9b::192.0.2.2").sock.close()
        other = Six(address, "64:ff9b::192.0.2.3")
        other.send(fstrm.message(question(f"f{i}-other.load.lab.", 1, i)))
    wait_for("15 of the other host", lambda: spile.count("other") == 15)
    equal(spile.stop(), 0, "exit status")


@test()
def who_sends_is_not_closed_for_who_is_silent(t):
    """With every place taken by somebody who sends, a newcomer is refused, and told why."""
    config, url = with_web(UNIX_JSON.replace("mode: 0666", "mode: 0666, max-connections: 4"))
    spile = t.listen(config, count=2)
    busy = [Sender(t.path("tap.sock")) for _ in range(4)]
    for i, client in enumerate(busy):
        client.send(fstrm.message(question(f"f{i}-busy.load.lab.", 1, i)))
    wait_for("all send", lambda: spile.count("busy") == 4)
    assert Sender(t.path("tap.sock"), handshake=False).closed_by_peer(), "there is no place"
    assert all(client.is_open() for client in busy), "those that send stay"
    equal(count_of(url, "refusals")["max-connections"], 1, "refused for want of a place")
    assert "max-connections" in spile.err, spile.err
    busy[0].finish()
    wait_for("its place is free", lambda: open_now(url) == 3)
    served(t, spile, t.path("tap.sock"), "next")
    equal(spile.stop(), 0, "exit status")


def loop_of(address, source, until, rounds):
    """Connects, says nonsense and comes again, until told to stop."""
    while not until.is_set():
        client = Sender(address, handshake=False, source=source)
        try:
            client.sock.sendall(b"nonsense")
        except OSError:
            pass
        client.closed_by_peer()
        client.sock.close()
        rounds.append(time.monotonic())


class Loop:
    """A peer in a loop, in the background."""

    def __init__(self, address, source=None):
        self.until, self.rounds = threading.Event(), []
        self.thread = threading.Thread(target=loop_of, args=(address, source, self.until, self.rounds), daemon=True)
        self.thread.start()

    def end(self):
        self.until.set()
        self.thread.join()


@test(net=True)
def reconnecting_in_a_loop_is_slowed(t):
    """A peer that connects, says nonsense and comes again must not cost a core, nor harm others."""
    prepare()
    address = ("198.51.100.1", free_port())
    config, url = with_web(TCP_JSON.replace("ADDRESS", f"198.51.100.1:{address[1]}"))
    spile = t.listen(config, count=2)
    begin = time.monotonic()
    loop = Loop(address, "198.51.100.9")
    wait_for("it has to wait", lambda: any(b - a > 0.5 for a, b in itertools.pairwise(loop.rounds)))
    served(t, spile, address, "meanwhile", 200, source="198.51.100.8")
    Sender(address, handshake=False, source="198.51.100.9")  # one more, while the loop waits
    wait_for("a refusal", lambda: count_of(url, "refusals")["reconnecting"])
    loop.end()
    refused = count_of(url, "refusals")["reconnecting"]
    late = sum(1 for r in loop.rounds if r > loop.rounds[0] + 1) - refused
    assert late < 60, f"{len(loop.rounds)} connections, {late} of them after the first and not refused"
    lines = spile.err.count("\n")
    assert lines < 40 + 4 * (time.monotonic() - begin), f"{lines} lines were logged"


@test()
def loop_on_loopback_is_nobody_elses(t):
    """A process that reconnects without sending keeps out no other of the same address."""
    address = ("127.0.0.1", free_port())
    spile = t.listen(TCP_JSON.replace("ADDRESS", f"127.0.0.1:{address[1]}"))
    loop = Loop(address)
    wait_for("it is well under way", lambda: len(loop.rounds) > 20)
    for i in range(30):
        served(t, spile, address, f"real{i}x", 1)
    loop.end()


class Six(Sender):
    """A client with an IPv6 address that is routed to us."""

    def __init__(self, address, source):
        self.sock = socket.socket(socket.AF_INET6)
        self.sock.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
        self.sock.settimeout(60)
        self.sock.bind((source, 0))
        self.sock.connect(address)
        self.sock.sendall(fstrm.control(fstrm.START, fstrm.DNSTAP))


@test(net=True)
def strangers_of_ipv6_are_served(t):
    """Who has the same lower half of an address in another network is a stranger; who has another in
    the same network is not."""
    prepare()
    t.tool(["ip", "-6", "route", "replace", "local", "2001:db8:78::/48", "dev", "lo"])
    t.tool(["ip", "-6", "route", "replace", "local", "2001:db8:79::/48", "dev", "lo"])
    port = free_port()
    address = ("2001:db8:53::1", port)
    spile = t.listen(TCP_JSON.replace("ADDRESS", f"[2001:db8:53::1]:{port}"))
    for _ in range(8):  # more than are free
        useless = Six(address, "2001:db8:78:1::7")
        useless.sock.shutdown(socket.SHUT_WR)
        assert useless.closed_by_peer(), "it was heard out, so it has been counted"
    for i in range(30):
        stranger = Six(address, f"2001:db8:79:{i}::7")
        stranger.send(fstrm.message(question(f"f{i}-stranger.load.lab.", 1, i)))
    wait_for("30 strangers", lambda: spile.count("stranger") == 30)
    hosts = itertools.count(1)  # one host in truth, with an address each time
    wait_for("the loop is refused", lambda: "refused [2001:db8:78:2:" in spile.err or
             Six(address, f"2001:db8:78:2::{next(hosts):x}").sock.close())
    equal(spile.stop(), 0, "exit status")


def limited(t, number, *words, name="limited"):
    """The program, with so many descriptors at most."""
    return t.start(["sh", "-c", f'ulimit -n {number} && exec "$@"', "sh", t.spile_path, *words], name=name, kind=Spile)


@test()
def descriptors_for_a_start(t):
    """With fewer than a start needs it says how many these are, and never dies of it; with so many it
    starts, and serves."""
    port = free_port()
    t.path("c.yaml").write_text(f"""
inputs:
  - unix: {{path: {t.path('tap.sock')}, mode: 0666}}
  - tcp: {{listen: 127.0.0.1:{free_port()}}}
outputs:
  - stdout: {{format: json}}
  - file: {{path: {t.path('out.json')}}}
web: {{listen: 127.0.0.1:{port}}}
history: {{path: {t.path('history.db')}}}
""")
    needed = {}
    for words in (["run", "-c", t.path("c.yaml")], ["run"], ["capture", f"unix:{t.path('c.sock')}", "-w", t.path("c.fstrm")],
                  ["read", t.path("none.fstrm")]):
        for number in (6, 7, 8, 10, 12):
            tried = limited(t, number, *words, name=f"{words[0]}{len(words)}-{number}")
            equal(tried.wait(), 1, f"status of {words[0]} with {number}: {tried.err}")
            found = re.search(r"this needs at least (\d+)", tried.err)
            assert found, f"{words[0]} with {number}: {tried.err}"
            needed[str(words[:2])] = int(found[1])
    for less in (1, 0):
        spile = limited(t, max(needed.values()) - less, "run", "-c", t.path("c.yaml"), name=f"less{less}")
        if less:
            equal(spile.wait(), 1, "status with one too few")
    t.wait_listening(spile, 3)
    served(t, spile, t.path("tap.sock"), "few")
    equal(json.loads(page(f"http://127.0.0.1:{port}/api/v1/health")), {"status": "ok"}, "health")
    assert "Too many open files" not in spile.err, spile.err
    equal(spile.stop(), 0, "exit status")


@test(alone=True)
def crowd_takes_no_file_and_no_page(t):
    """However many connect: files are rotated and old ones removed, and the web answers."""
    port = free_port()
    t.path("c.yaml").write_text(f"""
inputs:
  - unix: {{path: {t.path('tap.sock')}, mode: 0666}}
outputs:
  - stdout: {{format: json}}
  - file: {{path: {t.path('out.json')}, format: json, rotate-size: 64K, keep: 3, compress: gzip}}
web: {{listen: 127.0.0.1:{port}}}
""")
    spile = limited(t, 256, "run", "-c", t.path("c.yaml"), name="spile")
    t.wait_listening(spile, 2)
    assert "raise the limit" in spile.err, spile.err
    crowd(t, t.path("tap.sock"), 600, "silent")
    web = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(300)]
    for i in range(10):
        served(t, spile, t.path("tap.sock"), f"part{i}x", 200)
    wait_for("only so many old files", lambda: len(list(t.folder.glob("out.json.*"))) <= 3)
    for sock in web:
        sock.close()
    equal(json.loads(page(f"http://127.0.0.1:{port}/api/v1/health")), {"status": "ok"}, "health")
    assert "Too many open files" not in spile.err and "cannot" not in spile.err, spile.err
    equal(spile.stop(), 0, "exit status")
    equal(len(spile.events()), 2000, "events")


def use_up(t, spile, path):
    """Takes the last of the program's descriptors by connections to that socket; returns these, and the limits before."""
    fds = pathlib.Path(f"/proc/{spile.child.pid}/fd")
    before = resource.prlimit(spile.child.pid, resource.RLIMIT_NOFILE)
    most = max(int(fd) for fd in os.listdir(fds)) + 1
    resource.prlimit(spile.child.pid, resource.RLIMIT_NOFILE, (most, before[1]))
    held = []
    while "cannot accept" not in spile.err:  # until all lower numbers are taken, too
        there = len(os.listdir(fds))
        held.append(socket.socket(socket.AF_UNIX))
        held[-1].connect(str(path))
        wait_for("it is accepted, or cannot be",
                 lambda there=there: "cannot accept" in spile.err or len(os.listdir(fds)) > there, every=0.01)
    return held, before


@test(plain=True)
def descriptors_run_out_all_the_same(t):
    """Should the last one be gone, whoever is silent gives one back."""
    config, url = with_web(UNIX_JSON)
    spile = t.listen(config, count=2)
    idle = [Sender(t.path("tap.sock")) for _ in range(20)]
    wait_for("they are accepted", lambda: open_now(url) == len(idle))
    _, before = use_up(t, spile, t.path("tap.sock"))
    served(t, spile, t.path("tap.sock"), "late")
    resource.prlimit(spile.child.pid, resource.RLIMIT_NOFILE, before)
    assert count_of(url, "cuts")["descriptors"] >= 1
    equal(spile.stop(), 0, "exit status")


@test(plain=True)
def descriptors_come_from_the_input_that_has_most(t):
    """They are the whole program's: a crowd at one socket gives them back, not the one server of another."""
    unix = f"  - unix: {{path: {t.path('other.sock')}, mode: 0666}}\n"
    config, url = with_web(UNIX_JSON.replace("outputs:", unix + "outputs:"))
    spile = t.listen(config, count=3)
    lone = Sender(t.path("other.sock"))
    idle = [Sender(t.path("tap.sock")) for _ in range(40)]
    wait_for("they are accepted", lambda: open_now(url) == 1 + len(idle))
    _, before = use_up(t, spile, t.path("other.sock"))
    served(t, spile, t.path("other.sock"), "late")
    assert lone.is_open(), "it has but one connection"
    resource.prlimit(spile.child.pid, resource.RLIMIT_NOFILE, before)
    assert count_of(url, "cuts")["descriptors"] >= 1
    equal(spile.stop(), 0, "exit status")
