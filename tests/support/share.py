"""How much of its work a test does; share.h says by which rule."""

import os

NAME = "SPILE_TEST_SHARE"


def parts(slow=1):
    """One of so many parts is to be done; `slow`: where the reference is, of which a check does one of so many."""
    share = os.environ.get(NAME, "1")
    return 1 if share == "whole" else slow * max(int(share), 1)


def some(items):
    """The test's share of them, from all over the list; at least one."""
    count = max(len(items) // parts(), 1)
    return [items[i * len(items) // count] for i in range(count)]
