/*
 * Writers of numbers, addresses and times as text: each writes at `p` and returns the byte behind
 * its last. The caller has reserved PUT_..._MAX bytes; nothing is terminated.
 */
#ifndef SPILE_BASE_PUT_H
#define SPILE_BASE_PUT_H

#include <stdint.h>
#include <string.h>

#include "base/span.h"

enum {
    PUT_U64_MAX = 20,
    PUT_DECIMAL_MAX = 21,
    PUT_IPV4_MAX = 16, /* one more than the text has, for octets are stored four bytes at a time */
    PUT_IPV6_MAX = 45,
    PUT_TIME_MAX = 40,
};

extern const char put_digit_pairs[201];

static inline char *put_char(char *p, char c)
{
    *p = c;
    return p + 1;
}

static inline char *put_bytes(char *p, const void *bytes, size_t len)
{
    memcpy(p, bytes, len);
    return p + len;
}

static inline char *put_str(char *p, const char *text)
{
    return put_bytes(p, text, strlen(text));
}

/* At most 32 bytes, without a call: two copies of known length that may overlap. */
static inline char *put_short(char *p, const void *bytes, size_t len)
{
    const char *from = bytes;
    if (len >= 16) {
        memcpy(p, from, 16);
        memcpy(p + len - 16, from + len - 16, 16);
    } else if (len >= 8) {
        memcpy(p, from, 8);
        memcpy(p + len - 8, from + len - 8, 8);
    } else if (len >= 4) {
        memcpy(p, from, 4);
        memcpy(p + len - 4, from + len - 4, 4);
    } else if (len > 0) {
        p[0] = from[0];
        p[len / 2] = from[len / 2];
        p[len - 1] = from[len - 1];
    }
    return p + len;
}

/* A literal, its length known when compiled. */
#define PUT_LIT(p, lit) put_bytes((p), "" lit, sizeof(lit) - 1)

/* Exactly two digits; value 0 to 99. */
static inline char *put_2digits(char *p, uint32_t value)
{
    memcpy(p, put_digit_pairs + 2 * value, 2);
    return p + 2;
}

/* The eight digits of a value below 100,000,000, the first in the lowest byte: all at once, because
 * branches on digits cannot be predicted and cost more than the arithmetic. */
static inline uint64_t put_digits_of(uint32_t value)
{
    uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t hundreds = (fours * 10486 >> 20) & 0x0000007f0000007fULL;
    uint64_t pairs = hundreds | (fours - 100 * hundreds) << 16;
    uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000fULL;
    return tens | (pairs - 10 * tens) << 8;
}

/* Exactly eight digits; value below 100,000,000. */
static inline char *put_8digits(char *p, uint32_t value)
{
    uint64_t text = put_digits_of(value) | 0x3030303030303030ULL;
    return put_bytes(p, &text, sizeof text);
}

/* Exactly six digits; value below 1,000,000. There must be room for eight bytes. */
static inline char *put_6digits(char *p, uint32_t value)
{
    uint64_t text = put_digits_of(value) >> 16 | 0x303030303030ULL;
    return put_bytes(p, &text, sizeof text) - 2;
}

/* Exactly nine digits; value below 1,000,000,000. */
static inline char *put_9digits(char *p, uint32_t value)
{
    *p = (char)('0' + value / 100000000);
    return put_8digits(p + 1, value % 100000000);
}

/* Exactly `width` digits with leading zeros, 1 to 20. */
char *put_digits(char *p, uint64_t value, unsigned width);
char *put_u64(char *p, uint64_t value);
/* A count of 10^-decimals of a unit as a number of that unit: 1234567 with 6 decimals is 1.234567.
 * At most PUT_DECIMAL_MAX bytes; 0 to 9 decimals, trailing zeros included. */
char *put_decimal(char *p, uint64_t value, unsigned decimals);

static inline char *put_u8(char *p, uint8_t value)
{
    if (value >= 100) {
        *p++ = (char)('0' + value / 100);
        return put_2digits(p, value % 100);
    }
    if (value >= 10)
        return put_2digits(p, value);
    return put_char(p, (char)('0' + value));
}

static inline char *put_u16(char *p, uint16_t value)
{
    if (value < 100)
        return put_u8(p, (uint8_t)value);
    if (value < 10000) {
        if (value >= 1000)
            p = put_2digits(p, value / 100);
        else
            *p++ = (char)('0' + value / 100);
        return put_2digits(p, value % 100);
    }
    *p++ = (char)('0' + value / 10000);
    p = put_2digits(p, value / 100 % 100);
    return put_2digits(p, value % 100);
}

/* Lower-case hexadecimal, two digits a byte. */
char *put_hex(char *p, const uint8_t *bytes, size_t len);
/* Dotted quad of four bytes. */
char *put_ipv4(char *p, const uint8_t *bytes);
/* RFC 5952 text of sixteen bytes, as inet_ntop writes it (v4-mapped and v4-compatible too). */
char *put_ipv6(char *p, const uint8_t *bytes);

/* Remembers the last second that was written: the date part of a time line changes rarely. */
struct put_time_cache {
    uint64_t second;
    char text[24];
    uint8_t len; /* 0: nothing remembered */
};

/*
 * RFC 3339 in UTC with nine digits: 2026-11-21T08:50:42.992910123Z. `cache` belongs to one thread.
 * Times past the year 9999 are shown as its last second; nsec over 999,999,999 carries into the
 * seconds.
 */
char *put_time(char *p, uint64_t sec, uint32_t nsec, struct put_time_cache *cache);

/* Days since 1970-01-01 to a proleptic Gregorian date. */
void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#endif
