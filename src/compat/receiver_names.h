/* Names between commas, as the routes of dnstap-receiver are given them: each counts once. */
#ifndef SPILE_COMPAT_RECEIVER_NAMES_H
#define SPILE_COMPAT_RECEIVER_NAMES_H

#include "api/route.h"

enum { RECEIVER_NAMES_MAX = 512 };

/* Borrows the texts. */
struct receiver_names {
    struct span items[RECEIVER_NAMES_MAX];
    size_t count;
};

/* Those of a constant list (ends with NULL), then those of the parameter `more` of this request
 * alone: 4.7.0 adds them to its configuration. -1: too many; the reply then says so. */
int receiver_names_read(struct receiver_names *names, const char *const *fallback,
                        const struct api_request *request, struct api_reply *reply);

#endif
