// What the tests are written with: the program under test, a browser, and pages that are watched.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { file } from "./frames.mjs";

export const HERE = path.dirname(fileURLToPath(import.meta.url));
export const ROOT = path.resolve(HERE, "../..");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];

/** Chromium; its headless shell shows what the whole browser does, for half of the time. */
const browser = ["chromium-headless-shell", "chromium"].flatMap((name) => process.env.PATH.split(":").map((folder) =>
    path.join(folder, name))).find((program) => fs.existsSync(program));

export const options = { spile: path.join(ROOT, "build/spile"), modules: path.join(ROOT, "build/browser"),
    screenshots: null, chromium: browser,
    // How much slower than two quiet cores this machine is (tests/support/patience.py), and three times that, since
    // a wait ends with what it waits for: only a failure takes the whole of its limit.
    patience: 3 * Number(process.env.SPILE_TEST_PATIENCE
        ?? spawnSync("python3", [path.join(ROOT, "tests/support/patience.py")]).stdout ?? 1) };

export const tests = [];
export const test = (name, run) => tests.push({ name, run });

/** Keeps what the page looks like now, if somebody wants to see it. */
export const keep = async (page, name) =>
    options.screenshots && page.screenshot({ path: path.join(options.screenshots, `${name}.png`), fullPage: true });

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `condition` gives something true, and gives that; what it throws counts as no. */
export async function until(what, condition, seconds = 15) {
    const end = performance.now() + seconds * 1000 * options.patience;
    for (;;) {
        let trouble = null;
        const value = await Promise.resolve().then(condition).catch((error) => {
            trouble = error;
        });
        if (value)
            return value;
        if (performance.now() > end)
            throw new Error(`waited in vain: ${what}${trouble ? ": " + trouble.message : ""}`);
        await sleep(50);
    }
}

/** The program, with a socket, a web server, and what else the configuration has. */
export class Spile {
    constructor(folder, input, more, args) {
        this.folder = folder;
        this.socket = path.join(folder, "tap.sock");
        this.log = "";
        this.senders = [];
        const config = path.join(folder, "spile.yaml");
        fs.writeFileSync(config, `inputs:\n  - unix: {path: ${this.socket}, ${input}}\noutputs:\n  - "null": {}\n${more}`);
        this.child = spawn(options.spile, ["run", "-c", config, ...args], { stdio: ["ignore", "ignore", "pipe"] });
        this.child.stderr.on("data", (text) => {
            this.log += text;
        });
        this.ended = new Promise((done) => this.child.on("exit", done));
    }

    async ready() {
        this.url = await until("the web server", () => {
            assert.equal(this.child.exitCode, null, `spile ended: ${this.log}`);
            return this.log.match(/web: (http:\S+)/)?.[1];
        });
        return this;
    }

    /** Replays captures of tests/data, or files. */
    send(...files) {
        for (const name of files) {
            const from = name.includes("/") ? name : path.join(ROOT, `tests/data/captures/${name}.fstrm.xz`);
            const done = spawnSync(options.spile, ["send", "--retry", "2", from, `unix:${this.socket}`]);
            assert.equal(done.status, 0, `send ${name}: ${done.stderr}`);
        }
    }

    events(frames) {
        const name = path.join(this.folder, "events.fstrm");
        fs.writeFileSync(name, file(frames));
        this.send(name);
    }

    /** Another process that sends these and stays connected until it is killed. */
    sender(frames) {
        const name = path.join(this.folder, `events-${this.senders.length}.fstrm`);
        fs.writeFileSync(name, file(frames, { stop: false }));
        const run = "const [, name, to] = process.argv; require('net').connect(to).write(require('fs').readFileSync(name));";
        this.senders.push(spawn(process.execPath, ["-e", run, name, this.socket], { stdio: "ignore" }));
        return this.senders.at(-1);
    }

    async api(route, headers = {}) {
        const reply = await fetch(`${this.url}api/v1/${route}`, { headers });
        assert.equal(reply.status, 200, `${route}: ${reply.status}`);
        return reply.json();
    }

    /** The API's replies of both sides. */
    sides(route, headers) {
        return Promise.all(["client", "upstream"].map((side) => this.api(`${route}${route.includes("?") ? "&" : "?"}side=${side}`, headers)));
    }

