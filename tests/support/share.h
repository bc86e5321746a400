/* How much of its work a test does: all of it, or where SPILE_TEST_SHARE=N is set (an emulated
 * machine, a sanitized program) the Nth part, since what differs there does so for many inputs
 * alike. With SPILE_TEST_SHARE=whole, at length, it does all, and also what a check leaves out
 * everywhere. share.py is the same for Python.
 */
#ifndef SPILE_TESTS_SHARE_H
#define SPILE_TESTS_SHARE_H

#include <stdlib.h>
#include <string.h>

/* N, or 1. */
static inline int share_parts(void)
{
    const char *share = getenv("SPILE_TEST_SHARE");
    int parts = share ? atoi(share) : 1;
    return parts > 1 ? parts : 1;
}

/* Of so many rounds the test's share, at least 1. */
static inline int share_of(int rounds)
{
    int some = rounds / share_parts();
    return some > 1 ? some : 1;
}

/* Of rounds that a reference makes slow a check does one of so many, and there its share. */
static inline int share_of_slow(int rounds, int parts)
{
    const char *share = getenv("SPILE_TEST_SHARE");
    return share && strcmp(share, "whole") == 0 ? rounds : share_of(rounds / parts);
}

#endif
