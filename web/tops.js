/* The ranked lists: which there are, where their rows come from, and what a click on one does. */
import { brief, bytes, latency } from "./format.js";
import { Ranks } from "./ranks.js";

export const ROWS = 10;

/**
 * Each is a list of api/v1/tables, and in history a table by a rank. `live`: live events know it, too;
 * `under`: it can be narrowed to a domain.
 */
const LISTS = [
    { id: "domains", title: "Domains", filter: "domain", live: true, under: true, table: "domains", by: "hits" },
    { id: "registrable", title: "Registrable domains", filter: "domain", under: true, table: "registrable", by: "hits" },
    { id: "tlds", title: "Top-level domains", filter: "domain", live: true, table: "tlds", by: "hits" },
    { id: "clients", title: "Clients", filter: "client", live: true, table: "clients", by: "hits" },
    { id: "clients-nxdomain", title: "Sources of NXDOMAIN", filter: "client", live: true, table: "clients", by: "nxdomain" },
    { id: "domains-failing", title: "Failing domains", filter: "domain", live: true, under: true,
        hint: "SERVFAIL, REFUSED and the like", table: "domains", by: "failed" },
    { id: "servers-failing", title: "Failing servers", live: true,
        hint: "SERVFAIL, REFUSED and the like", table: "servers", by: "failed" },
    { id: "domains-slow", title: "Slowest domains", filter: "domain", live: true, under: true,
        hint: "by mean latency; in history by the slowest answer", unit: "seconds", table: "domains", by: "slowest" },
];

/** The ranks that history is asked for. */
export const PAST_RANKS = [...new Set(LISTS.map((list) => list.by))];

/** Replies of api/v1/history/tops, one a rank, as tables. */
export function tablesOfPast(replies) {
    return LISTS.map(({ id, table, by, unit = "events" }) => {
        const reply = replies.find((r) => r.by === by);
        return { list: id, unit, floor: reply.floor[table] ?? 0, rows: (reply[table] ?? []).filter((row) => row.value > 0) };
    });
}

const AMOUNTS = { events: brief, bytes, seconds: (s) => latency(s * 1e6) };

const amount = (unit) => (row) => AMOUNTS[unit](row.value);

export class Tops {
    constructor(place, press) {
        this.ranks = new Map(LISTS.map((list) => [list.id, new Ranks({
            id: `top-${list.id}`,
            title: list.title,
            hint: list.hint,
            press: list.filter ? (name) => press(list.filter, name) : null,
        })]));
        place.append(...[...this.ranks.values()].map((ranks) => ranks.element));
    }

    /** Parameters for api/v1/tables: what the server knows under these filters; null: nothing. */
    static question({ stream, domain, client, rcode, qtype }) {
        if (client || rcode || qtype)
            return null;
        const lists = LISTS.filter((list) => !domain || list.under);
        return { list: lists.map((list) => list.id).join(","), n: ROWS, stream, under: domain };
    }

    /** Tables of the server; `sums`, when there are any, for those that it was not asked for. */
    show(tables, sums, force) {
        const found = new Map((tables ?? []).map((table) => [table.list, table]));
        for (const list of LISTS) {
            const ranks = this.ranks.get(list.id);
            const table = found.get(list.id);
            ranks.element.hidden = !table && !(sums && list.live);
            if (table)
                ranks.show(table.rows, amount(table.unit), note(table), force);
            else if (sums && list.live)
                ranks.show(sums.top(list.id, ROWS), amount(list.unit ?? "events"), "live", force);
        }
    }
}

/** How much a name may have that is not in the table. */
const note = ({ floor }) => (floor ? `others at most ${brief(floor)}` : "");
