/* Buttons of the page: side, window, search, range, zoom, theme, stream. */
import { byId, h, setText } from "./dom.js";
import { now } from "./now.js";
import { RANGES, SIDES, WINDOWS, back, change, current, depth, windowOf } from "./state.js";
import { forget } from "./palette.js";

const TYPING_MS = 300; // who types is asked no more before the word is whole
const THEMES = ["system", "light", "dark"];

/** Range and zoom. window() tells the stretch that is shown now. */
export function timeControls(window) {
    const move = (make) => () => {
        const { from, to } = window();
        const [a, b] = make(from, to, to - from);
        change({ from: Math.round(a), to: Math.round(Math.min(b, now())) });
    };
    const zoom = [
        ["Back", "Undo the last step", () => back(), () => current().from === null || depth() === 0],
        ["−", "Zoom out", move((a, b, w) => [a - w / 2, b + w / 2])],
        ["+", "Zoom in", move((a, b, w) => [a + w / 4, b - w / 4])],
        ["‹", "Earlier", move((a, b, w) => [a - w / 2, b - w / 2])],
        ["›", "Later", move((a, b, w) => [a + w / 2, b + w / 2]), () => current().from === null],
        ["Whole range", "Leave the zoom", () => change({ from: null, to: null }), () => current().from === null],
    ].map(([text, label, click, disabled]) => {
        const button = h("button", { type: "button", title: label, "aria-label": label, click }, text);
        return { button, disabled: disabled ?? (() => false) };
    });
    const ranges = RANGES.map((range) => {
        const button = h("button", {
            type: "button", "data-range": range.key || "live",
            click: () => change({ range: range.key, from: null, to: null }),
        }, range.label);
        return { button, range };
    });
    byId("zoom").replaceChildren(...zoom.map((z) => z.button));
    byId("ranges").replaceChildren(...ranges.map((r) => r.button));
    /** `past` says whether there is more to see than what is live. */
    return (past) => {
        for (const { button, range } of ranges) {
            button.setAttribute("aria-pressed", String(current().range === range.key));
            button.disabled = !past && range.key !== "";
            button.title = button.disabled ? "needs history on disk, and no filter but the stream" : "";
        }
        for (const { button, disabled } of zoom)
            button.disabled = disabled();
    };
}

/** Buttons of which one is pressed: the value that a key of the state has; `more`: what goes with any other one. */
function choice(place, key, rows, more = {}) {
    const buttons = rows.map((row) => h("button", {
        type: "button", "data-choice": row.api, title: row.title, click: () => current()[key] !== row.key && change({ [key]: row.key, ...more }),
    }, row.label));
    byId(place).replaceChildren(...buttons);
    return () => rows.forEach((row, i) => buttons[i].setAttribute("aria-pressed", String(current()[key] === row.key)));
}

/** Whose numbers are shown, and over what time. */
export function scopeControls() {
    // Upstream the client is the server itself.
    const shows = [choice("sides", "side", SIDES, { client: "" }), choice("windows", "window", WINDOWS)];
    return () => shows.forEach((show) => show());
}

/** The button that begins the chosen window anew; `reset` does it. */
export function resetControl(reset) {
    byId("reset").addEventListener("click", () => {
        const { key, title } = windowOf();
        const what = key === "all" ? "all numbers" : `the numbers of the ${title}`;
        if (confirm(`Begin ${what} anew, for everybody who looks? What history has written stays.`))
            reset();
    });
}

/** The field for what is searched for; / leads there. */
export function searchControl() {
    const field = byId("search");
    let typing = null;
    const take = () => {
        clearTimeout(typing);
        typing = null;
        change({ search: field.value.trim() }, false);
    };
    field.addEventListener("input", () => {
        clearTimeout(typing);
        typing = setTimeout(take, TYPING_MS);
    });
    field.addEventListener("change", take);
    document.addEventListener("keydown", (event) => {
        if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select"))
            return;
        event.preventDefault();
        field.focus();
        field.select();
    });
    return () => {
        if (typing === null && field.value.trim() !== current().search)
            field.value = current().search;
    };
}

/** The theme: as the system has it, or as it was chosen here (theme.js reads it at the start). */
export function themeControl(redraw) {
    const root = document.documentElement;
    const show = () => {
        setText(byId("theme"), `Theme: ${root.dataset.theme ?? "system"}`);
        forget();
        redraw();
    };
    byId("theme").addEventListener("click", () => {
        const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length];
        if (next === "system")
            delete root.dataset.theme;
        else
            root.dataset.theme = next;
        try {
            localStorage.setItem("spile-theme", next);
        } catch {
            /* not remembered, then */
        }
        show();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    show();
}

/** The list of streams to choose from. */
export function streamControl() {
    const select = byId("stream");
    select.addEventListener("change", () => change({ stream: select.value }));
    return (names) => {
        const all = ["", ...[...names].sort()]; // what is chosen from does not move with the load
        if (current().stream && !all.includes(current().stream))
            all.push(current().stream);
        if ([...select.options].map((o) => o.value).join("\n") !== all.join("\n"))
            select.replaceChildren(...all.map((name) => h("option", { value: name }, name || "all")));
        if (select.value !== current().stream)
            select.value = current().stream;
    };
}
