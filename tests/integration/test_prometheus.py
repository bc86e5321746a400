"""/metrics: what promtool and a real Prometheus say to it, and the dashboards and alerts made for it."""
import collections
import concurrent.futures
import json
import lzma
import os
import re
import signal
import time
import urllib.parse
import urllib.request

import fstrm
from harness import CAPTURES, ROOT, equal, free_port, holds, limit, samples, test, wait_for
from mix import Mix, udp_size

DASHBOARD = ROOT / "dist/grafana/spile.json"
RULES = ROOT / "dist/prometheus"
QUESTION = b"\0\1\1\0\0\1\0\0\0\0\0\0\4mine\3lab\0\0\1\0\1"

CONFIG = """
inputs:
  - unix: {path: @DIR@/%(name)s.sock}
  - tcp: {listen: "127.0.0.1:%(tcp)d"}
outputs:
  - file: {path: @DIR@/%(name)s.json, format: json}
  - "null": {}
web: {listen: "127.0.0.1:%(port)d", header-timeout: 1m%(web)s}
history: {path: @DIR@/%(name)s.db}
"""


BUSY = """
threads: 1
inputs:
  - unix: {path: %s}
outputs:
  - stdout: {format: json, block-max: off, queue-size: 256K}
web: {listen: "127.0.0.1:%d", header-timeout: 1m}
"""


def serve(t, name="spile", web="", top=""):
    """A collector with a web server; its address."""
    port = free_port()
    t.listen(CONFIG % {"name": name, "tcp": free_port(), "port": port, "web": web} + top, name=name, count=3)
    return f"127.0.0.1:{port}"


