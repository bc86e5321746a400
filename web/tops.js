/* The ranked lists: which there are, where their rows come from, and what a click on one does. */
import { brief, bytes, clock, exact, latency } from "./format.js";
import { Ranks } from "./ranks.js";
import { narrowed, scopeOf, sideOf } from "./state.js";

const ROWS = 10;
const SERVERS_ROWS = 50;

/**
 * Each is a list of api/v1/tables, and in history a table by a rank. `live`: live events know it, too;
 * `under`: it can be narrowed to a domain; `side`: the only one that has it; `rare`: it shows only where
 * it has rows; `fresh`: it is a table of api/v1/new.
 */
const LISTS = [
    { id: "domains", title: "Domains", filter: "domain", live: true, under: true, table: "domains", by: "hits" },
    { id: "registrable", title: "Registrable domains", filter: "domain", under: true, table: "registrable", by: "hits" },
    { id: "tlds", title: "Top-level domains", filter: "domain", live: true, table: "tlds", by: "hits" },
    { id: "new-domains", title: "New domains", hint: "that came first within the last hour; the newest first", filter: "domain", fresh: "domains" },
    { id: "clients", title: "Clients", filter: "client", live: true, table: "clients", by: "hits", side: "client" },
    { id: "clients-nxdomain", title: "Sources of NXDOMAIN", filter: "client", live: true, table: "clients", by: "nxdomain", side: "client" },
    { id: "domains-failing", title: "Failing domains", filter: "domain", live: true, under: true,
        hint: "SERVFAIL, REFUSED and the like", table: "domains", by: "failed" },
    { id: "servers-failing", title: "Failing servers", live: true,
        hint: "SERVFAIL, REFUSED and the like", table: "servers", by: "failed", side: "upstream" },
    { id: "servers-slow", title: "Slowest servers", hint: "by mean latency; in history by the slowest answer", unit: "seconds",
        table: "servers", by: "slowest", side: "upstream" },
    { id: "domains-slow", title: "Slowest domains", filter: "domain", live: true, under: true,
        hint: "by mean latency; in history by the slowest answer", unit: "seconds", table: "domains", by: "slowest" },
    { id: "domains-nxdomain", title: "NXDOMAIN by name", filter: "domain", live: true, under: true, rare: true, table: "domains", by: "nxdomain" },
    { id: "domains-servfail", title: "SERVFAIL by name", filter: "domain", live: true, under: true, rare: true, table: "domains", by: "servfail" },
    { id: "domains-refused", title: "REFUSED by name", filter: "domain", live: true, under: true, rare: true, table: "domains", by: "refused" },
    { id: "domains-nodata", title: "NODATA by name", hint: "NOERROR without an answer or a referral", filter: "domain", live: true, under: true, rare: true,
        table: "domains", by: "nodata" },
    { id: "clients-servfail", title: "SERVFAIL by client", filter: "client", live: true, rare: true, table: "clients", by: "servfail", side: "client" },
    { id: "clients-refused", title: "REFUSED by client", filter: "client", live: true, rare: true, table: "clients", by: "refused", side: "client" },
    { id: "clients-nodata", title: "NODATA by client", hint: "NOERROR without an answer or a referral", filter: "client", live: true, rare: true,
        table: "clients", by: "nodata", side: "client" },
];
/** Of history; what is asked now has a route of its own, api/v1/upstream, as a table of its own (servers.js). */
const SERVERS = { id: "servers", table: "servers", by: "hits", side: "upstream" };

const listsOf = (state) => [...LISTS, SERVERS].filter(({ side }) => !side || side === sideOf(state).api);

/** What rows are counted by, in words: what adds up both directions says so. */
const COUNTED = { hits: "queries + responses", bytes: "bytes of both directions", nxdomain: "responses", servfail: "responses",
    refused: "responses", nodata: "responses", failed: "responses", mean: "mean", slowest: "slowest" };

/** Parameters for api/v1/history/tops, a request a rank. */
export function pastQuestions(state, { from, to }) {
    const ranks = [...new Set(listsOf(state).filter(({ fresh }) => !fresh).map((list) => list.by))];
    return ranks.map((by) => ({ from, to, by, n: by === SERVERS.by && state.side ? SERVERS_ROWS : ROWS, side: sideOf(state).api }));
}

