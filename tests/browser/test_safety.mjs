// Names are the attacker's; the page asks nobody else; who may not see it does not.
import fs from "node:fs";
import path from "node:path";
import { exchange } from "./frames.mjs";
import { ROOT, assert, sleep, test, textOf, until } from "./lab.mjs";

const HOSTILE = [
    "<script>window.pwned=1</script>.evil.test",
    "<img src=x onerror=window.pwned=1>.evil.test",
    "\"><svg onload=window.pwned=1>.evil.test",
    "javascript:window.pwned=1.test",
    "__proto__.test", "constructor",
];
const IDENTITY = "<b onmouseover=window.pwned=1>ns1</b>";

test("hostile names and identities are text", async (t) => {
    const spile = await t.spile();
    const frames = HOSTILE.flatMap((name) => exchange({ name, identity: IDENTITY, rcode: "SERVFAIL" }));
    spile.events(frames);
    await spile.counted(frames.length);
    const page = await t.page(spile);
    const { tables } = await spile.api("tables?list=domains");
    assert.equal(tables[0].rows.length, HOSTILE.length);
    await until("all names as they are", async () =>
        (await page.locator("#top-domains .name").allInnerTexts()).join("\n") === tables[0].rows.map((r) => r.name).join("\n"));
    assert.equal(await page.locator("#streams .link").innerText(), IDENTITY);
    spile.events(frames);
    await until("in the tail", async () => (await page.locator("#tail tbody tr").count()) === frames.length);
    for (const row of tables[0].rows.map((r) => r.name)) {
        await until(`row ${row}`, () => page.locator("#top-domains .rank").evaluateAll((all, name) => {
            const found = all.find((r) => r.dataset.name === name);
            found?.click();
            return Boolean(found);
        }, row));
        await until(`chip ${row}`, async () => (await page.locator(".chip b").allInnerTexts()).join() === row);
        await page.locator(".chip").click();
        await until("no chip", async () => (await page.locator(".chip").count()) === 0);
    }
    await page.selectOption("#stream", IDENTITY);
    await until("the stream's chip", async () => (await page.locator(".chip b").allInnerTexts()).join() === IDENTITY);
    await until("and its numbers", async () => (await textOf(page, "#more-queries")).startsWith(`${frames.length} in `));
    const tags = await page.evaluate(() => ["script", "img", "svg", "b"].map((tag) => document.querySelectorAll(`main ${tag}, #streams ${tag}`).length));
    assert.deepEqual(tags, [0, 0, 0, 0]);
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.equal(await page.evaluate(() => ({}).polluted), undefined);
});

const PIECES = [
    "<img src=x onerror=window.pwned=1>", "<svg/onload=window.pwned=1>", "\"><script>window.pwned=1</script>", "</td></tr></table>",
    "<style>*{display:none}", "<iframe srcdoc=x>", "javascript:window.pwned=1", "${window.pwned=1}", "' onclick=window.pwned=1 x='",
    "&lt;b&gt;", "%3Cimg%3E", "__proto__", "constructor", "toString", "hasOwnProperty", "\\", "\\0", "\\065", "\0", "\n", "\t", " ", "\xff",
    "\xe2\x80\xae", "\xf0\x9f\x92\xa9", "\xc2\x85", "\xed\xa0\x80", "\"", "'", "`", "#", "?", "/", "=", "-", "null", "0", "-1", "1e999", "*",
];

/** Numbers below `n` that look like chance, the same for the same seed (xorshift). */
function dice(seed) {
    let state = seed | 1;
    return (n) => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) % n;
    };
}

function invented(roll, most) {
    const parts = Array.from({ length: 1 + roll(4) }, () => roll(4) ? PIECES[roll(PIECES.length)] : String.fromCharCode(roll(256)));
    return parts.join("").replaceAll(".", "").slice(0, most) || "x";
}

