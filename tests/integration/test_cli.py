"""The command line's frame: help, usage errors, configurations, fields, completion, manuals."""
import fcntl
import os
import re
import socket
import struct
import subprocess
import termios
import time

from harness import ROOT, Bench, Skip, equal, free_port, limit, readable, test, unix_listener, wait_for


def text(done):
    return done.stdout.decode()


def listed(t):
    """The commands that help lists, in its order."""
    block = text(t.run("help")).split("Commands:\n")[1].split("\n\n")[0]
    return [re.match(r"  (\S+(?: \S+)?)  ", line)[1] for line in block.splitlines()]


@test()
def help_teaches(t):
    names = listed(t)
    for name in ("run", "read", "capture", "send", "gen", "config check", "config show", "config diff", "config example", "fields", "help"):
        assert name in names, f"{name} is not listed: {names}"
    equal(text(t.run("--help")), text(t.run("help")), "--help is help")
    pages = [text(t.run("help", "config", word)) for word in ("check", "show", "diff", "example")]
    equal(text(t.run("help", "config")), "\n\n".join(pages), "help of half a command's name")
    for name in names:
        page = text(t.run("help", *name.split()))
        equal(text(t.run(*name.split(), "--help")), page, f"{name} --help")
        assert page.startswith(f"spile {name}: ") and "\nExamples:\n" in page, page
        for line in page.splitlines():
            assert len(line) <= 100, f"{name}: a long line: {line}"
    assert re.fullmatch(r"spile \d+\.\d+\.\d+\n", text(t.run("--version")))


@test()
def examples_need_no_folder_made(t):
    """A socket in an example of help, or of README's, is where a machine without the service has a folder, too.
    Those that listen do."""
    told = "".join(text(t.run("help", *name.split())) for name in listed(t)) + (ROOT / "README.md").read_text()
    typed = re.findall(r"^(?:    |  )(spile [^#\n]*?/\S+\.sock\b.*?)(?:  |$)", told, re.MULTILINE)
    assert {"run", "capture", "send", "top"} <= {line.split()[1] for line in typed}, typed
    for line in typed:
        for socket_path in re.findall(r"/\S+\.sock", line):
            equal(os.path.dirname(socket_path), "/tmp", f"where the socket is to be: {line}")
    for number, line in enumerate(typed):
        words = line.replace("/tmp/", f"{t.path('.').resolve()}/").split()[1:]
        if words[0] in ("run", "capture"):
            t.path("dns.fstrm").unlink(missing_ok=True)  # of the example before
            process = t.spile(*words, name=f"spile{number}")
            t.wait_listening(process)
            equal(process.stop(), 0, line)


