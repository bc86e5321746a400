/* SipHash-1-3 against a plain reading of the paper, which is itself held to the paper's vector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void rounds(uint64_t v[4], int count)
{
    while (count--) {
        v[0] += v[1], v[1] = rotate(v[1], 13), v[1] ^= v[0], v[0] = rotate(v[0], 32);
        v[2] += v[3], v[3] = rotate(v[3], 16), v[3] ^= v[2];
        v[0] += v[3], v[3] = rotate(v[3], 21), v[3] ^= v[0];
        v[2] += v[1], v[1] = rotate(v[1], 17), v[1] ^= v[2], v[2] = rotate(v[2], 32);
    }
}

/* SipHash-c-d, byte by byte. */
static uint64_t by_the_paper(int c, int d, const uint64_t key[2], const uint8_t *bytes, size_t len)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                     key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    for (size_t at = 0; at <= len; at += 8) {
        uint64_t word = 0;
        for (size_t i = 0; i < 8 && at + i < len; i++)
            word |= (uint64_t)bytes[at + i] << (8 * i);
        if (len - at < 8)
            word |= (uint64_t)(len & 0xff) << 56;
        v[3] ^= word;
        rounds(v, c);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const struct siphash_key paper_key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};

static void reading_is_right(void **state)
{
    (void)state;
    uint8_t bytes[15];
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    assert_true(by_the_paper(2, 4, paper_key.words, bytes, sizeof bytes) == 0xa129ca6149be45e5);
}

static void all_lengths_agree(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 151 + 7);
    for (size_t len = 0; len < sizeof bytes; len++)
        assert_true(siphash_bytes(&paper_key, span_of(bytes, len)) ==
                    by_the_paper(1, 3, paper_key.words, bytes, len));
}

static void keys_are_fresh(void **state)
{
    (void)state;
    struct siphash_key a, b;
    assert_int_equal(siphash_key_random(&a), 0);
    assert_int_equal(siphash_key_random(&b), 0);
    assert_true(a.words[0] != b.words[0] && a.words[1] != b.words[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_is_right),
        cmocka_unit_test(all_lengths_agree),
        cmocka_unit_test(keys_are_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
