/*
 * Latencies in the buckets of the server's statistics (`fine` in the API): 64 to each power of two
 * from 2^10 ns on, one below and one above. A bucket stands for its middle, so quantiles are good to
 * 1 %, those of a minute like those since the start.
 *
 * Counts are lists of pairs, [bucket, n, bucket, n, ...], ascending.
 */

const LEAST_NS = 2 ** 10;
const MOST_NS = 2 ** 42;
const SUB = 64; // buckets to each power of two
const BUCKETS = 32 * SUB + 2;

/** The bucket of a latency in seconds. */
export function bucketOf(seconds) {
    const ns = Math.round(seconds * 1e9);
    if (ns < LEAST_NS)
        return 0;
    if (ns >= MOST_NS)
        return BUCKETS - 1;
    const power = Math.floor(Math.log2(ns));
    return (power - 10) * SUB + Math.floor(ns / 2 ** power * SUB) - SUB + 1;
}

function lower(bucket) {
    const place = bucket - 1;
    return (SUB + (place % SUB)) * 2 ** (Math.floor(place / SUB) + 4);
}

/** What stands for a bucket, in seconds. */
export function bucketValue(bucket) {
    if (bucket === 0)
        return 0;
    return (bucket >= BUCKETS - 1 ? MOST_NS : (lower(bucket) + lower(bucket + 1)) / 2) / 1e9;
}

/** The row of the heat map that a bucket is in (timeline.js). */
export const bucketRow = (bucket) => Math.ceil(bucket / SUB);

/** b - a; null when something shrank: then the numbers began anew. */
export function pairsGrown(a, b) {
    const out = [];
    let i = 0;
    for (let k = 0; k < b.length; k += 2) {
        if (i < a.length && a[i] < b[k])
            return null;
        const before = a[i] === b[k] ? a[i + 1] : 0;
        i += a[i] === b[k] ? 2 : 0;
        if (b[k + 1] < before)
            return null;
        if (b[k + 1] > before)
            out.push(b[k], b[k + 1] - before);
    }
    return i < a.length ? null : out;
}

/** {ROW: n} */
export function pairsRows(pairs) {
    const out = {};
    for (let i = 0; i < pairs.length; i += 2)
        out[bucketRow(pairs[i])] = (out[bucketRow(pairs[i])] ?? 0) + pairs[i + 1];
    return out;
}

/** Counts of all buckets, added up. */
export class Tally {
    #counts = new Float64Array(BUCKETS);
    total = 0;

    /** `part` of each is counted. */
    add(pairs, part = 1) {
        for (let i = 0; i < pairs.length; i += 2) {
            this.#counts[pairs[i]] += pairs[i + 1] * part;
            this.total += pairs[i + 1] * part;
        }
    }

    /** The smallest latency, in seconds, that a part `q` of all does not exceed; null: there are none. */
    quantile(q) {
        const wanted = q * this.total * (1 - 1e-9); // sums of parts are not exact
        let seen = 0;
        for (let bucket = 0; bucket < BUCKETS; bucket++) {
            seen += this.#counts[bucket];
            if (seen > 0 && seen >= wanted)
                return bucketValue(bucket);
        }
        return null;
    }

    pairs() {
        const out = [];
        this.#counts.forEach((n, bucket) => n && out.push(bucket, n));
        return out;
    }

    clear() {
        this.#counts.fill(0);
        this.total = 0;
    }
}