@test()
def limits_are_as_security_says(t):
    """SECURITY.md's limits are options, with these defaults."""
    limits = re.findall(r"^\| `([a-z-]+: \w+)` \|", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    assert len(limits) >= 15, limits
    options = re.findall(r"^#? *#? *([a-z-]+: \w+)$", text(t.run("config", "example")), re.MULTILINE)
    equal([limit for limit in limits if limit not in options], [], "limits that are no options, or have another default")


# Words, and what the one line on standard error says.
USAGE = [
    ([], "a command is missing"),
    (["raed"], "unknown command 'raed'; did you mean 'read'?"),
    (["config", "chekc"], "did you mean 'config check'?"),
    (["--prot"], "unknown option --prot"),
    (["read"], "read: FILE|-... is missing"),
    (["read", "--filds", "x"], "unknown option --filds; did you mean --fields?"),
    (["read", "-n"], "-n needs a value: TOTAL"),
    (["read", "-n", "x", "-"], "-n: 'x' is not a number"),
    (["read", "--follow=yes", "-"], "--follow takes no value"),
    (["fields", "more"], "unexpected argument 'more'"),
    (["help", "raed"], "did you mean 'read'?"),
    (["run", "--mode", "0666"], "--mode and --group are for the socket of --unix"),
    (["run", "-l", "127.0.0.1:0", "-p", "1"], "--listen has a port already"),
    (["run", "-u", "x.sock", "--mode", "9"], "not an octal mode"),
    (["capture", "tcp:127.0.0.1:1", "--group", "x", "-w", "x"], "--mode and --group are for unix:PATH"),
    (["help", "nonsense"], "error: unknown command 'nonsense' (see: spile help)\n"),
    (["--version", "more"], "unexpected argument 'more' behind --version"),
    (["read", "-", "-"], "standard input (-) can be read only once"),
    (["read", ""], "an argument is empty"),
    (["top", "--mode", "0666"], "--mode and --group are for unix:PATH"),
    (["completion", "ksh"], "unknown shell 'ksh'"),
    (["read", "a\x1b[2J\nb", "--\x1b"], "unknown option --?"),
]


@test()
def usage_errors_are_one_line(t):
    for words, told in USAGE:
        done = t.run(*words, status=2)
        err = done.stderr.decode()
        equal(done.stdout, b"", f"standard output of {words}")
        equal(err.count("\n"), 1, f"lines for {words}: {err}")
        assert err.count("see:") <= 1, f"{words}: {err}"
        assert told in err and "\x1b" not in err, f"{words}: {err}"


@test()
def output_that_cannot_be_written(t):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([Bench.spile_path, "fields"], stdout=full, stderr=subprocess.PIPE, check=False)
    equal(done.returncode, 1, "a full disk")
    assert b"No space left" in done.stderr, done.stderr
    end, ours = os.pipe()
    os.close(end)
    done = subprocess.run([Bench.spile_path, "fields"], stdout=ours, stderr=subprocess.PIPE, check=False)
    os.close(ours)
    equal((done.returncode, done.stderr), (0, b""), "a reader that went away")
    done = subprocess.run(f"exec {Bench.spile_path} fields >&-", shell=True, stderr=subprocess.PIPE, check=False)
    equal(done.returncode, 1, "a closed standard output")


def on_this_machine(config):
    """An example without what is looked for: users, and files that must be there."""
    config = re.sub(r"(?m)^( +)(owner|group): .*", r"\1\2: root", config)
    return re.sub(r"(?m)^ +(tls-cert|tls-key|api-key-file): .*\n", "", config)


@test()
def example_is_a_configuration(t):
    example = t.run("config", "example").stdout
    path = t.path("example.yaml")
    t.run("config", "example", path)
    equal(path.read_bytes(), example, "example into a file")
    t.run("config", "example", path, status=1)  # is never overwritten
    assert text(t.run("config", "check", path)).startswith(f"{path}: ok, 1 input")
    whole = t.path("whole.yaml")
    whole.write_text(on_this_machine(re.sub(r"(?m)^#(?! \S|$)", "", example.decode())))
    equal(t.run("config", "check", path, whole).stdout.count(b": ok"), 2, "both are right")
    assert len(whole.read_text()) < len(example) - 20


WHOLE = """include: conf.d/*.yaml
threads: ${SPILE_TEST_THREADS:-3}
outputs:
  - file: {name: archive, path: '${SPILE_TEST_FOLDER}/dns.json', format: json}
web: {listen: "127.0.0.1:0", api-key: {env: SPILE_TEST_KEY}}
"""


def with_parts(t):
    """A configuration of files, variables and a secret; and the environment for it."""
    t.path("conf.d").mkdir()
    t.path("conf.d/tap.yaml").write_text("inputs:\n  - unix: {path: tap.sock, name: resolvers}\n")
    t.path("f.yaml").write_text(WHOLE)
    return {**os.environ, "SPILE_TEST_FOLDER": "/tmp", "SPILE_TEST_KEY": "a secret"}


@test()
def what_is_in_force_is_shown(t):
    env = with_parts(t)
    shown = t.run("config", "show", "f.yaml", env=env).stdout
    for line in ("threads: 3", "  - unix:", "      name: resolvers", "      path: /tmp/dns.json", "      queue-size: 4M",
                 "  api-key: '***'"):
        assert line in shown.decode().splitlines(), (line, shown)
    assert b"a secret" not in shown
    t.path("shown.yaml").write_bytes(shown)
    said = t.run("config", "check", "shown.yaml", status=1).stderr
    assert re.match(rb"spile: error: shown.yaml:\d+:12: api-key: '\*\*\*' is what is shown in the place of a secret", said), said
    t.path("shown.yaml").write_bytes(shown.replace(b"'***'", b"{env: SPILE_TEST_KEY}"))
    equal(t.run("config", "show", "shown.yaml", env=env).stdout, shown, "what is shown, shown")
    t.run("config", "check", "shown.yaml", env=env)
    equal(t.run("config", "show", "-", env=env, stdin=open(t.path("shown.yaml"))).stdout, shown, "standard input")
    said = t.run("config", "show", "f.yaml", status=1).stderr.decode()
    assert said.startswith("spile: error: f.yaml:4:33: the variable SPILE_TEST_FOLDER is not set"), said
    t.path("conf.d/x.yaml").write_text("threads: 1\n")
    said = t.run("config", "check", "f.yaml", env=env, status=1).stderr.decode()
    assert said.startswith("spile: error: f.yaml:2:1: 'threads' is given twice, first in line 1 of conf.d/x.yaml"), said
    t.path("conf.d/x.yaml").write_text("outputs:\n  - stdout: {format: txt}\n")
    said = t.run("run", "-c", "f.yaml", env=env, status=1).stderr.decode()
    assert said.startswith("spile: error: conf.d/x.yaml:2:22: unknown format 'txt'"), said


@test()
def differences_are_told(t):
    env = with_parts(t)
    equal(t.run("config", "diff", "f.yaml", "f.yaml", env=env).stdout, b"", "nothing differs")
    t.path("g.yaml").write_text(WHOLE.replace("/dns.json", "/other.json").replace("conf.d/*.yaml", "[]"))
    done = t.run("config", "diff", "f.yaml", "g.yaml", env=env, status=1)
    equal(done.stdout.decode().splitlines(), ["- input resolvers (unix)", "+ input tcp",
          "~ output archive (file): path: /tmp/dns.json -> /tmp/other.json"], "what differs")
    t.path("h.yaml").write_text("web: {elephant: 1}\n")
    done = t.run("config", "diff", "f.yaml", "h.yaml", env=env, status=2)
    assert b"h.yaml:1:7: web has no option 'elephant'" in done.stderr and not done.stdout, done
    t.run("config", "diff", "f.yaml", status=2)


# A configuration that `run` does not start with, and what both say of it, with the place.
REFUSED = [
    ("outputs:\n  - file: {path: x, rotate-every: 1ms}", "2:35: rotate-every: '1ms' is out of range"),
    ("web: {listen: '0.0.0.0:8080'}", "1:15: web: listening on 0.0.0.0 lets others in"),
    ("inputs: []", "1:9: 'inputs' is empty"),
    ("inputs: [tcp: {allow: [10.0.0.0/8, 300.0.0.1/8]}]", "1:36: allow: '300.0.0.1/8' is not"),
    ("inputs:\n- unix: {path: a}\n- unix: {path: a}", "3:16: unix: path: the unix in line 2"),
    ("compat: dnstap-receiver\nthreads: 3", "2:10: threads:"),
    ("inputs:\n- file: {path: '-'}\n- file: {path: [f.yaml, '-']}",
     "3:16: file: path: the file in line 2 reads standard input already; it can be read only once"),
    ("inputs: [file: {path: ['-', '-']}]", "1:23: file: path: the file in line 1 reads standard input already"),
    ("inputs: [file: {path: [x, f.yaml]}]\noutputs: [file: {path: ./f.yaml}]",
     "2:24: file: path: the file in line 1 reads this very file; it cannot be read and written at once"),
    ("inputs: [file: {path: not-there-yet}]\noutputs: [metrics: {file: ./not-there-yet}]",
     "2:27: metrics: file: the file in line 1 reads this very file"),
    ("outputs: [stdout: {format: fstrm, fields: qname}]", "1:43: frames are kept whole"),
    ("outputs: [stdout: {fields: nonsense}]", "1:28: unknown field"),
]

# The same of what only the system knows: `check` names the option's place, `run` the item's.
MISSING = [
    ("inputs: [unix: {path: a, group: no-such}]", "1:33: unix: no group is called no-such", "1:10: no group"),
    *((f"inputs: [unix: {{path: a, owner: '{number}'}}]", f"1:33: unix: no user is called {number} (owner)",
       f"1:10: no user is called {number}") for number in (1 << 32, (1 << 32) - 1, -1)),
    ("outputs:\n- file: {path: /dev}", "2:16: file: /dev: Is a directory", "2:3: cannot open /dev"),
    ("web: {tls-cert: /no, tls-key: /no}", "1:17: web: tls-cert: /no: No such", "1:1: web: tls-cert: /no: No such"),
]


@test()
def what_run_refuses_check_refuses(t):
    for config, checked, run in [(c, told, told) for c, told in REFUSED] + MISSING:
        if "inputs" not in config:
            config += "\ninputs: [unix: {path: tap.sock}]"
        t.path("f.yaml").write_text(config)
        for words, told in ((("config", "check"), checked), (("run", "-c"), run)):
            line = t.run(*words, "f.yaml", status=1).stderr.decode().splitlines()[-1]
            assert line.startswith(f"spile: error: f.yaml:{told}"), (words, config, line)


@test()
def a_fifo_needs_a_reader(t):
    """`run` does not start without one. `check` cannot be sure, for one that waits in open(2) is not seen."""
    os.mkfifo(t.path("fifo"))
    t.path("f.yaml").write_text("inputs: [unix: {path: tap.sock}]\noutputs: [file: {path: fifo}]\n")
    why = b"cannot open fifo: it is a FIFO that no process reads"
    assert b"f.yaml:2:11: " + why in t.run("run", "-c", "f.yaml", status=1).stderr
    t.path("m.yaml").write_text("inputs: [unix: {path: tap.sock}]\noutputs: [metrics: {file: fifo}]\n")
    assert b"m.yaml:2:11: " + why in t.run("run", "-c", "m.yaml", status=1).stderr
    told = b"spile: warning: f.yaml:2:24: file: fifo: no process is seen to read from this FIFO"
    assert told in t.run("config", "check", "f.yaml").stderr
    writer = os.open(t.path("fifo"), os.O_RDWR | os.O_NONBLOCK)
    reader = os.open(t.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
    os.close(writer)
    equal(t.run("config", "check", "f.yaml").stderr, b"", "with a reader")
    spile = t.spile("run", "-c", "f.yaml")
    t.wait_listening(spile)
    equal(spile.stop(), 0, "exit status with a reader")
    os.close(reader)


@test()
def listen_takes_a_port_too(t):
    port = free_port()
    for name, words, place in (("v4", ["127.0.0.1:0"], "127.0.0.1:0"), ("v6", ["[::1]:0"], "[::1]:0"),
                               ("apart", ["127.0.0.1", "-p", port], f"127.0.0.1:{port}"),
                               ("bare", ["::1", "-p", port], f"[::1]:{port}"),
                               ("brackets", ["[::1]", "-p", port], f"[::1]:{port}")):
        spile = t.spile("run", "-l", *words, name=name)
        t.wait_listening(spile)
        wait_for("it says where", lambda spile=spile, place=place: f"listening on tcp {place}" in spile.err)
        equal(spile.stop(), 0, f"exit status with -l {words}")
    assert b"'a b:6' is not an address and port" in t.run("run", "-l", "a b:6", "-p", "1", status=2).stderr


@test()
def who_is_to_blame(t):
    """A flag: 2, and no place. The configuration: 1, and its place."""
    t.path("f.yaml").write_text("inputs: [unix: {path: tap.sock}]\noutputs: [stdout]\nweb:\n  listen: 127.0.0.1:0\n")
    for words in (["-o", "nonsense"], ["--fields", "nonsense"], ["--web", "0.0.0.0:0"]):
        err = t.run("run", "-c", "f.yaml", *words, status=2).stderr.decode()
        assert "f.yaml" not in err, err
    t.path("f.yaml").write_text("inputs: [unix: {path: tap.sock}]\nweb:\n  listen: 0.0.0.0:0\n")
    assert b"f.yaml:3:11: web: listening" in t.run("run", "-c", "f.yaml", status=1).stderr
    t.spile("run", "-c", "f.yaml", "--api-key", "key")  # what the flags add is seen before it is judged
    t.wait_listening(t.processes[-1])


@test()
def lists_left_out_and_lists_left_empty(t):
    """Left out there is a default; empty is empty: `check` counts what `run` does."""
    path, sock = t.path("f.yaml"), t.path("tap.sock")
    path.write_text("threads: 1\n")
    assert "1 input (tcp, by default), 1 output (stdout, by default)" in text(t.run("config", "check", path))
    path.write_text(f"inputs: [unix: {{path: {sock}}}]\noutputs: []\n")
    assert "1 input (unix), 0 outputs (no event is written anywhere)" in text(t.run("config", "check", path))
    run = t.spile("run", "-c", path)
    t.wait_listening(run)
    t.path("named.yaml").write_text(f"inputs: [unix: {{path: {sock}, name: {'n' * 63}}}, tcp]\noutputs: [stdout, stdout: {{name: archive}}, stdout]\n")
    shown = text(t.run("config", "check", "named.yaml"))
    assert f"ok, 2 inputs ({'n' * 63}, tcp), 3 outputs (stdout, archive, stdout#2)" in shown, shown
    t.run("gen", "--count", "100", f"unix:{sock}")
    equal(run.stop(), 0, "status")
    equal(run.out, b"", "standard output")


@test()
def check_warns_of_what_may_change(t):
    path = t.path("f.yaml")
    path.write_text("inputs: [unix: {path: /no/such/folder/tap.sock}]\n")
    done = t.run("config", "check", path)
    assert f"warning: {path}:1:23: unix: /no/such/folder/: No such file" in done.stderr.decode(), done.stderr
    with unix_listener(t.path("taken.sock")):
        path.write_text(f"inputs: [unix: {{path: {t.path('taken.sock')}}}]\n")
        said = t.run("config", "check", path).stderr.decode()
        assert re.search(rf"warning: .*taken.sock: in use by python\S* \(process {os.getpid()}\)\n", said), said
    equal(t.run("config", "check", path).stderr, b"", "when nobody listens any more")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path.write_text(f"inputs: [tcp: {{listen: '127.0.0.1:{taken.getsockname()[1]}'}}]\n")
        done = t.run("config", "check", path)
        assert f"warning: {path}:1:24: tcp: 127.0.0.1 port" in done.stderr.decode(), done.stderr
        assert f"(process {os.getpid()})\n" in done.stderr.decode(), done.stderr


@test()
def no_name_forges_a_listener(t):
    """Names of unix sockets may hold newlines: in the kernel's list that is a line about another path."""
    taken = t.path("taken.sock")
    path = t.path("f.yaml")
    path.write_text(f"inputs: [unix: {{path: {taken}}}]\n")
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(taken))
    with socket.socket(socket.AF_UNIX) as liar:
        name = f"{t.folder}/x\n0: 2 0 10000 1 1 9 {taken}"
        os.makedirs(os.path.dirname(name))
        liar.bind(name)
        liar.listen()
        equal(t.run("config", "check", path).stderr, b"", "what is said of a socket that nobody serves")


@test()
def check_says_calmly_that_spile_is_running(t):
    """One line for all the places that it has; another's place is told apart."""
    text = ("inputs:\n  - unix: {path: %s}\n  - tcp: {listen: '127.0.0.1:%d'}\nweb: {listen: '127.0.0.1:%d'}\n")
    ports = [free_port(), free_port()]
    path = t.path("spile.yaml")
    t.listen(text % ("@DIR@/t.sock", *ports), count=3)
    done = t.run("config", "check", path)
    pid = t.processes[0].child.pid
    places = f"unix: {t.path('t.sock')}, tcp: 127.0.0.1 port {ports[0]}, web: 127.0.0.1 port {ports[1]}"
    lines = done.stderr.decode().splitlines()
    assert re.fullmatch(rf"spile: \S+:\d+:\d+: {re.escape(places)}: Spile is running already, as process {pid}, and listens there",
                        lines[0]), lines
    equal(len(lines), 1, "lines")
    with socket.create_server(("127.0.0.1", 0)) as other:
        path.write_text(text.replace("%s", str(t.path("t.sock"))) % (ports[0], other.getsockname()[1]))
        lines = t.run("config", "check", path).stderr.decode().splitlines()
        assert len(lines) == 2 and "Spile is running already" in lines[0], lines
        assert lines[1].endswith(f"(process {os.getpid()})"), lines


@test()
def the_environment_has_the_key_for_both(t):
    path = t.path("f.yaml")
    path.write_text(f"inputs: [unix: {{path: {t.path('a')}}}]\nweb: {{listen: '0.0.0.0:0'}}\n")
    t.run("config", "check", path, status=1)
    t.run("config", "check", path, env={**os.environ, "SPILE_API_KEY": "key"})


@test()
def mistakes_have_their_place(t):
    path = t.path("bad.yaml")
    path.write_text("threads: 2\ninputs:\n  - tcp: {lisen: 127.0.0.1:6000}\n")
    done = t.run("config", "check", path, status=1)
    assert f"{path}:3:11: tcp has no option 'lisen'; did you mean 'listen'?" in done.stderr.decode()
    equal(done.stdout, b"", "standard output")
    done = t.run("run", "-c", path, status=None)
    assert done.returncode != 0 and f"{path}:3:11:" in done.stderr.decode(), done.stderr


@test()
def fields_are_listed(t):
    lines = text(t.run("fields")).splitlines()
    assert lines[0].split()[:3] == ["NAME", "KEY", "KIND"], lines[0]
    names = [line.split()[0] for line in lines[1:]]
    for name in ("dns.qname", "dnstap.identity", "dns.flags.aa"):
        assert name in names, name


# What is typed before the Tab key, and what must come of it: the line as it is completed.
TYPED = [
    ("spile rea", "spile read "),
    ("spile config che", "spile config check "),
    ("spile help ru", "spile help run "),
    ("spile help config ex", "spile help config example "),
    ("spile read --fol", "spile read --follow "),
    ("spile read -o js", "spile read -o json "),
    ("spile run --compat dn", "spile run --compat dnstap-receiver "),
    ("spile read fil", "spile read film.fstrm "),
    ("spile read --ledger fil", "spile read --ledger film.fstrm "),
    ("spile run -c fil", "spile run -c film.fstrm "),
    ("spile run --config=fil", "spile run --config=film.fstrm "),
    ("spile config check fil", "spile config check film.fstrm "),
    ("spile top fil", "spile top film.fstrm "),
    ("spile send film.fstrm uni", "spile send film.fstrm unix:"),
    ("spile send film.fstrm unix:fil", "spile send film.fstrm unix:film.fstrm "),
    ("spile capture unix:fil", "spile capture unix:film.fstrm "),
    # Where no file goes none is offered.
    ("spile fil", "spile fil"),
    ("spile run -p fil", "spile run -p fil"),
    ("spile read -o fil", "spile read -o fil"),
    ("spile fields fil", "spile fields fil"),
    ("spile capture fil", "spile capture fil"),
    ("spile help fil", "spile help fil"),
]


class Shell:
    """A shell at a terminal, in a folder with one file. Each line is completed by the Tab key; then it
    is cut off and shown with a mark before and behind it, so that nothing has to be waited for."""

    def __init__(self, t, words, setup, show):
        folder = t.path("typing")
        folder.mkdir(exist_ok=True)
        (folder / "film.fstrm").touch()
        self.master, slave = os.openpty()
        # Wide, so that no line is folded.
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 400, 0, 0))
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        self.child = subprocess.Popen(["setsid", "-c", *words], cwd=folder, env=env, stdin=slave, stdout=slave,
                                      stderr=slave)
        os.close(slave)
        self.show, self.seen = show, b""
        self.tell(setup + "\n" + "echo rea''dy\n")
        self.until(b"ready")

    def tell(self, text):
        os.write(self.master, text.encode())

    def until(self, end):
        deadline = time.monotonic() + limit(20)
        while end not in self.seen:
            assert readable([self.master], max(0, deadline - time.monotonic())), self.seen[-3000:]
            self.seen += os.read(self.master, 65536)
        before, self.seen = self.seen.split(end, 1)
        return before

    def complete(self, typed):
        self.tell(typed + "\t" + self.show)
        self.until(b"<<")
        return self.until(b">>").decode()

    def close(self):
        os.close(self.master)
        self.child.kill()
        self.child.wait()


