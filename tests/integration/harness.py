"""What integration tests are written with: processes, waiting, the program under test.

A test is a function of one argument, the bench `t` (class Bench), with @test above it. It passes when
it returns, fails when it raises, and is skipped by `raise Skip(reason)`. Everything started through
`t` is ended with the test.

Time: a test waits for events (wait_for, wait, stop, closed_by_peer), never for time to pass. What it
waits for comes or the test fails, so limits are generous and cost nothing. Where the program itself
has a window to act in (a handshake's time, a second signal's echo), the test configures it with
t.window(ms), which is longer where the machine is slow. What must happen soon is bounded by t.soon.
"""
import contextlib
import json
import lzma
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT / "tests/support"))
import patience  # noqa: E402  (found through sys.path)

CAPTURES = ROOT / "tests/data/captures"
TESTS = []


class Skip(Exception):
    """Why a test cannot run here."""


def test(needs=(), net=False, alone=False, plain=False):
    """Registers a test. needs: programs in PATH. net: wants the lab's addresses, so a network
    namespace of our own. alone: measures time, so nothing runs beside it. plain: not for a sanitized program."""
    def register(function):
        TESTS.append({"run": function, "needs": needs, "net": net, "alone": alone, "plain": plain,
                      "name": f"{function.__module__.removeprefix('test_')}/{function.__name__}"})
        return function
    return register


LENIENCE = 3  # a wait ends with what it waits for: only a failure takes the whole of its limit


def crowd():
    """How many want each core at present, by the load of the last minute: 1 where none has to wait."""
    return max(1.0, os.getloadavg()[0] / patience.cores())


def limit(seconds):
    """What `seconds` on two quiet cores may take here and now."""
    return seconds * LENIENCE * max(Bench.patience, crowd())


def wait_for(what, condition, seconds=10.0, every=0.1):
    """Waits until condition() is true and returns its value; fails with `what` after limit(seconds). Looks often at
    first and then, since to look costs time that others want, after an eighth of what it has waited, or `every` seconds."""
    begin = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - begin
        if waited > seconds and waited > limit(seconds):
            raise AssertionError(f"waited {waited:.0f} s in vain: {what}")
        time.sleep(min(max(waited / 8, 0.02), every))


UNIX_JSON = """
inputs:
  - unix: {path: @DIR@/tap.sock, mode: 0666}
outputs:
  - stdout: {format: json}
"""


def readable(things, seconds):
    """Those of some sockets or descriptors that can be read from, once there are any or the seconds are
    over. Whatever their numbers are: select() takes none above 1023."""
    with selectors.DefaultSelector() as selector:
        for thing in things:
            selector.register(thing, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(seconds)]


def holds(check, seconds=10.0, every=0.1):
    """Has an assertion hold within the time, though what it looks at is still on its way; returns what it gives."""
    end = time.monotonic() + limit(seconds)
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise
        time.sleep(every)


def equal(got, wanted, what):
    assert got == wanted, f"{what}: got {got!r}, wanted {wanted!r}"


class Process:
    """A child with its output in files; ended with its whole process group."""

    def __init__(self, args, folder, name, stdout=None, stdin=subprocess.DEVNULL, **options):
        self.out_path, self.err_path = folder / f"{name}.out", folder / f"{name}.err"
        self.args = [str(a) for a in args]
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self.child = subprocess.Popen(self.args, stdin=stdin, stdout=out if stdout is None else stdout,
                                          stderr=err, cwd=folder, start_new_session=True, **options)

    @property
    def out(self):
        return self.out_path.read_bytes()

    @property
    def err(self):
        return self.err_path.read_text(errors="replace")

    def threads(self):
        """What its threads are called."""
        names = []
        for path in pathlib.Path(f"/proc/{self.child.pid}/task").glob("*/comm"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                names.append(path.read_text().strip())
        return names

    def send(self, number):
        if Bench.sanitized:
            self._wait_until_asleep()
        self.child.send_signal(number)

    def _wait_until_asleep(self):
        """ThreadSanitizer makes room for a thread's signals in its first blocking call, and loses one that comes just
        then. So the main thread sleeps, or is stopped, when a signal is sent to it, unless it is one that seldom does."""
        for _ in range(1000):
            state = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(") ")[2][0]
            if state != "R":
                return
            time.sleep(0.001)

    def kill(self):
        """No chance to say goodbye, for the whole group."""
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()
        # The rest of the group goes on its own time (NSD's children hold its port). Where the runner
        # is the namespace's first process they are now its children, and it has to bury them.
        end = time.monotonic() + limit(5)
        while time.monotonic() < end:
            try:
                os.killpg(self.child.pid, 0)
                os.waitpid(-self.child.pid, os.WNOHANG)
            except ProcessLookupError:
                return
            except ChildProcessError:
                pass
            time.sleep(0.01)

    def wait(self, seconds=10.0):
        """The exit status, or a failure when there is none in time."""
        try:
            return self.child.wait(limit(seconds))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.args[0]} {self.args[1:3]} did not end in {limit(seconds):.0f} s") from None

    def stop(self, number=signal.SIGTERM, seconds=10.0):
        """Asks it to end and returns the exit status."""
        if self.child.poll() is None:
            self.send(number)
        try:
            return self.wait(seconds)
        finally:
            self.kill()

    def running(self):
        return self.child.poll() is None

    def catches(self, number):
        """It has a handler for that signal, which would have ended it before."""
        for line in pathlib.Path(f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> number - 1 & 1)
        return False

    def insist(self, number=signal.SIGINT):
        """Signals until it is heard, since one right behind another counts as an echo, and a third ends all before
        the threads can say what they have written; the exit status. The ledger that SIGUSR1 brings says what has been
        heard."""
        def heard():
            return not self.running() or "stopped at once" in self.err

        while not heard():
            before = self.err.count("ledger:")
            self.send(number)
            self.send(signal.SIGUSR1)
            wait_for("it has heard both", lambda before=before: heard() or self.err.count("ledger:") > before)
        return self.wait()


