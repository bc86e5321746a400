/* The server's replies. Paths are relative, so the page works behind a proxy's prefix, too. */

export class Trouble extends Error {
    constructor(status, text) {
        super(text);
        this.status = status;
    }
}

/** The JSON at api/v1/`path`; absent parameters are left out. Throws Trouble. */
export async function ask(path, parameters = {}, method = "GET") {
    let reply;
    try {
        reply = await fetch(address(path, parameters), { method, signal: AbortSignal.timeout(10000), cache: "no-store" });
    } catch (error) {
        throw new Trouble(0, error.name === "TimeoutError" ? "no answer in 10 s" : "no connection");
    }
    const body = await reply.json().catch(() => null);
    if (!reply.ok)
        throw new Trouble(reply.status, body?.error ?? `status ${reply.status}`);
    if (body === null)
        throw new Trouble(reply.status, "the reply was cut");
    return body;
}

/** Of the page's own address, less the login that it may have been opened with: fetch takes none. */
export function address(path, parameters = {}) {
    const given = Object.entries(parameters).filter(([, v]) => v !== undefined && v !== null && v !== "");
    const query = new URLSearchParams(given).toString();
    return new URL(`api/v1${path && "/" + path}${query ? "?" + query : ""}`, location.href).href;
}
