/* Live events from the server, by server-sent events. */
import { address } from "./api.js";
import { sideOf } from "./state.js";

/** Few for the eye when nothing is computed from them, many when something is. */
const EYE = 20;
const SUMS = 1000;
const AGAIN_MS = 5000;

export class Feed {
    #source = null;
    #open = "";
    #again = null;

    /** on: {event(e), left(n), state(open)} */
    constructor(on) {
        this.on = on;
    }

    /** Follows what passes these filters; the same ones again change nothing. */
    follow(state, counting) {
        const { stream, domain, client, rcode, qtype } = state;
        const direction = rcode && "response"; // a query's result means nothing
        const path = address("events", { stream, side: sideOf(state).api, under: domain, client, rcode, direction, type: qtype,
            rate: counting ? SUMS : EYE });
        if (path === this.#open)
            return;
        this.stop();
        this.#open = path;
        this.#connect(path);
    }

    /** The browser connects again by itself, but not after an answer that is an error. */
    #connect(path) {
        const source = new EventSource(path);
        this.#source = source;
        source.addEventListener("message", (message) => this.on.event(JSON.parse(message.data)));
        source.addEventListener("lost", (message) => this.on.left(JSON.parse(message.data).lost));
        source.addEventListener("open", () => this.on.state(true));
        source.addEventListener("error", () => {
            this.on.state(false);
            if (source.readyState === EventSource.CLOSED)
                this.#again = setTimeout(() => this.#connect(path), AGAIN_MS);
        });
    }

    stop() {
        clearTimeout(this.#again);
        this.#source?.close();
        this.#source = null;
        this.#open = "";
        this.on.state(false);
    }
}
