"""The small inputs of tests/data/cases: what the whole program must say about each.

A row of READ is one run of `spile read` over a file. What takes more than one run (statistics, `send`,
`top`) is a test of its own below, on case(NAME).
"""
import json

from harness import ROOT, equal, test

CASES = ROOT / "tests/data/cases"


def case(name):
    return CASES / f"{name}.fstrm"


# File; fields; what JSON says for each event: the field's value or, of several fields, a tuple of values
# in their order. Of a mapping only the keys are compared that the row names. Fourth, where text differs
# from what follows from JSON by itself: the lines of the text format, of the same fields.
READ = [
    ("05-two-streams", "qname", [f"q{i}.example." for i in range(6)], [f"q{i}.example." for i in range(6)]),
    ("06-start-without-stop", "qname", [f"q{i}.example." for i in range(6)]),
]


def only(got, wanted):
    """`got` without the keys that `wanted` does not name."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return {key: only(value, wanted[key]) for key, value in got.items() if key in wanted}
    if isinstance(wanted, (list, tuple)) and isinstance(got, (list, tuple)) and len(got) == len(wanted):
        return type(wanted)(only(g, w) for g, w in zip(got, wanted))
    return got


def read(t, file, fields, wanted, text=None):
    events = [json.loads(line) for line in t.run("read", "-o", "json", "--fields", fields, case(file)).stdout.splitlines()]
    got = [tuple(e.values()) if len(e) > 1 else next(iter(e.values())) for e in events]
    equal(only(got, wanted), wanted, f"{file}: {fields} in JSON")
    if text is not None:
        lines = t.run("read", "--fields", fields, case(file)).stdout.decode().splitlines()
        equal(lines, text, f"{file}: {fields} in text")


@test()
def each_reads_as_listed(t):
    failed = []
    for row in READ:
        try:
            read(t, *row)
        except AssertionError as error:
            failed.append(str(error))
    assert not failed, "\n".join(failed)
