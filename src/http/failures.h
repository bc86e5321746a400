/*
 * Wrong credentials, by who brings them (base/account.h, but of loopback each address by itself).
 * Who has used up an allowance, which is whole again after ten seconds without a failure, is
 * *slowed*: what it asks is answered late, by a constant time, whether its credentials are right or
 * wrong, so that nobody can tell by the time and leave. Nobody is locked out: who shares an address
 * with a guesser waits, and on a connection that was let in before not even that.
 *
 * The table is small and fixed; where it is full the account that has rested longest is forgotten.
 * Thread-safe.
 */
#ifndef SPILE_HTTP_FAILURES_H
#define SPILE_HTTP_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/error.h"

struct failures;
struct sockaddr;

enum { FAILURES_DELAY_MS = 1000 };

struct failures *failures_new(struct error *err);
void failures_free(struct failures *failures);

/* Wrong credentials came from there. Logged: the first at once, others once a minute. */
void failures_note(struct failures *failures, const struct sockaddr *from);
/* Whether replies to who is there are to be late. */
bool failures_slow(struct failures *failures, const struct sockaddr *from);
/* To be called again and again, with clock_ns(): tells of what was not told of yet. True: there is
 * more to be told later. */
bool failures_sweep(struct failures *failures, uint64_t now);
/* How many there were. */
uint64_t failures_count(const struct failures *failures);

#endif
