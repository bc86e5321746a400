"""`make bench` on little traffic: every count it verifies is right, for us and for the peers."""
import shutil

from harness import ROOT, equal, test

RESOLVER = "a real resolver: "


@test(alone=True)
def counts_are_right(t):
    done = t.tool([ROOT / "tools/bench", t.spile_path, "--quick", "--count", "20000"], seconds=120)
    rows = done.stdout.decode().splitlines()
    equal(rows[0].split(" events")[0], "20,000", "events")
    at = next(i for i, row in enumerate(rows) if row.startswith(RESOLVER))
    measured = [row for row in rows[2:at] if "not installed" not in row]
    assert sum(row.startswith("spile ") for row in measured) == 16, rows
    missing = [tool for tool in ("unbound", "dnsperf") if not shutil.which(tool)]
    if missing:
        equal(rows[at + 1], f"not measured: {' and '.join(missing)} not installed", "why no resolver was asked")
    else:
        begins = ["spile run, text ", "spile run, JSON and page ", "fstrm_capture ", "none: dnstap is off "]
        told = rows[at + 2:at + 2 + len(begins)]
        equal([row[:len(begin)] for row, begin in zip(told, begins)], begins, "whose cost a resolver's was")
        assert all(row.count("%") == 2 for row in told[:2]), told  # of the frames came, each time
