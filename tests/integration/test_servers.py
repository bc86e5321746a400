"""Every DNS server that speaks dnstap: connects, is counted exactly, recovers."""
from harness import UNIX_JSON, test
from lab import Server, authority, full_round, v4

TCP = UNIX_JSON.replace("unix: {path: @DIR@/tap.sock, mode: 0666}", "tcp: {listen: ADDRESS:6000}")


def over_unix(t, kind, number=None, **words):
    authority()

    def relisten():
        return t.listen(UNIX_JSON)
    spile = relisten()
    socket = t.path("tap.sock")
    words = {key: value.replace("SOCKET", str(socket)) for key, value in words.items()}
    full_round(t, Server(t, kind, tap=socket, number=number, **words), spile, relisten)


def over_tcp(t, kind, number, **words):
    authority()

    def relisten():
        return t.listen(TCP.replace("ADDRESS", v4(number)))
    spile = relisten()
    full_round(t, Server(t, kind, tap=f"{v4(number)}:6000", number=number, **words), spile, relisten)


@test(needs=["unbound"], net=True)
def unbound_over_unix(t):
    over_unix(t, "unbound", **{"UNBOUND-TAP": 'dnstap-socket-path: "SOCKET"'})


@test(needs=["unbound"], net=True)
def unbound_start_first(t):
    """dnstap-bidirectional: no begins with START, without READY."""
    over_unix(t, "unbound", number=12,
              **{"UNBOUND-TAP": 'dnstap-socket-path: "SOCKET"\n  dnstap-bidirectional: no'})


@test(needs=["unbound"], net=True)
def unbound_over_tcp(t):
    over_tcp(t, "unbound", 13,
             **{"UNBOUND-TAP": f'dnstap-socket-path: ""\n  dnstap-ip: "{v4(13)}@6000"\n  dnstap-tls: no'})


@test(needs=["named"], net=True)
def bind(t):
    over_unix(t, "named")


@test(needs=["knotd"], net=True)
def knot(t):
    over_unix(t, "knotd")


@test(needs=["nsd"], net=True)
def nsd(t):
    over_unix(t, "nsd")


@test(needs=["dnsdist"], net=True)
def dnsdist_over_unix(t):
    over_unix(t, "dnsdist", **{"DNSDIST-TAP": "newFrameStreamUnixLogger('SOCKET', {flushTimeout=1, reopenInterval=1})"})


@test(needs=["dnsdist"], net=True)
def dnsdist_over_tcp(t):
    over_tcp(t, "dnsdist", 18,
             **{"DNSDIST-TAP": f"newFrameStreamTcpLogger('{v4(18)}:6000', {{flushTimeout=1, reopenInterval=1}})"})


@test(needs=["pdns_recursor"], net=True)
def powerdns_recursor_over_unix(t):
    over_unix(t, "pdns_recursor")


@test(needs=["pdns_recursor"], net=True)
def powerdns_recursor_over_tcp(t):
    over_tcp(t, "pdns_recursor", 21)


@test(needs=["kresd"], net=True)
def knot_resolver(t):
    over_unix(t, "kresd")


