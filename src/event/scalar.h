/*
 * Scalars: the single values of a record as text, each in the style of where it stands. Writers
 * write at `p`, which has room for SCALAR_..._MAX bytes, and return the byte behind the last.
 */
#ifndef SPILE_EVENT_SCALAR_H
#define SPILE_EVENT_SCALAR_H

#include "base/escape.h"
#include "base/prefix.h"
#include "base/put.h"
#include "wire/dns.h"

enum scalar_style {
    SCALAR_BARE,   /* alone in a column of text: no quotes, no space, never empty */
    SCALAR_JSON,   /* strings in quotes */
    SCALAR_YAML,   /* mnemonics bare, other strings in quotes */
    SCALAR_COLUMN, /* JSON without any space: inside a structure that is a column of text */
};

enum {
    SCALAR_NAME_MAX = 1300, /* \DDD takes five bytes in JSON; DNS_NAME_MAX times that, and quotes */
    SCALAR_TEXT_MAX = ESCAPE_JSON_MAX, /* for each byte, plus SCALAR_QUOTES */
    SCALAR_QUOTES = 2,
    SCALAR_ADDRESS_MAX = PUT_IPV6_MAX + SCALAR_QUOTES,
    SCALAR_PREFIX_MAX = SCALAR_ADDRESS_MAX + 4,
    SCALAR_TIME_MAX = PUT_TIME_MAX + SCALAR_QUOTES,
    SCALAR_EPOCH_MAX = PUT_U64_MAX + 10,
    SCALAR_LATENCY_MAX = PUT_U64_MAX + 10,
};

static inline char *scalar_quote(char *p, enum scalar_style style)
{
    *p = '"';
    return p + (style != SCALAR_BARE);
}

/* At most 32 letters, digits and - _ . What YAML would read as null, true or false gets quotes
 * there. */
char *scalar_word(char *p, struct span word, enum scalar_style style);
/* Bytes of a stranger. */
char *scalar_text(char *p, struct span bytes, enum scalar_style style);
char *scalar_name(char *p, struct dns_name name, enum scalar_style style);
/* 4 or 16 bytes. */
char *scalar_address(char *p, struct span bytes, enum scalar_style style);
char *scalar_prefix(char *p, const struct prefix *prefix, enum scalar_style style);
char *scalar_bool(char *p, bool value);
char *scalar_time(char *p, uint64_t sec, uint32_t nsec, struct put_time_cache *cache,
                  enum scalar_style style);
/* 1795251042.992910123: exact, nine decimals; nsec is below a second. */
char *scalar_epoch(char *p, uint64_t sec, uint32_t nsec);
/* Seconds with six decimals, rounded half away from zero; -0.000001 to 0.000001 is never "-0". */
char *scalar_latency(char *p, int64_t latency_ns);

/* Flags for escape_json of a string in that style. */
static inline unsigned scalar_escape(enum scalar_style style)
{
    return style == SCALAR_COLUMN ? ESCAPE_COLUMN : style == SCALAR_YAML ? ESCAPE_YAML : 0;
}

#endif
