#include "stats/hll.h"

#include <math.h>
#include <string.h>

void hll_merge(struct hll *into, const struct hll *from)
{
    for (int i = 0; i < HLL_REGISTERS; i++) {
        uint8_t a = into->registers[i], b = from->registers[i];
        into->registers[i] = a > b ? a : b;
    }
}

/*
 * The estimator of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
 * (2017), section 2: the harmonic mean of 2^rank, in which registers that are still untouched and
 * those that can grow no more count for what they are expected to be.
 */

/* x + sum of x^(2^k) * 2^(k-1), k from 1: for the part x of registers that are untouched. */
static double untouched(double x)
{
    if (x == 1)
        return INFINITY;
    double sum = x, before, power = 1;
    do {
        x *= x;
        before = sum;
        sum += x * power;
        power *= 2;
    } while (sum != before);
    return sum;
}

/* (1 - x - sum of (1 - x^(2^-k))^2 * 2^-k, k from 1) / 3: for the part 1 - x of full registers. */
static double full(double x)
{
    if (x == 0 || x == 1)
        return 0;
    double sum = 1 - x, before, power = 1;
    do {
        x = sqrt(x);
        before = sum;
        power /= 2;
        sum -= (1 - x) * (1 - x) * power;
    } while (sum != before);
    return sum / 3;
}

/* Most ranks are alike, and to count one waits for the one before, so there are some counts of
 * each.
 */
void hll_count_ranks(const struct hll *hll, uint16_t ranks[HLL_RANKS])
{
    enum { LANES = 4 };
    uint16_t lanes[LANES][UINT8_MAX + 1] = {{0}};
    for (int i = 0; i < HLL_REGISTERS; i += LANES) {
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane][hll->registers[i + lane]]++;
    }
    memset(ranks, 0, HLL_RANKS * sizeof *ranks);
    for (int rank = 0; rank <= UINT8_MAX; rank++)
        ranks[rank < HLL_RANKS ? rank : HLL_RANKS - 1] +=
            (uint16_t)(lanes[0][rank] + lanes[1][rank] + lanes[2][rank] + lanes[3][rank]);
}

double hll_estimate_ranks(const uint16_t ranks[HLL_RANKS])
{
    const double m = HLL_REGISTERS;
    double sum = m * full(1 - ranks[HLL_RANKS - 1] / m);
    for (int rank = HLL_RANKS - 2; rank >= 1; rank--)
        sum = (sum + ranks[rank]) / 2;
    sum += m * untouched(ranks[0] / m);
    return m * m / (2 * M_LN2 * sum);
}

double hll_estimate(const struct hll *hll)
{
    uint16_t ranks[HLL_RANKS];
    hll_count_ranks(hll, ranks);
    return hll_estimate_ranks(ranks);
}