class Spile(Process):
    """`spile run` with JSON on standard output, unless told otherwise."""

    _read = 0

    def events(self):
        """All events printed so far, as dictionaries, grown incrementally."""
        if not self._read:
            self._events = []
        with open(self.out_path, "rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self._events.append(json.loads(line))
        return self._events

    def count(self, tag, *messages):
        """How many events of these types are about names that carry the tag."""
        return sum(1 for e in self.events()
                   if tag in (e["qname"] or "").lower() and (not messages or e["message"] in messages))

    def web(self):
        """Where its web server is, by what it says: HOST:PORT."""
        return wait_for("the web server's address", lambda: re.search(r"web: https?://([^/ ]+)/", self.err))[1]

    def web_port(self):
        """The port of that."""
        return int(self.web().rpartition(":")[2])

    def hints(self):
        """What /api/v1/status has to say, by input."""
        with urllib.request.urlopen(f"http://{self.web()}/api/v1/status", timeout=limit(10)) as reply:
            status = json.load(reply)
        equal(status["status"], "ready", "status")
        return {each["input"]: each["hint"] for each in status["hints"]}

    def asked(self, output="stdout"):
        """The ledger that SIGUSR1 brings: all signals sent before have been heard by then."""
        def counted():
            return self.err.count("ledger: " + output)
        wait_for("it takes signals", lambda: self.catches(signal.SIGUSR1))
        before = counted()
        self.send(signal.SIGUSR1)
        wait_for("a ledger", lambda: counted() > before)
        return self.ledger(output)

    def ledger(self, output="stdout"):
        """The last ledger line of that output, as a dictionary."""
        lines = [line for line in self.err.splitlines() if line.startswith("ledger: " + output)]
        assert lines, f"no ledger line of {output} in: {self.err[-2000:]}"
        words = lines[-1].replace("(", "").replace(")", "").split()
        return {k: int(v) for k, v in (w.split("=") for w in words if "=" in w)}


def targets(process):
    """What its descriptors are of, as /proc has it."""
    for fd in pathlib.Path(f"/proc/{process.child.pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            yield os.readlink(fd)


class Bench:
    """A test's scratch folder and the processes in it."""

    spile_path = str(ROOT / "build/spile")
    patience = 1.0  # how much slower than usual machine and program are (run.py measures it)
    sanitized = False

    def __init__(self, name):
        # Short, since a unix socket's path has room for 107 bytes.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="spile-"))
        self.folder.chmod(0o755)
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="spile-"))
        self.runtime.chmod(0o755)
        self.name = name
        self.processes = []

    def path(self, name):
        return self.folder / name

    def window(self, ms):
        """A time for the program's configuration, in which test and program must be able to act."""
        return f"{int(ms * min(max(self.patience, crowd()), 12))}ms"

    def soon(self, begin, seconds, what):
        """`what` has happened now, within so long of `begin` (time.monotonic())."""
        took = time.monotonic() - begin
        assert took < limit(seconds), f"{what}: after {took:.1f} s"

    def start(self, args, name=None, kind=Process, **options):
        name = name or pathlib.Path(str(args[0])).name
        process = kind(args, self.folder, name, **options)
        self.processes.append(process)
        return process

    def environment(self, name, given):
        """That given, or else ours, with a folder for the control socket of a program of that name."""
        runtime = self.runtime / name
        runtime.mkdir(exist_ok=True)
        return {**(given or os.environ), "RUNTIME_DIRECTORY": given.get("RUNTIME_DIRECTORY", str(runtime))}

    def spile(self, *args, name="spile", kind=Spile, **options):
        """Any command of the program under test. Its control socket is in a folder of its own."""
        options["env"] = self.environment(name, options.get("env", {}))
        return self.start([self.spile_path, *args], name=name, kind=kind, **options)

    def run(self, *args, status=0, seconds=30, **options):
        """A command of the program, to its end; returns it as subprocess.CompletedProcess."""
        options["env"] = self.environment("once", options.get("env", {}))
        return self.tool([self.spile_path, *args], status, seconds, **options)

    def tool(self, args, status=0, seconds=30, **options):
        options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
        if options["stdin"] is None:
            del options["stdin"]
        options.setdefault("cwd", self.folder)
        done = subprocess.run([str(a) for a in args], capture_output=True, check=False, timeout=limit(seconds),
                              **options)
        if status is not None and done.returncode != status:
            raise AssertionError(f"{' '.join(map(str, args))}: status {done.returncode}, wanted {status}: "
                                 f"{done.stderr.decode(errors='replace')[-1500:]}")
        return done

    def listen(self, config, name="spile", count=1):
        """`spile run` with a configuration given as text; waits until its listeners are there."""
        path = self.path(name + ".yaml")
        threads = os.environ.get("SPILE_TEST_THREADS")
        if threads and "threads:" not in config and "compat:" not in config:  # which knows one worker alone
            config = f"threads: {threads}\n{config}"
        path.write_text(config.replace("@DIR@", str(self.folder)))
        process = self.spile("run", "-c", path, name=name)
        process._read = process.out_path.stat().st_size
        process._events = []
        self.wait_listening(process, count)
        return process

    def wait_listening(self, process, count=1):
        def ready():
            assert process.running(), f"spile ended at once: {process.err[-2000:]}"
            return self.listeners(process) >= count
        wait_for("spile listens", ready)

    @staticmethod
    def listeners(process):
        """How many listening sockets a process holds: /proc knows, whatever it prints."""
        inodes = {target[8:-1] for target in targets(process) if target.startswith("socket:[")}
        def rows(table):
            return [line.split() for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        # Sets, for a table that changes while it is read may have a row twice. Those of TCP take the kernel long.
        unix = {row[6]: row[3] == "00010000" for row in rows("unix") if row[6] in inodes}
        others = rows("tcp") + rows("tcp6") if inodes - set(unix) else []
        listening = {row[9] for row in others if row[3] == "0A" and row[9] in inodes}
        # A socket of ours listens in a folder that is held open, before it is put in its place. Looked for last: with
        # none held open now, what was listening is in its place.
        placing = any(re.search(r"/\.spile\.[0-9a-f]{16}$", target) for target in targets(process))
        return 0 if placing else sum(unix.values()) + len(listening)

    def close(self):
        for process in self.processes:
            process.kill()
        for folder in (self.folder, self.runtime):
            shutil.rmtree(folder, ignore_errors=True)

    def report(self):
        """The end of every log, for a test that failed."""
        for path in sorted(self.folder.glob("*.err")) + sorted(self.folder.glob("*.out")):
            text = path.read_text(errors="replace")
            if text.strip():
                yield f"--- {path.name}\n{text[-1200:]}"


def real_capture(t):
    """The bundled capture of real traffic, unpacked into the test's folder: its path."""
    packed = CAPTURES / "unbound.fstrm.xz"
    if not packed.exists():
        raise Skip(f"no such capture: {packed.relative_to(ROOT)}")
    path = t.path("real.fstrm")
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    return path


def samples(page):
    """{name and labels: value} of a page for Prometheus; each must be there once."""
    found = {}
    for line in page.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name not in found, f"{name} comes twice"
            found[name] = float(value)
    return found


_held = []


@contextlib.contextmanager
def unix_listener(path):
    """Another program's socket. When it is over nobody can connect any more, not even while a child that another
    test is just starting, in a thread beside this one, still has the socket, until it is another program."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield listener
        listener.shutdown(socket.SHUT_RDWR)


def free_port(host="::" if socket.has_dualstack_ipv6() else "0.0.0.0"):
    """A port that the system chose, free at all addresses unless one is given: else a connection from another may
    have it, and who listens at all cannot. It stays bound (not listening) until the run ends: so nobody else is
    given it, not even for a connection, while a server that sets SO_REUSEADDR can have it, as they do."""
    holder = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if host == "::":
        holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((host, 0))
    _held.append(holder)
    return holder.getsockname()[1]
