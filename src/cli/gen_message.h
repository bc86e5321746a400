/* The DNS messages of an exchange, 40 to 1400 bytes each. */
#ifndef SPILE_CLI_GEN_MESSAGE_H
#define SPILE_CLI_GEN_MESSAGE_H

#include "cli/gen_exchange.h"
#include "cli/gen_random.h"

enum {
    GEN_MESSAGE_MIN = 40,
    GEN_MESSAGE_MAX = 1400,
    GEN_RECORD_MAX = 800, /* no single record is longer */
};

/* Records are written behind `len` and taken back where they do not fit. Owner: one function. */
struct gen_message {
    uint8_t bytes[GEN_MESSAGE_MAX + GEN_RECORD_MAX];
    size_t len;
    size_t record; /* where the record under way begins */
    size_t rdata;  /* and its data */
    size_t target; /* where the data of the last record of the last set begin */
    const struct gen_exchange *x;
    struct gen_random random;
};

void gen_message_query(struct gen_message *m, const struct gen_exchange *x);
void gen_message_response(struct gen_message *m, const struct gen_exchange *x);

#endif
