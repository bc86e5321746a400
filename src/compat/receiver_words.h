/* Names of numbers as dnstap-receiver 4.7.0 has them: frozen, misspellings included. What has no
 * name is "-". */
#ifndef SPILE_COMPAT_RECEIVER_WORDS_H
#define SPILE_COMPAT_RECEIVER_WORDS_H

#include "base/span.h"

/* A short constant text; copied whole, so that its length need not be known when compiled. */
enum { RECEIVER_WORD_MAX = 23 };
struct receiver_word {
    uint8_t len;
    char text[RECEIVER_WORD_MAX];
};

enum { RECEIVER_MESSAGE_TYPES = 14, RECEIVER_FAMILIES = 2, RECEIVER_PROTOCOLS = 7 };

extern const struct receiver_word receiver_message_types[RECEIVER_MESSAGE_TYPES + 1];
extern const struct receiver_word receiver_families[RECEIVER_FAMILIES + 1];
extern const struct receiver_word receiver_protocols[RECEIVER_PROTOCOLS + 1];
extern const struct receiver_word receiver_absent;

const struct receiver_word *receiver_rcode(unsigned rcode);
const struct receiver_word *receiver_rrtype(uint16_t type);

/* The form that words have in counters and tables, which is lower case: whether `lower` is that of
 * the word; and that form, written into `text`. */
bool receiver_word_is(const struct receiver_word *word, struct span lower);
struct span receiver_word_lower(const struct receiver_word *word, char text[RECEIVER_WORD_MAX]);
/* The number with that name, given in lower case; -1: there is none. "-" is no name. */
int receiver_rcode_number(struct span lower);
int receiver_rrtype_number(struct span lower);

/* May write up to sizeof word->text bytes behind the word. */
static inline char *receiver_put_word(char *p, const struct receiver_word *word)
{
    memcpy(p, word->text, sizeof word->text);
    return p + word->len;
}

#endif
