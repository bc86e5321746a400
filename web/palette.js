/* The colours of the theme, as the canvas wants them, and which name has which. */
import { h } from "./dom.js";

const FIXED = {
    NOERROR: "c0", NXDOMAIN: "c1", SERVFAIL: "c2", REFUSED: "c3", FORMERR: "c7", NOTIMP: "c4", NODATA: "c5",
    A: "c0", AAAA: "c4", HTTPS: "c5", PTR: "c1", MX: "c3", TXT: "c6", NS: "c7", SRV: "c2",
    UDP: "c0", TCP: "c4", DOT: "c3", DOH: "c5", DOQ: "c6", DNSCRYPTUDP: "c1", DNSCRYPTTCP: "c7",
};
const FREE = ["c5", "c6", "c4", "c7", "c3", "c1", "c2", "c0"];
const known = new Map();
let probe = null;

/** The value of a custom property of the style sheet now, as rgb(...). */
export function colour(name) {
    if (!known.has(name)) {
        if (!probe)
            document.body.append(probe = h("span", { class: "unseen", "aria-hidden": "true" }));
        probe.style.color = `var(--${name})`;
        known.set(name, getComputedStyle(probe).color);
    }
    return known.get(name);
}

/** The theme has changed. */
export const forget = () => known.clear();

export function alpha(rgb, opacity) {
    const [r, g, b] = rgb.match(/[\d.]+/g);
    return `rgba(${r}, ${g}, ${b}, ${opacity})`;
}

/** A colour a name: the same one for well-known names always, free ones for the others. */
export function colours(names) {
    const taken = new Set(names.map((name) => FIXED[name]));
    const free = FREE.filter((c) => !taken.has(c));
    return names.map((name) => (name === "other" ? "c8" : FIXED[name] ?? free.shift() ?? "c8"));
}
