// History to zoom into.
import { exchange } from "./frames.mjs";
import { assert, parsed, sleep, test, textOf, until } from "./lab.mjs";

const hash = (page) => Object.fromEntries(new URLSearchParams(new URL(page.url()).hash.slice(1)));
const pressed = (page) => page.locator("#ranges [aria-pressed=true]").allInnerTexts();

/** Drags over a chart from one part of its width to another. */
async function drag(page, id, from, to) {
    const plot = page.locator(`#chart-${id} .plot`);
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * from, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * (from + to) / 2, y);
    await page.mouse.move(box.x + box.width * to, y);
    await page.mouse.up();
}

test("what came before the page is on its charts", async (t) => {
    const spile = await t.spile();
    spile.events(exchange({ name: "early.test", type: "TXT" }));
    await spile.counted(2);
    await until("history has it", async () => (await spile.api("series?step=1000&series=qtype.TXT")).series["qtype.TXT"]);
    const page = await t.page(spile);
    const keys = await page.locator("#chart-qtypes .key").allInnerTexts();
    assert.ok(keys.some((key) => key.startsWith("TXT")), `at once: ${keys}`);
    assert.match(await textOf(page, "#window"), /no history is kept on disk$/);
    for (const range of ["6 h", "2 d", "60 d", "All"])
        assert.equal(await page.locator("#ranges button", { hasText: range }).isDisabled(), true, range);
});

test("a clock that is wrong", async (t) => {
    const spile = await t.spile();
    spile.send("unbound");
    await spile.counted(8263);
    const page = await t.page(spile, { ahead: 3 * 3600e3 });
    await until("charts all the same", async () => (await page.locator("#chart-rcodes .key").count()) === 4);
    const shown = (await textOf(page, "#window")).match(/to (\d\d):(\d\d)/).slice(1).map(Number);
    const right = new Date();
    const minutes = (shown[0] * 60 + shown[1] - right.getUTCHours() * 60 - right.getUTCMinutes() + 1440) % 1440;
    assert.ok([1439, 0, 1].includes(minutes), `${minutes} minutes off`);
});

test("times are UTC, and say so, wherever the browser is", async (t) => {
    const spile = await t.spile();
    const page = await t.page(spile, { timezoneId: "America/St_Johns" });
    assert.notEqual(await page.evaluate(() => new Date().getTimezoneOffset() % 60), 0, "a zone that is no whole hours away");
    await until("the feed", async () => (await page.locator("#tail").getAttribute("data-feed")) === "open");
    const before = Date.now();
    spile.events(exchange({ name: "now.test" }));
    await until("an event", async () => (await page.locator("#tail tbody tr").count()) === 2);
    const near = (text) => {
        const [h, m] = text.match(/(\d\d):(\d\d)/).slice(1).map(Number);
        const minutes = (h * 60 + m - Math.floor(before / 60e3)) % 1440;
        return [-1440, -1439, 0, 1, 2].includes(minutes);
    };
    assert.equal(await textOf(page, "#tail thead th"), "Time (UTC)");
    const time = await page.locator("#tail tbody td").first().innerText();
    assert.ok(near(time), time);
    const window = await textOf(page, "#window");
    assert.match(window, / to [\d:]+ UTC/);
    assert.ok(near(window.split(" to ")[1]), window);
    for (const place of ["#now-note", "#tops-note"])
        assert.match(await textOf(page, place), /\d\d:\d\d UTC/, place);
    const days = await page.evaluate(async () => {
        const { timeTicks } = await import(new URL("web/figure.js", location.href));
        return timeTicks(0, 10 * 86400e3, 12);
    });
    assert.deepEqual(days.map((t) => t % 86400e3), days.map(() => 0), "days of charts begin when they do in UTC");
});

