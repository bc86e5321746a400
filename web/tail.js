/* The live events, newest first. Whoever is at the other end is a client, or upstream a server. */
import { byId, setText, table } from "./dom.js";
import { clock, exact, latency } from "./format.js";
import { current } from "./state.js";

const ROWS = 60;
const DRAW_MS = 250;
const BAD = { NXDOMAIN: "warn", NOERROR: "" };

export class Tail {
    #events = [];
    #held = 0; // came while paused
    #shown = 0;
    #left = 0;
    #open = false;
    #due = null;

    /** press(key, value): filter by that. */
    constructor(press) {
        this.paused = false;
        const link = (key, text, extra = {}) =>
            text ? { text, hint: text, action: () => press(key, text), ...extra } : "–";
        this.table = table("Live events, newest first", [
            { title: "Time (UTC)", cell: (e) => (e.time === null ? "–" : clock(e.time)) },
            { title: "Stream", wide: true, cell: (e) => link("stream", e.stream) },
            { title: "Name", cell: (e) => link("domain", e.qname) },
            { title: "Type", cell: (e) => link("qtype", e.qtype) },
            { title: "Result", cell: (e) => (e.direction === "response" ? link("rcode", e.rcode, { level: BAD[e.rcode] ?? "bad" }) : "–") },
            { title: () => (current().side ? "Server" : "Client"), cell: (e) => (current().side ? e.server ?? "–" : link("client", e.client)) },
            { title: "Kind", wide: true, cell: (e) => e.message ?? "–" },
            { title: "Transport", wide: true, cell: (e) => e.transport ?? "–" },
            { title: "Latency", right: true, cell: (e) => latency(e.latency === null ? null : e.latency * 1e6) },
        ]);
        this.table.element.classList.add("tail");
        byId("tail").append(this.table.element);
        byId("pause").addEventListener("click", () => this.#pause(!this.paused));
    }

    #pause(paused) {
        this.paused = paused;
        this.#held = 0;
        byId("pause").setAttribute("aria-pressed", String(paused));
        setText(byId("pause"), paused ? "Go on" : "Pause");
        this.#later();
    }

    add(event) {
        this.#shown += 1;
        if (this.paused) {
            this.#held += 1;
        } else {
            this.#events.unshift(event);
            this.#events.length = Math.min(this.#events.length, ROWS);
        }
        this.#later();
    }

    connected(yes) {
        this.#open = yes;
        this.#later();
    }

    clear() {
        this.#events = [];
        this.#held = this.#shown = this.#left = 0;
        this.#later();
    }

    /** So many more events the server left out. */
    left(count) {
        this.#left += count;
        this.#later();
    }

    #later() {
        this.#due ??= setTimeout(() => {
            this.#due = null;
            this.#draw();
        }, DRAW_MS);
    }

    #draw() {
        if (!this.paused)
            this.table.update(this.#events);
        // Rows that run away are nothing for the keyboard: it gets to them while they stand still.
        for (const button of this.table.element.querySelectorAll("button"))
            button.tabIndex = this.paused ? 0 : -1;
        const parts = [`${exact(this.#shown)} came`, `${exact(this.#left)} left out`];
        if (this.paused)
            parts.push(`${this.#held} while paused`);
        if (!this.#open)
            parts.push("not connected");
        setText(byId("tail-note"), parts.join(", "));
    }
}
