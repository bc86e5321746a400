/* What each thread of the program sets for itself before it begins its work. */
#ifndef SPILE_BASE_THREAD_H
#define SPILE_BASE_THREAD_H

/* Blocks every signal on this thread but `kept` (0: none) and those that say that the program is
 * broken. SIGPIPE and SIGXFSZ are thus errors of write(2) here, and signals for the program go to
 * the threads that expect them. */
void thread_block_signals(int kept);

/* This thread works when nobody else wants the processor or the disk. */
void thread_background(void);

#endif
