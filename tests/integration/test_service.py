"""What is installed for the service: its configuration, its unit, its user."""
import os
import re
import subprocess

from harness import ROOT, Skip, equal, test

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
