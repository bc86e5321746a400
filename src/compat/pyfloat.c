#include "compat/pyfloat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/put.h"

enum { SIGNIFICANT_MAX = 17 }; /* decimal digits that tell any two doubles apart */

/* A decimal: 0.DIGITS times ten to the `point`. */
struct decimal {
    char digits[SIGNIFICANT_MAX + 1];
    int count;
    int point;
};

static bool is_power_of_two(double value)
{
    int exponent;
    return frexp(value, &exponent) == 0.5;
}

static double decimal_value(const struct decimal *d)
{
    char text[40];
    snprintf(text, sizeof text, "0.%.*se%d", d->count, d->digits, d->point);
    return strtod(text, NULL);
}

/* Adds one to the last digit. */
static void decimal_bump(struct decimal *d)
{
    int i = d->count;
    while (i > 0 && d->digits[i - 1] == '9')
        d->digits[--i] = '0';
    if (i > 0) {
        d->digits[i - 1]++;
        return;
    }
    d->digits[0] = '1'; /* 999 became 000: 1000, the same count of digits being enough */
    d->point++;
}

/*
 * The decimal of `count` digits nearest to `value`, and whether it reads back as `value`. A power
 * of two has a neighbour below that is nearer than the one above, so that the nearest decimal may
 * read back as the lower neighbour while the next decimal above still reads back as `value`.
 */
static bool decimal_try(struct decimal *d, double value, int count)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    d->digits[0] = text[0];
    memcpy(d->digits + 1, text + 2, (size_t)count - 1);
    d->count = count;
    d->point = atoi(strchr(text, 'e') + 1) + 1;
    if (decimal_value(d) == value)
        return true;
    if (!is_power_of_two(value))
        return false;
    decimal_bump(d);
    return decimal_value(d) == value;
}

static char *decimal_put(char *p, const struct decimal *d)
{
    int point = d->point;
    if (point > 16 || point < -3) {
        *p++ = d->digits[0];
        if (d->count > 1)
            *p++ = '.';
        p = put_bytes(p, d->digits + 1, (size_t)d->count - 1);
        int exponent = point - 1;
        *p++ = 'e';
        *p++ = exponent < 0 ? '-' : '+';
        unsigned size = (unsigned)abs(exponent);
        return put_digits(p, size, size > 99 ? 3 : 2);
    }
    int i = 0;
    if (point <= 0)
        *p++ = '0';
    for (; i < point; i++)
        *p++ = i < d->count ? d->digits[i] : '0';
    *p++ = '.';
    for (; point < 0; point++)
        *p++ = '0';
    if (i >= d->count)
        *p++ = '0';
    return put_bytes(p, d->digits + i, i < d->count ? (size_t)(d->count - i) : 0);
}

/* Any positive value: tries ever more digits. Rare: absurd times, and what is left of them. */
static char *put_any(char *p, double value)
{
    struct decimal d;
    int count = 1;
    while (count < SIGNIFICANT_MAX && !decimal_try(&d, value, count))
        count++;
    if (count == SIGNIFICANT_MAX)
        decimal_try(&d, value, count);
    while (d.count > 1 && d.digits[d.count - 1] == '0')
        d.count--;
    return decimal_put(p, &d);
}

/* A value in 1 to 2^52 that is not an integer: `whole` + `fraction` / 2^bits. */
struct fixed {
    uint64_t whole;
    uint64_t fraction;
    unsigned bits; /* 1 to 52: 2^-bits is the distance to the next double */
    bool even; /* of the mantissa: such a double also gets what lies halfway to its neighbours */
};

static const uint64_t power10[SIGNIFICANT_MAX + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
};

/* The fraction's nearest decimal of that many digits, and whether it reads back: whether it lies
 * within half the distance to the next double. */
