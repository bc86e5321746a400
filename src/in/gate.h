/*
 * The gate of an input: whether a peer that connects is let in, how long it waits, and who leaves
 * for it. All sockets of the input share it.
 */
#ifndef SPILE_IN_GATE_H
#define SPILE_IN_GATE_H

#include "base/error.h"
#include "in/penalty.h"
#include "in/places.h"

/* Zeroed: not begun. Any thread. */
struct gate {
    struct places places;
    struct penalty penalty;
};

/* -1: err. */
int gate_init(struct gate *gate, const struct places_limits *limits, struct error *err);
void gate_free(struct gate *gate);

/* Whether who connects had better wait for somebody who is leaving. */
bool gate_crowded(struct gate *gate);
/* A peer connects, and `worker` would serve it. -1: it is let in, has *place, and waits for
 * *delay_ms. Else an enum input_refusal. Who has a connection open that has brought frames is never
 * refused, nor delayed, for others that did not. */
int gate_admit(struct gate *gate, const struct accounts *peer, struct worker *worker,
               struct place **place, uint64_t *delay_ms);
/* The connection has brought frames, for the first time. */
void gate_note_use(struct gate *gate, const struct accounts *peer, struct place *place);
/* The connection has ended, by the `fault` of its peer, if it was no use, or not. One that had to
 * make room is not held against its peer: who is silent may have nothing to say. */
void gate_leave(struct gate *gate, const struct accounts *peer, struct place *place, bool fault);
/* Descriptors have run out: see the inputs' hook `relieve`. */
uint64_t gate_relieve(struct gate *gate, bool tell);

#endif
