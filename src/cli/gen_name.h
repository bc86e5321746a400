/* The generator's domain names: each a function of its number alone. */
#ifndef SPILE_CLI_GEN_NAME_H
#define SPILE_CLI_GEN_NAME_H

#include "base/span.h"

enum { GEN_NAME_MIN = 13, GEN_NAME_MAX = 255 };

/* A name in wire form, at least GEN_NAME_MIN bytes. */
struct gen_name {
    uint8_t wire[GEN_NAME_MAX];
    uint8_t len;
    uint8_t zone; /* offset of the registered domain in `wire` */
};

/* A host of the `number`-th domain: "www.tarivelo.com". */
void gen_name_host(struct gen_name *name, uint32_t number);
/* Puts a service's labels in front of the registered domain: "_sip._tcp.tarivelo.com". */
void gen_name_service(struct gen_name *name, const char *labels);
/* The reverse name of an address of 4 or 16 bytes. */
void gen_name_reverse(struct gen_name *name, struct span address);

#endif
