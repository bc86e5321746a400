#include "io/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* A signal handler has no other way to reach its program than through the process's own state. */
static volatile sig_atomic_t seen;
static int wake_fd = -1;

static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    seen = 1;
    eventfd_write(wake_fd, 1);
    errno = saved;
}

int interrupt_open(void)
{
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0)
        return -1;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
        return -1;
    return 0;
}

bool interrupt_seen(void)
{
    return seen;
}

uint64_t interrupt_clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int interrupt_wait(int fd, short events, uint64_t until_ns)
{
    struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = fd, .events = events}};
    while (!seen) {
        uint64_t now_ns = interrupt_clock_ns();
        if (now_ns >= until_ns)
            return 0;
        uint64_t left_ns = until_ns - now_ns;
        struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000),
                                .tv_nsec = (long)(left_ns % 1000000000)};
        int shown = ppoll(fds, 2, until_ns == UINT64_MAX ? NULL : &left, NULL);
        if (shown < 0 && errno != EINTR)
            return 0;
        if (shown > 0 && fds[1].revents)
            return fds[1].revents;
    }
    return 0;
}
