"""`spile verify`: which of gen's numbered frames are in a file, against a count of our own."""
import random
import re

import fstrm
from harness import equal, test
from lab import question

LINE = re.compile(r"verify: present=(\d+) missing=(\d+) doubled=(\d+) late=(\d+)\n")


def numbered(number, extra="seq=%d"):
    """A dnstap message whose extra (its field 3) holds the number."""
    return fstrm.message(question("n.lab.", 1, number & 0xffff)) + fstrm.field(3, (extra % number).encode())


def file_of(t, name, *frames):
    path = t.path(name)
    path.write_bytes(fstrm.control(fstrm.START, fstrm.DNSTAP) + b"".join(map(fstrm.data, frames)) +
                     fstrm.control(fstrm.STOP))
    return path


def verify(t, *words, status=0):
    done = t.run("verify", *words, status=status)
    match = LINE.fullmatch(done.stdout.decode())
    assert match, done.stdout
    return tuple(map(int, match.groups())), done.stderr.decode()


@test()
def what_gen_writes_is_whole(t):
    t.run("gen", "--count", 5000, "-w", t.path("a.fstrm"))
    equal(verify(t, t.path("a.fstrm")), ((5000, 0, 0, 0), ""), "without a count")
    equal(verify(t, "--count", 5000, t.path("a.fstrm")), ((5000, 0, 0, 0), ""), "with one")
    equal(verify(t, "--count", 5002, t.path("a.fstrm"), status=1)[0], (5000, 2, 0, 0), "two are missing")


@test()
def what_is_missing_doubled_or_late_is_counted(t):
    chance = random.Random(12)
    for turn in range(20):
        count = chance.randrange(1, 300)
        numbers = [n for n in range(count) if chance.random() < 0.9]
        numbers += chance.choices(range(count), k=chance.randrange(10)) if turn % 2 else []
        chance.shuffle(numbers)
        half = len(numbers) // 2
        files = [file_of(t, f"{part}.fstrm", *map(numbered, some)) for part, some in
                 {"a": numbers[:half], "b": numbers[half:]}.items()]
        present, late, seen, highest = len(set(numbers)), 0, set(), -1
        for number in numbers:
            late += number not in seen and number < highest
            seen.add(number)
            highest = max(highest, number)
        wanted = (present, count - present, len(numbers) - present, late)
        equal(verify(t, "--count", count, *files, status=1 if wanted[1] or wanted[2] else 0)[0], wanted, f"turn {turn}")


@test()
def what_is_no_number_is_told(t):
    strange = ["%dseq=1", "seq=", "seq=-%d", "seq=%d ", "seq=99999999999999999999%d", "seq=4294967296%d"]
    frames = [numbered(0)] + [fstrm.message(question("n.lab.", 1, 1)), b"no dnstap"]
    frames += [numbered(7, text if "%d" in text else text + "%.0s") for text in strange]
    found, said = verify(t, file_of(t, "a.fstrm", *frames), status=1)
    equal(found, (1, 0, 0, 0), "numbers")
    assert f"{len(frames) - 1} frames have no number" in said, said
    found, said = verify(t, "--count", 3, file_of(t, "b.fstrm", *map(numbered, range(5))), status=1)
    equal(found, (3, 0, 0, 0), "numbers beyond the count")
    assert "2 frames have no number" in said, said


@test()
def what_cannot_be_read_is_a_failure(t):
    whole = file_of(t, "a.fstrm", *map(numbered, range(100)))
    t.path("cut.fstrm").write_bytes(whole.read_bytes()[:-100])
    found, said = verify(t, t.path("cut.fstrm"), status=1)
    assert found[0] < 100 and "truncated" in said, (found, said)
    found, said = verify(t, t.path("absent.fstrm"), whole, status=1)
    equal(found, (100, 0, 0, 0), "the other file is read all the same")
    assert "absent.fstrm" in said, said
    equal(verify(t, file_of(t, "none.fstrm"), status=1)[0], (0, 0, 0, 0), "a file without frames is no success")
    t.run("verify", status=2)
    t.run("verify", "--count", "0", whole, status=2)
