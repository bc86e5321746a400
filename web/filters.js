/* The row of chips: which filters are set, and a click on one takes it away. */
import { byId, h, setText } from "./dom.js";
import { FILTERS, change, current } from "./state.js";

const textOf = (key, value) => (key === "domain" && !value.endsWith(".") ? value + "." : value);

/** Sets a filter, or takes it away when it is what it was. */
export function press(key, value) {
    const text = textOf(key, value);
    change({ [key]: current()[key] === text ? "" : text });
}

/** Sets a filter; what was searched for is found. */
export const open = (key, value) => change({ [key]: textOf(key, value), search: "" });

export function clear() {
    change(Object.fromEntries(FILTERS.map((f) => [f.key, ""])));
}

export function showChips() {
    const set = FILTERS.filter((f) => current()[f.key]);
    byId("filters").hidden = set.length === 0;
    byId("chips").replaceChildren(...set.map(({ key, label }) => {
        const value = current()[key];
        return h("li", {}, h("button", {
            type: "button", class: "chip", title: value, "data-filter": key,
            "aria-label": `Remove the filter ${label} ${value}`, click: () => change({ [key]: "" }),
        }, h("span", {}, label), h("b", {}, value), h("span", { class: "x", "aria-hidden": "true" }, "×")));
    }));
    setText(byId("announce"), set.length
        ? `Filtered by ${set.map((f) => `${f.label} ${current()[f.key]}`).join(", ")}` : "No filter");
}
