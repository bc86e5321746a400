"""The web server: who may ask, TLS, live streams. Clients that mean no good are in test_web_clients.py."""
import base64
import contextlib
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


def serve(t, more="", name="spile"):
    """A collector with a web server: the process and its port. Another name has a socket of its own."""
    config = WEB if name == "spile" else WEB.replace("tap.sock", f"{name}.sock")
    process = t.listen(config % (more and ", " + more), name=name, count=2)
    return process, process.web_port()


def ask(port, path, method="GET", host="127.0.0.1", tls=None, address="127.0.0.1", **headers):
    """Status, headers and body of one request on a connection of its own, from that address."""
    kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
    connection = kind("127.0.0.1", port, timeout=limit(10), source_address=(address, 0), **({"context": tls} if tls else {}))
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", host)
    for key, value in headers.items():
        connection.putheader(key.replace("_", "-"), value)
    connection.endheaders()
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, reply.headers, body


def say(port, data, seconds=20):
    """A connection that has sent these bytes, as far as they were taken."""
    client = socket.create_connection(("127.0.0.1", port), timeout=limit(seconds))
    try:
        client.sendall(data)
    except OSError:
        pass  # it need not take all of it
    return client


def hear(client):
    """All that comes back until the server closes; what it refuses to read is lost."""
    got = b""
    try:
        while chunk := client.recv(65536):
            got += chunk
    except ConnectionError:
        pass
    client.close()
    return got


def raw(port, data):
    return hear(say(port, data))


def basic(pair):
    return "Basic " + base64.b64encode(pair.encode()).decode()


def descriptors(process):
    return len(list(pathlib.Path(f"/proc/{process.child.pid}/fd").iterdir()))


def sockets(process):
    """Of the descriptors: a file that is read for a moment is none of these."""
    count = 0
    for each in pathlib.Path(f"/proc/{process.child.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it has been closed
            count += os.readlink(each).startswith("socket:")
    return count


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
    asked = 1
    for (key, key_right), (sent, right) in itertools.product(keys.items(), authorizations.items()):
        headers = {"X_API_Key": key, "Authorization": sent}
        headers = {name: value for name, value in headers.items() if value is not None}
        passes = key_right is not False and right is not False and bool(headers)
        for path in ("/streams", "/api/v1"):
            asked += 1  # who guesses is slowed, so that each comes from elsewhere
            status, _, _ = ask(port, path, address=f"127.0.0.{asked}", **headers)
            equal(status, 200 if passes else 401, f"{path} with {headers}")
        equal(ask(port, "/api/v1/health", **headers)[0], 200, f"health with {headers}")
    equal(ask(port, "/streams?key=key&api-key=key&X-API-Key=key")[0], 401, "keys in the query")


def wrong_requests(process, address):
    """What the log says of requests with wrong credentials from there: how many each line tells of."""
    return [int(n) for n in re.findall(rf"web: (\d+) requests? with wrong credentials from {address}\n", process.err)]


class Kept:
    """A connection from that address, and how long its requests take."""

    def __init__(self, port, address):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit(20), source_address=(address, 0))

    def ask(self, path="/streams", **headers):
        begin = time.monotonic()
        self.connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        reply = self.connection.getresponse()
        reply.read()
        return reply.status, time.monotonic() - begin


