// The page's data paths, fed with what strangers may put into names and identities: nothing of it runs, nothing of
// the layout gives way, and each is shown as the manual says it is. Random: SPILE_NAME_SEED repeats a run,
// SPILE_NAME_ROUNDS makes it longer.
import { overflow, spills, structure } from "./audit.mjs";
import { exchange } from "./frames.mjs";
import { assert, test, textOf, until } from "./lab.mjs";

const SEED = Number(process.env.SPILE_NAME_SEED ?? Math.floor(Math.random() * 2 ** 32));
const ROUNDS = Number(process.env.SPILE_NAME_ROUNDS ?? 2);
const NAMES = 8; // of a round: the feed shows 20 events a second
const LABEL_MAX = 63;
const NAME_MAX = 240;
const IDENTITY_MAX = 120;
const WIDTHS = [1280, 400];

/** Bytes of a text, as a string of one character a byte. */
const bytes = (text) => Buffer.from(text, "utf8").toString("latin1");

const PIECES = [
    "<script>window.pwned=1</script>", "<img src=x onerror=window.pwned=1>", "\"><svg/onload=window.pwned=1>",
    "' onmouseover='window.pwned=1", "javascript:window.pwned=1", "data:text/html,<script>window.pwned=1</script>",
    "${window.pwned=1}", "`${window.pwned=1}`", "{{constructor.constructor('window.pwned=1')()}}", "</title><script>window.pwned=1//",
    "<iframe srcdoc='<script>top.pwned=1</script>'>", "<style>*{display:none}</style>", "<base href=//evil.test>",
    "<meta http-equiv=refresh content=0>", "<!--", "-->", "]]>", "<plaintext>", "&lt;b&gt;", "&#x3c;script&#x3e;", "&amp;", "%00%3cb%3e",
    "__proto__", "constructor", "hasownproperty", "tostring", "nan", "null", "other", "all", "-", "..", "?a=b&c", "#from=1&to=2",
    "\0", "a\0b", "\x1b[31m", "\r\n", "\t", "\x7f", "\\", "\\000", "\"", "'", "(", ";", "@", "$", ",", " ", "  ",
    "\u202e", "\u202dx\u202c", "\u2066y\u2069", "\u200f", "\u061c", "\u200b", "\u2028", "\ufeff", "\u0301\u0301\u0301\u0301\u0301", "\ufdfd",
    "\u{1f600}", "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}", "\u5b57", "\ud55c\uae00", "w".repeat(40), "i".repeat(60),
].map(bytes).concat("\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80".repeat(20));

/** Numbers from 0 to below `n`, the same for the same seed (mulberry32). */
function dice(seed) {
    let state = seed;
    return (n) => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) % n;
    };
}

const some = (roll, most) => Array.from({ length: 1 + roll(most) }, () => roll(8)
    ? PIECES[roll(PIECES.length)] : Array.from({ length: 1 + roll(9) }, () => String.fromCharCode(roll(256))).join("")).join("");

/** Labels of a name; `mark` makes it one of a kind. Letters are small, as tables have them. */
function labels(roll, mark) {
    const out = [mark];
    for (let left = NAME_MAX - mark.length, n = 1 + roll(4); n > 0 && left > LABEL_MAX; n--) {
        const label = some(roll, 3).replace(/[A-Z]/g, (c) => c.toLowerCase()).slice(0, LABEL_MAX);
        out.unshift(label);
        left -= label.length + 1;
    }
    return out;
}

const decimal = (byte) => `\\${String(byte.charCodeAt(0)).padStart(3, "0")}`;

