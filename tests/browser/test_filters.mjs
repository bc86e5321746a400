// Clicks filter; live events come, pause and are counted.
import { exchange, frame } from "./frames.mjs";
import { assert, near, parsed, test, textOf, until } from "./lab.mjs";

/** What is sent after a click: of these some pass the filter. */
const TRAFFIC = [
    { name: "www.one.test", client: "192.0.2.1", rcode: "NOERROR", type: "A", ms: 4 },
    { name: "www.one.test", client: "192.0.2.2", rcode: "NOERROR", type: "AAAA", ms: 4 },
    { name: "nope.one.test", client: "192.0.2.2", rcode: "NXDOMAIN", type: "A", ms: 8 },
    { name: "nope.one.test", client: "192.0.2.2", rcode: "NXDOMAIN", type: "A", ms: 8 },
    { name: "two.example", client: "192.0.2.3", rcode: "SERVFAIL", type: "MX", ms: 100, server: "198.51.100.9" },
    { name: "notone.test", client: "192.0.2.3", rcode: "NOERROR", type: "A", ms: 4 },
];
const BEFORE = [...TRAFFIC, ...TRAFFIC, ...TRAFFIC].flatMap(exchange);

const live = (page) => page.evaluate(() => document.querySelector("#tail-note").textContent);
const chips = (page) => page.locator(".chip").evaluateAll((all) => all.map((c) => `${c.children[0].textContent} ${c.children[1].textContent}`));

/** A page whose feed is open, on a program that has seen the traffic three times. */
async function opened(t, hash) {
    const spile = await t.spile();
    spile.events(BEFORE);
    await spile.counted(BEFORE.length);
    const page = await t.page(spile, { hash });
    await listening(page);
    return { spile, page };
}

/** The events of the page's current filters are being followed. */
const listening = (page) => until("events are followed", () => page.evaluate(() => document.getElementById("tail").dataset.feed === "open"));

/** Clicks the key or row, and tells when its filter is in force. */
async function filtered(page, locator, chip) {
    await locator.click();
    await until(`chip ${chip}`, async () => (await chips(page)).includes(chip));
    await listening(page);
    await page.mouse.move(0, 0);
}

test("a domain: it and all below it", async (t) => {
    const { spile, page } = await opened(t);
    await filtered(page, page.locator("#top-registrable .rank", { hasText: "one.test" }).first(), "Domain one.test.");
    // The server's own tables, since the start: of domains under it alone.
    const { tables } = await spile.api("tables?list=domains&under=one.test.");
    await until("domains under it", async () => {
        const names = await page.locator("#top-domains .name").allInnerTexts();
        return names.sort().join() === tables[0].rows.map((r) => r.name).sort().join();
    });
    assert.deepEqual(tables[0].rows.map((r) => r.name).sort(), ["nope.one.test.", "www.one.test."]);
    spile.events(TRAFFIC.flatMap(exchange));
    await until("8 events of 4 exchanges", async () => (await textOf(page, "#scope")).includes(": 8 of 8 shown"));
    await until("queries", async () => (await textOf(page, "#more-queries")) === "4 in all");
    near(parsed(await textOf(page, "#number-nxdomain")), 0.5, "NXDOMAIN");
    assert.equal(await textOf(page, "#number-clients"), "2");
    assert.deepEqual(await page.locator("#top-clients .rank").evaluateAll((all) => all.map((r) => r.innerText.split("\n").join(" "))),
        ["192.0.2.2 6", "192.0.2.1 2"]);
    assert.equal(await page.locator("#top-registrable").isVisible(), true, "the server knows these under a domain");
});

test("a client, and a result besides", async (t) => {
    const { spile, page } = await opened(t);
    await filtered(page, page.locator("#top-clients .rank", { hasText: "192.0.2.2" }), "Client 192.0.2.2");
    assert.equal(await page.locator("#top-registrable").isVisible(), false, "nobody knows these of one client");
    spile.events(TRAFFIC.flatMap(exchange));
    await until("6 events", async () => (await textOf(page, "#scope")).includes(": 6 of 6 shown"));
    await until("keys", async () => (await page.locator("#chart-rcodes .key").count()) === 2);
    assert.deepEqual((await page.locator("#chart-rcodes .key").allInnerTexts()).map((k) => k.split("\n")[0]), ["NXDOMAIN", "NODATA"]);
    assert.equal(await page.locator("#chart-rcodes button.key").count(), 1, "NODATA is no filter");
    const counted = (list) => page.locator(`#top-${list} .rank`).evaluateAll((all) => all.map((r) => [r.dataset.name, r.children[2].title].join(" ")));
    assert.deepEqual([await counted("domains-nodata"), await counted("clients-nodata")], [["www.one.test. 1"], ["192.0.2.2 1"]], "live");
    assert.equal(await textOf(page, "#top-domains-nodata .head .quiet"), "live, responses");
    assert.equal(await textOf(page, "#top-domains-slow .head .quiet"), "live, mean");
    await filtered(page, page.locator("#chart-rcodes .key", { hasText: "NXDOMAIN" }), "Result NXDOMAIN");
    assert.deepEqual((await chips(page)).sort(), ["Client 192.0.2.2", "Result NXDOMAIN"]);
    spile.events(TRAFFIC.flatMap(exchange));
    await until("2 responses", async () => (await textOf(page, "#scope")).includes(": 2 of 2 shown"));
    await until("tile", async () => (await textOf(page, "#more-responses")) === "2 in all");
    assert.equal(await textOf(page, "#more-queries"), "0 in all", "a query has no result");
    near(parsed(await textOf(page, "#number-p50")), 0.008, "median", 0.02);
    // Pressing the key once more takes the filter away.
    await until("the key is there", async () => (await page.locator("#chart-rcodes .key[aria-pressed=true]").count()) === 1);
    await page.locator("#chart-rcodes .key[aria-pressed=true]").click();
    await until("one chip", async () => (await chips(page)).join() === "Client 192.0.2.2");
});

