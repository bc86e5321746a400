/*
 * The page. Once a second it asks the server for the statistics of the chosen side, stream and window,
 * or, when it is narrowed to a domain, a client, a result or a type, takes the sums of the live events
 * that pass; everything is drawn from the one or the other.
 */
import { Trouble, ask } from "./api.js";
import { WHY, beginOf, isShort, sinceWhen } from "./cover.js";
import { byId, setNote, setText } from "./dom.js";
import { Explanations } from "./explain.js";
import { Feed } from "./feed.js";
import { Found, ROWS as FOUND_ROWS } from "./found.js";
import { Heat } from "./heat.js";
import { How } from "./how.js";
import { clear, open, press, showChips } from "./filters.js";
import { resetControl, scopeControls, searchControl, streamControl, themeControl, timeControls } from "./controls.js";
import { Flow, shared, without, timesNote, waiting } from "./flow.js";
import { brief, clock, exact, length } from "./format.js";
import { heard, now } from "./now.js";
import { Numbers, ofEvents, ofServer } from "./numbers.js";
import { LIVE_SERIES, NODATA, SERIES, firstKnown, pictureOf, pointsOf, sums as sumsOf } from "./source.js";
import { RANGES, change, current, narrowed, scopeOf, sideOf, watch, windowOf } from "./state.js";
import { Servers } from "./servers.js";
import { Stack } from "./stack.js";
import { stretch } from "./figure.js";
import { Sums } from "./sums.js";
import { Tail } from "./tail.js";
import { Timeline } from "./timeline.js";
import { Tops, pastQuestions, tablesOfPast } from "./tops.js";

const UNKNOWN = "not logged in: reload this page";
const TICK_MS = 1000;
const SLOW_TICKS = 2; // tables, streams, outputs: every so many
const RARE_TICKS = 10; // how history is
const STALE_MS = 5000;
const LIVE_MS = RANGES[0].ms;
const LEAST_MS = 60e3; // so much is shown at least
const PAST_MS = 15e3; // how often history is asked for again
const MINUTE_MS = 60e3; // what is on disk is by the minute
const FILLS = 2; // what came before this page is asked for twice: at first the last seconds are
const FILL_MS = 4e3; // not yet in history

const zoomTo = (from, to) => to - from >= 2000 && change({ from, to });
const figures = [
    new Stack({ id: "chart-rcodes", title: "Responses by result", unit: "a second; NODATA is NOERROR without an answer", group: "rcodes",
        zoom: zoomTo, press: (name) => press("rcode", name), loose: [NODATA], pressed: () => current().rcode }),
    new Stack({ id: "chart-qtypes", title: "Types asked for", unit: "queries a second; where none come, responses", group: "qtypes", zoom: zoomTo,
        press: (name) => press("qtype", name), pressed: () => current().qtype }),
    new Heat({ id: "chart-latency", title: "Latency", unit: "from receipt to answer", zoom: zoomTo }),
    new Stack({ id: "chart-transports", title: "Transports", unit: "queries + responses a second", group: "transports", zoom: zoomTo }),
];
byId("charts").append(...figures.map((figure) => figure.element));

const numbers = new Numbers(byId("numbers"));
const tops = new Tops(byId("tops"), press);
const how = new How();
const servers = new Servers(byId("upstream"));
const found = new Found(open);
const explanations = new Explanations(byId("explained"), open);
const flow = new Flow(byId("flow"), (name) => press("stream", name));
const tail = new Tail(press);
const showStreams = streamControl();
const showScope = scopeControls();
const showSearch = searchControl();
const showTimeControls = timeControls(shownWindow);

/** All that was learned and may be drawn. */
const known = {
    reply: null, // of api/v1/statistics, of the chosen window
    whole: null, // the same since the start, from which the live charts are made
    timeline: new Timeline(),
    tables: null,
    upstream: null, // of api/v1/upstream, of the chosen window
    fresh: null, // of api/v1/new
    found: null, // of api/v1/search, while something is searched for
    explained: {}, // of api/v1/explain, by filter
    streams: [],
    outputs: [],
    inputs: null,
    open: 0, // connections
    hints: [], // what keeps servers from being heard
    about: null, // of api/v1
    past: null, // of api/v1/series, for the stretch that is chosen
    pastDue: 0,
    tablesDue: 0,
    tablesSpan: null, // what stretch the tables of history are of
    begin: null, // of all history
    history: null, // of api/v1/history
    sums: null, // of live events, while narrowed
    eventTimeline: null,
    answered: 0, // when, by the page's own count
    trouble: "",
};
let ticks = 0;
let force = false; // show even what stands still under the mouse
let wake = () => {}; // tick at once

