/* Ranked lists: bars of names, each a button that filters. */
import { h, setText } from "./dom.js";

/**
 * One list. show(rows, amount): rows are {name, value, error}, amount(row) its text. While the mouse
 * is over the list, or the keyboard in it, the order stands still, so that nobody hits the wrong row.
 */
export class Ranks {
    constructor({ id, title, press, hint }) {
        this.press = press;
        this.note = h("span", { class: "quiet" });
        this.list = h("ol", { class: "ranks" });
        this.none = h("p", { class: "empty" }, "nothing yet");
        this.element = h("section", { class: "card", id, "aria-labelledby": `${id}-title` },
            h("div", { class: "head" }, h("h3", { id: `${id}-title`, title: hint }, title), this.note), this.none, this.list);
        this.hovered = false;
        this.list.addEventListener("pointerenter", (event) => {
            this.hovered = event.pointerType === "mouse";
        });
        this.list.addEventListener("pointerleave", () => {
            this.hovered = false;
        });
    }

    held() {
        return this.hovered || this.list.querySelector(":focus-visible") !== null;
    }

    show(rows, amount, note = "", { force = false, none = "nothing yet" } = {}) {
        if (this.held() && !force)
            return;
        const most = rows.reduce((a, row) => Math.max(a, row.value), 0);
        setText(this.note, note);
        setText(this.none, none);
        this.none.hidden = rows.length > 0;
        while (this.list.children.length > rows.length)
            this.list.lastElementChild.remove();
        while (this.list.children.length < rows.length)
            this.list.append(this.#line());
        rows.forEach((row, i) => this.#fill(this.list.children[i].firstElementChild, row, amount(row), most));
    }

    #line() {
        const button = h(this.press ? "button" : "div", { class: "rank", type: this.press ? "button" : null },
            h("span", { class: "fill", "aria-hidden": "true" }), h("span", { class: "name" }), h("span", { class: "amount" }));
        if (this.press)
            button.addEventListener("click", () => this.press(button.dataset.name));
        return h("li", {}, button);
    }

    #fill(button, row, text, most) {
        const [fill, name, value] = button.children;
        const exact = String(row.value);
        fill.style.width = `${most ? (100 * row.value) / most : 0}%`;
        button.dataset.name = row.name;
        setText(name, row.name);
        name.title = row.name;
        setText(value, text);
        value.title = row.error ? `${exact}, or at most ${row.error} more` : exact;
    }
}
