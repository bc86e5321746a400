#!/usr/bin/env node
// The dashboard in a real browser: run.mjs [--spile PROGRAM] [--modules FOLDER] [--screenshots FOLDER]
// [-k REGEX] [-j N]. Runs every test of test_*.mjs; the last line counts. Screenshots, which somebody
// may want to look at, are taken where there is a folder for them.
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Bench, HERE, options, tests } from "./lab.mjs";

const { values } = parseArgs({ options: {
    spile: { type: "string" }, modules: { type: "string" }, screenshots: { type: "string" },
    chromium: { type: "string" }, jobs: { type: "string", short: "j", default: "3" }, k: { type: "string", short: "k", default: "" },
} });
for (const name of ["spile", "modules", "chromium"])
    options[name] = values[name] ? path.resolve(values[name]) : options[name];
if (!options.chromium) {
    console.log("skip  browser  chromium is not installed\n0 passed, 0 failed, 1 skipped");
    process.exit(0);
}
if (values.screenshots)
    fs.mkdirSync(options.screenshots = path.resolve(values.screenshots), { recursive: true });

for (const name of fs.readdirSync(HERE).filter((n) => /^test_.*\.mjs$/.test(n)).sort())
    await import(`./${name}`);

const counts = { pass: 0, FAIL: 0 };

async function runOne({ name, run }) {
    const begin = performance.now();
    const bench = new Bench();
    let trouble = null;
    for (const step of [() => run(bench), () => bench.close()])
        await step().catch((error) => {
            trouble ??= error;
        });
    const verdict = trouble ? "FAIL" : "pass";
    counts[verdict] += 1;
    console.log(`${verdict}  browser/${name}  ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    if (trouble)
        console.log([trouble.stack, ...bench.problems].join("\n"));
}

/** They wait more than they work, so some run together. */
const waiting = tests.filter((t) => new RegExp(values.k).test(t.name));
console.log(`${waiting.length} tests`);
await Promise.all(Array.from({ length: Number(values.jobs) }, async () => {
    while (waiting.length)
        await runOne(waiting.shift());
}));
await Bench.closeBrowser();
console.log(`${counts.pass} passed, ${counts.FAIL} failed, 0 skipped`);
process.exit(counts.FAIL || !counts.pass ? 1 : 0);
