#include "base/thread.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void thread_block_signals(int kept)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t blocked;
    sigfillset(&blocked);
    if (kept)
        sigdelset(&blocked, kept);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
}

void thread_name(const char *name)
{
    prctl(PR_SET_NAME, name);
}

void thread_begin(const char *name, int kept)
{
    thread_name(name);
    thread_block_signals(kept);
}

void thread_background(void)
{
    /* linux/ioprio.h: who is this thread (1, 0), class idle (3) in the upper three bits. */
    enum { IOPRIO_THREAD = 1, IOPRIO_IDLE = 3 << 13 };
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19); /* on Linux, of a thread */
    syscall(SYS_ioprio_set, IOPRIO_THREAD, 0, IOPRIO_IDLE);
}

void thread_prompt(void)
{
    enum { SLICE_NS = 100000 /* the least that there is */ };
    struct { /* sched_attr(2), in the first of its versions; the library does not know it */
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attr = {0};
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0) < 0)
        return;
    attr.runtime = SLICE_NS;
    syscall(SYS_sched_setattr, 0, &attr, 0);
}

int thread_waits_open(void)
{
    return open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
}

uint64_t thread_waited(int fd)
{
    char text[128];
    ssize_t len = fd >= 0 ? pread(fd, text, sizeof text, 0) : 0;
    uint64_t numbers[2] = {0}; /* how long it ran, and waited; then, how often it ran */
    for (ssize_t i = 0, n = 0; i < len && n < 2; i++) {
        if (text[i] >= '0' && text[i] <= '9')
            numbers[n] = numbers[n] * 10 + (uint64_t)(text[i] - '0');
        else
            n++;
    }
    return numbers[1];
}

void thread_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void thread_rwlock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t fair;
    pthread_rwlockattr_init(&fair);
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &fair);
    pthread_rwlockattr_destroy(&fair);
}
