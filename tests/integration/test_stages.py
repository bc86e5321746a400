"""Stages of the configuration: what they drop is accounted for everywhere, and what passes is the same
everywhere."""
import json
import signal

from harness import CAPTURES, equal, limit, test, wait_for
from test_api import CONFIG, Api

CAPTURE, FRAMES = CAPTURES / "unbound.fstrm.xz", 8263
OUTPUTS = """
  - file: {path: @DIR@/@NAME@.json, format: json}
  - file: {path: @DIR@/@NAME@.fstrm, format: fstrm}
  - "null": {}
"""


def run(t, name, stages, more=""):
    """`spile run` of the capture through the stages, to its end; the ledgers by output."""
    path, ledger = t.path(name + ".yaml"), t.path(name + ".ledger")
    outputs = OUTPUTS.replace("@DIR@", str(t.folder)).replace("@NAME@", name)
    path.write_text(f"{more}inputs: [file: {{path: {CAPTURE}}}]\nstages: {stages}\noutputs:{outputs}")
    t.run("config", "check", path)
    t.run("run", "-c", path, "--ledger", ledger, seconds=60)
    return {row["output"]: row for row in json.loads(ledger.read_text())}


def records(t, name):
    return [json.loads(line) for line in t.path(name + ".json").read_text().splitlines()]


def without(record, *keys):
    return {key: value for key, value in record.items() if key not in keys}


@test()
def a_sample_adds_up(t):
    """Each output counts what was dropped as filtered; all of them have the same events, which say for how many they
    stand, and are what they were without a sample."""
    run(t, "all", "[]")
    everything = records(t, "all")
    equal(len(everything), FRAMES, "events")
    ledgers = run(t, "some", "[sample: {rate: 10, seed: some}]")
    some = records(t, "some")
    assert FRAMES / 10 * 0.8 < len(some) < FRAMES / 10 * 1.2, f"{len(some)} of {FRAMES} passed"
    equal(set(ledgers), {"file", "file#2", "null"}, "outputs")
    for name, row in ledgers.items():
        equal((row["received"], row["delivered"], row["filtered"]), (FRAMES, len(some), FRAMES - len(some)), f"ledger of {name}")
        equal((row["in-flight"], sum(row["dropped"].values())), (0, 0), f"what {name} lost")
    equal({record["sample-rate"] for record in some}, {10}, "the rate")
    kept = iter(everything)
    assert all(any(without(record, "sample-rate") == other for other in kept) for record in some), "what passed, in its order"
    frames = t.run("read", "-o", "json", t.path("some.fstrm")).stdout.decode().splitlines()
    equal([without(json.loads(line), "latency", "peer") for line in frames],
          [without(record, "latency", "peer", "sample-rate") for record in some], "frames")


@test()
def the_seed_decides(t):
    """The same events wherever it is the same, others where it is not."""
    texts = {}
    for name, seed in ("one", "a"), ("again", "a"), ("other", "b"):
        run(t, name, f"[sample: {{rate: 5, seed: {seed}}}]", "threads: 2\n")
        texts[name] = t.path(name + ".json").read_text()
    assert texts["one"] == texts["again"] != texts["other"]


@test()
def clients_and_names_are_kept_whole(t):
    """Nobody, and no name, is among those that passed and those that did not. Of two, the second has less."""
    run(t, "all", "[]")
    everything = records(t, "all")
    for by, key in ("client", "query-ip"), ("name", "qname"):
        run(t, by, f"[sample: {{rate: 3, by: {by}, seed: x}}]")
        some = records(t, by)
        chosen = {record[key].lower() for record in some if record[key]}
        wanted = sum(1 for record in everything if record[key] and record[key].lower() in chosen)
        equal(sum(1 for record in some if record[key]), wanted, f"events of what was chosen by {by}")
    assert 0 < len(some) < len(everything)
    run(t, "twice", "[sample: {rate: 2, by: name, seed: x}, sample: {rate: 3, seed: x}]")
    twice = records(t, "twice")
    equal({record["sample-rate"] for record in twice}, {6}, "the rate of both")


@test()
def fields_may_be_asked_for(t):
    path = t.path("text.yaml")
    path.write_text(f"inputs: [file: {{path: {CAPTURE}}}]\nstages: [sample: {{rate: 1}}]\n"
                    "outputs: [stdout: {fields: [dns.id, sample.rate]}]\n")
    lines = t.run("run", "-c", path).stdout.decode().splitlines()
    equal((len(lines), {line.split()[1] for line in lines}), (FRAMES, {"1"}), "columns")
    read = t.run("read", "--fields", "sample-rate", "-n", "3", CAPTURE).stdout.decode()
    equal(read, "-\n-\n-\n", "without a stage")