    /** Until history has so many events of both sides, which it has a moment later than the statistics. */
    async remembered(count) {
        return until(`${count} events in history`, async () => {
            const replies = await this.sides("series?step=1000&series=queries,responses");
            return replies.flatMap(({ series }) => [...series.queries, ...series.responses]).reduce((a, n) => a + (n ?? 0), 0) >= count;
        });
    }

    /** Until the statistics have so many events of both sides; the client side's. */
    async counted(count, headers) {
        return until(`${count} events counted`, async () => {
            const replies = await this.sides("statistics", headers);
            const events = replies.map(({ statistics: { queries, responses } }) => queries.events + responses.events);
            return events[0] + events[1] >= count && replies[0];
        });
    }

    async stop(signal = "SIGTERM") {
        for (const sender of this.senders)
            sender.kill();
        if (this.child.exitCode === null)
            this.child.kill(signal);
        return this.ended;
    }
}

/** What one test has; everything in it ends with the test. */
export class Bench {
    static #browser = null; // a promise of it

    static async closeBrowser() {
        await (await Bench.#browser)?.close();
    }

    constructor() {
        this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "spile-"));
        this.programs = [];
        this.contexts = [];
        this.problems = [];
        this.expected = /(?!)/; // which of them the test provokes, whenever they come; none
    }

    async spile({ input = "", more = "", web = "listen: 127.0.0.1:0", args = [] } = {}) {
        const program = new Spile(this.folder, input, `web: {${web}}\n${more}`, args);
        this.programs.push(program);
        return program.ready();
    }

    /**
     * A page of that program. Whatever it says on the console, throws, or asks of other servers is a
     * problem, and fails the test at its end. `ahead`: its clock goes so many ms before. It shows the numbers since
     * the start unless the test wants others, since a slow machine's minute may be over too soon.
     */
    async page(spile, { width = 1280, height = 900, hash = "#window=all", ready = true, ahead = 0, ...rest } = {}) {
        const { chromium } = createRequire(path.join(options.modules, "package.json"))("playwright-core");
        Bench.#browser ??= chromium.launch({ executablePath: options.chromium, args: FLAGS,
            timeout: 30000 * options.patience });
        const context = await (await Bench.#browser).newContext({ viewport: { width, height }, ...rest });
        context.setDefaultTimeout(10000 * options.patience);
        this.contexts.push(context);
        const page = await context.newPage();
        page.on("console", (line) => this.problems.push(`console: ${line.type()}: ${line.text()}`));
        page.on("pageerror", (error) => this.problems.push(`error: ${error.message}`));
        page.on("request", (request) => {
            const ours = new URL(request.url()).origin === new URL(spile.url).origin || request.url().startsWith("data:");
            if (!ours)
                this.problems.push(`asked elsewhere: ${request.url()}`);
        });
        if (ahead)
            await page.addInitScript((ms) => {
                const real = Date.now;
                Date.now = () => real() + ms;
            }, ahead);
        await page.goto(spile.url + hash);
        if (ready)
            await until("the page is live, and hears of events", () => page.evaluate(() =>
                document.getElementById("state").dataset.state === "live" && document.getElementById("tail").dataset.feed === "open" &&
                document.querySelector("#number-queries").textContent !== ""));
        return page;
    }

    /** Ends all pages and programs: a test may begin once more. */
    async clear() {
        for (const context of this.contexts.splice(0))
            await context.close();
        for (const program of this.programs.splice(0))
            await program.stop("SIGKILL");
    }

    async close() {
        await this.clear();
        fs.rmSync(this.folder, { recursive: true, force: true });
        assert.deepEqual(this.problems.filter((p) => !this.expected.test(p)), [], "problems seen while the page was open");
    }
}

export const textOf = (page, selector) => page.locator(selector).first().innerText();

/** "13,681 in all" is 13681, "2.83k" 2830, "4.19 µs" 0.00000419, "11 %" 0.11. */
export function parsed(text) {
    const [, digits, unit] = text.replaceAll(",", "").match(/^<?([\d.]+)\s*(µs|ms|s|%|k|M|G)?/);
    const scale = { "µs": 1e-6, ms: 1e-3, s: 1, "%": 0.01, k: 1e3, M: 1e6, G: 1e9 };
    return Number(digits) * (scale[unit] ?? 1);
}

/** Equal as far as three digits can tell, or to within `error`. */
export function near(shown, real, what, error = 0.0051) {
    assert.ok(Math.abs(shown - real) <= Math.abs(real) * error + 1e-9, `${what}: shown ${shown}, in truth ${real}`);
}

export { assert };
