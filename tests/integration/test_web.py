"""The web server: who may ask, TLS, live streams, and clients that mean no good."""
import base64
import http.client
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import threading
import time

from harness import ROOT, equal, limit, readable, test, wait_for

WEB = """
inputs:
  - unix: {path: @DIR@/tap.sock, mode: 0666}
outputs:
  - null: {decode: all}
web: {listen: "127.0.0.1:0"%s}
"""
NULL_UNIX = ("-u", "tap.sock")
QUIET = "404: Not Found", "405: Method Not Allowed", "403: Forbidden", "413: Content Too Large"


def port_of(process):
    """Where it serves, from what it says."""
    found = wait_for("an address", lambda: re.search(r"web: https?://[^ ]+:(\d+)/", process.err))
    return int(found.group(1))


def serve(t, more="", name="spile"):
    """A collector with a web server: the process and its port."""
    process = t.listen(WEB % (more and ", " + more), name=name, count=2)
    return process, port_of(process)


def ask(port, path, method="GET", host="127.0.0.1", tls=None, **headers):
    """Status, headers and body of one request on a connection of its own."""
    kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
    connection = kind("127.0.0.1", port, timeout=limit(10), **({"context": tls} if tls else {}))
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", host)
    for key, value in headers.items():
        connection.putheader(key.replace("_", "-"), value)
    connection.endheaders()
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, reply.headers, body


def raw(port, data, seconds=20):
    """All that comes back for these bytes until the server closes; what it refuses to read is lost."""
    client = socket.create_connection(("127.0.0.1", port), timeout=limit(seconds))
    got = b""
    try:
        client.sendall(data)
    except OSError:
        pass  # it need not take all of it
    try:
        while chunk := client.recv(65536):
            got += chunk
    except ConnectionError:
        pass
    client.close()
    return got


def basic(pair):
    return "Basic " + base64.b64encode(pair.encode()).decode()


def descriptors(process):
    return len(list(pathlib.Path(f"/proc/{process.child.pid}/fd").iterdir()))


