"""The web server before clients that mean no good: requests that are no requests, and those who hold on to places."""
import http.client
import json
import re
import signal
import socket
import ssl
import threading
import time

import fstrm
from harness import equal, limit, readable, test, wait_for
import share
from test_web import Live, NULL_UNIX, ask, descriptors, hear, peak_memory, raw, say, serve, sockets

HEAD = b"Host: localhost\r\nConnection: close\r\n\r\n"


def line(target, method=b"GET", version=b"HTTP/1.1"):
    return method + b" " + target + b" " + version + b"\r\n" + HEAD


# What is sent, and with which statuses it may be answered; 0: not at all (what a client sends after its
# connection is closed makes its system forget the answer). 200 is for what is well-formed.
TRICKS = {
    "double slash": (line(b"//metrics"), {404}),
    "parent": (line(b"/../metrics"), {404}),
    "parent, encoded": (line(b"/%2e%2e/metrics"), {404}),
    "parent, twice encoded": (line(b"/%252e%252e/etc/passwd"), {404}),
    "parent with encoded slash": (line(b"/..%2f..%2f..%2fetc/passwd"), {404}),
    "backslashes": (line(b"/..\\..\\etc\\passwd"), {404}),
    "encoded NUL": (line(b"/metrics%00"), {404}),
    "encoded NUL and a name": (line(b"/metrics%00.html"), {404}),
    "encoded letters": (line(b"/%6detrics"), {404}),
    "encoded question mark": (line(b"/metrics%3fn=1"), {404}),
    "bad encoding": (line(b"/metrics%zz%"), {404}),
    "semicolon": (line(b"/metrics;x=y"), {404}),
    "fragment": (line(b"/metrics#x"), {404}),
    "capitals": (line(b"/METRICS"), {404}),
    "no slash": (line(b"metrics"), {404}),
    "a file": (line(b"/etc/passwd"), {404}),
    "a file's URI": (line(b"file:///etc/passwd"), {404}),
    "absolute form, ours": (line(b"http://localhost/metrics"), {200}),
    "absolute form, another's": (line(b"http://evil.example/metrics"), {403}),
    "absolute form, a long name": (line(b"http://" + b"a" * 5000 + b"/metrics"), {404}),
    "authority form": (line(b"localhost:80", b"CONNECT"), {404}),
    "asterisk form": (line(b"*", b"OPTIONS"), {404}),
    "empty target": (line(b""), {400, 0}),
    "space in the target": (line(b"/metrics x"), {400, 0}),
    "long method": (line(b"/metrics", b"A" * 5000), {405}),
    "lower case": (line(b"/metrics", b"get"), {405}),
    "PUT": (line(b"/metrics", b"PUT"), {405}),
    "no Host": (b"GET /metrics HTTP/1.1\r\n\r\n", {400}),
    "HTTP/0.9": (b"GET /metrics\r\n\r\n", {400}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505, 400}),
    "HTTP/9.9": (line(b"/metrics", version=b"HTTP/9.9"), {505, 400}),
    "garbage": (bytes(range(256)) * 20 + b"\r\n\r\n", {400, 0}),
    "zeros": (bytes(5000), {400, 0}),
    "a TLS hello": (bytes.fromhex("1603010200010001fc0303") + bytes(range(256)) * 2, {400, 0}),
    "half a line": (b"GET /metri", {0}),
    "half a head": (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-", {0}),
    "a long query": (line(b"/metrics?n=" + b"a" * 50000), {200}),
    "a query of 70 KB": (line(b"/metrics?n=" + b"a" * 70000), {414, 0}),
    "a query of 10 MB": (line(b"/metrics?n=" + b"a" * 10_000_000), {414, 0}),
    "100 parameters": (line(b"/metrics?" + b"a=b&" * 100), {200}),
    "256 parameters": (line(b"/metrics?" + b"&".join([b"a=b"] * 256)), {200}),
    "257 parameters": (line(b"/metrics?" + b"&".join([b"a=b"] * 257)), {414}),
    "300 parameters": (line(b"/metrics?" + b"a=b&" * 300), {414}),
    "10000 parameters": (line(b"/metrics?" + b"a=b&" * 10000), {414}),
    "10000 parameters without a value": (line(b"/metrics?" + b"a&" * 10000), {414}),
    "10000 parameters of no path": (line(b"/nothing?" + b"&" * 10000), {414}),
    "10000 of another, in the path": (line(b"/metrics" + b"&" * 10000), {404}),
    "3 million parameters": (line(b"/metrics?" + b"a=b&" * 2_500_000), {414, 0}),
    "a header of 10 MB": (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 10_000_000 + b"\r\n" + HEAD, {431, 0}),
    "100000 headers": (b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 100000 + HEAD, {431, 0}),
    "a body": (b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n" + HEAD + b"hello", {413}),
    "a body of GET": (b"GET /metrics HTTP/1.1\r\nContent-Length: 22\r\n" + HEAD + b"GET /streams HTTP/1.1\r\n", {413}),
    "a body in chunks": (b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HEAD + b"0\r\n\r\n" + line(b"/"),
                         {413}),
    "a body of 10 MB": (b"PUT /metrics HTTP/1.1\r\nContent-Length: 10000000\r\n" + HEAD + bytes(10_000_000), {413, 0}),
    "a body that waits": (b"POST /reset HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" + HEAD, {413}),
    "two lengths": (b"GET /metrics HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 9\r\n" + HEAD + line(b"/"),
                    {413, 400}),
    "a length and a space": (b"GET /metrics HTTP/1.1\r\nContent-Length : 22\r\n" + HEAD + b"GET /streams HTTP/1.1\r\n",
                             {413, 400}),
    "chunks, a tab": (b"GET /metrics HTTP/1.1\r\nTransfer-Encoding\t: chunked\r\n" + HEAD + b"0\r\n\r\n" + line(b"/"),
                      {413, 400}),
    "a bad length": (b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n" + HEAD, {400}),
    "two names": (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + HEAD, {400}),
    "two names, of health": (b"GET /api/v1/health HTTP/1.1\r\nhost: evil.example\r\nX: y\r\n" + HEAD, {400}),
    "a login in the target": (line(b"http://me@localhost/metrics"), {400}),
    "a login and a password in the target": (line(b"http://a:b@localhost/api/v1/health"), {400}),
    **{f"Host: {host!r}": (b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + more + b"Connection: close\r\n\r\n", {400})
       for path in (b"/metrics", b"/api/v1/health", b"/nothing") for more in (b"", b"X:\r\n")
       for host in (b"me@localhost", b"me:word@localhost", b"localhost\0", b"localhost\0.evil.example", b"\0", b"evil\0localhost",
                    b"local host", b"localhost, evil.example", b"localhost/", b"localhost:80:80", b"localhost:x", b"::1", b"[::1",
                    b"loc\xc3\xa4lhost", b"localhost\x01", b"<localhost>", b"localhost\\")},
    "a NUL behind the last header": (b"GET /metrics HTTP/1.1\r\nConnection: close\r\nHost: localhost\0x\r\n\r\n", {400}),
    "a NUL, lines that end with LF": (b"GET /metrics HTTP/1.1\nHost: localhost\0.evil.example\nConnection: close\n\n", {400}),
    "a NUL in another header": (b"GET /metrics HTTP/1.1\r\nX: a\0b\r\n" + HEAD, {400}),
    "no name is none's": (b"GET /metrics HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", {200}),
    "lines that end with LF": (b"GET /metrics?a=b%20c&d HTTP/1.1\nHost: localhost:80\nX:\nY: \nConnection: close\n\n", {200}),
    "empty headers": (b"GET /metrics HTTP/1.1\r\nX:\r\nCookie: a=b; c\r\nY: \"z\"\t\r\nZ:  \r\n" + HEAD, {200}),
    "another's name": (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", {403}),
}


def status_of(reply):
    return int(reply.split(b" ", 2)[1]) if reply.startswith(b"HTTP/1.1 ") else 0


def check_trick(name, port, window):
    """One trick's answer is of those allowed, and only a good request learns anything. window: s; what took
    longer to be sent may have been cut, too."""
    data, allowed = TRICKS[name]
    begin = time.monotonic()
    client = say(port, data)
    late = time.monotonic() - begin > window
    reply = hear(client)
    status = status_of(reply)
    assert status in allowed or late and not reply, f"{name}: {reply[:300]!r}"
    assert status == 200 or (b"spile_" not in reply and len(reply) < 2000), f"{name} is told {reply[:500]!r}"


PATIENT_S = 300


@test()
def tricks_get_what_they_deserve(t):
    """What is never whole has to be cut; all else has the time that it takes."""
    cut, cut_port = serve(t, "header-timeout: 500ms", name="cut")
    process, port = serve(t, "header-timeout: 5m")
    before, before_cut = descriptors(process), descriptors(cut)
    for name, (_, allowed) in TRICKS.items():
        check_trick(name, cut_port if 0 in allowed else port, PATIENT_S)
    requests = b"GET /streams HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50 + line(b"/nothing")
    replies = raw(port, requests)
    equal((replies.count(b"HTTP/1.1 200 OK"), replies.count(b"HTTP/1.1 404")), (50, 1), "pipelined requests")
    wait_for("closed connections", lambda: descriptors(process) <= before and descriptors(cut) <= before_cut)
    for each in (port, cut_port):
        equal(ask(each, "/streams")[0], 200, "afterwards")


def drip(port, first, seconds):
    """Sends a header a tenth of a second; how long that is borne."""
    begin = time.monotonic()
    client = socket.create_connection(("127.0.0.1", port))
    try:
        client.sendall(first)
        while time.monotonic() - begin < limit(seconds):
            client.sendall(b"X: y\r\n")
            time.sleep(0.1)
    except OSError:
        pass
    client.close()
    return time.monotonic() - begin


@test()
def whoever_drips_is_cut(t):
    """Silence is not what counts, nor how often something comes, but when the head is whole."""
    _, port = serve(t, "header-timeout: 1s, idle-timeout: 2s")
    begun = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
    for first in (begun, begun + b"\r\n" + begun):  # the first request of a connection, and the second
        lasted = drip(port, first, 20)
        assert 0.9 <= lasted < limit(6), f"dripped for {lasted:.1f} s"
    _, port = serve(t, "header-timeout: 5m, idle-timeout: 2s", name="idle")
    begin = time.monotonic()
    idle = socket.create_connection(("127.0.0.1", port))
    idle.sendall(begun + b"\r\n")
    while idle.recv(65536):
        pass
    assert time.monotonic() - begin >= 1.9, "a kept connection has its time"
    t.soon(begin, 8, "and no more")


@test()
def connections_make_room(t):
    """Past the limit, who has waited longest goes; who asks is served."""
    process, port = serve(t, "connections: 20")
    before = descriptors(process)
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    # Who asks while they are still being accepted may be taken for one that waits.
    wait_for("idle ones have gone", lambda: sum(map(fstrm.is_closed, idle)) >= 80)
    for _ in range(10):
        equal(ask(port, "/streams")[0], 200, "among idle ones, as many as there may be")
    wait_for("no more than there may be", lambda: descriptors(process) <= before + 20)
    for client in idle:
        client.close()


@test()
def an_address_has_its_share(t):
    """Not on loopback, whose connections may be a proxy's."""
    process, port = serve(t, "connections-address: 4, connections: 64, header-timeout: 1h")
    before = descriptors(process)
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    wait_for("all are there", lambda: descriptors(process) >= before + 30)
    for client in clients:
        client.close()


@test(net=True)
def an_address_beyond_has_its_share(t):
    path = t.path("share.yaml")
    path.write_text("outputs: [null]\nweb: {connections-address: 4, header-timeout: 1h}\n")
    t.tool(["ip", "addr", "replace", "192.0.2.200/32", "dev", "lo"])
    process = t.spile("run", *NULL_UNIX, "-c", path, "--web", "192.0.2.200:0", "--api-key", "key")
    port = process.web_port()
    before = sockets(process)
    clients = [socket.create_connection(("192.0.2.200", port)) for _ in range(12)]
    wait_for("the others are closed", lambda: sockets(process) == before + 4)
    wait_for("eight are told", lambda: len(readable(clients, 0)) == 8)
    for client in clients:
        client.close()
    wait_for("all gone", lambda: sockets(process) == before)


def deaf(port, count, request, host="127.0.0.1"):
    """Clients that ask for more than can wait for them, and read nothing of it."""
    clients = []
    for _ in range(count):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((host, port))
        client.setblocking(False)
        clients.append(client)
    for client in clients:
        try:
            for _ in range(10):
                client.send(request * 1000)
        except OSError:  # there is no room for more, or it is cut already
            pass
    return clients


REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


@test()
def the_deaf_make_room(t):
    """All places are taken by clients that engine and never read: with no credentials they are strangers, and who
    has some is served at once and keeps its place; where there are none to be had, all are alike, and the slow go."""
    for name, more, headers in (("strangers", "api-key: key", {"X_API_Key": "key"}), ("alike", "", {})):
        process, port = serve(t, f"connections: 64, header-timeout: 5m, {more}", name=name)
        before = descriptors(process)
        clients = deaf(port, 64, REQUEST)
        wait_for("all places are taken", lambda: descriptors(process) >= before + 60)
        begin = time.monotonic()
        wait_for("an answer", lambda: ask_if(port, "/streams", **headers) == 200)
        t.soon(begin, 5, f"{name}: a place is had")
        for _ in range(20 if headers else 0):
            equal(ask(port, "/streams", **headers)[0], 200, f"{name}: and so is the next")
        for _ in range(0 if headers else 20):  # they are slow as soon as the server has replied to them, not before
            begin = time.monotonic()
            wait_for("an answer", lambda: ask_if(port, "/streams") == 200)
            t.soon(begin, 5, f"{name}: and so is the next")
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=limit(10))
        for _ in range(4 if headers else 0):
            kept.request("GET", "/streams", headers={k.replace("_", "-"): v for k, v in headers.items()})
            equal((kept.getresponse().read(), kept.sock is not None), (b'{"streams": []}', True), "a connection that is kept")
            clients += deaf(port, 64, REQUEST)
        kept.close()
        for client in clients:
            client.close()
        process.stop(signal.SIGINT)


def ask_if(port, path, **headers):
    """The status, or 0 when the connection is closed before it has come."""
    try:
        return ask(port, path, **headers)[0]
    except (OSError, http.client.HTTPException):
        return 0


@test()
def deaf_viewers_make_room(t):
    """Live streams that are never read hold no place for long, whether there is anything to read or not."""
    process, port = serve(t, "header-timeout: 5m")
    frames = t.path("frames.fstrm")
    t.run("gen", "--count", "1000", "-w", frames)
    watch = b"GET /api/v1/events?rate=10000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    quiet = deaf(port, 40, watch)
    wait_for("all of them have come before the others", lambda: len(readable(quiet, 0)) == 40)
    with Live(port) as live:
        equal(live.status, 200, "one more, while nothing happens")
        sender = t.spile("send", "--loop", "0", "--rate", "5000", frames, f"unix:{t.path('tap.sock')}", name="send")
        live.wait_event()
        fresh = deaf(port, 20, watch)  # each has another make room, and those that read stay
        wait_for("they are served", lambda: len(readable(fresh, 0)) == 20)
        for _ in range(500):  # at 200 a second behind the first 200: by then it shows who takes nothing
            live.wait_event()
        late = [Live(port) for _ in range(20)]
        for viewer in [*late, live]:
            viewer.wait_event()
        for viewer in late:
            viewer.__exit__()
    sender.stop(signal.SIGINT)
    for client in quiet + fresh:
        client.close()
    equal(ask(port, "/streams")[0], 200, "afterwards")
    equal(process.stop(signal.SIGINT), 0, "exit status")


class Crowd:
    """Threads that go on until told to end; what one of them finds wrong is everybody's."""

    def __init__(self):
        self.ended = threading.Event()
        self.wrong, self.threads = [], []

    def add(self, count, act):
        for i in range(count):
            self.threads.append(threading.Thread(target=self.go_on, args=(act, i), daemon=True))
            self.threads[-1].start()

    def go_on(self, act, number):
        while not self.ended.is_set() and not self.wrong:
            try:
                act(number)
            except Exception as problem:  # told by the test's own thread
                self.wrong.append(problem)

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(limit(30))
        if self.wrong:
            raise self.wrong[0]


@test(alone=True)
def a_mob_does_no_harm(t):
    """200 clients of every kind, while a million frames come: none is lost, honest clients are served."""
    frames, total = t.path("frames.fstrm"), 1_000_000 // (10 * share.parts() if t.sanitized else 1)
    t.run("gen", "--count", str(total // 10), "-w", frames)
    window = t.window(2000)
    process, port = serve(t, f"header-timeout: {window}")
    window = int(window.removesuffix("ms")) / 1000
    equal(ask(port, "/tables?n=5")[0], 200, "before")
    before, times, crowd, names = descriptors(process), [], Crowd(), list(TRICKS)

    def honest(number):
        path = ("/metrics", "/tables?n=10", "/counters", "/api/v1/statistics")[number % 4]
        begin = time.monotonic()
        client = say(port, b"GET " + path.encode() + b" HTTP/1.1\r\n" + HEAD)
        late = time.monotonic() - begin > window  # 200 threads take turns: this one's may come too late
        reply = hear(client)
        if late and not reply:
            return
        times.append(time.monotonic() - begin)
        equal(status_of(reply), 200, path)
        assert path == "/metrics" or json.loads(reply.partition(b"\r\n\r\n")[2])
        crowd.ended.wait(0.05)

    def trickster(number):
        turn = (number + int(time.monotonic() * 7)) % len(names)
        check_trick(names[turn], port, window)
        crowd.ended.wait(0.2)

    def dripper(_):
        drip(port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n", 5)

    def deaf(_):  # asks for much and reads nothing
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
            crowd.ended.wait(3)

    def idler(_):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /streams HTTP/1.1\r\nHost: localhost\r\n\r\n")
            crowd.ended.wait(5)

    def watcher(number):  # a live stream that is read slowly or not at all
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(limit(10))
            client.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.recv(1000)
            crowd.ended.wait(number % 3)

    for count, act in ((20, honest), (60, trickster), (40, dripper), (30, deaf), (40, idler), (10, watcher)):
        crowd.add(count, act)
    t.run("send", "--loop", "10", frames, f"unix:{t.path('tap.sock')}", seconds=200)
    sent = time.monotonic()
    wait_for("enough honest requests", lambda: len(times) > (40 if t.sanitized else 200) or crowd.wrong, seconds=60)
    crowd.end()
    assert max(times) < limit(5), f"an honest client waited {max(times):.1f} s"
    wait_for("descriptors go back", lambda: descriptors(process) <= before + 1, seconds=20)
    peak = peak_memory(process)
    assert t.sanitized or peak < 256 << 20, f"{peak >> 20} MB"
    counters = json.loads(ask(port, "/counters")[2])["counters"]
    assert counters["query"] + counters["response"] > 0, counters
    equal(process.stop(signal.SIGINT), 0, "exit status")
    ledger = process.ledger("null")
    equal((ledger["received"], ledger["delivered"]), (total, total), f"events, {time.monotonic() - sent:.1f} s later")
