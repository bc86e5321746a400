#!/usr/bin/env python3
"""Integration tests: run.py [--spile PROGRAM] [--sanitized] [-k REGEX] [-j N] [--list]

Runs the functions of test_*.py that @test marks. Where it can, it first moves into a network (and
process) namespace of its own, so that servers can have port 53 and many addresses, nothing of the
machine is touched, and no process outlives it. The last line counts.
"""
import argparse
import concurrent.futures
import faulthandler
import gc
import importlib
import os
import pathlib
import re
import shutil
import signal
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import harness  # noqa: E402  (found through sys.path)
import lab  # noqa: E402
import namespace  # noqa: E402
import patience  # noqa: E402  (and through harness)

def reason_to_skip(case, no_net):
    missing = [need for need in case["needs"] if not shutil.which(need)]
    if missing:
        return f"{', '.join(missing)} not installed"
    return no_net if case["net"] else ""


OTHERS_TIME = {row["command"][0] for row in lab.SERVERS.values()} | {"prometheus"}  # they take theirs, we wait

RUNNING = {}     # the names of tests at work, and since when
STUCK_AFTER = 150  # seconds on a quiet machine: no test has a reason to take so long


def watch(counts):
    """Ends a run that one test would hold up for ever, and says which and where."""
    while True:
        time.sleep(1)
        limit = harness.limit(STUCK_AFTER)
        stuck = [name for name, begin in list(RUNNING.items()) if time.monotonic() - begin > limit]
        if stuck:
            print(*(f"FAIL  {name}  still running after {limit:.0f} s" for name in stuck), sep="\n", flush=True)
            faulthandler.dump_traceback(sys.stdout)
            print(f"{counts['pass']} passed, {counts['FAIL'] + len(stuck)} failed, {counts['skip']} skipped", flush=True)
            os._exit(1)


def run_one(case, no_net):
    """(verdict, seconds, text)"""
    reason = reason_to_skip(case, no_net)
    if reason:
        return "skip", 0.0, reason
    begin = RUNNING[case["name"]] = time.monotonic()
    bench = harness.Bench(case["name"])
    try:
        case["run"](bench)
        verdict, text = "pass", ""
    except harness.Skip as skip:
        verdict, text = "skip", str(skip)
    except Exception:  # whatever a test raises is its failure
        verdict, text = "FAIL", "\n".join([traceback.format_exc(), *bench.report()])
    finally:
        bench.close()
        del RUNNING[case["name"]]
    return verdict, time.monotonic() - begin, text


def show(case, result, counts):
    verdict, seconds, text = result
    counts[verdict] += 1
    mode = "  sanitized" if harness.Bench.sanitized else ""
    line = f"{verdict:4}  {case['name']}{mode}  {seconds:.1f} s"
    print(line + (f"  ({text})" if verdict == "skip" else ""), flush=True)
    if verdict == "FAIL":
        print(text, flush=True)


def run_all(cases, no_net, jobs):
    """Runs them, as many together as `jobs`, those that measure time one by one; the counts."""
    counts = {"pass": 0, "FAIL": 0, "skip": 0}
    threading.Thread(target=watch, args=(counts,), daemon=True).start()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        together = {pool.submit(run_one, c, no_net): c for c in cases if not c["alone"]}
        for future in concurrent.futures.as_completed(together):
            show(together[future], future.result(), counts)
    for case in cases:
        if case["alone"]:
            show(case, run_one(case, no_net), counts)
    return counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--spile", default=harness.Bench.spile_path)
    parser.add_argument("--sanitized", action="store_true", help="the program is slow and watchful")
    parser.add_argument("-k", default="", help="only tests whose name matches this regular expression")
    parser.add_argument("-j", type=int, default=8 * patience.cores(), help="how many at once: most of them wait")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    no_net = "" if options.list else namespace.enter()
    gc.set_threshold(100_000)  # what tests hold they hold to their end: to look for garbage often finds none
    sys.setswitchinterval(0.001)  # those that wait a thousand times get on beside those that count
    # What a shell starts with & ignores SIGINT, and so would the children that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    for path in sorted(HERE.glob("test_*.py")):
        importlib.import_module(path.stem)
    cases = [c for c in harness.TESTS if re.search(options.k, c["name"]) and not (c["plain"] and options.sanitized)]
    cases.sort(key=lambda c: not set(c["needs"]) & OTHERS_TIME)  # what waits the longest begins first
    if options.list:
        print(*(c["name"] for c in cases), sep="\n")
        return 0
    harness.Bench.spile_path = str(pathlib.Path(options.spile).resolve())
    harness.Bench.sanitized = options.sanitized
    # Who is stopped at once ends without having joined threads that have ended; that is no leak.
    os.environ["TSAN_OPTIONS"] = "report_thread_leaks=0:" + os.environ.get("TSAN_OPTIONS", "")
    harness.Bench.patience = patience.patience() * (3.0 if options.sanitized else 1.0)
    print(f"{len(cases)} tests", flush=True)
    if not no_net:
        lab.prepare()

    try:
        counts = run_all(cases, no_net, options.j)
    finally:
        lab.close()
    print(f"{counts['pass']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return 1 if counts["FAIL"] else 0


sys.exit(main())
