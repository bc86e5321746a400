/* Files and sockets in folders, by descriptor: which places are refused, and what becomes of what
 * is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/folder.h"

enum { STRANGER = 12345 };

static char home[] = "/tmp/spile-folder-XXXXXX";

static int begin(void **state)
{
    (void)state;
    snprintf(home, sizeof home, "/tmp/spile-folder-XXXXXX");
    return mkdtemp(home) && chmod(home, 0755) == 0 && chdir(home) == 0 ? 0 : -1;
}

static int end(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", home);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void write_to(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_holds(const char *name, const char *text)
{
    char got[64] = "";
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    size_t len = fread(got, 1, sizeof got - 1, file);
    fclose(file);
    got[len] = '\0';
    assert_string_equal(got, text);
}

/* How many names there are, hidden ones too. */
static size_t count_files(void)
{
    glob_t found;
    int rc = glob(".[!.]*", 0, NULL, &found);
    size_t count = rc == 0 ? found.gl_pathc : 0;
    globfree(&found);
    rc = glob("*", 0, NULL, &found);
    count += rc == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return count;
}

/* -1: refused, with `part` in the reason. */
static void assert_refused(int rc, int error, const struct error *why, const char *part)
{
    assert_int_equal(rc, -1);
    assert_int_equal(errno, error);
    if (!strstr(why->text, part))
        fail_msg("'%s' is not in '%s'", part, why->text);
}

/* --- folders -------------------------------------------------------------------------------- */

static void by_modes_and_owners(void **state)
{
    static const struct {
        mode_t mode;
        uid_t uid;
        gid_t gid; /* 0: ours */
        bool fine;
        bool shared, foreign;
        const char *note; /* a part of what root is told */
    } rows[] = {
        {0700, 0, 0, true, false, false, NULL},
        {0775, 0, 0, true, false, false, NULL}, /* a group of ours is as good as we are */
        {0777, 0, 0, false, false, false, NULL},
        {01777, 0, 0, true, true, false, NULL},
        {0775, 0, STRANGER, true, true, false, "group 12345 may write to the folder"},
        {0777, 0, STRANGER, false, false, false, NULL},
        {01775, 0, STRANGER, true, true, false, NULL},
        {0755, 0, STRANGER, true, false, false, NULL},
        {0755, STRANGER, 0, true, true, true, "belongs to user 12345, who can remove"},
        {0775, STRANGER, STRANGER, true, true, true, "place; so can group 12345"},
        {0757, STRANGER, 0, false, false, false, NULL},
    };
    struct folder folder;
    struct error why;
    (void)state;
    assert_int_equal(mkdir("in", 0700), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (geteuid() != 0 && (rows[i].uid || rows[i].gid)) {
            print_message("row %zu: skipped: only root can give a folder away\n", i);
            continue;
        }
        uid_t uid = rows[i].uid ? rows[i].uid : geteuid();
        gid_t gid = rows[i].gid ? rows[i].gid : getegid();
        assert_int_equal(chown("in", uid, gid) | chmod("in", rows[i].mode), 0);
        int rc = folder_open(&folder, "in/file", &why);
        if (!rows[i].fine) {
            assert_refused(rc, EPERM, &why, "others");
            assert_non_null(strstr(why.text, "the folder in, "));
            assert_non_null(strstr(why.text, "a folder of its own"));
            assert_non_null(strstr(why.text, "+t"));
            continue;
        }
        if (rc)
            fail_msg("row %zu: %s", i, why.text);
        assert_string_equal(folder.name, "file");
        assert_int_equal(folder.shared, rows[i].shared);
        assert_int_equal(folder.foreign, rows[i].foreign);
        assert_int_equal(folder_note(&folder, "in/file", FOLDER_REPLACES, &why),
                         rows[i].note != NULL);
        if (rows[i].note && !strstr(why.text, rows[i].note))
            fail_msg("'%s' is not in '%s'", rows[i].note, why.text);
        folder_close(&folder);
    }
}

