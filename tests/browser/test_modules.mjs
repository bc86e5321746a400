// The page's arithmetic, without a browser.
import { assert, near, test } from "./lab.mjs";
import * as format from "../../web/format.js";
import { Sums, tld } from "../../web/sums.js";
import { bucketOf, bucketRow, bucketValue, pairsGrown } from "../../web/buckets.js";
import * as cover from "../../web/cover.js";
import { ofServer } from "../../web/numbers.js";
import { KEEP_MS, Timeline, rowBound, rowOf } from "../../web/timeline.js";
import { firstKnown, pictureOf, pointsOf, sums } from "../../web/source.js";

const START = 1_700_000_000_000;

/** Sums that grow by n of each a step. */
const at = (time, n) => ({ time: START + time, queries: n, responses: n, rcodes: { NOERROR: n }, qtypes: { A: n }, transports: { UDP: 2 * n }, fine: n ? [300, n] : [] });

/** All that a group of a picture amounts to. */
function total(picture, group, name) {
    return picture[group].get(name).reduce((a, rate) => a + (rate ?? 0) * (picture.width / 1000), 0);
}

test("a picture has all events, however wide its columns", async () => {
    const timeline = new Timeline();
    let n = 0;
    for (let t = 0; t <= 600e3; t += 1000)
        timeline.push(at(t, n += (t / 1000) % 7));
    for (const columns of [6, 60, 300, 600]) {
        const picture = timeline.picture(START, START + 600e3, columns);
        assert.equal(picture.times.length, columns);
        near(total(picture, "rcodes", "NOERROR"), n, `${columns} columns`, 1e-6);
        near(picture.heat.reduce((a, column) => a + (column[5] ?? 0), 0), n, "the heat map", 1e-6);
    }
});

test("a timeline begins anew when the numbers do, and forgets what is old", async () => {
    const timeline = new Timeline();
    timeline.push(at(0, 100));
    timeline.push(at(1000, 200));
    assert.equal(timeline.push(at(2000, 5)), null, "a reset");
    assert.equal(timeline.push(at(3000, 25)).queries, 20);
    assert.equal(timeline.push(at(3000, 30)), null, "the same moment again");
    timeline.push(at(3000 + KEEP_MS, 30));
    timeline.push(at(1000 + 2 * KEEP_MS, 31));
    timeline.push(at(4000 + 2 * KEEP_MS, 33));
    assert.deepEqual(timeline.points.map((p) => p.queries), [1, 2]);
    assert.equal(timeline.push(at(4001 + 3 * KEEP_MS, 34)), null, "nobody was looking, or a clock was set");
});

test("a clock that is set: what is to come goes, and points are bounded for days", async () => {
    const timeline = new Timeline();
    const year = 365 * 86400e3;
    let n = 0;
    const live = (from, to, step) => {
        for (let t = from; t < to; t += step) {
            timeline.push(at(t, n += 2));
            assert.ok(timeline.points.length <= 2000, `${timeline.points.length} points`);
        }
    };
    live(0, 100e3, 1000);
    live(-year, -year + 86400e3, 1000); // a day after a step back
    const end = START - year + 86400e3;
    assert.ok(timeline.points.length >= 899 && timeline.points.length <= 902, `${timeline.points.length} points`);
    assert.ok(timeline.since >= end - KEEP_MS - 2000 && timeline.since < end, "the oldest is not of the future");
    near(total(timeline.picture(end - 60e3, end, 60), "rcodes", "NOERROR"), 120, "the last minute", 0.03);
    live(0, 5000, 1000); // and forward again
    assert.ok(timeline.points.every(({ from, to }) => from >= START && to <= START + 5000 && from < to));
    timeline.push(at(2000, n += 2)); // back by seconds
    timeline.push(at(3000, n += 2));
    assert.deepEqual(timeline.points.map(({ to }) => to - START), [1000, 2000, 3000, 4000, 3000]);
    live(10e3, 10e3 + KEEP_MS, 100);
    timeline.fill(Array.from({ length: 5000 }, (_, i) => ({ ...timeline.points[0], from: START + i * 1000, to: START + (i + 1) * 1000 })));
    live(10e3 + KEEP_MS, 12e3 + KEEP_MS, 1000);
});

