// What the page shows is what the API says.
import fs from "node:fs";
import { exchange, frame } from "./frames.mjs";
import { assert, near, parsed, test, textOf, until } from "./lab.mjs";

const CAPTURES = ["unbound", "knot", "dnsdist"];
const FRAMES = 8263 + 6039 + 6076;

/** Compares every tile with a reply of api/v1/statistics. */
async function tilesEqual(page, reply) {
    const { queries, responses, distinct, latency } = reply.statistics;
    const others = reply.side === "upstream" ? "servers" : "clients";
    const wholes = {
        "#more-queries": queries.events, "#more-responses": responses.events,
        [`#number-${others}`]: distinct[others], "#number-domains": distinct.domains,
    };
    for (const [selector, value] of Object.entries(wholes))
        await until(`${selector} shows ${value}`, async () => parsed(await textOf(page, selector)) === value);
    const nearly = {
        "#number-nxdomain": (responses.rcodes.NXDOMAIN ?? 0) / responses.events,
        "#number-servfail": (responses.rcodes.SERVFAIL ?? 0) / responses.events,
        "#number-p50": latency.p50, "#number-p99": latency.p99,
    };
    for (const [selector, value] of Object.entries(nearly))
        near(parsed(await textOf(page, selector)), value, selector);
}

const rowsOf = (page, id) => page.locator(`#top-${id} .rank`).evaluateAll((rows) =>
    rows.map((row) => [row.querySelector(".name").textContent, Number(row.querySelector(".amount").title)]));

test("tiles, tables and streams equal the API", async (t) => {
    const spile = await t.spile();
    spile.send(...CAPTURES);
    await spile.counted(FRAMES);
    const page = await t.page(spile);
    const names = { client: ["clients", "clients-nxdomain", "clients-servfail", "clients-refused", "clients-nodata"],
        upstream: ["servers-failing", "servers-slow"] };
    for (const side of ["client", "upstream"]) {
        await page.locator(`#sides [data-choice=${side}]`).click();
        await tilesEqual(page, await spile.api(`statistics?side=${side}`));
        const lists = ["domains", "registrable", "tlds", "domains-failing", "domains-slow", "domains-nxdomain", "domains-servfail", "domains-refused",
            "domains-nodata", ...names[side]];
        const { tables } = await spile.api(`tables?n=10&list=${lists}&side=${side}`);
        for (const table of tables)
            await until(`${table.list} of ${side}`, async () =>
                JSON.stringify(await rowsOf(page, table.list)) === JSON.stringify(table.rows.map((row) => [row.name, row.value])));

        const { streams } = await spile.api(`streams?by=load&side=${side}`);
        assert.equal(streams.length, 3);
        const cells = () => page.locator("#streams tbody tr").evaluateAll((rows) => rows.map((r) => [...r.cells].map((c) => c.innerText)));
        await until(`streams of ${side}`, async () => JSON.stringify((await cells()).map((c) => [c[0], parsed(c[3]), parsed(c[4])])) ===
            JSON.stringify(streams.map((s) => [s.name, s.queries, s.responses])));
    }

    const { outputs } = await spile.api("outputs");
    const output = await page.locator("#outputs tbody tr").first().locator("td").allInnerTexts();
    assert.deepEqual([output[0], parsed(output[2]), parsed(output[3])], [outputs[0].name, FRAMES, FRAMES]);
    const input = await page.locator("#inputs tbody tr").first().locator("td").allInnerTexts();
    assert.deepEqual([input[1], parsed(input[2]), parsed(input[5])], ["open", 3, FRAMES]);
});

test("frames that never came are told, by stream", async (t) => {
    // One worker has all queries in one ring: each that comes tells that the window of earlier ones is over.
    const spile = await t.spile({ more: "threads: 1" });
    const begin = Math.floor(Date.now() / 1000) - 100;
    const [unanswered, unasked, count] = [10, 20, 40]; // one a second; latency-window is ten
    const halves = (n) => exchange({ name: `${n}.test`, second: begin + n }).filter((_, half) =>
        !(n === unanswered && half === 1) && !(n === unasked && half === 0));
    spile.events([...Array(count).keys()].flatMap(halves));
    spile.events([frame({ name: "asks.test", identity: "asks" })]);
    await spile.counted(2 * count - 1);
    const page = await t.page(spile);
    const cells = () => page.locator("#streams tbody tr").evaluateAll((rows) => rows.map((r) => [r.cells[0].innerText, r.cells[8].innerText]));
    await until("both halves, and who sends but one", async () => JSON.stringify(await cells()) === JSON.stringify([
        ["lab", "1 unanswered, 1 unasked, an estimated 2.5 % of its frames lost at the source"], ["asks", "not known"]]));
});

