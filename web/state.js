/*
 * What the page shows: whose numbers, over what time, filters, and the stretch of the charts. It
 * lives in the address behind the #, so that a view can be kept as a bookmark and the browser's Back
 * undoes a click.
 */

/** Whose numbers: what servers are asked, or what they ask others. The first is what a page begins with. */
export const SIDES = [
    { key: "", api: "client", label: "Clients", title: "What clients asked" },
    { key: "upstream", api: "upstream", label: "Upstream", title: "What was asked upstream" },
];

/** Over what time numbers and tables are. */
export const WINDOWS = [
    { key: "", api: "1m", label: "1 min", title: "last minute" },
    { key: "5m", api: "5m", label: "5 min", title: "last 5 minutes" },
    { key: "1h", api: "1h", label: "1 h", title: "last hour" },
    { key: "1d", api: "1d", label: "1 d", title: "last day" },
    { key: "all", api: "all", label: "Since start", title: "since the start" },
];

/** The filters: key in the address, and what people call it. */
export const FILTERS = [
    { key: "stream", label: "Stream" },
    { key: "domain", label: "Domain" },
    { key: "client", label: "Client" },
    { key: "rcode", label: "Result" },
    { key: "qtype", label: "Type" },
];

/** Stretches of time; the first is live. */
export const RANGES = [
    { key: "", label: "15 min", ms: 15 * 60e3 },
    { key: "6h", label: "6 h", ms: 6 * 3600e3 },
    { key: "2d", label: "2 d", ms: 2 * 86400e3 },
    { key: "60d", label: "60 d", ms: 60 * 86400e3 },
    { key: "all", label: "All", ms: 0 },
];

const CHOICES = { side: SIDES, window: WINDOWS };
const KEYS = [...Object.keys(CHOICES), ...FILTERS.map((f) => f.key), "search", "range", "from", "to"];
const watchers = [];
let state = read();

function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const found = Object.fromEntries(KEYS.map((key) => [key, given.get(key) ?? ""]));
    const from = Number(found.from);
    const to = Number(found.to);
    const zoomed = found.from && found.to && from < to;
    for (const [key, rows] of Object.entries(CHOICES))
        found[key] = (rows.find((row) => row.api === found[key]) ?? rows[0]).key;
    return { ...found, from: zoomed ? from : null, to: zoomed ? to : null };
}

function write(next) {
    const out = new URLSearchParams();
    for (const key of KEYS)
        if (next[key])
            out.set(key, next[key]);
    return "#" + out.toString();
}

export const current = () => state;
export const watch = (watcher) => watchers.push(watcher);

/** Changes some keys; the step can be undone by back(), unless it is none: a letter of a word. */
export function change(patch, step = true) {
    const next = { ...state, ...patch };
    if (write(next) === write(state))
        return;
    if (step)
        history.pushState({ depth: depth() + 1 }, "", write(next));
    else
        history.replaceState(history.state, "", write(next));
    apply();
}

export const sideOf = (s = state) => SIDES.find(({ key }) => key === s.side);
export const windowOf = (s = state) => WINDOWS.find(({ key }) => key === s.window);
/** Parameters of the API for what was chosen. */
export const scopeOf = (s = state) => ({ stream: s.stream, side: sideOf(s).api, window: windowOf(s).api });

/** How many steps back() can undo. */
export const depth = () => history.state?.depth ?? 0;
export const back = () => history.back();

/** True when numbers must be computed from live events: the server keeps them for streams alone. */
export const narrowed = (s = state) => Boolean(s.domain || s.client || s.rcode || s.qtype);

function apply() {
    const before = state;
    state = read();
    for (const watcher of watchers)
        watcher(state, before);
}
window.addEventListener("popstate", apply);
window.addEventListener("hashchange", () => write(read()) !== write(state) && apply());
