"""Frame Streams and dnstap, as far as tests need them: written here, so that the program is not its own
judge."""
import fcntl
import socket
import struct
import sys
import termios
import time

import harness

DNSTAP = b"protobuf:dnstap.Dnstap"
ACCEPT, START, STOP, READY, FINISH = 1, 2, 3, 4, 5
LATE_S = 0.9  # less than any handshake-timeout that a test needs to be in time for


def control(kind, *content_types):
    body = struct.pack("!I", kind) + b"".join(struct.pack("!II", 1, len(t)) + t for t in content_types)
    return struct.pack("!II", 0, len(body)) + body


def data(payload):
    return struct.pack("!I", len(payload)) + payload


def split(stream):
    """The data frames of a well-formed file or stream."""
    at, frames = 0, []
    while at + 4 <= len(stream):
        length = int.from_bytes(stream[at:at + 4], "big")
        at += 4
        if length:
            frames.append(stream[at:at + length])
            at += length
        else:
            at += 4 + int.from_bytes(stream[at:at + 4], "big")
    return frames


def written(path):
    """The data frames of a file that is being written; none while it is not there yet. The last may be cut."""
    return split(path.read_bytes()) if path.exists() else []


def is_closed(sock):
    """The peer has closed it, as far as is known now. Takes what it has sent."""
    sock.setblocking(False)
    try:
        return sock.recv(65536) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def varint(value):
    if 0 <= value < 128:
        return bytes((value,))
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """A protobuf field: int as varint, bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def head(mtype, identity=b"test", family=1, protocol=1, query_address=b"\xc0\0\2\1", query_port=5353,
         response_address=b"\xc0\0\2\2", response_port=53):
    """What comes before the times in a message, and a function that makes a frame of it and the rest. The
    type may be None: no type."""
    start = (field(1, mtype) if mtype is not None else b"") + field(2, family) + field(3, protocol) + \
        field(4, query_address) + field(5, response_address) + field(6, query_port) + field(7, response_port)
    return lambda rest: field(1, identity) + field(14, start + rest) + field(15, 1)


def moment(number, seconds, nanos):
    """A time: the field `number` and the next one."""
    return field(number, seconds) + varint(number + 1 << 3 | 5) + struct.pack("<I", nanos)


def message(query, mtype=5, seconds=1700000000, nanos=0, **fields):
    """A dnstap message that carries a query."""
    return head(mtype, **fields)(moment(8, seconds, nanos) + field(10, query))


def answer(response, mtype=6, seconds=1700000000, nanos=0, asked=None, asked_nanos=0, **fields):
    """One that carries a response and, where `asked` says it, the second of its query."""
    query = moment(8, asked, asked_nanos) if asked is not None else b""
    return head(mtype, **fields)(query + moment(12, seconds, nanos) + field(14, response))


def query_time(frame):
    """The query time of a message that message() has made, in nanoseconds since 1970."""
    def read_varint(at):
        value = shift = 0
        while True:
            value |= (frame[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if frame[at - 1] < 128:
                return value, at
    seconds, nanos, at, end = 0, 0, 0, len(frame)
    while at < end:
        tag, at = read_varint(at)
        kind, number = tag & 7, tag >> 3
        if kind == 5:
            if number == 9:
                nanos, = struct.unpack_from("<I", frame, at)
            at += 4
            continue
        value, at = read_varint(at)
        if kind == 0 and number == 8:
            seconds = value
        elif kind == 2 and number != 14:  # the message is entered
            at += value
    return seconds * 10**9 + nanos


class Sender:
    """A client that has shaken hands and sends frames."""

    def __init__(self, address, handshake=True, content_types=(DNSTAP,), source=None):
        """address: a path, or (host, port); then source may say which address to come from. A test that was
        too slow for handshake-timeout, since others had its processor, connects once more."""
        for _ in range(5):
            begin = time.monotonic()
            self.connect(address, source)
            try:
                if handshake:
                    self.shake_hands(content_types)
                return
            except (OSError, AssertionError):
                if time.monotonic() < begin + LATE_S:
                    raise
            self.sock.close()
        raise AssertionError("no handshake, however often")

    def shake_hands(self, content_types):
        self.sock.sendall(control(READY, *content_types))
        reply = self.read_control()
        assert reply == control(ACCEPT, DNSTAP), f"wanted ACCEPT, got {reply!r}"
        self.sock.sendall(control(START, DNSTAP))

    def connect(self, address, source):
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(harness.limit(20))
        if source:
            self.sock.bind((source, 0))
        self.find_place(address if isinstance(address, tuple) else str(address))

    def find_place(self, address):
        """In a flood the queue of a unix socket may be full for a moment."""
        def connected():
            try:
                self.sock.connect(address)
                return True
            except BlockingIOError:
                return False
        harness.wait_for("a place in the queue", connected, 20, every=0.01)

    def read_control(self):
        """One control frame, or b"" when the peer closed."""
        reply = b""
        while len(reply) < 8 or len(reply) < 8 + int.from_bytes(reply[4:8], "big"):
            part = self.sock.recv(8 - len(reply) if len(reply) < 8 else 512)
            if not part:
                return b""
            reply += part
        return reply

    def send(self, *payloads):
        self.sock.sendall(b"".join(data(p) for p in payloads))

    def finish(self):
        """STOP, and the FINISH that must follow."""
        self.sock.sendall(control(STOP))
        reply = self.read_control()
        assert reply == control(FINISH), f"wanted FINISH, got {reply!r}"
        self.sock.close()

    def all_taken(self):
        """The peer has read all that was sent over a unix socket."""
        return not int.from_bytes(fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4), sys.byteorder)

    def is_open(self):
        """As far as is known now."""
        patient = self.sock.gettimeout()
        self.sock.setblocking(False)
        try:
            return self.sock.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(patient)

    def closed_by_peer(self, seconds=5):
        """True when the peer closes within limit(seconds)."""
        self.sock.settimeout(harness.limit(seconds))
        try:
            while self.sock.recv(4096):
                pass
            return True
        except socket.timeout:
            return False
        except OSError:
            return True