test("what nobody has seen is a gap, not a zero", async () => {
    const timeline = new Timeline();
    timeline.push(at(0, 0));
    timeline.push(at(1000, 10));
    const picture = timeline.picture(START - 3000, START + 3000);
    assert.deepEqual(picture.rcodes.get("NOERROR"), [null, null, null, 10, null, null]);
});

test("history takes the place of what the page has of the same time", async () => {
    const timeline = new Timeline();
    for (let t = 0; t <= 10e3; t += 1000)
        timeline.push(at(t, t));
    const reply = { step: 1000, times: [-2, -1, 0, 1, 2].map((s) => START + s * 1000), heat: [[], [0, 3], [], [], []],
        fine: [[], [1, 2, 64, 1], [], [], []], whole: { "latency.p50": 0.001 },
        series: { observed: [null, 1, 1, 1, 1], queries: [null, 3, 7, 7, 7], responses: [null, 3, 7, 7, 7],
            "rcode.NOERROR": [null, 3, 7, 7, 7], "transport.UNKNOWN": [null, 1, 0, 0, 0] } };
    assert.equal(firstKnown(reply), START - 1000);
    timeline.fill(pointsOf(reply));
    assert.deepEqual(timeline.points.map((p) => p.queries), [3, 7, 7, 7, ...new Array(7).fill(1000)]);
    assert.deepEqual(timeline.points[0].rows, { 1: 3 });
    const picture = pictureOf(reply, START - 2000, START + 3000);
    assert.deepEqual(picture.rcodes.get("NOERROR"), [null, 3, 7, 7, 7]);
    assert.deepEqual([...picture.transports.keys()], ["unknown"]);
    assert.deepEqual(picture.whole, { p50: 0.001, p99: null });
});

test("NODATA is a result of its own: of the statistics, of history, and of events", async () => {
    const now = reply(0, {}, 10);
    now.statistics.responses.marks.nodata = 4;
    assert.deepEqual(sums(now).rcodes, { NOERROR: 6, NODATA: 4 });
    const past = { step: 1000, times: [START, START + 1000, START + 2000], heat: [], fine: [], whole: {},
        series: { observed: [1, 1, 1], responses: [9, 9, 9], nodata: [null, 0, 5], "rcode.NOERROR": [8, 8, 8], "rcode.NXDOMAIN": [1, 1, 1] } };
    const { rcodes } = pictureOf(past, START, START + 3000);
    assert.deepEqual([rcodes.get("NOERROR"), rcodes.get("NODATA"), rcodes.get("NXDOMAIN")], [[8, 8, 3], [null, 0, 5], [1, 1, 1]]);
    assert.deepEqual(pointsOf(past).map((point) => point.rcodes), [{ NOERROR: 8, NXDOMAIN: 1 }, { NOERROR: 8, NXDOMAIN: 1 }, { NOERROR: 3, NODATA: 5, NXDOMAIN: 1 }]);
    const live = new Sums();
    for (const nodata of [true, false, true])
        live.add({ direction: "response", qname: "a.", rcode: "NOERROR", nodata, transport: "UDP" });
    assert.deepEqual({ ...live.take().rcodes }, { NODATA: 2, NOERROR: 1 });
});

test("rows of latency: of history, of the statistics, and of events agree", async () => {
    assert.equal(rowOf(1e-9), 0);
    assert.equal(rowOf(1024e-9), 0, "up to 2^10 ns");
    assert.equal(rowOf(1025e-9), 1);
    for (let row = 0; row < 32; row++)
        assert.equal(rowOf(rowBound(row)), row);
    assert.deepEqual(sums(reply(1, { 0: 5, 64: 6, 65: 7 }, 18)).fine, [0, 5, 64, 6, 65, 7]);
    for (let ns = 100; ns < 1e15; ns = Math.floor(ns * 1.01) + 1) {
        const bucket = bucketOf(ns / 1e9);
        if (ns >= 1024 && ns < 2 ** 42)
            near(bucketValue(bucket), ns / 1e9, `bucket of ${ns} ns`, 1 / 128);
        if (ns < 2 ** 42)
            assert.equal(bucketRow(bucket), rowOf((ns + 0.5) / 1e9), `row of ${ns} ns`);
    }
    assert.deepEqual([0, 1023, 1024, 1039, 1040, 2047, 2048, 2 ** 42 - 1, 2 ** 42].map((ns) => bucketOf(ns / 1e9)),
        [0, 0, 1, 1, 2, 64, 65, 2048, 2049], "as src/stats/quantile.h has them");
});

