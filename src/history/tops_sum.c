#include "history/tops_sum.h"

#include <stdlib.h>

#include "history/counts.h"

enum {
    ROWS_LEAST = 1 << 14, /* before a cut; and so many times the rows that it keeps */
    ROWS_TIMES = 3,
    SLOTS_LEAST = 1 << 10,
};

/*
 * Every list adds its floor to the errors of all rows that it does not have. So that they need not
 * be touched, errors are kept less the sum's floor, and may be "below zero": unsigned numbers wrap,
 * and come back with tops_sum_end.
 */
static void shift_errors(struct tops *list, const uint64_t by[TOPS_BOUNDED])
{
    for (uint32_t i = 0; i < list->len; i++) {
        for (int r = 0; r < TOPS_BOUNDED; r++)
            list->rows[i].error[r] += by[r];
    }
}

static uint32_t *slot_of(const struct tops_sum *sum, struct span text)
{
    size_t mask = sum->slot_count - 1, at = (size_t)siphash_bytes(sum->key, text) & mask;
    while (sum->slots[at] &&
           !span_equal(tops_text(&sum->list, &sum->list.rows[sum->slots[at] - 1]), text))
        at = (at + 1) & mask;
    return &sum->slots[at];
}

/* Hashes all rows anew, with room for as many again. */
static bool hash_all(struct tops_sum *sum)
{
    size_t count = SLOTS_LEAST;
    while (count < 4 * (size_t)sum->list.len)
        count *= 2;
    free(sum->slots);
    sum->slots = calloc(count, sizeof *sum->slots);
    sum->slot_count = sum->slots ? count : 0;
    for (uint32_t i = 0; sum->slots && i < sum->list.len; i++)
        *slot_of(sum, tops_text(&sum->list, &sum->list.rows[i])) = i + 1;
    return sum->slots != NULL;
}

/* Cuts the list; the texts of rows that are gone go, too. */
static void cut(struct tops_sum *sum)
{
    struct tops *list = &sum->list, kept = {0};
    uint64_t back[TOPS_BOUNDED];
    shift_errors(list, list->floor);
    tops_cut_by(list, sum->n, sum->ranks);
    for (uint32_t i = 0; i < list->len; i++) {
        const struct tops_row *row = &list->rows[i];
        struct tops_row *copy = tops_append(&kept, tops_text(list, row));
        if (!copy)
            break;
        copy->values = row->values;
        memcpy(copy->error, row->error, sizeof copy->error);
        tops_tally_add(&kept, copy, tops_tally(list, row));
    }
    kept.failed |= list->failed;
    for (int r = 0; r < TOPS_BOUNDED; r++)
        back[r] = -(kept.floor[r] = list->floor[r]);
    shift_errors(&kept, back);
    tops_free(list);
    *list = kept;
}

static bool has_room(struct tops_sum *sum)
{
    size_t most = ROWS_TIMES * sum->n * TOPS_RANKS;
    if (sum->list.len >= (most > ROWS_LEAST ? most : ROWS_LEAST)) {
        cut(sum);
        return hash_all(sum);
    }
    return 2 * (size_t)sum->list.len < sum->slot_count || hash_all(sum);
}

/* Adds a row to that of the same text, or as a new one, which may have had the floor of all lists
 * before. The sum's floor has that of the list already, which is not for the rows that it has. */
static bool add_row(struct tops_sum *sum, const struct tops_row *row)
{
    struct span text = tops_text(&sum->read, row);
    if (!tops_is_in(text, &sum->part))
        return true;
    if (!has_room(sum))
        return false;
    uint32_t *slot = slot_of(sum, text);
    struct tops_row *into = *slot ? &sum->list.rows[*slot - 1] : tops_append(&sum->list, text);
    if (!into)
        return false;
    *slot = (uint32_t)(into - sum->list.rows) + 1;
    stats_values_add(&into->values, &row->values);
    tops_tally_add(&sum->list, into, tops_tally(&sum->read, row));
    for (int r = 0; r < TOPS_BOUNDED; r++)
        into->error[r] += row->error[r] - sum->read.floor[r];
    return true;
}

bool tops_sum_add(struct tops_sum *sum, struct span bytes)
{
    tops_clear(&sum->read);
    int rc = tops_decode(&sum->read, bytes);
    bool good = rc != READ_NO_MEMORY;
    for (int r = 0; rc == 0 && r < TOPS_BOUNDED; r++)
        sum->list.floor[r] += sum->read.floor[r];
    for (uint32_t i = 0; rc == 0 && good && i < sum->read.len; i++)
        good = add_row(sum, &sum->read.rows[i]);
    sum->list.failed |= !good;
    return !sum->list.failed;
}

struct tops tops_sum_end(struct tops_sum *sum)
{
    struct tops list = sum->list;
    shift_errors(&list, list.floor);
    tops_cut_by(&list, sum->n, sum->ranks);
    tops_sort(&list);
    free(sum->slots);
    tops_free(&sum->read);
    *sum = (struct tops_sum){0};
    return list;
}
