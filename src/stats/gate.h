/*
 * The gate of a full table: which keys get a row in it. It is what Filtered Space-Saving (Homem and
 * Carvalho, 2010) adds to Space-Saving.
 *
 * Of a full table a key that has come once or twice would get a row just to lose it when the
 * lightest go, and make others lose theirs. So the hits of keys without rows are summed up in
 * slots, which many keys share, and a key gets a row when its slot's sum would pass the table's
 * floor. A row that is dropped leaves its weight there. So for every key without a row
 *
 *     true count <= the slot's sum <= the table's floor,
 *
 * and the sum, not the floor, is by what the count of a new row may be wrong. Nobody is kept out
 * for good: after as many hits as the floor says at most, however rarely they come, a key has its
 * row. A slot says how much room there is up to the floor, in a byte: sums that are smaller than
 * that can tell count as larger ones, and when the floor rises, all slots have more room.
 *
 * Some slots are open: whose keys they are get rows at once.
 */
#ifndef SPILE_STATS_GATE_H
#define SPILE_STATS_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GATE_OPEN = UINT8_MAX,
    GATE_ROOM_MAX = GATE_OPEN - 1,
};

/* Zeroed slots have no room: every sum may be as large as the floor. Owner: the table. */
struct stats_gate {
    uint8_t *room; /* by slot; GATE_OPEN: the slot is open */
    uint32_t mask; /* slots - 1 */
    bool used;     /* some key has come here; until then the slots stay as they are */
};

/* The key's slot; the hash is keyed, so nobody chooses which keys share one. */
static inline uint8_t *stats_gate_slot(const struct stats_gate *gate, uint64_t hash, uint16_t group)
{
    return &gate->room[((uint32_t)(hash >> 24) + group * 0x9e3779b1u) & gate->mask];
}

static inline void stats_gate_prefetch(const struct stats_gate *gate, uint64_t hash, uint16_t group)
{
    __builtin_prefetch(stats_gate_slot(gate, hash, group), 1);
}

/* By how much the sum is below the floor, at least. */
static inline unsigned stats_gate_room(const struct stats_gate *gate, uint64_t hash, uint16_t group)
{
    uint8_t room = *stats_gate_slot(gate, hash, group);
    return room == GATE_OPEN ? 0 : room;
}

/* True when a key that comes with so many hits gets a row; else they are in the slot's sum now. */
static inline bool stats_gate_passes(struct stats_gate *gate, uint64_t hash, uint16_t group,
                                     uint64_t hits)
{
    uint8_t *room = stats_gate_slot(gate, hash, group);
    if (*room == GATE_OPEN || hits > *room)
        return true;
    *room = (uint8_t)(*room - hits);
    return false;
}

/* The key's row is gone, which weighed so much less than the floor. */
static inline void stats_gate_leave(struct stats_gate *gate, uint64_t hash, uint16_t group,
                                    uint64_t room)
{
    uint8_t *slot = stats_gate_slot(gate, hash, group);
    if (gate->used && *slot != GATE_OPEN && room < *slot)
        *slot = (uint8_t)room;
}

/* Opens the key's slot. */
static inline void stats_gate_open(struct stats_gate *gate, uint64_t hash, uint16_t group)
{
    *stats_gate_slot(gate, hash, group) = GATE_OPEN;
    gate->used = true;
}

/* The floor rises by so much. */
void stats_gate_rise(struct stats_gate *gate, uint64_t by);
/* Any sum may be as large as the floor: no slot has room, open ones stay so. */
void stats_gate_fill(struct stats_gate *gate);
/* Closes open slots. */
void stats_gate_close(struct stats_gate *gate);
/* Opens those that are open in another of as many slots. */
void stats_gate_open_like(struct stats_gate *gate, const struct stats_gate *like);
void stats_gate_clear(struct stats_gate *gate);

#endif
