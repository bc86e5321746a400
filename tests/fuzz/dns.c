/* A DNS message: question, every record, every EDNS option, as text. */
#include <assert.h>
#include <stdlib.h>

#include "fuzz.h"
#include "wire/dns.h"

/* One line of printable ASCII; a tab may stand between columns and within strings. */
static void check_text(const struct buf *text)
{
    assert(!text->failed);
    for (size_t i = 0; i < text->len; i++)
        assert((text->data[i] >= 0x20 && text->data[i] <= 0x7e) || text->data[i] == '\t');
}

static void check_name(struct span msg, size_t offset, struct dns_name name, size_t end)
{
    char text[DNS_NAME_TEXT_MAX];
    assert(name.len >= 1 && name.wire[name.len - 1] == 0);
    assert(end > offset && end <= msg.len);
    assert(dns_name_put(text, name) - text <= DNS_NAME_TEXT_MAX);
}

static void check_options(struct buf *out, struct span data)
{
    struct cursor options = cursor_of(data);
    struct dns_edns_option option;
    while (dns_edns_option_next(&options, &option)) {
        out->len = 0;
        assert(dns_edns_option_put(out, &option) == 0);
        assert(!out->failed); /* what its free text may be, fuzz-dns_data checks */
    }
}

static void check_records(struct buf *out, struct span msg, const struct dns_header *header)
{
    struct dns_walk walk;
    struct dns_rr rr;
    if (dns_walk_init(&walk, msg, header) < 0)
        return;
    while (dns_walk_next(&walk, &rr)) {
        uint8_t space[DNS_NAME_MAX];
        struct dns_name owner;
        size_t end, skipped;
        assert(dns_name_decode(msg, rr.owner, space, &owner, &end) == 0);
        assert(dns_name_skip(msg, rr.owner, &skipped) == 0 && skipped == end);
        check_name(msg, rr.owner, owner, end);
        out->len = 0;
        assert(dns_rr_put(out, msg, &rr) == 0);
        check_text(out);
        if (rr.type == DNS_TYPE_OPT)
            check_options(out, rr.rdata);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct buf out;
    struct span msg = span_of(bytes, len);
    uint8_t space[DNS_NAME_MAX];
    struct dns_header header;
    struct dns_question q;
    if (len > UINT16_MAX || !dns_header_decode(msg, &header))
        return 0;
    if (dns_question_decode(msg, space, &q) == 0)
        check_name(msg, DNS_HEADER_LEN, q.name, q.end);
    check_records(&out, msg, &header);
    return 0;
}
