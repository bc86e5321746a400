// Whose numbers, and of what time: both are chosen once for the whole page, and stand beside every number.
import http from "node:http";
import { exchange, frame } from "./frames.mjs";
import { assert, near, parsed, test, textOf, until } from "./lab.mjs";

/** What clients asked, and what was asked upstream for it: numbers that no sum of both can be taken for. */
const clients = () => [
    ...Array(14).fill({ name: "www.one.test", client: "192.0.2.1", ms: 4 }),
    ...Array(6).fill({ name: "nope.one.test", client: "192.0.2.2", rcode: "NXDOMAIN", ms: 4 }),
].flatMap(exchange);
const upstream = () => [
    ...Array(3).fill({ name: "one.test", server: "198.51.100.8", type: "AAAA", ms: 50 }),
    { name: "one.test", server: "198.51.100.9", type: "AAAA", rcode: "SERVFAIL", ms: 50 },
].flatMap((what) => exchange({ ...what, upstream: true, client: "192.0.2.53" })).toSpliced(1, 1); // one was never answered

async function mixed(t, hash) {
    const spile = await t.spile();
    const [asked, others] = [clients(), upstream()];
    spile.events(others); // from here on it is known that this server asks others, of whom its answers to clients may be
    await spile.counted(others.length);
    spile.events(asked);
    await spile.counted(asked.length + others.length);
    await spile.remembered(asked.length + others.length);
    return { spile, page: await t.page(spile, { hash }) };
}

/** What `attempt` comes to; again, where it fails and the minute was over by then, as on a slow machine. */
async function withinTheMinute(t, attempt, more = 3) {
    const begin = performance.now();
    return attempt().catch(async (error) => {
        if (performance.now() - begin < 55e3 || more === 0)
            throw error;
        await t.clear();
        return withinTheMinute(t, attempt, more - 1);
    });
}

const hash = (page) => Object.fromEntries(new URLSearchParams(new URL(page.url()).hash.slice(1)));
const pressed = (page, group) => page.locator(`#${group} [aria-pressed=true]`).allInnerTexts();
const names = (page, list) => page.locator(`#top-${list} .name`).allInnerTexts();
const keys = async (page, chart) => (await page.locator(`#chart-${chart} .key`).allInnerTexts()).map((key) => key.split("\n")[0]).sort();

/** What the page says now, without waiting: everything comes with the first numbers. */
async function clientsShown(page, time) {
    assert.equal(await textOf(page, "#h-now"), `What clients asked, ${time}`);
    assert.equal(await textOf(page, "#h-time"), "Over time: what clients asked");
    assert.equal(parsed(await textOf(page, "#more-queries")), 20);
    assert.equal(await textOf(page, "#number-nxdomain"), "30 %");
    assert.equal(await textOf(page, "#more-nxdomain"), "6 of 20 responses");
    near(parsed(await textOf(page, "#number-p99")), 0.004, "p99", 0.01);
    assert.equal(await textOf(page, "#number-clients"), "2");
    for (const tile of ["servers", "unanswered", "cache"])
        assert.equal(await page.locator(`#number-${tile}`).isVisible(), false, tile);
    assert.deepEqual(await names(page, "clients"), ["192.0.2.1", "192.0.2.2"]);
    assert.deepEqual(await names(page, "domains"), ["www.one.test.", "nope.one.test."]);
    assert.deepEqual(await names(page, "domains-nxdomain"), ["nope.one.test."]);
    assert.deepEqual(await names(page, "clients-nodata"), ["192.0.2.1"], "answers without records");
    assert.equal(await page.locator("#top-domains-refused").isVisible(), false);
    assert.deepEqual(await keys(page, "rcodes"), ["NODATA", "NXDOMAIN"]);
    assert.equal(await page.locator("#upstream").isVisible(), false);
    assert.match(await textOf(page, "#tops-note"), time === "since the start" ? /^What clients asked, since \d/ : new RegExp(`^What clients asked, ${time}: `));
}

