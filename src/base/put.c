#include "base/put.h"

#include <stdbool.h>
#ifdef __SSSE3__
#include <tmmintrin.h>
#endif

#include "base/cursor.h"

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
    enum { EIGHT = 100000000 };
    if (value < 10)
        return put_char(p, (char)('0' + value));
    if (value >= EIGHT)
        return put_8digits(put_u64(p, value / EIGHT), value % EIGHT);
    uint64_t digits = put_digits_of((uint32_t)value);
    unsigned zeros = (unsigned)__builtin_ctzll(digits | 1ULL << 56) / 8;
    uint64_t text = (digits | 0x3030303030303030ULL) >> 8 * zeros;
    memcpy(p, &text, sizeof text);
    return p + sizeof text - zeros;
}

char *put_decimal(char *p, uint64_t value, unsigned decimals)
{
    uint64_t one = 1;
    for (unsigned i = 0; i < decimals; i++)
        one *= 10;
    p = put_u64(p, value / one);
    return decimals ? put_digits(put_char(p, '.'), value % one, decimals) : p;
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

/* Each octet and a dot. */
#define OCTET(number) #number "."
#define OCTET_OF(tens, ones) OCTET(tens##ones)
#define TEN(tens)                                                                                  \
    OCTET_OF(tens, 0), OCTET_OF(tens, 1), OCTET_OF(tens, 2), OCTET_OF(tens, 3), OCTET_OF(tens, 4), \
        OCTET_OF(tens, 5), OCTET_OF(tens, 6), OCTET_OF(tens, 7), OCTET_OF(tens, 8),                \
        OCTET_OF(tens, 9)
static const char octets[UINT8_MAX + 1][5] = {
    TEN(),   TEN(1),     TEN(2),     TEN(3),     TEN(4),     TEN(5),     TEN(6),     TEN(7),
    TEN(8),  TEN(9),     TEN(10),    TEN(11),    TEN(12),    TEN(13),    TEN(14),    TEN(15),
    TEN(16), TEN(17),    TEN(18),    TEN(19),    TEN(20),    TEN(21),    TEN(22),    TEN(23),
    TEN(24), OCTET(250), OCTET(251), OCTET(252), OCTET(253), OCTET(254), OCTET(255),
};

/* Writes an octet and a dot with one store, without a branch, which could not be predicted. */
static inline char *put_octet(char *p, uint8_t octet)
{
    memcpy(p, octets[octet], sizeof *octets - 1);
    return p + 2 + (octet >= 10) + (octet >= 100);
}

char *put_ipv4(char *p, const uint8_t *bytes)
{
    for (int i = 0; i < 4; i++)
        p = put_octet(p, bytes[i]);
    return p - 1;
}

/* Sixteen bytes as hexadecimal digits, and a bit for each pair of bytes that is zero. */
static inline unsigned hex_groups(char digits[32], const uint8_t *bytes)
{
#ifdef __SSSE3__
    const __m128i letters = _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a',
                                          'b', 'c', 'd', 'e', 'f');
    const __m128i low_half = _mm_set1_epi8(0x0f);
    __m128i all = _mm_loadu_si128((const void *)bytes);
    __m128i high = _mm_shuffle_epi8(letters, _mm_and_si128(_mm_srli_epi16(all, 4), low_half));
    __m128i low = _mm_shuffle_epi8(letters, _mm_and_si128(all, low_half));
    _mm_storeu_si128((void *)digits, _mm_unpacklo_epi8(high, low));
    _mm_storeu_si128((void *)(digits + 16), _mm_unpackhi_epi8(high, low));
    __m128i zero = _mm_cmpeq_epi16(all, _mm_setzero_si128());
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(zero, _mm_setzero_si128()));
#else
    unsigned zero = 0;
    put_hex(digits, bytes, 16);
    for (int i = 0; i < 8; i++)
        zero |= (unsigned)(load_be16(bytes + 2 * i) == 0) << i;
    return zero;
#endif
}

/* Four digits without leading zeros. No branch, since it could not be predicted. */
static inline char *put_group(char *p, const char digits[4], uint32_t group)
{
    unsigned zeros = (unsigned)(__builtin_clz(group | 1) - 16) / 4;
    uint32_t text = load_le32((const uint8_t *)digits) >> 8 * zeros;
    memcpy(p, &text, sizeof text);
    return p + sizeof text - zeros;
}

/* The longest run of set bits, the first of equals; a run of one does not count (RFC 5952). */
static inline void longest_run(unsigned bits, int *start, int *len)
{
    unsigned starts = bits & bits >> 1;
    *len = 0;
    *start = -1;
    if (starts == 0)
        return;
    for (*len = 2; starts & starts >> 1; (*len)++)
        starts &= starts >> 1;
    *start = __builtin_ctz(starts);
}

char *put_ipv6(char *p, const uint8_t *bytes)
{
    char digits[32];
    int start, len;
    longest_run(hex_groups(digits, bytes), &start, &len);
    uint32_t last = load_be16(bytes + 14);
    bool mapped = start == 0 && (len == 6 || (len == 7 && last > 1) ||
                                 (len == 5 && load_be16(bytes + 10) == 0xffff));
    for (int i = 0; i < 8; i++) {
        if (i == start) {
            i += len - 1;
            p = i == 7 ? PUT_LIT(p, "::") : put_char(p, ':');
            continue;
        }
        if (i > 0)
            *p++ = ':';
        if (mapped && i == 6)
            return put_ipv4(p, bytes + 12);
        p = put_group(p, digits + 4 * i, load_be16(bytes + 2 * i));
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

/* Not inlined, so that lines of one second do not pay for what it keeps on the stack. */
static __attribute__((noinline)) void remember_second(struct put_time_cache *cache, uint64_t sec)
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
    enum { SECOND = 1000000000 };
    static const uint64_t last_second = 253402300799; /* 9999-12-31T23:59:59Z */
    /* What no reader of RFC 3339 could take is shown as the last time; the carry must not wrap. */
    if (__builtin_expect(nsec >= SECOND, 0)) {
        sec += sec <= last_second ? nsec / SECOND : 0;
        nsec %= SECOND;
    }
    if (sec > last_second)
        sec = last_second;
    if (cache->len == 0 || cache->second != sec)
        remember_second(cache, sec);
    memcpy(p, cache->text, sizeof cache->text);
    p = put_char(p + cache->len, '.');
    return put_char(put_9digits(p, nsec), 'Z');
}