static void no_such_folders(void **state)
{
    struct folder folder;
    struct error why;
    char long_name[PATH_MAX] = "";
    (void)state;
    write_to("file", "");
    memset(long_name, 'x', NAME_MAX + 1);
    assert_refused(folder_open(&folder, "none/file", &why), ENOENT, &why, "No such file");
    assert_refused(folder_open(&folder, "file/file", &why), ENOTDIR, &why, "Not a directory");
    assert_refused(folder_open(&folder, "in/", &why), EISDIR, &why, "Is a directory");
    assert_refused(folder_open(&folder, ".", &why), EISDIR, &why, "Is a directory");
    assert_refused(folder_open(&folder, long_name, &why), ENAMETOOLONG, &why, "too long");
    assert_int_equal(folder_open(&folder, "/tmp/x", &why), 0);
    folder_close(&folder);
    assert_int_equal(folder_open(&folder, "/x", &why), 0);
    folder_close(&folder);
    assert_int_equal(folder_open(&folder, "././../../tmp/.././x", &why), 0);
    folder_close(&folder);
}

/* A link on the way is followed where nobody else can have made or turned it. */
static void links_on_the_way(void **state)
{
    struct folder folder;
    struct stat st, wanted;
    struct error why;
    (void)state;
    assert_int_equal(mkdir("real", 0755) | symlink("real", "link") | symlink(home, "whole"), 0);
    assert_int_equal(symlink("round", "round"), 0);
    assert_int_equal(stat("real", &wanted), 0);
    static const char *const ways[] = {"link/x", "whole/link/x", "whole/whole/./real/x"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        assert_int_equal(folder_open(&folder, ways[i], &why), 0);
        assert_int_equal(fstat(folder.fd, &st), 0);
        assert_int_equal(st.st_ino, wanted.st_ino);
        folder_close(&folder);
    }
    assert_refused(folder_open(&folder, "round/x", &why), ELOOP, &why, "links");
    assert_int_equal(chmod(".", 0777), 0);
    assert_refused(folder_open(&folder, "link/x", &why), EPERM, &why, "link is a link");
    assert_int_equal(chmod(".", 01777), 0);
    assert_int_equal(folder_open(&folder, "link/x", &why), 0);
    folder_close(&folder);
    if (geteuid() != 0) {
        print_message("links of others: skipped: only root can make some\n");
        return;
    }
    assert_int_equal(lchown("link", STRANGER, STRANGER), 0);
    assert_refused(folder_open(&folder, "link/x", &why), EPERM, &why, "link is a link");
    assert_int_equal(lchown("link", 0, 0) | chmod(".", 0755) | chown(".", STRANGER, 0), 0);
    assert_refused(folder_open(&folder, "link/x", &why), EPERM, &why, "link is a link");
}

/* --- files ---------------------------------------------------------------------------------- */

static int append_at(const char *path, mode_t mode, struct error *why)
{
    struct folder folder;
    if (folder_open(&folder, path, why))
        return -1;
    int fd = folder_append(&folder, mode, true, why), error = errno;
    folder_close(&folder);
    errno = error;
    return fd;
}

static void modes_are_exact(void **state)
{
    struct error why;
    struct stat st;
    (void)state;
    mode_t old = umask(0777);
    int fd = append_at("new", 0642, &why);
    umask(old);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0642);
    assert_int_equal(write(fd, "a", 1), 1);
    close(fd);
    fd = append_at("new", 0600, &why);
    assert_int_equal(write(fd, "b", 1), 1);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0642); /* of one that was there it stays */
    close(fd);
    assert_holds("new", "ab");
}

static void links_at_the_end(void **state)
{
    struct error why;
    (void)state;
    write_to("victim", "v");
    assert_int_equal(symlink("victim", "link") | symlink("none", "dangling"), 0);
    assert_refused(append_at("link", 0600, &why), EPERM, &why, "it is a link");
    assert_refused(append_at("dangling", 0600, &why), EPERM, &why, "it is a link");
    assert_int_equal(access("none", F_OK), -1);
    assert_refused(folder_probe("link", false, &why), EPERM, &why, "it is a link");
    struct draft draft;
    assert_refused(draft_open(&draft, "link", true, &why), EPERM, &why, "it is a link");
    assert_int_equal(count_files(), 3);
    assert_holds("victim", "v");
    char own[32];
    int open_one = open("victim", O_WRONLY | O_CLOEXEC);
    snprintf(own, sizeof own, "/dev/fd/%d", open_one);
    int fd = append_at(own, 0600, &why); /* one of the system's own links, as /dev/stdout is */
    assert_true(fd >= 0);
    close(open_one);
    close(fd);
}