async function upstreamShown(page, time) {
    assert.equal(await textOf(page, "#h-now"), `What was asked upstream, ${time}`);
    assert.equal(parsed(await textOf(page, "#more-queries")), 4);
    assert.equal(await textOf(page, "#number-nxdomain"), "0 %");
    assert.equal(await textOf(page, "#number-servfail"), "33.3 %");
    near(parsed(await textOf(page, "#number-p50")), 0.05, "median", 0.01);
    assert.equal(await textOf(page, "#number-servers"), "2");
    assert.equal(await textOf(page, "#number-unanswered"), "25 %");
    assert.equal(await textOf(page, "#more-unanswered"), "1 of 4 queries; 0 timed out");
    assert.equal(await textOf(page, "#more-retries"), "1 of 4 queries");
    assert.equal(await textOf(page, "#number-cache"), "100 %", "nobody was asked for what clients asked for");
    assert.equal(await textOf(page, "#more-cache"), "of 20 answers to clients");
    assert.equal(await page.locator("#number-clients").isVisible(), false);
    const rows = await page.locator("#servers tbody tr").evaluateAll((all) => all.map((r) => [...r.cells].map((c) => c.innerText)));
    assert.deepEqual(rows.map((r) => r.slice(0, 10)), [
        ["198.51.100.8", "3", "75 %", "2", "33.3 %", "0", "100 %", "0", "0", "0"],
        ["198.51.100.9", "1", "25 %", "1", "0", "0", "0", "100 %", "0", "100 %"]]);
    const [retries, median] = [10, 11].map((column) => rows.map((r) => r[column]));
    assert.deepEqual([retries[0], retries[1]].map((text) => text !== "0").sort(), [false, true], "one of them was asked again");
    for (const text of median)
        near(parsed(text), 0.05, "median of a server", 0.15);
    assert.equal(await textOf(page, "#servers .head .quiet"), `${time}; by queries; exact`);
    assert.equal(await textOf(page, "#outputs .head .quiet"), "since the start");
    assert.deepEqual(await names(page, "servers-failing"), ["198.51.100.9"]);
    assert.deepEqual(await names(page, "domains-servfail"), ["one.test."]);
    assert.equal(await page.locator("#top-domains-nxdomain").isVisible(), false, "nothing is NXDOMAIN");
    assert.equal(await page.locator("#top-clients").isVisible(), false);
    assert.deepEqual(await names(page, "domains"), ["one.test."]);
    assert.deepEqual(await keys(page, "qtypes"), ["AAAA"]);
}

test("a page opens with what clients asked in the last minute, all at once", async (t) => {
    const { page } = await withinTheMinute(t, async () => {
        const opened = await mixed(t, "");
        await clientsShown(opened.page, "last minute");
        return opened;
    });
    assert.deepEqual([await pressed(page, "sides"), await pressed(page, "windows")], [["Clients"], ["1 min"]]);
    assert.match(await textOf(page, "#now-note"), /^\d\d:\d\d:\d\d to \d\d:\d\d:\d\d UTC$/);
});

test("an address opens with its side and its window, all at once", async (t) => {
    const { spile, page } = await mixed(t, "#side=upstream&window=1h");
    await upstreamShown(page, "last hour");
    assert.deepEqual([await pressed(page, "sides"), await pressed(page, "windows")], [["Upstream"], ["1 h"]]);
    const nobody = await t.page(spile, { hash: "#side=nobody&window=2h" });
    assert.deepEqual([await textOf(nobody, "#h-now"), await pressed(nobody, "windows")], ["What clients asked, last minute", ["1 min"]]);
});

/** The tables are asked for less often than the numbers above them. */
test("shares of servers are parts of all queries at the moment of the table", async (t) => {
    const { page } = await mixed(t, "#side=upstream&window=all");
    const shares = () => page.locator("#servers tbody tr").evaluateAll((all) => all.map((r) => r.cells[2].innerText));
    assert.deepEqual(await shares(), ["75 %", "25 %"]);
    await page.route("**/api/v1/statistics?*", async (route) => {
        const reply = await route.fetch(), json = await reply.json();
        json.statistics.queries.events *= 2;
        await route.fulfill({ response: reply, json });
    });
    await until("later numbers", async () => parsed(await textOf(page, "#more-queries")) === 8);
    assert.deepEqual(await shares(), ["75 %", "25 %"]);
});

