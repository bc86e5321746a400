#include "in/peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"
#include "base/number.h"
#include "base/put.h"

struct peer peer_of_address(const uint8_t *address, uint16_t port)
{
    struct peer peer = {.accounts = accounts_of_address(address)};
    char *p = peer.text;
    p = address_is_v4(address) ? put_ipv4(p, address + ADDRESS_V4_AT)
                               : put_char(put_ipv6(put_char(p, '['), address), ']');
    peer.host_len = (uint8_t)(p - peer.text);
    p = put_u16(put_char(p, ':'), port);
    *p = '\0';
    return peer;
}

/* The 22nd word of proc(5)'s stat, where `text` is what stands behind the name, which may hold
 * anything: the third. 0: there is none. */
static uint64_t start_word(struct span text)
{
    enum { THIRD = 3, START = 22 };
    uint64_t start = 0;
    for (unsigned word = THIRD; text.len > 0 && word < START;
         text = span_of(text.ptr + 1, text.len - 1))
        word += text.ptr[0] == ' ';
    return number_take(&text, &start) ? start : 0;
}

/* When a process began, in ticks since the machine did; 0: it is not known, or gone. */
static uint64_t start_of(pid_t process)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    int fd = process > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, text, sizeof text);
    close(fd);
    const char *name_end = len > 0 ? memrchr(text, ')', (size_t)len) : NULL;
    if (!name_end || len - (name_end - text) < 2)
        return 0;
    return start_word(span_of(name_end + 2, (size_t)(text + len - name_end) - 2));
}

struct peer peer_of_process(int fd)
{
    struct ucred cred = {0};
    socklen_t len = sizeof cred;
    struct peer peer;
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
    peer.accounts = accounts_of_process(cred.uid, cred.pid, start_of(cred.pid));
    snprintf(peer.text, sizeof peer.text, "unix:pid=%d", (int)cred.pid);
    peer.host_len = (uint8_t)strlen(peer.text);
    return peer;
}