# How each is started without anybody's settings, and the keys (Ctrl-X s) that show the line.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             "PS1='$ '; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; "
             "show() { printf '<%s%s>>' '<' \"$READLINE_LINE\"; READLINE_LINE=; READLINE_POINT=0; }; "
             "bind -x '\"\\C-xs\": show'; source SCRIPT"),
    "zsh": (["zsh", "-f", "-i"],
            "PS1='$ '; unsetopt beep; autoload -U compinit; compinit -u -D; "
            "show() { print -n \"<\"\"<$BUFFER>>\"; BUFFER=; CURSOR=0; }; zle -N show; bindkey '^Xs' show; "
            "source SCRIPT"),
}


def complete_at_a_terminal(t, shell):
    script = t.path(f"spile.{shell}")
    script.write_bytes(t.run("completion", shell).stdout)
    words, setup = SHELLS[shell]
    typist = Shell(t, words, setup.replace("SCRIPT", str(script)), "\x18s")
    try:
        for typed, wanted in TYPED:
            equal(typist.complete(typed).rstrip(" "), wanted.rstrip(" "), f"{shell}: {typed}<Tab>")
    finally:
        typist.close()


@test(needs=("bash", "setsid"))
def bash_completes(t):
    complete_at_a_terminal(t, "bash")