/** By tools/fuzz for as long as it says, else for two rounds. */
test("invented names, identities and addresses of the page are text wherever it puts them", async (t) => {
    const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 100000);
    const end = performance.now() + 1000 * Number(process.env.FUZZ_SECONDS ?? 0);
    const roll = dice(seed);
    t.expected = /status of (404|400)/; // what the addresses ask for is not there
    const spile = await t.spile();
    const page = await t.page(spile);
    let rounds = 0;
    let sent = 0;
    do {
        const identities = [invented(roll, 120), "ns1"];
        const frames = Array.from({ length: 8 }, () => exchange({ name: `${invented(roll, 63)}.${invented(roll, 63)}.test`,
            identity: identities[roll(2)], rcode: roll(2) ? "NOERROR" : "SERVFAIL" })).flat();
        spile.events(frames);
        sent += frames.length;
        await spile.counted(sent);
        const rows = async () => (await spile.api("tables?list=domains")).tables[0].rows.map((r) => r.name);
        await until(`all names as they are (FUZZ_SEED=${seed}, round ${rounds})`, async () =>
            (await page.locator("#top-domains .name").allTextContents()).join("\n") === (await rows()).join("\n"));
        const hash = new URLSearchParams({ domain: roll(2) ? invented(roll, 63) : (await rows())[0], stream: identities[0],
            rcode: invented(roll, 10), [invented(roll, 10)]: invented(roll, 40) });
        await page.evaluate((text) => {
            location.hash = text;
        }, roll(3) ? `${hash}` : invented(roll, 200));
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        await page.evaluate(() => {
            location.hash = "window=all";
        });
        const foreign = await page.evaluate(() => document.querySelectorAll(["script", "img", "svg", "iframe", "style"]
            .flatMap((tag) => [`main ${tag}`, `#streams ${tag}`, `#stream ${tag}`, `.chip ${tag}`]).join()).length);
        assert.deepEqual([foreign, await page.evaluate(() => window.pwned), await page.evaluate(() => ({}).polluted)],
            [0, undefined, undefined], `FUZZ_SEED=${seed}, round ${rounds}`);
        rounds += 1;
    } while (rounds < 2 || performance.now() < end);
    console.log(`      ${rounds} rounds, FUZZ_SEED=${seed}`);
});

test("identities that are no text can be chosen by what is shown of them", async (t) => {
    const spile = await t.spile();
    const frames = ["back\\slash", "latin-\xefs", "line\nfeed"].flatMap((identity, i) =>
        Array.from({ length: i + 1 }, () => exchange({ name: `host${i}.test`, identity })).flat());
    spile.events(frames);
    await spile.counted(frames.length);
    const page = await t.page(spile);
    await until("streams to choose from", async () => (await page.locator("#stream option").count()) === 4);
    for (const [i, shown] of ["back\\\\slash", "latin-\\239s", "line\nfeed"].entries()) {
        await page.locator("#stream").selectOption({ index: i + 1 });
        assert.equal(await page.inputValue("#stream"), shown);
        await until("its numbers", async () => (await textOf(page, "#more-queries")).startsWith(`${(i + 1) * (i + 1)} in `));
        await until("its events are followed", () => page.evaluate(() => document.getElementById("tail").dataset.feed === "open"));
        spile.events(frames); // for the i-th time: each stream has i times its own
        await until("its events alone", async () => (await textOf(page, "#tail-note")).startsWith(`${2 * (i + 1)} came`));
    }
});

test("a hostile address of the page is text, too", async (t) => {
    t.expected = /status of (404|400)/; // there is no such stream
    const spile = await t.spile();
    const page = await t.page(spile, { hash: `#${new URLSearchParams({ domain: HOSTILE[1] + ".", stream: "nobody", rcode: "<b>" })}`, ready: false });
    await until("chips", async () => (await page.locator(".chip").count()) === 3);
    assert.equal(await page.locator(".chip b").nth(1).innerText(), HOSTILE[1] + ".");
    assert.equal(await page.evaluate(() => window.pwned), undefined);
});

