"""What is installed for the service: its configuration, its unit, its user; what its manager is told."""
import os
import re
import signal
import socket
import subprocess

from fstrm import Sender
from harness import CAPTURES, ROOT, Skip, equal, limit, test, wait_for
from test_ctl import frames

CONFIG = "/etc/spile/spile.yaml"
UNIT = ROOT / "dist/spile.service"


def install(t, prefix="/usr/local"):
    """As `make install DESTDIR=...` has it done."""
    words = {**os.environ, "DESTDIR": str(t.path("dest")), "MESON_INSTALL_PREFIX": prefix}
    done = subprocess.run([ROOT / "dist/install-service", ROOT / "dist/spile.yaml", CONFIG], env=words,
                          capture_output=True, check=False)
    equal(done.returncode, 0, f"exit status: {done.stderr}")
    return done.stdout.decode()


@test(plain=True)
def configuration_is_right_and_stays(t):
    """It is put where there is none; what somebody has changed stays."""
    placed = t.path("dest" + CONFIG)
    assert install(t).startswith("Installing "), "the first time"
    equal(placed.read_bytes(), (ROOT / "dist/spile.yaml").read_bytes(), "the configuration")
    equal(placed.stat().st_mode & 0o777, 0o644, "its mode")
    t.run("config", "check", placed)
    placed.write_text("threads: 1\n")
    assert install(t).startswith("Keeping "), "the second time"
    equal(placed.read_text(), "threads: 1\n", "the configuration")


@test(plain=True)
def one_name_everywhere(t):
    """Help, manuals, unit and README mean the same file."""
    unit = UNIT.read_text()
    told = {
        "help run": t.run("help", "run").stdout.decode(),
        "help config": t.run("help", "config").stdout.decode(),
        "spile.yaml(5)": t.run("manual", ROOT / "man/spile.yaml.5.in").stdout.decode(),
        "README": (ROOT / "README.md").read_text(),
        "dist/spile.yaml": (ROOT / "dist/spile.yaml").read_text(),
    }
    for name, text in told.items():
        equal(set(re.findall(r"/etc/spile/spile\.\w+", text)), {CONFIG}, f"configurations that {name} names")
    for name, text in {**told, "help": t.run("help").stdout.decode(), "unit": unit}.items():
        assert "spile.conf(5)" not in text and "man spile.conf" not in text, f"{name} names another manual"
    assert "man:spile.yaml(5)" in unit, "the unit names the manual"


@test()
def logs_are_for_its_group(t):
    """What the service writes is for Spile and its group, and with README's `mode: 0600` for Spile alone."""
    assert "`mode: 0600`" in (ROOT / "README.md").read_text(), "README says how"
    shipped = (ROOT / "dist/spile.yaml").read_text()
    for row in re.findall(r"- file: .*", shipped):
        assert "mode: 0640" in row, row
    for mode in (0o640, 0o600):
        folder = t.path(f"logs{mode:o}")
        folder.mkdir()
        text = re.sub(r"/(run|var/lib|var/log)/spile", str(folder), shipped)
        text = text.replace("mode: 0640", f"mode: 0{mode:o}").replace(":6000", ":0").replace(":8080", ":0")
        process = t.listen(text, name=f"service{mode:o}", count=3)
        equal((folder / "dns.json").stat().st_mode & 0o777, mode, "mode of the log")
        equal((folder / "history.db").stat().st_mode & 0o777, 0o600, "mode of the history")
        equal(process.stop(), 0, "exit status")


def unit_of(t):
    """The unit as it is installed, but for the program under test."""
    text = UNIT.read_text().replace("@bindir@/spile", str(t.spile_path)).replace("@config@", str(CONFIG))
    assert "@" not in re.sub(r"@(system-service|privileged|resources|chown)", "", text), "a word that is not filled in"
    path = t.path("spile.service")
    path.write_text(text)
    return path


@test(needs=["systemd-analyze"], plain=True)
def unit_is_sound(t):
    """systemd knows all that is in it, and finds little that could be kept from it."""
    unit = unit_of(t)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit],
                          capture_output=True, check=False)
    complaints = [line for line in done.stderr.decode().splitlines() if str(unit) in line or "spile" in line]
    equal((done.returncode, complaints), (0, []), f"what systemd says: {done.stderr.decode()}")
    rated = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit],
                           capture_output=True, check=False)
    if b"unrecognized option" in rated.stderr:
        raise Skip("this systemd cannot rate a unit that is not loaded")
    equal(rated.returncode, 0, f"exposure above 2.0: {rated.stdout.decode()[-300:]}{rated.stderr.decode()}")


