// Every size, both themes, with eyes, with a keyboard, and without eyes.
import { contrast, overflow, spills, structure } from "./audit.mjs";
import { exchange } from "./frames.mjs";
import { assert, keep, sleep, test, textOf, until } from "./lab.mjs";

const LONG = `${"a-label-as-long-as-they-get".repeat(2)}.${"another-one".repeat(5)}.long.test`;

/** A program that has seen the captures and keeps seeing some of it. */
async function busy(t) {
    const spile = await t.spile();
    spile.send("unbound", "dnsdist");
    spile.events([...exchange({ name: LONG, rcode: "SERVFAIL" }), ...exchange({ name: "x.test", identity: "i".repeat(120) })]);
    await spile.counted(8263 + 6076 + 4);
    return spile;
}

/** Until all parts have something to show. */
const filled = (page) => until("every part is filled", () => page.evaluate(() =>
    document.querySelectorAll("#top-domains .rank").length > 5 && document.querySelectorAll("#streams tbody tr").length > 2 &&
    document.querySelectorAll("#chart-rcodes .key").length > 2 && document.querySelectorAll("#outputs tbody tr").length > 0));

/** The same of what was asked upstream. */
async function asked(page) {
    await page.locator("#sides button", { hasText: "Upstream" }).click();
    await until("servers", async () => (await page.locator("#servers tbody tr").count()) > 0);
}

/** What is known of a name, with what a search has found above it. */
async function explained(page) {
    await page.evaluate(() => location.assign("#window=all&domain=long.test.&search=e"));
    await until("found and explained", async () => (await page.locator("#found-domains tbody tr").count()) > 10 &&
        (await page.locator("#explain-domain-under .rank").count()) > 0);
}

/** Numbers of tables that do not stand on one line with their units. */
const broken = () => [...document.querySelectorAll("td.right")].filter((cell) => {
    const text = document.createRange();
    text.selectNodeContents(cell);
    return text.getBoundingClientRect().height > 1.8 * parseFloat(getComputedStyle(cell).fontSize);
}).map((cell) => cell.textContent);

/** What fits and can be read, in both themes; how many texts were looked at. */
async function readable(page, name) {
    let texts = 0;
    for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await page.evaluate(overflow), [], `${name}, ${colorScheme}`);
        assert.deepEqual(await page.evaluate(broken), [], `numbers on two lines, ${name}`);
        const { checked, wrong } = await page.evaluate(contrast);
        assert.deepEqual(wrong, [], `${name}, ${colorScheme}`);
        await keep(page, `${name}-${colorScheme}`);
        texts += checked;
    }
    return texts;
}

for (const [width, height] of [[360, 740], [768, 1024], [1280, 800], [1920, 1080], [3840, 2160]])
    test(`${width} wide, light and dark: no scrolling sideways, enough contrast`, async (t) => {
        const spile = await busy(t);
        const page = await t.page(spile, { width, height, reducedMotion: "reduce" });
        await filled(page);
        spile.events(exchange({ name: LONG, rcode: "NXDOMAIN", identity: "i".repeat(120) }));
        await until("a live event", async () => (await page.locator("#tail tbody tr").count()) > 0);
        await page.locator("#top-clients .rank").first().click();
        await until("a chip", async () => (await page.locator(".chip").count()) === 1);
        await readable(page, `filtered-${width}`);
        await page.locator("#clear").click();
        await page.mouse.move(0, 0);
        await filled(page);
        const texts = await readable(page, `dashboard-${width}`);
        assert.ok(texts > 300, `${texts} texts`);
        await asked(page);
        await readable(page, `upstream-${width}`);
        if (width !== 360 && width !== 1280)
            return; // what is explained has the cards of all else
        await explained(page);
        await readable(page, `explained-${width}`);
    });

/** Numbers as long as they get after years on a busy server. */
const LONG_AGO = (reply) => {
    const { rates, distinct, queries, responses, latency } = reply.statistics;
    rates.queries.second = 1234567.8;
    rates.responses.second = 999999;
    distinct.clients = 98765432;
    distinct.domains = 8888888888;
    queries.events = 88888888888888;
    responses.events = 77777777777777;
    distinct.servers = 7654321;
    reply.seconds = 99999;
    responses.rcodes.NXDOMAIN = 99.96e9;
    latency.p50 = 0.0999;
    latency.p99 = 299.88;
    reply.malformed = 123456789;
    return reply;
};

const WIDTHS = [390, 700, 896, 1000, 1088, 1100, 1150, 1200, 1250, 1300, 1400, 1599, 1601, 1680, 1920, 2560];

