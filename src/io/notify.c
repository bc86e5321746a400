#include "io/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"

/* The length of the address; 0: there is none that we know how to reach. A path ends with a NUL,
 * an abstract name begins with one. */
static socklen_t address_of(const char *name, struct sockaddr_un *address)
{
    size_t len = name ? strlen(name) : 0;
    if (len < 2 || (name[0] != '/' && name[0] != '@') || len >= sizeof address->sun_path)
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, len);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
}

bool notify_send(const char *state)
{
    const struct timeval patience = {.tv_sec = 1};
    struct sockaddr_un address;
    socklen_t address_len = address_of(getenv("NOTIFY_SOCKET"), &address);
    int fd = address_len > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return false;
    size_t len = strlen(state);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ssize_t sent = sendto(fd, state, len, MSG_NOSIGNAL,
                          (const struct sockaddr *)(const void *)&address, address_len);
    close(fd);
    return sent == (ssize_t)len;
}

bool notify_reloading(void)
{
    char state[64];
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)(clock_ns() / 1000));
    return notify_send(state);
}

uint64_t notify_watchdog_ns(void)
{
    const char *every = getenv("WATCHDOG_USEC"), *whom = getenv("WATCHDOG_PID");
    uint64_t us = 0, pid;
    if (!every || !number_parse(span_str(every), UINT64_MAX / 1000, &us))
        return 0;
    if (whom && (!number_parse(span_str(whom), INT32_MAX, &pid) || (pid_t)pid != getpid()))
        return 0;
    return us * 1000;
}
