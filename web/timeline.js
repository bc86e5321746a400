/*
 * What happened when. Both sources, the server's statistics and live events, give *sums*: numbers
 * that only grow,
 *
 *     {time, queries, responses, rcodes: {NAME: n}, qtypes: {...}, transports: {...}, fine: PAIRS}
 *
 * where `fine` are the latencies (buckets.js). The timeline keeps their differences as points a second
 * or so apart, and gives them out as a *picture*: columns of equal width over a stretch of time. Its
 * heat map has rows of latency (rowOf): {ROW: n}.
 */
import { Tally, pairsGrown, pairsRows } from "./buckets.js";

export const KEEP_MS = 15 * 60e3;
const POINTS_MAX = 2 * KEEP_MS / 1000; // whatever the clocks say
const AHEAD_MS = 5000; // history's last point may end a little after the reply that comes with it
export const GROUPS = ["rcodes", "qtypes", "transports"];

/**
 * Rows of latency are powers of two, as history keeps them: row 0 ends at 2^10 ns. These turn seconds
 * into rows, fractions and all, and rows into their upper bounds.
 */
export const rowPlace = (seconds) => Math.max(0, Math.log2(Math.max(seconds, 1e-9) * 1e9) - 10);
export const rowOf = (seconds) => Math.ceil(rowPlace(seconds) - 1e-6) + 0;
export const rowBound = (row) => 2 ** (10 + row) / 1e9;

/** b - a, name by name; null when something shrank: then the numbers began anew. */
function growth(a, b) {
    const out = {};
    for (const [name, n] of Object.entries(b)) {
        const more = n - (a[name] ?? 0);
        if (more < 0)
            return null;
        if (more > 0)
            out[name] = more;
    }
    return out;
}

export class Timeline {
    #points = [];
    #last = null;
    fills = 0;

    get since() {
        return this.#points[0]?.from ?? this.#last?.time ?? null;
    }

    get points() {
        return this.#points;
    }

    /** The point that these sums add, or null for the first ones. */
    push(sums) {
        const before = this.#last;
        this.#last = sums;
        this.#forget(sums.time);
        if (!before || sums.time <= before.time || sums.time - before.time > KEEP_MS)
            return null;
        const point = { from: before.time, to: sums.time };
        for (const group of GROUPS)
            point[group] = growth(before[group], sums[group]);
        point.fine = pairsGrown(before.fine, sums.fine);
        if (!point.fine || GROUPS.some((group) => !point[group]))
            return null;
        point.rows = pairsRows(point.fine);
        point.queries = sums.queries - before.queries;
        point.responses = sums.responses - before.responses;
        if (point.queries < 0 || point.responses < 0)
            return null;
        this.#points.push(point);
        return point;
    }

    /** What is old goes, and what is to come: a clock that was wrong has been set back. */
    #forget(time) {
        this.#points = this.#points.filter(({ to }) => to >= time - KEEP_MS && to <= time + AHEAD_MS).slice(-POINTS_MAX);
    }

    /** What history knows takes the place of the points here that it reaches to. */
    fill(points) {
        const end = points.at(-1)?.to ?? 0;
        this.#points = [...points, ...this.#points.filter((point) => (point.from + point.to) / 2 >= end)];
        this.fills += 1;
    }

    /** At most `columns` columns between `from` and `to`; rates are a second's. */
    picture(from, to, columns = 300) {
        const width = Math.max(1000, Math.ceil((to - from) / columns / 1000) * 1000);
        const start = Math.floor(from / width) * width;
        const count = Math.max(1, Math.ceil((to - start) / width));
        const out = emptyPicture(start, width, count);
        const seconds = new Array(count).fill(0);
        const parts = out.times.map(() => []);
        for (const point of this.#points)
            spread(out, seconds, parts, point);
        toRates(out, seconds);
        drawLines(out, parts);
        return out;
    }
}

export function emptyPicture(start, width, count) {
    const times = Array.from({ length: count }, (_, i) => start + i * width);
    return {
        width, times, from: start, to: start + width * count,
        rcodes: new Map(), qtypes: new Map(), transports: new Map(),
        heat: times.map(() => ({})), p50: null, p99: null, whole: { p50: null, p99: null },
    };
}

/** Adds a point to the columns that it lies in, to each its part. Of latencies the parts are listed. */
function spread(out, seconds, parts, point) {
    const { width, times, from, to } = out;
    const first = Math.max(0, Math.floor((point.from - from) / width));
    const last = Math.min(times.length - 1, Math.floor((point.to - 1 - from) / width));
    for (let at = first; at <= last; at++) {
        const overlap = Math.min(point.to, times[at] + width, to) - Math.max(point.from, times[at]);
        const part = overlap / (point.to - point.from);
        seconds[at] += overlap / 1000;
        parts[at].push([point.fine, part]);
        for (const group of GROUPS)
            for (const [name, n] of Object.entries(point[group]))
                line(out[group], name, times.length)[at] += n * part;
        for (const [row, n] of Object.entries(point.rows))
            out.heat[at][row] = (out.heat[at][row] ?? 0) + n * part;
    }
}

function line(group, name, count) {
    let values = group.get(name);
    if (!values)
        group.set(name, values = new Array(count).fill(0));
    return values;
}

/** Sums become rates; columns that nothing is known of become gaps. */
function toRates(picture, seconds) {
    for (const group of GROUPS)
        for (const values of picture[group].values())
            values.forEach((n, i) => {
                values[i] = seconds[i] ? n / seconds[i] : null;
            });
}

/** The quantiles of each column, and of all together. */
function drawLines(picture, parts) {
    const [all, column] = [new Tally(), new Tally()];
    const lines = parts.map((list) => {
        column.clear();
        for (const [fine, part] of list) {
            column.add(fine, part);
            all.add(fine, part);
        }
        return { p50: column.quantile(0.5), p99: column.quantile(0.99) };
    });
    picture.p50 = lines.map((line) => line.p50);
    picture.p99 = lines.map((line) => line.p99);
    picture.whole = { p50: all.quantile(0.5), p99: all.quantile(0.99) };
}