test("latencies that are left out are told", async (t) => {
    const spile = await t.spile();
    const what = { name: "left.test", response: true };
    spile.events([frame(what), frame({ ...what, asked: 0 }), frame({ ...what, asked: 4e9 }), frame({ ...what, asked: 4e9 })]);
    await spile.counted(4);
    const page = await t.page(spile);
    const cell = page.locator("#streams tbody td").nth(7);
    await until("the latency of the one that is left", async () => (await cell.innerText()) !== "–");
    assert.equal(await cell.getAttribute("title"), "without the responses left out: 2 that came before their query " +
        "(clocks disagree) and 1 that came later than latency-window");
});

test("events of another time are told, of all and by stream", async (t) => {
    const spile = await t.spile();
    const then = Date.UTC(2026, 0, 31, 23, 59, 58) / 1000;
    const when = (second) => frame({ name: "then.test", identity: "sent", second });
    spile.events([when(then + 1), when(then), when(then + 3)]);
    await spile.counted(3);
    const page = await t.page(spile);
    const words = "events of 2026-01-31 23:59:58 - 2026-02-01 00:00:01 UTC; rates are of their arrival";
    const cells = () => page.locator("#streams tbody tr").evaluateAll((rows) => rows.map((r) => [r.cells[0].innerText, r.cells[9].innerText]));
    await until("the stream's row", async () => JSON.stringify(await cells()) === JSON.stringify([["sent", words]]));
    await until("the heading", async () => (await textOf(page, "#now-note")).endsWith(`UTC; ${words}`));
    assert.match(await page.locator("#streams tbody td").nth(9).getAttribute("title"),
        /^what came last did so \d+ d( \d+ (h|min|s))? after its own time: a recording, or a server whose clock is wrong$/);

    const ahead = Math.floor(Date.now() / 1000) + 7200;
    spile.events([frame({ name: "now.test", identity: "alive" }), frame({ name: "soon.test", identity: "ahead", second: ahead })]);
    await spile.counted(5);
    await until("three streams", async () => (await cells()).length === 3);
    const [, alive, fast] = await cells();
    assert.deepEqual([alive, fast[0]], [["alive", "now"], "ahead"]);
    assert.match(await page.locator("#streams tbody tr").nth(2).locator("td").nth(9).getAttribute("title"), / before its own time: /);
    await page.selectOption("#stream", "alive");
    await until("nothing to tell of one that is alive", async () => !(await textOf(page, "#now-note")).includes("rates are of"));
});

test("a socket that servers cannot reach is told, as long as it is so", async (t) => {
    const spile = await t.spile();
    const page = await t.page(spile);
    fs.chmodSync(spile.socket, 0o600);
    await until("the hint", async () => (await textOf(page, ".hints")).includes("mode 0600 lets no other user connect"));
    fs.chmodSync(spile.folder, 0o755);
    fs.chmodSync(spile.socket, 0o666);
    await until("no hint", () => page.locator(".hints").isHidden());
});

test("the stream chooser", async (t) => {
    const spile = await t.spile();
    spile.send(...CAPTURES);
    await spile.counted(FRAMES);
    const page = await t.page(spile);
    await until("streams to choose from", async () => (await page.locator("#stream option").count()) === 4);
    await page.selectOption("#stream", "knot-test");
    await tilesEqual(page, await spile.api("statistics?stream=knot-test"));
    const { tables: [domains] } = await spile.api("tables?list=domains&stream=knot-test");
    await until("the stream's domains", async () =>
        JSON.stringify(await rowsOf(page, "domains")) === JSON.stringify(domains.rows.map((r) => [r.name, r.value])));
    await until("that stream alone", async () => (await page.locator("#streams tbody .link").allInnerTexts()).join() === "knot-test");
    assert.match(page.url(), /&stream=knot-test$/);
    assert.equal(await textOf(page, ".chip b"), "knot-test");
    await page.goBack();
    await tilesEqual(page, await spile.api("statistics"));
    assert.equal(await page.inputValue("#stream"), "");
});

