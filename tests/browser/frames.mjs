// dnstap in Frame Streams, as far as these tests need it: written here, so that the program is not its
// own judge.

const varint = (value) => {
    const out = [];
    let rest = BigInt(value);
    while (rest > 127n) {
        out.push(Number(rest & 127n) | 128);
        rest >>= 7n;
    }
    return Buffer.from([...out, Number(rest)]);
};

const u32 = (value) => {
    const out = Buffer.alloc(4);
    out.writeUInt32BE(value);
    return out;
};

const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const text = (field, value) => Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
const fixed = (field, value) => {
    const out = Buffer.alloc(4);
    out.writeUInt32LE(value);
    return Buffer.concat([varint((field << 3) | 5), out]);
};

const TYPES = { A: 1, MX: 15, TXT: 16, AAAA: 28 };
const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 };

/** Labels may have any bytes; a dot ends one, but where they are given one by one. */
function wire(name) {
    const labels = (Array.isArray(name) ? name : name.split(".").filter(Boolean)).map((label) => Buffer.from(label, "latin1"));
    return Buffer.concat([...labels.flatMap((l) => [Buffer.from([l.length]), l]), Buffer.from([0])]);
}

function dns({ name, type, rcode, response }) {
    const head = Buffer.from([0, 7, response ? 0x81 : 0x01, response ? 0x80 | RCODES[rcode] : 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    return Buffer.concat([head, wire(name), Buffer.from([0, TYPES[type], 0, 1])]);
}

const address = (text4) => Buffer.from(text4.split(".").map(Number));

/** One dnstap message, of now or of another second: a client's query, or the response to it `ms` milliseconds later,
 * which may say itself that it was asked in another second. `upstream`: a resolver's, which asks `server` itself. */
export function frame({ name, upstream = false, type = "A", rcode = "NOERROR", client = "192.0.2.1", server = "198.51.100.1",
    identity = "lab", version = "", response = false, ms = 1, protocol = 1, second = Math.floor(Date.now() / 1000), asked = null }) {
    const message = dns({ name, type, rcode, response });
    const body = Buffer.concat([
        number(1, (upstream ? 3 : 5) + Number(response)), number(2, 1), number(3, protocol), text(4, address(client)), text(5, address(server)),
        number(6, 5353), number(7, 53), number(8, asked ?? second), fixed(9, 0), ...(response ? [] : [text(10, message)]),
        ...(response ? [number(12, second), fixed(13, ms * 1e6), text(14, message)] : []),
    ]);
    return Buffer.concat([text(1, Buffer.from(identity, "latin1")), ...(version ? [text(2, Buffer.from(version, "latin1"))] : []), text(14, body), number(15, 1)]);
}

/** A query and its response. */
export const exchange = (what) => [frame(what), frame({ ...what, response: true })];

/** A Frame Streams file; without its end it is the beginning of a stream. */
export function file(frames, { stop = true } = {}) {
    const kind = Buffer.from("protobuf:dnstap.Dnstap");
    const control = (code, ...rest) => {
        const body = Buffer.concat([u32(code), ...rest]);
        return Buffer.concat([u32(0), u32(body.length), body]);
    };
    return Buffer.concat([
        control(2, u32(1), u32(kind.length), kind),
        ...frames.flatMap((f) => [u32(f.length), f]),
        ...(stop ? [control(3)] : []),
    ]);
}
