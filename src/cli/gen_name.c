#include "cli/gen_name.h"

#include "base/put.h"
#include "cli/gen_random.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* How often a host stands in front of its domain: the more often it is here, the likelier. */
static const char *const hosts[] = {
    "www", "www", "www", "www", "",       "",     "api",   "api",   "cdn",    "img",  "mail",
    "m",   "ns1", "app", "sso", "static", "blog", "login", "edge7", "events", "imap", "tracker-eu",
};

static const char *const syllables[] = {
    "ta",  "ri",  "ve",  "lo",  "mar", "ken", "su", "po",  "din", "ga", "zel",
    "no",  "bri", "ca",  "fen", "hu",  "ja",  "li", "mon", "nex", "or", "pi",
    "qua", "ros", "sta", "tro", "ul",  "vin", "wa", "yo",  "ze",  "el",
};

static const char *const endings[] = {
    "com", "com", "com", "com", "net", "org", "de",   "example", "io",
    "fr",  "nl",  "jp",  "br",  "app", "dev", "info", "museum",  "xn--p1ai",
};

static uint8_t *put_label(uint8_t *p, const char *text, size_t len)
{
    *p++ = (uint8_t)len;
    memcpy(p, text, len);
    return p + len;
}

static void finish(struct gen_name *name, uint8_t *p)
{
    *p++ = 0;
    name->len = (uint8_t)(p - name->wire);
}

/* One name in sixteen has a label made by a machine in front, as content networks have. */
static uint8_t *put_host(uint8_t *p, struct gen_random *r)
{
    if (gen_chance(r, 60)) {
        uint64_t noise[2] = {gen_next(r), gen_next(r)};
        char label[2 * sizeof noise];
        put_hex(label, (const uint8_t *)noise, sizeof noise);
        return put_label(p, label, gen_between(r, 8, sizeof label));
    }
    const char *host = hosts[gen_below(r, COUNT(hosts))];
    return *host ? put_label(p, host, strlen(host)) : p;
}

void gen_name_host(struct gen_name *name, uint32_t number)
{
    /* Two numbers next to each other are hosts of one domain. */
    struct gen_random domain = {gen_mix(number >> 1)};
    struct gen_random host = {gen_mix(number + 0x100000000)};
    uint8_t *p = put_host(name->wire, &host);
    name->zone = (uint8_t)(p - name->wire);
    const char *ending = endings[gen_below(&domain, COUNT(endings))];
    uint8_t *label = p++;
    uint8_t *enough = name->wire + GEN_NAME_MIN - strlen(ending) - 2;
    for (uint64_t parts = gen_between(&domain, 2, 5); parts > 0 || p<enough; parts -= parts> 0)
        p = (uint8_t *)put_str((char *)p, syllables[gen_below(&domain, COUNT(syllables))]);
    if (gen_chance(&domain, 120))
        p = (uint8_t *)put_u64((char *)p, gen_between(&domain, 1, 365));
    *label = (uint8_t)(p - label - 1);
    finish(name, put_label(p, ending, strlen(ending)));
}

void gen_name_service(struct gen_name *name, const char *labels)
{
    struct gen_name bare = *name;
    uint8_t *p = name->wire;
    while (*labels) {
        size_t len = strcspn(labels, ".");
        p = put_label(p, labels, len);
        labels += len + (labels[len] == '.');
    }
    name->zone = (uint8_t)(p - name->wire);
    memcpy(p, bare.wire + bare.zone, bare.len - bare.zone);
    name->len = (uint8_t)(name->zone + bare.len - bare.zone);
}

void gen_name_reverse(struct gen_name *name, struct span address)
{
    uint8_t *p = name->wire;
    bool v4 = address.len == 4;
    for (size_t i = address.len; i-- > 0;) {
        char text[3];
        uint8_t byte = address.ptr[i];
        if (v4) {
            p = put_label(p, text, (size_t)(put_u8(text, byte) - text));
        } else {
            put_hex(text, &byte, 1);
            p = put_label(p, text + 1, 1);
            p = put_label(p, text, 1);
        }
    }
    /* The zone: what is left without the last byte, or without the last 64 bits. */
    name->zone = v4 ? (uint8_t)(name->wire[0] + 1) : 32;
    p = v4 ? put_label(p, "in-addr", 7) : put_label(p, "ip6", 3);
    finish(name, put_label(p, "arpa", 4));
}
