/* What each thread of the program sets for itself before it begins its work, and what threads wait
 * at. */
#ifndef SPILE_BASE_THREAD_H
#define SPILE_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

/* Blocks every signal on this thread but `kept` (0: none) and those that say that the program is
 * broken. SIGPIPE and SIGXFSZ are thus errors of write(2) here, and signals for the program go to
 * the threads that expect them. */
void thread_block_signals(int kept);

/* What ps -L and top -H call this thread; 15 bytes of it. */
void thread_name(const char *name);
/* Both: how a thread begins. */
void thread_begin(const char *name, int kept);

/* This thread works when nobody else wants the processor or the disk. */
void thread_background(void);

/* This thread would rather have the processor often than for long: where others want it, too, it is
 * not kept waiting while each of them has a slice of milliseconds. It gets no more of it for that.
 * Linux knows that since 6.12 (sched(7)); before, nothing changes. */
void thread_prompt(void);

/* A descriptor by which this thread asks how long it has waited for a processor; -1: the system
 * does not tell, or has no descriptor left. To be closed. */
int thread_waits_open(void);
/* In nanoseconds since the thread began; 0: not known. Linux: schedstat of proc(5). */
uint64_t thread_waited(int fd);

/* A condition whose timed waits go by clock_ns: give them clock_timespec of a moment. */
void thread_cond_init(pthread_cond_t *cond);

/* A lock whose readers do not keep a writer out for ever: while one waits, no new ones come in. So
 * who reads must not lock it for reading once more. */
void thread_rwlock_init(pthread_rwlock_t *lock);

#endif
