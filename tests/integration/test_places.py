"""Where files and sockets are made: in folders that others may write to, beside what is there already."""
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import stat
import sys

import fstrm
from harness import Skip, Spile, equal, test, wait_for

STRANGER = 12345  # a user without any rights

# Another user's program: swaps whatever is made in its folder for a link to what is root's, as soon as it
# is made. Arguments: the folder, and the victim's folder.
SWAP = """
import ctypes, os, sys
folder, victims, user = sys.argv[1:]
libc = ctypes.CDLL(None)
watch = libc.inotify_init()
libc.inotify_add_watch(watch, folder.encode(), 0x100 | 0x80)  # IN_CREATE, IN_MOVED_TO
os.chdir(folder)
os.setgroups([])
os.setgid(int(user))
os.setuid(int(user))
print("ready", flush=True)
while True:
    event = os.read(watch, 4096)
    name = event[16:].split(b"\\0")[0]
    if name != b"aside":
        try:
            os.rename(name, b"aside")
            os.symlink(os.path.join(victims.encode(), name if name == b"tap.sock" else b""), name)
        except OSError:
            pass
"""


def only_root():
    if os.geteuid() != 0:
        raise Skip("only root can be led to change what is root's, and can make files of others")


def open_to_strangers(t):
    t.folder.chmod(0o755)


def stranger_runs(t, *args, name):
    """The program, as that user, by a copy of his own: he may not reach where it was built. Another process copies
    it: a file that is open for writing is no program, and what is open here a child of another test may hold."""
    copy = t.path("spile-of-strangers")
    if not copy.exists():
        t.tool(["cp", t.spile_path, copy])
    return t.start([copy, *args], name=name, kind=Spile, user=STRANGER, group=STRANGER, extra_groups=[])


def victim_of(t):
    """A file that is root's alone, of the socket's name, in a folder of its own."""
    folder = t.path("victims")
    folder.mkdir()
    victim = folder / "tap.sock"
    victim.write_text("secret")
    victim.chmod(0o600)
    return victim


def attacker(t, folder, victim):
    """Runs the swapper as a stranger, on the core that the program gets, too."""
    process = t.start([sys.executable, "-c", SWAP, folder, victim.parent, STRANGER],
                      name=f"attacker-{folder.name}")
    wait_for("the attacker", lambda: b"ready" in process.out)
    return process


def clear(folder):
    """Whatever the attacker, who may be at it still, makes of its entries meanwhile."""
    def cleared():
        for entry in os.scandir(folder):
            with contextlib.suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)
        return not os.listdir(folder)
    wait_for(f"{folder} is empty", cleared)


@test(alone=True)
def sockets_are_not_swapped(t):
    """What is made for somebody else is never something else by the time it is given away."""
    only_root()
    open_to_strangers(t)
    victim = victim_of(t)
    before = victim.stat()
    theirs, grouped, sticky = folders = t.path("theirs"), t.path("grouped"), t.path("sticky")
    for folder in folders:
        folder.mkdir()
    os.chown(theirs, STRANGER, STRANGER)
    os.chown(grouped, 0, STRANGER)
    grouped.chmod(0o775)
    sticky.chmod(0o1777)
    core = {max(os.sched_getaffinity(0))}
    for folder in folders:
        process = attacker(t, folder, victim)
        os.sched_setaffinity(process.child.pid, core)
        config = t.path("swap.yaml")
        config.write_text(f"inputs:\n- unix: {{path: {folder}/tap.sock, owner: '{STRANGER}', mode: 0666}}\noutputs: []\n")
        for _ in range(16):
            spile = t.spile("run", "-c", config, name="swapped",
                            preexec_fn=lambda: os.sched_setaffinity(0, core))
            wait_for("an end of the start", lambda: "listening on" in spile.err or not spile.running())
            spile.insist(signal.SIGTERM)
            after = victim.stat()
            equal((after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)),
                  (before.st_uid, before.st_gid, 0o600), f"owner and mode of root's file, from {folder.name}")
            os.truncate(t.path("swapped.err"), 0)
            clear(folder)
        process.kill()
    equal(victim.read_text(), "secret", "root's file")


