/*
 * What is known of a name or a client: its own row and the names below it, which are of the window,
 * and what the server counts of the events that come from the first question on (api/v1/explain).
 */
import { byId, h, setText } from "./dom.js";
import { Facts, counted, part, shares } from "./facts.js";
import { brief, bytes, clock, exact, length, micro } from "./format.js";
import { Ranks } from "./ranks.js";
import { SIDES, WINDOWS, sideOf, windowOf } from "./state.js";

const ROWS = 10;

/** What can be explained: the filter that says it, and how the API calls it. */
const SUBJECTS = [
    { filter: "domain", parameter: "name", title: (name) => `What is known of ${name} and what is below it`, its: "the name itself" },
    { filter: "client", parameter: "client", side: "client", title: (name) => `What is known of the client ${name}`, its: "the client" },
];

/** Types and transports are those of queries, unless a server tells of its responses alone. */
const askedBy = ({ queries, responses }) => (queries.events || !responses.events ? "queries" : "responses");
const asked = (live) => live[askedBy(live)];

/**
 * The lists: list(reply) gives {rows, floor}, or nothing where there is none. `filter`: what a click on a row is about;
 * `of`: the only subject that has it; `by(reply)`: what is counted, if it is not both directions; `window`: it is no live one.
 */
const LISTS = [
    { id: "clients", title: "Clients that asked", filter: "client", of: "domain", list: ({ live }) => live.clients },
    { id: "servers", title: "Servers asked", list: ({ live }) => live.servers },
    { id: "names", title: "Names asked for", filter: "domain", list: ({ live }) => live.names },
    { id: "under", title: "Names at and below it", filter: "domain", of: "domain", window: true, list: ({ under }) => under },
    { id: "rcodes", title: "Results", filter: "rcode", by: () => "responses", list: ({ live }) => ({ rows: counted(live.responses.rcodes) }) },
    { id: "qtypes", title: "Types", filter: "qtype", by: ({ live }) => askedBy(live), list: ({ live }) => ({ rows: counted(asked(live).qtypes) }) },
];

const upper = (text) => text[0].toUpperCase() + text.slice(1);
const titleOf = (window) => WINDOWS.find(({ api }) => api === window).title;

/** What the row of the window says; null: it is not among those that were looked through. */
function ofRow(row) {
    if (!row)
        return [];
    return [["Queries", exact(row.queries)], ["Responses", exact(row.responses)],
        ...["NXDOMAIN", "SERVFAIL", "REFUSED", "NODATA"].map((code) => [code, part(row[code.toLowerCase()], row.responses)]),
        ["Mean latency", micro(row.timed ? row.mean : null)], ["Slowest", micro(row.timed ? row.slowest : null)],
        ["Bytes, both directions", bytes(row["query-bytes"] + row["response-bytes"])]];
}

function ofLive(live) {
    const { transports, events } = asked(live);
    return [["Queries", exact(live.queries.events)], ["Responses", exact(live.responses.events)],
        ["NODATA", part(live.responses.marks.nodata, live.responses.events)],
        ...[["Median latency", "p50"], ["p99 latency", "p99"]].map(([title, key]) =>
            [title, live.latency.count ? `${micro(live.latency[key])} of ${exact(live.latency.count)}` : "–"]),
        [`Transports of ${askedBy(live)}`, shares(transports, events)],
        ["Bytes, both directions", bytes(live.queries.bytes + live.responses.bytes)]];
}

/** One subject's part of the page. */
class Explained {
    constructor(subject, press) {
        const id = `explain-${subject.filter}`;
        this.subject = subject;
        this.title = h("h2", { id: `${id}-title` });
        this.note = h("p", { class: "quiet" });
        this.row = new Facts(`${id}-row`);
        this.live = new Facts(`${id}-live`);
        this.lists = LISTS.map((list) => new Ranks({
            id: `${id}-${list.id}`, title: list.title, press: list.filter ? (name) => press(list.filter, name) : null,
        }));
        this.cards = h("div", { class: "tops" }, this.row.element, this.live.element, ...this.lists.map((list) => list.element));
        this.element = h("section", { id, class: "explained", hidden: true, "aria-labelledby": `${id}-title` },
            h("div", { class: "bar" }, this.title, this.note), this.cards);
    }

    /** `reply`: null while it is awaited, {error}: why there is none. */
    show(reply, state, force) {
        setText(this.title, this.subject.title(state[this.subject.filter]));
        this.cards.hidden = !reply || Boolean(reply.error);
        setText(this.note, reply?.error ?? (reply ? this.#note(reply) : "asking"));
        if (this.cards.hidden)
            return;
        const { row, live } = reply;
        this.row.show(upper(titleOf(reply.window)), ofRow(row), row?.error ? `${this.subject.its}; each may be short of ${exact(row.error)}` : this.subject.its,
            reply["row-floor"] ? `at most ${exact(reply["row-floor"])} queries + responses` : "none");
        this.live.show("Counted live", ofLive(live), `for ${length(1000 * live.seconds)}`);
        LISTS.forEach((list, i) => this.#list(list, this.lists[i], reply, force));
    }

    #list(list, ranks, reply, force) {
        const found = (list.of ?? this.subject.filter) === this.subject.filter ? list.list(reply) : null;
        ranks.element.hidden = !found;
        if (!found)
            return;
        const { rows, floor } = found;
        const when = list.window ? titleOf(reply.window) : "live";
        const whole = list.window || !reply.live.unseen;
        const note = [when, list.by?.(reply) ?? "queries + responses", floor > 0 ? `others at most ${brief(floor)}` : whole && "exact"].filter(Boolean).join("; ");
        ranks.show(rows.slice(0, ROWS), (r) => brief(r.value), note, { force });
    }

    #note({ side, window, from, to, since, live }) {
        const when = window === "all" ? `since ${clock(since, { day: true, zone: true })}`
            : `${titleOf(window)}, ${clock(from)} to ${clock(to, { zone: true })}`;
        const unseen = live.unseen ? `, but for ${exact(live.unseen)} events that passed while it was read` : "";
        return `${SIDES.find(({ api }) => api === side).title}, of all streams; ${when}. ` +
            `Live: counted by the server since ${clock(live.from, { zone: true })}${unseen}.`;
    }
}

export class Explanations {
    /** press(filter, name): somebody wants to know more of that. */
    constructor(place, press) {
        this.parts = SUBJECTS.map((subject) => new Explained(subject, press));
        place.append(...this.parts.map(({ element }) => element));
    }

    /** What is to be asked of api/v1/explain: [filter, parameters]. */
    static questions(state) {
        const { api: side } = sideOf(state);
        return SUBJECTS.filter((s) => state[s.filter] && (s.side ?? side) === side)
            .map(({ filter, parameter }) => [filter, { [parameter]: state[filter], side, window: windowOf(state).api, n: ROWS }]);
    }

    /** `replies`: by filter. */
    show(replies, state, force) {
        const wanted = Explanations.questions(state).map(([filter]) => filter);
        for (const part of this.parts) {
            part.element.hidden = !wanted.includes(part.subject.filter);
            if (!part.element.hidden)
                part.show(replies?.[part.subject.filter] ?? null, state, force);
        }
    }

    /** Brings the part of that filter into sight, below the row of filters, which stays. */
    reveal(filter) {
        const { element } = this.parts.find(({ subject }) => subject.filter === filter);
        element.style.scrollMarginTop = `${byId("filters").offsetHeight + 8}px`;
        element.scrollIntoView({ block: "start" });
    }
}