/** A name as RFC 1035 5.1 writes it. */
const shownName = (name) => name.map((label) => label.replace(/[^]/g, (c) => (/["().;\\]/.test(c) ? `\\${c}` : /[!-~]/.test(c) ? c : decimal(c)))).join(".") + ".";

/** An identity: UTF-8 as it is, a backslash twice, any other byte by its number. */
function shownIdentity(identity) {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    let out = "";
    for (let at = 0; at < identity.length;) {
        const found = [1, 2, 3, 4].map((n) => identity.slice(at, at + n)).find((part) => {
            try {
                return decoder.decode(Buffer.from(part, "latin1"));
            } catch {
                return false;
            }
        });
        out += !found ? decimal(identity[at]) : found === "\\" ? "\\\\" : Buffer.from(found, "latin1").toString("utf8");
        at += found?.length ?? 1;
    }
    return out;
}

const texts = (page, selector) => page.locator(selector).evaluateAll((all) => all.map((e) => e.textContent));

/** How many elements there are of kinds that no row is made of. */
const intruders = () => document.querySelectorAll(
    "body script, body img, body svg, body iframe, body style, body base, body meta, body plaintext, body object, main form").length;

async function round(t, { spile, page, roll, number, seen, own }) {
    await page.setViewportSize({ width: WIDTHS[number % WIDTHS.length], height: 900 });
    const identities = [0, 1].map((i) => some(roll, 4).slice(0, IDENTITY_MAX - 8) + `-${number}-${i}`);
    const names = Array.from({ length: NAMES }, (_, i) => ({ name: labels(roll, `n${number}-${i}`), identity: identities[i % 2] }));
    const told = `round ${number}: ${JSON.stringify({ identities, names: names.map(({ name }) => name) })}`;
    spile.events(names.flatMap(({ name, identity }) => exchange({ name, identity, version: some(roll, 3), rcode: "SERVFAIL" })));
    for (const { name } of names)
        seen.add(shownName(name));
    const streams = identities.map(shownIdentity);
    await until(`the streams of ${told}`, async () => {
        const [cells, values] = [await texts(page, "#streams .link"),
            await page.locator("#stream option").evaluateAll((all) => all.map((o) => o.value))];
        return streams.every((name) => cells.includes(name) && values.includes(name));
    });
    await until(`the live events of ${told}`, async () => {
        const rows = await page.locator("#tail tbody tr").evaluateAll((all) => all.map((r) => [r.cells[1].textContent, r.cells[2].textContent].join("\n")));
        return names.every(({ name, identity }) => rows.filter((r) => r === `${shownIdentity(identity)}\n${shownName(name)}`).length === 2);
    });
    await until(`top names of ${told}`, async () => (await texts(page, "#top-domains .name")).length > 0);
    for (const name of await texts(page, "#top-domains .name"))
        assert.ok(seen.has(name), `${JSON.stringify(name)} was never sent; ${told}`);
    assert.deepEqual(await page.evaluate(overflow), [], told);
    assert.deepEqual((await page.evaluate(spills)).wrong, [], told);
    assert.deepEqual(await page.evaluate(structure), [], told);
    await page.selectOption("#stream", streams[0]);
    await until(`numbers of ${told}`, async () => (await textOf(page, "#more-queries")).startsWith(`${NAMES / 2} in `));
    assert.deepEqual(await texts(page, ".chip b"), [streams[0]], told);
    const shown = await texts(page, "#top-domains .name");
    await page.locator("#top-domains .rank").first().click();
    await until(`a chip of ${told}`, async () => (await texts(page, ".chip b")).includes(shown[0]));
    assert.deepEqual(await page.evaluate(overflow), [], `with chips; ${told}`);
    await page.reload();
    await until(`the same after a reload, ${told}`, async () => (await texts(page, ".chip b")).join("\n") === [streams[0], shown[0]].join("\n"));
    await page.locator("#clear").click();
    await until("no filter", async () => (await page.locator(".chip").count()) === 0);
    await until("the feed", async () => (await page.locator("#tail").getAttribute("data-feed")) === "open");
    assert.equal(await page.evaluate(intruders), own, told);
    assert.deepEqual(await page.evaluate(() => [window.pwned, ({}).polluted, document.title.slice(-7)]), [undefined, undefined, "– Spile"], told);
}

test(`names of strangers: ${ROUNDS} rounds, SPILE_NAME_SEED=${SEED}`, async (t) => {
    const roll = dice(SEED);
    const spile = await t.spile();
    const page = await t.page(spile);
    page.on("dialog", (dialog) => t.problems.push(`dialog: ${dialog.message()}`));
    await page.exposeFunction("toldOfPolicy", (what) => t.problems.push(`policy: ${what}`));
    const watch = () => addEventListener("securitypolicyviolation", (e) => window.toldOfPolicy(`${e.violatedDirective} ${e.blockedURI}`));
    await page.addInitScript(watch);
    await page.evaluate(watch);
    await until("the feed", async () => (await page.locator("#tail").getAttribute("data-feed")) === "open");
    const seen = new Set();
    const own = await page.evaluate(intruders);
    for (let number = 0; number < ROUNDS; number++)
        await round(t, { spile, page, roll, number, seen, own });
});
