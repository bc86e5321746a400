#include "in/places.h"

#include <stdlib.h>

enum {
    LOOKS_MAX = 4096,  /* at places, in one search: it is the main thread's time */
    RESERVE_PART = 16, /* of all places, for peers that have none */
    LEAVING_PART = 8,  /* of all places, for those that have not left yet */
    LEAVING_LEAST = 4, /* of these */
    CROWD = 16,        /* places of one peer: then a handshake is no reason to stay */
    NOBODY = -1,
};

static size_t leaving(size_t all)
{
    return LEAVING_LEAST + all / LEAVING_PART;
}

size_t places_size(size_t all)
{
    return all + leaving(all);
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
    bool made = places->table && account_book_init(&places->book) == 0 &&
                account_book_init(&places->useful) == 0;
    return made ? 0 : -1;
}

void places_free(struct places *places)
{
    if (places->size == 0)
        return;
    account_book_free(&places->book);
    account_book_free(&places->useful);
    free(places->table);
    pthread_mutex_destroy(&places->lock);
    *places = (struct places){0};
}

/* --- who makes room ------------------------------------------------------------------------- */

/* For whom room is looked for: NULL is anybody. */
struct room_search {
    const struct account_sum *account; /* the places of this one alone; NULL: all */
    const struct account_entry *newcomer;
    uint64_t now_ms;
    /* The peer that was judged last: places of one often lie together. */
    const struct account_sum *judged;
    bool yields, yields_new;
};

static uint64_t last_heard_ms(const struct place *place)
{
    uint64_t active_ms = atomic_load_explicit(&place->active_ms, memory_order_relaxed);
    return active_ms ? active_ms : place->since_ms;
}

static bool is_new(const struct place *place, uint64_t now_ms)
{
    return now_ms < place->settled_ms;
}

static bool is_of(const struct place *place, const struct account_sum *account)
{
    for (size_t i = 0; account && i < place->entry.count; i++) {
        if (place->entry.sums[i] == account)
            return true;
    }
    return !account;
}

/* Whether the place's peer gives one to the newcomer's: one that is silent, or new. */
static void judge(struct room_search *search, const struct place *place)
{
    const struct account_entry *entry = &place->entry, *newcomer = search->newcomer;
    const struct account_sum *peer = entry->count > 0 ? entry->sums[0] : NULL;
    if (peer && peer == search->judged)
        return;
    uint64_t wanted = newcomer ? account_entry_load(newcomer, entry, 1) : 0;
    search->judged = peer;
    search->yields = account_entry_load(entry, newcomer, 0) >= wanted;
    search->yields_new =
        search->yields && account_entry_load(entry, NULL, 0) >= (uint64_t)CROWD * ACCOUNT_SHARE;
}

static bool may_leave(struct room_search *search, const struct place *place)
{
    if (!place->taken || place_wanted(place) != NOBODY || place_is_active(place, search->now_ms) ||
        !is_of(place, search->account))
        return false;
    judge(search, place);
    return is_new(place, search->now_ms) ? search->yields_new : search->yields;
}

/* Whether `a` is to leave rather than `b`: the peer that has more, those that have had the time of
 * their handshake, those that have never brought anything, the longest silence. */
static bool leaves_rather(const struct place *a, const struct place *b, uint64_t now_ms)
{
    int heavier = account_entry_compare(&a->entry, &b->entry);
    if (heavier != 0)
        return heavier > 0;
    if (is_new(a, now_ms) != is_new(b, now_ms))
        return is_new(b, now_ms);
    bool a_spoke = place_was_useful(a), b_spoke = place_was_useful(b);
    return a_spoke != b_spoke ? b_spoke : last_heard_ms(a) < last_heard_ms(b);
}

/* Where there are more places than one search looks at, the next one goes on behind it: who has
 * most of them is in every part. */
static struct place *find(struct places *places, struct room_search *search)
{
    struct place *found = NULL;
    size_t looks = places->begun < LOOKS_MAX ? places->begun : LOOKS_MAX;
    for (size_t i = 0; i < looks; i++) {
        places->cursor = places->cursor < places->begun ? places->cursor : 0;
        struct place *place = &places->table[places->cursor++];
        if (may_leave(search, place) && (!found || leaves_rather(place, found, search->now_ms)))
            found = place;
    }
    return found;
}

static void tell_to_leave(struct places *places, struct place *place, enum input_cut why)
{
    account_entry_hold(&place->entry, 0);
    places->going++;
    atomic_store(&place->leave, (int)why);
    worker_poke(place->worker);
}

static bool make_room(struct places *places, struct room_search search, enum input_cut why)
{
    struct place *place = find(places, &search);
    if (place)
        tell_to_leave(places, place, why);
    return place != NULL;
}

static bool many_are_leaving(const struct places *places)
{
    return places->going >= leaving(places->limits.all);
}

bool places_crowded(struct places *places)
{
    pthread_mutex_lock(&places->lock);
    bool crowded = many_are_leaving(places);
    pthread_mutex_unlock(&places->lock);
    return crowded;
}

uint64_t places_make_room(struct places *places, enum input_cut why, uint64_t now_ms, bool tell)
{
    struct room_search search = {.now_ms = now_ms};
    pthread_mutex_lock(&places->lock);
    struct place *place = find(places, &search);
    uint64_t load = place ? account_entry_load(&place->entry, NULL, 0) : 0;
    if (place && tell)
        tell_to_leave(places, place, why);
    pthread_mutex_unlock(&places->lock);
    return load;
}

