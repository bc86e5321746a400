"""Every DNS server that speaks dnstap: connects, is counted exactly, recovers."""
import subprocess
import time

from harness import ROOT, UNIX_JSON, Bench, equal, limit, test, wait_for
from lab import Server, authority, full_round, rcode, snippet, tag, v4

SERVFAIL, REFUSED = 2, 5

TCP = UNIX_JSON.replace("unix: {path: @DIR@/tap.sock, mode: 0666}", "tcp: {listen: ADDRESS:6000}")


def over_unix(t, kind, number=None, changes=()):
    authority()

    def relisten():
        return t.listen(UNIX_JSON)
    spile = relisten()
    full_round(t, Server(t, kind, tap=t.path("tap.sock"), number=number, changes=changes), spile, relisten)


def over_tcp(t, kind, number, changes=()):
    authority()

    def relisten():
        return t.listen(TCP.replace("ADDRESS", v4(number)))
    spile = relisten()
    full_round(t, Server(t, kind, tap=f"{v4(number)}:6000", number=number, changes=changes), spile, relisten)


@test(needs=["unbound"], net=True)
def unbound_over_unix(t):
    over_unix(t, "unbound")


@test(needs=["unbound"], net=True)
def unbound_start_first(t):
    """dnstap-bidirectional: no begins with START, without READY."""
    over_unix(t, "unbound", number=12,
              changes=[("dnstap-enable: yes", "dnstap-enable: yes\n  dnstap-bidirectional: no")])


@test(needs=["unbound"], net=True)
def unbound_over_tcp(t):
    over_tcp(t, "unbound", 13,
             [('dnstap-socket-path: "/run/spile/dnstap.sock"   # or: dnstap-ip: "192.0.2.1@6000" and dnstap-tls: no',
               f'dnstap-socket-path: ""\n  dnstap-ip: "{v4(13)}@6000"\n  dnstap-tls: no')])


@test(needs=["named"], net=True)
def bind(t):
    over_unix(t, "named")


@test(needs=["knotd"], net=True)
def knot(t):
    over_unix(t, "knotd")


# What README's lines have to fit into: the configurations that Debian 12 installs, without their comments:
# /etc/knot/knot.conf of knot 3.2 and /etc/bind/named.conf.options of bind9 9.18.
DEBIAN_KNOT = """server:
    user: knot:knot
    automatic-acl: on
template:
  - id: default
    storage: "/var/lib/knot"
    file: "%s.zone"
zone:
"""
DEBIAN_NAMED = """options {
\tdirectory "/tmp";
\tdnssec-validation auto;
\tlisten-on-v6 { any; };
};
"""


def refused(t, command, text):
    """Whether a server's own check refuses a configuration: its words, or None."""
    path = t.path("merged.conf")
    path.write_text(text)
    command = [path if word == "@CONF@" else word for word in command]
    done = subprocess.run(command, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode() if done.returncode else None


def check_told(title, *sentences):
    """README says ahead of a server's lines where they go."""
    told = " ".join((ROOT / "README.md").read_text().split(f"**{title}**")[1].split("```")[0].split())
    for sentence in sentences:
        assert sentence in told, f"{sentence!r} is not in README's words on {title}: {told}"


@test(needs=["knotc"], plain=True)
def knot_as_debian_installs_it(t):
    """README's lines, put where README says into a configuration that has its template `default` already."""
    check = ["knotc", "-c", "@CONF@", "conf-check"]
    check_told("Knot DNS", "`mod-dnstap:` goes before `template:`", "goes the line `global-module` alone")
    module, template = snippet("Knot DNS").split("template:\n")
    line = template.splitlines()[-1]
    equal(line.split(":")[0].strip(), "global-module", "the line for the template")
    with_line = DEBIAN_KNOT.replace("- id: default\n", f"- id: default\n{line}\n")
    equal(refused(t, check, with_line.replace("template:\n", f"{module}template:\n")), None, "as README says")
    assert refused(t, check, with_line + module), "the module after the template is refused"
    assert refused(t, check, DEBIAN_KNOT + snippet("Knot DNS") + "\n"), "a second template of that name is refused"


@test(needs=["named-checkconf"], plain=True)
def bind_as_debian_installs_it(t):
    """README's lines, put where README says; a second `options` is refused."""
    check = ["named-checkconf", "@CONF@"]
    check_told("BIND", "the lines go into the `options {` that is there already")
    lines = snippet("BIND").removeprefix("options {\n").removesuffix("};")
    equal(refused(t, check, DEBIAN_NAMED.replace("options {\n", "options {\n" + lines)), None, "as README says")
    assert refused(t, check, DEBIAN_NAMED + snippet("BIND") + "\n"), "a second `options` is refused"


@test(needs=["nsd"], net=True)
def nsd(t):
    over_unix(t, "nsd")


@test(needs=["dnsdist"], net=True)
def dnsdist_over_unix(t):
    over_unix(t, "dnsdist")


@test(needs=["dnsdist"], net=True)
def dnsdist_over_tcp(t):
    over_tcp(t, "dnsdist", 18,
             [('UnixLogger("/run/spile/dnstap.sock")   -- or newFrameStreamTcpLogger("192.0.2.1:6000")',
               'TcpLogger("/run/spile/dnstap.sock")')])


@test(needs=["dnsdist"], net=True)
def dnsdist_without_a_server(t):
    """What dnsdist answers itself, since no server is up or since a rule says so, is a response, too."""
    spile = t.listen(UNIX_JSON)
    server = Server(t, "dnsdist", tap=t.path("tap.sock"), number=22, ready=SERVFAIL, SERVER=f"{v4(29)}:5399",
                    changes=[("setServFailWhenNoServer(true)",
                              "setServFailWhenNoServer(true)\n"
                              "addAction('refused.lab.', RCodeAction(DNSRCode.REFUSED))")])

    def arrives():
        probe = tag("probe")
        rcode(server.number, f"{probe}.load.lab.")
        end = time.monotonic() + 1.2 * Bench.patience  # one from before it was connected never comes
        while time.monotonic() < end and not spile.count(probe, "CLIENT_RESPONSE"):
            time.sleep(0.02)
        return spile.count(probe, "CLIENT_RESPONSE")
    wait_for("events arrive", arrives, 20)
    word = tag("down")
    seen = [rcode(server.number, f"q{i}-{word}.{'refused' if i % 2 else 'load'}.lab.", limit(5)) for i in range(40)]
    equal(seen, [SERVFAIL, REFUSED] * 20, "response codes that clients see")
    for message in ("CLIENT_RESPONSE", "CLIENT_QUERY"):
        wait_for(f"all of {message}", lambda message=message: spile.count(word, message) >= 40)
    told = [e["rcode"] for e in spile.events() if e["message"] == "CLIENT_RESPONSE" and word in e["qname"]]
    equal(sorted(told), ["REFUSED"] * 20 + ["SERVFAIL"] * 20, "response codes that Spile sees")
    equal(spile.count(word, "CLIENT_QUERY"), 40, "queries")
    equal(spile.stop(), 0, "exit status")


@test(needs=["pdns_recursor"], net=True)
def powerdns_recursor_over_unix(t):
    over_unix(t, "pdns_recursor")


@test(needs=["pdns_recursor"], net=True)
def powerdns_recursor_over_tcp(t):
    over_tcp(t, "pdns_recursor", 21)


@test(needs=["kresd"], net=True)
def knot_resolver(t):
    over_unix(t, "kresd")