test("marks of days are those of their days, summer time or not", async (t) => {
    const spile = await t.spile();
    for (const timezoneId of ["Europe/Berlin", "Australia/Lord_Howe"]) {
        const page = await t.page(spile, { timezoneId, ready: false });
        for (const middle of ["2026-03-29", "2026-10-25", "2026-11-01", "2026-04-05"]) {
            const marks = await page.evaluate(async (day) => {
                const { timeTicks } = await import(new URL("web/figure.js", location.href));
                const { moment } = await import(new URL("web/format.js", location.href));
                const [from, to] = [-4, 4].map((days) => Date.parse(day) + days * 86400e3);
                return timeTicks(from, to, 10).map((at) => [at, moment(at, to - from)]);
            }, middle);
            assert.equal(marks.length, 9, `${timezoneId} around ${middle}`);
            for (const [at, text] of marks)
                assert.equal(text, `${new Date(at).toISOString().slice(5, 10)} 00:00`, `${timezoneId} around ${middle}`);
        }
    }
});

/** In the page: its states over some seconds, once its clock is off by that, and whether it had to wait for an answer. */
async function watchState(by) {
    window.setClock(by);
    const seen = new Set();
    const begin = performance.now();
    while (performance.now() < begin + 2500) {
        seen.add(document.getElementById("state").dataset.state);
        await new Promise(requestAnimationFrame);
    }
    const answers = performance.getEntriesByType("resource").filter((e) => e.name.includes("/statistics")).map((e) => e.responseEnd);
    const times = [...answers, performance.now()].filter((at) => at > begin - 8000);
    return { states: [...seen], late: times.some((at, i) => i > 0 && at - times[i - 1] > 4000) };
}

test("a clock that is set while the page is open", async (t) => {
    const spile = await t.spile();
    const page = await t.page(spile);
    await page.evaluate(() => {
        const real = Date.now;
        window.setClock = (by) => {
            Date.now = () => real() + by;
        };
    });
    const year = 365 * 86400e3;
    for (const years of [-1, 1]) {
        const { states, late } = await page.evaluate(watchState, years * year);
        assert.ok(late || states.join() === "live", `the clock went by ${years} year: ${states}`);
        spile.events(exchange({ name: "tick.test" }));
        await until("it goes on", async () => (await textOf(page, "#more-queries")).startsWith(`${years < 0 ? 1 : 2} in `));
        const shown = (await textOf(page, "#window")).match(/to (\d\d):(\d\d)/).slice(1).map(Number);
        const right = new Date();
        const minutes = (shown[0] * 60 + shown[1] - right.getUTCHours() * 60 - right.getUTCMinutes() + 1440) % 1440;
        assert.ok([1439, 0, 1].includes(minutes), `${minutes} minutes off`);
    }
    t.expected = /Failed to load resource|net::/; // the browser's own lines about what failed
    await spile.stop("SIGKILL"); // no answer comes any more by which the page could see what its clock says
    await page.evaluate((by) => window.setClock(by), -year);
    await until("stale, although the clock went back", async () => (await textOf(page, "#state")).startsWith("stale"));
    assert.deepEqual((await page.evaluate(watchState, -2 * year)).states, ["stale"]);
});

test("drag to zoom, back, and by keyboard", async (t) => {
    const begin = performance.now();
    const spile = await t.spile();
    spile.send("unbound");
    await spile.counted(8263);
    const page = await t.page(spile);
    for (const id of ["rcodes", "latency"]) {
        await drag(page, id, 0.4, 0.8);
        await until("zoomed", () => hash(page).from);
        const { from, to } = hash(page);
        const most = 40e3 + 0.4 * (performance.now() - begin); // what has begun longer ago is all on the charts
        assert.ok(to - from > 15e3 && to - from < most, `${id}: two fifths of a minute or so: ${to - from}`);
        assert.equal(await page.locator("#zoom button", { hasText: "Back" }).isDisabled(), false);
        await page.locator("#zoom button", { hasText: "Back" }).click();
        await until("back", () => !hash(page).from);
    }
    await page.getByRole("button", { name: "Zoom in" }).focus();
    await page.keyboard.press("Enter");
    await until("zoomed by keyboard", () => hash(page).from);
    const first = hash(page);
    await page.getByRole("button", { name: "Earlier" }).focus();
    await page.keyboard.press("Enter");
    await until("earlier", () => Number(hash(page).from) < Number(first.from));
    assert.equal(hash(page).to - hash(page).from, first.to - first.from, "as wide as before");
    await page.goBack();
    await until("the browser's Back undoes it", () => hash(page).from === first.from);
    await page.getByRole("button", { name: "Leave the zoom" }).click();
    await until("whole", () => !hash(page).from);
    await drag(page, "rcodes", 0.5, 0.502);
    assert.equal(hash(page).from, undefined, "a click is no drag");
});

