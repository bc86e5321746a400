#!/usr/bin/env node
// The dashboard in a real browser: run.mjs [--spile PROGRAM] [--modules FOLDER] [--screenshots FOLDER]
// [-k REGEX]. Runs every test of test_*.mjs; the last line counts.
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Bench, options, tests } from "./lab.mjs";

const { values } = parseArgs({ options: {
    spile: { type: "string" }, modules: { type: "string" }, screenshots: { type: "string" },
    chromium: { type: "string" }, k: { type: "string", short: "k", default: "" },
} });
for (const name of ["spile", "modules", "screenshots", "chromium"])
    options[name] = path.resolve(values[name] ?? options[name]);
fs.mkdirSync(options.screenshots, { recursive: true });

for (const name of fs.readdirSync(import.meta.dirname).filter((n) => /^test_.*\.mjs$/.test(n)).sort())
    await import(`./${name}`);

const counts = { pass: 0, FAIL: 0 };
for (const { name, run } of tests.filter((t) => new RegExp(values.k).test(t.name))) {
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
await Bench.close();
console.log(`${counts.pass} passed, ${counts.FAIL} failed, 0 skipped`);
process.exit(counts.FAIL || !counts.pass ? 1 : 0);
