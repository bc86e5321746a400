"""Clients of every habit and manner: CoreDNS's addresses, START first, silence, garbage, haste, crowds."""
import os
import resource
import socket
import time

import fstrm
from fstrm import Sender
from harness import UNIX_JSON, Skip, equal, free_port, limit, test, wait_for
from lab import question

TCP_JSON = UNIX_JSON.replace("unix: {path: @DIR@/tap.sock, mode: 0666}", "tcp: {listen: 127.0.0.1:PORT}")


def messages(tag, count, **options):
    return [fstrm.message(question(f"f{i}-{tag}.load.lab.", 1, i), **options) for i in range(count)]


def arrive(spile, tag, count, seconds=10):
    wait_for(f"{count} events of {tag}", lambda: spile.count(tag) >= count, seconds)
    equal(spile.count(tag), count, f"events of {tag}")


def good_client(t, spile, tag, count=200, address=None):
    """Somebody who does everything right is served in full, and at once."""
    begin = time.monotonic()
    client = Sender(address or t.path("tap.sock"))
    client.send(*messages(tag, count))
    client.finish()
    arrive(spile, tag, count)
    t.soon(begin, 2, "a good client had to wait")


@test()
def coredns_addresses(t):
    """CoreDNS says INET and gives the 16 bytes of an IPv4-mapped IPv6 address."""
    spile = t.listen(TCP_JSON.replace("PORT", str(port := free_port())))
    client = Sender(("127.0.0.1", port))
    mapped = b"\0" * 10 + b"\xff\xff"
    client.send(*messages("coredns", 50, query_address=mapped + b"\xc0\0\2\x35", response_address=mapped + b"\xc6\x33\x64\1"))
    client.finish()
    arrive(spile, "coredns", 50)
    event = spile.events()[0]
    equal((event["query-ip"], event["response-ip"]), ("192.0.2.53", "198.51.100.1"), "addresses")
    equal(event["family"], "INET", "family")
    equal(spile.stop(), 0, "exit status")


@test()
def start_first(t):
    """A client that begins with START, and ends with STOP or without."""
    spile = t.listen(UNIX_JSON)
    for ending in (fstrm.control(fstrm.STOP), b""):
        client = Sender(t.path("tap.sock"), handshake=False)
        client.sock.sendall(fstrm.control(fstrm.START, fstrm.DNSTAP))
        client.send(*messages("uni", 20))
        client.sock.sendall(ending)
        client.sock.close()
    arrive(spile, "uni", 40)


@test()
def many_content_types(t):
    """The first acceptable one is chosen, wherever it stands."""
    spile = t.listen(UNIX_JSON)
    client = Sender(t.path("tap.sock"), content_types=(b"application/json", b"", fstrm.DNSTAP))
    client.send(*messages("third", 5))
    client.finish()
    arrive(spile, "third", 5)
    stranger = Sender(t.path("tap.sock"), handshake=False)
    stranger.sock.sendall(fstrm.control(fstrm.READY, b"application/json"))
    assert stranger.closed_by_peer(), "only a foreign content type: the connection is closed"
    good_client(t, spile, "good")


# What is sent, raw, and whether the connection must be closed for it.
RUDE = [
    (b"", False),  # silence
    (b"\0\0", False),  # half a word
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", True),  # a TLS hello
    (b"\xff" * 4096, True),
    (fstrm.control(fstrm.READY, fstrm.DNSTAP)[:20], False),  # half a handshake
    (b"\0\0\0\0\xff\xff\xff\xff", True),  # a control frame of 4 GiB
    (fstrm.control(fstrm.START, fstrm.DNSTAP) + b"\xff\xff\xff\xfc", True),  # a data frame of 4 GiB less 4
    (fstrm.control(fstrm.START, fstrm.DNSTAP) + b"\0\1\0\0half", False),  # half a frame
    (fstrm.control(fstrm.START, fstrm.DNSTAP) * 2, True),  # START twice
    (fstrm.control(fstrm.STOP), True),
    (fstrm.control(fstrm.FINISH), True),
]


@test()
def rude_clients_harm_nobody(t):
    """Each from an address of its own: who is rude again and again is refused, which is another test."""
    address = ("127.0.0.1", free_port())
    spile = t.listen(TCP_JSON.replace("PORT", str(address[1])))
    clients = []
    for i, (raw, broken) in enumerate(RUDE):
        client = Sender(address, handshake=False, source=f"127.0.0.{10 + i}")
        client.sock.sendall(raw)
        clients.append((client, raw, broken))
    good_client(t, spile, "good", address=address)
    for client, raw, broken in clients:
        if broken:
            assert client.closed_by_peer(), f"connection must be closed after {raw[:30]!r}"
    good_client(t, spile, "better", address=address)
    equal(spile.stop(), 0, "exit status")
    equal(len(spile.events()), 400, "events in all")