@test()
def sockets_are_as_they_are_to_be(t):
    """Mode and owner, whatever the umask; nothing else is left behind; and the folder of another user is
    told of."""
    folder = t.path("theirs")
    folder.mkdir()
    options = "mode: 0622"
    if os.geteuid() == 0:
        os.chown(folder, STRANGER, STRANGER)
        options += f", owner: '{STRANGER}', group: '{STRANGER + 1}'"
    config = t.path("owned.yaml")
    config.write_text(f"inputs:\n- unix: {{path: {folder}/tap.sock, {options}}}\noutputs: []\n")
    spile = t.spile("run", "-c", config, preexec_fn=lambda: os.umask(0o777))
    wait_for("the socket", lambda: "listening on" in spile.err)
    equal(os.listdir(folder), ["tap.sock"], "files")
    there = (folder / "tap.sock").stat()
    equal(stat.S_IMODE(there.st_mode), 0o622, "mode")
    if os.geteuid() == 0:
        equal((there.st_uid, there.st_gid), (STRANGER, STRANGER + 1), "owner and group")
        wait_for("a warning", lambda: f"the folder belongs to user {STRANGER}, who can remove" in spile.err)
    umask = [line for line in open(f"/proc/{spile.child.pid}/status") if line.startswith("Umask:")]
    equal(umask[0].split()[1], "0777", "umask")
    equal(spile.stop(), 0, "status")
    equal(os.listdir(folder), [], "files at the end")


REFUSED = (
    ("run", "-u", "@/x"), ("capture", "unix:@/x", "-w", "out.fstrm"), ("capture", "tcp:127.0.0.1:0", "-w", "@/x"),
    ("gen", "--count", "1", "-w", "@/x"), ("read", "--ledger", "@/x", "in.fstrm"), ("config", "example", "@/x"),
    ("run", "-c", "file.yaml"), ("run", "-c", "metrics.yaml"), ("config", "check", "file.yaml"),
    ("config", "check", "metrics.yaml"), ("config", "check", "unix.yaml"),
)


def fill(t, place):
    """The configurations that REFUSED names, and a file to read."""
    t.path("in.fstrm").write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + fstrm.control(fstrm.STOP))
    for name, text in (("file", "outputs:\n- file: {path: @/x}\n"), ("metrics", "outputs:\n- metrics: {file: @/x}\n"),
                       ("unix", "inputs:\n- unix: {path: @/x}\n")):
        inputs = "" if name == "unix" else "inputs:\n- tcp: {listen: 127.0.0.1:0}\n"
        t.path(f"{name}.yaml").write_text(inputs + text.replace("@", str(place)))


@test()
def folders_of_all_are_refused(t):
    """Nothing is made where everybody may put something else in its place, and one line says what to do."""
    place = t.path("all")
    place.mkdir()
    place.chmod(0o777)
    fill(t, place)
    for words in REFUSED:
        done = t.run(*(word.replace("@", str(place)) for word in words), status=1)
        lines = [line for line in done.stderr.decode().splitlines() if "error" in line or "others" in line]
        equal(len(lines), 1, f"{words}: lines")
        for part in ("others may write to the folder", str(place), "name a folder of its own", "(chmod +t)"):
            assert part in lines[0], f"{words}: {part!r} is not in {lines[0]!r}"
        equal(os.listdir(place), [], f"{words}: files")
    assert not t.path("out.fstrm").exists(), "what needs the socket is not made either"


