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
    return places_crowded(&gate->places);
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
    struct accounts useless = places_useless(&gate->places, peer);
    if (!penalty_admit(&gate->penalty, &useless, now, delay_ms))
        return REFUSED_LOOP;
    struct newcomer newcomer = {
        .peer = peer, .worker = worker, .now_ms = now, .delay_ms = *delay_ms};
    enum places_answer answer = places_take(&gate->places, &newcomer, place);
    return answer == PLACES_TAKEN ? -1 : (int)refusals[answer];
}

void gate_note_use(struct gate *gate, const struct accounts *peer, struct place *place)
{
    places_note_use(&gate->places, place, peer);
    penalty_clear(&gate->penalty, peer, now_ms());
}

void gate_leave(struct gate *gate, const struct accounts *peer, struct place *place, bool fault)
{
    bool useless = !place_was_useful(place), made_room = place_wanted(place) >= 0;
    uint64_t since_ms = place->since_ms;
    places_leave(&gate->places, place);
    if (!fault || !useless || made_room)
        return;
    struct accounts accounts = places_useless(&gate->places, peer);
    penalty_note(&gate->penalty, &accounts, since_ms, now_ms());
}

uint64_t gate_relieve(struct gate *gate, bool tell)
{
    bool begun = gate->places.size > 0;
    return begun ? places_make_room(&gate->places, CUT_DESCRIPTORS, now_ms(), tell) : 0;
}
