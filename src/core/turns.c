#include "core/turns.h"

/* What it has had lately. */
static uint64_t used(const struct turn *turn, uint64_t now_ms)
{
    uint64_t halves = (now_ms - turn->at_ms) / TURNS_HALF_MS;
    return halves < 64 ? turn->used_ns >> halves : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t turn_took(struct turn *turn, uint64_t elapsed_ns, uint64_t believed_ns, uint64_t thread_ns)
{
    uint64_t seen = turn->measured ? smaller(elapsed_ns, thread_ns) : elapsed_ns;
    uint64_t took = turn->measured ? seen : smaller(elapsed_ns, believed_ns);
    turn->measured = seen > believed_ns;
    return took;
}

void turns_count(struct turns *turns, struct turn *turn, uint64_t took_ns)
{
    uint64_t now_ms = uv_now(turns->check.loop);
    if (now_ms - turn->at_ms >= TURNS_HALF_MS) {
        turn->used_ns = used(turn, now_ms);
        turn->at_ms = now_ms;
    }
    turn->used_ns += took_ns;
}

static void all_heard(uv_check_t *check)
{
    struct turns *turns = check->data;
    uint64_t now_ms = uv_now(check->loop);
    struct turn *least = turns->first;
    for (struct turn *turn = least; turn; turn = turn->next) {
        if (used(turn, now_ms) < used(least, now_ms))
            least = turn;
    }
    if (!least)
        return;
    turns_leave(turns, least);
    least->take(least);
}

static void do_not_sleep(uv_idle_t *idle)
{
    (void)idle;
}

void turns_init(struct turns *turns, uv_loop_t *loop)
{
    *turns = (struct turns){0};
    turns->last = &turns->first;
    turns->check.data = turns;
    uv_check_init(loop, &turns->check);
    uv_idle_init(loop, &turns->idle);
}

void turns_close(struct turns *turns)
{
    uv_close((uv_handle_t *)&turns->check, NULL);
    uv_close((uv_handle_t *)&turns->idle, NULL);
}

void turns_wait(struct turns *turns, struct turn *turn)
{
    if (turn_waits(turn))
        return;
    if (!turns->first) {
        uv_check_start(&turns->check, all_heard);
        uv_idle_start(&turns->idle, do_not_sleep);
    }
    turn->next = NULL;
    turn->link = turns->last;
    *turns->last = turn;
    turns->last = &turn->next;
}

void turns_leave(struct turns *turns, struct turn *turn)
{
    if (!turn_waits(turn))
        return;
    *turn->link = turn->next;
    if (turn->next)
        turn->next->link = turn->link;
    else
        turns->last = turn->link;
    turn->link = NULL;
    if (turns->first)
        return;
    uv_check_stop(&turns->check);
    uv_idle_stop(&turns->idle);
}
