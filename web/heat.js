/* Latency over time: the darker, the more responses took so long. Lines for the median and p99. */
import { Figure, keyItem, timeTicks } from "./figure.js";
import { brief, micro, moment } from "./format.js";
import { alpha, colour } from "./palette.js";
import { rowBound, rowOf, rowPlace } from "./timeline.js";

const LEFT = 52;
const BOTTOM = 22;
const TOP = 6;
const DECADES_S = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100];
const LEAST_ROWS = 8;
const SHADES_DECADES = 3; // from the fullest cell's shade down to a thousandth of it
const FAINT = 0.08;

export class Heat extends Figure {
    constructor(options) {
        super(options);
        new ResizeObserver(() => this.picture && this.draw()).observe(this.plot);
        this.plot.addEventListener("pointermove", (event) => this.#hover(event));
        this.plot.addEventListener("pointerleave", () => {
            this.tip.hidden = true;
        });
    }

    area() {
        return [LEFT, this.plot.clientWidth - 2];
    }

    /** The rows that are drawn: all that occur, and lines' places. */
    #rows() {
        const { heat, p50, p99 } = this.picture;
        const used = heat.flatMap((column) => Object.keys(column).map(Number));
        for (const line of [p50, p99])
            used.push(...(line ?? []).filter((s) => s !== null).map(rowOf));
        let low = used.reduce((a, b) => Math.min(a, b), Infinity);
        let high = used.reduce((a, b) => Math.max(a, b), -Infinity);
        if (low > high)
            [low, high] = [rowOf(1e-5), rowOf(1)];
        low -= 1;
        while (high - low < LEAST_ROWS)
            high += 1;
        return { low, high };
    }

    draw() {
        const { canvas, plot } = this;
        const scale = window.devicePixelRatio || 1;
        const [w, hh] = [plot.clientWidth, plot.clientHeight];
        canvas.width = Math.round(w * scale);
        canvas.height = Math.round(hh * scale);
        const pen = canvas.getContext("2d");
        pen.scale(scale, scale);
        pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
        this.rows = this.#rows();
        const [left, right] = this.area();
        this.box = { left, right, top: TOP, bottom: hh - BOTTOM };
        this.#axes(pen);
        pen.beginPath();
        pen.rect(left, 0, right - left, this.box.bottom);
        pen.clip();
        this.#cells(pen);
        this.#line(pen, this.picture.p50, colour("c1"), []);
        this.#line(pen, this.picture.p99, colour("c2"), [4, 3]);
        this.#listKeys();
    }

