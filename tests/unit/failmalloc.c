#include "failmalloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

static atomic_uint calls;
static atomic_uint failing; /* 0: none */

void failmalloc_start(unsigned nth)
{
    atomic_store(&calls, 0);
    atomic_store(&failing, nth);
}

bool failmalloc_stop(void)
{
    unsigned nth = atomic_exchange(&failing, 0);
    return nth && atomic_load(&calls) >= nth;
}

unsigned failmalloc_count(void)
{
    return atomic_load(&calls);
}

/* True when this call is the one that must fail. */
static bool fails(void)
{
    if (atomic_fetch_add(&calls, 1) + 1 != atomic_load(&failing))
        return false;
    errno = ENOMEM;
    return true;
}

/* One pair a function: the library's own, under the name that the linker gives it, and ours. */
#define WRAP(name, parameters, arguments)                                                          \
    void *__real_##name parameters;                                                                \
    void *__wrap_##name parameters;                                                                \
    void *__wrap_##name parameters                                                                 \
    {                                                                                              \
        return fails() ? NULL : __real_##name arguments;                                           \
    }

WRAP(malloc, (size_t size), (size))
WRAP(calloc, (size_t count, size_t size), (count, size))
WRAP(realloc, (void *old, size_t size), (old, size))
WRAP(aligned_alloc, (size_t alignment, size_t size), (alignment, size))
WRAP(strdup, (const char *text), (text))
WRAP(strndup, (const char *text, size_t size), (text, size))

/* Large arrays come from here (base/pages.h); with 64-bit offsets it has this name. */
void *__real_mmap64(void *at, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int file, off_t offset)
{
    return fails() ? MAP_FAILED : __real_mmap64(at, size, protection, flags, file, offset);
}
