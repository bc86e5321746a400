/* How a shard's tables are filled; for the shard alone. */
#ifndef SPILE_STATS_SHARD_KEYS_H
#define SPILE_STATS_SHARD_KEYS_H

#include "stats/shard.h"

enum { SHARD_INDEX_BITS = 20 /* of an index word: entry + 1 */ };

/* The key's hash is secret and as good as random, so nobody can choose groups that fall together.
 */
static inline uint32_t shard_first_slot(const struct shard_table *table, uint64_t hash,
                                        uint16_t group)
{
    return ((uint32_t)hash + group * 0x9e3779b1u) & table->mask;
}

static inline uint32_t shard_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~((UINT32_C(1) << SHARD_INDEX_BITS) - 1);
}

static inline uint32_t shard_number_in(uint32_t word)
{
    return word & ((UINT32_C(1) << SHARD_INDEX_BITS) - 1);
}

/* Fills in what samples of the kind count as: their code and outcome. */
void shard_classify(struct shard_kind *kind);
/* The number of the cell that such a sample of that type is counted in, if that may be near; 0: it
 * may not. */
uint8_t shard_near(const struct shard_kind *kind, uint16_t qtype);
/* Counts the slot's key in one of the tables; false when there is no room for it. */
bool shard_count_key(struct shard *shard, enum shard_table_id id, const struct shard_slot *slot);

#endif
