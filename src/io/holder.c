#include "io/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { LISTENS = 0x0a, LINK_MAX_BYTES = 40, REPLY_BYTES = 32768 };

/* The inode of the socket, if this line of /proc/net/tcp (see proc(5)) is one that listens at the
 * port; else 0. */
static unsigned long tcp_line(const char *line, const void *wanted)
{
    unsigned port, state;
    unsigned long inode;
    if (sscanf(line, " %*u: %*[0-9A-F]:%x %*s %x %*s %*s %*s %*s %*s %lu", &port, &state, &inode) !=
        3)
        return 0;
    return port == *(const uint16_t *)wanted && state == LISTENS ? inode : 0;
}

/* --- unix sockets, asked of sock_diag(7): in /proc/net/unix a name with a newline makes a line of
 * its own --- */

/* What is looked for: who bound the path, or whose file is there now, which may have been renamed
 * since it was bound, as ours is (io/folder.h). */
struct wanted {
    const char *path;
    struct stat file;
};

/* The kernel's numbers of devices have 20 bits of minor, and it shows 32 bits of the inode. */
static bool is_file(const struct unix_diag_vfs *vfs, const struct stat *file)
{
    return vfs->udiag_vfs_ino == (uint32_t)file->st_ino &&
           vfs->udiag_vfs_dev >> 20 == major(file->st_dev) &&
           (vfs->udiag_vfs_dev & 0xfffff) == minor(file->st_dev);
}

/* The name has a terminating byte, unless it fills its place in the address. */
static bool is_name(const char *name, size_t size, const char *path)
{
    return strnlen(name, size) == strlen(path) && memcmp(name, path, strlen(path)) == 0;
}

static bool is_wanted(const struct nlmsghdr *message, const struct wanted *wanted)
{
    const struct unix_diag_msg *socket = NLMSG_DATA(message);
    int left = (int)NLMSG_PAYLOAD(message, sizeof *socket);
    const struct rtattr *attr = (const void *)(socket + 1);
    for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
        const void *data = RTA_DATA(attr);
        size_t size = RTA_PAYLOAD(attr);
        if (attr->rta_type == UNIX_DIAG_VFS && size >= sizeof(struct unix_diag_vfs) &&
            is_file(data, &wanted->file))
            return true;
        if (attr->rta_type == UNIX_DIAG_NAME && is_name(data, size, wanted->path))
            return true;
    }
    return false;
}

/* Asks for all unix sockets that listen. False: the kernel cannot be asked. */
static bool ask(int fd)
{
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } message = {
        .header = {.nlmsg_len = sizeof message,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = AF_UNIX,
                    .udiag_states = 1U << LISTENS,
                    .udiag_show = UDIAG_SHOW_VFS | UDIAG_SHOW_NAME},
    };
    return send(fd, &message, sizeof message, 0) == sizeof message;
}

/* The inode of the socket that listens there; 0: none, or not known. */
static unsigned long unix_inode(const struct wanted *wanted)
{
    static const struct timeval patience = {.tv_sec = 1};
    _Alignas(struct nlmsghdr) char reply[REPLY_BYTES];
    unsigned long inode = 0;
    bool more = true;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    more = ask(fd);
    while (more && inode == 0) {
        ssize_t left = recv(fd, reply, sizeof reply, 0);
        const struct nlmsghdr *message = (const void *)reply;
        more = left > 0;
        for (; left > 0 && NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
            bool data = message->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
                        message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg));
            more &= data;
            if (data && is_wanted(message, wanted))
                inode = ((const struct unix_diag_msg *)NLMSG_DATA(message))->udiag_ino;
        }
    }
    close(fd);
    return inode;
}

/* The first inode that `match` finds in the lines of the file; 0: none. */
static unsigned long find_inode(const char *file,
                                unsigned long (*match)(const char *line, const void *wanted),
                                const void *wanted)
{
    char line[PATH_MAX];
    unsigned long inode = 0;
    FILE *sockets = fopen(file, "re");
    while (sockets && inode == 0 && fgets(line, sizeof line, sockets))
        inode = match(line, wanted);
    if (sockets)
        fclose(sockets);
    return inode;
}

/* Whether a descriptor, /proc/PID/fd/N, is the wanted one. */
static bool is_socket(const char *path, const void *wanted)
{
    char link[LINK_MAX_BYTES];
    ssize_t len = readlink(path, link, sizeof link - 1);
    link[len > 0 ? len : 0] = '\0';
    return strcmp(link, wanted) == 0;
}

/* The link's own permissions say what the descriptor is for, proc(5). */
static bool reads_file(const char *path, const void *wanted)
{
    const struct stat *file = wanted;
    struct stat here, link;
    return stat(path, &here) == 0 && here.st_dev == file->st_dev && here.st_ino == file->st_ino &&
           lstat(path, &link) == 0 && link.st_mode & S_IRUSR;
}

/* True when one of the descriptors in this folder, /proc/PID/fd, is wanted. */
static bool has_descriptor(const char *folder, bool (*test)(const char *path, const void *wanted),
                           const void *wanted)
{
    char path[64];
    bool found = false;
    const struct dirent *entry;
    DIR *descriptors = opendir(folder);
    while (descriptors && !found && (entry = readdir(descriptors))) {
        snprintf(path, sizeof path, "%.30s/%.20s", folder, entry->d_name);
        found = test(path, wanted);
    }
    if (descriptors)
        closedir(descriptors);
    return found;
}

/* The first process that has such a descriptor; 0: none is seen. */
static int find_process(bool (*test)(const char *path, const void *wanted), const void *wanted)
{
    char folder[64];
    int pid = 0;
    const struct dirent *entry;
    DIR *processes = opendir("/proc");
    while (processes && pid == 0 && (entry = readdir(processes))) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(folder, sizeof folder, "/proc/%.20s/fd", entry->d_name);
        if (has_descriptor(folder, test, wanted))
            pid = atoi(entry->d_name);
    }
    if (processes)
        closedir(processes);
    return pid;
}

static void read_name(struct holder *holder)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", holder->pid);
    FILE *comm = fopen(path, "re");
    if (comm && fgets(holder->name, sizeof holder->name, comm))
        holder->name[strcspn(holder->name, "\n")] = '\0';
    if (comm)
        fclose(comm);
}

static struct holder holder_of(unsigned long inode)
{
    char wanted[LINK_MAX_BYTES];
    struct holder holder = {0};
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    if (inode)
        holder.pid = find_process(is_socket, wanted);
    if (holder.pid)
        read_name(&holder);
    return holder;
}

static unsigned long socket_inode(const char *path)
{
    struct wanted wanted = {.path = path};
    return lstat(path, &wanted.file) == 0 && S_ISSOCK(wanted.file.st_mode) ? unix_inode(&wanted)
                                                                           : 0;
}

bool holder_listens(const char *path)
{
    return socket_inode(path) != 0;
}

struct holder holder_of_socket(const char *path)
{
    return holder_of(socket_inode(path));
}

struct holder holder_of_port(uint16_t port)
{
    unsigned long inode = find_inode("/proc/net/tcp", tcp_line, &port);
    return holder_of(inode ? inode : find_inode("/proc/net/tcp6", tcp_line, &port));
}

bool holder_reads(const char *fifo)
{
    struct stat st;
    return stat(fifo, &st) == 0 && find_process(reads_file, &st) != 0;
}

bool holder_is_spile(const struct holder *holder)
{
    return strcmp(holder->name, "spile") == 0;
}
