/* Streams with their connections and loss, outputs with queues and drops, inputs. */
import { ofStreams, sinceWhen } from "./cover.js";
import { h, setText, table } from "./dom.js";
import { brief, bytes, clock, exact, fromTo, length, micro, share } from "./format.js";
import { now } from "./now.js";
import { current } from "./state.js";

const some = (n, level = "bad") => (n ? { text: exact(n), level } : "0");

/** What never came is judged where both halves of exchanges come; the rest nobody can know. */
function loss({ unanswered, unasked, "source-loss": part, malformed }) {
    const parts = [unanswered && `${exact(unanswered)} unanswered`, unasked && `${exact(unasked)} unasked`,
        part > 0 && `an estimated ${share(part, 1)} of its frames lost at the source`, malformed && `${exact(malformed)} malformed on its connection`];
    const text = parts.filter(Boolean).join(", ");
    const hint = "queries without a response, responses without a query: an estimate of what the server dropped "
        + "before it sent it; queries that it does not answer look the same";
    return text ? { text, hint, level: malformed ? "bad" : "warn" } : part === null ? "not known" : "none";
}

/** Responses that have no latency, since it would make no sense; or nothing. */
function leftOut({ negative, "beyond-window": beyond }) {
    const parts = [negative && `${exact(negative)} that came before their query (clocks disagree)`,
        beyond && `${exact(beyond)} that came later than latency-window`];
    const text = parts.filter(Boolean).join(" and ");
    return text && `without the responses left out: ${text}`;
}

/** What is shorter than a tick of the server's clock, is not known. */
function slowest(stream) {
    const p99 = micro(stream.latency.p99);
    const left = leftOut(stream.latency["left-out"]);
    if (!stream["clock-coarse"])
        return left ? { text: p99, level: "warn", hint: left } : p99;
    const tick = micro(stream["clock-tick"]);
    const coarse = `its clock ticks every ${tick}: too coarse for its latencies, which the quantiles of all streams leave out`;
    return { text: `${p99} ± ${tick}`, level: "warn", hint: left ? `${coarse}; ${left}` : coarse };
}

/** How many clients, or servers, a stream has had: which of them the side decides. */
function ends({ distinct, "distinct-exact": exactly, short, ends: which }) {
    const n = distinct[which];
    return { text: brief(n), hint: [exactly[which] ? exact(n) : `about ${exact(n)}, to within 1 %`, short].filter(Boolean).join(", ") };
}

/** Several connections are told by their number; several hosts are likely several servers. */
function connection(stream) {
    const { connections, hosts } = stream;
    const one = lastConnection(stream);
    return connections < 2 ? one : {
        text: hosts > 1 ? `${connections} connections from ${hosts} hosts` : `${connections} connections`,
        hint: `the last: ${one.text}`,
        level: hosts > 1 ? "warn" : "",
    };
}

function lastConnection(stream) {
    const seen = stream["last-seen"] === null ? "" : `, last event ${length(now() - stream["last-seen"])} ago`;
    if (!stream.connection)
        return { text: `gone${seen}`, level: "warn" };
    const { peer, input, since } = stream.connection;
    return { text: `${peer || input}, since ${clock(since, { zone: true })}`, hint: `${input}${seen}` };
}

/** What is said of rates of arrival, where events are of another time; else nothing. */
function elsewhen({ first, last, elsewhen: other }) {
    return other ? `events of ${fromTo(first, last)}; rates are of their arrival` : "";
}

/** The same of all that is shown; streams of another time that come among those of now are told, too. */
export function timesNote(statistics, streams) {
    const others = streams.filter(({ rates, "event-times": times }) =>
        times.elsewhen && rates.queries.minute + rates.responses.minute > 0).length;
    return elsewhen(statistics["event-times"]) ||
        (others ? `${plural(others, "stream")} of ${streams.length} with events of another time: see “Event times”` : "");
}

/** When a stream's events happened, by its server's clock. */
function happened({ "event-times": times }) {
    const { first, last, age } = times;
    if (first === null)
        return "not known";
    const side = age < 0 ? "before" : "after";
    const text = elsewhen(times);
    return text ? { text, level: "warn", hint: `what came last did so ${length(1000 * Math.abs(age))} ${side} its own time: `
        + "a recording, or a server whose clock is wrong" } : { text: "now", hint: `events of ${fromTo(first, last)}` };
}

const why = (counts) => Object.entries(counts).filter(([, n]) => n > 0).map(([reason, n]) => `${exact(n)} ${reason}`).join(", ");

function reasons(ledger) {
    const text = why(ledger.reasons);
    return text ? { text, level: "bad" } : "none";
}

/** Connections that a limit has hit; of which one, is under the pointer. */
const hit = (n, by) => (n ? { text: exact(n), level: "warn", hint: why(by) } : "0");

function queue(output) {
    if (!output.queue)
        return "no queue";
    const { bytes: now, limit, records } = output.queue;
    return {
        text: `${share(now, limit)} of ${bytes(limit)}`,
        hint: `${exact(records)} records`,
        level: now > limit * 0.8 ? "warn" : "",
    };
}