@test()
def guesses_are_slowed(t):
    """Those of one address, on however many connections, and with them right answers that could tell; nobody else's."""
    process, port = serve(t, "api-key: key, login: me, password: word")
    other, before = Kept(port, "127.0.0.1"), Kept(port, "127.0.0.2")
    equal(before.ask(X_API_Key="key")[0], 200, "let in before the guesses")
    guessers = [Kept(port, "127.0.0.2") for _ in range(8)]
    begin, count = time.monotonic(), 50 + 8 * 2
    wrong = [{"X_API_Key": "a"}, {"Authorization": basic("me:b")}, {"Authorization": "Bearer c"}, {"X_API_Key": "key", "Authorization": "d"}]
    guesses = iter(range(count))

    def guess(guesser):
        for number in guesses:
            equal(guesser.ask(**wrong[number % 4])[0], 401, "a guess")

    threads = [threading.Thread(target=guess, args=(guesser,)) for guesser in guessers]
    for thread in threads:
        thread.start()
    wait_for("more guesses than are free", lambda: wrong_requests(process, "127.0.0.2"))
    mine = [other.ask(X_API_Key="key") for _ in range(20)] + [before.ask(X_API_Key="key") for _ in range(5)]
    mine += [Kept(port, "127.0.0.1").ask(X_API_Key="key") for _ in range(5)]
    for thread in threads:
        thread.join()
    assert time.monotonic() - begin >= 1.9, "two rounds of eight, each a second"
    equal({status for status, _ in mine}, {200}, "who has the key")
    assert min(took for _, took in mine[25:]) < 0.9 and min(took for _, took in mine[20:25]) < 0.9, f"waits for others: {mine}"
    status, took = Kept(port, "127.0.0.2").ask(X_API_Key="key")
    assert status == 200 and took >= 0.9, f"the right key on a new connection from there: {status} after {took:.2f} s"
    half = socket.create_connection(("127.0.0.1", port), timeout=limit(20), source_address=("127.0.0.2", 0))
    begin = time.monotonic()
    half.sendall(b"GET /streams HTTP/1.0\r\nX-API-Key: no\r\n\r\n")
    half.shutdown(socket.SHUT_WR)
    reply, took = half.recv(100), time.monotonic() - begin
    assert took >= 0.9, f"half a connection has no answer sooner: {reply} after {took:.2f} s"
    equal(Kept(port, "127.0.0.2").ask()[0], 401, "without credentials")
    text = ask(port, "/metrics", X_API_Key="key")[2].decode()
    equal(re.findall(r"^spile_web_wrong_credentials_total (\d+)", text, re.MULTILINE), [str(count + 1)], "counted")
    equal(wrong_requests(process, "127.0.0.2"), [1], "told at once, and then once a minute")
    equal(wrong_requests(process, "127.0.0.1"), [], "of nobody else")
    sleeping = socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0))
    sleeping.sendall(b"GET /streams HTTP/1.1\r\nHost: h\r\nX-API-Key: no\r\n\r\n")
    equal(process.stop(signal.SIGINT), 0, "exit status")
    sleeping.close()


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
        open_port = t.listen(compat + WEB % "", name=name, count=2).web_port()
        closed = t.listen(WEB.replace("tap.sock", "key.sock") % ", api-key: key", name=name + "-key", count=2).web_port()
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
    port = process.web_port()
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
    port = process.web_port()
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
        port = process.web_port()
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


def certificate(t, *kind):
    """A key of that kind, as openssl has it, and its certificate."""
    key, cert = t.path("key.pem"), t.path("cert.pem")
    t.tool(["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert])
    return key, cert


def takes_tls(port, version, ciphers):
    """Whether the server can be agreed with on that."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_ciphers(ciphers)
    client.minimum_version = client.maximum_version = version
    try:
        return ask(port, "/api/v1/health", tls=client)[0] == 200
    except (ssl.SSLError, ConnectionError):
        return False


@test(needs=("openssl",))
def tls_keeps_its_secrets(t):
    """Of TLS 1.2 only what a key that is stolen later does not open: with a key of RSA, which could be used otherwise."""
    key, cert = certificate(t, "rsa:2048")
    _, port = serve(t, f"tls-cert: {cert}, tls-key: {key}, api-key: key")
    version = ssl.TLSVersion.TLSv1_2
    for ciphers in ("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"):
        assert takes_tls(port, version, ciphers), ciphers
    offered = [c["name"] for c in ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).get_ciphers()]
    for ciphers in ("kRSA:@SECLEVEL=0", "AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-SHA:@SECLEVEL=0"):
        assert not takes_tls(port, version, ciphers), ciphers
    assert takes_tls(port, version, ":".join(offered)), "what a client offers by itself"


@test(needs=("openssl",))
def tls_serves_and_insists(t):
    key, cert = certificate(t, "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    process, port = serve(t, f"tls-cert: {cert}, tls-key: {key}, api-key: key, header-timeout: 5m")
    assert f"web: https://127.0.0.1:{port}/" in process.err, process.err
    before = descriptors(process)
    trusting = ssl.create_default_context(cafile=cert)
    equal(ask(port, "/streams", tls=trusting, X_API_Key="key")[2], b'{"streams": []}', "over TLS")
    equal(ask(port, "/streams", tls=trusting)[0], 401, "over TLS without a key")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        trusting.minimum_version = trusting.maximum_version = version
        equal(ask(port, "/metrics", tls=trusting, X_API_Key="key")[0], 200, version)
    assert not takes_tls(port, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"), "TLS 1.1 was taken"
    with Live(port, trusting, X_API_Key="key") as live:
        equal(live.status, 200, "a stream over TLS")
    equal(raw(port, b"GET /streams HTTP/1.1\r\nHost: localhost\r\n\r\n"), b"", "plain HTTP")
    wait_for("closed connections", lambda: descriptors(process) <= before)
    equal(process.stop(signal.SIGINT), 0, "exit status")
    process, port = serve(t, f"tls-cert: {cert}, tls-key: {key}, api-key: key, header-timeout: 1s", name="brief")
    before, begin = descriptors(process), time.monotonic()
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
        while not (line := self.reply.readline()).startswith(b"data: {"):
            assert line, "the stream has ended"


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
