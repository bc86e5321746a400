/* A type or option code in two bytes, then data: as a record's, and as an EDNS option's. */
#include <assert.h>

#include "../support/json_check.h"
#include "base/escape.h"
#include "fuzz.h"
#include "wire/dns.h"

static void check_rdata(const struct buf *text)
{
    assert(!text->failed && text->len > 0);
    for (size_t i = 0; i < text->len; i++)
        assert(text->data[i] >= 0x20 && text->data[i] <= 0x7e);
}

/* What is shown of it is one JSON string. */
static void check_option(const struct buf *text)
{
    static struct buf json;
    assert(!text->failed);
    json.len = 0;
    char *p = buf_reserve(&json, text->len * ESCAPE_JSON_MAX + 2);
    *p++ = '"';
    p = escape_json(p, buf_span(text), ESCAPE_PRESENTED);
    *p++ = '"';
    buf_commit(&json, p);
    assert(json_check((const char *)json.data, json.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct buf out;
    if (len < 2 || len > UINT16_MAX)
        return 0;
    struct span data = span_of(bytes + 2, len - 2);
    uint16_t number = load_be16(bytes);
    uint16_t class = len % 2 ? DNS_CLASS_IN : (uint16_t)(len % 8);
    struct dns_rr rr = {.type = number, .class = class, .rdata = data};
    struct dns_edns_option option = {number, data};
    out.len = 0;
    assert(dns_rdata_put(&out, data, &rr) == 0);
    check_rdata(&out);
    uint32_t work = 0;
    assert(dns_rr_sound(data, &rr, &work) || memcmp(out.data, "\\#", 2) == 0);
    assert(work <= 2 * WORK_OF_NAME_MAX);
    out.len = 0;
    assert(dns_edns_option_put(&out, &option) == 0);
    check_option(&out);
    return 0;
}
