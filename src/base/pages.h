/*
 * Large zeroed arrays in whole pages; a page that nobody touches costs nothing. An array that fills
 * huge pages gets them where the system has them: access at random to megabytes of small pages
 * spends more time on finding the page (TLB misses) than on the memory.
 */
#ifndef SPILE_BASE_PAGES_H
#define SPILE_BASE_PAGES_H

#include <stddef.h>

/* `size` bytes, at the beginning of a page. NULL: no memory. */
void *pages_alloc(size_t size);
/* What pages_alloc gave for the same size; NULL is fine. */
void pages_free(void *pages, size_t size);
/* Gives whole pages within an array back to the system for now. They are zeros when they are
 * touched again; what is before and behind them stays, so nothing may be needed of all `size`
 * bytes. */
void pages_forget(void *at, size_t size);
/* A part of an array that fills from its beginning and is seldom read: it does without huge pages,
 * of which the first one would be taken at once. */
void pages_small(void *at, size_t size);

#endif