/** The server's reply with latencies by bucket. */
function reply(time, fine, responses) {
    const direction = { events: responses, rcodes: { NOERROR: responses }, qtypes: {}, transports: {}, marks: { nodata: 0 } };
    const rate = { second: 0 };
    return { time: START + time, side: "client", window: "1m", from: START + time - 60e3, "streams-from": START + time - 60e3, "distinct-from": START + time - 60e3,
        to: START + time, seconds: 60, exact: true, malformed: 0, statistics: { queries: direction, responses: direction, rates: { queries: rate, responses: rate },
        distinct: { clients: 1, domains: 1, servers: 1 }, "distinct-exact": { clients: true, domains: true, servers: true }, latency: { count: responses, p50: 0.01, p99: 0.2, fine, apart: [] } } };
}

test("tiles are of the side and the window of the reply", async () => {
    const numbers = ofServer(reply(121e3, {}, 660), []);
    assert.deepEqual(numbers.queries.slice(0, 2), ["11", "660 in 1 min"]);
    assert.deepEqual(numbers.p50.slice(0, 2), ["10 ms", "of 660 responses"]);
    assert.deepEqual(numbers.nxdomain.slice(0, 2), ["0 %", "0 of 660 responses"]);
    assert.ok(numbers.clients && !numbers.servers);
    assert.equal(numbers.lost[1], "by all outputs since the start; 0 malformed in the window");
    assert.equal(ofServer({ ...reply(121e3, {}, 660), window: "all" }, []).lost[1], "by all outputs since the start; 0 malformed");
    const upstream = ofServer({ ...reply(121e3, {}, 660), side: "upstream", seconds: 0 }, []);
    assert.ok(upstream.servers && !upstream.clients);
    assert.deepEqual(upstream.queries.slice(0, 2), ["0", "660 in 0 s"], "before the first second is over");
    const asked = { queries: 200, unanswered: 30, timeouts: 28, retries: 4, cache: { efficiency: 0.75, answers: 800 } };
    const { unanswered, retries, cache } = ofServer({ ...reply(121e3, {}, 660), side: "upstream" }, [], asked);
    assert.deepEqual([unanswered, retries, cache],
        [["15 %", "30 of 200 queries; 28 timed out"], ["2 %", "4 of 200 queries"], ["75 %", "of 800 answers to clients"]]);
});

test("each distinct number says how exact it is, and since when", async () => {
    const made = reply(121e3, {}, 660);
    made.statistics["distinct-exact"].domains = false;
    made.exact = false;
    const whole = ofServer(made, []);
    assert.deepEqual([whole.clients[1], whole.domains[1]], ["exactly", "to within 1 %"]);
    // Memory is short: of a single stream counts are of half of the minute, and distinct numbers of a sixth.
    const short = { ...made, "streams-from": made.to - 30e3, "distinct-from": made.to - 10e3 };
    assert.deepEqual(ofServer(short, []), whole, "all streams together have everything");
    const single = ofServer(short, [], null, true);
    assert.deepEqual(single.queries.slice(0, 2), ["22", "660 in 30 s"], "rates are of the time that is covered");
    assert.equal(single.domains[1], `to within 1 %, since ${format.clock(made.to - 10e3, { zone: true })}`);
    assert.equal(cover.ofStreams(short, "clients"), `counts since ${format.clock(made.to - 30e3, { zone: true })}, clients since `
        + `${format.clock(made.to - 10e3, { zone: true })}: ${cover.WHY}`);
    assert.equal(cover.ofStreams(made, "clients"), "");
    assert.equal(cover.ofStreams({ ...short, window: "all" }, "clients"), "", "since the start nothing is forgotten");
});

