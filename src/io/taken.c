#include "io/taken.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

bool taken_lacks(int fd)
{
    int unsent = 0;
    return ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0;
}

uint64_t taken_bytes(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) ? 0 : info.tcpi_bytes_acked;
}
