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
 * *delay_ms. Else an enum input_refusal. */
int gate_admit(struct gate *gate, const struct accounts *peer, struct worker *worker,
               struct place **place, uint64_t *delay_ms);
/* The connection has ended; `useful` when it brought frames. One that had to make room is
 * not held against its peer: who is silent may have nothing to say. */
void gate_leave(struct gate *gate, const struct accounts *peer, struct place *place, bool useful);
/* Descriptors have run out: somebody silent leaves. False: nobody is. */
bool gate_relieve(struct gate *gate);

#endif