    #x(time) {
        const { from, to } = this.picture;
        const { left, right } = this.box;
        return left + ((time - from) / (to - from)) * (right - left);
    }

    /** Where a number of rows, fractions allowed, ends. */
    #y(row) {
        const { low, high } = this.rows;
        const { top, bottom } = this.box;
        return bottom - ((row - low) / (high - low)) * (bottom - top);
    }

    #axes(pen) {
        const { left, right, bottom } = this.box;
        pen.fillStyle = colour("quiet");
        pen.strokeStyle = colour("line");
        pen.textAlign = "right";
        pen.textBaseline = "middle";
        for (const seconds of DECADES_S) {
            const row = rowPlace(seconds);
            if (row < this.rows.low || row > this.rows.high)
                continue;
            const y = Math.round(this.#y(row)) + 0.5;
            pen.beginPath();
            pen.moveTo(left, y);
            pen.lineTo(right, y);
            pen.stroke();
            pen.fillText(micro(seconds), left - 6, y);
        }
        const { from, to } = this.picture;
        pen.textAlign = "center";
        for (const t of timeTicks(from, to, Math.max(2, (right - left) / 110))) {
            const half = pen.measureText(moment(t, to - from)).width / 2;
            pen.fillText(moment(t, to - from), Math.min(right - half, Math.max(left + half, this.#x(t))), bottom + 13);
        }
    }

    #cells(pen) {
        const { times, width, heat } = this.picture;
        const most = heat.reduce((a, column) => Object.values(column).reduce((x, n) => Math.max(x, n), a), 0);
        const ink = colour("accent");
        times.forEach((t, i) => {
            const x = Math.round(this.#x(t));
            const wide = Math.max(1, Math.round(this.#x(t + width)) - x);
            for (const [row, n] of Object.entries(heat[i])) {
                pen.fillStyle = alpha(ink, Math.max(FAINT, 1 + Math.log10(n / most) / SHADES_DECADES).toFixed(3));
                const y = Math.round(this.#y(Number(row)));
                pen.fillRect(x, y, wide, Math.round(this.#y(row - 1)) - y);
            }
        });
    }

    #line(pen, values, ink, dash) {
        if (!values)
            return;
        pen.strokeStyle = ink;
        pen.lineWidth = 1.6;
        pen.setLineDash(dash);
        pen.beginPath();
        let drawing = false;
        values.forEach((seconds, i) => {
            if (seconds === null) {
                drawing = false;
                return;
            }
            const { times, width } = this.picture;
            const y = this.#y(rowPlace(seconds));
            if (!drawing)
                pen.moveTo(this.#x(times[i]), y);
            pen.lineTo(this.#x(times[i]), y);
            pen.lineTo(this.#x(times[i] + width), y);
            drawing = true;
        });
        pen.stroke();
        pen.setLineDash([]);
        pen.lineWidth = 1;
    }

    #listKeys() {
        const parts = [["median", "c1"], ["p99", "c2"], ["responses", "accent"]];
        const state = parts.map(([, c]) => colour(c)).join();
        if (this.listed === state)
            return;
        this.listed = state;
        this.keys.replaceChildren(...parts.map(([name, c]) => keyItem({ name, text: "", ground: colour(c) })));
    }

    #hover(event) {
        if (!this.picture || !this.box || !this.lens.hidden) {
            this.tip.hidden = true;
            return;
        }
        const frame = this.plot.getBoundingClientRect();
        const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
        const { left, right, top, bottom } = this.box;
        this.tip.hidden = x < left || x > right || y < top || y > bottom;
        if (this.tip.hidden)
            return;
        const { times, width, heat } = this.picture;
        const i = Math.min(times.length - 1, Math.max(0, Math.floor((this.timeAt(x) - times[0]) / width)));
        const row = Math.ceil(this.rows.low + ((bottom - y) / (bottom - top)) * (this.rows.high - this.rows.low));
        this.tip.textContent = `${moment(times[i], 0)}  up to ${micro(rowBound(row))}: ${brief(heat[i][row] ?? 0)}`;
        this.tip.style.left = `${Math.min(x + 12, Math.max(0, frame.width - this.tip.offsetWidth))}px`;
        this.tip.style.top = `${Math.max(0, y - 34)}px`;
    }

    #merged(i, end) {
        const out = {};
        for (const column of this.picture.heat.slice(i, end))
            for (const [row, n] of Object.entries(column))
                out[row] = (out[row] ?? 0) + n;
        return out;
    }

    summary() {
        const { heat, whole } = this.picture;
        const n = Object.values(this.#merged(0, heat.length)).reduce((a, b) => a + b, 0);
        return n ? `${brief(n)} responses, median ${micro(whole.p50)}, p99 ${micro(whole.p99)}`
            : "no responses with a known latency";
    }

    columns() {
        const worst = (line, i, end) => {
            const known = (line ?? []).slice(i, end).filter((s) => s !== null);
            return micro(known.length ? Math.max(...known) : null);
        };
        return {
            heads: ["responses", "median, at most", "p99, at most"],
            cells: (i, end) => [
                brief(Object.values(this.#merged(i, end)).reduce((a, b) => a + b, 0)),
                worst(this.picture.p50, i, end), worst(this.picture.p99, i, end),
            ],
        };
    }
}
