/* The servers that were asked upstream: how often, which share that is, what they answered and how fast. */
import { h, setText, table } from "./dom.js";
import { exact, latency, share } from "./format.js";

const micro = (seconds) => latency(seconds === null || seconds === undefined ? null : seconds * 1e6);
const part = (n, of, level, why = "") =>
    (n ? { text: share(n, of), hint: [`${exact(n)} of ${exact(of)}`, why].filter(Boolean).join(" "), level } : "0");
/** Of rows without latency the API has a slowest of 0. */
const timed = (row, seconds) => micro(row.timed ? seconds : null);

const columns = (all) => [
    { title: "Server", cell: (s) => s.name },
    { title: "Queries", right: true, cell: (s) => exact(s.queries) },
    { title: "Share", right: true, cell: (s) => share(s.queries, all()) },
    { title: "Responses", right: true, cell: (s) => exact(s.responses) },
    { title: "Unanswered", right: true, cell: (s) => part(Math.max(0, s.queries - s.responses), s.queries, "warn",
        "queries without a response: time-outs, and what is on its way") },
    { title: "NXDOMAIN", right: true, cell: (s) => part(s.nxdomain, s.responses) },
    { title: "NODATA", right: true, cell: (s) => part(s.nodata, s.responses) },
    { title: "SERVFAIL", right: true, cell: (s) => part(s.servfail, s.responses, "bad") },
    { title: "REFUSED", right: true, cell: (s) => part(s.refused, s.responses, "bad") },
    { title: "All failed", right: true, cell: (s) => part(s.failed, s.responses, "bad") },
    { title: "Retries", right: true, cell: (s) => (s.retries === undefined ? "–" : part(s.retries, s.queries, "warn",
        "queries for a name and type that had been asked for, of whichever server, and had no answer yet")) },
    ...["p50", "p90", "p99"].map((key) => ({ title: key === "p50" ? "Median" : key, right: true, cell: (s) => micro(s.latency?.[key]) })),
    { title: "Mean", right: true, cell: (s) => timed(s, s.mean ?? s["latency-sum"] / s.timed) },
    { title: "Slowest", right: true, cell: (s) => timed(s, s.slowest) },
];

export class Servers {
    #all = 0;

    constructor(place) {
        this.table = table("Servers asked", columns(() => this.#all));
        this.note = h("span", { class: "quiet" });
        place.append(h("section", { class: "card", id: "servers", "aria-labelledby": "servers-title" },
            h("div", { class: "head" }, h("h3", { id: "servers-title" }, "Servers asked"), this.note),
            h("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "servers-title" }, this.table.element)));
        this.place = place;
    }

    /** Rows of the table of servers, or null: there is none; `all`: queries to all servers; `note`: of what time they
     * are, and what is known of those that are not shown. */
    show(rows, all, note) {
        this.place.hidden = rows === null;
        if (rows === null)
            return;
        this.#all = all;
        setText(this.note, note);
        this.table.update(rows);
    }
}