@test()
def folders_of_others_are_told(t):
    """Where another group may write, as to a log daemon's /var/log, or another user, all works, and one line says
    who could meddle: for whatever is made there, at the start and by config check."""
    only_root()
    place = t.path("log")
    place.mkdir()
    fill(t, place)
    t.path("history.yaml").write_text(f"inputs:\n- unix: {{path: {t.path('tap.sock')}}}\noutputs: []\n"
                                      f"history: {{path: {place}/x}}\n")
    started = (("run", "-c", "file.yaml"), ("run", "-c", "metrics.yaml"), ("run", "-c", "unix.yaml"),
               ("run", "-c", "history.yaml"), ("run", "-u", t.path("tap.sock"), "--ledger", place / "x"))
    ended = (("read", "--ledger", place / "x", "in.fstrm"), ("gen", "--count", "1", "-w", place / "x"),
             ("config", "example", place / "x"),
             *(("config", "check", f"{name}.yaml") for name in ("file", "metrics", "unix", "history")))
    for owner, mode, said in ((0, 0o775, f"group {STRANGER} may write to the folder, and so can remove what is made"),
                              (STRANGER, 0o755, f"the folder belongs to user {STRANGER}, who can remove"),
                              (STRANGER, 0o775, f"something else in its place; so can group {STRANGER}")):
        os.chown(place, owner, STRANGER)
        place.chmod(mode)
        for number, words in enumerate(started):
            spile = t.spile(*words, name=f"told-{owner}-{mode}-{number}")
            wait_for("the start", lambda: "listening on" in spile.err or not spile.running())
            assert spile.running(), f"{words}: {spile.err}"
            wait_for("the line", lambda: said in spile.err)
            equal(spile.stop(), 0, f"{words}: status")
            equal(spile.err.count(said), 1, f"{words}: {spile.err}")
            clear(place)
        for words in ended:
            text = t.run(*words).stderr.decode()
            equal(text.count(said), 1, f"{words}: {text}")
            clear(place)


@test()
def killed_programs_leave_no_lock(t):
    """What root's Spile leaves when it is killed does not keep the service's user from starting."""
    only_root()
    open_to_strangers(t)
    place = t.path("service")
    place.mkdir()
    out = place / "out.json"
    out.write_text("")
    config = t.path("service.yaml")
    config.write_text(f"inputs:\n- tcp: {{listen: 127.0.0.1:0}}\noutputs:\n- file: {{path: {out}}}\n")
    for path in (place, out):
        os.chown(path, STRANGER, STRANGER)
    spile = t.spile("run", "-c", config, name="by-hand")
    t.wait_listening(spile)
    second = stranger_runs(t, "run", "-c", config, name="second")
    equal(second.wait(), 1, "status beside one that runs")
    assert f"cannot lock {out}: another Spile writes to it" in second.err, second.err
    spile.kill()
    assert (place / ".out.json.lock").exists(), "a killed one leaves its lock"
    spile = stranger_runs(t, "run", "-c", config, name="service")
    t.wait_listening(spile)
    equal(spile.stop(), 0, "status")
    equal(os.listdir(place), ["out.json"], "files at the end")


# Who is not root gives away nothing: sections that would, with the place of the option that asks for it, and what is
# said of it.
NOT_TO_GIVE = [
    ("inputs: [unix: {path: '@DIR@/a.sock', group: '0'}]", "group", "its group cannot be set: Operation not permitted "
     "(who is not root can only give it a group that he is in)"),
    ("inputs: [unix: {path: '@DIR@/a.sock', owner: '0'}]", "owner", "its owner cannot be set: Operation not permitted "
     "(only root can give it to another user)"),
    ("control: {path: '@DIR@/a.sock', group: '0'}", "group", "its group cannot be set: Operation not permitted "
     "(who is not root can only give it a group that he is in)"),
]


@test()
def who_may_not_give_is_told_by_check(t):
    """Owners and groups of sockets: `config check` refuses what `run` would, and nothing else."""
    only_root()
    open_to_strangers(t)
    place, config = t.path("strangers"), t.path("give.yaml")
    place.mkdir()
    os.chown(place, STRANGER, STRANGER)
    for n, (section, option, told) in enumerate(NOT_TO_GIVE):
        more = "" if "inputs" in section else f"\ninputs: [unix: {{path: '{place}/t.sock', group: '{STRANGER}', owner: '{STRANGER}'}}]"
        config.write_text(section.replace("@DIR@", str(place)) + more)
        module = re.search(r"(\w+): \{", section)[1]
        column = re.search(rf"{option}: ", config.read_text()).end() + 1
        for words, line in ((("config", "check"), f"{config}:1:{column}: {module}: {told}"), (("run", "-c"), told)):
            spile = stranger_runs(t, *words, config, name=f"{words[0]}-{n}")
            equal(spile.wait(), 1, f"status of {words} for {section}")
            assert line in spile.err, (words, section, spile.err)
        t.run("config", "check", config)  # which root may
    config.write_text(f"inputs: [unix: {{path: '{place}/a.sock', group: '{STRANGER}', owner: '{STRANGER}'}}]")
    equal(stranger_runs(t, "config", "check", config, name="own").wait(), 0, "status where all is his own")


