"""`make bench` on little traffic: every count it verifies is right, for us and for the peers."""
from harness import ROOT, equal, test


@test(alone=True)
def counts_are_right(t):
    done = t.tool([ROOT / "tools/bench", t.spile_path, "--quick", "--count", "20000"], seconds=120)
    rows = done.stdout.decode().splitlines()
    equal(rows[0].split(" events")[0], "20,000", "events")
    measured = [row for row in rows[2:] if "not installed" not in row]
    assert sum(row.startswith("spile ") for row in measured) == 16, rows
