/* A stacked chart of rates by name: results, types, transports. Drawn by Chart.js. */
/* global Chart */
import { Figure, keyItem, timeTicks } from "./figure.js";
import { brief, moment, share } from "./format.js";
import { alpha, colour, colours } from "./palette.js";

const NAMES = 7;

const sum = (values) => values.reduce((a, b) => a + (b ?? 0), 0);

/** The largest groups by name, largest first; all others together as "other". */
function ranked(group, length) {
    const all = [...group].map(([name, values]) => ({ name, values, all: sum(values) }))
        .filter((row) => row.all > 0).sort((a, b) => b.all - a.all || (a.name < b.name ? -1 : 1));
    const named = all.filter((row) => row.name !== "other").slice(0, NAMES);
    const rest = all.filter((row) => !named.includes(row));
    if (rest.length) {
        const values = Array.from({ length }, (_, i) =>
            rest.every((row) => row.values[i] === null) ? null : sum(rest.map((row) => row.values[i])));
        named.push({ name: "other", values, all: sum(values) });
    }
    return named;
}

export class Stack extends Figure {
    /** group: its name in the picture; press(name): a key was chosen, which `loose` ones cannot be; pressed(): the name that is. */
    constructor({ group, press, pressed, loose = [], ...options }) {
        super(options);
        this.group = group;
        this.press = press;
        this.loose = ["other", ...loose];
        this.pressed = pressed ?? (() => "");
        this.rows = [];
        this.chart = null; // made when there is something to draw
    }

    #settings() {
        const stack = this;
        return {
            type: "line",
            data: { datasets: [] },
            options: {
                animation: false,
                parsing: false,
                normalized: true,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                datasets: { line: { pointRadius: 0, pointHitRadius: 6, borderWidth: 1, tension: 0 } },
                plugins: {
                    legend: { display: false },
                    tooltip: {
                        itemSort: (a, b) => b.parsed.y - a.parsed.y,
                        filter: (item) => item.parsed.y > 0,
                        callbacks: {
                            title: (items) => items.length ? moment(items[0].parsed.x, 0) : "",
                            label: (item) => ` ${item.dataset.label}  ${brief(item.parsed.y)}/s`,
                        },
                    },
                },
                scales: {
                    x: {
                        type: "linear",
                        grid: { display: false },
                        ticks: { maxRotation: 0, autoSkip: false, callback: (t) => moment(t, stack.picture.to - stack.picture.from) },
                        afterBuildTicks: (axis) => {
                            axis.ticks = timeTicks(axis.min, axis.max, Math.max(2, axis.width / 110)).map((value) => ({ value }));
                        },
                    },
                    y: { stacked: true, beginAtZero: true, ticks: { maxTicksLimit: 5, callback: (n) => brief(n) } },
                },
            },
        };
    }

    area() {
        const { left, right } = this.chart.chartArea;
        return [left, right];
    }

    draw() {
        this.chart ??= new Chart(this.canvas, this.#settings());
        const { times, from, to, width } = this.picture;
        this.rows = ranked(this.picture[this.group], times.length);
        const paint = colours(this.rows.map((row) => row.name)).map(colour);
        const { datasets } = this.chart.data;
        datasets.length = this.rows.length;
        this.rows.forEach((row, i) => {
            datasets[i] ??= {};
            Object.assign(datasets[i], {
                label: row.name,
                fill: i ? "-1" : "origin",
                // From edge to edge of its column; no two points may have the same place.
                data: row.values.flatMap((y, at) => [{ x: times[at], y }, { x: times[at] + width - 1, y }]),
                borderColor: paint[i],
                backgroundColor: alpha(paint[i], 0.6),
            });
        });
        const { x, y } = this.chart.options.scales;
        Object.assign(x, { min: from, max: to });
        x.ticks.color = y.ticks.color = colour("quiet");
        x.grid.borderColor = y.grid.borderColor = y.grid.color = colour("line");
        this.chart.update("none");
        this.#listKeys(paint);
    }

    /** Keys stay the same elements while the names stay, so that focus is not lost. */
    #listKeys(paint) {
        const all = sum(this.rows.map((row) => row.all));
        const state = this.rows.map((row, i) => [row.name, paint[i], this.pressed() === row.name].join());
        if (this.listed !== state.join(";")) {
            this.listed = state.join(";");
            this.keys.replaceChildren(...this.rows.map((row, i) => keyItem({
                name: row.name,
                text: "",
                ground: paint[i],
                press: this.press && !this.loose.includes(row.name) ? () => this.press(row.name) : null,
                pressed: this.pressed() === row.name,
            })));
        }
        this.rows.forEach((row, i) => {
            this.keys.children[i].querySelector(".quiet").textContent = share(row.all, all);
        });
    }

    summary() {
        const all = sum(this.rows.map((row) => row.all));
        return this.rows.length
            ? this.rows.map((row) => `${row.name} ${share(row.all, all)}`).join(", ")
            : "nothing yet";
    }

    columns() {
        const mean = (values, i, end) => {
            const known = values.slice(i, end).filter((n) => n !== null);
            return known.length ? sum(known) / known.length : null;
        };
        return {
            heads: this.rows.map((row) => `${row.name}/s`),
            cells: (i, end) => this.rows.map((row) => brief(mean(row.values, i, end))),
        };
    }
}
