/* Cards of names and values, and how counts are written in them. */
import { h, setText } from "./dom.js";
import { exact, share } from "./format.js";

/** "12 (30 %)" */
export const part = (n, of) => (n ? `${exact(n)} (${share(n, of)})` : "0");

/** Counts by name as rows, the largest first. */
export const counted = (counts) => Object.entries(counts).filter(([, n]) => n > 0)
    .map(([name, value]) => ({ name, value })).sort((a, b) => b.value - a.value);

/** "UDP 88 %, TCP 12 %" */
export const shares = (counts, of, between = " ") => counted(counts).map(({ name, value }) => `${name}${between}${share(value, of)}`).join(", ") || "–";

/** A card of names and values. */
export class Facts {
    constructor(id) {
        this.title = h("h3", { id: `${id}-title` });
        this.note = h("span", { class: "quiet" });
        this.list = h("dl", { class: "facts" });
        this.none = h("p", { class: "empty", hidden: true });
        this.element = h("section", { class: "card", id, "aria-labelledby": `${id}-title` },
            h("div", { class: "head" }, this.title, this.note), this.none, this.list);
    }

    show(title, rows, note, none = "") {
        setText(this.title, title);
        setText(this.note, note);
        setText(this.none, none);
        this.none.hidden = rows.length > 0;
        while (this.list.children.length > rows.length)
            this.list.lastElementChild.remove();
        while (this.list.children.length < rows.length)
            this.list.append(h("div", {}, h("dt"), h("dd")));
        rows.forEach((pair, i) => pair.forEach((text, k) => setText(this.list.children[i].children[k], text)));
    }
}