def statistics(t, name, more):
    """What statistics have of all of the capture behind a sample, and how many events passed."""
    api = Api(t, CONFIG + "stages:\n  - sample: {rate: 4, seed: s}\n" + more, name=name)
    api.send(CAPTURE)
    ledger = wait_for("all came", lambda: (row := api.get("ledger")["outputs"][0])["received"] == FRAMES and row, 20)
    passed = ledger["delivered"]
    equal(ledger["filtered"], FRAMES - passed, "what was dropped")
    wanted = FRAMES if more else passed
    wait_for("they are counted", lambda: total(api) >= wanted, 20)
    equal(total(api), wanted, "events that are counted")
    equal(api.get("status")["events"]["received"], FRAMES, "what came")
    wait_for("a rate of what came", lambda: api.get("status")["events"]["rate"] > 0)
    counts = {"passed": passed, "dropped": FRAMES - passed, "changed": 0}
    latency = {"name": "latency", "module": "latency", "configured": False, "dropped": 0, "changed": 0, "passed": FRAMES}
    equal(api.get("stages")["stages"], [latency, {"name": "sample", "module": "sample", "configured": True, **counts}],
          "stages")
    metrics = api.ask("/metrics")[1].decode()
    for key, number in counts.items():
        assert f'spile_stage_{key}_total{{stage="sample"}} {number}\n' in metrics, f"the metric {key}"
    hints = [hint for hint in api.get("status")["hints"] if hint.get("stage")]
    part = f"has dropped {100 * (FRAMES - passed) / FRAMES:.3g} % of its events"
    equal([(hint["stage"], part in hint["hint"]) for hint in hints], [] if more else [("sample", True)], f"hints: {hints}")
    equal(api.get("config")["stages"], [{"sample": {"rate": 4, "by": "event", "seed": "s"}}], "the configuration")
    equal(api.spile.stop(seconds=limit(10)), 0, "exit status")
    return passed


def total(api):
    sides = [api.get("statistics", side=side)["statistics"] for side in ("client", "upstream")]
    return sum(side[way]["events"] for side in sides for way in ("queries", "responses"))


@test()
def statistics_stand_behind_or_before(t):
    """They show what outputs get; or, where that is asked for, what came."""
    behind = statistics(t, "behind", "")
    before = statistics(t, "before", "statistics: {before-stages: true}\n")
    assert 0 < behind == before < FRAMES


@test()
def stages_change_while_it_runs(t):
    """SIGHUP: what came before passed the old ones, what comes then the new ones; counters go on."""
    text = CONFIG + "stages:\n  - sample: {rate: 1}\n"
    api = Api(t, text)
    api.send(CAPTURE)
    wait_for("the first came", lambda: api.get("ledger")["outputs"][0]["delivered"] == FRAMES, 20)
    t.path("spile.yaml").write_text((text.replace("rate: 1", "rate: 20") + "  - sample: {rate: 1, name: rest}\n").replace("@DIR@", str(t.folder)))
    api.spile.send(signal.SIGHUP)
    wait_for("they have changed", lambda: len(api.get("stages")["stages"]) == 3, 20)
    api.send(CAPTURE)
    ledger = wait_for("all came", lambda: (row := api.get("ledger")["outputs"][0])["received"] == 2 * FRAMES and row, 20)
    passed = ledger["delivered"] - FRAMES
    equal(ledger["filtered"], FRAMES - passed, "what was dropped")
    assert FRAMES / 20 * 0.7 < passed < FRAMES / 20 * 1.3, f"{passed} of {FRAMES} passed"
    rows = {row["name"]: (row["passed"], row["dropped"]) for row in api.get("stages")["stages"]}
    equal(rows, {"latency": (2 * FRAMES, 0), "sample": (FRAMES + passed, FRAMES - passed), "rest": (passed, 0)}, "stages")
    assert f'spile_stage_passed_total{{stage="rest"}} {passed}\n' in api.ask("/metrics")[1].decode(), "the metric"


@test()
def formats_of_an_older_program_show_what_passed(t):
    """Its keys are its own: they have no rate. Its latencies are of all events, as without stages."""
    run(t, "all", "[]", "compat: dnstap-receiver\n")
    ledgers = run(t, "some", "[sample: {rate: 10, seed: some}]", "compat: dnstap-receiver\n")
    some, kept = records(t, "some"), iter(records(t, "all"))
    assert all(any(record == other for other in kept) for record in some), "what passed, in its order"
    equal(ledgers["file"]["delivered"], len(some), "delivered")
    equal(ledgers["null"]["filtered"], FRAMES - ledgers["null"]["delivered"], "filtered")


@test()
def mistakes_are_told(t):
    """With their place, by `config check` and `run` alike."""
    path = t.path("wrong.yaml")
    for text, why in (
            ("stages: [sampel]\n", ":1:10: unknown stage 'sampel'; did you mean 'sample'?"),
            ("stages:\n  - sample: {rate: 0}\n", ":2:20: rate: '0' is out of range: from 1 to 1000000"),
            ("stages:\n  - sample: {by: adress}\n", ":2:18: by: 'adress' is not one of event, client, name"),
            ("stages:\n  - latency\n  - sample\n  - latency\n", ":4:5: latency: it is in the list already; there can be one"),
            ("stages:\n  - sample: {name: latency}\n", ":2:20: name: no other stage may be called latency"),
            ("stages:\n  - sample: {name: a}\n  - sample: {name: a}\n", ":3:20: sample: name: the sample in line 2 is called a already"),
            ("sample: {rate: 10}\n", ":1:1: 'sample' is one of the stages: it stands below 'stages:', as '- sample:'"),
    ):
        path.write_text(text)
        for command in ("config", "check", path), ("run", "-c", path):
            said = t.run(*command, status=None).stderr.decode()
            assert why in said, f"{said!r} instead of {why!r}"