test("a type, from its key; all filters go at once", async (t) => {
    const { spile, page } = await opened(t);
    await filtered(page, page.locator("#chart-qtypes .key", { hasText: "AAAA" }), "Type AAAA");
    spile.events(TRAFFIC.flatMap(exchange));
    await until("2 events", async () => (await textOf(page, "#scope")).includes(": 2 of 2 shown"));
    assert.equal(await textOf(page, "#number-domains"), "1");
    await page.selectOption("#stream", "lab");
    await until("two chips", async () => (await chips(page)).length === 2);
    await page.locator("#clear").click();
    await until("none", async () => (await page.locator("#filters").isVisible()) === false);
    const { statistics } = await spile.api("statistics");
    await until("the server's numbers", async () => parsed(await textOf(page, "#more-queries")) === statistics.queries.events);
    assert.equal(new URL(page.url()).hash, "#window=all");
});

test("filters are in the address", async (t) => {
    const { page } = await opened(t, "#domain=one.test.&rcode=NXDOMAIN");
    assert.deepEqual(await chips(page), ["Domain one.test.", "Result NXDOMAIN"]);
    await page.locator(".chip", { hasText: "NXDOMAIN" }).click();
    await until("one chip", async () => (await chips(page)).join() === "Domain one.test.");
    await page.goBack();
    await until("two again", async () => (await chips(page)).length === 2);
});

test("the live tail: events, links, pause", async (t) => {
    const { spile, page } = await opened(t);
    spile.events(exchange(TRAFFIC[2]));
    const rows = () => page.locator("#tail tbody tr").evaluateAll((all) => all.map((r) => [...r.cells].map((c) => c.innerText)));
    await until("two rows", async () => (await rows()).length === 2);
    const [response, query] = await rows();
    assert.deepEqual(query.slice(1), ["lab", "nope.one.test.", "A", "–", "192.0.2.2", "CLIENT_QUERY", "UDP", "–"]);
    assert.deepEqual(response.slice(1), ["lab", "nope.one.test.", "A", "NXDOMAIN", "192.0.2.2", "CLIENT_RESPONSE", "UDP", "8 ms"]);
    assert.equal(await live(page), "2 came, 0 left out");

    assert.equal(await page.locator("#tail button").first().getAttribute("tabindex"), "-1", "no stops for the keyboard while rows run");
    await page.locator("#pause").click();
    assert.equal(await page.locator("#pause").getAttribute("aria-pressed"), "true");
    spile.events(exchange(TRAFFIC[0]));
    await until("counted", async () => (await live(page)) === "4 came, 0 left out, 2 while paused");
    assert.equal((await rows()).length, 2, "nothing moves while paused");
    assert.equal(await page.locator("#tail button").first().getAttribute("tabindex"), "0");
    await page.locator("#pause").click();
    spile.events(exchange(TRAFFIC[4]));
    await until("goes on", async () => (await rows())[0][2] === "two.example.");
    await filtered(page, page.locator("#tail button", { hasText: "SERVFAIL" }).first(), "Result SERVFAIL");
});

test("what is too much is left out, and counted", async (t) => {
    const { spile, page } = await opened(t);
    const flood = Array.from({ length: 30000 }, (_, i) => frame({ name: `host${i % 7}.flood.test` }));
    spile.events(flood);
    const seen = await until("all came or were left out", async () => {
        const [came, left] = (await live(page)).split(", ").map(parsed);
        return came + left === flood.length && { came, left };
    }, 30);
    assert.ok(seen.came > 0 && seen.left > seen.came, JSON.stringify(seen));
    assert.equal(await page.locator("#tail tbody tr").count(), Math.min(seen.came, 60));

    await filtered(page, page.locator("#top-registrable .rank", { hasText: "flood.test" }), "Domain flood.test.");
    spile.events(flood);
    const [shown, all] = await until("the page says how many", async () => {
        const counts = (await textOf(page, "#scope")).match(/: ([\d,]+) of ([\d,]+) shown/).slice(1).map(parsed);
        return counts[1] === flood.length && counts;
    }, 30);
    assert.ok(shown >= 100 && shown < all, `${shown} of ${all}`);
    await until("sums of those alone", async () => parsed(await textOf(page, "#more-queries")) === shown);
});