def manager_of(t):
    """Where a service is to tell how it stands: the folder's socket `manager`."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(t.path("manager")))
    manager.settimeout(limit(20))
    return manager


@test(plain=True)
def its_manager_is_told(t):
    """Once all listens, and not before; when files are opened anew; when the end begins. Only by `run`."""
    manager = manager_of(t)
    here = dict(os.environ, NOTIFY_SOCKET=str(t.path("manager")))

    def told():
        return manager.recv(4096).decode()
    config = t.path("spile.yaml")
    config.write_text(f"inputs:\n  - unix: {{path: {t.path('tap.sock')}}}\nweb: {{listen: '127.0.0.1:0'}}\n")
    spile = t.spile("run", "-c", config, env=here)
    ready = "READY=1\nSTATUS=1 input, 0 stages, 1 output"
    equal(told(), ready, "the beginning")
    equal(t.listeners(spile), 3, "listeners when it is ready")
    socket.socket(socket.AF_UNIX).connect(str(t.path("tap.sock")))
    spile.send(signal.SIGHUP)
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", told()), "a reload begins"
    equal(told(), ready, "and is over")
    right = config.read_text()
    config.write_text("inputs:\n- unix: {path: /x, mode: 9}\n")
    spile.send(signal.SIGHUP)
    assert told().startswith("RELOADING=1"), "another begins"
    failed = told()
    assert re.fullmatch(r"READY=1\nSTATUS=reload failed: \S*spile\.yaml:2:26: [^\n]*; 1 input, 0 stages, 1 output", failed), failed
    config.write_text(right)
    spile.send(signal.SIGHUP)
    assert told().startswith("RELOADING=1"), "the next"
    equal(told(), ready, "and all is well again")
    equal(spile.stop(), 0, "exit status")
    equal(told(), "STOPPING=1", "the end")
    taken = t.spile("run", "-c", config, "--web", "nowhere.invalid:1", name="taken", env=here)
    wait_for("a failure", lambda: taken.child.poll() is not None)
    read = t.spile("read", CAPTURES / "unbound.fstrm.xz", name="read", env=here)
    wait_for("an end", lambda: read.child.poll() is not None)
    manager.setblocking(False)
    try:
        assert not told(), "something was told by who is not ready, or no service"
    except BlockingIOError:
        pass
    unit = UNIT.read_text()
    assert "Type=notify\n" in unit and "NotifyAccess=main\n" in unit, "the unit waits for it"
    assert re.search(r"^ExecReload=\S*spile ctl reload$", unit, re.M), "a reload says how it went"


@test(plain=True)
def its_manager_hears_of_each_reload(t):
    """Also of one that was asked for while another was under way, and follows that: it begins, and is over."""
    manager = manager_of(t)
    os.mkfifo(t.path("pipe"))
    reader = os.open(t.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
    config, text = t.path("spile.yaml"), (f"shutdown-time: {t.window(1000)}\ninputs:\n- unix: {{path: {t.path('tap.sock')}}}\n"
                                          f"outputs:\n- file: {{path: {t.path('kept.txt')}}}\n")
    config.write_text(text + f"- file: {{name: stuck, path: {t.path('pipe')}}}\n")
    spile = t.spile("run", "-c", config, env=dict(os.environ, NOTIFY_SOCKET=str(t.path("manager"))))

    def told():
        return manager.recv(4096).decode().partition("=")[0]
    equal(told(), "READY", "the beginning")
    client = Sender(t.path("tap.sock"))
    client.send(*frames(5000))
    client.finish()
    wait_for("more has come than a FIFO holds", lambda: t.path("kept.txt").read_bytes().count(b"\n") == 5000)
    config.write_text(text)
    for _ in range(2):
        spile.send(signal.SIGHUP)
        equal(told(), "RELOADING", "a signal")
    equal([told() for _ in range(3)], ["READY", "RELOADING", "READY"], "the end of the first, and the second")
    equal(spile.stop(), 0, "exit status")
    os.close(reader)


@test(plain=True)
def its_manager_hears_that_it_is_alive(t):
    """As often as he wants it, and only if he means this process. He reads on all the time: a socket holds ten
    messages, and what comes when it is full is lost."""
    manager = manager_of(t)
    here = dict(os.environ, NOTIFY_SOCKET=str(t.path("manager")), WATCHDOG_USEC="400000")
    for other in ({}, {"WATCHDOG_PID": "1"}):
        words = ["run", "-u", t.path(f"tap{len(other)}.sock")]
        spile = t.spile(*words, name=f"spile{len(other)}", env={**here, **other})
        assert manager.recv(4096).startswith(b"READY=1\nSTATUS="), "the beginning"
        for _ in range(0 if other else 3):
            equal(manager.recv(4096), b"WATCHDOG=1", "while it runs")
        spile.send(signal.SIGTERM)
        end = manager.recv(4096)
        while not other and end == b"WATCHDOG=1":
            end = manager.recv(4096)
        equal(end, b"STOPPING=1", "the end")
        equal(spile.wait(), 0, "exit status")
        manager.setblocking(False)
        try:
            while manager.recv(4096) == b"WATCHDOG=1":
                pass
        except BlockingIOError:
            pass
        manager.settimeout(limit(20))
