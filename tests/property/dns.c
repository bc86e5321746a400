/*
 * Properties of the DNS codec over random names and over captures: text and wire form say the same;
 * compression changes nothing; a message cut anywhere is never read past its end (sanitizers watch:
 * each cut has memory of its own), and what was whole before the cut prints as before; data
 * is sound when it has a text, and has one when it is sound, but for a few cases.
 *
 *     dns [CAPTURE...]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/hex.h"
#include "../support/messages.h"
#include "../support/random.h"
#include "../support/share.h"
#include "wire/dns_fields.h"

static char **captures;

static uint64_t next_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* A byte as names have it: mostly letters, sometimes anything. */
static uint8_t random_byte(void)
{
    static const char usual[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    uint64_t r = next_random();
    return r % 16 ? (uint8_t)usual[(r >> 8) % (sizeof usual - 1)] : (uint8_t)(r >> 8);
}

/* A name of at most `room` bytes in wire form; returns its length. */
static size_t random_name(uint8_t *wire, size_t room)
{
    size_t len = 0;
    for (size_t labels = next_random() % 8; labels > 0; labels--) {
        size_t label = 1 + next_random() % (next_random() % 8 ? 12 : 63);
        if (len + 1 + label + 1 > room)
            break;
        wire[len++] = (uint8_t)label;
        while (label-- > 0)
            wire[len++] = random_byte();
    }
    wire[len++] = 0;
    return len;
}

/* A name's text to wire form, as RFC 1035 5.1 has it; returns its length. */
static size_t parse_name(const char *text, const char *end, uint8_t *wire)
{
    size_t len = 0, label = 0;
    if (end - text == 1)
        text++;
    for (wire[len++] = 0; text < end; text++) {
        unsigned code;
        if (*text == '.') {
            wire[label] = (uint8_t)(len - label - 1);
            label = len;
            wire[len++] = 0;
        } else if (*text != '\\') {
            wire[len++] = (uint8_t)*text;
        } else if (sscanf(text + 1, "%3u", &code) == 1) {
            wire[len++] = (uint8_t)code;
            text += 3;
        } else {
            wire[len++] = (uint8_t) * ++text;
        }
    }
    return len;
}

static void text_says_what_the_wire_says(void **state)
{
    (void)state;
    for (int i = share_of(200000); i > 0; i--) {
        uint8_t wire[DNS_NAME_MAX], again[DNS_NAME_TEXT_MAX];
        char text[DNS_NAME_TEXT_MAX];
        size_t len = random_name(wire, sizeof wire);
        char *end = dns_name_put(text, (struct dns_name){wire, (uint8_t)len});
        for (const char *p = text; p < end; p++)
            assert_in_range(*p, 0x21, 0x7e);
        assert_int_equal(parse_name(text, end, again), len);
        assert_memory_equal(again, wire, len);
    }
}

/* A place in the message where a name begins, and the name that should be found there. */
struct place {
    size_t offset;
    const uint8_t *full;
    size_t len; /* over 255: none, since that is too long */
};

enum { NAMES = 40, PREFIX_MAX = 60, PLACES_MAX = NAMES * PREFIX_MAX };

struct names {
    uint8_t msg[NAMES * (PREFIX_MAX + 2)];
    size_t len;
    uint8_t full[NAMES][PREFIX_MAX + DNS_NAME_MAX];
    struct place places[PLACES_MAX];
    size_t count;
};

/* Adds labels and then the root, or a pointer to any place so far. */
static void add_name(struct names *n, uint8_t *full)
{
    size_t labels = random_name(full, PREFIX_MAX) - 1;
    size_t first = n->count;
    const struct place *tail = first ? &n->places[next_random() % first] : NULL;
    bool compressed = tail && next_random() % 4;
    size_t tail_len = compressed ? tail->len : 1;
    size_t total = labels + tail_len;
    for (size_t at = 0; at < labels + compressed; at += 1 + full[at]) {
        if (total <= DNS_NAME_MAX)
            n->places[n->count++] = (struct place){n->len + at, full + at, total - at};
        if (at == labels)
            break;
    }
    memcpy(n->msg + n->len, full, labels + 1);
    if (compressed) {
        memcpy(full + labels, tail->full, tail_len);
        store_be16(n->msg + n->len + labels, (uint16_t)(0xc000 | tail->offset));
    }
    n->len += labels + (compressed ? 2 : 1);
}

/* Every place gives its name in full, whatever the pointers on the way; and nothing but that. */
static void compression_changes_nothing(void **state)
{
    (void)state;
    struct names *n = malloc(sizeof *n);
    for (int round = share_of(2000); round > 0; round--) {
        n->len = n->count = 0;
        for (size_t i = 0; i < NAMES; i++)
            add_name(n, n->full[i]);
        for (size_t i = 0; i < n->count; i++) {
            uint8_t space[DNS_NAME_MAX];
            struct dns_name name;
            size_t end, skipped;
            struct span msg = span_of(n->msg, n->len);
            assert_int_equal(dns_name_decode(msg, n->places[i].offset, space, &name, &end), 0);
            assert_int_equal(dns_name_skip(msg, n->places[i].offset, &skipped), 0);
            assert_int_equal(end, skipped);
            assert_int_equal(name.len, n->places[i].len);
            assert_memory_equal(name.wire, n->places[i].full, name.len);
        }
    }
    free(n);
}

/* All that can be asked of a message, as text; `sound` when the walk came to its end. */
static void put_message(struct buf *out, struct span msg, bool *sound)
{
    struct dns_header header;
    struct dns_walk walk;
    struct dns_rr rr;
    *sound = false;
    if (!dns_header_decode(msg, &header) || dns_walk_init(&walk, msg, &header) < 0)
        return;
    while (dns_walk_next(&walk, &rr)) {
        struct dns_edns_option option;
        struct cursor options = cursor_of(rr.rdata);
        dns_rr_put(out, msg, &rr);
        buf_byte(out, '\n');
        while (rr.type == DNS_TYPE_OPT && dns_edns_option_next(&options, &option)) {
            dns_edns_option_put(out, &option);
            buf_byte(out, '\n');
        }
    }
    *sound = !walk.failed;
}

/* Where the first question ends; behind all when there is none. */
static size_t question_end(struct span msg)
{
    uint8_t space[DNS_NAME_MAX];
    struct dns_question q;
    return dns_question_decode(msg, space, &q) < 0 ? SIZE_MAX : q.end;
}

/* Messages are cut everywhere. But each cut of one of 64 KB takes as long as hundreds of others,
 * and it has records by the thousand: where a test does a share it is cut every so many bytes, an
 * odd number, so that cuts fall on all bytes of records of one length. */
enum { EVERY_CUT = 4096 };

static void cut_message(struct span msg, void *context)
{
    static struct buf whole, part;
    unsigned long *turn = context;
    bool sound;
    if ((*turn)++ % (16 * (unsigned)share_parts()))
        return;
    whole.len = 0;
    put_message(&whole, msg, &sound);
    assert_true(sound);
    size_t end = question_end(msg), step = share_parts() > 1 ? (1 + msg.len / EVERY_CUT) | 1 : 1;
    for (size_t len = 0; len < msg.len; len += step) {
        uint8_t *copy = memcpy(malloc(len ? len : 1), msg.ptr, len);
        struct span cut = span_of(copy, len);
        part.len = 0;
        put_message(&part, cut, &sound);
        assert_true(question_end(cut) == (len < end ? SIZE_MAX : end));
        assert_false(sound);
        assert_in_range(part.len, 0, whole.len);
        assert_memory_equal(part.data, whole.data, part.len);
        free(copy);
    }
}

static void cuts_are_noticed(void **state)
{
    unsigned long turn = 0;
    (void)state;
    for (char **path = captures; *path; path++)
        assert_true(messages_each(*path, cut_message, &turn) > 0);
}

enum { TYPES = 270, TYPE_LOC = 29, TYPE_NSEC3 = 50, NAME_BEFORE = 5, DATA_MAX = 40 };

/* Whether the data ends where its last field would begin, and that is one of plain bytes, which has
 * no word for nothing. */
static bool ends_in_nothing(struct span msg, struct span data, const char *layout)
{
    char before[16];
    uint32_t work = 0;
    size_t last = strlen(layout) - 1;
    memcpy(before, layout, last);
    before[last] = 0;
    return strchr("BHA", layout[last]) && dns_fields_fit(msg, data, before, &work);
}

static bool has_other_families(struct span data)
{
    bool other = false;
    for (size_t at = 0; at < data.len; at += 4 + (data.ptr[at + 3] & 0x7f))
        other |= load_be16(data.ptr + at) - 1u > 1;
    return other;
}

static bool has_other_bitmap(struct span msg, struct span data)
{
    size_t end;
    assert_int_equal(dns_name_skip(msg, (size_t)(data.ptr - msg.ptr), &end), 0);
    return msg.ptr[end] & 0x80;
}

static bool has_no_size(struct span loc)
{
    bool none = loc.ptr[0] != 0;
    for (size_t i = 1; !none && i <= 3; i++)
        none = loc.ptr[i] > 0 && loc.ptr[i] < 0x10;
    return none;
}

/* Sound data that no zone file could say, but as in RFC 3597. */
static bool has_no_text(struct span msg, struct span data, uint16_t type, const char *layout)
{
    const uint8_t *p = data.ptr;
    if (!layout || data.len == 0 || ends_in_nothing(msg, data, layout))
        return true;
    switch (type) {
    case 11: /* WKS */
        return data.len == 5 || p[data.len - 1] == 0;
    case 25: /* KEY that is none */
        return p[0] >= 0xc0;
    case TYPE_LOC:
        return has_no_size(data);
    case 30: /* NXT */
        return has_other_bitmap(msg, data);
    case 42: /* APL */
        return has_other_families(data);
    case 45: /* IPSECKEY */
        return p[1] > 3;
    case TYPE_NSEC3: /* base32 that would need padding */
        return p[5 + p[4]] % 5 != 0;
    case 55: /* HIP */
        return p[0] == 0 || load_be16(p + 2) == 0;
    case 260: /* AMTRELAY */
        return (p[1] & 0x7f) > 3;
    default:
        return false;
    }
}

/* A message of its own memory: a name, then data of the bytes that fields are often made of. */
static struct span random_data(void)
{
    static const uint8_t usual[] = {0, 0, 0, 0, 1, 1, 2, 3, 4, 16, 'a', '0', 0x80, 0xc0};
    size_t len = NAME_BEFORE + next_random() % DATA_MAX;
    uint8_t *msg = memcpy(malloc(len), "\3www", NAME_BEFORE);
    for (size_t i = NAME_BEFORE; i < len; i++) {
        uint64_t r = next_random();
        msg[i] = r % 8 ? usual[(r >> 8) % sizeof usual] : (uint8_t)(r >> 8);
    }
    return span_of(msg, len);
}

/* Data of types that random bytes seldom are, behind the name; one byte of it is random. */
static struct span rare_data(uint16_t type)
{
    static const struct {
        uint16_t type;
        const char *message;
    } rare[] = {
        {6, "0377777700 c000 00 00000001 00000002 00000003 00000004 00000005"},
        {TYPE_LOC, "0377777700 00121613 8a7f2000 81100000 00989680"},
        {42, "0377777700 0001 18 03 c00002 0002 40 81 20 0001 00 00"},
        {TYPE_NSEC3, "0377777700 01 00 000a 01 aa 05 0102030405 0001 40"},
        {249, "0377777700 c000 00000001 00000002 0003 0000 0002 abcd 0001 ef"},
        {250, "0377777700 00 000000000001 012c 0003 abcdef 1234 0000 0001 01"},
    };
    for (size_t i = 0; i < sizeof rare / sizeof *rare; i++) {
        if (rare[i].type != type)
            continue;
        struct span msg = hex_new(rare[i].message);
        uint8_t *data = (uint8_t *)msg.ptr + NAME_BEFORE;
        data[next_random() % (msg.len - NAME_BEFORE)] = random_byte();
        return msg;
    }
    return random_data();
}

/* Whether a text was found for the data. */
static bool check_data(struct buf *out, struct span msg, struct dns_rr *rr)
{
    const char *layout = dns_data_layout(rr->type, rr->class);
    rr->rdata = span_of(msg.ptr + NAME_BEFORE, msg.len - NAME_BEFORE);
    out->len = 0;
    assert_int_equal(dns_rdata_put(out, msg, rr), 0);
    bool text = memcmp(out->data, "\\#", 2) != 0;
    uint32_t work = 0;
    bool sound = dns_rr_sound(msg, rr, &work);
    bool expected = sound && !has_no_text(msg, rr->rdata, rr->type, layout);
    if (text != expected)
        fprintf(stderr, "type %u class %u: %.*s\n", rr->type, rr->class, (int)out->len, out->data);
    assert_int_equal(text, expected);
    return text;
}

/* And of each type that has a layout, data is found that has a text. */
static void sound_data_has_a_text(void **state)
{
    static const uint16_t classes[] = {DNS_CLASS_IN, DNS_CLASS_IN, DNS_CLASS_CH, DNS_CLASS_ANY};
    static unsigned texts[TYPES];
    enum { ROUNDS = 4000000 };
    struct buf out = {0};
    int rounds = share_of(ROUNDS);
    (void)state;
    for (int i = rounds; i > 0; i--) {
        struct dns_rr rr = {.type = (uint16_t)(i % TYPES), .class = classes[next_random() % 4]};
        struct span msg = next_random() % 2 ? random_data() : rare_data(rr.type);
        texts[rr.type] += check_data(&out, msg, &rr);
        hex_free(msg);
    }
    for (unsigned type = 0; rounds == ROUNDS && type < TYPES; type++) {
        if (dns_data_layout((uint16_t)type, DNS_CLASS_IN) && texts[type] == 0)
            fail_msg("no text of type %u", type);
    }
    buf_free(&out);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_says_what_the_wire_says),
        cmocka_unit_test(compression_changes_nothing),
        cmocka_unit_test(cuts_are_noticed),
        cmocka_unit_test(sound_data_has_a_text),
    };
    captures = argv + (argc > 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
