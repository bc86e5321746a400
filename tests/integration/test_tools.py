"""Other people's dnstap tools, in both directions."""
import signal

import fstrm
from harness import UNIX_JSON, equal, free_port, real_capture, test, wait_for

TYPE = "protobuf:dnstap.Dnstap"


def collector(t, tcp_port=0):
    """`spile run` on a unix socket, or on a port."""
    config = UNIX_JSON
    if tcp_port:
        config = config.replace("unix: {path: @DIR@/tap.sock, mode: 0666}", f"tcp: {{listen: 127.0.0.1:{tcp_port}}}")
    return t.listen(config)


def expect_all(t, spile, wanted):
    wait_for("all events are printed", lambda: len(spile.events()) >= wanted, 20)
    equal(spile.stop(), 0, "exit status")
    equal(len(spile.events()), wanted, "events")
    equal(spile.ledger()["delivered"], wanted, "ledger: delivered")


@test(needs=["fstrm_replay"])
def fstrm_replay_over_unix(t):
    file = real_capture(t)
    spile = collector(t)
    t.tool(["fstrm_replay", "-t", TYPE, "-r", file, "-u", t.path("tap.sock")])
    expect_all(t, spile, len(fstrm.split(file.read_bytes())))


@test(needs=["fstrm_replay"])
def fstrm_replay_over_tcp(t):
    file, port = real_capture(t), free_port()
    spile = collector(t, port)
    t.tool(["fstrm_replay", "-t", TYPE, "-r", file, "-a", "127.0.0.1", "-p", port])
    expect_all(t, spile, len(fstrm.split(file.read_bytes())))


@test(needs=["dnstap"])
def golang_dnstap_sends_over_unix(t):
    file = real_capture(t)
    spile = collector(t)
    t.tool(["dnstap", "-r", file, "-U", t.path("tap.sock")])
    expect_all(t, spile, len(fstrm.split(file.read_bytes())))


@test(needs=["dnstap"])
def golang_dnstap_sends_over_tcp(t):
    file, port = real_capture(t), free_port()
    spile = collector(t, port)
    t.tool(["dnstap", "-r", file, "-T", f"127.0.0.1:{port}"])
    expect_all(t, spile, len(fstrm.split(file.read_bytes())))


def into_fstrm_capture(t, where, dest, *options):
    """`spile send` to it: the same frames must come out."""
    file, out = real_capture(t), t.path("out.fstrm")
    tool = t.start(["fstrm_capture", "-t", TYPE, *where, "-w", out])
    wait_for("fstrm_capture listens", lambda: t.listeners(tool) > 0)
    t.run("send", *options, file, dest)
    equal(tool.stop(signal.SIGINT), 0, "fstrm_capture's exit status")
    equal(fstrm.split(out.read_bytes()), fstrm.split(file.read_bytes()), "frames")


@test(needs=["fstrm_capture"])
def send_to_fstrm_capture_over_unix(t):
    into_fstrm_capture(t, ["-u", t.path("cap.sock")], f"unix:{t.path('cap.sock')}")


@test(needs=["fstrm_capture"])
def send_to_fstrm_capture_over_tcp(t):
    port = free_port()
    into_fstrm_capture(t, ["-a", "127.0.0.1", "-p", port], f"tcp:127.0.0.1:{port}", "--write-size", "8192")


def into_golang(t, where, dest):
    """Its quiet text has a line a message."""
    file = real_capture(t)
    tool = t.start(["dnstap", *where, "-q"])
    wait_for("dnstap listens", lambda: t.listeners(tool) > 0)
    t.run("send", file, dest)
    wanted = len(fstrm.split(file.read_bytes()))
    wait_for(f"dnstap prints {wanted} lines", lambda: tool.out.count(b"\n") >= wanted, 20)
    equal(tool.out.count(b"\n"), wanted, "lines of dnstap -q")


@test(needs=["dnstap"])
def send_to_golang_dnstap_over_unix(t):
    into_golang(t, ["-u", t.path("cap.sock")], f"unix:{t.path('cap.sock')}")


@test(needs=["dnstap"])
def send_to_golang_dnstap_over_tcp(t):
    port = free_port()
    into_golang(t, ["-l", f"127.0.0.1:{port}"], f"tcp:127.0.0.1:{port}")


def captured(t, source, *options):
    """`spile capture` of what `spile send` sends: the file, checked frame by frame."""
    file, out = real_capture(t), t.path("out.fstrm")
    out.unlink(missing_ok=True)
    spile = t.spile("capture", source, "-w", out, name="capture")
    t.wait_listening(spile)
    t.run("send", *options, file, source)
    frames = fstrm.split(file.read_bytes())
    # Without FINISH the sender ends before its last bytes have arrived.
    wait_for("all frames are written", lambda: len(fstrm.written(out)) >= len(frames))
    equal(spile.stop(signal.SIGINT), 0, "exit status of capture")
    stream = out.read_bytes()
    equal(fstrm.split(stream), frames, "frames")
    assert stream.startswith(fstrm.control(fstrm.START, fstrm.DNSTAP)), "the file begins with START"
    assert stream.endswith(fstrm.control(fstrm.STOP)), "the file ends with STOP"
    return out


@test(needs=["dnstap-read"])
def dnstap_read_reads_our_capture(t):
    out = captured(t, f"unix:{t.path('cap.sock')}")
    lines = t.tool(["dnstap-read", out]).stdout.count(b"\n")
    equal(lines, len(fstrm.split(out.read_bytes())), "lines of dnstap-read")


@test(needs=["dnstap-ldns"])
def dnstap_ldns_reads_our_capture(t):
    out = captured(t, f"tcp:127.0.0.1:{free_port()}", "--unidirectional")
    lines = t.tool(["dnstap-ldns", "-q", "-r", out]).stdout.count(b"\n")
    equal(lines, len(fstrm.split(out.read_bytes())), "lines of dnstap-ldns -q")


@test(needs=["dnstap-read", "fstrm_replay"])
def dnstap_read_reads_our_file_output(t):
    """A Frame Streams file among the outputs of `spile run`, beside text."""
    file = real_capture(t)
    spile = t.listen(UNIX_JSON + "  - file: {path: @DIR@/out.fstrm, format: fstrm}\n")
    t.tool(["fstrm_replay", "-t", TYPE, "-r", file, "-u", t.path("tap.sock")])
    wanted = len(fstrm.split(file.read_bytes()))
    expect_all(t, spile, wanted)
    equal(spile.ledger("file")["delivered"], wanted, "ledger of the file output")
    equal(t.tool(["dnstap-read", t.path("out.fstrm")]).stdout.count(b"\n"), wanted, "lines of dnstap-read")
