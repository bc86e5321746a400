"""What benchmarks are made of: programs whose use of the machine is measured, receivers whose
ledger is checked, and tables. tools/bench and its other modules say what is measured."""
import contextlib
import os
import pathlib
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tests/integration"))
import harness  # noqa: E402  (found through sys.path)

CONTENT_TYPE = "protobuf:dnstap.Dnstap"
MEMORY_GOAL_MB = 32
WAIT_S = 120    # for the end of a program
START_S = 10
PEAK_EVERY_MS = 4  # a look at /proc takes some 20 microseconds

# What is compared. {spile} is the program, {file} the traffic, {sock} the receiver's socket, {dir} the
# scratch folder. `count`: how events are verified. `versus`: whose CPU is divided by this row's.
# `goal`: ("ratio", peer, at least) or ("ns", at most).


@dataclass
class Row:
    name: str
    command: list
    count: str = "ledger"   # ledger; lines; frames (of the file that -w names); told (elsewhere: some may be lost)
    feeder: list = None     # None: the row reads the file by itself
    versus: list = field(default_factory=list)
    goal: tuple = None
    memory: int = MEMORY_GOAL_MB
    tool: str = None        # the peer's program; None: ours
    runs: list = field(default_factory=list)


# Listens, and writes what it is sent, undecoded.
CAPTURE = ["fstrm_capture", "-t", CONTENT_TYPE, "-u", "{sock}", "-w", "{out}"]


class Wrong(Exception):
    """A count that does not add up, or a program that failed."""


@dataclass
class Cost:
    cpu_ns: float   # an event
    wall_s: float
    peak_mb: float


