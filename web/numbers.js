/* The big numbers. */
import { h, setText } from "./dom.js";
import { brief, exact, latency, share } from "./format.js";
import { Tally } from "./buckets.js";

const LAST_MS = 60e3;

const TILES = [
    ["queries", "Queries/s"], ["responses", "Responses/s"], ["clients", "Clients"],
    ["domains", "Domains"], ["nxdomain", "NXDOMAIN"], ["servfail", "SERVFAIL"],
    ["p50", "Median latency"], ["p99", "p99 latency"], ["lost", "Lost events"],
];

/** The last minute of a timeline, as one. */
function lastMinute(points) {
    const out = { responses: 0, rcodes: {}, latency: new Tally() };
    const end = points.at(-1)?.to ?? 0;
    for (const point of points.filter((p) => p.to > end - LAST_MS)) {
        out.responses += point.responses;
        out.latency.add(point.fine);
        for (const [name, n] of Object.entries(point.rcodes))
            out.rcodes[name] = (out.rcodes[name] ?? 0) + n;
    }
    return out;
}

const micro = (seconds) => latency(seconds === null ? null : seconds * 1e6);

/** What the tiles say of the server's statistics: {tile: [value, more, level]}. */
export function ofServer(reply, points, outputs) {
    const { rates, distinct, queries, responses, latency: took } = reply.statistics;
    const last = lastMinute(points);
    const about = reply.exact ? "exactly" : "to within 1 %";
    const coded = (name) => [share(responses.rcodes[name] ?? 0, responses.events),
        `1 min: ${share(last.rcodes[name] ?? 0, last.responses)}`];
    const without = took.apart.length ? `, without ${took.apart.join(", ")}` : "";
    const timed = (q, value) => [micro(value), `1 min: ${micro(last.latency.quantile(q))}${without}`];
    return {
        queries: [brief(rates.queries.second), `${exact(queries.events)} in all`],
        responses: [brief(rates.responses.second), `${exact(responses.events)} in all`],
        clients: [exact(distinct.clients), about],
        domains: [exact(distinct.domains), about],
        nxdomain: coded("NXDOMAIN"),
        servfail: coded("SERVFAIL"),
        p50: timed(0.5, took.p50),
        p99: timed(0.99, took.p99),
        lost: lost(outputs, reply.malformed),
    };
}

/** The same of live events. */
export function ofEvents(sums, points, outputs) {
    const point = points.at(-1);
    const seconds = point ? (point.to - point.from) / 1000 : 1;
    const rate = (n) => brief(point ? n / seconds : 0);
    const of = (name) => [share(sums.rcodes[name] ?? 0, sums.responses), `${exact(sums.rcodes[name] ?? 0)} of ${exact(sums.responses)}`];
    const all = sums.latency.total;
    const about = sums.exact ? "exactly" : "at least";
    return {
        queries: [rate(point?.queries ?? 0), `${exact(sums.queries)} in all`],
        responses: [rate(point?.responses ?? 0), `${exact(sums.responses)} in all`],
        clients: [exact(sums.distinct("clients")), about],
        domains: [exact(sums.distinct("domains")), about],
        nxdomain: of("NXDOMAIN"),
        servfail: of("SERVFAIL"),
        p50: [micro(sums.latency.quantile(0.5)), `of ${exact(all)}`],
        p99: [micro(sums.latency.quantile(0.99)), `of ${exact(all)}`],
        lost: lost(outputs, null),
    };
}

function lost(outputs, malformed) {
    const dropped = (outputs ?? []).reduce((a, o) => a + o.dropped, 0);
    return [exact(dropped), malformed === null ? "by all outputs" : `${exact(malformed)} malformed`, dropped ? "bad" : ""];
}

export class Numbers {
    constructor(list) {
        this.tiles = Object.fromEntries(TILES.map(([key, title]) => {
            const [value, more] = [h("dd", { class: "value", id: `number-${key}` }), h("dd", { class: "more", id: `more-${key}` })];
            list.append(h("div", {}, h("dt", {}, title), value, more));
            return [key, { value, more }];
        }));
    }

    show(numbers) {
        for (const [key, [value, more, level]] of Object.entries(numbers)) {
            const tile = this.tiles[key];
            setText(tile.value, value);
            tile.value.style.setProperty("--length", value.length);
            setText(tile.more, more);
            tile.value.dataset.level = level ?? "";
        }
    }
}
