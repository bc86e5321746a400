/* Elements. Text is only ever set as text: names and identities come from strangers. */

/** An element with attributes (functions become listeners, absent ones are left out) and children. */
export function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === undefined || value === null || value === false)
            continue;
        if (typeof value === "function")
            element.addEventListener(name, value);
        else
            element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== undefined && child !== null));
    return element;
}

export const byId = (id) => document.getElementById(id);

/** Sets text when it differs, so that nothing is laid out or announced again in vain. */
export function setText(element, text) {
    if (element.textContent !== text)
        element.textContent = text;
}

/** Shows `text`, or hides the element when there is none. */
export function setNote(element, text) {
    setText(element, text);
    element.hidden = !text;
}

/**
 * A table whose rows are kept from one time to the next: columns are {title, cell, right, wide, wrap}, where the
 * title may be a function; cell(row) gives text or {text, level, action, hint}.
 */
export function table(caption, columns) {
    const body = h("tbody");
    const kind = (c) => [c.right && "right", c.wide && "wide", c.wrap && "wrap"].filter(Boolean).join(" ") || null;
    const titleOf = ({ title }) => (typeof title === "function" ? title() : title);
    const heads = columns.map((c) => h("th", { scope: "col", class: kind(c) }, titleOf(c)));
    const element = h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, ...heads)), body);

    function fill(line, rows, i) {
        columns.forEach((column, at) => {
            const made = column.cell(rows[i]);
            const cell = typeof made === "object" ? made : { text: made };
            const td = line.children[at];
            td.className = [kind(column), cell.level].filter(Boolean).join(" ");
            td.title = cell.hint ?? "";
            if (!cell.action) {
                setText(td, cell.text);
                return;
            }
            let button = td.firstElementChild;
            if (!button) {
                button = h("button", { type: "button", class: "link", click: () => button.run() });
                td.replaceChildren(button);
            }
            button.run = cell.action;
            button.disabled = cell.disabled ?? false;
            setText(button, cell.text);
        });
    }

    function update(rows) {
        columns.forEach((column, i) => setText(heads[i], titleOf(column)));
        while (body.rows.length > rows.length)
            body.deleteRow(-1);
        while (body.rows.length < rows.length)
            body.append(h("tr", {}, ...columns.map(() => h("td"))));
        rows.forEach((_, i) => fill(body.rows[i], rows, i));
    }
    return { element, update };
}