static bool fixed_try(const struct fixed *f, unsigned digits, uint64_t *decimal)
{
    unsigned __int128 scaled = (unsigned __int128)f->fraction * power10[digits];
    uint64_t rest = (uint64_t)scaled & ((UINT64_C(1) << f->bits) - 1);
    uint64_t half = UINT64_C(1) << (f->bits - 1);
    uint64_t nearest = (uint64_t)(scaled >> f->bits);
    if (rest > half || (rest == half && (nearest & 1))) {
        nearest++;
        rest = 2 * half - rest;
    }
    *decimal = nearest;
    return 2 * rest < power10[digits] || (f->even && 2 * rest == power10[digits]);
}

/*
 * More digits never fit worse than fewer, so the search starts where spacing of decimals and
 * spacing of doubles are about equal, and goes to the fewest digits that read back. It never
 * carries into the whole part: that would be a double of its own. Powers of two, whose lower
 * neighbour is nearer, are integers in this range and do not come here.
 */
static char *put_fixed(char *p, const struct fixed *f)
{
    uint64_t decimal, shorter;
    unsigned digits = f->bits * 1233 >> 12; /* times log10(2) */
    digits += digits == 0;
    while (!fixed_try(f, digits, &decimal))
        digits++;
    while (digits > 1 && fixed_try(f, digits - 1, &shorter)) {
        digits--;
        decimal = shorter;
    }
    p = put_char(put_u64(p, f->whole), '.');
    return put_digits(p, decimal, digits);
}

/* A latency, or a time without its seconds: most have at most nine places, and a decimal of up to
 * fifteen digits that reads back is the shortest there is. */
static char *put_below_one(char *p, double value)
{
    unsigned places = 9;
    uint64_t n = (uint64_t)(value * 1e9 + 0.5);
    if ((double)n / 1e9 != value)
        return put_any(p, value);
    while (n % 10 == 0 && places > 1) {
        n /= 10;
        places--;
    }
    return put_digits(PUT_LIT(p, "0."), n, places);
}

char *pyfloat_put(char *p, double value)
{
    if (signbit(value)) {
        *p++ = '-';
        value = -value;
    }
    if (value == 0)
        return PUT_LIT(p, "0.0");
    if (!(value >= 1 && value < 0x1p52))
        return value >= 1e-4 && value < 1 ? put_below_one(p, value) : put_any(p, value);
    uint64_t whole = (uint64_t)value;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    struct fixed f = {.whole = whole, .bits = 52 - ((unsigned)(bits >> 52) - 1023)};
    f.even = !(bits & 1);
    f.fraction = bits & ((UINT64_C(1) << f.bits) - 1);
    if (f.fraction == 0)
        return PUT_LIT(put_u64(p, whole), ".0");
    return put_fixed(p, &f);
}

double pyfloat_round3(double value)
{
    double scaled = value * 1000;
    double nearest = rint(scaled);
    /* The product is off by one part in 2^53: unless it is that near to a tie, `nearest` is right,
     * and a division of two exact integers rounds as reading the decimal would. */
    if (fabs(scaled) < 0x1p40 && fabs(fabs(scaled - nearest) - 0.5) > 0x1p-12)
        return copysign(nearest / 1000, value);
    char text[400];
    snprintf(text, sizeof text, "%.3f", value); /* exact, ties to even */
    return strtod(text, NULL);
}

double pyfloat_seconds(uint64_t sec, uint32_t nsec)
{
    volatile double fraction = nsec * 1e-9; /* volatile: rounded here, never fused with the sum */
    return (double)sec + fraction;
}

bool pyfloat_split(double seconds, uint64_t *sec, uint32_t *usec)
{
    if (!(seconds < 253402300800.0)) /* 10000-01-01 */
        return false;
    double whole;
    double micro = rint(modf(seconds, &whole) * 1e6);
    if (micro >= 1e6) {
        micro -= 1e6;
        whole += 1;
    }
    if (whole >= 253402300800.0)
        return false;
    *sec = (uint64_t)whole;
    *usec = (uint32_t)micro;
    return true;
}