test("an address with a range and a window is right at once, after a restart too", async (t) => {
    const more = `history: {path: ${t.folder}/history.db}\n`;
    const before = await t.spile({ more });
    before.send("unbound");
    const { statistics } = await before.counted(8263);
    await before.stop(); // which writes what it has counted
    const spile = await t.spile({ more });
    spile.events(exchange({ name: "new.test", rcode: "SERVFAIL" }));
    await spile.counted(2);
    const { queries, responses } = statistics;
    await until("both runs in the last day", async () =>
        (await spile.api("statistics?window=1d")).statistics.queries.events === queries.events + 1);
    const page = await t.page(spile, { hash: "#range=6h&window=1d" });
    assert.equal(parsed(await textOf(page, "#more-queries")), queries.events + 1);
    assert.equal(await textOf(page, "#more-nxdomain"), `${responses.rcodes.NXDOMAIN} of ${(responses.events + 1).toLocaleString("en")} responses`);
    assert.deepEqual(await pressed(page), ["6 h"]);
    assert.equal(await page.locator("#chart-rcodes .key").count(), 4);
    assert.ok((await page.locator("#top-registrable .name").allInnerTexts()).includes("corp.example."));
    assert.match(await textOf(page, "#tops-note"), /^What clients asked, .* from history(, which keeps tables of longer stretches than the charts show)?\.$/);
});

test("ranges of history, which outlives the program", async (t) => {
    const more = `history: {path: ${t.folder}/history.db}\n`;
    const before = await t.spile({ more });
    before.send("unbound");
    await before.counted(8263);
    await before.stop(); // which writes what it has counted
    const spile = await t.spile({ more });
    spile.events(exchange({ name: "new.test", rcode: "SERVFAIL" }));
    await spile.counted(2);
    const page = await t.page(spile);
    await until("the page knows of history", async () => !(await page.locator("#ranges button", { hasText: "6 h" }).isDisabled()));
    for (const [range, key] of [["6 h", "6h"], ["All", "all"]]) {
        await page.locator("#ranges button", { hasText: range }).click();
        await until(`the address has ${key}`, () => hash(page).range === key);
        assert.deepEqual(await pressed(page), [range]);
        // Four results of the run before, NODATA one of them; this run saw only SERVFAIL.
        await until(`${range}: results of the run before`, async () => (await page.locator("#chart-rcodes .key").count()) === 4);
        assert.match(await textOf(page, "#chart-rcodes .keys"), /NOERROR[^]*NODATA/);
        const label = await page.locator("#chart-latency canvas").getAttribute("aria-label");
        assert.ok(parsed(label.match(/: (\S+) responses/)[1]) > 2000, label);
    }
    await until("names of the run before", async () => (await page.locator("#top-registrable .name").allInnerTexts()).includes("corp.example."));
    const span = { from: (await spile.api("series?from=0&series=queries")).from, n: 10 };
    // The page asks now and then, and history learns of this run's events a moment later than the statistics.
    await until("names as history has them", async () => {
        const tops = await spile.api(`history/tops?${new URLSearchParams(span)}`);
        const shown = await page.locator("#top-registrable .rank").evaluateAll((all) => all.map((r) => [r.dataset.name, Number(r.children[2].title)]));
        assert.deepEqual(shown, tops.registrable.map((row) => [row.name, row.value]));
        return true;
    }, 30);
    assert.match(await textOf(page, "#tops-note"), /from history(, which keeps tables of longer stretches than the charts show)?\.$/);
    await page.selectOption("#stream", "lab");
    await until("of one stream", async () => (await page.locator("#chart-rcodes .key").count()) === 1);
    await page.locator("#ranges button", { hasText: "15 min" }).click();
    await until("the address has no range", () => hash(page).range === undefined);
});
