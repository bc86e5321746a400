#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 << 20 };

void *pages_alloc(size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    /* A huge page can stand only at a multiple of its size: what lies before and behind is given
     * back, so that pages_free need know no more than the size. */
    size_t room = size >= HUGE_PAGE ? size + HUGE_PAGE : size;
    uint8_t *start =
        mmap(NULL, room ? room : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    if (room == size)
        return start;
    size_t before = (HUGE_PAGE - (uintptr_t)start % HUGE_PAGE) % HUGE_PAGE;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), kept = (size + page - 1) / page * page;
    if (before > 0)
        munmap(start, before);
    if (room - before > kept)
        munmap(start + before + kept, room - before - kept);
    madvise(start + before, kept, MADV_HUGEPAGE); /* a wish: without it all is the same, slower */
    return start + before;
}

void pages_free(void *pages, size_t size)
{
    if (pages)
        munmap(pages, size ? size : 1);
}
