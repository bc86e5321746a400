#include "io/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "io/folder.h"
#include "io/holder.h"

/* --- files ---------------------------------------------------------------------------------- */

static int fail(const char *path, int error, struct error *err)
{
    return error_set(err, "%.300s: %s", path, strerror(error));
}

/* Where the path's last part begins. */
static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The folder that the path's last part is in, into `folder`. */
static void folder_of(const char *path, char folder[PATH_MAX])
{
    size_t len = (size_t)(base_of(path) - path);
    snprintf(folder, PATH_MAX, "%.*s", (int)(len ? len : 1), len ? path : ".");
}

/* With the rights that opening will have, not those of who called a set-uid program. */
static int may(const char *path, int how, struct error *err)
{
    return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0 ? 0 : fail(path, errno, err);
}

/* A new file can be made at the path. As place_append. */
static int can_make(const char *path, enum folder_use use, struct error *err)
{
    char parent[PATH_MAX];
    struct folder folder;
    struct error why;
    if (folder_open(&folder, path, &why)) {
        int error = errno;
        folder_of(path, parent);
        error_set(err, "%.200s: %s", error == EISDIR ? path : parent, why.text);
        return error == ENOENT ? PLACE_LACKS : -1;
    }
    folder_close(&folder);
    folder_of(path, parent);
    return may(parent, W_OK | X_OK, err) ? -1 : folder_note_at(path, use, err);
}

int place_append(const char *path, enum folder_use use, struct error *err)
{
    struct stat st;
    struct error why;
    if (lstat(path, &st) < 0 && errno == ENOENT)
        return can_make(path, use, err);
    if (folder_probe(path, false, &why))
        return error_set(err, "%.300s: %s", path, why.text);
    if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode) || holder_reads(path))
        return folder_note_at(path, use, err);
    error_set(err,
              "%.300s: no process is seen to read from this FIFO; it can be opened only while "
              "one does",
              path);
    return 1;
}

int place_read(const char *path, struct error *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return fail(path, errno, err);
    return S_ISDIR(st.st_mode) ? fail(path, EISDIR, err) : may(path, R_OK, err);
}

int place_socket(const char *path, struct error *err)
{
    struct stat st;
    bool there = lstat(path, &st) == 0;
    if (there && !S_ISSOCK(st.st_mode))
        return error_set(err, "%.300s: a file that is no socket is there", path);
    if (!there || !holder_listens(path))
        return can_make(path, FOLDER_APPENDS, err);
    error_set(err, "%.300s", path);
    return PLACE_BUSY;
}

static bool is_shared(const struct stat *st)
{
    return S_ISCHR(st->st_mode) || S_ISFIFO(st->st_mode);
}

struct place_file place_file(const char *path)
{
    struct place_file file = {.path = path};
    file.there = stat(path, &file.stat) == 0;
    return file;
}

bool place_same_file(const struct place_file *a, const struct place_file *b)
{
    struct stat x, y;
    char folder[PATH_MAX];
    if (a->there && b->there)
        return a->stat.st_dev == b->stat.st_dev && a->stat.st_ino == b->stat.st_ino &&
               !is_shared(&a->stat);
    if (a->there || b->there)
        return false;
    if (strcmp(a->path, b->path) == 0)
        return true;
    if (strcmp(base_of(a->path), base_of(b->path)) != 0)
        return false;
    folder_of(a->path, folder);
    bool there = stat(folder, &x) == 0;
    folder_of(b->path, folder);
    return there && stat(folder, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* --- addresses ------------------------------------------------------------------------------ */

static int look_up(const char *host, uint16_t port, int flags, struct addrinfo **list)
{
    char text[8];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV | flags};
    snprintf(text, sizeof text, "%u", port);
    return getaddrinfo(host, text, &hints, list);
}

/* Binds for a moment, as listeners do, but does not listen, so that nobody notices. 0, or an errno.
 */
static int try_bind(const struct addrinfo *ai)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    int error = bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 ? 0 : errno;
    close(fd);
    return error;
}

/* As for listeners, one of the host's addresses is enough, if this machine merely lacks the others;
 * any other fault of one of them counts. */
int place_listen(const char *host, uint16_t port, struct error *err)
{
    struct addrinfo *list;
    int failed = look_up(host, port, 0, &list);
    if (failed)
        return error_set(err, "%s: %s", host, gai_strerror(failed));
    int worst = 0;
    bool one = false;
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
        int error = try_bind(ai);
        bool absent = error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
        one |= error == 0;
        if (error && (!absent || !worst))
            worst = error;
    }
    freeaddrinfo(list);
    if (worst == 0 || (one && (worst == EAFNOSUPPORT || worst == EADDRNOTAVAIL)))
        return 0;
    if (worst != EADDRINUSE)
        return error_set(err, "%s port %u: %s", host, port, strerror(worst));
    error_set(err, "%s port %u", host, port);
    return PLACE_BUSY;
}

bool place_address(const struct sockaddr *from, uint8_t *address)
{
    if (from->sa_family == AF_INET)
        address_set_v4(address, &((const struct sockaddr_in *)(const void *)from)->sin_addr);
    else if (from->sa_family == AF_INET6)
        memcpy(address, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
               ADDRESS_BYTES);
    else
        return false;
    return true;
}

/* Every address of this machine; that of IPv6 has those of IPv4, too. */
static bool is_any(const uint8_t bytes[16])
{
    static const uint8_t zero[16];
    return memcmp(bytes, zero, 16) == 0 ||
           (address_is_v4(bytes) && memcmp(bytes + ADDRESS_V4_AT, zero, 4) == 0);
}

static bool in_the_way(const uint8_t a[16], const uint8_t b[16])
{
    static const uint8_t zero[16];
    if (memcmp(a, b, 16) == 0 || memcmp(a, zero, 16) == 0 || memcmp(b, zero, 16) == 0)
        return true;
    return address_is_v4(a) == address_is_v4(b) && (is_any(a) || is_any(b));
}

/* localhost is known without asking. */
static int flags_for(const char *host, bool resolve)
{
    return resolve || strcasecmp(host, "localhost") == 0 ? 0 : AI_NUMERICHOST;
}

bool place_same_host(const char *a, const char *b, bool resolve)
{
    struct addrinfo *first, *second;
    if (strcasecmp(a, b) == 0)
        return true;
    if (look_up(a, 0, flags_for(a, resolve), &first))
        return false;
    bool same = false;
    if (look_up(b, 0, flags_for(b, resolve), &second) == 0) {
        for (const struct addrinfo *x = first; x; x = x->ai_next) {
            for (const struct addrinfo *y = second; y; y = y->ai_next) {
                uint8_t left[ADDRESS_BYTES], right[ADDRESS_BYTES];
                same |= place_address(x->ai_addr, left) && place_address(y->ai_addr, right) &&
                        in_the_way(left, right);
            }
        }
        freeaddrinfo(second);
    }
    freeaddrinfo(first);
    return same;
}

int place_loopback(const char *host, bool resolve)
{
    struct addrinfo *list;
    uint8_t address[ADDRESS_BYTES];
    if (look_up(host, 0, flags_for(host, resolve), &list))
        return -1;
    bool loopback = true;
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next)
        loopback &= place_address(ai->ai_addr, address) && address_is_loopback(address);
    freeaddrinfo(list);
    return loopback;
}
