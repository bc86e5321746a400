/* Names: from a message's labels and pointers to wire form, and from wire form to text. */
#ifdef __SSSE3__
#include <tmmintrin.h>
#endif

#include "base/ascii.h"
#include "base/put.h"
#include "wire/dns.h"

enum {
    LABEL_MAX = 63,
    POINTER = 0xc0,
    /* More than any encoder has reason to write; keeps chains of bare pointers from costing time.
     */
    POINTERS_MAX = 127,
    WORK_OF_POINTER = 4, /* to follow one takes as long as to pass so many bytes of labels */
};

/* A run of labels up to the root label or to anything that is not a label. */
struct label_run {
    size_t start;
    size_t end; /* offset of the byte that ended it */
};

/* Scans labels from `start`, over `room` bytes at most; false when neither root nor another label
 * type ends them in time. */
static inline bool run_scan(struct span msg, size_t start, size_t room, struct label_run *run)
{
    size_t stop = msg.len - start < room ? msg.len : start + room;
    size_t pos = start;
    while (pos < stop) {
        unsigned len = msg.ptr[pos];
        if (len - 1 >= LABEL_MAX) {
            *run = (struct label_run){start, pos};
            return true;
        }
        pos += 1 + len;
    }
    return false;
}

/* The name's length behind all its pointers, or 0 when it is malformed. Writes the wire form to
 * `space` unless that is NULL. `run` is what run_scan found at the name's own place. *hops gets the
 * number of pointers. */