/* --- who comes ------------------------------------------------------------------------------ */

/* The narrowest account that holds as much as it may, or NULL. */
static const struct account_sum *full_account(const struct places *places,
                                              const struct account_entry *entry)
{
    const struct places_limits *limits = &places->limits;
    for (size_t i = 0; i < entry->count; i++) {
        if (entry->sums[i]->held >= account_limit(entry->sums[i], limits->peer, limits->all))
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

static struct places_refusal *refusal_of(struct places *places, const struct account_entry *entry)
{
    const struct account *account = entry->count > 0 ? &entry->sums[0]->account : NULL;
    return account
               ? &places->refusals[account_hash(&places->book.key, account) % PLACES_REFUSALS_SETS]
               : NULL;
}

static bool was_refused(struct places *places, const struct account_entry *entry, uint64_t now_ms)
{
    const struct places_refusal *refusal = refusal_of(places, entry);
    return refusal && now_ms < refusal->until_ms &&
           account_same(&refusal->account, &entry->sums[0]->account);
}

static void note_refusal(struct places *places, const struct account_entry *entry, uint64_t now_ms)
{
    struct places_refusal *refusal = refusal_of(places, entry);
    if (refusal)
        *refusal = (struct places_refusal){.account = entry->sums[0]->account,
                                           .until_ms = now_ms + PLACES_REFUSED_MS};
}

/* Whether there is a place, or somebody has been told to leave for it. */
static enum places_answer find_room(struct places *places, const struct account_entry *entry,
                                    uint64_t now_ms)
{
    const struct account_sum *account = full_account(places, entry);
    if (!account && places->used - places->going < places_for(places, entry))
        return PLACES_TAKEN;
    enum places_answer refusal = account ? PLACES_PEER_FULL : PLACES_FULL;
    struct room_search search = {.account = account, .newcomer = entry, .now_ms = now_ms};
    if (many_are_leaving(places) || was_refused(places, entry, now_ms))
        return refusal;
    if (make_room(places, search, account ? CUT_PEER_FULL : CUT_FULL))
        return PLACES_TAKEN;
    note_refusal(places, entry, now_ms);
    return refusal;
}

/* Under the lock. */
static enum places_answer take(struct places *places, const struct newcomer *newcomer,
                               struct place **place)
{
    struct account_entry entry;
    if (places->used == places->size)
        return PLACES_FULL;
    if (account_book_enter(&places->book, newcomer->peer, &entry) < 0)
        return PLACES_NO_MEMORY;
    enum places_answer answer = find_room(places, &entry, newcomer->now_ms);
    if (answer != PLACES_TAKEN) {
        account_book_leave(&places->book, &entry);
        return answer;
    }
    account_entry_hold(&entry, 1);
    struct place *taken = places->free ? places->free : &places->table[places->begun++];
    places->free = taken->next_free;
    places->used++;
    *taken = (struct place){
        .entry = entry,
        .worker = newcomer->worker,
        .since_ms = newcomer->now_ms,
        .settled_ms = newcomer->now_ms + newcomer->delay_ms + PLACES_GRACE_MS,
        .leave = NOBODY,
        .taken = true,
    };
    *place = taken;
    return PLACES_TAKEN;
}

enum places_answer places_take(struct places *places, const struct newcomer *newcomer,
                               struct place **place)
{
    pthread_mutex_lock(&places->lock);
    enum places_answer answer = take(places, newcomer, place);
    pthread_mutex_unlock(&places->lock);
    return answer;
}

void places_leave(struct places *places, struct place *place)
{
    pthread_mutex_lock(&places->lock);
    places->going -= place_wanted(place) != NOBODY;
    places->used--;
    account_book_leave(&places->book, &place->entry);
    account_book_leave(&places->useful, &place->use);
    place->taken = false;
    place->next_free = places->free;
    places->free = place;
    pthread_mutex_unlock(&places->lock);
}

bool places_keep(struct places *places, struct place *place, uint64_t now_ms)
{
    pthread_mutex_lock(&places->lock);
    places->going--; /* a newcomer in its own place */
    places->used--;
    bool stays = find_room(places, &place->entry, now_ms) == PLACES_TAKEN;
    places->used++;
    if (stays) {
        place->settled_ms = now_ms + PLACES_GRACE_MS;
        atomic_store(&place->leave, NOBODY);
        account_entry_hold(&place->entry, 1);
    } else {
        places->going++;
    }
    pthread_mutex_unlock(&places->lock);
    return stays;
}

/* --- who is of use -------------------------------------------------------------------------- */

void places_note_use(struct places *places, struct place *place, const struct accounts *peer)
{
    pthread_mutex_lock(&places->lock);
    if (place->use.count == 0)
        account_book_enter(&places->useful, peer, &place->use);
    pthread_mutex_unlock(&places->lock);
}

struct accounts places_useless(struct places *places, const struct accounts *peer)
{
    struct accounts useless = {.count = 0};
    pthread_mutex_lock(&places->lock);
    for (size_t i = 0; i < peer->count; i++) {
        if (!account_book_find(&places->useful, &peer->at[i]))
            useless.at[useless.count++] = peer->at[i];
    }
    pthread_mutex_unlock(&places->lock);
    return useless;
}