/** Replies of api/v1/history/tops, one a rank, as tables. */
export function tablesOfPast(replies, state) {
    return listsOf(state).filter(({ fresh }) => !fresh).map(({ id, table, by, unit = "events" }) => {
        const reply = replies.find((r) => r.by === by);
        const floor = reply.floor[table] ?? 0;
        const exactly = replies.every((r) => !r.floor[table]); // the slowest has no floor of its own
        return { list: id, by, unit, floor, exact: floor === 0 && exactly, rows: (reply[table] ?? []).filter((row) => row.value > 0) };
    });
}

const AMOUNTS = { events: brief, bytes, seconds: (s) => latency(s * 1e6) };

const amount = (unit) => (row) => AMOUNTS[unit](row.value);

/** The tables of api/v1/new, as lists. */
const tablesOfNew = (reply) => LISTS.filter(({ fresh }) => fresh).map(({ id, fresh }) =>
    ({ list: id, since: reply.since, ...reply.tables.find(({ table }) => table === fresh) }));
const since = (row) => `${brief(row.value)} since ${clock(row["first-seen"])}`;
/** Where nothing is known of what was before, all is new. */
const noteOfNew = ({ found, "found-all": all, from, since: begin, floor }) => [
    `${exact(found)}${all ? "" : " or more"} since ${clock(from)}${from - begin < 1000 ? ", when counting began" : ""}`,
    floor && `names of ${brief(floor)} messages or less may have been forgotten before`].filter(Boolean).join("; ");

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
    static question(state) {
        const { domain, client, rcode, qtype } = state;
        if (client || rcode || qtype)
            return null;
        const lists = listsOf(state).filter((list) => list !== SERVERS && !list.fresh && (!domain || list.under));
        return { list: lists.map((list) => list.id).join(","), n: ROWS, under: domain, ...scopeOf(state) };
    }

    /** Parameters for api/v1/upstream; null: it is not shown. */
    static upstreamQuestion(state) {
        const { stream, window } = scopeOf(state);
        return state.side && !narrowed(state) ? { stream, window, n: SERVERS_ROWS } : null;
    }

    /** Parameters for api/v1/new; null: it is not shown. */
    static newQuestion(state) {
        const { stream, side } = scopeOf(state);
        return narrowed(state) ? null : { stream, side, n: ROWS };
    }

    /** The table of servers of history, if it is there. */
    static servers = (tables) => tables?.find(({ list }) => list === SERVERS.id) ?? null;

    /** Tables of the server, and its reply of what is new, if there is one; `sums`, when there are any, for those that
     * it was not asked for. */
    show(tables, fresh, sums, force, state) {
        const all = [...(tables ?? []), ...(fresh ? tablesOfNew(fresh) : [])];
        const found = new Map(all.map((table) => [table.list, table]));
        const here = listsOf(state);
        for (const list of LISTS) {
            const ranks = this.ranks.get(list.id);
            const table = found.get(list.id);
            const live = sums && list.live;
            const rows = table?.rows ?? (live ? sums.top(list.id, ROWS) : []);
            ranks.element.hidden = !here.includes(list) || (!table && !live) || (list.rare && !rows.length);
            if (table && list.fresh)
                ranks.show(rows, since, noteOfNew(table), { force, none: "none" });
            else if (table || live)
                ranks.show(rows.slice(0, ROWS), amount(table?.unit ?? list.unit ?? "events"), table ? note(table) : liveNote(list), { force });
        }
    }
}

/** Of live events no list is by the slowest answer. */
const liveNote = ({ by, unit }) => `live, ${unit === "seconds" ? COUNTED.mean : COUNTED[by]}`;

/** What is counted, and what is not in the table: it may have so much, or is known of too little to have a mean. */
const note = ({ by, floor, unit, exact: exactly = !floor }) => [COUNTED[by] ?? by, exactly ? "exact" : bound(floor, unit)].join("; ");

function bound(floor, unit) {
    if (!floor)
        return "some may be missing";
    return unit === "seconds" ? `without those of ${brief(floor)} messages or less` : `others at most ${brief(floor)}`;
}
