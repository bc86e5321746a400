/* A network that nobody else is on, for tests that take ports by their numbers. */
#ifndef TESTS_SUPPORT_NETWORK_H
#define TESTS_SUPPORT_NETWORK_H

#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Moves the process into a network namespace of its own, with its loopback up. False, and a word of
 * why on standard error, where the kernel does not let us: the ports are then those of the machine.
 * Before any thread is started. */
static inline bool network_alone(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (unshare(CLONE_NEWNET) < 0) {
        perror("no network namespace of our own, so ports may be taken");
        return false;
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
    if (!up)
        perror("no loopback in the network namespace");
    if (fd >= 0)
        close(fd);
    return up;
}

#endif
