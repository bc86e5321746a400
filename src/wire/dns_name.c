/* Names: from a message's labels and pointers to wire form, and from wire form to text. */
#include "base/put.h"
#include "wire/dns.h"

enum {
    LABEL_MAX = 63,
    POINTER = 0xc0,
    /* More than any encoder has reason to write; keeps chains of bare pointers from costing time.
     */
    POINTERS_MAX = 127,
};

/* A run of labels up to the root label or to anything that is not a label. */
struct run {
    size_t start;
    size_t end; /* offset of the byte that ended it */
};

/* Scans labels from `start`, over `room` bytes at most; false when neither root nor another label
 * type ends them in time. */
static inline bool run_scan(struct span msg, size_t start, size_t room, struct run *run)
{
    size_t stop = msg.len - start < room ? msg.len : start + room;
    size_t pos = start;
    while (pos < stop) {
        unsigned len = msg.ptr[pos];
        if (len - 1 >= LABEL_MAX) {
            *run = (struct run){start, pos};
            return true;
        }
        pos += 1 + len;
    }
    return false;
}

/* The name's length behind all its pointers, or 0 when it is malformed. Writes the wire form to
 * `space` unless that is NULL. `run` is what run_scan found at the name's own place. */
static size_t follow(struct span msg, struct run run, uint8_t *space)
{
    size_t len = 0;
    for (unsigned hops = 0; hops <= POINTERS_MAX; hops++) {
        size_t labels = run.end - run.start;
        bool root = msg.ptr[run.end] == 0;
        if (space)
            memcpy(space + len, msg.ptr + run.start, labels + root);
        len += labels + root;
        if (root)
            return len;
        if (msg.ptr[run.end] < POINTER || msg.len - run.end < 2)
            return 0;
        size_t target = load_be16(msg.ptr + run.end) & 0x3fff;
        if (target >= run.start || !run_scan(msg, target, DNS_NAME_MAX - len, &run))
            return 0;
    }
    return 0;
}

int dns_name_decode(struct span msg, size_t offset, uint8_t *space, struct dns_name *name,
                    size_t *end)
{
    struct run run;
    if (offset >= msg.len || !run_scan(msg, offset, DNS_NAME_MAX, &run))
        return -1;
    if (__builtin_expect(msg.ptr[run.end] == 0, 1)) {
        *name = (struct dns_name){msg.ptr + offset, (uint8_t)(run.end + 1 - offset)};
        *end = run.end + 1;
        return 0;
    }
    size_t len = follow(msg, run, space);
    if (len == 0)
        return -1;
    *name = (struct dns_name){space, (uint8_t)len};
    *end = run.end + 2;
    return 0;
}

int dns_name_skip(struct span msg, size_t offset, size_t *end)
{
    struct run run;
    if (offset >= msg.len || !run_scan(msg, offset, DNS_NAME_MAX, &run))
        return -1;
    bool root = msg.ptr[run.end] == 0;
    if (!root && follow(msg, run, NULL) == 0)
        return -1;
    *end = run.end + (root ? 1 : 2);
    return 0;
}

/* What a byte of a label needs: nothing, a backslash, or \DDD. */
enum escape { PLAIN, BACKSLASH, DECIMAL };

static const uint8_t escape_of[256] = {
    [0x00 ... ' '] = DECIMAL, ['('] = BACKSLASH,  [')'] = BACKSLASH,         ['.'] = BACKSLASH,
    [';'] = BACKSLASH,        ['\\'] = BACKSLASH, [0x7f ... 0xff] = DECIMAL,
};

static char *put_escaped(char *p, uint8_t byte)
{
    *p++ = '\\';
    return escape_of[byte] == BACKSLASH ? put_char(p, (char)byte) : put_digits(p, byte, 3);
}

char *dns_name_put(char *p, struct dns_name name)
{
    const uint8_t *in = name.wire;
    if (name.len == 1)
        *p++ = '.';
    for (unsigned len = name.len ? *in : 0; len; len = *in) {
        const uint8_t *end = ++in + len;
        while (in < end) {
            uint8_t byte = *in++;
            if (__builtin_expect(escape_of[byte] == PLAIN, 1))
                *p++ = (char)byte;
            else
                p = put_escaped(p, byte);
        }
        *p++ = '.';
    }
    return p;
}
