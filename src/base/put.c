#include "base/put.h"

#include <stdbool.h>

const char put_digit_pairs[201] = "00010203040506070809"
                                  "10111213141516171819"
                                  "20212223242526272829"
                                  "30313233343536373839"
                                  "40414243444546474849"
                                  "50515253545556575859"
                                  "60616263646566676869"
                                  "70717273747576777879"
                                  "80818283848586878889"
                                  "90919293949596979899";

char *put_digits(char *p, uint64_t value, unsigned width)
{
    char *end = p + width;
    char *q = end;
    while (q - p >= 2) {
        q -= 2;
        memcpy(q, put_digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (q > p)
        *--q = (char)('0' + value % 10);
    return end;
}

char *put_u64(char *p, uint64_t value)
{
    if (value < 10000)
        return put_u16(p, (uint16_t)value);
    char tmp[PUT_U64_MAX];
    char *q = tmp + sizeof tmp;
    while (value >= 100) {
        q -= 2;
        memcpy(q, put_digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        q -= 2;
        memcpy(q, put_digit_pairs + 2 * value, 2);
    } else {
        *--q = (char)('0' + value);
    }
    return put_bytes(p, q, (size_t)(tmp + sizeof tmp - q));
}

char *put_hex(char *p, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *p++ = digits[bytes[i] >> 4];
        *p++ = digits[bytes[i] & 15];
    }
    return p;
}

char *put_ipv4(char *p, const uint8_t *bytes)
{
    for (int i = 0; i < 4; i++) {
        p = put_u8(p, bytes[i]);
        *p++ = '.';
    }
    return p - 1;
}

static char *put_group(char *p, unsigned group)
{
    static const char digits[] = "0123456789abcdef";
    if (group >= 0x1000)
        *p++ = digits[group >> 12];
    if (group >= 0x100)
        *p++ = digits[group >> 8 & 15];
    if (group >= 0x10)
        *p++ = digits[group >> 4 & 15];
    *p++ = digits[group & 15];
    return p;
}

/* The longest run of zero groups, the first of equals; a run of one is written out (RFC 5952). */
static void longest_zero_run(const unsigned group[8], int *start, int *len)
{
    *start = -1;
    *len = 1;
    for (int i = 0; i < 8; i++) {
        int j = i;
        while (j < 8 && group[j] == 0)
            j++;
        if (j - i > *len) {
            *start = i;
            *len = j - i;
        }
        if (j > i)
            i = j - 1;
    }
}

char *put_ipv6(char *p, const uint8_t *bytes)
{
    unsigned group[8];
    for (int i = 0; i < 8; i++)
        group[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    int start, len;
    longest_zero_run(group, &start, &len);
    bool mapped = start == 0 && (len == 6 || (len == 7 && group[7] != 1 && group[7] != 0) ||
                                 (len == 5 && group[5] == 0xffff));
    for (int i = 0; i < 8; i++) {
        if (i == start) {
            *p++ = ':';
            i += len - 1;
            if (i == 7)
                *p++ = ':';
            continue;
        }
        if (i > 0)
            *p++ = ':';
        if (mapped && i == 6)
            return put_ipv4(p, bytes + 12);
        p = put_group(p, group[i]);
    }
    return p;
}

void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    /* Eras of 400 years that begin on March 1st, so that leap days come last. */
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int64_t)yoe + era * 400 + (*month <= 2);
}

static void remember_second(struct put_time_cache *cache, uint64_t sec)
{
    int64_t year;
    unsigned month, day;
    civil_from_days((int64_t)(sec / 86400), &year, &month, &day);
    unsigned rest = (unsigned)(sec % 86400);
    char *p = put_digits(cache->text, (uint64_t)year, 4);
    *p++ = '-';
    p = put_2digits(p, month);
    *p++ = '-';
    p = put_2digits(p, day);
    *p++ = 'T';
    p = put_2digits(p, rest / 3600);
    *p++ = ':';
    p = put_2digits(p, rest / 60 % 60);
    *p++ = ':';
    p = put_2digits(p, rest % 60);
    cache->second = sec;
    cache->len = (uint8_t)(p - cache->text);
}

char *put_time(char *p, uint64_t sec, uint32_t nsec, struct put_time_cache *cache)
{
    static const uint64_t last_second = 253402300799; /* 9999-12-31T23:59:59Z */
    /* What no reader of RFC 3339 could take is shown as the last time; the carry must not wrap. */
    if (sec <= last_second)
        sec += nsec / 1000000000;
    if (sec > last_second)
        sec = last_second;
    nsec %= 1000000000;
    if (cache->len == 0 || cache->second != sec)
        remember_second(cache, sec);
    p = put_bytes(p, cache->text, cache->len);
    *p++ = '.';
    p = put_digits(p, nsec, 9);
    *p++ = 'Z';
    return p;
}
