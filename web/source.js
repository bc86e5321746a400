/* From the API's replies to what the page is drawn from: sums, numbers, pictures (timeline.js). */
import { pairsRows } from "./buckets.js";
import { GROUPS, emptyPicture } from "./timeline.js";

function added(a, b) {
    const out = { ...a };
    for (const [name, n] of Object.entries(b))
        out[name] = (out[name] ?? 0) + n;
    return out;
}

/** What a result is called that is NOERROR, but has neither an answer nor a referral: the server counts it with NOERROR, too. */
export const NODATA = "NODATA";

/** Results, with NODATA for itself. */
function results(rcodes, nodata) {
    return nodata ? { ...rcodes, NOERROR: rcodes.NOERROR - nodata, [NODATA]: nodata } : rcodes;
}

/** Types are those of queries, unless a server tells of its responses alone. */
export function sums(reply) {
    const { queries, responses, latency } = reply.statistics;
    return {
        time: reply.time,
        queries: queries.events,
        responses: responses.events,
        rcodes: results(responses.rcodes, responses.marks.nodata),
        qtypes: queries.events ? queries.qtypes : responses.qtypes,
        transports: added(queries.transports, responses.transports),
        fine: Object.entries(latency.fine).flatMap(([bucket, n]) => [Number(bucket), n]),
    };
}

/** Which series make a group, best first: there may be responses alone. */
const FAMILIES = { rcodes: ["rcode"], qtypes: ["qtype", "response-qtype"], transports: ["transport"] };

/** What history calls otherwise than the statistics. */
const CALLED = { UNKNOWN: "unknown", OTHER: "other" };

/** All that is asked for; for the live stretch, of which points are made, the latencies themselves, too. */
export const SERIES = ["observed", "queries", "responses", "nodata", ...Object.values(FAMILIES).flat(), "latency.p50", "latency.p99", "heat"].join();
export const LIVE_SERIES = `${SERIES},fine`;

/** The same of series. */
function withNodata(rcodes, nodata) {
    if (!nodata?.some((n) => n > 0))
        return rcodes;
    return [...rcodes.map(([name, values]) => [name, name === "NOERROR" ? values.map((n, i) => (n === null ? null : n - (nodata[i] ?? 0))) : values]),
        [NODATA, nodata]];
}

/** The series of a group by member: {NOERROR: [...]}. */
function members(series, group) {
    for (const family of FAMILIES[group]) {
        const found = Object.entries(series).filter(([name]) => name.startsWith(family + "."))
            .map(([name, values]) => [name.slice(family.length + 1), values])
            .map(([name, values]) => [CALLED[name] ?? name, values]);
        if (found.some(([, values]) => values.some((n) => n > 0)))
            return family === "rcode" ? withNodata(found, series.nodata) : found;
    }
    return [];
}

const heatAt = (heat, i) =>
    Object.fromEntries((heat?.[i] ?? []).map((n, row) => [row, n]).filter(([, n]) => n > 0));

/** When something is known of first; null: never. */
export function firstKnown({ times, series }) {
    const at = times.findIndex((_, i) => Object.values(series).some((values) => values[i] !== null));
    return at < 0 ? null : times[at];
}

/** A picture of a reply to api/v1/series; what it does not know is gaps. */
export function pictureOf({ times, step, series, heat, whole }, from, to) {
    const picture = emptyPicture(times[0] ?? from, step, times.length);
    const seconds = (i) => (series.observed?.[i] || step / 1000); // the rest nobody was watching
    Object.assign(picture, { from, to });
    for (const group of GROUPS)
        for (const [name, values] of members(series, group))
            picture[group].set(name, values.map((n, i) => (n === null ? null : n / seconds(i))));
    picture.heat = times.map((_, i) => heatAt(heat, i));
    picture.p50 = series["latency.p50"] ?? null;
    picture.p99 = series["latency.p99"] ?? null;
    picture.whole = { p50: whole["latency.p50"] ?? null, p99: whole["latency.p99"] ?? null };
    return picture;
}

/** The same as points of a timeline. */
export function pointsOf({ times, step, series, fine }) {
    const groups = GROUPS.map((group) => [group, members(series, group)]);
    const known = (i) => Object.values(series).some((values) => values[i] !== null);
    return times.map((from, i) => ({
        from,
        to: from + step,
        queries: series.queries?.[i] ?? 0,
        responses: series.responses?.[i] ?? 0,
        fine: fine?.[i] ?? [],
        rows: pairsRows(fine?.[i] ?? []),
        ...Object.fromEntries(groups.map(([group, found]) =>
            [group, Object.fromEntries(found.filter(([, values]) => values[i] > 0).map(([name, values]) => [name, values[i]]))])),
    })).filter((_, i) => known(i));
}
