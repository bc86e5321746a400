#!/usr/bin/env python3
"""How much slower than two quiet cores this machine is now: the factor by which tests stretch their times.

SPILE_TEST_PATIENCE says it, where it is set (tools/check measures once, for all); else it is measured.
A known piece of work takes REFERENCE_S of wall time on a quiet core; what else runs, and what the
machine is, make it longer. Fewer cores than two share what tests start between them.
"""
import os
import time

NAME = "SPILE_TEST_PATIENCE"
REFERENCE_S = 0.25
USUAL_CORES = 2
MOST = 20.0


def cores():
    """As many as this process may use: a machine may have more."""
    return len(os.sched_getaffinity(0))


def work():
    """Something that takes long enough for the scheduler to show how much of a core is left."""
    seen = {}
    for i in range(2400000):
        seen[i * 7919 & 1023] = i ^ i >> 3
    return seen


def measure():
    begin = time.monotonic()
    work()
    slowness = (time.monotonic() - begin) / REFERENCE_S
    return min(MOST, max(1.0, slowness) * max(1.0, USUAL_CORES / cores()))


def patience():
    said = os.environ.get(NAME, "")
    return max(1.0, float(said)) if said else measure()


if __name__ == "__main__":
    print(f"{patience():.1f}")