test("charts are of the same numbers, as pictures and as tables", async (t) => {
    const spile = await t.spile();
    spile.send("unbound");
    const { statistics } = await spile.counted(8263);
    await spile.remembered(8263);
    const page = await t.page(spile);
    const { events, marks: { nodata } } = statistics.responses;
    const rcodes = { ...statistics.responses.rcodes, NODATA: nodata };
    rcodes.NOERROR -= nodata;
    assert.ok(nodata > 0 && rcodes.NOERROR > 0);
    await until("shares of results", async () => (await page.locator("#chart-rcodes .key").count()) === Object.keys(rcodes).length);
    const keys = await page.locator("#chart-rcodes .key").evaluateAll((all) => all.map((k) => [k.children[1].textContent, k.children[2].textContent]));
    for (const [name, part] of keys)
        near(parsed(part), rcodes[name] / events, name);
    const timed = await page.locator("#chart-latency canvas").getAttribute("aria-label");
    near(parsed(timed.match(/: (\S+) responses/)[1]), statistics.latency.count, "responses on the heat map");

    await page.locator("#chart-rcodes summary").click();
    const head = await until("the table", async () => {
        const cells = await page.locator("#chart-rcodes thead th").allInnerTexts();
        return cells.length && cells;
    });
    assert.deepEqual(head.slice(1).sort(), Object.keys(rcodes).map((name) => `${name}/s`).sort());
    const rates = await page.locator("#chart-rcodes tbody tr").evaluateAll((rows) => rows.map((r) => r.cells[1].textContent));
    assert.ok(rates.some((text) => /\d/.test(text) && text !== "0"), `rates: ${rates}`);
    // The upper edge of the uppermost of the stacked areas is the sum of all.
    const { top, sum } = await page.evaluate(() => {
        const chart = Chart.getChart(document.querySelector("#chart-rcodes canvas"));
        const { datasets } = chart.data;
        const sums = datasets[0].data.map((_, i) => datasets.reduce((a, d) => a + (d.data[i].y ?? 0), 0));
        const edge = chart.getDatasetMeta(datasets.length - 1).data.map((point) => chart.scales.y.getValueForPixel(point.y));
        return { top: Math.max(...edge.filter(Number.isFinite)), sum: Math.max(...sums) };
    });
    near(top, sum, "the top of the stack");
    assert.ok(sum > 100, `${sum} responses a second`);
    for (const id of ["rcodes", "qtypes", "transports", "latency"]) {
        const drawn = await page.locator(`#chart-${id} canvas`).evaluate((canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const seen = new Set();
            for (let i = 0; i < data.length; i += 4)
                if (data[i + 3] > 60)
                    seen.add(`${data[i] >> 4},${data[i + 1] >> 4},${data[i + 2] >> 4}`);
            return seen.size;
        });
        assert.ok(drawn > 4, `${id}: ${drawn} colours`);
    }
});

test("what the page waits for, and who shares a name", async (t) => {
    const spile = await t.spile();
    const page = await t.page(spile);
    const [note] = await page.locator("#waiting").allInnerTexts();
    assert.equal(note.split("\n")[0], `Waiting for a DNS server on unix:${spile.socket}.`, "at once");
    assert.match(note, /mode 0660 lets no other user connect/, "and what may be wrong");
    const [first, second] = [1, 2].map((n) => spile.sender(exchange({ name: `${n}.test`, identity: "one" })));
    await until("both are told of", async () => /^“one” comes from 2 hosts at once/.test(await textOf(page, "#flow-note")));
    await until("nothing is waited for", async () => !(await page.locator("#waiting").isVisible()));
    assert.equal(await page.locator("#streams tbody td").last().innerText(), "2 connections from 2 hosts");
    first.kill();
    await until("one is left", async () => !(await textOf(page, "#flow-note")).includes("“one”"));
    second.kill();
});

test("connections that a limit ends are counted, and the limit is named", async (t) => {
    const spile = await t.spile({ input: "idle-timeout: 20ms" });
    const page = await t.page(spile);
    const cut = page.locator("#inputs tbody tr").first().locator("td").nth(4);
    assert.equal(await cut.innerText(), "0");
    spile.sender([]);
    spile.sender([]);
    await until("both are told", async () => (await cut.innerText()) === "2");
    assert.equal(await cut.getAttribute("title"), "2 idle-timeout");
    assert.equal(await page.locator("#inputs th").nth(4).innerText(), "Cut");
});

test("a server that goes away, and comes back", async (t) => {
    const spile = await t.spile({ web: "listen: 127.0.0.1:0" });
    spile.send("kdig-tool");
    const page = await t.page(spile);
    const port = new URL(spile.url).port;
    await spile.stop("SIGKILL");
    await until("stale", async () => (await page.locator("#state").getAttribute("data-state")) === "stale", 20);
    assert.match(await textOf(page, "#state"), /^stale: .* since \d\d:\d\d:\d\d UTC$/);
    t.expected = /Failed to load resource|net::/; // the browser's own lines about connections that were refused
    await t.spile({ web: `listen: 127.0.0.1:${port}` });
    await until("live again", async () => (await page.locator("#state").getAttribute("data-state")) === "live", 20);
});
