/*
 * Reads libpsl's compact list, which has all rules (internationalized ones also as they are in the
 * DNS), as a graph of letters. Chromium's make_dafsa.py, from which libpsl's psl-make-dafsa comes,
 * describes it:
 *
 *   node:  char* (last char | 0x80) links    letters, then what may follow them
 *          char* (marks | 0x80)              letters, then the end of a rule; marks are below 0x10
 *   links: of 1 to 3 bytes, the last with 0x80: the distance to the node from the one before, and
 *          of the first one from the links' beginning. 00xxxxxx, 010xxxxx + 1, 011xxxxx + 2 bytes
 */
#include "stats/suffix_list.h"

#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "stats/sample.h"

enum {
    FILE_MAX = 1 << 20,
    NODES_MAX = 1 << 19, /* gone through on all ways together; today's list has 40,000 */
    FIRST_SLOTS = 1 << 12,
    SLOTS_MAX = 1 << 17,
    LAST = 0x80,
};

static const char magic[] = ".DAFSA@PSL_0   \n";
enum { MAGIC = sizeof magic - 1 };

/* --- the table ------------------------------------------------------------------------------ */

static uint64_t *place_of(uint64_t *words, uint32_t mask, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> 32) & mask;
    while (words[at] != 0 && (words[at] ^ hash) > SUFFIX_MARKS)
        at = (at + 1) & mask;
    return &words[at];
}

/* At least half of the table stays free, so that what is not there is soon known. */
static bool make_room(struct suffix_list *list)
{
    uint32_t slots = list->words ? list->mask + 1 : 0;
    if (list->used < slots / 2)
        return true;
    uint32_t more = slots ? 2 * slots : FIRST_SLOTS;
    uint64_t *words = more <= SLOTS_MAX ? calloc(more, sizeof *words) : NULL;
    if (!words)
        return false;
    for (uint32_t i = 0; i < slots; i++) {
        if (list->words[i] != 0)
            *place_of(words, more - 1, list->words[i]) = list->words[i];
    }
    free(list->words);
    list->words = words;
    list->mask = more - 1;
    return true;
}

static bool mark(struct suffix_list *list, struct span domain, unsigned marks)
{
    if (!make_room(list))
        return false;
    uint64_t hash = siphash_bytes(&list->key, domain) & ~(uint64_t)SUFFIX_MARKS;
    uint64_t *word = place_of(list->words, list->mask, hash);
    unsigned bit = suffix_filter_bit(hash);
    list->filter[bit / 64] |= UINT64_C(1) << bit % 64;
    list->used += *word == 0;
    *word |= hash | marks;
    return true;
}

static void set_wild(struct suffix_list *list, struct span tld)
{
    unsigned bit = suffix_wild_bit(tld);
    list->wild[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* Marks the rule's domain, and those above it as ones below which there is a rule. */
static bool add_rule(struct suffix_list *list, struct span text, unsigned marks)
{
    uint8_t wire[SAMPLE_NAME_MAX + 1];
    size_t end = text.len + 1, at = end;
    memcpy(wire + 1, text.ptr, text.len);
    for (size_t i = end; i-- > 0;) {
        if (i > 0 && wire[i] != '.')
            continue;
        wire[i] = (uint8_t)(at - i - 1);
        at = i;
        struct span domain = span_of(wire + i, end - i);
        if (!mark(list, domain, i > 0 ? SUFFIX_DEEPER : SUFFIX_RULE | marks))
            return false;
    }
    if (marks & SUFFIX_WILDCARD && wire[0] == text.len && text.len > 0)
        set_wild(list, span_of(wire, end));
    return true;
}

/* --- the graph ------------------------------------------------------------------------------ */

struct graph {
    struct suffix_list *list;
    const uint8_t *bytes;
    size_t len;
    unsigned nodes; /* that have been gone through */
    uint8_t letters[SAMPLE_NAME_MAX];
};

static bool follow_links(struct graph *graph, size_t at, size_t letters);

/* A letter below the space begins one that is not of ASCII: no name in the DNS has that rule. */
static bool add_letters(struct graph *graph, size_t letters, unsigned marks)
{
    for (size_t i = 0; i < letters; i++) {
        if (graph->letters[i] <= ' ')
            return true;
    }
    return add_rule(graph->list, span_of(graph->letters, letters),
                    marks & (SUFFIX_EXCEPTION | SUFFIX_WILDCARD));
}

static bool read_node(struct graph *graph, size_t at, size_t letters)
{
    while (at < graph->len && letters < sizeof graph->letters && !(graph->bytes[at] & LAST))
        graph->letters[letters++] = graph->bytes[at++];
    if (at >= graph->len || letters == sizeof graph->letters || ++graph->nodes > NODES_MAX)
        return false;
    uint8_t last = graph->bytes[at];
    if (last < (LAST | 0x10))
        return add_letters(graph, letters, last);
    graph->letters[letters++] = last & ~LAST;
    return follow_links(graph, at + 1, letters);
}

/* Adds all rules that begin with the letters and go on with one of the nodes that are linked.
 * False: no memory, or this is no such graph. */
static bool follow_links(struct graph *graph, size_t at, size_t letters)
{
    size_t node = at;
    for (bool last = false; !last;) {
        if (at + 2 >= graph->len)
            return false;
        const uint8_t *link = graph->bytes + at;
        unsigned more = (*link & 0x60) == 0x60 ? 2 : (*link & 0x60) == 0x40;
        size_t distance = *link & (more ? 0x1f : 0x3f);
        for (unsigned i = 1; i <= more; i++)
            distance = distance << 8 | link[i];
        last = *link & LAST;
        at += more + 1;
        node += distance;
        if (!read_node(graph, node, letters))
            return false;
    }
    return true;
}

/* --- the file ------------------------------------------------------------------------------- */

static uint8_t *read_bytes(FILE *file, size_t *len)
{
    struct stat st;
    if (fstat(fileno(file), &st) < 0 || st.st_size < MAGIC || st.st_size > FILE_MAX ||
        st.st_mtime < psl_builtin_file_time())
        return NULL;
    *len = (size_t)st.st_size;
    uint8_t *bytes = malloc(*len);
    if (bytes && (fread(bytes, 1, *len, file) != *len || memcmp(bytes, magic, MAGIC) != 0)) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

/* libpsl gets the file, too: it answers where a name is none for the table. */
static bool read_list(struct suffix_list *list, FILE *file)
{
    size_t len;
    uint8_t *bytes = read_bytes(file, &len);
    if (!bytes)
        return false;
    struct graph graph = {.list = list, .bytes = bytes + MAGIC, .len = len - MAGIC};
    bool whole = follow_links(&graph, 0, 0);
    free(bytes);
    rewind(file);
    return whole && (list->psl = psl_load_fp(file));
}

void suffix_list_load(struct suffix_list *list, const struct siphash_key *key, const char *path)
{
    *list = (struct suffix_list){.key = *key};
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file)
        return;
    if (!read_list(list, file))
        suffix_list_free(list);
    fclose(file);
}

void suffix_list_init(struct suffix_list *list, const struct siphash_key *key)
{
    suffix_list_load(list, key, psl_dist_filename());
}

void suffix_list_free(struct suffix_list *list)
{
    psl_free(list->psl);
    free(list->words);
    list->psl = NULL;
    list->words = NULL;
}
