#include "in/gate.h"

#include <uv.h>

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

int gate_init(struct gate *gate, const struct places_limits *limits, struct error *err)
{
    if (penalty_init(&gate->penalty) == 0 && places_init(&gate->places, limits) == 0)
        return 0;
    return error_set(err, "no memory for so many connections");
}

void gate_free(struct gate *gate)
{
    if (gate->places.size > 0)
        penalty_destroy(&gate->penalty);
    places_free(&gate->places);
}

bool gate_crowded(struct gate *gate)
{
    return places_crowded(&gate->places, now_ms());
}

int gate_admit(struct gate *gate, const struct accounts *peer, struct worker *worker,
               struct place **place, uint64_t *delay_ms)
{
    static const enum input_refusal refusals[] = {
        [PLACES_FULL] = REFUSED_FULL,
        [PLACES_PEER_FULL] = REFUSED_PEER_FULL,
        [PLACES_NO_MEMORY] = REFUSED_MEMORY,
    };
    uint64_t now = now_ms();
    if (!penalty_admit(&gate->penalty, peer, now, delay_ms))
        return REFUSED_LOOP;
    enum places_answer answer = places_take(&gate->places, peer, worker, now, place);
    return answer == PLACES_TAKEN ? -1 : (int)refusals[answer];
}

void gate_leave(struct gate *gate, const struct accounts *peer, struct place *place, bool useful)
{
    bool made_room = place_wanted(place) >= 0;
    places_leave(&gate->places, place);
    if (useful || !made_room)
        penalty_note(&gate->penalty, peer, useful, now_ms());
}

bool gate_relieve(struct gate *gate)
{
    return places_make_room(&gate->places, CUT_DESCRIPTORS, now_ms());
}