const COLUMNS = {
    streams: (press) => [
        { title: "Stream", cell: (s) => ({ text: s.name, action: () => press(s.name) }) },
        { title: "Queries/s now", right: true, cell: (s) => brief(s.rates.queries.second) },
        { title: "Responses/s now", right: true, cell: (s) => brief(s.rates.responses.second) },
        { title: "Queries", right: true, cell: (s) => exact(s.queries) },
        { title: "Responses", right: true, cell: (s) => exact(s.responses) },
        { title: () => (current().side ? "Servers" : "Clients"), right: true, cell: ends },
        { title: "Failed", right: true, cell: (s) => share(s.failed, s.responses) },
        { title: "p99", right: true, cell: slowest },
        { title: "Loss", wrap: true, cell: (s) => loss(s.loss) },
        { title: "Event times", wrap: true, cell: happened },
        { title: "Connection", wrap: true, cell: connection },
    ],
    outputs: () => [
        { title: "Output", cell: (o) => ({ text: o.name, hint: o.place ?? "" }) },
        { title: "Format", cell: (o) => o.format ?? "–" },
        { title: "Received", right: true, cell: (o) => exact(o.ledger.received) },
        { title: "Delivered", right: true, cell: (o) => exact(o.ledger.delivered) },
        { title: "Filtered", right: true, cell: (o) => exact(o.ledger.filtered) },
        { title: "In flight", right: true, cell: (o) => exact(o.ledger["in-flight"]) },
        { title: "Queue", cell: queue },
        { title: "Dropped", right: true, cell: (o) => some(o.ledger.dropped) },
        { title: "Why", wrap: true, cell: (o) => reasons(o.ledger) },
        { title: "Truncated", right: true, cell: (o) => some(o.ledger.truncated, "warn") },
    ],
    inputs: () => [
        { title: "Input", cell: (i) => ({ text: i.place ?? i.name, hint: i.name }) },
        { title: "State", cell: (i) => (i.open ? "open" : { text: "closed", level: "warn" }) },
        { title: "Connections", right: true, cell: (i) => exact(i.connections) },
        { title: "Refused", right: true, cell: (i) => hit(i.refused, i.refusals) },
        { title: "Cut", right: true, cell: (i) => hit(i.cut, i.cuts) },
        { title: "Frames", right: true, cell: (i) => exact(i.frames) },
        { title: "Bytes", right: true, cell: (i) => bytes(i.bytes) },
        { title: "Malformed", right: true, cell: (i) => some(i.malformed) },
        { title: "Errors", right: true, cell: (i) => some(i.errors) },
    ],
};

const EVER = "since the start";
const plural = (n, word) => `${exact(n)} ${word}${n === 1 ? "" : "s"}`;

/** What is waited for while nothing has come: `inputs` as the API has them, `open` connections. */
export function waiting(inputs, open) {
    const places = inputs.filter((i) => i.open && i.place).map((i) => i.place);
    if (!inputs.some((i) => i.open))
        return "No input is open: nothing can come.";
    if (!places.length)
        return "Reading files; nothing has come from them yet.";
    return open > 0 ? `${plural(open, "connection")}, but nothing has come yet on ${places.join(", ")}.`
        : `Waiting for a DNS server on ${places.join(", ")}.`;
}

/** What came of identities that have no statistics of their own. */
export function without({ "other-streams": events, "other-identities": identities, places }) {
    return events ? [`${plural(events, "event")} of about ${exact(identities)} other identities are in the sums alone: ` +
        `the busiest ${exact(places)} have statistics of their own.`] : [];
}

/** Identities that more than one host uses just now. */
export function shared(streams) {
    return streams.filter((s) => s.hosts > 1).map(({ name, hosts }) =>
        `${name === "-" ? "Servers without an identity send" : `“${name}” comes`} from ${hosts} hosts at once: ` +
        "servers of one name are counted as one. Give each an identity of its own.");
}

export class Flow {
    constructor(place, press) {
        this.place = place;
        this.tables = Object.fromEntries(["streams", "outputs", "inputs"].map((name) => {
            const title = name[0].toUpperCase() + name.slice(1);
            const made = table(title, COLUMNS[name](press));
            place.append(h("section", { class: "card", id: name, "aria-labelledby": `${name}-title` },
                h("div", { class: "head" }, h("h3", { id: `${name}-title` }, title), h("span", { class: "quiet" })),
                h("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": `${name}-title` }, made.element)));
            return [name, made];
        }));
        this.hints = h("ul", { class: "hints", "aria-label": "Hints" });
        place.querySelector("#inputs").append(this.hints);
    }

    /** `reply`: of api/v1/streams; `whose`: of what side and what time the numbers of streams are; the others are since the start. */
    show({ streams, outputs, inputs, hints, reply, whose }) {
        const which = reply.side === "upstream" ? "servers" : "clients";
        const short = sinceWhen(reply, "keys", true);
        this.tables.streams.update(streams.map((stream) => ({ ...stream, short, ends: which })));
        const notes = { streams: [whose, ofStreams(reply, which)].filter(Boolean).join("; "), outputs: EVER, inputs: EVER };
        for (const [name, note] of Object.entries(notes))
            setText(this.place.querySelector(`#${name} .head .quiet`), note);
        this.tables.outputs.update(outputs);
        this.tables.inputs.update(inputs);
        this.hints.hidden = hints.length === 0;
        this.hints.replaceChildren(...hints.map(({ hint }) => h("li", {}, hint)));
    }
}
