/*
 * Turns: who has lately had much of a worker's time is heard behind all others. Of those that wait
 * here one has its turn each time after everybody else who had something has been heard: the one
 * that has had least time. So nobody waits for more than one long turn, however many would take
 * one; and no time is left unused, for where nobody else has anything the turns follow upon each
 * other.
 */
#ifndef SPILE_CORE_TURNS_H
#define SPILE_CORE_TURNS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Owner: who waits. Zeroed does not wait. */
struct turn {
    struct turn *next;
    struct turn **link; /* what points to it; NULL: it does not wait */
    void (*take)(struct turn *turn);
    uint64_t used_ns; /* what it has had of the worker's time, of which half is forgotten ... */
    uint64_t at_ms;   /* ... in each TURNS_HALF_MS; the loop's clock when that was told */
    bool measured;    /* by the thread's clock: see turn_took */
};

enum { TURNS_HALF_MS = 128 };

/* Owner: one worker, on its own thread. Must not move. */
struct turns {
    struct turn *first, **last;
    uv_check_t check; /* runs when a round of the loop has heard all who had something */
    uv_idle_t idle;   /* while somebody waits: the loop does not sleep */
};

void turns_init(struct turns *turns, uv_loop_t *loop);
/* Closes its handles; nobody waits any more. */
void turns_close(struct turns *turns);

/*
 * How much of a worker's time a turn took that lasted for `elapsed_ns`. More than `believed_ns` is
 * not believed at once, since other programs may have had the processor meanwhile. But whoever took
 * more is measured the next time: the caller then says in `thread_ns` what the thread's own clock
 * says of the turn, and that is believed.
 */
uint64_t turn_took(struct turn *turn, uint64_t elapsed_ns, uint64_t believed_ns,
                   uint64_t thread_ns);
/* It has had so much of the worker's time now. */
void turns_count(struct turns *turns, struct turn *turn, uint64_t took_ns);
/* Has turn->take called when it is its turn; it does not wait any more then. Nothing when it waits
 * already. */
void turns_wait(struct turns *turns, struct turn *turn);
/* Does not wait any longer. */
void turns_leave(struct turns *turns, struct turn *turn);

static inline bool turn_waits(const struct turn *turn)
{
    return turn->link != NULL;
}

#endif
