#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 << 20, WORTH_ONE = HUGE_PAGE / 2 };

/* What is really taken for `size` bytes. */
static size_t whole_pages(size_t size)
{
    size_t page = size >= WORTH_ONE ? HUGE_PAGE : (size_t)sysconf(_SC_PAGESIZE);
    return size ? (size + page - 1) / page * page : page;
}

void *pages_alloc(size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    /* A huge page can stand only at a multiple of its size: what lies before and behind is given
     * back, so that pages_free need know no more than the size. */
    size_t kept = whole_pages(size), extra = size >= WORTH_ONE ? HUGE_PAGE : 0;
    uint8_t *start =
        mmap(NULL, kept + extra, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    if (extra == 0)
        return start;
    size_t before = (HUGE_PAGE - (uintptr_t)start % HUGE_PAGE) % HUGE_PAGE;
    if (before > 0)
        munmap(start, before);
    if (extra > before)
        munmap(start + before + kept, extra - before);
    madvise(start + before, kept, MADV_HUGEPAGE); /* a wish: without it all is the same, slower */
    return start + before;
}

void pages_free(void *pages, size_t size)
{
    if (pages)
        munmap(pages, whole_pages(size));
}

/* Of the pages that lie in it wholly. */
static void advise(void *at, size_t size, int advice)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), before = (page - (uintptr_t)at % page) % page;
    if (size >= before + page)
        madvise((uint8_t *)at + before, (size - before) / page * page, advice);
}

void pages_forget(void *at, size_t size)
{
    advise(at, size, MADV_DONTNEED);
}

void pages_small(void *at, size_t size)
{
    advise(at, size, MADV_NOHUGEPAGE);
}