/* In a folder where others make files, one may have been made for us. */
static void files_of_others(void **state)
{
    struct error why;
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can make files of others\n");
        skip();
    }
    assert_int_equal(chmod(".", 01777), 0);
    write_to("theirs", "");
    write_to("ours", "");
    assert_int_equal(chown("theirs", STRANGER, STRANGER) | mkfifo("fifo", 0666), 0);
    assert_int_equal(chown("fifo", STRANGER, STRANGER) | link("ours", "two"), 0);
    assert_refused(append_at("theirs", 0600, &why), EPERM, &why, "another user");
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    assert_refused(append_at("fifo", 0600, &why), EPERM, &why, "another user");
    close(reader);
    assert_refused(append_at("ours", 0600, &why), EPERM, &why, "hard link");
    assert_int_equal(unlink("two"), 0);
    int fd = append_at("ours", 0600, &why);
    assert_true(fd >= 0);
    close(fd);
    /* In a folder of their own, theirs are what an administrator left there for us. */
    assert_int_equal(chmod(".", 0755) | chown(".", STRANGER, 0), 0);
    fd = append_at("theirs", 0600, &why);
    assert_true(fd >= 0);
    close(fd);
}

/* --- locks ---------------------------------------------------------------------------------- */

static void locks(void **state)
{
    struct folder folder, other;
    struct error why;
    struct stat st;
    (void)state;
    assert_int_equal(folder_open(&folder, "file", &why) | folder_open(&other, "other", &why), 0);
    int lock = folder_lock(&folder, &why), second = folder_lock(&other, &why);
    assert_true(lock >= 0 && second >= 0);
    assert_int_equal(stat(".file.lock", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_refused(folder_lock(&folder, &why), EBUSY, &why, "another Spile writes to it");
    assert_true(folder_locked(&folder, lock));
    assert_int_equal(unlink(".file.lock"), 0);
    assert_false(folder_locked(&folder, lock));
    int again = folder_lock(&folder, &why);
    assert_true(again >= 0);
    folder_unlock(&folder, lock); /* the file is not its any more: it stays */
    assert_true(folder_locked(&folder, again));
    folder_unlock(&folder, again);
    folder_unlock(&other, second);
    folder_unlock(&other, -1);
    assert_int_equal(count_files(), 0);
    assert_int_equal(symlink("victim", ".file.lock"), 0);
    assert_refused(folder_lock(&folder, &why), EPERM, &why, ".file.lock");
    assert_int_equal(access("victim", F_OK), -1);
    folder_close(&folder);
    folder_close(&other);
}

/* Locks as another user, in a process of its own. Its status: 0 locked, else errno. */
static int lock_as(const struct folder *folder, uid_t uid, gid_t gid)
{
    struct error why;
    struct folder own = *folder;
    int status;
    if (fork() == 0) {
        if (setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
            _exit(99);
        _exit(folder_lock(&own, &why) >= 0 ? 0 : errno);
    }
    assert_true(wait(&status) > 0 && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int hold(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    return fd;
}

/* What a program that was killed has left stops nobody who could remove it, whoever ran it. */
static void locks_of_others(void **state)
{
    struct folder folder;
    struct error why;
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can make files of others\n");
        skip();
    }
    static const struct {
        uid_t uid, other;
        gid_t gid, group;
        mode_t mode;
    } rows[] = {
        {STRANGER, STRANGER, 0, STRANGER, 0755},           /* a service's own folder */
        {0, STRANGER, STRANGER, STRANGER, 0775},           /* one of its group's */
        {STRANGER, STRANGER + 1, STRANGER, STRANGER, 0770} /* the same, between two others */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(mkdir("in", 0700) | chown("in", rows[i].uid, rows[i].gid), 0);
        assert_int_equal(chmod("in", rows[i].mode) | folder_open(&folder, "in/file", &why), 0);
        int lock = folder_lock(&folder, &why);
        assert_true(lock >= 0);
        assert_int_equal(lock_as(&folder, rows[i].other, rows[i].group), EBUSY);
        close(lock); /* as the end of a killed program does */
        assert_int_equal(lock_as(&folder, rows[i].other, rows[i].group), 0);
        lock = folder_lock(&folder, &why);
        assert_true(lock >= 0);
        folder_unlock(&folder, lock);
        folder_close(&folder);
        assert_int_equal(rmdir("in"), 0);
    }
}

/* In a folder of all, one that a stranger has made is not used, and root need not wait for him. */
static void locks_in_folders_of_all(void **state)
{
    struct folder folder;
    struct error why;
    struct stat st;
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can make files of others\n");
        skip();
    }
    assert_int_equal(chmod(".", 01777) | folder_open(&folder, "file", &why), 0);
    int theirs = hold(".file.lock");
    assert_int_equal(chown(".file.lock", STRANGER, STRANGER), 0);
    assert_refused(folder_lock(&folder, &why), EPERM, &why,
                   ".file.lock belongs to user 12345: remove it, unless");
    close(theirs);
    int lock = folder_lock(&folder, &why);
    assert_true(lock >= 0);
    assert_int_equal(stat(".file.lock", &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    close(lock);
    assert_int_equal(lock_as(&folder, STRANGER, STRANGER),
                     EPERM); /* he can neither see nor remove it */
    lock = folder_lock(&folder, &why);
    assert_true(lock >= 0);
    folder_unlock(&folder, lock);
    assert_int_equal(count_files(), 0);
    folder_close(&folder);
}

/* --- drafts --------------------------------------------------------------------------------- */

static void drafts(void **state)
{
    struct draft draft;
    struct error why;
    struct stat st;
    (void)state;
    assert_int_equal(draft_open(&draft, "file", true, &why), 0);
    assert_int_equal(access("file", F_OK), -1); /* nothing before it is whole */
    assert_int_equal(write(draft.fd, "one", 3), 3);
    assert_int_equal(draft_commit(&draft, &why), 0);
    assert_holds("file", "one");
    assert_int_equal(chmod("file", 0640), 0);
    assert_int_equal(draft_open(&draft, "file", true, &why), 0);
    assert_int_equal(write(draft.fd, "two", 3), 3);
    draft_drop(&draft);
    assert_holds("file", "one");
    assert_int_equal(draft_open(&draft, "file", true, &why), 0);
    assert_int_equal(write(draft.fd, "2", 1), 1);
    assert_int_equal(draft_commit(&draft, &why), 0);
    assert_holds("file", "2");
    assert_int_equal(stat("file", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(count_files(), 1);
    assert_refused(draft_open(&draft, "file", false, &why), EEXIST, &why, "exists");
    assert_int_equal(draft_open(&draft, "fresh", false, &why), 0);
    assert_int_equal(fputs("mine", draft_stream(&draft)) < 0, 0);
    write_to("fresh", "another's"); /* meanwhile */
    assert_refused(draft_commit(&draft, &why), EEXIST, &why, "exists");
    assert_holds("fresh", "another's");
    assert_int_equal(truncate("fresh", 0) | draft_open(&draft, "fresh", false, &why), 0);
    assert_int_equal(fputs("mine", draft_stream(&draft)) < 0, 0);
    assert_int_equal(draft_commit(&draft, &why), 0);
    assert_holds("fresh", "mine");
    assert_int_equal(unlink("fresh"), 0);
    assert_int_equal(count_files(), 1);
    assert_int_equal(draft_open(&draft, "/dev/null", true, &why), 0);
    assert_int_equal(write(draft.fd, "x", 1), 1);
    assert_int_equal(draft_commit(&draft, &why), 0);
    assert_int_equal(draft_open(&draft, "/dev/full", true, &why), 0);
    for (int i = 0; i < 9999; i++) /* more than a stream holds */
        fputc('x', draft_stream(&draft));
    assert_int_equal(draft_commit(&draft, &why), -1);
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_refused(draft_open(&draft, "folder", true, &why), EISDIR, &why, "Is a directory");
    assert_refused(folder_probe("folder", true, &why), EISDIR, &why, "Is a directory");
    assert_refused(folder_probe("none/file", true, &why), ENOENT, &why, "No such file");
    assert_int_equal(folder_probe("file", true, &why) | folder_probe("new", true, &why), 0);
    assert_int_equal(count_files(), 2);
}

/* What has the name may be a FIFO: its reader is not waited for, but written to like any other. */
static void drafts_into_fifos(void **state)
{
    struct draft draft;
    struct error why;
    char got[8] = "";
    (void)state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    alarm(60); /* so that one that waits fails */
    assert_refused(draft_open(&draft, "fifo", true, &why), ENXIO, &why, "no process reads");
    alarm(0);
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    assert_int_equal(draft_open(&draft, "fifo", true, &why), 0);
    assert_int_equal(fcntl(draft.fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(write(draft.fd, "text", 4), 4);
    assert_int_equal(draft_commit(&draft, &why), 0);
    assert_int_equal(read(reader, got, sizeof got), 4);
    close(reader);
}

/* What a file that is a mount point of its own is like; in a process that sees it alone. */
static void replace_mounted(void)
{
    struct folder folder;
    struct draft draft;
    struct error why;
    struct stat st;
    assert_int_equal(folder_open(&folder, "file", &why), 0);
    assert_true(folder_fixed(&folder));
    assert_false(folder_note(&folder, "file", FOLDER_APPENDS, &why));
    assert_true(folder_note(&folder, "file", FOLDER_REPLACES, &why));
    assert_non_null(strstr(
        why.text, "file: a mount point, as a file that a container is given: it is written"));
    assert_true(folder_note(&folder, "file", FOLDER_ROTATES, &why));
    assert_int_equal(renameat(folder.fd, "file", folder.fd, "other"), -1);
    assert_non_null(strstr(folder_rename_fault(errno), "a mount point, which cannot be renamed"));
    folder_close(&folder);
    assert_refused(draft_open(&draft, "file", false, &why), EEXIST, &why, "exists");
    assert_holds("file", "of old");
    assert_int_equal(folder_probe("file", true, &why) | draft_open(&draft, "file", true, &why), 0);
    assert_int_equal(write(draft.fd, "new", 3), 3);
    assert_int_equal(draft_commit(&draft, &why), 0);
    assert_holds("file", "new");
    assert_int_equal(stat("file", &st), 0);
    assert_int_equal(chmod(".", 0500),
                     0); /* what counts is whether the file itself can be written */
    assert_int_equal(folder_probe("file", true, &why), 0);
    _exit(0);
}

static void drafts_onto_mounts(void **state)
{
    int status;
    (void)state;
    write_to("file", "");
    write_to("mounted", "of old");
    if (fork() == 0) {
        if (unshare(geteuid() ? CLONE_NEWNS | CLONE_NEWUSER : CLONE_NEWNS) ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
            mount("mounted", "file", NULL, MS_BIND, NULL))
            _exit(77);
        replace_mounted();
    }
    assert_true(wait(&status) > 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("skipped: nothing can be mounted here\n");
        skip();
    }
    assert_int_equal(status, 0);
    assert_holds("mounted", "new");
    assert_holds("file", "");
    assert_int_equal(chmod(".", 0755), 0);
    assert_int_equal(count_files(), 2);
}

/* --- sockets -------------------------------------------------------------------------------- */

static int socket_at(const struct folder *folder, struct stat *placed, struct error *why)
{
    static const struct folder_socket wanted = {.mode = 0622, .uid = -1, .gid = -1, .backlog = 8};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (folder_bind(folder, fd, &wanted, placed, why) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void sockets(void **state)
{
    struct folder folder;
    struct stat placed, other, st;
    struct error why;
    (void)state;
    assert_int_equal(folder_open(&folder, "sock", &why), 0);
    mode_t old = umask(0777); /* which is not asked */
    int fd = socket_at(&folder, &placed, &why);
    umask(old);
    assert_true(fd >= 0);
    assert_int_equal(stat("sock", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0622);
    assert_int_equal(st.st_ino, placed.st_ino);
    assert_int_equal(count_files(), 1);
    assert_refused(socket_at(&folder, &other, &why), EADDRINUSE, &why, "another program uses it");
    close(fd); /* left behind: it can be replaced */
    fd = socket_at(&folder, &other, &why);
    assert_true(fd >= 0);
    folder_unbind(&folder, &placed); /* is another one's now */
    assert_int_equal(count_files(), 1);
    folder_unbind(&folder, &other);
    assert_int_equal(count_files(), 0);
    close(fd);
    write_to("sock", "x");
    assert_refused(socket_at(&folder, &other, &why), EADDRINUSE, &why, "no socket");
    assert_int_equal(unlink("sock") | symlink("victim", "sock"), 0);
    assert_refused(socket_at(&folder, &other, &why), EADDRINUSE, &why, "no socket");
    assert_int_equal(count_files(), 1);
    folder_close(&folder);
}

/* How many connections wait at the socket. */
static int waiting_at(int fd)
{
    int count = 0;
    for (int peer; (peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0; count++)
        close(peer);
    return count;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int rc = connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return rc;
}

/* One of ours that is served gives its place to another one, in one step. */
static void sockets_follow(void **state)
{
    const struct folder_socket wanted = {
        .mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1, .backlog = 5};
    struct folder_chamber chamber;
    struct folder folder;
    struct stat placed, first, st;
    struct error why;
    (void)state;
    assert_int_equal(folder_open(&folder, "sock", &why), 0);
    int before = socket_at(&folder, &placed, &why);
    int after = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    first = placed;
    fcntl(before, F_SETFL, O_NONBLOCK);
    assert_int_equal(folder_prepare(&folder, after, &wanted, &chamber, &why), 0);
    assert_int_equal(connect_to("sock"), 0);
    assert_int_equal(waiting_at(before), 1);
    assert_int_equal(folder_replace(&folder, &chamber, &placed, &why), 0);
    assert_int_equal(connect_to("sock"), 0);
    assert_int_equal(waiting_at(before), 0);
    assert_int_equal(waiting_at(after), 1);
    assert_int_equal(stat("sock", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_ino, placed.st_ino);
    assert_int_equal(count_files(), 1);
    close(before);
    before = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(folder_prepare(&folder, before, &wanted, &chamber, &why), 0);
    assert_refused(folder_replace(&folder, &chamber, &first, &why), EADDRINUSE, &why,
                   "another program uses it"); /* it is not what stands there any more */
    assert_int_equal(connect_to("sock"), 0);
    assert_int_equal(waiting_at(after), 1);
    assert_int_equal(count_files(), 1);
    folder_unbind(&folder, &placed);
    assert_int_equal(count_files(), 0);
    close(before);
    close(after);
    folder_close(&folder);
}

/* Many at once for the place of a socket left behind: one has it, and the others say so. */
static void one_of_many_sockets(void **state)
{
    enum { PROCESSES = 8 };
    struct folder folder;
    struct stat placed;
    struct error why;
    int ready[2], done[2], won = 0;
    char byte;
    (void)state;
    assert_int_equal(folder_open(&folder, "sock", &why), 0);
    int left = socket_at(&folder, &placed, &why);
    close(left);
    assert_int_equal(pipe(ready) | pipe(done), 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork())
            continue;
        close(ready[1]);
        close(done[1]);
        bool mine = read(ready[0], &byte, 1) == 0 && socket_at(&folder, &placed, &why) >= 0;
        char verdict = (char)(mine ? 'w' : errno == EADDRINUSE ? 'l' : '?');
        int fd = open("verdicts", O_WRONLY | O_CREAT | O_APPEND, 0600);
        _exit(write(fd, &verdict, 1) != 1 || close(fd) || read(done[0], &byte, 1) != 0);
    }
    close(ready[1]); /* go */
    struct stat st = {0};
    while (st.st_size < PROCESSES)
        stat("verdicts", &st);
    FILE *verdicts = fopen("verdicts", "r");
    for (int c; (c = fgetc(verdicts)) != EOF;) {
        assert_int_not_equal(c, '?');
        won += c == 'w';
    }
    fclose(verdicts);
    assert_int_equal(won, 1);
    close(done[1]);
    for (int i = 0; i < PROCESSES; i++)
        assert_true(wait(NULL) > 0);
    assert_int_equal(count_files(), 2);
    close(ready[0]);
    close(done[0]);
    folder_close(&folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(by_modes_and_owners),
        TEST(no_such_folders),
        TEST(links_on_the_way),
        TEST(modes_are_exact),
        TEST(links_at_the_end),
        TEST(files_of_others),
        TEST(locks),
        TEST(locks_of_others),
        TEST(locks_in_folders_of_all),
        TEST(drafts),
        TEST(drafts_into_fifos),
        TEST(drafts_onto_mounts),
        TEST(sockets),
        TEST(sockets_follow),
        TEST(one_of_many_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
