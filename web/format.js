/* Numbers, shares, times and sizes as people read them. */

const whole = new Intl.NumberFormat("en");
const SCALES = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

/** 1,234,567 */
export const exact = (n) => whole.format(Math.round(n));

/** Three digits: 0.42, 12.3, 845, 1.23k */
export function brief(n) {
    if (n === null || n === undefined || Number.isNaN(n))
        return "–";
    if (n === 0)
        return "0";
    for (const [scale, letter] of SCALES)
        if (n >= scale * 0.9995)
            return three(n / scale) + letter;
    return n < 0.01 ? "<0.01" : three(n);
}

function three(n) {
    const digits = n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
    const text = n.toFixed(digits);
    return digits ? text.replace(/\.?0+$/, "") : text;
}

/** A share between 0 and 1 as percent. */
export function share(part, all) {
    if (!all)
        return "–";
    const percent = (100 * part) / all;
    if (percent === 0 || percent >= 0.1)
        return (percent >= 99.95 ? "100" : three(percent)) + " %";
    return "<0.1 %";
}

/** Microseconds. */
export function latency(us) {
    if (us === null || us === undefined)
        return "–";
    if (us < 1000)
        return `${three(us)} µs`;
    return us < 1e6 ? `${three(us / 1000)} ms` : `${three(us / 1e6)} s`;
}

/** The same of seconds, which may be null: not known. */
export const micro = (seconds) => latency(seconds === null || seconds === undefined ? null : seconds * 1e6);

export function bytes(n) {
    return n < 1000 ? `${n} B` : `${brief(n)}B`;
}

/** A length of time in milliseconds: its two largest parts. */
export function length(ms) {
    const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
    let rest = Math.max(0, Math.round(ms / 1000));
    const out = [];
    for (const [seconds, unit] of parts) {
        const n = Math.floor(rest / seconds);
        rest -= n * seconds;
        if (n || (out.length === 0 && unit === "s"))
            out.push(`${n} ${unit}`);
        if (out.length === 2)
            break;
    }
    return out.join(" ");
}

const two = (n) => String(n).padStart(2, "0");

/* All times are UTC, as in lines, files and the API: whoever compares two of them need not reckon. */

const dateOf = (t) => `${t.getUTCFullYear()}-${two(t.getUTCMonth() + 1)}-${two(t.getUTCDate())}`;

/** The time of day, 14:02:11; with `day` the date, with `zone` that it is UTC, too. */
export function clock(ms, { seconds = true, day = false, zone = false } = {}) {
    const t = new Date(ms);
    const time = `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}${seconds ? ":" + two(t.getUTCSeconds()) : ""}`;
    return (day ? `${dateOf(t)} ${time}` : time) + (zone ? " UTC" : "");
}

/** From one moment to another, "2026-11-21 08:54:21 - 08:54:23 UTC": the second date only where it is another one. */
export function fromTo(from, to) {
    const day = dateOf(new Date(from)) !== dateOf(new Date(to));
    return `${clock(from, { day: true })} - ${clock(to, { day, zone: true })}`;
}

/** When, as short as `spanMs` around it allows. */
export function moment(ms, spanMs) {
    const date = dateOf(new Date(ms));
    if (spanMs > 20 * 86400e3)
        return date;
    if (spanMs > 36 * 3600e3)
        return `${date.slice(5)} ${clock(ms, { seconds: false })}`;
    return clock(ms, { seconds: spanMs < 20 * 60e3 });
}
