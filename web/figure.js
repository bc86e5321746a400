/*
 * What all charts share: a figure with a title, a plot that a drag across zooms into, keys, and the
 * same numbers as a table for those who cannot see the plot.
 */
import { h } from "./dom.js";
import { clock, moment } from "./format.js";

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
    86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000];
const TABLE_ROWS = 40;
const TABLE_EVERY_MS = 4000;
const DRAG_MIN_PX = 8;

/** Round times (UTC) between `from` and `to`, at most `most` of them. */
export function timeTicks(from, to, most) {
    const step = 1000 * (STEPS_S.find((s) => (to - from) / (s * 1000) <= most) ?? STEPS_S.at(-1));
    const ticks = [];
    for (let t = Math.ceil(from / step) * step; t <= to; t += step)
        ticks.push(t);
    return ticks;
}

export class Figure {
    /** zoom(from, to) is called when a stretch was dragged over. */
    constructor({ id, title, unit, zoom }) {
        this.title = title;
        this.canvas = h("canvas", { role: "img", "aria-label": title });
        this.lens = h("div", { class: "lens", hidden: true });
        this.tip = h("div", { class: "tip", hidden: true, "aria-hidden": "true" });
        this.plot = h("div", { class: "plot" }, this.canvas, this.lens, this.tip);
        this.keys = h("ul", { class: "keys", "aria-label": `${title}: keys` });
        this.data = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, as a table` });
        this.details = h("details", { toggle: () => this.#tabulate(true) },
            h("summary", {}, "As a table"), this.data);
        this.element = h("figure", { class: "card", id, "aria-labelledby": `${id}-title` },
            h("figcaption", {}, h("h3", { id: `${id}-title` }, title), h("span", { class: "quiet" }, unit)),
            this.plot, this.keys, this.details);
        this.picture = null;
        this.#drag(zoom);
    }

    /** Left and right edge of the plotted area, CSS pixels. Subclasses know. */
    area() {
        return [0, this.plot.clientWidth];
    }

    /** Time at a place in the plot. */
    timeAt(x) {
        const [left, right] = this.area();
        const part = Math.min(1, Math.max(0, (x - left) / (right - left)));
        return this.picture.from + part * (this.picture.to - this.picture.from);
    }

    show(picture) {
        this.picture = picture;
        this.draw();
        this.#describe();
        this.#tabulate(false);
    }

    #describe() {
        const text = `${this.title}: ${this.summary()}`;
        if (this.canvas.getAttribute("aria-label") !== text)
            this.canvas.setAttribute("aria-label", text);
    }

    /** The table, only while it is open, and not so often that nobody can read it. */
    #tabulate(now) {
        if (!this.details.open || !this.picture || (!now && performance.now() - this.tabled < TABLE_EVERY_MS))
            return;
        this.tabled = performance.now();
        const { heads, cells } = this.columns();
        const { times, from, to } = this.picture;
        const every = Math.max(1, Math.ceil(times.length / TABLE_ROWS));
        const lines = [];
        for (let i = 0; i < times.length; i += every)
            lines.push(h("tr", {}, h("th", { scope: "row" }, moment(times[i], to - from)),
                ...cells(i, Math.min(times.length, i + every)).map((text) => h("td", { class: "right" }, text))));
        this.data.replaceChildren(h("table", {}, h("caption", { class: "unseen" }, this.title),
            h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "From"),
                ...heads.map((name) => h("th", { scope: "col", class: "right" }, name)))),
            h("tbody", {}, ...lines.reverse())));
    }

    #drag(zoom) {
        let begin = null;
        const place = (event) => event.clientX - this.plot.getBoundingClientRect().left;
        const end = () => {
            begin = null;
            this.lens.hidden = true;
        };
        this.plot.addEventListener("pointerdown", (event) => {
            if (event.button !== 0 || !this.picture)
                return;
            begin = place(event);
            this.plot.setPointerCapture(event.pointerId);
        });
        this.plot.addEventListener("pointermove", (event) => {
            if (begin === null)
                return;
            const [left, right] = this.area();
            const xs = [begin, place(event)].map((x) => Math.min(right, Math.max(left, x))).sort((a, b) => a - b);
            this.lens.hidden = xs[1] - xs[0] < DRAG_MIN_PX;
            this.lens.style.left = `${xs[0]}px`;
            this.lens.style.width = `${xs[1] - xs[0]}px`;
        });
        this.plot.addEventListener("pointerup", (event) => {
            if (begin === null)
                return;
            const times = [begin, place(event)].sort((a, b) => a - b).map((x) => this.timeAt(x));
            const far = Math.abs(place(event) - begin) >= DRAG_MIN_PX;
            end();
            if (far)
                zoom(Math.floor(times[0]), Math.ceil(times[1]));
        });
        this.plot.addEventListener("pointercancel", end);
    }
}

/** "14:02:11 to 14:17:11" */
export function stretch(from, to) {
    const far = to - from > 20 * 3600e3;
    return `${clock(from, { day: far, seconds: !far })} to ${clock(to, { day: far, seconds: !far, zone: true })}`;
}

/** A key under a plot: a button when it filters, else mere text. */
export function keyItem({ name, text, ground, press, pressed }) {
    const mark = h("i", { "aria-hidden": "true" });
    mark.style.background = ground;
    const inside = [mark, h("span", {}, name), h("span", { class: "quiet" }, text)];
    return h("li", {}, press
        ? h("button", { type: "button", class: "key", "aria-pressed": String(pressed), click: press }, ...inside)
        : h("span", { class: "key" }, ...inside));
}

