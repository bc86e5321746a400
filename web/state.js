/*
 * What the page shows: filters and the stretch of time. It lives in the address behind the #, so
 * that a view can be kept as a bookmark and the browser's Back undoes a click.
 */

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

const KEYS = [...FILTERS.map((f) => f.key), "range", "from", "to"];
const watchers = [];
let state = read();

function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const found = Object.fromEntries(KEYS.map((key) => [key, given.get(key) ?? ""]));
    const from = Number(found.from);
    const to = Number(found.to);
    const zoomed = found.from && found.to && from < to;
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

/** Changes some keys; the step can be undone by back(). */
export function change(patch) {
    const next = { ...state, ...patch };
    if (write(next) === write(state))
        return;
    history.pushState({ depth: depth() + 1 }, "", write(next));
    apply();
}

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