@test(needs=("zsh", "setsid"))
def zsh_completes(t):
    complete_at_a_terminal(t, "zsh")


@test(needs=("fish",))
def fish_completes(t):
    """fish tells what it would offer: one thing, or nothing of the kind."""
    script = t.path("spile.fish")
    script.write_bytes(t.run("completion", "fish").stdout)
    t.path("film.fstrm").touch()
    for typed, wanted in TYPED:
        last = typed.split(" ")[-1]
        done = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{typed}'"], cwd=t.folder,
                              capture_output=True, check=True, env={**os.environ, "HOME": str(t.folder)})
        offered = [line.split("\t")[0] for line in done.stdout.decode().splitlines()]
        offered = [word for word in offered if word.startswith(last)]
        equal(offered, [] if wanted == typed else [wanted.split(" ")[-1] or wanted.split(" ")[-2]], f"fish: {typed}")


@test()
def manuals_have_every_option(t):
    for page, names in (("spile.1", listed(t)), ("spile.yaml.5", ["queue-size", "threads", "listen"]),
                        ("spile-api.7", ["GET /metrics", "It needs no credentials.", "Statistics"])):
        manual = text(t.run("manual", ROOT / "man" / f"{page}.in"))
        assert not re.search(r"(?m)^@", manual), "a mark was left"
        for name in names:
            assert name in manual, f"{page} lacks {name}"
    t.run("manual", t.path("absent"), status=1)
