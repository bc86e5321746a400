#include "stats/table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/pages.h"

enum {
    KEY_MAX = 255,
    EVICT_PART = 3,  /* so much of a full table goes at once: 1 / EVICT_PART */
    SPARED_PART = 8, /* spared are 1 / SPARED_PART of its rows, and as many by the elder table; both
                        together are less than what goes */
    /* Of one row, those included whose cells carry: these are for 2^32 hits each. */
    BLOCKS_MAX = STATS_ROW_BLOCKS + 10,
    GATE_SLOTS = 2, /* for one of the index */
    CACHE_LINE = 64,
    NO_ROW = UINT32_MAX,
    ROWS_MIN = 4,
};

/* One row in so many has a second block of cells, on average. */
static const unsigned more_blocks[] = {[STATS_CELLS] = 4, [STATS_TALLIED] = 2};

static size_t at_least(size_t value, size_t least)
{
    return value > least ? value : least;
}

/* Blocks of cells: one for each row; and behind these room for twice what one row may have, so that
 * there is some for it when all others but one are gone. */
static uint32_t blocks_for(size_t rows, enum stats_cells cells)
{
    return cells ? (uint32_t)(rows + at_least(rows / more_blocks[cells], 2 * BLOCKS_MAX)) : 0;
}

static uint32_t keys_for(uint32_t rows, unsigned mean_key)
{
    size_t keys = at_least((size_t)rows * mean_key, KEY_MAX);
    return (uint32_t)(keys < UINT32_MAX ? keys : UINT32_MAX);
}

/* The next array of `size` bytes: its place behind `base` (which may be NULL: none), and *end
 * moves. */
