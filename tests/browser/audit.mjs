// Rules of accessible pages, checked in the page itself. Each function runs there and gives what is wrong.

/** Names, roles, order: what a screen reader depends on. */
export function structure() {
    const wrong = [];
    const say = (what, element) => wrong.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
    const shown = (e) => e.checkVisibility();
    const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
    const name = (e) => {
        const by = e.getAttribute("aria-labelledby");
        const label = e.getAttribute("aria-label") ?? (by && by.split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" "));
        return (label ?? e.labels?.[0]?.textContent ?? e.textContent ?? "").trim();
    };

    for (const e of all("button, select, a[href], summary, [role=img], [role=region], section, figure, [role=group]"))
        if (!name(e))
            say("no name", e);
    for (const e of all("img"))
        if (!e.hasAttribute("alt"))
            say("no alternative text", e);
    for (const e of all("section, figure"))
        if (!e.hasAttribute("aria-label") && !e.hasAttribute("aria-labelledby"))
            say("not labelled", e);
    for (const e of all("table")) {
        if (!e.caption?.textContent)
            say("no caption", e);
        if ([...e.tHead.rows[0].cells].some((c) => c.scope !== "col"))
            say("heads without scope", e);
    }
    for (const e of all("canvas"))
        if (!e.closest("figure")?.querySelector("details"))
            say("no alternative as a table", e);
    for (const e of all("ul, ol"))
        if ([...e.children].some((c) => c.tagName !== "LI"))
            say("a list with what is no item", e);
    for (const e of all("*"))
        if (e.tabIndex > 0)
            say("jumps the queue", e);
        else if (e.scrollHeight > e.clientHeight + 1 && getComputedStyle(e).overflowY === "auto" && e.tabIndex < 0)
            say("scrolls, but not by keyboard", e);

    const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
    for (const id of ids.filter((id, i) => ids.indexOf(id) !== i))
        wrong.push(`id twice: ${id}`);
    let level = 0;
    for (const e of all("h1, h2, h3, h4")) {
        if (Number(e.tagName[1]) > level + 1)
            say("skips a level", e);
        level = Number(e.tagName[1]);
    }
    for (const selector of ["main", "h1", "header", "footer"])
        if (all(selector).length !== 1)
            wrong.push(`${all(selector).length} of ${selector}`);
    if (!document.documentElement.lang)
        wrong.push("no language");
    return wrong;
}

/** Texts whose contrast is below WCAG AA: 4.5, or 3 for large ones. Controls that are off are exempt. */
export function contrast() {
    const parse = (text) => {
        const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
        return { rgb: [r, g, b], a };
    };
    const over = (top, below) => top.rgb.map((c, i) => c * top.a + below[i] * (1 - top.a));
    const light = (rgb) => {
        const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a, b) => {
        const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05);
    };
    /** Grounds below an element: its own and its ancestors', and a bar that lies behind it. */
    const grounds = (e) => {
        const chain = [];
        for (let at = e; at; at = at.parentElement)
            chain.unshift(parse(getComputedStyle(at).backgroundColor));
        const plain = chain.reduce((below, top) => over(top, below), [255, 255, 255]);
        const fill = e.parentElement?.querySelector(":scope > .fill");
        return fill ? [plain, over(parse(getComputedStyle(fill).backgroundColor), plain)] : [plain];
    };
    const wrong = [];
    let checked = 0;
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !e.checkVisibility() || e.closest(":disabled, .unseen, .skip, noscript"))
            continue;
        const style = getComputedStyle(e);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        for (const ground of grounds(e)) {
            const found = ratio(over(parse(style.color), ground), ground);
            checked += 1;
            if (found < (large ? 3 : 4.5))
                wrong.push(`${found.toFixed(2)}: "${walk.currentNode.data.trim().slice(0, 40)}" (${e.className || e.tagName})`);
        }
    }
    return { checked, wrong: [...new Set(wrong)] };
}

/** What lies beyond the window's right edge. */
export function overflow() {
    const wide = document.documentElement.clientWidth;
    const inside = (e) => !e.closest(".scroll, .unseen, .skip, .rank, .chip");
    return document.documentElement.scrollWidth <= wide ? [] :
        [...document.querySelectorAll("body *")].filter((e) => inside(e) && e.getBoundingClientRect().right > wide + 1)
            .map((e) => `${Math.round(e.getBoundingClientRect().right)}: ${e.outerHTML.slice(0, 100)}`);
}

/** Texts that run over the border of the tile or card that they are in, and tiles out of their section. */
export function spills() {
    const wrong = [];
    let checked = 0;
    const say = (what, by, text) => wrong.push(`${what}: ${Math.round(by)} px: "${text.trim().slice(0, 40)}"`);
    for (const tile of document.querySelectorAll(".numbers > div, .card")) {
        const border = tile.getBoundingClientRect();
        const around = tile.parentElement.getBoundingClientRect();
        if (!tile.checkVisibility())
            continue;
        if (border.right > around.right + 1)
            say("a tile out of its section", border.right - around.right, tile.textContent);
        const walk = document.createTreeWalker(tile, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
            const text = walk.currentNode;
            if (!text.data.trim() || !text.parentElement.checkVisibility() || text.parentElement.closest(".unseen, .tip"))
                continue;
            const range = document.createRange();
            range.selectNodeContents(text);
            let { left, right, bottom } = range.getBoundingClientRect();
            for (let at = text.parentElement; at !== tile; at = at.parentElement) {
                const clip = at.getBoundingClientRect();
                if (getComputedStyle(at).overflowX !== "visible")
                    [left, right] = [Math.max(left, clip.left), Math.min(right, clip.right)];
                if (getComputedStyle(at).overflowY !== "visible")
                    bottom = Math.min(bottom, clip.bottom);
            }
            checked += 1;
            const beyond = Math.max(right - border.right, border.left - left, bottom - border.bottom);
            if (beyond > -1)
                say("over the border", beyond, text.data);
        }
    }
    return { checked, wrong };
}