/* --- what is shown ------------------------------------------------------------------------- */

function isLive() {
    return current().from === null && (current().range === "" || narrowed());
}

const timeline = () => (narrowed() ? known.eventTimeline : known.timeline);

/** The stretch of time on the charts. */
function shownWindow() {
    const { from, to, range } = current();
    if (from !== null)
        return { from, to };
    const end = now();
    if (!isLive()) {
        const { ms } = RANGES.find((r) => r.key === range) ?? RANGES[0];
        return { from: ms ? end - ms : known.begin ?? end - LIVE_MS, to: end };
    }
    const since = timeline().since ?? end;
    return { from: Math.max(end - LIVE_MS, Math.min(since, end - LEAST_MS)), to: end };
}

/** Whether the stretch is one that the timeline here has not seen. */
function needsPast() {
    return !narrowed() && !isLive() && (current().from ?? 0) < (known.timeline.since ?? Infinity);
}

function picture() {
    const { from, to } = shownWindow();
    return known.past?.times.length && needsPast() ? pictureOf(known.past, from, to) : timeline().picture(from, to);
}

function draw() {
    if (!known.reply)
        return;
    const points = timeline().points;
    numbers.show(narrowed() ? ofEvents(known.sums, points, known.outputs, Boolean(current().side))
        : ofServer(known.reply, known.outputs, known.upstream, isSingle()));
    how.show(narrowed() ? null : known.reply.statistics, scopeNote(known.reply, "counts"));
    const shown = picture();
    for (const figure of figures)
        figure.show(shown);
    tops.show(known.tables, known.fresh, narrowed() ? known.sums : null, force, current());
    drawServers();
    found.show(known.found, known.streams, current(), known.found ? scopeNote(known.found, "keys") : "");
    explanations.show(known.explained, current(), force);
    if (known.tables || narrowed())
        force = false; // else they are still to come
    showNotes(shown);
    showWaiting();
    showTimeControls(Boolean(known.history?.["on-disk"]) && !narrowed());
}

/** Upstream alone, where the server's tables are shown. */
function drawServers() {
    const past = hasPastTables();
    const found = past ? Tops.servers(known.tables) : known.upstream?.servers;
    if (!current().side || !found || narrowed())
        return servers.show(null);
    const all = past ? (known.past?.series.queries ?? []).reduce((a, n) => a + (n ?? 0), 0) : known.upstream.queries; // of the rows' moment
    servers.show(found.rows, all, serversNote(found, past));
}

/** Of what time the servers are, and what is known of those that have no row. */
function serversNote({ rows, keys, "keys-exact": exactly, floor }, past) {
    const more = keys > rows.length && `${exactly ? "" : "about "}${exact(keys)} in all`;
    return [!past && windowOf().title, !past && sinceWhen(known.upstream, "keys", isSingle()), "by queries", more,
        floor ? `others at most ${brief(floor)} queries + responses` : "exact"].filter(Boolean).join("; ");
}

/** "What clients asked, last minute": whose the numbers of a part of the page are, and of what time. */
const whose = () => `${sideOf().title}, ${windowOf().title}`;

function showHeads() {
    setText(byId("h-now"), narrowed() ? sideOf().title : whose());
    setText(byId("h-time"), `Over time: ${lower(sideOf().title)}`);
    setText(byId("h-tail"), `Live events: ${lower(sideOf().title)}`);
}

const lower = (text) => text[0].toLowerCase() + text.slice(1);

const isSingle = () => Boolean(current().stream);

/** From when to when the numbers of the chosen window really are, `what` as in cover.js. */
function covered(reply, what) {
    const { window, to, since } = reply;
    if (window === "all")
        return `since ${clock(since, { day: true, zone: true })}`;
    return stretch(beginOf(reply, what, isSingle()), to) + (isShort(reply, what, isSingle()) ? `, no longer: ${WHY}` : "");
}