test("a side is chosen for the whole page, live events and filters too", async (t) => {
    const { spile, page } = await mixed(t, "#window=all");
    await clientsShown(page, "since the start");
    await page.locator("#sides button", { hasText: "Upstream" }).click();
    await until("upstream", async () => (await textOf(page, "#h-now")).startsWith("What was asked upstream"));
    await until("its charts", async () => (await keys(page, "qtypes")).join() === "AAAA");
    await upstreamShown(page, "since the start");
    assert.deepEqual(hash(page), { side: "upstream", window: "all" });
    await until("the feed", async () => (await page.locator("#tail").getAttribute("data-feed")) === "open");
    spile.events([...clients().slice(0, 2), ...upstream().slice(1, 3)]);
    const rows = () => page.locator("#tail tbody tr").evaluateAll((all) => all.map((r) => [r.cells[5].innerText, r.cells[6].innerText]));
    await until("two live events", async () => (await rows()).length === 2);
    assert.deepEqual(await rows(), [["198.51.100.8", "RESOLVER_RESPONSE"], ["198.51.100.8", "RESOLVER_QUERY"]]);

    await page.locator("#top-domains .rank").first().click();
    await until("filtered", async () => hash(page).domain === "one.test.");
    await until("the feed of the filter", async () => (await page.locator("#tail").getAttribute("data-feed")) === "open");
    spile.events([...clients().slice(0, 2), ...upstream().slice(1, 3)]);
    await until("those of the side alone", async () => (await textOf(page, "#scope")).includes(": 2 of 2 shown"));
    assert.equal(await textOf(page, "#number-servers"), "1");
    await page.goBack();
    await page.goBack();
    await until("the browser's Back brings clients", async () => (await textOf(page, "#h-now")).startsWith("What clients asked"));
});

/** A reply as if its window had so many queries, under a name of its own. */
const OF_WINDOW = { "1m": 60, "5m": 1500, "1h": 7200, "1d": 864000, all: 12 };
function made(reply) {
    const { window } = reply;
    if (reply.statistics)
        reply.statistics.queries.events = OF_WINDOW[window];
    for (const row of (reply.tables ?? []).flatMap((table) => table.rows))
        row.name = `${window}.${row.name}`;
    for (const stream of reply.streams ?? [])
        stream.queries = OF_WINDOW[window];
    return { ...reply, from: 1.7e12, "streams-from": 1.7e12, "distinct-from": 1.7e12, to: 1.7e12 + 30e3, seconds: 30 };
}

