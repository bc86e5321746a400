#include "history/waiting.h"

/* Frees and forgets the first portion. */
static void drop(struct waiting_portions *waiting)
{
    struct portion *first = &waiting->portions[waiting->first];
    waiting->bytes -= first->records.cap;
    buf_free(&first->records);
    *first = (struct portion){0};
    waiting->first = (waiting->first + 1) % WAITING_MAX;
    waiting->count--;
}

static bool has_room(const struct waiting_portions *waiting, size_t bytes)
{
    return waiting->count == 0 ||
           (waiting->count < WAITING_MAX && waiting->bytes + bytes <= WAITING_BYTES);
}

/* When there is no room the oldest goes, or, while that is being written, the new one. */
void waiting_put(struct waiting_portions *waiting, struct portion *portion)
{
    for (; !has_room(waiting, portion->records.cap) && waiting->busy == 0; waiting->lost++)
        drop(waiting);
    if (!has_room(waiting, portion->records.cap)) {
        buf_free(&portion->records);
        waiting->lost++;
        return;
    }
    waiting->bytes += portion->records.cap;
    portion->number = ++waiting->numbered;
    waiting->portions[(waiting->first + waiting->count++) % WAITING_MAX] = *portion;
}

size_t waiting_claim(struct waiting_portions *waiting, size_t most)
{
    return waiting->busy = waiting->count < most ? waiting->count : most;
}

void waiting_settle(struct waiting_portions *waiting, size_t written)
{
    waiting->busy = 0;
    for (; written > 0; written--) {
        waiting->written = waiting_at(waiting, 0)->number;
        drop(waiting);
    }
}

void waiting_forget(struct waiting_portions *waiting, uint64_t written)
{
    waiting->written = written;
    while (waiting->count > 0 && waiting_at(waiting, 0)->number <= written)
        drop(waiting);
}

void waiting_each(const struct waiting_portions *waiting, uint64_t written,
                  void (*take)(void *ctx, const struct portion *portion), void *ctx)
{
    for (size_t i = 0; i < waiting->count; i++) {
        const struct portion *portion = waiting_at(waiting, i);
        if (portion->number > written)
            take(ctx, portion);
    }
}

void waiting_free(struct waiting_portions *waiting)
{
    while (waiting->count > 0)
        drop(waiting);
}
