/* The server's time: whoever looks may have a clock that is wrong. */

const TRIFLE_MS = 3000; // a reply tells of a moment that is up to a second ago
let ahead = 0;

/** A reply of the server was made at this time. */
export function heard(ms) {
    const by = ms - Date.now();
    ahead = Math.abs(by) < TRIFLE_MS ? 0 : by;
}

export const now = () => Date.now() + ahead;