/** In one theme: they differ in colours alone. */
test("nothing runs over the border of its tile", async (t) => {
    const spile = await busy(t);
    const page = await t.page(spile, { reducedMotion: "reduce" });
    await filled(page);
    await page.route("**/api/v1/statistics*", async (route) => {
        const reply = await route.fetch();
        await route.fulfill({ response: reply, json: LONG_AGO(await reply.json()) });
    });
    await until("long numbers", async () => (await textOf(page, "#more-queries")).startsWith("88,888,888,888,888"));
    const audited = async (width, name) => {
        await page.setViewportSize({ width, height: 900 });
        await until(`charts ${width} wide`, () => page.evaluate(() => [...document.querySelectorAll(".plot canvas")].every((c) =>
            Math.abs(c.getBoundingClientRect().width - c.parentElement.clientWidth) < 2)));
        const { checked, wrong } = await page.evaluate(spills);
        assert.deepEqual(wrong, [], `${name}, ${width} px`);
        assert.ok(checked > 100, `${name}, ${width} px: ${checked} texts`);
        assert.deepEqual(await page.evaluate(overflow), [], `${name}, ${width} px`);
        await keep(page, `${name}-${width}`);
    };
    for (const width of WIDTHS)
        await audited(width, "long");
    await asked(page);
    await until("long numbers of servers", async () => (await textOf(page, "#number-servers")) === "7,654,321");
    for (const width of [390, 1100, 1400, 2560])
        await audited(width, "long-upstream");
    await explained(page);
    for (const width of [390, 1400])
        await audited(width, "long-explained");
    await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("the theme: as the system has it, or as chosen, and remembered", async (t) => {
    const spile = await t.spile();
    const page = await t.page(spile, { colorScheme: "dark" });
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await paper();
    assert.equal(await textOf(page, "#theme"), "Theme: system");
    await page.locator("#theme").click();
    assert.equal(await textOf(page, "#theme"), "Theme: light");
    const light = await paper();
    assert.notEqual(light, dark);
    await page.reload();
    assert.equal(await paper(), light, "remembered");
    await page.locator("#theme").click();
    await page.emulateMedia({ colorScheme: "light" });
    assert.equal(await paper(), dark, "chosen against the system");
    await page.locator("#theme").click();
    assert.equal(await paper(), light, "as the system again");
});

test("names, roles and order for those who listen", async (t) => {
    const spile = await busy(t);
    const page = await t.page(spile);
    await filled(page);
    assert.deepEqual(await page.evaluate(structure), []);
    for (const summary of await page.locator("summary").all())
        await summary.click();
    await until("tables", async () => (await page.locator("figure table").count()) === 4);
    await page.locator("#search").fill("e");
    await until("found", async () => (await page.locator("#found-domains tbody tr").count()) > 10);
    await page.locator("#top-domains .rank").first().click();
    await until("announced", async () => /^Filtered by Domain /.test(await page.locator("#announce").textContent()));
    assert.deepEqual(await page.evaluate(structure), []);
    await until("no more alive than need be", async () => (await page.locator("[aria-live], [role=status]").count()) === 2);
});

test("everything by keyboard, and always seen where one is", async (t) => {
    const spile = await busy(t);
    const page = await t.page(spile, { reducedMotion: "reduce" });
    await filled(page);
    const all = await page.evaluate(() => [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
        .filter((e) => e.checkVisibility() && !e.disabled && e.tabIndex >= 0).length);
    assert.ok(all > 80, `${all} stops`);
    const stops = [];
    for (let i = 0; i < all; i++) {
        await page.keyboard.press("Tab");
        stops.push(await page.evaluate(() => {
            const e = document.activeElement;
            const { outlineStyle, outlineWidth } = getComputedStyle(e);
            return { what: e.id || e.className || e.textContent, seen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2, body: e === document.body };
        }));
    }
    assert.equal(stops[0].what, "skip");
    assert.deepEqual(stops.filter((s) => !s.seen || s.body), []);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement === document.body || document.activeElement.className === "skip"), true, "and out again");

    await page.locator("#top-domains .rank").nth(1).focus();
    const name = await page.locator("#top-domains .name").nth(1).innerText();
    await page.keyboard.press("Enter");
    await until("filtered", async () => (await page.locator(".chip b").allInnerTexts()).join() === name);
    await page.locator(".chip").focus();
    await page.keyboard.press("Space");
    await until("and not any more", async () => (await page.locator(".chip").count()) === 0);
});

test("rows stand still under the mouse", async (t) => {
    const spile = await t.spile();
    spile.events(exchange({ name: "first.test" }));
    await spile.counted(2);
    const page = await t.page(spile);
    const names = () => page.locator("#top-domains .name").allInnerTexts();
    await until("a row", async () => (await names()).join() === "first.test.");
    await page.locator("#top-domains .rank").hover();
    spile.events([...exchange({ name: "second.test" }), ...exchange({ name: "second.test" })]);
    await spile.counted(6);
    // When the page asks again it has shown what it got before.
    for (let i = 0; i < 2; i++)
        await page.waitForResponse((reply) => reply.url().includes("/api/v1/tables"));
    assert.deepEqual(await names(), ["first.test."]);
    await page.mouse.move(0, 0);
    await until("then they move", async () => (await names()).join() === "second.test.,first.test.");
});

test("nothing moves by itself, so that a page left open costs next to nothing", async (t) => {
    const spile = await busy(t);
    const page = await t.page(spile, { reducedMotion: "no-preference" });
    await filled(page);
    for (let i = 0; i < 20; i++) {
        assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
        await sleep(100);
    }
});
