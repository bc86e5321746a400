/*
 * Sums of live events, for what the server keeps no statistics of: one client, one result, one type.
 * As the server's (timeline.js), and tables of names besides. Bounded: of too many keys the rarest
 * go, and `exact` says so.
 */
import { Tally, bucketOf } from "./buckets.js";
import { now } from "./now.js";
import { NODATA } from "./source.js";

const KEYS_MAX = 5000;

/** The tables: key(event), and what a key needs to be counted at all. */
const TABLES = {
    domains: { key: (e) => e.qname },
    tlds: { key: (e) => tld(e.qname) },
    clients: { key: (e) => e.client },
    ...Object.fromEntries(["NXDOMAIN", "SERVFAIL", "REFUSED", NODATA].flatMap((result) => [["clients", (e) => e.client], ["domains", (e) => e.qname]]
        .map(([table, key]) => [`${table}-${result.toLowerCase()}`, { key, when: (e) => isResponse(e) && resultOf(e) === result }]))),
    "domains-failing": { key: (e) => e.qname, when: failed },
    servers: { key: (e) => e.server },
    "servers-failing": { key: (e) => e.server, when: failed },
    "domains-slow": { key: (e) => e.qname, when: timed, mean: (e) => e.latency },
};

const isResponse = (e) => e.direction === "response";
const resultOf = (e) => (e.nodata ? NODATA : e.rcode ?? "-");

function failed(e) {
    return isResponse(e) && e.rcode !== "NOERROR" && e.rcode !== "NXDOMAIN";
}

function timed(e) {
    return isResponse(e) && e.latency !== null && e.latency !== undefined;
}

/** The last label; an escaped dot is part of one. */
export function tld(name) {
    const labels = (name ?? "").match(/(?:\\[\s\S]|[^.\\])+/g);
    return labels ? labels.at(-1) : ".";
}

const bump = (counts, name) => {
    counts[name] = (counts[name] ?? 0) + 1;
};

export class Sums {
    constructor() {
        this.began = now();
        this.shown = 0;
        this.left = 0;
        this.exact = true;
        this.queries = 0;
        this.responses = 0;
        this.rcodes = Object.create(null);
        this.asked = Object.create(null);
        this.answered = Object.create(null);
        this.transports = Object.create(null);
        this.latency = new Tally();
        this.tables = Object.fromEntries(Object.keys(TABLES).map((name) => [name, new Map()]));
    }

    add(event) {
        this.shown += 1;
        bump(this.transports, event.transport ?? "unknown");
        if (isResponse(event)) {
            this.responses += 1;
            bump(this.rcodes, resultOf(event));
            bump(this.answered, event.qtype ?? "-");
            if (timed(event))
                this.latency.add([bucketOf(event.latency), 1]);
        } else {
            this.queries += 1;
            bump(this.asked, event.qtype ?? "-");
        }
        for (const [name, { key, when, mean }] of Object.entries(TABLES))
            if (!when || when(event))
                this.#count(this.tables[name], key(event), mean?.(event));
    }

    #count(map, key, seconds) {
        if (key === null || key === undefined)
            return;
        const row = map.get(key);
        if (row) {
            row.n += 1;
            row.seconds += seconds ?? 0;
            return;
        }
        if (map.size >= KEYS_MAX)
            this.#thin(map);
        map.set(key, { n: 1, seconds: seconds ?? 0 });
    }

    #thin(map) {
        this.exact = false;
        const rare = [...map].sort((a, b) => a[1].n - b[1].n).slice(0, KEYS_MAX / 2);
        for (const [key] of rare)
            map.delete(key);
    }

    distinct(table) {
        return this.tables[table].size;
    }

    /** The rows of a table, largest first. */
    top(name, count) {
        const { mean } = TABLES[name] ?? {};
        return [...(this.tables[name] ?? [])]
            .map(([key, row]) => ({ name: key, value: mean ? row.seconds / row.n : row.n }))
            .sort((a, b) => b.value - a.value).slice(0, count);
    }

    /** A copy of the sums, as of now. */
    take() {
        return {
            time: now(),
            queries: this.queries,
            responses: this.responses,
            rcodes: { ...this.rcodes },
            qtypes: { ...(this.queries ? this.asked : this.answered) },
            transports: { ...this.transports },
            fine: this.latency.pairs(),
        };
    }
}
