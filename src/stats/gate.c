#include "stats/gate.h"

#include <string.h>

static size_t slots_of(const struct stats_gate *gate)
{
    return gate->room ? (size_t)gate->mask + 1 : 0;
}

/* Without a branch in it, so that many slots are done at once. */
void stats_gate_rise(struct stats_gate *gate, uint64_t by)
{
    const uint8_t more = by < GATE_ROOM_MAX ? (uint8_t)by : GATE_ROOM_MAX;
    const uint8_t most = (uint8_t)(GATE_ROOM_MAX - more);
    for (size_t i = 0, slots = gate->used ? slots_of(gate) : 0; i < slots; i++) {
        uint8_t room = gate->room[i], risen = (uint8_t)((room < most ? room : most) + more);
        gate->room[i] = room == GATE_OPEN ? GATE_OPEN : risen;
    }
}

void stats_gate_fill(struct stats_gate *gate)
{
    for (size_t i = 0, slots = gate->used ? slots_of(gate) : 0; i < slots; i++)
        gate->room[i] = gate->room[i] == GATE_OPEN ? GATE_OPEN : 0;
}

void stats_gate_close(struct stats_gate *gate)
{
    for (size_t i = 0, slots = gate->used ? slots_of(gate) : 0; i < slots; i++)
        gate->room[i] = gate->room[i] == GATE_OPEN ? 0 : gate->room[i];
}

void stats_gate_open_like(struct stats_gate *gate, const struct stats_gate *like)
{
    bool any = like->used && gate->mask == like->mask;
    for (size_t i = 0, slots = any ? slots_of(gate) : 0; i < slots; i++)
        gate->room[i] = like->room[i] == GATE_OPEN ? GATE_OPEN : gate->room[i];
    gate->used |= any;
}

void stats_gate_clear(struct stats_gate *gate)
{
    if (gate->used)
        memset(gate->room, 0, slots_of(gate));
    gate->used = false;
}