test("the policy holds", async (t) => {
    const spile = await t.spile();
    const page = await t.page(spile);
    const reply = await fetch(spile.url);
    assert.equal(reply.headers.get("content-security-policy"), "default-src 'none'; script-src 'self'; style-src 'self'; " +
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    await page.evaluate(async () => {
        const seen = [];
        document.addEventListener("securitypolicyviolation", (e) => seen.push(e.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "window.pwned = 1";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<p style='color:red' onclick='window.pwned=1'>x</p>");
        document.body.lastElementChild.click();
        await fetch("http://127.0.0.1:9/").catch(() => {});
        window.seen = seen;
        setTimeout(() => { // by the page itself: what this function does is not held to the policy
            try {
                window.pwned = new Function("return 1")();
            } catch {
                seen.push("eval");
            }
        });
    });
    for (const directive of ["script-src-elem", "style-src-attr", "script-src-attr", "eval", "connect-src"])
        await until(`${directive} was broken`, () => page.evaluate((name) => window.seen.includes(name), directive));
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    t.expected = /./; // all of these were asked for
});

test("the page's files: packed or not the same, and not sent again", async (t) => {
    const spile = await t.spile();
    const html = await (await fetch(spile.url)).text();
    const names = [...html.matchAll(/(?:src|href)="(web\/[^"]+)"/g)].map((m) => m[1]);
    assert.ok(names.includes("web/chart.js") && names.includes("web/app.js"));
    for (const name of ["", ...names]) {
        const plain = await fetch(spile.url + name, { headers: { "Accept-Encoding": "identity" } });
        const packed = await fetch(spile.url + name, { headers: { "Accept-Encoding": "br, gzip;q=0.5" } });
        const refused = await fetch(spile.url + name, { headers: { "Accept-Encoding": "gzip;q=0" } });
        assert.equal(plain.status, 200, name);
        assert.equal(plain.headers.get("content-encoding"), null, name);
        assert.equal(refused.headers.get("content-encoding"), null, name);
        const body = await plain.text();
        assert.equal(await packed.text(), body, name);
        if (body.length > 2000)
            assert.equal(packed.headers.get("content-encoding"), "gzip", name);
        const again = await fetch(spile.url + name, { headers: { "Accept-Encoding": "identity", "If-None-Match": plain.headers.get("etag") } });
        assert.equal(again.status, 304, name);
        assert.equal(plain.headers.get("x-content-type-options"), "nosniff", name);
        const source = path.join(ROOT, "web", name ? path.basename(name) : "index.html");
        if (fs.existsSync(source))
            assert.equal(body, fs.readFileSync(source, "utf8"), name);
    }
});

test("with a login, and without", async (t) => {
    const spile = await t.spile({ web: "listen: 127.0.0.1:0, login: ops, password: secret-words" });
    assert.equal((await fetch(spile.url)).status, 401);
    assert.equal((await fetch(`${spile.url}web/app.js`)).status, 401);
    const page = await t.page(spile, { httpCredentials: { username: "ops", password: "secret-words" } });
    // What passes before the feed is open is not seen: so it is said until it is heard.
    await until("events of the feed, with the same login", async () => {
        spile.events(exchange({ name: "seen.test" }));
        await sleep(200);
        return (await page.locator("#tail tbody tr").count()) > 0;
    });
    assert.equal(await textOf(page, "#state"), "live");

    const port = new URL(spile.url).port;
    await spile.stop("SIGKILL");
    await t.spile({ web: `listen: 127.0.0.1:${port}, login: ops, password: another-one` });
    await until("logged out", async () => (await textOf(page, "#state")) === "not logged in: reload this page");
    await sleep(1500);
    let asked = 0;
    page.on("request", () => {
        asked += 1;
    });
    await sleep(3000);
    assert.equal(asked, 0, "a page that is not let in asks no more");
    t.expected = /Failed to load resource|net::/; // the browser's own lines about what failed
});

test("with the login in the address", async (t) => {
    const spile = await t.spile({ web: "listen: 127.0.0.1:0, login: ops, password: secret-words" });
    const page = await t.page({ url: spile.url.replace("//", "//ops:secret-words@") }); // waits until it is live
    spile.events(exchange({ name: "seen.test" }));
    await until("events of the feed", async () => (await page.locator("#tail tbody tr").count()) > 0);
});

test("sources set text as text alone", async () => {
    for (const name of fs.readdirSync(path.join(ROOT, "web")).filter((n) => n.endsWith(".js"))) {
        const source = fs.readFileSync(path.join(ROOT, "web", name), "utf8");
        assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?:\/\//, name);
    }
});