@test()
def links_are_not_followed(t):
    """A link at the name of a file that is to be made leads nowhere: what is behind it stays."""
    place = t.path("links")
    place.mkdir()
    fill(t, place)
    victim = t.path("victim")
    for target in ("victim", "none"):
        os.symlink(t.path(target), place / "x")
        victim.write_text("v" if target == "victim" else "")
        for words in REFUSED:
            done = t.run(*(word.replace("@", str(place)) for word in words), status=1)
            text = done.stderr.decode()
            assert "it is a link: name the file" in text or "a file that is no socket" in text, f"{words}: {text}"
        equal(victim.read_text(), "v" if target == "victim" else "", "what the link leads to")
        assert not t.path("none").exists(), "made behind a link"
        os.unlink(place / "x")


@test()
def locks_are_files_of_ours(t):
    """Whoever may read an output's file cannot keep Spile from starting; a second Spile still cannot write it."""
    out, lock = t.path("out.json"), t.path(".out.json.lock")
    out.write_text("")
    config = t.path("locked.yaml")
    config.write_text(f"inputs:\n- unix: {{path: {t.path('tap.sock')}}}\noutputs:\n- file: {{path: {out}}}\n")
    with open(out, "rb") as reader:
        fcntl.flock(reader, fcntl.LOCK_EX)
        spile = t.spile("run", "-c", config)
        t.wait_listening(spile)
        equal(stat.S_IMODE(lock.stat().st_mode), 0o600, "mode of the lock")
        config.write_text(config.read_text().replace("tap.sock", "other.sock"))
        second = t.run("run", "-c", config, status=1).stderr.decode()
        assert f"cannot lock {out}: another Spile writes to it" in second, second
        equal(spile.stop(), 0, "status")
    assert not lock.exists(), "a lock is left behind"
    lock.write_text("")  # as a crash leaves it
    spile = t.spile("run", "-c", config, name="again")
    t.wait_listening(spile)
    equal(spile.stop(), 0, "status")
    assert not lock.exists(), "a lock is left behind"


@test()
def ledgers_take_their_place_whole(t):
    """An older one stays until the new one is there, and a start that fails makes none."""
    ledger, path = t.path("ledger.json"), t.path("in.fstrm")
    fill(t, t.folder)
    for words in (("capture", f"unix:{t.path('none/tap.sock')}", "-w", t.path("out.fstrm")),
                  ("run", "-u", t.path("none/tap.sock"))):
        t.run(*words, "--ledger", ledger, status=1)
        assert not ledger.exists(), f"{words}: a ledger of nothing"
    ledger.write_text("old")
    ledger.chmod(0o640)
    t.run("run", "-u", t.path("none/tap.sock"), "--ledger", ledger, status=1)
    equal(ledger.read_text(), "old", "the ledger, after a start that failed")
    limited = [sys.executable, "-c", "import os, resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
               "resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20)); os.execv(sys.argv[1], sys.argv[1:])"]
    done = t.tool([*limited, t.spile_path, "read", "--ledger", ledger, path], status=1)
    assert f"cannot write {ledger}: File too large" in done.stderr.decode(), done.stderr
    equal(ledger.read_text(), "old", "the ledger, after one that could not be written")
    t.run("read", "--ledger", ledger, path)
    equal(json.loads(ledger.read_text())[0]["received"], 0, "events")
    equal(stat.S_IMODE(ledger.stat().st_mode), 0o640, "mode")
    equal([name for name in os.listdir(t.folder) if name.startswith(".")], [], "what is left behind")


def mounted(t, target, *words):
    """The words of a command that runs it where `target` is a file of its own, t.path("mounted"), as in a container."""
    script = 'mount --bind "$0" "$1" || exit 77; shift; exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, t.path("mounted"), target, *words]


