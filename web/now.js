/*
 * The server's time: whoever looks may have a clock that is wrong, and one that is set while the page
 * is open. So between two replies time goes on by the page's own count, which nobody sets.
 */

const TRIFLE_MS = 3000; // a reply tells of a moment that is up to a second ago
let zero = Date.now() - performance.now();

/** A reply of the server was made at this time. */
export function heard(ms) {
    const by = ms - now();
    if (Math.abs(by) >= TRIFLE_MS)
        zero += by;
}

export const now = () => zero + performance.now();