def peak_memory(process):
    """Bytes."""
    status = pathlib.Path(f"/proc/{process.child.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) << 10


# Who may ask --------------------------------------------------------------------------------------

@test()
def credentials_decide(t):
    _, port = serve(t, "api-key: key, login: me, password: word, bearer-token: token")
    keys = {None: None, "key": True, "KEY": False, "": False}
    authorizations = {None: None, basic("me:word"): True, "Bearer token": True, basic("me:no"): False,
                      basic("spile:key"): False, "Bearer key": False, "Basic !": False, "Digest x": False}
    for (key, key_right), (sent, right) in itertools.product(keys.items(), authorizations.items()):
        headers = {"X_API_Key": key, "Authorization": sent}
        headers = {name: value for name, value in headers.items() if value is not None}
        passes = key_right is not False and right is not False and bool(headers)
        for path in ("/streams", "/api/v1"):
            status, _, _ = ask(port, path, **headers)
            equal(status, 200 if passes else 401, f"{path} with {headers}")
        equal(ask(port, "/api/v1/health", **headers)[0], 200, f"health with {headers}")
    equal(ask(port, "/streams?key=key&api-key=key&X-API-Key=key")[0], 401, "keys in the query")


@test()
def refusals_have_their_shape(t):
    _, port = serve(t, "api-key: key")
    for method in ("GET", "HEAD"):
        for path in ("/streams", "/counters", "/tables", "/metrics"):
            status, headers, body = ask(port, path, method)
            equal((status, body, headers["Content-Type"], headers["WWW-Authenticate"], headers["Content-Length"]),
                  (401, b"", "application/octet-stream", None, "0"), f"{method} {path} without a key")
        for path in ("/", "/api/v1", "/api/v1/events"):
            status, headers, _ = ask(port, path, method)
            equal((status, headers["WWW-Authenticate"].split(",")[0]), (401, 'Basic realm="spile"'), path)
    equal(ask(port, "/reset", "DELETE")[0], 401, "a reset without a key")
    for path in ("/nothing", "/streams/", "//streams", "/STREAMS", "/streams%00", "/%73treams", "/."):
        status, headers, body = ask(port, path)  # before any credentials are looked at
        equal((status, body, headers["Content-Type"]), (404, b"404: Not Found\n", "text/plain; charset=utf-8"), path)
    for method, path, allow in (("POST", "/streams", "GET,HEAD"), ("GET", "/reset", "DELETE"),
                                ("OPTIONS", "/", "GET,HEAD"), ("TRACE", "/metrics", "GET,HEAD"),
                                ("get", "/metrics", "GET,HEAD"), ("DELETE", "/streams", "GET,HEAD")):
        status, headers, body = ask(port, path, method)
        end = b"\n" if path == "/" else b""  # what dnstap-receiver answers to is refused as there
        equal((status, headers["Allow"], body), (405, allow, b"405: Method Not Allowed" + end), f"{method} {path}")
    equal(ask(port, "/nothing", "BREW")[0], 404, "a method unknown on a path unknown")


@test()
def errors_of_the_api_are_json(t):
    """Whatever is wrong, also under --compat, where other paths are refused as by dnstap-receiver."""
    for name, compat in (("native", ""), ("compat", "compat: dnstap-receiver")):
        open_port = port_of(t.listen(compat + WEB % "", name=name, count=2))
        closed = port_of(t.listen(WEB.replace("tap.sock", "key.sock") % ", api-key: key", name=name + "-key", count=2))
        cases = [(open_port, "GET", "/api/v1/nope", {}, 404), (open_port, "GET", "/api/v1//", {}, 404),
                 (open_port, "POST", "/api/v1/", {}, 405), (open_port, "DELETE", "/api/v1/tables", {}, 405),
                 (open_port, "POST", "/api/v1/tables", {"Content_Length": "5"}, 413),
                 (open_port, "GET", "/api/v1/tables", {"host": "evil.example"}, 403),
                 (open_port, "GET", "/api/v1/tables?n=x", {}, 400), (open_port, "GET", "/api/v1/statistics?stream=x", {}, 404),
                 (closed, "GET", "/api/v1/", {}, 401), (closed, "GET", "/api/v1/events", {"X_API_Key": "no"}, 401)]
        for port, method, path, more, wanted in cases:
            status, headers, body = ask(port, path, method, **more)
            what = f"{name}: {method} {path} {more}"
            equal((status, headers["Content-Type"]), (wanted, "application/json; charset=utf-8"), what)
            equal(list(json.loads(body)), ["error"], what)
            equal(headers["WWW-Authenticate"] is not None, wanted == 401, what)
            equal(headers["Allow"], "GET,HEAD" if wanted == 405 else None, what)
        equal(ask(open_port, "/api/v1/")[::2], ask(open_port, "/api/v1")[::2], "the root with a slash")
        equal(ask(open_port, "/nope")[2], b"404: Not Found" + (b"" if compat else b"\n"), f"{name}: another path")
        for process in t.processes:
            process.stop()


@test()
def a_taken_port_is_told_before_anything_begins(t):
    """Nothing listens, and no file is made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        t.path("spile.yaml").write_text(f"""
inputs: [unix: {{path: {t.path('tap.sock')}}}]
outputs: [file: {{path: {t.path('out.json')}, format: json}}]
history: {{path: {t.path('history.db')}}}
web: {{listen: "127.0.0.1:{port}"}}
""")
        said = t.run("run", "-c", t.path("spile.yaml"), status=1).stderr.decode().splitlines()
    equal(len(said), 1, f"lines: {said}")
    assert f"web: cannot listen on 127.0.0.1 port {port}: Address already in use" in said[0], said
    equal([name for name in ("tap.sock", "out.json", "history.db") if t.path(name).exists()], [], "what was made")


@test()
def head_is_get_without_body(t):
    _, port = serve(t)
    for path in ("/streams", "/", "/api/v1/health"):
        status, headers, body = ask(port, path, "HEAD")
        full = ask(port, path)
        equal((status, body), (200, b""), path)
        equal(int(headers["Content-Length"]), len(full[2]), f"the length of {path}")
        equal(headers["Content-Type"], full[1]["Content-Type"], f"the type of {path}")
    status, headers, body = ask(port, "/api/v1/events", "HEAD")
    equal((status, headers["Content-Type"], body), (200, "text/event-stream", b""), "the head of a stream")


@test()
def replies_bind_the_browser(t):
    _, port = serve(t)
    for path in ("/", "/streams", "/metrics", "/nothing"):
        _, headers, _ = ask(port, path)
        equal((headers["X-Content-Type-Options"], headers["Referrer-Policy"]), ("nosniff", "no-referrer"), path)
        assert headers["Content-Security-Policy"].startswith("default-src 'none'"), path
        assert "unsafe" not in headers["Content-Security-Policy"], path
        equal(headers["Access-Control-Allow-Origin"], None, path)
    _, headers, _ = ask(port, "/")
    status, again, body = ask(port, "/", If_None_Match=headers["ETag"])
    equal((status, body, again["ETag"]), (304, b"", headers["ETag"]), "what the browser has already")
    equal(ask(port, "/", If_None_Match='"other"')[0], 200, "what it has is old")


@test()
def without_credentials_it_is_for_this_machine(t):
    """By a name of ours: a page whose own name has come to mean 127.0.0.1 cannot read us."""
    _, port = serve(t)
    for host in ("localhost", "127.0.0.1", f"localhost:{port}", f"127.0.0.1:{port}", "[::1]", "127.1.2.3:80"):
        equal(ask(port, "/streams", host=host)[0], 200, host)
    for host in ("evil.example", f"evil.example:{port}", "localhost.evil.example", "192.0.2.1", "[2001:db8::1]"):
        for path in ("/streams", "/", "/api/v1"):
            equal(ask(port, path, host=host)[0], 403, f"{path} as {host}")
    equal(ask(port, "/reset", "DELETE")[0], 204, "a reset")
    for headers in ({"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}, {"Origin": "null"}):
        equal(ask(port, "/reset", "DELETE", **headers)[0], 403, f"a reset with {headers}")
    ours = {"Origin": f"http://127.0.0.1:{port}"}
    equal(ask(port, "/reset", "DELETE", host=f"127.0.0.1:{port}", **ours)[0], 204, "our own page's reset")


@test()
def beyond_loopback_it_needs_credentials(t):
    for more in ((), ("-v",)):
        done = t.run("run", *NULL_UNIX, "--web", "0.0.0.0:0", *more, status=2)
        assert b"needs credentials: set api-key" in done.stderr, done.stderr
    process = t.spile("run", *NULL_UNIX, "--web", "0.0.0.0:0", "--api-key", "key")
    port = port_of(process)
    equal(ask(port, "/streams", host="any.example", X_API_Key="key")[0], 200, "with the key by any name")
    equal(ask(port, "/streams")[0], 401, "without")
    assert "plain text" in process.err, process.err
    equal(process.stop(signal.SIGINT), 0, "exit status")


# Configuration ------------------------------------------------------------------------------------

def key_of(t, *args, env=None, config=""):
    """Which of three keys opens a server started so."""
    path = t.path("keys.yaml")
    path.write_text(f"outputs: [null]\nweb: {{{config}}}\n")
    process = t.spile("run", *NULL_UNIX, "-c", path, "--web", "127.0.0.1:0", *args,
                      name=f"spile{len(t.processes)}", env={**os.environ, **(env or {})})
    port = port_of(process)
    opened = [key for key in ("flag", "file", "env", "config") if ask(port, "/streams", X_API_Key=key)[0] == 200]
    words = pathlib.Path(f"/proc/{process.child.pid}/cmdline").read_bytes().split(b"\0")
    assert b"flag" not in words and not any(word.endswith(b"=flag") for word in words), words
    equal(process.stop(signal.SIGINT), 0, "exit status")
    return opened, process.err


def readme_section(t):
    """README's section `web`: its rows, each with what its comment says, as a section that can start here."""
    text = next(b for b in (ROOT / "README.md").read_text().split("```yaml\n")[1:] if b.startswith("web:"))
    rows = re.findall(r"^  ([\w-]+): (.*?) *(?:# (.*))?$", text.split("```")[0], re.MULTILINE)
    t.path("key").write_text("key\n")
    ours = {"listen": "127.0.0.1:0", "api-key-file": t.path("key"), "tls-cert": None, "tls-key": None}
    settings = {name: ours.get(name, f'"{value}"') for name, value, _ in rows}
    return {name: value for name, value in settings.items() if value}, {name: word for name, _, word in rows}


@test()
def readme_says_who_gets_in(t):
    """What stands behind a row of README's example lets in, as long as the row is there with the others."""
    settings, comments = readme_section(t)
    ways = {"X-API-Key: ...": {"X_API_Key": "key"}, "HTTP Basic": {"Authorization": basic("admin:change me")},
            "Authorization: Bearer ...": {"Authorization": "Bearer change me, too"}}
    fallback = {"Authorization": basic("spile:key")}
    for without in ((), ("login", "password")):
        section = ", ".join(f"{name}: {value}" for name, value in settings.items() if name not in without)
        t.path("readme.yaml").write_text(f"outputs: [null]\nweb: {{{section}}}\n")
        process = t.spile("run", *NULL_UNIX, "-c", t.path("readme.yaml"), name=f"spile{len(t.processes)}")
        port = port_of(process)
        for name in {"api-key-file", "login", "bearer-token"} - set(without):
            equal(ask(port, "/streams", **ways[comments[name].split(";")[0]])[0], 200, f"{name}: {comments[name]}")
        equal(ask(port, "/streams", **fallback)[0], 200 if without else 401, f"spile:key without {without}")
        equal(process.stop(signal.SIGINT), 0, "exit status")
    equal(comments["login"].split("; ")[1], "without login: user spile, the key as password", "the exception is told")


@test()
def keys_come_from_many_places(t):
    file = t.path("key")
    file.write_text("file\n")
    file.chmod(0o600)
    env = {"SPILE_API_KEY": "env"}
    for wanted, *how in (("flag", ("--api-key", "flag"), env, "api-key: config"),
                         ("flag", ("--api-key=flag",), env, f"api-key-file: {file}"),
                         ("file", ("--api-key-file", file), env, "api-key: config"),
                         ("env", (), env, "api-key: config"),
                         ("env", (), env, f"api-key-file: {file}"),
                         ("config", (), {"SPILE_API_KEY": ""}, "api-key: config"),
                         ("file", (), {}, f"api-key-file: {file}, api-key: config")):
        args, environment, config = how
        opened, log = key_of(t, *args, env=environment, config=config)
        equal(opened, [wanted], str(how))
        assert "can be read by everybody" not in log, log
    file.chmod(0o644)
    assert "can be read by everybody" in key_of(t, "--api-key-file", file)[1]


@test()
def mistakes_are_told(t):
    file = t.path("empty")
    file.write_text("\n")
    unix = ("run", *NULL_UNIX)
    for status, args, words in (
            (2, ("--web", "8080"), "is not an address and port"),
            (2, ("--api-key", "x"), "needs --web"),
            (2, ("--web", "127.0.0.1:0", "--api-key", "x", "--api-key-file", file), "exclude each other"),
            (1, ("--web", "127.0.0.1:0", "--api-key-file", "nowhere"), "nowhere: No such file"),
            (1, ("--web", "127.0.0.1:0", "--api-key-file", file), "has no key"),
            (1, ("--web", "192.0.2.77:0", "--api-key", "x"), "cannot listen on 192.0.2.77")):
        done = t.run(*unix, *args, status=status)
        assert words in done.stderr.decode(), (args, done.stderr)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = t.run(*unix, "--web", f"127.0.0.1:{taken.getsockname()[1]}", status=1)
        assert b"in use" in done.stderr, done.stderr
    path = t.path("bad.yaml")
    for config, words in (("tls-cert: x", "2:17: web: tls-cert and tls-key go together"),
                          ("login: x", "2:14: web: login and password go together"),
                          ("login: 'a:b', password: x", "has no colon"),
                          ("conections: 9", "did you mean 'connections'?")):
        path.write_text(f"outputs: [null]\nweb: {{{config}}}\n")
        assert words in t.run("config", "check", path, status=1).stderr.decode(), config
    path.write_text(f"outputs: [null]\nweb: {{listen: '127.0.0.1:0', tls-cert: {file}, tls-key: {file}}}\n")
    assert b"PEM" in t.run(*unix, "-c", path, status=1).stderr


@test()
def an_empty_section_is_on(t):
    path = t.path("spile.yaml")
    path.write_text("outputs: [null]\nweb:\n")
    assert b"1 section (web)" in t.run("config", "check", path).stdout
    process = t.spile("run", *NULL_UNIX)
    t.wait_listening(process)
    assert "web:" not in process.err, "off unless asked for"
    equal(process.stop(signal.SIGINT), 0, "exit status")


@test(needs=("openssl",))
def tls_serves_and_insists(t):
    key, cert = t.path("key.pem"), t.path("cert.pem")
    t.tool(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
            "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert])
    process, port = serve(t, f"tls-cert: {cert}, tls-key: {key}, api-key: key, header-timeout: 1s")
    assert f"web: https://127.0.0.1:{port}/" in process.err, process.err
    before = descriptors(process)
    trusting = ssl.create_default_context(cafile=cert)
    equal(ask(port, "/streams", tls=trusting, X_API_Key="key")[2], b'{"streams": []}', "over TLS")
    equal(ask(port, "/streams", tls=trusting)[0], 401, "over TLS without a key")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        trusting.minimum_version = trusting.maximum_version = version
        equal(ask(port, "/metrics", tls=trusting, X_API_Key="key")[0], 200, version)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        ask(port, "/streams", tls=old)
        raise AssertionError("TLS 1.1 was taken")
    except (ssl.SSLError, ConnectionError):
        pass
    with Live(port, trusting, X_API_Key="key") as live:
        equal(live.status, 200, "a stream over TLS")
    equal(raw(port, b"GET /streams HTTP/1.1\r\nHost: localhost\r\n\r\n"), b"", "plain HTTP")
    begin = time.monotonic()
    equal(raw(port, b"\x16\x03\x01"), b"", "half a hello")
    t.soon(begin, 5, "half a hello may not stay")
    wait_for("closed connections", lambda: descriptors(process) <= before)
    equal(process.stop(signal.SIGINT), 0, "exit status")


# Streams ------------------------------------------------------------------------------------------

class Live:
    """A client of server-sent events."""

    def __init__(self, port, tls=None, path="/api/v1/events", **headers):
        kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
        self.connection = kind("127.0.0.1", port, timeout=limit(10), **({"context": tls} if tls else {}))
        self.connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        self.reply = self.connection.getresponse()
        self.status = self.reply.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reply.close()
        self.connection.close()

    def lines(self, count):
        return [self.reply.readline() for _ in range(count)]

    def wait_event(self):
        while not self.reply.readline().startswith(b"data: {"):
            pass


@test()
def streams_open_and_close(t):
    process, port = serve(t)
    frames = t.path("frames.fstrm")
    t.run("gen", "--count", "200", "-w", frames)
    equal(ask(port, "/api/v1/health")[0], 200, "health")
    before = descriptors(process)
    streams = [Live(port) for _ in range(8)]
    for stream in streams:
        equal((stream.status, stream.reply.getheader("Content-Type")), (200, "text/event-stream"), "a stream")
    sender = t.spile("send", "--loop", "0", "--rate", "100", frames, f"unix:{t.path('tap.sock')}", name="send")
    for stream in streams:
        stream.wait_event()
    for stream in streams[:4]:
        stream.__exit__()
    wait_for("streams that clients left", lambda: descriptors(process) <= before + 4 + 1)
    streams[4].wait_event()  # the others go on
    sender.stop(signal.SIGINT)
    for stream in streams[4:]:
        stream.connection.sock.shutdown(socket.SHUT_RDWR)  # nothing comes that would show it by failing
    wait_for("all streams closed", lambda: descriptors(process) <= before)


@test()
def an_end_cuts_what_is_open(t):
    """However many streams, half requests and unread replies there are, the program ends."""
    process, port = serve(t)
    streams = [Live(port) for _ in range(5)]
    halves = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    for half in halves:
        half.sendall(b"GET /metrics HTTP/1.1\r\nHost: loc")
    begin = time.monotonic()
    equal(process.stop(signal.SIGTERM), 0, "exit status")
    t.soon(begin, 3, "at once")
    for stream in streams:
        stream.__exit__()
    for half in halves:
        half.close()


# Clients that mean no good ------------------------------------------------------------------------

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
    "300 parameters": (line(b"/metrics?" + b"a=b&" * 300), {0}),
    "10000 parameters": (line(b"/metrics?" + b"a=b&" * 10000), {0}),
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
    "another's name": (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", {403}),
}


def status_of(reply):
    return int(reply.split(b" ", 2)[1]) if reply.startswith(b"HTTP/1.1 ") else 0


def check_trick(name, port):
    """One trick's answer is of those allowed, and only a good request learns anything."""
    data, allowed = TRICKS[name]
    reply = raw(port, data)
    status = status_of(reply)
    assert status in allowed, f"{name}: {reply[:300]!r}"
    assert status == 200 or (b"spile_" not in reply and len(reply) < 2000), f"{name} is told {reply[:500]!r}"


@test()
def tricks_get_what_they_deserve(t):
    process, port = serve(t, f"header-timeout: {t.window(500)}")
    before = descriptors(process)
    for name in TRICKS:
        check_trick(name, port)
    requests = b"GET /streams HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50 + line(b"/nothing")
    replies = raw(port, requests)
    equal((replies.count(b"HTTP/1.1 200 OK"), replies.count(b"HTTP/1.1 404")), (50, 1), "pipelined requests")
    wait_for("closed connections", lambda: descriptors(process) <= before)
    equal(ask(port, "/streams")[0], 200, "afterwards")


def drip(port, first, seconds):
    """Sends a header a tenth of a second; how long that is borne."""
    client = socket.create_connection(("127.0.0.1", port))
    begin = time.monotonic()
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
    begin = time.monotonic()
    idle = socket.create_connection(("127.0.0.1", port))
    idle.sendall(begun + b"\r\n")
    while idle.recv(65536):
        pass
    assert time.monotonic() - begin >= 1.9, "a kept connection has its time"
    t.soon(begin, 8, "and no more")


def is_cut(client):
    """The server has closed the connection."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@test()
def connections_make_room(t):
    """Past the limit, who has waited longest goes; who asks is served."""
    process, port = serve(t, "connections: 20")
    before = descriptors(process)
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    # Who asks while they are still being accepted may be taken for one that waits.
    wait_for("idle ones have gone", lambda: sum(map(is_cut, idle)) >= 80)
    for _ in range(10):
        equal(ask(port, "/streams")[0], 200, "among idle ones, as many as there may be")
    wait_for("no more than there may be", lambda: descriptors(process) <= before + 20)
    for client in idle:
        client.close()


@test()
def an_address_has_its_share(t):
    """Not on loopback, whose connections may be a proxy's."""
    process, port = serve(t, "connections-address: 4, connections: 64")
    before = descriptors(process)
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    wait_for("all are there", lambda: descriptors(process) >= before + 30)
    for client in clients:
        client.close()


@test(net=True)
def an_address_beyond_has_its_share(t):
    path = t.path("share.yaml")
    path.write_text("outputs: [null]\nweb: {connections-address: 4}\n")
    t.tool(["ip", "addr", "replace", "192.0.2.200/32", "dev", "lo"])
    process = t.spile("run", *NULL_UNIX, "-c", path, "--web", "192.0.2.200:0", "--api-key", "key")
    port = port_of(process)
    before = descriptors(process)
    clients = [socket.create_connection(("192.0.2.200", port)) for _ in range(12)]
    wait_for("the others are closed", lambda: descriptors(process) == before + 4)
    wait_for("eight are told", lambda: len(readable(clients, 0)) == 8)
    for client in clients:
        client.close()
    wait_for("all gone", lambda: descriptors(process) == before)


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
    frames, total = t.path("frames.fstrm"), 1_000_000 // (10 if t.sanitized else 1)
    t.run("gen", "--count", str(total // 10), "-w", frames)
    process, port = serve(t, f"header-timeout: {t.window(2000)}")
    equal(ask(port, "/tables?n=5")[0], 200, "before")
    before, times, crowd, names = descriptors(process), [], Crowd(), list(TRICKS)

    def honest(number):
        path = ("/metrics", "/tables?n=10", "/counters", "/api/v1/statistics")[number % 4]
        begin = time.monotonic()
        status, _, body = ask(port, path)
        times.append(time.monotonic() - begin)
        equal(status, 200, path)
        assert path == "/metrics" or json.loads(body)
        crowd.ended.wait(0.05)

    def trickster(number):
        turn = (number + int(time.monotonic() * 7)) % len(names)
        check_trick(names[turn], port)
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
