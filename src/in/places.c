#include "in/places.h"

#include <stdlib.h>

enum {
    LOOKS_MAX = 4096,  /* at places, in one search: it is the main thread's time */
    RESERVE_PART = 16, /* of all places, for peers that have none */
    LEAVING_PART = 8,  /* of all places, for those that have not left yet */
    LEAVING_LEAST = 4, /* of these */
    NOBODY = -1,
};

size_t places_size(size_t all)
{
    return all + LEAVING_LEAST + all / LEAVING_PART;
}

size_t places_within(size_t descriptors)
{
    size_t left = descriptors > LEAVING_LEAST ? descriptors - LEAVING_LEAST : 0;
    size_t all = left / (LEAVING_PART + 1) * LEAVING_PART;
    return all > 0 ? all : 1;
}

int places_init(struct places *places, const struct places_limits *limits)
{
    *places = (struct places){.limits = *limits, .size = places_size(limits->all)};
    pthread_mutex_init(&places->lock, NULL);
    places->table = calloc(places->size, sizeof *places->table);
    return places->table && account_book_init(&places->book) == 0 ? 0 : -1;
}

void places_free(struct places *places)
{
    if (places->size == 0)
        return;
    account_book_free(&places->book);
    free(places->table);
    pthread_mutex_destroy(&places->lock);
    *places = (struct places){0};
}

/* --- who makes room ------------------------------------------------------------------------- */

static uint64_t last_heard_ms(const struct place *place)
{
    uint64_t active_ms = atomic_load_explicit(&place->active_ms, memory_order_relaxed);
    return active_ms ? active_ms : place->since_ms;
}

static bool is_silent(const struct place *place, uint64_t now_ms)
{
    return place->taken && place_wanted(place) == NOBODY && place_silent(place, now_ms);
}

static bool is_of(const struct place *place, const struct account_sum *account)
{
    for (size_t i = 0; account && i < place->entry.count; i++) {
        if (place->entry.sums[i] == account)
            return true;
    }
    return !account;
}

/* Whether `a` is to leave rather than `b`: the peer that has more, those that have never brought
 * anything, the longest silence. */
static bool leaves_rather(const struct place *a, const struct place *b)
{
    int heavier = account_entry_compare(&a->entry, &b->entry);
    if (heavier != 0)
        return heavier > 0;
    bool a_spoke = atomic_load_explicit(&a->active_ms, memory_order_relaxed) > 0;
    bool b_spoke = atomic_load_explicit(&b->active_ms, memory_order_relaxed) > 0;
    return a_spoke != b_spoke ? b_spoke : last_heard_ms(a) < last_heard_ms(b);
}

/* Somebody silent, of the account unless it is NULL. Where there are more places than one search
 * looks at, the next one goes on behind it: who has most of them is in every part. */
static struct place *find_silent(struct places *places, const struct account_sum *account,
                                 uint64_t now_ms)
{
    struct place *found = NULL;
    size_t looks = places->begun < LOOKS_MAX ? places->begun : LOOKS_MAX;
    for (size_t i = 0; i < looks; i++) {
        places->cursor = places->cursor < places->begun ? places->cursor : 0;
        struct place *place = &places->table[places->cursor++];
        if (is_silent(place, now_ms) && is_of(place, account) &&
            (!found || leaves_rather(place, found)))
            found = place;
    }
    return found;
}

static bool make_room(struct places *places, const struct account_sum *account, enum input_cut why,
                      uint64_t now_ms)
{
    struct place *place = find_silent(places, account, now_ms);
    if (!place)
        return false;
    account_entry_hold(&place->entry, 0);
    places->going++;
    atomic_store(&place->leave, (int)why);
    worker_poke(place->worker);
    return true;
}

bool places_crowded(struct places *places, uint64_t now_ms)
{
    pthread_mutex_lock(&places->lock);
    bool crowded = places->used == places->size &&
                   (places->going > 0 || make_room(places, NULL, CUT_FULL, now_ms));
    pthread_mutex_unlock(&places->lock);
    return crowded;
}

bool places_make_room(struct places *places, enum input_cut why, uint64_t now_ms)
{
    pthread_mutex_lock(&places->lock);
    bool made = make_room(places, NULL, why, now_ms);
    pthread_mutex_unlock(&places->lock);
    return made;
}

/* --- who comes ------------------------------------------------------------------------------ */

/* The narrowest account that holds as much as it may, or NULL. */
static const struct account_sum *full_account(const struct places *places,
                                              const struct account_entry *entry)
{
    for (size_t i = 0; i < entry->count; i++) {
        if (entry->sums[i]->held >=
            account_limit(entry->sums[i], places->limits.peer, places->limits.all))
            return entry->sums[i];
    }
    return NULL;
}

/* The last places are for peers whose widest account has none. */
static size_t places_for(const struct places *places, const struct account_entry *entry)
{
    bool newcomer = entry->count > 0 && entry->sums[entry->count - 1]->held == 0;
    size_t all = places->limits.all;
    return newcomer ? all : all - all / RESERVE_PART;
}

/* Whether there is a place, or somebody has been told to leave for it. */
static enum places_answer find_room(struct places *places, const struct account_entry *entry,
                                    uint64_t now_ms)
{
    const struct account_sum *account = full_account(places, entry);
    if (account)
        return make_room(places, account, CUT_PEER_FULL, now_ms) ? PLACES_TAKEN : PLACES_PEER_FULL;
    if (places->used - places->going >= places_for(places, entry))
        return make_room(places, NULL, CUT_FULL, now_ms) ? PLACES_TAKEN : PLACES_FULL;
    return PLACES_TAKEN;
}

/* Under the lock. */
static enum places_answer take(struct places *places, const struct accounts *peer, uint64_t now_ms,
                               struct place **place)
{
    struct account_entry entry;
    if (places->used == places->size)
        return PLACES_FULL;
    if (account_book_enter(&places->book, peer, &entry) < 0)
        return PLACES_NO_MEMORY;
    enum places_answer answer = find_room(places, &entry, now_ms);
    if (answer != PLACES_TAKEN) {
        account_book_leave(&places->book, &entry);
        return answer;
    }
    account_entry_hold(&entry, 1);
    struct place *taken = places->free ? places->free : &places->table[places->begun++];
    places->free = taken->next_free;
    places->used++;
    *taken = (struct place){.entry = entry, .since_ms = now_ms, .leave = NOBODY, .taken = true};
    *place = taken;
    return PLACES_TAKEN;
}

enum places_answer places_take(struct places *places, const struct accounts *peer,
                               struct worker *worker, uint64_t now_ms, struct place **place)
{
    pthread_mutex_lock(&places->lock);
    enum places_answer answer = take(places, peer, now_ms, place);
    if (answer == PLACES_TAKEN)
        (*place)->worker = worker;
    pthread_mutex_unlock(&places->lock);
    return answer;
}

void places_leave(struct places *places, struct place *place)
{
    pthread_mutex_lock(&places->lock);
    places->going -= place_wanted(place) != NOBODY;
    places->used--;
    account_book_leave(&places->book, &place->entry);
    place->taken = false;
    place->next_free = places->free;
    places->free = place;
    pthread_mutex_unlock(&places->lock);
}

void places_keep(struct places *places, struct place *place)
{
    pthread_mutex_lock(&places->lock);
    places->going--;
    atomic_store(&place->leave, NOBODY);
    account_entry_hold(&place->entry, 1);
    pthread_mutex_unlock(&places->lock);
}
