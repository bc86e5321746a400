/* What happened on an input, counted by whoever sees it. */
#ifndef SPILE_CORE_INPUT_COUNTERS_H
#define SPILE_CORE_INPUT_COUNTERS_H

#include <stddef.h>

#include "base/counter.h"

/* Why a connection was not taken. Names in input_counters.c, one row each. */
enum input_refusal {
    REFUSED_ACCESS,    /* not in the access list */
    REFUSED_FULL,      /* no place, and nobody silent of a peer with as many */
    REFUSED_PEER_FULL, /* its peer has all that one may have, and none is silent */
    REFUSED_LOOP,      /* its peer connects again and again without bringing anything */
    REFUSED_MEMORY,
    INPUT_REFUSALS
};

/* Why a connection was closed that had neither ended nor broken its stream. */
enum input_cut {
    CUT_FULL,        /* silent, and somebody new wanted its place */
    CUT_PEER_FULL,   /* silent, and its own peer wanted its place */
    CUT_DESCRIPTORS, /* silent, and descriptors had run out */
    CUT_HANDSHAKE,   /* no START in time */
    CUT_IDLE,        /* past idle-timeout */
    CUT_PARTIAL,     /* its cut frame was past the budget of all */
    CUT_ASKED,       /* somebody who may do so asked for it */
    INPUT_CUTS
};

/* Any thread. */
struct input_counters {
    counter connections; /* accepted since the start */
    counter refused[INPUT_REFUSALS];
    counter cut[INPUT_CUTS];
    counter frames;
    counter bytes;
    counter malformed; /* frames that are not dnstap messages */
    counter errors;    /* connections or files that ended in a stream error */
    counter open;      /* now: sockets that listen, files that are read */
    counter silent;    /* now: connections whose stream has begun long ago, without a frame since */
    counter taken;     /* of the file being read: bytes taken, and its size (0: not known) */
    counter size;
};

/* Adds `from` to `into`, which nobody else writes. */
void input_counters_add(struct input_counters *into, const struct input_counters *from);
/* It is no more: what counts what there is now counts nothing. */
void input_counters_end(struct input_counters *counters);

/* Of an enum input_refusal, an enum input_cut. */
const char *input_refusal_name(size_t reason);
const char *input_cut_name(size_t reason);

#endif
