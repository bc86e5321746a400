/*
 * How far the numbers of a reply reach. Where memory for windows is short, these forget single streams first: of
 * one the API then has less than of all together, its tables and distinct numbers less still, and says since when.
 */
import { clock } from "./format.js";

const FROM = { counts: "streams-from", keys: "distinct-from" };

/** When what a reply says begins; `what` is counts, or keys: tables and distinct numbers; `single`: of one stream. */
export const beginOf = (reply, what, single) => (single ? Math.max(reply.from, reply[FROM[what]] ?? reply.from) : reply.from);

/** Whether that is less than the window. */
export const isShort = (reply, what, single) => reply.window !== "all" && beginOf(reply, what, single) > reply.from;

/** Over how many seconds the counts are. */
export function secondsOf(reply, single) {
    const covered = (reply.to - beginOf(reply, "counts", single)) / 1000;
    return isShort(reply, "counts", single) ? Math.min(reply.seconds, covered) : reply.seconds;
}

/** "since 14:02:11 UTC", where it is short; else nothing. */
export const sinceWhen = (reply, what, single) => (isShort(reply, what, single) ? `since ${clock(beginOf(reply, what, single), { zone: true })}` : "");

export const WHY = "for more of single streams statistics: memory is too small";

/** The same of a list of streams: "counts since 14:02:11 UTC, clients since 14:12:11 UTC: for more ..."; or nothing. */
export function ofStreams(reply, keys) {
    const parts = [["counts", "counts"], ["keys", keys]].map(([what, name]) => [name, sinceWhen(reply, what, true)])
        .filter(([, since]) => since).map((pair) => pair.join(" "));
    return parts.length ? `${parts.join(", ")}: ${WHY}` : "";
}
