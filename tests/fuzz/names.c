/* Text that is to be a domain, a type or a code, and its suffixes in the statistics. A name that is
 * taken is written and read back the same; its registrable domain, with the table of public
 * suffixes and without, and its TLD are its own end. */
#include <assert.h>
#include <stdlib.h>

#include "compat/receiver_reader.h"
#include "fuzz.h"
#include "stats/suffix.h"
#include "wire/dns.h"

static const struct siphash_key key = {{1, 2}};

static bool ends_with(struct span name, struct span end)
{
    return end.len <= name.len && memcmp(name.ptr + name.len - end.len, end.ptr, end.len) == 0;
}

static void check_suffixes(const struct stats_reader *reader, struct span name)
{
    static struct suffix_list list;
    if (!list.words)
        suffix_list_init(&list, &key);
    struct suffix_list without = list;
    without.words = NULL;
    for (const struct suffix_list *l = &list; l; l = l == &list ? &without : NULL) {
        unsigned labels = suffix_registrable(l, reader, name);
        assert(labels != 1 && labels <= 127);
        struct span domain = suffix_of(reader, name, labels);
        assert((labels == 0) == !domain.ptr);
        assert(!domain.ptr || ends_with(name, domain));
    }
    struct span tld = suffix_tld(reader, name);
    assert(!tld.ptr || (tld.ptr >= name.ptr && tld.ptr + tld.len <= name.ptr + name.len));
}

static void check_name(struct span text)
{
    uint8_t wire[DNS_NAME_MAX], again[DNS_NAME_MAX];
    char shown[DNS_NAME_TEXT_MAX];
    size_t len = dns_name_parse(text, wire);
    if (len == 0)
        return;
    char *end = dns_name_put(shown, (struct dns_name){wire, (uint8_t)len});
    assert(end > shown && end[-1] == '.');
    assert(dns_name_parse(span_of(shown, (size_t)(end - shown)), again) == len);
    assert(memcmp(wire, again, len) == 0);
    check_suffixes(&stats_native_reader, span_of(wire, len));
}

/* dnstap-receiver's keys are text, and end with a dot. */
static void check_text(struct span text)
{
    uint8_t name[SAMPLE_NAME_MAX];
    if (text.len >= sizeof name)
        return;
    memcpy(name, text.ptr, text.len);
    name[text.len] = '.';
    check_suffixes(&receiver_stats_reader, span_of(name, text.len + 1));
}

static void check_type(struct span text)
{
    char word[DNS_WORD_MAX];
    int type = dns_type_parse(text);
    assert(type >= -1 && type <= UINT16_MAX);
    if (type >= 0) {
        char *end = dns_type_put(word, (uint16_t)type);
        assert(dns_type_parse(span_of(word, (size_t)(end - word))) == type);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span text = span_of(bytes, len);
    check_name(text);
    check_text(text);
    check_type(text);
    return 0;
}