def peak_of(pid):
    """The process's peak memory so far, in MB; 0 when it is gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) / 1024 if found else 0


class Program:
    """A child whose use of the machine is measured."""

    def __init__(self, args, stdout=subprocess.DEVNULL):
        self.args = args
        self.errors = tempfile.TemporaryFile()
        self.begin = time.monotonic()
        self.child = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=stdout, stderr=self.errors)
        self.ended = select.poll()
        self.pidfd = os.pidfd_open(self.child.pid)
        self.ended.register(self.pidfd, select.POLLIN)
        self.peak_mb = 0.0
        self.status = None

    def running(self):
        if self.status is None:
            self.peak_mb = max(self.peak_mb, peak_of(self.child.pid))
            pid, status, usage = os.wait4(self.child.pid, os.WNOHANG)
            if pid:
                self.wall = time.monotonic() - self.begin
                self.seconds = usage.ru_utime + usage.ru_stime
                self.status = self.child.returncode = os.waitstatus_to_exitcode(status)
                os.close(self.pidfd)
        return self.status is None

    def wait(self):
        end = time.monotonic() + WAIT_S
        while self.running():
            if time.monotonic() > end:
                self.child.kill()
                raise Wrong(f"{self}: not through after {WAIT_S} s")
            self.ended.poll(PEAK_EVERY_MS)
        if self.status:
            raise Wrong(f"{self}: status {self.status}: {self.stderr()[-500:]}")
        return self

    def __str__(self):
        return " ".join(map(str, self.args))

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")


def frames_in(path):
    """Counts the data frames of a recording."""
    stream, at, count = path.read_bytes(), 0, 0
    while at < len(stream):
        length = int.from_bytes(stream[at:at + 4], "big")
        if length == 0:
            length = 4 + int.from_bytes(stream[at + 4:at + 8], "big")
        else:
            count += 1
        at += 4 + length
    return count


def wait_for(program, what, look):
    """What look() returns once it is something."""
    end = time.monotonic() + START_S
    while not (found := look()):
        if not program.running() or time.monotonic() > end:
            raise Wrong(f"waited in vain for {what}: {program.stderr()[-500:]}")
        time.sleep(0.01)
    return found


@contextlib.contextmanager
def ended(program):
    """The program, which is told to end behind the block, and has to end well."""
    try:
        yield program
        program.running()
        program.child.terminate()
        program.wait()
    finally:
        if program.running():
            program.child.kill()


def ledger_of(program, row):
    """How many events its one ledger has, all of which were delivered."""
    found = re.findall(r"^ledger: .*\breceived=(\d+) delivered=(\d+) ", program.stderr(), re.MULTILINE)
    if len(found) != 1 or found[0][0] != found[0][1]:
        raise Wrong(f"{row.name}: not all that it received was delivered: {program.stderr()[-500:]}")
    return int(found[0][0])


class Bench:
    def __init__(self, spile, folder, count, configs):
        self.spile, self.folder, self.count = spile, folder, count
        self.file, self.sock = folder / "traffic.fstrm", folder / "sock"
        for name, text in configs.items():
            (folder / name).write_text(text.replace("@FILE@", str(self.file)).replace("@SOCK@", str(self.sock)))

    def words(self, command, out="/dev/null"):
        return [w.format(spile=self.spile, file=self.file, sock=self.sock, dir=self.folder, out=out)
                for w in command]

    def check_ledger(self, program, row):
        if ledger_of(program, row) != self.count:
            raise Wrong(f"{row.name}: not {self.count} events: {program.stderr()[-500:]}")

    def run_file(self, row):
        program = Program(self.words(row.command)).wait()
        if row.count == "ledger":
            self.check_ledger(program, row)
        return Cost(program.seconds * 1e9 / self.count, program.wall, program.peak_mb)

    @contextlib.contextmanager
    def receiving(self, row, out="/dev/null", stdout=subprocess.DEVNULL):
        """The row's receiver while it listens; it is told to end behind the block, and its ledger is checked."""
        self.sock.unlink(missing_ok=True)
        with ended(Program(self.words(row.command, out), stdout)) as receiver:
            wait_for(receiver, f"{row.name} to listen",
                     lambda: self.sock.exists() and harness.Bench.listeners(receiver) > 0)
            yield receiver
        if row.count == "ledger":
            self.check_ledger(receiver, row)

    @staticmethod
    def web_address(receiver):
        """Of its web server, which it says after it has begun to listen for senders."""
        return wait_for(receiver, "a web server", lambda: re.search(r"http://([^/]+)/", receiver.stderr())).group(1)

    def run_socket(self, row, out="/dev/null"):
        """Wall time is the feeder's, up to FINISH; the rest is the receiver's."""
        with self.receiving(row, out) as receiver:
            feeder = Program(self.words(row.feeder)).wait()
            if row.feeder[0] == "{spile}" and f"sent {self.count} frames" not in feeder.stderr():
                raise Wrong(f"{row.name}: {feeder.stderr()}")
        return Cost(receiver.seconds * 1e9 / self.count, feeder.wall, receiver.peak_mb)

    def run(self, row):
        return self.run_socket(row) if row.feeder else self.run_file(row)

    def verify(self, row):
        """What a peer's timed runs, whose output nobody sees, would print or record."""
        out = self.folder / "out"
        if row.count == "lines":
            with open(out, "wb") as file:
                Program(self.words(row.command), file).wait()
            with open(out, "rb") as file:
                got = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        elif row.count == "frames":
            self.run_socket(row, out)
            got = frames_in(out)
        else:
            return
        out.unlink()
        if got != self.count:
            raise Wrong(f"{row.name}: {got} {row.count} of {self.count} events")


def median(values):
    return statistics.median(values) if values else None


def cpu_of(pid):
    """Seconds of processors that all threads of a process have had."""
    total = 0
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # a thread that has ended meanwhile
            total += int(path.read_text().split()[0])
    return total / 1e9


def print_lines(table):
    """In columns, the first line being their heads."""
    head = table[0]
    widths = [max(len(line[i]) for line in table) for i in range(len(head))]
    for line in table:
        cells = [cell.ljust(width) if title in ("", "goal") else cell.rjust(width)
                 for title, cell, width in zip(head, line, widths)]
        print("  ".join(cells).rstrip())