/** "What clients asked, last minute: 14:02:11 to 14:03:11 UTC" */
function scopeNote(reply, what) {
    return `${sideOf().title}, ${reply.window === "all" ? "" : `${windowOf().title}: `}${covered(reply, what)}`;
}

function showNotes({ from, to }) {
    const { domain } = current();
    showHeads();
    showPast(from, to);
    const { sums } = known;
    setText(byId("scope"), !sums ? "Numbers, charts and tables are those of this stream." :
        `From live events since ${clock(sums.began, { zone: true })}: ${exact(sums.shown)} of ${exact(sums.shown + sums.left)} shown` +
        (domain && known.tables ? `; tables of domains: ${windowOf().title}` : ""));
    setText(byId("now-note"), sums ? `of what passes the filters, since ${clock(sums.began, { zone: true })}`
        : [covered(known.reply, "counts"), timesNote(known.whole.statistics, known.streams)].filter(Boolean).join("; "));
    setText(byId("tops-note"), sums ? "" : tablesNote());
}

function tablesNote() {
    if (hasPastTables() && known.tablesSpan)
        return `${sideOf().title}, ${stretch(known.tablesSpan.from, known.tablesSpan.to)}, from history${wider(known.tablesSpan)}.`;
    const all = Object.values(known.reply["tables-exact"]).every(Boolean);
    return `${scopeNote(known.reply, "keys")}. ${all ? "All exact." : "Each table says whether it is exact; in the others a row may be short of what its tooltip says."}`;
}

/** History keeps top lists by minutes, hours and days, the longer the older they are. */
function wider({ from, to }) {
    const shown = shownWindow();
    return from < shown.from - MINUTE_MS || to > shown.to + MINUTE_MS ? ", which keeps tables of longer stretches than the charts show" : "";
}

/** What is waited for while nothing has come; and servers that share a name. */
function showWaiting() {
    const nothing = known.inputs && known.inputs.every(({ frames }) => frames === 0) && !current().stream && !narrowed();
    setNote(byId("waiting"), nothing ? [waiting(known.inputs, known.open), ...known.hints].join("\n") : elsewhere());
    setNote(byId("flow-note"), [...shared(known.streams), ...without(known.whole)].join("\n"));
}

/** All that came is of the other side. */
function elsewhere() {
    const { queries, responses } = known.whole.statistics;
    const none = known.streams.length && !current().stream && !narrowed() && queries.events + responses.events === 0;
    return none ? `Nothing yet of ${lower(sideOf().title)}: see the other side.` : "";
}

/** What is to be known of history: that there is none, and what ails it. */
function showPast(from, to) {
    const { history } = known;
    const missing = history && !history["on-disk"] && !narrowed() ? "; no history is kept on disk" : "";
    setText(byId("window"), stretch(from, to) + missing);
    setNote(byId("time-note"), history?.["on-disk"] && !history.healthy
        ? `History is in trouble: ${history.problem ?? "nothing is known of why"}` : "");
}

function showState() {
    const late = performance.now() - known.answered;
    const state = known.trouble === UNKNOWN ? "ended" : !known.answered ? "wait" : late > STALE_MS ? "stale" : "live";
    const words = {
        wait: known.trouble || "connecting",
        live: "live",
        stale: `stale: ${known.trouble || "no answer"} since ${clock(now() - late, { zone: true })}`,
        ended: known.trouble,
    };
    byId("state").dataset.state = state;
    setText(byId("state-text"), words[state]);
    if (known.about)
        setText(byId("about"), `version ${known.about.version}, up ${length(now() - known.about.started)}`);
    if (known.whole)
        document.title = `${brief(known.whole.statistics.rates.queries.second)}/s – Spile`;
}

/* --- asking -------------------------------------------------------------------------------- */

/** Of the window, and since the start: from how that grows the live charts are made. */
async function askStatistics() {
    const scope = scopeOf();
    const asked = JSON.stringify(scope);
    const [whole, reply] = await Promise.all([ask("statistics", { ...scope, window: "all" }),
        scope.window === "all" ? null : ask("statistics", scope)]);
    if (asked !== JSON.stringify(scopeOf()))
        return;
    heard(whole.time);
    known.whole = whole;
    known.reply = reply ?? whole;
    known.answered = performance.now();
    known.trouble = "";
    known.timeline.push(sumsOf(whole));
}