test("a column's latencies are as precise as those since the start", async () => {
    // 90 % took 10 ms, 10 % 200 ms; before that all took five minutes.
    const [quick, slow, long] = [0.01, 0.2, 300].map(bucketOf);
    const timeline = new Timeline();
    timeline.push(sums(reply(0, { [long]: 1 }, 1)));
    timeline.push(sums(reply(1000, { [long]: 50 }, 50)));
    for (let s = 61; s <= 121; s++)
        timeline.push(sums(reply(s * 1000, { [quick]: 9 * (s - 60), [slow]: s - 60, [long]: 50 }, 50 + 10 * (s - 60))));
    const picture = timeline.picture(START, START + 122e3, 61);
    near(picture.p50.at(-3), 0.01, "a column's median", 0.01);
    near(picture.p99.at(-3), 0.2, "and its p99", 0.01);
    near(picture.p50[0], 300, "five minutes", 0.01);
    near(picture.whole.p99, 300, "of all", 0.01);
    assert.equal(pairsGrown([1, 5], [1, 4]), null, "it shrank");
    assert.equal(pairsGrown([1, 5], [2, 6]), null, "it is gone");
    assert.deepEqual(pairsGrown([2, 5, 9, 1], [1, 1, 2, 5, 9, 3]), [1, 1, 9, 2]);
    assert.deepEqual(new Timeline().picture(START, START + 5000).p50, [null, null, null, null, null]);
});

test("sums of live events are bounded, and keep the frequent", async () => {
    const live = new Sums();
    const event = (name, i) => ({ direction: i % 2 ? "response" : "query", qname: name, client: "192.0.2.1", server: "192.0.2.2",
        rcode: i % 2 ? "NXDOMAIN" : "NOERROR", qtype: "A", transport: "UDP", latency: i % 2 ? i / 1e6 : null });
    for (let i = 0; i < 40000; i++)
        live.add(event(i % 4 ? `random${i}.test.` : `often${i % 3}.test.`, i));
    assert.equal(live.exact, false);
    assert.ok(live.distinct("domains") <= 5000);
    assert.deepEqual(live.top("domains", 3).map((r) => r.name).sort(), ["often0.test.", "often1.test.", "often2.test."]);
    assert.deepEqual([live.queries, live.responses, live.rcodes.NXDOMAIN], [20000, 20000, 20000]);
    near(live.latency.quantile(0.5), 0.02, "median", 0.01);
    near(live.latency.quantile(0.99), 0.0396, "p99", 0.01);
    assert.deepEqual(["a.b.com.", "com.", ".", "", "x\\.y.", "a.b\\.c"].map(tld), ["com", "com", ".", ".", "x\\.y", "b\\.c"]);
});

test("numbers as text", async () => {
    const rows = [
        [format.brief, [0, "0"], [0.001, "<0.01"], [0.5, "0.5"], [9.994, "9.99"], [9.996, "10"], [99.96, "100"], [999.4, "999"], [999.6, "1k"],
            [1234, "1.23k"], [999960, "1M"], [1e12, "1T"], [null, "–"]],
        [format.latency, [0.5, "0.5 µs"], [999, "999 µs"], [1000, "1 ms"], [1500000, "1.5 s"], [null, "–"]],
        [format.length, [0, "0 s"], [61e3, "1 min 1 s"], [3600e3, "1 h"], [90061e3, "1 d 1 h"], [-5, "0 s"]],
        [format.bytes, [999, "999 B"], [65536, "65.5kB"]],
        [format.exact, [1234567, "1,234,567"]],
    ];
    for (const [make, ...cases] of rows)
        for (const [value, text] of cases)
            assert.equal(make(value), text, `${make.name}(${value})`);
    assert.equal(format.share(1, 0), "–");
    assert.equal(format.share(1, 3), "33.3 %");
    assert.equal(format.share(1, 1e6), "<0.1 %");
    assert.equal(format.share(7, 7), "100 %");
});
