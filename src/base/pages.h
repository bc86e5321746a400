/*
 * Large arrays, of whole pages: huge ones where the system has them and the array fills some, since
 * random places in some megabytes cost more for the look-up of their page than for the memory
 * itself. Zeroed; a page that nobody touches costs nothing.
 */
#ifndef SPILE_BASE_PAGES_H
#define SPILE_BASE_PAGES_H

#include <stddef.h>

/* `size` bytes, at the beginning of a page. NULL: no memory. */
void *pages_alloc(size_t size);
/* What pages_alloc gave for the same size; NULL is fine. */
void pages_free(void *pages, size_t size);

#endif