@test()
def mounted_files_are_written_in_place(t):
    """A file that a container is given by itself cannot be replaced or renamed: it is written in place, and what cannot
    be done is told at once, by config check, too."""
    fill(t, t.folder)
    there, target = t.path("mounted"), t.path("x")
    for path in (there, target):
        path.write_text("")
    if os.geteuid() != 0 or t.tool(mounted(t, target, "true"), status=None).returncode == 77:
        raise Skip("only root can mount a file, where that is allowed at all")
    told = "a mount point, as a file that a container is given: it"
    for count, words in ((3, ("gen", "--count", "3", "-w", target)), (2, ("gen", "--count", "2", "--force", "-w", target))):
        text = t.tool(mounted(t, target, t.spile_path, *words)).stderr.decode()
        assert f"{told} is written in place" in text, text
        equal(len(t.run("read", there).stdout.splitlines()), count, "frames")
        equal(target.read_bytes(), b"", "what is below the mount")
    text = t.tool(mounted(t, target, t.spile_path, "read", "--ledger", target, "in.fstrm")).stderr.decode()
    equal(json.loads(there.read_text())[0]["received"], 0, "events")
    assert f"ledger: {target}: {told} is written in place" in text, text
    there.write_text("")
    out = t.path("rotate.yaml")
    out.write_text(f"inputs:\n- file: {{path: [{t.path('many.fstrm')}]}}\n"
                   f"outputs:\n- file: {{path: {target}, rotate-size: 1K}}\n")
    t.run("gen", "--count", "100", "-w", "many.fstrm")
    for words in (("config", "check", out), ("run", "-c", out)):
        text = t.tool(mounted(t, target, t.spile_path, *words)).stderr.decode()
        assert f"{told} cannot be renamed, and is not rotated: mount its folder instead" in text, text
    assert f"cannot rotate {target}: it is a mount point" in text, text
    equal(len(there.read_text().splitlines()), 100, "lines, none of them lost")


@test()
def fifos_are_not_waited_for(t):
    """A FIFO in the ledger's place, whoever put it there, does not keep the program from its end."""
    fill(t, t.folder)
    place = t.path("open")
    place.mkdir()
    place.chmod(0o1777)
    fifo = place / "ledger.json"
    spile = t.spile("run", "-u", t.path("tap.sock"), "--ledger", fifo)
    t.wait_listening(spile)
    os.mkfifo(fifo)
    if os.geteuid() == 0:
        os.chown(fifo, STRANGER, STRANGER)
    equal(spile.stop(), 1, "status")
    assert f"cannot write {fifo}: it is a FIFO that no process reads" in spile.err, spile.err
    with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        if os.geteuid() == 0:
            text = t.run("read", "--ledger", fifo, t.path("in.fstrm"), status=1).stderr.decode()
            assert "it belongs to another user" in text, text
            os.chown(fifo, 0, 0)
        t.run("read", "--ledger", fifo, t.path("in.fstrm"))
        equal(json.loads(reader.read())[0]["received"], 0, "events")


@test()
def histories_are_made_in_safe_places(t):
    """A database is neither made where all may write, nor behind a link: that is said, and tried again."""
    place, victim = t.path("all"), t.path("victim")
    place.mkdir()
    victim.write_text("")
    for target, said in ((None, "others may write to the folder"), (victim, "it is a link")):
        place.chmod(0o755 if target else 0o777)
        if target:
            os.symlink(target, place / "history.db")
        config = t.path("history.yaml")
        config.write_text(f"inputs:\n- unix: {{path: {t.path('tap.sock')}}}\n"
                          f"outputs: []\nhistory: {{path: {place}/history.db}}\n")
        spile = t.spile("run", "-c", config, name=said.split()[0])
        t.wait_listening(spile)
        assert said in spile.err, spile.err
        equal(spile.stop(), 0, "status")
        equal(os.listdir(place), ["history.db"] if target else [], "files")
        equal((victim.stat().st_size, os.path.exists(f"{victim}-wal")), (0, False), "what the link leads to")
        assert said in t.run("config", "check", config).stderr.decode(), "config check warns"