async function askTables() {
    const asked = current();
    const past = hasPastTables();
    if (past && performance.now() < known.tablesDue)
        return;
    const [tables, upstream, fresh] = await Promise.all([past ? askPastTables(shownWindow()) : askLiveTables(Tops.question(asked)),
        askIf("upstream", Tops.upstreamQuestion(asked)), askIf("new", past ? null : Tops.newQuestion(asked))]);
    if (asked !== current())
        return;
    known.tables = tables;
    known.upstream = upstream;
    known.fresh = fresh;
    known.tablesDue = performance.now() + PAST_MS;
}

/** What is searched for, and what is explained; neither is of history. */
async function askSubjects() {
    const asked = current();
    const questions = Explanations.questions(asked);
    const [foundNow, ...replies] = await Promise.all([asked.search ? ask("search", { ...scopeOf(), text: asked.search, n: FOUND_ROWS }) : null,
        ...questions.map(([, parameters]) => askExplained(parameters))]);
    if (asked !== current())
        return;
    known.found = foundNow;
    known.explained = Object.fromEntries(questions.map(([filter], i) => [filter, replies[i]]));
}

/** Why something cannot be explained belongs to its part of the page: all else goes on. */
const askExplained = (parameters) => ask("explain", parameters).catch((error) => {
    if (error.status !== 400 && error.status !== 503)
        throw error;
    return { error: error.message };
});

const askIf = async (path, question) => question && ask(path, question);

/** With each table whether it is exact: by what it is sorted by, nothing is missing in it. */
async function askLiveTables(question) {
    if (!question)
        return null;
    const { tables, unlisted } = await ask("tables", question);
    return tables.map((each) => ({ ...each, exact: each.floor === 0 && unlisted === 0 }));
}

/** History keeps tables of all streams together. */
function hasPastTables() {
    return !isLive() && !narrowed() && !current().stream && Boolean(known.history?.["on-disk"]);
}

async function askPastTables({ from, to }) {
    const state = current();
    const questions = pastQuestions(state, { from: Math.floor(from), to: Math.ceil(to) });
    const replies = await Promise.all(questions.map((question) => ask("history/tops", question)));
    known.tablesSpan = replies[0];
    return tablesOfPast(replies, state);
}

async function askFlow() {
    const { side, window } = scopeOf();
    const [all, outputs, inputs, connections, status] = await Promise.all([ask("streams", { side, window, by: "load" }), ask("outputs"),
        ask("inputs"), ask("connections", { n: 1 }), ask("status")]);
    known.streams = all.streams;
    known.inputs = inputs.inputs;
    known.open = connections.open;
    const hints = status.hints.filter(({ stream }) => !stream); // shared() tells of those
    known.hints = hints.map(({ hint }) => `Hint: ${hint}`);
    known.outputs = outputs.outputs.map((o) => o.ledger);
    showStreams(known.streams.map((s) => s.name));
    const { stream } = current();
    const streams = known.streams.filter(({ name }) => !stream || name === stream);
    flow.show({ streams, outputs: outputs.outputs, inputs: inputs.inputs, hints, reply: all, whose: whose() });
}

async function askHistory() {
    try {
        known.history = await ask("history");
    } catch (error) {
        if (error.status !== 404)
            throw error;
        known.history = { "on-disk": false, off: true };
    }
}

/** History of the chosen stretch; for the live one what came before this page. */
async function askPast() {
    const live = isLive();
    const wanted = live ? known.timeline.fills < FILLS : needsPast();
    if (!wanted || narrowed() || !known.history || known.history.off || performance.now() < known.pastDue)
        return;
    known.pastDue = performance.now() + (live ? FILL_MS : PAST_MS);
    const asked = current();
    const reply = await askStretch(scopeOf(), asked, live);
    if (asked !== current())
        return;
    if (live)
        known.timeline.fill(pointsOf(reply));
    else
        known.past = reply;
}

function askStretch(scope, { range, from }, live) {
    if (live)
        return askSeries(scope, { from: now() - LIVE_MS, to: now() }, 1000, LIVE_SERIES);
    return range === "all" && from === null ? askAll(scope) : askSeries(scope, shownWindow());
}

const askSeries = ({ stream, side }, { from, to }, step, series = SERIES) =>
    ask("series", { stream, side, from: Math.floor(from), to: Math.ceil(to), step, series });

