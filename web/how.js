/* How messages came: transports and what they cost, EDNS, and answers that were cut. */
import { byId, h, setText, table } from "./dom.js";
import { Facts, part, shares } from "./facts.js";
import { exact, micro } from "./format.js";

const COLUMNS = [
    { title: "Transport", cell: (r) => r.name },
    { title: "Queries", right: true, cell: (r) => exact(r.queries) },
    { title: "Responses", right: true, cell: (r) => exact(r.responses) },
    { title: "Median", right: true, cell: (r) => micro(r.p50) },
    { title: "p99", right: true, cell: (r) => micro(r.p99) },
    { title: "Mean", right: true, cell: (r) => micro(r.mean) },
    { title: "Slowest", right: true, cell: (r) => micro(r.slowest) },
];

/** Those over which anything came, the busiest first. */
function transportsOf({ queries, responses, latency: { transports } }) {
    return Object.keys(queries.transports)
        .map((name) => ({ name, ...transports[name], queries: queries.transports[name], responses: responses.transports[name] }))
        .filter((r) => r.queries + r.responses > 0).sort((a, b) => b.queries + b.responses - a.queries - a.responses);
}

/** Each is of one direction, and says of which. */
function factsOf({ queries, responses, context }) {
    const { edns, do: wanted } = queries.marks;
    return [
        ["Queries with EDNS", part(edns, queries.events)],
        ["EDNS versions of queries", shares(queries["edns-versions"], edns, ": ")],
        ["UDP sizes of queries with EDNS", shares(queries["udp-sizes"], edns, ": ")],
        ["UDP sizes of responses with EDNS", shares(responses["udp-sizes"], responses.marks.edns, ": ")],
        ["Queries that want DNSSEC (DO)", part(wanted, queries.events)],
        ["Responses truncated over UDP (TC)", part(context.truncated, responses.events)],
        ["Queries over TCP after such a response", exact(context["after-truncated"])],
    ];
}

export class How {
    constructor() {
        this.section = byId("how");
        this.table = table("Latency by transport", COLUMNS);
        this.facts = new Facts("edns");
        byId("how-cards").append(h("section", { class: "card", id: "transports", "aria-labelledby": "transports-title" },
            h("div", { class: "head" }, h("h3", { id: "transports-title" }, "Latency by transport"),
                h("span", { class: "quiet" }, "quantiles within 15 %")),
            h("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "transports-title" }, this.table.element)),
        this.facts.element);
    }

    /** The statistics of a side and a window, or null: they are not shown; `note`: of which, and of what time. */
    show(statistics, note) {
        this.section.hidden = !statistics;
        if (!statistics)
            return;
        setText(byId("how-note"), note);
        this.table.update(transportsOf(statistics));
        this.facts.show("EDNS and truncation", factsOf(statistics), "");
    }
}
