/* A type or option code in two bytes, then data: as a record's, and as an EDNS option's. */
#include <assert.h>

#include "fuzz.h"
#include "wire/dns.h"

static void check_text(const struct buf *text, bool tabs)
{
    assert(!text->failed);
    for (size_t i = 0; i < text->len; i++)
        assert((text->data[i] >= 0x20 && text->data[i] <= 0x7e) || (tabs && text->data[i] == '\t'));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct buf out;
    if (len < 2 || len > UINT16_MAX)
        return 0;
    struct span data = span_of(bytes + 2, len - 2);
    uint16_t number = load_be16(bytes);
    struct dns_rr rr = {.type = number, .class = 1, .rdata = data};
    struct dns_edns_option option = {number, data};
    out.len = 0;
    assert(dns_rdata_put(&out, data, &rr) == 0);
    assert(out.len > 0);
    check_text(&out, true);
    out.len = 0;
    assert(dns_edns_option_put(&out, &option) == 0);
    check_text(&out, false);
    return 0;
}
