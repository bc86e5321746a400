#!/usr/bin/env node
// README's picture of the dashboard: picture.mjs [--spile PROGRAM] [--modules FOLDER] [--chromium PROGRAM]
// [--seconds N] FILE.png. Servers' captures are sent again and again, so many frames a second, and after N
// seconds (240) the page is taken as it stands.
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { parseArgs } from "node:util";
import { Bench, ROOT, options, sleep, until } from "./lab.mjs";

const RATES = { unbound: 300, named: 200, dnsdist: 180, knot: 150 }; // frames a second
const SIZE = { width: 1440, height: 1650 };

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
    spile: { type: "string" }, modules: { type: "string" }, chromium: { type: "string" }, seconds: { type: "string", default: "240" },
} });
for (const name of ["spile", "modules", "chromium"])
    options[name] = values[name] ? path.resolve(values[name]) : options[name];

const bench = new Bench();
const senders = [];
try {
    const spile = await bench.spile({ input: "mode: 0666", more: `history: {path: ${bench.folder}/history.db}\n` });
    for (const [name, rate] of Object.entries(RATES))
        senders.push(spawn(options.spile, ["send", "--now", "--loop", "0", "--rate", String(rate),
            path.join(ROOT, `tests/data/captures/${name}.fstrm.xz`), `unix:${spile.socket}`], { stdio: "ignore" }));
    await sleep(1000 * Number(values.seconds));
    const page = await bench.page(spile, { ...SIZE, hash: "", colorScheme: "light" });
    await until("tables", async () => (await page.locator("#top-clients .rank").count()) === 10);
    await page.screenshot({ path: positionals[0] });
} finally {
    for (const sender of senders)
        sender.kill();
    await bench.close();
    await Bench.closeBrowser();
}
// Fewer colours make a smaller file; where the tool is not there, it is a larger one.
spawnSync("pngquant", ["--force", "--strip", "--output", positionals[0], "128", positionals[0]]);
