/* NH against its definition: a sum of products, written here in halves of words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/nh.h"

enum { LENGTHS = 300 };

static struct nh_key key;
static uint8_t text[LENGTHS + 1]; /* no letters: every byte has its highest bit */

struct sum {
    uint64_t low, high;
};

static void add(struct sum *sum, uint64_t low, uint64_t high)
{
    sum->low += low;
    sum->high += high + (sum->low < low);
}

/* a * b by halves, as on paper. */
static void add_product(struct sum *sum, uint64_t a, uint64_t b)
{
    const uint64_t half = 0xffffffff;
    uint64_t cross[] = {(a >> 32) * (b & half), (a & half) * (b >> 32)};
    add(sum, (a & half) * (b & half), (a >> 32) * (b >> 32));
    for (int i = 0; i < 2; i++)
        add(sum, cross[i] << 32, cross[i] >> 32);
}

static uint64_t word_at(const uint8_t *p, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < 8 && i < len; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

/* Words of 8 bytes; the last pair is the last 16 bytes, the second word of a short key its last 8.
 */
static struct sum by_definition(const uint8_t *p, size_t len)
{
    struct sum sum = {0};
    for (size_t pair = 0; pair < (len + 15) / 16; pair++) {
        size_t first = 16 * pair, second;
        if (len >= 16 && first > len - 16)
            first = len - 16;
        second = len >= 16 ? first + 8 : len - 8;
        add_product(&sum, word_at(p + first, len - first) + key.words[2 * pair],
                    (len >= 8 ? word_at(p + second, 8) : 0) + key.words[2 * pair + 1]);
    }
    return sum;
}

static struct nh sum_of(const uint8_t *p, size_t len)
{
    struct nh nh = nh_begin(&key);
    nh_bytes(&nh, p, len);
    return nh;
}

static uint64_t hash_of(const uint8_t *p, size_t len)
{
    struct nh nh = sum_of(p, len);
    return nh_fold(&nh, len);
}

static int set_up(void **state)
{
    (void)state;
    const struct siphash_key random = {{0x0123456789abcdef, 0xfedcba9876543210}};
    nh_key_make(&key, &random);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(0x80 | (i * 151 + i / 7));
    return 0;
}

static void sums_are_as_defined(void **state)
{
    (void)state;
    for (size_t len = 0; len < LENGTHS; len++) {
        for (int shift = 0; shift < 2; shift++) {
            struct sum expected = by_definition(text + shift, len);
            struct nh nh = sum_of(text + shift, len);
            assert_true((uint64_t)nh.sum == expected.low);
            assert_true((uint64_t)(nh.sum >> 64) == expected.high);
            assert_ptr_equal(nh.secret, key.words + 2 * ((len + 15) / 16));
        }
    }
}

/* Hashes of other kinds are added to the sum, the first to its upper half. */
static void hashes_are_added(void **state)
{
    (void)state;
    struct nh nh = sum_of(text, 33);
    struct sum expected = by_definition(text, 33);
    for (uint64_t i = 1; i < 100; i++) {
        uint64_t a = i * UINT64_C(0x9e3779b97f4a7c15), b = ~a;
        nh_hashes(&nh, a, b);
        add(&expected, b, a);
        assert_true((uint64_t)nh.sum == expected.low && (uint64_t)(nh.sum >> 64) == expected.high);
    }
}

/* The fold is one product more, its halves laid over each other. */
static void fold_is_a_product(void **state)
{
    (void)state;
    struct nh nh = sum_of(text, 33);
    struct sum sum = by_definition(text, 33), product = {0};
    add_product(&product, sum.low + 33 + key.words[6], sum.high + key.words[7]);
    assert_true(nh_fold(&nh, 33) == (product.low ^ product.high));
}

/* No byte is left out, at any length. */
static void every_byte_counts(void **state)
{
    (void)state;
    for (size_t len = 1; len < LENGTHS; len++) {
        uint64_t before = hash_of(text, len);
        for (size_t i = 0; i < len; i++) {
            text[i] ^= 1;
            assert_true(hash_of(text, len) != before);
            text[i] ^= 1;
        }
    }
}

static void secrets_differ(void **state)
{
    (void)state;
    const size_t count = sizeof key / sizeof(uint64_t);
    const uint64_t *words = (const uint64_t *)&key;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++)
            assert_true(words[i] != words[k]);
    }
    struct nh_key other;
    nh_key_make(&other, &(struct siphash_key){{1, 2}});
    assert_true(other.words[0] != key.words[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_as_defined), cmocka_unit_test(hashes_are_added),
        cmocka_unit_test(fold_is_a_product),   cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(secrets_differ),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
