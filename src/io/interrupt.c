#include "io/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

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

int interrupt_wait(int fd, short events, uint64_t until_ns)
{
    struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = fd, .events = events}};
    while (!seen) {
        uint64_t now_ns = clock_ns();
        if (now_ns >= until_ns)
            return 0;
        uint64_t left_ns = until_ns - now_ns;
        struct timespec left = clock_timespec(left_ns);
        int shown = ppoll(fds, 2, until_ns == UINT64_MAX ? NULL : &left, NULL);
        if (shown < 0 && errno != EINTR)
            return 0;
        if (shown > 0 && fds[1].revents)
            return fds[1].revents;
    }
    return 0;
}