static void *place(uint8_t *base, size_t *end, size_t size)
{
    size_t at = *end;
    *end += (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    return base ? base + at : NULL;
}

/* The index. Evicting needs its place for a weight of each row. */
static size_t index_bytes(const struct stats_table *t)
{
    size_t index = ((size_t)t->index_mask + 1) * sizeof *t->index;
    return at_least(index, t->row_max * sizeof(uint64_t));
}

static size_t gate_bytes(const struct stats_table *t)
{
    return ((size_t)t->index_mask + 1) * GATE_SLOTS;
}

/* All arrays one behind the other. Returns their size. */
static size_t lay_out(struct stats_table *t, uint8_t *base)
{
    size_t end = 0;
    t->rows = place(base, &end, t->row_max * sizeof *t->rows);
    t->index = place(base, &end, index_bytes(t));
    t->gate.room = place(base, &end, gate_bytes(t));
    t->gate.mask = (uint32_t)gate_bytes(t) - 1;
    t->keys = place(base, &end, t->keys_max);
    t->blocks = t->block_max ? place(base, &end, t->block_max * sizeof *t->blocks) : NULL;
    return end;
}

int stats_table_init(struct stats_table *table, size_t memory, unsigned mean_key,
                     enum stats_cells cells)
{
    size_t block = sizeof *table->blocks, slot = sizeof *table->index + GATE_SLOTS;
    size_t row_bytes =
        sizeof *table->rows + mean_key + (cells ? block + block / more_blocks[cells] : 0);
    size_t rows = at_least(memory / (row_bytes + 2 * slot), ROWS_MIN);
    struct stats_table made = {
        .row_max = (uint32_t)(rows < 1u << 30 ? rows : 1u << 30),
        .index_mask = 7,
        .mean_key = mean_key,
        .cells = cells,
    };
    /* A third of the index is free at least; row + 1 fits into the mask, too. */
    while (made.index_mask < made.row_max + made.row_max / 2)
        made.index_mask = made.index_mask * 2 + 1;
    /* The index comes in powers of two: what it leaves is for rows. */
    size_t slots = (size_t)made.index_mask + 1, most = slots / 3 * 2;
    size_t fit = memory > slots * slot ? (memory - slots * slot) / row_bytes : 0;
    if (fit > slots / 2)
        fit = at_least((memory - slots * GATE_SLOTS) / (row_bytes + sizeof(uint64_t)), slots / 2);
    fit = at_least(fit, ROWS_MIN);
    made.row_max = (uint32_t)(fit < most ? fit : most);
    made.row_most = made.row_max;
    made.keys_most = made.keys_max = keys_for(made.row_max, mean_key);
    made.block_max = blocks_for(made.row_max, cells);
    made.block_count = made.row_max;
    made.pages_size = lay_out(&made, NULL);
    made.pages = pages_alloc(made.pages_size);
    if (!made.pages)
        return -1;
    lay_out(&made, made.pages);
    pages_small(made.keys, made.keys_max);
    *table = made;
    return 0;
}

void stats_table_free(struct stats_table *table)
{
    if (!table)
        return;
    pages_free(table->pages, table->pages_size);
    free(table->wides);
    *table = (struct stats_table){0};
}

static void clear_index(struct stats_table *table)
{
    memset(table->index, 0, ((size_t)table->index_mask + 1) * sizeof *table->index);
}

void stats_table_clear(struct stats_table *table)
{
    if (table->row_count)
        clear_index(table);
    stats_gate_clear(&table->gate);
    table->row_count = table->keys_len = table->block_free = table->wide_count = 0;
    table->block_count = table->row_max;
    table->mark_count = 0;
    table->floor = table->evicted = 0;
    table->folding = false;
    table->folded = 0;
}

void stats_table_mark(struct stats_table *table)
{
    if (table->mark_count == STATS_MARKS) {
        table->mark_count--;
        memmove(table->marks, table->marks + 1, table->mark_count * sizeof *table->marks);
    }
    table->marks[table->mark_count++] = table->row_count;
}

/* --- values --------------------------------------------------------------------------------- */

const uint8_t stats_count_measures[STATS_COUNTS] = {
    [COUNT_QUERIES] = MEASURE_QUERIES,   [COUNT_RESPONSES] = MEASURE_RESPONSES,
    [COUNT_NXDOMAIN] = MEASURE_NXDOMAIN, [COUNT_FAILED] = MEASURE_FAILED,
    [COUNT_TIMED] = MEASURE_TIMED,       [COUNT_SERVFAIL] = MEASURE_SERVFAIL,
    [COUNT_REFUSED] = MEASURE_REFUSED,   [COUNT_NODATA] = MEASURE_NODATA,
};
const uint8_t stats_sum_measures[STATS_SUMS] = {
    [SUM_QUERY_BYTES] = MEASURE_QUERY_BYTES,
    [SUM_RESPONSE_BYTES] = MEASURE_RESPONSE_BYTES,
    [SUM_LATENCY] = MEASURE_LATENCY,
};
static_assert(STATS_COUNTS + STATS_SUMS + 1 == STATS_MEASURES, "all but the slowest are in a row");

uint64_t stats_row_wide_count(const struct stats_table *table, const struct stats_row *row,
                              enum stats_count count)
{
    uint64_t high = row->wide ? table->wides[row->wide - 1].of[count] : 0;
    return high << 32 | row->counts[count];
}

void stats_row_values(const struct stats_table *table, const struct stats_row *row,
                      struct stats_values *values)
{
    for (int i = 0; i < STATS_COUNTS; i++)
        values->of[stats_count_measures[i]] = row->counts[i];
    for (int i = 0; row->wide && i < STATS_COUNTS; i++)
        values->of[stats_count_measures[i]] |= (uint64_t)table->wides[row->wide - 1].of[i] << 32;
    for (int i = 0; i < STATS_SUMS; i++)
        values->of[stats_sum_measures[i]] = row->sums[i];
    values->of[MEASURE_SLOWEST] = row->slowest_us;
}

/* The row's upper halves, new ones where it has none; NULL: no memory. */
static struct stats_wide *wide_of(struct stats_table *table, struct stats_row *row)
{
    if (row->wide)
        return &table->wides[row->wide - 1];
    if (table->wide_count == table->wide_max) {
        uint32_t max = 2 * table->wide_max + 4;
        struct stats_wide *wides = realloc(table->wides, max * sizeof *wides);
        if (!wides)
            return NULL;
        table->wides = wides;
        table->wide_max = max;
    }
    table->wides[table->wide_count] = (struct stats_wide){{0}};
    row->wide = ++table->wide_count;
    return &table->wides[row->wide - 1];
}

/* Adds 2^32 times `high` to one of the row's counts. For want of memory it is an error. */
static void count_high(struct stats_table *table, struct stats_row *row, int count, uint64_t high)
{
    struct stats_wide *wide = wide_of(table, row);
    if (wide)
        wide->of[count] += (uint32_t)high;
    else if (count == COUNT_QUERIES || count == COUNT_RESPONSES)
        row->error += high << 32;
}

void stats_row_add(struct stats_table *table, struct stats_row *row,
                   const struct stats_values *values)
{
    uint64_t high = 0, slowest = values->of[MEASURE_SLOWEST];
    uint64_t counts[STATS_COUNTS];
    for (int i = 0; i < STATS_COUNTS; i++) {
        counts[i] = row->counts[i] + values->of[stats_count_measures[i]];
        row->counts[i] = (uint32_t)counts[i];
        high |= counts[i] >> 32;
    }
    for (int i = 0; high && i < STATS_COUNTS; i++) {
        if (counts[i] >> 32)
            count_high(table, row, i, counts[i] >> 32);
    }
    for (int i = 0; i < STATS_SUMS; i++)
        row->sums[i] = stats_sum_up(row->sums[i], values->of[stats_sum_measures[i]]);
    slowest = slowest < UINT32_MAX ? slowest : UINT32_MAX;
    if (slowest > row->slowest_us)
        row->slowest_us = (uint32_t)slowest;
}

/* --- finding and evicting ------------------------------------------------------------------- */

/* The place in the index that the row has, or would get; in the latter case it holds 0. */
static uint32_t *index_find(const struct stats_table *table, uint64_t hash, uint16_t group)
{
    uint32_t mask = table->index_mask, tag = stats_table_tag(table, hash);
    for (uint32_t slot = stats_table_slot(table, hash, group);; slot = (slot + 1) & mask) {
        uint32_t *entry = &table->index[slot];
        if (*entry == 0)
            return entry;
        if ((*entry & ~mask) != tag)
            continue;
        const struct stats_row *row = &table->rows[(*entry & mask) - 1];
        if (row->hash == hash && row->group == group)
            return entry;
    }
}

const struct stats_row *stats_table_find(const struct stats_table *table, uint64_t hash,
                                         uint16_t group)
{
    uint32_t entry = *index_find(table, hash, group);
    return entry ? &table->rows[(entry & table->index_mask) - 1] : NULL;
}

/* Puts all rows into the empty index. They all differ, so none needs to be compared with another.
 */
static void index_rows(struct stats_table *table)
{
    uint32_t mask = table->index_mask;
    for (uint32_t i = 0; i < table->row_count; i++) {
        const struct stats_row *row = &table->rows[i];
        uint32_t slot = stats_table_slot(table, row->hash, row->group);
        while (table->index[slot])
            slot = (slot + 1) & mask;
        table->index[slot] = stats_table_tag(table, row->hash) | (i + 1);
    }
}

/* Byte by byte from the top: always linear, whatever somebody has thought up. */
uint64_t stats_weight_at(const uint64_t *weights, uint32_t count, uint32_t *rank)
{
    uint64_t found = 0, known = 0, all = 0;
    for (uint32_t i = 0; i < count; i++)
        all |= weights[i];
    for (int shift = all ? (63 - __builtin_clzll(all)) & ~7 : 0; shift >= 0; shift -= 8) {
        uint32_t bins[256] = {0}, bin = 0;
        for (uint32_t i = 0; i < count; i++)
            bins[weights[i] >> shift & 255] += (weights[i] & known) == found;
        while (*rank >= bins[bin])
            *rank -= bins[bin++];
        found |= (uint64_t)bin << shift;
        known |= UINT64_C(255) << shift;
    }
    return found;
}

/* A row's blocks but the first become free. */
static void free_blocks(struct stats_table *table, uint32_t row)
{
    uint32_t *end = &table->blocks[row].next, first = *end;
    while (*end)
        end = &table->blocks[*end].next;
    *end = table->block_free;
    table->block_free = first ? first : table->block_free;
}

/* Rows that close the gaps between them, in their order; the marks go with them. */
struct closing {
    uint32_t left; /* rows that have their new numbers */
    uint32_t mark; /* the first mark that has not */
};

static struct closing begin_closing(struct stats_table *table)
{
    table->keys_len = 0;
    return (struct closing){0};
}

/* The rows from number `from` on come next. */
static void move_marks(struct stats_table *table, struct closing *c, uint32_t from)
{
    for (; c->mark < table->mark_count && table->marks[c->mark] <= from; c->mark++)
        table->marks[c->mark] = c->left;
}

static void end_closing(struct stats_table *table, struct closing *c)
{
    move_marks(table, c, table->row_count);
    table->row_count = c->left;
}

/* Moves a row that stays behind those before it, and its key. */
static void move_row(struct stats_table *table, uint32_t from, struct closing *c)
{
    uint32_t to = c->left;
    move_marks(table, c, from);
    c->left++;
    struct stats_row *row = &table->rows[from];
    memmove(table->keys + table->keys_len, table->keys + row->key_at, row->key_len);
    row->key_at = table->keys_len;
    table->keys_len += row->key_len;
    if (from == to)
        return;
    table->rows[to] = *row;
    if (table->blocks)
        table->blocks[to] = table->blocks[from];
}

/* Which rows to drop: those that weigh less than the limit, and the first ones of those that weigh
 * as much. */
struct eviction {
    uint64_t limit;
    uint32_t ties; /* so many of these */
    uint32_t keep; /* but never this one */
    bool spare;    /* nor those with more hits than this, or whose keys are among the heaviest of
                      the elder table */
    uint64_t hits;
};

/* Hits that few rows have more of. `space`: for a number of each row. */
static uint64_t many_hits(const struct stats_table *table, uint64_t *space)
{
    uint32_t count = table->row_count, rank = count - 1 - count / SPARED_PART;
    for (uint32_t i = 0; i < count; i++)
        space[i] = stats_row_hits(table, &table->rows[i]);
    return stats_weight_at(space, count, &rank);
}

static bool is_spared(const struct stats_table *table, const struct stats_row *row, uint64_t hits)
{
    const struct stats_table *elder = table->elder;
    if (stats_row_hits(table, row) > hits)
        return true;
    const struct stats_row *there = elder ? stats_table_find(elder, row->hash, row->group) : NULL;
    return there && stats_row_weight(elder, there) > table->elder_limit;
}

/* Returns the new number of the row that is to be kept, if there is one. */
static uint32_t drop_rows(struct stats_table *table, const uint64_t *weights, struct eviction e)
{
    uint32_t count = table->row_count, kept = NO_ROW;
    struct closing closing = begin_closing(table);
    for (uint32_t i = 0; i < count; i++) {
        bool light = weights[i] < e.limit || (weights[i] == e.limit && e.ties && e.ties--);
        if (light && !(e.spare && is_spared(table, &table->rows[i], e.hits))) {
            const struct stats_row *row = &table->rows[i];
            stats_gate_leave(&table->gate, row->hash, row->group, table->floor - weights[i]);
            if (table->blocks)
                free_blocks(table, i);
            continue;
        }
        if (i == e.keep)
            kept = closing.left;
        move_row(table, i, &closing);
    }
    end_closing(table, &closing);
    table->evicted += count - table->row_count;
    return kept;
}

static void raise_floor(struct stats_table *table, uint64_t to)
{
    if (to <= table->floor)
        return;
    stats_gate_rise(&table->gate, to - table->floor);
    table->floor = to;
}

/* Drops the lightest rows, of equal ones those that came first; but never the row `keep`, if there
 * is one, whose new number is returned. There must be another row. */
static uint32_t evict(struct stats_table *table, uint32_t keep)
{
    uint32_t count = table->row_count;
    /* Of the index nothing is needed meanwhile. */
    uint64_t *weights = (uint64_t *)table->index;
    struct eviction e = {.ties = (count - 1) / EVICT_PART, .keep = keep, .spare = true};
    e.hits = many_hits(table, weights);
    for (uint32_t i = 0; i < count; i++)
        weights[i] = stats_row_weight(table, &table->rows[i]);
    if (keep != NO_ROW)
        weights[keep] = UINT64_MAX;
    e.limit = stats_weight_at(weights, count, &e.ties);
    e.ties++;
    raise_floor(table, e.limit);
    uint32_t kept = drop_rows(table, weights, e);
    if (table->row_count == count) { /* few rows with long keys, and all of them are spared */
        e.spare = false;
        kept = drop_rows(table, weights, e);
    }
    clear_index(table);
    index_rows(table);
    return kept;
}

/* A new row, whose place in the index that is. */
static struct stats_row *add_row(struct stats_table *table, uint32_t *entry, uint64_t hash,
                                 uint16_t group, struct span key)
{
    assert(key.len <= KEY_MAX);
    while (table->row_count >= table->row_most || key.len > table->keys_most - table->keys_len) {
        evict(table, NO_ROW);
        entry = index_find(table, hash, group);
    }
    if (table->blocks)
        table->blocks[table->row_count] = (struct stats_block){0};
    struct stats_row *row = &table->rows[table->row_count++];
    *row = (struct stats_row){
        .hash = hash,
        .error = table->floor,
        .key_at = table->keys_len,
        .group = group,
        .key_len = (uint8_t)key.len,
    };
    if (key.len)
        memcpy(table->keys + table->keys_len, key.ptr, key.len);
    table->keys_len += row->key_len;
    *entry = stats_table_tag(table, hash) | table->row_count;
    return row;
}

struct stats_row *stats_table_row(struct stats_table *table, uint64_t hash, uint16_t group,
                                  struct span key, bool *fresh)
{
    uint32_t *entry = index_find(table, hash, group);
    *fresh = *entry == 0;
    return *fresh ? add_row(table, entry, hash, group, key)
                  : &table->rows[(*entry & table->index_mask) - 1];
}

struct stats_row *stats_table_admit(struct stats_table *table, uint64_t hash, uint16_t group,
                                    struct span key, uint64_t hits, bool *fresh)
{
    uint32_t *entry = index_find(table, hash, group);
    *fresh = *entry == 0;
    if (!*fresh)
        return &table->rows[(*entry & table->index_mask) - 1];
    table->gate.used = true;
    if (table->floor > 0 && !stats_gate_passes(&table->gate, hash, group, hits))
        return NULL;
    struct stats_row *row = add_row(table, entry, hash, group, key);
    row->error = stats_table_missed(table, hash, group);
    return row;
}

/* Returns the memory of an array from one element to another. */
static void forget(void *array, size_t size, uint32_t from, uint32_t to)
{
    if (array && from < to)
        pages_forget((uint8_t *)array + from * size, (to - from) * size);
}

void stats_table_limit(struct stats_table *table, size_t memory)
{
    size_t block = table->blocks ? sizeof *table->blocks : 0;
    size_t gate = table->gate.used ? gate_bytes(table) : 0; /* else no page of it is there */
    size_t shared =
        index_bytes(table) + gate + (block ? table->block_max - table->row_max : 0) * block;
    size_t fit =
        memory > shared ? (memory - shared) / (sizeof *table->rows + table->mean_key + block) : 0;
    fit = at_least(fit, ROWS_MIN);
    table->row_most = (uint32_t)(fit < table->row_max ? fit : table->row_max);
    table->keys_most = keys_for(table->row_most, table->mean_key);
    while (table->row_count > table->row_most || table->keys_len > table->keys_most)
        evict(table, NO_ROW);
    forget(table->rows, sizeof *table->rows, table->row_most, table->row_max);
    forget(table->keys, 1, table->keys_most, table->keys_max);
    forget(table->blocks, block, table->row_most, table->row_max);
}

void stats_table_follow(struct stats_table *table, const struct stats_table *elder)
{
    uint32_t count = elder->row_count, rank = table->row_most / SPARED_PART;
    uint64_t *weights = count > rank ? malloc(count * sizeof *weights) : NULL;
    table->elder = elder;
    table->elder_limit = count > rank ? UINT64_MAX : 0; /* without memory for it none is spared */
    if (weights) {
        for (uint32_t i = 0; i < count; i++)
            weights[i] = stats_row_weight(elder, &elder->rows[i]);
        rank = count - 1 - rank;
        table->elder_limit = stats_weight_at(weights, count, &rank);
        free(weights);
    }
    stats_gate_close(&table->gate);
    for (uint32_t i = 0; table->elder_limit < UINT64_MAX && i < count; i++) {
        const struct stats_row *row = &elder->rows[i];
        if (stats_row_weight(elder, row) > table->elder_limit)
            stats_gate_open(&table->gate, row->hash, row->group);
    }
}

void stats_table_succeed(struct stats_table *table, const struct stats_table *before)
{
    table->elder = before->elder;
    /* As all rows there weigh now. */
    table->elder_limit = stats_sum_up(before->elder_limit, before->floor);
    stats_gate_open_like(&table->gate, &before->gate);
}

void stats_table_seal(struct stats_table *table)
{
    table->elder = NULL;
    pages_forget(table->index, index_bytes(table));
    pages_forget(table->gate.room, gate_bytes(table));
    if (table->cells == STATS_TALLIED)
        return;
    if (table->blocks)
        pages_forget(table->blocks, table->block_max * sizeof *table->blocks);
    table->blocks = NULL;
}

/* The row's cell, or the place for it: those that came first, which are mostly the frequent ones,
 * are found first. NULL: all blocks are full; *last is the last one, NULL when there may be no
 * more. */
static struct stats_cell *find_cell(const struct stats_table *table, const struct stats_row *row,
                                    const struct stats_cell *like, struct stats_block **last)
{
    struct stats_block *block = &table->blocks[row - table->rows];
    unsigned most = like->carries ? BLOCKS_MAX : STATS_ROW_BLOCKS;
    for (unsigned blocks = 1;; blocks++) {
        for (int i = 0; i < STATS_BLOCK_CELLS; i++) {
            struct stats_cell *cell = &block->cells[i];
            if (cell->hits == 0 ||
                (cell->qtype == like->qtype && cell->rcode == like->rcode &&
                 cell->direction == like->direction && cell->carries == like->carries))
                return cell;
        }
        *last = blocks < most ? block : NULL;
        if (!block->next)
            return NULL;
        block = &table->blocks[block->next];
    }
}

/* A new block behind the row's last; false: there is none. */
static bool add_block(struct stats_table *table, struct stats_block *last)
{
    uint32_t number = table->block_free;
    if (number)
        table->block_free = table->blocks[number].next;
    else if (table->block_count < table->block_max)
        number = table->block_count++;
    else
        return false;
    table->blocks[number] = (struct stats_block){0};
    last->next = number;
    return true;
}

/* The row's cell of that kind, where need be a new one, for which others are evicted. NULL: it may
 * have no more. */
static struct stats_cell *cell_for(struct stats_table *table, struct stats_row **row,
                                   const struct stats_cell *like)
{
    struct stats_cell *cell;
    struct stats_block *last = NULL;
    while (!(cell = find_cell(table, *row, like, &last)) && last) {
        if (!add_block(table, last))
            *row = &table->rows[evict(table, (uint32_t)(*row - table->rows))];
    }
    if (cell && cell->hits == 0)
        *cell = *like;
    return cell;
}

/* Adds hits to a cell, which keeps some. Returns what is to be carried. */
static uint32_t add_hits(struct stats_cell *cell, uint64_t hits)
{
    uint64_t sum = cell->hits + hits;
    uint64_t carry = sum > UINT32_MAX ? (sum - 1) >> STATS_CARRY_BITS : 0;
    cell->hits = (uint32_t)(sum - (carry << STATS_CARRY_BITS));
    return (uint32_t)carry;
}

void stats_table_cell(struct stats_table *table, struct stats_row **row, unsigned direction,
                      uint16_t qtype, uint16_t rcode, uint64_t hits)
{
    struct stats_cell like = {
        .qtype = qtype, .rcode = rcode & STATS_NO_RCODE, .direction = direction & 1};
    struct stats_cell *cell = cell_for(table, row, &like);
    uint32_t carry = cell ? add_hits(cell, hits) : 0;
    if (carry == 0)
        return;
    like.carries = 1;
    cell = cell_for(table, row, &like);
    if (cell)
        cell->hits += carry;
}

const struct stats_cell *stats_row_cell(const struct stats_table *table,
                                        const struct stats_row *row, const struct stats_cell *after)
{
    if (!table->blocks)
        return NULL;
    size_t at = after ? (size_t)((const char *)(after + 1) - (const char *)table->blocks)
                      : (size_t)(row - table->rows) * sizeof *table->blocks;
    const struct stats_block *block = &table->blocks[at / sizeof *block];
    const struct stats_cell *cell = after ? after + 1 : block->cells;
    if (cell == block->cells + STATS_BLOCK_CELLS) {
        if (!block->next)
            return NULL;
        cell = table->blocks[block->next].cells;
    }
    return cell->hits ? cell : NULL;
}

void stats_row_tally(const struct stats_table *table, const struct stats_row *row,
                     struct stats_tally *tally)
{
    for (const struct stats_cell *c = stats_row_cell(table, row, NULL); c;
         c = stats_row_cell(table, row, c)) {
        if (c->qtype < STATS_TALLIES)
            tally->of[c->qtype] += stats_cell_hits(c);
    }
}

struct span stats_row_key(const struct stats_table *table, const struct stats_row *row)
{
    return span_of(table->keys + row->key_at, row->key_len);
}

/* --- groups that are no longer told apart --------------------------------------------------- */

/* The row's cell of that kind, as far as there is room for it without evicting. */
static struct stats_cell *cell_if_room(struct stats_table *table, const struct stats_row *row,
                                       const struct stats_cell *like)
{
    struct stats_block *last = NULL;
    struct stats_cell *cell = find_cell(table, row, like, &last);
    if (!cell && last && add_block(table, last))
        cell = find_cell(table, row, like, &last);
    if (cell && cell->hits == 0) {
        *cell = *like;
        cell->hits = 0;
    }
    return cell;
}

/* Adds hits to the row's cell of that kind, as far as there is room. */
static void add_if_room(struct stats_table *table, const struct stats_row *row,
                        struct stats_cell like, uint64_t hits)
{
    struct stats_cell *cell = cell_if_room(table, row, &like);
    uint32_t carry = cell ? add_hits(cell, hits) : 0;
    like.carries = 1;
    if (carry > 0 && (cell = cell_if_room(table, row, &like)))
        cell->hits += carry;
}

void stats_table_tally(struct stats_table *table, struct stats_row *row, unsigned what,
                       uint64_t hits)
{
    add_if_room(table, row, (struct stats_cell){.qtype = (uint16_t)what}, hits);
}

/* Adds the cells of one row to another's. */
static void join_cells(struct stats_table *table, const struct stats_row *into,
                       const struct stats_row *from)
{
    for (const struct stats_cell *c = stats_row_cell(table, from, NULL); c;
         c = stats_row_cell(table, from, c))
        add_if_room(table, into, *c, c->hits);
}

static void join_rows(struct stats_table *table, struct stats_row *into, uint32_t from)
{
    const struct stats_row *row = &table->rows[from];
    struct stats_values values;
    stats_row_values(table, row, &values);
    stats_row_add(table, into, &values);
    into->error += row->error;
    if (!table->blocks)
        return;
    join_cells(table, into, row);
    free_blocks(table, from);
}

void stats_table_move(struct stats_table *table, const uint16_t *homes)
{
    uint32_t count = table->row_count;
    struct closing closing = begin_closing(table);
    clear_index(table);
    stats_gate_fill(&table->gate);
    for (uint32_t i = 0; i < count; i++) {
        struct stats_row *row = &table->rows[i];
        bool moves = homes[row->group] != row->group;
        row->group = homes[row->group];
        uint32_t *entry = index_find(table, row->hash, row->group);
        if (*entry) {
            join_rows(table, &table->rows[(*entry & table->index_mask) - 1], i);
            continue;
        }
        row->error += moves ? table->floor : 0; /* one of that group may have been dropped */
        *entry = stats_table_tag(table, row->hash) | (closing.left + 1);
        move_row(table, i, &closing);
    }
    end_closing(table, &closing);
}

/* --- tables that become one ------------------------------------------------------------------ */

static void fold_row(struct stats_table *table, const struct stats_table *later,
                     const struct stats_row *from)
{
    bool fresh;
    struct stats_row *row =
        stats_table_row(table, from->hash, from->group, stats_row_key(later, from), &fresh);
    /* Later it had this row, and not the floor there. */
    row->error += from->error - later->floor;
    if (fresh)
        row->tag = from->tag;
    struct stats_values values;
    stats_row_values(later, from, &values);
    stats_row_add(table, row, &values);
    for (const struct stats_cell *c = stats_row_cell(later, from, NULL); c;
         c = stats_row_cell(later, from, c)) {
        if (table->cells == STATS_TALLIED)
            stats_table_tally(table, row, c->qtype, stats_cell_hits(c));
        else
            stats_table_cell(table, &row, c->direction, c->qtype, c->rcode, stats_cell_hits(c));
    }
}

/* First every key gets the later floor, what is missing included; then those that have rows there
 * get these instead. So a row that is evicted between weighs what it may have had at most. */
void stats_table_fold_begin(struct stats_table *table, struct stats_table *later)
{
    for (uint32_t i = 0; later->floor > 0 && i < table->row_count; i++)
        table->rows[i].error += later->floor;
    table->floor += later->floor;
    table->evicted += later->evicted;
    later->folding = true;
    later->folded = 0;
}

/* Asks for the place in the table of a row that comes later, and for the row of one that comes
 * sooner. */
static void fetch_ahead(const struct stats_table *table, const struct stats_table *later)
{
    const uint32_t index_ahead = 16, row_ahead = 8;
    uint32_t left = later->row_count - later->folded;
    const struct stats_row *row = &later->rows[later->folded];
    if (left > index_ahead)
        stats_table_prefetch(table, row[index_ahead].hash, row[index_ahead].group);
    if (left > row_ahead)
        stats_table_prefetch_row(table, row[row_ahead].hash, row[row_ahead].group);
}

bool stats_table_fold_some(struct stats_table *table, struct stats_table *later, uint32_t count)
{
    uint32_t left = later->row_count - later->folded;
    for (uint32_t end = later->folded + (left < count ? left : count); later->folded < end;) {
        fetch_ahead(table, later);
        fold_row(table, later, &later->rows[later->folded]);
        later->folded++;
    }
    return later->folded == later->row_count;
}
