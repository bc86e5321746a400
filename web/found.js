/* What a search has found: names, addresses and streams with a text in them. */
import { byId, h, setText, table } from "./dom.js";
import { exact, latency, share } from "./format.js";
import { sideOf } from "./state.js";

export const ROWS = 20;

const part = (n, of) => (n ? { text: exact(n), hint: `${share(n, of)} of ${exact(of)} responses` } : "0");

/** Each is a table of api/v1/search; `filter`: what a click on a row is about; `side`: the only one that has it. */
const TABLES = [
    { table: "domains", title: "Names", one: "Name", filter: "domain" },
    { table: "clients", title: "Clients", one: "Client", filter: "client", side: "client" },
    { table: "servers", title: "Servers", one: "Server", side: "upstream" },
    { table: "streams", title: "Streams", one: "Stream", filter: "stream" },
];

const MEASURES = [
    { title: "Queries", right: true, cell: (r) => exact(r.queries) },
    { title: "Responses", right: true, cell: (r) => exact(r.responses) },
    ...["NXDOMAIN", "SERVFAIL", "REFUSED", "NODATA"].map((title) => (
        { title, right: true, cell: (r) => part(r[title.toLowerCase()], r.responses) })),
    { title: "Mean latency", right: true, cell: (r) => latency(r.timed ? r.mean * 1e6 : null) },
];
const OF_STREAMS = MEASURES.slice(0, 2);

/** How many were found, of how many that were looked through. */
function note({ found, searched, whole, rows }) {
    const shown = rows.length < found ? `, the first ${exact(rows.length)} are shown` : "";
    const which = whole ? `all ${exact(searched)}` : `the ${exact(searched)} with the most queries + responses`;
    return `${exact(found)} found${shown}; ${which} looked through`;
}

/** Streams are all known to the page. */
function ofStreams(streams, text) {
    const rows = streams.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
    return { table: "streams", found: rows.length, searched: streams.length, whole: true, rows: rows.slice(0, ROWS) };
}

export class Found {
    /** press(filter, name): somebody wants to know more of that. */
    constructor(press) {
        this.section = byId("found");
        this.cards = TABLES.map((row) => this.#card(row, press));
        byId("found-tables").append(...this.cards.map(({ element }) => element));
    }

    #card({ table: name, title, one, filter, side }, press) {
        const cell = filter ? (r) => ({ text: r.name, action: () => press(filter, r.name) }) : (r) => r.name;
        const made = table(`${title} found`, [{ title: one, cell }, ...(name === "streams" ? OF_STREAMS : MEASURES)]);
        const count = h("span", { class: "quiet" });
        const none = h("p", { class: "empty" }, "none");
        const element = h("section", { class: "card", id: `found-${name}`, "aria-labelledby": `found-${name}-title` },
            h("div", { class: "head" }, h("h3", { id: `found-${name}-title` }, title), count), none,
            h("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": `found-${name}-title` }, made.element));
        return { name, side, element, made, count, none };
    }

    /** `reply`: of api/v1/search, or null while it is awaited; `whose`: whose rows these are, and of what time. */
    show(reply, streams, state, whose) {
        this.section.hidden = !state.search;
        if (!state.search)
            return;
        setText(byId("h-found"), `Found: “${state.search}”`);
        setText(byId("found-note"), reply ? whose : "searching");
        const tables = [...(reply?.tables ?? []), ofStreams(streams, state.search)];
        for (const card of this.cards) {
            const found = tables.find((t) => t.table === card.name);
            card.element.hidden = !found || Boolean(card.side && card.side !== sideOf(state).api);
            if (card.element.hidden)
                continue;
            setText(card.count, note(found));
            card.none.hidden = found.rows.length > 0;
            card.made.element.parentElement.hidden = !found.rows.length;
            card.made.update(found.rows);
        }
    }
}