/** From the first that history knows: asked for coarsely, then closer and closer. */
async function askAll(scope) {
    let reply = await askSeries(scope, { from: 0, to: now() }, MINUTE_MS);
    for (let tries = 0; tries < 4; tries++) {
        known.begin = firstKnown(reply) ?? now() - LIVE_MS;
        if (known.begin - reply.from < reply.step)
            break;
        reply = await askSeries(scope, { from: known.begin, to: now() }, MINUTE_MS);
    }
    return reply;
}

/** What there is of history decides what can be asked of it. */
async function askOfPast(rare, slow) {
    if (rare)
        await askHistory();
    await Promise.all([askPast(), slow && askTables()]);
}

async function askAbout() {
    known.about ??= await ask("");
}

async function tick() {
    const [slow, rare] = [SLOW_TICKS, RARE_TICKS].map((every) => ticks % every === 0);
    ticks += 1;
    try {
        await Promise.all([askAbout(), askStatistics(), askOfPast(rare, slow), slow && askFlow(), slow && askSubjects()]);
    } catch (error) {
        if (!(error instanceof Trouble))
            throw error;
        known.trouble = error.status === 401 ? UNKNOWN : error.message;
        known.about = null; // it may be another process by then
    }
    if (narrowed())
        known.eventTimeline.push(known.sums.take());
    draw();
    showState();
}

/** Ticks until the server wants a login: asking on would have the browser ask for it every second. */
async function run() {
    while (known.trouble !== UNKNOWN) {
        const begin = performance.now();
        if (!document.hidden)
            await tick().catch((error) => console.error(error));
        await new Promise((done) => {
            wake = done;
            setTimeout(done, Math.max(100, TICK_MS - (performance.now() - begin)));
        });
    }
    feed.stop();
}

/** Begins the chosen window anew on the server. */
async function reset() {
    const { window } = scopeOf();
    await ask("statistics", { window }, "DELETE").catch((error) => alert(`It was not reset: ${error.message}`));
    known.tablesDue = 0;
    force = true;
    ticks = 0;
    wake();
}

/* --- live events --------------------------------------------------------------------------- */

const feed = new Feed({
    event(event) {
        known.sums?.add(event);
        tail.add(event);
    },
    left(count) {
        if (known.sums)
            known.sums.left += count;
        tail.left(count);
    },
    state(open) {
        byId("tail").dataset.feed = open ? "open" : "closed";
        tail.connected(open);
    },
});

/** Begins anew with what the filters let pass. */
function refilter() {
    known.sums = narrowed() ? new Sums() : null;
    known.eventTimeline = narrowed() ? new Timeline() : null;
    known.eventTimeline?.push(known.sums.take());
    tail.clear();
    feed.follow(current(), narrowed());
    showChips();
}

watch((now, before) => {
    const changed = (key) => now[key] !== before[key];
    known.tablesDue = 0;
    if (now.search === before.search && now.window === before.window) {
        known.past = null;
        known.pastDue = 0;
    }
    if (["stream", "side"].some(changed))
        known.timeline = new Timeline();
    if (["stream", "side", "window"].some(changed)) {
        known.reply = known.whole = null;
        known.tables = known.tablesSpan = known.upstream = known.fresh = null;
        force = true;
    }
    if (["stream", "side", "domain", "client", "rcode", "qtype"].some(changed)) {
        known.tables = known.tablesSpan = known.upstream = known.fresh = null;
        force = true;
        refilter();
        showStreams(known.streams.map((s) => s.name));
    }
    if (["stream", "side", "window", "search"].some(changed))
        known.found = null;
    if (["side", "window", "domain", "client"].some(changed))
        known.explained = {};
    showScope();
    showSearch();
    if (["range", "from", "to"].some(changed))
        force = true;
    ticks = 0;
    draw();
    for (const filter of ["domain", "client"].filter((key) => changed(key) && now[key]))
        explanations.reveal(filter);
    wake();
});

/** Nobody looks at the tail of a hidden page; sums go on, or they would be wrong. */
document.addEventListener("visibilitychange", () => (document.hidden && !narrowed() ? feed.stop() : feed.follow(current(), narrowed())));
byId("clear").addEventListener("click", clear);
themeControl(draw);
resetControl(reset);
showScope();
showSearch();
refilter();
run();