static inline size_t follow(struct span msg, struct label_run run, uint8_t *space, unsigned *hops)
{
    size_t len = 0;
    for (*hops = 0; *hops <= POINTERS_MAX; ++*hops) {
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

/* Not inlined, so that a name that stands there in full costs no more than its scan. */
static __attribute__((noinline)) int unpack(struct span msg, struct label_run run, uint8_t *space,
                                            struct dns_name *name, size_t *end)
{
    unsigned hops;
    size_t len = follow(msg, run, space, &hops);
    if (len == 0)
        return -1;
    *name = (struct dns_name){space, (uint8_t)len};
    *end = run.end + 2;
    return 0;
}

int dns_name_decode(struct span msg, size_t offset, uint8_t *space, struct dns_name *name,
                    size_t *end)
{
    struct label_run run;
    if (offset >= msg.len || !run_scan(msg, offset, DNS_NAME_MAX, &run))
        return -1;
    if (msg.ptr[run.end] != 0)
        return unpack(msg, run, space, name, end);
    *name = (struct dns_name){msg.ptr + offset, (uint8_t)(run.end + 1 - offset)};
    *end = run.end + 1;
    return 0;
}

int dns_name_weigh(struct span msg, size_t offset, size_t *end, uint32_t *work)
{
    struct label_run run;
    unsigned hops;
    if (offset >= msg.len || !run_scan(msg, offset, DNS_NAME_MAX, &run))
        return -1;
    if (msg.ptr[run.end] == 0) {
        *end = run.end + 1;
        return 0;
    }
    size_t len = follow(msg, run, NULL, &hops);
    *work += (uint32_t)(len + hops * WORK_OF_POINTER);
    if (len == 0)
        return -1;
    *end = run.end + 2;
    return 0;
}

/* Not inlined: it is seldom called, and its callers then keep what they have in registers. */
__attribute__((noinline)) size_t dns_name_pass(struct span msg, size_t offset)
{
    struct label_run run;
    if (offset >= msg.len || !run_scan(msg, offset, DNS_NAME_MAX, &run))
        return 0;
    if (msg.ptr[run.end] == 0)
        return run.end + 1;
    return msg.ptr[run.end] >= POINTER && msg.len - run.end >= 2 ? run.end + 2 : 0;
}

int dns_name_skip(struct span msg, size_t offset, size_t *end)
{
    uint32_t work = 0;
    return dns_name_weigh(msg, offset, end, &work);
}

/* What a byte of a label needs: nothing, a backslash, or \DDD. */
enum escape { PLAIN, BACKSLASH, DECIMAL };

static const uint8_t escape_of[256] = {
    [0x00 ... ' '] = DECIMAL, ['"'] = BACKSLASH, ['('] = BACKSLASH,  [')'] = BACKSLASH,
    ['.'] = BACKSLASH,        [';'] = BACKSLASH, ['\\'] = BACKSLASH, [0x7f ... 0xff] = DECIMAL,
};

static char *put_escaped(char *p, uint8_t byte)
{
    *p++ = '\\';
    return escape_of[byte] == BACKSLASH ? put_char(p, (char)byte) : put_digits(p, byte, 3);
}

static char *put_by_byte(char *p, struct dns_name name)
{
    const uint8_t *in = name.wire;
    for (unsigned len = *in; len; len = *in) {
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

#ifdef __SSSE3__

/*
 * A name without escapes is its wire form one byte further left, with dots for the lengths. So up
 * to 64 bytes are copied as they are, 16 at a time, while a table look-up of each byte's two halves
 * finds those that need an escape; then the lengths are passed from one to the next, made dots, and
 * taken off that finding. If something is left of it, the name is written once more, byte by byte.
 */

enum { AT_ONCE_MIN = 8, AT_ONCE_MAX = 64 };

/* One bit a byte: set where the byte is not PLAIN. Each bit of the tables is one set of bytes that
 * share their upper half: a byte is in a set when the entries of both its halves have the bit. */
static inline unsigned escapes_in(__m128i bytes)
{
    enum { ALL = 1, PUNCT = 2, SEMI = 4, SLASH = 8, DEL = 16 };
    const __m128i upper = _mm_setr_epi8(ALL, ALL, PUNCT, SEMI, 0, SLASH, 0, DEL, ALL, ALL, ALL, ALL,
                                        ALL, ALL, ALL, ALL);
    const __m128i lower =
        _mm_setr_epi8(ALL | PUNCT, ALL, ALL | PUNCT, ALL, ALL, ALL, ALL, ALL, ALL | PUNCT,
                      ALL | PUNCT, ALL, ALL | SEMI, ALL | SLASH, ALL, ALL | PUNCT, ALL | DEL);
    const __m128i nibble = _mm_set1_epi8(15);
    __m128i high = _mm_shuffle_epi8(upper, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
    __m128i low = _mm_shuffle_epi8(lower, _mm_and_si128(bytes, nibble));
    __m128i plain = _mm_cmpeq_epi8(_mm_and_si128(high, low), _mm_setzero_si128());
    return ~(unsigned)_mm_movemask_epi8(plain) & 0xffff;
}

/* Copies 8 to 64 bytes; a bit for each that is not PLAIN. */
static inline uint64_t copy_at_once(char *p, const uint8_t *in, size_t len)
{
    uint64_t found = 0;
    if (len < 16) {
        __m128i first = _mm_loadl_epi64((const __m128i *)in);
        __m128i last = _mm_loadl_epi64((const __m128i *)(in + len - 8));
        _mm_storel_epi64((__m128i *)p, first);
        _mm_storel_epi64((__m128i *)(p + len - 8), last);
        unsigned bits = escapes_in(_mm_unpacklo_epi64(first, last));
        return (bits & 0xff) | bits >> 8 << (len - 8);
    }
    for (size_t i = 0;; i = i + 32 <= len ? i + 16 : len - 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(in + i));
        _mm_storeu_si128((__m128i *)(p + i), bytes);
        found |= (uint64_t)escapes_in(bytes) << i;
        if (i + 16 == len)
            return found;
    }
}

static inline bool put_at_once(char *p, struct dns_name name)
{
    size_t len = name.len - 1u;
    if (len < AT_ONCE_MIN || len > AT_ONCE_MAX)
        return false;
    const uint8_t *in = name.wire + 1;
    uint64_t escapes = copy_at_once(p, in, len);
    size_t i = name.wire[0];
    for (;;) {
        escapes &= ~(1ull << i);
        p[i] = '.';
        if (in[i] == 0)
            return escapes == 0;
        i += 1 + in[i];
    }
}

#else

static inline bool put_at_once(char *p, struct dns_name name)
{
    (void)p;
    (void)name;
    return false;
}

#endif

char *dns_name_put(char *p, struct dns_name name)
{
    if (__builtin_expect(put_at_once(p, name), 1))
        return p + name.len - 1;
    if (name.len <= 1)
        return name.len ? put_char(p, '.') : p;
    return put_by_byte(p, name);
}

/* The bytes of a name behind the last multiple of eight, seven at most, with zeros behind them. Of
 * a longer name by one load, which begins before them. */
static inline uint64_t last_word(struct dns_name name)
{
    unsigned rest = name.len & 7u;
    if (name.len < 8)
        return siphash_load(name.wire, name.len);
    return load_le64(name.wire + name.len - 8) >> 8 >> 8 * (7 - rest);
}

/* Length bytes of labels are below 64, no letters: so the name may be treated as a whole. */
uint64_t dns_name_hash(const struct siphash_key *key, struct dns_name name, uint8_t *lower)
{
    struct siphash s = siphash_begin(key);
    unsigned at = 0;
    for (; at + 8 <= name.len; at += 8) {
        uint64_t word = ascii_lower(load_le64(name.wire + at));
        memcpy(lower + at, &word, sizeof word);
        siphash_word(&s, word);
    }
    uint64_t last = ascii_lower(last_word(name));
    memcpy(lower + at, &last, sizeof last);
    siphash_word(&s, last | (uint64_t)name.len << 56);
    return siphash_end(&s);
}

/* One byte of a label's text, escaped or not: \DDD is a byte's number, \X is X. False at the end,
 * at a bare dot and at what is no escape; then *at stays. */
static bool parse_byte(struct span text, size_t *at, uint8_t *byte)
{
    size_t i = *at;
    if (i >= text.len || text.ptr[i] == '.')
        return false;
    if (text.ptr[i] != '\\') {
        *byte = text.ptr[i];
        *at = i + 1;
        return true;
    }
    unsigned value = 0, digits = 0;
    for (i++; digits < 3 && i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++, digits++)
        value = value * 10 + (text.ptr[i] - '0');
    if (digits == 0 && i < text.len)
        value = text.ptr[i++];
    else if (digits != 3 || value > UINT8_MAX)
        return false;
    *byte = (uint8_t)value;
    *at = i;
    return true;
}

size_t dns_name_parse(struct span text, uint8_t *wire)
{
    uint8_t name[DNS_NAME_MAX + 1];
    size_t len = 0, at = 0;
    if (text.len == 1 && text.ptr[0] == '.')
        at = 1;
    while (at < text.len) {
        size_t label = len++;
        while (len < DNS_NAME_MAX && len - label <= LABEL_MAX && parse_byte(text, &at, &name[len]))
            len++;
        if (len == label + 1 || len >= DNS_NAME_MAX || (at < text.len && text.ptr[at] != '.'))
            return 0;
        name[label] = (uint8_t)(len - label - 1);
        at++;
    }
    if (text.len == 0)
        return 0;
    name[len++] = 0;
    memcpy(wire, name, len);
    for (size_t i = 0; i < len; i++)
        wire[i] |= wire[i] >= 'A' && wire[i] <= 'Z' ? 0x20 : 0;
    return len;
}

bool dns_name_is_under(struct span name, struct span domain)
{
    while (name.len > domain.len) {
        size_t label = 1u + name.ptr[0];
        name = span_of(name.ptr + label, label < name.len ? name.len - label : 0);
    }
    return name.len > 0 && span_equal(name, domain);
}
