#include "core/descriptors.h"

#include <dirent.h>
#include <sys/resource.h>

enum {
    MAIN = 10,  /* the main thread's loop, its signals, those of the C library */
    WORKER = 4, /* a loop and its wake-up; what it asks how long it waits */
    OUTPUT = 6, /* a file, its folder and lock, a file that is compressed and what comes of it */
    INPUT = 6 + DESCRIPTORS_CONNECTIONS, /* a socket, its folder, a file that is read */
    SPARE = 8,                           /* a look at /proc, a connection that is refused */
    STANDARD = 3,
};

/* With many descriptors closed at exec time this is small: standard input and output. */
static uint64_t open_now(void)
{
    uint64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return STANDARD;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1; /* the folder itself */
}

static uint64_t raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return UINT64_MAX;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

struct descriptors descriptors_plan(const struct config *config, unsigned workers)
{
    uint64_t own = MAIN + (uint64_t)WORKER * workers + OUTPUT * config->output_count +
                   INPUT * config->input_count + SPARE;
    return (struct descriptors){.allowed = raise_limit(), .needed = open_now() + own};
}

struct descriptors descriptors_now(void)
{
    return (struct descriptors){.allowed = raise_limit(), .needed = open_now() + SPARE};
}

int descriptors_check(const struct descriptors *plan, struct error *err)
{
    if (plan->allowed >= plan->needed)
        return 0;
    return error_set(err,
                     "%llu files may be open, and this needs at least %llu: raise the limit "
                     "(ulimit -n, or LimitNOFILE= of the service)",
                     (unsigned long long)plan->allowed, (unsigned long long)plan->needed);
}