@test()
def bad_messages_are_passed_over(t):
    """Each is counted, none ends the connection, and its neighbours are printed."""
    spile = t.listen(UNIX_JSON)
    good = messages("mixed", 10)
    bad = [b"\xff", b"\0" * 100, b"\x72\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x72\x05abc"]
    client = Sender(t.path("tap.sock"))
    for one in good:
        client.send(*bad, one)
    client.finish()
    arrive(spile, "mixed", 10)
    equal(spile.stop(), 0, "exit status")
    ledger = spile.ledger()
    equal(ledger["received"], ledger["delivered"] + ledger["filtered"] + ledger["dropped"], f"ledger {ledger}")


@test()
def handshake_time_out(t):
    spile = t.listen(UNIX_JSON.replace("mode: 0666", f"mode: 0666, handshake-timeout: {t.window(1000)}"))
    begin = time.monotonic()
    silent = Sender(t.path("tap.sock"), handshake=False)
    assert silent.closed_by_peer(), "a silent client is closed"
    assert time.monotonic() - begin > 0.3, "it has its time"
    t.soon(begin, 2, "it is closed")
    idle = Sender(t.path("tap.sock"))
    idle.send(*messages("idle", 1))
    assert Sender(t.path("tap.sock"), handshake=False).closed_by_peer(), "somebody silent who came later is closed"
    assert idle.is_open(), "one that has sent may be silent: idle-timeout is off"
    good_client(t, spile, "good")


@test()
def mode_of_the_socket(t):
    for mode in ("0600", "0666"):
        spile = t.listen(UNIX_JSON.replace("0666", mode))
        equal(t.path("tap.sock").stat().st_mode & 0o777, int(mode, 8), "mode")
        equal(spile.stop(), 0, "exit status")


@test()
def cut_frames_share_a_budget(t):
    """Halves of large frames: past the budget whoever holds the most is closed, nobody else."""
    spile = t.listen("partial-max: 1M\n" + UNIX_JSON)
    hoarders = []
    for size in (100, 200, 700, 120):
        client = Sender(t.path("tap.sock"))
        try:
            client.sock.sendall((1 << 20).to_bytes(4, "big") + b"x" * (size << 10))
        except BrokenPipeError:
            equal(size, 700, "the size that was refused while it was sent")
        wait_for("it is taken, or refused", lambda client=client: client.all_taken() or not client.is_open())
        hoarders.append(client)
    assert hoarders[2].closed_by_peer(), "the one with 700 KiB is closed"
    for k in (0, 1, 3):
        assert hoarders[k].is_open(), f"number {k} goes on"
    good_client(t, spile, "good")
    equal(spile.stop(), 0, "exit status")


@test()
def access_list(t):
    port = free_port()
    spile = t.listen(TCP_JSON.replace("PORT", f"{port}, allow: [127.0.0.2/32, \"2001:db8::/32\"]"))
    stranger = Sender(("127.0.0.1", port), handshake=False)
    assert stranger.closed_by_peer(), "an address that is not on the list is closed"
    friend = socket.create_connection(("127.0.0.1", port), timeout=limit(5), source_address=("127.0.0.2", 0))
    friend.sendall(fstrm.control(fstrm.START, fstrm.DNSTAP) + b"".join(map(fstrm.data, messages("friend", 3))))
    arrive(spile, "friend", 3)


@test()
def thousand_connections(t):
    """All at once, each with its frames; then silent ones, whose memory is measured."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        raise Skip(f"ulimit -Hn is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    spile = t.listen(UNIX_JSON.replace("mode: 0666", "mode: 0666, handshake-timeout: 5m"))
    clients = [Sender(t.path("tap.sock")) for _ in range(1000)]
    for i, client in enumerate(clients):
        client.send(*messages(f"crowd{i}x", 2))
    wait_for("2000 events", lambda: len(spile.events()) >= 2000, 20)
    for client in clients:
        client.finish()
    equal(len(spile.events()), 2000, "events")

    before = memory(spile)
    silent = [Sender(t.path("tap.sock"), handshake=i % 2 == 0) for i in range(1000)]
    wait_for("all are accepted", lambda: len(os.listdir(f"/proc/{spile.child.pid}/fd")) > 1000)
    each = (memory(spile) - before) / 1000
    if not t.sanitized:
        assert each <= 16384, f"a silent connection holds {each:.0f} bytes"
    good_client(t, spile, "good")
    for client in silent:
        client.sock.close()
    equal(spile.stop(), 0, "exit status")


def memory(process):
    """Resident bytes."""
    for line in open(f"/proc/{process.child.pid}/status", encoding="ascii"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


@test()
def order_is_kept(t):
    """Per connection, with several workers."""
    spile = t.listen("threads: 4\n" + UNIX_JSON)
    clients = [Sender(t.path("tap.sock")) for _ in range(4)]
    for part in range(20):
        for k, client in enumerate(clients):
            client.send(*[fstrm.message(question(f"n{part * 50 + i}-c{k}x.load.lab.", 1, i)) for i in range(50)])
    for client in clients:
        client.finish()
    wait_for("4000 events", lambda: len(spile.events()) >= 4000, 20)
    for k in range(4):
        numbers = [int(e["qname"].split("-")[0][1:]) for e in spile.events() if f"-c{k}x" in e["qname"]]
        equal(numbers, list(range(1000)), f"order of connection {k}")
    equal(spile.stop(), 0, "exit status")