test("a window is chosen for all numbers, tables and streams", async (t) => {
    const spile = await t.spile();
    const events = clients();
    spile.events(events);
    await spile.counted(events.length);
    const page = await t.page(spile, { hash: "" });
    await page.route(/\/api\/v1\/(statistics|tables|streams)\?/, async (route) => {
        const reply = await route.fetch();
        await route.fulfill({ response: reply, json: made(await reply.json()) });
    });
    const titles = { "5m": "last 5 minutes", "1h": "last hour", "1d": "last day", all: "since the start", "1m": "last minute" };
    for (const [window, title] of Object.entries(titles)) {
        await page.locator(`#windows [data-choice="${window}"]`).click();
        await until(title, async () => (await textOf(page, "#h-now")) === `What clients asked, ${title}`);
        assert.equal(hash(page).window, window === "1m" ? undefined : window);
        await until(`tables of ${window}`, async () => (await names(page, "domains"))[0] === `${window}.www.one.test.`);
        await until(`queries of ${window}`, async () => parsed(await textOf(page, "#more-queries")) === OF_WINDOW[window]);
        assert.match(await textOf(page, "#more-queries"), / in 30 s$/, "the time that it really covers");
        near(parsed(await textOf(page, "#number-queries")), OF_WINDOW[window] / 30, "a second");
        const stream = () => page.locator("#streams tbody td").nth(3).innerText();
        await until(`streams of ${window}`, async () => parsed(await stream()) === OF_WINDOW[window]);
        assert.equal(await textOf(page, "#streams .head .quiet"), `What clients asked, ${title}`);
        assert.match(await textOf(page, "#now-note"), window === "all" ? /^since / : /^22:13:20 to 22:13:50 UTC$/);
    }
    await page.goBack();
    await until("Back undoes it", async () => (await pressed(page, "windows")).join() === "Since start");
    await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("what windows have forgotten of single streams, and which numbers are estimates, is told", async (t) => {
    const spile = await t.spile();
    const events = clients();
    spile.events(events);
    await spile.counted(events.length);
    const page = await t.page(spile, { hash: "#window=5m" });
    const short = "for more of single streams statistics: memory is too small";
    await page.route(/\/api\/v1\/(statistics|tables|streams)\?/, async (route) => {
        const reply = await route.fetch();
        const json = made(await reply.json());
        json["streams-from"] += 10e3;
        json["distinct-from"] += 20e3;
        json["tables-exact"].domains = json.exact = false;
        if (json.statistics)
            json.statistics["distinct-exact"].domains = false;
        for (const table of (json.tables ?? []).filter((each) => each.table === "domains"))
            table.floor = 7;
        await route.fulfill({ response: reply, json });
    });
    const heading = async (id) => textOf(page, `${id} .head .quiet`);
    await until("streams", async () => (await heading("#streams"))
        === `What clients asked, last 5 minutes; counts since 22:13:30 UTC, clients since 22:13:40 UTC: ${short}`);
    assert.match(await page.locator("#streams tbody td").nth(5).getAttribute("title"), /^\d+, since 22:13:40 UTC$/);
    // All streams together have the whole window.
    await until("the window's beginning", async () => (await textOf(page, "#now-note")) === "22:13:20 to 22:13:50 UTC");
    assert.deepEqual([await textOf(page, "#more-clients"), await textOf(page, "#more-domains")], ["exactly", "to within 1 %"]);
    await until("tables", async () => (await heading("#top-domains")) === "queries + responses; others at most 7");
    assert.equal(await heading("#top-clients"), "queries + responses; exact");
    assert.match(await textOf(page, "#tops-note"), /last 5 minutes: 22:13:20 to 22:13:50 UTC. Each table says whether it is exact/);
    // One alone has less.
    await page.locator("#streams tbody .link").first().click();
    await until("counts", async () => (await textOf(page, "#now-note")) === `22:13:30 to 22:13:50 UTC, no longer: ${short}`);
    assert.match(await textOf(page, "#more-queries"), / in 20 s$/);
    near(parsed(await textOf(page, "#number-queries")), OF_WINDOW["5m"] / 20, "a second");
    assert.deepEqual([await textOf(page, "#more-clients"), await textOf(page, "#more-domains")],
        ["exactly, since 22:13:40 UTC", "to within 1 %, since 22:13:40 UTC"]);
    await until("tables", async () => (await textOf(page, "#tops-note")).includes(`last 5 minutes: 22:13:40 to 22:13:50 UTC, no longer: ${short}`));
    await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("a window is begun anew, and no other, once that is confirmed", async (t) => {
    const { page } = await mixed(t, "#window=5m");
    const asked = [];
    page.on("dialog", async (dialog) => {
        asked.push(dialog.message());
        await (asked.length === 1 ? dialog.dismiss() : dialog.accept());
    });
    await page.locator("#reset").click();
    assert.match(asked[0], /^Begin the numbers of the last 5 minutes anew, for everybody who looks\?/);
    await clientsShown(page, "last 5 minutes");
    await page.locator("#reset").click();
    await until("nothing in the last 5 minutes", async () => parsed(await textOf(page, "#more-queries")) === 0);
    await until("no names", async () => (await names(page, "domains")).length === 0);
    await page.locator("#windows button", { hasText: "Since start" }).click();
    await until("all since the start", async () => parsed(await textOf(page, "#more-queries")) === 20);
    await page.locator("#reset").click();
    await until("nothing at all", async () => parsed(await textOf(page, "#more-queries")) === 0);
    assert.match(asked.at(-1), /^Begin all numbers anew/);
});

test("both directions are never summed without saying so", async (t) => {
    const { page } = await mixed(t, "#window=all");
    for (const list of ["domains", "registrable", "tlds", "clients"])
        assert.match(await textOf(page, `#top-${list} .head .quiet`), /^queries \+ responses/, list);
    assert.equal(await page.locator("#top-clients .amount").first().innerText(), "28");
    assert.match(await textOf(page, "#chart-transports figcaption"), /queries \+ responses a second/);
    assert.deepEqual((await page.locator("#streams th").allInnerTexts()).slice(1, 5), ["Queries/s now", "Responses/s now", "Queries", "Responses"]);
});

const rows = (page, table) => page.locator(`#${table} tbody tr`).evaluateAll((all) => all.map((r) => [...r.cells].map((c) => c.innerText)));
const edns = (page) => page.locator("#edns .facts > div").evaluateAll((all) => Object.fromEntries(all.map((r) => [...r.children].map((c) => c.textContent))));

test("how messages came: transports, EDNS and truncation, of the side and the window", async (t) => {
    const spile = await t.spile();
    spile.send("unbound");
    spile.events([...Array(3).fill({ name: "one.test", protocol: 3, ms: 40 }), { name: "two.test", protocol: 4, ms: 5 }].flatMap(exchange));
    await spile.counted(8263 + 8);
    const page = await t.page(spile);
    for (const side of ["client", "upstream"]) {
        await page.locator(`#sides [data-choice="${side}"]`).click();
        const { statistics: { queries, responses, latency, context } } = await spile.api(`statistics?side=${side}`);
        const wanted = Object.entries(queries.transports).map(([name, n]) => [name, n, responses.transports[name]])
            .filter(([, asked, answers]) => asked + answers).sort((a, b) => b[1] + b[2] - a[1] - a[2]);
        const shown = async () => (await rows(page, "transports")).map(([name, ...counts]) => [name, ...counts.slice(0, 2).map(parsed)]);
        await until(`transports of ${side}`, async () => (await shown()).join(";") === wanted.join(";"));
        for (const [name, , , median, p99, mean] of await rows(page, "transports"))
            for (const [text, key] of [[median, "p50"], [p99, "p99"], [mean, "mean"]])
                if (latency.transports[name]?.[key])
                    near(parsed(text), latency.transports[name][key], `${key} of ${name}`);
        const facts = await edns(page);
        assert.equal(parsed(facts["Queries with EDNS"]), queries.marks.edns);
        assert.equal(parsed(facts["Queries that want DNSSEC (DO)"]), queries.marks.do);
        assert.equal(parsed(facts["Responses truncated over UDP (TC)"]), context.truncated);
        assert.equal(parsed(facts["Queries over TCP after such a response"]), context["after-truncated"]);
        assert.match(facts["EDNS versions of queries"], /^0: 100 %$/);
        const sizes = Object.entries(queries["udp-sizes"]).filter(([, n]) => n).map(([name]) => name).sort();
        assert.deepEqual(facts["UDP sizes of queries with EDNS"].split(", ").map((part) => part.split(":")[0]).sort(), sizes);
        assert.match(await textOf(page, "#how-note"), side === "client" ? /^What clients asked, since \d/ : /^What was asked upstream, since \d/);
    }
    await page.locator("#top-domains .rank").first().click();
    await until("nobody knows it of one name", async () => !(await page.locator("#how").isVisible()));
});

test("the busiest stream comes first", async (t) => {
    const spile = await t.spile();
    spile.events(exchange({ name: "a.test", identity: "first" }));
    await spile.counted(2);
    spile.events(Array.from({ length: 9 }, () => frame({ name: "b.test", identity: "busy" })));
    await spile.counted(11);
    const page = await t.page(spile);
    assert.deepEqual(await page.locator("#streams tbody .link").allInnerTexts(), ["busy", "first"]);
});

test("new domains: the newest first, with what they have had since; a click is about one", async (t) => {
    const { spile, page } = await mixed(t, "");
    const amounts = () => page.locator("#top-new-domains .rank .amount").allInnerTexts();
    assert.deepEqual((await names(page, "new-domains")).sort(), ["nope.one.test.", "www.one.test."]);
    assert.match((await amounts()).sort().join(), /^12 since \d\d:\d\d:\d\d,28 since \d\d:\d\d:\d\d$/);
    assert.match(await textOf(page, "#top-new-domains .head .quiet"), /^2 since \d\d:\d\d:\d\d, when counting began$/);
    spile.events([frame({ name: "young.test" })]);
    await until("one more", async () => (await names(page, "new-domains")).includes("young.test."));
    await page.locator("#sides button", { hasText: "pstream" }).click();
    await until("of upstream", async () => (await names(page, "new-domains")).join() === "one.test.");
    await page.locator("#top-new-domains button").click();
    await until("narrowed to it", async () => hash(page).domain === "one.test." && !(await page.locator("#top-new-domains").isVisible()));
});

test("a search: names, addresses and streams that have the text in them, and what is known of one", async (t) => {
    const spile = await t.spile();
    const many = Array.from({ length: 40 }, (_, i) => Array(50 - i).fill({ name: `host${i}.test`, client: `192.0.2.${100 + i}` })).flat();
    spile.events([...many.map(frame), ...exchange({ name: "www.Needle.test", client: "198.51.100.77", identity: "hay", rcode: "NXDOMAIN" })]);
    await spile.counted(many.length + 2);
    const page = await t.page(spile);
    const found = (table) => page.locator(`#found-${table} tbody tr`).evaluateAll((all) => all.map((r) => [...r.cells].map((c) => c.innerText)));
    assert.equal(await page.locator("#found").isVisible(), false);
    await page.keyboard.press("/");
    await page.keyboard.type("nEEdle");
    await until("one name", async () => (await found("domains")).length === 1);
    assert.deepEqual((await found("domains"))[0], ["www.needle.test.", "1", "1", "1", "0", "0", "0", "1 ms"]);
    assert.equal(hash(page).search, "nEEdle");
    assert.equal(await textOf(page, "#h-found"), "Found: “nEEdle”");
    assert.match(await textOf(page, "#found-note"), /^What clients asked, since \d/);
    assert.equal(await textOf(page, "#found-domains .head .quiet"), "1 found; all 41 looked through");
    assert.equal(await textOf(page, "#found-clients .empty"), "none");
    assert.equal(await page.locator("#found-servers").isVisible(), false, "upstream alone has servers");
    assert.equal((await names(page, "domains")).length, 10, "all else is as it was");
    await page.locator("#search").fill("host");
    await until("the first of many", async () => (await textOf(page, "#found-domains .head .quiet")) === "40 found, the first 20 are shown; all 41 looked through");
    await page.locator("#search").fill("hay");
    await until("one stream", async () => (await found("streams")).join() === "hay,1,1");
    await page.reload();
    await until("kept in the address", async () => (await found("streams")).join() === "hay,1,1");
    assert.equal(await page.locator("#search").inputValue(), "hay");
    await page.locator("#search").fill("198.51");
    await until("one client", async () => (await found("clients")).map((r) => r[0]).join() === "198.51.100.77");
    await page.locator("#found-clients button").click();
    await until("what is known of it", async () => (await textOf(page, "#explain-client-row dd")) === "1");
    assert.deepEqual(hash(page), { window: "all", client: "198.51.100.77" });
    assert.equal(await page.locator("#found").isVisible(), false);
    await page.goBack();
    await until("found again", async () => (await found("clients")).length === 1);
    await page.locator("#search").fill("");
    await until("all again", async () => !(await page.locator("#found").isVisible()));
    assert.equal(hash(page).search, undefined);
});

const facts = (page, card) => page.locator(`#explain-${card} .facts > div`).evaluateAll((all) =>
    Object.fromEntries(all.map((r) => [...r.children].map((c) => c.textContent))));
const ranked = (page, card) => page.locator(`#explain-${card} .rank`).evaluateAll((all) => all.map((r) => [...r.children].slice(1).map((c) => c.textContent).join(" ")));

test("what is known of a name, of its clients, and back: of the window, and counted live, each with its time", async (t) => {
    const { spile, page } = await mixed(t, "#window=1h"); // a minute may be over too soon
    await page.locator("#top-registrable .rank").first().click();
    await until("its part", async () => (await textOf(page, "#explain-domain h2")) === "What is known of one.test. and what is below it");
    await until("the names below", async () => (await ranked(page, "domain-under")).join() === "www.one.test. 28,nope.one.test. 12");
    assert.equal(hash(page).domain, "one.test.");
    const [bar, part] = [await page.locator("#filters").boundingBox(), await page.locator("#explain-domain h2").boundingBox()];
    assert.ok(part.y >= bar.y + bar.height && part.y < 400, `in sight: ${JSON.stringify([bar, part])}`);
    assert.equal(await textOf(page, "#explain-domain-row .empty"), "none", "nobody asked for the name itself");
    assert.match(await textOf(page, "#explain-domain .bar .quiet"),
        /^What clients asked, of all streams; last hour, [\d:]{8} to [\d:]{8} UTC\. Live: counted by the server since [\d:]{8} UTC\.$/);
    assert.deepEqual(await facts(page, "domain-live").then((f) => [f.Queries, f.Responses, f["Median latency"]]), ["0", "0", "–"], "nothing came yet");
    assert.equal(await page.locator("#explain-domain-servers").isVisible(), false);
    const events = [...upstream(), ...clients()]; // who is not known to ask others has no cache
    spile.events(events);
    await until("counted live", async () => (await facts(page, "domain-live")).Responses === "20");
    const live = await facts(page, "domain-live");
    assert.deepEqual([live.Queries, live.NODATA, live["Transports of queries"]], ["20", "14 (70 %)", "UDP 100 %"]);
    for (const quantile of ["Median latency", "p99 latency"]) {
        near(parsed(live[quantile]), 0.004, quantile, 0.01);
        assert.match(live[quantile], / of 20$/, "so many responses");
    }
    assert.deepEqual([await ranked(page, "domain-clients"), await ranked(page, "domain-names"), await ranked(page, "domain-rcodes"), await ranked(page, "domain-qtypes")],
        [["192.0.2.1 28", "192.0.2.2 12"], ["www.one.test. 28", "nope.one.test. 12"], ["NOERROR 14", "NXDOMAIN 6"], ["A 20"]]);
    for (const [card, note] of [["clients", "live; queries + responses; exact"], ["under", "last hour; queries + responses; exact"],
        ["rcodes", "live; responses; exact"], ["qtypes", "live; queries; exact"]])
        assert.equal(await textOf(page, `#explain-domain-${card} .head .quiet`), note);

    await page.locator("#explain-domain-clients .rank").last().click();
    await until("the client's row", async () => (await facts(page, "client-row")).NXDOMAIN === "12 (100 %)");
    assert.equal(await textOf(page, "#explain-client h2"), "What is known of the client 192.0.2.2");
    assert.deepEqual([await page.locator("#explain-client-under").isVisible(), await page.locator("#explain-client-clients").isVisible()], [false, false]);
    assert.deepEqual(await facts(page, "client-row").then((f) => [f.Queries, f.Responses, f.SERVFAIL, f["Mean latency"]]), ["12", "12", "0", "4 ms"]);
    await page.goBack();
    await until("the name alone", async () => !(await page.locator("#explain-client").isVisible()));
    await page.locator("#sides button", { hasText: "Upstream" }).click();
    await until("upstream's row", async () => (await facts(page, "domain-row")).Queries === "8");
    assert.equal(await page.locator("#explain-domain-clients").isVisible(), false);
    spile.events(upstream());
    await until("servers", async () => (await ranked(page, "domain-servers")).join() === "198.51.100.8 5,198.51.100.9 2");
    await page.locator("#clear").click();
    await until("nothing is explained", async () => !(await page.locator("#explain-domain").isVisible()));
});

/** Asks as a client of its own does: at each address of the loopback there may be one. */
function asked(url, localAddress) {
    return new Promise((done, fail) => {
        http.get(url, { localAddress }, (reply) => reply.resume().on("end", () => done(reply.statusCode))).on("error", fail);
    });
}

/** Once eight other clients look at a name each, and have asked just now: who has not gives its place to the page. */
async function eightOthers(spile) {
    await until("eight others are looked at", async () => {
        const begin = performance.now();
        for (let i = 0; i < 8; i++)
            assert.equal(await asked(`${spile.url}api/v1/explain?name=other${i}.test`, `127.0.0.${i + 2}`), 200);
        return performance.now() - begin < 5000;
    }, 60);
}

test("of a ninth name it is said why nothing is known, and all else goes on", async (t) => {
    const { spile, page } = await mixed(t, "");
    await page.route("**/api/v1/explain?*", async (route) => {
        await eightOthers(spile);
        await route.continue();
    });
    await page.evaluate(() => location.assign("#domain=one.test."));
    await until("why", async () => (await textOf(page, "#explain-domain .bar .quiet")) === "8 names and clients are being looked at by others: ask again later");
    assert.equal(await page.locator("#explain-domain-row").isVisible(), false);
    await until("live", async () => (await page.locator("#state").getAttribute("data-state")) === "live");
    await page.unrouteAll({ behavior: "ignoreErrors" });
    t.expected = /status of 503/;
});

test("a side without traffic is empty, and nobody is waited for", async (t) => {
    const spile = await t.spile();
    const events = clients();
    spile.events(events);
    await spile.counted(events.length);
    const page = await t.page(spile, { hash: "#side=upstream" });
    await until("streams", async () => (await page.locator("#streams tbody tr").count()) === 1);
    assert.equal(parsed(await textOf(page, "#more-queries")), 0);
    assert.equal(await textOf(page, "#waiting"), "Nothing yet of what was asked upstream: see the other side.");
    assert.deepEqual(await names(page, "domains"), []);
});