def get(address, path="/metrics", **headers):
    """(content type, text)"""
    request = urllib.request.Request(f"http://{address}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=limit(30)) as reply:
        return reply.headers["Content-Type"], reply.read().decode()


def settled(address, metric, wanted):
    """The page once a sample has a value: snapshots are a second old at most."""
    def there():
        page = get(address)[1]
        return page if samples(page).get(metric) == wanted else None
    return wait_for(f"{metric} is {wanted}", there, every=0.2)


def checked(t, page):
    """`promtool check metrics` has nothing to say; the page."""
    done = t.tool(["promtool", "check", "metrics"], input=page.encode())
    equal((done.stdout, done.stderr), (b"", b""), "promtool")
    return page


def replay(t, capture, name="spile"):
    path = t.path(capture + ".fstrm")
    path.write_bytes(lzma.decompress((CAPTURES / f"{capture}.fstrm.xz").read_bytes()))
    t.run("send", path, f"unix:{t.path(name + '.sock')}")


@test(needs=["promtool"])
def page(t):
    """The native names: accepted as they are, complete, and in OpenMetrics for who asks."""
    address = serve(t, web=", metrics-top: 5, metrics-types: 3")
    replay(t, "unbound")
    text = settled(address, 'spile_events_total{stream="unbound-test",side="client",direction="query"}', 2542)
    checked(t, text)
    found = samples(text)
    equal(found['spile_input_frames_total{input="unix"}'], 8263, "frames")
    equal(found['spile_responses_by_rcode_total{stream="unbound-test",side="client",rcode="SERVFAIL"}'], 133, "SERVFAIL")
    equal(found['spile_events_total{stream="unbound-test",side="upstream",direction="query"}'], 1571 + 42, "questions upstream")
    equal(found['spile_response_latency_seconds_count{stream="unbound-test",side="client"}'] > 2000, True, "latencies")
    wait_for("all is written", lambda: samples(get(address)[1])['spile_output_delivered_total{output="file"}'] == 8263)
    ledger = [name for name in found if name.startswith("spile_output_dropped_total")]
    for reason in ("malformed", "short", "memory", "full", "oldest", "write", "shutdown"):
        equal(found[f'spile_output_dropped_total{{output="file",reason="{reason}"}}'], 0, f"{reason} in {ledger}")
    for side in ("client", "upstream"):
        equal(sum(name.startswith(f'spile_top_domain_events{{side="{side}"') for name in found), 5, f"top domains, {side}")
    equal(sum(name.startswith('spile_events_by_qtype_total{stream="unbound-test",side="client",direction="query"') for name in found), 5,
          "three types, other, none")
    equal(any(name.startswith("dnstap_") for name in found), False, "legacy names")
    kind, text = get(address, Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    equal(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8", "content type")
    equal(text.endswith("\n# EOF\n"), True, "EOF")
    equal(get(address)[0], "text/plain; version=0.0.4; charset=utf-8", "content type")


def labelled(**labels):
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def counted(events):
    """Families and labels of what is counted of events on one side, but for those of a stream and a side."""
    by = collections.Counter()
    for e in events:
        direction = {"direction": e["type"]}
        by["spile_events_total", labelled(**direction)] += 1
        by["spile_dns_bytes_total", labelled(**direction)] += e["length"]
        by["spile_dnstap_messages_total", labelled(type=e["message"])] += 1
        by["spile_events_by_qtype_total", labelled(**direction, qtype=e["rrtype"])] += 1
        by["spile_events_by_transport_total", labelled(**direction, transport=e["protocol"])] += 1
        by["spile_events_with_do_total", labelled(**direction)] += e["edns-do"]
        by["spile_events_by_edns_udp_size_total", labelled(**direction, size=udp_size(e["edns-udp-size"]))] += 1
        by["spile_events_by_edns_version_total", labelled(**direction, version="other" if e["edns-version"] else "0")] += 1
        if e["type"] == "response":
            by["spile_responses_by_rcode_total", labelled(rcode=e["rcode"])] += 1
            by["spile_response_latency_seconds_count", ""] += 1
            by["spile_response_latency_seconds_sum", ""] += e["latency"]
            by["spile_transport_latency_seconds_count", labelled(transport=e["protocol"])] += 1
            by["spile_transport_latency_seconds_sum", labelled(transport=e["protocol"])] += e["latency"]
    return by


def check_side(found, mix, side, window):
    """What the page shows of the mix on a side is the truth."""
    events = mix.events(side)
    of = {"stream": "mix", "side": side}
    for (family, labels), value in counted(events).items():
        got = found[f"{family}{{{','.join(filter(None, [labelled(**of), labels]))}}}"]
        assert abs(got - value) < 1e-5 * (len(events) if "sum" in family else 1), f"{side} {family} {labels}: {got}, wanted {value}"
    name, end, key = {"client": ("client", "clients", "query-ip"), "upstream": ("server", "servers", "response-ip")}[side]
    hits, names = collections.Counter(e[key] for e in events), {e["qname"] for e in events}
    scope = labelled(side=side, window=window)
    equal([found[f"spile_{end}{{{scope}}}"], found[f"spile_domains{{{scope}}}"]], [len(hits), len(names)], f"distinct on {side}")
    scope = labelled(**of, window=window)
    equal([found[f"spile_stream_{end}{{{scope}}}"], found[f'spile_stream_domains{{{scope},in="any"}}']],
          [len(hits), len(names)], f"distinct of the stream on {side}")
    top = {s: n for s, n in found.items() if s.startswith(f"spile_top_{name}_events")}
    equal(top, {f"spile_top_{name}_events{{{labelled(side=side, window=window, **{name: a})}}}": n for a, n in hits.items()}, "top")
    servers = {s: n for s, n in found.items() if s.startswith("spile_top_server_")} if side == "upstream" else {}
    check_servers(servers, events, window) if servers else equal(side, "client", "servers are asked upstream")


def check_servers(found, events, window):
    """How fast each of the servers that were asked answers, and how often they were asked again."""
    times = collections.defaultdict(list)
    for e in events:
        if e["latency"] is not None and e["type"] == "response":
            times[e["response-ip"]].append(e["latency"])
    wanted = {f'spile_top_server_latency_seconds{{side="upstream",window="{window}",server="{a}",q="{q}"}}': (sorted(of), q)
              for a, of in times.items() for q in (0.5, 0.9, 0.99, 0.999)}
    equal({s for s in found if "_latency_" in s}, set(wanted), "quantiles of servers")
    for sample, (of, q) in wanted.items():
        low, high = (of[min(max(round(q * len(of)) + by, 0), len(of) - 1)] for by in (-2, 1))
        assert low * 0.85 <= found[sample] <= high * 1.15, f"{sample}: {found[sample]} is not from {low} to {high}"
    equal(sum(n for s, n in found.items() if "_retries" in s), 10, "retries")


@test(needs=["promtool"])
def a_known_mix_by_side_and_window(t):
    """Counters are since the start, by side; what is of a window says so, and only one window is on a page."""
    address = serve(t, web=", metrics-top: 100")
    mix = Mix()
    client = fstrm.Sender(t.path("spile.sock"))
    client.send(*mix.frames())
    client.finish()
    for window in ("1m", "5m", "1h", "1d", "all", ""):  # what is over the soonest first
        def shown(window=window):
            page = get(address, f"/metrics?window={window}" if window else "/metrics")[1]
            for side in ("client", "upstream"):
                check_side(samples(page), mix, side, window or "all")
                check_quantiles(samples(page), mix, side, window)
            return page
        found = samples(checked(t, holds(shown)))
        equal({re.search(r'window="(\w+)"', s)[1] for s in found if "window=" in s}, {window or "all"}, "windows on the page")
        assert found[f'spile_window_seconds{{window="{window or "all"}"}}'] > 0, window
        for never in ('spile_clients{side="upstream"', 'spile_servers{side="client"'):
            equal([s for s in found if s.startswith(never)], [], "ends that are the server itself")
    for side, other in (("client", "upstream"), ("upstream", "client")):
        found = samples(get(address, f"/metrics?side={side}")[1])
        check_side(found, mix, side, "all")
        equal([s for s in found if f'side="{other}"' in s], [], f"samples of the other side with side={side}")


def check_quantiles(found, mix, side, window):
    """Quantiles and events of a window, where one was asked for."""
    events = mix.events(side)
    of = labelled(stream="mix", side=side, window=window)
    shown = {s: n for s, n in found.items() if s.startswith("spile_window_latency") and f'side="{side}"' in s}
    equal(len(shown), 4 if window else 0, f"quantiles in window {window}")
    if not window:
        return
    latencies = sorted(e["latency"] for e in events if e["latency"] is not None)
    for q in (0.5, 0.9, 0.99, 0.999):
        got = shown[f'spile_window_latency_seconds{{{of},q="{q}"}}']
        low, high = (latencies[min(max(round(q * len(latencies)) + by, 0), len(latencies) - 1)] for by in (-2, 1))
        assert low * 0.99 <= got <= high * 1.01, f"{side} q={q}: {got} is not from {low} to {high}"
    for direction in ("query", "response"):
        equal(found[f'spile_window_events{{{of},direction="{direction}"}}'], sum(e["type"] == direction for e in events), direction)


@test()
def a_scrape_is_of_its_moment(t):
    """What has been taken in is on the page that is asked for next, not a second later."""
    address = serve(t)
    sent = 0
    for count in (1, 50, 7, 300, 13):
        client = fstrm.Sender(t.path("spile.sock"))
        client.send(*[fstrm.message(QUESTION, identity=b"ns1")] * count)
        client.finish()  # the answer says that all has been read
        sent += count
        equal(samples(get(address)[1])['spile_events_total{stream="ns1",side="client",direction="query"}'], sent, "events")


@test()
def a_busy_worker_holds_up_no_scrape(t):
    """While the only worker waits for an output that nobody reads, there is what it has told so far."""
    read, write = os.pipe()
    port = free_port()
    t.path("busy.yaml").write_text(BUSY % (t.path("spile.sock"), port))
    spile = t.spile("run", "-c", t.path("busy.yaml"), stdout=write)
    wait_for("it listens", lambda: "web: http" in spile.err)
    client = fstrm.Sender(t.path("spile.sock"))
    client.sock.settimeout(1)
    try:
        while True:
            client.send(*[fstrm.message(QUESTION, identity=b"ns1")] * 1000)
    except TimeoutError:
        pass  # the worker takes no more
    wait_for("something waits", lambda: samples(get(f"127.0.0.1:{port}")[1])['spile_output_queue_bytes{output="stdout"}'] > 0)
    started = time.monotonic()
    for _ in range(3):
        found = samples(get(f"127.0.0.1:{port}")[1])
    t.soon(started, 3, "three scrapes of a busy program")
    assert found['spile_output_queue_bytes{output="stdout"}'] > 0, "nothing waits"
    os.close(read)
    os.close(write)


@test(needs=["promtool"])
def legacy_names(t):
    """dnstap-receiver's names, accepted too. (Their values: test_receiver_api.)"""
    address = serve(t, top="compat: dnstap-receiver\n")
    replay(t, "unbound")
    text = settled(address, 'dnstap_queries{identity="unbound-test"}', 4155)
    checked(t, text)
    equal(samples(text)["dnstap_queries"], 4155, "queries of all")
    kind = get(address, Accept="application/openmetrics-text;version=1.0.0")[0]
    equal(kind, "text/plain; version=0.0.4; charset=utf-8", "the type: no OpenMetrics with such names")


@test(needs=["promtool"])
def strange_identities(t):
    """Identities end no string and no line, and no two become one."""
    address = serve(t, web=", legacy-metrics: true")
    names = [b'say "x"', b"back\\slash", b"two\nlines", b"\xff\xfe", b"\\255\\254", "caf\u00e9".encode(), b"other", b"",
             b"x" * 300, b"x" * 299 + b"y"]  # longer than what is kept of them
    client = fstrm.Sender(t.path("spile.sock"))
    client.send(*[fstrm.message(QUESTION, identity=name) for name in names])
    client.finish()
    text = settled(address, "dnstap_queries", len(names))
    checked(t, text)
    equal(sum(samples(text)[s] for s in samples(text) if s.startswith("spile_events_total")), len(names), "events")
    equal(sum(s.startswith("dnstap_queries{") for s in samples(text)), len(names) - 1, "identities")


@test(needs=["promtool"])
def rules(t):
    """Alerts: well formed, and they fire when they should and not else."""
    t.tool(["promtool", "check", "rules", RULES / "spile.rules.yml"])
    t.tool(["promtool", "test", "rules", RULES / "spile.rules.test.yml"])
    tested = (RULES / "spile.rules.test.yml").read_text()
    for alert in re.findall(r"alert: (\w+)", (RULES / "spile.rules.yml").read_text()):
        fires = re.search(rf"alertname: {alert}\n\s+exp_alerts:", tested)
        assert fires, f"{alert} fires in no test"


@test()
def dashboard_is_made_from_its_table(t):
    t.tool([ROOT / "tools/grafana", t.path("made.json")])
    equal(t.path("made.json").read_text() == DASHBOARD.read_text(), True, "run tools/grafana: dist/grafana/spile.json")


PROMETHEUS = """
global: {scrape_interval: 1s, evaluation_interval: 5s}
rule_files: ["@RULES@/spile.rules.yml"]
scrape_configs:
  - job_name: spile
    authorization: {credentials: "only for prometheus"}
    static_configs: [{targets: ["%(native)s"]}]
  - job_name: legacy
    static_configs: [{targets: ["%(legacy)s"]}]
"""


class Prometheus:
    def __init__(self, t, **targets):
        self.address = f"127.0.0.1:{free_port()}"
        t.path("prometheus.yml").write_text(PROMETHEUS.replace("@RULES@", str(RULES)) % targets)
        t.start(["prometheus", f"--config.file={t.path('prometheus.yml')}", f"--web.listen-address={self.address}",
                 f"--storage.tsdb.path={t.path('tsdb')}"])
        wait_for("Prometheus is ready", self.ready, seconds=60, every=0.2)

    def ready(self):
        try:
            return "Ready" in get(self.address, "/-/ready")[1]
        except OSError:
            return False

    def api(self, path, **query):
        return json.loads(get(self.address, f"/api/v1/{path}?" + urllib.parse.urlencode(query))[1])["data"]

    def query(self, expression):
        return self.api("query", query=expression)["result"]

    def value(self, expression):
        result = self.query(expression)
        equal(len(result), 1, f"samples of {expression}")
        return float(result[0]["value"][1])


def near(got, wanted, share, what):
    assert abs(got - wanted) <= share * wanted, f"{what}: {got}, wanted {wanted} within {share:.0%}"


def panels_show_something(prometheus):
    """Every expression of the dashboard has a result, with the variables as they are at first."""
    variables = {"$__rate_interval": "20s", "$__range": "60s", "$instance": ".*", "$stream": ".*", "$side": "client"}
    count = 0
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for variable, value in variables.items():
                expression = expression.replace(variable, value)
            result = prometheus.query(expression)
            assert result, f"panel {panel['title']} shows nothing: {expression}"
            shown = [sample["value"][1] for sample in result]
            assert set(shown) != {"NaN"}, f"panel {panel['title']} shows no number: {expression}"
            count += 1
    assert count > 50, count


SCRAPES = 20  # at one a second, and the rates below are of as long


@test(needs=["prometheus", "promtool"], plain=True)
def scraped_by_prometheus(t):
    """A real Prometheus reads both kinds of names under load; its rates are what was sent."""
    rate = 3000
    native = serve(t, web=", bearer-token: only for prometheus")
    old = serve(t, name="old", top="compat: dnstap-receiver\n")
    prometheus = Prometheus(t, native=native, legacy=old)
    # Longer than the test takes: where a file begins anew, its last queries stay without responses, and an alert tells.
    t.run("gen", "--count", 200_000, "-w", t.path("load.fstrm"))
    senders = [t.spile("send", "--rate", rate, "--loop", 0, t.path("load.fstrm"), f"unix:{t.path(name + '.sock')}",
                       name="send-" + name) for name in ("spile", "old")]

    def scraped():
        result = prometheus.query(f"count_over_time(up[1h]) > {SCRAPES + 2}")
        return len(result) == 2
    wait_for("scrapes of both", scraped, seconds=60, every=0.5)
    for sender in senders:
        assert sender.running(), sender.err
    # Where a sender or Prometheus had to wait for its turn the next twenty seconds may do.
    holds(lambda: rates_are_right(prometheus, rate, min(0.5, 0.03 * t.patience)), 30, every=1)
    # Units come with OpenMetrics alone.
    units = prometheus.api("targets/metadata", match_target='{job="spile"}', metric="spile_output_queue_bytes")
    equal([unit["unit"] for unit in units], ["bytes"], "units that Prometheus knows")
    panels_show_something(prometheus)
    for group in prometheus.api("rules")["groups"]:
        for rule in group["rules"]:
            equal((rule["health"], rule.get("lastError", "")), ("ok", ""), rule["name"])
            if rule["name"] != "DnsLatencyHigh":  # some of what is made up is slow
                equal(rule.get("state", "inactive"), "inactive", rule["name"])


def rates_are_right(prometheus, rate, slack):
    """What Prometheus makes of its last scrapes, none of which has failed."""
    near(prometheus.value('sum(rate(spile_input_frames_total{job="spile"}[20s]))'), rate, slack, "frames a second")
    counted = " + ".join(f'sum(rate({name}{{job="spile"}}[20s]))'
                         for name in ("spile_events_total", "spile_malformed_frames_total"))
    near(prometheus.value(counted), rate, slack, "events a second")
    near(prometheus.value('sum(rate(spile_output_delivered_total{job="spile",output="file"}[20s]))'), rate, 2 * slack, "delivered")
    both = "rate(dnstap_queries{identity=''}[20s]) + rate(dnstap_responses{identity=''}[20s])"
    near(prometheus.value(both), prometheus.value('sum(rate(spile_events_total{job="legacy"}[20s]))'), 0.01, "both kinds")
    near(prometheus.value(both), rate, 2 * slack, "dnstap-receiver's names")
    for target in prometheus.api("targets")["activeTargets"]:
        equal((target["health"], target["lastError"]), ("up", ""), target["scrapeUrl"])
    assert prometheus.value("min(min_over_time(up[20s]))") == 1, "a scrape failed"
    assert prometheus.value("max(quantile_over_time(0.5, scrape_duration_seconds[20s]))") < limit(0.05), "the page takes long"


def same_since_the_start(address):
    """Whether events of a window that reaches as far are those since the start, on some pages."""
    for _ in range(60):
        found = samples(get(address, "/metrics?window=1d")[1])
        window = {s.replace(',window="1d"', "").replace("spile_window_events", "spile_events_total"): n
                  for s, n in found.items() if s.startswith("spile_window_events")}
        assert window, "events of the window"
        equal(window, {s: found[s] for s in window}, "events since the start, and of the window")
        assert found["spile_statistics_one_moment"] in (0, 1), "says whether tables are of that moment, too"


@test()
def a_page_of_a_window_is_of_one_moment(t):
    """While events come, and others want pages, too, numbers since the start and of a window are of one moment."""
    address = serve(t)
    sender = t.start([t.spile_path, "send", "--loop", "0", "--rate", "5000", CAPTURES / "unbound.fstrm.xz", f"unix:{t.path('spile.sock')}"], name="sender")
    wait_for("events", lambda: samples(get(address)[1]).get("spile_streams"))
    with concurrent.futures.ThreadPoolExecutor(4) as readers:
        for done in [readers.submit(same_since_the_start, address) for _ in range(4)]:
            done.result()
    sender.stop(signal.SIGKILL)
