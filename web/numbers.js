/* The big numbers. */
import { h, setText } from "./dom.js";
import { secondsOf, sinceWhen } from "./cover.js";
import { brief, exact, length, micro, share } from "./format.js";

/** Those that one side alone has are hidden where the numbers shown lack them. */
const TILES = [
    ["queries", "Queries/s"], ["responses", "Responses/s"], ["clients", "Clients"], ["servers", "Servers asked"],
    ["domains", "Domains"], ["nxdomain", "NXDOMAIN"], ["servfail", "SERVFAIL"],
    ["p50", "Median latency"], ["p99", "p99 latency"], ["unanswered", "Unanswered"], ["retries", "Retries"],
    ["cache", "Cache efficiency"],
    ["lost", "Lost events"],
];

const MANY = 10; // of more tiles a row has more

/** The share of responses with that code, and how many these are. */
const coded = (rcodes, name, all) => [share(rcodes[name] ?? 0, all), `${exact(rcodes[name] ?? 0)} of ${exact(all)} responses`];

/**
 * What the tiles say of the server's statistics of a side and a window: {tile: [value, more, level]}.
 * Rates are the means of the time that the window really covers, which is in the reply. `upstream`:
 * what api/v1/upstream says of the same, or null; `single`: it is of one stream.
 */
export function ofServer(reply, outputs, upstream = null, single = false) {
    const { distinct, queries, responses, latency: took } = reply.statistics;
    const seconds = secondsOf(reply, single);
    const told = (what) => [exact(distinct[what]), [reply.statistics["distinct-exact"][what] ? "exactly" : "to within 1 %",
        sinceWhen(reply, "keys", single)].filter(Boolean).join(", ")];
    const rated = ({ events }) => [brief(seconds > 0 ? events / seconds : 0), `${exact(events)} in ${length(1000 * seconds)}`];
    const without = took.apart.length ? `, without ${took.apart.join(", ")}` : "";
    const timed = (value) => [micro(value), `of ${exact(took.count)} responses${without}`];
    return {
        queries: rated(queries),
        responses: rated(responses),
        ...(reply.side === "upstream" ? { servers: told("servers") } : { clients: told("clients") }),
        domains: told("domains"),
        nxdomain: coded(responses.rcodes, "NXDOMAIN", responses.events),
        servfail: coded(responses.rcodes, "SERVFAIL", responses.events),
        p50: timed(took.p50),
        p99: timed(took.p99),
        ...(upstream ? ofUpstream(upstream) : {}),
        lost: lost(outputs, `${exact(reply.malformed)} malformed${reply.window === "all" ? "" : " in the window"}`),
    };
}

/** What came to nothing, or is on its way; and how much of what clients got needed no question. */
function ofUpstream({ queries, unanswered, timeouts, retries, cache }) {
    const of = (n, more = "") => [share(n, queries), `${exact(n)} of ${exact(queries)} queries${more}`];
    return {
        unanswered: of(unanswered, `; ${exact(timeouts)} timed out`),
        retries: of(retries),
        cache: [cache.efficiency === null ? "–" : share(cache.efficiency, 1), `of ${exact(cache.answers)} answers to clients`],
    };
}

/** The same of live events. */
export function ofEvents(sums, points, outputs, upstream) {
    const point = points.at(-1);
    const seconds = point ? (point.to - point.from) / 1000 : 1;
    const rate = (n) => brief(point ? n / seconds : 0);
    const all = sums.latency.total;
    const about = sums.exact && !sums.left ? "exactly" : "at least";
    const others = upstream ? "servers" : "clients";
    return {
        queries: [rate(point?.queries ?? 0), `${exact(sums.queries)} in all`],
        responses: [rate(point?.responses ?? 0), `${exact(sums.responses)} in all`],
        [others]: [exact(sums.distinct(others)), about],
        domains: [exact(sums.distinct("domains")), about],
        nxdomain: coded(sums.rcodes, "NXDOMAIN", sums.responses),
        servfail: coded(sums.rcodes, "SERVFAIL", sums.responses),
        p50: [micro(sums.latency.quantile(0.5)), `of ${exact(all)} responses`],
        p99: [micro(sums.latency.quantile(0.99)), `of ${exact(all)} responses`],
        lost: lost(outputs),
    };
}

/** Outputs know no windows. `more`: what else there is to say. */
function lost(outputs, more) {
    const dropped = (outputs ?? []).reduce((a, o) => a + o.dropped, 0);
    return [exact(dropped), ["by all outputs since the start", more].filter(Boolean).join("; "), dropped ? "bad" : ""];
}

export class Numbers {
    constructor(list) {
        this.list = list;
        this.tiles = Object.fromEntries(TILES.map(([key, title]) => {
            const [value, more] = [h("dd", { class: "value", id: `number-${key}` }), h("dd", { class: "more", id: `more-${key}` })];
            const element = h("div", { hidden: true }, h("dt", {}, title), value, more);
            list.append(element);
            return [key, { element, value, more }];
        }));
    }

    show(numbers) {
        for (const [key, { element }] of Object.entries(this.tiles))
            element.hidden = !(key in numbers);
        this.list.dataset.many = Object.keys(numbers).length > MANY;
        for (const [key, [value, more, level]] of Object.entries(numbers)) {
            const tile = this.tiles[key];
            setText(tile.value, value);
            tile.value.style.setProperty("--length", value.length);
            setText(tile.more, more);
            tile.value.dataset.level = level ?? "";
        }
    }
}
